#include "words.h"

#include <string.h>

static uint32_t draw_length(const mk_plan *plan, mk_draws *draws, uint32_t shortest)
{
    if (shortest < plan->shortest)
        shortest = plan->shortest;
    return shortest + (uint32_t)mk_draws_below(draws, (uint64_t)plan->longest - shortest + 1);
}

/* One rule. */

/* The exact sampler of the pattern, which few words need; NULL: no memory. */
static mk_exact *exact_of(mk_sampler *sampler, const mk_example *example)
{
    const mk_example_rule *rule = example->rules;
    if (sampler->exact)
        return sampler->exact;
    sampler->exact = mk_exacts_get(&sampler->exacts, sampler->plan, rule->pattern_length);
    if (sampler->exact)
        mk_exact_pattern(sampler->exact, rule->pattern);
    return sampler->exact;
}

static mk_status draw_without(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->length = draw_length(plan, draws, 0);
    (void)mk_draws_word(draws); /* the start's place in the stream */
    size_t at;
    for (int refusals = 0; refusals < MK_REFUSALS; refusals++) {
        mk_draws_letters(draws, &plan->alphabet, sampler->word, example->length);
        if (mk_search_first(sampler->needles, 1, sampler->word, example->length, &at) == 1) {
            sampler->searched = true;
            return MK_OK;
        }
    }
    mk_exact *exact = exact_of(sampler, example);
    return exact ? mk_exact_avoid(exact, draws, sampler->word, example->length) : MK_NO_MEMORY;
}

/* Plants the pattern between free letters. */
static void plant(mk_sampler *sampler, mk_draws *draws, const mk_needle *needle, size_t length, size_t start)
{
    uint8_t *word = sampler->word;
    size_t after = start + needle->length;
    mk_draws_letters(draws, &sampler->plan->alphabet, word, length - needle->length);
    mk_codes_move(word + after, word + start, length - after);
    memcpy(word + start, needle->bytes, needle->length);
}

static mk_status draw_exactly(mk_sampler *sampler, mk_draws *draws, const mk_example *example, uint32_t start)
{
    const mk_plan *plan = sampler->plan;
    const mk_example_rule *rule = example->rules;
    size_t after = start + rule->pattern_length;
    mk_exact *exact = exact_of(sampler, example);
    if (!exact || mk_exact_before(exact, draws, sampler->word, start) != MK_OK)
        return MK_NO_MEMORY;
    memcpy(sampler->word + start, rule->pattern, rule->pattern_length);
    if (sampler->occurrences)
        return mk_exact_after(exact, draws, sampler->word + after, example->length - after,
                              sampler->occurrences - 1);
    mk_draws_letters(draws, &plan->alphabet, sampler->word + after, example->length - after);
    return MK_OK;
}

static mk_status draw_with(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    uint32_t span = example->rules[0].pattern_length, start;
    if (sampler->occurrences > 1) {
        mk_exact *exact = exact_of(sampler, example);
        if (!exact)
            return MK_NO_MEMORY;
        span += (sampler->occurrences - 1) * mk_exact_period(exact);
    }
    if (span > plan->longest)
        return MK_INVALID;
    example->length = draw_length(plan, draws, span);
    if (plan->exact)
        return mk_uniform_word(&sampler->uniform, draws, &sampler->needles[0],
                               sampler->occurrences ? sampler->occurrences : MK_AT_LEAST_ONE, sampler->word,
                               example->length);
    /* The empty pattern occurs first at the very beginning. */
    start = (uint32_t)mk_draws_below(draws, example->rules[0].pattern_length ? example->length - span + 1 : 1);
    for (int refusals = 0; sampler->occurrences < 2 && refusals < MK_REFUSALS; refusals++) {
        plant(sampler, draws, &sampler->needles[0], example->length, start);
        if (mk_search_confirm(&sampler->needles[0], sampler->word, example->length, start, sampler->occurrences != 0)) {
            sampler->searched = true;
            sampler->found = start;
            return MK_OK;
        }
    }
    return draw_exactly(sampler, draws, example, start);
}

/* Several rules. */

static mk_status draw_none_of(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    example->length = draw_length(sampler->plan, draws, 0);
    return mk_several_word(&sampler->several, draws, sampler->plan->per_example, MK_UNIFORM_WORDS, sampler->word,
                           example->length);
}

/* A rule whose pattern holds an earlier one's can never fire first: that one fires in its place. */
static uint32_t first_to_fire(const mk_sampler *sampler, const mk_example *example)
{
    for (uint32_t i = 0; i < sampler->fires; i++) {
        const mk_example_rule *rule = &example->rules[sampler->fires];
        if (mk_search(&sampler->needles[i], rule->pattern, rule->pattern_length, 0) != MK_NOWHERE)
            return i;
    }
    return sampler->fires;
}

