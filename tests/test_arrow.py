"""The Arrow C data interface, both ways: every layout of words, without copies where there need be none."""

import ctypes
import gc
import sys

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib._columns import Column, as_column, fail_allocations_after

TEXTS = ["abba", "", "ä", "漢字 in a word of more than twelve bytes", "🙂x", "a\0b", "x" * 100, "abba"]
BLOBS = [b"abba", b"", b"\xff\x00", b"\0", b"x" * 100, b"12 bytes and", b"13 bytes and."]
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view()]
BYTES_TYPES = [pa.binary(), pa.large_binary(), pa.binary_view()]
INDEX_TYPES = [
    pa.int8(),
    pa.uint8(),
    pa.int16(),
    pa.uint16(),
    pa.int32(),
    pa.uint32(),
    pa.int64(),
    pa.uint64(),
]
ALL_TYPES = [
    *TEXT_TYPES,
    *BYTES_TYPES,
    *(pa.dictionary(index, pa.string()) for index in INDEX_TYPES),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.dictionary(pa.int32(), pa.binary()),
    pa.dictionary(pa.int32(), pa.large_binary()),
]


def sample(arrow_type):
    value = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    return TEXTS if value in TEXT_TYPES else BLOBS


def array_of(words, arrow_type):
    """The words in the type, beginning inside its buffers (PyArrow casts to few dictionaries by itself)."""
    if not pa.types.is_dictionary(arrow_type):
        return pa.array(words, arrow_type)
    distinct = sorted(set(words))
    indices = pa.array([distinct.index(w) for w in words], arrow_type.index_type)
    return pa.DictionaryArray.from_arrays(indices, pa.array(distinct, arrow_type.value_type))


class Stream:
    """An object with the stream interface only."""

    def __init__(self, chunks):
        self.chunks = chunks

    def __arrow_c_stream__(self, requested_schema=None):
        return self.chunks.__arrow_c_stream__(requested_schema)


# ---- out ----


@pytest.mark.parametrize(("words", "arrow_type"), [(TEXTS, pa.large_string()), (BLOBS, pa.large_binary())])
def test_export_shares_memory(words, arrow_type):
    column = as_column(words)
    for part in (column, column[2:], column[1:4][1:], column[:0], column[3:3]):
        array = pa.array(part)
        array.validate(full=True)
        assert array.type == arrow_type
        assert array.to_pylist() == part.tolist()
        assert array.null_count == 0
        _, offsets, data = array.buffers()
        assert offsets.address == part.offsets.ctypes.data
        assert data.address == part.data.ctypes.data


def test_export_to_other_types_and_libraries():
    column = as_column(TEXTS)[1:]
    assert pa.array(column).cast(pa.string()).to_pylist() == TEXTS[1:]
    assert pa.table({"w": column})["w"].to_pylist() == TEXTS[1:]
    assert pl.Series(column).to_list() == TEXTS[1:]
    assert pl.from_arrow(as_column(BLOBS)).to_list() == BLOBS
    assert pa.DataType._import_from_c_capsule(column.__arrow_c_schema__()) == pa.large_string()


def test_export_outlives_the_column():
    column = as_column([b"%d" % i for i in range(10_000)])
    array = pa.array(column[5:])
    del column
    gc.collect()
    noise = [as_column([b"?" * 9] * 10_000) for _ in range(4)]
    assert array[0].as_py() == b"5"
    assert len(noise) == 4


def test_export_releases_the_column():
    column = as_column(TEXTS)
    before = sys.getrefcount(column)
    capsules = column.__arrow_c_array__()  # dropped without a consumer
    assert sys.getrefcount(column) == before + 1
    del capsules
    assert sys.getrefcount(column) == before
    array = pa.array(column)
    assert sys.getrefcount(column) == before + 1
    del array
    gc.collect()
    assert sys.getrefcount(column) == before


def test_a_capsule_is_consumed_once():
    class Twice:
        capsules = as_column(TEXTS).__arrow_c_array__()

        def __arrow_c_array__(self, requested_schema=None):
            return self.capsules

    assert as_column(Twice()) == TEXTS
    with pytest.raises(ValueError, match="released already"):
        as_column(Twice())


