"""Packed columns: what goes in comes out, views share memory, and every misuse has a message."""

import contextlib
import copy
import doctest
import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib import _columns
from markovlib._columns import Column, as_column, fail_allocations_after

TEXTS = ["abba", "", "ä", "漢字", "🙂x", "a\0b", "x" * 100]
BLOBS = [b"abba", b"", b"\xff\x00", b"\0", b"x" * 100]
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])))
blobs = st.lists(st.binary())


@pytest.fixture(params=[TEXTS, BLOBS], ids=["text", "bytes"])
def words(request):
    return request.param


# ---- words in, words out ----


@given(st.one_of(texts, blobs))
def test_a_list_comes_back(words):
    column = Column.from_words(words)
    assert column.tolist() == list(column) == words == [column[i] for i in range(len(words))]
    assert column == words
    encoded = [w.encode() if isinstance(w, str) else w for w in words]
    assert column.lengths().tolist() == [len(w) for w in encoded]
    assert bytes(column.data) == b"".join(encoded)
    assert column.nbytes == sum(map(len, encoded))


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda w: (x for x in w), lambda w: np.array(w, object)])
def test_iterables(words, kind):
    column = Column.from_words(kind(words))
    assert column.tolist() == words
    assert column.text is isinstance(words[0], str)


def test_a_column_is_returned_as_it_is(words):
    column = as_column(words)
    assert as_column(column) is column
    assert Column.from_words(column, text=column.text) is column


def test_bytes_like_rows():
    buffer = bytearray(b"ab")
    column = Column.from_words([b"x", buffer, memoryview(b"abcd")[::2], b""])
    buffer[:] = b"zz"
    assert column.tolist() == [b"x", b"ab", b"ac", b""]


def test_subclasses_of_str_and_bytes():
    assert Column.from_words([np.str_("a"), "b"]).tolist() == ["a", "b"]
    assert Column.from_words([np.bytes_(b"a"), b"b"]).tolist() == [b"a", b"b"]


@pytest.mark.parametrize(("asked", "text"), [(None, False), (False, False), (True, True)])
def test_an_empty_list_takes_the_kind_that_is_asked(asked, text):
    column = as_column([], asked)
    assert (len(column), column.text, column.tolist(), column.nbytes) == (0, text, [], 0)
    assert column.offsets.tolist() == [0]
    assert column.data.size == column.lengths().size == 0


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (["a", b"b"], None, "row 1 is bytes, expected str"),
        ([b"a", b"b", "c"], None, "row 2 is str, expected bytes"),
        ([b"a", bytearray(b"b"), "c"], None, "row 2 is str, expected bytes"),
        (["a", bytearray(b"b")], None, "row 1 is bytearray, expected str"),
        (["a", None], None, "row 1 is NoneType, expected str"),
        ([1], None, "row 0 is int: words are str or bytes"),
        (["a"], False, "row 0 is str, expected bytes"),
        ([b"a"], True, "row 0 is bytes, expected str"),
        (np.array(["a"]), False, "words are str, bytes are needed here"),
        (np.array([b"a"]), True, "words are bytes, str is needed here"),
        (as_column([b"a"]), True, "words are bytes, str is needed here"),
        ("abc", None, r"got one str: wrap it as \[word\]"),
        (b"abc", None, r"got one bytes: wrap it as \[word\]"),
        (bytearray(b"abc"), None, "got one bytearray"),
        (7, None, "words must be a list of str or bytes, got int"),
        (np.arange(3), None, "got an array of dtype int64"),
    ],
)
def test_wrong_kinds(words, text, message):
    with pytest.raises(TypeError, match=message):
        as_column(words, text)


@pytest.mark.parametrize("make", [list, lambda w: np.array(w, object), np.array])
def test_a_lone_surrogate_names_its_row(make):
    with pytest.raises(ValueError, match="row 2 has a lone surrogate"):
        as_column(make(["a", "b", "c\udc80"]))


# ---- NumPy ----


@pytest.mark.parametrize(
    "array",
    [
        np.array([b"ab", b"a\0b\0", b""]),
        np.array(["ab", "ä漢🙂", "", "\u07ff\u0800\uffff\U00010000\U0010ffff", "a\0b"]),
        np.array(["ab", "ä漢🙂"]).astype(">U5"),
        np.array(["ab", "cd", "ef", "gh"])[::-2],
        np.frombuffer(b"\0" + np.array(["ab", "ä漢"]).tobytes(), "U2", offset=1),
        np.array([["ab", "cd"], ["ef", "gh"]])[:, 1],
        np.array([b"ab", b"cd", b"ef"])[::2],
        np.array([], "S3"),
        np.array([], "U3"),
        np.array(["ab", "ä" * 40, ""], np.dtypes.StringDType()),
        np.array(["ab", "cd", "ef"], np.dtypes.StringDType(na_object=None))[::-1],
    ],
    ids=lambda a: f"{a.dtype.str}-{a.strides}",
)
def test_numpy_arrays(array):
    column = Column.from_words(array)
    assert column.tolist() == array.tolist()
    assert column.text is (array.dtype.kind != "S")


