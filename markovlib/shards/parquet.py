"""Parquet shards: one row group for each batch written, zstd level 1, dictionaries where texts repeat."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from markovlib.files import WholeFile

SUFFIXES = (".parquet",)
PROVENANCE = b"markovlib"
_PROBE = 4096


class Writer:
    """Writes a shard as Parquet.

    Each file's settings follow from the first rows of its first batch, so they are a function of the rows:
    a text column gets a dictionary where at most half of its first 4,096 values are distinct.  Integers are written as
    differences.  Statistics are kept for them only; those of random letters cost time and skip nothing.
    """

    def __init__(self, sinks: Sequence[WholeFile], _: Any, provenance: str) -> None:
        self._sink = sinks[0]
        self._provenance = provenance
        self._writer: pq.ParquetWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = self._open(batch)
        self._writer.write_batch(batch)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _open(self, batch: pa.RecordBatch) -> pq.ParquetWriter:
        head = batch.slice(0, _PROBE)
        integers = [field.name for field in batch.schema if pa.types.is_integer(field.type)]
        return pq.ParquetWriter(
            self._sink,
            batch.schema.with_metadata({PROVENANCE: self._provenance}),
            compression="zstd",
            compression_level=1,
            use_dictionary=[
                name for name, column in zip(head.schema.names, head.columns, strict=True) if _repeats(column)
            ],
            write_statistics=integers,
            column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        )


class Reader:
    """Reads a Parquet shard by row groups."""

    def __init__(self, paths: Sequence[Path], layout: Any) -> None:
        self._file = pq.ParquetFile(paths[0])
        self._types: dict[str, pa.DataType] = {field.name: field.type for field in layout.columns}
        metadata = self._file.metadata
        self.rows: int = metadata.num_rows
        schema = self._file.schema_arrow
        self.columns: list[str] = schema.names
        self.provenance = _provenance(schema)
        self._starts = [0]
        for group in range(metadata.num_row_groups):
            self._starts.append(self._starts[-1] + metadata.row_group(group).num_rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for group in range(len(self._starts) - 1):
            yield self._groups([group], columns)

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        groups = [
            group for group, first in enumerate(self._starts[:-1]) if first < stop and self._starts[group + 1] > start
        ]
        batch = self._groups(groups, columns)
        return batch.slice(start - self._starts[groups[0]] if groups else 0, max(0, stop - start))

    def close(self) -> None:
        self._file.close()

    def _groups(self, groups: list[int], columns: Sequence[str] | None) -> pa.RecordBatch:
        table = self._file.read_row_groups(groups, columns=list(columns) if columns else None, use_threads=False)
        return _one_batch(self._as_written(table.select(columns) if columns else table))

    def _as_written(self, table: pa.Table) -> pa.Table:
        """Call the items of lists what they were called before Parquet called them `element`: writers keep the name."""
        for place, field in enumerate(table.schema):
            kind = self._types.get(field.name)
            if pa.types.is_nested(field.type) and field.type == kind:
                table = table.set_column(place, field.with_type(kind), table.column(place).cast(kind))
        return table


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return the rows of a table as one record batch."""
    if not table.num_rows:
        return pa.RecordBatch.from_pylist([], schema=table.schema)
    columns = [pa.concat_arrays(c.chunks) if c.num_chunks > 1 else c.chunk(0) for c in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _repeats(column: pa.Array) -> bool:
    plain = pa.types.is_nested(column.type) or pa.types.is_integer(column.type)
    return not plain and 2 * len(column.unique()) <= len(column)


def _provenance(schema: pa.Schema) -> str | None:
    stored = (schema.metadata or {}).get(PROVENANCE)
    return None if stored is None else stored.decode("utf-8", "replace")
