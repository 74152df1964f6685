# cython: autotestdict=False, auto_pickle=False
"""Packed columns: many words as flat bytes plus offsets, in and out without a Python object for each."""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.number cimport PyNumber_AsSsize_t
from cpython.ref cimport Py_INCREF, PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from markovlib._arrow cimport (
    Chunk,
    array_capsule,
    array_chunks,
    mk_arrow_chunk_borrow,
    mk_arrow_chunk_copy,
    mk_arrow_chunk_offsets,
    schema_capsule,
    stream_chunks,
)

import numpy as np

cdef extern from "Python.h":
    # Borrowed references: the loops over rows below own none.
    PyObject *PyTuple_GET_ITEM(object rows, Py_ssize_t i)
    bint PyBytes_Check(PyObject *item)
    bint PyUnicode_Check(PyObject *item)
    Py_ssize_t PyBytes_GET_SIZE(PyObject *item)
    const char *PyBytes_AS_STRING(PyObject *item)
    const char *PyUnicode_AsUTF8AndSize(PyObject *item, Py_ssize_t *size) except NULL
    int PyList_SET_ITEM(object rows, Py_ssize_t i, object item)
    list PyList_New(Py_ssize_t length)

cdef extern from "markov.h" nogil:
    ctypedef enum mk_status:
        MK_OK
        MK_TOO_LARGE
        MK_INVALID
    void *mk_malloc(size_t size)
    void mk_free(void *block)
    void mk_memory_fail_after(int64_t n)
    void mk_memory_watch(bint on)
    int64_t mk_memory_held()

cdef extern from "column.h" nogil:
    enum:
        MK_NO_ROW
    int64_t mk_column_check_text(const uint8_t *data, const int64_t *offsets, int64_t length)
    int64_t mk_column_check_offsets(const int64_t *offsets, int64_t length, int64_t data_length)
    bint mk_column_equal(const uint8_t *data, const int64_t *offsets, const uint8_t *other_data,
                         const int64_t *other_offsets, int64_t length)
    void mk_column_lengths(const int64_t *offsets, int64_t length, int64_t *lengths)
    mk_status mk_column_gather_measure(const int64_t *offsets, int64_t length, const int64_t *indices,
                                       int64_t count, int64_t *out_offsets, int64_t *bad)
    void mk_column_gather_copy(const uint8_t *data, const int64_t *offsets, int64_t length,
                               const int64_t *indices, int64_t count, const int64_t *out_offsets, uint8_t *out)
    void mk_column_cells_measure(const uint8_t *cells, int64_t length, size_t width, int64_t *offsets)
    void mk_column_cells_copy(const uint8_t *cells, int64_t length, size_t width, const int64_t *offsets,
                              uint8_t *out)
    int64_t mk_column_ucs4_measure(const uint32_t *cells, int64_t length, size_t width, int64_t *offsets)
    void mk_column_ucs4_copy(const uint32_t *cells, int64_t length, size_t width, const int64_t *offsets,
                             uint8_t *out)

# What an empty column points at, so that no pointer is ever NULL.
cdef int64_t no_offsets[1]
cdef uint8_t no_data[1]
no_offsets[0] = no_data[0] = 0


# ---- memory ----------------------------------------------------------------------------------------------------

@cython.internal
@cython.final
cdef class Block:
    """The memory of a column that this module made: freed when the last column over it dies."""
    cdef uint8_t *data
    cdef int64_t *offsets

    def __dealloc__(self):
        mk_free(self.data)
        mk_free(self.offsets)

    cdef int allocate_data(self, int64_t size) except -1:
        self.data = <uint8_t *>mk_malloc(<size_t>size)
        if self.data == NULL:
            raise MemoryError(f"no memory for a column of {size} bytes")
        return 0


cdef Block new_block(Py_ssize_t length):
    """A block with room for the offsets of `length` rows, the first one set to 0, and no data yet."""
    cdef Block block = Block.__new__(Block)
    if length < INT64_MAX // <Py_ssize_t>sizeof(int64_t):
        block.offsets = <int64_t *>mk_malloc((<size_t>length + 1) * sizeof(int64_t))
    if block.offsets == NULL:
        raise MemoryError(f"no memory for the offsets of {length} rows")
    block.offsets[0] = 0
    return block


