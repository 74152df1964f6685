#include "render.h"

#include <string.h>

#include "parallel.h"

#define FIRST_BYTES ((size_t)64 << 20)   /* text columns have at most this much before they need it */
#define ROWS_TO_TABULATE 256
#define ROWS_TO_ESTIMATE 1024
#define ROWS_TO_DIVIDE 128               /* tell how much of a text column each of several parts is given */
#define BYTES_AT_ONCE ((size_t)1 << 14)

/* Where a part's bytes of a text column go: to its place in the column, from `begin` on, while they fit there. */
typedef struct {
    uint8_t *bytes;                      /* NULL until columns are divided, and of an only part */
    size_t begin, used, capacity;
    bool own;                            /* they did not, and are in memory of their own */
} stretch;

/* A part of the request, rows [first, last), and its bytes.  An only part writes all of them to `text`; several write
 * some there, which then go to their places. */
typedef struct {
    const mk_request *request;
    mk_examples *examples;
    size_t first, last, next;
    mk_sampler sampler;
    bool opened;                         /* the sampler is */
    mk_text text[MK_TEXT_COLUMNS];
    stretch stretches[MK_TEXT_COLUMNS];
    mk_list lists[MK_LISTS];
    int64_t at;                          /* the example being made */
    bool failed, ruleless;               /* it could not be; for want of rules */
} part;

static bool is_only(const part *p)
{
    return p->request->threads == 1;
}

/* Moves the bytes of some rows to their place. */

/* Takes a place of its own, or a larger one. */
static mk_status enlarge(stretch *to, size_t more)
{
    size_t capacity = to->used + more;
    capacity += capacity / 2;
    uint8_t *bytes = to->own ? mk_realloc(to->bytes, capacity) : mk_malloc(capacity);
    if (!bytes)
        return MK_NO_MEMORY;
    if (!to->own && to->used)
        memcpy(bytes, to->bytes, to->used);
    *to = (stretch){bytes, to->begin, to->used, capacity, true};
    return MK_OK;
}

static mk_status put_away(stretch *to, mk_text *text)
{
    if (text->used > to->capacity - to->used && enlarge(to, text->used) != MK_OK)
        return MK_NO_MEMORY;
    if (text->used)
        memcpy(to->bytes + to->used, text->data, text->used);
    to->used += text->used;
    text->used = 0;
    return MK_OK;
}

static mk_status put_all_away(part *p)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (put_away(&p->stretches[column], &p->text[column]) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

/* One row. */

static mk_status write_text(part *p, int column, size_t place, const mk_example *example)
{
    const mk_request *request = p->request;
    const mk_template *template = mk_templates_pick(&request->templates[column], example->paraphrase);
    mk_text *text = &p->text[column];
    stretch *to = &p->stretches[column];
    if (mk_template_write(template, request->letters, example, text) != MK_OK)
        return MK_NO_MEMORY;
    p->examples->offsets[column][place + 1] = (int64_t)(to->begin + to->used + text->used);
    return !to->bytes || text->used < BYTES_AT_ONCE ? MK_OK : put_away(to, text);
}

static mk_status write_texts(part *p, size_t place, const mk_example *example)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (p->request->templates[column].choices && write_text(p, column, place, example) != MK_OK)
            return MK_NO_MEMORY;
    for (int kind = 0; kind < MK_LISTS; kind++) {
        if (!p->request->lists[kind])
            continue;
        if (mk_list_append(&p->lists[kind], kind, p->request->letters, example) != MK_OK)
            return MK_NO_MEMORY;
        p->examples->list_offsets[kind][place + 1] = (int64_t)p->lists[kind].items;
    }
    return MK_OK;
}

