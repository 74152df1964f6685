"""The letters that a step of a hostile program touches, counted by the engine: no clock is needed and no noise seen.

What counts is that ten times the word does not make a step dearer.
"""

from __future__ import annotations

from typing import Any

from adversaries import ADVERSARIES

import markovlib as mk

LENGTHS = (100_000, 1_000_000)
SETTLED = 1_000_000
"""Steps after which a run that still scans is taken to do so for good."""
STRATEGIES: tuple[mk.Strategy, ...] = ("markov", "leftmost")


def letters_a_step(rules: mk.RuleSet, word: bytes, steps: int, matcher: str, strategy: mk.Strategy) -> float:
    """Letters scanned and moved per step, after a quarter of the steps, when what is learnt at first was learnt.

    A run that chooses its matcher itself scans until that was as much work as learning costs, which on a longer word
    takes longer: it is let go on until it has chosen, unless it ends before.
    """

    def begin() -> mk.Runner:
        runner = rules.runner(word, max_length=None, max_steps=None, strategy=strategy, matcher=matcher)
        runner.step(steps // 4)
        return runner

    runner = begin()
    while matcher == "auto" and runner.matcher == "scan" and runner.steps < SETTLED and runner.outcome is None:
        runner.step(steps)
    if runner.outcome is not None:
        runner = begin()
    before = runner._run.letters
    taken = runner.step(steps - steps // 4)
    assert taken >= steps // 2
    return (runner._run.letters - before) / taken


def count_letters(name: str) -> dict[str, Any]:
    adversary = ADVERSARIES[name]
    about = (adversary.make.__doc__ or "").split("\n")[0]
    counted: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for length in LENGTHS:
        rules, word = adversary.make(length, adversary.k)
        compiled = mk.RuleSet(rules)
        for strategy in STRATEGIES:
            letters = letters_a_step(compiled, word, adversary.steps, "auto", strategy)
            counted[strategy].append(float(f"{letters:.4g}"))
    return {"name": name, "about": about, "letters": counted}
