"""Small scope, completely: two letters, every rule set of one and two rules with sides up to length 2, every word
up to length 5, both strategies, cycles detected, limits met."""

from __future__ import annotations

from itertools import product

import pytest

import markovlib as mk
from markovlib.testing import oracle

SIDES = [b"".join(letters) for n in range(3) for letters in product([b"a", b"b"], repeat=n)]
RULES = [(p, r, t) for p in SIDES for r in SIDES for t in (False, True)]
WORDS = [b"".join(letters) for n in range(6) for letters in product([b"a", b"b"], repeat=n)]
OPTIONS = {"max_steps": 6, "max_length": 9, "detect_cycles": True}


def check(rule_sets, strategy):
    rows = [(rules, word) for rules in rule_sets for word in WORDS]
    b = mk.run_rows([r for r, _ in rows], [w for _, w in rows], strategy=strategy, **OPTIONS)
    answers = zip(b.words.tolist(), b.outcomes.tolist(), b.steps.tolist(), b.first_rule.tolist(),
                  b.first_position.tolist(), strict=True)  # fmt: skip
    for (rules, word), answer in zip(rows, answers, strict=True):
        r = oracle.run(rules, word, strategy=strategy, **OPTIONS)
        first = r.trace[0][:2] if r.trace else (-1, -1)
        assert answer == (r.word, r.outcome, r.steps, *first), (rules, word)
    return set(b.outcomes.tolist())


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_one_rule(strategy):
    assert check([[rule] for rule in RULES], strategy) == {1, 2, 3, 4, 5}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
@pytest.mark.parametrize("part", range(14))
def test_two_rules(strategy, part):
    firsts = RULES[part::14]
    assert check([[one, two] for one in firsts for two in RULES], strategy) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_two_rules_thinned(strategy):
    """Every eleventh pair; the slow test has them all."""
    pairs = [[one, two] for one in RULES for two in RULES]
    assert check(pairs[::11], strategy) == {1, 2, 3, 4, 5}
