"""What all forms of a trace share: which steps are shown, how letters look, what is in sight of a long word."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from markovlib._core import limit_of
from markovlib.wording import counted

if TYPE_CHECKING:
    from markovlib.rules import RunResult
    from markovlib.trace import Trace

SHOWN = 200
"""Steps that are shown where nobody says how many."""

CARET = "‸"
"""Marks the place where an empty pattern matches."""


class Line(NamedTuple):
    """One step to show: its number from 1, the word before it, the match, and what the step before it wrote.

    `match` and `written` are half-open spans of `before`, in characters for text; `written` is None for the first
    kept step, and empty after a rule that erases.
    """

    number: int
    before: Any
    rule: int
    match: tuple[int, int]
    written: tuple[int, int] | None


class Gap(NamedTuple):
    """So many steps that are not shown."""

    steps: int

    def __str__(self) -> str:
        return f"{counted(self.steps, 'step')} left out"


class Piece(NamedTuple):
    """Some letters of a word, all in the match or none, all written by the step before or none."""

    letters: str
    match: bool
    written: bool


def letters(word: Any) -> str:
    r"""The word in letters that can be shown, the others as escapes: bytes that are not UTF-8, controls, formats.

    >>> letters("a\n"), letters(b"\xffa"), letters("\u202eא")
    ('a\\n', '\\xffa', '\\u202eא')
    """
    text = word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else word
    if text.isprintable():
        return str(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def pieces(line: Line, low: int, high: int) -> list[Piece]:
    """The letters [low, high) of the line's word, cut where a mark begins or ends.

    A match of an empty pattern is a piece of its own, without letters: `CARET` may stand for it.
    """
    match, written = line.match, line.written or (low, low)
    cuts = sorted({low, high, *(min(max(edge, low), high) for edge in (*match, *written))})
    found = []
    for start, end in pairwise(cuts):
        inside = [start >= span[0] and end <= span[1] for span in (match, written)]
        found.append(Piece(letters(line.before[start:end]), *inside))
    if match[0] == match[1]:
        found.insert(cuts.index(match[0]), Piece("", True, False))
    return found


def blocks(trace: Trace, first: int | None, last: int | None) -> list[range]:
    """Numbers, from 0, of the steps to show: the first and the last so many; with neither, all or 100 and 100.

    Steps that the trace does not keep are never among them.
    """
    limit_of(first, "first")
    limit_of(last, "last")
    begin, end = trace.first, trace.steps
    if first is None and last is None:
        first = last = SHOWN // 2
    head = min(begin + (first or 0), end)
    tail = max(head, end - (last or 0))
    if head == tail:
        return [range(begin, end)]
    return [range(begin, head), range(tail, end)]


def shown_lines(trace: Trace, chosen: list[range]) -> Iterator[Line | Gap]:
    """The lines of the chosen steps, with gaps between them."""
    done = 0
    for block in chosen:
        if block.start > done:
            yield Gap(block.start - done)
        yield from _lines(trace, block)
        done = block.stop
    if done < trace.steps:
        yield Gap(trace.steps - done)


def _lines(trace: Trace, block: range) -> Iterator[Line]:
    rules = trace.rules
    written = last_written(trace, block.start)
    for number in block:
        index = number - trace.first
        before, step = trace.before(index), trace[index]
        rule = rules[step.rule]
        yield Line(number + 1, before, step.rule, (step.position, step.position + len(rule.pattern)), written)
        written = (step.position, step.position + len(rule.replacement))


def last_written(trace: Trace, number: int) -> tuple[int, int] | None:
    """Where the step before step `number` (from 0) wrote; None where no such step is kept."""
    if number <= trace.first:
        return None
    step = trace[number - 1 - trace.first]
    return step.position, step.position + len(trace.rules[step.rule].replacement)


def outcome_sentence(result: RunResult, options: tuple[str, str] = ("max_steps", "max_length")) -> str:
    """How the run ended, for people; `options` are what the two limits are called where they read it."""
    steps = counted(result.steps, "step")
    if result.cycle:
        return f"cycle: after {steps} the word of step {result.cycle[0]:,} came back; period {result.cycle[1]:,}"
    return {
        "TERMINAL_RULE": f"halted after {steps}: a terminal rule fired",
        "NO_RULE_APPLIES": f"halted after {steps}: no rule applies",
        "STEP_LIMIT": f"stopped at the step limit after {steps} ({options[0]} raises it)",
        "LENGTH_LIMIT": f"stopped at the length limit after {steps} ({options[1]} raises it)",
    }[result.outcome.name]


def ending(trace: Trace, options: tuple[str, str] | None = None) -> str:
    """How the run ended, and which occurrence fired at each step, unless that was the usual one."""
    sentence = outcome_sentence(trace.result, *([options] if options else []))
    return sentence if trace.strategy == "markov" else f"{sentence}; strategy {trace.strategy}"
