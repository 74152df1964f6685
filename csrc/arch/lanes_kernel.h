/* lanes_kernel.h - one step in every lane, written once and compiled for each instruction set.
 *
 * Included with these defined: TARGET, an attribute or nothing; WIDTH, the number of lanes; NAME(x), which makes a
 * name of its own; and LANES_OF(v), a bit for each lane of v that is not 0.  MASK and what goes with it may be defined,
 * where lanes are chosen by something else than vectors of all ones and 0.
 *
 * No lane waits for another: every rule is looked for in all lanes, the rules of a block from the last to the first,
 * so that what stays noted is the first one; then all lanes are edited, each by the numbers of its own rule. */
#include <string.h>

#define VECTOR NAME(vector)
#define FLOATS NAME(floats)
#define INLINE TARGET static inline __attribute__((always_inline))
#ifndef MASK
#define MASK VECTOR
#define NOT_ZERO(v) ((VECTOR)((v) != 0))
#define NOT_ABOVE(a, b) ((VECTOR)((a) <= (b)))
#define PICK(mask, yes, no) (((mask) & (yes)) | (~(mask) & (no)))
#endif

typedef uint64_t VECTOR __attribute__((vector_size(8 * WIDTH)));
typedef double FLOATS __attribute__((vector_size(8 * WIDTH)));

/* What is noted of the rule that fires. */
typedef struct {
    VECTOR hits, facts, inserted;
} NAME(choice);

