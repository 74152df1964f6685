#include "instructions.h"

#include <stdatomic.h>
#include <string.h>

#include "cascade.h"
#include "certify.h"
#include "search.h"
#include "task.h"

#define TABLE_RULES ((uint64_t)1 << 20)
#define CACHE_LINE 64
#define TABLE_BYTES ((uint64_t)64 << 20)

/* What a candidate for a rule, and one for all rules, costs, in the letters that might be searched meanwhile. */
enum { LETTERS_PER_RULE = 2048, LETTERS_PER_CANDIDATE = 1 << 15 };

typedef struct {
    uint64_t hash;
    uint32_t stratum;
    bool undivided[2];
} facts;

/* The instructions of a plan, computed once. */
struct mk_rule_table {
    mk_example_rule *rules;
    mk_needle *needles;
    uint32_t *own_steps;             /* NULL where no numbers of steps are asked for */
    facts *facts;
    uint8_t *letters;
};

/* The exact samplers. */

mk_exact *mk_exacts_get(mk_exacts *exacts, const mk_plan *plan, uint32_t pattern_length)
{
    if (!exacts->by_length) {
        size_t count = (size_t)plan->widest_pattern + 1;
        exacts->by_length = mk_malloc(count * sizeof *exacts->by_length);
        if (!exacts->by_length)
            return NULL;
        memset(exacts->by_length, 0, count * sizeof *exacts->by_length);
        exacts->count = (uint32_t)count;
    }
    mk_exact *exact = &exacts->by_length[pattern_length];
    if (!exact->cache && mk_exact_open(exact, plan->letters, pattern_length, plan->most_occurrences, plan->longest))
        return NULL;
    return exact;
}

void mk_exacts_close(mk_exacts *exacts)
{
    for (uint32_t i = 0; i < exacts->count; i++)
        mk_exact_close(&exacts->by_length[i]);
    mk_free(exacts->by_length);
    *exacts = (mk_exacts){0};
}

/* The rules of a candidate. */

static size_t slot_letters(const mk_plan *plan)
{
    return (size_t)plan->widest_pattern + plan->widest_replacement;
}

/* Room for the letters of one more rule, the first or the second. */
static uint8_t *spare_slot(const mk_instructor *instructor, uint32_t which)
{
    return instructor->letters + (instructor->plan->per_example + which) * slot_letters(instructor->plan);
}

/* Tuple number `number` of n different rules among `pool`: the first has pool choices, the next one fewer, and so
 * on; a choice counts the rules that are not taken yet.  Where there are too many tuples to number them all, the last
 * choices are drawn. */
static void choose(mk_instructor *instructor, uint64_t number)
{
    const mk_plan *plan = instructor->plan;
    uint64_t *chosen = instructor->chosen, rest = number;
    uint64_t sorted[MK_MOST_RULES], words[MK_MOST_RULES];
    if (plan->pool_named < plan->per_example)
        mk_philox_words(plan->key, number, 0, MK_AXIS_TUPLES, words, plan->per_example - plan->pool_named);
    for (uint32_t i = 0; i < plan->per_example; i++) {
        uint64_t left = plan->pool - i, choice = rest % left;
        if (i >= plan->pool_named)
            choice = mk_multiply_high(words[i - plan->pool_named], left);
        rest /= left;
        /* The taken rules in ascending order: each that is not above the choice moves it up by one. */
        uint32_t below = 0;
        while (below < i && sorted[below] <= choice) {
            choice++;
            below++;
        }
        memmove(sorted + below + 1, sorted + below, (i - below) * sizeof *sorted);
        sorted[below] = choice;
        chosen[i] = choice;
    }
}

/* Strata take turns in an order that repeats itself, and so would the strata of the first rules, of the second ones,
 * and so on.  So rules change places within some whole periods. */
