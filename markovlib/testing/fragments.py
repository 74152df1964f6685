"""Pieces of rules' sides: words glued from them match often, and nearly match as often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markovlib.analysis.plain import PlainRule


def pieces(rules: Sequence[PlainRule], letters: str, *, near_misses: bool = True) -> list[str]:
    """The letters, and then of each rule: its sides, parts of them, and near misses of its pattern.

    Parts are a side without its first or last letter, and its halves.  Near misses are the pattern with one letter
    changed, at either end and in the middle, and the pattern overlapping itself.  Every rule has as many pieces, so
    that a piece keeps its number while its rule shrinks; a part that would be empty is the whole side.

    >>> pieces([PlainRule("aba", "", False)], "ab")
    ['a', 'b', 'aba', '', 'ba', 'ab', 'a', 'ba', '', '', 'bba', 'aaa', 'abb', 'ababa']
    """
    found = list(letters)
    for pattern, replacement, _ in rules:
        found += [pattern, replacement, *_parts(pattern), *_parts(replacement)[:2]]
        if near_misses:
            found += [*_changed(pattern, letters), _overlapping(pattern)]
    return found


def _parts(side: str) -> list[str]:
    middle = len(side) // 2
    return [part or side for part in (side[1:], side[:-1], side[:middle], side[middle:])]


def _changed(pattern: str, letters: str) -> Iterator[str]:
    for at in (0, len(pattern) // 2, len(pattern) - 1):
        other = next((letter for letter in letters if letter != pattern[at : at + 1]), "")
        yield pattern[:at] + other + pattern[at + 1 :] if pattern else other


def _overlapping(pattern: str) -> str:
    """Two occurrences, as close as they can be."""
    period = next((at for at in range(1, len(pattern)) if pattern.startswith(pattern[at:])), len(pattern))
    return pattern[:period] + pattern
