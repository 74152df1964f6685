"""128-bit hashes of the rows of packed columns, without a Python object for a row.

A row of letters s_0 .. s_(n-1) has the two sums of K_i * (s_i + 1) modulo 2^64, the K_i being random 64-bit numbers
that each column draws for itself (a multilinear hash: Carter and Wegman, "Universal classes of hash functions", 1979;
Lemire and Kaser, "Strongly universal string hashing is fast", 2014).  Two different rows differ in some s_i + 1 by at
most 256, so each sum agrees with probability at most 2^-56, and both with at most 2^-112.  Sums of hashes of several
columns are hashes of the tuple.  The keys are constants: every run, on every machine, gives the same hashes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
"""Shape (rows, 2)."""

_KEY = 0x6469766572736974
_ORDER, _NULL = 0, 1
_CHUNK = 1 << 22


def column_hashes(offsets: NDArray[np.int64], letters: NDArray[np.uint8], column: int) -> Hashes:
    """The hash of each row of a packed column; `column` names the keys.  About 3 ns a letter where all rows have the
    same length, 20 ns where they do not."""
    lengths = np.diff(offsets)
    rows = len(lengths)
    longest = int(lengths.max()) if rows else 0
    keys = _keys(column + 2, longest)
    out = _prefix_sums(column + 2, longest)[lengths]
    if not longest:
        return out
    letters = letters[offsets[0] : offsets[-1]]
    if int(lengths.min()) == longest:
        _add_even(out, letters.reshape(rows, longest), keys)
    else:
        _add_ragged(out, letters, offsets - offsets[0], keys)
    return out


def _add_even(out: Hashes, letters: NDArray[np.uint8], keys: Hashes) -> None:
    step = max(1, _CHUNK // letters.shape[1])
    for start in range(0, len(out), step):
        wide = letters[start : start + step].astype(np.uint64)
        for half in (0, 1):
            out[start : start + step, half] += wide @ np.ascontiguousarray(keys[:, half])


def _add_ragged(out: Hashes, letters: NDArray[np.uint8], offsets: NDArray[np.int64], keys: Hashes) -> None:
    """Rows in runs of about as many letters as a chunk has; empty rows add nothing, and `reduceat` is not asked."""
    lengths = np.diff(offsets)
    start = 0
    while start < len(lengths):
        stop = max(start + 1, int(np.searchsorted(offsets, offsets[start] + _CHUNK, "right")) - 1)
        first, last = int(offsets[start]), int(offsets[stop])
        held = start + np.flatnonzero(lengths[start:stop])
        if len(held):
            places = np.arange(first, last) - np.repeat(offsets[start:stop], lengths[start:stop])
            wide, heads = letters[first:last].astype(np.uint64), offsets[held] - first
            for half in (0, 1):
                out[held, half] += np.add.reduceat(wide * keys[places, half], heads)
        start = stop


def list_hashes(offsets: NDArray[np.int64], items: Hashes) -> Hashes:
    """The hash of each list, in which order counts, from the hashes of the items."""
    lengths = np.diff(offsets)
    longest = int(lengths.max()) if len(lengths) else 0
    out = _prefix_sums(_ORDER, longest)[lengths]
    held = np.flatnonzero(lengths)
    if len(held):
        first, last = int(offsets[0]), int(offsets[-1])
        places = np.arange(first, last) - np.repeat(offsets[:-1], lengths)
        odd = _keys(_ORDER, longest)[places] | np.uint64(1)
        out[held] += np.add.reduceat(items[first:last] * odd, offsets[held] - first, axis=0)
    return out


def null_hash(column: int) -> Hashes:
    """The hash that stands for a null of a column, shape (2,)."""
    key: Hashes = _keys(_NULL, column + 1)[column]
    return key


def number_hashes(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """64 bits for each number, one to one: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = numbers.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    last: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return last


def _keys(stream: int, length: int) -> Hashes:
    """The first keys of a stream, at least `length` of them cut to it."""
    return _many_keys(stream, max(64, 1 << max(length - 1, 0).bit_length()))[:length]


@cache
def _many_keys(stream: int, length: int) -> Hashes:
    words: NDArray[np.uint64] = np.random.Philox(key=[_KEY, stream]).random_raw(2 * length)
    keys = words.reshape(length, 2)
    keys.setflags(write=False)
    return keys


def _prefix_sums(stream: int, length: int) -> Hashes:
    sums = np.zeros((length + 1, 2), np.uint64)
    np.cumsum(_keys(stream, length), axis=0, out=sums[1:])
    return sums
