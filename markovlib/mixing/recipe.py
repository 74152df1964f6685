"""What a mixture is: a typed, validated value, read from TOML or JSON and written back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from markovlib import presets
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
from markovlib.mixing.layouts import layout_named
from markovlib.mixing.templates import Template
from markovlib.render import TemplateError

#: Names what a mixture holds, as a function of its recipe, its sources and the seed.
MIXTURE_VERSION = 2

_MOST = 2**36
_MOST_SOURCES = 1000
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_COMPARED = ("both", "prompt", "completion")
_ON_SHORTAGE = ("error", "fill")

Paths = str | Path | Sequence[str | Path]


class Pinned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file by what it holds: its name, which need not be kept, its size and its SHA-256."""

    name: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        _check_name(self.name)


class PinnedFolder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder of shards by the SHA-256 of its manifest, which has those of all its files."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        _check_name(self.name)


def _check_name(name: str) -> None:
    """Raise RecipeError for the name of a file that the recipe cannot keep, before the file is read."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        problem = f"the name of {name!a} cannot be written as UTF-8 (character {error.start + 1}); rename it"
        raise RecipeError("sources.files", problem, "mixture") from None


_Files = str | list[str | Pinned]


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source: `files` of instructions, a `recipe` of ours, or a folder of our `shards`.

    `ratio` is its part of the budget, in relation to the others'.  `max_repeats` is how often each of its rows may be
    used, `max_source_share` which share of its rows, and `max_mixture_share` which share of the mixture it may be.
    """

    name: str
    files: _Files | None = None
    format: str | None = None
    recipe: str | dict[str, Any] | None = None
    seed: int | None = None
    shards: str | PinnedFolder | None = None
    split: str | None = None
    ratio: int | float = 1
    max_repeats: int | float = 1
    max_source_share: int | float = 1
    max_mixture_share: int | float = 1
    prompt: str | None = None
    completion: str | None = None
    license: str | None = None


class Deduplicate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as a row met before: `on` which of its texts, `within` a source, `across` sources; `near` is a
    Jaccard similarity from which rows that are not the same count too."""

    on: str = "both"
    within: bool = True
    across: bool = True
    near: float | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of an evaluation, and which fields of their rows are looked for; left out: every text."""

    name: str
    files: _Files
    fields: list[str] | None = None


