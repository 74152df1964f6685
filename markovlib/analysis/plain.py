"""Rules as the analyses read them: sides of either kind as `str`, one character a letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from markovlib.rules import RuleSet


class PlainRule(NamedTuple):
    pattern: str
    replacement: str
    terminal: bool


def as_letters(word: Any) -> str:
    """A word with one character a letter: text as it is, bytes as Latin-1."""
    return word if isinstance(word, str) else bytes(word).decode("latin-1")


def shown(letter: str) -> str:
    """A letter for people: as it is, or as Python writes it if it is blank or a control."""
    return letter if letter.isprintable() and not letter.isspace() else repr(letter)


def shown_word(word: Any) -> str:
    """A word for people: as Python writes it, and bytes that are UTF-8 as text.

    >>> shown_word(b"ab"), shown_word("ab")
    ("'ab'", "'ab'")
    """
    try:
        return repr(word if isinstance(word, str) else bytes(word).decode())
    except UnicodeDecodeError:
        return repr(bytes(word)).removeprefix("b")


def given_letters(word: Any, rules: RuleSet) -> str:
    """As `as_letters`, of a word or letters from a caller; raises as `rules.run` does for one of another kind."""
    rules._encode(word)
    return as_letters(word)


def as_word(letters: str, rules: RuleSet) -> Any:
    """The word of the rules' kind that has these letters."""
    return letters.encode("latin-1") if rules.kind == "bytes" else letters


def plain(rules: RuleSet) -> tuple[PlainRule, ...]:
    return tuple(PlainRule(as_letters(rule.pattern), as_letters(rule.replacement), rule.terminal) for rule in rules)


def letters_of(rules: Iterable[PlainRule]) -> str:
    """The letters that occur in the rules, sorted."""
    return "".join(sorted({letter for rule in rules for letter in rule.pattern + rule.replacement}))


def killers(rules: Sequence[PlainRule]) -> list[int | None]:
    """For each rule the first one before it whose pattern occurs in its own, so that it never fires, or None.

    The earlier patterns are searched one by one, or looked up by what stands in the rule's own, whichever is less:
    O(rules * min(rules, lengths of patterns * length)) words.
    """
    found: list[int | None] = []
    first: dict[str, int] = {}
    sizes: set[int] = set()
    for i, (pattern, _, _) in enumerate(rules):
        shorter = [size for size in sizes if size <= len(pattern)]
        if sum(len(pattern) - size + 1 for size in shorter) < i:
            parts = (pattern[at : at + size] for size in shorter for at in range(len(pattern) - size + 1))
            found.append(min((first[part] for part in parts if part in first), default=None))
        else:
            found.append(next((k for k in range(i) if rules[k].pattern in pattern), None))
        first.setdefault(pattern, i)
        sizes.add(len(pattern))
    return found


def live_rules(rules: Sequence[PlainRule]) -> list[int]:
    """The rules that fire on some word: those that fire on their own pattern."""
    return [i for i, killer in enumerate(killers(rules)) if killer is None]


def firing(rules: Sequence[PlainRule], word: str) -> tuple[int, int] | None:
    """The (rule, position) of the next step under `markov`, straight from the definition."""
    return next(((i, word.find(rule.pattern)) for i, rule in enumerate(rules) if rule.pattern in word), None)


def applied(rules: Sequence[PlainRule], word: str, i: int, at: int) -> str:
    return word[:at] + rules[i].replacement + word[at + len(rules[i].pattern) :]


def words_over(letters: str, length: int) -> Iterator[str]:
    """Every word of one length, in the order of the letters."""
    return map("".join, product(letters, repeat=length))
