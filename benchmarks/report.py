"""Measures everything, stores the record, and puts its tables into the documentation: `make bench-report`.

`report.py --tables` makes the tables again from the stored record, without measuring.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import tables
from contenders import ENGINES
from generators import DATA_WORKLOADS
from measure import measure_data, measure_rewriting
from workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "records" / "latest.json"


def cpu_model() -> str:
    """The processor's name, or the architecture where the system does not say."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def make_record() -> dict[str, Any]:
    """Measures all workloads, saying on standard error which one is being measured."""
    record: dict[str, Any] = {
        "command": "make bench-report",
        "machine": {"cpu": cpu_model(), "cores": os.cpu_count(), "python": platform.python_version()},
        "software": {name: import_module(name).__version__ for name in ("markovlib", "numpy", "pyarrow")},
        "engines": {engine.name: engine.about for engine in ENGINES}
        | {generator.name: generator.about for data in DATA_WORKLOADS for generator in data.generators},
        "rewriting": [],
        "data": [],
    }
    for workload in WORKLOADS:
        print(workload.name, file=sys.stderr)
        record["rewriting"].append(measure_rewriting(workload))
    for data in DATA_WORKLOADS:
        print(data.name, file=sys.stderr)
        record["data"].append(measure_data(data))
    return record


def publish(record: dict[str, Any]) -> None:
    """Puts the tables between the markers of docs/benchmarks.md and README.md."""
    for path, made in ((ROOT / "docs" / "benchmarks.md", tables.page), (ROOT / "README.md", tables.summary)):
        text = path.read_text("utf-8")
        path.write_text(tables.splice(text, made(record)), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure markovlib against its rivals.")
    parser.add_argument("--tables", action="store_true", help="only make the tables from the stored record")
    if not parser.parse_args().tables:
        record = make_record()
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    record = json.loads(RECORD.read_text("utf-8"))
    publish(record)
    print(tables.page(record))


if __name__ == "__main__":
    main()
