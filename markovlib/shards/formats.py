"""The formats that shards are written in, by name; each is a module that has what `Module` says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from markovlib.files import WholeFile
from markovlib.shards import schema
from markovlib.shards.folder import DamagedError
from markovlib.shards.manifest import Shard, Split
from markovlib.shards.source import RowSource
from markovlib.shards.stores import Place

if TYPE_CHECKING:
    import pyarrow as pa

MODULES = {
    "parquet": "markovlib.shards.parquet",
    "arrow": "markovlib.shards.arrow",
    "jsonl": "markovlib.shards.jsonl",
    "jsonl.zst": "markovlib.shards.jsonl_zst",
    "mds": "markovlib.shards.mds",
    "megatron": "markovlib.shards.megatron",
    "tokens": "markovlib.shards.flat_tokens",
}


class Writer(Protocol):
    """Writes the batches of one shard, in order; `close` completes the files and leaves the sinks open."""

    def write(self, batch: "pa.RecordBatch") -> None: ...

    def close(self) -> None: ...


class Reader(Protocol):
    """Reads one shard; a damaged file raises `pyarrow.ArrowInvalid`, `ValueError` or `OSError`."""

    rows: int
    columns: list[str]
    provenance: str | None

    def batches(self, columns: Sequence[str] | None = None) -> Iterator["pa.RecordBatch"]:
        """Yield all rows in order, a row group at a time."""

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> "pa.RecordBatch":
        """Return rows `start` to `stop` of this shard."""

    def close(self) -> None: ...


class Content(Protocol):
    """What a format's files hold of rows, and the options that it does so by.

    `options` are those asked for with what was left out filled in, as the manifest has them; `held` the names of the
    columns in the files; `files` what lies beside the splits of a folder and is needed to make the rows again, by name.
    """

    options: dict[str, Any]
    held: list[str]
    files: Mapping[str, bytes]

    def stored(self, rows: "pa.RecordBatch") -> "pa.RecordBatch":
        """Return what the files hold of these rows."""

    def shown(self, stored: "pa.RecordBatch") -> list[dict[str, Any]]:
        """Return what was stored as rows for a person to read."""


class Module(Protocol):
    """What a format's module has.

    `SUFFIXES` are those of the files of a shard, the one that names it first.  A module may also have `COLUMNS`, the
    columns that it stores and no others; `index(split, layout)`, the files that it needs beside all shards of a
    split, as bytes by name; and `Content(columns, options, source, root)`, where it takes options or its files hold
    something else than the rows' columns.  That raises `ValueError` for columns or options that it cannot serve;
    `source` is the data set where the options are asked for, `root` the folder where they are read from a manifest.
    """

    SUFFIXES: tuple[str, ...]

    def Writer(self, sinks: Sequence[WholeFile], layout: "Format", provenance: str) -> Writer: ...

    def Reader(self, paths: Sequence[Path], layout: "Format") -> Reader: ...


class Format:
    """A format with the columns and options that it is used for; raises `ValueError` for what it cannot serve.

    `source` is the data set, from which some options follow; `root` the folder that the options were read in.
    """

    def __init__(
        self,
        name: str,
        columns: "pa.Schema",
        options: Mapping[str, Any] | None = None,
        *,
        source: RowSource | None = None,
        root: Place | None = None,
    ) -> None:
        self._module = module(name)
        self.name = name
        self.columns = columns
        self.suffixes = self._module.SUFFIXES
        if not hasattr(self._module, "Content") and options:
            raise ValueError(f"the format {name!r} has no option {min(options)!r}")
        make = getattr(self._module, "Content", _Rows)
        self._content: Content = make(columns, dict(options or {}), source, root)

    @classmethod
    def of(cls, split: Split, root: Place | None = None, path: str = "the manifest") -> "Format":
        """Return the format of a finished split; raises `DamagedError` where its manifest names none of ours.

        `root` is the folder that the split is in, which is needed to make rows again; `path` its manifest's, which is
        for the error.
        """
        try:
            return cls(split.format, schema.restore(split.columns), split.options, root=root)
        except (ValueError, TypeError) as error:
            raise DamagedError(f"{path}: {error}") from None

    @property
    def options(self) -> dict[str, Any]:
        """The options, those left out filled in."""
        return self._content.options

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files that lie beside the splits of a folder, by name."""
        return self._content.files

    @property
    def held(self) -> list[str]:
        """The names of the columns that the files hold."""
        return self._content.held

    def writer(self, sinks: Sequence[WholeFile], provenance: str) -> Writer:
        """Return a writer into one sink for each suffix.

        `provenance` is text that is kept inside the files where the format has a place for it.
        """
        return self._module.Writer(sinks, self, provenance)

    def reader(self, directory: Path, shard: Shard) -> Reader:
        """Open a shard in the folder of its split."""
        return self._module.Reader([directory / file.name for file in shard.files], self)

    def runs(
        self, directory: Path, shard: Shard, runs: Iterable[range], columns: Sequence[str] | None, place: str
    ) -> Iterator["pa.RecordBatch"]:
        """Yield runs of rows of a shard, numbered as in its split, each a batch that is sound: a checksum
        that fits says nothing, since who made the shard up could work it out.

        Raises `DamagedError`, which says that the shard is in the folder `place`, where it is missing or cannot be
        read.
        """
        import pyarrow as pa

        try:
            with closing(self.reader(directory, shard)) as reader:
                for run in runs:
                    batch = reader.read(run.start - shard.start, run.stop - shard.start, columns)
                    batch.validate(full=True)
                    if batch.num_rows != len(run):
                        raise ValueError(f"it has {batch.num_rows} of the {len(run)} rows from {run.start} on")
                    if not self._fits(batch.schema, self.held if columns is None else columns):
                        raise KeyError
                    yield batch
        except FileNotFoundError as error:
            raise DamagedError(f"{place}/{Path(error.filename or shard.name).name}: missing") from None
        except KeyError:
            problem = "its columns are not those of the manifest"
            raise DamagedError(f"{place}/{shard.name}: cannot be read: {problem}") from None
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            problem = (str(error) or "out of memory").splitlines()[0]
            raise DamagedError(f"{place}/{shard.name}: cannot be read: {problem}") from None

    def _fits(self, found: "pa.Schema", names: Sequence[str]) -> bool:
        """Whether these are the columns of those names, and those of the rows have their types."""
        kinds = {field.name: field.type for field in self.columns}
        return sorted(found.names) == sorted(names) and all(kinds.get(f.name, f.type) == f.type for f in found)

    def stored(self, rows: "pa.RecordBatch") -> "pa.RecordBatch":
        """Return what the files hold of these rows: the rows themselves, in most formats."""
        return self._content.stored(rows)

    def shown(self, stored: "pa.RecordBatch") -> list[dict[str, Any]]:
        """Return what the files hold as rows for a person to read."""
        return self._content.shown(stored)

    def index(self, split: Split) -> dict[str, bytes]:
        """Return the files that belong to all shards of a split together, by name."""
        function = getattr(self._module, "index", None)
        return function(split, self) if function else {}


class _Rows:
    """The content of formats that hold the rows as they are."""

    files: Mapping[str, bytes] = {}

    def __init__(self, columns: "pa.Schema", options: dict[str, Any], *_: Any) -> None:
        self.options = options
        self.held: list[str] = columns.names

    def stored(self, rows: "pa.RecordBatch") -> "pa.RecordBatch":
        return rows

    def shown(self, stored: "pa.RecordBatch") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = stored.to_pylist()
        return rows


def chosen(name: str) -> tuple[str, ...] | None:
    """Return the columns that a format stores, where it has no choice; raises `ValueError` for no format."""
    columns: tuple[str, ...] | None = getattr(module(name), "COLUMNS", None)
    return columns


def module(name: str) -> Module:
    """Return the module of a format; raises `ValueError` for a name that is none."""
    if name not in MODULES:
        raise ValueError(f"unknown format {name!r}: choose one of {', '.join(MODULES)}")
    return cast(Module, import_module(MODULES[name]))
