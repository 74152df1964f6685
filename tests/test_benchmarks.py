"""The benchmarks as tests: every engine's answer to every workload, at a tiny size and without a clock."""

import plain
import pytest
from contenders import ENGINES, Unable
from generators import DATA_WORKLOADS, check
from workloads import WORKLOADS

import markovlib as mk

OURS = ("markovlib, columns", "markovlib, str")


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
def test_engine_gives_the_expected_answer(engine, workload):
    case = workload.make(workload.tiny)
    try:
        run, read = engine.prepare(workload.kind, case)
    except Unable as reason:
        assert str(reason)
        assert engine.name not in OURS or (workload.kind == "call" and engine.name == OURS[0])
        return
    assert read(run()) == case.expected
    assert read(run()) == case.expected, "the second run differs from the first"


@pytest.mark.parametrize("workload", [w for w in WORKLOADS if w.kind != "rewrite"], ids=lambda w: w.name)
def test_units_are_what_they_are_said_to_be(workload):
    case = workload.make(workload.tiny)
    batch = mk.RuleSet(case.rules).run_batch(case.words, max_steps=case.max_steps)
    assert case.units == (batch.steps.sum() if workload.unit == "step" else len(case.words))


@pytest.mark.parametrize("generator", [g for w in DATA_WORKLOADS for g in w.generators], ids=lambda g: g.name)
def test_generator_keeps_the_promises_of_the_data_set(generator, tmp_path):
    (workload,) = [w for w in DATA_WORKLOADS if generator in w.generators]
    check(generator.rows(generator.run(workload.tiny, tmp_path)), workload.tiny)


def broken(name, value):
    rows = [plain.row(i, example) for i, example in enumerate(plain.plain_examples(2000, 1))]
    if name == "rows":
        return rows[:-1]
    if name == "order":
        rows[1] = {**rows[0], "index": 1}
        return rows
    rows[7] = {**rows[7], name: value}
    return rows


@pytest.mark.parametrize(
    ("name", "value"),
    [("rows", None), ("order", None), ("completion", "a" * 50), ("prompt", "a>b:c="), ("steps", 2), ("position", 60)],
)
def test_check_refuses_a_wrong_data_set(name, value):
    with pytest.raises(AssertionError):
        check(iter(broken(name, value)), 2000)
