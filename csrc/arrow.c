#include "arrow.h"

#include <stdlib.h>
#include <string.h>

#include "column.h"

#define NULL_WORD "is null, and a word cannot be missing: drop or fill nulls first"
#define VIEW_SIZE 16
#define VIEW_INLINE 12

/* Producers need not align their buffers, hence the copies. */
static int32_t load32(const uint8_t *buffer, int64_t i)
{
    int32_t value;
    memcpy(&value, buffer + i * 4, sizeof value);
    return value;
}

static int64_t load64(const uint8_t *buffer, int64_t i)
{
    int64_t value;
    memcpy(&value, buffer + i * 8, sizeof value);
    return value;
}

static bool is_null(const uint8_t *validity, int64_t i)
{
    return validity && !(validity[i >> 3] >> (i & 7) & 1);
}

/* ---- schemas ---------------------------------------------------------------------------------------------- */

static bool read_format(mk_arrow_type *type, const char *format)
{
    if (format[0] == 'w' && format[1] == ':') {
        char *end;
        type->layout = MK_ARROW_CELLS;
        type->width = strtoll(format + 2, &end, 10);
        return end != format + 2 && *end == 0 && type->width >= 0 && type->width <= INT32_MAX;
    }
    bool view = format[0] == 'v';
    const char *letter = format + view;
    if (letter[0] == 0 || !strchr(view ? "uz" : "uzUZ", letter[0]) || letter[1] != 0)
        return false;
    bool large = letter[0] == 'U' || letter[0] == 'Z';
    type->text = letter[0] == 'u' || letter[0] == 'U';
    type->layout = view ? MK_ARROW_VIEWS : large ? MK_ARROW_OFFSETS64 : MK_ARROW_OFFSETS32;
    return true;
}

const char *mk_arrow_type_read(mk_arrow_type *type, const struct ArrowSchema *schema)
{
    memset(type, 0, sizeof *type);
    if (strcmp(schema->format, "+s") == 0 && schema->n_children == 1) {
        type->wrapped = true;
        schema = schema->children[0];
    }
    if (schema->dictionary) {
        type->index = schema->format[0];
        if (!type->index || !strchr("cCsSiIlL", type->index) || schema->format[1] != 0)
            return schema->format;
        schema = schema->dictionary;
    }
    return !schema->dictionary && read_format(type, schema->format) ? NULL : schema->format;
}

/* ---- taking an array apart -------------------------------------------------------------------------------- */

static const char *check_array(const struct ArrowArray *array, int64_t buffers)
{
    if (array->length < 0 || array->offset < 0 || array->offset > INT64_MAX - array->length)
        return "an array's length or offset is negative or too large";
    if (array->n_buffers < buffers || !array->buffers)
        return "an array has fewer buffers than its type";
    if (array->null_count > 0 && !array->buffers[0])
        return "an array counts nulls but has no validity bitmap";
    return NULL;
}

static const uint8_t *validity_of(const struct ArrowArray *array)
{
    return array->null_count == 0 ? NULL : array->buffers[0];
}

/* Words [first, first + length) of the array, counted from its own offset. */
static const char *open_words(mk_arrow_words *words, const mk_arrow_type *type, const struct ArrowArray *array,
                              int64_t first, int64_t length)
{
    bool views = type->layout == MK_ARROW_VIEWS, cells = type->layout == MK_ARROW_CELLS;
    const char *reason = check_array(array, cells ? 2 : 3);
    if (reason)
        return reason;
    *words = (mk_arrow_words){
        .layout = type->layout,
        .first = array->offset + first,
        .length = length,
        .width = type->width,
        .validity = validity_of(array),
        .rows = cells ? NULL : array->buffers[1],
        .bytes = cells ? array->buffers[1] : views ? NULL : array->buffers[2],
    };
    if (views) {
        words->blocks = array->buffers + 2;
        words->block_count = array->n_buffers - 3;
        words->block_sizes = array->buffers[array->n_buffers - 1];
        if (words->block_count > 0 && !words->block_sizes)
            return "an array of views does not give the sizes of its buffers";
    }
    if (length > 0 && (cells ? words->width > 0 && !words->bytes : !words->rows))
        return "an array lacks a buffer that its rows need";
    return NULL;
}

static const char *open_dictionary(mk_arrow_chunk *chunk, const mk_arrow_type *type, const struct ArrowArray *array,
                                   int64_t first)
{
    const char *reason = check_array(array, 2);
    if (reason)
        return reason;
    if (!array->dictionary)
        return "a dictionary array has no dictionary";
    chunk->index = type->index;
    chunk->indices = array->buffers[1];
    chunk->index_validity = validity_of(array);
    chunk->index_first = array->offset + first;
    if (chunk->length > 0 && !chunk->indices)
        return "a dictionary array has no indices";
    return open_words(&chunk->words, type, array->dictionary, 0, array->dictionary->length);
}

