#include "sample.h"

#include <stdatomic.h>
#include <string.h>

#define TABLE_RULES ((uint64_t)1 << 20)
#define TABLE_BYTES ((uint64_t)64 << 20)

/* The rules of a plan, computed once. */
struct mk_rule_table {
    uint64_t *hash;
    uint8_t *undivided;              /* bit 0: with the pattern, bit 1: no-ops */
    uint8_t *parts;                  /* pattern and replacement, one rule after the other */
};

/* The hash that divides words between train and seen: multilinear, strongly universal in its high 32 bits
 * (D. Lemire, O. Kaser, "Strongly universal string hashing is fast", 2014).  The characters are pairs of 32 bits:
 * (length, 0), then eight letters at a time. */

static size_t hash_words(uint32_t length)
{
    return 2 * (1 + ((size_t)length + 7) / 8);
}

static uint64_t eight_letters(const uint8_t *letters)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t packed;
    memcpy(&packed, letters, 8);
#else
    uint64_t packed = 0;
    for (unsigned i = 0; i < 8; i++)
        packed |= (uint64_t)letters[i] << (8 * i);
#endif
    return packed;
}

static uint64_t last_letters(const uint8_t *letters, size_t count)
{
    uint64_t packed = 0;
    for (size_t i = 0; i < count; i++)
        packed |= (uint64_t)letters[i] << (8 * i);
    return packed;
}

static uint64_t hash_letters(const uint64_t *keys, const uint8_t *letters, size_t length)
{
    uint64_t sum = (keys[0] + length) * keys[1];
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t pair = eight_letters(letters + i);
        keys += 2;
        sum += (keys[0] + (uint32_t)pair) * (keys[1] + (pair >> 32));
    }
    if (i < length) {
        uint64_t pair = last_letters(letters + i, length - i);
        sum += (keys[2] + (uint32_t)pair) * (keys[3] + (pair >> 32));
    }
    return sum;
}

static uint64_t hash_rule(const mk_plan *plan, const uint8_t *pattern, const uint8_t *replacement)
{
    return plan->hash_start + hash_letters(plan->hash_keys[0], pattern, plan->pattern_length) +
           hash_letters(plan->hash_keys[1], replacement, plan->replacement_length);
}

/* One word in sixteen is for `seen`. */
static bool is_for_seen(const mk_plan *plan, const mk_example *example)
{
    uint64_t hash = example->rule.hash + hash_letters(plan->hash_keys[2], example->word, example->length);
    return hash >> 60 == 0;
}

/* The plan. */

/* letters^exponent >= MK_WORDS_TO_DIVIDE */
static bool is_enough(uint32_t letters, int64_t exponent)
{
    uint64_t power = 1;
    for (int64_t i = 0; i < exponent && power < MK_WORDS_TO_DIVIDE && letters > 1; i++)
        power *= letters;
    return exponent >= 0 && power >= MK_WORDS_TO_DIVIDE;
}

/* Behind the occurrences, whose span is at most length * occurrences, every letter but at most one is free; before a
 * no-op's end likewise. */
static void bound_words(mk_plan *plan)
{
    int64_t free_letters = (int64_t)plan->longest - (int64_t)plan->pattern_length;
    if (plan->occurrences)
        free_letters = (int64_t)plan->longest - (int64_t)plan->occurrences * plan->pattern_length;
    plan->always_divided[0] = is_enough(plan->letters - (plan->occurrences ? 1 : 0), free_letters);
    plan->always_divided[1] = is_enough(plan->letters - 1, plan->longest);
}

mk_status mk_plan_open(mk_plan *plan)
{
    plan->pattern_length = mk_rule_space_widest(plan->rules, 0);
    plan->replacement_length = mk_rule_space_widest(plan->rules, 1);
    const uint32_t lengths[3] = {plan->pattern_length, plan->replacement_length, plan->longest};
    plan->alphabet = mk_alphabet_make(plan->letters);
    atomic_init(&plan->table, NULL);
    atomic_init(&plan->drawn, 0);
    for (int i = 0; i < 3; i++)
        plan->hash_keys[i] = NULL;
    for (unsigned i = 0; i < 3; i++) {
        plan->hash_keys[i] = mk_malloc(hash_words(lengths[i]) * sizeof(uint64_t));
        if (!plan->hash_keys[i]) {
            mk_plan_close(plan);
            return MK_NO_MEMORY;
        }
        mk_philox_words(plan->key, i, 0, MK_AXIS_SEEN, plan->hash_keys[i], hash_words(lengths[i]));
    }
    plan->hash_start = mk_philox(plan->key, 0, 3, 0, MK_AXIS_SEEN).word[0];
    bound_words(plan);
    return MK_OK;
}

