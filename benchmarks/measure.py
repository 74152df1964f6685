"""Measuring: engines take turns, each sample is long enough for the clock, every first answer is checked."""

from __future__ import annotations

import gc
import math
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from cases import Case
from contenders import ENGINES, OURS, Prepared, Unable
from generators import DataWorkload, Generator
from reading import ReadingWorkload, folder_of, opened
from workloads import Workload, many_words

import markovlib as mk

Record = dict[str, Any]


class Effort(NamedTuple):
    """How long to measure: samples of an engine, seconds of a sample, and of all of them together (then fewer)."""

    samples: int
    shortest: float
    longest: float


FULL = Effort(5, 0.08, 1.5)
QUICK = Effort(3, 0.03, 0.5)
THREADS = Effort(25, 0, 3)
"""Many short samples, each a single call: a call on two threads is disturbed by whatever else wants either core."""


class Elapsed(NamedTuple):
    cpu: float
    wall: float


class Turns:
    """The samples of one engine at one workload; `once()` does it once and says how long that took."""

    def __init__(self, once: Callable[[], Elapsed], units: int, effort: Effort) -> None:
        self.once, self.units, self.effort = once, units, effort
        begin = time.perf_counter()
        first = once()
        whole = time.perf_counter() - begin
        # Getting ready may take far longer than what is clocked: it is not repeated without end.
        repeats = min(effort.shortest / max(first.cpu, 1e-9), 5 * effort.shortest / whole)
        self.repeats = max(1, math.ceil(repeats))
        # A first run of a second or more is not thrown away: what it has to warm up does not show.
        self.samples = [first] if first.cpu > 1 else []
        self.spent = whole if self.samples else 0.0

    def sample(self) -> None:
        """Takes one more sample, unless the time for this engine is used up."""
        if self.samples and self.spent + self.spent / len(self.samples) > self.effort.longest:
            return
        gc.collect()
        begin = time.perf_counter()
        times = [self.once() for _ in range(self.repeats)]
        self.spent += time.perf_counter() - begin
        cpu, wall = (sum(column) / self.repeats for column in zip(*times, strict=True))
        self.samples.append(Elapsed(cpu, wall))

    def result(self) -> Record:
        """Nanoseconds a unit of work: CPU time of the fastest and the middle sample, wall time likewise."""
        cpu, wall = zip(*self.samples, strict=True)
        shown = {"best": min(cpu), "median": median(cpu), "wall": min(wall), "wall_median": median(wall)}
        scale = 1e9 / self.units
        return {name: float(f"{value * scale:.4g}") for name, value in shown.items()} | {"samples": len(self.samples)}


def take_turns(turns: dict[str, Turns], effort: Effort) -> Record:
    """All samples.  What the engines keep is frozen, so that no engine's collector walks through another's rules."""
    gc.collect()
    gc.freeze()
    for _ in range(effort.samples):
        for one in turns.values():
            one.sample()
    gc.unfreeze()
    return {name: one.result() for name, one in turns.items()}


# ---- rewriting -------------------------------------------------------------------------------------------------------


def clocked(prepared: Prepared, steps: int | None) -> tuple[Any, Elapsed]:
    state = prepared.start()
    cpu, wall = time.process_time(), time.perf_counter()
    answer = prepared.run(state, steps)
    return answer, Elapsed(time.process_time() - cpu, time.perf_counter() - wall)


def affordable(prepared: Prepared, case: Case, effort: Effort) -> int | None:
    """How many steps of the phase an engine is given: all that it has the time for, but one at least."""
    if case.phase is None:
        return None
    steps, limit = 1, case.phase.steps
    state = prepared.start()
    while steps < limit:
        begin = time.process_time()
        state = prepared.run(state, steps)  # goes on where it stopped: coming to the clock again may take long
        pace = (time.process_time() - begin) / steps
        if pace * steps > effort.shortest / 4:
            return limit if limit * pace < 4 * effort.longest else max(1, int(effort.shortest / pace))
        steps = min(limit, 8 * steps)
    return steps


