/* One run, taken in pieces, the matcher changed and allocations made to fail between them, against the oracle. */
#include <stdlib.h>

#include "decode.h"

enum { LONGEST_WORD = 1 << 14, FUEL = 1 << 19 };

typedef struct {
    fuzz_rules rules;
    mk_options options;
    mk_ruleset *compiled;
    mk_trace *trace; /* or NULL: steps that nobody records may be taken several at once */
    mk_run *run;
    oracle model;
    uint64_t fired[FUZZ_RULES];
    size_t fuel; /* letters that the oracle may still look at */
} session;

static const mk_poll no_poll = {NULL, NULL};

/* Takes the oracle to the step where the run is; each of the run's steps must be the oracle's. */
static void follow(session *s)
{
    uint64_t steps = mk_run_steps(s->run);
    FUZZ_CHECK(!s->trace || mk_trace_steps(s->trace) == steps);
    while (s->model.steps < steps) {
        mk_match expected;
        bool can = oracle_look(&s->model, &expected);
        FUZZ_CHECK(can);
        mk_match taken = s->trace ? mk_trace_get(s->trace, s->model.steps) : expected;
        FUZZ_CHECK(taken.rule == expected.rule && taken.position == expected.position);
        oracle_apply(&s->model, expected);
        s->fired[expected.rule]++;
        size_t cost = s->model.word.length * s->rules.count + 64;
        s->fuel -= cost < s->fuel ? cost : s->fuel;
    }
}

static void compare_state(session *s)
{
    size_t length;
    const uint8_t *word = mk_run_word(s->run, &length);
    FUZZ_CHECK(fuzz_same_bytes(word, length, s->model.word));
    FUZZ_CHECK(mk_run_max_length_seen(s->run) == s->model.max_length_seen);
    const uint64_t *fired = mk_run_fired(s->run);
    for (size_t i = 0; i < s->rules.count; i++)
        FUZZ_CHECK(fired[i] == s->fired[i]);
}

/* Up to n steps.  fault >= 0: that many allocations succeed, and then the run must be where it could go on. */
static void take_piece(session *s, uint64_t n, int fault)
{
    uint64_t before = mk_run_steps(s->run);
    mk_memory_fail_after(fault);
    mk_status status = mk_run_step(s->run, n, no_poll);
    mk_memory_fail_after(-1);
    FUZZ_CHECK(status == MK_OK || (fault >= 0 && status == MK_NO_MEMORY));
    FUZZ_CHECK(mk_run_steps(s->run) - before <= n);
    follow(s);
    if (status == MK_OK) {
        mk_match next;
        oracle_look(&s->model, &next);
        FUZZ_CHECK(mk_run_outcome(s->run) == s->model.outcome);
        FUZZ_CHECK(mk_run_matcher(s->run) != MK_AUTO);
        FUZZ_CHECK(s->model.outcome != MK_RUNNING || mk_run_steps(s->run) - before == n);
    }
    compare_state(s);
}

static bool goes_on(const session *s)
{
    return s->model.outcome == MK_RUNNING && s->fuel > 0;
}

static void take_schedule(session *s, fuzz_input *in)
{
    static const mk_matcher matchers[] = {MK_AUTO, MK_BITS, MK_SCAN, MK_INDEX, MK_INDEX, MK_INDEX, MK_BITS, MK_SCAN};
    static const uint64_t steps[] = {0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256};
    while (goes_on(s) && in->at < in->end) {
        uint8_t command = fuzz_byte(in);
        bool fails = command & 8;
        mk_run_choose(s->run, matchers[command & 7]);
        take_piece(s, steps[command >> 4], fails ? fuzz_byte(in) % 16 : -1);
    }
    while (goes_on(s))
        take_piece(s, 64, -1);
}

static void compare_cycle(const session *s)
{
    uint64_t start, period, expected_start, expected_period;
    FUZZ_CHECK(mk_run_cycle(s->run, no_poll, &start, &period) == MK_OK);
    oracle_cycle(&s->model, &expected_start, &expected_period);
    FUZZ_CHECK(start == expected_start && period == expected_period);
}

/* The trace leads from the first word to the last, and back. */
static void compare_replay(const session *s)
{
    mk_replay *replay;
    size_t length;
    uint64_t steps = mk_trace_steps(s->trace);
    FUZZ_CHECK(mk_replay_open(s->compiled, s->model.origin.bytes, s->model.origin.length, &replay) == MK_OK);
    FUZZ_CHECK(mk_replay_move(replay, s->trace, 0, steps, no_poll) == MK_OK);
    const uint8_t *word = mk_replay_word(replay, &length);
    FUZZ_CHECK(fuzz_same_bytes(word, length, s->model.word));
    FUZZ_CHECK(mk_replay_move(replay, s->trace, steps, 0, no_poll) == MK_OK);
    word = mk_replay_word(replay, &length);
    FUZZ_CHECK(fuzz_same_bytes(word, length, s->model.origin));
    mk_replay_close(replay);
}

static void open_session(session *s, fuzz_input *in)
{
    uint8_t head = fuzz_byte(in);
    fuzz_limits_read(in, false, &s->options.max_steps, &s->options.max_length);
    s->options.strategy = head & 1 ? MK_LEFTMOST : MK_MARKOV;
    s->options.detect_cycles = head & 2;
    s->options.matcher = (mk_matcher)(head >> 2 & 3);
    s->fuel = FUEL;
    fuzz_rules_read(in, &s->rules);
    oracle_word word = fuzz_word_read(in, &s->rules, LONGEST_WORD);
    FUZZ_CHECK(mk_ruleset_compile(fuzz_patterns(&s->rules), fuzz_replacements(&s->rules), s->rules.terminal,
                                  &s->compiled) == MK_OK);
    if (head & 16)
        FUZZ_CHECK(mk_trace_open(-1, &s->trace) == MK_OK);
    FUZZ_CHECK(mk_run_open(s->compiled, word.bytes, word.length, &s->options, s->trace, &s->run) == MK_OK);
    s->model = oracle_open(s->rules.rules, s->rules.count, word, &s->options);
    free(word.bytes);
}

static void close_session(session *s)
{
    mk_run_close(s->run);
    mk_trace_close(s->trace);
    mk_ruleset_free(s->compiled);
    oracle_close(&s->model);
    fuzz_rules_free(&s->rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size};
    session s = {0};
    open_session(&s, &in);
    take_schedule(&s, &in);
    if (s.model.outcome == MK_CYCLE)
        compare_cycle(&s);
    if (s.trace)
        compare_replay(&s);
    close_session(&s);
    return 0;
}
