#include "render.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define FIRST_BYTES ((size_t)64 << 20)   /* text columns start with at most this much and grow */
#define ROWS_PER_POLL 1024
#define DECIMALS 20
#define SLACK 4                          /* letters are stored four bytes at a time */

/* What one thread makes: rows [first, last) of the request. */
typedef struct {
    const mk_request *request;
    mk_rows *rows;
    size_t first, last;
    uint8_t *data[MK_TEXT_COLUMNS];
    size_t used[MK_TEXT_COLUMNS], capacity[MK_TEXT_COLUMNS];
    uint8_t *output;
    _Atomic bool *stop;
    bool polls;
    mk_status status;
    int64_t failed;
} worker;

/* Letters to bytes. */

static uint8_t *write_shifted(uint8_t shift, const uint8_t *restrict codes, size_t count, uint8_t *restrict out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)(codes[i] + shift);
    return out + count;
}

static uint8_t *write_letters(const mk_letters *letters, const uint8_t *codes, size_t count, uint8_t *out)
{
    if (letters->shifted)
        return write_shifted(letters->bytes[0][0], codes, count, out);
    if (letters->narrow) {
        for (size_t i = 0; i < count; i++)
            out[i] = letters->bytes[codes[i]][0];
        return out + count;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out, letters->bytes[codes[i]], 4);
        out += letters->width[codes[i]];
    }
    return out;
}

static uint8_t *write_decimal(uint64_t number, uint8_t *out)
{
    uint8_t digits[DECIMALS];
    size_t count = 0;
    do
        digits[count++] = (uint8_t)('0' + number % 10);
    while (number /= 10);
    while (count)
        *out++ = digits[--count];
    return out;
}

/* One row. */

typedef struct {
    mk_example example;
    const uint8_t *output;
    size_t output_length;
    int64_t position;
} row;

/* The rewrite itself, decided by searching the word and not by where the sampler planted the pattern. */
static void rewrite(worker *w, row *r)
{
    const mk_plan *plan = w->request->plan;
    const mk_example *example = &r->example;
    mk_needle needle = mk_needle_make(example->rule.pattern, plan->pattern_length);
    size_t at = mk_search(&needle, example->word, example->length, 0);
    r->output = example->word;
    r->output_length = example->length;
    r->position = -1;
    if (at == MK_NOWHERE)
        return;
    size_t after = at + plan->pattern_length;
    memcpy(w->output, example->word, at);
    memcpy(w->output + at, example->rule.replacement, plan->replacement_length);
    memcpy(w->output + at + plan->replacement_length, example->word + after, example->length - after);
    r->output = w->output;
    r->output_length = example->length - plan->pattern_length + plan->replacement_length;
    r->position = (int64_t)at;
}

static size_t piece_bound(const mk_request *request, const mk_piece *piece, size_t word, size_t output)
{
    size_t widest = request->letters->widest;
    switch (piece->kind) {
    case MK_PIECE_LITERAL: return piece->length;
    case MK_PIECE_INDEX: return DECIMALS;
    case MK_PIECE_PATTERN: return widest * request->plan->pattern_length;
    case MK_PIECE_REPLACEMENT: return widest * request->plan->replacement_length;
    case MK_PIECE_WORD: return widest * word;
    default: return widest * output;
    }
}

static size_t template_bound(const mk_request *request, const mk_template *template, size_t word, size_t output)
{
    size_t bound = SLACK;
    for (size_t i = 0; i < template->count; i++)
        bound += piece_bound(request, &template->pieces[i], word, output);
    return bound;
}

static uint8_t *write_piece(const mk_request *request, const mk_piece *piece, const row *r, uint8_t *out)
{
    const mk_example *example = &r->example;
    const mk_plan *plan = request->plan;
    switch (piece->kind) {
    case MK_PIECE_LITERAL: memcpy(out, piece->literal, piece->length); return out + piece->length;
    case MK_PIECE_INDEX: return write_decimal(example->index, out);
    case MK_PIECE_PATTERN: return write_letters(request->letters, example->rule.pattern, plan->pattern_length, out);
    case MK_PIECE_REPLACEMENT:
        return write_letters(request->letters, example->rule.replacement, plan->replacement_length, out);
    case MK_PIECE_WORD: return write_letters(request->letters, example->word, example->length, out);
    default: return write_letters(request->letters, r->output, r->output_length, out);
    }
}

