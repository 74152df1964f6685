#include "task.h"

#include <string.h>

mk_status mk_work_open(mk_work *work, const mk_plan *plan)
{
    *work = (mk_work){0};
    work->output = mk_malloc(plan->output_letters + MK_READ_SLACK);
    bool opened = work->output != NULL;
    if (opened && plan->task.kind == MK_TASK_INDUCE) {
        work->pairs = mk_malloc(plan->task.pairs * sizeof *work->pairs);
        work->pair_letters = mk_malloc(plan->task.pairs * ((size_t)plan->longest + plan->output_letters) + MK_READ_SLACK);
        opened = work->pairs && work->pair_letters;
    }
    return opened ? MK_OK : MK_NO_MEMORY;
}

void mk_work_close(mk_work *work)
{
    mk_free(work->output);
    mk_free(work->steps);
    mk_free(work->words);
    mk_free(work->pairs);
    mk_free(work->pair_letters);
    *work = (mk_work){0};
}

/* One step. */

static void answer_no_op(mk_example *example)
{
    example->output = example->word;
    example->output_length = example->length;
    example->rule = -1;
    example->position = -1;
    example->steps = 0;
    example->outcome = MK_NO_RULE_APPLIES;
}

/* Writes what a rule makes of a word elsewhere. */
static void rewrite(uint8_t *to, const uint8_t *word, size_t length, const mk_example_rule *rule, size_t at)
{
    size_t after = at + rule->pattern_length;
    mk_codes_move(to, word, at);
    mk_codes_move(to + at, rule->replacement, rule->replacement_length);
    mk_codes_move(to + at + rule->replacement_length, word + after, length - after);
}

static void answer_step(mk_work *work, mk_example *example, uint32_t number, size_t at)
{
    const mk_example_rule *rule = &example->rules[number];
    rewrite(work->output, example->word, example->length, rule, at);
    example->output = work->output;
    example->output_length = example->length - rule->pattern_length + rule->replacement_length;
    example->rule = (int32_t)number;
    example->position = (int64_t)at;
    example->steps = 1;
    example->outcome = MK_TERMINAL_RULE;
}

mk_status mk_task_rewrite(const mk_plan *plan, mk_work *work, const mk_needle *needles, mk_example *example)
{
    size_t at, i = mk_search_first(needles, plan->per_example, example->word, example->length, &at);
    if (i < plan->per_example)
        answer_step(work, example, (uint32_t)i, at);
    else
        answer_no_op(example);
    return MK_OK;
}

mk_status mk_task_rewrite_at(mk_work *work, size_t at, mk_example *example)
{
    if (at == MK_NOWHERE)
        answer_no_op(example);
    else
        answer_step(work, example, 0, at);
    return MK_OK;
}

/* Runs. */

enum { LETTERS_PER_STEP = 64 }; /* what a step costs beside the letters that each pattern is searched in */

static mk_status reserve_step(mk_work *work, uint64_t steps)
{
    if (steps < work->step_capacity)
        return MK_OK;
    size_t capacity = work->step_capacity ? 2 * work->step_capacity : 64;
    mk_example_step *grown = mk_realloc(work->steps, capacity * sizeof *grown);
    if (!grown)
        return MK_NO_MEMORY;
    work->steps = grown;
    work->step_capacity = capacity;
    return MK_OK;
}

static mk_status reserve_word(mk_work *work, size_t needed)
{
    if (needed <= work->word_capacity)
        return MK_OK;
    size_t capacity = work->word_capacity + work->word_capacity / 2;
    capacity = capacity < needed ? needed + 4096 : capacity;
    uint8_t *grown = mk_realloc(work->words, capacity);
    if (!grown)
        return MK_NO_MEMORY;
    work->words = grown;
    work->word_capacity = capacity;
    return MK_OK;
}

/* Adds a step to the trace, after which the word is behind the `used` letters of earlier ones; the places of them all
 * are set when the run has ended, since their memory may move. */
static mk_status keep_step(mk_work *work, uint64_t steps, uint32_t rule, size_t at, size_t length, size_t used)
{
    if (reserve_step(work, steps) != MK_OK || reserve_word(work, used + length + MK_READ_SLACK) != MK_OK)
        return MK_NO_MEMORY;
    work->steps[steps] = (mk_example_step){rule, (uint32_t)length, (int64_t)at, NULL};
    return MK_OK;
}

static void place_words(mk_work *work, mk_example *example)
{
    size_t used = 0;
    for (size_t i = 0; i < example->steps; i++) {
        work->steps[i].word = work->words + used;
        used += work->steps[i].length;
    }
    example->trace = work->steps;
    example->trace_count = (size_t)example->steps;
}

static void apply(uint8_t *word, size_t length, const mk_example_rule *rule, size_t at)
{
    size_t after = at + rule->pattern_length;
    memmove(word + at + rule->replacement_length, word + after, length - after);
    memcpy(word + at, rule->replacement, rule->replacement_length);
}

/* Why the run ends before a word of that length is made, or MK_RUNNING. */
static mk_outcome limit(const mk_plan *plan, const mk_example *example, uint64_t max_steps, size_t length)
{
    if (example->steps >= max_steps)
        return MK_STEP_LIMIT;
    return length > plan->task.max_length ? MK_LENGTH_LIMIT : MK_RUNNING;
}

