"""The words are distributed as docs/stream.md says: chi-square over letters, starts, lengths, and whole words.

Each bound is a number of standard deviations of a chi-square that a right sampler exceeds with a chance below 10^-6;
the seeds are fixed, so a test that passes keeps passing.
"""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from markovlib import Dataset, Recipe

BASE = Recipe.load("paper/basic")
WORST = 7.0


def excess(counts: np.ndarray, expected: np.ndarray | float) -> float:
    """How many standard deviations the chi-square of `counts` lies above its mean."""
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    return float((statistic - freedom) / np.sqrt(2 * freedom))


@pytest.mark.parametrize("alphabet", ["a-z", "abc", {"bytes": [0, 254]}, {"bytes": [0, 255]}, "αβγδε"])
def test_letters_of_no_ops_are_uniform_in_every_place(alphabet: object) -> None:
    recipe = BASE.replace({"rules.alphabet": alphabet, "words.no_op": 1.0, "examples": 20_000})
    ds = Dataset(recipe)
    words = ds.batch(range(20_000), ["word"]).word.tolist()
    letters = len(recipe.alphabet)
    codes = np.frombuffer(b"".join(map(recipe.alphabet.codes, words)), np.uint8).reshape(len(words), -1)
    assert excess(np.bincount(codes.ravel(), minlength=letters), codes.size / letters) < WORST
    for place in (0, 1, 5, 6, 9, 10, 31, 49):
        assert excess(np.bincount(codes[:, place], minlength=letters), len(words) / letters) < WORST
    neighbours = np.bincount((codes[:, 1:].astype(int) * letters + codes[:, :-1]).ravel(), minlength=letters**2)
    assert excess(neighbours, 49 * len(words) / letters**2) < WORST


def test_starts_and_lengths_are_uniform() -> None:
    batch = Dataset(BASE.replace({"words.length": [15, 30], "rules.pattern_length": 18, "examples": 100_000}))[
        0:100_000
    ]
    lengths = batch.word.lengths()
    assert excess(np.bincount(lengths, minlength=31)[18:], 100_000 / 13) < WORST
    assert lengths.min() == 18
    for length in (18, 24, 30):
        starts = np.bincount(batch.position[lengths == length])
        assert len(starts) == length - 18 + 1
        if len(starts) > 1:
            assert excess(starts, starts.sum() / len(starts)) < WORST


def occurrences(word: str, pattern: str) -> list[int]:
    return [i for i in range(len(word) - len(pattern) + 1) if word.startswith(pattern, i)]


def expected_shares(letters: str, pattern: str, length: int, count: int | None, no_op: bool) -> dict[str, float]:
    """The distribution of words by enumeration: a start uniform over the possible ones, then a word uniform."""
    words: dict[int, list[str]] = {}
    for word in map("".join, product(letters, repeat=length)):
        found = occurrences(word, pattern)
        if no_op != bool(found) and (no_op or count is None or len(found) == count):
            words.setdefault(found[0] if found else -1, []).append(word)
    return {word: 1 / len(words) / len(group) for group in words.values() for word in group}


@pytest.mark.parametrize(("letters", "length", "pattern", "count", "no_op"), [
    ("ab", 9, 1, None, True),       # 2^-9 of the words avoid: the exact sampler
    ("ab", 10, 2, None, True), ("abc", 6, 2, None, True),
    ("ab", 9, 1, None, False), ("ab", 9, 2, None, False), ("abc", 6, 2, None, False),
    ("ab", 9, 2, 1, False), ("ab", 10, 2, 2, False), ("ab", 9, 3, 2, False), ("ab", 10, 3, 3, False),
    ("ab", 9, 1, 4, False), ("abc", 7, 2, 2, False), ("abc", 6, 1, 3, False), ("ab", 8, 4, 2, False),
])  # fmt: skip
def test_words_have_the_distribution_that_enumeration_gives(
    letters: str, length: int, pattern: int, count: int | None, no_op: bool
) -> None:
    recipe = BASE.replace({
        "rules.alphabet": letters, "rules.pattern_length": pattern, "rules.replacement_length": 5,
        "words.length": length,
        "words.no_op": float(no_op), "words.occurrences": count, "eval.instructions": None, "eval.examples": 60_000,
        "rules.holdout": 0.5, "examples": 1, "instructions": 1,
    })  # fmt: skip
    batch = Dataset(recipe, 3, "unseen").batch(range(60_000), ["pattern", "word"])
    by_pattern: dict[str, Counter[str]] = {}
    for x, word in zip(batch.pattern.tolist(), batch.word.tolist(), strict=True):
        by_pattern.setdefault(x, Counter())[word] += 1
    for x, counts in by_pattern.items():
        shares = expected_shares(letters, x, length, count, no_op)
        assert set(counts) <= set(shares)
        if len(shares) > 1:
            observed = np.array([counts[word] for word in shares])
            assert excess(observed, np.array(list(shares.values())) * counts.total()) < WORST, x


@pytest.mark.slow
def test_seen_takes_a_sixteenth_of_the_words() -> None:
    recipe = BASE.replace({"rules.alphabet": "abcd", "rules.pattern_length": 2, "words.length": 7, "instructions": 10,
                           "examples": 400_000, "eval.examples": 20_000})  # fmt: skip
    train, seen = (
        {(b.pattern[i], b.word[i]) for b in [Dataset(recipe, 0, split).batch(range(n))] for i in range(n)}
        for split, n in (("train", 400_000), ("seen", 20_000))
    )
    assert not train & seen
    share = len(seen) / (len(seen) + len(train))
    assert abs(share - 1 / 16) < 0.006


def test_no_ops_are_spread_over_their_block() -> None:
    no_op = Dataset(BASE.replace({"words.no_op": 0.25, "examples": 65_536})).batch(range(65_536), ["no_op"]).no_op
    assert excess(no_op.reshape(64, 1024).sum(axis=1), 256.0) < WORST
    together = int((no_op[1:] & no_op[:-1]).sum())
    assert abs(together - 65_535 / 16) < 6 * np.sqrt(65_535 / 16)