cdef Column column_adopt(uint8_t *data, int64_t *offsets, Py_ssize_t length, bint text):
    cdef Block block
    try:
        block = Block.__new__(Block)
    except:
        mk_free(data)
        mk_free(offsets)
        raise
    block.data = data
    block.offsets = offsets
    return column_borrow(data, offsets, length, text, block)


cdef Column column_borrow(const uint8_t *data, const int64_t *offsets, Py_ssize_t length, bint text, object owner):
    cdef Column column = Column.__new__(Column)
    column.data = data if data != NULL else no_data
    column.offsets = offsets
    column.length = length
    column.text = text
    column.owner = owner
    return column


@cython.internal
@cython.final
cdef class View:
    """Part of a column's memory as a read-only buffer, which keeps the column alive."""
    cdef object column
    cdef const void *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, <void *>self.start, self.size, 1, flags)


cdef object view_of(Column column, const void *start, Py_ssize_t size, object dtype):
    cdef View view = View.__new__(View)
    view.column = column
    view.start = start
    view.size = size
    return np.frombuffer(view, dtype)


# ---- the column ------------------------------------------------------------------------------------------------

@cython.final
cdef class Column:
    """A read-only sequence of words, all ``str`` or all ``bytes``, packed as flat bytes plus int64 offsets.

    Row ``i`` is ``data[offsets[i]:offsets[i + 1]]``; text is valid UTF-8.  This is Arrow's ``large_utf8``
    (text) or ``large_binary`` layout, and the Arrow PyCapsule interface exports it without copying:
    ``pyarrow.array(column)`` shares its memory.  A column is made by :meth:`from_words` or returned by a batch.
    It never changes, so threads may share it, and every view of it keeps its memory alive.

    >>> from markovlib._columns import Column
    >>> column = Column.from_words(["abba", "", "ab"])
    >>> column
    Column(text, 3 rows, 6 bytes: 'abba', '', 'ab')
    >>> column[0], column[-1], column[1:].tolist()
    ('abba', 'ab', ['', 'ab'])
    >>> column.offsets.tolist(), bytes(column.data)
    ([0, 4, 4, 6], b'abbaab')
    """

    def __cinit__(self, *args, **kwargs):
        self.data = no_data
        self.offsets = no_offsets

    def __init__(self, *args, **kwargs):
        raise TypeError("Column cannot be called: use Column.from_words(words)")

    @staticmethod
    def from_words(words, text=None):
        """The words as a column; a column is returned as it is.

        Parameters
        ----------
        words
            A list or other iterable of ``str``, or of ``bytes``, ``bytearray`` and ``memoryview``; a
            one-dimensional NumPy ``S`` (trailing zero bytes are not part of a word), ``U``, ``StringDType`` or
            object array; or anything with ``__arrow_c_array__`` or ``__arrow_c_stream__`` whose type is utf8 or
            binary in any of Arrow's layouts, a dictionary of one, or a struct (a table) of one such column.
        text
            True or False demands ``str`` or ``bytes``; None takes what comes.  It decides the kind of an
            empty list (bytes where None).

        Returns
        -------
        Column
            The bytes of Arrow input with offsets, in one chunk, are shared, and its offsets copied; all else is
            copied once.

        Raises
        ------
        TypeError
            For words of the wrong kind or of both kinds, and for a single ``str`` or ``bytes``.
        ValueError
            For a null, a lone surrogate or invalid UTF-8, with the row, and for malformed Arrow data.

        O(rows + bytes).  An array must not be written into, by another thread say, as long as a call that was given
        it lasts, and one whose bytes are shared as long as the column lives.  Where it is, words are of the old
        letters, the new ones or both, text may not be UTF-8 any more, and what is made of them is as undetermined;
        but where a row begins and ends is decided once, and nothing outside the array is read or written.

        >>> Column.from_words([b"ab", bytearray(b"c")]).tolist()
        [b'ab', b'c']
        """
        return as_column(words, text)

    # Access -------------------------------------------------------------------------------------------------

    def __len__(self):
        return self.length

    def __getitem__(self, key):
        cdef Py_ssize_t i
        if isinstance(key, slice):
            return part_of(self, key)
        i = PyNumber_AsSsize_t(key, IndexError)
        if i < 0:
            i += self.length
        if not 0 <= i < self.length:
            raise IndexError(f"row {key} of a column of {self.length} rows")
        return word_at(self, i)

    def __iter__(self):
        cdef Py_ssize_t i
        for i in range(self.length):
            yield word_at(self, i)

    def tolist(self):
        """The words as a list of ``str`` or ``bytes``.  O(rows + bytes)."""
        cdef list words = PyList_New(self.length)
        cdef Py_ssize_t i
        for i in range(self.length):
            word = word_at(self, i)
            Py_INCREF(word)
            PyList_SET_ITEM(words, i, word)
        return words

    def take(self, indices):
        """The rows with the given numbers, in that order, as a new column.

        ``indices`` is a one-dimensional sequence of integers; negative ones count from the end.  Raises
        IndexError for a row that does not exist.  O(rows and bytes taken).

        >>> Column.from_words(["a", "b", "c"]).take([2, 0, -1]).tolist()
        ['c', 'a', 'c']
        """
        cdef const int64_t[::1] rows = row_numbers(indices)
        cdef Py_ssize_t count = rows.shape[0]
        cdef const int64_t *first = &rows[0] if count else no_offsets
        cdef Block block = new_block(count)
        cdef int64_t bad = 0
        cdef mk_status status
        with nogil:
            status = mk_column_gather_measure(self.offsets, self.length, first, count, block.offsets, &bad)
        if status == MK_INVALID:
            raise IndexError(f"row {first[bad]} of a column of {self.length} rows")
        if status == MK_TOO_LARGE:
            raise MemoryError(f"no memory for {count} rows of this column")
        block.allocate_data(block.offsets[count])
        with nogil:
            mk_column_gather_copy(self.data, self.offsets, self.length, first, count, block.offsets, block.data)
        return column_borrow(block.data, block.offsets, count, self.text, block)

    # Memory -------------------------------------------------------------------------------------------------

    @property
    def data(self):
        """The flat bytes that ``offsets`` index, a read-only uint8 array without copying."""
        return view_of(self, self.data, self.offsets[self.length], np.uint8)

    @property
    def offsets(self):
        """Where each row starts in ``data`` and the last one ends: a read-only int64 array, one longer than the column.

        The first need not be 0, since slices share their column's memory.
        """
        return view_of(self, self.offsets, (self.length + 1) * sizeof(int64_t), np.int64)

    @property
    def nbytes(self):
        """The bytes of all words together (the offsets not counted)."""
        return self.offsets[self.length] - self.offsets[0]

    def lengths(self):
        """The number of bytes in each word, an int64 array."""
        cdef int64_t[::1] lengths
        result = np.empty(self.length, np.int64)
        if self.length:
            lengths = result
            mk_column_lengths(self.offsets, self.length, &lengths[0])
        return result

    # Comparing, showing, pickling ---------------------------------------------------------------------------

    def __eq__(self, other):
        if isinstance(other, list):
            return len(<list>other) == self.length and self.tolist() == other
        if not isinstance(other, Column):
            return NotImplemented
        cdef Column column = other
        if column.length != self.length or (column.text != self.text and self.length):
            return False
        with nogil:
            equal = mk_column_equal(self.data, self.offsets, column.data, column.offsets, self.length)
        return equal

    __hash__ = None

    def __repr__(self):
        shown = [glimpse_at(self, i) for i in range(min(self.length, 3))] + ["..."] * (self.length > 3)
        kind, rows = "text" if self.text else "bytes", "row" if self.length == 1 else "rows"
        words = ": " + ", ".join(shown) if shown else ""
        return f"Column({kind}, {self.length} {rows}, {self.nbytes} bytes{words})"

    def __reduce__(self):
        data = PyBytes_FromStringAndSize(<const char *>self.data + self.offsets[0], self.nbytes)
        offsets = view_of(self, self.offsets, (self.length + 1) * sizeof(int64_t), np.int64) - self.offsets[0]
        return _restore, (data, offsets.tobytes(), bool(self.text))

    # Arrow --------------------------------------------------------------------------------------------------

    def __arrow_c_schema__(self):
        """The Arrow type, ``large_utf8`` or ``large_binary``, as an ``arrow_schema`` capsule."""
        return schema_capsule(self.text)

    def __arrow_c_array__(self, requested_schema=None):
        """The column as an (``arrow_schema``, ``arrow_array``) pair of capsules, without copying.

        The request for another type is not honoured, as the interface allows: the consumer casts.
        """
        return schema_capsule(self.text), array_capsule(self.data, self.offsets, self.length, self)