def test_cells_without_width():
    array = np.zeros(3, [("a", "S0"), ("b", "U0")])
    assert as_column(array["a"]).tolist() == [b"", b"", b""]
    assert as_column(array["b"]).tolist() == ["", "", ""]


@pytest.mark.parametrize("rows", [2**60, 2**61, 2**62])
def test_more_rows_than_any_memory_has_offsets_for(rows):
    with pytest.raises(MemoryError, match=f"no memory for the offsets of {rows} rows"):
        as_column(np.ndarray((rows,), "S0"))


@pytest.mark.parametrize("na", [None, float("nan")])
def test_a_missing_string_names_its_row(na):
    array = np.array(["a", "b", na], np.dtypes.StringDType(na_object=na))
    with pytest.raises(ValueError, match="row 2 is missing"):
        as_column(array)


def test_a_masked_row_is_missing():
    with pytest.raises(ValueError, match="row 1 is masked"):
        as_column(np.ma.array([b"a", b"b"], mask=[False, True]))


@pytest.mark.parametrize("array", [np.array([["a"]]), np.array(b"a"), np.empty((2, 0), object)])
def test_arrays_have_one_dimension(array):
    with pytest.raises(ValueError, match="one-dimensional"):
        as_column(array)


def test_a_letter_beyond_unicode_names_its_row():
    array = np.array([65, 0x110000], np.uint32).view("U1")
    with pytest.raises(ValueError, match="row 1 has a lone surrogate or a letter beyond Unicode"):
        as_column(array)


# ---- rows, slices, gathers ----


@given(st.one_of(texts, blobs), st.slices(12), st.slices(12))
def test_slices_of_slices(words, first, second):
    column = as_column(words)[first]
    assert column == words[first]
    assert column[second] == words[first][second]
    assert column[second].lengths().tolist() == as_column(words[first][second]).lengths().tolist()


def test_a_slice_shares_memory():
    column = as_column(TEXTS)
    part = column[2:5]
    assert np.shares_memory(part.data, column.data)
    assert np.shares_memory(part.offsets, column.offsets)
    assert part.offsets[0] == 4
    assert [bytes(part.data[a:b]).decode() for a, b in zip(part.offsets, part.offsets[1:], strict=False)] == part


@pytest.mark.parametrize("index", [7, -8, 2**62, -(2**62)])
def test_a_row_that_does_not_exist(index):
    with pytest.raises(IndexError, match=f"row {index} of a column of 7 rows"):
        as_column(TEXTS)[index]


def test_an_index_is_an_integer():
    column = as_column(["a", "b"])
    assert column[np.int64(1)] == "b"
    with pytest.raises(IndexError):
        column[2**70]
    for index in ("a", 1.0, None):
        with pytest.raises(TypeError):
            column[index]


@given(st.data(), st.one_of(texts, blobs).filter(bool))
def test_take(data, words):
    rows = data.draw(st.lists(st.integers(-len(words), len(words) - 1)))
    column = as_column(words)
    assert column.take(rows) == [words[i] for i in rows]
    assert column[1:].take(np.arange(len(words) - 1)[::-1]) == words[:0:-1]


@pytest.mark.parametrize("indices", [[0, 3], [-4], np.array([2**63], np.uint64)])
def test_take_outside(indices):
    with pytest.raises(IndexError, match=r"row -?\d+ of a column of 3 rows"):
        as_column(["a", "b", "c"]).take(indices)


@pytest.mark.parametrize(("indices", "error"), [([0.0], TypeError), ([True], TypeError), ([[0]], ValueError)])
def test_take_wants_integers(indices, error):
    with pytest.raises(error, match="indices must be"):
        as_column(["a"]).take(indices)


# ---- comparing, showing, pickling ----


def test_equality(words):
    column = as_column(words)
    assert column == as_column(["?", *words])[1:] if column.text else column == as_column([b"?", *words])[1:]
    assert column != as_column(words[:-1])
    assert column != as_column([*words[:-1], words[0]])
    assert column != [*words, words[0]]
    assert column != tuple(words)
    assert as_column(["ab", "c"]) != as_column(["a", "bc"])
    assert as_column(["a"]) != as_column([b"a"])
    assert as_column([], True) == as_column([], False)


def test_columns_are_unhashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(as_column(TEXTS))


