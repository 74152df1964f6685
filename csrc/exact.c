#include "exact.h"

#include <math.h>
#include <string.h>

/* Every machine must draw the same words, so that no multiplication may be fused with an addition.  GCC does that only
 * outside of -std=c11, and warns of the pragma. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* Weights by layer, letters left and state.  Layer 0: the letters before the leftmost occurrence; layer 1 + k: k more
 * occurrences.  A layer's weight of state q with k >= 1 is its probability times letters^((length - q) + (k-1) period),
 * the inverse of the cheapest way to the end, so that it is at least 1 where it is not 0; and each row (one layer, one
 * number of letters left) is scaled by a power of two of its own.  Nothing that matters can underflow. */
struct mk_weights {
    uint32_t *border;
    double *value;
    int32_t *exponent;
    bool filled;
};

enum { LAYER_BEFORE = 0, LAYER_AVOID = 1 };

#define CACHE_BYTES ((size_t)64 << 20)
#define CACHE_SLOTS 64

static size_t weights_rows(const mk_exact *exact)
{
    return (size_t)(exact->layers + 1) * (exact->longest + 1);
}

mk_status mk_exact_open(mk_exact *exact, uint32_t letters, uint32_t length, uint32_t occurrences, size_t longest)
{
    *exact = (mk_exact){.letters = letters, .length = length, .longest = longest};
    exact->alphabet = mk_alphabet_make(letters);
    exact->layers = occurrences ? occurrences : 1;
    exact->automaton.length = length;
    size_t states = (size_t)length + 1;
    exact->automaton.border = mk_malloc(states * sizeof(uint32_t));
    exact->automaton.first = mk_malloc(states * sizeof(uint32_t));
    exact->automaton.target = mk_malloc(2 * states * sizeof(uint32_t));
    exact->automaton.letter = mk_malloc(2 * states);
    exact->shrink = mk_malloc((states + 1) * sizeof *exact->shrink);
    size_t bytes = weights_rows(exact) * length * sizeof(double);
    exact->slots = bytes < CACHE_BYTES / CACHE_SLOTS ? CACHE_SLOTS : bytes < CACHE_BYTES ? CACHE_BYTES / bytes : 1;
    exact->cache = mk_malloc(exact->slots * sizeof *exact->cache);
    if (exact->cache)
        memset(exact->cache, 0, exact->slots * sizeof *exact->cache);
    const mk_automaton *automaton = &exact->automaton;
    if (!automaton->border || !automaton->first || !automaton->target || !automaton->letter || !exact->shrink ||
        !exact->cache) {
        mk_exact_close(exact);
        return MK_NO_MEMORY;
    }
    exact->shrink[0] = 1;
    for (size_t steps = 1; steps <= states; steps++)
        exact->shrink[steps] = exact->shrink[steps - 1] / letters;
    return MK_OK;
}

static void weights_close(mk_weights *weights)
{
    if (!weights)
        return;
    mk_free(weights->border);
    mk_free(weights->value);
    mk_free(weights->exponent);
    mk_free(weights);
}

void mk_exact_close(mk_exact *exact)
{
    for (size_t i = 0; exact->cache && i < exact->slots; i++)
        weights_close(exact->cache[i]);
    mk_free(exact->cache);
    mk_free(exact->shrink);
    mk_free(exact->automaton.border);
    mk_free(exact->automaton.first);
    mk_free(exact->automaton.target);
    mk_free(exact->automaton.letter);
    *exact = (mk_exact){0};
}

void mk_exact_pattern(mk_exact *exact, const uint8_t *pattern)
{
    exact->automaton.pattern = pattern;
    exact->built = false;
    exact->weights = NULL;
}

/* The automaton. */

static void build_borders(mk_automaton *automaton)
{
    const uint8_t *pattern = automaton->pattern;
    uint32_t matched = 0;
    automaton->border[0] = automaton->border[1] = 0;
    for (uint32_t q = 1; q < automaton->length; q++) {
        while (matched && pattern[q] != pattern[matched])
            matched = automaton->border[matched];
        if (pattern[q] == pattern[matched])
            matched++;
        automaton->border[q + 1] = matched;
    }
}

