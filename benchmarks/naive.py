"""The naive C program as an engine: compiled when it is first asked for, called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import Case
from contenders import Prepared, Unable


@cache
def _library() -> Any:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise Unable("needs a C compiler")
    source = Path(__file__).with_name("naive.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "naive.so"
        subprocess.run([compiler, "-std=c11", "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
        return ctypes.CDLL(str(built))


class _Packed(NamedTuple):
    data: Any
    offsets: Any

    @classmethod
    def of(cls, strings: list[str]) -> _Packed:
        encoded = [string.encode() for string in strings]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(one) for one in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    def strings(self) -> list[str]:
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        return [data[start:end].decode() for start, end in pairwise(offsets)]


def prepare(kind: str, case: Case) -> Prepared:
    if kind == "call":
        raise Unable("takes many words in a call")
    library = _library()
    patterns, replacements = _Packed.of([rule[0] for rule in case.rules]), _Packed.of([rule[1] for rule in case.rules])
    terminal = np.array([rule[2] for rule in case.rules], np.uint8)
    words = _Packed.of(case.at_the_clock)
    rows, room = len(case.words), 2 * len(words.data) + 2**20

    def pointer(array: Any) -> Any:
        return ctypes.c_void_p(array.ctypes.data)

    def run(words: _Packed, steps: int | None) -> _Packed:
        out, offsets = np.empty(room, np.uint8), np.empty(rows + 1, np.int64)
        status = library.naive_run(
            pointer(patterns.data), pointer(patterns.offsets),
            pointer(replacements.data), pointer(replacements.offsets), pointer(terminal),
            ctypes.c_int64(len(terminal)), ctypes.c_int(kind == "rewrite"),
            pointer(words.data), pointer(words.offsets), ctypes.c_int64(rows),
            ctypes.c_int64(-1 if steps is None else steps),
            pointer(out), pointer(offsets), ctypes.c_int64(room),
        )  # fmt: skip
        if status:
            raise MemoryError("the buffer of the naive C program is too small")
        return _Packed(out[: offsets[-1]], offsets)

    return Prepared(lambda: words, run, _Packed.strings)
