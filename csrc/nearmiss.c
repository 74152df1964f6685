#include "nearmiss.h"

#include <string.h>

/* One request.  Rows of the part with the edits come first in several->before, by letters of it that are left and edits
 * that are left, then those of the letters before it. */
typedef struct {
    mk_several *several;
    mk_draws *draws;
    const mk_needle *pattern;
    uint32_t edits;
    uint8_t *word;
    size_t length;
} request;

/* Draws the places of the edits by Floyd's method (J. Bentley, R. Floyd, "A sample of brilliance", CACM 30(9), 1987),
 * then the letter of each among the others. */
static void draw_edited(const request *r, uint8_t *out)
{
    size_t size = r->pattern->length;
    memset(out, 0, size);
    for (size_t last = size - r->edits; last < size; last++) {
        size_t place = (size_t)mk_draws_below(r->draws, last + 1);
        out[out[place] ? last : place] = 1;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t letter = r->pattern->bytes[i];
        if (out[i]) {
            uint8_t other = (uint8_t)mk_draws_below(r->draws, r->several->letters - 1);
            letter = (uint8_t)(other + (other >= letter));
        }
        out[i] = letter;
    }
}

static bool try_start(const request *r, size_t start)
{
    size_t after = start + r->pattern->length;
    mk_draws_letters(r->draws, &r->several->alphabet, r->word, r->length - r->pattern->length);
    memmove(r->word + after, r->word + start, r->length - after);
    draw_edited(r, r->word + start);
    return mk_several_is_without(r->several, r->several->count, r->word, r->length);
}

/* By counts. */

static mk_count *edited_row(const request *r, size_t left, size_t edits)
{
    return mk_several_row(r->several, r->several->before, left * ((size_t)r->edits + 1) + edits);
}

static mk_count *before_row(const request *r, size_t left)
{
    /* The last row of the edited part is that of the letters before it with none left. */
    return mk_several_row(r->several, edited_row(r, r->pattern->length, r->edits), left);
}

/* What goes on from a state with the pattern's own letter. */
static mk_count kept_count(const request *r, uint32_t state, uint8_t own, const mk_count *ahead)
{
    uint32_t target = mk_detector_next(&r->several->detector, state, own);
    return r->several->detector.mark[target] == MK_PASS ? ahead[target] : MK_COUNT_ZERO;
}

static void fill_edited(const request *r, size_t left, size_t edits)
{
    uint8_t own = r->pattern->bytes[r->pattern->length - left];
    mk_count *row = edited_row(r, left, edits);
    for (uint32_t state = 0; state < r->several->detector.states; state++) {
        row[state] = kept_count(r, state, own, edited_row(r, left - 1, edits));
        if (edits) {
            const mk_count *ahead = edited_row(r, left - 1, edits - 1);
            row[state] = mk_count_add(row[state], mk_census_others(&r->several->detector, ahead, state, own));
        }
    }
}

static mk_status fill_rows(const request *r, size_t start)
{
    size_t size = r->pattern->length, states = r->several->detector.states;
    if (mk_several_reserve(r->several, ((size + 1) * ((size_t)r->edits + 1) + start) * states) != MK_OK)
        return MK_NO_MEMORY;
    memset(r->several->before, 0, ((size_t)r->edits + 1) * states * sizeof(mk_count));
    const mk_count *clean = mk_several_row(r->several, r->several->clean, r->length - start - size);
    memcpy(r->several->before, clean, states * sizeof(mk_count));
    for (size_t left = 1; left <= size; left++)
        for (size_t edits = 0; edits <= r->edits; edits++)
            fill_edited(r, left, edits);
    for (size_t left = 1; left <= start; left++)
        mk_census_row(&r->several->detector, before_row(r, left - 1), NULL, before_row(r, left));
    return MK_OK;
}

/* Draws the letters of the edited part from a state on, and returns the state behind it.  When no edit is left, nothing
 * is left to draw. */
static uint32_t draw_edited_by_counts(const request *r, uint32_t state, uint8_t *out)
{
    const mk_detector *detector = &r->several->detector;
    size_t edits = r->edits;
    for (size_t left = r->pattern->length; left; left--, out++) {
        uint8_t own = r->pattern->bytes[r->pattern->length - left];
        if (edits) {
            mk_count total = edited_row(r, left, edits)[state];
            uint64_t point = mk_draws_below(r->draws, total.mantissa);
            mk_count kept = kept_count(r, state, own, edited_row(r, left - 1, edits));
            uint64_t units = mk_count_in_units(kept, total.exponent);
            if (point >= units) {
                const mk_count *ahead = edited_row(r, left - 1, --edits);
                state = mk_census_other_letter(detector, point - units, total.exponent, ahead, state, own, out);
                continue;
            }
        }
        *out = own;
        state = mk_detector_next(detector, state, own);
    }
    return state;
}

static void draw_by_counts(const request *r, size_t start)
{
    uint32_t state = 0;
    uint8_t *word = r->word;
    for (size_t left = start; left; left--)
        state = mk_census_letter(&r->several->detector, r->draws, before_row(r, left)[state], before_row(r, left - 1),
                                 NULL, state, word++);
    state = draw_edited_by_counts(r, state, word);
    size_t after = start + r->pattern->length;
    mk_several_clean_letters(r->several, r->draws, state, r->word + after, r->length - after);
}

mk_status mk_near_miss_word(mk_several *several, mk_draws *draws, size_t which, uint32_t edits, uint8_t *word,
                            size_t length)
{
    request r = {several, draws, &several->patterns[which], edits, word, length};
    for (size_t i = 0; i < several->count; i++)
        if (!several->patterns[i].length)
            return MK_INVALID;
    if (r.pattern->length > length || edits < 1 || edits > r.pattern->length)
        return MK_INVALID;
    for (int impossible = 0; impossible < MK_NEAR_MISS_STARTS; impossible++) {
        size_t start = (size_t)mk_draws_below(draws, length - r.pattern->length + 1);
        for (int refusals = 0; refusals < MK_SEVERAL_TRIES; refusals++)
            if (try_start(&r, start))
                return MK_OK;
        if (mk_several_prepare(several, several->count, several->count, length) != MK_OK ||
            fill_rows(&r, start) != MK_OK)
            return MK_NO_MEMORY;
        if (before_row(&r, start)[0].mantissa) {
            draw_by_counts(&r, start);
            return MK_OK;
        }
    }
    return MK_INVALID;
}
