# cython: autotestdict=False, auto_pickle=False
"""The boundary to tokens and bins: hands over columns of text and arrays, adopts what comes back."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport memset

from markovlib._columns cimport Column
from markovlib._core cimport MK_INVALID, MK_OK, Interrupts, column_view, mk_free, mk_malloc, mk_memory_fail_after

import numpy as np


cdef uint8_t nothing[1]


class UnknownLetterError(Exception):
    """Row `row` of the prompts and completions holds a character or byte without a token."""

    def __init__(self, row):
        super().__init__(row)
        self.row = row


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


@cython.final
cdef class Vocabulary:
    """Tokens of bytes or characters, of special texts, and those around prompt and completion (-1: none)."""
    cdef mk_vocabulary c
    cdef mk_special *specials
    cdef object kept

    def __cinit__(self, bint characters, ids, list specials, int32_t before, int32_t between, int32_t after):
        cdef const int32_t[::1] view = ids
        memset(&self.c, 0, sizeof(self.c))
        self.kept = (ids, specials)
        self.c.characters = characters
        self.c.ids, self.c.id_count = &view[0], view.shape[0]
        self.c.before, self.c.between, self.c.after = before, between, after
        self.specials = <mk_special *>mk_malloc(len(specials) * sizeof(mk_special) + 1)
        if self.specials == NULL:
            raise MemoryError
        for i, (text, id) in enumerate(specials):
            self.specials[i] = mk_special(<const uint8_t *>PyBytes_AS_STRING(text), len(text), id)
        self.c.specials, self.c.special_count = self.specials, len(specials)
        mk_vocabulary_open(&self.c)

    def __dealloc__(self):
        mk_free(self.specials)

    def sequences(self, Column prompts not None, Column completions):
        """The rows' tokens one after another, their offsets, and where the completions are."""
        cdef mk_column first = column_view(prompts), second
        cdef bint framed = completions is not None
        cdef Py_ssize_t rows = prompts.length, most = prompts.nbytes
        if framed:
            if completions.length != rows:
                raise ValueError(f"{rows} prompts and {completions.length} completions")
            second = column_view(completions)
            most += completions.nbytes + 3 * rows
        tokens, mask, offsets = np.empty(most + 1, np.uint16), np.empty(most + 1, np.uint8), np.empty(rows + 1, np.int64)
        cdef uint16_t[::1] token_view = tokens
        cdef uint8_t[::1] mask_view = mask
        cdef int64_t[::1] offset_view = offsets
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef size_t row = 0
        cdef mk_status status
        with nogil:
            status = mk_tokens_write(&self.c, &first, &second if framed else NULL, poll, &token_view[0], &mask_view[0],
                                     &offset_view[0], &row)
        if status == MK_INVALID:
            raise UnknownLetterError(row)
        interrupts.check(status)
        return trimmed(tokens, offset_view[rows]), offsets, trimmed(mask, offset_view[rows])


cdef object trimmed(array, Py_ssize_t used):
    """The used part: a view where little is lost by it."""
    return array[:used] if 8 * used >= 7 * len(array) else array[:used].copy()


def first_fit(const int64_t[::1] sizes, const int64_t[::1] windows, int64_t length):
    """The bin of every sequence, counted by window, or -1; and the number of bins of every window."""
    cdef Py_ssize_t count = sizes.shape[0], window_count = windows.shape[0] - 1
    bin, bins = np.empty(count + 1, np.int64), np.empty(window_count + 1, np.int64)
    cdef int64_t[::1] bin_view = bin, bins_view = bins
    cdef const int64_t *first = &sizes[0] if count else NULL
    cdef mk_status status
    with nogil:
        status = mk_pack_first_fit(first, &windows[0], window_count, length, &bin_view[0], &bins_view[0])
    if status != MK_OK:
        raise MemoryError
    return bin[:count], bins[:window_count]


def fill(ids, const uint8_t[::1] mask, const int64_t[::1] starts, const int64_t[::1] sizes, const int64_t[::1] row,
         size_t rows, size_t length, uint32_t pad):
    """The contents of bins: ids, mask, positions and documents of shape (rows, length), and sequences by row."""
    cdef mk_bins bins
    cdef size_t width = ids.itemsize, count = sizes.shape[0]
    cdef const uint8_t[::1] id_view = ids.view(np.uint8)
    made = (np.empty(rows * length + 1, ids.dtype), np.empty(rows * length + 1, np.uint8),
            np.empty(rows * length + 1, np.int32), np.empty(rows * length + 1, np.int32), np.empty(rows + 1, np.int64))
    cdef uint8_t[::1] made_ids = made[0].view(np.uint8), made_mask = made[1]
    cdef int32_t[::1] positions = made[2], documents = made[3]
    cdef int64_t[::1] held = made[4], used = np.empty(rows + 1, np.int64)
    bins.rows, bins.length = rows, length
    bins.ids, bins.mask = &made_ids[0], &made_mask[0]
    bins.positions, bins.documents = &positions[0], &documents[0]
    bins.used, bins.held = &used[0], &held[0]
    if rows and count:
        with nogil:
            mk_pack_fill(&bins, &id_view[0] if id_view.shape[0] else nothing, &mask[0] if mask.shape[0] else nothing,
                         width, &starts[0], &sizes[0], &row[0], count, pad)
    return [array[: rows * length].reshape(rows, length) for array in made[:4]] + [made[4][:rows]]


def longest(const int64_t[::1] offsets, int64_t entries):
    """The size of the longest sequence.  Raises ValueError where offsets decrease or lead outside of the entries."""
    cdef int64_t most = 0, i
    cdef bint fits = offsets.shape[0] > 0 and offsets[0] >= 0 and offsets[offsets.shape[0] - 1] <= entries
    for i in range(offsets.shape[0] - 1):
        fits = fits and offsets[i + 1] >= offsets[i]
        most = max(most, offsets[i + 1] - offsets[i])
    if not fits:
        raise ValueError("the offsets do not fit")
    return most


def pad(entries, const int64_t[::1] offsets, bint left, int64_t fill, out):
    """Fills `out`, a contiguous array of integers of shape (sequences, length), with the first `length` entries of each
    sequence and `fill`.  `entries` are uint8, uint16 or uint32; None: every entry is 1."""
    cdef mk_sequences sequences
    cdef const uint8_t[::1] entry_view
    cdef uint8_t[::1] out_view
    cdef size_t length = out.shape[1], width = out.itemsize
    if out.size == 0:
        return
    sequences.entries, sequences.width = NULL, 1
    if entries is not None:
        sequences.width = entries.itemsize
        entry_view = entries.view(np.uint8)
        sequences.entries = &entry_view[0] if entry_view.shape[0] else nothing
    sequences.offsets, sequences.count = &offsets[0], offsets.shape[0] - 1
    out_view = out.reshape(-1).view(np.uint8)
    with nogil:
        mk_pad(&sequences, length, left, fill, &out_view[0], width)
