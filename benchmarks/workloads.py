"""What is measured: named workloads, each with the answer that every engine must give.

The kind says what is asked.  "rewrite": one step on each word, under a rule of the word's own.  "run": one rule set
runs each word to its end.  "call": the same, one call a word.  "phase": a stated part of the run of one word.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import long_runs
from cases import Case, Rule, letters

RIVALS = "naive C", "replace loop", "find loop", "markalgo", "turingmarkov"
ALGEBRA = "libsemigroups", "Maude"


@dataclass(frozen=True)
class Workload:
    """A named input maker: `make(size)`, with the sizes of a report, of a quick look and of a test.

    `key` chooses it on the command line, `label(size)` is the row's name, and `rivals` are those who are asked.
    """

    key: str
    name: str
    kind: str
    unit: str
    about: str
    make: Callable[[int], Case]
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    tiny: int
    label: Callable[[int], str]
    rivals: tuple[str, ...] = RIVALS


def one_step(rows: int) -> Case:
    """Words of 20 to 50 letters, each with a rule of its own, planted at a place of its own in 7 of 10 words."""
    rng = random.Random(1)
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    rules: list[Rule] = []
    words: list[str] = []
    expected: list[str] = []
    while len(words) < rows:
        pattern, replacement = letters(rng, alphabet, 5), letters(rng, alphabet, 5)
        length = rng.randint(20, 50)
        start = rng.randint(0, length - 5)
        before, after = letters(rng, alphabet, start), letters(rng, alphabet, length - 5 - start)
        fires = rng.random() < 0.7
        word = before + (pattern if fires else letters(rng, alphabet, 5)) + after
        if word.find(pattern) != (start if fires else -1):
            continue
        rules.append((pattern, replacement, False))
        words.append(word)
        expected.append(before + replacement + after if fires else word)
    return Case(rules, words, rows, expected)


def many_words(rows: int) -> Case:
    """Sorts words of 36 to 44 letters over a-e, then thins the a's to one and marks it: twelve rules."""
    rng = random.Random(2)
    alphabet = "abcde"
    rules: list[Rule] = [(y + x, x + y, False) for i, x in enumerate(alphabet) for y in alphabet[i + 1 :]]
    rules += [("aa", "a", False), ("a", "A", True)]
    words = [letters(rng, alphabet, rng.randint(36, 44)) for _ in range(rows)]
    expected, steps = [], 0
    for word in words:
        counts = [word.count(x) for x in alphabet]
        rest = "".join(x * n for x, n in zip(alphabet[1:], counts[1:], strict=True))
        expected.append("A" * bool(counts[0]) + rest)
        steps += _inversions(word) + counts[0]
    return Case(rules, words, steps, expected)


def _inversions(word: str) -> int:
    seen = dict.fromkeys(sorted(set(word)), 0)
    total = 0
    for letter in word:
        total += sum(n for other, n in seen.items() if other > letter)
        seen[letter] += 1
    return total


def no_match(rows: int) -> Case:
    """Words of 10,000 letters to which none of 20 rules applies, though every letter of every pattern occurs."""
    rng = random.Random(7)
    words = [letters(rng, "abcdefgh", 10_000) for _ in range(rows)]
    rules: list[Rule] = []
    while len(rules) < 20:
        pattern = letters(rng, "abcdefgh", 10)
        if not any(pattern in word for word in words):
            rules.append((pattern, "x", False))
    return Case(rules, words, rows, words)


def empty_pattern(rows: int) -> Case:
    """A rule that puts a mark before the word, whatever the word, and stops."""
    rng = random.Random(8)
    words = [letters(rng, "abcdefgh", 40) for _ in range(rows)]
    return Case([("", "*", True)], words, rows, ["*" + word for word in words])


def tiny_calls(rows: int) -> Case:
    """One step on a word of four letters: what a call costs."""
    return Case([("ab", "ba", True)], ["caba"] * rows, rows, ["cbaa"] * rows)


def _words(size: int) -> str:
    return f"{size:,} words"


def _letters(size: int) -> str:
    return f"{size:,} letters"


