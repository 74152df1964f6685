"""A trace as lines of text: one a step, the match marked, the rule beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from markovlib._core import limit_of
from markovlib.seeing.lines import CARET, Gap, Line, blocks, ending, letters, pieces, shown_lines

if TYPE_CHECKING:
    from markovlib.rules import RuleSet
    from markovlib.trace import Trace

WIDTH = 100
NARROWEST = 20
LEAST = 6  # columns of a word, however long the rules are
MATCH, PLACE, WRITTEN = "bold black on yellow", "bold yellow", "underline green"
DIM, RULE, TERMINAL, HALTED, STOPPED = "dim", "cyan", "bold magenta", "green", "yellow"


class TextView:
    """How traces of one rule set are shown: steps in at most `width` columns, marks in colour or on lines below.

    Lines below have `^` under the match and, with `written`, `~` under what the step before put in.
    """

    def __init__(self, rules: RuleSet, *, width: int, color: bool, written: bool = True) -> None:
        self.color, self.width, self.written = color, width, written
        self.labels = [rule_label(i, rule) for i, rule in enumerate(rules)]

    def lines(self, trace: Trace, chosen: list[range], limits: tuple[str, str] | None = None) -> Iterator[Text]:
        """The chosen steps, the last word and how the run ended; `limits` are the options that raise the limits."""
        digits = max(4, len(f"{trace.steps:,}"))
        free = self.width - digits - 3
        widest = max((cell_len(label.plain) for label in self.labels), default=0)
        labels = min(widest, self.width // 2, max(1, free - LEAST))
        room = max(LEAST, free - labels - 1)
        shown = shown_lines(trace, chosen)
        # The words' column is as wide as the widest of the first lines, so that short words keep their rules near.
        sample = list(islice(shown, SAMPLE))
        words = (marked(line, free, False, caret="") for line in sample if isinstance(line, Line))
        column = min(room, max((cell_len(word.plain) for word in words), default=0) + 1)
        for line in chain(sample, shown):
            if isinstance(line, Gap):
                yield Text(f"{'':>{digits}}  ... {line} ...", style=DIM)
            else:
                yield from self._step(line, digits, column, room, labels)
        yield self._last_word(trace, digits)
        yield Text(f"{'':>{digits}}  {ending(trace, limits)}", style=HALTED if trace.result.halted else STOPPED)

    def _last_word(self, trace: Trace, digits: int) -> Text:
        room = max(LEAST, self.width - digits - 2)
        part = trace.word[: 4 * room]
        end = cut(Text(letters(part), "bold"), 0, 0, room, False, len(part) < len(trace.word))
        return Text.assemble((" " * (digits - 1) + "=", DIM), "  ", end)

    def _step(self, line: Line, digits: int, column: int, room: int, labels: int) -> Iterator[Text]:
        shown = marked(line, room, self.written)
        pad = " " * max(1, column - cell_len(shown.plain) + 1)
        number = f"{line.number:>{digits},}"
        label = self.labels[line.rule]
        if cell_len(label.plain) > labels:
            label = label.copy()
            label.truncate(labels, overflow="ellipsis")
        yield Text.assemble((number, DIM), "  ", shown, pad, label)
        if not self.color:
            below = marks_below(shown)
            if below:
                yield Text(" " * (digits + 2) + below)


SAMPLE = 200
"""Lines that are looked at to find the width of the column of words."""


def rule_label(i: int, rule: Any) -> Text:
    """`3: ab -> ba`, counted from 1, terminal rules with their dot."""
    arrow = (" ->. ", TERMINAL) if rule.terminal else (" -> ", DIM)
    sides = [(letters(side) or '""', RULE) for side in (rule.pattern, rule.replacement)]
    return Text.assemble((f"{i + 1}: ", DIM), sides[0], arrow, sides[1])


def marked(line: Line, width: int, written: bool, caret: str = CARET) -> Text:
    """At most `width` characters of the line's word around the match; what is left out is `…`.

    Styled are the match and, with `written`, what the step before wrote.
    """
    low, high = max(0, line.match[0] - 4 * width), min(len(line.before), line.match[1] + 4 * width)
    shown, start, end = Text(), 0, 0
    for piece in pieces(line, low, high):
        at = len(shown)
        shown.append(piece.letters or caret)
        if piece.written and written:
            shown.stylize(WRITTEN, at)
        if piece.match:
            shown.stylize(PLACE if line.match[0] == line.match[1] else MATCH, at)
            start, end = (start if end else at), len(shown)
    return cut(shown, start, end, width, low > 0, high < len(line.before))


def marks_below(shown: Text) -> str:
    """Signs for the line below a word that has no colour: `^` for the match, `~` for what was written."""
    signs = [" "] * len(shown.plain)
    for style, sign in ((WRITTEN, "~"), (MATCH, "^"), (PLACE, "^")):
        for span in shown.spans:
            if span.style == style:
                signs[span.start : span.end] = sign * (min(span.end, len(signs)) - span.start)
    edges = _edges(shown.plain)
    columns = [" "] * max(1, edges[-1])
    for sign, (start, end) in zip(signs, pairwise(edges), strict=True):
        if sign != " ":
            start = max(0, min(start, end - 1))  # what has no column of its own, an accent, is marked below its letter
            end = max(end, start + 1)
            columns[start:end] = sign * (end - start)
    return "".join(columns).rstrip()


def _edges(text: str) -> list[int]:
    """Where each letter begins, in columns of a terminal, and where the last one ends."""
    return list(range(len(text) + 1)) if text.isascii() else [cell_len(text[:i]) for i in range(len(text) + 1)]


def cut(word: Text, start: int, end: int, width: int, more_left: bool = False, more_right: bool = False) -> Text:
    """At most `width` columns around the letters [start, end), which stay in sight."""
    letters = width
    while True:
        shown = _cut(word, start, end, letters, more_left, more_right)
        over = cell_len(shown.plain) - width
        if over <= 0 or letters <= 3:
            return shown
        letters = max(3, letters - max(1, over // 2))  # some letters take two columns


def _cut(word: Text, start: int, end: int, width: int, more_left: bool, more_right: bool) -> Text:
    low = max(0, min((start + end - width) // 2, len(word) - width, start - 1)) if len(word) > width else 0
    high = min(len(word), low + width)
    more_left, more_right = more_left or low > 0, more_right or high < len(word)
    inner = word[low + (low > 0) : high - (high < len(word))] if more_left or more_right else word
    return Text.assemble(("…", DIM) if more_left else "", inner, ("…", DIM) if more_right else "")


def text(trace: Trace, first: int | None, last: int | None, width: int | None, color: bool) -> str:
    """What `Trace.text` gives."""
    limit_of(width, "width", NARROWEST)
    view = TextView(trace.rules, width=width or WIDTH, color=color)
    out = io.StringIO()
    printer = console(out, view)
    for line in view.lines(trace, blocks(trace, first, last)):
        printer.print(line)
    return out.getvalue()


def console(file: Any, view: TextView) -> Console:
    """Prints the lines of a view.  They are cut to its width; rich must not cut or wrap them again."""
    system = "standard" if view.color else None
    return Console(
        file=file,
        force_terminal=view.color,
        color_system=system,  # type: ignore[arg-type]
        no_color=not view.color,
        width=view.width + 200,
        soft_wrap=True,
        highlight=False,
        emoji=False,
        markup=False,
    )
