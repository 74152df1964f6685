#include "kernel.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* One bit for each of the 64 lanes, all ones or all zeros, in order. */
static inline uint64_t lane_bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t low = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    uint8x16_t high = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    uint8x16_t bytes = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(bytes, bytes)), 0);
}

static inline uint64_t letters_neon(const uint8_t *a, uint8_t letter)
{
    uint8x16_t all = vdupq_n_u8(letter);
    return lane_bits(vceqq_u8(vld1q_u8(a), all), vceqq_u8(vld1q_u8(a + 16), all), vceqq_u8(vld1q_u8(a + 32), all),
                     vceqq_u8(vld1q_u8(a + 48), all));
}

static inline uint64_t differ_neon(const uint8_t *a, const uint8_t *b)
{
    return ~lane_bits(vceqq_u8(vld1q_u8(a), vld1q_u8(b)), vceqq_u8(vld1q_u8(a + 16), vld1q_u8(b + 16)),
                      vceqq_u8(vld1q_u8(a + 32), vld1q_u8(b + 32)), vceqq_u8(vld1q_u8(a + 48), vld1q_u8(b + 48)));
}

static inline size_t find_neon(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m)
{
    return mk_row_find_with(word, n, pattern, m, letters_neon, differ_neon);
}

size_t mk_probe_neon(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, uint64_t *starts)
{
    uint8_t block[MK_SHORT] = {0};
    memcpy(block, text, length);
    return mk_probe_with(needles, count, block, length, starts, letters_neon);
}

size_t mk_rows_neon(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink)
{
    return mk_rows_rewrite(job, first, last, sink, find_neon);
}
#endif
