"""Packing: sequences of tokens in bins of one length, any bin computed on its own.

Examples are taken in windows of consecutive ones.  Each sequence of a window, in order, goes to the first bin of the
window with room for it, or opens one.  A bin therefore depends on its window alone; an index of 8 bytes a window says
which bins are whose.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from markovlib import _tokens
from markovlib.equality import same_fields, same_tuples
from markovlib.fields import canonical, sha256
from markovlib.source import Indices, asked_for, index_array
from markovlib.tokens import Tokenizer, Tokens, buffer_for, tokenize, tokenizer_for

if TYPE_CHECKING:
    from markovlib.source import Source

_EXAMPLES_AT_ONCE = 65_536


class Bin(NamedTuple):
    """One bin: arrays of `length` entries, and what it holds.

    `ids` are tokens, padded; `position_ids` (int32) count from 0 in each sequence, `document_ids` (int32) number the
    sequences, and are 0 and -1 in the padding; `loss_mask` (uint8) is 1 on completions and their end.  `cu_seqlens`
    (int32) is where each sequence starts and the last one ends; `examples` (int64) says whose each sequence is.
    Two are equal if all of their entries are.
    """

    ids: NDArray[Any]
    position_ids: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]
    document_ids: NDArray[np.int32]
    cu_seqlens: NDArray[np.int32]
    examples: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)


class BinArrays(NamedTuple):
    """The arrays of several bins that have a row for each, shape (bins, length), as in `Bin`: a batch of a `Loader`.
    Two are equal if all of their entries are."""

    ids: NDArray[Any]
    position_ids: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]
    document_ids: NDArray[np.int32]

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Bins:
    """Several bins: the arrays of `Bin` with a row for each, and the sequences of all rows one after another.

    Row i holds the sequences from `sequence_offsets[i]` to `sequence_offsets[i + 1]`; `sequence_lengths` are their
    tokens, `examples` whose they are.  `bins[i]` is row i as a `Bin`, `arrays()` what has a row for each bin.
    Two are equal if all of their entries are.
    """

    ids: NDArray[Any]
    position_ids: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]
    document_ids: NDArray[np.int32]
    sequence_offsets: NDArray[np.int64]
    sequence_lengths: NDArray[np.int64]
    examples: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other) if isinstance(other, Bins) else NotImplemented

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> Bin:
        i = range(len(self))[i]
        part = slice(self.sequence_offsets[i], self.sequence_offsets[i + 1])
        ends = np.concatenate([[0], np.cumsum(self.sequence_lengths[part])]).astype(np.int32)
        return Bin(
            self.ids[i], self.position_ids[i], self.loss_mask[i], self.document_ids[i], ends, self.examples[part]
        )

    def __iter__(self) -> Iterator[Bin]:
        return (self[i] for i in range(len(self)))

    def arrays(self, dtype: Any = None) -> BinArrays:
        """The arrays of shape (bins, length) alone, the ids in the type `dtype` if that is given.

        Raises ValueError for a type that cannot hold them.
        """
        ids = self.ids
        if dtype is not None:
            ids = buffer_for("ids", np.empty(ids.shape, dtype), ids.shape, ids, 0)
            ids[...] = self.ids
        return BinArrays(ids, self.position_ids, self.loss_mask, self.document_ids)

    def __repr__(self) -> str:
        return f"<Bins: {len(self)} of {self.ids.shape[1]} tokens>"


class _Sequences(NamedTuple):
    """Sequences that are packed as they are: example, start and size in the tokens; those of window w are from
    windows[w] to windows[w + 1]."""

    examples: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    windows: NDArray[np.int64]


class Packed:
    """A data set as bins of `length` tokens; made by `Dataset.packed`, where the parameters are explained.

    `len(packed)` is the number of bins, `packed[b]` a `Bin`, `packed[a:b]` and `packed[[b, ...]]` are `Bins`.
    Computing a bin costs its window, which is kept until another one is asked for.  `Sampler` and `Loader` take packed
    data sets: their batches are of bins.  Packed data sets pickle with their index, compare and hash by `fingerprint`,
    and may be shared by threads.
    """

    def __init__(
        self,
        ds: Source,
        tokenizer: Tokenizer | str | Path,
        length: int,
        window: int = 1024,
        *,
        split: bool = False,
        examples: int | None = None,
        threads: int | None = None,
        index: str | Path | None = None,
    ) -> None:
        length, window = operator.index(length), operator.index(window)
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        size = ds.size if examples is None else operator.index(examples)
        if size is None:
            raise ValueError("the data set is unbounded; give examples=, how many of them to pack")
        if size < 0 or (ds.size is not None and size > ds.size):
            raise ValueError(f"examples must be between 0 and {ds.size}, got {examples}")
        self.ds, self.length, self.window, self.split, self.threads = ds, length, window, split, threads
        self.tokenizer = tokenizer_for(tokenizer, ds)
        self.examples: int = size
        self._totals = {"tokens": 0, "dropped_examples": 0, "dropped_tokens": 0, "split_examples": 0, "sequences": 0}
        self._kept: tuple[int, Bins] | None = None
        self._first = self._count() if index is None else self._read(Path(index))

    # ---- the index ----------------------------------------------------------------------------------------------

    @property
    def index(self) -> NDArray[np.int64]:
        """The number of the first bin of each window, and that of all bins."""
        return self._first

    def _count(self) -> NDArray[np.int64]:
        windows = -(-self.examples // self.window)
        first = np.zeros(windows + 1, np.int64)
        shortest: list[int] = []
        step = max(1, _EXAMPLES_AT_ONCE // self.window)
        for w in range(0, windows, step):
            last = min(w + step, windows)
            tokens = self._tokens(w, last)
            sequences = self._sequences(tokens, w, last)
            _, first[w + 1 : last + 1] = _tokens.first_fit(sequences.sizes, sequences.windows, self.length)
            self._add_up(tokens, sequences)
            shortest.append(int(tokens.lengths().min()))
        np.cumsum(first, out=first)
        if windows and first[-1] == 0:
            raise ValueError(
                f"no example fits into a bin of {self.length} tokens: the shortest of {self.examples} has "
                f"{min(shortest)}; give a longer bin, or split=True to cut examples"
            )
        return first

    def _tokens(self, first: int, last: int) -> Tokens:
        """The tokens of windows, checked: tokenizers may be anybody's."""
        rows = range(first * self.window, min(last * self.window, self.examples))
        tokens = tokenize(self.ds, rows, self.tokenizer, self.threads)
        tokens.longest()
        if len(tokens) != len(rows):
            raise ValueError(f"the tokenizer made {len(tokens)} sequences of {len(rows)} examples")
        return tokens

    def _sequences(self, tokens: Tokens, first: int, last: int) -> _Sequences:
        """What is packed: every example's tokens, or the pieces of at most `length` that they are cut into."""
        sizes = tokens.lengths()
        examples = np.arange(len(sizes)) + first * self.window
        bounds = np.arange(first, last + 1) * self.window
        bounds[-1] = min(bounds[-1], self.examples)
        if not self.split:
            return _Sequences(examples, tokens.offsets[:-1], sizes, bounds - first * self.window)
        pieces = np.maximum(1, -(-sizes // self.length))
        before = np.concatenate([[0], np.cumsum(pieces)])
        offset = (np.arange(before[-1]) - np.repeat(before[:-1], pieces)) * self.length
        return _Sequences(
            np.repeat(examples, pieces),
            np.repeat(tokens.offsets[:-1], pieces) + offset,
            np.minimum(np.repeat(sizes, pieces) - offset, self.length),
            before[bounds - first * self.window],
        )

    def _add_up(self, tokens: Tokens, sequences: _Sequences) -> None:
        sizes = tokens.lengths()
        long = sizes > self.length
        dropped = 0 if self.split else int(long.sum())
        self._totals["tokens"] += int(sizes.sum())
        self._totals["dropped_examples"] += dropped
        self._totals["dropped_tokens"] += int(sizes[long].sum()) if dropped else 0
        self._totals["split_examples"] += int(long.sum()) if self.split else 0
        self._totals["sequences"] += len(sequences.sizes) - dropped

    def save(self, path: str | Path) -> None:
        """Writes the index to an .npz file, which `Dataset.packed(..., index=path)` reads instead of counting."""
        with Path(path).open("wb") as file:
            np.savez(file, first=self._first, about=np.array(json.dumps(self._about() | {"totals": self._totals})))

    def _about(self) -> dict[str, Any]:
        return {
            "data": self.ds.fingerprint,
            "tokenizer": self.tokenizer.fingerprint,
            "length": self.length,
            "window": self.window,
            "split": self.split,
            "examples": self.examples,
        }

    def _read(self, path: Path) -> NDArray[np.int64]:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                about, first = json.loads(str(stored["about"])), stored["first"]
            self._totals = about.pop("totals")
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile):
            raise ValueError(f"{path}: is not an index that Packed.save wrote") from None
        differing = [name for name, value in self._about().items() if about.get(name) != value]
        if differing:
            raise ValueError(f"{path}: is the index of another packing: {', '.join(differing)} differ")
        windows = -(-self.examples // self.window)
        if first.dtype != np.int64 or first.shape != (windows + 1,) or first[0] != 0 or (first[1:] < first[:-1]).any():
            raise ValueError(f"{path}: is damaged: it does not count the bins of {windows} windows")
        return first  # type: ignore[no-any-return]

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self)

    @property
    def seed(self) -> int:
        """The seed of the data set."""
        return self.ds.seed

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the data set's fingerprint, the tokenizer's and the settings."""
        return sha256(canonical({"packed": self._about()}))

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Packed) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    # ---- bins ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self._first[-1])

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Bin: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[np.integer[Any]]) -> Bins: ...
    def __getitem__(self, key: Any) -> Bin | Bins:
        asked = asked_for(key, len(self))
        if not isinstance(asked, int):
            return self.bins(asked)
        if not -len(self) <= asked < len(self):
            raise IndexError(f"bin {asked} of {len(self)}")
        window, row = self._place(asked % len(self))
        return self._window(window)[row]

    def __getitems__(self, indices: Sequence[int]) -> list[Bin]:
        """The bins with these numbers, as a list: what torch's `DataLoader` asks a data set for, a batch at a time."""
        return list(self.bins(indices))

    def __iter__(self) -> Iterator[Bin]:
        return (bin for window in range(len(self._first) - 1) for bin in self._window(window))

    def bins(self, indices: Indices) -> Bins:
        """The bins with these numbers, in this order; each window that they are of is computed once.

        Raises IndexError for a number outside, TypeError for what is no flat sequence of integers.
        """
        numbers = index_array(indices)
        outside = np.flatnonzero((numbers < -len(self)) | (numbers >= len(self)))
        if outside.size:
            raise IndexError(f"bin {numbers[outside[0]]} of {len(self)}")
        numbers = np.where(numbers < 0, numbers + len(self), numbers)
        windows = np.searchsorted(self._first, numbers, side="right") - 1
        parts = []
        order = np.argsort(windows, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(windows[order])) + 1) if len(order) else []:
            window = int(windows[group[0]])
            parts.append(_rows(self._window(window), numbers[group] - self._first[window]))
        if not parts:
            parts = [self._empty()]
        return _rows(_stacked(parts), np.argsort(order, kind="stable"))

    def _place(self, b: int) -> tuple[int, int]:
        window = int(np.searchsorted(self._first, b, side="right")) - 1
        return window, b - int(self._first[window])

    def _window(self, window: int) -> Bins:
        kept = self._kept
        if kept is None or kept[0] != window:
            kept = self._kept = window, self._fill(window)
        return kept[1]

    def _fill(self, window: int) -> Bins:
        tokens = self._tokens(window, window + 1)
        sequences = self._sequences(tokens, window, window + 1)
        bin, (rows,) = _tokens.first_fit(sequences.sizes, sequences.windows, self.length)
        counted = int(self._first[window + 1] - self._first[window])
        if rows != counted:
            raise ValueError(f"window {window} has {rows} bins, and the index counts {counted}: make the index anew")
        *arrays, held = _tokens.fill(
            tokens.ids, tokens.loss_mask, np.ascontiguousarray(sequences.starts), sequences.sizes, bin, rows,
            self.length, self.tokenizer.pad,
        )  # fmt: skip
        order = np.argsort(bin, kind="stable")[np.count_nonzero(bin < 0) :]
        ids, loss_mask, position_ids, document_ids = arrays
        ends = np.concatenate([[0], np.cumsum(held)])
        return Bins(ids, position_ids, loss_mask, document_ids, ends, sequences.sizes[order], sequences.examples[order])

    def _empty(self) -> Bins:
        ids = np.empty((0, self.length), self.tokenizer.dtype)
        nothing = np.empty(0, np.int64)
        return Bins(
            ids, ids.astype(np.int32), ids.astype(np.uint8), ids.astype(np.int32), np.zeros(1, np.int64), nothing,
            nothing,
        )  # fmt: skip

    # ---- what it comes to ---------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """Examples, tokens and bins, and the shares that are lost.

        `dropped` is the share of the examples that are longer than a bin and left out, `padding` the share of the
        bins' places that hold no token.
        """
        places = len(self) * self.length
        packed = self._totals["tokens"] - self._totals["dropped_tokens"]
        return {
            "examples": self.examples,
            "bins": len(self),
            **self._totals,
            "dropped": self._totals["dropped_examples"] / self.examples if self.examples else 0.0,
            "padding": 1 - packed / places if places else 0.0,
        }

    def __repr__(self) -> str:
        dropped = self._totals["dropped_examples"]
        left_out = f", {dropped} dropped" if dropped else ""
        return f"<Packed: {self.examples} examples in {len(self)} bins of {self.length} tokens{left_out}>"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None}


def _rows(bins: Bins, rows: NDArray[np.integer[Any]]) -> Bins:
    """Rows of bins."""
    counts = np.diff(bins.sequence_offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    places = np.repeat(bins.sequence_offsets[rows] - offsets[:-1], counts) + np.arange(offsets[-1])
    return Bins(
        bins.ids[rows], bins.position_ids[rows], bins.loss_mask[rows], bins.document_ids[rows], offsets,
        bins.sequence_lengths[places], bins.examples[places],
    )  # fmt: skip


def _stacked(parts: list[Bins]) -> Bins:
    """Bins below one another."""

    def all_of(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    counts = np.concatenate([np.diff(part.sequence_offsets) for part in parts])
    return Bins(
        all_of("ids"), all_of("position_ids"), all_of("loss_mask"), all_of("document_ids"),
        np.concatenate([[0], np.cumsum(counts)]), all_of("sequence_lengths"), all_of("examples"),
    )  # fmt: skip
