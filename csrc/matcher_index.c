#include "matcher_index.h"

#include <string.h>

#include "dispatch.h"

/* Reads states off from right to left: from behind offset in the leaf on, whose next state is given. */
typedef struct {
    mk_leaf *leaf;
    uint32_t offset;
    uint32_t state;
} reader;

/* The state at the first letter at or behind a place, or the root at the word's end. */
static uint32_t state_at(const mk_index *x, const mk_leaf *leaf, uint32_t offset)
{
    while (leaf && offset >= leaf->length) {
        leaf = leaf->next;
        offset = 0;
    }
    return leaf ? leaf->values[offset] : x->automaton->root;
}

/* Reads on to the left: `fresh` letters, and then until a letter has the state that it had.  Every leaf that it
 * leaves is reported to the tree.  UINT64_MAX fresh letters: to the word's beginning. */
static bool read_states(mk_index *x, reader at, uint64_t fresh, mk_meter *meter)
{
    const mk_automaton *automaton = x->automaton;
    uint64_t letters = 0;
    bool going = true;
    for (; at.leaf; at.leaf = at.leaf->previous, at.offset = at.leaf ? at.leaf->length : 0) {
        uint32_t i = at.offset;
        while (i > 0) {
            uint32_t state = mk_automaton_next(automaton, at.state, at.leaf->bytes[i - 1]);
            if (fresh > 0)
                fresh--;
            else if (state == at.leaf->values[i - 1])
                break;
            at.leaf->values[--i] = at.state = state;
        }
        letters += at.offset - i + 1;
        mk_tree_refresh(&x->tree, at.leaf);
        if (i > 0)
            break;
        going = mk_meter_spend(meter, letters);
        letters = 0;
        if (!going && fresh > MK_LEAF)
            break;
    }
    meter->letters += letters;
    return going;
}

static void count_touched(mk_index *x, mk_meter *meter)
{
    mk_meter_spend(meter, x->tree.touched);
    x->tree.touched = 0;
}

mk_status mk_index_start(mk_index *x, const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word,
                         size_t length, mk_meter *meter)
{
    mk_status status = mk_ruleset_automaton(rules, meter, &x->automaton);
    if (status != MK_OK)
        return status;
    x->rules = rules;
    x->strategy = strategy;
    x->always_first = strategy == MK_LEFTMOST && x->automaton->empty_rule != MK_NO_RULE;
    x->next = MK_UNKNOWN;
    x->stale = false;
    status = mk_tree_fill(&x->tree, word, length);
    if (status == MK_OK) {
        mk_leaf *last = mk_tree_last(&x->tree);
        bool done = read_states(x, (reader){last, last->length, x->automaton->root}, UINT64_MAX, meter);
        count_touched(x, meter);
        if (done)
            return MK_OK;
        status = MK_INTERRUPTED;
    }
    mk_tree_free(&x->tree);
    return status;
}

void mk_index_free(mk_index *x)
{
    mk_tree_free(&x->tree);
    *x = (mk_index){0};
}

/* ---- the next match ---------------------------------------------------------------------------------------------- */

static void settle(mk_index *x)
{
    if (!x->stale)
        return;
    x->stale = false;
    mk_tree_refresh(&x->tree, x->finger.leaf);
    mk_tree_tidy(&x->tree, x->finger.leaf);
}

static void point_at(mk_index *x, uint32_t offset)
{
    x->next = MK_KNOWN;
    x->offset = offset;
    x->match.rule = x->automaton->rule[x->finger.leaf->values[offset]];
    x->match.position = x->finger.start + offset;
}

/* The empty pattern, at the word's beginning. */
static void point_at_empty(mk_index *x, uint32_t before_all)
{
    x->finger = (mk_finger){x->tree.first, 0, MK_NO_VALUE, before_all};
    x->next = MK_KNOWN;
    x->offset = 0;
    x->match = (mk_match){x->automaton->empty_rule, 0};
}

/* Below which value a state is that fires no later than this one. */
static uint32_t limit_of(const mk_index *x, uint32_t state)
{
    return x->strategy == MK_MARKOV ? x->automaton->bound[state] : x->automaton->matching;
}

static void locate(mk_index *x)
{
    const mk_automaton *a = x->automaton;
    settle(x);
    if (x->always_first) {
        point_at_empty(x, 0);
        uint32_t state = state_at(x, x->tree.first, 0);
        if (state < a->matching)
            x->match.rule = a->rule[state];
        return;
    }
    uint32_t least = mk_tree_least(&x->tree);
    x->tree.touched += MK_FAN;
    if (least < a->matching) {
        x->finger = mk_tree_find(&x->tree, limit_of(x, least));
        const mk_leaf *leaf = x->finger.leaf;
        point_at(x, (uint32_t)mk_dispatch()->below(leaf->values, leaf->length, limit_of(x, least)));
        x->tree.touched += leaf->length;
    } else if (a->empty_rule != MK_NO_RULE) {
        point_at_empty(x, MK_NO_VALUE);
    }
}

mk_answer mk_index_look(mk_index *x, mk_meter *meter)
{
    locate(x);
    count_touched(x, meter);
    return x->next == MK_KNOWN ? MK_FOUND : MK_NONE;
}

/* The next match is in the finger's leaf, none of whose letters left of `from` fires, if no other leaf has a better
 * one: left of it none that fires as early, right of it none that fires earlier. */
