"""Reading shards: a split of a folder as a data set, whose examples can be had by index and in any order."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _gather
from markovlib._gather import Places
from markovlib.examples import TEXTS, Batch, Example, joined
from markovlib.shards import finished, manifest, source
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.formats import Format
from markovlib.shards.manifest import Manifest, Split
from markovlib.shards.pieces import ROOM, Pieces
from markovlib.shards.rows import (
    MIXED_TYPES,
    TYPES,
    DamagedPieceError,
    Plan,
    Run,
    Scattered,
    batch_of,
    mixed_batch_of,
    plan_of,
    readable,
)
from markovlib.shards.stores import LocalStore, Place, Store, open_store
from markovlib.source import Indices, Source, asked_for, index_array, name_list

if TYPE_CHECKING:
    from markovlib.dataset import Dataset
    from markovlib.mixture import MixtureRecipe
    from markovlib.recipe import Recipe
    from markovlib.spaces import Stratum

_ROWS_AT_ONCE = 1024


class Shards(Source):
    """A split of a folder of shards as a data set; made by `markovlib.open`, where it is explained."""

    def __init__(self, place: Place, split: str | None = None, *, memory: int = ROOM) -> None:
        self.store = copy.copy(open_store(place))  # A copy of one on a disk is independent of the working folder.
        self.memory = operator.index(memory)
        self._manifest = finished.load(self.store)
        self._name = name = _choose(self.store, self._manifest, split)
        self._found = found = self._manifest.splits[name]
        root = self.store.root if isinstance(self.store, LocalStore) else None
        layout, texts = Format.of(found, root, self.store.path(manifest.NAME)), _text_type(found)
        self._text = texts == "large_string"
        self._mixed = source.is_mixture(self._manifest.recipe)
        self._columns = readable(found.columns, layout.held, self._mixed, texts)
        if not self._columns:
            held = ", ".join(layout.held)
            raise ShardError(f"{self.store.path(name)}: {found.format} holds {held}, and no examples")
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._pieces = Pieces(self.store, name, found, layout, self._columns, self.memory)

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def split(self) -> str:
        """The name of the split."""
        return self._name

    @property
    def text(self) -> bool:
        """Whether texts are str (else bytes)."""
        return self._text

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the shards have, in order."""
        return self._columns

    @property
    def size(self) -> int:
        """The number of examples."""
        return self._found.rows

    @property
    def seed(self) -> int:
        """The seed that the examples were made from."""
        return self._manifest.seed

    @cached_property
    def recipe(self) -> Recipe | MixtureRecipe:
        """The recipe that the examples were made from, with the sizes that they depend on and no others.

        Raises RecipeError where this version cannot read it.
        """
        if self._mixed:
            from markovlib.mixture import MixtureRecipe

            return MixtureRecipe.from_dict(self._manifest.recipe[source.MIXTURE])
        from markovlib.recipe import Recipe

        return Recipe.from_dict(source.with_sizes(self._manifest.recipe, self._found.sizes))

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The names of all columns that can be asked for: those that the shards have."""
        return self.columns

    @property
    def mixed(self) -> bool:
        """Whether the examples are those of a mixture."""
        return self._mixed

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The kinds of rules that the recipe asks for, as `Dataset.strata`; none of a mixture."""
        return () if self._mixed else self.recreated.strata

    def report(self) -> dict[str, Any]:
        """What the recipe comes to, as `Dataset.report`; of a mixture, the counts of its sources."""
        return {"counts": self._found.counts} if self._mixed else self.recreated.report()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the data set that `recipe`, `seed` and `split` give."""
        return self._found.fingerprint

    def __repr__(self) -> str:
        return f"<Shards {self.fingerprint[:12]} seed={self.seed} split={self.split!r}: {self.size} examples>"

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, Shards) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, tuple[str, ...]]:
        return self.split, self._found.rows_digest, self.columns

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.store, self.split, self.memory, self._found.rows_digest)

    @cached_property
    def recreated(self) -> Dataset:
        """The data set that the shards were written from: all columns of the same rows, computed.

        Raises ValueError where another version of the stream wrote them, or where they are of a mixture.
        """
        made: Any = source.recreate(self._manifest, self.split)
        return made  # type: ignore[no-any-return]

    @cached_property
    def _several(self) -> bool:
        """Whether the rule that fires is one of several, so that none may have fired."""
        if self._mixed:
            return False
        rules = cast(Any, self.recipe).for_split(self.split).rules
        return bool(rules.per_example > 1 or rules.program is not None)

    # ---- examples -----------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Example: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[np.integer[Any]]) -> Batch: ...
    def __getitem__(self, key: Any) -> Example | Batch:
        asked = asked_for(key, self.size)
        return self.batch([asked])[0] if isinstance(asked, int) else self.batch(asked)

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        return self.batch(indices).examples()

    def __iter__(self) -> Iterator[Example]:
        return (example for batch in self.batches(_ROWS_AT_ONCE) for example in batch.examples())

    def batch(
        self,
        indices: Indices,
        columns: Iterable[str] | None = None,
        threads: int | None = None,  # noqa: ARG002  # data sets have it; here there is nothing to share out
    ) -> Batch:
        """The examples at `indices` (a range, or any integers; negative ones count from the end) as columns.

        `columns` are the names to read, by default all.  A range within one block of 65,536 rows of Arrow IPC is not
        copied: its columns refer to the mapped file.  The GIL is released.  O(letters) time and memory.

        Raises IndexError for an index outside, ValueError for a column that the shards do not have, `DamagedError`
        where a file is missing or damaged.
        """
        names = self.columns if columns is None else self._names(columns)
        if type(indices) is range and indices.step == 1 and len(indices) and indices.start >= 0:
            return self._run(indices, names)
        try:
            places = _gather.find(self._pieces.starts, index_array(indices))
        except IndexError as error:
            raise IndexError(f"example {indices[error.args[0]]} of a data set of {self.size}") from None
        pieces = self._pieces.at_hand(places.numbers, names)
        if pieces is None:
            return self._scattered(places, names)
        return self._batch(Scattered(places, pieces, self.text), names)

    def batches(self, size: int, threads: int | None = None, columns: Iterable[str] | None = None) -> Iterator[Batch]:
        """All examples in order, `size` at a time, the last batch shorter."""
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        names = self.columns if columns is None else self._names(columns)
        starts = range(0, self.size, size)
        return (self.batch(range(start, min(start + size, self.size)), names, threads) for start in starts)

    # ---- inside -------------------------------------------------------------------------------------------------

    def _names(self, columns: Iterable[str]) -> tuple[str, ...]:
        names = tuple(name_list(columns))
        if names in self._plans:
            return names
        for name in names or [""]:
            if name not in self.columns:
                problem = f"the shards have no column {name!r}" if name else "name at least one column"
                raise ValueError(f"{problem}; theirs are {', '.join(self.columns)}")
        return names

    def _plan(self, names: tuple[str, ...]) -> Plan:
        types = MIXED_TYPES if self._mixed else TYPES
        plan = self._plans[names] = plan_of({name: types[name] for name in names})
        return plan

    def _run(self, rows: range, names: tuple[str, ...]) -> Batch:
        """Consecutive rows, without a copy where they are in one piece."""
        if rows[-1] >= self.size:
            raise IndexError(f"example {rows[-1]} of a data set of {self.size}")
        starts = self._pieces.starts
        number = int(np.searchsorted(starts, rows.start, side="right")) - 1
        if rows.stop > starts[number + 1]:
            return self._scattered(_gather.find(starts, index_array(rows)), names)
        _, (piece,) = next(self._pieces.groups([number], names))
        first = int(starts[number])
        return self._batch(Run(number, piece, rows.start - first, rows.stop - first, self.text), names)

    def _scattered(self, places: Places, names: tuple[str, ...]) -> Batch:
        """Rows in any order; where their pieces do not fit into memory together, group by group."""
        parts, orders = [], []
        for first, pieces in self._pieces.groups(places.numbers, names):
            if len(pieces) == len(places.numbers):
                return self._batch(Scattered(places, pieces, self.text), names)
            last = first + len(pieces)
            order = np.flatnonzero((places.pieces >= first) & (places.pieces < last))
            some = Places(places.pieces[order] - np.int32(first), places.rows[order], places.numbers[first:last])
            parts.append(self._batch(Scattered(some, pieces, self.text), names))
            orders.append(order)
        return joined(parts, names, np.argsort(np.concatenate(orders), kind="stable"))

    def _batch(self, rows: Scattered, names: tuple[str, ...]) -> Batch:
        try:
            plan = self._plans.get(names) or self._plan(names)
            if self._mixed:
                return cast(Any, mixed_batch_of(rows, plan))  # type: ignore[no-any-return]  # it has the interface
            return batch_of(rows, plan, self._several)
        except DamagedPieceError as error:
            path = self._pieces.path_of(error.number)
            raise DamagedError(
                f"{path}: damaged: a row's {error.name!r} {error.reason}; `markovlib verify` says more"
            ) from None


def open(place: Place, split: str | None = None, *, memory: int = ROOM) -> Shards:
    """A split of a folder of shards as a data set, with the interface of `Dataset` (or `Mixture`).

    `place` is the path or URL of a folder that markovlib wrote; `split` may be left out where there is one only.  Only
    the manifest is read now.  A shard is opened when a row of it is asked for, and no file stays open.  Arrow IPC is
    mapped into memory, so that any row costs the same and batches of consecutive rows are not copied.  Of the other
    formats whole blocks of 65,536 rows are decoded, and from a URL whole shards are fetched, which makes rows in random
    order slow unless the blocks that are in use fit into `memory` (bytes; by default 256 MiB).

    The columns are those that the shards have; in a single example the others are None.  Data sets of shards pickle as
    their place and split, and are equal where their rows are.  They may be shared by threads and used after a fork.
    What a file holds is not compared with its checksum, which `markovlib verify` does, but nothing in it is trusted.
    A file must not be changed while it is in use.

    Raises ShardError where the folder is not one of finished shards or has no such split, DamagedError, here or at the
    first batch that meets it, where a file is missing or not as it was written.

    >>> import tempfile
    >>> import markovlib as mk
    >>> from markovlib.shards.generation import generate
    >>> recipe = mk.Recipe.load("paper/no-op").replace(examples=1000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = generate(recipe, folder + "/data", format="arrow", seed=7)
    ...     shards = mk.open(folder + "/data")
    ...     ds = mk.Dataset(recipe, seed=7)
    ...     len(shards), shards[500].prompt == ds[500].prompt, shards[[7, 5]].word == ds[[7, 5]].word
    (1000, True, True)
    """
    return Shards(place, split, memory=memory)


def _reopen(store: Store, split: str, memory: int, rows_digest: str) -> Shards:
    """What was pickled; raises `ShardError` where the folder holds other rows by now."""
    shards = Shards(store, split, memory=memory)
    if shards._found.rows_digest != rows_digest:
        raise ShardError(f"{store}: holds other rows than when it was pickled")
    return shards


def _choose(store: Store, made: Manifest, split: str | None) -> str:
    names = ", ".join(made.splits)
    if split is None and len(made.splits) != 1:
        raise ShardError(f"{store}: has several splits; name one of {names}")
    if split is not None and split not in made.splits:
        raise ShardError(f"{store}: has no split {split!r}; its splits are {names}")
    return next(iter(made.splits)) if split is None else split


def _text_type(found: Split) -> str:
    kinds = [kind for name, kind in found.columns.items() if name in TEXTS]
    return "large_binary" if "large_binary" in kinds else "large_string"
