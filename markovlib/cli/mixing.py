"""The command mix: several sources as one data set."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from markovlib.cli import Interrupted
from markovlib.cli.options import FOLDER, assignment, files_of, format_options, set_option, writing_options
from markovlib.cli.outputs import STDOUT, TEXT_FILE, refuse_two_on_stdout, write_text
from markovlib.cli.writing import executor_named, going_on, summarise
from markovlib.wording import counted

if TYPE_CHECKING:
    from markovlib.mixing.recipe import MixtureRecipe
    from markovlib.mixing.survey import Survey
    from markovlib.shards.stores import Place


@click.command()
@click.argument("recipe", metavar="PRESET_OR_MIXTURE")
@click.option("--out", type=FOLDER, help="The folder to write: a path or a URL.")
@click.option("--dry-run", is_flag=True, help="Only read the sources and say what they come to.")
@click.option("--source", "sources", multiple=True, metavar="NAME=PATH", help="Where the files of a source are.")
@click.option(
    "--against", multiple=True, metavar="[NAME=]FILE", help="Leave out rows that share words with this evaluation."
)
@click.option("--examples", type=click.IntRange(min=1), help="The budget, as examples.")
@set_option("sources.oss.ratio=3")
@writing_options
@click.option("--report", metavar="FILE", type=TEXT_FILE, help="Write the whole report as JSON; - prints it.")
@click.option("--json", "as_json", is_flag=True, help="Print the report, or the summary, as JSON on standard output.")
def mix(
    recipe: str,
    out: Place | None,
    dry_run: bool,
    sources: tuple[str, ...],
    against: tuple[str, ...],
    examples: int | None,
    seed: int,
    format_name: str,
    changes: tuple[str, ...],
    shard_rows: int | None,
    threads: int | None,
    executor: str | None,
    columns: list[str] | None,
    tokenizer: str | None,
    eos: str | None,
    report: str | None,
    as_json: bool,
) -> None:
    """Write a mixture of several sources as shards, with a manifest and a card, into one folder.

    Sources are data sets of ours, folders of our shards, and files of instructions in JSON, JSON Lines, Parquet or
    Arrow.  The same command goes on where an interrupted one stopped, and does nothing in a finished folder that
    has lost no file.
    With --dry-run, exits 1 where the sources have less than is asked for.
    """
    from markovlib.mixing.survey import Survey
    from markovlib.mixture import Mixture

    if out is None and not dry_run:
        raise click.UsageError("give --out DIR, or --dry-run")
    refuse_two_on_stdout("--report", report, {"--dry-run": dry_run, "--json": as_json})
    files = files_of(sources)
    started = time.perf_counter()
    told = None if as_json or not sys.stderr.isatty() else lambda what: click.echo(f"{what} ...", err=True)
    try:
        survey = Survey(_recipe(recipe, examples, against, changes), seed, files, told)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing is written") from None
    if report is not None:
        _write_report(report, survey)
    if dry_run or out is None:
        sys.exit(_show(survey, as_json))
    options: dict[str, Any] = {
        "format": format_name, "shard_rows": shard_rows, "threads": None if executor == "processes" else threads,
        "columns": columns,
        "options": format_options(tokenizer, eos),
    }  # fmt: skip
    mixture = Mixture.of(survey)
    with going_on(out, as_json=as_json) as advance, executor_named(executor, threads) as pool:
        written = mixture.write(out, progress=advance, executor=pool, **options)
    if not as_json:
        click.echo(", ".join(f"{name} {count:,}" for name, count in mixture.quotas.items()), err=True)
    summarise(out, [written], time.perf_counter() - started, as_json)


def _recipe(name: str, examples: int | None, against: Sequence[str], changes: Sequence[str]) -> MixtureRecipe:
    from markovlib.mixing.recipe import MixtureRecipe

    recipe = MixtureRecipe.load(name)
    values: dict[str, Any] = {}
    if examples is not None:
        values |= {"examples": examples, "tokens": None, "tokenizer": None}
    if against:
        cleaning = recipe.to_dict().get("decontaminate", {})
        values["decontaminate"] = {**cleaning, "against": [*cleaning.get("against", []), *map(_evaluation, against)]}
    values.update(assignment(change) for change in changes)
    return recipe.replace(values) if values else recipe


def _evaluation(given: str) -> str | dict[str, Any]:
    """An evaluation by its file, which may have a name before it."""
    name, equals, path = given.partition("=")
    if not equals or not re.fullmatch(r"\w[\w.-]*", name) or Path(given).exists():
        return given
    if not path:
        raise click.UsageError(f"--against {given}: expected FILE or NAME=FILE, such as human-eval=HumanEval.jsonl.gz")
    return {"name": name, "files": [path]}


def _write_report(path: str, survey: Survey) -> None:
    write_text(path, json.dumps(survey.report(), indent=1, ensure_ascii=False) + "\n")
    if path != STDOUT:
        click.echo(f"{path}: written", err=True)


def _show(survey: Survey, as_json: bool) -> int:
    """Print what the sources come to; 1 where they have less than is asked for."""
    short = survey.shortage
    if as_json:
        click.echo(json.dumps(survey.report(), ensure_ascii=False))
        return int(short is not None)
    from markovlib.cli import tables

    console = tables.stdout_console()
    console.print(tables.mixture_counts(survey.counts()))
    for name, source in zip(survey.names, survey.sources, strict=True):
        click.echo(f"{name}: {source.described}")
    for met in survey.duplicates.examples[:5] if survey.duplicates else []:
        near = "" if met.near is None else f", similarity {met.near:.2f}"
        click.echo(f"duplicate: {met.row[0]} row {met.row[1]} is {met.first[0]} row {met.first[1]}{near}")
    if survey.contamination is not None:
        click.echo(survey.contamination.to_text(), nl=False)
    click.echo(f"short: {short[1]}" if short else counted(sum(survey.examples), "example"))
    return int(short is not None)
