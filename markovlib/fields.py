"""Fields of typed values that are read from TOML and JSON and written back: where an error is, and canonical text."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np

from markovlib.presets import other_kind


class RecipeError(ValueError):
    """A recipe that cannot be: `path` is the field, `words.no_op` for one; the message says what it may hold."""

    def __init__(self, path: str, problem: str, source: str = "recipe") -> None:
        problem = re.sub(r"\d{41,}", lambda found: f"a number of {len(found[0])} digits", problem)
        super().__init__(path, problem, source)
        self.path = path
        self.problem = problem
        self.source = source

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.problem) if part)


def read_preset_or_file(name_or_path: str | Path, presets: Mapping[str, Traversable]) -> tuple[dict[str, Any], str]:
    """The fields in a preset, by its name, or in a .toml or .json file, and what errors call it."""
    name = str(name_or_path)
    if name in presets:
        return read_toml(presets[name].read_text("utf-8"), name), name
    path = Path(name_or_path)
    if path.suffix not in (".toml", ".json"):
        problem = other_kind(name) or f"is neither a preset ({', '.join(presets)}) nor a .toml or .json file"
        raise RecipeError("", problem, name)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError("", f"is not UTF-8 text (byte {error.start})", path.name) from None
    return (read_toml if path.suffix == ".toml" else read_json)(text, path.name), path.name


def read_toml(text: str, source: str) -> dict[str, Any]:
    """The fields in TOML text; `source` is what errors call it."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of more digits than Python reads are ValueErrors
        raise RecipeError("", f"is not TOML: {error}", source) from None


def read_json(text: str, source: str) -> dict[str, Any]:
    """The fields in JSON text; `source` is what errors call it."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError("", f"is not JSON: {error}", source) from None
    if not isinstance(fields, dict):
        raise RecipeError("", "must be a table of fields, as every recipe is", source)
    return fields


def where(message: str, names_at: Callable[[str], tuple[str, ...]]) -> tuple[str, str]:
    """A path and a problem from the words of msgspec; `names_at` gives the fields of the table at a path."""
    found = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?", message, re.DOTALL)
    problem, path = (found.group(1), found.group(2) or "") if found else (message, "")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown:
        names = ", ".join(names_at(path))
        return f"{path}.{unknown.group(1)}".lstrip("."), f"unknown field; the fields here are {names}"
    return path, problem[:1].lower() + problem[1:]


_TYPES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table of fields",
}  # fmt: skip
_RANGE = "a number or [least, greatest], such as [60, 70]"
_NUMBERS = "a number or a list of numbers"


def in_words(path: str, problem: str, fields: Mapping[str, Any]) -> str:
    """What is wrong with the value at a path, where msgspec names only types: what it must be, and what it is.

    >>> in_words("words.length", "expected `int | array`, got `str`", {"words": {"length": "60,70"}})
    'must be a number or [least, greatest], such as [60, 70], got "60,70"'
    >>> in_words("examples", "expected `int | null`, got `str`", {"examples": "many"})
    'must be a whole number, or left out, got "many"'
    """
    found = re.fullmatch(r"expected `([a-z| ]+)`(?: of length (\d+))?, got `?(\w+)`?", problem)
    if found is None:
        return problem
    types, items, got = found.groups()
    advice = ""
    try:
        value = _value_at(fields, path)
        got = _shown(value)
        if path.startswith("sweep."):
            advice = in_quotes(path.removeprefix("sweep."), value)
    except LookupError:
        got = _TYPES.get(got, got)
    return f"must be {_one_of(types.split(' | '), path)}{f' of {items} values' if items else ''}, got {got}{advice}"


def in_quotes(field: str, value: Any) -> str:
    """What to say of a table where names are paths: a path without quotes is one of tables to TOML."""
    if not isinstance(value, Mapping) or not value:
        return ""
    return f'; write the path in quotes, "{field}.{next(iter(value))}" = ...'


def _one_of(types: list[str], path: str) -> str:
    left_out = ", or left out" if "null" in types else ""
    if "int" in types and "array" in types:
        return (_NUMBERS if path.endswith("occurrences") else _RANGE) + left_out
    *others, last = [
        _TYPES.get(name, name) for name in types if name != "null" and not (name == "int" and "float" in types)
    ]
    return (f"{', '.join(others)} or {last}" if others else last) + left_out


def _value_at(value: Any, path: str) -> Any:
    """What nested tables and lists hold at a path; names of fields may have dots.  Raises LookupError."""
    if not path:
        return value
    if isinstance(value, list | tuple) and (item := re.match(r"\[(\d+)\]\.?", path)):
        return _value_at(value[int(item[1])], path[item.end() :])
    for name in value if isinstance(value, Mapping) else ():
        if path == name or path.startswith((f"{name}.", f"{name}[")):
            return _value_at(value[name], path[len(name) :].removeprefix("."))
    raise LookupError(path)


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def names_in(tables: Mapping[str, type[msgspec.Struct]], path: str) -> tuple[str, ...]:
    """The names of the fields of the table at a path; none if there is no such table.  Items of lists are `[]`."""
    table = tables.get(re.sub(r"\[[^]]*\]", "[]", path))
    return () if table is None else table.__struct_fields__


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All that nested dictionaries and lists hold, each with its path; the names of fields too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from leaves(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}[{i}]")
    else:
        yield path, value


def refuse_surrogates(fields: dict[str, Any], source: str) -> None:
    """Raises RecipeError for the first text, or name of a field, that no file can hold."""
    try:
        msgspec.json.encode(fields)
        return
    except UnicodeEncodeError:
        pass
    except (TypeError, ValueError, OverflowError):  # of other types, or too large: told at their fields
        return
    for path, leaf in leaves(fields):
        lone = re.search("[\ud800-\udfff]", leaf) if isinstance(leaf, str) else None
        if lone:
            raise RecipeError(path, f"character {lone.start() + 1} cannot be written as UTF-8", source)


def plain(value: Any) -> Any:
    """Values as files have them: those of NumPy are Python's own, arrays and tuples are lists, and -0.0 is 0.0.

    >>> plain({"a": (np.float64(0.5), -0.0), "b": np.arange(2)})
    {'a': [0.5, 0.0], 'b': [0, 1]}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


