/* uniform.h - words drawn uniformly among all words of a length that hold a pattern so and so often.
 *
 * Planting is tried first.  A start and the free letters are drawn uniformly, and the word is refused, with its start,
 * unless the pattern occurs first at that start (and only there, if it shall occur once): each word with the property
 * comes from one start and one choice of letters, so that all are equally likely.  After MK_UNIFORM_TRIES refusals, and
 * at once for two or more occurrences, the letters are drawn in proportion to the numbers of words ahead (census.h),
 * with the error that is stated there.
 */
#ifndef MK_UNIFORM_H
#define MK_UNIFORM_H

#include "census.h"

#define MK_UNIFORM_TRIES 64
#define MK_AT_LEAST_ONE UINT32_MAX   /* for a number of occurrences */

typedef struct mk_shape mk_shape;

/* Scratch of one thread: the automaton of the pattern at hand, and the counts of the shapes of pattern met lately.  A
 * shape is the length of every border of every beginning of the pattern; patterns of one shape have the same counts. */
typedef struct {
    uint32_t letters, longest_pattern, most; /* most: occurrences */
    size_t longest;                  /* of the words */
    mk_alphabet alphabet;
    mk_detector detector;
    mk_shape **cache;
    size_t slots;
} mk_uniform;

/* Opens a sampler for patterns of 0 .. longest_pattern letters, words of 0 .. longest letters and up to `occurrences`
 * of the pattern.  Counts take 16 bytes for each letter of the word, each of the pattern and each number of
 * occurrences from 0 (two numbers for "at least one"); those of several shapes are kept while they fit into 64 MiB. */
mk_status mk_uniform_open(mk_uniform *uniform, uint32_t letters, uint32_t longest_pattern, uint32_t occurrences,
                          size_t longest);
void mk_uniform_close(mk_uniform *uniform);

/* Draws a word of `length` letters in which exactly `occurrences` (or MK_AT_LEAST_ONE) of the pattern begin, overlaps
 * counted, uniformly among all there are.  MK_INVALID: there is no such word. */
mk_status mk_uniform_word(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, uint32_t occurrences,
                          uint8_t *word, size_t length);

/* How many such words there are: exact below 2^64, and beyond too small by less than
 * length * (e + 1) * 2^-63 of itself. */
mk_status mk_uniform_count(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t length,
                           mk_count *count);

/* The fewest letters of a word with that many occurrences: pattern length + (occurrences - 1) * smallest period.  From
 * there on every length has words, if there are two letters or more.  The pattern is not empty. */
mk_status mk_uniform_least(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t *least);

#endif
