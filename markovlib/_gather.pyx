# cython: autotestdict=False, auto_pickle=False
"""The boundary to gathering: takes the buffers of pieces, checks their sizes, and hands over rows as columns."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from markovlib._columns cimport Column, column_adopt, column_borrow
from markovlib._core cimport (
    MK_INVALID,
    column_view,
    mk_bool,
    mk_column,
    mk_free,
    mk_malloc,
    mk_memory_fail_after,
    mk_status,
)

import numpy as np

cdef extern from "column.h" nogil:
    enum:
        MK_NO_ROW
    int64_t mk_column_check_text(const uint8_t *data, const int64_t *offsets, int64_t length)
    int64_t mk_column_check_offsets(const int64_t *offsets, int64_t length, int64_t data_length)

cdef uint8_t nothing[16]

# Of a column or the items of its lists: sizes in bytes of so many do not overflow.
cdef int64_t MOST_ROWS = 1 << 56

WIDTHS = {"int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8}
DTYPES = {kind: np.dtype(kind) for kind in WIDTHS}


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


class DamagedRowError(Exception):
    """Row `row`, counted among those asked for, of the column `name` is not as it can have been written, and why."""

    def __init__(self, name, row, reason):
        super().__init__(name, row, reason)
        self.name = name
        self.row = row
        self.reason = reason


# ---- pieces ----------------------------------------------------------------------------------------------------

@cython.final
cdef class Chunk:
    """One column of one piece, over buffers in the Arrow layout that it keeps alive.

    `kind` is "text", "list", "bool" or a type of integers.  Row i is number `first` + i of the buffers.  `offsets` has
    64 bits an entry if `wide`, else 32; `items` is the number of rows of the column that lists are of.  Raises
    ValueError where a buffer is smaller than `rows` rows need.
    """
    cdef mk_chunk c
    cdef Py_buffer held[3]
    cdef readonly str kind
    cdef readonly object values

    def __cinit__(self, str kind not None, int64_t first, int64_t rows, validity=None, offsets=None, values=None,
                  bint wide=True, int64_t items=0):
        self.kind, self.values = kind, values
        if min(first, rows, items) < 0 or max(first, rows, items) > MOST_ROWS:
            raise ValueError("a column of it has a length that is negative or too large")
        cdef int64_t end = first + rows
        self.c.first, self.c.rows, self.c.wide = first, rows, wide
        self.c.values = nothing
        if validity is not None:
            self.c.validity = self.hold(0, validity, (end + 7) // 8)
        if kind in ("text", "list"):
            self.c.offsets = self.hold(1, offsets, (end + 1) * (8 if wide else 4) if rows else 0)
        if kind == "list":
            self.c.size = items
        elif kind == "text" and values is not None:
            self.c.values = self.hold(2, values, 0)
            self.c.size = self.held[2].len
        elif kind != "text":
            self.c.values = self.hold(2, values, (end + 7) // 8 if kind == "bool" else end * <int64_t>WIDTHS[kind])

    def __dealloc__(self):
        # Releases nothing where nothing was got.
        PyBuffer_Release(&self.held[0])
        PyBuffer_Release(&self.held[1])
        PyBuffer_Release(&self.held[2])

    cdef const uint8_t *hold(self, int slot, object buffer, int64_t least) except NULL:
        """The memory of a buffer, which is kept; of none if nothing is needed of it."""
        if buffer is None and least == 0:
            return nothing
        if buffer is None:
            raise ValueError("a column of it lacks a buffer")
        PyObject_GetBuffer(buffer, &self.held[slot], PyBUF_SIMPLE)
        if self.held[slot].len < least:
            raise ValueError(f"a buffer of it has {self.held[slot].len} bytes, and its rows need {least}")
        return <const uint8_t *>self.held[slot].buf if self.held[slot].len else nothing

    @property
    def first(self):
        return self.c.first

    @property
    def nullable(self):
        """Whether rows may be null."""
        return self.c.validity != NULL

    def texts(self, str name not None, int64_t start, int64_t stop, bint text):
        """Rows `start` to `stop` as a column over the piece's own memory; None where they must be copied for it.

        Raises `DamagedRowError`, for the column `name`.
        """
        cdef const uint8_t *place = self.c.offsets + (self.c.first + start) * 8
        cdef const int64_t *offsets = <const int64_t *>place
        cdef int64_t row
        if self.kind != "text" or not 0 <= start < stop <= self.c.rows:
            return None
        if not self.c.wide or self.c.validity != NULL or <size_t>place % sizeof(int64_t):
            return None
        with nogil:
            row = mk_column_check_offsets(offsets, stop - start, self.c.size)
        if row != MK_NO_ROW:
            raise DamagedRowError(name, row, "leads outside of the file")
        if text:
            with nogil:
                row = mk_column_check_text(self.c.values, offsets, stop - start)
            if row != MK_NO_ROW:
                raise DamagedRowError(name, row, "is not valid UTF-8")
        return column_borrow(self.c.values, offsets, stop - start, text, self)


@cython.final
cdef class Piece:
    """A run of rows: `chunks`, its columns by name, and for lists of structs in `items` the piece that holds those."""
    cdef readonly int64_t rows
    cdef readonly dict chunks
    cdef readonly dict items

    def __init__(self, int64_t rows):
        self.rows = rows
        self.chunks = {}
        self.items = {}


# ---- rows ------------------------------------------------------------------------------------------------------

@cython.final
cdef class Places:
    """Rows of pieces: row k is `rows[k]` of the piece with the number `numbers[pieces[k]]`."""
    cdef readonly list numbers
    cdef Py_ssize_t count
    cdef int64_t *row_of
    cdef int64_t *starts            # scratch: where texts and lists start in their pieces
    cdef int32_t *piece_of

    def __init__(self, const int32_t[::1] pieces, const int64_t[::1] rows, list numbers not None):
        if pieces.shape[0] != rows.shape[0]:
            raise ValueError(f"{pieces.shape[0]} pieces for {rows.shape[0]} rows")
        allocate_places(self, rows.shape[0])
        self.numbers = numbers
        if self.count:
            memcpy(self.row_of, &rows[0], self.count * sizeof(int64_t))
            memcpy(self.piece_of, &pieces[0], self.count * sizeof(int32_t))

    def __dealloc__(self):
        mk_free(self.row_of)

    def __len__(self):
        return self.count

    @property
    def pieces(self):
        """The places of the rows' pieces in `numbers`, as an array of int32."""
        made = np.empty(self.count, np.int32)
        cdef Writable out = Writable(made)
        memcpy(out.data, self.piece_of, self.count * sizeof(int32_t))
        return made

    @property
    def rows(self):
        """The rows in their pieces, as an array of int64."""
        made = np.empty(self.count, np.int64)
        cdef Writable out = Writable(made)
        memcpy(out.data, self.row_of, self.count * sizeof(int64_t))
        return made

    def columns(self, list pieces not None, dict kinds not None, bint text):
        """Columns of the rows, copied, by name; `pieces` are those of `numbers`.

        `kinds` has for each name "text" (gives a `Column`, a null being empty), "bool" or a type of integers (arrays).
        Raises `DamagedRowError` where a row leads outside of its piece or, for `text`, is not valid UTF-8.
        """
        cdef Requests asked = Requests(self, pieces, kinds)
        cdef Py_ssize_t i = 0, last = len(kinds) - 1
        cdef const mk_places *next
        cdef dict made = {}
        for name, kind in kinds.items():
            if kind == "text":
                next = &asked.places[i + 1] if i < last and asked.places[i + 1].count and asked.texts[i + 1] else NULL
                made[name] = texts_of(self, name, &asked.places[i], next, text)
            elif kind == "bool":
                made[name] = bits_of(&asked.places[i])
            else:
                made[name] = numbers_of(&asked.places[i], kind)
            i += 1
        return made

    def lists(self, list pieces not None, str name not None):
        """The offsets of the lists in the column `name`, and the places of their items in `pieces[...].items[name]`.

        Raises `DamagedRowError` where a list leads outside of its items.
        """
        cdef Requests asked = Requests(self, pieces, {name: "list"})
        made = np.empty(self.count + 1, np.int64)
        cdef Writable out = Writable(made)
        cdef int64_t *offsets = <int64_t *>out.data
        cdef int64_t bad = 0
        cdef bint measured
        with nogil:
            measured = mk_gather_measure(&asked.places[0], self.starts, offsets, &bad)
        if not measured:
            raise DamagedRowError(name, bad, "leads outside of the file")
        cdef Places items = Places.__new__(Places)
        allocate_places(items, offsets[self.count])
        items.numbers = self.numbers
        with nogil:
            mk_gather_items(&asked.places[0], self.starts, offsets, items.piece_of, items.row_of)
        return made, items

    def valid(self, list pieces not None, str name not None):
        """Whether each row of the column of texts `name` is not null (bool); None where no piece has nulls."""
        cdef Requests asked = Requests(self, pieces, {name: "text"})
        if not asked.nullable:
            return None
        made = np.empty(self.count, np.bool_)
        cdef Writable out = Writable(made)
        with nogil:
            mk_gather_valid(&asked.places[0], out.data)
        return made


