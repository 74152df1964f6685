"""Draws the specialist's figure and writes the results into docs/codegen.md, from the committed records.

python -m reproduction.codegen.report
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .arms import ARMS, TESTS
from .outcome import CONTRASTS, PRIMARY, Estimate, Record, accuracy, difference, load
from .specialist import RECORDS, SEEDS, SHARES, planned

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "codegen.md"
PICTURE = "codegen.svg"
BEGIN, END = "<!-- specialist:begin -->", "<!-- specialist:end -->"
FLOOR = 0.5
TELLING = 0.1

COLOURS = {"all": "#24292f", "fewer": "#6b7280", "general": "#c2410c", "new": "#1d4ed8", "repeated": "#0f766e"}
INK, LINES = "#24292f", "#d8dee4"


def shown(value: float) -> str:
    """A share in per cent.

    >>> shown(0.1234), shown(-0.05)
    ('12.3', '-5.0')
    """
    return f"{100 * value:.1f}"


def signed(found: Estimate | None) -> str:
    if found is None:
        return "not run"
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def with_interval(found: Estimate | None) -> str:
    return "not run" if found is None else f"{shown(found.mean)} ({shown(found.low)} to {shown(found.high)})"


def shares_of(records: Sequence[Record]) -> list[float]:
    """The shares that were run."""
    return sorted({record["run"]["share"] for record in records} - {0.0})


def accuracies(records: Sequence[Record]) -> str:
    """A table of what each arm gets right, in per cent."""
    lines = [f"| arm | r/N | seeds | {' | '.join(TESTS.values())} |", "|---|---:|---:|" + "---:|" * len(TESTS)]
    for arm in ARMS:
        for share in [0.0] if arm == "all" else shares_of(records):
            found = [accuracy(records, test, share, arm) for test in TESTS]
            seeds = 0 if found[0] is None else len(found[0].seeds)
            lines.append(f"| `{arm}` | {share:g} | {seeds} | {' | '.join(map(with_interval, found))} |")
    return "\n".join(lines)


def differences(records: Sequence[Record]) -> str:
    """A table of differences between arms, in points of per cent."""
    lines = [f"| difference | r/N | {' | '.join(TESTS.values())} |", "|---|---:|" + "---:|" * len(TESTS)]
    for arm, other in CONTRASTS:
        for share in shares_of(records):
            found = [difference(records, test, share, arm, other) for test in TESTS]
            lines.append(f"| `{arm}` - `{other}` | {share:g} | {' | '.join(map(signed, found))} |")
    return "\n".join(lines)


def verdict(records: Sequence[Record]) -> str:
    """What the primary metric says, in a sentence."""
    test, share, arm, other = PRIMARY
    found = difference(records, test, share, arm, other)
    if found is None:
        return "The primary metric was not measured."
    words = {
        "more": "The hypothesis holds here",
        "less": "The contrary of the hypothesis holds here",
        "not distinguishable": "The two are not distinguishable here",
    }[found.verdict]
    return (
        f"**{words}**: on {TESTS[test]}, at r = N/4, the accuracy of `{arm}` less that of `{other}` is {signed(found)} "
        f"points (mean over {len(found.seeds)} seeds, 95 % interval)."
    )


def in_words(records: Sequence[Record]) -> str:
    """The exploratory differences on the test of the primary metric."""
    test = PRIMARY[0]
    lines = []
    for share in shares_of(records):
        for arm, other in CONTRASTS:
            found = difference(records, test, share, arm, other)
            if found is None or (test, share, arm, other) == PRIMARY:
                continue
            words = {
                "more": f"`{arm}` is right more often than `{other}`",
                "less": f"`{arm}` is right less often than `{other}`",
                "not distinguishable": f"`{arm}` and `{other}` are not distinguishable",
            }[found.verdict]
            lines.append(f"- r/N = {share:g}: {words}, {signed(found)}.")
    return f"Beside it, on {TESTS[test]}, in points:\n\n" + "\n".join(lines) if lines else ""


def undertrained(records: Sequence[Record]) -> str:
    """Which arms did not learn what they were shown, so that what they miss elsewhere says nothing of generalising."""
    lines = []
    for arm in ARMS:
        for share in [0.0] if arm == "all" else shares_of(records):
            found = accuracy(records, "seen", share, arm)
            if found is not None and found.mean < FLOOR:
                below = sum(value < FLOOR for value in found.seeds.values())
                lines.append(f"`{arm}` at r/N = {share:g} ({below} of {len(found.seeds)} seeds)")
    if not lines:
        return ""
    return (
        f"**Under-trained**, right on less than {100 * FLOOR:.0f} % of *seen* templates after as many epochs as the "
        f"others: {', '.join(lines)}. What these lack elsewhere is not a finding about generalisation."
    )


def floors(records: Sequence[Record]) -> str:
    """Which tests are too hard for all arms to tell them apart."""
    lines = []
    for test, name in TESTS.items():
        found = [accuracy(records, test, share, arm) for arm in ARMS for share in (0.0, *shares_of(records))]
        best = max((one.mean for one in found if one is not None), default=0.0)
        if best < TELLING:
            lines.append(f"No arm is right on more than {shown(best)} % of {name}: that test does not tell them apart.")
    return " ".join(lines)


def conditions(records: Sequence[Record]) -> str:
    """What was run, with what, and what of the plan was not."""
    first = records[0]
    budget, settings = first["budget"], first["settings"]
    names = {f"{run.arm}-{run.share}-{run.seed}" for run in planned(SEEDS, SHARES)}
    there = {"{arm}-{share}-{seed}".format(**record["run"]) for record in records}
    missing = len(names - there)
    seconds = sorted(record["seconds"] for record in records)
    text = (
        f"N = {budget['rows']:,} rows, {budget['wordings']} wordings of each operation, {budget['tested']} "
        f"instructions a test. A GPT of {settings['layers']} layers, width {settings['width']}, "
        f"{settings['heads']} heads, {first['parameters']:,} parameters; AdamW, rate {settings['rate']:g}, "
        f"batch {settings['batch']}, {settings['epochs']} epochs. {len(records)} of {len(names)} planned "
        f"runs, one thread each, {seconds[0]:.0f} to {seconds[-1]:.0f} seconds on a machine shared with other work."
    )
    if missing:
        text += f" **Not run: {missing}**, by the order of the plan the last ones."
    return text


def section(records: Sequence[Record]) -> str:
    """What stands in the page."""
    parts = [
        verdict(records), in_words(records), conditions(records), f"![What each arm gets right, by test]({PICTURE})",
        "Per cent right, mean over seeds, with 95 % bootstrap intervals over seeds and instructions:",
        accuracies(records), undertrained(records), floors(records),
        "Differences in points, paired by seed; all but the primary one are exploratory:",
        differences(records),
    ]  # fmt: skip
    return "\n\n".join(map(_wrapped, filter(None, parts)))


def _wrapped(part: str) -> str:
    """Prose in lines of a page's length; tables, lists and pictures as they are."""
    if "\n" in part or part.startswith("!["):
        return part
    return textwrap.fill(part, 120, break_long_words=False, break_on_hyphens=False)


