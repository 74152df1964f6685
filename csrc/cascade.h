/* cascade.h - rule sets in which one rule can make another applicable: a replacement holds another rule's pattern. */
#ifndef MK_CASCADE_H
#define MK_CASCADE_H

#include "plan.h"

/* Whether some replacement holds the pattern, not empty, of another rule. */
bool mk_cascade_exists(const mk_example_rule *rules, uint32_t count);

/* Whether instruction j shall have one: of the first j instructions, the asked share, rounded, do. */
bool mk_cascade_is_asked(const mk_plan *plan, uint64_t j);

/* Looks for a cascade that the rules, the plan's candidate of that number, could be given: which replacement would
 * change, and into what, so that it still is one of the rule space and its rule still changes something.  False: no
 * place is found.  `replacement` has room for the widest one. */
bool mk_cascade_plan(const mk_plan *plan, const mk_example_rule *rules, uint64_t candidate, uint8_t *replacement,
                     uint32_t *changed);

#endif
