#include <string.h>

#include "column.h"

/* How many bytes from the front are surely ASCII, in whole blocks. */
static size_t ascii_blocks(const uint8_t *bytes, size_t length)
{
    size_t i = 0;
    for (; length - i >= 32; i += 32) {
        uint64_t block[4];
        memcpy(block, bytes + i, sizeof block);
        if ((block[0] | block[1] | block[2] | block[3]) & UINT64_C(0x8080808080808080))
            break;
    }
    return i;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the well-formed sequence that starts at bytes[0], or 0.  Only the second byte's range depends on
 * the lead: it rules out overlong forms (E0, F0), surrogates (ED) and values above U+10FFFF (F4). */
static size_t sequence_length(const uint8_t *bytes, size_t length)
{
    uint8_t lead = bytes[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length < size)
        return 0;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t k = 2; k < size; k++)
        if (!is_continuation(bytes[k]))
            return 0;
    return size;
}

size_t mk_utf8_check(const uint8_t *bytes, size_t length)
{
    size_t i = 0;
    while (i < length) {
        i += ascii_blocks(bytes + i, length - i);
        /* A stretch of other letters is read one by one; blocks are tried again after it. */
        for (size_t stop = length - i < 32 ? length : i + 32; i < stop;) {
            size_t size = sequence_length(bytes + i, length - i);
            if (size == 0)
                return i;
            i += size;
        }
    }
    return length;
}

/* Words that are well-formed together are well-formed one by one unless a boundary cuts a sequence in two. */
static bool all_rows_are_text(const uint8_t *data, const int64_t *offsets, int64_t length)
{
    int64_t end = offsets[length];
    size_t total = (size_t)(end - offsets[0]);
    if (mk_utf8_check(data + offsets[0], total) != total)
        return false;
    for (int64_t i = 1; i < length; i++)
        if (offsets[i] < end && is_continuation(data[offsets[i]]))
            return false;
    return true;
}

int64_t mk_column_check_text(const uint8_t *data, const int64_t *offsets, int64_t length)
{
    if (length == 0 || all_rows_are_text(data, offsets, length))
        return MK_NO_ROW;
    for (int64_t i = 0; i < length; i++) {
        size_t size = (size_t)(offsets[i + 1] - offsets[i]);
        if (mk_utf8_check(data + offsets[i], size) != size)
            return i;
    }
    return MK_NO_ROW;
}
