#include "family.h"

#include <string.h>

void mk_family_expand(const mk_family *family, uint8_t *letters)
{
    if (!family->source)
        return;
    for (size_t i = family->length; i-- > 0;)
        letters[i] = letters[family->source[i]];
}

bool mk_family_reduce(const mk_family *family, const uint8_t *letters, uint8_t *digits)
{
    if (!family->source) {
        memcpy(digits, letters, family->length);
        return true;
    }
    uint32_t seen = 0;
    for (size_t i = 0; i < family->length; i++) {
        if (family->source[i] == seen)
            digits[seen++] = letters[i];
        else if (digits[family->source[i]] != letters[i])
            return false;
    }
    return true;
}

static bool has_form(const mk_overlap *overlap, const uint8_t *digits, uint32_t free_digits)
{
    for (uint32_t i = 1; i < free_digits; i++)
        if (digits[i] != digits[overlap->first[i]])
            return false;
    return true;
}

bool mk_family_excludes(const mk_family *family, const uint8_t *digits)
{
    for (uint32_t i = 0; i < family->listed; i++)
        if (has_form(&family->overlaps[i], digits, family->free))
            return true;
    return false;
}

/* Adds coefficient * (strings of the overlap before `digits`), modulo letters^free.  Such a string agrees with
 * `digits` up to a place, where it is smaller; only the first digits of blocks can be chosen.  So the number, in base
 * `letters`, is that of these digits up to the first place that differs from its block, one more if it is the larger
 * there, and zeros for the blocks that begin behind. */
static void add_strings_before(const mk_family *family, const mk_overlap *overlap, const uint8_t *digits,
                               uint8_t *number)
{
    const uint32_t *first = overlap->first;
    size_t stop = 0, place = family->free;
    while (stop < family->free && digits[first[stop]] == digits[stop])
        stop++;
    for (size_t i = stop + 1; i < family->free; i++)
        place -= first[i] == i;
    int64_t letters = family->letters, carry = 0;
    if (stop < family->free && digits[first[stop]] < digits[stop])
        carry = overlap->coefficient;
    for (size_t i = stop; i-- > 0;) {
        if (first[i] != i)
            continue;
        int64_t sum = number[--place] + (int64_t)overlap->coefficient * digits[i] + carry;
        carry = sum / letters - (sum % letters < 0);
        number[place] = (uint8_t)(sum - carry * letters);
    }
    while (carry && place-- > 0) {
        int64_t sum = number[place] + carry;
        carry = sum / letters - (sum % letters < 0);
        number[place] = (uint8_t)(sum - carry * letters);
    }
}

void mk_family_number(const mk_family *family, const uint8_t *digits, uint8_t *number)
{
    memcpy(number, family->allowed, family->free);
    for (uint32_t i = 0; i < family->overlap_count; i++)
        add_strings_before(family, &family->overlaps[i], digits, number);
}

/* The greatest string that is not numbered above, found digit by digit. */
void mk_family_excluded(const mk_family *family, const uint8_t *number, uint8_t *digits)
{
    uint8_t tried[MK_LONGEST_PART];
    memset(digits, 0, family->free);
    for (uint32_t i = 0; i < family->free; i++) {
        uint32_t low = 0, high = family->letters - 1;
        while (low < high) {
            digits[i] = (uint8_t)((low + high + 1) / 2);
            mk_family_number(family, digits, tried);
            if (memcmp(tried, number, family->free) <= 0)
                low = digits[i];
            else
                high = digits[i] - 1u;
        }
        digits[i] = (uint8_t)low;
    }
}
