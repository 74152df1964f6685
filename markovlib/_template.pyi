from collections.abc import Sequence
from typing import Any, Self, final

from markovlib.render import Program

__pyx_capi__: dict[str, object]

def fail_allocations_after(n: int) -> None: ...

@final
class Template:
    def __new__(cls, programs: Sequence[Program], letters: list[bytes]) -> Self: ...
    def write(self, fields: dict[str, Any], paraphrase: int = 0) -> bytes: ...
