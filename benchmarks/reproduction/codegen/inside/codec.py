"""Values of Python as JSON, by which the judge and the candidate talk: data only, so that reading runs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_MOST_BITS = 2048
"""Longer integers are written in hexadecimal, which Python reads at any length."""

_PLAIN = (bool, int, float, str)
_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
)
_ITEMS: tuple[tuple[type, str], ...] = ((tuple, "tuple"), (set, "set"), (frozenset, "frozenset"))


class Opaque(TypeError):
    """A value that is not data."""


def encode(value: Any, other: Callable[[Any], Any] | None = None) -> Any:
    """The value as what JSON has: lists as lists, other types under their names.

    Values of subclasses become values of the class: a Counter becomes a dict, which it equals.  `other` makes
    something of values that are not data; left out, they raise Opaque.

    >>> encode([1, (2.5, None), {"a": {3}}])
    [1, {'tuple': [2.5, None]}, {'dict': [['a', {'set': [3]}]]}]
    """
    if type(value) is int and value.bit_length() > _MOST_BITS:
        return {"int": hex(value)}
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, list):
        return [encode(item, other) for item in list.__iter__(value)]
    for kind, name in _ITEMS:
        if isinstance(value, kind):
            return {name: [encode(item, other) for item in kind.__iter__(value)]}  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {"dict": [[encode(key, other), encode(item, other)] for key, item in dict.items(value)]}
    return _scalar(value, other)


def _scalar(value: Any, other: Callable[[Any], Any] | None) -> Any:
    for kind, plain in _BASES:
        if isinstance(value, kind):
            return encode(plain(value))
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, bytes | bytearray):
        return {type(value).__name__: value.hex()}
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return encode(value.tolist(), other)
    if other is None:
        raise Opaque(f"a value of type {type(value).__name__} is not data")
    return {"ref": other(value)}


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
}


def decode(data: Any, other: Callable[[Any], Any] | None = None) -> Any:
    """The value again; `other` makes something of references.  Raises ValueError, TypeError for what is none.

    >>> decode(encode({(1, 2): {3j}}))
    {(1, 2): {3j}}
    """
    if isinstance(data, list):
        return [decode(item, other) for item in data]
    if not isinstance(data, dict):
        return data
    ((name, inner),) = data.items()
    if name in _MAKERS:
        return _MAKERS[name](decode(inner, other))
    if name == "int":
        return int(inner, 16)
    if name == "complex":
        return complex(float(inner[0]), float(inner[1]))
    if name in ("bytes", "bytearray"):
        return bytes.fromhex(inner) if name == "bytes" else bytearray.fromhex(inner)
    if name == "ref" and other is not None:
        return other(inner)
    raise ValueError(f"{name!r} is not the name of a type")


def dumps(data: Any) -> bytes:
    """JSON in ASCII; NaN and infinities by their names."""
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def loads(text: bytes) -> Any:
    """The contrary of `dumps`."""
    return json.loads(text)
