"""Engines in other processes, and in other languages: one JSON object a line, question and answer in turn.

A question is a line on the program's standard input::

    {"kind": "text", "rules": [["ab", "b", false]], "word": "aab", "max_steps": 40, "max_length": null,
     "detect_cycles": false, "strategy": "markov"}

(in one line), and the answer a line on its standard output, flushed::

    {"word": "b", "outcome": "NO_RULE_APPLIES", "steps": 2, "cycle": null, "trace": [[0, 1], [0, 0]]}

Every key of the answer may be left out or null: then it is not compared.  The outcome is a name or a value of
`Outcome`, the name in small letters too.  Where `kind` is "bytes", each character U+0000 to U+00FF of a side or word
stands for one byte.
`{"error": "..."}` says that there is no answer.
"""

from __future__ import annotations

import contextlib
import json
import operator
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TextIO

from markovlib.outcome import Outcome
from markovlib.rules import Rule
from markovlib.testing.engines import Answer, Engine, GivenRules, Limits, as_outcome, as_rules, ask


class EngineError(Exception):
    """An engine gave no answer: its program ended, took too long, or wrote something else."""


class CommandEngine:
    """A program that answers questions line by line; see `markovlib.testing.commands` for the lines.

    It is started with the first question, and again with the next one after it ended.  What it writes to standard error
    appears there.  `close()`, or the end of a `with` block, ends it.

    `run` raises `EngineError` if it ends, answers with an error or something that is no answer, or takes more than
    `timeout` seconds, after which it is killed.

    >>> import sys
    >>> program = "from markovlib.testing import oracle, serve; serve(lambda r, w, l: oracle.run(r, w, *l))"
    >>> with CommandEngine([sys.executable, "-c", program]) as engine:
    ...     engine.run([("ab", "b", False)], "aab", Limits()).word
    'b'
    """

    def __init__(self, command: Sequence[str], *, timeout: float = 10.0) -> None:
        if isinstance(command, str) or not command:
            raise ValueError(f"command must be a list of the program and its arguments, not {command!r}")
        self.command = list(command)
        self.timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self, rules: GivenRules, word: Any, limits: Limits) -> Answer:
        """The program's answer."""
        kind = "text" if isinstance(word, str) else "bytes"
        line = self._exchange(json.dumps(_question(kind, rules, word, limits)))
        try:
            found = json.loads(line)
            error = found.pop("error", None)
            if error is not None:
                raise EngineError(f"{self.command[0]}: {error}")
            return _as_answer(found, kind)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.close()  # The line that answers this question may be still to come.
            raise EngineError(f"{self.command[0]}: no answer as documented: {line!r} ({error})") from None

    def close(self) -> None:
        """Ends the program, if it runs."""
        if self._process is not None:
            self._finalizer()
            self._process = None

    def __enter__(self) -> CommandEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _exchange(self, question: str) -> str:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        process = self._process or self._start()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(question + "\n")
            process.stdin.flush()
        try:
            line = self._lines.get(timeout=self.timeout)
        except queue.Empty:
            self.close()
            raise EngineError(f"{self.command[0]}: no answer within {self.timeout:g} seconds") from None
        if not line:
            status = process.wait()
            self.close()
            raise EngineError(f"{self.command[0]}: ended with status {status} instead of an answer")
        return line

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", errors="backslashreplace"
        )
        self._process = process
        self._lines = queue.SimpleQueue()
        threading.Thread(target=_read_lines, args=(process.stdout, self._lines), daemon=True).start()
        self._finalizer = weakref.finalize(self, _end, process)
        return process


def _read_lines(source: TextIO, lines: queue.SimpleQueue[str]) -> None:
    """A thread's work: reading with a time limit would otherwise need what not every system has.  "" is the end."""
    with source:
        for line in source:
            lines.put(line)
    lines.put("")


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.kill()
    process.wait()
    with contextlib.suppress(OSError):
        process.stdin.close()


def serve(engine: Engine, source: TextIO | None = None, target: TextIO | None = None) -> None:
    """Answers the questions on standard input with an engine, to their end: the other side of `CommandEngine`.

    An exception of the engine becomes an answer with an `error`.

    >>> import io
    >>> question = '{"kind": "text", "rules": [["a", "b", false]], "word": "ba", "max_steps": 9}'
    >>> serve(lambda rules, word, limits: word.replace("a", "b"), io.StringIO(question))
    {"word": "bb"}
    """
    target = target or sys.stdout
    for line in source or sys.stdin:
        try:
            # NumPy's integers are none to JSON.
            answer = json.dumps(_answer(engine, json.loads(line)), default=operator.index)
        except Exception as error:
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(answer, file=target, flush=True)


def _question(kind: str, rules: GivenRules, word: Any, limits: Limits) -> dict[str, Any]:
    triples = [
        [_letters(pattern), _letters(replacement), terminal] for pattern, replacement, terminal in as_rules(rules)
    ]
    return {"kind": kind, "rules": triples, "word": _letters(word), **limits._asdict()}


def _answer(engine: Engine, question: dict[str, Any]) -> dict[str, Any]:
    kind = question["kind"]
    rules = [Rule(_word(p, kind), _word(r, kind), terminal) for p, r, terminal in question["rules"]]
    limits = Limits(**{name: question[name] for name in Limits._fields if name in question})
    answer = ask(engine, rules, _word(question["word"], kind), limits)
    parts = answer._replace(
        word=None if answer.word is None else _letters(answer.word),
        outcome=None if answer.outcome is None else Outcome(answer.outcome).name,  # type: ignore[arg-type]
    )
    return {name: part for name, part in parts._asdict().items() if part is not None}


def _as_answer(found: dict[str, Any], kind: str) -> Answer:
    unknown = set(found) - set(Answer._fields)
    if unknown:
        raise ValueError(f"there is no {sorted(unknown)[0]!r} in an answer")
    parts = {name: part for name, part in found.items() if part is not None}
    if "word" in parts:
        parts["word"] = _word(parts["word"], kind)
    if "outcome" in parts:
        parts["outcome"] = as_outcome(parts["outcome"])
    if "cycle" in parts:
        start, period = parts["cycle"]
        parts["cycle"] = (start, period)
    if "trace" in parts:
        parts["trace"] = [(rule, position) for rule, position in parts["trace"]]
    return Answer(**parts)


def _letters(word: Any) -> str:
    return word if isinstance(word, str) else bytes(word).decode("latin-1")


def _word(letters: str, kind: str) -> Any:
    return letters if kind == "text" else letters.encode("latin-1")
