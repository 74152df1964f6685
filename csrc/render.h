/* render.h - batches of examples as columns: text as flat bytes with int64 offsets, the rest as plain arrays. */
#ifndef MK_RENDER_H
#define MK_RENDER_H

#include "lists.h"
#include "sample.h"

/* The text columns, each the rendering of a template. */
enum { MK_TEXT_PROMPT, MK_TEXT_COMPLETION, MK_TEXT_WORD, MK_TEXT_OUTPUT, MK_TEXT_PATTERN, MK_TEXT_REPLACEMENT,
       MK_TEXT_KEY, MK_TEXT_CERTIFICATE, MK_TEXT_COLUMNS };

/* Which examples: start .. start + count - 1, or indices[0 .. count - 1] where that is not NULL. */
typedef struct {
    mk_plan *plan;
    const mk_letters *letters;
    mk_templates templates[MK_TEXT_COLUMNS];
    bool lists[MK_LISTS];        /* which are asked for */
    const int64_t *indices;
    uint64_t start;
    size_t count;
    size_t threads;              /* at least 1 */
    mk_poll poll;
} mk_request;

/* The answer.  Text columns and lists own their memory (mk_free, mk_list_close); the arrays belong to the caller,
 * `count` entries each, and those that are NULL are left out. */
typedef struct {
    uint8_t *data[MK_TEXT_COLUMNS];
    int64_t *offsets[MK_TEXT_COLUMNS];  /* count + 1 entries, from 0 */
    mk_list lists[MK_LISTS];
    int64_t *list_offsets[MK_LISTS];    /* count + 1 entries, in items; where the list is asked for, the caller's */
    int32_t *rule;               /* that fired first, or -1 */
    int64_t *position;           /* of the first rewrite, in letters, or -1 */
    int64_t *instruction, *steps;
    int32_t *stratum, *occurrences;     /* starts of the pattern in the word; of schemes, matches */
    int32_t *paraphrase;         /* which of the templates */
    uint8_t *no_op, *near_miss, *outcome;
    int64_t failed;              /* the example that an error is about */
    bool ruleless;               /* whether it has no rules rather than no word */
} mk_examples;

/* Computes the rows asked for.  The same for every number of threads.  On failure no text column and no list is left
 * behind. */
mk_status mk_examples_render(const mk_request *request, mk_examples *examples);

#endif
