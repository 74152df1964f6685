/* strata.h - a rule space as rule sets see it: strata that take turns by weight, or a list of rules.
 *
 * Where not every rule will do, either those that will are known, or a rule has candidates, all of them of its stratum,
 * of which the first that will do is to be taken.  So what is refused does not change how often a stratum has its turn.
 *
 * Turns go by periods, in each of which a stratum has as many as its weight says.  A phase is a run of periods that are
 * alike; the next one begins when a stratum runs out of rules and others take its turns.  The caller prepares all of
 * this (markovlib/quotas.py); it is only read here, so that threads may share a space.
 */
#ifndef MK_STRATA_H
#define MK_STRATA_H

#include "space.h"

#define MK_NO_LETTER 256u

typedef struct {
    uint16_t stratum;
    uint16_t rank;               /* the stratum's turns before this one in the period */
} mk_turn;

typedef struct {
    uint64_t start;              /* its first instruction */
    uint32_t period;             /* turns in a period, at least 1 */
    const mk_turn *turns;
    const uint32_t *weights;     /* by stratum: its turns in a period */
    const uint64_t *bases;       /* by stratum: its turns in the phases before */
} mk_phase;

/* Rule n is the strings 2 * n and 2 * n + 1; string i is letters[offsets[i], offsets[i + 1]). */
typedef struct {
    const uint8_t *letters;
    const uint64_t *offsets;
    size_t count;
    uint32_t candidates;         /* as those of a stratum */
    const uint32_t *accepted;
    mk_permutation order;        /* candidate j is rule order(j) */
    const uint32_t *sorted[2];   /* the rules by pattern, by replacement: shorter ones first, then in order of letters */
} mk_rule_list;

/* All is borrowed. */
typedef struct {
    const mk_share *shares[2];   /* of patterns, of replacements; no string is in two of a side */
    size_t share_count[2];
    const mk_stratum *strata;
    size_t stratum_count;        /* 0: the rules are those of `list` */
    const mk_phase *phases;      /* by start, the first one at 0 */
    size_t phase_count;
    mk_rule_list list;
    uint64_t possible;           /* rules that have candidates, or 2^62 for more */
} mk_rule_space;

typedef struct {
    uint8_t *pattern, *replacement;  /* the caller's, with room for the widest of the space */
    uint32_t pattern_length, replacement_length;
    uint32_t stratum;
} mk_space_rule;

/* How many candidates stand for rule j < possible. */
uint32_t mk_rule_space_candidates(const mk_rule_space *space, uint64_t j);

/* Writes a candidate for rule j < possible: letters into the caller's room, and the lengths. */
void mk_rule_space_at(const mk_rule_space *space, uint64_t j, uint32_t candidate, mk_space_rule *rule);

/* Writes the first candidates for the rules of those numbers, each < possible, at most MK_RULES_AT_ONCE of them and
 * quicker together. */
void mk_rule_space_many(const mk_rule_space *space, const uint64_t *numbers, size_t count, mk_space_rule *rules);

/* Which stratum rule j belongs to, and the number of its first candidate there. */
size_t mk_rule_space_turn(const mk_rule_space *space, uint64_t j, uint64_t *index);

/* Writes instruction `index` of a stratum (of the list, if there are none). */
void mk_rule_space_in(const mk_rule_space *space, size_t stratum, uint64_t index, mk_space_rule *rule);

/* Whether a pattern (side 0) or a replacement (side 1) of the space has these letters. */
bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length);

/* The same of letters of another alphabet: `codes` has the number of each in the space's, or MK_NO_LETTER; NULL: it is
 * the same alphabet.  `scratch` has room for the letters. */
bool mk_rule_space_holds_other(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length,
                               const uint16_t *codes, uint8_t *scratch);

/* The length of the longest pattern or replacement. */
uint32_t mk_rule_space_widest(const mk_rule_space *space, int side);

#endif
