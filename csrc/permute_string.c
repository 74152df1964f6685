#include "dispatch.h"
#include "permute.h"

#include <string.h>

/* Strings.  The half that feeds a round is packed 24 digits to a counter; all blocks but the last one are chained
 * through the key, the last one is read out 16 digits at a time. */

#define DIGITS_PER_COUNTER MK_HALF_DIGITS

/* Up to eight digits to a word, the first one lowest. */
static inline uint64_t pack_digits(const uint8_t *digits, size_t count)
{
    uint64_t packed = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count == 8) {
        memcpy(&packed, digits, 8);
        return packed;
    }
#endif
    for (size_t i = 0; i < count; i++)
        packed |= (uint64_t)digits[i] << (8 * i);
    return packed;
}

static inline void unpack_digits(uint64_t packed, uint8_t *digits, size_t count)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count == 8) {
        memcpy(digits, &packed, 8);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++)
        digits[i] = (uint8_t)(packed >> (8 * i));
}

/* The digits of word w of a half. */
static inline size_t word_digits(size_t length, size_t w)
{
    return length < 8 * w ? 0 : length - 8 * w < 8 ? length - 8 * w : 8;
}

static void pack_counter(const uint8_t *digits, size_t length, uint64_t packed[3])
{
    packed[0] = packed[1] = packed[2] = 0;
    for (size_t w = 0; w < 3 && 8 * w < length; w++)
        packed[w] = pack_digits(digits + 8 * w, word_digits(length, w));
}

/* A lane of 16 bits reduced to a digit is biased by up to letters / 2^16; five such rounds act on either half, and
 * biases of independent summands multiply, so the permutation's own is below 2^-40. */
static void add_digits(mk_philox_block block, uint32_t letters, bool subtract, uint8_t *digits, size_t length)
{
    for (size_t i = 0; i < length && i < 16; i++) {
        uint32_t lane = (uint32_t)(block.word[i / 4] >> (16 * (i % 4))) & 0xFFFFu;
        uint32_t digit = lane * letters >> 16;
        uint32_t sum = digits[i] + (subtract ? letters - digit : digit);
        digits[i] = (uint8_t)(sum >= letters ? sum - letters : sum);
    }
}

static inline mk_philox_block mix(mk_philox_key key, const uint64_t packed[3], uint64_t last)
{
    mk_philox_block block = {{packed[0], packed[1], packed[2], last}};
    mk_philox_several(&key, &block, 1, MK_STRING_MIXES);
    return block;
}

static void string_round(mk_philox_key key, uint32_t letters, unsigned round, bool subtract, const uint8_t *source,
                         size_t source_length, uint8_t *target, size_t target_length)
{
    uint64_t packed[3], chunk = 0;
    pack_counter(source, source_length, packed);
    for (; source_length > DIGITS_PER_COUNTER; chunk++) {
        mk_philox_block block = mix(key, packed, chunk << 8 | round);
        key = (mk_philox_key){{block.word[0], block.word[1]}};
        source += DIGITS_PER_COUNTER;
        source_length -= DIGITS_PER_COUNTER;
        pack_counter(source, source_length, packed);
    }
    for (uint64_t out = 0; 16 * out < target_length; out++) {
        mk_philox_block block = mix(key, packed, (out + 1) << 32 | chunk << 8 | round);
        add_digits(block, letters, subtract, target + 16 * out, target_length - (size_t)(16 * out));
    }
}

static void string_turn(mk_philox_key key, uint32_t letters, unsigned round, bool back, uint8_t *digits, size_t length)
{
    size_t half = length / 2;
    if (round % 2 == 0)
        string_round(key, letters, round, back, digits + half, length - half, digits, half);
    else
        string_round(key, letters, round, back, digits, half, digits + half, length - half);
}

/* Strings of up to 48 letters stay in registers between rounds: a half is three words of eight digits, which is just
 * what the counter takes. */

typedef struct {
    uint64_t word[3];
} packed_half;

#define LOW_BYTES 0x00FF00FF00FF00FFu
#define ONES 0x0001000100010001u

/* Four lanes reduced to digits, digit i in byte i. */
static inline uint64_t four_digits(uint64_t lanes, uint64_t letters)
{
    const uint64_t low = 0x0000FFFF0000FFFFu;
    uint64_t even = (lanes & low) * letters, odd = (lanes >> 16 & low) * letters;
    uint64_t pairs = (even >> 16 & 0x000000FF000000FFu) | (odd >> 8 & 0x0000FF000000FF00u);
    return (uint32_t)(pairs | pairs >> 16);
}