cdef object word_at(Column column, Py_ssize_t i):
    cdef const char *start = <const char *>column.data + column.offsets[i]
    cdef Py_ssize_t size = column.offsets[i + 1] - column.offsets[i]
    return PyUnicode_DecodeUTF8(start, size, NULL) if column.text else PyBytes_FromStringAndSize(start, size)


cdef object glimpse_at(Column column, Py_ssize_t i):
    """The word as it is written in Python, cut where it is long."""
    cdef Py_ssize_t size = column.offsets[i + 1] - column.offsets[i]
    if size <= 32:
        return repr(word_at(column, i))
    head = PyBytes_FromStringAndSize(<const char *>column.data + column.offsets[i], 24)
    return repr(head.decode("utf-8", "ignore") if column.text else head) + "..."


cdef Column part_of(Column column, slice key):
    cdef Py_ssize_t start, stop, step
    start, stop, step = key.indices(column.length)
    if step != 1:
        return column.take(np.arange(start, stop, step, dtype=np.int64))
    return column_borrow(column.data, column.offsets + start, max(0, stop - start), column.text, column.owner)


def _restore(bytes data not None, bytes offsets not None, bint text):
    """The column that was pickled, or ValueError where the pickle is damaged."""
    cdef Py_ssize_t length = len(offsets) // <Py_ssize_t>sizeof(int64_t) - 1
    if length < 0 or len(offsets) % sizeof(int64_t):
        raise ValueError("the pickled column is damaged: its offsets are incomplete")
    cdef Block block = new_block(length)
    block.allocate_data(len(data))
    memcpy(block.offsets, <const char *>offsets, len(offsets))
    memcpy(block.data, <const char *>data, len(data))
    row = mk_column_check_offsets(block.offsets, length, len(data))
    if row != MK_NO_ROW or block.offsets[length] > len(data):
        raise ValueError(f"the pickled column is damaged: the offsets of row {max(row, 0)} are wrong")
    return checked_text(column_borrow(block.data, block.offsets, length, text, block))


