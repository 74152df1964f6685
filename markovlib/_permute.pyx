# cython: autotestdict=False, auto_pickle=False
"""The boundary to the counter-based generator and to keyed permutations of numbers and strings."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING

from markovlib._core cimport MK_OK, mk_simd_force

import numpy as np


def philox(key, counter):
    cdef mk_philox_block block = mk_philox(key_of(key), counter[0], counter[1], counter[2], counter[3])
    return (block.word[0], block.word[1], block.word[2], block.word[3])


def simd_force(name):
    """Chooses the vector instructions of this module's engine (None: the best); False if this CPU lacks them.  For
    tests."""
    if name is None:
        return mk_simd_force(NULL)
    cdef bytes encoded = name.encode()
    return mk_simd_force(encoded)


def permute_strings(key, uint32_t letters, list strings):
    """The images of strings of one length, of digits below `letters`, all computed together."""
    cdef bytearray room = bytearray(b"".join(strings))
    cdef Py_ssize_t length = len(strings[0])
    cdef mk_string first
    first.key, first.letters, first.length = key_of(key), letters, length
    first.digits = <uint8_t *>PyByteArray_AS_STRING(room)
    if any(len(string) != length for string in strings) or max(room, default=0) >= letters:
        raise ValueError("not strings of one length below `letters`")
    mk_string_permute_many(first, length, len(strings))
    return [bytes(room[i * length : (i + 1) * length]) for i in range(len(strings))]


@cython.final
cdef class Permutation:
    cdef mk_permutation c

    def __cinit__(self, key, uint64_t size, bint tabulate=False):
        if not 1 <= size < 1 << 62:
            raise ValueError(f"size must be in [1, 2**62), got {size}")
        mk_permutation_open(&self.c, key_of(key), size)
        if tabulate and mk_permutation_tabulate(&self.c) != MK_OK:
            raise MemoryError

    def __dealloc__(self):
        mk_permutation_close(&self.c)

    def __len__(self):
        return self.c.size

    def __getitem__(self, uint64_t x):
        if x >= self.c.size:
            raise IndexError(x)
        return mk_permutation_at(&self.c, x)

    def images(self, numbers):
        """The images of numbers, computed together, as an array of int64."""
        made = np.array(numbers, np.int64)
        cdef uint64_t[::1] images = made.view(np.uint64)
        cdef Py_ssize_t i, count = images.shape[0]
        for i in range(count):
            if images[i] >= self.c.size:
                raise IndexError(numbers[i])
        if count:
            with nogil:
                mk_permutation_many(&self.c, &images[0], count)
        return made

    def index(self, uint64_t y):
        if y >= self.c.size:
            raise ValueError(y)
        return mk_permutation_inverse(&self.c, y)


@cython.final
cdef class Part:
    cdef mk_part c

    def __cinit__(self, key, uint64_t axis, uint32_t letters, uint32_t length, uint64_t form=0):
        mk_part_open(&self.c, key_of(key), axis, form, letters, length)

    cdef bytearray copy(self, bytes digits):
        if len(digits) != self.c.length or any(digit >= self.c.letters for digit in digits):
            raise ValueError("not a string of this space")
        return bytearray(digits)

    def permute(self, bytes digits):
        cdef bytearray out = self.copy(digits)
        mk_part_permute(&self.c, <uint8_t *>PyByteArray_AS_STRING(out))
        return bytes(out)

    def permute_back(self, bytes digits):
        cdef bytearray out = self.copy(digits)
        mk_part_permute_back(&self.c, <uint8_t *>PyByteArray_AS_STRING(out))
        return bytes(out)
