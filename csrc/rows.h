/* rows.h - one step of one rule a row, for short rows: the loop, and the vector kernels that fill it, in arch/. */
#ifndef MK_ROWS_H
#define MK_ROWS_H

#include <string.h>

#include "markov.h"

/* A short row: no side of its rule, and not its word, has more bytes.  Kernels copy and compare as many at once. */
#define MK_ROW_BLOCK ((size_t)64)

/* A column as the kernels read it. */
typedef struct {
    const uint8_t *data;
    const int64_t *offsets;
    int64_t readable; /* data[offsets[0], readable) may be read, whichever row it belongs to */
    size_t stride;    /* 0: the first row serves all */
} mk_row_side;

typedef struct {
    mk_row_side patterns, replacements, words;
    int64_t *positions;
    int64_t *ends; /* of the words that are made, in the sink */
    bool located;  /* the positions are known */
} mk_row_job;

/* Words that are made, one after the other; without bytes they are only measured. */
typedef struct {
    uint8_t *bytes;
    size_t length, capacity;
} mk_row_sink;

/* Rewrites rows from `first` on and gives the row it stopped before: `last`, or the first one that is not short, that
 * has an empty pattern, that lies so near to the end of its column that a block cannot be read, or for which the sink
 * may lack MK_ROW_ROOM bytes.  What lies in the sink behind its length is overwritten. */
typedef size_t mk_row_kernel(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink);

#define MK_ROW_ROOM (3 * MK_ROW_BLOCK)

mk_row_kernel mk_rows_scalar;
#if defined(__x86_64__)
mk_row_kernel mk_rows_avx2, mk_rows_avx512;
#elif defined(__aarch64__)
mk_row_kernel mk_rows_neon;
#endif

/* The leftmost occurrence of pattern[0, m) in word[0, n), or SIZE_MAX; m from 1 to a block, n up to a block.  A block
 * of the pattern and two of the word can be read. */
typedef size_t mk_row_find(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m);

#define MK_ROW_INLINE static inline __attribute__((always_inline))

/* Finds with an instruction set's two comparisons of blocks: bit i of letters(a, x) says that a[i] is x, bit i of
 * differ(a, b) that a[i] is not b[i].  All starts at once are tested for three letters of the pattern; what is left is
 * compared whole.  There is one turn, without a branch on whether anything was found, unless that comparison fails. */
MK_ROW_INLINE size_t mk_row_find_with(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m,
                                      uint64_t (*letters)(const uint8_t *, uint8_t),
                                      uint64_t (*differ)(const uint8_t *, const uint8_t *))
{
    size_t middle = m / 2, last = m - 1;
    uint64_t starts = n < m ? 0 : ~(uint64_t)0 >> (63 - (n - m)), whole = ~(uint64_t)0 >> (64 - m);
    starts &= letters(word, pattern[0]) & letters(word, pattern[middle]) >> middle &
              letters(word, pattern[last]) >> last;
    for (;; starts &= starts - 1) {
        uint64_t any = 0 - (uint64_t)(starts != 0);
        size_t at = (size_t)__builtin_ctzll(starts | (uint64_t)1 << 63);
        if (__builtin_expect((differ(word + at, pattern) & whole & any) == 0, 1))
            return at | (size_t)~any;
    }
}

MK_ROW_INLINE void mk_row_copy(uint8_t *to, const uint8_t *from)
{
    typedef uint8_t block __attribute__((vector_size(MK_ROW_BLOCK), aligned(1), may_alias));
    *(block *)to = *(const block *)from;
}

/* The body of every kernel.  Whether a pattern occurs cannot be foretold, so that nothing branches on it: a row
 * without an occurrence has nothing removed and nothing inserted at 0. */
MK_ROW_INLINE size_t mk_rows_rewrite(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink,
                                     mk_row_find *find)
{
    mk_row_side patterns = job->patterns, replacements = job->replacements, words = job->words;
    int64_t block = (int64_t)MK_ROW_BLOCK, *positions = job->positions, *ends = job->ends;
    uint8_t *bytes = sink->bytes;
    bool located = job->located;
    size_t capacity = sink->capacity, length = sink->length, row = first;
    for (; row < last && capacity - length >= MK_ROW_ROOM; row++) {
        const int64_t *w = words.offsets + row, *p = patterns.offsets + row * patterns.stride;
        const int64_t *r = replacements.offsets + row * replacements.stride;
        int64_t n = w[1] - w[0], m = p[1] - p[0], inserted = r[1] - r[0];
        /* Negative if any of these is. */
        if (((words.readable - w[0] - 2 * block) | (patterns.readable - p[0] - block) |
             (replacements.readable - r[0] - block) | (block - n) | (m - 1) | (block - m) | (block - inserted)) < 0)
            break;
        const uint8_t *word = words.data + w[0];
        size_t at = located ? (size_t)positions[row] : find(word, (size_t)n, patterns.data + p[0], (size_t)m);
        size_t occurs = (size_t)0 - (at != SIZE_MAX);
        size_t before = at & occurs, removed = (size_t)m & occurs, added = (size_t)inserted & occurs;
        if (bytes) {
            uint8_t *to = bytes + length;
            mk_row_copy(to, word);
            mk_row_copy(to + before, replacements.data + r[0]);
            mk_row_copy(to + before + added, word + before + removed);
        }
        positions[row] = (int64_t)at;
        length += (size_t)n - removed + added;
        ends[row] = (int64_t)length;
    }
    sink->length = length;
    return row;
}

#endif
