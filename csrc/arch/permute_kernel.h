/* permute_kernel.h - Philox and the string permutation in every lane, written once, compiled for each instruction set.
 *
 * Included with these defined: TARGET, an attribute; WIDTH, the number of lanes of 64 bits; NAME(x), which makes a name
 * of its own; PERMUTE and PHILOX, the functions; MULTIPLY(a, b), the products of the low halves of the lanes;
 * JOIN(low, high), the low half of `low` below the low half of `high`; REDUCE(lanes, letters), the high halves of the
 * products of lanes of 16 bits, and LEAST(a, b), their minima; SHUFFLE(v, order), bytes by their numbers in order, 16
 * by 16.
 *
 * Between rounds a half lies in words of four digits, one to 16 bits, since that is what a word of Philox gives. */
#include <string.h>

#define VECTOR NAME(vector)
#define FIELDS NAME(fields)
#define BYTES NAME(bytes)
#define INLINE TARGET static inline __attribute__((always_inline))

typedef uint64_t VECTOR __attribute__((vector_size(8 * WIDTH)));
typedef uint16_t FIELDS __attribute__((vector_size(8 * WIDTH)));
typedef uint8_t BYTES __attribute__((vector_size(8 * WIDTH)));

#define GROUP 4                             /* vectors at once: one alone would wait for its products */
#define HALF_FIELDS (2 * MK_HALF_WORDS)

/* The round keys, and how the digits of the halves are reduced. */
typedef struct {
    uint64_t round_key[MK_PHILOX_ROUNDS][2];
    FIELDS letters;
    VECTOR last_kept[2];                    /* of the last fields of a half, those that are digits */
    size_t fields[2], blocks[2];            /* words of four digits, and blocks of Philox, in a half */
    bool narrow;                            /* no half has a third word */
    VECTOR spread[2], gather;               /* the orders of bytes that make fields of words, and words of fields */
} NAME(state);

INLINE void NAME(product)(VECTOR a, uint64_t factor, VECTOR *high, VECTOR *low)
{
    const VECTOR below = (VECTOR){0} + (factor & UINT32_MAX), above = (VECTOR){0} + (factor >> 32);
    VECTOR upper = a >> 32;
    VECTOR low_low = MULTIPLY(a, below), high_low = MULTIPLY(upper, below);
    VECTOR low_high = MULTIPLY(a, above), high_high = MULTIPLY(upper, above);
    VECTOR middle = high_low + (low_low >> 32);
    VECTOR sum = low_high + (middle & UINT32_MAX);
    *high = high_high + (middle >> 32) + (sum >> 32);
    *low = JOIN(low_low, sum);
}

/* A round of Philox; a word that is known to be 0 is not multiplied. */
INLINE void NAME(mix)(const uint64_t key[2], bool narrow, VECTOR c[4])
{
    VECTOR first, rest, second = {0}, more = {0};
    NAME(product)(c[0], 0xD2E7470EE14C6C93u, &first, &rest);
    if (!narrow)
        NAME(product)(c[2], 0xCA5A826395121157u, &second, &more);
    c[0] = second ^ c[1] ^ key[0];
    c[1] = more;
    c[2] = first ^ c[3] ^ key[1];
    c[3] = rest;
}

INLINE void NAME(schedule)(mk_philox_key key, uint64_t (*round_key)[2])
{
    for (uint64_t round = 0; round < MK_PHILOX_ROUNDS; round++) {
        round_key[round][0] = key.word[0] + round * 0x9E3779B97F4A7C15u;
        round_key[round][1] = key.word[1] + round * 0xBB67AE8584CAA73Bu;
    }
}

/* What so many rounds make of the counters, in place of them; narrow: their third words are 0. */
INLINE void NAME(blocks)(uint64_t (*round_key)[2], int rounds, bool narrow, VECTOR (*c)[4])
{
    for (int i = 0; i < GROUP; i++)
        NAME(mix)(round_key[0], narrow, c[i]);
    for (int round = 1; round < rounds; round++)
        for (int i = 0; i < GROUP; i++)
            NAME(mix)(round_key[round], false, c[i]);
}

TARGET void PHILOX(mk_philox_key key, uint64_t (*words)[MK_PERMUTE_LANES])
{
    uint64_t round_key[MK_PHILOX_ROUNDS][2];
    NAME(schedule)(key, round_key);
    for (size_t first = 0; first < MK_PERMUTE_LANES; first += GROUP * WIDTH) {
        VECTOR c[GROUP][4];
        for (size_t i = 0; i < GROUP; i++)
            for (size_t w = 0; w < 4; w++)
                memcpy(&c[i][w], &words[w][first + i * WIDTH], sizeof c[i][w]);
        NAME(blocks)(round_key, MK_PHILOX_ROUNDS, false, c);
        for (size_t i = 0; i < GROUP; i++)
            for (size_t w = 0; w < 4; w++)
                memcpy(&words[w][first + i * WIDTH], &c[i][w], sizeof c[i][w]);
    }
}