static mk_status reserve(worker *w, int column, size_t more)
{
    size_t needed = w->used[column] + more;
    if (needed <= w->capacity[column])
        return MK_OK;
    size_t capacity = w->capacity[column] + w->capacity[column] / 2;
    capacity = capacity < needed ? needed : capacity;
    uint8_t *data = mk_realloc(w->data[column], capacity);
    if (!data)
        return MK_NO_MEMORY;
    w->data[column] = data;
    w->capacity[column] = capacity;
    return MK_OK;
}

static mk_status write_text(worker *w, int column, size_t place, const row *r)
{
    const mk_request *request = w->request;
    const mk_template *template = request->templates[column];
    if (reserve(w, column, template_bound(request, template, r->example.length, r->output_length)) != MK_OK)
        return MK_NO_MEMORY;
    uint8_t *start = w->data[column] + w->used[column], *out = start;
    for (size_t i = 0; i < template->count; i++)
        out = write_piece(request, &template->pieces[i], r, out);
    w->used[column] += (size_t)(out - start);
    w->rows->offsets[column][place + 1] = (int64_t)w->used[column];
    return MK_OK;
}

static mk_status write_row(worker *w, mk_sampler *sampler, size_t place)
{
    const mk_request *request = w->request;
    row r;
    w->failed = request->indices ? request->indices[place] : (int64_t)(request->start + place);
    mk_status status = mk_sampler_draw(sampler, (uint64_t)w->failed, &r.example);
    if (status != MK_OK)
        return status;
    rewrite(w, &r);
    if (w->rows->rule)
        w->rows->rule[place] = r.position < 0 ? -1 : 0;
    if (w->rows->position)
        w->rows->position[place] = r.position;
    if (w->rows->no_op)
        w->rows->no_op[place] = r.position < 0;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (request->templates[column] && write_text(w, column, place, &r) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

/* One thread's rows. */

static bool asked_to_stop(worker *w)
{
    const mk_request *request = w->request;
    if (w->polls && request->poll && request->poll(request->poll_context))
        atomic_store(w->stop, true);
    return atomic_load(w->stop);
}

static mk_status write_rows(worker *w, mk_sampler *sampler)
{
    for (size_t place = w->first; place < w->last; place++) {
        if ((place - w->first) % ROWS_PER_POLL == ROWS_PER_POLL - 1 && asked_to_stop(w))
            return MK_INTERRUPTED;
        mk_status status = write_row(w, sampler, place);
        if (status != MK_OK)
            return status;
    }
    return MK_OK;
}

static mk_status reserve_all(worker *w)
{
    const mk_request *request = w->request;
    const mk_plan *plan = request->plan;
    size_t longest = (size_t)plan->longest + plan->replacement_length, rows = w->last - w->first;
    w->output = mk_malloc(longest);
    if (!w->output)
        return MK_NO_MEMORY;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!request->templates[column])
            continue;
        size_t bound = template_bound(request, request->templates[column], plan->longest, longest);
        if (reserve(w, column, rows < FIRST_BYTES / bound ? rows * bound + SLACK : FIRST_BYTES) != MK_OK)
            return MK_NO_MEMORY;
    }
    return MK_OK;
}

static void work(worker *w)
{
    mk_sampler sampler;
    bool sequential = !w->request->indices && w->last - w->first >= 256;
    w->status = mk_sampler_open(&sampler, w->request->plan, sequential);
    if (w->status != MK_OK)
        return;
    w->status = reserve_all(w);
    if (w->status == MK_OK)
        w->status = write_rows(w, &sampler);
    if (w->status != MK_OK)
        atomic_store(w->stop, true);
    mk_free(w->output);
    mk_sampler_close(&sampler);
}

static void *work_on_thread(void *argument)
{
    work(argument);
    return NULL;
}

