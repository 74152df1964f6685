"""Equality of what is made of arrays, which have no truth value of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def same_parts(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """Whether all parts are equal, one by one: arrays in shape and in all entries, whatever their types.

    >>> same_parts((np.array([1, 2]), "a"), (np.array([1, 2], np.uint8), "a")), same_parts((1,), (1, 2))
    (True, False)
    """
    mine, theirs = list(one), list(other)
    return len(mine) == len(theirs) and all(map(_same, mine, theirs))


def same_tuples(one: tuple[Any, ...], other: object) -> bool:
    """Whether two named tuples with arrays in them are equal: of one class, with equal parts."""
    return type(one) is type(other) and same_parts(one, other)


def same_fields(one: Any, other: Any) -> bool:
    """Whether two values of a data class with arrays in them are equal."""
    names = type(one).__dataclass_fields__  # `dataclasses.fields` would import `inspect` along with this library.
    return type(one) is type(other) and all(_same(getattr(one, name), getattr(other, name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
