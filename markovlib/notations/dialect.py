"""Notations that write one rule a line and differ in small choices: one reader and one writer for all of them.

Each choice is a field of `Dialect`, so that two notations that look alike show where they part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from markovlib.notations.source import (
    BLANKS,
    InputWord,
    Item,
    Line,
    Notation,
    Options,
    TextRule,
    each_rule,
    missing_arrow,
)

Parts = tuple[list[Line], list[tuple[int, InputWord]]]
"""A file's lines that may hold rules, and its input words."""

HASH = {"hash": ("letter", "comment")}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The choices of a notation with one rule a line.

    `ordinary`, `terminal`: its arrows; the leftmost one counts, at one place the longest.
    `blanks`: what spaces and tabs around and inside a side are: "kept" letters, "trimmed" from both ends of a side,
    "removed" everywhere, or an "error" (a side is then one word).
    `spaced`: an arrow has a blank, or the line's end, on either side.
    `dot`: where the dot of a terminal rule stands in its replacement.
    `empty`: what may be written for an empty side; `must_fill` if an empty side cannot be written as nothing.
    `dropped`: letters that are taken out of every rule.
    `comments`: signs that begin a comment line; `cut`: signs that begin a comment anywhere.
    `hash`: what '#' is: a "letter"; a "comment" at a line's beginning and an error elsewhere; or "either", a comment
    in a line without an arrow and else an error.  The option `hash=` settles the errors.
    `stray`: whether a line without an arrow is an error or skipped.
    `alphabets`: names X of lines `X = {...}`, which are skipped.
    `prompt`: what each line begins with.
    `keywords`: texts of the notation that ordered rules cannot say, each an error.
    `escapes`: letters by the letter after a backslash.
    `split`, `begin`: what surrounds the rules in a file, read and written.
    """

    ordinary: tuple[str, ...] = ("->",)
    terminal: tuple[str, ...] = ()
    blanks: Literal["kept", "trimmed", "removed", "error"] = "trimmed"
    spaced: bool = False
    dot: Literal["", "first", "last", "anywhere", "alone"] = ""
    empty: tuple[str, ...] = ()
    must_fill: bool = False
    dropped: str = ""
    comments: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    hash: Literal["letter", "comment", "either"] = "letter"
    stray: Literal["error", "skip", "skip if tight"] = "error"
    alphabets: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    escapes: Mapping[str, str] = field(default_factory=dict)
    split: Callable[[Dialect, list[Line]], Parts] | None = None
    begin: Callable[[Sequence[TextRule]], str] | None = None


class Arrow(NamedTuple):
    start: int
    end: int
    terminal: bool


def notation(about: str, dialect: Dialect, suffix: str | None = None) -> Notation:
    def parse(lines: Iterable[Line], options: Options) -> Iterator[Item]:
        if dialect.split is None:
            return rules_of(dialect, lines, options)
        rule_lines, words = dialect.split(dialect, list(lines))
        return iter([*words, *rules_of(dialect, rule_lines, options)])

    def format(rules: Sequence[TextRule], options: Options) -> str:
        begin = dialect.begin(rules) if dialect.begin else ""
        return begin + each_rule(lambda rule: write_rule(dialect, rule))(rules, options)

    options = {} if dialect.hash == "letter" else HASH
    return Notation(about, parse, format, suffix, options)


def rules_of(dialect: Dialect, lines: Iterable[Line], options: Options) -> Iterator[Item]:
    return ((line.number, rule) for line in lines if (rule := read_rule(dialect, line, options)) is not None)


# --- reading ------------------------------------------------------------------------------------------------


def read_rule(dialect: Dialect, line: Line, options: Options) -> TextRule | None:
    line = without_comments(dialect, line, options)
    if not line.text.strip(BLANKS):
        return None
    begin = 0
    if dialect.prompt:
        if not line.text.startswith(dialect.prompt):
            raise line.error(0, f"each line of this notation begins with '{dialect.prompt}'")
        begin = len(dialect.prompt)
    for word in dialect.keywords:
        if (place := line.text.find(word)) >= 0:
            raise line.error(place, f"the keyword {word}: ordered rules have no way to say it")
    arrow = find_arrow(dialect, line.text, begin)
    if arrow is None:
        refuse_stray(dialect, line)
        return None
    if (second := find_arrow(dialect, line.text, arrow.end)) is not None:
        raise line.error(second.start, "a second arrow: this notation has no way to write an arrow inside a side")
    pattern = read_side(dialect, line, begin, arrow.start)
    if (at := stated_dot(dialect, line, arrow)) is not None:
        left = read_side(dialect, line, arrow.end, at)
        right = read_side(dialect, line, at + 1, len(line.text))
        replacement, terminal = left + right, True
    else:
        replacement, terminal = read_side(dialect, line, arrow.end, len(line.text)), arrow.terminal
    return whole(dialect, line, arrow.start, pattern), whole(dialect, line, len(line.text), replacement), terminal


def is_comment(dialect: Dialect, text: str) -> bool:
    content = text.strip(BLANKS)
    return not content or content.startswith(dialect.comments)


def without_comments(dialect: Dialect, line: Line, options: Options) -> Line:
    if is_comment(dialect, line.text):
        return line._replace(text="")
    for sign in dialect.cut:
        line = line._replace(text=line.text.partition(sign)[0])
    if dialect.hash == "letter" or (at := line.text.find("#")) < 0:
        return line
    first = not line.text[:at].strip(BLANKS)
    if first and (dialect.hash == "comment" or find_arrow(dialect, line.text, 0) is None):
        return line._replace(text="")
    if "hash" not in options and (first or dialect.hash == "comment"):
        raise line.error(
            at, "'#' may be a letter or begin a comment here: state the option hash=letter or hash=comment"
        )
    return line._replace(text=line.text[:at]) if options.get("hash") == "comment" else line


def refuse_stray(dialect: Dialect, line: Line) -> None:
    content = line.text.strip(BLANKS)
    if is_alphabet(dialect, content) or dialect.stray == "skip":
        return
    if dialect.stray == "skip if tight" and len(content.split()) == 1:
        return
    blank = " " if dialect.spaced else ""
    ordinary = f"{blank}{dialect.ordinary[0]}{blank}"
    terminal = f"{blank}{dialect.terminal[0]}{blank}" if dialect.terminal else None
    raise missing_arrow(line, ordinary, f"{ordinary}." if dialect.dot and terminal is None else terminal)


def is_alphabet(dialect: Dialect, content: str) -> bool:
    name, equals, rest = content.partition("=")
    rest = rest.strip(BLANKS)
    return bool(equals) and name.strip(BLANKS) in dialect.alphabets and rest[:1] == "{" and rest[-1:] == "}"


def find_arrow(dialect: Dialect, text: str, start: int) -> Arrow | None:
    """The leftmost arrow from `start` on, the longest of those that begin there."""
    found: Arrow | None = None
    for signs, terminal in ((dialect.ordinary, False), (dialect.terminal, True)):
        for sign in signs:
            at = find_sign(dialect, text, sign, start)
            if at >= 0 and (found is None or (at, -len(sign)) < (found.start, found.start - found.end)):
                found = Arrow(at, at + len(sign), terminal)
    return found


def find_sign(dialect: Dialect, text: str, sign: str, start: int) -> int:
    at = text.find(sign, start)
    while at >= 0 and (
        (dialect.spaced and not (is_edge(text, at - 1) and is_edge(text, at + len(sign))))
        or (dialect.escapes and is_escaped(text, at))
    ):
        at = text.find(sign, at + 1)
    return at


def is_edge(text: str, index: int) -> bool:
    return index < 0 or index >= len(text) or text[index] in BLANKS


def is_escaped(text: str, index: int) -> bool:
    """True after an odd number of backslashes; `index` is at a sign, so each backslash is looked at once."""
    before = index
    while before > 0 and text[before - 1] == "\\":
        before -= 1
    return (index - before) % 2 == 1


def stated_dot(dialect: Dialect, line: Line, arrow: Arrow) -> int | None:
    """The index of the dot that makes a rule terminal, or None; raises where a dot could be one and is not."""
    text = line.text
    begin, end = arrow.end, len(text)
    if dialect.blanks != "kept":
        begin += len(text[begin:]) - len(text[begin:].lstrip(BLANKS))
        end = len(text.rstrip(BLANKS))
    at = text.find(".", begin, end)
    if at < 0:
        return None
    if dialect.dot == "first":
        return begin if at == begin else None
    if dialect.dot == "last":
        return end - 1 if text[end - 1] == "." else None
    if dialect.dot in ("anywhere", "alone"):
        other = text.find(".", at + 1, end)
        if dialect.dot == "alone" and (begin, end) != (at, at + 1):
            raise line.error(at, "a dot makes a rule terminal only where it is the whole replacement")
        if other >= 0:
            raise line.error(other, "a second dot: one dot makes the rule terminal, and no dot can be written")
        return at
    if at == begin and "->" in dialect.ordinary:
        said = (
            "'->.' stands for a terminal rule" if "->." in dialect.terminal else "this notation has no terminal rules"
        )
        raise line.error(at, f"a dot before the replacement: {said}, and a dot cannot begin a replacement")
    return None


def read_side(dialect: Dialect, line: Line, start: int, end: int) -> str:
    """The letters of line[start:end], blanks and escapes read."""
    side = line.text[start:end]
    if dialect.blanks == "removed":
        side = side.replace(" ", "").replace("\t", "")
    elif dialect.blanks != "kept":
        side = side.strip(BLANKS)
    if dialect.blanks == "error":
        for blank in BLANKS:
            if (at := side.find(blank)) >= 0:
                raise line.error(line.text.index(side, start) + at, "a blank inside a side: a side is one word")
    for letter in dialect.dropped:
        side = side.replace(letter, "")
    return unescape(dialect, line, start, side) if dialect.escapes and "\\" in side else side


def unescape(dialect: Dialect, line: Line, start: int, side: str) -> str:
    first, *rest = side.split("\\")
    pieces = [first]
    index = 0
    while index < len(rest):
        piece = rest[index]
        if not piece and index + 1 < len(rest) and "\\" in dialect.escapes:
            pieces += "\\", rest[index + 1]
            index += 2
            continue
        if piece[:1] not in dialect.escapes or not piece:
            known = " ".join("\\" + name for name in dialect.escapes)
            raise line.error(line.text.index("\\", start), f"no such escape: the escapes are {known}")
        pieces += dialect.escapes[piece[0]], piece[1:]
        index += 1
    return "".join(pieces)


def whole(dialect: Dialect, line: Line, index: int, side: str) -> str:
    """The side that stands there: the empty word where its sign does."""
    if side in dialect.empty:
        return ""
    if not side and dialect.must_fill:
        raise line.error(min(index, len(line.text)), f"an empty side: write '{dialect.empty[0]}' for the empty word")
    return side


# --- writing ------------------------------------------------------------------------------------------------


def write_rule(dialect: Dialect, rule: TextRule) -> str:
    pattern, replacement, terminal = rule
    sign = dialect.empty[0] if dialect.empty else ""
    left, right = (escape(dialect, side) or sign for side in (pattern, replacement))
    arrow = dialect.ordinary[0]
    if terminal and dialect.terminal:
        arrow = dialect.terminal[0]
    elif terminal and dialect.dot:
        right = right + "." if dialect.dot == "last" else "." + right
    elif terminal:
        raise ValueError("this notation has no terminal rules")
    if dialect.blanks == "trimmed" or dialect.spaced:
        return dialect.prompt + f"{left} {arrow} {right}".strip(" ")
    return f"{dialect.prompt}{left}{arrow}{right}"


def escape(dialect: Dialect, side: str) -> str:
    if not dialect.escapes:
        return side
    names = {letter: "\\" + name for name, letter in dialect.escapes.items()}
    return "".join(names.get(letter, letter) for letter in side)


# --- what surrounds the rules -------------------------------------------------------------------------------


def two_alphabets(dialect: Dialect, lines: list[Line]) -> Parts:
    for line in lines[:2]:
        if (arrow := find_arrow(dialect, line.text, 0)) is not None:
            raise line.error(arrow.start, "the first two lines are the alphabets, and hold no rule")
    return lines[2:], []


def write_alphabets(rules: Sequence[TextRule]) -> str:
    """The rules' own letters, twice; from the last to the first, so that they do not spell '->'."""
    letters = {letter for pattern, replacement, _ in rules for letter in pattern + replacement}
    line = "".join(sorted(letters - set(" \t\r\n\ufeff"), reverse=True))
    return f"{line}\n{line}\n"


def input_first(dialect: Dialect, lines: list[Line]) -> Parts:
    if lines and (arrow := find_arrow(dialect, lines[0].text, 0)) is not None:
        raise lines[0].error(arrow.start, "the first line is the input word, and holds no rule")
    return lines[1:], [(line.number, InputWord(line.text)) for line in lines[:1]]


def input_before_rules(dialect: Dialect, lines: list[Line]) -> Parts:
    """The first line that is no comment is the input, unless it holds an arrow."""
    for index, line in enumerate(lines):
        if not is_comment(dialect, line.text):
            if find_arrow(dialect, line.text, 0) is not None:
                break
            return lines[index + 1 :], [(line.number, InputWord(line.text))]
    return lines, []


def input_last(dialect: Dialect, lines: list[Line]) -> Parts:
    """The last line that is no comment is the input, unless it holds an arrow."""
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if not is_comment(dialect, line.text) and not line.text.lstrip(BLANKS).startswith("#"):
            if find_arrow(dialect, line.text, 0) is not None:
                break
            return lines[:index], [(line.number, InputWord(line.text))]
    return lines, []
