# The samplers of words, as Cython sees them.
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from markovlib._core cimport mk_bool, mk_status
from markovlib._permute cimport mk_philox_key


cdef extern from "search.h" nogil:
    ctypedef struct mk_needle:
        pass

    mk_needle mk_needle_make(const uint8_t *pattern, size_t length)


cdef extern from "draws.h" nogil:
    ctypedef struct mk_draws:
        pass

    void mk_draws_open(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt)
    uint64_t mk_draws_word(mk_draws *draws)


cdef extern from "count.h" nogil:
    ctypedef struct mk_count:
        uint64_t mantissa
        int32_t exponent


cdef extern from "uniform.h" nogil:
    enum:
        MK_AT_LEAST_ONE

    ctypedef struct mk_uniform:
        pass

    mk_status mk_uniform_open(mk_uniform *uniform, uint32_t letters, uint32_t longest_pattern, uint32_t occurrences,
                              size_t longest)
    void mk_uniform_close(mk_uniform *uniform)
    mk_status mk_uniform_word(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, uint32_t occurrences,
                              uint8_t *word, size_t length)
    mk_status mk_uniform_count(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t length,
                               mk_count *count)
    mk_status mk_uniform_least(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t *least)


cdef extern from "several.h" nogil:
    ctypedef enum mk_word_law:
        MK_UNIFORM_WORDS
        MK_UNIFORM_STARTS

    ctypedef struct mk_several:
        pass

    mk_status mk_several_open(mk_several *several, uint32_t letters, size_t pattern_letters, size_t longest)
    void mk_several_close(mk_several *several)
    void mk_several_patterns(mk_several *several, const mk_needle *patterns, size_t count)
    mk_status mk_several_word(mk_several *several, mk_draws *draws, size_t fires, mk_word_law law, uint8_t *word,
                              size_t length)
    mk_status mk_several_count(mk_several *several, size_t fires, size_t length, mk_count *count)


cdef extern from "nearmiss.h" nogil:
    mk_status mk_near_miss_word(mk_several *several, mk_draws *draws, size_t which, uint32_t edits, uint8_t *word,
                                size_t length)
