"""What a data set is: a typed, validated value, read from TOML or JSON and written back."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from fractions import Fraction
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from markovlib.alphabets import Alphabet
from markovlib.render import TemplateError, parse_template
from markovlib.spaces import Instructions, UniformSpace

LONGEST_PART = 2**16
LONGEST_WORD = 2**24
_MOST_EXAMPLES = 2**62
_MOST_WEIGHTS = 2**25

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


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rules there are.  Lengths are [least, greatest], or one number for both."""

    family: str | list[Any] = "uniform"
    alphabet: str | ByteRange = "a-z"
    pattern_length: int | tuple[int, int] = (20, 20)
    replacement_length: int | tuple[int, int] = (20, 20)
    k: int | tuple[int, int] | None = None
    per_example: int = 1
    pool: int | None = None
    holdout: float = 0.1
    strict: bool = False

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

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "length", _pair(self.length))


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the reader."""

    kind: str = "rewrite"


class Render(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Templates of the two texts."""

    prompt: str = "{pattern}>{replacement}:{word}="
    completion: str = "{output}"


class Eval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of the splits other than `train`."""

    examples: int = 100_000
    instructions: int | None = None


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
    sweep: dict[str, list[Any]] = {}

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
        if not self.sweep:
            del fields["sweep"]
        return fields

    def to_json(self) -> str:
        """The canonical JSON: keys in order, no spaces."""
        return _canonical(self.to_dict())

    def to_toml(self) -> str:
        """TOML text that reads back as this recipe."""
        return _toml(self.to_dict())

    def replace(self, changes: dict[str, Any] | None = None, /, **fields: Any) -> Recipe:
        """A recipe with other values: `replace({"words.no_op": 0.3}, examples=10)`; None leaves a field out."""
        changed = self.to_dict()
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
    def space(self) -> UniformSpace:
        """The space that instructions are taken from."""
        return UniformSpace(self.alphabet, _pair(self.rules.pattern_length)[1], _pair(self.rules.replacement_length)[1])

    @property
    def no_op_share(self) -> Fraction:
        """`words.no_op` as the decimal that was written."""
        return Fraction(str(self.words.no_op))

    def divide(self) -> tuple[Instructions, Instructions | None]:
        """The instructions of `train` and of `unseen`."""
        return self.space.divide(Fraction(str(self.rules.holdout)))


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
        "rules.alphabet": ByteRange,
    }  # fmt: skip
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
        if _is_table(name, table):
            lines += ["", f"[{_toml_key(name)}]"]
            lines += [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


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


# ---- checking ---------------------------------------------------------------------------------------------------


def check_recipe(recipe: Recipe, source: str) -> None:
    """Raises RecipeError for the first field that is impossible, or not supported in this version."""
    check = _Check(source)
    check.sizes(recipe)
    check.supported(recipe)
    check.rules(recipe)
    check.words(recipe)
    check.templates(recipe)
    check.instructions(recipe)
    check.sweep(recipe)


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

    def supported(self, recipe: Recipe) -> None:
        rules, words = recipe.rules, recipe.words
        for path, value, only in (
            ("popularity", recipe.popularity, "uniform"),
            ("rules.family", rules.family, "uniform"),
            ("rules.k", rules.k, None),
            ("rules.per_example", rules.per_example, 1),
            ("rules.pool", rules.pool, None),
            ("words.near_miss", words.near_miss, 0),
            ("words.near_miss_edits", words.near_miss_edits, None),
            ("words.sampler", words.sampler, "planted"),
            ("task.kind", recipe.task.kind, "rewrite"),
        ):
            if value != only:
                wanted = "leave it out" if only is None else f"only {json.dumps(only)} is"
                self.fail(path, f"{json.dumps(value)} is not supported in this version; {wanted}")
        if isinstance(words.occurrences, list):
            self.fail("words.occurrences", "a list is not supported in this version; give one number or leave it out")

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
            if pair[0] != pair[1]:
                self.fail(
                    f"rules.{name}", f"a range is not supported in this version; give one length, got {list(pair)}"
                )
        if not 0 <= rules.holdout < 1:
            self.fail("rules.holdout", f"must be at least 0 and less than 1, got {rules.holdout}")
        self.decimals("rules.holdout", rules.holdout)

    def decimals(self, path: str, value: float) -> None:
        if Fraction(str(value)).denominator > 10**17:
            self.fail(path, f"must have at most 17 decimals, got {value}")

    def words(self, recipe: Recipe) -> None:
        words, pattern = recipe.words, _pair(recipe.rules.pattern_length)[1]
        low, high = _pair(words.length)
        self.lengths("words.length", (low, high), 1, LONGEST_WORD)
        if not 0 <= words.no_op <= 1:
            self.fail("words.no_op", f"must be between 0 and 1, got {words.no_op}")
        self.decimals("words.no_op", words.no_op)
        if pattern > high:
            self.fail("rules.pattern_length", f"{pattern} is longer than every word (words.length = {[low, high]})")
        if pattern == 0 and words.no_op:
            self.fail("words.no_op", "must be 0, since the empty pattern occurs in every word")
        if isinstance(words.occurrences, int):
            self.occurrences(words.occurrences, pattern, high)

    def occurrences(self, count: int, pattern: int, longest: int) -> None:
        path = "words.occurrences"
        if count < 1:
            self.fail(path, f"must be at least 1, got {count}; for words without the pattern use words.no_op")
        if pattern == 0:
            self.fail(path, "must be left out, since the empty pattern occurs everywhere")
        if count * pattern > longest:
            self.fail(
                path, f"{count} occurrences of patterns of {pattern} letters need words of {count * pattern}; "
                f"words.length ends at {longest}",
            )  # fmt: skip
        if count > 1 and (count + 1) * (longest + 1) * pattern > _MOST_WEIGHTS:
            self.fail(path, f"(occurrences + 1) * (longest word + 1) * pattern must be at most {_MOST_WEIGHTS}")

    def templates(self, recipe: Recipe) -> None:
        for name in ("prompt", "completion"):
            template = getattr(recipe.render, name)
            try:
                parse_template(template)
                template.encode()
            except TemplateError as error:
                self.fail(f"render.{name}", str(error))
            except UnicodeEncodeError as error:
                self.fail(f"render.{name}", f"character {error.start + 1} cannot be written as UTF-8")

    def instructions(self, recipe: Recipe) -> None:
        train, tests = recipe.divide()
        if not train.possible:
            self.fail("rules", "the space has no rule for training besides x -> x; lengthen a side")
        have = f"the rule space holds {train.possible} for training (of {recipe.space.size} rules)"
        if recipe.instructions is not None and recipe.instructions > train.possible:
            self.fail("instructions", f"{recipe.instructions} different instructions are not possible: {have}")
        if recipe.instructions is None and (recipe.examples or 0) > train.possible:
            self.fail("examples", f"{recipe.examples} examples need as many instructions: {have}; give `instructions`")
        possible = tests.possible if tests else 0
        if 0 < possible < (recipe.eval.instructions or 0):
            self.fail("eval.instructions", f"{recipe.eval.instructions} are not possible: {possible} are held out")

    def sweep(self, recipe: Recipe) -> None:
        """The names of the axes only: a point of a sweep is checked when it is made."""
        for axis, values in recipe.sweep.items():
            table, _, field = axis.rpartition(".")
            if field not in _fields_at(table) or axis in ("sweep", "rules", "words", "task", "render", "eval"):
                self.fail(f"sweep.{axis}", "is not the path of a field, such as words.no_op")
            if not values:
                self.fail(f"sweep.{axis}", "must list at least one value")
