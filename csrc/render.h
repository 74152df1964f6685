/* render.h - batches of examples as columns: text as flat bytes with int64 offsets, the rest as plain arrays. */
#ifndef MK_RENDER_H
#define MK_RENDER_H

#include "sample.h"
#include "template.h"

/* The text columns, each the rendering of a template. */
enum { MK_TEXT_PROMPT, MK_TEXT_COMPLETION, MK_TEXT_WORD, MK_TEXT_OUTPUT, MK_TEXT_PATTERN, MK_TEXT_REPLACEMENT,
       MK_TEXT_COLUMNS };

/* Which examples: start .. start + count - 1, or indices[0 .. count - 1] where that is not NULL. */
typedef struct {
    mk_plan *plan;
    const mk_letters *letters;
    mk_templates templates[MK_TEXT_COLUMNS];
    const int64_t *indices;
    uint64_t start;
    size_t count;
    size_t threads;              /* at least 1 */
    mk_poll poll;
} mk_request;

/* The answer.  Text columns own their memory (mk_free); the arrays belong to the caller, `count` entries each, and
 * those that are NULL are left out. */
typedef struct {
    uint8_t *data[MK_TEXT_COLUMNS];
    int64_t *offsets[MK_TEXT_COLUMNS];  /* count + 1 entries, from 0 */
    int32_t *rule;               /* 0, or -1 for a no-op */
    int64_t *position;           /* of the rewrite, in letters, or -1 */
    uint8_t *no_op;
    int64_t failed;              /* the example that an error is about */
} mk_examples;

/* Computes the rows asked for.  The same for every number of threads.  On failure no text column is left behind. */
mk_status mk_examples_render(const mk_request *request, mk_examples *examples);

#endif
