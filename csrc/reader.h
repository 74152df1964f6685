/* reader.h - examples one at a time, with scratch that outlasts the call. */
#ifndef MK_READER_H
#define MK_READER_H

#include "render.h"

/* One thread's; the example and its texts stand until the next call. */
typedef struct {
    mk_sampler sampler;
    mk_example example;
    mk_text text[MK_TEXT_COLUMNS];
    mk_list lists[MK_LISTS];
} mk_reader;

/* Room for one reader that nobody uses, which threads may share.  All zero: there is none. */
typedef struct {
    _Atomic(mk_reader *) idle;
} mk_reader_shelf;

/* The idle reader, or a new one; NULL: no memory. */
mk_reader *mk_reader_take(mk_reader_shelf *shelf, const mk_plan *plan);

/* Puts a reader back; one that is there already is closed. */
void mk_reader_give(mk_reader_shelf *shelf, mk_reader *reader);

/* Makes an example, its first `texts` columns and, where wanted, its lists.  As mk_sampler_draw; after a failure the
 * reader can still be used. */
mk_status mk_reader_read(mk_reader *reader, mk_plan *plan, const mk_letters *letters,
                         const mk_templates templates[MK_TEXT_COLUMNS], int texts, bool lists, uint64_t index,
                         mk_poll poll);

/* Closes a reader, which may be NULL, or the one on a shelf. */
void mk_reader_close(mk_reader *reader);
void mk_reader_shelf_close(mk_reader_shelf *shelf);

#endif
