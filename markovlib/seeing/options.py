"""What a picture shows of a trace, and in which colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from markovlib.seeing.raster import ALIGNMENTS, letters_of_rules

if TYPE_CHECKING:
    from markovlib.trace import Trace

# The colours of Okabe and Ito (Color Universal Design, 2008) without black, then the same mixed with white.
_BASE = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_OTHER = "#8A8A8A"


class Options:
    """What a picture shows of a trace, checked: which words, how aligned, in which colours.

    Raises ValueError that says what is allowed, TypeError for what is of another type.
    """

    def __init__(
        self,
        trace: Trace,
        align: str,
        edits: bool,
        colors: Mapping[Any, Any] | None,
        start: int | None,
        stop: int | None,
        legend: bool,
    ) -> None:
        if align not in ALIGNMENTS:
            raise ValueError(f"align must be one of {', '.join(map(repr, ALIGNMENTS))}, got {align!r}")
        self.align, self.edits, self.legend = align, edits, legend
        self.start = trace.first if start is None else integer(start, "start")
        self.stop = trace.steps + 1 if stop is None else integer(stop, "stop")
        if not trace.first <= self.start < self.stop <= trace.steps + 1:
            raise ValueError(
                f"start and stop must choose words from {trace.first} to {trace.steps}, "
                f"got start={self.start}, stop={self.stop}"
            )
        self.palette = Palette(trace, colors)


class Palette:
    """The colour of each letter: those given, and for the others one that depends on the rules alone.

    The letters of the rules take the colours in the order in which they first stand there; letters that only words
    have come after them, in the order of their codes.  Letters beyond the 14 colours are grey.
    """

    def __init__(self, trace: Trace, colors: Mapping[Any, Any] | None) -> None:
        from matplotlib.colors import to_rgb

        self._given = {_code(letter, trace): _colour(colour, letter) for letter, colour in (colors or {}).items()}
        base = [to_rgb(colour) for colour in _BASE]
        self._free = [*base, *(tuple(0.45 * part + 0.55 for part in colour) for colour in base)]
        self._order = letters_of_rules(trace.rules)
        self.other = to_rgb(_OTHER)

    def of(self, codes: list[int]) -> dict[int, tuple[float, ...]]:
        """The colours of letters by their codes, in their order; grey for those that have none of their own."""
        order = self._order + sorted(set(codes).difference(self._order))
        unknown = [code for code in order if code not in self._given]
        found = dict(zip(unknown, self._free, strict=False)) | self._given
        return {code: found.get(code, self.other) for code in order if code in codes}

    def is_other(self, colour: tuple[float, ...]) -> bool:
        """Whether this is the grey of letters without a colour of their own."""
        return colour == self.other


def integer(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    return int(value)


def _code(letter: Any, trace: Trace) -> int:
    if not isinstance(letter, type(trace.word)) or len(letter) != 1:
        kind = "str" if isinstance(trace.word, str) else "bytes"
        raise ValueError(f"colors: each key must be one letter, a {kind} of length 1; got {letter!r}")
    return ord(letter)


def _colour(colour: Any, letter: Any) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    try:
        return tuple(to_rgb(colour))
    except ValueError:
        raise ValueError(f"colors: {colour!r}, given for {letter!r}, is not a colour that matplotlib knows") from None