cdef Column texts_of(Places places, str name, const mk_places *asked, const mk_places *next, bint text):
    cdef int64_t *offsets = <int64_t *>mk_malloc((<size_t>places.count + 1) * sizeof(int64_t))
    cdef int64_t bad = MK_NO_ROW
    cdef uint8_t *data = NULL
    cdef bint measured
    if offsets == NULL:
        raise MemoryError(f"no memory for the offsets of {places.count} rows")
    with nogil:
        measured = mk_gather_measure(asked, places.starts, offsets, &bad)
        if measured:
            data = <uint8_t *>mk_malloc(<size_t>offsets[places.count] + 1)
        if data != NULL:
            mk_gather_texts(asked, next, places.starts, offsets, data)
            if text:
                bad = mk_column_check_text(data, offsets, places.count)
    if data == NULL:
        mk_free(offsets)
        if measured:
            raise MemoryError(f"no memory for the texts of {places.count} rows")
        raise DamagedRowError(name, bad, "leads outside of the file")
    column = column_adopt(data, offsets, places.count, text)
    if bad != MK_NO_ROW:
        raise DamagedRowError(name, bad, "is not valid UTF-8")
    return column


cdef object numbers_of(const mk_places *asked, str kind):
    cdef size_t width = WIDTHS[kind]
    made = np.empty(asked.count, DTYPES[kind])
    cdef Writable out = Writable(made)
    with nogil:
        mk_gather_numbers(asked, width, out.data)
    return made


