/* The answers of tasks against a plain run, every reading of a scheme, and proofs of termination against the test that
 * a proof is; and with every allocation failing once. */
#include "cascade.h"
#include "certify.h"
#include "check.h"
#include "oracle.h"
#include "task.h"

enum { LETTERS = 2, LONGEST = 6, RULES = 3, SIDE = 3 };

/* A plan that only says what mk_task_ functions read. */
static mk_plan make_plan(uint32_t rules, uint32_t letters, uint64_t max_steps, size_t max_length)
{
    mk_plan plan = {.per_example = rules, .letters = letters, .longest = LONGEST, .widest_replacement = 2 * SIDE};
    plan.task = (mk_task_options){.kind = MK_TASK_RUN, .max_steps = max_steps, .max_length = max_length, .traced = true};
    plan.output_letters = (max_length > LONGEST ? max_length : LONGEST) + plan.widest_replacement;
    return plan;
}

/* A rule set whose sides are blocks of exactly their length. */
typedef struct {
    mk_example_rule rules[RULES];
    oracle_rule plain[RULES];
    mk_needle needles[RULES];
    uint8_t *sides[2 * RULES];
    uint32_t count;
} rule_set;

static uint8_t *random_side(uint64_t *seed, uint32_t letters, uint32_t length)
{
    uint8_t *side = malloc((size_t)length + MK_READ_SLACK);
    for (uint32_t i = 0; i < length; i++)
        side[i] = (uint8_t)random_below(seed, letters);
    return side;
}

static rule_set random_rules(uint64_t *seed, uint32_t count, uint32_t letters, uint32_t widest)
{
    rule_set set = {.count = count};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t m = (uint32_t)random_below(seed, SIDE + 1), r = (uint32_t)random_below(seed, widest + 1);
        uint8_t *pattern = set.sides[2 * i] = random_side(seed, letters, m);
        uint8_t *replacement = set.sides[2 * i + 1] = random_side(seed, letters, r);
        bool terminal = random_below(seed, 6) == 0;
        set.rules[i] = (mk_example_rule){pattern, replacement, m, r, terminal};
        set.plain[i] = (oracle_rule){pattern, replacement, m, r, terminal};
        set.needles[i] = mk_needle_make(pattern, m);
    }
    return set;
}

static void free_rules(rule_set *set)
{
    for (uint32_t i = 0; i < 2 * set->count; i++)
        free(set->sides[i]);
}

/* Runs. */

static void check_step(const mk_example *example, size_t step, mk_match next, const oracle *expected)
{
    const mk_example_step *made = &example->trace[step];
    CHECK(made->rule == next.rule && made->position == (int64_t)next.position);
    CHECK(made->length == expected->word.length);
    CHECK(memcmp(made->word, expected->word.bytes, expected->word.length) == 0);
    if (step == 0)
        CHECK(example->rule == (int32_t)next.rule && example->position == (int64_t)next.position);
}

static void check_run(const mk_plan *plan, mk_work *work, const rule_set *set, uint8_t *word, size_t length)
{
    mk_example example = {.rules = set->rules, .rule_count = set->count, .word = word, .length = length};
    mk_options options = {(int64_t)plan->task.max_steps, (int64_t)plan->task.max_length, MK_MARKOV, false, MK_AUTO};
    oracle expected = oracle_open(set->plain, set->count, (oracle_word){word, length}, &options);
    mk_meter meter = mk_meter_make((mk_poll){NULL, NULL});
    CHECK(mk_task_run(plan, work, set->needles, plan->task.max_steps, &meter, &example) == MK_OK);
    CHECK(example.trace_count == example.steps);
    mk_match next;
    size_t step = 0;
    while (oracle_look(&expected, &next)) {
        oracle_apply(&expected, next);
        if (step < example.trace_count)
            check_step(&example, step, next, &expected);
        step++;
    }
    CHECK(example.steps == step && example.outcome == expected.outcome);
    CHECK(example.output_length == expected.word.length);
    CHECK(memcmp(example.output, expected.word.bytes, expected.word.length) == 0);
    if (step == 0)
        CHECK(example.rule == -1 && example.position == -1);
    oracle_close(&expected);
}

