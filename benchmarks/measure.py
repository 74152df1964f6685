"""Measuring: engines take turns, each sample is long enough for the clock, every first answer is checked."""

from __future__ import annotations

import gc
import math
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from contenders import ENGINES, Unable
from generators import DataWorkload, Generator, check
from workloads import Workload

SHORTEST_SAMPLE = 0.05
"""Seconds; an engine that is faster repeats its work within a sample."""
ROUNDS = 5
"""Samples of an engine, fewer where they would take more than `LONGEST` seconds together."""
LONGEST = 1.5

CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "wall": time.perf_counter}

Record = dict[str, Any]


class Turns:
    """The samples of one engine at one workload."""

    def __init__(self, run: Callable[[], Any], clock: str, units: int, first: float) -> None:
        self.run, self.now, self.units = run, CLOCKS[clock], units
        self.loops = max(1, math.ceil(SHORTEST_SAMPLE / max(first, 1e-9)))
        # A first run of a second or more is not thrown away: what it has to warm up does not show.
        self.samples = [first] if first > 1 else []
        self.spent = sum(self.samples)

    def sample(self) -> None:
        """Takes one more sample, unless the time for this engine is used up."""
        if self.samples and self.spent + self.spent / len(self.samples) > LONGEST:
            return
        gc.collect()
        start = self.now()
        for _ in range(self.loops):
            self.run()
        elapsed = self.now() - start
        self.spent += elapsed
        self.samples.append(elapsed / self.loops)

    def result(self) -> Record:
        """Nanoseconds a unit of work: the median, the fastest and the slowest sample."""
        scale = 1e9 / self.units
        shown = {"median": median(self.samples), "fastest": min(self.samples), "slowest": max(self.samples)}
        return {name: float(f"{value * scale:.4g}") for name, value in shown.items()} | {"samples": len(self.samples)}


def timed(run: Callable[[], Any], clock: str) -> tuple[Any, float]:
    start = CLOCKS[clock]()
    answer = run()
    return answer, CLOCKS[clock]() - start


def take_turns(turns: dict[str, Turns]) -> None:
    """All samples.  What the engines keep is frozen, so that no engine's collector walks through another's rules."""
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for one in turns.values():
            one.sample()
    gc.unfreeze()


def measure_rewriting(workload: Workload) -> Record:
    """One record: what the workload is, and each engine's nanoseconds a unit or why there are none."""
    case = workload.make(workload.size)
    turns: dict[str, Turns] = {}
    results: dict[str, Record] = {}
    for engine in ENGINES:
        try:
            run, read = engine.prepare(workload.kind, case)
        except Unable as reason:
            results[engine.name] = {"unable": str(reason)}
            continue
        answer, first = timed(run, "cpu")
        if read(answer) != case.expected:
            raise AssertionError(f"{engine.name} gives a wrong answer to {workload.name!r}")
        results[engine.name] = {}
        turns[engine.name] = Turns(run, "cpu", case.units, first)
    take_turns(turns)
    for name, one in turns.items():
        results[name] = one.result()
    return {"name": workload.name, "about": workload.about, "unit": workload.unit, "units": case.units,
            "results": results}  # fmt: skip


def measure_data(workload: DataWorkload) -> Record:
    """The same for a data set."""
    turns: dict[str, Turns] = {}
    for generator in workload.generators:
        with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folder:
            answer, first = timed(partial(generator.run, workload.size, Path(folder)), "wall")
            check(generator.rows(answer), workload.size)
            del answer
        turns[generator.name] = Turns(_in_new_folder(generator, workload.size), "wall", workload.size, first)
    take_turns(turns)
    results = {name: one.result() for name, one in turns.items()}
    return {"name": workload.name, "about": workload.about, "unit": "example", "units": workload.size,
            "results": results}  # fmt: skip


def _in_new_folder(generator: Generator, size: int) -> Callable[[], Any]:
    def run() -> None:
        with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folder:
            generator.run(size, Path(folder))

    return run
