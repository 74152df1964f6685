"""Pieces of rules' sides: words glued from them match often, and nearly match as often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markovlib.analysis.plain import PlainRule


def pieces(rules: Sequence[PlainRule], letters: str, *, near_misses: bool = True) -> list[str]:
    """The letters, and of the rules' sides all that is listed below, shortest first, each once.

    Every side, and it without its first and last letter, and its halves; with `near_misses`, every pattern with one
    letter changed, one at each end and one in the middle, and every pattern overlapping itself.

    >>> pieces([PlainRule("aba", "", False)], "ab")
    ['a', 'b', 'ab', 'ba', 'aba', 'aaa', 'abb', 'bba', 'ababa']
    """
    found = dict.fromkeys(letters)
    for rule in rules:
        found.update(dict.fromkeys(_parts(rule.pattern)))
        found.update(dict.fromkeys(_parts(rule.replacement)))
        if near_misses:
            found.update(dict.fromkeys(_changed(rule.pattern, letters)))
            found.update(dict.fromkeys(_overlapping(rule.pattern)))
    return sorted(filter(None, found), key=len)


def _parts(side: str) -> Iterable[str]:
    middle = len(side) // 2
    return side, side[1:], side[:-1], side[:middle], side[middle:]


def _changed(pattern: str, letters: str) -> Iterator[str]:
    if len(pattern) < 2:
        return
    for at in sorted({0, len(pattern) // 2, len(pattern) - 1}):
        other = next((letter for letter in letters if letter != pattern[at]), None)
        if other is not None:
            yield pattern[:at] + other + pattern[at + 1 :]


def _overlapping(pattern: str) -> Iterator[str]:
    for at in range(1, len(pattern)):
        if pattern.startswith(pattern[at:]):
            yield pattern[:at] + pattern
            return
