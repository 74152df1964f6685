"""Tag systems compiled to ordered rules: passes of one head over a word that is the queue.

A tag system takes letters from the front of a word and appends at its end.  Carrying each of them there would cost a
walk for every step.  Instead a head goes through the word once: what it passes becomes, in place, what the steps
append, and when it comes to the end the word is the queue after all of them.  The few letters left over at the end of a
pass, too few for one more step, are moved to the front.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from markovlib.letters import fresh_letters
from markovlib.rules import Rule, RuleSet


@dataclass(frozen=True)
class TagSystem:
    """A tag system (E. L. Post, 1943): what each first letter appends, and how many letters a step deletes.

    A step on a word of at least `deletion` letters whose first letter has a production appends that production and
    deletes the first `deletion` letters; on any other word the system halts.  Letters are single characters;
    `extra_letters` names those of words that no production mentions.

    Raises ValueError for a production of more than one letter at once and for a deletion number below 1.

    >>> COLLATZ.productions
    {'a': 'bc', 'b': 'a', 'c': 'aaa'}
    >>> COLLATZ.letters
    'abc'
    """

    productions: Mapping[str, str]
    deletion: int = 2
    extra_letters: str = ""

    def __post_init__(self) -> None:
        if self.deletion < 1:
            raise ValueError(f"the deletion number must be at least 1, got {self.deletion}")
        for letter, appended in self.productions.items():
            if not isinstance(letter, str) or len(letter) != 1 or not isinstance(appended, str):
                raise ValueError(f"production {letter!r}: {appended!r}: one character is mapped to a str")
        object.__setattr__(self, "productions", dict(self.productions))

    def __hash__(self) -> int:
        return hash((frozenset(self.productions.items()), self.deletion, self.extra_letters))

    @property
    def letters(self) -> str:
        """The letters that words may have."""
        return "".join(dict.fromkeys("".join([*self.productions, *self.productions.values(), self.extra_letters])))

    @cached_property
    def _signs(self) -> _Signs:
        letters, m = self.letters, self.deletion
        fresh = iter(fresh_letters(len(letters) + 4 * m + 2, letters))
        first, later, erase, gather = ("".join(next(fresh) for _ in range(m)) for _ in range(4))
        rest, stop = next(fresh), next(fresh)
        return _Signs(dict(zip(letters, fresh, strict=True)), first, later, erase, gather, rest, stop)

    def halts_on(self, word: str) -> bool:
        """Whether there is no step from a word.

        >>> COLLATZ.halts_on("a"), COLLATZ.halts_on("aa")
        (True, False)
        """
        return len(word) < self.deletion or word[0] not in self.productions

    def configuration(self, word: str) -> str | None:
        """The system's word that a word of the compiled run stands for; None for one in the middle of a step.

        Over the words of a run it takes all values that the system's word takes, in the same order.

        >>> [COLLATZ.configuration(step.word) for step in compile_tag_system(COLLATZ).trace("aaa")][:8]
        ['aaa', 'aaa', None, 'abc', 'abc', 'abc', 'abc', 'abc']
        """
        return _configuration(self._signs, word)


class TagRun(NamedTuple):
    """What a tag system came to: its word, the steps it made, and whether it halted within the limit."""

    word: str
    steps: int
    halted: bool


class _Signs(NamedTuple):
    """Fresh letters: a moved letter has a hat, the head one sign for each number of letters it has counted."""

    hats: dict[str, str]
    first: str  # the head before the first step of a pass
    later: str  # the head after it
    erase: str  # this one and one letter less to delete
    gather: str  # so many letters left over
    rest: str  # all letters to the right are left over
    stop: str  # takes hats off, then halts


def compile_tag_system(system: TagSystem) -> RuleSet:
    """The rules that run a tag system on a word over its letters; the word they end with is the system's.

    They end by a terminal rule exactly if the system halts.  With deletion number m a step takes 2·m - 1 applications.
    A pass, which does a step for each m letters of its word, takes besides at most (m - 1)·n + 3·m, n the letters of
    the word after it; so that for words much longer than m a step costs about m² more.  A letter without production
    halts the system in the middle of a pass, and takes at most (n/2)² + 3·n + 3 for the word to be put in order.  For s
    letters there are at most s² + (5·m + 2)·s + 2·m + 3 rules and s + 4·m + 2 fresh letters.

    Raises ValueError if no fresh letters are left.

    >>> rules = compile_tag_system(COLLATZ)
    >>> rules.run("aaaaaaa").word, simulate_tag_system(COLLATZ, "aaaaaaa").word
    ('a', 'a')
    """
    signs = system._signs
    rules = [*_first_head(system, signs), *_later_head(system, signs), *_erasing(system, signs), *_moving(signs)]
    return RuleSet(Rule(*rule) for rule in [*rules, ("", signs.first[0])])


_Rules = Iterator[tuple[str, str] | tuple[str, str, bool]]


def _first_head(system: TagSystem, signs: _Signs) -> _Rules:
    """Takes off the hats that it meets, and halts where there is no step: then the word is in order already."""
    yield from _counting(system, signs, signs.first, hats=True)
    for letter, hat in signs.hats.items():
        if letter not in system.productions:
            yield signs.first[0] + letter, letter, True
            yield signs.first[0] + hat, letter + signs.stop
        yield signs.stop + hat, letter + signs.stop
    for sign in signs.first + signs.stop:
        yield sign, "", True


def _later_head(system: TagSystem, signs: _Signs) -> _Rules:
    """Where there is no step, gives hats to the letters that are left over."""
    yield from _counting(system, signs, signs.later, hats=False)
    for letter, hat in signs.hats.items():
        if letter not in system.productions:
            yield signs.later[0] + letter, hat + signs.rest
        yield signs.rest + letter, hat + signs.rest
    yield signs.rest, ""
    yield signs.later[0], ""
    for count in range(1, system.deletion):
        yield signs.later[count], signs.gather[count]
        for letter, hat in signs.hats.items():
            yield letter + signs.gather[count], (signs.gather[count - 1] if count > 1 else "") + hat


def _counting(system: TagSystem, signs: _Signs, head: str, hats: bool) -> _Rules:
    """The head counts letters until there are enough for a step; the first must have a production."""
    last = system.deletion - 1
    for count, sign in enumerate(head):
        for letter in signs.hats:
            if count == 0 and letter not in system.productions:
                continue
            if count < last:
                yield sign + letter, letter + head[count + 1]
                if hats:
                    yield sign + signs.hats[letter], letter + head[count + 1]
            elif last == 0:
                yield sign + letter, system.productions[letter] + signs.later[0]
            else:
                yield sign + letter, signs.erase[last]


def _erasing(system: TagSystem, signs: _Signs) -> _Rules:
    for count in range(2, system.deletion):
        for letter in signs.hats:
            yield letter + signs.erase[count], signs.erase[count - 1]
    if system.deletion > 1:
        for letter, appended in system.productions.items():
            yield letter + signs.erase[1], appended + signs.later[0]


def _moving(signs: _Signs) -> _Rules:
    """Letters with hats go to the front, in their order."""
    for letter in signs.hats:
        for hat in signs.hats.values():
            yield letter + hat, hat + letter


def _configuration(signs: _Signs, word: str) -> str | None:
    plain = {hat: letter for letter, hat in signs.hats.items()}
    hats_off = str.maketrans(plain)
    marks = {*signs.first, *signs.later, *signs.erase, *signs.gather, signs.rest, signs.stop}
    mark, at = next(((letter, i) for i, letter in enumerate(word) if letter in marks), ("", len(word)))
    left, right = word[:at], word[at + 1 :]
    if mark and mark in signs.erase:
        return None
    if mark and mark in signs.first + signs.stop:
        return (left + right).translate(hats_off)
    if mark and mark in signs.later + signs.gather:
        counted = len(left) - (signs.later if mark in signs.later else signs.gather).index(mark)
        return (left[counted:] + right).translate(hats_off) + left[:counted]
    moved = "".join(plain[letter] for letter in left if letter in plain)
    return moved + right + "".join(letter for letter in left if letter not in plain)


def simulate_tag_system(system: TagSystem, word: str, *, max_steps: int = 1_000_000) -> TagRun:
    """Runs the tag system itself, on a queue; `halted` is False if `max_steps` were not enough.

    >>> simulate_tag_system(COLLATZ, "aaa")
    TagRun(word='a', steps=24, halted=True)
    """
    queue, steps = deque(word), 0
    while len(queue) >= system.deletion and queue[0] in system.productions and steps < max_steps:
        queue.extend(system.productions[queue[0]])
        for _ in range(system.deletion):
            queue.popleft()
        steps += 1
    rest = "".join(queue)
    return TagRun(rest, steps, system.halts_on(rest))


#: From n letters a the first word that consists of letters a only has n/2 of them, or (3·n + 1)/2 if n is odd; it
#: halts with one.  L. De Mol, Tag systems and Collatz-like functions, 2008.
COLLATZ = TagSystem({"a": "bc", "b": "a", "c": "aaa"})

#: Post's own, of which he could not say whether there is a word on which it goes on for ever without repeating itself.
POST = TagSystem({"0": "00", "1": "1101"}, deletion=3)
