"""How far a long command is: a bar on a terminal, JSON lines for machines, nothing in a pipe."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markovlib.shards.coordination import Progress

Advance = Callable[["Progress"], None]

EVERY = 1.0
"""Seconds between two JSON lines of one split."""


@contextmanager
def shown(*, as_json: bool = False) -> Iterator[Advance | None]:
    """Give a function that shows progress on standard error.

    With `as_json` it prints a line of JSON at most once a second, and one when a split is done; else it draws a bar for
    each split, or is None where standard error is not a terminal.
    """
    if as_json:
        yield _Lines().advance
    elif sys.stderr.isatty():
        with _bars() as advance:
            yield advance
    else:
        yield None


@dataclass
class _Pace:
    """How fast a split goes, from the first time that it was heard of: what was done before does not count."""

    started: float
    before: int

    @classmethod
    def of(cls, state: "Progress") -> "_Pace":
        return cls(time.monotonic(), state.rows)

    def rate(self, state: "Progress") -> float | None:
        """Rows a second; None until there is something to tell."""
        passed = time.monotonic() - self.started
        return (state.rows - self.before) / passed if passed > 0 and state.rows > self.before else None

    def left(self, state: "Progress") -> float | None:
        """Seconds until the end at this rate."""
        rate = self.rate(state)
        return None if rate is None else (state.total - state.rows) / rate


@dataclass
class _Lines:
    """JSON lines: what is done, the rate in rows a second, the seconds that are left."""

    paces: dict[str, _Pace] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def advance(self, state: "Progress") -> None:
        pace = self.paces.setdefault(state.split, _Pace.of(state))
        now = time.monotonic()
        done = state.rows >= state.total
        if state.split in self.ended or (not done and now < self.due.setdefault(state.split, now + EVERY)):
            return
        self.due[state.split] = now + EVERY
        if done:
            self.ended.add(state.split)
        print(json.dumps(_event(state, pace)), file=sys.stderr, flush=True)


def _event(state: "Progress", pace: _Pace) -> dict[str, Any]:
    rate, left = pace.rate(state), pace.left(state)
    return {
        "event": "progress", "split": state.split, "rows": state.rows, "total": state.total, "bytes": state.bytes,
        "rows_per_second": None if rate is None else round(rate),
        "seconds_left": None if left is None else round(left, 1),
    }  # fmt: skip


@contextmanager
def _bars() -> Iterator[Advance]:
    from rich import progress
    from rich.console import Console
    from rich.filesize import decimal

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[size]}"),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TextColumn("{task.fields[ends]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, tuple[progress.TaskID, _Pace]] = {}

        def advance(state: "Progress") -> None:
            if state.split not in tasks:
                task = bar.add_task(state.split, total=state.total, size="", rate="", ends="")
                tasks[state.split] = task, _Pace.of(state)
            task, pace = tasks[state.split]
            rate, left = pace.rate(state), pace.left(state)
            bar.update(
                task,
                completed=state.rows,
                size=decimal(state.bytes) if state.bytes else "",
                rate="" if rate is None else f"{rate:,.0f} rows/s",
                ends="" if left is None else _ends(left),
            )

        yield advance


def _ends(left: float) -> str:
    """When that is, with the day where it is not today."""
    now = datetime.now()
    end = now + timedelta(seconds=left)
    return f"until {end:%H:%M:%S}" if end.date() == now.date() else f"until {end:%d %b %H:%M}"
