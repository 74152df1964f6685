/* exact.h - uniform words with a stated number of occurrences of a pattern, by dynamic programming.
 *
 * Reading a word, the Knuth-Morris-Pratt automaton of the pattern knows how much of the pattern has just been read.
 * The weight of a state is the share of completions of the word that have the property; drawing letters in
 * proportion to the weights ahead draws every word that has it with the same probability, up to rounding: the
 * relative error of a weight is below (letters left + 2) * 2^-51.
 */
#ifndef MK_EXACT_H
#define MK_EXACT_H

#include "draws.h"

/* The automaton: `border[q]` is the longest proper border of the pattern's first q letters.  From state q the
 * listed letters lead to the listed states (at most 2 * length in all), every other letter to state 0. */
typedef struct {
    uint32_t length;
    const uint8_t *pattern;     /* borrowed */
    uint32_t *border;           /* length + 1 */
    uint32_t *first;            /* length + 1: the edges of state q are first[q] .. first[q + 1] - 1 */
    uint32_t *target;
    uint8_t *letter;
} mk_automaton;

typedef struct mk_weights mk_weights;

/* The sampler: the automaton of the pattern at hand, and weights kept for the shapes of pattern met lately. */
typedef struct {
    uint32_t letters, length;   /* of the alphabet; of the patterns */
    mk_alphabet alphabet;
    uint32_t layers;            /* occurrences to count, at least 1 */
    size_t longest;             /* of the words */
    mk_automaton automaton;
    double *shrink;             /* letters^-i for i up to length + 1 */
    bool built;                 /* automaton and weights are those of the pattern at hand */
    mk_weights *weights, **cache;
    size_t slots;
} mk_exact;

/* Opens a sampler for patterns of `length` >= 1 letters and words up to `longest`.  `occurrences` is the largest
 * number it will be asked for. */
mk_status mk_exact_open(mk_exact *exact, uint32_t letters, uint32_t length, uint32_t occurrences, size_t longest);
void mk_exact_close(mk_exact *exact);

/* Names the pattern that the calls below are about.  Costs nothing until one of them needs it. */
void mk_exact_pattern(mk_exact *exact, const uint8_t *pattern);

/* The smallest period of the pattern at hand. */
uint32_t mk_exact_period(mk_exact *exact);

/* Whether at least `enough` words of a length in [shortest, longest] have exactly `occurrences` occurrences (0: none;
 * with `or_more`, at least that many).  Stops counting as soon as the answer is known.  The alphabet has two letters
 * or more, so that counts do not fall as words grow. */
mk_status mk_exact_has_words(mk_exact *exact, size_t shortest, uint32_t occurrences, bool or_more, uint64_t enough,
                             bool *answer);

/* Draws a word of `length` letters without the pattern. */
mk_status mk_exact_avoid(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t length);

/* Draws the `start` letters before the leftmost occurrence, which begins at `start`. */
mk_status mk_exact_before(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t start);

/* Draws the `left` letters after an occurrence so that exactly `more` further occurrences begin after it. */
mk_status mk_exact_after(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t left, uint32_t more);

#endif
