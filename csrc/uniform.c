#include "uniform.h"

#include <string.h>

/* The counts of one shape.  Layer o: exactly o more occurrences; fills on demand, each from the one below.  Rows go by
 * letters left. */
struct mk_shape {
    uint32_t length;
    uint32_t *border;                /* the failure links of the automaton */
    mk_count **layer;
    uint32_t layers, filled;         /* there may be; there are */
    mk_count *any;                   /* at least one more occurrence */
    mk_count *free;                  /* what `any` goes on with: letters^left at [left + length] */
    bool any_filled;
};

#define CACHE_BYTES ((size_t)64 << 20)
#define CACHE_SLOTS 64

mk_status mk_uniform_open(mk_uniform *uniform, uint32_t letters, uint32_t longest_pattern, uint32_t occurrences,
                          size_t longest)
{
    *uniform = (mk_uniform){.letters = letters, .longest_pattern = longest_pattern, .longest = longest};
    uniform->alphabet = mk_alphabet_make(letters);
    uniform->most = occurrences > 1 ? occurrences : 1;
    mk_status status = mk_detector_open(&uniform->detector, letters, longest_pattern);
    if (status != MK_OK)
        return status;
    size_t row = ((size_t)longest_pattern + 1) * sizeof(mk_count);
    size_t bytes = (longest + 1) * row * ((size_t)uniform->most + 1);
    uniform->slots = bytes < CACHE_BYTES / CACHE_SLOTS ? CACHE_SLOTS : bytes < CACHE_BYTES ? CACHE_BYTES / bytes : 1;
    uniform->cache = mk_malloc(uniform->slots * sizeof *uniform->cache);
    if (!uniform->cache) {
        mk_uniform_close(uniform);
        return MK_NO_MEMORY;
    }
    memset(uniform->cache, 0, uniform->slots * sizeof *uniform->cache);
    return MK_OK;
}

static void shape_close(mk_shape *shape)
{
    if (!shape)
        return;
    for (uint32_t o = 0; shape->layer && o < shape->layers; o++)
        mk_free(shape->layer[o]);
    mk_free(shape->layer);
    mk_free(shape->border);
    mk_free(shape->any);
    mk_free(shape->free);
    mk_free(shape);
}

void mk_uniform_close(mk_uniform *uniform)
{
    for (size_t i = 0; uniform->cache && i < uniform->slots; i++)
        shape_close(uniform->cache[i]);
    mk_free(uniform->cache);
    mk_detector_close(&uniform->detector);
    *uniform = (mk_uniform){0};
}

/* Shapes. */

static mk_shape *shape_open(const mk_uniform *uniform)
{
    mk_shape *shape = mk_malloc(sizeof *shape);
    if (!shape)
        return NULL;
    *shape = (mk_shape){.layers = uniform->most + 1};
    shape->border = mk_malloc(((size_t)uniform->longest_pattern + 1) * sizeof *shape->border);
    shape->layer = mk_malloc(shape->layers * sizeof *shape->layer);
    if (shape->layer)
        memset(shape->layer, 0, shape->layers * sizeof *shape->layer);
    if (shape->border && shape->layer)
        return shape;
    shape_close(shape);
    return NULL;
}

static size_t shape_slot(const mk_uniform *uniform, uint32_t length)
{
    uint64_t hash = length;
    for (uint32_t q = 0; q <= length; q++)
        hash = (hash ^ uniform->detector.failure[q]) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash >> 32) % uniform->slots;
}

/* Builds the pattern's automaton and finds the counts of its shape, which may have to be filled. */
static mk_status find_shape(mk_uniform *uniform, const mk_needle *pattern, mk_shape **found)
{
    uint32_t length = (uint32_t)pattern->length;
    if (mk_detector_build(&uniform->detector, pattern, 1, 0) != MK_OK)
        return MK_NO_MEMORY;
    mk_shape **slot = &uniform->cache[shape_slot(uniform, length)];
    if (!*slot && !(*slot = shape_open(uniform)))
        return MK_NO_MEMORY;
    mk_shape *shape = *found = *slot;
    size_t bytes = ((size_t)length + 1) * sizeof *shape->border;
    if (shape->length == length && memcmp(shape->border, uniform->detector.failure, bytes) == 0)
        return MK_OK;
    shape->length = length;
    memcpy(shape->border, uniform->detector.failure, bytes);
    shape->filled = 0;
    shape->any_filled = false;
    return MK_OK;
}

