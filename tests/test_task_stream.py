"""The stream of every kind of task equals its plain definition, `reference_tasks.py`, byte for byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from effort import compared
from reference_tasks import ReferenceTasks, cumulative, power

from markovlib import Dataset, Recipe
from markovlib.examples import ALL_COLUMNS
from markovlib.popularity import cumulative as engine_cumulative
from markovlib.popularity import power as engine_power
from markovlib.popularity import read_popularity

BASE = Recipe.from_toml("""
examples = 70_000
instructions = 20
[rules]
alphabet = "a-h"
pattern_length = 3
replacement_length = 3
[words]
length = [8, 14]
no_op = 0.25
[eval]
examples = 40
""")
SEVERAL: dict[str, Any] = {"rules.per_example": 3, "rules.replacement_length": 2, "rules.alphabet": "a-e"}
RUN: dict[str, Any] = {"task.kind": "run", "rules.per_example": 3, "words.no_op": 0.0}
TRACE = {**RUN, "task.kind": "trace"}
ENCRYPTED: dict[str, Any] = {"task.kind": "encrypted", "words.length": 20}
PROGRAM: dict[str, Any] = {
    "task.kind": "run", "instructions": None, "words.no_op": 0.0, "rules.alphabet": None,
    "rules.pattern_length": None, "rules.replacement_length": None,
}  # fmt: skip

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "several rules": (SEVERAL, "train"),
    "several rules, seen": ({**SEVERAL, "words.length": 20}, "seen"),
    "several rules, weighted": ({**SEVERAL, "words.fires": [0.5, 0, 3.25]}, "train"),
    "several rules, uniform words": ({**SEVERAL, "words.sampler": "exact"}, "train"),
    "several rules that hide others": (
        {**SEVERAL, "rules.alphabet": "ab", "rules.per_example": 4, "rules.pattern_length": 3, "words.no_op": 0.0,
         "rules.holdout": 0.2, "instructions": 2}, "train"),
    "several rules, hard words": (
        {**SEVERAL, "rules.alphabet": "abc", "rules.pattern_length": 2, "words.length": [20, 30], "words.no_op": 0.5,
         "instructions": 6}, "train"),
    "uniform words": ({"words.sampler": "exact", "words.length": 20}, "train"),
    "uniform words, occurrences in turn": (
        {"words.sampler": "exact", "words.length": [20, 30], "words.occurrences": [1, 2, 5]}, "train"),
    "occurrences in turn": ({"words.length": [20, 30], "words.occurrences": [4, 1]}, "train"),
    "near misses": ({"words.near_miss": 0.5, "words.no_op": 0.6, "words.length": 20}, "train"),
    "near misses of several rules": (
        {**SEVERAL, "words.near_miss": 0.7, "words.no_op": 0.6, "words.near_miss_edits": 2, "words.length": [14, 20]},
        "train"),
    "near misses, hard words": (
        {"rules.alphabet": "abc", "rules.pattern_length": 2, "words.length": [30, 40], "words.near_miss": 1.0,
         "words.no_op": 1.0}, "unseen"),
    "run": (RUN, "train"),
    "run with no-ops": ({**RUN, "words.no_op": 0.3}, "train"),
    "run, seen": (RUN, "seen"),
    "run, own instructions": ({**RUN, "rules.alphabet": "a-z", "instructions": None}, "train"),
    "run, one rule": ({**RUN, "rules.per_example": 1, "rules.terminating": False, "task.max_length": 40,
                       "rules.replacement_length": 2}, "train"),
    "trace": ({**TRACE, "task.steps": [2, 9], "task.plants": 2}, "train"),
    "trace, steps in turn": (
        {**TRACE, "task.step_counts": [1, 2, 4], "words.length": [20, 30], "words.no_op": 0.2}, "train"),
    "run, steps in turn": ({**RUN, "task.step_counts": [3, 1], "words.length": [12, 16], "rules.cascade": 0.5}, "seen"),
    "run, one rule, steps in turn": (
        {**RUN, "rules.per_example": 1, "task.step_counts": [2, 5], "words.length": 20}, "unseen"),
    "trace, unseen": ({**TRACE, "eval.instructions": 5, "rules.alphabet": "a-z"}, "unseen"),
    "runs that need not halt": ({**TRACE, "rules.terminating": False, "task.halting": False, "task.max_steps": 9,
                                 "task.max_length": 20, "rules.replacement_length": 4}, "train"),
    "cascade": ({**RUN, "rules.cascade": 0.4}, "train"),
    "no cascade": ({**RUN, "rules.cascade": 0.0, "rules.pattern_length": 2}, "train"),
    "pool": ({**RUN, "rules.pool": 12, "instructions": 15}, "train"),
    "pool, cascades": ({**RUN, "rules.pool": 40, "rules.cascade": 0.6, "instructions": 25}, "train"),
    "recombined, cascades": ({**RUN, "rules.pool": 40, "rules.cascade": 0.6, "instructions": 5}, "recombined"),
    "recombined": ({**RUN, "rules.pool": 20, "instructions": 5}, "recombined"),
    "a pool of too many tuples to number": (
        {**TRACE, "rules.pool": 9000, "rules.per_example": 6, "rules.terminating": False, "task.halting": False,
         "rules.replacement_length": 9, "rules.pattern_length": 4, "task.max_steps": 3}, "train"),
    "scheme": ({"task.kind": "scheme", "rules.alphabet": "a-z"}, "train"),
    "scheme, unseen": ({"task.kind": "scheme", "rules.alphabet": "a-z", "task.variables": "PQ"}, "unseen"),
    "induce": ({"task.kind": "induce", "words.no_op": 0.0, "task.pairs": 3, "words.length": 20}, "train"),
    "shift": ({**ENCRYPTED, "task.cipher": "shift"}, "train"),
    "shift of the replacement, key of the instruction": (
        {**ENCRYPTED, "task.cipher": "shift", "task.key": "instruction", "task.enciphered": "replacement"}, "train"),
    "substitution": ({**ENCRYPTED, "task.cipher": "substitution"}, "seen"),
    "substitution of the replacement": (
        {**ENCRYPTED, "task.cipher": "substitution", "task.enciphered": "replacement"}, "train"),
    "substitution, key of the instruction": (
        {**ENCRYPTED, "task.cipher": "substitution", "task.key": "instruction"}, "unseen"),
    "substitution of bytes": (
        {**ENCRYPTED, "task.cipher": "substitution", "rules.alphabet": {"bytes": [0, 255]}}, "train"),
    "power law": ({"popularity": {"power_law": 0.3}, "words.length": 20}, "train"),
    "Zipf": ({"popularity": {"zipf": 1.2}, "words.length": 20}, "train"),
    "weights": ({"instructions": 5, "popularity": [0.5, 0, 3, 1, 2.25], "words.length": 20}, "train"),
    "reverse": ({**PROGRAM, "task.kind": "trace", "rules.program": "reverse", "words.length": [2, 5]}, "train"),
    "balanced": ({**PROGRAM, "rules.program": "parentheses-balanced", "words.length": [2, 9]}, "seen"),
    "division": ({**PROGRAM, "rules.program": "unary-division", "words.length": [2, 9]}, "train"),
    "addition": ({**PROGRAM, "rules.program": "binary-addition", "words.length": [4, 9]}, "seen"),
}  # fmt: skip


def expected_row(ds: Dataset, made: dict[str, Any]) -> dict[str, Any]:
    """The columns that the reference knows, as a batch has them."""
    string = ds._split.recipe.letters.string
    task = ds._split.recipe.task
    key = made["key"]
    if key is not None:
        key = string(key) if task.cipher == "substitution" else type(string(b""))(str(key[0]))
    return {
        "instruction": made["number"], "near_miss": made["near_miss"],
        "no_op": made["no_op"], "rule": made["rule"], "position": made["position"],
        "steps": made["steps"], "outcome": made["outcome"], "key": key,
        "rules": tuple((string(x), string(y), terminal and task.runs) for x, y, terminal in made["rules"]),
        "trace": tuple((rule, at, string(word)) for rule, at, word in made["trace"]) if task.kind == "trace" else (),
        "pairs": tuple((string(x), string(y)) for x, y in made["pairs"]) if task.kind == "induce" else (),
        **{name: string(made[name]) for name in ("word", "output", "pattern", "replacement")},
    }  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_stream_equals_its_plain_definition(name: str) -> None:
    changes, split = CASES[name]
    ds = Dataset(BASE.replace(changes), seed=12345678901234567890123, split=split)
    reference, count = ReferenceTasks(ds), 40
    first = len(ds) - count
    batch = ds.batch(range(first, first + count), ALL_COLUMNS)
    for i in compared(count):
        expected = expected_row(ds, reference.example(first + i))
        row = batch[i]._asdict()
        if row["pattern"] is None:
            row["pattern"] = row["replacement"] = type(row["word"])()
        assert {column: row[column] for column in expected} == expected
        assert row["certificate"] == certificate_text(reference, ds, row["instruction"])


def certificate_text(reference: ReferenceTasks, ds: Dataset, number: int) -> str | None:
    recipe = ds._split.recipe
    if not recipe.terminating:
        return None
    kind, values = reference.certificate([rule[:2] for rule in reference.rules_of(number)])
    letters = recipe.letters.letters
    if kind == "order":
        return " > ".join(letters[code] for code in values)
    return ", ".join(f"{letter}={weight}" for letter, weight in zip(letters, values, strict=True))


@pytest.mark.parametrize("law", [{"power_law": 0.2}, {"power_law": 2}, {"power_law": 0.03}, {"zipf": 1.1}, {"zipf": 3}])
def test_shares_of_instructions_are_those_of_plain_python(law: dict[str, float]) -> None:
    engine = engine_cumulative(read_popularity(law), 1000)
    assert engine.tolist() == cumulative(law, 1000)
    weights = [0.1, 7, 0, 1e-9, 3]
    assert engine_cumulative(read_popularity(weights), 5).tolist() == cumulative(weights, 5)
    points = np.random.default_rng(0).uniform(0, 1, 200)
    for exponent in (0.001, 0.37, 1, 2.5, 40):
        assert engine_power(points, exponent).tolist() == [power(float(x), exponent) for x in points]


@pytest.mark.parametrize("paraphrases", [2, 3, 7])
def test_paraphrases_are_those_of_the_definition(paraphrases: int) -> None:
    texts = [f"{i} {{word}}" for i in range(paraphrases)]
    ds = Dataset(BASE.replace({"render.prompt": texts, "words.length": 20}), 5)
    reference = ReferenceTasks(ds)
    for example in ds[0:50].prompt.tolist(), ds[50:100].prompt.tolist():
        assert len({text[0] for text in example}) > 1
    for i in range(60):
        chosen = reference.example(i)["paraphrase"] * paraphrases >> 64
        assert ds[i].prompt == f"{chosen} {ds[i].word}"
        assert ds[i].template == chosen
    for changes in ({}, {"rules.per_example": 2}, {"task.kind": "run"}):
        other = Dataset(ds.recipe.replace({"rules.alphabet": "a-z", **changes}), 5)
        batch = other.batch(range(300), ["template", "prompt"], threads=3)
        assert [f"{number}" for number in batch.template.tolist()] == [prompt[0] for prompt in batch.prompt]
        assert [other[i].template for i in range(50)] == batch.template.tolist()[:50]
        assert "template" not in other.columns
