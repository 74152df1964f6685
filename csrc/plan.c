#include "plan.h"

#include <stdatomic.h>
#include <string.h>

#include "instructions.h"

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

uint64_t mk_plan_hash_rules(const mk_plan *plan, const mk_example_rule *rules, size_t count)
{
    uint64_t hash = plan->hash_start;
    for (size_t i = 0; i < count; i++)
        hash += hash_letters(plan->hash_keys[2 * i], rules[i].pattern, rules[i].pattern_length) +
                hash_letters(plan->hash_keys[2 * i + 1], rules[i].replacement, rules[i].replacement_length);
    return hash;
}

/* One word in sixteen is for `seen`. */
bool mk_plan_is_for_seen(const mk_plan *plan, uint64_t rules_hash, const uint8_t *word, size_t length)
{
    return (rules_hash + hash_letters(plan->hash_keys[2 * plan->per_example], word, length)) >> 60 == 0;
}

/* The stream's number of a part: 0, 1 and 2 are the first rule's sides and the word, 3 is the start, and the further
 * rules' sides follow. */
static uint64_t hash_part(const mk_plan *plan, uint32_t i)
{
    return i < 2 ? i : i == 2 * plan->per_example ? 2 : i + 2;
}

static mk_status open_hash(mk_plan *plan)
{
    uint32_t parts = 2 * plan->per_example + 1;
    plan->hash_keys = mk_malloc(parts * sizeof *plan->hash_keys);
    if (!plan->hash_keys)
        return MK_NO_MEMORY;
    memset(plan->hash_keys, 0, parts * sizeof *plan->hash_keys);
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t longest = i + 1 == parts ? plan->longest : i % 2 ? plan->widest_replacement : plan->widest_pattern;
        plan->hash_keys[i] = mk_malloc(hash_words(longest) * sizeof(uint64_t));
        if (!plan->hash_keys[i])
            return MK_NO_MEMORY;
        mk_philox_words(plan->key, hash_part(plan, i), 0, MK_AXIS_SEEN, plan->hash_keys[i], hash_words(longest));
    }
    plan->hash_start = mk_philox(plan->key, 0, 3, 0, MK_AXIS_SEEN).word[0];
    return MK_OK;
}

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
    int64_t free_letters = (int64_t)plan->longest - (int64_t)plan->widest_pattern;
    if (plan->most_occurrences)
        free_letters = (int64_t)plan->longest - (int64_t)plan->most_occurrences * plan->widest_pattern;
    plan->always_divided[0] = is_enough(plan->letters - (plan->most_occurrences ? 1 : 0), free_letters);
    plan->always_divided[1] = is_enough(plan->letters - 1, plan->longest);
}

static void measure(mk_plan *plan)
{
    if (plan->fixed) {
        plan->widest_pattern = plan->widest_replacement = 0;
        for (uint32_t i = 0; i < plan->per_example; i++) {
            const mk_example_rule *rule = &plan->fixed[i];
            if (rule->pattern_length > plan->widest_pattern)
                plan->widest_pattern = rule->pattern_length;
            if (rule->replacement_length > plan->widest_replacement)
                plan->widest_replacement = rule->replacement_length;
        }
    } else {
        plan->widest_pattern = mk_rule_space_widest(plan->space, 0);
        plan->widest_replacement = mk_rule_space_widest(plan->space, 1);
    }
    plan->most_occurrences = 0;
    for (uint32_t i = 0; i < plan->occurrence_count; i++)
        if (plan->occurrences[i] > plan->most_occurrences)
            plan->most_occurrences = plan->occurrences[i];
    plan->output_letters = (size_t)plan->longest + plan->widest_replacement;
    if (plan->task.kind == MK_TASK_RUN && plan->task.max_length + plan->widest_replacement > plan->output_letters)
        plan->output_letters = plan->task.max_length + plan->widest_replacement;
}

mk_status mk_plan_open(mk_plan *plan)
{
    atomic_init(&plan->table, NULL);
    atomic_init(&plan->tableless, false);
    atomic_init(&plan->drawn, 0);
    plan->alphabet = mk_alphabet_make(plan->letters);
    measure(plan);
    mk_status status = open_hash(plan);
    if (status != MK_OK)
        mk_plan_close(plan);
    else
        bound_words(plan);
    return status;
}

void mk_plan_close(mk_plan *plan)
{
    for (uint32_t i = 0; plan->hash_keys && i < 2 * plan->per_example + 1; i++)
        mk_free(plan->hash_keys[i]);
    mk_free(plan->hash_keys);
    plan->hash_keys = NULL;
    mk_rule_table_close(atomic_exchange(&plan->table, NULL));
}

/* Rounding is half up, in whole numbers. */
uint64_t mk_share_before(mk_share_of share, uint64_t end)
{
    mk_u128 denominator = share.denominator;
    return (uint64_t)((2 * (mk_u128)share.numerator * end + denominator) / (2 * denominator));
}
