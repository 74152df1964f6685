#include "cascade.h"

#include <string.h>

#include "search.h"

#define TRIES 64

bool mk_cascade_exists(const mk_example_rule *rules, uint32_t count)
{
    for (uint32_t b = 0; b < count; b++) {
        if (rules[b].pattern_length == 0)
            continue;
        mk_needle needle = mk_needle_make(rules[b].pattern, rules[b].pattern_length);
        for (uint32_t a = 0; a < count; a++)
            if (a != b && mk_search(&needle, rules[a].replacement, rules[a].replacement_length, 0) != MK_NOWHERE)
                return true;
    }
    return false;
}

/* Bresenham's line. */
bool mk_cascade_is_asked(const mk_plan *plan, uint64_t j)
{
    return mk_share_before(plan->cascade, j + 1) != mk_share_before(plan->cascade, j);
}

/* Training and held-out rules stay apart, because a replacement that is not one of the plan's space is refused. */
static bool try_place(const mk_plan *plan, const mk_example_rule *rules, const uint64_t words[3], uint8_t *replacement,
                      uint32_t *changed)
{
    uint32_t n = plan->per_example;
    uint32_t a = (uint32_t)mk_multiply_high(words[0], n), b = (uint32_t)mk_multiply_high(words[1], n - 1);
    b += b >= a;
    const mk_example_rule *rule = &rules[a], *next = &rules[b];
    if (next->pattern_length == 0 || next->pattern_length > rule->replacement_length)
        return false;
    uint64_t at = mk_multiply_high(words[2], (uint64_t)rule->replacement_length - next->pattern_length + 1);
    memcpy(replacement, rule->replacement, rule->replacement_length);
    memcpy(replacement + at, next->pattern, next->pattern_length);
    *changed = a;
    bool changes = rule->pattern_length != rule->replacement_length ||
                   memcmp(rule->pattern, replacement, rule->pattern_length) != 0;
    return changes && mk_rule_space_holds(plan->space, 1, replacement, rule->replacement_length);
}

bool mk_cascade_plan(const mk_plan *plan, const mk_example_rule *rules, uint64_t candidate, uint8_t *replacement,
                     uint32_t *changed)
{
    for (uint64_t attempt = 0; attempt < TRIES; attempt++) {
        mk_philox_block block = mk_philox(plan->key, attempt, candidate, 0, MK_AXIS_CASCADE);
        if (try_place(plan, rules, block.word, replacement, changed))
            return true;
    }
    return false;
}
