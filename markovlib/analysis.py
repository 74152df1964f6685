"""What can be said of a rule set without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markovlib.rules import RuleSet


class Finding(NamedTuple):
    """Something worth knowing about one rule: its index, a stable one-word `kind`, and a sentence.

    Kinds: `dead` (the rule can never fire), `idle` (it changes nothing), `duplicate` (an earlier rule has the same
    pattern, so this one is dead).
    """

    rule: int
    kind: str
    message: str


def check(rules: RuleSet) -> list[Finding]:
    """Rules that can never fire under the `markov` strategy, and rules that change nothing, in rule order.

    A rule is dead exactly if an earlier pattern occurs in its own: wherever it would apply, the earlier rule does too
    (the empty pattern occurs in every word).  Rules are numbered from 1 in messages.  O(rules^2 * pattern length).

    >>> from markovlib import RuleSet
    >>> [finding.message for finding in check(RuleSet([("b", "x"), ("abc", "y"), ("c", "c")]))]
    ["rule 2 can never fire: the pattern of rule 1, 'b', occurs in its pattern", 'rule 3 changes nothing: once it \
applies, the run goes on for ever']
    """
    findings = []
    for i, rule in enumerate(rules):
        killer = next((k for k in range(i) if rules[k].pattern in rule.pattern), None)
        if killer is not None:
            findings.append(_dead(rules, i, killer))
        elif rule.pattern == rule.replacement and not rule.terminal:
            findings.append(
                Finding(i, "idle", f"rule {i + 1} changes nothing: once it applies, the run goes on for ever")
            )
    return findings


def _dead(rules: RuleSet, i: int, killer: int) -> Finding:
    pattern = rules[killer].pattern
    if pattern == rules[i].pattern:
        return Finding(i, "duplicate", f"rule {i + 1} can never fire: rule {killer + 1} has the same pattern")
    shown = pattern.decode(errors="backslashreplace") if isinstance(pattern, bytes) else pattern
    reason = f"the pattern of rule {killer + 1}, {shown!r}, occurs in its pattern"
    if not pattern:
        reason = f"rule {killer + 1} has the empty pattern, which occurs in every word"
    return Finding(i, "dead", f"rule {i + 1} can never fire: {reason}")
