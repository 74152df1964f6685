/* Many rows at once: chunks of rows on threads, each into bytes of its own, joined in row order at the end.
 *
 * Within a chunk, words that fit go through the lanes, several at a time, and the others are run one by one; rows
 * are hence done in any order, and sorted when the chunk is done. */
#include <stdatomic.h>
#include <string.h>

#include "lanes.h"
#include "parallel.h"
#include "run.h"

enum { ROWS_PER_CHUNK = 512 };

/* Work that no run counts, in the letters that it could have searched meanwhile: what a row and a byte of its own
 * patterns cost before the first step, and a call of the lanes. */
enum { LETTERS_PER_ROW = 1024, LETTERS_PER_PATTERN_BYTE = 16, LETTERS_PER_CALL = MK_LETTERS_PER_POLL / 64 };

typedef struct {
    uint8_t *bytes;
    size_t length, capacity;
} chunk;

/* What a worker has, reused from chunk to chunk. */
typedef struct {
    mk_run run;
    mk_ruleset row_rules;
    mk_meter meter; /* of all rows: few runs are so long that their own asks whether to go on */
    size_t row;    /* at work */
    chunk *to;     /* where results are appended */
    mk_lanes lanes;
    chunk results; /* with lanes: of the chunk's rows in the order of their ends; row i's are at starts[i] */
    size_t starts[ROWS_PER_CHUNK];
} scratch;

typedef struct {
    const mk_batch *batch;
    mk_batch_result *result;
    bool in_lanes;
    size_t rows_per_chunk;
    chunk *chunks; /* one for all with one thread, which does them in order: what it makes need not be joined */
    size_t chunk_count;
    scratch *workers;
    _Atomic uint64_t total;
    _Atomic size_t failed_row;
} job;

static mk_status reserve(chunk *to, size_t length)
{
    if (to->bytes && length <= to->capacity - to->length)
        return MK_OK;
    if (length > (size_t)PTRDIFF_MAX / 2 - to->length)
        return MK_NO_MEMORY;
    size_t capacity = to->length + length + to->length / 2 + 256;
    uint8_t *room = mk_realloc(to->bytes, capacity);
    if (!room)
        return MK_NO_MEMORY;
    to->bytes = room;
    to->capacity = capacity;
    return MK_OK;
}

