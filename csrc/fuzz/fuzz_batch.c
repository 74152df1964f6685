/* Batches, single rewrites and the questions about one word, against the oracle row by row. */
#include <stdlib.h>
#include <string.h>

#include "decode.h"

enum { ROWS = 24, LONGEST_WORD = 1 << 11 };

typedef struct {
    fuzz_rules rules;
    size_t rows;
    uint8_t *words;
    int64_t offsets[ROWS + 1], row_rules[ROWS + 1];
    int64_t max_steps[ROWS], max_length[ROWS];
    int64_t max_total;
    size_t threads;
    int fault; /* negative: none */
} table;

static const mk_poll no_poll = {NULL, NULL};

static oracle_word word_of(const table *t, size_t row)
{
    return (oracle_word){t->words + t->offsets[row], (size_t)(t->offsets[row + 1] - t->offsets[row])};
}

static void read_rows(table *t, fuzz_input *in)
{
    t->rows = 1 + fuzz_byte(in) % ROWS;
    t->words = malloc(1);
    for (size_t i = 0; i < t->rows; i++) {
        oracle_word word = fuzz_word_read(in, &t->rules, LONGEST_WORD);
        size_t at = (size_t)t->offsets[i], size = at + word.length;
        t->words = realloc(t->words, size ? size : 1);
        if (!t->words)
            abort();
        memcpy(t->words + at, word.bytes, word.length);
        free(word.bytes);
        t->offsets[i + 1] = (int64_t)size;
        size_t left = t->rules.count - (size_t)t->row_rules[i];
        t->row_rules[i + 1] = t->row_rules[i] + (int64_t)(left ? fuzz_byte(in) % 4 % (left + 1) : 0);
        fuzz_limits_read(in, true, &t->max_steps[i], &t->max_length[i]);
    }
}

static void table_free(table *t)
{
    free(t->words);
    fuzz_rules_free(&t->rules);
}

/* The row's run, the oracle's; `*first` is its first step. */
static oracle run_row(const table *t, const mk_batch *b, size_t row, mk_match *first)
{
    size_t from = b->rules ? 0 : (size_t)t->row_rules[row];
    size_t count = b->rules ? t->rules.count : (size_t)t->row_rules[row + 1] - from;
    mk_options options = {
        t->max_steps[b->max_steps_per_row ? row : 0],
        t->max_length[b->max_length_per_row ? row : 0],
        b->strategy,
        b->detect_cycles,
        MK_AUTO,
    };
    oracle o = oracle_open(t->rules.rules + from, count, word_of(t, row), &options);
    mk_match next;
    while (oracle_look(&o, &next)) {
        if (o.steps == 0)
            *first = next;
        oracle_apply(&o, next);
    }
    return o;
}

static size_t total_length(const table *t, const mk_batch *b)
{
    size_t total = 0;
    for (size_t row = 0; row < t->rows; row++) {
        mk_match first;
        oracle o = run_row(t, b, row, &first);
        total += o.word.length;
        oracle_close(&o);
    }
    return total;
}

static void compare_rows(const table *t, const mk_batch *b, const mk_batch_result *result)
{
    for (size_t row = 0; row < t->rows; row++) {
        mk_match first = {0, 0};
        oracle expected = run_row(t, b, row, &first);
        const int64_t *at = result->words.offsets + row;
        FUZZ_CHECK(fuzz_same_bytes(result->words.data + at[0], (size_t)(at[1] - at[0]), expected.word));
        FUZZ_CHECK(result->outcomes[row] == expected.outcome);
        FUZZ_CHECK((uint64_t)result->steps[row] == expected.steps);
        FUZZ_CHECK(result->first_rule[row] == (expected.steps ? (int64_t)first.rule : -1));
        FUZZ_CHECK(result->first_position[row] == (expected.steps ? (int64_t)first.position : -1));
        oracle_close(&expected);
    }
}

static void test_batch(const table *t, const mk_ruleset *compiled, uint8_t head)
{
    mk_batch b = {
        .words = {t->words, t->offsets, t->rows},
        .rules = head & 1 ? compiled : NULL,
        .row_rules = t->row_rules,
        .patterns = fuzz_patterns(&t->rules),
        .replacements = fuzz_replacements(&t->rules),
        .terminal = t->rules.terminal,
        .strategy = head & 2 ? MK_LEFTMOST : MK_MARKOV,
        .detect_cycles = head & 4,
        .matcher = (mk_matcher)(head >> 3 & 3),
        .max_steps = t->max_steps,
        .max_length = t->max_length,
        .max_steps_per_row = head & 32,
        .max_length_per_row = head & 64,
        .max_total = t->max_total,
        .threads = t->threads,
    };
    mk_batch_result result;
    size_t row;
    mk_memory_fail_after(t->fault);
    mk_status status = mk_batch_run(&b, no_poll, &result, &row);
    mk_memory_fail_after(-1);
    if (status == MK_OK) {
        compare_rows(t, &b, &result);
        FUZZ_CHECK(result.words.offsets[t->rows] <= t->max_total);
        mk_batch_result_free(&result);
    } else if (status == MK_TOO_LARGE) {
        FUZZ_CHECK(total_length(t, &b) > (size_t)t->max_total);
    } else {
        FUZZ_CHECK(status == MK_NO_MEMORY && t->fault >= 0 && row <= t->rows);
    }
}