static void table_close(mk_rule_table *table)
{
    if (!table)
        return;
    mk_free(table->hash);
    mk_free(table->undivided);
    mk_free(table->parts);
    mk_free(table);
}

void mk_plan_close(mk_plan *plan)
{
    for (int i = 0; i < 3; i++) {
        mk_free(plan->hash_keys[i]);
        plan->hash_keys[i] = NULL;
    }
    table_close(atomic_exchange(&plan->table, NULL));
}

/* Rounding is half up, in whole numbers. */
uint64_t mk_plan_no_ops(const mk_plan *plan, uint64_t end)
{
    mk_u128 denominator = plan->no_op_denominator;
    return (uint64_t)((2 * (mk_u128)plan->no_op_numerator * end + denominator) / (2 * denominator));
}

/* Rules. */

static mk_status judge_rule(mk_sampler *sampler, mk_instruction *rule)
{
    const mk_plan *plan = sampler->plan;
    rule->undivided[0] = rule->undivided[1] = false;
    for (int no_op = 0; no_op < 2; no_op++) {
        if (plan->words == MK_WORDS_ANY || plan->always_divided[no_op] || !plan->pattern_length)
            continue;
        bool enough = true;
        uint32_t occurrences = no_op ? 0 : plan->occurrences ? plan->occurrences : 1;
        bool or_more = !no_op && !plan->occurrences;
        mk_exact_pattern(&sampler->exact, rule->pattern);
        if (mk_exact_has_words(&sampler->exact, plan->shortest, occurrences, or_more, MK_WORDS_TO_DIVIDE, &enough))
            return MK_NO_MEMORY;
        rule->undivided[no_op] = !enough;
    }
    return MK_OK;
}

static mk_status compute_rule(mk_sampler *sampler, uint64_t j, uint8_t *parts, mk_instruction *rule)
{
    const mk_plan *plan = sampler->plan;
    mk_space_rule written = {.pattern = parts, .replacement = parts + plan->pattern_length};
    mk_rule_space_at(plan->rules, j, &written);
    rule->pattern = written.pattern;
    rule->replacement = written.replacement;
    rule->hash = plan->words == MK_WORDS_ANY ? 0 : hash_rule(plan, rule->pattern, rule->replacement);
    return judge_rule(sampler, rule);
}

static void read_table(const mk_plan *plan, const mk_rule_table *table, uint64_t j, mk_instruction *rule)
{
    rule->pattern = table->parts + j * (plan->pattern_length + plan->replacement_length);
    rule->replacement = rule->pattern + plan->pattern_length;
    rule->hash = table->hash[j];
    rule->undivided[0] = table->undivided[j] & 1;
    rule->undivided[1] = table->undivided[j] & 2;
}

mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *rule)
{
    mk_plan *plan = (mk_plan *)sampler->plan;
    const mk_rule_table *table = atomic_load_explicit(&plan->table, memory_order_acquire);
    if (!table || j >= plan->instructions)
        return compute_rule(sampler, j, sampler->parts, rule);
    read_table(plan, table, j, rule);
    return MK_OK;
}

static mk_rule_table *table_open(const mk_plan *plan)
{
    size_t rules = (size_t)plan->instructions;
    mk_rule_table *table = mk_malloc(sizeof *table);
    if (!table)
        return NULL;
    table->hash = mk_malloc(rules * sizeof *table->hash);
    table->undivided = mk_malloc(rules);
    table->parts = mk_malloc(rules * ((size_t)plan->pattern_length + plan->replacement_length) + MK_READ_SLACK);
    if (table->hash && table->undivided && table->parts)
        return table;
    table_close(table);
    return NULL;
}

static mk_status fill_table(mk_sampler *sampler, mk_rule_table *table)
{
    const mk_plan *plan = sampler->plan;
    size_t width = (size_t)plan->pattern_length + plan->replacement_length;
    for (uint64_t j = 0; j < plan->instructions; j++) {
        mk_instruction rule;
        if (compute_rule(sampler, j, table->parts + j * width, &rule) != MK_OK)
            return MK_NO_MEMORY;
        table->hash[j] = rule.hash;
        table->undivided[j] = (uint8_t)(rule.undivided[0] | rule.undivided[1] << 1);
    }
    return MK_OK;
}