static bool reserve(const mk_uniform *uniform, mk_count **rows, size_t width)
{
    if (!*rows)
        *rows = mk_malloc((uniform->longest + 1) * width * sizeof **rows);
    return *rows;
}

/* Rows are as wide as those of the longest pattern, so that memory serves every shape. */
static mk_count *row_of(const mk_uniform *uniform, mk_count *rows, size_t left)
{
    return rows + left * ((size_t)uniform->longest_pattern + 1);
}

static mk_status fill_layer(const mk_uniform *uniform, mk_shape *shape, uint32_t o)
{
    if (!reserve(uniform, &shape->layer[o], (size_t)uniform->longest_pattern + 1))
        return MK_NO_MEMORY;
    mk_count *rows = shape->layer[o];
    for (uint32_t state = 0; state <= shape->length; state++)
        rows[state] = o ? MK_COUNT_ZERO : MK_COUNT_ONE;
    for (size_t left = 1; left <= uniform->longest; left++)
        mk_census_row(&uniform->detector, row_of(uniform, rows, left - 1),
                      o ? row_of(uniform, shape->layer[o - 1], left - 1) : NULL, row_of(uniform, rows, left));
    return MK_OK;
}

static mk_status fill_any(const mk_uniform *uniform, mk_shape *shape)
{
    size_t width = (size_t)uniform->longest_pattern + 1;
    if (!reserve(uniform, &shape->any, width))
        return MK_NO_MEMORY;
    if (!shape->free && !(shape->free = mk_malloc((uniform->longest + 1 + width) * sizeof(mk_count))))
        return MK_NO_MEMORY;
    shape->free[shape->length] = MK_COUNT_ONE;
    for (uint32_t state = 0; state <= shape->length; state++)
        shape->any[state] = MK_COUNT_ZERO;
    for (size_t left = 1; left <= uniform->longest; left++) {
        /* Of a row after a hit only the state of the whole pattern is read. */
        const mk_count *after_hit = shape->free + left - 1;
        shape->free[left + shape->length] = mk_count_times(after_hit[shape->length], uniform->letters);
        mk_census_row(&uniform->detector, row_of(uniform, shape->any, left - 1), after_hit,
                      row_of(uniform, shape->any, left));
    }
    return MK_OK;
}

static mk_status fill_shape(const mk_uniform *uniform, mk_shape *shape, uint32_t occurrences)
{
    if (occurrences == MK_AT_LEAST_ONE) {
        if (!shape->any_filled && fill_any(uniform, shape) != MK_OK)
            return MK_NO_MEMORY;
        shape->any_filled = true;
        return MK_OK;
    }
    for (; shape->filled <= occurrences; shape->filled++)
        if (fill_layer(uniform, shape, shape->filled) != MK_OK)
            return MK_NO_MEMORY;
    return MK_OK;
}

static mk_count total_of(const mk_uniform *uniform, const mk_shape *shape, uint32_t occurrences, size_t length)
{
    return row_of(uniform, occurrences == MK_AT_LEAST_ONE ? shape->any : shape->layer[occurrences], length)[0];
}

/* The empty pattern begins before every letter and at the end. */
static bool empty_occurs(uint32_t occurrences, size_t length)
{
    return occurrences == MK_AT_LEAST_ONE || occurrences == length + 1;
}

