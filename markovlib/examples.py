"""Examples, one at a time and as columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib.arrays import names_to_arrow, to_arrow
from markovlib.equality import same_parts
from markovlib.outcome import OUTCOME_NAMES, OUTCOMES, Outcome
from markovlib.rules import Rule
from markovlib.source import name_list
from markovlib.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

#: The columns of every data set.
COLUMNS = (
    "index", "prompt", "completion", "word", "output", "pattern", "replacement", "rule", "position", "no_op",
    "steps", "outcome",
)  # fmt: skip
#: Further columns, which a data set has by default only where its task is about them.
MORE_COLUMNS = (
    "rules", "trace", "pairs", "key", "certificate", "instruction", "stratum", "near_miss", "occurrences", "template",
)  # fmt: skip
ALL_COLUMNS = COLUMNS + MORE_COLUMNS

TEXTS = ("prompt", "completion", "word", "output", "pattern", "replacement", "key", "certificate")
LISTS = ("rules", "trace", "pairs")

# Texts that all examples of a data set have, or none.
_OFTEN_NONE = ("key", "certificate")


class TraceStep(NamedTuple):
    """One step of a run: the rule that fired, where in the word before (in letters), and the word after."""

    rule: int
    position: int
    word: Any


class Pair(NamedTuple):
    """A word and what the rule makes of it."""

    word: Any
    output: Any


class Example(NamedTuple):
    """One example.

    `rules` holds every rule of its instruction; `pattern` and `replacement` are those of the rule that fired first, or
    of the only one, else None.  `rule` is the index of the rule that fired first and `position` where, in letters; both
    are -1 for a no-op.  `steps` and `outcome` are those of the run: the rule of a `rewrite` is terminal.  `trace` has
    the steps of a `trace`, `pairs` those of an `induce` example, `key` the key of a cipher, and `certificate` the proof
    that the rules terminate; they are empty elsewhere.  `instruction` is the number of the instruction and `stratum`
    the index of its first rule's stratum in `ds.strata`; `template` is the place, from 0, of its templates in the lists
    of paraphrases.  In an example from a batch, the columns that the batch does not have are None.
    """

    index: int  # type: ignore[assignment]  # not the method of tuples
    prompt: Any
    completion: Any
    word: Any
    output: Any
    pattern: Any
    replacement: Any
    rules: tuple[Rule, ...] | None
    rule: int
    position: int
    no_op: bool
    steps: int
    outcome: Outcome
    trace: tuple[TraceStep, ...] | None = ()
    pairs: tuple[Pair, ...] | None = ()
    key: Any = None
    certificate: Any = None
    instruction: int | None = None
    stratum: int | None = None
    near_miss: bool | None = None
    occurrences: int | None = None
    template: int | None = None


class ListColumn:
    """A column of lists: for each row a tuple of items, which are the rows of packed fields.

    `offsets` (int64, one more than rows) says which items are whose; `fields` maps a name to the values of all items,
    a `Column` or an array.  A slice is a column again, a copy.  `to_arrow()` gives a list of structs, without copying
    the texts.  Two are equal if all of their rows are.

    >>> import markovlib as mk
    >>> rules = mk.Dataset("first-rewrite")[:3].rules
    >>> len(rules), len(rules[1]), rules[1:].tolist() == [rules[1], rules[2]]
    (3, 4, True)
    """

    __slots__ = ("_make", "fields", "offsets")

    def __init__(self, offsets: NDArray[np.int64], fields: dict[str, Any], make: Callable[..., Any]) -> None:
        self.offsets = offsets
        self.fields = fields
        self._make = make

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ListColumn):
            return NotImplemented
        same = self.fields.keys() == other.fields.keys() and np.array_equal(self.lengths(), other.lengths())
        return same and same_parts(self._items(), other._items())

    def _items(self) -> list[Any]:
        """The fields of the items that the rows have."""
        items = slice(int(self.offsets[0]), int(self.offsets[-1]))
        return [values[items] for _, values in sorted(self.fields.items())]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"<ListColumn of {counted(len(self), 'row')}: {', '.join(self.fields)}>"

    @overload
    def __getitem__(self, i: SupportsIndex) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, i: slice) -> ListColumn: ...
    def __getitem__(self, i: SupportsIndex | slice) -> tuple[Any, ...] | ListColumn:
        if isinstance(i, slice):
            return self._part(i)
        at = operator.index(i)
        if not -len(self) <= at < len(self):
            raise IndexError(f"row {at} of a column of {len(self)}")
        at %= len(self)
        items = range(int(self.offsets[at]), int(self.offsets[at + 1]))
        return tuple(self._make(*(_plain(values[item]) for values in self.fields.values())) for item in items)

    def _part(self, rows: slice) -> ListColumn:
        """Some of the rows, copied."""
        starts, sizes = self.offsets[:-1][rows], self.lengths()[rows]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        items = np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])
        fields = {name: of.take(items) for name, of in self.fields.items()}
        return ListColumn(offsets, fields, self._make)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[i] for i in range(len(self)))

    def tolist(self) -> list[tuple[Any, ...]]:
        """The rows as a list of tuples."""
        return list(self)

    def lengths(self) -> NDArray[np.int64]:
        """Items of each row."""
        return np.diff(self.offsets)

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        exported: tuple[object, object] = self.to_arrow().__arrow_c_array__(requested_schema)
        return exported

    def to_arrow(self) -> pa.ListArray:
        """The rows as `list<struct<...>>`.  Raises OverflowError for 2^31 items or more."""
        import pyarrow as pa

        if self.offsets[-1] >= 2**31:
            raise OverflowError(f"{self.offsets[-1]} items do not fit in one list column; ask for fewer rows at once")
        fields = [to_arrow(one) if isinstance(one, np.ndarray) else pa.array(one) for one in self.fields.values()]
        items = pa.StructArray.from_arrays(fields, list(self.fields))
        return pa.ListArray.from_arrays(to_arrow(self.offsets.astype(np.int32)), items)


def list_column(name: str, offsets: NDArray[np.int64], texts: Sequence[Column], numbers: Sequence[Any]) -> ListColumn:
    """The list column that the engine's parts make."""
    if name == "rules":
        fields = {"pattern": texts[0], "replacement": texts[1], "terminal": numbers[0].astype(np.bool_)}
        return ListColumn(offsets, fields, Rule)
    if name == "trace":
        return ListColumn(offsets, {"rule": numbers[0].astype(np.int32), "position": numbers[1], "word": texts[0]},
                          TraceStep)  # fmt: skip
    return ListColumn(offsets, {"word": texts[0], "output": texts[1]}, Pair)


