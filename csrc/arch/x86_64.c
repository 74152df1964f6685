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
#endif
