"""Making one shard: all that a worker does, on a thread, in a process or on another machine.

A worker writes a shard's files as drafts, under names of their own, and answers with the shard's journal entry.  The
process that started the work, and holds the folder, then enters it in the journal and gives the files their names.
So two workers at one shard, one of which was taken for dead, do not meet.
"""

import pickle
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markovlib.shards import folder, manifest
from markovlib.shards.digest import block_digest
from markovlib.shards.folder import ShardError, WholeFile
from markovlib.shards.journal import Entry
from markovlib.shards.manifest import File, Shard
from markovlib.shards.plan import Plan, restore_plan

Advance = Callable[[int, int], None]
"""Told how many more rows and bytes are done; may raise to end the work."""


@dataclass(frozen=True)
class Job:
    """A split that is being written, as its workers are given it; pickles as the plan's description.

    `directory` is the split's folder, `drafts` the folder in it that files are written in; where `drafts` is gone, the
    job is over.  `threads` are those that make the rows of one shard.
    """

    description: str
    directory: Path
    drafts: Path
    threads: int = 1
    ready: Plan | None = field(default=None, compare=False, repr=False)
    rows: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, plan: Plan, directory: Path, drafts: Path, threads: int = 1) -> "Job":
        return cls(manifest.compact(plan.describe()), directory.absolute(), drafts.absolute(), threads, plan)

    @property
    def plan(self) -> Plan:
        return self.ready or restore_plan(self.description, self.directory.parent, self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        rows = pickle.dumps(self.ready.data) if self.ready is not None and self.ready.copied else self.rows
        return Job, (self.description, self.directory, self.drafts, self.threads, None, rows)


@dataclass(frozen=True)
class Made:
    """A complete shard; `drafts` are the names of its files until they get their own, none if they have them."""

    entry: Entry
    drafts: list[str]


@dataclass(frozen=True)
class Failed:
    """What ended the making of a shard; an error that does not pickle travels as its text."""

    error: Exception

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            pickle.loads(pickle.dumps(self.error))
        except Exception:
            return Failed, (ShardError(f"{type(self.error).__name__}: {self.error}"),)
        return Failed, (self.error,)


def make_shard(job: Job, number: int, known: Entry | None = None, advance: Advance | None = None) -> Made | Failed:
    """Make sure of one shard, which is left alone where it is as `known` says.

    Errors are returned rather than raised: what an executor raises is then the executor's own.
    """
    try:
        plan = job.plan
        if known is not None and _intact(job.directory, known.shard):
            if advance is not None:
                advance(len(plan.rows_of(number)), known.shard.bytes)
            return Made(known, [])
        return _write(job, plan, number, advance)
    except Exception as error:
        return Failed(error)


def _intact(directory: Path, shard: Shard) -> bool:
    try:
        sums = [folder.sha256_file(directory / file.name) for file in shard.files]
    except FileNotFoundError:
        return False
    return sums == [(file.bytes, file.sha256) for file in shard.files]


def _write(job: Job, plan: Plan, number: int, advance: Advance | None) -> Made:
    token = secrets.token_hex(4)
    rows = plan.rows_of(number)
    files: list[WholeFile] = []
    try:
        for name in plan.names_of(number):
            files.append(WholeFile(job.directory / name, job.drafts / f"{name}.{token}"))
        blocks = _fill(plan, files, rows, job.threads, advance)
        for file in files:
            file.seal()
    except BaseException:
        for file in files:
            file.discard()
        raise
    shard = Shard(rows.start, rows.stop, [File(file.path.name, file.size, file.sha256) for file in files])
    return Made(Entry(shard, blocks), [file.draft.name for file in files])


def _fill(plan: Plan, files: Sequence[WholeFile], rows: range, threads: int, advance: Advance | None) -> list[str]:
    """Write a shard's rows; returns the digests of the blocks that start in it."""
    writer = plan.format.writer(files, plan.provenance(rows))
    blocks = []
    told = 0
    for piece, block in plan.pieces(rows):
        owned = block.start in rows
        asked = block if owned else piece
        batch = plan.data.batch(asked, plan.columns, threads=threads).to_arrow(plan.columns)
        if owned:
            blocks.append(block_digest(batch))
        writer.write(plan.format.stored(batch.slice(0, len(piece))))
        if piece.stop == rows.stop:
            writer.close()
        size = sum(file.size for file in files)
        if advance is not None:
            advance(len(piece), size - told)
        told = size
    return blocks
