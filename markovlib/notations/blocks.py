"""Notations whose files have parts: Thue, braces, and those that say more than ordered rules can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markovlib.notations.dialect import Dialect, read_rule, write_rule
from markovlib.notations.source import BLANKS, InputWord, Item, Line, Notation, Options, TextRule, each_rule

# --- thue: "p::=r" lines, "::=", input ----------------------------------------------------------------------


def parse_thue(lines: Iterable[Line], _options: Options) -> Iterator[Item]:
    ended = False
    for line in lines:
        pattern, sign, replacement = line.text.partition("::=")
        if ended:
            if line.text.strip(BLANKS):
                yield line.number, InputWord(line.text)
        elif not sign and line.text.strip(BLANKS):
            raise line.error(0, "no '::=': a rule is pattern::=replacement, and a line '::=' ends the rules")
        elif sign and not pattern.strip(BLANKS):
            if replacement.strip(BLANKS):
                raise line.error(0, "an empty pattern: Thue has none, and '::=' alone ends the rules")
            ended = True
        elif sign and pattern != "#":
            refuse_thue_streams(line, len(pattern) + 3, replacement)
            yield line.number, (pattern, replacement, False)


def refuse_thue_streams(line: Line, start: int, replacement: str) -> None:
    if replacement.startswith("~"):
        raise line.error(start, "a replacement that begins with '~' prints: ordered rules have no output but the word")
    if replacement.strip(BLANKS) == ":::":
        raise line.error(start, "the replacement ':::' reads a line of input: ordered rules have no input but the word")


def format_thue(rules: Sequence[TextRule], options: Options) -> str:
    def write(rule: TextRule) -> str:
        if rule[2]:
            raise ValueError("this notation has no terminal rules")
        return f"{rule[0]}::={rule[1]}"

    return each_rule(write)(rules, options) + "::=\n"


# --- braces: "{ p -> r; }" and then words -------------------------------------------------------------------

INSIDE = Dialect(terminal=("->.",))


def parse_braces(lines: Iterable[Line], options: Options) -> Iterator[Item]:
    wanted = options.get("system")
    if wanted is not None and not (wanted.isascii() and wanted.isdigit() and 0 < len(wanted) < 10):
        raise ValueError(f"system= is the number of a system in the file, from 1, not {wanted!r}")
    system, inside = 0, False
    last: Line | None = None
    for line in lines:
        last = line
        text = line.text.strip(BLANKS)
        if text == "{" and not inside:
            system, inside = system + 1, True
            if system > 1 and wanted is None:
                raise line.error(0, "a second system in one file: state the option, as in 'braces system=1'")
        elif text == "}" and inside:
            inside = False
        elif text and (inside or system == 0):
            if not inside or not text.endswith(";"):
                raise line.error(0, "a system is '{', rules that each end with ';', and '}', a line each")
            rule = read_rule(INSIDE, line._replace(text=line.text.rstrip(BLANKS)[:-1]), options)
            if rule is not None and int(wanted or 1) == system:
                yield line.number, rule
        elif text and int(wanted or 1) == system:
            yield from ((line.number, InputWord(word)) for word in text.split())
    if last is not None and (inside or system < int(wanted or 1)):
        raise last.error(0, "the file ends inside a system" if inside else f"the file has only {system} systems")


def format_braces(rules: Sequence[TextRule], options: Options) -> str:
    return "{\n" + each_rule(lambda rule: write_rule(INSIDE, rule) + ";")(rules, options) + "}\n"


# --- what ordered rules cannot say --------------------------------------------------------------------------


def beyond(about: str, reason: str) -> Notation:
    """A notation that is known by name so that its files are refused with the reason, and not misread."""

    def parse(lines: Iterable[Line], _options: Options) -> Iterator[Item]:
        for line in lines:
            if line.text.strip(BLANKS):
                raise line.error(0, reason)
        return iter(())

    def format(rules: Sequence[TextRule], _options: Options) -> str:
        if rules:
            raise ValueError("this notation is only known by name, so that its files are refused with the reason")
        return ""

    return Notation(about, parse, format)


STATES = "each tuple names the one to try next: ordered rules have no state beside the word"

NOTATIONS = {
    "thue": Notation(
        "p::=r, a line ::=, then the input; '#::=' comments; no output or input rules (Thue)", parse_thue, format_thue
    ),
    "braces": Notation("{ p -> r; p ->. r; } and then words", parse_braces, format_braces, options={"system": None}),
    "knuth": beyond("j theta phi b a, the tuples of Knuth's computational method (refused)", STATES),
    "knuth-assembler": beyond("an assembler over Knuth's tuples (refused)", STATES),
    "pipeline": beyond(
        "a rule file a line, run one after the other (refused)",
        "a list of rule files to run one after the other: load each, and run the next on what the last one gave",
    ),
}
