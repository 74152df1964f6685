"""Recipes at random, edges above all: what is accepted gives rows that their own rules explain, or says why not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from effort import slow_but, tries

from markovlib import Dataset, Recipe, RecipeError
from markovlib.examples import ALL_COLUMNS
from markovlib.shards.recheck import checker

ALPHABETS: list[Any] = [
    "ab",
    "abc",
    "a-h",
    "a-z",
    "aβ中😀",
    {"bytes": [0, 1]},
    {"bytes": [0, 255]},
    {"bytes": [30, 70]},
]
FAMILIES: list[Any] = ["uniform", "uniform", "uniform", "periodic", ["repeated", "mirrored", "uniform"]]


def pair(chance: random.Random, low: int, high: int) -> list[int]:
    return (
        sorted(chance.choices(range(low, high + 1), k=2)) if chance.random() < 0.5 else [chance.randint(low, high)] * 2
    )


def some(chance: random.Random, *values: Any) -> Any:
    """One of the values, or None: the field is left out."""
    return chance.choice([None, *values])


def task_fields(chance: random.Random, kind: str) -> dict[str, Any]:
    if kind in ("run", "trace") and chance.random() < 0.3:
        return {"step_counts": chance.choice([[1], [3, 1], [2, 9]]), "max_length": some(chance, 30)}
    if kind in ("run", "trace"):
        return {"steps": some(chance, [1, 3], [2, 9], [0, 5]), "max_steps": some(chance, 1, 7),
                "max_length": some(chance, 1, 5, 30), "halting": some(chance, True, False),
                "plants": some(chance, 1, 9)}  # fmt: skip
    if kind == "encrypted":
        return {"cipher": chance.choice(["shift", "substitution"]), "key": some(chance, "example", "instruction"),
                "enciphered": some(chance, "word", "replacement")}  # fmt: skip
    return {"scheme": {"variables": some(chance, "X", "PQRS")}, "induce": {"pairs": some(chance, 1, 3)}}.get(kind, {})


def recipe_fields(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["rewrite", "rewrite", "run", "trace", "encrypted", "scheme", "induce"])
    several = kind in ("rewrite", "run", "trace")
    rules = {
        "alphabet": chance.choice(ALPHABETS), "pattern_length": pair(chance, 0, 5),
        "replacement_length": pair(chance, 0, 6), "per_example": chance.choice([1, 1, 2, 3, 8, 64]) if several else 1,
        "holdout": chance.choice([0, 0.1, 0.5]), "terminating": some(chance, True, False),
        "cascade": some(chance, 0.0, 0.5, 1.0) if several and chance.random() < 0.3 else None,
        "pool": some(chance, 5, 70) if several and chance.random() < 0.3 else None,
        "family": chance.choice(FAMILIES), "k": some(chance, 2),
    }  # fmt: skip
    words = {
        "length": pair(chance, 1, 24), "no_op": chance.choice([0.0, 0.0, 0.3, 1.0]) if kind != "induce" else 0.0,
        "near_miss": chance.choice([0.0, 0.0, 0.5, 1.0]), "near_miss_edits": some(chance, 1, 2),
        "occurrences": some(chance, 1, 2, [1, 3]), "sampler": chance.choice(["planted", "exact"]),
    }  # fmt: skip
    task = {"kind": kind, **task_fields(chance, kind)}
    tables = {"rules": rules, "words": words, "task": task, "eval": {"examples": 100}}
    fields: dict[str, Any] = {
        name: {key: value for key, value in table.items() if value is not None} for name, table in tables.items()
    }
    return {**fields, "examples": 200, "instructions": chance.choice([1, 2, 3, 10])}


def attempt(make: Callable[[], Any]) -> tuple[Any, RecipeError | None]:
    """What is made, or the error that says why not."""
    try:
        return make(), None
    except RecipeError as error:
        return None, error


def accepted(chance: random.Random) -> Recipe:
    """The first recipe that is accepted; those that are not are refused with the path of a field."""
    while True:
        fields = recipe_fields(chance)
        recipe, error = attempt(lambda fields=fields: Recipe.from_dict(fields))
        if error is None:
            return recipe
        assert error.path
        assert error.problem


@pytest.mark.parametrize("seed", slow_but(range(6), range(tries(36))))
def test_what_is_accepted_is_right_or_says_why_not(seed: int) -> None:
    chance = random.Random(seed)
    made = 0
    for _ in range(8):
        recipe = accepted(chance)
        for split in ("train", "seen", "unseen"):
            batch, error = attempt(lambda r=recipe, s=split: Dataset(r, seed, s).batch(range(100), ALL_COLUMNS, 2))
            if error is not None:
                assert f"split {split!r}" in str(error)
                continue
            made += 1
            ds = Dataset(recipe, seed, split)
            columns = [name for name in (*ds.columns, "occurrences") if name != "occurrences" or not recipe.task.runs]
            assert checker(recipe.to_dict(), split)(batch.to_arrow(columns), 0) is None, recipe
            check_promises(ds, recipe, batch)
            assert [ds[i] for i in range(0, 100, 9)] == [batch[i] for i in range(0, 100, 9)]
    assert made


def check_promises(ds: Dataset, recipe: Recipe, batch: Any) -> None:
    low, high = recipe.words.length
    lengths = [len(word) for word in batch.word.tolist()]
    assert low <= min(lengths) <= max(lengths) <= high
    if len(ds) == 100:
        assert batch.no_op.sum() == int(100 * recipe.words.no_op + 0.5)
        assert batch.near_miss.sum() == int(batch.no_op.sum() * recipe.words.near_miss + 0.5)
    if recipe.words.occurrences is not None:
        assert set(batch.occurrences[~batch.no_op].tolist()) <= set(recipe.occurrences)
    if recipe.task.runs:
        halted = set(batch.outcome.tolist()) <= {1, 2}
        assert halted or (recipe.task.halting is False and recipe.task.steps is None)
        assert all(example.steps > 0 for example in batch if not example.no_op)
