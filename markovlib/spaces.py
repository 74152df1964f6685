"""Rule spaces: finite, enumerable families of rules, and their division between training and testing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any, cast

from markovlib import _stream
from markovlib.rules import Rule

# Sizes up to here are numbers in the engine; larger spaces are permuted as strings of digits.
_NUMBERED = 2**62
_COUNT_MAX = 2**63

_AXES = {"pattern": 1, "replacement": 2}


def round_half_up(value: Fraction) -> int:
    """The nearest whole number, halves going up.

    >>> round_half_up(Fraction(5, 2)), round_half_up(Fraction(7, 3))
    (3, 2)
    """
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


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
        self._codes = {letter: code for code, letter in enumerate(self.letters)}
        if len(self._codes) < len(self.letters):
            twice = next(letter for code, letter in enumerate(self.letters) if self._codes[letter] != code)
            raise ValueError(f"letter {twice!r} occurs twice")

    def __len__(self) -> int:
        return len(self.letters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and self.letters == other.letters

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
            return bytes(self._codes[letter] for letter in letters)
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
    made._codes = {letter: code for code, letter in enumerate(letters)}
    if len(made._codes) < len(made.letters):
        raise ValueError(f"the letters {''.join(map(str, letters))!r} must differ from each other")
    if len(made.letters) > 256:
        raise ValueError(f"must have at most 256 letters, got {len(made.letters)}")
    return made


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


def _digits(number: int, letters: int, length: int) -> bytes:
    """`number` in base `letters`, most significant digit first; split in halves, so that it is fast when long."""
    if length <= 16:
        digits = bytearray(length)
        for i in reversed(range(length)):
            number, digits[i] = divmod(number, letters)
        return bytes(digits)
    low = length // 2
    above, below = divmod(number, cast(int, letters**low))
    return _digits(above, letters, length - low) + _digits(below, letters, low)


def _number(digits: bytes, letters: int) -> int:
    if len(digits) <= 16:
        number = 0
        for digit in digits:
            number = number * letters + digit
        return number
    low = len(digits) // 2
    above, below = digits[: len(digits) - low], digits[len(digits) - low :]
    return _number(above, letters) * cast(int, letters**low) + _number(below, letters)


@dataclass(frozen=True)
class Share:
    """Part of a part space: strings number first .. first + count - 1 in its keyed order."""

    letters: int
    length: int
    first: int
    count: int

    def for_engine(self) -> tuple[int, int, int, bytes, bytes]:
        """(length, count, first, digits of the first, digits of the last), as the engine takes them."""
        count = min(self.count, _COUNT_MAX)
        if self.letters**self.length < _NUMBERED:
            return self.length, count, self.first, b"", b""
        first, last = (
            _digits(number, self.letters, self.length) for number in (self.first, self.first + self.count - 1)
        )
        return self.length, count, 0, first, last


@dataclass(frozen=True)
class Instructions:
    """The instructions that a share of the patterns and a share of the replacements make.

    Instruction j takes pattern j mod P and replacement (j + floor(j / lcm(P, R))) mod R, in the keyed orders.  Each
    pattern can so meet each replacement once; where both spaces are the same set of strings, the last meeting is kept
    in reserve for the one that would be x -> x.
    """

    patterns: Share
    replacements: Share

    @property
    def possible(self) -> int:
        """How many different instructions there are."""
        same = self.patterns.length == self.replacements.length
        return self.patterns.count * max(self.replacements.count - same, 0)

    def pairing_for_engine(self) -> tuple[int, int, int]:
        """(lcm, reserve, possible), as the engine takes them."""
        p, r = self.patterns.count, self.replacements.count
        common = gcd(p, r)
        reserve = (common - 1 - p) % r if r < _COUNT_MAX else 0
        return min(p // common * r, _COUNT_MAX), reserve, min(self.possible, _NUMBERED)


class UniformSpace:
    """Every rule whose sides are any strings of the given lengths over an alphabet, except x -> x.

    Rules are numbered by pattern, then by replacement, both in the order of the alphabet.  `size` is exact;
    `unrank`, `rank` and `in` take time linear in the lengths (with big numbers).

    >>> space = UniformSpace("ab", 1, 1)
    >>> space.size, list(space)
    (2, [Rule(pattern='a', replacement='b', terminal=False), Rule(pattern='b', replacement='a', terminal=False)])
    >>> space.rank(("b", "a")), ("a", "a") in space
    (1, False)
    """

    def __init__(self, alphabet: Alphabet | str, pattern_length: int, replacement_length: int) -> None:
        self.alphabet = alphabet if isinstance(alphabet, Alphabet) else Alphabet(alphabet)
        self.pattern_length = pattern_length
        self.replacement_length = replacement_length
        for name, length in (("pattern_length", pattern_length), ("replacement_length", replacement_length)):
            if length < 0:
                raise ValueError(f"{name} must be at least 0, got {length}")

    def __repr__(self) -> str:
        return f"<UniformSpace of {self.size} rules>"

    @cached_property
    def _strings(self) -> tuple[int, int]:
        letters = len(self.alphabet)
        return cast(int, letters**self.pattern_length), cast(int, letters**self.replacement_length)

    @property
    def _partners(self) -> int:
        """Replacements of one pattern."""
        return self._strings[1] - (self.pattern_length == self.replacement_length)

    @property
    def size(self) -> int:
        """The number of rules."""
        return self._strings[0] * self._partners

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Rule]:
        return map(self.unrank, iter(range(self.size)))

    def unrank(self, n: int) -> Rule:
        """Rule number n; IndexError unless 0 <= n < size."""
        if not 0 <= n < self.size:
            raise IndexError(f"rule {n} of a space of {self.size}")
        x, y = divmod(n, self._partners)
        if self.pattern_length == self.replacement_length and y >= x:
            y += 1
        letters, string = len(self.alphabet), self.alphabet.string
        return Rule(
            string(_digits(x, letters, self.pattern_length)), string(_digits(y, letters, self.replacement_length))
        )

    def rank(self, rule: Rule | tuple[Any, ...]) -> int:
        """The number of a rule; ValueError if the space does not have it."""
        pattern, replacement = (self.alphabet.codes(side) for side in rule[:2])
        if (len(pattern), len(replacement)) != (self.pattern_length, self.replacement_length):
            raise ValueError(f"sides of lengths {len(pattern)} and {len(replacement)} are not in the space")
        if pattern == replacement:
            raise ValueError("a rule that changes nothing is not in the space")
        x, y = _number(pattern, len(self.alphabet)), _number(replacement, len(self.alphabet))
        return x * self._partners + y - (self.pattern_length == self.replacement_length and y > x)

    def __contains__(self, rule: object) -> bool:
        try:
            self.rank(cast("tuple[Any, ...]", rule))
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    def divide(self, holdout: Fraction) -> tuple[Instructions, Instructions | None]:
        """The instructions of training, and those whose two sides are held out (None where a side cannot be).

        Of S strings, max(1, round(holdout * S)) are held out, but never all; of one string, none.
        """
        letters = len(self.alphabet)
        train: list[Share] = []
        held_out: list[Share] = []
        for size, length in zip(self._strings, (self.pattern_length, self.replacement_length), strict=True):
            held = min(max(1, round_half_up(holdout * size)), size - 1)
            train.append(Share(letters, length, 0, size - held))
            held_out.append(Share(letters, length, size - held, held))
        tests = Instructions(*held_out) if all(share.count for share in held_out) else None
        return Instructions(*train), tests

    def held_out(self, key: tuple[int, int], holdout: Fraction, side: str, string: Any) -> bool:
        """Whether a string ("pattern" or "replacement" says as which side) is held out under a stream's key."""
        length = self.pattern_length if side == "pattern" else self.replacement_length
        part = _stream.Part(key, _AXES[side], len(self.alphabet), length)
        index = _number(part.permute_back(self.alphabet.codes(string)), len(self.alphabet))
        train, _ = self.divide(holdout)
        return index >= (train.patterns if side == "pattern" else train.replacements).count