static bool table_pays(mk_plan *plan, uint64_t rows)
{
    uint64_t width = (uint64_t)plan->pattern_length + plan->replacement_length + 9;
    if (plan->order == MK_ORDER_OWN || plan->instructions > TABLE_RULES || plan->instructions * width > TABLE_BYTES)
        return false;
    uint64_t before = atomic_fetch_add(&plan->drawn, rows);
    return (before + rows) / 2 >= plan->instructions && !atomic_load(&plan->table);
}

mk_status mk_plan_expect(mk_plan *plan, uint64_t rows)
{
    if (!table_pays(plan, rows))
        return MK_OK;
    mk_sampler sampler;
    if (mk_sampler_open(&sampler, plan, false) != MK_OK)
        return MK_NO_MEMORY;
    mk_rule_table *table = table_open(plan), *none = NULL;
    mk_status status = table ? fill_table(&sampler, table) : MK_NO_MEMORY;
    mk_sampler_close(&sampler);
    if (status != MK_OK || !atomic_compare_exchange_strong(&plan->table, &none, table))
        table_close(table);
    return status;
}

/* The sampler. */

mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, bool sequential)
{
    *sampler = (mk_sampler){.plan = plan, .sequential = sequential, .block = UINT64_MAX};
    sampler->parts = mk_malloc((size_t)plan->pattern_length + plan->replacement_length + MK_READ_SLACK);
    sampler->word = mk_malloc((size_t)plan->longest + MK_READ_SLACK);
    bool opened = sampler->parts && sampler->word;
    if (opened && plan->pattern_length)
        opened = mk_exact_open(&sampler->exact, plan->letters, plan->pattern_length, plan->occurrences,
                               plan->longest) == MK_OK;
    if (!opened)
        mk_sampler_close(sampler);
    return opened ? MK_OK : MK_NO_MEMORY;
}

void mk_sampler_close(mk_sampler *sampler)
{
    mk_permutation_close(&sampler->no_op);
    mk_permutation_close(&sampler->popularity);
    mk_free(sampler->parts);
    mk_free(sampler->word);
    mk_exact_close(&sampler->exact);
    *sampler = (mk_sampler){0};
}

static void reopen(const mk_sampler *sampler, mk_permutation *permutation, uint64_t axis, uint64_t id, uint64_t size)
{
    const mk_plan *plan = sampler->plan;
    mk_permutation_open(permutation, mk_philox_subkey(plan->key, size, id, plan->split, axis), size);
    if (sampler->sequential)
        (void)mk_permutation_tabulate(permutation); /* without memory for the table it is only slower */
}

static bool draw_no_op(mk_sampler *sampler, uint64_t index)
{
    const mk_plan *plan = sampler->plan;
    if (plan->no_op_numerator == 0)
        return false;
    uint64_t block = index / MK_BLOCK_EXAMPLES, start = block * MK_BLOCK_EXAMPLES;
    if (block != sampler->block) {
        uint64_t left = plan->size - start, rows = left < MK_BLOCK_EXAMPLES ? left : MK_BLOCK_EXAMPLES;
        sampler->block_no_ops = mk_plan_no_ops(plan, start + rows) - mk_plan_no_ops(plan, start);
        reopen(sampler, &sampler->no_op, MK_AXIS_NO_OP, block, rows);
        sampler->block = block;
    }
    return mk_permutation_at(&sampler->no_op, index - start) < sampler->block_no_ops;
}

static uint64_t draw_instruction(mk_sampler *sampler, uint64_t index)
{
    const mk_plan *plan = sampler->plan;
    if (plan->order == MK_ORDER_OWN)
        return index;
    if (plan->order == MK_ORDER_CYCLE)
        return index % plan->instructions;
    if (index < sampler->run || index - sampler->run >= sampler->run_length) {
        uint64_t run = index / plan->instructions;
        reopen(sampler, &sampler->popularity, MK_AXIS_POPULARITY, run, plan->instructions);
        sampler->run = run * plan->instructions;
        sampler->run_length = plan->instructions;
    }
    return mk_permutation_at(&sampler->popularity, index - sampler->run);
}

