"""Programs that other people wrote, with the answers they or an independent computation gave."""

from __future__ import annotations

import json

import pytest
from engines import MATCHERS, random_schedule

import markovlib as mk

SLOW_STEPS = 2_000_000
HALTS = {"terminal": mk.Outcome.TERMINAL_RULE, "blocked": mk.Outcome.NO_RULE_APPLIES}


@pytest.fixture(scope="module")
def programs(corpus):
    with (corpus / "programs.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def check(program, matcher="auto"):
    rules = mk.RuleSet([tuple(rule) for rule in program["rules"]])
    if program.get("nonterminating"):
        r = rules.run(program["input"], max_steps=20_000, max_length=100_000, matcher=matcher)
        assert not r.halted, program["name"]
        return
    r = rules.run(program["input"], max_steps=None, matcher=matcher)
    assert (r.word, r.steps) == (program["expected"], program["steps"]), program["name"]
    assert r.outcome == HALTS[program["halt"]], program["name"]


def test_programs(programs):
    fast = [p for p in programs if (p["steps"] or 0) < SLOW_STEPS]
    for program in fast:
        check(program)
    assert len(fast) >= 900


@pytest.mark.slow
def test_long_programs(programs):
    slow = [p for p in programs if (p["steps"] or 0) >= SLOW_STEPS]
    for program in slow:
        check(program)
    assert max(p["steps"] for p in slow) >= 10_000_000


@pytest.mark.parametrize("matcher", MATCHERS)
def test_short_programs_with_every_matcher(programs, matcher):
    for program in programs:
        if (program["steps"] or 0) < 5000:
            check(program, matcher)


@pytest.mark.slow
@pytest.mark.parametrize("matcher", MATCHERS)
def test_programs_with_every_matcher(programs, matcher):
    for program in programs:
        if 5000 <= (program["steps"] or 0) < SLOW_STEPS:
            check(program, matcher)


def test_programs_with_changing_matchers(programs):
    chosen = [p for p in programs if p["steps"] is not None and p["steps"] < 5000]
    for program in chosen:
        runner = mk.RuleSet([tuple(rule) for rule in program["rules"]]).runner(program["input"])
        for matcher, steps in random_schedule(program["name"], 2 + program["steps"] // 16):
            runner.matcher = matcher
            runner.step(steps)
        assert (runner.word, runner.steps) == (program["expected"], program["steps"]), program["name"]


@pytest.mark.parametrize("matcher", ["auto", *MATCHERS])
def test_programs_as_batches(programs, matcher):
    """All that halt soon, as rows with a rule set each."""
    chosen = [p for p in programs if p["steps"] is not None and p["steps"] < 5000]
    rules = [[tuple(r) for r in p["rules"]] for p in chosen]
    b = mk.run_rows(rules, [p["input"] for p in chosen], matcher=matcher)
    assert b.words.tolist() == [p["expected"] for p in chosen]
    assert b.steps.tolist() == [p["steps"] for p in chosen]


def test_arrow_notation_round_trip(programs):
    for program in programs:
        rules = mk.RuleSet([tuple(rule) for rule in program["rules"]])
        assert mk.RuleSet.parse(rules.format("arrow"), "arrow") == rules, program["name"]
