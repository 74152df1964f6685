#include "run.h"

mk_status mk_run_start(mk_run *run, const mk_ruleset *rules, const uint8_t *word, size_t length,
                       const mk_options *options)
{
    run->rules = rules;
    run->options = *options;
    run->meter = mk_meter_make((mk_poll){NULL, NULL});
    run->outcome = MK_RUNNING;
    run->steps = 0;
    run->pending = false;
    run->max_length_seen = length;
    mk_status status = mk_word_set(&run->word, word, length);
    if (status == MK_OK)
        status = mk_scan_start(&run->scan, rules, options->strategy, word, length);
    if (status == MK_OK && options->detect_cycles)
        status = mk_cycle_start(run);
    return status;
}

void mk_run_release(mk_run *run)
{
    mk_word_free(&run->word);
    mk_word_free(&run->saved);
    mk_word_free(&run->origin);
    mk_scan_free(&run->scan);
    mk_free(run->fired);
    *run = (mk_run){0};
}

static mk_status count_fired(mk_run *run)
{
    run->fired = mk_malloc(run->rules->count * sizeof *run->fired);
    if (!run->fired)
        return MK_NO_MEMORY;
    for (size_t i = 0; i < run->rules->count; i++)
        run->fired[i] = 0;
    return MK_OK;
}

mk_status mk_run_open(const mk_ruleset *rules, const uint8_t *word, size_t length, const mk_options *options,
                      mk_trace *trace, mk_run **out)
{
    mk_run *run = mk_malloc(sizeof *run);
    if (!run)
        return MK_NO_MEMORY;
    *run = (mk_run){.trace = trace};
    mk_status status = mk_run_start(run, rules, word, length, options);
    if (status == MK_OK)
        status = count_fired(run);
    if (status != MK_OK) {
        mk_run_close(run);
        return status;
    }
    *out = run;
    return MK_OK;
}

void mk_run_close(mk_run *run)
{
    if (!run)
        return;
    mk_run_release(run);
    mk_free(run);
}

/* Finds the next match, if it is not known yet, and whether it may be applied: else sets the outcome. */
static mk_status look_ahead(mk_run *run)
{
    if (!run->pending) {
        mk_answer answer = mk_scan_first(&run->scan, mk_word_bytes(&run->word), run->word.length, &run->meter,
                                         &run->next);
        if (answer == MK_STOPPED)
            return MK_INTERRUPTED;
        if (answer == MK_NONE) {
            run->outcome = MK_NO_RULE_APPLIES;
            return MK_OK;
        }
        run->pending = true;
    }
    const mk_rule *rule = &run->rules->rules[run->next.rule];
    size_t kept = run->word.length - rule->pattern.length;
    size_t limit = (size_t)run->options.max_length;
    if (run->steps >= (uint64_t)run->options.max_steps)
        run->outcome = MK_STEP_LIMIT;
    else if (kept > limit || rule->replacement_length > limit - kept)
        run->outcome = MK_LENGTH_LIMIT;
    return MK_OK;
}

/* Applies the pending match.  What can fail comes first, so that a failed step has changed nothing. */
static mk_status apply(mk_run *run)
{
    const mk_rule *rule = &run->rules->rules[run->next.rule];
    mk_status status = run->trace ? mk_trace_reserve(run->trace) : MK_OK;
    if (status == MK_OK)
        status = mk_word_splice(&run->word, run->next.position, rule->pattern.length, rule->replacement,
                                rule->replacement_length, &run->meter);
    if (status != MK_OK)
        return status;
    if (run->trace)
        mk_trace_append(run->trace, run->next);
    run->pending = false;
    run->steps++;
    if (run->fired)
        run->fired[run->next.rule]++;
    if (run->word.length > run->max_length_seen)
        run->max_length_seen = run->word.length;
    if (rule->terminal)
        run->outcome = MK_TERMINAL_RULE;
    else
        mk_scan_edited(&run->scan, run->next);
    return MK_OK;
}

/* A step costs something even when no letter is touched, so that every run comes to a poll. */
enum { LETTERS_PER_STEP = 16 };

mk_status mk_run_step(mk_run *run, uint64_t n, mk_poll poll)
{
    run->meter.poll = poll;
    run->meter.stopped = false;
    while (run->outcome == MK_RUNNING) {
        mk_status status = look_ahead(run);
        if (status != MK_OK)
            return status;
        if (run->outcome != MK_RUNNING || n == 0)
            break;
        status = apply(run);
        if (status != MK_OK)
            return status;
        n--;
        if (run->options.detect_cycles && run->outcome == MK_RUNNING) {
            bool met;
            status = mk_cycle_test(run, &met);
            if (status != MK_OK)
                return status;
            if (met)
                run->outcome = MK_CYCLE;
        }
        if (!mk_meter_spend(&run->meter, LETTERS_PER_STEP + run->rules->count))
            return MK_INTERRUPTED;
    }
    return MK_OK;
}

mk_matcher mk_run_matcher(const mk_run *run)
{
    (void)run;
    return MK_SCAN;
}

void mk_run_choose(mk_run *run, mk_matcher matcher)
{
    run->options.matcher = matcher;
}

mk_outcome mk_run_outcome(const mk_run *run)
{
    return run->outcome;
}

uint64_t mk_run_steps(const mk_run *run)
{
    return run->steps;
}

const uint8_t *mk_run_word(const mk_run *run, size_t *length)
{
    *length = run->word.length;
    return mk_word_bytes(&run->word);
}

size_t mk_run_max_length_seen(const mk_run *run)
{
    return run->max_length_seen;
}

const uint64_t *mk_run_fired(const mk_run *run)
{
    return run->fired;
}

uint64_t mk_run_letters(const mk_run *run)
{
    return run->meter.letters;
}
