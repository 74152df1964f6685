"""What a report of diversity is counted with: hashes, counters, distributions, blocks."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib.diversity import hill_numbers
from markovlib.diversity.counting import KeyCounter, NumberCounter, NumberTally
from markovlib.diversity.hashing import column_hashes, list_hashes, number_hashes
from markovlib.diversity.tally import BLOCK_ROWS, Blocks


def packed(rows: list[bytes]) -> tuple[Any, Any]:
    return np.cumsum([0, *map(len, rows)]), np.frombuffer(b"".join(rows), np.uint8)


# ---- hashes ------------------------------------------------------------------------------------------------------


def expected_hash(row: bytes, column: int) -> tuple[int, int]:
    """The definition, in Python's integers."""
    keys = np.random.Philox(key=[0x6469766572736974, column + 2]).random_raw(2 * max(len(row), 1)).reshape(-1, 2)
    return tuple(sum(int(k) * (s + 1) for k, s in zip(keys[:, half], row, strict=False)) % 2**64 for half in (0, 1))


@given(st.lists(st.binary(max_size=9), max_size=20), st.integers(0, 4))
def test_a_hash_is_the_sum_of_its_definition(rows, column):
    found = column_hashes(*packed(rows), column)
    assert [tuple(map(int, pair)) for pair in found] == [expected_hash(row, column) for row in rows]


@given(st.lists(st.binary(min_size=5, max_size=5), min_size=1, max_size=20))
def test_rows_of_one_length_take_the_same_hashes(rows):
    even = column_hashes(*packed(rows), 0)
    ragged = column_hashes(*packed([*rows, b"longer than five"]), 0)
    assert (even == ragged[:-1]).all()


def test_a_long_column_is_hashed_in_chunks(monkeypatch):
    monkeypatch.setattr("markovlib.diversity.hashing._CHUNK", 16)
    rows = [b"", b"ab", b"x" * 40, b"", b"abc", b"y" * 16, b"z"]
    assert [tuple(map(int, pair)) for pair in column_hashes(*packed(rows), 1)] == [
        expected_hash(row, 1) for row in rows
    ]
    rows = [b"abcde"] * 9
    assert [tuple(map(int, pair)) for pair in column_hashes(*packed(rows), 1)] == [
        expected_hash(row, 1) for row in rows
    ]


def test_a_slice_of_a_column_has_the_hashes_of_its_rows():
    offsets, letters = packed([b"one", b"two", b"three", b"three"])
    assert (column_hashes(offsets[1:], letters, 0) == column_hashes(*packed([b"two", b"three", b"three"]), 0)).all()


def test_trailing_zero_letters_and_order_count():
    rows = [b"", b"\0", b"\0\0", b"ab", b"ba"]
    assert len({tuple(pair) for pair in column_hashes(*packed(rows), 0)}) == len(rows)
    a, b = column_hashes(*packed([b"a", b"b"]), 0)
    lists = list_hashes(np.array([0, 0, 2, 4, 5]), np.array([a, b, b, a, a]))
    assert len({tuple(pair) for pair in lists}) == 4


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True))
def test_hashes_of_numbers_are_one_to_one(numbers):
    assert len(set(number_hashes(np.array(numbers, np.int64)).tolist())) == len(numbers)


# ---- counters ----------------------------------------------------------------------------------------------------

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (pair[0] << 62, pair[1])), max_size=40)


@given(st.lists(KEYS, max_size=5))
def test_keys_are_counted(batches):
    """Keys that share their first word, too."""
    counter = KeyCounter(1000)
    for batch in batches:
        counter.add(np.array(batch, np.uint64).reshape(-1, 2))
    keys, counts = counter.finish()
    found = dict(zip(map(tuple, keys.tolist()), counts.tolist(), strict=True))
    assert found == Counter(key for batch in batches for key in batch)
    assert counter.share == 1
    assert counter.added == sum(map(len, batches))