/* All words of up to four letters, and random longer ones, under limits that end some runs. */
static void runs(void)
{
    uint64_t seed = 1;
    for (int i = 0; i < 1500; i++) {
        rule_set set = random_rules(&seed, 1 + (uint32_t)random_below(&seed, RULES), LETTERS, 2 * SIDE);
        mk_plan plan = make_plan(set.count, LETTERS, random_below(&seed, 9), random_below(&seed, 14));
        mk_work work;
        CHECK(mk_work_open(&work, &plan) == MK_OK);
        for (size_t length = 0; length <= LONGEST; length++)
            for (size_t bits = 0; bits < (size_t)1 << length; bits++) {
                uint8_t *word = malloc(length + MK_READ_SLACK);
                for (size_t k = 0; k < length; k++)
                    word[k] = bits >> k & 1;
                check_run(&plan, &work, &set, word, length);
                free(word);
            }
        mk_work_close(&work);
        free_rules(&set);
    }
}

/* Schemes: letters 0 and 1, variables 2 and 3. */

enum { VARIABLES = 2 };

/* Whether the pattern, its variables replaced by the letters of `bits`, stands at the start. */
static bool stands_at(const mk_example_rule *rule, unsigned bits, const uint8_t *word)
{
    for (uint32_t i = 0; i < rule->pattern_length; i++) {
        uint8_t letter = rule->pattern[i];
        if (word[i] != (letter < LETTERS ? letter : bits >> (letter - LETTERS) & 1))
            return false;
    }
    return true;
}

static size_t first_reading(const mk_example_rule *rule, const uint8_t *word, size_t length, size_t from, unsigned *bits)
{
    for (size_t at = from; at + rule->pattern_length <= length; at++)
        for (*bits = 0; *bits < 1u << VARIABLES; ++*bits)
            if (stands_at(rule, *bits, word + at))
                return at;
    return MK_NOWHERE;
}

static void check_scheme(const mk_plan *plan, mk_work *work, const rule_set *set, uint8_t *word, size_t length)
{
    const mk_example_rule *rule = &set->rules[0];
    mk_example example = {.rules = rule, .rule_count = 1, .word = word, .length = length};
    uint8_t binding[256];
    unsigned bits;
    for (size_t from = 0; from <= length + 1; from++)
        CHECK(mk_scheme_match(rule, LETTERS, word, length, from, binding) ==
              first_reading(rule, word, length, from, &bits));
    size_t at = first_reading(rule, word, length, 0, &bits);
    CHECK(mk_task_scheme(plan, work, &example) == MK_OK);
    CHECK(example.position == (at == MK_NOWHERE ? -1 : (int64_t)at));
    if (at == MK_NOWHERE) {
        CHECK(example.output == word && example.output_length == length);
        return;
    }
    CHECK(example.output_length == length - rule->pattern_length + rule->replacement_length);
    for (uint32_t i = 0; i < rule->replacement_length; i++) {
        uint8_t letter = rule->replacement[i];
        CHECK(example.output[at + i] == (letter < LETTERS ? letter : bits >> (letter - LETTERS) & 1));
    }
    CHECK(memcmp(example.output, word, at) == 0);
    CHECK(memcmp(example.output + at + rule->replacement_length, word + at + rule->pattern_length,
                 length - at - rule->pattern_length) == 0);
}

/* Whether the replacement has only variables that the pattern has. */
static bool is_bound(const mk_example_rule *rule)
{
    for (uint32_t i = 0; i < rule->replacement_length; i++)
        if (rule->replacement[i] >= LETTERS && !memchr(rule->pattern, rule->replacement[i], rule->pattern_length))
            return false;
    return true;
}

