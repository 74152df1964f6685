"""Mixtures: one budget of examples or tokens over several sources, with the interface of a data set."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, cast, overload

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column, as_column
from markovlib.equality import same_parts
from markovlib.mixing.recipe import MIXTURE_VERSION, MixtureRecipe, Paths
from markovlib.mixing.rows import SourceError
from markovlib.mixing.survey import Survey
from markovlib.source import Indices, Source, asked_for, name_list, row_numbers
from markovlib.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from markovlib.shards.generation import Written
    from markovlib.shards.stores import Place

__all__ = ["COLUMNS", "MIXTURE_VERSION", "MixedBatch", "MixedExample", "Mixture", "MixtureRecipe", "SourceError"]

#: The columns of every mixture.
COLUMNS = ("index", "prompt", "completion", "source", "source_row")

_ROWS_AT_ONCE = 1024


class MixedExample(NamedTuple):
    """One example: its number in the mixture, its texts, and the source and its row, from 0, that it comes from.

    In an example from a batch, the columns that the batch does not have are None.
    """

    index: int  # type: ignore[assignment]  # not the method of tuples
    prompt: str
    completion: str
    source: str
    source_row: int


class MixedBatch:
    """Examples as columns: `index` and `source_row` are int64 arrays, the others packed columns of text.

    `len(batch)` is the number of rows, `batch[i]` a `MixedExample`, `to_arrow()` a record batch.
    Two are equal if they have the same columns, and all of their rows are equal.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.columns = tuple(values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MixedBatch):
            return NotImplemented
        return self.columns == other.columns and same_parts(self._values.values(), other._values.values())

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        problem = "was not asked for" if name in COLUMNS else "is not a column"
        raise AttributeError(f"{name!r} {problem}; this batch has {', '.join(self.columns)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._values,)

    def __len__(self) -> int:
        return len(self._values[self.columns[0]])

    def __repr__(self) -> str:
        return f"<MixedBatch of {counted(len(self), 'example')}: {', '.join(self.columns)}>"

    def __getitem__(self, i: SupportsIndex) -> MixedExample:
        at = operator.index(i)
        if not -len(self) <= at < len(self):
            raise IndexError(f"row {at} of a batch of {len(self)}")
        found = {name: values[at] for name, values in self._values.items()}
        row = {name: value.item() if isinstance(value, np.generic) else value for name, value in found.items()}
        return MixedExample(*(cast(Any, row.get(name)) for name in COLUMNS))

    def examples(self) -> list[MixedExample]:
        """All rows, as `batch[i]` gives each; many times faster than one by one."""
        columns = [self._values[name].tolist() if name in self._values else repeat(None, len(self)) for name in COLUMNS]
        return [MixedExample._make(row) for row in zip(*columns, strict=False)]

    def to_arrow(self, columns: Iterable[str] | None = None) -> pa.RecordBatch:
        """The columns (by default all of the batch): texts are large_utf8, the others int64; nothing is copied."""
        import pyarrow as pa

        names = name_list(self.columns if columns is None else columns)
        return pa.RecordBatch.from_arrays([pa.array(getattr(self, name)) for name in names], names=names)


class Mixture(Source):
    """Examples of several sources in the ratio of a recipe, each a function of (recipe, sources, seed, index).

    `recipe` is a `MixtureRecipe`, the name of a preset or the path of a file; `files` says for sources and evaluations,
    by name, where their files or folder are, and takes precedence over what the recipe says.  Opening a mixture reads
    its sources once, leaves out what the recipe says, and shares out the budget; `told` is called with what is being
    done.  Then it has the interface of `Dataset`: `len`, `mixture[i]`, slices, lists, iteration, `batch`, `batches`,
    `columns`, `split`, `text`, `seed`, `fingerprint`, `tokens`, `padded`, `packed` and `view`.

    The order is random and a function of the seed: each source has its turns spread evenly, and takes its rows in the
    order of a keyed permutation, from the start again only when all were used.  Any example is found alone.

    The texts that were read are on disk, in files of Python's `tempfile` without a name; in memory are 24 bytes a row.
    Mixtures compare and hash by fingerprint and may be shared by threads.  They pickle as recipe, seed and paths: where
    one is unpickled its sources are read again, and refused if they have changed.

    Raises RecipeError where the recipe cannot be met, a shortage included; SourceError for what is wrong in a file,
    with its line; FileNotFoundError, and OSError where the disk for the texts is full.

    >>> ours = {"name": "rewriting", "recipe": "paper/no-op", "ratio": 3}
    >>> more = {"name": "several", "recipe": "first-rewrite", "ratio": 1}
    >>> mixture = Mixture(MixtureRecipe.from_dict({"examples": 1000, "sources": [ours, more]}), seed=7)
    >>> len(mixture), mixture.quotas, mixture[0].source, mixture[0].source_row
    (1000, {'rewriting': 750, 'several': 250}, 'rewriting', 209561)
    """

    split = "train"
    columns = COLUMNS
    known_columns = COLUMNS
    text = True
    strata = ()
    mixed = True

    def __init__(
        self,
        recipe: MixtureRecipe | str | Path,
        seed: SupportsIndex = 0,
        *,
        files: Mapping[str, Paths] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> None:
        if not hasattr(seed, "__index__"):
            raise TypeError(f"seed must be an integer, got {seed!r}")
        number = operator.index(seed)
        if number < 0:
            raise ValueError(f"seed must be at least 0, got {number}")
        given = recipe if isinstance(recipe, MixtureRecipe) else MixtureRecipe.load(recipe)
        self._set(Survey(given, number, files or {}, told))

    @classmethod
    def of(cls, survey: Survey) -> Mixture:
        """The mixture of a survey that is made already."""
        made = cls.__new__(cls)
        made._set(survey)
        return made

    @classmethod
    def load(cls, name_or_path: str | Path, seed: SupportsIndex = 0, **files: Paths) -> Mixture:
        """The mixture of a preset or a file, with the files of its sources by name.

        `Mixture.load("paper/code-19k-1k", seed=7, oss="oss.jsonl", alpaca="alpaca_data.json")`.
        """
        return cls(MixtureRecipe.load(name_or_path), seed, files=files)

    def _set(self, survey: Survey) -> None:
        self._order = survey.order()
        self._survey = survey
        self._names = as_column(survey.names, text=True)

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> MixtureRecipe:
        """The recipe, in which files, folders and presets stand by what they hold."""
        return self._survey.recipe

    @property
    def seed(self) -> int:
        """The seed of the order."""
        return self._survey.seed

    @property
    def size(self) -> int:
        """The number of examples."""
        return self._order.size

    @property
    def quotas(self) -> dict[str, int]:
        """How many examples each source gives."""
        return dict(zip(self._survey.names, self._survey.examples, strict=True))

    @property
    def counts(self) -> dict[str, Any]:
        """Numbers of rows by source: read, left out and why, left, and used."""
        return self._survey.counts()

    def report(self) -> dict[str, Any]:
        """The counts, what each source was taken for and why, and what was found in it, as plain values for JSON."""
        return self._survey.report()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the recipe, in which files stand by their SHA-256, the seed and the version of mixtures."""
        from markovlib.dataset import STREAM_VERSION

        named = f"{self.recipe.fingerprint}\n{self.seed}\n{MIXTURE_VERSION}\n{STREAM_VERSION}\n"
        return hashlib.sha256(named.encode()).hexdigest()

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {n}" for name, n in self.quotas.items())
        return f"<Mixture {self.recipe.fingerprint[:12]} seed={self.seed}: {self.size} examples ({parts})>"

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Mixture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.recipe.to_dict(), self.seed, self._survey.files)

    # ---- examples -----------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> MixedExample: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[np.integer[Any]]) -> MixedBatch: ...
    def __getitem__(self, key: Any) -> MixedExample | MixedBatch:
        asked = asked_for(key, self.size)
        return self._example(asked) if isinstance(asked, int) else self.batch(asked)

    def __getitems__(self, indices: Sequence[int]) -> list[MixedExample]:
        """The examples at `indices`, as a list: what torch's `DataLoader` asks a data set for, a batch at a time."""
        return self.batch(indices).examples()

    def __iter__(self) -> Iterator[MixedExample]:
        for batch in self.batches(_ROWS_AT_ONCE):
            yield from batch.examples()

    def batch(
        self,
        indices: Indices,
        columns: Iterable[str] | None = None,
        threads: int | None = None,  # noqa: ARG002
    ) -> MixedBatch:
        """The examples at `indices` (a range, or any integers; negative ones count from the end) as columns.

        `columns` are the names to make, by default all.  `threads` is taken as `Dataset.batch` takes it; texts are
        fetched by one.  O(letters).  Raises IndexError for an index outside, ValueError for an unknown column.
        """
        names = self._columns(columns)
        places = row_numbers(indices, self.size, "a mixture")
        sources, found = self._order.find(places)
        rows = np.empty(len(places), np.int64)
        texts = self._texts(sources, found, rows, "prompt" in names or "completion" in names)
        values = {"index": places, "source_row": rows, **texts}
        if "source" in names:
            values["source"] = self._names.take(sources)
        return MixedBatch({name: values[name] for name in names})

    def _texts(
        self, sources: NDArray[np.int64], found: NDArray[np.int64], rows: NDArray[np.int64], wanted: bool
    ) -> dict[str, Any]:
        """The texts in the order of the places, whose rows in their sources are filled in."""
        order = np.argsort(sources, kind="stable")
        parts: list[tuple[Column, Column]] = []
        used, cuts = np.unique(sources[order], return_index=True)
        for number, at in zip(used.tolist(), np.split(order, cuts[1:]) if len(used) else [], strict=True):
            rows[at] = self._survey.used[number].rows[found[at]]
            if wanted:
                parts.append(self._survey.sources[number].texts(rows[at]))
        if not wanted:
            return {}
        back = np.argsort(order, kind="stable")
        return {name: _joined([part[i] for part in parts], back) for i, name in enumerate(("prompt", "completion"))}

    def batches(
        self, size: int, threads: int | None = None, columns: Iterable[str] | None = None
    ) -> Iterator[MixedBatch]:
        """All examples in order, `size` at a time, the last batch shorter."""
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        names = self._columns(columns)
        starts = range(0, self.size, size)
        return (self.batch(range(start, min(start + size, self.size)), names, threads) for start in starts)

    def write(
        self,
        out: Place,
        *,
        format: str = "parquet",
        columns: Sequence[str] | None = None,
        shard_rows: int | None = None,
        threads: int | None = None,
        executor: Executor | None = None,
        progress: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> Written:
        """Writes the mixture as a folder of shards with a manifest and a card, as
        `markovlib.shards.generation.generate` does: interrupted, the same call goes on, and a finished folder is left
        alone.  The manifest has the recipe, with the SHA-256 of every file and the names of none of their folders, and
        the counts.

        Workers of an `executor` read the sources themselves.
        """
        from markovlib.shards import generation
        from markovlib.shards.plan import SHARD_ROWS, plan_of
        from markovlib.shards.source import mixture_identity

        chosen = None if columns is None else tuple(name_list(columns))
        identity = mixture_identity(self.recipe)
        plan = plan_of(identity, {}, self, format, chosen, shard_rows or SHARD_ROWS, options, copied=True)
        return generation.write(out, [plan], threads, executor, progress)[0]

    # ---- inside -------------------------------------------------------------------------------------------------

    def _example(self, index: int) -> MixedExample:
        if not -self.size <= index < self.size:
            raise IndexError(f"example {index} of a mixture of {self.size}")
        number, found = self._order.at(index % self.size)
        row = int(self._survey.used[number].rows[found])
        prompt, completion = self._survey.sources[number].text(row)
        return MixedExample(index % self.size, prompt, completion, self._survey.names[number], row)

    def _columns(self, columns: Iterable[str] | None) -> list[str]:
        names = name_list(COLUMNS if columns is None else columns)
        unknown = [name for name in names if name not in COLUMNS]
        if unknown or not names:
            problem = f"unknown column {unknown[0]!r}" if unknown else "name at least one column"
            raise ValueError(f"{problem}; the columns are {', '.join(COLUMNS)}")
        return names


def _joined(columns: list[Column], order: NDArray[np.int64]) -> Column:
    """Columns one after the other, then in the given order of rows."""
    import pyarrow as pa

    if len(columns) == 1:
        return columns[0].take(order)
    chunks = [pa.array(column) for column in columns]
    return Column.from_words(pa.chunked_array(chunks, pa.large_string()), text=True).take(order)


def _reopened(recipe: dict[str, Any], seed: int, files: dict[str, Paths]) -> Mixture:
    return Mixture(MixtureRecipe.from_dict(recipe), seed, files=files)
