"""A trace as a space-time picture: steps go down, letters across, each letter in a colour of its own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib.files import save
from markovlib.seeing.lines import letters
from markovlib.seeing.options import Options, integer
from markovlib.seeing.raster import NOTHING, Raster, codes_of, lengths, letters_of_rules, rasterize, word_at

if TYPE_CHECKING:
    from markovlib.trace import Trace

ENDINGS = ("png", "svg")
DPI = 100
LEAST, MOST = 300, 10_000  # pixels of a side
_CELL = 24  # pixels of a letter where there is room
_GLYPH = 11  # pixels of the smallest letter that is written into its cell
_MOST_GLYPHS = 1500
_AREA = 900, 1000  # pixels of the largest grid of letters that is fitted to its trace
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 150, 14, 56  # pixels around it, for axes and legend
_ENTRY = 21  # pixels of a line of the legend, which has at most 16

_DARKEN = 0.4


def require_matplotlib() -> None:
    """Raises ImportError that names the extra where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError("pictures need matplotlib: pip install '.[plots]' in the clone of markovlib") from None


def ending_of(path: Any) -> str:
    """`png` or `svg`, or a ValueError."""
    ending = Path(path).suffix[1:].lower()
    if ending not in ENDINGS:
        raise ValueError(f"{path}: a picture's name ends in .png or .svg")
    return ending


# ---- drawing -----------------------------------------------------------------------------------------------------


def fitted(trace: Trace, options: Options) -> tuple[int, int]:
    """Pixels of the grid of a picture: letters are squares of 24, or less where that would be too large."""
    width = max(1, int(lengths(trace, options.start, options.stop).max()))
    return _fitted(width, _AREA[0]), _fitted(options.stop - options.start, _AREA[1])


def _fitted(cells: int, most: int) -> int:
    """The greatest whole multiple of the number of cells that is at most 24 pixels each and `most` together."""
    return max(2 * _CELL, cells * min(_CELL, most // cells)) if cells <= most else most


def _place_axes(figure: Any, trace: Trace, options: Options, size: tuple[int, int] | None) -> Any:
    """Axes with a whole number of pixels, in a figure of the size given or of one that fits."""
    right = _RIGHT if options.legend else _TOP
    if size is None:
        across, down = fitted(trace, options)
        known = {*letters_of_rules(trace.rules), *np.unique(codes_of(word_at(trace, options.start))).tolist()}
        legend = _ENTRY * (min(14, len(known)) + 2) if options.legend else 0
        width, height = _LEFT + across + right, _TOP + max(down + _BOTTOM, legend)
    else:
        width, height = size
        across, down = max(2, width - _LEFT - right), max(2, height - _TOP - _BOTTOM)
    figure.set_size_inches(width / DPI, height / DPI)
    return figure.add_axes((_LEFT / width, (height - _TOP - down) / height, across / width, down / height))


def draw(trace: Trace, ax: Any, options: Options) -> Any:
    """Draws on the axes, in as many rows and columns as they have pixels, and gives them back."""
    box = ax.get_window_extent()
    rows, columns = max(2, round(box.height)), max(2, round(box.width))
    grid = rasterize(trace, options.start, options.stop, rows, columns, options.align)
    shown = [code for code in np.unique(grid.cells).tolist() if code != NOTHING]
    colours = options.palette.of(shown)
    image = _image(grid, colours)
    height, width = grid.cells.shape
    row, column = box.height / height, box.width / width
    if options.edits and not _is_coarse(row, column):
        _darken(image, grid.edits)
    step = grid.words / height
    bottom, top = options.stop - 1 + step / 2, options.start - step / 2
    extent = (-0.5, max(1, grid.width) - 0.5, bottom, top)
    ax.imshow(image, interpolation="none", aspect="auto", extent=extent)
    if options.edits and _is_coarse(row, column):
        _outline(ax, grid, extent)
    if min(row, column) >= _GLYPH and np.count_nonzero(grid.cells != NOTHING) <= _MOST_GLYPHS:
        _write_letters(ax, grid, image, extent, trace, min(row, column))
    _axes(ax, grid, options)
    if options.legend:
        _legend(ax, trace, options, colours, not _is_coarse(row, column))
    return ax


def _is_coarse(row: float, column: float) -> bool:
    """Whether cells have room for an outline."""
    return min(row, column) >= 5


def _image(grid: Raster, colours: dict[int, tuple[float, ...]]) -> NDArray[np.uint8]:
    """RGBA of every cell, transparent where there is no letter."""
    codes = np.array([*sorted(colours), NOTHING], np.uint32)
    table = np.array([*((*colours[code], 1.0) for code in sorted(colours)), (1.0, 1.0, 1.0, 0.0)])
    return (table * 255).round().astype(np.uint8)[np.searchsorted(codes, grid.cells)]


def _darken(image: NDArray[np.uint8], edits: NDArray[np.int64]) -> None:
    """Marks the replaced cells where they are too small for an outline."""
    for row, (low, high) in enumerate(edits.tolist()):
        if low >= 0:
            part = image[row, low : max(high, low + 1), :3]
            part[...] = (part * _DARKEN).astype(np.uint8)


def _outline(ax: Any, grid: Raster, extent: tuple[float, float, float, float]) -> None:
    """A frame around what the next step replaces; a line where it puts something between two letters."""
    from matplotlib.collections import LineCollection, PolyCollection

    height, width = grid.cells.shape
    down = (extent[2] - extent[3]) / height
    boxes, lines = [], []
    for row, (low, high) in enumerate(grid.edits.tolist()):
        top, bottom = extent[3] + row * down, extent[3] + (row + 1) * down
        left, right = ((edge * (extent[1] - extent[0]) / width + extent[0]) for edge in (low, high))
        if low >= 0 and high > low:
            boxes.append([(left, top), (right, top), (right, bottom), (left, bottom)])
        elif low >= 0:
            lines.append([(left, top), (left, bottom)])
    for colour, thick in (("white", 3.2), ("black", 1.6)):
        ax.add_collection(PolyCollection(boxes, facecolors="none", edgecolors=colour, linewidths=thick))
        # A line at the very edge of the axes is drawn whole.
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=thick + 1, clip_on=False))


