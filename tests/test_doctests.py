"""Every example in a docstring of the package is executed, those of the compiled modules included."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import markovlib

MODULES = ["markovlib", *(module.name for module in pkgutil.walk_packages(markovlib.__path__, "markovlib."))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Where a user begins; a page of examples that were not found must not pass.
WITH_EXAMPLES = {
    "markovlib": 1, "markovlib._columns": 1, "markovlib.alphabets": 2, "markovlib.batch": 2, "markovlib.dataset": 1,
    "markovlib.families": 3, "markovlib.letters": 6,
    "markovlib.machines.turing": 2, "markovlib.machines.tags": 5, "markovlib.machines.registers": 6,
    "markovlib.combinators": 7, "markovlib.flowcharts": 1, "markovlib.schemes": 2,
    "markovlib.notations.reading": 3, "markovlib.notations.files": 1, "markovlib.outcome": 1,
    "markovlib.programs": 4, "markovlib.quotas": 3, "markovlib.recipe": 1, "markovlib.render": 2,
    "markovlib.rulelists": 1, "markovlib.rules": 10, "markovlib.spaces": 2, "markovlib.tokens": 4,
    "markovlib.trace": 6, "markovlib.seeing.lines": 1,
    "markovlib.mixture": 1, "markovlib.mixing.recipe": 1, "markovlib.mixing.quotas": 3, "markovlib.mixing.layouts": 2,
    "markovlib.scoring": 4, "markovlib.evaluation": 2, "markovlib.leakage": 1, "markovlib.view": 7,
    "markovlib.analysis.findings": 2, "markovlib.analysis.verdict": 2, "markovlib.analysis.measures": 3,
    "markovlib.analysis.loops": 2, "markovlib.analysis.pairs": 2, "markovlib.analysis.completion": 1,
    "markovlib.analysis.equivalence": 1,
    "markovlib.testing": 1, "markovlib.testing.engines": 3, "markovlib.testing.commands": 2,
    "markovlib.testing.strategies": 5, "markovlib.testing.conformance": 1, "markovlib.testing.laws": 2,
    "markovlib.loader": 2, "markovlib.source": 1, "markovlib.shards.reading": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    tests = [test for test in doctest.DocTestFinder().find(importlib.import_module(name)) if test.examples]
    for test in tests:
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)
    assert len(tests) >= WITH_EXAMPLES.get(name, 0)
