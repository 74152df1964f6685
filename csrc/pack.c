#include "pack.h"

#include <string.h>

/* Room by bin, as a tree of maxima: node 1 is the root, leaves[0] is the first bin.  Bins that are not open yet have
 * the whole length, so that opening one is finding it. */
typedef struct {
    int64_t *nodes;
    size_t leaves;                   /* a power of two */
} rooms;

static size_t rooms_size(size_t count)
{
    size_t leaves = 1;
    while (leaves < count)
        leaves *= 2;
    return leaves;
}

static void rooms_reset(rooms *r, size_t count, int64_t length)
{
    r->leaves = rooms_size(count);
    for (size_t i = 1; i < 2 * r->leaves; i++)
        r->nodes[i] = length;
}

/* The first bin with room for `size`, which it loses.  There is one: as many bins as sequences. */
static size_t rooms_take(rooms *r, int64_t size)
{
    size_t node = 1;
    while (node < r->leaves)
        node = 2 * node + (r->nodes[2 * node] < size);
    size_t bin = node - r->leaves;
    r->nodes[node] -= size;
    while (node /= 2) {
        int64_t left = r->nodes[2 * node], right = r->nodes[2 * node + 1];
        r->nodes[node] = left > right ? left : right;
    }
    return bin;
}

mk_status mk_pack_first_fit(const int64_t *sizes, const int64_t *windows, size_t window_count, int64_t length,
                            int64_t *bin, int64_t *bins)
{
    size_t most = 1;
    for (size_t w = 0; w < window_count; w++) {
        size_t count = (size_t)(windows[w + 1] - windows[w]);
        most = count > most ? count : most;
    }
    rooms r = {.nodes = mk_malloc(2 * rooms_size(most) * sizeof(int64_t))};
    if (!r.nodes)
        return MK_NO_MEMORY;
    for (size_t w = 0; w < window_count; w++) {
        rooms_reset(&r, (size_t)(windows[w + 1] - windows[w]), length);
        bins[w] = 0;
        for (int64_t i = windows[w]; i < windows[w + 1]; i++) {
            bin[i] = sizes[i] > length ? -1 : (int64_t)rooms_take(&r, sizes[i]);
            bins[w] = bin[i] >= bins[w] ? bin[i] + 1 : bins[w];
        }
    }
    mk_free(r.nodes);
    return MK_OK;
}

static void fill_rest(const mk_bins *bins, size_t row, size_t width, uint32_t pad)
{
    size_t first = row * bins->length + (size_t)bins->used[row], end = (row + 1) * bins->length;
    for (size_t i = first; i < end; i++) {
        if (width == 2)
            ((uint16_t *)bins->ids)[i] = (uint16_t)pad;
        else
            ((uint32_t *)bins->ids)[i] = pad;
        bins->documents[i] = -1;
        bins->positions[i] = 0;
    }
    memset(bins->mask + first, 0, end - first);
}

void mk_pack_fill(const mk_bins *bins, const void *ids, const uint8_t *mask, size_t width, const int64_t *starts,
                  const int64_t *sizes, const int64_t *row, size_t count, uint32_t pad)
{
    memset(bins->used, 0, bins->rows * sizeof *bins->used);
    memset(bins->held, 0, bins->rows * sizeof *bins->held);
    for (size_t i = 0; i < count; i++) {
        if (row[i] < 0)
            continue;
        size_t start = (size_t)starts[i], size = (size_t)sizes[i];
        size_t at = (size_t)row[i] * bins->length + (size_t)bins->used[row[i]];
        memcpy((uint8_t *)bins->ids + at * width, (const uint8_t *)ids + start * width, size * width);
        memcpy(bins->mask + at, mask + start, size);
        for (size_t k = 0; k < size; k++) {
            bins->positions[at + k] = (int32_t)k;
            bins->documents[at + k] = (int32_t)bins->held[row[i]];
        }
        bins->used[row[i]] += sizes[i];
        bins->held[row[i]]++;
    }
    for (size_t r = 0; r < bins->rows; r++)
        fill_rest(bins, r, width, pad);
}
