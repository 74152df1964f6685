"""What an engine is given and what it must answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import markovlib as mk

Rule = tuple[str, str, bool]


class Phase(NamedTuple):
    """The part of a run that is clocked: `steps` steps after the first `skip`.

    `after(n)` is the word after n steps of the run, told without rewriting; None where that cannot be done.
    """

    skip: int
    steps: int
    after: Callable[[int], str] | None = None


@dataclass(frozen=True)
class Case:
    """One input.  `rules` is one rule set for all words, or, for the kind "rewrite", one rule per word.

    `units` of work are done in it.  `expected` are the words that a run to the end leaves, where they can be told
    without rewriting.
    """

    rules: list[Rule]
    words: list[str]
    units: int
    expected: list[str] | None = None
    phase: Phase | None = None

    def answer(self, steps: int | None) -> list[str]:
        """The words after so many clocked steps (None: at the end), told without rewriting or else by markovlib.

        What markovlib tells here its own matchers and every rival must then say too.
        """
        if self.phase is None:
            return self._run(None) if self.expected is None else self.expected
        total = self.phase.skip + (self.phase.steps if steps is None else steps)
        return [self.phase.after(total)] if self.phase.after else self._run(total)

    @cached_property
    def at_the_clock(self) -> list[str]:
        """The words as they are when the clock starts."""
        return self.answer(0) if self.phase else self.words

    def steps_to_the_end(self) -> int:
        """How long the run of the first word is."""
        return mk.RuleSet(self.rules).run(self.words[0], max_steps=None, max_length=None).steps

    def _run(self, steps: int | None) -> list[str]:
        rules = mk.RuleSet(self.rules)
        return [rules.run(word, max_steps=steps, max_length=None).word for word in self.words]


def letters(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))
