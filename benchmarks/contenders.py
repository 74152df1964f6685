"""Who is measured: markovlib, with each of its matchers, and its rivals, as entries of one table.

Rules are read and compiled, and words brought into the form that the engine takes, before the clock starts, for every
engine alike; the clock covers the rewriting and the making of the results in the engine's own form.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from cases import Case, Rule

import markovlib as mk


class Unable(Exception):
    """An engine cannot do a workload; the text says why."""


class Prepared(NamedTuple):
    """`run(start(), steps)` is the work, `steps` None for all of it, and the clock covers the call of `run`.

    `read(answer)` turns the answer into a list of str afterwards.  In a phase, `run(answer, steps)` goes on.
    """

    start: Callable[[], Any]
    run: Callable[[Any, int | None], Any]
    read: Callable[[Any], list[str]] = list


class Engine(NamedTuple):
    """A way to do workloads: `prepare(kind, case)` makes one ready to run, or raises `Unable`."""

    name: str
    about: str
    prepare: Callable[[str, Case], Prepared]


# ---- markovlib -------------------------------------------------------------------------------------------------------

WARM = 1000
"""Steps that a forced matcher takes before the clock, so that its first pass over the word is left out."""


def _ours(kind: str, case: Case, *, matcher: str = "auto", detect_cycles: bool = False) -> Prepared:
    if kind == "rewrite":
        if matcher != "auto" or detect_cycles:
            raise Unable("one step is taken without a choice of matcher")
        return _our_rewriting(case)
    rules = mk.RuleSet(case.rules)
    options = {"max_length": None, "detect_cycles": detect_cycles}
    _check_in_use(rules, case.at_the_clock[0], matcher)
    if kind == "phase":
        return _our_phase(rules, case, options, matcher)
    options |= {"max_steps": None, "matcher": matcher}
    if kind == "call":
        return Prepared(lambda: case.words, lambda words, _: [rules.run(word, **options).word for word in words])
    words = mk.Column.from_words(case.words)
    return Prepared(
        lambda: words, lambda words, _: rules.run_batch(words, threads=1, **options).words, mk.Column.tolist
    )


def _check_in_use(rules: mk.RuleSet, word: str, matcher: str) -> None:
    runner = rules.runner(word, matcher=matcher)
    runner.step(1)
    if matcher not in ("auto", runner.matcher):
        raise Unable(f"is not for these words or rules: {runner.matcher} serves")


def _our_rewriting(case: Case) -> Prepared:
    patterns, replacements, words = (
        mk.Column.from_words(texts)
        for texts in ([rule[0] for rule in case.rules], [rule[1] for rule in case.rules], case.words)
    )
    return Prepared(
        lambda: words,
        lambda words, _: mk.rewrite_once(patterns, replacements, words, threads=1).words,
        mk.Column.tolist,
    )


def _our_phase(rules: mk.RuleSet, case: Case, options: dict[str, Any], matcher: str) -> Prepared:
    """Where markovlib chooses for itself it runs from the very start, so that what it learnt and chose on the way is
    there when the clock starts; a forced matcher begins shortly before the clock: the way there may take it minutes."""
    assert case.phase is not None
    word, before = case.words[0], case.phase.skip
    if matcher != "auto":
        before = min(WARM, before)
        word = case.answer(-before)[0]

    def start() -> mk.Runner:
        runner = rules.runner(word, matcher=matcher, **options)
        runner.step(before)
        return runner

    def run(runner: mk.Runner, steps: int | None) -> mk.Runner:
        runner.step(steps)
        return runner

    return Prepared(start, run, lambda runner: [runner.word])


def _strings(kind: str, case: Case) -> Prepared:
    if kind == "rewrite":
        patterns, replacements = [rule[0] for rule in case.rules], [rule[1] for rule in case.rules]
        return Prepared(
            lambda: case.words,
            lambda words, _: mk.rewrite_once(patterns, replacements, words, threads=1).words.tolist(),
        )
    if kind != "run":
        raise Unable("is markovlib itself here")
    run = mk.RuleSet(case.rules).run
    return Prepared(
        lambda: case.words, lambda words, _: [run(word, max_steps=None, max_length=None).word for word in words]
    )


# ---- loops in Python -------------------------------------------------------------------------------------------------

Step = Callable[[str], tuple[str, bool]]
"""The word after one step, and whether the run goes on."""


def _of_steps(step: Step, case: Case) -> Prepared:
    def loop(word: str, limit: int | None) -> str:
        going, steps = True, 0
        while going and steps != limit:
            word, going = step(word)
            steps += 1
        return word

    return Prepared(lambda: case.at_the_clock, lambda words, limit: [loop(word, limit) for word in words])


def _find_loop(kind: str, case: Case) -> Prepared:
    if kind == "rewrite":
        return Prepared(lambda: case.words, lambda words, _: _find_rows(case.rules, words))

    def step(word: str) -> tuple[str, bool]:
        for pattern, replacement, terminal in case.rules:
            at = word.find(pattern)
            if at >= 0:
                return word[:at] + replacement + word[at + len(pattern) :], not terminal
        return word, False

    return _of_steps(step, case)


def _find_rows(rules: list[Rule], words: list[str]) -> list[str]:
    made = []
    for (pattern, replacement, _), word in zip(rules, words, strict=True):
        at = word.find(pattern)
        made.append(word if at < 0 else word[:at] + replacement + word[at + len(pattern) :])
    return made


def _replace_loop(kind: str, case: Case) -> Prepared:
    rules = case.rules
    if kind == "rewrite":
        return Prepared(
            lambda: case.words,
            lambda words, _: [word.replace(p, r, 1) for (p, r, _), word in zip(rules, words, strict=True)],
        )

    def step(word: str) -> tuple[str, bool]:
        for pattern, replacement, terminal in rules:
            if pattern in word:
                return word.replace(pattern, replacement, 1), not terminal
        return word, False

    return _of_steps(step, case)


# ---- packages --------------------------------------------------------------------------------------------------------


def module(name: str) -> Any:
    """The module of a rival, or Unable where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of generated bindings, about themselves
            return import_module(name)
    except ImportError:
        raise Unable("is not installed (pip install '.[bench]' in the clone of markovlib)") from None


