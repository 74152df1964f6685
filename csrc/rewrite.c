/* A rule per row, one step.  One thread makes the words in one pass, into bytes that grow; several measure chunks of
 * rows first and then write each where it belongs. */
#include <stdatomic.h>
#include <string.h>

#include "dispatch.h"
#include "parallel.h"

enum { ROWS_PER_CHUNK = 2048 };

/* Of all words together. */
static const size_t most_bytes = (size_t)PTRDIFF_MAX / 2;

typedef struct {
    uint8_t bytes[MK_ROW_BLOCK];
    int64_t offsets[2];
} short_row;

typedef struct {
    mk_row_job rows;
    size_t count;
    mk_row_sink *chunks; /* of ROWS_PER_CHUNK rows each */
    _Atomic size_t failed_row;
} job;

typedef struct {
    const uint8_t *bytes;
    size_t length;
} span;

static span row_of(mk_row_side side, size_t row)
{
    const int64_t *at = side.offsets + row * side.stride;
    return (span){side.data + at[0], (size_t)(at[1] - at[0])};
}

/* A short row that serves all is copied to where a block can be read. */
static mk_row_side side_of(mk_column column, short_row *copy)
{
    int64_t first = column.offsets[0], end = column.offsets[column.count];
    if (column.count != 1)
        return (mk_row_side){column.data, column.offsets, end, 1};
    if ((size_t)(end - first) > MK_ROW_BLOCK)
        return (mk_row_side){column.data, column.offsets, end, 0};
    *copy = (short_row){.offsets = {0, end - first}};
    if (end > first)
        memcpy(copy->bytes, column.data + first, (size_t)(end - first));
    return (mk_row_side){copy->bytes, copy->offsets, MK_ROW_BLOCK, 0};
}

/* Room for `length` bytes more, and if there was none, for the kernel behind them too. */
static mk_status reserve(mk_row_sink *sink, size_t length)
{
    if (length <= sink->capacity - sink->length)
        return MK_OK;
    if (length > most_bytes - sink->length)
        return MK_NO_MEMORY;
    size_t capacity = sink->length + length + sink->length / 2 + MK_ROW_ROOM;
    uint8_t *room = mk_realloc(sink->bytes, capacity);
    if (!room)
        return MK_NO_MEMORY;
    sink->bytes = room;
    sink->capacity = capacity;
    return MK_OK;
}

static void put(mk_row_sink *sink, const uint8_t *bytes, size_t length)
{
    if (length && sink->bytes)
        memcpy(sink->bytes + sink->length, bytes, length);
    sink->length += length;
}

static int64_t locate(const mk_row_job *rows, size_t row, mk_meter *meter)
{
    span pattern = row_of(rows->patterns, row), word = row_of(rows->words, row);
    mk_needle needle = mk_needle_make(pattern.bytes, pattern.length);
    size_t at = mk_search_range(&needle, word.bytes, word.length, 0, SIZE_MAX, meter);
    return at == MK_NOWHERE ? -1 : (int64_t)at;
}

/* Any row, short or not. */
static mk_status rewrite_row(const mk_row_job *rows, size_t row, mk_row_sink *sink, mk_meter *meter)
{
    int64_t at = rows->located ? rows->positions[row] : locate(rows, row, meter);
    if (meter->stopped)
        return MK_INTERRUPTED;
    span word = row_of(rows->words, row), added = {NULL, 0};
    size_t before = 0, removed = 0;
    if (at >= 0) {
        before = (size_t)at;
        removed = row_of(rows->patterns, row).length;
        added = row_of(rows->replacements, row);
    }
    size_t kept = word.length - removed;
    if (added.length > SIZE_MAX - kept || reserve(sink, kept + added.length) != MK_OK)
        return MK_NO_MEMORY;
    put(sink, word.bytes, before);
    put(sink, added.bytes, added.length);
    put(sink, word.bytes + before + removed, kept - before);
    rows->positions[row] = at;
    rows->ends[row] = (int64_t)sink->length;
    return mk_meter_spend(meter, kept + added.length) ? MK_OK : MK_INTERRUPTED;
}

static mk_status rewrite_rows(job *j, size_t row, size_t end, mk_row_sink *sink, mk_meter *meter)
{
    mk_row_kernel *kernel = mk_dispatch()->rows;
    while ((row = kernel(&j->rows, row, end, sink)) < end) {
        do {
            mk_status status = rewrite_row(&j->rows, row, sink, meter);
            if (status != MK_OK) {
                size_t none = j->count;
                atomic_compare_exchange_strong(&j->failed_row, &none, row);
                return status;
            }
            row++;
        } while (row < end && row_of(j->rows.words, row).length > MK_ROW_BLOCK);
    }
    return MK_OK;
}

