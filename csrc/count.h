/* count.h - how many words there are: numbers far beyond 2^64, kept to their 64 leading bits, rounded down.
 *
 * A sum or a multiple of counts is too small by a relative error below 2^-63, whatever their size, and never too large;
 * no count that is not 0 becomes 0.  Everything is whole-number arithmetic, so that it is the same on every machine.
 */
#ifndef MK_COUNT_H
#define MK_COUNT_H

#include "philox.h"

/* mantissa * 2^exponent; the mantissa is at least 2^63, or 0 in the count 0.  A word of 2^24 letters of 256 has an
 * exponent below 2^28. */
typedef struct {
    uint64_t mantissa;
    int32_t exponent;
} mk_count;

#define MK_COUNT_ZERO ((mk_count){0, 0})
#define MK_COUNT_ONE ((mk_count){(uint64_t)1 << 63, -63})

/* The count in units of 2^exponent, rounded down; exponent is at least the count's. */
static inline uint64_t mk_count_in_units(mk_count count, int32_t exponent)
{
    int32_t shift = exponent - count.exponent;
    return count.mantissa && shift < 64 ? count.mantissa >> shift : 0;
}

static inline mk_count mk_count_add(mk_count a, mk_count b)
{
    if (!a.mantissa || (b.mantissa && b.exponent > a.exponent)) {
        mk_count kept = a;
        a = b;
        b = kept;
    }
    uint64_t sum = a.mantissa + mk_count_in_units(b, a.exponent);
    if (sum < a.mantissa)
        return (mk_count){sum >> 1 | (uint64_t)1 << 63, a.exponent + 1};
    return (mk_count){sum, a.exponent};
}

static inline mk_count mk_count_times(mk_count count, uint32_t factor)
{
    if (!factor || !count.mantissa)
        return MK_COUNT_ZERO;
    mk_u128 product = (mk_u128)count.mantissa * factor;
    uint64_t high = (uint64_t)(product >> 64);
    int shift = high ? 64 - __builtin_clzll(high) : 0;
    return (mk_count){(uint64_t)(product >> shift), count.exponent + shift};
}

#endif