static uint64_t change_place(mk_instructor *instructor, uint64_t number)
{
    const mk_plan *plan = instructor->plan;
    if (plan->turns == 1)
        return number;
    uint64_t first = number - number % plan->turns, left = plan->rules - first;
    uint64_t count = left < plan->turns ? left : plan->turns;
    if (!instructor->turns.size || instructor->turns_first != first) {
        mk_philox_key key = mk_philox_subkey(plan->key, count, first / plan->turns, 0, MK_AXIS_TURNS);
        mk_permutation_open(&instructor->turns, key, count);
        instructor->turns_first = first;
    }
    return first + mk_permutation_at(&instructor->turns, number - first);
}

static void choose_rules(mk_instructor *instructor, uint64_t candidate)
{
    const mk_plan *plan = instructor->plan;
    if (plan->pool) {
        choose(instructor, mk_permutation_at(&instructor->tuples, plan->pool_first + candidate));
        return;
    }
    for (uint32_t i = 0; i < plan->per_example; i++)
        instructor->chosen[i] = change_place(instructor, candidate * plan->per_example + i);
}

static void take_rule(mk_instructor *instructor, uint32_t i, const mk_space_rule *rule)
{
    instructor->rules[i] = (mk_example_rule){rule->pattern, rule->replacement, rule->pattern_length,
                                             rule->replacement_length, false};
    if (i == 0)
        instructor->stratum = rule->stratum;
}

/* They are mostly asked for in the order in which they were written. */
static bool take_ahead(mk_instructor *instructor, uint32_t i, uint64_t number)
{
    for (size_t tried = 0; tried < instructor->ahead_count; tried++) {
        size_t k = instructor->ahead_next;
        instructor->ahead_next = k + 1 < instructor->ahead_count ? k + 1 : 0;
        if (instructor->ahead_numbers[k] == number) {
            take_rule(instructor, i, &instructor->ahead[k]);
            return true;
        }
    }
    return false;
}

/* Makes a candidate for rule `number` of the space the i-th rule. */
static void make_rule(mk_instructor *instructor, uint32_t i, uint64_t number, uint32_t candidate)
{
    const mk_plan *plan = instructor->plan;
    if (!candidate && take_ahead(instructor, i, number))
        return;
    uint8_t *slot = instructor->letters + i * slot_letters(plan);
    mk_space_rule rule = {.pattern = slot, .replacement = slot + plan->widest_pattern};
    mk_rule_space_at(plan->space, number, candidate, &rule);
    take_rule(instructor, i, &rule);
}

/* Writing ahead. */

size_t mk_instructor_ahead(const mk_instructor *instructor)
{
    mk_plan *plan = (mk_plan *)instructor->plan;
    if (plan->fixed || plan->variables || plan->cascades ||
        atomic_load_explicit(&plan->table, memory_order_acquire))
        return 0;
    return MK_RULES_AT_ONCE / plan->per_example;
}

/* Room for the rules written ahead, at equal distances. */
static mk_status open_ahead(mk_instructor *instructor)
{
    const mk_plan *plan = instructor->plan;
    size_t stride = slot_letters(plan);
    instructor->ahead_letters = mk_malloc(MK_RULES_AT_ONCE * stride + MK_READ_SLACK);
    if (!instructor->ahead_letters)
        return MK_NO_MEMORY;
    for (size_t k = 0; k < MK_RULES_AT_ONCE; k++) {
        instructor->ahead[k].pattern = instructor->ahead_letters + k * stride;
        instructor->ahead[k].replacement = instructor->ahead[k].pattern + plan->widest_pattern;
    }
    return MK_OK;
}

void mk_instructor_look_ahead(mk_instructor *instructor, const uint64_t *numbers, size_t count)
{
    const mk_plan *plan = instructor->plan;
    instructor->ahead_count = instructor->ahead_next = 0;
    if (!instructor->ahead_letters && open_ahead(instructor) != MK_OK)
        return; /* without memory it is only slower */
    size_t rules = 0;
    for (size_t i = 0; i < count; i++) {
        choose_rules(instructor, numbers[i] * plan->bucket);
        for (uint32_t k = 0; k < plan->per_example; k++)
            instructor->ahead_numbers[rules++] = instructor->chosen[k] * plan->rule_bucket;
    }
    mk_rule_space_many(plan->space, instructor->ahead_numbers, rules, instructor->ahead);
    instructor->ahead_count = rules;
}

