"""The order of a mixture: which row of which source stands at a place, each computed alone from the seed.

The places are cut into periods.  In each period every source has its turns, spread evenly (markovlib.quotas.turns),
and the period begins at a random one of them, so that no source falls into step with readers that take every k-th
row.  The n-th turn of a source takes the n-th row of a keyed permutation of its rows, from the start again when all
have been used: a row comes back only after all others, exactly one round later.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib import _permute
from markovlib.plan import split_id, stream_key
from markovlib.quotas import MOST_TURNS, turns

_TURNS, _ROWS = 0x6D69782D7475726E, 0x6D69782D726F7773
_PERIOD = 4096

Numbers = NDArray[np.int64]


class Order:
    """Of sources with `quotas` and so many `rows` each, of which `used` (at most as many) are used at all.

    Where the quotas have a common factor that leaves a period of at most 65,536 places, all periods have the same
    turns, a prefix that ends with a period has exact shares, and in any other prefix each source's count is less than
    two away from its exact share.  Else a period has about 4,096 places, the first periods together hold each source's
    exact share rounded down, and the count in any prefix is less than three and the number of sources away.

    A period takes about a microsecond, and a table of 16 bytes a place, of which the last 64 are kept.  Pickles as its
    arguments.
    """

    def __init__(
        self, seed: int, names: Sequence[str], quotas: Sequence[int], rows: Sequence[int], used: Sequence[int]
    ) -> None:
        self._arguments = seed, tuple(names), tuple(quotas), tuple(rows), tuple(used)
        self.size = sum(quotas)
        self.quotas = np.array(quotas, np.int64)
        self._key = stream_key(seed)
        self._used = used
        common = gcd(*quotas)
        self._even = common > 0 and self.size // common <= MOST_TURNS
        self.periods = common if self._even else max(1, -(-self.size // _PERIOD))
        self._permutations = [
            _permute.Permutation(_permute.philox(self._key, (n, split_id(name), 0, _ROWS))[:2], n) if n else None
            for name, n in zip(names, rows, strict=True)
        ]

    def __reduce__(self) -> tuple[object, ...]:
        return Order, self._arguments

    def find(self, places: Numbers) -> tuple[Numbers, Numbers]:
        """The sources of places, and the numbers of rows among those that each source has."""
        sources, turn = self._turns(places)
        found = np.empty(len(places), np.int64)
        for source in np.unique(sources).tolist():
            at = np.flatnonzero(sources == source)
            found[at] = self._rows(source, turn[at])
        return sources, found

    def at(self, place: int) -> tuple[int, int]:
        """The source of one place, and the number of its row; as `find`, and many times faster for one."""
        period = int(self._period_of(np.array([place]))[0]) if not self._even else place // (self.size // self.periods)
        before, after = self._before_one(period), self._before_one(period + 1)
        weights = tuple(b - a for a, b in zip(before, after, strict=True))
        length, table = sum(weights), _Table.of(weights)
        begin = _permute.philox(self._key, (period, length, 0, _TURNS))[0] % length
        slot = (place - sum(before) + begin) % length
        source = int(table.who[slot])
        passed = int(np.searchsorted(table.places[source], begin))
        turn = before[source] + (int(table.nth[slot]) - passed) % weights[source]
        permutation = self._permutations[source]
        assert permutation is not None
        return source, permutation[turn % self._used[source]]

    def first_rows(self, source: int, count: int) -> Numbers:
        """The rows that the first turns of a source take."""
        return self._rows(source, np.arange(count))

    def _rows(self, source: int, turn: Numbers) -> Numbers:
        permutation = self._permutations[source]
        if permutation is None:
            return np.empty(0, np.int64)
        return permutation.images(turn % self._used[source])

    def _turns(self, places: Numbers) -> tuple[Numbers, Numbers]:
        """Whose turn each place is, and how many it had before."""
        periods, which = np.unique(self._period_of(places), return_inverse=True)
        before = self._before(periods)
        weights = self._before(periods + 1) - before
        begins = np.array(
            [
                _permute.philox(self._key, (period, length, 0, _TURNS))[0] % length
                for period, length in zip(periods.tolist(), weights.sum(axis=1).tolist(), strict=True)
            ],
            np.int64,
        )
        within = places - before.sum(axis=1)[which]
        sources, turn = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
        kinds, kind = np.unique(weights, axis=0, return_inverse=True)
        for number, one in enumerate(kinds.tolist()):
            mine = kind.reshape(-1) == number
            at = np.flatnonzero(mine[which])
            passed = np.zeros((len(periods), len(one)), np.int64)
            table = _Table.of(tuple(one))
            passed[mine] = table.passed(begins[mine])
            sources[at], turn[at] = table.turns(within[at], begins[which[at]], passed[which[at]])
        return sources, turn + before[which, sources]

    def _before(self, periods: Numbers) -> Numbers:
        """The turns of each source in the periods before, shape (periods, sources)."""
        if self._even:
            return periods[:, None] * (self.quotas // self.periods)
        return periods[:, None] * self.quotas // self.periods

    def _before_one(self, period: int) -> list[int]:
        return [quota * period // self.periods for quota in self._arguments[2]]

    def _period_of(self, places: Numbers) -> Numbers:
        if self._even:
            return places // (self.size // self.periods)
        found: Numbers = places * self.periods // self.size
        while (late := places >= self._before(found + 1).sum(axis=1)).any():
            found += late
        return found


class _Table(NamedTuple):
    """One period: whose turn each place is, its turns before, and the places of each source."""

    who: Numbers
    nth: Numbers
    places: list[Numbers]

    @staticmethod
    @lru_cache(maxsize=64)
    def of(weights: tuple[int, ...]) -> _Table:
        period = np.array(turns(weights), np.int64).reshape(-1, 2)
        who, nth = np.ascontiguousarray(period[:, 0]), np.ascontiguousarray(period[:, 1])
        return _Table(who, nth, [np.flatnonzero(who == source) for source in range(len(weights))])

    def passed(self, begins: Numbers) -> Numbers:
        """The turns of each source before the places at which periods begin, shape (periods, sources)."""
        return np.stack([np.searchsorted(places, begins) for places in self.places], axis=1)

    def turns(self, within: Numbers, begins: Numbers, passed: Numbers) -> tuple[Numbers, Numbers]:
        """The sources of places in periods that begin so, and how many turns each had since its period began."""
        slots = (within + begins) % len(self.who)
        sources = self.who[slots]
        counts = np.array([len(places) for places in self.places], np.int64)[sources]
        since = (self.nth[slots] - passed[np.arange(len(slots)), sources]) % counts
        return sources, since
