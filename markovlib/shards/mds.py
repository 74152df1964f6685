"""MDS shards, as MosaicML's `streaming` reads and writes them.

A file is u32 number of samples n, u32 offsets of the samples and of the end (n + 1, from the file's start), the columns
as JSON, and the samples.  A sample is u32 size of each column of variable size, then all columns, which are sorted by
name.  `index.json` beside the shards of a split lists them.  Numbers are little-endian.  docs/formats/mds.md has all.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from markovlib.arrays import from_arrow, validity
from markovlib.files import WholeFile
from markovlib.shards import jsonl, source
from markovlib.shards.manifest import Split
from markovlib.shards.source import RowSource

SUFFIXES = (".mds",)
ROWS_AT_ONCE = 1 << 16
MOST_BYTES = (1 << 32) - 1
_HASHES = ["sha256"]
_OFTEN_NULL = {"pattern", "replacement", "key", "certificate"}
_PLAIN = frozenset(bytes(range(0x20, 0x7F))) - frozenset(b'"\\')


class Content:
    """Rows as they are.  MDS has no null: columns named in the option `nullable` are written as JSON.

    Left out, these are the columns of the data set that can be null: pattern and replacement where there are several
    rules, and texts that its task does not have.
    """

    def __init__(self, columns: pa.Schema, options: dict[str, Any], data: RowSource | None, _: Path | None) -> None:
        if unknown := sorted(set(options) - {"nullable"}):
            raise ValueError(f"the format 'mds' has no option {unknown[0]!r}")
        nullable = options.get("nullable")
        if nullable is None:
            nullable = [] if data is None or not _OFTEN_NULL & set(columns.names) else _nullable(data)
        elif not isinstance(nullable, list) or not all(isinstance(name, str) for name in nullable):
            raise ValueError("nullable must be a list of columns")
        self.options = {"nullable": [name for name in columns.names if name in nullable]}
        self.held: list[str] = columns.names
        self.files: Mapping[str, bytes] = {}
        for field in columns:
            _encoding(field.type, field.name in nullable)

    def stored(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows

    def shown(self, stored: pa.RecordBatch) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = stored.to_pylist()
        return rows


def _nullable(data: RowSource) -> list[str]:
    """Return the columns that may be null, by the recipe; `data` itself may have been left only some columns."""
    columns = source.open_split(data.recipe.to_dict(), {}, data.seed, data.split).columns
    several = ["pattern", "replacement"] if "rules" in columns else []
    return several + [name for name in ("key", "certificate") if name not in columns]


class _Column(NamedTuple):
    """A column by its place in the rows, with its encoding and, if that is fixed, its size in bytes."""

    name: str
    place: int
    kind: pa.DataType
    encoding: str
    size: int | None


def _columns(types: pa.Schema, options: Mapping[str, Any]) -> list[_Column]:
    """Return the columns in the order of the file."""
    columns = []
    for name in sorted(types.names):
        kind = types.field(name).type
        encoding, size = _encoding(kind, name in options["nullable"])
        columns.append(_Column(name, types.names.index(name), kind, encoding, size))
    return columns


def _encoding(kind: pa.DataType, nullable: bool) -> tuple[str, int | None]:
    """Return the name of an encoding, and its size if it is fixed."""
    if pa.types.is_nested(kind) or nullable:
        jsonl.value_type(kind)
        return "json", None
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return "str", None
    if pa.types.is_large_binary(kind) or pa.types.is_binary(kind):
        return "bytes", None
    if pa.types.is_boolean(kind):
        return "uint8", 1
    if pa.types.is_uint64(kind):
        return "uint64", 8
    if pa.types.is_integer(kind):
        return "int", 8
    if pa.types.is_floating(kind):
        return f"float{kind.bit_width}", kind.bit_width // 8
    raise TypeError(f"no encoding in MDS is defined for a column of type {kind}")


def _config(columns: Sequence[_Column]) -> dict[str, Any]:
    """Return what the index and every file say of the columns."""
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": _HASHES,
        "size_limit": None,
        "column_names": [column.name for column in columns],
        "column_encodings": [column.encoding for column in columns],
        "column_sizes": [column.size for column in columns],
    }


def _header(columns: Sequence[_Column]) -> bytes:
    return json.dumps(_config(columns), sort_keys=True).encode()


def index(split: Split, layout: Any) -> dict[str, bytes]:
    """Return the index of a split."""
    config = _config(_columns(layout.columns, layout.options))
    shards = []
    for shard in split.shards:
        file = shard.files[0]
        raw = {"basename": file.name, "bytes": file.bytes, "hashes": {"sha256": file.sha256}}
        shards.append({"samples": shard.stop - shard.start, "raw_data": raw, "zip_data": None, **config})
    return {"index.json": json.dumps({"version": 2, "shards": shards}, sort_keys=True).encode()}


# ---- writing --------------------------------------------------------------------------------------------------------


class Writer:
    """Writes a shard when it is closed, since the offsets of all its samples come first: it is kept until then."""

    def __init__(self, sinks: Sequence[WholeFile], layout: Any, _: str) -> None:
        self._sink = sinks[0]
        self._columns = _columns(layout.columns, layout.options)
        self._header = _header(self._columns)
        self._samples: list[pa.Array] = []
        self._rows = self._size = 0

    def write(self, batch: pa.RecordBatch) -> None:
        samples = _samples(batch, self._columns)
        self._rows += len(samples)
        self._size += _letters(samples).nbytes
        if self._size + 4 * (self._rows + 2) + len(self._header) > MOST_BYTES:
            raise ValueError(f"an MDS file holds {MOST_BYTES:,} bytes at most: write fewer rows in a shard")
        self._samples.append(samples)

    def close(self) -> None:
        sizes = [np.diff(_offsets(samples)) for samples in self._samples]
        offsets = np.zeros(self._rows + 1, np.int64)
        np.cumsum(np.concatenate([np.empty(0, np.int64), *sizes]), out=offsets[1:])
        offsets += 4 * (self._rows + 2) + len(self._header)
        head = np.concatenate([[self._rows], offsets]).astype("<u4").tobytes()
        self._sink.write(head + self._header)
        for samples in filter(len, map(_letters, self._samples)):
            self._sink.write(samples.data)
        self._samples.clear()


def _samples(batch: pa.RecordBatch, columns: Sequence[_Column]) -> pa.LargeBinaryArray:
    """Return the samples of rows, as bytes."""
    rows = batch.num_rows
    pieces = [_encoded(batch.column(column.place), column) for column in columns]
    sizes = [np.diff(_offsets(piece)) for piece, column in zip(pieces, columns, strict=True) if column.size is None]
    if sizes:
        matrix = np.stack(sizes, axis=1)
        if matrix.max(initial=0) > MOST_BYTES:
            raise ValueError(f"a value in MDS holds {MOST_BYTES:,} bytes at most")
        pieces.insert(0, _fixed(matrix.astype("<u4"), rows))
    return pc.binary_join_element_wise(*pieces, _fixed(np.empty((1, 0), np.uint8), 1)[0])


def _encoded(values: pa.Array, column: _Column) -> pa.Array:
    """Return the values of a column as bytes."""
    if column.encoding == "json":
        return _json(values)
    if values.null_count:
        row = int(np.argmin(validity(values)))
        raise ValueError(
            f"column {column.name!r} is null in row {row}, for which MDS has no place: name it in the option nullable"
        )
    if column.size is None:
        return values.cast(pa.large_binary())
    dtype = {"int": "<i8", "uint8": "u1"}.get(column.encoding, f"<{column.encoding[0]}{column.size}")
    return _fixed(from_arrow(values).astype(dtype, copy=False), len(values))


def _fixed(values: NDArray[Any], rows: int) -> pa.Array:
    """Return rows of numbers as their bytes."""
    width = values.nbytes // rows if rows else 0
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.large_binary(), rows, buffers)


def _json(values: pa.Array) -> pa.Array:
    """Return values as Python's own json.dumps has them, bytes as base64."""
    text = pa.types.is_large_string(values.type) or pa.types.is_string(values.type)
    if text and _PLAIN.issuperset(np.unique(_letters(values.drop_null())).tolist()):
        quote, nothing = (pa.scalar(one, pa.large_string()) for one in ('"', ""))
        quoted = pc.binary_join_element_wise(quote, values.cast(pa.large_string()), quote, nothing)
        return quoted.fill_null("null").cast(pa.large_binary())
    lines = [json.dumps(value, allow_nan=False).encode() for value in msgspec.to_builtins(values.to_pylist())]
    return pa.array(lines, pa.large_binary())


