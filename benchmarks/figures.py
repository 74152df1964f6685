"""What is read off a record: ratios, growth exponents, and whether the floors and aims are met."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

Record = dict[str, Any]

BASE = "markovlib"
LONG = 10_000
"""Letters from which on a word counts for growth."""


def rows_of(record: Record) -> Iterator[tuple[Record, Record]]:
    """Every row of every workload, with its workload."""
    for workload in record["rewriting"]:
        for row in workload["rows"]:
            yield workload, row


def time_of(row: Record, engine: str) -> float | None:
    """Nanoseconds a unit, in the fastest sample; None if the engine was not measured."""
    best: float | None = row["results"].get(engine, {}).get("best")
    return best


def ratio_of(row: Record, engine: str) -> float | None:
    """How many times markovlib's time the engine takes."""
    ours, theirs = time_of(row, BASE), time_of(row, engine)
    return None if ours is None or theirs is None else theirs / ours


def lengths_and_times(workload: Record, engine: str) -> list[tuple[int, float]]:
    """(letters of the word, nanoseconds a step) of the rows that have both."""
    pairs = ((row.get("length"), time_of(row, engine)) for row in workload["rows"])
    return [(length, time) for length, time in pairs if length is not None and time is not None]


def growth_exponent(workload: Record, engine: str) -> float | None:
    """The slope, by least squares, of log(time a step) against log(length): 0 is flat, 1 is proportional."""
    points = [(math.log(n), math.log(time)) for n, time in lengths_and_times(workload, engine) if n >= LONG]
    if len(points) < 2:
        return None
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


# ---- floors and aims -------------------------------------------------------------------------------------------------


