"""The experiments: which runs each has, at the papers' scale, in miniature, and tiny for tests of the machinery.

The papers are arXiv 2402.10891, 2405.19787 and 2410.04717; a preset of the library has each experiment's setting, and
what is changed here is all there is to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .points import Point, Training

Axes = dict[str, Any]
Changes = dict[str, Any]

SCALES = ("miniature", "paper", "tiny")
KINDS_OF_TEST = {"no_op": 0.5, "near_miss": 0.5}
"""Words of the tests: half of them applying, a quarter plain no-ops, a quarter near misses."""

FAMILIES = ["mirrored", "repeated", "periodic"]
ROBUSTNESS = ("shorter", "longer", "family", "alphabet", "occurrences")


class Setting(NamedTuple):
    """An experiment at a scale: the axes of its arms, what is changed for all of them and for the tests, the training
    and the number of seeds."""

    arms: list[Axes]
    base: Changes
    shifts: Changes
    training: Training
    seeds: int


@dataclass(frozen=True)
class Experiment:
    """An experiment of the papers: its preset, its arms at each scale, and what an arm changes in the recipe."""

    name: str
    title: str
    preset: str
    changes: Callable[[Axes, int], Changes]
    settings: Callable[[str], Setting]

    def points(self, scale: str) -> list[Point]:
        """All runs, one seed of every arm after the other."""
        setting = self.settings(scale)
        base = {"sweep": {}, "shifts": {}, "eval.words": KINDS_OF_TEST, **setting.base}
        return [
            Point(self.name, scale, axes, self.preset, base | self.changes(axes, base["examples"]),
                  base | {"shifts": setting.shifts}, seed, setting.training)
            for seed in range(setting.seeds) for axes in setting.arms
        ]  # fmt: skip


def grid(**axes: list[Any]) -> list[Axes]:
    """Every combination, the last axis changing fastest.

    >>> grid(instructions=[1, 2], no_op=[0.1])
    [{'instructions': 1, 'no_op': 0.1}, {'instructions': 2, 'no_op': 0.1}]
    """
    found: list[Axes] = [{}]
    for name, values in axes.items():
        found = [{**axis, name: value} for axis in found for value in values]
    return found


# ---- scales ----------------------------------------------------------------------------------------------------------

SMALL = Training()
PAPERS = Training(layers=6, width=256, heads=4, batch=256, epochs=50, rate=1e-3, warmup=1000, schedule="linear",
                  betas=(0.9, 0.999), decay=0.01, looks=50)  # fmt: skip
TINY = Training(layers=1, width=16, heads=2, batch=32, warmup=2, looks=2, look_rows=32)

MINIATURE: Changes = {
    "rules.alphabet": "a-j", "rules.holdout": 0.3, "rules.pattern_length": 3, "rules.replacement_length": 3,
    "words.length": 6, "examples": 204_800, "eval.examples": 2048, "render.prompt": "{pattern}{replacement}{word}=",
}  # fmt: skip
SIZES: dict[str, Changes] = {
    "miniature": MINIATURE,
    "paper": {"examples": 1_000_000, "eval.examples": 10_000},
    "tiny": {"examples": 128, "eval.examples": 64},
}
TRAININGS = {"miniature": SMALL, "paper": PAPERS, "tiny": TINY}


def setting(scale: str, arms: list[Axes], base: Changes, shifts: Changes, seeds: int = 3) -> Setting:
    return Setting(arms, SIZES[scale] | base, shifts, TRAININGS[scale], 1 if scale == "tiny" else seeds)


def instructions(axes: Axes, _: int) -> Changes:
    return {"instructions": axes["instructions"]}


# ---- number of instructions ------------------------------------------------------------------------------------------


def robustness(scale: str) -> Changes:
    """Named shifts, on which the models of the count experiment are tested too; all words apply."""
    long, short = ([7, 8], [4, 5]) if scale == "miniature" else ([55, 60], [40, 45])
    shifts: dict[str, Changes] = {
        "shorter": {"words.length": short},
        "longer": {"words.length": long},
        "family": {"rules.family": FAMILIES, "rules.k": 2},
        "alphabet": {"rules.alphabet": "a-e" if scale == "miniature" else "a-m"},
        "occurrences": {"words.occurrences": 2},
    }
    plain = {"words.no_op": 0.0, "words.near_miss": 0.0, "examples": SIZES[scale]["eval.examples"] // 2}
    return {name: plain | shifts[name] for name in ROBUSTNESS}


def count(scale: str) -> Setting:
    numbers = {
        "miniature": [100, 300, 1000, 10_000],
        "paper": [10, 20, 50, 100, 200, 300, 400, 500, 600, 1000, 2000, 2500, 5000, 10_000, 100_000, 1_000_000],
        "tiny": [4, 64],
    }
    return setting(scale, grid(instructions=numbers[scale]), {}, robustness(scale))


# ---- no-ops ----------------------------------------------------------------------------------------------------------


def no_op(scale: str) -> Setting:
    """Arm `rows`: as many examples whatever the share.  Arm `applied`: as many applying ones as at a share of .3.

    In miniature half of no-ops are in the arm `applied` only: beside them, too few applying rows were left to learn
    1,000 rules from.
    """
    numbers, shares, others = {
        "miniature": ([100, 1000], [0.1, 0.3], [0.5]),
        "paper": (
            [10, 20, 50, 100, 200, 300, 400, 500, 600, 1000, 2000, 2500, 5000, 10_000, 100_000, 1_000_000],
            [0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.4, 0.5],
        ),
        "tiny": ([4, 64], [0.3], [0.5]),
    }[scale]  # fmt: skip
    arms = grid(fixed=["rows"], no_op=shares, instructions=numbers)
    return setting(scale, arms + grid(fixed=["applied"], no_op=others, instructions=numbers), {}, {})


def no_op_changes(axes: Axes, examples: int) -> Changes:
    share = axes["no_op"]
    rows = examples if axes["fixed"] == "rows" else round(examples * (1 - 0.3) / (1 - share))
    return {"instructions": axes["instructions"], "words.no_op": share, "examples": rows}


# ---- long tail -------------------------------------------------------------------------------------------------------


def long_tail(scale: str) -> Setting:
    """Shapes of the power law; the uniform law is the count experiment's, with the same recipe."""
    numbers, shapes = {
        "miniature": ([1000, 10_000], [0.5, 0.2, 0.1]),
        "paper": ([1000, 10_000, 100_000], [2.0, 1.0, 0.5, 0.2, 0.1, 0.07, 0.03]),
        "tiny": ([64], [0.2]),
    }[scale]
    return setting(scale, grid(instructions=numbers, shape=shapes), {}, {})


