"""Data sets of every kind of task: which rule fires, shifts, splits, and one answer however it is asked for."""

from __future__ import annotations

import gc
import pickle
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from effort import slow_but
from test_sampling_statistics import WORST, excess

from markovlib import Dataset, Recipe, RecipeError, _columns, _stream, _template
from markovlib._stream import fail_allocations_after
from markovlib.dataset import stream_key
from markovlib.examples import ALL_COLUMNS
from markovlib.testing import oracle

BLOCK = 65_536
BASE = Recipe.from_toml("""
examples = 3000
instructions = 100
[rules]
alphabet = "a-j"
pattern_length = 3
replacement_length = 2
[words]
length = [12, 18]
no_op = 0.2
[eval]
examples = 1000
""")
SEVERAL: dict[str, Any] = {"rules.per_example": 3, "words.length": 20}
RUN: dict[str, Any] = {"task.kind": "run", "rules.per_example": 3, "rules.alphabet": "a-z"}

OF_SEVERAL_SORTS = ["several", "run", "scheme", "induce", "encrypted"]

KINDS: dict[str, dict[str, Any]] = {
    "rewrite": {},
    "several": SEVERAL,
    "near misses": {"words.near_miss": 0.5, "words.occurrences": [1, 2]},
    "exact": {**SEVERAL, "words.sampler": "exact", "words.fires": [3, 0.5, 1]},
    "run": RUN,
    "trace": {**RUN, "task.kind": "trace", "rules.cascade": 0.5, "words.no_op": 0.1, "rules.replacement_length": 3},
    "pool": {**SEVERAL, "rules.pool": 40},
    "own instructions": {**SEVERAL, "instructions": None, "rules.alphabet": "a-z", "examples": 3000},
    "encrypted": {"task.kind": "encrypted", "task.cipher": "substitution"},
    "shift": {"task.kind": "encrypted", "task.cipher": "shift", "task.key": "instruction"},
    "scheme": {"task.kind": "scheme", "rules.alphabet": "a-z", "rules.replacement_length": 3, "instructions": 20},
    "induce": {"task.kind": "induce", "words.no_op": 0.0},
    "popularity": {"popularity": {"zipf": 1.1}},
    "paraphrases": {"render.prompt": ["{word}", "{pattern}: {word}"], "rules.alphabet": "aβ中😀éżzü-"},
    "terminating": {"rules.terminating": True, "rules.replacement_length": 3},
    "program": {"task.kind": "trace", "rules.program": "binary-addition", "instructions": None, "words.no_op": 0.0,
                "words.length": [5, 9], "rules.alphabet": None, "rules.pattern_length": None,
                "rules.replacement_length": None},
    "bytes": {**SEVERAL, "rules.alphabet": {"bytes": [0, 255]}, "task.kind": "trace", "task.halting": False,
              "rules.terminating": False, "task.max_steps": 4},
}  # fmt: skip


def dataset(changes: dict[str, Any], seed: int = 7, split: str = "train") -> Dataset:
    return Dataset(BASE.replace(changes), seed, split)


def first_of(rules: Any, word: Any) -> int:
    found = oracle.find(rules, word)
    return -1 if found is None else found[0]


