"""The commands about data: presets, generate, inspect, verify."""

import json
import re
import shlex
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from markovlib.cli import Interrupted
from markovlib.shards.folder import ShardError
from markovlib.shards.formats import MODULES
from markovlib.shards.stores import LocalStore, Place, Store, local_folder, open_store
from markovlib.wording import counted

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from markovlib.shards.generation import Written


class _Folder(click.ParamType):  # type: ignore[type-arg]
    """A folder of shards: a path, or a URL such as s3://bucket/prefix."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Store:  # noqa: ARG002
        store = open_store(value)
        if isinstance(store, LocalStore):
            _refuse_missing(store.root, value, param)
        return store


class _LocalFolder(click.ParamType):  # type: ignore[type-arg]
    """A folder on a disk: a path."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        writes = param is not None and param.name == "out"
        folder = local_folder(value, f"{ctx.info_name if ctx else 'this'} {'writes' if writes else 'reads'}")
        _refuse_missing(folder, value, param)
        return folder


def _refuse_missing(folder: Path, name: str, param: click.Parameter | None) -> None:
    """Raise ShardError where a folder that is to be read is not there; one that is written need not be."""
    if param is not None and param.name == "folder" and not folder.exists():
        raise ShardError(f"{name}: no such folder")


FOLDER = _Folder()
LOCAL_FOLDER = _LocalFolder()


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def presets(name: str | None, as_json: bool) -> None:
    """List the recipes that come with the library, and its mixtures; with NAME, print one as its file has it.

    NAME may also be a recipe of your own, which is printed with all its fields.
    """
    from markovlib.recipe import Recipe

    if name is not None:
        _print_preset(name, as_json)
        return
    recipes = {preset: Recipe.load(preset) for preset in Recipe.presets()}
    if as_json:
        click.echo(json.dumps({preset: recipe.to_dict() for preset, recipe in recipes.items()}, indent=2))
        return
    from markovlib.cli import tables
    from markovlib.mixing.recipe import MixtureRecipe

    tables.presets({preset: (line, recipes[preset].to_dict()) for preset, line in Recipe.presets().items()})
    click.echo("\nmixtures, for `markovlib mix`:")
    tables.mixtures(MixtureRecipe.presets())


def _print_preset(name: str, as_json: bool) -> None:
    """Print a preset as its file has it, or all fields of one as JSON; also a recipe of the user's own."""
    from markovlib import presets as files
    from markovlib.fields import read_preset_or_file
    from markovlib.mixing.recipe import MixtureRecipe
    from markovlib.recipe import Recipe

    known = {**files.recipes(), **files.mixtures()}
    fields, source = read_preset_or_file(name, known)
    recipe = (MixtureRecipe if "sources" in fields else Recipe).from_dict(fields, source)
    text = files.text(name) if name in known else recipe.to_toml()
    click.echo(json.dumps(recipe.to_dict(), indent=2) if as_json else text.rstrip("\n"))


_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SPLITS = "train, seen, unseen, recombined, or a shift's name"
_TOKENIZERS = "bytes (if not given), chars, or the path of a tokenizer.json"
_ENDS = "<|endoftext|>, or the file's, if not given"


