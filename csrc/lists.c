#include "lists.h"

#include <string.h>

static mk_status append_number(mk_text *numbers, int64_t number)
{
    if (mk_text_reserve(numbers, sizeof number) != MK_OK)
        return MK_NO_MEMORY;
    memcpy(numbers->data + numbers->used, &number, sizeof number);
    numbers->used += sizeof number;
    return MK_OK;
}

static mk_status append_text(mk_list *list, int text, const mk_letters *letters, const uint8_t *codes, size_t count)
{
    if (mk_text_letters(&list->text[text], letters, codes, count) != MK_OK)
        return MK_NO_MEMORY;
    return append_number(&list->ends[text], (int64_t)list->text[text].used);
}

static bool append_rule(mk_list *list, const mk_letters *letters, const mk_example_rule *rule)
{
    return append_text(list, 0, letters, rule->pattern, rule->pattern_length) == MK_OK &&
           append_text(list, 1, letters, rule->replacement, rule->replacement_length) == MK_OK &&
           append_number(&list->number[0], rule->terminal) == MK_OK;
}

static bool append_step(mk_list *list, const mk_letters *letters, const mk_example_step *step)
{
    return append_text(list, 0, letters, step->word, step->length) == MK_OK &&
           append_number(&list->number[0], step->rule) == MK_OK &&
           append_number(&list->number[1], step->position) == MK_OK;
}

static bool append_pair(mk_list *list, const mk_letters *letters, const mk_example_pair *pair)
{
    return append_text(list, 0, letters, pair->word, pair->length) == MK_OK &&
           append_text(list, 1, letters, pair->output, pair->output_length) == MK_OK;
}

static size_t item_count(int kind, const mk_example *example)
{
    return kind == MK_LIST_RULES ? example->rule_count
           : kind == MK_LIST_TRACE ? example->trace_count
                                   : example->pair_count;
}

mk_status mk_list_append(mk_list *list, int kind, const mk_letters *letters, const mk_example *example)
{
    size_t count = item_count(kind, example);
    for (size_t i = 0; i < count; i++) {
        bool appended = kind == MK_LIST_RULES   ? append_rule(list, letters, &example->rules[i])
                        : kind == MK_LIST_TRACE ? append_step(list, letters, &example->trace[i])
                                                : append_pair(list, letters, &example->pairs[i]);
        if (!appended)
            return MK_NO_MEMORY;
        list->items++;
    }
    return MK_OK;
}

static mk_status append_bytes(mk_text *to, const mk_text *from)
{
    if (from->used == 0)
        return MK_OK;
    if (mk_text_reserve(to, from->used) != MK_OK)
        return MK_NO_MEMORY;
    memcpy(to->data + to->used, from->data, from->used);
    to->used += from->used;
    return MK_OK;
}

static mk_status join_ends(mk_list *list, const mk_list *more, int text)
{
    int64_t base = (int64_t)list->text[text].used;
    for (size_t i = 0; i < more->ends[text].used; i += sizeof base) {
        int64_t end;
        memcpy(&end, more->ends[text].data + i, sizeof end);
        if (append_number(&list->ends[text], base + end) != MK_OK)
            return MK_NO_MEMORY;
    }
    return append_bytes(&list->text[text], &more->text[text]);
}

mk_status mk_list_join(mk_list *list, const mk_list *more)
{
    for (int text = 0; text < MK_LIST_TEXTS; text++)
        if (join_ends(list, more, text) != MK_OK)
            return MK_NO_MEMORY;
    for (int number = 0; number < MK_LIST_NUMBERS; number++)
        if (append_bytes(&list->number[number], &more->number[number]) != MK_OK)
            return MK_NO_MEMORY;
    list->items += more->items;
    return MK_OK;
}

void mk_list_clear(mk_list *list)
{
    for (int text = 0; text < MK_LIST_TEXTS; text++)
        list->text[text].used = list->ends[text].used = 0;
    for (int number = 0; number < MK_LIST_NUMBERS; number++)
        list->number[number].used = 0;
    list->items = 0;
}

void mk_list_close(mk_list *list)
{
    for (int text = 0; text < MK_LIST_TEXTS; text++) {
        mk_free(list->text[text].data);
        mk_free(list->ends[text].data);
    }
    for (int number = 0; number < MK_LIST_NUMBERS; number++)
        mk_free(list->number[number].data);
    *list = (mk_list){0};
}
