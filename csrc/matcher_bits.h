/* matcher_bits.h - words of at most 64 letters: one bit per position, one mask per letter.
 *
 * A pattern's occurrences are the conjunction of its letters' masks, shifted; an edit shifts what lies behind it. */
#ifndef MK_MATCHER_BITS_H
#define MK_MATCHER_BITS_H

#include "matcher.h"

/* The longest word, and the most rules.  The scan is slower for any number of rules; for more of them than this the
 * index is there, and plans would take room for words that are seldom so short. */
enum { MK_BITS_LENGTH = 64, MK_BITS_RULES = 256 };

/* A rule in numbers of letters. */
typedef struct {
    const uint8_t *pattern;     /* the empty pattern is the one number 0, "any letter" */
    const uint8_t *replacement;
    uint8_t pattern_size;       /* numbers in `pattern`, at least 1 */
    uint8_t pattern_length;     /* at most 63 */
    uint8_t replacement_length; /* MK_BITS_LENGTH + 1 if it is longer than any word */
    bool terminal;
} mk_bits_rule;

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
