"""Families of strings: those whose letters repeat a few free ones, counted, numbered, and kept apart.

A string of `length` letters that repeats k times has ceil(length / k) free letters; it is built longer and cut:
`repeated` aaabbbccc (k = 3), `periodic` abcabc (k = 2), `mirrored` abccbaabc (k = 3).  With k = 1, and in the family
`uniform`, every string is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from markovlib.alphabets import digits, number

FAMILIES = ("uniform", "repeated", "periodic", "mirrored")

# Partitions that are looked at, at most, to tell how the families of one length overlap.
MOST_OVERLAPS = 1024


class Form(NamedTuple):
    """A family and how often it repeats, named in one way for each set of strings of a length."""

    family: str
    k: int


def form_of(family: str, k: int, length: int) -> Form:
    """The form of the strings of a family.

    >>> form_of("periodic", 40, 60), form_of("mirrored", 60, 60), form_of("repeated", 1, 60)
    (Form(family='periodic', k=30), Form(family='repeated', k=60), Form(family='uniform', k=1))
    """
    free = -(-length // k)
    if family == "uniform" or free == length:
        return Form("uniform", 1)
    if family == "repeated" or free == 1:
        return Form("repeated", k if free > 1 else length)
    return Form(family, -(-length // free))


def source(form: Form, length: int) -> NDArray[np.uint32]:
    """Which free letter each letter repeats.

    >>> ["".join("abc"[i] for i in source(Form(family, k), 8)) for family, k in
    ...  (("repeated", 3), ("periodic", 3), ("mirrored", 3))]
    ['aaabbbcc', 'abcabcab', 'abccbaab']
    """
    places = np.arange(length, dtype=np.uint32)
    if form.family == "uniform":
        return places
    if form.family == "repeated":
        return places // np.uint32(form.k)
    free = np.uint32(-(-length // form.k))
    block, place = np.divmod(places, free)
    return np.where(block % 2, free - 1 - place, place) if form.family == "mirrored" else place


class Overlap(NamedTuple):
    """Strings equal within blocks of free digits (`first`: by digit, the first one of its block), so many times."""

    coefficient: int
    first: tuple[int, ...]

    @property
    def blocks(self) -> int:
        return sum(i == first for i, first in enumerate(self.first))


class TooManyOverlaps(ValueError):
    """Families of one length that overlap in more ways than are looked at."""


def unite(count: int, pairs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """The partition of 0 .. count - 1 in which these pairs are together, by the first member of each one's block."""
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for x, y in pairs:
        a, b = find(x), find(y)
        root[max(a, b)] = min(a, b)
    return tuple(map(find, range(count)))


