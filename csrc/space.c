#include "space.h"

#include <string.h>

#define COUNT_MAX ((uint64_t)1 << 63)

static bool power_below(uint64_t base, uint64_t exponent, uint64_t limit, uint64_t *power)
{
    *power = 1;
    for (uint64_t i = 0; i < exponent; i++) {
        if (*power > (limit - 1) / base)
            return false;
        *power *= base;
    }
    return *power < limit;
}

void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint32_t letters, uint32_t length)
{
    uint64_t size;
    *part = (mk_part){.letters = letters, .length = length};
    part->numbered = power_below(letters, length, MK_PERMUTATION_MAX, &size);
    if (part->numbered)
        mk_permutation_open(&part->numbers, mk_philox_subkey(key, size, 0, 0, axis), size);
    else
        part->key = mk_philox_subkey(key, length, letters, 0, axis);
}

/* Divides numbers below 2^62 by multiplying with 2^64 / letters, rounded up: the quotient is right or 1 too large. */
static void write_number(const mk_part *part, uint64_t number, uint8_t *digits)
{
    const uint64_t letters = part->letters, inverse = UINT64_MAX / letters + 1;
    for (size_t i = part->length; i-- > 0;) {
        uint64_t quotient = mk_multiply_high(number, inverse), digit = number - quotient * letters;
        bool large = digit >= letters; /* below 0 */
        digits[i] = (uint8_t)(large ? digit + letters : digit);
        number = quotient - large;
    }
}

static uint64_t read_number(const mk_part *part, const uint8_t *digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < part->length; i++)
        number = number * part->letters + digits[i];
    return number;
}

static mk_string string_of(const mk_part *part, uint8_t *digits)
{
    return (mk_string){part->key, part->letters, digits, part->length};
}

void mk_part_permute(const mk_part *part, uint8_t *digits)
{
    if (part->numbered)
        write_number(part, mk_permutation_at(&part->numbers, read_number(part, digits)), digits);
    else
        mk_string_permute(string_of(part, digits));
}

void mk_part_permute_back(const mk_part *part, uint8_t *digits)
{
    if (part->numbered)
        write_number(part, mk_permutation_inverse(&part->numbers, read_number(part, digits)), digits);
    else
        mk_string_permute_back(string_of(part, digits));
}

static void add_number(const mk_part *part, uint64_t number, uint8_t *digits)
{
    for (size_t i = part->length; i-- > 0 && number;) {
        uint64_t digit = number % part->letters, sum = digits[i] + digit;
        bool carried = sum >= part->letters;
        number = number / part->letters + carried;
        digits[i] = (uint8_t)(carried ? sum - part->letters : sum);
    }
}

static void subtract_number(const mk_part *part, uint64_t number, uint8_t *digits)
{
    for (size_t i = part->length; i-- > 0 && number;) {
        uint64_t digit = number % part->letters;
        number /= part->letters;
        if (digits[i] < digit)
            number++;
        digits[i] = (uint8_t)(digits[i] < digit ? digits[i] + part->letters - digit : digits[i] - digit);
    }
}

/* Of a space that is not numbered: the string before sigma. */
static void write_index(const mk_share *share, uint64_t index, uint8_t *letters)
{
    memcpy(letters, share->first_digits, share->part.length);
    add_number(&share->part, index, letters);
}

void mk_share_string(const mk_share *share, uint64_t index, uint8_t *letters)
{
    const mk_part *part = &share->part;
    if (part->numbered) {
        write_number(part, mk_permutation_at(&part->numbers, share->first + index), letters);
        return;
    }
    write_index(share, index, letters);
    mk_string_permute(string_of(part, letters));
}