def _markalgo(kind: str, case: Case) -> Prepared:
    if any(not pattern for pattern, _, _ in case.rules):
        raise Unable("refuses the empty pattern")
    make, process = module("markalgo.rules").ReplacementRule, module("markalgo.processing").process_text
    rules = [make(*rule) for rule in case.rules]
    if kind == "rewrite":
        return Prepared(
            lambda: case.words,
            lambda words, _: [rule.process_text(word)[0] for rule, word in zip(rules, words, strict=True)],
        )
    if kind != "phase":
        return Prepared(lambda: case.words, lambda words, _: [process(word, rules) for word in words])

    def step(word: str) -> tuple[str, bool]:
        """What `process_text`, which has no step limit, does again and again."""
        for rule in rules:
            word, fired = rule.process_text(word)
            if fired:
                return word, not rule.final
        return word, False

    return _of_steps(step, case)


def _turingmarkov(kind: str, case: Case) -> Prepared:
    make = module("turingmarkov.markov").Algorithm
    lines = [f"{pattern} {'=>' if terminal else '->'} {replacement}" for pattern, replacement, terminal in case.rules]
    if kind == "rewrite":
        rows = [make([line]) for line in lines]
        return Prepared(
            lambda: case.words,
            lambda words, _: [row.execute_once(word) for row, word in zip(rows, words, strict=True)],
        )
    algorithm = make(lines)
    if kind != "phase":
        return Prepared(lambda: case.words, lambda words, _: [algorithm.execute(word) for word in words])

    def step(word: str) -> tuple[str, bool]:
        """What `execute` does again and again; with a limit it raises, and the word is lost."""
        word = algorithm.execute_once(word)
        return word, algorithm.last_rule is not None and not algorithm.last_rule[2]

    return _of_steps(step, case)


def _in_file(name: str, kind: str, case: Case) -> Prepared:
    prepare: Callable[[str, Case], Prepared] = import_module(name).prepare
    return prepare(kind, case)


OURS = (
    Engine("markovlib", "packed columns in and out, on one thread; for a phase of one run, a runner", _ours),
    Engine("bits", "the same with `matcher=\"bits\"`", partial(_ours, matcher="bits")),
    Engine("scan", "the same with `matcher=\"scan\"`", partial(_ours, matcher="scan")),
    Engine("index", "the same with `matcher=\"index\"`", partial(_ours, matcher="index")),
    Engine("cycles", "the same with `detect_cycles=True`", partial(_ours, detect_cycles=True)),
    Engine("str", "str in and out: `RuleSet.run` for each word, `rewrite_once` on lists", _strings),
)  # fmt: skip

RIVALS = (
    Engine("naive C", "`memmem` and `memmove`, from the word's start at every step (benchmarks/naive.c)",
           partial(_in_file, "naive")),
    Engine("replace loop", "Python: `if p in word: word = word.replace(p, r, 1)`", _replace_loop),
    Engine("find loop", "Python: `word.find(p)` and slices", _find_loop),
    Engine("markalgo", "markalgo from PyPI", _markalgo),
    Engine("turingmarkov", "turingmarkov from PyPI", _turingmarkov),
    Engine("libsemigroups", "`KnuthBendix.reduce_no_run` of libsemigroups_pybind11", partial(_in_file, "semigroups")),
    Engine("Maude", "`Term.reduce` of maude; letters are operators of one argument", partial(_in_file, "terms")),
)  # fmt: skip

ENGINES = OURS + RIVALS
