"""JSON Lines shards: an object a line, UTF-8, fields in the order of the columns; bytes are base64 (RFC 4648).

Nothing about the file is kept in the file: the manifest has the types.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypedDict

import msgspec
import pyarrow as pa

from markovlib.files import WholeFile

SUFFIXES = (".jsonl",)
ROWS_AT_ONCE = 8192
LONGEST_LINE = 1 << 28
_CHUNK = 1 << 20


class Sink(Protocol):
    """What lines are written to."""

    def write(self, data: bytes, /) -> int: ...


class Layout(Protocol):
    """The part of `Format` that lines are read and written by."""

    @property
    def columns(self) -> pa.Schema: ...


class Writer:
    """Writes rows as lines of JSON."""

    def __init__(self, sinks: Sequence[WholeFile], layout: Layout, _: str) -> None:
        self.sink: Sink = sinks[0]
        self._row = _row_type(layout.columns)
        self._encoder = msgspec.json.Encoder()

    def write(self, batch: pa.RecordBatch) -> None:
        for start in range(0, batch.num_rows, ROWS_AT_ONCE):
            columns = [column.to_pylist() for column in batch.slice(start, ROWS_AT_ONCE).columns]
            self.sink.write(self._encoder.encode_lines(map(self._row, *columns)))

    def close(self) -> None:
        """Do nothing: every line is complete."""


class Reader:
    """Reads lines in order; going back begins again at the first, so that rows are best read as they come.

    Memory is that of the rows read, lines of more than 256 MiB being refused.
    """

    provenance = None

    def __init__(self, paths: Sequence[Path], layout: Layout) -> None:
        self._path = paths[0]
        self._schema = layout.columns
        self._decoder = msgspec.json.Decoder(_row_type(layout.columns))
        self.columns: list[str] = layout.columns.names
        self._lines: Iterator[bytes] = iter(())
        self._next = -1

    @cached_property
    def rows(self) -> int:
        """The number of lines, which takes a pass over the file."""
        count, tail = 0, b"\n"
        with closing(self._open()) as file:
            while chunk := file.read(_CHUNK):
                count, tail = count + chunk.count(b"\n"), chunk[-1:]
        return count + (tail != b"\n")

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        lines = _lines(self._open())
        start = 0
        while rows := self._decode(lines, start, ROWS_AT_ONCE):
            yield self._batch(rows, columns)
            start += len(rows)

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        if self._next < 0 or start < self._next:
            self._lines, self._next = _lines(self._open()), 0
        for _ in range(self._next, start):
            next(self._lines, None)
        rows = self._decode(self._lines, start, stop - start)
        self._next = start + len(rows)
        return self._batch(rows, columns)

    def close(self) -> None:
        self._lines, self._next = iter(()), -1

    def _open(self) -> BinaryIO:
        return self._path.open("rb")

    def _decode(self, lines: Iterator[bytes], start: int, count: int) -> list[Any]:
        rows: list[Any] = []
        for _, line in zip(range(count), lines, strict=False):
            try:
                rows.append(self._decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"line {start + len(rows) + 1}: {error}") from None
        return rows

    def _batch(self, rows: list[Any], columns: Sequence[str] | None) -> pa.RecordBatch:
        names = list(columns) if columns else self.columns
        fields = [self._schema.field(name) for name in names]
        places = [f"c{self.columns.index(name)}" for name in names]
        try:
            values = [
                pa.array([getattr(row, place) for row in rows], field.type)
                for place, field in zip(places, fields, strict=True)
            ]
        except OverflowError as error:
            raise ValueError(f"a number does not fit in its column: {error}") from None
        return pa.RecordBatch.from_arrays(values, schema=pa.schema(fields))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, and close it."""
    number = 1
    with closing(file):
        rest = b""
        while chunk := file.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
            number += len(whole)
            if len(rest) > LONGEST_LINE:
                raise ValueError(f"line {number}: is longer than {LONGEST_LINE} bytes")
        if rest:
            yield rest


def _row_type(columns: pa.Schema) -> type[msgspec.Struct]:
    """Return the type of a row: a struct whose field c0 is the first column and is called so in JSON, and so on."""
    places = {f"c{number}": name for number, name in enumerate(columns.names)}
    types = [(place, value_type(field.type)) for place, field in zip(places, columns, strict=True)]
    return msgspec.defstruct("Row", types, rename=places, forbid_unknown_fields=True, gc=False)


def value_type(kind: pa.DataType) -> Any:
    """Return the Python type of a column's values, of which any may be missing."""
    known: Any
    if pa.types.is_list(kind):
        known = list[value_type(kind.value_type)]  # type: ignore[misc]
    elif pa.types.is_struct(kind):
        known = TypedDict("Struct", {field.name: value_type(field.type) for field in kind})  # type: ignore[misc, no-redef]
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        known = str
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        known = bytes
    elif pa.types.is_boolean(kind):
        known = bool
    elif pa.types.is_integer(kind):
        known = int
    elif pa.types.is_floating(kind):
        known = float
    else:
        raise TypeError(f"no JSON is defined for a column of type {kind}")
    return known | None
