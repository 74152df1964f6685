"""Proofs that rules come to an end on every word, which anyone can check again, and the bounds that they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from markovlib.analysis.following import Graph, components, following
from markovlib.analysis.measures import Measure, Weights
from markovlib.analysis.plain import PlainRule, given_letters, live_rules, plain

if TYPE_CHECKING:
    from markovlib.rules import RuleSet


@dataclass(frozen=True)
class Stage:
    """One step of a proof: among `rules`, which go on firing together, no rule makes `measure` larger, and those that
    make it smaller fire finitely often and are done with."""

    rules: frozenset[int]
    measure: Measure

    def __str__(self) -> str:
        numbers = ", ".join(str(i + 1) for i in sorted(self.rules))
        return f"rule{'s' * (len(self.rules) != 1)} {numbers}: {self.measure}"

    def to_dict(self) -> dict[str, Any]:
        return {"rules": sorted(self.rules), "measure": self.measure.to_dict()}


class Solved(NamedTuple):
    """A stage in its place: the rules that it is done with, and those that the stages around it are done with."""

    stage: Stage
    strict: frozenset[int]
    above: frozenset[int]


@dataclass(frozen=True)
class Certificate:
    """A proof that a rule set terminates on every word.

    With `ordered` it holds for the Markov reading (first rule, leftmost occurrence): only rules that can fire count,
    terminal ones end the run, and of the others each strongly connected part of the relation "may fire next" is proved
    by itself.  Without, it holds for every order of application.  `verify` repeats the whole proof in whole numbers.

    >>> from markovlib import RuleSet
    >>> rules = RuleSet([("ab", "c")])
    >>> proof = Certificate((Stage(frozenset({0}), Weights((("a", 1), ("b", 0), ("c", 0)))),))
    >>> proof.verify(rules), proof.max_steps(rules, "abab"), proof.verify(RuleSet([("a", "aa")]))
    (True, 2, False)
    """

    stages: tuple[Stage, ...]
    ordered: bool = True

    def verify(self, rules: RuleSet) -> bool:
        """Whether this proves that the rules terminate."""
        return self._solve(plain(rules)) is not None

    def _solve(self, rules: Sequence[PlainRule]) -> list[Solved] | None:
        pending = open_parts(rules, self.ordered)
        graph = graph_of(rules, self.ordered)
        above = dict.fromkeys(pending, frozenset[int]())
        solved = []
        for stage in self.stages:
            if stage.rules not in above or not stage.measure.is_sound():
                return None
            falls = {i: stage.measure.falls(rules[i]) for i in stage.rules}
            strict = frozenset(i for i, smaller in falls.items() if smaller)
            if not strict or None in falls.values():
                return None
            higher = above.pop(stage.rules)
            solved.append(Solved(stage, strict, higher))
            above.update(dict.fromkeys(components(graph, stage.rules - strict), higher | strict))
        return None if above else solved

    def max_steps(self, rules: RuleSet, word: Any) -> int | None:
        """The most steps that a run on the word can have by this proof, or None where it gives no number.

        Raises ValueError if it proves nothing of these rules, TypeError for a word that is not of their kind.
        """
        own = plain(rules)
        counts = self._counts(own, given_letters(word, rules))
        return None if counts is None else sum(counts.values()) + self._last(own, lambda _: 1)

    def max_length(self, rules: RuleSet, word: Any) -> int | None:
        """The most bytes that a word of the run can have by this proof, or None where it gives no number.

        Raises ValueError if it proves nothing of these rules, TypeError for a word that is not of their kind.
        """
        own, letters = plain(rules), given_letters(word, rules)

        def growth(i: int) -> int:
            return max(0, _size(own[i].replacement, rules) - _size(own[i].pattern, rules))

        size, last = _size(letters, rules), self._last(own, growth)
        counts = self._counts(own, letters)
        if not any(growth(i) for i in graph_of(own, self.ordered)):
            return size + last
        if counts is None:
            return None
        return size + last + sum(count * max(map(growth, group)) for group, count in counts.items())

    def _last(self, rules: Sequence[PlainRule], what: Callable[[int], int]) -> int:
        """What a terminal step adds, in the ordered reading."""
        return max((what(i) for i in live_rules(rules) if rules[i].terminal), default=0) if self.ordered else 0

    def _counts(self, rules: Sequence[PlainRule], word: str) -> dict[frozenset[int], int] | None:
        """How often the rules of each group fire at most, terminal ones aside; None where some group has no bound."""
        solved = self._solve(rules)
        if solved is None:
            raise ValueError("the certificate proves nothing of these rules")
        nodes = frozenset(graph_of(rules, self.ordered))
        counts: dict[frozenset[int], int] = {}
        for stage, strict, _ in solved:
            count = _stage_count(rules, stage, nodes, counts, word)
            if count is None:
                return None
            counts[strict] = count
            counts.update(_loose(solved, nodes, counts))
        counts.update(_loose(solved, nodes, counts))
        return counts


def _loose(
    solved: Sequence[Solved], nodes: frozenset[int], counts: dict[frozenset[int], int]
) -> dict[frozenset[int], int]:
    """The rules that no stage is done with: each fires once, and once more after each step of the stages around it.

    Only those whose stages around them are all counted.
    """
    loose = {}
    for i in nodes - frozenset().union(*(one.strict for one in solved)):
        around = [one.strict for one in solved if i in one.stage.rules]
        if all(strict in counts for strict in around):
            loose[frozenset({i})] = 1 + sum(counts[strict] for strict in around)
    return loose


def _stage_count(
    rules: Sequence[PlainRule], stage: Stage, nodes: frozenset[int], counts: dict[frozenset[int], int], word: str
) -> int | None:
    measure = stage.measure
    rising = [i for i in nodes if measure.falls(rules[i]) is None]
    if not rising:
        return measure.steps(word)
    known = frozenset().union(*counts)
    if not isinstance(measure, Weights) or not known.issuperset(rising):
        return None
    added = sum(count * max(0, *(measure.rises(rules[i]) for i in group), 0) for group, count in counts.items())
    return measure.weigh(word) + added


def graph_of(rules: Sequence[PlainRule], ordered: bool) -> Graph:
    """Which rule may fire after which: all after all, in any order of application."""
    everything = frozenset(range(len(rules)))
    return following(rules) if ordered else dict.fromkeys(everything, everything)


def open_parts(rules: Sequence[PlainRule], ordered: bool) -> list[frozenset[int]]:
    """The parts of the rules that have to be proved: in any order of application, all of them together."""
    graph = graph_of(rules, ordered)
    return components(graph, graph)


def _size(word: str, rules: RuleSet) -> int:
    return len(word) if rules.kind == "bytes" else len(word.encode())
