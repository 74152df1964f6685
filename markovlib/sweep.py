"""Sweeps: one data set for each point of a recipe's grid, in a folder of its own, with the evaluation sets they share.

    DIR/sweep.json                              written last: every point, its folder, fingerprints, rows and bytes
    DIR/instructions=100,words.no_op=0.3/       a point: a folder as `generate` writes it (train, seen, recombined)
    DIR/eval/  or  DIR/eval-1/, DIR/eval-2/     the splits that do not depend on what is trained on
    DIR/.unfinished-sweep.json                  while it is being written: which sweep it is

The evaluation sets are those of the recipe itself: axes of training (sizes, popularity, `words`) do not change them, so
that all points are tested on the same examples.  Axes of `rules`, `task`, `render` and `eval` do, and then there is an
`eval` folder for each different set.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from markovlib.fields import RecipeError
from markovlib.recipe import Recipe
from markovlib.shards.finished import SWEEP as NAME
from markovlib.shards.finished import UNFINISHED_SWEEP as UNFINISHED
from markovlib.source import name_list
from markovlib.wording import counted

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from markovlib.shards.generation import Progress

#: The splits whose rows depend on how many instructions are trained on, and how often.
OF_POINTS = ("train", "seen", "recombined")

_OF_TESTS = ("rules", "task", "render", "eval")
_MOST_POINTS = 100_000
_LONGEST_NAME = 120
_SAMPLES = 2**13, 2**14


class SweepError(ValueError):
    """A sweep that cannot be; the message has a line for every point that is wrong."""


class Point(NamedTuple):
    """One point: the values of the axes by path, its folder's name, and its recipe, which has no sweep."""

    values: dict[str, Any]
    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Folder:
    """A folder of the sweep: a point's (`values` says which) or of evaluation sets (`values` is None).

    `kept` says that all of it had been written before, `made_again` which files it had lost.
    """

    name: str
    values: dict[str, Any] | None
    fingerprint: str
    splits: dict[str, dict[str, int]]
    evaluation: str | None
    kept: bool = field(default=False, compare=False)
    made_again: tuple[str, ...] = field(default=(), compare=False)

    def to_dict(self) -> dict[str, Any]:
        """What `sweep.json` has of it."""
        fields = asdict(self)
        del fields["kept"], fields["made_again"]
        return fields


def points(recipe: Recipe | str | Path) -> list[Point]:
    """Every point of a recipe's sweep, in the order of its axes, the last one changing fastest.

    The name of a preset or a file does for a recipe.

    An axis is the path of a field with its values, or several paths joined by commas with lists of a value for each:
    `"words.length,rules.pattern_length" = [[50, 20], [500, 60]]` is two values of one axis.

    Raises SweepError for a recipe without axes, for points that are not possible (all of them, each with its values),
    and for points that come to the same recipe.

    >>> recipe = Recipe.load("paper/no-op").replace(sweep={"instructions": [10, 100], "words.no_op": [0.1, 0.5]})
    >>> [point.name for point in points(recipe)]
    ['instructions=10,words.no_op=0.1', 'instructions=10,words.no_op=0.5', 'instructions=100,...', ...]
    """
    recipe = Recipe.of(recipe)
    if not recipe.sweep:
        raise SweepError("sweep: the recipe has no axes")
    count = 1
    for axis in recipe.sweep.values():
        count *= len(axis)
    if count > _MOST_POINTS:
        raise SweepError(f"sweep: {count} points are more than {_MOST_POINTS}")
    if repeated := [problem for axis, values in recipe.sweep.items() for problem in _repeated(axis, values)]:
        raise SweepError("\n".join(repeated))
    found: list[Point] = []
    problems: list[str] = []
    bare = recipe.replace(sweep={})
    grid = [_values(recipe.sweep, chosen) for chosen in product(*recipe.sweep.values())]
    for values, name in zip(grid, _names(grid), strict=True):
        try:
            found.append(Point(values, name, bare.replace(values)))
        except RecipeError as error:
            problems.append(f"sweep: {name}: {error.path}: {error.problem}")
    seen: dict[str, Point] = {}
    for point in found:
        if (other := seen.setdefault(point.recipe.fingerprint, point)) is not point:
            problems.append(f"sweep: {point.name} is the same recipe as {other.name}; keep one of them")
    if problems:
        raise SweepError("\n".join(problems))
    return found


