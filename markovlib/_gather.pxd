# Rows of pieces, as Cython sees them.
from libc.stdint cimport int32_t, int64_t, uint8_t

from markovlib._core cimport mk_bool, mk_column, mk_status


cdef extern from "gather.h" nogil:
    ctypedef struct mk_chunk:
        const uint8_t *validity
        const uint8_t *offsets
        const uint8_t *values
        int64_t first
        int64_t rows
        int64_t size
        mk_bool wide

    ctypedef struct mk_places:
        const mk_chunk *const *chunks
        const int32_t *pieces
        const int64_t *rows
        int64_t count
        mk_bool plain

    mk_status mk_gather_find(const int64_t *starts, int64_t piece_count, const int64_t *indices, int64_t count,
                             int32_t *seen, int32_t *pieces, int64_t *rows, int64_t *numbers, int64_t *met,
                             int64_t *bad)
    mk_bool mk_gather_measure(const mk_places *places, int64_t *starts, int64_t *offsets, int64_t *bad)
    void mk_gather_texts(const mk_places *places, const mk_places *next, const int64_t *starts,
                         const int64_t *offsets, uint8_t *out)
    void mk_gather_items(const mk_places *places, const int64_t *starts, const int64_t *offsets, int32_t *pieces,
                         int64_t *rows)
    void mk_gather_valid(const mk_places *places, uint8_t *valid)
    void mk_gather_numbers(const mk_places *places, size_t width, void *out)
    void mk_gather_bits(const mk_places *places, uint8_t *out)
    int64_t mk_gather_codes(const mk_column *texts, const mk_column *names, uint8_t *codes)
