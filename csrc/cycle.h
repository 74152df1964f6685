/* cycle.h - exact cycle detection after R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980:
 * the word after step s is compared with the word after step t, the largest power of two below s. */
#ifndef MK_CYCLE_H
#define MK_CYCLE_H

#include "word.h"

/* So many may be compared a step, on average, without asking the hashes.  Tests make them few. */
#ifndef MK_CYCLE_LETTERS
#define MK_CYCLE_LETTERS 64
#endif

/* Words are compared only when nothing shows that they differ: not their lengths, not one of two letters, the first
 * that differs, counted from the left, and the last that does, counted from the right, and, if the comparisons have
 * cost more than a pass over the word and a little for each step, not the hashes of both.  The two counts stay true while
 * the edits are on their other side, so that an edit refutes both at once only if it covers everything that differs, or
 * if edits came on both sides. */
typedef struct {
    mk_word origin; /* the run's first word */
    mk_word saved;  /* after step saved_step */
    uint64_t saved_step;
    bool due; /* the word after the last step is to be saved, which failed */
    bool left_differs, right_differs;
    size_t left, right;
    size_t before, behind; /* so many letters at either end were out of the edits' reach since the word was saved */
    uint64_t compared;     /* letters, since then */
    bool hashed;           /* the hash of the saved word is known */
    uint64_t hash;
} mk_cycle;

mk_status mk_cycle_start(mk_cycle *cycle, const uint8_t *word, size_t length);
void mk_cycle_free(mk_cycle *cycle);

/* After an edit of a word that was `length` letters long before it. */
static inline void mk_cycle_edited(mk_cycle *cycle, size_t position, size_t removed, size_t length)
{
    size_t rest = length - position - removed;
    if (position <= cycle->left)
        cycle->left_differs = false;
    if (rest <= cycle->right)
        cycle->right_differs = false;
    if (position < cycle->before)
        cycle->before = position;
    if (rest < cycle->behind)
        cycle->behind = rest;
}

/* Whether nothing is known that tells a word of this length from the saved one. */
static inline bool mk_cycle_suspects(const mk_cycle *cycle, size_t length)
{
    return length == cycle->saved.length && !cycle->left_differs && !cycle->right_differs;
}

/* The first step after `step` whose word is saved. */
static inline uint64_t mk_cycle_next_save(uint64_t step)
{
    return step == 0 ? 1 : (uint64_t)2 << (63 - __builtin_clzll(step));
}

/* Whether the word after step `step` is the saved one; at powers of two it becomes that.  MK_NO_MEMORY: it is due to
 * be saved before the next step. */
mk_status mk_cycle_test(mk_run *run, bool *met);
mk_status mk_cycle_save(mk_run *run);

#endif
