#include "column.h"

#include <string.h>

int64_t mk_column_check_offsets(const int64_t *offsets, int64_t length, int64_t data_length)
{
    if (offsets[0] < 0)
        return 0;
    for (int64_t i = 0; i < length; i++)
        if (offsets[i + 1] < offsets[i] || offsets[i + 1] > data_length)
            return i;
    return MK_NO_ROW;
}

bool mk_column_equal(const uint8_t *data, const int64_t *offsets, const uint8_t *other_data,
                     const int64_t *other_offsets, int64_t length)
{
    int64_t shift = other_offsets[0] - offsets[0];
    for (int64_t i = 1; i <= length; i++)
        if (other_offsets[i] - offsets[i] != shift)
            return false;
    return memcmp(data + offsets[0], other_data + other_offsets[0], (size_t)(offsets[length] - offsets[0])) == 0;
}

void mk_column_lengths(const int64_t *offsets, int64_t length, int64_t *lengths)
{
    for (int64_t i = 0; i < length; i++)
        lengths[i] = offsets[i + 1] - offsets[i];
}

mk_status mk_column_gather_measure(const int64_t *offsets, int64_t length, const int64_t *indices, int64_t count,
                                   int64_t *out_offsets, int64_t *bad)
{
    int64_t total = 0;
    out_offsets[0] = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = indices[i] < 0 ? indices[i] + length : indices[i];
        if (row < 0 || row >= length) {
            *bad = i;
            return MK_INVALID;
        }
        int64_t size = offsets[row + 1] - offsets[row];
        if (size > INT64_MAX - total)
            return MK_TOO_LARGE;
        total += size;
        out_offsets[i + 1] = total;
    }
    return MK_OK;
}

void mk_column_gather_copy(const uint8_t *data, const int64_t *offsets, int64_t length, const int64_t *indices,
                           int64_t count, const int64_t *out_offsets, uint8_t *out)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t row = indices[i] < 0 ? indices[i] + length : indices[i];
        memcpy(out + out_offsets[i], data + offsets[row], (size_t)(out_offsets[i + 1] - out_offsets[i]));
    }
}

void mk_column_cells_measure(const uint8_t *cells, int64_t length, size_t width, int64_t *offsets)
{
    offsets[0] = 0;
    for (int64_t i = 0; i < length; i++) {
        const uint8_t *cell = cells + (size_t)i * width;
        size_t size = width;
        while (size > 0 && cell[size - 1] == 0)
            size--;
        offsets[i + 1] = offsets[i] + (int64_t)size;
    }
}

void mk_column_cells_copy(const uint8_t *cells, int64_t length, size_t width, const int64_t *offsets, uint8_t *out)
{
    for (int64_t i = 0; i < length; i++)
        memcpy(out + offsets[i], cells + (size_t)i * width, (size_t)(offsets[i + 1] - offsets[i]));
}

/* The bytes that a code point takes in UTF-8, or 0 where there is no such character. */
static int64_t utf8_size(uint32_t letter)
{
    if (letter < 0x80)
        return 1;
    if (letter < 0x800)
        return 2;
    if (letter < 0x10000)
        return letter >= 0xD800 && letter <= 0xDFFF ? 0 : 3;
    return letter <= 0x10FFFF ? 4 : 0;
}

int64_t mk_column_ucs4_measure(const uint32_t *cells, int64_t length, size_t width, int64_t *offsets)
{
    offsets[0] = 0;
    for (int64_t i = 0; i < length; i++) {
        const uint32_t *cell = cells + (size_t)i * width;
        size_t letters = width;
        while (letters > 0 && cell[letters - 1] == 0)
            letters--;
        int64_t size = 0;
        for (size_t k = 0; k < letters; k++) {
            int64_t bytes = utf8_size(cell[k]);
            if (bytes == 0)
                return i;
            size += bytes;
        }
        offsets[i + 1] = offsets[i] + size;
    }
    return MK_NO_ROW;
}

static uint8_t *utf8_write(uint8_t *out, uint32_t letter)
{
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int64_t size = utf8_size(letter);
    if (size == 1) {
        *out = (uint8_t)letter;
        return out + 1;
    }
    for (int64_t k = size - 1; k > 0; k--, letter >>= 6)
        out[k] = (uint8_t)(0x80 | (letter & 0x3F));
    out[0] = (uint8_t)(leads[size] | letter);
    return out + size;
}

/* Cells that were changed since they were measured fill no more than their room, what they leave of it with `?`. */
void mk_column_ucs4_copy(const uint32_t *cells, int64_t length, size_t width, const int64_t *offsets, uint8_t *out)
{
    for (int64_t i = 0; i < length; i++) {
        const volatile uint32_t *cell = cells + (size_t)i * width;
        uint8_t *place = out + offsets[i], *end = out + offsets[i + 1];
        for (size_t k = 0; k < width && place < end; k++) {
            uint32_t letter = cell[k];
            int64_t size = utf8_size(letter);
            if (size == 0 || size > end - place)
                break;
            place = utf8_write(place, letter);
        }
        while (place < end)
            *place++ = '?';
    }
}
