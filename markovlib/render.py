"""Templates: how an example becomes a prompt and a completion.

A template is text with fields in braces, `{pattern}>{replacement}:{word}=`; `{{` and `}}` stand for the braces
themselves.  Templates are read here, once, and filled in by the engine.  The language is described in
docs/rendering.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn

from markovlib.outcome import Outcome

#: What stands for a number, and its name in the engine.
NUMBERS = {
    "index": 0, "rule": 1, "position": 2, "steps": 3, "rule_count": 4, "step_count": 5, "rule.number": 6,
    "step.number": 6, "pair.number": 6, "step.rule": 7, "step.position": 8,
}  # fmt: skip

#: What stands for a string of letters, and its name in the engine.
STRINGS = {
    "word": 0, "output": 1, "pattern": 2, "replacement": 3, "step.word": 4, "pair.word": 4, "pair.output": 5,
    "rule.pattern": 6, "step.pattern": 6, "rule.replacement": 7, "step.replacement": 7,
}  # fmt: skip

FIELDS = (
    "index", "word", "output", "pattern", "replacement", "rule", "position", "steps", "outcome", "key", "certificate",
    "rule_count", "step_count",
)  # fmt: skip

#: What a loop runs over: the name of an item, that of all, and the fields of an item.
LOOPS = {
    "rule": ("rules", ("number", "pattern", "replacement", "arrow")),
    "step": ("steps", ("number", "rule", "position", "word", "pattern", "replacement")),
    "pair": ("pairs", ("number", "word", "output")),
}
CONDITIONS = ("no_op", "near_miss", "terminal", "halted")
FORMS = ("plain", "spaced", "chars")
FILTERS = ("spaced", "chars", "reversed", "length")

# The operations in the order of csrc/template.h.
_KINDS = (
    "end", "room", "literal", "string", "length", "number", "outcome", "arrow", "key", "certificate", "loop",
    "separator", "next", "if", "jump",
)  # fmt: skip

_DECIMAL = "-0123456789"
_WRITTEN_BY = {
    "outcome": "".join(outcome.name.lower() for outcome in Outcome), "rule.arrow": "->.", "key": _DECIMAL[1:],
    "certificate": _DECIMAL[1:] + " >,=", "spaced": " ", "chars": ", ", "length": _DECIMAL[1:],
}  # fmt: skip


class TemplateError(ValueError):
    """A template that cannot be read; the message says where."""


class Piece(NamedTuple):
    """A literal, or what stands between braces (then `literal` is empty), and where it starts."""

    tag: str
    literal: str
    at: int


class Op(NamedTuple):
    """One operation of a compiled template; what the numbers say is in csrc/template.h."""

    kind: int
    name: int = 0
    form: int = 0
    reversed: bool = False
    jump: int = 0
    at: int = 0


class Program(NamedTuple):
    """A compiled template: operations, and the bytes of all literals."""

    ops: list[Op]
    literals: bytes


def parse_template(template: str) -> list[Piece]:
    """Reads a template into its pieces, `at` counted from 0; adjacent literals are one piece.

    Raises TemplateError, with the position in characters from 1, for a brace that opens or closes nothing.

    >>> parse_template("{word} {{x}}")
    [Piece(tag='word', literal='', at=0), Piece(tag='', literal=' {x}', at=6)]
    """
    pieces: list[Piece] = []
    literal, start, i = "", 0, 0
    while i < len(template):
        letter = template[i]
        if letter not in "{}":
            literal += letter
            i += 1
        elif template[i : i + 2] == letter * 2:
            literal += letter
            i += 2
        else:
            tag = _tag_at(template, i)
            pieces += [Piece("", literal, start)] * bool(literal) + [Piece(tag, "", i)]
            literal = ""
            start = i = i + len(tag) + 2
    return pieces + [Piece("", literal, start)] * bool(literal)


def _tag_at(template: str, start: int) -> str:
    if template[start] == "}":
        _fail(start, "'}' closes nothing; write '}}' for the brace itself")
    end = template.find("}", start)
    if end < 0:
        _fail(start, "'{' is not closed; write '{{' for the brace itself")
    return template[start + 1 : end]


def _fail(at: int, problem: str) -> NoReturn:
    raise TemplateError(f"character {at + 1}: {problem}")


def compile_template(template: str) -> Program:
    """Reads a template and compiles it for the engine.

    Raises TemplateError, with the position in characters from 1, for what `parse_template` refuses, an unknown
    field, filter, loop or condition, and a `{sep}`, `{else}` or `{end}` that belongs to nothing.

    >>> program = compile_template("{for rule in rules}{rule.pattern|spaced}{sep}, {end}")
    >>> len(program.ops), program.literals
    (8, b', ')
    """
    compiler = _Compiler()
    for piece in parse_template(template):
        compiler.take(piece)
    return compiler.finish()


def compile_templates(templates: str | Sequence[str]) -> list[Program]:
    """The paraphrases of one text, compiled; one template is the only paraphrase."""
    return [compile_template(template) for template in paraphrases(templates)]


_RULES = "Rules:\n{for rule in rules}{rule.number}. {rule.pattern} {rule.arrow} {rule.replacement}\n{end}"
_STEPS = "{if no_op}{word}{else}{for step in steps}{step.word}{sep}\n{end}{end}"


def default_templates(kind: str, rules: int, program: bool) -> tuple[str, str]:
    """The prompt and the completion of a task for which a recipe gives none.

    >>> default_templates("rewrite", 1, False)
    ('{pattern}>{replacement}:{word}=', '{output}')
    """
    if program:
        return "{word}=", _STEPS if kind == "trace" else "{output}"
    if kind == "trace":
        return _RULES + "Input: {word}\nSteps:\n", _STEPS
    if kind == "run" or rules > 1:
        return _RULES + "Input: {word}\nOutput:", " {output}"
    if kind == "encrypted":
        return "{pattern}>{replacement}+{key}:{word}=", "{output}"
    if kind == "induce":
        return "{for pair in pairs}{pair.word}={pair.output}{sep}, {end}:", "{pattern}>{replacement}"
    return "{pattern}>{replacement}:{word}=", "{output}"


def paraphrases(templates: str | Sequence[str]) -> list[str]:
    """The templates of one text, a single one as a list of one."""
    return [templates] if isinstance(templates, str) else list(templates)


def characters_of(template: str, special: Iterable[str] = ()) -> set[str]:
    """The characters, besides the letters of rules and words, that a template can write.

    Texts in `special` are tokens of their own and not counted by their characters.

    >>> "".join(sorted(characters_of("{rule}: {word|spaced}<|sep|>", ["<|sep|>"])))
    ' -0123456789:'
    """
    found: set[str] = set()
    for piece in parse_template(template):
        name, *filters = piece.tag.split("|")
        literal = piece.literal
        for text in sorted(special, key=len, reverse=True):
            literal = literal.replace(text, "")
        found.update(literal, *(_WRITTEN_BY.get(filter, "") for filter in filters))
        found.update(_DECIMAL if name in NUMBERS else _WRITTEN_BY.get(name, ""))
    return found


class _Block:
    """A loop or a condition that is open."""

    def __init__(self, piece: Piece, op: int) -> None:
        self.piece = piece
        self.op = op
        self.loop = piece.tag.startswith("for ")
        self.exits = [op]  # the operations that lead behind its end
        self.divided = False  # a separator or an else has been met


class _Compiler:
    """Turns pieces into operations.  Blocks that are open are a stack; each end fills in the jumps that wait for it."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.literals = bytearray()
        self.blocks: list[_Block] = []
        self.roomy = False  # the operations so far end with some that have room

    def write(self, kind: str, name: int = 0, form: int = 0, backwards: bool = False, jump: int = 0) -> None:
        """An operation that writes."""
        if not self.roomy:
            self.ops.append(Op(_KINDS.index("room")))
            self.roomy = True
        self.ops.append(Op(_KINDS.index(kind), name, form, backwards, jump, len(self.literals)))

    def control(self, kind: str, name: int = 0, jump: int = 0) -> int:
        """An operation that decides where to go on; its index."""
        self.ops.append(Op(_KINDS.index(kind), name, jump=jump))
        self.roomy = False
        return len(self.ops) - 1

    def take(self, piece: Piece) -> None:
        tag = piece.tag
        if piece.literal:
            literal = piece.literal.encode()
            self.write("literal", jump=len(literal))
            self.literals += literal
        elif found := re.fullmatch(r"for (.*) in (.*)", tag):
            self.loop(piece, found[1], found[2])
        elif tag.startswith("if "):
            self.condition(piece, tag[3:])
        elif tag in ("sep", "else", "end"):
            {"sep": self.separator, "else": self.otherwise, "end": self.end}[tag](piece)
        else:
            self.field(piece, *tag.split("|"))

    def loop(self, piece: Piece, item: str, items: str) -> None:
        if item not in LOOPS or LOOPS[item][0] != items:
            known = ", ".join(f"{{for {one} in {several}}}" for one, (several, _) in LOOPS.items())
            _fail(piece.at, f"unknown loop {{{piece.tag}}}; the loops are {known}")
        if any(block.loop for block in self.blocks):
            _fail(piece.at, f"{{{piece.tag}}} stands in a loop; loops do not nest")
        self.blocks.append(_Block(piece, self.control("loop", list(LOOPS).index(item))))

    def condition(self, piece: Piece, name: str) -> None:
        if name not in CONDITIONS:
            _fail(piece.at, f"unknown condition {name!r}; the conditions are {', '.join(CONDITIONS)}")
        self.blocks.append(_Block(piece, self.control("if", CONDITIONS.index(name))))

    def separator(self, piece: Piece) -> None:
        if not self.blocks or not self.blocks[-1].loop:
            _fail(piece.at, "{sep} belongs in a loop, and in no condition inside it")
        if self.blocks[-1].divided:
            _fail(piece.at, "the loop has a {sep} already")
        self.blocks[-1].divided = True
        self.blocks[-1].exits.append(self.control("separator"))

    def otherwise(self, piece: Piece) -> None:
        if not self.blocks or self.blocks[-1].loop:
            _fail(piece.at, "{else} belongs in a condition: {if no_op}...{else}...{end}")
        block = self.blocks[-1]
        if block.divided:
            _fail(piece.at, "the condition has an {else} already")
        block.divided = True
        jump = self.control("jump")
        self.lead(block.op, len(self.ops))
        block.exits = [jump]

    def end(self, piece: Piece) -> None:
        if not self.blocks:
            _fail(piece.at, "{end} closes nothing")
        block = self.blocks.pop()
        if block.loop:
            self.control("next", jump=block.op + 1)
        for op in block.exits:
            self.lead(op, len(self.ops))
        self.roomy = False

    def lead(self, op: int, target: int) -> None:
        self.ops[op] = self.ops[op]._replace(jump=target)

    def field(self, piece: Piece, name: str, *filters: str) -> None:
        self.check_field(piece, name)
        self.check_filters(piece, name, filters)
        form = next((FORMS.index(name) for name in filters if name in FORMS), 0)
        if "length" in filters:
            self.write("length", STRINGS[name])
        elif name in STRINGS:
            self.write("string", STRINGS[name], form, "reversed" in filters)
        elif name in NUMBERS:
            self.write("number", NUMBERS[name])
        else:
            self.write(name.rpartition(".")[2], 0, form)

    def check_field(self, piece: Piece, name: str) -> None:
        item, dot, part = name.partition(".")
        if not dot and name not in FIELDS:
            _fail(piece.at, f"unknown field {{{name}}}; the fields are {_braced(FIELDS)}")
        if dot and (item not in LOOPS or part not in LOOPS[item][1]):
            known = [f"{one}.{part}" for one, (_, parts) in LOOPS.items() for part in parts]
            _fail(piece.at, f"unknown field {{{name}}}; the fields of loops are {_braced(known)}")
        if dot and not any(block.piece.tag.startswith(f"for {item} ") for block in self.blocks):
            _fail(piece.at, f"{{{name}}} belongs in {{for {item} in {LOOPS[item][0]}}}")

    def check_filters(self, piece: Piece, name: str, filters: tuple[str, ...]) -> None:
        allowed = FILTERS if name in STRINGS else ("spaced", "chars") if name == "key" else ()
        for given in filters:
            if given not in FILTERS:
                _fail(piece.at, f"unknown filter {given!r}; the filters are {', '.join(FILTERS)}")
            if given not in allowed:
                _fail(piece.at, f"the filter {given!r} is not for {{{name}}}")
        if len(set(filters)) < len(filters) or {"spaced", "chars"} <= set(filters):
            _fail(piece.at, f"the filters of {{{piece.tag}}} do not go together")
        if "length" in filters and len(filters) > 1:
            _fail(piece.at, "the filter 'length' stands alone")

    def finish(self) -> Program:
        if self.blocks:
            piece = self.blocks[-1].piece
            _fail(piece.at, f"{{{piece.tag}}} is not closed; write {{end}}")
        self.control("end")
        return Program(self.ops, bytes(self.literals))


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