/* Adds four digits modulo `letters`, one to every second byte. */
static inline uint64_t add_fields(uint64_t digits, uint64_t more, uint64_t letters, bool subtract)
{
    uint64_t sum = digits + (subtract ? letters * ONES - more : more);
    uint64_t reached = (sum + (0x8000 - letters) * ONES) >> 15 & ONES;
    return sum - reached * letters;
}

static inline uint64_t add_eight(uint64_t digits, const uint64_t lanes[2], uint64_t letters, bool subtract)
{
    uint64_t more = four_digits(lanes[0], letters) | four_digits(lanes[1], letters) << 32;
    uint64_t even = add_fields(digits & LOW_BYTES, more & LOW_BYTES, letters, subtract);
    uint64_t odd = add_fields(digits >> 8 & LOW_BYTES, more >> 8 & LOW_BYTES, letters, subtract);
    return even | odd << 8;
}

/* A string on its way. */
typedef struct {
    mk_philox_key key;
    uint32_t letters;
    size_t length[2];
    packed_half half[2];
} packed_string;

/* Adds what 16 digits, from number 16 * out, have in a block. */
static inline void add_block(packed_string *string, int target, uint64_t out, const mk_philox_block *block,
                             bool subtract)
{
    size_t length = string->length[target];
    uint64_t *words = string->half[target].word;
    for (size_t i = 2 * (size_t)out; i < MK_HALF_WORDS && i < 2 * (size_t)out + 2 && 8 * i < length; i++) {
        uint64_t kept = length < 8 * i + 8 ? ((uint64_t)1 << (8 * (length - 8 * i))) - 1 : UINT64_MAX;
        words[i] = add_eight(words[i], block->word + 2 * (i % 2), string->letters, subtract) & kept;
    }
}

/* One round of up to two strings; lengths may differ. */
static inline void packed_round(packed_string *strings, size_t count, unsigned round, bool subtract)
{
    int target = round % 2;
    size_t longest = strings[0].length[target];
    if (count > 1 && strings[1].length[target] > longest)
        longest = strings[1].length[target];
    for (uint64_t out = 0; 16 * out < longest; out++) {
        mk_philox_key keys[2];
        mk_philox_block blocks[2];
        for (size_t i = 0; i < count; i++) {
            const uint64_t *source = strings[i].half[1 - target].word;
            keys[i] = strings[i].key;
            blocks[i] = (mk_philox_block){{source[0], source[1], source[2], (out + 1) << 32 | round}};
        }
        mk_philox_several(keys, blocks, count, MK_STRING_MIXES);
        for (size_t i = 0; i < count; i++)
            add_block(&strings[i], target, out, &blocks[i], subtract);
    }
}

static inline void packed_rounds(packed_string *strings, size_t count)
{
    for (unsigned round = 0; round < MK_STRING_ROUNDS; round++)
        packed_round(strings, count, round, false);
}

static void unpack_half(const packed_half *half, uint8_t *digits, size_t length)
{
    for (size_t w = 0; 8 * w < length; w++)
        unpack_digits(half->word[w], digits + 8 * w, word_digits(length, w));
}

static bool packs(size_t length)
{
    return length <= 2 * DIGITS_PER_COUNTER;
}

static packed_string pack(const mk_string *string)
{
    size_t half = string->length / 2;
    packed_string packed = {.key = string->key, .letters = string->letters, .length = {half, string->length - half}};
    pack_counter(string->digits, half, packed.half[0].word);
    pack_counter(string->digits + half, string->length - half, packed.half[1].word);
    return packed;
}

static void unpack(const packed_string *packed, uint8_t *digits)
{
    unpack_half(&packed->half[0], digits, packed->length[0]);
    unpack_half(&packed->half[1], digits + packed->length[0], packed->length[1]);
}

static unsigned round_number(unsigned i, bool back)
{
    return back ? MK_STRING_ROUNDS - 1 - i : i;
}

static void permute(mk_string string, bool back)
{
    if (packs(string.length)) {
        packed_string packed = pack(&string);
        for (unsigned i = 0; i < MK_STRING_ROUNDS; i++)
            packed_round(&packed, 1, round_number(i, back), back);
        unpack(&packed, string.digits);
        return;
    }
    for (unsigned i = 0; i < MK_STRING_ROUNDS; i++)
        string_turn(string.key, string.letters, round_number(i, back), back, string.digits, string.length);
}

