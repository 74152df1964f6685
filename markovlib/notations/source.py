"""What every notation reads from and reports to: lines, their errors, and what was found in them.

Inside this package every rule is `str`: bytes are decoded as UTF-8 with `surrogateescape`, which loses
nothing and leaves all syntax (it is ASCII) where it was, so each notation is written once for text and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

TextRule = tuple[str, str, bool]
BytesRule = tuple[bytes, bytes, bool]
Kind = Literal["text", "bytes"]
Options = Mapping[str, str]

BLANKS = " \t"
BOM = "\ufeff"

Argument = Literal["notation", "kind", "max_bytes"]
"""An argument of `load_rules` that may have to be another one for a file to be read."""

ADVICE: Mapping[Argument, str] = {
    "notation": "pass notation=",
    "kind": "read it as bytes (kind='bytes')",
    "max_bytes": "raise max_bytes to read it",
}
"""What a NotationError says of such an argument."""


class NotationError(ValueError):
    """A rule file that cannot be read; its text is `file:line:column: message`.

    `path` is the file, or `<string>`; `line` and `column` count from 1, the column in characters of the line
    (an undecodable byte counts as one, a byte order mark as none); `message` says what is wrong and what to
    write.  `argument` is the argument of `load_rules` that would help, of which the message's end speaks, or None.

    >>> from markovlib.notations import parse
    >>> try:
    ...     parse("a -> b\\na => b", "arrow")
    ... except NotationError as error:
    ...     print(error)
    <string>:2:3: '=>' is not this notation's arrow: write '->', or '->.' for a terminal rule
    """

    def __init__(self, path: str, line: int, column: int, message: str, argument: Argument | None = None) -> None:
        super().__init__(path, line, column, message, argument)
        self.path = path
        self.line = line
        self.column = column
        self.argument = argument
        self._begin = message

    @property
    def message(self) -> str:
        return self._worded(ADVICE)

    def sentence(self, advice: Mapping[Argument, str] = ADVICE) -> str:
        """Place and message; `advice` is what is said of each argument where people read it."""
        return f"{self.path}:{self.line}:{self.column}: {self._worded(advice)}"

    def _worded(self, advice: Mapping[Argument, str]) -> str:
        return self._begin + (advice[self.argument] if self.argument else "")

    def __str__(self) -> str:
        return self.sentence()


class Line(NamedTuple):
    """One line of a rule file, without its line end; `kind` says what its letters are."""

    path: str
    number: int
    text: str
    kind: Kind

    def error(self, index: int, message: str) -> NotationError:
        """The error of the letter at `index`, which counts from 0."""
        return NotationError(self.path, self.number, index + 1, message)


class InputWord(NamedTuple):
    """A word that a file names as its program's input, beside the rules."""

    text: str


Item = tuple[int, TextRule | InputWord]


@dataclass(frozen=True, slots=True)
class Notation:
    """How rules are written: `parse` reads all lines of a file and gives each rule, and each input word that the
    file names, with the number of its line; `format` writes all rules as one text.

    `format` raises ValueError for a rule that the notation has no way to write.  `options` are those that may be
    given after the notation's name, each with its values, or None where any value will do.
    """

    about: str
    parse: Callable[[Iterable[Line], Options], Iterator[Item]]
    format: Callable[[Sequence[TextRule], Options], str]
    suffix: str | None = None
    options: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)


def each_line(
    read: Callable[[Line], TextRule | None],
) -> Callable[[Iterable[Line], Options], Iterator[Item]]:
    """A notation's `parse` from a reader of single lines, which returns None where a line holds no rule."""

    def parse_lines(lines: Iterable[Line], _options: Options) -> Iterator[Item]:
        return ((line.number, rule) for line in lines if (rule := read(line)) is not None)

    return parse_lines


def each_rule(write: Callable[[TextRule], str]) -> Callable[[Sequence[TextRule], Options], str]:
    """A notation's `format` from a writer of single rules, which raises ValueError(reason) to refuse one."""

    def format_rules(rules: Sequence[TextRule], _options: Options) -> str:
        lines = []
        for number, rule in enumerate(rules, 1):
            try:
                lines.append(write(rule) + "\n")
            except ValueError as reason:
                raise ValueError(f"rule {number}: {reason}") from None
        return "".join(lines)

    return format_rules


# The arrows of other tools, in the order in which a line without the right one is searched for them.
FOREIGN_ARROWS = ("->", "=>", "→", "↦", "⇒", "⟶", "–>", "—>", "- >", "::", ":", "=", ">")


def missing_arrow(line: Line, ordinary: str, terminal: str | None) -> NotationError:
    """The error of a rule line without an arrow, at the other tool's arrow or else at the line's end."""
    advice = f"write '{ordinary}'" + (f", or '{terminal}' for a terminal rule" if terminal else "")
    for sign in FOREIGN_ARROWS:
        if (index := line.text.find(sign)) >= 0:
            return line.error(index, f"'{sign}' is not this notation's arrow: {advice}")
    return line.error(len(line.text.rstrip(BLANKS)), f"no arrow between pattern and replacement: {advice}")
