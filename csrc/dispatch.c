#include "dispatch.h"

#include <stdatomic.h>

/* From the plainest to the widest; an entry is usable if this CPU has its instructions. */
static const mk_kernels kernels[] = {
    {"scalar", mk_kernel_scalar, mk_probe_scalar, mk_least_scalar, mk_below_scalar, mk_rows_scalar, mk_lanes_pair_kernel, 2,
     mk_philox_scalar, mk_permute_scalar},
#if defined(__x86_64__)
    {"avx2", mk_kernel_avx2, mk_probe_avx2, mk_least_avx2, mk_below_avx2, mk_rows_avx2, mk_lanes_avx2_kernel, 4,
     mk_philox_avx2, mk_permute_avx2},
    {"avx512", mk_kernel_avx512, mk_probe_avx512, mk_least_avx512, mk_below_avx512, mk_rows_avx512, mk_lanes_avx512_kernel, 8,
     mk_philox_avx512, mk_permute_avx512},
#elif defined(__aarch64__)
    {"neon", mk_kernel_neon, mk_probe_neon, mk_least_neon, mk_below_neon, mk_rows_neon, mk_lanes_pair_kernel, 2,
     mk_philox_scalar, mk_permute_scalar},
#endif
};

enum { KERNELS = sizeof kernels / sizeof kernels[0] };

static _Atomic int chosen = -1;

static bool usable(int i)
{
#if defined(__x86_64__)
    if (i > 0 && !(__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
        return false;
    if (i == 1)
        return __builtin_cpu_supports("avx2");
    if (i == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return i >= 0;
}

static int best(void)
{
    int i = KERNELS - 1;
    while (!usable(i))
        i--;
    return i;
}

static int current(void)
{
    int i = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (i < 0) {
        i = best();
        atomic_store_explicit(&chosen, i, memory_order_relaxed);
    }
    return i;
}

const mk_kernels *mk_dispatch(void)
{
    return &kernels[current()];
}

const char *mk_simd_name(void)
{
    return kernels[current()].name;
}

bool mk_simd_force(const char *name)
{
    if (!name) {
        atomic_store(&chosen, best());
        return true;
    }
    for (int i = 0; i < KERNELS; i++)
        if (strcmp(name, kernels[i].name) == 0 && usable(i)) {
            atomic_store(&chosen, i);
            return true;
        }
    return false;
}
