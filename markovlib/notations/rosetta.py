"""Rosetta Code's notation, of the task "Execute a Markov algorithm"."""

from __future__ import annotations

from collections.abc import Sequence

from markovlib.notations.source import (
    BLANKS,
    BOM,
    Line,
    Notation,
    NotationError,
    Options,
    TextRule,
    each_line,
    each_rule,
    missing_arrow,
)


def rosetta_arrow(text: str) -> int:
    """The index of the first '->' with a blank before it and a blank or the line's end after it, or -1."""
    index = text.find("->")
    while index >= 0:
        if index > 0 and text[index - 1] in BLANKS and text[index + 2 : index + 3] in ("", " ", "\t"):
            return index
        index = text.find("->", index + 1)
    return -1


def read_rosetta(line: Line) -> TextRule | None:
    text = line.text
    if text.startswith("#") or not text.strip(BLANKS):
        return None
    arrow = rosetta_arrow(text)
    if arrow < 0:
        raise rosetta_mistake(line)
    replacement = text[arrow + 2 :].lstrip(BLANKS)
    terminal = replacement.startswith(".")
    return text[:arrow].rstrip(BLANKS), replacement[terminal:], terminal


def rosetta_mistake(line: Line) -> NotationError:
    text = line.text
    indent = len(text) - len(text.lstrip(BLANKS))
    arrow = text.find("->")
    if text[indent] == "#":
        return line.error(indent, "a comment's '#' stands in the first column: remove the blanks before it")
    if arrow < 0:
        return missing_arrow(line, " -> ", " -> .")
    if text[arrow + 2 : arrow + 3] == ".":
        return line.error(arrow, "the dot of a terminal rule stands before the replacement: write ' -> .replacement'")
    return line.error(arrow, "'->' needs a blank (space or tab) on both sides, before an empty pattern's arrow too")


def write_rosetta(rule: TextRule) -> str:
    pattern, replacement, terminal = rule
    if (reason := rosetta_refusal(pattern, replacement, terminal)) is not None:
        raise ValueError(f"{reason}; notation 'arrow' can write it")
    return f"{pattern} -> {'.' if terminal else ''}{replacement}"


def rosetta_refusal(pattern: str, replacement: str, terminal: bool) -> str | None:
    for name, side in (("pattern", pattern), ("replacement", replacement)):
        if "\n" in side or "\r" in side:
            return f"the {name} holds a line end, which notation 'rosetta' has no escape for"
    if pattern.startswith("#"):
        return "the pattern begins with '#', which notation 'rosetta' reads as a comment"
    if pattern.endswith((" ", "\t")):
        return "the pattern ends with a blank, which notation 'rosetta' reads as part of the arrow"
    if rosetta_arrow(pattern) >= 0:
        return "the pattern holds '->' after a blank, which notation 'rosetta' reads as the arrow"
    if not terminal and replacement.startswith("."):
        return "the replacement begins with '.', which notation 'rosetta' reads as the mark of a terminal rule"
    if not terminal and replacement.startswith((" ", "\t")):
        return "the replacement begins with a blank, which notation 'rosetta' reads as part of the arrow"
    return None


def format_rosetta(rules: Sequence[TextRule], options: Options) -> str:
    text = each_rule(write_rosetta)(rules, options)
    # An empty comment keeps a pattern's own U+FEFF from being taken for the file's byte order mark.
    return f"#\n{text}" if text.startswith(BOM) else text


NOTATIONS = {
    "rosetta": Notation(
        "p -> r, terminal p -> .r; '#' comments (Rosetta Code)", each_line(read_rosetta), format_rosetta, ".rosetta"
    ),
}
