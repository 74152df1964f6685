/* A batch equals its rows one by one, for any number of threads, and with every allocation failing once. */
#include "check.h"

enum { ROWS = 3000 };

static uint8_t words[ROWS * 40];
static int64_t offsets[ROWS + 1], row_rules[ROWS + 1];
static const uint8_t patterns[] = "abbca", replacements[] = "baaacb";
static const int64_t p[] = {0, 2, 4, 5}, r[] = {0, 2, 4, 6};
static const uint8_t terminal[] = {0, 0, 1};
static const int64_t max_steps = 50, max_length = 60;
static const mk_poll no_poll = {NULL, NULL};

static void make_words(void)
{
    uint64_t seed = 3;
    for (int i = 0; i < ROWS; i++) {
        size_t length = random_below(&seed, 40);
        for (size_t k = 0; k < length; k++)
            words[offsets[i] + (int64_t)k] = (uint8_t)('a' + random_below(&seed, 3));
        offsets[i + 1] = offsets[i] + (int64_t)length;
        row_rules[i + 1] = 3; /* only row 0 has rules in the per-row batch: 0 up to 3, then 3 up to 3 */
    }
}

static mk_batch plan(const mk_ruleset *rules, size_t threads, bool detect_cycles)
{
    return (mk_batch){
        .words = {words, offsets, ROWS},
        .rules = rules,
        .row_rules = row_rules,
        .patterns = {patterns, p, 3},
        .replacements = {replacements, r, 3},
        .terminal = terminal,
        .max_steps = &max_steps,
        .max_length = &max_length,
        .detect_cycles = detect_cycles, /* short words go through the lanes, if not */
        .max_total = MK_NO_LIMIT,
        .threads = threads,
    };
}

static void same(const mk_batch_result *a, const mk_batch_result *b)
{
    CHECK(memcmp(a->words.offsets, b->words.offsets, sizeof offsets) == 0);
    CHECK(memcmp(a->words.data, b->words.data, (size_t)a->words.offsets[ROWS]) == 0);
    CHECK(memcmp(a->outcomes, b->outcomes, ROWS) == 0);
    CHECK(memcmp(a->steps, b->steps, ROWS * sizeof *a->steps) == 0);
    CHECK(memcmp(a->first_rule, b->first_rule, ROWS * sizeof *a->first_rule) == 0);
    CHECK(memcmp(a->first_position, b->first_position, ROWS * sizeof *a->first_position) == 0);
}

static void rows_one_by_one(const mk_ruleset *rules, bool detect_cycles, const mk_batch_result *result)
{
    mk_options options = {max_steps, max_length, MK_MARKOV, detect_cycles, MK_AUTO};
    int seen[6] = {0};
    for (int i = 0; i < ROWS; i++) {
        mk_run *run;
        size_t length;
        CHECK(mk_run_open(rules, words + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), &options, NULL, &run) ==
              MK_OK);
        CHECK(mk_run_step(run, UINT64_MAX, no_poll) == MK_OK);
        const uint8_t *word = mk_run_word(run, &length);
        const int64_t *at = result->words.offsets + i;
        CHECK((int64_t)length == at[1] - at[0] && memcmp(word, result->words.data + at[0], length) == 0);
        CHECK(result->outcomes[i] == mk_run_outcome(run) && (uint64_t)result->steps[i] == mk_run_steps(run));
        seen[mk_run_outcome(run)]++;
        mk_run_close(run);
    }
    CHECK(seen[MK_TERMINAL_RULE] > 0 && seen[MK_NO_RULE_APPLIES] > 0);
}

/* The limit on all results together, one byte too low and just enough. */
static void totals(mk_batch *batch, int64_t total)
{
    mk_batch_result result;
    size_t row = 0;
    for (batch->threads = 1; batch->threads < 4; batch->threads++) {
        batch->max_total = total - 1;
        CHECK(mk_batch_run(batch, no_poll, &result, &row) == MK_TOO_LARGE && row == ROWS);
        batch->max_total = total;
        CHECK(mk_batch_run(batch, no_poll, &result, &row) == MK_OK);
        mk_batch_result_free(&result);
    }
}

static int stop_now(void *context)
{
    (void)context;
    return 1;
}

