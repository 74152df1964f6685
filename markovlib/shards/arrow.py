"""Arrow IPC shards: files of uncompressed record batches, which readers map into memory without a copy."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from markovlib.files import WholeFile

SUFFIXES = (".arrow",)
PROVENANCE = b"markovlib"


class Writer:
    """Writes a shard as an Arrow IPC file, a record batch for each batch written."""

    def __init__(self, sinks: Sequence[WholeFile], _: Any, provenance: str) -> None:
        self._sink = sinks[0]
        self._provenance = provenance
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        if self._writer is None:
            schema = batch.schema.with_metadata({PROVENANCE: self._provenance})
            options = pa.ipc.IpcWriteOptions(use_threads=False)
            self._writer = pa.ipc.new_file(self._sink, schema, options=options)
        self._writer.write_batch(batch.replace_schema_metadata({PROVENANCE: self._provenance}))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Reader:
    """Reads an Arrow IPC shard through a memory map; batches refer to the map and outlive `close`."""

    def __init__(self, paths: Sequence[Path], _: Any) -> None:
        self._map = pa.memory_map(str(paths[0]))
        self._file = pa.ipc.open_file(self._map)
        self._starts = [0]
        for number in range(self._file.num_record_batches):
            self._starts.append(self._starts[-1] + self._file.get_batch(number).num_rows)
        self.rows = self._starts[-1]
        self.columns: list[str] = self._file.schema.names
        stored = (self._file.schema.metadata or {}).get(PROVENANCE)
        self.provenance = None if stored is None else stored.decode("utf-8", "replace")

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for number in range(self._file.num_record_batches):
            yield self._batch(number, columns)

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        parts = []
        number = bisect_right(self._starts, start) - 1
        while number < self._file.num_record_batches and self._starts[number] < stop:
            first = self._starts[number]
            low, high = max(start, first), min(stop, self._starts[number + 1])
            parts.append(self._batch(number, columns).slice(low - first, high - low))
            number += 1
        return parts[0] if len(parts) == 1 else pa.concat_batches(parts)

    def close(self) -> None:
        """Release the file; batches already read keep the pages they need."""
        self._map.close()

    def _batch(self, number: int, columns: Sequence[str] | None) -> pa.RecordBatch:
        batch = self._file.get_batch(number)
        batch.validate()
        return batch.select(list(columns)) if columns else batch
