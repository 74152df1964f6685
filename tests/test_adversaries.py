"""Hostile programs: right at a small size, and at a large one a step's cost does not depend on the word.

Costs are letters scanned and moved, which the run counts; no clock is read.
"""

from __future__ import annotations

from functools import cache

import pytest
from adversaries import ADVERSARIES, oscillation, round_trip, tide
from effort import slow_but
from engines import ENGINES, MATCHERS, by_matcher, random_schedule, same, switched
from touched import letters_a_step

import markovlib as mk

STRATEGIES = ("markov", "leftmost")
FLAT = 1.5  # the most that a step on 10^6 letters may cost, against one on 10^5
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


def check(rules, word, options):
    """The word, its outcome and every step, for every matcher and for one that changes."""
    expected = ENGINES["oracle"](rules, word, options)
    for matcher in ("auto", *MATCHERS):
        assert same(by_matcher(matcher, rules, word, options), expected), matcher
    for seed in range(5):
        schedule = random_schedule(str(seed), max(1, expected[2] // 12))
        assert same(switched(rules, word, options, schedule), expected), seed
    return expected


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", ADVERSARIES)
def test_small(name, strategy):
    rules, word = ADVERSARIES[name].make(*ADVERSARIES[name].small)
    expected = check(rules, word, {"strategy": strategy, "max_steps": 400})
    assert expected[2] >= 20


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_small_tide(strategy):
    rules, word = tide(3, 5)
    options = {"strategy": strategy, "max_steps": 1000}
    assert check(rules, word, options)[0].strip(b"^$0123") == b"g" * 10
    assert mk.RuleSet(rules).run(word, **options).max_length_seen == 10 * 5**3 + 3


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("length", LENGTHS)
def test_small_oscillation(length, strategy):
    for k in (2, 40):
        check(*oscillation(length, k), {"strategy": strategy, "max_steps": 100})


@cache
def large(name, n):
    rules, word = ADVERSARIES[name].make(n, ADVERSARIES[name].k)
    return mk.RuleSet(rules), word


@pytest.mark.parametrize("matcher", ["index", "auto"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", slow_but(set(ADVERSARIES) - {"many rules"}, ADVERSARIES))
def test_a_step_costs_the_same_on_a_longer_word(name, strategy, matcher):
    steps = ADVERSARIES[name].steps
    costs = [letters_a_step(*large(name, n), steps, matcher, strategy) for n in (10**5, 10**6)]
    assert costs[1] <= FLAT * costs[0], costs


@pytest.mark.parametrize("n", [4, 32, 256, 100])
def test_small_round_trip(n):
    check(*round_trip(n), {"detect_cycles": True, "max_steps": 4 * n})


@pytest.mark.parametrize("matcher", ["index", "auto"])
def test_looking_for_cycles_costs_the_same_on_a_longer_word(matcher):
    """In a whole round of comparisons with a word that differs from each of the others in one letter only."""

    def letters_a_step(n):
        rules, word = round_trip(n)
        runner = mk.RuleSet(rules).runner(word, max_steps=None, matcher=matcher, detect_cycles=True)
        runner.step(n)
        before = runner._run.letters
        runner.step(None)
        assert (runner.result.outcome, runner.steps, runner.result.cycle) == (mk.Outcome.CYCLE, 2 * n, (0, n))
        return (runner._run.letters - before) / n

    costs = [letters_a_step(n) for n in (2**17, 2**20)]
    assert costs[1] <= FLAT * costs[0], costs


def whole_run(levels, matcher, strategy):
    rules, word = tide(levels, 16)
    r = mk.RuleSet(rules).runner(word, max_steps=None, strategy=strategy, matcher=matcher)
    r.step(None)
    assert r.word.strip(b"^$0123456789") == bytes([97 + 2 * levels]) * 10
    assert r.result.max_length_seen == 10 * 16**levels + 3
    return r._run.letters / r.steps


@pytest.mark.parametrize("matcher", ["index", "auto"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_word_that_grows_and_shrinks_back(strategy, matcher):
    """Ten letters become 40,960 or 655,360, and ten again."""
    assert whole_run(4, matcher, strategy) <= FLAT * whole_run(3, matcher, strategy)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_word_that_grows_to_ten_megabytes_and_shrinks_back(strategy):
    assert whole_run(5, "auto", strategy) <= FLAT * whole_run(3, "auto", strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("k", [2, 40])
@pytest.mark.parametrize("length", LENGTHS)
def test_oscillation_around_a_length_costs_no_more_than_staying(length, k, strategy):
    """The run that chooses for itself does not change for ever: each change would cost more letters than the word has,
    and no step of a forced matcher costs so many."""
    rules, word = oscillation(length, k)
    forced = [letters_a_step(mk.RuleSet(rules), word, 2000, matcher, strategy) for matcher in MATCHERS]
    assert letters_a_step(mk.RuleSet(rules), word, 2000, "auto", strategy) <= 1.2 * max(forced)
