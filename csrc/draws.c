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
    for (uint32_t pair = 0; letters * letters <= MK_PAIRS && pair < letters * letters; pair++) {
        alphabet.pair[pair][0] = (uint8_t)(pair / letters);
        alphabet.pair[pair][1] = (uint8_t)(pair % letters);
    }
    return alphabet;
}

void mk_draws_open(mk_draws *draws, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt)
{
    draws->key = key;
    draws->next_block = attempt << 32;
    draws->index = index;
    draws->split = split;
    draws->at = draws->end = 0;
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
    draws->words = words[0];
    draws->at = i;
    draws->end = (size_t)MK_DRAWS_AHEAD * MK_PERMUTE_LANES;
    draws->stride = MK_PERMUTE_LANES;
    draws->next_block = MK_DRAWS_AHEAD / WORDS_PER_BLOCK;
}

void mk_draws_block(mk_draws *draws)
{
    const mk_philox_key keys[2] = {draws->key, draws->key};
    mk_philox_block blocks[2] = {
        {{draws->next_block, draws->index, draws->split, MK_AXIS_WORD}},
        {{draws->next_block + 1, draws->index, draws->split, MK_AXIS_WORD}},
    };
    mk_philox_several(keys, blocks, 2, MK_PHILOX_ROUNDS);
    memcpy(draws->block, blocks, sizeof blocks);
    draws->next_block += 2;
    draws->words = draws->block;
    draws->at = 0;
    draws->end = (size_t)2 * WORDS_PER_BLOCK;
    draws->stride = 1;
}

uint8_t mk_draws_letter(mk_draws *draws, const mk_alphabet *alphabet)
{
    mk_u128 product;
    do
        product = (mk_u128)mk_draws_word(draws) * alphabet->letters;
    while ((uint64_t)product < alphabet->single_threshold);
    return (uint8_t)(product >> 64);
}

/* Writes the k letters of one word; whether the word is accepted. */
static inline bool split_word(uint64_t word, const mk_alphabet *alphabet, uint8_t *out)
{
    const uint64_t letters = alphabet->letters, threshold = alphabet->group_threshold;
    const size_t group = alphabet->group;
    size_t i = 0;
    mk_u128 product;
    for (; letters * letters <= MK_PAIRS && i + 2 <= group; i += 2) {
        product = (mk_u128)word * (letters * letters);
        word = (uint64_t)product;
        memcpy(out + i, alphabet->pair[product >> 64], 2);
    }
    for (; i < group; i++) {
        product = (mk_u128)word * letters;
        word = (uint64_t)product;
        out[i] = (uint8_t)(product >> 64);
    }
    return word >= threshold;
}

void mk_draws_letters(mk_draws *draws, const mk_alphabet *alphabet, uint8_t *out, size_t count)
{
    const size_t group = alphabet->group;
    uint8_t last[GROUP_MAX];
    for (; count >= group; out += group, count -= group)
        while (!split_word(mk_draws_word(draws), alphabet, out))
            ;
    if (!count)
        return;
    while (!split_word(mk_draws_word(draws), alphabet, last))
        ;
    for (size_t i = 0; i < count; i++)
        out[i] = last[i];
}