def spliced(page: str, text: str) -> str:
    """The page with another text between the marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


# ---- the figure -----------------------------------------------------------------------------------------------------


def description(records: Sequence[Record]) -> str:
    """The figure in words, which it carries with it."""
    return "\n".join(
        f"{TESTS[test]}, {arm} at {share:g}: {with_interval(accuracy(records, test, share, arm))}"
        for test in TESTS
        for arm in ARMS
        for share in ([0.0] if arm == "all" else shares_of(records))
    )


def draw(records: Sequence[Record], path: Path) -> None:
    """Writes the figure; the same records make the same file."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
             "axes.edgecolor": LINES, "svg.hashsalt": "markovlib", "svg.fonttype": "path"}  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = plt.subplots(1, len(TESTS), figsize=(9.4, 3.9), sharey=True)
        for axis, test in zip(axes, TESTS, strict=True):
            _panel(axis, records, test)
        axes[0].set_ylabel("right, %")
        axes[0].set_ylim(0, 100)
        figure.tight_layout(w_pad=1.5)
        metadata = {"Date": None, "Description": description(records)} if path.suffix == ".svg" else {}
        figure.savefig(path, metadata=metadata, facecolor="white", dpi=110)
        plt.close(figure)


def _panel(axis: Any, records: Sequence[Record], test: str) -> None:
    """One test: for each arm and share the seeds as dots, their mean and its interval."""
    columns = [("all", 0.0), *((arm, share) for share in shares_of(records) for arm in ARMS if arm != "all")]
    ticks = []
    for place, (arm, share) in enumerate(columns):
        found = accuracy(records, test, share, arm)
        ticks.append(arm)
        if found is None:
            continue
        colour = COLOURS[arm]
        axis.plot([place, place], [100 * found.low, 100 * found.high], color=colour, linewidth=2, zorder=2)
        axis.plot(place, 100 * found.mean, "o", color=colour, markersize=7, zorder=3)
        dots = [100 * value for value in found.seeds.values()]
        axis.plot([place + 0.25] * len(dots), dots, "o", color=colour, markersize=3, alpha=0.5, zorder=1)
    for i, share in enumerate(shares_of(records)):
        start = 1 + i * (len(ARMS) - 1)
        axis.axvline(start - 0.5, color=LINES, linewidth=1, zorder=0)
        axis.text(start - 0.4, 98, f"r = N · {share:g}", va="top", fontsize=8)
    axis.set_xticks(range(len(columns)), ticks, rotation=60, ha="right", fontsize=9)
    axis.set_title(TESTS[test], loc="left", fontsize=11, fontweight="bold")
    axis.tick_params(length=0)
    axis.grid(axis="y", color=LINES, linewidth=0.8)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 2 no records."""
    parser = argparse.ArgumentParser(prog="reproduction.codegen.report", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=RECORDS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    records = load(options.records)
    if not records:
        print(f"error: {options.records}: has no records", file=sys.stderr)
        return 2
    draw(records, options.page.parent / PICTURE)
    options.page.write_text(spliced(options.page.read_text("utf-8"), section(records)), "utf-8")
    print(f"{options.page}: {len(records)} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
