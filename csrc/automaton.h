/* automaton.h - which rule's pattern begins at a place, read off from right to left.
 *
 * The automaton of A. V. Aho and M. J. Corasick, "Efficient string matching", CACM 18(6), 1975, over the reversed
 * patterns: after the letters text[i], text[i + 1], ... were read from right to left, its state says which patterns
 * begin at i, and depends on nothing left of i.  States are numbered by the first rule whose pattern begins there, so
 * that of two states the smaller has the earlier rule. */
#ifndef MK_AUTOMATON_H
#define MK_AUTOMATON_H

#include "meter.h"

#define MK_NO_RULE UINT32_MAX

typedef struct {
    uint32_t states;
    uint32_t root;       /* before any letter, and after a letter that no pattern has */
    uint32_t matching;   /* at states below this one a pattern begins */
    uint32_t empty_rule; /* the first rule with the empty pattern, which is not in the automaton, as no rule after it
                            can fire; or MK_NO_RULE */
    uint32_t *rule;      /* of a matching state */
    uint32_t *bound;     /* of a matching state: the first state with a later rule, or none */
    /* Few letters or few states: one table, whose rows are shared by the letters that no pattern has.  Otherwise edges
     * and failure links. */
    uint32_t *table;
    const uint32_t *row[256]; /* of each letter: where it leads to from each state */
    uint32_t *failure;
    uint32_t *first_edge; /* of each state; its edges end where the next state's begin, letters rising */
    uint32_t *target;
    uint8_t *letter;
} mk_automaton;

/* Time O(pattern bytes); memory at most 62 bytes a pattern byte or 1 MB while it is made, 36 or 1 MB afterwards.
 * MK_TOO_LARGE: 2^31 pattern bytes or more. */
mk_status mk_automaton_make(const mk_ruleset *rules, mk_meter *meter, mk_automaton **out);
void mk_automaton_free(mk_automaton *automaton);

uint32_t mk_automaton_follow(const mk_automaton *automaton, uint32_t state, uint8_t letter);

/* The state after one more letter on the left.  O(1) with a table; else O(1) amortised over the letters read. */
static inline uint32_t mk_automaton_next(const mk_automaton *automaton, uint32_t state, uint8_t letter)
{
    if (automaton->table)
        return automaton->row[letter][state];
    return mk_automaton_follow(automaton, state, letter);
}

#endif
