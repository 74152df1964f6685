"""The formats that shards are written in, by name; each is a module that has what `Module` says."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from markovlib.shards import schema
from markovlib.shards.folder import DamagedError, WholeFile
from markovlib.shards.manifest import Shard, Split

if TYPE_CHECKING:
    import pyarrow as pa

MODULES = {
    "parquet": "markovlib.shards.parquet",
    "arrow": "markovlib.shards.arrow",
    "jsonl": "markovlib.shards.jsonl",
    "jsonl.zst": "markovlib.shards.jsonl_zst",
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


class Module(Protocol):
    """What a format's module has.

    `SUFFIXES` are those of the files of a shard, the one that names it first.  A module may also have
    `stored(rows, options)`, where its files hold something else than the rows' columns; `index(split)`, the files
    that it needs beside all shards of a split, as bytes by name; and `check(schema, options)`, which raises
    `ValueError` for columns or options that it cannot serve and returns the options with what was left out filled in.
    """

    SUFFIXES: tuple[str, ...]

    def Writer(self, sinks: Sequence[WholeFile], layout: "Format", provenance: str) -> Writer: ...

    def Reader(self, paths: Sequence[Path], layout: "Format") -> Reader: ...


class Format:
    """A format with the columns and options that it is used for; raises `ValueError` for what it cannot serve."""

    def __init__(self, name: str, columns: "pa.Schema", options: Mapping[str, Any] | None = None) -> None:
        self._module = module(name)
        self.name = name
        self.columns = columns
        self.suffixes = self._module.SUFFIXES
        check = getattr(self._module, "check", None)
        if check is None and options:
            raise ValueError(f"the format {name!r} has no option {min(options)!r}")
        self.options: dict[str, Any] = check(columns, options or {}) if check else {}

    @classmethod
    def of(cls, split: Split) -> "Format":
        """Return the format of a finished split; raises `DamagedError` where its manifest names none of ours."""
        try:
            return cls(split.format, schema.restore(split.columns), split.options)
        except (ValueError, TypeError) as error:
            raise DamagedError(f"the manifest: {error}") from None

    def writer(self, sinks: Sequence[WholeFile], provenance: str) -> Writer:
        """Return a writer into one sink for each suffix.

        `provenance` is text that is kept inside the files where the format has a place for it.
        """
        return self._module.Writer(sinks, self, provenance)

    def reader(self, directory: Path, shard: Shard) -> Reader:
        """Open a shard in the folder of its split."""
        return self._module.Reader([directory / file.name for file in shard.files], self)

    def stored(self, rows: "pa.RecordBatch") -> "pa.RecordBatch":
        """Return what the files hold of these rows: the rows themselves, in most formats."""
        function = getattr(self._module, "stored", None)
        return function(rows, self.options) if function else rows

    @property
    def held(self) -> list[str]:
        """The names of the columns that the files hold."""
        import pyarrow as pa

        names: list[str] = self.stored(pa.RecordBatch.from_pylist([], schema=self.columns)).schema.names
        return names

    def index(self, split: Split) -> dict[str, bytes]:
        """Return the files that belong to all shards of a split together, by name."""
        function = getattr(self._module, "index", None)
        return function(split) if function else {}


def module(name: str) -> Module:
    """Return the module of a format; raises `ValueError` for a name that is none."""
    if name not in MODULES:
        raise ValueError(f"unknown format {name!r}: choose one of {', '.join(MODULES)}")
    return cast(Module, import_module(MODULES[name]))
