#include "kernel.h"

#if defined(__aarch64__)
#include <arm_neon.h>

size_t mk_kernel_neon(const mk_needle *needle, const uint8_t *text, size_t from, size_t stop, size_t *effort)
{
    size_t middle_at = needle->middle, last_at = needle->length - 1;
    uint8x16_t first = vdupq_n_u8(needle->first_letter);
    uint8x16_t middle = vdupq_n_u8(needle->middle_letter);
    uint8x16_t last = vdupq_n_u8(needle->last_letter);
    for (; stop - from >= 16; from += 16) {
        const uint8_t *at = text + from;
        uint8x16_t a = vceqq_u8(vld1q_u8(at), first);
        uint8x16_t b = vceqq_u8(vld1q_u8(at + middle_at), middle);
        uint8x16_t c = vceqq_u8(vld1q_u8(at + last_at), last);
        uint16x8_t equal = vreinterpretq_u16_u8(vandq_u8(a, vandq_u8(b, c)));
        /* Four bits a lane; one of them is enough for a candidate. */
        uint64_t bits = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(equal, 4)), 0) & 0x1111111111111111u;
        size_t start;
        if (bits && mk_kernel_candidates(needle, text, from, bits, 4, effort, &start))
            return start;
    }
    return mk_kernel_scalar(needle, text, from, stop, effort);
}

uint32_t mk_least_neon(const uint32_t *values, size_t count)
{
    uint32x4_t least = vdupq_n_u32(UINT32_MAX);
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        least = vminq_u32(least, vld1q_u32(values + i));
    uint32_t rest = mk_least_scalar(values + i, count - i), found = vminvq_u32(least);
    return rest < found ? rest : found;
}

size_t mk_below_neon(const uint32_t *values, size_t count, uint32_t limit)
{
    uint32x4_t bound = vdupq_n_u32(limit);
    size_t i = 0;
    while (i + 4 <= count && vmaxvq_u32(vcltq_u32(vld1q_u32(values + i), bound)) == 0)
        i += 4;
    return i + mk_below_scalar(values + i, count - i, limit);
}
#endif