class Target(NamedTuple):
    """A figure with the floor under it (or the ceiling over it, if `at_least` is False) and what is aimed at."""

    about: str
    floor: float
    aim: float | None
    at_least: bool
    figure: Callable[[Record], float | None]

    def met(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


def _row(record: Record, name: str, label: str | None) -> Record | None:
    rows = (row for w, row in rows_of(record) if w["name"] == name and label in (None, row["label"]))
    return next(rows, None)


def _ratio(name: str, label: str | None, engine: str, record: Record) -> float | None:
    row = _row(record, name, label)
    return row and ratio_of(row, engine)


def _growth(name: str, record: Record) -> float | None:
    workload = next((w for w in record["rewriting"] if w["name"] == name), None)
    return workload and growth_exponent(workload, BASE)


def _whole_against_middle(record: Record) -> float | None:
    """W6: our whole run, first pass included, against the find loop in the middle of it."""
    middle, whole = _row(record, "W6 1,000 rules, mid-run", None), _row(record, "W6 1,000 rules, to the end", None)
    theirs, ours = middle and time_of(middle, "find loop"), whole and time_of(whole, BASE)
    return None if theirs is None or ours is None else theirs / ours


def _worst(values: Iterator[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _cycles(record: Record) -> float | None:
    return _worst(ratio_of(row, "cycles") for w, row in rows_of(record) if w["key"] in ("W2", "W3", "W4", "W5"))


def growth_of_letters(counted: list[float]) -> float:
    """Letters a step on the longer word, as a multiple of those on the shorter; at least one letter is counted."""
    short, long = (max(1.0, letters) for letters in counted)
    return long / short


def _adversaries(record: Record) -> float | None:
    return _worst(growth_of_letters(c) for a in record.get("adversaries", ()) for c in a["letters"].values())


def _threads(record: Record) -> float | None:
    threads = record.get("threads")
    return threads and threads["1"]["wall"] / threads["2"]["wall"]


def data_ratio(workload: str, name: str, base: str, clock: str, record: Record) -> float | None:
    """How many times as long as `base` a generator takes for an example."""
    results = next((w["results"] for w in record.get("data", ()) if w["name"] == workload), {})
    return results[name][clock] / results[base][clock] if name in results and base in results else None


def _reading_ratio(workload: str, record: Record) -> float | None:
    """How many times as long as ours Hugging Face's reader takes for an example."""
    results = next((w["results"] for w in record.get("reading", ()) if w["name"] == workload), {})
    theirs, ours = (results.get(name, {}).get("best") for name in ("datasets", "markovlib, shards"))
    return None if theirs is None or ours is None else theirs / ours


def _seconds(workload: str, record: Record) -> float | None:
    results = next((w["results"] for w in record.get("reading", ()) if w["name"] == workload), {})
    return results["markovlib, shards"]["wall"] / 1e9 if results else None


def _examples_a_second(workload: str, name: str, record: Record) -> float | None:
    results = next((w["results"] for w in record.get("data", ()) if w["name"] == workload), {})
    return 1e9 / results[name]["best"] if name in results else None


_NO_OP, _ONE = "paper/no-op in memory", "markovlib, one thread"

TARGETS = (
    Target("W1, find loop / markovlib", 20, 50, True, partial(_ratio, "W1 one step, a rule a word", None, "find loop")),
    Target("W2, find loop / markovlib", 40, 130, True, partial(_ratio, "W2 12 rules, short words", None, "find loop")),
    Target("W3, growth exponent", 0.15, 0.05, False, partial(_growth, "W3 unary multiplication")),
    Target("W4, growth exponent", 0.15, 0.05, False, partial(_growth, "W4 sort")),
    Target("W5, growth exponent", 0.15, 0.05, False, partial(_growth, "W5 binary to unary")),
    Target("W3 at 79,815 letters, find loop / markovlib", 10_000, 40_000, True,
           partial(_ratio, "W3 unary multiplication", "79,815 letters", "find loop")),
    Target("W4 at 1,000,000 letters, naive C / markovlib", 10_000, 39_000, True,
           partial(_ratio, "W4 sort", "1,000,000 letters", "naive C")),
    Target("W6, find loop in mid-run / markovlib's whole run", 100_000, 500_000, True, _whole_against_middle),
    Target("adversaries, letters a step on 1,000,000 letters / on 100,000, the worst", 1.5, 1.1, False, _adversaries),
    Target("W2 words, one thread / two, wall time", 1.7, 1.95, True, _threads),
    Target("W2-W5, cycle detection on / off, the worst", 2, None, False, _cycles),
    Target("paper/no-op, plain Python / markovlib", 25, 40, True,
           partial(data_ratio, _NO_OP, "plain Python", _ONE, "best")),
    Target("paper/no-op, NumPy / markovlib", 10, None, True, partial(data_ratio, _NO_OP, "NumPy", _ONE, "best")),
    Target("paper/no-op, one thread / all threads, wall time", 1.7, None, True,
           partial(data_ratio, _NO_OP, _ONE, "markovlib, all threads", "wall")),
    Target("paper/no-op, a rule an example / 1,000 rules", 2, None, False,
           partial(data_ratio, _NO_OP, "markovlib, a rule an example", _ONE, "best")),
    Target("paper/no-op, plain Python / sampler exact", 5, None, True,
           partial(data_ratio, _NO_OP, "plain Python", "markovlib, sampler exact", "best")),
    Target("paper/no-op, ds[i] in a random order, examples a second", 400_000, None, True,
           partial(_examples_a_second, _NO_OP, "markovlib, ds[i]")),
    Target("first-rewrite, plain Python / markovlib", 50, None, True,
           partial(data_ratio, "first-rewrite in memory", "plain Python, rejection", "markovlib, first-rewrite",
                   "best")),
    Target("trace, steps by turns, plain Python / markovlib", 30, None, True,
           partial(data_ratio, "trace in memory", "plain Python, runs", "markovlib, trace", "best")),
    Target("trace, steps by chance, plain Python / markovlib", 30, None, True,
           partial(data_ratio, "trace by chance in memory", "plain Python, runs", "markovlib, trace", "best")),
    Target("random batches of 256, all columns, datasets / markovlib", 40, None, True,
           partial(_reading_ratio, "random batches, all columns")),
    Target("random batches of 256, two columns, datasets / markovlib", 40, None, True,
           partial(_reading_ratio, "random batches, two columns")),
    Target("random batches of 256, padded int64, datasets and NumPy / markovlib", 10, None, True,
           partial(_reading_ratio, "random batches, padded")),
    Target("10,000 shards, opened and read from, seconds", 1, None, False, partial(_seconds, "opening 10,000 shards")),
)  # fmt: skip


# ---- where we lose ---------------------------------------------------------------------------------------------------

CLOSE = 1.1


def losses(record: Record, rivals: list[str]) -> list[tuple[str, str, float]]:
    """(row, rival, ratio) wherever a rival takes less than 1.1 times our time."""
    found = []
    for workload, row in rows_of(record):
        for rival in rivals:
            ratio = ratio_of(row, rival)
            if ratio is not None and ratio < CLOSE:
                found.append((f"{workload['name']}, {row['label']}", rival, ratio))
    return found
