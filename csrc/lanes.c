#include "lanes.h"

#define LANES_PER_BLOCK 16

void mk_lanes_open(mk_lanes *lanes, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt)
{
    lanes->key = key;
    lanes->next_block = attempt << 32;
    lanes->index = index;
    lanes->split = split;
    lanes->used = LANES_PER_BLOCK;
}

static mk_philox_block next_block(mk_lanes *lanes)
{
    return mk_philox(lanes->key, lanes->next_block++, lanes->index, lanes->split, MK_AXIS_WORD);
}

static void refill(mk_lanes *lanes)
{
    if (lanes->used == LANES_PER_BLOCK) {
        lanes->block = next_block(lanes);
        lanes->used = 0;
    }
}

static uint16_t next_lane(mk_lanes *lanes)
{
    refill(lanes);
    unsigned lane = lanes->used++;
    return (uint16_t)(lanes->block.word[lane / 4] >> (16 * (lane % 4)));
}

static uint64_t next_word(mk_lanes *lanes)
{
    uint64_t word = 0;
    refill(lanes);
    if (lanes->used % 4 == 0) {
        lanes->used += 4;
        return lanes->block.word[lanes->used / 4 - 1];
    }
    for (unsigned i = 0; i < 4; i++)
        word |= (uint64_t)next_lane(lanes) << (16 * i);
    return word;
}

uint64_t mk_lanes_word(mk_lanes *lanes)
{
    return next_word(lanes);
}

uint64_t mk_lanes_below(mk_lanes *lanes, uint64_t range)
{
    return mk_multiply_high(mk_lanes_word(lanes), range);
}

uint8_t mk_lanes_letter(mk_lanes *lanes, uint32_t letters)
{
    uint32_t product;
    do
        product = next_lane(lanes) * letters;
    while ((product & 0xFFFFu) < 65536 % letters);
    return (uint8_t)(product >> 16);
}

static void write_four(uint32_t digits, uint8_t *out)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(digits >> (8 * i));
}

static bool is_refused(const uint64_t *words, size_t i, uint32_t letters, uint32_t threshold)
{
    uint32_t lane = (uint32_t)(words[i / 4] >> (16 * (i % 4))) & 0xFFFFu;
    return (lane * letters & 0xFFFFu) < threshold;
}

void mk_lanes_letters(mk_lanes *lanes, uint32_t letters, uint8_t *out, size_t count, uint64_t *scratch)
{
    uint32_t threshold = 65536 % letters;
    uint64_t accepted = UINT64_MAX;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        uint64_t word = scratch[i / 4] = next_word(lanes);
        write_four(mk_philox_digits(word, letters, threshold, &accepted), out + i);
    }
    if (i < count) {
        /* Lanes of all ones are never refused and stand for those that are not taken. */
        uint64_t word = UINT64_MAX;
        for (size_t j = 0; i + j < count; j++)
            word ^= (uint64_t)(uint16_t)~next_lane(lanes) << (16 * j);
        scratch[i / 4] = word;
        write_four(mk_philox_digits(word, letters, threshold, &accepted), out + i);
    }
    if ((accepted & 0x0001000000010000u) == 0x0001000000010000u)
        return;
    for (i = 0; i < count; i++)
        if (is_refused(scratch, i, letters, threshold))
            out[i] = mk_lanes_letter(lanes, letters);
}
