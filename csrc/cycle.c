/* Exact cycle detection after R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980: the word
 * after step s is compared with the word after step t, the largest power of two below s. */
#include <string.h>

#include "run.h"

static bool same_word(const mk_word *a, const mk_word *b)
{
    return a->length == b->length && memcmp(mk_word_bytes(a), mk_word_bytes(b), a->length) == 0;
}

mk_status mk_cycle_start(mk_run *run)
{
    mk_status status = mk_word_set(&run->origin, mk_word_bytes(&run->word), run->word.length);
    if (status == MK_OK)
        status = mk_word_set(&run->saved, mk_word_bytes(&run->word), run->word.length);
    run->saved_step = 0;
    return status;
}

/* A failure to save the word leaves the older one, whose step is no power of two below the next one any more; the
 * run then keeps comparing with the older word until the next power of two, so it can be continued, later to find
 * the same cycle with a larger `steps`. */
mk_status mk_cycle_test(mk_run *run, bool *met)
{
    *met = same_word(&run->word, &run->saved);
    if (run->word.length == run->saved.length)
        mk_meter_spend(&run->meter, run->word.length);
    if (*met || (run->steps & (run->steps - 1)) != 0)
        return MK_OK;
    mk_status status = mk_word_set(&run->saved, mk_word_bytes(&run->word), run->word.length);
    if (status == MK_OK)
        run->saved_step = run->steps;
    return status;
}

/* Two runs, one a period ahead of the other, meet for the first time at the loop's first step. */
static mk_status meet(const mk_run *run, uint64_t period, mk_run *behind, mk_run *ahead, mk_poll poll, uint64_t *start)
{
    mk_options options = {MK_NO_LIMIT, MK_NO_LIMIT, run->options.strategy, false, run->options.matcher};
    const uint8_t *origin = mk_word_bytes(&run->origin);
    mk_status status = mk_run_start(behind, run->rules, origin, run->origin.length, &options);
    if (status == MK_OK)
        status = mk_run_start(ahead, run->rules, origin, run->origin.length, &options);
    if (status == MK_OK)
        status = mk_run_step(ahead, period, poll);
    while (status == MK_OK && !same_word(&behind->word, &ahead->word)) {
        status = mk_run_step(behind, 1, poll);
        if (status == MK_OK)
            status = mk_run_step(ahead, 1, poll);
    }
    *start = behind->steps;
    return status;
}

mk_status mk_run_cycle(const mk_run *run, mk_poll poll, uint64_t *start, uint64_t *period)
{
    if (run->outcome != MK_CYCLE)
        return MK_INVALID;
    mk_run behind = {0}, ahead = {0};
    uint64_t first, length = run->steps - run->saved_step;
    mk_status status = meet(run, length, &behind, &ahead, poll, &first);
    mk_run_release(&behind);
    mk_run_release(&ahead);
    if (status == MK_OK) {
        *start = first;
        *period = length;
    }
    return status;
}
