/* word.h - the editable word of a run: flat bytes with room at both ends. */
#ifndef MK_WORD_H
#define MK_WORD_H

#include "meter.h"

typedef struct {
    uint8_t *buffer;
    size_t capacity;
    size_t start; /* the word is buffer[start, start + length) */
    size_t length;
} mk_word;

/* Gives the word a length, its letters to be written by the caller.  A word that is all zero is a valid empty one. */
mk_status mk_word_make(mk_word *word, size_t length);

/* Makes the word equal to bytes[0, length), reusing its buffer. */
mk_status mk_word_set(mk_word *word, const uint8_t *bytes, size_t length);
void mk_word_free(mk_word *word);

static inline const uint8_t *mk_word_bytes(const mk_word *word)
{
    return word->buffer + word->start;
}

/* Replaces `removed` bytes at position by room for `inserted` ones, to be written by the caller.  Moves the shorter
 * side, so at most half of the word, and counts what it moves. */
mk_status mk_word_open(mk_word *word, size_t position, size_t removed, size_t inserted, mk_meter *meter);

/* The same, and writes them.  They must not lie in the word. */
mk_status mk_word_splice(mk_word *word, size_t position, size_t removed, const uint8_t *bytes, size_t inserted,
                         mk_meter *meter);

#endif