static mk_status rewrite_chunk(job *j, size_t chunk, mk_row_sink *sink, mk_poll poll)
{
    mk_meter meter = mk_meter_make(poll);
    size_t row = chunk * ROWS_PER_CHUNK, rest = j->count - row;
    mk_status status = rewrite_rows(j, row, row + (rest < ROWS_PER_CHUNK ? rest : ROWS_PER_CHUNK), sink, &meter);
    return status == MK_OK && poll.ask && poll.ask(poll.context) != 0 ? MK_INTERRUPTED : status;
}

static mk_status grow_chunk(void *context, size_t worker, size_t chunk, mk_poll poll)
{
    job *j = context;
    (void)worker;
    return rewrite_chunk(j, chunk, j->chunks, poll);
}

/* Gives back what is much too much.  That it cannot be given back is no failure. */
static uint8_t *fit(mk_row_sink sink)
{
    if (sink.capacity - sink.length <= sink.length / 4 + MK_ROW_ROOM)
        return sink.bytes;
    uint8_t *smaller = mk_realloc(sink.bytes, sink.length);
    return smaller ? smaller : sink.bytes;
}

/* Most rules change a word's length little, so that the words as they are show how much room is needed; where they do
 * not, it grows. */
static mk_status make_growing(job *j, size_t chunks, mk_poll poll, uint8_t **out)
{
    const int64_t *offsets = j->rows.words.offsets;
    mk_row_sink sink = {NULL, 0, 0};
    j->chunks = &sink;
    mk_status status = reserve(&sink, (size_t)(offsets[j->count] - offsets[0]) + MK_ROW_ROOM);
    if (status == MK_OK)
        status = mk_parallel(grow_chunk, j, chunks, 1, poll);
    if (status != MK_OK) {
        mk_free(sink.bytes);
        return status;
    }
    *out = fit(sink);
    return MK_OK;
}

static mk_status measure_chunk(void *context, size_t worker, size_t chunk, mk_poll poll)
{
    job *j = context;
    (void)worker;
    j->chunks[chunk] = (mk_row_sink){NULL, 0, most_bytes};
    return rewrite_chunk(j, chunk, &j->chunks[chunk], poll);
}

static mk_status write_chunk(void *context, size_t worker, size_t chunk, mk_poll poll)
{
    job *j = context;
    (void)worker;
    return rewrite_chunk(j, chunk, &j->chunks[chunk], poll);
}

/* Turns the measured chunks into places in one block. */
static mk_status place_chunks(job *j, size_t chunks, uint8_t **block)
{
    size_t start = 0;
    for (size_t i = 0; i < chunks; i++) {
        size_t length = j->chunks[i].length;
        if (length > most_bytes - start)
            return MK_NO_MEMORY;
        j->chunks[i] = (mk_row_sink){NULL, start, start + length};
        start += length;
    }
    *block = mk_malloc(start);
    for (size_t i = 0; i < chunks; i++)
        j->chunks[i].bytes = *block;
    return *block ? MK_OK : MK_NO_MEMORY;
}

static mk_status make_measured(job *j, size_t chunks, size_t threads, mk_poll poll, uint8_t **out)
{
    uint8_t *block = NULL;
    j->chunks = mk_malloc(chunks * sizeof *j->chunks);
    mk_status status = j->chunks ? mk_parallel(measure_chunk, j, chunks, threads, poll) : MK_NO_MEMORY;
    if (status == MK_OK)
        status = place_chunks(j, chunks, &block);
    j->rows.located = true;
    if (status == MK_OK)
        status = mk_parallel(write_chunk, j, chunks, threads, poll);
    mk_free(j->chunks);
    if (status != MK_OK) {
        mk_free(block);
        return status;
    }
    *out = block;
    return MK_OK;
}

mk_status mk_rewrite_once(mk_column patterns, mk_column replacements, mk_column words, size_t threads, mk_poll poll,
                          mk_rows *out, int64_t *positions, size_t *row)
{
    size_t count = words.count, chunks = (count + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK;
    mk_rows made = {NULL, mk_malloc((count + 1) * sizeof *made.offsets)};
    short_row pattern, replacement;
    *row = count;
    if (!made.offsets)
        return MK_NO_MEMORY;
    made.offsets[0] = 0;
    mk_row_job rows = {
        .patterns = side_of(patterns, &pattern),
        .replacements = side_of(replacements, &replacement),
        .words = {words.data, words.offsets, words.offsets[count], 1},
        .positions = positions,
        .ends = made.offsets + 1,
    };
    job j = {.rows = rows, .count = count, .failed_row = count};
    bool alone = threads == 1 || chunks <= 1;
    mk_status status = alone ? make_growing(&j, chunks, poll, &made.data)
                             : make_measured(&j, chunks, threads, poll, &made.data);
    if (status != MK_OK) {
        mk_free(made.offsets);
        *row = atomic_load(&j.failed_row);
        return status;
    }
    *out = made;
    return MK_OK;
}
