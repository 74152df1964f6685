# cython: autotestdict=False, auto_pickle=False
"""The boundary to the samplers of words: one word of the stream after another, for those who draw words alone."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from markovlib._core cimport MK_INVALID, MK_NO_MEMORY, MK_OK, mk_free, mk_malloc, mk_memory_fail_after, mk_status
from markovlib._permute cimport key_of


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


cdef mk_needle needle_of(bytes pattern):
    return mk_needle_make(<const uint8_t *>PyBytes_AS_STRING(pattern), len(pattern))


cdef int check(mk_status status) except -1:
    if status == MK_INVALID:
        raise ValueError("no such word")
    if status != MK_OK:
        raise MemoryError
    return 0


@cython.final
cdef class Uniform:
    """Words that hold a pattern so and so often, all equally likely (csrc/uniform.h).  Letters are codes."""
    cdef mk_uniform c
    cdef bint opened
    cdef readonly uint32_t letters, longest_pattern, occurrences
    cdef readonly size_t longest

    def __cinit__(self, uint32_t letters, uint32_t longest_pattern, uint32_t occurrences, size_t longest):
        if not 2 <= letters <= 256:
            raise ValueError(f"letters must be in [2, 256], got {letters}")
        check(mk_uniform_open(&self.c, letters, longest_pattern, occurrences, longest))
        self.opened = True
        self.letters, self.longest_pattern = letters, longest_pattern
        self.occurrences, self.longest = max(occurrences, 1), longest

    def __dealloc__(self):
        if self.opened:
            mk_uniform_close(&self.c)

    cdef uint32_t limits(self, bytes pattern, occurrences, size_t length) except? 0:
        if len(pattern) > self.longest_pattern or length > self.longest:
            raise ValueError("longer than the sampler was opened for")
        if any(letter >= self.letters for letter in pattern):
            raise ValueError("not a pattern of these letters")
        if occurrences is not None and not 0 <= occurrences <= self.occurrences:
            raise ValueError("more occurrences than the sampler was opened for")
        return MK_AT_LEAST_ONE if occurrences is None else occurrences

    def words(self, bytes pattern, occurrences, size_t length, key, uint64_t start=0, size_t count=1):
        """The words of `count` streams from (block 0, index start, split 0) on, end to end; occurrences None: at
        least one.  Also the first random number that the last one left."""
        cdef uint32_t exactly = self.limits(pattern, occurrences, length)
        cdef mk_needle needle = needle_of(pattern)
        cdef bytes out = PyBytes_FromStringAndSize(NULL, length * count)
        cdef uint8_t *word = <uint8_t *>PyBytes_AS_STRING(out)
        cdef mk_philox_key c_key = key_of(key)
        cdef mk_status status = MK_OK
        cdef mk_draws draws
        cdef size_t i
        memset(&draws, 0, sizeof(draws))
        with nogil:
            for i in range(count):
                mk_draws_open(&draws, c_key, 0, start + i, 0)
                status = mk_uniform_word(&self.c, &draws, &needle, exactly, word + i * length, length)
                if status != MK_OK:
                    break
        check(status)
        return out, mk_draws_word(&draws)

    def count(self, bytes pattern, occurrences, size_t length):
        """How many such words there are: (mantissa, exponent of two)."""
        cdef uint32_t exactly = self.limits(pattern, occurrences, length)
        cdef mk_needle needle = needle_of(pattern)
        cdef mk_count count
        check(mk_uniform_count(&self.c, &needle, exactly, length, &count))
        return count.mantissa, count.exponent

    def least(self, bytes pattern, occurrences):
        """The fewest letters of such a word."""
        cdef uint32_t exactly = self.limits(pattern, occurrences, 0)
        cdef mk_needle needle = needle_of(pattern)
        cdef size_t least
        check(mk_uniform_least(&self.c, &needle, exactly, &least))
        return least


@cython.final
cdef class Several:
    """Words in which one of several ordered patterns fires, or none, and near misses (csrc/several.h, nearmiss.h)."""
    cdef mk_several c
    cdef bint opened
    cdef mk_needle *needles
    cdef object patterns                # keeps their bytes
    cdef readonly uint32_t letters
    cdef readonly size_t longest

    def __cinit__(self, uint32_t letters, patterns, size_t longest):
        self.patterns = [bytes(pattern) for pattern in patterns]
        if not 2 <= letters <= 256:
            raise ValueError(f"letters must be in [2, 256], got {letters}")
        if any(letter >= letters for pattern in self.patterns for letter in pattern):
            raise ValueError("not patterns of these letters")
        self.letters, self.longest = letters, longest
        check(mk_several_open(&self.c, letters, sum(map(len, self.patterns)), longest))
        self.opened = True
        self.needles = <mk_needle *>mk_malloc(len(self.patterns) * sizeof(mk_needle))
        if self.needles == NULL:
            raise MemoryError
        for i, pattern in enumerate(self.patterns):
            self.needles[i] = needle_of(pattern)
        mk_several_patterns(&self.c, self.needles, len(self.patterns))

    def __dealloc__(self):
        mk_free(self.needles)
        if self.opened:
            mk_several_close(&self.c)

    cdef size_t number(self, which, size_t length) except? 0:
        if length > self.longest:
            raise ValueError("longer than the sampler was opened for")
        if which is not None and not 0 <= which < len(self.patterns):
            raise IndexError(which)
        return len(self.patterns) if which is None else which

    def words(self, fires, bint planted, size_t length, key, uint64_t start=0, size_t count=1):
        """As Uniform.words: pattern number `fires` does so (None: no pattern occurs)."""
        cdef mk_word_law law = MK_UNIFORM_STARTS if planted else MK_UNIFORM_WORDS
        return self.draw(self.number(fires, length), law, 0, length, key, start, count)

    def near_misses(self, size_t which, uint32_t edits, size_t length, key, uint64_t start=0, size_t count=1):
        """As Uniform.words: no pattern occurs, but one that differs from that one in so many letters."""
        if edits < 1:
            raise ValueError("no edits")
        return self.draw(self.number(which, length), MK_UNIFORM_WORDS, edits, length, key, start, count)

    cdef object draw(self, size_t which, mk_word_law law, uint32_t edits, size_t length, key, uint64_t start,
                     size_t count):
        cdef bytes out = PyBytes_FromStringAndSize(NULL, length * count)
        cdef uint8_t *word = <uint8_t *>PyBytes_AS_STRING(out)
        cdef mk_philox_key c_key = key_of(key)
        cdef mk_status status = MK_OK
        cdef mk_draws draws
        cdef size_t i
        memset(&draws, 0, sizeof(draws))
        with nogil:
            for i in range(count):
                mk_draws_open(&draws, c_key, 0, start + i, 0)
                if edits:
                    status = mk_near_miss_word(&self.c, &draws, which, edits, word + i * length, length)
                else:
                    status = mk_several_word(&self.c, &draws, which, law, word + i * length, length)
                if status != MK_OK:
                    break
        check(status)
        return out, mk_draws_word(&draws)

    def count(self, fires, size_t length):
        """How many words there are in which that pattern fires: (mantissa, exponent of two)."""
        cdef mk_count count
        check(mk_several_count(&self.c, self.number(fires, length), length, &count))
        return count.mantissa, count.exponent
