"""`rewrite_once` against plain Python: words and patterns of every length around the widths of the vector kernels."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib import _core

KERNELS = [name for name in ("scalar", "avx2", "avx512", "neon") if _core.simd_force(name)]
_core.simd_force(None)
ALPHABETS = (b"a", b"ab", b"abcdefghijklmnopqrstuvwxyz", bytes(range(256)))


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    assert _core.simd_force(request.param)
    yield
    _core.simd_force(None)


def plain(pattern: bytes, replacement: bytes, word: bytes) -> tuple[bytes, int]:
    at = word.find(pattern)
    return (word, -1) if at < 0 else (word[:at] + replacement + word[at + len(pattern) :], at)


def check(patterns: list[bytes], replacements: list[bytes], words: list[bytes], threads: int = 1) -> None:
    got = mk.rewrite_once(patterns, replacements, words, threads=threads)
    rules = [side * len(words) if len(side) == 1 else side for side in (patterns, replacements)]
    expected = [plain(*row) for row in zip(*rules, words, strict=True)]
    assert list(zip(got.words.tolist(), got.positions.tolist(), strict=True)) == expected


def letters(rng: random.Random, alphabet: bytes, length: int) -> bytes:
    return bytes(rng.choices(alphabet, k=length))


def pattern_for(rng: random.Random, alphabet: bytes, word: bytes) -> bytes:
    """A part of the word, a part with one letter changed, or letters that need not occur in it."""
    length = rng.randint(0, rng.choice((3, 8, 20, 80)))
    start = rng.randint(0, max(0, len(word) - length))
    part = bytearray(word[start : start + length])
    kind = rng.randrange(3)
    if kind == 0 or not part:
        return letters(rng, alphabet, length)
    if kind == 1:
        part[rng.randrange(len(part))] = rng.choice(alphabet)
    return bytes(part)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("alphabet", ALPHABETS, ids=len)
def test_every_length_of_word(alphabet: bytes, threads: int) -> None:
    rng = random.Random(len(alphabet) + threads)
    words = [letters(rng, alphabet, length) for length in range(201) for _ in range(12)]
    patterns = [pattern_for(rng, alphabet, word) for word in words]
    replacements = [letters(rng, alphabet, rng.choice((0, 1, 5, 16, 63, 64, 65, 130))) for _ in words]
    check(patterns, replacements, words, threads)
    check(patterns[-1:], replacements, words, threads)
    check(patterns, replacements[-1:], words, threads)


@pytest.mark.usefixtures("kernel")
def test_every_length_of_pattern_at_every_place() -> None:
    for length in range(81):
        rows = [b"a" * at + b"b" * length + b"a" * (80 - length - at) for at in range(81 - length)]
        check([b"b" * length], [b"xy"], rows)
        check([b"b" * length] * len(rows), [b"x" * length] * len(rows), rows)


@pytest.mark.usefixtures("kernel")
def test_periodic_patterns() -> None:
    """Every start is a candidate by its ends, and only one, or none, is an occurrence."""
    for period in range(1, 9):
        unit = b"ab" * 4 + b"c"
        text = (unit[:period] * 200)[:130]
        for length in (1, 2, 3, 5, 16, 31, 33, 63, 64, 65, 80):
            pattern = text[:length]
            words = [text[start:end] for start in range(period + 1) for end in (length, 60, 64, 65, 130)]
            for replaced in (pattern, pattern[:-1] + b"x", b"x" + pattern[1:], pattern[: length // 2] + b"x"):
                check([replaced], [b""], words)
                check([replaced], [b"-"], [word + replaced for word in words])


@pytest.mark.usefixtures("kernel")
def test_a_part_of_a_column() -> None:
    rng = random.Random(7)
    words = [letters(rng, b"ab", rng.randint(0, 70)) for _ in range(300)]
    patterns = [letters(rng, b"ab", rng.randint(0, 6)) for _ in words]
    column, rules = mk.Column.from_words(words), mk.Column.from_words(patterns)
    for start, end in ((0, 300), (1, 299), (17, 18), (150, 300), (299, 300), (5, 5)):
        got = mk.rewrite_once(rules[start:end], [b"-"] * (end - start), column[start:end])
        expected = [
            plain(pattern, b"-", word) for pattern, word in zip(patterns[start:end], words[start:end], strict=True)
        ]
        assert list(zip(got.words.tolist(), got.positions.tolist(), strict=True)) == expected


@pytest.mark.usefixtures("kernel")
def test_a_word_that_grows_much_and_one_that_vanishes() -> None:
    check([b"a"], [b"b" * 100_000], [b"a", b"", b"ca"] * 20)
    check([b"a" * 50], [b""], [b"a" * 50] * 5000, threads=2)


def test_positions_of_text_are_bytes() -> None:
    got = mk.rewrite_once(["ж"], ["é"], ["aéж", "ж", "é"])
    assert got.words.tolist() == ["aéé", "é", "é"]
    assert got.positions.tolist() == [3, 0, -1]


rows = st.lists(st.tuples(*[st.text("ab", max_size=size) for size in (4, 70, 140)]), min_size=1)


@given(rows, st.integers(1, 3))
def test_any_rows(given_rows: list[tuple[str, str, str]], threads: int) -> None:
    patterns, replacements, words = ([side.encode() for side in sides] for sides in zip(*given_rows, strict=True))
    check(patterns, replacements, words, threads)


def test_no_words_have_the_kind_of_the_rules():
    for patterns, replacements, text in ((["a"], ["b"], True), ([b"a"], [], False), ([], ["b"], True), ([], [], False)):
        got = mk.rewrite_once(patterns, replacements, iter([]))
        assert (got.words.text, len(got.words), len(got.positions)) == (text, 0, 0)
    with pytest.raises(TypeError, match="replacements: row 0 is bytes, expected str"):
        mk.rewrite_once(["a"], [b"b"], [])
