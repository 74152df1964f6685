/* lanes.h - the randomness of one attempt at one example: 16-bit lanes of a Philox stream, taken in order. */
#ifndef MK_LANES_H
#define MK_LANES_H

#include "philox.h"

#define MK_LANES_SLACK 3

typedef struct {
    mk_philox_key key;
    uint64_t next_block, index, split;
    mk_philox_block block;
    unsigned used;              /* lanes of `block` that are spent, 0 .. 16 */
} mk_lanes;

/* Starts the stream of attempt number `attempt` (below 2^31) at example `index`. */
void mk_lanes_open(mk_lanes *lanes, mk_philox_key key, uint64_t split, uint64_t index, uint64_t attempt);

/* Four lanes as one number, the first one lowest. */
uint64_t mk_lanes_word(mk_lanes *lanes);

/* A number below `range`, from four lanes by multiply-high (bias below range / 2^64). */
uint64_t mk_lanes_below(mk_lanes *lanes, uint64_t range);

/* A letter below `letters`, exactly uniform: lane * letters, high half; lanes whose low half is below
 * 2^16 mod letters are refused (D. Lemire, "Fast random integer generation in an interval", 2019). */
uint8_t mk_lanes_letter(mk_lanes *lanes, uint32_t letters);

/* `count` letters at once: lane i gives letter i, then the refused places, from left to right, are drawn again
 * from the lanes after.  `scratch` has room for count / 4 + 1 words, `out` for MK_LANES_SLACK more than count. */
void mk_lanes_letters(mk_lanes *lanes, uint32_t letters, uint8_t *out, size_t count, uint64_t *scratch);

#endif
