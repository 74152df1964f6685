/* Many rows at once: chunks of rows on threads, each into bytes of its own, joined in row order at the end. */
#include <stdatomic.h>
#include <string.h>

#include "parallel.h"
#include "run.h"

typedef struct {
    uint8_t *bytes;
    size_t length, capacity;
} chunk;

typedef struct {
    mk_run run;
    mk_ruleset row_rules;
} scratch;

typedef struct {
    const mk_batch *batch;
    mk_batch_result *result;
    size_t rows_per_chunk;
    chunk *chunks;
    scratch *workers;
    _Atomic size_t failed_row;
} job;

static mk_status append(chunk *to, const mk_run *run)
{
    size_t length = mk_run_length(run);
    if (length > to->capacity - to->length) {
        if (length > (size_t)PTRDIFF_MAX / 2 - to->length)
            return MK_NO_MEMORY;
        size_t capacity = to->length + length + to->length / 2 + 256;
        uint8_t *room = mk_realloc(to->bytes, capacity);
        if (!room)
            return MK_NO_MEMORY;
        to->bytes = room;
        to->capacity = capacity;
    }
    mk_run_copy(run, to->bytes + to->length);
    to->length += length;
    return MK_OK;
}

static void record(mk_batch_result *result, size_t row, const mk_run *run, const mk_match *first)
{
    result->words.offsets[row + 1] = (int64_t)run->length;
    result->outcomes[row] = (uint8_t)run->outcome;
    result->steps[row] = (int64_t)run->steps;
    result->first_rule[row] = run->steps ? (int64_t)first->rule : -1;
    result->first_position[row] = run->steps ? (int64_t)first->position : -1;
}

static mk_status run_row(job *j, scratch *own, size_t row, chunk *to, mk_poll poll)
{
    const mk_batch *b = j->batch;
    const mk_ruleset *rules = b->rules;
    if (!rules) {
        mk_status borrowed = mk_ruleset_borrow(&own->row_rules, b->patterns, b->replacements, b->terminal,
                                               (size_t)b->row_rules[row], (size_t)b->row_rules[row + 1]);
        if (borrowed != MK_OK)
            return borrowed;
        rules = &own->row_rules;
    }
    mk_options options = {
        b->max_steps[b->max_steps_per_row ? row : 0],
        b->max_length[b->max_length_per_row ? row : 0],
        b->strategy,
        b->detect_cycles,
        b->matcher,
    };
    const int64_t *at = b->words.offsets + row;
    mk_run *run = &own->run;
    mk_status status = mk_run_start(run, rules, b->words.data + at[0], (size_t)(at[1] - at[0]), &options);
    if (status == MK_OK)
        status = mk_run_step(run, 0, poll);
    mk_match first = run->next;
    if (status == MK_OK)
        status = mk_run_step(run, UINT64_MAX, poll);
    if (status == MK_OK)
        status = append(to, run);
    if (status == MK_OK)
        record(j->result, row, run, &first);
    return status;
}

static mk_status run_chunk(void *context, size_t worker, size_t item, mk_poll poll)
{
    job *j = context;
    size_t row = item * j->rows_per_chunk;
    size_t count = j->batch->words.count, end = count - row > j->rows_per_chunk ? row + j->rows_per_chunk : count;
    for (; row < end; row++) {
        mk_status status = run_row(j, &j->workers[worker], row, &j->chunks[item], poll);
        if (status != MK_OK) {
            size_t none = count;
            atomic_compare_exchange_strong(&j->failed_row, &none, row);
            return status;
        }
        if ((row & 255) == 255 && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
    }
    return MK_OK;
}

static mk_status result_open(mk_batch_result *result, size_t count)
{
    *result = (mk_batch_result){
        {NULL, mk_malloc((count + 1) * sizeof(int64_t))},
        mk_malloc(count),
        mk_malloc(count * sizeof(int64_t)),
        mk_malloc(count * sizeof(int64_t)),
        mk_malloc(count * sizeof(int64_t)),
    };
    bool complete = result->words.offsets && result->outcomes && result->steps && result->first_rule &&
                    result->first_position;
    return complete ? MK_OK : MK_NO_MEMORY;
}

void mk_batch_result_free(mk_batch_result *result)
{
    mk_free(result->words.data);
    mk_free(result->words.offsets);
    mk_free(result->outcomes);
    mk_free(result->steps);
    mk_free(result->first_rule);
    mk_free(result->first_position);
    *result = (mk_batch_result){0};
}

/* Turns the lengths in offsets[1, count] into offsets and joins the chunks, each freed as soon as it is copied. */
static mk_status join(mk_rows *rows, size_t count, chunk *chunks, size_t chunk_count)
{
    rows->offsets[0] = 0;
    for (size_t i = 0; i < count; i++)
        rows->offsets[i + 1] += rows->offsets[i];
    if (chunk_count == 1) {
        rows->data = chunks[0].bytes;
        chunks[0].bytes = NULL;
    }
    if (!rows->data)
        rows->data = mk_malloc((size_t)rows->offsets[count]);
    if (!rows->data)
        return MK_NO_MEMORY;
    size_t at = 0;
    for (size_t i = 0; i < chunk_count; i++) {
        if (chunks[i].bytes && chunks[i].length)
            memcpy(rows->data + at, chunks[i].bytes, chunks[i].length);
        at += chunks[i].length;
        mk_free(chunks[i].bytes);
        chunks[i].bytes = NULL;
    }
    return MK_OK;
}

static mk_status run_job(job *j, size_t chunks, size_t threads, mk_poll poll)
{
    j->chunks = mk_malloc(chunks * sizeof *j->chunks);
    j->workers = mk_malloc(threads * sizeof *j->workers);
    mk_status status = j->chunks && j->workers ? MK_OK : MK_NO_MEMORY;
    if (status == MK_OK) {
        memset(j->chunks, 0, chunks * sizeof *j->chunks);
        memset(j->workers, 0, threads * sizeof *j->workers);
        status = mk_parallel(run_chunk, j, chunks, threads, poll);
        for (size_t i = 0; i < threads; i++) {
            mk_run_release(&j->workers[i].run);
            mk_ruleset_release(&j->workers[i].row_rules);
        }
        if (status == MK_OK)
            status = join(&j->result->words, j->batch->words.count, j->chunks, chunks);
        for (size_t i = 0; i < chunks; i++)
            mk_free(j->chunks[i].bytes);
    }
    mk_free(j->chunks);
    mk_free(j->workers);
    return status;
}

/* Small enough that one long run does not hold many rows, large enough that the queue costs nothing. */
static size_t choose_rows_per_chunk(size_t rows, size_t threads)
{
    size_t share = rows / (threads * 16) + 1;
    return threads == 1 ? rows + 1 : share < 256 ? share : 256;
}

mk_status mk_batch_run(const mk_batch *batch, mk_poll poll, mk_batch_result *result, size_t *row)
{
    size_t count = batch->words.count;
    job j = {.batch = batch, .rows_per_chunk = choose_rows_per_chunk(count, batch->threads), .failed_row = count};
    size_t chunks = (count + j.rows_per_chunk - 1) / j.rows_per_chunk;
    mk_batch_result made;
    j.result = &made;
    mk_status status = result_open(&made, count);
    if (status == MK_OK)
        status = run_job(&j, chunks ? chunks : 1, batch->threads, poll);
    if (status != MK_OK) {
        mk_batch_result_free(&made);
        *row = atomic_load(&j.failed_row);
        return status;
    }
    *result = made;
    return MK_OK;
}