cdef object row_numbers(object indices):
    """Indices as a contiguous int64 array that is nobody else's, unchecked against any column."""
    rows = np.asarray(indices)
    if rows.ndim != 1:
        raise ValueError(f"indices must be one-dimensional, got an array of shape {rows.shape}")
    if rows.dtype.kind not in "iu" and rows.size:
        raise TypeError(f"indices must be integers, got an array of dtype {rows.dtype}")
    if rows.dtype == np.uint64:
        rows = np.minimum(rows, np.uint64(INT64_MAX))
    return np.array(rows, np.int64, order="C")


# ---- words in --------------------------------------------------------------------------------------------------

cpdef Column as_column(object words, object text=None):
    """The words as a column: see :meth:`Column.from_words`."""
    cdef int want = -1 if text is None else bool(text)
    if isinstance(words, Column):
        demand(want, (<Column>words).text)
        return words
    if isinstance(words, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"words must be a list, got one {type(words).__name__}: wrap it as [word]")
    if isinstance(words, np.ndarray):
        return column_from_ndarray(words, want)
    if hasattr(words, "__arrow_c_array__") or hasattr(words, "__arrow_c_stream__"):
        return column_from_arrow(words, want)
    if not hasattr(words, "__iter__"):
        raise TypeError(f"words must be a list of str or bytes, got {type(words).__name__}")
    # A tuple is a snapshot: no other thread can change it between the two passes.
    return column_from_rows(tuple(words), want)


