"""Leakage: what two data sets have in common, counted over all their examples, and near duplicates on request.

Compared are kinds of things, each as the letters that it has: `rules` (pattern and replacement), `patterns`,
`replacements`, `words`, and `rows` (the rules of an example and its word).  Where examples have several rules, every
one of them counts, and there is a sixth kind: `instructions`, the rules of an example in their order.  Where they show
a rule by pairs, the words of these count among `words`.  Different things are told apart by 64-bit hashes; what both
data sets seem to have is then made again and compared letter by letter, so that nothing is called shared that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.distinct import Distinct, Hashes, combined, hash_column, hash_lists, key_of
from markovlib.neighbours import near_count

if TYPE_CHECKING:
    from markovlib.examples import Batch
    from markovlib.shards.coordination import Progress
    from markovlib.source import Source

KINDS = ("rules", "patterns", "replacements", "instructions", "words", "rows")
NEAR = ("patterns", "replacements", "words")

_ROWS = 65536
_BYTES = 1 << 23
_SHOWN = 3
_ATTEMPTS = 4


@dataclass
class Shared:
    """Of one kind: the different ones in either data set, and how many of them both have.

    `near` counts those of the second that the first does not have but that are one letter away from one of its own;
    None if that was not asked for.  `examples` are a few that both have.
    """

    first: int
    second: int
    shared: int
    near: int | None = None
    examples: list[Any] = field(default_factory=list)


@dataclass
class Leakage:
    """What two data sets have in common: their numbers of rows, and a `Shared` for each kind.

    `kinds` has `instructions` where examples have several rules; where they have one, these are the rules, which then
    are what `found["instructions"]` gives.
    """

    rows: tuple[int, int]
    kinds: dict[str, Shared]

    def __getitem__(self, kind: str) -> Shared:
        return self.kinds["rules" if kind == "instructions" and kind not in self.kinds else kind]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON; bytes as text with escapes."""
        kinds = {
            name: {
                "first": kind.first,
                "second": kind.second,
                "shared": kind.shared,
                **({} if kind.near is None else {"near": kind.near}),
                "examples": [_plain(example) for example in kind.examples],
            }
            for name, kind in self.kinds.items()
        }
        return {"rows": {"first": self.rows[0], "second": self.rows[1]}, "kinds": kinds}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True)
