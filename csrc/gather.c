#include "gather.h"

#include <string.h>

/* Rows lie anywhere in a file that is mapped: what the one AHEAD of this needs is asked for while this one is read. */
#define AHEAD 16
#define LINE 64
#define LINES_AHEAD 4

/* A function that does nothing but ask for memory must be inline: GCC takes a call of one for a call without effect. */
#define INLINE static inline __attribute__((always_inline))

/* ---- where rows are ------------------------------------------------------------------------------------------- */

/* The last p with starts[p] <= row, there being one. */
static int64_t piece_of(const int64_t *starts, int64_t piece_count, int64_t row)
{
    int64_t low = 0;
    for (int64_t left = piece_count; left > 1;) {
        int64_t half = left / 2;
        low = starts[low + half] <= row ? low + half : low;
        left -= half;
    }
    return low;
}

mk_status mk_gather_find(const int64_t *starts, int64_t piece_count, const int64_t *indices, int64_t count,
                         int32_t *seen, int32_t *pieces, int64_t *rows, int64_t *numbers, int64_t *met, int64_t *bad)
{
    int64_t size = starts[piece_count];
    *met = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t row = ((const volatile int64_t *)indices)[k]; /* read once: others may write there */
        if (row < 0)
            row += size;
        if (row < 0 || row >= size) {
            *bad = k;
            return MK_INVALID;
        }
        int64_t piece = piece_of(starts, piece_count, row);
        if (!seen[piece]) {
            numbers[(*met)++] = piece;
            seen[piece] = (int32_t)*met;
        }
        pieces[k] = seen[piece] - 1;
        rows[k] = row - starts[piece];
    }
    return MK_OK;
}

/* ---- texts and lists ------------------------------------------------------------------------------------------ */

static const mk_chunk *chunk_at(const mk_places *places, int64_t k)
{
    return places->chunks[places->pieces[k]];
}

static bool is_valid(const mk_chunk *chunk, int64_t row)
{
    int64_t bit = chunk->first + row;
    return !chunk->validity || (chunk->validity[bit >> 3] >> (bit & 7) & 1);
}

static const uint8_t *offset_at(const mk_chunk *chunk, int64_t row, bool wide)
{
    return chunk->offsets + (chunk->first + row) * (wide ? 8 : 4);
}

static void span_at(const mk_chunk *chunk, int64_t row, bool wide, int64_t *start, int64_t *end)
{
    const uint8_t *place = offset_at(chunk, row, wide);
    if (wide) {
        int64_t both[2];
        memcpy(both, place, sizeof both);
        *start = both[0];
        *end = both[1];
    } else {
        int32_t both[2];
        memcpy(both, place, sizeof both);
        *start = both[0];
        *end = both[1];
    }
}

INLINE void ask_for_offsets(const mk_places *places, int64_t k, bool plain)
{
    if (k >= places->count)
        return;
    const mk_chunk *chunk = chunk_at(places, k);
    __builtin_prefetch(offset_at(chunk, places->rows[k], plain || chunk->wide));
}

/* The loop of mk_gather_measure, made twice, so that the usual kind of columns is not asked about its kind at each row. */
INLINE bool measure(const mk_places *places, bool plain, int64_t *starts, int64_t *offsets, int64_t *bad)
{
    int64_t total = 0, end;
    for (int64_t k = 0; k < AHEAD; k++)
        ask_for_offsets(places, k, plain);
    for (int64_t k = 0; k < places->count; k++) {
        const mk_chunk *chunk = chunk_at(places, k);
        ask_for_offsets(places, k + AHEAD, plain);
        span_at(chunk, places->rows[k], plain || chunk->wide, &starts[k], &end);
        if (starts[k] < 0 || end < starts[k] || end > chunk->size || end - starts[k] > INT64_MAX - total) {
            *bad = k;
            return false;
        }
        total += plain || is_valid(chunk, places->rows[k]) ? end - starts[k] : 0;
        offsets[k + 1] = total;
    }
    return true;
}