# ---- in ----


@pytest.mark.parametrize("arrow_type", ALL_TYPES, ids=str)
def test_every_type(arrow_type):
    words = sample(arrow_type)
    array = array_of(words, arrow_type)
    for part, expected in [
        (array, words),
        (array.slice(2), words[2:]),
        (array.slice(1, 4).slice(2), words[3:5]),
        (array.slice(3, 0), []),
        (array_of([], arrow_type), []),
    ]:
        column = as_column(part)
        assert column.tolist() == expected
        assert column.text is (words is TEXTS)


@pytest.mark.parametrize("arrow_type", ALL_TYPES, ids=str)
def test_chunks_and_structs(arrow_type):
    words = sample(arrow_type)
    array = array_of(words, arrow_type)
    chunked = pa.chunked_array([array.slice(0, 2), array.slice(2, 0), array.slice(2, 3), array.slice(5)])
    assert as_column(chunked) == words
    assert as_column(chunked.slice(1, 5)) == words[1:6]
    assert as_column(pa.table({"w": chunked})) == words
    batch = pa.record_batch({"w": array.slice(1)})
    assert as_column(batch) == words[1:]
    assert as_column(Stream(pa.table([array.slice(1, 3)], ["w"]))) == words[1:4]
    struct = pa.StructArray.from_arrays([array.slice(1)], ["w"])
    assert as_column(struct.slice(2)) == words[3:]
    assert as_column(pa.chunked_array([struct.slice(2, 1), struct.slice(4)])) == [words[3], *words[5:]]


@pytest.mark.parametrize("arrow_type", ALL_TYPES, ids=str)
def test_zero_chunks(arrow_type):
    column = as_column(pa.chunked_array([], arrow_type))
    assert column == []
    assert column.text is (sample(arrow_type) is TEXTS)


def test_fixed_size_binary():
    array = pa.array([b"abc", b"d\0\0", b"\0\0\0"], pa.binary(3))
    assert as_column(array) == [b"abc", b"d\0\0", b"\0\0\0"]
    assert as_column(array.slice(1)) == [b"d\0\0", b"\0\0\0"]
    assert as_column(pa.array([b"", b""], pa.binary(0))) == [b"", b""]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.slices(10), st.sampled_from(TEXT_TYPES))
def test_round_trip(words, part, arrow_type):
    column = as_column(words)[part]
    array = pa.array(column)
    if arrow_type != pa.string_view() or max(map(len, words[part]), default=0) > 12:
        array = array.cast(arrow_type)  # pyarrow before 26 crashes where it exports views that it cast to no letters.
    assert as_column(array) == words[part]


def test_polars():
    series = pl.Series("w", TEXTS)
    assert as_column(series) == TEXTS
    assert as_column(series[2:]) == TEXTS[2:]
    assert as_column(pl.Series("w", BLOBS)) == BLOBS
    assert as_column(series.cast(pl.Categorical)) == TEXTS
    assert as_column(pl.DataFrame(series)) == TEXTS
    assert as_column(pl.concat([series, series[3:]], rechunk=False)) == TEXTS + TEXTS[3:]
    assert as_column(pl.Series("w", [], pl.String)).text is True


def test_a_large_array_is_shared_and_released_once():
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    array = pa.array(TEXTS * 1000, pa.large_string())
    column = as_column(array.slice(3))
    assert column.data.ctypes.data == array.buffers()[2].address
    again, views = as_column(pa.chunked_array([array])), (column.data, column.offsets)
    assert again.data.ctypes.data == array.buffers()[2].address
    del array
    gc.collect()
    assert column[0] == TEXTS[3]
    assert pool.bytes_allocated() > before
    del column, again, views
    gc.collect()
    assert pool.bytes_allocated() == before


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_offsets_that_are_changed_later_count_for_nothing(dtype):
    offsets = np.array([0, 1, 3], dtype)
    kind = pa.string() if dtype is np.int32 else pa.large_string()
    column = as_column(pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"abc")]))
    offsets[:] = [2**30, 0, 2**31 - 1]
    assert column.offsets.tolist() == [0, 1, 3]
    assert column == ["a", "bc"]


