"""Near duplicates: rows whose sets of three consecutive words are much alike.

How alike is their Jaccard similarity, |A and B| / |A or B|.  Candidates are found by MinHash (Broder, "On the
resemblance and containment of documents", 1997): 128 random orders of all word triples, in bands, rows being
candidates if in some band they have the same first triples.  The width of bands is chosen so that rows at the
threshold are found with a probability of at least 0.99; each candidate is then compared exactly, so that no row is
left out that is less alike than asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from markovlib.distinct import Hashes, combined, mixed
from markovlib.mixing.duplicates import SHOWN, Duplicates, Met, compared_texts
from markovlib.mixing.recipe import Deduplicate
from markovlib.mixing.sources import Source
from markovlib.mixing.words import WordHashes, runs, words

_ORDERS = 128
_TRIPLE = 3
_FOUND = 0.99
_MOST_COMPARED = 256
_AT_ONCE = 32
_KEPT = 1 << 14


def band_width(threshold: float) -> int:
    """How many orders a band has: the widest, 128 divided among bands, that finds 99 % at the threshold.

    >>> band_width(0.8), band_width(0.5)
    (6, 3)
    """
    widths = (w for w in range(_ORDERS, 0, -1) if 1 - (1 - threshold**w) ** (_ORDERS // w) >= _FOUND)
    return next(widths, 1)


def shingles(text: str, known: WordHashes) -> Hashes:
    """The hashes of a text's triples of words, each once; of all its words where it has fewer."""
    found = known.of(words(text))
    return np.unique(runs(found, min(_TRIPLE, len(found)))) if len(found) else found


def similarity(a: Hashes, b: Hashes) -> float:
    """The Jaccard similarity of two sets of hashes; that of two empty ones is 0."""
    return float(similarities(a, [b])[0])


def similarities(a: Hashes, others: Sequence[Hashes]) -> NDArray[np.float64]:
    """The similarity of a set of hashes, in ascending order, to each of some others."""
    ends = np.cumsum([len(other) for other in others])
    sizes = np.diff(ends, prepend=0)
    every = np.concatenate(others)
    met = np.zeros(len(every) + 1, np.int64)
    if len(a):
        places = np.minimum(np.searchsorted(a, every), len(a) - 1)
        np.cumsum(a[places] == every, out=met[1:])
    common = met[ends] - met[ends - sizes]
    either = len(a) + sizes - common
    alike: NDArray[np.float64] = np.divide(common, either, out=np.zeros(len(others)), where=either > 0)
    return alike


def add_near(
    found: Duplicates, sources: Sequence[Source], left_out: Sequence[NDArray[np.int64]], how: Deduplicate
) -> None:
    """Adds the rows that are near to an earlier one that stays.

    Bytes a row: 8 for each band, about 21 of them at 0.8, and 4.  About 20 microseconds for 100 words.  A row is
    compared with at most 256 candidates, the earliest, so that time is linear in the rows even where all of them are
    candidates of one another, as rows in one form of words may be.
    """
    gone = [np.concatenate(pair) for pair in zip(left_out, found.removed, strict=True)]
    finder = _Finder(sources, gone, how)
    for number, pairs in enumerate(finder.near()):
        rows = np.array([row for row, *_ in pairs], np.int64)
        found.removed[number] = np.concatenate([found.removed[number], rows])
        found.near[number] = len(pairs)
        name = sources[number].entry.name
        for row, other, first, alike in pairs[: max(0, 2 * SHOWN - len(found.examples))]:
            found.examples.append(Met((name, row), (sources[other].entry.name, first), alike))


