/* The scan matcher: one search per rule, resumed where the last edit can have made a difference. */
#include <string.h>

#include "matcher.h"

static void count_letters(mk_scan *scan, const uint8_t *word, size_t length)
{
    memset(scan->letters, 0, sizeof scan->letters);
    for (size_t i = 0; i < length; i++)
        scan->letters[word[i]]++;
}

mk_status mk_scan_start(mk_scan *scan, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word,
                        size_t length)
{
    if (rules->count > scan->capacity) {
        size_t *room = mk_realloc(scan->clear, rules->count * sizeof *room);
        if (!room)
            return MK_NO_MEMORY;
        scan->clear = room;
        scan->capacity = rules->count;
    }
    if (rules->count)
        memset(scan->clear, 0, rules->count * sizeof *scan->clear);
    scan->rules = rules;
    scan->strategy = strategy;
    count_letters(scan, word, length);
    return MK_OK;
}

void mk_scan_free(mk_scan *scan)
{
    mk_free(scan->clear);
    *scan = (mk_scan){0};
}

static bool letters_present(const mk_scan *scan, const mk_needle *pattern)
{
    return pattern->length == 0 || (scan->letters[pattern->middle_letter] && scan->letters[pattern->first_letter] &&
                                    scan->letters[pattern->last_letter]);
}

/* Under `leftmost` each rule is searched only at the starts before the best so far, so that ties go to the earlier
 * rule; under `markov` the first rule found is the answer. */
mk_answer mk_scan_first(mk_scan *scan, const uint8_t *word, size_t length, mk_meter *meter, mk_match *match)
{
    size_t stop = length + 1;
    bool found = false;
    for (size_t i = 0; i < scan->rules->count; i++) {
        size_t from = scan->clear[i];
        const mk_needle *pattern = &scan->rules->rules[i].pattern;
        if (from >= stop || !letters_present(scan, pattern))
            continue;
        size_t start = mk_search_range(pattern, word, length, from, stop, meter);
        if (meter->stopped)
            return MK_STOPPED;
        if (start == MK_NOWHERE) {
            scan->clear[i] = stop;
            continue;
        }
        scan->clear[i] = start;
        *match = (mk_match){i, start};
        found = true;
        if (scan->strategy == MK_MARKOV || start == 0)
            break;
        stop = start;
    }
    return found ? MK_FOUND : MK_NONE;
}

/* A pattern of length L that ends at or before the edit begins at or before position - L. */
void mk_scan_edited(mk_scan *scan, mk_match match)
{
    const mk_rule *rule = &scan->rules->rules[match.rule];
    size_t position = match.position;
    for (size_t i = 0; i < rule->pattern.length; i++)
        scan->letters[rule->pattern.bytes[i]]--;
    for (size_t i = 0; i < rule->replacement_length; i++)
        scan->letters[rule->replacement[i]]++;
    for (size_t i = 0; i < scan->rules->count; i++) {
        size_t pattern = scan->rules->rules[i].pattern.length;
        size_t clear = position + 1 > pattern ? position + 1 - pattern : 0;
        if (scan->clear[i] > clear)
            scan->clear[i] = clear;
    }
}