# ---- which rule fires ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "fires", "sampler"), [
    (2, None, "planted"), (3, None, "exact"), (5, [1, 2, 3, 4, 0], "planted"), (3, [0.3, 0.3, 0.4], "exact"),
    (64, None, "planted"), (2, [0, 1], "planted"),
])  # fmt: skip
def test_rules_fire_as_often_as_asked(count: int, fires: list[float] | None, sampler: str) -> None:
    """Patterns so long that none holds another, so that every rule can fire."""
    changes = {"rules.per_example": count, "words.fires": fires, "words.sampler": sampler, "words.no_op": 0.25,
               "rules.pattern_length": 6, "words.length": 24, "instructions": 50, "examples": BLOCK + 1000}  # fmt: skip
    ds = dataset(changes)
    batch = ds.batch(range(len(ds)), ["rules", "word", "rule", "position", "no_op", "output"])
    for i in range(0, len(ds), 97):
        example = batch[i]
        found = oracle.find(example.rules, example.word)
        assert (example.rule, example.position) == (found or (-1, -1))
        assert example.no_op == (found is None)
        run = oracle.run([(x, y, True) for x, y, _ in example.rules], example.word)
        assert example.output == run.word
    weights = [Fraction(str(weight)) for weight in fires or [1] * count]
    for start, rows in ((0, BLOCK), (BLOCK, 1000)):
        fired = Counter(batch.rule[start : start + rows].tolist())
        assert fired[-1] == rows // 4
        for rule, weight in enumerate(weights):
            assert abs(fired[rule] - weight / sum(weights) * (rows - rows // 4)) < 1


@pytest.mark.parametrize("sampler", ["planted", "exact"])
def test_dead_rules_leave_their_turns_to_those_that_hide_them(sampler: str) -> None:
    ds = dataset({"rules.alphabet": "ab", "rules.pattern_length": 2, "rules.per_example": 3, "instructions": 1,
                  "rules.holdout": 0.0, "words.no_op": 0.0, "words.length": [2, 9], "words.sampler": sampler,
                  "rules.replacement_length": 1, "examples": 3000})  # fmt: skip
    rules = ds[0].rules
    assert len({rule[0] for rule in rules}) == 3  # three of aa, ab, ba, bb: all can fire
    batch = ds.batch(range(3000), ["rule", "word"])
    assert Counter(batch.rule.tolist()) == {0: 1000, 1: 1000, 2: 1000}
    same = dataset({"rules.alphabet": "abc", "rules.pattern_length": 1, "rules.per_example": 2, "instructions": 1,
                    "rules.holdout": 0.0, "words.no_op": 0.0, "words.sampler": sampler, "rules.replacement_length": 3,
                    "rules.pool": 16, "examples": 600})  # fmt: skip
    seen = set()
    for seed in range(40):
        batch = Dataset(same.recipe, seed).batch(range(600), ["rules", "rule", "word"])
        dead = batch.rules[0][0][0] == batch.rules[0][1][0]
        seen.add(dead)
        assert Counter(batch.rule.tolist()) == ({0: 600} if dead else {0: 300, 1: 300})
    assert seen == {True, False}


def test_an_empty_pattern_is_the_last_rule_that_can_fire() -> None:
    ds = dataset({"rules.pattern_length": 0, "rules.per_example": 2, "words.no_op": 0.0, "instructions": 20})
    for i in range(100):
        example = ds[i]
        assert (example.rule, example.position) == (0, 0)
        assert example.output == example.rules[0][1] + example.word


def test_starts_of_several_rules_are_uniform() -> None:
    ds = dataset(
        {**SEVERAL, "rules.pattern_length": 5, "rules.alphabet": "a-z", "examples": 48_000, "words.no_op": 0.0}
    )
    positions = ds.batch(range(48_000), ["position"]).position
    assert excess(np.bincount(positions), 3000.0) < WORST


def test_a_share_of_no_no_ops_is_none() -> None:
    """So that a sweep over the share of no-ops may begin at 0."""
    ds = dataset({"words.no_op": 0.0, "words.near_miss": 0.5})
    batch = ds.batch(range(len(ds)), ["near_miss", "no_op"])
    assert not batch.near_miss.any()
    assert not batch.no_op.any()


def test_near_misses_are_exact_and_near() -> None:
    for count, edits in ((1, 1), (1, 2), (3, 1)):
        ds = dataset({"rules.per_example": count, "words.no_op": 0.4, "words.near_miss": 0.3,
                      "words.near_miss_edits": edits, "rules.pattern_length": 4})  # fmt: skip
        batch = ds.batch(range(len(ds)), ["near_miss", "no_op", "word", "rules"])
        assert (batch.near_miss.sum(), batch.no_op.sum()) == (360, 1200)
        for i in np.flatnonzero(batch.near_miss):
            example = batch[i]
            assert first_of(example.rules, example.word) == -1
            distances = [
                sum(a != b for a, b in zip(x, example.word[start : start + 4], strict=True))
                for x, _, _ in example.rules for start in range(len(example.word) - 3)
            ]  # fmt: skip
            assert edits in distances


def test_weights_that_cannot_be() -> None:
    for weights in ([1, 2], [0, 0, 0], [1, -1, 1], [1e12, 1, 1], [float("nan"), 1, 1], [1e-9, 1, 1]):
        with pytest.raises(RecipeError, match=r"words\.fires"):
            BASE.replace({**SEVERAL, "words.fires": weights})
    with pytest.raises(RecipeError, match="several of them and one step"):
        BASE.replace({"words.fires": [1.0]})


# ---- splits and shifts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("program", "bytes")])
def test_train_and_unseen_share_no_side_of_any_rule(kind: str) -> None:
    train, unseen = (
        [rule for rules in dataset(KINDS[kind], split=split).batch(range(1000), ["rules"]).rules for rule in rules]
        for split in ("train", "unseen")
    )
    sides = [[{rule[side] for rule in rules} for side in (0, 1)] for rules in (train, unseen)]
    assert not sides[0][0] & sides[1][0]
    assert not sides[0][1] & sides[1][1]


@pytest.mark.parametrize("kind", slow_but(["several", "run"], [*OF_SEVERAL_SORTS, "program"]))
def test_seen_has_the_rules_of_train_and_none_of_its_words(kind: str) -> None:
    recipe = BASE.replace({**KINDS[kind], "examples": 20_000, **({} if kind == "program" else {"instructions": 5})})
    pairs = []
    for split in ("train", "seen"):
        batch = Dataset(recipe, 1, split).batch(range(20_000 if split == "train" else 1000), ["word", "rules", "pairs"])
        words = batch.pairs.tolist() if kind == "induce" else [[(word,)] for word in batch.word.tolist()]
        pairs.append({(rules, pair[0]) for rules, row in zip(batch.rules, words, strict=True) for pair in row})
    assert not pairs[0] & pairs[1]
    assert {rules for rules, _ in pairs[1]} == {rules for rules, _ in pairs[0]}


SHIFTED = BASE.replace({
    "shifts": {
        "longer": {"words.length": [30, 40], "instructions": 7},
        "wider": {"rules.alphabet": "a-z", "rules.pattern_length": 2, "examples": 200},
        "other_order": {"rules.alphabet": "jihgfedcba", "rules.replacement_length": 9, "examples": 300},
        "running": {"task.kind": "run", "rules.per_example": 2, "rules.alphabet": "a-z", "examples": 50},
    },
    "eval.words": {"no_op": 0.5},
})  # fmt: skip


def test_shifts_change_what_they_name() -> None:
    longer, wider = (Dataset(SHIFTED, 3, split) for split in ("longer", "wider"))
    assert (len(longer), len(wider)) == (1000, 200)
    batch = longer.batch(range(1000), ["word", "instruction", "no_op", "rules"])
    assert (batch.word.lengths().min(), batch.word.lengths().max()) == (30, 40)
    assert len(set(batch.instruction.tolist())) == 7
    assert batch.no_op.sum() == 500
    assert {len(rules[0][0]) for rules in wider[0:200].rules} == {2} if "rules" in wider.columns else True
    assert {len(pattern) for pattern in wider[0:200].pattern} == {2}
    running = Dataset(SHIFTED, 3, "running")
    assert running[0].prompt.startswith("Rules:\n")
    assert "rules" in running.columns
    with pytest.raises(ValueError, match="longer, wider, other_order, running"):
        Dataset(SHIFTED, 3, "narrower")


def test_eval_words_are_those_of_all_splits_but_train() -> None:
    shares = {split: Dataset(SHIFTED, 3, split)[:].no_op.mean() for split in ("train", "seen", "unseen")}
    assert shares == {"train": 0.2, "seen": 0.5, "unseen": 0.5}
    with pytest.raises(RecipeError, match=r"eval\.words: words\.no_op: must be between 0 and 1"):
        BASE.replace({"eval.words": {"no_op": 2.0}})
    with pytest.raises(RecipeError, match=r"eval\.words: words\.colour: unknown field"):
        BASE.replace({"eval.words": {"colour": 2.0}})


@pytest.mark.parametrize("split", ["unseen", *SHIFTED.shifts])
def test_test_sets_do_not_depend_on_the_size_of_training(split: str) -> None:
    one = Dataset(SHIFTED, 3, split)
    other = Dataset(SHIFTED.replace({"examples": 17, "instructions": 13, "popularity": {"zipf": 2}}), 3, split)
    assert [e._replace(instruction=0) for e in one] == [e._replace(instruction=0) for e in other]


@pytest.mark.parametrize("sizes", [
    {"instructions": 1000}, {"instructions": None}, {"instructions": 2, "popularity": [1, 3]},
])  # fmt: skip
def test_a_shift_needs_no_rules_for_as_many_instructions_as_training_has(sizes: dict[str, Any]) -> None:
    """Its space has 18 patterns and replacements, and 2 of each that it may use."""
    small = {"rules.alphabet": "A-R", "rules.pattern_length": 1, "rules.replacement_length": 1, "rules.strict": True}
    recipe = BASE.replace({**sizes, "shifts": {"small": {**small, "instructions": 2}}})
    batch = Dataset(recipe, 3, "small").batch(range(1000), ["pattern", "replacement"])
    assert len(set(zip(batch.pattern, batch.replacement, strict=True))) == 2
    with pytest.raises(RecipeError, match=r"shifts\.small: eval\.instructions: 40 are not possible: . are held out"):
        recipe.replace({"shifts": {"small": {**small, "instructions": 40}}})


@pytest.mark.parametrize("split", SHIFTED.shifts)
def test_a_shift_shares_no_side_with_anything_that_training_could_use(split: str) -> None:
    whole = SHIFTED.replace({"instructions": None, "examples": 16_000})
    train = Dataset(whole, 3).batch(range(16_000), ["pattern", "replacement"])
    shift = Dataset(SHIFTED, 3, split)
    sides = [{rule[side] for example in shift for rule in example.rules} for side in (0, 1)]
    assert len(sides[0]) > 5
    assert not set(train.pattern.tolist()) & sides[0]
    assert not set(train.replacement.tolist()) & sides[1]


@pytest.mark.parametrize("changes", [{"rules.alphabet": "a-e"}, {"rules.alphabet": "jihgfedcba"}])
def test_a_shift_finds_the_few_rules_that_training_left(changes: dict[str, Any]) -> None:
    """Training could use nine tenths of the patterns that the shift has, and of the replacements."""
    base = BASE.replace({"rules.pattern_length": 8, "rules.replacement_length": 8, "shifts": {"there": changes}})
    space, key = base.space, stream_key(3)
    for example in Dataset(base, 3, "there")[0:300].to_arrow().to_pylist():
        for side in ("pattern", "replacement"):
            assert space.held_out(key, base.holdout_share, side, example[side])


def test_a_shift_has_phrasings_that_training_never_saw() -> None:
    plain = BASE.replace({"render.prompt": ["{pattern}>{replacement}:{word}=", "{word}: {pattern} to {replacement}"]})
    texts = ["Put {replacement} for {pattern} in {word}", "{pattern}, {replacement}; {word|spaced}", "{word}|{pattern}"]
    recipe = plain.replace({"shifts": {"reworded": {"render.prompt": texts}, "same": {"words.no_op": 0.2}}})
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert recipe.for_split("reworded").render.completion == recipe.render.completion
    reworded = Dataset(recipe, 3, "reworded")
    for example in (reworded[i] for i in range(60)):
        word, pattern, replacement = example.word, example.pattern, example.replacement
        written = [f"Put {replacement} for {pattern} in {word}", f"{pattern}, {replacement}; {' '.join(word)}",
                   f"{word}|{pattern}"]  # fmt: skip
        assert written.index(example.prompt) == example.template
    assert set(reworded.batch(range(60), ["template"]).template.tolist()) == {0, 1, 2}
    trained = {(e.pattern, e.replacement) for e in Dataset(recipe, 3)}
    assert not trained & {(e.pattern, e.replacement) for e in reworded}
    for split in ("train", "seen", "unseen"):
        same = Dataset(plain, 3, split)[0:50]
        assert Dataset(recipe, 3, split)[0:50].to_arrow().equals(same.to_arrow())
    alone = plain.replace({"shifts": {"same": {"words.no_op": 0.2}}})
    assert Dataset(recipe, 3, "same")[0:50].to_arrow().equals(Dataset(alone, 3, "same")[0:50].to_arrow())


def test_a_shift_of_templates_is_traced_and_certified_as_its_templates_ask() -> None:
    recipe = BASE.replace({
        "task.kind": "run", "words.length": 20,
        "shifts": {"shown": {"render.completion": "{for step in steps}{step.word}{sep} {end}|{certificate}"}},
    })  # fmt: skip
    batch = Dataset(recipe, 3, "shown").batch(range(40), ["completion", "trace", "output", "certificate"])
    for example in batch.examples():
        steps = " ".join(step.word for step in example.trace or ())
        assert example.completion == f"{steps}|{example.certificate or ''}"
    assert "{step" not in recipe.render.completion


@pytest.mark.parametrize(("trained", "shift"), [
    ({"task.kind": "encrypted", "task.cipher": "shift"}, {"task.kind": "rewrite", "words.occurrences": 1}),
    ({"task.kind": "scheme", "task.variables": "PQ"}, {"task.kind": "rewrite", "rules.per_example": 2}),
    ({"task.kind": "induce", "task.pairs": 2, "words.no_op": 0.0}, {"task.kind": "scheme", "words.no_op": 0.5}),
    ({"words.near_miss": 0.5, "words.occurrences": 1, "words.sampler": "exact"}, {"task.kind": "run"}),
    ({"rules.per_example": 2, "rules.pool": 9, "words.fires": [1, 2]}, {"rules.per_example": 1}),
    ({"task.kind": "trace", "rules.per_example": 2, "rules.cascade": 0.5, "task.step_counts": [1, 2]},
     {"task.kind": "rewrite", "rules.per_example": 1}),
    ({"task.kind": "run", "task.step_counts": [1, 2]}, {"task.steps": [1, 3]}),
    ({"task.kind": "run", "task.steps": [1, 3], "task.plants": 2}, {"task.step_counts": [1, 2]}),
    ({"rules.family": "periodic", "rules.k": 2, "words.near_miss": 0.5},
     {"task.kind": "run", "rules.program": "sort", "words.length": 5}),
])  # fmt: skip
def test_a_shift_leaves_behind_what_means_nothing_for_its_task(trained: dict[str, Any], shift: dict[str, Any]) -> None:
    sizes = {"rules.alphabet": "a-t", "rules.replacement_length": 3, "words.length": 20, "instructions": 5}
    ds = Dataset(BASE.replace({**sizes, **trained, "shifts": {"there": shift}}), 3, "there")
    assert ds[0].key is None
    assert len({example.prompt for example in ds}) > 50


def test_shifts_that_cannot_be() -> None:
    for shifts, problem in (
        ({"train": {}}, "none of train, seen, unseen"),
        ({"a b": {}}, "letters, digits and _"),
        ({"a": {"render.size": 3}}, "is not the path of a field that a shift changes"),
        ({"a": {"render": {"prompt": "{word}"}}}, "is not the path of a field that a shift changes"),
        (
            {"a": {"render.prompt": ["{word}", "{words}"]}},
            r"shifts\.a: render\.prompt\[1\]: character 1: unknown field",
        ),
        ({"a": {"render.prompt": []}}, "must list at least one template"),
        ({"a": {"rules.holdout": 0.5}}, "is that of training"),
        ({"a": {"task.cipher": "shift"}}, r"shifts\.a: task\.cipher: is of the kinds encrypted"),
        ({"a": {"words.size": 3}}, "is not the path of a field that a shift changes"),
        ({"a": {"words.length": 2}}, r"shifts\.a: rules\.pattern_length: 3 is longer than every word"),
    ):
        with pytest.raises(RecipeError, match=problem):
            BASE.replace({"shifts": shifts})


# ---- one answer, however it is asked for -----------------------------------------------------------------------------


def rows(ds: Dataset, indices: Any, threads: int | None = None) -> list[Any]:
    batch = ds.batch(indices, ALL_COLUMNS, threads)
    return [batch[i] for i in range(len(batch))]


@pytest.mark.parametrize("kind", KINDS)
def test_batches_examples_threads_and_chunks_agree(kind: str) -> None:
    """Compared as tables, which is quick; that tables hold what rows do is tested below."""
    ds = dataset(KINDS[kind])

    def table(indices: Any, threads: int | None = None, ds: Dataset = ds) -> pa.Table:
        return pa.Table.from_batches([ds.batch(indices, ALL_COLUMNS, threads).to_arrow()])

    whole = rows(ds, range(600), 1)
    expected = table(range(600), 1)
    assert expected.equals(table(range(600), 2))
    assert expected.equals(table(range(600), 7))
    assert expected.equals(pa.concat_tables(table(range(at, min(600, at + 130))) for at in range(0, 600, 130)))
    assert whole[::7] == [ds[i] for i in range(0, 600, 7)]
    shuffled = np.random.default_rng(0).permutation(600)
    assert expected.take(shuffled).equals(table(shuffled))
    fresh = Dataset(ds.recipe, ds.seed)
    with ThreadPoolExecutor(3) as pool:
        parts = pool.map(lambda at: table(range(at, at + 100), ds=fresh), range(0, 600, 100))
        assert expected.equals(pa.concat_tables(parts))
    assert {type(value) for row in whole[:5] for value in row} <= {int, bool, str, bytes, tuple, type(None)} | {
        type(whole[0].outcome)
    }


def shortest_first(ds: Dataset, count: int) -> Any:
    """Indices by the length of their prompts, so that the first rows tell too little of those that follow."""
    return np.argsort(ds.batch(range(count), ["prompt"]).prompt.lengths(), kind="stable")


@pytest.mark.parametrize("changes", [
    {},
    {"words.length": [20, 90], "rules.pattern_length": [3, 15], "rules.replacement_length": [0, 20]},
])  # fmt: skip
def test_threads_agree_whatever_the_first_rows_are_like(changes: dict[str, Any]) -> None:
    ds = Dataset(Recipe.load("paper/no-op").replace(changes, examples=3000), 5)
    for order in (shortest_first(ds, 3000), shortest_first(ds, 3000)[::-1]):
        expected = ds.batch(order, ALL_COLUMNS, 1).to_arrow()
        assert all(ds.batch(order, ALL_COLUMNS, threads).to_arrow().equals(expected) for threads in (2, 3, 23, 200))


@pytest.mark.parametrize("kind", KINDS)
def test_arrow_holds_the_same(kind: str) -> None:
    ds = dataset(KINDS[kind])
    batch = ds.batch(range(300), ALL_COLUMNS)
    table = batch.to_arrow()
    assert table.schema.names == list(ALL_COLUMNS)
    for i, row in enumerate(table.to_pylist()):
        example = batch[i]._asdict()
        assert row.pop("outcome") == example.pop("outcome").name.lower()
        for name in ("rules", "trace", "pairs"):
            assert [tuple(item.values()) for item in row.pop(name)] == [tuple(item) for item in example.pop(name)]
        assert row == example
    copy = pickle.loads(pickle.dumps(batch))
    assert repr(copy) == repr(batch)
    assert copy.to_arrow().equals(table)
    assert copy.examples() == batch.examples()
    chosen = batch.to_arrow(ds.columns)
    assert chosen.schema.names == list(ds.columns)
    assert ds.batch(range(5)).to_arrow().equals(chosen.slice(0, 5))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "program"])
