/* ruleset.h - compiled rules. */
#ifndef MK_RULESET_H
#define MK_RULESET_H

#include "search.h"

typedef struct {
    mk_needle pattern;
    const uint8_t *replacement;
    size_t replacement_length;
    bool terminal;
} mk_rule;

struct mk_ruleset {
    size_t count;
    mk_rule *rules;
    size_t capacity; /* of a rule set that is refilled row by row */
    uint8_t *bytes;  /* the patterns and replacements, if the rule set owns them */
};

/* Makes rules [first, last) of the columns the rule set's content, borrowing their bytes. */
mk_status mk_ruleset_borrow(mk_ruleset *rules, mk_column patterns, mk_column replacements, const uint8_t *terminal,
                            size_t first, size_t last);

#endif
