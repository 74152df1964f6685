"""How much each source gives: exact whole quotas by ratio, what sources cannot give, and what is possible instead."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Shortage(NamedTuple):
    """A source (by its number) that is asked for more than it can give."""

    source: int
    asked: int
    possible: int


class Quotas(NamedTuple):
    """What each source gives, and which of them are short of what the ratios ask for."""

    given: list[int]
    short: list[Shortage]


def apportion(total: int, weights: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the ratio of the weights, whose sum is `total`: the method of the largest remainder.

    Each is its exact share rounded down or up; the largest remainders are rounded up, of equal ones those that come
    first.  O(n log n).

    >>> apportion(20_000, [Fraction(18), Fraction(1), Fraction(1)]), apportion(10, [Fraction(1)] * 3)
    ([18000, 1000, 1000], [4, 3, 3])
    """
    whole = sum(weights, Fraction(0))
    exact = [total * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def quotas(total: int, weights: Sequence[Fraction], possible: Sequence[int], fill: bool = False) -> Quotas:
    """Shares out `total` among sources, none of which gives more than is `possible`.

    Without `fill`, the quotas are those of the ratios, whatever is possible.  With it, what a source is short of is
    shared out among the others by their ratios; the sum is less than `total` only where all together have less.

    >>> quotas(100, [Fraction(3), Fraction(1)], [60, 90], fill=True)
    Quotas(given=[60, 40], short=[Shortage(source=0, asked=75, possible=60)])
    """
    asked = apportion(total, weights)
    short = [Shortage(i, n, most) for i, (n, most) in enumerate(zip(asked, possible, strict=True)) if n > most]
    if not fill or not short:
        return Quotas(asked, short)
    given = [0] * len(weights)
    left, open_ = total, list(range(len(weights)))
    while open_:
        parts = dict(zip(open_, apportion(left, [weights[i] for i in open_]), strict=True))
        full = [i for i in open_ if parts[i] >= possible[i]]
        for i in full or open_:
            given[i] = min(parts[i], possible[i])
        left -= sum(given[i] for i in full)
        open_ = [i for i in open_ if i not in full] if full else []
    return Quotas(given, short)


def most_possible(weights: Sequence[Fraction], possible: Sequence[int]) -> int:
    """The largest total whose quotas are possible.

    >>> most_possible([Fraction(18), Fraction(1), Fraction(1)], [20_000, 900, 2_000])
    18006
    """
    whole = sum(weights, Fraction(0))
    bound = min(int((most + 1) * whole / weight) for most, weight in zip(possible, weights, strict=True))
    while bound and quotas(bound, weights, possible).short:
        bound -= 1
    return bound
