/* tokens.h - texts as tokens: bytes or characters, special tokens, and sequences of a prompt and its completion. */
#ifndef MK_TOKENS_H
#define MK_TOKENS_H

#include "markov.h"

/* As many bytes may be no tokens by themselves where all others are written without a table. */
#define MK_TOKENS_LEADS 4

/* A text that is one token wherever it occurs. */
typedef struct {
    const uint8_t *text;             /* borrowed; not empty */
    size_t length;
    uint16_t id;
} mk_special;

/* Which token a byte or, where `characters`, a code point is.  The texts are then valid UTF-8. */
typedef struct {
    bool characters;
    const int32_t *ids;              /* borrowed; -1: no token */
    size_t id_count;                 /* what is beyond has no token */
    const mk_special *specials;      /* borrowed; a longer one stands before those that it starts with */
    size_t special_count;
    int32_t before, between, after;  /* tokens around prompt and completion, or -1 */

    int32_t alone[256];              /* by byte: its token where that can be told from the byte, or -1 */
    bool plain;                      /* every byte is its own token, but for `leads` */
    uint8_t leads[MK_TOKENS_LEADS];
    size_t lead_count;
} mk_vocabulary;

/* Computes what is below the empty line from what is above it. */
void mk_vocabulary_open(mk_vocabulary *vocabulary);

/* Writes one sequence for each row: `before`, the prompt, `between`, the completion, `after`.  `completions` may be
 * NULL, and then the sequences are those of the prompts alone, without the three.  `ids` and `mask` have room for a
 * token for each byte and three for each row; mask (may be NULL) is 1 where the completion and `after` are.
 * `offsets` has an
 * entry more than there are rows.  MK_INVALID: *row has a byte or character without a token.
 * MK_INTERRUPTED. */
mk_status mk_tokens_write(const mk_vocabulary *vocabulary, const mk_column *prompts, const mk_column *completions,
                          mk_poll poll, uint16_t *ids, uint8_t *mask, int64_t *offsets, size_t *row);

#endif
