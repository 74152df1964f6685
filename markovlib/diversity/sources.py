"""Where the rows of a report come from: a data set, a folder of shards, or Arrow tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markovlib.shards import finished, manifest, source
from markovlib.shards.digest import BLOCK_ROWS
from markovlib.shards.folder import ShardError
from markovlib.shards.formats import Format
from markovlib.shards.stores import local_folder, open_store
from markovlib.source import has_column

if TYPE_CHECKING:
    import pyarrow as pa

WANTED = (
    "index", "word", "output", "pattern", "replacement", "position", "no_op", "steps", "outcome",
    "instruction", "near_miss", "occurrences", "stratum",
)  # fmt: skip

_MIXTURE = "a mixture has no rules whose diversity could be counted; give one of its sources"


@dataclass
class Rows:
    """Rows to be read, in order; `size` is how many there are in all, None for no end.

    `data` is what they are of, and `base` the one data set whose recipe, instructions and strata they have; None where
    that is not known, or there are several.
    """

    name: str
    split: str
    size: int | None
    columns: tuple[str, ...]
    data: Any = field(repr=False, default=None)
    base: Any = field(repr=False, default=None)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The first `rows` rows, in batches that end where blocks of 65,536 do."""
        raise NotImplementedError


class DatasetRows(Rows):
    """Rows made as they are read."""

    def __init__(self, data: Any, threads: int | None) -> None:
        base = _only_source(data)
        wanted = list(WANTED)
        if base is None:  # Two data sets number their instructions, and their examples, each in its own way.
            wanted = [name for name in wanted if name not in ("index", "instruction", "stratum")]
        if _several_rules(data.recipe):
            wanted.append("rules")
        columns = tuple(name for name in wanted if has_column(data, name))
        super().__init__(repr(data), data.split, data.size, columns, data, base)
        self._threads = threads

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        for start in range(0, rows, BLOCK_ROWS):
            block = range(start, min(start + BLOCK_ROWS, rows))
            yield self.data.batch(block, self.columns, threads=self._threads).to_arrow(self.columns)


class ShardRows(Rows):
    """Rows read from the shards of one split."""

    def __init__(self, folder: Path, split: str | None) -> None:
        root, made, name = _find_split(folder, split)
        if source.is_mixture(made.recipe):
            raise ShardError(f"{root}: {_MIXTURE}")
        self._directory, self._split = root / name, made.splits[name]
        self._layout = Format.of(self._split, path=str(root / manifest.NAME))
        held = self._layout.held
        columns = tuple(column for column in (*WANTED, "rules", "prompt") if column in held)
        if {"word", "pattern", "replacement"} <= set(columns):
            columns = tuple(column for column in columns if column != "prompt")
        if not columns and "tokens" in held:
            raise ShardError(
                f"{root}: holds tokens, of which no report is made; give the recipe that they are made from"
            )
        data = _recreated(made, name)
        super().__init__(str(root), name, self._split.rows, columns, data, data)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        for shard in self._split.shards:
            stop = min(shard.stop, rows)
            if shard.start >= stop:
                return
            runs = (range(start, min(start + BLOCK_ROWS, stop)) for start in range(shard.start, stop, BLOCK_ROWS))
            yield from self._layout.runs(self._directory, shard, runs, self.columns, str(self._directory))


class TableRows(Rows):
    """Rows of an Arrow table, of which no recipe is known."""

    def __init__(self, table: Any) -> None:
        columns = tuple(name for name in (*WANTED, "rules", "prompt") if name in table.schema.names)
        super().__init__("table", "", table.num_rows, columns)
        self._table = table

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        for start in range(0, rows, BLOCK_ROWS):
            piece = self._table.slice(start, min(BLOCK_ROWS, rows - start)).select(self.columns)
            yield from piece.combine_chunks().to_batches() if hasattr(piece, "combine_chunks") else [piece]


def open_rows(data: Any, split: str | None = None, threads: int | None = None) -> Rows:
    """Rows of a data set or a view of one, a folder of shards (or of one of its splits), or an Arrow table.

    Raises `ShardError` for a folder that is not one of finished shards, or holds a mixture; TypeError for a mixture
    and for something else.
    """
    if isinstance(data, str | Path):
        return ShardRows(local_folder(data, "reports read"), split)
    if split is not None:
        raise TypeError("split is for folders of shards; a data set has its own")
    if hasattr(data, "batch") and hasattr(data, "recipe"):
        if not hasattr(data.recipe, "rules"):
            raise TypeError(_MIXTURE)
        return DatasetRows(data, threads)
    if hasattr(data, "schema") and hasattr(data, "num_rows"):
        return TableRows(data)
    raise TypeError(
        f"expected a data set, the path of a folder of shards, or an Arrow table, got {type(data).__name__}"
    )


def _only_source(data: Any) -> Any:
    """The data set that a view is of, through views of views; None where it is of several."""
    while hasattr(data, "sources"):
        if len(data.sources) != 1:
            return None
        data = data.sources[0]
    return data


def _several_rules(recipe: Any) -> bool:
    rules = recipe.rules
    return rules.per_example != 1 or rules.program is not None


def _find_split(folder: Path, split: str | None) -> tuple[Path, manifest.Manifest, str]:
    """The folder with the manifest, that manifest, and the split's name, from DIR or DIR/split."""
    candidates: Sequence[tuple[Path, str | None]] = [(folder, split)]
    if split is None:
        candidates = [*candidates, (folder.resolve().parent, folder.resolve().name)]
    for root, name in candidates:
        try:
            made = manifest.load_if_any(root)
        except NotADirectoryError:
            made = None
        if made is None:
            continue
        chosen = name or ("train" if "train" in made.splits else next(iter(made.splits)))
        if chosen not in made.splits:
            raise ShardError(f"{root}: has no split {chosen!r}; its splits are {', '.join(made.splits)}")
        return root, made, chosen
    raise finished.not_finished(open_store(folder))


def _recreated(made: manifest.Manifest, split: str) -> Any:
    """The data set that a split was made from; None where this version cannot read its recipe."""
    try:
        return source.recreate(made, split)
    except ValueError:
        return None
