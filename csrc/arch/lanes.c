#include "lanes.h"

#define TARGET
#define WIDTH 2
#define NAME(x) mk_lanes_pair_##x
#define LANES_OF(v) ((unsigned)((v)[0] != 0) | (unsigned)((v)[1] != 0) << 1)
#include "lanes_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define WIDTH 4
#define NAME(x) mk_lanes_avx2_##x
#define LANES_OF(v) \
    (15u & ~(unsigned)_mm256_movemask_pd((__m256d)_mm256_cmpeq_epi64((__m256i)(v), _mm256_setzero_si256())))
#include "lanes_kernel.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define WIDTH 8
#define NAME(x) mk_lanes_avx512_##x
#define MASK __mmask8
#define NOT_ZERO(v) _mm512_test_epi64_mask((__m512i)(v), (__m512i)(v))
#define NOT_ABOVE(a, b) _mm512_cmple_epu64_mask((__m512i)(a), (__m512i)(b))
#define PICK(mask, yes, no) ((VECTOR)_mm512_mask_mov_epi64((__m512i)(no), mask, (__m512i)(yes)))
#define LANES_OF(v) ((unsigned)_mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)))
#include "lanes_kernel.h"
#endif
