#include "kernel.h"

/* memchr on the needle's middle letter, which was chosen to differ from its ends, then its ends. */
size_t mk_kernel_scalar(const mk_needle *needle, const uint8_t *text, size_t from, size_t stop, size_t *effort)
{
    size_t middle_at = needle->middle, last_at = needle->length - 1;
    uint8_t first = needle->first_letter, middle = needle->middle_letter, last = needle->last_letter;
    while (from < stop) {
        const uint8_t *hit = memchr(text + from + middle_at, middle, stop - from);
        if (!hit)
            return stop;
        from = (size_t)(hit - text) - middle_at;
        if (text[from] == first && text[from + last_at] == last) {
            if (mk_kernel_verify(needle, text, from, effort))
                return from;
            if (*effort == 0)
                return from + 1;
        }
        from++;
    }
    return stop;
}

/* The starts in [0, stop) at which the probes match. */
static uint64_t probe(const mk_needle *needle, const uint8_t *text, size_t stop)
{
    uint64_t starts = 0;
    for (size_t at = 0; at < stop; at++)
        starts |= (uint64_t)(text[at] == needle->first_letter && text[at + needle->middle] == needle->middle_letter &&
                             text[at + needle->length - 1] == needle->last_letter) << at;
    return starts;
}

size_t mk_probe_scalar(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, uint64_t *starts)
{
    for (size_t i = 0; i < count; i++) {
        if (needles[i].length > length)
            continue;
        *starts = needles[i].length ? probe(&needles[i], text, length - needles[i].length + 1) : 1;
        if (*starts)
            return i;
    }
    return count;
}

uint32_t mk_least_scalar(const uint32_t *values, size_t count)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}

size_t mk_below_scalar(const uint32_t *values, size_t count, uint32_t limit)
{
    size_t i = 0;
    while (i < count && values[i] >= limit)
        i++;
    return i;
}
