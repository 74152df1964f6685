/* space.h - the strings of a given length as a keyed sequence, their shares, and the instructions made of them.
 *
 * A part space is the set of all strings of `length` letters, numbered lexicographically and put in an order of its
 * own by a keyed permutation sigma.  A share is a run of that order (train: the first, held-out: the last).  Sizes of
 * 2^62 and more exist only as digit strings here; the caller, which has big integers, prepares those.
 */
#ifndef MK_SPACE_H
#define MK_SPACE_H

#include "permute.h"

#define MK_RULES_AT_ONCE 32

typedef struct {
    uint32_t letters;           /* 2 .. 256 */
    uint32_t length;
    bool numbered;              /* letters^length < 2^62 */
    mk_permutation numbers;     /* sigma where numbered */
    mk_philox_key key;          /* of sigma where not */
} mk_part;

/* Opens a part space for an axis (MK_AXIS_PATTERNS or MK_AXIS_REPLACEMENTS).  Allocates nothing. */
void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint32_t letters, uint32_t length);

/* sigma and its inverse: in place, on the digits (most significant first) of a number below letters^length. */
void mk_part_permute(const mk_part *part, uint8_t *digits);
void mk_part_permute_back(const mk_part *part, uint8_t *digits);

/* A share of a part space: sigma's values at first .. first + count - 1. */
typedef struct {
    mk_part part;
    uint64_t count;             /* strings in the share, or 2^63 for more */
    uint64_t first;             /* where numbered */
    const uint8_t *first_digits, *last_digits; /* borrowed, where not numbered: the first and the last index */
} mk_share;

/* Writes the letters of the share's string number `index` < count, and, for spaces that are not numbered, of its
 * string number count - 1 - index. */
void mk_share_string(const mk_share *share, uint64_t index, uint8_t *letters);
void mk_share_string_from_last(const mk_share *share, uint64_t index, uint8_t *letters);

/* Writes the strings number indices[0 .. count - 1] (each < count of the share), each `stride` letters behind the one
 * before; at most MK_RULES_AT_ONCE of them.  Quick where many are asked for, the more so if they are neighbours. */
void mk_share_strings(const mk_share *share, const uint64_t *indices, size_t count, uint8_t *letters, size_t stride);

/* Instruction j takes pattern j mod P and replacement (j + j div lcm(P, R)) mod R; where the two are one string,
 * the replacement of the pattern's last row, which no instruction takes otherwise. */
typedef struct {
    mk_share patterns, replacements;
    uint64_t lcm;               /* of the two counts, or 2^63 for more */
    uint64_t reserve;           /* (gcd - 1 - P) mod R, where R < 2^63 */
    uint64_t possible;          /* instructions, or 2^62 for more */
} mk_rule_space;

/* A rule: the caller's room for the widest pattern and replacement, and what was written there. */
typedef struct {
    uint8_t *pattern, *replacement;
    uint32_t pattern_length, replacement_length;
    uint32_t stratum;
} mk_space_rule;

/* Writes instruction j < possible.  O(pattern + replacement), 10 Philox blocks each where they are long. */
void mk_rule_space_at(const mk_rule_space *space, uint64_t j, mk_space_rule *rule);

/* The longest pattern (side 0) or replacement (side 1). */
uint32_t mk_rule_space_widest(const mk_rule_space *space, int side);

/* Whether a string is a pattern (side 0) or a replacement (side 1) of some instruction. */
bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length);

/* Writes the instructions of those numbers, each < possible, at most MK_RULES_AT_ONCE of them and quicker together.
 * The patterns' rooms lie at equal distances, and the replacements' at the same ones. */
void mk_rule_space_many(const mk_rule_space *space, const uint64_t *numbers, size_t count, mk_space_rule *rules);

#endif