const char *mk_arrow_chunk_open(mk_arrow_chunk *chunk, const mk_arrow_type *type, const struct ArrowArray *array)
{
    int64_t first = 0;
    const char *reason;
    memset(chunk, 0, sizeof *chunk);
    chunk->length = array->length;
    if (type->wrapped) {
        if ((reason = check_array(array, 1)))
            return reason;
        if (array->n_children != 1 || !array->children || !array->children[0])
            return "a struct array does not have the one column that its schema has";
        chunk->validity = validity_of(array);
        chunk->validity_first = first = array->offset;
        array = array->children[0];
        if (array->length < first + chunk->length)
            return "a struct array is longer than its column";
    }
    if (type->index)
        return open_dictionary(chunk, type, array, first);
    return open_words(&chunk->words, type, array, first, chunk->length);
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static const char *view_at(const mk_arrow_words *words, int64_t i, const uint8_t **word, int64_t *size)
{
    const uint8_t *view = words->rows + i * VIEW_SIZE;
    *size = load32(view, 0);
    *word = view + 4;
    if (*size < 0)
        return "has a negative length";
    if (*size <= VIEW_INLINE)
        return NULL;
    int64_t block = load32(view, 2), start = load32(view, 3);
    if (block < 0 || block >= words->block_count)
        return "points into a buffer that does not exist";
    if (start < 0 || start + *size > load64(words->block_sizes, block) || !words->blocks[block])
        return "reaches past the end of its buffer";
    *word = (const uint8_t *)words->blocks[block] + start;
    return NULL;
}

static const char *span_at(const mk_arrow_words *words, int64_t i, const uint8_t **word, int64_t *size)
{
    bool large = words->layout == MK_ARROW_OFFSETS64;
    int64_t start = large ? load64(words->rows, i) : load32(words->rows, i);
    int64_t end = large ? load64(words->rows, i + 1) : load32(words->rows, i + 1);
    if (start < 0 || end < start)
        return "has offsets that are negative or decrease";
    if (end > start && !words->bytes)
        return "has bytes in an array without data";
    *size = end - start;
    *word = words->bytes ? words->bytes + start : NULL;
    return NULL;
}

/* Word i, its place and its size, or the reason why there is none. */
static const char *word_at(const mk_arrow_words *words, int64_t i, const uint8_t **word, int64_t *size)
{
    i += words->first;
    if (is_null(words->validity, i))
        return NULL_WORD;
    if (words->layout == MK_ARROW_VIEWS)
        return view_at(words, i, word, size);
    if (words->layout != MK_ARROW_CELLS)
        return span_at(words, i, word, size);
    *size = words->width;
    *word = words->width ? words->bytes + i * words->width : NULL;
    return NULL;
}

/* The place in the dictionary that row i names, -1 for one that no dictionary has. */
static int64_t index_at(const mk_arrow_chunk *chunk, int64_t i)
{
    const uint8_t *indices = chunk->indices;
    i += chunk->index_first;
    uint16_t small;
    switch (chunk->index) {
    case 'c': return (int8_t)indices[i];
    case 'C': return indices[i];
    case 's': memcpy(&small, indices + i * 2, 2); return (int16_t)small;
    case 'S': memcpy(&small, indices + i * 2, 2); return small;
    case 'i': return load32(indices, i);
    case 'I': return (uint32_t)load32(indices, i);
    default: return load64(indices, i);
    }
}

static const char *row_at(const mk_arrow_chunk *chunk, int64_t i, const uint8_t **word, int64_t *size)
{
    if (is_null(chunk->validity, chunk->validity_first + i))
        return NULL_WORD;
    if (!chunk->index)
        return word_at(&chunk->words, i, word, size);
    if (is_null(chunk->index_validity, chunk->index_first + i))
        return NULL_WORD;
    int64_t index = index_at(chunk, i);
    if (index < 0 || index >= chunk->words.length)
        return "has an index outside its dictionary";
    return word_at(&chunk->words, index, word, size);
}

const char *mk_arrow_chunk_measure(const mk_arrow_chunk *chunk, int64_t *bytes, int64_t *row)
{
    const uint8_t *word = NULL;
    int64_t total = 0, size = 0;
    for (int64_t i = 0; i < chunk->length; i++) {
        const char *reason = row_at(chunk, i, &word, &size);
        if (!reason && size > INT64_MAX - total)
            reason = "takes the column past the largest size";
        if (reason) {
            *row = i;
            return reason;
        }
        total += size;
    }
    *bytes = total;
    return NULL;
}

bool mk_arrow_chunk_borrow(const mk_arrow_chunk *chunk, const uint8_t **data)
{
    const mk_arrow_words *words = &chunk->words;
    bool spans = words->layout == MK_ARROW_OFFSETS64 || words->layout == MK_ARROW_OFFSETS32;
    *data = words->bytes;
    return !chunk->index && chunk->length > 0 && spans && words->bytes;
}

bool mk_arrow_chunk_offsets(const mk_arrow_chunk *chunk, int64_t bytes, int64_t *offsets)
{
    const mk_arrow_words *words = &chunk->words;
    int64_t length = chunk->length;
    if (words->layout == MK_ARROW_OFFSETS64)
        memcpy(offsets, words->rows + words->first * 8, ((size_t)length + 1) * sizeof *offsets);
    else
        for (int64_t i = 0; i <= length; i++)
            offsets[i] = load32(words->rows, words->first + i);
    return mk_column_check_offsets(offsets, length, INT64_MAX) == MK_NO_ROW && offsets[length] - offsets[0] == bytes;
}

bool mk_arrow_chunk_copy(const mk_arrow_chunk *chunk, int64_t bytes, uint8_t *data, int64_t *offsets)
{
    const uint8_t *word = NULL;
    int64_t size = 0, end = offsets[0] + bytes;
    for (int64_t i = 0; i < chunk->length; i++) {
        if (row_at(chunk, i, &word, &size) || size > end - offsets[i])
            return false;
        if (size > 0)
            memcpy(data + offsets[i], word, (size_t)size);
        offsets[i + 1] = offsets[i] + size;
    }
    return offsets[chunk->length] == end;
}