def _join(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The finest partition that is coarser than both."""
    return unite(len(a), [*enumerate(a), *enumerate(b)])


def _is_coarser(coarse: tuple[int, ...], fine: tuple[int, ...]) -> bool:
    return all(coarse[i] == coarse[first] for i, first in enumerate(fine))


def _firsts(groups: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The first place of each group, where groups are numbered as they appear."""
    return np.unique(groups, return_index=True)[1]


@lru_cache(maxsize=4096)
def _layout(form: Form, length: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each letter, the free letter that it repeats, and the place where that first stands."""
    own = source(form, length).tolist()
    first: dict[int, int] = {}
    return tuple(own), tuple(first.setdefault(free, place) for place, free in enumerate(own))


def _restrict(form: Form, other: Form, length: int) -> tuple[int, ...]:
    """The strings that have both forms, as a partition of the first one's free digits."""
    own, _ = _layout(form, length)
    _, theirs = _layout(other, length)
    pairs = {(own[place], own[first]) for place, first in enumerate(theirs) if first != place}
    return unite(max(own) + 1, sorted(pairs))


def _closure(listed: list[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """All joins of the listed partitions."""
    closed: set[tuple[int, ...]] = set()
    for partition in listed:
        closed |= {_join(partition, other) for other in closed} | {partition}
        if len(closed) > MOST_OVERLAPS:
            raise TooManyOverlaps(
                f"the families overlap in more than {MOST_OVERLAPS} ways; list fewer, or a narrower k"
            )
    return closed


def _blocks(partition: tuple[int, ...]) -> int:
    return len(set(partition))


@lru_cache(maxsize=8192)
def overlaps(form: Form, earlier: tuple[Form, ...], length: int) -> tuple[tuple[Overlap, ...], int]:
    """How the strings of a form overlap with those of earlier forms, and how many of these overlaps say all.

    The strings of the form that also have an earlier one are the union of the first so many overlaps; each of them is
    counted once by the sum of coefficient * letters^blocks over all overlaps.  A coefficient is 1 less the sum of those
    of finer partitions, which count its strings too.
    """
    listed: list[tuple[int, ...]] = []
    for partition in sorted({_restrict(form, other, length) for other in earlier}, key=lambda p: (-_blocks(p), p)):
        if not any(_is_coarser(partition, other) for other in listed):
            listed.append(partition)
    found: list[Overlap] = []
    for partition in sorted(_closure(listed), key=lambda p: (-_blocks(p), p)):
        coefficient = 1 - sum(o.coefficient for o in found if _is_coarser(partition, o.first))
        if coefficient:
            found.append(Overlap(coefficient, partition))
    found.sort(key=lambda overlap: overlap.first not in listed)
    return tuple(found), len(listed)


class Part:
    """The strings of `length` letters that have a form, less those with a form listed earlier; numbered in the order of
    the alphabet.

    >>> part = Part(2, 3, Form("repeated", 2))
    >>> part.size, [part.unrank(n) for n in range(part.size)]
    (4, [b'\\x00\\x00\\x00', b'\\x00\\x00\\x01', b'\\x01\\x01\\x00', b'\\x01\\x01\\x01'])
    >>> Part(2, 3, Form("periodic", 2), (Form("repeated", 2),)).size
    2
    """

    def __init__(self, letters: int, length: int, form: Form, earlier: tuple[Form, ...] = ()) -> None:
        self.letters = letters
        self.length = length
        self.form = form
        self.overlaps, self.listed = overlaps(form, earlier, length) if earlier else ((), 0)

    @cached_property
    def source(self) -> NDArray[np.uint32]:
        """Which free letter each letter repeats."""
        return source(self.form, self.length)

    @property
    def free(self) -> int:
        """Free letters."""
        return self.length if self.form.family == "uniform" else -(-self.length // self.form.k)

    @cached_property
    def of_form(self) -> int:
        """The number of strings that have the form."""
        return cast(int, self.letters**self.free)

    @cached_property
    def size(self) -> int:
        """The number of strings."""
        return self.of_form - sum(o.coefficient * cast(int, self.letters**o.blocks) for o in self.overlaps)

    def _excluded_before(self, codes: bytes) -> int:
        """How many excluded strings come before the one of these free letters."""
        return sum(overlap.coefficient * self._before(overlap, codes) for overlap in self.overlaps)

    def _before(self, overlap: Overlap, codes: bytes) -> int:
        """How many strings of an overlap come before the one of these free letters.

        Such a string agrees with it up to a place where it is smaller, and only the first letter of a block can be
        chosen: the number written by these letters, up to the first place that differs from its block.
        """
        first = overlap.first
        stop = next((i for i in range(self.free) if codes[first[i]] != codes[i]), self.free)
        value = number(bytes(codes[i] for i in range(stop) if first[i] == i), self.letters)
        behind = sum(first[i] == i for i in range(stop + 1, self.free))
        if stop < self.free and codes[first[stop]] < codes[stop]:
            value += 1
        return value * cast(int, self.letters**behind)

    def _is_excluded(self, codes: bytes) -> bool:
        return any(all(codes[first] == codes[i] for i, first in enumerate(overlap.first))
                   for overlap in self.overlaps[: self.listed])  # fmt: skip

    def rank(self, codes: bytes) -> int:
        """The number of a string; ValueError if it is not one of these."""
        free = bytes(codes[i] for i in _firsts(self.source))
        if len(codes) != self.length or bytes(free[i] for i in self.source) != codes or self._is_excluded(free):
            raise ValueError("not a string of this family")
        return number(free, self.letters) - self._excluded_before(free)

    def unrank(self, n: int) -> bytes:
        """String number n < size.  O(length), and the logarithm of size times that where families overlap."""
        low, high = n, self.of_form if self.overlaps else n + 1
        while high - low > 1:
            middle = (low + high) // 2
            if middle - self._excluded_before(digits(middle, self.letters, self.free)) <= n:
                low = middle
            else:
                high = middle
        free = digits(low, self.letters, self.free)
        return bytes(free[i] for i in self.source)
