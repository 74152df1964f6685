"""Named cases over every entry point, word type and instruction set; the oracle takes the same table."""

from __future__ import annotations

import pytest
from engines import ENGINES, same, to_bytes, triples
from programs import CASES, Case

import markovlib as mk
from markovlib import _core
from markovlib.testing import oracle

KERNELS = [name for name in ("scalar", "avx2", "avx512", "neon") if _core.simd_force(name)]
_core.simd_force(None)


@pytest.fixture(params=KERNELS)
def kernel(request):
    assert _core.simd_force(request.param)
    yield request.param
    _core.simd_force(None)


def test_the_scalar_kernel_and_another_are_tested():
    assert "scalar" in KERNELS
    assert _core.simd_name() == KERNELS[-1]


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("kind", ["text", "bytes"])
def test_case(case: Case, engine: str, kind: str):
    rules, word, expected = triples(case.rules), case.word, case.expected
    if kind == "bytes":
        rules, word, expected = to_bytes(rules), word.encode(), expected.encode()
    answer = ENGINES[engine](rules, word, case.options)
    steps = answer[2] if case.steps is None else case.steps
    assert same(answer, (expected, case.outcome, steps, case.cycle))


def test_outcomes_are_stable_integers():
    assert {outcome.name: outcome.value for outcome in mk.Outcome} == {
        "TERMINAL_RULE": 1,
        "NO_RULE_APPLIES": 2,
        "STEP_LIMIT": 3,
        "LENGTH_LIMIT": 4,
        "CYCLE": 5,
    }


def test_all_byte_values():
    """Every byte is a letter: rotate the alphabet, the rule of letter b sending it to b + 1."""
    rules = [(bytes([b]), bytes([(b + 1) % 256]), True) for b in range(256)]
    for b in range(256):
        assert mk.RuleSet(rules[b : b + 1]).run(bytes(range(256))).word[b] == (b + 1) % 256
    word = bytes(range(256)) * 3
    assert mk.RuleSet([(b"\x00\x01", b"\xff\xfe\x00")]).run(word).word == word.replace(b"\x00\x01", b"\xff\xfe\x00")


def test_text_positions_count_characters_and_lengths_count_bytes():
    rules = mk.RuleSet([("ж", "aж"), ("☃", "", True)])
    word = "éé☃ж"
    assert rules.step(word) == (0, 3, "éé☃aж")
    assert rules.find(word) == (0, 3)
    assert rules.findall("☃ж☃") == [(0, 1), (1, 0), (1, 2)]
    assert mk.RuleSet([("", "x")]).count("éж☃").tolist() == [4]
    assert [m.position for m in mk.RuleSet([("", "x")]).findall("éж")] == [0, 1, 2]
    assert rules.trace("éж", max_steps=1)[0] == (0, 1, "éaж")
    r = mk.RuleSet([("ж", "жж")]).run("ж", max_length=7)
    assert (r.word, r.outcome, r.max_length_seen) == ("жжж", mk.Outcome.LENGTH_LIMIT, 6)


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_find_count_findall_against_the_oracle(strategy):
    rules = [("ab", "x"), ("", "y"), ("a", "z"), ("bab", "w")]
    for word in ("", "a", "abab", "bbabab", "ccc"):
        assert mk.RuleSet(rules).find(word, strategy=strategy) == oracle.find(triples(rules), word, strategy)
        starts = [[i for i in range(len(word) + 1) if word.startswith(p, i)] for p, _ in rules]
        assert mk.RuleSet(rules).count(word).tolist() == [len(s) for s in starts]
        assert mk.RuleSet(rules).findall(word) == [(r, i) for r, s in enumerate(starts) for i in s]


def test_pairs_are_rules_that_are_not_terminal():
    triples = [("ab", "b", False), ("b", "", False)]
    assert oracle.run([rule[:2] for rule in triples], "aab") == oracle.run(triples, "aab")
    assert oracle.find([("b", "a")], "ab") == (0, 1)