static uint32_t draw_length(const mk_plan *plan, mk_draws *draws, uint32_t shortest)
{
    if (shortest < plan->shortest)
        shortest = plan->shortest;
    return shortest + (uint32_t)mk_draws_below(draws, (uint64_t)plan->longest - shortest + 1);
}

static mk_status draw_without(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    example->length = draw_length(plan, draws, 0);
    (void)mk_draws_word(draws); /* the start's place in the stream */
    for (int refusals = 0; refusals < MK_REFUSALS; refusals++) {
        mk_draws_letters(draws, &plan->alphabet, sampler->word, example->length);
        if (mk_search(&example->needle, sampler->word, example->length, 0) == MK_NOWHERE)
            return MK_OK;
    }
    return mk_exact_avoid(&sampler->exact, draws, sampler->word, example->length);
}

/* Plants the pattern between free letters.  Whether the word then has the property. */
static bool plant(mk_sampler *sampler, mk_draws *draws, const mk_needle *needle, size_t length, size_t start)
{
    const mk_plan *plan = sampler->plan;
    uint8_t *word = sampler->word;
    size_t after = start + plan->pattern_length;
    mk_draws_letters(draws, &plan->alphabet, word, length - plan->pattern_length);
    memmove(word + after, word + start, length - after);
    memcpy(word + start, needle->bytes, needle->length);
    if (mk_search(needle, word, length, 0) != start)
        return false;
    return plan->occurrences == 0 || mk_search(needle, word, length, start + 1) == MK_NOWHERE;
}

static mk_status draw_exactly(mk_sampler *sampler, mk_draws *draws, const mk_example *example, uint32_t start)
{
    const mk_plan *plan = sampler->plan;
    uint32_t after = start + plan->pattern_length;
    if (mk_exact_before(&sampler->exact, draws, sampler->word, start) != MK_OK)
        return MK_NO_MEMORY;
    memcpy(sampler->word + start, example->rule.pattern, plan->pattern_length);
    if (plan->occurrences)
        return mk_exact_after(&sampler->exact, draws, sampler->word + after, example->length - after,
                              plan->occurrences - 1);
    mk_draws_letters(draws, &plan->alphabet, sampler->word + after, example->length - after);
    return MK_OK;
}

static mk_status draw_with(mk_sampler *sampler, mk_draws *draws, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    uint32_t span = plan->pattern_length;
    if (plan->occurrences > 1)
        span += (plan->occurrences - 1) * mk_exact_period(&sampler->exact);
    example->length = draw_length(plan, draws, span);
    /* The empty pattern occurs first at the very beginning. */
    uint32_t starts = plan->pattern_length ? example->length - span + 1 : 1;
    uint32_t start = (uint32_t)mk_draws_below(draws, starts);
    for (int refusals = 0; plan->occurrences < 2 && refusals < MK_REFUSALS; refusals++)
        if (plant(sampler, draws, &example->needle, example->length, start))
            return MK_OK;
    return draw_exactly(sampler, draws, example, start);
}

/* Draws words until one is of the split's class. */
static mk_status draw_word(mk_sampler *sampler, mk_example *example)
{
    const mk_plan *plan = sampler->plan;
    bool divided = plan->words != MK_WORDS_ANY && !example->rule.undivided[example->no_op];
    if (plan->pattern_length)
        mk_exact_pattern(&sampler->exact, example->rule.pattern);
    example->word = sampler->word;
    example->needle = mk_needle_make(example->rule.pattern, plan->pattern_length);
    for (uint64_t attempt = 0; attempt < MK_ATTEMPTS; attempt++) {
        mk_draws draws;
        mk_draws_open(&draws, plan->key, plan->split, example->index, attempt);
        mk_status status = (example->no_op ? draw_without : draw_with)(sampler, &draws, example);
        if (status != MK_OK || !divided)
            return status;
        if (is_for_seen(plan, example) == (plan->words == MK_WORDS_SEEN))
            return MK_OK;
    }
    return MK_INVALID;
}

mk_status mk_sampler_draw(mk_sampler *sampler, uint64_t index, mk_example *example)
{
    example->index = index;
    example->no_op = draw_no_op(sampler, index);
    example->number = draw_instruction(sampler, index);
    mk_status status = mk_sampler_rule(sampler, example->number, &example->rule);
    return status == MK_OK ? draw_word(sampler, example) : status;
}
