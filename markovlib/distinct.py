"""The different strings among many: 64-bit hashes in sorted order, and for each where it is first met."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column

Hashes = NDArray[np.uint64]

_MULTIPLIERS = np.array([0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0x9E3779B97F4A7C15], np.uint64)
_LONG = 1024
_PENDING = 1 << 18


def mixed(values: Hashes) -> Hashes:
    """A bijection of 64-bit numbers under which similar numbers become unlike (xor-shifts and odd multipliers)."""
    values = values ^ (values >> np.uint64(32))
    values *= _MULTIPLIERS[0]
    values ^= values >> np.uint64(29)
    values *= _MULTIPLIERS[1]
    values ^= values >> np.uint64(32)
    return values


def key_of(number: int) -> np.uint64:
    """The start of a family of hashes."""
    return np.uint64(mixed(np.array([number], np.uint64) * _MULTIPLIERS[2] + _MULTIPLIERS[1])[0])


def hash_column(column: Column, key: np.uint64) -> Hashes:
    """A hash of each string's bytes: 8 bytes at a time through `mixed`, which keeps different ones apart.

    Strings above 1024 bytes go through BLAKE2b first.  About two operations of NumPy for each byte.
    """
    starts, lengths = column.offsets[:-1], column.lengths()
    hashes = mixed(lengths.astype(np.uint64) * _MULTIPLIERS[2] + key)
    padded = np.zeros(len(column.data) + 8, np.uint8)
    padded[: len(column.data)] = column.data
    eights: Hashes = np.ndarray((len(column.data) + 1,), "<u8", padded, strides=(1,))
    short = np.where(lengths > _LONG, 0, lengths)
    shortest = int(short.min()) if len(short) else 0
    for done in range(0, int(short.max(initial=0)), 8):
        rows: slice | NDArray[np.int64] = slice(None) if done < shortest else np.flatnonzero(short > done)
        left = short[rows] - done
        eight = eights[starts[rows] + done]
        if done + 8 > shortest:
            partial = np.flatnonzero(left < 8)
            eight[partial] &= (np.uint64(1) << (left[partial] * 8).astype(np.uint64)) - np.uint64(1)
        hashes[rows] = mixed(hashes[rows] ^ eight)
    for row in np.flatnonzero(lengths > _LONG).tolist():
        string = column.data[starts[row] : column.offsets[row + 1]].tobytes()
        digest = hashlib.blake2b(string, digest_size=8, key=int(hashes[row]).to_bytes(8, "little")).digest()
        hashes[row] = int.from_bytes(digest, "little")
    return hashes


def combined(first: Hashes, second: Hashes) -> Hashes:
    """A hash of pairs, in order."""
    return mixed(mixed(first) + second)


def hash_lists(counts: NDArray[np.int64], items: Hashes) -> Hashes:
    """A hash of lists, in order, from how many items each has and the hashes of all items."""
    hashes = mixed(counts.astype(np.uint64) * _MULTIPLIERS[2])
    starts = np.cumsum(counts) - counts
    for place in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > place)
        hashes[rows] = combined(hashes[rows], items[starts[rows] + place])
    return hashes


class Distinct:
    """Hashes met so far, each once and in rising order, with the place at which it was met first.

    16 bytes for each, and as much again while new ones are sorted in.
    """

    def __init__(self) -> None:
        self.hashes: Hashes = np.empty(0, np.uint64)
        self.places: NDArray[np.int64] = np.empty(0, np.int64)
        self._pending: list[tuple[Hashes, NDArray[np.int64]]] = []
        self._count = 0

    def __len__(self) -> int:
        self._settle()
        return len(self.hashes)

    def add(self, hashes: Hashes, places: NDArray[np.int64]) -> None:
        """Takes hashes met at places that are not before those of earlier calls."""
        kept, first = np.unique(hashes, return_index=True)
        self._pending.append((kept, places[first]))
        self._count += len(kept)
        if self._count > max(_PENDING, len(self.hashes) // 2):
            self._settle()

    def common(self, other: Distinct) -> tuple[Hashes, NDArray[np.int64], NDArray[np.int64]]:
        """The hashes that both have, and their places in each."""
        self._settle()
        other._settle()
        hashes, here, there = np.intersect1d(self.hashes, other.hashes, assume_unique=True, return_indices=True)
        return hashes, self.places[here], other.places[there]

    def without(self, hashes: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
        """The hashes that are not among those given, and their places."""
        self._settle()
        kept = np.isin(self.hashes, hashes, assume_unique=True, invert=True, kind="sort")
        return self.hashes[kept], self.places[kept]

    def _settle(self) -> None:
        if self._pending:
            hashes = np.concatenate([self.hashes, *(part for part, _ in self._pending)])
            places = np.concatenate([self.places, *(part for _, part in self._pending)])
            self._pending, self._count = [], 0
            self.hashes, first = np.unique(hashes, return_index=True)
            self.places = places[first]
