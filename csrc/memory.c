#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif

#include <stdatomic.h>
#include <stdlib.h>
#ifdef __APPLE__
#include <malloc/malloc.h>
#else
#include <malloc.h>
#endif

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

static _Atomic bool watching;
static _Atomic int64_t held, peak;

static int64_t block_size(void *block)
{
#ifdef __APPLE__
    return (int64_t)malloc_size(block);
#else
    return (int64_t)malloc_usable_size(block);
#endif
}

static void count(int64_t bytes)
{
    int64_t now = atomic_fetch_add(&held, bytes) + bytes, most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        ;
}

static bool is_watched(void)
{
    return atomic_load_explicit(&watching, memory_order_relaxed);
}

/* Asks for large pages in a large block, whose first touch costs much less then: only a request, and only on Linux. */
static void ask_for_large_pages(void *block, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t large = (uintptr_t)1 << 21;
    uintptr_t start = ((uintptr_t)block + large - 1) & ~(large - 1), end = ((uintptr_t)block + size) & ~(large - 1);
    if (block && size >= 2 * large && start < end)
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
#else
    (void)block;
    (void)size;
#endif
}

void *mk_malloc(size_t size)
{
    void *block = must_fail() ? NULL : malloc(size ? size : 1);
    ask_for_large_pages(block, size);
    if (is_watched())
        count(block_size(block));
    return block;
}

/* The old block and the new one count together, because they exist together while one is copied to the other. */
void *mk_realloc(void *block, size_t size)
{
    if (must_fail())
        return NULL;
    int64_t before = is_watched() ? block_size(block) : 0;
    void *moved = realloc(block, size ? size : 1);
    ask_for_large_pages(moved, size);
    if (moved && is_watched()) {
        count(block_size(moved));
        count(-before);
    }
    return moved;
}

void mk_free(void *block)
{
    if (is_watched())
        count(-block_size(block));
    free(block);
}

void mk_memory_watch(bool on)
{
    atomic_store(&held, 0);
    atomic_store(&peak, 0);
    atomic_store(&watching, on);
}

int64_t mk_memory_held(void)
{
    return atomic_load(&held);
}

int64_t mk_memory_peak(void)
{
    return atomic_load(&peak);
}

void mk_memory_fail_after(int64_t n)
{
    atomic_store(&allocations_left, n < 0 ? -1 : n);
}