static void schemes(void)
{
    uint64_t seed = 2;
    for (int i = 0; i < 3000; i++) {
        rule_set set = random_rules(&seed, 1, LETTERS + VARIABLES, SIDE);
        mk_plan plan = make_plan(1, LETTERS, 1, LONGEST);
        mk_work work;
        CHECK(mk_work_open(&work, &plan) == MK_OK);
        for (int k = 0; k < 40 && is_bound(&set.rules[0]); k++) {
            size_t length = random_below(&seed, LONGEST + 1);
            uint8_t *word = random_side(&seed, LETTERS, (uint32_t)length);
            check_scheme(&plan, &work, &set, word, length);
            free(word);
        }
        mk_work_close(&work);
        free_rules(&set);
    }
}

/* Certificates. */

static int compare_letters(const mk_certificate *certificate, uint8_t a, uint8_t b)
{
    return (int)certificate->value[b] - (int)certificate->value[a]; /* the greatest letter has rank 0 */
}

static int64_t weight(const mk_certificate *certificate, const uint8_t *letters, uint32_t length)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += certificate->value[letters[i]];
    return sum;
}

/* Whether the rule makes every word smaller, by the definition of either order. */
static bool goes_down(const mk_certificate *certificate, const mk_example_rule *rule)
{
    if (certificate->kind == MK_CERTIFICATE_WEIGHTS)
        return weight(certificate, rule->pattern, rule->pattern_length) >
               weight(certificate, rule->replacement, rule->replacement_length);
    if (rule->pattern_length != rule->replacement_length)
        return rule->pattern_length > rule->replacement_length;
    int order = 0;
    for (uint32_t i = 0; i < rule->pattern_length && order == 0; i++)
        order = compare_letters(certificate, rule->pattern[i], rule->replacement[i]);
    return order > 0;
}

/* A proof says that no run of live rules is endless; that the words of some end is looked at, too. */
static void check_end(const rule_set *set, uint64_t *seed, uint32_t letters)
{
    size_t length = random_below(seed, 9);
    uint8_t *word = random_side(seed, letters, (uint32_t)length);
    mk_options options = {20000, MK_NO_LIMIT, MK_MARKOV, false, MK_AUTO};
    oracle run = oracle_open(set->plain, set->count, (oracle_word){word, length}, &options);
    mk_match next;
    while (oracle_look(&run, &next))
        oracle_apply(&run, next);
    CHECK(run.outcome == MK_NO_RULE_APPLIES || run.outcome == MK_TERMINAL_RULE);
    oracle_close(&run);
    free(word);
}

static void check_spoilt(const rule_set *set, const mk_certificate *certificate, uint32_t letters, uint64_t *seed)
{
    mk_certificate spoilt = *certificate;
    size_t a = random_below(seed, letters), b = random_below(seed, letters);
    uint16_t kept = spoilt.value[a];
    spoilt.value[a] = spoilt.value[b];
    spoilt.value[b] = kept;
    bool all = true;
    for (uint32_t i = 0; i < set->count; i++)
        all = all && (set->rules[i].terminal || goes_down(&spoilt, &set->rules[i]));
    CHECK(mk_certificate_holds(&spoilt, set->rules, set->count, letters) == all);
    if (spoilt.kind == MK_CERTIFICATE_ORDER) {
        spoilt.value[0] = spoilt.value[letters - 1];
        CHECK(!mk_certificate_holds(&spoilt, set->rules, set->count, letters));
    }
    spoilt.kind = MK_CERTIFICATE_NONE;
    bool live = false;
    for (uint32_t i = 0; i < set->count; i++)
        live = live || !set->rules[i].terminal;
    CHECK(mk_certificate_holds(&spoilt, set->rules, set->count, letters) == !live);
}

