#include "cycle.h"

#include <string.h>

#include "run.h"

mk_status mk_cycle_start(mk_cycle *cycle, const uint8_t *word, size_t length)
{
    mk_status status = mk_word_set(&cycle->origin, word, length);
    if (status == MK_OK)
        status = mk_word_set(&cycle->saved, word, length);
    cycle->saved_step = 0;
    cycle->left_differs = cycle->right_differs = cycle->due = false;
    return status;
}

void mk_cycle_free(mk_cycle *cycle)
{
    mk_word_free(&cycle->origin);
    mk_word_free(&cycle->saved);
}

/* How many letters two stretches have in common at their beginnings, or at their ends. */
static size_t same_before(const uint8_t *a, const uint8_t *b, size_t length)
{
    size_t i = 0;
    while (i + 64 <= length && memcmp(a + i, b + i, 64) == 0)
        i += 64;
    while (i < length && a[i] == b[i])
        i++;
    return i;
}

static size_t same_behind(const uint8_t *a, const uint8_t *b, size_t length)
{
    size_t i = length;
    while (i >= 64 && memcmp(a + i - 64, b + i - 64, 64) == 0)
        i -= 64;
    while (i > 0 && a[i - 1] == b[i - 1])
        i--;
    return length - i;
}

/* The same for a word in a tree and a flat one of its length. */
static size_t same_before_in_tree(const mk_tree *tree, const uint8_t *b)
{
    size_t at = 0, same;
    for (const mk_leaf *leaf = tree->first; leaf; leaf = leaf->next) {
        same = same_before(leaf->bytes, b + at, leaf->length);
        at += same;
        if (same < leaf->length)
            break;
    }
    return at;
}

static size_t same_behind_in_tree(const mk_tree *tree, const uint8_t *b)
{
    size_t at = tree->length, same;
    for (const mk_leaf *leaf = mk_tree_last(tree); leaf; leaf = leaf->previous) {
        same = same_behind(leaf->bytes, b + at - leaf->length, leaf->length);
        at -= same;
        if (same < leaf->length)
            break;
    }
    return tree->length - at;
}

/* Requires equal lengths.  Notes where the words differ. */
static bool compare(mk_run *run)
{
    mk_cycle *c = &run->cycle;
    const uint8_t *saved = mk_word_bytes(&c->saved);
    bool flat = run->matcher != MK_INDEX;
    c->left = flat ? same_before(mk_word_bytes(&run->word), saved, run->length)
                   : same_before_in_tree(&run->index.tree, saved);
    run->meter.letters += c->left + 1;
    if (c->left == run->length)
        return true;
    c->right = flat ? same_behind(mk_word_bytes(&run->word), saved, run->length)
                    : same_behind_in_tree(&run->index.tree, saved);
    run->meter.letters += c->right + 1;
    c->left_differs = c->right_differs = true;
    return false;
}

mk_status mk_cycle_save(mk_run *run)
{
    mk_cycle *c = &run->cycle;
    mk_status status;
    c->due = true;
    if (run->matcher == MK_INDEX) {
        status = mk_word_make(&c->saved, run->length);
        if (status == MK_OK)
            mk_tree_copy(&run->index.tree, c->saved.buffer + c->saved.start);
    } else {
        status = mk_word_set(&c->saved, mk_word_bytes(&run->word), run->length);
    }
    if (status != MK_OK)
        return status;
    mk_meter_spend(&run->meter, run->length);
    c->saved_step = run->steps;
    c->left_differs = c->right_differs = c->due = false;
    return MK_OK;
}

mk_status mk_cycle_test(mk_run *run, bool *met)
{
    *met = mk_cycle_suspects(&run->cycle, run->length) && compare(run);
    return *met || (run->steps & (run->steps - 1)) != 0 ? MK_OK : mk_cycle_save(run);
}

/* ---- where the loop begins ---------------------------------------------------------------------------------------- */

static bool same_word(mk_word *a, mk_word *b)
{
    return a->length == b->length && memcmp(mk_word_bytes(a), mk_word_bytes(b), a->length) == 0;
}

/* Runs a word on for some steps and puts the result into another. */
static mk_status advance(const mk_run *run, mk_run *scratch, const mk_word *from, uint64_t steps, mk_word *to,
                         mk_poll poll)
{
    mk_options options = {MK_NO_LIMIT, MK_NO_LIMIT, run->options.strategy, false, run->options.matcher};
    mk_status status = mk_run_start(scratch, run->rules, mk_word_bytes(from), from->length, &options);
    if (status == MK_OK)
        status = mk_run_step(scratch, steps, poll);
    if (status == MK_OK)
        status = mk_word_make(to, scratch->length);
    if (status == MK_OK)
        mk_run_copy(scratch, to->buffer + to->start);
    return status;
}

/* The words after step s and step s + period are the same from the loop's first step on, and never before: bisection,
 * which takes as many steps as the loop begins after, twice over, and a period. */
typedef struct {
    mk_run run;
    mk_word behind, ahead, next_behind, next_ahead;
} search;

static mk_status bisect(const mk_run *run, search *s, uint64_t period, mk_poll poll, uint64_t *start)
{
    uint64_t low = 0, high = run->cycle.saved_step;
    mk_status status = mk_word_set(&s->behind, mk_word_bytes(&run->cycle.origin), run->cycle.origin.length);
    if (status == MK_OK)
        status = advance(run, &s->run, &s->behind, period, &s->ahead, poll);
    if (status == MK_OK && same_word(&s->behind, &s->ahead))
        high = 0;
    /* The words after `low` steps differ, those after `high` are the same. */
    while (status == MK_OK && high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        status = advance(run, &s->run, &s->behind, middle - low, &s->next_behind, poll);
        if (status == MK_OK)
            status = advance(run, &s->run, &s->ahead, middle - low, &s->next_ahead, poll);
        if (status == MK_OK && same_word(&s->next_behind, &s->next_ahead)) {
            high = middle;
        } else if (status == MK_OK) {
            low = middle;
            mk_word swap = s->behind;
            s->behind = s->next_behind;
            s->next_behind = swap;
            swap = s->ahead;
            s->ahead = s->next_ahead;
            s->next_ahead = swap;
        }
    }
    *start = high;
    return status;
}

mk_status mk_run_cycle(const mk_run *run, mk_poll poll, uint64_t *start, uint64_t *period)
{
    if (run->outcome != MK_CYCLE)
        return MK_INVALID;
    search s = {0};
    uint64_t first, length = run->steps - run->cycle.saved_step;
    mk_status status = bisect(run, &s, length, poll, &first);
    mk_run_release(&s.run);
    mk_word_free(&s.behind);
    mk_word_free(&s.ahead);
    mk_word_free(&s.next_behind);
    mk_word_free(&s.next_ahead);
    if (status == MK_OK) {
        *start = first;
        *period = length;
    }
    return status;
}
