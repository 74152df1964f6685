"""The specialist: its tasks are what they say, its arms are exact, its report is that of the records."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproduction.codegen import arms, outcome, report, specialist
from reproduction.codegen.arms import ARMS, TESTS, Budget, build
from reproduction.codegen.instructions import Maker, Task, judge, pairs, wordings
from reproduction.codegen.operations import OPERATIONS, expand
from reproduction.codegen.specialist import BUDGET, Run, planned, record

from markovlib import STREAM_VERSION

SMALL = Budget(rows=120, wordings=6, tested=20)
FOLDER = Path(specialist.__file__).parent


# ---- the tasks ------------------------------------------------------------------------------------------------------


def test_rules_do_what_plain_python_says() -> None:
    tasks = Maker("a key", 6).take(150) + Maker("a key", 6, "held", test=True, held_pairs=True).take(50)
    for task in tasks:
        assert judge(task.answer, task), task
        changed = sum(a != b for a, b in zip(task.words, task.expected, strict=True))
        assert changed >= 4, task


def test_every_operation_is_judged_by_words_that_tell_it_apart() -> None:
    """Any rule left out, any side changed, is noticed."""
    for task in Maker("another key", 6).take(60):
        lines = task.answer.splitlines()
        for i, line in enumerate(lines):
            assert not judge("\n".join(lines[:i] + lines[i + 1 :]), task), (task, line)
            assert not judge("\n".join([*lines[:i], line.replace("->", "-> A"), *lines[i + 1 :]]), task), (task, line)
        assert not judge("", task)
        assert not judge("A -> ", task)
        assert not judge("nonsense", task)


def test_answers_that_differ_and_do_the_same_are_right() -> None:
    task = Task("delete", "cut A", (("A", "", False),), ("A", "BAB", "AA", "B"), ("", "BB", "", "B"))
    assert judge('A -> ""\n', task)
    assert judge('AA -> ""\nA -> ""\n', task)
    assert not judge('A ->. ""\n', task)
    assert not judge("A -> A\n", task)  # does not halt
    assert not judge("A -> AA\n", task)


def test_wordings_are_divided_once() -> None:
    for operation in OPERATIONS:
        every = operation.wordings()
        assert len(every) == len(set(every)) >= 25
        found = wordings(operation, BUDGET.wordings)
        assert len(found.base) == BUDGET.wordings
        assert len(found.held) >= 5
        assert sorted([*found.base, *found.new, *found.held]) == sorted(every)
    assert expand("(a|b) c (|d)") == ["a c", "a c d", "b c", "b c d"]
    with pytest.raises(ValueError, match="wordings"):
        wordings(OPERATIONS[0], 1000)


def test_pairs_of_tests_are_none_of_training() -> None:
    trained, held = pairs()
    assert not set(trained) & set(held)
    assert {a.name for a, _ in trained} == {a.name for a, _ in held} == {o.name for o in OPERATIONS if o.exhaustive}
    assert {b.name for _, b in trained} == {o.name for o in OPERATIONS}


def meaning(task: Task) -> tuple[str, Any]:
    return task.kind, task.rules


@pytest.mark.slow
def test_training_has_nothing_of_the_tests() -> None:
    tests = arms.tests(SMALL)
    training = [Maker(f"base {seed}", SMALL.wordings).take(400) for seed in (11, 12)]
    training.append(Maker("new 11", SMALL.wordings, "new").take(400))
    seen = {meaning(task) for tasks in training for task in tasks}
    assert not seen & {meaning(task) for tasks in tests.values() for task in tasks}
    kinds = {task.kind for tasks in training for task in tasks}
    assert not kinds & {task.kind for task in tests["compositions"]}
    texts = [task.instruction for tasks in tests.values() for task in tasks]
    assert len(set(texts)) == len(texts)


def test_unseen_templates_are_in_no_arm() -> None:
    def patterns(source: str) -> set[str]:
        found = set()
        for operation in OPERATIONS:
            found |= set(getattr(wordings(operation, SMALL.wordings), source))
        return {re.sub(r"[A-D]+|\{\w\}", "*", text) for text in found}

    def phrases(tasks: list[Task]) -> set[str]:
        return {re.sub(r"[A-D]+", "*", task.instruction) for task in tasks if "+" not in task.kind}

    held = phrases(arms.tests(SMALL)["unseen"])
    assert held <= patterns("held")
    assert not held & (patterns("base") | patterns("new"))
    assert phrases(Maker("new 11", SMALL.wordings, "new").take(100)) <= patterns("new")
    assert phrases(Maker("base 11", SMALL.wordings).take(100)) <= patterns("base")


def test_tasks_are_a_function_of_the_key() -> None:
    assert Maker("k", 6).take(20) == Maker("k", 6).take(40)[:20]
    assert Maker("k", 6).take(20) != Maker("l", 6).take(20)


# ---- the arms -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_arms_are_exact(tmp_path: Path) -> None:
    data = {
        (arm, share): build(arm, share, SMALL, 11, tmp_path / f"{arm}{share}")
        for arm, share in [("all", 0.0), *itertools.product(("fewer", "general", "new", "repeated"), (0.25, 0.5))]
    }
    base = Counter((task.instruction, task.answer) for task in Maker("base 11", 6).take(120))
    assert Counter(data["all", 0.0].rows) == base
    for share, kept in ((0.25, 90), (0.5, 60)):
        few = Counter(data["fewer", share].rows)
        assert few == Counter((task.instruction, task.answer) for task in Maker("base 11", 6).take(kept))
        for arm in ("general", "new", "repeated"):
            rows = Counter(data[arm, share].rows)
            assert rows.total() == 120
            assert few <= rows, arm
        repeated = Counter(data["repeated", share].rows)
        assert set(repeated) == set(few)
        assert set(repeated.values()) <= {1, 2}
        assert (Counter(data["new", share].rows) - few).keys().isdisjoint(base)
        general = data["general", share].quotas
        assert general.pop("specialist") == kept
        assert set(general.values()) == {(120 - kept) // 5}
    assert len({one.fingerprint for one in data.values()}) == 9
    with pytest.raises(ValueError, match="only the arm `all`"):
        build("all", 0.25, SMALL, 11, tmp_path)


def test_the_plan_is_that_of_the_hypothesis() -> None:
    runs = list(planned())
    assert len(runs) == len(set(runs)) == 45
    text = (FOLDER / "HYPOTHESIS.md").read_text("utf-8")
    assert ", ".join(map(str, specialist.SEEDS)) in text
    assert f"N = {BUDGET.rows:,} rows" in text
    assert f"{BUDGET.tested} instructions each" in text
    assert f"{specialist.EPOCHS} epochs" in text
    assert f"at least {100 * report.FLOOR:.0f} %" in text
    assert all(f"| `{arm}` |" in text for arm in ARMS)


# ---- the report -----------------------------------------------------------------------------------------------------


class _Settings:
    pass


def made_up(rates: dict[str, float], seeds: tuple[int, ...] = (1, 2, 3)) -> list[outcome.Record]:
    """Records in which each arm is right on a share of the instructions."""
    found = []
    for number, (arm, rate) in enumerate(rates.items()):
        for seed in seeds:
            source = np.random.default_rng([number, seed])
            right = {test: (source.random(400) < rate).tolist() for test in TESTS}
            run = Run(arm, 0.0 if arm == "all" else 0.25, seed)
            data = arms.Data([("a", "b")] * 3, {}, "f")
            made = record(run, SMALL, report_settings(), data, [1.0], right, 2.0, 5)
            found.append(json.loads(json.dumps(made)))
    return found


def report_settings() -> Any:
    import dataclasses

    return dataclasses.make_dataclass(
        "Settings", [("layers", int, 2), ("width", int, 64), ("heads", int, 4), ("rate", float, 1e-3),
                     ("batch", int, 16), ("epochs", int, 2)],
    )()  # fmt: skip


def test_differences_are_found_and_none_is_invented() -> None:
    records = made_up({"all": 0.6, "general": 0.8, "repeated": 0.6, "new": 0.6})
    found = outcome.difference(records, "unseen", 0.25, "general", "repeated")
    assert found is not None
    assert found.verdict == "more"
    assert found.low < 0.2 < found.high
    assert set(found.seeds) == {1, 2, 3}
    less = outcome.difference(records, "unseen", 0.25, "repeated", "general")
    assert less is not None
    assert less.verdict == "less"
    assert less.mean == -found.mean
    same = outcome.difference(records, "seen", 0.25, "new", "repeated")
    assert same is not None
    assert same.verdict == "not distinguishable"
    assert outcome.difference(records, "seen", 0.25, "fewer", "repeated") is None


def test_intervals_cover_what_they_should() -> None:
    """Of 60 experiments without a difference, some 5 % are to be taken for one."""
    wrong = 0
    for i in range(60):
        source = np.random.default_rng(i)
        values = {seed: (source.random(100) < 0.5).astype(float) - (source.random(100) < 0.5) for seed in range(5)}
        found = outcome.estimate(values)
        assert found is not None
        wrong += found.verdict != "not distinguishable"
    assert wrong <= 9


def test_the_section_says_what_was_and_was_not_run() -> None:
    records = made_up({"all": 0.3, "general": 0.8, "repeated": 0.6})
    text = report.section(records)
    words = " ".join(text.split())
    assert "**The hypothesis holds here**" in words
    assert "9 of 45 planned runs" in words
    assert "**Under-trained**" in words
    assert "`all` at r/N = 0 (3 of 3 seeds)." in words
    assert "| `fewer` | 0.25 | 0 | not run |" in text
    page = f"a\n{report.BEGIN}\nold\n{report.END}\nb\n"
    assert report.spliced(page, text) == f"a\n{report.BEGIN}\n\n{text}\n\n{report.END}\nb\n"


@pytest.mark.slow
def test_the_page_is_that_of_the_records(tmp_path: Path) -> None:
    records = outcome.load(specialist.RECORDS)
    assert records, "there are no records"
    page = report.PAGE.read_text("utf-8")
    assert report.spliced(page, report.section(records)) == page, "python -m reproduction.codegen.report"
    picture = (report.PAGE.parent / report.PICTURE).read_text("utf-8")
    for line in report.description(records).splitlines():
        assert line in picture
    report.draw(records, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["new", "general"])
def test_records_are_of_the_arms_as_they_are_made(arm: str, tmp_path: Path) -> None:
    """The mixture of a record is what its arm, budget and seed give: the fingerprint has the rows' SHA-256.

    The general instructions are rows of data sets, those of the records of version 1 of the stream.
    """
    made = next(one for one in outcome.load(specialist.RECORDS) if one["run"]["arm"] == arm)
    run = Run(**made["run"])
    data = build(run.arm, run.share, Budget(**made["budget"]), run.seed, tmp_path)
    assert (data.quotas, len(data.rows)) == (made["quotas"], made["rows"])
    same = arm == "new" or made["stream_version"] == STREAM_VERSION
    assert (data.fingerprint == made["mixture"]) == same


def test_runs_that_have_a_record_are_not_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specialist.store({"a": 1}, tmp_path / "all-0-seed5.json")
    specialist.main(["--records", str(tmp_path), "--seeds", "5", "--shares", "0.5", "--dry-run"])
    assert capsys.readouterr().out.split() == [f"{arm}-50-seed5" for arm in ("fewer", "general", "new", "repeated")]
    assert [path.name for path in tmp_path.iterdir()] == ["all-0-seed5.json"]


# ---- the model ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_learns_and_is_a_function_of_the_seed() -> None:
    torch = pytest.importorskip("torch", reason="pip install '.[codegen]'")
    from reproduction.codegen import gpt

    torch.set_num_threads(1)
    rows = [(f"cut {a} and {b}", f"{b} -> {a}\n") for a, b in itertools.product("ABCD", repeat=2)]
    vocabulary = gpt.Vocabulary([text for row in rows for text in row])
    settings = gpt.Settings(width=32, heads=2, batch=4, epochs=60, rate=5e-3)
    model, curve = gpt.train(rows, vocabulary, settings, seed=3)
    assert curve[-1] < 0.1 < 1 < curve[0]
    assert gpt.answers(model, [prompt for prompt, _ in rows], vocabulary) == [answer for _, answer in rows]
    assert gpt.train(rows, vocabulary, settings, seed=3)[1] == curve
    tiny = Budget(rows=40, wordings=6, tested=6)
    made = specialist.perform(Run("general", 0.5, 5), tiny, gpt.Settings(width=16, heads=2, epochs=1))
    assert made["rows"] == 40
    assert {name: len(bits) for name, bits in made["right"].items()} == dict.fromkeys(TESTS, 6)
