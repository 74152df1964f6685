"""Schemes stand for the rules that the definition says, and no more of them than is allowed."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib.notations import parse
from markovlib.schemes import Size, expand, expanded_size

SIDES = st.text("xya1", max_size=3)
LETTERS = st.text("abc1x", min_size=1, max_size=4)


def bound(rule) -> bool:
    return set(rule[1]) & {*"xy"} <= set(rule[0])


RULES = st.lists(st.tuples(SIDES, SIDES, st.booleans()).filter(bound), max_size=3)


def by_definition(rules, variables):
    """One letter after another by a choice of letters for all variables, in which those not there are left out."""
    for pattern, replacement, terminal in rules:
        seen = []
        for choice in product(*variables.values()):
            letters = dict(zip(variables, choice, strict=True))
            instance = tuple("".join(letters.get(x, x) for x in side) for side in (pattern, replacement))
            if instance not in seen:
                seen.append(instance)
                yield *instance, terminal


@given(RULES, LETTERS, LETTERS)
def test_schemes_are_all_their_instances_in_order(rules, x: str, y: str) -> None:
    variables = {"x": x, "y": y}
    expected = list(by_definition(rules, variables))
    assert [tuple(rule) for rule in expand(rules, variables)] == expected
    assert expanded_size(rules, variables) == Size(len(expected), sum(len(p + r) for p, r, _ in expected))
    swapped = {"y": y, "x": x}
    assert [tuple(rule) for rule in expand(rules, swapped)] == list(by_definition(rules, swapped))
    assert {*expand(rules, swapped)} == {*expand(rules, variables)}
    as_bytes = [(p.encode(), r.encode(), t) for p, r, t in rules]
    made = expand(as_bytes, {b"x": x.encode(), b"y": y.encode()})
    assert [(p.decode(), r.decode(), t) for p, r, t in made] == expected


@given(RULES, LETTERS.filter(lambda letters: "-" not in letters), LETTERS)
def test_files_of_schemes_are_the_same(rules, x: str, y: str) -> None:
    arrows = mk.RuleSet(rules).format("arrow")
    assert mk.RuleSet(parse(f"for x in {x}\nfor y in {y}\n{arrows}", "arrow-schemes")) == expand(
        rules, {"x": x, "y": y}
    )


def test_the_earlier_letter_fires_first() -> None:
    assert expand([("xx", "x")], {"x": "ab"}).find("bbaa") == (0, 2)
    assert expand([("xx", "x")], {"x": "ba"}).find("bbaa") == (0, 0)


def test_the_greatest_size() -> None:
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 362)))
    size = expanded_size([("xy", "yx")], {"x": letters, "y": letters})
    assert size == (362 * 362, 4 * 362 * 362)
    with pytest.raises(ValueError, match="stand for 131045 rules"):
        expand([("xy", "yx"), ("c", "")], {"x": letters, "y": letters}, max_rules=131_044)
    few = {"x": letters[:30], "y": letters[30:60]}
    assert len(expand([("xy", "yx")], few, max_rules=900, max_letters=3600)) == 900
    with pytest.raises(ValueError, match="stand for 900 rules"):
        expand([("xy", "yx")], few, max_rules=899)
    with pytest.raises(ValueError, match="with 8 letters, more than the limits of 131072 rules and 7 letters"):
        expand([("xa", "ax")], {"x": "ab"}, max_letters=7)
    assert expanded_size([("pqrstuvw", "")], dict.fromkeys("pqrstuvw", letters)).rules == 362**8


@pytest.mark.parametrize(
    ("rules", "variables", "error", "message"),
    [
        ([("a", "b"), ("a", "x")], {"x": "ab"}, ValueError, "rule 2: variable 'x' is not in the pattern"),
        ([("x", "x")], {"xy": "ab"}, ValueError, "variable 'xy' is a single letter"),
        ([("x", "x")], {"x": ""}, ValueError, "stands for at least one, got ''"),
        ([(b"x", b"x")], {"x": "ab"}, TypeError, "variable 'x' and its letters are bytes"),
        ([("x", "x")], {b"x": b"ab"}, TypeError, "are str, as the rules are, got b'x'"),
        ([("x", b"x")], {"x": "ab"}, TypeError, "rule"),
    ],
)
def test_what_is_no_scheme(rules, variables, error, message: str) -> None:
    for function in (expand, expanded_size):
        with pytest.raises(error, match=message):
            function(rules, variables)
