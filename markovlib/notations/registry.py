"""The notations by name, and the options that may follow a name."""

from __future__ import annotations

from markovlib.notations import arrow, arrow_schemes, blocks, fields, json_files, lines, rosetta, schemes
from markovlib.notations.source import Notation, Options

NOTATIONS: dict[str, Notation] = {
    name: notation
    for module in (arrow, arrow_schemes, rosetta, lines, schemes, fields, blocks, json_files)
    for name, notation in module.NOTATIONS.items()
}

ENCODINGS = ("utf-8", "cp1251", "cp866", "koi8-r", "latin-1")
"""What a file may be encoded in, as the option `encoding=` of every notation says."""


def names() -> tuple[str, ...]:
    """The names of the notations, in alphabetical order.

    >>> names()[:2]
    ('a2b', 'alphabet-line')
    """
    return tuple(sorted(NOTATIONS))


def find_notation(stated: str) -> tuple[Notation, Options]:
    """The notation and options of a text such as "schemes alphabet=abc"; raises ValueError for what is unknown."""
    name, *words = words_of(stated) or [""]
    if name not in NOTATIONS:
        raise ValueError(f"unknown notation {name!r}: choose one of {', '.join(names())}")
    notation = NOTATIONS[name]
    options: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in notation.options or not equals or key in options:
            known = ", ".join(f"{option}=..." for option in notation.options) or "none"
            message = f"notation {name!r} has no option {word!r} here: its options are {known}, each once"
            raise ValueError(f"{message}; encoding= is for a file that is read")
        values = notation.options[key]
        if values is not None and value not in values:
            raise ValueError(f"option {key!r} of notation {name!r} is one of {', '.join(values)}, not {value!r}")
        options[key] = value
    return notation, options


def words_of(stated: str) -> list[str]:
    if not isinstance(stated, str):
        raise TypeError(f"notation must be a str, such as 'arrow', not {type(stated).__name__}")
    return stated.split()


def marker_words(first_line: str) -> list[str] | None:
    """The name and options in a line such as `# notation: schemes alphabet=abc`, or None for any other line."""
    head, colon, tail = first_line.partition(":")
    words = tail.split()
    if not colon or head[:1] != "#" or head[1:].strip() != "notation" or not words:
        return None
    plain = words[0].replace("-", "").replace("_", "").isalnum()
    return words if plain and all("=" in word for word in words[1:]) else None


def marked_notation(first_line: str) -> str | None:
    """The known notation that a first line states, or None: only such a line is a marker and not a rule."""
    words = marker_words(first_line)
    return words[0] if words and words[0] in NOTATIONS else None


def without_encoding(stated: str) -> tuple[str, str]:
    """A notation with its options and, apart from them, the `encoding=` of the file (UTF-8 when not stated)."""
    words = [word for word in words_of(stated) if not word.startswith("encoding=")]
    encodings = [word.removeprefix("encoding=") for word in words_of(stated) if word.startswith("encoding=")]
    if len(encodings) > 1:
        raise ValueError(f"encoding= is stated twice in {stated!r}")
    encoding = encodings[0] if encodings else "utf-8"
    if encoding not in ENCODINGS:
        raise ValueError(f"unknown encoding {encoding!r}: choose one of {', '.join(ENCODINGS)}")
    return " ".join(words), encoding
