"""What is measured: named workloads, each with the answer that every engine must give.

A workload of kind "run" runs one rule set over words, to the end or for a stated number of steps; kind "call" is the
same with one call a word; one of kind "rewrite" takes one step on each word under a rule of the word's own.  Expected
answers are closed forms (a sorted word is sorted, a product has its length), computed without any rewriting.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Rule = tuple[str, str, bool]


@dataclass(frozen=True)
class Case:
    """One input.  `rules` is one rule set for all words, or, for kind "rewrite", one rule per word."""

    rules: list[Rule]
    words: list[str]
    expected: list[str]
    units: int
    max_steps: int | None = None


@dataclass(frozen=True)
class Workload:
    """A named input maker: `make(size)`, with the sizes of a report and of a test."""

    name: str
    kind: str
    about: str
    unit: str
    size: int
    tiny: int
    make: Callable[[int], Case]


def _letters(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def one_step(rows: int) -> Case:
    """Words of 20 to 50 letters, each with a rule of its own, planted at a place of its own in 7 of 10 words."""
    rng = random.Random(1)
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    rules: list[Rule] = []
    words: list[str] = []
    expected: list[str] = []
    while len(words) < rows:
        pattern, replacement = _letters(rng, alphabet, 5), _letters(rng, alphabet, 5)
        length = rng.randint(20, 50)
        start = rng.randint(0, length - 5)
        before, after = _letters(rng, alphabet, start), _letters(rng, alphabet, length - 5 - start)
        fires = rng.random() < 0.7
        word = before + (pattern if fires else _letters(rng, alphabet, 5)) + after
        if word.find(pattern) != (start if fires else -1):
            continue
        rules.append((pattern, replacement, False))
        words.append(word)
        expected.append(before + replacement + after if fires else word)
    return Case(rules, words, expected, rows)


def many_words(rows: int) -> Case:
    """Sorts words of 36 to 44 letters over a-e, then thins the a's to one and marks it: twelve rules."""
    rng = random.Random(2)
    letters = "abcde"
    rules: list[Rule] = [(y + x, x + y, False) for i, x in enumerate(letters) for y in letters[i + 1 :]]
    rules += [("aa", "a", False), ("a", "A", True)]
    words = [_letters(rng, letters, rng.randint(36, 44)) for _ in range(rows)]
    expected, steps = [], 0
    for word in words:
        counts = [word.count(x) for x in letters]
        rest = "".join(x * n for x, n in zip(letters[1:], counts[1:], strict=True))
        expected.append("A" * bool(counts[0]) + rest)
        steps += _inversions(word) + counts[0]
    return Case(rules, words, expected, steps)


def _inversions(word: str) -> int:
    seen = dict.fromkeys(sorted(set(word)), 0)
    total = 0
    for letter in word:
        total += sum(n for other, n in seen.items() if other > letter)
        seen[letter] += 1
    return total


MULTIPLY: list[Rule] = [
    ("|b", "ba|", False),
    ("ab", "ba", False),
    ("b", "", False),
    ("*|", "b*", False),
    ("*", "c", False),
    ("|c", "c", False),
    ("ac", "c|", False),
    ("c", "", True),
]


def multiplication(n: int) -> Case:
    """n times 4 in strokes: each stroke of the second number runs through the first and leaves a copy of it."""
    m = 4
    steps = n * m + n * m * (m - 1) // 2 + 2 * m + 1 + n + n * m + 1
    return Case(MULTIPLY, ["|" * n + "*" + "|" * m], ["|" * (n * m)], steps)


def multiplication_start(n: int) -> Case:
    """The first steps of n times 4, n large, so that the word is long and the run short."""
    steps = min(2000, n)
    word = "|" * n + "*||||"
    middle = "|" * (n - steps + 1) + "b" + "a|" * (steps - 1) + "*|||"
    return Case(MULTIPLY, [word], [middle], steps, max_steps=steps)


def sort(length: int) -> Case:
    """A random word of a's and b's, sorted by exchanging neighbours."""
    word = _letters(random.Random(4), "ab", length)
    return Case([("ba", "ab", False)], [word], ["".join(sorted(word))], _inversions(word))


def nearly_sorted(length: int) -> Case:
    """A long word of a's and then b's, in which twenty b's stand up to 200 places too early."""
    rng = random.Random(5)
    half = length // 2
    window = min(200, half - 20)
    stray = list("a" * window + "b" * 20)
    rng.shuffle(stray)
    word = "a" * (half - len(stray)) + "".join(stray) + "b" * (length - half)
    return Case([("ba", "ab", False)], [word], ["".join(sorted(word))], _inversions(word))


