"""Pieces of shards: read when a row of them is asked for, and kept as long as there is room.

A piece is what a shard holds of one block of 65,536 rows: one record batch of Arrow IPC, one row group of Parquet.  One
of a format that is mapped into memory costs next to nothing and has all columns; one of any other format is decoded, a
column at a time, and its bytes count; so do those of a file that had to be fetched from elsewhere.  No file stays open
between two reads.
"""

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib._gather import Chunk, Piece
from markovlib.shards import manifest
from markovlib.shards.digest import BLOCK_ROWS
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.formats import Format
from markovlib.shards.manifest import File, Shard, Split
from markovlib.shards.stores import LocalStore, Store

if TYPE_CHECKING:
    import pyarrow as pa

ROOM = 1 << 28
MAPPED = ("arrow",)
MOST = 1 << 24  # Pieces of 2^40 rows; the places of more would fill the memory before a row is read.
_MAPPED_BYTES = 1 << 14  # What a mapped piece counts: a full room holds 16,384 of them.


class Pieces:
    """The pieces of the split `name`, numbered in the order of their rows; piece n has rows starts[n] to starts[n + 1].

    `columns` are those that can be asked for.  Threads may share it; a forked process begins with no pieces.
    """

    def __init__(
        self, store: Store, name: str, split: Split, layout: Format, columns: Sequence[str], room: int
    ) -> None:
        self._store = store
        self._name = name
        self._split = split
        self._columns = columns
        self._room = room
        self._format = layout
        self._mapped = split.format in MAPPED and isinstance(store, LocalStore)
        self._shard_starts = np.fromiter((shard.start for shard in split.shards), np.int64, len(split.shards))
        if split.rows > MOST * BLOCK_ROWS:
            path = store.path(manifest.NAME)
            raise ShardError(f"{path}: {name!r} has {split.rows} rows, and {MOST * BLOCK_ROWS} can be opened")
        blocks = np.arange(0, split.rows, BLOCK_ROWS, dtype=np.int64)
        self.starts: NDArray[np.int64] = np.union1d(np.append(self._shard_starts, split.rows), blocks)
        self._forget()

    def at_hand(self, numbers: Sequence[int], columns: Sequence[str]) -> list[Piece] | None:
        """These pieces, if all are kept and have the columns."""
        if self._process != os.getpid():
            self._store = copy.copy(self._store)  # Connections are the parent's.
            self._forget()
        try:
            pieces = [self._kept[number][0] for number in numbers]
        except KeyError:
            return None
        if not self._mapped and any(name not in piece.chunks for piece in pieces for name in columns):
            return None
        if self._held > self._room // 2:  # Before that nothing will be given up soon.
            self._use(numbers)
        return pieces

    def groups(self, numbers: Sequence[int], columns: Sequence[str]) -> Iterator[tuple[int, list[Piece]]]:
        """Yield runs of these pieces that have the columns and fit into the room together, each with the place in
        `numbers` at which it begins."""
        run: list[Piece] = []
        first = held = 0
        for place, number in enumerate(numbers):
            found = self.at_hand([number], columns)
            piece, size = self._load(number, columns) if found is None else self._kept.get(number, (found[0], 0))
            if run and held + size > self._room:
                yield first, run
                first, held, run = place, 0, []
            held += size
            run.append(piece)
        yield first, run

    def path_of(self, number: int) -> str:
        """The first file of the shard that a piece is of."""
        return self._path(self._shard(number).name)

    # ---- what is kept -------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[Piece, int]] = OrderedDict()
        self._held = 0

    def _use(self, numbers: Sequence[int]) -> None:
        """Note that these were asked for last."""
        with self._lock:
            for number in numbers:
                if number in self._kept:
                    self._kept.move_to_end(number)

    def _load(self, number: int, columns: Sequence[str]) -> tuple[Piece, int]:
        """Read a piece, or the columns that it lacks, and make room for it."""
        known = self._kept.get(number)
        missing = [name for name in columns if known is None or name not in known[0].chunks]
        made, size = self._read(number, self._columns if self._mapped else missing)
        with self._lock:
            there = self._kept.pop(number, None)  # Another thread may have given it up, or read more of it.
            for piece, held in dict.fromkeys(one for one in (known, there) if one is not None):
                made, size = _both(piece, made), held + size  # Pieces are never changed: others may be reading them.
            self._kept[number] = made, size
            self._held += size - (0 if there is None else there[1])
            while self._held > self._room and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._held -= freed
        return made, size

    # ---- files --------------------------------------------------------------------------------------------------

    def _path(self, file: str) -> str:
        return self._store.path(f"{self._name}/{file}")

    def _shard(self, number: int) -> Shard:
        return self._split.shards[int(np.searchsorted(self._shard_starts, self.starts[number], side="right")) - 1]

    def _read(self, number: int, columns: Sequence[str]) -> tuple[Piece, int]:
        """A piece with some columns, and the bytes that it counts."""
        import pyarrow as pa

        shard = self._shard(number)
        start, stop = (int(row) - shard.start for row in self.starts[number : number + 2])
        path = self._path(shard.name)
        try:
            with self._store.fetched(self._name, [file.name for file in shard.files]) as directory:
                for file in shard.files:
                    self._check_size(file, (directory / file.name).stat().st_size)
                with closing(self._format.reader(directory, shard)) as reader:
                    batch = reader.read(start, stop, columns)
            return _piece(batch, self._format.columns, stop - start), self._counted(batch, shard)
        except FileNotFoundError as error:
            name = os.path.basename(error.filename or shard.name)  # noqa: PTH119  # what is missing is no path here
            raise DamagedError(f"{self._path(name)}: missing, and the manifest has it") from None
        except DamagedError:
            raise
        except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, MemoryError) as error:
            problem = (str(error) or "out of memory").splitlines()[0]
            raise DamagedError(f"{path}: cannot be read: {problem}; `markovlib verify` says more") from None

    def _check_size(self, file: File, found: int) -> None:
        """A file that was cut off would be read beyond its end where it is mapped."""
        if found != file.bytes:
            raise DamagedError(
                f"{self._path(file.name)}: damaged: it has {found} bytes, the manifest says {file.bytes}"
            )

    def _counted(self, batch: "pa.RecordBatch", shard: Shard) -> int:
        """The bytes that a piece takes: next to none where they are the file's own, which compressed ones are not."""
        size: int = batch.get_total_buffer_size()
        if self._split.format not in MAPPED or size > shard.bytes:
            return size
        return _MAPPED_BYTES if self._mapped else shard.bytes