static void look_in_leaf(mk_index *x, uint32_t from)
{
    const mk_automaton *a = x->automaton;
    const mk_leaf *leaf = x->finger.leaf;
    const uint32_t *values = leaf->values + from;
    uint32_t count = leaf->length - from, after = x->finger.after;
    x->next = MK_UNKNOWN;
    x->tree.touched += count;
    if (x->strategy == MK_LEFTMOST) {
        if (x->always_first)
            return;
        uint32_t at = (uint32_t)mk_dispatch()->below(values, count, a->matching);
        if (at < count)
            point_at(x, from + at);
        return;
    }
    uint32_t least = mk_dispatch()->least(leaf->values, leaf->length);
    if (least >= a->matching)
        return;
    uint32_t limit = a->bound[least];
    if (x->finger.before >= limit && (after >= a->matching || a->bound[after] >= limit))
        point_at(x, (uint32_t)mk_dispatch()->below(leaf->values, leaf->length, limit));
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

/* What reading states off in one leaf came to. */
typedef struct {
    uint32_t offset; /* of the last letter read that got a new state */
    uint32_t state;
    bool open;          /* the leaf's beginning was reached, and what is left of it may change too */
    uint32_t found;     /* where a state below the limit was met last, or MK_LEAF */
} reading;

/* Reads the letters before `end` off: `fresh` ones, and on to the left until one has the state that it had.  A state
 * below the limit is noted, and, as the rule of a place further left goes before the same one further right, the
 * limit is then this state's.  (Everything is in locals, since a write to a leaf might be one to anything else.) */
__attribute__((always_inline)) static inline reading read_in_leaf(const mk_index *x, mk_leaf *leaf, uint32_t end,
                                                                  uint32_t fresh, uint32_t state, uint32_t limit,
                                                                  bool by_table)
{
    const mk_automaton *a = x->automaton;
    const uint32_t *table = a->table, *bound = x->strategy == MK_MARKOV ? a->bound : NULL;
    const uint16_t *class_of = a->class_of;
    size_t states = a->states;
    uint32_t *values = leaf->values, i = end, found = MK_LEAF, stop = end - fresh;
    const uint8_t *bytes = leaf->bytes;
    bool open = true;
    while (i > 0) {
        state = by_table ? table[class_of[bytes[i - 1]] * states + state]
                         : mk_automaton_follow(a, state, bytes[i - 1]);
        if (i <= stop && state == values[i - 1]) {
            open = false;
            break;
        }
        values[--i] = state;
        if (state < limit) {
            found = i;
            if (bound)
                limit = bound[state];
        }
    }
    return (reading){i, state, open, found};
}

/* An edit within one leaf.  Before it nothing left of the match fires as early as the match did, and nothing at all
 * fires earlier: so a state read off anew that does is the next match, the leftmost such one if there are several. */
static void apply_in_leaf(mk_index *x, uint32_t removed, const uint8_t *replacement, uint32_t inserted,
                          mk_meter *meter)
{
    const mk_automaton *a = x->automaton;
    mk_leaf *leaf = x->finger.leaf;
    uint32_t offset = x->offset, tail = leaf->length - offset - removed, end = offset + inserted;
    uint32_t state = tail > 0 ? leaf->values[offset + removed] : state_at(x, leaf->next, 0);
    uint32_t limit = x->match.rule == a->empty_rule ? a->matching : limit_of(x, leaf->values[offset]);
    if (removed != inserted) {
        memmove(leaf->bytes + end, leaf->bytes + offset + removed, tail);
        memmove(leaf->values + end, leaf->values + offset + removed, tail * sizeof *leaf->values);
        leaf->length = leaf->length - removed + inserted;
        x->tree.length = x->tree.length - removed + inserted;
        meter->letters += tail;
    }
    for (uint32_t i = 0; i < inserted; i++)
        leaf->bytes[offset + i] = replacement[i];
    reading read = a->table ? read_in_leaf(x, leaf, end, inserted, state, limit, true)
                            : read_in_leaf(x, leaf, end, inserted, state, limit, false);
    meter->letters += end - read.offset + 1;
    x->stale = true;
    if (read.open && leaf->previous) {
        x->next = MK_UNKNOWN;
        mk_leaf *left = leaf->previous;
        read_states(x, (reader){left, left->length, read.state}, 0, meter);
    } else if (read.found < MK_LEAF && !x->always_first) {
        point_at(x, read.found);
    } else {
        look_in_leaf(x, x->strategy == MK_LEFTMOST ? end : 0);
    }
}

/* An edit that leaves of the tree are made or removed for. */
static mk_status apply_across(mk_index *x, const mk_rule *rule, mk_meter *meter)
{
    mk_leaf *first = x->finger.leaf, *end = first;
    uint32_t offset = x->offset;
    mk_status status = mk_tree_replace(&x->tree, &end, &offset, rule->pattern.length, rule->replacement,
                                       rule->replacement_length);
    if (status != MK_OK)
        return status;
    x->next = MK_UNKNOWN;
    x->stale = false;
    read_states(x, (reader){end, offset, state_at(x, end, offset)}, rule->replacement_length, meter);
    if (end->next)
        mk_tree_tidy(&x->tree, end->next);
    mk_tree_tidy(&x->tree, end);
    if (first != end)
        mk_tree_tidy(&x->tree, first);
    return MK_OK;
}

mk_status mk_index_apply(mk_index *x, mk_meter *meter)
{
    const mk_rule *rule = &x->rules->rules[x->match.rule];
    const mk_leaf *leaf = x->finger.leaf;
    size_t removed = rule->pattern.length, inserted = rule->replacement_length;
    mk_status status = MK_OK;
    if (removed <= leaf->length - x->offset && leaf->length - removed + inserted <= MK_LEAF)
        apply_in_leaf(x, (uint32_t)removed, rule->replacement, (uint32_t)inserted, meter);
    else
        status = apply_across(x, rule, meter);
    if (x->tree.touched)
        count_touched(x, meter);
    return status;
}