cdef int demand(int want, bint text) except -1:
    if want != -1 and want != text:
        raise TypeError("words are str, bytes are needed here" if text else "words are bytes, str is needed here")
    return 0


cdef Column checked_text(Column column):
    cdef int64_t row
    if not column.text:
        return column
    with nogil:
        row = mk_column_check_text(column.data, column.offsets, column.length)
    if row != MK_NO_ROW:
        raise ValueError(f"row {row} is not valid UTF-8: pass it as bytes, or repair it")
    return column


cdef Column column_from_rows(tuple rows, int want):
    cdef Py_ssize_t length = len(rows)
    cdef bint text = want == 1 if want != -1 or length == 0 else isinstance(rows[0], str)
    cdef Block block = new_block(length)
    cdef Py_ssize_t odd = measure_text(rows, block.offsets) if text else measure_bytes(rows, block.offsets)
    if odd >= 0 and not text and isinstance(rows[odd], (bytearray, memoryview)):
        # Memory that others may change is copied first.
        frozen = [bytes(row) if isinstance(row, (bytearray, memoryview)) else row for row in rows]
        return column_from_rows(tuple(frozen), want)
    if odd >= 0:
        found = type(rows[odd]).__name__
        if want == -1 and not isinstance(rows[0], (str, bytes)):
            raise TypeError(f"row {odd} is {found}: words are str or bytes")
        raise TypeError(f"row {odd} is {found}, expected {'str' if text else 'bytes'}")
    block.allocate_data(block.offsets[length])
    if text:
        copy_text(rows, block)
    else:
        copy_bytes(rows, block)
    return column_borrow(block.data, block.offsets, length, text, block)


cdef Py_ssize_t measure_text(tuple rows, int64_t *offsets) except -2:
    """Fills the offsets; returns the first row that is no str, or -1."""
    cdef Py_ssize_t i, size = 0
    cdef PyObject *item
    for i in range(len(rows)):
        item = PyTuple_GET_ITEM(rows, i)
        if not PyUnicode_Check(item):
            return i
        try:
            PyUnicode_AsUTF8AndSize(item, &size)
        except UnicodeEncodeError as error:
            raise ValueError(f"row {i} has a lone surrogate at letter {error.start}, "
                             "which no UTF-8 can hold: remove it") from None
        offsets[i + 1] = offsets[i] + size
    return -1


cdef Py_ssize_t measure_bytes(tuple rows, int64_t *offsets) except -2:
    """Fills the offsets; returns the first row that is no bytes, or -1."""
    cdef Py_ssize_t i
    cdef PyObject *item
    for i in range(len(rows)):
        item = PyTuple_GET_ITEM(rows, i)
        if not PyBytes_Check(item):
            return i
        offsets[i + 1] = offsets[i] + PyBytes_GET_SIZE(item)
    return -1


cdef int copy_text(tuple rows, Block block) except -1:
    cdef Py_ssize_t i, size = 0
    cdef const char *word
    for i in range(len(rows)):
        word = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(rows, i), &size)
        memcpy(block.data + block.offsets[i], word, size)
    return 0


