"""What a job will take, before it is begun: its first and its last shard, made and thrown away."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markovlib.shards import source
from markovlib.shards.plan import SHARD_ROWS, Plan, make_plan
from markovlib.shards.stores import LocalStore
from markovlib.shards.work import Failed, Job, make_shard
from markovlib.source import name_list


@dataclass(frozen=True)
class TrialShard:
    """One shard that was made: the seconds are those of one processor."""

    number: int
    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Trial:
    """What was tried of a split, and what all of it will take if the other shards are like these."""

    split: str
    rows: int
    shards: int
    tried: list[TrialShard]

    @property
    def bytes(self) -> int:
        """The bytes of all shards."""
        return round(self.rows * sum(one.bytes for one in self.tried) / self._rows)

    @property
    def seconds(self) -> float:
        """The seconds that one processor needs for all shards."""
        return self.rows * sum(one.seconds for one in self.tried) / self._rows

    @property
    def _rows(self) -> int:
        return sum(one.rows for one in self.tried)


def trial(
    recipe: source.RecipeLike,
    *,
    splits: Sequence[str] = ("train",),
    seed: int = 0,
    format: str = "parquet",
    columns: Sequence[str] | None = None,
    shard_rows: int = SHARD_ROWS,
    options: Mapping[str, Any] | None = None,
    shards: Sequence[int] = (0, -1),
) -> list[Trial]:
    """Make some shards of what `markovlib.shards.generation.generate` would write, and keep nothing.

    `shards` are their numbers, negative ones counting from the end; the other parameters are those of `generate`.  The
    shards are those that the whole job has, to the byte.  They are written to a temporary folder on this machine.
    Raises `IndexError` for a shard that there is not, and what `generate` raises for a request that makes no sense.

    >>> from markovlib import Recipe
    >>> recipe = Recipe.load("paper/no-op").replace(examples=10**12)
    >>> (job,) = trial(recipe, shard_rows=1000, columns=["completion"])
    >>> job.shards, [one.number for one in job.tried]
    (1000000000, [0, 999999999])
    """
    chosen = None if columns is None else tuple(name_list(columns))
    names = dict.fromkeys(name_list(splits, "splits"))
    plans = [make_plan(recipe, split, seed, format, chosen, shard_rows, options) for split in names]
    return [Trial(plan.split, plan.rows, plan.shards, _made(plan, shards)) for plan in plans]


def _made(plan: Plan, shards: Sequence[int]) -> list[TrialShard]:
    numbers = dict.fromkeys(range(plan.shards)[number] for number in shards)
    with tempfile.TemporaryDirectory(prefix="markovlib-") as directory:
        store = LocalStore(Path(directory))
        store.prepare(plan.split)
        with store.drafts(plan.split) as drafts:
            return [_timed(Job.of(plan, store, drafts), number) for number in numbers]


def _timed(job: Job, number: int) -> TrialShard:
    started = time.thread_time()
    made = make_shard(job, number)
    seconds = time.thread_time() - started
    if isinstance(made, Failed):
        raise made.error
    shard = made.entry.shard
    return TrialShard(number, shard.stop - shard.start, shard.bytes, seconds)
