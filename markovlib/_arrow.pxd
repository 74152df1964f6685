# The Arrow C data interface: arrays of words from other libraries, and columns handed to them.
from libc.stdint cimport int64_t, uint8_t


cdef extern from "arrow.h" nogil:
    struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void **buffers
        ArrowArray **children
        ArrowArray *dictionary
        void (*release)(ArrowArray *) noexcept
        void *private_data
    ctypedef struct mk_arrow_type:
        bint text
    ctypedef struct mk_arrow_chunk:
        int64_t length
    bint mk_arrow_chunk_borrow(const mk_arrow_chunk *chunk, const uint8_t **data)
    bint mk_arrow_chunk_offsets(const mk_arrow_chunk *chunk, int64_t bytes, int64_t *offsets)
    bint mk_arrow_chunk_copy(const mk_arrow_chunk *chunk, int64_t bytes, uint8_t *data, int64_t *offsets)


# One array that a producer handed over, its rows checked; released once, when its last owner dies.
cdef class Chunk:
    cdef ArrowArray array
    cdef mk_arrow_chunk words
    cdef int64_t bytes      # of all words together


# The chunks of an object with __arrow_c_array__ or __arrow_c_stream__, in order; *text says of what kind.
cdef list array_chunks(object words, bint *text)
cdef list stream_chunks(object words, bint *text)

# Capsules that describe and export words in memory that `owner` keeps alive.
cdef object schema_capsule(bint text)
cdef object array_capsule(const uint8_t *data, const int64_t *offsets, int64_t length, object owner)
