/* The lanes: words in and out; the steps themselves are taken by the kernels in arch/lanes_kernel.h. */
#include "lanes.h"

#include <string.h>

#include "dispatch.h"

/* The rule for the planes that there are now. */
static void pack_rule(mk_lanes_program *program, const mk_bits_rule *rule, size_t number)
{
    uint64_t removed = rule->pattern_length, inserted = rule->replacement_length;
    if (inserted > program->stride)
        inserted = MK_BITS_LENGTH + removed + 1; /* more than a lane can do, wherever it is tried */
    uint64_t shrinks = removed > inserted ? removed - inserted : 0;
    uint64_t grows = inserted > removed ? inserted - removed : 0;
    mk_lanes_rule *made = &program->rules[number];
    *made = (mk_lanes_rule){
        removed << MK_FACT_REMOVED | shrinks << MK_FACT_SHRINKS | grows << MK_FACT_GROWS |
            (uint64_t)rule->terminal << MK_FACT_TERMINAL | (uint64_t)number << MK_FACT_RULE,
        0,
        rule->pattern,
        rule->pattern_size,
    };
    for (size_t k = 0; k < inserted && k < program->stride; k++)
        for (size_t b = 0; b < program->planes; b++)
            made->inserted |= (uint64_t)(rule->replacement[k] >> b & 1) << (b * program->stride + k);
}

/* Makes room for the numbers up to `letters`. */
static void widen(mk_lanes *lanes, size_t letters)
{
    mk_lanes_program *program = &lanes->program;
    while (letters >> program->planes)
        program->planes++;
    program->stride = 64 / program->planes;
    for (size_t i = 0; i < program->count; i++)
        pack_rule(program, &lanes->plan->rules[i], i);
}

void mk_lanes_start(mk_lanes *lanes, const mk_ruleset *rules, mk_strategy strategy, bool cycles)
{
    const mk_bits_plan *plan = rules->bits;
    lanes->plan = plan;
    const mk_kernels *kernels = mk_dispatch();
    lanes->kernel = kernels->lanes;
    lanes->width = kernels->lanes_width;
    lanes->busy = lanes->fresh = 0;
    lanes->words = (mk_lanes_words){0};
    lanes->letters = plan->letters;
    memcpy(lanes->number, plan->number, sizeof lanes->number);
    for (size_t i = 0; i < 256; i++)
        lanes->letter[lanes->number[i]] = (uint8_t)i;
    lanes->program.strategy = strategy;
    lanes->program.cycles = cycles;
    lanes->program.count = plan->count;
    lanes->program.pattern_letters = plan->pattern_letters;
    lanes->program.planes = 3;
    widen(lanes, plan->letters);
}

/* Gives the word's letters that have no number one each.  False: there are more than 255. */
static bool number_letters(mk_lanes *lanes, const uint8_t *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (lanes->number[word[i]] == 0) {
            if (lanes->letters == 255)
                return false;
            lanes->number[word[i]] = (uint8_t)++lanes->letters;
            lanes->letter[lanes->letters] = word[i];
        }
    if (lanes->letters >> lanes->program.planes)
        widen(lanes, lanes->letters);
    return true;
}

/* False: some letter has no number. */
static bool translate(const mk_lanes *lanes, const uint8_t *word, size_t length, uint8_t *numbers)
{
    bool all = true;
    for (size_t i = 0; i < length; i++) {
        numbers[i] = lanes->number[word[i]];
        all &= numbers[i] != 0;
    }
    return all;
}

/* Bit b of eight numbers becomes eight bits: the product moves the bit of number i to bit 56 + i. */
static uint64_t gather_bits(uint64_t numbers, size_t b)
{
    return (numbers >> b & 0x0101010101010101) * 0x0102040810204080 >> 56;
}

