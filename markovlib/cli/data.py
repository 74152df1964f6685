"""The commands about data: presets, generate, inspect, verify."""

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from markovlib.cli.options import (
    FOLDER,
    assignment,
    files_of,
    format_options,
    names_option,
    set_option,
    splits_option,
    writing_options,
)
from markovlib.cli.writing import executor_named, going_on, summarise
from markovlib.shards.stores import Place
from markovlib.wording import counted, kind_of_rules


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
    from markovlib.mixing.recipe import MixtureRecipe

    recipes = {preset: Recipe.load(preset) for preset in Recipe.presets()}
    if as_json:
        fields = {preset: recipe.to_dict() for preset, recipe in recipes.items()}
        fields |= {preset: MixtureRecipe.load(preset).to_dict() for preset in MixtureRecipe.presets()}
        click.echo(json.dumps(fields, indent=2))
        return
    from markovlib.cli import tables

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


@click.command()
@click.argument("recipe", metavar="PRESET_OR_RECIPE")
@click.option("--out", required=True, type=FOLDER, help="The folder to write: a path or a URL.")
@click.option(
    "--examples", type=click.IntRange(min=1), help="Rows of each split written, but for a shift that has its own."
)
@click.option(
    "--instructions", type=click.IntRange(min=1), help="Instructions of each split written; of shifts likewise."
)
@splits_option("train")
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
    splits: list[str],
    format_name: str,
    changes: tuple[str, ...],
    shard_rows: int | None,
    threads: int | None,
    executor: str | None,
    columns: list[str] | None,
    dry_run: bool,
    tokenizer: str | None,
    eos: str | None,
    as_json: bool,
) -> None:
    """Write splits of a recipe as shards, with a manifest and a card, into one folder.

    The same command goes on where an interrupted one stopped; of a finished folder it makes again the files that are
    missing or cut off, and nothing else.  Another split of the same recipe and seed is added to the folder.

    With --executor, --threads is the number of processes, or on a cluster the threads for one shard.
    """
    from markovlib.shards import generation
    from markovlib.shards.plan import SHARD_ROWS

    chosen = _recipe(recipe, splits, examples, instructions, changes, out)
    asked: dict[str, Any] = {
        "splits": splits,
        "seed": seed,
        "format": format_name,
        "columns": columns,
        "shard_rows": shard_rows or SHARD_ROWS,
        "options": format_options(tokenizer, eos),
    }
    if dry_run:
        _try(chosen, asked, as_json)
        return
    workers = None if executor == "processes" else threads
    started = time.perf_counter()
    with going_on(out, as_json=as_json) as advance, executor_named(executor, threads) as pool:
        written = generation.generate(chosen, out, threads=workers, executor=pool, progress=advance, **asked)
    kinds = {split: _kinds(chosen, seed, split) for split in splits}
    summarise(out, written, time.perf_counter() - started, as_json, kinds)
    warnings = [(split, message) for split in splits for message in _short_kinds(**kinds[split])]
    for about, message in [*warnings, *(("render.prompt", message) for message in _incomplete_prompts(chosen))]:
        warning = json.dumps({"event": "warning", "about": about, "message": message})
        click.echo(warning if as_json else f"{about}: {message}", err=True)


def _incomplete_prompts(recipe: Any) -> Iterator[str]:
    """What is said of a prompt that leaves out the word that is to be rewritten."""
    from markovlib.render import parse_template

    for prompt in recipe.render.prompts if recipe.task.kind == "rewrite" else ():
        if not any(re.match(r"word\b", piece.tag) for piece in parse_template(prompt)):
            yield f"{prompt!r} leaves out {{word}}: no completion can be told from it"


def _kinds(recipe: Any, seed: int, split: str) -> dict[str, Any]:
    """What a split's kinds of rules came to: how many there are, those without a rule, at least, and the spills."""
    from markovlib.dataset import Dataset

    made = Dataset(recipe, seed, split)
    kinds = len(made.strata)
    return {"kinds": kinds, "kinds_without_rules": max(0, kinds - made.rules_taken), "spills": made.spills}


def _short_kinds(kinds: int, kinds_without_rules: int, spills: list[dict[str, Any]]) -> Iterator[str]:
    """What is said where kinds of rules have no rule at all, or fewer than their shares ask for."""
    if kinds_without_rules:
        rules = f"{counted(kinds - kinds_without_rules, 'rule')} for {kinds:,} kinds of rules (family, k, lengths)"
        none = f"at least {kinds_without_rules:,} have none and do not show in the rows"
        yield f"{rules}: {none}; ask for more instructions, or fewer kinds"
    if spills:
        names = [kind_of_rules(**spill["kind"]) for spill in spills[:_MOST_NAMED]]
        more = f"; and {len(spills) - len(names):,} more" if len(spills) > len(names) else ""
        said = f"{len(spills):,} of {counted(kinds, 'kind')} of rules run out before they have their share"
        yield f"{said}: {'; '.join(names)}{more}; the same command with --json names all"


_MOST_NAMED = 3


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


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--rows", type=click.IntRange(min=1), help="Rows of each split to read; 1048576 if not given.")
@click.option("--show", type=click.IntRange(min=0), help="Rows to show; 3 if not given.")
@click.option("--examples", type=click.IntRange(min=0), hidden=True, help="The former name of --show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(folder: Place, rows: int | None, show: int | None, examples: int | None, as_json: bool) -> None:
    """Show what is in a folder of shards: counts, shares, lengths and a few examples."""
    from markovlib.shards import inspection

    examples = next((number for number in (show, examples) if number is not None), 3)
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
@names_option("--fail-on", told="With --leakage: exit 1 if they share rules, patterns, ..., rows.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="With --leakage: the seed of presets and recipes; 0 if not given."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    folder: Place | None,
    sample: int | None,
    threads: int | None,
    sources: tuple[str, ...],
    leakage: tuple[str, str] | None,
    near: bool,
    fail_on: list[str] | None,
    seed: int | None,
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
    if folder is None:
        raise click.UsageError("give DIR, or --leakage A B")
    if near or fail_on is not None or seed is not None:
        raise click.UsageError("--near, --fail-on, --seed: need --leakage")
    from markovlib.cli import progress
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
