from collections.abc import Collection, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from markovlib.render import Program

TEXT_COLUMNS: tuple[str, ...]

class NoWordError(Exception):
    index: int
    def __init__(self, index: int) -> None: ...

def fail_allocations_after(n: int) -> None: ...
def philox(key: Sequence[int], counter: Sequence[int]) -> tuple[int, int, int, int]: ...

@final
class Permutation:
    def __new__(cls, key: Sequence[int], size: int, tabulate: bool = False) -> Self: ...
    def __len__(self) -> int: ...
    def __getitem__(self, x: int, /) -> int: ...
    def index(self, y: int) -> int: ...

@final
class Part:
    def __new__(cls, key: Sequence[int], axis: int, letters: int, length: int) -> Self: ...
    def permute(self, digits: bytes) -> bytes: ...
    def permute_back(self, digits: bytes) -> bytes: ...

@final
class Template:
    def __new__(cls, programs: Sequence[Program], letters: list[bytes]) -> Self: ...
    def write(self, fields: dict[str, Any], paraphrase: int = 0) -> bytes: ...

@final
class Plan:
    def __new__(
        cls,
        *,
        key: Sequence[int],
        split: int,
        letters: list[bytes],
        text: bool,
        patterns: tuple[int, int, int, bytes, bytes],
        replacements: tuple[int, int, int, bytes, bytes],
        pairing: tuple[int, int, int],
        size: int | None,
        instructions: int,
        order: int,
        no_op: tuple[int, int],
        occurrences: int,
        lengths: tuple[int, int],
        words: int,
        prompt: Sequence[Program],
        completion: Sequence[Program],
        fields: Sequence[Sequence[Program]],
    ) -> Self: ...
    @property
    def text(self) -> bool: ...
    @property
    def always_divided(self) -> tuple[bool, bool]: ...
    def no_ops(self, end: int) -> int: ...
    def instruction(self, j: int) -> tuple[bytes, bytes, bool, bool]: ...
    def example(self, index: int) -> tuple[Any, ...]: ...
    def batch(
        self, start: int, count: int, indices: NDArray[np.int64] | None, columns: Collection[str], threads: int
    ) -> dict[str, Any]: ...
