/* check.h - what the C tests share: a check that counts, a small random generator, exact-sized copies. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "markov.h"

static unsigned long checks, failures;

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        checks++;                                                                         \
        if (!(condition)) {                                                               \
            failures++;                                                                   \
            if (failures < 20)                                                            \
                printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                    \
        }                                                                                 \
    } while (0)

static inline uint64_t next_random(uint64_t *state)
{
    /* splitmix64 */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

/* A block of exactly `length` bytes, so that the address sanitizer sees a read of one byte more. */
static inline uint8_t *random_word(uint64_t *state, size_t length, size_t letters)
{
    uint8_t *word = malloc(length ? length : 1);
    for (size_t i = 0; i < length; i++)
        word[i] = (uint8_t)('a' + random_below(state, letters));
    return word;
}

static inline int report(const char *name)
{
    printf("%s: %lu checks, %lu failed\n", name, checks, failures);
    return failures ? 1 : 0;
}

#endif