static mk_status draw_firing(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    uint32_t fires = first_to_fire(sampler, example);
    example->length = draw_length(plan, draws, example->rules[fires].pattern_length);
    return mk_several_word(&sampler->several, draws, fires, plan->exact ? MK_UNIFORM_WORDS : MK_UNIFORM_STARTS,
                           sampler->word, example->length);
}

static mk_status draw_near_miss(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->length = draw_length(plan, draws, example->rules[sampler->fires].pattern_length);
    return mk_near_miss_word(&sampler->several, draws, sampler->fires, plan->near_miss_edits, sampler->word,
                             example->length);
}

/* Runs: free letters over which patterns are planted, which may cover one another, the last one whole. */
static mk_status draw_run(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->length = draw_length(plan, draws, plan->widest_pattern);
    uint64_t plants = 1 + mk_draws_below(draws, plan->task.plants);
    mk_draws_letters(draws, &plan->alphabet, sampler->word, example->length);
    for (uint64_t i = 0; i < plants; i++) {
        const mk_needle *needle = &sampler->needles[mk_draws_below(draws, plan->per_example)];
        size_t start = mk_draws_below(draws, example->length - needle->length + 1);
        memcpy(sampler->word + start, needle->bytes, needle->length);
    }
    return MK_OK;
}

/* Of `count` rules those that may be planted where so many steps and letters are left; how many these are. */
static size_t keep_fitting(const mk_sampler *sampler, uint32_t *rules, size_t count, uint32_t steps, size_t letters)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t rule = rules[i];
        rules[kept] = rule;
        kept += sampler->own_steps[rule] <= steps && sampler->needles[rule].length <= letters;
    }
    return kept;
}

/* Chooses patterns that together take at most sampler->planted steps, each by itself, and fit into a word of that
 * length; their letters.  Where any word has a run that halts after a step, some pattern takes one step: that of the
 * last rule of the run, since what it leaves, and so its replacement, holds no pattern. */
static size_t choose_plants(const mk_sampler *sampler, mk_draws *draws, size_t length, const mk_needle *plants[],
                            size_t *chosen)
{
    uint32_t fitting[MK_MOST_RULES], steps = sampler->planted;
    size_t count = sampler->plan->per_example, left = length;
    for (uint32_t i = 0; i < count; i++)
        fitting[i] = i;
    for (*chosen = 0; (count = keep_fitting(sampler, fitting, count, steps, left)) != 0; ++*chosen) {
        uint32_t rule = fitting[mk_draws_below(draws, count)];
        plants[*chosen] = &sampler->needles[rule];
        steps -= sampler->own_steps[rule];
        left -= sampler->needles[rule].length;
    }
    return length - left;
}

/* `count` of the numbers 0 .. others + count - 1, every choice of them as likely, in ascending order; by Floyd's
 * method, as in nearmiss.c. */
static void choose_places(mk_draws *draws, size_t others, size_t count, uint32_t *places)
{
    uint32_t drawn[MK_MOST_ASKED_STEPS];
    for (size_t i = 0; i < count; i++) {
        uint32_t last = (uint32_t)(others + i), place = (uint32_t)mk_draws_below(draws, (uint64_t)last + 1);
        bool taken = false;
        for (size_t k = 0; k < i; k++)
            taken |= drawn[k] == place;
        drawn[i] = taken ? last : place;
    }
    /* They are few, and a branch for each comparison would be guessed wrong. */
    for (size_t i = 0; i < count; i++) {
        size_t smaller = 0;
        for (size_t k = 0; k < count; k++)
            smaller += drawn[k] < drawn[i];
        places[smaller] = drawn[i];
    }
}

/* Runs of so many steps: patterns and free letters side by side, in a uniform order. */
static mk_status draw_steps(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    const mk_needle *plants[MK_MOST_ASKED_STEPS];
    uint32_t places[MK_MOST_ASKED_STEPS];
    size_t chosen;
    example->length = draw_length(plan, draws, plan->widest_pattern);
    size_t letters = choose_plants(sampler, draws, example->length, plants, &chosen);
    size_t free_letters = example->length - letters;
    uint8_t *to = sampler->word, *from = sampler->work.output; /* which is free until there is an answer */
    mk_draws_letters(draws, &plan->alphabet, from, free_letters);
    choose_places(draws, free_letters, chosen, places);
    for (size_t i = 0; i < chosen; i++) {
        size_t before = places[i] - (i ? places[i - 1] + 1 : 0);
        mk_codes_move(to, from, before);
        to += before;
        from += before;
        free_letters -= before;
        mk_codes_move(to, plants[i]->bytes, plants[i]->length);
        to += plants[i]->length;
    }
    mk_codes_move(to, from, free_letters);
    return MK_OK;
}

/* Schemes. */