def test_a_larger_data_set_changes_at_most_the_last_block(kind: str) -> None:
    changes = {**KINDS[kind], "words.length": 20}
    if kind == "own instructions":
        changes["rules.pattern_length"] = 5
    recipe = BASE.replace({**changes, "examples": 70_000})
    small, large, open_ended = (Dataset(recipe.replace(examples=n), 3) for n in (70_000, 200_000, None))
    last = range(BLOCK - 100, BLOCK)
    assert rows(small, last) == rows(large, last) == rows(open_ended, last)


class Memory:
    """What the engine holds: a column is allocated in one module and freed in another."""

    MODULES = _stream, _columns

    def watch(self, on: bool = True) -> None:
        gc.collect()
        for module in self.MODULES:
            module.watch_memory(on)

    def held(self) -> int:
        return sum(module.memory_held() for module in self.MODULES)


@pytest.fixture
def memory() -> Iterator[Memory]:
    watched = Memory()
    watched.watch()
    yield watched
    watched.watch(False)


def fail_after(allowed: int) -> None:
    for module in (_stream, _template):
        module.fail_allocations_after(allowed)


def fails(recipe: Recipe, allowed: int, expected: list[Any], indices: Any = range(300)) -> bool:
    """Whether a batch fails where only so many allocations succeed; if not, it is what is expected."""
    ds = Dataset(recipe, 7)
    fail_after(allowed)
    try:
        batch = ds.batch(indices, ALL_COLUMNS, 2)
    except MemoryError:
        return True
    finally:
        fail_after(-1)
    assert [batch[i] for i in range(len(batch))] == expected
    return False