INLINE VECTOR NAME(load)(const uint64_t *from)
{
    VECTOR v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* The masks of the letters that patterns have, at least eight; that of number 0, any letter, is all ones. */
INLINE void NAME(find_letters)(size_t letters, const VECTOR *plane, size_t planes, VECTOR *masks)
{
    VECTOR others = {0};
    for (size_t b = planes; b > 3 && letters >> (b - 1) == 0; b--)
        others |= plane[b - 1];
    VECTOR even = ~(plane[0] | others), odd = plane[0] & ~others;
    VECTOR low[4] = {even & ~plane[1], odd & ~plane[1], even & plane[1], odd & plane[1]};
    for (size_t n = 0; n < 4; n++) {
        masks[n] = low[n] & ~plane[2];
        masks[n + 4] = low[n] & plane[2];
    }
    /* Every further plane doubles them. */
    size_t half = 8;
    for (const VECTOR *next = plane + 3; half <= letters; half *= 2, next++)
        for (size_t n = half; n-- > 0;) {
            if (n + half <= letters)
                masks[n + half] = masks[n] & *next;
            masks[n] &= ~*next;
        }
    masks[0] = ~(VECTOR){0};
}

/* The first of the rules [from, to), or the leftmost. */
INLINE NAME(choice) NAME(choose_among)(const mk_lanes_rule *from, const mk_lanes_rule *to, bool leftmost,
                                       const VECTOR *masks)
{
    NAME(choice) choice = {0};
    for (const mk_lanes_rule *rule = to; rule-- > from;) {
        size_t k = rule->pattern_size - 1;
        VECTOR at = masks[rule->pattern[k]];
        while (k-- > 0)
            at = masks[rule->pattern[k]] & (at >> 1);
        if (leftmost)
            at &= -at;
        MASK taken = leftmost ? NOT_ABOVE(at - 1, choice.hits - 1) : NOT_ZERO(at);
        choice.hits = PICK(taken, at, choice.hits);
        choice.facts = PICK(taken, (VECTOR){0} + rule->facts, choice.facts);
        choice.inserted = PICK(taken, (VECTOR){0} + rule->inserted, choice.inserted);
    }
    return choice;
}

/* Of many rules, only as many as it takes until every lane has one that no later rule can beat. */
INLINE NAME(choice) NAME(choose)(const mk_lanes_program *program, bool leftmost, const VECTOR *masks, VECTOR busy)
{
    const mk_lanes_rule *from = program->rules, *end = from + program->count;
    NAME(choice) best = {0};
    for (const mk_lanes_rule *to; from < end; from = to) {
        to = end - from > MK_LANES_BLOCK ? from + MK_LANES_BLOCK : end;
        NAME(choice) next = NAME(choose_among)(from, to, leftmost, masks);
        MASK kept = leftmost ? NOT_ABOVE(best.hits - 1, next.hits - 1) : NOT_ZERO(best.hits);
        best.hits = PICK(kept, best.hits, next.hits);
        best.facts = PICK(kept, best.facts, next.facts);
        best.inserted = PICK(kept, best.inserted, next.inserted);
        if (!LANES_OF(busy & (VECTOR)((leftmost ? best.hits & 1 : best.hits) == 0)))
            break;
    }
    return best;
}

/* The numbers of the bits that are alone in their lanes, read off the exponent of a floating-point number: the two
 * halves become the last digits of 2^52 and of 2^84. */
INLINE VECTOR NAME(bit_numbers)(VECTOR bits)
{
    const FLOATS low_base = (FLOATS){0} + 0x1p52, high_base = (FLOATS){0} + 0x1p84;
    FLOATS low = (FLOATS)((bits & 0xffffffff) | (VECTOR)low_base) - low_base;
    FLOATS high = (FLOATS)((bits >> 32) | (VECTOR)high_base) - high_base;
    return ((VECTOR)(low + high) >> 52) - 1023;
}

/* Takes the step in the lanes that may, and gives all ones for the others. */
INLINE VECTOR NAME(apply)(NAME(choice) choice, size_t stride, size_t planes, VECTOR longest, VECTOR *plane,
                          VECTOR *length, VECTOR *left)
{
    VECTOR removed = choice.facts >> MK_FACT_REMOVED & 255, shrinks = choice.facts >> MK_FACT_SHRINKS & 255;
    VECTOR grows = choice.facts >> MK_FACT_GROWS & 255, next = *length - shrinks + grows;
    VECTOR stays = (VECTOR)(choice.hits == 0) | (VECTOR)(*left == 0) | (VECTOR)(next > longest);
    VECTOR lowest = choice.hits & -choice.hits, position = NAME(bit_numbers)(lowest) & 63;
    VECTOR before = (lowest - 1) | stays, behind = ~(((lowest << removed) - 1) | stays);
    const uint64_t inserted = ((uint64_t)1 << stride) - 1;
    for (size_t b = 0; b < planes; b++)
        plane[b] = (plane[b] & before) | ((plane[b] & behind) >> shrinks << (grows & 63)) |
                   ((choice.inserted >> (b * stride) & inserted) << position & ~stays);
    *length = (stays & *length) | (~stays & next);
    *left += ~stays; /* minus 1 */
    return stays;
}

/* Where the word after a step is the saved one; after a power of two of steps it becomes that. */
INLINE VECTOR NAME(meet)(const VECTOR *plane, size_t planes, VECTOR length, VECTOR stays, VECTOR *taken,
                         VECTOR *saved, VECTOR *saved_length)
{
    VECTOR differ = length ^ *saved_length;
    for (size_t b = 0; b < planes; b++)
        differ |= plane[b] ^ saved[b];
    *taken -= ~stays; /* plus 1 */
    VECTOR save = (VECTOR)((*taken & (*taken - 1)) == 0) & ~stays;
    for (size_t b = 0; b < planes; b++)
        saved[b] = (save & plane[b]) | (~save & saved[b]);
    *saved_length = (save & length) | (~save & *saved_length);
    return (VECTOR)(differ == 0) & ~stays;
}

INLINE unsigned NAME(run)(const mk_lanes_program *program, bool leftmost, size_t planes, bool cycles,
                          mk_lanes_words *words, size_t rounds)
{
    VECTOR plane[MK_LANES_PLANES], saved[MK_LANES_PLANES], masks[256];
    for (size_t b = 0; b < planes; b++) {
        plane[b] = NAME(load)(words->planes[b]);
        saved[b] = NAME(load)(words->saved[b]);
    }
    VECTOR taken = NAME(load)(words->taken), saved_length = NAME(load)(words->saved_length), met = {0};
    VECTOR length = NAME(load)(words->length), left = NAME(load)(words->steps_left), stays = {0};
    const VECTOR longest = NAME(load)(words->longest), busy = NAME(load)(words->busy);
    NAME(choice) choice = {0};
    unsigned ended = 0;
    while (rounds-- > 0 && !ended) {
        NAME(find_letters)(program->pattern_letters, plane, planes, masks);
        choice = NAME(choose)(program, leftmost, masks, busy);
        stays = NAME(apply)(choice, program->stride, planes, longest, plane, &length, &left);
        if (cycles)
            met = NAME(meet)(plane, planes, length, stays, &taken, saved, &saved_length);
        ended = LANES_OF(busy & (stays | met | (choice.facts & (uint64_t)1 << MK_FACT_TERMINAL)));
    }
    for (size_t b = 0; b < planes; b++) {
        memcpy(words->planes[b], &plane[b], sizeof plane[b]);
        memcpy(words->saved[b], &saved[b], sizeof saved[b]);
    }
    memcpy(words->taken, &taken, sizeof taken);
    memcpy(words->saved_length, &saved_length, sizeof saved_length);
    memcpy(words->met, &met, sizeof met);
    memcpy(words->length, &length, sizeof length);
    memcpy(words->steps_left, &left, sizeof left);
    memcpy(words->hits, &choice.hits, sizeof choice.hits);
    memcpy(words->facts, &choice.facts, sizeof choice.facts);
    memcpy(words->stayed, &stays, sizeof stays);
    return ended;
}

/* The planes of seven letters stay in registers. */
TARGET unsigned NAME(kernel)(const mk_lanes_program *program, mk_lanes_words *words, size_t rounds)
{
    size_t planes = program->planes;
    if (program->strategy == MK_LEFTMOST)
        return NAME(run)(program, true, planes, program->cycles, words, rounds);
    if (planes <= 3 && program->cycles)
        return NAME(run)(program, false, 3, true, words, rounds);
    if (planes <= 3)
        return NAME(run)(program, false, 3, false, words, rounds);
    return NAME(run)(program, false, planes, program->cycles, words, rounds);
}

#undef VECTOR
#undef FLOATS
#undef INLINE
#undef TARGET
#undef WIDTH
#undef NAME
#undef LANES_OF
#undef MASK
#undef NOT_ZERO
#undef NOT_ABOVE
#undef PICK
