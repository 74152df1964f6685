"""Templates over the fields of a row: `{instruction}`, `{if input}...{else}...{end}`, braces doubled to stand for
themselves.  The notation is that of markovlib.render; the fields are whatever the row has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markovlib.mixing.rows import kind_of
from markovlib.render import Piece, TemplateError, parse_template


class FieldError(ValueError):
    """A row that a template cannot be filled from."""


class Template:
    """A template of one text.  Raises TemplateError for what cannot be read.

    `fields` are the names that it asks for.  A field that is in a row as text or a number is written; one that is
    missing, null or empty counts as no for `{if field}`, and is an error elsewhere if missing or null.

    >>> template = Template("{instruction}{if input}\\n\\n{input}{end}")
    >>> template.fill({"instruction": "Add.", "input": "1, 2"}), template.fill({"instruction": "Sing.", "input": ""})
    ('Add.\\n\\n1, 2', 'Sing.')
    """

    def __init__(self, text: str) -> None:
        self.text = text
        pieces = parse_template(text)
        self.fields = frozenset(
            piece.tag.removeprefix("if ") for piece in pieces if piece.tag not in ("", "else", "end")
        )
        self._parts, rest = _block(pieces, 0, None)
        if rest < len(pieces):
            raise _wrong(pieces[rest], "closes nothing")

    def fill(self, row: Mapping[str, Any]) -> str:
        """The text of a row.  Raises FieldError."""
        return "".join(_written(self._parts, row))


def _wrong(piece: Piece, problem: str) -> TemplateError:
    return TemplateError(f"character {piece.at + 1}: {{{piece.tag}}} {problem}")


def _block(pieces: list[Piece], at: int, opened: Piece | None) -> tuple[list[Any], int]:
    """The parts from a piece on, and the piece that ends them: text, (field,), or (field, parts, other parts)."""
    parts: list[Any] = []
    while at < len(pieces):
        piece = pieces[at]
        if piece.tag in ("else", "end"):
            return parts, at
        if piece.literal:
            parts.append(piece.literal)
        elif piece.tag.startswith("if "):
            then, at = _block(pieces, at + 1, piece)
            other: list[Any] = []
            if at < len(pieces) and pieces[at].tag == "else":
                other, at = _block(pieces, at + 1, piece)
            if at == len(pieces) or pieces[at].tag != "end":
                raise _wrong(piece, "is not closed; write {end}")
            parts.append((piece.tag.removeprefix("if ").strip(), then, other))
        elif not piece.tag.strip():
            raise _wrong(piece, "names no field")
        else:
            parts.append((piece.tag,))
        at += 1
    if opened is not None:
        raise _wrong(opened, "is not closed; write {end}")
    return parts, at


def _written(parts: list[Any], row: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif len(part) == 1:
            texts.append(_field(part[0], row))
        else:
            field, then, other = part
            texts += _written(then if row.get(field) not in (None, "") else other, row)
    return texts


def _field(name: str, row: Mapping[str, Any]) -> str:
    value = row.get(name)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    if name not in row:
        raise FieldError(f"has no field {name!r}, which the template asks for; its fields are {', '.join(row)}")
    raise FieldError(f"{name!r} holds {kind_of(value)}, which the template cannot write")
