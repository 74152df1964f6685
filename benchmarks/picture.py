"""The picture of a record: what a step costs against the length of the word, on logarithmic scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import figures
from figures import BASE, Record

PANELS = {"W3 unary multiplication": "Unary multiplication, 20 rules", "W4 sort": "Sort, one rule"}
PYTHON = "find loop", "replace loop", "markalgo", "turingmarkov"
LABELS = {BASE: "markovlib", "naive C": "naive C", "find loop": "four engines in Python"}
COLOURS = {BASE: "#c2410c", "naive C": "#1d4ed8", "find loop": "#6b7280"}
INK, LINES = "#24292f", "#d8dee4"

Series = dict[str, list[tuple[int, float]]]


def series_of(record: Record) -> dict[str, Series]:
    """For each panel, (letters, nanoseconds a step) of every engine that is drawn."""
    return {
        workload["name"]: {
            engine: points
            for engine in (BASE, "naive C", *PYTHON)
            if (points := figures.lengths_and_times(workload, engine))
        }
        for workload in record["rewriting"]
        if workload["name"] in PANELS
    }


def description(record: Record) -> str:
    """The points in words; the picture carries them, so that a test sees of which record it is."""
    lines = [
        f"{panel}, {engine}: " + ", ".join(f"{time:g} ns at {length:,} letters" for length, time in points)
        for panel, series in series_of(record).items()
        for engine, points in series.items()
    ]
    return "\n".join(lines)


def draw(record: Record, path: Path) -> None:
    """Writes the picture; the same record makes the same file."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
             "axes.edgecolor": LINES, "svg.hashsalt": "markovlib", "svg.fonttype": "path"}  # fmt: skip
    panels = series_of(record)
    with mpl.rc_context(style):
        figure, axes = plt.subplots(1, len(panels), figsize=(8.4, 3.7), sharey=True, squeeze=False)
        for axis, (name, series) in zip(axes[0], panels.items(), strict=True):
            _panel(axis, PANELS[name], series)
        axes[0][0].set_ylabel("time a step")
        figure.tight_layout(w_pad=2)
        metadata = {"Date": None, "Description": description(record)} if path.suffix == ".svg" else {}
        figure.savefig(path, metadata=metadata, facecolor="white", dpi=110)
        plt.close(figure)


def _panel(axis: Any, title: str, series: Series) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    for engine, points in series.items():
        lengths, times = zip(*points, strict=True)
        leader = "find loop" if engine in PYTHON else engine
        wide = engine == BASE
        axis.plot(lengths, times, color=COLOURS[leader], linewidth=2.6 if wide else 1.3, marker="o",
                  markersize=5 if wide else 3, zorder=3 if wide else 2)  # fmt: skip
        if engine in LABELS:
            _label(axis, LABELS[engine], COLOURS[leader], points, above=engine != "naive C")
    axis.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axis.set_xlabel("letters of the word")
    axis.set_ylim(5, 1e8)
    axis.set_yticks([10, 1e3, 1e5, 1e7], ["10 ns", "1 µs", "100 µs", "10 ms"])
    axis.set_xticks([1e3, 1e4, 1e5, 1e6], ["1k", "10k", "100k", "1M"])
    axis.tick_params(length=0)
    axis.minorticks_off()
    axis.grid(color=LINES, linewidth=0.7)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)


def _label(axis: Any, text: str, colour: str, points: list[tuple[int, float]], above: bool) -> None:
    """Writes the name beside the last point but one of its line, on the side where the other lines are not."""
    length, time = points[-2 if len(points) > 1 else 0]
    shift, side = ((-6, 9), "right") if above else ((8, -12), "left")
    if text == LABELS[BASE]:
        shift, side = (0, 9), "center"
    axis.annotate(text, (length, time), xytext=shift, textcoords="offset points", color=colour, ha=side,
                  fontweight="bold" if text == LABELS[BASE] else "normal")  # fmt: skip