/* All threads. */

static void workers_free(worker *workers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (int column = 0; column < MK_TEXT_COLUMNS; column++)
            mk_free(workers[i].data[column]);
    mk_free(workers);
}

/* A thread that cannot be started does its rows on this one. */
static mk_status run_workers(worker *workers, unsigned count, int64_t *failed)
{
    pthread_t *threads = mk_malloc(count * sizeof *threads);
    bool *started = mk_malloc(count * sizeof *started);
    if (threads && started) {
        for (unsigned i = 1; i < count; i++)
            started[i] = pthread_create(&threads[i], NULL, work_on_thread, &workers[i]) == 0;
        work(&workers[0]);
        for (unsigned i = 1; i < count; i++) {
            if (started[i])
                pthread_join(threads[i], NULL);
            else
                work(&workers[i]);
        }
    }
    mk_status status = threads && started ? MK_OK : MK_NO_MEMORY;
    mk_free(threads);
    mk_free(started);
    /* The first real failure is the one to tell; the others may only have been asked to stop because of it. */
    for (unsigned i = count; i-- > 0;)
        if (workers[i].status != MK_OK && (status == MK_OK || workers[i].status != MK_INTERRUPTED)) {
            status = workers[i].status;
            *failed = workers[i].failed;
        }
    return status;
}

static mk_status join_column(worker *workers, unsigned count, int column, mk_rows *rows)
{
    size_t total = 0, end = 0;
    for (unsigned i = 0; i < count; i++)
        total += workers[i].used[column];
    uint8_t *data = mk_realloc(workers[0].data[column], total ? total : 1);
    if (!data)
        return MK_NO_MEMORY;
    workers[0].data[column] = NULL;
    rows->data[column] = data;
    for (unsigned i = 0; i < count; i++) {
        worker *w = &workers[i];
        if (i > 0) {
            memcpy(data + end, w->data[column], w->used[column]);
            for (size_t place = w->first; place < w->last; place++)
                rows->offsets[column][place + 1] += (int64_t)end;
            mk_free(w->data[column]);
            w->data[column] = NULL;
        }
        end += w->used[column];
    }
    return MK_OK;
}

static mk_status prepare(const mk_request *request, mk_rows *rows, worker *workers, unsigned count, _Atomic bool *stop)
{
    memset(workers, 0, count * sizeof *workers);
    for (unsigned i = 0; i < count; i++) {
        workers[i].request = request;
        workers[i].rows = rows;
        workers[i].first = request->count / count * i + (i < request->count % count ? i : request->count % count);
        workers[i].stop = stop;
        workers[i].polls = i == 0;
    }
    for (unsigned i = 0; i < count; i++)
        workers[i].last = i + 1 < count ? workers[i + 1].first : request->count;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!request->templates[column])
            continue;
        rows->offsets[column] = mk_malloc((request->count + 1) * sizeof(int64_t));
        if (!rows->offsets[column])
            return MK_NO_MEMORY;
        rows->offsets[column][0] = 0;
    }
    return mk_plan_expect(request->plan, request->count);
}

static void rows_free(mk_rows *rows)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        mk_free(rows->data[column]);
        mk_free(rows->offsets[column]);
        rows->data[column] = NULL;
        rows->offsets[column] = NULL;
    }
}

mk_status mk_rows_render(const mk_request *request, mk_rows *rows)
{
    _Atomic bool stop = false;
    unsigned count = request->threads;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        rows->data[column] = NULL;
        rows->offsets[column] = NULL;
    }
    worker *workers = mk_malloc(count * sizeof *workers);
    if (!workers)
        return MK_NO_MEMORY;
    mk_status status = prepare(request, rows, workers, count, &stop);
    if (status == MK_OK)
        status = run_workers(workers, count, rows->failed);
    for (int column = 0; column < MK_TEXT_COLUMNS && status == MK_OK; column++)
        if (request->templates[column])
            status = join_column(workers, count, column, rows);
    workers_free(workers, count);
    if (status != MK_OK)
        rows_free(rows);
    return status;
}
