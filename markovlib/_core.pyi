from typing import Any, Self, SupportsIndex, final

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.outcome import Outcome

# What Cython adds for `cimport`.
__pyx_capi__: dict[str, object]

@final
class Interrupts: ...

MATCHERS: tuple[str, ...]

def check_matcher(matcher: object) -> None: ...
def limit_of(limit: SupportsIndex | None, name: str, least: int = 0) -> int: ...

@final
class Compiled:
    count: int
    def __new__(cls, patterns: Column, replacements: Column, terminal: NDArray[np.uint8]) -> Self: ...
    def run(
        self,
        word: bytes,
        text: bool,
        max_steps: int | None,
        max_length: int | None,
        detect_cycles: bool,
        strategy: str,
        matcher: str,
    ) -> tuple[Any, Outcome, int, tuple[int, int] | None, bytes, int]: ...
    def find(self, word: bytes, strategy: str) -> tuple[int, int] | None: ...
    def count_matches(self, word: bytes) -> NDArray[np.int64]: ...
    def find_all(self, word: bytes) -> NDArray[np.int64]: ...

@final
class TraceLog:
    def __new__(cls, last: int | None = None) -> Self: ...
    @property
    def steps(self) -> int: ...
    @property
    def first(self) -> int: ...
    def get(self, step: int) -> tuple[int, int]: ...
    def arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]: ...

@final
class Run:
    log: TraceLog | None
    def __new__(
        cls,
        rules: Compiled,
        word: bytes,
        log: TraceLog | None,
        max_steps: int | None,
        max_length: int | None,
        detect_cycles: bool,
        strategy: str,
        matcher: str,
    ) -> Self: ...
    def step(self, n: int | None = None) -> int: ...
    @property
    def word(self) -> bytes: ...
    @property
    def outcome(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def max_length_seen(self) -> int: ...
    matcher: str
    @property
    def letters(self) -> int: ...
    @property
    def fired(self) -> bytes: ...
    def cycle(self) -> tuple[int, int] | None: ...

@final
class Replay:
    def __new__(cls, rules: Compiled, word: bytes) -> Self: ...
    def move(self, log: TraceLog, from_step: int, to_step: int) -> None: ...
    @property
    def word(self) -> bytes: ...

def run_batch(
    words: Column,
    rules: Compiled | None,
    row_rules: NDArray[np.int64] | None,
    patterns: Column | None,
    replacements: Column | None,
    terminal: NDArray[np.uint8] | None,
    max_steps: Any,
    max_length: Any,
    max_total: int | None,
    detect_cycles: bool,
    strategy: str,
    matcher: str,
    threads: int,
) -> tuple[Column, NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
def rewrite_once(
    patterns: Column, replacements: Column, words: Column, threads: int
) -> tuple[Column, NDArray[np.int64]]: ...
def simd_name() -> str: ...
def simd_force(name: str | None) -> bool: ...
def fail_allocations_after(n: int) -> None: ...
def watch_memory(on: bool) -> None: ...
def memory_peak() -> int: ...
