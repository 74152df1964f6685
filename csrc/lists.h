/* lists.h - columns of lists: the rules, the steps and the pairs of each example. */
#ifndef MK_LISTS_H
#define MK_LISTS_H

#include "template.h"

/* Rules: pattern, replacement; terminal (0 or 1).  Steps: the word after; rule, position.  Pairs: word, output. */
enum { MK_LIST_RULES, MK_LIST_TRACE, MK_LIST_PAIRS, MK_LISTS };
enum { MK_LIST_TEXTS = 2, MK_LIST_NUMBERS = 2 };

/* The items of some rows.  Ends and numbers are int64 in the bytes of a text. */
typedef struct {
    size_t items;
    mk_text text[MK_LIST_TEXTS], ends[MK_LIST_TEXTS];   /* end of each item's text */
    mk_text number[MK_LIST_NUMBERS];
} mk_list;

/* Appends an example's items.  On MK_NO_MEMORY the list is good for nothing but closing. */
mk_status mk_list_append(mk_list *list, int kind, const mk_letters *letters, const mk_example *example);

/* Appends the items of another list. */
mk_status mk_list_join(mk_list *list, const mk_list *more);

/* Takes the items out; the memory stays. */
void mk_list_clear(mk_list *list);

void mk_list_close(mk_list *list);

#endif
