#include "word.h"

#include <string.h>

static void copy_bytes(uint8_t *to, const uint8_t *from, size_t length)
{
    if (length)
        memcpy(to, from, length);
}

mk_status mk_word_make(mk_word *word, size_t length)
{
    if (!word->buffer || length > word->capacity) {
        if (length > (size_t)PTRDIFF_MAX - 64)
            return MK_NO_MEMORY;
        size_t capacity = length + 64;
        uint8_t *buffer = mk_malloc(capacity);
        if (!buffer)
            return MK_NO_MEMORY;
        mk_free(word->buffer);
        word->buffer = buffer;
        word->capacity = capacity;
    }
    word->start = (word->capacity - length) / 2;
    word->length = length;
    return MK_OK;
}

mk_status mk_word_set(mk_word *word, const uint8_t *bytes, size_t length)
{
    mk_status status = mk_word_make(word, length);
    if (status == MK_OK)
        copy_bytes(word->buffer + word->start, bytes, length);
    return status;
}

void mk_word_free(mk_word *word)
{
    mk_free(word->buffer);
    *word = (mk_word){0};
}

/* Moves the two sides of a splice to a buffer half as large again as needed, the word in its middle. */
static mk_status splice_elsewhere(mk_word *word, size_t position, size_t removed, size_t inserted)
{
    size_t length = word->length - removed + inserted;
    if (length > (size_t)PTRDIFF_MAX / 2)
        return MK_NO_MEMORY;
    size_t capacity = length + length / 2 + 64;
    uint8_t *buffer = mk_malloc(capacity);
    if (!buffer)
        return MK_NO_MEMORY;
    size_t start = (capacity - length) / 2;
    const uint8_t *old = mk_word_bytes(word);
    copy_bytes(buffer + start, old, position);
    copy_bytes(buffer + start + position + inserted, old + position + removed, word->length - position - removed);
    mk_free(word->buffer);
    *word = (mk_word){buffer, capacity, start, length};
    return MK_OK;
}

/* Opens or closes the gap by moving the shorter side.  A side without room means a new buffer, whose room at both
 * ends then serves for a number of steps in proportion to the word. */
mk_status mk_word_open(mk_word *word, size_t position, size_t removed, size_t inserted, mk_meter *meter)
{
    if (inserted == removed)
        return MK_OK;
    size_t tail = word->length - position - removed;
    size_t growth = inserted > removed ? inserted - removed : 0;
    bool left = position < tail;
    size_t room = left ? word->start : word->capacity - word->start - word->length;
    if (room < growth) {
        mk_meter_spend(meter, position + tail);
        return splice_elsewhere(word, position, removed, inserted);
    }
    uint8_t *at = word->buffer + word->start;
    if (left) {
        memmove(at + removed - inserted, at, position);
        word->start = word->start + removed - inserted;
    } else {
        memmove(at + position + inserted, at + position + removed, tail);
    }
    mk_meter_spend(meter, left ? position : tail);
    word->length = word->length - removed + inserted;
    return MK_OK;
}

mk_status mk_word_splice(mk_word *word, size_t position, size_t removed, const uint8_t *bytes, size_t inserted,
                         mk_meter *meter)
{
    mk_status status = mk_word_open(word, position, removed, inserted, meter);
    if (status == MK_OK)
        copy_bytes(word->buffer + word->start + position, bytes, inserted);
    return status;
}
