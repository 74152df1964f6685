"""Rule sets and words that break promises about cost: each is hostile to some way of finding the next match.

`make(n, k)` gives rules and a word of about n letters; k is the size of whatever is large besides the word.  A longer
word has no fewer places a letter where something happens: only its length is to make a difference.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

Rules = list[tuple[bytes, bytes, bool]]
Program = tuple[Rules, bytes]


class Adversary(NamedTuple):
    make: Callable[[int, int], Program]
    k: int
    small: tuple[int, int]  # n and k at which the oracle can check it
    steps: int = 2000  # as many of its steps as are measured


def rule(pattern: bytes, replacement: bytes) -> tuple[bytes, bytes, bool]:
    return pattern, replacement, False


def ping_pong(n: int, k: int) -> Program:
    """Two tokens at the far ends take turns, and their lengths alternate: no text between them may be moved."""

    def token(kind: bytes, i: int) -> bytes:
        return b"<%s%d%s>" % (kind, i, b"_" * (i % 2 * 3))

    pairs = ([rule(token(kind, i), token(kind, i + 1)) for kind in (b"A", b"B")] for i in range(k // 2))
    return list(chain.from_iterable(pairs)), token(b"A", 0) + b"x" * n + token(b"B", 0)


def scattered(n: int, k: int) -> Program:
    """A rule for every k letters, each of which occurs once, at a place that has nothing to do with its number."""
    chance = random.Random(n)
    names = [b"%d" % (10**6 + i) for i in range(n // k)]
    rules = [rule(name, b"y" * chance.randint(5, 9)) for name in names]
    return rules, b"".join(name + b"x" * (k - 7) for name in chance.sample(names, n // k))


def shrinking_power(n: int, k: int) -> Program:
    """a^k occurs at nearly every place, and goes on doing so after every step."""
    return [rule(b"a" * k, b"a" * (k - 1))], b"a" * n


def broken_power(n: int, k: int) -> Program:
    """Every step makes k occurrences of a^k fewer."""
    return [rule(b"a" * k, b"a" * (k - 1) + b"b")], b"a" * n


def nested_powers(n: int, k: int) -> Program:
    """a, aa, ..., a^k in a^n: there are k * n occurrences, which nobody may keep."""
    return [rule(b"a" * (i + 1), b"a" * i + b"b") for i in reversed(range(k))], b"a" * n


def long_power(n: int, k: int) -> Program:
    """One pattern as long as a tenth of the word."""
    return shrinking_power(n + k, k)


def long_patterns(n: int, k: int) -> Program:
    """Eight patterns of k letters, found in the word up to their last letter, and a short one that moves things."""
    chance = random.Random(k)
    longest = bytes(chance.choices(b"ab", k=k))
    rules = [rule(longest[: k - i] + b"c", b"") for i in range(8)]
    word = (longest * (n // k + 1))[:n]
    return [*rules, rule(b"ba", b"ab")], word


def many_rules(n: int, k: int) -> Program:
    """k patterns, of which few occur, in random text."""
    chance = random.Random(k)

    def letters(count: int) -> bytes:
        return bytes(chance.choices(b"abcdefghij", k=count))

    word = letters(n)
    planted = [word[i : i + 7] for i in range(0, n - 7, 100)]
    patterns = [*planted, *(letters(8) for _ in range(k - len(planted)))]
    chance.shuffle(patterns)
    return [rule(pattern, letters(chance.randint(5, 9)).upper()) for pattern in patterns], word


ADVERSARIES = {
    "ping pong": Adversary(ping_pong, 2000, (300, 40)),
    "scattered": Adversary(scattered, 50, (2000, 20)),  # 20,000 rules on the longer word
    "shrinking power": Adversary(shrinking_power, 1000, (400, 100)),
    "broken power": Adversary(broken_power, 1000, (2000, 70), 90),
    "nested powers": Adversary(nested_powers, 200, (300, 20), 6000),
    "long power": Adversary(long_power, 100_000, (300, 200), 100),
    "long patterns": Adversary(long_patterns, 100_000, (600, 150), 1000),
    "many rules": Adversary(many_rules, 100_000, (3000, 1000), 900),
}


def tide(levels: int, k: int) -> Program:
    """Ten letters grow to 10 * k^levels, and shrink back to ten: a -> b^k, b -> c^k, ..., and then c^k -> d, ...

    A digit walks to and fro over the word, one level a way, so that nothing shrinks before everything has grown.
    """
    letters = [bytes([97 + i]) for i in range(2 * levels + 1)]
    rules = [rule(letters[i], letters[i + 1] * k) for i in range(levels)]
    for i in range(levels):
        here, there, digit, larger = letters[levels + i] * k, letters[levels + i + 1], b"%d" % i, b"%d" % (i + 1)
        if i % 2 == 0:
            rules += [rule(here + digit, digit + there), rule(b"^" + digit, b"^" + larger)]
        else:
            rules += [rule(digit + here, there + digit), rule(digit + b"$", larger + b"$")]
    return rules, b"^" + b"a" * 10 + b"0$"


def oscillation(n: int, k: int) -> Program:
    """The word's length goes up and down by k around n."""
    return [rule(b"+", b"-" * (k + 1)), rule(b"-" * (k + 1), b"+")], b"x" * (n - k // 2) + b"+"


def round_trip(n: int) -> Program:
    """X walks over n - 1 letters a and is gone after n steps.  If n is a power of two, a step that looks for cycles
    compares with a word without X: the one letter that differs is another one each time, and far from both ends."""
    return [rule(b"X$", b"a$"), rule(b"Xa", b"aX"), rule(b"^a", b"^X")], b"^" + b"a" * (n - 1) + b"$"
