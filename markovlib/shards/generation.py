"""Writing a folder of shards: on threads, resumably, each file appearing whole or not at all."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow

from markovlib import __version__, files
from markovlib.batch import processors
from markovlib.shards import card, folder, journal, manifest, repair, schema, source
from markovlib.shards.coordination import Progress, Record, Report, Work
from markovlib.shards.digest import rows_digest
from markovlib.shards.folder import ShardError
from markovlib.shards.formats import Format
from markovlib.shards.journal import Entry, Journal
from markovlib.shards.manifest import Companion, Manifest, Split
from markovlib.shards.plan import SHARD_ROWS, Plan, check_fits, check_ours, in_order, make_plan
from markovlib.shards.stores import Place, Store, open_store
from markovlib.shards.work import Job
from markovlib.source import name_list

__all__ = ["Progress", "Written", "companions", "generate"]

RECIPE = "recipe.toml"


@dataclass(frozen=True)
class Written:
    """What one call of `generate` did for a split; `kept` shards were there already.

    `made_again` are the files that a finished folder had lost, by their names in it.
    """

    split: str
    rows: int
    shards: int
    kept: int
    bytes: int
    made_again: tuple[str, ...] = ()


def generate(
    recipe: source.RecipeLike | str | Path,
    out: Place,
    *,
    splits: Sequence[str] = ("train",),
    seed: int = 0,
    format: str = "parquet",
    columns: Sequence[str] | None = None,
    shard_rows: int = SHARD_ROWS,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Report | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Written]:
    """Write splits of a recipe as a folder of shards with a manifest and a card.

    The folder's bytes are a function of the recipe, seed, splits, format, columns, `shard_rows` and the
    versions of this library and pyarrow; never of `threads`, of `executor`, of time, or of how often the work was
    interrupted.  Calling again after an interruption keeps complete shards as they are and makes the rest;
    calling again on a finished split makes again the files of it that are missing, and shards' files of another size,
    as the manifest has them, and else does nothing.  Another split of the same recipe and seed is added to the folder.

    Parameters: `recipe` may be the name of a preset or a file, as `Recipe.load` takes it; `out`, a path, a URL that
    fsspec knows or an open store, is made, with its parents; `format` is a name in `markovlib.shards.formats.MODULES`
    and `options` what that format alone takes; `columns` is a choice from the data set's columns, kept in their fixed
    order; `threads` defaults to the processors at hand; `progress` is called from the writing threads.  With an
    `executor`, any of `concurrent.futures`, its workers write the shards, `threads` (1 if not given) to a shard; they
    must see the same folder.  Returns what was done for each split, in the order asked.

    Memory is bounded by `threads` blocks of 65,536 rows and the format's buffers, whatever the number of
    rows.

    Raises `ShardError` for a folder that holds something else or is being written, or whose lost shards come out with
    other bytes, `WorkerError`, which is one, where workers of the executor are lost, `OSError` for a disk that is full
    or fails, `ValueError` for a request that makes no sense.  No partial file is left under its name, and the same call
    goes on.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from markovlib import Recipe
    >>> recipe = Recipe.load("paper/no-op").replace(examples=1000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = generate(recipe, Path(folder) / "data", seed=7, shard_rows=400)
    ...     again = generate(recipe, Path(folder) / "data", seed=7, shard_rows=400)
    ...     sorted(path.name for path in Path(folder, "data", "train").iterdir())
    ['part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet']
    >>> made[0].rows, made[0].kept, again[0].kept
    (1000, 0, 3)
    """
    chosen = None if columns is None else tuple(name_list(columns))
    if isinstance(recipe, str | Path):
        recipe = source.load(recipe)
    if not hasattr(recipe, "to_dict"):
        advice = "; give its recipe" if hasattr(recipe, "recipe") else ""
        raise TypeError(f"recipe must be a recipe, or the name of a preset or file, got {recipe!r}{advice}")
    plans = [
        make_plan(recipe, split, seed, format, chosen, shard_rows, options)
        for split in dict.fromkeys(name_list(splits, "splits"))
    ]
    return write(out, plans, threads, executor, progress)


def write(
    out: Place,
    plans: Sequence[Plan],
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Report | None = None,
) -> list[Written]:
    """Write planned splits into a folder, as `generate` says."""
    store = open_store(out)
    threads = thread_number(threads, processors() if executor is None else 1)
    with store.held():
        return [_ensure(store, plan, threads, executor, progress) for plan in plans]


def thread_number(threads: int | None, otherwise: int) -> int:
    """Return how many threads to use: as asked, if that was; raises `ValueError` below 1."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    return otherwise if threads is None else threads


def _ensure(store: Store, plan: Plan, threads: int, executor: Executor | None, progress: Report | None) -> Written:
    """Bring one split to completion, from wherever it is."""
    found = manifest.load_if_any(store)
    if found is None:
        check_ours(store)
    elif check_fits(store, found, plan):
        return _mend(store, found, plan, threads, executor, progress)
    _prepare(store, plan.split)
    record = Journal(store, plan.split, plan.describe())
    try:
        for name, data in plan.format.files.items():
            store.write(name, data)  # Workers in other processes read them.
        with store.drafts(plan.split) as drafts:
            kept = _write(plan, store, drafts, record, range(plan.shards), threads, executor, progress)
    finally:
        record.close()
    entries = [record.entries[plan.rows_of(number).start] for number in range(plan.shards)]
    split = _finished(plan, entries)
    _publish(store, found, plan, split)
    journal.remove(store, plan.split)
    return Written(plan.split, plan.rows, plan.shards, kept, split.bytes)


def _mend(
    store: Store, found: Manifest, plan: Plan, threads: int, executor: Executor | None, progress: Report | None
) -> Written:
    """Make again what a finished split has lost, if anything; all else is left alone."""
    split = found.splits[plan.split]
    store.clean()
    if journal.is_there(store, plan.split):  # Whoever wrote the manifest may have been killed before the rest.
        beside = companions(found)
        _write_beside(store, [name for name in (RECIPE, card.NAME) if _differs(store, name, beside[name])], beside)
    journal.remove(store, plan.split)
    damage = repair.find(store, found, plan.split, lambda: {**companions(found), **plan.format.files})
    if damage.names:
        store.prepare(plan.split)
    store.clean(plan.split)
    _write_beside(store, damage.beside.keys(), damage.beside)
    if damage.shards:
        with store.drafts(plan.split) as drafts:
            _write(plan, store, drafts, repair.Shards(damage), list(damage.shards), threads, executor, progress)
    kept = len(split.shards) - len(damage.shards)
    return Written(plan.split, split.rows, len(split.shards), kept, split.bytes, tuple(damage.names))


def _prepare(store: Store, split: str) -> None:
    store.prepare(split)
    names = {name for name in store.entries(split) if not folder.is_hidden(name)}
    if names and journal.NAME not in names:
        raise ShardError(f"{store.path(split)}: holds something else ({min(names)}); give another folder")
    store.clean()
    store.clean(split)


def _write(
    plan: Plan,
    store: Store,
    drafts: str,
    record: Record,
    numbers: Sequence[int],
    threads: int,
    executor: Executor | None,
    progress: Report | None,
) -> int:
    """Write every shard of these numbers that is not complete yet; returns how many were."""
    if executor is not None:
        job = Job.of(plan, store, drafts, threads)
        return Work(job, record, executor, progress, inside=False, numbers=numbers).run()
    job = Job.of(plan, store, drafts, max(1, threads // len(numbers)))
    with ThreadPoolExecutor(threads, thread_name_prefix="markovlib-shards") as pool:
        return Work(job, record, pool, progress, inside=True, ahead=2 * threads, numbers=numbers).run()


def _finished(plan: Plan, entries: Sequence[Entry]) -> Split:
    blocks = (entry.blocks[at : at + 32].hex() for entry in entries for at in range(0, len(entry.blocks), 32))
    return Split(
        rows=plan.rows,
        format=plan.format.name,
        options=plan.format.options,
        columns=schema.describe(plan.format.columns),
        shard_rows=plan.shard_rows,
        sizes=dict(plan.sizes),
        recipe_fingerprint=plan.data.recipe.fingerprint,
        fingerprint=plan.data.fingerprint,
        rows_digest=rows_digest(plan.rows, blocks),
        shards=[entry.shard for entry in entries],
        counts=manifest.plain(getattr(plan.data, "counts", {})),
    )


def _publish(store: Store, found: Manifest | None, plan: Plan, split: Split) -> None:
    """Write the recipe, the card and the manifest, with the split added.

    What is new is there before the manifest that names it, and what is replaced is replaced after that.  A journal of
    a split of the manifest says that this may not have been done, so that no kill makes finished splits look damaged.
    """
    splits = in_order({**(found.splits if found else {}), plan.split: split})
    made = Manifest(
        kind=manifest.KIND,
        version=manifest.VERSION,
        markovlib=__version__,
        pyarrow=pyarrow.__version__,
        stream_version=source.stream_version(),
        seed=plan.seed,
        recipe=dict(plan.identity),
        splits=splits,
        files={},
    )
    beside, before = {**companions(made), **plan.format.files}, found.files if found else {}
    sums = {name: Companion(len(data), files.sha256_bytes(data)) for name, data in beside.items()}
    _write_beside(store, sums.keys() - before.keys(), beside)
    store.write(manifest.NAME, made.with_files(sums).encode())
    _write_beside(store, [name for name in before if before[name] != sums.get(name)], beside)


def _differs(store: Store, name: str, data: bytes) -> bool:
    try:
        return store.read(name) != data
    except FileNotFoundError:
        return True


def _write_beside(store: Store, names: Collection[str], beside: Mapping[str, bytes]) -> None:
    for name, data in beside.items():
        if name in names:
            store.write(name, data)


def companions(made: Manifest) -> dict[str, bytes]:
    """Return the files beside the shards, by name: a function of the rest of the manifest."""
    sizes: dict[str, int] = {}
    for split in made.splits.values():
        sizes = {**split.sizes, **sizes}
    toml = source.recipe_toml(made.recipe, sizes)
    indexes = {
        f"{name}/{file}": data
        for name, split in made.splits.items()
        for file, data in Format.of(split).index(split).items()
    }
    return {RECIPE: toml.encode(), card.NAME: card.render(made, toml).encode(), **indexes}