INLINE VECTOR NAME(pack)(const NAME(state) *state, const FIELDS fields[2])
{
    return SHUFFLE((VECTOR)fields[0] | (VECTOR)fields[1] << 8, state->gather);
}

/* Adds a function of the source to the target. */
INLINE void NAME(round)(NAME(state) *state, unsigned round, FIELDS (*source)[HALF_FIELDS],
                        FIELDS (*target)[HALF_FIELDS])
{
    const unsigned half = round % 2;
    VECTOR packed[GROUP][MK_HALF_WORDS];
    for (int i = 0; i < GROUP; i++)
        for (size_t w = 0; w < MK_HALF_WORDS; w++)
            packed[i][w] = NAME(pack)(state, &source[i][2 * w]);
    for (uint64_t out = 0; out < state->blocks[half]; out++) {
        VECTOR c[GROUP][4];
        for (int i = 0; i < GROUP; i++) {
            for (size_t w = 0; w < MK_HALF_WORDS; w++)
                c[i][w] = packed[i][w];
            c[i][3] = (VECTOR){0} + ((out + 1) << 32 | round);
        }
        NAME(blocks)(state->round_key, MK_STRING_MIXES, state->narrow, c);
        for (int i = 0; i < GROUP; i++)
            for (size_t k = 0; k < 4 && 4 * out + k < state->fields[half]; k++) {
                FIELDS *field = &target[i][4 * out + k];
                FIELDS sum = *field + REDUCE(c[i][k], state->letters);
                *field = LEAST(sum, sum - state->letters);
            }
    }
    for (int i = 0; i < GROUP; i++)
        target[i][state->fields[half] - 1] &= (FIELDS)state->last_kept[half];
}

INLINE void NAME(open)(NAME(state) *state, const mk_permute_lanes *lanes)
{
    NAME(schedule)(lanes->key, state->round_key);
    state->letters = (FIELDS){0} + (uint16_t)lanes->letters;
    for (int half = 0; half < 2; half++) {
        size_t length = lanes->length[half], fields = (length + 3) / 4;
        state->fields[half] = fields;
        state->blocks[half] = (length + 15) / 16;
        state->last_kept[half] = (VECTOR){0} + (UINT64_MAX >> (16 * (4 * fields - length)));
    }
    state->narrow = lanes->length[1] <= 16;
    BYTES spread[2], gather;
    for (size_t i = 0; i < 8 * WIDTH; i++) {
        size_t start = i & 8, place = i & 7;
        for (size_t k = 0; k < 2; k++)
            spread[k][i] = place % 2 ? 0x80 : (uint8_t)(start + 4 * k + place / 2);
        gather[i] = (uint8_t)(start + 2 * (place & 3) + place / 4);
    }
    state->spread[0] = (VECTOR)spread[0];
    state->spread[1] = (VECTOR)spread[1];
    state->gather = (VECTOR)gather;
}

INLINE void NAME(take)(const NAME(state) *state, const mk_permute_lanes *lanes, size_t first, int half,
                       FIELDS (*fields)[HALF_FIELDS])
{
    for (size_t i = 0; i < GROUP; i++)
        for (size_t f = 0; f < HALF_FIELDS; f++) {
            VECTOR word;
            memcpy(&word, &lanes->half[half][f / 2][first + i * WIDTH], sizeof word);
            fields[i][f] = (FIELDS)SHUFFLE(word, state->spread[f % 2]);
        }
}

INLINE void NAME(put)(const NAME(state) *state, mk_permute_lanes *lanes, size_t first, int half,
                      FIELDS (*fields)[HALF_FIELDS])
{
    for (size_t i = 0; i < GROUP; i++)
        for (size_t w = 0; w < MK_HALF_WORDS; w++) {
            VECTOR word = NAME(pack)(state, &fields[i][2 * w]);
            memcpy(&lanes->half[half][w][first + i * WIDTH], &word, sizeof word);
        }
}

TARGET void PERMUTE(mk_permute_lanes *lanes, size_t count)
{
    NAME(state) state;
    NAME(open)(&state, lanes);
    for (size_t first = 0; first < count; first += GROUP * WIDTH) {
        FIELDS halves[2][GROUP][HALF_FIELDS];
        for (int half = 0; half < 2; half++)
            NAME(take)(&state, lanes, first, half, halves[half]);
        for (unsigned round = 0; round < MK_STRING_ROUNDS; round++)
            NAME(round)(&state, round, halves[1 - round % 2], halves[round % 2]);
        for (int half = 0; half < 2; half++)
            NAME(put)(&state, lanes, first, half, halves[half]);
    }
}

#undef VECTOR
#undef FIELDS
#undef BYTES
#undef INLINE
#undef GROUP
#undef HALF_FIELDS
#undef TARGET
#undef WIDTH
#undef NAME
#undef PERMUTE
#undef PHILOX
#undef MULTIPLY
#undef JOIN
#undef REDUCE
#undef LEAST
#undef SHUFFLE
