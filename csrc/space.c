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

void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint64_t form, uint32_t letters, uint32_t length)
{
    uint64_t size;
    *part = (mk_part){.letters = letters, .length = length};
    part->numbered = power_below(letters, length, MK_PERMUTATION_MAX, &size);
    if (part->numbered)
        mk_permutation_open(&part->numbers, mk_philox_subkey(key, size, 0, form, axis), size);
    else
        part->key = mk_philox_subkey(key, length, letters, form, axis);
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

#define MOST_TABULATED ((uint64_t)1 << 24)

mk_status mk_share_tabulate(mk_share *share)
{
    mk_part *part = &share->part;
    return part->numbered && part->numbers.size <= MOST_TABULATED ? mk_permutation_tabulate(&part->numbers) : MK_OK;
}

void mk_share_close(mk_share *share)
{
    mk_permutation_close(&share->part.numbers);
}

/* Walks on from an excluded string.  Rare: kept apart for its room on the stack. */
static __attribute__((noinline)) void walk(const mk_share *share, uint8_t *digits)
{
    uint8_t number[MK_LONGEST_PART];
    mk_family_number(share->family, digits, number);
    memcpy(digits, number, share->part.length);
    mk_part_permute(&share->part, digits);
}

/* From sigma's digits to the letters of the string. */
static void finish(const mk_share *share, uint8_t *letters)
{
    if (!share->family)
        return;
    while (mk_family_excludes(share->family, letters))
        walk(share, letters);
    mk_family_expand(share->family, letters);
}

/* The index `more` behind the one of these digits: the string before sigma. */
static void write_index(const mk_share *share, const uint8_t *digits, uint64_t more, uint8_t *letters)
{
    memcpy(letters, digits, share->part.length);
    add_number(&share->part, more, letters);
}

static void string_at(const mk_share *share, const uint8_t *digits, uint64_t more, uint8_t *letters)
{
    write_index(share, digits, more, letters);
    mk_string_permute(string_of(&share->part, letters));
    finish(share, letters);
}

static void string_before(const mk_share *share, const uint8_t *digits, uint64_t less, uint8_t *letters)
{
    const mk_part *part = &share->part;
    memcpy(letters, digits, part->length);
    subtract_number(part, less, letters);
    mk_string_permute(string_of(part, letters));
    finish(share, letters);
}

void mk_share_string(const mk_share *share, uint64_t index, uint8_t *letters)
{
    const mk_part *part = &share->part;
    if (!part->numbered) {
        string_at(share, share->first_digits, index, letters);
        return;
    }
    write_number(part, mk_permutation_at(&part->numbers, share->first + index), letters);
    finish(share, letters);
}

void mk_share_string_from_last(const mk_share *share, uint64_t index, uint8_t *letters)
{
    string_before(share, share->last_digits, index, letters);
}

/* The index of a string, as digits. */
static void find_index(const mk_share *share, uint8_t *digits)
{
    const mk_family *family = share->family;
    uint8_t number[MK_LONGEST_PART];
    mk_part_permute_back(&share->part, digits);
    while (family && family->listed && memcmp(digits, family->allowed, family->free) >= 0) {
        memcpy(number, digits, family->free);
        mk_family_excluded(family, number, digits);
        mk_part_permute_back(&share->part, digits);
    }
}

bool mk_share_holds(const mk_share *share, const uint8_t *letters)
{
    uint8_t digits[MK_LONGEST_PART];
    const mk_part *part = &share->part;
    if (share->count == 0)
        return false;
    if (!share->family)
        memcpy(digits, letters, part->length);
    else if (!mk_family_reduce(share->family, letters, digits) || mk_family_excludes(share->family, digits))
        return false;
    find_index(share, digits);
    if (part->numbered)
        return read_number(part, digits) - share->first < share->count;
    return memcmp(digits, share->first_digits, part->length) >= 0 &&
           memcmp(digits, share->last_digits, part->length) <= 0;
}

/* A side's string number `index` as the share has it: so many behind the string of the digits, or, where the share is
 * numbered, that number. */
typedef struct {
    const uint8_t *digits;
    uint64_t more;
} place;

static place find_place(const mk_side *side, uint64_t index)
{
    const mk_share *share = side->share;
    if (side->offset && index >= side->head)
        return (place){share->first_digits, index - side->head};
    if (side->offset && !share->part.numbered)
        return (place){side->start_digits, index};
    return (place){share->first_digits, side->offset + index};
}

static void side_string(const mk_side *side, uint64_t index, uint8_t *letters)
{
    place at = find_place(side, index);
    if (side->share->part.numbered)
        mk_share_string(side->share, at.more, letters);
    else
        string_at(side->share, at.digits, at.more, letters);
}

static void numbered_strings(const mk_side *side, uint64_t *indices, size_t count, uint8_t *const *letters)
{
    const mk_share *share = side->share;
    for (size_t i = 0; i < count; i++)
        indices[i] = share->first + find_place(side, indices[i]).more;
    mk_permutation_many(&share->part.numbers, indices, count);
    for (size_t i = 0; i < count; i++) {
        write_number(&share->part, indices[i], letters[i]);
        finish(share, letters[i]);
    }
}

static bool are_equally_spaced(uint8_t *const *letters, size_t count)
{
    for (size_t i = 2; i < count; i++)
        if (letters[i] - letters[i - 1] != letters[1] - letters[0])
            return false;
    return count > 1;
}

/* Strings of a side, to rooms of their own; overwrites the indices. */
static void side_strings(const mk_side *side, uint64_t *indices, size_t count, uint8_t *const *letters)
{
    const mk_share *share = side->share;
    if (share->part.numbered) {
        numbered_strings(side, indices, count, letters);
        return;
    }
    place before = {0};
    for (size_t i = 0; i < count; i++) {
        place at = find_place(side, indices[i]);
        bool next = i > 0 && at.digits == before.digits && at.more == before.more + 1;
        write_index(share, next ? letters[i - 1] : at.digits, next ? 1 : at.more, letters[i]);
        before = at;
    }
    if (are_equally_spaced(letters, count))
        mk_string_permute_many(string_of(&share->part, letters[0]), (size_t)(letters[1] - letters[0]), count);
    else
        for (size_t i = 0; i < count; i++)
            mk_string_permute(string_of(&share->part, letters[i]));
    for (size_t i = 0; i < count; i++)
        finish(share, letters[i]);
}

static void side_string_from_last(const mk_side *side, uint64_t index, uint8_t *letters)
{
    if (index >= side->offset)
        mk_share_string_from_last(side->share, index - side->offset, letters);
    else
        string_before(side->share, side->before_digits, index, letters);
}

static bool same_string(const mk_stratum *stratum, const uint8_t *pattern, const uint8_t *replacement)
{
    uint32_t length = mk_share_length(stratum->patterns.share);
    return length == mk_share_length(stratum->replacements.share) && memcmp(pattern, replacement, length) == 0;
}

static uint64_t pattern_row(const mk_stratum *stratum, uint64_t j)
{
    return j % stratum->patterns.share->count;
}

static uint64_t replacement_row(const mk_stratum *stratum, uint64_t j)
{
    return (j + j / stratum->lcm) % stratum->replacements.share->count;
}

static void set_apart(const mk_stratum *stratum, uint64_t j, const uint8_t *pattern, uint8_t *replacement)
{
    const mk_side *replacements = &stratum->replacements;
    if (!same_string(stratum, pattern, replacement))
        return;
    uint64_t row = pattern_row(stratum, j), count = replacements->share->count;
    if (count < COUNT_MAX)
        side_string(replacements, (row + stratum->reserve) % count, replacement);
    else
        side_string_from_last(replacements, row, replacement);
}

void mk_stratum_at(const mk_stratum *stratum, uint64_t j, uint8_t *pattern, uint8_t *replacement)
{
    const mk_side *patterns = &stratum->patterns, *replacements = &stratum->replacements;
    const mk_part *first = &patterns->share->part, *second = &replacements->share->part;
    if (first->numbered || second->numbered) {
        side_string(patterns, pattern_row(stratum, j), pattern);
        side_string(replacements, replacement_row(stratum, j), replacement);
    } else {
        place x = find_place(patterns, pattern_row(stratum, j)), y = find_place(replacements, replacement_row(stratum, j));
        write_index(patterns->share, x.digits, x.more, pattern);
        write_index(replacements->share, y.digits, y.more, replacement);
        mk_string_permute_both(string_of(first, pattern), string_of(second, replacement));
        finish(patterns->share, pattern);
        finish(replacements->share, replacement);
    }
    set_apart(stratum, j, pattern, replacement);
}

void mk_stratum_many(const mk_stratum *stratum, const uint64_t *numbers, size_t count, uint8_t *const *patterns,
                     uint8_t *const *replacements)
{
    uint64_t rows[MK_RULES_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        rows[i] = pattern_row(stratum, numbers[i]);
    side_strings(&stratum->patterns, rows, count, patterns);
    for (size_t i = 0; i < count; i++)
        rows[i] = replacement_row(stratum, numbers[i]);
    side_strings(&stratum->replacements, rows, count, replacements);
    for (size_t i = 0; i < count; i++)
        set_apart(stratum, numbers[i], patterns[i], replacements[i]);
}
