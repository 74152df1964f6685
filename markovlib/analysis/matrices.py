"""Matrix interpretations of small dimension: all small ones where they are few, else a fixed sample of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from markovlib.analysis.measures import Matrices
from markovlib.analysis.plain import PlainRule, letters_of

_MOST = 12_000
_LONGEST = 16  # of a side, so that products stay far below 2^63
Stack = NDArray[np.int64]


def find_matrices(rules: Sequence[PlainRule], dimensions: Sequence[int] = (1, 2, 3)) -> Matrices | None:
    """Matrices under which no rule makes a word larger and some make it smaller, as many as were found; or None.

    What is returned has been compared in whole numbers of any size.  O(candidates * letters of the rules).

    >>> found = find_matrices([PlainRule("ab", "bba", False)])
    >>> found.falls(PlainRule("ab", "bba", False)), found.is_sound()
    (True, True)
    """
    letters = letters_of(rules)
    if not 1 <= len(letters) <= 8 or any(len(side) > _LONGEST for rule in rules for side in rule[:2]):
        return None
    for dimension in dimensions:
        stacks = dict(zip(letters, candidates(dimension, len(letters)), strict=True))
        for from_right in (False, True):
            best = _best(rules, stacks, from_right)
            if best is not None:
                chosen = tuple((x, tuple(tuple(row) for row in stack[best].tolist())) for x, stack in stacks.items())
                found = Matrices(chosen, from_right)
                falls = [found.falls(rule) for rule in rules]
                if any(falls) and None not in falls:
                    return found
    return None


@cache
def candidates(dimension: int, letters: int) -> tuple[Stack, ...]:
    """For each letter a stack of matrices, int64 of shape (n, dimension + 1, dimension + 1); row i is one choice."""
    one = _single(dimension)
    if len(one) ** letters <= _MOST:
        picks = np.indices((len(one),) * letters).reshape(letters, -1)
    else:
        picks = np.random.default_rng(dimension).integers(len(one), size=(letters, _MOST))
    return tuple(one[pick] for pick in picks)


def _single(dimension: int) -> Stack:
    """The maps that one letter may stand for."""
    if dimension == 1:
        maps = [((factor, shift), (0, 1)) for factor in (1, 2, 3, 4) for shift in range(5)]
        return np.array(maps, np.int64)
    if dimension == 2:
        entries = product(range(3), range(3), range(3), range(2), range(2))
        maps2 = [((1, b, v), (c, d, w), (0, 0, 1)) for b, c, d, v, w in entries]
        return np.array(maps2, np.int64)
    drawn = np.random.default_rng(dimension).random((4000, dimension + 1, dimension + 1)) < 0.4
    stack = drawn.astype(np.int64)
    stack[:, 0, 0], stack[:, -1, :], stack[:, -1, -1] = 1, 0, 1
    return stack


def _best(rules: Sequence[PlainRule], stacks: dict[str, Stack], from_right: bool) -> int | None:
    """The first of the choices that make the most rules fall; None if none makes one fall and none rise."""
    count = len(next(iter(stacks.values())))
    left_over, strict = np.arange(count), np.zeros(count, np.int64)
    for rule in rules:
        left, right = (_product(side[::-1] if from_right else side, stacks) for side in rule[:2])
        strict += left[:, 0, -1] > right[:, 0, -1]
        weak = (left >= right).all(axis=(1, 2))
        if not weak.any():
            return None
        if not weak.all():
            left_over, strict = left_over[weak], strict[weak]
            stacks = {letter: stack[weak] for letter, stack in stacks.items()}
    best = int(strict.argmax())
    return int(left_over[best]) if strict[best] else None


def _product(word: str, stacks: dict[str, Stack]) -> Stack:
    first = next(iter(stacks.values()))
    result = np.broadcast_to(np.eye(first.shape[1], dtype=np.int64), first.shape)
    for letter in word:
        result = result @ stacks[letter]
    return result
