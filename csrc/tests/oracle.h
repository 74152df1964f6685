/* oracle.h - the semantics of markov.h in plain C: a flat word, a naive search, no memory of earlier steps.  The C
 * tests and the fuzzers compare the engine with it. */
#ifndef ORACLE_H
#define ORACLE_H

#include "markov.h"

typedef struct {
    const uint8_t *pattern, *replacement;
    size_t pattern_length, replacement_length;
    bool terminal;
} oracle_rule;

typedef struct {
    uint8_t *bytes;
    size_t length;
} oracle_word;

typedef struct {
    const oracle_rule *rules;
    size_t count;
    mk_options options; /* the matcher is not looked at */
    oracle_word origin, word, saved;
    mk_outcome outcome;
    uint64_t steps, saved_step;
    size_t max_length_seen;
} oracle;

/* Which rule fires on the word, and where; false: none does. */
bool oracle_find(const oracle_rule *rules, size_t count, mk_strategy strategy, oracle_word word, mk_match *match);

/* Starts a run over a copy of the word.  It borrows the rules. */
oracle oracle_open(const oracle_rule *rules, size_t count, oracle_word word, const mk_options *options);
void oracle_close(oracle *o);

/* Whether another step can be taken, and which; if not, sets the outcome. */
bool oracle_look(oracle *o, mk_match *next);

/* Takes the step that oracle_look gave. */
void oracle_apply(oracle *o, mk_match next);

/* Requires outcome MK_CYCLE. */
void oracle_cycle(const oracle *o, uint64_t *start, uint64_t *period);

#endif
