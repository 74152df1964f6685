"""Which notation a text may be in: a proposal with its reasons, for a person to confirm.

Nothing in the library reads a file in a notation that was only detected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from markovlib.notations.reading import split_items
from markovlib.notations.registry import NOTATIONS, marker_words
from markovlib.notations.source import NotationError, TextRule

MAX_LINES = 2000
"""How many lines of a text the clues are looked for in."""

MAX_READ = 1 << 16
"""How many letters of a text each notation is tried on."""

CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no rule file holds that is text in UTF-8, and UTF-16 and other data do."""


class Detection(NamedTuple):
    """A proposal: the notation, why, and which others read the text as the same rules or as different ones.

    `notation` is None where no clue was found or nothing can read the text.
    """

    notation: str | None
    reasons: tuple[str, ...]
    same: tuple[str, ...]
    different: tuple[str, ...]


class Features:
    """What the clues look at, counted once."""

    def __init__(self, text: str) -> None:
        self.lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n", MAX_LINES)[:MAX_LINES]]
        self.content = [line for line in self.lines if line]
        self.has: Counter[str] = Counter()
        for line in self.content:
            self.has.update(sign for sign in SIGNS if sign in line)
            self.has.update(f"{sign} spaced" for sign in SIGNS if f" {sign} " in f" {line} ")

    def arrows(self) -> list[str]:
        return [line for line in self.content if "->" in line]

    def count(self, start: str) -> int:
        return sum(line.startswith(start) for line in self.content)

    def ends(self, end: str) -> int:
        return sum(line.endswith(end) for line in self.content)

    def words(self) -> set[str]:
        return {word for line in self.content for word in line.split()}


SIGNS = ("->", "->.", "->*", "=>", "|->", "::=", "::", ":", ">>", "<>", ">", "=", ";", ",", ".", "-> .")


def clues(f: Features) -> Iterator[tuple[str, str]]:
    """(notation, reason) for each clue that a text gives, the surest first."""
    yield from whole_file_clues(f)
    yield from word_clues(f)
    if f.has["->"]:
        yield from arrow_clues(f)
    else:
        yield from other_sign_clues(f)


def whole_file_clues(f: Features) -> Iterator[tuple[str, str]]:
    first = f.content[0] if f.content else ""
    if (marked := marker_words(first)) and marked[0] in NOTATIONS:
        yield " ".join(marked), "the first line states it"
    if first.startswith("{") and '"' in "".join(f.content[:3]):
        body = " ".join(f.content)
        yield from (
            (name, f"JSON with the member {member}")
            for member, name in (('"sample"', "json-samples"), ('"src"', "json-pairs"), ('"rules"', "json-strings"))
            if member in body
        )
    if first == "{" and f.ends(";"):
        yield "braces", "rules that end with ';' between braces"
    if f.has["::="]:
        yield "thue", "the arrow '::='"
    if f.content and all(line.startswith(">> ") for line in f.content):
        yield "repl", "each line begins with the prompt '>> '"
    if re.match(r"\d+ \S+$", first) and len(f.content) > 1 and all(len(x.split()) == 5 for x in f.content[1:]):
        yield "knuth", "a header, and then five words a line"
    if any(line.split()[0].endswith(":") and " :" in line for line in f.content if line.split()):
        yield "knuth-assembler", "labels before the instructions, and labels ':name' in them"
    if f.content and all("/" in line and " " not in line and "->" not in line for line in f.content):
        yield "pipeline", "each line is a path"


def word_clues(f: Features) -> Iterator[tuple[str, str]]:
    if any(line.endswith(" in V") for line in f.content):
        yield "schemes", "a line '... in V' declares letters"
    if any(re.match(r"for \S(, *\S)* in \S", line) for line in f.content):
        yield "arrow-schemes", "a line 'for x in abc' declares letters"
    if any(" | " in line and ":" in line for line in f.arrows()):
        yield "logicians", "variables after a bar, as in '| x:abc'"
    heads = {line.split("=")[0].strip() for line in f.content if "= {" in line or "={" in line}
    for names, name in (({"I"}, "yad"), ({"L"}, "alphabet-line"), ({"T", "A"}, "alphabet-sets")):
        if names <= heads:
            yield name, f"a line {' and '.join(sorted(names))} = {{...}}"
    if f.has["=>"] == 0 and any(
        word in line for line in f.content for word in ("(start)", "(end)", "(once)", "(return)")
    ):
        yield "a2b", "the keywords of the game A=B"


