/* sample.h - example i of a data set, as a function of i: which instruction, no-op or not, which word, what answer.
 *
 * The definition of the stream, draw by draw, is docs/stream.md; tests/reference_stream.py holds the same definition
 * in plain Python.  Letters are codes throughout: 0 .. letters - 1, and the variables of schemes after them.
 */
#ifndef MK_SAMPLE_H
#define MK_SAMPLE_H

#include "instructions.h"
#include "nearmiss.h"
#include "search.h"
#include "task.h"
#include "uniform.h"

#define MK_REFUSALS 64               /* plain draws of the letters before the exact sampler serves */
#define MK_ATTEMPTS 4096             /* draws of a whole word before its class is given up */

/* Scratch of one thread. */
typedef struct {
    const mk_plan *plan;
    mk_meter meter;                  /* of all examples; with no poll until it is given one, by mk_meter_resume */
    bool sequential;                 /* examples come in runs: tables of the permutations pay */
    bool certified;                  /* set by the caller: the certificates are wanted */
    mk_permutation no_op, popularity;
    uint64_t block, block_start, block_no_ops, block_near_misses;
    uint64_t others_before, near_misses_before;     /* the block: examples that are no no-ops, and near misses */
    uint64_t block_firing[MK_MOST_RULES];           /* where rules have weights: the end of each one's examples */
    uint64_t run, run_length;        /* the first index of the run at hand */
    uint64_t ahead_first, ahead_count;  /* where `sequential`: what is known of this example and the ones after it */
    uint64_t ahead_ranks[MK_RULES_AT_ONCE], ahead_numbers[MK_RULES_AT_ONCE];
    mk_words_ahead ahead_words;
    mk_exacts exacts;
    mk_instructor instructor;
    mk_instruction instruction;
    const mk_needle *needles;        /* of the instruction's patterns */
    mk_needle *own_needles;          /* where the table of instructions has none */
    mk_exact *exact;                 /* of the first pattern, once it is needed */
    mk_uniform uniform;              /* open where plan->exact */
    mk_several several;              /* open where mk_plan_has_several */
    uint32_t occurrences;            /* asked of the word at hand; 0: at least one */
    uint32_t fires;                  /* the rule asked to fire first */
    uint32_t steps;                  /* asked of the run at hand; 0: any */
    uint32_t planted;                /* steps that the patterns planted in the next word take by themselves, at most */
    const uint32_t *own_steps;       /* that each pattern takes by itself, where steps are asked for */
    uint32_t own_steps_made[MK_MOST_RULES]; /* where the table of instructions has none */
    uint8_t *word;
    bool searched;                   /* the finished word has been searched for the only pattern, which is at `found` */
    size_t found;
    mk_work work;                    /* the answer's memory */
} mk_sampler;

mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, bool sequential);
void mk_sampler_close(mk_sampler *sampler);

/* Draws example `index`.  MK_INVALID: no word of what is asked was met in MK_ATTEMPTS draws, or, with rule_count 0,
 * its instruction has no acceptable candidate.  Or MK_INTERRUPTED. */
mk_status mk_sampler_draw(mk_sampler *sampler, uint64_t index, mk_example *example);

/* Writes instruction j (j < possible) without a word, and whether its words are divided. */
mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *instruction);

#endif