def _repeated(axis: str, values: Sequence[Any]) -> Iterator[str]:
    """A phrase for each value that an axis lists again."""
    places: dict[str, int] = {}
    for place, value in enumerate(values, 1):
        if (first := places.setdefault(json.dumps(value, sort_keys=True), place)) != place:
            yield f"sweep.{axis}: value {place}, {json.dumps(value)}, is value {first} again; list each once"


def _values(axes: Iterable[str], chosen: Iterable[Any]) -> dict[str, Any]:
    """The values of a point by path; an axis of several paths has a value for each."""
    found: dict[str, Any] = {}
    for axis, value in zip(axes, chosen, strict=True):
        paths = axis.split(",")
        found.update(zip(paths, value, strict=True) if len(paths) > 1 else [(axis, value)])
    return found


def _names(grid: list[dict[str, Any]]) -> list[str]:
    """The names of the points' folders, which differ even where a file system does not tell capitals."""
    names = [_name(values) for values in grid]
    times = Counter(name.casefold() for name in names)
    return [
        f"{name}-{_digest(values)}" if times[name.casefold()] > 1 else name
        for name, values in zip(names, grid, strict=True)
    ]


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:6]


def _name(values: dict[str, Any]) -> str:
    """A folder's name: readable, safe on file systems, and different for different values."""
    text = ",".join(f"{path}={_shown(value)}" for path, value in values.items())
    name = re.sub(r"[^A-Za-z0-9._=,+-]+", "_", text)
    if name == text and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME].rstrip('_')}-{_digest(values)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "+".join(f"{key}{_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "+".join(map(_shown, value))
    return str(value)


def evaluation_of(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """The recipe of a point's evaluation sets, which axes of training do not change."""
    tested = {path: value for path, value in values.items() if path.split(".")[0] in _OF_TESTS}
    return recipe.replace({**tested, "sweep": {}})


def evaluation_key(recipe: Recipe, split: str) -> str:
    """What the rows of a split other than those of training depend on, as a hash without the seed."""
    followed = recipe.for_split(split)
    fields = followed.to_dict()
    for path in ("examples", "instructions", "popularity", "sweep", "shifts"):
        fields.pop(path, None)
    # A shift into another rule space refuses what the training rules hold.
    trained = recipe.to_dict()["rules"] if followed.rules != recipe.rules else None
    text = json.dumps([split, fields, trained], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Sweep:
    """A recipe's sweep with a seed, splits and a format: what is to be written where.

    `splits` are divided: those of `OF_POINTS` go into every point's folder, the others into `eval` folders, one for
    each different evaluation set.  `options` are what the format alone takes.  Raises as `points` does, and
    SweepError for all splits that a point cannot have.

    >>> recipe = Recipe.load("paper/basic").replace({"sweep": {"instructions": [10, 100]}, "eval.examples": 50},
    ...                                             examples=100)
    >>> sweep = Sweep(recipe, seed=1)
    >>> [folder for folder, *_ in sweep.folders]
    ['eval', 'instructions=10', 'instructions=100']
    >>> with tempfile.TemporaryDirectory() as out:
    ...     [folder.splits for folder in sweep.write(Path(out) / "sweep")][0]
    {'unseen': {'rows': 50, 'bytes': ...}}
    """

    def __init__(
        self,
        recipe: Recipe | str | Path,
        *,
        seed: int = 0,
        splits: Sequence[str] | None = None,
        format: str = "parquet",
        columns: Sequence[str] | None = None,
        shard_rows: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        from markovlib.shards.plan import SHARD_ROWS

        self.recipe, self.seed, self.format = Recipe.of(recipe), seed, format
        self.columns = None if columns is None else name_list(columns)
        self.shard_rows = shard_rows or SHARD_ROWS
        self.options = dict(options or {})
        if splits is None:
            splits = ("train", "unseen" if self.recipe.rules.program is None else "seen")
        splits = list(dict.fromkeys(name_list(splits, "splits")))
        self.points = points(self.recipe)
        self.of_points = [split for split in splits if split in OF_POINTS]
        self.shared = [split for split in splits if split not in OF_POINTS]
        self._groups = self._group()
        self._plans = self._check()

    def __repr__(self) -> str:
        return f"<Sweep of {counted(len(self.points), 'point')} of {self.recipe!r}, seed={self.seed}>"

    def _group(self) -> dict[str, tuple[str, Recipe]]:
        """For each point its evaluation folder, and that folder's recipe; points that share it are told by its key."""
        if not self.shared:
            return {}
        recipes = self._evaluations()
        keys = {
            name: json.dumps([evaluation_key(recipe, split) for split in self.shared])
            for name, recipe in recipes.items()
        }
        order = list(dict.fromkeys(keys.values()))
        names = {key: "eval" if len(order) == 1 else f"eval-{i}" for i, key in enumerate(order, 1)}
        first: dict[str, Recipe] = {}
        for name, recipe in recipes.items():
            first.setdefault(keys[name], recipe)
        return {name: (names[key], first[key]) for name, key in keys.items()}

    def _evaluations(self) -> dict[str, Recipe]:
        """For each point the recipe of its evaluation sets; SweepError for those that cannot be."""
        found, problems = {}, []
        for point in self.points:
            try:
                found[point.name] = evaluation_of(self.recipe, point.values)
            except RecipeError as error:
                problems.append(f"sweep: {point.name}: its evaluation sets, for which axes of training change nothing, "
                                f"cannot be: {error.path}: {error.problem}")  # fmt: skip
        if problems:
            raise SweepError("\n".join(problems))
        return found

    def _check(self) -> dict[tuple[str, str], tuple[int, int]]:
        """The rows and shards of each folder's splits, so that nothing is written unless all of it can be."""
        from markovlib.shards.plan import make_plan

        columns = None if self.columns is None else tuple(self.columns)
        found: dict[tuple[str, str], tuple[int, int]] = {}
        problems = []
        for name, recipe, splits, *_ in self.folders:
            for split in splits:
                try:
                    plan = make_plan(recipe, split, self.seed, self.format, columns, self.shard_rows, self.options)
                except RecipeError as error:
                    problems.append(f"sweep: {name}: {': '.join(filter(None, (error.path, error.problem)))}")
                except ValueError as error:
                    problems.append(f"sweep: {name}: {error}")
                else:
                    found[name, split] = plan.rows, plan.shards
        if problems:
            raise SweepError("\n".join(dict.fromkeys(problems)))
        return found

    @property
    def folders(self) -> list[tuple[str, Recipe, list[str], dict[str, Any] | None, str | None]]:
        """(name, recipe, splits, the point's values, its evaluation folder), evaluation folders first."""
        shared = dict(self._groups.values())
        found: list[tuple[str, Recipe, list[str], dict[str, Any] | None, str | None]]
        found = [(name, recipe, self.shared, None, None) for name, recipe in shared.items()]
        for point in self.points:
            evaluation = self._groups[point.name][0] if self.shared else None
            found.append((point.name, point.recipe, self.of_points, point.values, evaluation))
        return [folder for folder in found if folder[2]]

    def write(
        self,
        out: str | Path,
        *,
        threads: int | None = None,
        executor: Executor | None = None,
        progress: Callable[[Progress], None] | None = None,
        told: Callable[[Folder], None] | None = None,
    ) -> list[Folder]:
        """Writes every folder, then `sweep.json`; calling again goes on where an earlier call stopped.

        Folders that are complete are left alone, but for files that they have lost, which are made again.  `threads`,
        `executor` and `progress` are as `generate` has them; `told` is called with each folder when it is complete.
        Raises SweepError where `out` holds another sweep, finished or not, or something else, and what `generate`
        raises.
        """
        from markovlib.shards import folder
        from markovlib.shards.stores import local_folder

        path = local_folder(out, "a sweep writes")
        path.mkdir(parents=True, exist_ok=True)
        with folder.locked(path):
            self._begin(path)
            return self._write(path, told, {"threads": threads, "executor": executor, "progress": progress})

    def _write(self, path: Path, told: Callable[[Folder], None] | None, how: dict[str, Any]) -> list[Folder]:
        from markovlib import files
        from markovlib.shards import folder

        made = []
        for entry in self.folders:
            made.append(self._write_folder(path, entry, how))
            if told is not None:
                told(made[-1])
        content = {**self._head(), "folders": [one.to_dict() for one in made]}
        data = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
        if not (path / NAME).exists() or (path / NAME).read_bytes() != data:
            files.write_whole(path / NAME, data)
        (path / UNFINISHED).unlink(missing_ok=True)
        folder.remove_temporaries(path)
        return made

    def estimate(self) -> list[Folder]:
        """What `write` would write: rows exactly, bytes from samples, within about 1 %.

        Of each split the first 8,192 and the first 16,384 rows are written to a temporary folder: the difference is
        what rows cost, the rest what each shard and each group of 65,536 rows costs beside.  A split of at most 16,384
        rows is written whole, and its bytes are exact.
        """
        return list(self._estimates())

    def _estimates(self) -> Iterator[Folder]:
        for name, recipe, splits, values, evaluation in self.folders:
            sizes = {}
            for split in splits:
                rows, shards = self._plans[name, split]
                sizes[split] = {"rows": rows, "bytes": self._sampled_bytes(recipe, split, rows, shards)}
            yield Folder(name, values, recipe.fingerprint, sizes, evaluation)

    def _sampled_bytes(self, recipe: Recipe, split: str, rows: int, shards: int) -> int:
        from markovlib.shards.digest import BLOCK_ROWS

        if rows <= _SAMPLES[1]:
            return self._bytes_of(recipe, split, self.shard_rows)
        few, many = (self._bytes_of(_of_size(recipe, split, size), split, size) for size in _SAMPLES)
        each = (many - few) / (_SAMPLES[1] - _SAMPLES[0])
        beside = max(0.0, few - _SAMPLES[0] * each)
        return round(rows * each + max(shards, -(-rows // BLOCK_ROWS)) * beside)

    def _bytes_of(self, recipe: Recipe, split: str, shard_rows: int) -> int:
        with tempfile.TemporaryDirectory(prefix="markovlib-") as folder:
            (written,) = self._generate(recipe, Path(folder) / "sample", [split], shard_rows, {"threads": 1})
        written_bytes: int = written.bytes
        return written_bytes

    def _generate(
        self, recipe: Recipe, out: Path, splits: list[str], shard_rows: int, how: dict[str, Any]
    ) -> list[Any]:
        from markovlib.shards.generation import generate

        return generate(
            recipe, out, splits=splits, seed=self.seed, format=self.format, columns=self.columns,
            shard_rows=shard_rows, options=self.options, **how,
        )  # fmt: skip

    def _write_folder(self, out: Path, entry: Any, how: dict[str, Any]) -> Folder:
        name, recipe, splits, values, evaluation = entry
        written = self._generate(recipe, out / name, splits, self.shard_rows, how)
        sizes = {one.split: {"rows": one.rows, "bytes": one.bytes} for one in written}
        kept = all(one.kept == one.shards for one in written)
        made_again = tuple(file for one in written for file in one.made_again)
        return Folder(name, values, recipe.fingerprint, sizes, evaluation, kept, made_again)

    def _head(self) -> dict[str, Any]:
        from markovlib import STREAM_VERSION

        fields = self.recipe.to_dict()
        return {
            "recipe": fields, "seed": self.seed, "format": self.format,
            "columns": None if self.columns is None else list(self.columns), "shard_rows": self.shard_rows,
            "stream_version": STREAM_VERSION,
        }  # fmt: skip

    def _begin(self, path: Path) -> None:
        """Refuses a folder that holds another sweep, finished or not, or anything else; marks one that is begun."""
        from markovlib import files

        for name, what in ((NAME, "another sweep"), (UNFINISHED, "another sweep, unfinished")):
            if (path / name).exists():
                self._compare(path / name, what)
                return
        foreign = sorted(entry.name for entry in path.iterdir() if not files.is_temporary(entry.name))
        if foreign:
            raise SweepError(f"{path}: holds something else ({foreign[0]}) and no {NAME}; choose another folder")
        begun = [{"name": name, "fingerprint": recipe.fingerprint, "splits": splits}
                 for name, recipe, splits, *_ in self.folders]  # fmt: skip
        files.write_whole(path / UNFINISHED, json.dumps({**self._head(), "folders": begun}).encode())

    def _compare(self, file: Path, what: str) -> None:
        """Raises SweepError, with what differs, where a file is of another sweep."""
        from markovlib.shards.manifest import differences

        expected = [(name, recipe.fingerprint, splits) for name, recipe, splits, *_ in self.folders]
        try:
            content = json.loads(file.read_bytes())
            there = [(one["name"], one["fingerprint"], list(one["splits"])) for one in content["folders"]]
        except (ValueError, KeyError, TypeError) as error:
            raise SweepError(f"{file}: is not a sweep's: {error}") from None
        head = json.loads(json.dumps(self._head()))
        changes = list(differences(head, {key: content.get(key) for key in head}))
        if not changes and there != expected:
            changes = ["its folders or their splits are others"]
        if changes:
            raise SweepError(f"{file.parent}: holds {what}: {'; '.join(changes)}; choose another folder")


def _of_size(recipe: Recipe, split: str, rows: int) -> Recipe:
    """The recipe with another size of a split."""
    if "examples" in recipe.shifts.get(split, {}):
        return recipe.replace(shifts={**recipe.shifts, split: {**recipe.shifts[split], "examples": rows}})
    return recipe.replace({"examples" if split == "train" else "eval.examples": rows})
