"""The command `report`: how diverse a data set is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from markovlib.cli import Interrupted
from markovlib.cli.options import SPLITS, assignment, set_option
from markovlib.cli.outputs import STDOUT, TEXT_FILE, refuse_two_on_stdout, write_text
from markovlib.wording import counted

if TYPE_CHECKING:
    from markovlib.diversity import DiversityReport

_MOST_SPILLS = 20


@click.command()
@click.argument("source", metavar="DIR_OR_PRESET")
@click.option("--split", help=f"The split: {SPLITS}; train, if there is one, if not given.")
@click.option("--seed", type=click.IntRange(min=0), help="The seed of a preset or recipe; 0 if not given.")
@click.option("--examples", type=click.IntRange(min=1), help="Rows of a preset to make, or of a folder to read.")
@set_option("words.no_op=0.3")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option(
    "--html", metavar="FILE", type=TEXT_FILE, help="Write a page with plots; - prints it in place of the report."
)
def report(
    source: str,
    split: str | None,
    seed: int | None,
    examples: int | None,
    changes: tuple[str, ...],
    threads: int | None,
    as_json: bool,
    html: str | None,
) -> None:
    """Count how diverse a folder of shards, or the data set of a preset or recipe, is.

    Instructions and their effective number, coverage of the rule space, shares asked and got, lengths, positions,
    repeats.  Nothing is written but the page that --html names, which needs matplotlib (the extra `plots`).
    """
    from markovlib.cli import progress
    from markovlib.diversity import diversity

    if html is not None:
        _need_plots()
        refuse_two_on_stdout("--html", html, {"--json": as_json})
        if not Path(html).resolve().parent.is_dir():
            raise click.UsageError(f"{html}: there is no such folder")
    data, rows, named = _source(source, split, seed, examples, changes)
    try:
        with progress.shown(as_json=as_json) as advance:
            found = diversity(data, rows, split=named, threads=threads, progress=advance)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing is written") from None
    if html is not None:
        write_text(html, found.html())
    if html is not None and html != STDOUT:
        click.echo(f"{html}: written", err=True)
    if as_json:
        click.echo(found.to_json())
    elif html != STDOUT:
        _print(found)
    if split is None and (others := _others(data, found.split)):
        told = f"{source}: the report is of {found.split}; --split names another: {', '.join(others)}"
        click.echo(told, err=as_json or html == STDOUT)


def _source(
    source: str, split: str | None, seed: int | None, examples: int | None, changes: tuple[str, ...]
) -> tuple[Any, int | None, str | None]:
    """(data, rows, split) as `diversity` takes them."""
    from markovlib.shards.stores import local_folder

    if local_folder(source, "report reads").is_dir():
        if changes or seed is not None:
            raise click.UsageError(f"{source} is a folder: --set and --seed are for presets and recipes")
        return local_folder(source, "report reads"), examples, split
    from markovlib.dataset import Dataset
    from markovlib.recipe import Recipe

    name = split or "train"
    values: dict[str, Any] = {}
    if examples is not None:
        values["examples" if name == "train" else "eval.examples"] = examples
    values.update(assignment(change) for change in changes)
    recipe = Recipe.load(source)
    return Dataset(recipe.replace(values) if values else recipe, seed=seed or 0, split=name), None, None


def _others(data: Any, split: str) -> list[str]:
    """The other splits of a folder, where it is named and none of its splits is."""
    from markovlib.shards import manifest

    made = manifest.load_if_any(data) if isinstance(data, Path) else None
    return [] if made is None else [name for name in made.splits if name != split]


def _need_plots() -> None:
    """Say what is missing before the rows are counted."""
    from markovlib.diversity.plots import Plots

    try:
        Plots()
    except ImportError as error:
        raise click.UsageError(f"--html: {error}") from None


def _print(found: "DiversityReport") -> None:
    from rich.table import Table
    from rich.text import Text

    from markovlib.cli import tables

    console = tables.stdout_console()
    rows = Table(title=Text(_title(found), style="bold"), title_justify="left", box=None, show_header=False)
    for name, value in _lines(found):
        rows.add_row(name, Text(value))
    console.print(rows)
    if found.strata:
        console.print(_families(found))
    if found.spills:
        console.print(_spills(found))
    console.print(_distributions(found))


def _title(found: "DiversityReport") -> str:
    rows = counted(found.rows, "row")
    rows = rows if found.rows == found.size else f"the first {rows}"
    return f"{found.split or 'table'} ({rows})"


def _lines(found: "DiversityReport") -> list[tuple[str, str]]:
    from markovlib.diversity.page import coverage, number, share

    lines = []
    if (used := found.instructions) is not None:
        about = "" if used.sampled == 1 else " (estimated)"
        offered = "" if used.offered is None else f" of {number(used.offered)} offered"
        lines.append(("instructions", f"{number(used.used)}{about}{offered}"))
        lines.append(
            ("effective number", " / ".join(number(round(n, 1)) for n in used.effective) + " (order 0 / 1 / 2)")
        )
        spread = used.examples
        numbers = (number(n) for n in (spread.min, spread.median, round(spread.mean, 2), spread.max))
        lines.append(("examples of one", " / ".join(numbers) + " (least / median / mean / most)"))
        lines.append(("outside the top rule", share(used.outside_top)))
    if found.space is not None:
        lines.append(("rule space", f"{number(found.space.size)} rules, {coverage(found.space)} used"))
    for name in ("patterns", "replacements", "words"):
        if (part := getattr(found, name)) is not None:
            lines.append((f"distinct {name}", number(part.distinct) + ("" if part.exact else " (estimated)")))
    if found.repeats is not None:
        part = found.repeats
        about = "" if part.exact else ", estimated"
        lines.append(("repeated rows", f"{number(part.repeated)} ({share(part.repeated / part.rows)}{about})"))
    if found.spills:
        lines.append(("spills", f"{counted(len(found.spills), 'kind')} of rules run out"))
    lines += _no_ops(found)
    lines += [
        (name.replace("_", " "), f"{count:,} ({share(count / found.rows)})") for name, count in found.outcomes.items()
    ]
    return lines


def _no_ops(found: "DiversityReport") -> list[tuple[str, str]]:
    from markovlib.diversity.page import share

    no_ops = found.no_ops
    if no_ops is None:
        return []
    asked = "" if no_ops.asked is None else f", asked {share(no_ops.asked)}"
    lines = [("no-ops", f"{no_ops.count:,} ({share(no_ops.share)}{asked})")]
    if no_ops.blocks:
        lines.append(("exact blocks", f"{no_ops.exact_blocks:,} of {no_ops.blocks:,}"))
    if no_ops.near_misses is not None and no_ops.count:
        asked = "" if no_ops.near_miss_asked is None else f", asked {share(no_ops.near_miss_asked)}"
        lines.append(("near misses", f"{no_ops.near_misses:,} ({share(no_ops.near_miss_share)} of the no-ops{asked})"))
    return lines


def _families(found: "DiversityReport") -> Any:
    from rich.table import Table

    from markovlib.diversity import plots
    from markovlib.diversity.page import share

    table = Table("family", box=None)
    of = plots.counted(found)
    for heading in ("asked", "instructions", "got", of, f"share of {of}"):
        table.add_column(heading, justify="right")
    for name, sums in found.families.items():
        count = sums["instructions"]
        table.add_row(
            name, share(sums["asked"]), "-" if count is None else f"{count:,}", share(sums["instructions_share"]),
            f"{sums['rows']:,}", share(sums["rows_share"]),
        )  # fmt: skip
    return table


def _spills(found: "DiversityReport") -> Any:
    from rich.table import Table

    from markovlib.diversity.page import SPILLS, spill_row

    table = Table(SPILLS[0], box=None)
    table.add_column(SPILLS[1], justify="right")
    table.add_column(SPILLS[2])
    for spill in found.spills[:_MOST_SPILLS]:
        table.add_row(*spill_row(spill))
    if left := found.spills[_MOST_SPILLS:]:
        table.add_row(f"and {len(left):,} more, in --json", "", "")
    return table


def _distributions(found: "DiversityReport") -> Any:
    from rich.table import Table

    table = Table("", box=None)
    for heading in ("min", "median", "mean", "max"):
        table.add_column(heading, justify="right")
    for name, spread in found.distributions.items():
        name = name.replace("_", " ") + (" (applied)" if name == "position" else "")
        table.add_row(name, f"{spread.min:,}", f"{spread.median:,}", f"{spread.mean:,.2f}", f"{spread.max:,}")
    return table
