#include "kernel.h"

/* memchr on the needle's middle probe, which was chosen to differ from its ends, then the two other probes. */
size_t mk_kernel_scalar(const mk_needle *needle, const uint8_t *text, size_t from, size_t stop, size_t *effort)
{
    const size_t *probe = needle->probe;
    uint8_t first = needle->bytes[probe[0]], middle = needle->bytes[probe[1]], last = needle->bytes[probe[2]];
    while (from < stop) {
        const uint8_t *hit = memchr(text + from + probe[1], middle, stop - from);
        if (!hit)
            return stop;
        from = (size_t)(hit - text) - probe[1];
        if (text[from + probe[0]] == first && text[from + probe[2]] == last) {
            if (mk_kernel_verify(needle, text, from, effort))
                return from;
            if (*effort == 0)
                return from + 1;
        }
        from++;
    }
    return stop;
}
