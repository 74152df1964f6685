"""Records: one JSON file for each run, and what several of them say together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .experiments import Axes
from .intervals import Estimate, estimate
from .points import SEEN, Point, named

SCHEMA = 1
COMMITTED = Path(__file__).resolve().parents[1] / "records" / "reproduction"
Record = dict[str, Any]


def path_of(point: Point, folder: Path) -> Path:
    return folder / point.scale / point.experiment / f"{point.name}.json"


def write(record: Record, path: Path) -> None:
    """Stores a record; a reader never sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n", "utf-8")
    partial.replace(path)


def finished(point: Point, folder: Path) -> bool:
    """Whether the record of this very run is there."""
    path = path_of(point, folder)
    return path.exists() and json.loads(path.read_text("utf-8"))["identity"] == point.identity


def read(folder: Path, scale: str, experiment: str) -> list[Record]:
    """The records of an experiment, in the order of their files' names."""
    files = sorted((folder / scale / experiment).glob("*.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


def name_of(record: Record) -> str:
    return named({**record["axes"], "seed": record["seed"]})


def counts(record: Record, split: str, kind: str) -> tuple[int, int]:
    right, rows = record["tests"][split][kind]
    return right, rows


def trained(record: Record) -> bool:
    """Whether the model answers enough of the applying cases of its own rules for the run to count."""
    right, rows = counts(record, "seen", "applying")
    return right >= SEEN * rows


class Results:
    """The records of an experiment at a scale."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = list(records)

    @classmethod
    def load(cls, folder: Path, scale: str, experiment: str) -> Results:
        return cls(read(folder, scale, experiment))

    def __bool__(self) -> bool:
        return bool(self.records)

    def values(self, axis: str) -> list[Any]:
        """What an axis takes: numbers ascending, then names in the order of the records."""
        found = {json.dumps(record["axes"][axis]): record["axes"][axis] for record in self.records}
        return sorted(found.values(), key=lambda value: (isinstance(value, str), value if _number(value) else 0))

    def arms(self, left_out: str) -> list[Axes]:
        """The arms, apart from one axis, in the order of `values` of each of the others."""
        found: list[Axes] = []
        for record in self.records:
            arm = {axis: value for axis, value in record["axes"].items() if axis != left_out}
            if arm not in found:
                found.append(arm)
        order = {axis: self.values(axis) for arm in found[:1] for axis in arm}
        return sorted(found, key=lambda arm: [order[axis].index(value) for axis, value in arm.items()])

    @property
    def digest(self) -> str:
        """A hash of the records."""
        return hashlib.sha256(json.dumps(self.records, sort_keys=True).encode()).hexdigest()

    def at(self, axes: Axes) -> list[Record]:
        """The seeds of an arm, or of all arms that have these axes."""
        return [record for record in self.records if all(record["axes"].get(a) == axes[a] for a in axes)]

    def share(self, axes: Axes, split: str = "unseen", kind: str = "applying") -> Estimate | None:
        """The estimate of an arm's accuracy; None if it was not run."""
        found = [record for record in self.at(axes) if kind in record["tests"].get(split, {})]
        if not found:
            return None
        return estimate([counts(record, split, kind) for record in found], all(map(trained, found)))

    def over(self, axes: Axes, splits: list[str], kind: str = "applying") -> Estimate | None:
        """The estimate of the mean accuracy over several tests of one size."""
        found = [record for record in self.at(axes) if all(split in record["tests"] for split in splits)]
        if not found:
            return None
        each = [[counts(record, split, kind) for split in splits] for record in found]
        return estimate([(sum(c[0] for c in seed), sum(c[1] for c in seed)) for seed in each], all(map(trained, found)))

    def seconds(self) -> Mapping[str, float]:
        """Wall and CPU seconds of all runs and their first attempts, and the share of time spent waiting for data."""
        clocks = [run["seconds"] for record in self.records for run in (record, *record["attempts"])]
        total = {name: sum(clock[name] for clock in clocks) for name in ("wall", "cpu", "waiting")}
        return total | {"share": total["waiting"] / total["wall"] if total["wall"] else 0.0}


def _number(value: Any) -> bool:
    return isinstance(value, int | float)
