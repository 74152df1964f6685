"""Reading and writing rule files, in a notation that is always chosen and never guessed.

Works on plain (pattern, replacement, terminal) triples.  The notations are described in docs/notation.md.

Inside this module every rule is `str`: bytes are decoded as UTF-8 with `surrogateescape`, which loses
nothing and leaves all syntax (it is ASCII) where it was, so each notation is written once for text and bytes.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, Literal, NamedTuple, cast, overload

__all__ = ["NotationError", "format", "load_rules", "names", "parse"]

TextRule = tuple[str, str, bool]
BytesRule = tuple[bytes, bytes, bool]
Kind = Literal["text", "bytes"]

BLANKS = " \t"
BOM = "\ufeff"


class NotationError(ValueError):
    """A rule file that cannot be read; its text is `file:line:column: message`.

    `path` is the file, or `<string>`; `line` and `column` count from 1, the column in characters of the line
    (an undecodable byte counts as one, a byte order mark as none); `message` says what is wrong and what to
    write.

    >>> try:
    ...     parse("a -> b\\na => b", "arrow")
    ... except NotationError as error:
    ...     print(error)
    <string>:2:3: '=>' is not this notation's arrow: write '->', or '->.' for a terminal rule
    """

    def __init__(self, path: str, line: int, column: int, message: str) -> None:
        super().__init__(path, line, column, message)
        self.path = path
        self.line = line
        self.column = column
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class Line(NamedTuple):
    """One line of a rule file, without its line end; `kind` says what its letters are."""

    path: str
    number: int
    text: str
    kind: Kind

    def error(self, index: int, message: str) -> NotationError:
        """The error of the letter at `index`, which counts from 0."""
        return NotationError(self.path, self.number, index + 1, message)


@dataclass(frozen=True, slots=True)
class Notation:
    """How rules are written: `parse` reads all lines of a file and gives each rule with the number of its line,
    `format` writes all rules as one text.

    `format` raises ValueError for a rule that the notation has no way to write.
    """

    suffix: str
    parse: Callable[[Iterable[Line]], Iterator[tuple[int, TextRule]]]
    format: Callable[[Sequence[TextRule]], str]


def each_line(
    read: Callable[[Line], TextRule | None],
) -> Callable[[Iterable[Line]], Iterator[tuple[int, TextRule]]]:
    """A notation's `parse` from a reader of single lines, which returns None where a line holds no rule."""

    def parse_lines(lines: Iterable[Line]) -> Iterator[tuple[int, TextRule]]:
        return ((line.number, rule) for line in lines if (rule := read(line)) is not None)

    return parse_lines


def each_rule(write: Callable[[TextRule], str]) -> Callable[[Sequence[TextRule]], str]:
    """A notation's `format` from a writer of single rules, which raises ValueError(reason) to refuse one."""

    def format_rules(rules: Sequence[TextRule]) -> str:
        lines = []
        for number, rule in enumerate(rules, 1):
            try:
                lines.append(write(rule) + "\n")
            except ValueError as reason:
                raise ValueError(f"rule {number}: {reason}") from None
        return "".join(lines)

    return format_rules


# The arrows of other tools, in the order in which a line without '->' is searched for them.
FOREIGN_ARROWS = ("=>", "→", "↦", "⇒", "⟶", "–>", "—>", "- >", "::", ":", "=", ">")


def missing_arrow(line: Line, ordinary: str, terminal: str) -> NotationError:
    """The error of a rule line without an arrow, at the other tool's arrow or else at the line's end."""
    advice = f"write '{ordinary}', or '{terminal}' for a terminal rule"
    for sign in FOREIGN_ARROWS:
        if (index := line.text.find(sign)) >= 0:
            return line.error(index, f"'{sign}' is not this notation's arrow: {advice}")
    return line.error(len(line.text.rstrip(BLANKS)), f"no arrow between pattern and replacement: {advice}")


# --- rosetta: Rosetta Code, "Execute a Markov algorithm" ----------------------------------------------------


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


def format_rosetta(rules: Sequence[TextRule]) -> str:
    text = each_rule(write_rosetta)(rules)
    # An empty comment keeps a pattern's own U+FEFF from being taken for the file's byte order mark.
    return f"#\n{text}" if text.startswith(BOM) else text


# --- arrow: the canonical notation, which can write every rule set ------------------------------------------

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


# --- the notations, and the way in and out ------------------------------------------------------------------

NOTATIONS = {
    "arrow": Notation(".markov", each_line(read_arrow), each_rule(write_arrow)),
    "rosetta": Notation(".rosetta", each_line(read_rosetta), format_rosetta),
}


def names() -> tuple[str, ...]:
    """The names of the notations, in alphabetical order.

    >>> names()
    ('arrow', 'rosetta')
    """
    return tuple(sorted(NOTATIONS))


def find_notation(name: str) -> Notation:
    if name not in NOTATIONS:
        raise ValueError(f"unknown notation {name!r}: choose one of {', '.join(names())}")
    return NOTATIONS[name]


