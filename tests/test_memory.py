"""The memory of a run stays within the bound that docs/DESIGN.md states, whatever the rules; counted by the engine."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
from functools import cache
from itertools import product

import pytest
from effort import slow_but
from engines import MATCHERS

import markovlib as mk
from markovlib import _core

LETTER, PATTERN_BYTE, CONSTANT = 16, 64, 2**20


@pytest.fixture
def watched():
    gc.collect()
    gc.freeze()  # what is left of other tests is gone through once, not for each of these
    _core.watch_memory(True)
    yield
    _core.watch_memory(False)


@cache
def nested_powers():
    """Θ(n * k) occurrences."""
    rules = [(b"a" * k, b"a" * (k - 1) + b"b") for k in range(200, 0, -1)]
    return rules, b"a" * 1_000_000


@cache
def long_patterns():
    """An automaton of ten million states; the patterns share little."""
    chance = random.Random(1)
    patterns = [chance.randbytes(100_000) for _ in range(100)]
    return [(p, b"") for p in patterns], patterns[3][1:] + patterns[7] + patterns[9][:-1]


@cache
def many_rules():
    chance = random.Random(2)
    rules = [(bytes(chance.choices(b"abcdefgh", k=8)), b"x") for _ in range(100_000)]
    return rules, b"".join(p for p, _ in rules[::2])


@cache
def short_patterns():
    """Every word of two bytes is a pattern."""
    rules = [(bytes(pair), b"") for pair in product(range(256), repeat=2)]
    return rules, bytes(range(256)) * 40


QUICK = [nested_powers, many_rules, short_patterns]
HOSTILE = slow_but(QUICK, [*QUICK, long_patterns])


def bound(rules, longest):
    return LETTER * longest + PATTERN_BYTE * sum(len(p) for p, _ in rules) + CONSTANT


@pytest.mark.usefixtures("watched")
def test_the_peak_is_counted():
    rules = mk.RuleSet([("a" * 1000, "b")])
    before = _core.memory_peak()
    assert 1000 <= before < 100_000
    rules.run("c" * 1_000_000)
    assert 1_000_000 <= _core.memory_peak() - before <= LETTER * 1_000_000
    _core.watch_memory(True)
    rules.run("c" * 1000)
    assert 1000 <= _core.memory_peak() < 100_000


def test_the_count_does_not_depend_on_what_was_freed_before():
    """In a new process a large block is a mapping of its own, with room behind it that is nobody's."""
    code = "\n".join([
        "import markovlib as mk", "from markovlib import _core",
        "rules = [(bytes([a, b]), b'') for a in range(256) for b in range(256)]",
        "_core.watch_memory(True)", "compiled = mk.RuleSet(rules)", "print(_core.memory_peak())",
    ])  # fmt: skip
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 48 * 2**16 <= int(found.stdout) <= 48 * 2**16 + 2 * 2 * 2**16 + 2**16


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("matcher", ["auto", *MATCHERS])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_rules(hostile, matcher):
    """The rules are compiled once for both strategies: that takes most of the time."""
    rules, word = hostile()
    compiled = mk.RuleSet(rules)
    for strategy in ("markov", "leftmost"):
        r = compiled.run(word, max_steps=50, strategy=strategy, matcher=matcher)
        assert r.steps > 0
        assert _core.memory_peak() <= bound(rules, r.max_length_seen)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("matcher", ["auto", *MATCHERS])
def test_cycle_detection_keeps_a_few_copies_of_the_word(matcher):
    rules, n = [(b"a", b"bb"), (b"bb", b"a")], 1_000_000
    word = b"c" * n + b"a"
    r = mk.RuleSet(rules).run(word, max_steps=100, detect_cycles=True, matcher=matcher)
    assert r.outcome == mk.Outcome.CYCLE
    assert _core.memory_peak() <= bound(rules, r.max_length_seen) + 4 * n


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("matcher", ["auto", *MATCHERS])
def test_memory_follows_a_word_that_grows_and_shrinks(matcher):
    """Ten thousand splits and merges of whatever the word is kept in."""
    rules = [(b"+", b"<" * 1000 + b"-"), (b"-", b">" * 1000), (b"<" * 500, b""), (b">" * 500, b"")]
    r = mk.RuleSet(rules).run(b"+" * 2_000, strategy="leftmost", matcher=matcher)
    assert r.word == b""
    assert _core.memory_peak() <= bound(rules, max(r.max_length_seen, 2_000))


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("matcher", ["auto", *MATCHERS])
def test_an_explosion_meets_its_limit_before_memory_ends(matcher):
    rules, limit = [(b"a", b"a" * 100_000)], 2**24
    r = mk.RuleSet(rules).run(b"a", max_length=limit, matcher=matcher)
    assert r.outcome == mk.Outcome.LENGTH_LIMIT
    assert len(r.word) > limit - 100_000
    assert _core.memory_peak() <= bound(rules, limit)


@pytest.mark.usefixtures("watched")
def test_a_step_that_is_too_long_is_never_made():
    """The replacement alone is longer than max_length: nothing of its size is allocated for the word."""
    rules = mk.RuleSet([(b"a", b"b" * 10_000_000)])
    before = _core.memory_peak()
    r = rules.run(b"a", max_length=1000)
    assert (r.word, r.outcome) == (b"a", mk.Outcome.LENGTH_LIMIT)
    assert _core.memory_peak() - before < CONSTANT
