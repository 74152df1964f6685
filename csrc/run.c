#include "run.h"

#include <string.h>

/* A step costs something even when no letter is touched, so that every run polls; bits look at rule after rule. */
enum { LETTERS_PER_STEP = 16, LETTERS_PER_BITS_RULE = 8 };

/* ---- which matcher --------------------------------------------------------------------------------------------------
 *
 * Bits, for short words, and the scan need little preparation; a step with the index costs less than theirs.  So a run
 * begins with one of them and changes to the index, for good, once it has done as much work as the change costs.
 * Between the lengths at which bits give way to the scan and are taken up again lie so many letters that changing to
 * and fro costs no more than the edits do. */
enum {
    WORK_PER_CHANGE = 20000, /* in letters searched or moved, some 1/30 ns each */
    WORK_PER_LETTER = 64,
    WORK_PER_PATTERN_BYTE = 1500,
    WORK_PER_BITS_STEP = 1500,
    SHORT_AGAIN = 40
};

/* How much more work may be done before the change to the index. */
static uint64_t work_left(const mk_run *run)
{
    if (run->options.matcher != MK_AUTO || run->no_index)
        return UINT64_MAX;
    uint64_t cost = WORK_PER_CHANGE + WORK_PER_LETTER * (uint64_t)run->length;
    if (!mk_ruleset_has_automaton(run->rules))
        cost += WORK_PER_PATTERN_BYTE * (uint64_t)run->rules->pattern_bytes;
    return cost > run->work ? cost - run->work : 0;
}

/* The matcher is at work from now on; what a step costs beside the letters that it touches. */
static void take_up(mk_run *run, mk_matcher matcher)
{
    run->matcher = matcher;
    run->step_letters = LETTERS_PER_STEP;
    if (matcher == MK_BITS)
        run->step_letters += LETTERS_PER_BITS_RULE * (uint64_t)run->bits.plan->count;
}

/* Gets the word out of the index. */
static mk_status flatten(mk_run *run)
{
    if (run->matcher != MK_INDEX)
        return MK_OK;
    mk_status status = mk_word_make(&run->word, run->length);
    if (status != MK_OK)
        return status;
    mk_run_copy(run, run->word.buffer + run->word.start);
    mk_index_free(&run->index);
    run->matcher = MK_AUTO;
    return MK_OK;
}

static mk_status use_bits(mk_run *run)
{
    mk_status status = flatten(run);
    if (status != MK_OK)
        return status;
    run->work += run->matcher == MK_SCAN ? run->scan.work : 0;
    run->bits_steps = work_left(run) / WORK_PER_BITS_STEP;
    mk_bits_start(&run->bits, run->rules, run->options.strategy, mk_word_bytes(&run->word), run->length);
    take_up(run, MK_BITS);
    return MK_OK;
}

static mk_status use_scan(mk_run *run)
{
    mk_status status = flatten(run);
    if (status == MK_OK)
        status = mk_scan_start(&run->scan, run->rules, run->options.strategy, run->length, work_left(run));
    if (status == MK_OK)
        take_up(run, MK_SCAN);
    return status;
}

static mk_status use_index(mk_run *run)
{
    mk_status status = mk_index_start(&run->index, run->rules, run->options.strategy, mk_word_bytes(&run->word),
                                      run->length, &run->meter);
    if (status == MK_TOO_LARGE) {
        run->no_index = true;
        return use_scan(run);
    }
    if (status != MK_OK)
        return status;
    mk_word_free(&run->word);
    take_up(run, MK_INDEX);
    return MK_OK;
}

/* Changes to the matcher that was asked for, or that suits the word's length. */
static mk_status settle(mk_run *run)
{
    mk_matcher wanted = run->options.matcher;
    mk_status status;
    if (run->matcher == MK_INDEX && (wanted == MK_AUTO || wanted == MK_INDEX))
        status = MK_OK;
    else if (wanted == MK_INDEX && !run->no_index)
        status = use_index(run);
    else if ((wanted == MK_AUTO || wanted == MK_BITS) && mk_bits_fits(run->rules, run->length))
        status = use_bits(run);
    else
        status = use_scan(run);
    run->settled = status == MK_OK;
    return status;
}