def _offsets(texts: pa.Array) -> NDArray[Any]:
    """Return where each text starts in the buffer, and where the last one ends."""
    wide = pa.types.is_large_binary(texts.type) or pa.types.is_large_string(texts.type)
    buffer = texts.buffers()[1]
    if buffer is None:
        return np.zeros(1, np.int64)
    dtype = np.int64 if wide else np.int32
    return np.frombuffer(buffer, dtype, len(texts) + 1, texts.offset * np.dtype(dtype).itemsize)


def _letters(texts: pa.Array) -> NDArray[np.uint8]:
    """Return the letters of all texts, one after another, without copying them."""
    offsets, data = _offsets(texts), texts.buffers()[2]
    if data is None:
        return np.empty(0, np.uint8)
    return np.frombuffer(data, np.uint8)[int(offsets[0]) : int(offsets[-1])]


# ---- reading --------------------------------------------------------------------------------------------------------


class Reader:
    """Reads samples through a memory map.  Everything that the file says about itself is checked before it is used."""

    provenance = None

    def __init__(self, paths: Sequence[Path], layout: Any) -> None:
        self._schema: pa.Schema = layout.columns
        self._columns = _columns(layout.columns, layout.options)
        self.columns: list[str] = layout.columns.names
        size = paths[0].stat().st_size
        self._data = np.memmap(paths[0], np.uint8, "r") if size else np.empty(0, np.uint8)
        if size < 8:
            raise ValueError(f"{size} bytes are no MDS file")
        self.rows = int(self._data[:4].view("<u4")[0])
        start, header = 4 * (self.rows + 2), _header(self._columns)
        if size < start + len(header) or self._data[start : start + len(header)].tobytes() != header:
            raise ValueError(f"the columns are not described after the offsets of {self.rows} samples")
        self._offsets = self._data[4:start].view("<u4").astype(np.int64)
        first, last = int(self._offsets[0]), int(self._offsets[-1])
        if (first, last) != (start + len(header), size) or (np.diff(self._offsets) < 0).any():
            raise ValueError(f"the offsets of the samples do not rise from {start + len(header)} to {size}")

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for start in range(0, self.rows, ROWS_AT_ONCE):
            yield self.read(start, min(start + ROWS_AT_ONCE, self.rows), columns)

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        names = list(columns) if columns else self.columns
        pieces = self._pieces(start, stop)
        count = len(self._columns) + 1
        places = {column.name: place for place, column in enumerate(self._columns, 1)}
        arrays = []
        for name in names:
            column = self._columns[places[name] - 1]
            rows = np.arange(places[name], len(pieces), count)
            values = pieces.take(pa.array(rows))
            arrays.append(_from_json(values, column, start) if column.encoding == "json" else _decoded(values, column))
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([self._schema.field(name) for name in names]))

    def close(self) -> None:
        """Do nothing: the file is mapped, and released with the last batch that refers to it."""

    def _pieces(self, start: int, stop: int) -> pa.Array:
        """Return all parts of some samples, in order: the sizes, then each column."""
        offsets = self._offsets[start : stop + 1]
        samples = self._data[int(offsets[0]) : int(offsets[-1])]
        begins = offsets - offsets[0]
        variable = [column.size is None for column in self._columns]
        head = 4 * sum(variable)
        if (np.diff(begins) < head).any():
            raise ValueError(f"row {start + int(np.argmax(np.diff(begins) < head))}: ends before its sizes")
        sizes = np.empty((stop - start, len(self._columns) + 1), np.int64)
        sizes[:, 0] = head
        places = begins[:-1, None] + np.arange(head)
        sizes[:, 1:][:, variable] = np.ascontiguousarray(samples[places]).view("<u4")
        sizes[:, 1:][:, np.logical_not(variable)] = [column.size for column in self._columns if column.size]
        if len(wrong := np.flatnonzero(sizes.sum(axis=1) != np.diff(begins))):
            raise ValueError(f"row {start + int(wrong[0])}: the sizes of its columns do not add up to its own")
        ends = np.concatenate([[0], np.cumsum(sizes)])
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(samples)]
        return pa.Array.from_buffers(pa.large_binary(), sizes.size, buffers)


def _decoded(values: pa.Array, column: _Column) -> pa.Array:
    """Return the values of a column from their bytes."""
    if column.size is None:
        return values.cast(column.kind)
    if pa.types.is_boolean(column.kind):
        numbers = _letters(values)
        if (numbers > 1).any():
            raise ValueError(f"column {column.name!r}: holds {numbers.max()}, which is no truth value")
        return pa.array(numbers.astype(np.bool_))
    dtype = "<i8" if column.encoding == "int" else f"<{column.encoding[0]}{column.size}"
    return pa.array(_letters(values).view(dtype)).cast(column.kind)


def _from_json(values: pa.Array, column: _Column, start: int) -> pa.Array:
    """Return the values of a column from JSON; `start` is the number of the first row."""
    decoder = msgspec.json.Decoder(jsonl.value_type(column.kind))
    found: list[Any] = []
    try:
        for line in values.to_pylist():
            found.append(decoder.decode(line))
        return pa.array(found, column.kind)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError) as error:
        raise ValueError(f"row {start + len(found)}, column {column.name!r}: {error}") from None
