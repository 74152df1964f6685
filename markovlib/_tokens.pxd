# Tokens and bins, as Cython sees them.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from markovlib._core cimport mk_bool, mk_column, mk_poll, mk_status


cdef extern from "tokens.h" nogil:
    ctypedef struct mk_special:
        const uint8_t *text
        size_t length
        uint16_t id

    ctypedef struct mk_vocabulary:
        mk_bool characters
        const int32_t *ids
        size_t id_count
        const mk_special *specials
        size_t special_count
        int32_t before
        int32_t between
        int32_t after

    void mk_vocabulary_open(mk_vocabulary *vocabulary)
    mk_status mk_tokens_write(const mk_vocabulary *vocabulary, const mk_column *prompts, const mk_column *completions,
                              mk_poll poll, uint16_t *ids, uint8_t *mask, int64_t *offsets, size_t *row)


cdef extern from "pack.h" nogil:
    mk_status mk_pack_first_fit(const int64_t *sizes, const int64_t *windows, size_t window_count, int64_t length,
                                int64_t *bin, int64_t *bins)

    ctypedef struct mk_bins:
        size_t rows
        size_t length
        void *ids
        uint8_t *mask
        int32_t *positions
        int32_t *documents
        int64_t *used
        int64_t *held

    void mk_pack_fill(const mk_bins *bins, const void *ids, const uint8_t *mask, size_t width, const int64_t *starts,
                      const int64_t *sizes, const int64_t *row, size_t count, uint32_t pad)


cdef extern from "pad.h" nogil:
    ctypedef struct mk_sequences:
        const void *entries
        size_t width
        const int64_t *offsets
        size_t count

    void mk_pad(const mk_sequences *sequences, size_t length, mk_bool left, int64_t fill, void *out, size_t width)
