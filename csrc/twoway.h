/* twoway.h - searching in linear time and constant space, whatever the pattern and the text. */
#ifndef MK_TWOWAY_H
#define MK_TWOWAY_H

#include "search.h"

/* Crochemore and Perrin, "Two-way string-matching", JACM 38(3), 1991.  A critical factorisation cuts the pattern in
 * a left and a right part; the right part is compared first, rightwards, then the left part, leftwards. */
typedef struct {
    size_t cut;     /* the left part is pattern[0, cut) */
    size_t period;  /* of the whole pattern if periodic, else a lower bound for a safe shift */
    bool periodic;
} mk_twoway;

/* O(length) time; length >= 1. */
mk_twoway mk_twoway_make(const uint8_t *pattern, size_t length);

/* The smallest start in [from, stop) of an occurrence, or stop; text[0, stop - 1 + length) can be read. */
size_t mk_twoway_search(const mk_twoway *plan, const mk_needle *needle, const uint8_t *text, size_t from, size_t stop);

#endif
