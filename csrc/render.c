#include "render.h"

#include <string.h>

#include "parallel.h"

#define FIRST_BYTES ((size_t)64 << 20)   /* text columns start with at most this much and grow */
#define ROWS_PER_POLL 256
#define ROWS_TO_TABULATE 256
#define DECIMALS 20
#define SLACK 16                         /* letters are stored up to sixteen bytes at a time */

/* A part of the request, rows [first, last), and its bytes. */
typedef struct {
    const mk_request *request;
    mk_examples *examples;
    size_t first, last;
    uint8_t *data[MK_TEXT_COLUMNS];
    size_t used[MK_TEXT_COLUMNS], capacity[MK_TEXT_COLUMNS];
    size_t bound[MK_TEXT_COLUMNS];       /* of one row */
    uint8_t *output;
    int64_t at;                          /* the example being made */
    bool failed;                         /* and it could not be */
} part;

/* Letters to bytes. */

static uint8_t *write_shifted(uint8_t shift, const uint8_t *restrict codes, size_t count, uint8_t *restrict out)
{
    for (size_t start = 0; start < count; start += SLACK)
        for (size_t i = 0; i < SLACK; i++)
            out[start + i] = (uint8_t)(codes[start + i] + shift);
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
static void rewrite(part *p, row *r)
{
    const mk_plan *plan = p->request->plan;
    const mk_example *example = &r->example;
    size_t at = mk_search(&example->needle, example->word, example->length, 0);
    r->output = example->word;
    r->output_length = example->length;
    r->position = -1;
    if (at == MK_NOWHERE)
        return;
    size_t after = at + plan->pattern_length;
    memcpy(p->output, example->word, at);
    memcpy(p->output + at, example->rule.replacement, plan->replacement_length);
    memcpy(p->output + at + plan->replacement_length, example->word + after, example->length - after);
    r->output = p->output;
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

static inline mk_status reserve(part *p, int column, size_t more)
{
    size_t needed = p->used[column] + more;
    if (needed <= p->capacity[column])
        return MK_OK;
    size_t capacity = p->capacity[column] + p->capacity[column] / 2;
    capacity = capacity < needed ? needed : capacity;
    uint8_t *data = mk_realloc(p->data[column], capacity);
    if (!data)
        return MK_NO_MEMORY;
    p->data[column] = data;
    p->capacity[column] = capacity;
    return MK_OK;
}

static mk_status write_text(part *p, int column, size_t place, const row *r)
{
    const mk_request *request = p->request;
    const mk_template *template = request->templates[column];
    if (reserve(p, column, p->bound[column]) != MK_OK)
        return MK_NO_MEMORY;
    uint8_t *start = p->data[column] + p->used[column], *out = start;
    for (size_t i = 0; i < template->count; i++)
        out = write_piece(request, &template->pieces[i], r, out);
    p->used[column] += (size_t)(out - start);
    p->examples->offsets[column][place + 1] = (int64_t)p->used[column];
    return MK_OK;
}

static mk_status write_row(part *p, mk_sampler *sampler, size_t place)
{
    const mk_request *request = p->request;
    row r;
    p->at = request->indices ? request->indices[place] : (int64_t)(request->start + place);
    mk_status status = mk_sampler_draw(sampler, (uint64_t)p->at, &r.example);
    if (status != MK_OK)
        return status;
    rewrite(p, &r);
    if (p->examples->rule)
        p->examples->rule[place] = r.position < 0 ? -1 : 0;
    if (p->examples->position)
        p->examples->position[place] = r.position;
    if (p->examples->no_op)
        p->examples->no_op[place] = r.position < 0;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (request->templates[column] && write_text(p, column, place, &r) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

/* One part of the request. */

static mk_status write_rows(part *p, mk_sampler *sampler, mk_poll poll)
{
    for (size_t place = p->first; place < p->last; place++) {
        if ((place - p->first) % ROWS_PER_POLL == 0 && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
        mk_status status = write_row(p, sampler, place);
        if (status != MK_OK) {
            p->failed = true;
            return status;
        }
    }
    return MK_OK;
}

static mk_status reserve_all(part *p)
{
    const mk_request *request = p->request;
    const mk_plan *plan = request->plan;
    size_t longest = (size_t)plan->longest + plan->replacement_length, rows = p->last - p->first;
    p->output = mk_malloc(longest + MK_READ_SLACK);
    if (!p->output)
        return MK_NO_MEMORY;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!request->templates[column])
            continue;
        size_t bound = p->bound[column] = template_bound(request, request->templates[column], plan->longest, longest);
        if (reserve(p, column, rows < FIRST_BYTES / bound ? rows * bound + SLACK : FIRST_BYTES) != MK_OK)
            return MK_NO_MEMORY;
    }
    return MK_OK;
}

static mk_status write_part(void *context, size_t worker, size_t item, mk_poll poll)
{
    (void)worker;
    part *p = (part *)context + item;
    mk_sampler sampler;
    bool sequential = !p->request->indices && p->last - p->first >= ROWS_TO_TABULATE;
    mk_status status = mk_sampler_open(&sampler, p->request->plan, sequential);
    if (status != MK_OK)
        return status;
    status = reserve_all(p);
    if (status == MK_OK)
        status = write_rows(p, &sampler, poll);
    mk_free(p->output);
    mk_sampler_close(&sampler);
    return status;
}

/* All parts, one for each thread. */

static void parts_open(const mk_request *request, mk_examples *examples, part *parts)
{
    size_t count = request->threads, share = request->count / count, rest = request->count % count, first = 0;
    for (size_t i = 0; i < count; i++) {
        parts[i] = (part){.request = request, .examples = examples, .first = first, .at = -1};
        first += share + (i < rest);
        parts[i].last = first;
    }
}

static void parts_close(part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int column = 0; column < MK_TEXT_COLUMNS; column++)
            mk_free(parts[i].data[column]);
    mk_free(parts);
}

static mk_status open_offsets(const mk_request *request, mk_examples *examples)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!request->templates[column])
            continue;
        examples->offsets[column] = mk_malloc((request->count + 1) * sizeof(int64_t));
        if (!examples->offsets[column])
            return MK_NO_MEMORY;
        examples->offsets[column][0] = 0;
    }
    return MK_OK;
}