class _Finder:
    def __init__(self, sources: Sequence[Source], gone: Sequence[NDArray[np.int64]], how: Deduplicate) -> None:
        self.sources = sources
        self.how = how
        self.threshold = how.near or 1.0
        self.width = band_width(self.threshold)
        self.known = WordHashes()
        self.kept = [np.delete(np.arange(s.rows), rows) for s, rows in zip(sources, gone, strict=True)]
        self.source = np.repeat(np.arange(len(sources)), [len(rows) for rows in self.kept])
        self.row = np.concatenate(self.kept)
        self.sizes = np.zeros(len(self.row), np.int32)
        everywhere = range(len(sources))
        self.counted = [[j for j in everywhere if (how.within if j == i else how.across)] for i in everywhere]
        self.shingles = lru_cache(maxsize=_KEPT)(self._shingles)

    def near(self) -> list[list[tuple[int, int, int, float]]]:
        """Of each source: (row, source of the row it is near to, that row, how near)."""
        found: list[list[tuple[int, int, int, float]]] = [[] for _ in self.sources]
        buckets, members = self._buckets()
        # Of each bucket and source the earliest rows that stay: later ones are not among the first of any union.
        standing: dict[tuple[int, int], list[int]] = {}
        for at, mine in zip(members.tolist(), buckets, strict=True):
            source = int(self.source[at])
            places = [(bucket, counted) for bucket in mine for counted in self.counted[source]]
            match = self._match(at, sorted({other for place in places for other in standing.get(place, ())}))
            if match is not None:
                other, alike = match
                found[source].append((int(self.row[at]), int(self.source[other]), int(self.row[other]), alike))
                continue
            for bucket in mine:
                kept = standing.setdefault((bucket, source), [])
                if len(kept) < _MOST_COMPARED:
                    kept.append(at)
        return found

    def _match(self, at: int, candidates: list[int]) -> tuple[int, float] | None:
        """The first of some earlier rows, in order, that this one is near to."""
        first = candidates[:_MOST_COMPARED]
        sizes = self.sizes[first]
        # No two sets are more alike than their sizes are.
        possible = np.minimum(sizes, self.sizes[at]) / np.maximum(sizes, self.sizes[at]) >= self.threshold
        likely = [other for other, may_be in zip(first, possible.tolist(), strict=True) if may_be]
        for start in range(0, len(likely), _AT_ONCE):
            part = likely[start : start + _AT_ONCE]
            alike = similarities(self.shingles(at), [self.shingles(other) for other in part])
            near = np.flatnonzero(alike >= self.threshold)
            if len(near):
                return part[near[0]], float(alike[near[0]])
        return None

    def _buckets(self) -> tuple[list[list[int]], NDArray[np.int64]]:
        """Rows that share a band with another, in order, and for each the numbers of such bands' buckets."""
        bands = self._bands()
        places, buckets, start = [], [], 0
        for band in range(bands.shape[1]):
            _, which, counts = np.unique(bands[:, band], return_inverse=True, return_counts=True)
            shared = np.flatnonzero(counts[which] > 1)
            places.append(shared)
            buckets.append(which[shared] + start)
            start += len(counts)
        flat, numbers = np.concatenate(places), np.concatenate(buckets)
        order = np.argsort(flat, kind="stable")
        members, cuts = np.unique(flat[order], return_index=True)
        return [part.tolist() for part in np.split(numbers[order], cuts[1:])] if len(members) else [], members

    def _bands(self) -> Hashes:
        """A hash of each band of each row, shape (rows, bands); rows without words have hashes of their own."""
        count = _ORDERS // self.width
        bands = np.empty((len(self.row), count), np.uint64)
        at = 0
        for source, kept in zip(self.sources, self.kept, strict=True):
            for start, texts in compared_texts(source, self.how.on):
                here = kept[np.searchsorted(kept, start) : np.searchsorted(kept, start + len(texts))]
                for row in here.tolist():
                    bands[at] = self._band_hashes(texts[row - start], at, count)
                    at += 1
        return bands

    def _band_hashes(self, text: str, at: int, count: int) -> Hashes:
        made = shingles(text, self.known)
        self.sizes[at] = len(made)
        if not len(made):
            return mixed(np.full(count, at + 1, np.uint64))
        multipliers, additions = _orders()
        least = (made[:, None] * multipliers + additions).min(axis=0)[: count * self.width].reshape(count, self.width)
        hashes = np.arange(count, dtype=np.uint64)
        for place in range(self.width):
            hashes = combined(hashes, least[:, place])
        return hashes

    def _shingles(self, at: int) -> Hashes:
        source, row = self.sources[self.source[at]], int(self.row[at])
        prompts, completions = source.compared(row, row + 1)
        texts = {"both": f"{prompts[0]}\n{completions[0]}", "prompt": prompts[0], "completion": completions[0]}
        return shingles(texts[self.how.on], self.known)


@lru_cache(maxsize=1)
def _orders() -> tuple[Hashes, Hashes]:
    """The factors and summands of 128 orders of 64-bit numbers, the factors odd: constants, as the hashes are."""
    drawn = np.random.Philox(key=[0x6D69782D6E656172, 0]).random_raw(2 * _ORDERS)
    return drawn[:_ORDERS] | np.uint64(1), drawn[_ORDERS:]
