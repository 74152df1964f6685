#include "several.h"

#include <string.h>

#define NO_WAY UINT32_MAX

mk_status mk_several_open(mk_several *several, uint32_t letters, size_t pattern_letters, size_t longest)
{
    *several = (mk_several){.letters = letters, .longest = longest};
    several->alphabet = mk_alphabet_make(letters);
    mk_status status = mk_detector_open(&several->detector, letters, pattern_letters);
    if (status != MK_OK)
        return status;
    several->through = mk_malloc((pattern_letters + 1) * sizeof *several->through);
    several->reached = mk_malloc(2 * (pattern_letters + 1));
    several->start = mk_malloc(longest + 1);
    if (several->through && several->reached && several->start)
        return MK_OK;
    mk_several_close(several);
    return MK_NO_MEMORY;
}

void mk_several_close(mk_several *several)
{
    mk_detector_close(&several->detector);
    mk_free(several->clean);
    mk_free(several->firing);
    mk_free(several->before);
    mk_free(several->through);
    mk_free(several->reached);
    mk_free(several->start);
    *several = (mk_several){0};
}

void mk_several_patterns(mk_several *several, const mk_needle *patterns, size_t count)
{
    several->patterns = patterns;
    several->count = count;
    several->built = false;
}

/* Counts. */

/* Builds the automaton of the first `count` patterns, none of them empty. */
static mk_status build(mk_several *several, size_t count, size_t hit)
{
    if (several->built && several->built_count == count && several->built_hit == hit)
        return MK_OK;
    several->built = false;
    if (mk_detector_build(&several->detector, several->patterns, count, hit) != MK_OK)
        return MK_NO_MEMORY;
    several->built = true;
    several->built_count = count;
    several->built_hit = hit;
    several->clean_rows = several->firing_rows = 0;
    return MK_OK;
}

/* What was there is lost if it had to grow. */
static mk_status reserve(mk_count **rows, size_t *room, size_t cells)
{
    if (cells <= *room)
        return MK_OK;
    mk_free(*rows);
    *room = 0;
    *rows = mk_malloc(cells * sizeof **rows);
    if (!*rows)
        return MK_NO_MEMORY;
    *room = cells;
    return MK_OK;
}

mk_status mk_several_reserve(mk_several *several, size_t cells)
{
    return reserve(&several->before, &several->before_room, cells);
}

static size_t rows_cells(const mk_several *several)
{
    return (several->longest + 1) * several->detector.states;
}

static void fill_first(const mk_several *several, mk_count *row, mk_count count)
{
    for (uint32_t state = 0; state < several->detector.states; state++)
        row[state] = count;
}

static mk_status fill_clean(mk_several *several, size_t length)
{
    if (several->clean_rows > length)
        return MK_OK;
    if (reserve(&several->clean, &several->clean_room, rows_cells(several)) != MK_OK)
        return MK_NO_MEMORY;
    if (!several->clean_rows) {
        fill_first(several, several->clean, MK_COUNT_ONE);
        several->clean_rows = 1;
    }
    for (; several->clean_rows <= length; several->clean_rows++) {
        const mk_count *ahead = mk_several_row(several, several->clean, several->clean_rows - 1);
        mk_census_row(&several->detector, ahead, ahead, mk_several_row(several, several->clean, several->clean_rows));
    }
    return MK_OK;
}

mk_status mk_several_prepare(mk_several *several, size_t count, size_t hit, size_t length)
{
    mk_status status = build(several, count, hit);
    return status == MK_OK ? fill_clean(several, length) : status;
}

static mk_status fill_firing(mk_several *several, size_t length)
{
    if (fill_clean(several, length) != MK_OK)
        return MK_NO_MEMORY;
    if (reserve(&several->firing, &several->firing_room, rows_cells(several)) != MK_OK)
        return MK_NO_MEMORY;
    if (!several->firing_rows) {
        fill_first(several, several->firing, MK_COUNT_ZERO);
        several->firing_rows = 1;
    }
    for (; several->firing_rows <= length; several->firing_rows++) {
        size_t left = several->firing_rows - 1;
        mk_census_row(&several->detector, mk_several_row(several, several->firing, left),
                      mk_several_row(several, several->clean, left), mk_several_row(several, several->firing, left + 1));
    }
    return MK_OK;
}

/* Words without any of the first `count` patterns. */

bool mk_several_is_without(const mk_several *several, size_t count, const uint8_t *word, size_t length)
{
    size_t at;
    return mk_search_first(several->patterns, count, word, length, &at) == count;
}

static bool has_empty(const mk_several *several, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!several->patterns[i].length)
            return true;
    return false;
}

