/* matcher.h - the contract "which rule, where", for runs, batches, the generator and the analyses alike.
 *
 * A matcher answers for the current word; after every answer that was followed it is told of the edit, and may keep
 * what it learnt about the rest of the word.  Its scratch belongs to it and is reused from word to word. */
#ifndef MK_MATCHER_H
#define MK_MATCHER_H

#include "ruleset.h"

typedef enum { MK_FOUND, MK_NONE, MK_STOPPED } mk_answer;

/* The scan matcher: per rule, starts below clear[rule] are known not to be occurrences; and how often each letter
 * occurs in the word, because a rule one of whose letters is absent need not be searched. */
typedef struct {
    const mk_ruleset *rules;
    mk_strategy strategy;
    size_t *clear;
    size_t capacity;
    size_t letters[256];
} mk_scan;

/* Starts on a new word.  A matcher that is all zero is a valid, empty one. */
mk_status mk_scan_start(mk_scan *scan, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word,
                        size_t length);
void mk_scan_free(mk_scan *scan);

/* Which rule fires on the word.  MK_STOPPED: the meter stopped the search. */
mk_answer mk_scan_first(mk_scan *scan, const uint8_t *word, size_t length, mk_meter *meter, mk_match *match);

/* At the match's position its rule was applied; what lies left of it is as it was. */
void mk_scan_edited(mk_scan *scan, mk_match match);

#endif
