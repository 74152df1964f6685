"""Every way to run a rule set, with one interface, so that one test serves them all.

An engine takes (rules, word, options) with text or bytes triples and gives (word, outcome, steps, cycle).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import markovlib as mk
from markovlib import _core
from markovlib.testing import oracle
from markovlib.trace import Trace

Answer = tuple[Any, int, int, Any]
Engine = Callable[[Any, Any, dict[str, Any]], Answer]
UNKNOWN = object()  # batches do not give the cycle
MATCHERS = ("bits", "scan", "index")


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


def check_trace(trace: Trace, rules: Any, word: Any) -> Answer:
    """Replays the trace in Python: each item must follow from the one before."""
    for step in trace:
        pattern, replacement, _ = rules[step.rule]
        assert word[step.position : step.position + len(pattern)] == pattern
        word = word[: step.position] + replacement + word[step.position + len(pattern) :]
        assert step.word == word
    r = trace.result
    assert (r.word, r.steps) == (word, len(trace))
    return r.word, r.outcome, r.steps, r.cycle


def by_trace(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    return check_trace(mk.RuleSet(rules).trace(word, **options), rules, word)


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


def by_matcher(matcher: str, rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    """A traced run, and a batch, which records no steps and uses the matcher's memory again from row to row."""
    given = {**options, "matcher": matcher}
    answer = by_trace(rules, word, given)
    assert by_rows(rules, word, given)[:3] == answer[:3]
    return answer


def switched(rules: Any, word: Any, options: dict[str, Any], schedule: Iterable[tuple[str, int | None]]) -> Answer:
    """A traced run of pieces: the matcher of each, and how many steps it may take (None: to the end)."""
    rule_set, log = mk.RuleSet(rules), _core.TraceLog()
    given = {"max_steps": 1_000_000, "max_length": 2**28, "detect_cycles": False, "strategy": "markov", **options}
    run = rule_set._open(word, **given, matcher="auto", log=log)
    for matcher, steps in schedule:
        run.matcher = matcher
        run.step(steps)
    text = isinstance(word, str)
    result = mk.rules.result_of(run, text)
    return check_trace(Trace(rule_set, rule_set._encode(word), text, log, result, given["strategy"]), rules, word)


def random_schedule(seed: str, longest: int) -> Iterable[tuple[str, int | None]]:
    chance = random.Random(seed)
    for _ in range(30):
        yield chance.choice(("auto", *MATCHERS)), chance.randint(0, longest)
    yield chance.choice(MATCHERS), None


def by_switching(rules: Any, word: Any, options: dict[str, Any]) -> Answer:
    schedule = list(random_schedule(repr((rules, word)), 4))
    answer = switched(rules, word, options, schedule)
    # Steps that nobody records may be taken several at once.
    runner = mk.RuleSet(rules).runner(word, **{"max_steps": 1_000_000, **options})
    for runner.matcher, steps in schedule:
        runner.step(steps)
    assert runner.result is not None
    assert (runner.word, runner.outcome, runner.steps) == answer[:3]
    return answer


ENGINES: dict[str, Engine] = {
    "oracle": by_oracle,
    "run": by_run,
    "runner": by_runner,
    "trace": by_trace,
    "batch": by_batch,
    "rows": by_rows,
    **{matcher: partial(by_matcher, matcher) for matcher in MATCHERS},
    "switching": by_switching,
}


def to_bytes(rules: Any) -> list[tuple[bytes, bytes, bool]]:
    return [(rule[0].encode(), rule[1].encode(), len(rule) > 2 and rule[2]) for rule in rules]


def triples(rules: Any) -> list[tuple[Any, Any, bool]]:
    return [(rule[0], rule[1], len(rule) > 2 and rule[2]) for rule in rules]


def same(answer: Answer, expected: Answer) -> bool:
    cycle = answer[3] is UNKNOWN or answer[3] == expected[3]
    return cycle and tuple(answer[:3]) == tuple(expected[:3])