def without_none(value: Any) -> Any:
    """Nested dictionaries and lists without the fields that are None; tuples become lists."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list | tuple) else value


def canonical(fields: dict[str, Any]) -> str:
    """The canonical JSON: keys in order, no spaces."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def toml_key(key: str) -> str:
    """A key as TOML has it, quoted where it must be."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def toml_value(value: Any) -> str:
    """One value; JSON's strings, numbers and booleans are TOML's, but for the DEL character."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


# ---- values that stay as they were checked --------------------------------------------------------------------------


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("a recipe cannot be changed; recipe.replace makes another one")


class _FixedList(list[Any]):
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


class _FixedDict(dict[str, Any]):
    update = setdefault = pop = popitem = clear = __setitem__ = __delitem__ = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def fixed(value: Any) -> Any:
    """The same value, the lists and dictionaries in it such as nobody changes; those of a msgspec.Struct in place.

    >>> fixed({"a": [1]})["a"].append(2)
    Traceback (most recent call last):
        ...
    TypeError: a recipe cannot be changed; recipe.replace makes another one
    """
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            msgspec.structs.force_setattr(value, name, fixed(getattr(value, name)))
        return value
    if isinstance(value, dict):
        return _FixedDict({key: fixed(item) for key, item in value.items()})
    return _FixedList(map(fixed, value)) if isinstance(value, list) else value


# ---- made by a constructor ------------------------------------------------------------------------------------------

_converting: ContextVar[bool] = ContextVar("converting", default=False)


@contextmanager
def converting() -> Iterator[None]:
    """While recipes are made that whoever makes them checks."""
    token = _converting.set(True)
    try:
        yield
    finally:
        _converting.reset(token)


def check_constructed(recipe: Any) -> bool:
    """Whether a recipe, a msgspec.Struct with `from_dict` and `to_dict`, comes from its constructor, which neither
    converts nor checks: it takes the values that `from_dict` makes of its own, or that raises RecipeError."""
    if _converting.get():
        return False
    checked = type(recipe).from_dict(recipe.to_dict())
    for name in recipe.__struct_fields__:
        msgspec.structs.force_setattr(recipe, name, getattr(checked, name))
    return True