/* And back: each of the low eight bits becomes the lowest of a byte. */
static uint64_t spread_bits(uint64_t bits)
{
    uint64_t alone = (bits * 0x0101010101010101) & 0x8040201008040201;
    return (alone + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101;
}

static void write_planes(mk_lanes *lanes, size_t lane, const uint8_t *numbers, size_t length)
{
    uint64_t planes[MK_LANES_PLANES] = {0};
    for (size_t at = 0; at < length; at += 8) {
        uint64_t eight = 0;
        for (size_t i = 0; i < 8; i++)
            eight |= (uint64_t)numbers[at + i] << 8 * i;
        for (size_t b = 0; b < lanes->program.planes; b++)
            planes[b] |= gather_bits(eight, b) << at;
    }
    for (size_t b = 0; b < MK_LANES_PLANES; b++)
        lanes->words.planes[b][lane] = lanes->words.saved[b][lane] = planes[b];
}

static void read_planes(const mk_lanes *lanes, size_t lane, uint8_t *word, size_t length)
{
    for (size_t at = 0; at < length; at += 8) {
        uint64_t eight = 0;
        for (size_t b = 0; b < lanes->program.planes; b++)
            eight |= spread_bits(lanes->words.planes[b][lane] >> at & 255) << b;
        for (size_t i = 0; i < 8; i++)
            word[at + i] = lanes->letter[eight >> 8 * i & 255];
    }
}

bool mk_lanes_put(mk_lanes *lanes, size_t row, const uint8_t *word, size_t length, int64_t max_steps,
                  int64_t max_length)
{
    uint8_t numbers[MK_BITS_LENGTH] = {0};
    if (length > MK_BITS_LENGTH)
        return false;
    if (!translate(lanes, word, length, numbers)) {
        if (!number_letters(lanes, word, length))
            return false;
        translate(lanes, word, length, numbers);
    }
    size_t lane = (size_t)__builtin_ctz(~lanes->busy);
    lanes->busy |= 1u << lane;
    lanes->fresh |= 1u << lane;
    lanes->lanes[lane].row = row;
    lanes->lanes[lane].max_steps = (uint64_t)max_steps;
    lanes->lanes[lane].max_length = (uint64_t)max_length;
    lanes->lanes[lane].start = word;
    write_planes(lanes, lane, numbers, length);
    lanes->words.length[lane] = lanes->words.saved_length[lane] = length;
    lanes->words.taken[lane] = 0;
    lanes->words.longest[lane] = max_length < MK_BITS_LENGTH ? (uint64_t)max_length : MK_BITS_LENGTH;
    lanes->words.steps_left[lane] = (uint64_t)max_steps;
    lanes->words.busy[lane] = ~(uint64_t)0;
    return true;
}

unsigned mk_lanes_step(mk_lanes *lanes, size_t rounds)
{
    if (!lanes->fresh)
        return lanes->kernel(&lanes->program, &lanes->words, rounds);
    /* The first steps are taken by themselves, to be noted. */
    unsigned ended = lanes->kernel(&lanes->program, &lanes->words, 1);
    for (; lanes->fresh; lanes->fresh &= lanes->fresh - 1) {
        size_t lane = (size_t)__builtin_ctz(lanes->fresh);
        uint64_t hits = lanes->words.hits[lane];
        if (hits)
            lanes->lanes[lane].first = (mk_match){
                lanes->words.facts[lane] >> MK_FACT_RULE,
                (size_t)__builtin_ctzll(hits),
            };
    }
    return ended;
}

static mk_outcome outcome_of(const mk_lanes *lanes, size_t lane)
{
    const mk_lanes_words *words = &lanes->words;
    uint64_t facts = words->facts[lane];
    if (!words->stayed[lane])
        return facts >> MK_FACT_TERMINAL & 1 ? MK_TERMINAL_RULE : words->met[lane] ? MK_CYCLE : MK_RUNNING;
    if (!words->hits[lane])
        return MK_NO_RULE_APPLIES;
    if (words->steps_left[lane] == 0)
        return MK_STEP_LIMIT;
    const mk_bits_rule *rule = &lanes->plan->rules[facts >> MK_FACT_RULE];
    size_t length = words->length[lane] - rule->pattern_length + rule->replacement_length;
    return length > lanes->lanes[lane].max_length ? MK_LENGTH_LIMIT : MK_RUNNING;
}

void mk_lanes_take(mk_lanes *lanes, size_t lane, mk_lanes_word *word)
{
    word->row = lanes->lanes[lane].row;
    word->outcome = outcome_of(lanes, lane);
    word->steps = lanes->lanes[lane].max_steps - lanes->words.steps_left[lane];
    word->first = lanes->lanes[lane].first;
    word->length = lanes->words.length[lane];
    if (word->steps > 0 || word->length == 0)
        read_planes(lanes, lane, word->word, word->length);
    else
        memcpy(word->word, lanes->lanes[lane].start, word->length);
    lanes->words.busy[lane] = 0;
    lanes->busy &= ~(1u << lane);
}
