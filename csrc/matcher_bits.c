/* The bits matcher: plans, and words one by one.  Several words at once are in lanes.c. */
#include "matcher_bits.h"

#include <string.h>

/* The rules that can fire; SIZE_MAX if they do not suit. */
static size_t count_live(const mk_ruleset *rules)
{
    for (size_t i = 0; i < rules->count && i < MK_BITS_RULES; i++) {
        size_t length = rules->rules[i].pattern.length;
        if (length >= MK_BITS_LENGTH)
            return SIZE_MAX;
        if (length == 0)
            return i + 1;
    }
    return rules->count <= MK_BITS_RULES ? rules->count : SIZE_MAX;
}

static uint8_t kept_length(const mk_rule *rule)
{
    size_t length = rule->replacement_length;
    return (uint8_t)(length <= MK_BITS_LENGTH ? length : MK_BITS_LENGTH + 1);
}

/* Numbers letters that have none yet.  False: there are more than 255. */
static bool number_letters(mk_bits_plan *plan, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (plan->number[bytes[i]] == 0) {
            if (plan->letters == 255)
                return false;
            plan->number[bytes[i]] = (uint8_t)++plan->letters;
        }
    return true;
}

static bool number_rules(mk_bits_plan *plan, const mk_ruleset *rules)
{
    bool enough = true;
    for (size_t i = 0; i < plan->count; i++)
        enough = enough && number_letters(plan, rules->rules[i].pattern.bytes, rules->rules[i].pattern.length);
    plan->pattern_letters = plan->letters;
    for (size_t i = 0; i < plan->count; i++)
        enough = enough && number_letters(plan, rules->rules[i].replacement, kept_length(&rules->rules[i]));
    return enough;
}

static uint8_t *translate(const mk_bits_plan *plan, const uint8_t *bytes, size_t length, uint8_t *at)
{
    for (size_t i = 0; i < length; i++)
        *at++ = plan->number[bytes[i]];
    return at;
}

/* Fills rule i, its letters at *at, which is moved behind them. */
static void plan_rule(mk_bits_plan *plan, const mk_ruleset *rules, size_t i, uint8_t **at)
{
    const mk_rule *rule = &rules->rules[i];
    mk_bits_rule *made = &plan->rules[i];
    made->terminal = rule->terminal;
    made->pattern_length = (uint8_t)rule->pattern.length;
    made->replacement_length = kept_length(rule);
    made->pattern = *at;
    *at = translate(plan, rule->pattern.bytes, rule->pattern.length, *at);
    if (rule->pattern.length == 0)
        *(*at)++ = 0;
    made->pattern_size = (uint8_t)(*at - made->pattern);
    made->replacement = *at;
    *at = translate(plan, rule->replacement, made->replacement_length, *at);
}

mk_status mk_bits_plan_make(const mk_ruleset *rules, mk_bits_plan **out)
{
    *out = NULL;
    mk_bits_plan plan = {.count = count_live(rules)};
    if (plan.count == SIZE_MAX || !number_rules(&plan, rules))
        return MK_OK;
    size_t bytes = 1;
    for (size_t i = 0; i < plan.count; i++)
        bytes += rules->rules[i].pattern.length + kept_length(&rules->rules[i]);
    mk_bits_plan *made = mk_malloc(sizeof *made + plan.count * sizeof *made->rules + bytes);
    if (!made)
        return MK_NO_MEMORY;
    *made = plan;
    made->rules = (mk_bits_rule *)(made + 1);
    uint8_t *at = (uint8_t *)(made->rules + plan.count);
    for (size_t i = 0; i < plan.count; i++)
        plan_rule(made, rules, i, &at);
    *out = made;
    return MK_OK;
}

void mk_bits_start(mk_bits *bits, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length)
{
    bits->plan = rules->bits;
    bits->strategy = strategy;
    memset(bits->masks, 0, (bits->plan->letters + 1) * sizeof *bits->masks);
    for (size_t i = 0; i < length; i++)
        bits->masks[bits->plan->number[word[i]]] |= (uint64_t)1 << i;
    bits->masks[0] = ~(uint64_t)0; /* a pattern's number 0 is any letter, or none */
}

static inline uint64_t occurrences(const mk_bits *bits, const mk_bits_rule *rule)
{
    size_t k = rule->pattern_size - 1u;
    uint64_t at = bits->masks[rule->pattern[k]];
    while (k-- > 0)
        at = bits->masks[rule->pattern[k]] & (at >> 1);
    return at;
}

static mk_answer first_markov(const mk_bits *bits, mk_match *match)
{
    for (size_t i = 0; i < bits->plan->count; i++) {
        uint64_t at = occurrences(bits, &bits->plan->rules[i]);
        if (at) {
            *match = (mk_match){i, (size_t)__builtin_ctzll(at)};
            return MK_FOUND;
        }
    }
    return MK_NONE;
}

static mk_answer first_leftmost(const mk_bits *bits, mk_match *match)
{
    size_t best = MK_BITS_LENGTH;
    for (size_t i = 0; i < bits->plan->count && best > 0; i++) {
        uint64_t at = occurrences(bits, &bits->plan->rules[i]);
        size_t position = at ? (size_t)__builtin_ctzll(at) : MK_BITS_LENGTH;
        if (position < best) {
            best = position;
            *match = (mk_match){i, position};
        }
    }
    return best < MK_BITS_LENGTH ? MK_FOUND : MK_NONE;
}

mk_answer mk_bits_first(const mk_bits *bits, mk_match *match)
{
    return bits->strategy == MK_MARKOV ? first_markov(bits, match) : first_leftmost(bits, match);
}

/* The lowest n bits, 0 <= n <= 64. */
static uint64_t low_bits(size_t n)
{
    return n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

void mk_bits_edited(mk_bits *bits, mk_match match)
{
    const mk_bits_rule *rule = &bits->plan->rules[match.rule];
    size_t removed = rule->pattern_length, inserted = rule->replacement_length;
    size_t shrinks = removed > inserted ? removed - inserted : 0;
    size_t grows = inserted > removed ? (inserted - removed) & 63 : 0; /* 64 only if nothing was there to be moved */
    uint64_t before = low_bits(match.position), behind = ~low_bits(match.position + removed);
    uint64_t *masks = bits->masks;
    for (size_t i = 1; i <= bits->plan->pattern_letters; i++)
        masks[i] = (masks[i] & before) | (masks[i] & behind) >> shrinks << grows;
    for (size_t k = 0; k < inserted; k++)
        masks[rule->replacement[k]] |= (uint64_t)1 << (match.position + k);
}
