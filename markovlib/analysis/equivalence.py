"""Whether two rule sets make the same of every word: a search for the shortest word that tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from markovlib.analysis.plain import as_letters, as_word, given_letters, letters_of, plain, words_over
from markovlib.batch import RunBatch
from markovlib.outcome import Outcome
from markovlib.rules import GivenRules, RuleSet, RunResult, rule_set

_ROWS = 1 << 16
_BYTES = 1 << 24  # of the results of one rule set, of which there are two, packed and unpacked


@dataclass(frozen=True)
class Comparison:
    """What the search came to.

    `word` is the first word, by length and then by the order of the letters, on which the rule sets differ: both halt
    with different words, or one halts and the other's run comes back to a word (a proof that it never halts).  None:
    on `agreed` words both halt alike or both come back; on `undecided` words a limit left it open, `open_word` being
    the first.  `max_length` is the length up to which every word over `letters` was tried.
    """

    word: Any
    left: RunResult | None
    right: RunResult | None
    letters: Any
    max_length: int
    agreed: int
    undecided: int
    open_word: Any

    @property
    def status(self) -> str:
        """ "different", "alike" (on every word tried), or "undecided"."""
        return "different" if self.left is not None else "undecided" if self.undecided else "alike"

    def verify(self, left: RuleSet, right: RuleSet) -> bool:
        """Whether the two rule sets, run again, differ on `word`."""
        if self.left is None or self.right is None:
            return False
        ran = [rules.run(self.word, detect_cycles=True) for rules in (left, right)]
        return _verdict(*((run.outcome, run.word) for run in ran)) is False

    def __str__(self) -> str:
        if self.left is not None and self.right is not None:
            shown = [repr(run.word) if run.halted else run.outcome.name for run in (self.left, self.right)]
            return f"different on {self.word!r}: {shown[0]} and {shown[1]}"
        open_words = f"; {self.undecided} undecided, the first {self.open_word!r}" if self.undecided else ""
        return f"alike on {self.agreed} words over {self.letters!r} up to length {self.max_length}{open_words}"

    def to_dict(self) -> dict[str, Any]:
        runs = {"left": self.left, "right": self.right}
        return {
            "status": self.status,
            "word": None if self.left is None else as_letters(self.word),
            **{
                name: run and {"word": as_letters(run.word), "outcome": run.outcome.name.lower(), "steps": run.steps}
                for name, run in runs.items()
            },
            "letters": as_letters(self.letters),
            "max_length": self.max_length,
            "agreed": self.agreed,
            "undecided": self.undecided,
            "open_word": self.open_word if self.open_word is None else as_letters(self.open_word),
        }


def compare(
    left: GivenRules,
    right: GivenRules,
    letters: Any = None,
    max_length: int = 8,
    max_words: int = 1_000_000,
    max_steps: int = 10_000,
    max_bytes: int = 100_000,
    threads: int | None = None,
) -> Comparison:
    """Runs both rule sets on every word over `letters`, shortest first, until they differ.

    Without `letters`, those of both rule sets and one that neither names: it stands for all others, which no rule can
    move or tell apart.  Words are tried up to `max_length` letters, the last length only if all of it lies within
    `max_words` words.  `max_steps` and `max_bytes` limit each run: a limit is an open question, never a difference.
    The results kept at a time take at most 64 MiB, or those of one word if `max_bytes` is more.

    Raises TypeError if one rule set is text and the other bytes, or `letters` are of another kind; ValueError for a
    letter twice, and for limits that leave not even the empty word.

    >>> from markovlib import RuleSet
    >>> print(compare(RuleSet([("ab", "ba")]), RuleSet([("ab", "ba"), ("bb", "")])))
    different on 'bb': 'bb' and ''
    >>> print(compare(RuleSet([("a", "")]), RuleSet([("aa", ""), ("a", "")]), max_length=3))
    alike on 15 words over 'ab' up to length 3
    """
    left, right = rule_set(left), rule_set(right)
    if None not in (left.kind, right.kind) and left.kind != right.kind:
        raise TypeError(f"the rule sets must be of one kind, not {left.kind} and {right.kind}")
    kind = left if left.kind else right
    alphabet = _letters(left, right) if letters is None else given_letters(letters, kind)
    if len(set(alphabet)) != len(alphabet):
        raise ValueError(f"letters must hold every letter once, not {letters!r}")
    if max_length < 0 or max_words < 1:
        raise ValueError(f"max_length={max_length} and max_words={max_words} leave no word to compare on")
    options: dict[str, Any] = {"max_steps": max_steps, "max_length": max_bytes, "detect_cycles": True}
    agreed, undecided, tried, length, open_word = 0, 0, 0, -1, None
    for length in range(max_length + 1):
        if tried + len(alphabet) ** length > max_words:
            length -= 1
            break
        tried += len(alphabet) ** length
        for words in _batches(alphabet, length, kind):
            rows = (_results(rules, words, max_bytes, threads=threads, **options) for rules in (left, right))
            for word, (one, two) in zip(words, zip(*rows, strict=True), strict=True):
                same = _verdict(one, two)
                if same is False:
                    first, second = left.run(word, **options), right.run(word, **options)
                    return Comparison(
                        word, first, second, as_word(alphabet, kind), length, agreed, undecided, open_word
                    )
                agreed += same is True
                undecided += same is None
                open_word = word if same is None and open_word is None else open_word
    return Comparison(None, None, None, as_word(alphabet, kind), length, agreed, undecided, open_word)


def _letters(left: RuleSet, right: RuleSet) -> str:
    letters = letters_of((*plain(left), *plain(right)))
    others = (chr(code) for code in (*range(97, 123), *range(33, 97), *range(123, 127), *range(128, 256), *range(33)))
    return letters + next((letter for letter in others if letter not in letters), "")


def _batches(letters: str, length: int, rules: RuleSet) -> Iterator[list[Any]]:
    words = (as_word(word, rules) for word in words_over(letters, length))
    while batch := list(islice(words, _ROWS)):
        yield batch


def _results(rules: RuleSet, words: list[Any], max_bytes: int, **options: Any) -> Iterator[tuple[Outcome, Any]]:
    """How each word's run ends: all at once where the results are short, else so few that they cannot be long."""
    batches: Iterable[RunBatch]
    try:
        batches = [rules.run_batch(words, max_total=_BYTES, **options)]
    except MemoryError:
        rows = max(1, _BYTES // max(1, max_bytes))
        batches = (rules.run_batch(words[row : row + rows], **options) for row in range(0, len(words), rows))
    for batch in batches:
        yield from zip(map(Outcome, batch.outcomes.tolist()), batch.words.tolist(), strict=True)


def _verdict(left: tuple[Outcome, Any], right: tuple[Outcome, Any]) -> bool | None:
    """Whether two runs say the same; None if a limit leaves it open."""
    halted = [outcome.halted for outcome, _ in (left, right)]
    loops = [outcome == Outcome.CYCLE for outcome, _ in (left, right)]
    if all(halted):
        return bool(left[1] == right[1])
    if not all(h or c for h, c in zip(halted, loops, strict=True)):
        return None
    return all(loops)
