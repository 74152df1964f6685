"""Opened sources: rows as prompts and completions, fetched in any order, and what each source is by its content."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column, as_column
from markovlib.fields import RecipeError
from markovlib.mixing.files import locate, missing, pinned, stamp
from markovlib.mixing.layouts import Layout, LayoutError, layout_named, recognise
from markovlib.mixing.recipe import Paths, PinnedFolder, SourceEntry
from markovlib.mixing.rows import Row, SourceError, open_rows
from markovlib.mixing.spool import Spool
from markovlib.mixing.templates import FieldError, Template
from markovlib.recipe import Recipe

if TYPE_CHECKING:
    from markovlib.dataset import Dataset

_ROWS_AT_ONCE = 4096
_TEXTS = ("prompt", "completion")

Pair = tuple[Column, Column]
"""Prompts and completions, as many of either."""


class Source(Protocol):
    """What a mixture asks of a source.

    `entry` is its table with what it holds in the place of where it lies; `described` says in words what it is;
    `empty` are the rows without a prompt or a completion.
    """

    entry: SourceEntry
    rows: int
    described: str
    empty: NDArray[np.int64]

    def texts(self, rows: NDArray[np.int64]) -> Pair:
        """The texts of these rows, as the mixture has them."""

    def text(self, row: int) -> tuple[str, str]:
        """The texts of one row, as the mixture has them."""

    def compared(self, start: int, stop: int) -> Pair:
        """The texts of consecutive rows that rows of sources are compared by: those without the source's templates, but
        for a template that reads other fields than the format, whose text is taken as the mixture has it."""


def open_source(entry: SourceEntry, path: str, moved: Paths | None = None) -> Source:
    """Reads a source.  `path` is that of its table in the recipe; `moved` says where its files are now.

    Raises RecipeError where it names none, or cannot be what it says; SourceError for what is in its files, and where
    that is not what the recipe pins.
    """
    if entry.recipe is not None:
        return _DatasetSource(entry, path)
    if entry.shards is not None:
        return _read_shards(entry, path, moved)
    if entry.files is None and moved is None:
        raise RecipeError(
            f"{path}.files",
            f"are needed for {entry.name!r}: with_files({entry.name}=...), or --source {entry.name}=PATH",
            "mixture",
        )
    return _read_files(entry, moved)


# ---- files ----------------------------------------------------------------------------------------------------------


@dataclass
class _Reading:
    """What turns the rows of a source into its texts; the layout is the one named, or else that of the first row, where
    one of the texts is made by it."""

    entry: SourceEntry
    layout: Layout | None = None
    templates: dict[str, Template] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: SourceEntry) -> _Reading:
        templates = {name: Template(text) for name in ("prompt", "completion") if (text := getattr(entry, name))}
        return cls(entry, layout_named(entry.format) if entry.format else None, templates)

    @property
    def fields(self) -> set[str]:
        """The fields of rows that are used."""
        return {*(self.layout.fields if self.layout else ()), *(f for t in self.templates.values() for f in t.fields)}

    @property
    def reason(self) -> str:
        if self.layout is None:
            return "the templates say what the prompt and the completion are"
        return "as named" if self.entry.format else self.layout.reason

    def look(self, row: Row) -> None:
        """Learns the layout from the first row; with both templates there need not be one, nor is one looked for where
        neither asks for what it makes."""
        asked = {name for template in self.templates.values() for name in template.fields}
        if self.layout is not None or (len(self.templates) == 2 and asked.isdisjoint(_TEXTS)):
            return
        try:
            self.layout = recognise(row)
        except LayoutError:
            if len(self.templates) < 2:
                raise

    def texts(self, row: Row) -> tuple[tuple[str, str], tuple[str, str]]:
        """The texts of a row as the mixture has them, and as rows of sources are compared."""
        plain = self.layout.texts(row) if self.layout else ("", "")
        if not self.templates:
            return plain, plain
        fields = {**row, "prompt": plain[0], "completion": plain[1]} if self.layout else row
        prompt, completion = (
            self.templates[name].fill(fields) if name in self.templates else text
            for name, text in zip(_TEXTS, plain, strict=True)
        )
        return (prompt, completion), (
            prompt if "prompt" in self.compared_as_made else plain[0],
            completion if "completion" in self.compared_as_made else plain[1],
        )

    @cached_property
    def compared_as_made(self) -> set[str]:
        """Which texts are compared as their templates make them: those of fields that the layout does not read."""
        read = {*self.layout.fields, *_TEXTS} if self.layout else set()
        return {name for name, template in self.templates.items() if not self.layout or template.fields - read}


class _StoredSource:
    """Texts that were read once and are on disk; those compared are others only where templates changed them."""

    def __init__(self, entry: SourceEntry, described: str, texts: Column, compared: Column) -> None:
        self.entry = entry
        self.described = described
        self.rows = len(texts) // 2
        self._texts = texts
        self._compared = compared
        lengths = texts.lengths().reshape(-1, 2)
        self.empty = np.flatnonzero((lengths == 0).any(axis=1))

    def texts(self, rows: NDArray[np.int64]) -> Pair:
        return self._texts.take(2 * rows), self._texts.take(2 * rows + 1)

    def text(self, row: int) -> tuple[str, str]:
        return self._texts[2 * row], self._texts[2 * row + 1]

    def compared(self, start: int, stop: int) -> Pair:
        rows = np.arange(start, stop)
        return self._compared.take(2 * rows), self._compared.take(2 * rows + 1)


class _Store:
    """Takes the texts of rows; those that are blank are kept as empty."""

    def __init__(self, twice: bool) -> None:
        self._texts = Spool()
        self._compared = Spool() if twice else self._texts

    def add(self, texts: tuple[str, str], compared: tuple[str, str]) -> None:
        blank = not all(text and not text.isspace() for text in texts)
        for spool, pair in ((self._texts, texts), (self._compared, compared)):
            for text in pair:
                spool.add("" if blank else text)
            if self._compared is self._texts:
                break

    def close(self) -> None:
        self._texts.close()
        self._compared.close()

    def source(self, entry: SourceEntry, described: str) -> _StoredSource:
        texts = self._texts.column()
        return _StoredSource(
            entry, described, texts, texts if self._compared is self._texts else self._compared.column()
        )


def _read_files(entry: SourceEntry, moved: Paths | None) -> Source:
    located = locate(entry.name, entry.files, moved)
    before = [stamp(file) for file, _ in located]
    pins = pinned(entry.name, located)
    reading = _Reading.of(entry)
    with closing(_Store(bool(reading.templates))) as store:
        containers = Counter(_read_file(file, reading, store) for file, _ in located)
        for (file, _), found in zip(located, before, strict=True):
            if stamp(file) != found:
                raise SourceError(f"{file}: changed while it was read")
        fixed = msgspec.structs.replace(entry, files=pins, format=reading.layout.name if reading.layout else None)
        return store.source(fixed, _described(containers, reading))


def _described(containers: Counter[str], reading: _Reading) -> str:
    files = ", ".join(f"{container} ({n} files)" if n > 1 else container for container, n in containers.items())
    return f"{files}; {reading.layout.name if reading.layout else 'templates'}: {reading.reason}"


def _read_file(path: Path, reading: _Reading, store: _Store) -> str:
    """Reads all rows of a file; returns what it is."""
    rows = open_rows(path)
    at = 0
    try:
        first = rows.first()
        if first is None:
            raise SourceError(f"{path}: has no rows")
        at, row = first
        reading.look(row)
        for number, row in rows.read(reading.fields):
            at = number
            store.add(*reading.texts(row))
    except (LayoutError, FieldError) as error:
        raise SourceError(f"{rows.where(at)}: {error}") from None
    except UnicodeEncodeError as error:
        raise SourceError(f"{rows.where(at)}: holds {error.object[error.start]!r}, which is no character") from None
    return rows.container


# ---- our own --------------------------------------------------------------------------------------------------------


def _read_shards(entry: SourceEntry, path: str, moved: Paths | None) -> Source:
    """The rows of a split of a folder of shards, each compared with its checksum."""
    from markovlib.files import sha256_file
    from markovlib.shards import exporting
    from markovlib.shards.folder import ShardError
    from markovlib.shards.manifest import NAME

    wanted = entry.shards if isinstance(entry.shards, PinnedFolder) else None
    listed: Any = moved if moved is not None else wanted.name if wanted else entry.shards
    if isinstance(listed, str) and "://" in listed:
        raise SourceError(
            f"{listed}: a mixture reads folders on a disk, and this is a URL: `markovlib export` makes one"
        )
    folder = Path(listed if isinstance(listed, str | Path) else next(iter(listed)))
    if wanted is not None and not (folder / NAME).exists() and (folder / wanted.name / NAME).exists():
        folder /= wanted.name  # as of files, the folder that it is in may be given
    if not (folder.exists() if wanted is None else (folder / NAME).exists()):
        raise missing(folder, entry.name)
    made = exporting.load(folder)
    digest = sha256_file(folder / NAME)[1]
    if wanted is not None and digest != wanted.sha256:
        raise SourceError(f"{folder}: is not the folder that {entry.name!r} was made from: its manifest is another")
    split = entry.split or "train"
    if split not in made.splits:
        raise RecipeError(
            f"{path}.split", f"{folder} has no split {split!r}: choose from {', '.join(made.splits)}", "mixture"
        )
    try:
        copy = exporting.Copy(folder, made, split)
    except ShardError as error:
        raise SourceError(str(error)) from None
    pin = wanted or PinnedFolder(folder.resolve().name, digest)
    fixed = msgspec.structs.replace(entry, shards=pin, split=split)
    return _stored_copy(fixed, copy, folder / split)


def _stored_copy(entry: SourceEntry, copy: Any, where: Path) -> Source:
    missing = {"prompt", "completion"} - set(copy.columns)
    if missing:
        raise SourceError(f"{where}: has no column {min(missing)!r}; its columns are {', '.join(copy.columns)}")
    reading = _Reading.of(entry)
    wanted = [name for name in copy.columns if name in {"prompt", "completion", *reading.fields}]
    reading.layout = layout_named("prompt-completion")
    with closing(_Store(bool(reading.templates))) as store:
        for start in range(0, copy.size, _ROWS_AT_ONCE):
            batch = copy.batch(range(start, min(start + _ROWS_AT_ONCE, copy.size)), wanted).to_arrow()
            for number, row in enumerate(batch.to_pylist(), start):
                _add(store, reading, row, f"{where}: row {number}")
        return store.source(entry, f"our shards, split {entry.split}")


def _add(store: _Store, reading: _Reading, row: Row, where: str) -> None:
    try:
        store.add(*reading.texts(row))
    except (LayoutError, FieldError) as error:
        raise SourceError(f"{where}: {error}") from None


class _DatasetSource:
    """A data set of ours: every row is made when it is asked for."""

    def __init__(self, entry: SourceEntry, path: str) -> None:
        self._data = _dataset(entry, path)
        self._reading = _Reading.of(entry)
        self._reading.layout = layout_named("prompt-completion")
        if not self._data.text:
            raise RecipeError(f"{path}.recipe", "has an alphabet of bytes, and a mixture holds text", "mixture")
        if self._data.size is None:
            raise RecipeError(f"{path}.recipe", "is unbounded; set its `examples`", "mixture")
        unknown = self._reading.fields - set(self._data.known_columns)
        if unknown:
            raise RecipeError(path, f"a template asks for {min(unknown)!r}, which is no column", "mixture")
        self.rows = self._data.size
        self.described = f"our data set, split {self._data.split}"
        self.empty = np.empty(0, np.int64)
        fields = {name: value for name, value in self._data.recipe.to_dict().items() if name != "sweep"}
        self.entry = msgspec.structs.replace(entry, recipe=fields, seed=self._data.seed, split=self._data.split)
        self.text(0)  # A template that no row can fill is found now.

    def texts(self, rows: NDArray[np.int64]) -> Pair:
        if not self._reading.templates:
            batch = self._data.batch(rows, ["prompt", "completion"], threads=1)
            return batch.prompt, batch.completion
        return self._filled(rows)[0]

    def _filled(self, rows: NDArray[np.int64]) -> tuple[Pair, Pair]:
        """The texts of these rows as the mixture has them, and as they are compared."""
        fields = [name for name in self._data.known_columns if name in {*_TEXTS, *self._reading.fields}]
        read = self._data.batch(rows, fields).to_arrow().to_pylist()
        made = [self._fill(row, number) for row, number in zip(read, rows.tolist(), strict=True)]
        columns = [as_column([pair[kind][i] for pair in made], text=True) for kind in (0, 1) for i in (0, 1)]
        return (columns[0], columns[1]), (columns[2], columns[3])

    def _fill(self, row: Row, number: int) -> tuple[tuple[str, str], tuple[str, str]]:
        try:
            return self._reading.texts(row)
        except FieldError as error:
            raise SourceError(f"{self.entry.name}: row {number}: {error}") from None

    def text(self, row: int) -> tuple[str, str]:
        if not self._reading.templates:
            example = self._data[row]
            return example.prompt, example.completion
        prompts, completions = self.texts(np.array([row]))
        return prompts[0], completions[0]

    def compared(self, start: int, stop: int) -> Pair:
        if self._reading.compared_as_made:
            return self._filled(np.arange(start, stop))[1]
        batch = self._data.batch(range(start, stop), ["prompt", "completion"])
        return batch.prompt, batch.completion


def _dataset(entry: SourceEntry, path: str) -> Dataset:
    from markovlib.dataset import Dataset

    try:
        given = entry.recipe
        recipe = Recipe.from_dict(given) if isinstance(given, dict) else Recipe.load(str(given))
        return Dataset(recipe, seed=entry.seed or 0, split=entry.split or "train")
    except RecipeError as error:
        raise RecipeError(f"{path}.recipe", f"{error.path}: {error.problem}".strip(": "), "mixture") from None
    except ValueError as error:
        raise RecipeError(f"{path}.split", str(error), "mixture") from None
