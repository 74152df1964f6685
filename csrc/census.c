#include "census.h"

/* A letter that is left out, or none. */
#define NO_LETTER 256u

static inline mk_count edge_count(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit,
                                  uint32_t e, uint32_t left_out)
{
    uint32_t target = detector->target[e];
    if (detector->letter[e] == left_out)
        return MK_COUNT_ZERO;
    if (detector->mark[target] == MK_PASS)
        return ahead[target];
    return detector->mark[target] == MK_HIT && after_hit ? after_hit[target] : MK_COUNT_ZERO;
}

static inline bool is_listed(const mk_detector *detector, uint32_t state, uint32_t letter)
{
    for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
        if (detector->letter[e] == letter)
            return true;
    return false;
}

/* How many letters are neither listed nor left out. */
static inline uint32_t others_of(const mk_detector *detector, uint32_t state, uint32_t left_out)
{
    uint32_t listed = detector->last[state] - detector->first[state];
    return detector->letters - listed - (left_out != NO_LETTER && !is_listed(detector, state, left_out));
}

static inline mk_count total_of(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit,
                                uint32_t state, uint32_t left_out)
{
    mk_count total = mk_count_times(ahead[0], others_of(detector, state, left_out));
    for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
        total = mk_count_add(total, edge_count(detector, ahead, after_hit, e, left_out));
    return total;
}

void mk_census_row(const mk_detector *detector, const mk_count *ahead, const mk_count *after_hit, mk_count *row)
{
    for (uint32_t state = 0; state < detector->states; state++)
        row[state] = total_of(detector, ahead, after_hit, state, NO_LETTER);
}

mk_count mk_census_others(const mk_detector *detector, const mk_count *ahead, uint32_t state, uint8_t left_out)
{
    return total_of(detector, ahead, NULL, state, left_out);
}

/* Letter number k of those that are neither listed nor left out. */
static uint8_t other_letter(const mk_detector *detector, uint32_t state, uint32_t left_out, uint32_t k)
{
    bool apart = left_out != NO_LETTER && !is_listed(detector, state, left_out);
    uint32_t letter = k;
    for (;;) {
        uint32_t passed = apart && left_out <= letter;
        for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
            passed += detector->letter[e] <= letter;
        if (letter == k + passed)
            return (uint8_t)letter;
        letter = k + passed;
    }
}

static inline uint32_t pick(const mk_detector *detector, uint64_t point, int32_t exponent, const mk_count *ahead,
                            const mk_count *after_hit, uint32_t state, uint32_t left_out, uint8_t *letter)
{
    uint32_t none = detector->last[state], chosen = none;
    for (uint32_t e = detector->first[state]; e < none; e++) {
        mk_count count = edge_count(detector, ahead, after_hit, e, left_out);
        uint64_t units = mk_count_in_units(count, exponent);
        if (count.mantissa)
            chosen = e;
        if (point < units) {
            *letter = detector->letter[e];
            return detector->target[e];
        }
        point -= units;
    }
    /* What rounding leaves over falls to the last letter that is possible. */
    uint64_t units = mk_count_in_units(ahead[0], exponent);
    uint32_t others = others_of(detector, state, left_out);
    if (others && (units || chosen == none)) {
        uint64_t k = units ? point / units : others;
        *letter = other_letter(detector, state, left_out, k < others ? (uint32_t)k : others - 1);
        return 0;
    }
    *letter = detector->letter[chosen];
    return detector->target[chosen];
}

uint32_t mk_census_letter(const mk_detector *detector, mk_draws *draws, mk_count total, const mk_count *ahead,
                          const mk_count *after_hit, uint32_t state, uint8_t *letter)
{
    uint64_t point = mk_draws_below(draws, total.mantissa);
    return pick(detector, point, total.exponent, ahead, after_hit, state, NO_LETTER, letter);
}

uint32_t mk_census_other_letter(const mk_detector *detector, uint64_t point, int32_t exponent, const mk_count *ahead,
                                uint32_t state, uint8_t left_out, uint8_t *letter)
{
    return pick(detector, point, exponent, ahead, NULL, state, left_out, letter);
}