static void compare_rewritten(const table *t, size_t rules, const mk_rows *made, const int64_t *positions)
{
    for (size_t row = 0; row < t->rows; row++) {
        mk_match match;
        mk_options one_step = {1, MK_NO_LIMIT, MK_MARKOV, false, MK_AUTO};
        oracle o = oracle_open(t->rules.rules + (rules == 1 ? 0 : row), 1, word_of(t, row), &one_step);
        bool found = oracle_look(&o, &match);
        if (found)
            oracle_apply(&o, match);
        const int64_t *at = made->offsets + row;
        FUZZ_CHECK(positions[row] == (found ? (int64_t)match.position : -1));
        FUZZ_CHECK(fuzz_same_bytes(made->data + at[0], (size_t)(at[1] - at[0]), o.word));
        oracle_close(&o);
    }
}

/* A rule per row if there are so many, or else one rule for all rows. */
static void test_rewrite(const table *t)
{
    size_t rules = t->rules.count >= t->rows ? t->rows : t->rules.count ? 1 : 0, row;
    mk_column patterns = fuzz_patterns(&t->rules), replacements = fuzz_replacements(&t->rules);
    mk_column words = {t->words, t->offsets, t->rows};
    int64_t positions[ROWS];
    mk_rows made;
    if (rules == 0)
        return;
    patterns.count = replacements.count = rules;
    mk_memory_fail_after(t->fault);
    mk_status status = mk_rewrite_once(patterns, replacements, words, t->threads, no_poll, &made, positions, &row);
    mk_memory_fail_after(-1);
    if (status == MK_OK) {
        compare_rewritten(t, rules, &made, positions);
        mk_free(made.data);
        mk_free(made.offsets);
    } else {
        FUZZ_CHECK(status == MK_NO_MEMORY && t->fault >= 0 && row <= t->rows);
    }
}

static void test_find(const table *t, const mk_ruleset *compiled, oracle_word word, mk_strategy strategy)
{
    bool found;
    mk_match match, expected;
    FUZZ_CHECK(mk_ruleset_find(compiled, strategy, word.bytes, word.length, no_poll, &found, &match) == MK_OK);
    FUZZ_CHECK(found == oracle_find(t->rules.rules, t->rules.count, strategy, word, &expected));
    FUZZ_CHECK(!found || (match.rule == expected.rule && match.position == expected.position));
}

/* Every match is asked of the oracle as the first match of one rule in what is left of the word. */
static void test_find_all(const table *t, const mk_ruleset *compiled, oracle_word word)
{
    mk_match *matches = NULL;
    uint64_t counts[FUZZ_RULES];
    size_t count, at = 0;
    FUZZ_CHECK(mk_ruleset_count(compiled, word.bytes, word.length, no_poll, counts) == MK_OK);
    FUZZ_CHECK(mk_ruleset_find_all(compiled, word.bytes, word.length, no_poll, &matches, &count) == MK_OK);
    for (size_t i = 0; i < t->rules.count; i++) {
        size_t first = at, start = 0;
        mk_match next;
        while (start <= word.length &&
               oracle_find(&t->rules.rules[i], 1, MK_MARKOV,
                           (oracle_word){word.bytes + start, word.length - start}, &next)) {
            start += next.position;
            FUZZ_CHECK(at < count && matches[at].rule == i && matches[at].position == start);
            at++;
            start++;
        }
        FUZZ_CHECK(counts[i] == at - first);
    }
    FUZZ_CHECK(at == count);
    mk_free(matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size};
    table t = {0};
    mk_ruleset *compiled;
    uint8_t head = fuzz_byte(&in), fault = fuzz_byte(&in), total = fuzz_byte(&in);
    t.max_total = total < 224 ? MK_NO_LIMIT : (total - 224) * 32;
    t.threads = head & 128 ? 2 : 1;
    t.fault = fault < 192 ? -1 : fault - 192;
    fuzz_rules_read(&in, &t.rules);
    read_rows(&t, &in);
    FUZZ_CHECK(mk_ruleset_compile(fuzz_patterns(&t.rules), fuzz_replacements(&t.rules), t.rules.terminal, &compiled) ==
               MK_OK);
    test_batch(&t, compiled, head);
    test_rewrite(&t);
    test_find(&t, compiled, word_of(&t, 0), MK_MARKOV);
    test_find(&t, compiled, word_of(&t, 0), MK_LEFTMOST);
    test_find_all(&t, compiled, word_of(&t, 0));
    mk_ruleset_free(compiled);
    table_free(&t);
    return 0;
}