def arrow_clues(f: Features) -> Iterator[tuple[str, str]]:
    rules = f.arrows()
    words = f.words()
    if any(line.startswith('"') for line in rules) and (f.has["->*"] or all(line.startswith('"') for line in rules)):
        yield "quoted", "sides between double quotes"
    if f.has["|-> spaced"]:
        yield "hash-anywhere", "the terminal arrow '|->'"
    if f.count("//") and f.has["->. spaced"]:
        yield "yad", "'//' comments beside '->.' between blanks"
    if f.count("//") or "''" in words:
        spaced = f.has["-> spaced"]
        yield (
            ("yad", "'//' comments and arrows between blanks")
            if spaced
            else ("marthue", "'//' comments and tight arrows")
        )
    if any(line.endswith(("->//", "->.//")) for line in rules):
        yield "slashes", "'//' as an empty replacement"
    if f.has["=>"]:
        escaped = any("\\n" in line for line in f.content) or f.has["-> spaced"] == 0
        yield (
            ("double-packed" if escaped else "turingmarkov"),
            "'=>' beside '->': the terminal arrow of several notations",
        )
    if any("\\n" in line for line in f.content) and any(line.endswith("{") or line == "}" for line in f.content):
        yield "double-packed", "blocks in braces and the escape \\n"
    if "eps" in words:
        tidy = all(len(line.split()) == 3 for line in rules)
        yield ("eps-words" if tidy else "eps"), "'eps' for the empty word"
    dotted = f.has["->."]
    if "_" in words and dotted:
        yield "underscore-words", "'_' for the empty word beside '->.'"
    if "_" in words or "_." in words:
        yield "dot-last", "'_' for the empty word, and a dot last"
    yield from head_clues(f)
    if not dotted and any(line.endswith(" -> .") for line in rules):
        alone = not any("#" in line for line in f.content)
        yield ("dot-alone" if alone else "dot-packed"), "a dot alone as the replacement"
    if f.has["-> ."] or f.count("#"):
        yield "rosetta", "a dot before the replacement, or '#' comments"
    if f.has["-> spaced"] == 0:
        yield "tight", "arrows without blanks"
    yield "arrow", "'->' between pattern and replacement"


def head_clues(f: Features) -> Iterator[tuple[str, str]]:
    """What the lines before the first arrow and after the last say."""
    before = 0
    while before < len(f.content) and "->" not in f.content[before]:
        before += 1
    plain = [line for line in f.content[:before] if not line.startswith(("#", "//"))]
    if before == len(plain) == 2 and set(plain[0]) <= set(plain[1]):
        yield "two-alphabets", "two lines before the rules, the second with all letters of the first"
    if before == len(plain) == 1:
        yield "input-first", "one line without an arrow before the rules"
    if "->" not in f.content[-1] and len(f.arrows()) > 1 and f.has["-> spaced"] == 0:
        yield "marthue", "a last line without an arrow"