/* State q goes forward on one letter and otherwise moves as its border does. */
static void build_edges(mk_automaton *automaton)
{
    uint32_t edges = 0;
    for (uint32_t q = 0; q < automaton->length; q++) {
        uint8_t forward = automaton->pattern[q];
        automaton->first[q] = edges;
        automaton->letter[edges] = forward;
        automaton->target[edges++] = q + 1;
        uint32_t border = automaton->border[q];
        for (uint32_t e = automaton->first[border]; q && e < automaton->first[border + 1]; e++)
            if (automaton->letter[e] != forward) {
                automaton->letter[edges] = automaton->letter[e];
                automaton->target[edges++] = automaton->target[e];
            }
        automaton->first[q + 1] = edges;
    }
}

static void build(mk_exact *exact)
{
    if (exact->built)
        return;
    build_borders(&exact->automaton);
    build_edges(&exact->automaton);
    exact->built = true;
}

uint32_t mk_exact_period(mk_exact *exact)
{
    build(exact);
    return exact->length - exact->automaton.border[exact->length];
}

/* Counting. */

typedef struct {
    uint64_t *now, *next;       /* words by occurrences so far and state, at most `enough` each */
    uint32_t occurrences;
    bool or_more;
    uint64_t enough;
} counter;

static void count_more(const counter *c, size_t cell, uint64_t words)
{
    c->next[cell] = words >= c->enough - c->next[cell] ? c->enough : c->next[cell] + words;
}

static void count_state(const mk_exact *exact, const counter *c, uint32_t seen, uint32_t q)
{
    const mk_automaton *automaton = &exact->automaton;
    size_t row = (size_t)seen * exact->length;
    uint64_t words = c->now[row + q];
    if (c->or_more && seen == c->occurrences) {
        count_more(c, row, words * exact->letters);
        return;
    }
    for (uint32_t e = automaton->first[q]; e < automaton->first[q + 1]; e++) {
        if (automaton->target[e] < exact->length)
            count_more(c, row + automaton->target[e], words);
        else if (seen < c->occurrences)
            count_more(c, row + exact->length + automaton->border[exact->length], words);
    }
    count_more(c, row, words * (exact->letters - (automaton->first[q + 1] - automaton->first[q])));
}

/* Adds a letter to every word; returns how many of the longer words have the property. */
static uint64_t count_letter(const mk_exact *exact, counter *c)
{
    size_t cells = (size_t)(c->occurrences + 1) * exact->length;
    memset(c->next, 0, cells * sizeof *c->next);
    for (uint32_t seen = 0; seen <= c->occurrences; seen++)
        for (uint32_t q = 0; q < exact->length; q++)
            if (c->now[(size_t)seen * exact->length + q])
                count_state(exact, c, seen, q);
    uint64_t *kept = c->now, found = 0;
    c->now = c->next;
    c->next = kept;
    for (uint32_t q = 0; q < exact->length; q++)
        found += c->now[(size_t)c->occurrences * exact->length + q];
    return found;
}

mk_status mk_exact_has_words(mk_exact *exact, size_t shortest, uint32_t occurrences, bool or_more, uint64_t enough,
                             bool *answer)
{
    size_t cells = (size_t)(occurrences + 1) * exact->length;
    uint64_t *memory = mk_malloc(2 * cells * sizeof *memory);
    if (!memory)
        return MK_NO_MEMORY;
    counter c = {memory, memory + cells, occurrences, or_more, enough};
    build(exact);
    memset(memory, 0, cells * sizeof *memory);
    c.now[0] = 1;
    uint64_t total = 0;
    for (size_t length = 1; length <= exact->longest && total < enough; length++) {
        uint64_t found = count_letter(exact, &c);
        total += length >= shortest || found >= enough ? found : 0;
    }
    mk_free(memory);
    *answer = total >= enough;
    return MK_OK;
}

/* Weights. */

static double *weights_row(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left)
{
    return weights->value + ((size_t)layer * (exact->longest + 1) + left) * exact->length;
}

static int32_t *weights_exponent(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left)
{
    return weights->exponent + (size_t)layer * (exact->longest + 1) + left;
}

