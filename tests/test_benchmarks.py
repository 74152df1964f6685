"""The benchmarks as tests: every engine's answer to every workload, at a tiny size and without a clock."""

import json
from pathlib import Path

import plain
import pytest
import tables
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
        if engine.name not in OURS or (workload.kind == "call" and engine.name == OURS[0]):
            pytest.skip(f"{engine.name} {reason}")
        raise
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


def workload_record(**medians):
    results = {
        name: {"unable": value} if isinstance(value, str) else {"median": value, "samples": 3}
        for name, value in medians.items()
    }
    return {"name": "w", "unit": "step", "units": 1, "about": "", "results": results}


def test_tables_show_ratios_to_the_first_engine_that_does_the_workload():
    record = workload_record(markovlib="has no call", **{"markovlib, str": 200.0}, slow=5000.0, quick=100.0)
    assert tables.ratio_of(record, "markovlib") is None
    last = tables.rewriting_table([record]).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == ["w", "200 ns/step", "1.0x", "25x", "0.50x"]
    assert tables.losses([record]) == ["- w: quick takes 0.50x of our time"]
    assert tables.unable([record]) == ["- w: markovlib has no call"]


def test_splice_replaces_what_stands_between_the_markers():
    text = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter"
    spliced = tables.splice(text, "new")
    assert spliced == f"before\n{tables.BEGIN}\n\nnew\n\n{tables.END}\nafter"
    assert tables.splice(spliced, "new") == spliced
    assert tables.splice("no markers", "new") == "no markers"


def test_documentation_shows_the_stored_record():
    root = Path(tables.__file__).resolve().parents[1]
    record = json.loads((root / "benchmarks" / "records" / "latest.json").read_text("utf-8"))
    for path, made in (("docs/benchmarks.md", tables.page), ("README.md", tables.summary)):
        text = (root / path).read_text("utf-8")
        assert tables.splice(text, made(record)) == text, f"{path}: run `python benchmarks/report.py --tables`"
    named = [w["name"] for w in [*record["rewriting"], *record["data"]]]
    assert named == [w.name for w in [*WORKLOADS, *DATA_WORKLOADS]], "the record is of other workloads"