def other_sign_clues(f: Features) -> Iterator[tuple[str, str]]:
    if f.has[">>"] or f.has["<>"]:
        yield "codeforces", "the arrows '>>' and '<>'"
    if f.has["=> spaced"]:
        yield "substitution", "'=>' is the only arrow"
    if f.content and all(len(line.split()) == 3 and line.split()[1] in (",", ".") for line in f.content):
        yield "faraui", "three words a line, ',' or '.' between"
    if f.content and all(line.count(";") == 2 for line in f.content):
        yield "markalgo", "three fields with ';' between"
    if f.content and all(re.search(r"-[01]$", line) for line in f.content):
        yield "flags", "fields with '-' between, the last 0 or 1"
    braced = any("{" in line and "=" in line for line in f.content) or f.count("^") or f.count("$")
    if f.has[">"] and braced:
        yield "classes", "'>' with classes in braces or anchors"
    if f.has[">"] and (f.count(";") or any(line.endswith(".") for line in f.content)) and not f.count("#"):
        yield "semicolon", "'>' with ';' comments or a dot last"
    if f.has[">"] and not f.has[":"]:
        yield "greater", "'>' between pattern and replacement"
    yield from colon_clues(f)
    if f.has["="]:
        yield "a2b", "'=' between pattern and replacement"
    if f.content and all(len(line.split()) == 2 for line in f.content):
        yield "columns", "two words a line"


def colon_clues(f: Features) -> Iterator[tuple[str, str]]:
    if not f.has[":"]:
        return
    if any("\\" in line for line in f.content):
        yield "mao-escapes", "':' and backslashes"
    if f.has[": spaced"]:
        yield "colon-packed", "':' between blanks"
    if any(line.startswith("#!") and ":" not in line for line in f.content):
        yield "colon-trimmed", "a first line '#!', without a colon"
    if f.count("#"):
        yield "mao-comments", "':' and lines that begin with '#'"
    yield "mao", "':' between pattern and replacement"


def detect(text: str) -> Detection:
    """Propose the notation of a text, with the reasons; `markovlib convert --detect` prints the same.

    Looks at the first `MAX_LINES` lines; each notation is tried on the text if it has at most `MAX_READ` letters.
    `same` are the other notations that read the very same rules, `different` those that read others: where
    `different` is not empty, the text alone cannot tell.  Where no notation that there is a clue for can read the text,
    the reasons are their errors.  Never raises for a `str`.

    >>> detect("ab:ba\\nb::\\n").notation
    'mao'
    >>> detect("a -> b | c").notation
    'arrow'
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}: decode the file's bytes first")
    if CONTROLS.search(text):
        return Detection(None, ("it holds control characters: no file of rules in UTF-8",), (), ())
    found = list(dict.fromkeys(clues(Features(text))))
    if not found:
        return Detection(None, ("no sign of a notation was found",), (), ())
    readable = len(text) <= MAX_READ
    failures: list[str] = []
    chosen: str | None = None
    for name, _ in found:
        if not readable or name in REFUSED or (failure := unreadable(text, name)) is None:
            chosen = name
            break
        failures.append(f"not {name}: {failure}")
    if chosen is None:
        return Detection(None, tuple(failures), (), ())
    reasons = tuple(reason for name, reason in found if name == chosen)
    same, different = compare(text, chosen) if readable else ((), ())
    return Detection(chosen, (*reasons, *failures), same, different)


REFUSED = ("knuth", "knuth-assembler", "pipeline")


def unreadable(text: str, notation: str) -> str | None:
    """Why a notation cannot read a text, or None; what an option would settle, or rules cannot say, is no failure."""
    try:
        _rules_in(text, notation)
    except NotationError as error:
        says = ("state the option", "keyword", "ordered rules", "a rule set has no parts")
        return None if any(part in error.message for part in says) else f"line {error.line}: {error.message}"
    except ValueError as error:
        return str(error)
    return None


def _rules_in(text: str, notation: str) -> list[TextRule]:
    """The rules of a text in a notation, whatever its first line says."""
    return [rule for _, rule in split_items(text, notation, "<string>")[0]]


def compare(text: str, chosen: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other notations that read a text as the same rules, and those that read it as others."""
    try:
        rules = _rules_in(text, chosen)
    except ValueError:
        return (), ()
    same: list[str] = []
    different: list[str] = []
    for name in sorted(NOTATIONS):
        if name == chosen.split()[0]:
            continue
        try:
            others = _rules_in(text, name)
        except ValueError:
            continue
        if others or not rules:  # A notation that skips every line has nothing to say about it.
            (same if others == rules else different).append(name)
    return tuple(same), tuple(different)
