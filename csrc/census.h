/* census.h - how many words go on from each state of a detector, and letters drawn in proportion.
 *
 * A row holds a count for every state: the completions by a given number of letters that have some property.  Rows are
 * filled from the end of the word to its beginning; then letters drawn in proportion to the counts ahead make every
 * word that has the property equally likely.
 *
 * How equally: a count is too small by at most (e + 1) * 2^-63 of itself more than the counts it is made of, e being
 * the most edges of a state; and a letter's share of the 2^64 values of one random word is wrong by at most as many
 * units of 2^-63 as there are choices.  The probability of any set of words of n letters is therefore within
 * n * (letters + 2 e + 4) * 2^-63 of what it should be: below 2^-44 for 10^4 letters of 26 and one pattern.
 */
#ifndef MK_CENSUS_H
#define MK_CENSUS_H

#include "count.h"
#include "detector.h"
#include "draws.h"

/* Fills a row from the row with one letter less.  A letter that makes a hit goes on in `after_hit`, which is NULL if
 * there must be none; a forbidden one does not count. */
void mk_census_row(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit, mk_count *row);

/* Draws a letter at a state whose count in the row is `total`, not 0; returns the state it leads to.  Takes one word of
 * the stream. */
uint32_t mk_census_letter(const mk_detector *detector, mk_draws *draws, mk_count total, const mk_count *ahead,
                          const mk_count *after_hit, uint32_t state, uint8_t *letter);

/* The same with one letter left out, for which the caller has a count of its own.  `point` is below what that and these
 * counts make together in units of 2^exponent, less the former. */
mk_count mk_census_others(const mk_detector *detector, const mk_count *ahead, uint32_t state, uint8_t left_out);
uint32_t mk_census_other_letter(const mk_detector *detector, uint64_t point, int32_t exponent, const mk_count *ahead,
                                uint32_t state, uint8_t left_out, uint8_t *letter);

#endif
