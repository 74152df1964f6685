"""The benchmarks as tests: every engine's answer to every workload, at a tiny size and without a clock."""

import json
import re
from pathlib import Path

import contenders
import figures
import measure
import pages
import picture
import plain
import pytest
import tables
from contenders import ENGINES, OURS, Unable
from effort import slow_but
from generators import DATA_WORKLOADS, check
from reading import READING_WORKLOADS, Reader
from workloads import WORKLOADS

import markovlib as mk
from markovlib.testing import oracle

ROOT = Path(__file__).resolve().parents[1]
PAIRS = [(w, e) for w in WORKLOADS for e in ENGINES if e in OURS or e.name in w.rivals]
RUNS = [w for w in WORKLOADS if w.kind != "rewrite"]
HASTY = measure.Effort(2, 1e-5, 0.05)
PHASES = [w for w in WORKLOADS if w.kind == "phase"]


def by_name(pair):
    return pair.name


def oracle_answer(case, steps):
    total = None if case.phase is None else case.phase.skip + steps
    return [oracle.run(case.rules, word, max_steps=total).word for word in case.words]


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workload", "engine"), PAIRS, ids=by_name)
def test_engine_gives_the_expected_answer(engine, workload):
    case = workload.make(workload.tiny)
    try:
        prepared = engine.prepare(workload.kind, case)
    except Unable as reason:
        if engine is OURS[0]:
            raise
        pytest.skip(f"{engine.name} {reason}")
    for steps in (1, case.phase.steps) if case.phase else (None,):
        for time in ("first", "second"):
            answer = prepared.read(prepared.run(prepared.start(), steps))
            assert answer == case.answer(steps), f"the {time} run of {steps} steps"
    if case.phase:
        answer = prepared.run(prepared.run(prepared.start(), 2), 3)
        assert prepared.read(answer) == case.answer(5), "a run that goes on"


@pytest.mark.parametrize("workload", RUNS, ids=by_name)
def test_answers_are_those_of_the_oracle(workload):
    case = workload.make(workload.tiny)
    assert case.answer(None) == oracle_answer(case, case.units)


@pytest.mark.parametrize("workload", PHASES, ids=by_name)
def test_every_word_of_a_phase_is_the_one_of_the_oracle(workload):
    case = workload.make(workload.tiny)
    for steps in range(-case.phase.skip, case.phase.steps + 1):
        assert case.answer(steps) == oracle_answer(case, steps), f"{steps} steps after the start of the clock"


@pytest.mark.parametrize("workload", RUNS, ids=by_name)
def test_units_are_what_they_are_said_to_be(workload):
    case = workload.make(workload.tiny)
    if case.phase:
        runner = mk.RuleSet(case.rules).runner(case.words[0])
        assert (runner.step(case.phase.skip), runner.step(case.phase.steps)) == case.phase[:2]
        assert case.units == case.phase.steps
    else:
        steps = mk.RuleSet(case.rules).run_batch(case.words).steps.sum()
        assert case.units == (steps if workload.unit == "step" else len(case.words))


# ---- data sets -------------------------------------------------------------------------------------------------------


GENERATORS = [generator for workload in DATA_WORKLOADS for generator in workload.generators]
"""One that draws words until a rule fires takes seconds for the least of data sets."""
QUICK = [generator for generator in GENERATORS if "rejection" not in generator.name]


@pytest.mark.parametrize("generator", slow_but(QUICK, GENERATORS), ids=by_name)
def test_generator_keeps_the_promises_of_the_data_set(generator, tmp_path):
    (workload,) = [w for w in DATA_WORKLOADS if generator in w.generators]
    workload.check(generator.rows(generator.run(workload.tiny, tmp_path)), workload.tiny)


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


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", READING_WORKLOADS, ids=by_name)
def test_readers_see_the_rows_of_the_files_and_are_measured(workload, tmp_path):
    made = measure.measure_reading(workload, workload.tiny, HASTY, tmp_path)
    assert list(made["results"]) == [reader.name for reader in workload.readers]
    assert all("unable" in result or 0 < result["best"] <= result["median"] for result in made["results"].values())
    assert made["results"]["markovlib, shards"]["best"] > 0
    assert "markovlib, shards" in tables.data_table(made)


def test_a_reader_of_other_rows_is_not_measured(tmp_path):
    (workload,) = [w for w in READING_WORKLOADS if w.name == "random batches, two columns"]
    honest = workload.readers[0]
    liar = Reader("liar", "", honest.open, lambda source, indices: honest.read(source, indices[::-1]), honest.plain)
    with pytest.raises(AssertionError, match="liar reads other rows of random batches"):
        measure.measure_reading(workload._replace(readers=(liar,)), workload.tiny, HASTY, tmp_path)


# ---- measuring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["W2 12 rules, short words", "W4 sort", "tiny call"])
def test_measuring_gives_times_for_every_engine_that_is_able(name):
    (workload,) = [w for w in WORKLOADS if w.name == name]
    row = measure.measure_rewriting(workload, workload.tiny, HASTY)
    for engine, result in row["results"].items():
        assert "unable" in result or 0 < result["best"] <= result["median"], engine
    assert "best" in row["results"]["markovlib"]
    assert "best" in row["results"]["find loop"]


def test_a_wrong_answer_is_not_measured(monkeypatch):
    (workload,) = [w for w in WORKLOADS if w.name == "W4 sort"]
    liar = contenders.Engine("find loop", "", lambda *_: contenders.Prepared(list, lambda *_: ["abab"]))
    monkeypatch.setattr(measure, "ENGINES", (liar,))
    with pytest.raises(AssertionError, match="find loop gives a wrong answer to W4 sort"):
        measure.measure_rewriting(workload, workload.tiny, HASTY)


