"""Scores and labels: what they are by definition, tried by enumeration; rewards; evaluation and its intervals."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib import Dataset, Recipe, Rule, Score, View, reward
from markovlib.evaluation import evaluate, misplaced, wilson
from markovlib.examples import ALL_COLUMNS
from markovlib.labels import LABELS, Reference
from markovlib.scoring import ProceduralDataset, score, score_all
from markovlib.shards.generation import generate

BASE = Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 2, "rules.replacement_length": 3, "words.length": [6, 12], "rules.alphabet": "abcd"},
    examples=500,
    instructions=40,
)
CREDITS = ("exact", "prefix", "steps")
WORDS = st.text("ab", max_size=8)
ONCE = {"word": "xabyabz", "pattern": "ab", "replacement": "cd", "output": "xcdyabz", "completion": "xcdyabz"}


def label(answer: Any, **columns: Any) -> str:
    return score(columns or ONCE, answer).label


# ---- labels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("xcdyabz", "correct"),
        (" xcdyabz\n", "wrong_format"),
        ("xabyabz", "copied_input"),
        ("xcdycdz", "all_occurrences"),
        ("xabycdz", "wrong_place"),  # another occurrence
        ("cdbyabz", "wrong_place"),  # where the pattern is not
        ("xabyacd", "wrong_place"),
        ("xdcyabz", "wrong_replacement"),
        ("xyabz", "wrong_replacement"),
        ("xcdcdyabz", "wrong_replacement"),
        ("xcdyab", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_wrong_answer_is_told_by_what_it_did(answer: Any, expected: str) -> None:
    assert label(answer) == expected
    as_bytes = {name: value.encode() for name, value in ONCE.items()}
    assert label(answer and answer.encode(), **as_bytes) == expected
    assert label(answer, **as_bytes) == expected


def test_what_stands_before_and_after_the_right_place_is_not_counted_twice() -> None:
    example = {"word": "axa", "pattern": "x", "replacement": "y"}
    assert label("aa", **example) == "wrong_replacement"
    assert label("a", **example) == "other"


def naive_label(answer: str, word: str, pattern: str, replacement: str) -> str:
    """The definitions of a one-rule example, by trying every place."""
    output = word.replace(pattern, replacement, 1)
    right = word.find(pattern)

    def at(place: int, middle: str) -> str:
        return word[:place] + middle + word[place + len(pattern) :]

    if answer == output:
        return "correct"
    if answer == word:
        return "copied_input"
    if right >= 0 and pattern and answer == word.replace(pattern, replacement):
        return "all_occurrences"
    if any(answer == at(place, replacement) for place in range(len(word) - len(pattern) + 1)):
        return "wrong_place"
    letters = range(len(answer) + 1)
    if right >= 0 and output != word and any(answer == at(right, answer[i:j]) for i in letters for j in letters[i:]):
        return "wrong_replacement"
    return "other"


@given(WORDS, st.text("ab", max_size=3), st.text("abc", max_size=3), st.data())
def test_labels_are_those_of_the_definitions(word: str, pattern: str, replacement: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word)))
    answer = data.draw(
        st.sampled_from(
            [
                word.replace(pattern, replacement, 1), word, word.replace(pattern, replacement), word[:place],
                word[:place] + replacement + word[place + len(pattern) :],
                word.replace(pattern, data.draw(st.text("abc", max_size=4)), 1), data.draw(st.text("abc", max_size=9)),
            ]
        )
    )  # fmt: skip
    columns = {"word": word, "pattern": pattern, "replacement": replacement}
    assert score(columns, answer).label == naive_label(answer, word, pattern, replacement)


SEVERAL = {
    "word": "xaybz", "pattern": "a", "replacement": "1", "output": "x1ybz", "completion": "x1ybz", "position": 1,
    "rules": (Rule("q", "0"), Rule("a", "1"), Rule("b", "2")),
}  # fmt: skip


def test_another_rule_of_the_instruction() -> None:
    assert label("xay2z", **SEVERAL) == "wrong_rule"
    assert label("xa0bz", **SEVERAL) == "other"  # its pattern is not there
    assert label("xayb1", **SEVERAL) == "wrong_place"
    parts = [{"pattern": rule.pattern, "replacement": rule.replacement} for rule in SEVERAL["rules"]]
    assert label("xay2z", **{**SEVERAL, "rules": parts}) == "wrong_rule"


def test_a_no_op_has_only_wrong_places() -> None:
    no_op = {"word": "xyz", "output": "xyz", "completion": "xyz", "position": -1, "rules": [("ab", "1"), ("q", "2")]}
    assert label("xyz", **no_op) == "correct"
    assert label("1z", **no_op) == "wrong_place"
    assert label("x2z", **no_op) == "wrong_place"
    assert label("xzy", **no_op) == "other"
    assert label("zzz", word="xyz", output="xyz", completion="xyz") == "other"


def test_a_completion_that_shows_more_than_the_output() -> None:
    framed = {**ONCE, "completion": "Output: xcdyabz."}
    assert label("Output: xcdyabz.", **framed) == "correct"
    assert label("xcdyabz", **framed) == "wrong_format"
    assert label("Output: xabyabz.", **framed) == "copied_input"
    assert label("xabyabz", **framed) == "copied_input"
    assert label("Output: xcdycdz.", **framed) == "all_occurrences"
    spaced = {**ONCE, "completion": "x c d y a b z"}
    assert label("x a b y a b z", **spaced) == "copied_input"
    assert label("x d c y a b z", **spaced) == "wrong_replacement"
    assert label("xcdyabz", **spaced) == "wrong_format"


RUN = {
    "word": "aab", "output": "cd", "completion": "cd", "pattern": "a", "replacement": "", "position": 0,
    "trace": ((0, 0, "ab"), (0, 0, "b"), (1, 0, "cd")),
}  # fmt: skip


def test_a_run_that_was_given_up_early() -> None:
    assert label("ab", **RUN) == "stopped_early"
    assert label("b", **RUN) == "stopped_early"
    assert label("aab", **RUN) == "copied_input"
    assert label("cb", **RUN) == "other"
    two_steps = {"word": "xab", "output": "xcb", "pattern": "a", "replacement": "b", "position": 1, "steps": 2}
    assert label("xdb", **two_steps) == "other"
    assert label("xdb", **{**two_steps, "steps": 1}) == "wrong_replacement"
    assert label("xbb", **two_steps, rules=[("a", "b"), ("b", "c")]) == "stopped_early"
    lines = {**RUN, "completion": "ab\nb\ncd"}
    assert label("ab\nb", **lines) == "stopped_early"
    assert label("ab\nb\n", **lines) == "stopped_early"
    assert label("ab\nc\ncd", **lines) == "other"
    arrows = {**RUN, "completion": "ab -> b -> cd"}
    assert label("ab -> b", **arrows) == "stopped_early"


# ---- credit -------------------------------------------------------------------------------------------------------


@given(st.text("ab\n ", max_size=12), st.text("ab\n ", max_size=12), st.sampled_from(CREDITS))
def test_credit_is_one_exactly_for_the_completion(completion: str, answer: str, credit: Any) -> None:
    reference = Reference(completion)
    assert score(reference, completion, credit) == Score(1.0, "correct")
    found = score(reference, answer, credit)
    assert 0 <= found.value <= 1
    assert (found.value == 1) == (answer == completion) == (found.label == "correct")
    assert found.label in LABELS


def test_prefix_and_steps_credit() -> None:
    assert score(Reference("abcd"), "abxd", "prefix").value == 0.5
    assert score(Reference("abcd"), "abcdabcd", "prefix").value == 0.5
    assert score(Reference("a\nb\nc"), "a\nb\nx", "steps").value == pytest.approx(2 / 3)
    assert score(Reference("a\nb\nc"), "x\nb\nc", "steps").value == 0
    assert score(Reference("a\nb\nc"), "a\nb\nc\nd", "steps").value == 0.75
    assert score({**RUN, "completion": "ab -> b -> cd"}, "ab -> b -> ab", "steps").value == pytest.approx(2 / 3)
    assert score(Reference(""), "", "prefix").value == 1


def test_answers_of_other_types() -> None:
    reference = Reference("né")
    assert score(reference, "né".encode()).value == 1
    assert score(Reference("né".encode()), "né").value == 1
    assert score(reference, [{"role": "user", "content": "?"}, {"role": "assistant", "content": "né"}]).value == 1
    assert score(reference, [{"role": "assistant", "content": [{"type": "text", "text": "né"}]}]).value == 1
    assert score(reference, "né \n").value == 0
    assert score(reference, "né \n", strip=True).value == 1
    assert score(reference, []).label == "other"
    for wrong in (3, [3], [{"role": "assistant"}]):
        with pytest.raises(TypeError):
            score(reference, wrong)
    with pytest.raises(ValueError, match="unknown credit 'half'; the kinds are exact, prefix, steps"):
        score(reference, "x", "half")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown credit 'half'"):
        score({"output": "x"}, "x", "half")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the right answer must be text or bytes, got int"):
        score({"output": 5}, "5")
    with pytest.raises(TypeError, match="no right answer"):
        score({"word": "ab"}, "x")


# ---- data sets ----------------------------------------------------------------------------------------------------

CASES = {
    "plain": {},
    "bytes": {"rules.alphabet": {"bytes": [0, 255]}},
    "wide": {"rules.alphabet": "aβ中😀"},
    "framed": {"render.completion": "<{output}>"},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("split", ["train", "unseen"])
def test_completions_are_right_and_batches_score_as_single_answers(name: str, split: str) -> None:
    ds = Dataset(BASE.replace(CASES[name]), seed=5, split=split)
    batch = ds[:200]
    for credit in CREDITS:
        right = ds.scores(range(200), batch.completion.tolist(), credit)
        assert right.values.tolist() == [1.0] * 200
        assert right.counts()["correct"] == 200
    rng = np.random.default_rng(1)
    rows = rng.permutation(200)
    answers = []
    for i in rows.tolist():
        example = ds[i]
        second = example.word.replace(example.pattern, example.replacement)
        answers.append([example.word, second, example.completion, example.completion[:-1]][rng.integers(4)])
    for credit in CREDITS:
        found = ds.scores(rows, answers, credit)
        single = [score(ds[int(i)], answer, credit) for i, answer in zip(rows, answers, strict=True)]
        assert found.values.tolist() == [one.value for one in single]
        assert found.labels.tolist() == [one.label for one in single]
        assert found.values.tolist() == [ds.score(int(i), a, credit) for i, a in zip(rows, answers, strict=True)]
    assert set(found.labels.tolist()) >= {"correct", "copied_input"}


def test_many_answers_must_match_the_indices() -> None:
    ds = Dataset(BASE)
    with pytest.raises(ValueError, match="2 indices and 1 answers"):
        score_all(ds, [0, 1], ["a"])
    with pytest.raises(IndexError):
        score_all(ds, [500], ["a"])
    assert score_all(ds, [], []).values.shape == (0,)


# ---- tasks --------------------------------------------------------------------------------------------------------

TASKS = {
    "first": {"rules.per_example": 3},
    "run": {"rules.per_example": 3, "task.kind": "run", "words.no_op": 0.0, "task.steps": [2, 6]},
    "trace": {"rules.per_example": 3, "task.kind": "trace", "words.no_op": 0.1, "task.steps": [1, 6]},
    "shift": {"task.kind": "encrypted", "task.cipher": "shift"},
    "substitution": {"task.kind": "encrypted", "task.cipher": "substitution", "task.enciphered": "replacement"},
    "scheme": {"task.kind": "scheme", "rules.pattern_length": 5},
    "induce": {"task.kind": "induce", "words.no_op": 0.0},
    "near misses": {"words.near_miss": 0.5},
    "spaced": {"render.completion": "{output|spaced}"},
}


def task(name: str) -> Dataset:
    sizes = {"rules.pattern_length": 3, "words.length": 12, "rules.alphabet": "a-f"}
    plain = {"render.prompt": None, "render.completion": None}
    return Dataset(BASE.replace({**sizes, **plain, **TASKS[name]}), seed=5)


@pytest.mark.parametrize("name", TASKS)
def test_right_completions_of_every_task(name: str) -> None:
    ds = task(name)
    for credit in CREDITS:
        found = ds.scores(range(500), ds[:].completion.tolist(), credit)
        assert (found.values == 1).all()
        assert found.counts()["correct"] == 500
    assert ds.score(3, ds[3].completion + " \n", strip=True) == 1
    assert ds.score(3, ds[3].completion.strip(), strip=True) == 1


@pytest.mark.parametrize("name", TASKS)
def test_batches_and_single_answers_agree_in_every_task(name: str) -> None:
    ds = task(name)
    rng = np.random.default_rng(1)
    examples = [ds[i] for i in range(100)]
    answers = [wrong_answers(e)[rng.integers(len(wrong_answers(e)))] for e in examples]
    for credit in (*CREDITS, "pairs"):
        found = ds.scores(range(100), answers, credit)
        single = [score(example, answer, credit) for example, answer in zip(examples, answers, strict=True)]
        assert found.labels.tolist() == [one.label for one in single]
        assert found.values.tolist() == [one.value for one in single]
        entries = [ProceduralDataset(ds, credit)[i] for i in range(100)]
        stateless = [ProceduralDataset(ds, credit).score_answer(a, e) for a, e in zip(answers, entries, strict=True)]
        assert stateless == found.values.tolist()
    report = evaluate(ds, answers)
    assert report.labels == found.counts()
    assert report.sections["all"][0].copy == sum(e.completion.strip() == shown(e, e.word) for e in examples)


def shown(example: Any, word: str) -> str:
    """A word as the completions of these tasks show it, without white space around it."""
    return " ".join(word) if example.completion == " ".join(example.output) else word


def wrong_answers(example: Any) -> list[str]:
    rule = example.rules[0]
    words = [example.word, example.output, example.word[1:], example.word.replace(rule.pattern, rule.replacement)]
    return [example.completion, *words, *(step.word for step in example.trace), example.completion[:-2]]


def labels_of(ds: Dataset, answer: Any, only: Any = lambda _: True) -> set[str]:
    return {score(example, answer(example)).label for example in ds if only(example)}


def applied(example: Any) -> bool:
    return not example.no_op


def test_labels_of_runs_and_traces() -> None:
    run, trace = task("run"), task("trace")
    examples = [run[i] for i in range(100)]
    first = [score(e, e.word.replace(e.pattern, e.replacement, 1)) for e in examples]
    assert {one.label for one in first} == {"stopped_early"}
    assert {score(e, e.output).label for e in examples} == {"wrong_format"}  # the blank before it is missing
    assert {score(e, f" {e.word}").label for e in examples} == {"copied_input"}
    several = [e for e in (trace[i] for i in range(100)) if e.steps > 1]
    assert several
    for example in several:
        *most, last = example.completion.split("\n")
        assert [step.word for step in example.trace] == [*most, last]
        assert score(example, "\n".join(most), "steps") == Score(len(most) / example.steps, "stopped_early")
        assert score(example, "\n".join([*most, last, last]), "steps").value == example.steps / (example.steps + 1)
        assert score(example, "\n".join(["x", *most[1:], last]), "steps") == Score(0.0, "other")


def test_labels_of_ciphers() -> None:
    for name in ("shift", "substitution"):
        ds = task(name)
        examples = [ds[i] for i in range(200)]
        plain = [e.word.replace(e.pattern, e.replacement, 1) for e in examples]
        hidden = [(e, p) for e, p in zip(examples, plain, strict=True) if p != e.output and not e.no_op]
        assert {score(e, p).label for e, p in hidden} == {"not_encrypted"}
        assert {score(e, e.word).label for e in examples if e.output != e.word} == {"copied_input"}
    example = next(e for e in examples if applied(e) and 0 < e.position < 8 and e.word.count(e.pattern) == 1)
    inside = example.output[example.position : example.position + 3]
    assert score(example, inside + example.word[3:]).label == "wrong_place"
    assert score(example, example.word.replace(example.pattern, "zzz")).label == "wrong_replacement"


def test_labels_of_schemes() -> None:
    ds = task("scheme")
    examples = [e for e in (ds[i] for i in range(200)) if applied(e) and e.position > 0]
    applied_as = [e.output[e.position : e.position + 3] for e in examples]
    shifted = [made + e.word[5:] for made, e in zip(applied_as, examples, strict=True)]
    assert {score(e, a).label for e, a in zip(examples, shifted, strict=True)} <= {"wrong_place", "all_occurrences"}
    unbound = [e.word[: e.position] + e.replacement + e.word[e.position + 5 :] for e in examples]
    assert {score(e, a).label for e, a in zip(examples, unbound, strict=True) if a != e.output} == {"wrong_replacement"}


def test_another_rule_that_explains_the_pairs() -> None:
    pairs = [("xaby", "xcby"), ("ab", "cb")]
    example = {"completion": "ab>cb", "pattern": "ab", "replacement": "cb", "pairs": pairs}
    assert score(example, "ab>cb", "pairs") == Score(1.0, "correct")
    assert score(example, "a>c", "pairs") == Score(1.0, "another_rule")
    assert score(example, "a>c", "exact") == Score(0.0, "another_rule")
    assert score(example, "xa>xc", "pairs") == Score(0.5, "other")
    assert score(example, "ac", "pairs") == Score(0.0, "other")
    framed = {**example, "completion": "rule: ab>cb."}
    assert score(framed, "rule: a>c.", "pairs") == Score(1.0, "another_rule")
    assert score(framed, "a>c", "pairs") == Score(0.0, "other")
    ds = task("induce")
    assert {score(e, f"{e.pattern}>{e.replacement}x").label for e in (ds[i] for i in range(50))} == {"other"}
    assert labels_of(ds, lambda e: " " + e.completion) == {"wrong_format"}


# ---- rewards ------------------------------------------------------------------------------------------------------


def test_reward_of_one_completion() -> None:
    assert reward("p", "xcdyabz", output="xcdyabz") == 1.0
    assert reward("p", "xcdyabz", word="xabyabz", pattern="ab", replacement="cd") == 1.0
    assert reward("p", "xcdxxxx", credit="prefix", reference="xcdyabz", output="not this") == pytest.approx(3 / 7)
    assert reward([{"role": "user", "content": "p"}], [{"role": "assistant", "content": "ok"}], reference="ok") == 1.0
    with pytest.raises(TypeError, match="completion"):
        reward("p", output="x")
    with pytest.raises(TypeError, match="no right answer"):
        reward("p", "x")


def test_reward_as_a_trainer_calls_it() -> None:
    """By keyword, with lists of prompts and completions, the columns as lists, and more that is not ours."""
    ds = Dataset(BASE, seed=5)
    examples = [ds[i] for i in (0, 1, 2, 3)]
    columns = {name: [getattr(example, name) for example in examples] for name in ("output", "word", "pattern")}
    completions = [examples[0].output, "", examples[2].output, examples[3].output + "!"]
    extra = {"completion_ids": [[1]] * 4, "trainer_state": object(), "log_extra": print}
    prompts = [example.prompt for example in examples]
    assert reward(prompts=prompts, completions=completions, **columns, **extra) == [1.0, 0.0, 1.0, 0.0]
    chats = [[{"role": "assistant", "content": text}] for text in completions]
    assert reward(prompts=prompts, completions=chats, **columns, **extra) == [1.0, 0.0, 1.0, 0.0]
    assert reward(prompts, completions, **columns) == [1.0, 0.0, 1.0, 0.0]
    assert reward(tuple(prompts), tuple(completions), **columns) == [1.0, 0.0, 1.0, 0.0]
    assert reward(prompts=[], completions=[], output=[]) == []
    with pytest.raises(ValueError, match="column 'output' must be a list of 4"):
        reward(prompts=prompts, completions=completions, output=["x"])


BARS = "{for step in steps}{step.word}{sep}|{end}"


@pytest.mark.parametrize("credit", CREDITS)
def test_a_trace_is_read_as_trainers_deliver_it(credit: Any, tmp_path: Path) -> None:
    """Lists of mappings, from Arrow and from files, are what the tuples of an example are."""
    recipe = Recipe.load("trace").replace({"eval.examples": 10, "render.completion": BARS}, examples=40)
    generate(recipe, tmp_path / "data", splits=["train"], seed=7)
    ds = Dataset(recipe, seed=7)
    for table in (ds[:40].to_arrow(), pq.read_table(next((tmp_path / "data").glob("**/*.parquet")))):
        columns = table.to_pydict()
        prompts, right = columns.pop("prompt"), columns.pop("completion")
        answers = [["?", "", text[:-1], text.split("|")[0]][i % 4] for i, text in enumerate(right)]
        rewards = reward(prompts=prompts, completions=answers, reference=right, credit=credit, **columns)
        for i, row in enumerate(table.to_pylist()):
            expected = score(ds[i], answers[i], credit)
            assert score(row, answers[i], credit) == expected
            assert rewards[i] == expected.value


def test_the_shape_of_procedural_data_sets() -> None:
    data = ProceduralDataset(Dataset(BASE.replace(examples=20), seed=5), credit="prefix")
    assert len(data) == 20
    again = pickle.loads(pickle.dumps(data))
    for i, entry in enumerate(data):
        example = data.dataset[i]
        assert set(entry) == {"question", "answer", "metadata"}
        assert (entry["question"], entry["answer"]) == (example.prompt, example.completion)
        assert entry["metadata"]["source_index"] == i
        assert again[i] == entry
        assert data.score_answer(entry["answer"], entry) == 1.0
        assert data.score_answer(entry["answer"] + entry["answer"], entry) == 0.5
        assert data.score_answer(None, entry) == 0.0
    assert data[np.int64(-1)] == data[19]
    with pytest.raises(TypeError, match="slice"):
        data[0:2]  # type: ignore[index]


# ---- evaluation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.27753), (1, 10, 0.01788, 0.40416), (5, 10, 0.23659, 0.76341), (10, 10, 0.72247, 1.0)],
)
def test_wilson_intervals_of_ten(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert found.share == successes / trials
    assert (found.low, found.high) == (pytest.approx(low, abs=2e-5), pytest.approx(high, abs=2e-5))


@given(st.integers(1, 10**6), st.data())
def test_the_bounds_are_where_the_normal_test_just_holds(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    share, low, high = wilson(successes, trials)
    assert 0 <= low <= share <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        assert abs(share - bound) == pytest.approx(1.96 * math.sqrt(bound * (1 - bound) / trials), rel=1e-6)
    assert low == pytest.approx(1 - wilson(trials - successes, trials).high, abs=1e-12)


def test_no_trial_says_nothing() -> None:
    share, low, high = wilson(0, 0)
    assert math.isnan(share)
    assert (low, high) == (0, 1)


def test_what_cannot_be_evaluated_is_said() -> None:
    ds = Dataset(BASE, seed=3)
    with pytest.raises(ValueError, match="no answers"):
        evaluate(ds, [])
    with pytest.raises(ValueError, match="1 indices and 2 answers"):
        evaluate(ds, ["a", "b"], [0])
    with pytest.raises(TypeError, match="whole numbers, got float64"):
        evaluate(ds, ["a", "b"], [0.5, 1.5])  # type: ignore[list-item]
    with pytest.raises(IndexError, match="example 500"):
        evaluate(ds, ["a"], [500])


def test_counts_are_those_of_the_rows() -> None:
    ds = Dataset(BASE.replace(examples=2000), seed=3)
    rng = np.random.default_rng(2)
    examples = list(ds)
    answers = [e.completion if rng.random() < 0.6 else e.word if rng.random() < 0.5 else "?" for e in examples]
    found = evaluate(ds, answers, credit="prefix")
    right = np.array([a == e.completion for a, e in zip(answers, examples, strict=True)])
    assert found.rows == 2000
    assert found.labels == ds.scores(range(2000), answers).counts()

    def check(section: str, value: Any, rows: Any) -> None:
        for group in found.sections[section]:
            low, _, high = group.name.partition("-")
            inside = [i for i in rows if int(low) <= value(examples[i]) <= int(high or low)]
            assert (group.rows, group.correct) == (len(inside), right[inside].sum())
            assert group.copy == sum(examples[i].word == examples[i].completion for i in inside)
            values = ds.scores(inside, [answers[i] for i in inside], "prefix").values
            assert group.credit == pytest.approx(values.mean())
        assert sum(group.rows for group in found.sections[section]) == len(rows)
        assert len(found.sections[section]) <= 8

    check("length", lambda e: len(e.word), range(2000))
    check("position", lambda e: e.position, [i for i in range(2000) if not examples[i].no_op])
    kinds = {group.name: group for group in found.sections["kind"]}
    assert (kinds["applied"].rows, kinds["no_op"].rows) == (1400, 600)
    assert (kinds["applied"].copy, kinds["no_op"].copy) == (0, 600)
    assert found.sections["all"][0].wrong_occurrence == sum(at_a_wrong_place(e) == e.output for e in examples)
    assert [group.rows for group in found.sections["stratum"]] == [2000]
    some = evaluate(ds, answers[5:9], range(5, 9))
    assert some.sections["all"][0].correct == right[5:9].sum()


def at_a_wrong_place(example: Any) -> str:
    """The second baseline, from its definition."""
    word, pattern = example.word, example.pattern
    places = [i for i in range(len(word)) if word.startswith(pattern, i)]
    if len(places) > 1:
        place = places[1]
    elif len(word) < len(pattern):
        return word
    else:
        place = example.position + 1
        if example.position < 0 or place + len(pattern) > len(word):
            place = 0
        if place == example.position:
            return word
    return word[:place] + example.replacement + word[place + len(pattern) :]


def test_near_misses_are_counted_among_the_no_ops() -> None:
    ds = Dataset(BASE.replace({"words.near_miss": 0.5, "words.no_op": 0.4}), seed=5)
    batch = ds.batch(range(500), ["completion", "near_miss"])
    found = evaluate(ds, batch.completion.tolist())
    kinds = {group.name: group.rows for group in found.sections["kind"]}
    assert kinds == {"applied": 300, "no_op": 200, "near_miss": batch.near_miss.sum()}
    assert 0 < kinds["near_miss"] < 200
    assert all(group.correct == group.rows for section in found.sections.values() for group in section)


def rows_of(found: Any, section: str) -> dict[str, int]:
    return {group.name: group.rows for group in found.sections.get(section, [])}


FAMILIES = {
    "rules.family": ["repeated", "mirrored", "uniform"], "rules.k": 2, "rules.pattern_length": [4, 5],
    "rules.replacement_length": 4, "words.length": 20, "words.no_op": 0.2,
}  # fmt: skip


def test_strata_are_named_by_family_and_lengths() -> None:
    ds = Dataset(BASE.replace(FAMILIES), seed=5)
    batch = ds.batch(range(500), ["stratum", "pattern", "completion"])
    found = evaluate(ds.view("permuted"), ["?"] * 500)
    names = {f"{s.family}{' k=2' * (s.k > 1)} {s.pattern_length}>4": i for i, s in enumerate(ds.strata)}
    assert {"repeated k=2 4>4", "uniform 5>4"} <= set(names)
    groups = rows_of(found, "stratum")
    assert groups == {name: int((batch.stratum == i).sum()) for name, i in names.items() if (batch.stratum == i).any()}
    assert list(groups) == [name for name in names if name in groups]
    assert len(groups) > 2
    of_family = {family: sum(rows for name, rows in groups.items() if name.startswith(family)) for family in
                 FAMILIES["rules.family"]}  # fmt: skip
    assert rows_of(found, "family") == of_family
    lengths = batch.pattern.lengths().tolist()
    assert rows_of(found, "pattern_length") == {"4": lengths.count(4), "5": lengths.count(5)}
    assert "replacement_length" not in found.sections


@pytest.mark.parametrize("alphabet", ["a-z", {"bytes": [0, 9]}, "aβ中😀éżzü"])
def test_of_several_rules_the_one_that_fired_counts(alphabet: Any) -> None:
    ds = Dataset(BASE.replace({**FAMILIES, "rules.alphabet": alphabet, "rules.per_example": 3}), seed=5)
    found = evaluate(ds, ["?"] * 300)
    expected: dict[str, Counter[str]] = {"family": Counter(), "stratum": Counter(), "pattern_length": Counter()}
    for example in (one for one in list(ds)[:300] if not one.no_op):
        stratum = ds.strata[ds.recipe.space.stratum(example.rules[example.rule])]
        assert (example.pattern, example.replacement) == example.rules[example.rule][:2]
        expected["family"][stratum.family] += 1
        name = f"{stratum.family}{' k=2' * (stratum.k > 1)} {stratum.pattern_length}>4"
        expected["stratum"][name] += 1
        expected["pattern_length"][str(len(example.pattern))] += 1
    for section, counts in expected.items():
        assert rows_of(found, section) == counts
    assert sum(expected["family"].values()) == rows_of(found, "kind")["applied"]


def test_many_strata_are_counted_by_family_and_lengths_only() -> None:
    changes = {**FAMILIES, "rules.pattern_length": [4, 12], "rules.replacement_length": [4, 12]}
    found = evaluate(Dataset(BASE.replace(changes, instructions=None), seed=5), ["?"] * 500)
    assert "stratum" not in found.sections
    assert [len(found.sections[name]) for name in ("family", "pattern_length", "replacement_length")] == [3, 8, 8]
    assert all(sum(rows_of(found, name).values()) == 500 for name in ("family", "pattern_length"))


def test_a_rule_whose_sides_a_cascade_took_from_two_families_is_of_another() -> None:
    changes = {**FAMILIES, "rules.replacement_length": [4, 7], "rules.per_example": 2, "rules.cascade": 0.7}
    ds = Dataset(BASE.replace({**changes, "rules.alphabet": "a-z"}), seed=5)
    found = evaluate(ds, ["?"] * 500)
    others = sum(one.rules[one.rule] not in ds.recipe.space for one in ds if not one.no_op)
    assert 0 < others == rows_of(found, "family")["other"]
    assert sum(rows_of(found, "family").values()) == rows_of(found, "kind")["applied"]


def test_rules_of_a_program_and_of_a_list_have_no_family_and_no_lengths_of_strata() -> None:
    program = Dataset(Recipe.load("paper/no-op").replace(
        {"rules": {"program": "binary-to-unary"}, "words": {"length": [2, 4]}, "task": {"kind": "run"}}, examples=20,
        instructions=None,
    ))  # fmt: skip
    assert not {"family", "stratum"} & set(evaluate(program, ["?"] * 20).sections)
    listed = Dataset(BASE.replace({"rules": {"list": [["ab", "c"], ["cde", "f"], ["gh", "kl"]]}}, instructions=None,
                                  examples=2))  # fmt: skip
    assert rows_of(evaluate(listed, ["?"] * 2), "stratum") == {"list": 2}


def test_phases_are_counted_by_the_rules_of_each() -> None:
    mirrored, uniform = (Dataset(BASE.replace({"rules.family": name, "rules.k": k, "rules.pattern_length": 4}))
                         for name, k in (("mirrored", 2), ("uniform", None)))  # fmt: skip
    phases = View.permuted(View.phases([(30, mirrored), (80, uniform)]))
    found = evaluate(phases, [f"{example.completion}{'!' * (len(set(example.pattern)) > 2)}" for example in phases])
    assert rows_of(found, "family") == {"mirrored": 30, "uniform": 50}
    assert rows_of(found, "stratum") == {"mirrored k=2 4>3": 30, "uniform 4>3": 50}
    assert found.sections["family"][0].correct == 30
    alone = evaluate(View.phases([(30, mirrored), (40, mirrored.view("permuted"))]), ["?"] * 40)
    assert rows_of(alone, "stratum") == {"mirrored k=2 4>3": 40}
    assert "family" not in alone.sections


def test_paraphrases_are_counted_where_there_are_several() -> None:
    texts = [f"{i} {{word}}" for i in range(12)]
    recipe = BASE.replace({"render.prompt": texts, "shifts": {"reworded": {"render.prompt": ["{word}", "{word}?"]}}})
    ds, reworded = Dataset(recipe, seed=5), Dataset(recipe, seed=5, split="reworded")
    answers = [example.completion if example.prompt.startswith("11 ") else "?" for example in ds]
    found = evaluate(ds, answers)
    numbers = Counter(prompt.partition(" ")[0] for prompt in ds[:].prompt)
    assert rows_of(found, "template") == numbers
    assert [group.name for group in found.sections["template"]] == [str(i) for i in range(12)]
    assert [group.correct for group in found.sections["template"]] == [0] * 11 + [numbers["11"]]
    assert list(rows_of(evaluate(reworded, ["?"] * 50), "template")) == ["0", "1"]
    assert "template" not in evaluate(Dataset(BASE), ["?"] * 50).sections
    assert "template" not in evaluate(View.phases([(30, ds), (60, reworded)]), ["?"] * 60).sections
    assert "template" in evaluate(View.phases([(30, ds), (60, ds.view("permuted"))]), ["?"] * 60).sections


@pytest.mark.parametrize("columns", [None, ["prompt"], [*ALL_COLUMNS]])
def test_shards_are_evaluated_as_what_they_were_written_from(columns: list[str] | None, tmp_path: Path) -> None:
    recipe = BASE.replace({**FAMILIES, "rules.per_example": 2}, examples=60)
    columns = columns and [name for name in columns if name not in ("key", "pairs", "trace")]
    mk.generate(recipe, tmp_path / "data", seed=5, columns=columns)
    shards, ds = mk.open(tmp_path / "data", split="train"), Dataset(recipe, seed=5)
    answers = [(example.completion, example.word, "?")[example.index % 3] for example in ds]
    assert evaluate(shards, answers).to_dict() == evaluate(ds, answers).to_dict()
    if columns != ["prompt"]:
        some = range(7, 50, 2)
        assert evaluate(shards.view(some), answers[7:50:2]).to_dict() == evaluate(ds, answers[7:50:2], some).to_dict()


def test_phases_of_different_tasks_are_scored_as_their_examples() -> None:
    """What only some of the phases have, be it pairs, steps or a key, counts for those."""
    recipe = BASE.replace({"rules.alphabet": "a-z", "instructions": 5}, examples=8)
    tasks: list[dict[str, Any]] = [
        {}, {"task.kind": "induce"}, {"task.kind": "encrypted", "task.cipher": "shift"}, {"rules.per_example": 2},
        {"task.kind": "trace", "rules.per_example": 3, "task.steps": [2, 4],
         "render.completion": "{for step in steps}{step.word}{sep} | {end}"},
    ]  # fmt: skip
    sources = [Dataset(recipe.replace({"words.no_op": 0.0, **changes}), seed=7) for changes in tasks]
    view = View.permuted(View.phases([(8 * (i + 1), ds) for i, ds in enumerate(sources)]))
    answers = [[one.completion.rpartition(" | ")[0], f"{one.pattern}>?", one.word.replace(*one.rules[-1][:2], 1)]
               for one in view]  # fmt: skip
    for credit in ("exact", "prefix", "steps", "pairs"):
        for tried in zip(*answers, strict=True):
            alone = [score(example, answer, credit) for example, answer in zip(view, tried, strict=True)]
            made = view.scores(range(40), tried, credit)
            assert list(zip(made.values.tolist(), made.labels.tolist(), strict=True)) == alone


@pytest.mark.parametrize("columns", [["completion"], ["completion", "word", "pattern"], None])
def test_shards_without_some_columns_are_scored_as_their_examples(columns: list[str] | None, tmp_path: Path) -> None:
    recipe = BASE.replace({"rules.replacement_length": [0, 3]}, examples=60)
    mk.generate(recipe, tmp_path / "data", seed=5, columns=columns)
    shards = mk.open(tmp_path / "data", split="train")
    answers = [(example.completion, example.word, "?")[example.index % 3] for example in Dataset(recipe, seed=5)]
    for credit in CREDITS:
        made = shards.scores(range(60), answers, credit)
        alone = [score(shards[i], answer, credit) for i, answer in enumerate(answers)]
        assert list(zip(made.values.tolist(), made.labels.tolist(), strict=True)) == alone


PRESETS = sorted(Recipe.presets())


@pytest.mark.parametrize("name", PRESETS)
def test_right_completions_of_every_preset(name: str) -> None:
    recipe = Recipe.load(name)
    ds = Dataset(recipe, seed=5)
    completions = ds.batch(range(200), ["completion"]).completion.tolist()
    for credit in (*CREDITS, "pairs"):
        assert ds.scores(range(200), completions, credit).values.tolist() == [1.0] * 200
    found = evaluate(ds, completions)
    assert all(group.correct == group.rows for groups in found.sections.values() for group in groups)
    wrong = ds.scores(range(200), [f"{text[:-1]}" for text in completions])
    assert wrong.values.tolist() == [0.0] * 200
    assert wrong.counts()["correct"] == 0


def test_the_wrong_place_of_the_baseline() -> None:
    assert misplaced("xabab", "ab", 1) == 3
    assert misplaced("aaa", "aa", 0) == 1
    assert misplaced("xabx", "ab", 1) == 2
    assert misplaced("xab", "ab", 1) == 0
    assert misplaced("ab", "ab", 0) is None
    assert misplaced("xyz", "ab", -1) == 0
    assert misplaced("x", "ab", -1) is None


def test_strata_are_shown_where_they_are_few_enough() -> None:
    lengths = {"rules.alphabet": "a-z", "words.length": 24, "examples": 300, "instructions": None}
    recipe = Recipe.load("paper/basic").replace(lengths)
    for greatest, shown in (([6, 8], 24), ([7, 7], None)):
        sides = {"rules.pattern_length": [3, greatest[0]], "rules.replacement_length": [3, greatest[1]]}
        sections = evaluate(Dataset(recipe.replace(sides), seed=5), ["?"] * 300).sections
        assert (len(sections["stratum"]) if "stratum" in sections else None) == shown
