"""Plots of a report, as pieces of SVG whose colours are those of the page, light or dark.

matplotlib draws with colours that stand for roles; each is replaced by the CSS variable of the role.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markovlib.diversity.counting import Distribution
from markovlib.wording import kind_of_rules

if TYPE_CHECKING:
    from markovlib.diversity.report import DiversityReport, Instructions

INK, GRID, FIRST, SECOND, THIRD = "#010101", "#020202", "#030303", "#040404", "#050505"
_ROLES = {INK: "--ink", GRID: "--grid", FIRST: "--first", SECOND: "--second", THIRD: "--third"}
_SIZE = 4.8, 2.7
_WIDE = 7.2
_FEW_BARS = 5
_MOST_BARS = 24
_MOST_LETTERS = 40

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif", "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": GRID, "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.5, "xtick.color": GRID,
    "ytick.color": GRID, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "legend.frameon": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "xtick.minor.visible": False, "ytick.minor.visible": False,
    "axes.formatter.use_mathtext": False, "axes.unicode_minus": False,
}  # fmt: skip

Draw = Callable[[Any], None]


class Plots:
    """Draws the plots of one page; the ids in each piece of SVG are its own.

    Raises ImportError where matplotlib is missing.
    """

    def __init__(self) -> None:
        try:
            import matplotlib
            from matplotlib.backends.backend_svg import FigureCanvasSVG
            from matplotlib.figure import Figure
        except ImportError:
            raise ImportError("plots need matplotlib: pip install '.[plots]' in the clone of markovlib") from None
        self._context = matplotlib.rc_context
        self._figure, self._canvas = Figure, FigureCanvasSVG
        self._drawn = 0

    def draw(self, draw: Draw, width: float = _SIZE[0], height: float = _SIZE[1]) -> str:
        """One plot: `draw` is given the axes."""
        self._drawn += 1
        name = f"plot{self._drawn}"
        with self._context({**_STYLE, "svg.hashsalt": name}):
            figure = self._figure(figsize=(width, height), layout="constrained")
            self._canvas(figure)
            draw(figure.subplots())
            out = io.StringIO()
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        return _inline(out.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    """The <svg> element alone, sized by the page, with ids of its own and the page's colours and fonts."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r' id="([^"]+)"', rf' id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 sans-serif", svg)
    for colour, role in _ROLES.items():
        svg = svg.replace(colour, f"var({role})")
    return svg.strip()


def _counted(axis: Any) -> None:
    """Ticks of an axis at whole numbers, with commas."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _percent(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_locator(MaxNLocator(nbins=6))
    axis.set_major_formatter(PercentFormatter(1, decimals=None))


def histogram(found: Distribution, unit: str, of: str) -> Draw:
    """A bar for each bin: its share of the rows counted."""

    def draw(axes: Any) -> None:
        lows, highs, counts = zip(*found.bins, strict=True)
        width = highs[0] - lows[0] + 1
        middles = [low + (width - 1) / 2 for low in lows]
        thin = 0.92 if len(middles) > _FEW_BARS else 0.5
        axes.bar(middles, [count / found.count for count in counts], width * thin, color=FIRST)
        each = "" if width == 1 else f" ({width:,} to a bar)"
        axes.set(xlabel=f"{unit}{each}", ylabel=f"share of {of}")
        axes.grid(visible=False, axis="x")
        _counted(axes.xaxis)
        _percent(axes.yaxis)

    return draw


def ranks(found: Instructions) -> Draw:
    """Examples of each instruction over its rank, both logarithmic."""

    def draw(axes: Any) -> None:
        x, y = zip(*found.ranked, strict=True)
        axes.loglog(x, y, color=FIRST, linewidth=1.8, marker="o" if len(x) < 30 else None, markersize=3)
        if max(x) == 1:
            axes.set_xlim(0.5, 2)
        narrow = max(y) < 10 * min(y)
        if narrow:
            axes.set_ylim(min(y) / 4, max(y) * 4)
        axes.set(xlabel="rank of the instruction", ylabel="examples")
        _powers(axes.xaxis, (1.0,))
        _powers(axes.yaxis, (1.0, 2.0, 5.0) if narrow else (1.0,))

    return draw


def _powers(axis: Any, multiples: tuple[float, ...]) -> None:
    """Ticks of a logarithmic axis at these multiples of powers of ten, in short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    def shown(value: float, _: int) -> str:
        for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if value >= size:
                return f"{value / size:g}{letter}"
        return f"{value:g}"

    axis.set_major_locator(LogLocator(10, subs=multiples, numticks=9))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(shown))


