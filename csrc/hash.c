#include "hash.h"

/* Any number will do that has no short relations with its powers. */
#define POINT ((uint64_t)0x12c8f5d1a4b39e67)

enum { BLOCK = 8 };

/* A block at a time, so that the processor multiplies its letters at once. */
mk_hash mk_hash_bytes(const uint8_t *bytes, size_t length)
{
    uint64_t powers[BLOCK + 1] = {1};
    for (size_t i = 0; i < BLOCK; i++)
        powers[i + 1] = mk_hash_reduce((mk_hash_product)powers[i] * POINT);
    mk_hash hash = MK_HASH_EMPTY;
    size_t at = 0;
    for (; at + BLOCK <= length; at += BLOCK) {
        mk_hash_product sum = (mk_hash_product)hash.value * powers[BLOCK];
        for (size_t i = 0; i < BLOCK; i++)
            sum += (mk_hash_product)bytes[at + i] * powers[BLOCK - 1 - i];
        hash.value = mk_hash_reduce(sum);
        hash.power = mk_hash_reduce((mk_hash_product)hash.power * powers[BLOCK]);
    }
    for (; at < length; at++)
        hash = mk_hash_join(hash, (mk_hash){bytes[at], POINT});
    return hash;
}
