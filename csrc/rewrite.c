/* A rule per row, one step: chunks of rows on threads, each into bytes of its own, joined at the end. */
#include <stdatomic.h>
#include <string.h>

#include "dispatch.h"
#include "parallel.h"

enum { ROWS_PER_POLL = 2048 };

typedef struct {
    uint8_t bytes[MK_ROW_BLOCK];
    int64_t offsets[2];
} short_row;

typedef struct {
    mk_row_job rows;
    size_t count, rows_per_chunk;
    mk_row_sink *chunks;
    size_t *starts; /* of the chunks in `joined` */
    uint8_t *joined;
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

/* Room for `length` bytes more and for the kernel behind them. */
static mk_status reserve(mk_row_sink *sink, size_t length)
{
    if (sink->bytes && length <= sink->capacity - sink->length)
        return MK_OK;
    if (length > (size_t)PTRDIFF_MAX / 2 - sink->length)
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
    if (length)
        memcpy(sink->bytes + sink->length, bytes, length);
    sink->length += length;
}

/* Any row, short or not. */
static mk_status rewrite_row(const mk_row_job *rows, size_t row, mk_row_sink *sink, mk_meter *meter)
{
    span pattern = row_of(rows->patterns, row), word = row_of(rows->words, row), added = {NULL, 0};
    mk_needle needle = mk_needle_make(pattern.bytes, pattern.length);
    size_t at = mk_search_range(&needle, word.bytes, word.length, 0, SIZE_MAX, meter), before = 0, removed = 0;
    if (meter->stopped)
        return MK_INTERRUPTED;
    if (at != MK_NOWHERE) {
        before = at;
        removed = pattern.length;
        added = row_of(rows->replacements, row);
    }
    size_t kept = word.length - removed;
    if (added.length > SIZE_MAX - kept || reserve(sink, kept + added.length) != MK_OK)
        return MK_NO_MEMORY;
    put(sink, word.bytes, before);
    put(sink, added.bytes, added.length);
    put(sink, word.bytes + before + removed, kept - before);
    rows->positions[row] = at == MK_NOWHERE ? -1 : (int64_t)at;
    rows->ends[row] = (int64_t)sink->length;
    return mk_meter_spend(meter, kept + added.length) ? MK_OK : MK_INTERRUPTED;
}

static size_t chunk_end(const job *j, size_t chunk)
{
    size_t first = chunk * j->rows_per_chunk, rest = j->count - first;
    return first + (rest < j->rows_per_chunk ? rest : j->rows_per_chunk);
}

static mk_status rewrite_rows(job *j, size_t row, size_t end, mk_row_sink *sink, mk_meter *meter)
{
    mk_row_kernel *kernel = mk_dispatch()->rows;
    while ((row = kernel(&j->rows, row, end, sink)) < end) {
        mk_status status = rewrite_row(&j->rows, row, sink, meter);
        if (status != MK_OK) {
            size_t none = j->count;
            atomic_compare_exchange_strong(&j->failed_row, &none, row);
            return status;
        }
        row++;
    }
    return MK_OK;
}

static mk_status rewrite_chunk(void *context, size_t worker, size_t chunk, mk_poll poll)
{
    job *j = context;
    mk_meter meter = mk_meter_make(poll);
    mk_row_sink *sink = &j->chunks[chunk];
    size_t row = chunk * j->rows_per_chunk, end = chunk_end(j, chunk);
    (void)worker;
    /* Most rules change a word's length little; where they do not, the sink grows. */
    const int64_t *offsets = j->rows.words.offsets;
    mk_status status = reserve(sink, (size_t)(offsets[end] - offsets[row]));
    for (; row < end && status == MK_OK; row += ROWS_PER_POLL) {
        status = rewrite_rows(j, row, end - row < ROWS_PER_POLL ? end : row + ROWS_PER_POLL, sink, &meter);
        if (status == MK_OK && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
    }
    return status;
}

static mk_status join_chunk(void *context, size_t worker, size_t chunk, mk_poll poll)
{
    job *j = context;
    mk_row_sink *sink = &j->chunks[chunk];
    (void)worker;
    (void)poll;
    if (sink->length)
        memcpy(j->joined + j->starts[chunk], sink->bytes, sink->length);
    mk_free(sink->bytes);
    sink->bytes = NULL;
    for (size_t row = chunk * j->rows_per_chunk, end = chunk_end(j, chunk); row < end; row++)
        j->rows.ends[row] += (int64_t)j->starts[chunk];
    return MK_OK;
}

static mk_status join(job *j, size_t chunks, size_t threads, mk_poll poll)
{
    size_t total = 0;
    for (size_t i = 0; i < chunks; i++) {
        j->starts[i] = total;
        total += j->chunks[i].length;
    }
    j->joined = mk_malloc(total);
    return j->joined ? mk_parallel(join_chunk, j, chunks, threads, poll) : MK_NO_MEMORY;
}

/* The bytes of the only chunk, without what it has too much; that the block cannot be made smaller is no failure. */
static uint8_t *take_chunk(mk_row_sink *sink)
{
    uint8_t *smaller = mk_realloc(sink->bytes, sink->length), *bytes = smaller ? smaller : sink->bytes;
    sink->bytes = NULL;
    return bytes;
}

static mk_status run_job(job *j, size_t threads, mk_poll poll)
{
    size_t chunks = (j->count + j->rows_per_chunk - 1) / j->rows_per_chunk;
    chunks = chunks ? chunks : 1;
    j->chunks = mk_malloc(chunks * sizeof *j->chunks);
    j->starts = mk_malloc(chunks * sizeof *j->starts);
    mk_status status = j->chunks && j->starts ? MK_OK : MK_NO_MEMORY;
    if (status == MK_OK) {
        memset(j->chunks, 0, chunks * sizeof *j->chunks);
        status = mk_parallel(rewrite_chunk, j, chunks, threads, poll);
        if (status == MK_OK && chunks == 1)
            j->joined = take_chunk(j->chunks);
        else if (status == MK_OK)
            status = join(j, chunks, threads, poll);
        for (size_t i = 0; i < chunks; i++)
            mk_free(j->chunks[i].bytes);
    }
    mk_free(j->chunks);
    mk_free(j->starts);
    return status;
}

/* For one thread one chunk, which is not copied; for more, chunks that a core's own cache holds until they are. */
static size_t choose_rows_per_chunk(size_t rows, size_t threads)
{
    size_t share = rows / (threads * 8) + 1, most = ROWS_PER_POLL;
    return threads == 1 ? rows + 1 : share < most ? share : most;
}

mk_status mk_rewrite_once(mk_column patterns, mk_column replacements, mk_column words, size_t threads, mk_poll poll,
                          mk_rows *out, int64_t *positions, size_t *row)
{
    size_t count = words.count;
    int64_t *offsets = mk_malloc((count + 1) * sizeof *offsets);
    short_row pattern, replacement;
    *row = count;
    if (!offsets)
        return MK_NO_MEMORY;
    offsets[0] = 0;
    mk_row_side words_side = {words.data, words.offsets, words.offsets[count], 1};
    job j = {
        .rows = {side_of(patterns, &pattern), side_of(replacements, &replacement), words_side, positions, offsets + 1},
        .count = count,
        .rows_per_chunk = choose_rows_per_chunk(count, threads),
        .failed_row = count,
    };
    mk_status status = run_job(&j, threads, poll);
    if (status != MK_OK) {
        mk_free(j.joined);
        mk_free(offsets);
        *row = atomic_load(&j.failed_row);
        return status;
    }
    *out = (mk_rows){j.joined, offsets};
    return MK_OK;
}
