"""A digest of rows that does not depend on the file format, the shard size or the number of threads.

Rows are cut into blocks of 65,536 by their number in the split.  A column of a block is laid out as streams
of bytes: text and bytes as the lengths (int64, little-endian) and then the letters; integers widened to
int64, little-endian; booleans one byte each; lists as their lengths and then their items; structs as their
fields in order; where a column has nulls, one byte a row (1 valid, 0 null, a null having length 0 or value
0) comes first.  Each stream gives its length, CRC-32 and Adler-32; the SHA-256 of these numbers and of the
column names is the block's digest, and the SHA-256 of all block digests in order is the digest of the rows.

The two checksums (RFC 1950, RFC 1952) rather than SHA-256 over the letters: on processors without SHA
instructions hashing would take longer than making and compressing the rows.  It finds accidents, not forgery;
the SHA-256 of each shard is beside it in the manifest.  docs/shards.md has the layout to the byte.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from markovlib.arrays import from_arrow, validity

if TYPE_CHECKING:
    import pyarrow as pa

# The extra `speed` has the same checksums in a tenth of the time.
zlib = import_module("zlib_ng.zlib_ng" if find_spec("zlib_ng") else "zlib")

BLOCK_ROWS = 1 << 16
_HEADER = b"markovlib rows 1\n"


def in_blocks(rows: range, total: int) -> Iterator[tuple[range, range]]:
    """Yield (piece, block) for consecutive rows of `total`, cut at the borders of blocks.

    Where a block begins before the rows or ends behind them, `block` still is the whole block.
    """
    start = rows.start
    while start < rows.stop:
        first = start - start % BLOCK_ROWS
        block = range(first, min(first + BLOCK_ROWS, total))
        piece = range(start, min(block.stop, rows.stop))
        yield piece, block
        start = piece.stop


def block_digest(batch: "pa.RecordBatch") -> str:
    """Return the digest of one block, 64 hexadecimal digits.

    `batch` holds the whole block, at most `BLOCK_ROWS` rows.  Time is that of two checksums over its bytes;
    the GIL is released in them.  Raises `TypeError` for a column type that shards do not have.
    """
    message = hashlib.sha256()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        encoded = name.encode()
        message.update(struct.pack("<I", len(encoded)) + encoded)
        for kind, stream in _streams(column):
            view = memoryview(stream).cast("B")
            message.update(kind + struct.pack("<QII", len(view), zlib.crc32(view), zlib.adler32(view)))
    return message.hexdigest()


def rows_digest(rows: int, blocks: Iterable[str]) -> str:
    """Return the digest of `rows` rows from those of their blocks, in order."""
    message = hashlib.sha256(_HEADER + struct.pack("<Q", rows))
    for block in blocks:
        message.update(bytes.fromhex(block))
    return message.hexdigest()


def _streams(array: "pa.Array") -> Iterator[tuple[bytes, Any]]:
    """Yield (kind, bytes) for each stream of a column."""
    import pyarrow as pa

    kind = array.type
    if array.null_count:
        yield b"v", validity(array).view(np.uint8)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        lengths, letters = _ragged(array, np.int64)
        yield b"l", lengths
        yield (b"t" if pa.types.is_large_string(kind) else b"b"), letters
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        lengths, letters = _ragged(array, np.int32)
        yield b"l", lengths
        yield (b"t" if pa.types.is_string(kind) else b"b"), letters
    elif pa.types.is_boolean(kind):
        values = array.fill_null(False) if array.null_count else array
        yield b"?", from_arrow(values).view(np.uint8)
    elif pa.types.is_integer(kind):
        values = array.fill_null(0) if array.null_count else array
        yield b"i", np.ascontiguousarray(from_arrow(values), dtype="<i8")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = array.value_lengths()
        yield b"n", np.ascontiguousarray(from_arrow(lengths.fill_null(0)), dtype="<i8")
        yield from _streams(array.flatten())
    elif pa.types.is_struct(kind):
        for field in array.flatten():
            yield from _streams(field)
    else:
        raise TypeError(f"no digest is defined for a column of type {kind}")


def _ragged(array: "pa.Array", width: type) -> tuple[Any, Any]:
    """Return lengths (int64) and letters of a text or bytes column, without copying the letters."""
    if not len(array):
        return b"", b""
    if array.null_count:
        array = array.fill_null("")
    _, offsets_buffer, data = array.buffers()
    offsets: Any = np.frombuffer(offsets_buffer, width)[array.offset : array.offset + len(array) + 1]
    lengths = np.diff(offsets).astype("<i8", copy=False)
    if data is None:
        return lengths, b""
    return lengths, memoryview(data)[int(offsets[0]) : int(offsets[-1])]