static void write_numbers(const mk_plan *plan, mk_examples *examples, size_t place, const mk_example *example)
{
    if (examples->rule)
        examples->rule[place] = example->rule;
    if (examples->position)
        examples->position[place] = example->position;
    if (examples->instruction)
        examples->instruction[place] = (int64_t)example->number;
    if (examples->steps)
        examples->steps[place] = (int64_t)example->steps;
    if (examples->stratum)
        examples->stratum[place] = (int32_t)example->stratum;
    if (examples->occurrences)
        examples->occurrences[place] = mk_example_occurrences(plan, example);
    if (examples->paraphrase)
        examples->paraphrase[place] = (int32_t)example->paraphrase;
    if (examples->no_op)
        examples->no_op[place] = example->no_op;
    if (examples->near_miss)
        examples->near_miss[place] = example->near_miss;
    if (examples->outcome)
        examples->outcome[place] = (uint8_t)example->outcome;
}

static mk_status write_row(part *p, mk_sampler *sampler, size_t place, mk_example *example)
{
    const mk_request *request = p->request;
    p->at = request->indices ? request->indices[place] : (int64_t)(request->start + place);
    mk_status status = mk_sampler_draw(sampler, (uint64_t)p->at, example);
    if (status != MK_OK)
        return status;
    write_numbers(request->plan, p->examples, place, example);
    return write_texts(p, place, example);
}

/* One part of the request. */

/* Makes room for the other rows at once, as far as the first ones tell how much they need.  Without memory for all of
 * them it may still do for those that come. */
static void reserve_rest(part *p, size_t done)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        mk_text *text = &p->text[column];
        size_t row = text->used / done + 1, rest = p->last - p->first - done;
        if (text->used && rest < FIRST_BYTES / row)
            (void)mk_text_reserve(text, rest * row + rest * row / 64);
    }
}

/* Writes the rows up to `end` that are not written. */
static mk_status write_rows(part *p, size_t end, mk_poll poll)
{
    mk_example example = {0};
    mk_meter_resume(&p->sampler.meter, poll);
    for (; p->next < end; p->next++) {
        if (p->next - p->first == ROWS_TO_ESTIMATE && is_only(p))
            reserve_rest(p, ROWS_TO_ESTIMATE);
        mk_status status = write_row(p, &p->sampler, p->next, &example);
        if (status != MK_OK) {
            p->failed = status != MK_INTERRUPTED;
            p->ruleless = status == MK_INVALID && example.rule_count == 0;
            return status;
        }
    }
    return MK_OK;
}

/* Bytes of one row, about: of the longest paraphrase. */
static size_t column_bound(const mk_templates *templates, const mk_plan *plan)
{
    size_t output = (size_t)plan->longest + plan->widest_replacement, most = 1;
    size_t lengths[MK_STRINGS] = {plan->longest, output, plan->widest_pattern, plan->widest_replacement};
    for (uint32_t i = 0; i < templates->count; i++) {
        size_t bound = mk_template_bound(&templates->choices[i], lengths);
        most = bound > most ? bound : most;
    }
    return most;
}

/* Room for the first rows of an only part; for as many as are put away together of another. */
static mk_status reserve_first(part *p)
{
    size_t rows = p->last - p->first < ROWS_TO_ESTIMATE ? p->last - p->first : ROWS_TO_ESTIMATE;
    size_t most = is_only(p) ? FIRST_BYTES : BYTES_AT_ONCE;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!p->request->templates[column].choices)
            continue;
        size_t bound = column_bound(&p->request->templates[column], p->request->plan);
        if (mk_text_reserve(&p->text[column], rows < most / bound ? rows * bound : most) != MK_OK)
            return MK_NO_MEMORY;
    }
    return MK_OK;
}

static mk_status part_begin(part *p)
{
    bool sequential = !p->request->indices && p->last - p->first >= ROWS_TO_TABULATE;
    if (p->opened)
        return MK_OK;
    mk_status status = mk_sampler_open(&p->sampler, p->request->plan, sequential);
    if (status != MK_OK)
        return status;
    p->opened = true;
    p->sampler.certified = p->request->plan->task.certified || p->request->templates[MK_TEXT_CERTIFICATE].choices;
    return reserve_first(p);
}

static void part_end(part *p)
{
    if (p->opened)
        mk_sampler_close(&p->sampler);
    p->opened = false;
}

