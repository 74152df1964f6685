"""Shares of right answers over several seeds, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
COVERED = 0.95


class Estimate(NamedTuple):
    """A mean over seeds, the interval around it, and each seed's share.

    `trained` says whether every seed's model had learnt its own rules; if not, nothing follows from the numbers.
    """

    share: float
    low: float
    high: float
    seeds: tuple[float, ...]
    trained: bool = True

    def __str__(self) -> str:
        return f"{self.share:.2f} [{self.low:.2f}, {self.high:.2f}]"


def estimate(counts: Sequence[tuple[int, int]], trained: bool = True) -> Estimate:
    """From (right, rows) of each seed: the mean of the shares and their bootstrap interval.

    Seeds are resampled, then the examples within each (the normal approximation of that), so that the interval has both
    the chance of training and that of the test set; percentiles of 2000 resamples.  Deterministic: the random numbers
    are raw output of Philox, which does not change with NumPy's version.

    >>> print(estimate([(98, 100), (97, 100), (99, 100)]))
    0.98 [0.96, 0.99]
    >>> print(estimate([(0, 100), (0, 100), (100, 100)]))
    0.33 [0.00, 1.00]
    """
    right, rows = np.array(counts, float).T
    shares = right / rows
    uniform = _uniform(3 * RESAMPLES * len(counts)).reshape(3, RESAMPLES, len(counts))
    chosen = (uniform[0] * len(counts)).astype(np.int64)
    spread = np.sqrt(shares * (1 - shares) / rows)
    normal = np.sqrt(-2 * np.log1p(-uniform[1])) * np.cos(2 * np.pi * uniform[2])
    means = np.clip(shares[chosen] + normal * spread[chosen], 0, 1).mean(axis=1)
    low, high = np.quantile(means, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Estimate(float(shares.mean()), float(low), float(high), tuple(map(float, shares)), trained)


def _uniform(size: int) -> NDArray[np.float64]:
    """Numbers from 0 up to 1, always the same ones."""
    raw = np.random.Philox(key=7).random_raw(size)
    return np.asarray(raw >> np.uint64(11), np.float64) * 2.0**-53
