/* Threads that share one rule set get what a single thread gets.  Built with the thread sanitizer by `make tsan`. */
#define _GNU_SOURCE
#include <pthread.h>

#include "check.h"
#include "parallel.h"

enum { THREADS = 4, ROUNDS = 3, ROWS = 2100, LONGEST = 40, MAX_LENGTH = 200 };

static const mk_poll no_poll = {NULL, NULL};
static const uint8_t patterns[] = "abbcaccb", replacements[] = "baaacb";
static const int64_t p[] = {0, 2, 4, 5, 8}, r[] = {0, 2, 4, 6, 6};
static const uint8_t terminal[] = {0, 0, 0, 1};
static const int64_t max_steps = 60, max_length = MAX_LENGTH;

static uint8_t words[ROWS * LONGEST];
static int64_t offsets[ROWS + 1];
static mk_ruleset *rules;
static mk_batch_result expected;
static mk_rows rewritten;
static int64_t rewritten_at[ROWS];

static mk_column column(void)
{
    return (mk_column){words, offsets, ROWS};
}

static mk_batch plan(size_t threads)
{
    return (mk_batch){
        .words = column(),
        .rules = rules,
        .max_steps = &max_steps,
        .max_length = &max_length,
        .max_total = MK_NO_LIMIT,
        .threads = threads,
    };
}

static void make_words(void)
{
    uint64_t seed = 5;
    for (int i = 0; i < ROWS; i++) {
        size_t length = random_below(&seed, LONGEST);
        for (size_t k = 0; k < length; k++)
            words[offsets[i] + (int64_t)k] = (uint8_t)('a' + random_below(&seed, 3));
        offsets[i + 1] = offsets[i] + (int64_t)length;
    }
}

static bool same_rows(const mk_rows *a, const mk_rows *b)
{
    return memcmp(a->offsets, b->offsets, sizeof offsets) == 0 &&
           memcmp(a->data, b->data, (size_t)a->offsets[ROWS]) == 0;
}

/* Each of these is false if the answer is not the expected one. */
static bool run_one(size_t i, mk_matcher matcher)
{
    mk_options options = {max_steps, max_length, MK_MARKOV, false, matcher};
    mk_run *run;
    if (mk_run_open(rules, words + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), &options, NULL, &run) != MK_OK)
        return false;
    bool good = mk_run_step(run, UINT64_MAX, no_poll) == MK_OK;
    size_t length = mk_run_length(run);
    uint8_t word[MAX_LENGTH];
    const int64_t *at = expected.words.offsets + i;
    mk_run_copy(run, word);
    good = good && (int64_t)length == at[1] - at[0] && memcmp(word, expected.words.data + at[0], length) == 0;
    good = good && (int64_t)mk_run_steps(run) == expected.steps[i];
    mk_run_close(run);
    return good;
}

static bool find_one(size_t i)
{
    bool found;
    mk_match match;
    if (mk_ruleset_find(rules, MK_MARKOV, words + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), no_poll, &found,
                        &match) != MK_OK)
        return false;
    if (!found)
        return expected.first_rule[i] == -1;
    return (int64_t)match.rule == expected.first_rule[i] && (int64_t)match.position == expected.first_position[i];
}

static bool run_all(size_t threads)
{
    mk_batch batch = plan(threads);
    mk_batch_result result;
    size_t row;
    if (mk_batch_run(&batch, no_poll, &result, &row) != MK_OK)
        return false;
    bool good = same_rows(&result.words, &expected.words) &&
                memcmp(result.steps, expected.steps, ROWS * sizeof *result.steps) == 0;
    mk_batch_result_free(&result);
    return good;
}

static bool rewrite_all(size_t threads, mk_rows *made, int64_t *positions)
{
    size_t row;
    mk_column pattern = {patterns, p, 1}, replacement = {replacements, r, 1};
    return mk_rewrite_once(pattern, replacement, column(), threads, no_poll, made, positions, &row) == MK_OK;
}

static bool rewrite_and_compare(size_t threads)
{
    mk_rows made;
    int64_t positions[ROWS];
    if (!rewrite_all(threads, &made, positions))
        return false;
    bool good = same_rows(&made, &rewritten) && memcmp(positions, rewritten_at, sizeof positions) == 0;
    mk_free(made.data);
    mk_free(made.offsets);
    return good;
}

typedef struct {
    pthread_t thread;
    size_t number;
    bool good;
} worker;

static void *work(void *argument)
{
    static const mk_matcher matchers[] = {MK_INDEX, MK_AUTO, MK_SCAN, MK_BITS};
    worker *w = argument;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t threads = 1 + (round + w->number) % 3;
        for (size_t i = w->number; i < ROWS; i += 61)
            w->good = w->good && run_one(i, matchers[(round + i) % 4]) && find_one(i);
        w->good = w->good && run_all(threads) && rewrite_and_compare(threads);
    }
    return NULL;
}

#ifdef __GLIBC__
enum { NEEDED_STACK = 1 << 19 };

static mk_status use_stack(void *context, size_t worker_number, size_t item, mk_poll poll)
{
    volatile uint8_t room[NEEDED_STACK];
    (void)context, (void)worker_number, (void)poll;
    for (size_t i = 0; i < NEEDED_STACK; i += 1024)
        room[i] = (uint8_t)item;
    return room[0] == (uint8_t)item ? MK_OK : MK_INVALID;
}

/* Where the system's threads have less. */
static void enough_stack(void)
{
    pthread_attr_t usual, small;
    CHECK(pthread_getattr_default_np(&usual) == 0 && pthread_attr_init(&small) == 0);
    CHECK(pthread_attr_setstacksize(&small, NEEDED_STACK / 4) == 0 && pthread_setattr_default_np(&small) == 0);
    CHECK(mk_parallel(use_stack, NULL, 64, THREADS, no_poll) == MK_OK);
    CHECK(pthread_setattr_default_np(&usual) == 0);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&small);
}
#else
static void enough_stack(void)
{
}
#endif

int main(void)
{
    size_t row;
    enough_stack();
    make_words();
    CHECK(mk_ruleset_compile((mk_column){patterns, p, 4}, (mk_column){replacements, r, 4}, terminal, &rules) == MK_OK);
    mk_batch batch = plan(1);
    CHECK(mk_batch_run(&batch, no_poll, &expected, &row) == MK_OK);
    CHECK(rewrite_all(1, &rewritten, rewritten_at));
    worker workers[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].good = true;
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].good);
    }
    mk_batch_result_free(&expected);
    mk_free(rewritten.data);
    mk_free(rewritten.offsets);
    mk_ruleset_free(rules);
    return report("test_threads");
}
