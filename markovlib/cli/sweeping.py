"""The command sweep: one data set for each point of a recipe's grid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from markovlib.cli.options import (
    LOCAL_FOLDER,
    assignment,
    format_options,
    set_option,
    splits_option,
    writing_options,
)
from markovlib.cli.writing import executor_named, going_on
from markovlib.wording import counted

if TYPE_CHECKING:
    from markovlib.sweep import Folder


@click.command()
@click.argument("recipe", metavar="PRESET_OR_RECIPE")
@click.option("--out", type=LOCAL_FOLDER, help="The folder to write, on a disk.")
@click.option("--dry-run", is_flag=True, help="Only print the points, with their rows and about how many bytes.")
@splits_option(otherwise="train,unseen (of a program: train,seen)")
@click.option("--examples", type=click.IntRange(min=1), help="Training rows of each point.")
@set_option("sweep.instructions=[10,100]")
@writing_options
@click.option("--json", "as_json", is_flag=True, help="Print the folders as JSON on standard output.")
def sweep(
    recipe: str,
    out: Path | None,
    dry_run: bool,
    seed: int,
    splits: list[str] | None,
    examples: int | None,
    format_name: str,
    changes: tuple[str, ...],
    shard_rows: int | None,
    threads: int | None,
    executor: str | None,
    columns: list[str] | None,
    tokenizer: str | None,
    eos: str | None,
    as_json: bool,
) -> None:
    """Write one folder for each point of a recipe's sweep, and the evaluation sets that they share.

    The same command goes on where an interrupted one stopped.  `--set sweep.instructions=[10,100]` gives an axis, and
    `--set sweep.words.length,rules.pattern_length=[[50,20],[500,60]]` one of several paths.
    """
    from markovlib.recipe import Recipe
    from markovlib.sweep import Sweep

    if out is None and not dry_run:
        raise click.UsageError("give --out DIR, or --dry-run")
    values = {**({} if examples is None else {"examples": examples}), **dict(map(assignment, changes))}
    asked = Recipe.load(recipe).replace(_axes(values)) if values else Recipe.load(recipe)
    planned = Sweep(
        asked, seed=seed, splits=splits, format=format_name, shard_rows=shard_rows, columns=columns,
        options=format_options(tokenizer, eos),
    )  # fmt: skip
    if dry_run or out is None:
        _show(planned.estimate(), True, as_json)
        return
    workers = None if executor == "processes" else threads
    with going_on(out, as_json=as_json) as advance, executor_named(executor, threads) as pool:
        told = None if as_json else _tell
        made = planned.write(out, threads=workers, executor=pool, progress=advance, told=told)
    if as_json:
        _show(made, False, True)
    else:
        done = "already complete: " if all(folder.kept for folder in made) else ""
        click.echo(f"{out}: {done}{counted(len(planned.points), 'point')}, {_sums(made)}", err=True)


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
    return _size({key: sum(size[key] for size in sizes) for key in ("rows", "bytes")})


def _size(size: Mapping[str, int]) -> str:
    return f"{counted(size['rows'], 'row')}, {counted(size['bytes'], 'byte')}"


def _line(folder: Folder) -> str:
    sizes = "; ".join(f"{split}: {_size(size)}" for split, size in folder.splits.items())
    return f"{folder.name}: {'already complete: ' if folder.kept else ''}{sizes}"


def _tell(folder: Folder) -> None:
    click.echo(_line(folder), err=True)
    for name in folder.made_again:
        click.echo(f"made again: {folder.name}/{name}", err=True)


def _show(folders: list[Folder], estimated: bool, as_json: bool) -> None:
    if as_json:
        about = [folder.to_dict() | ({} if estimated else {"kept": folder.kept}) for folder in folders]
        click.echo(json.dumps(about, ensure_ascii=False))
        return
    for folder in folders:
        click.echo(_line(folder))
    how = " (bytes from samples of up to 16,384 rows)" if estimated else ""
    click.echo(f"{_sums(folders)} in {counted(len(folders), 'folder')}{how}")
