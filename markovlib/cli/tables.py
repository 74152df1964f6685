"""What the data commands show to a person when they are done: tables, plain text in a pipe."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from markovlib.wording import counted

if TYPE_CHECKING:
    from markovlib.evaluation import Evaluation, Group
    from markovlib.leakage import Leakage
    from markovlib.shards.inspection import Contents, Inspected, Spread

PIPE_WIDTH = 120
LIST_WIDTH = 1000  #: of lists of which each line is one thing, whatever its description
SHOWN = (
    "index", "source", "source_row", "pattern", "replacement", "word", "output", "prompt", "completion", "tokens",
    "position", "outcome",
)  # fmt: skip


class _Console(Console):
    """A console that leaves it to the command to end when the reader of its output has gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout_console(width: int = PIPE_WIDTH) -> Console:
    """Return a console on standard output, of a fixed width where that is not a terminal."""
    return _Console(highlight=False, width=None if sys.stdout.isatty() else width)


def presets(recipes: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
    """Print the presets, each with its description and what sets it apart."""
    headings = (
        "preset",
        "examples",
        "instructions",
        "family",
        "pattern",
        "word",
        "no-op",
        "task",
        "description",
    )
    table = Table(*headings, box=None)
    for name, (line, recipe) in recipes.items():
        rules, words = recipe.get("rules") or {}, recipe.get("words") or {}
        drawn = {} if rules.get("program") else rules
        cells = [recipe.get("examples"), recipe.get("instructions"), drawn.get("family"),
                 drawn.get("pattern_length"), words.get("length"), words.get("no_op"),
                 (recipe.get("task") or {}).get("kind")]  # fmt: skip
        table.add_row(Text(name, style="bold"), *(Text(_cell(cell)) for cell in cells), Text(line))
    stdout_console(LIST_WIDTH).print(table)


def mixtures(lines: Mapping[str, str]) -> None:
    """Print the presets of mixtures, each with its description."""
    table = Table(box=None, show_header=False)
    for name, line in lines.items():
        table.add_row(Text(name, style="bold"), Text(line))
    stdout_console(LIST_WIDTH).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(item, int) for item in value):
        return str(value[0]) if value[0] == value[1] else f"{value[0]}-{value[1]}"
    return ", ".join(map(_cell, value)) if isinstance(value, list) else str(value)


def contents(folder: Any, found: "Inspected") -> None:
    """Print what a folder holds."""
    console = stdout_console()
    made = f"markovlib {found.markovlib}, stream {found.stream_version}, seed {found.seed}"
    console.print(Text(f"{folder}: {made}"))
    for split in found.splits:
        console.print()
        console.print(_figures(split))
        if split.counts:
            console.print(mixture_counts(split.counts))
        console.print(_lengths(split))
        console.print(_examples(split))
    for name, shards in found.unfinished.items():
        console.print(Text(f"{name}: unfinished, {counted(shards, 'shard')} complete"))


def _figures(split: "Contents") -> Table:
    scope = "all rows" if split.exact else f"from {counted(split.rows_read, 'row')} spread over the split"
    title = Text(f"{split.split} ({scope})", style="bold")
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    table.add_row("rows", f"{split.rows:,}")
    table.add_row("shards", f"{split.shards:,} {split.format}")
    table.add_row("bytes", f"{split.bytes:,} ({split.bytes / split.rows:.1f} a row)")
    if split.no_ops is not None:
        table.add_row("no-ops", _share(split.no_ops, split.rows_read))
        table.add_row("applied", _share(split.rows_read - split.no_ops, split.rows_read))
    for outcome, count in sorted(split.outcomes.items()):
        table.add_row(Text(outcome), _share(count, split.rows_read))
    for kind, count in split.distinct.items():
        table.add_row(f"distinct {kind}", f"{count:,}")
    return table


def _share(count: int, rows: int) -> str:
    return f"{count:,} ({100 * count / rows:.2f} %)"


