#include "search.h"

#include <string.h>

#include "dispatch.h"
#include "twoway.h"

/* The middle probe's letter differs from both end letters if such a letter is near the pattern's start: text that
 * repeats the end letters then yields no candidates. */
static uint32_t middle_probe(const uint8_t *pattern, size_t length)
{
    size_t last = length - 1;
    uint32_t limit = last < 64 ? (uint32_t)last : 64, fallback = limit / 2;
    for (uint32_t i = 1; i < limit; i++) {
        if (pattern[i] != pattern[0] && pattern[i] != pattern[last])
            return i;
        if (pattern[fallback] == pattern[0] && pattern[i] != pattern[0])
            fallback = i;
    }
    return fallback;
}

mk_needle mk_needle_make(const uint8_t *pattern, size_t length)
{
    if (length == 0)
        return (mk_needle){pattern, 0, 0, 0, 0, 0};
    /* With three letters the letters are the whole pattern, so that a candidate needs no verification. */
    uint32_t middle = length <= 3 ? (uint32_t)length / 2 : middle_probe(pattern, length);
    return (mk_needle){pattern, length, middle, pattern[0], pattern[middle], pattern[length - 1]};
}

/* One stretch of starts: the vector kernel as long as its filter works, then the two-way search. */
static size_t search_stretch(mk_kernel *kernel, const mk_needle *needle, const uint8_t *text, size_t from, size_t stop)
{
    size_t effort = 4 * (stop - from) + 8 * needle->length;
    size_t start = kernel(needle, text, from, stop, &effort);
    if (effort > 0 || start >= stop)
        return start;
    /* The effort ran out, perhaps just at an occurrence that was found with the last of it. */
    if (memcmp(text + start, needle->bytes, needle->length) == 0)
        return start;
    mk_twoway plan = mk_twoway_make(needle->bytes, needle->length);
    return mk_twoway_search(&plan, needle, text, start, stop);
}

size_t mk_search_range(const mk_needle *needle, const uint8_t *text, size_t length, size_t from, size_t stop,
                       mk_meter *meter)
{
    size_t m = needle->length;
    if (m > length)
        return MK_NOWHERE;
    if (stop > length - m + 1)
        stop = length - m + 1;
    if (from >= stop)
        return MK_NOWHERE;
    if (m == 0)
        return from;
    mk_kernel *kernel = mk_dispatch()->search;
    /* Stretches bound the time between two polls, and are long against the pattern, which the fallback reads anew. */
    size_t stretch = ((size_t)1 << 20) + 4 * m;
    while (from < stop) {
        size_t end = stop - from > stretch ? from + stretch : stop;
        size_t start = search_stretch(kernel, needle, text, from, end);
        bool go_on = mk_meter_spend(meter, (start < end ? start - from : end - from) + m);
        if (start < end)
            return start;
        if (!go_on)
            return MK_NOWHERE;
        from = end;
    }
    return MK_NOWHERE;
}

size_t mk_search(const mk_needle *needle, const uint8_t *text, size_t length, size_t from)
{
    mk_meter meter = mk_meter_make((mk_poll){NULL, NULL});
    return mk_search_range(needle, text, length, from, SIZE_MAX, &meter);
}

/* The leftmost of the starts, at which the probes match, where all of the needle does, or MK_NOWHERE. */
static size_t verify(const mk_needle *needle, const uint8_t *text, uint64_t starts)
{
    for (; starts; starts &= starts - 1) {
        size_t at = (size_t)__builtin_ctzll(starts);
        if (needle->length <= 3 || memcmp(text + at, needle->bytes, needle->length) == 0)
            return at;
    }
    return MK_NOWHERE;
}

static size_t first_of_short(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, size_t *at)
{
    mk_probe *probe = mk_dispatch()->probe;
    uint64_t starts = 0;
    for (size_t i = 0;; i++) {
        i += probe(needles + i, count - i, text, length, &starts);
        if (i == count)
            return count;
        *at = verify(&needles[i], text, starts);
        if (*at != MK_NOWHERE)
            return i;
    }
}

size_t mk_search_first(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, size_t *at)
{
    if (length <= MK_SHORT)
        return first_of_short(needles, count, text, length, at);
    size_t i = 0;
    while (i < count && (*at = mk_search(&needles[i], text, length, 0)) == MK_NOWHERE)
        i++;
    return i;
}

bool mk_search_confirm(const mk_needle *needle, const uint8_t *text, size_t length, size_t start, bool alone)
{
    if (length > MK_SHORT || !needle->length) {
        if (mk_search(needle, text, length, 0) != start)
            return false;
        return !alone || mk_search(needle, text, length, start + 1) == MK_NOWHERE;
    }
    uint64_t starts = 0, here = (uint64_t)1 << start;
    (void)mk_dispatch()->probe(needle, 1, text, length, &starts);
    return verify(needle, text, starts & (alone ? ~here : here - 1)) == MK_NOWHERE;
}
