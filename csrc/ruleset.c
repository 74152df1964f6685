#include "matcher_bits.h"

#include <string.h>

static size_t row_length(mk_column column, size_t i)
{
    return (size_t)(column.offsets[i + 1] - column.offsets[i]);
}

static const uint8_t *row_bytes(mk_column column, size_t i)
{
    return column.data + column.offsets[i];
}

mk_status mk_ruleset_borrow(mk_ruleset *rules, mk_column patterns, mk_column replacements, const uint8_t *terminal,
                            size_t first, size_t last)
{
    size_t count = last - first;
    if (count > UINT32_MAX)
        return MK_INVALID;
    if (count > rules->capacity || !rules->rules) {
        mk_rule *room = mk_realloc(rules->rules, count * sizeof *room);
        if (!room)
            return MK_NO_MEMORY;
        rules->rules = room;
        rules->capacity = count;
    }
    rules->count = count;
    rules->pattern_bytes = (size_t)(patterns.offsets[last] - patterns.offsets[first]);
    mk_automaton_free(atomic_exchange(&rules->automaton, NULL));
    for (size_t i = 0; i < count; i++)
        rules->rules[i] = (mk_rule){
            mk_needle_make(row_bytes(patterns, first + i), row_length(patterns, first + i)),
            row_bytes(replacements, first + i),
            row_length(replacements, first + i),
            terminal[first + i] != 0,
        };
    return MK_OK;
}

/* Copies the bytes of all rows, and gives the end of the copy. */
static uint8_t *copy_bytes(mk_column column, uint8_t *to)
{
    int64_t first = column.offsets[0];
    size_t size = (size_t)(column.offsets[column.count] - first);
    if (size)
        memcpy(to, column.data + first, size);
    return to + size;
}

mk_status mk_ruleset_compile(mk_column patterns, mk_column replacements, const uint8_t *terminal, mk_ruleset **out)
{
    size_t count = patterns.count;
    if (replacements.count != count || count > UINT32_MAX)
        return MK_INVALID;
    size_t size = (size_t)(patterns.offsets[count] - patterns.offsets[0]) +
                  (size_t)(replacements.offsets[count] - replacements.offsets[0]);
    mk_ruleset *rules = mk_malloc(sizeof *rules);
    if (!rules)
        return MK_NO_MEMORY;
    memset(rules, 0, sizeof *rules);
    rules->bytes = mk_malloc(size);
    mk_status status = rules->bytes ? MK_OK : MK_NO_MEMORY;
    if (status == MK_OK)
        status = mk_ruleset_borrow(rules, patterns, replacements, terminal, 0, count);
    if (status == MK_OK)
        status = mk_bits_plan_make(rules, &rules->bits);
    if (status != MK_OK) {
        mk_ruleset_free(rules);
        return status;
    }
    /* Points the borrowed rules at the copy, row by row. */
    uint8_t *own_patterns = rules->bytes, *own_replacements = copy_bytes(patterns, own_patterns);
    copy_bytes(replacements, own_replacements);
    for (size_t i = 0; i < count; i++) {
        rules->rules[i].pattern.bytes = own_patterns + (patterns.offsets[i] - patterns.offsets[0]);
        rules->rules[i].replacement = own_replacements + (replacements.offsets[i] - replacements.offsets[0]);
    }
    *out = rules;
    return MK_OK;
}

void mk_ruleset_release(mk_ruleset *rules)
{
    mk_free(rules->rules);
    mk_free(rules->bytes);
    mk_free(rules->bits);
    mk_automaton_free(atomic_load(&rules->automaton));
    memset(rules, 0, sizeof *rules);
}

void mk_ruleset_free(mk_ruleset *rules)
{
    if (!rules)
        return;
    mk_ruleset_release(rules);
    mk_free(rules);
}

mk_status mk_ruleset_automaton(const mk_ruleset *rules, mk_meter *meter, const mk_automaton **out)
{
    mk_automaton *_Atomic *place = &((mk_ruleset *)rules)->automaton;
    mk_automaton *there = atomic_load_explicit(place, memory_order_acquire);
    if (!there) {
        mk_automaton *made;
        mk_status status = mk_automaton_make(rules, meter, &made);
        if (status != MK_OK)
            return status;
        if (atomic_compare_exchange_strong(place, &there, made))
            there = made;
        else
            mk_automaton_free(made);
    }
    *out = there;
    return MK_OK;
}
