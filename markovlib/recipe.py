"""What a data set is: a typed, validated value, read from TOML or JSON and written back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from markovlib import presets
from markovlib.alphabets import Alphabet, alphabet_of
from markovlib.families import FAMILIES
from markovlib.fields import (
    RecipeError,
    canonical,
    check_constructed,
    converting,
    fixed,
    in_words,
    names_in,
    plain,
    read_json,
    read_preset_or_file,
    read_toml,
    refuse_surrogates,
    sha256,
    toml_key,
    toml_value,
    where,
    without_none,
)
from markovlib.instructions import usable_rules
from markovlib.render import Piece, TemplateError, default_templates, paraphrases, parse_template
from markovlib.rulelists import ListedInstructions, RuleList
from markovlib.spaces import Family, Instructions, RuleSpace, SpaceError

if TYPE_CHECKING:
    from markovlib.programs import Program


#: What stands for any letter in a scheme, unless `task.variables` says otherwise.
VARIABLES = "XYZ"
KINDS = ("rewrite", "run", "trace", "encrypted", "scheme", "induce")

#: What there is in `rules` that has no use beside a named program, and beside a list.
UNUSED_BESIDE = {
    "program": ("alphabet", "pattern_length", "replacement_length", "holdout", "strict", "terminating"),
    "list": ("pattern_length", "replacement_length", "strict"),
}

#: What there is in `rules` that cannot be with a named program.
NOT_OF_PROGRAMS = ("per_example", "family", "k", "effect", "list", "pool", "cascade")

_RUNS = ("run", "trace")
#: What there is in `task` that is of some kinds only, and of which.
TASK_FIELDS = {
    "steps": _RUNS, "step_counts": _RUNS, "max_steps": _RUNS, "max_length": _RUNS, "halting": _RUNS, "plants": _RUNS,
    "cipher": ("encrypted",), "enciphered": ("encrypted",), "key": ("encrypted",), "variables": ("scheme",),
    "pairs": ("induce",),
}  # fmt: skip

#: The splits that every recipe names; its shifts are further ones.
SPLITS = ("train", "seen", "unseen", "recombined")


_SIZES = (("examples",), ("instructions",), ("eval", "examples"), ("eval", "instructions"))


def lengths_of(value: int | tuple[int, int]) -> tuple[int, int]:
    """The least and the greatest length: a number stands for both."""
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
        msgspec.structs.force_setattr(self, "pattern_length", lengths_of(self.pattern_length))
        msgspec.structs.force_setattr(self, "replacement_length", lengths_of(self.replacement_length))


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
        msgspec.structs.force_setattr(self, "length", lengths_of(self.length))


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the reader.  Fields that the kind does not have must be left out.

    `steps`, `step_counts`, `max_steps`, `max_length` (in letters), `halting` and `plants` are of runs; `cipher`,
    `enciphered` and `key` of `encrypted`; `variables` of `scheme`; `pairs` of `induce`.
    """

    kind: str = "rewrite"
    steps: int | tuple[int, int] | None = None
    step_counts: list[int] | None = None
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
            msgspec.structs.force_setattr(self, "steps", lengths_of(self.steps))

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

    A recipe is an immutable value: it compares and hashes by what is written, pickles, and every way of making one
    checks it whole.
    Unknown and impossible fields raise RecipeError, whose `path` names the field.

    >>> recipe = Recipe.load("paper/no-op").replace({"words.no_op": 0.5}, examples=10)
    >>> recipe.words.no_op, recipe.examples, recipe.rules.pattern_length
    (0.5, 10, (20, 20))
    >>> Recipe(words={"no_op": 0.5}).words.no_op
    0.5
    >>> recipe.replace({"words.no_op": 1.5})
    Traceback (most recent call last):
        ...
    markovlib.fields.RecipeError: recipe: words.no_op: must be between 0 and 1, got 1.5
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
        if check_constructed(self):
            return
        templates = default_templates(self.task.kind, self.rules.per_example, self.rules.program is not None)
        for name, template in zip(("prompt", "completion"), templates, strict=True):
            if getattr(self.render, name) is None:
                msgspec.structs.force_setattr(self, "render", msgspec.structs.replace(self.render, **{name: template}))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recipe):
            return NotImplemented
        return self is other or self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    # ---- reading ------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, name_or_path: str | Path) -> Recipe:
        """Reads a preset by its name, or a .toml or .json file by its path.

        Raises FileNotFoundError, RecipeError for what the file says, its `source` being the file's name.
        """
        return cls.from_dict(*read_preset_or_file(name_or_path, presets.recipes()))

    @classmethod
    def of(cls, given: Recipe | str | Path) -> Recipe:
        """A recipe as it is, and what `load` reads by a name or a path.  Raises TypeError for anything else.

        >>> Recipe.of("paper/no-op") == Recipe.of(Recipe.load("paper/no-op"))
        True
        """
        if isinstance(given, Recipe):
            return given
        if isinstance(given, str | Path):
            return cls.load(given)
        raise TypeError(f"recipe must be a Recipe, or the name of a preset or file, not {type(given).__name__}")

    @classmethod
    def from_toml(cls, text: str, source: str = "recipe") -> Recipe:
        """Reads TOML text; `source` is what errors call it."""
        return cls.from_dict(read_toml(text, source), source)

    @classmethod
    def from_json(cls, text: str, source: str = "recipe") -> Recipe:
        """Reads JSON text; `source` is what errors call it."""
        return cls.from_dict(read_json(text, source), source)

    @classmethod
    def from_dict(cls, fields: dict[str, Any], source: str = "recipe") -> Recipe:
        """Checks and takes fields as `to_dict` gives them."""
        return cls._read(fields, source)

    @classmethod
    def _read(cls, fields: dict[str, Any], source: str = "recipe", *, part: bool = False) -> Recipe:
        """As `from_dict`; `part`: what a split of another recipe follows, which may have fields that only that uses."""
        fields = plain(fields)
        refuse_surrogates(fields, source)
        from markovlib.recipe_checks import check_recipe

        with converting():
            try:
                recipe = msgspec.convert(fields, cls)
            except msgspec.ValidationError as error:
                path, problem = where(str(error), fields_at)
                path = _named(path, fields)
                raise RecipeError(path, in_words(path, problem, fields), source) from None
            check_recipe(recipe, source, part)
        fixed(recipe)
        return recipe

    @staticmethod
    def presets() -> dict[str, str]:
        """The names of the presets, each with a line that says what it is."""
        return presets.descriptions(presets.recipes())

    # ---- writing ------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values (dict, list, str, int, float, bool), those left out missing."""
        fields: dict[str, Any] = without_none(msgspec.to_builtins(self, builtin_types=(), enc_hook=plain))
        for name in ("shifts", "sweep"):
            if not fields[name]:
                del fields[name]
        return fields

    def to_json(self) -> str:
        """The canonical JSON: keys in order, no spaces."""
        return canonical(self.to_dict())

    def to_toml(self) -> str:
        """TOML text that reads back as this recipe."""
        return _toml(self.to_dict())

    def replace(self, changes: dict[str, Any] | None = None, /, **fields: Any) -> Recipe:
        """A recipe with other values: `replace({"words.no_op": 0.3}, examples=10)`; None leaves a field out.

        Templates that are the default of the task become those of the new one, and what has no use beside a named
        program, or a list of rules, is left out where one is given.
        """
        changed, given = _without_defaults(self), {**(changes or {}), **fields}
        for beside, names in UNUSED_BESIDE.items():
            for name in names if given.get(f"rules.{beside}") is not None else ():
                changed = _without(changed, ("rules", name))
        for path, value in given.items():
            changed = _with(changed, path, value)
        return type(self).from_dict(changed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON without the sweep, which plans several data sets and is part of none."""
        return sha256(canonical(_without(self.to_dict(), ("sweep",))))

    @property
    def identity(self) -> str:
        """The fingerprint without the sizes: the same for all splits and lengths of one data set."""
        fields = _without(self.to_dict(), ("sweep",))
        for path in _SIZES:
            fields = _without(fields, path)
        return sha256(canonical(fields))

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
        """The space that instructions are taken from; of a short list, the rules that the task can use."""
        alphabet = self.letters if self.task.kind == "scheme" else self.alphabet
        return usable_rules(self, space_of(self.rules, alphabet))

    @property
    def max_length(self) -> int:
        """The longest word of a run, in letters."""
        if self.task.max_length is not None:
            return self.task.max_length
        length, program = lengths_of(self.words.length), self.program
        return max(1024, 4 * length[1]) if program is None else max(1, program.max_length(length))

    @property
    def max_steps(self) -> int:
        """The most steps of a run; with `task.steps` or `task.step_counts` the most that they name."""
        if self.task.steps is not None:
            return lengths_of(self.task.steps)[1]
        if self.task.step_counts is not None:
            return max(self.task.step_counts, default=1)
        if self.task.max_steps is not None:
            return self.task.max_steps
        program = self.program
        return 1000 if program is None else max(1, program.max_steps(lengths_of(self.words.length)))

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
        return self if split == "train" else self._read(shifted(self, split), part=True)

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
    if own is None and name in FAMILIES and name != "uniform":
        raise SpaceError(f"family[{i}].k", f"must be given for the family {name!r}: how often its strings repeat")
    least, greatest = lengths_of(1 if own is None else own)
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


def fields_at(path: str) -> tuple[str, ...]:
    """The names of the fields of the table at a path; none if there is no such table."""
    tables: dict[str, type[msgspec.Struct]] = {
        "": Recipe, "rules": Rules, "words": Words, "task": Task, "render": Render, "eval": Eval,
        "rules.alphabet": ByteRange, "rules.family[]": FamilyEntry,
    }  # fmt: skip
    return names_in(tables, path)


#: Tables with names of the user's own, and what each name has.
_OPEN_TABLES: dict[str, Any] = {"shifts": dict, "sweep": list, "rules.effect": float | int}


def _named(path: str, fields: dict[str, Any]) -> str:
    """The path with the name for which msgspec writes `[...]`: the first that has something else than it should."""
    table, dots, rest = path.partition("[...]")
    inner: Any = fields
    for key in table.split(".") if dots else ():
        inner = inner[key]
    for name, value in inner.items() if table in _OPEN_TABLES else ():
        try:
            msgspec.convert(value, _OPEN_TABLES[table])
        except msgspec.ValidationError:
            return f"{table}.{name}{rest}"
    return path


def _with(fields: dict[str, Any], path: str, value: Any, above: str = "") -> dict[str, Any]:
    """The fields with another value at a dotted path; in a shift, and in the sweep, names are paths themselves."""
    named_by_paths = re.fullmatch(r"sweep\.|shifts\..+\.", above)
    head, _, rest = (path, "", "") if named_by_paths else path.partition(".")
    inner = fields.get(head, {})
    if not rest:
        return {**fields, head: value} if value is not None else _without(fields, (head,))
    if not isinstance(inner, dict):
        whole = f"{above}{head}"
        table = whole == "popularity" or rest in fields_at(whole)
        advice = f", unless it is a table: give all of it, {whole} = {{ {rest} = ... }}" if table else ""
        raise RecipeError(above + path, f"{whole} has no fields{advice}")
    return {**fields, head: _with(inner, rest, value, f"{above}{head}.")}


def _without(fields: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    if len(path) == 1:
        return {key: value for key, value in fields.items() if key != path[0]}
    inner = fields.get(path[0])
    return {**fields, path[0]: _without(inner, path[1:])} if isinstance(inner, dict) else fields


def _toml(fields: dict[str, Any]) -> str:
    lines = [f"{toml_key(key)} = {toml_value(v)}" for key, v in fields.items() if not _is_table(key, v)]
    for name, table in fields.items():
        if name == "shifts":
            for shift, changes in table.items():
                lines += _toml_table(f"shifts.{toml_key(shift)}", changes)
        elif _is_table(name, table):
            lines += _toml_table(toml_key(name), table)
    return "\n".join(lines) + "\n"


def _toml_table(header: str, table: dict[str, Any]) -> list[str]:
    return ["", f"[{header}]", *(f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items())]


def _is_table(key: str, value: Any) -> bool:
    return isinstance(value, dict) and key != "popularity"


def _without_defaults(recipe: Recipe) -> dict[str, Any]:
    """The fields without the templates that are the task's default."""
    fields = recipe.to_dict()
    defaults = default_templates(recipe.task.kind, recipe.rules.per_example, recipe.rules.program is not None)
    for name, template in zip(("prompt", "completion"), defaults, strict=True):
        if getattr(recipe.render, name) == template:
            fields = _without(fields, ("render", name))
    return fields


def shifted(recipe: Recipe, split: str) -> dict[str, Any]:
    """The fields of the recipe that a split other than `train` follows, which has neither shifts nor eval words."""
    fields = _without_defaults(recipe)
    for unused in (("shifts",), ("sweep",), ("eval", "words")):
        fields = _without(fields, unused)
    for name, value in (recipe.eval.words or {}).items():
        fields = _with(fields, f"words.{name}", value)
    given = recipe.shifts.get(split, {})
    for path, value in given.items():
        fields = _with(fields, f"eval.{path}" if path in ("examples", "instructions") else path, value)
    for path in _left_behind(fields, given) if given else ():
        fields = fields if path in given else _without(fields, tuple(path.split(".")))
    return fields


def _left_behind(fields: dict[str, Any], given: Mapping[str, Any]) -> list[str]:
    """What a shift with these fields has no use for, or has something else for, whatever training makes of it."""
    task, rules = fields["task"], fields["rules"]
    several, runs = rules.get("per_example") != 1, task.get("kind") in _RUNS
    left = [f"task.{name}" for name, kinds in TASK_FIELDS.items() if task.get("kind") not in kinds]
    others = ["task.steps", "task.max_steps", "task.plants", *["task.halting"] * (task.get("halting") is False)]
    if "task.step_counts" in given:
        left += others
    elif not given.keys().isdisjoint(others):
        left += ["task.step_counts"]
    if runs or task.get("kind") == "scheme":
        left += ["words.near_miss", "words.sampler", "words.occurrences"]
    if several:
        left += ["words.occurrences"]
    if runs or not several:
        left += ["words.fires"]
    if not several:
        left += ["rules.pool", "rules.cascade"]
    if rules.get("program") is not None:
        left += [f"rules.{name}" for name in NOT_OF_PROGRAMS]
        left += [f"words.{name}" for name in fields["words"] if name != "length"]
        left += ["task.plants", "task.step_counts"]
    return left
