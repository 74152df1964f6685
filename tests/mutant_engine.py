"""The engine in a shared library, run in every way that it has, as a program that answers questions line by line.

Each question is answered by every way, and all of them must say the same; otherwise the answer is an error.  The
library may be a faulty copy of the engine, which is why this is a process of its own.

Usage: python mutant_engine.py LIBRARY
"""

from __future__ import annotations

import ctypes as c
import sys
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from markovlib.testing import Answer, serve

BITS, SCAN, INDEX = 1, 2, 3
NO_LIMIT, ALL = 2**63 - 1, 2**64 - 1


class Column(c.Structure):
    _fields_ = (("data", c.c_void_p), ("offsets", c.POINTER(c.c_int64)), ("count", c.c_size_t))


class Options(c.Structure):
    _fields_ = (
        ("max_steps", c.c_int64), ("max_length", c.c_int64), ("strategy", c.c_int), ("detect_cycles", c.c_bool),
        ("matcher", c.c_int),
    )  # fmt: skip


class Poll(c.Structure):
    _fields_ = (("ask", c.c_void_p), ("context", c.c_void_p))


class Match(c.Structure):
    _fields_ = (("rule", c.c_size_t), ("position", c.c_size_t))


class Rows(c.Structure):
    _fields_ = (("data", c.c_void_p), ("offsets", c.POINTER(c.c_int64)))


class Batch(c.Structure):
    _fields_ = (
        ("words", Column), ("rules", c.c_void_p), ("row_rules", c.c_void_p), ("patterns", Column),
        ("replacements", Column), ("terminal", c.c_void_p), ("strategy", c.c_int), ("detect_cycles", c.c_bool),
        ("matcher", c.c_int), ("max_steps", c.POINTER(c.c_int64)), ("max_length", c.POINTER(c.c_int64)),
        ("max_steps_per_row", c.c_bool), ("max_length_per_row", c.c_bool), ("max_total", c.c_int64),
        ("threads", c.c_size_t),
    )  # fmt: skip


class BatchResult(c.Structure):
    _fields_ = (
        ("words", Rows), ("outcomes", c.POINTER(c.c_uint8)), ("steps", c.POINTER(c.c_int64)),
        ("first_rule", c.POINTER(c.c_int64)), ("first_position", c.POINTER(c.c_int64)),
    )  # fmt: skip


def column(rows: list[bytes]) -> Column:
    """The rows; their bytes live as long as the column does."""
    data = b"".join(rows)
    offsets = (c.c_int64 * (len(rows) + 1))(*accumulate(map(len, rows), initial=0))
    made = Column(c.cast(data, c.c_void_p), offsets, len(rows))
    made.bytes = data
    return made


class Library:
    """The functions of markov.h that are used here."""

    def __init__(self, path: str) -> None:
        self.c = c.CDLL(path)
        for name, result in (
            ("mk_run_steps", c.c_uint64), ("mk_trace_steps", c.c_uint64), ("mk_trace_get", Match),
            ("mk_run_word", c.c_void_p), ("mk_replay_word", c.c_void_p), ("mk_run_fired", c.POINTER(c.c_uint64)),
            ("mk_run_max_length_seen", c.c_size_t),
        ):  # fmt: skip
            getattr(self.c, name).restype = result

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.c, name)(*arguments)
        if status != 0:
            raise RuntimeError(f"{name} failed with status {status}")

    def open(self, name: str, *arguments: Any) -> c.c_void_p:
        made = c.c_void_p()
        self.call(name, *arguments, c.byref(made))
        return made


class Different(Exception):
    """Two ways to run do not give the same."""


