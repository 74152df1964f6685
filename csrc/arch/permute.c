#include "permute_lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define WIDTH 4
#define NAME(x) mk_permute_avx2_##x
#define PERMUTE mk_permute_avx2
#define PHILOX mk_philox_avx2
#define MULTIPLY(a, b) ((VECTOR)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define JOIN(low, high) ((VECTOR)_mm256_blend_epi32((__m256i)(low), _mm256_slli_epi64((__m256i)(high), 32), 0xAA))
#define REDUCE(lanes, letters) ((FIELDS)_mm256_mulhi_epu16((__m256i)(lanes), (__m256i)(letters)))
#define LEAST(a, b) ((FIELDS)_mm256_min_epu16((__m256i)(a), (__m256i)(b)))
#define SHUFFLE(v, order) ((VECTOR)_mm256_shuffle_epi8((__m256i)(v), (__m256i)(order)))
#include "permute_kernel.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define WIDTH 8
#define NAME(x) mk_permute_avx512_##x
#define PERMUTE mk_permute_avx512
#define PHILOX mk_philox_avx512
#define MULTIPLY(a, b) ((VECTOR)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define JOIN(low, high) ((VECTOR)_mm512_mask_shuffle_epi32((__m512i)(low), 0xAAAA, (__m512i)(high), _MM_PERM_CCAA))
#define REDUCE(lanes, letters) ((FIELDS)_mm512_mulhi_epu16((__m512i)(lanes), (__m512i)(letters)))
#define LEAST(a, b) ((FIELDS)_mm512_min_epu16((__m512i)(a), (__m512i)(b)))
#define SHUFFLE(v, order) ((VECTOR)_mm512_shuffle_epi8((__m512i)(v), (__m512i)(order)))
#include "permute_kernel.h"
#endif
