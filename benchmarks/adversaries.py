"""Programs made to defeat an engine that keeps what it learnt, and the letters that a step of them touches.

Letters are counted by the engine, so no clock is needed and no noise is seen: what counts is that ten times the word
does not make a step dearer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from cases import Rule, letters

import markovlib as mk

LENGTHS = (100_000, 1_000_000)
STEPS = 2000
"""Of a run, at most.  The first quarter is not counted: the first pass and the choice of a matcher are over then."""
ENOUGH = 2**31
"""Letters after which a count ends before its last step."""
STRATEGIES: tuple[mk.Strategy, ...] = ("markov", "leftmost")


class Adversary(NamedTuple):
    name: str
    about: str
    make: Callable[[int], tuple[list[Rule], str]]


def ping_pong(length: int) -> tuple[list[Rule], str]:
    """Two tokens at the far ends that count in turn: their names get longer and shorter by a letter."""

    def token(letter: str, n: int) -> str:
        return f"{letter}{n:04d}{'.' * (n % 2)};"

    rules = [(token(letter, n), token(letter, n + 1), False) for n in range(1000) for letter in "AB"]
    return rules, token("A", 0) + "x" * length + token("B", 0)


def scattered(length: int) -> tuple[list[Rule], str]:
    """20,000 rules, fewer on a short word, each with a pattern cut from a random place of the word."""
    rng = random.Random(11)
    word = letters(rng, "abcdefghijklmnopqrstuvwxyz", length)
    patterns: dict[str, None] = {}
    while len(patterns) < min(20_000, length // 5):
        start = rng.randrange(length - 5)
        patterns[word[start : start + 5]] = None
    grown = count()
    return [(pattern, "#" * (4 + next(grown) % 3), False) for pattern in patterns], word


def shortened(length: int) -> tuple[list[Rule], str]:
    return [("a" * 1000, "a" * 999, False)], "a" * length


def marked(length: int) -> tuple[list[Rule], str]:
    return [("a" * 1000, "a" * 999 + "b", False)], "a" * length


ADVERSARIES = (
    Adversary("ping-pong", "2,000 rules make two tokens at the far ends of the word count in turn", ping_pong),
    Adversary("scattered", "20,000 rules that each occur about once, at random places", scattered),
    Adversary("shortened", "`a^1000 -> a^999` on a word of a's", shortened),
    Adversary("marked", "`a^1000 -> a^999 b` on a word of a's", marked),
)


def letters_a_step(adversary: Adversary, length: int, strategy: mk.Strategy) -> float:
    """Letters scanned and moved for a step."""
    rules, word = adversary.make(length)
    run = mk.RuleSet(rules).runner(word, strategy=strategy, max_length=None)._run
    touched = [run.letters]
    while len(touched) <= STEPS and touched[-1] < ENOUGH and run.step(1):
        touched.append(run.letters)
    warm = len(touched) // 4
    return float(f"{(touched[-1] - touched[warm]) / (len(touched) - 1 - warm):.4g}")


def count_letters(adversary: Adversary) -> dict[str, Any]:
    counted = {s: [letters_a_step(adversary, length, s) for length in LENGTHS] for s in STRATEGIES}
    return {"name": adversary.name, "about": adversary.about, "letters": counted}