class Question:
    """One rule set, word and limits, asked of a library in many ways."""

    def __init__(self, library: Library, rules: Any, word: bytes, limits: Any) -> None:
        self.library, self.rules, self.word, self.limits = library, rules, word, limits
        sides = column([rule[0] for rule in rules]), column([rule[1] for rule in rules])
        self.compiled = library.open("mk_ruleset_compile", *sides, bytes(bool(rule[2]) for rule in rules))

    def close(self) -> None:
        self.library.c.mk_ruleset_free(self.compiled)

    def options(self, matcher: int) -> Options:
        limits = self.limits
        bounds = [NO_LIMIT if bound is None else bound for bound in (limits.max_steps, limits.max_length)]
        return Options(*bounds, limits.strategy == "leftmost", limits.detect_cycles, matcher)

    def run(self, matcher: int, traced: bool, schedule: Iterable[tuple[int, int]] = ()) -> Answer:
        """A run by one matcher, or by a schedule of (matcher, steps)."""
        lib = self.library
        trace = lib.open("mk_trace_open", c.c_int64(-1)) if traced else None
        options = self.options(matcher)
        run = lib.open(
            "mk_run_open", self.compiled, self.word, c.c_size_t(len(self.word)), c.byref(options), trace
        )  # fmt: skip
        for chosen, steps in schedule:
            lib.c.mk_run_choose(run, chosen)
            lib.call("mk_run_step", run, c.c_uint64(steps), Poll())
        lib.call("mk_run_step", run, c.c_uint64(ALL), Poll())
        answer = self.answer_of(run, trace)
        lib.c.mk_run_close(run)
        lib.c.mk_trace_close(trace)
        return answer

    def answer_of(self, run: c.c_void_p, trace: c.c_void_p | None) -> Answer:
        lib, length = self.library, c.c_size_t()
        word = c.string_at(lib.c.mk_run_word(run, c.byref(length)), length.value)
        outcome, steps = lib.c.mk_run_outcome(run), lib.c.mk_run_steps(run)
        cycle = None
        if outcome == 5:
            start, period = c.c_uint64(), c.c_uint64()
            lib.call("mk_run_cycle", run, Poll(), c.byref(start), c.byref(period))
            cycle = (start.value, period.value)
        matches = None
        if trace is not None:
            found = [lib.c.mk_trace_get(trace, c.c_uint64(i)) for i in range(lib.c.mk_trace_steps(trace))]
            matches = [(match.rule, match.position) for match in found]
            self.check_counts(run, matches)
            self.check_replay(trace, word, steps)
        return Answer(word, outcome, steps, cycle, matches)

    def check_counts(self, run: c.c_void_p, matches: list[tuple[int, int]]) -> None:
        """How often each rule fired, and the longest word, follow from the trace."""
        fired = self.library.c.mk_run_fired(run)[: len(self.rules)]
        if fired != [sum(rule == i for rule, _ in matches) for i in range(len(self.rules))]:
            raise RuntimeError(f"fired {fired}, but the trace is {matches}")
        length = longest = len(self.word)
        for rule, _ in matches:
            length += len(self.rules[rule][1]) - len(self.rules[rule][0])
            longest = max(longest, length)
        if self.library.c.mk_run_max_length_seen(run) != longest:
            raise RuntimeError(f"max_length_seen is not {longest}")

    def check_replay(self, trace: c.c_void_p, word: bytes, steps: int) -> None:
        """The trace leads from the first word to the last, and back."""
        lib, length = self.library, c.c_size_t()
        replay = lib.open("mk_replay_open", self.compiled, self.word, c.c_size_t(len(self.word)))
        for start, end, expected in ((0, steps, word), (steps, 0, self.word)):
            lib.call("mk_replay_move", replay, trace, c.c_uint64(start), c.c_uint64(end), Poll())
            if c.string_at(lib.c.mk_replay_word(replay, c.byref(length)), length.value) != expected:
                raise RuntimeError(f"the trace does not lead from step {start} to step {end}")
        lib.c.mk_replay_close(replay)

    def first(self) -> tuple[int, int] | None:
        found, match = c.c_bool(), Match()
        self.library.call(
            "mk_ruleset_find", self.compiled, int(self.limits.strategy == "leftmost"), self.word,
            c.c_size_t(len(self.word)), Poll(), c.byref(found), c.byref(match),
        )  # fmt: skip
        return (match.rule, match.position) if found else None

    def batch(self, matcher: int) -> Iterator[tuple[Answer, tuple[int, int] | None]]:
        """The word three times, between others that stop elsewhere: what each row's run and first step are."""
        words = column([self.word, self.word[1:], self.word, self.word[:3] * 2, self.word])
        options, result, row = self.options(matcher), BatchResult(), c.c_size_t()
        asked = Batch(
            words=words, rules=self.compiled, strategy=options.strategy, detect_cycles=options.detect_cycles,
            matcher=matcher, max_steps=(c.c_int64 * 1)(options.max_steps),
            max_length=(c.c_int64 * 1)(options.max_length), max_total=NO_LIMIT, threads=1,
        )  # fmt: skip
        self.library.call("mk_batch_run", c.byref(asked), Poll(), c.byref(result), c.byref(row))
        for i in (0, 2, 4):
            start, end = result.words.offsets[i : i + 2]
            word = c.string_at((result.words.data or 0) + start, end - start)
            first = (result.first_rule[i], result.first_position[i])
            yield Answer(word, result.outcomes[i], result.steps[i]), None if first == (-1, -1) else first
        self.library.c.mk_batch_result_free(c.byref(result))


def schedule() -> Iterator[tuple[int, int]]:
    """Every matcher after every other one, for a few steps each."""
    for steps in (1, 2, 1, 3):
        for matcher in (SCAN, INDEX, BITS, INDEX, SCAN, BITS):
            yield matcher, steps


def answer(library: Library, rules: Any, word: bytes, limits: Any) -> Answer:
    question = Question(library, rules, word, limits)
    said = question.run(SCAN, traced=True)
    others = [question.run(matcher, traced=True) for matcher in (BITS, INDEX)]
    others.append(question.run(INDEX, traced=False))
    others.append(question.run(0, True, schedule()))
    others.append(question.run(0, False, schedule()))
    for other in others:
        require(other[: 4 + (other.trace is not None)] == said[: 4 + (other.trace is not None)], said, other)
    first = said.trace[0] if said.trace else None
    for matcher in (0, SCAN):
        for row, row_first in question.batch(matcher):
            require(row[:3] == said[:3] and row_first == first, said, row)
    found = question.first()
    require(found == first or not said.trace, first, found)
    question.close()
    return said


def require(same: bool, one: Any, other: Any) -> None:
    if not same:
        raise Different(f"{one} and {other}")


if __name__ == "__main__":
    loaded = Library(sys.argv[1])
    serve(lambda rules, word, limits: answer(loaded, rules, word, limits))
