"""The figures: what the records say, beside what the papers say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from .experiments import FAMILIES
from .findings import SHIFTS, Found, at_no_op
from .intervals import Estimate
from .records import Record, Results

INK, LINES, PAPERS = "#24292f", "#d8dee4", "#f3e8d2"
COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7c3aed", "#b91c8b", "#0e7490", "#854d0e", "#475569")
GREY = "#6b7280"

# arXiv 2405.19787, table 1: unseen accuracy by occurrences in training, for 2000, 1000, 500 and 200 instructions.
TABLE_1 = {
    "1": (0.71, 0.41, 0.00, 0.00), "10": (0.88, 0.71, 0.00, 0.00), "20": (0.73, 0.28, 0.07, 0.00),
    "mix": (0.94, 0.94, 0.62, 0.00),
}  # fmt: skip


# ---- parts -----------------------------------------------------------------------------------------------------------


def line(axis: Any, xs: Sequence[float], found: Found, colour: str, label: str, **style: Any) -> None:
    """The means with their intervals, and every seed as a dot; hollow where a model had not learnt its own rules."""
    there = [(x, e) for x, e in zip(xs, found, strict=True) if e is not None]
    if not there:
        return
    axis.plot([x for x, _ in there], [e.share for _, e in there], color=colour, linewidth=1.6, label=label, **style)
    for x, e in there:
        reach = [[max(0, e.share - e.low)], [max(0, e.high - e.share)]]
        axis.errorbar([x], [e.share], reach, color=colour, linewidth=1, capsize=2, marker="o", markersize=5,
                      markerfacecolor=colour if e.trained else "white")  # fmt: skip
        axis.plot([x] * len(e.seeds), e.seeds, ".", color=colour, markersize=3, alpha=0.6)


def accuracy_axis(axis: Any, title: str = "") -> None:
    axis.set_ylim(-0.04, 1.04)
    axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axis.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axis.tick_params(length=0)
    axis.grid(color=LINES, linewidth=0.7)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)


def instruction_axis(axis: Any, numbers: list[int]) -> None:
    axis.set_xscale("log")
    labelled = numbers[:1]
    labelled += [n for before, n in pairwise(numbers) if n >= 1.9 * before or n == 1000]
    axis.set_xticks(labelled, [f"{n // 1000:,}k" if n >= 1000 and n % 1000 == 0 else f"{n}" for n in labelled])
    axis.minorticks_off()
    axis.set_xlabel("instructions")


def papers_step(axis: Any) -> None:
    """Where the papers saw failure turn into success."""
    axis.axvspan(300, 1000, color=PAPERS, zorder=0, label="papers: from failure to success")


def legend(axis: Any, **where: Any) -> None:
    axis.legend(frameon=False, fontsize=8, **where)


def matrix(axis: Any, rows: Sequence[str], columns: Sequence[str], found: Sequence[Found]) -> None:
    """Accuracies as shades and numbers, intervals below; in brackets where a model had not learnt its own rules."""
    shares = [[e.share if e else float("nan") for e in row] for row in found]
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for y, row in enumerate(found):
        for x, e in enumerate(row):
            if e is not None:
                text = f"{e.share:.2f}" if e.trained else f"({e.share:.2f})"
                axis.text(x, y, f"{text}\n{e.low:.2f}–{e.high:.2f}", ha="center", va="center", fontsize=8,
                          color="white" if e.share > 0.6 else INK)  # fmt: skip
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


# ---- experiments -----------------------------------------------------------------------------------------------------


def count(plt: Any, results: Results, _: Results) -> Any:
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    numbers = results.values("instructions")
    papers_step(axis)
    for split, colour, label in (("seen", GREY, "seen rules, new words"), ("unseen", COLOURS[0], "unseen rules")):
        line(axis, numbers, [results.share({"instructions": n}, split) for n in numbers], colour, label)
    accuracy_axis(axis, "Applying cases answered exactly")
    instruction_axis(axis, numbers)
    legend(axis, loc="lower right")
    return figure


def robustness(plt: Any, results: Results, _: Results) -> Any:
    figure, axis = plt.subplots(figsize=(7.6, 4.2))
    numbers = results.values("instructions")
    for (split, kind, name), colour in zip(SHIFTS, COLOURS, strict=True):
        found = [results.share({"instructions": n}, split, kind) for n in numbers]
        line(axis, numbers, found, INK if name == "no shift" else colour, name)
    accuracy_axis(axis, "Unseen rules under shifts, by the instructions trained on")
    instruction_axis(axis, numbers)
    legend(axis, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def no_op(plt: Any, results: Results, without: Results) -> Any:
    arms = results.values("fixed")
    figure, axes = plt.subplots(1, len(arms), figsize=(4.4 * len(arms), 3.8), sharey=True, squeeze=False)
    numbers = results.values("instructions")
    titles = {"rows": "As many rows at every share", "applied": "As many applying rows at every share"}
    for axis, fixed in zip(axes[0], arms, strict=True):
        papers_step(axis)
        none = [without.share({"instructions": n}) for n in numbers]
        line(axis, numbers, none, GREY, "no no-ops (count)", linestyle=":")
        for share, colour in zip(results.values("no_op"), COLOURS, strict=False):
            found = [at_no_op(results, without, fixed, share, n) for n in numbers]
            line(axis, numbers, found, colour, f"{share:.0%} no-ops")
        accuracy_axis(axis, titles[fixed])
        instruction_axis(axis, numbers)
    shown: dict[str, Any] = {}  # no panel has every share
    for axis in axes[0]:
        handles, labels = axis.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    legend(axes[0][0], handles=[shown[label] for label in sorted(shown)], loc="upper left")
    return figure


def long_tail(plt: Any, results: Results, uniform: Results) -> Any:
    """Against how many rules there are in effect, and against the share of examples outside the most frequent rule."""
    figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.8), sharey=True)
    measures: list[tuple[str, Callable[[Record], float]]] = [
        ("effective number of rules (Hill, order 1)", lambda record: record["diversity"]["effective"][1]),
        ("examples outside the most frequent rule", lambda record: record["diversity"]["outside_top"]),
    ]
    for axis, (label, measure) in zip(axes, measures, strict=True):
        for n, colour in zip(results.values("instructions"), COLOURS, strict=False):
            arms = [(uniform, {"instructions": n}), *((results, r["axes"]) for r in results.at({"instructions": n}))]
            points = {measure(source.at(axes_)[0]): source.share(axes_) for source, axes_ in arms if source.at(axes_)}
            xs = sorted(points)
            line(axis, xs, [points[x] for x in xs], colour, f"{n:,} rules")
        accuracy_axis(axis)
        axis.set_xlabel(label)
    axes[0].set_xscale("log")
    axes[0].set_title("Unseen applying cases, from uniform to peaked", loc="left", fontsize=10, fontweight="bold")
    legend(axes[0], loc="best")
    return figure


def families(plt: Any, results: Results, _: Results) -> Any:
    arms = results.arms("family")
    rows, columns = [*FAMILIES, "mix"], [*FAMILIES, "unrestricted"]
    figure, axes = plt.subplots(1, len(arms), figsize=(5.6 * len(arms), 3.6), squeeze=False)
    for axis, arm in zip(axes[0], arms, strict=True):
        found = [[results.share({**arm, "family": row}, column) for column in columns] for row in rows]
        matrix(axis, rows, columns, found)
        axis.set_xlabel("tested on")
        axis.set_ylabel("trained on")
        ks = arm["k"] if isinstance(arm["k"], int) else "-".join(map(str, arm["k"]))
        axis.set_title(f"{arm['instructions']:,} rules, k = {ks}", loc="left", fontsize=10)
    return figure


def occurrences(plt: Any, results: Results, _: Results) -> Any:
    """The matrix for each number of instructions, and the papers' table."""
    numbers, trained = results.values("instructions"), results.values("occurrences")
    tests = [o for o in trained if o != "mix"]
    figure, axes = plt.subplots(1, len(numbers) + 1, figsize=(4.6 * (len(numbers) + 1), 3.6), squeeze=False)
    for axis, n in zip(axes[0], numbers, strict=False):
        arms = [{"instructions": n, "occurrences": o} for o in trained]
        found = [[results.share(arm, f"occurrences_{test}") for test in tests] for arm in arms]
        matrix(axis, list(map(str, trained)), list(map(str, tests)), found)
        axis.set_xlabel("occurrences tested on")
        axis.set_ylabel("occurrences trained on")
        axis.set_title(f"Ours, {n:,} rules", loc="left", fontsize=10, fontweight="bold")
    papers = axes[0][-1]
    theirs = [[Estimate(v, v, v, (v,)) for v in row] for row in TABLE_1.values()]
    matrix(papers, list(TABLE_1), ["2,000", "1,000", "500", "200"], theirs)
    for text in papers.texts:
        text.set_text(text.get_text().split("\n")[0])
    papers.set_xlabel("rules")
    papers.set_title("Papers, table 1 (tests not recorded)", loc="left", fontsize=10, fontweight="bold")
    return figure


