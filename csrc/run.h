/* run.h - the run as an object that batches can reuse from row to row. */
#ifndef MK_RUN_H
#define MK_RUN_H

#include "matcher.h"
#include "trace.h"
#include "word.h"

struct mk_run {
    const mk_ruleset *rules;
    mk_options options;
    mk_word word;
    mk_scan scan;
    mk_meter meter;
    mk_outcome outcome;
    uint64_t steps;
    size_t max_length_seen;
    bool pending; /* the next match is known */
    mk_match next;
    uint64_t *fired; /* NULL in batches */
    mk_trace *trace; /* may be NULL */
    mk_word saved;   /* with detect_cycles: the word after step saved_step */
    uint64_t saved_step;
    mk_word origin;
};

/* Puts the run at the start of a word.  A run that is all zero is a valid, closed one; its buffers are reused. */
mk_status mk_run_start(mk_run *run, const mk_ruleset *rules, const uint8_t *word, size_t length,
                       const mk_options *options);
void mk_run_release(mk_run *run);

/* cycle.c: the test after a step, and what it needs at the start. */
mk_status mk_cycle_start(mk_run *run);
mk_status mk_cycle_test(mk_run *run, bool *met);

#endif
