"""Classical Markov algorithms by name: each a rule set, the words it is meant for, and what it must make of them.

>>> from markovlib.programs import PROGRAMS
>>> PROGRAMS["binary-addition"].rules.run("101+11").word
'1000'

Letters of words are the ones a reader expects; the other letters of the rules are called auxiliary, and are single
printable characters that no word holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from itertools import product
from math import gcd
from typing import Any, NamedTuple

from markovlib import machines
from markovlib.rules import RuleSet


class Segment(NamedTuple):
    """A stretch of a word: between `least` and `greatest` letters, each one of `letters`.

    All numbers of letters are equally likely, and so are all letters.  With `first_not_zero` the first letter is not
    `letters[0]` unless the stretch is one letter long (numerals).  With `balanced` the stretch is a balanced word over
    `letters[0]` (opening) and `letters[1]` (closing), all of a length equally likely; then `least` and `greatest` count
    pairs.
    """

    letters: str
    least: int
    greatest: int
    first_not_zero: bool = False
    balanced: bool = False


class Operand(NamedTuple):
    """A part of a program's words: letters, the fewest it may have, and what a `Segment` says; or a fixed letter."""

    letters: str
    least: int = 0
    first_not_zero: bool = False
    balanced: bool = False
    fixed: bool = False

    def about(self) -> str:
        """What it is, in words."""
        if self.fixed:
            return repr(self.letters)
        if self.balanced:
            return f"balanced {self.letters!r}"
        start = f" without a {self.letters[0]!r} before others" if self.first_not_zero else ""
        return f"{self.least} or more of {self.letters!r}{start}"

    def expression(self) -> str:
        """A regular expression, a group, that it matches as a whole; whether it is balanced is not in it."""
        letters = f"[{re.escape(self.letters)}]"
        number = "{1}" if self.fixed else f"{{{self.least},}}"
        start = f"(?!{re.escape(self.letters[0])}{letters})" if self.first_not_zero else ""
        return f"({start}{letters}{number})"


