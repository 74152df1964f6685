#include "cycle.h"

#include <string.h>

#include "run.h"

static void begin(mk_cycle *cycle, uint64_t step)
{
    cycle->saved_step = step;
    cycle->left_differs = cycle->right_differs = cycle->due = cycle->hashed = false;
    cycle->before = cycle->behind = cycle->saved.length;
    cycle->compared = 0;
}

mk_status mk_cycle_start(mk_cycle *cycle, const uint8_t *word, size_t length)
{
    mk_status status = mk_word_set(&cycle->origin, word, length);
    if (status == MK_OK)
        status = mk_word_set(&cycle->saved, word, length);
    begin(cycle, 0);
    return status;
}

void mk_cycle_free(mk_cycle *cycle)
{
    mk_word_free(&cycle->origin);
    mk_word_free(&cycle->saved);
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
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

/* The same for a flat stretch and the letters of a tree from a place on, or up to it. */
static size_t same_before_in_tree(const mk_leaf *leaf, size_t offset, const uint8_t *b, size_t length)
{
    size_t at = 0;
    for (; at < length; leaf = leaf->next, offset = 0) {
        size_t here = lesser(leaf->length - offset, length - at);
        size_t same = same_before(leaf->bytes + offset, b + at, here);
        at += same;
        if (same < here)
            break;
    }
    return at;
}

static size_t same_behind_in_tree(const mk_leaf *leaf, size_t offset, const uint8_t *b, size_t length)
{
    size_t left = length;
    while (left > 0) {
        size_t here = lesser(offset, left);
        size_t same = same_behind(leaf->bytes + offset - here, b + left - here, here);
        left -= same;
        if (same < here)
            break;
        leaf = leaf->previous;
        offset = leaf ? leaf->length : 0;
    }
    return length - left;
}

/* Counts letters as work: a scan that spends its time here gives way to the index. */
static void spend(mk_run *run, size_t letters)
{
    run->cycle.compared += letters;
    mk_meter_spend(&run->meter, letters);
    if (run->matcher == MK_SCAN)
        run->scan.work += letters;
}

static size_t same_from(mk_run *run, size_t position, size_t length)
{
    const uint8_t *saved = mk_word_bytes(&run->cycle.saved) + position;
    if (run->matcher != MK_INDEX)
        return same_before(mk_word_bytes(&run->word) + position, saved, length);
    const mk_leaf *leaf = mk_index_at(&run->index, &position);
    return same_before_in_tree(leaf, position, saved, length);
}

static size_t same_up_to(mk_run *run, size_t position, size_t length)
{
    const uint8_t *saved = mk_word_bytes(&run->cycle.saved) + position - length;
    if (run->matcher != MK_INDEX)
        return same_behind(mk_word_bytes(&run->word) + position - length, saved, length);
    const mk_leaf *leaf = mk_index_at(&run->index, &position);
    return same_behind_in_tree(leaf, position, saved, length);
}

/* Requires equal lengths.  Notes where the words differ; where no edit has been, they do not. */
static bool compare(mk_run *run)
{
    mk_cycle *c = &run->cycle;
    size_t touched = run->length - c->before - c->behind;
    size_t same = same_from(run, c->before, touched);
    spend(run, same + 1);
    if (same == touched)
        return true;
    c->left = c->before + same;
    same = same_up_to(run, run->length - c->behind, touched);
    spend(run, same + 1);
    c->right = c->behind + same;
    c->left_differs = c->right_differs = true;
    return false;
}

/* Whether to ask the hashes first.  A flat word has none that would be cheaper than to compare it. */
static bool is_dear(const mk_run *run)
{
    const mk_cycle *c = &run->cycle;
    uint64_t allowed = run->length + MK_CYCLE_LETTERS * (run->steps - c->saved_step);
    return run->matcher == MK_INDEX && c->compared > allowed;
}

static bool hashes_differ(mk_run *run)
{
    mk_cycle *c = &run->cycle;
    if (!c->hashed) {
        c->hash = mk_hash_bytes(mk_word_bytes(&c->saved), c->saved.length).value;
        c->hashed = true;
        mk_meter_spend(&run->meter, c->saved.length);
    }
    return mk_tree_hash(&run->index.tree).value != c->hash;
}

static void copy_from_index(mk_run *run, size_t position, size_t length, uint8_t *to)
{
    const mk_leaf *leaf = mk_index_at(&run->index, &position);
    mk_tree_copy(leaf, position, length, to);
}

/* What no edit has reached is in the saved word already. */
mk_status mk_cycle_save(mk_run *run)
{
    mk_cycle *c = &run->cycle;
    size_t kept = c->before + c->behind, changed = run->length - kept;
    c->due = true;
    mk_status status = mk_word_open(&c->saved, c->before, c->saved.length - kept, changed, &run->meter);
    if (status != MK_OK)
        return status;
    uint8_t *to = c->saved.buffer + c->saved.start + c->before;
    if (run->matcher == MK_INDEX)
        copy_from_index(run, c->before, changed, to);
    else if (changed)
        memcpy(to, mk_word_bytes(&run->word) + c->before, changed);
    mk_meter_spend(&run->meter, changed);
    begin(c, run->steps);
    return MK_OK;
}

mk_status mk_cycle_test(mk_run *run, bool *met)
{
    *met = mk_cycle_suspects(&run->cycle, run->length) && !(is_dear(run) && hashes_differ(run)) && compare(run);
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
