/* example.h - one example of a data set, finished: what is rendered, scored and stored, whatever the task.
 *
 * Letters are codes throughout; render.h says how they are written.  Everything is borrowed from the sampler that
 * made the example and stands until its next call.  Behind every run of codes MK_READ_SLACK bytes may be read.
 */
#ifndef MK_EXAMPLE_H
#define MK_EXAMPLE_H

#include <string.h>

#include "markov.h"

#define MK_READ_SLACK 64

/* As memmove, but for runs of codes: MK_READ_SLACK bytes are read and written whatever the count, so that short runs
 * take no decisions. */
static inline void mk_codes_move(uint8_t *to, const uint8_t *from, size_t count)
{
    typedef uint8_t quarter __attribute__((vector_size(MK_READ_SLACK / 4), aligned(1), may_alias));
    if (count > MK_READ_SLACK) {
        memmove(to, from, count);
        return;
    }
    quarter a = ((const quarter *)from)[0], b = ((const quarter *)from)[1];
    quarter c = ((const quarter *)from)[2], d = ((const quarter *)from)[3];
    ((quarter *)to)[0] = a;
    ((quarter *)to)[1] = b;
    ((quarter *)to)[2] = c;
    ((quarter *)to)[3] = d;
}

typedef struct {
    const uint8_t *pattern, *replacement;
    uint32_t pattern_length, replacement_length;
    bool terminal;
} mk_example_rule;

/* After a step: the rule that fired, where in the word before, and the word that it left. */
typedef struct {
    uint32_t rule;
    uint32_t length;
    int64_t position;
    const uint8_t *word;
} mk_example_step;

/* A demonstration of the rule (task `induce`). */
typedef struct {
    const uint8_t *word, *output;
    uint32_t length, output_length;
} mk_example_pair;

/* Why a rule set terminates: letters in descending order under which every rule shortens the word or makes it
 * lexicographically smaller, or weights of letters by which every rule makes the word lighter. */
typedef enum { MK_CERTIFICATE_NONE, MK_CERTIFICATE_ORDER, MK_CERTIFICATE_WEIGHTS } mk_certificate_kind;

typedef struct {
    mk_certificate_kind kind;
    uint16_t value[256];             /* by letter: its rank, the greatest first, or its weight */
} mk_certificate;

/* The key of a cipher: a shift, or the letter that each letter becomes. */
typedef enum { MK_KEY_NONE, MK_KEY_SHIFT, MK_KEY_SUBSTITUTION } mk_key_kind;

typedef struct {
    mk_key_kind kind;
    uint32_t shift;
    uint8_t letter[256];
} mk_key;

typedef struct {
    uint64_t index;
    uint64_t number;                 /* of the instruction */
    uint32_t stratum;                /* of the rule space */
    uint32_t paraphrase;             /* which of the templates */
    const mk_example_rule *rules;
    size_t rule_count;               /* at least 1 */
    bool no_op, near_miss;
    const uint8_t *word, *output;
    size_t length, output_length;
    int32_t rule;                    /* the first that fired, or -1 */
    int64_t position;                /* where, in letters, or -1 */
    uint64_t steps;
    mk_outcome outcome;
    const mk_example_step *trace;
    size_t trace_count;
    const mk_example_pair *pairs;
    size_t pair_count;
    mk_key key;
    mk_certificate certificate;
} mk_example;

static inline bool mk_example_halted(const mk_example *example)
{
    return example->outcome == MK_TERMINAL_RULE || example->outcome == MK_NO_RULE_APPLIES;
}

#endif
