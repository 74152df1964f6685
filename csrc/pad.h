/* pad.h - sequences as rows of one length, filled up on one side. */
#ifndef MK_PAD_H
#define MK_PAD_H

#include "markov.h"

/* Sequence i is entries [offsets[i], offsets[i + 1]), unsigned numbers of `width` bytes, 1, 2 or 4; where `entries` is
 * NULL, every entry is 1. */
typedef struct {
    const void *entries;
    size_t width;
    const int64_t *offsets;
    size_t count;
} mk_sequences;

/* Writes a row of `length` numbers of `width` bytes, 1, 2, 4 or 8, for each sequence: its first `length` entries, and
 * `fill` behind them, or before them where `left`.  O(rows * length). */
void mk_pad(const mk_sequences *sequences, size_t length, bool left, int64_t fill, void *out, size_t width);

#endif
