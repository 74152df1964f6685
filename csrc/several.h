/* several.h - words for several ordered patterns: the first one that occurs in the word is the one that is asked for.
 *
 * Pattern f "fires" in a word if it occurs there and none of the patterns before it does, as under MK_MARKOV.  Words
 * are drawn freely and refused, which needs no arithmetic, and after MK_SEVERAL_TRIES refusals by counts (census.h,
 * with the error that is stated there): no request is too rare, and one that no word meets is recognised.
 */
#ifndef MK_SEVERAL_H
#define MK_SEVERAL_H

#include "census.h"

#define MK_SEVERAL_TRIES 64

/* How words in which pattern f fires are distributed. */
typedef enum {
    MK_UNIFORM_WORDS,   /* all are equally likely */
    MK_UNIFORM_STARTS   /* the leftmost starts that are possible are equally likely, and so are the words with one */
} mk_word_law;

/* Scratch of one thread. */
typedef struct {
    uint32_t letters;
    size_t longest;
    mk_alphabet alphabet;
    const mk_needle *patterns;       /* borrowed */
    size_t count;
    mk_detector detector;
    bool built;
    size_t built_count, built_hit;   /* what the detector was built for */
    mk_count *clean;                 /* rows: completions without forbidden patterns */
    mk_count *firing;                /* those that have a hit, too */
    mk_count *before;                /* rows of the letters up to the end of what is put in */
    size_t clean_rows, firing_rows;  /* that are filled */
    size_t clean_room, firing_room, before_room;
    uint32_t *through;               /* where the wanted pattern leads from a state */
    uint8_t *reached, *start;
} mk_several;

/* Opens a sampler for lists of patterns of up to `pattern_letters` letters in all, and words of 0 .. longest letters.
 * The memory for counts is taken when a list first needs them and kept: at most 32 bytes for each state (one more than
 * the patterns have letters) and each letter of the word. */
mk_status mk_several_open(mk_several *several, uint32_t letters, size_t pattern_letters, size_t longest);
void mk_several_close(mk_several *several);

/* Names the patterns that the calls below are about.  They may be empty, equal, or parts of one another. */
void mk_several_patterns(mk_several *several, const mk_needle *patterns, size_t count);

/* Draws a word of `length` letters in which pattern number `fires` does so; fires == count: in which no pattern occurs.
 * MK_INVALID: there is no such word.  O(length) searches where words are easy to meet; else once for a list of patterns
 * O(length * edges of the automaton). */
mk_status mk_several_word(mk_several *several, mk_draws *draws, size_t fires, mk_word_law law, uint8_t *word,
                          size_t length);

/* How many such words there are: exact below 2^64, and beyond too small by less than length * (e + 1) * 2^-63 of itself,
 * e being the most edges of a state. */
mk_status mk_several_count(mk_several *several, size_t fires, size_t length, mk_count *count);

/* Shared with nearmiss.c: builds the automaton of the first `count` patterns, none of them empty, with one to be hit
 * (hit == count: none), and fills the rows of clean completions of up to `length` letters; room for `cells` counts in
 * `before`; and whether none of the first `count` patterns occurs in a word. */
mk_status mk_several_prepare(mk_several *several, size_t count, size_t hit, size_t length);
mk_status mk_several_reserve(mk_several *several, size_t cells);
bool mk_several_is_without(const mk_several *several, size_t count, const uint8_t *word, size_t length);

/* Draws letters without a forbidden pattern from a state on, by the rows that are prepared. */
void mk_several_clean_letters(mk_several *several, mk_draws *draws, uint32_t state, uint8_t *word, size_t length);

static inline mk_count *mk_several_row(const mk_several *several, mk_count *rows, size_t number)
{
    return rows + number * several->detector.states;
}

#endif
