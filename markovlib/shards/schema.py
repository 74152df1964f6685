"""The types of columns as JSON, so that a manifest says what every format's files hold.

A scalar type is its Arrow name, a list is `[type of its items]`, a struct `{field: type, ...}`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Types = dict[str, Any]

_SCALARS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double")
_TEXTS = ("string", "large_string", "binary", "large_binary")
_DEEPEST = 8


def describe(schema: "pa.Schema") -> Types:
    """Return the types of a schema's columns, by name, in order.

    >>> import pyarrow as pa
    >>> describe(pa.schema({"n": pa.int64(), "rules": pa.list_(pa.struct({"pattern": pa.large_string()}))}))
    {'n': 'int64', 'rules': [{'pattern': 'large_string'}]}
    """
    return {field.name: _described(field.type) for field in schema}


def restore(types: Types) -> "pa.Schema":
    """Return the schema that `describe` gives these types for; raises `ValueError` where it gives them for none."""
    import pyarrow as pa

    return pa.schema([(name, _restored(kind, name, _DEEPEST)) for name, kind in types.items()])


def _described(kind: "pa.DataType") -> Any:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return [_described(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _described(field.type) for field in kind}
    if str(kind) not in (*_SCALARS, *_TEXTS):
        raise TypeError(f"shards have no columns of type {kind}")
    return str(kind)


def _restored(kind: Any, path: str, depth: int) -> "pa.DataType":
    import pyarrow as pa

    if isinstance(kind, list) and len(kind) == 1 and depth:
        return pa.list_(_restored(kind[0], f"{path}[]", depth - 1))
    if isinstance(kind, dict) and depth:
        return pa.struct([(name, _restored(inner, f"{path}.{name}", depth - 1)) for name, inner in kind.items()])
    if not isinstance(kind, str) or kind not in (*_SCALARS, *_TEXTS):
        raise ValueError(f"column {path}: no type {kind!r}")
    return pa.type_for_alias({"float": "float32", "double": "float64"}.get(kind, kind))