def _lengths(split: "Contents") -> Table:
    table = Table("", box=None)
    for heading in ("min", "mean", "max"):
        table.add_column(heading, justify="right")
    named = {name: name if name.endswith("tokens") else f"{name} length" for name in split.lengths}
    rows: dict[str, Spread | None] = {named[name]: spread for name, spread in split.lengths.items()}
    rows |= {"position (applied)": split.position, "steps": split.steps}
    for name, spread in rows.items():
        if spread is not None:
            table.add_row(name, f"{spread.min:,}", f"{spread.mean:,.2f}", f"{spread.max:,}")
    return table


def _examples(split: "Contents") -> Table:
    """Show each example as lines `column value`, so that long words are not cut into narrow columns."""
    table = Table(box=None, show_header=False)
    for example in split.examples:
        for name in [name for name in SHOWN if name in example]:
            table.add_row(Text(name, style="dim"), Text(str(example[name]), overflow="fold"))
        table.add_row()
    return table


def evaluation(title: str, found: "Evaluation") -> None:
    """Print accuracies by section, each with its interval and the two baselines, and the labels."""
    console = stdout_console()
    left = f"; {counted(found.missing, 'row')} without an answer" if found.missing else ""
    left += f"; {counted(found.surplus, 'answer')} without a row" if found.surplus else ""
    console.print(Text(f"{title}: {counted(found.rows, 'answer')}{left}"))
    console.print()
    table = Table(box=None)
    for heading in ("", "", "rows", "correct", "accuracy", "95 % interval"):
        table.add_column(heading, justify="left" if not heading else "right")
    if found.credit != "exact":
        table.add_column(f"{found.credit} credit", justify="right")
    for heading in ("copy", "wrong occurrence"):
        table.add_column(heading, justify="right")
    for section, groups in found.sections.items():
        for number, group in enumerate(groups):
            table.add_row(Text("" if number else section, style="bold"), *_group(group, found.credit != "exact"))
    console.print(table)
    console.print()
    labels = Table(box=None)
    for heading in ("answers", "", ""):
        labels.add_column(heading, justify="right" if not heading else "left")
    for label, count in found.labels.items():
        if count:
            labels.add_row(Text(label), f"{count:,}", f"{100 * count / found.rows:.2f} %")
    console.print(labels)


def _group(group: "Group", with_credit: bool) -> list[str | Text]:
    interval = group.accuracy
    cells = [f"{group.rows:,}", f"{group.correct:,}", _accuracy(interval.share)]
    cells.append(f"{100 * interval.low:.2f}-{100 * interval.high:.2f}")
    if with_credit:
        cells.append(f"{group.credit:.4f}")
    others = (group.copy, group.wrong_occurrence)
    return [Text(group.name), *cells, *("-" if n is None else _accuracy(n / group.rows) for n in others)]


def _accuracy(share: float) -> str:
    return f"{100 * share:.2f} %"


def leakage(names: tuple[str, str], found: "Leakage") -> None:
    """Print what two data sets have in common."""
    console = stdout_console()
    for name, rows in zip(names, found.rows, strict=True):
        console.print(Text(f"{name}: {counted(rows, 'row')}"))
    console.print()
    near = any(kind.near is not None for kind in found.kinds.values())
    table = Table(box=None)
    for heading in ("", "first", "second", "shared", *(["near"] if near else [])):
        table.add_column(heading, justify="right" if heading else "left")
    for name, kind in found.kinds.items():
        counts = [kind.first, kind.second, kind.shared]
        last = [] if not near else ["-" if kind.near is None else f"{kind.near:,}"]
        table.add_row(Text(name, style="bold"), *(f"{count:,}" for count in counts), *last)
    console.print(table)
    for name, kind in found.kinds.items():
        for example in kind.examples:
            shown = " ".join(map(repr, example)) if isinstance(example, tuple) else repr(example)
            console.print(Text(f"shared of {name}: {shown}", overflow="fold"))


def mixture_counts(counts: Mapping[str, Any]) -> Table:
    """What was read, left out and used of the sources of a mixture."""
    columns = dict.fromkeys(name for found in counts["sources"].values() for name in found)
    table = Table("source", box=None)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right")
    for source, found in counts["sources"].items():
        table.add_row(Text(source, style="bold"), *(f"{found.get(name, 0):,}" for name in columns))
    return table