def unary(bits: int) -> Case:
    """A binary number of so many digits, turned into that many strokes."""
    digits = "1" + _letters(random.Random(6), "01", bits - 1)
    value = int(digits, 2)
    steps = sum(value >> shift for shift in range(1, bits)) + digits.count("1") + bits
    return Case([("|0", "0||", False), ("1", "0|", False), ("0", "", False)], [digits], ["|" * value], steps)


def no_match(rows: int) -> Case:
    """Words of 10,000 letters to which none of 20 rules applies, though every letter of every pattern occurs."""
    rng = random.Random(7)
    words = [_letters(rng, "abcdefgh", 10_000) for _ in range(rows)]
    rules: list[Rule] = []
    while len(rules) < 20:
        pattern = _letters(rng, "abcdefgh", 10)
        if not any(pattern in word for word in words):
            rules.append((pattern, "x", False))
    return Case(rules, words, words, rows)


def empty_pattern(rows: int) -> Case:
    """A rule that puts a mark before the word, whatever the word, and stops."""
    rng = random.Random(8)
    words = [_letters(rng, "abcdefgh", 40) for _ in range(rows)]
    return Case([("", "*", True)], words, ["*" + word for word in words], rows)


def growth(length: int) -> Case:
    """Every letter becomes two, from left to right: the word doubles, one letter a step."""
    return Case([("a", "bb", False)], ["a" * length], ["bb" * length], length)


def tiny(rows: int) -> Case:
    """One step on a word of four letters: what a call costs."""
    return Case([("ab", "ba", True)], ["caba"] * rows, ["cbaa"] * rows, rows)


WORKLOADS = (
    Workload(
        "one step, a rule a word",
        "rewrite",
        "200,000 words of 20-50 letters, each with its own rule, one step each; 7 in 10 contain the pattern.  The "
        "task of arXiv 2405.19787 and the inner loop of data generation: a rule is used once, so nothing can be "
        "learnt about it.",
        "word",
        200_000,
        50,
        one_step,
    ),
    Workload(
        "12 rules, short words",
        "run",
        "One program of 12 rules over 1,000 words of 36-44 letters, run to the end, about 300 steps each.  Short "
        "words in bulk: the cost is choosing among rules, not moving text.",
        "step",
        1000,
        4,
        many_words,
    ),
    Workload(
        "unary multiplication",
        "run",
        "200 times 4 in strokes, 8 rules, to the end; the word reaches 1,000 letters.  Length changes at nearly "
        "every step and most rules fail before one fires.",
        "step",
        200,
        7,
        multiplication,
    ),
    Workload(
        "unary multiplication, long",
        "run",
        "The first 2,000 steps of 20,000 times 4: the same program on a long word.  Shows how the cost of a step "
        "grows with the word.  Stopped early because the rivals would need minutes to reach the end.",
        "step",
        20_000,
        30,
        multiplication_start,
    ),
    Workload(
        "sort",
        "run",
        "One rule, ba -> ab, on a random word of 400 letters, to the end.  No length changes and one cheap rule: "
        "the easiest program for everybody.",
        "step",
        400,
        12,
        sort,
    ),
    Workload(
        "sort, long",
        "run",
        "The same rule on a nearly sorted word of 100,000 letters, about 2,000 steps in its middle.  The work is "
        "local, the word is not.",
        "step",
        100_000,
        100,
        nearly_sorted,
    ),
    Workload(
        "binary to unary",
        "run",
        "A binary number of 13 digits becomes strokes.  Growth from 13 letters to some thousands, in the middle of"
        " the word.",
        "step",
        13,
        5,
        unary,
    ),
    Workload(
        "growth",
        "run",
        "a -> bb on 4,000 letters, to the end.  Every step makes the word longer.",
        "step",
        4000,
        9,
        growth,
    ),
    Workload(
        "no match",
        "run",
        "20 rules with patterns of 10 letters, none of which occurs in any of 100 words of 10,000 letters.  Pure "
        "search.",
        "word",
        100,
        2,
        no_match,
    ),
    Workload(
        "empty pattern",
        "run",
        "The rule with the empty pattern on 20,000 words of 40 letters, one step each.  Pure copying.",
        "word",
        20_000,
        5,
        empty_pattern,
    ),
    Workload(
        "one tiny call",
        "call",
        "One step on a word of four letters, 2,000 calls with one word each.  The cost of a call, which is where a"
        " library with limits, outcomes and counts has most to lose against three lines of Python.",
        "call",
        2000,
        3,
        tiny,
    ),
)
