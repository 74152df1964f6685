#include "reader.h"

#include <stdatomic.h>

mk_reader *mk_reader_take(mk_reader_shelf *shelf, const mk_plan *plan)
{
    mk_reader *reader = atomic_exchange(&shelf->idle, NULL);
    if (reader)
        return reader;
    reader = mk_malloc(sizeof *reader);
    if (!reader)
        return NULL;
    *reader = (mk_reader){0};
    if (mk_sampler_open(&reader->sampler, plan, false) == MK_OK)
        return reader;
    mk_free(reader);
    return NULL;
}

void mk_reader_give(mk_reader_shelf *shelf, mk_reader *reader)
{
    mk_reader_close(atomic_exchange(&shelf->idle, reader));
}

void mk_reader_close(mk_reader *reader)
{
    if (!reader)
        return;
    mk_sampler_close(&reader->sampler);
    for (int column = 0; column < MK_TEXT_COLUMNS; column++)
        mk_free(reader->text[column].data);
    for (int kind = 0; kind < MK_LISTS; kind++)
        mk_list_close(&reader->lists[kind]);
    mk_free(reader);
}

void mk_reader_shelf_close(mk_reader_shelf *shelf)
{
    mk_reader_close(atomic_exchange(&shelf->idle, NULL));
}

static mk_status write_text(mk_reader *reader, int column, const mk_letters *letters, const mk_templates *templates)
{
    mk_text *text = &reader->text[column];
    text->used = 0;
    return mk_template_write(mk_templates_pick(templates, reader->example.paraphrase), letters, &reader->example, text);
}

mk_status mk_reader_read(mk_reader *reader, mk_plan *plan, const mk_letters *letters,
                         const mk_templates templates[MK_TEXT_COLUMNS], int texts, bool lists, uint64_t index,
                         mk_poll poll)
{
    mk_status status = mk_plan_expect(plan, 1, poll);
    mk_meter_resume(&reader->sampler.meter, poll);
    reader->sampler.certified = plan->task.certified || texts > MK_TEXT_CERTIFICATE;
    if (status == MK_OK)
        status = mk_sampler_draw(&reader->sampler, index, &reader->example);
    for (int column = 0; status == MK_OK && column < texts; column++)
        status = write_text(reader, column, letters, &templates[column]);
    for (int kind = 0; status == MK_OK && lists && kind < MK_LISTS; kind++) {
        mk_list_clear(&reader->lists[kind]);
        status = mk_list_append(&reader->lists[kind], kind, letters, &reader->example);
    }
    return status;
}