static void append(chunk *to, const uint8_t *bytes, size_t length)
{
    if (length)
        memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

/* Keeps a row's result, but for its word, for whose bytes there is then room at the end of own->to.  The sum of all
 * lengths decides about max_total, whatever the order in which they come. */
static mk_status record(job *j, scratch *own, size_t row, size_t length, mk_outcome outcome, uint64_t steps,
                        const mk_match *first)
{
    uint64_t most = (uint64_t)j->batch->max_total;
    if (most < (uint64_t)MK_NO_LIMIT && atomic_fetch_add(&j->total, length) + length > most)
        return MK_TOO_LARGE;
    mk_status status = reserve(own->to, length);
    if (status != MK_OK)
        return status;
    own->starts[row % j->rows_per_chunk] = own->to->length;
    mk_batch_result *result = j->result;
    result->words.offsets[row + 1] = (int64_t)length;
    result->outcomes[row] = (uint8_t)outcome;
    result->steps[row] = (int64_t)steps;
    result->first_rule[row] = steps ? (int64_t)first->rule : -1;
    result->first_position[row] = steps ? (int64_t)first->position : -1;
    return MK_OK;
}

static mk_options options_of(const mk_batch *b, size_t row)
{
    return (mk_options){
        b->max_steps[b->max_steps_per_row ? row : 0],
        b->max_length[b->max_length_per_row ? row : 0],
        b->strategy,
        b->detect_cycles,
        b->matcher,
    };
}

/* The rules of a row, compiled into the worker's scratch unless they are everybody's. */
static mk_status rules_of(const mk_batch *b, scratch *own, size_t row, const mk_ruleset **rules)
{
    *rules = b->rules ? b->rules : &own->row_rules;
    if (b->rules)
        return MK_OK;
    return mk_ruleset_borrow(&own->row_rules, b->patterns, b->replacements, b->terminal, (size_t)b->row_rules[row],
                             (size_t)b->row_rules[row + 1]);
}

/* What a run that is over has cost, from a word of that length. */
static mk_status spend(const job *j, scratch *own, size_t length)
{
    uint64_t letters = own->run.meter.letters + length + LETTERS_PER_ROW;
    if (!j->batch->rules)
        letters += LETTERS_PER_PATTERN_BYTE * (uint64_t)own->row_rules.pattern_bytes;
    return mk_meter_spend(&own->meter, letters) ? MK_OK : MK_INTERRUPTED;
}

/* Runs a row from a word that it has come to in so many steps, the first of which is given. */
static mk_status run_on(job *j, scratch *own, size_t row, const uint8_t *word, size_t length, uint64_t steps,
                        mk_match first, mk_poll poll)
{
    const mk_ruleset *rules;
    mk_status status = rules_of(j->batch, own, row, &rules);
    mk_options options = options_of(j->batch, row);
    mk_run *run = &own->run;
    if (status == MK_OK)
        status = mk_run_start(run, rules, word, length, &options);
    if (status != MK_OK)
        return status;
    run->steps = steps;
    status = mk_run_step(run, 0, poll);
    if (steps == 0)
        first = run->next;
    if (status == MK_OK)
        status = mk_run_step(run, UINT64_MAX, poll);
    if (status == MK_OK)
        status = record(j, own, row, run->length, run->outcome, run->steps, &first);
    if (status != MK_OK)
        return status;
    mk_run_copy(run, own->to->bytes + own->to->length);
    own->to->length += run->length;
    return spend(j, own, length);
}

static mk_status run_row(job *j, scratch *own, size_t row, mk_poll poll)
{
    const int64_t *at = j->batch->words.offsets + row;
    own->row = row;
    return run_on(j, own, row, j->batch->words.data + at[0], (size_t)(at[1] - at[0]), 0, (mk_match){0, 0}, poll);
}

/* Puts words into free lanes, as long as there are both, and runs the rows that no lane takes. */
static mk_status fill_lanes(job *j, scratch *own, size_t *row, size_t end, mk_poll poll)
{
    for (; *row < end && !mk_lanes_full(&own->lanes); ++*row) {
        const int64_t *at = j->batch->words.offsets + *row;
        mk_options options = options_of(j->batch, *row);
        if (mk_lanes_put(&own->lanes, *row, j->batch->words.data + at[0], (size_t)(at[1] - at[0]), options.max_steps,
                         options.max_length))
            continue;
        mk_status status = run_row(j, own, *row, poll);
        if (status != MK_OK)
            return status;
    }
    return MK_OK;
}

static mk_status end_lane(job *j, scratch *own, size_t lane, mk_poll poll)
{
    mk_lanes_word done;
    mk_lanes_take(&own->lanes, lane, &done);
    own->row = done.row;
    /* Where a cycle began is known to nobody else: a run that looks for one starts again. */
    if (done.outcome == MK_RUNNING && j->batch->detect_cycles)
        return run_row(j, own, done.row, poll);
    if (done.outcome == MK_RUNNING)
        return run_on(j, own, done.row, done.word, done.length, done.steps, done.first, poll);
    mk_status status = record(j, own, done.row, done.length, done.outcome, done.steps, &done.first);
    if (status == MK_OK)
        append(own->to, done.word, done.length);
    return status;
}

/* Takes the words out of these lanes; those that have not come to their ends are run to them. */
static mk_status empty_lanes(job *j, scratch *own, unsigned which, mk_poll poll)
{
    mk_status status = MK_OK;
    for (; which && status == MK_OK; which &= which - 1)
        status = end_lane(j, own, (size_t)__builtin_ctz(which), poll);
    return status;
}

/* So many steps are taken in a call at most; and so many by a word that is alone in the lanes, before it is run by
 * itself, which is then faster. */
enum { ROUNDS = 1024, ROUNDS_ALONE = 64 };

static mk_status run_lanes(job *j, scratch *own, size_t row, size_t end, mk_poll poll)
{
    mk_lanes *lanes = &own->lanes;
    mk_lanes_start(lanes, j->batch->rules, j->batch->strategy, j->batch->detect_cycles);
    for (;;) {
        mk_status status = fill_lanes(j, own, &row, end, poll);
        if (status != MK_OK || !lanes->busy)
            return status;
        bool alone = (lanes->busy & (lanes->busy - 1)) == 0, fresh = lanes->fresh != 0;
        unsigned ended = mk_lanes_step(lanes, alone ? ROUNDS_ALONE : ROUNDS);
        status = empty_lanes(j, own, alone && !fresh ? lanes->busy : ended, poll);
        if (status != MK_OK)
            return status;
        if (!mk_meter_spend(&own->meter, LETTERS_PER_CALL))
            return MK_INTERRUPTED;
    }
}

static mk_status run_rows(job *j, scratch *own, size_t row, size_t end, mk_poll poll)
{
    mk_status status = MK_OK;
    for (; row < end && status == MK_OK; row++)
        status = run_row(j, own, row, poll);
    return status;
}

/* Appends the results of rows [row, end), which are in the order of their ends, in the order of the rows. */
static mk_status sort_results(const job *j, const scratch *own, size_t row, size_t end, chunk *to)
{
    mk_status status = reserve(to, own->results.length);
    if (status != MK_OK)
        return status;
    for (; row < end; row++)
        append(to, own->results.bytes + own->starts[row % j->rows_per_chunk],
               (size_t)j->result->words.offsets[row + 1]);
    return MK_OK;
}

static mk_status run_chunk(void *context, size_t worker, size_t item, mk_poll poll)
{
    job *j = context;
    scratch *own = &j->workers[worker];
    chunk *to = &j->chunks[j->chunk_count == 1 ? 0 : item];
    size_t row = item * j->rows_per_chunk;
    size_t count = j->batch->words.count, end = count - row > j->rows_per_chunk ? row + j->rows_per_chunk : count;
    own->row = row;
    own->results.length = 0;
    mk_meter_resume(&own->meter, poll);
    own->to = j->in_lanes ? &own->results : to;
    mk_status status = (j->in_lanes ? run_lanes : run_rows)(j, own, row, end, poll);
    if (status == MK_OK && j->in_lanes)
        status = sort_results(j, own, row, end, to);
    if (status != MK_OK && status != MK_TOO_LARGE) {
        size_t none = count;
        atomic_compare_exchange_strong(&j->failed_row, &none, own->row);
    }
    return status;
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

static void scratch_free(scratch *own)
{
    mk_run_release(&own->run);
    mk_ruleset_release(&own->row_rules);
    mk_free(own->results.bytes);
}

static mk_status run_job(job *j, mk_poll poll)
{
    size_t count = j->batch->words.count, threads = j->batch->threads;
    size_t items = (count + j->rows_per_chunk - 1) / j->rows_per_chunk;
    j->chunk_count = threads == 1 || items == 0 ? 1 : items;
    j->chunks = mk_malloc(j->chunk_count * sizeof *j->chunks);
    j->workers = mk_malloc(threads * sizeof *j->workers);
    mk_status status = j->chunks && j->workers ? MK_OK : MK_NO_MEMORY;
    if (status == MK_OK) {
        memset(j->chunks, 0, j->chunk_count * sizeof *j->chunks);
        memset(j->workers, 0, threads * sizeof *j->workers);
        for (size_t i = 0; i < threads; i++)
            j->workers[i].meter = mk_meter_make((mk_poll){NULL, NULL});
        status = mk_parallel(run_chunk, j, items, threads, poll);
        for (size_t i = 0; i < threads; i++)
            scratch_free(&j->workers[i]);
        if (status == MK_OK)
            status = join(&j->result->words, count, j->chunks, j->chunk_count);
        for (size_t i = 0; i < j->chunk_count; i++)
            mk_free(j->chunks[i].bytes);
    }
    mk_free(j->chunks);
    mk_free(j->workers);
    return status;
}

static bool suits_lanes(const mk_batch *b)
{
    return b->rules && b->rules->bits && (b->matcher == MK_AUTO || b->matcher == MK_BITS);
}

/* Small enough that one long run does not hold many rows, large enough that the queue costs nothing and, with lanes,
 * that they are refilled a few times. */
static size_t choose_rows_per_chunk(const job *j, size_t rows, size_t threads)
{
    size_t share = rows / (threads * 16) + 1, least = j->in_lanes ? rows / threads + 1 : 1;
    if (least > 4 * MK_LANES)
        least = 4 * MK_LANES;
    share = share > least ? share : least;
    return share < ROWS_PER_CHUNK ? share : ROWS_PER_CHUNK;
}

mk_status mk_batch_run(const mk_batch *batch, mk_poll poll, mk_batch_result *result, size_t *row)
{
    size_t count = batch->words.count;
    job j = {.batch = batch, .in_lanes = suits_lanes(batch), .failed_row = count};
    j.rows_per_chunk = choose_rows_per_chunk(&j, count, batch->threads);
    mk_batch_result made;
    j.result = &made;
    mk_status status = result_open(&made, count);
    if (status == MK_OK)
        status = run_job(&j, poll);
    if (status != MK_OK) {
        mk_batch_result_free(&made);
        *row = atomic_load(&j.failed_row);
        return status;
    }
    *result = made;
    return MK_OK;
}
