"""The share of random small rule sets whose termination is decided, with simulation as the judge.

    python benchmarks/termination.py [--rule-sets 10000] [--seed 1]

Workload: two or three letters, one to four rules, sides up to four letters long, a rule terminal with chance 1/5,
everything uniform.  The judge knows nothing of the analysis: it runs every word up to length 6, and a few hundred long
ones, under limits; a proof is wrong if a run comes back to a word or breaks the proof's bounds, a loop is wrong if the
oracle halts on its word or does not find it where the loop says.  Exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from itertools import product
from typing import Any

import markovlib as mk
from markovlib import analysis
from markovlib.testing import oracle

Rules = list[tuple[str, str, bool]]
STEPS = 3000
LENGTH = 3000


def drawn(draw: random.Random) -> Rules:
    letters = "ab" if draw.random() < 0.5 else "abc"

    def side() -> str:
        return "".join(draw.choices(letters, k=draw.randint(0, 4)))

    return [(side(), side(), draw.random() < 0.2) for _ in range(draw.randint(1, 4))]


def words(draw: random.Random) -> list[str]:
    short = ["".join(word) for n in range(7) for word in product("ab", repeat=n)]
    short += ["".join(word) for n in range(5) for word in product("abc", repeat=n)]
    return short + ["".join(draw.choices("abc", k=draw.randint(7, 24))) for _ in range(100)]


def wrong(rule_set: mk.RuleSet, verdict: analysis.Termination, tried: list[str]) -> str | None:
    """What simulation holds against the verdict."""
    if verdict.loop is not None:
        return wrong_loop(rule_set, verdict.loop)
    if verdict.certificate is None:
        return None
    if not verdict.certificate.verify(rule_set):
        return "does not verify"
    ran = rule_set.run_batch(tried, max_steps=STEPS, max_length=LENGTH, detect_cycles=True)
    for word, outcome, steps in zip(tried, ran.outcomes.tolist(), ran.steps.tolist(), strict=True):
        bound = verdict.certificate.max_steps(rule_set, word)
        if outcome == mk.Outcome.CYCLE or (bound is not None and steps > bound):
            return f"{word!r}: {mk.Outcome(outcome).name} after {steps} steps, bound {bound}"
    return None


def wrong_loop(rule_set: mk.RuleSet, loop: analysis.Loop) -> str | None:
    run = oracle.run([tuple(rule) for rule in rule_set], loop.word, max_steps=4 * loop.steps)
    n = loop.repeat + 4
    expected = loop.prefix + loop.left * n + loop.middle + loop.right * n + loop.suffix
    return None if (run.steps, run.word) == (4 * loop.steps, expected) else f"{loop}: the oracle has {run.word!r}"


def limits(rule_set: mk.RuleSet, tried: list[str]) -> str:
    """What simulation alone would guess of a rule set that is left undecided."""
    ran = rule_set.run_batch(tried, max_steps=STEPS, max_length=LENGTH, detect_cycles=True)
    return "unknown, every run halts" if ran.halted.all() else "unknown, some run meets a limit"


def main(arguments: Any = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule-sets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    draw = random.Random(options.seed)
    tried = words(draw)
    counts: Counter[str] = Counter()
    mistakes = 0
    for _ in range(options.rule_sets):
        rules = drawn(draw)
        rule_set = mk.RuleSet(rules)
        verdict = analysis.termination(rule_set)
        counts[limits(rule_set, tried) if verdict.status == "unknown" else verdict.status] += 1
        if (mistake := wrong(rule_set, verdict, tried)) is not None:
            mistakes += 1
            print(f"wrong: {rules}: {verdict.status}: {mistake}")
    for status, count in sorted(counts.items()):
        print(f"{status:32} {count:7,}  {100 * count / options.rule_sets:6.2f} %")
    print(f"{'wrong':32} {mistakes:7,}")
    return int(mistakes > 0)


if __name__ == "__main__":
    sys.exit(main())