/* Takes a step from example->output, in place or, with a trace, to behind it. */
static mk_status take_step(mk_work *work, bool traced, mk_example *example, uint32_t number, size_t at, size_t length,
                           size_t *used)
{
    const mk_example_rule *rule = &example->rules[number];
    uint8_t *to = work->output;
    if (traced) {
        if (keep_step(work, example->steps, number, at, length, *used) != MK_OK)
            return MK_NO_MEMORY;
        if (example->steps)
            example->output = work->words + *used - example->output_length;
        to = work->words + *used;
        *used += length;
    }
    if (example->output == to)
        apply(to, example->output_length, rule, at);
    else
        rewrite(to, example->output, example->output_length, rule, at);
    example->output = to;
    example->output_length = length;
    example->steps++;
    example->outcome = rule->terminal ? MK_TERMINAL_RULE : MK_NO_RULE_APPLIES;
    return MK_OK;
}

static mk_status run(const mk_plan *plan, mk_work *work, const mk_needle *needles, uint64_t max_steps, bool traced,
                     mk_meter *meter, mk_example *example)
{
    size_t used = 0, at, number;
    answer_no_op(example);
    while ((number = mk_search_first(needles, plan->per_example, example->output, example->output_length, &at)) <
           plan->per_example) {
        const mk_example_rule *rule = &example->rules[number];
        size_t length = example->output_length - rule->pattern_length + rule->replacement_length;
        example->outcome = limit(plan, example, max_steps, length);
        if (example->outcome != MK_RUNNING)
            break;
        if (example->steps == 0) {
            example->rule = (int32_t)number;
            example->position = (int64_t)at;
        }
        if (take_step(work, traced, example, (uint32_t)number, at, length, &used) != MK_OK)
            return MK_NO_MEMORY;
        if (!mk_meter_spend(meter, LETTERS_PER_STEP + (uint64_t)plan->per_example * length))
            return MK_INTERRUPTED;
        if (rule->terminal)
            break;
    }
    if (traced)
        place_words(work, example);
    return MK_OK;
}

mk_status mk_task_run(const mk_plan *plan, mk_work *work, const mk_needle *needles, uint64_t max_steps,
                      mk_meter *meter, mk_example *example)
{
    return run(plan, work, needles, max_steps, plan->task.traced, meter, example);
}

mk_status mk_task_own_steps(const mk_plan *plan, mk_work *work, const mk_needle *needles, const mk_example_rule *rules,
                            mk_meter *meter, uint32_t *own_steps)
{
    for (uint32_t i = 0; i < plan->per_example; i++) {
        mk_example alone = {.rules = rules, .word = rules[i].pattern, .length = rules[i].pattern_length};
        mk_status status = run(plan, work, needles, plan->task.max_steps, false, meter, &alone);
        if (status != MK_OK)
            return status;
        own_steps[i] = mk_example_halted(&alone) ? (uint32_t)alone.steps : UINT32_MAX;
    }
    return MK_OK;
}

/* Schemes. */

static bool matches_at(const mk_example_rule *rule, uint32_t letters, const uint8_t *word, uint8_t *binding)
{
    bool bound[256] = {false};
    for (uint32_t i = 0; i < rule->pattern_length; i++) {
        uint8_t letter = rule->pattern[i];
        if (letter < letters) {
            if (word[i] != letter)
                return false;
        } else if (!bound[letter]) {
            bound[letter] = true;
            binding[letter] = word[i];
        } else if (binding[letter] != word[i]) {
            return false;
        }
    }
    return true;
}

size_t mk_scheme_match(const mk_example_rule *rule, uint32_t letters, const uint8_t *word, size_t length, size_t from,
                       uint8_t *binding)
{
    for (size_t at = from; at + rule->pattern_length <= length; at++)
        if (matches_at(rule, letters, word + at, binding))
            return at;
    return MK_NOWHERE;
}

mk_status mk_task_scheme(const mk_plan *plan, mk_work *work, mk_example *example)
{
    const mk_example_rule *rule = example->rules;
    uint8_t binding[256];
    answer_no_op(example);
    size_t at = mk_scheme_match(rule, plan->letters, example->word, example->length, 0, binding);
    if (at == MK_NOWHERE)
        return MK_OK;
    answer_step(work, example, 0, at);
    for (uint32_t i = 0; i < rule->replacement_length; i++)
        if (rule->replacement[i] >= plan->letters)
            work->output[at + i] = binding[rule->replacement[i]];
    return MK_OK;
}

/* Ciphers. */

static uint8_t enciphered(const mk_plan *plan, const mk_key *key, uint8_t letter)
{
    if (key->kind == MK_KEY_SUBSTITUTION)
        return key->letter[letter];
    uint32_t sum = letter + key->shift;
    return (uint8_t)(sum >= plan->letters ? sum - plan->letters : sum);
}

void mk_task_encipher(const mk_plan *plan, mk_work *work, mk_example *example)
{
    size_t first = 0, last = example->output_length;
    if (plan->task.cipher_place == MK_CIPHER_REPLACEMENT) {
        if (example->rule < 0)
            return;
        first = (size_t)example->position;
        last = first + example->rules[example->rule].replacement_length;
    }
    if (example->output != work->output) {
        memcpy(work->output, example->output, example->output_length);
        example->output = work->output;
    }
    for (size_t i = first; i < last; i++)
        work->output[i] = enciphered(plan, &example->key, work->output[i]);
}

/* Counting. */

int32_t mk_example_occurrences(const mk_plan *plan, const mk_example *example)
{
    const mk_example_rule *rule = &example->rules[example->rule < 0 ? 0 : example->rule];
    mk_needle needle = mk_needle_make(rule->pattern, rule->pattern_length);
    uint8_t binding[256];
    int32_t count = 0;
    for (size_t from = 0;; count++) {
        size_t at = plan->task.kind == MK_TASK_SCHEME
                        ? mk_scheme_match(rule, plan->letters, example->word, example->length, from, binding)
                        : mk_search(&needle, example->word, example->length, from);
        if (at == MK_NOWHERE)
            return count;
        from = at + 1;
    }
}
