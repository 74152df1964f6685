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

static void write_number(const mk_part *part, uint64_t number, uint8_t *digits)
{
    for (size_t i = part->length; i-- > 0; number /= part->letters)
        digits[i] = (uint8_t)(number % part->letters);
}

static uint64_t read_number(const mk_part *part, const uint8_t *digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < part->length; i++)
        number = number * part->letters + digits[i];
    return number;
}

void mk_part_permute(const mk_part *part, uint8_t *digits)
{
    if (part->numbered)
        write_number(part, mk_permutation_at(&part->numbers, read_number(part, digits)), digits);
    else
        mk_string_permute(part->key, part->letters, digits, part->length);
}

void mk_part_permute_back(const mk_part *part, uint8_t *digits)
{
    if (part->numbered)
        write_number(part, mk_permutation_inverse(&part->numbers, read_number(part, digits)), digits);
    else
        mk_string_permute_back(part->key, part->letters, digits, part->length);
}

static void add_number(const mk_part *part, uint64_t number, uint8_t *digits)
{
    for (size_t i = part->length; i-- > 0 && number;) {
        uint64_t sum = digits[i] + number % part->letters;
        number = number / part->letters + sum / part->letters;
        digits[i] = (uint8_t)(sum % part->letters);
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

void mk_share_string(const mk_share *share, uint64_t index, uint8_t *letters)
{
    const mk_part *part = &share->part;
    if (part->numbered) {
        write_number(part, mk_permutation_at(&part->numbers, share->first + index), letters);
        return;
    }
    memcpy(letters, share->first_digits, part->length);
    add_number(part, index, letters);
    mk_string_permute(part->key, part->letters, letters, part->length);
}

void mk_share_string_from_last(const mk_share *share, uint64_t index, uint8_t *letters)
{
    const mk_part *part = &share->part;
    memcpy(letters, share->last_digits, part->length);
    subtract_number(part, index, letters);
    mk_string_permute(part->key, part->letters, letters, part->length);
}

static bool same_string(const mk_rule_space *space, const uint8_t *pattern, const uint8_t *replacement)
{
    uint32_t length = space->patterns.part.length;
    return length == space->replacements.part.length && memcmp(pattern, replacement, length) == 0;
}

void mk_rule_space_at(const mk_rule_space *space, uint64_t j, mk_space_rule *rule)
{
    const mk_share *replacements = &space->replacements;
    uint64_t row = j % space->patterns.count;
    rule->pattern_length = space->patterns.part.length;
    rule->replacement_length = replacements->part.length;
    rule->stratum = 0;
    mk_share_string(&space->patterns, row, rule->pattern);
    mk_share_string(replacements, (j + j / space->lcm) % replacements->count, rule->replacement);
    if (!same_string(space, rule->pattern, rule->replacement))
        return;
    if (replacements->count < COUNT_MAX)
        mk_share_string(replacements, (row + space->reserve) % replacements->count, rule->replacement);
    else
        mk_share_string_from_last(replacements, row, rule->replacement);
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
