/* The samplers of words against a search of the finished word, with one scratch for many patterns, and without memory. */
#include "check.h"
#include "nearmiss.h"
#include "uniform.h"

enum { LONGEST = 40, PATTERNS = 4, PATTERN_LETTERS = 16 };

static const mk_philox_key KEY = {{1, 2}};

static size_t occurrences(const uint8_t *p, size_t m, const uint8_t *word, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i + m <= n; i++)
        count += memcmp(word + i, p, m) == 0;
    return count;
}

typedef struct {
    uint32_t letters;
    uint8_t bytes[PATTERN_LETTERS];
    mk_needle needles[PATTERNS];
    size_t count, length;
} scenario;

/* Patterns of 0 to 4 letters of few, so that they overlap, contain and equal one another. */
static void random_scenario(uint64_t *seed, scenario *s)
{
    uint8_t *next = s->bytes;
    s->letters = 2 + (uint32_t)random_below(seed, 3);
    s->count = random_below(seed, PATTERNS + 1);
    s->length = random_below(seed, LONGEST + 1);
    for (size_t i = 0; i < s->count; i++) {
        size_t m = random_below(seed, 20) ? 1 + random_below(seed, 4) : 0;
        for (size_t j = 0; j < m; j++)
            next[j] = (uint8_t)random_below(seed, s->letters);
        s->needles[i] = mk_needle_make(next, m);
        next += m;
    }
}

static size_t first_of(const scenario *s, const uint8_t *word)
{
    size_t f = 0;
    while (f < s->count && !occurrences(s->needles[f].bytes, s->needles[f].length, word, s->length))
        f++;
    return f;
}

static bool has_near_miss(const scenario *s, size_t which, size_t edits, const uint8_t *word)
{
    const mk_needle *pattern = &s->needles[which];
    for (size_t start = 0; start + pattern->length <= s->length; start++) {
        size_t differ = 0;
        for (size_t i = 0; i < pattern->length; i++)
            differ += word[start + i] != pattern->bytes[i];
        if (differ == edits)
            return true;
    }
    return false;
}

/* The word that a scratch of its own gives, which must be that of the shared one. */
static mk_status draw_alone(const scenario *s, mk_draws draws, size_t fires, mk_word_law law, uint8_t *word)
{
    mk_several alone;
    CHECK(mk_several_open(&alone, s->letters, PATTERN_LETTERS, s->length) == MK_OK);
    mk_several_patterns(&alone, s->needles, s->count);
    mk_status status = mk_several_word(&alone, &draws, fires, law, word, s->length);
    mk_several_close(&alone);
    return status;
}

static void check_several(mk_several *several, const scenario *s, uint64_t round)
{
    uint8_t *word = malloc(s->length ? s->length : 1), *other = malloc(s->length ? s->length : 1);
    mk_several_patterns(several, s->needles, s->count);
    for (size_t fires = 0; fires <= s->count; fires++)
        for (int law = 0; law < 2; law++) {
            mk_draws draws;
            mk_count count;
            mk_draws_open(&draws, KEY, 0, round, 0);
            mk_status expected = draw_alone(s, draws, fires, (mk_word_law)law, other);
            CHECK(mk_several_count(several, fires, s->length, &count) == MK_OK);
            CHECK(expected == (count.mantissa ? MK_OK : MK_INVALID));
            CHECK(mk_several_word(several, &draws, fires, (mk_word_law)law, word, s->length) == expected);
            if (expected == MK_OK) {
                CHECK(memcmp(word, other, s->length) == 0);
                CHECK(first_of(s, word) == fires);
            }
        }
    for (size_t which = 0; which < s->count; which++)
        for (uint32_t edits = 1; edits <= s->needles[which].length; edits++) {
            mk_draws draws;
            mk_draws_open(&draws, KEY, 1, round, 0);
            mk_status status = mk_near_miss_word(several, &draws, which, edits, word, s->length);
            CHECK(status == MK_OK || status == MK_INVALID);
            CHECK(status == MK_OK || s->count > 1 || s->needles[which].length > s->length);
            CHECK(status != MK_OK || (first_of(s, word) == s->count && has_near_miss(s, which, edits, word)));
        }
    free(word);
    free(other);
}

