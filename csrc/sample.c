#include "sample.h"

#include <string.h>

#include "certify.h"
#include "words.h"

/* At most so many words are drawn between two polls, whatever their runs cost. */
enum { ATTEMPTS_PER_POLL = 64 };

mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, bool sequential)
{
    *sampler = (mk_sampler){.plan = plan, .sequential = sequential, .block = UINT64_MAX};
    sampler->meter = mk_meter_make((mk_poll){NULL, NULL});
    sampler->word = mk_malloc((size_t)plan->longest + MK_READ_SLACK);
    sampler->own_needles = mk_malloc(plan->per_example * sizeof *sampler->own_needles);
    mk_status status = sampler->word && sampler->own_needles ? MK_OK : MK_NO_MEMORY;
    if (status == MK_OK)
        status = mk_instructor_open(&sampler->instructor, plan, &sampler->exacts, &sampler->meter);
    if (status == MK_OK)
        status = mk_work_open(&sampler->work, plan);
    if (status == MK_OK && plan->exact && mk_plan_is_plain(plan))
        status = mk_uniform_open(&sampler->uniform, plan->letters, plan->widest_pattern, plan->most_occurrences,
                                 plan->longest);
    if (status == MK_OK && mk_plan_has_several(plan))
        status = mk_several_open(&sampler->several, plan->letters, (size_t)plan->per_example * plan->widest_pattern,
                                 plan->longest);
    if (status != MK_OK)
        mk_sampler_close(sampler);
    return status;
}

void mk_sampler_close(mk_sampler *sampler)
{
    mk_permutation_close(&sampler->no_op);
    mk_permutation_close(&sampler->popularity);
    mk_instructor_close(&sampler->instructor);
    mk_exacts_close(&sampler->exacts);
    mk_work_close(&sampler->work);
    mk_uniform_close(&sampler->uniform);
    mk_several_close(&sampler->several);
    mk_free(sampler->own_needles);
    mk_free(sampler->word);
    *sampler = (mk_sampler){0};
}

mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *instruction)
{
    return mk_instructor_get(&sampler->instructor, j, instruction);
}

/* Which example is what. */

static void reopen(const mk_sampler *sampler, mk_permutation *permutation, uint64_t axis, uint64_t id, uint64_t size)
{
    const mk_plan *plan = sampler->plan;
    mk_permutation_open(permutation, mk_philox_subkey(plan->key, size, id, plan->split, axis), size);
    if (sampler->sequential)
        (void)mk_permutation_tabulate(permutation); /* without memory for the table it is only slower */
}

/* Of so many examples that are no no-ops, in how many a rule is asked to fire: rule by rule, its share of those that
 * are left, so that the numbers add up and none falls when there are more examples. */
static void share_firing(const mk_plan *plan, uint64_t examples, uint64_t *firing)
{
    uint64_t weights = plan->fires[plan->per_example - 1], before = 0;
    for (uint32_t i = 0; i < plan->per_example; i++) {
        mk_share_of share = {plan->fires[i] - before, weights - before};
        firing[i] = share.denominator ? mk_share_before(share, examples) : 0;
        examples -= firing[i];
        before = plan->fires[i];
    }
}

/* Which of the block's examples, in the order of its permutation, are the first that another rule is to fire in. */
static void enter_firing(mk_sampler *sampler, uint64_t others)
{
    const mk_plan *plan = sampler->plan;
    uint64_t before[MK_MOST_RULES], behind[MK_MOST_RULES], end = 0;
    share_firing(plan, sampler->others_before, before);
    share_firing(plan, sampler->others_before + others, behind);
    for (uint32_t i = 0; i < plan->per_example; i++)
        sampler->block_firing[i] = end += behind[i] - before[i];
}

