#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
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

/* Memory that is touched first in large pages costs a quarter of what it costs in small ones; the kernel is only asked
 * for them, and only on Linux.  Large blocks begin where a large page can, and end there if little is wasted. */
#if defined(__linux__) && defined(MADV_HUGEPAGE)
#define LARGE_PAGE ((size_t)1 << 21)
#define IS_LARGE(size) ((size) >= LARGE_PAGE)
#define LITTLE(size) ((size) / 4)

static void ask_for_large_pages(void *block, size_t size)
{
    const uintptr_t large = LARGE_PAGE;
    uintptr_t start = ((uintptr_t)block + large - 1) & ~(large - 1), end = ((uintptr_t)block + size) & ~(large - 1);
    if (block && start < end)
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

static void *large_block(size_t size)
{
    size_t whole = size <= SIZE_MAX / 2 ? (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1) : size;
    void *block = NULL;
    if (whole - size <= LITTLE(size))
        size = whole;
    /* Of a mapping of its own, glibc calls usable what aligning leaves behind the block, which nothing touches. */
    if (is_watched())
        return malloc(size);
    if (posix_memalign(&block, LARGE_PAGE, size) != 0)
        return NULL;
    ask_for_large_pages(block, size);
    return block;
}
#else
#define IS_LARGE(size) false
#define LITTLE(size) ((size_t)0)
#define ask_for_large_pages(block, size) ((void)(block))
#define large_block(size) malloc(size)
#endif

static void *new_block(size_t size)
{
    void *block = IS_LARGE(size) ? large_block(size) : malloc(size ? size : 1);
    if (block && is_watched())
        count(block_size(block));
    return block;
}

void *mk_malloc(size_t size)
{
    return must_fail() ? NULL : new_block(size);
}

/* Whether a block has that size or little more: made smaller it would lose a large page. */
static bool fits(void *block, size_t size)
{
    size_t room = (size_t)block_size(block);
    return room >= size && room - size <= LITTLE(size);
}

/* Moves a block to a large one. */
static void *enlarge(void *block, size_t size)
{
    void *moved = new_block(size);
    if (!moved)
        return NULL;
    memcpy(moved, block, (size_t)block_size(block));
    mk_free(block);
    return moved;
}

/* The old block and the new one count together, because they exist together while one is copied to the other. */
void *mk_realloc(void *block, size_t size)
{
    if (must_fail())
        return NULL;
    if (!block)
        return new_block(size);
    if (IS_LARGE(size) && fits(block, size))
        return block;
    if (IS_LARGE(size) && !IS_LARGE((size_t)block_size(block)))
        return enlarge(block, size);
    int64_t before = is_watched() ? block_size(block) : 0;
    void *moved = realloc(block, size ? size : 1);
    if (IS_LARGE(size))
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
