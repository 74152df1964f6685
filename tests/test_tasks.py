"""Every kind of task keeps its promises, by plain Python: the answers, the exact shares, the laws."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from test_sampling_statistics import WORST, excess

from markovlib import Dataset, Outcome, Recipe, RecipeError
from markovlib.examples import ALL_COLUMNS, Example
from markovlib.popularity import cumulative, power, read_popularity
from markovlib.programs import PROGRAMS
from markovlib.testing import oracle

BASE = Recipe.from_toml("""
examples = 2000
instructions = 100
[rules]
alphabet = "a-h"
pattern_length = 3
replacement_length = 3
[words]
length = [10, 16]
[eval]
examples = 1000
""")
RUN: dict[str, Any] = {"task.kind": "run", "rules.per_example": 3, "rules.alphabet": "a-z"}
TRACE = {**RUN, "task.kind": "trace"}
PROGRAM = {"instructions": None, "rules.alphabet": None, "rules.pattern_length": None, "rules.replacement_length": None}


def dataset(changes: dict[str, Any], seed: int = 7, split: str = "train") -> Dataset:
    return Dataset(BASE.replace(changes), seed, split)


def rows(ds: Dataset, count: int | None = None) -> list[Example]:
    batch = ds.batch(range(count or len(ds)), ALL_COLUMNS)
    return [batch[i] for i in range(len(batch))]


# ---- runs and traces -------------------------------------------------------------------------------------------------


def check_run(example: Example, recipe: Recipe) -> None:
    run = oracle.run(example.rules, example.word, recipe.max_steps, recipe.max_length)
    assert (example.output, example.outcome, example.steps) == (run.word, run.outcome, run.steps)
    assert (example.rule, example.position) == (run.trace[0][:2] if run.trace else (-1, -1))
    assert example.no_op == (oracle.find(example.rules, example.word) is None)
    if recipe.task.kind == "trace":
        assert example.trace == tuple(run.trace)
    if example.rule >= 0:
        assert (example.pattern, example.replacement) == example.rules[example.rule][:2]


@pytest.mark.parametrize(("changes", "outcomes"), [
    (RUN, {Outcome.NO_RULE_APPLIES}),
    ({**TRACE, "words.no_op": 0.2}, {Outcome.NO_RULE_APPLIES}),
    ({**TRACE, "rules.replacement_length": 1, "task.steps": [2, 6]}, {Outcome.NO_RULE_APPLIES}),
    ({**TRACE, "rules.replacement_length": 0, "instructions": 50}, {Outcome.NO_RULE_APPLIES}),
    ({**TRACE, "rules.per_example": 1, "rules.replacement_length": 5}, {Outcome.NO_RULE_APPLIES}),
    ({**TRACE, "rules.alphabet": "ab", "rules.terminating": False, "task.halting": False, "task.max_steps": 7,
      "instructions": 2, "rules.per_example": 2},
     {Outcome.NO_RULE_APPLIES, Outcome.STEP_LIMIT}),
    ({**TRACE, "rules.alphabet": "abc", "rules.terminating": False, "task.halting": False, "task.max_length": 14,
      "rules.replacement_length": 6, "rules.pattern_length": 2, "instructions": 2},
     {Outcome.NO_RULE_APPLIES, Outcome.LENGTH_LIMIT}),
    ({**TRACE, "rules.alphabet": "abc", "rules.terminating": False, "task.max_length": 9, "task.steps": [1, 4],
      "rules.replacement_length": 1, "rules.pattern_length": 2, "instructions": 2}, {Outcome.NO_RULE_APPLIES}),
])  # fmt: skip
def test_runs_are_those_of_the_oracle(changes: dict[str, Any], outcomes: set[Outcome]) -> None:
    ds = dataset(changes)
    examples = rows(ds)
    for example in examples:
        check_run(example, ds.recipe)
    assert {example.outcome for example in examples} == outcomes
    assert sum(example.no_op for example in examples) == len(ds) * ds.recipe.words.no_op
    if ds.recipe.task.steps is not None:
        least, greatest = ds.recipe.task.steps
        steps = {example.steps for example in examples if not example.no_op}
        assert least <= min(steps) < max(steps) <= greatest


def test_a_run_that_a_limit_ends_before_its_first_step_is_no_no_op() -> None:
    """Words of 10 letters and more, of which a rule that grows them may not make longer ones."""
    changes = {**RUN, "rules.replacement_length": 4, "rules.terminating": False, "task.halting": False}
    ds = dataset({**changes, "task.max_length": 12, "words.no_op": 0.3})
    examples = rows(ds)
    assert sum(example.no_op for example in examples) == 600
    assert all(example.steps > 0 for example in examples if not example.no_op)
    program = dataset({**PROGRAM, "task.kind": "run", "rules.program": "copy", "words.length": [3, 9],
                       "task.halting": False, "task.max_length": 1})  # fmt: skip
    assert {(e.outcome, e.steps, e.no_op) for e in rows(program)} == {(Outcome.LENGTH_LIMIT, 0, False)}


def test_lengths_of_runs_are_in_letters() -> None:
    changes = {**TRACE, "rules.terminating": False, "task.halting": False, "task.max_length": 20, "instructions": 30,
               "rules.replacement_length": 5}  # fmt: skip
    plain, wide = (dataset({**changes, "rules.alphabet": letters}) for letters in ("abcdefgh", "aβ中😀éżzü"))
    narrow = dict(zip("aβ中😀éżzü", "abcdefgh", strict=True))
    for one, other in zip(rows(plain), rows(wide), strict=True):
        assert one.word == "".join(narrow[letter] for letter in other.word)
        assert one.output == "".join(narrow[letter] for letter in other.output)
        assert (one.rule, one.position, one.steps, one.outcome) == (
            other.rule,
            other.position,
            other.steps,
            other.outcome,
        )


BLOCK = 65_536


@pytest.mark.parametrize(("changes", "column"), [
    ({"words.occurrences": [1, 2, 3], "words.no_op": 0.3}, "occurrences"),
    ({"rules.per_example": 5, "words.no_op": 0.1}, "rule"),
    ({**RUN, "task.step_counts": [1, 2, 4], "words.length": [16, 20], "words.no_op": 0.1}, "steps"),
], ids=["occurrences", "rules", "steps"])  # fmt: skip
def test_turns_go_on_from_block_to_block(changes: dict[str, Any], column: str) -> None:
    """However many blocks there are, each has its share to within one: whole blocks, and a part of the last."""
    small = {"rules.pattern_length": 3, "rules.replacement_length": 3, "words.length": 16, "instructions": 50}
    for size in (3 * BLOCK, 2 * BLOCK + 1001):
        batch = dataset({**small, **changes, "examples": size}).batch(range(size), [column, "no_op"])
        for end in {BLOCK, 2 * BLOCK, size}:
            here = ~batch.no_op[:end]
            _, counts = np.unique(getattr(batch, column)[:end][here], return_counts=True)
            assert counts.max() - counts.min() <= 1
            assert counts.sum() == here.sum()


def test_rare_rules_fire_as_often_as_they_weigh() -> None:
    weights = [1e-5, 1, 0, 1, 1e-5]
    size = 3 * BLOCK + 7
    ds = dataset({"rules.per_example": 5, "words.fires": weights, "words.no_op": 0.25, "examples": size,
                  "rules.pattern_length": 3, "words.length": 16, "instructions": 50})  # fmt: skip
    batch = ds.batch(range(size), ["rule", "no_op"])
    for end in (BLOCK, 2 * BLOCK, 3 * BLOCK, size):
        fired = np.bincount(batch.rule[:end][~batch.no_op[:end]], minlength=5)
        expected = np.array(weights) / sum(weights) * fired.sum()
        assert abs(fired - expected).max() <= 1.5
    assert fired[[0, 4]].sum() in (1, 2)


def test_near_misses_take_turns_from_block_to_block() -> None:
    """Rarely one in a block, so that only turns that go on give every rule its own."""
    ds = dataset({"rules.per_example": 3, "rules.pattern_length": 8, "rules.replacement_length": 3, "words.length": 20,
                  "words.no_op": 0.5, "words.near_miss": 0.00098, "instructions": 20,
                  "examples": 4 * BLOCK})  # fmt: skip
    near = np.flatnonzero(ds.batch(range(len(ds)), ["near_miss"]).near_miss)
    missed = Counter[int]()
    for example in ds.batch(near, ["rules", "word"]).examples():
        for number, rule in enumerate(example.rules):
            windows = (example.word[at : at + 8] for at in range(13))
            missed[number] += any(sum(map(str.__ne__, rule.pattern, window)) == 1 for window in windows)
    assert missed.total() == len(near) > 100
    assert max(missed.values()) - min(missed.values()) <= 1


def test_patterns_may_fill_the_word() -> None:
    ds = dataset({"task.kind": "run", "rules.pattern_length": 4, "rules.replacement_length": 3, "words.length": 12,
                  "words.no_op": 0.0, "task.step_counts": [3], "instructions": 20, "examples": 200})  # fmt: skip
    assert set(ds.batch(range(200), ["steps"]).steps.tolist()) == {3}


def test_instructions_held_out_have_keys_of_their_own() -> None:
    """`seen` has the instructions of training, and so their keys; `unseen` and shifts have others."""
    cipher = {
        "task.kind": "encrypted",
        "task.cipher": "substitution",
        "task.key": "instruction",
        "instructions": 40,
        "eval.instructions": 40,
        "eval.examples": 80,
        "examples": 80,
        "shifts": {"long": {"words.length": 60}},
    }
    keys = {}
    for split in ("train", "seen", "unseen", "long"):
        ds = dataset(cipher, split=split)
        batch = ds.batch(range(80), ["instruction", "key"])
        keys[split] = dict(zip(batch.instruction.tolist(), batch.key.tolist(), strict=True))
    assert keys["seen"] == keys["train"]
    assert len(set(keys["train"].values())) == 40
    for one, other in (("train", "unseen"), ("train", "long"), ("unseen", "long")):
        assert not set(keys[one].values()) & set(keys[other].values())


def test_plants_make_words_in_which_rules_apply() -> None:
    examples = rows(dataset({**RUN, "task.plants": 1, "rules.pattern_length": 4, "rules.replacement_length": 4}))
    # Four letters of 26 rarely occur by chance, so that nearly every run is the one step of the planted rule.
    assert Counter(example.steps for example in examples)[1] > 0.98 * len(examples)
    assert set(Counter(example.rule for example in examples)) == {0, 1, 2}
    many = rows(dataset({**RUN, "task.plants": 8, "rules.pattern_length": 4, "words.length": 40}))
    assert 2 < sum(example.steps for example in many) / len(many) < 6


@pytest.mark.parametrize("changes", [
    {"rules.cascade": 0.5, "rules.pool": 400},
    {"rules.cascade": 1.0, "rules.alphabet": "a-h"},
    {"rules.pattern_length": [2, 4], "rules.replacement_length": [0, 5], "words.no_op": 0.25},
    {"rules.per_example": 1, "rules.alphabet": "a-d", "rules.pattern_length": 4, "rules.replacement_length": 4},
])  # fmt: skip
def test_step_counts_are_taken_by_turns(changes: dict[str, Any]) -> None:
    asked = [1, 2, 3, 5, 8]
    ds = dataset({**TRACE, "words.length": [16, 40], "task.step_counts": asked, **changes})
    examples = rows(ds)
    for example in examples[::7]:
        check_run(example, ds.recipe)
    others = round(len(ds) * (1 - ds.recipe.words.no_op))
    counts = Counter(example.steps for example in examples)
    assert counts.pop(0, 0) == len(ds) - others
    assert counts == {steps: len(range(i, others, len(asked))) for i, steps in enumerate(asked)}
    rules = [Counter(example.instruction for example in examples if example.steps == steps) for steps in asked]
    assert all(len(used) > 0.9 * len(set().union(*rules)) for used in rules)


def test_every_order_of_plants_and_free_letters_is_as_likely() -> None:
    """Two plants of three letters among ten: the first begins at 0 to 4, the second three letters later or more."""
    ds = dataset({
        "task.kind": "run", "rules.list": [["aab", "c"], ["aad", "e"]], "rules.alphabet": "a-z", "instructions": 1,
        "words.length": 10, "task.step_counts": [2], "rules.terminating": False, "examples": 30_000,
        "rules.pattern_length": None, "rules.replacement_length": None,
    })  # fmt: skip
    batch = ds.batch(range(len(ds)), ["word", "pattern", "position"])
    pairs = zip(batch.word.tolist(), batch.pattern.tolist(), batch.position.tolist(), strict=True)
    found = Counter((first, word.index(pattern, first + 1)) for word, pattern, first in pairs)
    places = [(i, j) for i in range(5) for j in range(i + 3, 8)]
    assert set(found) == set(places)
    assert excess(np.array([found[place] for place in places]), len(ds) / len(places)) < WORST


def test_step_counts_that_cannot_be_had_are_one_error() -> None:
    for changes, problem in {
        ("task.step_counts", ()): "must list at least one number",
        ("task.step_counts", (0,)): "must be between 1 and 1000, got 0",
        ("task.step_counts", (1, 6)): "6 steps with patterns of 3 letters need words of 18; words.length ends at 16",
        ("task.step_counts", (1,), "task.steps", 2): "leave task.steps out",
        ("task.step_counts", (1,), "task.plants", 2): "leave task.plants out",
        ("task.step_counts", (1,), "task.halting", False): "leave task.halting out",
        ("task.step_counts", (1,), "task.kind", "rewrite"): "is of the kinds run, trace",
        ("task.step_counts", (1,), "rules.program", "sort"): "must be left out with rules.program",
    }.items():
        fields = dict(zip(changes[::2], (list(v) if isinstance(v, tuple) else v for v in changes[1::2]), strict=True))
        with pytest.raises(RecipeError, match=f"task.step_counts: .*{problem}"):
            dataset({**RUN, "rules.per_example": 1, **fields})
    hard = dataset({
        **RUN, "rules.per_example": 1, "rules.alphabet": "ab", "rules.terminating": False, "instructions": 1,
        "task.step_counts": [1], "words.length": 400,
    })  # fmt: skip
    with pytest.raises(RecipeError, match="none whose run has the steps asked for"):
        hard[0]


# ---- certificates ----------------------------------------------------------------------------------------------------


def proves(certificate: str, rules: Any) -> bool:
    """Whether the order of letters, or the weights, that a certificate states make every rule go down."""
    if "=" in certificate:
        weights = {letter: int(weight) for letter, weight in (part.split("=") for part in certificate.split(", "))}
        assert min(weights.values()) >= 0
        return all(sum(map(weights.get, x)) > sum(map(weights.get, y)) for x, y, _ in rules)
    order = certificate.split(" > ")
    assert len(set(order)) == len(order)
    for x, y, _ in rules:
        if len(x) < len(y):
            return False
        if len(x) == len(y):
            pairs = [(order.index(a), order.index(b)) for a, b in zip(x, y, strict=True) if a != b]
            if not pairs or pairs[0][0] > pairs[0][1]:
                return False
    return True


def test_the_proof_checker_refuses_what_proves_nothing() -> None:
    assert proves("b > a", [("ba", "ab", False), ("b", "", False)])
    assert not proves("a > b", [("ba", "ab", False)])
    assert not proves("b > a", [("a", "aa", False)])
    assert proves("a=3, b=1", [("a", "bb", False)])
    assert not proves("a=2, b=1", [("a", "bb", False)])


@pytest.mark.parametrize(("changes", "kinds"), [
    (RUN, {"order"}),
    ({**RUN, "rules.alphabet": "a-d", "instructions": 1}, {"order"}),
    ({**RUN, "rules.replacement_length": 4}, {"weights"}),  # growth: only weights can do
    ({**RUN, "rules.replacement_length": 2}, {"order"}),    # an order, whatever it is
    ({**RUN, "rules.per_example": 8, "words.length": 24}, {"order", "weights"}),
    ({**RUN, "rules.per_example": 6, "rules.cascade": 1.0}, {"order", "weights"}),
])  # fmt: skip
def test_every_certificate_is_a_proof(changes: dict[str, Any], kinds: set[str]) -> None:
    ds = dataset({**changes, "rules.terminating": True})
    examples = rows(ds)
    assert all(proves(example.certificate, example.rules) for example in examples)
    assert {"weights" if "=" in example.certificate else "order" for example in examples} == kinds
    assert [ds[i].certificate for i in range(20)] == [example.certificate for example in examples[:20]]
    assert "certificate" in ds.columns
    assert "certificate" not in dataset({**changes, "rules.terminating": False, "task.halting": False}).columns


def test_certificates_can_be_part_of_a_prompt() -> None:
    ds = dataset({**RUN, "render.prompt": "{word}|{certificate}", "rules.alphabet": "a-c", "instructions": 1,
                  "rules.replacement_length": 2})  # fmt: skip
    for example in rows(ds, 50):
        assert example.prompt == f"{example.word}|{example.certificate}"
        assert proves(example.prompt.partition("|")[2], example.rules)


# ---- rule sets: cascades, pools --------------------------------------------------------------------------------------


def has_cascade(rules: Any) -> bool:
    return any(a[0] in b[1] for a, b in permutations(rules, 2))


@pytest.mark.parametrize("share", [0.0, 0.37, 1.0])
@pytest.mark.parametrize(
    "more", [{}, {"rules.terminating": False, "task.halting": False}, {"rules.pool": 100, "rules.per_example": 4}]
)
def test_the_share_of_cascades_is_exact_for_every_number_of_instructions(share: float, more: dict[str, Any]) -> None:
    ds = dataset({**RUN, "rules.pattern_length": 2, "rules.cascade": share, "instructions": 1000, **more})
    sets = {}
    for example in rows(ds):
        sets[example.instruction] = has_cascade(example.rules)
    assert len(sets) == 1000
    for count in (1, 2, 3, 10, 99, 1000):
        assert sum(sets[j] for j in range(count)) == math.floor(share * count + 0.5)


def test_cascades_keep_training_and_held_out_rules_apart() -> None:
    changes = {**RUN, "rules.pattern_length": 2, "rules.cascade": 1.0, "instructions": 1000, "eval.instructions": 90}
    train, unseen = (
        [rule for example in rows(dataset(changes, split=split)) for rule in example.rules]
        for split in ("train", "unseen")
    )
    for side in (0, 1):
        assert not {rule[side] for rule in train} & {rule[side] for rule in unseen}


def test_cascades_are_possible_or_refused_when_loaded() -> None:
    for changes, problem in (
        ({"rules.pattern_length": 4}, "lengthen rules.replacement_length"),
        ({"rules.pattern_length": 0}, "not empty"),
        ({"rules.per_example": 1}, "two rules or more"),
    ):
        with pytest.raises(RecipeError, match=problem):
            BASE.replace({**RUN, "rules.cascade": 0.5, **changes})


POOL = {**RUN, "rules.per_example": 3, "rules.pool": 30, "instructions": 150}


def test_a_pool_makes_different_tuples_of_different_rules() -> None:
    train, recombined, unseen = (
        {example.instruction: example.rules for example in rows(dataset(POOL, split=split))}
        for split in ("train", "recombined", "unseen")
    )
    assert len(train) == len(set(train.values())) == 150
    assert all(len(set(rules)) == 3 for found in (train, recombined, unseen) for rules in found.values())
    pool = {rule for rules in train.values() for rule in rules}
    assert len(pool) == 30
    assert not set(train.values()) & set(recombined.values())
    assert {rule for rules in recombined.values() for rule in rules} <= pool
    assert len({rule for rules in unseen.values() for rule in rules}) == 30
    assert not {rule[:1] for rule in pool} & {rule[:1] for rules in unseen.values() for rule in rules}


def test_every_tuple_of_a_pool_is_an_instruction() -> None:
    changes = {"rules.per_example": 2, "rules.pool": 5, "instructions": 18, "words.length": 16}
    train = {example.rules for example in rows(dataset(changes))}
    recombined = {example.rules for example in rows(dataset(changes, split="recombined"))}
    assert (len(train), len(recombined), len(train | recombined)) == (18, 2, 20)
    with pytest.raises(RecipeError, match="the rule space holds 18 for training"):
        BASE.replace({**changes, "instructions": 19})


def test_pools_too_large_to_number_their_tuples_use_all_rules_alike() -> None:
    ds = dataset({**RUN, "rules.alphabet": "a-z", "rules.pool": 2000, "rules.per_example": 8, "words.length": 30,
                  "rules.terminating": False, "task.halting": False, "task.max_steps": 1, "instructions": 2000,
                  "rules.replacement_length": 9})  # fmt: skip
    sets = {example.instruction: example.rules for example in rows(ds)}
    for place in range(8):
        numbers = Counter(rules[place] for rules in sets.values())
        assert max(numbers.values()) < 12, place  # each of 2000 rules is expected once
        assert len(numbers) > 1100, place


def test_a_pool_is_for_several_rules_and_its_split_for_a_pool() -> None:
    with pytest.raises(RecipeError, match=r"rules\.pool"):
        BASE.replace({"rules.pool": 10})
    with pytest.raises(ValueError, match="split must be one of train, seen, unseen, got"):
        dataset({}, split="recombined")


# ---- ciphers ---------------------------------------------------------------------------------------------------------


def enciphered(text: str, key: str, cipher: str, letters: str) -> str:
    if cipher == "shift":
        return "".join(letters[(letters.index(letter) + int(key)) % len(letters)] for letter in text)
    return text.translate(str.maketrans(letters, key))


@pytest.mark.parametrize("cipher", ["shift", "substitution"])
@pytest.mark.parametrize("place", [None, "word", "replacement"])
@pytest.mark.parametrize("owner", [None, "example", "instruction"])
def test_ciphers_and_their_keys(cipher: str, place: str | None, owner: str | None) -> None:
    ds = dataset({"task.kind": "encrypted", "task.cipher": cipher, "task.enciphered": place, "task.key": owner,
                  "words.no_op": 0.4})  # fmt: skip
    letters, keys = "abcdefgh", {}
    examples = rows(ds)
    for example in examples:
        x, y, word = example.pattern, example.replacement, example.word
        key = keys.setdefault(example.instruction if owner == "instruction" else example.index, example.key)
        assert key == example.key
        before, found, behind = word.partition(x)
        if place == "replacement":
            assert example.output == (before + enciphered(y, key, cipher, letters) + behind if found else word)
        else:
            assert example.output == enciphered(word.replace(x, y, 1), key, cipher, letters)
        assert example.no_op == (not found)
        assert example.prompt == f"{x}>{y}+{key}:{word}="
    found = Counter(keys.values())
    if cipher == "shift":
        assert set(found) == {str(shift) for shift in range(1, 8)}
        assert owner == "instruction" or excess(np.array(list(found.values())), len(keys) / 7) < WORST
    else:
        assert all(sorted(key) == sorted(letters) for key in found)
        assert len(found) > 0.9 * len(keys)
        table = np.array(
            [Counter(key[place] for key in keys.values())[letter] for place in range(8) for letter in letters]
        )
        assert excess(table, len(keys) / 8) < WORST
    assert sum(example.no_op for example in examples) == 800


def test_a_key_must_be_asked_for() -> None:
    with pytest.raises(RecipeError, match=r"task\.cipher: must be given"):
        BASE.replace({"task.kind": "encrypted"})


# ---- schemes ---------------------------------------------------------------------------------------------------------


def matches(word: str, pattern: str, variables: str) -> list[tuple[int, dict[str, str]]]:
    """Matches of a scheme by trying every start with a dictionary."""
    found = []
    for start in range(len(word) - len(pattern) + 1):
        bound: dict[str, str] = {}
        pairs = zip(pattern, word[start : start + len(pattern)], strict=True)
        if all((bound.setdefault(a, b) if a in variables else a) == b for a, b in pairs):
            found.append((start, bound))
    return found


@pytest.mark.parametrize(("variables", "alphabet", "length"), [("XYZ", "a-z", 3), ("X", "a-z", 2), ("αβγδ", "a-d", 4)])
def test_schemes_have_one_match_or_none(variables: str, alphabet: str, length: int) -> None:
    ds = dataset({"task.kind": "scheme", "task.variables": variables, "rules.alphabet": alphabet, "instructions": 10,
                  "rules.pattern_length": length, "rules.replacement_length": length, "words.no_op": 0.3,
                  "words.length": [10, 14]})  # fmt: skip
    sets = {}
    for example in rows(ds):
        x, y, word = example.pattern, example.replacement, example.word
        found = matches(word, x, variables)
        assert len(found) == example.occurrences == (not example.no_op)
        assert not set(word) & set(variables)
        if found:
            start, bound = found[0]
            made = "".join(bound.get(letter, letter) for letter in y)
            assert example.output == word[:start] + made + word[start + len(x) :]
            assert (example.position, example.rule, example.steps) == (start, 0, 1)
        else:
            assert (example.output, example.position, example.rule, example.steps) == (word, -1, -1, 0)
        sets[example.instruction] = (x, y)
        used = [letter for letter in dict.fromkeys(x) if letter in variables]
        assert "".join(used) == variables[: len(used)] != ""
        assert set() != set(y) & set(variables) <= set(used)
        assert len(used) < len(x)
    assert len(set(sets.values())) == 10
    assert sum(example.no_op for example in rows(ds)) == 600


def test_schemes_are_distinct_and_held_out() -> None:
    changes = {"task.kind": "scheme", "rules.alphabet": "a-z", "instructions": 60, "eval.instructions": 30,
               "words.length": 12, "rules.holdout": 0.4}  # fmt: skip
    train, unseen = ({(e.pattern, e.replacement) for e in rows(dataset(changes, split=s))} for s in ("train", "unseen"))
    assert (len(train), len(unseen)) == (60, 30)
    assert not {x for x, _ in train} & {x for x, _ in unseen}
    assert not {y for _, y in train} & {y for _, y in unseen}


def test_variables_that_cannot_be() -> None:
    for changes, problem in (
        ({"task.variables": "aX"}, "letter 'a' occurs twice"),
        ({"rules.alphabet": {"bytes": [0, 255]}}, r"letter b'X' occurs twice"),
        ({"rules.alphabet": {"bytes": [0, 255]}, "task.variables": "α"}, "latin-1"),
        ({"rules.alphabet": "Ā-Ǿ", "task.variables": "XYZ"}, "at most 256 letters"),
        ({"rules.terminating": True}, "rules have variables"),
    ):
        with pytest.raises(RecipeError, match=problem):
            BASE.replace({"task.kind": "scheme", **changes})


# ---- induce ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [None, 1, 7])
def test_all_pairs_follow_the_rule(pairs: int | None) -> None:
    ds = dataset({"task.kind": "induce", "task.pairs": pairs, "words.occurrences": 1})
    for example in rows(ds):
        x, y = example.pattern, example.replacement
        assert len(example.pairs) == (pairs or 4)
        for word, output in example.pairs:
            assert word.count(x) == 1
            assert output == word.replace(x, y)
        assert (example.word, example.output) == example.pairs[0]
        assert example.position == example.word.index(x)
        assert example.completion == f"{x}>{y}"
        assert example.prompt == ", ".join(f"{word}={output}" for word, output in example.pairs) + ":"
    assert len({word for example in rows(ds) for word, _ in example.pairs}) > 0.99 * len(ds) * (pairs or 4)


# ---- popularity ------------------------------------------------------------------------------------------------------


def law_shares(law: Any, count: int) -> np.ndarray:
    if isinstance(law, list):
        return np.array(law) / sum(law)
    ((kind, a),) = law.items()
    if kind == "zipf":
        weights = np.array([1 / j**a for j in range(1, count + 1)])
        return weights / weights.sum()
    return np.diff([(j / count) ** a for j in range(count + 1)])


@pytest.mark.parametrize("law", [
    {"power_law": 2}, {"power_law": 0.5}, {"power_law": 0.2}, {"power_law": 0.03}, {"zipf": 1.1}, {"zipf": 0.5},
    [1.5, 0, 2, 8, 0.25],
])  # fmt: skip
def test_instructions_are_as_popular_as_the_law_says(law: Any) -> None:
    """Chi-square below 7 standard deviations above its mean, which chance passes with less than 10^-6; the rarest
    instructions, expected fewer than 20 times, are counted together."""
    count, examples = len(law) if isinstance(law, list) else 40, 200_000
    ds = dataset({"popularity": law, "instructions": count, "examples": examples, "eval.examples": examples})
    shares = law_shares(law, count)
    for split, expected in (("train", shares * examples), ("unseen", None)):
        numbers = Dataset(ds.recipe, 7, split).batch(range(examples), ["instruction"]).instruction
        if expected is None:
            assert np.ptp(np.bincount(numbers)) <= 1  # a test set does not follow the law
            continue
        observed = np.bincount(numbers, minlength=count).astype(float)
        assert not observed[expected == 0].any()
        rare = expected < 20
        observed, expected = (np.append(v[~rare], v[rare].sum()) for v in (observed, expected))
        observed, expected = observed[expected > 0], expected[expected > 0]
        assert excess(observed, expected) < WORST


def test_powers_are_near_those_of_the_machine() -> None:
    points = np.append(np.random.default_rng(1).uniform(0, 1, 5000), [1.0, 0.5, 2.0**-24, 0.70710678, 0.7071068])
    for exponent in (0.001, 0.03, 0.2, 0.5, 1.0, 1.1, 2.0, 7.3, 100.0):
        wanted = np.array([math.pow(x, exponent) for x in points])
        # The logarithm y of the result is rounded to some units in its last place, which is an error of y times that.
        bound = (4 + 4 * np.abs(exponent * np.log(points))) * 2.0**-52
        assert (np.abs(power(points, exponent) - wanted) <= bound * wanted).all()
    assert power(np.array([1.0]), 1000.0)[0] == 1.0


TABLES = {
    ("power_law", 0.2, 1000): "4a847cd905dc22197fa3263b43c83674",
    ("power_law", 0.03, 100_000): "6f0652c04c16b973c717518394bf902a",
    ("power_law", 2, 10_000): "441bf37578f94a62d8939d0792ee057f",
    ("zipf", 1.1, 100_000): "b5ab2718b5c937495c71240f65f90393",
}


@pytest.mark.parametrize("law", TABLES)
def test_tables_of_popularity_are_what_they_were(law: tuple[str, float, int]) -> None:
    kind, exponent, count = law
    table = cumulative(read_popularity({kind: exponent}), count)
    assert table.dtype == np.uint64
    assert (np.diff(table.astype(object)) >= 0).all()
    assert hashlib.sha256(table.astype("<u8").tobytes()).hexdigest()[:32] == TABLES[law]


def test_popularities_that_cannot_be() -> None:
    for popularity in (
        {"zipf": 0},
        {"power_law": float("inf")},
        {"zipf": 1, "power_law": 1},
        [0.0, 0.0],
        [1.0, -1.0],
        "flat",
    ):
        with pytest.raises(RecipeError, match="popularity"):
            BASE.replace({"popularity": popularity, "instructions": 2})
    with pytest.raises(RecipeError, match="lists 3 weights for 2 instructions"):
        BASE.replace({"popularity": [1.0, 2.0, 3.0], "instructions": 2})


def test_paraphrases_are_uniform() -> None:
    ds = dataset({"render.prompt": ["a {word}", "b {word}", "c {word}"], "render.completion": ["1", "2", "3"],
                  "examples": 60_000})  # fmt: skip
    batch = ds.batch(range(60_000), ["prompt", "completion", "instruction"])
    chosen = Counter(zip((text[0] for text in batch.prompt.tolist()), batch.completion.tolist(), strict=True))
    assert set(chosen) == {("a", "1"), ("b", "2"), ("c", "3")}
    assert excess(np.array(list(chosen.values())), 20_000.0) < WORST
    by_rule = np.bincount(batch.instruction * 3 + [ord(text[0]) - 97 for text in batch.prompt.tolist()])
    assert excess(by_rule, 200.0) < WORST


# ---- programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_their_answers(name: str) -> None:
    program = PROGRAMS[name]
    changes = {**PROGRAM, "task.kind": "trace", "rules.program": name, "examples": 150, "eval.examples": 150}
    lengths = [2, 5]
    for split in ("train", "seen"):
        ds = dataset({**changes, "words.length": lengths}, split=split)
        for example in rows(ds):
            assert example.output == program.answer(example.word)
            check_run(example, ds._split.recipe)
            assert example.outcome in (Outcome.TERMINAL_RULE, Outcome.NO_RULE_APPLIES)
            assert [rule[:2] for rule in example.rules] == [rule[:2] for rule in program.rules]


def test_programs_have_no_rules_to_hold_out() -> None:
    with pytest.raises(RecipeError, match=r"rules\.program: has no rules to hold out .* are in 'seen'"):
        Dataset("program", split="unseen")


def test_words_of_programs_are_uniform_stretches() -> None:
    ds = dataset({**PROGRAM, "task.kind": "run", "rules.program": "parentheses-balanced", "examples": 28_000,
                  "words.length": [8, 8]})  # fmt: skip
    words = Counter(ds.batch(range(28_000), ["word"]).word.tolist())
    assert len(words) == 14  # Catalan's number of four pairs
    assert excess(np.array(list(words.values())), 2000.0) < WORST
