/* column.h - packed columns: row i is data[offsets[i], offsets[i + 1]), offsets non-decreasing, offsets[0] >= 0.
 *
 * Nothing here allocates: each conversion is a measuring pass, which fills the offsets, and a copying pass, for
 * which the caller provides offsets[length] bytes.  `offsets` has length + 1 entries throughout. */
#ifndef MK_COLUMN_H
#define MK_COLUMN_H

#include "markov.h"

#define MK_NO_ROW (-1)

/* The first ill-formed byte sequence of bytes[0, length) by table 3-7 of the Unicode standard (no overlong forms, no
 * surrogates), as the position of its first byte, or length if the whole is well-formed UTF-8. */
size_t mk_utf8_check(const uint8_t *bytes, size_t length);

/* The first row that is not well-formed UTF-8 by itself, or MK_NO_ROW. */
int64_t mk_column_check_text(const uint8_t *data, const int64_t *offsets, int64_t length);

/* The first row whose offsets are negative, decrease, or end past data_length, or MK_NO_ROW. */
int64_t mk_column_check_offsets(const int64_t *offsets, int64_t length, int64_t data_length);

/* Whether two columns of the same number of rows hold the same words.  O(length + bytes). */
bool mk_column_equal(const uint8_t *data, const int64_t *offsets, const uint8_t *other_data,
                     const int64_t *other_offsets, int64_t length);

/* lengths[i] = the number of bytes in row i. */
void mk_column_lengths(const int64_t *offsets, int64_t length, int64_t *lengths);

/* Gathering `count` rows, named by indices in [-length, length), negative ones counted from the end.
 * Measuring returns MK_INVALID, with the place in `indices` at *bad, for an index outside, and MK_TOO_LARGE where
 * the total passes INT64_MAX. */
mk_status mk_column_gather_measure(const int64_t *offsets, int64_t length, const int64_t *indices, int64_t count,
                                   int64_t *out_offsets, int64_t *bad);
void mk_column_gather_copy(const uint8_t *data, const int64_t *offsets, int64_t length, const int64_t *indices,
                           int64_t count, const int64_t *out_offsets, uint8_t *out);

/* Cells of `width` bytes each, trailing zero bytes not part of the word (NumPy's S arrays). */
void mk_column_cells_measure(const uint8_t *cells, int64_t length, size_t width, int64_t *offsets);
void mk_column_cells_copy(const uint8_t *cells, int64_t length, size_t width, const int64_t *offsets, uint8_t *out);

/* Cells of `width` UCS-4 letters each, trailing zeros not part of the word (NumPy's U arrays), as UTF-8.
 * Measuring returns the first row with a surrogate or a value above U+10FFFF, or MK_NO_ROW.  Copying keeps within the
 * offsets whatever the cells hold by then. */
int64_t mk_column_ucs4_measure(const uint32_t *cells, int64_t length, size_t width, int64_t *offsets);
void mk_column_ucs4_copy(const uint32_t *cells, int64_t length, size_t width, const int64_t *offsets, uint8_t *out);

#endif
