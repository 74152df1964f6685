"""Which rules never fire, change nothing, undo one another, or wait for a letter that never comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markovlib.analysis.plain import (
    PlainRule,
    as_letters,
    as_word,
    given_letters,
    killers,
    letters_of,
    live_rules,
    plain,
    shown_word,
)
from markovlib.rules import GivenRules, RuleSet, rule_set


@dataclass(frozen=True)
class Finding:
    """Something worth knowing about one rule: its index, a stable one-word `kind`, a sentence, and a witness.

    - `dead`: the rule can never fire; `word` is its pattern, on which rule `other` fires instead.
    - `duplicate`: dead by rule `other`, which has the same pattern.
    - `idle`: it changes nothing, so that a run goes on for ever; `word` is its pattern.
    - `undo`: it undoes the earlier rule `other`; `word`, that rule's pattern, comes back after two steps.
    - `unproduced`: no word over the given letters makes it fire; `word` holds the letters that never come.
    """

    rule: int
    kind: str
    message: str
    word: Any
    other: int | None = None

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "rule": self.rule,
            "other": self.other,
            "word": as_letters(self.word),
            "message": self.message,
        }


def check(rules: GivenRules, letters: Any = None) -> list[Finding]:
    """Rules that can never fire under the `markov` strategy, change nothing or undo one another, in rule order.

    A rule is dead exactly if an earlier pattern occurs in its own: wherever it would apply, the earlier rule does too
    (the empty pattern occurs in every word).  Two rules that can fire, neither terminal, whose sides are swapped, undo
    each other exactly: the pattern of the one becomes that of the other and comes back.  With `letters`, those of
    the first word, also the rules that need a letter which is neither among them nor produced by a rule that can fire
    on what there is.  Rules are numbered from 1 in messages.  O(rules * min(rules, lengths of patterns * length))
    comparisons of words.

    Raises TypeError for letters that are not of the rules' kind.

    >>> from markovlib import RuleSet
    >>> [finding.message for finding in check(RuleSet([("b", "x"), ("abc", "y"), ("c", "c")]))]
    ["rule 2 can never fire: the pattern of rule 1, 'b', occurs in its pattern", 'rule 3 changes nothing: once it \
applies, the run goes on for ever']
    >>> print(check(RuleSet([("a", "b"), ("#b", "a")]), letters="ab")[0])
    rule 2 can never fire on words over 'ab': no rule that can fire there produces '#'
    """
    rules = rule_set(rules)
    own = plain(rules)
    missing = {} if letters is None else unproduced(own, given_letters(letters, rules))
    findings = []
    undoing: dict[tuple[str, str], int] = {}
    for i, (rule, killer) in enumerate(zip(own, killers(own), strict=True)):
        undone = undoing.get((rule.replacement, rule.pattern))
        if killer is None and not rule.terminal:
            undoing[rule.pattern, rule.replacement] = i
        if killer is not None:
            findings.append(_dead(rules, i, killer))
        elif i in missing:
            message = (
                f"rule {i + 1} can never fire on words over {shown_word(letters)}: "
                f"no rule that can fire there produces {shown_word(as_word(missing[i], rules))}"
            )
            findings.append(Finding(i, "unproduced", message, as_word(missing[i], rules)))
        elif rule.pattern == rule.replacement and not rule.terminal:
            message = f"rule {i + 1} changes nothing: once it applies, the run goes on for ever"
            findings.append(Finding(i, "idle", message, rules[i].pattern))
        elif undone is not None and not rule.terminal:
            message = (
                f"rule {i + 1} undoes rule {undone + 1}: on {shown_word(rules[undone].pattern)} they go on for ever"
            )
            findings.append(Finding(i, "undo", message, rules[undone].pattern, undone))
    return findings


def unproduced(rules: Sequence[PlainRule], letters: str) -> dict[int, str]:
    """The live rules that need letters which never come, and these letters, where a word has only `letters`."""
    there, live = set(letters), live_rules(rules)
    while True:
        firing = [i for i in live if there.issuperset(rules[i].pattern)]
        made = {letter for i in firing if not rules[i].terminal for letter in rules[i].replacement}
        if made <= there:
            break
        there |= made
    need = {i: "".join(sorted(set(rules[i].pattern) - there)) for i in live}
    return {i: letters for i, letters in need.items() if letters}


def never_produced(rules: GivenRules) -> Any:
    """The letters of patterns that no replacement holds, sorted: only the first word can bring them.

    >>> from markovlib import RuleSet
    >>> never_produced(RuleSet([("#a", "b"), ("b", "ab")]))
    '#'
    """
    rules = rule_set(rules)
    own = plain(rules)
    made = {letter for rule in own for letter in rule.replacement}
    return as_word("".join(letter for letter in letters_of(own) if letter not in made), rules)


def _dead(rules: RuleSet, i: int, killer: int) -> Finding:
    pattern, own = rules[killer].pattern, rules[i].pattern
    if pattern == own:
        message = f"rule {i + 1} can never fire: rule {killer + 1} has the same pattern"
        return Finding(i, "duplicate", message, own, killer)
    reason = f"the pattern of rule {killer + 1}, {shown_word(pattern)}, occurs in its pattern"
    if not pattern:
        reason = f"rule {killer + 1} has the empty pattern, which occurs in every word"
    return Finding(i, "dead", f"rule {i + 1} can never fire: {reason}", own, killer)
