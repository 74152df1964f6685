"""Flat token shards: raw arrays without headers, as OLMo-core and nanoGPT map them.

`.bin` holds the tokens of all sequences one after another, `.mask` a byte for each of them, 1 where it counts in the
loss, and `.offsets` the place of each sequence in tokens, i64, from 0 to the number of tokens: one more than there are
sequences.  All numbers are little-endian; the type of the tokens is in the manifest.  docs/formats/tokens.md says who
reads this.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from markovlib.files import WholeFile
from markovlib.shards import tokenized

SUFFIXES = (".bin", ".mask", ".offsets")
COLUMNS = tokenized.COLUMNS


class Content(tokenized.Content):
    """Tokens are uint16 for vocabularies of up to 65,536, else uint32."""

    dtypes = ("uint16", "uint32")
    most = 65_536


class Writer:
    """Writes sequences as they come."""

    def __init__(self, sinks: Sequence[WholeFile], layout: Any, _: str) -> None:
        self._tokens, self._mask, self._offsets = sinks
        self._dtype = np.dtype(layout.options["dtype"]).newbyteorder("<")
        self._end = np.zeros(1, "<i8")
        self._offsets.write(tokenized.raw(self._end))

    def write(self, batch: pa.RecordBatch) -> None:
        ids, mask, lengths = tokenized.arrays(batch)
        self._tokens.write(tokenized.raw(ids.astype(self._dtype, copy=False)))
        self._mask.write(tokenized.raw(mask))
        ends = self._end + np.cumsum(lengths, dtype="<i8")
        self._offsets.write(tokenized.raw(ends))
        self._end = np.append(self._end, ends)[-1:]

    def close(self) -> None:
        """Do nothing: every sequence is complete."""


class Reader(tokenized.Reader):
    """Reads sequences through memory maps."""

    def __init__(self, paths: Sequence[Path], layout: Any) -> None:
        tokens, mask, offsets = paths
        dtype = np.dtype(layout.options["dtype"]).newbyteorder("<")
        super().__init__(
            tokenized.mapped(tokens, dtype), tokenized.mapped(mask, np.uint8), tokenized.mapped(offsets, "<i8")
        )
