#include "twoway.h"

#include <string.h>

/* The start of the greatest suffix of the pattern, letters ordered upwards or downwards, and that suffix's period. */
static size_t greatest_suffix(const uint8_t *p, size_t m, bool downwards, size_t *period)
{
    size_t suffix = 0, rival = 1, same = 0, step = 1;
    while (rival + same < m) {
        uint8_t a = p[rival + same], b = p[suffix + same];
        if (a == b) {
            if (++same == step) {
                rival += step;
                same = 0;
            }
        } else if ((a < b) != downwards) {
            rival += same + 1;
            same = 0;
            step = rival - suffix;
        } else {
            suffix = rival++;
            same = 0;
            step = 1;
        }
    }
    *period = step;
    return suffix;
}

mk_twoway mk_twoway_make(const uint8_t *p, size_t m)
{
    size_t up_period, down_period;
    size_t up = greatest_suffix(p, m, false, &up_period);
    size_t down = greatest_suffix(p, m, true, &down_period);
    mk_twoway plan = up > down ? (mk_twoway){up, up_period, false} : (mk_twoway){down, down_period, false};
    plan.periodic = plan.cut + plan.period <= m && memcmp(p, p + plan.period, plan.cut) == 0;
    if (!plan.periodic)
        plan.period = (plan.cut > m - plan.cut ? plan.cut : m - plan.cut) + 1;
    return plan;
}

size_t mk_twoway_search(const mk_twoway *plan, const mk_needle *needle, const uint8_t *text, size_t from, size_t stop)
{
    const uint8_t *p = needle->bytes;
    size_t m = needle->length, cut = plan->cut;
    size_t known = 0; /* a prefix of this length is known to match: only for periodic patterns */
    while (from < stop) {
        size_t i = cut > known ? cut : known;
        while (i < m && p[i] == text[from + i])
            i++;
        if (i < m) {
            from += i - cut + 1;
            known = 0;
            continue;
        }
        i = cut;
        while (i > known && p[i - 1] == text[from + i - 1])
            i--;
        if (i <= known)
            return from;
        from += plan->period;
        known = plan->periodic ? m - plan->period : 0;
    }
    return stop;
}
