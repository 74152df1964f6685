/* Shares that are read from the middle, the replacement of x -> x in spaces too large to number (which no data set will
 * ever meet by chance), and the numbers of excluded strings. */
#include "check.h"
#include "space.h"

#define LETTERS 26
#define LENGTH 20

static const mk_philox_key KEY = {{1, 2}};

/* The digits of a number, which is small or, with `from_end`, that much below the largest. */
static void digits_of(uint64_t number, bool from_end, uint8_t *digits)
{
    for (size_t i = LENGTH; i-- > 0; number /= LETTERS) {
        uint8_t digit = (uint8_t)(number % LETTERS);
        digits[i] = from_end ? (uint8_t)(LETTERS - 1 - digit) : digit;
    }
}

static bool is_string(const mk_part *part, const uint8_t *letters, uint64_t number, bool from_end)
{
    uint8_t digits[LENGTH];
    digits_of(number, from_end, digits);
    mk_part_permute(part, digits);
    return memcmp(digits, letters, LENGTH) == 0;
}

/* Both sides are the whole space under one permutation, so that every instruction would be x -> x. */
static void test_reserve(uint64_t offset)
{
    uint8_t first[LENGTH], last[LENGTH], start[LENGTH], before[LENGTH];
    digits_of(0, false, first);
    digits_of(0, true, last);
    digits_of(offset, false, start);
    digits_of(offset ? offset - 1 : 0, false, before);
    mk_share share = {.count = (uint64_t)1 << 63, .first_digits = first, .last_digits = last};
    mk_part_open(&share.part, KEY, MK_AXIS_PATTERNS, 0, LETTERS, LENGTH);
    mk_side side = {&share, offset, (uint64_t)1 << 63, start, before};
    mk_stratum stratum = {side, side, (uint64_t)1 << 63, 0, (uint64_t)1 << 62, 1, NULL};
    for (uint64_t j = 0; j < 12; j++) {
        uint8_t pattern[LENGTH], replacement[LENGTH];
        mk_stratum_at(&stratum, j, pattern, replacement);
        CHECK(is_string(&share.part, pattern, offset + j, false));
        if (j < offset)
            CHECK(is_string(&share.part, replacement, offset - 1 - j, false));
        else
            CHECK(is_string(&share.part, replacement, j - offset, true));
        CHECK(mk_share_holds(&share, pattern) && mk_share_holds(&share, replacement));
    }
}

/* Ten strings, too many around them to be numbered. */
static void test_round(void)
{
    uint8_t first[LENGTH], last[LENGTH], start[LENGTH], before[LENGTH];
    digits_of(100, false, first);
    digits_of(109, false, last);
    digits_of(104, false, start);
    digits_of(103, false, before);
    mk_share share = {.count = 10, .first_digits = first, .last_digits = last}, other = share;
    mk_part_open(&share.part, KEY, MK_AXIS_PATTERNS, 0, LETTERS, LENGTH);
    mk_part_open(&other.part, KEY, MK_AXIS_REPLACEMENTS, 0, LETTERS, LENGTH);
    mk_stratum stratum = {{&share, 4, 6, start, before}, {&other, 0, 10, NULL, NULL}, 10, 9, 90, 1, NULL};
    uint8_t letters[10][2][LENGTH], *patterns[10], *replacements[10];
    uint64_t numbers[10];
    for (uint64_t j = 0; j < 10; j++) {
        mk_stratum_at(&stratum, j, letters[j][0], letters[j][1]);
        CHECK(is_string(&share.part, letters[j][0], 100 + (j + 4) % 10, false));
        CHECK(is_string(&other.part, letters[j][1], 100 + j, false));
        CHECK(mk_share_holds(&share, letters[j][0]) && !mk_share_holds(&share, letters[j][1]));
        patterns[j] = letters[j][0];
        replacements[j] = letters[j][1];
        numbers[j] = j;
    }
    uint8_t kept[10][2][LENGTH];
    memcpy(kept, letters, sizeof kept);
    memset(letters, 0, sizeof letters);
    mk_stratum_many(&stratum, numbers, 10, patterns, replacements);
    CHECK(memcmp(kept, letters, sizeof kept) == 0);
}

/* Four digits below 3, less those of the forms aabb and abab: the second sort of both is aaaa. */
static void test_numbers_of_excluded(void)
{
    const uint32_t pairs[4] = {0, 0, 2, 2}, turns[4] = {0, 1, 0, 1}, all[4] = {0, 0, 0, 0};
    const mk_overlap overlaps[3] = {{1, pairs}, {1, turns}, {-1, all}};
    const uint8_t allowed[4] = {2, 1, 1, 0}; /* 81 - 15 */
    const mk_family family = {3, 4, 4, NULL, overlaps, 3, 2, allowed};
    uint32_t expected = 66;
    for (uint32_t n = 0; n < 81; n++) {
        uint8_t digits[4] = {(uint8_t)(n / 27), (uint8_t)(n / 9 % 3), (uint8_t)(n / 3 % 3), (uint8_t)(n % 3)};
        uint8_t number[4], back[4];
        bool excluded = (digits[0] == digits[1] && digits[2] == digits[3]) ||
                        (digits[0] == digits[2] && digits[1] == digits[3]);
        CHECK(mk_family_excludes(&family, digits) == excluded);
        mk_family_number(&family, digits, number);
        if (!excluded)
            continue;
        CHECK(number[0] * 27u + number[1] * 9u + number[2] * 3u + number[3] == expected);
        mk_family_excluded(&family, number, back);
        CHECK(memcmp(back, digits, 4) == 0);
        expected++;
    }
    CHECK(expected == 81);
}

int main(void)
{
    test_reserve(0);
    test_reserve(5);
    test_reserve(100);
    test_round();
    test_numbers_of_excluded();
    return report("test_space");
}
