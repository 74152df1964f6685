/* instructions.h - instruction j of a data set: its rules, made of the rule space's, and a table of all of them where
 * that pays. */
#ifndef MK_INSTRUCTIONS_H
#define MK_INSTRUCTIONS_H

#include "exact.h"
#include "meter.h"
#include "plan.h"
#include "search.h"

/* The exact samplers of one thread, by the length of the pattern, opened when first asked for. */
typedef struct {
    mk_exact *by_length;
    uint32_t count;
} mk_exacts;

/* NULL: no memory. */
mk_exact *mk_exacts_get(mk_exacts *exacts, const mk_plan *plan, uint32_t pattern_length);
void mk_exacts_close(mk_exacts *exacts);

typedef struct {
    const mk_example_rule *rules;    /* plan->per_example of them */
    const mk_needle *needles;        /* of their patterns, or NULL */
    const uint32_t *own_steps;       /* see mk_task_own_steps; or NULL */
    uint32_t stratum;                /* of the first one */
    uint64_t hash;                   /* their share of the hash that divides words */
    bool undivided[2];               /* words too few to be divided: [0] with the pattern, [1] no-ops */
} mk_instruction;

/* Scratch of one thread. */
typedef struct {
    const mk_plan *plan;
    mk_exacts *exacts;
    mk_meter *meter;
    mk_permutation tuples, turns;
    uint64_t turns_first;            /* the first of the rules whose places `turns` changes, if it is open */
    mk_example_rule *rules;
    uint8_t *letters;                /* of the rules, and room for two more */
    uint32_t stratum;
    uint64_t *chosen;
    uint8_t *ahead_letters;          /* instructions written ahead: their numbers, and their rules */
    size_t ahead_count, ahead_next;
    uint64_t ahead_numbers[MK_RULES_AT_ONCE];
    mk_space_rule ahead[MK_RULES_AT_ONCE];
} mk_instructor;

mk_status mk_instructor_open(mk_instructor *instructor, const mk_plan *plan, mk_exacts *exacts, mk_meter *meter);
void mk_instructor_close(mk_instructor *instructor);

/* Instruction j; it stands until the next call.  MK_INVALID: none of its candidates is acceptable.  Or MK_INTERRUPTED. */
mk_status mk_instructor_get(mk_instructor *instructor, uint64_t j, mk_instruction *instruction);

/* How many instructions it pays to write ahead; 0 where it does not. */
size_t mk_instructor_ahead(const mk_instructor *instructor);

/* Writes the first candidates for the rules of those instructions, for the calls of mk_instructor_get that follow to
 * find, whose answers stay what they are.  `count` is at most mk_instructor_ahead. */
void mk_instructor_look_ahead(mk_instructor *instructor, const uint64_t *numbers, size_t count);

/* Fetches those instructions into the processor's cache, if they are in a table.  Each number is below
 * plan->instructions where there is one; `count` up to a few dozen. */
void mk_instructor_fetch(const mk_instructor *instructor, const uint64_t *numbers, size_t count);

/* Says that `rows` examples are about to be drawn, and tabulates the instructions if that pays by now and there is
 * memory.  MK_OK or MK_INTERRUPTED. */
mk_status mk_plan_expect(mk_plan *plan, uint64_t rows, mk_poll poll);

void mk_rule_table_close(mk_rule_table *table);

#endif
