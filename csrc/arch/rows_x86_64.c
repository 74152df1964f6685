#include "kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2")))

AVX2 static inline uint64_t equal_avx2(const uint8_t *a, __m256i low, __m256i high)
{
    __m256i first = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)a), low);
    __m256i second = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(a + 32)), high);
    return (uint32_t)_mm256_movemask_epi8(first) | (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

AVX2 static inline uint64_t letters_avx2(const uint8_t *a, uint8_t letter)
{
    __m256i all = _mm256_set1_epi8((char)letter);
    return equal_avx2(a, all, all);
}

AVX2 static inline uint64_t differ_avx2(const uint8_t *a, const uint8_t *b)
{
    return ~equal_avx2(a, _mm256_loadu_si256((const void *)b), _mm256_loadu_si256((const void *)(b + 32)));
}

AVX2 static inline size_t find_avx2(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m)
{
    return mk_row_find_with(word, n, pattern, m, letters_avx2, differ_avx2);
}

AVX2 size_t mk_rows_avx2(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink)
{
    return mk_rows_rewrite(job, first, last, sink, find_avx2);
}

AVX2 size_t mk_probe_avx2(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, uint64_t *starts)
{
    uint8_t block[MK_SHORT] = {0};
    memcpy(block, text, length);
    return mk_probe_with(needles, count, block, length, starts, letters_avx2);
}

AVX512 static inline uint64_t letters_avx512(const uint8_t *a, uint8_t letter)
{
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(a), _mm512_set1_epi8((char)letter));
}

AVX512 static inline uint64_t differ_avx512(const uint8_t *a, const uint8_t *b)
{
    return _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(a), _mm512_loadu_si512(b));
}

AVX512 static inline size_t find_avx512(const uint8_t *word, size_t n, const uint8_t *pattern, size_t m)
{
    return mk_row_find_with(word, n, pattern, m, letters_avx512, differ_avx512);
}

AVX512 size_t mk_probe_avx512(const mk_needle *needles, size_t count, const uint8_t *text, size_t length,
                              uint64_t *starts)
{
    __m512i block = _mm512_maskz_loadu_epi8(_bzhi_u64(~(uint64_t)0, (uint32_t)length), text);
    return mk_probe_with(needles, count, (const uint8_t *)&block, length, starts, letters_avx512);
}

AVX512 size_t mk_rows_avx512(const mk_row_job *job, size_t first, size_t last, mk_row_sink *sink)
{
    return mk_rows_rewrite(job, first, last, sink, find_avx512);
}
#endif
