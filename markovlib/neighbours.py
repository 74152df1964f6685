"""Near duplicates: strings that are one letter apart, found by hashing what an edit leaves as it is.

Two strings are *near* if one becomes the other by changing one letter, by putting one in or by leaving one out
(Levenshtein distance 1).  Hashes say which pairs are compared, letter by letter, and which need not be:

- *Halves.*  One letter lies in the first or in the second half, and the other half is the same in both strings (the
  pigeonhole principle).  Six hashes a string, whatever its length, but many strings may have one half in common.
- *Edits*, for the strings asked for that share a half with many others: for each letter the string with that letter
  masked, for each letter the string without it, and the whole.  Two strings of one length are near if they agree in a
  masked form, two of lengths that differ by one if the longer without a letter is the shorter (the deletion
  neighbourhood of the "SymSpell" family of spelling correctors, restricted to one edit).  Two hashes a letter, but what
  agrees in one is near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.characters import characters_before
from markovlib.distinct import Hashes, key_of, mixed

_BYTES_AT_ONCE = 1 << 27
_STRINGS_AT_ONCE = 1 << 20
_KEYS_AT_ONCE = 1 << 23
_LETTERS_AT_ONCE = 1 << 20
_CROWD = 8
_BITS = 28

_MASKED, _LONGER, _SHORTER, _FRONT, _BACK = (key_of(number) for number in (101, 102, 103, 104, 105))
_PLACE, _LETTER = np.uint64(0x8CB92BA72F3D8DD7), np.uint64(0xC2B2AE3D27D4EB4F)

Strings = Callable[[], Iterator[Column]]
Numbers = NDArray[np.int64]


def near_count(known: Strings, asked: Strings) -> int:
    """How many of the strings `asked` are near to one of the strings `known`.

    Both are called, `known` more than once, for their strings in batches; no string of `asked` may be among the known.
    O(letters) on either side, with six hashes a string; two a letter for strings asked for of which more than eight
    have a half in common.  At most about 2^27 bytes or 2^20 strings of `asked`, and 2^23 hashes, are held at a time,
    the hashes in 16 bytes each (40 while they are sorted); where it has more, the known strings are read again for each
    part.
    """
    return sum(_near_in(known, _Letters.of(part)) for part in _parts(asked))


def _parts(asked: Strings) -> Iterator[list[Column]]:
    """The strings in lists of batches, of so many bytes, and so many strings, as may be held at once."""
    part: list[Column] = []
    size = count = 0
    for batch in asked():
        for piece in pieces(batch, _LETTERS_AT_ONCE):
            if part and (size + piece.nbytes > _BYTES_AT_ONCE or count + len(piece) > _STRINGS_AT_ONCE):
                yield part
                part, size, count = [], 0, 0
            part.append(piece)
            size, count = size + piece.nbytes, count + len(piece)
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


def _near_in(known: Strings, asked: _Letters) -> int:
    """How many of these strings are near to a known one."""
    near = np.zeros(len(asked.lengths), np.bool_)
    everyone = np.arange(len(near))
    crowded = _crowded(*_joined(_halves(asked, everyone, asked=True)), len(near))
    _search(known, asked, _halves, everyone[~crowded], near)
    for some in _in_parts(everyone[crowded], 2 * asked.lengths + 1, _KEYS_AT_ONCE):
        _search(known, asked, _edits, some, near)
    return int(near.sum())


def _crowded(keys: Hashes, rows: Numbers, count: int) -> NDArray[np.bool_]:
    """For each of so many strings whether it has a hash in common with more than eight."""
    order = np.argsort(keys)
    first = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))
    sizes = np.diff(first, append=len(keys))
    made = np.zeros(count, np.bool_)
    made[rows[order[np.repeat(sizes > _CROWD, sizes)]]] = True
    return made


def _search(known: Strings, asked: _Letters, keys_of: Keys, some: Numbers, near: NDArray[np.bool_]) -> None:
    """Mark which of some strings are near to a known one."""
    if not len(some):
        return
    table = _Table(*_joined(keys_of(asked, some, asked=True)))
    for batch in known():
        for piece in pieces(batch, _LETTERS_AT_ONCE):
            letters = _Letters.of([piece])
            for keys, rows in keys_of(letters, np.arange(len(piece)), asked=False):
                mine, theirs = table.find(keys, rows)
                left = ~near[theirs]
                mine, theirs = mine[left], theirs[left]
                near[theirs[_apart(letters, mine, asked, theirs)]] = True


class _Table:
    """Hashes in order with the numbers of their strings, and a table of bits that most other hashes fail."""

    def __init__(self, keys: Hashes, rows: Numbers) -> None:
        order = np.argsort(keys)
        self._keys, self._rows = keys[order], rows[order]
        self._bits = np.zeros(1 << _BITS - 3, np.uint8)
        at = self._keys >> np.uint64(64 - _BITS)
        places = (at >> np.uint64(3)).astype(np.int64)
        if len(places):
            starts = np.flatnonzero(np.diff(places, prepend=-1))
            self._bits[places[starts]] = np.bitwise_or.reduceat(_bit(at), starts)

    def find(self, keys: Hashes, rows: Numbers) -> tuple[Numbers, Numbers]:
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


# ---- letters ------------------------------------------------------------------------------------------------------


class _Letters(NamedTuple):
    """Strings by the numbers of their letters, one string after the other."""

    flat: NDArray[Any]
    starts: Numbers
    lengths: Numbers

    @staticmethod
    def of(columns: list[Column]) -> _Letters:
        made = [_letters(column) for column in columns]
        lengths = np.concatenate([lengths for _, lengths in made])
        return _Letters(np.concatenate([flat for flat, _ in made]), np.cumsum(lengths) - lengths, lengths)

    def matrix(self, rows: Numbers, length: int) -> NDArray[Any]:
        """Strings of one length, as rows."""
        made: NDArray[Any] = self.flat[self.starts[rows][:, None] + np.arange(length)]
        return made

    def by_length(self, rows: Numbers) -> Iterator[tuple[int, Numbers]]:
        """The strings of each length, some at a time."""
        lengths = self.lengths[rows]
        for length in np.unique(lengths).tolist():
            same = rows[lengths == length]
            step = max(1, _LETTERS_AT_ONCE // max(1, length))
            for start in range(0, len(same), step):
                yield length, same[start : start + step]


def _letters(column: Column) -> tuple[NDArray[Any], Numbers]:
    """The letters of all strings as numbers, and how many each has."""
    flat = column.data[column.offsets[0] : column.offsets[-1]]
    if not column.text or not (flat & 0x80).any():
        return flat, column.lengths()
    points = np.frombuffer(flat.tobytes().decode().encode("utf-32-le"), np.uint32)
    return points, np.diff(characters_before(flat)[column.offsets - column.offsets[0]])


def _in_parts(rows: Numbers, weights: Numbers, limit: int) -> Iterator[Numbers]:
    """The rows in parts of about so much weight, at least one row each."""
    ends = np.cumsum(weights[rows])
    first = 0
    while first < len(rows):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + limit, side="right")))
        yield rows[first:last]
        first = last


def _apart(x: _Letters, rows: Numbers, y: _Letters, others: Numbers) -> NDArray[np.bool_]:
    """For each pair of strings whether they are near."""
    made = np.zeros(len(rows), np.bool_)
    by_place = _Letters(x.flat, x.starts[rows], x.lengths[rows])
    for length, places in by_place.by_length(np.arange(len(rows))):
        matrix, of_others = by_place.matrix(places, length), y.lengths[others[places]]
        for other in (length - 1, length, length + 1):
            which = np.flatnonzero(of_others == other)
            if len(which):
                made[places[which]] = one_letter_apart(matrix[which], y.matrix(others[places[which]], other))
    return made


def one_letter_apart(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """For each row whether one of the strings becomes the other by one letter changed, put in or left out.

    All strings of a matrix have one length, and the two lengths differ by one at most.

    >>> one_letter_apart(np.array([[1, 2, 3], [1, 2, 3]]), np.array([[1, 2, 4], [1, 3, 2]])).tolist()
    [True, False]
    >>> one_letter_apart(np.array([[1, 2, 3], [1, 2, 3]]), np.array([[1, 3], [3, 1]])).tolist()
    [True, False]
    """
    if x.shape[1] == y.shape[1]:
        made: NDArray[np.bool_] = np.count_nonzero(x != y, axis=1) == 1
        return made
    longer, shorter = (x, y) if x.shape[1] > y.shape[1] else (y, x)
    front = np.logical_and.accumulate(longer[:, :-1] == shorter, axis=1)
    back = np.logical_and.accumulate((longer[:, 1:] == shorter)[:, ::-1], axis=1)
    same: NDArray[np.int64] = np.count_nonzero(front, axis=1) + np.count_nonzero(back, axis=1)
    return np.asarray(same >= shorter.shape[1])


# ---- hashes -------------------------------------------------------------------------------------------------------

# Of the strings of some rows, each hash with its row; so tagged that a string asked for and a known one agree only if
# they may be near.
Keys = Callable[..., Iterator[tuple[Hashes, Numbers]]]


def _joined(made: Iterator[tuple[Hashes, Numbers]]) -> tuple[Hashes, Numbers]:
    groups = [(np.empty(0, np.uint64), np.empty(0, np.int64)), *made]
    return np.concatenate([keys for keys, _ in groups]), np.concatenate([rows for _, rows in groups])


def _halves(strings: _Letters, rows: Numbers, asked: bool) -> Iterator[tuple[Hashes, Numbers]]:
    """Hashes of the halves: those of the string, and those that a string with a letter less has if it is near.

    Where the first letters are as many as half of the shorter string's, rounded down, all others are counted from the
    end.
    """
    for length, group in strings.by_length(rows):
        matrix = strings.matrix(group, length).astype(np.uint64)
        front, back = _values(matrix[:, : length // 2], 0), _values(matrix[:, length // 2 :][:, ::-1], 0)
        for less in (0, 1) if length else (0,):
            shorter = length - less
            first = front[:, : shorter // 2].sum(axis=1, dtype=np.uint64) + _FRONT + np.uint64(shorter)
            last = back[:, : shorter - shorter // 2].sum(axis=1, dtype=np.uint64) + _BACK + np.uint64(shorter)
            for tag in _tags(less, asked):
                yield mixed(first + tag), group
                yield mixed(last + tag), group


def _tags(less: int, asked: bool) -> tuple[np.uint64, ...]:
    """Of pairs in which none is longer or the one that is known (masked), and in which the one asked for is."""
    if less:
        return (_LONGER,) if asked else (_MASKED,)
    return (_MASKED,) if asked else (_MASKED, _LONGER)


def _edits(strings: _Letters, rows: Numbers, asked: bool) -> Iterator[tuple[Hashes, Numbers]]:
    """Hashes of each string masked, whole and shorter."""
    for length, group in strings.by_length(rows):
        matrix = strings.matrix(group, length).astype(np.uint64)
        here, before = _values(matrix, 0), _values(matrix, -1)
        whole = here.sum(axis=1, dtype=np.uint64)
        masked = whole[:, None] - here + _values(np.full((1, length), 2**32 - 1, np.uint64), 0)
        shorter = np.cumsum(here, axis=1) - here + _after(before)
        numbers = np.repeat(group, length)
        yield mixed(masked.ravel() + _MASKED + np.uint64(length)), numbers
        yield mixed(shorter.ravel() + (_LONGER if asked else _SHORTER) + np.uint64(length)), numbers
        yield mixed(whole + (_SHORTER if asked else _LONGER) + np.uint64(length + 1)), group


def _values(letters: Hashes, shift: int) -> Hashes:
    """A number for each letter at its place (moved by `shift`), whose sum over the places is a string's hash."""
    places = (np.arange(letters.shape[1]) + 1 + shift).astype(np.uint64) * _PLACE
    return mixed(letters * _LETTER + places)


def _after(values: Hashes) -> Hashes:
    """Sums over the places after each."""
    sums = np.cumsum(values, axis=1)
    return sums[:, -1:] - sums
