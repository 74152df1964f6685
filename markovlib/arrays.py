"""NumPy arrays as Arrow arrays.

`pyarrow.array` would do, but imports pandas wherever that is installed, which takes longer than writing 100,000 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column

if TYPE_CHECKING:
    import pyarrow as pa


def to_arrow(values: NDArray[Any]) -> pa.Array:
    """Return numbers as an Arrow array of the same type, which refers to them; booleans are copied.

    >>> to_arrow(np.array([1, 2], np.int32)).type, to_arrow(np.array([True, False])).to_pylist()
    (DataType(int32), [True, False])
    """
    import pyarrow as pa

    bits = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(bits)])


def names_to_arrow(codes: NDArray[np.uint8], names: Sequence[str]) -> pa.StringArray:
    """Return `names[code]` for each code as text.

    >>> names_to_arrow(np.array([1, 0, 1], np.uint8), ["no", "yes"]).to_pylist()
    ['yes', 'no', 'yes']
    """
    import pyarrow as pa

    texts = Column.from_words(list(names), text=True).take(codes)
    offsets = texts.offsets.astype(np.int32)
    return pa.StringArray.from_buffers(len(codes), pa.py_buffer(offsets), pa.py_buffer(texts.data))


def from_arrow(array: pa.Array) -> NDArray[Any]:
    """Return an Arrow array of numbers or booleans without nulls as NumPy's; only booleans are copied.

    >>> import pyarrow
    >>> from_arrow(pyarrow.array([4, 5, 6])[1:]).tolist(), from_arrow(pyarrow.array([True, False])[1:]).tolist()
    ([5, 6], [False])
    """
    values, kind = array.buffers()[1], str(array.type)
    if kind == "bool":
        return _bits(values, array.offset, len(array))
    return np.frombuffer(values or b"", _WIDTHS.get(kind, kind))[array.offset : array.offset + len(array)]


def validity(array: pa.Array) -> NDArray[np.bool_]:
    """Return which values of an Arrow array are not null.

    >>> import pyarrow
    >>> validity(pyarrow.array([4, None, 6])[1:]).tolist()
    [False, True]
    """
    bits = array.buffers()[0]
    return np.ones(len(array), np.bool_) if bits is None else _bits(bits, array.offset, len(array))


_WIDTHS = {"halffloat": "float16", "float": "float32", "double": "float64"}


def _bits(buffer: Any, start: int, count: int) -> NDArray[np.bool_]:
    """Return bits of a buffer, the lowest of each byte first."""
    held = np.frombuffer(buffer or b"", np.uint8)[start // 8 : -(-(start + count) // 8)]
    return np.unpackbits(held, bitorder="little")[start % 8 :][:count].view(np.bool_)
