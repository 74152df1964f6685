"""Rules from text and text from rules: the way in and out of every notation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import AnyStr, Literal, TypeAlias, overload

from markovlib.notations.registry import find_notation, marked_notation, words_of
from markovlib.notations.source import (
    BOM,
    Argument,
    BytesRule,
    InputWord,
    Item,
    Kind,
    Line,
    Notation,
    NotationError,
    Options,
    TextRule,
)


def parse(source: AnyStr, notation: str, path: str = "<string>") -> list[tuple[AnyStr, AnyStr, bool]]:
    """Read the rules of a source, in order, as (pattern, replacement, terminal) triples.

    `source` is `str` or `bytes`, and so are the sides of its rules; in bytes, every byte from 0x80 on is an
    ordinary letter.  `notation` is one of `names()`, with options after it where it has some ("schemes
    alphabet=abc"); `path` is what errors call the source.  Line ends are LF or CR LF; one byte order mark at the
    beginning is skipped, and so is a first line that states this notation (`# notation: NAME`); one that states another
    is an error.

    Raises NotationError with the line and column of the first mistake, and ValueError for an unknown
    notation or option.  Linear in the length of the source and of the rules that it stands for.

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
    refuse_other_marker(source, notation, path)
    return split_items(source, notation, path)[0]


def input_words(source: AnyStr, notation: str, path: str = "<string>") -> list[AnyStr]:
    """The words that a source names as its program's input, which are no part of the rules; raises as `parse`.

    >>> input_words("aab\\nba -> ab\\n", "input-first")
    ['aab']
    """
    refuse_other_marker(source, notation, path)
    return split_items(source, notation, path)[1]


def refuse_other_marker(source: str | bytes, notation: str, path: str) -> None:
    """Raises where the first line states another notation than the one that the source is to be read in."""
    first = source.partition("\n")[0] if isinstance(source, str) else _first_line(source)
    marked = marked_notation(first.removeprefix(BOM))
    if marked not in (None, *words_of(notation)[:1]):
        message = f"the first line says notation {marked!r}, but it is read in {notation!r}"
        raise NotationError(path, 1, 1, f"{message}: pass notation={marked!r}, or change the line")


def _first_line(source: object) -> str:
    return source.partition(b"\n")[0].decode("utf-8", "replace") if isinstance(source, bytes) else ""


def split_items(
    source: AnyStr, notation: str, path: str
) -> tuple[list[tuple[int, tuple[AnyStr, AnyStr, bool]]], list[AnyStr]]:
    """The rules of a source with their lines, and its input words."""
    rules: list[tuple[int, TextRule]] = []
    words: list[str] = []
    for line, item in read_items(source, notation, path):
        if isinstance(item, InputWord):
            words.append(item.text)
        else:
            rules.append((line, item))
    if isinstance(source, str):
        return rules, words
    return [(n, (to_bytes(p), to_bytes(r), t)) for n, (p, r, t) in rules], [to_bytes(word) for word in words]


def read_items(source: str | bytes, notation: str, path: str) -> Iterator[Item]:
    reader, options = find_notation(notation)
    if isinstance(source, str):
        return reader.parse(split_lines(refuse_surrogates(source, path), path, "text"), options)
    if not isinstance(source, bytes):
        raise TypeError(f"a rule source is str or bytes, not {type(source).__name__}")
    return reader.parse(split_lines(source.decode("utf-8", "surrogateescape"), path, "bytes"), options)


def split_lines(source: str, path: str, kind: Kind) -> Iterator[Line]:
    texts = source.removeprefix(BOM).split("\n")
    for number, text in enumerate(texts, 1):
        line = Line(path, number, text.removesuffix("\r") if number < len(texts) else text, kind)
        # A file with only CR line ends would otherwise be one long comment or rule.
        if (index := line.text.find("\r")) >= 0:
            raise line.error(index, "a carriage return inside a line: end lines with LF or CR LF")
        if number > 1 or marked_notation(line.text) is None:
            yield line


def refuse_surrogates(source: str, path: str) -> str:
    try:
        source.encode()
    except UnicodeEncodeError as error:
        message = f"a lone surrogate, U+{ord(source[error.start]):04X}, is not text"
        raise error_after(source[: error.start], path, message) from None
    return source


def error_after(before: str, path: str, message: str, argument: Argument | None = None) -> NotationError:
    """The error of the letter that follows the text `before`."""
    before = before.removeprefix(BOM)
    return NotationError(path, before.count("\n") + 1, len(before) - before.rfind("\n"), message, argument)


def to_bytes(side: str) -> bytes:
    return side.encode("utf-8", "surrogateescape")


TextRules: TypeAlias = Iterable[TextRule | tuple[str, str]]
BytesRules: TypeAlias = Iterable[BytesRule | tuple[bytes, bytes]]
AnyRule: TypeAlias = TextRule | BytesRule | tuple[str, str] | tuple[bytes, bytes]


@overload
def format(rules: TextRules, notation: str, kind: Literal["text"] | None = None) -> str: ...
@overload
def format(rules: BytesRules, notation: str, kind: Literal["bytes"] | None = None) -> bytes: ...
@overload
def format(rules: TextRules | BytesRules, notation: str, kind: Kind | None = None) -> str | bytes: ...


def format(rules: TextRules | BytesRules, notation: str, kind: Kind | None = None) -> str | bytes:
    """Write rules in a notation, one a line, so that `parse` reads the same rules back.

    Rules are what a `RuleSet` is made of: (pattern, replacement) or (pattern, replacement, terminal), or a rule set.
    Returns `str` for text rules and `bytes` for bytes rules; `kind` ("text" or "bytes") says which for an
    empty rule set (text when left out).  Bytes that are UTF-8 are written as they are, so that the same rules
    as text and as bytes make the same file.

    Raises ValueError with the rule's number (from 1) and the reason for a rule that the notation cannot write
    ("arrow" can write all of them) or that holds a lone surrogate, and for an unknown notation; TypeError for
    what is no rule, and for sides that are not all `str` or all `bytes`, or not of the given kind.  Linear in the
    length of the rules.

    >>> print(format([("ab", "ba"), ("#", "", True)], "arrow"), end="")
    ab -> ba
    "#" ->. ""
    >>> format([("a", ".b", False)], "rosetta")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: rule 1: the replacement begins with '.', which notation 'rosetta' reads as ...
    """
    writer, options = find_notation(notation)
    given = [whole_rule(rule, number) for number, rule in enumerate(rules, 1)]
    if kind is None:
        kind = "bytes" if given and isinstance(given[0][0], bytes) else "text"
    texts = [as_text(rule, number, kind) for number, rule in enumerate(given, 1)]
    text = written(writer, options, texts)
    if notation not in ("arrow", "rosetta"):  # These two know what they would misread.
        refuse_misreading(writer, options, notation, texts, text, kind)
    return text if kind == "text" else to_bytes(text)


def written(writer: Notation, options: Options, rules: list[TextRule]) -> str:
    """The text of a file.  If it begins with a letter U+FEFF, one more keeps that from being taken for the byte order
    mark."""
    text = writer.format(rules, options)
    return BOM + text if text.startswith(BOM) else text


def refuse_misreading(
    writer: Notation, options: Options, name: str, rules: list[TextRule], text: str, kind: Kind
) -> None:
    """Raises ValueError for the first rule that the written text does not say."""
    if misreading(writer, options, rules, text, kind) is None:
        return
    for number, rule in enumerate(rules, 1):
        alone = written(writer, options, [rule])
        if (reason := misreading(writer, options, [rule], alone, kind)) is not None:
            shown = repr(alone if len(alone) <= 60 else alone[:60] + "...")
            raise ValueError(f"rule {number}: notation {name!r} would write it as {shown}, {reason}")
    raise ValueError(f"rule 1: notation {name!r} reads these rules differently when they stand together")


def misreading(writer: Notation, options: Options, rules: list[TextRule], text: str, kind: Kind) -> str | None:
    """How a text differs from the rules that it was written for, or None."""
    try:
        items = list(writer.parse(split_lines(text, "", kind), options))
    except NotationError as error:
        return f"which it cannot read: {error.message}"
    if [item for _, item in items if not isinstance(item, InputWord)] == rules:
        return None
    return f"which it reads as {items[0][1]!r:.80}" if items else "which it reads as no rule"


def whole_rule(rule: AnyRule, number: int) -> TextRule | BytesRule:
    """The rule with the mark that a pair leaves out."""
    if not isinstance(rule, tuple) or len(rule) not in (2, 3):
        wanted = "must be (pattern, replacement) or (pattern, replacement, terminal)"
        raise TypeError(f"rule {number}: {wanted}, got {rule!r:.80}")
    return rule if len(rule) == 3 else (*rule, False)


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
