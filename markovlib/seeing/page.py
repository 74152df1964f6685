"""A trace as a page of HTML: one file that steps through the run and loads nothing.

The page holds the rules, the rule and position of every step, and some of the words; it replays the others.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib.seeing.lines import ending
from markovlib.seeing.raster import word_at

if TYPE_CHECKING:
    from markovlib.trace import Trace

SCRIPTS = ("replay.js", "letters.js", "page.js")
MOST_STEPS = 20_000_000
MOST_LETTERS = 2**28
WORDS_BYTES = 2**20
"""Words in a page beside the first and the last: so many bytes of them together, before they are compressed."""
_LEAST_STRIDE = 4096


def page(trace: Trace, title: str) -> str:
    """What `Trace.html` gives."""
    if not isinstance(title, str):
        raise TypeError(f"title must be a str, not {type(title).__name__}")
    if len(trace) > MOST_STEPS:
        raise ValueError(
            f"a page holds at most {MOST_STEPS:,} steps, and this trace has {len(trace):,}: "
            f"trace with last={MOST_STEPS} or fewer"
        )
    if trace.result.max_length_seen > MOST_LETTERS:
        raise ValueError(
            f"a page holds words of at most {MOST_LETTERS:,} bytes, and one of this run has "
            f"{trace.result.max_length_seen:,}"
        )
    style = _source("page.css")
    script = "\n".join(_source(name) for name in SCRIPTS)
    parts = {
        "title": escape(title),
        "style": style,
        "script": script,
        "policy": _policy(style, script),
        "data": _json(content(trace)),
    }
    # One pass: what is filled in is not looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _source("page.html"))


def _source(name: str) -> str:
    return (files("markovlib.seeing") / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and no style or script runs but those of the page, known by their hashes."""
    hashes = [b64encode(sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(value: Any) -> str:
    """JSON that ends no script element and begins no comment, whatever is in it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def content(trace: Trace) -> dict[str, Any]:
    """What the page's script reads: everything binary is base64, what is long is compressed by zlib first."""
    rules, positions = trace.arrays()
    return {
        "text": isinstance(trace.word, str),
        "first": trace.first,
        "outcome": ending(trace),
        "halted": trace.result.halted,
        "rules": [[_base64(rule.pattern), _base64(rule.replacement), int(rule.terminal)] for rule in trace.rules],
        "rule": _packed(rules, "u"),
        # Neighbouring steps are near one another: differences are small, and repeat.
        "position": _packed(np.diff(positions, prepend=0), "i"),
        "words": _words(trace),
    }


def _words(trace: Trace) -> dict[str, Any]:
    """The first and the last word, and some between them at equal distances, so that no jump replays far."""
    count = len(trace)
    room = WORDS_BYTES // max(1, trace.result.max_length_seen)
    stride = max(_LEAST_STRIDE, -(-count // (room + 1)))
    at = sorted({*range(0, count, stride), count})
    words = [_bytes(word_at(trace, trace.first + number)) for number in at]
    return {"at": at, "lengths": [len(word) for word in words], "data": _base64(zlib.compress(b"".join(words)))}


def _packed(numbers: NDArray[Any], kind: str) -> dict[str, str]:
    """Integers as the smallest type that holds them, little-endian."""
    least, most = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    size = next(size for size in (1, 2, 4) if _fits(least, most, np.dtype(f"{kind}{size}")))
    return {"type": f"{kind}{size}", "data": _base64(zlib.compress(numbers.astype(f"<{kind}{size}").tobytes()))}


def _fits(least: int, most: int, dtype: np.dtype[Any]) -> bool:
    bounds = np.iinfo(dtype)
    return int(bounds.min) <= least and most <= int(bounds.max)


def _bytes(word: Any) -> bytes:
    return word.encode() if isinstance(word, str) else word


def _base64(data: Any) -> str:
    return b64encode(_bytes(data)).decode()
