"""The options of strategies, checked when a strategy is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from markovlib.analysis.plain import PlainRule
from markovlib.rules import Kind, Rule, RuleSet

Range: TypeAlias = int | tuple[int, int]


def as_range(given: Range, name: str) -> tuple[int, int]:
    """(least, most) of a range given as such, or by the most alone.

    >>> as_range(3, "count")
    (0, 3)
    """
    pair = (0, given) if isinstance(given, int) else given
    whole = isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(end, int) for end in pair)
    if not whole or not 0 <= pair[0] <= pair[1]:
        raise ValueError(f"{name} must be (least, most) with 0 <= least <= most, or the most alone, got {given!r}")
    return pair[0], pair[1]


@dataclass(frozen=True)
class Shape:
    """What rules may look like.  Letters are characters; `word` and `rule` give them the kind that was asked for."""

    letters: str
    text: bool
    pattern: tuple[int, int]
    replacement: tuple[int, int]
    count: tuple[int, int]
    terminals: bool
    growing: bool

    @classmethod
    def of(
        cls,
        alphabet: Any,
        kind: Kind | None,
        pattern_size: Range = (0, 3),
        replacement_size: Range = (0, 3),
        count: Range = (0, 4),
        *,
        empty_patterns: bool = True,
        terminals: bool = True,
        growing: bool = False,
    ) -> Shape:
        """The shape, or a ValueError that names the option that is impossible."""
        letters, text = _letters_of(alphabet, kind)
        least, most = as_range(pattern_size, "pattern_size")
        replacement = as_range(replacement_size, "replacement_size")
        if not empty_patterns:
            least = max(1, least)
        if least > most:
            raise ValueError(f"pattern_size {pattern_size!r} leaves only the empty pattern: allow empty_patterns")
        if growing:
            most = min(most, replacement[1] - 1)
            if least > most:
                raise ValueError(
                    f"growing: replacements of at most {replacement[1]} letters are not longer than patterns of "
                    f"{least} or more; raise replacement_size or lower pattern_size"
                )
        return cls(letters, text, (least, most), replacement, as_range(count, "count"), terminals, growing)

    def check_proofs(self, terminating: bool, confluent: bool) -> None:
        """Raises ValueError where no rule, or none of this shape, could have what is asked for."""
        if confluent and self.terminals:
            raise ValueError("confluent: any order of application has no place for terminal rules; leave out terminals")
        endless = self.endless
        if (terminating or confluent) and endless is not None and not self.terminals:
            raise ValueError(f"{'terminating' if terminating else 'confluent'}{endless}")

    @property
    def endless(self) -> str | None:
        """Why every rule of this shape that is not terminal could fire for ever; None if some could not."""
        if self.pattern[1] == 0:
            return ": rules with the empty pattern alone never end; raise pattern_size"
        if self.growing:
            alone = len(self.letters) < 2
            return " and growing: one letter that becomes more of itself never ends; add a letter" if alone else None
        if len(self.letters) == 1 and self.replacement[0] >= self.pattern[1]:
            return (
                f": over one letter, replacements of at least {self.replacement[0]} letters are no smaller than "
                "any pattern; lower replacement_size, raise pattern_size or add a letter"
            )
        if self.replacement[0] > self.pattern[1]:
            return (
                f": replacements of at least {self.replacement[0]} letters are longer than all patterns; "
                "lower replacement_size, or ask for growing"
            )
        return None

    def word(self, letters: str) -> Any:
        return letters if self.text else letters.encode("latin-1")

    def rule(self, plain: PlainRule) -> Rule:
        return Rule(self.word(plain.pattern), self.word(plain.replacement), plain.terminal)

    def rule_set(self, plain: Iterable[PlainRule]) -> RuleSet:
        return RuleSet(map(self.rule, plain))

    def fits(self, pattern: str, replacement: str) -> bool:
        pairs = ((self.pattern, pattern), (self.replacement, replacement))
        return all(least <= len(side) <= most for (least, most), side in pairs)

    def order(self, word: str) -> tuple[int, list[int]]:
        """The place of a word in the length-lexicographic order."""
        return len(word), [self.letters.index(letter) for letter in word]


def _letters_of(alphabet: Any, kind: Kind | None) -> tuple[str, bool]:
    if kind not in (None, "text", "bytes"):
        raise ValueError(f"kind must be 'text' or 'bytes', got {kind!r}")
    if not isinstance(alphabet, str | bytes) or not alphabet:
        raise ValueError(f"alphabet must be a str or bytes with at least one letter, got {alphabet!r}")
    if len(set(alphabet)) != len(alphabet):
        raise ValueError(f"alphabet has a letter twice: {alphabet!r}")
    text = isinstance(alphabet, str) if kind is None else kind == "text"
    if isinstance(alphabet, bytes):
        if text:
            raise ValueError("kind is 'text', but the alphabet is bytes")
        return alphabet.decode("latin-1"), False
    if not text and not alphabet.isascii():
        raise ValueError(f"kind is 'bytes': give the alphabet as bytes, not as {alphabet!r}")
    try:
        alphabet.encode()
    except UnicodeEncodeError:
        raise ValueError("alphabet: a lone surrogate has no UTF-8 form, so that no word can hold it") from None
    return alphabet, text
