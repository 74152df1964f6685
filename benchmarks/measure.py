"""Measuring: engines take turns, each sample is long enough for the clock, every first answer is checked."""

from __future__ import annotations

import gc
import math
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from contenders import ENGINES, Unable
from generators import DataWorkload, Generator, check
from workloads import Workload

SHORTEST_SAMPLE = 0.05
"""Seconds; an engine that is faster repeats its work within a sample."""
ROUNDS = 5
"""Samples of an engine, fewer where they would take more than `LONGEST` seconds together."""
LONGEST = 1.5

Record = dict[str, Any]


def cpu_time() -> float:
    """Seconds of CPU time of this process, its threads, and its children that have ended."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Elapsed(NamedTuple):
    cpu: float
    wall: float


class Turns:
    """The samples of one engine at one workload."""

    def __init__(self, run: Callable[[], Any], units: int, first: Elapsed) -> None:
        self.run, self.units = run, units
        self.loops = max(1, math.ceil(SHORTEST_SAMPLE / max(first.cpu, 1e-9)))
        # A first run of a second or more is not thrown away: what it has to warm up does not show.
        self.samples = [first] if first.cpu > 1 else []
        self.spent = sum(sample.cpu for sample in self.samples)

    def sample(self) -> None:
        """Takes one more sample, unless the time for this engine is used up."""
        if self.samples and self.spent + self.spent / len(self.samples) > LONGEST:
            return
        gc.collect()
        elapsed = timed(self._repeat)[1]
        self.spent += elapsed.cpu
        self.samples.append(Elapsed(elapsed.cpu / self.loops, elapsed.wall / self.loops))

    def _repeat(self) -> None:
        for _ in range(self.loops):
            self.run()

    def result(self) -> Record:
        """Nanoseconds a unit of work: CPU time, the median, fastest and slowest sample; wall time, the median."""
        cpu, wall = zip(*self.samples, strict=True)
        shown = {"median": median(cpu), "fastest": min(cpu), "slowest": max(cpu), "wall": median(wall)}
        scale = 1e9 / self.units
        return {name: float(f"{value * scale:.4g}") for name, value in shown.items()} | {"samples": len(self.samples)}


def timed(run: Callable[[], Any]) -> tuple[Any, Elapsed]:
    cpu, wall = cpu_time(), time.perf_counter()
    answer = run()
    return answer, Elapsed(cpu_time() - cpu, time.perf_counter() - wall)


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
        answer, first = timed(run)
        if read(answer) != case.expected:
            raise AssertionError(f"{engine.name} gives a wrong answer to {workload.name!r}")
        results[engine.name] = {}
        turns[engine.name] = Turns(run, case.units, first)
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
            answer, first = timed(partial(generator.run, workload.size, Path(folder)))
            check(generator.rows(answer), workload.size)
            del answer
        turns[generator.name] = Turns(_in_new_folder(generator, workload.size), workload.size, first)
    take_turns(turns)
    results = {name: one.result() for name, one in turns.items()}
    return {"name": workload.name, "about": workload.about, "unit": "example", "units": workload.size,
            "results": results}  # fmt: skip


def _in_new_folder(generator: Generator, size: int) -> Callable[[], Any]:
    def run() -> None:
        with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folder:
            generator.run(size, Path(folder))

    return run
