/* decode.h - turns bytes into rules, words and options, so that every input of a fuzzer means something.
 *
 * The rules are pieces of each other and the words are pieces of the rules, repeated, because letters drawn one by one
 * would hardly ever match, and because a few bytes must make words of thousands of letters. */
#ifndef DECODE_H
#define DECODE_H

#include "oracle.h"

enum { FUZZ_RULES = 48, FUZZ_SIDES_SIZE = 1 << 14 };

/* What is left of the input; after its end every byte is 0. */
typedef struct {
    const uint8_t *at, *end;
} fuzz_input;

uint8_t fuzz_byte(fuzz_input *in);

typedef struct {
    unsigned letters; /* the alphabet: 'a' and so on; 256: every byte */
    size_t count;
    uint8_t *patterns, *replacements; /* blocks of exactly their size, so that a sanitizer sees a read beyond them */
    int64_t pattern_offsets[FUZZ_RULES + 1], replacement_offsets[FUZZ_RULES + 1];
    uint8_t terminal[FUZZ_RULES];
    oracle_rule rules[FUZZ_RULES]; /* the same rules */
} fuzz_rules;

/* Reads the alphabet and the rules; forces the vector instructions that the input names, if this CPU has them. */
void fuzz_rules_read(fuzz_input *in, fuzz_rules *rules);
void fuzz_rules_free(fuzz_rules *rules);
mk_column fuzz_patterns(const fuzz_rules *rules);
mk_column fuzz_replacements(const fuzz_rules *rules);

/* A word of at most `limit` letters, in a block of exactly its size, which the caller frees. */
oracle_word fuzz_word_read(fuzz_input *in, const fuzz_rules *rules, size_t limit);

/* Reads two limits; `bounded`: neither is so large that a run could take long. */
void fuzz_limits_read(fuzz_input *in, bool bounded, int64_t *max_steps, int64_t *max_length);

/* Prints the condition that does not hold, and aborts. */
#define FUZZ_CHECK(condition)                                  \
    do {                                                       \
        if (!(condition))                                      \
            fuzz_failed(__FILE__, __LINE__, #condition);       \
    } while (0)

void fuzz_failed(const char *file, int line, const char *condition);

bool fuzz_same_bytes(const uint8_t *bytes, size_t length, oracle_word word);

#endif
