/* run.h - the run as an object that batches can reuse from row to row. */
#ifndef MK_RUN_H
#define MK_RUN_H

#include "cycle.h"
#include "matcher_bits.h"
#include "matcher_index.h"
#include "matcher_scan.h"
#include "trace.h"
#include "word.h"

struct mk_run {
    const mk_ruleset *rules;
    mk_options options;
    mk_word word; /* with MK_INDEX the word is in the index, and this one is a copy made when asked for */
    mk_matcher matcher; /* in use; MK_AUTO: none, the word is flat */
    mk_bits bits;
    mk_scan scan;
    mk_index index;
    bool settled;  /* the matcher in use is the one for options.matcher and the word's length */
    uint64_t work;       /* done by bits and by scans that are over */
    uint64_t bits_steps; /* so many more before the index is used */
    bool no_index; /* the rules are too large for it */
    mk_meter meter;
    uint64_t step_letters; /* counted for a step of the matcher in use, whatever it touches */
    mk_outcome outcome;
    uint64_t steps;
    size_t length, max_length_seen;
    bool pending; /* the next match is known */
    mk_match next;
    uint64_t *fired; /* NULL in batches */
    mk_trace *trace; /* may be NULL */
    mk_cycle cycle;  /* with detect_cycles */
};

/* Puts the run at the start of a word.  A run that is all zero is a valid, closed one; its buffers are reused. */
mk_status mk_run_start(mk_run *run, const mk_ruleset *rules, const uint8_t *word, size_t length,
                       const mk_options *options);
void mk_run_release(mk_run *run);

#endif
