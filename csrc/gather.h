/* gather.h - rows of a table that lies in many pieces, in any order.
 *
 * A piece is a run of consecutive rows in the Arrow layout, as a file holds it: nothing in its buffers is trusted.  Each
 * row is checked against the sizes of the buffers before a byte of it is read, so that a damaged file is an error and
 * never a read outside of it; that texts are UTF-8 is for the caller to check, on what has been gathered. */
#ifndef MK_GATHER_H
#define MK_GATHER_H

#include "markov.h"

/* One column of one piece.  Row i is number first + i of the buffers, which have entries for all rows. */
typedef struct {
    const uint8_t *validity; /* bits; NULL: no nulls */
    const uint8_t *offsets;  /* texts and lists: one more than rows, not aligned */
    const uint8_t *values;   /* the bytes of texts, numbers, or bits */
    int64_t first, rows;
    int64_t size;            /* texts: bytes at values; lists: items of the column that they are lists of */
    bool wide;               /* offsets of 64 bits rather than 32 */
} mk_chunk;

/* Rows asked for: row k is rows[k] of chunks[pieces[k]]. */
typedef struct {
    const mk_chunk *const *chunks;
    const int32_t *pieces;
    const int64_t *rows;
    int64_t count;
    bool plain; /* all chunks have wide offsets, and none has nulls */
} mk_places;

/* Which piece each of the rows `indices` (negative: counted from the end) is in, and where.  Piece p holds the rows
 * from starts[p] to starts[p + 1].  pieces[k] counts the different pieces in the order in which they are met, numbers[]
 * are theirs, and *met says how many; each array has `count` entries.  `seen` is scratch, piece_count entries of 0.
 * MK_INVALID: there is no row indices[*bad]. */
mk_status mk_gather_find(const int64_t *starts, int64_t piece_count, const int64_t *indices, int64_t count,
                         int32_t *seen, int32_t *pieces, int64_t *rows, int64_t *numbers, int64_t *met, int64_t *bad);

/* Where each text or list starts in its piece, and the offsets that they have when they lie one after the other, from
 * 0; a null is empty.  Returns false, with the place of the row at *bad, where a row's own offsets decrease or lead
 * outside of its piece. */
bool mk_gather_measure(const mk_places *places, int64_t *starts, int64_t *offsets, int64_t *bad);

/* Copies the texts that were measured.  The file's offsets are not read again: it might have changed.  Those of the
 * column that is measured next (NULL: none), of the same rows, are asked for meanwhile. */
void mk_gather_texts(const mk_places *places, const mk_places *next, const int64_t *starts, const int64_t *offsets,
                     uint8_t *out);

/* The piece and the row of every item of the lists that were measured. */
void mk_gather_items(const mk_places *places, const int64_t *starts, const int64_t *offsets, int32_t *pieces,
                     int64_t *rows);

/* valid[k]: 1 unless row k is null. */
void mk_gather_valid(const mk_places *places, uint8_t *valid);

/* Numbers of 1, 2, 4 or 8 bytes; and bits, as bytes 0 and 1. */
void mk_gather_numbers(const mk_places *places, size_t width, void *out);
void mk_gather_bits(const mk_places *places, uint8_t *out);

/* codes[i] = 1 + the number of the name that text i is.  Returns the first text that is none of them, or -1. */
int64_t mk_gather_codes(const mk_column *texts, const mk_column *names, uint8_t *codes);

#endif
