"""Near duplicates: strings that are one letter apart, found by hashing what is left when one letter is left out.

Two strings are *near* if one becomes the other by changing one letter, by putting one in or by leaving one out
(Levenshtein distance 1).  Of each string, with L letters, three families of hashes are made: with letter i masked, for
each i; with letter i left out, for each i; and whole.  Two strings of one length are near if they agree in a masked
form, two of lengths that differ by one if the longer without a letter is the shorter (the deletion neighbourhood of
the "SymSpell" family of spelling correctors, restricted to one edit).  What agrees in a hash is compared letter by
letter, so that hashes only decide what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.characters import characters_before
from markovlib.distinct import Hashes, key_of, mixed

_KEYS_AT_ONCE = 1 << 23
_LETTERS_AT_ONCE = 1 << 20
_BITS = 28

_MASKED, _LONGER, _SHORTER = (key_of(number) for number in (101, 102, 103))
_PLACE, _LETTER = np.uint64(0x8CB92BA72F3D8DD7), np.uint64(0xC2B2AE3D27D4EB4F)

Strings = Callable[[], Iterator[Column]]


def near_count(known: Strings, asked: Strings) -> int:
    """How many of the strings `asked` are near to one of the strings `known`.

    Both are called, `known` more than once, for their strings in batches; no string of `asked`
    may be among the known.  O(letters) hashes on either side.  At most about 2^23 hashes of `asked` are held at a
    time, in 16 bytes each (40 while they are sorted); where it has more, the known strings are read again for each
    part.
    """
    return sum(int(_near_in(known, part).sum()) for part in _parts(asked))


def _parts(asked: Strings) -> Iterator[list[Column]]:
    """The strings in lists of batches, with so many letters that their hashes may be held at once."""
    part: list[Column] = []
    keys = 0
    for batch in asked():
        for piece in pieces(batch, _KEYS_AT_ONCE // 8):
            more = 2 * piece.nbytes + len(piece)
            if part and keys + more > _KEYS_AT_ONCE:
                yield part
                part, keys = [], 0
            part.append(piece)
            keys += more
    if part:
        yield part


def pieces(column: Column, letters: int) -> Iterator[Column]:
    """Slices of a column of about so many bytes, at least one row each."""
    first = 0
    while first < len(column):
        limit = column.offsets[first] + letters
        last = max(first + 1, int(np.searchsorted(column.offsets, limit, side="right")) - 1)
        yield column[first:last]
        first = last


def _near_in(known: Strings, part: list[Column]) -> NDArray[np.bool_]:
    """For each string of a part whether it is near to a known one."""
    starts = np.cumsum([0, *(len(column) for column in part)])
    table = _Table([(_keys(c, asked=True), start) for c, start in zip(part, starts.tolist(), strict=False)])
    near = np.zeros(starts[-1], np.bool_)
    for batch in known():
        for piece in pieces(batch, _LETTERS_AT_ONCE):
            for keys, rows in _keys(piece, asked=False):
                mine, theirs = table.find(keys, rows)
                left = np.flatnonzero(~near[theirs])
                pairs = zip(mine[left].tolist(), theirs[left].tolist(), strict=True)
                for row, number in pairs:
                    if not near[number]:
                        which = int(np.searchsorted(starts, number, side="right")) - 1
                        near[number] = one_letter_apart(piece[row], part[which][number - int(starts[which])])
    return near


class _Table:
    """Hashes in order with the numbers of their strings, and a table of bits that most other hashes fail."""

    def __init__(self, made: list[tuple[Iterator[tuple[Hashes, NDArray[np.int64]]], int]]) -> None:
        keys, rows = [], []
        for groups, start in made:
            for group, numbers in groups:
                keys.append(group)
                rows.append(numbers + start)
        self._keys = np.concatenate([np.empty(0, np.uint64), *keys])
        self._rows = np.concatenate([np.empty(0, np.int64), *rows])
        order = np.argsort(self._keys)
        self._keys, self._rows = self._keys[order], self._rows[order]
        self._bits = np.zeros(1 << _BITS - 3, np.uint8)
        at = self._keys >> np.uint64(64 - _BITS)
        places = (at >> np.uint64(3)).astype(np.int64)
        if len(places):
            starts = np.flatnonzero(np.diff(places, prepend=-1))
            self._bits[places[starts]] = np.bitwise_or.reduceat(_bit(at), starts)

    def find(self, keys: Hashes, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs (row, number of a string) that agree in a hash."""
        at = keys >> np.uint64(64 - _BITS)
        maybe = np.flatnonzero(self._bits[(at >> np.uint64(3)).astype(np.int64)] & _bit(at))
        keys, rows = keys[maybe], rows[maybe]
        first = np.searchsorted(self._keys, keys, side="left")
        counts = np.searchsorted(self._keys, keys, side="right") - first
        mine = np.repeat(rows, counts)
        within = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
        return mine, self._rows[np.repeat(first, counts) + within]


def _bit(at: Hashes) -> NDArray[np.uint8]:
    return np.uint8(1) << (at & np.uint64(7)).astype(np.uint8)


def _keys(column: Column, asked: bool) -> Iterator[tuple[Hashes, NDArray[np.int64]]]:
    """Hashes of each string, with its row: masked, whole and shorter, so tagged that only near strings agree."""
    letters, lengths = _letters(column)
    starts = np.cumsum(lengths) - lengths
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        matrix = letters[starts[rows][:, None] + np.arange(length)].astype(np.uint64)
        here, before = _values(matrix, 0), _values(matrix, -1)
        whole = here.sum(axis=1, dtype=np.uint64)
        masked = whole[:, None] - here + _values(np.full((1, length), 2**32 - 1, np.uint64), 0)
        shorter = np.cumsum(here, axis=1) - here + _after(before)
        numbers = np.repeat(rows, length)
        yield mixed(masked.ravel() + _MASKED + np.uint64(length)), numbers
        yield mixed(shorter.ravel() + (_LONGER if asked else _SHORTER) + np.uint64(length)), numbers
        yield mixed(whole + (_SHORTER if asked else _LONGER) + np.uint64(length + 1)), rows


def _letters(column: Column) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The letters of all strings as numbers, and how many each has."""
    flat = column.data[column.offsets[0] : column.offsets[-1]]
    if not column.text or not (flat & 0x80).any():
        return flat.astype(np.uint32), column.lengths()
    points = np.frombuffer(flat.tobytes().decode().encode("utf-32-le"), np.uint32)
    return points, np.diff(characters_before(flat)[column.offsets - column.offsets[0]])


def _values(letters: Hashes, shift: int) -> Hashes:
    """A number for each letter at its place (moved by `shift`), whose sum over the places is a string's hash."""
    places = (np.arange(letters.shape[1]) + 1 + shift).astype(np.uint64) * _PLACE
    return mixed(letters * _LETTER + places)


def _after(values: Hashes) -> Hashes:
    """Sums over the places after each."""
    sums = np.cumsum(values, axis=1)
    return sums[:, -1:] - sums


def one_letter_apart(x: Any, y: Any) -> bool:
    """Whether one string becomes the other by one letter changed, put in or left out.

    >>> [one_letter_apart("abc", other) for other in ("abd", "ac", "xabc", "abc", "acb")]
    [True, True, True, False, False]
    """
    if abs(len(x) - len(y)) > 1 or x == y:
        return False
    short = min(len(x), len(y))
    same = next((i for i in range(short) if x[i] != y[i]), short)
    return bool(x[same + (len(x) >= len(y)) :] == y[same + (len(y) >= len(x)) :])
