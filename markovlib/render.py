"""Templates: how an example becomes a prompt and a completion.

A template is text with fields in braces, `{pattern}>{replacement}:{word}=`; `{{` and `}}` stand for the braces
themselves.  Templates are read here, once, and filled in by the engine.
"""

from __future__ import annotations

from typing import NamedTuple

FIELDS = ("index", "pattern", "replacement", "word", "output")


class TemplateError(ValueError):
    """A template that cannot be read; the message says where."""


class Piece(NamedTuple):
    """A literal (`field` is empty) or a field (`literal` is empty)."""

    field: str
    literal: str

    @property
    def kind(self) -> int:
        """The piece's number in the engine: 0 for a literal, then the fields in the order of FIELDS."""
        return FIELDS.index(self.field) + 1 if self.field else 0


def parse_template(template: str) -> list[Piece]:
    """Reads a template into its pieces; adjacent literals are one piece.

    Raises TemplateError, with the position in characters from 1, for a field that does not exist and for a brace
    that opens or closes nothing.

    >>> parse_template("{word} {{x}}")
    [Piece(field='word', literal=''), Piece(field='', literal=' {x}')]
    """
    pieces: list[Piece] = []
    literal = ""
    i = 0
    while i < len(template):
        letter = template[i]
        if letter not in "{}":
            literal += letter
            i += 1
        elif template[i : i + 2] == letter * 2:
            literal += letter
            i += 2
        else:
            name = _field_at(template, i)
            if literal:
                pieces.append(Piece("", literal))
            pieces.append(Piece(name, ""))
            literal = ""
            i += len(name) + 2
    if literal:
        pieces.append(Piece("", literal))
    return pieces


def _field_at(template: str, start: int) -> str:
    if template[start] == "}":
        raise TemplateError(f"character {start + 1}: '}}' closes nothing; write '}}}}' for the brace itself")
    end = template.find("}", start)
    if end < 0:
        raise TemplateError(f"character {start + 1}: '{{' is not closed; write '{{{{' for the brace itself")
    name = template[start + 1 : end]
    if name not in FIELDS:
        known = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise TemplateError(f"character {start + 1}: unknown field {{{name}}}; the fields are {known}")
    return name
