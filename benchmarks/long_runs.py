"""Long runs of one word, looked at in their middle, and the word at any step where it can be told without rewriting.

Each is a `Phase`: so many steps are taken before the clock starts, and so many under it.  The first pass over the word,
which an engine may use to learn where things are, is thus left out; what remains is what a step costs.
"""

from __future__ import annotations

import math
import random
from functools import partial

from cases import Case, Phase, Rule, letters

LONG = 400_000
"""Steps before the clock, and under it, where the run is long enough."""

MULTIPLY: list[Rule] = [
    ("_+1", "_1+", False),
    ("1+1", "11+", False),
    ("1!", "!1", False),
    (",!", "!+", False),
    ("_!", "_", False),
    ("1*1", "x,@y", False),
    ("1x", "xX", False),
    ("X,", "1,1", False),
    ("X1", "1X", False),
    ("_x", "_X", False),
    (",x", ",X", False),
    ("y1", "1y", False),
    ("y_", "_", False),
    ("1@1", "x,@y", False),
    ("1@_", "@_", False),
    (",@_", "!_", False),
    ("++", "+", False),
    ("_1", "1", False),
    ("1+_", "1", False),
    ("_+_", "", False),
]
"""Multiplication and addition of strokes, by Donal Fellows; ruleset 4 of Rosetta Code's task on Markov algorithms."""


def multiplication(length: int) -> Case:
    """The square root of the length times the rest, in strokes, while the first numbers are being copied."""
    left = math.isqrt(length)
    word = f"_{'1' * left}*{'1' * (length - left - 3)}_"
    steps = min(LONG, 4 * length)
    return Case(MULTIPLY, [word], steps, phase=Phase(steps, steps))


SORT: list[Rule] = [("ba", "ab", False)]


def _two_heaps(length: int) -> str:
    quarter = length // 4
    return "a" * quarter + "b" * quarter + letters(random.Random(4), "ab", length - 2 * quarter)


def sort(length: int) -> Case:
    """a's, as many b's, and twice as many random letters; each a of those travels through all the b's."""
    word = _two_heaps(length)
    steps = min(LONG, length * length // 40)
    return Case(SORT, [word], steps, phase=Phase(steps, steps, partial(_exchanged, word)))


def sort_to_the_end(length: int) -> Case:
    word = _two_heaps(length)
    return Case(SORT, [word], _inversions(word), ["".join(sorted(word))])


def _inversions(word: str) -> int:
    bs = total = 0
    for letter in word:
        bs += letter == "b"
        total += bs * (letter == "a")
    return total


def _exchanged(word: str, steps: int) -> str:
    """The word after so many exchanges: one after the other, each a goes left through the b's before it."""
    bs = 0
    for at, letter in enumerate(word):
        if letter == "b":
            bs += 1
        elif bs <= steps:
            steps -= bs
        else:
            return "a" * (at - bs) + "b" * (bs - steps) + "a" + "b" * steps + word[at + 1 :]
    return "".join(sorted(word))


TO_UNARY: list[Rule] = [("|0", "0||", False), ("1", "0|", False), ("0", "", False)]


def unary(exponent: int) -> Case:
    """A binary number of at least 2 to the exponent, and less than twice that, in its last sweep."""
    digits = "10" + letters(random.Random(6), "01", exponent - 1)
    value = int(digits, 2)
    total = sum(value >> shift for shift in range(1, len(digits))) + digits.count("1") + len(digits)
    return Case(TO_UNARY, [digits], total // 8, phase=Phase(3 * total // 4, total // 8, partial(_unary_after, digits)))


def _unary_after(digits: str, steps: int) -> str:
    """The word after so many steps: digit by digit, a 0 goes left through the strokes and doubles each."""
    strokes = 0
    for at, digit in enumerate(digits):
        if digit == "1":
            if steps == 0:
                return "0" * at + "|" * strokes + digits[at:]
            steps -= 1
        bit = int(digit)
        if steps < strokes:
            return "0" * at + "|" * (strokes - steps) + "0" + "|" * (2 * steps + bit) + digits[at + 1 :]
        steps -= strokes
        strokes = 2 * strokes + bit
    return "0" * max(0, len(digits) - steps) + "|" * strokes


def many_rules_to_the_end(length: int) -> Case:
    """1,000 rules on random letters a-p; a replacement is a letter shorter than its pattern, so that all runs end."""
    rng = random.Random(9)
    alphabet = "abcdefghijklmnop"
    patterns: dict[str, None] = {}
    while len(patterns) < 1000:
        patterns[letters(rng, alphabet, rng.randint(3, 8))] = None
    rules: list[Rule] = [(pattern, letters(rng, alphabet, len(pattern) - 1), False) for pattern in patterns]
    word = letters(rng, alphabet, length)
    end = Case(rules, [word], 1)
    return Case(rules, [word], end.steps_to_the_end())


def many_rules(length: int) -> Case:
    """The same in the middle of its run."""
    whole = many_rules_to_the_end(length)
    return Case(whole.rules, whole.words, whole.units // 4, phase=Phase(whole.units // 2, whole.units // 4))


def growth(length: int) -> Case:
    """Every letter becomes two, from left to right: the word doubles, one letter a step."""

    def after(steps: int) -> str:
        return "bb" * steps + "a" * (length - steps)

    return Case([("a", "bb", False)], ["a" * length], length // 4, phase=Phase(length // 4, length // 4, after))
