"""Rule spaces: numbering, membership and division."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib import Dataset, Recipe, Rule
from markovlib.alphabets import Alphabet
from markovlib.dataset import stream_key
from markovlib.spaces import UniformSpace


@pytest.mark.parametrize(
    ("letters", "pattern", "replacement"), [("ab", 2, 2), ("abc", 1, 2), ("abc", 2, 0), ("ba", 0, 1)]
)
def test_numbering_is_the_order_of_the_alphabet(letters: str, pattern: int, replacement: int) -> None:
    space = UniformSpace(letters, pattern, replacement)
    rules = [
        Rule("".join(x), "".join(y))
        for x in product(letters, repeat=pattern) for y in product(letters, repeat=replacement) if x != y
    ]  # fmt: skip
    assert list(space) == rules
    assert len(space) == space.size == len(rules)
    assert [space.rank(rule) for rule in rules] == list(range(len(rules)))


@given(st.integers(2, 256), st.integers(0, 40), st.integers(1, 40), st.data())
def test_rank_undoes_unrank(letters: int, pattern: int, replacement: int, data: st.DataObject) -> None:
    space = UniformSpace(Alphabet({"bytes": [256 - letters, 255]}), pattern, replacement)
    n = data.draw(st.integers(0, space.size - 1))
    rule = space.unrank(n)
    assert space.rank(rule) == n
    assert rule in space
    assert (len(rule.pattern), len(rule.replacement)) == (pattern, replacement)
    assert rule.pattern != rule.replacement


def test_what_is_not_in_a_space() -> None:
    space = UniformSpace("abc", 2, 2)
    for outside in (("ab", "ab"), ("ab", "a"), ("ad", "ab"), ("a", "bb"), (1, 2), None, ("ab",)):
        assert outside not in space
    with pytest.raises(IndexError, match="rule 72 of a space of 72"):
        space.unrank(72)
    with pytest.raises(ValueError, match="changes nothing"):
        space.rank(("ab", "ab"))
    with pytest.raises(ValueError, match="'d' is not in the alphabet"):
        space.rank(("ad", "ab"))
    with pytest.raises(OverflowError):
        len(UniformSpace("a-z", 20, 20))


@pytest.mark.parametrize(("spec", "letters"), [
    ("a-e", "abcde"), ("a-cx-z", "abcxyz"), ("ab-", "ab-"), ("-ab", "-ab"), ("αβ中😀", "αβ中😀"), ("+--", "+,-"),
])  # fmt: skip
def test_alphabets(spec: str, letters: str) -> None:
    alphabet = Alphabet(spec)
    assert "".join(alphabet.letters) == letters
    assert alphabet.string(alphabet.codes(letters)) == letters
    assert b"".join(alphabet.encoded) == letters.encode()


@pytest.mark.parametrize(("spec", "message"), [
    ("", "2 to 256 letters, got 0"), ("a", "2 to 256 letters, got 1"), ("aba", "'a' occurs twice"),
    ("a-cb", "'b' occurs twice"), ("z-a", "runs backwards"), ("\u0100-\u0300", "more than 256"),
    ("a\ud800", "lone surrogate"),
    ({"bytes": [5, 4]}, "0 <= first"), ({"bytes": [0, 256]}, "0 <= first"), ({"byte": [0, 1]}, "must be text"),
    ({"bytes": [7, 7]}, "2 to 256"),
])  # fmt: skip
def test_bad_alphabets(spec: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Alphabet(spec)  # type: ignore[arg-type]


@given(st.integers(2, 5), st.integers(0, 6), st.integers(0, 6), st.fractions(0, Fraction(99, 100)))
def test_division(letters: int, pattern: int, replacement: int, holdout: Fraction) -> None:
    space = UniformSpace("abcde"[:letters], pattern, replacement)
    train, tests = space.divide(holdout)
    for side, length in ((0, pattern), (1, replacement)):
        size, share = letters**length, train.pairings[0][side].share
        assert share.first == 0
        assert share.count >= 1
        if tests:
            held = tests.pairings[0][side].share.count
            assert tests.pairings[0][side].share.first == share.count
            assert held == size - share.count
            assert held >= 1
            assert abs(held - holdout * size) <= max(Fraction(1, 2), 1 - holdout * size, 1 - (1 - holdout) * size)
    if 0 in (pattern, replacement):
        assert tests is None


@pytest.mark.parametrize("lengths", [(2, 3), (20, 20)])
def test_held_out_is_what_unseen_uses(lengths: tuple[int, int]) -> None:
    recipe = Recipe.load("paper/basic").replace({
        "rules.pattern_length": lengths[0], "rules.replacement_length": lengths[1], "instructions": 300,
        "examples": 300, "eval.examples": 300,
    })  # fmt: skip
    key, holdout = stream_key(9), Fraction(1, 10)
    for split, held_out in (("train", False), ("unseen", True)):
        for example in Dataset(recipe, 9, split):
            assert recipe.space.held_out(key, holdout, "pattern", example.pattern) is held_out
            assert recipe.space.held_out(key, holdout, "replacement", example.replacement) is held_out
            assert example.rules[0] in recipe.space


def test_held_out_counts_every_string_once() -> None:
    space = UniformSpace("abc", 4, 2)
    held = [space.held_out((1, 2), Fraction("0.1"), "pattern", "".join(s)) for s in product("abc", repeat=4)]
    assert sum(held) == 8


def test_sizes_of_thousands_of_digits_are_told_by_how_many_these_are() -> None:
    space = UniformSpace("a-z", 4000, 4000)
    assert repr(space) == "<UniformSpace of a number of 11320 digits rules>"
    with pytest.raises(IndexError, match="rule -1 of a space of a number of 11320 digits"):
        space.unrank(-1)
    with pytest.raises(IndexError, match="rule a number of 11320 digits of a space"):
        space.unrank(space.size)