def _write_letters(ax: Any, grid: Raster, image: NDArray[np.uint8], extent: Any, trace: Trace, size: float) -> None:
    height, width = grid.cells.shape
    down, across = (extent[2] - extent[3]) / height, (extent[1] - extent[0]) / width
    # Black or white, whichever has more contrast: relative luminance as WCAG 2 defines it, nearly.
    light = (image[..., :3] / 255) ** 2.2 @ np.array([0.2126, 0.7152, 0.0722]) > 0.18
    for row, column in np.argwhere(grid.cells != NOTHING).tolist():
        name = letter_name(int(grid.cells[row, column]), trace)
        if len(name) == 1:
            place = extent[0] + (column + 0.5) * across, extent[3] + (row + 0.5) * down
            colour = "black" if light[row, column] else "white"
            _plain_text(ax.text(*place, " ", ha="center", va="center", size=size * 0.42, color=colour), name)


def letter_name(code: int, trace: Trace) -> str:
    """A letter as the picture can write it: itself if the font has it, else its escape or its code point."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    name = letters(chr(code) if isinstance(trace.word, str) else bytes([code]))
    if name == " ":
        return "space"
    font = get_font(fontManager.findfont(FontProperties()))
    if all(ord(letter) < 128 or font.get_char_index(ord(letter)) for letter in name):
        return name
    return f"U+{code:04X}"


def _plain_text(text: Any, content: str) -> None:
    """Sets a text that is not read as mathematics."""
    text.set_parse_math(False)
    text.set_text(content)


def _axes(ax: Any, grid: Raster, options: Options) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    height, width = grid.cells.shape
    note = "" if height == grid.words else f" ({height:,} of {grid.words:,} words shown)"
    ax.set_ylabel(f"step{note}")
    note = "" if width >= grid.width else f" ({width:,} of {grid.width:,} shown)"
    where = {"left": "position", "center": "letters, centred", "right": "letters, aligned right"}[options.align]
    ax.set_xlabel(f"{where}{note}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if options.align != "left":
        ax.set_xticks([])
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _legend(ax: Any, trace: Trace, options: Options, colours: dict[int, tuple[float, ...]], dark: bool) -> None:
    from matplotlib.patches import Patch

    own = {code: colour for code, colour in colours.items() if not options.palette.is_other(colour)}
    entries = [(letter_name(code, trace), Patch(facecolor=colour)) for code, colour in own.items()]
    others = len(colours) - len(own)
    if others:
        entries.append((f"{others} other{'s' * (others > 1)}", Patch(facecolor=options.palette.other)))
    if options.edits and trace.steps > options.start:
        look = {"facecolor": "#444444"} if dark else {"facecolor": "white", "edgecolor": "black", "linewidth": 1.6}
        entries.append(("replaced next", Patch(**look)))
    if not entries:
        return
    legend = ax.legend(
        [patch for _, patch in entries], ["letter"] * len(entries), loc="upper left", bbox_to_anchor=(1.01, 1.0),
        frameon=False, borderaxespad=0.0, handlelength=1.2, handleheight=1.2,
    )  # fmt: skip
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        _plain_text(text, name)


# ---- what Trace's methods do -------------------------------------------------------------------------------------


def plot(trace: Trace, ax: Any, **chosen: Any) -> Any:
    """What `Trace.plot` does."""
    require_matplotlib()
    options = Options(trace, **chosen)
    if ax is None:
        from matplotlib import pyplot

        ax = _place_axes(pyplot.figure(dpi=DPI), trace, options, None)
    return draw(trace, ax, options)


def write_picture(trace: Trace, path: Any, size: tuple[int, int] | None, **chosen: Any) -> None:
    """What `Trace.write_picture` does."""
    ending = ending_of(path)
    require_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    options = Options(trace, **chosen)
    size = None if size is None else _checked(size)
    out = io.BytesIO()
    # The same trace gives the same file: no date, no version, no random names.
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "svg.hashsalt": "markovlib", "svg.fonttype": "path"}):
        figure = Figure(dpi=DPI)
        FigureCanvasAgg(figure)
        draw(trace, _place_axes(figure, trace, options, size), options)
        nothing = {"Software": None} if ending == "png" else {"Date": None, "Creator": None}
        figure.savefig(out, format=ending, dpi=DPI, metadata=nothing)
    save(path, out.getvalue())


def _checked(size: Any) -> tuple[int, int]:
    try:
        width, height = size
    except (TypeError, ValueError):
        raise TypeError(f"size must be (width, height) in pixels, got {size!r}") from None
    width, height = integer(width, "size: width"), integer(height, "size: height")
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise ValueError(f"size: width and height must be {LEAST} to {MOST:,} pixels, got {width} × {height}")
    return width, height
