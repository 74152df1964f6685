#include "automaton.h"

#include <string.h>

#include "ruleset.h"

enum { TABLE_CLASSES = 7, TABLE_BYTES = 1 << 20, LETTERS_PER_STATE = 64 };

/* The trie of the reversed patterns while the automaton is made: 25 bytes a state.  Siblings are in order of their
 * letters; state 0 is the root. */
typedef struct {
    uint32_t states;
    uint32_t *child, *sibling, *rule, *failure, *order, *number;
    uint8_t *letter;
} trie;

enum { NO_STATE = 0 }; /* the root is nobody's child */

/* Counts the letters of the last 2^16 states of a loop and asks whether to go on. */
static bool go_on(mk_meter *meter, uint32_t state)
{
    return (state & 0xffff) != 0xffff || mk_meter_spend(meter, (uint64_t)LETTERS_PER_STATE << 16);
}

static void trie_free(trie *t)
{
    mk_free(t->child);
    mk_free(t->sibling);
    mk_free(t->rule);
    mk_free(t->failure);
    mk_free(t->order);
    mk_free(t->number);
    mk_free(t->letter);
}

static mk_status trie_open(trie *t, size_t capacity)
{
    size_t size = capacity * sizeof(uint32_t);
    *t = (trie){.child = mk_malloc(size),
                .sibling = mk_malloc(size),
                .rule = mk_malloc(size),
                .letter = mk_malloc(capacity)};
    return t->child && t->sibling && t->rule && t->letter ? MK_OK : MK_NO_MEMORY;
}

static uint32_t add_state(trie *t, uint32_t sibling, uint8_t letter)
{
    uint32_t state = t->states++;
    t->child[state] = NO_STATE;
    t->sibling[state] = sibling;
    t->rule[state] = MK_NO_RULE;
    t->letter[state] = letter;
    return state;
}

static uint32_t find_child(const trie *t, uint32_t state, uint8_t letter)
{
    uint32_t child = t->child[state];
    while (child != NO_STATE && t->letter[child] < letter)
        child = t->sibling[child];
    return child != NO_STATE && t->letter[child] == letter ? child : NO_STATE;
}

static uint32_t enter_child(trie *t, uint32_t state, uint8_t letter)
{
    uint32_t *link = &t->child[state];
    while (*link != NO_STATE && t->letter[*link] < letter)
        link = &t->sibling[*link];
    if (*link == NO_STATE || t->letter[*link] != letter)
        *link = add_state(t, *link, letter);
    return *link;
}

static void enter_pattern(trie *t, const mk_needle *pattern, uint32_t rule)
{
    uint32_t state = 0;
    for (size_t i = pattern->length; i-- > 0;)
        state = enter_child(t, state, pattern->bytes[i]);
    if (rule < t->rule[state])
        t->rule[state] = rule;
}

/* The letters of a state's longest proper end that is a state too; and rules of ends are rules of the whole. */
static mk_status link_failures(trie *t, mk_meter *meter)
{
    uint32_t queued = 1;
    t->order[0] = 0;
    t->failure[0] = 0;
    for (uint32_t i = 0; i < queued; i++) {
        uint32_t state = t->order[i];
        for (uint32_t c = t->child[state]; c != NO_STATE; c = t->sibling[c]) {
            uint32_t end = t->failure[state], found = NO_STATE;
            while (state != 0 && (found = find_child(t, end, t->letter[c])) == NO_STATE && end != 0)
                end = t->failure[end];
            t->failure[c] = found;
            if (t->rule[found] < t->rule[c])
                t->rule[c] = t->rule[found];
            t->order[queued++] = c;
        }
        if (!go_on(meter, i))
            return MK_INTERRUPTED;
    }
    return MK_OK;
}

