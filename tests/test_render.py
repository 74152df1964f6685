"""Templates: the engine writes what a plain rendering of the same template gives, and every error says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import run
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib import _template
from markovlib.fields import RecipeError
from markovlib.render import CONDITIONS, FIELDS, FILTERS, LOOPS, TemplateError, compile_template, parse_template

Outcome = mk.Outcome
ALPHABETS = {
    "consecutive bytes": [bytes([c]) for c in b"abcdefgh"],
    "scattered bytes": [bytes([c]) for c in b"hgafXe{}"],
    "all bytes": [bytes([c]) for c in range(256)],
    "one to four bytes": [c.encode() for c in "aé€😀bß→𝕏"],
}

# ---- a template as a tree, its source and its plain rendering ---------------------------------------------------


@dataclass
class Literal:
    text: str

    def source(self) -> str:
        return self.text.replace("{", "{{").replace("}", "}}")

    def render(self, _scope: Scope) -> bytes:
        return self.text.encode()


@dataclass
class Field:
    name: str
    filters: tuple[str, ...]

    def source(self) -> str:
        return "{" + "|".join((self.name, *self.filters)) + "}"

    def render(self, scope: Scope) -> bytes:
        value = scope.value(self.name)
        if isinstance(value, bytes):
            return value
        if not isinstance(value, list):
            return str(value).encode()
        if "length" in self.filters:
            return str(len(value)).encode()
        letters = [scope.letters[code] for code in value]
        if "reversed" in self.filters:
            letters.reverse()
        return (b" " if "spaced" in self.filters else b", " if "chars" in self.filters else b"").join(letters)


@dataclass
class Loop:
    item: str
    body: list[Any]
    between: list[Any] | None

    def source(self) -> str:
        behind = "" if self.between is None else "{sep}" + source_of(self.between)
        return f"{{for {self.item} in {LOOPS[self.item][0]}}}{source_of(self.body)}{behind}{{end}}"

    def render(self, scope: Scope) -> bytes:
        count = len(scope.example[{"rule": "rules", "step": "trace", "pair": "pairs"}[self.item]])
        text = b""
        for i in range(count):
            inner = Scope(scope.example, scope.letters, i)
            text += render_all(self.body, inner)
            if i + 1 < count:
                text += render_all(self.between or [], inner)
        return text


@dataclass
class If:
    condition: str
    body: list[Any]
    otherwise: list[Any] | None

    def source(self) -> str:
        behind = "" if self.otherwise is None else "{else}" + source_of(self.otherwise)
        return f"{{if {self.condition}}}{source_of(self.body)}{behind}{{end}}"

    def render(self, scope: Scope) -> bytes:
        example = scope.example
        holds = {
            "no_op": example["no_op"],
            "near_miss": example["near_miss"],
            "terminal": example["outcome"] == Outcome.TERMINAL_RULE,
            "halted": example["outcome"] in (Outcome.TERMINAL_RULE, Outcome.NO_RULE_APPLIES),
        }[self.condition]
        return render_all(self.body if holds else self.otherwise or [], scope)


@dataclass
class Scope:
    """An example and, in a loop, the number of the item."""

    example: dict[str, Any]
    letters: list[bytes]
    item: int = -1

    def value(self, name: str) -> Any:
        """A list of codes, bytes that stand for themselves, or what str() writes."""
        e, i = self.example, self.item
        fired = e["rule"] if e["rule"] >= 0 else 0 if len(e["rules"]) == 1 else None
        plain: dict[str, Callable[[], Any]] = {
            "index": lambda: e["index"],
            "word": lambda: list(e["word"]),
            "output": lambda: list(e["output"]),
            "pattern": lambda: [] if fired is None else list(e["rules"][fired][0]),
            "replacement": lambda: [] if fired is None else list(e["rules"][fired][1]),
            "rule": lambda: e["rule"] + 1,
            "position": lambda: e["position"],
            "steps": lambda: e["steps"],
            "outcome": lambda: Outcome(e["outcome"]).name.lower(),
            "key": lambda: list(e["key"]) if isinstance(e["key"], bytes) else "" if e["key"] is None else e["key"],
            "certificate": self.certificate,
            "rule_count": lambda: len(e["rules"]),
            "step_count": lambda: len(e["trace"]),
            "rule.number": lambda: i + 1,
            "rule.pattern": lambda: list(e["rules"][i][0]),
            "rule.replacement": lambda: list(e["rules"][i][1]),
            "rule.arrow": lambda: "->." if e["rules"][i][2] else "->",
            "step.number": lambda: i + 1,
            "step.rule": lambda: e["trace"][i][0] + 1,
            "step.position": lambda: e["trace"][i][1],
            "step.word": lambda: list(e["trace"][i][2]),
            "step.pattern": lambda: list(e["rules"][e["trace"][i][0]][0]),
            "step.replacement": lambda: list(e["rules"][e["trace"][i][0]][1]),
            "pair.number": lambda: i + 1,
            "pair.word": lambda: list(e["pairs"][i][0]),
            "pair.output": lambda: list(e["pairs"][i][1]),
        }
        return plain[name]()

    def certificate(self) -> bytes:
        if self.example["certificate"] is None:
            return b""
        kind, values = self.example["certificate"]
        if kind == 1:
            return b" > ".join(self.letters[values.index(rank)] for rank in range(len(values)))
        return b", ".join(b"%b=%d" % pair for pair in zip(self.letters, values, strict=True))


def render_all(nodes: list[Any], scope: Scope) -> bytes:
    return b"".join(node.render(scope) for node in nodes)


def source_of(nodes: list[Any]) -> str:
    return "".join(node.source() for node in nodes)


# ---- templates and examples at random ---------------------------------------------------------------------------

STRINGS = ("word", "output", "pattern", "replacement")


def fields(names: list[str]) -> st.SearchStrategy[Field]:
    forms = [(), ("spaced",), ("chars",), ("reversed",), ("reversed", "spaced"), ("chars", "reversed"), ("length",)]

    def filters(name: str) -> st.SearchStrategy[Field]:
        allowed = forms if name.rpartition(".")[2] in STRINGS else forms[:3] if name == "key" else forms[:1]
        return st.sampled_from(allowed).map(lambda given: Field(name, given))

    return st.sampled_from(names).flatmap(filters)


def nodes(item: str | None, depth: int = 2) -> st.SearchStrategy[list[Any]]:
    own = [f"{item}.{part}" for part in LOOPS[item][1]] if item else []
    kinds: list[st.SearchStrategy[Any]] = [
        st.text("{} ab|\n é→😀", min_size=1, max_size=40).map(Literal),
        fields([*FIELDS, *own * 4]),
    ]
    if depth:
        within = nodes(item, depth - 1)
        kinds.append(st.builds(If, st.sampled_from(CONDITIONS), within, st.none() | within))
        if item is None:
            kinds += [
                st.builds(Loop, st.just(one), nodes(one, depth - 1), st.none() | nodes(one, depth - 1)) for one in LOOPS
            ]
    return st.lists(st.one_of(kinds), max_size=5)


@st.composite
def examples(draw: st.DrawFn, letters: list[bytes]) -> dict[str, Any]:
    def string(longest: int = 40) -> bytes:
        return draw(st.lists(st.integers(0, len(letters) - 1), max_size=longest).map(bytes))

    rules = [(string(), string(), draw(st.booleans())) for _ in range(draw(st.integers(1, 3)))]
    which = st.integers(0, len(rules) - 1)
    numbers = st.integers(0, 2**63 - 1)
    ranks = st.permutations(range(len(letters))).map(lambda order: (1, list(order)))
    weights = st.lists(st.integers(0, 2**16 - 1), min_size=len(letters), max_size=len(letters))
    return {
        "index": draw(st.integers(0, 2**64 - 1)),
        "rules": rules,
        "no_op": draw(st.booleans()),
        "near_miss": draw(st.booleans()),
        "word": string(100),
        "output": string(100),
        "rule": draw(st.integers(-1, len(rules) - 1)),
        "position": draw(st.integers(-1, 2**63 - 1)),
        "steps": draw(numbers),
        "outcome": draw(st.sampled_from(Outcome)),
        "trace": [(draw(which), draw(numbers), string()) for _ in range(draw(st.integers(0, 4)))],
        "pairs": [(string(), string()) for _ in range(draw(st.integers(0, 3)))],
        "key": draw(st.none() | st.integers(0, 2**32 - 1) | st.permutations(range(len(letters))).map(bytes)),
        "certificate": draw(st.none() | ranks | weights.map(lambda values: (2, values))),
    }


@pytest.mark.parametrize("alphabet", list(ALPHABETS))
def test_the_engine_writes_what_a_plain_rendering_gives(alphabet: str) -> None:
    letters = ALPHABETS[alphabet]

    @settings(max_examples=tries(150))
    @given(nodes(None), examples(letters))
    def check(template: list[Any], example: dict[str, Any]) -> None:
        compiled = _template.Template([compile_template(source_of(template))], letters)
        assert compiled.write(example) == render_all(template, Scope(example, letters))

    check()


def an_example(**changes: Any) -> dict[str, Any]:
    """`ab -> ba; c ->. ` on `cab`."""
    example: dict[str, Any] = {
        "index": 7, "rules": [(b"\0\1", b"\1\0", False), (b"\2", b"", True)], "no_op": False, "near_miss": False,
        "word": b"\2\0\1", "output": b"\1\0", "rule": 0, "position": 1, "steps": 2, "outcome": Outcome.TERMINAL_RULE,
        "trace": [(0, 1, b"\2\1\0"), (1, 0, b"\1\0")], "pairs": [(b"\0", b"\1")], "key": None, "certificate": None,
    }  # fmt: skip
    return {**example, **changes}


def written(template: str, **changes: Any) -> str:
    return _template.Template([compile_template(template)], [b"a", b"b", b"c"]).write(an_example(**changes)).decode()


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("{pattern}>{replacement}:{word}=", "ab>ba:cab="),
        ("{{{index}}}|{rule}@{position}", "{7}|1@1"),
        ("{for rule in rules}{rule.number}. {rule.pattern} {rule.arrow} {rule.replacement}{sep}; {end}",
         "1. ab -> ba; 2. c ->. "),
        ("{word}{for step in steps} ={step.rule}@{step.position}> {step.word}{end}", "cab =1@1> cba =2@0> ba"),
        ("{for pair in pairs}{pair.word}~{pair.output}{sep},{end}", "a~b"),
        ("{if no_op}same{else}{output}{end}.", "ba."),
        ("{word|spaced}/{word|chars}/{word|reversed}/{word|length}", "c a b/c, a, b/bac/3"),
        ("{word|reversed|spaced} {output|chars|reversed}", "b a c a, b"),
        ("{if terminal}{for rule in rules}{if halted}{rule.number}{end}{end}{end}", "12"),
        ("{rule_count} rules, {step_count} steps, {outcome}", "2 rules, 2 steps, terminal_rule"),
    ],
)  # fmt: skip
def test_what_the_parts_of_a_template_mean(template: str, text: str) -> None:
    assert written(template) == text


def test_what_is_left_empty() -> None:
    none = {"rule": -1, "position": -1, "no_op": True, "outcome": Outcome.NO_RULE_APPLIES}
    assert written("[{pattern}|{replacement}|{rule}|{position}]", **none) == "[||0|-1]"
    one = {**none, "rules": [(b"\0\1", b"\2", False)]}
    assert written("[{pattern}|{replacement}|{rule}]", **one) == "[ab|c|0]"
    assert written("[{for step in steps}x{sep},{end}{key}{certificate}]", trace=[]) == "[]"


def test_keys_and_certificates() -> None:
    assert written("{key}", key=13) == "13"
    assert written("{key|chars}", key=13) == "13"
    assert written("{key} {key|spaced}", key=b"\2\0\1") == "cab c a b"
    assert written("{certificate}", certificate=(1, [1, 0, 2])) == "b > a > c"
    assert written("{certificate}", certificate=(2, [5, 65535, 0])) == "a=5, b=65535, c=0"


def test_long_loops_grow_the_text() -> None:
    trace = [(0, i, bytes([i % 3]) * 1000) for i in range(2000)]
    text = written("{for step in steps}{step.word}{sep}\n{end}", trace=trace)
    assert text == "\n".join("abc"[i % 3] * 1000 for i in range(2000))


def test_a_paraphrase_is_chosen() -> None:
    template = _template.Template([compile_template(text) for text in ("{word}", "{output}")], [b"a", b"b", b"c"])
    assert [template.write(an_example(), paraphrase=i) for i in (0, 1)] == [b"cab", b"ba"]
    with pytest.raises(IndexError):
        template.write(an_example(), paraphrase=2)


def test_want_of_memory_leaves_nothing_behind() -> None:
    template = "{for step in steps}{step.word}{end}"
    trace = [(0, i, b"\0" * 500) for i in range(20)]
    failures = 0
    for allowed in range(100):
        _template.fail_allocations_after(allowed)
        try:
            assert written(template, trace=trace) == "a" * 10000
            break
        except MemoryError:
            failures += 1
        finally:
            _template.fail_allocations_after(-1)
    assert failures > 5


# ---- errors -----------------------------------------------------------------------------------------------------

ERRORS = [
    ("ab{x}", 3, "unknown field {x}; the fields are {index}, {word}"),
    ("é{word }", 2, "unknown field {word }"),
    ("{}", 1, "unknown field {}"),
    ("a}b", 2, "'}' closes nothing; write '}}'"),
    ("a{word", 2, "'{' is not closed; write '{{'"),
    ("{word|", 1, "'{' is not closed"),
    ("-{word|big}", 2, "unknown filter 'big'; the filters are spaced, chars, reversed, length"),
    ("-{word|}", 2, "unknown filter ''"),
    ("-{index|spaced}", 2, "the filter 'spaced' is not for {index}"),
    ("{outcome|length}", 1, "the filter 'length' is not for {outcome}"),
    ("{key|length}", 1, "the filter 'length' is not for {key}"),
    ("{word|spaced|chars}", 1, "the filters of {word|spaced|chars} do not go together"),
    ("{word|spaced|spaced}", 1, "do not go together"),
    ("{word|spaced|length}", 1, "the filter 'length' stands alone"),
    ("x{for rule in steps}{end}", 2, "unknown loop {for rule in steps}; the loops are {for rule in rules}"),
    ("{for r in rules}{end}", 1, "unknown loop"),
    ("{for rule in rules}", 1, "{for rule in rules} is not closed; write {end}"),
    ("{if no_op}{for rule in rules}{end}", 1, "{if no_op} is not closed"),
    ("{for rule in rules}{if no_op}{for pair in pairs}{end}{end}{end}", 30, "loops do not nest"),
    ("ab{if word}{end}", 3, "unknown condition 'word'; the conditions are no_op, near_miss, terminal, halted"),
    ("{sep}", 1, "{sep} belongs in a loop"),
    ("{if no_op}{sep}{end}", 11, "{sep} belongs in a loop"),
    ("{for rule in rules}{if no_op}{sep}{end}{end}", 30, "{sep} belongs in a loop, and in no condition"),
    ("{for rule in rules}{sep}{sep}{end}", 25, "the loop has a {sep} already"),
    ("{else}", 1, "{else} belongs in a condition"),
    ("{for rule in rules}{else}{end}", 20, "{else} belongs in a condition"),
    ("{if no_op}{else}{else}{end}", 17, "the condition has an {else} already"),
    ("ab{end}", 3, "{end} closes nothing"),
    ("{rule.pattern}", 1, "{rule.pattern} belongs in {for rule in rules}"),
    ("{for step in steps}{rule.pattern}{end}", 20, "{rule.pattern} belongs in {for rule in rules}"),
    ("{for rule in rules}{end}{rule.pattern}", 25, "{rule.pattern} belongs in"),
    ("{for rule in rules}{rule.word}{end}", 20, "unknown field {rule.word}; the fields of loops are {rule.number}"),
    ("{word.length}", 1, "unknown field {word.length}"),
    ("{word}\ud800", 7, "cannot be written as UTF-8"),
]


@pytest.mark.parametrize(("template", "character", "problem"), ERRORS)
def test_errors_say_where(template: str, character: int, problem: str) -> None:
    base = mk.Recipe.load("paper/no-op")
    for changes, path in (
        ({"render.prompt": template}, "render.prompt"),
        ({"render.completion": ["{word}", template]}, "render.completion[1]"),
    ):
        with pytest.raises(RecipeError) as caught:
            base.replace(changes)
        assert caught.value.path == path
        assert re.match(rf"character {character}\b", caught.value.problem)
        assert problem in caught.value.problem


def test_every_filter_and_field_is_known_to_both_sides() -> None:
    """What the table of fields names can be compiled, alone or in its loop."""
    for name in FIELDS:
        compile_template(f"{{{name}}}")
    for item, (items, parts) in LOOPS.items():
        for part in parts:
            compile_template(f"{{for {item} in {items}}}{{{item}.{part}}}{{end}}")
    for name in FILTERS:
        compile_template(f"{{word|{name}}}")


def test_pieces_know_where_they_start() -> None:
    assert [(piece.tag or piece.literal, piece.at) for piece in parse_template("{{a}}{word}b{index}")] == [
        ("{a}", 0), ("word", 5), ("b", 11), ("index", 12),
    ]  # fmt: skip
    with pytest.raises(TemplateError):
        parse_template("{")


# ---- paraphrases ------------------------------------------------------------------------------------------------


def test_paraphrases_pair_up_or_are_refused() -> None:
    base = mk.Recipe.load("paper/no-op")
    two = ["{word}", "{output}"]
    for prompt, completion in ((two, two), (two, "x"), ("x", two), (two, ["x"]), (["x"], two), ("x", ["y"])):
        recipe = base.replace({"render.prompt": prompt, "render.completion": completion})
        assert mk.Recipe.from_toml(recipe.to_toml()) == recipe
    with pytest.raises(RecipeError, match="render: 2 prompts and 3 completions do not pair"):
        base.replace({"render.prompt": two, "render.completion": ["a", "b", "c"]})
    with pytest.raises(RecipeError, match=r"render\.prompt: must list at least one template"):
        base.replace({"render.prompt": []})


def test_a_data_set_draws_its_paraphrases_in_pairs() -> None:
    base = mk.Recipe.load("paper/no-op").replace(examples=400)
    prompts = ["In {word}, put {replacement} for {pattern}.", "{pattern}->{replacement}|{word|spaced}", "{word}"]
    completions = ["{output}", "{output|spaced}", "{rule}"]
    ds = mk.Dataset(base.replace({"render.prompt": prompts, "render.completion": completions}), seed=1)
    one = mk.Dataset(base.replace({"render.prompt": prompts, "render.completion": "{output}"}), seed=1)
    drawn = [0, 0, 0]
    for example, single in zip(ds, one, strict=True):
        word, pattern, replacement = example.word, example.pattern, example.replacement
        written = [f"In {word}, put {replacement} for {pattern}.", f"{pattern}->{replacement}|{' '.join(word)}", word]
        which = written.index(example.prompt)
        assert (example.template, single.template) == (which, which)
        answers = [example.output, " ".join(example.output), str(example.rule + 1)]
        assert example.completion == answers[which]
        assert (single.prompt, single.completion) == (example.prompt, example.output)
        drawn[which] += 1
    assert min(drawn) > 90


def test_a_prompt_without_its_word_is_told(tmp_path: Path) -> None:
    asked = ("generate", "paper/no-op", "--examples", 10, "--out")
    made = run(*asked, tmp_path / "a", "--set", 'render.prompt="{pattern}"')
    told = "render.prompt: '{pattern}' leaves out {word}: no completion can be told from it"
    assert made.stderr.splitlines()[-1] == told
    assert "leaves out" not in run(*asked, tmp_path / "b", "--set", 'render.prompt="{pattern} {word|spaced}"').stderr
    assert "leaves out" not in run(*asked, tmp_path / "c").stderr
