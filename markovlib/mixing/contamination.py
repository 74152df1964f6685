"""Contamination: rows that share a run of words with an evaluation.

A row is contaminated if its prompt or its completion, as the mixture has them or as the format reads them without
templates, has `words` consecutive words of one text of an item, whatever the punctuation, layout and case; ten by
default, for which docs/mixtures.md gives the reasons.  Runs in which fewer
than half of the words are different, such as a row of zeros, say nothing and are passed over.  Of an item none of
whose texts has that many words, the longest is looked for whole, if it has half as many.

Runs are compared by 64-bit hashes: among 10^8 runs of rows and 10^5 of evaluations one agrees by chance with a
probability of about 10^-6.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.distinct import Hashes
from markovlib.mixing.duplicates import ROWS_AT_ONCE
from markovlib.mixing.sources import Source
from markovlib.mixing.words import WordHashes, different, runs, words
from markovlib.wording import counted

_SHOWN = 1000
_MOST_RUNS = 200

Items = Iterable[tuple[str, dict[str, str]]]
"""Where each item of an evaluation is, and its texts by field."""


class Match(NamedTuple):
    """A row that is left out: the text of it, the item, and the first run of words that both have."""

    row: int
    text: str
    evaluation: str
    item: str
    words: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return self._asdict()


@dataclass
class Evaluated:
    """One evaluation: its items, those too short to be looked for, runs of words, and the items met in rows; a run that
    several items have is the first one's."""

    name: str
    items: int = 0
    too_short: int = 0
    runs: int = 0
    met: set[str] = field(default_factory=set)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name, "items": self.items, "too_short": self.too_short, "runs": self.runs,
            "items_met": len(self.met),
        }  # fmt: skip


@dataclass
class Contamination:
    """Of each source the rows that are left out, and the matches of the first thousand of them; for each run of words
    in how many rows it was met."""

    words: int
    names: list[str]
    evaluations: list[Evaluated]
    removed: list[NDArray[np.int64]]
    matches: list[list[Match]]
    runs: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; of runs of words the 200 that were met most often."""
        return {
            "words": self.words,
            "evaluations": [one.to_dict() for one in self.evaluations],
            "removed": {name: len(rows) for name, rows in zip(self.names, self.removed, strict=True)},
            "runs": dict(self.runs.most_common(_MOST_RUNS)),
            "matches": {
                name: [match.to_dict() for match in found]
                for name, found in zip(self.names, self.matches, strict=True)
                if found
            },
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    def to_text(self, examples: int = 3) -> str:
        """The report for people, with so many examples of each source."""
        lines = []
        for one in self.evaluations:
            what = f"{counted(one.items, 'item')} with {counted(one.runs, 'run')} of {self.words} words"
            short = f"; {counted(one.too_short, 'item')} too short to look for" if one.too_short else ""
            lines.append(f"{one.name}: {what}, of which {len(one.met):,} met in rows{short}")
        for name, rows, found in zip(self.names, self.removed, self.matches, strict=True):
            lines.append(f"{name}: {counted(len(rows), 'row')} left out")
            lines += [
                f"  row {match.row}, {match.text}, has of {match.evaluation} {match.item}: {match.words}"
                for match in found[:examples]
            ]
        return "\n".join(lines) + "\n"


class Reference:
    """The runs of words of evaluations, by their length: the one asked for, and those of items that are shorter.

    16 bytes a run.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.evaluations: list[Evaluated] = []
        self.known = WordHashes()
        self._items: list[tuple[int, str]] = []
        self._parts: dict[int, list[tuple[Hashes, int]]] = {}
        self._tables: dict[int, tuple[Hashes, NDArray[np.int64]]] = {}

    def add(self, name: str, items: Items) -> None:
        """Takes the items of an evaluation."""
        evaluated = Evaluated(name)
        self.evaluations.append(evaluated)
        for where, texts in items:
            evaluated.items += 1
            self._items.append((len(self.evaluations) - 1, where))
            hashed = [self.known.of(words(text)) for text in texts.values()]
            longest = max(hashed, key=len, default=np.empty(0, np.uint64))
            if len(longest) >= self.length:
                evaluated.runs += sum(self._take(one, self.length) for one in hashed)
            elif 2 * len(longest) >= self.length:
                evaluated.runs += self._take(longest, len(longest))
            else:
                evaluated.too_short += 1
        self._tables = {}

    def _take(self, hashed: Hashes, length: int) -> int:
        kept = runs(hashed, length)[2 * different(hashed, length) >= length]
        self._parts.setdefault(length, []).append((kept, len(self._items) - 1))
        return len(kept)

    def tables(self) -> dict[int, tuple[Hashes, NDArray[np.int64]]]:
        """For each length the hashes of runs in order, and the first item that each is of."""
        if not self._tables:
            for length, parts in self._parts.items():
                hashes, first = np.unique(np.concatenate([part for part, _ in parts]), return_index=True)
                items = np.repeat([item for _, item in parts], [len(part) for part, _ in parts])
                self._tables[length] = hashes, items[first]
        return self._tables

    def item(self, number: int) -> tuple[Evaluated, str]:
        """The evaluation of an item, and where it is."""
        evaluation, where = self._items[number]
        return self.evaluations[evaluation], where


