"""Characters in UTF-8, counted where the bytes are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def characters_before(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """For each place in valid UTF-8, its end included, how many characters begin before it.

    >>> characters_before(np.frombuffer("aé.".encode(), np.uint8)).tolist()
    [0, 1, 2, 2, 3]
    """
    before = np.zeros(len(data) + 1, np.int64)
    np.cumsum((data & 0xC0) != 0x80, out=before[1:])
    return before
