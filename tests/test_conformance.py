"""The state machine, and engines in other processes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import markovlib as mk
from markovlib.testing import (
    Answer,
    CommandEngine,
    Disagreement,
    EngineError,
    Limits,
    ask,
    check,
    oracle,
    serve,
    state_machine,
)

BOTH = ("markov", "leftmost")
QUIET = settings(
    max_examples=200, stateful_step_count=12, database=None, derandomize=True, deadline=None, print_blob=False,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def by_run(rules: Any, word: Any, limits: Limits) -> Any:
    return mk.RuleSet(rules).run(word, **limits._asdict())


class WithTrace:
    """An engine as an object; text and bytes."""

    def run(self, rules: Any, word: Any, limits: Limits) -> Answer:
        trace = mk.RuleSet(rules).trace(word, **limits._asdict())
        steps = [(step.rule, step.position) for step in trace]
        return Answer(trace.word, trace.outcome, trace.steps, trace.result.cycle, steps)


TestText = state_machine(by_run, "abé", detect_cycles=None, strategies=BOTH).TestCase
TestBytes = state_machine(WithTrace(), b"ab\xff", detect_cycles=None, strategies=BOTH).TestCase
TestText.settings = TestBytes.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def breaks(engine: Any, least: bool = False) -> str:
    """What the machine says of an engine that is wrong, of the first case or of the least one."""
    phases = [Phase.generate, Phase.shrink] if least else [Phase.generate]
    with pytest.raises(Disagreement) as caught:
        run_state_machine_as_test(state_machine(engine), settings=settings(QUIET, phases=phases))
    return str(caught.value)


def test_a_wrong_word_is_found_and_shrunk() -> None:
    said = breaks(lambda rules, word, limits: oracle.run(rules, word, *limits).word.replace("bb", "b"), least=True)
    claim, rules, word = said.splitlines()[:3]
    assert claim == "the engine disagrees with the oracle"
    assert len(rules) + len(word) <= 50
    assert re.search(r"word after the run '.*', should be '.*bb.*'", said)


def test_a_wrong_outcome_is_found() -> None:
    def wrong(rules: Any, word: Any, limits: Limits) -> Any:
        found = oracle.run(rules, word, *limits)
        return found._replace(outcome=2 if found.outcome == 4 else found.outcome)

    assert breaks(wrong).endswith("outcome NO_RULE_APPLIES, should be LENGTH_LIMIT")


class Remembering:
    """Answers a question well only once; every case begins with `reset`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.asked: list[Any] = []

    def run(self, rules: Any, word: Any, limits: Limits) -> Any:
        question = (rules, word, limits)
        again = question in self.asked and question != self.asked[-1]
        self.asked.append(question)
        return word + "a" if again else oracle.run(rules, word, *limits)


def test_an_engine_that_remembers_is_found() -> None:
    assert "the engine disagrees with the oracle" in breaks(Remembering())


