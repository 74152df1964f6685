"""The samplers of words: letter for letter the reference, distributed as enumeration says, with exact counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
import reference_stream
from reference_stream import Draws, occurrences
from reference_words import SeveralWords, UniformWords

from markovlib import _words
from markovlib.words import least_length

KEY = (0x243F6A8885A308D3, 0x13198A2E03707344)

# Standard deviations of a chi-square above its mean: exceeded with a chance below 10^-6; the streams are fixed.
WORST = 7.0


def draws_of(index: int) -> Draws:
    return Draws(KEY, 0, index, 0)


def every_word(letters: int, length: int) -> Iterator[list[int]]:
    return map(list, product(range(letters), repeat=length))


def has(word: list[int], pattern: list[int], more: int | None) -> bool:
    count = len(occurrences(word, pattern))
    return count > 0 if more is None else count == more


def excess(counts: np.ndarray, expected: np.ndarray | float) -> float:
    statistic = ((counts - expected) ** 2 / expected).sum()
    return float((statistic - (counts.size - 1)) / np.sqrt(2 * (counts.size - 1)))


def check_shares(words: list[bytes], shares: dict[bytes, float]) -> None:
    """The words come as often as their shares say; none comes that has no share."""
    counts = Counter(words)
    assert set(counts) <= set(shares)
    if len(shares) > 1:
        observed = np.array([counts[word] for word in shares])
        assert excess(observed, np.array(list(shares.values())) * len(words)) < WORST


def cut(words: bytes, length: int) -> list[bytes]:
    return [words[i : i + length] for i in range(0, len(words), length)]


def number(count: tuple[int, int]) -> int:
    """A count that is a whole number."""
    mantissa, exponent = count
    return mantissa << exponent if exponent >= 0 else mantissa >> -exponent


# One pattern.

SMALL = [(2, 8, 3), (3, 6, 2), (2, 7, 4), (3, 5, 1), (2, 9, 1)]


@pytest.mark.parametrize(("letters", "length", "size"), SMALL)
def test_counts_of_words_are_those_of_enumeration(letters: int, length: int, size: int) -> None:
    sampler = _words.Uniform(letters, size, length, length)
    words = list(every_word(letters, length))
    for pattern in every_word(letters, size):
        for more in (None, *range(length + 1)):
            expected = sum(has(word, pattern, more) for word in words)
            assert number(sampler.count(bytes(pattern), more, length)) == expected
            possible = length >= sampler.least(bytes(pattern), more)
            assert possible == (expected > 0)
            if not possible:
                with pytest.raises(ValueError, match="no such word"):
                    sampler.words(bytes(pattern), more, length, KEY)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_least_lengths_are_those_of_the_best_and_the_worst_pattern(size: int, count: int) -> None:
    sampler = _words.Uniform(2, size, 7, 1)
    lengths = [sampler.least(bytes(pattern), count) for pattern in every_word(2, size)]
    assert least_length(size, count) == (min(lengths), max(lengths))


@pytest.mark.parametrize("more", [None, 0, 1, 2, 3])
@pytest.mark.parametrize(("letters", "length", "size"), SMALL)
def test_every_word_is_equally_likely(letters: int, length: int, size: int, more: int | None) -> None:
    sampler = _words.Uniform(letters, size, 3, length)
    for pattern in every_word(letters, size):
        fitting = [bytes(word) for word in every_word(letters, length) if has(word, pattern, more)]
        if fitting:
            words, _ = sampler.words(bytes(pattern), more, length, KEY, 0, 40 * len(fitting))
            check_shares(cut(words, length), dict.fromkeys(fitting, 1 / len(fitting)))


@pytest.mark.parametrize("more", [None, 0, 1, 2, 5])
@pytest.mark.parametrize(("letters", "length", "pattern"), [
    (2, 30, [1]), (2, 40, [0, 0]), (3, 30, [0, 1, 0]), (26, 40, [3, 1, 3, 1, 7]), (26, 25, list(range(20))),
    (4, 41, [1, 2, 1, 2, 1]), (256, 30, [255, 0]), (2, 60, [0, 1, 1, 0, 1]), (2, 150, [1]), (3, 100, [2, 0]),
])  # fmt: skip
def test_letters_are_those_of_the_reference(letters: int, length: int, pattern: list[int], more: int | None) -> None:
    sampler = _words.Uniform(letters, len(pattern) + 2, 5, length + 3)
    reference = UniformWords(pattern, letters)
    if length < sampler.least(bytes(pattern), more):
        return
    for index in range(8):
        draws = draws_of(index)
        word = reference.draw(draws, length, more)
        assert sampler.words(bytes(pattern), more, length, KEY, index) == (bytes(word), draws.word())


def test_counts_beyond_26_to_the_50th_are_right_to_2_to_the_minus_40() -> None:
    """Big whole numbers count the same words, by the recursion over the pattern's automaton."""
    random.seed(1)
    patterns = [bytes([0] * 20), bytes(range(20)), bytes([0, 1] * 10), bytes(random.choices(range(2), k=20))]
    sampler = _words.Uniform(26, 20, 3, 200)
    for pattern in patterns:
        states = reference_stream.Weights(list(pattern), 26, 1, 1)
        for more in (None, 0, 1, 2, 3):
            for length in (50, 51, 100, 200):
                exact = big_count(states.edges, states.border, 26, length, more)
                mantissa, exponent = sampler.count(pattern, more, length)
                assert within(mantissa, exponent, exact, 2**60 // length)


def within(mantissa: int, exponent: int, exact: int, parts: int) -> bool:
    """At most one part in `parts` too small, and not too large."""
    scaled = exact << max(0, -exponent)
    found = mantissa << max(0, exponent)
    return found <= scaled and (scaled - found) * parts <= scaled


def big_count(edges: list, border: list[int], letters: int, length: int, more: int | None) -> int:
    """Words by occurrences so far (at most one where at least one is asked for) and state."""
    size, most = len(edges), 1 if more is None else more
    now = {(0, 0): 1}
    for _ in range(length):
        following: Counter[tuple[int, int]] = Counter()
        for (seen, state), words in now.items():
            following[seen, 0] += words * (letters - len(edges[state]))
            for _, target in edges[state]:
                hit = target == size
                count = min(seen + hit, most) if more is None else seen + hit
                if count <= most:
                    following[count, border[size] if hit else target] += words
        now = following
    return sum(words for (seen, _), words in now.items() if seen == most)


@pytest.mark.parametrize(("letters", "pattern"), [(2, b"\0"), (26, b"\0\0\1"), (256, b"\0"), (2, b"\0" * 12)])
def test_long_words_do_not_underflow(letters: int, pattern: bytes) -> None:
    """At 10^4 letters the counts range over thousands of powers of two; closed cases and sums pin them down."""
    length = 10_000
    sampler = _words.Uniform(letters, len(pattern), 2, length)
    count = {more: sampler.count(pattern, more, length) for more in (None, 0, 1, 2)}
    states = reference_stream.Weights(list(pattern), letters, 1, 1)
    for more in (None, 0):
        exact = big_count(states.edges, states.border, letters, length, more)
        assert within(*count[more], exact, 2**40)
    if pattern == b"\0":
        assert within(*count[1], length * (letters - 1) ** (length - 1), 2**40)
        assert within(*count[2], length * (length - 1) // 2 * (letters - 1) ** (length - 2), 2**40)
    for more in (None, 0, 1, 2):
        word = sampler.words(pattern, more, length, KEY)[0]
        assert has(list(word), list(pattern), more)


def test_starts_follow_the_numbers_of_words() -> None:
    """Long words over few letters: the leftmost start of a uniform word is far from uniform."""
    letters, length, pattern = 2, 400, b"\0\1\1"
    sampler = _words.Uniform(letters, 3, 1, length)
    words = cut(sampler.words(pattern, None, length, KEY, 0, 20_000)[0], length)
    starts = np.bincount([word.index(pattern) for word in words], minlength=length)
    # Words of s letters before the leftmost occurrence; the letters after it are free.
    avoiding = [number(sampler.count(pattern, 0, s)) for s in range(64)]
    shares = [avoiding[s] / 2.0 ** (s + 3) for s in range(64)]  # the pattern overlaps nothing
    assert excess(starts[:60], np.array(shares[:60]) * 20_000) < WORST


def test_shapes_are_shared_and_replaced_without_a_trace() -> None:
    """One sampler that meets many patterns, and a new sampler for each, give the same words."""
    random.seed(2)
    shared = _words.Uniform(2, 6, 2, 30)
    for round in range(300):
        pattern = bytes(random.choices(range(2), k=random.randint(1, 6)))
        more = random.choice([None, 0, 1, 2])
        alone = _words.Uniform(2, 6, 2, 30).words(pattern, more, 30, KEY, round)
        assert shared.words(pattern, more, 30, KEY, round) == alone


# Several patterns.  Lists of patterns, letters as digits.

LISTS = [
    (2, 7, ["01", "11", "00"]),
    (2, 8, ["010", "0", "110"]),
    (2, 6, ["01", "1"]),  # the second only at the very beginning
    (2, 6, ["0", "1", "01"]),
    (2, 7, ["011", "11", "1", "0"]),
    (2, 7, ["001", "001", "10", "0101"]),  # twice the same
    (3, 5, ["012", "12", "2", "00"]),
    (3, 5, ["0120", "12", ""]),
    (3, 4, ["", "1"]),
    (3, 6, ["00", "11", "22", "01"]),
    (3, 4, ["0", "1", "2"]),
    (2, 3, ["0101", "10"]),  # longer than the word
    (3, 3, []),
]
LIST_IDS = [f"{length} of {letters}: {' '.join(patterns)}" for letters, length, patterns in LISTS]


def codes(patterns: list[str]) -> list[list[int]]:
    return [[int(letter) for letter in pattern] for pattern in patterns]


def fires(word: list[int], patterns: list[list[int]]) -> int | None:
    return next((f for f, pattern in enumerate(patterns) if occurrences(word, pattern)), None)


def shares_of(groups: dict[int, list[bytes]]) -> dict[bytes, float]:
    """Each group equally likely, and each word of a group; a word may be of several groups."""
    shares: Counter[bytes] = Counter()
    for group in groups.values():
        for word in group:
            shares[word] += 1 / len(groups) / len(group)
    return dict(shares)


@pytest.mark.parametrize("planted", [False, True])
@pytest.mark.parametrize(("letters", "length", "texts"), LISTS, ids=LIST_IDS)
def test_words_in_which_a_rule_fires(letters: int, length: int, texts: list[str], planted: bool) -> None:
    patterns = codes(texts)
    sampler = _words.Several(letters, list(map(bytes, patterns)), length)
    for f in (None, *range(len(patterns))):
        groups: dict[int, list[bytes]] = {}
        for word in every_word(letters, length):
            if fires(word, patterns) == f:
                start = 0 if f is None or not planted else occurrences(word, patterns[f])[0]
                groups.setdefault(start, []).append(bytes(word))
        words = sum(map(len, groups.values()))
        assert number(sampler.count(f, length)) == words
        if words:
            drawn, _ = sampler.words(f, planted, length, KEY, 0, 100 * words)
            check_shares(cut(drawn, length), shares_of(groups))
        else:
            with pytest.raises(ValueError, match="no such word"):
                sampler.words(f, planted, length, KEY)


@pytest.mark.parametrize(("letters", "length", "texts"), [
    (26, 64, ["abc", "cab", "bca", "zzz"]), (2, 24, ["babb", "aba", "bbb"]), (3, 30, ["ab", "bc", "ca", "aa"]),
    (2, 20, ["ab", "b"]), (3, 40, ["a", "bcb", "c"]), (4, 50, ["ab", "cd", "ac", "dcba"]), (2, 90, ["b"]),
    (256, 20, ["a", "b", ""]),
])  # fmt: skip
def test_letters_for_several_patterns_are_those_of_the_reference(letters: int, length: int, texts: list[str]) -> None:
    patterns = [[ord(letter) - ord("a") for letter in pattern] for pattern in texts]
    sampler = _words.Several(letters, list(map(bytes, patterns)), length + 5)
    reference = SeveralWords(patterns, letters)
    for f in range(len(patterns) + ("" not in texts)):
        for planted in (False, True):
            if not number(sampler.count(f if f < len(patterns) else None, length)):
                continue
            for index in range(3):
                draws = draws_of(index)
                word = reference.draw(draws, length, f, planted)
                got = sampler.words(f if f < len(patterns) else None, planted, length, KEY, index)
                assert got == (bytes(word), draws.word())


def test_several_lists_in_a_row() -> None:
    """What one list leaves in a sampler that serves many rows does not show in the next; see also test_words.c."""
    sampler = _words.Several(3, [b"\0\1", b"\1\1", b"\2"], 30)
    for index in range(20):
        for f in (0, 1, 2, None):
            for length in (7, 30):
                alone = _words.Several(3, [b"\0\1", b"\1\1", b"\2"], 30)
                assert sampler.words(f, True, length, KEY, index) == alone.words(f, True, length, KEY, index)


def distance(word: list[int], pattern: list[int], start: int) -> int:
    return sum(a != b for a, b in zip(word[start : start + len(pattern)], pattern, strict=True))


NEAR = [
    (2, 8, ["011"]), (2, 9, ["01"]), (2, 6, ["0"]), (3, 5, ["010"]), (3, 6, ["21"]), (2, 7, ["0110"]), (4, 4, ["012"]),
    (3, 5, ["010", "12"]), (2, 7, ["010", "111"]), (3, 5, ["01", "0", "22"]),
]  # fmt: skip


@pytest.mark.parametrize(("letters", "length", "texts"), NEAR)
def test_near_misses(letters: int, length: int, texts: list[str]) -> None:
    patterns = codes(texts)
    sampler = _words.Several(letters, list(map(bytes, patterns)), length)
    for which, pattern in enumerate(patterns):
        for edits in range(1, len(pattern) + 1):
            groups: dict[int, list[bytes]] = {}
            for word in every_word(letters, length):
                for start in range(length - len(pattern) + 1):
                    if fires(word, patterns) is None and distance(word, pattern, start) == edits:
                        groups.setdefault(start, []).append(bytes(word))
            shares = shares_of(groups)
            if shares:
                drawn, _ = sampler.near_misses(which, edits, length, KEY, 0, 100 * len(shares))
                check_shares(cut(drawn, length), shares)
            else:
                with pytest.raises(ValueError, match="no such word"):
                    sampler.near_misses(which, edits, length, KEY)


@pytest.mark.parametrize(("letters", "length", "texts"), [
    (26, 50, ["abcdefghij"]), (2, 40, ["ab"]), (2, 30, ["b"]), (3, 40, ["aba"]), (2, 30, ["aaaa", "bb"]),
    (3, 40, ["ab", "cb"]), (256, 20, ["abc", "d"]),
])  # fmt: skip
def test_letters_of_near_misses_are_those_of_the_reference(letters: int, length: int, texts: list[str]) -> None:
    patterns = [[ord(letter) - ord("a") for letter in pattern] for pattern in texts]
    sampler = _words.Several(letters, list(map(bytes, patterns)), length)
    reference = SeveralWords(patterns, letters)
    for edits in range(1, len(patterns[0]) + 1):
        for index in range(4):
            draws = draws_of(index)
            word = reference.near_miss(draws, length, 0, edits)
            if word is None:
                with pytest.raises(ValueError, match="no such word"):
                    sampler.near_misses(0, edits, length, KEY, index)
                break
            assert sampler.near_misses(0, edits, length, KEY, index) == (bytes(word), draws.word())


def test_long_words_of_several_patterns() -> None:
    length, patterns = 10_000, [b"\0\0", b"\1\0", b"\1\1\1"]
    sampler = _words.Several(3, patterns, length)
    for f in (None, 0, 1, 2):
        assert within(*sampler.count(f, 1500), big_several(patterns, 3, 1500, f), 2**40)
        for planted in (False, True):
            word = sampler.words(f, planted, length, KEY)[0]
            assert next((i for i, pattern in enumerate(patterns) if pattern in word), None) == f


def big_several(patterns: list[bytes], letters: int, length: int, f: int | None) -> int:
    """By the last letters of the word and whether the wanted pattern has occurred."""
    longest = max(map(len, patterns))
    forbidden = patterns if f is None else patterns[:f]
    now: dict[tuple[bytes, bool], int] = {(b"", f is None): 1}
    for _ in range(length):
        following: Counter[tuple[bytes, bool]] = Counter()
        for (end, hit), words in now.items():
            for letter in range(letters):
                read = end + bytes([letter])
                if not read.endswith(tuple(forbidden)):
                    fired = f is not None and read.endswith(patterns[f])
                    following[read[-longest + 1 :], hit or fired] += words
        now = following
    return sum(words for (_, hit), words in now.items() if hit)


CALLS: dict[str, Callable[[], object]] = {
    "at least one": lambda: _words.Uniform(2, 1, 1, 900).words(b"\0", None, 900, KEY),
    "none": lambda: _words.Uniform(2, 3, 3, 90).words(b"\0\0", 0, 90, KEY),
    "two": lambda: _words.Uniform(2, 3, 3, 40).words(b"\0\0", 2, 40, KEY),
    "fires": lambda: _words.Several(2, [b"\0\0", b"\1\0"], 40).words(1, False, 40, KEY),
    "planted": lambda: _words.Several(2, [b"\0\0", b"\1\0"], 40).words(1, True, 40, KEY),
    "near miss": lambda: _words.Several(2, [b"\0\1"], 40).near_misses(0, 1, 40, KEY),
    "none of several": lambda: _words.Several(2, [b"\0\0", b"\1\1"], 40).words(None, True, 40, KEY),
    "several": lambda: _words.Several(26, [bytes(range(i, 26)) for i in range(20)], 40).count(None, 40),
    "count": lambda: _words.Uniform(2, 3, 3, 40).count(b"\0\0", 3, 40),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_allocation_may_fail(call: Callable[[], object]) -> None:
    expected, failures = call(), 0
    for allowed in range(1000):
        _words.fail_allocations_after(allowed)
        try:
            result = call()
        except MemoryError:
            failures += 1
        else:
            assert result == expected
            break
        finally:
            _words.fail_allocations_after(-1)
    assert failures >= 5