/* Candidates. */

/* Variables are named in the order in which the pattern first uses them, and the replacement uses some of them.  The
 * pattern has a letter or a variable twice: else it would match everywhere. */
static bool is_scheme(const mk_plan *plan, const mk_example_rule *rule)
{
    uint32_t used = 0, in_replacement = 0;
    for (uint32_t i = 0; i < rule->pattern_length; i++) {
        if (rule->pattern[i] > plan->letters + used)
            return false;
        used += rule->pattern[i] == plan->letters + used;
    }
    for (uint32_t i = 0; i < rule->replacement_length; i++) {
        if (rule->replacement[i] >= plan->letters + used)
            return false;
        in_replacement += rule->replacement[i] >= plan->letters;
    }
    return used > 0 && used < rule->pattern_length && in_replacement > 0;
}

/* Whether a side is one of the refused space's. */
static bool is_refused(const mk_instructor *instructor, int side, const uint8_t *letters, uint32_t length)
{
    const mk_plan *plan = instructor->plan;
    return mk_rule_space_holds_other(plan->refused, side, letters, length, plan->refused_codes,
                                     spare_slot(instructor, 1));
}

static bool is_acceptable_rule(const mk_instructor *instructor, const mk_example_rule *rule)
{
    const mk_plan *plan = instructor->plan;
    if (plan->variables && !is_scheme(plan, rule))
        return false;
    return !plan->refused || !(is_refused(instructor, 0, rule->pattern, rule->pattern_length) ||
                               is_refused(instructor, 1, rule->replacement, rule->replacement_length));
}

/* Makes rule i the first acceptable one of the candidates for a rule of the space. */
static bool find_candidate_rule(mk_instructor *instructor, uint32_t i, uint64_t number)
{
    uint32_t candidates = mk_rule_space_candidates(instructor->plan->space, number);
    for (uint32_t candidate = 0; candidate < candidates; candidate++) {
        make_rule(instructor, i, number, candidate);
        if (is_acceptable_rule(instructor, &instructor->rules[i]))
            return true;
    }
    return false;
}

static bool find_rule(mk_instructor *instructor, uint32_t i)
{
    uint32_t bucket = instructor->plan->rule_bucket;
    uint64_t first = instructor->chosen[i] * bucket;
    for (uint64_t number = first; number < first + bucket; number++) {
        if (!mk_meter_spend(instructor->meter, LETTERS_PER_RULE))
            return false;
        if (find_candidate_rule(instructor, i, number))
            return true;
    }
    return false;
}

static bool find_rules(mk_instructor *instructor, uint64_t candidate)
{
    choose_rules(instructor, candidate);
    for (uint32_t i = 0; i < instructor->plan->per_example; i++)
        if (!find_rule(instructor, i))
            return false;
    return true;
}

static bool is_acceptable(const mk_instructor *instructor, uint64_t j)
{
    const mk_plan *plan = instructor->plan;
    if (plan->cascades && mk_cascade_exists(instructor->rules, plan->per_example) != mk_cascade_is_asked(plan, j))
        return false;
    mk_certificate certificate;
    return !plan->terminating || mk_certify(instructor->rules, plan->per_example, plan->letters, &certificate);
}

static void plant_cascade(mk_instructor *instructor, uint64_t candidate)
{
    const mk_plan *plan = instructor->plan;
    uint8_t *planted = spare_slot(instructor, 0);
    uint32_t changed;
    if (mk_cascade_exists(instructor->rules, plan->per_example) ||
        !mk_cascade_plan(plan, instructor->rules, candidate, planted, &changed))
        return;
    uint32_t length = instructor->rules[changed].replacement_length;
    if (!plan->refused || !is_refused(instructor, 1, planted, length))
        memcpy(instructor->letters + changed * slot_letters(plan) + plan->widest_pattern, planted, length);
}

