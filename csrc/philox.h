/* philox.h - counter-based randomness: Philox4x64-10.
 *
 * J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.  A block of four
 * 64-bit words is a function of a 128-bit key and a 256-bit counter, so any part of any stream can be computed
 * without the parts before it.  The counter is (block, index, split, axis); docs/stream.md names every use.
 */
#ifndef MK_PHILOX_H
#define MK_PHILOX_H

#include "markov.h"

__extension__ typedef unsigned __int128 mk_u128;

typedef struct {
    uint64_t word[2];
} mk_philox_key;

typedef struct {
    uint64_t word[4];
} mk_philox_block;

/* The fourth word of the counter says what the randomness is for.  Part of the stream's definition. */
enum {
    MK_AXIS_PATTERNS = 1,
    MK_AXIS_REPLACEMENTS = 2,
    MK_AXIS_NO_OP = 3,
    MK_AXIS_POPULARITY = 4,
    MK_AXIS_WORD = 5,
    MK_AXIS_SEEN = 6,
    MK_AXIS_CHOICE = 7,
    MK_AXIS_KEY = 8,
    MK_AXIS_TUPLES = 9,
    MK_AXIS_CASCADE = 10,
    MK_AXIS_TURNS = 11
};

static inline uint64_t mk_multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((mk_u128)a * b) >> 64);
}

#define MK_PHILOX_ROUNDS 10

/* Makes counters the blocks of their keys.  A round waits for the products of the round before; those of several
 * blocks overlap.  Inline, for a constant `count`, because it is the inner loop of everything random. */
static inline void mk_philox_several(const mk_philox_key *keys, mk_philox_block *blocks, size_t count, int rounds)
{
    uint64_t bump[2] = {0, 0};
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            uint64_t *word = blocks[i].word;
            mk_u128 first = (mk_u128)0xD2E7470EE14C6C93u * word[0];
            mk_u128 second = (mk_u128)0xCA5A826395121157u * word[2];
            word[0] = (uint64_t)(second >> 64) ^ word[1] ^ (keys[i].word[0] + bump[0]);
            word[1] = (uint64_t)second;
            word[2] = (uint64_t)(first >> 64) ^ word[3] ^ (keys[i].word[1] + bump[1]);
            word[3] = (uint64_t)first;
        }
        bump[0] += 0x9E3779B97F4A7C15u;
        bump[1] += 0xBB67AE8584CAA73Bu;
    }
}

/* The block of a key and a counter. */
static inline mk_philox_block mk_philox(mk_philox_key key, uint64_t block, uint64_t index, uint64_t split,
                                        uint64_t axis)
{
    mk_philox_block made = {{block, index, split, axis}};
    mk_philox_several(&key, &made, 1, MK_PHILOX_ROUNDS);
    return made;
}

/* The key of a stream of its own, for one purpose: the first two words of the block at that counter. */
mk_philox_key mk_philox_subkey(mk_philox_key key, uint64_t size, uint64_t id, uint64_t split, uint64_t axis);

/* Writes words [0, count) of the stream (0, index, split, axis), (1, index, split, axis), ... */
void mk_philox_words(mk_philox_key key, uint64_t index, uint64_t split, uint64_t axis, uint64_t *words,
                     size_t count);

#endif