WORKLOADS = (
    Workload(
        "W1",
        "W1 one step, a rule a word",
        "rewrite",
        "word",
        "Words of 20-50 letters, each with its own rule, one step each; 7 in 10 contain the pattern. The task of arXiv "
        "2405.19787 and the inner loop of data generation: a rule is used once, so nothing can be learnt about it.",
        one_step,
        (200_000,),
        (20_000,),
        50,
        _words,
    ),
    Workload(
        "W2",
        "W2 12 rules, short words",
        "run",
        "step",
        "One program of 12 rules on words of 36-44 letters, each run to its end, about 320 steps. Short words in bulk: "
        "the cost is choosing among rules, not moving text.",
        many_words,
        (1000,),
        (100,),
        4,
        _words,
    ),
    Workload(
        "W3",
        "W3 unary multiplication",
        "phase",
        "step",
        "Rosetta Code's ruleset 4, 20 rules, on `_1...1*1...1_`, the first number the square root of the second or "
        "less: 400,000 steps after the first 400,000, or 4n after 4n where that is less, while the first number is "
        "being copied. The length changes often, the repetitive word defeats simple filters, and most rules fail "
        "before one fires.",
        long_runs.multiplication,
        (888, 10_000, 15_614, 79_815, 1_000_000),
        (888, 10_000, 79_815),
        60,
        _letters,
    ),
    Workload(
        "W4",
        "W4 sort",
        "phase",
        "step",
        "One rule, `ba -> ab`, on n/4 a's, n/4 b's and n/2 random letters: 400,000 steps after the first 400,000, or "
        "n²/40 after n²/40 where that is less. No length changes, and one cheap rule: the easiest program for "
        "everybody.",
        long_runs.sort,
        (1000, 10_000, 100_000, 1_000_000),
        (1000, 10_000, 100_000),
        80,
        _letters,
    ),
    Workload(
        "W4",
        "W4 sort, to the end",
        "run",
        "step",
        "The same to its end, first pass included, where systems of another strategy can be compared, because every "
        "order of exchanges takes as many steps to the same word.",
        long_runs.sort_to_the_end,
        (1000, 10_000),
        (1000,),
        40,
        _letters,
        ALGEBRA,
    ),
    Workload(
        "W5",
        "W5 binary to unary",
        "phase",
        "step",
        "`|0 -> 0||`, `1 -> 0|`, `0 ->` on a number between 2^k and 2^(k+1): an eighth of the run after the first "
        "three quarters. The word grows at every step, in its middle, and the edits go from right to left.",
        long_runs.unary,
        (10, 14, 17, 20),
        (10, 14, 17),
        6,
        lambda size: f"value 2^{size}",
    ),
    Workload(
        "W6",
        "W6 1,000 rules, mid-run",
        "phase",
        "step",
        "1,000 rules with patterns of 3-8 random letters a-p, and replacements one letter shorter, on a random word: a "
        "quarter of the run after the first half. Hundreds of rules have become dead, and an engine without an index "
        "looks for all of them.",
        long_runs.many_rules,
        (1_000_000,),
        (50_000,),
        1000,
        _letters,
    ),
    Workload(
        "W6",
        "W6 1,000 rules, to the end",
        "run",
        "step",
        "The same from the start to its end, first pass included. The rivals would take hours and are left out.",
        long_runs.many_rules_to_the_end,
        (1_000_000,),
        (50_000,),
        1000,
        _letters,
        (),
    ),
    Workload(
        "growth",
        "growth",
        "phase",
        "step",
        "`a -> bb` on a word of a's: a quarter of the run after the first quarter. Every step makes the word longer.",
        long_runs.growth,
        (100_000,),
        (10_000,),
        40,
        _letters,
    ),
    Workload(
        "no-match",
        "no match",
        "run",
        "word",
        "20 rules with patterns of 10 letters, none of which occurs in any of the words of 10,000 letters. Pure "
        "search.",
        no_match,
        (100,),
        (20,),
        2,
        _words,
    ),
    Workload(
        "empty",
        "empty pattern",
        "run",
        "word",
        "The terminal rule with the empty pattern on words of 40 letters: one step each, all of it copying.",
        empty_pattern,
        (20_000,),
        (5000,),
        5,
        _words,
    ),
    Workload(
        "tiny",
        "tiny call",
        "call",
        "call",
        "One step on a word of four letters, one call a word. The cost of a call, which is where a library with "
        "limits, outcomes and counts has most to lose against three lines of Python.",
        tiny_calls,
        (2000,),
        (2000,),
        3,
        lambda size: f"{size:,} calls",
    ),
)
