"""What a data set is: a typed, validated value, read from TOML or JSON and written back."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from markovlib.alphabets import Alphabet, alphabet_of
from markovlib.instructions import InstructionSet, instruction_set
from markovlib.popularity import MOST_WEIGHED, read_popularity
from markovlib.render import Piece, TemplateError, compile_template, default_templates, paraphrases, parse_template
from markovlib.rulelists import ListedInstructions, RuleList
from markovlib.spaces import Family, Instructions, RuleSpace, SpaceError

if TYPE_CHECKING:
    from markovlib.programs import Program

LONGEST_PART = 2**16
LONGEST_WORD = 2**24
_MOST_EXAMPLES = 2**62
_MOST_WEIGHTS = 2**25

#: What stands for any letter in a scheme, unless `task.variables` says otherwise.
VARIABLES = "XYZ"
KINDS = ("rewrite", "run", "trace", "encrypted", "scheme", "induce")

#: The splits that every recipe names; its shifts are further ones.
SPLITS = ("train", "seen", "unseen", "recombined")

_RUNS = ("run", "trace")
_TASK_FIELDS = {
    "steps": _RUNS, "max_steps": _RUNS, "max_length": _RUNS, "halting": _RUNS, "plants": _RUNS,
    "cipher": ("encrypted",), "enciphered": ("encrypted",), "key": ("encrypted",), "variables": ("scheme",),
    "pairs": ("induce",),
}  # fmt: skip
_TASK_CHOICES = {
    "cipher": ("shift", "substitution"), "enciphered": ("word", "replacement"), "key": ("example", "instruction"),
}  # fmt: skip
_MOST_STEPS = 2**31 - 1
_MOST_RULES = 64
_MOST_TRACE = 2**28

NEEDS_INSTRUCTIONS = "needs `instructions`, the number of rules that it weighs"
_TABLES = ("rules", "words", "task", "render", "eval")
_SIZES = (("examples",), ("instructions",), ("eval", "examples"), ("eval", "instructions"))


class RecipeError(ValueError):
    """A recipe that cannot be: `path` is the field, `words.no_op` for one; the message says what it may hold."""

    def __init__(self, path: str, problem: str, source: str = "recipe") -> None:
        super().__init__(path, problem, source)
        self.path = path
        self.problem = problem
        self.source = source

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.problem) if part)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


class ByteRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alphabet of byte values, first and last included."""

    bytes: tuple[int, int]


class FamilyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family in a list of them; its weight is shared by its strata, and `k` left out is that of the table."""

    name: str
    weight: float | int = 1
    k: int | tuple[int, int] | None = None


#: Sides of listed rules: text, or byte values for an alphabet of bytes.
_Side = str | list[int]
_Families = str | list[str | FamilyEntry]
_Pairs = list[tuple[_Side, _Side]]


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rules there are.  Lengths and `k` are [least, greatest], or one number for both.

    With a `list` of rules, its rules are all there are, and their lengths are theirs.
    """

    family: _Families = "uniform"
    alphabet: str | ByteRange = "a-z"
    pattern_length: int | tuple[int, int] = (20, 20)
    replacement_length: int | tuple[int, int] = (20, 20)
    k: int | tuple[int, int] | None = None
    per_example: int = 1
    pool: int | None = None
    holdout: float = 0.1
    strict: bool = False
    program: str | None = None
    terminating: bool | None = None
    cascade: float | None = None
    effect: dict[str, float | int] | None = None
    list: _Pairs | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "pattern_length", _pair(self.pattern_length))
        msgspec.structs.force_setattr(self, "replacement_length", _pair(self.replacement_length))


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which words there are.  `occurrences` left out: at least one."""

    length: int | tuple[int, int] = (50, 50)
    no_op: float = 0.0
    near_miss: float = 0.0
    near_miss_edits: int | None = None
    occurrences: int | list[int] | None = None
    sampler: str = "planted"
    fires: list[float] | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "length", _pair(self.length))


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the reader.  Fields that the kind does not have must be left out.

    `steps`, `max_steps`, `max_length` (in letters), `halting` and `plants` are of runs; `cipher`, `enciphered` and
    `key` of `encrypted`; `variables` of `scheme`; `pairs` of `induce`.
    """

    kind: str = "rewrite"
    steps: int | tuple[int, int] | None = None
    max_steps: int | None = None
    max_length: int | None = None
    halting: bool | None = None
    plants: int | None = None
    cipher: str | None = None
    enciphered: str | None = None
    key: str | None = None
    variables: str | None = None
    pairs: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None:
            msgspec.structs.force_setattr(self, "steps", _pair(self.steps))

    @property
    def runs(self) -> bool:
        """Whether rules are applied until none applies."""
        return self.kind in ("run", "trace")


