"""The record of a run, replayed on demand."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _core
from markovlib.outcome import Outcome
from markovlib.rules import RunResult, Step, Strategy

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from markovlib.rules import RuleSet

Alignment = Literal["left", "center", "right"]

CHECKPOINT_BYTES = 2**24


class Trace(Sequence[Step]):
    """The steps of a run, oldest first; `RuleSet.trace` makes it.

    `t[i]` is a `Step` (rule, position, word after it), positions counting characters for text; `t.words()` goes
    through the words, the one before the first kept step included; `t.result` is what `RuleSet.run` gives, and
    `t.word`, `t.outcome`, `t.halted`, `t.steps` are its parts; `t.rules` and `t.strategy` are what was run.  With
    `last=k` only the k newest steps are kept and `t.first` is the number of the oldest of them, counted from 0.

    Stored are rule and position, 12 bytes a step.  Words are replayed, forwards or by undoing steps, from wherever
    the last question left off, from either end, or from checkpoints, of which at most 16 MiB are kept: stepping
    to a neighbour costs one edit, jumping costs the replay from the nearest known word.  Threads may share a trace.
    Traces are equal if they keep the same steps of the same run.
    A pickle holds rules, first word and result; the run is made again where it is read, and so it is for a copy.

    >>> from markovlib import RuleSet
    >>> t = RuleSet([("ba", "ab")]).trace("bba")
    >>> len(t), t[1], list(t.words())
    (2, Step(rule=0, position=0, word='abb'), ['bba', 'bab', 'abb'])
    """

    def __init__(
        self, rules: RuleSet, start: bytes, text: bool, log: _core.TraceLog, result: RunResult, strategy: Strategy
    ) -> None:
        self.rules = rules
        self.result = result
        self.strategy: Strategy = strategy
        self._start = start
        self._text = text
        self._log = log
        self._lock = threading.Lock()
        end = result.word.encode() if text else result.word
        self._known: dict[int, bytes] = {log.steps: end}
        if log.first == 0:
            self._known[0] = start
        self._replay: _core.Replay | None = None
        self._at = -1
        checkpoints = max(1, CHECKPOINT_BYTES // max(1, result.max_length_seen))
        self._stride = max(1024, log.steps // checkpoints + 1)

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, Trace) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Any, ...]:
        """All that the steps depend on, a run being determined by its rules and its first word until it ends."""
        return self.rules, self.strategy, self._start, self._text, self.first, self.steps, self.outcome

    @property
    def first(self) -> int:
        """The number of the oldest kept step, counted from 0."""
        return self._log.first

    @property
    def steps(self) -> int:
        """Steps of the run, kept or not."""
        return self._log.steps

    @property
    def word(self) -> Any:
        """The last word."""
        return self.result.word

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""
        return self.result.outcome

    @property
    def halted(self) -> bool:
        """Whether the algorithm came to its own end: a terminal rule fired, or no rule applies."""
        return self.outcome.halted

    def __len__(self) -> int:
        return self._log.steps - self._log.first

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = self._number(index)
        with self._lock:
            before, after = self._word_before(number), self._word_before(number + 1)
        rule, at = self._log.get(number)
        return Step(rule, len(before[:at].decode()) if self._text else at, self._decode(after))

    def _number(self, index: int) -> int:
        """The number of the step t[index]."""
        if not hasattr(index, "__index__"):
            raise TypeError(f"a trace is indexed by integers or slices, not {type(index).__name__}")
        kept = len(self)
        if not -kept <= index < kept:
            raise IndexError(f"step {index} of a trace that keeps {kept}")
        return self.first + int(index) % kept

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def before(self, index: int) -> Any:
        """The word before the step t[index].

        >>> from markovlib import RuleSet
        >>> RuleSet([("ba", "ab")]).trace("bba").before(1)
        'bab'
        """
        number = self._number(index)
        with self._lock:
            return self._decode(self._word_before(number))

    def words(self) -> Iterator[Any]:
        """Every word from the one before the first kept step to the last one; len(self) + 1 of them."""
        for number in range(self.first, self.steps + 1):
            with self._lock:
                data = self._word_before(number)
            yield self._decode(data)

    def arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Rule (uint32) and position in bytes (int64) of every kept step, oldest first: copies, O(steps).

        >>> from markovlib import RuleSet
        >>> rules, positions = RuleSet([("ba", "ab")]).trace("bba").arrays()
        >>> rules.tolist(), positions.tolist()
        ([0, 0], [1, 0])
        """
        return self._log.arrays()

    # -- seeing ------------------------------------------------------------------------------------------------------

    def text(
        self, *, first: int | None = None, last: int | None = None, width: int | None = None, color: bool = False
    ) -> str:
        """The run as lines of text: the number of each step, the word before it, and the rule that fires there.

        Steps and rules count from 1.  The match is marked by `^` on the line below and what the step before wrote by
        `~`; with `color`, by terminal colours instead.  Words are cut to a window around the match, so that no line
        of a step is longer than `width` columns (100); how many steps are left out, and how the run ended, is said in
        full.  `first` and `last` say how many steps are shown from either end; with
        neither, a run of more than 200 steps shows 100 and 100.  Letters that cannot be shown are escapes.

        Raises ValueError for counts below 0 or a width below 20.  O(shown steps × letters) time, after the replay.

        >>> from markovlib import RuleSet
        >>> print(RuleSet([("ba", "ab")]).trace("bba").text())
           1  bba  1: ba -> ab
               ^^
           2  bab  1: ba -> ab
              ^^~
           =  abb
              halted after 2 steps: no rule applies
        <BLANKLINE>
        """
        from markovlib.seeing.text import text

        return text(self, first, last, width, color)

    def plot(
        self,
        ax: Any = None,
        *,
        align: Alignment = "left",
        edits: bool = True,
        colors: Mapping[Any, Any] | None = None,
        start: int | None = None,
        stop: int | None = None,
        legend: bool = True,
    ) -> Any:
        """Draws the run as a space-time picture, steps down and letters across, on matplotlib axes, which it returns.

        `ax` None makes a figure through pyplot.  `align` puts the words at the left, in the center or at the right.
        `edits` marks what each step replaces: a frame, or darker letters where they are smaller than 5 pixels.
        `start` and `stop` choose words by their numbers, as slices do: word 0 is the first, word `steps` the last.

        A letter's colour depends on the rules alone: they are given out in the order in which letters first stand in
        the rules (7 colours of Okabe and Ito, then paler ones; the 15th letter and later ones are grey), and to
        letters that only words have after those.  `colors` maps letters to colours of matplotlib that they have
        instead.

        What has more words or letters than the axes have pixels is sampled: words at equal distances, the first and
        the last among them; of the letters, the one in the middle of those that share a column.  The axis labels say
        so.  Words are replayed one after another and not kept: O(steps + pixels + sampled words × letters) time.

        Raises ImportError without matplotlib (`pip install '.[plots]'`), ValueError for other options.

        >>> from markovlib import RuleSet
        >>> ax = RuleSet([("ba", "ab")]).trace("bbbaaa").plot(align="center")
        >>> ax.get_ylabel(), [text.get_text() for text in ax.get_legend().get_texts()]
        ('step', ['b', 'a', 'replaced next'])
        """
        from markovlib.seeing.picture import plot

        return plot(self, ax, align=align, edits=edits, colors=colors, start=start, stop=stop, legend=legend)

    def write_picture(
        self,
        path: str | os.PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        align: Alignment = "left",
        edits: bool = True,
        colors: Mapping[Any, Any] | None = None,
        start: int | None = None,
        stop: int | None = None,
        legend: bool = True,
    ) -> None:
        """Writes what `plot` draws as PNG or SVG, by the ending of the path; the file appears whole or not at all.

        `size` is (width, height) in pixels, 300 to 10,000; by default letters are squares of 24 pixels, or less where
        the picture would be larger than about 1,100 × 1,100.  The same trace gives the same file under one version
        of matplotlib, whatever its settings.

        Raises ValueError for another ending or options that `plot` refuses, OSError if the file cannot be written.
        """
        from markovlib.seeing.picture import write_picture

        write_picture(self, path, size, align=align, edits=edits, colors=colors, start=start, stop=stop, legend=legend)

    def html(self, title: str = "Trace") -> str:
        """The run as a page of HTML that steps through it: one file, which loads nothing.

        The page steps, jumps, plays and searches, by buttons and by keys; marks match and rule; follows the light
        or dark setting.  It holds rules, rule and position of each step, and some words, and replays the others in
        the browser.  Raises ValueError for more than 20,000,000 steps or words of more than 2**28 bytes.

        >>> from markovlib import RuleSet
        >>> page = RuleSet([("ba", "ab")]).trace("bba").html("Sorting")
        >>> "<title>Sorting</title>" in page, len(page) < 50_000
        (True, True)
        """
        from markovlib.seeing.page import page

        return page(self, title)

    def write_html(self, path: str | os.PathLike[str], title: str = "Trace") -> None:
        """Writes `html` to a file, which appears whole or not at all.  Raises OSError if it cannot be written."""
        from markovlib.files import save

        save(path, self.html(title).encode())

    def _repr_html_(self) -> str:
        from markovlib.seeing.notebook import trace_table

        return trace_table(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from markovlib.seeing.lines import blocks
        from markovlib.seeing.text import NARROWEST, TextView

        color = console.color_system is not None and not console.no_color
        view = TextView(self.rules, width=max(NARROWEST, options.max_width), color=color)
        yield from view.lines(self, blocks(self, None, None))

    # -- replay ------------------------------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> Any:
        return data.decode() if self._text else data

    def _word_before(self, number: int) -> bytes:
        """The word before step `number`; under the lock."""
        if number in self._known:
            return self._known[number]
        if self._replay is None or abs(self._at - number) > self._stride:
            nearest = min(self._known, key=lambda known: abs(known - number))
            if self._replay is None or abs(self._at - number) > abs(nearest - number):
                self._replay = _core.Replay(self.rules._compiled, self._known[nearest])
                self._at = nearest
        self._move(number)
        return self._replay.word

    def _move(self, number: int) -> None:
        """Moves the replay, leaving checkpoints at the multiples of the stride that it crosses."""
        replay, self._replay = self._replay, None  # a replay that fails halfway is of no further use
        assert replay is not None
        while self._at != number:
            if self._at < number:
                stop = min(number, (self._at // self._stride + 1) * self._stride)
            else:
                stop = max(number, (self._at - 1) // self._stride * self._stride)
            replay.move(self._log, self._at, stop)
            self._at = stop
            if stop % self._stride == 0:
                self._known.setdefault(stop, replay.word)
        self._replay = replay

    def __reduce__(self) -> tuple[Any, ...]:
        kept = len(self) if self.first else None
        return _run_again, (self.rules, self._start, self._text, kept, self.result, self.strategy)

    def __repr__(self) -> str:
        kept = "" if self.first == 0 else f"the last {len(self)} of "
        return f"<Trace of {kept}{self.steps} step{'s' * (self.steps != 1)}: {self.outcome.name}>"


def _run_again(
    rules: RuleSet, start: bytes, text: bool, kept: int | None, result: RunResult, strategy: Strategy
) -> Trace:
    """The trace of a run whose result is known."""
    log = _core.TraceLog(kept)
    run = _core.Run(rules._compiled, start, log, result.steps, None, False, strategy, "auto")
    run.step(None)
    return Trace(rules, start, text, log, result, strategy)