def test_a_slow_engine_is_given_fewer_steps():
    (workload,) = [w for w in WORKLOADS if w.name == "W4 sort"]
    case = workload.make(workload.tiny)
    taken = []

    def slow(_, steps):
        taken.append(steps)
        return sum(range(20_000 * steps))

    effort = measure.Effort(1, 0.004, 0.004)
    steps = measure.affordable(contenders.Prepared(lambda: None, slow), case, effort)
    assert 1 <= steps < case.phase.steps
    assert taken[0] == 1
    assert measure.affordable(contenders.Prepared(lambda: None, lambda *_: None), case, effort) == case.phase.steps


# ---- what is made of a record ----------------------------------------------------------------------------------------


def row_of(label="1 word", length=None, **times):
    results = {
        name: {"unable": time} if isinstance(time, str) else {"best": time, "median": 2 * time, "samples": 3}
        for name, time in times.items()
    }
    return {"label": label, "units": 9, "results": results} | ({"length": length} if length else {})


def record_of(*rows, name="w", key="w"):
    return {"rewriting": [{"key": key, "name": name, "unit": "step", "about": "", "rows": list(rows)}]}


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_ratios_are_of_the_fastest_samples():
    record = record_of(row_of(markovlib=200.0, **{"naive C": 5000.0, "find loop": 100.0, "markalgo": "has no limit"}))
    names = ["naive C", "markalgo", "find loop"]
    head, _, line = tables.ratio_table(list(figures.rows_of(record)), names).splitlines()
    assert cells(head) == ["", "markovlib", "naive C", "find loop"]
    assert cells(line) == ["w, 1 word", "200 ns/step", "25x", "0.50x"]
    assert figures.losses(record, names) == [("w, 1 word", "find loop", 0.5)]
    assert tables.unable(record) == ["- markalgo has no limit: w, 1 word."]


def test_growth_exponents_leave_short_words_out():
    rows = [row_of(length=n, markovlib=20.0, slow=float(n) if n > 5000 else 1.0) for n in (100, 10**4, 10**5, 10**6)]
    (workload,) = record_of(*rows)["rewriting"]
    assert figures.growth_exponent(workload, "markovlib") == pytest.approx(0)
    assert figures.growth_exponent(workload, "slow") == pytest.approx(1)
    assert figures.growth_exponent(workload, "other") is None


def test_targets_say_whether_floor_and_aim_are_met():
    record = record_of(row_of(markovlib=10.0, **{"find loop": 300.0}), name="W1 one step, a rule a word", key="W1")
    assert cells(tables.target_table(record).splitlines()[-1])[1:] == ["≥ 20", "≥ 50", "30", "yes", "**no**"]
    record = record_of(row_of(markovlib=10.0, cycles=15.0), row_of(markovlib=10.0, cycles=21.0), key="W3")
    assert cells(tables.target_table(record).splitlines()[-1])[1:] == ["≤ 2", "-", "2.1", "**no**", "-"]


def test_every_target_is_measured_by_the_full_report():
    labels = {(w.name, w.label(size)) for w in WORKLOADS for size in w.sizes}
    results = {engine.name: 1.0 for engine in ENGINES}
    record = {"rewriting": [], "threads": {"1": {"wall": 2.0}, "2": {"wall": 1.0}}}
    record["adversaries"] = [{"letters": {"markov": [1.0, 1.0]}}]
    for workload in WORKLOADS:
        rows = [
            row_of(label, 10_000 * i, **results) for i, (name, label) in enumerate(labels, 1) if name == workload.name
        ]
        record["rewriting"] += record_of(*rows, name=workload.name, key=workload.key)["rewriting"]
    record["data"] = [
        {"name": w.name, "results": {g.name: {"best": 1.0, "wall": 1.0} for g in w.generators}} for w in DATA_WORKLOADS
    ]
    record["reading"] = [
        {"name": w.name, "results": {r.name: {"best": 1.0, "wall": 1.0} for r in w.readers}} for w in READING_WORKLOADS
    ]
    assert [target.about for target in figures.TARGETS if target.figure(record) is None] == []


def test_splice_replaces_what_stands_between_the_markers():
    text = f"before\n{pages.BEGIN}\nold\n{pages.END}\nafter"
    spliced = pages.splice(text, "new")
    assert spliced == f"before\n{pages.BEGIN}\n\nnew\n\n{pages.END}\nafter"
    assert pages.splice(spliced, "new") == spliced
    assert pages.splice("no markers", "new") == "no markers"


@pytest.fixture(scope="module")
def stored():
    return json.loads((ROOT / "benchmarks" / "records" / "latest.json").read_text("utf-8"))


def test_documentation_shows_the_stored_record(stored):
    for path, made in (("docs/benchmarks.md", pages.page), ("README.md", pages.summary)):
        text = (ROOT / path).read_text("utf-8")
        assert pages.splice(text, made(stored)) == text, f"{path}: run `python benchmarks/report.py --tables`"
    named = [w["name"] for w in [*stored["rewriting"], *stored["data"]]]
    assert named == [w.name for w in [*WORKLOADS, *DATA_WORKLOADS]], "the record is of other workloads"


def test_picture_is_of_the_stored_record(stored):
    drawn = (ROOT / "docs" / pages.PICTURE).read_text("utf-8")
    described = re.search(r"<dc:description>(.*?)</dc:description>", drawn, re.DOTALL)
    assert described[1] == picture.description(stored), "run `python benchmarks/report.py --tables`"


def test_drawing_twice_makes_the_same_picture(stored, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        picture.draw(stored, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert picture.description(stored) in (tmp_path / "one.svg").read_text("utf-8")
