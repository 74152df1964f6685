"""The command: runs experiments, draws their figures, says what they show, and makes the page of the documentation."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from . import cost, page, records, runs
from .experiments import EXPERIMENTS, SCALES, points
from .points import Point


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m reproduction", description=__doc__)
    known = ", ".join(EXPERIMENTS)
    parser.add_argument("--experiment", action="append", choices=[*EXPERIMENTS, "all"], metavar="NAME",
                        help=f"{known} or all; may be given several times; count if left out")  # fmt: skip
    parser.add_argument("--scale", choices=SCALES, default="miniature", help="tiny only shows that everything works")
    parser.add_argument("--data", choices=["virtual", "shards"], default="virtual",
                        help="train on examples made as they are asked for, or on shards exported first")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("reproduction-runs"), metavar="DIR",
                        help="where checkpoints, shards and figures go")  # fmt: skip
    parser.add_argument("--records", type=Path, metavar="DIR", help="where the records lie; DIR/records if left out")
    parser.add_argument("--processes", type=int, metavar="N", help="runs at a time; 2 on CPUs, 1 on a GPU if left out")
    parser.add_argument("--device", help="of torch; cuda where there is one, else cpu, if left out")
    parser.add_argument("--seeds", type=int, metavar="N", help="only the first so many seeds of each arm")
    parser.add_argument("--arm", action="append", default=[], metavar="AXIS=VALUE",
                        help="only runs that have this: instructions=1000; may be given several times")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list the runs and how long they take, and stop")
    parser.add_argument("--page", action="store_true",
                        help="make docs/reproduction.md and its figures from the stored records, and stop")  # fmt: skip
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = arguments()
    options = parser.parse_args(argv)
    if options.page:
        page.write(records.COMMITTED, page.PAGE)
        return 0
    if options.processes is not None and options.processes < 1:
        parser.error(f"--processes must be at least 1, got {options.processes}")
    names = list(EXPERIMENTS) if "all" in (options.experiment or ()) else options.experiment or ["count"]
    wanted = [p for p in points(names, options.scale) if options.seeds is None or p.seed < options.seeds]
    wanted = [point for point in wanted if {*options.arm} <= {*point.name.split(",")}]
    if not wanted:
        parser.error(f"no run has {', '.join(options.arm) or 'so few seeds'}; --dry-run lists them")
    device = options.device or _device()
    processes = options.processes or (2 if device == "cpu" else 1)
    if options.dry_run:
        print(cost.table(wanted, _speed(device), processes))
        return 0
    if not find_spec("torch"):
        print("torch is not installed: pip install '.[reproduction]'", file=sys.stderr)
        return 1
    place = runs.Place(options.records or options.out / "records", options.out, options.data, device)
    _run(wanted, place, processes)
    for name in names:
        print(page.report(place.records, options.scale, name, options.out))
    return 0


def _device() -> str:
    if not find_spec("torch"):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _speed(device: str) -> cost.Speed | None:
    if not find_spec("torch"):
        return None
    from .train import speed

    return lambda point: speed(point, device)


def _run(wanted: list[Point], place: runs.Place, processes: int) -> None:
    left = [point for point in wanted if not records.finished(point, place.records)]
    print(f"{len(wanted)} runs, {len(left)} to do", flush=True)
    for number, record in enumerate(runs.run_all(left, place, processes), 1):
        seen, unseen = (
            right / rows for right, rows in (records.counts(record, s, "applying") for s in ("seen", "unseen"))
        )
        print(f"{number}/{len(left)} {record['experiment']} {records.name_of(record)}: "
              f"seen {seen:.2f}, unseen {unseen:.2f}, {cost.shown(record['seconds']['wall'])}", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
