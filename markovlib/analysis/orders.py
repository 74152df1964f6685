"""Length-lexicographic orders under which no rule makes a word larger."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from markovlib.analysis.measures import LetterOrder
from markovlib.analysis.plain import PlainRule, letters_of


def find_order(rules: Sequence[PlainRule]) -> LetterOrder | None:
    """An order of the letters, words read from the left or from the right, or None if there is none; exact.

    >>> str(find_order([PlainRule("ba", "ab", False), PlainRule("c", "b", False)]))
    'length, then c > b > a from the left'
    """
    if any(len(rule.replacement) > len(rule.pattern) for rule in rules):
        return None
    for from_right in (False, True):
        letters = _sorted(rules, from_right)
        order = None if letters is None else LetterOrder(letters, from_right)
        if order is not None and any(order.falls(rule) for rule in rules):
            return order
    return None


def _sorted(rules: Sequence[PlainRule], from_right: bool) -> str | None:
    """The letters from the greatest, as the rules that keep the length ask for; None if they contradict."""
    above: dict[str, set[str]] = {letter: set() for letter in letters_of(rules)}
    for rule in rules:
        if len(rule.pattern) == len(rule.replacement):
            pairs = list(zip(rule.pattern, rule.replacement, strict=True))
            first = next(((x, y) for x, y in (pairs[::-1] if from_right else pairs) if x != y), None)
            if first is not None:
                above[first[1]].add(first[0])
    try:
        return "".join(TopologicalSorter(above).static_order())
    except CycleError:
        return None
