"""Notations whose lines are split into fields: no arrow, quotes or columns instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from markovlib.notations.source import BLANKS, Item, Line, Notation, Options, TextRule, each_line, each_rule

# --- columns: "p r", terminal "p r." ------------------------------------------------------------------------


def parse_columns(lines: Iterable[Line], options: Options) -> Iterator[Item]:
    blank = "" if options.get("underscore") == "empty" else " "
    for line in lines:
        words = line.text.split()
        if not words:
            continue
        if len(words) != 2:
            raise line.error(0, f"{len(words)} words: a rule is a pattern, blanks, and a replacement")
        pattern, replacement = words
        terminal = replacement.endswith(".")
        replacement = replacement[: len(replacement) - terminal]
        yield (
            line.number,
            (blank if pattern == "_" else pattern, blank if replacement == "_" else replacement, terminal),
        )


def format_columns(rules: Iterable[TextRule], options: Options) -> str:
    blank = "" if options.get("underscore") == "empty" else " "

    def write(rule: TextRule) -> str:
        pattern, replacement, terminal = rule
        left = "_" if pattern == blank else pattern
        right = "_" if replacement == blank and (replacement or not terminal) else replacement
        return f"{left} {right}{'.' * terminal}"

    return each_rule(write)(list(rules), options)


# --- flags: "p-r-0", terminal "p-r-1"; semicolons: "p;r;", terminal "p;r;final" -----------------------------


def separated(
    sign: str, marks: tuple[str, str], empty: str
) -> tuple[Callable[[Line], TextRule | None], Callable[[TextRule], str]]:
    """The reader of a line of three fields and the writer of one; the last field says whether the rule is terminal."""

    def read(line: Line) -> TextRule | None:
        if not line.text.strip(BLANKS):
            return None
        parts = line.text.split(sign, 3)
        if len(parts) != 3:
            raise line.error(
                0,
                f"not three fields: write pattern{sign}replacement{sign} and then {marks[0] or 'nothing'}, "
                f"or {marks[1]} for a terminal rule",
            )
        pattern, replacement, mark = parts
        if mark not in marks:
            message = f"the last field is {marks[0] or 'empty'}, or {marks[1]} for a terminal rule"
            raise line.error(len(pattern) + len(replacement) + 2, message)
        pattern, replacement = ("" if empty and side == empty else side for side in (pattern, replacement))
        return pattern, replacement, mark == marks[1]

    def write(rule: TextRule) -> str:
        pattern, replacement, terminal = rule
        return sign.join((pattern or empty, replacement or empty, marks[terminal]))

    return read, write


READ_FLAGS, WRITE_FLAGS = separated("-", ("0", "1"), "\\0")
READ_FINAL, WRITE_FINAL = separated(";", ("", "final"), "")


# --- quoted: "p" -> "r", terminal "p" ->* "r" ---------------------------------------------------------------


def read_quoted(line: Line) -> TextRule | None:
    text = line.text.strip(BLANKS)
    if not text:
        return None
    indent = line.text.index(text[0])
    close = text.find('"', 1)
    if text[0] != '"' or close < 0:
        raise line.error(indent, 'the pattern stands between double quotes: "p" -> "r"')
    rest = text[close + 1 :].lstrip(BLANKS)
    if not rest.startswith("->"):
        raise line.error(
            indent + len(text) - len(rest), "no arrow after the pattern: write '->', or '->*' for a terminal rule"
        )
    terminal = rest.startswith("->*")
    right = rest[2 + terminal :].lstrip(BLANKS)
    if right and not (len(right) > 1 and right[0] == right[-1] == '"' and right.count('"') == 2):
        raise line.error(
            indent + len(text) - len(right), "the replacement stands between double quotes, or is left out if empty"
        )
    return text[1:close], right[1:-1], terminal


def write_quoted(rule: TextRule) -> str:
    pattern, replacement, terminal = rule
    return f'"{pattern}" {"->*" if terminal else "->"} "{replacement}"'


NOTATIONS = {
    "columns": Notation(
        "p r, terminal p r. with the dot last; _ is one space (underscore=empty: the empty word)",
        parse_columns,
        format_columns,
        options={"underscore": ("space", "empty")},
    ),
    "flags": Notation("p-r-0, terminal p-r-1; \\0 is the empty word", each_line(READ_FLAGS), each_rule(WRITE_FLAGS)),
    "markalgo": Notation("p;r; and terminal p;r;final (markalgo)", each_line(READ_FINAL), each_rule(WRITE_FINAL)),
    "quoted": Notation('"p" -> "r", terminal "p" ->* "r"; no escapes', each_line(read_quoted), each_rule(write_quoted)),
}
