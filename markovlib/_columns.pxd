# A packed column: flat bytes plus int64 offsets, the Arrow large_utf8 / large_binary layout.
from libc.stdint cimport int64_t, uint8_t


cdef class Column:
    cdef const uint8_t *data        # row i is data[offsets[i] : offsets[i + 1]]
    cdef const int64_t *offsets     # length + 1 entries; offsets[0] need not be 0
    cdef Py_ssize_t length          # rows
    cdef readonly bint text         # rows are UTF-8 text (str) rather than bytes
    cdef object owner               # keeps the memory alive


# A column over memory from mk_malloc, which it frees when it dies (also when this call raises).
cdef Column column_adopt(uint8_t *data, int64_t *offsets, Py_ssize_t length, bint text)

# A column over memory that `owner` keeps alive.
cdef Column column_borrow(const uint8_t *data, const int64_t *offsets, Py_ssize_t length, bint text, object owner)

# Words of any accepted kind as a column; `text` is True, False or None (what comes).
cpdef Column as_column(object words, object text=*)
