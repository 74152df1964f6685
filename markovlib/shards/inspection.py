"""Saying what is in a folder of shards: counts, shares, lengths, and a few examples."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from markovlib.shards import finished, manifest
from markovlib.shards.digest import BLOCK_ROWS
from markovlib.shards.formats import Format
from markovlib.shards.manifest import Manifest, Split
from markovlib.shards.stores import Place, Store, open_store

EXACT_ROWS = 1 << 20
MEASURED = ("prompt", "completion", "word", "output", "pattern", "replacement")
DISTINCT = {"patterns": ("pattern",), "replacements": ("replacement",), "rules": ("pattern", "replacement")}


@dataclass
class Spread:
    """The smallest, mean and largest of some numbers."""

    min: int
    mean: float
    max: int


@dataclass
class Contents:
    """What a split holds; the fields after `rows_read` come from that many rows: all of them, or a sample.

    `counts`, of a mixture, are the manifest's: the rows of each source that were read, left out and used.
    """

    split: str
    rows: int
    shards: int
    bytes: int
    format: str
    columns: list[str]
    rows_read: int = 0
    no_ops: int | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)
    lengths: dict[str, Spread] = field(default_factory=dict)
    position: Spread | None = None
    steps: Spread | None = None
    examples: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return self.rows_read == self.rows


@dataclass
class Inspected:
    """What a folder holds; `unfinished` counts the complete shards of splits that are not finished."""

    markovlib: str
    stream_version: int
    seed: int
    recipe: dict[str, Any]
    splits: list[Contents]
    unfinished: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as nested dictionaries and lists; bytes are given as `repr` shows them."""
        fields: dict[str, Any] = _jsonable(asdict(self))
        return fields


def inspect(path: Place, *, rows: int = EXACT_ROWS, examples: int = 3) -> Inspected:
    """Read a folder of shards and summarise it.

    Up to `rows` rows of each split are read: all, if it has no more (the figures are then exact), else
    blocks of 65,536 spread evenly over it.  Lengths are in letters: characters of text columns, bytes of
    binary ones.  Memory is bounded by `rows`.  Raises `ShardError` where the folder is not one of ours,
    `DamagedError` where a shard cannot be read; what it holds is checked by `markovlib.shards.verification.verify`.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from markovlib import Recipe
    >>> from markovlib.shards.generation import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = generate(Recipe.load("paper/no-op").replace(examples=1000), Path(folder) / "data")
    ...     train = inspect(Path(folder) / "data").splits[0]
    >>> train.rows, train.no_ops, train.distinct["rules"]
    (1000, 300, 1000)
    """
    root = open_store(path)
    made = finished.load(root)
    unfinished = finished.unfinished(root)
    contents = [_contents(root, made, name, rows, examples) for name in made.splits]
    return Inspected(made.markovlib, made.stream_version, made.seed, made.recipe, contents, unfinished)


def _contents(root: Store, made: Manifest, name: str, limit: int, examples: int) -> Contents:
    split = made.splits[name]
    found = Contents(
        name, split.rows, len(split.shards), split.bytes, split.format, list(split.columns), counts=split.counts
    )
    layout = Format.of(split, root, root.path(manifest.NAME))
    tally = _Tally(found, layout, examples)
    for batch in _batches(root, name, layout, split, limit):
        tally.add(batch)
    tally.close()
    return found


def _batches(root: Store, name: str, layout: Format, split: Split, limit: int) -> Iterator[pa.RecordBatch]:
    """Yield all rows of a split, or blocks spread evenly over it that hold `limit` rows."""
    wanted = _blocks(split.rows, limit)
    for shard in split.shards:
        pieces = [range(max(b.start, shard.start), min(b.stop, shard.stop)) for b in wanted]
        if not any(pieces):
            continue
        files = [file.name for file in shard.files]
        with root.fetched(name, files) as directory:
            yield from layout.runs(directory, shard, filter(len, pieces), None, root.path(name))


def _blocks(rows: int, limit: int) -> list[range]:
    count = -(-rows // BLOCK_ROWS)
    if rows <= limit:
        chosen = list(range(count))
    else:
        many = min(count, max(1, limit // BLOCK_ROWS))
        chosen = [number * count // many for number in range(many)]
    return [range(n * BLOCK_ROWS, min((n + 1) * BLOCK_ROWS, rows, n * BLOCK_ROWS + limit)) for n in chosen]


class _Tally:
    """Running figures over batches."""

    def __init__(self, into: Contents, layout: Format, examples: int) -> None:
        self._into = into
        self._layout = layout
        self._examples = examples
        self._sums: dict[str, tuple[int, int, int, int]] = {}
        self._seen: dict[str, pa.Table] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        into = self._into
        into.rows_read += batch.num_rows
        if (wanted := self._examples - len(into.examples)) > 0:
            into.examples += self._layout.shown(batch.slice(0, wanted))
        names = set(batch.schema.names)
        for name in [name for name in MEASURED if name in names]:
            self._measure(name, _letters(batch.column(name)))
        if "loss_mask" in names:
            self._measure("tokens", batch.column("tokens").value_lengths())
            self._measure("trained tokens", _sums(batch.column("loss_mask")))
        if "position" in names:
            position = batch.column("position")
            self._measure("@position", position.filter(pc.greater_equal(position, 0)))
        if "steps" in names:
            self._measure("@steps", batch.column("steps"))
        if "no_op" in names:
            into.no_ops = (into.no_ops or 0) + (pc.sum(batch.column("no_op")).as_py() or 0)
        if "outcome" in names:
            for item in batch.column("outcome").value_counts().to_pylist():
                into.outcomes[item["values"]] = into.outcomes.get(item["values"], 0) + item["counts"]
        for kind, columns in DISTINCT.items():
            if names.issuperset(columns):
                self._collect(kind, pa.Table.from_batches([batch.select(list(columns))]).drop_null())

    def _measure(self, name: str, numbers: pa.Array) -> None:
        bounds = pc.min_max(numbers).as_py()
        if bounds["min"] is None:
            return
        total, count = pc.sum(numbers).as_py(), len(numbers) - numbers.null_count
        low, high, before, number = self._sums.get(name, (bounds["min"], bounds["max"], 0, 0))
        self._sums[name] = min(low, bounds["min"]), max(high, bounds["max"]), before + total, number + count

    def _collect(self, kind: str, table: pa.Table) -> None:
        distinct = table.group_by(table.column_names, use_threads=False).aggregate([])
        if kind in self._seen:
            both = pa.concat_tables([self._seen[kind], distinct])
            distinct = both.group_by(both.column_names, use_threads=False).aggregate([])
        self._seen[kind] = distinct

    def close(self) -> None:
        into = self._into
        spreads = {name: Spread(low, total / count, high) for name, (low, high, total, count) in self._sums.items()}
        into.position = spreads.pop("@position", None)
        into.steps = spreads.pop("@steps", None)
        into.lengths = spreads
        into.distinct = {kind: table.num_rows for kind, table in self._seen.items()}


def _letters(column: pa.Array) -> pa.Array:
    text = pa.types.is_large_string(column.type) or pa.types.is_string(column.type)
    return pc.utf8_length(column) if text else pc.binary_length(column)


def _sums(lists: pa.Array) -> pa.Array:
    """Return the sum of each list; none is null."""
    before = np.concatenate([[0], np.cumsum(lists.flatten().to_numpy(), dtype=np.int64)])
    return pa.array(np.diff(before[lists.offsets.to_numpy() - lists.offsets[0].as_py()]))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return repr(value)[2:-1] if isinstance(value, bytes) else value