# The others' allocations are among those of these and of "near misses", "pool", "popularity", "scheme", "encrypted".
QUICK = ["rewrite", "exact", "trace", "induce"]


@pytest.mark.parametrize("kind", slow_but(QUICK, KINDS))
def test_every_allocation_may_fail_and_nothing_is_left_behind(kind: str, memory: Memory) -> None:
    recipe = BASE.replace(KINDS[kind])
    expected = rows(Dataset(recipe, 7), range(300), 2)
    assert memory.held() == 0
    failures = 0
    while fails(recipe, failures, expected):
        assert memory.held() == 0
        failures += 1
    assert failures > 20
    order = shortest_first(Dataset(recipe, 7), 900)
    expected = rows(Dataset(recipe, 7), order, 2)
    assert memory.held() == 0
    while fails(recipe, failures, expected, order):
        assert memory.held() == 0
        failures += 1
    for allowed in range(3):
        fail_allocations_after(allowed)
        try:
            with pytest.raises(MemoryError):
                Dataset(recipe)
        finally:
            fail_allocations_after(-1)
        assert memory.held() == 0


# ---- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "problem"), [
    ({"task.kind": "run", "rules.terminating": False, "rules.alphabet": "ab", "task.steps": 500, "words.length": 4,
      "rules.pattern_length": 2, "instructions": 1, "words.no_op": 0.0},
     r"words: example 0 of split 'train': no word .* whose run is what `task` asks for"),
    ({"task.kind": "run", "rules.per_example": 2, "rules.alphabet": "ab", "rules.pattern_length": 1, "rules.pool": 60,
      "rules.replacement_length": 6, "instructions": 1, "words.no_op": 0.0, "rules.holdout": 0.0},
     r"rules: example 0 of split 'train': none of the 64 candidates for its rules is of the kind asked for"),
    ({"task.kind": "scheme", "rules.alphabet": "ab", "rules.pattern_length": 2, "words.length": 200, "instructions": 1,
      "rules.replacement_length": 7, "rules.holdout": 0.0, "words.no_op": 0.0},
     r"words: example 0 of split 'train': no word .* none with one match"),
])  # fmt: skip
def test_what_cannot_be_met_names_the_example(changes: dict[str, Any], problem: str) -> None:
    for ask in (lambda ds: ds[0], lambda ds: ds[0:100], lambda ds: ds.batch(range(100), ["word"], 2)):
        with pytest.raises(RecipeError, match=problem):
            ask(dataset(changes))


