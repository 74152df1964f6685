# Philox and keyed permutations, as Cython sees them.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from markovlib._core cimport mk_status


cdef extern from "philox.h" nogil:
    ctypedef struct mk_philox_key:
        uint64_t word[2]

    ctypedef struct mk_philox_block:
        uint64_t word[4]

    mk_philox_block mk_philox(mk_philox_key key, uint64_t block, uint64_t index, uint64_t split, uint64_t axis)


cdef extern from "permute.h" nogil:
    ctypedef struct mk_permutation:
        uint64_t size

    void mk_permutation_open(mk_permutation *p, mk_philox_key key, uint64_t size)
    mk_status mk_permutation_tabulate(mk_permutation *p)
    uint64_t mk_permutation_at(const mk_permutation *p, uint64_t x)
    uint64_t mk_permutation_inverse(const mk_permutation *p, uint64_t y)
    void mk_permutation_many(const mk_permutation *p, uint64_t *numbers, size_t count)
    void mk_permutation_close(mk_permutation *p)

    ctypedef struct mk_string:
        mk_philox_key key
        uint32_t letters
        uint8_t *digits
        size_t length

    void mk_string_permute_many(mk_string string, size_t stride, size_t count)


cdef extern from "space.h" nogil:
    ctypedef struct mk_part:
        uint32_t letters
        uint32_t length

    void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint64_t form, uint32_t letters,
                      uint32_t length)
    void mk_part_permute(const mk_part *part, uint8_t *digits)
    void mk_part_permute_back(const mk_part *part, uint8_t *digits)


cdef inline mk_philox_key key_of(key) except *:
    cdef mk_philox_key c
    c.word[0], c.word[1] = key
    return c
