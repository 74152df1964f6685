/* matcher_scan.h - one vector search per rule, only where the edits since the last one can have made a difference. */
#ifndef MK_MATCHER_SCAN_H
#define MK_MATCHER_SCAN_H

#include "matcher.h"

/* Starts at which a rule may occur: [from, to).  Everywhere else it is known not to. */
typedef struct {
    size_t from, to;
} mk_open_starts;

typedef struct {
    const mk_ruleset *rules;
    mk_strategy strategy;
    mk_open_starts *open; /* one entry per rule */
    size_t capacity;
    uint64_t work, budget; /* in letters searched or moved, some 1/30 ns each */
} mk_scan;

enum { MK_SEARCH_WORK = 1000 }; /* of beginning a search */

/* Starts on a new word.  A matcher that is all zero is a valid, empty one.  Once more work than the budget is done,
 * the next answer is MK_SPENT. */
mk_status mk_scan_start(mk_scan *scan, const mk_ruleset *rules, mk_strategy strategy, size_t length, uint64_t budget);
void mk_scan_free(mk_scan *scan);

mk_answer mk_scan_first(mk_scan *scan, const uint8_t *word, size_t length, mk_meter *meter, mk_match *match);

/* At the match its rule was applied. */
void mk_scan_edited(mk_scan *scan, mk_match match);

#endif