static void enter_block(mk_sampler *sampler, uint64_t block)
{
    const mk_plan *plan = sampler->plan;
    uint64_t start = block * MK_BLOCK_EXAMPLES, left = plan->size - start;
    uint64_t rows = left < MK_BLOCK_EXAMPLES ? left : MK_BLOCK_EXAMPLES;
    uint64_t before = mk_share_before(plan->no_op, start), behind = mk_share_before(plan->no_op, start + rows);
    sampler->block = block;
    sampler->block_start = start;
    sampler->block_no_ops = behind - before;
    sampler->others_before = start - before;
    sampler->near_misses_before = mk_share_before(plan->near_miss, before);
    sampler->block_near_misses = mk_share_before(plan->near_miss, behind) - sampler->near_misses_before;
    if (plan->fires)
        enter_firing(sampler, rows - sampler->block_no_ops);
    reopen(sampler, &sampler->no_op, MK_AXIS_NO_OP, block, rows);
}

/* Whether an example's place in the order of its block says something about it. */
static bool has_rank(const mk_plan *plan)
{
    return plan->no_op.numerator != 0 || plan->occurrence_count > 1 || plan->per_example > 1 || plan->task.asked_steps;
}

/* The ranks of `count` examples of one block. */
static void draw_ranks(mk_sampler *sampler, uint64_t index, size_t count, uint64_t *ranks)
{
    if (index / MK_BLOCK_EXAMPLES != sampler->block)
        enter_block(sampler, index / MK_BLOCK_EXAMPLES);
    for (size_t i = 0; i < count; i++)
        ranks[i] = index - sampler->block_start + i;
    mk_permutation_many(&sampler->no_op, ranks, count);
}

/* The rule asked to fire first by an example that is no no-op: number `rank` of those of the block. */
static uint32_t choose_firing(const mk_sampler *sampler, uint64_t rank)
{
    const mk_plan *plan = sampler->plan;
    if (!plan->fires)
        return (uint32_t)((sampler->others_before + rank) % plan->per_example);
    uint32_t fires = 0;
    while (fires + 1 < plan->per_example && rank >= sampler->block_firing[fires])
        fires++;
    return fires;
}

/* Of a block's examples, in the order of its permutation, the first are near misses, then come the other no-ops, and
 * the others take their occurrences, steps and rules that fire by turns, which go on from block to block, or the rules
 * in proportion to their weights. */
static void set_kind(mk_sampler *sampler, uint64_t rank, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->no_op = example->near_miss = false;
    sampler->occurrences = plan->occurrences[0];
    sampler->fires = sampler->steps = 0;
    if (!has_rank(plan))
        return;
    example->no_op = rank < sampler->block_no_ops;
    example->near_miss = rank < sampler->block_near_misses;
    if (example->no_op) {
        sampler->fires = (uint32_t)((sampler->near_misses_before + rank) % plan->per_example);
        return;
    }
    rank -= sampler->block_no_ops;
    uint64_t turn = sampler->others_before + rank;
    sampler->occurrences = plan->occurrences[turn % plan->occurrence_count];
    sampler->fires = choose_firing(sampler, rank);
    if (plan->task.asked_steps)
        sampler->steps = plan->task.asked_steps[turn % plan->task.asked_count];
}

