/* One step a row against the four-line search, by every kernel, over columns that end at a page nobody may read. */
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

enum { ROWS = 4200 }; /* more than two chunks */

static const mk_poll no_poll = {NULL, NULL};

/* Bytes whose last one is the last before a page that cannot be read. */
typedef struct {
    uint8_t *pages, *bytes;
    size_t size;
} guarded;

static guarded guard(const uint8_t *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (length + page - 1) / page * page + page;
    uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + size - page, page, PROT_NONE) != 0)
        abort();
    uint8_t *start = pages + size - page - length;
    if (length)
        memcpy(start, bytes, length);
    return (guarded){pages, start, size};
}

typedef struct {
    uint8_t bytes[ROWS * 210];
    int64_t offsets[ROWS + 1];
    guarded copy;
    size_t count;
} side;

static mk_column column_of(const side *s)
{
    return (mk_column){s->copy.bytes, s->offsets, s->count};
}

static void append_row(side *s, const uint8_t *bytes, size_t length)
{
    if (length)
        memcpy(s->bytes + s->offsets[s->count], bytes, length);
    s->offsets[s->count + 1] = s->offsets[s->count] + (int64_t)length;
    s->count++;
}

static void append_random(side *s, uint64_t *seed, size_t length, size_t letters)
{
    uint8_t row[256];
    for (size_t i = 0; i < length; i++)
        row[i] = (uint8_t)((letters == 256 ? 0 : 'a') + (int)random_below(seed, letters));
    append_row(s, row, length);
}

static side patterns, replacements, words;

/* Half of the patterns are taken from their words; a third of both are periodic. */
static void make(uint64_t *seed, size_t letters, size_t longest, size_t rule_rows)
{
    patterns.count = replacements.count = words.count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        size_t n = random_below(seed, longest + 1), period = 1 + random_below(seed, 4);
        append_random(&words, seed, n, letters);
        uint8_t *word = words.bytes + words.offsets[i];
        if (i % 3 == 0)
            for (size_t k = period; k < n; k++)
                word[k] = word[k - period];
        if (i >= rule_rows)
            continue;
        size_t m = random_below(seed, i % 4 ? 8 : 81);
        if (i % 2 && m <= n)
            append_row(&patterns, word + random_below(seed, n - m + 1), m);
        else
            append_random(&patterns, seed, m, i % 3 ? letters : 1);
        append_random(&replacements, seed, random_below(seed, i % 5 ? 8 : 81), letters);
    }
    side *sides[] = {&patterns, &replacements, &words};
    for (int i = 0; i < 3; i++)
        sides[i]->copy = guard(sides[i]->bytes, (size_t)sides[i]->offsets[sides[i]->count]);
}

static void drop(void)
{
    side *sides[] = {&patterns, &replacements, &words};
    for (int i = 0; i < 3; i++)
        munmap(sides[i]->copy.pages, sides[i]->copy.size);
}

static int64_t naive(const uint8_t *p, size_t m, const uint8_t *t, size_t n)
{
    for (size_t i = 0; i + m <= n; i++)
        if (memcmp(t + i, p, m) == 0)
            return (int64_t)i;
    return -1;
}

static const uint8_t *row_of(const side *s, size_t i, size_t *length)
{
    const int64_t *at = s->offsets + (s->count == 1 ? 0 : i);
    *length = (size_t)(at[1] - at[0]);
    return s->bytes + at[0];
}

static void compare(const mk_rows *made, const int64_t *positions)
{
    for (size_t i = 0; i < words.count; i++) {
        size_t m, k, n, length = (size_t)(made->offsets[i + 1] - made->offsets[i]);
        const uint8_t *p = row_of(&patterns, i, &m), *r = row_of(&replacements, i, &k), *w = row_of(&words, i, &n);
        const uint8_t *got = made->data + made->offsets[i];
        int64_t expected = naive(p, m, w, n);
        CHECK(positions[i] == expected);
        if (expected < 0) {
            CHECK(length == n && memcmp(got, w, n) == 0);
            continue;
        }
        size_t at = (size_t)expected;
        CHECK(length == n - m + k && memcmp(got, w, at) == 0 && memcmp(got + at, r, k) == 0);
        CHECK(length == n - m + k && memcmp(got + at + k, w + at + m, n - m - at) == 0);
    }
    CHECK(made->offsets[0] == 0);
}

