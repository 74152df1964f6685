"""Deliberate faults in copies of the engine's C sources and of the oracle: exact text, and what stands in its place.

A fault that turned out to change nothing anyone can see is not here: it was replaced by another one.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str  # below csrc
    old: str  # occurs exactly once there
    new: str


RUN = [
    Mutant("terminal rules do not end a run", "run.c",
           "    if (rule->terminal)\n        run->outcome = MK_TERMINAL_RULE;", "    (void)rule;"),
    Mutant("one step more than allowed", "run.c",
           "run->steps >= (uint64_t)run->options.max_steps", "run->steps > (uint64_t)run->options.max_steps"),
    Mutant("a word of just max_length is too long", "run.c",
           "rule->replacement_length > limit - kept", "rule->replacement_length >= limit - kept"),
    Mutant("a word may be one longer than max_length", "run.c",
           "kept > limit || rule->replacement_length > limit - kept",
           "kept > limit || rule->replacement_length > limit - kept + 1"),
    Mutant("the length limit before the step limit", "run.c",
           "    if (run->steps >= (uint64_t)run->options.max_steps)\n        run->outcome = MK_STEP_LIMIT;\n"
           "    else if (kept > limit || rule->replacement_length > limit - kept)\n"
           "        run->outcome = MK_LENGTH_LIMIT;",
           "    if (kept > limit || rule->replacement_length > limit - kept)\n"
           "        run->outcome = MK_LENGTH_LIMIT;\n"
           "    else if (run->steps >= (uint64_t)run->options.max_steps)\n        run->outcome = MK_STEP_LIMIT;"),
    Mutant("the length limit counts what is removed", "run.c",
           "size_t kept = run->length - rule->pattern.length;", "size_t kept = run->length;"),
    Mutant("the length limit looks at the word before the step", "run.c",
           "kept > limit || rule->replacement_length > limit - kept", "kept > SIZE_MAX - 1 || run->length > limit"),
    Mutant("the length limit spares terminal rules", "run.c",
           "kept > limit || rule->replacement_length > limit - kept",
           "!rule->terminal && (kept > limit || rule->replacement_length > limit - kept)"),
    Mutant("limits before the question whether a rule applies", "run.c",
           "        if (status == MK_OK && !run->pending)\n            status = look_ahead(run);",
           "        if (run->steps >= (uint64_t)run->options.max_steps) {\n"
           "            run->outcome = MK_STEP_LIMIT;\n            break;\n        }\n"
           "        if (status == MK_OK && !run->pending)\n            status = look_ahead(run);"),
    Mutant("a cycle after a terminal rule", "run.c",
           "if (run->options.detect_cycles && run->outcome == MK_RUNNING)", "if (run->options.detect_cycles)"),
    Mutant("a cycle of one step is not seen", "run.c",
           "            if (met)\n", "            if (met && run->steps > 1)\n"),
    Mutant("a burst goes past the step at which a word is saved", "run.c",
           "mk_cycle_next_save(run->steps) - run->steps)", "mk_cycle_next_save(run->steps) - run->steps + 1)"),
    Mutant("a burst goes past the step limit", "run.c",
           "lesser(lesser(n, (uint64_t)run->options.max_steps - run->steps), STEPS_PER_BURST)",
           "lesser(n, STEPS_PER_BURST)"),
    Mutant("a burst that is traced", "run.c",
           "    if (run->trace || rule->terminal)", "    if (rule->terminal)"),
    Mutant("every step counts for the first rule", "run.c",
           "run->fired[run->next.rule]++;", "run->fired[0]++;"),
    Mutant("the longest word is the shortest", "run.c",
           "    if (run->length > run->max_length_seen)\n", "    if (run->length < run->max_length_seen)\n"),
    Mutant("bits keep a word that outgrows them", "run.c",
           "    if (run->matcher == MK_BITS)\n        return mk_bits_fits(run->rules, run->length);",
           "    if (run->matcher == MK_BITS)\n        return true;"),
    Mutant("a matcher that does not suit any more stays", "run.c",
           "run->settled = still_suits(run);", "run->settled = true;"),
    Mutant("the word is not taken out of the index", "run.c",
           "    mk_run_copy(run, run->word.buffer + run->word.start);\n    mk_index_free(&run->index);",
           "    mk_index_free(&run->index);"),
    Mutant("the next match of the row before", "run.c",
           "run->pending = run->no_index = run->settled = false;", "run->no_index = run->settled = false;"),
    Mutant("the terminal flag of the first rule is everyone's", "ruleset.c",
           "terminal[first + i] != 0", "terminal[first] != 0"),
    Mutant("replacements one rule later", "ruleset.c",
           "own_replacements + (replacements.offsets[i] - replacements.offsets[0])",
           "own_replacements + (replacements.offsets[i + 1 < count ? i + 1 : i] - replacements.offsets[0])"),
]  # fmt: skip

BITS = [
    Mutant("bits: the rightmost occurrence", "matcher_bits.c",
           "*match = (mk_match){i, (size_t)__builtin_ctzll(at)};",
           "*match = (mk_match){i, 63 - (size_t)__builtin_clzll(at)};"),
    Mutant("bits: the last rule first", "matcher_bits.c",
           "for (size_t i = 0; i < bits->plan->count; i++) {", "for (size_t i = bits->plan->count; i-- > 0;) {"),
    Mutant("bits: leftmost ties go to the later rule", "matcher_bits.c",
           "if (position < best) {", "if (position <= best && at) {"),
    Mutant("bits: letters of a pattern may stand in one place", "matcher_bits.c",
           "bits->masks[rule->pattern[k]] & (at >> 1)", "bits->masks[rule->pattern[k]] & at"),
    Mutant("bits: the last letter of a pattern is not looked at", "matcher_bits.c",
           "uint64_t at = bits->masks[rule->pattern[k]];", "uint64_t at = bits->masks[k ? 0 : rule->pattern[k]];"),
    Mutant("bits: the empty pattern is not in the empty word", "matcher_bits.c",
           "bits->masks[0] = ~(uint64_t)0;", "bits->masks[0] = length ? ~(uint64_t)0 : 0;"),
    Mutant("bits: rules with an empty pattern are left out", "matcher_bits.c",
           "            return i + 1;", "            return i;"),
    Mutant("bits: what is behind an edit is cut where the replacement ends", "matcher_bits.c",
           "behind = ~low_bits(match.position + removed)", "behind = ~low_bits(match.position + inserted)"),
    Mutant("bits: the last letter is not moved", "matcher_bits.c",
           "i <= bits->plan->pattern_letters; i++)\n        masks",
           "i < bits->plan->pattern_letters; i++)\n        masks"),
    Mutant("bits: a replacement lacks its first letter", "matcher_bits.c",
           "    for (size_t k = 0; k < inserted; k++)\n        masks",
           "    for (size_t k = 1; k < inserted; k++)\n        masks"),
    Mutant("bits: an edit moves the wrong way", "matcher_bits.c",
           "(masks[i] & behind) >> shrinks << grows", "(masks[i] & behind) >> grows << shrinks"),
    Mutant("bits: the letter at the last place of a full word is lost", "matcher_bits.c",
           "return n < 64 ?", "return n < 63 ?"),
    Mutant("bits: words of 65 letters", "matcher_bits.h",
           "return rules->bits && length <= MK_BITS_LENGTH;", "return rules->bits && length <= MK_BITS_LENGTH + 1;"),
]  # fmt: skip

SCAN = [
    Mutant("scan: the empty pattern is not in the empty word", "matcher_scan.c",
           "(mk_open_starts){0, length + 1}", "(mk_open_starts){0, length}"),
    Mutant("scan: the window begins one letter late", "matcher_scan.c",
           "position + 1 > length ? position + 1 - length : 0", "position + 2 > length ? position + 2 - length : 0"),
    Mutant("scan: the window ends one letter early", "matcher_scan.c",
           "to = position + inserted;", "to = position + inserted - (inserted > 0);"),
    Mutant("scan: what is open behind an edit does not move", "matcher_scan.c",
           "to = open->to - removed + inserted;", "to = open->to;"),
    Mutant("scan: what is open before an edit is forgotten", "matcher_scan.c",
           "if (open->from < from)", "if (open->from > from)"),
    Mutant("scan: what is open behind an edit is forgotten", "matcher_scan.c",
           "if (open->to > position + removed)", "if (open->to > position + removed + 1)"),
    Mutant("scan: leftmost ties go to the later rule", "matcher_scan.c",
           "        stop = start;", "        stop = start + 1;"),
    Mutant("scan: leftmost is the first rule", "matcher_scan.c",
           "if (scan->strategy == MK_MARKOV || start == 0)", "if (start < SIZE_MAX)"),
    Mutant("scan: what was not searched counts as searched", "matcher_scan.c",
           "open->from = end;", "open->from = open->to;"),
    Mutant("scan: an occurrence that was not used is forgotten", "matcher_scan.c",
           "open->from = start;", "open->from = start + 1;"),
    Mutant("search: nothing ends at the end of the word", "search.c",
           "    if (stop > length - m + 1)\n        stop = length - m + 1;",
           "    if (stop > length - m)\n        stop = length - m;"),
    Mutant("search: the empty pattern occurs nowhere", "search.c",
           "    if (m == 0)\n        return from;", "    if (m == 0)\n        return MK_NOWHERE;"),
    Mutant("search: patterns of four letters are three", "kernel.h",
           "    if (needle->length <= 3)\n        return true;", "    if (needle->length <= 4)\n        return true;"),
]  # fmt: skip

INDEX = [
    Mutant("index: leftmost overlooks the empty pattern", "matcher_index.c",
           "strategy == MK_LEFTMOST && x->automaton->empty_rule != MK_NO_RULE", "false"),
    Mutant("index: the empty pattern before an earlier rule", "matcher_index.c",
           "        if (state < a->matching)\n            x->match.rule",
           "        if (state < 0)\n            x->match.rule"),
    Mutant("index: the leftmost occurrence of any rule", "matcher_index.c",
           "x->strategy == MK_MARKOV ? x->automaton->bound[state] : x->automaton->matching", "x->automaton->matching"),
    Mutant("index: the same rule in a leaf on the left", "matcher_index.c",
           "x->finger.before < limit || ", ""),
    Mutant("index: an earlier rule in a leaf on the right", "matcher_index.c",
           "(after < a->matching && a->bound[after] < limit)", "(after < limit && after > limit)"),
    Mutant("index: occurrences that begin before an edit", "matcher_index.c",
           "for (; i > 0; letters++) {", "for (; i > offset; letters++) {"),
    Mutant("index: occurrences that begin in the leaf before", "matcher_index.c",
           "if (i == 0 && leaf->previous) {", "if (i > 0 && leaf->previous && i == 0) {"),
    Mutant("index: occurrences that end in the leaf behind", "matcher_index.c",
           "right < leaf->length ? values[right] : state_at(x, leaf->next, 0)",
           "right < leaf->length ? values[right] : a->root"),
    Mutant("index: a leaf with a letter too many", "matcher_index.c",
           "leaf->length - removed + rule->replacement_length <= MK_LEAF",
           "leaf->length - removed + rule->replacement_length <= MK_LEAF + 1"),
    Mutant("index: a burst goes past a terminal rule", "matcher_index.c",
           "return !rule->terminal && kept", "return kept"),
    Mutant("index: a burst goes past the length limit", "matcher_index.c",
           "rule->replacement_length <= max_length - kept", "rule->replacement_length <= max_length - kept + 1"),
    Mutant("index: a burst of one step more", "matcher_index.c",
           "while (steps < burst->steps", "while (steps <= burst->steps"),
    Mutant("index: a burst goes past a cycle", "matcher_index.c",
           "!(cycle && mk_cycle_suspects(cycle, length)) && ", ""),
    Mutant("index: cycles are told of the place in the leaf", "matcher_index.c",
           "mk_cycle_edited(cycle, x->finger.start + offset, removed, length);",
           "mk_cycle_edited(cycle, offset, removed, length);"),
    Mutant("index: the tree is not told of a burst", "matcher_index.c",
           "    x->stale = false;\n    mk_tree_refresh(&x->tree, x->finger.leaf);", "    x->stale = false;"),
    Mutant("index: a leaf keeps its old hash", "matcher_index.c",
           "    mk_tree_forget_hash(&leaf->up);\n", ""),
    Mutant("index: a found rule is a rule too late", "matcher_index.c",
           "number = rule_of[values[found]];", "number = rule_of[values[found]] + (rule_of[values[found]] > 0);"),
    Mutant("automaton: of two rules of one pattern the later", "automaton.c",
           "    if (rule < t->rule[state])\n        t->rule[state] = rule;", "    t->rule[state] = rule;"),
    Mutant("automaton: patterns that begin others", "automaton.c",
           "            if (t->rule[found] < t->rule[c])\n                t->rule[c] = t->rule[found];\n", ""),
    Mutant("automaton: after a mismatch only one shorter end is tried", "automaton.c",
           "                end = t->failure[end];", "                end = 0;"),
    Mutant("automaton: one rule's states are not alike", "automaton.c",
           "s + 1 < a->matching && a->rule[s] == a->rule[s + 1] ? a->bound[s + 1] : s + 1", "s + 1"),
    Mutant("automaton: the empty pattern is unknown", "automaton.c",
           "count < rules->count ? (uint32_t)count : MK_NO_RULE", "MK_NO_RULE"),
    Mutant("tree: what is left of the finger is unknown", "tree.c",
           "finger.before = lesser(finger.before, inner->least[slot]);", ""),
    Mutant("tree: the next leaf on the right is not seen", "tree.c",
           "for (uint32_t i = slot + 1; i < inner->count; i++)", "for (uint32_t i = slot + 2; i < inner->count; i++)"),
    Mutant("tree: positions in the leaf", "tree.c",
           "finger.start += inner->length[slot];", ""),
    Mutant("tree: upper nodes are told of lengths alone", "tree.c",
           "bool news = parent->length[node->up.slot] != length || parent->least[node->up.slot] != least;",
           "bool news = parent->length[node->up.slot] != length;"),
    Mutant("tree: nodes are told of lengths alone", "tree.c",
           "parent->length[leaf->up.slot] == leaf->length && parent->least[leaf->up.slot] == least",
           "parent->length[leaf->up.slot] == leaf->length"),
    Mutant("tree: a new leaf is not reported", "tree.c",
           "    mk_tree_refresh(tree, leaf);\n    mk_tree_refresh(tree, right);\n    return right;",
           "    mk_tree_refresh(tree, leaf);\n    return right;"),
    Mutant("tree: both leaves get the beginning of a replacement", "tree.c",
           "put_letters(tree, right, 0, bytes + share,", "put_letters(tree, right, 0, bytes,"),
]  # fmt: skip

CYCLE = [
    Mutant("cycles: words are saved after every second step", "cycle.c",
           "*met || (run->steps & (run->steps - 1)) != 0", "*met || run->steps % 2 != 0"),
    Mutant("cycles: words of one length are the same", "cycle.c",
           " && compare(run);", ";"),
    Mutant("cycles: the first difference is counted from the first edit", "cycle.c",
           "c->left = c->before + same;", "c->left = same;"),
    Mutant("cycles: an edit of the first difference leaves it", "cycle.h",
           "if (position <= cycle->left)", "if (position < cycle->left)"),
    Mutant("cycles: an edit of the last difference leaves it", "cycle.h",
           "if (rest <= cycle->right)", "if (rest < cycle->right)"),
    Mutant("cycles: nothing changes before the first edit", "cycle.h",
           "if (position < cycle->before)", "if (position < cycle->before && position == 0)"),
    Mutant("cycles: nothing changes behind the first edit", "cycle.h",
           "if (rest < cycle->behind)", "if (rest < cycle->behind && rest == 0)"),
    Mutant("cycles: a burst skips a word to be saved", "cycle.h",
           "(uint64_t)2 << (63", "(uint64_t)4 << (63"),
    Mutant("cycles: a loop begins after one step at the earliest", "cycle.c",
           "        high = 0;", "        high = high;"),
    Mutant("cycles: a loop begins one step early", "cycle.c",
           "*start = high;", "*start = low;"),
    Mutant("cycles: the period is the number of steps", "cycle.c",
           "length = run->steps - run->cycle.saved_step;", "length = run->steps;"),
    Mutant("cycles: where a loop begins is looked for by markov", "cycle.c",
           "run->options.strategy, false, run->options.matcher", "MK_MARKOV, false, run->options.matcher"),
]  # fmt: skip

WORD = [
    Mutant("word: the left side is moved without its last letter", "word.c",
           "memmove(at + removed - inserted, at, position);",
           "memmove(at + removed - inserted, at, position - (position > 0));"),
    Mutant("word: the right side is moved without its last letter", "word.c",
           "at + position + removed, tail);", "at + position + removed, tail - (tail > 0));"),
    Mutant("word: a longer buffer without the left side", "word.c",
           "    copy_bytes(buffer + start, old, position);\n", ""),
    Mutant("replay: backwards one step too late", "replay.c",
           "forward ? from : from - 1);", "forward ? from : from);"),
]  # fmt: skip

LANES = [
    Mutant("lanes: a word may be one longer than max_length", "lanes.c",
           "max_length < MK_BITS_LENGTH ? (uint64_t)max_length : MK_BITS_LENGTH",
           "max_length < MK_BITS_LENGTH ? (uint64_t)max_length + 1 : MK_BITS_LENGTH"),
    Mutant("lanes: no step limit", "arch/lanes_kernel.h",
           "(VECTOR)(*left == 0) | ", ""),
    Mutant("lanes: the last rule first", "arch/lanes_kernel.h",
           "for (const mk_lanes_rule *rule = to; rule-- > from;) {",
           "for (const mk_lanes_rule *rule = from; rule < to; rule++) {"),
    Mutant("lanes: words are saved after every second step", "arch/lanes_kernel.h",
           "(*taken & (*taken - 1)) == 0", "(*taken & 1) == 0"),
    Mutant("lanes: a terminal rule that a cycle hides", "lanes.c",
           "facts >> MK_FACT_TERMINAL & 1 ? MK_TERMINAL_RULE : words->met[lane] ? MK_CYCLE : MK_RUNNING",
           "words->met[lane] ? MK_CYCLE : facts >> MK_FACT_TERMINAL & 1 ? MK_TERMINAL_RULE : MK_RUNNING"),
    Mutant("lanes: a word that leaves them begins to count anew", "batch.c",
           "    run->steps = steps;\n", "    run->steps = 0;\n"),
]  # fmt: skip

C_MUTANTS = [*RUN, *BITS, *SCAN, *INDEX, *CYCLE, *WORD, *LANES]
# Faults that 3,000 examples do not find, though they are faults.  They need a word of 64 letters with an edit that ends
# just before its last letter; a pattern whose borders have borders; hashes, which are asked after much comparing; and a
# cycle that is compared again after a difference was noted far from the first edit.
SURVIVORS = frozenset({
    "bits: the letter at the last place of a full word is lost",
    "automaton: after a mismatch only one shorter end is tried",
    "index: a leaf keeps its old hash",
    "cycles: the first difference is counted from the first edit",
})  # fmt: skip
# Those that the default suite looks at, in files that are compiled quickly.
FEW = [RUN[1], INDEX[4], WORD[1]]


class OracleMutant(NamedTuple):
    name: str
    old: str  # occurs exactly once in the oracle
    new: str


ORACLE_MUTANTS = [
    OracleMutant("the last rule first", "return places[0] if places", "return places[-1] if places"),
    OracleMutant("the rightmost occurrence", "word.find(pattern)", "word.rfind(pattern)"),
    OracleMutant("leftmost ties go to the later rule",
                 "key=lambda place: place[1]", "key=lambda place: (place[1], -place[0])"),
    OracleMutant("always leftmost", 'if strategy == "leftmost":', "if strategy:"),
    OracleMutant("never leftmost", 'if strategy == "leftmost":', "if not strategy:"),
    OracleMutant("the empty pattern occurs nowhere", "if pattern in word]", "if pattern and pattern in word]"),
    OracleMutant("one step more than allowed", "steps >= max_steps", "steps > max_steps"),
    OracleMutant("the step limit before the question whether a rule applies",
                 "        if place is None:\n            return OracleRun(word, 2, steps, None, trace)\n"
                 "        if max_steps is not None and steps >= max_steps:\n"
                 "            return OracleRun(word, 3, steps, None, trace)",
                 "        if max_steps is not None and steps >= max_steps:\n"
                 "            return OracleRun(word, 3, steps, None, trace)\n"
                 "        if place is None:\n            return OracleRun(word, 2, steps, None, trace)"),
    OracleMutant("a word of just max_length is too long", "size(result) > max_length", "size(result) >= max_length"),
    OracleMutant("the length limit looks at the word before the step",
                 "size(result) > max_length", "size(word) > max_length"),
    OracleMutant("lengths in characters", "len(word.encode())", "len(word)"),
    OracleMutant("terminal rules do not end a run", "        if terminal:", "        if terminal and not rules:"),
    OracleMutant("a terminal step is not counted",
                 "OracleRun(word, 1, steps, None, trace)", "OracleRun(word, 1, steps - 1, None, trace)"),
    OracleMutant("every occurrence at once",
                 "result = word[: place[1]] + replacement + word[place[1] + len(pattern) :]",
                 "result = word.replace(pattern, replacement)"),
    OracleMutant("one letter is removed, whatever the pattern",
                 "word[place[1] + len(pattern) :]", "word[place[1] + 1 :]"),
    OracleMutant("cycles unasked", "if detect_cycles and word == words[earlier]", "if word == words[earlier]"),
    OracleMutant("words are compared with the one at half the way",
                 "earlier = 1 << ((steps - 1).bit_length() - 1) if steps > 1 else 0", "earlier = steps // 2"),
    OracleMutant("a loop begins where it was noticed",
                 "start = next(i for i in range(steps) if words[i] == words[i + period])", "start = earlier"),
]  # fmt: skip