mk_status mk_uniform_count(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t length,
                           mk_count *count)
{
    if (!pattern->length) {
        *count = empty_occurs(occurrences, length) ? MK_COUNT_ONE : MK_COUNT_ZERO;
        for (size_t i = 0; i < length; i++)
            *count = mk_count_times(*count, uniform->letters);
        return MK_OK;
    }
    mk_shape *shape;
    if (find_shape(uniform, pattern, &shape) != MK_OK || fill_shape(uniform, shape, occurrences) != MK_OK)
        return MK_NO_MEMORY;
    *count = total_of(uniform, shape, occurrences, length);
    return MK_OK;
}

mk_status mk_uniform_least(mk_uniform *uniform, const mk_needle *pattern, uint32_t occurrences, size_t *least)
{
    *least = occurrences ? pattern->length : 0;
    if (occurrences < 2 || occurrences == MK_AT_LEAST_ONE)
        return MK_OK;
    if (mk_detector_build(&uniform->detector, pattern, 1, 0) != MK_OK)
        return MK_NO_MEMORY;
    *least += (occurrences - 1) * (pattern->length - uniform->detector.failure[pattern->length]);
    return MK_OK;
}

/* Drawing. */

static bool try_planting(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, bool once, uint8_t *word,
                         size_t length)
{
    size_t start = (size_t)mk_draws_below(draws, length - pattern->length + 1), after = start + pattern->length;
    mk_draws_letters(draws, &uniform->alphabet, word, length - pattern->length);
    memmove(word + after, word + start, length - after);
    memcpy(word + start, pattern->bytes, pattern->length);
    return mk_search_confirm(pattern, word, length, start, once);
}

static bool try_without(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, uint8_t *word, size_t length)
{
    mk_draws_letters(draws, &uniform->alphabet, word, length);
    size_t at;
    return mk_search_first(pattern, 1, word, length, &at) == 1;
}

/* Draws by the counts.  Once the pattern has occurred that shall occur at least once, all letters are free. */
static void draw_letters(const mk_uniform *uniform, const mk_shape *shape, mk_draws *draws, uint32_t occurrences,
                         uint8_t *word, size_t length)
{
    bool any = occurrences == MK_AT_LEAST_ONE;
    uint32_t state = 0, more = occurrences;
    for (size_t left = length; left; left--) {
        mk_count *rows = any ? shape->any : shape->layer[more];
        const mk_count *after_hit = NULL;
        if (any)
            after_hit = shape->free + left - 1;
        else if (more)
            after_hit = row_of(uniform, shape->layer[more - 1], left - 1);
        state = mk_census_letter(&uniform->detector, draws, row_of(uniform, rows, left)[state],
                                 row_of(uniform, rows, left - 1), after_hit, state, word++);
        if (state != shape->length)
            continue;
        more--;
        if (any) {
            mk_draws_letters(draws, &uniform->alphabet, word, left - 1);
            return;
        }
    }
}

static mk_status draw_exactly(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, uint32_t occurrences,
                              uint8_t *word, size_t length)
{
    mk_shape *shape;
    if (find_shape(uniform, pattern, &shape) != MK_OK || fill_shape(uniform, shape, occurrences) != MK_OK)
        return MK_NO_MEMORY;
    if (!total_of(uniform, shape, occurrences, length).mantissa)
        return MK_INVALID;
    draw_letters(uniform, shape, draws, occurrences, word, length);
    return MK_OK;
}

mk_status mk_uniform_word(mk_uniform *uniform, mk_draws *draws, const mk_needle *pattern, uint32_t occurrences,
                          uint8_t *word, size_t length)
{
    if (!pattern->length) {
        mk_draws_letters(draws, &uniform->alphabet, word, length);
        return empty_occurs(occurrences, length) ? MK_OK : MK_INVALID;
    }
    if (occurrences && pattern->length > length)
        return MK_INVALID;
    bool once = occurrences == 1, tried = once || !occurrences || occurrences == MK_AT_LEAST_ONE;
    for (int refusals = 0; tried && refusals < MK_UNIFORM_TRIES; refusals++)
        if (occurrences ? try_planting(uniform, draws, pattern, once, word, length)
                        : try_without(uniform, draws, pattern, word, length))
            return MK_OK;
    return draw_exactly(uniform, draws, pattern, occurrences, word, length);
}