/* The first part's memory becomes the column's; the others' bytes are moved behind it. */
static mk_status join_column(part *parts, size_t count, int column, mk_examples *examples)
{
    size_t total = 0, end = parts[0].used[column];
    for (size_t i = 0; i < count; i++)
        total += parts[i].used[column];
    uint8_t *data = mk_realloc(parts[0].data[column], total ? total : 1);
    if (!data)
        return MK_NO_MEMORY;
    parts[0].data[column] = NULL;
    examples->data[column] = data;
    for (size_t i = 1; i < count; i++) {
        memcpy(data + end, parts[i].data[column], parts[i].used[column]);
        for (size_t place = parts[i].first; place < parts[i].last; place++)
            examples->offsets[column][place + 1] += (int64_t)end;
        end += parts[i].used[column];
    }
    return MK_OK;
}

static mk_status join_columns(part *parts, size_t count, mk_examples *examples)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (examples->offsets[column] && join_column(parts, count, column, examples) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

static void examples_close(mk_examples *examples)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        mk_free(examples->data[column]);
        mk_free(examples->offsets[column]);
        examples->data[column] = NULL;
        examples->offsets[column] = NULL;
    }
}

/* Of failures in several parts the earliest one is told, so that the message does not depend on chance alone. */
static void note_failure(const part *parts, size_t count, mk_examples *examples)
{
    examples->failed = -1;
    for (size_t i = count; i-- > 0;)
        if (parts[i].failed)
            examples->failed = parts[i].at;
}

mk_status mk_examples_render(const mk_request *request, mk_examples *examples)
{
    size_t count = request->threads;
    memset(examples->data, 0, sizeof examples->data);
    memset(examples->offsets, 0, sizeof examples->offsets);
    part *parts = mk_malloc(count * sizeof *parts);
    if (!parts)
        return MK_NO_MEMORY;
    parts_open(request, examples, parts);
    mk_status status = open_offsets(request, examples);
    if (status == MK_OK)
        status = mk_plan_expect(request->plan, request->count);
    if (status == MK_OK)
        status = mk_parallel(write_part, parts, count, count, request->poll);
    if (status == MK_OK)
        status = join_columns(parts, count, examples);
    note_failure(parts, count, examples);
    parts_close(parts, count);
    if (status != MK_OK)
        examples_close(examples);
    return status;
}
