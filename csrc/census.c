#include "census.h"

static mk_count edge_count(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit, uint32_t e)
{
    uint32_t target = detector->target[e];
    if (detector->mark[target] == MK_PASS)
        return ahead[target];
    return detector->mark[target] == MK_HIT && after_hit ? after_hit[target] : MK_COUNT_ZERO;
}

static uint32_t unlisted(const mk_detector *detector, uint32_t state)
{
    return detector->letters - (detector->last[state] - detector->first[state]);
}

void mk_census_row(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit, mk_count *row)
{
    for (uint32_t state = 0; state < detector->states; state++) {
        mk_count total = mk_count_times(ahead[0], unlisted(detector, state));
        for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
            total = mk_count_add(total, edge_count(detector, ahead, after_hit, e));
        row[state] = total;
    }
}

/* Letter number k of those that are not listed. */
static uint8_t unlisted_letter(const mk_detector *detector, uint32_t state, uint32_t k)
{
    uint32_t letter = k;
    for (;;) {
        uint32_t passed = 0;
        for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
            passed += detector->letter[e] <= letter;
        if (letter == k + passed)
            return (uint8_t)letter;
        letter = k + passed;
    }
}

uint32_t mk_census_letter(const mk_detector *detector, mk_draws *draws, mk_count total, const mk_count *ahead,
                          const mk_count *after_hit, uint32_t state, uint8_t *letter)
{
    uint64_t point = mk_draws_below(draws, total.mantissa);
    uint32_t chosen = detector->last[state];
    for (uint32_t e = detector->first[state]; e < detector->last[state]; e++) {
        mk_count count = edge_count(detector, ahead, after_hit, e);
        uint64_t units = mk_count_in_units(count, total.exponent);
        if (count.mantissa)
            chosen = e;
        if (point < units) {
            *letter = detector->letter[e];
            return detector->target[e];
        }
        point -= units;
    }
    /* What rounding leaves over falls to the last letter that is possible. */
    uint64_t units = mk_count_in_units(ahead[0], total.exponent);
    uint32_t others = unlisted(detector, state);
    if (others && units) {
        uint64_t k = point / units;
        *letter = unlisted_letter(detector, state, k < others ? (uint32_t)k : others - 1);
        return 0;
    }
    *letter = detector->letter[chosen];
    return detector->target[chosen];
}
