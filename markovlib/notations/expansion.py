"""Schemes into rules: a rule with letter variables stands for one rule for each choice of letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import NamedTuple

from markovlib.notations.source import Item, Line, TextRule

MAX_EXPANDED_RULES = 1 << 17
"""How many rules one file's schemes may stand for."""

MAX_EXPANDED_LETTERS = 1 << 26
"""How many letters those rules may have together."""

MAX_VARIABLES = 64
"""How many variables a file, a rule or a side may have."""


class Size(NamedTuple):
    """How many rules schemes stand for, and how many letters those have on both sides together."""

    rules: int
    letters: int


def variables_of(rule: TextRule, letters: Mapping[str, str]) -> dict[str, str]:
    """The variables of a rule's pattern, in the order of the mapping, each with its letters once and in order."""
    return {name: "".join(dict.fromkeys(letters[name])) for name in letters if name in rule[0]}


def unbound(rule: TextRule, letters: Iterable[str]) -> str | None:
    """A variable of the replacement that the pattern lacks, so that it is no letter; or None."""
    return next((name for name in letters if name in rule[1] and name not in rule[0]), None)


def size_of(rule: TextRule, letters: Mapping[str, str]) -> Size:
    count = prod(len(values) for values in variables_of(rule, letters).values())
    return Size(count, count * (len(rule[0]) + len(rule[1])))


def instances(rule: TextRule, letters: Mapping[str, str]) -> Iterator[TextRule]:
    """The rules of a scheme: the first variable of the mapping changes slowest."""
    pattern, replacement, terminal = rule
    used = variables_of(rule, letters)
    for choice in product(*used.values()):
        table = str.maketrans(dict(zip(used, choice, strict=True)))
        yield pattern.translate(table), replacement.translate(table), terminal


class Expander:
    """Expands the schemes of a file while its rules together stay within the limits."""

    def __init__(self) -> None:
        self.rules = 0
        self.letters = 0

    def expand(self, line: Line, rule: TextRule, letters: Mapping[str, str]) -> Iterator[Item]:
        """The rules of a scheme.  Raises at the line if they are too many."""
        size = size_of(rule, letters)
        self.rules += size.rules
        self.letters += size.letters
        if self.rules > MAX_EXPANDED_RULES or self.letters > MAX_EXPANDED_LETTERS:
            message = f"too many rules: this file's schemes stand for more than {MAX_EXPANDED_RULES} rules"
            raise line.error(0, f"{message}, or for more than {MAX_EXPANDED_LETTERS} letters")
        for instance in instances(rule, letters):
            yield line.number, instance


def refuse_unbound(line: Line, rule: TextRule, letters: Iterable[str]) -> None:
    """Raises at a variable that is only in the replacement."""
    if (name := unbound(rule, letters)) is not None:
        raise line.error(line.text.rindex(name), f"variable {name!r} is not in the pattern, so it is no letter")
