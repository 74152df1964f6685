"""Data sets: the stream equals its plain definition, and keeps the promises of docs/datasets.md."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from effort import compared
from reference_stream import ReferenceStream

from markovlib import Dataset, Outcome, Recipe, RecipeError, Rule
from markovlib._stream import fail_allocations_after

BASE = Recipe.load("paper/no-op")
SMALL = {"rules.pattern_length": 3, "rules.replacement_length": 4, "words.length": 12}
DNA = {"rules.alphabet": "acgt"}

REFERENCE_CASES = {
    "paper": ({}, "train", 300),
    "paper, unseen": ({"eval.examples": 300}, "unseen", 300),
    "paper, seen": ({"eval.examples": 40}, "seen", 40),
    "numbered": ({**SMALL, "words.length": [9, 15]}, "train", 400),
    "numbered, unseen": ({**SMALL, "eval.instructions": 50, "eval.examples": 300}, "unseen", 300),
    "exactly one": ({**SMALL, **DNA, "words.occurrences": 1, "words.length": 30}, "train", 300),
    "exactly three": (
        {**SMALL, **DNA, "words.occurrences": 3, "words.length": [9, 20], "rules.pattern_length": 2,
         "instructions": 7},
        "train", 300,
    ),
    "exactly twenty": (
        {"rules.pattern_length": 4, "words.length": 120, "words.occurrences": 20, "eval.examples": 20}, "unseen", 20,
    ),
    "hard no-ops": (
        {"rules.alphabet": "ab", "rules.pattern_length": 2, "rules.replacement_length": 3, "words.length": 60,
         "instructions": 5, "words.no_op": 0.7},
        "train", 60,
    ),
    "hard with": (
        {"rules.alphabet": "ab", "rules.pattern_length": 1, "rules.replacement_length": 2, "words.length": 40,
         "instructions": 2},
        "train", 60,
    ),
    "bytes": ({"rules.alphabet": {"bytes": [0, 255]}}, "train", 150),
    "long parts": (
        {"rules.pattern_length": 70, "rules.replacement_length": 123, "words.length": 90, "instructions": None},
        "train", 60,
    ),
    "wide letters": ({**SMALL, "rules.alphabet": "aβ中😀é-"}, "train", 200),
    "empty pattern": ({**SMALL, "rules.pattern_length": 0, "words.no_op": 0.0}, "train", 100),
    "empty replacement": ({**SMALL, "rules.replacement_length": 0}, "train", 100),
    "same lengths, few": (
        {"rules.alphabet": "abc", "rules.pattern_length": 2, "rules.replacement_length": 2, "words.length": 9,
         "instructions": 56},
        "train", 200,
    ),
}  # fmt: skip


def reference_of(ds: Dataset) -> ReferenceStream:
    order = ("own", "cycle", "shuffled", "weighted")[ds._split.order]
    return ReferenceStream(ds.recipe, ds.seed, ds.split, ds.size, ds._split.in_use, order)


@pytest.mark.parametrize("name", REFERENCE_CASES)
def test_stream_equals_its_plain_definition(name: str) -> None:
    changes, split, count = REFERENCE_CASES[name]
    ds = Dataset(BASE.replace({"examples": 70_000, **changes}), seed=12345678901234567890123, split=split)
    reference, string = reference_of(ds), ds.recipe.alphabet.string
    first = max(0, len(ds) - count)
    batch = ds.batch(range(first, first + count), ["pattern", "replacement", "word", "no_op"])
    for i in compared(count):
        pattern, replacement, word, no_op = reference.example(first + i)
        got = (batch.pattern[i], batch.replacement[i], batch.word[i], bool(batch.no_op[i]))
        assert got == (string(pattern), string(replacement), string(word), no_op)


MANY = BASE.replace({**SMALL, "instructions": 50, "examples": 200_001, "words.no_op": 0.37})


def rows(ds: Dataset, first: int, last: int, **options: object) -> list[tuple[object, ...]]:
    columns = ("index", "prompt", "completion", "rule", "position")
    batch = ds.batch(range(first, last), columns, **options)
    return list(zip(*(getattr(batch, name).tolist() for name in columns), strict=True))


def test_no_op_counts_are_exact_for_every_size() -> None:
    for size in (1, 2, 3, 10, 99, 65_535, 65_536, 65_537, 131_072, 200_001):
        ds = Dataset(MANY.replace(examples=size))
        assert ds.batch(range(size), ["no_op"]).no_op.sum() == (37 * 2 * size + 100) // 200


def test_no_op_counts_are_exact_at_the_end_of_every_block() -> None:
    no_op = Dataset(MANY).batch(range(len(Dataset(MANY))), ["no_op"]).no_op
    for end in (65_536, 131_072, 196_608):
        assert no_op[:end].sum() == (37 * 2 * end + 100) // 200


def test_no_op_means_that_the_pattern_does_not_occur() -> None:
    batch = Dataset(MANY).batch(range(20_000))
    for i in range(len(batch)):
        example = batch[i]
        assert example.position == example.word.find(example.pattern)
        assert example.no_op == (example.position < 0) == (example.rule == -1)
        assert example.output == example.word.replace(example.pattern, example.replacement, 1)
        assert example.completion == example.output
        assert example.prompt == f"{example.pattern}>{example.replacement}:{example.word}="
        assert (example.steps, example.outcome) == (
            (0, Outcome.NO_RULE_APPLIES) if example.no_op else (1, Outcome.TERMINAL_RULE)
        )


@pytest.mark.parametrize("instructions", [50, 3000, None])
def test_a_larger_data_set_changes_at_most_the_last_block(instructions: int | None) -> None:
    recipe = BASE.replace({"instructions": instructions, "examples": 70_000})
    small, large, open_ended = (Dataset(recipe.replace(examples=n), 3) for n in (70_000, 200_000, None))
    assert rows(small, 65_000, 65_536) == rows(large, 65_000, 65_536) == rows(open_ended, 65_000, 65_536)
    assert rows(small, 65_536, 70_000) != rows(large, 65_536, 70_000)


def test_threads_chunks_and_single_examples_agree() -> None:
    ds = Dataset(MANY, 5)
    whole = rows(ds, 0, 9000, threads=1)
    assert whole == rows(ds, 0, 9000, threads=4)
    assert whole == [row for start in range(0, 9000, 700) for row in rows(ds, start, min(9000, start + 700))]
    assert whole[::97] == [
        (e.index, e.prompt, e.completion, e.rule, e.position) for e in (ds[i] for i in range(0, 9000, 97))
    ]
    shuffled = np.random.default_rng(0).permutation(9000)
    assert ds.batch(shuffled, ["prompt"]).prompt.tolist() == [whole[i][1] for i in shuffled]
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda start: rows(Dataset(MANY, 5), start, start + 1000), range(0, 9000, 1000))
        assert whole == [row for part in parts for row in part]


def test_seeds_and_splits_differ() -> None:
    recipe = BASE.replace({"eval.examples": 500})
    words = [
        set(Dataset(recipe, seed, split).batch(range(500), ["word"]).word.tolist())
        for seed in (0, 1, 2**64, 2**200) for split in ("train", "seen", "unseen")
    ]  # fmt: skip
    assert len(set.union(*words)) == 500 * len(words)


def test_uniform_popularity_uses_each_instruction_once_a_run() -> None:
    ds = Dataset(MANY)
    patterns = ds.batch(range(500), ["pattern"]).pattern.tolist()
    runs = [patterns[start : start + 50] for start in range(0, 500, 50)]
    assert all(sorted(run) == sorted(runs[0]) for run in runs)
    assert len({tuple(run) for run in runs}) == 10


def test_fewer_instructions_are_a_prefix_of_more() -> None:
    few, many = (
        [(e.pattern, e.replacement) for e in Dataset(BASE.replace({"instructions": n, "examples": n}))]
        for n in (100, 1000)
    )
    own = [(e.pattern, e.replacement) for e in Dataset(BASE.replace(instructions=None, examples=1000))]
    assert set(few) == set(own[:100])
    assert set(many) == set(own)
    assert len(set(own)) == len({x for x, _ in own}) == len({y for _, y in own}) == 1000


@pytest.mark.parametrize(("letters", "pattern", "replacement"), [
    ("ab", 2, 2), ("abc", 1, 1), ("abc", 2, 2), ("ab", 3, 3), ("abcd", 2, 2), ("ab", 2, 3), ("abc", 1, 3), ("ab", 4, 2),
    ("abc", 3, 0), ("abc", 0, 2), ("abcdef", 2, 2),
])  # fmt: skip
def test_instructions_are_distinct_down_to_the_last(letters: str, pattern: int, replacement: int) -> None:
    recipe = BASE.replace({
        "examples": None, "instructions": None, "words.no_op": 0.0, "words.length": 12, "rules.alphabet": letters,
        "rules.pattern_length": pattern, "rules.replacement_length": replacement,
    })  # fmt: skip
    possible = Dataset(recipe).report()["possible_instructions"]
    every = Dataset(recipe.replace(examples=possible)).batch(range(possible), ["pattern", "replacement"])
    pairs = list(zip(every.pattern.tolist(), every.replacement.tolist(), strict=True))
    assert len(set(pairs)) == possible > 0
    assert all(x != y for x, y in pairs)
    with pytest.raises(RecipeError, match=f"the rule space holds {possible} for training"):
        recipe.replace(instructions=possible + 1)


@pytest.mark.parametrize("changes", [{}, SMALL, {"rules.alphabet": "abcdef", "rules.pattern_length": 4}])
def test_train_and_unseen_share_no_side_of_a_rule(changes: dict[str, object]) -> None:
    recipe = BASE.replace({**changes, "instructions": None, "examples": 1000, "eval.examples": 1000})
    train, unseen = (Dataset(recipe, 1, split).batch(range(1000)) for split in ("train", "unseen"))
    assert not set(train.pattern.tolist()) & set(unseen.pattern.tolist())
    assert not set(train.replacement.tolist()) & set(unseen.replacement.tolist())


def test_seen_has_the_rules_of_train_and_none_of_its_words() -> None:
    recipe = BASE.replace({**DNA, "rules.pattern_length": 2, "rules.replacement_length": 2, "words.length": 6,
                           "instructions": 12, "examples": 60_000, "eval.examples": 3000})  # fmt: skip
    train, seen = (Dataset(recipe, 1, split).batch(slice_) for split, slice_ in
                   (("train", range(60_000)), ("seen", range(3000))))  # fmt: skip
    pairs = [set(zip(b.pattern.tolist(), b.replacement.tolist(), b.word.tolist(), strict=True)) for b in (train, seen)]
    assert not pairs[0] & pairs[1]
    assert {pair[:2] for pair in pairs[1]} == {pair[:2] for pair in pairs[0]}
    # 4096 words, 12 rules: about a sixteenth of all pairs are kept from train, which has nearly all of the others.
    assert 0.04 < len(pairs[1]) / len(pairs[0] | pairs[1]) < 0.09


def test_rules_with_few_words_are_not_divided_and_reported() -> None:
    recipe = BASE.replace({"rules.pattern_length": 4, "words.length": 5, "instructions": 20, "words.no_op": 0.5,
                           "eval.examples": 200, "examples": 2000})  # fmt: skip
    assert Dataset(recipe).report()["undivided"] == {"with_pattern": 20, "no_op": 0}
    assert Dataset(recipe, split="unseen").report()["undivided"] is None
    seen, train = (Dataset(recipe, split=split)[0:200] for split in ("seen", "train"))
    assert len(seen) == len(train) == 200
    assert Dataset(BASE).report()["undivided"] == {"with_pattern": 0, "no_op": 0}


PROGRAM = {
    "task.kind": "run", "instructions": None, "rules.alphabet": None, "rules.pattern_length": None,
    "rules.replacement_length": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "undivided"),
    [
        ({"rules.per_example": 3, "words.length": [4, 9]}, 7),
        ({"rules.per_example": 2, "words.length": 40}, 0),
        ({"task.kind": "run", "words.length": [4, 9]}, 7),
        ({"task.kind": "scheme", "rules.pattern_length": 3, "words.length": 6}, 7),
        ({**PROGRAM, "rules.program": "binary-increment", "words.length": [1, 5]}, 1),
        ({**PROGRAM, "rules.program": "binary-increment", "words.length": [1, 13]}, 0),
        ({**PROGRAM, "rules.program": "binary-addition", "words.length": [1, 20]}, 0),
    ],
)
def test_words_that_all_instructions_share_are_reported(changes: dict[str, Any], undivided: int) -> None:
    small = {"rules.alphabet": "abc", "rules.pattern_length": 2, "rules.replacement_length": 4, "instructions": 7}
    recipe = BASE.replace({**small, "words.no_op": 0.0, "eval.examples": 500, **changes}, examples=500)
    splits = [Dataset(recipe, split=split) for split in ("train", "seen")]
    assert [ds.report()["undivided"] for ds in splits] == [{"with_pattern": undivided, "no_op": undivided}] * 2
    rows = [{(example.rules, example.word) for example in ds} for ds in splits]
    assert bool(rows[0] & rows[1]) == bool(undivided)


def test_the_report_of_a_program_has_nothing_of_a_rule_space() -> None:
    facts = Dataset("program").report()
    assert not {"rules_in_space", "train", "held_out"} & facts.keys()
    assert (facts["possible_instructions"], facts["strata"], facts["spills"]) == (1, [], [])
    assert Dataset(BASE).report()["rules_in_space"] == BASE.space.size


def test_a_report_passes_over_instructions_that_cannot_be_made() -> None:
    recipe = BASE.replace({"rules.alphabet": "ab", "rules.pattern_length": 1, "rules.replacement_length": 9,
                           "rules.terminating": True, "words.length": 5, "instructions": 7}, examples=20)  # fmt: skip
    with pytest.raises(RecipeError, match="none of the 64 candidates"):
        Dataset(recipe)[0:20]
    assert Dataset(recipe).report()["undivided"]["no_op"] <= 7


def test_seen_gives_up_on_a_rule_whose_words_are_all_trained_on() -> None:
    recipe = BASE.replace({"rules.alphabet": "ab", "rules.pattern_length": 4, "rules.replacement_length": 3,
                           "words.length": 8, "instructions": 90, "words.no_op": 0.0, "eval.examples": 90})  # fmt: skip
    found = []
    for seed in range(12):
        try:
            Dataset(recipe, seed, "seen")[0:90]
        except RecipeError as error:
            found.append(str(error))
    assert found
    assert all("of split 'seen': no word of this split's class was met in 4096 draws" in message for message in found)


def test_a_near_miss_that_no_word_can_be_is_told_as_such() -> None:
    recipe = BASE.replace({"rules.alphabet": "a-eé☃", "rules.pattern_length": [1, 3],
                           "rules.replacement_length": [0, 3], "rules.per_example": 3, "words.length": [3, 12],
                           "words.no_op": 0.3, "words.near_miss": 0.5})  # fmt: skip
    recipe = recipe.replace(examples=3000, instructions=40)
    with pytest.raises(RecipeError, match=r"example 204 .*, or no near miss of a rule without the others' patterns"):
        Dataset(recipe, seed=0)[204]


def test_unseen_depends_on_rules_words_seed_and_name_only() -> None:
    recipe = BASE.replace({"eval.examples": 100})
    changed = recipe.replace({"examples": 77, "instructions": 33, "render.prompt": "{word}"})
    pick = ["pattern", "replacement", "word", "output"]
    one, two = (Dataset(r, 4, "unseen").batch(range(100), pick) for r in (recipe, changed))
    assert all(getattr(one, name).tolist() == getattr(two, name).tolist() for name in pick)


def test_exact_occurrences() -> None:
    recipe = BASE.replace({**DNA, "rules.pattern_length": 3, "words.length": [15, 40], "words.occurrences": 5,
                           "instructions": 40, "examples": 2000})  # fmt: skip
    for example in Dataset(recipe):
        starts = [i for i in range(len(example.word)) if example.word.startswith(example.pattern, i)]
        assert len(starts) == (0 if example.no_op else 5)


def test_indexing() -> None:
    ds = Dataset(BASE.replace(examples=100))
    assert ds[-1] == ds[99] == ds[np.int64(99)]
    assert len(ds[90:1000]) == 10
    assert ds[::-30].index.tolist() == [99, 69, 39, 9]
    assert ds[[3, -1]].index.tolist() == [3, 99]
    for rows in (range(-3, 2), range(-3, 0), range(-1, -4, -1), range(-7, 7, 3), range(5, 5)):
        assert ds[rows].index.tolist() == ds[list(rows)].index.tolist()
        assert ds[rows].word.tolist() == [ds[i].word for i in rows]
    assert [len(b) for b in ds.batches(30)] == [30, 30, 30, 10]
    assert list(ds) == ds.__getitems__(range(100)) == [ds[i] for i in range(100)]
    assert len(ds[0:0]) == 0
    assert ds[0:0].to_arrow().num_rows == 0
    for bad in (100, -101, [0, 100]):
        with pytest.raises(IndexError, match="of a data set of 100"):
            ds[bad]
    with pytest.raises(TypeError, match="flat sequence of integers"):
        ds[["a"]]
    with pytest.raises(ValueError, match="unknown column 'words'"):
        ds.batch([0], ["words"])


def test_unbounded() -> None:
    ds = Dataset(BASE.replace(examples=None))
    assert ds.size is None
    with pytest.raises(TypeError, match="unbounded"):
        len(ds)
    with pytest.raises(IndexError, match="example -1 of an unbounded data set, whose indices count from the start"):
        ds[-1]
    far = 10**18
    assert ds[far : far + 2].word.tolist() == [ds[far].word, ds[far + 1].word]
    assert next(ds.batches(5)).index.tolist() == [0, 1, 2, 3, 4]
    assert next(iter(ds)) == ds[0]
    with pytest.raises(IndexError):
        ds[-1]
    with pytest.raises(IndexError, match="needs an end"):
        ds[5:]


def test_columns_and_types() -> None:
    batch = Dataset(BASE.replace(examples=10))[0:10]
    assert batch.columns == ("index", "prompt", "completion", "word", "output", "pattern", "replacement", "rule",
                             "position", "no_op", "steps", "outcome")  # fmt: skip
    dtypes = {name: getattr(batch, name).dtype for name in ("index", "rule", "position", "no_op", "steps", "outcome")}
    assert dtypes == {"index": np.int64, "rule": np.int32, "position": np.int64, "no_op": bool, "steps": np.int64,
                      "outcome": np.uint8}  # fmt: skip
    with pytest.raises(AttributeError, match="was not asked for"):
        _ = Dataset(BASE).batch([0], ["prompt"]).word
    assert batch.rules.tolist() == [example.rules for example in batch.examples()]
    with pytest.raises(AttributeError, match=r"'key' was not asked for: ds.batch\(rows, columns=\['key', ...\]\)"):
        _ = batch.key
    with pytest.raises(AttributeError, match="'rules' was not asked for"):
        _ = Dataset(BASE).batch([0], ["pattern"]).rules
    assert batch[-1].rules == (Rule(batch.pattern[9], batch.replacement[9]),)


@pytest.mark.parametrize(
    ("alphabet", "dtype"), [("a-z", pa.large_string()), ({"bytes": [128, 255]}, pa.large_binary())]
)
def test_arrow(alphabet: object, dtype: pa.DataType) -> None:
    ds = Dataset(BASE.replace({"rules.alphabet": alphabet, "examples": 1000}))
    batch = ds[0:1000]
    table = batch.to_arrow()
    assert table.schema.names == list(ds.columns)
    assert table.schema.field("prompt").type == table.schema.field("word").type == dtype
    assert table.column("word").to_pylist() == batch.word.tolist()
    assert table.column("no_op").to_pylist() == batch.no_op.tolist()
    assert set(table.column("outcome").to_pylist()) == {"terminal_rule", "no_rule_applies"}
    assert batch.to_arrow(["position", "index"]).schema.names == ["position", "index"]


def test_value() -> None:
    ds = Dataset(BASE, 7, "seen")
    again = pickle.loads(pickle.dumps(ds))
    assert again == ds
    assert hash(again) == hash(ds)
    assert again[5] == ds[5]
    assert ds != Dataset(BASE, 8, "seen") != Dataset(BASE, 8)
    assert ds.fingerprint != Dataset(BASE, 8, "seen").fingerprint
    assert repr(ds).startswith("<Dataset ")
    for name in ("recipe", "seed", "split"):
        with pytest.raises(AttributeError):
            setattr(ds, name, getattr(ds, name))
    with pytest.raises(ValueError, match="one of train, seen, unseen"):
        Dataset(BASE, split="test")
    with pytest.raises(ValueError, match="at least 0"):
        Dataset(BASE, -1)


def test_single_examples_from_many_threads() -> None:
    ds = Dataset(BASE.replace(instructions=50), 7, "seen")
    expected = [tuple(ds[i]) for i in range(400)]
    orders = [np.random.default_rng(k).permutation(400).tolist() for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda order: [(i, tuple(ds[i])) for i in order], orders))
    for order in found:
        assert all(example == expected[i] for i, example in order)


def test_no_memory_for_a_single_example() -> None:
    recipe = BASE.replace({"words.occurrences": 2, "rules.pattern_length": 3})
    expected = Dataset(recipe)[5]
    failures = 0
    for allowed in range(100):
        ds = Dataset(recipe)
        fail_allocations_after(allowed)
        try:
            assert ds[5] == expected
            break
        except MemoryError:
            failures += 1
        finally:
            fail_allocations_after(-1)
        assert ds[5] == expected
    assert 5 < failures < 100


def test_no_memory() -> None:
    ds = Dataset(BASE.replace({"words.occurrences": 2, "rules.pattern_length": 3}))
    expected = ds.batch(range(600), threads=2).prompt.tolist()
    failures = 0
    for allowed in range(200):
        fail_allocations_after(allowed)
        try:
            got = ds.batch(range(600), threads=2).prompt
        except MemoryError:
            failures += 1
        else:
            assert got.tolist() == expected
            break
        finally:
            fail_allocations_after(-1)
    assert 10 < failures < 200
    fail_allocations_after(0)
    try:
        with pytest.raises(MemoryError):
            Dataset(BASE)
    finally:
        fail_allocations_after(-1)


@pytest.mark.parametrize("side", ["pattern", "replacement"])
def test_rules_that_all_have_the_same_empty_side_cannot_be_held_out(side: str) -> None:
    recipe = BASE.replace({f"rules.{side}_length": 0, "words.no_op": 0.0})
    assert getattr(Dataset(recipe, split="seen")[3], side) == ""
    with pytest.raises(RecipeError, match=f"rules.{side}_length: .*'unseen', since the empty {side} is the only one"):
        Dataset(recipe, split="unseen")