static bool find_candidate(mk_instructor *instructor, uint64_t j)
{
    const mk_plan *plan = instructor->plan;
    bool cascade = plan->cascades && mk_cascade_is_asked(plan, j);
    for (uint64_t candidate = j * plan->bucket; candidate < (j + 1) * plan->bucket; candidate++) {
        if (!find_rules(instructor, candidate))
            continue;
        if (cascade)
            plant_cascade(instructor, candidate);
        if (plan->bucket == 1 || is_acceptable(instructor, j))
            return true;
        if (!mk_meter_spend(instructor->meter, LETTERS_PER_CANDIDATE))
            return false;
    }
    return false;
}

/* Which words are divided. */

static mk_status has_words(mk_exact *exact, const mk_plan *plan, bool no_op, bool *enough)
{
    *enough = true;
    for (uint32_t i = 0; *enough && i < (no_op ? 1 : plan->occurrence_count); i++) {
        uint32_t occurrences = no_op ? 0 : plan->occurrences[i] ? plan->occurrences[i] : 1;
        bool or_more = !no_op && !plan->occurrences[i];
        if (mk_exact_has_words(exact, plan->shortest, occurrences, or_more, MK_WORDS_TO_DIVIDE, enough) != MK_OK)
            return MK_NO_MEMORY;
    }
    return MK_OK;
}

static mk_status judge(mk_instructor *instructor, mk_instruction *instruction)
{
    const mk_plan *plan = instructor->plan;
    const mk_example_rule *rule = instruction->rules;
    instruction->undivided[0] = instruction->undivided[1] = !mk_plan_is_plain(plan) && !plan->divides;
    if (!mk_plan_is_plain(plan) || plan->words == MK_WORDS_ANY || !rule->pattern_length)
        return MK_OK;
    for (int no_op = 0; no_op < 2; no_op++) {
        if (plan->always_divided[no_op])
            continue;
        mk_exact *exact = mk_exacts_get(instructor->exacts, plan, rule->pattern_length);
        if (!exact)
            return MK_NO_MEMORY;
        bool enough;
        mk_exact_pattern(exact, rule->pattern);
        if (has_words(exact, plan, no_op, &enough) != MK_OK)
            return MK_NO_MEMORY;
        instruction->undivided[no_op] = !enough;
    }
    return MK_OK;
}

static mk_status compute(mk_instructor *instructor, uint64_t j, mk_instruction *instruction)
{
    const mk_plan *plan = instructor->plan;
    instruction->rules = plan->fixed ? plan->fixed : instructor->rules;
    instruction->needles = NULL;
    instruction->own_steps = NULL;
    if (!plan->fixed && !find_candidate(instructor, j))
        return instructor->meter->stopped ? MK_INTERRUPTED : MK_INVALID;
    instruction->stratum = plan->fixed ? 0 : instructor->stratum;
    instruction->hash =
        plan->words == MK_WORDS_ANY ? 0 : mk_plan_hash_rules(plan, instruction->rules, plan->per_example);
    return judge(instructor, instruction);
}

/* The table. */

static void read_table(const mk_plan *plan, const mk_rule_table *table, uint64_t j, mk_instruction *instruction)
{
    instruction->rules = table->rules + j * plan->per_example;
    instruction->needles = table->needles + j * plan->per_example;
    instruction->own_steps = table->own_steps ? table->own_steps + j * plan->per_example : NULL;
    const facts *known = &table->facts[j];
    instruction->stratum = known->stratum;
    instruction->hash = known->hash;
    instruction->undivided[0] = known->undivided[0];
    instruction->undivided[1] = known->undivided[1];
}

mk_status mk_instructor_get(mk_instructor *instructor, uint64_t j, mk_instruction *instruction)
{
    mk_plan *plan = (mk_plan *)instructor->plan;
    const mk_rule_table *table = atomic_load_explicit(&plan->table, memory_order_acquire);
    if (!table || j >= plan->instructions)
        return compute(instructor, j, instruction);
    read_table(plan, table, j, instruction);
    return MK_OK;
}

/* Reads a byte of each cache line.  These loads wait for nothing, hence for memory together; a prefetch would do too,
 * were it not dropped by processors that are busy with others. */
