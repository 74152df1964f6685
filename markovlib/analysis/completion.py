"""Bounded Knuth-Bendix completion of string-rewriting systems under the length-lexicographic order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markovlib.analysis.pairs import unordered
from markovlib.analysis.plain import as_letters, as_word, given_letters, letters_of
from markovlib.rules import GivenRules, Kind, RuleSet, rule_set
from markovlib.wording import counted


@dataclass(frozen=True)
class Completion:
    """Rules that make the same words equal as those given, each side directed from the larger to the smaller.

    With `complete` every word has one normal form, and the rules are the only reduced ones for this order.  Without,
    a limit ended the search: what the rules make equal is equal, and of other words nothing is known.  `kind` is that
    of the rules given, of which none may be left.
    """

    rules: RuleSet
    letters: Any
    complete: bool
    kind: Kind | None = None

    def normal_form(self, word: Any) -> Any:
        """What remains when no rule applies: one word for all equal words, if the completion is complete.

        Raises TypeError for a word that is not of the kind of the rules given.
        """
        letters = given_letters(word, self.rules)
        if len(self.rules):
            return as_word(reduced(_directed(self.rules), letters), self.rules)
        if self.kind is not None and isinstance(word, str) != (self.kind == "text"):
            wanted = "str" if self.kind == "text" else "bytes"
            raise TypeError(f"these rules are {self.kind}: give the word as {wanted}, not {type(word).__name__}")
        return word

    def equal(self, left: Any, right: Any) -> bool | None:
        """Whether the rules given make the two words equal; None if that is not known."""
        same = self.normal_form(left) == self.normal_form(right)
        return same if same or self.complete else None

    def __str__(self) -> str:
        state = "complete" if self.complete else "cut off at a limit"
        return f"{counted(len(self.rules), 'rule')}, {state}: " + ", ".join(
            f"{r.pattern!r} -> {r.replacement!r}" for r in self.rules
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "complete": self.complete,
            "letters": as_letters(self.letters),
            "rules": [[as_letters(rule.pattern), as_letters(rule.replacement)] for rule in self.rules],
        }


def complete(
    rules: GivenRules, letters: Any = None, max_rules: int = 200, max_length: int = 100, max_pairs: int = 20_000
) -> Completion:
    """Completes the rules, read as equations, under length-lexicographic order.

    `letters` lists the letters from the least to the greatest (left out: sorted by their codes).  The search ends, not
    complete, with more than `max_rules` rules, a side longer than `max_length`, or after `max_pairs` critical pairs.
    Source: D. Knuth, P. Bendix, "Simple Word Problems in Universal Algebras", 1970; Book and Otto, section 2.4.

    Raises ValueError if a rule is terminal, or a letter of the rules is missing in `letters` or twice there.

    >>> from markovlib import RuleSet
    >>> cyclic = complete(RuleSet([("aaa", ""), ("ab", ""), ("ba", "")]))
    >>> print(cyclic)
    4 rules, complete: 'aa' -> 'b', 'ab' -> '', 'ba' -> '', 'bb' -> 'a'
    >>> cyclic.equal("abb", "aa"), cyclic.equal("ab", "b"), cyclic.normal_form("aaaa")
    (True, False, 'a')
    """
    rules = rule_set(rules)
    own = unordered(rules)
    order = letters_of(own) if letters is None else given_letters(letters, rules)
    missing = set(letters_of(own)) - set(order)
    if missing or len(set(order)) != len(order):
        raise ValueError(f"letters must hold every letter of the rules once, not {letters!r}")
    rank = {letter: i for i, letter in enumerate(order)}
    found, whole = _completed([rule[:2] for rule in own], rank, max_rules, max_length, max_pairs)
    made = sorted(found.items(), key=lambda sides: _key(rank, sides[0]))
    pairs = [(as_word(x, rules), as_word(y, rules)) for x, y in made]
    return Completion(type(rules)(pairs), as_word(order, rules), whole, rules.kind)


def _key(rank: dict[str, int], word: str) -> tuple[int, list[int]]:
    return len(word), [rank[letter] for letter in word]


def _completed(
    equations: Iterable[tuple[str, str]], rank: dict[str, int], max_rules: int, max_length: int, max_pairs: int
) -> tuple[dict[str, str], bool]:
    """Reduced rules for the equations, and whether they are complete.

    Each new rule reduces the others: a pattern that it occurs in becomes an equation again.
    """
    found: dict[str, str] = {}
    waiting = list(equations)[::-1]
    done: set[tuple[str, str]] = set()
    pairs = 0
    while True:
        while waiting:
            sides = (reduced(found, side) for side in waiting.pop())
            small, large = sorted(sides, key=lambda word: _key(rank, word))
            if small == large:
                continue
            if len(large) > max_length or len(found) >= max_rules:
                return found, False
            for pattern in [pattern for pattern in found if large in pattern]:
                waiting.append((pattern, found.pop(pattern)))
            found[large] = small
            for pattern in found:
                found[pattern] = reduced(found, found[pattern])
        new = [(x, y) for x in found for y in found if (x, y) not in done]
        if not new:
            return found, True
        x, y = min(new, key=lambda two: len(two[0]) + len(two[1]))
        done.add((x, y))
        met = _equations(x, found[x], y, found[y])
        pairs += len(met)
        if pairs > max_pairs:
            return found, False
        waiting.extend(met)


def _equations(x: str, to_x: str, y: str, to_y: str) -> list[tuple[str, str]]:
    """The two sides of the overlaps in which x comes first; reduced patterns do not include one another."""
    overlaps = (at for at in range(1, len(x)) if y.startswith(x[at:]) and len(y) > len(x) - at)
    return [(to_x + y[len(x) - at :], x[:at] + to_y) for at in overlaps]


def _directed(rules: RuleSet) -> dict[str, str]:
    return {as_letters(rule.pattern): as_letters(rule.replacement) for rule in rules}


def reduced(rules: dict[str, str], word: str) -> str:
    """A word to which no rule applies; the rules must terminate."""
    while True:
        pattern = next((pattern for pattern in rules if pattern in word), None)
        if pattern is None:
            return word
        word = word.replace(pattern, rules[pattern], 1)
