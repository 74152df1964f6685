/* draws.h - the randomness of one attempt at one example: 64-bit words of a Philox stream, taken in order. */
#ifndef MK_DRAWS_H
#define MK_DRAWS_H

#include "permute_lanes.h"

#define MK_PAIRS 1024                /* two letters of a small alphabet are drawn as one number */
#define MK_DRAWS_AHEAD 8             /* words of an example that are drawn ahead */

/* Letters are drawn several at a time: one word w gives the letters w * r / 2^64, then the low half of that product
 * times r again, and so on, k times.  The word is refused if the last low half is below 2^64 mod r^k; what is left is
 * exactly uniform (N. Brackett-Rozinsky, D. Lemire, "Batched ranged random integer generation", 2024).  k is the
 * largest number with r^k <= 2^48, so that fewer than one word in 2^16 is refused. */
typedef struct {
    uint32_t letters;            /* r, 2 .. 256 */
    uint32_t group;              /* k */
    uint64_t group_threshold;    /* 2^64 mod r^k */
    uint64_t single_threshold;   /* 2^64 mod r */
    uint8_t pair[MK_PAIRS][2];   /* the digits of the numbers below r^2, if r^2 <= MK_PAIRS */
} mk_alphabet;

mk_alphabet mk_alphabet_make(uint32_t letters);

/* Not to be copied: it may point into itself. */
typedef struct {
    mk_philox_key key;
    uint64_t next_block, index, split;
    const uint64_t *words;       /* those that are left are at `at`, at + stride, ... below `end` */
    size_t at, end, stride;
    uint64_t block[8];
} mk_draws;

/* Starts the stream of attempt number `attempt` (below 2^31) at example `index`. */
void mk_draws_open(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt);

/* The first words of attempt 0 at the examples from `index` on: word w of example index + i is words[w][i].  Quick for
 * being computed together. */
typedef uint64_t mk_words_ahead[MK_DRAWS_AHEAD][MK_PERMUTE_LANES];
void mk_draws_ahead(mk_philox_key key, uint64_t split, uint64_t index, mk_words_ahead words);

/* As mk_draws_open for attempt 0, with those words of example index = first + i, which are borrowed. */
void mk_draws_open_ahead(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, mk_words_ahead words,
                         size_t i);

/* Makes the words of the next two blocks those that are left: they are computed together in the time of one. */
void mk_draws_block(mk_draws *draws);

/* The next word. */
static inline uint64_t mk_draws_word(mk_draws *draws)
{
    if (draws->at >= draws->end)
        mk_draws_block(draws);
    uint64_t word = draws->words[draws->at];
    draws->at += draws->stride;
    return word;
}

/* A number below `range`, from one word by multiply-high (bias below range / 2^64). */
static inline uint64_t mk_draws_below(mk_draws *draws, uint64_t range)
{
    return mk_multiply_high(mk_draws_word(draws), range);
}

/* One letter, from a word of its own. */
uint8_t mk_draws_letter(mk_draws *draws, const mk_alphabet *alphabet);

/* `count` letters, in groups of k; those of the last group that are not needed are dropped. */
void mk_draws_letters(mk_draws *draws, const mk_alphabet *alphabet, uint8_t *out, size_t count);

#endif
