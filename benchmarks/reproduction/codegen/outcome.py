"""What the records of the specialist say: accuracies, differences, and how sure they are."""

from __future__ import annotations

import functools
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


@functools.cache
def _resamples(count: int) -> Bits:
    """How often each of so many things is in each resample, as shares of it; of shape (resamples, count)."""
    source = np.random.default_rng(count)
    return source.multinomial(count, np.full(count, 1 / count), RESAMPLES) / count


def estimate(values: dict[int, Bits]) -> Estimate | None:
    """The mean of rows, one a seed, over seeds and instructions; None without rows.

    Seeds are drawn with replacement, and within each resample instructions, the same for all its seeds.  The draws are
    the same for all estimates of as many seeds and instructions.
    """
    if not values:
        return None
    table = np.stack(list(values.values()))
    means = (_resamples(len(table)) * (_resamples(table.shape[1]) @ table.T)).sum(1)
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