def _given(*options: _Decorator) -> _Decorator:
    """Make one decorator of several, the first of which is named first in the help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


token_options = _given(
    click.option("--tokenizer", metavar="WHAT", help=f"For formats of tokens: {_TOKENIZERS}."),
    click.option("--eos", metavar="TEXT", help=f"For formats of tokens: the end token; {_ENDS}."),
)


def set_option(example: str) -> _Decorator:
    """Make the option that changes fields, with an example of one."""
    told = f"Change a field, as in --set {example}; VALUE is TOML.  May come again."
    return click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help=told)


#: What every command that makes rows and writes them as shards takes.
writing_options = _given(
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="With the recipe, decides every row."
    ),
    click.option(
        "--format",
        "format_name",
        type=click.Choice(list(MODULES)),
        default="parquet",
        show_default=True,
        help="How shards are written.",
    ),
    click.option("--shard-rows", type=click.IntRange(min=1), help="Rows of a shard; 131072 if not given."),
    click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given."),
    click.option(
        "--executor", metavar="NAME", help="Instead of threads: processes, dask://HOST:PORT, ray[://HOST:PORT]."
    ),
    click.option("--columns", help="Columns to write, separated by commas; those of the task if not given."),
    token_options,
)


def format_options(tokenizer: str | None, eos: str | None) -> dict[str, str]:
    """Return the options of a format that were given."""
    return {name: value for name, value in (("tokenizer", tokenizer), ("eos", eos)) if value is not None}


@click.command()
@click.argument("recipe", metavar="PRESET_OR_RECIPE")
@click.option("--out", required=True, type=FOLDER, help="The folder to write: a path or a URL.")
@click.option("--examples", type=click.IntRange(min=1), help="Rows of each split written.")
@click.option("--instructions", type=click.IntRange(min=1), help="Instructions of each split written.")
@click.option("--split", "splits", default="train", show_default=True, help=f"Splits, separated by commas: {SPLITS}.")
@click.option("--dry-run", is_flag=True, help="Make the first and the last shard, keep nothing, and say what all take.")
@set_option("words.no_op=0.3")
@writing_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
def generate(
    recipe: str,
    out: Place,
    examples: int | None,
    instructions: int | None,
    seed: int,
    splits: str,
    format_name: str,
    changes: tuple[str, ...],
    shard_rows: int | None,
    threads: int | None,
    executor: str | None,
    columns: str | None,
    dry_run: bool,
    tokenizer: str | None,
    eos: str | None,
    as_json: bool,
) -> None:
    """Write splits of a recipe as shards, with a manifest and a card, into one folder.

    The same command goes on where an interrupted one stopped, and does nothing in a finished folder.  Another
    split of the same recipe and seed is added to the folder.

    With --executor, --threads is the number of processes, or on a cluster the threads for one shard.
    """
    from markovlib.cli import progress
    from markovlib.shards import generation
    from markovlib.shards.plan import SHARD_ROWS

    names = names_of(splits, "--split")
    chosen = _recipe(recipe, names, examples, instructions, changes, out)
    asked: dict[str, Any] = {
        "splits": names,
        "seed": seed,
        "format": format_name,
        "columns": None if columns is None else names_of(columns, "--columns"),
        "shard_rows": shard_rows or SHARD_ROWS,
        "options": format_options(tokenizer, eos),
    }
    if dry_run:
        _try(chosen, asked, as_json)
        return
    workers = None if executor == "processes" else threads
    started = time.perf_counter()
    try:
        with progress.shown(as_json=as_json) as advance, executor_named(executor, threads) as pool:
            written = generation.generate(chosen, out, threads=workers, executor=pool, progress=advance, **asked)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on with {out} where it stopped") from None
    summarise(out, written, time.perf_counter() - started, as_json)
    if not as_json:
        _warn_of_spills(chosen, seed, names, out)


def _warn_of_spills(recipe: Any, seed: int, splits: list[str], out: Place) -> None:
    """Say on standard error where kinds of rules had fewer rules than their shares ask for."""
    from markovlib.dataset import Dataset

    for split in splits:
        made = Dataset(recipe, seed, split)
        if made.spills:
            kinds = f"{len(made.spills)} of {counted(len(made.strata), 'kind')} of rules"
            report = f"`markovlib report {shlex.quote(str(out))} --split {split} --json` says which"
            click.echo(f"{split}: {kinds} run out before they have their share; {report}", err=True)


def executor_named(name: str | None, workers: int | None) -> "AbstractContextManager[Executor | None]":
    if name is None:
        return nullcontext()
    from markovlib.cluster import open_executor

    return open_executor(name, workers)


def _try(recipe: Any, asked: dict[str, Any], as_json: bool) -> None:
    """Make two shards, and print what they and all would take."""
    from markovlib.shards.trial import trial

    found = trial(recipe, **asked)
    if as_json:
        splits = [{**asdict(one), "bytes": one.bytes, "seconds": round(one.seconds, 3)} for one in found]
        click.echo(json.dumps({"dry_run": True, "splits": splits}))
        return
    for job in found:
        for one in job.tried:
            what = f"{counted(one.rows, 'row')}, {counted(one.bytes, 'byte')}, {one.seconds:.2f} s of one processor"
            click.echo(f"{job.split}: shard {one.number:,}: {what}")
        counts = f"{counted(job.rows, 'row')}, {counted(job.shards, 'shard')}, about {counted(job.bytes, 'byte')}"
        click.echo(f"{job.split}: all: {counts}, {job.seconds / 3600:,.3g} h of one processor")


def _recipe(
    name: str,
    splits: list[str],
    examples: int | None,
    instructions: int | None,
    changes: tuple[str, ...],
    out: Place,
) -> Any:
    """Return the recipe asked for: the folder's training sizes, those of the splits written, then --set."""
    from markovlib.recipe import Recipe
    from markovlib.shards import manifest

    values: dict[str, Any] = {}
    found = manifest.load_if_any(out) if "train" not in splits else None
    if found is not None and "train" in found.splits:
        values.update(found.splits["train"].sizes)
    tables = [table for table, used in (("", "train" in splits), ("eval.", set(splits) != {"train"})) if used]
    for table in tables:
        values.update({f"{table}examples": examples} if examples is not None else {})
        values.update({f"{table}instructions": instructions} if instructions is not None else {})
    values.update(assignment(change) for change in changes)
    recipe = Recipe.load(name)
    return recipe.replace(values) if values else recipe


_PATH = r"[\w-]+(\.[\w-]+)*"


