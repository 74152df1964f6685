/* Permutations of many against one at a time: every vector kernel, every length near those that fit, every alphabet. */
#include "check.h"

#include "permute.h"

enum { LONGEST = 60, MOST = 70, STRIDE = LONGEST + 3 };

static const char *const simd[] = {"scalar", "avx2", "avx512", "neon"};

static mk_string string_at(mk_philox_key key, uint32_t letters, uint8_t *digits, size_t length)
{
    return (mk_string){key, letters, digits, length};
}

/* Bytes between and behind the strings must stay. */
static void check_strings(uint64_t *state, uint32_t letters, size_t length, size_t count)
{
    static uint8_t one[MOST * STRIDE], many[MOST * STRIDE];
    mk_philox_key key = {{next_random(state), next_random(state)}};
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = one[i] = (uint8_t)random_below(state, letters);
    for (size_t i = 0; i < count; i++)
        mk_string_permute(string_at(key, letters, one + i * STRIDE, length));
    mk_string_permute_many(string_at(key, letters, many, length), STRIDE, count);
    CHECK(memcmp(one, many, sizeof one) == 0);
}

static void check_both(uint64_t *state, uint32_t letters, size_t length)
{
    uint8_t one[2][LONGEST], both[2][LONGEST];
    size_t lengths[2] = {length, random_below(state, LONGEST + 1)};
    mk_string strings[2];
    for (size_t i = 0; i < 2; i++) {
        mk_philox_key key = {{next_random(state), next_random(state)}};
        for (size_t k = 0; k < LONGEST; k++)
            both[i][k] = one[i][k] = (uint8_t)random_below(state, letters);
        mk_string_permute(string_at(key, letters, one[i], lengths[i]));
        strings[i] = string_at(key, letters, both[i], lengths[i]);
    }
    mk_string_permute_both(strings[0], strings[1]);
    CHECK(memcmp(one, both, sizeof one) == 0);
    for (size_t i = 0; i < 2; i++)
        mk_string_permute_back(strings[i]);
    for (size_t i = 0; i < 2; i++)
        mk_string_permute(strings[i]);
    CHECK(memcmp(one, both, sizeof one) == 0);
}

static void check_numbers(uint64_t *state, uint64_t size, bool tabulate)
{
    mk_permutation p = {0};
    uint64_t numbers[MOST], images[MOST];
    mk_permutation_open(&p, (mk_philox_key){{next_random(state), next_random(state)}}, size);
    if (tabulate)
        CHECK(mk_permutation_tabulate(&p) == MK_OK);
    for (size_t i = 0; i < MOST; i++) {
        numbers[i] = next_random(state) % size;
        images[i] = mk_permutation_at(&p, numbers[i]);
    }
    mk_permutation_many(&p, numbers, MOST - size % 5);
    CHECK(memcmp(numbers, images, (MOST - size % 5) * sizeof *numbers) == 0);
    mk_permutation_close(&p);
}

int main(void)
{
    uint64_t state = 1;
    for (size_t s = 0; s < sizeof simd / sizeof *simd; s++) {
        if (!mk_simd_force(simd[s]))
            continue;
        for (uint32_t letters = 2; letters <= 256; letters++)
            for (size_t length = 1; length <= LONGEST; length++)
                check_strings(&state, letters, length, 7 + (letters + length) % 30);
        for (size_t count = 0; count <= MOST; count++)
            check_strings(&state, 26, 20, count);
        for (uint64_t size = 1; size < 2000; size++)
            check_numbers(&state, size, size % 2);
        for (int bits = 11; bits < 62; bits++)
            for (uint64_t more = 0; more < 50; more++)
                check_numbers(&state, ((uint64_t)1 << bits) + more, false);
    }
    mk_simd_force(NULL);
    for (uint32_t letters = 2; letters <= 256; letters++)
        for (size_t length = 0; length <= LONGEST; length++)
            check_both(&state, letters, length);
    return report("test_permute");
}
