"""What constructions on rules need: the rules as text, the letters that they use, and letters that they do not.

Text and bytes are handled once: bytes are read as Latin-1, which has a character for each, and written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from markovlib.rules import Kind, Rule, RuleSet

# Fresh letters of text, in this order: visible, of one code point, not combining, and not mistaken for ASCII.
_TEXT_RANGES = (
    (0x03B1, 0x03C9),  # Greek small letters
    (0x0100, 0x02AF),  # Latin letters with marks, and phonetic ones
    (0x0561, 0x0586),  # Armenian small letters
    (0x4E00, 0x9FFF),  # Han
    (0xAC00, 0xD7A3),  # Hangul
    (0xF0000, 0xFFFFD),  # a private plane
)


def as_text(letters: str | bytes) -> str:
    """Text as it is, bytes as Latin-1.

    >>> as_text(b"a\\xff")
    'aÿ'
    """
    return letters if isinstance(letters, str) else letters.decode("latin-1")


def text_rules(rules: Iterable[Rule]) -> list[Rule]:
    """The rules, their sides as text.

    >>> text_rules(RuleSet([(b"a", b"")]))
    [Rule(pattern='a', replacement='', terminal=False)]
    """
    return [Rule(as_text(pattern), as_text(replacement), terminal) for pattern, replacement, terminal in rules]


def rule_set(rules: Iterable[tuple[str, str, bool]], kind: Kind) -> RuleSet:
    """The rule set of text rules, of the kind asked for.

    >>> rule_set([("a", "ÿ", True)], "bytes")
    RuleSet([(b'a', b'\\xff', True)])
    """
    if kind == "text":
        return RuleSet(rules)
    return RuleSet((p.encode("latin-1"), r.encode("latin-1"), terminal) for p, r, terminal in rules)


def letters_of(rules: Iterable[Rule]) -> str:
    """The letters of text rules, each once, in the order in which they occur.

    >>> letters_of([Rule("ba", "ab"), Rule("", "c", True)])
    'bac'
    """
    return "".join(dict.fromkeys(chain.from_iterable(rule.pattern + rule.replacement for rule in rules)))


def fresh_letters(number: int, used: str, kind: Kind = "text") -> str:
    """So many different letters that are not among the used ones, always the same for the same arguments.

    Text has about 98,000 to give: Greek small letters first, then Latin ones with marks.  For `kind="bytes"` the
    letters are bytes as Latin-1 shows them, from 0x80 on and then from 0: 256 with the used ones.  Raises ValueError if
    there are too few.

    >>> fresh_letters(3, "abβ")
    'αγδ'
    """
    return FreshLetters(used, kind).take(number)


class FreshLetters:
    """A supply of fresh letters: those of `fresh_letters`, or those that are given, in their order.

    Raises ValueError for given letters that are among the used ones.

    >>> supply = FreshLetters("ab", given="#$%")
    >>> supply.take(), supply.take(2)
    ('#', '$%')
    """

    def __init__(self, used: str, kind: Kind = "text", given: str | None = None) -> None:
        taken = set(used)
        if given is not None and (wrong := next((letter for letter in given if letter in taken), None)) is not None:
            raise ValueError(f"fresh letter {wrong!r} is a letter of the rules or words already")
        self._shortage = "none are left"
        if given is not None:
            self._shortage += "; give more of them"
        elif kind == "bytes":
            self._shortage += " of the 256 bytes; use text rules"
        candidates = _candidates(kind) if given is None else iter(dict.fromkeys(given))
        self._letters = (letter for letter in candidates if letter not in taken)
        self._taken = 0

    def take(self, number: int = 1) -> str:
        """The next letters; ValueError if there are too few."""
        found = "".join(islice(self._letters, number))
        self._taken += len(found)
        if len(found) < number:
            raise ValueError(f"more than {self._taken} fresh letters are needed and {self._shortage}")
        return found


def _candidates(kind: Kind) -> Iterator[str]:
    if kind == "bytes":
        return map(chr, chain(range(0x80, 0x100), range(0x80)))
    return map(chr, chain.from_iterable(range(first, last + 1) for first, last in _TEXT_RANGES))
