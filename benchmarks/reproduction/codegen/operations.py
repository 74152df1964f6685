"""What the specialist is asked for: operations on words, each as rules, as plain Python, and in words."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

LETTERS = "ABCD"

Parameters = dict[str, str]
Rules = list[tuple[str, str, bool]]

_LONGEST = 400


@dataclass(frozen=True)
class Operation:
    """One thing that can be done to a word.

    `draw` makes its parameters, `rules` the rule set that does it, `apply` does it without rules: what is expected of
    an answer does not come from the rules it is compared with.  `phrases` are sentences, `(a|b)` a choice in them.
    `exhaustive` says that it goes on until nothing is left to do and ends in no terminal rule, so that another may
    follow it.
    """

    name: str
    draw: Callable[[random.Random], Parameters]
    rules: Callable[[Parameters], Rules]
    apply: Callable[[Parameters, str], str]
    phrases: tuple[str, ...]
    exhaustive: bool = False

    def wordings(self) -> list[str]:
        """Every sentence that the phrases make, with `{x}`, `{y}` and `{z}` for the parameters."""
        return [wording for phrase in self.phrases for wording in expand(phrase)]


def expand(phrase: str) -> list[str]:
    """The sentences of a phrase with choices.

    >>> expand("(cut|drop) {x}")
    ['cut {x}', 'drop {x}']
    """
    parts = re.split(r"\(([^)]*)\)", phrase)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    return [" ".join("".join(chosen).split()) for chosen in itertools.product(*choices)]


def _word(source: random.Random, least: int, most: int) -> str:
    return "".join(source.choices(LETTERS, k=source.randint(least, most)))


def _letters(source: random.Random, names: str) -> Parameters:
    return dict(zip(names, source.sample(LETTERS, len(names)), strict=True))


def _x(source: random.Random) -> Parameters:
    return {"x": _word(source, 1, 2)}


def _x_to_y(source: random.Random) -> Parameters:
    while True:
        x, y = _word(source, 1, 2), _word(source, 1, 2)
        if x not in y:
            return {"x": x, "y": y}


def _exhaust(word: str, *pairs: tuple[str, str]) -> str:
    """Replaces the leftmost occurrence of the first pattern that occurs, until none does."""
    while len(word) <= _LONGEST:
        found = next((pair for pair in pairs if pair[0] in word), None)
        if found is None:
            return word
        word = word.replace(*found, 1)
    return word


EVERY = "(every|each|any)"
FIRST = "the (first|leftmost|earliest)"

OPERATIONS = (
    Operation(
        "replace",
        _x_to_y,
        lambda p: [(p["x"], p["y"], False)],
        lambda p, word: _exhaust(word, (p["x"], p["y"])),
        (
            f"(replace|change|rewrite) {EVERY} {{x}} (by|with|to|into) {{y}}",
            f"(put|write) {{y}} (for|instead of|wherever you see) {EVERY} {{x}}",
            f"{EVERY} {{x}} (becomes|turns into|should become) {{y}}",
        ),
        exhaustive=True,
    ),
    Operation(
        "delete",
        _x,
        lambda p: [(p["x"], "", False)],
        lambda p, word: _exhaust(word, (p["x"], "")),
        (
            f"(delete|remove|drop|erase) {EVERY} {{x}} (|again and again|wherever it stands)",
            f"{EVERY} {{x}} (vanishes|is removed|is to go)",
            "leave no {x} (standing|behind|in the word)",
        ),
        exhaustive=True,
    ),
    Operation(
        "sort",
        lambda source: _letters(source, "xy"),
        lambda p: [(p["x"] + p["y"], p["y"] + p["x"], False)],
        lambda p, word: _exhaust(word, (p["x"] + p["y"], p["y"] + p["x"])),
        (
            f"(move|carry|bring|push) {EVERY} {{x}} (behind|past|after) the {{y}} next to it",
            "(sort|order) neighbours so that {y} (stands|comes) (before|in front of) {x}",
            f"{EVERY} {{y}} (jumps|moves|goes) (ahead of|in front of|before) the {{x}} that touches it",
        ),
        exhaustive=True,
    ),
    Operation(
        "squeeze",
        _x,
        lambda p: [(p["x"] * 2, p["x"], False)],
        lambda p, word: _exhaust(word, (p["x"] * 2, p["x"])),
        (
            "(squeeze|collapse|shrink|reduce) (runs|series|rows|repeats) of {x} (to one|into one)",
            f"{EVERY} {{x}} (keeps|has|gets) no (copy|twin) beside it",
            "(let|make) (neighbouring|repeated) {x} be (one|single)",
        ),
        exhaustive=True,
    ),
    Operation(
        "replace-first",
        _x_to_y,
        lambda p: [(p["x"], p["y"], True)],
        lambda p, word: word.replace(p["x"], p["y"], 1),
        (
            f"(replace|change|rewrite) {FIRST} {{x}} (by|with|to|into) {{y}}",
            f"(put|write) {{y}} (for|instead of) {FIRST} {{x}}",
            f"{FIRST} {{x}} (becomes|turns into|should become) {{y}}",
        ),
    ),
    Operation(
        "delete-first",
        _x,
        lambda p: [(p["x"], "", True)],
        lambda p, word: word.replace(p["x"], "", 1),
        (
            f"(delete|remove|drop|erase) {FIRST} {{x}} (|only|and stop)",
            f"{FIRST} {{x}} (vanishes|is removed|is to go)",
        ),
    ),
    Operation(
        "double-first",
        _x,
        lambda p: [(p["x"], p["x"] * 2, True)],
        lambda p, word: word.replace(p["x"], p["x"] * 2, 1),
        (
            f"(double|repeat|copy|duplicate) {FIRST} {{x}} (|only|and stop)",
            f"(put|write) a (copy|twin) beside {FIRST} {{x}}",
            f"{FIRST} {{x}} (gets|has) a (copy|twin) beside it",
        ),
    ),
    Operation(
        "prepend",
        _x,
        lambda p: [("", p["x"], True)],
        lambda p, word: p["x"] + word,
        (
            "(put|write|set|add) {x} (at the front|at the beginning|before everything|in front of all)",
            "(begin|start) the word with {x} (|and stop|and change nothing else)",
            "{x} (goes|moves|comes) (at the front|before everything)",
        ),
    ),
)
"""All operations, in an order that is relied on."""