class Render(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Templates of the two texts, or lists of paraphrases: as many of either, or one that goes with all.

    Left out, they are the default of the task.
    """

    prompt: str | list[str] | None = None
    completion: str | list[str] | None = None

    @property
    def prompts(self) -> list[str]:
        """The paraphrases of the prompt."""
        return paraphrases(self.prompt or "")

    @property
    def completions(self) -> list[str]:
        """The paraphrases of the completion."""
        return paraphrases(self.completion or "")


class Eval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of the splits other than `train`, and what their words have otherwise."""

    examples: int = 100_000
    instructions: int | None = None
    words: dict[str, Any] | None = None


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a data set is.  Field by field, see docs/datasets.md.

    A recipe is an immutable value: it compares, hashes and pickles, and every way of making one checks it whole.
    Unknown and impossible fields raise RecipeError, whose `path` names the field.

    >>> recipe = Recipe.load("paper/no-op").replace({"words.no_op": 0.5}, examples=10)
    >>> recipe.words.no_op, recipe.examples, recipe.rules.pattern_length
    (0.5, 10, (20, 20))
    >>> recipe.replace({"words.no_op": 1.5})
    Traceback (most recent call last):
        ...
    markovlib.recipe.RecipeError: recipe: words.no_op: must be between 0 and 1, got 1.5
    """

    examples: int | None = None
    instructions: int | None = None
    popularity: str | dict[str, Any] | list[float] = "uniform"
    rules: Rules = Rules()
    words: Words = Words()
    task: Task = Task()
    render: Render = Render()
    eval: Eval = Eval()
    shifts: dict[str, dict[str, Any]] = {}
    sweep: dict[str, list[Any]] = {}

    def __post_init__(self) -> None:
        templates = default_templates(self.task.kind, self.rules.per_example, self.rules.program is not None)
        for name, template in zip(("prompt", "completion"), templates, strict=True):
            if getattr(self.render, name) is None:
                msgspec.structs.force_setattr(self, "render", msgspec.structs.replace(self.render, **{name: template}))

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    # ---- reading ------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, name_or_path: str | Path) -> Recipe:
        """Reads a preset by its name, or a .toml or .json file by its path.

        Raises FileNotFoundError, RecipeError for what the file says, its `source` being the file's name.
        """
        name = str(name_or_path)
        preset = _preset_files().get(name)
        if preset is not None:
            return cls.from_toml(preset.read_text("utf-8"), source=name)
        path = Path(name_or_path)
        if path.suffix not in (".toml", ".json"):
            known = ", ".join(_preset_files())
            raise RecipeError("", f"is neither a preset ({known}) nor a .toml or .json file", name)
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise RecipeError("", f"is not UTF-8 text (byte {error.start})", path.name) from None
        return (cls.from_toml if path.suffix == ".toml" else cls.from_json)(text, source=path.name)

    @classmethod
    def from_toml(cls, text: str, source: str = "recipe") -> Recipe:
        """Reads TOML text; `source` is what errors call it."""
        try:
            return cls.from_dict(tomllib.loads(text), source)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError("", f"is not TOML: {error}", source) from None

    @classmethod
    def from_json(cls, text: str, source: str = "recipe") -> Recipe:
        """Reads JSON text; `source` is what errors call it."""
        try:
            return cls.from_dict(json.loads(text), source)
        except json.JSONDecodeError as error:
            raise RecipeError("", f"is not JSON: {error}", source) from None

    @classmethod
    def from_dict(cls, fields: dict[str, Any], source: str = "recipe") -> Recipe:
        """Checks and takes fields as `to_dict` gives them."""
        try:
            recipe = msgspec.convert(fields, cls)
        except msgspec.ValidationError as error:
            raise RecipeError(*_where(str(error)), source) from None
        check_recipe(recipe, source)
        return recipe

    @staticmethod
    def presets() -> dict[str, str]:
        """The names of the presets, each with a line that says what it is."""
        return {name: _first_line(file) for name, file in _preset_files().items()}

    # ---- writing ------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values (dict, list, str, int, float, bool), those left out missing."""
        fields: dict[str, Any] = _without_none(msgspec.to_builtins(self, builtin_types=()))
        for name in ("shifts", "sweep"):
            if not fields[name]:
                del fields[name]
        return fields

    def to_json(self) -> str:
        """The canonical JSON: keys in order, no spaces."""
        return _canonical(self.to_dict())

    def to_toml(self) -> str:
        """TOML text that reads back as this recipe."""
        return _toml(self.to_dict())

    def replace(self, changes: dict[str, Any] | None = None, /, **fields: Any) -> Recipe:
        """A recipe with other values: `replace({"words.no_op": 0.3}, examples=10)`; None leaves a field out.

        Templates that are the default of the task become those of the new one.
        """
        changed = _without_defaults(self)
        for path, value in {**(changes or {}), **fields}.items():
            changed = _with(changed, path, value)
        return type(self).from_dict(changed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON without the sweep, which plans several data sets and is part of none."""
        return _sha256(_canonical(_without(self.to_dict(), ("sweep",))))

    @property
    def identity(self) -> str:
        """The fingerprint without the sizes: the same for all splits and lengths of one data set."""
        fields = _without(self.to_dict(), ("sweep",))
        for path in _SIZES:
            fields = _without(fields, path)
        return _sha256(_canonical(fields))

    # ---- meaning ------------------------------------------------------------------------------------------------

    @property
    def alphabet(self) -> Alphabet:
        """The letters of rules and words."""
        spec = self.rules.alphabet
        return Alphabet(spec if isinstance(spec, str) else {"bytes": list(spec.bytes)})

    @property
    def letters(self) -> Alphabet:
        """The letters of words, then those that only rules have."""
        program = self.program
        if program is not None:
            return alphabet_of(program.alphabet)
        if self.task.kind != "scheme":
            return self.alphabet
        more: list[Any] = list(self.task.variables or VARIABLES)
        if not self.alphabet.text:
            more = [letter.encode("latin-1") for letter in more]
        return alphabet_of([*self.alphabet.letters, *more])

    @property
    def space(self) -> RuleSpace | RuleList:
        """The space that instructions are taken from."""
        alphabet = self.letters if self.task.kind == "scheme" else self.alphabet
        return space_of(self.rules, alphabet)

    @property
    def max_length(self) -> int:
        """The longest word of a run, in letters."""
        if self.task.max_length is not None:
            return self.task.max_length
        length, program = _pair(self.words.length), self.program
        return max(1024, 4 * length[1]) if program is None else max(1, program.max_length(length))

    @property
    def max_steps(self) -> int:
        """The most steps of a run; where `task.steps` ends earlier, that."""
        if self.task.steps is not None:
            return _pair(self.task.steps)[1]
        if self.task.max_steps is not None:
            return self.task.max_steps
        program = self.program
        return 1000 if program is None else max(1, program.max_steps(_pair(self.words.length)))

    @property
    def traced(self) -> bool:
        """Whether examples have the steps of their runs: those of a `trace`, and where a template goes through them."""
        texts = [*self.render.prompts, *self.render.completions]
        tags = {piece.tag for text in texts for piece in _pieces(text)}
        return self.task.kind == "trace" or (self.task.runs and bool(tags & {"for step in steps", "step_count"}))

    @property
    def step_letters(self) -> int:
        """How many letters the words of a trace may have together."""
        return self.max_steps * self.max_length

    def for_split(self, split: str) -> Recipe:
        """The recipe that the examples of a split follow: with `eval.words` but for `train`, and with its shift."""
        return self if split == "train" else type(self).from_dict(_shifted(self, split))

    @property
    def no_op_share(self) -> Fraction:
        """`words.no_op` as the decimal that was written."""
        return Fraction(str(self.words.no_op))

    @property
    def occurrences(self) -> list[int]:
        """The numbers of occurrences that words take by turns; 0 stands for at least one."""
        asked = self.words.occurrences
        return [0] if asked is None else [asked] if isinstance(asked, int) else asked

    @property
    def near_miss_share(self) -> Fraction:
        """`words.near_miss` as the decimal that was written."""
        return Fraction(str(self.words.near_miss))

    @property
    def holdout_share(self) -> Fraction:
        """`rules.holdout` as the decimal that was written."""
        return Fraction(str(self.rules.holdout))

    @property
    def terminating(self) -> bool:
        """Whether only rule sets are drawn that are proved to terminate; left out: where they are run to the end."""
        asked = self.rules.terminating
        return self.task.runs and self.rules.program is None if asked is None else asked

    @property
    def program(self) -> Program | None:
        """The named program whose rules are the only instruction."""
        if self.rules.program is None:
            return None
        from markovlib.programs import PROGRAMS

        return PROGRAMS[self.rules.program]

    @property
    def rules_of_program(self) -> int:
        """How many rules the named program has."""
        program = self.program
        return 0 if program is None else len(program.rules)

    def divide(self) -> tuple[Instructions | ListedInstructions, Instructions | ListedInstructions | None]:
        """The instructions of `train` and of `unseen`."""
        return self.space.divide(self.holdout_share)


def _pieces(template: str) -> list[Piece]:
    """The pieces of a template; none of one that cannot be read, which is refused elsewhere."""
    try:
        return parse_template(template)
    except TemplateError:
        return []


def space_of(rules: Rules, alphabet: Alphabet) -> RuleSpace | RuleList:
    """The rule space that the table of rules describes; SpaceError, with the field, where it cannot be."""
    return _space_of(space_fields(rules), alphabet)


def space_fields(rules: Rules) -> bytes:
    """What says which rules there are, apart from their letters."""
    fields = ("family", "k", "pattern_length", "replacement_length", "effect", "list")
    return msgspec.json.encode([getattr(rules, field) for field in fields])


@lru_cache(maxsize=64)
def _space_of(spec: bytes, alphabet: Alphabet) -> RuleSpace | RuleList:
    family, k, pattern_length, replacement_length, effect, listed = msgspec.json.decode(spec)
    if listed is not None:
        return RuleList(alphabet, [(_side(x, alphabet.text), _side(y, alphabet.text)) for x, y in listed])
    weights = None if effect is None else {name: Fraction(str(weight)) for name, weight in effect.items()}
    entries = [family] if isinstance(family, str) else family
    made = [_family(i, entry, k, family) for i, entry in enumerate(entries)]
    return RuleSpace(alphabet, made, tuple(pattern_length), tuple(replacement_length), weights)


def _family(i: int, entry: str | dict[str, Any], k: Any, families: Any) -> Family:
    """An entry as the space takes it; in a list, `rules.k` is not for the family without repetitions."""
    name, own, weight = (entry, None, 1) if isinstance(entry, str) else (entry["name"], entry.get("k"), entry["weight"])
    if own is None and (name != "uniform" or families == "uniform"):
        own = k
    if own is None and name != "uniform":
        raise SpaceError(f"family[{i}].k", f"must be given for the family {name!r}: how often its strings repeat")
    least, greatest = _pair(1 if own is None else own)
    return Family(name, (least, greatest), Fraction(str(weight)))


def _side(side: str | list[int], text: bool) -> str | bytes:
    """A side of a listed rule in the alphabet's type; text among bytes stands for its UTF-8 form."""
    if isinstance(side, str):
        return side if text else side.encode()
    if text:
        raise SpaceError("list", "must hold strings, since the alphabet is text")
    try:
        return bytes(side)
    except ValueError:
        raise SpaceError("list", f"must hold values from 0 to 255, got {side}") from None


# ---- reading and writing ----------------------------------------------------------------------------------------


def _where(message: str) -> tuple[str, str]:
    """A path and a problem from the words of msgspec."""
    found = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?", message, re.DOTALL)
    problem, path = (found.group(1), found.group(2) or "") if found else (message, "")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown:
        names = ", ".join(_fields_at(path))
        return f"{path}.{unknown.group(1)}".lstrip("."), f"unknown field; the fields here are {names}"
    return path, problem[:1].lower() + problem[1:]


def _fields_at(path: str) -> tuple[str, ...]:
    """The names of the fields of the table at a path; none if there is no such table."""
    tables: dict[str, type[msgspec.Struct]] = {
        "": Recipe, "rules": Rules, "words": Words, "task": Task, "render": Render, "eval": Eval,
        "rules.alphabet": ByteRange, "rules.family[]": FamilyEntry,
    }  # fmt: skip
    path = re.sub(r"\[[^]]*\]", "[]", path)
    return tables[path].__struct_fields__ if path in tables else ()


def _preset_files() -> dict[str, Traversable]:
    found = {}
    for folder in resources.files("markovlib.presets").iterdir():
        if folder.is_dir() and not folder.name.startswith("_"):
            found.update({f"{folder.name}/{file.name[:-5]}": file for file in _toml_files(folder)})
        elif folder.name.endswith(".toml"):
            found[folder.name[:-5]] = folder
    return dict(sorted(found.items()))


def _toml_files(folder: Traversable) -> list[Traversable]:
    return [file for file in folder.iterdir() if file.name.endswith(".toml")]


def _first_line(file: Traversable) -> str:
    return file.read_text("utf-8").partition("\n")[0].lstrip("# ")


def _with(fields: dict[str, Any], path: str, value: Any, above: str = "") -> dict[str, Any]:
    """The fields with another value at a dotted path."""
    head, _, rest = path.partition(".")
    inner = fields.get(head, {})
    if not rest:
        return {**fields, head: value} if value is not None else _without(fields, (head,))
    if not isinstance(inner, dict):
        raise RecipeError(above + path, f"{above}{head} has no fields")
    return {**fields, head: _with(inner, rest, value, f"{above}{head}.")}


def _without(fields: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    if len(path) == 1:
        return {key: value for key, value in fields.items() if key != path[0]}
    inner = fields.get(path[0])
    return {**fields, path[0]: _without(inner, path[1:])} if isinstance(inner, dict) else fields


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value


def _canonical(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _toml(fields: dict[str, Any]) -> str:
    lines = [f"{_toml_key(key)} = {_toml_value(v)}" for key, v in fields.items() if not _is_table(key, v)]
    for name, table in fields.items():
        if name == "shifts":
            for shift, changes in table.items():
                lines += _toml_table(f"shifts.{_toml_key(shift)}", changes)
        elif _is_table(name, table):
            lines += _toml_table(_toml_key(name), table)
    return "\n".join(lines) + "\n"


def _toml_table(header: str, table: dict[str, Any]) -> list[str]:
    return ["", f"[{header}]", *(f"{_toml_key(key)} = {_toml_value(value)}" for key, value in table.items())]


def _is_table(key: str, value: Any) -> bool:
    return isinstance(value, dict) and key != "popularity"


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_value(key)


def _toml_value(value: Any) -> str:
    """One value; JSON's strings, numbers and booleans are TOML's, but for the DEL character."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(key)} = {_toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _without_defaults(recipe: Recipe) -> dict[str, Any]:
    """The fields without the templates that are the task's default."""
    fields = recipe.to_dict()
    defaults = default_templates(recipe.task.kind, recipe.rules.per_example, recipe.rules.program is not None)
    for name, template in zip(("prompt", "completion"), defaults, strict=True):
        if getattr(recipe.render, name) == template:
            fields = _without(fields, ("render", name))
    return fields


def _shifted(recipe: Recipe, split: str) -> dict[str, Any]:
    """The fields of the recipe that a split other than `train` follows, which has neither shifts nor eval words."""
    fields = _without_defaults(recipe)
    for unused in (("shifts",), ("sweep",), ("eval", "words")):
        fields = _without(fields, unused)
    for name, value in (recipe.eval.words or {}).items():
        fields = _with(fields, f"words.{name}", value)
    for path, value in recipe.shifts.get(split, {}).items():
        fields = _with(fields, f"eval.{path}" if path in ("examples", "instructions") else path, value)
    return fields


# ---- checking ---------------------------------------------------------------------------------------------------


def check_recipe(recipe: Recipe, source: str) -> None:
    """Raises RecipeError for the first field that is impossible, or not supported in this version."""
    check = _Check(source)
    check.sizes(recipe)
    check.program(recipe)
    check.task(recipe)
    check.rules(recipe)
    check.words(recipe)
    check.templates(recipe)
    check.instructions(recipe)
    check.popularity(recipe)
    check.shifts(recipe)
    check.sweep(recipe)


def _written_at(rules: Rules, field: str) -> str:
    """Where in the table what the space calls `family[i].k` and the like was written."""
    found = re.fullmatch(r"family\[(\d+)\](?:\.(\w+))?", field)
    if not found:
        return field
    entry = rules.family if isinstance(rules.family, str) else rules.family[int(found.group(1))]
    if found.group(2) == "k" and (isinstance(entry, str) or entry.k is None) and rules.k is not None:
        return "k"
    if isinstance(rules.family, str):
        return "k" if found.group(2) == "k" else "family"
    return field if isinstance(entry, FamilyEntry) else field.partition(".")[0]


class _Check:
    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, path: str, problem: str) -> NoReturn:
        raise RecipeError(path, problem, self.source)

    def within(self, path: str, value: int | None, least: int, greatest: int) -> None:
        if value is not None and not least <= value <= greatest:
            self.fail(path, f"must be between {least} and {greatest}, got {value}")

    def sizes(self, recipe: Recipe) -> None:
        self.within("examples", recipe.examples, 1, _MOST_EXAMPLES)
        self.within("instructions", recipe.instructions, 1, _MOST_EXAMPLES)
        self.within("eval.examples", recipe.eval.examples, 1, _MOST_EXAMPLES)
        self.within("eval.instructions", recipe.eval.instructions, 1, _MOST_EXAMPLES)

    def task(self, recipe: Recipe) -> None:
        task, rules = recipe.task, recipe.rules
        if task.kind not in KINDS:
            self.fail("task.kind", f"must be one of {', '.join(KINDS)}, got {json.dumps(task.kind)}")
        for name, kinds in _TASK_FIELDS.items():
            if getattr(task, name) is not None and task.kind not in kinds:
                self.fail(f"task.{name}", f"is of the kinds {', '.join(kinds)}; leave it out for {task.kind!r}")
        for name, known in _TASK_CHOICES.items():
            value = getattr(task, name)
            if value is not None and value not in known:
                self.fail(f"task.{name}", f"must be one of {', '.join(known)}, got {json.dumps(value)}")
        self.within("task.max_steps", task.max_steps, 1, _MOST_STEPS)
        self.within("task.max_length", task.max_length, 1, LONGEST_WORD)
        self.within("task.plants", task.plants, 1, 1000)
        self.within("task.pairs", task.pairs, 1, 1000)
        if task.steps is not None:
            self.lengths("task.steps", _pair(task.steps), 1, _MOST_STEPS)
        if not task.runs and not 1 <= rules.per_example <= _MOST_RULES:
            self.fail("rules.per_example", f"must be between 1 and {_MOST_RULES}, got {rules.per_example}")
        if task.kind in ("encrypted", "scheme", "induce") and rules.per_example != 1:
            self.fail("rules.per_example", f"must be 1 for the task {task.kind!r}, got {rules.per_example}")
        if task.kind == "encrypted" and task.cipher is None:
            self.fail("task.cipher", 'must be given for the task \'encrypted\': "shift" or "substitution"')
        if recipe.traced and recipe.step_letters > _MOST_TRACE:
            self.fail("task.max_steps", f"times task.max_length must be at most {_MOST_TRACE} for a trace")

    def several(self, recipe: Recipe) -> None:
        rules = recipe.rules
        self.within("rules.pool", rules.pool, rules.per_example + (rules.per_example > 1), _MOST_EXAMPLES - 1)
        if rules.pool is not None and rules.per_example == 1:
            self.fail("rules.pool", "is of several rules per example; use instructions for one")
        if rules.cascade is not None:
            self.cascade(recipe, rules.cascade)
        if rules.terminating and recipe.task.kind == "scheme":
            self.fail("rules.terminating", "is not for the task 'scheme', whose rules have variables")

    def cascade(self, recipe: Recipe, share: float) -> None:
        rules = recipe.rules
        if not 0 <= share <= 1 or rules.per_example < 2:
            self.fail("rules.cascade", f"must be a share of sets of two rules or more, got {share}")
        self.decimals("rules.cascade", share)
        for name in ("pool", "list"):
            if getattr(rules, name) is not None:
                self.fail("rules.cascade", f"writes patterns into replacements; leave it out with rules.{name}")
        least, greatest = recipe.space.pattern_lengths
        if share and not max(least, 1) <= recipe.space.replacement_lengths[1]:
            self.fail("rules.cascade", "needs replacements that can hold a pattern; lengthen rules.replacement_length")
        if share and not greatest:
            self.fail("rules.cascade", "needs patterns that are not empty")

    def program(self, recipe: Recipe) -> None:
        if recipe.rules.program is None:
            return
        from markovlib.programs import PROGRAMS

        if recipe.rules.program not in PROGRAMS:
            self.fail("rules.program", f"must be one of {', '.join(PROGRAMS)}, got {recipe.rules.program!r}")
        if not recipe.task.runs:
            self.fail("rules.program", "is for the tasks run and trace")
        try:
            PROGRAMS[recipe.rules.program].segments(_pair(recipe.words.length))
        except ValueError as error:
            self.fail("words.length", str(error))
        for path, value, only in (
            ("rules.per_example", recipe.rules.per_example, 1), ("words.no_op", recipe.words.no_op, 0.0),
            ("words.occurrences", recipe.words.occurrences, None), ("task.plants", recipe.task.plants, None),
        ):  # fmt: skip
            if value != only:
                self.fail(path, "must be left out with rules.program, whose rules and words are given")

    def lengths(self, path: str, pair: tuple[int, int], least: int, greatest: int) -> None:
        low, high = pair
        if not least <= low <= high <= greatest:
            self.fail(path, f"must be [least, greatest] within {least} and {greatest}, got {[low, high]}")

    def rules(self, recipe: Recipe) -> None:
        rules = recipe.rules
        try:
            _ = recipe.alphabet
        except ValueError as error:
            self.fail("rules.alphabet", str(error))
        for name in ("pattern_length", "replacement_length"):
            pair = _pair(getattr(rules, name))
            self.lengths(f"rules.{name}", pair, 0, LONGEST_PART)
        if not 0 <= rules.holdout < 1:
            self.fail("rules.holdout", f"must be at least 0 and less than 1, got {rules.holdout}")
        self.decimals("rules.holdout", rules.holdout)
        try:
            _ = recipe.letters
        except ValueError as error:
            self.fail("task.variables", str(error))
        self.space(recipe)
        self.several(recipe)

    def space(self, recipe: Recipe) -> None:
        rules = recipe.rules
        if rules.list is not None and (rules.family != "uniform" or rules.k is not None or rules.effect is not None):
            self.fail("rules.list", "takes the place of family, k and effect; leave them out")
        for i, entry in enumerate(rules.family if isinstance(rules.family, list) else []):
            if isinstance(entry, FamilyEntry):
                self.decimals(f"rules.family[{i}].weight", entry.weight)
        for name, weight in (rules.effect or {}).items():
            self.decimals(f"rules.effect.{name}", weight)
        if rules.program is not None:
            return
        try:
            _ = recipe.space
        except SpaceError as error:
            self.fail(f"rules.{_written_at(rules, error.field)}", error.problem)

    def decimals(self, path: str, value: float) -> None:
        if Fraction(str(value)).denominator > 10**17:
            self.fail(path, f"must have at most 17 decimals, got {value}")

    def share(self, path: str, value: float) -> None:
        if not 0 <= value <= 1:
            self.fail(path, f"must be between 0 and 1, got {value}")
        self.decimals(path, value)

    def words(self, recipe: Recipe) -> None:
        words = recipe.words
        low, high = _pair(words.length)
        self.lengths("words.length", (low, high), 1, LONGEST_WORD)
        self.share("words.no_op", words.no_op)
        if recipe.rules.program is not None:
            return
        least, pattern = recipe.space.pattern_lengths
        if pattern > high:
            self.fail("rules.pattern_length", f"{pattern} is longer than every word (words.length = {[low, high]})")
        if least == 0 and words.no_op:
            self.fail("words.no_op", "must be 0, since the empty pattern occurs in every word")
        if words.sampler not in ("planted", "exact"):
            self.fail("words.sampler", f"must be planted or exact, got {json.dumps(words.sampler)}")
        if recipe.task.kind == "induce" and words.no_op:
            self.fail("words.no_op", "must be 0 for the task 'induce', since a no-op says little about its rule")
        self.near_misses(recipe, least)
        self.plain_words(recipe, least, pattern, high)
        if words.fires is not None:
            self.fires(recipe)

    def near_misses(self, recipe: Recipe, least: int) -> None:
        words = recipe.words
        self.share("words.near_miss", words.near_miss)
        self.within("words.near_miss_edits", words.near_miss_edits, 1, max(least, 1))
        if words.near_miss and (not words.no_op or recipe.task.runs or recipe.task.kind == "scheme"):
            self.fail(
                "words.near_miss", "is a share of the no-ops of one step of plain rules: words.no_op must be above 0"
            )

    def plain_words(self, recipe: Recipe, least: int, pattern: int, longest: int) -> None:
        """What only words for one rule have."""
        words = recipe.words
        if words.occurrences is None:
            return
        if recipe.rules.per_example > 1 or recipe.task.runs or recipe.task.kind == "scheme":
            self.fail("words.occurrences", "is of one rule and one step; leave it out here")
        counts = recipe.occurrences
        if not counts:
            self.fail("words.occurrences", "must list at least one number")
        if least == 0:
            self.fail("words.occurrences", "must be left out, since the empty pattern occurs everywhere")
        for count in counts:
            self.occurrences(count, pattern, longest)

    def fires(self, recipe: Recipe) -> None:
        weights = recipe.words.fires or []
        if recipe.rules.per_example < 2 or recipe.task.runs:
            self.fail("words.fires", "weighs the rules of an example with several of them and one step")
        sound = len(weights) == recipe.rules.per_example and all(0 <= weight <= 1e9 for weight in weights)
        if not sound or not sum(weights) > 0:
            self.fail(
                "words.fires",
                f"must list {recipe.rules.per_example} weights between 0 and 1e9, not all of them 0, got {weights}",
            )
        for weight in weights:
            if Fraction(str(weight)).denominator > 10**6:
                self.fail("words.fires", f"must have at most 6 decimals, got {weight}")

    def occurrences(self, count: int, pattern: int, longest: int) -> None:
        path = "words.occurrences"
        if count < 1:
            self.fail(path, f"must be at least 1, got {count}; for words without the pattern use words.no_op")
        if count * pattern > longest:
            self.fail(
                path, f"{count} occurrences of patterns of {pattern} letters need words of {count * pattern}; "
                f"words.length ends at {longest}",
            )  # fmt: skip
        if count > 1 and (count + 1) * (longest + 1) * pattern > _MOST_WEIGHTS:
            self.fail(path, f"(occurrences + 1) * (longest word + 1) * pattern must be at most {_MOST_WEIGHTS}")

    def templates(self, recipe: Recipe) -> None:
        counts = []
        for name in ("prompt", "completion"):
            given = getattr(recipe.render, name)
            for i, template in enumerate(paraphrases(given)):
                self.template(f"render.{name}" if isinstance(given, str) else f"render.{name}[{i}]", template)
            counts.append(len(paraphrases(given)))
            if not counts[-1]:
                self.fail(f"render.{name}", "must list at least one template")
        if 1 not in counts and counts[0] != counts[1]:
            self.fail(
                "render", f"{counts[0]} prompts and {counts[1]} completions do not pair; give as many of either, or one"
            )

    def template(self, path: str, template: str) -> None:
        try:
            template.encode()
            compile_template(template)
        except TemplateError as error:
            self.fail(path, str(error))
        except UnicodeEncodeError as error:
            self.fail(path, f"character {error.start + 1} cannot be written as UTF-8")

    def instructions(self, recipe: Recipe) -> None:
        if recipe.rules.program is not None:
            if (recipe.instructions or 1) != 1:
                self.fail("instructions", f"must be left out with rules.program, got {recipe.instructions}")
            return
        train, tests = (instruction_set(recipe, split) for split in ("train", "unseen"))
        possible = train.possible if train else 0
        if not possible:
            self.fail("rules", "the space has no rule for training besides x -> x; lengthen a side")
        asked = recipe.instructions or recipe.examples or 0
        if asked > possible:
            # Only spaces as small as that are written out: Python refuses to print numbers of thousands of digits.
            have = f"the rule space holds {possible} for training (of {recipe.space.size} rules)"
            if recipe.instructions is not None:
                self.fail("instructions", f"{asked} different instructions are not possible: {have}")
            self.fail("examples", f"{asked} examples need as many instructions: {have}; give `instructions`")
        self.strict(recipe, train)
        held_out = tests.possible if tests else 0
        if 0 < held_out < (recipe.eval.instructions or 0):
            self.fail("eval.instructions", f"{recipe.eval.instructions} are not possible: {held_out} are held out")

    def strict(self, recipe: Recipe, train: InstructionSet | None) -> None:
        """No stratum may run out within the instructions of training."""
        if not recipe.rules.strict or train is None or train.share is None:
            return
        asked = recipe.instructions or recipe.examples or train.possible
        for spill in train.share.spills(train.rules_used(asked)):
            stratum = train.share.strata[spill.stratum]
            self.fail(
                "rules.strict", f"the stratum of family {stratum.family!r}, k = {stratum.k}, lengths "
                f"{stratum.pattern_length} and {stratum.replacement_length} has {stratum.possible} rules, too few from "
                f"rule {spill.rule} on; ask for fewer instructions, or leave strict out",
            )  # fmt: skip

    def popularity(self, recipe: Recipe) -> None:
        try:
            law = read_popularity(recipe.popularity)
        except ValueError as error:
            self.fail("popularity", str(error))
        if law is None:
            return
        if recipe.instructions is None:
            # Without `examples` either it is a recipe of test sets, which popularity says nothing about.
            if recipe.examples is not None:
                self.fail("popularity", NEEDS_INSTRUCTIONS)
            return
        if recipe.instructions > MOST_WEIGHED:
            self.fail("instructions", f"must be at most {MOST_WEIGHED} for a popularity that is not uniform")
        if isinstance(recipe.popularity, list) and len(recipe.popularity) != recipe.instructions:
            self.fail("popularity", f"lists {len(recipe.popularity)} weights for {recipe.instructions} instructions")

    def shifts(self, recipe: Recipe) -> None:
        for name, changes in recipe.shifts.items():
            path = f"shifts.{name}"
            if not re.fullmatch(r"\w+", name) or name in SPLITS:
                self.fail(path, f"must be a name of letters, digits and _, and none of {', '.join(SPLITS)}")
            for field in changes:
                table, _, last = field.rpartition(".")
                known = ("examples", "instructions") if not table else _fields_at(table)
                if last not in known or table in ("eval", "render") or field in ("sweep", "shifts"):
                    self.fail(
                        f"{path}.{field}", "is not the path of a field that a shift changes, such as words.length"
                    )
                if field == "rules.holdout":
                    self.fail(f"{path}.{field}", "is that of training, which decides what is left for test sets")
        for split in ("unseen", *recipe.shifts):
            if split == "unseen" and not recipe.eval.words:
                continue
            bare = msgspec.structs.replace(recipe, shifts={split: recipe.shifts[split]} if split != "unseen" else {})
            shifted = _shifted(bare, split)
            try:
                Recipe.from_dict(shifted)
            except RecipeError as error:
                where = f"shifts.{split}" if split != "unseen" else "eval.words"
                self.fail(where, f"{error.path}: {error.problem}".strip(": "))

    def sweep(self, recipe: Recipe) -> None:
        """The names of the axes only: a point of a sweep is checked when it is made."""
        seen: set[str] = set()
        for axis, values in recipe.sweep.items():
            paths = axis.split(",")
            for path in paths:
                table, _, field = path.rpartition(".")
                if field not in _fields_at(table) or path in (*_TABLES, "shifts", "sweep"):
                    self.fail(f"sweep.{axis}", "is not the path of a field, such as words.no_op")
                if path in seen:
                    self.fail(f"sweep.{axis}", f"{path} is on two axes")
                seen.add(path)
            if not values:
                self.fail(f"sweep.{axis}", "must list at least one value")
            if len(paths) > 1 and any(not isinstance(value, list) or len(value) != len(paths) for value in values):
                self.fail(f"sweep.{axis}", f"must list lists of {len(paths)} values, one for each path")
