"""The commands about two sides: answers beside examples (score), one data set beside another (verify --leakage)."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from markovlib.cli.options import LOCAL_FOLDER, SPLITS
from markovlib.shards.folder import ShardError
from markovlib.shards.stores import local_folder

if TYPE_CHECKING:
    from markovlib.dataset import Dataset


@click.command()
@click.argument("folder", metavar="DIR", type=LOCAL_FOLDER)
@click.option("--answers", required=True, metavar="FILE", help="The answers; - for standard input.")
@click.option("--split", metavar="NAME", help=f"The split answered: {SPLITS}; needed where the folder has several.")
@click.option("--format", "layout", type=click.Choice(["jsonl", "lines"]), help="By the file's name if not given.")
@click.option(
    "--credit", type=click.Choice(["exact", "prefix", "steps", "pairs"]), default="exact", show_default=True,
    help="What a wrong answer earns: nothing, or the share of leading letters, leading steps or pairs that are right.",
)  # fmt: skip
@click.option("--strip", is_flag=True, help="Leave out white space around answers.")
@click.option("--partial", is_flag=True, help="Allow rows without an answer, and answers without a row.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(
    folder: Path,
    answers: str,
    split: str | None,
    layout: str | None,
    credit: Any,
    strip: bool,
    partial: bool,
    threads: int | None,
    as_json: bool,
) -> int:
    """Score answers to a folder's examples: accuracy by kind of example, with intervals and baselines.

    FILE has a line for each row: the answer, or JSON (an object with `index` and `answer` or `completion`, or a
    string).
    """
    from markovlib import answers as files
    from markovlib import evaluation

    ds = open_folder(folder, split)
    source = sys.stdin.buffer if answers == "-" else Path(answers)
    jsonl = None if layout is None else layout == "jsonl"
    try:
        read = files.read_answers(source, len(ds), text=ds.text, jsonl=jsonl, partial=partial)
    except files.AnswersError as error:
        click.echo(str(error), err=True)
        return 2
    found = evaluation.evaluate(ds, read, credit=credit, strip=strip, threads=threads)
    if as_json:
        fields = {"folder": str(folder), "split": ds.split, "fingerprint": ds.fingerprint, **found.to_dict()}
        click.echo(json.dumps(fields, indent=2))
        return 0
    from markovlib.cli import tables

    tables.evaluation(f"{folder}: {ds.split}", found)
    return 0


def open_folder(folder: Path, split: str | None, naming: str = "--split ") -> "Dataset":
    """The data set that a split of a folder was written from; the only split, where none is named.

    `naming` is what stands before a split's name on the command line.
    """
    from markovlib.shards import finished, source

    made = finished.load(folder)
    have = ", ".join(made.splits)
    if split is None:
        if len(made.splits) > 1:
            raise click.UsageError(f"{folder} has the splits {have}: name one, as in {naming}{next(iter(made.splits))}")
        split = next(iter(made.splits))
    if split not in made.splits:
        raise click.UsageError(f"{folder} has no split {split!r}; it has {have}")
    if source.is_mixture(made.recipe):
        raise ShardError(f"{folder}: holds a mixture, whose rows have no rules to be compared or scored by")
    ds: Any = source.recreate(made, split)
    opened: Dataset = ds
    return opened


def compare(
    names: tuple[str, str], seed: int | None, near: bool, fail_on: list[str] | None, threads: int | None, as_json: bool
) -> int:
    """Count what two data sets have in common; 1 where they share something of a kind in `fail_on`, else 0."""
    from markovlib.cli import progress, tables
    from markovlib.leakage import KINDS, leakage

    forbidden = fail_on or []
    for kind in forbidden:
        if kind not in KINDS:
            raise click.UsageError(f"--fail-on {kind}: choose from {', '.join(KINDS)}")
    first, second = (open_source(name, seed or 0) for name in names)
    with progress.shown(as_json=as_json) as advance:
        found = leakage(first, second, near=near, threads=threads, progress=advance)
    shared = [kind for kind in forbidden if found[kind].shared]
    if as_json:
        click.echo(json.dumps({"first": names[0], "second": names[1], **found.to_dict(), "failed": shared}, indent=2))
    else:
        tables.leakage(names, found)
    return int(bool(shared))


def open_source(name: str, seed: int) -> "Dataset":
    """The data set that NAME[:SPLIT][@SEED] means: a folder of shards, a preset or a recipe file.

    A folder has its own seed, and needs no split where it has only one; the split of a recipe is `train` unless named.
    """
    from markovlib.dataset import Dataset
    from markovlib.recipe import Recipe

    local_folder(name, "--leakage reads")
    if Path(name).is_dir():
        return open_folder(Path(name), None, f"{name}:")
    base, at, number = name.rpartition("@")
    if at and number.isdecimal():
        name, seed = base, int(number)
    base, colon, split = name.rpartition(":")
    if not colon:
        base, split = name, ""
    if Path(base).is_dir():
        if at and number.isdecimal():
            raise click.UsageError(f"{base} is a folder and has a seed of its own: leave @{number} out")
        return open_folder(Path(base), split or None)
    return Dataset(Recipe.load(base), seed=seed, split=split or "train")
