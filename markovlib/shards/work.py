"""Making one shard: all that a worker does, on a thread, in a process or on another machine.

A worker writes a shard's files as drafts, under names of their own, and answers with the shard's journal entry.  The
process that started the work, and holds the folder, then enters it in the journal and gives the files their names.
So two workers at one shard, one of which was taken for dead, do not meet.
"""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markovlib.files import WholeFile
from markovlib.shards import manifest
from markovlib.shards.digest import block_digest
from markovlib.shards.folder import ShardError
from markovlib.shards.journal import Entry
from markovlib.shards.manifest import File, Shard
from markovlib.shards.plan import Plan, restore_plan
from markovlib.shards.stores import Store

Advance = Callable[[int, int], None]
"""Told how many more rows and bytes are done; may raise to end the work."""


@dataclass(frozen=True)
class Job:
    """A split that is being written, as its workers are given it; pickles as the plan's description.

    `drafts` is where files of the split are that have no name yet; on a disk the job is over where that is gone.
    `threads` are those that make the rows of one shard.
    """

    description: str
    store: Store
    drafts: str
    threads: int = 1
    ready: Plan | None = field(default=None, compare=False, repr=False)
    rows: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, plan: Plan, store: Store, drafts: str, threads: int = 1) -> "Job":
        return cls(manifest.compact(plan.describe()), store, drafts, threads, plan)

    @property
    def plan(self) -> Plan:
        return self.ready or restore_plan(self.description, self.store, self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        rows = pickle.dumps(self.ready.data) if self.ready is not None and self.ready.copied else self.rows
        return Job, (self.description, self.store, self.drafts, self.threads, None, rows)


@dataclass(frozen=True)
class Lost:
    """A shard of a finished split, and those of its files, by name, that are to be made again as they were."""

    shard: Shard
    names: list[str]


@dataclass(frozen=True)
class Made:
    """A complete shard; `drafts` are its files until they get their names, None for one that is left as it is.  One
    that was `kept` has no drafts."""

    entry: Entry
    drafts: list[str | None]
    kept: bool = False


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


def make_shard(
    job: Job, number: int, known: Entry | Lost | None = None, advance: Advance | None = None
) -> Made | Failed:
    """Make sure of one shard, which is left alone where it is as `known` says.

    Of one that a finished split has lost only the lost files are written, and only if they are as the manifest says.
    Errors are returned rather than raised: what an executor raises is then the executor's own.
    """
    try:
        plan = job.plan
        if isinstance(known, Entry) and _intact(job.store, plan.split, known):
            if advance is not None:
                advance(len(plan.rows_of(number)), known.shard.bytes)
            return Made(known, [], kept=True)
        return _write(job, plan, number, known if isinstance(known, Lost) else None, advance)
    except Exception as error:
        return Failed(error)


def _intact(store: Store, split: str, known: Entry) -> bool:
    files = known.shard.files
    tags = known.tags or [""] * len(files)
    return all(
        store.intact(f"{split}/{file.name}", file.bytes, file.sha256, tag)
        for file, tag in zip(files, tags, strict=True)
    )


def _write(job: Job, plan: Plan, number: int, lost: Lost | None, advance: Advance | None) -> Made:
    store, split, names, rows = job.store, plan.split, plan.names_of(number), plan.rows_of(number)
    files: list[WholeFile] = []
    try:
        for name in names:
            files.append(store.draft(split, job.drafts, name))
        blocks = _fill(plan, files, rows, job.threads, advance)
        made = [File(name, file.size, file.sha256) for name, file in zip(names, files, strict=True)]
        if lost is not None:
            _check_same(store, split, lost, made)
        wanted = [lost is None or name in lost.names for name in names]
        drafts, tags = _deliver(store, split, files, names, wanted)
    except BaseException:
        for file in files:
            file.discard()
        raise
    return Made(Entry(Shard(rows.start, rows.stop, made), blocks, tags if any(tags) else []), drafts)


def _deliver(
    store: Store, split: str, files: Sequence[WholeFile], names: Sequence[str], wanted: Sequence[bool]
) -> tuple[list[str | None], list[str]]:
    """Complete the drafts that are wanted and remove the others; returns their names and the store's tags."""
    drafts, tags = list[str | None](), list[str]()
    for name, file, asked in reversed(list(zip(names, files, wanted, strict=True))):  # The naming file comes last.
        if not asked:
            file.discard()
        drafts.append(file.draft.name if asked else None)
        tags.append(store.deliver(split, name, file) if asked else "")
    return drafts[::-1], tags[::-1]


def _check_same(store: Store, split: str, lost: Lost, made: Sequence[File]) -> None:
    """Raise `ShardError` where a file that is made again has other bytes than it had."""
    now = {file.name: file for file in made}
    for was in lost.shard.files:
        if was.name in lost.names and now.get(was.name) != was:
            raise ShardError(manifest.not_the_same(store, f"{split}/{was.name}"))


def _fill(plan: Plan, files: Sequence[WholeFile], rows: range, threads: int, advance: Advance | None) -> bytes:
    """Write a shard's rows; returns the digests of the blocks that start in it, 32 bytes each."""
    writer = plan.format.writer(files, plan.provenance(rows))
    blocks = b""
    told = 0
    for piece, block in plan.pieces(rows):
        owned = block.start in rows
        asked = block if owned else piece
        batch = plan.data.batch(asked, plan.columns, threads=threads).to_arrow(plan.columns)
        if owned:
            blocks += bytes.fromhex(block_digest(batch))
        writer.write(plan.format.stored(batch.slice(0, len(piece))))
        if piece.stop == rows.stop:
            writer.close()
        size = sum(file.size for file in files)
        if advance is not None:
            advance(len(piece), size - told)
        told = size
    return blocks