/* What the edge e of state q is worth with `left` letters left, its own included. */
static double edge_weight(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left, uint32_t q,
                          uint32_t e)
{
    uint32_t target = exact->automaton.target[e];
    if (target == exact->length) {
        if (layer <= LAYER_AVOID)
            return 0;
        int32_t bridge = *weights_exponent(exact, weights, layer - 1, left - 1) -
                         *weights_exponent(exact, weights, layer, left - 1);
        return ldexp(weights_row(exact, weights, layer - 1, left - 1)[exact->automaton.border[target]], bridge);
    }
    double ahead = weights_row(exact, weights, layer, left - 1)[target];
    return ahead * exact->shrink[layer <= LAYER_AVOID ? 1 : q + 1 - target];
}

/* What all letters that lead to state 0 are worth together. */
static double rest_weight(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left, uint32_t q)
{
    uint32_t others = exact->letters - (exact->automaton.first[q + 1] - exact->automaton.first[q]);
    double ahead = weights_row(exact, weights, layer, left - 1)[0];
    return others * (ahead * exact->shrink[layer <= LAYER_AVOID ? 1 : q + 1]);
}

static double total_weight(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left, uint32_t q)
{
    double total = 0;
    for (uint32_t e = exact->automaton.first[q]; e < exact->automaton.first[q + 1]; e++)
        total += edge_weight(exact, weights, layer, left, q, e);
    return total + rest_weight(exact, weights, layer, left, q);
}

/* Scales a row so that its largest weight lies in [1/2, 1).  A row of zeros is put on the scale of the layer below. */
static void scale_row(const mk_exact *exact, const mk_weights *weights, uint32_t layer, size_t left, int32_t exponent)
{
    double *row = weights_row(exact, weights, layer, left), largest = 0;
    int shift = 0;
    for (uint32_t q = 0; q < exact->length; q++)
        largest = row[q] > largest ? row[q] : largest;
    frexp(largest, &shift);
    double factor = ldexp(1, -shift);
    for (uint32_t q = 0; q < exact->length; q++)
        row[q] *= factor;
    if (largest == 0 && layer > LAYER_AVOID)
        exponent = *weights_exponent(exact, weights, layer - 1, left);
    *weights_exponent(exact, weights, layer, left) = exponent + shift;
}

/* Before the leftmost occurrence: a word that ends in state q may be followed by the pattern unless an earlier
 * occurrence would overlap it, that is, unless a border of the pattern's first q letters is as long as a period. */
static void fill_before(const mk_exact *exact, double *row)
{
    const uint32_t *border = exact->automaton.border;
    for (uint32_t q = 0; q < exact->length; q++)
        row[q] = 1;
    for (uint32_t b = border[exact->length]; b; b = border[b])
        row[exact->length - b] = 0;
    for (uint32_t q = 1; q < exact->length; q++)
        if (row[border[q]] == 0)
            row[q] = 0;
}

static void fill_layer(const mk_exact *exact, const mk_weights *weights, uint32_t layer)
{
    double *row = weights_row(exact, weights, layer, 0);
    for (uint32_t q = 0; q < exact->length; q++)
        row[q] = layer == LAYER_AVOID ? 1 : 0;
    if (layer == LAYER_BEFORE)
        fill_before(exact, row);
    scale_row(exact, weights, layer, 0, 0);
    for (size_t left = 1; left <= exact->longest; left++) {
        row = weights_row(exact, weights, layer, left);
        for (uint32_t q = 0; q < exact->length; q++)
            row[q] = total_weight(exact, weights, layer, left, q);
        scale_row(exact, weights, layer, left, *weights_exponent(exact, weights, layer, left - 1));
    }
}

static mk_status weights_open(const mk_exact *exact, mk_weights **opened)
{
    size_t rows = weights_rows(exact);
    mk_weights *weights = mk_malloc(sizeof *weights);
    if (!weights)
        return MK_NO_MEMORY;
    weights->filled = false;
    weights->border = mk_malloc(((size_t)exact->length + 1) * sizeof *weights->border);
    weights->value = mk_malloc(rows * exact->length * sizeof *weights->value);
    weights->exponent = mk_malloc(rows * sizeof *weights->exponent);
    if (!weights->border || !weights->value || !weights->exponent) {
        weights_close(weights);
        return MK_NO_MEMORY;
    }
    *opened = weights;
    return MK_OK;
}

