#include "strata.h"

#include <string.h>

static const mk_phase *find_phase(const mk_rule_space *space, uint64_t j)
{
    size_t low = 0, high = space->phase_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (space->phases[middle].start <= j)
            low = middle;
        else
            high = middle;
    }
    return &space->phases[low];
}

/* The stratum whose turn number j is, and how many it had before. */
static size_t find_turn(const mk_rule_space *space, uint64_t j, uint64_t *before)
{
    *before = j;
    if (space->stratum_count <= 1)
        return 0;
    const mk_phase *phase = find_phase(space, j);
    uint64_t run = (j - phase->start) / phase->period;
    mk_turn turn = phase->turns[(j - phase->start) % phase->period];
    *before = phase->bases[turn.stratum] + run * phase->weights[turn.stratum] + turn.rank;
    return turn.stratum;
}

static uint32_t candidates_of(const mk_rule_space *space, size_t stratum)
{
    return space->stratum_count ? space->strata[stratum].candidates : space->list.candidates;
}

uint32_t mk_rule_space_candidates(const mk_rule_space *space, uint64_t j)
{
    uint64_t before;
    return candidates_of(space, find_turn(space, j, &before));
}

size_t mk_rule_space_turn(const mk_rule_space *space, uint64_t j, uint64_t *index)
{
    uint64_t before;
    size_t stratum = find_turn(space, j, &before);
    const uint32_t *accepted = space->stratum_count ? space->strata[stratum].accepted : space->list.accepted;
    *index = accepted ? accepted[before] : before * candidates_of(space, stratum);
    return stratum;
}

static uint32_t list_length(const mk_rule_list *list, size_t string)
{
    return (uint32_t)(list->offsets[string + 1] - list->offsets[string]);
}

static void list_at(const mk_rule_list *list, uint64_t j, mk_space_rule *rule)
{
    size_t string = 2 * (size_t)mk_permutation_at(&list->order, j);
    rule->stratum = 0;
    rule->pattern_length = list_length(list, string);
    rule->replacement_length = list_length(list, string + 1);
    memcpy(rule->pattern, list->letters + list->offsets[string], rule->pattern_length);
    memcpy(rule->replacement, list->letters + list->offsets[string + 1], rule->replacement_length);
}

void mk_rule_space_in(const mk_rule_space *space, size_t number, uint64_t index, mk_space_rule *rule)
{
    if (!space->stratum_count) {
        list_at(&space->list, index, rule);
        return;
    }
    const mk_stratum *stratum = &space->strata[number];
    rule->stratum = (uint32_t)number;
    rule->pattern_length = mk_share_length(stratum->patterns.share);
    rule->replacement_length = mk_share_length(stratum->replacements.share);
    mk_stratum_at(stratum, index, rule->pattern, rule->replacement);
}

void mk_rule_space_at(const mk_rule_space *space, uint64_t j, uint32_t candidate, mk_space_rule *rule)
{
    uint64_t index;
    size_t stratum = mk_rule_space_turn(space, j, &index);
    mk_rule_space_in(space, stratum, index + candidate, rule);
}

/* The rules of one stratum among `count`, beginning with rule `first`. */
static void write_stratum(const mk_stratum *stratum, size_t first, size_t count, const uint64_t *indices,
                          mk_space_rule *rules)
{
    uint8_t *patterns[MK_RULES_AT_ONCE], *replacements[MK_RULES_AT_ONCE];
    uint64_t numbers[MK_RULES_AT_ONCE];
    size_t found = 0;
    for (size_t i = first; i < count; i++) {
        if (rules[i].stratum != rules[first].stratum)
            continue;
        rules[i].pattern_length = mk_share_length(stratum->patterns.share);
        rules[i].replacement_length = mk_share_length(stratum->replacements.share);
        patterns[found] = rules[i].pattern;
        replacements[found] = rules[i].replacement;
        numbers[found++] = indices[i];
    }
    if (found > 1)
        mk_stratum_many(stratum, numbers, found, patterns, replacements);
    else
        mk_stratum_at(stratum, numbers[0], patterns[0], replacements[0]);
}

void mk_rule_space_many(const mk_rule_space *space, const uint64_t *numbers, size_t count, mk_space_rule *rules)
{
    uint64_t indices[MK_RULES_AT_ONCE];
    if (!space->stratum_count) {
        for (size_t i = 0; i < count; i++)
            mk_rule_space_at(space, numbers[i], 0, &rules[i]);
        return;
    }
    for (size_t i = 0; i < count; i++)
        rules[i].stratum = (uint32_t)mk_rule_space_turn(space, numbers[i], &indices[i]);
    for (size_t i = 0; i < count; i++) {
        bool written = false;
        for (size_t k = 0; k < i && !written; k++)
            written = rules[k].stratum == rules[i].stratum;
        if (!written)
            write_stratum(&space->strata[rules[i].stratum], i, count, indices, rules);
    }
}

/* Less than, equal to or greater than 0 as the string comes before, is, or comes after these letters. */
static int compare(const mk_rule_list *list, size_t string, const uint8_t *letters, uint32_t length)
{
    uint32_t own = list_length(list, string);
    if (own != length)
        return own < length ? -1 : 1;
    return memcmp(list->letters + list->offsets[string], letters, length);
}

static bool list_holds(const mk_rule_list *list, int side, const uint8_t *letters, uint32_t length)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(list, 2 * (size_t)list->sorted[side][middle] + (size_t)side, letters, length);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length)
{
    if (!space->stratum_count)
        return list_holds(&space->list, side, letters, length);
    for (size_t i = 0; i < space->share_count[side]; i++) {
        const mk_share *share = &space->shares[side][i];
        if (mk_share_length(share) == length && mk_share_holds(share, letters))
            return true;
    }
    return false;
}

bool mk_rule_space_holds_other(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length,
                               const uint16_t *codes, uint8_t *scratch)
{
    for (uint32_t i = 0; codes && i < length; i++) {
        if (codes[letters[i]] == MK_NO_LETTER)
            return false;
        scratch[i] = (uint8_t)codes[letters[i]];
    }
    return mk_rule_space_holds(space, side, codes ? scratch : letters, length);
}

uint32_t mk_rule_space_widest(const mk_rule_space *space, int side)
{
    uint32_t widest = 0;
    for (size_t i = 0; i < space->share_count[side]; i++) {
        uint32_t length = mk_share_length(&space->shares[side][i]);
        widest = length > widest ? length : widest;
    }
    for (size_t i = 0; !space->stratum_count && i < space->list.count; i++) {
        uint32_t length = list_length(&space->list, 2 * i + (size_t)side);
        widest = length > widest ? length : widest;
    }
    return widest;
}
