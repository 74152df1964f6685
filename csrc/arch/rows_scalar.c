#include "rows.h"

static size_t find(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m)
{
    for (size_t at = 0; at + m <= n; at++)
        if (word[at] == pattern[0] && memcmp(word + at, pattern, m) == 0)
            return at;
    return SIZE_MAX;
}

size_t mk_rows_scalar(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink)
{
    return mk_rows_rewrite(job, first, last, sink, find);
}
