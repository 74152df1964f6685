"""The library's own notation, which can write every rule set."""

from __future__ import annotations

import re

from markovlib.notations.source import BLANKS, Line, Notation, TextRule, each_line, each_rule, missing_arrow

# Letters that are hard to see or to tell from a blank.  The list is fixed (not Unicode's tables, which grow
# with each Python), so that a file reads the same everywhere.
CONTROL = r"\x00-\x1f\x7f"
INVISIBLE = r"\x80-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb"
UNDECODABLE = r"\udc80-\udcff"

NEVER_BARE = {
    "text": re.compile(rf'["\\#{CONTROL}{INVISIBLE}]'),
    "bytes": re.compile(rf'["\\#{CONTROL}]'),
}
NEEDS_QUOTES = re.compile(rf'["\\#{CONTROL}{INVISIBLE}{UNDECODABLE}]|->|  |^ | $')
ESCAPED = re.compile(rf'["\\{CONTROL}{INVISIBLE}{UNDECODABLE}]')
PLAIN = re.compile(rf'[^"\\{CONTROL}]*')
ESCAPE = re.compile(r'\\(?:([ntr"\\])|x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\})')
COMMENT = re.compile(r"#+(?:$|[ \t](?![ \t]*->))")

SHORT_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
SHORT_NAMES = {letter: f"\\{name}" for name, letter in SHORT_ESCAPES.items()}
KNOWN_ESCAPES = r"\n \t \r \\ \" \xHH \u{H...}"


def read_arrow(line: Line) -> TextRule | None:
    text = line.text
    start = after_blanks(text, 0)
    if start == len(text) or (text[start] == "#" and is_comment(line, start)):
        return None
    pattern, arrow = arrow_pattern(line, start)
    terminal = text.startswith(".", arrow + 2)
    return pattern, arrow_replacement(line, arrow + 2 + terminal), terminal


def after_blanks(text: str, index: int) -> int:
    while index < len(text) and text[index] in BLANKS:
        index += 1
    return index


def is_comment(line: Line, start: int) -> bool:
    """True for a comment that cannot be meant as a rule about the letter '#'; raises where it could be."""
    if COMMENT.match(line.text, start) or "->" not in line.text:
        return True
    raise line.error(
        start,
        "either a comment or a rule about the letter '#': write the letter in quotes, as in \"#\" -> x, "
        "or the comment as '# ' and a word",
    )


def arrow_pattern(line: Line, start: int) -> tuple[str, int]:
    """The pattern that begins at `start`, and the index of the arrow after it."""
    text = line.text
    if text[start] == '"':
        pattern, end = quoted_side(line, start)
        arrow = after_blanks(text, end)
        if not text.startswith("->", arrow):
            raise line.error(arrow, "no arrow after the quoted pattern: write '->', or '->.' for a terminal rule")
        return pattern, arrow
    arrow = text.find("->", start)
    if arrow < 0:
        raise missing_arrow(line, "->", "->.")
    if arrow > start and text[arrow - 1] == "-":
        message = "'-->' is not an arrow: write '->', with a blank before it if the pattern ends with '-'"
        raise line.error(arrow - 1, message)
    return bare_side(line, start, arrow), arrow


def arrow_replacement(line: Line, start: int) -> str:
    """The replacement in the rest of the line, from the index after the arrow."""
    text = line.text
    if text.startswith(">", start):
        message = "'->>' is not an arrow: write '->', with a blank after it if the replacement begins with '>'"
        raise line.error(start - 2, message)
    begin = after_blanks(text, start)
    if text.startswith('"', begin):
        replacement, end = quoted_side(line, begin)
        if (rest := after_blanks(text, end)) < len(text):
            raise line.error(rest, "nothing may follow the quoted replacement; a comment needs a line of its own")
        return replacement
    if (second := text.find("->", begin)) >= 0:
        raise line.error(second, "a second arrow: write a side that holds '->' in quotes, or one rule a line")
    if text.startswith(".", begin):
        raise line.error(
            begin,
            "a dot before the replacement: write '->.' for a terminal rule, or quote the letter, as in \".\"",
        )
    return bare_side(line, begin, len(text))


def bare_side(line: Line, start: int, end: int) -> str:
    """The unquoted side text[start:end], blanks after it removed."""
    side = line.text[start:end].rstrip(BLANKS)
    if (found := NEVER_BARE[line.kind].search(side)) is None:
        return side
    index, letter = start + found.start(), found[0]
    if letter == "#":
        raise line.error(
            index,
            "'#' is a letter only inside quotes, as in \"#\", and a comment only at the beginning of a line",
        )
    if letter == '"':
        raise line.error(index, r"a quote inside an unquoted side: quote the whole side and write the letter as \"")
    if letter == "\\":
        raise line.error(index, r'escapes stand only inside quotes, as in "\n", where the letter \ is "\\"')
    raise line.error(index, f"an invisible letter: write the side in quotes and the letter as {escape(letter)}")


def quoted_side(line: Line, start: int) -> tuple[str, int]:
    """The side whose opening quote is at `start`, and the index after its closing quote."""
    text = line.text
    pieces = []
    index = start + 1
    while True:
        plain = PLAIN.match(text, index)
        assert plain is not None
        pieces.append(plain[0])
        index = plain.end()
        if index == len(text):
            raise line.error(start, r'this quote is never closed: write " at the end of the side (inside it, \")')
        if text[index] == '"':
            return "".join(pieces), index + 1
        if text[index] != "\\":
            raise line.error(index, f"a control letter: write it as {escape(text[index])}")
        letter, index = escaped_letter(line, index)
        pieces.append(letter)


def escaped_letter(line: Line, start: int) -> tuple[str, int]:
    """The letter that the escape at `start` stands for, and the index after the escape."""
    match = ESCAPE.match(line.text, start)
    if match is None:
        raise line.error(start, f"no such escape: the escapes are {KNOWN_ESCAPES}")
    short, byte, point = match.groups()
    if short:
        return SHORT_ESCAPES[short], match.end()
    code = int(byte or point, 16)
    if byte and code >= 0x80:
        if line.kind == "text":
            message = rf"\x{byte} is a byte, not a letter of text: write \u{{{code:x}}}, or read the rules as bytes"
            raise line.error(start, message)
        code += 0xDC00
    elif code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise line.error(start, rf"\u{{{point}}} is not a Unicode letter: they are 0 to 10ffff without d800 to dfff")
    return chr(code), match.end()


def write_arrow(rule: TextRule) -> str:
    pattern, replacement, terminal = rule
    written = quote(replacement) if replacement.startswith(".") else write_side(replacement)
    return f"{write_side(pattern)} {'->.' if terminal else '->'} {written}"


def write_side(side: str) -> str:
    return side if side and not NEEDS_QUOTES.search(side) else quote(side)


def quote(side: str) -> str:
    return '"' + ESCAPED.sub(lambda match: escape(match[0]), side) + '"'


def escape(letter: str) -> str:
    code = ord(letter)
    if letter in SHORT_NAMES:
        return SHORT_NAMES[letter]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}"


NOTATIONS = {
    "arrow": Notation(
        'p -> r, terminal p ->. r; quotes with escapes, "" is empty',
        each_line(read_arrow),
        each_rule(write_arrow),
        ".markov",
    ),
}
