"""What handing out so many shards costs the one process that does it, the shards themselves costing nothing.

    python benchmarks/many_shards.py [SHARDS] [--fsync]

Prints seconds and peak memory of the journal, of going on after a crash, and of the manifest, for docs/scale.md.
Without --fsync the journal is not made durable, which is measured by itself with fewer shards.
"""

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

from markovlib import Recipe
from markovlib.shards import generation, journal, manifest
from markovlib.shards.coordination import Work
from markovlib.shards.plan import Plan, make_plan
from markovlib.shards.stores import LocalStore
from markovlib.shards.work import Job, Made

ROWS = 10**6
BYTES = 138_500_000
T = TypeVar("T")


class Unplaced(LocalStore):
    """A store that does not look for the files of shards."""

    def place(self, *_: str) -> None:
        pass


class Free(Executor):
    """Answers at once with the entry of a shard that nobody made."""

    def submit(self, _: Any, /, job: Job, number: int, *rest: Any) -> Future[Any]:  # noqa: ARG002
        future: Future[Any] = Future()
        future.set_result(Made(entry_of(job.plan, number), [""]))
        return future


def entry_of(plan: Plan, number: int) -> journal.Entry:
    rows = plan.rows_of(number)
    digest = hashlib.sha256(str(number).encode())
    files = [manifest.File(name, BYTES, digest.hexdigest()) for name in plan.names_of(number)]
    owned = sum(block.start in rows for _, block in plan.pieces(rows))
    return journal.Entry(manifest.Shard(rows.start, rows.stop, files), digest.digest() * owned)


def measured(what: str, function: Callable[[], T]) -> T:
    begun = time.perf_counter()
    found = function()
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    print(f"{what:<40} {time.perf_counter() - begun:9.2f} s   peak so far {peak:6,} MiB", flush=True)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shards", nargs="?", type=int, default=10**6)
    arguments.add_argument("--fsync", action="store_true")
    asked = arguments.parse_args()
    if not asked.fsync:
        os.fsync = lambda _: None
    recipe = Recipe.load("paper/no-op").replace(examples=asked.shards * ROWS)
    plan = make_plan(recipe, "train", 0, "parquet", None, ROWS)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "train").mkdir()
        run(plan, root)


def run(plan: Plan, root: Path) -> None:
    store = Unplaced(root)
    record = journal.Journal(store, "train", plan.describe())
    work = Work(Job.of(plan, store, ""), record, Free(), None, inside=False)
    measured(f"handing out {plan.shards:,} shards", work.run)
    record.close()
    del record, work
    size = (root / "train" / journal.NAME).stat().st_size
    again = measured(f"opening a journal of {size / 1e6:,.0f} MB", lambda: opened(store, plan))
    entries = [again.entries[plan.rows_of(number).start] for number in range(plan.shards)]
    split = measured("the digest of all rows", lambda: generation._finished(plan, entries))
    measured("writing card and manifest", lambda: generation._publish(store, None, plan, split))
    size = (root / manifest.NAME).stat().st_size
    measured(f"loading a manifest of {size / 1e6:,.1f} MB", lambda: manifest.load(root))


def opened(store: LocalStore, plan: Plan) -> journal.Journal:
    record = journal.Journal(store, "train", plan.describe())
    record.close()
    return record


if __name__ == "__main__":
    main()
