"""Quotas and the order of a mixture: exact, spread, and each place computed alone."""

from __future__ import annotations

import hashlib
import pickle
from fractions import Fraction

import numpy as np
import pytest
from effort import tries
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from markovlib.mixing import order as order_module
from markovlib.mixing.order import Order
from markovlib.mixing.quotas import apportion, most_possible, quotas

WEIGHTS = st.lists(st.fractions(min_value=Fraction(1, 1000), max_value=1000), min_size=1, max_size=6)


@given(st.integers(0, 10**7), WEIGHTS)
def test_quotas_are_exact_shares_rounded_down_or_up(total: int, weights: list[Fraction]) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        exact = total * weight / sum(weights)
        assert exact - 1 < part < exact + 1
    # The largest remainder: whoever is rounded up has at least the remainder of whoever is rounded down.
    remainders = [total * w / sum(weights) % 1 for w in weights]
    up = [r for p, w, r in zip(parts, weights, remainders, strict=True) if p > total * w / sum(weights)]
    down = [r for p, w, r in zip(parts, weights, remainders, strict=True) if p < total * w / sum(weights)]
    assert min(up, default=Fraction(1)) >= max(down, default=Fraction(0))


def test_of_equal_remainders_the_first_is_rounded_up() -> None:
    assert apportion(5, [Fraction(1)] * 3) == [2, 2, 1]
    assert apportion(1, [Fraction(1), Fraction(1)]) == [1, 0]


@given(st.integers(1, 10**6), WEIGHTS, st.data())
def test_filling_gives_all_that_is_possible_and_no_more(
    total: int, weights: list[Fraction], data: st.DataObject
) -> None:
    possible = data.draw(st.lists(st.integers(0, 10**6), min_size=len(weights), max_size=len(weights)))
    found = quotas(total, weights, possible, fill=True)
    assert all(0 <= n <= most for n, most in zip(found.given, possible, strict=True))
    assert sum(found.given) == min(total, sum(possible))
    asked = apportion(total, weights)
    assert found.short == [(i, n, most) for i, (n, most) in enumerate(zip(asked, possible, strict=True)) if n > most]
    if not found.short:
        assert found.given == asked
    # Those that still have something share by their ratios, to within the rounding of one example each.
    open_ = [i for i, most in enumerate(possible) if found.given[i] < most]
    for i in open_:
        for j in open_:
            assert abs(found.given[i] / weights[i] - found.given[j] / weights[j]) <= 1 / weights[i] + 1 / weights[j]


@given(WEIGHTS, st.data())
def test_the_most_that_is_possible(weights: list[Fraction], data: st.DataObject) -> None:
    possible = data.draw(st.lists(st.integers(0, 500), min_size=len(weights), max_size=len(weights)))
    most = most_possible(weights, possible)
    assume(most < 3000)
    assert not quotas(most, weights, possible).short
    assert all(quotas(total, weights, possible).short for total in range(most + 1, most + 40))


# ---- order ----------------------------------------------------------------------------------------------------------


def an_order(given: list[int], seed: int = 7, rows: list[int] | None = None, used: list[int] | None = None) -> Order:
    rows = [max(1, n) for n in given] if rows is None else rows
    return Order(seed, [f"s{i}" for i in range(len(given))], given, rows, rows if used is None else used)


GIVEN = st.lists(st.integers(0, 3000), min_size=1, max_size=5).filter(lambda given: sum(given) > 0)


@settings(max_examples=tries(60))
@given(GIVEN, st.integers(0, 2**70), st.sampled_from([7, 64, 4096]), st.booleans())
def test_each_source_has_exactly_its_quota_and_each_row_once(
    given: list[int], seed: int, period: int, tables: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_module, "_PERIOD", period)
        patch.setattr(order_module, "MOST_TURNS", 2**16 if tables else 50)
        made = an_order(given, seed)
        sources, rows = made.find(np.arange(made.size))
        assert np.bincount(sources, minlength=len(given)).tolist() == given
        for i, n in enumerate(given):
            assert sorted(rows[sources == i].tolist()) == list(range(n))
        some = np.random.default_rng(1).permutation(made.size)[:50]
        again = made.find(some)
        assert np.array_equal(again[0], sources[some])
        assert np.array_equal(again[1], rows[some])
        assert [made.at(place) for place in some.tolist()] == list(zip(*(part.tolist() for part in again), strict=True))