cdef int copy_bytes(tuple rows, Block block) except -1:
    cdef Py_ssize_t i
    cdef PyObject *item
    for i in range(len(rows)):
        item = PyTuple_GET_ITEM(rows, i)
        memcpy(block.data + block.offsets[i], PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
    return 0


cdef Column column_from_ndarray(object array, int want):
    if array.ndim != 1:
        raise ValueError(f"words must be one-dimensional, got an array of shape {array.shape}")
    if np.ma.is_masked(array):
        raise ValueError(f"row {np.flatnonzero(array.mask)[0]} is masked, and a word cannot be missing")
    kind = array.dtype.kind
    if kind == "S":
        demand(want, False)
        return column_from_cells(array)
    if kind == "U":
        demand(want, True)
        return column_from_ucs4(array)
    if kind == "T":
        demand(want, True)
        return column_from_rows(present_strings(array), 1)
    if kind == "O":
        return column_from_rows(tuple(array.tolist()), want)
    raise TypeError(f"words must be str or bytes, got an array of dtype {array.dtype}")


cdef tuple present_strings(object array):
    """The words of a StringDType array, in which whatever is no str stands for a missing one."""
    words = array.tolist()
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise ValueError(f"row {row} is missing (NA), and a word cannot be: drop or fill it first")
    return tuple(words)


cdef object flat_cells(object array, object dtype):
    """The array's memory, contiguous, aligned and in native byte order, as a flat array of `dtype`."""
    native = np.require(array, array.dtype.newbyteorder("="), ["C", "ALIGNED"])
    return native.view(np.ndarray).view(dtype)


cdef Column column_from_cells(object array):
    cdef Py_ssize_t length = len(array), width = array.dtype.itemsize
    cdef Block block = new_block(length)
    cdef const uint8_t[::1] cells = flat_cells(array, np.uint8)
    cdef const uint8_t *first = &cells[0] if length else no_data
    with nogil:
        mk_column_cells_measure(first, length, width, block.offsets)
    block.allocate_data(block.offsets[length])
    with nogil:
        mk_column_cells_copy(first, length, width, block.offsets, block.data)
    return column_borrow(block.data, block.offsets, length, False, block)


cdef Column column_from_ucs4(object array):
    cdef Py_ssize_t length = len(array), width = array.dtype.itemsize // 4
    cdef Block block = new_block(length)
    cdef const uint32_t[::1] cells = flat_cells(array, np.uint32)
    cdef const uint32_t *first = &cells[0] if length else NULL
    cdef int64_t row
    with nogil:
        row = mk_column_ucs4_measure(first, length, width, block.offsets)
    if row != MK_NO_ROW:
        raise ValueError(f"row {row} has a lone surrogate or a letter beyond Unicode: remove it")
    block.allocate_data(block.offsets[length])
    with nogil:
        mk_column_ucs4_copy(first, length, width, block.offsets, block.data)
    return column_borrow(block.data, block.offsets, length, True, block)


# ---- Arrow in --------------------------------------------------------------------------------------------------

cdef str CHANGED = "the Arrow array was changed while it was read: give an array that nobody writes into"


cdef Column column_from_arrow(object words, int want):
    cdef bint text = False
    chunks = array_chunks(words, &text) if hasattr(words, "__arrow_c_array__") else stream_chunks(words, &text)
    demand(want, text)
    filled = [chunk for chunk in chunks if (<Chunk>chunk).words.length]
    column = shared_column(filled[0], text) if len(filled) == 1 else None
    return checked_text(column or packed_column(filled, text))


cdef Column shared_column(Chunk chunk, bint text):
    """A column over the producer's own bytes, or None where they do not lie one word after the other."""
    cdef const uint8_t *data = NULL
    cdef Py_ssize_t length = chunk.words.length
    cdef Block block
    cdef bint same
    if not mk_arrow_chunk_borrow(&chunk.words, &data):
        return None
    block = new_block(length)
    with nogil:
        same = mk_arrow_chunk_offsets(&chunk.words, chunk.bytes, block.offsets)
    if not same:
        raise ValueError(CHANGED)
    return column_borrow(data, block.offsets, length, text, (block, chunk))


cdef Column packed_column(list chunks, bint text):
    cdef Py_ssize_t length = sum([(<Chunk>chunk).words.length for chunk in chunks])
    cdef Block block = new_block(length)
    cdef int64_t *offsets = block.offsets
    cdef Chunk chunk
    cdef bint same
    block.allocate_data(sum([(<Chunk>chunk).bytes for chunk in chunks]))
    for chunk in chunks:
        with nogil:
            same = mk_arrow_chunk_copy(&chunk.words, chunk.bytes, block.data, offsets)
        if not same:
            raise ValueError(CHANGED)
        offsets += chunk.words.length
    return column_borrow(block.data, block.offsets, length, text, block)


def fail_allocations_after(n):
    """Makes the n-th allocation from now on fail, and all after it (0: the next; negative: none).  For tests."""
    mk_memory_fail_after(n)


def watch_memory(on):
    """Begins, or ends, to count the bytes that this module's engine holds.  For tests."""
    mk_memory_watch(bool(on))


def memory_held():
    """The bytes allocated since `watch_memory(True)` and not freed yet; columns made elsewhere are freed here."""
    return mk_memory_held()
