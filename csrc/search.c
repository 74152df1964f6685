#include "search.h"

#include <string.h>

mk_needle mk_needle_make(const uint8_t *pattern, size_t length)
{
    size_t last = length ? length - 1 : 0;
    return (mk_needle){pattern, length, {0, last / 2, last}};
}

size_t mk_search(const mk_needle *needle, const uint8_t *text, size_t length, size_t from)
{
    size_t m = needle->length;
    if (from > length || m > length - from)
        return MK_NOWHERE;
    for (size_t i = from; i <= length - m; i++)
        if (memcmp(text + i, needle->bytes, m) == 0)
            return i;
    return MK_NOWHERE;
}