def long_tail_changes(axes: Axes, _: int) -> Changes:
    shape = axes["shape"]
    return {
        "instructions": axes["instructions"],
        "popularity": shape if shape == "uniform" else {"power_law": shape},
    }


# ---- families --------------------------------------------------------------------------------------------------------


def families(scale: str) -> Setting:
    """Arms of as many rules with as many different patterns; tested on each family, and on strings of any kind."""
    length, ks = {"miniature": (6, [2]), "paper": (60, [[3, 4], [3, 6], [3, 12], [3, 20], [3, 30], [3, 60]]),
                  "tiny": (60, [[3, 4]])}[scale]  # fmt: skip
    numbers = {"miniature": [600], "paper": [500, 1000, 5000, 10_000], "tiny": [30]}[scale]
    sizes: Changes = {"rules.family": FAMILIES, "rules.k": ks[0], "rules.pattern_length": length,
                      "rules.replacement_length": length, "words.no_op": 0.0}  # fmt: skip
    if scale == "miniature":
        sizes |= {"words.length": 8}
    lower = 2 if scale == "miniature" else [3, 4]
    shifts: dict[str, Changes] = {family: {"rules.family": family, "rules.k": lower} for family in FAMILIES}
    shifts["unrestricted"] = {"rules.family": "uniform", "rules.k": 1}
    arms = grid(instructions=numbers, k=ks, family=[*FAMILIES, "mix"])
    return setting(scale, arms, sizes, shifts)


def families_changes(axes: Axes, _: int) -> Changes:
    """The miniature's few strings may have two forms (`aaaaaa` is of every family).  So that all arms hold the same
    ones out, they list all families, and the arm's own has all the rules but one in 5,000, which is none."""
    family: Any = FAMILIES if axes["family"] == "mix" else axes["family"]
    if axes["k"] == 2 and axes["family"] != "mix":
        family = [{"name": name, "weight": 1 if name == axes["family"] else 1e-4} for name in FAMILIES]
    return {"instructions": axes["instructions"], "rules.family": family, "rules.k": axes["k"]}


# ---- occurrences -----------------------------------------------------------------------------------------------------


def occurrences(scale: str) -> Setting:
    """The pattern occurs exactly so many times; `mix` takes turns between all of them."""
    numbers, several = {
        "miniature": ([1000], [1, 2, 3]),
        "paper": ([2000, 1000, 500, 200], [1, 5, 10, 15, 20]),
        "tiny": ([64], [1, 5]),
    }[scale]
    base: Changes = {"words.occurrences": several, "eval.words": {}}
    if scale == "miniature":
        base |= {"rules.alphabet": "a-m", "rules.pattern_length": 2, "rules.replacement_length": 2, "words.length": 8}
    shifts = {f"occurrences_{number}": {"words.occurrences": number} for number in several}
    return setting(scale, grid(instructions=numbers, occurrences=[*several, "mix"]), base, shifts, seeds=5)


def occurrences_changes(axes: Axes, _: int) -> Changes:
    one = axes["occurrences"]
    return {"instructions": axes["instructions"]} | ({} if one == "mix" else {"words.occurrences": one})


# ---- encrypted -------------------------------------------------------------------------------------------------------


def encrypted(scale: str) -> Setting:
    numbers, shapes = {
        "miniature": ([30, 1000], ["uniform", 0.2]),
        "paper": ([10, 100, 1000, 3000, 9000], ["uniform", 0.2]),
        "tiny": ([64], ["uniform", 0.2]),
    }[scale]
    base: Changes = {"words.no_op": 0.4}
    if scale == "miniature":
        base |= {"rules.alphabet": "a-h", "rules.pattern_length": 2, "rules.replacement_length": 2, "words.length": 4,
                 "render.prompt": "{pattern}{replacement}{key}{word}="}  # fmt: skip
    if scale == "paper":
        base |= {"examples": 40_000, "eval.examples": 5000}
    return setting(scale, grid(instructions=numbers, shape=shapes), base, {})


# ---- all of them -----------------------------------------------------------------------------------------------------

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment("count", "Number of instructions", "paper/basic", instructions, count),
        Experiment("occurrences", "Occurrences", "paper/occurrences", occurrences_changes, occurrences),
        Experiment("no-op", "No-ops", "paper/no-op", no_op_changes, no_op),
        Experiment("long-tail", "Long tail", "paper/long-tail", long_tail_changes, long_tail),
        Experiment("families", "Families of rules", "paper/families", families_changes, families),
        Experiment("encrypted", "Encrypted rewriting", "paper/encrypted", long_tail_changes, encrypted),
    )
}


def points(names: list[str], scale: str) -> Iterator[Point]:
    """The runs of several experiments, one experiment after the other."""
    for name in names:
        yield from EXPERIMENTS[name].points(scale)
