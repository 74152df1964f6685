#include <string.h>

#include "ruleset.h"
#include "word.h"

struct mk_replay {
    const mk_ruleset *rules;
    mk_word word;
};

mk_status mk_replay_open(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_replay **out)
{
    mk_replay *replay = mk_malloc(sizeof *replay);
    if (!replay)
        return MK_NO_MEMORY;
    *replay = (mk_replay){.rules = rules};
    if (mk_word_set(&replay->word, word, length) != MK_OK) {
        mk_replay_close(replay);
        return MK_NO_MEMORY;
    }
    *out = replay;
    return MK_OK;
}

void mk_replay_close(mk_replay *replay)
{
    if (!replay)
        return;
    mk_word_free(&replay->word);
    mk_free(replay);
}

/* Swaps `from` for `to` at the position, if `from` is there. */
static mk_status exchange(mk_word *word, size_t position, const uint8_t *from, size_t from_length, const uint8_t *to,
                          size_t to_length, mk_meter *meter)
{
    if (position > word->length || from_length > word->length - position)
        return MK_INVALID;
    if (from_length && memcmp(mk_word_bytes(word) + position, from, from_length) != 0)
        return MK_INVALID;
    mk_status status = mk_word_splice(word, position, from_length, to, to_length, meter);
    if (status == MK_OK && !mk_meter_spend(meter, 16))
        status = MK_INTERRUPTED;
    return status;
}

mk_status mk_replay_move(mk_replay *replay, const mk_trace *trace, uint64_t from, uint64_t to, mk_poll poll)
{
    mk_meter meter = mk_meter_make(poll);
    mk_status status = MK_OK;
    while (from != to && status == MK_OK) {
        bool forward = from < to;
        mk_match match = mk_trace_get(trace, forward ? from : from - 1);
        if (match.rule >= replay->rules->count)
            return MK_INVALID;
        const mk_rule *rule = &replay->rules->rules[match.rule];
        const mk_needle *pattern = &rule->pattern;
        if (forward)
            status = exchange(&replay->word, match.position, pattern->bytes, pattern->length, rule->replacement,
                              rule->replacement_length, &meter);
        else
            status = exchange(&replay->word, match.position, rule->replacement, rule->replacement_length,
                              pattern->bytes, pattern->length, &meter);
        from = forward ? from + 1 : from - 1;
    }
    return status;
}

const uint8_t *mk_replay_word(const mk_replay *replay, size_t *length)
{
    *length = replay->word.length;
    return mk_word_bytes(&replay->word);
}