static void check_uniform(mk_uniform *uniform, const scenario *s, uint64_t round)
{
    uint8_t *word = malloc(s->length ? s->length : 1);
    for (size_t i = 0; i < s->count; i++)
        for (uint32_t o = 0; o <= 4; o++) {
            const mk_needle *pattern = &s->needles[i];
            uint32_t asked = o == 4 ? MK_AT_LEAST_ONE : o;
            mk_draws draws;
            mk_count count;
            mk_draws_open(&draws, KEY, 2, round, 0);
            CHECK(mk_uniform_count(uniform, pattern, asked, s->length, &count) == MK_OK);
            mk_status status = mk_uniform_word(uniform, &draws, pattern, asked, word, s->length);
            CHECK(status == (count.mantissa ? MK_OK : MK_INVALID));
            size_t found = occurrences(pattern->bytes, pattern->length, word, s->length);
            CHECK(status != MK_OK || (o == 4 ? found > 0 : found == o));
        }
    free(word);
}

static void random_scenarios(uint64_t seed)
{
    mk_several several[3];
    mk_uniform uniform[3];
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(mk_several_open(&several[i], 2 + i, PATTERN_LETTERS, LONGEST) == MK_OK);
        CHECK(mk_uniform_open(&uniform[i], 2 + i, 4, 3, LONGEST) == MK_OK);
    }
    for (uint64_t round = 0; round < 3000; round++) {
        scenario s;
        random_scenario(&seed, &s);
        check_several(&several[s.letters - 2], &s, round);
        check_uniform(&uniform[s.letters - 2], &s, round);
    }
    for (uint32_t i = 0; i < 3; i++) {
        mk_several_close(&several[i]);
        mk_uniform_close(&uniform[i]);
    }
}

/* All that may allocate, until something fails. */
static mk_status draw_all(uint8_t *word)
{
    const uint8_t bytes[] = {0, 1, 1, 1, 0};
    const mk_needle needles[] = {mk_needle_make(bytes, 2), mk_needle_make(bytes + 2, 3)};
    mk_several several = {0};
    mk_uniform uniform = {0};
    mk_draws draws;
    mk_draws_open(&draws, KEY, 0, 0, 0);
    mk_status status = mk_several_open(&several, 2, 5, LONGEST);
    mk_several_patterns(&several, needles, 2);
    for (size_t fires = 0; fires < 3 && status == MK_OK; fires++)
        for (int law = 0; law < 2 && status == MK_OK; law++)
            status = mk_several_word(&several, &draws, fires, (mk_word_law)law, word, LONGEST);
    mk_several_patterns(&several, needles, 1);
    if (status == MK_OK)
        status = mk_near_miss_word(&several, &draws, 0, 1, word, LONGEST);
    if (status == MK_OK)
        status = mk_uniform_open(&uniform, 2, 3, 3, LONGEST);
    for (uint32_t o = 0; o < 4 && status == MK_OK; o++)
        status = mk_uniform_word(&uniform, &draws, &needles[1], o, word, LONGEST);
    mk_count count;
    if (status == MK_OK)
        status = mk_uniform_count(&uniform, needles, MK_AT_LEAST_ONE, LONGEST, &count);
    mk_several_close(&several);
    mk_uniform_close(&uniform);
    return status;
}

static void without_memory(void)
{
    uint8_t expected[LONGEST], word[LONGEST];
    CHECK(draw_all(expected) == MK_OK);
    int64_t allowed = 0;
    mk_status status = MK_NO_MEMORY;
    for (; status != MK_OK && allowed < 1000; allowed++) {
        mk_memory_fail_after(allowed);
        status = draw_all(word);
        mk_memory_fail_after(-1);
        CHECK(status == MK_OK || status == MK_NO_MEMORY);
    }
    CHECK(allowed > 15 && status == MK_OK);
    CHECK(memcmp(word, expected, LONGEST) == 0);
}

int main(void)
{
    random_scenarios(11);
    without_memory();
    return report("test_words");
}
