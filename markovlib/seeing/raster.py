"""A trace as a grid of letters: a row for a word, sampled down to so many rows and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from markovlib.rules import RuleSet
    from markovlib.trace import Trace

NOTHING = 0xFFFFFFFF
"""The code of a cell outside of its word; no letter has it."""

ALIGNMENTS = ("left", "center", "right")


class Raster(NamedTuple):
    """Words number `numbers` (of the run, from 0) of a trace, each a row of `cells`.

    `cells` (uint32, rows × columns) holds code points, byte values for bytes, or `NOTHING`.  `edits` (int64,
    rows × 2) are half-open spans of columns: what the next step replaces, (-1, -1) after the last step.  `words` and
    `width` say what was sampled: how many words, and how many letters the longest of them has.
    """

    numbers: NDArray[np.int64]
    cells: NDArray[np.uint32]
    edits: NDArray[np.int64]
    words: int
    width: int


def rasterize(trace: Trace, start: int, stop: int, rows: int, columns: int, align: str) -> Raster:
    """The words [start, stop) of the run in at most so many rows and columns.

    Rows are words at equal distances, the first and the last among them.  Where the longest word has more letters
    than there are columns, a column shows the letter in the middle of those it stands for.  The words are replayed
    one after another: O(steps + rows × letters) time, memory for the cells, the step lengths and one word.
    """
    widest = int(lengths(trace, start, stop).max())
    numbers = np.unique(np.linspace(start, stop - 1, min(rows, stop - start)).round().astype(np.int64))
    width = max(1, widest)
    columns = min(columns, width)
    cells = np.full((len(numbers), columns), NOTHING, np.uint32)
    edits = np.full((len(numbers), 2), -1, np.int64)
    middles = ((np.arange(columns) + 0.5) * width / columns).astype(np.int64)
    for row, number in enumerate(numbers.tolist()):
        codes = codes_of(word_at(trace, number))
        offset = {"left": 0, "center": (width - len(codes)) // 2, "right": width - len(codes)}[align]
        places = middles - offset
        inside = (places >= 0) & (places < len(codes))
        cells[row, inside] = codes[places[inside]]
        if number < trace.steps:
            edits[row] = _edit_columns(trace, number, offset, columns / width, columns)
    return Raster(numbers, cells, edits, stop - start, widest)


def _edit_columns(trace: Trace, number: int, offset: int, scale: float, columns: int) -> tuple[int, int]:
    step = trace[number - trace.first]
    low = offset + step.position
    high = low + len(trace.rules[step.rule].pattern)
    if low == high:
        return int(low * scale), int(low * scale)
    first = min(int(low * scale), columns - 1)
    return first, max(first + 1, int(np.ceil(high * scale)))


def lengths(trace: Trace, start: int, stop: int) -> NDArray[np.int64]:
    """Letters of the words [start, stop) of the run, computed from the rules that fired: int64."""
    rules, _ = trace.arrays()
    change = np.array([len(rule.replacement) - len(rule.pattern) for rule in trace.rules], np.int64)
    begin = start - trace.first
    found = np.empty(stop - start, np.int64)
    found[0] = len(word_at(trace, start))
    np.cumsum(change[rules[begin : begin + stop - start - 1]], out=found[1:])
    found[1:] += found[0]
    return found


def word_at(trace: Trace, number: int) -> Any:
    """Word number `number` of the run; number `trace.steps` is the last one."""
    return trace.word if number == trace.steps else trace.before(number - trace.first)


def codes_of(word: Any) -> NDArray[Any]:
    """Code points of text (uint32), or the values of bytes (uint8)."""
    if isinstance(word, str):
        return np.frombuffer(word.encode("utf-32-le"), "<u4")
    return np.frombuffer(word, np.uint8)


def letters_of_rules(rules: RuleSet) -> list[int]:
    """Codes of the letters in the rules, in the order in which they first stand there."""
    seen: dict[int, None] = {}
    for rule in rules:
        for side in (rule.pattern, rule.replacement):
            seen.update(dict.fromkeys(codes_of(side).tolist()))
    return list(seen)
