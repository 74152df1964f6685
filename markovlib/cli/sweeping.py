"""The command sweep: one data set for each point of a recipe's grid."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from markovlib.cli import Interrupted
from markovlib.cli.data import (
    LOCAL_FOLDER,
    SPLITS,
    assignment,
    executor_named,
    format_options,
    names_of,
    set_option,
    writing_options,
)

if TYPE_CHECKING:
    from markovlib.sweep import Folder


@click.command()
@click.argument("recipe", metavar="PRESET_OR_RECIPE")
@click.option("--out", type=LOCAL_FOLDER, help="The folder to write, on a disk.")
@click.option("--dry-run", is_flag=True, help="Only print the points, with their rows and about how many bytes.")
@click.option(
    "--split",
    "splits",
    help=f"Splits, separated by commas: {SPLITS}; if not given train,unseen, of a program train,seen.",
)
@click.option("--examples", type=click.IntRange(min=1), help="Training rows of each point.")
@set_option("sweep.instructions=[10,100]")
@writing_options
@click.option("--json", "as_json", is_flag=True, help="Print the folders as JSON on standard output.")
def sweep(
    recipe: str,
    out: Path | None,
    dry_run: bool,
    seed: int,
    splits: str | None,
    examples: int | None,
    format_name: str,
    changes: tuple[str, ...],
    shard_rows: int | None,
    threads: int | None,
    executor: str | None,
    columns: str | None,
    tokenizer: str | None,
    eos: str | None,
    as_json: bool,
) -> None:
    """Write one folder for each point of a recipe's sweep, and the evaluation sets that they share.

    The same command goes on where an interrupted one stopped.  `--set sweep.instructions=[10,100]` gives an axis, and
    `--set sweep.words.length,rules.pattern_length=[[50,20],[500,60]]` one of several paths.
    """
    from markovlib.cli import progress
    from markovlib.recipe import Recipe
    from markovlib.sweep import Sweep

    if out is None and not dry_run:
        raise click.UsageError("give --out DIR, or --dry-run")
    values = {**({} if examples is None else {"examples": examples}), **dict(map(assignment, changes))}
    asked = Recipe.load(recipe).replace(_axes(values)) if values else Recipe.load(recipe)
    planned = Sweep(
        asked, seed=seed, splits=None if splits is None else names_of(splits, "--split"), format=format_name,
        shard_rows=shard_rows, columns=None if columns is None else names_of(columns, "--columns"),
        options=format_options(tokenizer, eos),
    )  # fmt: skip
    if dry_run or out is None:
        _show(planned.estimate(), True, as_json)
        return
    try:
        workers = None if executor == "processes" else threads
        with progress.shown(as_json=as_json) as advance, executor_named(executor, threads) as pool:
            told = None if as_json else _tell
            made = planned.write(out, threads=workers, executor=pool, progress=advance, told=told)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on with {out} where it stopped") from None
    if as_json:
        _show(made, False, True)
    else:
        click.echo(f"{out}: {len(planned.points):,} points, {_sums(made)}", err=True)


def _axes(values: dict[str, object]) -> dict[str, object]:
    """Changes of axes, whose names hold dots, are put into one change of the sweep."""
    axes = {path.removeprefix("sweep."): value for path, value in values.items() if path.startswith("sweep.")}
    for axis, listed in axes.items():
        if not isinstance(listed, list):
            each = "a value" if "," not in axis else f"[{', '.join(['a value'] * len(axis.split(',')))}]"
            raise click.UsageError(
                f"--set sweep.{axis}={listed}: an axis is a list, with {each} for each point: sweep.{axis}=[..., ...]"
            )
    others = {path: value for path, value in values.items() if not path.startswith("sweep.")}
    return {**others, "sweep": axes} if axes else others


def _sums(folders: list[Folder]) -> str:
    sizes = [size for folder in folders for size in folder.splits.values()]
    return f"{sum(size['rows'] for size in sizes):,} rows, {sum(size['bytes'] for size in sizes):,} bytes"


def _line(folder: Folder) -> str:
    sizes = "; ".join(
        f"{split}: {size['rows']:,} rows, {size['bytes']:,} bytes" for split, size in folder.splits.items()
    )
    return f"{folder.name}: {sizes}"


def _tell(folder: Folder) -> None:
    click.echo(_line(folder), err=True)
    for name in folder.made_again:
        click.echo(f"made again: {folder.name}/{name}", err=True)


def _show(folders: list[Folder], estimated: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(folder) for folder in folders], ensure_ascii=False))
        return
    for folder in folders:
        click.echo(_line(folder))
    how = " (bytes from samples of up to 16,384 rows)" if estimated else ""
    click.echo(f"{_sums(folders)} in {len(folders):,} folders{how}")
