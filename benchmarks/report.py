"""Measures everything, stores the record, and puts its tables and its picture into the documentation.

`make bench-report` does all of that.  `report.py --only W4,W6` measures some workloads and prints their tables,
`--quick` measures smaller sizes; neither stores anything unless `--record FILE` is given.  `--tables` makes tables and
picture again from the stored record.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pages
from adversaries import ADVERSARIES
from contenders import ENGINES, Unable, module
from generators import DATA_WORKLOADS
from measure import FULL, QUICK, Effort, measure_data, measure_reading, measure_rewriting, measure_threads
from reading import READING_WORKLOADS
from touched import count_letters
from workloads import WORKLOADS, Workload

from markovlib import _core

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "records" / "latest.json"
KEYS = list(dict.fromkeys([*(workload.key for workload in WORKLOADS), "threads", "adversaries", "data", "reading"]))

MODULES = {
    "markalgo": "markalgo.rules",
    "turingmarkov": "turingmarkov.markov",
    "libsemigroups-pybind11": "libsemigroups_pybind11",
    "maude": "maude",
    "datasets": "datasets",
}
"""Packages of rivals, and what is imported to see that they work."""


def empty_record(command: str) -> dict[str, Any]:
    """A record without measurements: on what, with what, of whom."""
    absent, software = {}, {name: import_module(name).__version__ for name in ("markovlib", "numpy", "pyarrow")}
    for package, imported in MODULES.items():
        try:
            module(imported)
            software[package] = version(package)
        except (Unable, PackageNotFoundError) as reason:
            absent[package] = str(reason)
    generators: list[Any] = [generator for data in DATA_WORKLOADS for generator in data.generators]
    generators += [reader for reading in READING_WORKLOADS for reader in reading.readers if reader.about]
    return {
        "schema": 2,
        "command": command,
        "machine": {
            "architecture": platform.machine(),
            "simd": _core.simd_name(),
            "cores": os.cpu_count(),
            "python": f"{platform.python_implementation()} {platform.python_version()}",
        },
        "software": software,
        "absent": absent,
        "engines": {one.name: one.about for one in [*ENGINES, *generators]},
        "rewriting": [],
        "adversaries": [],
        "data": [],
        "reading": [],
    }


def measured(workload: Workload, effort: Effort) -> dict[str, Any]:
    """A workload of the record with all its rows."""
    rows = []
    for size in workload.quick if effort is QUICK else workload.sizes:
        say(f"{workload.name}, {workload.label(size)}")
        rows.append(measure_rewriting(workload, size, effort))
    return {"key": workload.key, "name": workload.name, "unit": workload.unit, "about": workload.about, "rows": rows}


def make_record(command: str, only: list[str], effort: Effort) -> dict[str, Any]:
    """Measures the workloads named, saying on standard error which one is being measured."""
    record = empty_record(command)
    for workload in WORKLOADS:
        if workload.key in only:
            record["rewriting"].append(measured(workload, effort))
    if "threads" in only:
        say("threads")
        record["threads"] = measure_threads(effort)
    for adversary in ADVERSARIES if "adversaries" in only else ():
        say(f"adversary {adversary}")
        record["adversaries"].append(count_letters(adversary))
    for data in DATA_WORKLOADS if "data" in only else ():
        say(data.name)
        size = data.size // 10 if effort is QUICK else data.size
        record["data"].append(measure_data(data, size, effort))
    with tempfile.TemporaryDirectory(prefix="markovlib-bench-") as folders:
        for reading in READING_WORKLOADS if "reading" in only else ():
            say(reading.name)
            size = reading.size // 10 if effort is QUICK else reading.size
            record["reading"].append(measure_reading(reading, size, effort, Path(folders)))
    return record


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def store(record: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def publish(record: dict[str, Any]) -> None:
    """Draws the picture, and puts the tables between the markers of docs/benchmarks.md and README.md."""
    import picture

    picture.draw(record, ROOT / "docs" / pages.PICTURE)
    for path, made in ((ROOT / "docs" / "benchmarks.md", pages.page), (ROOT / "README.md", pages.summary)):
        text = path.read_text("utf-8")
        path.write_text(pages.splice(text, made(record)), "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure markovlib against its rivals.")
    parser.add_argument("--only", metavar="KEYS", help=f"some of {','.join(KEYS)}")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer samples")
    parser.add_argument("--record", type=Path, metavar="FILE", help="where to store the record")
    parser.add_argument("--tables", action="store_true", help="only make tables and picture from the stored record")
    chosen = parser.parse_args()
    chosen.only = KEYS if chosen.only is None else chosen.only.split(",")
    if unknown := set(chosen.only) - set(KEYS):
        parser.error(f"--only: {', '.join(sorted(unknown))}: choose from {', '.join(KEYS)}")
    return chosen


def main() -> None:
    chosen = arguments()
    complete = chosen.only == KEYS and not chosen.quick
    path = chosen.record or (RECORD if complete else None)
    if not chosen.tables:
        command = "make bench-report" if complete else "benchmarks/report.py"
        record = make_record(command, chosen.only, QUICK if chosen.quick else FULL)
        if path:
            store(record, path)
        print("\n\n".join(pages.sections(record)))
    if chosen.tables or path == RECORD:
        publish(json.loads(RECORD.read_text("utf-8")))


if __name__ == "__main__":
    main()