def _piece(batch: "pa.RecordBatch", schema: "pa.Schema", rows: int) -> Piece:
    """A piece over a record batch; raises ValueError where it is not as the manifest says."""
    if batch.num_rows != rows:
        raise ValueError(f"it has {batch.num_rows} rows where the manifest has {rows}")
    piece = Piece(rows)
    for field, array in zip(batch.schema, batch.columns, strict=True):
        if schema.field(field.name).type != field.type:
            raise ValueError(f"column {field.name!r} is {field.type}, not {schema.field(field.name).type}")
        _add(piece, field.name, array)
    return piece


def _both(first: Piece, second: Piece) -> Piece:
    """The columns of two pieces of the same rows."""
    piece = Piece(first.rows)
    for one in (first, second):
        piece.chunks.update(one.chunks)
        piece.items.update(one.items)
    return piece


def _add(piece: Piece, name: str, array: "pa.Array") -> None:
    """Take an Arrow array apart."""
    import pyarrow as pa

    kind, buffers = array.type, array.buffers()
    fields: dict[str, Any] = {"validity": buffers[0] if array.null_count else None}
    if pa.types.is_list(kind):
        items = array.values
        fields |= {"offsets": buffers[1], "wide": False, "items": len(items)}
        piece.items[name] = _items(items)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        if array.null_count:
            raise ValueError(f"column {name!r} has nulls")
        fields["values"] = buffers[1]
    else:
        large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
        fields |= {"offsets": buffers[1], "values": buffers[2], "wide": large}
    piece.chunks[name] = Chunk(_kind(kind), array.offset, len(array), **fields)


def _kind(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return "list"
    return str(kind) if pa.types.is_boolean(kind) or pa.types.is_integer(kind) else "text"


def _items(array: "pa.StructArray") -> Piece:
    piece = Piece(len(array))
    for number, field in enumerate(array.type):
        _add(piece, field.name, array.field(number))
    return piece