cdef object bits_of(const mk_places *asked):
    made = np.empty(asked.count, np.bool_)
    cdef Writable out = Writable(made)
    with nogil:
        mk_gather_bits(asked, out.data)
    return made


cdef int allocate_places(Places places, int64_t count) except -1:
    """Memory for the rows, which belong to `places`."""
    mk_free(places.row_of)
    places.row_of = NULL
    if count <= MOST_ROWS:
        places.row_of = <int64_t *>mk_malloc(<size_t>count * (2 * sizeof(int64_t) + sizeof(int32_t)) + 1)
    if places.row_of == NULL:
        places.count = 0
        raise MemoryError(f"no memory for {count} rows")
    places.count = count
    places.starts = places.row_of + count
    places.piece_of = <int32_t *>(places.starts + count)
    return 0


def find(const int64_t[::1] starts, const int64_t[::1] indices):
    """The places of rows, by index, negative ones counted from the end; piece p has rows starts[p] to starts[p + 1].

    Raises IndexError with the number of the first index that there is no row for.
    """
    cdef int64_t met = 0, bad = 0, pieces = starts.shape[0] - 1
    cdef Places places = Places.__new__(Places)
    cdef const int64_t *first = &indices[0] if indices.shape[0] else NULL
    cdef int32_t *seen = NULL
    cdef mk_status status
    allocate_places(places, indices.shape[0])
    # Not mk_malloc: of a million pieces a batch meets few, and zeros that are not touched cost nothing.
    seen = <int32_t *>calloc(<size_t>pieces + 1, sizeof(int32_t))
    if seen == NULL:
        raise MemoryError(f"no memory for {pieces} pieces")
    # The scratch of texts holds the numbers of the pieces for now.
    with nogil:
        status = mk_gather_find(&starts[0], pieces, first, places.count, seen, places.piece_of, places.row_of,
                                places.starts, &met, &bad)
        free(seen)
    if status == MK_INVALID:
        raise IndexError(bad)
    places.numbers = [places.starts[i] for i in range(met)]
    return places


