"""Alphabets, and numbers written with their letters."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any, cast

_WRITTEN_OUT = 10**4000


class Alphabet:
    """The letters of a rule space, in order: 2 to 256 different characters (text) or byte values.

    `spec` is text, in which `a-z` stands for the range (a hyphen that is first or last is a letter), or
    `{"bytes": [first, last]}` for a range of byte values.  Raises ValueError for anything else.

    >>> Alphabet("a-cX").letters
    ('a', 'b', 'c', 'X')
    >>> len(Alphabet({"bytes": [0, 255]}))
    256
    """

    def __init__(self, spec: str | dict[str, list[int]]) -> None:
        self.text = isinstance(spec, str)
        self.letters: tuple[Any, ...] = _text_letters(spec) if isinstance(spec, str) else _byte_letters(spec)
        if not 2 <= len(self.letters) <= 256:
            raise ValueError(f"must have 2 to 256 letters, got {len(self.letters)}")
        self._codes = _numbered(self.letters)

    def __len__(self) -> int:
        return len(self.letters)

    def __eq__(self, other: object) -> bool:
        return self.letters == other.letters if isinstance(other, Alphabet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.letters)

    def __repr__(self) -> str:
        return f"<Alphabet of {len(self)} {'characters' if self.text else 'bytes'}>"

    @property
    def encoded(self) -> list[bytes]:
        """Each letter as the bytes it is written as (UTF-8 for text)."""
        return [letter.encode() if self.text else letter for letter in self.letters]

    def codes(self, string: Any) -> bytes:
        """The letters' numbers in the alphabet; ValueError for a letter that it does not have."""
        letters = string if self.text else (string[i : i + 1] for i in range(len(string)))
        try:
            return bytes(map(self._codes.__getitem__, letters))
        except KeyError as error:
            raise ValueError(f"letter {error.args[0]!r} is not in the alphabet") from None

    def string(self, codes: Sequence[int]) -> Any:
        """The string of the letters with these numbers."""
        return ("" if self.text else b"").join(self.letters[code] for code in codes)


def alphabet_of(letters: Sequence[Any]) -> Alphabet:
    """The alphabet of characters, or of single bytes, that are listed one by one.

    Raises ValueError for letters that are listed twice and for more than 256.

    >>> alphabet_of("a-c").letters
    ('a', '-', 'c')
    """
    made = Alphabet.__new__(Alphabet)
    made.text = not letters or isinstance(letters[0], str)
    made.letters = tuple(letters)
    made._codes = _numbered(made.letters)
    if len(made.letters) > 256:
        raise ValueError(f"must have at most 256 letters, got {len(made.letters)}")
    return made


def _numbered(letters: tuple[Any, ...]) -> dict[Any, int]:
    """The number of each letter; ValueError for one that is listed twice."""
    codes = {letter: code for code, letter in enumerate(letters)}
    if len(codes) < len(letters):
        twice = next(letter for code, letter in enumerate(letters) if codes[letter] != code)
        raise ValueError(f"letter {twice!r} occurs twice")
    return codes


def _text_letters(spec: str) -> tuple[str, ...]:
    letters: list[str] = []
    i = 0
    while i < len(spec):
        if i + 2 < len(spec) and spec[i + 1] == "-":
            first, last = ord(spec[i]), ord(spec[i + 2])
            if last < first:
                raise ValueError(f"range {spec[i : i + 3]!r} runs backwards")
            if last - first >= 256:
                raise ValueError(f"range {spec[i : i + 3]!r} has {last - first + 1} letters, more than 256")
            letters.extend(map(chr, range(first, last + 1)))
            i += 3
        else:
            letters.append(spec[i])
            i += 1
    for letter in letters:
        if "\ud800" <= letter <= "\udfff":
            raise ValueError(f"{letter!r} is not a character (a lone surrogate)")
    return tuple(letters)


def _byte_letters(spec: dict[str, list[int]]) -> tuple[bytes, ...]:
    bounds = spec.get("bytes")
    if set(spec) != {"bytes"} or not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise ValueError("must be text such as 'a-z', or { bytes = [first, last] }")
    first, last = bounds
    if not 0 <= first <= last <= 255:
        raise ValueError(f"bytes must be [first, last] with 0 <= first <= last <= 255, got {list(bounds)}")
    return tuple(bytes([value]) for value in range(first, last + 1))


def digits(value: int, letters: int, length: int) -> bytes:
    """A number in base `letters`, most significant digit first; split in halves, so that it is fast when long."""
    if length <= 16:
        codes = bytearray(length)
        for i in reversed(range(length)):
            value, codes[i] = divmod(value, letters)
        return bytes(codes)
    low = length // 2
    above, below = divmod(value, cast(int, letters**low))
    return digits(above, letters, length - low) + digits(below, letters, low)


def number(codes: Sequence[int], letters: int) -> int:
    """The number that these digits in base `letters` write."""
    if len(codes) <= 16:
        value = 0
        for code in codes:
            value = value * letters + code
        return value
    low = len(codes) // 2
    above, below = codes[: len(codes) - low], codes[len(codes) - low :]
    return number(above, letters) * cast(int, letters**low) + number(below, letters)


def written(value: int) -> str:
    """A number as text; of thousands of digits, which Python does not write, how many these are.

    >>> written(-26), written(26**4000)
    ('-26', 'a number of 5660 digits')
    """
    return str(value) if abs(value) < _WRITTEN_OUT else f"a number of {int(log10(abs(value))) + 1} digits"
