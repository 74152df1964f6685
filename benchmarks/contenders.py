"""Who is measured: markovlib and its rivals as entries of one table.

Rules are read and compiled, and words brought into the form that the engine takes, before the clock starts, for every
engine alike; the clock covers the rewriting and the making of the results in the engine's own form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

from workloads import Case, Rule


class Unable(Exception):
    """An engine cannot do a workload; the text says why."""


class Prepared(NamedTuple):
    """`run()` is what the clock covers; `read(answer)` turns the answer into a list of str afterwards."""

    run: Callable[[], Any]
    read: Callable[[Any], list[str]] = list


class Engine(NamedTuple):
    """A way to do workloads: `prepare(kind, case)` makes one ready to run, or raises `Unable`."""

    name: str
    about: str
    prepare: Callable[[str, Case], Prepared]


def _columns(kind: str, case: Case) -> Prepared:
    import markovlib as mk

    if kind == "call":
        raise Unable("takes many words in a call")
    words = mk.Column.from_words(case.words)
    if kind == "rewrite":
        patterns = mk.Column.from_words([pattern for pattern, _, _ in case.rules])
        replacements = mk.Column.from_words([replacement for _, replacement, _ in case.rules])
        return Prepared(lambda: mk.rewrite_once(patterns, replacements, words, threads=1).words, _listed)
    rules = mk.RuleSet(case.rules)
    return Prepared(lambda: rules.run_batch(words, threads=1, max_steps=case.max_steps, max_length=None).words, _listed)


def _listed(column: Any) -> list[str]:
    listed: list[str] = column.tolist()
    return listed


def _objects(kind: str, case: Case) -> Prepared:
    import markovlib as mk

    words, steps = case.words, case.max_steps
    if kind == "rewrite":
        patterns = [pattern for pattern, _, _ in case.rules]
        replacements = [replacement for _, replacement, _ in case.rules]
        return Prepared(lambda: mk.rewrite_once(patterns, replacements, words, threads=1).words.tolist())
    run = mk.RuleSet(case.rules).run
    return Prepared(lambda: [run(word, max_steps=steps, max_length=None).word for word in words])


def _find_step(rules: list[Rule], word: str) -> tuple[str, bool]:
    for pattern, replacement, terminal in rules:
        at = word.find(pattern)
        if at >= 0:
            return word[:at] + replacement + word[at + len(pattern) :], not terminal
    return word, False


def _replace_step(rules: list[Rule], word: str) -> tuple[str, bool]:
    for pattern, replacement, terminal in rules:
        if pattern in word:
            return word.replace(pattern, replacement, 1), not terminal
    return word, False


def _loop(step: Callable[[list[Rule], str], tuple[str, bool]], rules: list[Rule], word: str, limit: int | None) -> str:
    going, steps = True, 0
    while going and steps != limit:
        word, going = step(rules, word)
        steps += 1
    return word


def _find_loop(kind: str, case: Case) -> Prepared:
    if kind == "rewrite":
        return Prepared(lambda: _find_rows(case.rules, case.words))
    return Prepared(lambda: [_loop(_find_step, case.rules, word, case.max_steps) for word in case.words])


def _find_rows(rules: list[Rule], words: list[str]) -> list[str]:
    made = []
    for (pattern, replacement, _), word in zip(rules, words, strict=True):
        at = word.find(pattern)
        made.append(word if at < 0 else word[:at] + replacement + word[at + len(pattern) :])
    return made


def _replace_loop(kind: str, case: Case) -> Prepared:
    if kind == "rewrite":
        return Prepared(lambda: [word.replace(p, r, 1) for (p, r, _), word in zip(case.rules, case.words, strict=True)])
    return Prepared(lambda: [_loop(_replace_step, case.rules, word, case.max_steps) for word in case.words])


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise Unable("not installed (pip install 'markovlib[bench]')") from None


def _markalgo(kind: str, case: Case) -> Prepared:
    if case.max_steps is not None:
        raise Unable("has no step limit")
    if any(not pattern for pattern, _, _ in case.rules):
        raise Unable("refuses the empty pattern")
    make, process = _module("markalgo.rules").ReplacementRule, _module("markalgo.processing").process_text
    rules = [make(*rule) for rule in case.rules]
    if kind == "rewrite":
        return Prepared(lambda: [rule.process_text(word)[0] for rule, word in zip(rules, case.words, strict=True)])
    return Prepared(lambda: [process(word, rules) for word in case.words])


def _turingmarkov(kind: str, case: Case) -> Prepared:
    make = _module("turingmarkov.markov").Algorithm
    lines = [f"{pattern} {'=>' if terminal else '->'} {replacement}" for pattern, replacement, terminal in case.rules]
    if kind == "rewrite":
        rows = [make([line]) for line in lines]
        return Prepared(lambda: [row.execute_once(word) for row, word in zip(rows, case.words, strict=True)])
    algorithm, limit = make(lines), case.max_steps
    if limit is None:
        return Prepared(lambda: [algorithm.execute(word) for word in case.words])
    return Prepared(lambda: [_execute_some(algorithm, word, limit) for word in case.words])


def _execute_some(algorithm: Any, word: str, steps: int) -> str:
    """`execute` with a limit raises and loses the word, so its loop is written out."""
    for _ in range(steps):
        word = algorithm.execute_once(word)
        if algorithm.last_rule is None or algorithm.last_rule[2]:
            break
    return word


@cache
def _naive_library() -> Any:
    import ctypes
    import os
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None
    source = Path(__file__).with_name("naive.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "naive.so"
        subprocess.run([compiler, "-std=c11", "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
        return ctypes.CDLL(str(built))


class _Packed(NamedTuple):
    data: Any
    offsets: Any

    @classmethod
    def of(cls, strings: list[str]) -> _Packed:
        import numpy as np

        encoded = [string.encode() for string in strings]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(one) for one in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    def strings(self) -> list[str]:
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        return [data[start:end].decode() for start, end in pairwise(offsets)]


def _naive(kind: str, case: Case) -> Prepared:
    import ctypes

    import numpy as np

    if kind == "call":
        raise Unable("takes many words in a call")
    library = _naive_library()
    if library is None:
        raise Unable("no C compiler")
    patterns, replacements = _Packed.of([rule[0] for rule in case.rules]), _Packed.of([rule[1] for rule in case.rules])
    terminal = np.array([rule[2] for rule in case.rules], np.uint8)
    words = _Packed.of(case.words)
    rows, room = len(case.words), 2 * len(words.data) + sum(map(len, case.expected)) + 2**20

    def pointer(array: Any) -> Any:
        return ctypes.c_void_p(array.ctypes.data)

    def run() -> _Packed:
        out, offsets = np.empty(room, np.uint8), np.empty(rows + 1, np.int64)
        status = library.naive_run(
            pointer(patterns.data), pointer(patterns.offsets),
            pointer(replacements.data), pointer(replacements.offsets), pointer(terminal),
            ctypes.c_int64(len(terminal)), ctypes.c_int(kind == "rewrite"),
            pointer(words.data), pointer(words.offsets), ctypes.c_int64(rows),
            ctypes.c_int64(-1 if case.max_steps is None else case.max_steps),
            pointer(out), pointer(offsets), ctypes.c_int64(room),
        )  # fmt: skip
        if status:
            raise MemoryError("the buffer of the naive C program is too small")
        return _Packed(out[: offsets[-1]], offsets)

    return Prepared(run, _Packed.strings)


ENGINES = (
    Engine("markovlib, columns", "packed columns in and out, one thread", _columns),
    Engine("markovlib, str", "str in and out: `RuleSet.run` for each word, `rewrite_once` on lists", _objects),
    Engine("naive C", "`memmem` and `memmove`, rescanning from the start (benchmarks/naive.c), on packed columns",
           _naive),
    Engine("replace loop", "Python: `if p in word: word = word.replace(p, r, 1)`", _replace_loop),
    Engine("find loop", "Python: `word.find(p)` and slices", _find_loop),
    Engine("markalgo", "markalgo 1.0.2 from PyPI", _markalgo),
    Engine("turingmarkov", "turingmarkov 0.1.4 from PyPI", _turingmarkov),
)  # fmt: skip
