"""The figures of a report, gathered batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib.diversity.counting import Counts, KeyCounter, NumberCounter, NumberTally
from markovlib.diversity.hashing import Hashes, column_hashes, list_hashes, null_hash, number_hashes
from markovlib.shards.digest import BLOCK_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

_WORD, _PATTERN, _REPLACEMENT, _TERMINAL, _PROMPT = range(5)
_MOST_DENSE = 1 << 24

_SIDES = ("pattern", "replacement")
LENGTHS = {"word": "word_length", "output": "output_length"}
NUMBERS = ("position", "occurrences", "steps")


@dataclass
class _Packed:
    """A text or bytes column: `valid` is None where no row is null, and a null has no letters."""

    offsets: NDArray[np.int64]
    letters: NDArray[np.uint8]
    valid: NDArray[np.bool_] | None
    array: Any

    def hashes(self, column: int) -> Hashes:
        found = column_hashes(self.offsets, self.letters, column)
        if self.valid is not None:
            found[~self.valid] = null_hash(column)
        return found

    def held(self) -> NDArray[np.uint8]:
        return self.letters[int(self.offsets[0]) : int(self.offsets[-1])]

    @property
    def text(self) -> bool:
        import pyarrow as pa

        return bool(pa.types.is_large_string(self.array.type) or pa.types.is_string(self.array.type))

    def lengths(self) -> NDArray[Any]:
        """Lengths in letters of the rows that are not null."""
        import pyarrow.compute as pc

        measured = pc.utf8_length(self.array) if self.text else pc.binary_length(self.array)
        lengths: NDArray[Any] = measured.drop_null().to_numpy(zero_copy_only=False)
        return lengths


class Tally:
    """Counters over batches of rows.

    `offered` is how many instructions there are to use (None: not known), `most` how many different keys each of the
    counters of rules, rows, words, patterns and replacements may hold.  There are `strata` kinds of rules; where rows
    have several rules, `sides` says which the one of two lengths is, unless they do not tell.
    """

    def __init__(
        self, offered: int | None, strata: int, most: int, sides: Mapping[tuple[int, int], int] | None = None
    ) -> None:
        self.rows = 0
        self.most = most
        self.numbered = NumberCounter(offered) if offered is not None and offered <= min(_MOST_DENSE, most) else None
        self.instructions = KeyCounter(most)
        self.keys: dict[str, KeyCounter] = {}
        self.row_key: tuple[str, ...] = ()
        self.numbers: dict[str, NumberTally] = {}
        self.outcomes: Counter[str] = Counter()
        self.letters: dict[str, Letters] = {}
        self.strata: Counts = np.zeros(strata, np.int64)
        self.no_ops: int | None = None
        self.near_misses: int | None = None
        self.blocks = Blocks()
        self.has_instructions = False
        self.strata_of: str | None = None
        self.tagged = False
        self._kinds = None if sides is None else Kinds(sides)

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts one batch; which figures come of it depends on the columns that it has."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        first = self.rows
        self.rows += batch.num_rows
        packed = {name: _packed(columns[name]) for name in ("word", "output", "prompt") if name in columns}
        rules = self._rules(columns)
        self._instructions(columns, rules)
        self._keys(packed, rules)
        self._numbers(columns, packed)
        if "outcome" in columns:
            for item in columns["outcome"].value_counts().to_pylist():
                self.outcomes[item["values"]] += item["counts"]
        if "no_op" in columns:
            self._no_ops(columns, first)

    # ---- inside -------------------------------------------------------------------------------------------------

    def _rules(self, columns: dict[str, Any]) -> Hashes | None:
        """Counts patterns and replacements; returns a hash of the rules of each row, None where they are not there."""
        if "rules" in columns:
            lists = columns["rules"]
            offsets = np.asarray(lists.offsets, np.int64)
            flat = lists.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
            fields = dict(zip((f.name for f in flat.type), flat.flatten(), strict=True))
            items = self._sides(fields)
            self._count("rule", items)
            if self._kinds is not None:
                self.strata_of = "all rules"
                patterns, replacements = (_packed(fields[name]).lengths() for name in _SIDES)
                self.strata += self._kinds.count(patterns, replacements, len(self.strata))
            if "terminal" in fields:
                items = items + fields["terminal"].to_numpy(zero_copy_only=False)[:, None] * null_hash(_TERMINAL)
            return list_hashes(offsets - offsets[0], items)
        return self._sides(columns) if columns.keys() >= set(_SIDES) else None

    def _sides(self, columns: dict[str, Any]) -> Hashes:
        total: Any = 0
        for number, name in zip((_PATTERN, _REPLACEMENT), _SIDES, strict=True):
            column = _packed(columns[name])
            hashes = column.hashes(number)
            self._count(name, hashes if column.valid is None else hashes[column.valid])
            self._tally(f"{name}_length", column.lengths())
            self.letters.setdefault(f"{name}s", Letters()).add(column)
            total = total + hashes
        return total  # type: ignore[no-any-return]

    def _instructions(self, columns: dict[str, Any], rules: Hashes | None) -> None:
        strata = _plain(columns["stratum"]) if "stratum" in columns and self._kinds is None else None
        if strata is not None and len(self.strata):
            self.strata_of = "first rules" if "rules" in columns else "rules"
            self.strata += np.bincount(strata, minlength=len(self.strata))
        if "instruction" in columns:
            self.has_instructions = True
            numbers = _plain(columns["instruction"])
            self.tagged = strata is not None
            if self.numbered is not None:
                self.numbered.add(numbers, strata)
                return
            tags = np.zeros(len(numbers)) if strata is None else strata
            self.instructions.add(np.column_stack([number_hashes(numbers), tags.astype(np.int64).view(np.uint64)]))
        elif rules is not None:
            self.has_instructions = True
            self.numbered = None
            self.instructions.add(rules)

    def _keys(self, packed: dict[str, _Packed], rules: Hashes | None) -> None:
        if "word" in packed:
            words = packed["word"].hashes(_WORD)
            self._count("word", words)
            self.letters.setdefault("words", Letters()).add(packed["word"])
            if rules is not None:
                self.row_key = ("rules", "word")
                self._count("row", words + rules)
                return
        if "prompt" in packed:
            self.row_key = ("prompt",)
            self._count("row", packed["prompt"].hashes(_PROMPT))

    def _numbers(self, columns: dict[str, Any], packed: dict[str, _Packed]) -> None:
        for name in LENGTHS:
            if name in packed:
                self._tally(LENGTHS[name], packed[name].lengths())
        for name in NUMBERS:
            if name in columns:
                values = _plain(columns[name])
                self._tally(name, values[values >= 0])

    def _no_ops(self, columns: dict[str, Any], first: int) -> None:
        no_op = _plain(columns["no_op"])
        self.no_ops = (self.no_ops or 0) + int(no_op.sum())
        if "near_miss" in columns:
            self.near_misses = (self.near_misses or 0) + int(_plain(columns["near_miss"]).sum())
        index = _plain(columns["index"]) if "index" in columns else np.arange(first, first + len(no_op))
        self.blocks.add(index, no_op)

    def _count(self, name: str, hashes: Hashes) -> None:
        if name not in self.keys:
            self.keys[name] = KeyCounter(self.most)
        self.keys[name].add(hashes)

    def _tally(self, name: str, values: NDArray[Any]) -> None:
        self.numbers.setdefault(name, NumberTally()).add(values)


class Letters:
    """How often each letter occurs in a column: code points of text, values of bytes."""

    def __init__(self) -> None:
        self._counts: Counts = np.zeros(256, np.int64)
        self._text = True

    def add(self, column: _Packed) -> None:
        letters = column.held()
        if not len(letters):
            return
        self._text = column.text
        if self._text and int(letters.max()) >= 0x80:
            points = np.frombuffer(letters.tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
            found = np.bincount(points)
        else:
            found = _byte_counts(letters)
        if len(found) > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros(len(found) - len(self._counts), np.int64)])
        self._counts[: len(found)] += found

    def finish(self) -> dict[str, int]:
        """The letters that occur, in order, and how often; a byte is written as in a Python literal."""
        shown = chr if self._text else (lambda value: repr(bytes([value]))[2:-1])
        return {shown(int(point)): int(self._counts[point]) for point in np.flatnonzero(self._counts)}


def _byte_counts(letters: NDArray[np.uint8]) -> Counts:
    """Counts of bytes, taken two at a time."""
    even = len(letters) // 2 * 2
    pairs = np.bincount(np.frombuffer(letters[:even].tobytes(), "<u2"), minlength=1 << 16).reshape(256, 256)
    counts: Counts = pairs.sum(axis=0) + pairs.sum(axis=1)
    if even < len(letters):
        counts[letters[-1]] += 1
    return counts


class Kinds:
    """The kind of each rule, by the lengths of its sides."""

    def __init__(self, sides: Mapping[tuple[int, int], int]) -> None:
        codes = np.array([pattern << 32 | replacement for pattern, replacement in sides])
        order = np.argsort(codes)
        self._codes, self._kinds = codes[order], np.array(list(sides.values()))[order]

    def count(self, patterns: NDArray[Any], replacements: NDArray[Any], kinds: int) -> Counts:
        """How many rules there are of each of `kinds` kinds."""
        codes = patterns.astype(np.int64) << 32 | replacements
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.bincount(self._kinds[places[self._codes[places] == codes]], minlength=kinds)


class Blocks:
    """Rows and no-ops of each block of 65,536 rows."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._no_ops: dict[int, int] = {}

    def add(self, index: NDArray[np.int64], no_op: NDArray[np.bool_]) -> None:
        blocks, places = np.unique(index // BLOCK_ROWS, return_inverse=True)
        rows = np.bincount(places, minlength=len(blocks)).tolist()
        no_ops = np.bincount(places[no_op], minlength=len(blocks)).tolist()
        for i, block in enumerate(blocks.tolist()):
            self._rows[block] = self._rows.get(block, 0) + rows[i]
            self._no_ops[block] = self._no_ops.get(block, 0) + no_ops[i]

    def whole(self, size: int | None) -> list[tuple[int, int, int]]:
        """(start, end, no-ops) of the blocks of which every row was seen; `size` is that of the data set."""
        found = []
        for block, rows in sorted(self._rows.items()):
            start, end = block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS
            end = end if size is None else min(end, size)
            if rows == end - start:
                found.append((start, end, self._no_ops[block]))
        return found


def _plain(column: Any) -> NDArray[Any]:
    if column.null_count:
        column = column.fill_null(False if str(column.type) == "bool" else -1)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _packed(column: Any) -> _Packed:
    import pyarrow as pa

    wide = pa.large_string() if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else None
    column = column.cast(wide or pa.large_binary())
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    filled = column if valid is None else column.fill_null("" if wide else b"")
    _, offsets, data = filled.buffers()
    places: Any = np.zeros(1, np.int64)
    if len(filled):
        places = np.frombuffer(offsets, np.int64)[filled.offset : filled.offset + len(filled) + 1]
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return _Packed(places, letters, valid, column)
