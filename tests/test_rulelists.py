"""Listed rules: numbered as listed, divided so that training and held-out rules share no side."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_stream import permute, philox

from markovlib import Dataset, Recipe, RecipeError, Rule
from markovlib._stream import RuleSpace as EngineSpace
from markovlib.membership import strata_of
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


# ---- lists of which a task can use some rules ----------------------------------------------------------------------

SCHEMES = [("aX", "Xba"), ("bX", "Xab"), ("XYX", "YX"), ("cXY", "YXc"), ("XX", "Xd")]
BASIC = Recipe.load("paper/basic").replace(
    {"eval.examples": 40, "words.length": 24, "rules.alphabet": "a-d"}, examples=40
)


def used(recipe: Recipe, split: str = "train") -> set[tuple[str, str]]:
    return {(example.pattern, example.replacement) for example in Dataset(recipe, 3, split)}


def test_short_lists_of_schemes() -> None:
    """Every scheme of a list is an instruction; what is none is left out."""
    no_schemes = [("X", "aX"), ("ab", "ba"), ("YX", "XY"), ("XXa", "Y"), ("XXb", "c")]
    recipe = BASIC.replace({"task.kind": "scheme", "rules.list": SCHEMES + no_schemes}, instructions=4)
    assert used(recipe) | used(recipe, "unseen") == set(SCHEMES)
    assert len(used(recipe)) == 4
    assert used(recipe, "seen") == used(recipe)
    with pytest.raises(
        RecipeError, match=r"the rule space holds 4 .* \(of 5 rules that the task can use, of 10 listed\)"
    ):
        recipe.replace(instructions=5)
    with pytest.raises(RecipeError, match=r"rules.list: has no rule that is a scheme, and 5 in all"):
        recipe.replace({"rules.list": no_schemes})
    moved = BASIC.replace({
        "task.kind": "scheme", "rules.pattern_length": 3, "rules.replacement_length": 5, "rules.holdout": 0.5,
        "shifts": {"listed": {"rules.list": SCHEMES}}, "instructions": 2,
    })  # fmt: skip
    assert set() < used(moved, "listed") <= {rule for rule in SCHEMES if len(rule[0]) == 2}


SHORT = st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.text("abc", max_size=4)).filter(
    lambda rule: rule[0] != rule[1]), min_size=1, max_size=12, unique=True)  # fmt: skip


def proved(pattern: str, replacement: str) -> bool:
    """By definition: every step makes the word shorter, or as long and smaller in an order, or lighter by weights."""
    shorter = len(replacement) <= len(pattern)
    weights = ({"a": a, "b": b, "c": c} for a, b, c in product(range(6), repeat=3))
    return shorter or any(sum(map(w.get, pattern)) > sum(map(w.get, replacement)) for w in weights)


@given(SHORT)
def test_short_lists_of_runs(rules) -> None:
    """Instructions are the rules of which the engine proves that they terminate, each with its proof."""
    changes = {"task.kind": "run", "task.halting": False, "rules.list": rules, "rules.alphabet": "abc"}
    kept = {rule for rule in rules if proved(*rule)}
    if not kept:
        with pytest.raises(RecipeError, match=r"rules.list: has no rule that is proved to terminate"):
            BASIC.replace(changes)
        return
    recipe = BASIC.replace(changes, examples=None, instructions=None)
    assert {(rule.pattern, rule.replacement) for rule in recipe.space} == kept
    ds = Dataset(recipe, 3)
    made = {ds[i] for i in range(ds.report()["possible_instructions"])}
    assert all(example.certificate for example in made)
    assert {(rule.pattern, rule.replacement) for example in made for rule in example.rules} <= kept
    assert len(made) >= len(kept) - len(kept) // 2 - 1
    assert set(recipe.replace({"rules.terminating": False}).space) == {Rule(*rule) for rule in rules}


@pytest.mark.parametrize(("changes", "split", "path", "problem"), [
    ({"rules.per_example": 2}, "train", "rules.list",
     "has 4 rules for the split 'train', and 3 instructions need 384, since each is the first of 64 candidates that"),
    ({"rules.per_example": 2, "rules.pool": 3}, "train", "rules.pool",
     "3 rules have 5 tuples of 2 for the split 'train', and 3 instructions need 192, since each is the first of 64"),
    ({"task.kind": "rewrite", "rules.per_example": 2, "instructions": 2}, "unseen", "rules.list",
     "has 1 rule for the split 'unseen', and an instruction needs 2"),
    ({"task.kind": "rewrite", "rules.list": [("a", "b")], "instructions": 1}, "unseen", "rules.list",
     "no rule can be held out for the split 'unseen': there is one only"),
    ({"task.kind": "rewrite", "rules.list": None, "rules.alphabet": "abc", "rules.pattern_length": 2,
      "rules.replacement_length": 3, "rules.per_example": 4, "instructions": 2}, "unseen", "rules",
     "the space has 3 rules for the split 'unseen', and an instruction needs 4"),
    ({"task.kind": "scheme", "rules.list": None, "rules.alphabet": "ab", "rules.pattern_length": 2,
      "rules.replacement_length": 2}, "train", "rules",
     "the space has 462 rules for the split 'train', and 3 instructions need 12288, since each is the first of 4096"),
])  # fmt: skip
def test_too_few_rules_are_told_in_numbers(changes, split: str, path: str, problem: str) -> None:
    rules = [("ab", "ba"), ("aab", "c"), ("c", "d"), ("dd", "a"), ("ac", "bb")]
    with pytest.raises(RecipeError) as caught:
        Dataset(BASIC.replace({"task.kind": "run", "rules.list": rules, "instructions": 3, **changes}), 3, split)
    assert caught.value.path == path
    assert problem in caught.value.problem


@pytest.mark.parametrize("size", [63, 64, 70, 71, 72])
def test_lists_about_as_long_as_candidates(size: int) -> None:
    """Of 71 rules, half of which do not terminate, training has 64: then candidates are looked through."""
    sides = ["".join(letters) for letters in product("ab", repeat=8)]
    listed = [(side, f"c{side[1:]}") for side in sides[: size // 2]] + [
        (side, f"{side}d") for side in sides[size // 2 : size]
    ]
    changes = {"task.kind": "run", "rules.list": listed, "words.length": 30, "task.halting": False}
    recipe = BASIC.replace(changes, examples=None, instructions=None)
    ds = Dataset(recipe, 3)
    possible = ds.report()["possible_instructions"]
    if size <= 70:
        assert recipe.space.size == size // 2
    else:
        assert (recipe.space.size, possible) == (size, recipe.divide()[0].possible // 64)
    assert all(ds[i].certificate for i in range(possible))


def test_anagrams_terminate() -> None:
    listed = [("ab", "ba"), ("c", "dd"), ("d", "cc")]
    recipe = BASIC.replace({"task.kind": "run", "rules.list": listed}, examples=None, instructions=None)
    assert ("ab", "ba") in {(rule.pattern, rule.replacement) for rule in recipe.space}


def test_strata_of_a_list() -> None:
    space = BASIC.replace({"rules.list": [("ab", "c"), ("cd", "a")]}, instructions=1).space
    assert strata_of(space, ["ab", "ab", "cd"], ["c", "a", "a"]).tolist() == [0, -1, 0]
