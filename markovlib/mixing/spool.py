"""Texts on disk: what was read of a source, in a file that has no name and vanishes with its last user.

A source is read once; its texts are then fetched in any order, and cannot change under whoever reads them.  In memory
are 8 bytes for each text.
"""

from __future__ import annotations

import mmap
import tempfile
from array import array
from typing import Any

import numpy as np

from markovlib._columns import Column


class Spool:
    """Takes texts one after the other; `column` then gives all of them, mapped from the disk.

    The folder is that of Python's `tempfile`: `TMPDIR` chooses it.  A full disk is an OSError that names it.

    >>> spool = Spool()
    >>> for text in ("Markov", "", "Тью"):
    ...     spool.add(text)
    >>> spool.column().tolist()
    ['Markov', '', 'Тью']
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="markovlib-")  # noqa: SIM115
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, text: str) -> None:
        """Takes a text.  Raises UnicodeEncodeError for one that cannot be encoded."""
        data = text.encode("utf-8")
        self._guard(lambda: self._file.write(data))
        self._ends.append(self._ends[-1] + len(data))

    def close(self) -> None:
        """Lets go of the file; a column that was made keeps it."""
        self._file.close()

    def column(self) -> Column:
        """All texts.  Nothing can be added afterwards."""
        import pyarrow as pa

        self._guard(self._file.flush)
        with self._file:
            size = self._ends[-1]
            data: Any = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        offsets = np.frombuffer(self._ends, np.int64)
        texts = pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(offsets), pa.py_buffer(data))
        return Column.from_words(texts, text=True)

    @staticmethod
    def _guard(action: Any) -> None:
        try:
            action()
        except OSError as error:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None
