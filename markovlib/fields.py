"""Fields of typed values that are read from TOML and JSON and written back: where an error is, and canonical text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any


def where(message: str, names_at: Callable[[str], tuple[str, ...]]) -> tuple[str, str]:
    """A path and a problem from the words of msgspec; `names_at` gives the fields of the table at a path."""
    found = re.fullmatch(r"(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?", message, re.DOTALL)
    problem, path = (found.group(1), found.group(2) or "") if found else (message, "")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown:
        names = ", ".join(names_at(path))
        return f"{path}.{unknown.group(1)}".lstrip("."), f"unknown field; the fields here are {names}"
    return path, problem[:1].lower() + problem[1:]


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
