"""Views: the examples of a data set in another order, each computed alone."""

from __future__ import annotations

import hashlib
import json
import operator
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _permute
from markovlib._columns import Column
from markovlib.characters import characters_before
from markovlib.examples import Batch, joined
from markovlib.source import Indices, Source, asked_for, has_column, index_array, name_list, row_numbers

if TYPE_CHECKING:
    from markovlib.examples import Example
    from markovlib.spaces import Stratum

_AXIS = 0x76696577
_SORTED_ROWS = 65536
_ROWS_PER_CALL = 1024
_UNBOUNDED = 2**62


class _Order(Protocol):
    """Which example of which data set stands at a place."""

    @property
    def size(self) -> int: ...

    @property
    def sources(self) -> tuple[Source, ...]: ...

    def describe(self) -> dict[str, Any]:
        """What the order is, as plain values; with the data sets' fingerprints, all that it depends on."""

    def at(self, place: int) -> tuple[int, int]:
        """The number of a place's source, and the index there."""

    def find(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """For each place the number of its source (None: always the first) and the index there."""


class _OfOne:
    """An order of all the examples of one data set."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def size(self) -> int:
        return len(self.source)

    @property
    def sources(self) -> tuple[Source, ...]:
        return (self.source,)


class _Permuted(_OfOne):
    def __init__(self, source: Source, epoch: int, seed: int) -> None:
        super().__init__(source)
        self.epoch = epoch
        self.seed = seed

    def __reduce__(self) -> tuple[Any, ...]:
        return _Permuted, (self.source, self.epoch, self.seed)

    def describe(self) -> dict[str, Any]:
        return {"order": "permuted", "epoch": self.epoch, "seed": self.seed}

    def at(self, place: int) -> tuple[int, int]:
        return 0, self._permutation[place]

    def find(self, places: NDArray[np.int64]) -> tuple[None, NDArray[np.int64]]:
        return None, self._permutation.images(places)

    @cached_property
    def _permutation(self) -> _permute.Permutation:
        return permutation(self.size, self.epoch, self.source.split, self.seed)


class _Sorted(_OfOne):
    def __init__(self, source: Source, by: str, descending: bool) -> None:
        super().__init__(source)
        self.by = by
        self.descending = descending
        numbers, words = _numeric_columns(source), "word" in source.known_columns
        if by not in numbers and not (words and by == "length"):
            ways = f"{'length or by ' if words else ''}a column of numbers ({', '.join(numbers)})"
            why = ": they have no words" if by == "length" else ""
            raise ValueError(f"examples are ordered by {ways}, not {by!r}{why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _Sorted, (self.source, self.by, self.descending)

    def describe(self) -> dict[str, Any]:
        return {"order": self.by, "descending": self.descending}

    def at(self, place: int) -> tuple[int, int]:
        return 0, int(self._indices[place])

    def find(self, places: NDArray[np.int64]) -> tuple[None, NDArray[np.int64]]:
        return None, self._indices[places]

    @cached_property
    def _indices(self) -> NDArray[np.int64]:
        """The examples in order; falling, they are sorted by the keys' complements, so that ties stay as they are."""
        keys = np.empty(self.size, np.int64)
        column = "word" if self.by == "length" else self.by
        start = 0
        for batch in self.source.batches(_SORTED_ROWS, columns=[column]):
            values = getattr(batch, column)
            keys[start : start + len(batch)] = _letters(values) if self.by == "length" else values
            start += len(batch)
        return np.argsort(~keys if self.descending else keys, kind="stable")


class _Selected(NamedTuple):
    source: Source
    indices: range | NDArray[np.int64]

    @property
    def size(self) -> int:
        return len(self.indices)

    @property
    def sources(self) -> tuple[Source, ...]:
        return (self.source,)

    def describe(self) -> dict[str, Any]:
        if isinstance(self.indices, range):
            bounds = [self.indices.start, self.indices.stop, self.indices.step]
            return {"order": "selected", "range": bounds}
        digest = hashlib.sha256(self.indices.astype("<i8").tobytes()).hexdigest()
        return {"order": "selected", "indices": len(self.indices), "sha256": digest}

    def at(self, place: int) -> tuple[int, int]:
        return 0, int(self.indices[place])

    def find(self, places: NDArray[np.int64]) -> tuple[None, NDArray[np.int64]]:
        if isinstance(self.indices, range):
            return None, places * self.indices.step + self.indices.start
        return None, self.indices[places]


class _Phases(NamedTuple):
    ends: tuple[int, ...]
    sources: tuple[Source, ...]

    @property
    def size(self) -> int:
        return self.ends[-1]

    def describe(self) -> dict[str, Any]:
        return {"order": "phases", "ends": list(self.ends)}

    def at(self, place: int) -> tuple[int, int]:
        phase = bisect_right(self.ends, place)
        return phase, place - (self.ends[phase - 1] if phase else 0)

    def find(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ends = np.array(self.ends, np.int64)
        phase = np.searchsorted(ends, places, side="right")
        return phase, places - np.concatenate([[0], ends[:-1]])[phase]


class View(Source):
    """Examples of one data set, or of several, in another order; a data set itself.

    A view is made by `permuted`, `ordered`, `selected` or `phases`, or by `ds.view(...)`.  It has the interface of
    `Dataset`: `len`, `view[i]`, slices, lists, iteration, `batch`, `batches`, `columns`, `split`, `text`, `seed`,
    `fingerprint`, `tokens`, `packed`, `score`, `scores` and `view`; so views can be made of views.  The column `index`
    still is the example's number in its data set.  Nothing is copied: an example is made when it is asked for, at the
    cost that it has in the data set.  Views pickle as what they are made of, and compare and hash by `fingerprint`;
    like data sets they may be shared by threads.

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace({"words.length": [50, 90]}, examples=1000), seed=7)
    >>> easy = ds.view("length")
    >>> view = mk.View.phases([(100, easy), (1100, ds.view("permuted", epoch=1))])
    >>> len(view), [len(view[i].word) for i in (0, 50, 99)]
    (1100, [50, 52, 53])
    """

    def __init__(self, order: _Order) -> None:
        if isinstance(order, Source):
            raise TypeError("a view is made by ds.view(order), or by View.permuted, ordered, selected or phases")
        self._order = order

    # ---- making one ---------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, ds: Source, order: Any, *, epoch: int = 0, seed: int | None = None, descending: bool = False) -> View:
        """A view by the name of its order: "permuted", "length", a column of numbers; or by its indices.

        `epoch` and `seed` are of "permuted", `descending` of orders by length or by a column; ValueError where one is
        given to another order.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op"))
        >>> ds.view("permuted", epoch=2) == mk.View.permuted(ds, 2), ds.view(range(5, 8))[0] == ds[5]
        (True, True)
        """
        name = repr(order) if isinstance(order, str) else "chosen examples"
        if (epoch or seed is not None) and name != "'permuted'":
            raise ValueError(f"{'epoch' if epoch else 'seed'} is for the order 'permuted', not for {name}")
        if descending and name in ("'permuted'", "chosen examples"):
            raise ValueError(f"descending is for an order by length or by a column, not for {name}")
        if not isinstance(order, str):
            return cls.selected(ds, order)
        return cls.permuted(ds, epoch, seed) if order == "permuted" else cls.ordered(ds, order, descending=descending)

    @classmethod
    def permuted(cls, ds: Source, epoch: int = 0, seed: int | None = None) -> View:
        """The examples in an order that is random, and another one for each epoch.

        The order is a keyed permutation: a function of `seed` (by default the data set's), its split, its size and
        the epoch.  Each place is computed alone, in O(1) time and memory.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=1000), seed=7)
        >>> first, second = mk.View.permuted(ds, 0), mk.View.permuted(ds, 1)
        >>> first[0] == second[0], sorted(first[:].index.tolist()) == list(range(1000))
        (False, True)
        """
        _bounded(ds)
        if epoch < 0:
            raise ValueError(f"epoch must be at least 0, got {epoch}")
        if seed is not None and seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}")
        return cls(_Permuted(ds, operator.index(epoch), ds.seed if seed is None else operator.index(seed)))

    @classmethod
    def ordered(cls, ds: Source, by: str, *, descending: bool = False) -> View:
        """The examples by rising (or falling) `by`, examples with the same value as they are in the data set.

        `by` is "length", the letters of the word, or a column of numbers: "position", "steps", "near_miss", ....  The
        column is made once, in batches, when the first example is asked for: O(n log n) time and 8 bytes an example.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=1000), seed=7)
        >>> mk.View.ordered(ds, "position")[:302].position.tolist()[298:]
        [-1, -1, 0, 0]
        """
        _bounded(ds)
        return cls(_Sorted(ds, by, descending))

    @classmethod
    def selected(cls, ds: Source, indices: range | Sequence[int] | NDArray[np.integer[Any]]) -> View:
        """The examples at `indices`, a range or any integers, in that order; 8 bytes an example unless a range.

        Raises IndexError for an index outside the data set, TypeError for what is no flat sequence of integers.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=None), seed=7)
        >>> len(mk.View.selected(ds, range(10**12, 10**12 + 5)))
        5
        """
        if isinstance(indices, range):
            chosen: range | NDArray[np.int64] = indices
            ends = [indices[0], indices[-1]] if len(indices) else []
        else:
            chosen = index_array(indices).copy()
            ends = [int(chosen.min()), int(chosen.max())] if len(chosen) else []
        if ends and (min(ends) < 0 or max(ends) >= (ds.size if ds.size is not None else _UNBOUNDED)):
            raise IndexError(f"indices run from {min(ends)} to {max(ends)}, outside of {ds!r}")
        return cls(_Selected(ds, chosen))

    @classmethod
    def phases(cls, phases: Iterable[tuple[int, Source]]) -> View:
        """A curriculum: data sets one after the other, as (place at which the phase ends, data set).

        The phase from place a to place b has the first b - a examples of its data set; for others give it a view.
        The data sets must all be text or all bytes; columns are those that all have.

        >>> import markovlib as mk
        >>> recipe = mk.Recipe.load("paper/no-op")
        >>> short, long = (mk.Dataset(recipe.replace({"words.length": n})) for n in (30, 60))
        >>> view = mk.View.phases([(1000, short), (5000, long)])
        >>> len(view), len(view[999].word), len(view[1000].word), view[1000] == long[0]
        (5000, 30, 60, True)
        """
        phases = list(phases)
        for phase in phases:
            if not isinstance(phase, tuple | list) or len(phase) != 2 or not isinstance(phase[1], Source):
                raise TypeError(f"a phase is (place at which it ends, data set), got {phase!r}")
        ends, sources = zip(*phases, strict=True) if phases else ((), ())
        start = 0
        for end, ds in phases:
            if end <= start:
                raise ValueError(f"phases must end at rising places, got {list(ends)}")
            if ds.size is not None and end - start > ds.size:
                raise ValueError(f"the phase from {start} to {end} needs {end - start} examples of {ds!r}")
            start = end
        if not sources:
            raise ValueError("phases needs at least one (end, data set)")
        if len({ds.text for ds in sources}) > 1:
            raise ValueError("the data sets of phases must all be text or all be bytes")
        return cls(_Phases(tuple(map(operator.index, ends)), sources))

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of examples."""
        return self._order.size

    @property
    def sources(self) -> tuple[Source, ...]:
        """The data sets that examples come from."""
        return self._order.sources

    @property
    def text(self) -> bool:
        """Whether texts are str (else bytes)."""
        return self.sources[0].text

    @property
    def seed(self) -> int:
        """The seed of the data set; of phases, of the first."""
        return self.sources[0].seed

    @property
    def split(self) -> str:
        """The split of the data set; of phases, of the first."""
        return self.sources[0].split

    @property
    def recipe(self) -> Any:
        """The recipe of the data set; of phases, of the first."""
        return self.sources[0].recipe

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The strata of the data set; none of phases, whose data sets number them each in its own way."""
        return self.sources[0].strata if len(self.sources) == 1 else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        first, *others = (source.columns for source in self.sources)
        return tuple(name for name in first if all(name in columns for columns in others))

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The names of all columns that can be asked for."""
        first, *others = (source.known_columns for source in self.sources)
        return tuple(name for name in first if all(name in columns for columns in others))

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the order and of the fingerprints of the data sets."""
        fields = {**self._order.describe(), "of": [source.fingerprint for source in self.sources]}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

    def __repr__(self) -> str:
        order = ", ".join(f"{name}={value!r}" for name, value in self._order.describe().items())
        return f"<View {order} of {', '.join(map(repr, self.sources))}>"

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, View) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return View, (self._order,)

    def indices(self, places: Indices) -> NDArray[np.int64]:
        """The numbers that the examples at these places have in their data sets.

        Raises IndexError for a place outside.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=1000), seed=7)
        >>> ds.view("permuted").indices(range(3)).tolist() == ds.view("permuted")[:3].index.tolist()
        True
        """
        _, found = self._order.find(row_numbers(places, self.size, "a view"))
        return found

    # ---- examples -----------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Example: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[np.integer[Any]]) -> Batch: ...
    def __getitem__(self, key: Any) -> Example | Batch:
        asked = asked_for(key, self.size)
        if not isinstance(asked, int):
            return self.batch(asked)
        if not -self.size <= asked < self.size:
            raise IndexError(f"example {asked} of a view of {self.size}")
        source, index = self._order.at(asked % self.size)
        example: Example = self.sources[source][index]
        return example

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        sources, found = self._order.find(row_numbers(indices, self.size, "a view"))
        if sources is None:
            return self.sources[0].__getitems__(found.tolist())
        made: list[Example] = []
        for number, run in groupby(zip(sources.tolist(), found.tolist(), strict=True), operator.itemgetter(0)):
            made += self.sources[number].__getitems__([index for _, index in run])
        return made

    def __iter__(self) -> Iterator[Example]:
        for start in range(0, self.size, _ROWS_PER_CALL):
            yield from self.__getitems__(range(start, min(start + _ROWS_PER_CALL, self.size)))

    def batch(self, indices: Indices, columns: Iterable[str] | None = None, threads: int | None = None) -> Batch:
        """The examples at these places as columns; as `Dataset.batch`."""
        names = name_list(self.columns if columns is None else columns)
        parts = self.parts(indices)
        batches: list[Batch] = [source.batch(_as_range(found), names, threads) for source, _, found in parts]
        if len(batches) == 1:
            return batches[0]
        return joined(batches, names, np.argsort(np.concatenate([rows for _, rows, _ in parts]), kind="stable"))

    def parts(self, places: Indices) -> list[tuple[Source, NDArray[np.int64], NDArray[np.int64]]]:
        """The examples at these places by the data set that they are of: it, which of the places, and their numbers.

        >>> import markovlib as mk
        >>> ds = mk.Dataset("paper/no-op")
        >>> view = mk.View.phases([(3, ds), (5, ds.view("permuted"))])
        >>> [(rows.tolist(), found.tolist()) for _, rows, found in view.parts([4, 2, 3])]
        [([1], [2]), ([0, 2], [1, 0])]
        """
        sources, found = self._order.find(row_numbers(places, self.size, "a view"))
        if sources is None or not len(found):
            return [(self.sources[0], np.arange(len(found)), found)]
        order = np.argsort(sources, kind="stable")
        used, cuts = np.unique(sources[order], return_index=True)
        rows_of = np.split(order, cuts[1:])
        return [(self.sources[number], rows, found[rows]) for number, rows in zip(used.tolist(), rows_of, strict=True)]

    def batches(self, size: int, threads: int | None = None, columns: Iterable[str] | None = None) -> Iterator[Batch]:
        """All examples in order, `size` at a time, the last batch shorter."""
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        names = None if columns is None else name_list(columns)
        starts = range(0, self.size, size)
        return (self.batch(range(start, min(start + size, self.size)), names, threads) for start in starts)