class Decontaminate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that share `words` consecutive words with one of the evaluations `against` are left out."""

    against: list[str | Evaluation]
    words: int = 10


class MixtureRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mixture is.  Field by field, see docs/mixtures.md.

    An immutable value: it compares and hashes by what is written, pickles, and every way of making one checks it whole.
    Unknown and impossible fields raise `markovlib.RecipeError`, whose `path` names the field.

    >>> recipe = MixtureRecipe.load("paper/code-19k-1k").with_files(oss="oss.jsonl", alpaca="alpaca_data.json")
    >>> [(source.name, source.ratio, source.files) for source in recipe.sources]
    [('oss', 19, ['oss.jsonl']), ('alpaca', 1, ['alpaca_data.json'])]
    >>> recipe.replace({"sources.oss.ratio": -1})
    Traceback (most recent call last):
        ...
    markovlib.fields.RecipeError: mixture: sources[0].ratio: must be more than 0, got -1
    """

    examples: int | None = None
    tokens: int | None = None
    tokenizer: str | Pinned | None = None
    on_shortage: str = "error"
    sources: list[SourceEntry]
    deduplicate: Deduplicate | None = None
    decontaminate: Decontaminate | None = None

    def __post_init__(self) -> None:
        check_constructed(self)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    # ---- reading ------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, name_or_path: str | Path) -> MixtureRecipe:
        """Reads a preset by its name, or a .toml or .json file by its path.

        Relative names of files in it are taken from the folder that it is in.  Raises FileNotFoundError, RecipeError.
        """
        fields, source = read_preset_or_file(name_or_path, known := presets.mixtures())
        made = cls.from_dict(fields, source)
        return made if source in known else made._relative_to(Path(name_or_path).parent)

    @classmethod
    def from_toml(cls, text: str, source: str = "mixture") -> MixtureRecipe:
        """Reads TOML text; `source` is what errors call it."""
        return cls.from_dict(read_toml(text, source), source)

    @classmethod
    def from_json(cls, text: str, source: str = "mixture") -> MixtureRecipe:
        """Reads JSON text; `source` is what errors call it."""
        return cls.from_dict(read_json(text, source), source)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], source: str = "mixture") -> MixtureRecipe:
        """Checks and takes fields as `to_dict` gives them."""
        given = plain(dict(fields))
        refuse_surrogates(given, source)
        with converting():
            try:
                recipe = msgspec.convert(given, cls)
            except msgspec.ValidationError as error:
                path, problem = where(str(error), _fields_at)
                raise RecipeError(path, in_words(path, problem, fields), source) from None
            _Check(source).all(recipe)
        fixed(recipe)
        return recipe

    @staticmethod
    def presets() -> dict[str, str]:
        """The names of the presets, each with a line that says what it is."""
        return presets.descriptions(presets.mixtures())

    # ---- writing ------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, those left out missing."""
        fields: dict[str, Any] = without_none(msgspec.to_builtins(self, builtin_types=(), enc_hook=plain))
        return fields

    def to_json(self) -> str:
        """The canonical JSON: keys in order, no spaces."""
        return canonical(self.to_dict())

    def to_toml(self) -> str:
        """TOML text that reads back as this recipe."""
        fields = self.to_dict()
        sources = fields.pop("sources")
        tables = {name: fields.pop(name) for name in ("deduplicate", "decontaminate") if name in fields}
        lines = [f"{toml_key(name)} = {toml_value(value)}" for name, value in fields.items()]
        for header, table in [
            *((f"[{name}]", t) for name, t in tables.items()),
            *(("[[sources]]", t) for t in sources),
        ]:
            lines += ["", header, *(f"{toml_key(name)} = {toml_value(value)}" for name, value in table.items())]
        return "\n".join(lines) + "\n"

    def replace(self, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> MixtureRecipe:
        """A recipe with other values: `replace({"sources.oss.ratio": 3}, examples=10)`; None leaves a field out."""
        changed: dict[str, Any] = self.to_dict()
        for path, value in {**(changes or {}), **fields}.items():
            _set(changed, path, value)
        return type(self).from_dict(changed)

    def with_files(self, **files: Paths) -> MixtureRecipe:
        """A recipe whose sources and evaluations have these files, or folder of shards, by name.

        A name that a Python keyword cannot be goes into `replace`: `replace({"sources.my-own.files": [...]})`.
        """
        changed = self.to_dict()
        named = {table["name"]: table for table in _named_tables(changed)}
        for name, paths in files.items():
            if name not in named:
                raise RecipeError(
                    "sources", f"has none with the name {name!r}: choose from {', '.join(named)}", "mixture"
                )
            listed = [paths] if isinstance(paths, str | Path) else list(paths)
            table = named[name]
            if "shards" in table:
                table["shards"] = str(listed[0])
            else:
                table["files"] = [str(path) for path in listed]
        return type(self).from_dict(changed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON.  That of a mixture's own recipe has the contents of all files."""
        return sha256(self.to_json())

    @property
    def evaluations(self) -> list[Evaluation]:
        """What the rows are compared with; an evaluation that is only a file has its name."""
        against = [] if self.decontaminate is None else self.decontaminate.against
        return [
            Evaluation(name=Path(one).name.partition(".")[0], files=[one]) if isinstance(one, str) else one
            for one in against
        ]

    def source(self, name: str) -> SourceEntry:
        """The source of a name."""
        return next(source for source in self.sources if source.name == name)

    def _relative_to(self, folder: Path) -> MixtureRecipe:
        fields = self.to_dict()
        for table in _named_tables(fields):
            for name in ("files", "shards", "recipe"):
                if name in table:
                    table[name] = _below(folder, table[name], name)
        if isinstance(self.tokenizer, str) and self.tokenizer != "bytes":
            fields["tokenizer"] = _below(folder, self.tokenizer, "tokenizer")
        return type(self).from_dict(fields)


def _below(folder: Path, value: Any, field: str) -> Any:
    """A name of a file as it is seen from here; presets of recipes are no files."""
    if isinstance(value, list):
        return [_below(folder, item, field) for item in value]
    if not isinstance(value, str) or (field == "recipe" and Path(value).suffix not in (".toml", ".json")):
        return value
    if "://" in value:
        return value
    return str(folder / value)


def _named_tables(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tables of sources and of evaluations; an evaluation that is only a file becomes a table."""
    yield from fields["sources"]
    cleaning = fields.get("decontaminate")
    if cleaning is not None:
        against = cleaning["against"]
        for i, one in enumerate(against):
            if isinstance(one, str):
                against[i] = {"name": Path(one).name.partition(".")[0], "files": [one]}
        yield from against


def _set(fields: dict[str, Any], path: str, value: Any) -> None:
    """Another value at a dotted path, in which a source stands by its name."""
    *tables, last = path.split(".")
    at: Any = fields
    if tables and tables[0] == "sources":
        name, tables = ".".join(tables[1:]), []
        at = _source_named(fields.get("sources"), name, path)
    for table in tables:
        at = at.setdefault(table, {})
        if not isinstance(at, dict):
            raise RecipeError(path, f"{table} has no fields", "mixture")
    if value is None:
        at.pop(last, None)
    else:
        at[last] = value


def _source_named(sources: Any, name: str, path: str) -> dict[str, Any]:
    """The table of a source; an earlier change may have made anything of the others."""
    if not isinstance(sources, list) or not all(isinstance(table, dict) for table in sources):
        raise RecipeError("sources", "must be a list of tables", "mixture")
    for i, table in enumerate(sources):
        if not isinstance(table.get("name"), str):
            raise RecipeError(f"sources[{i}].name", f"must be text, got {table.get('name')!r:.80}", "mixture")
    found = [table for table in sources if table["name"] == name]
    if not found:
        names = ", ".join(table["name"] for table in sources)
        raise RecipeError(path, f"there is no source {name!r}; the sources are {names}", "mixture")
    made: dict[str, Any] = found[0]
    return made


def _fields_at(path: str) -> tuple[str, ...]:
    """The names of the fields of the table at a path; none if there is no such table."""
    tables: dict[str, type[msgspec.Struct]] = {
        "": MixtureRecipe, "sources[]": SourceEntry, "deduplicate": Deduplicate, "decontaminate": Decontaminate,
        "decontaminate.against[]": Evaluation, "sources[].files[]": Pinned, "sources[].shards": PinnedFolder,
    }  # fmt: skip
    return names_in(tables, path)


def share(value: int | float) -> Fraction:
    """A number as the decimal that was written."""
    return Fraction(str(value))


class _Check:
    """Raises RecipeError for the first field that is impossible."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, path: str, problem: str) -> NoReturn:
        raise RecipeError(path, problem, self.source) from None  # what it was made of says no more

    def all(self, recipe: MixtureRecipe) -> None:
        self.budget(recipe)
        if not 1 <= len(recipe.sources) <= _MOST_SOURCES:
            self.fail("sources", f"must be 1 to {_MOST_SOURCES} tables, got {len(recipe.sources)}")
        for i, source in enumerate(recipe.sources):
            self.one(f"sources[{i}]", source)
        self.cleaning(recipe)
        self.names(recipe)

    def budget(self, recipe: MixtureRecipe) -> None:
        if (recipe.examples is None) == (recipe.tokens is None):
            self.fail("examples", "give the budget as `examples` or as `tokens`, one of them")
        name, value = ("examples", recipe.examples) if recipe.tokens is None else ("tokens", recipe.tokens)
        if not 1 <= (value or 0) <= _MOST:
            self.fail(name, f"must be between 1 and {_MOST}, got {value}")
        if recipe.tokenizer is not None and recipe.tokens is None:
            self.fail("tokenizer", "is what a budget of `tokens` is counted with; leave it out for `examples`")
        if recipe.on_shortage not in _ON_SHORTAGE:
            self.fail("on_shortage", f"must be one of {', '.join(_ON_SHORTAGE)}, got {json.dumps(recipe.on_shortage)}")

    def one(self, path: str, source: SourceEntry) -> None:
        given = [name for name in ("files", "recipe", "shards") if getattr(source, name) is not None]
        if len(given) > 1:
            self.fail(f"{path}.{given[1]}", f"a source has files, a recipe or shards, and this one has {given[0]}")
        if not _NAME.fullmatch(source.name):
            self.fail(f"{path}.name", f"must be letters, digits, _, . and -, got {json.dumps(source.name)}")
        if source.files is not None and not source.files:
            self.fail(f"{path}.files", "must name at least one file")
        self.kind(path, source, given[0] if given else "files")
        self.shares(path, source)
        for name in ("prompt", "completion"):
            text = getattr(source, name)
            if text is not None:
                try:
                    Template(text)
                except TemplateError as error:
                    self.fail(f"{path}.{name}", str(error))

    def kind(self, path: str, source: SourceEntry, kind: str) -> None:
        for name, kinds in {"format": ("files",), "seed": ("recipe",), "split": ("recipe", "shards")}.items():
            if getattr(source, name) is not None and kind not in kinds:
                self.fail(f"{path}.{name}", f"is of a source with {' or '.join(kinds)}; leave it out")
        if source.seed is not None and source.seed < 0:
            self.fail(f"{path}.seed", f"must be at least 0, got {source.seed}")
        if source.format is not None:
            try:
                layout_named(source.format)
            except ValueError as error:
                self.fail(f"{path}.format", str(error))

    def shares(self, path: str, source: SourceEntry) -> None:
        if not 0 < source.ratio < float("inf"):
            self.fail(f"{path}.ratio", f"must be more than 0, got {source.ratio}")
        if not 1 <= source.max_repeats <= 10**6:
            self.fail(f"{path}.max_repeats", f"must be between 1 and 1000000, got {source.max_repeats}")
        for name in ("max_source_share", "max_mixture_share"):
            value = getattr(source, name)
            if not 0 < value <= 1:
                self.fail(f"{path}.{name}", f"must be more than 0 and at most 1, got {value}")

    def cleaning(self, recipe: MixtureRecipe) -> None:
        found = recipe.deduplicate
        if found is not None and found.on not in _COMPARED:
            self.fail("deduplicate.on", f"must be one of {', '.join(_COMPARED)}, got {json.dumps(found.on)}")
        if found is not None and not found.within and not found.across:
            self.fail("deduplicate", "finds nothing with neither `within` nor `across`; leave it out")
        if found is not None and found.near is not None and not 0.5 <= found.near <= 1:
            self.fail("deduplicate.near", f"must be between 0.5 and 1, got {found.near}")
        if recipe.decontaminate is not None:
            if not 5 <= recipe.decontaminate.words <= 100:
                self.fail("decontaminate.words", f"must be between 5 and 100, got {recipe.decontaminate.words}")
            if not recipe.decontaminate.against:
                self.fail("decontaminate.against", "must name at least one evaluation; or leave the table out")

    def names(self, recipe: MixtureRecipe) -> None:
        names: set[str] = set()
        paths = [(f"sources[{i}]", source.name) for i, source in enumerate(recipe.sources)]
        paths += [(f"decontaminate.against[{i}]", one.name) for i, one in enumerate(recipe.evaluations)]
        for path, name in paths:
            if name in names:
                other = "; give it another: { name = ..., files = ... }, or --against NAME=FILE"
                hint = other if path.startswith("decontaminate") else ""
                self.fail(f"{path}.name", f"{name!r} is the name of another source or evaluation{hint}")
            names.add(name)
