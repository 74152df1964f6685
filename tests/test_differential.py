"""Random rule sets and words against the oracle, the words built from the rules' own fragments."""

from __future__ import annotations

import random

import pytest
from effort import tries
from engines import ENGINES, MATCHERS, by_matcher, random_schedule, same, switched
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib.testing import oracle, runs

RUNS = runs(
    "abc☃é", count=6, pattern_size=5, replacement_size=5, word_size=40, max_length=300, detect_cycles=None,
    strategies=["markov", "leftmost"],
).map(lambda run: (list(run.rules), run.word, run.limits._asdict()))  # fmt: skip


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "oracle"])
@given(case=RUNS)
@settings(max_examples=tries(100), deadline=None)
def test_every_engine_equals_the_oracle(engine, case):
    rules, word, options = case
    expected = ENGINES["oracle"](rules, word, options)
    assert same(ENGINES[engine](rules, word, options), expected)
    in_bytes = [(p.encode(), r.encode(), t) for p, r, t in rules]
    answer = ENGINES[engine](in_bytes, word.encode(), options)
    assert same(answer, (expected[0].encode(), *expected[1:]))


@given(case=RUNS, last=st.integers(0, 10))
@settings(max_examples=tries(100), deadline=None)
def test_a_ring_keeps_the_newest_steps(case, last):
    rules, word, options = case
    whole, ring = (mk.RuleSet(rules).trace(word, last=k, **options) for k in (None, last))
    assert len(ring) == min(last, len(whole))
    assert ring.first == len(whole) - len(ring)
    assert list(ring) == list(whole)[ring.first :]
    assert list(ring.words()) == list(whole.words())[ring.first :]


@given(case=RUNS, data=st.data())
@settings(max_examples=tries(100), deadline=None)
def test_a_trace_answers_in_any_order(case, data):
    rules, word, options = case
    trace = mk.RuleSet(rules).trace(word, **options)
    expected = [mk.Step(*step) for step in oracle.run(rules, word, **options).trace]
    order = data.draw(st.permutations(range(len(expected))))
    assert [trace[i] for i in order] == [expected[i] for i in order]


def random_rows(seed: int, rows: int) -> tuple[list, list]:
    """Rule sets and words over two or three letters; words are glued from the rules' sides."""
    rng = random.Random(seed)

    def side(longest):
        return bytes(rng.choice(b"abc"[: rng.choice((2, 3))]) for _ in range(rng.randint(0, longest)))

    rule_sets, words = [], []
    for _ in range(rows):
        longest = rng.choice((2, 3, 6))
        rules = [(side(longest), side(longest), rng.random() < 0.15) for _ in range(rng.randint(1, 5))]
        pieces = [s for rule in rules for s in rule[:2]] + [side(4)]
        rule_sets.append(rules)
        words.append(b"".join(rng.choices(pieces, k=rng.randint(0, 6))))
    return rule_sets, words


def check_random(seed: int, rows: int, strategy: str) -> set[int]:
    rule_sets, words = random_rows(seed, rows)
    options = {"max_steps": 25, "max_length": 60, "detect_cycles": seed % 2 == 0, "strategy": strategy}
    expected = [oracle.run(rules, word, **options) for rules, word in zip(rule_sets, words, strict=True)]
    for matcher in ("auto", *MATCHERS):
        b = mk.run_rows(rule_sets, words, matcher=matcher, **options)
        answers = zip(b.words.tolist(), b.outcomes.tolist(), b.steps.tolist(), strict=True)
        for rules, word, answer, r in zip(rule_sets, words, answers, expected, strict=True):
            assert answer == (r.word, r.outcome, r.steps), (matcher, rules, word, options)
    return {int(r.outcome) for r in expected}


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_random_runs(strategy):
    seen = check_random(1, 5_000, strategy) | check_random(2, 5_000, strategy)
    assert seen == {1, 2, 3, 4, 5}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_random_runs(strategy, seed):
    """A million in thorough runs, a third of them in others."""
    assert check_random(seed, tries(52_000), strategy) == ({1, 2, 3, 4, 5} if seed % 2 == 0 else {1, 2, 3, 4})


def long_case(rng: random.Random) -> tuple[list, bytes]:
    """Rules with short and with long sides, and a word of hundreds to thousands of letters of their pieces."""
    letters = b"abc"[: rng.choice((1, 2, 3))]

    def side():
        power = bytes([rng.choice(letters)]) * rng.choice((1, 2, 63, 64, 65, 255, 256, 300))
        some = bytes(rng.choices(letters, k=rng.randint(0, 9)))
        return rng.choice((some, some, some, power, power[1:] + some, some + power))

    rules = [(side(), side(), rng.random() < 0.02) for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.8:
        rules = [(p or b"a", r, t) for p, r, t in rules]
    pieces = [s for rule in rules for s in rule[:2]] + [bytes(rng.choices(letters, k=40))]
    return rules, b"".join(rng.choices(pieces, k=rng.choice((5, 30, 100))))[:6000]


def check_long(seed: int, cases: int) -> int:
    rng, steps = random.Random(seed), 0
    for i in range(cases):
        rules, word = long_case(rng)
        options = {
            "max_steps": 150,
            "max_length": rng.choice((100, 3000, 20_000)),
            "detect_cycles": rng.random() < 0.3,
            "strategy": rng.choice(("markov", "leftmost")),
        }
        expected = ENGINES["oracle"](rules, word, options)
        for matcher in MATCHERS:
            assert same(by_matcher(matcher, rules, word, options), expected), (matcher, rules, word, options)
        answer = switched(rules, word, options, random_schedule(f"{seed} {i}", 12))
        assert same(answer, expected), (rules, word, options)
        steps += expected[2]
    return steps


def test_long_words():
    assert check_long(1, 150) > 5_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_more_long_words(seed):
    assert check_long(seed, tries(1_500)) > 15_000