@dataclass(frozen=True)
class Program:
    """A Markov algorithm with a name and a purpose.

    `about` is one line; `rules` the algorithm; `operands` what its words are made of; `compute`, read through `answer`,
    what a run ends with; `steps` and `longest` bound steps and letters by the greatest length of an operand, and are
    read through `max_steps` and `max_length`.  Every run on a word of the program halts.

    >>> program = PROGRAMS["unary-addition"]
    >>> program.segments((2, 4))
    (Segment(letters='1', least=2, greatest=4, ...), Segment(letters='+', least=1, greatest=1, ...), Segment(...))
    >>> program.rules.run("11+111").word == program.answer("11+111")
    True
    """

    name: str
    about: str
    rules: RuleSet
    operands: tuple[Operand, ...]
    compute: Callable[[str], str] = field(repr=False)
    steps: Callable[[int], int] = field(repr=False)
    longest: Callable[[int], int] = field(repr=False)

    def __reduce__(self) -> Any:
        """One of `PROGRAMS` pickles as its name: what computes its answers need not be a function of a module."""
        if PROGRAMS.get(self.name) is self:
            return _of_name, (self.name,)
        return Program, tuple(getattr(self, one.name) for one in fields(self))

    @property
    def letters(self) -> str:
        """The letters that occur in words."""
        return "".join(dict.fromkeys("".join(operand.letters for operand in self.operands)))

    @property
    def alphabet(self) -> str:
        """The letters that occur in words, then the auxiliary ones in the order of the rules.

        >>> PROGRAMS["copy"].alphabet
        'abc*|'
        """
        sides = "".join(rule.pattern + rule.replacement for rule in self.rules)
        return "".join(dict.fromkeys(self.letters + sides))

    @property
    def form(self) -> str:
        """What its words are, in words.

        >>> PROGRAMS["unary-division"].form
        "0 or more of '1', then '/', then 1 or more of '1'"
        """
        return ", then ".join(operand.about() for operand in self.operands)

    def answer(self, word: str) -> str:
        """What a run on the word ends with, computed directly; ValueError if the program has no such word.

        >>> PROGRAMS["sort"].answer("dacb")
        'abcd'
        """
        found = re.fullmatch("".join(operand.expression() for operand in self.operands), word)
        parts = zip(self.operands, found.groups(), strict=True) if found else ()
        if found is None or any(operand.balanced and _matched(part) == "n" for operand, part in parts):
            raise ValueError(f"{self.name}: its words are {self.form}; got {word!r:.80}")
        return self.compute(word)

    def segments(self, length: tuple[int, int]) -> tuple[Segment, ...]:
        """The stretches of a word whose operands have from `length[0]` to `length[1]` letters.

        Where the program needs more letters than `length[0]`, the least is what it needs: one for a numeral.  Raises
        ValueError where no length remains, or the length is no range.
        """
        least, greatest = length
        if not 0 <= least <= greatest:
            raise ValueError(f"length must be [least, greatest] with 0 <= least <= greatest, got {[least, greatest]}")
        return tuple(self._segment(operand, least, greatest) for operand in self.operands)

    def _segment(self, operand: Operand, least: int, greatest: int) -> Segment:
        letters, fewest, first_not_zero, balanced, fixed = operand
        if fixed:
            return Segment(letters, 1, 1)
        low = max(least, fewest)
        if balanced:
            if (low + 1) // 2 > greatest // 2:
                raise ValueError(f"length: {self.name} needs words of an even length, got {[least, greatest]}")
            return Segment(letters, (low + 1) // 2, greatest // 2, balanced=True)
        if greatest < low:
            raise ValueError(f"length: {self.name} needs at least {fewest} letters, got {[least, greatest]}")
        return Segment(letters, low, greatest, first_not_zero)

    def max_steps(self, length: tuple[int, int]) -> int:
        """A bound on the steps of every word of such a length: any run ends within so many, the last one included.

        >>> PROGRAMS["sort"].max_steps((0, 50))
        1225
        """
        self.segments(length)
        return self.steps(length[1])

    def max_length(self, length: tuple[int, int]) -> int:
        """A bound in bytes on every word of every run that begins with a word of such a length.

        >>> PROGRAMS["binary-to-unary"].max_length((1, 10))
        1034
        """
        self.segments(length)
        return self.longest(length[1]) * max(len(letter.encode()) for letter in self.alphabet)


def _check_letters(letters: str, auxiliary: str, number: int) -> None:
    if not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters: must be different characters, at least one, got {letters!r}")
    if len(auxiliary) != number or len(set(auxiliary)) < number or not auxiliary.isprintable() or " " in auxiliary:
        raise ValueError(f"auxiliary: must be {number} different printable characters, got {auxiliary!r}")
    if both := [letter for letter in auxiliary if letter in letters]:
        raise ValueError(f"auxiliary: {both[0]!r} is a letter of the words, choose another character")


def _fixed(letter: str) -> Operand:
    return Operand(letter, fixed=True)


def _numeral() -> Operand:
    return Operand("01", 1, first_not_zero=True)


# -- words -----------------------------------------------------------------------------------------------------------


def reverse(letters: str = "abc", auxiliary: str = "*|") -> Program:
    """The word read backwards: a mark put in front takes the first letter to its place, until two marks meet."""
    _check_letters(letters, auxiliary, 2)
    mark, end = tuple(auxiliary)
    rules = [
        (mark + mark, end),
        *((end + x, x + end) for x in letters),
        (end + mark, end),
        (end, "", True),
        *((mark + x + y, y + mark + x) for x, y in product(letters, repeat=2)),
        ("", mark),
    ]
    return Program(
        "reverse", "the word read backwards", RuleSet(rules), (Operand(letters),),
        compute=lambda word: word[::-1],
        steps=lambda n: n * (n + 5) // 2 + 4,
        longest=lambda n: 2 * n + 2,
    )  # fmt: skip


def sort(letters: str = "abcd") -> Program:
    """The letters in the order of `letters`: neighbours in the wrong order change places."""
    _check_letters(letters, "", 0)
    rules = [(y + x, x + y) for i, x in enumerate(letters) for y in letters[i + 1 :]]
    return Program(
        "sort", "the word's letters in order", RuleSet(rules), (Operand(letters),),
        compute=lambda word: "".join(sorted(word, key=letters.index)),
        steps=lambda n: n * (n - 1) // 2,
        longest=lambda n: n,
    )  # fmt: skip


def copy(letters: str = "abc", auxiliary: str = "*|") -> Program:
    """The word twice: each letter is doubled, and the marked doubles move behind the letters."""
    _check_letters(letters, auxiliary, 2)
    mark, double = tuple(auxiliary)
    rules = [
        *((mark + x, x + double + x + mark) for x in letters),
        *((double + x + y, y + double + x) for x, y in product(letters, repeat=2)),
        (double, ""),
        (mark, "", True),
        ("", mark),
    ]
    return Program(
        "copy", "the word twice", RuleSet(rules), (Operand(letters),),
        compute=lambda word: word + word,
        steps=lambda n: n * (n + 3) // 2 + 2,
        longest=lambda n: 3 * n + 1,
    )  # fmt: skip


def mirror(letters: str = "ab", auxiliary: str = "*|") -> Program:
    """The word followed by its reverse: the scheme of Zhang, Wang and Charton (arXiv 2405.19787), written out.

    They give five rules with letter variables, αx -> xαβx, βxy -> yβx, αβx -> xα, α -> · and -> α; here each variable
    is every letter in turn, α the first and β the second auxiliary letter.
    """
    _check_letters(letters, auxiliary, 2)
    mark, double = tuple(auxiliary)
    rules = [
        *((mark + x, x + mark + double + x) for x in letters),
        *((double + x + y, y + double + x) for x, y in product(letters, repeat=2)),
        *((mark + double + x, x + mark) for x in letters),
        (mark, "", True),
        ("", mark),
    ]
    return Program(
        "mirror", "the word followed by its reverse", RuleSet(rules), (Operand(letters),),
        compute=lambda word: word + word[::-1],
        steps=lambda n: n * (n + 3) // 2 + 2,
        longest=lambda n: 3 * n + 1,
    )  # fmt: skip


def palindrome(letters: str = "ab", carriers: str = "AB", auxiliary: str = "*N", answers: str = "yn") -> Program:
    """Whether the word is its own reverse: its first letter is carried to the end and compared with the last."""
    _check_letters(letters, carriers + auxiliary + answers, len(letters) + 4)
    mark, no = tuple(auxiliary)
    carrier = dict(zip(letters, carriers, strict=True))
    rules = [
        *((carrier[x] + y, y + carrier[x]) for x, y in product(letters, repeat=2)),
        *((x + carrier[x], "") for x in letters),
        *((y + carrier[x], no) for x, y in product(letters, repeat=2) if x != y),
        *((x + no, no) for x in letters),
        (no, answers[1], True),
        *((carrier[x], answers[0], True) for x in letters),
        *((mark + x, carrier[x]) for x in letters),
        (mark, answers[0], True),
        ("", mark),
    ]
    return Program(
        "palindrome", "y if the word is its own reverse, else n", RuleSet(rules), (Operand(letters),),
        compute=lambda word: answers[word != word[::-1]],
        steps=lambda n: (n * n + 6 * n + 8) // 4,
        longest=lambda n: n + 1,
    )  # fmt: skip


_PARENTHESES = [("()", ""), ("N(", "N"), ("N)", "N"), ("N", "n", True), (")", "N"), ("(", "N"), ("", "y", True)]


def parentheses(balanced: bool = False) -> Program:
    """Whether the parentheses match: pairs vanish, and whatever is left makes the answer no.

    Few random words are balanced; with `balanced` all words of the program are.
    """
    return Program(
        "parentheses-balanced" if balanced else "parentheses",
        "y if the parentheses match (in these words they do)" if balanced else "y if the parentheses match, else n",
        RuleSet(_PARENTHESES), (Operand("()", balanced=balanced),),
        compute=_matched,
        steps=(lambda n: n // 2 + 1) if balanced else (lambda n: n + 1),
        longest=lambda n: max(n, 1),
    )  # fmt: skip


def _matched(word: str) -> str:
    depth = 0
    for letter in word:
        depth += 1 if letter == "(" else -1
        if depth < 0:
            return "n"
    return "y" if depth == 0 else "n"


# -- unary numbers ---------------------------------------------------------------------------------------------------


def unary_addition() -> Program:
    """The sum of two unary numbers: the sign between them is taken away."""
    return Program(
        "unary-addition", "the sum of two unary numbers", RuleSet([("+", "", True)]), _unary("+"),
        compute=lambda word: word.replace("+", ""),
        steps=lambda _: 1,
        longest=lambda n: 2 * n + 1,
    )  # fmt: skip


def unary_subtraction() -> Program:
    """The difference of two unary numbers, nothing where the second is greater: units vanish in pairs."""
    return Program(
        "unary-subtraction", "the difference of two unary numbers, nothing where it is negative",
        RuleSet([("1-1", "-"), ("-1", "-"), ("-", "", True)]), _unary("-"),
        compute=lambda word: "1" * (word.index("-") - (len(word) - 1 - word.index("-"))),
        steps=lambda n: n + 1,
        longest=lambda n: 2 * n + 1,
    )  # fmt: skip


def unary_multiplication() -> Program:
    """The product of two unary numbers: each unit of the second passes the first and leaves an x at every unit.

    In the end a cleaner C takes the first number away and turns each x into a unit.
    """
    rules = [
        ("1B", "Bx1"), ("xB", "Bx"), ("B", ""),
        ("*1", "B*"), ("*", "C"),
        ("1C", "C"), ("xC", "C1"), ("C", "", True),
    ]  # fmt: skip
    return Program(
        "unary-multiplication", "the product of two unary numbers", RuleSet(rules), _unary("*"),
        compute=lambda word: "1" * (word.index("*") * (len(word) - 1 - word.index("*"))),
        steps=lambda n: n * n * (n + 1) // 2 + n * n + 3 * n + 2,
        longest=lambda n: n * n + 2 * n + 1,
    )  # fmt: skip


def unary_division() -> Program:
    """Quotient and remainder of two unary numbers, the second at least 1.

    Each unit of the dividend, as y, marks a unit of the divisor with x.  When all are marked, z unmarks them and sends
    a q to the front.  In the end w looks for an unmarked unit: if there is none, the marked ones are one more q.
    """
    rules = [
        ("1q", "q1"),
        ("xz", "z1"), ("/z", "q/y"),
        ("yx", "xy"), ("y1", "x"), ("y", "z"),
        ("1/", "/y"), ("/", ",w"),
        ("wx", "xw"), ("w1", "v"), ("v1", "v"), ("v", ""),
        ("xw", "u"), ("xu", "u"), (",u", "p,"),
        ("q", "p"), ("p", "1"), ("x", "1"),
    ]  # fmt: skip

    def answer(word: str) -> str:
        dividend, divisor = map(len, word.split("/"))
        quotient, remainder = divmod(dividend, divisor)
        return "1" * quotient + "," + "1" * remainder

    return Program(
        "unary-division", "quotient and remainder of two unary numbers", RuleSet(rules), _unary("/", 1),
        compute=answer,
        steps=lambda n: n * (n + 13) // 2,
        longest=lambda n: 2 * n + 2,
    )  # fmt: skip


def unary_gcd() -> Program:
    """The greatest common divisor of two unary numbers, that of a number and 0 being the number.

    Units on both sides of the comma pair off: the pairs, as A, and what is left over, as B, are the next two numbers.
    """
    rules = [("1A", "A1"), ("1,1", "A,"), ("1,", ",B"), ("B", "1"), ("A", "C"), ("C", "1"), (",", "", True)]

    def answer(word: str) -> str:
        return "1" * gcd(*map(len, word.split(",")))

    return Program(
        "unary-gcd", "the greatest common divisor of two unary numbers", RuleSet(rules), _unary(","),
        compute=answer,
        steps=lambda n: n * n + 8 * n + 1,
        longest=lambda n: 2 * n + 1,
    )  # fmt: skip


def _unary(sign: str, least: int = 0) -> tuple[Operand, ...]:
    return Operand("1"), _fixed(sign), Operand("1", least)


# -- binary numbers --------------------------------------------------------------------------------------------------


def binary_to_unary() -> Program:
    """A binary numeral as so many strokes: a stroke that a digit passes becomes two.  Steps grow as 2^n."""
    return Program(
        "binary-to-unary", "a binary numeral as so many strokes",
        RuleSet([("1", "0|"), ("|0", "0||"), ("0", "")]), (_numeral(),),
        compute=lambda word: "|" * int(word, 2),
        steps=lambda n: 2**n - 1 + n,
        longest=lambda n: 2**n + n,
    )  # fmt: skip


def unary_to_binary() -> Program:
    """So many strokes, at least one, as a binary numeral: each stroke is a carry to the digits before it."""
    return Program(
        "unary-to-binary", "so many strokes as a binary numeral",
        RuleSet([("1|", "|0"), ("0|", "1"), ("|", "1")]), (Operand("|", 1),),
        compute=lambda word: f"{len(word):b}",
        steps=lambda n: 2 * n,
        longest=lambda n: n,
    )  # fmt: skip


def binary_increment() -> Program:
    """A binary numeral plus one: a mark goes to the end, and comes back as the carry."""
    rules = [
        ("0+", "1", True), ("1+", "+0"), ("+", "1", True),
        ("*0", "0*"), ("*1", "1*"), ("*", "+"), ("", "*"),
    ]  # fmt: skip
    return Program(
        "binary-increment", "a binary numeral plus one", RuleSet(rules), (_numeral(),),
        compute=lambda word: f"{int(word, 2) + 1:b}",
        steps=lambda n: 2 * n + 3,
        longest=lambda n: n + 1,
    )  # fmt: skip


def binary_addition() -> Program:
    """The sum of two binary numerals, digit by digit from the right.

    The last digit of the first number, as o (0) or i (1), goes to the end of the second; the two digits and the carry
    become a digit of the sum.  The mark before the sum is = without a carry and : with one.
    """
    travel = [(carried + x, x + carried) for carried in "oi" for x in "01"]
    add = [(x + "oi"[a] + "=:"[carry], _added(int(x) + a + carry)) for x in "01" for a in (0, 1) for carry in (0, 1)]
    second_used_up = [("+" + "oi"[a] + "=:"[c], "+" + _added(a + c)) for a in (0, 1) for c in (0, 1)]
    first_used_up = [(x + "=:"[carry], _added(int(x) + carry)) for x in "01" for carry in (0, 1)]
    rules = [
        *travel, *add, *second_used_up, ("o", "o="), ("i", "i="),
        ("0+", "+o"), ("1+", "+i"), *first_used_up, ("+=", "", True), ("+:", "1", True),
    ]  # fmt: skip

    def answer(word: str) -> str:
        first, second = word.split("+")
        return f"{int(first, 2) + int(second, 2):b}"

    return Program(
        "binary-addition", "the sum of two binary numerals", RuleSet(rules), (_numeral(), _fixed("+"), _numeral()),
        compute=answer,
        steps=lambda n: n * (n + 5) // 2 + 2,
        longest=lambda n: 2 * n + 2,
    )  # fmt: skip


def _added(total: int) -> str:
    """The mark of the carry, and the digit of the sum."""
    return "=:"[total // 2] + "01"[total % 2]


def binary_comparison() -> Program:
    """Whether the first of two binary numerals is less (<), equal (=) or greater (>).

    Digits meet as in the addition.  Where they differ they leave < or >, and of two such signs the left one stays: it
    is of the more significant digits.  A number that still has digits when the other has none is the greater.
    """
    rules = [
        *((x + y, x) for x in "<>" for y in "<>"),
        *((carried + x, x + carried) for carried in "oi" for x in "01"),
        ("0o", ""), ("1i", ""), ("1o", "<"), ("0i", ">"), ("?o", "?>"), ("?i", "?>"),
        ("0?", "?o"), ("1?", "?i"),
        ("?1", "?<"), ("<0", "<"), ("<1", "<"),
        ("?<", "<", True), ("?>", ">", True), ("?", "=", True),
    ]  # fmt: skip

    def answer(word: str) -> str:
        first, second = (int(numeral, 2) for numeral in word.split("?"))
        return "<" if first < second else ">" if first > second else "="

    return Program(
        "binary-comparison", "<, = or > between two binary numerals", RuleSet(rules),
        (_numeral(), _fixed("?"), _numeral()),
        compute=answer,
        steps=lambda n: n * (n + 7) // 2,
        longest=lambda n: 2 * n + 1,
    )  # fmt: skip


# -- machines --------------------------------------------------------------------------------------------------------


def turing_increment() -> Program:
    """A binary numeral plus one, by a Turing machine compiled to rules."""
    return Program(
        "turing-increment", "a binary numeral plus one, by a Turing machine",
        machines.compile_turing_machine(machines.BINARY_INCREMENT, "R", "H", "_"), (_numeral(),),
        compute=lambda word: f"{int(word, 2) + 1:b}",
        steps=lambda n: 3 * n + 12,
        longest=lambda n: n + 3,
    )  # fmt: skip


def turing_parity() -> Program:
    """1 if a unary number is odd, else 0, by a Turing machine compiled to rules."""
    return Program(
        "turing-parity", "1 if a unary number is odd, else 0, by a Turing machine",
        machines.compile_turing_machine(machines.UNARY_PARITY, "E", "H", "_"), (Operand("1"),),
        compute=lambda word: str(len(word) % 2),
        steps=lambda n: 3 * n + 7,
        longest=lambda n: n + 2,
    )  # fmt: skip


def busy_beaver() -> Program:
    """The busy beaver of three states, compiled to rules and run on a blank tape of so many zeros: six ones."""
    return Program(
        "busy-beaver", "six ones, by the busy beaver of three states",
        machines.compile_turing_machine(machines.BUSY_BEAVER, "A", "H", "0"), (Operand("0"),),
        compute=lambda _: "111111",
        steps=lambda n: 2 * n + 28,
        longest=lambda n: n + 7,
    )  # fmt: skip


def _by_name(*programs: Program) -> dict[str, Program]:
    return {program.name: program for program in programs}


def _of_name(name: str) -> Program:
    return PROGRAMS[name]


PROGRAMS: dict[str, Program] = _by_name(
    reverse(), sort(), copy(), mirror(), palindrome(), parentheses(), parentheses(balanced=True),
    unary_addition(), unary_subtraction(), unary_multiplication(), unary_division(), unary_gcd(),
    unary_to_binary(), binary_to_unary(), binary_increment(), binary_addition(), binary_comparison(),
    turing_increment(), turing_parity(), busy_beaver(),
)  # fmt: skip