void mk_several_clean_letters(mk_several *several, mk_draws *draws, uint32_t state, uint8_t *word, size_t length)
{
    if (several->built_count == 1 && several->built_hit == 0) {
        mk_draws_letters(draws, &several->alphabet, word, length);
        return;
    }
    for (size_t left = length; left; left--) {
        const mk_count *ahead = mk_several_row(several, several->clean, left - 1);
        mk_count total = mk_several_row(several, several->clean, left)[state];
        state = mk_census_letter(&several->detector, draws, total, ahead, ahead, state, word++);
    }
}

static mk_status draw_without(mk_several *several, mk_draws *draws, size_t count, uint8_t *word, size_t length)
{
    if (has_empty(several, count))
        return MK_INVALID;
    for (int refusals = 0; refusals < MK_SEVERAL_TRIES; refusals++) {
        mk_draws_letters(draws, &several->alphabet, word, length);
        if (mk_several_is_without(several, count, word, length))
            return MK_OK;
    }
    if (mk_several_prepare(several, count, count, length) != MK_OK)
        return MK_NO_MEMORY;
    if (!mk_several_row(several, several->clean, length)[0].mantissa)
        return MK_INVALID;
    mk_several_clean_letters(several, draws, 0, word, length);
    return MK_OK;
}

/* Words in which pattern f fires. */

static bool is_hopeless(const mk_several *several, size_t fires, size_t length)
{
    const mk_needle *wanted = &several->patterns[fires];
    return wanted->length > length || !mk_several_is_without(several, fires, wanted->bytes, wanted->length);
}

static bool plant(mk_several *several, mk_draws *draws, size_t fires, size_t start, uint8_t *word, size_t length)
{
    const mk_needle *wanted = &several->patterns[fires];
    size_t after = start + wanted->length;
    mk_draws_letters(draws, &several->alphabet, word, length - wanted->length);
    memmove(word + after, word + start, length - after);
    memcpy(word + start, wanted->bytes, wanted->length);
    return mk_search_confirm(wanted, word, length, start, false) && mk_several_is_without(several, fires, word, length);
}

static mk_status draw_word(mk_several *several, mk_draws *draws, size_t fires, uint8_t *word, size_t length)
{
    size_t starts = length - several->patterns[fires].length + 1;
    for (int refusals = 0; refusals < MK_SEVERAL_TRIES; refusals++)
        if (plant(several, draws, fires, (size_t)mk_draws_below(draws, starts), word, length))
            return MK_OK;
    if (build(several, fires + 1, fires) != MK_OK || fill_firing(several, length) != MK_OK)
        return MK_NO_MEMORY;
    if (!mk_several_row(several, several->firing, length)[0].mantissa)
        return MK_INVALID;
    uint32_t state = 0;
    size_t left = length;
    do {
        mk_count total = mk_several_row(several, several->firing, left--)[state];
        state = mk_census_letter(&several->detector, draws, total, mk_several_row(several, several->firing, left),
                                 mk_several_row(several, several->clean, left), state, word++);
    } while (several->detector.mark[state] != MK_HIT);
    mk_several_clean_letters(several, draws, state, word, left);
    return MK_OK;
}

/* The planted form. */

/* The state after the wanted pattern, if it brings no forbidden pattern and no hit before its end. */
static uint32_t read_through(const mk_several *several, const mk_needle *wanted, uint32_t state)
{
    for (size_t i = 0; i < wanted->length; i++) {
        state = mk_detector_next(&several->detector, state, wanted->bytes[i]);
        if (several->detector.mark[state] != (i + 1 < wanted->length ? MK_PASS : MK_HIT))
            return NO_WAY;
    }
    return state;
}

static mk_count ways_on(const mk_several *several, uint32_t state, size_t after)
{
    uint32_t through = several->through[state];
    return through == NO_WAY ? MK_COUNT_ZERO : mk_several_row(several, several->clean, after)[through];
}

/* One more letter before the start, from every state that is reached. */
static void reach_on(mk_several *several)
{
    const mk_detector *detector = &several->detector;
    uint8_t *now = several->reached, *next = now + detector->states;
    memset(next, 0, detector->states);
    for (uint32_t state = 0; state < detector->states; state++) {
        if (!now[state])
            continue;
        for (uint32_t e = detector->first[state]; e < detector->last[state]; e++)
            next[detector->target[e]] |= detector->mark[detector->target[e]] == MK_PASS;
        next[0] |= detector->last[state] - detector->first[state] < detector->letters;
    }
    memcpy(now, next, detector->states);
}

