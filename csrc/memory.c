#include <stdatomic.h>
#include <stdlib.h>

#include "markov.h"

/* Negative: no fault planned.  Otherwise the number of allocations that still succeed. */
static _Atomic int64_t allocations_left = -1;

static bool must_fail(void)
{
    int64_t left = atomic_load_explicit(&allocations_left, memory_order_relaxed);
    if (left < 0)
        return false;
    while (left > 0)
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1))
            return false;
    return left == 0;
}

void *mk_malloc(size_t size)
{
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *mk_realloc(void *block, size_t size)
{
    return must_fail() ? NULL : realloc(block, size ? size : 1);
}

void mk_free(void *block)
{
    free(block);
}

void mk_memory_fail_after(int64_t n)
{
    atomic_store(&allocations_left, n < 0 ? -1 : n);
}
