from collections.abc import Collection, Sequence
from typing import Any, Self, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from markovlib.render import Program

_T = TypeVar("_T")

TEXT_COLUMNS: tuple[str, ...]
NUMBER_COLUMNS: dict[str, type[np.generic]]
LIST_COLUMNS: tuple[str, ...]

class NoWordError(Exception):
    index: int
    ruleless: bool
    def __init__(self, index: int, ruleless: bool) -> None: ...

def fail_allocations_after(n: int) -> None: ...
def watch_memory(on: bool) -> None: ...
def memory_held() -> int: ...
def simd_force(name: str | None) -> bool: ...

@final
class RuleSpace:
    def __new__(cls, key: Sequence[int], space: tuple[Any, ...]) -> Self: ...
    @property
    def possible(self) -> int: ...
    @property
    def widest(self) -> tuple[int, int]: ...
    def turn(self, j: int) -> tuple[int, int]: ...
    def rule(self, j: int) -> tuple[bytes, bytes, int]: ...
    def rules(self, numbers: Sequence[int]) -> list[tuple[bytes, bytes, int]]: ...
    def acceptable(
        self, stratum: int, count: int, refused: RuleSpace, codes: NDArray[np.uint16] | None
    ) -> NDArray[np.intp]: ...
    def holds(self, replacement: bool, codes: bytes) -> bool: ...

@final
class Plan:
    def __new__(
        cls,
        *,
        key: Sequence[int],
        split: int,
        letters: list[bytes],
        word_letters: int,
        text: bool,
        space: RuleSpace | None,
        refused: RuleSpace | None,
        refused_codes: NDArray[np.uint16] | None,
        fixed: Sequence[tuple[bytes, bytes, bool]] | None,
        per_example: int,
        pool: tuple[int, int, int, int],
        turns: tuple[int, int],
        buckets: tuple[int, int],
        variables: int,
        terminating: bool,
        cascade: tuple[int, int] | None,
        instructions: int,
        order: int,
        popularity: NDArray[np.uint64] | None,
        size: int | None,
        no_op: tuple[int, int],
        near_miss: tuple[int, int],
        near_miss_edits: int,
        occurrences: Sequence[int],
        fires: Sequence[int] | None,
        lengths: tuple[int, int],
        exact: bool,
        words: int,
        divides: bool,
        segments: Sequence[tuple[bytes, int, int, bool, bool]] | None,
        task: dict[str, Any],
        paraphrases: int,
        prompt: Sequence[Program],
        completion: Sequence[Program],
        fields: Sequence[Sequence[Program]],
    ) -> Self: ...
    @property
    def text(self) -> bool: ...
    @property
    def always_divided(self) -> tuple[bool, bool]: ...
    def no_ops(self, end: int) -> int: ...
    def instruction(self, j: int) -> tuple[list[tuple[bytes, bytes]], int, bool, bool]: ...
    def plain_example(
        self, index: int, example_type: type[_T], rule_type: type[Any], outcomes: tuple[Any, ...]
    ) -> _T: ...
    def example(
        self, index: int
    ) -> tuple[list[Any], tuple[int, int, bool, int, int, int, int, bool, int, int], list[tuple[Any, ...]]]: ...
    def batch(
        self, start: int, count: int, indices: NDArray[np.int64] | None, columns: Collection[str], threads: int
    ) -> dict[str, Any]: ...
