"""Every way to run a rule set, with one interface, so that one test serves them all.

An engine takes (rules, word, options) with text or bytes triples and gives (word, outcome, steps, cycle).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import markovlib as mk
from markovlib.testing import oracle

Answer = tuple[Any, int, int, Any]
Engine = Callable[[Any, Any, dict[str, Any]], Answer]
UNKNOWN = object()  # batches do not give the cycle


def by_oracle(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    r = oracle.run(rules, word, **options)
    return r.word, r.outcome, r.steps, r.cycle


def by_run(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    r = mk.RuleSet(rules).run(word, **options)
    assert sum(r.fired) == r.steps
    return r.word, r.outcome, r.steps, r.cycle


def by_runner(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    """One step at a time; None must be the outcome exactly as long as a step can be taken."""
    runner = mk.RuleSet(rules).runner(word, **{"max_steps": 1_000_000, **options})
    while runner.outcome is None:
        assert runner.result is None
        assert runner.step() == 1
    assert runner.step(5) == 0
    r = runner.result
    assert r is not None
    return r.word, r.outcome, r.steps, r.cycle


def by_trace(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    """Replays the trace in Python: each item must follow from the one before."""
    trace = mk.RuleSet(rules).trace(word, **options)
    for step in trace:
        pattern, replacement, _ = rules[step.rule]
        assert word[step.position : step.position + len(pattern)] == pattern
        word = word[: step.position] + replacement + word[step.position + len(pattern) :]
        assert step.word == word
    r = trace.result
    assert (r.word, r.steps) == (word, len(trace))
    return r.word, r.outcome, r.steps, r.cycle


def by_batch(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    """The word between two others, on two threads."""
    other = word[:1] * 3
    b = mk.RuleSet(rules).run_batch([other, word, other], threads=2, **options)
    return b.words[1], int(b.outcomes[1]), int(b.steps[1]), UNKNOWN


def by_rows(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    """The rule set of one row among rows with other rules."""
    other = [(word[:1], word[:0], True)]
    b = mk.run_rows([other, rules, []], [word, word, word], threads=1, **options)
    return b.words[1], int(b.outcomes[1]), int(b.steps[1]), UNKNOWN


ENGINES: dict[str, Engine] = {
    "oracle": by_oracle,
    "run": by_run,
    "runner": by_runner,
    "trace": by_trace,
    "batch": by_batch,
    "rows": by_rows,
}


def to_bytes(rules: Any) -> list[tuple[bytes, bytes, bool]]:
    return [(rule[0].encode(), rule[1].encode(), len(rule) > 2 and rule[2]) for rule in rules]


def triples(rules: Any) -> list[tuple[Any, Any, bool]]:
    return [(rule[0], rule[1], len(rule) > 2 and rule[2]) for rule in rules]


def same(answer: Answer, expected: Answer) -> bool:
    cycle = answer[3] is UNKNOWN or answer[3] == expected[3]
    return cycle and tuple(answer[:3]) == tuple(expected[:3])