static uint32_t scheme_matches(const mk_sampler *sampler, const mk_example *example)
{
    uint8_t binding[256];
    uint32_t count = 0;
    for (size_t from = 0;; count++) {
        size_t at = mk_scheme_match(example->rules, sampler->plan->letters, sampler->word, example->length, from, binding);
        if (at == MK_NOWHERE || count == 2)
            return count;
        from = at + 1;
    }
}

/* Writes the pattern with a letter drawn for each variable. */
static void write_instance(const mk_plan *plan, mk_draws *draws, const mk_example_rule *rule, uint8_t *to)
{
    uint8_t binding[256];
    uint32_t bound = plan->letters;
    for (uint32_t i = 0; i < rule->pattern_length; i++) {
        uint8_t letter = rule->pattern[i];
        if (letter == bound)
            binding[bound++] = mk_draws_letter(draws, &plan->alphabet);
        to[i] = letter < plan->letters ? letter : binding[letter];
    }
}

/* A word with one match, so that every reading of the scheme gives the same answer, or with none. */
static mk_status draw_scheme(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    const mk_example_rule *rule = example->rules;
    example->length = draw_length(plan, draws, rule->pattern_length);
    size_t start = mk_draws_below(draws, example->length - rule->pattern_length + 1);
    for (int refusals = 0; refusals < MK_REFUSALS; refusals++) {
        mk_draws_letters(draws, &plan->alphabet, sampler->word, example->length);
        if (!example->no_op)
            write_instance(plan, draws, rule, sampler->word + start);
        if (scheme_matches(sampler, example) == !example->no_op)
            return MK_OK;
    }
    return MK_INVALID;
}

/* Named programs: the stretches of their words, one after the other. */

static size_t draw_stretch(const mk_segment *segment, mk_draws *draws, uint8_t *to)
{
    size_t length = segment->least + mk_draws_below(draws, (uint64_t)segment->greatest - segment->least + 1);
    for (size_t i = 0; i < length; i++) {
        bool without_zero = i == 0 && length > 1 && segment->first_not_zero;
        to[i] = segment->letters[without_zero + mk_draws_below(draws, segment->letter_count - without_zero)];
    }
    return length;
}

static void turn_round(uint8_t *letters, size_t first, size_t last)
{
    for (; first + 1 < last; first++, last--) {
        uint8_t kept = letters[first];
        letters[first] = letters[last - 1];
        letters[last - 1] = kept;
    }
}

/* Moves the first `start` letters behind the others. */
static void rotate(uint8_t *letters, size_t count, size_t start)
{
    turn_round(letters, 0, start);
    turn_round(letters, start, count);
    turn_round(letters, 0, count);
}

/* A uniform balanced word of n pairs by the cycle lemma: of the 2n + 1 rotations of n + 1 openings and n closings, in a
 * uniform order, exactly one is an opening followed by a balanced word (N. Dershowitz, S. Zaks, "The cycle lemma and
 * some applications", 1990). */
static size_t draw_balanced(const mk_segment *segment, mk_draws *draws, uint8_t *to)
{
    size_t pairs = segment->least + mk_draws_below(draws, (uint64_t)segment->greatest - segment->least + 1);
    size_t left_open = pairs + 1, left = 2 * pairs + 1, start = 0;
    int64_t depth = 0, lowest = 0;
    for (size_t i = 0; left; i++, left--) {
        bool opens = mk_draws_below(draws, left) < left_open;
        left_open -= opens;
        to[i] = segment->letters[!opens];
        depth += opens ? 1 : -1;
        if (depth <= lowest) {
            lowest = depth;
            start = i + 1;
        }
    }
    /* Rotates so that the walk stays above where it begins, and drops the first opening. */
    rotate(to, 2 * pairs + 1, start);
    memmove(to, to + 1, 2 * pairs);
    return 2 * pairs;
}

static mk_status draw_segments(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    size_t length = 0;
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const mk_segment *segment = &plan->segments[i];
        length += (segment->balanced ? draw_balanced : draw_stretch)(segment, draws, sampler->word + length);
    }
    example->length = length;
    return MK_OK;
}

mk_status mk_words_draw(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    sampler->searched = false;
    sampler->found = MK_NOWHERE;
    if (plan->segments)
        return draw_segments(sampler, draws, example);
    if (plan->task.kind == MK_TASK_SCHEME)
        return draw_scheme(sampler, draws, example);
    if (example->near_miss)
        return draw_near_miss(sampler, draws, example);
    if (plan->per_example == 1 && plan->task.kind != MK_TASK_RUN)
        return (example->no_op ? draw_without : draw_with)(sampler, draws, example);
    if (example->no_op)
        return draw_none_of(sampler, draws, example);
    if (plan->task.kind != MK_TASK_RUN)
        return draw_firing(sampler, draws, example);
    return (sampler->steps ? draw_steps : draw_run)(sampler, draws, example);
}
