"""The unordered reading: critical pairs, local confluence, confluence.

Here a rule set is a string-rewriting system: any rule may be applied anywhere, and no rule is terminal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markovlib.analysis.certificates import Certificate
from markovlib.analysis.plain import PlainRule, as_letters, as_word, plain, shown_word
from markovlib.analysis.verdict import prove, too_large
from markovlib.rules import GivenRules, RuleSet, rule_set

_MOST_PAIRS = 2000
_MOST_CUT_OFF = 20


@dataclass(frozen=True)
class CriticalPair:
    """A least word on which two rules meet: rule `first` at its place makes it `left`, rule `second` `right`.

    `positions` are where the patterns stand in `word`.
    """

    word: Any
    left: Any
    right: Any
    first: int
    second: int
    positions: tuple[int, int]

    def verify(self, rules: RuleSet) -> bool:
        """Whether the two rules do this to the word."""
        own, word = plain(rules), as_letters(self.word)
        sides = zip((self.first, self.second), self.positions, (self.left, self.right), strict=True)
        return all(
            0 <= i < len(own)
            and at >= 0
            and word.startswith(own[i].pattern, at)
            and word[:at] + own[i].replacement + word[at + len(own[i].pattern) :] == as_letters(result)
            for i, at, result in sides
        )

    def __str__(self) -> str:
        word, left, right = map(shown_word, (self.word, self.left, self.right))
        return f"{word}: rule {self.first + 1} makes {left}, rule {self.second + 1} makes {right}"

    def to_dict(self) -> dict[str, Any]:
        words = {name: as_letters(getattr(self, name)) for name in ("word", "left", "right")}
        return {**words, "rules": [self.first, self.second], "positions": list(self.positions)}


@dataclass(frozen=True)
class Confluence:
    """What is known: `status` and its witness.

    "confluent": the rules terminate in any order (`certificate`), and both sides of every critical pair come together,
    so that every word has one normal form.  "locally confluent": they come together, but termination is not proved.
    "not confluent": the two sides of `pair` have no word in common, all that can become of either being known.
    "unknown": neither, within the limits; `reason` says where it stopped.
    """

    status: Literal["confluent", "locally confluent", "not confluent", "unknown"]
    pairs: int = 0
    pair: CriticalPair | None = None
    certificate: Certificate | None = None
    reason: str = ""

    def __str__(self) -> str:
        witness = self.pair or self.reason
        status = "confluence unknown" if self.status == "unknown" else self.status
        return f"{status} in any order of application" + (f": {witness}" if witness else "")

    def to_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"status": self.status, "pairs": self.pairs}
        if self.pair is not None:
            answer["pair"] = self.pair.to_dict()
        if self.certificate is not None:
            answer["stages"] = [stage.to_dict() for stage in self.certificate.stages]
        return {**answer, "reason": self.reason} if self.reason else answer


def critical_pairs(rules: GivenRules) -> list[CriticalPair]:
    """Every way in which two occurrences share a letter or one stands inside the other, in a least word.

    Overlaps (the end of the first pattern is the beginning of the second) and inclusions (the second pattern within the
    first; an empty pattern strictly within).  Of two rules of one pattern the pair is listed once; two occurrences of a
    rule at one place are none.  Source: Book and Otto, section 2.3.  O(rules^2 * length^2).

    Raises ValueError if a rule is terminal: the notion has no place for it.

    >>> from markovlib import RuleSet
    >>> for pair in critical_pairs(RuleSet([("aba", "b"), ("b", "")])):
    ...     print(pair)
    'ababa': rule 1 makes 'bba', rule 1 makes 'abb'
    'aba': rule 1 makes 'b', rule 2 makes 'aa'
    """
    rules = rule_set(rules)
    own = unordered(rules)
    pairs = [place for i in range(len(own)) for j in range(len(own)) for place in _meetings(own, i, j)]
    return [_pair(rules, own, *place) for place in pairs]


def unordered(rules: RuleSet) -> tuple[PlainRule, ...]:
    own = plain(rules)
    terminal = next((i for i, rule in enumerate(own) if rule.terminal), None)
    if terminal is not None:
        raise ValueError(f"rule {terminal + 1} is terminal, which means nothing where any rule may be applied anywhere")
    return own


Meeting = tuple[str, int, int, int]


def _meetings(rules: Sequence[PlainRule], i: int, j: int) -> Iterator[Meeting]:
    """(word, first rule, second rule, where the second pattern stands), the first pattern standing at 0."""
    x, y = rules[i].pattern, rules[j].pattern
    for at in range(1, len(x)):
        if y.startswith(x[at:]) and len(y) > len(x) - at:
            yield x + y[len(x) - at :], i, j, at
    if i == j or (x == y and i > j):
        return
    for at in range(len(x) - len(y) + 1):
        if x.startswith(y, at) and (y or 0 < at < len(x) or not x):
            yield x, i, j, at


def _pair(rules: RuleSet, own: Sequence[PlainRule], word: str, i: int, j: int, at: int) -> CriticalPair:
    left = own[i].replacement + word[len(own[i].pattern) :]
    right = word[:at] + own[j].replacement + word[at + len(own[j].pattern) :]
    return CriticalPair(as_word(word, rules), as_word(left, rules), as_word(right, rules), i, j, (0, at))


def confluence(rules: GivenRules, max_words: int = 500, max_length: int = 64) -> Confluence:
    """Whether the two sides of every critical pair come together, and whether the rules terminate in any order.

    What becomes of a side is searched breadth first, up to `max_words` words of at most `max_length` letters.  Sources:
    M. H. A. Newman 1942 (termination and local confluence give confluence); D. Knuth, P. Bendix 1970 (critical pairs
    decide local confluence).

    More than 2,000 critical pairs, or too many rules (see `termination`), are "unknown" at once; twenty searches that
    were cut off end the whole.

    Raises ValueError if a rule is terminal.

    >>> from markovlib import RuleSet
    >>> print(confluence(RuleSet([("ba", "ab")])))
    confluent in any order of application
    >>> print(confluence(RuleSet([("ab", "a"), ("ba", "b")])))
    not confluent in any order of application: 'aba': rule 1 makes 'aa', rule 2 makes 'ab'
    """
    rules = rule_set(rules)
    own = unordered(rules)
    if too_large(own):
        return Confluence("unknown", reason="the rules are too large to analyse")
    pairs = critical_pairs(rules)
    if len(pairs) > _MOST_PAIRS:
        return Confluence("unknown", len(pairs), reason=f"there are {len(pairs)} critical pairs")
    reason, cut_off = "", 0
    for pair in pairs:
        meet = joinable(own, as_letters(pair.left), as_letters(pair.right), max_words, max_length)
        if meet is False:
            return Confluence("not confluent", len(pairs), pair)
        if meet is None:
            reason = reason or f"what becomes of {shown_word(pair.word)} was not searched to its end"
            cut_off += 1
            if cut_off == _MOST_CUT_OFF:
                break
    if reason:
        return Confluence("unknown", len(pairs), reason=reason)
    proof, _ = prove(own, ("weights", "order", "matrices"), ordered=False)
    return Confluence("confluent" if proof else "locally confluent", len(pairs), certificate=proof)


def joinable(rules: Sequence[PlainRule], left: str, right: str, max_words: int, max_length: int) -> bool | None:
    """Whether some word comes from both; None if a search was cut off before one was met."""
    sides, whole = [{left}, {right}], True
    todo = deque([(left, 0), (right, 1)])
    while todo:
        word, side = todo.popleft()
        if word in sides[1 - side]:
            return True
        for new in successors(rules, word):
            if new in sides[side]:
                continue
            if len(new) > max_length or len(sides[side]) >= max_words:
                whole = False
                continue
            sides[side].add(new)
            todo.append((new, side))
    return False if whole else None


def successors(rules: Sequence[PlainRule], word: str) -> Iterator[str]:
    """The words that one step at any place makes."""
    for rule in rules:
        at = word.find(rule.pattern)
        while at >= 0:
            yield word[:at] + rule.replacement + word[at + len(rule.pattern) :]
            at = word.find(rule.pattern, at + 1)