def parse(source: AnyStr, notation: str, path: str = "<string>") -> list[tuple[AnyStr, AnyStr, bool]]:
    """Read the rules of a source, in order, as (pattern, replacement, terminal) triples.

    `source` is `str` or `bytes`, and so are the sides of its rules; in bytes, every byte from 0x80 on is an
    ordinary letter.  `notation` is one of `names()`; `path` is what errors call the source.  Line ends are LF
    or CR LF, and one byte order mark at the beginning is skipped.

    Raises NotationError with the line and column of the first mistake, and ValueError for an unknown
    notation.  Linear in the length of the source.

    >>> parse("ab -> ba  \\nb ->.\\n", "arrow")
    [('ab', 'ba', False), ('b', '', True)]
    >>> parse(b"S -> .shop", "rosetta")
    [(b'S', b'shop', True)]
    """
    return [rule for _, rule in parse_located(source, notation, path)]


def parse_located(
    source: AnyStr, notation: str, path: str = "<string>"
) -> list[tuple[int, tuple[AnyStr, AnyStr, bool]]]:
    """As `parse`, each rule with the number of the line it begins on, counted from 1.

    >>> parse_located("# swap\\nab -> ba\\n", "arrow")
    [(2, ('ab', 'ba', False))]
    """
    reader = find_notation(notation)
    if isinstance(source, str):
        return list(reader.parse(split_lines(refuse_surrogates(source, path), path, "text")))
    if not isinstance(source, bytes):
        raise TypeError(f"a rule source is str or bytes, not {type(source).__name__}")
    lines = split_lines(source.decode("utf-8", "surrogateescape"), path, "bytes")
    return [(number, (to_bytes(p), to_bytes(r), terminal)) for number, (p, r, terminal) in reader.parse(lines)]


def split_lines(source: str, path: str, kind: Kind) -> Iterator[Line]:
    texts = source.removeprefix(BOM).split("\n")
    for number, text in enumerate(texts, 1):
        line = Line(path, number, text.removesuffix("\r") if number < len(texts) else text, kind)
        # A file with only CR line ends would otherwise be one long comment or rule.
        if (index := line.text.find("\r")) >= 0:
            raise line.error(index, "a carriage return inside a line: end lines with LF or CR LF")
        yield line


def refuse_surrogates(source: str, path: str) -> str:
    try:
        source.encode()
    except UnicodeEncodeError as error:
        message = f"a lone surrogate, U+{ord(source[error.start]):04X}, is not text"
        raise error_after(source[: error.start], path, message) from None
    return source


def error_after(before: str, path: str, message: str) -> NotationError:
    """The error of the letter that follows the text `before`."""
    before = before.removeprefix(BOM)
    return NotationError(path, before.count("\n") + 1, len(before) - before.rfind("\n"), message)


def to_bytes(side: str) -> bytes:
    return side.encode("utf-8", "surrogateescape")


@overload
def format(rules: Iterable[TextRule], notation: str, kind: Literal["text"] | None = None) -> str: ...
@overload
def format(rules: Iterable[BytesRule], notation: str, kind: Literal["bytes"] | None = None) -> bytes: ...
@overload
def format(rules: Iterable[TextRule] | Iterable[BytesRule], notation: str, kind: Kind | None = None) -> str | bytes: ...


def format(rules: Iterable[TextRule] | Iterable[BytesRule], notation: str, kind: Kind | None = None) -> str | bytes:
    """Write rules in a notation, one a line, so that `parse` reads the same rules back.

    Returns `str` for text rules and `bytes` for bytes rules; `kind` ("text" or "bytes") says which for an
    empty rule set (text when left out).  Bytes that are UTF-8 are written as they are, so that the same rules
    as text and as bytes make the same file.

    Raises ValueError with the rule's number (from 1) and the reason for a rule that the notation cannot write
    ("arrow" can write all of them) or that holds a lone surrogate, and for an unknown notation; TypeError for
    sides that are not all `str` or all `bytes`, or not of the given kind.  Linear in the length of the rules.

    >>> print(format([("ab", "ba", False), ("#", "", True)], "arrow"), end="")
    ab -> ba
    "#" ->. ""
    >>> format([("a", ".b", False)], "rosetta")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: rule 1: the replacement begins with '.', which notation 'rosetta' reads as ...
    """
    writer = find_notation(notation)
    given: list[TextRule | BytesRule] = list(rules)
    if kind is None:
        kind = "bytes" if given and isinstance(given[0][0], bytes) else "text"
    text = writer.format([as_text(rule, number, kind) for number, rule in enumerate(given, 1)])
    return text if kind == "text" else to_bytes(text)


def as_text(rule: TextRule | BytesRule, number: int, kind: Kind) -> TextRule:
    pattern, replacement, terminal = rule
    return to_str(pattern, number, kind), to_str(replacement, number, kind), bool(terminal)


