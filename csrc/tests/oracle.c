#include "oracle.h"

#include <stdlib.h>
#include <string.h>

static bool occurs_at(const oracle_rule *rule, oracle_word word, size_t start)
{
    size_t length = rule->pattern_length, i = 0;
    if (length > word.length - start)
        return false;
    while (i < length && word.bytes[start + i] == rule->pattern[i])
        i++;
    return i == length;
}

static bool find_from_start(const oracle_rule *rules, size_t count, oracle_word word, mk_match *match)
{
    for (size_t start = 0; start <= word.length; start++)
        for (size_t i = 0; i < count; i++)
            if (occurs_at(&rules[i], word, start)) {
                *match = (mk_match){i, start};
                return true;
            }
    return false;
}

bool oracle_find(const oracle_rule *rules, size_t count, mk_strategy strategy, oracle_word word, mk_match *match)
{
    if (strategy == MK_LEFTMOST)
        return find_from_start(rules, count, word, match);
    for (size_t i = 0; i < count; i++)
        if (find_from_start(&rules[i], 1, word, match)) {
            match->rule = i;
            return true;
        }
    return false;
}

static oracle_word copy_word(oracle_word word)
{
    oracle_word copy = {malloc(word.length + 1), word.length};
    if (!copy.bytes)
        abort();
    if (word.length)
        memcpy(copy.bytes, word.bytes, word.length);
    return copy;
}

static bool same_word(oracle_word a, oracle_word b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

oracle oracle_open(const oracle_rule *rules, size_t count, oracle_word word, const mk_options *options)
{
    return (oracle){
        .rules = rules,
        .count = count,
        .options = *options,
        .origin = copy_word(word),
        .word = copy_word(word),
        .saved = copy_word(word),
        .outcome = MK_RUNNING,
        .max_length_seen = word.length,
    };
}

void oracle_close(oracle *o)
{
    free(o->origin.bytes);
    free(o->word.bytes);
    free(o->saved.bytes);
    *o = (oracle){0};
}

bool oracle_look(oracle *o, mk_match *next)
{
    if (o->outcome != MK_RUNNING)
        return false;
    if (!oracle_find(o->rules, o->count, o->options.strategy, o->word, next)) {
        o->outcome = MK_NO_RULE_APPLIES;
        return false;
    }
    const oracle_rule *rule = &o->rules[next->rule];
    size_t length = o->word.length - rule->pattern_length + rule->replacement_length;
    if (o->steps >= (uint64_t)o->options.max_steps)
        o->outcome = MK_STEP_LIMIT;
    else if (length > (uint64_t)o->options.max_length)
        o->outcome = MK_LENGTH_LIMIT;
    return o->outcome == MK_RUNNING;
}

static oracle_word rewritten(const oracle_rule *rule, oracle_word word, size_t start)
{
    size_t end = start + rule->pattern_length, gap = rule->replacement_length;
    oracle_word made = {malloc(word.length + gap + 1), word.length - rule->pattern_length + gap};
    if (!made.bytes)
        abort();
    memcpy(made.bytes, word.bytes, start);
    if (gap)
        memcpy(made.bytes + start, rule->replacement, gap);
    memcpy(made.bytes + start + gap, word.bytes + end, word.length - end);
    return made;
}

/* After step s the word is compared with the word after step t, the largest power of two below s (0 for s = 1). */
static void test_cycle(oracle *o)
{
    if (same_word(o->word, o->saved)) {
        o->outcome = MK_CYCLE;
        return;
    }
    bool power_of_two = (o->steps & (o->steps - 1)) == 0;
    if (power_of_two) {
        free(o->saved.bytes);
        o->saved = copy_word(o->word);
        o->saved_step = o->steps;
    }
}

void oracle_apply(oracle *o, mk_match next)
{
    oracle_word made = rewritten(&o->rules[next.rule], o->word, next.position);
    free(o->word.bytes);
    o->word = made;
    o->steps++;
    if (made.length > o->max_length_seen)
        o->max_length_seen = made.length;
    if (o->rules[next.rule].terminal)
        o->outcome = MK_TERMINAL_RULE;
    else if (o->options.detect_cycles)
        test_cycle(o);
}

static void advance(oracle *o)
{
    mk_match next;
    if (oracle_look(o, &next))
        oracle_apply(o, next);
}

void oracle_cycle(const oracle *o, uint64_t *start, uint64_t *period)
{
    mk_options options = {MK_NO_LIMIT, MK_NO_LIMIT, o->options.strategy, false, MK_AUTO};
    oracle behind = oracle_open(o->rules, o->count, o->origin, &options);
    oracle ahead = oracle_open(o->rules, o->count, o->origin, &options);
    *period = o->steps - o->saved_step;
    while (ahead.steps < *period)
        advance(&ahead);
    while (!same_word(behind.word, ahead.word)) {
        advance(&behind);
        advance(&ahead);
    }
    *start = behind.steps;
    oracle_close(&behind);
    oracle_close(&ahead);
}
