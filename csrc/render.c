#include "render.h"

#include <string.h>

#include "parallel.h"

#define FIRST_BYTES ((size_t)64 << 20)   /* text columns start with at most this much and grow */
#define ROWS_PER_POLL 256
#define ROWS_TO_TABULATE 256

/* A part of the request, rows [first, last), and its bytes. */
typedef struct {
    const mk_request *request;
    mk_examples *examples;
    size_t first, last;
    mk_text text[MK_TEXT_COLUMNS];
    uint8_t *output;
    int64_t at;                          /* the example being made */
    bool failed;                         /* and it could not be */
} part;

/* One row. */

/* The rewrite itself, decided by searching the word and not by where the sampler planted the pattern. */
static void rewrite(part *p, const mk_drawn *drawn, mk_example *example)
{
    const mk_example_rule *rule = &example->rules[0];
    size_t at = mk_search(&drawn->needle, drawn->word, drawn->length, 0);
    example->no_op = at == MK_NOWHERE;
    example->steps = !example->no_op;
    example->outcome = example->no_op ? MK_NO_RULE_APPLIES : MK_TERMINAL_RULE;
    example->rule = example->no_op ? -1 : 0;
    example->position = example->no_op ? -1 : (int64_t)at;
    example->output = example->word;
    example->output_length = example->length;
    if (example->no_op)
        return;
    size_t after = at + rule->pattern_length;
    memcpy(p->output, example->word, at);
    memcpy(p->output + at, rule->replacement, rule->replacement_length);
    memcpy(p->output + at + rule->replacement_length, example->word + after, example->length - after);
    example->output = p->output;
    example->output_length = example->length - rule->pattern_length + rule->replacement_length;
}

static mk_status draw(part *p, mk_sampler *sampler, mk_example_rule *rule, mk_example *example)
{
    const mk_plan *plan = p->request->plan;
    mk_drawn drawn;
    mk_status status = mk_sampler_draw(sampler, (uint64_t)p->at, &drawn);
    if (status != MK_OK)
        return status;
    *rule = (mk_example_rule){drawn.rule.pattern, drawn.rule.replacement, plan->pattern_length,
                              plan->replacement_length, true};
    example->index = drawn.index;
    example->word = drawn.word;
    example->length = drawn.length;
    example->rules = rule;
    example->rule_count = 1;
    rewrite(p, &drawn, example);
    return MK_OK;
}

static mk_status write_text(part *p, int column, size_t place, const mk_example *example)
{
    const mk_request *request = p->request;
    const mk_template *template = mk_templates_pick(&request->templates[column], example->paraphrase);
    if (mk_template_write(template, request->letters, example, &p->text[column]) != MK_OK)
        return MK_NO_MEMORY;
    p->examples->offsets[column][place + 1] = (int64_t)p->text[column].used;
    return MK_OK;
}

static mk_status write_row(part *p, mk_sampler *sampler, size_t place, mk_example *example)
{
    const mk_request *request = p->request;
    mk_example_rule rule;
    p->at = request->indices ? request->indices[place] : (int64_t)(request->start + place);
    mk_status status = draw(p, sampler, &rule, example);
    if (status != MK_OK)
        return status;
    if (p->examples->rule)
        p->examples->rule[place] = example->rule;
    if (p->examples->position)
        p->examples->position[place] = example->position;
    if (p->examples->no_op)
        p->examples->no_op[place] = example->no_op;
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        if (request->templates[column].choices && write_text(p, column, place, example) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

/* One part of the request. */

static mk_status write_rows(part *p, mk_sampler *sampler, mk_poll poll)
{
    mk_example example = {0};
    for (size_t place = p->first; place < p->last; place++) {
        if ((place - p->first) % ROWS_PER_POLL == 0 && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
        mk_status status = write_row(p, sampler, place, &example);
        if (status != MK_OK) {
            p->failed = true;
            return status;
        }
    }
    return MK_OK;
}

/* Bytes of one row, about: of the longest paraphrase. */
static size_t column_bound(const mk_templates *templates, const mk_plan *plan, size_t longest)
{
    size_t lengths[MK_STRINGS] = {plan->longest, longest, plan->pattern_length, plan->replacement_length}, most = 1;
    for (uint32_t i = 0; i < templates->count; i++) {
        size_t bound = mk_template_bound(&templates->choices[i], lengths);
        most = bound > most ? bound : most;
    }
    return most;
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
        if (!request->templates[column].choices)
            continue;
        size_t bound = column_bound(&request->templates[column], plan, longest);
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
            mk_free(parts[i].text[column].data);
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
