"""Words of a text as numbers: what near duplicates and contamination are found by.

A word is a run of letters, digits and underscores, folded to one case; each character of Chinese, Japanese and Korean
scripts, which are written without spaces, is one by itself.  Everything else, punctuation and layout, is passed over.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from markovlib.distinct import Hashes, key_of, mixed

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_MOST_KEPT = 1 << 20


def words(text: str) -> list[str]:
    """The words of a text, in order.

    >>> words("Add(x_1, 2)  # Füge 中文")
    ['add', 'x_1', '2', 'füge', '中', '文']
    """
    return _WORD.findall(folded(text))


def folded(text: str) -> str:
    """A text in one case and one Unicode form."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


def normalised(text: str) -> str:
    """A text in one case, its runs of white space as one space, none at its ends.

    >>> normalised(" Add  the\\nNUMBERS ")
    'add the numbers'
    """
    return " ".join(folded(text).split())


class WordHashes:
    """64-bit hashes of words; those of about a million words are kept."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, found: Iterable[str]) -> Hashes:
        """The hash of each word."""
        known = self._known
        if len(known) > _MOST_KEPT:
            known.clear()
        return np.array([known.get(word) or self._learn(word) for word in found], np.uint64)

    def _learn(self, word: str) -> int:
        made = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little") | 1
        self._known[word] = made
        return made


def runs(hashes: Hashes, length: int) -> Hashes:
    """A hash of each run of `length` consecutive words, in order; none where there are fewer."""
    count = len(hashes) - length + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    total = np.zeros(count, np.uint64)
    for place in range(length):
        total += mixed(hashes[place : place + count] + key_of(place))
    return mixed(total)


def different(hashes: Hashes, length: int) -> NDArray[np.int64]:
    """How many different words each run of `length` has."""
    if len(hashes) < length:
        return np.empty(0, np.int64)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(hashes, length), axis=1)
    counted: NDArray[np.int64] = 1 + (np.diff(windows, axis=1) != 0).sum(axis=1)
    return counted
