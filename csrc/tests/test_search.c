/* Every kernel and the two-way search against the four-line search. */
#include "check.h"
#include "search.h"
#include "twoway.h"

static size_t naive(const uint8_t *p, size_t m, const uint8_t *t, size_t n, size_t from)
{
    for (size_t i = from; i + m <= n; i++)
        if (memcmp(t + i, p, m) == 0)
            return i;
    return MK_NOWHERE;
}

static void compare(const uint8_t *p, size_t m, const uint8_t *t, size_t n)
{
    mk_needle needle = mk_needle_make(p, m);
    size_t from = 0;
    for (;;) {
        size_t expected = naive(p, m, t, n, from);
        CHECK(mk_search(&needle, t, n, from) == expected);
        if (m > 0 && m <= n && from <= n - m) {
            mk_twoway plan = mk_twoway_make(p, m);
            size_t stop = n - m + 1, found = mk_twoway_search(&plan, &needle, t, from, stop);
            CHECK((found == stop ? MK_NOWHERE : found) == expected);
        }
        if (expected == MK_NOWHERE)
            return;
        from = expected + 1;
    }
}

static void random_cases(uint64_t seed)
{
    for (int round = 0; round < 20000; round++) {
        size_t letters = 1 + random_below(&seed, 3);
        size_t n = random_below(&seed, 300), m = random_below(&seed, round % 4 ? 6 : 40);
        uint8_t *text = random_word(&seed, n, letters), *pattern = random_word(&seed, m, letters);
        if (round % 3 == 0 && m <= n)
            memcpy(pattern, text + random_below(&seed, n - m + 1), m);
        compare(pattern, m, text, n);
        free(text);
        free(pattern);
    }
}

/* Several patterns in short and longer texts, of exactly the memory that they need. */
static void several_cases(uint64_t seed)
{
    enum { PATTERNS = 5 };
    for (int round = 0; round < 20000; round++) {
        size_t letters = 1 + random_below(&seed, 3), n = random_below(&seed, round % 8 ? 70 : 200);
        uint8_t *text = random_word(&seed, n, letters), *patterns[PATTERNS];
        mk_needle needles[PATTERNS];
        size_t expected = PATTERNS, place = MK_NOWHERE, at = MK_NOWHERE;
        for (size_t i = 0; i < PATTERNS; i++) {
            size_t m = random_below(&seed, round % 16 ? 12 : 80);
            patterns[i] = random_word(&seed, m, letters + (round % 2 != 0));
            needles[i] = mk_needle_make(patterns[i], m);
            size_t found = naive(patterns[i], m, text, n, 0);
            if (expected == PATTERNS && found != MK_NOWHERE) {
                expected = i;
                place = found;
            }
        }
        CHECK(mk_search_first(needles, PATTERNS, text, n, &at) == expected);
        CHECK(expected == PATTERNS || at == place);
        for (size_t i = 0; i < PATTERNS; i++) {
            size_t first = naive(patterns[i], needles[i].length, text, n, 0);
            for (size_t start = first; start != MK_NOWHERE;) {
                size_t next = naive(patterns[i], needles[i].length, text, n, start + 1);
                CHECK(mk_search_confirm(&needles[i], text, n, start, false) == (start == first));
                CHECK(mk_search_confirm(&needles[i], text, n, start, true) == (start == first && next == MK_NOWHERE));
                start = next;
            }
            free(patterns[i]);
        }
        free(text);
    }
}

/* a^n against patterns of a's with one other letter: the vector filter finds candidates everywhere. */
static void repetitive_cases(void)
{
    for (size_t m = 4; m < 300; m += 37)
        for (size_t odd = 0; odd < m; odd += 5) {
            size_t n = 20000;
            uint8_t *text = malloc(n), *pattern = malloc(m);
            memset(text, 'a', n);
            memset(pattern, 'a', m);
            pattern[odd] = 'b';
            text[n - m + odd] = 'b';
            mk_needle needle = mk_needle_make(pattern, m);
            CHECK(mk_search(&needle, text, n, 0) == n - m);
            CHECK(mk_search(&needle, text, n - 1, 0) == naive(pattern, m, text, n - 1, 0));
            free(text);
            free(pattern);
        }
}

/* The meter shows that the fallback keeps the search linear: a quadratic one would verify m letters n times. */
static int asked;
static int stop_at_once(void *context)
{
    (void)context;
    asked++;
    return 1;
}

static void interruption(void)
{
    size_t n = (size_t)1 << 26;
    uint8_t *text = malloc(n);
    memset(text, 'a', n);
    mk_needle needle = mk_needle_make((const uint8_t *)"aaab", 4);
    mk_meter meter = mk_meter_make((mk_poll){stop_at_once, NULL});
    CHECK(mk_search_range(&needle, text, n, 0, SIZE_MAX, &meter) == MK_NOWHERE);
    CHECK(meter.stopped && asked == 1 && meter.letters < n / 2);
    free(text);
}

int main(void)
{
    const char *names[] = {"scalar", "avx2", "avx512", "neon"};
    for (int i = 0; i < 4; i++)
        if (mk_simd_force(names[i])) {
            printf("kernel %s\n", mk_simd_name());
            random_cases(7);
            several_cases(11);
            repetitive_cases();
        }
    CHECK(!mk_simd_force("no such kernel"));
    CHECK(mk_simd_force(NULL));
    interruption();
    return report("test_search");
}