static void touch(const void *first, size_t bytes)
{
    const volatile uint8_t *byte = first;
    for (size_t at = 0; at < bytes; at += CACHE_LINE)
        (void)byte[at];
    if (bytes)
        (void)byte[bytes - 1];
}

/* The letters of an instruction's rules are packed. */
static void touch_letters(const mk_example_rule *rules, size_t count)
{
    const mk_example_rule *last = &rules[count - 1];
    touch(rules->pattern, (size_t)(last->replacement - rules->pattern) + last->replacement_length);
}

void mk_instructor_fetch(const mk_instructor *instructor, const uint64_t *numbers, size_t count)
{
    mk_plan *plan = (mk_plan *)instructor->plan;
    const mk_rule_table *table = atomic_load_explicit(&plan->table, memory_order_acquire);
    size_t rules = plan->per_example;
    if (!table)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)numbers[i];
        touch(table->rules + j * rules, rules * sizeof *table->rules);
        touch(table->needles + j * rules, rules * sizeof *table->needles);
        if (table->own_steps)
            touch(table->own_steps + j * rules, rules * sizeof *table->own_steps);
        touch(table->facts + j, 1);
    }
    for (size_t i = 0; i < count; i++)
        touch_letters(table->rules + numbers[i] * rules, rules);
}

void mk_rule_table_close(mk_rule_table *table)
{
    if (!table)
        return;
    mk_free(table->rules);
    mk_free(table->needles);
    mk_free(table->own_steps);
    mk_free(table->facts);
    mk_free(table->letters);
    mk_free(table);
}

static mk_rule_table *table_open(const mk_plan *plan)
{
    size_t instructions = (size_t)plan->instructions, rules = instructions * plan->per_example;
    bool stepped = plan->task.asked_steps != NULL;
    mk_rule_table *table = mk_malloc(sizeof *table);
    if (!table)
        return NULL;
    table->rules = mk_malloc(rules * sizeof *table->rules);
    table->needles = mk_malloc(rules * sizeof *table->needles);
    table->own_steps = stepped ? mk_malloc(rules * sizeof *table->own_steps) : NULL;
    table->facts = mk_malloc(instructions * sizeof *table->facts);
    table->letters = mk_malloc(rules * slot_letters(plan) + MK_READ_SLACK);
    if (table->rules && table->needles && table->facts && table->letters && (table->own_steps || !stepped))
        return table;
    mk_rule_table_close(table);
    return NULL;
}

/* Copies the rules at hand, packed: a replacement follows its pattern. */
static uint8_t *pack_rules(const mk_plan *plan, const mk_instruction *instruction, mk_example_rule *rules, uint8_t *to)
{
    for (uint32_t i = 0; i < plan->per_example; i++) {
        rules[i] = instruction->rules[i];
        memcpy(to, rules[i].pattern, rules[i].pattern_length);
        rules[i].pattern = to;
        to += rules[i].pattern_length;
        memcpy(to, rules[i].replacement, rules[i].replacement_length);
        rules[i].replacement = to;
        to += rules[i].replacement_length;
    }
    return to;
}

static void look_ahead_from(mk_instructor *instructor, uint64_t first, size_t most)
{
    uint64_t numbers[MK_RULES_AT_ONCE];
    size_t count = 0;
    for (; count < most && first + count < instructor->plan->instructions; count++)
        numbers[count] = first + count;
    mk_instructor_look_ahead(instructor, numbers, count);
}

/* An instruction without an acceptable candidate ends the table before it begins, for good: the example that uses it is
 * to be named, the others are served without a table. */
