"""The specialist's data: instructions in words, the rule sets that they ask for, and the tests of these."""

from __future__ import annotations

import functools
import hashlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import markovlib as mk

from .operations import LETTERS, OPERATIONS, Operation, Parameters, Rules

JOINERS = (
    "{a} then {b}",
    "first {a} and then {b}",
    "{a} , after that {b}",
)

HIDDEN_WORDS = 24
MAX_STEPS = 500
MAX_LENGTH = 500
_HELD_SHARE = 5  # one wording of so many is held out
_MEANINGS = 8  # one meaning of so many is for tests


@dataclass(frozen=True)
class Task:
    """An instruction, the rules that do what it says, and what these are tried on.

    `kind` names the operations, joined by `+`; `words` and `expected` are the hidden words and what becomes of them.
    """

    kind: str
    instruction: str
    rules: tuple[tuple[str, str, bool], ...]
    words: tuple[str, ...]
    expected: tuple[str, ...]

    @property
    def answer(self) -> str:
        """The rules as the library writes them."""
        return str(mk.RuleSet([mk.Rule(*rule) for rule in self.rules]).format(notation="arrow"))


@dataclass(frozen=True)
class Wordings:
    """How an operation may be said: in the training set at hand, in the pool of new ones, and in tests alone."""

    base: tuple[str, ...]
    new: tuple[str, ...]
    held: tuple[str, ...]


@functools.cache
def wordings(operation: Operation, base: int) -> Wordings:
    """The wordings of an operation divided; `base` of them are those of the training set.

    The division is fixed: it depends on the operation's name alone.
    """
    order = sorted(operation.wordings(), key=lambda text: _digest(operation.name, text))
    held = len(order) // _HELD_SHARE
    if base + held >= len(order):
        raise ValueError(f"{operation.name} has {len(order)} wordings, of which {base} are asked for and {held} held")
    return Wordings(tuple(order[held : held + base]), tuple(order[held + base :]), tuple(order[:held]))


@functools.cache
def pairs() -> tuple[tuple[tuple[Operation, Operation], ...], tuple[tuple[Operation, Operation], ...]]:
    """Which two operations may follow each other: those of training, and those of tests alone.

    Of each exhaustive operation's followers every fifth is held out, so that each operation is trained on in both
    places.
    """
    before = [operation for operation in OPERATIONS if operation.exhaustive]
    every = [(a, b) for a, b in itertools.product(before, OPERATIONS) if a is not b]
    held = [pair for i, pair in enumerate(every) if i % 5 == 2]
    return tuple(pair for pair in every if pair not in held), tuple(held)


class Maker:
    """Makes tasks from a key.

    `source` is "base", "new" or "held" and says which wordings are used, `held_pairs` whether compositions are those
    of tests; of three tasks one is a composition, or all three with `held_pairs`.  Tasks for tests have parameters
    that no task of training has.
    """

    def __init__(self, key: str, base: int, source: str = "base", *, test: bool = False, held_pairs: bool = False):
        self._random = random.Random(key)
        self._base, self._source, self._test, self._held_pairs = base, source, test, held_pairs
        self._seen: set[str] = set()

    def take(self, count: int) -> list[Task]:
        """The next `count` tasks, no instruction twice."""
        tasks: list[Task] = []
        while len(tasks) < count:
            parts = self._parts(self._held_pairs or len(tasks) % 3 == 2)
            if _for_tests(parts) is not self._test:
                continue
            instruction = self._said(parts)
            task = None if instruction in self._seen else _task(parts, instruction, self._random)
            if task is not None:
                self._seen.add(instruction)
                tasks.append(task)
        return tasks

    def _parts(self, two: bool) -> list[tuple[Operation, Parameters]]:
        chosen: Sequence[Operation] = (self._random.choice(OPERATIONS),)
        if two:
            chosen = self._random.choice(pairs()[self._held_pairs])
        return [(operation, operation.draw(self._random)) for operation in chosen]

    def _said(self, parts: Sequence[tuple[Operation, Parameters]]) -> str:
        phrases = []
        for operation, parameters in parts:
            choices = getattr(wordings(operation, self._base), self._source)
            phrases.append(self._random.choice(choices).format(**parameters))
        return phrases[0] if len(phrases) == 1 else self._random.choice(JOINERS).format(a=phrases[0], b=phrases[1])


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\0".join(texts).encode()).digest()


def _for_tests(parts: Sequence[tuple[Operation, Parameters]]) -> bool:
    named = [f"{operation.name} {sorted(parameters.items())}" for operation, parameters in parts]
    return _digest(*named)[0] % _MEANINGS == 0


def _task(parts: Sequence[tuple[Operation, Parameters]], instruction: str, source: random.Random) -> Task | None:
    """The task, or None where one rule list after the other does not do the one after the other, or where the words
    do not tell: each part must make a difference to some of them."""
    rules: Rules = [rule for operation, parameters in parts for rule in operation.rules(parameters)]
    words = tuple(_hidden(parts, source) for _ in range(HIDDEN_WORDS))
    expected = tuple(_applied(parts, word) for word in words)
    alone = [tuple(_applied([part], word) for word in words) for part in parts]
    others = [words] if len(parts) == 1 else [words, *alone]
    if any(sum(a != b for a, b in zip(expected, other, strict=True)) < 4 for other in others):
        return None
    if outputs(mk.RuleSet([mk.Rule(*rule) for rule in rules]), words) != list(expected):
        return None
    return Task("+".join(operation.name for operation, _ in parts), instruction, tuple(rules), words, expected)


def _hidden(parts: Sequence[tuple[Operation, Parameters]], source: random.Random) -> str:
    """A word of random letters and of pieces of the rules' patterns."""
    pieces = [rule[0] for operation, parameters in parts for rule in operation.rules(parameters) if rule[0]]
    word = ""
    for _ in range(source.randint(1, 6)):
        word += source.choice(pieces) if pieces and source.random() < 0.6 else source.choice(LETTERS)
    return word


def _applied(parts: Sequence[tuple[Operation, Parameters]], word: str) -> str:
    for operation, parameters in parts:
        word = operation.apply(parameters, word)
    return word


def outputs(rules: mk.RuleSet, words: Sequence[str]) -> list[str | None]:
    """What the engine makes of the words; None for a run that did not halt within the limits."""
    batch = rules.run_batch(list(words), max_steps=MAX_STEPS, max_length=MAX_LENGTH, threads=1)
    halted = [mk.Outcome(int(outcome)) in (mk.Outcome.TERMINAL_RULE, mk.Outcome.NO_RULE_APPLIES)
              for outcome in batch.outcomes]  # fmt: skip
    return [word if ok else None for word, ok in zip(batch.words.tolist(), halted, strict=True)]


def judge(answer: str, task: Task) -> bool:
    """Whether the answer is a rule set that makes of every hidden word what the instruction says.

    The answer is read as rules and run by the engine within limits, so that judging it is safe whatever it says; rules
    that differ from ours and do the same are right.
    """
    try:
        rules = mk.RuleSet.parse(answer, notation="arrow")
    except ValueError:
        return False
    return outputs(rules, task.words) == list(task.expected)
