"""Duplicates within a source and across sources: of equal rows the first one stays, sources coming in their order.

Rows are equal if their texts are, in one case and with white space as one space.  They are told apart by 128-bit
hashes: two different rows of n agree with a probability below n^2 / 2^129.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib.mixing.recipe import Deduplicate
from markovlib.mixing.sources import Source
from markovlib.mixing.words import normalised

ROWS_AT_ONCE = 4096
SHOWN = 10


class Met(NamedTuple):
    """A row that was left out, and the row before it that it is a duplicate of, each as (source, row)."""

    row: tuple[str, int]
    first: tuple[str, int]
    near: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        named = {"source": self.row[0], "row": self.row[1], "of": {"source": self.first[0], "row": self.first[1]}}
        return named if self.near is None else {**named, "similarity": round(self.near, 3)}


@dataclass
class Duplicates:
    """Of each source the rows that are left out, and how many of them were met within it, and across sources; and a
    few of them."""

    removed: list[NDArray[np.int64]]
    within: list[int]
    across: list[int]
    near: list[int]
    examples: list[Met] = field(default_factory=list)


def compared_texts(source: Source, on: str) -> Iterator[tuple[int, list[str]]]:
    """What rows of a source are compared by, with the number of the first of each batch: both texts, or one."""
    for start in range(0, source.rows, ROWS_AT_ONCE):
        prompts, completions = source.compared(start, min(start + ROWS_AT_ONCE, source.rows))
        if on == "both":
            pairs = zip(prompts.tolist(), completions.tolist(), strict=True)
            yield start, [f"{prompt}\n{completion}" for prompt, completion in pairs]
        else:
            yield start, (prompts if on == "prompt" else completions).tolist()


def find_duplicates(sources: Sequence[Source], left_out: Sequence[NDArray[np.int64]], how: Deduplicate) -> Duplicates:
    """The rows that repeat an earlier one, without those that are `left_out` already.

    16 bytes a row, and 24 more while they are sorted; O(letters + n log n).  With `how.near` also those that are much
    like an earlier one, as `markovlib.mixing.near` says.
    """
    table = _Table.of(sources, left_out, how.on)
    repeats, first = table.repeats(how)
    found = Duplicates(
        removed=[table.row[repeats[table.source[repeats] == i]] for i in range(len(sources))],
        within=[0] * len(sources), across=[0] * len(sources), near=[0] * len(sources),
    )  # fmt: skip
    across = table.source[first] != table.source[repeats]
    for i in range(len(sources)):
        mine = table.source[repeats] == i
        found.within[i], found.across[i] = int((mine & ~across).sum()), int((mine & across).sum())
    names = [source.entry.name for source in sources]
    for row, before in list(zip(repeats.tolist(), first.tolist(), strict=True))[:SHOWN]:
        pair = [(names[int(table.source[at])], int(table.row[at])) for at in (row, before)]
        found.examples.append(Met(pair[0], pair[1]))
    if how.near is not None:
        from markovlib.mixing.near import add_near

        add_near(found, sources, left_out, how)
    found.removed = [np.sort(rows) for rows in found.removed]
    return found


class _Table(NamedTuple):
    """The hashes of all rows, in the order of sources and rows."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    source: NDArray[np.int32]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, sources: Sequence[Source], left_out: Sequence[NDArray[np.int64]], on: str) -> _Table:
        hashes: list[NDArray[np.uint64]] = []
        for source, without in zip(sources, left_out, strict=True):
            made = bytearray()
            for _, texts in compared_texts(source, on):
                for text in texts:
                    made += hashlib.blake2b(normalised(text).encode(), digest_size=16).digest()
            kept = np.delete(np.frombuffer(bytes(made), "<u8").reshape(-1, 2), without, axis=0)
            hashes.append(kept)
        both = np.concatenate(hashes)
        rows = [np.delete(np.arange(s.rows), without) for s, without in zip(sources, left_out, strict=True)]
        numbers = np.repeat(np.arange(len(sources), dtype=np.int32), [len(part) for part in rows])
        return cls(both[:, 0], both[:, 1], numbers, np.concatenate(rows))

    def repeats(self, how: Deduplicate) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places in the table of rows that repeat one before, and of the first such row, both in order."""
        order = np.lexsort((self.low, self.high))  # stable: equal rows stay in order
        if not len(order):
            return order, order
        new = np.ones(len(order), np.bool_)
        new[1:] = (np.diff(self.high[order]) != 0) | (np.diff(self.low[order]) != 0)
        first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
        across = self.source[order] != self.source[first]
        own = np.zeros(len(order), np.bool_)  # whether the row just before in the group is of the same source
        own[1:] = ~new[1:] & (np.diff(self.source[order]) == 0)
        met = (across if how.across else False) | (own if how.within else False)
        if not how.across:
            first = np.where(across, self._first_own(order, own), first)
        chosen = np.flatnonzero(met)
        back = np.argsort(order[chosen], kind="stable")
        return order[chosen][back], first[chosen][back]

    @staticmethod
    def _first_own(order: NDArray[np.int64], own: NDArray[np.bool_]) -> NDArray[np.int64]:
        """For each row the first of its group that is of its source."""
        starts = np.maximum.accumulate(np.where(own, 0, np.arange(len(order))))
        found: NDArray[np.int64] = order[starts]
        return found