static mk_status write_part(void *context, size_t worker, size_t item, mk_poll poll)
{
    (void)worker;
    part *p = (part *)context + item;
    mk_status status = part_begin(p);
    if (status == MK_OK)
        status = write_rows(p, p->last, poll);
    if (status == MK_OK && !is_only(p))
        status = put_all_away(p);
    part_end(p);
    return status;
}

/* All parts, one for each thread. */

static void parts_open(const mk_request *request, mk_examples *examples, part *parts)
{
    size_t count = request->threads, share = request->count / count, rest = request->count % count, first = 0;
    for (size_t i = 0; i < count; i++) {
        memset(&parts[i], 0, sizeof parts[i]);
        parts[i].request = request;
        parts[i].examples = examples;
        parts[i].first = parts[i].next = first;
        parts[i].at = -1;
        first += share + (i < rest);
        parts[i].last = first;
    }
}

static void parts_close(part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        part_end(&parts[i]);
        for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
            mk_free(parts[i].text[column].data);
            if (parts[i].stretches[column].own)
                mk_free(parts[i].stretches[column].bytes);
        }
        for (int kind = 0; kind < MK_LISTS; kind++)
            mk_list_close(&parts[i].lists[kind]);
    }
    mk_free(parts);
}

static mk_status open_offsets(const mk_request *request, mk_examples *examples)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!request->templates[column].choices)
            continue;
        examples->offsets[column] = mk_malloc((request->count + 1) * sizeof(int64_t));
        if (!examples->offsets[column])
            return MK_NO_MEMORY;
        examples->offsets[column][0] = 0;
    }
    return MK_OK;
}

/* Bytes to keep of a column for so many rows, by its first ones: just what they need where all of those are alike. */
static size_t room_for(const int64_t *offsets, size_t known, size_t rows)
{
    if (!known)
        return 0;
    bool alike = true;
    int64_t first = offsets[1] - offsets[0];
    for (size_t i = 1; i < known; i++)
        alike &= offsets[i + 1] - offsets[i] == first;
    size_t row = alike ? (size_t)first : (size_t)offsets[known] / known + 1;
    if (row && rows > SIZE_MAX / 2 / row)
        return 0;
    return alike ? rows * row : rows * row + rows * row / 32;
}

/* Gives every part its place in a column. */
static mk_status divide_column(part *parts, size_t count, int column, mk_examples *examples)
{
    size_t known = parts[0].next, total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t room = room_for(examples->offsets[column], known, parts[i].last - parts[i].first);
        room = room < SIZE_MAX / 2 - total ? room : 0;
        parts[i].stretches[column] = (stretch){.begin = total, .capacity = room};
        total += room;
    }
    uint8_t *data = mk_malloc(total);
    if (!data)
        return MK_NO_MEMORY;
    examples->data[column] = data;
    for (size_t i = 0; i < count; i++)
        parts[i].stretches[column].bytes = data + parts[i].stretches[column].begin;
    return MK_OK;
}

/* Writes the first rows, and divides the columns by what they need.  The places of an only part are not used. */
static mk_status divide_columns(part *parts, size_t count, mk_examples *examples)
{
    part *p = &parts[0];
    if (is_only(p))
        return MK_OK;
    mk_status status = part_begin(p);
    size_t known = p->last - p->first < ROWS_TO_DIVIDE ? p->last : p->first + ROWS_TO_DIVIDE;
    if (status == MK_OK)
        status = write_rows(p, known, p->request->poll);
    for (int column = 0; column < MK_TEXT_COLUMNS && status == MK_OK; column++)
        if (examples->offsets[column])
            status = divide_column(parts, count, column, examples);
    return status;
}

/* Copies all places of a column to new memory, some of them being nowhere in the old one. */
static uint8_t *copy_stretches(const part *parts, size_t count, int column, size_t total)
{
    uint8_t *data = mk_malloc(total), *to = data;
    for (size_t i = 0; data && i < count; i++) {
        const stretch *one = &parts[i].stretches[column];
        if (one->used)
            memcpy(to, one->bytes, one->used);
        to += one->used;
    }
    return data;
}

