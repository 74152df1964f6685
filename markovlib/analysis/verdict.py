"""Whether a rule set comes to an end on every word: a proof, a run that never ends, or "unknown"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markovlib.analysis.certificates import Certificate, Stage, graph_of
from markovlib.analysis.following import components
from markovlib.analysis.loops import Loop, find_loop
from markovlib.analysis.matrices import find_matrices
from markovlib.analysis.measures import Measure
from markovlib.analysis.orders import find_order
from markovlib.analysis.plain import PlainRule, plain
from markovlib.analysis.weights import find_weights
from markovlib.rules import GivenRules, rule_set

Method = Literal["weights", "order", "matrices"]
METHODS: dict[Method, Callable[[Sequence[PlainRule]], Measure | None]] = {
    "weights": find_weights,
    "order": find_order,
    "matrices": find_matrices,
}
MOST_RULES = 200
MOST_LETTERS = 4096


@dataclass(frozen=True)
class Termination:
    """What is known: "terminates" with a `certificate`, "loops" with a `loop`, or "unknown" with a `reason`."""

    status: Literal["terminates", "loops", "unknown"]
    certificate: Certificate | None = None
    loop: Loop | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.certificate is not None:
            stages = "; then ".join(map(str, self.certificate.stages))
            return f"terminates on every word: {stages or 'no rule fires twice'}"
        return f"does not terminate: {self.loop}" if self.loop is not None else f"termination unknown: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"status": self.status}
        if self.certificate is not None:
            answer["stages"] = [stage.to_dict() for stage in self.certificate.stages]
        if self.loop is not None:
            answer["loop"] = self.loop.to_dict()
        return {**answer, "reason": self.reason} if self.reason else answer


def termination(rules: GivenRules) -> Termination:
    """Looks for a proof that the rules terminate in the Markov reading, and for a run that never ends.

    Cheap proofs come first, then runs of a few hundred short words, then matrices.  Weights need SciPy (the extra
    `analysis`); without it they are left out, and `reason` says so.  More than 200 rules, or
    4,096 letters in them, are "unknown" at once.  Deterministic.

    >>> from markovlib import RuleSet
    >>> print(termination(RuleSet([("ba", "ab")])))
    terminates on every word: rule 1: length, then b > a from the left
    >>> print(termination(RuleSet([("a", "b"), ("b", "a")])))
    does not terminate: 'a' comes back after 2 steps
    """
    rules = rule_set(rules)
    own = plain(rules)
    if too_large(own):
        return Termination("unknown", reason="the rules are too large to analyse")
    proof, problems = prove(own, ("weights", "order"))
    if proof is not None:
        return Termination("terminates", proof)
    if (loop := find_loop(rules)) is not None:
        return Termination("loops", loop=loop)
    proof, problems = prove(own, ("weights", "order", "matrices"))
    if proof is not None:
        return Termination("terminates", proof)
    return Termination("unknown", reason="; ".join(["neither a proof nor a loop was found", *problems]))


def too_large(rules: Sequence[PlainRule]) -> bool:
    """Whether the analyses would take more than seconds."""
    letters = sum(len(rule.pattern) + len(rule.replacement) for rule in rules)
    return len(rules) > MOST_RULES or letters > MOST_LETTERS


def certify(
    rules: GivenRules, methods: Sequence[Method] = ("weights", "order", "matrices"), *, ordered: bool = True
) -> Certificate | None:
    """A proof by these methods, tried in turn, that the rules terminate: in the Markov reading, or in any order.

    None says only that these methods found none.  Raises ValueError for a method that there is not, ImportError naming
    the extra if weights are asked for alone and SciPy is not installed.

    >>> from markovlib import RuleSet
    >>> rules = RuleSet([("ab", "bba")])
    >>> proof = certify(rules, ["matrices"])
    >>> proof.verify(rules), proof.max_steps(rules, "aabb"), rules.run("aabb").steps
    (True, 18, 6)
    """
    rules = rule_set(rules)
    if isinstance(methods, str) or not set(methods) <= set(METHODS):
        raise ValueError(f"methods must be a list of some of {', '.join(METHODS)}, not {methods!r}")
    proof, problems = prove(plain(rules), methods, ordered)
    if problems and list(methods) == ["weights"]:
        raise ImportError(problems[0])
    return proof


def prove(
    rules: Sequence[PlainRule], methods: Sequence[Method], ordered: bool = True
) -> tuple[Certificate | None, list[str]]:
    """A proof or None, and what kept methods from being tried."""
    graph = graph_of(rules, ordered)
    pending = components(graph, graph)
    stages = []
    problems: dict[str, None] = {}
    while pending:
        part = pending.pop(0)
        measure = _measure([rules[i] for i in sorted(part)], methods, problems)
        if measure is None:
            return None, list(problems)
        stages.append(Stage(part, measure))
        pending += components(graph, frozenset(i for i in part if not measure.falls(rules[i])))
    return Certificate(tuple(stages), ordered), list(problems)


def _measure(rules: Sequence[PlainRule], methods: Sequence[Method], problems: dict[str, None]) -> Measure | None:
    """The first measure that makes every rule fall, else the first that makes one fall."""
    fallback = None
    for method in methods:
        if method == "matrices" and fallback is not None:
            break
        try:
            measure = METHODS[method](rules)
        except ImportError as error:
            problems[str(error)] = None
            continue
        if measure is not None and all(measure.falls(rule) for rule in rules):
            return measure
        fallback = fallback or measure
    return fallback
