"""Listed rules: numbered as listed, divided so that training and held-out rules share no side."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_stream import permute, philox

from markovlib import Dataset, Recipe, Rule
from markovlib._stream import RuleSpace as EngineSpace
from markovlib.rulelists import RuleList
from markovlib.spaces import SpaceError

SIDES = st.text("ab", max_size=3)
RULES = st.lists(st.tuples(SIDES, SIDES).filter(lambda rule: rule[0] != rule[1]), min_size=1, max_size=40, unique=True)
KEYS = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


def components(rules):
    """Sets of rules joined by equal patterns or equal replacements."""
    left, found = list(rules), []
    while left:
        joined = [left.pop(0)]
        while more := [rule for rule in left if any(rule[0] == x or rule[1] == y for x, y in joined)]:
            joined += more
            left = [rule for rule in left if rule not in more]
        found.append(joined)
    return found


def reference(rules, key, holdout, held_out):
    """The instructions of a share in order, from docs/stream.md."""
    parts = sorted(components(rules), key=lambda part: min(map(rules.index, part)))
    wanted = max(1, (2 * holdout * len(rules) + 1) // 2)
    taken: Counter[int] = Counter()
    for i in range(len(parts)):
        size = len(parts[permute((0, 0), len(parts), i)])
        if size <= wanted - sum(n * count for n, count in taken.items()):
            taken[size] += 1
    if taken.total() == len(parts):
        taken[max(taken)] -= 1
    if len(parts) == 1:
        taken.clear()
    elif not taken:
        taken[min(map(len, parts))] = 1
    held = []
    for size, count in taken.items():
        same = [part for part in parts if len(part) == size]
        subkey = philox(key, (len(same), size, 4 << 48, 1))[:2]
        held += [rule for i in range(len(same) - count, len(same)) for rule in same[permute(subkey, len(same), i)]]
    own = [rule for rule in rules if (rule in held) == held_out]
    order = philox(key, (len(own), 0, 4 << 48, 1))[:2] if own else None
    return [own[permute(order, len(own), j)] for j in range(len(own))]


@given(RULES, KEYS, st.fractions(0, Fraction(99, 100)))
def test_division(rules: list[tuple[str, str]], key: tuple[int, int], holdout: Fraction) -> None:
    space = RuleList("ab", rules)
    assert [tuple(rule[:2]) for rule in space] == rules
    assert sorted(map(len, space.components)) == sorted(map(len, components(rules)))
    train, tests = space.divide(holdout)
    shares = []
    for share, held_out in ((train, False), (tests, True)):
        expected = reference(rules, key, holdout, held_out)
        if share is None:
            assert not expected
            continue
        engine = EngineSpace(key, share.for_engine())
        listed = [engine.rule(j) for j in range(engine.possible)]
        assert [(space.alphabet.string(x), space.alphabet.string(y)) for x, y, _ in listed] == expected
        assert engine.possible == share.possible == len(expected) > 0
        assert engine.rules(range(min(32, len(expected)))) == listed[:32]
        sides = [{space.alphabet.codes(rule[side]) for rule in expected} for side in (0, 1)]
        for side in (0, 1):
            for string in {rule[side] for rule in rules} | {"", "bbbb", "abab"}:
                codes = space.alphabet.codes(string)
                assert engine.holds(side, codes) == (codes in sides[side])
        assert engine.widest == tuple(max(map(len, strings)) for strings in sides)
        shares.append(sides)
    assert train.possible + (tests.possible if tests else 0) == len(rules)
    if tests:
        assert not shares[0][0] & shares[1][0]
        assert not shares[0][1] & shares[1][1]
        smallest = min(map(len, components(rules)))
        assert tests.possible <= max(1, holdout * len(rules) + Fraction(1, 2), smallest)
    else:
        assert len(components(rules)) == 1


def test_every_seed_holds_out_as_many_and_any_rule() -> None:
    rules = [(a + b, b) for a, b in zip("abcdefghijkl", "lkjihgfedcba", strict=True)]
    _, tests = RuleList("a-l", rules).divide(Fraction(1, 6))
    assert tests is not None
    held = Counter()
    for seed in range(600):
        engine = EngineSpace((seed, 1), tests.for_engine())
        assert engine.possible == 2
        held.update(engine.rule(j)[0] for j in range(2))
    assert len(held) == 12
    assert all(60 < count < 145 for count in held.values())  # 100 each on average; 9 standard deviations are 82


def test_numbering_and_errors() -> None:
    space = RuleList("ab", [("a", "b"), ("", "ab")])
    assert space.unrank(1) == Rule("", "ab")
    assert [space.rank(("a", "b")), space.rank(Rule("", "ab"))] == [0, 1]
    assert ("b", "a") not in space
    assert ("x", "a") not in space
    assert (space.pattern_lengths, space.replacement_lengths) == ((0, 1), (1, 2))
    assert space.strata[0][:4] == ("list", None, None, None)
    assert space.strata[0].possible == space.size == len(space) == 2
    with pytest.raises(ValueError, match="not listed"):
        space.rank(("b", "a"))
    with pytest.raises(IndexError, match="rule 2 of a list of 2"):
        space.unrank(2)
    with pytest.raises(SpaceError, match=r"list\[1\]: repeats list\[0\]"):
        RuleList("ab", [("a", "b"), ("a", "b")])


def test_bytes() -> None:
    recipe = Recipe.load("paper/no-op").replace({
        "rules.alphabet": {"bytes": [0, 255]}, "rules.list": [[[0, 255], []], ["ab", [1]], ["é", "ab"]],
        "instructions": 2, "eval.instructions": 1, "eval.examples": 50, "examples": 200, "words.length": 12,
    })  # fmt: skip
    listed = {(b"\0\xff", b""), (b"ab", b"\1"), ("é".encode(), b"ab")}
    train = {(example.pattern, example.replacement) for example in Dataset(recipe, 3)}
    unseen = {(example.pattern, example.replacement) for example in Dataset(recipe, 3, "unseen")}
    assert (len(train), len(unseen)) == (2, 1)
    assert train | unseen == listed


def test_a_list_that_cannot_be_divided() -> None:
    recipe = Recipe.load("paper/no-op").replace({
        "rules.list": [["a", "b"], ["a", "c"], ["b", "c"]], "instructions": 3,
    })  # fmt: skip
    assert len({(example.pattern, example.replacement) for example in Dataset(recipe, 3)[0:30]}) == 3
    with pytest.raises(ValueError, match="the rules of the list are all joined by sides that they share"):
        Dataset(recipe, 3, "unseen")
