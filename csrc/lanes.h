/* lanes.h - several short words under one rule set, each in a lane of a vector, all taking a step at once. */
#ifndef MK_LANES_H
#define MK_LANES_H

#include "matcher_bits.h"

/* The most lanes that any instruction set has, and the bits of a letter's number. */
enum { MK_LANES = 8, MK_LANES_PLANES = 8 };

/* After so many rules a kernel looks whether it needs more of them. */
enum { MK_LANES_BLOCK = 16 };

/* The words.  Bit i of lane k's planes together are the number of letter i; 0: the word has ended. */
typedef struct {
    uint64_t planes[MK_LANES_PLANES][MK_LANES];
    uint64_t length[MK_LANES];
    uint64_t longest[MK_LANES]; /* that a step may make it, at most MK_BITS_LENGTH */
    uint64_t steps_left[MK_LANES];
    uint64_t busy[MK_LANES]; /* all ones, or 0: there is no word in this lane */
    /* With cycles: the steps taken, and the word after the step that cycle.h calls t. */
    uint64_t taken[MK_LANES], saved_length[MK_LANES], saved[MK_LANES_PLANES][MK_LANES];
    uint64_t met[MK_LANES]; /* all ones: the word is the saved one */
    /* Of the last round: where the rule that comes next occurs (the lowest bit counts; 0: no rule occurs), the facts
     * of that rule, and all ones if it was not applied. */
    uint64_t hits[MK_LANES], facts[MK_LANES], stayed[MK_LANES];
} mk_lanes_words;

/* A rule, ready to be broadcast to all lanes. */
typedef struct {
    uint64_t facts;         /* fields, see below */
    uint64_t inserted;      /* the replacement plane by plane, `stride` bits each */
    const uint8_t *pattern; /* as in mk_bits_rule */
    size_t pattern_size;
} mk_lanes_rule;

/* Fields of `facts`; one number selects them all. */
enum {
    MK_FACT_REMOVED = 0,   /* 8 bits: the pattern's length, at most 63 */
    MK_FACT_SHRINKS = 8,   /* 8 bits: by how much the word gets shorter */
    MK_FACT_GROWS = 16,    /* 8 bits: or longer */
    MK_FACT_TERMINAL = 24, /* 1 bit */
    MK_FACT_RULE = 32
};

typedef struct {
    mk_strategy strategy;
    bool cycles; /* look for them */
    size_t count, pattern_letters;
    size_t planes;
    size_t stride; /* planes * stride <= 64 */
    mk_lanes_rule rules[MK_BITS_RULES];
} mk_lanes_program;

/* Takes up to `rounds` steps (at least 1) in all lanes, until some have come to an end: they are the bits of the
 * answer.  Such a word is as it was before a step that no rule, or a limit, allows; or a terminal rule was applied. */
typedef unsigned mk_lanes_kernel(const mk_lanes_program *program, mk_lanes_words *words, size_t rounds);

mk_lanes_kernel mk_lanes_pair_kernel;
#if defined(__x86_64__)
mk_lanes_kernel mk_lanes_avx2_kernel, mk_lanes_avx512_kernel;
#endif

/* The words of a batch on their way through the lanes.  Letters that the rules do not have get numbers as they come. */
typedef struct {
    const mk_bits_plan *plan;
    mk_lanes_kernel *kernel;
    size_t width;
    mk_lanes_program program;
    mk_lanes_words words;
    size_t letters;
    uint8_t number[256], letter[256];
    unsigned busy, fresh; /* a bit for each lane: it has a word, which has not yet been tried for a first step */
    struct {
        size_t row;
        const uint8_t *start; /* the word as it came */
        uint64_t max_steps, max_length;
        mk_match first;
    } lanes[MK_LANES];
} mk_lanes;

/* Empties the lanes, for rules that have a plan. */
void mk_lanes_start(mk_lanes *lanes, const mk_ruleset *rules, mk_strategy strategy, bool cycles);

static inline bool mk_lanes_full(const mk_lanes *lanes)
{
    return lanes->busy == (1u << lanes->width) - 1;
}

/* Puts a word, whose bytes must stay, into a lane; there must be one.  False: it is too long, or the words so far have
 * too many letters. */
bool mk_lanes_put(mk_lanes *lanes, size_t row, const uint8_t *word, size_t length, int64_t max_steps,
                  int64_t max_length);

/* Takes up to `rounds` steps in every lane, until a word is done for: the bits of the answer. */
unsigned mk_lanes_step(mk_lanes *lanes, size_t rounds);

/* A word that left its lane.  MK_RUNNING: its next step is one that a lane cannot take. */
typedef struct {
    size_t row;
    mk_outcome outcome;
    uint64_t steps;
    mk_match first; /* the first step, if there was one */
    size_t length;
    uint8_t word[MK_BITS_LENGTH];
} mk_lanes_word;

void mk_lanes_take(mk_lanes *lanes, size_t lane, mk_lanes_word *word);

#endif
