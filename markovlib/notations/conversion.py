"""Rules from one notation into another, with all that the other cannot say refused."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from markovlib.notations.files import RuleFile, read_located
from markovlib.notations.reading import format
from markovlib.notations.registry import find_notation
from markovlib.notations.source import Kind, TextRule
from markovlib.rules import MAX_FILE_BYTES


class Conversion(NamedTuple):
    """The text of the rules in the other notation, how many rules it has, and what the file said beside them."""

    text: str | bytes
    rules: int
    input_words: list[str | bytes]


def convert(
    path: RuleFile,
    to: str,
    notation: str | None = None,
    kind: Kind = "bytes",
    max_bytes: int | None = MAX_FILE_BYTES,
) -> Conversion:
    """Read a rule file in one notation and write it in another, schemes expanded.

    `path`, `notation`, `kind` and `max_bytes` are as `load_rules` takes them, but letters are bytes unless `kind` is
    "text": so a file in any encoding goes through.  Comments, alphabets and input words are no part of the rules
    and are left out; the input words are returned, so that nothing is lost unseen.

    Raises NotationError for what cannot be read and ValueError, with the number of the rule and the reason, for what
    `to` cannot write.  Linear in the length of the file and of the rules that it stands for.
    """
    find_notation(to)
    located, words = read_located(path, notation, kind, max_bytes)
    rules = cast("list[TextRule]", [rule for _, rule in located])
    written: str | bytes = format(rules, to, cast("Literal['text']", kind))
    return Conversion(written, len(located), words)
