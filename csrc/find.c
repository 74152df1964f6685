/* Questions about a rule set and one word, outside of a run. */
#include "matcher_scan.h"

mk_status mk_ruleset_find(const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length,
                          mk_poll poll, bool *found, mk_match *match)
{
    mk_scan scan = {0};
    mk_meter meter = mk_meter_make(poll);
    mk_status status = mk_scan_start(&scan, rules, strategy, length, UINT64_MAX);
    if (status != MK_OK)
        return status;
    mk_answer answer = mk_scan_first(&scan, word, length, &meter, match);
    mk_scan_free(&scan);
    *found = answer == MK_FOUND;
    return answer == MK_STOPPED ? MK_INTERRUPTED : MK_OK;
}

mk_status mk_ruleset_count(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                           uint64_t *counts)
{
    mk_meter meter = mk_meter_make(poll);
    for (size_t i = 0; i < rules->count; i++) {
        const mk_needle *pattern = &rules->rules[i].pattern;
        counts[i] = 0;
        size_t at = mk_search_range(pattern, word, length, 0, SIZE_MAX, &meter);
        for (; at != MK_NOWHERE; at = mk_search_range(pattern, word, length, at + 1, SIZE_MAX, &meter))
            counts[i]++;
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
        size_t at = mk_search_range(pattern, word, length, 0, SIZE_MAX, &meter);
        while (at != MK_NOWHERE && status == MK_OK) {
            status = append_match(&found, &n, &capacity, (mk_match){i, at});
            at = mk_search_range(pattern, word, length, at + 1, SIZE_MAX, &meter);
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
