"""Small scope, completely: two letters, every rule set of one and two rules with sides up to length 2, every word
up to length 5, both strategies, cycles detected, limits met, every matcher, and every change from one to another."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from engines import MATCHERS, same, switched

import markovlib as mk
from markovlib.testing import oracle

SIDES = [b"".join(letters) for n in range(3) for letters in product([b"a", b"b"], repeat=n)]
RULES = [(p, r, t) for p in SIDES for r in SIDES for t in (False, True)]
WORDS = [b"".join(letters) for n in range(6) for letters in product([b"a", b"b"], repeat=n)]
OPTIONS = {"max_steps": 6, "max_length": 9, "detect_cycles": True}


def check(rule_sets, strategy):
    rows = [(rules, word) for rules in rule_sets for word in WORDS]
    runs = [oracle.run(rules, word, strategy=strategy, **OPTIONS) for rules, word in rows]
    expected = [(r.word, r.outcome, r.steps, *(r.trace[0][:2] if r.trace else (-1, -1))) for r in runs]
    for matcher in ("auto", *MATCHERS):
        b = mk.run_rows([r for r, _ in rows], [w for _, w in rows], strategy=strategy, matcher=matcher, **OPTIONS)
        answers = zip(b.words.tolist(), b.outcomes.tolist(), b.steps.tolist(), b.first_rule.tolist(),
                      b.first_position.tolist(), strict=True)  # fmt: skip
        for row, answer, right in zip(rows, answers, expected, strict=True):
            assert answer == right, (matcher, *row)
    return {int(r.outcome) for r in runs}


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_one_rule(strategy):
    assert check([[rule] for rule in RULES], strategy) == {1, 2, 3, 4, 5}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
@pytest.mark.parametrize("part", range(14))
def test_two_rules(strategy, part):
    firsts = RULES[part::14]
    assert check([[one, two] for one in firsts for two in RULES], strategy) == {1, 2, 3, 4, 5}


def check_switches(rule_sets, words, strategy):
    """Before every step of every run, every matcher is replaced by every other one."""
    switches = 0
    for rules, word in product(rule_sets, words):
        r = oracle.run(rules, word, strategy=strategy, **OPTIONS)
        expected = (r.word, r.outcome, r.steps, r.cycle)
        for step, (first, then) in product(range(1, r.steps + 1), permutations(MATCHERS, 2)):
            answer = switched(rules, word, {**OPTIONS, "strategy": strategy}, [(first, step), (then, None)])
            assert same(answer, expected), (rules, word, first, step, then)
            switches += 1
    return switches


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_every_switch_with_one_rule(strategy):
    assert check_switches([[rule] for rule in RULES[::2]], WORDS[1::3], strategy) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_every_switch_with_two_rules(strategy):
    pairs = [[one, two] for one in RULES[::14] for two in RULES[1::5]]
    assert check_switches(pairs, WORDS[::4], strategy) > 10_000
