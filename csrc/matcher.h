/* matcher.h - the contract "which rule, where", for runs, batches, the generator and the analyses alike.
 *
 * A matcher answers for the current word; after every answer that was followed it is told of the edit, and may keep
 * what it learnt about the rest of the word.  Its scratch belongs to it and is reused from word to word.  Each has a
 * file and a header of its own; run.c chooses among them. */
#ifndef MK_MATCHER_H
#define MK_MATCHER_H

#include "ruleset.h"

typedef enum {
    MK_FOUND,
    MK_NONE,
    MK_STOPPED, /* the meter stopped the search */
    MK_SPENT    /* the search has become so much work that another matcher should be asked */
} mk_answer;

#endif