def to_str(side: str | bytes, number: int, kind: Kind) -> str:
    if isinstance(side, bytes) and kind == "bytes":
        return side.decode("utf-8", "surrogateescape")
    if not isinstance(side, str) or kind != "text":
        raise TypeError(f"rule {number}: a side is {type(side).__name__}, in a rule set of kind {kind!r}")
    try:
        side.encode()
    except UnicodeEncodeError as error:
        surrogate = ord(side[error.start])
        raise ValueError(f"rule {number}: a lone surrogate, U+{surrogate:04X}, is not text") from None
    return side


MARKER = re.compile(r"#[ \t]*notation:[ \t]*([\w-]+)[ \t]*$")


@overload
def load_rules(
    path: str | os.PathLike[str],
    notation: str | None = None,
    kind: Literal["text"] = "text",
    max_bytes: int | None = 1 << 26,
) -> list[TextRule]: ...
@overload
def load_rules(
    path: str | os.PathLike[str],
    notation: str | None = None,
    *,
    kind: Literal["bytes"],
    max_bytes: int | None = 1 << 26,
) -> list[BytesRule]: ...
@overload
def load_rules(
    path: str | os.PathLike[str],
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = 1 << 26,
) -> list[TextRule] | list[BytesRule]: ...


def load_rules(
    path: str | os.PathLike[str],
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = 1 << 26,
) -> list[TextRule] | list[BytesRule]:
    """Read a rule file, as `parse` reads its contents.

    The notation is `notation`, or else what the file itself says: its first line, a comment such as
    `# notation: arrow`, or the ending of its name, `.markov` (arrow) or `.rosetta`.  `kind` is "text" (UTF-8,
    giving `str`) or "bytes".  Files of more than `max_bytes` bytes (64 MiB; None: no limit) are refused.

    Raises NotationError for a mistake in the file, for bytes that are not UTF-8 where text is asked for, for
    a file that is too large, and where nothing says which notation it is in, or marker and ending disagree;
    ValueError for an unknown `notation` or `kind`; OSError as `open` does.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (path := Path(folder, "sort.markov")).write_text("ba -> ab\\n")
    ...     load_rules(path)
    [('ba', 'ab', False)]
    """
    return cast("list[TextRule]", [rule for _, rule in load_located(path, notation, kind, max_bytes)])


def load_located(
    path: str | os.PathLike[str],
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = 1 << 26,
) -> list[tuple[int, TextRule]] | list[tuple[int, BytesRule]]:
    """As `load_rules`, each rule with the number of the line it begins on, counted from 1."""
    if kind not in ("text", "bytes"):
        raise ValueError(f"unknown kind {kind!r}: choose 'text' or 'bytes'")
    name = os.fspath(path)
    data = read_limited(name, max_bytes)
    notation = notation if notation is not None else stated_notation(name, data)
    if kind == "bytes":
        return parse_located(data, notation, name)
    return parse_located(decode(data, name), notation, name)


def read_limited(path: str, max_bytes: int | None) -> bytes:
    with Path(path).open("rb") as file:
        if max_bytes is None:
            return file.read()
        size = os.fstat(file.fileno()).st_size
        data = file.read(max_bytes + 1) if size <= max_bytes else b""
    # A pipe has no size before it is read.
    if size > max_bytes or len(data) > max_bytes:
        has = f"{size} bytes, " if size > max_bytes else ""
        message = f"the file has {has}more than the limit of {max_bytes}: raise max_bytes to read it"
        raise NotationError(path, 1, 1, message)
    return data


def decode(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        bad = f"byte 0x{data[error.start]:02x} is not UTF-8"
        message = f"{bad}: save the file as UTF-8, or read it as bytes (kind='bytes')"
        raise error_after(data[: error.start].decode(), path, message) from None


def stated_notation(path: str, data: bytes) -> str:
    """The notation that the file's first line or its name states."""
    first = data.partition(b"\n")[0].decode("utf-8", "replace").removeprefix(BOM).removesuffix("\r")
    marked = match[1] if (match := MARKER.match(first)) else None
    ending = next((name for name, known in NOTATIONS.items() if path.endswith(known.suffix)), None)
    if marked is not None and marked not in NOTATIONS:
        message = f"unknown notation {marked!r}: choose one of {', '.join(names())}"
        raise NotationError(path, 1, 1 + first.rindex(marked), message)
    if marked and ending and marked != ending:
        message = f"the first line says notation {marked!r}, the file's ending says {ending!r}: change one"
        raise NotationError(path, 1, 1, f"{message}, or pass notation=")
    if (stated := marked or ending) is None:
        endings = " or ".join(f"*{known.suffix} ({name})" for name, known in NOTATIONS.items())
        message = f"nothing says which notation this is: pass notation= (one of {', '.join(names())})"
        raise NotationError(path, 1, 1, f"{message}, begin it with '# notation: NAME', or name it {endings}")
    return stated
