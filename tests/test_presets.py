"""Every preset keeps what it says: rows are right by an independent account of them, and shares are exact.

`MARKOVLIB_PRESET_ROWS` says how many rows of each are looked at (`make test-presets`: a million).
"""

from __future__ import annotations

import os
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import markovlib.presets
from markovlib import Dataset, Recipe
from markovlib.shards.recheck import checker

ROWS = int(os.environ.get("MARKOVLIB_PRESET_ROWS", "30000"))
BATCH = 30_000
PRESETS = sorted(Recipe.presets())


def sized(name: str) -> Recipe:
    recipe = Recipe.load(name)
    return recipe.replace(examples=ROWS)


def half_up(value: Fraction) -> int:
    return int((2 * value + 1) // 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_rows_are_right(name: str) -> None:
    ds = Dataset(sized(name), 2026)
    check = checker(ds.recipe.to_dict(), "train")
    assert check is not None
    columns = list(dict.fromkeys([*ds.columns, "near_miss", "occurrences", "stratum", "instruction"]))
    no_ops = near_misses = 0
    counts: dict[int, int] = {}
    steps: Counter[int] = Counter()
    for start in range(0, ROWS, BATCH):
        end = min(start + BATCH, ROWS)
        batch = ds.batch(range(start, end), columns)
        assert check(batch.to_arrow(), start) is None
        no_ops += int(batch.no_op.sum())
        near_misses += int(batch.near_miss.sum())
        steps.update(batch.steps[~batch.no_op].tolist())
        if ds.recipe.rules.program is None and not ds.recipe.task.runs and ds.recipe.rules.per_example == 1:
            found, times = np.unique(batch.occurrences[~batch.no_op], return_counts=True)
            for occurrences, number in zip(found.tolist(), times.tolist(), strict=True):
                counts[occurrences] = counts.get(occurrences, 0) + number
    if ds.recipe.rules.program is None:
        assert no_ops == half_up(ds.recipe.no_op_share * ROWS)
        assert near_misses == half_up(ds.recipe.near_miss_share * no_ops)
    if ds.recipe.words.occurrences is not None:
        assert set(counts) == set(ds.recipe.occurrences)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert counts.get(0, 0) == 0
    if (asked := ds.recipe.task.step_counts) is not None:
        assert sorted(steps) == asked
        assert max(steps.values()) - min(steps.values()) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PRESETS if name != "program"])
def test_shares_are_exact_for_every_prefix_tried(name: str) -> None:
    recipe = Recipe.load(name)
    for size in (1, 7, 1000, 65_536, 65_537, 100_000):
        no_op = Dataset(recipe.replace(examples=size), 5).batch(range(size), ["no_op"]).no_op
        assert int(no_op.sum()) == half_up(recipe.no_op_share * size)


@pytest.mark.parametrize("split", ["train", "repeated_2", "periodic_2", "mirrored_2", "unrestricted"])
def test_families_are_what_they_are_called(split: str) -> None:
    ds = Dataset(Recipe.load("paper/families").replace({"examples": 600, "eval.examples": 600}), 1, split)
    batch = ds.batch(range(600), ["pattern", "replacement", "stratum"])
    for pattern, replacement, number in zip(batch.pattern, batch.replacement, batch.stratum.tolist(), strict=True):
        stratum = ds.strata[number]
        for side in (pattern, replacement):
            free: dict[int, str] = {}
            source = source_of(stratum.family, stratum.k, len(side))
            assert all(free.setdefault(digit, letter) == letter for digit, letter in zip(source, side, strict=True))


def source_of(family: str, k: int, length: int) -> list[int]:
    """Which free digit gives each letter, by the definition of the families."""
    free = -(-length // k)
    if family == "repeated":
        return [i // k for i in range(length)]
    if family == "periodic":
        return [i % free for i in range(length)]
    if family == "mirrored":
        return [i % free if i // free % 2 == 0 else free - 1 - i % free for i in range(length)]
    return list(range(length))


@pytest.mark.parametrize("name", PRESETS)
def test_every_kind_of_rule_keeps_its_share(name: str) -> None:
    """No kind runs out; of sets that must terminate and cascade, what the search for them prefers shifts little."""
    ds = Dataset(Recipe.load(name).replace(examples=ROWS))
    assert ds.spills == []
    if ds.recipe.rules.per_example == 1 or ds.recipe.rules.program is not None:
        return
    first = np.unique(ds.batch(range(ROWS), ["instruction"]).instruction, return_index=True)[1]
    rules = [rule for i in first for rule in ds[int(i)].rules]
    kinds = Counter((len(rule.pattern), len(rule.replacement)) for rule in rules)
    weights = {(s.pattern_length, s.replacement_length): Fraction(s.weight) for s in ds.strata}
    assert kinds.keys() == weights.keys()
    for kind, weight in weights.items():
        assert abs(kinds[kind] / len(rules) - weight / sum(weights.values())) < 0.01


def test_presets_say_which_values_are_ours() -> None:
    assert len(preset_files()) == len(PRESETS)
    for file in preset_files():
        assert "ours" in file.read_text("utf-8").partition("\n\n")[0], file.name


def preset_files() -> list[Path]:
    return sorted(Path(markovlib.presets.__file__).parent.rglob("*.toml"))


def test_nothing_of_training_is_tested() -> None:
    for name in PRESETS:
        if name == "program":
            continue
        recipe = Recipe.load(name).replace({"examples": 3000, "eval.examples": 3000})
        recipe = recipe.replace(instructions=min(recipe.instructions or 1000, 1000))
        tables = [Dataset(recipe, 1, split).batch(range(3000), ["rules"]).rules for split in ("train", "unseen")]
        for side in ("pattern", "replacement"):
            trained, tested = (set(table.fields[side].tolist()) for table in tables)
            shared = trained & tested
            assert shared <= {""}, f"{name}: {side} {sorted(shared)[:3]}"


def test_arrow_counts_agree() -> None:
    ds = Dataset(Recipe.load("paper/no-op").replace(examples=5000), 1)
    table = ds.batch(range(5000)).to_arrow()
    assert pc.sum(pc.cast(table.column("no_op"), pa.int64())).as_py() == 1500
