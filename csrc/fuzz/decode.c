#include "decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t fuzz_byte(fuzz_input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

void fuzz_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

bool fuzz_same_bytes(const uint8_t *bytes, size_t length, oracle_word word)
{
    return length == word.length && (length == 0 || memcmp(bytes, word.bytes, length) == 0);
}

/* Text under construction; what does not fit is left out. */
typedef struct {
    uint8_t *bytes;
    size_t length, capacity;
} text;

static void put(text *to, const uint8_t *bytes, size_t length)
{
    size_t room = to->capacity - to->length, fits = length < room ? length : room;
    if (fits)
        memmove(to->bytes + to->length, bytes, fits);
    to->length += fits;
}

static void put_letters(text *to, fuzz_input *in, unsigned letters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = fuzz_byte(in);
        uint8_t letter = (uint8_t)(letters == 256 ? byte : 'a' + byte % letters);
        put(to, &letter, 1);
    }
}

/* Repeats the last `unit` letters from `start` on, `times` more times. */
static void repeat(text *to, size_t start, size_t unit, size_t times)
{
    size_t written = to->length - start, size = unit < written ? unit : written;
    for (; times > 0; times--)
        put(to, to->bytes + to->length - size, size);
}

/* All sides one after the other, pattern, replacement, pattern, ..., so that a side can be a piece of earlier ones. */
typedef struct {
    uint8_t bytes[FUZZ_SIDES_SIZE];
    size_t offsets[2 * FUZZ_RULES + 1];
    size_t count;
} sides;

static void read_side(fuzz_input *in, unsigned letters, sides *all)
{
    size_t start = all->offsets[all->count];
    text to = {all->bytes, start, FUZZ_SIDES_SIZE};
    uint8_t command = fuzz_byte(in);
    unsigned n = command & 31;
    size_t before = all->count ? all->offsets[all->count - 1] : 0;
    switch (command >> 5) {
    case 0:
    case 1:
        put_letters(&to, in, letters, n % 5);
        break;
    case 2:
        put_letters(&to, in, letters, n);
        break;
    case 3: /* a power */
        put_letters(&to, in, letters, 1 + n % 4);
        repeat(&to, start, 1 + n % 4, (size_t)fuzz_byte(in) << (n >> 4));
        break;
    case 4: /* the side before, longer */
        put(&to, all->bytes + before, start - before);
        put_letters(&to, in, letters, n % 4);
        break;
    case 5: /* the side before, shorter: at its end or at its start */
        if (start - before > n / 2)
            put(&to, all->bytes + before + (n & 1 ? n / 2 : 0), start - before - n / 2);
        break;
    case 6: /* any earlier side */
        if (all->count) {
            size_t chosen = fuzz_byte(in) % all->count;
            put(&to, all->bytes + all->offsets[chosen], all->offsets[chosen + 1] - all->offsets[chosen]);
        }
        break;
    default:
        put_letters(&to, in, letters, 1);
        break;
    }
    bool is_pattern = all->count % 2 == 0;
    if (to.length == start && is_pattern && command % 16 != 15)
        put_letters(&to, in, letters, 1); /* an empty pattern ends the matter for every later rule: a rare one */
    all->offsets[++all->count] = to.length;
}

/* Every second side, beginning with `first`, as a column. */
static uint8_t *take_column(const sides *all, size_t first, int64_t *offsets)
{
    size_t size = 0;
    for (size_t i = first; i < all->count; i += 2)
        size += all->offsets[i + 1] - all->offsets[i];
    text to = {malloc(size ? size : 1), 0, size};
    if (!to.bytes)
        abort();
    offsets[0] = 0;
    for (size_t i = first; i < all->count; i += 2) {
        put(&to, all->bytes + all->offsets[i], all->offsets[i + 1] - all->offsets[i]);
        offsets[i / 2 + 1] = (int64_t)to.length;
    }
    return to.bytes;
}

static void force_kernel(uint8_t choice)
{
    static const char *const names[] = {"scalar", "avx2", "avx512", "neon"};
    mk_simd_force(NULL);
    if (choice < 4)
        mk_simd_force(names[choice]);
}

void fuzz_rules_read(fuzz_input *in, fuzz_rules *rules)
{
    uint8_t head = fuzz_byte(in), count = fuzz_byte(in);
    static sides all;
    all.count = 0;
    all.offsets[0] = 0;
    force_kernel(head >> 5);
    rules->letters = (head & 31) == 31 ? 256 : 1 + (head & 3);
    rules->count = count < 224 ? count % 6 : count % FUZZ_RULES;
    for (size_t i = 0; i < rules->count; i++) {
        read_side(in, rules->letters, &all);
        read_side(in, rules->letters, &all);
        rules->terminal[i] = fuzz_byte(in) % 16 == 15;
    }
    rules->patterns = take_column(&all, 0, rules->pattern_offsets);
    rules->replacements = take_column(&all, 1, rules->replacement_offsets);
    for (size_t i = 0; i < rules->count; i++) {
        const int64_t *p = rules->pattern_offsets + i, *r = rules->replacement_offsets + i;
        rules->rules[i] = (oracle_rule){
            rules->patterns + p[0],  rules->replacements + r[0],     (size_t)(p[1] - p[0]),
            (size_t)(r[1] - r[0]),   rules->terminal[i] != 0,
        };
    }
}

void fuzz_rules_free(fuzz_rules *rules)
{
    free(rules->patterns);
    free(rules->replacements);
}

mk_column fuzz_patterns(const fuzz_rules *rules)
{
    return (mk_column){rules->patterns, rules->pattern_offsets, rules->count};
}

mk_column fuzz_replacements(const fuzz_rules *rules)
{
    return (mk_column){rules->replacements, rules->replacement_offsets, rules->count};
}

static void put_side(text *to, const fuzz_rules *rules, unsigned choice)
{
    if (rules->count == 0)
        return;
    const oracle_rule *rule = &rules->rules[choice / 2 % rules->count];
    if (choice & 1)
        put(to, rule->replacement, rule->replacement_length);
    else
        put(to, rule->pattern, rule->pattern_length);
}

oracle_word fuzz_word_read(fuzz_input *in, const fuzz_rules *rules, size_t limit)
{
    text to = {malloc(limit ? limit : 1), 0, limit};
    uint8_t command;
    if (!to.bytes)
        abort();
    while ((command = fuzz_byte(in)) != 0) {
        unsigned n = command & 63;
        switch (command >> 6) {
        case 0:
            put_letters(&to, in, rules->letters, n % 16);
            break;
        case 1:
            put_side(&to, rules, n);
            break;
        case 2: /* a power of one letter */
            put_letters(&to, in, rules->letters, 1);
            repeat(&to, 0, 1, (size_t)n * n * 4);
            break;
        default:
            repeat(&to, 0, n + 1, fuzz_byte(in));
            break;
        }
    }
    uint8_t *exact = realloc(to.bytes, to.length ? to.length : 1);
    return (oracle_word){exact ? exact : to.bytes, to.length};
}

void fuzz_limits_read(fuzz_input *in, bool bounded, int64_t *max_steps, int64_t *max_length)
{
    uint8_t steps = fuzz_byte(in), length = fuzz_byte(in);
    *max_steps = steps;
    *max_length = length < 32 ? length * 4 : (length - 31) * 96;
    if (!bounded && steps % 4 != 0)
        *max_steps = MK_NO_LIMIT;
    if (!bounded && length >= 192)
        *max_length = MK_NO_LIMIT;
}
