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
#endif