def permutation(size: int, epoch: int, split: str, seed: int) -> _permute.Permutation:
    """The order of an epoch of `size` things, each place computed alone."""
    from markovlib.dataset import split_id, stream_key

    counter = (size, epoch, split_id(split), _AXIS)
    return _permute.Permutation(_permute.philox(stream_key(seed), counter)[:2], size)


def _bounded(ds: Source) -> None:
    if ds.size is None:
        raise TypeError("an unbounded data set has no order; set `examples` in its recipe, or select a range of it")


def _numeric_columns(ds: Source) -> tuple[str, ...]:
    names = (
        "index", "rule", "position", "no_op", "steps", "near_miss", "occurrences", "instruction", "stratum",
        "template", "source_row",
    )  # fmt: skip
    return tuple(name for name in names if has_column(ds, name))


def _letters(words: Column) -> NDArray[np.int64]:
    """The number of letters of each word: of bytes, or of characters."""
    if not words.text:
        return words.lengths()
    counted: NDArray[np.int64] = np.diff(characters_before(words.data)[words.offsets])
    return counted


def _as_range(indices: NDArray[np.int64]) -> range | NDArray[np.int64]:
    """A run of indices as a range, which data sets take without looking at each."""
    first, count = (int(indices[0]), len(indices)) if len(indices) else (0, 0)
    whole = count > 1 and int(indices[-1]) - first == count - 1 and bool((np.diff(indices) == 1).all())
    return range(first, first + count) if whole else indices
