/* pack.h - sequences into bins of one length: first fit within windows, and the bins' contents. */
#ifndef MK_PACK_H
#define MK_PACK_H

#include "markov.h"

/* Packs the sequences of every window by themselves: window w holds sequences [windows[w], windows[w + 1]).  Each
 * sequence, in order, goes to the first bin with room for it, or opens one; bin[i] is the bin's number in its window,
 * -1 for a sequence longer than `length`, which is left out.  bins[w] is the window's number of bins.
 * O(log sequences of the window) for each.  MK_NO_MEMORY. */
mk_status mk_pack_first_fit(const int64_t *sizes, const int64_t *windows, size_t window_count, int64_t length,
                            int64_t *bin, int64_t *bins);

/* Where the contents of bins go: rows of `length` entries. */
typedef struct {
    size_t rows, length;
    void *ids;                       /* of the width of the tokens */
    uint8_t *mask;
    int32_t *positions;              /* from 0 in each sequence; 0 in the padding */
    int32_t *documents;              /* the sequence's number in its row; -1 in the padding */
    int64_t *used;                   /* by row: tokens */
    int64_t *held;                   /* by row: sequences */
} mk_bins;

/* Copies sequence i, sizes[i] tokens from starts[i], behind what row[i] holds; row[i] = -1: it is left out.  Then
 * the rows are filled up with `pad`.  Tokens are `width` bytes, 2 or 4. */
void mk_pack_fill(const mk_bins *bins, const void *ids, const uint8_t *mask, size_t width, const int64_t *starts,
                  const int64_t *sizes, const int64_t *row, size_t count, uint32_t pad);

#endif