/* Numbers the states by their rules, those of one rule in order of their depth. */
static mk_status number_states(trie *t, size_t rules, mk_meter *meter)
{
    uint32_t *next = mk_malloc((rules + 2) * sizeof *next);
    if (!next)
        return MK_NO_MEMORY;
    memset(next, 0, (rules + 2) * sizeof *next);
    for (uint32_t s = 0; s < t->states; s++)
        next[(t->rule[s] < rules ? t->rule[s] : rules) + 1]++;
    for (size_t r = 0; r < rules; r++)
        next[r + 1] += next[r];
    mk_status status = MK_OK;
    for (uint32_t i = 0; i < t->states && status == MK_OK; i++) {
        uint32_t s = t->order[i];
        t->number[s] = next[t->rule[s] < rules ? t->rule[s] : rules]++;
        status = go_on(meter, i) ? MK_OK : MK_INTERRUPTED;
    }
    mk_free(next);
    return status;
}

static mk_status write_rules(mk_automaton *a, const trie *t, mk_meter *meter)
{
    for (uint32_t s = 0; s < t->states; s++)
        a->matching += t->rule[s] != MK_NO_RULE;
    a->rule = mk_malloc(a->matching * sizeof *a->rule);
    a->bound = mk_malloc(a->matching * sizeof *a->bound);
    if (!a->rule || !a->bound)
        return MK_NO_MEMORY;
    for (uint32_t s = 0; s < t->states; s++) {
        if (t->rule[s] != MK_NO_RULE)
            a->rule[t->number[s]] = t->rule[s];
        if (!go_on(meter, s))
            return MK_INTERRUPTED;
    }
    for (uint32_t s = a->matching; s-- > 0;)
        a->bound[s] = s + 1 < a->matching && a->rule[s] == a->rule[s + 1] ? a->bound[s + 1] : s + 1;
    return MK_OK;
}

static uint32_t classify_letters(uint16_t class_of[256], const trie *t)
{
    bool seen[256] = {false};
    for (uint32_t s = 1; s < t->states; s++)
        seen[t->letter[s]] = true;
    uint32_t classes = 1; /* class 0: letters that no pattern has */
    for (int letter = 0; letter < 256; letter++)
        class_of[letter] = seen[letter] ? (uint16_t)classes++ : 0;
    return classes;
}

/* A state goes where its failure goes, except along its own edges. */
static mk_status write_table(mk_automaton *a, const trie *t, const uint16_t class_of[256], uint32_t classes,
                             mk_meter *meter)
{
    size_t states = t->states;
    a->table = mk_malloc(states * classes * sizeof *a->table);
    if (!a->table)
        return MK_NO_MEMORY;
    for (int letter = 0; letter < 256; letter++)
        a->row[letter] = a->table + class_of[letter] * states;
    for (uint32_t class = 0; class < classes; class++)
        a->table[class * states + a->root] = a->root;
    for (uint32_t i = 0; i < t->states; i++) {
        uint32_t s = t->order[i], number = t->number[s], failure = t->number[t->failure[s]];
        for (size_t at = 0; at < states * classes && s != 0; at += states)
            a->table[at + number] = a->table[at + failure];
        for (uint32_t c = t->child[s]; c != NO_STATE; c = t->sibling[c])
            a->table[class_of[t->letter[c]] * states + number] = t->number[c];
        if (!go_on(meter, i))
            return MK_INTERRUPTED;
    }
    return MK_OK;
}

static mk_status write_edges(mk_automaton *a, const trie *t, mk_meter *meter)
{
    a->failure = mk_malloc(t->states * sizeof *a->failure);
    a->first_edge = mk_malloc(((size_t)t->states + 1) * sizeof *a->first_edge);
    a->target = mk_malloc(t->states * sizeof *a->target);
    a->letter = mk_malloc(t->states);
    if (!a->failure || !a->first_edge || !a->target || !a->letter)
        return MK_NO_MEMORY;
    /* First where each state stands in the trie, then its edges. */
    for (uint32_t s = 0; s < t->states; s++) {
        a->failure[t->number[s]] = t->number[t->failure[s]];
        a->first_edge[t->number[s]] = s;
        if (!go_on(meter, s))
            return MK_INTERRUPTED;
    }
    uint32_t edges = 0;
    for (uint32_t n = 0; n < t->states; n++) {
        uint32_t s = a->first_edge[n];
        a->first_edge[n] = edges;
        for (uint32_t c = t->child[s]; c != NO_STATE; c = t->sibling[c]) {
            a->letter[edges] = t->letter[c];
            a->target[edges++] = t->number[c];
        }
        if (!go_on(meter, n))
            return MK_INTERRUPTED;
    }
    a->first_edge[t->states] = edges;
    return MK_OK;
}

