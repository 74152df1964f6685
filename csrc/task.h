/* task.h - the answer to a word: one step, a run, a scheme's rewrite, a cipher. */
#ifndef MK_TASK_H
#define MK_TASK_H

#include "meter.h"
#include "plan.h"
#include "search.h"

/* The memory of an answer; it belongs to one thread. */
typedef struct {
    uint8_t *output;                 /* plan->output_letters and slack */
    mk_example_step *steps;
    size_t step_capacity;
    uint8_t *words;                  /* the words after the steps, one after the other */
    size_t word_capacity;
    mk_example_pair *pairs;
    uint8_t *pair_letters;
} mk_work;

mk_status mk_work_open(mk_work *work, const mk_plan *plan);
void mk_work_close(mk_work *work);

/* Answers example->word: fills output, rule, position, steps, outcome, and the trace where it is wanted.  What is
 * decided is decided by searching the word, not by how it was drawn.  The needles are those of the patterns.  A run may
 * be MK_INTERRUPTED. */
mk_status mk_task_rewrite(const mk_plan *plan, mk_work *work, const mk_needle *needles, mk_example *example);
mk_status mk_task_rewrite_at(mk_work *work, size_t at, mk_example *example); /* the only rule's occurrence is known */
mk_status mk_task_run(const mk_plan *plan, mk_work *work, const mk_needle *needles, uint64_t max_steps,
                      mk_meter *meter, mk_example *example);
mk_status mk_task_scheme(const mk_plan *plan, mk_work *work, mk_example *example);

/* Of each rule, how many steps a run of its pattern alone takes: UINT32_MAX if it does not halt within
 * plan->task.max_steps, which are below that, and plan->task.max_length.  Or MK_INTERRUPTED.  work->output is
 * overwritten. */
mk_status mk_task_own_steps(const mk_plan *plan, mk_work *work, const mk_needle *needles, const mk_example_rule *rules,
                            mk_meter *meter, uint32_t *own_steps);

/* Enciphers the answer of a rewrite with example->key. */
void mk_task_encipher(const mk_plan *plan, mk_work *work, mk_example *example);

/* The smallest start >= from of a match of a scheme in a word: letters from `letters` on are variables, each standing
 * for one letter throughout; `binding` gets the letters they stand for.  MK_NOWHERE if there is none.  O(n * m). */
size_t mk_scheme_match(const mk_example_rule *rule, uint32_t letters, const uint8_t *word, size_t length, size_t from,
                       uint8_t *binding);

/* How often the pattern of the rule that fired first, or of the first rule, occurs in the word, overlaps counted; of a
 * scheme, how often it matches. */
int32_t mk_example_occurrences(const mk_plan *plan, const mk_example *example);

#endif
