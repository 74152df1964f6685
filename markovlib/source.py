"""What data sets, views and folders of shards have in common: examples by index, and what is made of them."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from markovlib import scoring
    from markovlib.packing import Packed
    from markovlib.spaces import Stratum
    from markovlib.tokens import Padded, Tokenizer, Tokens
    from markovlib.view import View

_LARGEST = np.uint64(2**63 - 1)

Indices: TypeAlias = "range | Sequence[int] | NDArray[np.integer[Any]]"


class Source(ABC):
    """Examples by index, each of which can be had alone.

    `Dataset` and `Mixture` compute them, `View` orders those of others, `markovlib.open` reads them from shards.  All
    have `size` and `len`, `source[i]`, slices and lists, iteration, `batch` and `batches`; they pickle, compare and
    hash, have a `repr` that is the same in every process, and may be shared by threads.  They are what map-style
    readers of training frameworks call a data set.
    """

    if TYPE_CHECKING:

        @property
        def recipe(self) -> Any: ...
        @property
        def seed(self) -> int: ...
        @property
        def split(self) -> str: ...
        @property
        def size(self) -> int | None: ...
        @property
        def text(self) -> bool: ...
        @property
        def columns(self) -> tuple[str, ...]: ...
        @property
        def known_columns(self) -> tuple[str, ...]: ...
        @property
        def strata(self) -> tuple[Stratum, ...]: ...
        @property
        def fingerprint(self) -> str: ...

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError("this data set is unbounded; set `examples` in its recipe")
        return self.size

    @abstractmethod
    def __getitem__(self, key: Any) -> Any: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Any]: ...

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """The examples at `indices`, as a list: what torch's `DataLoader` asks a data set for, a batch at a time."""
        return [self[int(i)] for i in indices]

    @abstractmethod
    def batch(self, indices: Indices, columns: Iterable[str] | None = None, threads: int | None = None) -> Any:
        """The examples at `indices` as columns."""

    @abstractmethod
    def batches(self, size: int, threads: int | None = None, columns: Iterable[str] | None = None) -> Iterator[Any]:
        """All examples in order, `size` at a time, the last batch shorter."""

    # ---- tokens -------------------------------------------------------------------------------------------------

    def tokens(self, indices: Indices, tokenizer: Tokenizer | str | Path, threads: int | None = None) -> Tokens:
        """The examples at `indices`, as for `batch`, as token ids with a loss mask.

        `tokenizer` is a `ByteTokenizer`, `CharacterTokenizer` or `TokenizerFile`, which may name special tokens, or
        short for one without: "bytes", "characters" (those of the recipe), or the path of a `tokenizer.json`.
        The result holds flat `ids`, int64 `offsets` and a `loss_mask`, and makes padded arrays.

        Raises as `batch` does, and ValueError where the tokenizer has no token for a character.
        """
        from markovlib.tokens import tokenize

        return tokenize(self, indices, tokenizer, threads)

    def padded(
        self,
        indices: Indices,
        length: int,
        tokenizer: Tokenizer | str | Path = "bytes",
        *,
        side: str = "right",
        pad: int | None = None,
        truncate: bool = False,
        ids: NDArray[Any] | None = None,
        loss_mask: NDArray[Any] | None = None,
        attention_mask: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> Padded:
        """The examples at `indices` as arrays of shape (len(indices), length): `ids`, `loss_mask`, `attention_mask`.

        The sequences are those of `tokens`, padded as by `Tokens.padded`: into the arrays that are given, of any type
        of integers, or into new ones.  The tokenizer "bytes" is `ByteTokenizer()`, which has no end token, so that
        sequences end with the completion; `ByteTokenizer(eos="</s>")` has one.  (The command line's
        `--tokenizer bytes` ends every sequence with token 256.)

        Raises as `tokens` does, and ValueError for a longer sequence without `truncate`, or an array that does not fit.

        >>> import numpy as np
        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op"), seed=7)
        >>> made = ds.padded([3, 1, 4], 160, ids=np.empty((3, 160), np.int64))
        >>> made.ids.dtype, made.ids.shape, int(made.loss_mask[0].sum()) == len(ds[3].completion)
        (dtype('int64'), (3, 160), True)
        """
        tokens = self.tokens(indices, tokenizer, threads)
        if not truncate:
            tokens.check_lengths(length, indices)
        return tokens.padded(
            length, side=side, pad=pad, truncate=truncate, ids=ids, loss_mask=loss_mask, attention_mask=attention_mask
        )

    def packed(
        self,
        tokenizer: Tokenizer | str | Path,
        length: int,
        window: int = 1024,
        *,
        split: bool = False,
        examples: int | None = None,
        threads: int | None = None,
        index: str | Path | None = None,
    ) -> Packed:
        """The examples in bins of `length` tokens, in their order, each bin computed on its own.

        Within every `window` of consecutive examples, each goes to the first bin that has room for it.  An example is
        never split, and one longer than a bin is left out and counted; with `split` it is cut into sequences of
        `length` tokens and one that is shorter.  `examples` packs only so many, and must be given for an unbounded
        data set.  `tokenizer` is as for `tokens`.

        All examples are tokenized once to count the bins; `index`, a file that `Packed.save` wrote, spares this.
        Raises ValueError for an index of another packing.
        """
        from markovlib.packing import Packed

        return Packed(self, tokenizer, length, window, split=split, examples=examples, threads=threads, index=index)

    # ---- answers and orders -------------------------------------------------------------------------------------

    def score(self, i: int, answer: Any, credit: scoring.Credit = "exact", *, strip: bool = False) -> float:
        """How right an answer to example i is, in [0, 1]; see `markovlib.scoring` for kinds of credit."""
        from markovlib import scoring

        scoring.refuse_mixtures(self)
        return scoring.score(self[i], answer, credit, strip=strip).value

    def scores(
        self,
        indices: Indices,
        answers: Sequence[Any],
        credit: scoring.Credit = "exact",
        *,
        strip: bool = False,
        threads: int | None = None,
    ) -> scoring.Scores:
        """Values and error labels of `answers[j]` to example `indices[j]`; see `markovlib.scoring.score_all`."""
        from markovlib import scoring

        return scoring.score_all(self, indices, answers, credit, strip=strip, threads=threads)

    def view(self, order: Any, *, epoch: int = 0, seed: int | None = None, descending: bool = False) -> View:
        """The same examples in another order; see `View.of`."""
        from markovlib.view import View

        return View.of(self, order, epoch=epoch, seed=seed, descending=descending)


def asked_for(key: Any, size: int) -> int | Indices:
    """What stands in brackets after a source: the number of one example, or those of a batch."""
    if isinstance(key, slice):
        return range(*key.indices(size))
    many = getattr(key, "ndim", 0) > 0 or not hasattr(key, "__index__")  # Arrays have it too, whatever their shape.
    rows: int | Indices = key if many else operator.index(key)
    return rows


def has_column(ds: Any, name: str) -> bool:
    """Whether a data set has a column, one that is made only on request included."""
    try:
        ds.batch(range(0), [name])
    except ValueError:
        return False
    return True


def name_list(names: Iterable[str], what: str = "columns") -> list[str]:
    """Names as a list.  Raises TypeError for a text alone, whose letters are not the names that were meant.

    >>> name_list(("prompt", "completion"))
    ['prompt', 'completion']
    """
    if isinstance(names, str):
        meant = [name.strip() for name in names.split(",")]
        raise TypeError(f"{what} must be a list of names, got {names!r}: give {meant!r}")
    return list(names)


def row_numbers(indices: Indices, size: int, what: str, *, from_end: bool = True) -> NDArray[np.int64]:
    """Indices, negative ones counted from the end if it has one, as an array of its own.

    Raises TypeError for what is no flat sequence of integers, IndexError for a row that `what` does not have.
    """
    asked = index_array(indices)
    rows = np.where(asked < 0, asked + size, asked) if from_end else asked.copy()
    outside = np.flatnonzero((rows < 0) | (rows >= size))
    if outside.size:
        raise IndexError(f"example {asked[outside[0]]} of {what} of {size}")
    return rows


def index_array(indices: Indices) -> NDArray[np.int64]:
    """Indices as a flat array.  Raises TypeError where they are not integers."""
    if type(indices) is np.ndarray and indices.dtype == np.int64 and indices.ndim == 1:
        return np.ascontiguousarray(indices)
    if isinstance(indices, range):
        return np.arange(indices.start, indices.stop, indices.step, dtype=np.int64)
    asked = np.asarray(indices)
    if asked.ndim != 1 or (asked.size and asked.dtype.kind not in "iu"):
        raise TypeError("indices must be a range, a slice or a flat sequence of integers")
    if asked.dtype == np.uint64:
        asked = np.minimum(asked, _LARGEST)
    return np.ascontiguousarray(asked, np.int64)
