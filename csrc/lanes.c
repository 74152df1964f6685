#include "lanes.h"

#include <string.h>

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

static uint16_t next_lane(mk_lanes *lanes)
{
    if (lanes->used == LANES_PER_BLOCK) {
        lanes->block = next_block(lanes);
        lanes->used = 0;
    }
    unsigned lane = lanes->used++;
    return (uint16_t)(lanes->block.word[lane / 4] >> (16 * (lane % 4)));
}

uint64_t mk_lanes_word(mk_lanes *lanes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 4; i++)
        word |= (uint64_t)next_lane(lanes) << (16 * i);
    return word;
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

static void unpack_block(mk_philox_block block, uint16_t *out)
{
    for (unsigned w = 0; w < 4; w++)
        for (unsigned i = 0; i < 4; i++)
            out[4 * w + i] = (uint16_t)(block.word[w] >> (16 * i));
}

static void take_lanes(mk_lanes *lanes, uint16_t *out, size_t count)
{
    size_t done = 0;
    while (done < count && lanes->used < LANES_PER_BLOCK)
        out[done++] = next_lane(lanes);
    for (; count - done >= LANES_PER_BLOCK; done += LANES_PER_BLOCK)
        unpack_block(next_block(lanes), out + done);
    while (done < count)
        out[done++] = next_lane(lanes);
}

/* Separate loops without branches, so that the compiler turns them into vector instructions. */
static bool reduce_lanes(const uint16_t *restrict lanes, uint16_t letters, uint16_t threshold, uint8_t *restrict out,
                         size_t count)
{
    uint16_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t product = (uint32_t)lanes[i] * letters;
        out[i] = (uint8_t)(product >> 16);
    }
    for (size_t i = 0; i < count; i++)
        refused |= (uint16_t)((uint16_t)(lanes[i] * letters) < threshold);
    return refused != 0;
}

void mk_lanes_letters(mk_lanes *lanes, uint32_t letters, uint8_t *out, size_t count, uint16_t *scratch)
{
    uint16_t threshold = (uint16_t)(65536 % letters);
    take_lanes(lanes, scratch, count);
    if (!reduce_lanes(scratch, (uint16_t)letters, threshold, out, count))
        return;
    for (size_t i = 0; i < count; i++)
        if ((uint16_t)(scratch[i] * letters) < threshold)
            out[i] = mk_lanes_letter(lanes, letters);
}