static mk_status prepare_starts(mk_several *several, size_t fires, size_t length)
{
    if (mk_several_prepare(several, fires + 1, fires, length) != MK_OK)
        return MK_NO_MEMORY;
    for (uint32_t state = 0; state < several->detector.states; state++)
        several->through[state] = read_through(several, &several->patterns[fires], state);
    return MK_OK;
}

/* Marks the possible starts and counts them. */
static size_t find_starts(mk_several *several, size_t starts)
{
    size_t found = 0;
    memset(several->reached, 0, several->detector.states);
    several->reached[0] = 1;
    for (size_t start = 0; start < starts; start++) {
        several->start[start] = 0;
        for (uint32_t state = 0; state < several->detector.states; state++)
            several->start[start] |= several->reached[state] && ways_on(several, state, starts - 1 - start).mantissa;
        found += several->start[start];
        reach_on(several);
    }
    return found;
}

/* Fills rows of their own for the letters before a start, because what they may be depends on what follows. */
static mk_status fill_before(mk_several *several, size_t start, size_t after)
{
    if (mk_several_reserve(several, (start + 1) * several->detector.states) != MK_OK)
        return MK_NO_MEMORY;
    for (uint32_t state = 0; state < several->detector.states; state++)
        several->before[state] = ways_on(several, state, after);
    for (size_t left = 1; left <= start; left++)
        mk_census_row(&several->detector, mk_several_row(several, several->before, left - 1), NULL,
                      mk_several_row(several, several->before, left));
    return MK_OK;
}

static void draw_around(mk_several *several, mk_draws *draws, size_t fires, size_t start, uint8_t *word, size_t length)
{
    const mk_needle *wanted = &several->patterns[fires];
    size_t after = length - start - wanted->length;
    uint32_t state = 0;
    for (size_t left = start; left; left--)
        state = mk_census_letter(&several->detector, draws, mk_several_row(several, several->before, left)[state],
                                 mk_several_row(several, several->before, left - 1), NULL, state, word++);
    memcpy(word, wanted->bytes, wanted->length);
    mk_several_clean_letters(several, draws, several->through[state], word + wanted->length, after);
}

/* Number `number` of the possible starts. */
static size_t start_at(const mk_several *several, size_t number)
{
    size_t start = 0;
    while (!several->start[start] || number--)
        start++;
    return start;
}

/* The first start is drawn among all there are.  If it proves impossible, one is drawn among those that are possible,
 * so that each of those is equally likely altogether. */
static mk_status draw_planted(mk_several *several, mk_draws *draws, size_t fires, uint8_t *word, size_t length)
{
    size_t starts = length - several->patterns[fires].length + 1, start = (size_t)mk_draws_below(draws, starts);
    for (int refusals = 0; refusals < MK_SEVERAL_TRIES; refusals++)
        if (plant(several, draws, fires, start, word, length))
            return MK_OK;
    if (prepare_starts(several, fires, length) != MK_OK || fill_before(several, start, starts - 1 - start) != MK_OK)
        return MK_NO_MEMORY;
    if (!mk_several_row(several, several->before, start)[0].mantissa) {
        size_t possible = find_starts(several, starts);
        if (!possible)
            return MK_INVALID;
        start = start_at(several, (size_t)mk_draws_below(draws, possible));
        if (fill_before(several, start, starts - 1 - start) != MK_OK)
            return MK_NO_MEMORY;
    }
    draw_around(several, draws, fires, start, word, length);
    return MK_OK;
}

mk_status mk_several_word(mk_several *several, mk_draws *draws, size_t fires, mk_word_law law, uint8_t *word,
                          size_t length)
{
    /* The empty pattern occurs in every word, at its beginning. */
    if (fires == several->count || !several->patterns[fires].length)
        return draw_without(several, draws, fires, word, length);
    if (has_empty(several, fires) || is_hopeless(several, fires, length))
        return MK_INVALID;
    return (law == MK_UNIFORM_WORDS ? draw_word : draw_planted)(several, draws, fires, word, length);
}

mk_status mk_several_count(mk_several *several, size_t fires, size_t length, mk_count *count)
{
    *count = MK_COUNT_ZERO;
    if (has_empty(several, fires))
        return MK_OK;
    bool none = fires == several->count || !several->patterns[fires].length;
    if (build(several, none ? fires : fires + 1, fires) != MK_OK)
        return MK_NO_MEMORY;
    if ((none ? fill_clean : fill_firing)(several, length) != MK_OK)
        return MK_NO_MEMORY;
    *count = mk_several_row(several, none ? several->clean : several->firing, length)[0];
    return MK_OK;
}
