#include "draws.h"

#include <string.h>

#include "dispatch.h"

#define WORDS_PER_BLOCK 4
#define GROUP_LIMIT ((uint64_t)1 << 48)
#define GROUP_MAX 48 /* of two letters */

mk_alphabet mk_alphabet_make(uint32_t letters)
{
    mk_alphabet alphabet = {.letters = letters, .group = 1};
    uint64_t power = letters;
    for (; power <= GROUP_LIMIT / letters; power *= letters)
        alphabet.group++;
    alphabet.group_threshold = (0 - power) % power;
    alphabet.single_threshold = (0 - (uint64_t)letters) % letters;
    return alphabet;
}

void mk_draws_open(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt)
{
    draws->key = key;
    draws->next_block = attempt << 32;
    draws->index = index;
    draws->split = split;
    draws->used = draws->have = 0;
}

void mk_draws_ahead(mk_philox_key key, uint64_t split, uint64_t index, mk_words_ahead words)
{
    for (uint64_t block = 0; block < MK_DRAWS_AHEAD / WORDS_PER_BLOCK; block++) {
        uint64_t(*counters)[MK_PERMUTE_LANES] = words + WORDS_PER_BLOCK * block;
        for (uint64_t i = 0; i < MK_PERMUTE_LANES; i++) {
            counters[0][i] = block;
            counters[1][i] = index + i;
            counters[2][i] = split;
            counters[3][i] = MK_AXIS_WORD;
        }
        mk_dispatch()->philox(key, counters);
    }
}

void mk_draws_open_ahead(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, mk_words_ahead words,
                         size_t i)
{
    mk_draws_open(draws, key, split, index, 0);
    for (size_t word = 0; word < MK_DRAWS_AHEAD; word++)
        draws->words[word] = words[word][i];
    draws->have = MK_DRAWS_AHEAD;
    draws->next_block = MK_DRAWS_AHEAD / WORDS_PER_BLOCK;
}

static __attribute__((noinline)) void next_block(mk_draws *draws)
{
    mk_philox_block block = mk_philox(draws->key, draws->next_block++, draws->index, draws->split, MK_AXIS_WORD);
    memcpy(draws->words, block.word, sizeof block.word);
    draws->used = 0;
    draws->have = WORDS_PER_BLOCK;
}

static inline uint64_t next_word(mk_draws *draws)
{
    if (draws->used == draws->have)
        next_block(draws);
    return draws->words[draws->used++];
}

uint64_t mk_draws_word(mk_draws *draws)
{
    return next_word(draws);
}

uint64_t mk_draws_below(mk_draws *draws, uint64_t range)
{
    return mk_multiply_high(next_word(draws), range);
}

uint8_t mk_draws_letter(mk_draws *draws, const mk_alphabet *alphabet)
{
    mk_u128 product;
    do
        product = (mk_u128)next_word(draws) * alphabet->letters;
    while ((uint64_t)product < alphabet->single_threshold);
    return (uint8_t)(product >> 64);
}

/* Writes the k letters of one word; whether the word is accepted. */
static inline bool split_word(uint64_t word, const mk_alphabet alphabet, uint8_t *out)
{
    for (size_t i = 0; i < alphabet.group; i++) {
        mk_u128 product = (mk_u128)word * alphabet.letters;
        word = (uint64_t)product;
        out[i] = (uint8_t)(product >> 64);
    }
    return word >= alphabet.group_threshold;
}

void mk_draws_letters(mk_draws *draws, const mk_alphabet *alphabet, uint8_t *out, size_t count)
{
    const mk_alphabet copy = *alphabet; /* which no letter that is written can change */
    uint8_t last[GROUP_MAX];
    size_t group = copy.group;
    for (; count >= group; out += group, count -= group)
        while (!split_word(next_word(draws), copy, out))
            ;
    if (!count)
        return;
    while (!split_word(next_word(draws), copy, last))
        ;
    for (size_t i = 0; i < count; i++)
        out[i] = last[i];
}
