/* permute_lanes.h - many blocks of Philox, and many strings on their way through the string permutation, side by side.
 *
 * A block is a chain of ten dependent rounds, a permuted string one of sixty, so a processor that takes one after
 * the other mostly waits.
 */
#ifndef MK_PERMUTE_LANES_H
#define MK_PERMUTE_LANES_H

#include "permute.h"

enum { MK_PERMUTE_LANES = 32, MK_HALF_WORDS = 3 };

#define MK_HALF_DIGITS (8 * MK_HALF_WORDS)

/* Digit i of a half is byte i % 8, counted from the lowest, of word i / 8; bytes behind the half's length are 0. */
typedef struct {
    mk_philox_key key;
    uint32_t letters;
    size_t length[2];            /* of the halves: 1 .. MK_HALF_DIGITS digits */
    uint64_t half[2][MK_HALF_WORDS][MK_PERMUTE_LANES];
} mk_permute_lanes;

/* Makes counters the blocks of that key: word w of lane i is words[w][i]. */
typedef void mk_philox_kernel(mk_philox_key key, uint64_t (*words)[MK_PERMUTE_LANES]);

/* Permutes the strings in the first `count` lanes, and may permute what lies in the others. */
typedef void mk_permute_kernel(mk_permute_lanes *lanes, size_t count);

mk_philox_kernel mk_philox_scalar;
mk_permute_kernel mk_permute_scalar;
#if defined(__x86_64__)
mk_philox_kernel mk_philox_avx2, mk_philox_avx512;
mk_permute_kernel mk_permute_avx2, mk_permute_avx512;
#endif

#endif