def test_small_offsets_share_the_bytes():
    array = pa.array(TEXTS, pa.string())
    column = as_column(array.slice(1))
    assert column.data.ctypes.data == array.buffers()[2].address
    assert column == TEXTS[1:]
    assert pa.array(column).to_pylist() == TEXTS[1:]


def test_buffers_need_no_alignment():
    offsets = pa.py_buffer(b"?" + np.array([0, 1, 3], np.int64).tobytes()).slice(1)
    column = as_column(pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, pa.py_buffer(b"abc")]))
    assert column == ["a", "bc"]
    assert column.offsets.ctypes.data % 8 == 0


# ---- nulls, text, kinds ----


@pytest.mark.parametrize("arrow_type", ALL_TYPES, ids=str)
def test_a_null_names_its_row(arrow_type):
    words = sample(arrow_type)
    whole = array_of(words, arrow_type)
    holed = pa.concat_arrays([whole, pa.nulls(1, arrow_type), whole.slice(0, 1)])
    null = len(words)
    for row, array in [
        (null, holed),
        (null - 2, holed.slice(2)),
        (null + 3, pa.chunked_array([whole.slice(0, 3), holed])),
        (null, pa.table({"w": holed})),
    ]:
        with pytest.raises(ValueError, match=f"^row {row} is null"):
            as_column(array)
    assert as_column(holed.slice(null + 1)) == words[:1]
    assert as_column(holed.slice(0, null)) == words


def test_a_null_struct_or_dictionary_entry_is_a_null():
    struct = pa.StructArray.from_arrays([pa.array(TEXTS)], ["w"], mask=pa.array([i == 2 for i in range(8)]))
    with pytest.raises(ValueError, match=r"^row 1 is null"):
        as_column(struct.slice(1))
    entries = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["a", None]))
    with pytest.raises(ValueError, match=r"^row 1 is null"):
        as_column(entries)
    assert as_column(entries.slice(2)) == ["a"]


ILL_FORMED = [
    b"\x80",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc3",
    b"\xe0\x9f\xbf",
    b"\xed\xa0\x80",
    b"\xe6\xbc",
    b"\xe6\xbcx",
    b"\xf0\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xff",
    b"x" * 100 + b"\xff",
    b"\xf0\x9f\x99",
]


@pytest.mark.parametrize("word", ILL_FORMED)
@pytest.mark.parametrize(("raw", "text"), list(zip(BYTES_TYPES, TEXT_TYPES, strict=True)), ids=str)
def test_ill_formed_text_names_its_row(word, raw, text):
    array = pa.array([b"fine", b"\xc3\xa4" * 20, word, b"fine"], raw).view(text)
    for source in (array, pa.chunked_array([array.slice(0, 1), array.slice(1)])):
        with pytest.raises(ValueError, match=r"^row 2 is not valid UTF-8"):
            as_column(source)
    assert as_column(array.slice(0, 2)) == ["fine", "ä" * 20]


def test_a_character_cut_by_a_boundary_is_ill_formed():
    array = pa.array([b"a", b"b\xc3", b"\xa4", b""], pa.large_binary()).view(pa.large_string())
    with pytest.raises(ValueError, match=r"^row 1 is not valid UTF-8"):
        as_column(array)
    with pytest.raises(ValueError, match=r"^row 0 is not valid UTF-8"):
        as_column(array.slice(2))
    assert as_column(array.slice(3)) == [""]


@given(st.binary(max_size=80))
def test_utf8_is_what_python_says_it_is(word):
    try:
        word.decode()
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="row 0"):
            as_column(pa.array([word], pa.large_binary()).view(pa.large_string()))
    else:
        assert as_column(pa.array([word], pa.large_binary()).view(pa.large_string())) == [word.decode()]


def test_every_code_point():
    words = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    column = as_column(pa.array(words))
    assert column == words
    assert as_column(np.array(words[1:])) == words[1:]