class Batch:
    """Examples as columns: an attribute for each column asked for, in the order of `columns`.

    Texts are packed columns (`Column`); `index`, `position`, `steps` and `instruction` are int64, `rule`, `stratum`,
    `occurrences` and `template` int32, `no_op` and `near_miss` bool and `outcome` uint8 arrays; `rules`, `trace` and
    `pairs` are columns of lists (`ListColumn`).  Where examples have one rule, there are `rules` with pattern and
    replacement.  Columns that the task is not about are made when they are asked for,
    `ds.batch(rows, columns=["instruction"])`.  `len(batch)` is the number of rows, `batch[i]` an `Example`.  Where one
    of several rules might fire and none did, `pattern` and `replacement` are empty here, and null in Arrow; so are
    `key` and `certificate` of data sets that have none.  Two are equal if they have the same columns, in the
    same order, and all of their rows are equal.
    """

    __slots__ = ("_several", "_values", "columns")

    def __init__(self, values: dict[str, Any], several: bool = False) -> None:
        self._values = values
        self._several = several
        self.columns = tuple(name for name in values if not name.startswith("_"))

    def __getattr__(self, name: str) -> Any:
        if name in ALL_COLUMNS and name in self._values:
            return self._values[name]
        if name == "rules" and not self._several and {"pattern", "replacement"} <= self._values.keys():
            return self._only_rules()
        held = f"this batch has {', '.join(self.columns)}"
        if name in ALL_COLUMNS:
            raise AttributeError(f"{name!r} was not asked for: ds.batch(rows, columns=[{name!r}, ...]); {held}")
        raise AttributeError(f"{name!r} is not a column; {held}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Batch):
            return NotImplemented
        return self.columns == other.columns and same_parts(self._parts(), other._parts())

    def _parts(self) -> Iterator[Any]:
        """The columns, and where a rule is empty because none fired."""
        for name in self.columns:
            yield self._values[name]
            if name in ("pattern", "replacement"):
                yield self._values["_fired"] >= 0 if self._several else np.ones(len(self), np.bool_)

    def _only_rules(self) -> ListColumn:
        """The rules of examples that have one each."""
        fields = {name: self._values[name] for name in ("pattern", "replacement")}
        fields["terminal"] = np.zeros(len(self), np.bool_)
        return ListColumn(np.arange(len(self) + 1, dtype=np.int64), fields, Rule)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._values, self._several)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def __len__(self) -> int:
        return len(self._values[self.columns[0]])

    def __repr__(self) -> str:
        return f"<Batch of {counted(len(self), 'example')}: {', '.join(self.columns)}>"

    def __getitem__(self, i: SupportsIndex) -> Example:
        at = operator.index(i)
        if not -len(self) <= at < len(self):
            raise IndexError(f"row {at} of a batch of {len(self)}")
        row: dict[str, Any] = {
            name: _plain(self._values[name][at]) if name in self._values else None for name in ALL_COLUMNS
        }
        if row["outcome"] is not None:
            row["outcome"] = Outcome(row["outcome"])
        row.update({name: row[name] or None for name in _OFTEN_NONE})
        if self._several and self._values["_fired"][at] < 0:
            row["pattern"] = row["replacement"] = None
        elif not self._several and row["rules"] is None and None not in (row["pattern"], row["replacement"]):
            row["rules"] = (Rule(row["pattern"], row["replacement"]),)
        return Example(**row)

    def examples(self) -> list[Example]:
        """All rows, as `batch[i]` gives each; many times faster than one by one."""
        columns: dict[str, Any] = {name: self._plain_values(name) for name in Example._fields}
        if self._several and "_fired" in self._values:
            for name in ("pattern", "replacement"):
                columns[name] = [
                    value if rule >= 0 else None
                    for value, rule in zip(columns[name], self._values["_fired"].tolist(), strict=False)
                ]
        elif "rules" not in self._values and {"pattern", "replacement"} <= self._values.keys():
            pairs = zip(columns["pattern"], columns["replacement"], strict=True)
            columns["rules"] = [(Rule(pattern, replacement),) for pattern, replacement in pairs]
        return [Example._make(row) for row in zip(*columns.values(), strict=False)]

    def _plain_values(self, name: str) -> Iterable[Any]:
        """A column as Python's own values, None for one that the batch does not have."""
        if name not in self._values:
            return repeat(None, len(self))
        values: list[Any] = self._values[name].tolist()
        if name == "outcome":
            return [OUTCOMES[value] for value in values]
        return [value or None for value in values] if name in _OFTEN_NONE else values

    def to_arrow(self, columns: Iterable[str] | None = None) -> pa.RecordBatch:
        """The columns (by default all of the batch) as an Arrow record batch.

        Texts are large_utf8 or large_binary and, like the numbers, not copied; `outcome` is written as its name in
        small letters, `rules`, `trace` and `pairs` are lists of structs.
        """
        import pyarrow as pa

        names = name_list(self.columns if columns is None else columns)
        return pa.RecordBatch.from_arrays([self._to_arrow(name) for name in names], names=names)

    def _to_arrow(self, name: str) -> Any:
        import pyarrow as pa

        values = getattr(self, name)
        if isinstance(values, ListColumn):
            return values.to_arrow()
        if name in ("pattern", "replacement") and self._several:
            return self._with_nulls(pa.array(values))
        if name in _OFTEN_NONE and values.offsets[-1] == values.offsets[0]:
            return pa.nulls(len(values), pa.array(values).type)
        if name == "outcome":
            return names_to_arrow(values, OUTCOME_NAMES)
        return to_arrow(values) if isinstance(values, np.ndarray) else pa.array(values)

    def _with_nulls(self, texts: Any) -> Any:
        """The same texts, null where no rule fired."""
        import pyarrow as pa

        fired = np.packbits(self._values["_fired"] >= 0, bitorder="little")
        _, offsets, data = texts.buffers()
        return pa.Array.from_buffers(texts.type, len(texts), [pa.py_buffer(fired), offsets, data])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def joined(parts: list[Batch], names: Sequence[str], order: NDArray[np.int64]) -> Batch:
    """Batches one after the other, then in the given order of rows."""
    values = {name: _join([getattr(part, name) for part in parts], order) for name in names}
    kinds = {type(part) for part in parts}
    if not any(getattr(part, "_several", False) for part in parts):
        return kinds.pop()(values) if len(kinds) == 1 else Batch(values)
    fired = [
        part._values["_fired"] if getattr(part, "_several", False) else np.zeros(len(part), np.int32) for part in parts
    ]
    return Batch({**values, "_fired": np.concatenate(fired)[order]}, several=True)


def _join(columns: list[Any], order: NDArray[np.int64]) -> Any:
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)[order]
    if not isinstance(columns[0], ListColumn):
        import pyarrow as pa

        return Column.from_words(pa.chunked_array([pa.array(column) for column in columns])).take(order)
    counts = np.concatenate([column.lengths() for column in columns])
    starts, counts = np.cumsum(counts) - counts, counts[order]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    items = np.repeat(starts[order] - offsets[:-1], counts) + np.arange(offsets[-1])
    fields = {name: _join([column.fields[name] for column in columns], items) for name in columns[0].fields}
    return ListColumn(offsets, fields, columns[0]._make)
