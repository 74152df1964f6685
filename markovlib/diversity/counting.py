"""Counting in bounded memory: how often each key occurs, and how numbers are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovlib.diversity.hashing import Hashes

Counts = NDArray[np.int64]

KEY_BYTES = 64
"""Bytes that a counter needs for each key that it may hold: 24 at rest, the rest while it sorts."""

_PENDING = 1 << 19
_DENSE = 1 << 16
_BINS = 64


class KeyCounter:
    """How often each 128-bit key occurs, exactly for up to `most` different keys.

    Beyond them only keys whose first word is below 2^64 / 2^s are kept, s growing as it must (adaptive sampling:
    Wegman; Flajolet, "On adaptive sampling", 1990).  Those are counted exactly, and since keys are hashes they are a
    random sample of all: `share` is 1 / 2^s, and sums over keys divided by it are unbiased.
    """

    def __init__(self, most: int) -> None:
        self.added = 0
        self._most = most
        self._halvings = 0
        self._keys: Hashes = np.empty((0, 2), np.uint64)
        self._counts: Counts = np.empty(0, np.int64)
        self._pending: list[Hashes] = []
        self._waiting = 0

    def add(self, keys: Hashes) -> None:
        """Counts the rows of `keys`, shape (rows, 2)."""
        self.added += len(keys)
        if self._halvings:
            keys = keys[keys[:, 0] < self._bound]
        self._pending.append(keys)
        self._waiting += len(keys)
        if self._waiting >= max(min(_PENDING, self._most), len(self._keys) // 2):
            self._merge()

    @property
    def share(self) -> float:
        """The share of all keys that is counted; 1: every key, and the counts are exact."""
        return 0.5**self._halvings

    def finish(self) -> tuple[Hashes, Counts]:
        """The different keys, in order, and how often each was added."""
        self._merge()
        return self._keys, self._counts

    @property
    def _bound(self) -> np.uint64:
        return np.uint64(2 ** (64 - self._halvings) - 1)

    def _merge(self) -> None:
        keys = np.concatenate([self._keys, *self._pending])
        counts = np.concatenate([self._counts, np.ones(self._waiting, np.int64)])
        self._pending, self._waiting = [], 0
        order = _order(keys)
        keys = keys[order]
        heads = np.flatnonzero(np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]) if len(keys) else [])
        self._keys = keys[heads]
        self._counts = np.add.reduceat(counts[order], heads) if len(heads) else counts
        while len(self._keys) > self._most:
            self._halvings += 1
            held = int(np.searchsorted(self._keys[:, 0], self._bound))
            self._keys, self._counts = self._keys[:held].copy(), self._counts[:held].copy()


def _order(keys: Hashes) -> NDArray[np.intp]:
    """The order of the keys; by the first word, which is enough unless two keys share it and differ in the second."""
    order = np.argsort(keys[:, 0])
    first, second = keys[order, 0], keys[order, 1]
    if ((first[1:] == first[:-1]) & (second[1:] != second[:-1])).any():
        return np.lexsort((keys[:, 1], keys[:, 0]))
    return order


class NumberCounter:
    """How often each of the numbers 0 .. size - 1 occurs, and a tag for each that occurs."""

    def __init__(self, size: int) -> None:
        self._counts = np.zeros(size, np.int64)
        self._tags = np.zeros(size, np.int32)

    def add(self, numbers: NDArray[Any], tags: NDArray[Any] | None = None) -> None:
        if len(self._counts) <= 4 * len(numbers):
            self._counts += np.bincount(numbers, minlength=len(self._counts))
        else:
            different, counts = np.unique(numbers, return_counts=True)
            self._counts[different] += counts
        if tags is not None:
            self._tags[numbers] = tags

    def finish(self) -> tuple[NDArray[np.int32], Counts]:
        """(tags, counts) of the numbers that occur."""
        held = np.flatnonzero(self._counts)
        return self._tags[held], self._counts[held]


@dataclass(frozen=True)
class Distribution:
    """How whole numbers are distributed: `bins` are (least, greatest, count), both ends included.

    There is a bin for each number where the range is small, else about 64 of one width.  `median` is the lower one.
    """

    count: int
    min: int
    mean: float
    median: int
    max: int
    bins: list[tuple[int, int, int]]


class NumberTally:
    """Counts numbers of any range, with a few bytes for each different one."""

    def __init__(self) -> None:
        self._dense = np.zeros(0, np.int64)
        self._values: Counts = np.empty(0, np.int64)
        self._counts: Counts = np.empty(0, np.int64)

    def add(self, numbers: NDArray[Any]) -> None:
        """Counts numbers of at least 0."""
        if not len(numbers):
            return
        if int(numbers.max()) < _DENSE:
            found = np.bincount(numbers)
            if len(found) > len(self._dense):
                self._dense = np.concatenate([self._dense, np.zeros(len(found) - len(self._dense), np.int64)])
            self._dense[: len(found)] += found
            return
        values, counts = np.unique(numbers, return_counts=True)
        self._join(values.astype(np.int64), counts)

    def finish(self) -> Distribution | None:
        """The distribution; None where nothing was counted."""
        held = np.flatnonzero(self._dense)
        self._join(held, self._dense[held])
        self._dense = np.zeros(0, np.int64)
        values, counts = self._values, self._counts
        if not len(values):
            return None
        total = int(counts.sum())
        middle = int(np.searchsorted(np.cumsum(counts), (total + 1) // 2))
        mean = float(values.astype(np.float64) @ counts) / total
        low, high = int(values[0]), int(values[-1])
        return Distribution(total, low, mean, int(values[middle]), high, _bins(values, counts))

    def _join(self, values: Counts, counts: Counts) -> None:
        both, places = np.unique(np.concatenate([self._values, values]), return_inverse=True)
        sums = np.zeros(len(both), np.int64)
        np.add.at(sums, places, np.concatenate([self._counts, counts]))
        self._values, self._counts = both, sums


def _bins(values: Counts, counts: Counts) -> list[tuple[int, int, int]]:
    low, high = int(values[0]), int(values[-1])
    width = -(-(high - low + 1) // _BINS)
    many = -(-(high - low + 1) // width)
    sums = np.zeros(many, np.int64)
    np.add.at(sums, (values - low) // width, counts)
    return [(low + width * i, min(low + width * (i + 1) - 1, high), int(count)) for i, count in enumerate(sums)]


def hill_numbers(counts: Counts | Sequence[int], rows: int, share: float = 1.0) -> tuple[float, float, float]:
    """Effective numbers of kinds, of orders 0, 1 and 2, from the counts of a `share` of them among `rows` rows.

    Order 0 is how many kinds there are, order 1 the exponential of Shannon's entropy, order 2 the inverse of Simpson's
    concentration (M. O. Hill, "Diversity and evenness: a unifying notation and its consequences", Ecology 54, 1973).
    All three are n for n kinds equally frequent; the higher the order, the less rare kinds count.  A count of 0 is of
    no kind.

    >>> hill_numbers(np.array([5, 5]), 10)
    (2.0, 2.0, 2.0)
    >>> hill_numbers(np.array([8, 1, 1]), 10)
    (3.0, 1.894..., 1.515...)
    """
    counts = np.asarray(counts)
    counts = counts[counts > 0]
    if not len(counts):
        return 0.0, 0.0, 0.0
    shares = counts / rows
    entropy = -float((shares * np.log(shares)).sum()) / share
    concentration = float((shares**2).sum()) / share
    return len(counts) / share, float(np.exp(entropy)), 1 / concentration
