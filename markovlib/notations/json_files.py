"""Rule sets in JSON, in three layouts.

JSON says where its own syntax is broken; a value of the wrong kind is reported by its path, such as `$.rules[3]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from markovlib.notations.dialect import Dialect, read_rule, write_rule
from markovlib.notations.source import InputWord, Item, Line, Notation, Options, TextRule

Refuse = Callable[[str], Exception]
KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}
PLAIN = Dialect(terminal=("->.",))


def reader(
    read: Callable[[dict[str, Any], Line], Iterator[TextRule | InputWord]],
) -> Callable[[Iterable[Line], Options], Iterator[Item]]:
    def parse(lines: Iterable[Line], _options: Options) -> Iterator[Item]:
        listed = list(lines)
        first = listed[0] if listed else Line("<string>", 1, "", "text")
        value = load(listed, first)
        items = [(first.number, item) for item in read(value, first)]
        for number, item in items:
            refuse_surrogates(first._replace(number=number), item)
        return iter(items)

    return parse


def load(lines: list[Line], first: Line) -> dict[str, Any]:
    """The file's object; raises where its syntax is broken, or where a name is given twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) < len(pairs):
            raise first.error(0, "an object of this file names a member twice")
        return names

    try:
        value = json.loads("\n".join(line.text for line in lines), object_pairs_hook=once, parse_int=float)
    except json.JSONDecodeError as error:
        line = lines[error.lineno - 1] if lines else first
        raise line.error(error.colno - 1, f"not JSON: {error.msg}") from None
    except RecursionError:
        raise first.error(0, "JSON nested too deeply") from None
    members: dict[str, Any] = expect(value, dict, "$", first)
    return members


def expect(value: Any, kind: type, path: str, first: Line) -> Any:
    if not isinstance(value, kind):
        raise first.error(0, f"{path} is not {KINDS[kind]}")
    return value


def member(value: dict[str, Any], name: str, kind: type, path: str, first: Line) -> Any:
    if name not in value:
        raise first.error(0, f"{path} has no member {name!r}")
    return expect(value[name], kind, f"{path}.{name}", first)


def refuse_surrogates(line: Line, item: TextRule | InputWord) -> None:
    """JSON can spell half a surrogate pair, which is no letter."""
    for side in item[:2]:
        for letter in str(side):
            if 0xD800 <= ord(letter) <= 0xDFFF and not (line.kind == "bytes" and 0xDC80 <= ord(letter) <= 0xDCFF):
                raise line.error(0, f"a lone surrogate, U+{ord(letter):04X}, is not text")


def words(value: dict[str, Any], name: str, first: Line) -> Iterator[InputWord]:
    if name in value:
        yield InputWord(expect(value[name], str, f"$.{name}", first))


def read_samples(value: dict[str, Any], first: Line) -> Iterator[TextRule | InputWord]:
    rules = member(value, "rules", dict, "$", first)
    patterns = member(rules, "sample", list, "$.rules", first)
    replacements = member(rules, "substitution", list, "$.rules", first)
    if len(patterns) != len(replacements):
        raise first.error(0, f"{len(patterns)} samples and {len(replacements)} substitutions: there is one for each")
    for index, (pattern, replacement) in enumerate(zip(patterns, replacements, strict=True)):
        expect(pattern, str, f"$.rules.sample[{index}]", first)
        expect(replacement, str, f"$.rules.substitution[{index}]", first)
        terminal = replacement.endswith(".")
        yield pattern, replacement[: len(replacement) - terminal], terminal
    yield from words(value, "word", first)


def write_samples(rules: Sequence[TextRule]) -> Any:
    replacements = [replacement + "." * terminal for _, replacement, terminal in rules]
    return {"rules": {"sample": [rule[0] for rule in rules], "substitution": replacements}}


def read_pairs(value: dict[str, Any], first: Line) -> Iterator[TextRule | InputWord]:
    for index, rule in enumerate(member(value, "rule", list, "$", first)):
        path = f"$.rule[{index}]"
        expect(rule, dict, path, first)
        yield member(rule, "src", str, path, first), member(rule, "dst", str, path, first), False
    yield from words(value, "str", first)


def write_pairs(rules: Sequence[TextRule]) -> Any:
    for number, rule in enumerate(rules, 1):
        if rule[2]:
            raise ValueError(f"rule {number}: this notation has no terminal rules")
    return {"rule": [{"src": pattern, "dst": replacement} for pattern, replacement, _ in rules]}


def read_strings(value: dict[str, Any], first: Line) -> Iterator[TextRule | InputWord]:
    for index, text in enumerate(member(value, "rules", list, "$", first)):
        expect(text, str, f"$.rules[{index}]", first)
        rule = None if "\n" in text or "\r" in text else read_rule(PLAIN, first._replace(text=text), {})
        if rule is None:
            raise first.error(0, f"$.rules[{index}] is not a rule: write 'p -> r' or 'p ->. r'")
        yield rule
    yield from words(value, "initial_word", first)


def write_strings(rules: Sequence[TextRule]) -> Any:
    return {"rules": [write_rule(PLAIN, rule) for rule in rules]}


def writer(write: Callable[[Sequence[TextRule]], Any]) -> Callable[[Sequence[TextRule], Options], str]:
    return lambda rules, _options: json.dumps(write(rules), ensure_ascii=False, indent=1) + "\n"


NOTATIONS = {
    "json-samples": Notation(
        'JSON {"rules": {"sample": [..], "substitution": [..]}, "word": ..}, terminal by a last dot',
        reader(read_samples),
        writer(write_samples),
    ),
    "json-pairs": Notation(
        'JSON {"rule": [{"src", "dst"}], "str": ..}, no terminal rules', reader(read_pairs), writer(write_pairs)
    ),
    "json-strings": Notation(
        'JSON {"rules": ["p -> r", "p ->. r"], "initial_word": ..}', reader(read_strings), writer(write_strings)
    ),
}
