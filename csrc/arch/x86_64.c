#include "kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) size_t mk_kernel_avx2(const mk_needle *needle, const uint8_t *text, size_t from,
                                                      size_t stop, size_t *effort)
{
    size_t middle_at = needle->middle, last_at = needle->length - 1;
    __m256i first = _mm256_set1_epi8((char)needle->first_letter);
    __m256i middle = _mm256_set1_epi8((char)needle->middle_letter);
    __m256i last = _mm256_set1_epi8((char)needle->last_letter);
    for (; stop - from >= 32; from += 32) {
        const uint8_t *at = text + from;
        __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)at), first);
        __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(at + middle_at)), middle);
        __m256i c = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(at + last_at)), last);
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(a, _mm256_and_si256(b, c)));
        size_t start;
        if (bits && mk_kernel_candidates(needle, text, from, bits, 1, effort, &start))
            return start;
    }
    return mk_kernel_scalar(needle, text, from, stop, effort);
}

__attribute__((target("avx512f,avx512bw"))) size_t mk_kernel_avx512(const mk_needle *needle, const uint8_t *text,
                                                                    size_t from, size_t stop, size_t *effort)
{
    size_t middle_at = needle->middle, last_at = needle->length - 1;
    __m512i first = _mm512_set1_epi8((char)needle->first_letter);
    __m512i middle = _mm512_set1_epi8((char)needle->middle_letter);
    __m512i last = _mm512_set1_epi8((char)needle->last_letter);
    for (; from < stop; from += 64) {
        /* Lanes beyond the last start are masked: they are neither read nor compared. */
        __mmask64 lanes = stop - from >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (stop - from)) - 1;
        const uint8_t *at = text + from;
        __mmask64 bits = _mm512_mask_cmpeq_epi8_mask(lanes, _mm512_maskz_loadu_epi8(lanes, at + middle_at), middle);
        bits = _mm512_mask_cmpeq_epi8_mask(bits, _mm512_maskz_loadu_epi8(lanes, at), first);
        bits = _mm512_mask_cmpeq_epi8_mask(bits, _mm512_maskz_loadu_epi8(lanes, at + last_at), last);
        size_t start;
        if (bits && mk_kernel_candidates(needle, text, from, bits, 1, effort, &start))
            return start;
    }
    return stop;
}

__attribute__((target("avx2"))) uint32_t mk_least_avx2(const uint32_t *values, size_t count)
{
    __m256i least = _mm256_set1_epi32(-1);
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        least = _mm256_min_epu32(least, _mm256_loadu_si256((const void *)(values + i)));
    __m128i half = _mm_min_epu32(_mm256_castsi256_si128(least), _mm256_extracti128_si256(least, 1));
    half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_min_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    uint32_t rest = mk_least_scalar(values + i, count - i), found = (uint32_t)_mm_cvtsi128_si32(half);
    return rest < found ? rest : found;
}

__attribute__((target("avx2"))) size_t mk_below_avx2(const uint32_t *values, size_t count, uint32_t limit)
{
    __m256i bound = _mm256_set1_epi32((int)limit);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i v = _mm256_loadu_si256((const void *)(values + i));
        __m256i not_below = _mm256_cmpeq_epi32(_mm256_max_epu32(v, bound), v);
        uint32_t below = ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(not_below)) & 0xff;
        if (below)
            return i + (unsigned)__builtin_ctz(below);
    }
    return i + mk_below_scalar(values + i, count - i, limit);
}

__attribute__((target("avx512f"))) uint32_t mk_least_avx512(const uint32_t *values, size_t count)
{
    __m512i a = _mm512_set1_epi32(-1), b = a;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        a = _mm512_min_epu32(a, _mm512_loadu_si512(values + i));
        b = _mm512_min_epu32(b, _mm512_loadu_si512(values + i + 16));
    }
    for (; i < count; i += 16) {
        __mmask16 lanes = (__mmask16)(count - i >= 16 ? 0xffff : (1u << (count - i)) - 1);
        a = _mm512_mask_min_epu32(a, lanes, a, _mm512_maskz_loadu_epi32(lanes, values + i));
    }
    return _mm512_reduce_min_epu32(_mm512_min_epu32(a, b));
}

__attribute__((target("avx512f"))) size_t mk_below_avx512(const uint32_t *values, size_t count, uint32_t limit)
{
    __m512i bound = _mm512_set1_epi32((int)limit);
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 lanes = (__mmask16)(count - i >= 16 ? 0xffff : (1u << (count - i)) - 1);
        __mmask16 below = _mm512_mask_cmplt_epu32_mask(lanes, _mm512_maskz_loadu_epi32(lanes, values + i), bound);
        if (below)
            return i + (unsigned)__builtin_ctz(below);
    }
    return count;
}
#endif
