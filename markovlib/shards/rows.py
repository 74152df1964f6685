"""Rows of shards as a batch: each column gathered from the pieces that the rows are in, or lent by one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib._columns import Column
from markovlib._gather import DamagedRowError, Piece, Places, codes
from markovlib.examples import Batch, list_column
from markovlib.outcome import Outcome

if TYPE_CHECKING:
    from markovlib.mixture import MixedBatch

_OUTCOMES = Column.from_words([outcome.name.lower() for outcome in Outcome])
_SIDES = ("pattern", "replacement")

# The types of an example's columns, as a manifest has them; T stands for the type of texts.
_RULES = [{"pattern": "T", "replacement": "T", "terminal": "bool"}]
_TRACE = [{"rule": "int32", "position": "int64", "word": "T"}]
TYPES: dict[str, Any] = {
    **dict.fromkeys(("index", "position", "steps", "instruction"), "int64"),
    **dict.fromkeys(("rule", "stratum", "occurrences", "template"), "int32"),
    **dict.fromkeys(("no_op", "near_miss"), "bool"),
    **dict.fromkeys(("prompt", "completion", "word", "output", "pattern", "replacement", "key", "certificate"), "T"),
    "outcome": "string",
    "rules": _RULES,
    "trace": _TRACE,
    "pairs": [{"word": "T", "output": "T"}],
}

# The same of a mixture.
MIXED_TYPES: dict[str, Any] = {
    **dict.fromkeys(("index", "source_row"), "int64"),
    **dict.fromkeys(("prompt", "completion", "source"), "T"),
}


class DamagedPieceError(Exception):
    """A row of the piece `number` is not as it can have been written."""

    def __init__(self, number: int, name: str, reason: str) -> None:
        super().__init__(number, name, reason)
        self.number, self.name, self.reason = number, name, reason


class Scattered:
    """Rows anywhere in some pieces: everything is copied."""

    def __init__(self, places: Places, pieces: list[Piece], text: bool) -> None:
        self._places, self.pieces, self.text = places, pieces, text

    def __len__(self) -> int:
        return len(self.places)

    @property
    def places(self) -> Places:
        return self._places

    def columns(self, plan: Plan) -> dict[str, Any]:
        """The columns of a plan by their names.  Raises `DamagedPieceError`."""
        try:
            values = self._flat(plan.flat)
            if not plan.others:
                return values
            for name, inner in plan.others.items():
                values[name] = self._lists(name, inner) if inner else codes(name, values[name], _OUTCOMES)
            return {name: values[name] for name in plan.names}
        except DamagedRowError as error:
            number = self.places.numbers[int(self.places.pieces[error.row])]
            raise DamagedPieceError(number, error.name, error.reason) from None

    def fired(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Negative where no rule fired, as far as the columns named say so."""
        if "rule" in names:
            rules: NDArray[np.int32] = self._flat({"rule": "int32"})["rule"]
            return rules
        for name in set(names).intersection(_SIDES):
            valid = self.places.valid(self.pieces, name)
            if valid is not None:
                return valid.astype(np.int32) - 1
        return np.zeros(len(self), np.int32)

    def _flat(self, kinds: dict[str, str]) -> dict[str, Any]:
        return self.places.columns(self.pieces, kinds, self.text)

    def _lists(self, name: str, plan: Plan) -> Any:
        offsets, places = self.places.lists(self.pieces, name)
        values = Scattered(places, [piece.items[name] for piece in self.pieces], self.text).columns(plan)
        texts = [value for value in values.values() if isinstance(value, Column)]
        return list_column(name, offsets, texts, [value for value in values.values() if not isinstance(value, Column)])


class Run(Scattered):
    """Rows `start` to `stop` of one piece: what lies in the file as it is in memory is lent, and not copied."""

    def __init__(self, number: int, piece: Piece, start: int, stop: int, text: bool) -> None:
        self.number, self.piece, self.start, self.stop = number, piece, start, stop
        self.pieces, self.text = [piece], text

    def __len__(self) -> int:
        return self.stop - self.start

    @cached_property
    def places(self) -> Places:
        return Places(np.zeros(len(self), np.int32), np.arange(self.start, self.stop, dtype=np.int64), [self.number])

    def _flat(self, kinds: dict[str, str]) -> dict[str, Any]:
        values = {name: self._lent(name, kind) for name, kind in kinds.items()}
        copied = {name: kinds[name] for name, value in values.items() if value is None}
        return values | super()._flat(copied) if copied else values

    def _lent(self, name: str, kind: str) -> Any:
        chunk = self.piece.chunks[name]
        if kind == "text" or chunk.kind != kind:
            return chunk.texts(name, self.start, self.stop, self.text)
        first = chunk.first + self.start
        if kind == "bool":
            held = np.frombuffer(chunk.values, np.uint8)[first // 8 : -(-(first + len(self)) // 8)]
            return np.unpackbits(held, bitorder="little")[first % 8 : first % 8 + len(self)].view(np.bool_)
        dtype = np.dtype(kind)
        return np.frombuffer(chunk.values, dtype, len(self), first * dtype.itemsize)


class Plan(NamedTuple):
    """Columns to be read: those of texts and numbers by what the engine gathers them as, and what becomes of others.

    Outcomes are texts that become numbers, `others` having None; lists have the plan of their fields there.
    """

    names: tuple[str, ...]
    flat: dict[str, str]
    others: dict[str, Any]


def plan_of(types: Mapping[str, Any]) -> Plan:
    """The plan for columns by their types."""
    texts = ("T", "string")
    flat = {name: "text" if kind in texts else kind for name, kind in types.items() if isinstance(kind, str)}
    others: dict[str, Any] = {name: None for name, kind in types.items() if kind == "string"}
    others |= {name: plan_of(kind[0]) for name, kind in types.items() if isinstance(kind, list)}
    return Plan(tuple(types), flat, others)


def batch_of(rows: Scattered, plan: Plan, several: bool) -> Batch:
    """The columns of some examples; `several` says that the rule that fires is one of several."""
    values = rows.columns(plan)
    if several:
        values["_fired"] = rows.fired(plan.names)
    return Batch(values, several)


def mixed_batch_of(rows: Scattered, plan: Plan) -> MixedBatch:
    """The columns of some examples of a mixture."""
    from markovlib.mixture import MixedBatch

    return MixedBatch(rows.columns(plan))


def readable(columns: Mapping[str, Any], held: Sequence[str], mixed: bool, texts: str) -> tuple[str, ...]:
    """Those of the columns that files hold which are an example's, of the types that they have there."""
    known = MIXED_TYPES if mixed else TYPES
    return tuple(name for name in held if name in known and _with_texts(known[name], texts) == columns.get(name))


def _with_texts(kind: Any, texts: str) -> Any:
    if isinstance(kind, list):
        return [{name: _with_texts(field, texts) for name, field in kind[0].items()}]
    return texts if kind == "T" else kind
