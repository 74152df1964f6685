/* sample.h - example i of a data set, as a function of i: which rule, no-op or not, which word.
 *
 * The definition of the stream, draw by draw, is docs/datasets.md; tests/test_dataset.py holds the same definition
 * in plain Python.  Letters are codes 0 .. letters - 1 throughout; render.h turns them into bytes.
 */
#ifndef MK_SAMPLE_H
#define MK_SAMPLE_H

#include "exact.h"
#include "search.h"
#include "strata.h"

#define MK_BLOCK_EXAMPLES 65536u     /* exact shares are met block by block */
#define MK_REFUSALS 64               /* plain draws of the letters before the exact sampler serves */
#define MK_ATTEMPTS 4096             /* draws of a whole word before its class is given up */
#define MK_WORDS_TO_DIVIDE 64        /* a rule with fewer words does not divide them between train and seen */
#define MK_READ_SLACK 16             /* bytes behind patterns, replacements and words that may be read */
#define MK_UNBOUNDED UINT64_MAX

typedef enum { MK_ORDER_OWN, MK_ORDER_CYCLE, MK_ORDER_SHUFFLED } mk_order;
typedef enum { MK_WORDS_ANY, MK_WORDS_TRAIN, MK_WORDS_SEEN } mk_word_class;

/* One rule, its share of the hash that divides words, and whether its words are too few to be divided. */
typedef struct {
    const uint8_t *pattern, *replacement;
    uint64_t hash;
    bool undivided[2];               /* [0] words that contain the pattern, [1] no-ops */
} mk_instruction;

typedef struct mk_rule_table mk_rule_table;

/* What a data set is.  The caller fills the first part and calls mk_plan_open; afterwards it is read-only but for
 * the table of rules, which appears once (atomically) when it pays, so that threads may share a plan. */
typedef struct {
    mk_philox_key key;
    uint64_t split;                  /* the split's id in the counter */
    const mk_rule_space *rules;      /* borrowed; one stratum */
    uint32_t letters;
    uint64_t size;                   /* examples, or MK_UNBOUNDED */
    uint64_t instructions;           /* in use; not read under MK_ORDER_OWN */
    mk_order order;
    uint64_t no_op_numerator, no_op_denominator;    /* the share, as a fraction; denominator < 2^60 */
    uint32_t occurrences;            /* exactly that many, or 0 for at least one */
    uint32_t shortest, longest;      /* words, in letters */
    mk_word_class words;

    mk_alphabet alphabet;
    uint32_t pattern_length, replacement_length;
    uint64_t *hash_keys[3];          /* of patterns, replacements, words */
    uint64_t hash_start;
    bool always_divided[2];          /* no rule can have too few words, of that kind */
    _Atomic(mk_rule_table *) table;
    _Atomic uint64_t drawn;
} mk_plan;

mk_status mk_plan_open(mk_plan *plan);
void mk_plan_close(mk_plan *plan);

/* Says that `rows` examples are about to be drawn, and tabulates the rules if that pays by now. */
mk_status mk_plan_expect(mk_plan *plan, uint64_t rows);

/* No-ops among the examples before `end`, a multiple of the block size or the size of the data set. */
uint64_t mk_plan_no_ops(const mk_plan *plan, uint64_t end);

/* Scratch of one thread. */
typedef struct {
    const mk_plan *plan;
    bool sequential;                 /* examples come in runs: tables of the permutations pay */
    mk_permutation no_op, popularity;
    uint64_t block, block_no_ops;
    uint64_t run, run_length;        /* the first index of the run at hand */
    uint8_t *parts, *word;
    mk_exact exact;
} mk_sampler;

typedef struct {
    uint64_t index;
    uint64_t number;                 /* of the instruction */
    mk_instruction rule;
    mk_needle needle;                /* of the rule's pattern */
    bool no_op;
    uint32_t length;
    const uint8_t *word;             /* the sampler's, until its next call */
} mk_example;

mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, bool sequential);
void mk_sampler_close(mk_sampler *sampler);

/* Draws example `index`.  MK_INVALID: no word of the split's class was met in MK_ATTEMPTS draws. */
mk_status mk_sampler_draw(mk_sampler *sampler, uint64_t index, mk_example *example);

/* Writes instruction j (j < possible) without a word, and whether its words are divided. */
mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *rule);

#endif
