"""Rule spaces that list their rules, and their division between training and testing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, cast

import numpy as np

from markovlib import _permute
from markovlib.alphabets import Alphabet
from markovlib.families import FAMILIES, unite
from markovlib.quotas import Spill, round_half_up
from markovlib.rules import Rule
from markovlib.spaces import Choice, EngineSpace, SpaceError, Stratum, choice_for_engine, rules_of

# In the place of a family's name in the keys.
_CODE = len(FAMILIES) << 48


def _subkey(key: Sequence[int], size: int, number: int) -> tuple[int, int]:
    block = _permute.philox(key, (size, number, _CODE, 1))
    return block[0], block[1]


class RuleList:
    """The rules of a list, numbered as they are listed.

    Training and the held-out rules share no pattern and no replacement: rules that share one, or are joined by a chain
    of such rules, stay together (a *component*).  Nothing is dropped.

    Raises SpaceError for a rule that is listed twice, that changes nothing or that has a letter which the alphabet has
    not.  `rank` and `in` take constant time.

    >>> rules = RuleList("ab", [("a", "bb"), ("ab", "b"), ("b", "bb")])
    >>> rules.size, rules.unrank(1), rules.rank(("b", "bb")), ("b", "a") in rules
    (3, Rule(pattern='ab', replacement='b', terminal=False), 2, False)
    >>> train, held_out = rules.divide(Fraction("0.1"))
    >>> train.possible, held_out.possible
    (2, 1)
    """

    def __init__(self, alphabet: Alphabet | str, rules: Sequence[tuple[Any, Any]]) -> None:
        self.alphabet = alphabet if isinstance(alphabet, Alphabet) else Alphabet(alphabet)
        self._rules = [self._check(i, pattern, replacement) for i, (pattern, replacement) in enumerate(rules)]
        self._numbers: dict[tuple[bytes, bytes], int] = {}
        for i, rule in enumerate(self._rules):
            if self._numbers.setdefault(rule, i) != i:
                raise SpaceError(f"list[{i}]", f"repeats list[{self._numbers[rule]}]")
        if not rules:
            raise SpaceError("list", "must have at least one rule")

    def _check(self, i: int, pattern: Any, replacement: Any) -> tuple[bytes, bytes]:
        try:
            rule = self.alphabet.codes(pattern), self.alphabet.codes(replacement)
        except ValueError as error:
            raise SpaceError(f"list[{i}]", str(error)) from None
        if rule[0] == rule[1]:
            raise SpaceError(f"list[{i}]", f"changes nothing: {pattern!r} to itself")
        return rule

    def __repr__(self) -> str:
        return f"<RuleList of {self.size} rules>"

    @property
    def size(self) -> int:
        """The number of rules."""
        return len(self._rules)

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """All rules together, of the family `list`."""
        return (Stratum("list", None, None, None, 1, self.size),)

    @property
    def pattern_lengths(self) -> tuple[int, int]:
        """The lengths of the shortest and the longest pattern."""
        lengths = [len(rule[0]) for rule in self._rules]
        return min(lengths), max(lengths)

    @property
    def replacement_lengths(self) -> tuple[int, int]:
        """The lengths of the shortest and the longest replacement."""
        lengths = [len(rule[1]) for rule in self._rules]
        return min(lengths), max(lengths)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Rule]:
        return map(self.unrank, iter(range(self.size)))

    def unrank(self, n: int) -> Rule:
        """Rule number n; IndexError unless 0 <= n < size."""
        if not 0 <= n < self.size:
            raise IndexError(f"rule {n} of a list of {self.size}")
        return Rule(*map(self.alphabet.string, self._rules[n]))

    def rank(self, rule: Rule | tuple[Any, ...]) -> int:
        """The number of a rule; ValueError if it is not listed."""
        pattern, replacement = (self.alphabet.codes(side) for side in rule[:2])
        try:
            return self._numbers[pattern, replacement]
        except KeyError:
            raise ValueError("the rule is not listed") from None

    def stratum(self, rule: Rule | tuple[Any, ...]) -> int:
        """0; ValueError if the rule is not listed."""
        self.rank(rule)
        return 0

    def __contains__(self, rule: object) -> bool:
        try:
            self.rank(cast("tuple[Any, ...]", rule))
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    # ---- division -----------------------------------------------------------------------------------------------

    @cached_property
    def components(self) -> list[list[int]]:
        """The numbers of the rules that must stay together, in the order of the first of each component."""
        sides: list[dict[bytes, int]] = [{}, {}]
        pairs = [
            (i, sides[side].setdefault(string, i))
            for i, rule in enumerate(self._rules)
            for side, string in enumerate(rule)
        ]
        found: dict[int, list[int]] = {}
        for i, first in enumerate(unite(self.size, pairs)):
            found.setdefault(first, []).append(i)
        return list(found.values())

    def divide(self, holdout: Fraction) -> tuple[ListedInstructions, ListedInstructions | None]:
        """The instructions of training, and those held out (None if all rules are one component).

        Of S rules at most max(1, round(holdout * S)) are held out: components are gone through in an order that
        depends on nothing but their number, and each that still fits is taken; if none fits, one of the smallest is.
        That says how many components of each size are held out; the key of a data set says which.
        """
        sizes = [len(component) for component in self.components]
        if len(sizes) == 1:
            return ListedInstructions(self, {}, False), None
        wanted = max(1, round_half_up(holdout * self.size))
        order = _permute.Permutation((0, 0), len(sizes))
        held: dict[int, int] = {}
        for size in (sizes[order[i]] for i in range(len(sizes))):
            if size <= wanted:
                wanted -= size
                held[size] = held.get(size, 0) + 1
        if sum(held.values()) == len(sizes):
            held[max(held)] -= 1
        held = held or {min(sizes): 1}
        return ListedInstructions(self, held, False), ListedInstructions(self, held, True)


class ListedInstructions:
    """The instructions of one share of a list; `held` says how many components of each size are held out.

    Where not all will do, `choice` says which those are, or how many stand for one rule.
    """

    period = 1

    def __init__(self, listed: RuleList, held: dict[int, int], held_out: bool, choice: Choice = 1) -> None:
        self._list = listed
        self.choice = choice
        self._held = held
        self._held_out = held_out
        self.letters = len(listed.alphabet)

    @property
    def possible(self) -> int:
        """How many different instructions there are."""
        held = sum(size * count for size, count in self._held.items())
        return held if self._held_out else self._list.size - held

    @property
    def rule_count(self) -> int:
        """How many rules there are that have candidates of their own."""
        return rules_of(self.choice, self.possible)

    def chosen(self, choices: Sequence[Choice]) -> ListedInstructions:
        """The same, with only some of its instructions."""
        (choice,) = choices
        return ListedInstructions(self._list, self._held, self._held_out, choice)

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """All of them together, of the family `list`."""
        return (Stratum("list", None, None, None, 1, self.possible),)

    @property
    def patterns(self) -> None:
        """None: how many different patterns there are depends on the seed."""
        return None

    @property
    def replacements(self) -> None:
        """None: how many different replacements there are depends on the seed."""
        return None

    def spills(self, rules: int | None = None) -> list[Spill]:
        """None ever: there is one stratum."""
        del rules
        return []

    def rules(self, key: Sequence[int]) -> list[int]:
        """The numbers of this share's rules under a stream's key, in the order of the list."""
        held: list[int] = []
        for size in sorted(self._held):
            components = [component for component in self._list.components if len(component) == size]
            order = _permute.Permutation(_subkey(key, len(components), size), len(components))
            for i in range(len(components) - self._held[size], len(components)):
                held += components[order[i]]
        return sorted(held) if self._held_out else sorted(set(range(self._list.size)).difference(held))

    def for_engine(self, rules: int | None = None) -> EngineSpace:
        """What `_stream.RuleSpace` takes."""
        del rules
        return EngineSpace(self.letters, ([], []), [], [], self._table, self.rule_count)

    def _table(self, key: Sequence[int]) -> tuple[Any, ...]:
        """(rules, key of their order, letters, offsets of patterns and replacements by turns, the rules by pattern, the
        rules by replacement, which of them will do)."""
        rules = [self._list._rules[number] for number in self.rules(key)]
        strings = [string for rule in rules for string in rule]
        offsets = np.concatenate([[0], np.cumsum([len(string) for string in strings])]).astype(np.uint64)
        by_side = [
            np.array(
                sorted(range(len(rules)), key=lambda i: (len(rules[i][side]), rules[i][side])), np.uint32
            ).tobytes()
            for side in (0, 1)
        ]
        order = _subkey(key, len(rules), 0)
        sides = b"".join(strings), offsets.tobytes(), *by_side
        return len(rules), order, *sides, choice_for_engine(self.choice)
