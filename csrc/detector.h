/* detector.h - several patterns noticed in a word that is read from left to right, by an automaton over few edges.
 *
 * A. V. Aho and M. J. Corasick, "Efficient string matching", CACM 18(6), 1975.  A state is the longest beginning of a
 * pattern that the word read so far ends with.  Only the letters that lead to a state other than 0 are listed, so that
 * counting words costs little per letter of the patterns, whatever the alphabet.
 */
#ifndef MK_DETECTOR_H
#define MK_DETECTOR_H

#include "search.h"

/* What a state says about the letter that led to it.  Where a hit and a forbidden occurrence end together, the latter
 * counts. */
typedef enum { MK_PASS = 0, MK_HIT = 1, MK_FORBIDDEN = 2 } mk_mark;

/* The listed edges of state q are first[q] .. last[q] - 1: those to longer beginnings first, in the order in which the
 * patterns name them, then those of the state that q's failure link names, in their order. */
typedef struct {
    uint32_t letters, states;
    uint32_t *failure, *first, *last;
    uint8_t *mark;
    uint32_t *target;
    uint8_t *letter;
    uint32_t *child, *sibling, *queue;   /* of the trie, while it is built */
    uint8_t *entry;
    size_t room;                         /* for edges */
} mk_detector;

/* Opens a detector for patterns of `pattern_letters` letters in all, over letters 0 .. letters - 1. */
mk_status mk_detector_open(mk_detector *detector, uint32_t letters, size_t pattern_letters);
void mk_detector_close(mk_detector *detector);

/* Builds the automaton of patterns that are not empty.  An occurrence of patterns[hit] is a hit, of any other pattern
 * forbidden; hit == count: all are.  Time O(pattern letters * most edges of a state); at most as many edges as
 * letters, and for one pattern at most two a letter in all. */
mk_status mk_detector_build(mk_detector *detector, const mk_needle *patterns, size_t count, size_t hit);

/* The state after one more letter. */
static inline uint32_t mk_detector_next(const mk_detector *detector, uint32_t state, uint8_t letter)
{
    for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
        if (detector->letter[e] == letter)
            return detector->target[e];
    return 0;
}

#endif
