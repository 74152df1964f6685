"""Single calls under pytest-benchmark, for comparing two versions of the library.

`pytest benchmarks/test_calls.py --benchmark-save=NAME`, and later `--benchmark-compare=NAME`, tell what a change did.
"""

from __future__ import annotations

import pytest
from long_runs import many_rules, multiplication
from workloads import many_words, one_step

import markovlib as mk

BINARY = [("|0", "0||", False), ("1", "0|", False), ("0", "", False)]


@pytest.mark.parametrize("call", ["run", "step", "find", "trace"])
def test_short_word(benchmark, call):
    method = getattr(mk.RuleSet(BINARY), call)
    assert benchmark(method, "101") is not None


@pytest.mark.parametrize("rules", [3, 1000])
def test_compiling(benchmark, rules):
    given = many_rules(100).rules[:rules]
    assert len(benchmark(mk.RuleSet, given)) == rules


@pytest.mark.parametrize("case", [multiplication(20_000), many_rules(20_000)], ids=["multiplication", "1000 rules"])
def test_long_run(benchmark, case):
    rules = mk.RuleSet(case.rules)
    assert benchmark(rules.run, case.words[0], max_steps=20_000).steps


def test_batch_of_short_words(benchmark):
    case = many_words(1000)
    words = mk.Column.from_words(case.words)
    assert benchmark(mk.RuleSet(case.rules).run_batch, words, threads=1).words.tolist() == case.expected


def test_rewrite_once(benchmark):
    case = one_step(10_000)
    columns = [mk.Column.from_words(x) for x in ([r[0] for r in case.rules], [r[1] for r in case.rules], case.words)]
    assert benchmark(mk.rewrite_once, *columns, threads=1).words.tolist() == case.expected


@pytest.mark.parametrize("index", [777, slice(0, 1000)], ids=["one", "thousand"])
def test_examples(benchmark, index):
    dataset = mk.Dataset(mk.Recipe.load("paper/no-op"), seed=7)
    assert benchmark(dataset.__getitem__, index).prompt