static void share_numbers(const mk_share *share, const uint64_t *indices, size_t count, uint8_t *letters, size_t stride)
{
    uint64_t numbers[MK_RULES_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        numbers[i] = share->first + indices[i];
    mk_permutation_many(&share->part.numbers, numbers, count);
    for (size_t i = 0; i < count; i++)
        write_number(&share->part, numbers[i], letters + i * stride);
}

void mk_share_strings(const mk_share *share, const uint64_t *indices, size_t count, uint8_t *letters, size_t stride)
{
    const mk_part *part = &share->part;
    if (part->numbered) {
        share_numbers(share, indices, count, letters, stride);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *out = letters + i * stride;
        if (i == 0 || indices[i] != indices[i - 1] + 1) {
            write_index(share, indices[i], out);
            continue;
        }
        memcpy(out, out - stride, part->length);
        add_number(part, 1, out);
    }
    mk_string_permute_many(string_of(part, letters), stride, count);
}

void mk_share_string_from_last(const mk_share *share, uint64_t index, uint8_t *letters)
{
    const mk_part *part = &share->part;
    memcpy(letters, share->last_digits, part->length);
    subtract_number(part, index, letters);
    mk_string_permute(string_of(part, letters));
}

static bool same_string(const mk_rule_space *space, const uint8_t *pattern, const uint8_t *replacement)
{
    uint32_t length = space->patterns.part.length;
    return length == space->replacements.part.length && memcmp(pattern, replacement, length) == 0;
}

static uint64_t pattern_row(const mk_rule_space *space, uint64_t j)
{
    return j % space->patterns.count;
}

static uint64_t replacement_row(const mk_rule_space *space, uint64_t j)
{
    return (j + j / space->lcm) % space->replacements.count;
}

static void finish_rule(const mk_rule_space *space, uint64_t j, mk_space_rule *rule)
{
    const mk_share *replacements = &space->replacements;
    rule->pattern_length = space->patterns.part.length;
    rule->replacement_length = replacements->part.length;
    rule->stratum = 0;
    if (!same_string(space, rule->pattern, rule->replacement))
        return;
    uint64_t row = pattern_row(space, j);
    if (replacements->count < COUNT_MAX)
        mk_share_string(replacements, (row + space->reserve) % replacements->count, rule->replacement);
    else
        mk_share_string_from_last(replacements, row, rule->replacement);
}

void mk_rule_space_at(const mk_rule_space *space, uint64_t j, mk_space_rule *rule)
{
    const mk_share *patterns = &space->patterns, *replacements = &space->replacements;
    if (patterns->part.numbered || replacements->part.numbered) {
        mk_share_string(patterns, pattern_row(space, j), rule->pattern);
        mk_share_string(replacements, replacement_row(space, j), rule->replacement);
    } else {
        write_index(patterns, pattern_row(space, j), rule->pattern);
        write_index(replacements, replacement_row(space, j), rule->replacement);
        mk_string_permute_both(string_of(&patterns->part, rule->pattern),
                               string_of(&replacements->part, rule->replacement));
    }
    finish_rule(space, j, rule);
}

void mk_rule_space_many(const mk_rule_space *space, const uint64_t *numbers, size_t count, mk_space_rule *rules)
{
    uint64_t rows[2][MK_RULES_AT_ONCE] = {{0}};
    size_t stride = count > 1 ? (size_t)(rules[1].pattern - rules[0].pattern) : 0;
    for (size_t i = 0; i < count; i++) {
        rows[0][i] = pattern_row(space, numbers[i]);
        rows[1][i] = replacement_row(space, numbers[i]);
    }
    mk_share_strings(&space->patterns, rows[0], count, rules[0].pattern, stride);
    mk_share_strings(&space->replacements, rows[1], count, rules[0].replacement, stride);
    for (size_t i = 0; i < count; i++)
        finish_rule(space, numbers[i], &rules[i]);
}

uint32_t mk_rule_space_widest(const mk_rule_space *space, int side)
{
    return (side ? &space->replacements : &space->patterns)->part.length;
}

bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length)
{
    (void)letters;
    return length == mk_rule_space_widest(space, side);
}
