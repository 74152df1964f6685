"""Turns by weight: which stratum each instruction belongs to, so that every prefix has its quotas."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

MOST_TURNS = 2**16

#: 1 / golden ratio as a part of the whole: fractions of its multiples are spread evenly, however many there are.
_WHOLE = 2**16
_GOLDEN = 40503


def round_half_up(value: Fraction) -> int:
    """The nearest whole number, halves going up.

    >>> round_half_up(Fraction(5, 2)), round_half_up(Fraction(7, 3))
    (3, 2)
    """
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def whole_weights(shares: Sequence[Fraction]) -> list[int]:
    """The smallest whole numbers in the ratio of these; ValueError if their sum is more than 65,536.

    >>> whole_weights([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)])
    [3, 2, 1]
    """
    common = lcm(*(share.denominator for share in shares))
    weights = [int(share * common) for share in shares]
    divisor = gcd(*weights)
    total = sum(weights) // divisor
    if total > MOST_TURNS:
        raise ValueError(f"the weights of the strata, as whole numbers, add up to {total}, more than {MOST_TURNS}; "
                         "use rounder weights, or fewer lengths or k")  # fmt: skip
    return [weight // divisor for weight in weights]


def turns(weights: Sequence[int]) -> list[tuple[int, int]]:
    """One period: (whose turn, its turns before), sum(weights) of them.

    Turn c of one with weight w is open from place floor(c * D / w) on and due before place ceil((c + 1) * D / w), D
    being the sum.  Of those open the one that is due first takes its turn, then the one that opened first, then by
    order.  So every prefix of I turns has between floor and ceil of w * I / D of each.  (There is a schedule that keeps
    all these dates, because turns may be thought of as spread evenly, w / D of each place, and such a fractional
    assignment of unit jobs to places can be made whole; and with unit jobs, to take the one due first finds it.)

    >>> turns([2, 1])
    [(0, 0), (1, 0), (0, 1)]
    """
    total = sum(weights)
    opening: list[list[int]] = [[] for _ in range(total)]
    for who, weight in enumerate(weights):
        for turn in range(weight):
            opening[turn * total // weight].append(who)
    taken = [0] * len(weights)
    opened = [0] * len(weights)
    waiting: list[tuple[int, int, int]] = []
    period: list[tuple[int, int]] = []
    for place, new in enumerate(opening):
        for who in new:
            opened[who] += 1
            heapq.heappush(waiting, (-(-opened[who] * total // weights[who]), place, who))
        who = heapq.heappop(waiting)[2]
        period.append((who, taken[who]))
        taken[who] += 1
    return period


def nested_turns(weights: Sequence[int], classes: Sequence[tuple[Any, ...]]) -> list[tuple[int, int]]:
    """One period as `turns` has it, but of things in classes, whose shares every prefix has too.

    `classes` says of each what it is, from the most important thing on.  Those that are alike in the first take turns
    as one with those that are not, and among themselves by the next, and so on.  Class number i of one begins its own
    turns at another place than the one before, the fraction (i / golden ratio) mod 1 of them, and goes round: lest all
    begin with what is first in the next thing.  So of I turns each class has between floor and ceil of its share, and
    each class within it less than two more or fewer than its share of those.

    >>> who = [("mirrored", 3), ("mirrored", 4), ("uniform", 3), ("uniform", 4)]
    >>> [who[i] for i, _ in nested_turns([1, 1, 1, 1], who)]
    [('mirrored', 3), ('uniform', 4), ('mirrored', 4), ('uniform', 3)]
    """
    taken = [0] * len(weights)
    period: list[tuple[int, int]] = []
    for who in _nested([who for who, weight in enumerate(weights) if weight], weights, classes, 0):
        period.append((who, taken[who]))
        taken[who] += 1
    return period


def _nested(
    members: list[int], weights: Sequence[int], classes: Sequence[tuple[Any, ...]], depth: int
) -> Iterable[int]:
    if depth == len(classes[members[0]]):
        return [members[turn] for turn, _ in turns([weights[who] for who in members])]
    groups: dict[Any, list[int]] = {}
    for who in members:
        groups.setdefault(classes[who][depth], []).append(who)
    rounds = []
    for number, group in enumerate(groups.values()):
        own = list(_nested(group, weights, classes, depth + 1))
        start = len(own) * (_GOLDEN * number % _WHOLE) // _WHOLE
        rounds.append(iter(own[start:] + own[:start]))
    return [next(rounds[turn]) for turn, _ in turns([sum(weights[who] for who in group) for group in groups.values()])]


class Phase(NamedTuple):
    """Periods that are alike: where they start, each one's turns in one of them and in the phases before."""

    start: int
    weights: list[int]
    bases: list[int]


class Spill(NamedTuple):
    """Stratum `stratum` has fewer rules than its weight asks for from the period that begins at `rule` on; the first of
    its turns go to stratum `into`."""

    stratum: int
    rule: int
    into: int


def _share_out(weights: Sequence[int], left: Sequence[int], order: Sequence[int]) -> list[int]:
    """The turns of one period: what a stratum has not got goes to the next larger one that has, or to the largest."""
    given, excess = [0] * len(weights), 0
    for who in order:
        wanted = weights[who] + excess
        given[who] = min(wanted, left[who])
        excess = wanted - given[who]
    for who in reversed(order):
        more = min(excess, left[who] - given[who])
        given[who] += more
        excess -= more
    return given


def phases(weights: Sequence[int], possible: Sequence[int], limit: int) -> Iterator[tuple[Phase, list[Spill]]]:
    """The phases that start before instruction `limit`, each with the spills that begin there.

    `possible` says how many instructions each stratum has.  The last period ends where all have run out.
    """
    order = sorted(range(len(weights)), key=lambda who: (possible[who], who))
    left, start, spilled = list(possible), 0, set[int]()
    while any(left) and start < limit:
        given = _share_out(weights, left, order)
        spills = []
        for place, who in enumerate(order):
            if given[who] < weights[who] and who not in spilled:
                spilled.add(who)
                into = next((w for w in order[place + 1 :] + order[place::-1] if given[w] > weights[w]), who)
                if into != who:
                    spills.append(Spill(who, start, into))
        yield Phase(start, given, [p - rest for p, rest in zip(possible, left, strict=True)]), spills
        periods = min(rest // turn for rest, turn in zip(left, given, strict=True) if turn)
        left = [rest - turn * periods for rest, turn in zip(left, given, strict=True)]
        start += sum(given) * periods
