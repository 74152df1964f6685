"""The specialist: is a fixed budget of instructions better spent on one task alone, or partly on others?

    python -m reproduction.codegen.specialist              every run that has no record yet
    python -m reproduction.codegen.specialist --dry-run    what these are

HYPOTHESIS.md says what is measured and why; it is older than the records.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import markovlib as mk

from .arms import ARMS, Budget, Data, build, recipes, tests
from .instructions import JOINERS, judge, wordings
from .operations import OPERATIONS

RECORDS = Path(__file__).resolve().parents[2] / "records" / "codegen"

BUDGET = Budget(rows=2000, wordings=6, tested=250)
SHARES = (0.25, 0.5)
SEEDS = (11, 12, 13, 14, 15)
EPOCHS = 11


class Run(NamedTuple):
    """One model to train."""

    arm: str
    share: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.arm}-{round(100 * self.share)}-seed{self.seed}"


def planned(seeds: Sequence[int] = SEEDS, shares: Sequence[float] = SHARES) -> Iterator[Run]:
    """All runs, share by share and seed by seed, so that what is there is balanced whenever time ends."""
    for number, share in enumerate(shares):
        for seed in seeds:
            if number == 0:
                yield Run("all", 0.0, seed)
            yield from (Run(arm, share, seed) for arm in ARMS if arm != "all")


def vocabulary_texts(budget: Budget) -> Iterator[str]:
    """Texts that hold every token of every arm, so that all models have the same tables."""
    for operation in OPERATIONS:
        for group in dataclasses.astuple(wordings(operation, budget.wordings)):
            yield from map(_bare, group)
    yield from (_bare(joiner) for joiner in JOINERS)
    for recipe in recipes().values():
        ds = mk.Dataset(recipe, seed=0)
        batch = ds[:2000]
        yield from batch.prompt.tolist()
        yield from batch.completion.tolist()
    yield '"" -> ->.\n'


def _bare(text: str) -> str:
    return text.format(x="A", y="A", z="A", a="", b="")


def perform(run: Run, budget: Budget, settings: Any, threads: int = 1) -> dict[str, Any]:
    """Trains and tests one model; the record of it."""
    import torch

    from . import gpt

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        data = build(run.arm, run.share, budget, run.seed, Path(folder))
    vocabulary = gpt.Vocabulary(vocabulary_texts(budget))
    start = time.perf_counter()
    model, curve = gpt.train(data.rows, vocabulary, settings, run.seed)
    seconds = time.perf_counter() - start
    right = {}
    for name, tasks in tests(budget).items():
        found = gpt.answers(model, [task.instruction for task in tasks], vocabulary)
        right[name] = [judge(answer, task) for answer, task in zip(found, tasks, strict=True)]
    return record(run, budget, settings, data, curve, right, seconds, sum(p.numel() for p in model.parameters()))


def record(
    run: Run,
    budget: Budget,
    settings: Any,
    data: Data,
    curve: list[float],
    right: dict[str, list[bool]],
    seconds: float,
    parameters: int,
) -> dict[str, Any]:
    """What is kept of a run; `right` has a digit for each instruction of a test, 1 for a right answer."""
    from markovlib.dataset import STREAM_VERSION
    from markovlib.mixture import MIXTURE_VERSION

    return {
        "run": run._asdict(),
        "budget": dataclasses.asdict(budget),
        "settings": dataclasses.asdict(settings),
        "parameters": parameters,
        "rows": len(data.rows),
        "quotas": data.quotas,
        "mixture": data.fingerprint,
        "library": mk.__version__,
        "stream_version": STREAM_VERSION,
        "mixture_version": MIXTURE_VERSION,
        "seconds": round(seconds, 1),
        "loss": [round(loss, 4) for loss in curve],
        "accuracy": {name: round(sum(bits) / len(bits), 4) for name, bits in right.items()},
        "right": {name: "".join(str(int(bit)) for bit in bits) for name, bits in right.items()},
    }


def store(made: dict[str, Any], path: Path) -> None:
    """Writes a record whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(made, separators=(",", ":")) + "\n", "utf-8")
    partial.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Trains the specialists that have no record yet.")
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder of records")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--dry-run", action="store_true", help="say which runs there would be")
    for name, value in {**dataclasses.asdict(BUDGET), "epochs": EPOCHS}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    options = parser.parse_args(arguments)
    budget = Budget(options.rows, options.wordings, options.tested)
    for run in planned(options.seeds, options.shares):
        path = options.records / f"{run.name}.json"
        if run.arm not in options.arms or path.exists():
            continue
        if options.dry_run:
            print(run.name)
            continue
        from . import gpt

        made = perform(run, budget, gpt.Settings(epochs=options.epochs))
        store(made, path)
        print(run.name, made["accuracy"], f"{made['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
