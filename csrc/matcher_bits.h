/* matcher_bits.h - words of at most 64 letters: one bit per position, one mask per letter.
 *
 * A pattern's occurrences are the conjunction of its letters' masks, shifted; an edit shifts what lies behind it. */
#ifndef MK_MATCHER_BITS_H
#define MK_MATCHER_BITS_H

#include "matcher.h"

/* The longest word, and the largest plan: beyond it the scan is no slower, because it need not test every rule. */
enum { MK_BITS_LENGTH = 64, MK_BITS_RULES = 64, MK_BITS_PLANES = 8 };

/* A rule as the lanes need it.  Bit b of a letter's number is in plane b. */
typedef struct {
    uint64_t facts;                    /* see below */
    uint64_t inserted[MK_BITS_PLANES]; /* the replacement, position 0 in bit 0 */
    const uint8_t *pattern;            /* numbers; the empty pattern is the one number 0, "any letter" */
    uint8_t pattern_size;              /* of these, at least 1 */
    uint8_t replacement_length;        /* MK_BITS_LENGTH + 1 if it is longer than any word */
    const uint8_t *replacement;        /* numbers */
} mk_bits_rule;

/* Fields of `facts`, each at a bit of its own, so that one number serves to select them all. */
enum {
    MK_FACT_REMOVED = 0,   /* 8 bits: the pattern's length, at most 63 */
    MK_FACT_SHRINKS = 8,   /* 8 bits: by how much the word gets shorter */
    MK_FACT_GROWS = 16,    /* 8 bits: or longer */
    MK_FACT_TERMINAL = 24, /* 1 bit */
    MK_FACT_RULE = 32
};

/* What is known of rules once they are compiled.  Letters are numbered from 1, those of the patterns first.  Rules
 * behind an empty pattern never fire and are left out, so that the numbers of rules stay. */
typedef struct mk_bits_plan {
    size_t count;
    size_t pattern_letters, letters;
    uint8_t number[256]; /* of a letter; 0: no rule has it */
    mk_bits_rule *rules;
} mk_bits_plan;

/* Gives the plan, to be freed with mk_free, or NULL if the rules do not suit.  O(rules + bytes of suitable rules). */
mk_status mk_bits_plan_make(const mk_ruleset *rules, mk_bits_plan **out);

/* A word as masks.  Letters that no pattern has are in none. */
typedef struct {
    const mk_bits_plan *plan;
    mk_strategy strategy;
    uint64_t masks[256];
} mk_bits;

/* Whether words of this length can be served.  Must hold before mk_bits_start, and after every edit. */
static inline bool mk_bits_fits(const mk_ruleset *rules, size_t length)
{
    return rules->bits && length <= MK_BITS_LENGTH;
}

/* As in matcher.h; there is nothing to allocate and nothing to stop. */
void mk_bits_start(mk_bits *bits, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length);
mk_answer mk_bits_first(const mk_bits *bits, mk_match *match);
void mk_bits_edited(mk_bits *bits, mk_match match);

#endif