static void faults(const mk_ruleset *rules, size_t threads, bool detect_cycles)
{
    int n = 0;
    /* Each of the first allocations, and then ever fewer: rows make the same ones again and again. */
    for (;; n += 1 + n / 8) {
        mk_batch batch = plan(rules, threads, detect_cycles);
        mk_batch_result result = {0};
        size_t row;
        mk_memory_fail_after(n);
        mk_status status = mk_batch_run(&batch, no_poll, &result, &row);
        mk_memory_fail_after(-1);
        if (status == MK_OK) {
            mk_batch_result_free(&result);
            break;
        }
        CHECK(status == MK_NO_MEMORY && row <= ROWS && !result.words.data);
    }
    CHECK(n > 8);
}

static void rewriting(void)
{
    int64_t positions[ROWS], again[ROWS];
    mk_rows one, two;
    size_t row;
    mk_column words_column = {words, offsets, ROWS}, pattern = {patterns, p, 1}, replacement = {replacements, r, 1};
    CHECK(mk_rewrite_once(pattern, replacement, words_column, 1, no_poll, &one, positions, &row) == MK_OK);
    CHECK(mk_rewrite_once(pattern, replacement, words_column, 3, no_poll, &two, again, &row) == MK_OK);
    CHECK(memcmp(positions, again, sizeof positions) == 0);
    CHECK(memcmp(one.data, two.data, (size_t)one.offsets[ROWS]) == 0);
    mk_free(one.data);
    mk_free(one.offsets);
    mk_free(two.data);
    mk_free(two.offsets);
    CHECK(mk_rewrite_once(pattern, replacement, words_column, 1, (mk_poll){stop_now, NULL}, &one, positions, &row) ==
          MK_INTERRUPTED);
}

/* A batch that is asked to stop is interrupted or, with `finished`, may have been done already; nothing leaks. */
static void stopping(mk_batch *batch, size_t threads, mk_status finished)
{
    mk_batch_result result;
    size_t row;
    batch->threads = threads;
    mk_status status = mk_batch_run(batch, (mk_poll){stop_now, NULL}, &result, &row);
    CHECK(status == MK_INTERRUPTED || status == finished);
    if (status == MK_OK)
        mk_batch_result_free(&result);
}

/* Rows none of which is long enough to ask by itself: together they are stopped. */
static void stopping_between_rows(const mk_ruleset *rules)
{
    enum { MANY = 1 << 15, LETTERS = 100 };
    uint8_t *letters = mk_malloc((size_t)MANY * LETTERS);
    int64_t *places = mk_malloc((MANY + 1) * sizeof *places), *none = mk_malloc((MANY + 1) * sizeof *none);
    CHECK(letters && places && none);
    memset(letters, 'x', (size_t)MANY * LETTERS);
    for (int i = 0; i <= MANY; i++) {
        places[i] = (int64_t)i * LETTERS;
        none[i] = 0;
    }
    for (int shared = 0; shared < 2; shared++) {
        mk_batch batch = plan(shared ? rules : NULL, 1, false);
        batch.words = (mk_column){letters, places, MANY};
        batch.row_rules = none;
        stopping(&batch, 1, MK_INTERRUPTED);
        stopping(&batch, 3, MK_OK);
    }
    mk_free(letters);
    mk_free(places);
    mk_free(none);
}

int main(void)
{
    make_words();
    mk_ruleset *rules;
    CHECK(mk_ruleset_compile((mk_column){patterns, p, 3}, (mk_column){replacements, r, 3}, terminal, &rules) == MK_OK);
    for (int kind = 0; kind < 4; kind++) {
        bool shared = kind & 1, detect_cycles = kind & 2;
        mk_batch_result first = {0}, other = {0};
        size_t row;
        mk_batch batch = plan(shared ? rules : NULL, 1, detect_cycles);
        CHECK(mk_batch_run(&batch, no_poll, &first, &row) == MK_OK);
        for (size_t threads = 2; threads < 8; threads += 5) {
            batch.threads = threads;
            CHECK(mk_batch_run(&batch, no_poll, &other, &row) == MK_OK);
            same(&first, &other);
            mk_batch_result_free(&other);
        }
        if (shared)
            rows_one_by_one(rules, detect_cycles, &first);
        totals(&batch, first.words.offsets[ROWS]);
        mk_batch_result_free(&first);
        stopping(&batch, 1, shared && !detect_cycles ? MK_INTERRUPTED : MK_OK); /* through lanes, or soon done */
        stopping(&batch, 7, MK_OK); /* the other threads may finish everything before the caller is asked */
        if (shared) {
            faults(rules, 1, detect_cycles);
            faults(rules, 3, detect_cycles);
        }
    }
    stopping_between_rows(rules);
    rewriting();
    mk_ruleset_free(rules);
    return report("test_batch");
}