bool mk_gather_measure(const mk_places *places, int64_t *starts, int64_t *offsets, int64_t *bad)
{
    offsets[0] = 0;
    return places->plain ? measure(places, true, starts, offsets, bad) : measure(places, false, starts, offsets, bad);
}

INLINE void ask_for_text(const mk_places *places, int64_t k, const int64_t *starts, const int64_t *offsets)
{
    if (k >= places->count)
        return;
    const uint8_t *text = chunk_at(places, k)->values + starts[k];
    int64_t size = offsets[k + 1] - offsets[k];
    for (int64_t at = 0; at < size && at < LINES_AHEAD * LINE; at += LINE)
        __builtin_prefetch(text + at);
}

void mk_gather_texts(const mk_places *places, const mk_places *next, const int64_t *starts, const int64_t *offsets,
                     uint8_t *out)
{
    for (int64_t k = 0; k < AHEAD; k++)
        ask_for_text(places, k, starts, offsets);
    for (int64_t k = 0; k < places->count; k++) {
        ask_for_text(places, k + AHEAD, starts, offsets);
        if (next)
            ask_for_offsets(next, k, next->plain);
        if (offsets[k + 1] > offsets[k])
            memcpy(out + offsets[k], chunk_at(places, k)->values + starts[k], (size_t)(offsets[k + 1] - offsets[k]));
    }
}

void mk_gather_items(const mk_places *places, const int64_t *starts, const int64_t *offsets, int32_t *pieces,
                     int64_t *rows)
{
    for (int64_t k = 0; k < places->count; k++)
        for (int64_t item = offsets[k]; item < offsets[k + 1]; item++) {
            pieces[item] = places->pieces[k];
            rows[item] = starts[k] + item - offsets[k];
        }
}

void mk_gather_valid(const mk_places *places, uint8_t *valid)
{
    for (int64_t k = 0; k < places->count; k++)
        valid[k] = is_valid(chunk_at(places, k), places->rows[k]);
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

#define GATHER(TYPE)                                                                                                   \
    for (int64_t k = 0; k < places->count; k++) {                                                                      \
        if (k + AHEAD < places->count)                                                                                 \
            __builtin_prefetch(number_at(places, k + AHEAD, sizeof(TYPE)));                                            \
        memcpy((TYPE *)out + k, number_at(places, k, sizeof(TYPE)), sizeof(TYPE));                                     \
    }                                                                                                                  \
    break

static const uint8_t *number_at(const mk_places *places, int64_t k, size_t width)
{
    const mk_chunk *chunk = chunk_at(places, k);
    return chunk->values + (size_t)(chunk->first + places->rows[k]) * width;
}

void mk_gather_numbers(const mk_places *places, size_t width, void *out)
{
    switch (width) {
    case 1: GATHER(uint8_t);
    case 2: GATHER(uint16_t);
    case 4: GATHER(uint32_t);
    default: GATHER(uint64_t);
    }
}

void mk_gather_bits(const mk_places *places, uint8_t *out)
{
    for (int64_t k = 0; k < places->count; k++) {
        const mk_chunk *chunk = chunk_at(places, k);
        int64_t bit = chunk->first + places->rows[k];
        out[k] = chunk->values[bit >> 3] >> (bit & 7) & 1;
    }
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

static bool same(const mk_column *texts, size_t i, const mk_column *names, size_t k)
{
    int64_t start = texts->offsets[i], size = texts->offsets[i + 1] - start;
    int64_t name = names->offsets[k];
    return names->offsets[k + 1] - name == size && memcmp(texts->data + start, names->data + name, (size_t)size) == 0;
}

int64_t mk_gather_codes(const mk_column *texts, const mk_column *names, uint8_t *codes)
{
    for (size_t i = 0; i < texts->count; i++) {
        size_t k = 0;
        while (k < names->count && !same(texts, i, names, k))
            k++;
        if (k == names->count)
            return (int64_t)i;
        codes[i] = (uint8_t)(k + 1);
    }
    return -1;
}
