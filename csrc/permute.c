#include "permute.h"

#include "dispatch.h"

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

/* By Newton's method, from above. */
static uint64_t square_root_up(uint64_t n)
{
    uint64_t root = (uint64_t)1 << (65 - __builtin_clzll(n)) / 2;
    for (uint64_t next = (root + n / root) / 2; next < root; next = (root + n / root) / 2)
        root = next;
    return root * root < n ? root + 1 : root;
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

#define TOGETHER 8

/* The same for several numbers, each of whose lookups waits for the one before. */
static void network_together(const mk_permutation *p, uint64_t *numbers)
{
    uint32_t rows = (uint32_t)p->rows, columns = (uint32_t)p->columns, row[TOGETHER], column[TOGETHER];
    for (size_t i = 0; i < TOGETHER; i++) {
        row[i] = (uint32_t)numbers[i] / columns;
        column[i] = (uint32_t)numbers[i] - row[i] * columns;
    }
    const uint16_t *values = p->table;
    for (unsigned round = 0; round < MK_PERMUTATION_ROUNDS; round += 2) {
        const uint16_t *more = values + columns;
        for (size_t i = 0; i < TOGETHER; i++) {
            uint32_t sum = row[i] + values[column[i]];
            row[i] = sum - (sum >= rows ? rows : 0);
            sum = column[i] + more[row[i]];
            column[i] = sum - (sum >= columns ? columns : 0);
        }
        values = more + rows;
    }
    for (size_t i = 0; i < TOGETHER; i++)
        numbers[i] = (uint64_t)row[i] * columns + column[i];
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

static void tabulated_many(const mk_permutation *p, uint64_t *numbers, size_t count)
{
    size_t i = 0;
    for (; i + TOGETHER <= count; i += TOGETHER)
        network_together(p, numbers + i);
    for (; i < count; i++)
        numbers[i] = network_tabulated(p, numbers[i]);
    for (i = 0; i < count; i++)
        if (numbers[i] >= p->size)
            numbers[i] = mk_permutation_at(p, numbers[i]);
}

/* One pass of the network for up to a kernel's number of numbers. */
static void network_many(const mk_permutation *p, uint64_t *numbers, size_t count)
{
    uint64_t side[2][MK_PERMUTE_LANES]; /* rows and columns */
    for (size_t i = 0; i < count; i++) {
        side[0][i] = numbers[i] / p->columns;
        side[1][i] = numbers[i] % p->columns;
    }
    for (unsigned round = 0; round < MK_PERMUTATION_ROUNDS; round++) {
        uint64_t *target = side[round % 2], *source = side[1 - round % 2], range = addend_range(p, round);
        uint64_t words[4][MK_PERMUTE_LANES] = {{0}};
        for (size_t i = 0; i < count; i++) {
            words[0][i] = source[i] / 4;
            words[1][i] = round;
        }
        mk_dispatch()->philox(p->key, words);
        for (size_t i = 0; i < count; i++)
            target[i] = add_modulo(target[i], mk_multiply_high(words[source[i] % 4][i], range), range);
    }
    for (size_t i = 0; i < count; i++)
        numbers[i] = side[0][i] * p->columns + side[1][i];
}

void mk_permutation_many(const mk_permutation *p, uint64_t *numbers, size_t count)
{
    size_t done = 0;
    if (p->tabulated) {
        tabulated_many(p, numbers, count);
        return;
    }
    while (p->size > MK_SHUFFLED_MAX && 4 * (count - done) >= MK_PERMUTE_LANES) {
        size_t end = count - done < MK_PERMUTE_LANES ? count : done + MK_PERMUTE_LANES;
        network_many(p, numbers + done, end - done);
        for (; done < end; done++)
            if (numbers[done] >= p->size)
                numbers[done] = mk_permutation_at(p, numbers[done]);
    }
    for (; done < count; done++)
        numbers[done] = mk_permutation_at(p, numbers[done]);
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
