"""Runs that provably go on for ever: words that come back, and words that come back inside of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from markovlib.analysis.plain import (
    PlainRule,
    applied,
    as_letters,
    as_word,
    firing,
    letters_of,
    plain,
    shown_word,
    words_over,
)
from markovlib.outcome import Outcome
from markovlib.rules import GivenRules, RuleSet, rule_set

_STEPS = 64
_LENGTH = 400
_CUT_OFF = (Outcome.STEP_LIMIT, Outcome.LENGTH_LIMIT)
_GROWING = 24  # words whose runs a limit ended, the shortest first, that are looked at,
_GROWTHS = 50  # and loops that are tried for each


@dataclass(frozen=True)
class Loop:
    """A run that never ends: in `steps` steps, none terminal, `middle` becomes left + middle + right, wherever it
    stands between `prefix` + left * n and right * n + `suffix`, n >= `repeat`.

    If both `left` and `right` are empty, the word itself comes back: a cycle.  Else the word grows for ever.

    Why one look at n = `repeat` is enough: the steps of the loop happen inside of the middle.  Whether another rule, or
    an occurrence further to the left, takes its place depends on the factors of the word no longer than the longest
    pattern.  With left * repeat and right * repeat at least one period longer than that, a larger n adds none.

    >>> from markovlib import RuleSet
    >>> loop = Loop("", "", "ab", "b", "", 1, 4)
    >>> print(loop, loop.verify(RuleSet([("ab", "abb")])), loop.verify(RuleSet([("bb", ""), ("ab", "abb")])))
    'abbbbb' grows for ever: every 1 step puts '' before 'ab' and 'b' after it True False
    """

    prefix: Any
    left: Any
    middle: Any
    right: Any
    suffix: Any
    steps: int
    repeat: int

    @property
    def word(self) -> Any:
        """A word whose run does not end."""
        return self.prefix + self.left * self.repeat + self.middle + self.right * self.repeat + self.suffix

    @property
    def is_cycle(self) -> bool:
        return not self.left and not self.right

    def verify(self, rules: RuleSet) -> bool:
        """Whether the rules do this, by the definition of a step alone; O(steps * rules * word)."""
        own = plain(rules)
        parts = [as_letters(p) for p in (self.prefix, self.left, self.middle, self.right, self.suffix)]
        prefix, left, middle, right, suffix = parts
        if self.steps < 1 or self.repeat < repeats_needed(own, left, right):
            return False
        before, after = prefix + left * self.repeat, right * self.repeat + suffix
        inner = middle
        for _ in range(self.steps):
            word = before + inner + after
            found = firing(own, word)
            if found is None or own[found[0]].terminal:
                return False
            i, at = found[0], found[1] - len(before)
            if at < 0 or at + len(own[i].pattern) > len(inner):
                return False
            inner = applied(own, inner, i, at)
        return inner == left + middle + right

    def __str__(self) -> str:
        steps = f"{self.steps} step{'s' * (self.steps != 1)}"
        if self.is_cycle:
            return f"{shown_word(self.word)} comes back after {steps}"
        left, middle, right = map(shown_word, (self.left, self.middle, self.right))
        added = f"{left} before {middle} and {right} after it"
        return f"{shown_word(self.word)} grows for ever: every {steps} put{'s' * (self.steps == 1)} {added}"

    def to_dict(self) -> dict[str, Any]:
        names = ("prefix", "left", "middle", "right", "suffix", "word")
        parts = {name: as_letters(getattr(self, name)) for name in names}
        return {"kind": "cycle" if self.is_cycle else "growth", **parts, "steps": self.steps, "repeat": self.repeat}


def repeats_needed(rules: Sequence[PlainRule], left: str, right: str) -> int:
    """How often left and right have to stand there so that more of them change nothing."""
    longest = max((len(rule.pattern) for rule in rules), default=0)
    return max((-(-longest // len(side)) + 1 for side in (left, right) if side), default=0)


def find_loop(rules: GivenRules, max_words: int = 300, max_steps: int = 300) -> Loop | None:
    """A loop met from short words over the letters of the rules, or None; what is returned has been verified.

    >>> from markovlib import RuleSet
    >>> print(find_loop(RuleSet([("ab", "ba"), ("ba", "ab")])))
    'ab' comes back after 2 steps
    >>> find_loop(RuleSet([("ab", "ba")])) is None
    True
    """
    rules = rule_set(rules)
    words = [as_word(word, rules) for word in start_words(plain(rules), max_words)]
    batch = rules.run_batch(words, threads=1, max_steps=max_steps, max_length=_LENGTH, detect_cycles=True)
    outcomes = batch.outcomes.tolist()
    for word, outcome in zip(words, outcomes, strict=True):
        if outcome == Outcome.CYCLE and (loop := _cycle(rules, word, max_steps)):
            return loop
    growing = [word for word, outcome in zip(words, outcomes, strict=True) if outcome in _CUT_OFF]
    candidates = (loop for word in growing[:_GROWING] for loop in islice(growths(rules, word), _GROWTHS))
    return next((loop for loop in candidates if loop.verify(rules)), None)


def start_words(rules: Sequence[PlainRule], most: int) -> list[str]:
    """Short words over the letters of the rules, their patterns, and two patterns side by side."""
    patterns = [rule.pattern for rule in rules][:16]
    words = dict.fromkeys(["", *patterns, *(x + y for x in patterns for y in patterns)])
    letters = letters_of(rules)
    for length in range(1, 9 if letters else 1):
        if len(words) + len(letters) ** length > max(most, len(letters) + len(words)):
            break
        words.update(dict.fromkeys(words_over(letters, length)))
    return sorted(words, key=len)


def _cycle(rules: RuleSet, word: Any, max_steps: int) -> Loop | None:
    result = rules.run(word, max_steps=max_steps, max_length=_LENGTH, detect_cycles=True)
    if result.cycle is None:
        return None
    start, period = result.cycle
    first = rules.run(word, max_steps=start, max_length=_LENGTH).word
    loop = Loop(first[:0], first[:0], first, first[:0], first[:0], period, 0)
    return loop if loop.verify(rules) else None


def growths(rules: RuleSet, word: Any) -> Iterator[Loop]:
    """Loops that the first steps on a word suggest, to be verified: equal rules that fire in equal surroundings."""
    own = plain(rules)
    words, places = _followed(own, as_letters(word))
    for t in range(1, len(places)):
        for s in range(t - 1, -1, -1):
            if places[s][0] == places[t][0]:
                for parts in _embedded(own, words, places, s, t):
                    repeat = repeats_needed(own, parts[1], parts[3])
                    prefix, left, middle, right, suffix = (as_word(part, rules) for part in parts)
                    yield Loop(prefix, left, middle, right, suffix, t - s, repeat)


def _followed(rules: Sequence[PlainRule], word: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of the first steps, and the rule and position of each."""
    words, places = [word], list[tuple[int, int]]()
    while len(places) < _STEPS and len(word) <= _LENGTH and (found := firing(rules, word)) is not None:
        if rules[found[0]].terminal:
            break
        places.append(found)
        word = applied(rules, word, *found)
        words.append(word)
    return words, places


