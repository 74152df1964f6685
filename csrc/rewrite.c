/* A rule per row, one step: first every position and length, then, with exact offsets, every word. */
#include <string.h>

#include "parallel.h"
#include "search.h"

enum { ROWS_PER_ITEM = 4096 };

typedef struct {
    mk_column patterns, replacements, words;
    mk_rows *out;
    int64_t *positions;
} job;

typedef struct {
    const uint8_t *bytes;
    size_t length;
} span;

static span row_of(mk_column column, size_t row)
{
    const int64_t *at = column.offsets + (column.count == 1 ? 0 : row);
    return (span){column.data + at[0], (size_t)(at[1] - at[0])};
}

static size_t last_row(const job *j, size_t first)
{
    size_t rest = j->words.count - first;
    return first + (rest < ROWS_PER_ITEM ? rest : ROWS_PER_ITEM);
}

static mk_status locate(void *context, size_t worker, size_t item, mk_poll poll)
{
    job *j = context;
    mk_meter meter = mk_meter_make(poll);
    (void)worker;
    size_t first = item * ROWS_PER_ITEM, end = last_row(j, first);
    for (size_t row = first; row < end; row++) {
        span pattern = row_of(j->patterns, row), word = row_of(j->words, row);
        mk_needle needle = mk_needle_make(pattern.bytes, pattern.length);
        size_t at = mk_search_range(&needle, word.bytes, word.length, 0, SIZE_MAX, &meter);
        if (meter.stopped)
            return MK_INTERRUPTED;
        size_t length = word.length;
        if (at != MK_NOWHERE)
            length = length - pattern.length + row_of(j->replacements, row).length;
        j->positions[row] = at == MK_NOWHERE ? -1 : (int64_t)at;
        j->out->offsets[row + 1] = (int64_t)length;
    }
    return MK_OK;
}

static uint8_t *put(uint8_t *to, const uint8_t *bytes, size_t length)
{
    if (length)
        memcpy(to, bytes, length);
    return to + length;
}

static mk_status write_rows(void *context, size_t worker, size_t item, mk_poll poll)
{
    job *j = context;
    (void)worker;
    size_t first = item * ROWS_PER_ITEM, end = last_row(j, first);
    for (size_t row = first; row < end; row++) {
        span word = row_of(j->words, row);
        uint8_t *to = j->out->data + j->out->offsets[row];
        if (j->positions[row] < 0) {
            put(to, word.bytes, word.length);
            continue;
        }
        size_t before = (size_t)j->positions[row], after = before + row_of(j->patterns, row).length;
        span replacement = row_of(j->replacements, row);
        to = put(to, word.bytes, before);
        to = put(to, replacement.bytes, replacement.length);
        put(to, word.bytes + after, word.length - after);
    }
    return poll.ask && poll.ask(poll.context) != 0 ? MK_INTERRUPTED : MK_OK;
}

static mk_status add_up(mk_rows *rows, size_t count, size_t *row)
{
    rows->offsets[0] = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(rows->offsets[i], rows->offsets[i + 1], &rows->offsets[i + 1])) {
            *row = i;
            return MK_NO_MEMORY;
        }
    rows->data = mk_malloc((size_t)rows->offsets[count]);
    return rows->data ? MK_OK : MK_NO_MEMORY;
}

mk_status mk_rewrite_once(mk_column patterns, mk_column replacements, mk_column words, size_t threads, mk_poll poll,
                          mk_rows *out, int64_t *positions, size_t *row)
{
    size_t count = words.count, items = (count + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM;
    mk_rows made = {NULL, mk_malloc((count + 1) * sizeof(int64_t))};
    job j = {patterns, replacements, words, &made, positions};
    *row = count;
    mk_status status = made.offsets ? mk_parallel(locate, &j, items, threads, poll) : MK_NO_MEMORY;
    if (status == MK_OK)
        status = add_up(&made, count, row);
    if (status == MK_OK)
        status = mk_parallel(write_rows, &j, items, threads, poll);
    if (status != MK_OK) {
        mk_free(made.data);
        mk_free(made.offsets);
        return status;
    }
    *out = made;
    return MK_OK;
}
