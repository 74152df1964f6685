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
 * leaves is reported to the tree.  UINT64_MAX fresh letters: to the word's beginning, unless the meter says to stop. */
static bool read_states(mk_index *x, reader at, uint64_t fresh, mk_meter *meter)
{
    const mk_automaton *automaton = x->automaton;
    uint64_t letters = 0;
    bool going = true, whole = fresh == UINT64_MAX;
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
        if (!going && whole)
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
    status = mk_tree_fill(&x->tree, word, length, meter);
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

/* The next match, if it is in the finger's leaf: where, or MK_LEAF if it may be elsewhere.  Under `markov` no leaf on
 * the left may have a rule that is as early, none on the right one that is earlier; under `leftmost` nothing matches
 * before `from`. */
static uint32_t look_in_leaf(mk_index *x, uint32_t from)
{
    const mk_automaton *a = x->automaton;
    const mk_leaf *leaf = x->finger.leaf;
    const mk_kernels *kernels = mk_dispatch();
    if (x->strategy == MK_LEFTMOST) {
        x->tree.touched += leaf->length - from;
        size_t at = kernels->below(leaf->values + from, leaf->length - from, a->matching);
        return at < leaf->length - from ? from + (uint32_t)at : MK_LEAF;
    }
    x->tree.touched += leaf->length;
    uint32_t least = kernels->least(leaf->values, leaf->length), after = x->finger.after;
    if (least >= a->matching)
        return MK_LEAF;
    uint32_t limit = a->bound[least];
    if (x->finger.before < limit || (after < a->matching && a->bound[after] < limit))
        return MK_LEAF;
    return (uint32_t)kernels->below(leaf->values, leaf->length, limit);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static bool stays_in_leaf(const mk_leaf *leaf, uint32_t offset, const mk_rule *rule)
{
    size_t removed = rule->pattern.length;
    return removed <= leaf->length - offset && leaf->length - removed + rule->replacement_length <= MK_LEAF;
}

static bool may_follow(const mk_rule *rule, size_t length, size_t max_length)
{
    size_t kept = length - rule->pattern.length;
    return !rule->terminal && kept <= max_length && rule->replacement_length <= max_length - kept;
}

static void move_tail(mk_leaf *leaf, uint32_t from, uint32_t to)
{
    uint32_t tail = leaf->length - from;
    memmove(leaf->bytes + to, leaf->bytes + from, tail);
    memmove(leaf->values + to, leaf->values + from, tail * sizeof *leaf->values);
    leaf->length = to + tail;
}

/* Steps within one leaf, which is what most steps are.
 *
 * Before a step nothing left of its match fires as early as the match does, and nothing anywhere fires earlier.  So a
 * state read off anew after the edit that is below the match's limit is the next match, the leftmost such one with
 * the earliest rule if there are several, and only if there is none must be looked further.
 *
 * What is read again and again is in locals, since as far as a compiler knows a write to a leaf may change anything. */
__attribute__((always_inline)) static inline uint64_t steps_in_leaf(mk_index *x, const mk_burst *burst,
                                                                    mk_meter *meter, bool by_table)
{
    const mk_automaton *a = x->automaton;
    const mk_rule *rules = x->rules->rules, *rule = &rules[x->match.rule];
    size_t number = x->match.rule;
    const uint32_t *const *row = a->row, *bound = x->strategy == MK_MARKOV ? a->bound : NULL, *rule_of = a->rule;
    mk_leaf *leaf = x->finger.leaf;
    uint8_t *bytes = leaf->bytes;
    uint32_t *values = leaf->values;
    uint32_t offset = x->offset;
    uint32_t limit = x->match.rule == a->empty_rule ? a->matching : limit_of(x, values[offset]);
    uint64_t steps = 0, letters = 0, *fired = burst->fired;
    size_t length = x->tree.length, longest = 0;
    mk_cycle *cycle = burst->cycle;
    do {
        uint32_t removed = (uint32_t)rule->pattern.length, inserted = (uint32_t)rule->replacement_length;
        uint32_t i = offset + inserted, right = offset + removed;
        uint32_t state = right < leaf->length ? values[right] : state_at(x, leaf->next, 0);
        if (cycle)
            mk_cycle_edited(cycle, x->finger.start + offset, removed, length);
        if (removed != inserted) {
            letters += leaf->length - right;
            move_tail(leaf, right, i);
            length = length - removed + inserted;
            longest = length > longest ? length : longest;
        }
        letters += inserted + 1;
        steps++;
        if (fired)
            fired[number]++;
        uint32_t found = MK_LEAF;
        const uint8_t *replacement = rule->replacement;
        while (i > offset) {
            i--;
            uint8_t letter = bytes[i] = replacement[i - offset];
            values[i] = state = by_table ? row[letter][state] : mk_automaton_follow(a, state, letter);
            if (state < limit) {
                found = i;
                limit = bound ? bound[state] : limit;
            }
        }
        for (; i > 0; letters++) {
            state = by_table ? row[bytes[i - 1]][state] : mk_automaton_follow(a, state, bytes[i - 1]);
            if (state == values[i - 1])
                break;
            values[--i] = state;
            if (state < limit) {
                found = i;
                limit = bound ? bound[state] : limit;
            }
        }
        if (i == 0 && leaf->previous) {
            mk_leaf *left = leaf->previous;
            x->next = MK_UNKNOWN;
            read_states(x, (reader){left, left->length, state}, 0, meter);
            break;
        }
        if (x->always_first)
            found = MK_LEAF;
        else if (found == MK_LEAF)
            found = look_in_leaf(x, offset + inserted);
        if (found == MK_LEAF) {
            x->next = MK_UNKNOWN;
            break;
        }
        offset = found;
        limit = bound ? bound[values[found]] : limit;
        number = rule_of[values[found]];
        rule = &rules[number];
    } while (steps < burst->steps && !(cycle && mk_cycle_suspects(cycle, length)) && stays_in_leaf(leaf, offset, rule) &&
             may_follow(rule, length, burst->max_length));
    x->stale = true;
    mk_tree_forget_hash(&leaf->up);
    x->tree.length = length;
    x->longest = longest > x->longest ? longest : x->longest;
    meter->letters += letters;
    if (x->next == MK_KNOWN)
        point_at(x, offset);
    return steps;
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

mk_status mk_index_apply(mk_index *x, const mk_burst *burst, mk_meter *meter, uint64_t *steps)
{
    const mk_rule *rule = &x->rules->rules[x->match.rule];
    mk_status status = MK_OK;
    x->longest = 0;
    if (stays_in_leaf(x->finger.leaf, x->offset, rule)) {
        *steps = x->automaton->table ? steps_in_leaf(x, burst, meter, true) : steps_in_leaf(x, burst, meter, false);
    } else {
        size_t length = x->tree.length;
        status = apply_across(x, rule, meter);
        if (status == MK_OK && burst->cycle)
            mk_cycle_edited(burst->cycle, x->match.position, rule->pattern.length, length);
        if (status == MK_OK && burst->fired)
            burst->fired[x->match.rule]++;
        x->longest = x->tree.length;
        *steps = 1;
    }
    if (x->tree.touched)
        count_touched(x, meter);
    return status;
}

mk_leaf *mk_index_at(mk_index *x, size_t *position)
{
    if (x->stale)
        mk_tree_refresh(&x->tree, x->finger.leaf);
    return mk_tree_at(&x->tree, position);
}