/* The search for weights without its short cuts: every correction, to the 2000th. */
static bool plain_weights(const rule_set *set, uint32_t letters, uint16_t *weight)
{
    for (uint32_t i = 0; i < letters; i++)
        weight[i] = 1;
    for (int corrections = 0, before = -1; corrections < 2000;) {
        if (before == corrections)
            return true;
        before = corrections;
        for (uint32_t k = 0; k < set->count; k++) {
            const mk_example_rule *rule = &set->rules[k];
            int64_t sum = 0;
            for (uint32_t i = 0; i < rule->pattern_length; i++)
                sum += weight[rule->pattern[i]];
            for (uint32_t i = 0; i < rule->replacement_length; i++)
                sum -= weight[rule->replacement[i]];
            if (rule->terminal || sum > 0)
                continue;
            for (uint32_t i = 0; i < rule->pattern_length; i++)
                if (weight[rule->pattern[i]] < 10000)
                    weight[rule->pattern[i]]++;
            for (uint32_t i = 0; i < rule->replacement_length; i++)
                if (weight[rule->replacement[i]] > 0)
                    weight[rule->replacement[i]]--;
            corrections++;
        }
    }
    return false;
}

static void check_search(const rule_set *set, const mk_certificate *certificate, uint32_t letters)
{
    uint16_t weight[256];
    bool found = plain_weights(set, letters, weight);
    CHECK(found || certificate->kind != MK_CERTIFICATE_WEIGHTS);
    CHECK(!found || certificate->kind != MK_CERTIFICATE_NONE);
    if (certificate->kind == MK_CERTIFICATE_WEIGHTS)
        CHECK(memcmp(weight, certificate->value, letters * sizeof *weight) == 0);
}

static void certificates(void)
{
    uint64_t seed = 3;
    int found[3] = {0};
    for (int i = 0; i < 40000; i++) {
        uint32_t letters = i % 50 ? 2 + (uint32_t)random_below(&seed, 4) : 256;
        rule_set set = random_rules(&seed, 1 + (uint32_t)random_below(&seed, RULES), letters, SIDE + 1);
        mk_certificate certificate;
        bool proved = mk_certify(set.rules, set.count, letters, &certificate);
        CHECK(proved == (certificate.kind != MK_CERTIFICATE_NONE));
        found[certificate.kind]++;
        check_search(&set, &certificate, letters);
        if (proved) {
            CHECK(mk_certificate_holds(&certificate, set.rules, set.count, letters));
            for (uint32_t k = 0; k < set.count; k++)
                CHECK(set.rules[k].terminal || goes_down(&certificate, &set.rules[k]));
            check_end(&set, &seed, letters);
            check_spoilt(&set, &certificate, letters, &seed);
        }
        free_rules(&set);
    }
    CHECK(found[MK_CERTIFICATE_NONE] > 1000 && found[MK_CERTIFICATE_ORDER] > 1000 && found[MK_CERTIFICATE_WEIGHTS] > 500);
    printf("%d rule sets proved by an order, %d by weights\n", found[MK_CERTIFICATE_ORDER],
           found[MK_CERTIFICATE_WEIGHTS]);
}

/* Cascades. */

static bool holds(const mk_example_rule *a, const mk_example_rule *b)
{
    for (uint32_t at = 0; at + b->pattern_length <= a->replacement_length; at++)
        if (b->pattern_length && memcmp(a->replacement + at, b->pattern, b->pattern_length) == 0)
            return true;
    return false;
}

static void cascades(void)
{
    uint64_t seed = 4;
    for (int i = 0; i < 20000; i++) {
        rule_set set = random_rules(&seed, 1 + (uint32_t)random_below(&seed, RULES), 4, SIDE);
        bool expected = false;
        for (uint32_t a = 0; a < set.count; a++)
            for (uint32_t b = 0; b < set.count; b++)
                expected = expected || (a != b && holds(&set.rules[a], &set.rules[b]));
        CHECK(mk_cascade_exists(set.rules, set.count) == expected);
        free_rules(&set);
    }
}