Parts = tuple[str, str, str, str, str]


def _embedded(
    rules: Sequence[PlainRule], words: Sequence[str], places: Sequence[tuple[int, int]], s: int, t: int
) -> Iterable[Parts]:
    """The ways in which the part of word s that steps s to t touch lies in what it has become: least and most of it."""
    lo, hi = touched(rules, places[s:t])
    shift, old, new = places[t][1] - places[s][1], words[s], words[t]
    grown = len(new) - len(old)
    if not 0 <= shift <= grown or old[lo:hi] != new[lo + shift : hi + shift]:
        return
    yield _parts(old, new, lo, hi, shift)
    while lo > 0 and old[lo - 1] == new[lo - 1 + shift]:
        lo -= 1
    while hi < len(old) and old[hi] == new[hi + shift]:
        hi += 1
    yield _parts(old, new, lo, hi, shift)


def _parts(old: str, new: str, lo: int, hi: int, shift: int) -> Parts:
    return old[:lo], new[lo : lo + shift], old[lo:hi], new[hi + shift : hi + len(new) - len(old)], old[hi:]


def touched(rules: Sequence[PlainRule], places: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The letters, from and to, of the first word that the steps read or replace."""
    lo, hi, grown = -1, -1, 0
    for i, at in places:
        size, after = len(rules[i].pattern), len(rules[i].replacement)
        lo, hi = (at, at + size) if lo < 0 else (min(lo, at), max(hi, at + size - grown))
        grown += after - size
    return lo, hi
