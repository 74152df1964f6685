"""Philox4x64-10 against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
import reference_stream
from hypothesis import given
from hypothesis import strategies as st

from markovlib import _permute

WORDS = st.integers(0, 2**64 - 1)


@given(st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS, WORDS))
def test_block_is_numpys(key: tuple[int, int], counter: tuple[int, int, int, int]) -> None:
    # NumPy increments the counter, as one number of 256 bits, before it makes a block.
    number = sum(word << (64 * i) for i, word in enumerate(counter)) - 1
    before = np.array([number >> (64 * i) & 2**64 - 1 for i in range(4)], np.uint64)
    generator = np.random.Philox(counter=before, key=np.array(key, np.uint64))
    assert _permute.philox(key, counter) == tuple(generator.random_raw(4).tolist())
    assert reference_stream.philox(key, counter) == _permute.philox(key, counter)


# Known answers of the authors' own implementation (Random123, kat_vectors: philox4x64, 10 rounds).
@pytest.mark.parametrize(("key", "counter", "block"), [
    ((0, 0), (0, 0, 0, 0),
     (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B)),
    ((2**64 - 1,) * 2, (2**64 - 1,) * 4,
     (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0)),
])  # fmt: skip
def test_known_answers(key: tuple[int, int], counter: tuple[int, ...], block: tuple[int, ...]) -> None:
    assert _permute.philox(key, counter) == block
