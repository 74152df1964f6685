/* ruleset.h - compiled rules. */
#ifndef MK_RULESET_H
#define MK_RULESET_H

#include <stdatomic.h>

#include "automaton.h"
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
    size_t pattern_bytes;
    size_t capacity; /* of a rule set that is refilled row by row */
    uint8_t *bytes;  /* the patterns and replacements, if the rule set owns them */
    struct mk_bits_plan *bits;       /* matcher_bits.h; NULL: not compiled, or not suited */
    mk_automaton *_Atomic automaton; /* made when first asked for; then it stays */
};

/* The rule set's automaton, made by the first that asks; of threads that ask together, one's is kept. */
mk_status mk_ruleset_automaton(const mk_ruleset *rules, mk_meter *meter, const mk_automaton **out);

/* Whether it was made already, so that asking for it costs nothing. */
static inline bool mk_ruleset_has_automaton(const mk_ruleset *rules)
{
    return atomic_load_explicit(&((mk_ruleset *)rules)->automaton, memory_order_acquire) != NULL;
}

/* Makes rules [first, last) of the columns the rule set's content, borrowing their bytes.  No other thread may use the rule set. */
mk_status mk_ruleset_borrow(mk_ruleset *rules, mk_column patterns, mk_column replacements, const uint8_t *terminal,
                            size_t first, size_t last);
/* Frees what borrowed rules hold; the rule set itself is the caller's. */
void mk_ruleset_release(mk_ruleset *rules);

#endif