def test_an_exception_of_the_engine_is_shown() -> None:
    def breaking(_: Any, word: Any, __: Any) -> Any:
        if not word:
            return word
        raise ZeroDivisionError("in the engine")

    with pytest.raises(ZeroDivisionError, match="in the engine"):
        run_state_machine_as_test(state_machine(breaking), settings=settings(QUIET, phases=[Phase.generate]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"terminating": True}, "one at a time"),
        ({"max_steps": None}, "may never end"),
        ({"strategies": ["any"]}, "strategies must be"),
        ({"pattern_size": (2, 1)}, "pattern_size must be"),
    ],
)
def test_bad_options_of_a_machine(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        state_machine(by_run, "ab", **options)


def test_a_machine_has_as_many_rules_as_are_asked_for() -> None:
    counts = set()

    def counting(rules: Any, *_: Any) -> Any:
        counts.add(len(rules))
        return Answer()

    run_state_machine_as_test(state_machine(counting, count=(2, 3)), settings=settings(QUIET, max_examples=20))
    assert counts == {2, 3}


# ---- answers -------------------------------------------------------------------------------------------------------


def test_what_an_engine_does_not_say_is_not_compared() -> None:
    rules = [mk.Rule("a", "b")]
    for answer in (Answer(), Answer("b"), "b", Answer(steps=1), Answer(outcome=2), Answer(trace=[(0, 0)])):
        check(lambda *_, answer=answer: answer, rules, "a")
    wrong = {
        "word after the run 'a', should be 'b'": "a",
        "word after the run b'b', should be 'b'": b"b",
        "steps 2, should be 1": Answer(steps=2),
        "outcome TERMINAL_RULE, should be NO_RULE_APPLIES": Answer(outcome=1),
        r"cycle \(0, 1\), should be None": Answer(cycle=(0, 1)),
        r"trace \[\(0, 1\)\], should be \[\(0, 0\)\]": Answer(trace=[(0, 1)]),
    }
    for message, answer in wrong.items():
        with pytest.raises(Disagreement, match=message):
            check(lambda *_, answer=answer: answer, rules, "a")


def test_results_that_are_no_answers() -> None:
    with pytest.raises(TypeError, match="an engine gives a word"):
        ask(lambda *_: 3, [], "a", Limits())
    with pytest.raises(ValueError, match="9 is not a valid Outcome"):
        ask(lambda *_: Answer(outcome=9), [], "a", Limits())


# ---- other processes -----------------------------------------------------------------------------------------------


def program(tmp_path: Path, body: str) -> list[str]:
    """A command that reads questions; `body` answers one, `question`."""
    text = "import json, sys, time\nfor line in sys.stdin:\n    question = json.loads(line)\n"
    path = tmp_path / "engine.py"
    path.write_text(text + textwrap.indent(body, "    ") + "\n    sys.stdout.flush()\n")
    return [sys.executable, str(path)]


def test_an_outcome_is_a_name_or_a_value() -> None:
    for said in ("NO_RULE_APPLIES", "no_rule_applies", 2, mk.Outcome.NO_RULE_APPLIES):
        assert ask(lambda *_, said=said: Answer("a", said), [], "a", Limits()).outcome is mk.Outcome.NO_RULE_APPLIES
    with pytest.raises(ValueError, match="no outcome 'NOPE': they are TERMINAL_RULE, NO_RULE_APPLIES, STEP_LIMIT, "):
        ask(lambda *_: Answer("a", "NOPE"), [], "a", Limits())
    with pytest.raises(ValueError, match="9 is not a valid Outcome"):
        ask(lambda *_: Answer("a", 9), [], "a", Limits())


def test_numbers_of_numpy_are_served() -> None:
    def engine(_: Any, word: Any, __: Any) -> Answer:
        one = np.int64(1)
        if word == "half":
            return Answer(word, steps=0.5 + 0.5j)  # type: ignore[arg-type]
        return Answer(word, np.uint8(5), one, (one, one), [(one, one)])

    target = io.StringIO()
    questions = [json.dumps({"kind": "text", "rules": [], "word": word}) for word in ("a", "half", "b")]
    serve(engine, io.StringIO("\n".join(questions)), target)
    first, wrong, last = map(json.loads, target.getvalue().splitlines())
    assert first == {"word": "a", "outcome": "CYCLE", "steps": 1, "cycle": [1, 1], "trace": [[1, 1]]}
    assert "complex" in wrong["error"]
    assert last["word"] == "b"


def test_without_limits_little_is_checked() -> None:
    """The word that grows for ever is given up before it fills the memory."""
    assert check(by_run, [("", "a")], "").outcome is mk.Outcome.STEP_LIMIT


def test_a_program_is_an_engine(tmp_path: Path) -> None:
    serving = "from markovlib.testing import serve\nimport markovlib as mk\n" + textwrap.dedent("""
        def run(rules, word, limits):
            return mk.RuleSet(rules).run(word, **limits._asdict())
        serve(run)
    """)
    path = tmp_path / "engine.py"
    path.write_text(serving)
    few = settings(QUIET, max_examples=5)
    with CommandEngine([sys.executable, str(path)]) as engine:
        for alphabet in ("aé\n", b"a\xff\n"):
            machine = state_machine(engine, alphabet, detect_cycles=None, strategies=BOTH)
            run_state_machine_as_test(machine, settings=few)


def test_a_wrong_program_is_found(tmp_path: Path) -> None:
    body = "word = question['word'].replace(question['rules'][0][0], 'x') if question['rules'] else question['word']\n"
    with CommandEngine(program(tmp_path, body + "print(json.dumps({'word': word}))")) as engine:
        assert "should be" in breaks(engine)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(3)", "ended with status 3 instead of an answer"),
        ("print('hello')", "no answer as documented: 'hello"),
        ("print('[]')", "no answer as documented"),
        ("print('{\"words\": 1}')", "there is no 'words' in an answer"),
        ('print(\'{"outcome": "HALTED"}\')', "no answer as documented"),
        ('print(\'{"error": "no memory"}\')', "no memory"),
        ("time.sleep(60)", "no answer within 0.5 seconds"),
    ],
)
def test_programs_that_do_not_answer(tmp_path: Path, body: str, message: str) -> None:
    with CommandEngine(program(tmp_path, body), timeout=0.5 if "sleep" in body else 20) as engine:
        for _ in range(2):  # it is started again
            with pytest.raises(EngineError, match=message):
                engine.run([mk.Rule("a", "b")], "a", Limits())


def test_a_line_too_many_is_not_the_next_answer(tmp_path: Path) -> None:
    body = "print('hello')\nprint(json.dumps({'word': question['word']}))"
    with CommandEngine(program(tmp_path, body)) as engine:
        for word in ("a", "aa"):
            with pytest.raises(EngineError, match="no answer as documented: 'hello"):
                engine.run([], word, Limits())


def test_a_program_that_ended_is_started_for_the_next_question(tmp_path: Path) -> None:
    body = "print(json.dumps({'word': question['word'], 'error': None}))\nbreak"
    with CommandEngine(program(tmp_path, body)) as engine:
        for word in ("a", "aa"):
            assert engine.run([], word, Limits()).word == word
            assert engine._process is not None
            engine._process.wait()


def test_a_command_is_a_list() -> None:
    with pytest.raises(ValueError, match="must be a list"):
        CommandEngine("python engine.py")


def test_the_oracle_needs_no_hypothesis() -> None:
    text = textwrap.dedent("""
        import sys
        sys.modules["hypothesis"] = None
        from markovlib.testing import CommandEngine, check, oracle
        assert oracle.run([("a", "b", False)], "aa").word == "bb"
        try:
            from markovlib.testing import runs
        except ImportError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert (
        done.stdout == "markovlib.testing.runs needs Hypothesis: pip install '.[testing]' in the clone of markovlib\n"
    ), done.stderr


def test_rules_are_checked_before_an_engine_is_asked() -> None:
    assert check(by_run, [("a", "b")], "a").word == "b"
    with pytest.raises(TypeError, match="rule 1: must be"):
        check(by_run, [("a", "b", True), "ab"], "a")
    engine = CommandEngine(["never started"])
    with pytest.raises(TypeError, match="rule 0: must be"):
        engine.run(["ab"], "a", Limits())
