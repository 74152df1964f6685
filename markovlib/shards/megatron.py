"""Megatron shards: tokens in a `.bin`, sequences and documents in an `.idx`, and the loss mask beside them.

`.bin` holds the tokens of all sequences, `.mask` a byte for each of them, 1 where it counts in the loss.  `.idx` is
`MMIDIDX\\0\\0`, u64 1, u8 code of the type, u64 sequences, u64 entries of the last list, then i32 length of each
sequence, i64 offset in bytes of each, and i64 number of the first sequence of each document and of all: here every
sequence is a document.  All numbers are little-endian.  docs/formats/megatron.md says where this is from.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from markovlib.files import WholeFile
from markovlib.shards import tokenized

SUFFIXES = (".bin", ".idx", ".mask")
COLUMNS = tokenized.COLUMNS

_HEAD = struct.Struct("<9sQBQQ")
_MAGIC = b"MMIDIDX\x00\x00"
_CODES = {"uint16": 8, "int32": 4}


class Content(tokenized.Content):
    """Tokens are uint16 for vocabularies of less than 65,500, as Megatron chooses, else int32."""

    dtypes = ("uint16", "int32")
    most = 65_499


class Writer:
    """Writes sequences as they come; the index, of which 4 bytes a sequence are kept, at the end."""

    def __init__(self, sinks: Sequence[WholeFile], layout: Any, _: str) -> None:
        self._tokens, self._index, self._mask = sinks
        self._dtype = np.dtype(layout.options["dtype"])
        self._lengths: list[NDArray[np.int32]] = []

    def write(self, batch: pa.RecordBatch) -> None:
        ids, mask, lengths = tokenized.arrays(batch)
        self._tokens.write(tokenized.raw(ids.astype(self._dtype.newbyteorder("<"), copy=False)))
        self._mask.write(tokenized.raw(mask))
        self._lengths.append(lengths.astype("<i4"))

    def close(self) -> None:
        lengths = np.concatenate([np.empty(0, "<i4"), *self._lengths])
        count = len(lengths)
        offsets = np.zeros(count, "<i8")
        np.cumsum(lengths[:-1], out=offsets[1:])
        self._index.write(_HEAD.pack(_MAGIC, 1, _CODES[self._dtype.name], count, count + 1))
        for values in (lengths, offsets * self._dtype.itemsize, np.arange(count + 1, dtype="<i8")):
            self._index.write(tokenized.raw(values))


class Reader(tokenized.Reader):
    """Reads sequences through memory maps; the index is checked against the sizes of the files."""

    def __init__(self, paths: Sequence[Path], layout: Any) -> None:
        tokens, index, mask = paths
        dtype = np.dtype(layout.options["dtype"]).newbyteorder("<")
        offsets = _read_index(index, dtype)
        super().__init__(tokenized.mapped(tokens, dtype), tokenized.mapped(mask, np.uint8), offsets)


def _read_index(path: Path, dtype: np.dtype[Any]) -> NDArray[np.int64]:
    """Return where each sequence starts, in tokens, and where the last one ends."""
    raw = tokenized.mapped(path, np.uint8)
    if len(raw) < _HEAD.size:
        raise ValueError(f"{path.name}: ends before its {_HEAD.size} bytes of header")
    magic, version, code, count, ends = _HEAD.unpack(raw[: _HEAD.size].tobytes())
    if (magic, version) != (_MAGIC, 1):
        raise ValueError(f"{path.name}: is not an index of Megatron's, version 1")
    if code != _CODES[dtype.name]:
        raise ValueError(f"{path.name}: its tokens are of type {code}, not {_CODES[dtype.name]} ({dtype.name})")
    if ends != count + 1 or len(raw) != _HEAD.size + 12 * count + 8 * ends:
        raise ValueError(f"{path.name}: {len(raw)} bytes do not hold {count} sequences, each a document")
    lengths = np.frombuffer(raw, "<i4", count, _HEAD.size)
    pointers = np.frombuffer(raw, "<i8", count, _HEAD.size + 4 * count)
    documents = np.frombuffer(raw, "<i8", ends, _HEAD.size + 12 * count)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if (lengths < 0).any() or not np.array_equal(pointers, offsets[:-1] * dtype.itemsize):
        raise ValueError(f"{path.name}: the sequences do not lie one after another")
    if not np.array_equal(documents, np.arange(ends)):
        raise ValueError(f"{path.name}: the documents are not one for each sequence")
    return offsets