/* Whether the matcher in use suits the word as the last edit left it. */
static bool still_suits(const mk_run *run)
{
    if (run->matcher == MK_BITS)
        return mk_bits_fits(run->rules, run->length);
    return run->matcher == MK_INDEX || run->options.matcher > MK_BITS || run->length > SHORT_AGAIN ||
           !run->rules->bits;
}

mk_matcher mk_run_matcher(const mk_run *run)
{
    return run->matcher;
}

void mk_run_choose(mk_run *run, mk_matcher matcher)
{
    run->options.matcher = matcher;
    run->settled = false;
    run->pending = false;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

mk_status mk_run_start(mk_run *run, const mk_ruleset *rules, const uint8_t *word, size_t length,
                       const mk_options *options)
{
    if (run->matcher == MK_INDEX)
        mk_index_free(&run->index);
    run->rules = rules;
    run->options = *options;
    run->meter = mk_meter_make((mk_poll){NULL, NULL});
    run->outcome = MK_RUNNING;
    run->steps = 0;
    run->pending = run->no_index = run->settled = false;
    run->work = 0;
    run->length = run->max_length_seen = length;
    run->matcher = MK_AUTO;
    mk_status status = mk_word_set(&run->word, word, length);
    if (status == MK_OK && options->detect_cycles)
        status = mk_cycle_start(&run->cycle, word, length);
    return status;
}

void mk_run_release(mk_run *run)
{
    mk_word_free(&run->word);
    mk_scan_free(&run->scan);
    mk_index_free(&run->index);
    mk_cycle_free(&run->cycle);
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

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static mk_answer ask(mk_run *run)
{
    if (run->matcher == MK_INDEX)
        return mk_index_first(&run->index, &run->meter, &run->next);
    if (run->matcher == MK_BITS)
        return run->bits_steps == 0 ? MK_SPENT : mk_bits_first(&run->bits, &run->next);
    return mk_scan_first(&run->scan, mk_word_bytes(&run->word), run->length, &run->meter, &run->next);
}

/* Finds the next match. */
static mk_status look_ahead(mk_run *run)
{
    mk_status status = run->settled ? MK_OK : settle(run);
    while (status == MK_OK) {
        switch (ask(run)) {
        case MK_FOUND:
            run->pending = true;
            return MK_OK;
        case MK_NONE:
            run->outcome = MK_NO_RULE_APPLIES;
            return MK_OK;
        case MK_STOPPED:
            return MK_INTERRUPTED;
        case MK_SPENT:
            status = use_index(run);
        }
    }
    return status;
}

/* Whether the pending match may be applied: else sets the outcome. */
static bool within_limits(mk_run *run, const mk_rule *rule)
{
    size_t kept = run->length - rule->pattern.length;
    size_t limit = (size_t)run->options.max_length;
    if (run->steps >= (uint64_t)run->options.max_steps)
        run->outcome = MK_STEP_LIMIT;
    else if (kept > limit || rule->replacement_length > limit - kept)
        run->outcome = MK_LENGTH_LIMIT;
    else
        return true;
    return false;
}

enum { STEPS_PER_BURST = 1 << 16 }; /* a few milliseconds, after which the poll is asked */

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How many steps the index may take at once: none is looked at in between. */
static uint64_t steps_at_once(const mk_run *run, const mk_rule *rule, uint64_t n)
{
    if (run->trace || rule->terminal)
        return 1;
    n = lesser(lesser(n, (uint64_t)run->options.max_steps - run->steps), STEPS_PER_BURST);
    return run->options.detect_cycles ? lesser(n, mk_cycle_next_save(run->steps) - run->steps) : n;
}

static mk_status edit_index(mk_run *run, const mk_rule *rule, uint64_t n, uint64_t *steps)
{
    mk_burst burst = {steps_at_once(run, rule, n), (size_t)run->options.max_length, run->fired,
                      run->options.detect_cycles ? &run->cycle : NULL};
    mk_status status = mk_index_apply(&run->index, &burst, &run->meter, steps);
    if (status != MK_OK)
        return status;
    run->length = run->index.tree.length;
    if (run->index.longest > run->max_length_seen)
        run->max_length_seen = run->index.longest;
    return MK_OK;
}

static mk_status edit_flat(mk_run *run, const mk_rule *rule)
{
    uint64_t letters = run->meter.letters;
    mk_status status = mk_word_splice(&run->word, run->next.position, rule->pattern.length, rule->replacement,
                                      rule->replacement_length, &run->meter);
    if (status != MK_OK)
        return status;
    if (run->options.detect_cycles)
        mk_cycle_edited(&run->cycle, run->next.position, rule->pattern.length, run->length);
    run->length = run->word.length;
    if (run->matcher == MK_SCAN) {
        mk_scan_edited(&run->scan, run->next);
        run->scan.work += run->meter.letters - letters;
    } else {
        run->bits_steps--;
        run->work += WORK_PER_BITS_STEP;
        if (still_suits(run))
            mk_bits_edited(&run->bits, run->next);
    }
    if (run->length > run->max_length_seen)
        run->max_length_seen = run->length;
    if (run->fired)
        run->fired[run->next.rule]++;
    return MK_OK;
}

/* Applies the pending match, and with the index perhaps up to n - 1 more.  What can fail comes first, so that a
 * failed step has changed nothing. */
static mk_status apply(mk_run *run, const mk_rule *rule, uint64_t n, uint64_t *steps)
{
    mk_status status = run->trace ? mk_trace_reserve(run->trace) : MK_OK;
    *steps = 1;
    if (status == MK_OK)
        status = run->matcher == MK_INDEX ? edit_index(run, rule, n, steps) : edit_flat(run, rule);
    if (status != MK_OK)
        return status;
    run->pending = false;
    run->settled = still_suits(run);
    run->steps += *steps;
    if (run->trace)
        mk_trace_append(run->trace, run->next);
    if (rule->terminal)
        run->outcome = MK_TERMINAL_RULE;
    return MK_OK;
}

mk_status mk_run_step(mk_run *run, uint64_t n, mk_poll poll)
{
    mk_meter_resume(&run->meter, poll);
    while (run->outcome == MK_RUNNING) {
        mk_status status = run->cycle.due ? mk_cycle_save(run) : MK_OK;
        if (status == MK_OK && !run->pending)
            status = look_ahead(run);
        if (status != MK_OK)
            return status;
        if (run->outcome != MK_RUNNING)
            break;
        const mk_rule *rule = &run->rules->rules[run->next.rule];
        if (!within_limits(run, rule) || n == 0)
            break;
        uint64_t steps;
        status = apply(run, rule, n, &steps);
        if (status != MK_OK)
            return status;
        n -= steps;
        if (run->options.detect_cycles && run->outcome == MK_RUNNING) {
            bool met;
            status = mk_cycle_test(run, &met);
            if (met)
                run->outcome = MK_CYCLE;
            if (status != MK_OK)
                return status;
        }
        if (!mk_meter_spend(&run->meter, run->step_letters * steps))
            break;
    }
    return run->meter.stopped ? MK_INTERRUPTED : MK_OK;
}

mk_outcome mk_run_outcome(const mk_run *run)
{
    return run->outcome;
}

uint64_t mk_run_steps(const mk_run *run)
{
    return run->steps;
}

const uint8_t *mk_run_word(mk_run *run, size_t *length)
{
    *length = run->length;
    if (run->matcher == MK_INDEX) {
        if (mk_word_make(&run->word, run->length) != MK_OK)
            return NULL;
        mk_run_copy(run, run->word.buffer + run->word.start);
    }
    return mk_word_bytes(&run->word);
}

size_t mk_run_length(const mk_run *run)
{
    return run->length;
}

void mk_run_copy(const mk_run *run, uint8_t *to)
{
    if (run->matcher == MK_INDEX)
        mk_tree_copy(run->index.tree.first, 0, run->length, to);
    else if (run->length)
        memcpy(to, mk_word_bytes(&run->word), run->length);
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
