/* space.h - the strings of a given form as a keyed sequence, their shares, and the instructions made of two of them.
 *
 * A part space is the set of all strings of a length, or of those that a family leaves (family.h), put in an order of
 * its own by a keyed permutation sigma of its free digits.  A share is a run of that order (train: the first, held-out:
 * the last).  Sizes of 2^62 and more exist only as digit strings here; the caller, which has big integers, prepares
 * those.
 */
#ifndef MK_SPACE_H
#define MK_SPACE_H

#include "family.h"
#include "permute.h"

#define MK_RULES_AT_ONCE 32

typedef struct {
    uint32_t letters;           /* 2 .. 256 */
    uint32_t length;            /* free digits */
    bool numbered;              /* letters^length < 2^62 */
    mk_permutation numbers;     /* sigma where numbered */
    mk_philox_key key;          /* of sigma where not */
} mk_part;

/* Opens a part space for an axis (MK_AXIS_PATTERNS or MK_AXIS_REPLACEMENTS); `form` names the family in the key, 0 for
 * all strings.  Allocates nothing. */
void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint64_t form, uint32_t letters, uint32_t length);

/* sigma and its inverse: in place, on the digits (most significant first) of a number below letters^length. */
void mk_part_permute(const mk_part *part, uint8_t *digits);
void mk_part_permute_back(const mk_part *part, uint8_t *digits);

/* A share of a part space: the strings number first .. first + count - 1.  String j is sigma(j); if that one is
 * excluded, with the number allowed + r in mk_family_number's words, sigma of that number, and so on. */
typedef struct {
    mk_part part;
    const mk_family *family;    /* borrowed; NULL: every string of part.length letters */
    uint64_t count;             /* strings in the share, or 2^63 for more */
    uint64_t first;             /* where numbered */
    const uint8_t *first_digits, *last_digits; /* borrowed, where not numbered: the first and the last index */
} mk_share;

static inline uint32_t mk_share_length(const mk_share *share)
{
    return share->family ? share->family->length : share->part.length;
}

/* Makes strings quicker where sigma is of few numbers, for up to 64 KiB; they stay what they were.  MK_NO_MEMORY: they are
 * only slower.  Closing frees what this takes. */
mk_status mk_share_tabulate(mk_share *share);
void mk_share_close(mk_share *share);

/* Writes the letters of the share's string number `index` < count, and, for spaces that are not numbered, of its
 * string number count - 1 - index. */
void mk_share_string(const mk_share *share, uint64_t index, uint8_t *letters);
void mk_share_string_from_last(const mk_share *share, uint64_t index, uint8_t *letters);

/* Whether the share has the string of these letters, which are as many as its strings have. */
bool mk_share_holds(const mk_share *share, const uint8_t *letters);

/* A share read from string number `offset` on, and round. */
typedef struct {
    const mk_share *share;      /* borrowed */
    uint64_t offset;            /* below count, or 2^63 for more */
    uint64_t head;              /* count - offset, or 2^63 for more */
    const uint8_t *start_digits, *before_digits; /* borrowed, where not numbered and offset > 0: the index of that
                                                    string, and of the one before it */
} mk_side;

/* Instruction j takes pattern j mod P and replacement (j + j div lcm(P, R)) mod R; where the two are one string,
 * the replacement of the pattern's last row, which no instruction takes otherwise. */
typedef struct {
    mk_side patterns, replacements;
    uint64_t lcm;               /* of the two counts, or 2^63 for more */
    uint64_t reserve;           /* (gcd - 1 - P) mod R, where R < 2^63 */
    uint64_t possible;          /* instructions, or 2^62 for more */
    uint32_t candidates;        /* as many of them stand for a rule, at least 1 */
    const uint32_t *accepted;   /* borrowed: those that will do, if that is known; then candidates is 1 */
} mk_stratum;

/* Writes instruction j < possible.  O(pattern + replacement), 10 Philox blocks each where they are long. */
void mk_stratum_at(const mk_stratum *stratum, uint64_t j, uint8_t *pattern, uint8_t *replacement);

/* Writes the instructions of those numbers, at most MK_RULES_AT_ONCE, each to rooms of its own; quicker together, the
 * more so where the rooms lie at equal distances. */
void mk_stratum_many(const mk_stratum *stratum, const uint64_t *numbers, size_t count, uint8_t *const *patterns,
                     uint8_t *const *replacements);

#endif
