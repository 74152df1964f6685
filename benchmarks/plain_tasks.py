"""Tasks of several rules without markovlib: the rejection samplers that one writes in plain Python.

`first_rewrite` is the task of the preset of that name as a public suite has it: the rule that fires is chosen uniformly
and words are drawn until it is that rule, at most 10,000 times.  `traces` is the preset `trace` without its proofs of
termination: rule sets are taken as they come, and a word whose run does not take the steps asked for is drawn again.
`chance_traces` is the same with any number of steps from 1 to 12, as they come.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

TRIES = 10_000
Rules = list[tuple[str, str]]


class Traced(NamedTuple):
    prompt: str
    completion: str


def text_of(rules: Rules) -> str:
    return "Rules:\n" + "".join(f"{i}. {x} -> {y}\n" for i, (x, y) in enumerate(rules, 1))


def fired(rules: Rules, word: str) -> int:
    """The first rule whose pattern occurs, or -1."""
    return next((i for i, (pattern, _) in enumerate(rules) if pattern in word), -1)


def make_rules(rng: random.Random, count: int, letters: str, lengths: tuple[int, int], sides: tuple[int, int]) -> Rules:
    made: dict[str, str] = {}
    while len(made) < count:
        pattern = "".join(rng.choices(letters, k=rng.randint(*lengths)))
        replacement = "".join(rng.choices(letters, k=rng.randint(*sides)))
        if pattern != replacement:
            made[pattern] = replacement
    return list(made.items())


def first_rewrite(count: int, seed: int) -> Iterator[Traced]:
    """Four rules of three letters, words of 64, a quarter without any of the patterns."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    for i in range(count):
        rules = make_rules(rng, 4, letters, (3, 3), (1, 5))
        wanted = -1 if i % 4 == 0 else rng.randrange(4)
        for _ in range(TRIES):
            word = "".join(rng.choices(letters, k=64))
            if fired(rules, word) == wanted:
                break
        else:
            raise AssertionError("no word in 10,000 tries")
        output = word if wanted < 0 else word.replace(*rules[wanted], 1)
        yield Traced(f"{text_of(rules)}Input: {word}\nOutput:", f" {output}")


def run(rules: Rules, word: str, most: int) -> list[str] | None:
    """The words after each step; None if there are more of them."""
    words: list[str] = []
    while (i := fired(rules, word)) >= 0:
        if len(words) == most:
            return None
        word = word.replace(*rules[i], 1)
        words.append(word)
    return words


def word_for(rng: random.Random, rules: Rules, letters: str, steps: int) -> str:
    """A word of 16 to 48 letters with as many patterns as steps are asked for."""
    length, parts = rng.randint(16, 48), []
    for _ in range(steps):
        pattern = rng.choice(rules)[0]
        if length >= len(pattern):
            parts.append(pattern)
            length -= len(pattern)
    parts += rng.choices(letters, k=length)
    rng.shuffle(parts)
    return "".join(parts)


def traces(count: int, seed: int) -> Iterator[Traced]:
    """Four rules over sixteen letters, runs of 1 to 8 steps by turns; every tenth word is left alone."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnop"
    instructions = [make_rules(rng, 4, letters, (3, 4), (1, 5)) for _ in range(10_000)]
    for i in range(count):
        asked, steps = 1 + (i - i // 10) % 8 if i % 10 else 0, None
        while steps is None or len(steps) < asked:
            rules = instructions[rng.randrange(10_000)]
            word = word_for(rng, rules, letters, asked)
            steps = run(rules, word, asked)
        yield Traced(f"{text_of(rules)}Input: {word}\nSteps:\n", "\n".join(steps or [word]))


def chance_traces(count: int, seed: int) -> Iterator[Traced]:
    """Four rules over sixteen letters, words of 12 to 24 with up to three patterns put in, runs of 1 to 12 steps; every
    tenth word is left alone."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnop"
    instructions = [make_rules(rng, 4, letters, (3, 4), (1, 5)) for _ in range(10_000)]
    for i in range(count):
        steps = None
        while steps is None:
            rules = instructions[rng.randrange(10_000)]
            word = "".join(rng.choices(letters, k=rng.randint(12, 24)))
            for _ in range(0 if i % 10 == 0 else rng.randint(1, 3)):
                pattern = rng.choice(rules)[0]
                at = rng.randint(0, len(word) - len(pattern))
                word = word[:at] + pattern + word[at + len(pattern) :]
            steps = run(rules, word, 12)
            if steps is not None and bool(steps) != (i % 10 != 0):
                steps = None
        yield Traced(f"{text_of(rules)}Input: {word}\nSteps:\n", "\n".join(steps or [word]))