static mk_status fill_table(mk_instructor *instructor, mk_work *work, mk_rule_table *table)
{
    const mk_plan *plan = instructor->plan;
    uint8_t *to = table->letters;
    size_t ahead = mk_instructor_ahead(instructor);
    for (uint64_t j = 0; j < plan->instructions; j++) {
        mk_instruction instruction;
        if (ahead && j % ahead == 0)
            look_ahead_from(instructor, j, ahead);
        mk_status status = compute(instructor, j, &instruction);
        if (status != MK_OK)
            return status;
        size_t first = (size_t)j * plan->per_example;
        mk_example_rule *rules = table->rules + first;
        to = pack_rules(plan, &instruction, rules, to);
        for (uint32_t i = 0; i < plan->per_example; i++)
            table->needles[first + i] = mk_needle_make(rules[i].pattern, rules[i].pattern_length);
        if (table->own_steps)
            status = mk_task_own_steps(plan, work, table->needles + first, rules, instructor->meter,
                                       table->own_steps + first);
        if (status != MK_OK)
            return status;
        table->facts[j] = (facts){instruction.hash, instruction.stratum,
                                  {instruction.undivided[0], instruction.undivided[1]}};
    }
    return MK_OK;
}

static bool table_pays(mk_plan *plan, uint64_t rows)
{
    uint64_t rule = slot_letters(plan) + sizeof(mk_example_rule) + sizeof(mk_needle) + sizeof(uint32_t);
    uint64_t width = plan->per_example * rule + sizeof(facts);
    if (plan->order == MK_ORDER_OWN || plan->fixed || plan->instructions > TABLE_RULES ||
        plan->instructions * width > TABLE_BYTES || atomic_load(&plan->tableless))
        return false;
    uint64_t before = atomic_fetch_add(&plan->drawn, rows);
    return (before + rows) / 2 >= plan->instructions && !atomic_load(&plan->table);
}

static mk_status tabulate(mk_plan *plan, mk_instructor *instructor)
{
    mk_rule_table *table = table_open(plan), *none = NULL;
    mk_work work = {0};
    mk_status status = table ? mk_work_open(&work, plan) : MK_NO_MEMORY;
    if (status == MK_OK)
        status = fill_table(instructor, &work, table);
    mk_work_close(&work);
    if (status != MK_OK || !atomic_compare_exchange_strong(&plan->table, &none, table))
        mk_rule_table_close(table);
    return status;
}

mk_status mk_plan_expect(mk_plan *plan, uint64_t rows, mk_poll poll)
{
    if (!table_pays(plan, rows))
        return MK_OK;
    mk_exacts exacts = {0};
    mk_meter meter = mk_meter_make(poll);
    mk_instructor instructor;
    mk_status status = mk_instructor_open(&instructor, plan, &exacts, &meter);
    if (status == MK_OK)
        status = tabulate(plan, &instructor);
    mk_instructor_close(&instructor);
    mk_exacts_close(&exacts);
    if (status == MK_INTERRUPTED)
        return status;
    /* What cannot be tabulated is computed for each example, for good. */
    if (status != MK_OK)
        atomic_store(&plan->tableless, true);
    return MK_OK;
}

/* Scratch. */

mk_status mk_instructor_open(mk_instructor *instructor, const mk_plan *plan, mk_exacts *exacts, mk_meter *meter)
{
    *instructor = (mk_instructor){.plan = plan, .exacts = exacts, .meter = meter};
    if (plan->fixed)
        return MK_OK;
    instructor->rules = mk_malloc(plan->per_example * sizeof *instructor->rules);
    instructor->chosen = mk_malloc(plan->per_example * sizeof *instructor->chosen);
    instructor->letters = mk_malloc((plan->per_example + 2) * slot_letters(plan) + MK_READ_SLACK);
    if (!instructor->rules || !instructor->chosen || !instructor->letters)
        return MK_NO_MEMORY;
    if (plan->pool) {
        mk_philox_key key = mk_philox_subkey(plan->key, plan->pool_tuples, plan->per_example, 0, MK_AXIS_TUPLES);
        mk_permutation_open(&instructor->tuples, key, plan->pool_tuples);
    }
    return MK_OK;
}

void mk_instructor_close(mk_instructor *instructor)
{
    mk_permutation_close(&instructor->tuples);
    mk_permutation_close(&instructor->turns);
    mk_free(instructor->rules);
    mk_free(instructor->chosen);
    mk_free(instructor->letters);
    mk_free(instructor->ahead_letters);
    *instructor = (mk_instructor){0};
}
