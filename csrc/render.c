#include "render.h"

#include <string.h>

#include "parallel.h"

#define FIRST_BYTES ((size_t)64 << 20)   /* text columns have at most this much before they need it */
#define ROWS_PER_POLL 256
#define ROWS_TO_TABULATE 256
#define ROWS_TO_ESTIMATE 1024

/* A part of the request, rows [first, last), and its bytes. */
typedef struct {
    const mk_request *request;
    mk_examples *examples;
    size_t first, last;
    mk_text text[MK_TEXT_COLUMNS];
    mk_list lists[MK_LISTS];
    int64_t at;                          /* the example being made */
    bool failed, ruleless;               /* it could not be; for want of rules */
} part;

/* One row. */

static mk_status write_text(part *p, int column, size_t place, const mk_example *example)
{
    const mk_request *request = p->request;
    const mk_template *template = mk_templates_pick(&request->templates[column], example->paraphrase);
    if (mk_template_write(template, request->letters, example, &p->text[column]) != MK_OK)
        return MK_NO_MEMORY;
    p->examples->offsets[column][place + 1] = (int64_t)p->text[column].used;
    return MK_OK;
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

static mk_status write_rows(part *p, mk_sampler *sampler, mk_poll poll)
{
    mk_example example = {0};
    for (size_t place = p->first; place < p->last; place++) {
        if ((place - p->first) % ROWS_PER_POLL == 0 && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
        if (place - p->first == ROWS_TO_ESTIMATE)
            reserve_rest(p, ROWS_TO_ESTIMATE);
        mk_status status = write_row(p, sampler, place, &example);
        if (status != MK_OK) {
            p->failed = true;
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

static mk_status reserve_all(part *p)
{
    size_t rows = p->last - p->first < ROWS_TO_ESTIMATE ? p->last - p->first : ROWS_TO_ESTIMATE;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++) {
        if (!p->request->templates[column].choices)
            continue;
        size_t bound = column_bound(&p->request->templates[column], p->request->plan);
        if (mk_text_reserve(&p->text[column], rows < FIRST_BYTES / bound ? rows * bound : FIRST_BYTES) != MK_OK)
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
    sampler.certified = p->request->plan->task.certified || p->request->templates[MK_TEXT_CERTIFICATE].choices;
    status = reserve_all(p);
    if (status == MK_OK)
        status = write_rows(p, &sampler, poll);
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
            mk_free(parts[i].text[column].data);
    for (size_t i = 0; i < count; i++)
        for (int kind = 0; kind < MK_LISTS; kind++)
            mk_list_close(&parts[i].lists[kind]);
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

/* The first part's memory becomes the column's; the others' bytes are moved behind it. */
static mk_status join_column(part *parts, size_t count, int column, mk_examples *examples)
{
    size_t total = 0, end = parts[0].text[column].used;
    for (size_t i = 0; i < count; i++)
        total += parts[i].text[column].used;
    uint8_t *data = mk_realloc(parts[0].text[column].data, total ? total : 1);
    if (!data)
        return MK_NO_MEMORY;
    parts[0].text[column].data = NULL;
    examples->data[column] = data;
    for (size_t i = 1; i < count; i++) {
        memcpy(data + end, parts[i].text[column].data, parts[i].text[column].used);
        for (size_t place = parts[i].first; place < parts[i].last; place++)
            examples->offsets[column][place + 1] += (int64_t)end;
        end += parts[i].text[column].used;
    }
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
        if (examples->offsets[column] && join_column(parts, count, column, examples) != MK_OK)
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
    examples->failed = -1;
    examples->ruleless = false;
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
