"""Copying a folder of shards into another format: the same rows, recipe and seed, and a card of its own."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from markovlib import files
from markovlib.shards import finished, generation, manifest, source
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.formats import Format
from markovlib.shards.generation import Progress, Written
from markovlib.shards.manifest import Manifest, Shard
from markovlib.shards.plan import SHARD_ROWS, plan_of
from markovlib.shards.stores import LocalStore, Place, Store, open_store
from markovlib.source import name_list


def export(
    path: Place,
    out: Place,
    *,
    format: str = "parquet",
    splits: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    shard_rows: int = SHARD_ROWS,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Written]:
    """Write splits of a folder of shards into a folder of another format, whose rows have the same digest.

    The rows are read from the shards, each of which is compared with its checksum first, so nothing is made again.
    What `generate` promises of its folder holds of this one: its bytes are those that `generate` would have written in
    that format, an interrupted export goes on where it stopped, and one that is finished is left alone.

    Parameters: `splits` are all if not given; the others are those of `markovlib.shards.generation.generate`.  `path`
    may be a URL too, from which a shard is copied to a temporary folder for each 65,536 rows of it.

    Raises `ShardError` where `path` is not a folder of finished shards or holds tokens only, `DamagedError` where a
    shard is missing or not as it was written, and what `generate` raises.

    >>> import tempfile
    >>> from markovlib import Recipe
    >>> from markovlib.shards.generation import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = generate(Recipe.load("paper/no-op").replace(examples=100), Path(folder) / "a")
    ...     copied = export(Path(folder) / "a", Path(folder) / "b", format="jsonl")
    ...     lines = Path(folder, "b", "train", "part-00000.jsonl").read_text().splitlines()
    >>> copied[0].rows, len(lines)
    (100, 100)
    """
    root, target = open_store(path), open_store(out)
    made = load(root)
    if _lies_in(target, root):
        raise ShardError(f"{target}: cannot be exported into itself; give another folder")
    names = list(made.splits if splits is None else dict.fromkeys(name_list(splits, "splits")))
    if unknown := sorted(set(names) - set(made.splits)):
        raise ShardError(f"{root}: has no split {unknown[0]!r}: choose from {', '.join(made.splits)}")
    copies = [Copy(root, made, name) for name in names]
    plans = [
        plan_of(
            made.recipe, made.splits[copy.split].sizes, copy, format,
            None if columns is None else tuple(name_list(columns)), shard_rows, options, copied=True,
        )
        for copy in copies
    ]  # fmt: skip
    return generation.write(target, plans, threads, executor, progress)


def _lies_in(inner: Store, outer: Store) -> bool:
    """Tell whether a folder is another one, or in it, where its files would be taken for what should not be there."""
    if isinstance(inner, LocalStore) and isinstance(outer, LocalStore):
        return inner.root.resolve().is_relative_to(outer.root.resolve())
    return f"{inner}/".startswith(f"{outer}/")


def load(place: Place) -> Manifest:
    """Return the manifest of a folder; raises `ShardError` where it has none, or one that cannot be copied."""
    root = open_store(place)
    made = finished.load(root)
    if made.stream_version != source.stream_version():
        raise ShardError(
            f"{root}: holds stream version {made.stream_version} of the examples, and this markovlib writes folders of "
            f"version {source.stream_version()}: export it with markovlib {made.markovlib}"
        )
    return made


@dataclass(frozen=True)
class _Recipe:
    """What a manifest has of a recipe."""

    fingerprint: str
    fields: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return dict(self.fields)


@dataclass(frozen=True)
class _Batch:
    rows: pa.RecordBatch

    def to_arrow(self, columns: Iterable[str] | None = None) -> pa.RecordBatch:
        return self.rows if columns is None else self.rows.select(list(columns))


class Copy:
    """The rows of one split of a folder, as a `markovlib.shards.source.RowSource`; shards are compared with their
    checksums as they are first read."""

    def __init__(self, place: Place, made: Manifest, split: str) -> None:
        found, root = made.splits[split], open_store(place)
        self._found = found
        self._store = root
        self._format = Format.of(found, None, root.path(manifest.NAME))
        if self._format.held != list(found.columns):
            command = f"markovlib generate {root}/recipe.toml --seed {made.seed} --split {split}"
            raise ShardError(f"{root.path(split)}: {found.format} holds {', '.join(self._format.held)}, not the rows; "
                             f"`{command}` makes them again in another format")  # fmt: skip
        self._sound: set[int] = set()
        self._lock = threading.Lock()
        self.split = split
        self.seed = made.seed
        self.size: int | None = found.rows
        self.columns = tuple(found.columns)
        self.fingerprint = found.fingerprint
        self.counts = found.counts
        self.recipe = _Recipe(found.recipe_fingerprint, source.with_sizes(made.recipe, found.sizes))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_lock", "_format", "_sound")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _format=Format.of(state["_found"]), _sound=set())

    def batch(self, rows: range, columns: Iterable[str] | None = None, threads: int | None = None) -> _Batch:  # noqa: ARG002
        """Return consecutive rows."""
        names = list(self.columns if columns is None else columns)
        parts = [self._read(shard, rows, names) for shard in self._found.shards if _overlap(shard, rows)]
        if not parts:
            return _Batch(pa.RecordBatch.from_pylist([], schema=self._format.columns).select(names))
        return _Batch(parts[0] if len(parts) == 1 else pa.concat_batches(parts))

    def _read(self, shard: Shard, rows: range, names: list[str]) -> pa.RecordBatch:
        part = _overlap(shard, rows)
        try:
            with self._store.fetched(self.split, [file.name for file in shard.files]) as directory:
                self._check(shard, directory)
                (read,) = self._format.runs(directory, shard, [part], names, self._store.path(self.split))
                return read
        except (FileNotFoundError, IsADirectoryError) as error:
            missing = self._path(Path(error.filename or shard.name).name)
            raise DamagedError(f"{missing}: missing, and the manifest has it") from None

    def _path(self, name: str) -> str:
        return self._store.path(f"{self.split}/{name}")

    def _check(self, shard: Shard, directory: Path) -> None:
        """Compare the files of a shard with their checksums: once if they lie there, each time if they are fetched."""
        if shard.start in self._sound and isinstance(self._store, LocalStore):
            return
        for file in shard.files:
            if files.sha256_file(directory / file.name) != (file.bytes, file.sha256):
                path = self._path(file.name)
                raise DamagedError(f"{path}: is not as it was written: its checksum is not the manifest's")
        with self._lock:
            self._sound.add(shard.start)


def _overlap(shard: Shard, rows: range) -> range:
    return range(max(shard.start, rows.start), min(shard.stop, rows.stop))