def lorenz(found: Instructions) -> Draw:
    """Share of the rows that the rarest instructions have, beside the diagonal of equal shares."""

    def draw(axes: Any) -> None:
        x, y = zip(*found.lorenz, strict=True)
        axes.plot([0, 1], [0, 1], color=SECOND, linewidth=1.2, linestyle="--", label="all equally frequent")
        axes.plot(x, y, color=FIRST, linewidth=1.8, label="these rows")
        axes.set(xlabel="share of the instructions, from the rarest", ylabel="share of the rows")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="upper left")
        _percent(axes.xaxis)
        _percent(axes.yaxis)

    return draw


def strata(report: DiversityReport) -> tuple[Draw, float, float]:
    """Bars of the shares asked and got of each stratum, or of each family where there are many; width and height."""
    bars = [(name_of(s), s.asked, s.instructions_share, s.rows_share) for s in report.strata]
    if len(bars) > _MOST_BARS:
        bars = [(name, f["asked"], f["instructions_share"], f["rows_share"]) for name, f in report.families.items()]  # type: ignore[misc]

    def draw(axes: Any) -> None:
        names, *shares = zip(*bars, strict=True)
        places = range(len(names))
        kinds = (("asked", SECOND), ("instructions got", FIRST), (f"{counted(report)} got", THIRD))
        for i, ((label, colour), values) in enumerate(zip(kinds, shares, strict=True)):
            if None not in values:
                axes.barh([place + (i - 1) * 0.27 for place in places], values, 0.25, color=colour, label=label)
        axes.set_yticks(list(places), names)
        axes.invert_yaxis()
        axes.set(xlabel="share")
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
        _percent(axes.xaxis)

    return draw, _WIDE, 1.0 + 0.36 * len(bars)


def counted(report: DiversityReport) -> str:
    """What a stratum is a number of: rules where rows have several, all of which count, else rows."""
    return "rules" if report.strata_of == "all rules" else "rows"


def name_of(stratum: Any) -> str:
    """What a stratum is called."""
    return kind_of_rules(stratum.family, stratum.k, stratum.pattern_length, stratum.replacement_length)


def letters(report: DiversityReport) -> Draw:
    """How frequent each letter is in words, patterns and replacements."""
    columns = [
        (name, report.letters[name]) for name in ("words", "patterns", "replacements") if report.letters.get(name)
    ]
    names = sorted({letter for _, counts in columns for letter in counts})
    looks = {"words": (FIRST, ""), "patterns": (SECOND, "o"), "replacements": (THIRD, "D")}

    def draw(axes: Any) -> None:
        places = list(range(len(names)))
        handles = []
        for name, counts in columns:
            total = sum(counts.values())
            shares = [counts.get(letter, 0) / total for letter in names]
            colour, marker = looks[name]
            if marker:
                handles += axes.plot(places, shares, marker, color=colour, markersize=4.5, label=name)
            else:
                handles.append(axes.bar(places, shares, 0.85, color=colour, alpha=0.4, label=name))
        if len(names) <= _MOST_LETTERS:
            axes.set_xticks(places, [name if name.strip() else repr(name) for name in names])
        axes.set(xlabel=f"letter ({len(names)} occur)", ylabel="share of the letters")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.22)
        axes.grid(visible=False, axis="x")
        axes.legend(handles=handles, loc="upper right", ncols=3)
        _percent(axes.yaxis)

    return draw
