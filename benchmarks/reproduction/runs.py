"""Runs: a point trained, tested and recorded, and many of them one after the other in several processes."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import markovlib as mk
from markovlib import cluster

from . import records
from .points import DATA_SEED, Point

LONGER = 3


@dataclass(frozen=True)
class Place:
    """Where runs leave what they make, and on what they train."""

    records: Path
    work: Path
    data: str = "virtual"
    device: str = "cpu"

    @property
    def shards(self) -> Path | None:
        """The folder of exported data; None where examples are made as they are asked for."""
        return self.work / "shards" if self.data == "shards" else None

    def checkpoint(self, point: Point) -> Path:
        """Of a run and of its repetition apart, so that a repetition that is killed goes on too."""
        name = f"{point.name},epochs={point.training.epochs}.pt"
        return self.work / "checkpoints" / point.scale / point.experiment / name


def run(point: Point, place: Place) -> records.Record:
    """Trains and tests a point, and stores its record.

    A model that has not learnt its own rules is trained anew, going through its examples three times as often; the
    record is of that run and has what the first one came to.
    """
    attempts: list[dict[str, Any]] = []
    for attempt in (point, point.longer(LONGER)):
        record = _record(point, attempt, place) | {"attempts": attempts}
        if records.trained(record) or attempt is not point:
            break
        seen = records.counts(record, "seen", "applying")
        attempts = [{"epochs": attempt.training.epochs, "seen": seen, "seconds": record["seconds"]}]
    records.write(record, records.path_of(point, place.records))
    return record


def _record(point: Point, attempt: Point, place: Place) -> records.Record:
    import torch

    from .train import Run, sources_of

    if place.device == "cpu":
        torch.set_num_threads(1)
    done = Run(attempt, sources_of(attempt, place.shards), torch.device(place.device))
    done.train(place.checkpoint(attempt))
    return {
        "schema": records.SCHEMA, "experiment": point.experiment, "scale": point.scale, "axes": point.axes,
        "seed": point.seed, "data_seed": DATA_SEED, "data": place.data, "identity": point.identity,
        "preset": point.preset, "changes": point.changes, "training": asdict(attempt.training), "steps": done.steps,
        "parameters": sum(parameter.numel() for parameter in done.model.parameters()), "tokens": done.length,
        "software": _software(), "machine": _machine(place.device),
        "fingerprints": {split: mk.Dataset(recipe, DATA_SEED, split).fingerprint[:16]
                         for split, recipe in attempt.splits.items()},
        "diversity": _diversity(attempt), "shared": _shared(attempt),
        "curve": done.curve, "tests": done.results(),
        "seconds": {name: round(seconds, 3) for name, seconds in done.seconds.items()},
    }  # fmt: skip


def _software() -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {"markovlib": mk.__version__, "stream": mk.STREAM_VERSION, "python": platform.python_version(), **versions}


def _machine(device: str) -> dict[str, Any]:
    found = {"architecture": platform.machine(), "cores": os.cpu_count(), "device": device}
    if device != "cpu":
        import torch

        found["device"] = torch.cuda.get_device_name()
    return found


def _diversity(point: Point) -> dict[str, Any]:
    """How many instructions, patterns and replacements the training rows have, and how evenly."""
    from markovlib.diversity import diversity

    found = diversity(mk.Dataset(point.recipe, DATA_SEED))
    assert found.instructions is not None
    return {
        "instructions": found.instructions.used,
        "patterns": found.patterns.distinct, "replacements": found.replacements.distinct,
        "effective": [round(number, 2) for number in found.instructions.effective],
        "outside_top": round(found.instructions.outside_top, 5),
    }  # fmt: skip


def _shared(point: Point) -> dict[str, list[int]]:
    """Patterns and replacements that training has in common with each test of unseen rules: none, or it is no test."""
    train = mk.Dataset(point.recipe, DATA_SEED)
    found = {}
    for split, recipe in point.tests.items():
        if split != "seen":
            both = mk.leakage.leakage(train, mk.Dataset(recipe, DATA_SEED, split))
            found[split] = [both["patterns"].shared, both["replacements"].shared]
    return found


# ---- many ------------------------------------------------------------------------------------------------------------


def export(points: list[Point], place: Place) -> None:
    """Writes the shards that points are trained from, if they are."""
    if place.shards is not None:
        from .train import export as export_point

        for point in points:
            export_point(point, place.shards)


def run_all(points: list[Point], place: Place, processes: int) -> Iterator[records.Record]:
    """Runs the points whose records are not there, in so many processes; gives each record as it is finished."""
    waiting = [point for point in points if not records.finished(point, place.records)]
    export(waiting, place)
    if processes == 1:
        yield from (run(point, place) for point in waiting)
        return
    with cluster.processes(processes) as pool:
        futures = [pool.submit(run, point, place) for point in waiting]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
