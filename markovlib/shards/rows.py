"""Rows of shards as a batch: each column gathered from the pieces that the rows are in, or lent by one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
    **dict.fromkeys(("rule", "stratum", "occurrences"), "int32"),
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

    def texts(self, names: Sequence[str]) -> list[Column]:
        return self.places.texts(self.pieces, names, self.text)

    def numbers(self, name: str, kind: str) -> NDArray[Any]:
        return self.places.numbers_of(self.pieces, name, kind)

    def flags(self, name: str) -> NDArray[np.bool_]:
        return self.places.bits(self.pieces, name)

    def outcomes(self, name: str) -> NDArray[np.uint8]:
        return codes(name, self.places.texts(self.pieces, [name], True)[0], _OUTCOMES)

    def lists(self, name: str, fields: Mapping[str, str]) -> Any:
        offsets, places = self.places.lists(self.pieces, name)
        items = Scattered(places, [piece.items[name] for piece in self.pieces], self.text)
        values = items.columns(fields)
        texts = [value for value in values.values() if isinstance(value, Column)]
        return list_column(name, offsets, texts, [value for value in values.values() if not isinstance(value, Column)])

    def columns(self, types: Mapping[str, Any]) -> dict[str, Any]:
        """Columns by their names and types.  Raises `DamagedPieceError`."""
        try:
            texts = [name for name, kind in types.items() if kind == "T"]
            values: dict[str, Any] = dict(zip(texts, self.texts(texts), strict=True))
            for name, kind in types.items():
                if name not in values:
                    values[name] = self._other(name, kind)
            return {name: values[name] for name in types}
        except DamagedRowError as error:
            number = self.places.numbers[int(self.places.pieces[error.row])]
            raise DamagedPieceError(number, error.name, error.reason) from None

    def _other(self, name: str, kind: Any) -> Any:
        if kind == "bool":
            return self.flags(name)
        if kind == "string":
            return self.outcomes(name)
        return self.lists(name, kind[0]) if isinstance(kind, list) else self.numbers(name, kind)

    def fired(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Negative where no rule fired, as far as the columns named say so."""
        if "rule" in names:
            return self.numbers("rule", "int32")
        for name in set(names).intersection(_SIDES):
            valid = self.places.valid(self.pieces, name)
            if valid is not None:
                return valid.astype(np.int32) - 1
        return np.zeros(len(self), np.int32)


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

    def texts(self, names: Sequence[str]) -> list[Column]:
        lent = [self.piece.chunks[name].texts(name, self.start, self.stop, self.text) for name in names]
        return [Scattered.texts(self, [name])[0] if one is None else one for name, one in zip(names, lent, strict=True)]

    def numbers(self, name: str, kind: str) -> NDArray[Any]:
        chunk, dtype = self.piece.chunks[name], np.dtype(kind)
        if chunk.kind != kind:
            return super().numbers(name, kind)
        return np.frombuffer(chunk.values, dtype, len(self), (chunk.first + self.start) * dtype.itemsize)

    def flags(self, name: str) -> NDArray[np.bool_]:
        chunk = self.piece.chunks[name]
        first, last = chunk.first + self.start, chunk.first + self.stop
        held = np.frombuffer(chunk.values, np.uint8)[first // 8 : -(-last // 8)]
        return np.unpackbits(held, bitorder="little")[first % 8 : first % 8 + len(self)].view(np.bool_)


def batch_of(rows: Scattered, names: Sequence[str], several: bool) -> Batch:
    """The columns named of some examples; `several` says that the rule that fires is one of several."""
    values = rows.columns({name: TYPES[name] for name in names})
    if several:
        values["_fired"] = rows.fired(names)
    return Batch(values, several)


def mixed_batch_of(rows: Scattered, names: Sequence[str]) -> MixedBatch:
    """The columns named of some examples of a mixture."""
    from markovlib.mixture import MixedBatch

    return MixedBatch(rows.columns({name: MIXED_TYPES[name] for name in names}))


def readable(columns: Mapping[str, Any], held: Sequence[str], mixed: bool, texts: str) -> tuple[str, ...]:
    """Those of the columns that files hold which are an example's, of the types that they have there."""
    known = MIXED_TYPES if mixed else TYPES
    return tuple(name for name in held if name in known and _with_texts(known[name], texts) == columns.get(name))


def _with_texts(kind: Any, texts: str) -> Any:
    if isinstance(kind, list):
        return [{name: _with_texts(field, texts) for name, field in kind[0].items()}]
    return texts if kind == "T" else kind
