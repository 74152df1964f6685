/* template.h - templates, compiled: an example becomes text.
 *
 * A template is a flat array of operations; loops and conditions are jumps, and one loop at most is open at a time,
 * so that writing needs neither recursion nor memory of its own.  markovlib/render.py compiles templates.
 */
#ifndef MK_TEMPLATE_H
#define MK_TEMPLATE_H

#include "example.h"

#define MK_TEXT_SLACK 16             /* bytes behind what is written, since letters are stored so many at a time */

/* How codes become bytes.  `width` bytes[] per letter; `narrow` where every width is 1, `shifted` where moreover
 * byte = code + bytes[0][0]. */
typedef struct {
    uint32_t letters;
    uint8_t bytes[256][4];
    uint8_t width[256];
    uint8_t widest;
    bool narrow, shifted;
} mk_letters;

/* Text that grows.  The caller frees `data` with mk_free. */
typedef struct {
    uint8_t *data;
    size_t used, capacity;
} mk_text;

mk_status mk_text_grow(mk_text *text, size_t more);

/* Makes room for `more` bytes and the slack behind them.  MK_NO_MEMORY leaves the text as it was. */
static inline mk_status mk_text_reserve(mk_text *text, size_t more)
{
    return text->capacity - text->used >= more + MK_TEXT_SLACK ? MK_OK : mk_text_grow(text, more);
}

/* Appends letters.  MK_NO_MEMORY leaves the text as it was. */
mk_status mk_text_letters(mk_text *text, const mk_letters *letters, const uint8_t *codes, size_t count);

/* Strings of letters.  Those of the item are of the rule, the step or the pair that a loop is at. */
typedef enum { MK_STRING_WORD, MK_STRING_OUTPUT, MK_STRING_PATTERN, MK_STRING_REPLACEMENT, MK_STRING_ITEM_WORD,
               MK_STRING_ITEM_OUTPUT, MK_STRING_ITEM_PATTERN, MK_STRING_ITEM_REPLACEMENT, MK_STRINGS } mk_string_name;

typedef enum { MK_NUMBER_INDEX, MK_NUMBER_RULE, MK_NUMBER_POSITION, MK_NUMBER_STEPS, MK_NUMBER_RULE_COUNT,
               MK_NUMBER_STEP_COUNT, MK_NUMBER_ITEM, MK_NUMBER_ITEM_RULE, MK_NUMBER_ITEM_POSITION } mk_number_name;

typedef enum { MK_ITEMS_RULES, MK_ITEMS_STEPS, MK_ITEMS_PAIRS } mk_items_name;

typedef enum { MK_IF_NO_OP, MK_IF_NEAR_MISS, MK_IF_TERMINAL, MK_IF_HALTED } mk_condition_name;

/* Between the letters of a string: nothing, a space, or a comma and a space. */
typedef enum { MK_FORM_PLAIN, MK_FORM_SPACED, MK_FORM_CHARS } mk_form;

/* What `name` and `jump` are is said in brackets.  Behind every MK_OP_ROOM stand operations that write, up to the
 * next one that does not.  `jump` of those without brackets is 0 until mk_template_open, where a short literal is
 * next: then its length. */
typedef enum {
    MK_OP_END,
    MK_OP_ROOM,                      /* makes room for the operations up to the next that does not write */
    MK_OP_LITERAL,                   /* [jump: the literal's length] */
    MK_OP_STRING,                    /* [name: mk_string_name], in its form, back to front where `reversed` */
    MK_OP_LENGTH,                    /* [name: mk_string_name] */
    MK_OP_NUMBER,                    /* [name: mk_number_name] */
    MK_OP_OUTCOME,
    MK_OP_ARROW,                     /* of the item, a rule */
    MK_OP_KEY,                       /* in its form, where it is letters */
    MK_OP_CERTIFICATE,
    MK_OP_LOOP,                      /* [name: mk_items_name; jump: where to go on if there is no item] */
    MK_OP_SEPARATOR,                 /* [jump: where to go on after the last item] */
    MK_OP_NEXT,                      /* [jump: the loop's first operation, if there is another item] */
    MK_OP_IF,                        /* [name: mk_condition_name; jump: where to go on if it does not hold] */
    MK_OP_JUMP                       /* [jump: where to go on] */
} mk_op_kind;

typedef struct {
    uint8_t kind, name, form;
    bool reversed;
    uint32_t jump;
    size_t at;                       /* of a literal, where it starts, also of the next; of MK_OP_ROOM, which room */
} mk_op;

/* Bytes that some operations write at most: so many, and so many for each letter of each string that they write. */
typedef struct {
    size_t fixed;
    uint32_t strings;
    uint8_t name[MK_STRINGS];
    size_t by_letter[MK_STRINGS];
} mk_room;

typedef struct {
    mk_op *ops;
    mk_room *rooms;
    uint8_t *literals;
} mk_template;

/* Takes a copy of `count` operations, the last of them MK_OP_END, and of the literals.  Jumps must lead to
 * operations, and the rooms be where they are needed; this is not checked.  On failure nothing is left behind. */
mk_status mk_template_open(mk_template *template, const mk_op *ops, size_t count, const uint8_t *literals,
                           size_t literal_bytes, const mk_letters *letters);
void mk_template_close(mk_template *template);

/* A column's templates: one for every paraphrase, or one for all. */
typedef struct {
    const mk_template *choices;      /* borrowed; NULL: the column is not asked for */
    uint32_t count;
} mk_templates;

static inline const mk_template *mk_templates_pick(const mk_templates *templates, uint32_t paraphrase)
{
    return &templates->choices[templates->count == 1 ? 0 : paraphrase];
}

/* Bytes that the template writes at most for strings of these lengths, every part and every loop's body once. */
size_t mk_template_bound(const mk_template *template, const size_t lengths[MK_STRINGS]);

/* Appends the example's text.  On failure (no memory) `out` ends where it did. */
mk_status mk_template_write(const mk_template *template, const mk_letters *letters, const mk_example *example,
                            mk_text *out);

#endif
