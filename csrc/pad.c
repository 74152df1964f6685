#include "pad.h"

/* One loop for each pair of types, so that each is made into vector instructions. */
#define COPY(FROM, TO)                                                                                                 \
    for (size_t i = 0; i < count; i++)                                                                                 \
        ((TO *)out)[at + i] = (TO)((const FROM *)from)[first + i]

#define COPY_TO(TO)                                                                                                    \
    if (from_width == 1)                                                                                               \
        COPY(uint8_t, TO);                                                                                             \
    else if (from_width == 2)                                                                                          \
        COPY(uint16_t, TO);                                                                                            \
    else                                                                                                               \
        COPY(uint32_t, TO)

#define FILL(TO)                                                                                                       \
    for (size_t i = 0; i < count; i++)                                                                                 \
        ((TO *)out)[at + i] = (TO)value

static void fill(void *out, size_t width, size_t at, size_t count, int64_t value)
{
    switch (width) {
    case 1: FILL(uint8_t); break;
    case 2: FILL(uint16_t); break;
    case 4: FILL(uint32_t); break;
    default: FILL(uint64_t);
    }
}

static void copy(const void *from, size_t from_width, size_t first, void *out, size_t width, size_t at, size_t count)
{
    switch (width) {
    case 1: COPY_TO(uint8_t); break;
    case 2: COPY_TO(uint16_t); break;
    case 4: COPY_TO(uint32_t); break;
    default: COPY_TO(uint64_t);
    }
}

void mk_pad(const mk_sequences *sequences, size_t length, bool left, int64_t value, void *out, size_t width)
{
    for (size_t row = 0; row < sequences->count; row++) {
        size_t first = (size_t)sequences->offsets[row], size = (size_t)sequences->offsets[row + 1] - first;
        size_t used = size < length ? size : length, rest = length - used;
        size_t start = row * length, at = left ? start + rest : start;
        if (sequences->entries)
            copy(sequences->entries, sequences->width, first, out, width, at, used);
        else
            fill(out, width, at, used, 1);
        fill(out, width, left ? start : start + used, rest, value);
    }
}
