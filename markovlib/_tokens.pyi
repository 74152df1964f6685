from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column

class UnknownLetterError(Exception):
    row: int
    def __init__(self, row: int) -> None: ...

def fail_allocations_after(n: int) -> None: ...

@final
class Vocabulary:
    def __new__(
        cls,
        characters: bool,
        ids: NDArray[np.int32],
        specials: list[tuple[bytes, int]],
        before: int,
        between: int,
        after: int,
    ) -> Self: ...
    def sequences(
        self, prompts: Column, completions: Column | None
    ) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.uint8]]: ...

def first_fit(
    sizes: NDArray[np.int64], windows: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def fill(
    ids: NDArray[Any],
    mask: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    row: NDArray[np.int64],
    rows: int,
    length: int,
    pad: int,
) -> list[NDArray[Any]]: ...
def longest(offsets: NDArray[np.int64], entries: int) -> int: ...
def pad(entries: NDArray[Any] | None, offsets: NDArray[np.int64], left: bool, fill: int, out: NDArray[Any]) -> None: ...