def find_contamination(sources: Sequence[Source], reference: Reference) -> Contamination:
    """The rows of sources that share a run of words with an evaluation.  O(letters); a batch of rows is held."""
    found = Contamination(reference.length, [], reference.evaluations, [], [])
    for source in sources:
        removed: list[int] = []
        shown: list[Match] = []
        for start in range(0, source.rows, ROWS_AT_ONCE):
            for match in _first_matches(start, _searched(source, start), reference):
                removed.append(match.row)
                found.runs[match.words] += 1
                shown += [match] if len(shown) < _SHOWN else []
        found.names.append(source.entry.name)
        found.removed.append(np.array(removed, np.int64))
        found.matches.append(shown)
    return found


def _searched(source: Source, start: int) -> dict[str, Column]:
    """The texts of a batch of rows, by what each is called: those of the mixture, and those that templates replaced."""
    stop = min(start + ROWS_AT_ONCE, source.rows)
    prompts, completions = source.texts(np.arange(start, stop))
    found = {"prompt": prompts, "completion": completions}
    if source.entry.prompt or source.entry.completion:
        prompts, completions = source.compared(start, stop)
        found |= {"prompt without the template": prompts, "completion without the template": completions}
    return found


def _first_matches(start: int, columns: Mapping[str, Column], reference: Reference) -> list[Match]:
    """The first match of each row that has one, in the order of rows."""
    found: dict[int, Match] = {}
    for name, column in columns.items():
        for match in _matches(start, name, column.tolist(), reference):
            found.setdefault(match.row, match)
    return [found[row] for row in sorted(found)]


def _matches(start: int, name: str, texts: list[str], reference: Reference) -> list[Match]:
    """The first match of each of these texts that has one."""
    split = [words(text) for text in texts]
    hashed = reference.known.of(word for one in split for word in one)
    counts = np.array([len(one) for one in split], np.int64)
    ends = np.cumsum(counts)
    found: dict[int, Match] = {}
    for length, (hashes, items) in reference.tables().items():
        if not len(hashes):
            continue
        made = runs(hashed, length)
        place = np.minimum(np.searchsorted(hashes, made), len(hashes) - 1)
        for at in np.flatnonzero(hashes[place] == made).tolist():
            row = int(np.searchsorted(ends, at, side="right"))
            if at + length > ends[row]:
                continue
            evaluated, where = reference.item(int(items[place[at]]))
            evaluated.met.add(where)
            if row in found:
                continue
            first = at - int(ends[row] - counts[row])
            shared = " ".join(split[row][first : first + length])
            found[row] = Match(start + row, name, evaluated.name, where, shared)
    return [found[row] for row in sorted(found)]
