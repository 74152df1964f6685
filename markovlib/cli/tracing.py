"""A trace as lines for people: one a step, the match marked, the rule beside it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from markovlib.cli.rules import outcome_sentence, word_json
from markovlib.rules import RuleSet
from markovlib.trace import Trace

SHOWN_ON_TERMINAL = 200
PIPE_WIDTH = 10_000
MATCH, GAP, DIM, RULE, TERMINAL = "bold black on yellow", "bold yellow", "dim", "cyan", "bold magenta"
CARET = "‸"  # marks the place where an empty pattern matches


class TraceView:
    """How traces of one rule set are shown: which steps, how wide, in colour or not."""

    def __init__(
        self,
        rules: RuleSet,
        *,
        first: int | None = None,
        last: int | None = None,
        show_all: bool = False,
        width: int | None = None,
        color: bool | None = None,
    ) -> None:
        terminal = sys.stdout.isatty()
        self.first, self.last = first, last
        if terminal and not show_all and first is None and last is None:
            self.first = self.last = SHOWN_ON_TERMINAL // 2
        self.color = terminal if color is None else color
        self.width = width or (shutil.get_terminal_size().columns if terminal else PIPE_WIDTH)
        # Lines are cut to the width before rich sees them; it must not cut or wrap them again.
        self.console = Console(
            force_terminal=self.color, no_color=not self.color, width=self.width + 200, soft_wrap=True, highlight=False
        )
        self.labels = [rule_label(i, rule) for i, rule in enumerate(rules)]
        self.lengths = [len(rule.pattern) for rule in rules]

    def chosen(self, trace: Trace) -> Iterator[tuple[int, Any, Any]]:
        """(step number, word before, step) of the steps to show; (number of steps left out, None, None) for a gap."""
        count = trace.steps
        everything = self.first is None and self.last is None
        head = count if everything else min(self.first or 0, count)
        tail = max(head, count - (self.last or 0))
        for number in range(head):
            yield self._one(trace, number)
        if tail > head:
            yield tail - head, None, None
        for number in range(tail, count):
            yield self._one(trace, number)

    @staticmethod
    def _one(trace: Trace, number: int) -> tuple[int, Any, Any]:
        index = number - trace.first
        return number + 1, trace.before(index), trace[index]

    def objects(self, trace: Trace) -> Iterator[str]:
        """One JSON object a step, then one for the end."""
        for number, before, step in self.chosen(trace):
            if step is not None:
                line = {"step": number, "rule": step.rule, "position": step.position, **word_json("before", before)}
                yield json.dumps({**line, **word_json("word", step.word)}, ensure_ascii=False)
        end = {"outcome": trace.outcome.name.lower(), "steps": trace.steps, **word_json("word", trace.word)}
        yield json.dumps(end, ensure_ascii=False)

    def show(self, trace: Trace) -> None:
        """Prints the chosen steps, the last word and how the run ended."""
        digits = max(4, len(f"{trace.steps:,}"))
        label_width = min(max((cell_len(label.plain) for label in self.labels), default=0), self.width // 2)
        room = max(12, self.width - digits - label_width - 4)
        # The words' column is as wide as the widest of the first lines, so that short words keep their rules near.
        sample = islice((before for _, before, step in self.chosen(trace) if step is not None), 200)
        column = min(room, max((cell_len(_plain(word[: 4 * room])) for word in sample), default=0) + 1)
        for number, before, step in self.chosen(trace):
            if step is None:
                self.console.print(f"{'':>{digits}}  ... {number:,} steps left out ...", style=DIM)
                continue
            self._step(f"{number:>{digits},}", before, step, column)
        end = cut(Text.assemble((_plain(trace.word), "bold")), 0, 0, max(12, self.width - digits - 2))
        self.console.print(Text.assemble((" " * (digits - 1) + "=", DIM), "  ", end))
        style = "green" if trace.result.halted else "yellow"
        self.console.print(f"{'':>{digits}}  {outcome_sentence(trace.result)}", style=style)

    def _step(self, number: str, before: Any, step: Any, column: int) -> None:
        shown = marked(before, step.position, self.lengths[step.rule], column)
        pad = " " * max(1, column - cell_len(shown.plain) + 1)
        self.console.print(Text.assemble((number, DIM), "  ", shown, pad, self.labels[step.rule]))
        if not self.color:
            self._underline(len(number), shown)

    def _underline(self, indent: int, shown: Text) -> None:
        """Without colour, the match is marked by a line of signs below it."""
        span = next((s for s in shown.spans if s.style in (MATCH, GAP)), None)
        if span is not None:
            before, match = shown.plain[: span.start], shown.plain[span.start : span.end]
            self.console.print(" " * (indent + 2 + cell_len(before)) + "^" * max(1, cell_len(match)))


def rule_label(i: int, rule: Any) -> Text:
    """`3: ab -> ba`, counted from 1, terminal rules with their dot."""
    arrow = (" ->. ", TERMINAL) if rule.terminal else (" -> ", DIM)
    sides = [(_plain(side) or '""', RULE) for side in (rule.pattern, rule.replacement)]
    return Text.assemble((f"{i + 1}: ", DIM), sides[0], arrow, sides[1])


def marked(word: Any, position: int, length: int, width: int) -> Text:
    """At most `width` characters of the word around the match, which is styled; what is left out is `…`."""
    low, high = max(0, position - 4 * width), position + length + 4 * width
    match = _plain(word[position : position + length])
    left, right = _plain(word[low:position]), _plain(word[position + length : high])
    shown = Text.assemble(left, (match or CARET, MATCH if match else GAP), right)
    start, end = len(left), len(left) + len(match or CARET)
    return cut(shown, start, end, width, low > 0, high < len(word))


def cut(word: Text, start: int, end: int, width: int, more_left: bool = False, more_right: bool = False) -> Text:
    """At most `width` characters around [start, end), which stays in sight."""
    low = max(0, min((start + end - width) // 2, len(word) - width, start - 1)) if len(word) > width else 0
    high = min(len(word), low + width)
    more_left, more_right = more_left or low > 0, more_right or high < len(word)
    inner = word[low + (low > 0) : high - (high < len(word))] if more_left or more_right else word
    return Text.assemble(("…", DIM) if more_left else "", inner, ("…", DIM) if more_right else "")


def _plain(word: Any) -> str:
    """The word in letters that a terminal can show, the others as escapes."""
    text = word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else word
    if text.isprintable():
        return str(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