static mk_status finish(mk_automaton *a, trie *t, size_t rules, mk_meter *meter)
{
    size_t size = t->states * sizeof(uint32_t);
    t->failure = mk_malloc(size);
    t->order = mk_malloc(size);
    t->number = mk_malloc(size);
    if (!t->failure || !t->order || !t->number)
        return MK_NO_MEMORY;
    mk_status status = link_failures(t, meter);
    if (status == MK_OK)
        status = number_states(t, rules, meter);
    if (status != MK_OK)
        return status;
    a->states = t->states;
    a->root = t->number[0];
    status = write_rules(a, t, meter);
    if (status != MK_OK)
        return status;
    uint16_t class_of[256];
    uint32_t classes = classify_letters(class_of, t);
    bool table = classes <= TABLE_CLASSES || (size_t)t->states * classes <= TABLE_BYTES / sizeof(uint32_t);
    return table ? write_table(a, t, class_of, classes, meter) : write_edges(a, t, meter);
}

/* Only the rules before the first empty pattern can be found by it. */
static mk_status fill(mk_automaton *a, const mk_ruleset *rules, mk_meter *meter)
{
    size_t count = 0, letters = 0;
    for (; count < rules->count && rules->rules[count].pattern.length > 0; count++)
        letters += rules->rules[count].pattern.length;
    a->empty_rule = count < rules->count ? (uint32_t)count : MK_NO_RULE;
    if (letters >= INT32_MAX)
        return MK_TOO_LARGE;
    trie t;
    mk_status status = trie_open(&t, letters + 1);
    if (status == MK_OK)
        add_state(&t, NO_STATE, 0);
    for (size_t i = 0; i < count && status == MK_OK; i++) {
        enter_pattern(&t, &rules->rules[i].pattern, (uint32_t)i);
        if (!mk_meter_spend(meter, LETTERS_PER_STATE * rules->rules[i].pattern.length))
            status = MK_INTERRUPTED;
    }
    if (status == MK_OK)
        status = finish(a, &t, count, meter);
    trie_free(&t);
    return status;
}

mk_status mk_automaton_make(const mk_ruleset *rules, mk_meter *meter, mk_automaton **out)
{
    mk_automaton *made = mk_malloc(sizeof *made);
    if (!made)
        return MK_NO_MEMORY;
    *made = (mk_automaton){0};
    mk_status status = fill(made, rules, meter);
    if (status != MK_OK) {
        mk_automaton_free(made);
        return status;
    }
    *out = made;
    return MK_OK;
}

void mk_automaton_free(mk_automaton *a)
{
    if (!a)
        return;
    mk_free(a->rule);
    mk_free(a->bound);
    mk_free(a->table);
    mk_free(a->failure);
    mk_free(a->first_edge);
    mk_free(a->target);
    mk_free(a->letter);
    mk_free(a);
}

static bool find_edge(const mk_automaton *a, uint32_t state, uint8_t letter, uint32_t *target)
{
    uint32_t low = a->first_edge[state], end = a->first_edge[state + 1], high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (a->letter[middle] < letter)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == end || a->letter[low] != letter)
        return false;
    *target = a->target[low];
    return true;
}

uint32_t mk_automaton_follow(const mk_automaton *a, uint32_t state, uint8_t letter)
{
    uint32_t target;
    while (!find_edge(a, state, letter, &target)) {
        if (state == a->root)
            return a->root;
        state = a->failure[state];
    }
    return target;
}
