"""The record of a run, replayed on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from markovlib import _core
from markovlib.outcome import Outcome
from markovlib.rules import RunResult, Step

if TYPE_CHECKING:
    from markovlib.rules import RuleSet

CHECKPOINT_BYTES = 2**24


class Trace(Sequence[Step]):
    """The steps of a run, oldest first; `RuleSet.trace` makes it.

    `t[i]` is a `Step` (rule, position, word after it), positions counting characters for text; `t.words()` goes
    through the words, the one before the first kept step included; `t.result` is what `RuleSet.run` gives, and
    `t.word`, `t.outcome`, `t.steps` are its parts.  With `last=k` only the k newest steps are kept and `t.first` is the
    number of the oldest of them, counted from 0.

    Stored are rule and position, 12 bytes a step.  Words are replayed, forwards or by undoing steps, from wherever
    the last question left off, from either end, or from checkpoints, of which at most 16 MiB are kept: stepping
    to a neighbour costs one edit, jumping costs the replay from the nearest known word.  Threads may share a trace.

    >>> from markovlib import RuleSet
    >>> t = RuleSet([("ba", "ab")]).trace("bba")
    >>> len(t), t[1], list(t.words())
    (2, Step(rule=0, position=0, word='abb'), ['bba', 'bab', 'abb'])
    """

    def __init__(self, rules: RuleSet, start: bytes, text: bool, log: _core.TraceLog, result: RunResult) -> None:
        self.rules = rules
        self.result = result
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

    def __len__(self) -> int:
        return self._log.steps - self._log.first

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        kept = len(self)
        if not -kept <= index < kept:
            raise IndexError(f"step {index} of a trace that keeps {kept}")
        number = self.first + index % kept
        with self._lock:
            before, after = self._word_before(number), self._word_before(number + 1)
        rule, at = self._log.get(number)
        return Step(rule, len(before[:at].decode()) if self._text else at, self._decode(after))

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def before(self, index: int) -> Any:
        """The word before the step t[index].

        >>> from markovlib import RuleSet
        >>> RuleSet([("ba", "ab")]).trace("bba").before(1)
        'bab'
        """
        kept = len(self)
        if not -kept <= index < kept:
            raise IndexError(f"step {index} of a trace that keeps {kept}")
        with self._lock:
            return self._decode(self._word_before(self.first + index % kept))

    def words(self) -> Iterator[Any]:
        """Every word from the one before the first kept step to the last one; len(self) + 1 of them."""
        for number in range(self.first, self.steps + 1):
            with self._lock:
                data = self._word_before(number)
            yield self._decode(data)

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

    def __repr__(self) -> str:
        kept = f"{len(self)} steps" if self.first == 0 else f"the last {len(self)} of {self.steps} steps"
        return f"<Trace of {kept}: {self.outcome.name}>"