@pytest.mark.parametrize("text", [True, False])
def test_kinds_are_demanded(text):
    array = pa.array(BLOBS if text else TEXTS)
    for source in (array, pa.chunked_array([array]), pa.chunked_array([], array.type)):
        with pytest.raises(TypeError, match="needed here"):
            as_column(source, text)
        assert len(as_column(source, not text)) == len(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pa.array([1]), "Arrow format 'l'"),
        (pa.array([["a"]]), r"Arrow format '\+l'"),
        (pa.array([{"a": {"b": "c"}}]), r"Arrow format '\+s'"),
        (pa.nulls(2), "Arrow format 'n'"),
        (pa.array([1, 1]).dictionary_encode(), "Arrow format 'l'"),
        (pa.table({"a": ["x"], "b": ["y"]}), "one column, got 2"),
        (pa.record_batch({"a": ["x"], "b": ["y"]}), "one column, got 2"),
        (pa.table({}), r"Arrow format '\+s'"),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]), r"Arrow format '\+r'"),
        (pl.Series([1.5]), "Arrow format 'g'"),
    ],
)
def test_other_types_are_refused(source, message):
    with pytest.raises(TypeError, match=message):
        as_column(source)


def test_a_failing_producer_says_why():
    def batches():
        yield pa.record_batch({"w": ["a"]})
        raise ValueError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"w": pa.string()}), batches())
    with pytest.raises(ValueError, match=r"stream of words failed: .*the disk is gone"):
        as_column(reader)


# ---- hostile producers ----


class CSchema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class CArray(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


RELEASE = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p))
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Producer:
    """Hands over structures exactly as they are given, and counts the calls of release."""

    def __init__(self, arrow_format, buffers, length=1, dictionary=None, **fields):
        self.released = []
        self.release = RELEASE(self.on_release)
        self.memory = [
            None if b is None else ctypes.create_string_buffer(bytes(b), max(len(bytes(b)), 1)) for b in buffers
        ]
        addresses = [None if b is None else ctypes.addressof(b) for b in self.memory]
        self.buffers = (ctypes.c_void_p * max(1, len(buffers)))(*addresses)
        self.dictionary = dictionary
        callback = ctypes.cast(self.release, ctypes.c_void_p)
        self.schema = CSchema(format=arrow_format, name=b"", release=callback)
        self.array = CArray(length=length, n_buffers=len(buffers), buffers=self.buffers, release=callback)
        if dictionary:
            self.schema.dictionary = ctypes.addressof(dictionary.schema)
            self.array.dictionary = ctypes.addressof(dictionary.array)
        for name, value in fields.items():
            setattr(self.array, name, value)

    def on_release(self, structure):
        self.released.append(ctypes.addressof(structure.contents))
        place = CArray.release.offset // 8
        structure[place] = None

    def __arrow_c_array__(self, requested_schema=None):
        return (
            new_capsule(ctypes.addressof(self.schema), b"arrow_schema", None),
            new_capsule(ctypes.addressof(self.array), b"arrow_array", None),
        )


def ints(*values, dtype=np.int64):
    return np.array(values, dtype).tobytes()


def view(size, prefix=b"", buffer=0, offset=0):
    return ints(size, dtype=np.int32) + prefix.ljust(4, b"\0") + ints(buffer, offset, dtype=np.int32)