/* Moves bytes to the end of those before them: none where each part has filled its place. */
static void close_gaps(const part *parts, size_t count, int column, uint8_t *data)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const stretch *one = &parts[i].stretches[column];
        if (one->used && one->begin != end)
            memmove(data + end, one->bytes, one->used);
        end += one->used;
    }
}

static void correct_offsets(const part *parts, size_t count, int column, int64_t *offsets)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const stretch *one = &parts[i].stretches[column];
        int64_t moved = (int64_t)end - (int64_t)one->begin;
        for (size_t row = parts[i].first; moved && row < parts[i].last; row++)
            offsets[row + 1] += moved;
        end += one->used;
    }
}

/* Makes one column of what several parts have written. */
static mk_status join_column(const part *parts, size_t count, int column, mk_examples *examples)
{
    uint8_t *divided = examples->data[column], *data;
    size_t total = 0;
    bool own = false;
    for (size_t i = 0; i < count; i++) {
        total += parts[i].stretches[column].used;
        own |= parts[i].stretches[column].own;
    }
    if (!own)
        close_gaps(parts, count, column, divided);
    data = own ? copy_stretches(parts, count, column, total) : mk_realloc(divided, total ? total : 1);
    if (!data)
        return MK_NO_MEMORY;
    if (own)
        mk_free(divided);
    examples->data[column] = data;
    correct_offsets(parts, count, column, examples->offsets[column]);
    return MK_OK;
}

/* The memory of an only part's text becomes the column's. */
static mk_status adopt_text(part *p, int column, mk_examples *examples)
{
    mk_text *text = &p->text[column];
    uint8_t *data = mk_realloc(text->data, text->used ? text->used : 1);
    if (!data)
        return MK_NO_MEMORY;
    text->data = NULL;
    examples->data[column] = data;
    return MK_OK;
}

static mk_status join_list(part *parts, size_t count, int kind, mk_examples *examples)
{
    mk_list *list = &examples->lists[kind];
    *list = parts[0].lists[kind];
    parts[0].lists[kind] = (mk_list){0};
    for (size_t i = 1; i < count; i++) {
        for (size_t place = parts[i].first; place < parts[i].last; place++)
            examples->list_offsets[kind][place + 1] += (int64_t)list->items;
        if (mk_list_join(list, &parts[i].lists[kind]) != MK_OK)
            return MK_NO_MEMORY;
    }
    return MK_OK;
}

static mk_status join_columns(part *parts, size_t count, mk_examples *examples)
{
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (examples->offsets[column] && (is_only(parts) ? adopt_text(parts, column, examples)
                                                         : join_column(parts, count, column, examples)) != MK_OK)
            return MK_NO_MEMORY;
    for (int kind = 0; kind < MK_LISTS; kind++)
        if (parts[0].request->lists[kind] && join_list(parts, count, kind, examples) != MK_OK)
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
    for (int kind = 0; kind < MK_LISTS; kind++)
        mk_list_close(&examples->lists[kind]);
}

/* Of failures in several parts the earliest one is told, so that the message does not depend on chance alone. */
static void note_failure(const part *parts, size_t count, mk_examples *examples)
{
    for (size_t i = count; i-- > 0;)
        if (parts[i].failed) {
            examples->failed = parts[i].at;
            examples->ruleless = parts[i].ruleless;
        }
}

mk_status mk_examples_render(const mk_request *request, mk_examples *examples)
{
    size_t count = request->threads;
    memset(examples->data, 0, sizeof examples->data);
    memset(examples->offsets, 0, sizeof examples->offsets);
    memset(examples->lists, 0, sizeof examples->lists);
    examples->failed = -1;
    examples->ruleless = false;
    part *parts = mk_malloc(count * sizeof *parts);
    if (!parts)
        return MK_NO_MEMORY;
    parts_open(request, examples, parts);
    mk_status status = open_offsets(request, examples);
    if (status == MK_OK)
        status = mk_plan_expect(request->plan, request->count, request->poll);
    if (status == MK_OK)
        status = divide_columns(parts, count, examples);
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