def test_repr():
    assert repr(as_column([])) == "Column(bytes, 0 rows, 0 bytes)"
    assert repr(as_column([b"a"])) == "Column(bytes, 1 row, 1 bytes: b'a')"
    assert repr(as_column(["a", "ä", "c", "d"])) == "Column(text, 4 rows, 5 bytes: 'a', 'ä', 'c', ...)"
    assert repr(as_column(["x" + "ä" * 50])) == f"Column(text, 1 row, 101 bytes: 'x{'ä' * 11}'...)"


def test_pickles(words):
    column = as_column(words)[1:]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        restored = pickle.loads(pickle.dumps(column, protocol))
        assert restored == column
        assert restored.text == column.text
        assert restored.offsets[0] == 0
    assert copy.deepcopy(column) == column


@pytest.mark.parametrize(
    ("data", "offsets", "message"),
    [
        (b"ab", [0, 3], "row 0"),
        (b"ab", [0, 2, 1], "row 1"),
        (b"ab", [-1, 2], "row 0"),
        (b"ab", [5], "row 0"),
        (b"ab", [], "incomplete"),
        (b"a\xff", [0, 1, 2], "row 1 is not valid UTF-8"),
    ],
)
def test_a_damaged_pickle_is_refused(data, offsets, message):
    restore = as_column([]).__reduce__()[0]
    with pytest.raises(ValueError, match=message):
        restore(data, np.array(offsets, np.int64).tobytes(), True)


def test_a_column_cannot_be_called():
    with pytest.raises(TypeError, match="from_words"):
        Column(["a"])
    assert Column.__new__(Column) == []


# ---- memory ----


def test_views_are_read_only_and_typed():
    column = as_column(TEXTS)
    assert column.data.dtype == np.uint8
    assert column.offsets.dtype == np.int64
    assert column.offsets.size == len(TEXTS) + 1
    for view in (column.data, column.offsets):
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


def test_views_and_slices_outlive_their_column():
    column = as_column([b"%d" % i for i in range(10_000)])
    data, offsets, part = column.data, column.offsets, column[10:20]
    del column
    gc.collect()
    noise = [as_column([b"?" * 7] * 10_000) for _ in range(4)]
    assert bytes(data[offsets[10] : offsets[12]]) == b"1011"
    assert part[0] == b"10"
    assert len(noise) == 4


def test_the_source_is_not_kept():
    class Word(str):
        pass

    word = Word("abc")
    gone = weakref.ref(word)
    column = as_column([word])
    del word
    gc.collect()
    assert gone() is None
    assert column == ["abc"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: as_column(["a", "b"]),
        lambda: as_column([b"a", bytearray(b"b")]),
        lambda: as_column(np.array([b"a", b"b"])),
        lambda: as_column(np.array(["a", "b"])),
        lambda: as_column(np.array(["a", "b"], np.dtypes.StringDType())),
        lambda: SAMPLE.take([1, 0]),
        lambda: SAMPLE[::-1],
        lambda: pickle.loads(PICKLED),
    ],
)
def test_any_allocation_may_fail(make):
    for allowed in range(10):
        fail_allocations_after(allowed)
        try:
            column = make()
        except MemoryError as error:
            assert "no memory for" in str(error)  # noqa: PT017 - the last round succeeds
        else:
            assert len(column) == 2
            break
        finally:
            fail_allocations_after(-1)
    assert allowed >= 2


def test_failures_leave_no_reference_behind():
    rows = [str(i) * 3 for i in range(100)]
    before = sys.getrefcount(rows[50])
    for allowed in range(2):
        fail_allocations_after(allowed)
        with contextlib.suppress(MemoryError):
            as_column(rows)
        fail_allocations_after(-1)
    for odd in (b"", "\ud800"):
        with contextlib.suppress(TypeError, ValueError):
            as_column([*rows, odd])
    after = sys.getrefcount(rows[50])  # outside of the assertion, which holds a reference of its own
    assert after == before


def test_doctests():
    results = doctest.testmod(_columns)
    assert results.attempted >= 6
    assert results.failed == 0


SAMPLE = as_column(["x", "yz"])
PICKLED = pickle.dumps(SAMPLE)


def test_arrays_that_are_written_into_meanwhile_give_words_of_their_size():
    """Letters of one byte and of four in turn: a row may have both, and letters that are half of each where the writer
    copies by the byte, but never more than it has room for."""
    narrow, wide = np.full(5000, "abcdefgh"), np.full(5000, "\N{GRINNING FACE}" * 8)
    cells, done = narrow.copy(), threading.Event()

    def write():
        while not done.is_set():
            cells[:] = wide
            cells[:] = narrow

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(60):
            words = as_column(cells).tolist()
            assert len(words) == len(cells)
            assert all(len(word.encode()) <= cells.itemsize for word in words)
    finally:
        done.set()
        writer.join()
