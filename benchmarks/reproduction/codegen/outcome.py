"""What the records of the specialist say: accuracies, differences, and how sure they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = dict[str, Any]
Bits = NDArray[np.float64]

RESAMPLES = 10_000
PRIMARY = ("unseen", 0.25, "general", "repeated")
"""Test, share, and the two arms whose difference the hypothesis is about."""

CONTRASTS = (("general", "repeated"), ("general", "all"), ("new", "repeated"), ("fewer", "repeated"))


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds, its 95 % bootstrap interval, and each seed's own value."""

    mean: float
    low: float
    high: float
    seeds: dict[int, float]

    @property
    def verdict(self) -> str:
        """Whether the interval is on one side of 0."""
        return "more" if self.low > 0 else "less" if self.high < 0 else "not distinguishable"


def load(folder: Path) -> list[Record]:
    """The records of a folder, in the order of their names."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def bits(records: Sequence[Record], test: str, arm: str, share: float) -> dict[int, Bits]:
    """For each seed, which of the test's instructions the arm's model was right on.

    The arm `all` replaces nothing, and stands for itself at every share.
    """
    found = {}
    for record in records:
        run = record["run"]
        if run["arm"] == arm and (arm == "all" or run["share"] == share):
            found[int(run["seed"])] = np.array([float(digit) for digit in record["right"][test]])
    return dict(sorted(found.items()))


def estimate(values: dict[int, Bits], seed: int = 0) -> Estimate | None:
    """The mean of rows, one a seed, over seeds and instructions; None without rows.

    Seeds are drawn with replacement, and within each resample instructions, the same for all its seeds.
    """
    if not values:
        return None
    table = np.stack(list(values.values()))
    source = np.random.default_rng(seed)
    runs = source.integers(0, len(table), (RESAMPLES, len(table)))
    weights = source.multinomial(table.shape[1], np.full(table.shape[1], 1 / table.shape[1]), RESAMPLES)
    chosen = np.stack([(runs == i).sum(1) for i in range(len(table))], axis=1) / len(table)
    means = np.einsum("rs,si,ri->r", chosen, table, weights / table.shape[1], optimize=True)
    low, high = np.percentile(means, [2.5, 97.5])
    own = {run: float(row.mean()) for run, row in values.items()}
    return Estimate(float(table.mean()), float(low), float(high), own)


def difference(records: Sequence[Record], test: str, share: float, arm: str, other: str) -> Estimate | None:
    """How much more often one arm is right than another, over the seeds that both have."""
    a, b = bits(records, test, arm, share), bits(records, test, other, share)
    return estimate({seed: a[seed] - b[seed] for seed in a if seed in b})


def accuracy(records: Sequence[Record], test: str, share: float, arm: str) -> Estimate | None:
    """How often an arm is right."""
    return estimate(bits(records, test, arm, share))