/* The first instruction whose cumulative share lies above the word. */
static uint64_t draw_weighted(const mk_plan *plan, uint64_t word)
{
    uint64_t low = 0, high = plan->instructions - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (plan->popularity[middle] > word)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static uint64_t draw_instruction(const mk_plan *plan, uint64_t index)
{
    if (plan->fixed)
        return 0;
    if (plan->order == MK_ORDER_OWN)
        return index;
    if (plan->order == MK_ORDER_CYCLE)
        return index % plan->instructions;
    return draw_weighted(plan, mk_philox(plan->key, 0, index, plan->split, MK_AXIS_CHOICE).word[0]);
}

/* The instructions of the examples from `index` on that are in its run, up to `count`; how many these are. */
static size_t draw_shuffled(mk_sampler *sampler, uint64_t index, size_t count, uint64_t *numbers)
{
    const mk_plan *plan = sampler->plan;
    if (index < sampler->run || index - sampler->run >= sampler->run_length) {
        uint64_t run = index / plan->instructions;
        reopen(sampler, &sampler->popularity, MK_AXIS_POPULARITY, run, plan->instructions);
        sampler->run = run * plan->instructions;
        sampler->run_length = plan->instructions;
    }
    uint64_t first = index - sampler->run, left = sampler->run_length - first;
    size_t now = left < count ? (size_t)left : count;
    for (size_t i = 0; i < now; i++)
        numbers[i] = first + i;
    mk_permutation_many(&sampler->popularity, numbers, now);
    return now;
}

static void draw_instructions(mk_sampler *sampler, uint64_t index, size_t count, uint64_t *numbers)
{
    bool shuffled = sampler->plan->order == MK_ORDER_SHUFFLED && !sampler->plan->fixed;
    for (size_t i = 0; shuffled && i < count;)
        i += draw_shuffled(sampler, index + i, count - i, numbers + i);
    for (size_t i = 0; !shuffled && i < count; i++)
        numbers[i] = draw_instruction(sampler->plan, index + i);
}

/* How many examples from `index` on are looked at together: those of one block, as far as there are instructions. */
static size_t ahead_count(const mk_sampler *sampler, uint64_t index)
{
    const mk_plan *plan = sampler->plan;
    size_t rules = mk_instructor_ahead(&sampler->instructor);
    uint64_t count = rules ? rules : MK_RULES_AT_ONCE, left = MK_BLOCK_EXAMPLES - index % MK_BLOCK_EXAMPLES;
    if (plan->size - index < left)
        left = plan->size - index;
    if (plan->order == MK_ORDER_OWN && plan->instructions - index < left)
        left = plan->instructions - index;
    return (size_t)(left < count ? left : count);
}

/* Permutations and rules of many examples take much less time together than one by one. */
static void look_ahead(mk_sampler *sampler, uint64_t index)
{
    size_t count = ahead_count(sampler, index);
    if (has_rank(sampler->plan))
        draw_ranks(sampler, index, count, sampler->ahead_ranks);
    draw_instructions(sampler, index, count, sampler->ahead_numbers);
    mk_draws_ahead(sampler->plan->key, sampler->plan->split, index, sampler->ahead_words);
    sampler->ahead_first = index;
    sampler->ahead_count = count;
    if (mk_instructor_ahead(&sampler->instructor))
        mk_instructor_look_ahead(&sampler->instructor, sampler->ahead_numbers, count);
    else
        mk_instructor_fetch(&sampler->instructor, sampler->ahead_numbers, count);
}

/* Sets what is decided before the word: the instruction, no-op or not, and what else is asked of the word. */
static void decide(mk_sampler *sampler, mk_example *example)
{
    uint64_t index = example->index, rank = 0;
    if (sampler->sequential) {
        if (index - sampler->ahead_first >= sampler->ahead_count)
            look_ahead(sampler, index);
        rank = sampler->ahead_ranks[index - sampler->ahead_first];
        example->number = sampler->ahead_numbers[index - sampler->ahead_first];
    } else {
        if (has_rank(sampler->plan))
            draw_ranks(sampler, index, 1, &rank);
        draw_instructions(sampler, index, 1, &example->number);
    }
    set_kind(sampler, rank, example);
}

static void draw_paraphrase(const mk_plan *plan, mk_example *example)
{
    example->paraphrase = 0;
    if (plan->paraphrases > 1) {
        uint64_t word = mk_philox(plan->key, 0, example->index, plan->split, MK_AXIS_CHOICE).word[1];
        example->paraphrase = (uint32_t)mk_multiply_high(word, plan->paraphrases);
    }
}

static void draw_key(const mk_plan *plan, mk_example *example)
{
    example->key.kind = plan->task.cipher;
    if (plan->task.cipher == MK_KEY_NONE)
        return;
    bool of_training = plan->words != MK_WORDS_ANY; /* `train` and `seen` have the same instructions */
    uint64_t index = plan->task.cipher_of_instruction ? example->number : example->index;
    uint64_t split = plan->task.cipher_of_instruction && of_training ? 0 : plan->split, words[256];
    if (plan->task.cipher == MK_KEY_SHIFT) {
        mk_philox_words(plan->key, index, split, MK_AXIS_KEY, words, 1);
        example->key.shift = 1 + (uint32_t)mk_multiply_high(words[0], plan->letters - 1);
        return;
    }
    mk_philox_words(plan->key, index, split, MK_AXIS_KEY, words, plan->letters - 1);
    uint8_t *letter = example->key.letter;
    for (uint32_t i = 0; i < plan->letters; i++)
        letter[i] = (uint8_t)i;
    for (uint32_t i = plan->letters - 1; i > 0; i--) {
        uint32_t j = (uint32_t)mk_multiply_high(words[plan->letters - 1 - i], i + 1);
        uint8_t kept = letter[i];
        letter[i] = letter[j];
        letter[j] = kept;
    }
}

/* One example. */

static mk_status find_own_steps(mk_sampler *sampler)
{
    const mk_instruction *instruction = &sampler->instruction;
    sampler->own_steps = instruction->own_steps ? instruction->own_steps : sampler->own_steps_made;
    return instruction->own_steps ? MK_OK
                                  : mk_task_own_steps(sampler->plan, &sampler->work, sampler->needles, instruction->rules,
                                                      &sampler->meter, sampler->own_steps_made);
}

static mk_status prepare(mk_sampler *sampler, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    const mk_instruction *instruction = &sampler->instruction;
    example->rules = instruction->rules;
    example->rule_count = plan->per_example;
    example->stratum = instruction->stratum;
    sampler->needles = instruction->needles ? instruction->needles : sampler->own_needles;
    for (uint32_t i = 0; !instruction->needles && i < plan->per_example; i++)
        sampler->own_needles[i] = mk_needle_make(instruction->rules[i].pattern, instruction->rules[i].pattern_length);
    if (mk_plan_has_several(plan))
        mk_several_patterns(&sampler->several, sampler->needles, plan->per_example);
    sampler->exact = NULL;
    return sampler->steps ? find_own_steps(sampler) : MK_OK;
}

static mk_status answer(mk_sampler *sampler, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    mk_status status;
    if (plan->task.kind == MK_TASK_RUN)
        status = mk_task_run(plan, &sampler->work, sampler->needles,
                             sampler->steps ? sampler->steps : plan->task.max_steps, &sampler->meter, example);
    else if (plan->task.kind == MK_TASK_SCHEME)
        status = mk_task_scheme(plan, &sampler->work, example);
    else if (sampler->searched)
        status = mk_task_rewrite_at(&sampler->work, sampler->found, example);
    else
        status = mk_task_rewrite(plan, &sampler->work, sampler->needles, example);
    if (status == MK_OK && plan->task.cipher != MK_KEY_NONE)
        mk_task_encipher(plan, &sampler->work, example);
    return status;
}

/* Whether a run is one of those asked for. */
static bool is_wanted(const mk_sampler *sampler, const mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    if (plan->task.kind != MK_TASK_RUN)
        return true;
    if (plan->task.must_halt && !mk_example_halted(example))
        return false;
    if (sampler->steps)
        return example->steps == sampler->steps;
    uint64_t least = plan->fixed ? 0 : 1; /* a limit may end a run before its first step */
    return example->no_op || example->steps >= (plan->task.least_steps > least ? plan->task.least_steps : least);
}

/* After a run of other steps than those asked for, which went on for too long or ended too early: what a rule writes may
 * complete a pattern or break one beside it, and the free letters hold patterns too. */
static void plant_otherwise(mk_sampler *sampler, const mk_example *example)
{
    if (!mk_example_halted(example))
        sampler->planted -= sampler->planted > 1;
    else
        sampler->planted += sampler->planted < sampler->steps;
}

static void open_draws(mk_sampler *sampler, mk_draws *draws, uint64_t index, uint64_t attempt)
{
    const mk_plan *plan = sampler->plan;
    if (attempt || !sampler->sequential)
        mk_draws_open(draws, plan->key, plan->split, index, attempt);
    else
        mk_draws_open_ahead(draws, plan->key, plan->split, index, sampler->ahead_words,
                            (size_t)(index - sampler->ahead_first));
}

/* Draws words from attempt number `first` on until one is of the split's class and its answer is wanted. */
static mk_status draw_word(mk_sampler *sampler, uint64_t first, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    bool divided = plan->words != MK_WORDS_ANY && !sampler->instruction.undivided[example->no_op];
    example->word = sampler->word;
    sampler->planted = sampler->steps;
    for (uint64_t attempt = first; attempt < first + MK_ATTEMPTS; attempt++) {
        if (!mk_meter_spend(&sampler->meter, MK_LETTERS_PER_POLL / ATTEMPTS_PER_POLL))
            return MK_INTERRUPTED;
        mk_draws draws;
        open_draws(sampler, &draws, example->index, attempt);
        mk_status status = mk_words_draw(sampler, &draws, example);
        if (status == MK_NO_MEMORY)
            return status;
        if (status != MK_OK)
            continue;
        bool for_seen = divided && mk_plan_is_for_seen(plan, sampler->instruction.hash, example->word, example->length);
        if (divided && for_seen != (plan->words == MK_WORDS_SEEN))
            continue;
        status = answer(sampler, example);
        if (status != MK_OK || is_wanted(sampler, example))
            return status;
        plant_otherwise(sampler, example);
    }
    return MK_INVALID;
}

/* The pairs of an `induce` example, the first of which is also its word and output. */
static mk_status draw_pairs(mk_sampler *sampler, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    mk_work *work = &sampler->work;
    uint8_t *to = work->pair_letters;
    for (uint32_t i = 0; i < plan->task.pairs; i++) {
        mk_status status = draw_word(sampler, (uint64_t)i * MK_ATTEMPTS, example);
        if (status != MK_OK)
            return status;
        memcpy(to, example->word, example->length);
        memcpy(to + example->length, example->output, example->output_length);
        work->pairs[i] = (mk_example_pair){to, to + example->length, (uint32_t)example->length,
                                           (uint32_t)example->output_length};
        to += example->length + example->output_length;
    }
    example->word = work->pairs[0].word;
    example->length = work->pairs[0].length;
    example->output = work->pairs[0].output;
    example->output_length = work->pairs[0].output_length;
    size_t at = mk_search(&sampler->needles[0], example->word, example->length, 0);
    example->position = at == MK_NOWHERE ? -1 : (int64_t)at;
    example->pairs = work->pairs;
    example->pair_count = plan->task.pairs;
    return MK_OK;
}

mk_status mk_sampler_draw(mk_sampler *sampler, uint64_t index, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->index = index;
    example->rule_count = example->trace_count = example->pair_count = 0;
    example->certificate.kind = MK_CERTIFICATE_NONE;
    decide(sampler, example);
    mk_status status = mk_sampler_rule(sampler, example->number, &sampler->instruction);
    if (status != MK_OK)
        return status;
    status = prepare(sampler, example);
    if (status != MK_OK)
        return status;
    draw_paraphrase(plan, example);
    draw_key(plan, example);
    if (sampler->certified && plan->terminating)
        (void)mk_certify(example->rules, example->rule_count, plan->letters, &example->certificate);
    if (plan->task.kind == MK_TASK_INDUCE)
        return draw_pairs(sampler, example);
    status = draw_word(sampler, 0, example);
    if (plan->fixed && status == MK_OK)
        example->no_op = example->steps == 0 && example->outcome == MK_NO_RULE_APPLIES;
    return status;
}