def assignment(text: str) -> tuple[str, Any]:
    """Read `path=value`: the value as TOML, a bare word as a string.

    An axis of a sweep may have several paths, joined by commas and in quotes or not: `sweep.a.b,c.d=[[1, 2]]`.
    """
    path, equals, value = text.partition("=")
    path = re.sub(r"^sweep\.(['\"])(.*)\1$", r"sweep.\2", path.strip())
    if equals and "," in path and not path.startswith("sweep."):
        raise click.UsageError(f"--set {text}: one path at a time; only axes of a sweep have several, as in "
                               f"sweep.{path}=[[...], ...]")  # fmt: skip
    if not equals or not re.fullmatch(rf"{_PATH}(,{_PATH})*", path):
        raise click.UsageError(f"--set {text}: expected PATH=VALUE, such as words.no_op=0.3")
    try:
        table = tomllib.loads(f"value = {value}\n")
    except tomllib.TOMLDecodeError as error:
        if not re.fullmatch(r"[^\s\"'\[\]{}]+", value.strip()):
            raise click.UsageError(f"--set {text}: the value is not TOML: {error}") from None
        return path, value.strip()
    if set(table) != {"value"}:
        raise click.UsageError(f"--set {text}: one value at a time")
    return path, table["value"]


def names_of(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise click.UsageError(f"{option} {text!r}: expected names separated by commas")
    return names


def summarise(out: Place, written: "list[Written]", seconds: float, as_json: bool) -> None:
    """Print what was written: lines on standard error, or JSON on standard output."""
    made = sum(item.rows for item in written if item.kept < item.shards)
    if as_json:
        splits = [asdict(item) for item in written]
        click.echo(json.dumps({"out": str(out), "seconds": round(seconds, 3), "splits": splits}))
        return
    for item in written:
        kept = f" ({item.kept:,} kept)" if item.kept else ""
        done = "already complete: " if item.kept == item.shards else ""
        counts = f"{counted(item.rows, 'row')}, {counted(item.shards, 'shard')}{kept}, {counted(item.bytes, 'byte')}"
        click.echo(f"{item.split}: {done}{counts}", err=True)
    if made:
        rate = f", {made / seconds:,.0f} rows/s" if not any(item.kept for item in written) else ""
        click.echo(f"{out}: {seconds:.2f} s{rate}", err=True)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--rows", type=click.IntRange(min=1), help="Rows of each split to read; 1048576 if not given.")
@click.option("--examples", type=click.IntRange(min=0), default=3, show_default=True, help="Rows to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(folder: Place, rows: int | None, examples: int, as_json: bool) -> None:
    """Show what is in a folder of shards: counts, shares, lengths and a few examples."""
    from markovlib.shards import inspection

    found = inspection.inspect(folder, rows=rows or inspection.EXACT_ROWS, examples=examples)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    from markovlib.cli import tables

    tables.contents(folder, found)


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=FOLDER)
@click.option("--sample", type=click.IntRange(min=1), help="Make only about this many rows again.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given.")
@click.option("--source", "sources", multiple=True, metavar="NAME=PATH", help="Where a mixture's source is now.")
@click.option("--leakage", nargs=2, metavar="A B", help="Count what two data sets have in common instead.")
@click.option("--near", is_flag=True, help="With --leakage: count near duplicates too.")
@click.option("--fail-on", metavar="KINDS", help="With --leakage: exit 1 if they share rules, patterns, ..., rows.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="With --leakage: the seed of presets and recipes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    folder: Place | None,
    sample: int | None,
    threads: int | None,
    sources: tuple[str, ...],
    leakage: tuple[str, str] | None,
    near: bool,
    fail_on: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Check a folder of shards: all checksums, and its rows by making them again.

    Exits 1 where anything differs.  The rows of a mixture are made again from its sources' files.

    With --leakage, count the rules, patterns, replacements, words and rows that two data sets share, and where
    examples have several rules also the instructions, which are these in their order.  A and B are folders, presets or
    recipe files, with :SPLIT and, for a preset or recipe, @SEED.
    """
    if leakage is not None:
        from markovlib.cli.scores import compare

        if folder is not None or sample is not None or sources:
            raise click.UsageError("--leakage takes two data sets, and neither DIR, --sample nor --source")
        sys.exit(compare(leakage, seed, near, fail_on, threads, as_json))
    if folder is None or near or fail_on is not None:
        raise click.UsageError("give DIR, or --leakage A B" if folder is None else "--near, --fail-on: need --leakage")
    from markovlib.cli import progress
    from markovlib.cli.mixing import files_of
    from markovlib.shards import verification

    with progress.shown(as_json=as_json) as advance:
        report = verification.verify(
            folder, sample=sample, threads=threads, progress=advance, sources=files_of(sources)
        )
    if as_json:
        click.echo(json.dumps({"ok": report.ok, **asdict(report)}, ensure_ascii=False))
    else:
        for problem in report.problems:
            click.echo(str(problem))
        verdict = "ok" if report.ok else counted(len(report.problems), "problem")
        again = f"{report.checked:,} of {counted(report.rows, 'row')} made again"
        click.echo(f"{folder}: {verdict}: {again}, {counted(report.shards, 'shard')}")
    if not report.ok:
        sys.exit(1)
