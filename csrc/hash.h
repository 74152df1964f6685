/* hash.h - hashes of words that can be put together: that of xy follows from those of x and y.
 *
 * A word is a polynomial whose coefficients are its letters, and its hash the value at one point modulo 2^61 - 1 (R. M.
 * Karp and M. O. Rabin, "Efficient randomized pattern-matching algorithms", IBM J. Res. Dev. 31, 1987).  Two words of
 * one length with different hashes differ.  Those with the same hash may still do so, so nobody takes them for equal. */
#ifndef MK_HASH_H
#define MK_HASH_H

#include "markov.h"

__extension__ typedef unsigned __int128 mk_hash_product;

typedef struct {
    uint64_t value;
    uint64_t power; /* of the point, as high as the word is long */
} mk_hash;

#define MK_HASH_EMPTY ((mk_hash){0, 1})
#define MK_HASH_MODULUS (((uint64_t)1 << 61) - 1)

static inline uint64_t mk_hash_reduce(mk_hash_product n)
{
    uint64_t folded = (uint64_t)(n & MK_HASH_MODULUS) + (uint64_t)(n >> 61);
    folded = (folded & MK_HASH_MODULUS) + (folded >> 61);
    return folded >= MK_HASH_MODULUS ? folded - MK_HASH_MODULUS : folded;
}

static inline mk_hash mk_hash_join(mk_hash left, mk_hash right)
{
    return (mk_hash){
        mk_hash_reduce((mk_hash_product)left.value * right.power + right.value),
        mk_hash_reduce((mk_hash_product)left.power * right.power),
    };
}

mk_hash mk_hash_bytes(const uint8_t *bytes, size_t length);

#endif