LONG_WORD = b"a word of twenty-four.. "
HOSTILE = {
    "decreasing": (Producer(b"Z", [None, ints(0, 3, 2), b"abc"], 2), "row 1 has offsets that"),
    "negative": (Producer(b"Z", [None, ints(-5, 3), b"abc"]), "row 0 has offsets"),
    "decreasing32": (Producer(b"z", [None, ints(0, 2, 1, dtype=np.int32), b"abc"], 2), "row 1 has offsets"),
    "negative32": (Producer(b"u", [None, ints(-1, 2, dtype=np.int32), b"abc"]), "row 0 has offsets"),
    "no data": (Producer(b"Z", [None, ints(0, 3), None]), "row 0 has bytes in an array without data"),
    "no offsets": (Producer(b"Z", [None, None, b"abc"]), "lacks a buffer"),
    "no cells": (Producer(b"w:3", [None, None]), "lacks a buffer"),
    "few buffers": (Producer(b"Z", [None, ints(0, 3)]), "fewer buffers"),
    "no buffers": (Producer(b"Z", []), "fewer buffers"),
    "length": (Producer(b"Z", [None, ints(0), b""], -1), "length or offset is negative"),
    "offset": (Producer(b"Z", [None, ints(0), b""], offset=-1), "length or offset is negative"),
    "overflow": (Producer(b"Z", [None, ints(0), b""], 2**62, offset=2**62), "too large"),
    "nulls without bitmap": (Producer(b"Z", [None, ints(0, 1), b"a"], null_count=1), "no validity bitmap"),
    "view length": (Producer(b"vz", [None, view(-1), ints()]), "row 0 has a negative length"),
    "view buffer": (
        Producer(b"vz", [None, view(24, buffer=1), LONG_WORD, ints(24)]),
        "row 0 points into a buffer that does not exist",
    ),
    "view before": (Producer(b"vz", [None, view(24, buffer=-1), LONG_WORD, ints(24)]), "does not exist"),
    "view end": (Producer(b"vz", [None, view(24, offset=1), LONG_WORD, ints(24)]), "row 0 reaches past"),
    "view start": (Producer(b"vz", [None, view(24, offset=-1), LONG_WORD, ints(24)]), "row 0 reaches past"),
    "view size": (Producer(b"vz", [None, view(2**31 - 1), LONG_WORD, ints(24)]), "row 0 reaches past"),
    "view sizes": (Producer(b"vz", [None, view(24), LONG_WORD, None]), "sizes of its buffers"),
    "index": (
        Producer(b"i", [None, ints(0, 2, dtype=np.int32)], 2, Producer(b"w:1", [None, b"ab"], 2)),
        "row 1 has an index outside its dictionary",
    ),
    "negative index": (
        Producer(b"c", [None, ints(-1, dtype=np.int8)], 1, Producer(b"w:1", [None, b"ab"], 2)),
        "row 0 has an index outside",
    ),
    "huge index": (
        Producer(b"L", [None, ints(2**64 - 1, dtype=np.uint64)], 1, Producer(b"w:1", [None, b"ab"], 2)),
        "row 0 has an index outside",
    ),
    "total": (
        Producer(b"C", [None, bytes(5)], 5, Producer(b"Z", [None, ints(0, 2**61), b""], 1)),
        "row 3 takes the column past the largest size",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_malformed_data_is_refused(name):
    producer, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message):
        as_column(producer)
    gc.collect()
    assert len(producer.released) == 1  # the array; the schema stays its capsule's


def test_release_is_called_exactly_once():
    producer = Producer(b"Z", [None, ints(0, 1, 3), b"abc"], 2)
    column = as_column(producer)
    part, data = column[1:], column.data
    del column
    gc.collect()
    assert producer.released == []
    del part
    assert bytes(data) == b"abc"
    del data
    gc.collect()
    assert len(producer.released) == 1
    assert producer.array.release is None


def test_take_refuses_more_than_any_memory():
    column = as_column(Producer(b"Z", [None, ints(0, 2**61), b"x"]))
    with pytest.raises(MemoryError, match="no memory for 4 rows"):
        column.take([0] * 4)


def test_views_with_no_long_words_need_no_buffers():
    assert as_column(Producer(b"vz", [None, view(2, b"ab"), None])) == [b"ab"]


@pytest.mark.parametrize("arrow_format", [b"", b"U2", b"v", b"vU", b"w", b"w:", b"w:-1", b"w:3x", b"+s", b"+w:2"])
def test_odd_formats_are_refused(arrow_format):
    with pytest.raises(TypeError, match="words must be utf8 or binary"):
        as_column(Producer(arrow_format, [None, None, None]))


def test_any_allocation_may_fail():
    array = pa.array(TEXTS)
    sources = [
        array,
        pa.chunked_array([array, array]),
        array.cast(pa.string_view()),
        array.dictionary_encode(),
    ]
    for source in sources:
        for allowed in range(5):
            fail_allocations_after(allowed)
            try:
                column = as_column(source)
            except MemoryError:
                continue
            finally:
                fail_allocations_after(-1)
            assert column == source.to_pylist()
            break
        assert allowed == (1 if source is array else 2)


def test_from_words_is_as_column():
    assert Column.from_words(pa.array(TEXTS), text=True) == TEXTS
