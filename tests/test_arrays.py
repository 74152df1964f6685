"""NumPy arrays as Arrow's and back, against pyarrow's own conversions."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib.arrays import from_arrow, names_to_arrow, to_arrow, validity

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


@pytest.mark.parametrize("dtype", TYPES)
@given(values=st.lists(st.integers(0, 100), max_size=40), start=st.integers(0, 40))
def test_numbers_and_booleans(dtype, values, start):
    array = np.array(values).astype(dtype)
    made = to_arrow(array)
    made.validate(full=True)
    assert made.equals(pa.array(array))
    assert np.array_equal(from_arrow(made[start:]), array[start:])
    assert from_arrow(made).dtype == array.dtype


def test_arrays_that_skip_are_copied():
    array = np.arange(10, dtype=np.int32)
    assert to_arrow(array[::2]).to_pylist() == [0, 2, 4, 6, 8]
    assert to_arrow(array[::-1] > 5).to_pylist() == [True] * 4 + [False] * 6


@given(st.lists(st.none() | st.integers(0, 9), max_size=40), st.integers(0, 40))
def test_validity(values, start):
    assert validity(pa.array(values, pa.int32())[start:]).tolist() == [value is not None for value in values[start:]]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=6), st.data())
def test_names(names, data):
    codes = data.draw(st.lists(st.integers(0, len(names) - 1), max_size=20))
    made = names_to_arrow(np.array(codes, np.uint8), names)
    made.validate(full=True)
    assert made.type == pa.string()
    assert made.to_pylist() == [names[code] for code in codes]
