"""JSON Lines shards in one zstd frame (RFC 8878) each, as other tools read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from markovlib.files import WholeFile
from markovlib.shards import jsonl

SUFFIXES = (".jsonl.zst",)


class _Unclosed:
    """A sink that its compressor leaves open."""

    closed = False

    def __init__(self, sink: WholeFile) -> None:
        self.write = sink.write
        self.flush = sink.flush

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: whoever opened the sink closes it."""


class Writer(jsonl.Writer):
    """Writes rows as compressed lines of JSON."""

    def __init__(self, sinks: Sequence[WholeFile], layout: jsonl.Layout, provenance: str) -> None:
        super().__init__(sinks, layout, provenance)
        self._compressor = pa.CompressedOutputStream(_Unclosed(sinks[0]), "zstd")
        self.sink = self._compressor

    def close(self) -> None:
        self._compressor.close()


class Reader(jsonl.Reader):
    """Reads compressed lines of JSON in order, as `jsonl.Reader` does."""

    def __init__(self, paths: Sequence[Path], layout: Any) -> None:
        super().__init__(paths, layout)
        self._file = paths[0]

    def _open(self) -> BinaryIO:
        return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(self._file)), "zstd"))
