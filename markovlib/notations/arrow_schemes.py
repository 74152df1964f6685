"""The library's own notation with letter variables: `for x, y in a-z` before the rules that they are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markovlib.notations.arrow import after_blanks, bare_side, quote, quoted_side, read_arrow, write_arrow
from markovlib.notations.expansion import MAX_VARIABLES, Expander, refuse_unbound
from markovlib.notations.schemes import ranged
from markovlib.notations.source import BLANKS, Item, Line, Notation, Options, TextRule, each_rule

KEYWORD = "for"


def parse_arrow_schemes(lines: Iterable[Line], _options: Options) -> Iterator[Item]:
    letters: dict[str, str] = {}
    expander = Expander()
    for line in lines:
        if is_declaration(line.text.lstrip(BLANKS)):
            letters = {**letters, **declared(line)}
            if len(letters) > MAX_VARIABLES:
                raise line.error(0, f"more than {MAX_VARIABLES} variables")
        elif (rule := read_arrow(line)) is not None:
            refuse_unbound(line, rule, letters)
            yield from expander.expand(line, rule, letters)


def is_declaration(text: str) -> bool:
    return text.startswith(KEYWORD) and text[len(KEYWORD) : len(KEYWORD) + 1] in ("", *BLANKS)


def declared(line: Line) -> dict[str, str]:
    """The variables of a line `for x, y in letters`, each with those letters; the letters are a side of `arrow`."""
    start = after_blanks(line.text, 0) + len(KEYWORD)
    at = line.text.find(" in ", start)
    if at < 0:
        message = "no ' in ' after the variables: write 'for x, y in abc', or a pattern that begins so in quotes"
        raise line.error(start - len(KEYWORD), message)
    names: dict[str, int] = {}
    index = start
    for part in line.text[start:at].split(","):
        name, place = part.strip(BLANKS), after_blanks(line.text, index)
        if len(name) != 1 or name in names:
            raise line.error(place, f"{name!r} is not one letter, named once: write variables with commas between them")
        names[name] = place
        index += len(part) + 1
    return dict.fromkeys(names, letters_at(line, after_blanks(line.text, at + len(" in "))))


def letters_at(line: Line, start: int) -> str:
    if line.text.startswith('"', start):
        side, end = quoted_side(line, start)
    else:
        end = len(line.text)
        side = bare_side(line, start, end)
    if (rest := after_blanks(line.text, end)) < len(line.text):
        raise line.error(rest, "nothing may follow the quoted letters")
    if "->" in side or not side:
        message = "no letters" if not side else "an arrow after 'for ... in': quote a pattern that begins with 'for '"
        raise line.error(start, message)
    return ranged(line, side, start)


def write_arrow_schemes(rule: TextRule) -> str:
    text = write_arrow(rule)
    return quote(rule[0]) + text[len(rule[0]) :] if is_declaration(text) else text


NOTATIONS = {
    "arrow-schemes": Notation(
        "arrow with schemes: 'for x, y in abc' declares variables, ranges as in a-z",
        parse_arrow_schemes,
        each_rule(write_arrow_schemes),
    ),
}
