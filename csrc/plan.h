/* plan.h - what a data set is, compiled: a value that is not written after it is opened (but for a table of its
 * instructions, which appears once, atomically, if it does), so that threads may share it.
 *
 * The definition of the stream, draw by draw, is docs/stream.md.
 */
#ifndef MK_PLAN_H
#define MK_PLAN_H

#include "draws.h"
#include "example.h"
#include "strata.h"

#define MK_BLOCK_EXAMPLES 65536u     /* exact shares are met block by block */
#define MK_WORDS_TO_DIVIDE 64        /* a rule with fewer words does not divide them between train and seen */
#define MK_UNBOUNDED UINT64_MAX
#define MK_MOST_RULES 64             /* of a sampled instruction */
#define MK_MOST_ASKED_STEPS 1000u

typedef enum { MK_ORDER_OWN, MK_ORDER_CYCLE, MK_ORDER_SHUFFLED, MK_ORDER_WEIGHTED } mk_order;
typedef enum { MK_WORDS_ANY, MK_WORDS_TRAIN, MK_WORDS_SEEN } mk_word_class;
typedef enum { MK_TASK_REWRITE, MK_TASK_RUN, MK_TASK_SCHEME, MK_TASK_INDUCE } mk_task_kind;
typedef enum { MK_CIPHER_WORD, MK_CIPHER_REPLACEMENT } mk_cipher_place;

typedef struct {
    uint64_t numerator, denominator; /* denominator > 0; both below 2^60 */
} mk_share_of;

/* A stretch of a word of a named program: letters drawn from a list, their number uniform. */
typedef struct {
    const uint8_t *letters;          /* borrowed */
    uint32_t letter_count;
    uint32_t least, greatest;
    bool first_not_zero;             /* the first letter is not letters[0], unless the stretch is one letter long */
    bool balanced;                   /* a uniform balanced word of letters[0] and letters[1]; lengths are pairs */
} mk_segment;

typedef struct {
    mk_task_kind kind;
    uint64_t least_steps, max_steps; /* an example is drawn again if its run takes fewer steps */
    size_t max_length;               /* in letters */
    bool must_halt;                  /* and if it does not halt within max_steps and max_length */
    uint32_t plants;                 /* patterns planted in the word of a run, at most */
    const uint32_t *asked_steps;     /* instead, words whose runs take that many steps, in turn; or NULL */
    uint32_t asked_count;            /* at least 1, unless that is NULL; each from 1 to MK_MOST_ASKED_STEPS */
    uint32_t pairs;                  /* of an `induce` example */
    mk_key_kind cipher;
    mk_cipher_place cipher_place;
    bool cipher_of_instruction;      /* the key belongs to the instruction, not to the example */
    bool traced;                     /* the steps of a run are wanted */
    bool certified;                  /* templates mention the certificate */
} mk_task_options;

typedef struct mk_rule_table mk_rule_table;

typedef struct {
    mk_philox_key key;
    uint64_t split;                  /* the split's id in the counter */

    /* Instructions. */
    const mk_rule_space *space;      /* borrowed */
    const mk_rule_space *refused;    /* a rule with a side that this one holds is passed over, or NULL */
    const uint16_t *refused_codes;   /* by letter: its code there, or MK_NO_LETTER; NULL: the same one */
    const mk_example_rule *fixed;    /* a named rule set instead, or NULL */
    uint32_t per_example;            /* rules of an instruction */
    uint64_t pool;                   /* tuples are drawn from this many rules; 0: from consecutive ones */
    uint64_t pool_first, pool_tuples;  /* which tuples, in keyed order; and how many there are in all */
    uint32_t pool_named;             /* rules that the number of a tuple names; the others are drawn */
    uint64_t turns;                  /* this many consecutive rules change places by a key; 1: none does */
    uint64_t rules;                  /* of the space that there are, or 2^62 for more */
    uint32_t bucket;                 /* candidates for one instruction, at least 1 */
    uint32_t rule_bucket;            /* rules of the space for each of their rules, at least 1 */
    uint32_t variables;              /* letters of a scheme that stand for any letter, coded from `letters` on */
    bool terminating;                /* only rule sets that are proved to terminate */
    bool cascades;                   /* whether that is asked: */
    mk_share_of cascade;             /* the share of rule sets with a replacement that holds another rule's pattern */
    uint64_t instructions;           /* in use; not read under MK_ORDER_OWN */
    mk_order order;
    const uint64_t *popularity;      /* MK_ORDER_WEIGHTED: word w uses the first instruction with popularity[j] > w */

    /* Words. */
    uint32_t letters;
    uint64_t size;                   /* examples, or MK_UNBOUNDED */
    mk_share_of no_op, near_miss;
    uint32_t near_miss_edits;
    const uint32_t *occurrences;     /* that many starts, in turn; 0 for at least one */
    uint32_t occurrence_count;       /* at least 1 */
    const uint64_t *fires;           /* cumulative weights of the rules of an example, or NULL for equal ones */
    uint32_t shortest, longest;      /* in letters */
    bool exact;                      /* the sampler `exact` */
    mk_word_class words;
    bool divides;                    /* tasks other than one-rule rewriting: words are divided */
    const mk_segment *segments;      /* instead of free letters, or NULL */
    uint32_t segment_count;

    mk_task_options task;
    uint32_t paraphrases;            /* at least 1 */

    /* Made by mk_plan_open. */
    mk_alphabet alphabet;
    uint32_t widest_pattern, widest_replacement, most_occurrences;
    size_t output_letters;           /* room for any output */
    uint64_t **hash_keys;            /* of patterns and replacements by turns, then of words */
    uint64_t hash_start;
    bool always_divided[2];          /* no rule can have too few words with it, or without it */
    _Atomic(mk_rule_table *) table;
    _Atomic bool tableless;          /* some instruction has no acceptable candidate: there will be no table */
    _Atomic uint64_t drawn;
} mk_plan;

/* The caller has filled all but the last part. */
mk_status mk_plan_open(mk_plan *plan);
void mk_plan_close(mk_plan *plan);

/* How many of the examples before `end`, a multiple of the block size or the size of the data set, have a share. */
uint64_t mk_share_before(mk_share_of share, uint64_t end);

/* The hash that divides words between train and seen; see docs/stream.md. */
uint64_t mk_plan_hash_rules(const mk_plan *plan, const mk_example_rule *rules, size_t count);
bool mk_plan_is_for_seen(const mk_plan *plan, uint64_t rules_hash, const uint8_t *word, size_t length);

/* Whether the plan's examples are one rule and one step on free words: all that the samplers of exact.h serve. */
static inline bool mk_plan_is_plain(const mk_plan *plan)
{
    return plan->per_example == 1 && plan->task.kind != MK_TASK_RUN && plan->task.kind != MK_TASK_SCHEME;
}

/* Whether some words are asked for that several.h and nearmiss.h draw. */
static inline bool mk_plan_has_several(const mk_plan *plan)
{
    if (plan->segments || plan->task.kind == MK_TASK_SCHEME)
        return false;
    return !mk_plan_is_plain(plan) || plan->near_miss.numerator != 0;
}

#endif
