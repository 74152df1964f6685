/* search.h - the leftmost occurrence of one pattern: SIMD, chosen at run time, with a linear-time fallback. */
#ifndef MK_SEARCH_H
#define MK_SEARCH_H

#include "markov.h"
#include "meter.h"

#define MK_NOWHERE SIZE_MAX
#define MK_SHORT ((size_t)64)         /* letters of a text that one vector holds */

/* A pattern prepared for searching.  It borrows the pattern's bytes.  The vector filter compares its first letter,
 * the one at `middle` and the last one before anything is verified. */
typedef struct {
    const uint8_t *bytes;
    size_t length;
    uint32_t middle;
    uint8_t first_letter, middle_letter, last_letter; /* 0 in the empty pattern */
} mk_needle;

/* Prepares a needle.  O(min(length, 64)), no allocation. */
mk_needle mk_needle_make(const uint8_t *pattern, size_t length);

/* The smallest start >= from of an occurrence of the needle in text[0, length), or MK_NOWHERE.  The empty pattern
 * occurs at every start up to and including length.  O(length - from + needle length) in the worst case. */
size_t mk_search(const mk_needle *needle, const uint8_t *text, size_t length, size_t from);

/* The first of `count` needles that occurs in the text, with its leftmost start in *at, or `count`.  Quick for short
 * texts. */
size_t mk_search_first(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, size_t *at);

/* Of a needle that occurs at `start`: whether it occurs nowhere before and, where it shall be alone, nowhere behind. */
bool mk_search_confirm(const mk_needle *needle, const uint8_t *text, size_t length, size_t start, bool alone);

/* As mk_search among the starts in [from, stop) only, its letters counted by the meter.  When the meter stops the
 * search, the answer is MK_NOWHERE and meter->stopped is set. */
size_t mk_search_range(const mk_needle *needle, const uint8_t *text, size_t length, size_t from, size_t stop,
                       mk_meter *meter);

#endif
