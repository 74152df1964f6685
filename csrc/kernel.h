/* kernel.h - the vector kernels behind search.h, one file per instruction set in arch/. */
#ifndef MK_KERNEL_H
#define MK_KERNEL_H

#include <string.h>

#include "lanes.h"
#include "permute_lanes.h"
#include "rows.h"
#include "search.h"

/* The smallest start in [from, stop) at which the needle (length >= 1) occurs, or stop.  The caller guarantees that
 * text[0, stop - 1 + needle length) can be read.  Each verified candidate takes the needle's length from *effort;
 * when that is used up the kernel returns the first start it has not examined, with *effort = 0. */
typedef size_t mk_kernel(const mk_needle *needle, const uint8_t *text, size_t from, size_t stop, size_t *effort);

mk_kernel mk_kernel_scalar;
#if defined(__x86_64__)
mk_kernel mk_kernel_avx2, mk_kernel_avx512;
#elif defined(__aarch64__)
mk_kernel mk_kernel_neon;
#endif

/* The least of values[0, count), UINT32_MAX if there is none. */
typedef uint32_t mk_least(const uint32_t *values, size_t count);

/* The first index in [0, count) of a value below the limit, or count. */
typedef size_t mk_below(const uint32_t *values, size_t count, uint32_t limit);

mk_least mk_least_scalar;
mk_below mk_below_scalar;
#if defined(__x86_64__)
mk_least mk_least_avx2, mk_least_avx512;
mk_below mk_below_avx2, mk_below_avx512;
#elif defined(__aarch64__)
mk_least mk_least_neon;
mk_below mk_below_neon;
#endif

/* What one instruction set offers. */
typedef struct {
    const char *name;
    mk_kernel *search;
    mk_least *least;
    mk_below *below;
    mk_row_kernel *rows;
    mk_lanes_kernel *lanes;
    size_t lanes_width;
    mk_philox_kernel *philox;
    mk_permute_kernel *permute;
} mk_kernels;

/* Whether the needle occurs at start, given that its probes match there.  Three letters are all probes. */
static inline bool mk_kernel_verify(const mk_needle *needle, const uint8_t *text, size_t start, size_t *effort)
{
    if (needle->length <= 3)
        return true;
    *effort = *effort > needle->length ? *effort - needle->length : 0;
    return memcmp(text + start, needle->bytes, needle->length) == 0;
}

/* Goes through the candidate starts base + (index of each set bit) / stride.  True: *start is the answer, an
 * occurrence or the place where the effort ran out. */
static inline bool mk_kernel_candidates(const mk_needle *needle, const uint8_t *text, size_t base, uint64_t bits,
                                        unsigned stride, size_t *effort, size_t *start)
{
    for (; bits; bits &= bits - 1) {
        *start = base + (unsigned)__builtin_ctzll(bits) / stride;
        if (mk_kernel_verify(needle, text, *start, effort))
            return true;
        if (*effort == 0) {
            *start += 1;
            return true;
        }
    }
    return false;
}

#endif
