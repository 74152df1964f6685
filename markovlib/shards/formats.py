"""The formats that shards are written in, by name; each is a module with a `Writer` and a `Reader`."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from markovlib.shards.folder import WholeFile

if TYPE_CHECKING:
    import pyarrow as pa

MODULES = {"parquet": "markovlib.shards.parquet", "arrow": "markovlib.shards.arrow"}


class Writer(Protocol):
    """Writes the batches of one shard, in order; `close` completes the file and leaves the sink open."""

    def write(self, batch: "pa.RecordBatch") -> None: ...

    def close(self) -> None: ...


class Reader(Protocol):
    """Reads one shard; a damaged file raises `pyarrow.ArrowInvalid` or `OSError`."""

    rows: int
    columns: list[str]
    provenance: str | None

    def batches(self, columns: Sequence[str] | None = None) -> Iterator["pa.RecordBatch"]:
        """Yield all rows in order, a row group at a time."""

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> "pa.RecordBatch":
        """Return rows `start` to `stop` of this shard."""

    def close(self) -> None: ...


class Format:
    """One format: its name, the suffix of its files, and how to open them."""

    def __init__(self, name: str) -> None:
        if name not in MODULES:
            raise ValueError(f"unknown format {name!r}: choose one of {', '.join(MODULES)}")
        self.name = name
        self._module: ModuleType = import_module(MODULES[name])
        self.suffix: str = self._module.SUFFIX

    def writer(self, sink: WholeFile, provenance: str) -> Writer:
        """Return a writer; `provenance` is text kept inside the file where the format has a place for it."""
        writer: Writer = self._module.Writer(sink, provenance)
        return writer

    def reader(self, path: Path) -> Reader:
        reader: Reader = self._module.Reader(path)
        return reader
