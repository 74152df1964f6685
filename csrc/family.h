/* family.h - strings with a form: each letter repeats one of the free digits, as in aaabbbccc or abcabc; less the
 * strings that belong to the families listed before.
 *
 * The excluded strings are a union of sets A(Q), each of the strings that are equal within the blocks of a partition Q
 * of the free digits.  The sum over some Q of coefficient(Q) * |A(Q)| counts each of them once: inclusion and
 * exclusion, which the caller, who has big integers, prepares.  Here it serves to number them.
 */
#ifndef MK_FAMILY_H
#define MK_FAMILY_H

#include "markov.h"

#define MK_LONGEST_PART 65536u       /* letters of a pattern or a replacement */

typedef struct {
    int32_t coefficient;
    const uint32_t *first;           /* by free digit: the first digit of its block */
} mk_overlap;

typedef struct {
    uint32_t letters;                /* 2 .. 256 */
    uint32_t length, free;           /* letters of a string, and free digits: free <= length <= MK_LONGEST_PART */
    const uint32_t *source;          /* by letter: its free digit, source[i] <= i; NULL: the digits are the letters */
    const mk_overlap *overlaps;
    uint32_t overlap_count;
    uint32_t listed;                 /* the first so many overlaps hold all that is excluded */
    const uint8_t *allowed;          /* how many strings are left, as `free` digits, the most significant first */
} mk_family;

/* Turns free digits into letters, in place. */
void mk_family_expand(const mk_family *family, uint8_t *letters);

/* Writes the free digits of `length` letters; false: they have not the form. */
bool mk_family_reduce(const mk_family *family, const uint8_t *letters, uint8_t *digits);

/* Whether the string of these free digits belongs to a family listed before. */
bool mk_family_excludes(const mk_family *family, const uint8_t *digits);

/* Writes allowed + r, r being the number of excluded strings before `digits` in lexicographic order, as free digits;
 * and back: the excluded string of a number >= allowed.  O(overlaps * free); back, 9 * free times that. */
void mk_family_number(const mk_family *family, const uint8_t *digits, uint8_t *number);
void mk_family_excluded(const mk_family *family, const uint8_t *number, uint8_t *digits);

#endif
