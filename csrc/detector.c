#include "detector.h"

/* States are created in the order of the patterns; 0, the root, is nobody's child. */
enum { NO_STATE = 0 };

mk_status mk_detector_open(mk_detector *detector, uint32_t letters, size_t pattern_letters)
{
    *detector = (mk_detector){.letters = letters};
    if (pattern_letters >= UINT32_MAX / 2 / 256)
        return MK_TOO_LARGE;
    size_t states = pattern_letters + 1;
    detector->room = 2 * states + letters;
    detector->failure = mk_malloc(6 * states * sizeof(uint32_t));
    detector->mark = mk_malloc(2 * states);
    detector->target = mk_malloc(detector->room * sizeof(uint32_t));
    detector->letter = mk_malloc(detector->room);
    if (!detector->failure || !detector->mark || !detector->target || !detector->letter) {
        mk_detector_close(detector);
        return MK_NO_MEMORY;
    }
    detector->first = detector->failure + states;
    detector->last = detector->first + states;
    detector->child = detector->last + states;
    detector->sibling = detector->child + states;
    detector->queue = detector->sibling + states;
    detector->entry = detector->mark + states;
    return MK_OK;
}

void mk_detector_close(mk_detector *detector)
{
    mk_free(detector->failure);
    mk_free(detector->mark);
    mk_free(detector->target);
    mk_free(detector->letter);
    *detector = (mk_detector){0};
}

static uint32_t new_state(mk_detector *detector, uint8_t letter)
{
    uint32_t state = detector->states++;
    detector->child[state] = detector->sibling[state] = NO_STATE;
    detector->failure[state] = 0;
    detector->mark[state] = MK_PASS;
    detector->entry[state] = letter;
    return state;
}

/* The child by that letter, which is made if there is none, as the last one. */
static uint32_t descend(mk_detector *detector, uint32_t state, uint8_t letter)
{
    uint32_t *link = &detector->child[state];
    while (*link != NO_STATE && detector->entry[*link] != letter)
        link = &detector->sibling[*link];
    if (*link == NO_STATE)
        *link = new_state(detector, letter);
    return *link;
}

static void add_pattern(mk_detector *detector, const mk_needle *pattern, mk_mark mark)
{
    uint32_t state = 0;
    for (size_t i = 0; i < pattern->length; i++)
        state = descend(detector, state, pattern->bytes[i]);
    if (detector->mark[state] < mark)
        detector->mark[state] = (uint8_t)mark;
}

static bool has_child(const mk_detector *detector, uint32_t state, uint8_t letter)
{
    uint32_t child = detector->child[state];
    while (child != NO_STATE && detector->entry[child] != letter)
        child = detector->sibling[child];
    return child != NO_STATE;
}

static mk_status reserve_edges(mk_detector *detector, size_t edges)
{
    if (edges <= detector->room)
        return MK_OK;
    uint32_t *target = mk_realloc(detector->target, 2 * edges * sizeof *target);
    if (!target)
        return MK_NO_MEMORY;
    detector->target = target;
    uint8_t *letter = mk_realloc(detector->letter, 2 * edges);
    if (!letter)
        return MK_NO_MEMORY;
    detector->letter = letter;
    detector->room = 2 * edges;
    return MK_OK;
}

/* Lists the edges of a state behind the `edges` that there are; returns their new number. */
static uint32_t list_edges(mk_detector *detector, uint32_t state, uint32_t edges)
{
    uint32_t failure = detector->failure[state];
    detector->first[state] = edges;
    for (uint32_t child = detector->child[state]; child != NO_STATE; child = detector->sibling[child]) {
        detector->letter[edges] = detector->entry[child];
        detector->target[edges++] = child;
    }
    for (uint32_t e = detector->first[failure]; state && e < detector->last[failure]; e++)
        if (!has_child(detector, state, detector->letter[e])) {
            detector->letter[edges] = detector->letter[e];
            detector->target[edges++] = detector->target[e];
        }
    return detector->last[state] = edges;
}

mk_status mk_detector_build(mk_detector *detector, const mk_needle *patterns, size_t count, size_t hit)
{
    detector->states = 0;
    new_state(detector, 0);
    for (size_t i = 0; i < count; i++)
        add_pattern(detector, &patterns[i], i == hit ? MK_HIT : MK_FORBIDDEN);
    /* Breadth first, so that failure links lead to states whose edges are listed. */
    uint32_t edges = 0, waiting = 1;
    detector->queue[0] = 0;
    for (uint32_t turn = 0; turn < waiting; turn++) {
        uint32_t state = detector->queue[turn];
        if (reserve_edges(detector, (size_t)edges + detector->letters) != MK_OK)
            return MK_NO_MEMORY;
        edges = list_edges(detector, state, edges);
        for (uint32_t child = detector->child[state]; child != NO_STATE; child = detector->sibling[child]) {
            uint32_t failure = state ? mk_detector_next(detector, detector->failure[state], detector->entry[child]) : 0;
            detector->failure[child] = failure;
            if (detector->mark[child] < detector->mark[failure])
                detector->mark[child] = detector->mark[failure];
            detector->queue[waiting++] = child;
        }
    }
    return MK_OK;
}
