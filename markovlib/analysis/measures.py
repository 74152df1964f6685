"""Measures of words that no step of some rules makes larger: the stuff of termination proofs.

Every measure takes its values in a set without infinite descent, and compares the sides of a rule exactly, in whole
numbers, such that what holds of the sides holds wherever the rule is applied.  Letters that a measure does not name
count nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

from markovlib.analysis.plain import PlainRule, shown

Matrix = tuple[tuple[int, ...], ...]


class Measure(Protocol):
    """What a stage of a certificate measures words by."""

    def is_sound(self) -> bool:
        """Whether the numbers in it make a measure at all."""

    def falls(self, rule: PlainRule) -> bool | None:
        """True if the rule makes every word smaller, False if it never makes one larger, None if neither is proved."""

    def steps(self, word: str) -> int:
        """How many steps that make the word smaller a run can have, if no other makes it larger."""

    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Weights:
    """A weight for every letter, whole and not negative; a word weighs what its letters weigh together.

    Source: F. Baader, T. Nipkow, "Term Rewriting and All That", 1998, section 5.3, for words.

    >>> str(Weights((("a", 2), ("b", 1))))
    'weights a=2, b=1'
    """

    letters: tuple[tuple[str, int], ...]

    def is_sound(self) -> bool:
        return all(isinstance(weight, int) and weight >= 0 for _, weight in self.letters)

    def weigh(self, word: str) -> int:
        weights = dict(self.letters)
        return sum(weights.get(letter, 0) for letter in word)

    def rises(self, rule: PlainRule) -> int:
        """How much heavier the rule makes a word; negative where it makes it lighter."""
        return self.weigh(rule.replacement) - self.weigh(rule.pattern)

    def falls(self, rule: PlainRule) -> bool | None:
        rise = self.rises(rule)
        return rise < 0 if rise <= 0 else None

    def steps(self, word: str) -> int:
        return self.weigh(word)

    def __str__(self) -> str:
        return "weights " + ", ".join(f"{shown(letter)}={weight}" for letter, weight in self.letters)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "weights", "weights": dict(self.letters)}


@dataclass(frozen=True)
class LetterOrder:
    """Length-lexicographic order: a shorter word is smaller, then the first different letter decides.

    `letters` run from the greatest to the least; with `from_right` words are read from right to left.  Only rules over
    these letters are compared.  Source: Baader and Nipkow, section 5.1, and R. Book, F. Otto, "String-Rewriting
    Systems", 1993, section 2.2.

    >>> str(LetterOrder("ba"))
    'length, then b > a from the left'
    """

    letters: str
    from_right: bool = False

    def is_sound(self) -> bool:
        return len(set(self.letters)) == len(self.letters)

    def _key(self, word: str) -> tuple[int, list[int]]:
        read = word[::-1] if self.from_right else word
        return len(word), [-self.letters.index(letter) for letter in read]

    def falls(self, rule: PlainRule) -> bool | None:
        if rule.pattern == rule.replacement:
            return False
        if not set(rule.pattern + rule.replacement) <= set(self.letters):
            return None
        return self._key(rule.pattern) > self._key(rule.replacement) or None

    def steps(self, word: str) -> int:
        letters = len(set(self.letters) | set(word))
        return len(word) if letters <= 1 else (letters ** (len(word) + 1) - 1) // (letters - 1) - 1

    def __str__(self) -> str:
        side = "right" if self.from_right else "left"
        return f"length, then {' > '.join(map(shown, self.letters))} from the {side}"

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "length_lexicographic", "letters": self.letters, "from_right": self.from_right}


@dataclass(frozen=True)
class Matrices:
    """A matrix interpretation: every letter is a map x -> Mx + v of vectors of whole numbers, a word their composition.

    A letter's matrix is M with v as its last column and a last row 0 .. 0 1; entries are not negative, and the first is
    at least 1, so that a smaller first coordinate stays smaller under every letter.  With `from_right` words are read
    from right to left.  Source: J. Endrullis, J. Waldmann, H. Zantema, "Matrix Interpretations for Proving Termination
    of Term Rewriting", Journal of Automated Reasoning 40, 2008; for words D. Hofbauer, J. Waldmann, RTA 2006.

    >>> sort = Matrices((("a", ((1, 1), (0, 1))), ("b", ((2, 0), (0, 1)))), from_right=True)
    >>> sort.falls(PlainRule("ab", "ba", False)), sort.steps("aab")
    (True, 4)
    """

    letters: tuple[tuple[str, Matrix], ...]
    from_right: bool = False

    @property
    def size(self) -> int:
        return len(self.letters[0][1]) if self.letters else 1

    def is_sound(self) -> bool:
        last = (*[0] * (self.size - 1), 1)
        return self.size > 1 and all(
            len(matrix) == self.size
            and all(len(row) == self.size and all(isinstance(n, int) and n >= 0 for n in row) for row in matrix)
            and matrix[0][0] >= 1
            and matrix[-1] == last
            for _, matrix in self.letters
        )

    def matrix(self, word: str) -> Matrix:
        known = dict(self.letters)
        read = word[::-1] if self.from_right else word
        return reduce(_product, [known[letter] for letter in read if letter in known], _identity(self.size))

    def falls(self, rule: PlainRule) -> bool | None:
        left, right = self.matrix(rule.pattern), self.matrix(rule.replacement)
        if any(x < y for xs, ys in zip(left, right, strict=True) for x, y in zip(xs, ys, strict=True)):
            return None
        return left[0][-1] > right[0][-1]

    def steps(self, word: str) -> int:
        return self.matrix(word)[0][-1]

    def __str__(self) -> str:
        side = "right" if self.from_right else "left"
        named = ", ".join(f"{shown(letter)}={[list(row) for row in matrix[:-1]]}" for letter, matrix in self.letters)
        return f"matrices of dimension {self.size - 1} from the {side}: {named}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "matrices",
            "dimension": self.size - 1,
            "from_right": self.from_right,
            "matrices": {letter: [list(row) for row in matrix] for letter, matrix in self.letters},
        }


def _identity(size: int) -> Matrix:
    return tuple(tuple(int(i == j) for j in range(size)) for i in range(size))


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return tuple(tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in columns) for row in left)
