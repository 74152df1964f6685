/* permute.h - keyed permutations that can be evaluated at any point, forwards and backwards.
 *
 * Of numbers: a shuffle up to 256 of them; above, a Feistel network on a grid of ceil(sqrt n) rows, with
 * cycle-walking over the few cells outside [0, n).  Of strings too many to number: a Feistel network on the two
 * halves of the string, in the manner of NIST's FF1 but with letter-wise addition.
 *
 * M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988;
 * J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", 2002 (cycle-walking, mixed radices).
 */
#ifndef MK_PERMUTE_H
#define MK_PERMUTE_H

#include "philox.h"

#define MK_SHUFFLED_MAX 256        /* sizes up to this one are shuffled outright */
#define MK_PERMUTATION_ROUNDS 8    /* of the network on numbers */
#define MK_STRING_ROUNDS 10        /* of the network on strings */
#define MK_STRING_MIXES 6          /* rounds of Philox in each of those; see docs/stream.md */
#define MK_PERMUTATION_MAX ((uint64_t)1 << 62)

/* A permutation of [0, size).  All zero is a closed one.  Read-only once opened, so threads may share it. */
typedef struct {
    mk_philox_key key;
    uint64_t size;
    uint64_t rows, columns;        /* the grid; cell x is (x / columns, x % columns) */
    bool tabulated;
    uint16_t *table;               /* the round functions' values, round after round */
    size_t capacity;
    uint8_t shuffled[MK_SHUFFLED_MAX];
} mk_permutation;

/* Opens the permutation of [0, size) of that key, 1 <= size < 2^62, keeping the memory of an earlier one. */
void mk_permutation_open(mk_permutation *p, mk_philox_key key, uint64_t size);

/* Makes evaluation quick at the cost of 16 * sqrt(size) bytes; the values stay what they were.  Does nothing
 * where it would not pay (sizes that are shuffled, sizes near 2^32 and above).  On MK_NO_MEMORY the permutation
 * still works untabulated. */
mk_status mk_permutation_tabulate(mk_permutation *p);

/* The image of x, x < size, and the x whose image is y.  At most a few Philox blocks a round. */
uint64_t mk_permutation_at(const mk_permutation *p, uint64_t x);
uint64_t mk_permutation_inverse(const mk_permutation *p, uint64_t y);

/* The images of `count` numbers, in place of them; quicker than one after the other. */
void mk_permutation_many(const mk_permutation *p, uint64_t *numbers, size_t count);

void mk_permutation_close(mk_permutation *p);

/* A string of `length` digits below `letters` (2 <= letters <= 256), and the key of a permutation of all of them. */
typedef struct {
    mk_philox_key key;
    uint32_t letters;
    uint8_t *digits;
    size_t length;
} mk_string;

/* Permutes the string in place, and back. */
void mk_string_permute(mk_string string);
void mk_string_permute_back(mk_string string);

/* Two strings that do not overlap; quicker than one after the other. */
void mk_string_permute_both(mk_string first, mk_string second);

/* That string and the next ones, each `stride` bytes behind the one before, stride >= length: `count` in all.  A dozen
 * strings of up to 48 digits take, with vectors, a fraction of the time that they take one after the other. */
void mk_string_permute_many(mk_string string, size_t stride, size_t count);

#endif