def codes(str name not None, Column texts not None, Column names not None):
    """The number, from 1, of the name that each text is (uint8).  Raises `DamagedRowError`, for the column `name`,
    where one is none."""
    cdef mk_column asked = column_view(texts), known = column_view(names)
    made = np.empty(texts.length, np.uint8)
    cdef Writable out = Writable(made)
    cdef int64_t row
    with nogil:
        row = mk_gather_codes(&asked, &known, out.data)
    if row != MK_NO_ROW:
        raise DamagedRowError(name, row, "is none of the names that it can be")
    return made


@cython.internal
@cython.final
cdef class Writable:
    """The memory of an array that is being made."""
    cdef Py_buffer buffer
    cdef uint8_t *data

    def __cinit__(self, array):
        PyObject_GetBuffer(array, &self.buffer, PyBUF_WRITABLE)
        self.data = <uint8_t *>self.buffer.buf

    def __dealloc__(self):
        PyBuffer_Release(&self.buffer)


@cython.internal
@cython.final
cdef class Requests:
    """What is asked of several columns: of each its chunks in the pieces, and the rows.

    The pieces are kept by whoever asks, and their chunks by them: pieces are not changed.
    """
    cdef mk_places *places
    cdef bint *texts
    cdef const mk_chunk **chunks
    cdef bint nullable

    def __cinit__(self, Places rows, list pieces, dict kinds):
        cdef Py_ssize_t count = len(pieces), columns = len(kinds), i = 0, k
        cdef const mk_chunk **chunk
        if count != len(rows.numbers):
            raise ValueError(f"{count} pieces for {len(rows.numbers)} numbers")
        self.places = <mk_places *>mk_malloc(<size_t>columns * (sizeof(mk_places) + sizeof(bint)) + 1)
        self.chunks = <const mk_chunk **>mk_malloc(<size_t>(columns * count) * sizeof(mk_chunk *) + 1)
        if self.places == NULL or self.chunks == NULL:
            raise MemoryError
        self.texts = <bint *>(self.places + columns)
        for name, kind in kinds.items():
            chunk = self.chunks + i * count
            self.places[i] = mk_places(chunk, rows.piece_of, rows.row_of, rows.count, True)
            self.texts[i] = kind == "text"
            for k in range(count):
                self.add(&self.places[i], chunk + k, (<Piece?>pieces[k]).chunks[name], name, kind)
            i += 1

    cdef int add(self, mk_places *places, const mk_chunk **chunk, Chunk found, str name, str kind) except -1:
        if found.kind != kind:
            raise ValueError(f"the column {name!r} is {found.kind}, not {kind}")
        chunk[0] = &found.c
        places.plain = places.plain and found.c.wide and found.c.validity == NULL
        self.nullable = self.nullable or found.c.validity != NULL
        return 0

    def __dealloc__(self):
        mk_free(self.places)
        mk_free(<void *>self.chunks)