@settings(max_examples=tries(60))
@given(GIVEN)
def test_prefixes_have_their_shares(given: list[int]) -> None:
    made = an_order(given)
    sources, _ = made.find(np.arange(made.size))
    places = np.arange(1, made.size + 1)
    for i, n in enumerate(given):
        counts = np.cumsum(sources == i)
        assert (np.abs(counts - places * n / made.size) < 2).all()
        ends = places % (made.size // made.periods) == 0
        assert (counts[ends] * made.size == places[ends] * n).all()


@settings(max_examples=30)
@given(GIVEN, st.sampled_from([16, 100]))
def test_prefixes_of_quotas_without_a_common_factor(given: list[int], period: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_module, "_PERIOD", period)
        patch.setattr(order_module, "MOST_TURNS", 1)
        made = an_order(given)
        sources, _ = made.find(np.arange(made.size))
        for i, n in enumerate(given):
            exact = np.arange(1, made.size + 1) * n / made.size
            assert (np.abs(np.cumsum(sources == i) - exact) < 3 + len(given)).all()


@settings(max_examples=tries(40))
@given(st.integers(1, 40), st.integers(1, 400), st.integers(1, 40), st.integers(0, 99))
def test_a_row_comes_back_only_after_all_others(rows: int, turns: int, used: int, seed: int) -> None:
    used = min(used, rows)
    made = an_order([turns, 30], seed, [rows, 30], [used, 30])
    sources, found = made.find(np.arange(made.size))
    mine = found[sources == 0].tolist()
    assert len(set(mine)) == min(turns, used)
    for start in range(max(1, turns - used + 1)):
        window = mine[start : start + used]
        assert len(set(window)) == len(window)
    assert made.first_rows(0, turns).tolist() == mine


def test_an_order_is_a_function_of_the_seed_and_of_each_source_alone() -> None:
    made = an_order([190, 10])
    places = np.arange(200)
    again = pickle.loads(pickle.dumps(made))
    assert all(np.array_equal(a, b) for a, b in zip(made.find(places), again.find(places), strict=True))
    other = an_order([190, 10], seed=8)
    assert not np.array_equal(made.find(places)[0], other.find(places)[0])
    assert not np.array_equal(made.first_rows(0, 190), other.first_rows(0, 190))
    more = an_order([190, 10, 50])
    assert np.array_equal(more.first_rows(0, 190), made.first_rows(0, 190))


@pytest.mark.parametrize(
    ("quotas", "rows", "used", "digest"),
    [
        ([1900, 100], [5000, 150], [5000, 120], "7a24973d3be84101998d60db7628f6609df1715317977ac05ffcfcd515b8c913"),
        ([100001, 7], [100001, 7], [100001, 7], "5d4d804b0db2a0f9139478306322764e9eb1694ba4af433b39bfa5357a119292"),
    ],
)
def test_the_order_is_that_of_this_version(quotas: list[int], rows: list[int], used: list[int], digest: str) -> None:
    """Golden: another order is another version of mixtures."""
    made = Order(7, ["oss", "alpaca"], quotas, rows, used)
    found = made.find(np.arange(made.size))
    assert hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in found)).hexdigest() == digest


def test_sources_do_not_fall_into_step() -> None:
    """Every twentieth example must not always be of the same source."""
    sources, _ = an_order([19_000, 1000]).find(np.arange(20_000))
    by_rank = sources.reshape(-1, 20).sum(axis=0)
    assert by_rank.sum() == 1000
    assert by_rank.max() < 100


def test_large_mixtures_take_no_table_of_their_size() -> None:
    given = [2**35 + 1, 2**35 - 12345, 99]
    made = an_order(given)
    places = np.array([0, 1, made.size // 2, made.size - 1])
    sources, rows = made.find(places)
    assert set(sources.tolist()) <= {0, 1, 2}
    assert all(0 <= row < given[source] for source, row in zip(sources.tolist(), rows.tolist(), strict=True))


def test_an_empty_choice_of_places() -> None:
    sources, rows = an_order([3, 4]).find(np.empty(0, np.int64))
    assert len(sources) == len(rows) == 0
