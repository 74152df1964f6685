"""Notations with letter variables: each rule that holds some stands for one rule for each choice of letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markovlib.notations.dialect import Dialect, input_before_rules, read_rule, write_rule
from markovlib.notations.expansion import MAX_EXPANDED_RULES, MAX_VARIABLES, Expander, refuse_unbound
from markovlib.notations.source import Item, Line, Notation, Options, TextRule, each_rule

# --- schemes: "for a, b in V" -------------------------------------------------------------------------------

PLAIN = Dialect(terminal=("->.",), comments=("//",))


def parse_schemes(lines: Iterable[Line], options: Options) -> Iterator[Item]:
    alphabet = options.get("alphabet", "")
    variables: list[str] = []
    expander = Expander()
    for line in lines:
        words = line.text.split()
        if words[-2:] == ["in", "V"] and "->" not in line.text:
            read_declaration(line, alphabet, variables)
        elif words[:1] == ["alg"] and "->" not in line.text:
            raise line.error(
                0, "a named algorithm: a rule set has no parts to combine, so each needs a file of its own"
            )
        elif (rule := read_rule(PLAIN, line, options)) is not None:
            refuse_unbound(line, rule, variables)
            used = [name for name in variables if name in rule[0]]
            if used and not alphabet:
                message = "the file does not say which letters V has: state the option, as in 'schemes alphabet=abc'"
                raise line.error(0, message)
            yield from expander.expand(line, rule, dict.fromkeys(used, alphabet))


def read_declaration(line: Line, alphabet: str, variables: list[str]) -> None:
    """`for a, b in V` declares variables; `A, B not in V` says which letters the alphabet lacks."""
    words = line.text.split()
    fresh = words[-3:-2] == ["not"]
    if not fresh and words[0] != "for":
        raise line.error(0, "neither 'for a, b in V' nor 'A, B not in V'")
    listed = " ".join(words[:-3] if fresh else words[1:-2])
    for name in (part.strip() for part in listed.split(",")):
        if len(name) != 1:
            raise line.error(0, f"{name!r} is not one letter: write letters with commas between them")
        if fresh and name in alphabet:
            raise line.error(line.text.index(name), f"the file says {name!r} is not in the alphabet, but it is")
        if not fresh and name not in variables:
            variables.append(name)
            if len(variables) > MAX_VARIABLES:
                raise line.error(0, f"more than {MAX_VARIABLES} variables")


# --- logicians: "xa -> ax | x:abc" --------------------------------------------------------------------------

WORDS = Dialect(terminal=("->*",), blanks="error", spaced=True, empty=("0",), must_fill=True, cut=("--",))


def parse_logicians(lines: Iterable[Line], options: Options) -> Iterator[Item]:
    expander = Expander()
    for line in lines:
        text, bar, tail = line.text.partition("--")[0].partition(" | ")
        rule = read_rule(WORDS, line._replace(text=text), options)
        if rule is None:
            if bar:
                raise line.error(0, "variables without a rule before them")
            continue
        letters: dict[str, str] = {}
        for word in tail.split():
            name, colon, values = word.partition(":")
            if len(name) != 1 or not colon or not values or name in letters:
                message = f"{word!r} does not say which letters a variable has: write x:abc, once for each"
                raise line.error(line.text.index(word, len(text)), message)
            letters[name] = values
            if len(letters) > MAX_VARIABLES:
                raise line.error(len(text), f"more than {MAX_VARIABLES} variables")
        if bar and not letters:
            raise line.error(len(text) + 1, "no variable after the bar: write x:abc")
        refuse_unbound(line, rule, letters)
        yield from expander.expand(line, rule, letters)


# --- classes: "{N=0-9}#>{N}" --------------------------------------------------------------------------------

SEMICOLON = Dialect((">",), dot="last", comments=(";",))


def parse_classes(lines: Iterable[Line], options: Options) -> Iterator[Item]:
    """As `semicolon`, with classes; the variables of a rule are letters from a private range while it is expanded."""
    rule_lines, words = input_before_rules(SEMICOLON, list(lines))
    yield from words
    expander = Expander()
    for line in rule_lines:
        if (rule := read_rule(SEMICOLON, line, options)) is not None:
            refuse_anchor(line, rule[0])
            yield from expander.expand(line, *with_variables(line, rule))


def refuse_anchor(line: Line, pattern: str) -> None:
    at = line.text.index(pattern)
    for index, sign in ((0, "^"), (len(pattern) - 1, "$")):
        if pattern[index : index + 1] == sign:
            raise line.error(at + index, f"the anchor '{sign}': ordered rules cannot see where the word ends")


def with_variables(line: Line, rule: TextRule) -> tuple[TextRule, dict[str, str]]:
    """The rule with a letter of its own for each class, and the letters that class has."""
    pattern, replacement, terminal = rule
    names: dict[str, str] = {}
    letters: dict[str, str] = {}
    pieces = []
    for plain, inside in braces(line, pattern):
        pieces.append(plain)
        if inside is not None:
            name, equals, values = inside.partition("=")
            if not equals or values[:1] in ("", "^") or name in names:
                message = f"the class {{{inside}}}: a class is {{NAME=letters}}, each name once, and no complement"
                raise line.error(line.text.index("{" + inside), f"{message} (the alphabet is not known)")
            names[name] = unused(len(names), pattern + replacement)
            at = line.text.index("{" + inside) + len(f"{{{name}=")
            letters[names[name]] = ranged(line, values, at)
            pieces.append(names[name])
    pattern = "".join(pieces)
    pieces = []
    for plain, inside in braces(line, replacement):
        pieces.append(plain)
        if inside is not None:
            if inside.strip() not in names:
                message = f"{{{inside}}} is computed: ordered rules can only copy a letter, as in {{NAME}}"
                raise line.error(line.text.rindex("{" + inside), message)
            pieces.append(names[inside.strip()])
    return (pattern, "".join(pieces), terminal), letters


def braces(line: Line, side: str) -> Iterator[tuple[str, str | None]]:
    """The side in parts: letters, and what stands in the braces after them."""
    start = count = 0
    while (opened := side.find("{", start)) >= 0:
        closed = side.find("}", opened)
        count += 1
        if closed < 0:
            raise line.error(line.text.index("{"), "this brace is never closed")
        if count > MAX_VARIABLES:
            raise line.error(line.text.index("{"), f"more than {MAX_VARIABLES} classes in one side")
        yield side[start:opened], side[opened + 1 : closed]
        start = closed + 1
    yield side[start:], None


def unused(number: int, text: str) -> str:
    """The letter for the variable with that number: a private one that the rule does not hold."""
    code = 0xF0000 + number
    while chr(code) in text:
        code += 0x100
    return chr(code)


def ranged(line: Line, values: str, at: int) -> str:
    """The letters of a class, `0-9+` for instance, each once and in order; the class is written at `at` of the line.

    A range is one of characters or one of bytes that are no UTF-8, which are letters U+DC80 to U+DCFF here.
    """
    letters: dict[str, None] = {}
    index = steps = 0
    while index < len(values):
        last = index
        if values[index + 1 : index + 2] == "-" and index + 2 < len(values):
            last = index + 2
        first, stop = ord(values[index]), ord(values[last])
        steps += stop - first + 1
        if _is_byte(first) != _is_byte(stop):
            message = "goes from a character to a byte that is no UTF-8, or back: write two ranges"
            raise line.error(at, f"the range {_shown(values[index : last + 1])} {message}")
        if stop < first:
            message = "is empty: its first letter comes after its last"
            raise line.error(at, f"the range {_shown(values[index : last + 1])} {message}")
        if steps > MAX_EXPANDED_RULES:
            raise line.error(at, f"too many rules: a class of more than {MAX_EXPANDED_RULES} letters")
        letters.update((chr(code), None) for code in range(first, stop + 1) if _is_byte(first) or not _surrogate(code))
        index = last + 1
    return "".join(letters)


def _is_byte(code: int) -> bool:
    return 0xDC80 <= code <= 0xDCFF


def _surrogate(code: int) -> bool:
    return 0xD800 <= code <= 0xDFFF


def _shown(letters: str) -> str:
    """The letters as a message can be printed, a byte as its number."""
    return letters.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def write_classes(rule: TextRule) -> str:
    text = write_rule(SEMICOLON, rule)
    if "{" in text:
        raise ValueError("a '{' begins a class, and has no escape")
    return text


NOTATIONS = {
    "schemes": Notation(
        "p -> r, terminal p ->. r; schemes over 'for a, b in V', whose letters alphabet= states",
        parse_schemes,
        each_rule(lambda rule: write_rule(PLAIN, rule)),
        options={"alphabet": None},
    ),
    "logicians": Notation(
        "p -> r, terminal p ->* r; 0 is empty, '--' comments, schemes 'xa -> ax | x:abc'",
        parse_logicians,
        each_rule(lambda rule: write_rule(WORDS, rule)),
    ),
    "classes": Notation(
        "semicolon with classes {N=0-9}; anchors and computed letters are refused",
        parse_classes,
        each_rule(write_classes),
    ),
}