def measure_rewriting(workload: Workload, size: int, effort: Effort) -> Record:
    """One row: each engine's nanoseconds a unit, or why there are none."""
    case = workload.make(size)
    turns: dict[str, Turns] = {}
    results: dict[str, Record] = {}
    for engine in ENGINES:
        if engine not in OURS and engine.name not in workload.rivals:
            continue
        try:
            prepared = engine.prepare(workload.kind, case)
        except Unable as reason:
            results[engine.name] = {"unable": str(reason)}
            continue
        steps = affordable(prepared, case, effort)
        answer = prepared.run(prepared.start(), steps)
        if prepared.read(answer) != case.answer(steps):
            raise AssertionError(f"{engine.name} gives a wrong answer to {workload.name}, {workload.label(size)}")
        results[engine.name] = {"steps": steps} if steps is not None and steps < case.units else {}
        once = partial(lambda prepared, steps: clocked(prepared, steps)[1], prepared, steps)
        turns[engine.name] = Turns(once, steps or case.units, effort)
    for name, result in take_turns(turns, effort).items():
        results[name] |= result
    row = {"label": workload.label(size), "units": case.units, "results": results}
    if case.phase:
        row |= {"length": len(case.at_the_clock[0])}
    return row


def measure_threads(effort: Effort) -> Record:
    """The words of W2 on one thread and on two by turns: wall time counts.

    CPU time is noted too: what two threads take of it in excess of one is what sharing the work costs, and where wall
    time shows less than that leaves, something else was using the cores.
    """
    case = many_words(4000 if effort is QUICK else 40_000)
    rules, words = mk.RuleSet(case.rules), mk.Column.from_words(case.words)

    def run(threads: int) -> list[Any]:
        return rules.run_batch(words, threads=threads, max_steps=None).words.tolist()

    def once(threads: int) -> Elapsed:
        cpu, wall = time.process_time(), time.perf_counter()
        rules.run_batch(words, threads=threads, max_steps=None)
        return Elapsed(time.process_time() - cpu, time.perf_counter() - wall)

    for threads in (1, 2):
        if run(threads) != case.expected:
            raise AssertionError(f"{threads} threads give a wrong answer")
    effort = effort if effort is QUICK else THREADS
    turns = {str(threads): Turns(partial(once, threads), case.units, effort) for threads in (1, 2)}
    results = take_turns(turns, effort)
    return {name: {"wall": one["wall"], "wall_median": one["wall_median"], "cpu": one["best"]}
            for name, one in results.items()}  # fmt: skip


# ---- data ------------------------------------------------------------------------------------------------------------


def cpu_time() -> float:
    """Seconds of CPU time of this process, its threads, and its children that have ended."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure_data(workload: DataWorkload, size: int, effort: Effort) -> Record:
    """Each generator's nanoseconds an example."""
    turns: dict[str, Turns] = {}
    for generator in workload.generators:
        with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folder:
            workload.check(generator.rows(generator.run(size, Path(folder))), size)
        turns[generator.name] = Turns(partial(_generated, generator, size), size, effort)
    results = take_turns(turns, effort)
    return {"name": workload.name, "about": workload.about, "examples": size, "results": results}


def _generated(generator: Generator, size: int) -> Elapsed:
    with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folder:
        cpu, wall = cpu_time(), time.perf_counter()
        generator.run(size, Path(folder))
        return Elapsed(cpu_time() - cpu, time.perf_counter() - wall)


# ---- reading ---------------------------------------------------------------------------------------------------------


def measure_reading(workload: ReadingWorkload, size: int, effort: Effort, folders: Path) -> Record:
    """Each reader's nanoseconds an example, or an opening."""
    folder = folder_of(workload, size, folders)
    turns: dict[str, Turns] = {}
    results: dict[str, Record] = {}
    for reader, read in opened(workload, size, folder):
        if isinstance(read, Unable):
            results[reader.name] = {"unable": str(read)}
            continue
        units = workload.calls * min(size, workload.unit)
        turns[reader.name] = Turns(partial(_read, read, workload.samples(size)), units, effort)
    results |= take_turns(turns, effort)
    results = {reader.name: results[reader.name] for reader in workload.readers}
    return {"name": workload.name, "about": workload.about, "examples": size, "results": results}


def _read(read: Callable[[Any], Any], samples: Iterator[Any]) -> Elapsed:
    batches = next(samples)
    cpu, wall = cpu_time(), time.perf_counter()
    for indices in batches:
        read(indices)
    return Elapsed(cpu_time() - cpu, time.perf_counter() - wall)