static size_t border_slot(const mk_exact *exact)
{
    uint64_t hash = 0;
    for (uint32_t q = 0; q <= exact->length; q++)
        hash = (hash ^ exact->automaton.border[q]) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash >> 32) % exact->slots;
}

/* Weights depend on the pattern through its borders only (they decide which letters of the automaton coincide), so
 * patterns of one shape share them. */
static mk_status find_weights(mk_exact *exact)
{
    if (exact->weights)
        return MK_OK;
    build(exact);
    mk_weights **slot = &exact->cache[border_slot(exact)];
    size_t bytes = ((size_t)exact->length + 1) * sizeof(uint32_t);
    if (!*slot && weights_open(exact, slot) != MK_OK)
        return MK_NO_MEMORY;
    if (!(*slot)->filled || memcmp((*slot)->border, exact->automaton.border, bytes) != 0) {
        memcpy((*slot)->border, exact->automaton.border, bytes);
        for (uint32_t layer = 0; layer <= exact->layers; layer++)
            fill_layer(exact, *slot, layer);
        (*slot)->filled = true;
    }
    exact->weights = *slot;
    return MK_OK;
}

/* Drawing. */

static bool is_listed(const mk_automaton *automaton, uint32_t q, uint8_t letter)
{
    for (uint32_t e = automaton->first[q]; e < automaton->first[q + 1]; e++)
        if (automaton->letter[e] == letter)
            return true;
    return false;
}

static uint8_t draw_unlisted(const mk_exact *exact, mk_draws *draws, uint32_t q)
{
    uint8_t letter;
    do
        letter = mk_draws_letter(draws, &exact->alphabet);
    while (is_listed(&exact->automaton, q, letter));
    return letter;
}

/* Draws one letter at state q and returns the state it leads to.  If rounding leaves the draw beyond the last
 * positive weight, that weight's letter is taken. */
static uint32_t draw_letter(const mk_exact *exact, mk_draws *draws, uint32_t layer, size_t left, uint32_t q,
                            uint8_t *letter)
{
    const mk_automaton *automaton = &exact->automaton;
    double unit = (double)(mk_draws_word(draws) >> 11) * 0x1p-53;
    double point = unit * total_weight(exact, exact->weights, layer, left, q);
    uint32_t chosen = UINT32_MAX;
    for (uint32_t e = automaton->first[q]; e < automaton->first[q + 1]; e++) {
        double weight = edge_weight(exact, exact->weights, layer, left, q, e);
        if (weight > 0)
            chosen = e;
        if (point < weight)
            break;
        point -= weight;
        if (e + 1 == automaton->first[q + 1] && rest_weight(exact, exact->weights, layer, left, q) > 0)
            chosen = UINT32_MAX;
    }
    if (chosen == UINT32_MAX) {
        *letter = draw_unlisted(exact, draws, q);
        return 0;
    }
    *letter = automaton->letter[chosen];
    return automaton->target[chosen];
}

static void draw_letters(const mk_exact *exact, mk_draws *draws, uint32_t layer, uint32_t q, uint8_t *word, size_t left)
{
    for (; left; left--) {
        q = draw_letter(exact, draws, layer, left, q, word++);
        if (q == exact->length) {
            q = exact->automaton.border[q];
            layer--;
        }
    }
}

mk_status mk_exact_avoid(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t length)
{
    if (find_weights(exact) != MK_OK)
        return MK_NO_MEMORY;
    draw_letters(exact, draws, LAYER_AVOID, 0, word, length);
    return MK_OK;
}

mk_status mk_exact_before(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t start)
{
    if (find_weights(exact) != MK_OK)
        return MK_NO_MEMORY;
    draw_letters(exact, draws, LAYER_BEFORE, 0, word, start);
    return MK_OK;
}

mk_status mk_exact_after(mk_exact *exact, mk_draws *draws, uint8_t *word, size_t left, uint32_t more)
{
    if (find_weights(exact) != MK_OK)
        return MK_NO_MEMORY;
    draw_letters(exact, draws, LAYER_AVOID + more, exact->automaton.border[exact->length], word, left);
    return MK_OK;
}
