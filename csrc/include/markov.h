/* markov.h - the public interface of the Markov algorithm engine.
 *
 * A word is a sequence of bytes.  A rule set is an ordered sequence of rules (pattern, replacement, terminal).
 * A step applies the first rule whose pattern occurs in the word, at its leftmost occurrence.
 *
 * Conventions of this header.  Lengths are in bytes and always explicit; nothing is NUL-terminated.  A function
 * that can fail returns an mk_status; on failure it leaves its outputs as they were and owns nothing new.
 * Errors (no memory, interrupted) are statuses; limits and cycles are outcomes of a run, which are values.
 * Nothing here reads or writes outside the given lengths, whatever the bytes are.
 */
#ifndef MARKOV_H
#define MARKOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    MK_OK = 0,
    MK_NO_MEMORY = 1,   /* an allocation failed */
    MK_INTERRUPTED = 2, /* the caller's poll function asked to stop */
    MK_TOO_LARGE = 3,   /* a size exceeds a stated limit of the interface */
    MK_INVALID = 4      /* an argument breaks the function's stated requirements */
} mk_status;

/* Allocation hook.  All memory of the engine comes from these three functions.  mk_memory_fail_after(n) makes the
 * n-th allocation from now on fail, and every one after it, counted over all threads (n = 0: the next one); a
 * negative n switches the fault off.  For tests. */
void *mk_malloc(size_t size);
void *mk_realloc(void *block, size_t size);
void mk_free(void *block);
void mk_memory_fail_after(int64_t n);

#endif