def test_more_keys_than_may_be_held_are_sampled_and_those_counted_exactly(monkeypatch):
    monkeypatch.setattr("markovlib.diversity.counting._PENDING", 500)
    random = np.random.default_rng(7)
    values = random.integers(0, 20_000, 60_000)
    keys = np.column_stack([number_hashes(values), values.astype(np.uint64)])
    counter = KeyCounter(1000)
    for start in range(0, len(keys), 700):
        counter.add(keys[start : start + 700])
    held, counts = counter.finish()
    exact = Counter(values.tolist())
    assert 0 < len(held) <= 1000
    assert counter.share == 1 / 32
    assert all(exact[int(value)] == count for (_, value), count in zip(held, counts, strict=True))
    # The sample is of the keys: about a binomial number of them, within five standard deviations.
    assert abs(len(held) - len(exact) / 32) < 5 * math.sqrt(len(exact) / 32)


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=30), max_size=4), st.sampled_from([31, 200]))
def test_numbers_are_counted_with_their_tags(batches, size):
    counter = NumberCounter(size)
    for batch in batches:
        counter.add(np.array(batch), np.array(batch) % 3)
    tags, counts = counter.finish()
    exact = Counter(value for batch in batches for value in batch)
    assert counts.tolist() == [exact[value] for value in sorted(exact)]
    assert tags.tolist() == [value % 3 for value in sorted(exact)]


@given(st.lists(st.lists(st.integers(0, 10**6) | st.integers(0, 50), max_size=30), max_size=4))
def test_distributions_are_those_of_the_numbers(batches):
    tally = NumberTally()
    for batch in batches:
        tally.add(np.array(batch, np.int64))
    values = sorted(value for batch in batches for value in batch)
    found = tally.finish()
    if not values:
        assert found is None
        return
    assert found is not None
    assert (found.count, found.min, found.max) == (len(values), values[0], values[-1])
    assert found.median == values[(len(values) - 1) // 2]
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert [count for low, high, count in found.bins] == [
        sum(low <= value <= high for value in values) for low, high, _ in found.bins
    ]
    assert found.bins[0][0] == values[0]
    assert found.bins[-1][1] == values[-1]
    assert all(after[0] == before[1] + 1 for before, after in zip(found.bins, found.bins[1:], strict=False))
    assert len(found.bins) <= 64


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_hill_numbers_are_those_of_hill(counts):
    rows = sum(counts)
    shares = [count / rows for count in counts]
    zero, one, two = hill_numbers(np.array(counts), rows)
    assert zero == len(counts)
    assert one == pytest.approx(math.prod(share**-share for share in shares))
    assert two == pytest.approx(1 / sum(share * share for share in shares))
    assert zero + 1e-9 >= one >= two - 1e-9


def test_a_count_of_nothing_is_no_kind():
    assert hill_numbers([0, 5], 5) == hill_numbers(np.array([5]), 5) == (1.0, 1.0, 1.0)
    assert hill_numbers([0], 5) == hill_numbers([], 5) == (0.0, 0.0, 0.0)


def test_blocks_far_away_cost_no_memory():
    blocks = Blocks()
    first = 10**15 // BLOCK_ROWS * BLOCK_ROWS
    blocks.add(np.arange(first, first + BLOCK_ROWS), np.arange(BLOCK_ROWS) < 7)
    blocks.add(np.array([2**62 - 1, 5]), np.array([True, False]))
    assert blocks.whole(None) == [(first, first + BLOCK_ROWS, 7)]


@given(st.lists(st.integers(0, 9), max_size=40), st.data())
def test_blocks_are_whole_when_every_row_was_seen(no_ops, data):
    from markovlib.diversity import tally as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ROWS", 8)
        blocks = Blocks()
        order = data.draw(st.permutations(range(len(no_ops))))
        flags = np.array([value < 3 for value in no_ops], bool)
        cut = data.draw(st.integers(0, len(no_ops)))
        for part in (order[:cut], order[cut:]):
            blocks.add(np.array(part, np.int64), flags[np.array(part, np.int64)])
        found = blocks.whole(len(no_ops))
        starts = range(0, len(no_ops), 8)
        assert found == [(s, min(s + 8, len(no_ops)), int(flags[s : s + 8].sum())) for s in starts]
        assert blocks.whole(None) == [block for block in found if block[1] - block[0] == 8]
