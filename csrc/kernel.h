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

/* The first of `count` needles that may occur in text[0, length), length up to MK_SHORT, or `count`; and at which starts
 * its probes match, a bit each.  The empty needle's only start is 0.  Nothing behind the text is read. */
typedef size_t mk_probe(const mk_needle *needles, size_t count, const uint8_t *text, size_t length, uint64_t *starts);

mk_probe mk_probe_scalar;
#if defined(__x86_64__)
mk_probe mk_probe_avx2, mk_probe_avx512;
#elif defined(__aarch64__)
mk_probe mk_probe_neon;
#endif

/* Probes with an instruction set's comparison: bit i of letters(block, x) says that letter i of the block is x. */
MK_ROW_INLINE size_t mk_probe_with(const mk_needle *needles, size_t count, const uint8_t *block, size_t length,
                                   uint64_t *starts, uint64_t (*letters)(const uint8_t *, uint8_t))
{
    for (size_t i = 0; i < count; i++) {
        const mk_needle *needle = &needles[i];
        size_t last = needle->length - 1;
        if (last >= length) {
            if (needle->length)
                continue;
            *starts = 1;
            return i;
        }
        uint64_t found = ~(uint64_t)0 >> (63 - (length - needle->length));
        found &= letters(block, needle->first_letter) & letters(block, needle->middle_letter) >> needle->middle &
                 letters(block, needle->last_letter) >> last;
        if (found) {
            *starts = found;
            return i;
        }
    }
    return count;
}

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
    mk_probe *probe;
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
