#include "matcher_scan.h"

mk_status mk_scan_start(mk_scan *scan, const mk_ruleset *rules, mk_strategy strategy, size_t length, uint64_t budget)
{
    if (rules->count > scan->capacity) {
        mk_open_starts *room = mk_realloc(scan->open, rules->count * sizeof *room);
        if (!room)
            return MK_NO_MEMORY;
        scan->open = room;
        scan->capacity = rules->count;
    }
    for (size_t i = 0; i < rules->count; i++)
        scan->open[i] = (mk_open_starts){0, length + 1};
    scan->rules = rules;
    scan->strategy = strategy;
    scan->work = 0;
    scan->budget = budget;
    return MK_OK;
}

void mk_scan_free(mk_scan *scan)
{
    mk_free(scan->open);
    *scan = (mk_scan){0};
}

/* Under `leftmost` each rule is searched only at the starts before the best so far, so that ties go to the earlier
 * rule; under `markov` the first rule found is the answer. */
mk_answer mk_scan_first(mk_scan *scan, const uint8_t *word, size_t length, mk_meter *meter, mk_match *match)
{
    size_t stop = length + 1;
    bool found = false;
    for (size_t i = 0; i < scan->rules->count; i++) {
        mk_open_starts *open = &scan->open[i];
        size_t end = open->to < stop ? open->to : stop;
        if (open->from >= end)
            continue;
        if (scan->work > scan->budget)
            return MK_SPENT;
        uint64_t before = meter->letters;
        size_t start = mk_search_range(&scan->rules->rules[i].pattern, word, length, open->from, end, meter);
        scan->work += meter->letters - before + MK_SEARCH_WORK;
        if (meter->stopped)
            return MK_STOPPED;
        if (start == MK_NOWHERE) {
            open->from = end;
            continue;
        }
        open->from = start;
        *match = (mk_match){i, start};
        found = true;
        if (scan->strategy == MK_MARKOV || start == 0)
            break;
        stop = start;
    }
    return found ? MK_FOUND : MK_NONE;
}

/* A pattern of length L that begins before position - L + 1 ends before the edit; one that begins behind it is only
 * moved.  What was open stays so, and the starts between are added. */
void mk_scan_edited(mk_scan *scan, mk_match match)
{
    const mk_rule *rule = &scan->rules->rules[match.rule];
    size_t position = match.position, removed = rule->pattern.length, inserted = rule->replacement_length;
    for (size_t i = 0; i < scan->rules->count; i++) {
        mk_open_starts *open = &scan->open[i];
        size_t length = scan->rules->rules[i].pattern.length;
        size_t from = position + 1 > length ? position + 1 - length : 0, to = position + inserted;
        if (open->from < open->to) {
            if (open->from < from)
                from = open->from;
            if (open->to > position + removed)
                to = open->to - removed + inserted;
        }
        *open = (mk_open_starts){from, to};
    }
}