void mk_string_permute(mk_string string)
{
    permute(string, false);
}

void mk_string_permute_back(mk_string string)
{
    permute(string, true);
}

void mk_string_permute_both(mk_string first, mk_string second)
{
    if (!packs(first.length) || !packs(second.length)) {
        permute(first, false);
        permute(second, false);
        return;
    }
    packed_string both[2] = {pack(&first), pack(&second)};
    packed_rounds(both, 2);
    unpack(&both[0], first.digits);
    unpack(&both[1], second.digits);
}

/* Many strings.  Vectors go through all their lanes however few are taken, so that few strings go in twos. */

static packed_string take_lane(const mk_permute_lanes *lanes, size_t lane)
{
    packed_string string = {.key = lanes->key, .letters = lanes->letters};
    for (int half = 0; half < 2; half++) {
        string.length[half] = lanes->length[half];
        for (size_t w = 0; w < MK_HALF_WORDS; w++)
            string.half[half].word[w] = lanes->half[half][w][lane];
    }
    return string;
}

static void put_lane(mk_permute_lanes *lanes, size_t lane, const packed_string *string)
{
    for (int half = 0; half < 2; half++)
        for (size_t w = 0; w < MK_HALF_WORDS; w++)
            lanes->half[half][w][lane] = string->half[half].word[w];
}

void mk_philox_scalar(mk_philox_key key, uint64_t (*words)[MK_PERMUTE_LANES])
{
    const mk_philox_key keys[2] = {key, key};
    for (size_t lane = 0; lane < MK_PERMUTE_LANES; lane += 2) {
        mk_philox_block blocks[2];
        for (size_t i = 0; i < 8; i++)
            blocks[i / 4].word[i % 4] = words[i % 4][lane + i / 4];
        mk_philox_several(keys, blocks, 2, MK_PHILOX_ROUNDS);
        for (size_t i = 0; i < 8; i++)
            words[i % 4][lane + i / 4] = blocks[i / 4].word[i % 4];
    }
}

void mk_permute_scalar(mk_permute_lanes *lanes, size_t count)
{
    for (size_t lane = 0; lane < count; lane += 2) {
        packed_string both[2] = {take_lane(lanes, lane), take_lane(lanes, lane + 1)};
        packed_rounds(both, 2);
        put_lane(lanes, lane, &both[0]);
        put_lane(lanes, lane + 1, &both[1]);
    }
}

static void gather(const uint8_t *digits, size_t stride, size_t count, size_t width, uint64_t *words)
{
    for (size_t i = 0; i < count; i++)
        words[i] = pack_digits(digits + i * stride, width);
}

static void scatter(const uint64_t *words, size_t count, size_t width, size_t stride, uint8_t *digits)
{
    for (size_t i = 0; i < count; i++)
        unpack_digits(words[i], digits + i * stride, width);
}

static void permute_lanes(mk_string string, size_t stride, size_t count)
{
    size_t before = string.length / 2;
    mk_permute_lanes lanes = {.key = string.key, .letters = string.letters, .length = {before, string.length - before}};
    uint8_t *const starts[2] = {string.digits, string.digits + before};
    for (int half = 0; half < 2; half++)
        for (size_t w = 0; 8 * w < lanes.length[half]; w++)
            gather(starts[half] + 8 * w, stride, count, word_digits(lanes.length[half], w), lanes.half[half][w]);
    mk_permute_kernel *kernel = 4 * count < MK_PERMUTE_LANES ? mk_permute_scalar : mk_dispatch()->permute;
    kernel(&lanes, count);
    for (int half = 0; half < 2; half++)
        for (size_t w = 0; 8 * w < lanes.length[half]; w++)
            scatter(lanes.half[half][w], count, word_digits(lanes.length[half], w), stride, starts[half] + 8 * w);
}

void mk_string_permute_many(mk_string string, size_t stride, size_t count)
{
    bool in_lanes = packs(string.length) && string.length >= 2;
    for (size_t most = in_lanes ? MK_PERMUTE_LANES : 1; count;) {
        size_t now = count < most ? count : most;
        if (now > 1)
            permute_lanes(string, stride, now);
        else
            permute(string, false);
        string.digits += now * stride;
        count -= now;
    }
}
