/* nearmiss.h - words that hold a pattern with some of its letters changed, and no pattern of a list. */
#ifndef MK_NEARMISS_H
#define MK_NEARMISS_H

#include "several.h"

#define MK_NEAR_MISS_STARTS 64

/* Draws a word of `length` letters in which none of the patterns occurs, but one that differs from patterns[which] in
 * exactly `edits` letters, 1 .. its length.  The start of that one is uniform among those that are possible; the places
 * of the edits, the letters put there and the other letters of the word are uniform among the choices that keep every
 * pattern out.  As for other words, tries come before counts; those take, after MK_SEVERAL_TRIES refusals, 16 bytes more
 * for each state and each of length + (edits + 1) * (pattern length + 1).  MK_INVALID: the pattern or another is empty,
 * the pattern longer than the word, or MK_NEAR_MISS_STARTS starts in turn were impossible, which for one pattern none
 * is. */
mk_status mk_near_miss_word(mk_several *several, mk_draws *draws, size_t which, uint32_t edits, uint8_t *word,
                            size_t length);

#endif