def test_a_table_that_cannot_be_filled_is_tried_once() -> None:
    """Of these 600 rule sets five have no candidate that is proved to terminate, the first of them number 185."""
    recipe = BASE.replace({
        "task.kind": "run", "task.halting": False, "rules.terminating": True, "rules.alphabet": "ab",
        "rules.pattern_length": [1, 3], "rules.replacement_length": [2, 6], "rules.per_example": 2, "rules.pool": 300,
        "rules.holdout": 0.0, "words.length": 8, "words.no_op": 0.0, "instructions": 600,
    })  # fmt: skip
    ds = Dataset(recipe, 0)
    expected = ds[0]
    with pytest.raises(RecipeError, match="none of the 64 candidates"):
        ds[0:3000]
    assert ds[0] == expected
    # What is drawn without a table, by a reader that has its memory, needs no more of it.
    fail_allocations_after(0)
    try:
        assert ds[0] == expected
    finally:
        fail_allocations_after(-1)


@pytest.mark.parametrize(("changes", "problem"), [
    ({"rules.per_example": 65}, "rules.per_example: must be between 1 and 64"),
    ({"task.steps": [1, 2]}, r"task\.steps: is of the kinds run, trace"),
    ({"task.kind": "induce", "words.no_op": 0.1}, "must be 0 for the task 'induce'"),
    ({"task.kind": "encrypted", "task.cipher": "shift", "rules.per_example": 2}, "must be 1 for the task 'encrypted'"),
    ({"task.kind": "trace", "task.max_steps": 2**20, "task.max_length": 2**20}, "at most 268435456 for a trace"),
    ({"task.kind": "run", "task.max_steps": 2**20, "task.max_length": 2**20,
      "render.completion": "{for step in steps}{step.word}{end}"}, "at most 268435456 for a trace"),
    ({"task.kind": "run", "rules.program": "nonsense"}, "must be one of reverse"),
    ({"rules.program": "reverse", "instructions": None}, "is for the tasks run and trace"),
])  # fmt: skip
def test_recipes_that_cannot_be(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        BASE.replace(changes)


def test_templates_become_those_of_the_task() -> None:
    recipe = BASE.replace({"task.kind": "induce", "words.no_op": 0.0})
    assert recipe.render.completion == "{pattern}>{replacement}"
    kept = BASE.replace({"render.prompt": "{word}!"}).replace({"rules.per_example": 2})
    assert (kept.render.prompt, kept.render.completion) == ("{word}!", " {output}")
