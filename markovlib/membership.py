"""Which strata of a rule space many rules belong to, told together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib.rulelists import RuleList

if TYPE_CHECKING:
    from markovlib.families import Part
    from markovlib.spaces import RuleSpace


def strata_of(space: RuleSpace | RuleList, patterns: Sequence[Any], replacements: Sequence[Any]) -> NDArray[np.int64]:
    """The number of the stratum of each rule, as `space.stratum` gives it; -1 for a rule that is of none.

    All rules of the same lengths are looked at together: O(letters) for each form that strings of their lengths have.

    >>> from markovlib.spaces import Family, RuleSpace
    >>> space = RuleSpace("ab", [Family("repeated", (2, 2)), Family("uniform")], 4, 2)
    >>> strata_of(space, ["aabb", "abab", "aabb"], ["bb", "ab", "ab"]).tolist(), space.stratum(("abab", "ab"))
    ([0, 1, -1], 1)
    """
    if isinstance(space, RuleList):
        return np.array([0 if rule in space else -1 for rule in zip(patterns, replacements, strict=True)], np.int64)
    numbers = {id(part): number for number, part in enumerate(space._parts.values())}
    table = np.full((len(numbers) + 1, len(numbers) + 1), -1, np.int64)
    for stratum, sides in enumerate(space._sides):
        table[numbers[id(sides[0])], numbers[id(sides[1])]] = stratum
    found: NDArray[np.int64] = table[_parts_of(space, patterns), _parts_of(space, replacements)]
    return found


def _parts_of(space: RuleSpace, strings: Sequence[Any]) -> NDArray[np.int64]:
    """The number of the part space that each string is in, in the order of `space._parts`; -1 for none."""
    found = np.full(len(strings), -1, np.int64)
    lengths = np.array([len(string) for string in strings], np.int64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        letters = _matrix([strings[row] for row in rows.tolist()], length)
        for number, part in _of_length(space, length):
            left = np.flatnonzero(found[rows] < 0)
            found[rows[left[_has_form(part, letters[left])]]] = number
    return found


def _of_length(space: RuleSpace, length: int) -> Iterator[tuple[int, Part]]:
    """The part spaces of a length; a string of several forms is in the first."""
    return ((number, part) for number, part in enumerate(space._parts.values()) if part.length == length)


def _matrix(strings: list[Any], length: int) -> NDArray[Any]:
    """Strings of one length as rows of letters."""
    if not length:
        return np.zeros((len(strings), 0), np.uint8)
    kind, letter = ("U", np.uint32) if isinstance(strings[0], str) else ("S", np.uint8)
    return np.array(strings, f"{kind}{length}").view(letter).reshape(len(strings), length)


def _has_form(part: Part, letters: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each row repeats its free letters as the form does."""
    _, first = np.unique(part.source, return_index=True)
    repeats: NDArray[np.bool_] = (letters == letters[:, first[part.source]]).all(axis=1)
    return repeats
