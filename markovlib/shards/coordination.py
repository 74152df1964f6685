"""Having the shards of a split made by an executor: the part of the work that only one process does.

It hands out shards, enters each complete one in the journal, gives its files their names, and has those made again
whose worker was lost.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Protocol

from markovlib.shards.folder import ShardError
from markovlib.shards.journal import Entry
from markovlib.shards.work import Failed, Job, Lost, Made, make_shard

TRIES = 4
"""How often a shard is given to an executor that loses its workers."""

AHEAD = 1024
"""How many shards an executor has been given at any time."""

IDLE = 1.0
"""Seconds without a complete shard after which the journal is brought up to date."""


@dataclass(frozen=True)
class Progress:
    """How far a split is: of `total` rows those that are done, and the bytes that they take, where known."""

    split: str
    rows: int
    total: int
    bytes: int = 0


Report = Callable[[Progress], None]


class WorkerError(ShardError):
    """An executor has lost its workers; the shards that are complete are kept."""


class Record(Protocol):
    """What is known of shards, by their first rows, and where complete ones are entered: a journal."""

    @property
    def entries(self) -> Mapping[int, Entry | Lost]: ...

    def append(self, entry: Entry) -> None: ...

    def flush(self) -> None: ...


class _Stopped(Exception):
    """Raised in a thread when the work has ended without it."""


class Work:
    """The shards of one split, all or those of the `numbers` given, to be made by an executor.

    Where the executor's workers are threads of this process, `inside` says so: they then tell of rows as they write
    them and end early when another has failed.  Other workers are told of nothing; those that are still at work after
    a failure find the folder of the drafts gone.
    """

    def __init__(
        self,
        job: Job,
        record: Record,
        executor: Executor,
        report: Report | None,
        *,
        inside: bool,
        ahead: int = AHEAD,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self._job = job
        self._plan = job.plan
        self._record = record
        self._executor = executor
        self._report = report
        self._inside = inside
        self._ahead = ahead
        self._numbers = range(self._plan.shards) if numbers is None else numbers
        self._rows = self._plan.rows - sum(len(self._plan.rows_of(number)) for number in self._numbers)
        self._bytes = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._running: dict[Future[Made | Failed], tuple[int, int]] = {}
        self._done: SimpleQueue[Future[Made | Failed]] = SimpleQueue()

    def run(self) -> int:
        """Have every shard made that is not complete yet; returns how many were."""
        kept = 0
        numbers = iter(self._numbers)
        try:
            while True:
                for number in islice(numbers, self._ahead - len(self._running)):
                    self._submit(number, 1)
                if not self._running:
                    break
                future = self._next_done()
                number, tries = self._running.pop(future)
                try:
                    made = future.result()
                except Exception as error:
                    self._try_again(number, tries, error)
                else:
                    kept += self._settle(number, made)
        except BaseException:
            self._stop.set()
            for future in self._running:
                future.cancel()
            raise
        return kept

    def _next_done(self) -> Future[Made | Failed]:
        while True:
            try:
                return self._done.get(timeout=IDLE)
            except Empty:
                self._record.flush()

    def _submit(self, number: int, tries: int) -> None:
        known = self._record.entries.get(self._plan.rows_of(number).start)
        try:
            future = self._executor.submit(
                make_shard, self._job, number, known, self._advance if self._inside else None
            )
        except BrokenExecutor as error:
            raise self._lost(number, error) from error
        self._running[future] = number, tries
        future.add_done_callback(self._done.put)

    def _try_again(self, number: int, tries: int, error: Exception) -> None:
        """Have a shard made again whose worker was lost, if the executor goes on without it."""
        if isinstance(error, BrokenExecutor) or tries == TRIES:
            raise self._lost(number, error) from error
        self._submit(number, tries + 1)

    def _lost(self, number: int, error: Exception) -> WorkerError:
        said = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]
        where = self._job.store.path(f"{self._plan.split}/{self._plan.names_of(number)[0]}")
        return WorkerError(
            f"{where}: its worker was lost ({said}); complete shards are kept: run the same command again"
        )

    def _settle(self, number: int, made: Made | Failed) -> bool:
        """Enter a complete shard in the journal and name its files; tells whether it was there already."""
        if isinstance(made, Failed):
            raise made.error
        if not made.kept:
            self._record.append(made.entry)
            named = list(zip(made.drafts, made.entry.shard.files, strict=True))
            for draft, file in reversed(named):  # The file that names the shard is last: then it has all of them.
                if draft is not None:
                    self._job.store.place(self._plan.split, self._job.drafts, draft, file.name)
        if not self._inside:
            self._advance(len(self._plan.rows_of(number)), made.entry.shard.bytes)
        return made.kept

    def _advance(self, rows: int, size: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        with self._lock:
            self._rows += rows
            self._bytes += size
            if self._report is not None:
                self._report(Progress(self._plan.split, self._rows, self._plan.rows, self._bytes))
