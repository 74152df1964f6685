/* render.h - batches of examples as columns: text as flat bytes with int64 offsets, the rest as plain arrays. */
#ifndef MK_RENDER_H
#define MK_RENDER_H

#include "sample.h"

/* How codes become bytes.  `width` bytes[] per letter; `narrow` where every width is 1, `shifted` where moreover
 * byte = code + bytes[0][0]. */
typedef struct {
    uint32_t letters;
    uint8_t bytes[256][4];
    uint8_t width[256];
    uint8_t widest;
    bool narrow, shifted;
} mk_letters;

typedef enum { MK_PIECE_LITERAL, MK_PIECE_INDEX, MK_PIECE_PATTERN, MK_PIECE_REPLACEMENT, MK_PIECE_WORD,
               MK_PIECE_OUTPUT } mk_piece_kind;

typedef struct {
    mk_piece_kind kind;
    const uint8_t *literal;      /* borrowed */
    size_t length;               /* of the literal */
} mk_piece;

typedef struct {
    const mk_piece *pieces;      /* borrowed */
    size_t count;
} mk_template;

/* The text columns, each the rendering of a template. */
enum { MK_TEXT_PROMPT, MK_TEXT_COMPLETION, MK_TEXT_WORD, MK_TEXT_OUTPUT, MK_TEXT_PATTERN, MK_TEXT_REPLACEMENT,
       MK_TEXT_COLUMNS };

/* Which examples: start .. start + count - 1, or indices[0 .. count - 1] where that is not NULL. */
typedef struct {
    mk_plan *plan;
    const mk_letters *letters;
    const mk_template *templates[MK_TEXT_COLUMNS];  /* NULL: the column is not asked for */
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
