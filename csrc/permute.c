#include "permute.h"

#include <string.h>

/* Fisher-Yates from the last place down; step i takes word size-1-i of the key's stream.  Reducing a 64-bit word by
 * multiply-high prefers no place by more than 2^-56, which no test can see. */
static void shuffle(mk_permutation *p)
{
    uint64_t words[MK_SHUFFLED_MAX];
    size_t size = (size_t)p->size;
    mk_philox_words(p->key, 0, 0, 0, words, size - 1);
    for (size_t i = 0; i < size; i++)
        p->shuffled[i] = (uint8_t)i;
    for (size_t i = size - 1; i > 0; i--) {
        size_t j = (size_t)mk_multiply_high(words[size - 1 - i], i + 1);
        uint8_t kept = p->shuffled[i];
        p->shuffled[i] = p->shuffled[j];
        p->shuffled[j] = kept;
    }
}

static uint64_t square_root_up(uint64_t n)
{
    uint64_t low = 1, high = (uint64_t)1 << 31;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (middle * middle >= n)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void mk_permutation_open(mk_permutation *p, mk_philox_key key, uint64_t size)
{
    p->key = key;
    p->size = size;
    p->tabulated = false;
    if (size <= MK_SHUFFLED_MAX) {
        shuffle(p);
        return;
    }
    p->rows = square_root_up(size);
    p->columns = (size + p->rows - 1) / p->rows;
}

void mk_permutation_close(mk_permutation *p)
{
    mk_free(p->table);
    p->table = NULL;
    p->capacity = 0;
    p->tabulated = false;
}

/* Even rounds add a function of the column to the row, odd rounds a function of the row to the column. */
static uint64_t addend_range(const mk_permutation *p, unsigned round)
{
    return round % 2 == 0 ? p->rows : p->columns;
}

static uint64_t argument_range(const mk_permutation *p, unsigned round)
{
    return round % 2 == 0 ? p->columns : p->rows;
}

mk_status mk_permutation_tabulate(mk_permutation *p)
{
    if (p->size <= MK_SHUFFLED_MAX || p->rows >= 65536 || p->tabulated)
        return MK_OK;
    size_t needed = (size_t)((p->rows + p->columns) * (MK_PERMUTATION_ROUNDS / 2));
    if (needed > p->capacity) {
        uint16_t *table = mk_realloc(p->table, needed * sizeof *table);
        if (!table)
            return MK_NO_MEMORY;
        p->table = table;
        p->capacity = needed;
    }
    uint16_t *values = p->table;
    for (unsigned round = 0; round < MK_PERMUTATION_ROUNDS; round++) {
        uint64_t range = addend_range(p, round), arguments = argument_range(p, round);
        for (uint64_t x = 0; x < arguments; x += 4) {
            mk_philox_block block = mk_philox(p->key, x / 4, round, 0, 0);
            for (uint64_t i = x; i < arguments && i < x + 4; i++)
                values[i] = (uint16_t)mk_multiply_high(block.word[i - x], range);
        }
        values += arguments;
    }
    p->tabulated = true;
    return MK_OK;
}

static uint64_t round_value(const mk_permutation *p, unsigned round, uint64_t x)
{
    return mk_multiply_high(mk_philox(p->key, x / 4, round, 0, 0).word[x % 4], addend_range(p, round));
}

static uint64_t add_modulo(uint64_t a, uint64_t b, uint64_t modulus)
{
    uint64_t sum = a + b;
    return sum >= modulus ? sum - modulus : sum;
}

static uint64_t network(const mk_permutation *p, uint64_t x)
{
    uint64_t row = x / p->columns, column = x % p->columns;
    for (unsigned round = 0; round < MK_PERMUTATION_ROUNDS; round += 2) {
        row = add_modulo(row, round_value(p, round, column), p->rows);
        column = add_modulo(column, round_value(p, round + 1, row), p->columns);
    }
    return row * p->columns + column;
}

/* The same from the table, where all numbers fit in 32 bits. */
static uint64_t network_tabulated(const mk_permutation *p, uint64_t x)
{
    uint32_t rows = (uint32_t)p->rows, columns = (uint32_t)p->columns;
    uint32_t row = (uint32_t)x / columns, column = (uint32_t)x - row * columns;
    const uint16_t *values = p->table;
    for (unsigned round = 0; round < MK_PERMUTATION_ROUNDS; round += 2) {
        row += values[column];
        row -= row >= rows ? rows : 0;
        values += columns;
        column += values[row];
        column -= column >= columns ? columns : 0;
        values += rows;
    }
    return (uint64_t)row * columns + column;
}

static uint64_t network_back(const mk_permutation *p, uint64_t y)
{
    uint64_t row = y / p->columns, column = y % p->columns;
    for (unsigned round = MK_PERMUTATION_ROUNDS; round > 0; round -= 2) {
        column = add_modulo(column, p->columns - round_value(p, round - 1, row), p->columns);
        row = add_modulo(row, p->rows - round_value(p, round - 2, column), p->rows);
    }
    return row * p->columns + column;
}

/* Cycle-walking: fewer than `rows` of the cells lie outside, so one pass nearly always ends inside. */
uint64_t mk_permutation_at(const mk_permutation *p, uint64_t x)
{
    if (p->size <= MK_SHUFFLED_MAX)
        return p->shuffled[x];
    do
        x = p->tabulated ? network_tabulated(p, x) : network(p, x);
    while (x >= p->size);
    return x;
}

uint64_t mk_permutation_inverse(const mk_permutation *p, uint64_t y)
{
    if (p->size <= MK_SHUFFLED_MAX) {
        uint64_t x = 0;
        while (p->shuffled[x] != y)
            x++;
        return x;
    }
    do
        y = network_back(p, y);
    while (y >= p->size);
    return y;
}

/* Strings.  The half that feeds a round is packed 24 digits to a counter; all blocks but the last one are chained
 * through the key, the last one is read out 16 digits at a time. */

#define DIGITS_PER_COUNTER 24

/* Eight digits to a word, the first one lowest. */
static void pack_counter(const uint8_t *digits, size_t length, uint64_t packed[3])
{
    packed[0] = packed[1] = packed[2] = 0;
    for (size_t i = 0; i < length && i < DIGITS_PER_COUNTER; i++)
        packed[i / 8] |= (uint64_t)digits[i] << (8 * (i % 8));
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

static void string_round(mk_philox_key key, uint32_t letters, unsigned round, bool subtract, const uint8_t *source,
                         size_t source_length, uint8_t *target, size_t target_length)
{
    uint64_t packed[3], chunk = 0;
    pack_counter(source, source_length, packed);
    for (; source_length > DIGITS_PER_COUNTER; chunk++) {
        mk_philox_block block = mk_philox(key, packed[0], packed[1], packed[2], chunk << 8 | round);
        key = (mk_philox_key){{block.word[0], block.word[1]}};
        source += DIGITS_PER_COUNTER;
        source_length -= DIGITS_PER_COUNTER;
        pack_counter(source, source_length, packed);
    }
    for (uint64_t out = 0; 16 * out < target_length; out++) {
        uint64_t last = (out + 1) << 32 | chunk << 8 | round;
        mk_philox_block block = mk_philox(key, packed[0], packed[1], packed[2], last);
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

static void packed_round(mk_philox_key key, uint32_t letters, unsigned round, bool subtract, const packed_half *source,
                         packed_half *target, size_t target_length)
{
    const uint64_t *w = source->word;
    for (uint64_t out = 0; 16 * out < target_length; out++) {
        mk_philox_block block = mk_philox(key, w[0], w[1], w[2], (out + 1) << 32 | round);
        for (size_t i = 2 * (size_t)out; i < 3 && i < 2 * (size_t)out + 2 && 8 * i < target_length; i++) {
            size_t left = target_length - 8 * i;
            uint64_t kept = left < 8 ? ((uint64_t)1 << (8 * left)) - 1 : UINT64_MAX;
            target->word[i] = add_eight(target->word[i], block.word + 2 * (i % 2), letters, subtract) & kept;
        }
    }
}

static void packed_turn(mk_philox_key key, uint32_t letters, unsigned round, bool back, packed_half halves[2],
                        size_t length)
{
    if (round % 2 == 0)
        packed_round(key, letters, round, back, &halves[1], &halves[0], length / 2);
    else
        packed_round(key, letters, round, back, &halves[0], &halves[1], length - length / 2);
}

static void unpack_half(const packed_half *half, uint8_t *digits, size_t length)
{
    for (size_t i = 0; i < length; i++)
        digits[i] = (uint8_t)(half->word[i / 8] >> (8 * (i % 8)));
}

static void permute(mk_philox_key key, uint32_t letters, bool back, uint8_t *digits, size_t length)
{
    bool packs = length <= 2 * DIGITS_PER_COUNTER;
    packed_half halves[2];
    if (packs) {
        pack_counter(digits, length / 2, halves[0].word);
        pack_counter(digits + length / 2, length - length / 2, halves[1].word);
    }
    for (unsigned i = 0; i < MK_STRING_ROUNDS; i++) {
        unsigned round = back ? MK_STRING_ROUNDS - 1 - i : i;
        if (packs)
            packed_turn(key, letters, round, back, halves, length);
        else
            string_turn(key, letters, round, back, digits, length);
    }
    if (packs) {
        unpack_half(&halves[0], digits, length / 2);
        unpack_half(&halves[1], digits + length / 2, length - length / 2);
    }
}

void mk_string_permute(mk_philox_key key, uint32_t letters, uint8_t *digits, size_t length)
{
    permute(key, letters, false, digits, length);
}

void mk_string_permute_back(mk_philox_key key, uint32_t letters, uint8_t *digits, size_t length)
{
    permute(key, letters, true, digits, length);
}
