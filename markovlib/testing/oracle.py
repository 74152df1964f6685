"""The semantics of the library in plain Python, so simple that it is unlikely to be wrong.

Rules are (pattern, replacement, terminal) triples, or pairs, which are not terminal, all str or all bytes; lengths
count bytes, positions count letters of the word as it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from markovlib.rules import RuleSet

Rules: TypeAlias = "RuleSet | Sequence[tuple[Any, Any] | tuple[Any, Any, bool]]"


class OracleRun(NamedTuple):
    word: Any
    outcome: int
    steps: int
    cycle: tuple[int, int] | None
    trace: list[tuple[int, int, Any]]  # rule, position, word after the step


def find(rules: Rules, word: Any, strategy: str = "markov") -> tuple[int, int] | None:
    """The (rule, position) that fires: the first that occurs, or the one that occurs leftmost."""
    places = [(i, word.find(pattern)) for i, (pattern, *_) in enumerate(rules) if pattern in word]
    if strategy == "leftmost":
        places.sort(key=lambda place: place[1])  # a stable sort: ties stay in rule order
    return places[0] if places else None


def size(word: Any) -> int:
    return len(word.encode()) if isinstance(word, str) else len(word)


def run(
    rules: Rules,
    word: Any,
    max_steps: int | None = 1_000_000,
    max_length: int | None = 2**28,
    detect_cycles: bool = False,
    strategy: str = "markov",
) -> OracleRun:
    words: list[Any] = [word]
    trace: list[tuple[int, int, Any]] = []
    while True:
        steps = len(trace)
        place = find(rules, word, strategy)
        if place is None:
            return OracleRun(word, 2, steps, None, trace)
        if max_steps is not None and steps >= max_steps:
            return OracleRun(word, 3, steps, None, trace)
        pattern, replacement, terminal = (*rules[place[0]], False)[:3]
        result = word[: place[1]] + replacement + word[place[1] + len(pattern) :]
        if max_length is not None and size(result) > max_length:
            return OracleRun(word, 4, steps, None, trace)
        word, steps = result, steps + 1
        words.append(word)
        trace.append((*place, word))
        if terminal:
            return OracleRun(word, 1, steps, None, trace)
        earlier = 1 << ((steps - 1).bit_length() - 1) if steps > 1 else 0
        if detect_cycles and word == words[earlier]:
            period = steps - earlier
            start = next(i for i in range(steps) if words[i] == words[i + period])
            return OracleRun(word, 5, steps, (start, period), trace)