def encrypted(plt: Any, results: Results, _: Results) -> Any:
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True)
    numbers = results.values("instructions")
    kinds = {"applying": "Applying", "no_op": "No-ops", "near_miss": "Near misses"}
    for axis, (kind, title) in zip(axes, kinds.items(), strict=True):
        for shape, colour in zip(results.values("shape"), (COLOURS[1], COLOURS[0]), strict=False):
            found = [results.share({"instructions": n, "shape": shape}, "unseen", kind) for n in numbers]
            line(axis, numbers, found, colour, "uniform" if shape == "uniform" else f"power law {shape}")
        accuracy_axis(axis, title)
        instruction_axis(axis, numbers)
    legend(axes[0], loc="best")
    return figure


FIGURES: dict[str, Callable[[Any, Results, Results], Any]] = {
    "count": count, "robustness": robustness, "occurrences": occurrences, "no-op": no_op, "long-tail": long_tail,
    "families": families, "encrypted": encrypted,
}  # fmt: skip


def draw(name: str, results: Results, counted: Results, path: Path) -> None:
    """Writes the figure of an experiment; the same records make the same file.

    The picture's metadata has `description`, so that a test sees which records it is of.
    """
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 9, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
             "axes.edgecolor": LINES, "svg.hashsalt": "markovlib", "svg.fonttype": "path"}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style):
        figure = FIGURES[name](plt, results, counted)
        figure.tight_layout(w_pad=2)
        metadata = {"Date": None, "Description": results.digest} if path.suffix == ".svg" else {}
        figure.savefig(path, metadata=metadata, facecolor="white", dpi=110)
        plt.close(figure)
