/* matcher_index.h - long words: what a step costs does not grow with the word or the number of rules.
 *
 * The word lies in a tree (tree.h).  A letter's value is the automaton's state (automaton.h) at it, read off from the
 * right end of the word: so the least value of all leads to the rule that fires and to where.  After an edit the
 * states right of it stand; those of the new letters, and on to the left until the old state is met again, are read
 * off anew.  A step costs O(L + |replacement| + log length), L the longest pattern. */
#ifndef MK_MATCHER_INDEX_H
#define MK_MATCHER_INDEX_H

#include "cycle.h"
#include "matcher.h"
#include "tree.h"

typedef struct {
    const mk_ruleset *rules;
    const mk_automaton *automaton;
    mk_strategy strategy;
    mk_tree tree;
    mk_finger finger; /* of the leaf with the next match */
    bool always_first; /* something fires at the word's beginning, so that what is elsewhere never matters */
    bool stale;        /* the tree has not been told yet what changed in the finger's leaf */
    enum { MK_UNKNOWN, MK_KNOWN } next;
    mk_match match;
    uint32_t offset; /* of the match in the finger's leaf */
    size_t longest;  /* word in the last burst, if it ever grew */
} mk_index;

/* Steps that need not be watched one by one. */
typedef struct {
    uint64_t steps;    /* at most so many, at least 1 */
    size_t max_length; /* stop before the word becomes longer */
    uint64_t *fired;   /* counts per rule, or NULL */
    mk_cycle *cycle;   /* told of every step, and stop when the word may be the saved one; or NULL */
} mk_burst;

/* Takes over the word: O(length), and the automaton, if the rules have none yet.  An index that is all zero is valid.
 * MK_TOO_LARGE: the rules are too many for the automaton.  After a failure the index has no word. */
mk_status mk_index_start(mk_index *index, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word,
                         size_t length, mk_meter *meter);
void mk_index_free(mk_index *index);

/* Looks for the next match in the whole word. */
mk_answer mk_index_look(mk_index *index, mk_meter *meter);

/* Which rule fires. */
static inline mk_answer mk_index_first(mk_index *index, mk_meter *meter, mk_match *match)
{
    mk_answer answer = index->next == MK_KNOWN ? MK_FOUND : mk_index_look(index, meter);
    *match = index->match;
    return answer;
}

/* Applies the match that mk_index_first gave, and then perhaps the next ones, but not those whose rule is terminal.
 * *steps is how many.  MK_NO_MEMORY: nothing has changed. */
mk_status mk_index_apply(mk_index *index, const mk_burst *burst, mk_meter *meter, uint64_t *steps);

/* Where the letter at *position is: its leaf, and its offset there in *position.  O(log length). */
mk_leaf *mk_index_at(mk_index *index, size_t *position);

#endif