/* Ciphers. */

static void ciphers(void)
{
    uint64_t seed = 5;
    for (int i = 0; i < 3000; i++) {
        uint32_t letters = i % 20 ? 2 + (uint32_t)random_below(&seed, 6) : 256;
        rule_set set = random_rules(&seed, 1, letters, SIDE);
        mk_plan plan = make_plan(1, letters, 1, LONGEST);
        plan.task.cipher_place = i % 2 ? MK_CIPHER_REPLACEMENT : MK_CIPHER_WORD;
        mk_work work;
        CHECK(mk_work_open(&work, &plan) == MK_OK);
        size_t length = random_below(&seed, LONGEST + 1);
        uint8_t *word = random_side(&seed, letters, (uint32_t)length), plain[2 * LONGEST];
        mk_example example = {.rules = set.rules, .rule_count = 1, .word = word, .length = length};
        example.key.kind = i % 3 ? MK_KEY_SHIFT : MK_KEY_SUBSTITUTION;
        example.key.shift = 1 + (uint32_t)random_below(&seed, letters - 1);
        for (uint32_t k = 0; k < letters; k++)
            example.key.letter[k] = (uint8_t)((k + example.key.shift) % letters);
        CHECK(mk_task_rewrite(&plan, &work, set.needles, &example) == MK_OK);
        memcpy(plain, example.output, example.output_length);
        mk_task_encipher(&plan, &work, &example);
        int64_t first = 0, last = (int64_t)example.output_length;
        if (i % 2) {
            first = example.position;
            last = example.rule < 0 ? first : first + set.rules[0].replacement_length;
        }
        for (int64_t k = 0; k < (int64_t)example.output_length; k++) {
            uint32_t letter = plain[k];
            bool inside = k >= first && k < last;
            CHECK(example.output[k] == (inside ? (letter + example.key.shift) % letters : letter));
        }
        free(word);
        mk_work_close(&work);
        free_rules(&set);
    }
}

/* Every allocation of a long trace fails once; a run that failed is simply made again. */

static void failing_allocations(void)
{
    enum { LETTERS_OF_WORD = 100 };
    uint8_t pattern[2 + MK_READ_SLACK] = {0, 1}, replacement[2 + MK_READ_SLACK] = {1, 0};
    uint8_t word[LETTERS_OF_WORD + MK_READ_SLACK];
    mk_example_rule rule = {pattern, replacement, 2, 2, false};
    mk_needle needle = mk_needle_make(pattern, 2);
    for (size_t i = 0; i < LETTERS_OF_WORD; i++)
        word[i] = i >= LETTERS_OF_WORD / 2;
    mk_plan plan = make_plan(1, LETTERS, 10000, LETTERS_OF_WORD);
    mk_work work;
    mk_meter meter = mk_meter_make((mk_poll){NULL, NULL});
    CHECK(mk_work_open(&work, &plan) == MK_OK);
    int failed = 0;
    for (mk_status status = MK_NO_MEMORY; status != MK_OK;) {
        mk_example example = {.rules = &rule, .rule_count = 1, .word = word, .length = LETTERS_OF_WORD};
        mk_work_close(&work);
        mk_memory_fail_after(failed);
        status = mk_work_open(&work, &plan);
        if (status == MK_OK)
            status = mk_task_run(&plan, &work, &needle, plan.task.max_steps, &meter, &example);
        mk_memory_fail_after(-1);
        CHECK(status == MK_OK || status == MK_NO_MEMORY);
        failed += status != MK_OK;
        CHECK(status != MK_OK || (example.steps == 2500 && example.outcome == MK_NO_RULE_APPLIES));
    }
    CHECK(failed > 10);
    mk_work_close(&work);
}

int main(void)
{
    runs();
    schemes();
    certificates();
    cascades();
    ciphers();
    failing_allocations();
    return report("test_task");
}
