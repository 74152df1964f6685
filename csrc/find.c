/* Questions about a rule set and one word, outside of a run. */
#include "matcher_scan.h"

enum { WORK_PER_LETTER = 64, WORK_PER_PATTERN_BYTE = 1500 };

enum { LETTERS_PER_MATCH = 64 }; /* a match costs something even where no letter is read, so that all of them poll */

/* Reads the word off with the automaton, from right to left: one pass, however many rules there are. */
static mk_status read_off(const mk_automaton *a, mk_strategy strategy, const uint8_t *word, size_t length,
                          mk_meter *meter, bool *found, mk_match *match)
{
    uint32_t state = a->root, limit = a->matching;
    *found = false;
    for (size_t i = length; i-- > 0;) {
        state = mk_automaton_next(a, state, word[i]);
        if (state < limit) {
            *found = true;
            *match = (mk_match){a->rule[state], i};
            limit = strategy == MK_MARKOV ? a->bound[state] : limit;
        }
        if ((i & 0xffff) == 0 && !mk_meter_spend(meter, 0x10000))
            return MK_INTERRUPTED;
    }
    bool at_start = *found && match->position == 0;
    if (a->empty_rule != MK_NO_RULE && (strategy == MK_MARKOV ? !*found : !at_start)) {
        *found = true;
        *match = (mk_match){a->empty_rule, 0};
    }
    return MK_OK;
}

/* Searches for rule after rule, until that was as much work as reading off. */
mk_status mk_ruleset_find(const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length,
                          mk_poll poll, bool *found, mk_match *match)
{
    mk_scan scan = {0};
    mk_meter meter = mk_meter_make(poll);
    uint64_t budget = WORK_PER_LETTER * (uint64_t)length;
    if (!mk_ruleset_has_automaton(rules))
        budget += WORK_PER_PATTERN_BYTE * (uint64_t)rules->pattern_bytes;
    mk_status status = mk_scan_start(&scan, rules, strategy, length, budget);
    if (status != MK_OK)
        return status;
    mk_answer answer = mk_scan_first(&scan, word, length, &meter, match);
    const mk_automaton *automaton;
    if (answer == MK_SPENT) {
        status = mk_ruleset_automaton(rules, &meter, &automaton);
        if (status == MK_OK)
            status = read_off(automaton, strategy, word, length, &meter, found, match);
        if (status != MK_TOO_LARGE) {
            mk_scan_free(&scan);
            return status;
        }
        scan.budget = UINT64_MAX;
        answer = mk_scan_first(&scan, word, length, &meter, match);
    }
    mk_scan_free(&scan);
    *found = answer == MK_FOUND;
    return answer == MK_STOPPED ? MK_INTERRUPTED : MK_OK;
}

/* The pattern's first start from a place on, or MK_NOWHERE, also where the meter says to stop. */
static size_t next_start(const mk_needle *pattern, const uint8_t *word, size_t length, size_t from, mk_meter *meter)
{
    size_t at = mk_search_range(pattern, word, length, from, SIZE_MAX, meter);
    return at != MK_NOWHERE && mk_meter_spend(meter, LETTERS_PER_MATCH) ? at : MK_NOWHERE;
}

mk_status mk_ruleset_count(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                           uint64_t *counts)
{
    mk_meter meter = mk_meter_make(poll);
    for (size_t i = 0; i < rules->count; i++) {
        const mk_needle *pattern = &rules->rules[i].pattern;
        counts[i] = 0;
        size_t at = next_start(pattern, word, length, 0, &meter);
        while (at != MK_NOWHERE) {
            counts[i]++;
            at = next_start(pattern, word, length, at + 1, &meter);
        }
        if (meter.stopped)
            return MK_INTERRUPTED;
    }
    return MK_OK;
}

static mk_status append_match(mk_match **matches, size_t *count, size_t *capacity, mk_match match)
{
    if (*count == *capacity) {
        size_t larger = *capacity + *capacity / 2 + 16;
        if (larger > SIZE_MAX / 2 / sizeof match)
            return MK_NO_MEMORY;
        mk_match *room = mk_realloc(*matches, larger * sizeof match);
        if (!room)
            return MK_NO_MEMORY;
        *matches = room;
        *capacity = larger;
    }
    (*matches)[(*count)++] = match;
    return MK_OK;
}

mk_status mk_ruleset_find_all(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                              mk_match **matches, size_t *count)
{
    mk_meter meter = mk_meter_make(poll);
    mk_match *found = NULL;
    size_t n = 0, capacity = 0;
    mk_status status = MK_OK;
    for (size_t i = 0; i < rules->count && status == MK_OK; i++) {
        const mk_needle *pattern = &rules->rules[i].pattern;
        size_t at = next_start(pattern, word, length, 0, &meter);
        while (at != MK_NOWHERE && status == MK_OK) {
            status = append_match(&found, &n, &capacity, (mk_match){i, at});
            at = next_start(pattern, word, length, at + 1, &meter);
        }
        if (meter.stopped)
            status = MK_INTERRUPTED;
    }
    if (status != MK_OK) {
        mk_free(found);
        return status;
    }
    *matches = found;
    *count = n;
    return MK_OK;
}