class _Lists:
    """Lists of rules: how many each has, and the sides of all, one list after the other."""

    counts: NDArray[np.int64]
    patterns: Column
    replacements: Column

    def take(self, chosen: NDArray[np.int64]) -> _Lists:
        starts, counts = np.cumsum(self.counts) - self.counts, self.counts[chosen]
        items = np.repeat(starts[chosen] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return _Lists(counts, self.patterns.take(items), self.replacements.take(items))

    def __getitem__(self, row: int) -> tuple[Any, ...]:
        start = int(self.counts[:row].sum())
        items = range(start, start + int(self.counts[row]))
        return tuple((self.patterns[item], self.replacements[item]) for item in items)


class _Things(NamedTuple):
    """Things of one kind in a batch: their parts as columns, the batch's row that each is in, and their hashes."""

    parts: tuple[Column | _Lists, ...]
    rows: NDArray[np.int64]
    hashes: Hashes

    def take(self, chosen: NDArray[np.int64]) -> _Things:
        return _Things(tuple(part.take(chosen) for part in self.parts), self.rows[chosen], self.hashes[chosen])


def leakage(
    a: Source | str | Path,
    b: Source | str | Path,
    *,
    near: bool = False,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Leakage:
    """Counts what data sets `a` and `b` have in common.

    Either may be the path of a folder of shards, which must hold the columns that are compared; where it has several
    splits, `DIR/split` names one.

    With `near`, also near duplicates: patterns, replacements and words of `b` that are not in `a`, but become one that
    is by changing, putting in or leaving out one letter.  `progress` is called after each batch.

    Both are read once, and what they share once more, in batches.  Memory: 16 bytes for each different thing of a kind
    in either, and as much again while they are sorted; for 10^6 rows with words of their own about 100 MB, whatever
    the length of the words.  `near` adds about 400 MB, and reads `a` again for each million strings of `b`, or
    128 MB of their letters, and for each 4 million letters of those that have a half in common with many.
    Two different things of one data set that agree in 64 bits count as one (probability n^2 / 2^65, below 10^-7 for
    10^6 things).  Raises TypeError for an unbounded data set, and for what is none; as `markovlib.open` for folders.

    >>> from markovlib import Dataset, Recipe
    >>> recipe = Recipe.load("paper/no-op").replace({"eval.examples": 2000}, examples=5000)
    >>> found = leakage(Dataset(recipe), Dataset(recipe, split="unseen"))
    >>> {kind: found[kind].shared for kind in found.kinds}
    {'rules': 0, 'patterns': 0, 'replacements': 0, 'words': 0, 'rows': 0}
    >>> leakage(Dataset(recipe), Dataset(recipe, split="seen"))["rules"].shared
    1000
    """
    first, second = _source(a), _source(b)
    for ds in (first, second):
        if ds.size is None:
            raise TypeError(f"{ds!r} has no end; set `examples`, or compare a view of a range of it")
    for attempt in range(_ATTEMPTS):
        try:
            return _Comparison(first, second, attempt, threads, progress).run(near)
        except _CollisionError:
            continue
    raise RuntimeError(f"different strings agreed in their hashes under each of {_ATTEMPTS} keys")


def _source(given: Source | str | Path) -> Source:
    """A data set itself, or that of a folder, DIR or DIR/split."""
    if not isinstance(given, str | Path):
        if not hasattr(given, "batch"):
            raise TypeError(f"must be a data set or the path of a folder of shards, got {given!r}")
        return given
    from markovlib.shards import manifest, reading

    folder = Path(given)
    inside = not (folder / manifest.NAME).exists() and (folder.parent / manifest.NAME).exists()
    return reading.open(folder.parent, folder.name) if inside else reading.open(given)


class _CollisionError(Exception):
    """Two different things agree in their hashes: another key is tried."""


class _Comparison:
    def __init__(
        self,
        a: Source,
        b: Source,
        attempt: int,
        threads: int | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.sources = a, b
        self.key = key_of(attempt)
        self.threads = threads
        self.progress = progress
        self.size = _ROWS
        self.hashed: dict[int, tuple[Column, Hashes]] = {}
        self.several = any(_several_rules(ds) for ds in (a, b))
        self.kinds = tuple(kind for kind in KINDS if self.several or kind != "instructions")

    def run(self, near: bool) -> Leakage:
        first, second = (self._read(number) for number in (0, 1))
        kinds = {}
        for kind in self.kinds:
            hashes, here, there = first[kind].common(second[kind])
            examples = self._confirm(kind, hashes, here, there)
            kinds[kind] = Shared(len(first[kind]), len(second[kind]), len(hashes), examples=examples)
            if near and kind in NEAR:
                kinds[kind].near = self._near(kind, first[kind], second[kind])
        return Leakage((len(self.sources[0]), len(self.sources[1])), kinds)

    def _read(self, number: int) -> dict[str, Distinct]:
        found = {kind: Distinct() for kind in self.kinds}
        ds, done = self.sources[number], number * len(self.sources[0])
        start, size = 0, min(_ROWS, 64)
        while start < len(ds):
            rows = range(start, min(start + size, len(ds)))
            batch = self._batch(ds, rows)
            self.hashed.clear()
            for kind in self.kinds:
                things = self._things(batch, kind)
                found[kind].add(things.hashes, things.rows + start)
            if self.progress is not None:
                self.progress(_progress(done + rows.stop, sum(map(len, self.sources))))
            start = rows.stop
            size = min(_ROWS, 1 + _BYTES * len(rows) // (1 + _letters_of(batch)))
            self.size = min(self.size, size)
        return found

    def _batch(self, ds: Source, rows: Any) -> Batch:
        rules = ["rules"] if self.several else ["pattern", "replacement"]
        pairs = ["pairs"] if _has_pairs(ds) else []
        batch: Batch = ds.batch(rows, [*rules, "word", *pairs], self.threads)
        return batch

    def _things(self, batch: Batch, kind: str) -> _Things:
        each = np.arange(len(batch))
        if kind == "words":
            return self._words(batch)
        if self.several:
            lists = batch.rules
            sides: tuple[Column, Column] = lists.fields["pattern"], lists.fields["replacement"]
            owners = np.repeat(each, lists.lengths())
            if kind in ("instructions", "rows"):
                listed = _Lists(lists.lengths(), *sides)
                return self._hashed((listed,) if kind == "instructions" else (listed, batch.word), each)
        else:
            sides, owners = (batch.pattern, batch.replacement), each
            if kind == "rows":
                return self._hashed((*sides, batch.word), each)
        return self._hashed({"rules": sides, "patterns": sides[:1], "replacements": sides[1:]}[kind], owners)

    def _words(self, batch: Batch) -> _Things:
        """The words of examples, and those of their pairs."""
        words, each = batch.word, np.arange(len(batch))
        pairs = getattr(batch, "pairs", None)
        if pairs is None:
            return self._hashed((words,), each)
        import pyarrow as pa

        both = pa.chunked_array([pa.array(words), pa.array(pairs.fields["word"])])
        rows = np.concatenate([each, np.repeat(each, pairs.lengths())])
        return self._hashed((Column.from_words(both),), rows)

    def _hashed(self, parts: tuple[Column | _Lists, ...], rows: NDArray[np.int64]) -> _Things:
        hashes = self._hash(parts[0])
        for part in parts[1:]:
            hashes = combined(hashes, self._hash(part))
        return _Things(parts, rows, hashes)

    def _hash(self, part: Column | _Lists) -> Hashes:
        """The hashes of a column, made once for all kinds that it is part of."""
        if isinstance(part, _Lists):
            return hash_lists(part.counts, combined(self._hash(part.patterns), self._hash(part.replacements)))
        if id(part) not in self.hashed:
            self.hashed[id(part)] = part, hash_column(part, self.key)
        return self.hashed[id(part)][1]

    def _confirm(self, kind: str, hashes: Hashes, here: NDArray[np.int64], there: NDArray[np.int64]) -> list[Any]:
        """Compares, letter by letter, what seems to be shared; returns some of it."""
        examples: list[Any] = []
        for start in range(0, len(hashes), self.size):
            chosen = slice(start, start + self.size)
            mine, theirs = (
                self._again(ds, kind, hashes[chosen], places[chosen])
                for ds, places in zip(self.sources, (here, there), strict=True)
            )
            if any(not _same(x, y) for x, y in zip(mine.parts, theirs.parts, strict=True)):
                raise _CollisionError
            for row in range(min(_SHOWN - len(examples), len(mine.rows))):
                shown = tuple(part[row] for part in mine.parts)
                examples.append(shown[0] if len(shown) == 1 else shown)
        return examples

    def _again(self, ds: Source, kind: str, hashes: Hashes, places: NDArray[np.int64]) -> _Things:
        """The things with these hashes, made again from the rows in which they were met."""
        self.hashed.clear()
        things = self._things(self._batch(ds, places), kind)
        met = np.flatnonzero(things.hashes == hashes[things.rows])
        _, first = np.unique(things.rows[met], return_index=True)
        return things.take(met[first])

    def _near(self, kind: str, first: Distinct, second: Distinct) -> int:
        shared, _, _ = first.common(second)
        known = first.hashes, first.places
        asked = second.without(shared)

        def strings(ds: Source, hashes: Hashes, places: NDArray[np.int64]) -> Iterator[Column]:
            order = np.argsort(places, kind="stable")
            for start in range(0, len(hashes), self.size):
                chosen = order[start : start + self.size]
                yield cast(Column, self._again(ds, kind, hashes[chosen], places[chosen]).parts[0])

        return near_count(lambda: strings(self.sources[0], *known), lambda: strings(self.sources[1], *asked))


def _several_rules(ds: Any) -> bool:
    """Whether examples of a data set, or of one that a view is of, have several rules."""
    return "rules" in ds.columns or any(_several_rules(source) for source in getattr(ds, "sources", ()))


def _has_pairs(ds: Any) -> bool:
    """Whether examples of a data set, or of one that a view is of, show a rule by pairs of words."""
    if "pairs" not in getattr(ds, "known_columns", ds.columns):
        return False
    return "pairs" in ds.columns or any(_has_pairs(source) for source in getattr(ds, "sources", ()))


def _progress(rows: int, total: int) -> Progress:
    from markovlib.shards.coordination import Progress

    return Progress("reading", rows, total)


def _letters_of(batch: Batch) -> int:
    """The bytes of the words in a batch."""
    pairs = getattr(batch, "pairs", None)
    return int(batch.word.nbytes) + (0 if pairs is None else int(pairs.fields["word"].nbytes))


def _same(x: Any, y: Any) -> bool:
    """Whether two parts hold the same letters, be they text or bytes."""
    if isinstance(x, _Lists):
        sides = _same(x.patterns, y.patterns) and _same(x.replacements, y.replacements)
        return sides and np.array_equal(x.counts, y.counts)
    if x.text == y.text:
        equal: bool = x == y
        return equal
    same = np.array_equal(x.lengths(), y.lengths())
    return same and np.array_equal(x.data[x.offsets[0] :], y.data[y.offsets[0] :])