static void check_all(uint64_t seed, size_t threads)
{
    static const size_t letters[] = {1, 2, 4, 256}, longest[] = {0, 3, 50, 64, 66, 200};
    int64_t positions[ROWS];
    for (size_t a = 0; a < 4; a++)
        for (size_t b = 0; b < 6; b++)
            for (size_t shared = 0; shared < 2; shared++) {
                make(&seed, letters[a], longest[b], shared ? 1 : ROWS);
                mk_rows made;
                size_t row;
                CHECK(mk_rewrite_once(column_of(&patterns), column_of(&replacements), column_of(&words), threads,
                                      no_poll, &made, positions, &row) == MK_OK);
                compare(&made, positions);
                mk_free(made.data);
                mk_free(made.offsets);
                drop();
            }
}

/* Every start of every short word, the last row of a column included. */
static void every_place(void)
{
    int64_t positions[ROWS];
    for (size_t n = 0; n <= 66; n++)
        for (size_t m = 0; m <= n; m += 1 + m / 8) {
            patterns.count = replacements.count = words.count = 0;
            uint8_t row[128], rule[128];
            memset(rule, 'b', sizeof rule);
            append_row(&patterns, rule, m);
            append_row(&replacements, (const uint8_t *)"xyz", m % 4);
            for (size_t at = 0; at + m <= n; at++) {
                memset(row, 'a', sizeof row);
                memset(row + at, 'b', m);
                append_row(&words, row, n);
            }
            side *sides[] = {&patterns, &replacements, &words};
            for (int i = 0; i < 3; i++)
                sides[i]->copy = guard(sides[i]->bytes, (size_t)sides[i]->offsets[sides[i]->count]);
            mk_rows made;
            size_t failed;
            CHECK(mk_rewrite_once(column_of(&patterns), column_of(&replacements), column_of(&words), 1, no_poll, &made,
                                  positions, &failed) == MK_OK);
            for (size_t at = 0; at < words.count; at++)
                CHECK(positions[at] == (m ? (int64_t)at : 0));
            compare(&made, positions);
            mk_free(made.data);
            mk_free(made.offsets);
            drop();
        }
}

/* Every allocation fails once; nothing is made then. */
static void faults(size_t threads, int least)
{
    uint64_t seed = 11;
    int64_t positions[ROWS];
    int n = 0;
    make(&seed, 2, 200, ROWS);
    for (mk_status status = MK_NO_MEMORY; status != MK_OK; n++) {
        mk_rows made;
        size_t row;
        mk_memory_fail_after(n);
        status = mk_rewrite_once(column_of(&patterns), column_of(&replacements), column_of(&words), threads, no_poll,
                                 &made, positions, &row);
        mk_memory_fail_after(-1);
        CHECK(status == MK_OK || (status == MK_NO_MEMORY && row <= ROWS));
        if (status != MK_OK)
            continue;
        compare(&made, positions);
        mk_free(made.data);
        mk_free(made.offsets);
    }
    CHECK(n > least);
    drop();
}

int main(void)
{
    const char *names[] = {"scalar", "avx2", "avx512", "neon"};
    for (int i = 0; i < 4; i++)
        if (mk_simd_force(names[i])) {
            printf("kernel %s\n", mk_simd_name());
            check_all(1, 1);
            check_all(2, 3);
            every_place();
        }
    CHECK(mk_simd_force(NULL));
    faults(1, 2);
    faults(3, 4);
    return report("test_rewrite");
}
