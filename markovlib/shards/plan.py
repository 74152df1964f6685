"""What is asked for: one split of a folder, its shards and blocks, and how it differs from what is there."""

import operator
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow

from markovlib import __version__
from markovlib.shards import formats, journal, manifest, source
from markovlib.shards.digest import in_blocks
from markovlib.shards.folder import ShardError, is_hidden
from markovlib.shards.formats import Format
from markovlib.shards.manifest import Manifest, Split
from markovlib.shards.stores import Store

SHARD_ROWS = 1 << 17
ORDER = ("train", "seen", "unseen")


@dataclass(frozen=True)
class Plan:
    """One split of a folder, before it is written; `copied` says that its rows are not those of its recipe's data set
    made anew, so that another process is given `data` itself."""

    identity: Mapping[str, Any]
    seed: int
    split: str
    data: source.RowSource
    rows: int
    format: Format
    shard_rows: int
    sizes: Mapping[str, int]
    copied: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.format.columns.names)

    @property
    def shards(self) -> int:
        return -(-self.rows // self.shard_rows)

    def rows_of(self, shard: int) -> range:
        """Return the rows of a shard."""
        return range(shard * self.shard_rows, min((shard + 1) * self.shard_rows, self.rows))

    def names_of(self, shard: int) -> list[str]:
        """Return the names of a shard's files; names sort as the shards do."""
        width = max(5, len(str(self.shards - 1)))
        return [f"part-{shard:0{width}d}{suffix}" for suffix in self.format.suffixes]

    def pieces(self, rows: range) -> Iterator[tuple[range, range]]:
        """Yield (piece, block) for a shard's rows, cut at the borders of digest blocks."""
        return in_blocks(rows, self.rows)

    def describe(self) -> dict[str, Any]:
        """Return what the shards' bytes are a function of."""
        return {
            **_folder_fields(stream_version=source.stream_version(), seed=self.seed, recipe=self.identity),
            "split": self.split,
            "rows": self.rows,
            "format": self.format.name,
            "options": self.format.options,
            "columns": list(self.columns),
            "shard_rows": self.shard_rows,
            "sizes": dict(self.sizes),
        }

    def provenance(self, rows: range) -> str:
        """Return the line that a shard keeps about itself."""
        fields = {
            "markovlib": __version__,
            "stream_version": source.stream_version(),
            "fingerprint": self.data.fingerprint,
            "seed": self.seed,
            "split": self.split,
            "start": rows.start,
            "stop": rows.stop,
        }
        return manifest.compact(fields)


def make_plan(
    recipe: source.RecipeLike,
    split: str,
    seed: int,
    format_name: str,
    columns: tuple[str, ...] | None,
    shard_rows: int,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """Work out one split of a recipe; raises `ValueError` as `plan_of` does."""
    if not manifest.is_split(split):
        raise ValueError(f"the name of a split is made of letters, digits and _: got {split!r}")
    identity = manifest.plain(source.identity(recipe.to_dict()))
    sizes = source.sizes(recipe.to_dict(), split)
    data = source.open_split(identity, sizes, seed, split)
    return plan_of(identity, sizes, data, format_name, columns, shard_rows, options)


def plan_of(
    identity: Mapping[str, Any],
    sizes: Mapping[str, int],
    data: source.RowSource,
    format_name: str,
    columns: tuple[str, ...] | None,
    shard_rows: int,
    options: Mapping[str, Any] | None = None,
    *,
    copied: bool = False,
) -> Plan:
    """Work out how a data set is written; raises `ValueError` where it is unbounded, empty, or lacks a column."""
    split = data.split
    if data.size is None:
        path = "examples" if split == "train" else "eval.examples"
        raise ValueError(f"{path}: the split {split!r} has no size; say how many rows to write (--examples)")
    if data.size < 1:
        raise ValueError(f"the split {split!r} has no rows to write")
    shard_rows = operator.index(shard_rows)
    if shard_rows < 1:
        raise ValueError(f"shard_rows must be at least 1, got {shard_rows}")
    known = getattr(data, "known_columns", data.columns)
    columns = formats.chosen(format_name) if columns is None else columns
    chosen = data.columns if columns is None else tuple(name for name in known if name in columns)
    if unknown := set(columns or ()) - set(chosen):
        raise ValueError(f"no column {sorted(unknown)[0]!r}: choose from {', '.join(known)}")
    empty = data.batch(range(0), chosen).to_arrow(chosen)
    layout = Format(format_name, empty.schema, options, source=data)
    return Plan(identity, data.seed, split, data, data.size, layout, shard_rows, sizes, copied)


@lru_cache(maxsize=4)
def restore_plan(description: str, root: Store, rows: bytes | None = None) -> Plan:
    """Return the plan that another process described, as JSON, for a folder; `rows` is its pickled data set, where that
    was copied.

    Raises `ShardError` where this process would not write the same bytes: it has another version of the library, of
    pyarrow, or of the stream.
    """
    asked = msgspec.json.decode(description)
    data: source.RowSource
    if rows is None:
        data = source.open_split(asked["recipe"], asked["sizes"], asked["seed"], asked["split"])
    else:
        data = pickle.loads(rows)
    columns = tuple(asked["columns"])
    empty = data.batch(range(0), columns).to_arrow(columns)
    layout = Format(asked["format"], empty.schema, asked["options"], root=root)
    made = (asked["recipe"], asked["seed"], asked["split"], data, asked["rows"], layout)
    plan = Plan(*made, asked["shard_rows"], asked["sizes"], copied=rows is not None)
    if changes := list(manifest.differences(asked, manifest.plain(plan.describe()))):
        raise ShardError(f"a worker would write other shards: {'; '.join(changes)}; install the same there")
    return plan


def describe_finished(found: Manifest, name: str) -> dict[str, Any]:
    """Return what a finished split was made from, in the form of `Plan.describe`."""
    split = found.splits[name]
    return {
        **_folder_fields(stream_version=found.stream_version, seed=found.seed, recipe=found.recipe),
        "markovlib": found.markovlib,
        "pyarrow": found.pyarrow,
        "split": name,
        "rows": split.rows,
        "format": split.format,
        "options": split.options,
        "columns": list(split.columns),
        "shard_rows": split.shard_rows,
        "sizes": split.sizes,
    }


def _folder_fields(*, stream_version: int, seed: int, recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "markovlib": __version__,
        "pyarrow": pyarrow.__version__,
        "stream_version": stream_version,
        "seed": seed,
        "recipe": dict(recipe),
    }


def check_fits(out: Store, found: Manifest, plan: Plan) -> bool:
    """Tell whether the split is finished; raises `ShardError` where the folder is of another kind."""
    if plan.split in found.splits:
        theirs = describe_finished(found, plan.split)
        _refuse(out, f"holds a finished split {plan.split!r} of another kind", plan.describe(), theirs)
        return True
    other = next(iter(found.splits))
    theirs = describe_finished(found, other)
    shared = set(theirs) - {"split", "rows", "sizes", "shard_rows"}
    ours = {name: value for name, value in plan.describe().items() if name in shared}
    _refuse(out, "holds another data set", ours, {name: theirs[name] for name in shared})
    _check_instructions(out, found, plan)
    return False


def _refuse(out: Store, what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    if changes := list(manifest.differences(ours, theirs)):
        raise ShardError(f"{out}: {what}: {'; '.join(changes)}; give another folder")


def _check_instructions(out: Store, found: Manifest, plan: Plan) -> None:
    """Refuse a `seen` split of instructions that the folder's `train` was not made from, in either order."""
    pair = {**{name: split.sizes for name, split in found.splits.items()}, plan.split: dict(plan.sizes)}
    if plan.split not in ("train", "seen") or not {"train", "seen"} <= set(pair):
        return
    trained, tested = ({path: pair[name].get(path) for path in source.SIZES[:2]} for name in ("train", "seen"))
    for path in ("instructions",) if trained["instructions"] else source.SIZES[:2]:
        if trained[path] != tested[path]:
            raise ShardError(
                f"{out}: 'seen' must be drawn from the instructions of 'train': "
                f"{path} is {trained[path]} for 'train', {tested[path]} for 'seen'"
            )


def check_ours(out: Store) -> None:
    """Refuse a folder without a manifest that holds anything but our own unfinished work."""
    entries = {name: size for name, size in out.entries().items() if not is_hidden(name)}
    inside = {name: out.entries(name) for name, size in entries.items() if size is None}
    started = any(journal.NAME in names for names in inside.values())
    ours = {name for name, names in inside.items() if journal.NAME in names or all(map(is_hidden, names))}
    companions = {"README.md", "recipe.toml", "tokenizer.json"} if started else set()
    if left := sorted(set(entries) - ours - companions):
        raise ShardError(f"{out}: holds something else ({left[0]}) and no {manifest.NAME}; give an empty folder")


def in_order(splits: Mapping[str, Split]) -> dict[str, Split]:
    """Return splits in the order of the manifest, which does not depend on when each was made."""
    known = [name for name in ORDER if name in splits]
    return {name: splits[name] for name in [*known, *sorted(set(splits) - set(ORDER))]}
