"""Batches for training: which examples, in which order, on which rank, and where to go on after a restart."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib.packing import Packed
from markovlib.source import Source, name_list
from markovlib.view import permutation

if TYPE_CHECKING:
    from pathlib import Path

    from markovlib._permute import Permutation
    from markovlib.tokens import Tokenizer

_VERSION = 1
_TOKENS_AT_ONCE = 1 << 15


class _Place(NamedTuple):
    """So many examples of an epoch have been consumed, by all ranks together."""

    epoch: int
    position: int


class Sampler:
    """The indices of a source's examples in batches: each example once in every epoch, in an order of its own.

    The source is a data set, or a packed one (`ds.packed(...)`), whose bins are what is said here of examples.

    The order of an epoch is that of `View.permuted`, a function of `seed` (by default the source's) and the epoch; with
    `shuffle=False`, and where a data set has no end, it is that of the indices.  A step takes the next
    `batch_size * world` examples of it, of which rank r has the r-th `batch_size`.  What is left at the end of an epoch
    is shared out evenly, in batches that differ by one example at most (and may be empty on some ranks where there are
    fewer examples than ranks), or left out with `drop_last`; all ranks have as many batches.

    Iterating gives lists of indices, from where the sampler stands to the end of the epoch; when it has come to the
    end the next iteration is the next epoch.  An iteration that is broken off does not move it: the next one begins
    where that one began.  `len` is the number of batches of an iteration, and `sampler[s]` its s-th batch, computed
    alone.  `workers` deal the batches of their rank out in turn: worker w has those numbered w, w + workers, ....

    The state is a few integers and the same on all ranks: what has been consumed is the beginning of one order, so
    training goes on with any number of ranks and workers, and any size of batches, and no example is lost or repeated.
    No process, thread or file is left behind, for there is none.

    Raises ValueError for sizes and numbers that make no sense, TypeError for an order of a data set without end.

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=10), seed=7)
    >>> sampler = mk.Sampler(ds, 4)
    >>> first, *rest = sampler
    >>> [len(batch) for batch in (first, *rest)], sorted(first + sum(rest, []))
    ([4, 4, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    >>> resumed = [mk.Sampler(ds, 3, rank=rank, world=2) for rank in range(2)]
    >>> for one in resumed:
    ...     one.load_state_dict(mk.Sampler(ds, 4).state_dict(batches=1))
    >>> [list(one) for one in resumed] == [[rest[0][:3]], [rest[0][3:] + rest[1]]]
    True
    """

    def __init__(
        self,
        source: Source | Packed,
        batch_size: int,
        *,
        shuffle: bool | None = None,
        seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        worker: int = 0,
        workers: int = 1,
        drop_last: bool = False,
    ) -> None:
        if not isinstance(source, Source | Packed):
            raise TypeError(
                f"source must be a data set, or a packed one, got {source!r}; mk.open(DIR) reads a folder of shards"
            )
        self.source = source
        self._items, self._split = (
            ("bins", source.ds.split) if isinstance(source, Packed) else ("examples", source.split)
        )
        self.batch_size = _at_least(1, "batch_size", batch_size)
        self.shuffle = source.size is not None if shuffle is None else bool(shuffle)
        if self.shuffle and source.size is None:
            raise TypeError("a data set without end is read in the order of its indices; leave shuffle out")
        self.seed = source.seed if seed is None else _at_least(0, "seed", seed)
        self.rank, self.world = _one_of("rank", rank, "world", world)
        self.worker, self.workers = _one_of("worker", worker, "workers", workers)
        self.drop_last = drop_last
        self._step = self.batch_size * self.world
        if self._left(0) == 0:
            raise ValueError(f"{source!r} has not one batch for {self.world} ranks of {self.batch_size} {self._items}")
        self._origin = self._start = self._now = _Place(_at_least(0, "epoch", epoch), 0)
        self._iteration = 0
        self._order: tuple[int, Permutation] | None = None

    # ---- batches ------------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The epoch that the sampler stands in."""
        return self._start.epoch

    def __len__(self) -> int:
        number = self._number(self._start)
        if number is None:
            raise TypeError("a data set without end has no number of batches")
        return number

    def __getitem__(self, s: int | tuple[int, int, int]) -> Any:
        if isinstance(s, tuple):
            return self._batch_of_key(s)
        number, endless = operator.index(s), self.source.size is None
        if number < 0 and not endless:
            number += len(self)
        if number < 0 or (not endless and number >= len(self)):
            raise IndexError(f"batch {s} of {'a data set without end' if endless else len(self)}")
        return self._batch(self._start, number)

    def __iter__(self) -> Iterator[Any]:
        return self._begun(self._batches)

    def keys(self) -> Keys:
        """What iterating gives, as keys: triples of integers, of which `self[key]` is the batch, in every copy.

        Iterating over them moves the sampler as iterating over its batches does.

        >>> import markovlib as mk
        >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=10), seed=7)
        >>> sampler, copy = mk.Sampler(ds, 4), mk.Sampler(ds, 4)
        >>> list(sampler.keys()), sampler.epoch
        ([(0, 0, 0), (0, 0, 1), (0, 0, 2)], 1)
        >>> [copy[key] for key in sampler.keys()] == list(mk.Sampler(ds, 4, epoch=1))
        True
        """
        return Keys(self)

    def _begun(self, parts: Callable[[_Place], Iterator[Any]]) -> Iterator[Any]:
        """A new iteration over what `parts` makes of a place: something for each batch from there on."""
        self._iteration += 1
        return self._run(self._iteration, self._start, parts(self._start))

    def _run(self, iteration: int, start: _Place, batches: Iterator[Any]) -> Iterator[Any]:
        """The batches from `start` to the end of the epoch; only the latest iteration moves the sampler."""
        for number, batch in enumerate(batches, 1):
            if iteration == self._iteration:
                self._now = self._after(start, number * self.workers)
            yield batch
        if iteration == self._iteration:
            self._start = self._now = _Place(start.epoch + 1, 0)

    def _batches(self, start: _Place) -> Iterator[Any]:
        return (self._batch(start, number) for number in self._numbers(start))

    def _keys(self, start: _Place) -> Iterator[tuple[int, int, int]]:
        return ((start.epoch, start.position, number) for number in self._numbers(start))

    def _numbers(self, start: _Place) -> Iterator[int]:
        number = self._number(start)
        return count() if number is None else iter(range(number))

    def _number(self, start: _Place) -> int | None:
        """How many batches an iteration from there to the end of the epoch has."""
        left = self._left(start.position)
        return None if left is None else max(0, -(-(left - self.worker) // self.workers))

    def _batch_of_key(self, key: tuple[int, ...]) -> Any:
        if len(key) != 3 or any(operator.index(part) < 0 for part in key):
            raise IndexError(f"{key} is no key of a batch: these are (epoch, position, number), as keys() gives them")
        start, number = _Place(*map(operator.index, key[:2])), operator.index(key[2])
        batches = self._number(start)
        if batches is not None and number >= batches:
            raise IndexError(f"batch {number} of {batches} from position {start.position} on")
        return self._batch(start, number)

    def _batch(self, start: _Place, number: int) -> Any:
        return self._made(self._indices_of(start, number))

    def _indices_of(self, start: _Place, number: int) -> NDArray[np.int64]:
        return self._indices(start.epoch, self._places(start.position, number * self.workers + self.worker))

    def _made(self, indices: NDArray[np.int64]) -> Any:
        return indices.tolist()

    # ---- where it stands ----------------------------------------------------------------------------------------

    def state_dict(self, batches: int | None = None) -> dict[str, int]:
        """Where training stands, as a few integers that `load_state_dict` takes.

        `batches` is how many batches this rank has consumed, of all its workers together, since the sampler was made, a
        state was loaded or `set_epoch` moved it.  Give it wherever something reads ahead, as torch's `DataLoader` does
        with workers: only the training loop knows which batches it has used.  Without `batches` the state is that after
        the last batch that iteration has given.

        Raises ValueError without `batches` for one of several workers, which does not know how far the others are.
        """
        if batches is None and self.workers > 1:
            raise ValueError("one of several workers does not know how far the others are: give batches=, the number "
                             "of batches of this rank that were consumed")  # fmt: skip
        place = self._now if batches is None else self._after(self._origin, _at_least(0, "batches", batches))
        return {"version": _VERSION, "epoch": place.epoch, "position": place.position, **self._identity()}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Goes on where a state was taken, be it of other ranks, workers or sizes of batches.

        Raises ValueError for a state of another data set, seed or order, and for one that is none.
        """
        own = self._identity()
        if not isinstance(state, Mapping) or state.get("version") != _VERSION or {"epoch", "position"} - set(state):
            raise ValueError("this is not a state of a Sampler or Loader")
        differing = [
            f"{name} is {state.get(name)} there, {own[name]} here" for name in own if state.get(name) != own[name]
        ]
        if differing:
            raise ValueError(f"the state is of another order of {self._items}: {'; '.join(differing)}")
        epoch, position = _at_least(0, "epoch", state["epoch"]), _at_least(0, "position", state["position"])
        if self.source.size is not None and position > self.source.size:
            raise ValueError(f"the state says that {position} {self._items} of {self.source.size} were consumed")
        self._move(self._after(_Place(epoch, position), 0))

    def set_epoch(self, epoch: int) -> None:
        """Goes to the beginning of an epoch, or stays where it is in that epoch."""
        number = _at_least(0, "epoch", epoch)
        if number != self._start.epoch:
            self._move(_Place(number, 0))

    def _move(self, place: _Place) -> None:
        self._origin = self._start = self._now = place
        self._iteration += 1

    def _identity(self) -> dict[str, int]:
        """What the order of examples is a function of, apart from the epoch."""
        size = self.source.size
        data = int(self.source.fingerprint[:15], 16)
        return {"size": -1 if size is None else size, "seed": self.seed, "shuffle": int(self.shuffle), "data": data}

    # ---- arithmetic ---------------------------------------------------------------------------------------------

    def _left(self, position: int) -> int | None:
        """The batches of a rank from a position to the end of its epoch."""
        if self.source.size is None:
            return None
        left = self.source.size - position
        return left // self._step if self.drop_last else -(-left // self._step)

    def _after(self, place: _Place, batches: int) -> _Place:
        """Where a rank stands after so many of its batches: at an epoch's end, at the beginning of the next."""
        left, whole = self._left(place.position), self._left(0)
        if left is None or whole is None or batches < left:
            return _Place(place.epoch, place.position + batches * self._step)
        epochs, more = divmod(batches - left, whole)
        return _Place(place.epoch + 1 + epochs, more * self._step)

    def _places(self, position: int, number: int) -> range:
        """The places in the order of the epoch that this rank's batch with that number has, from a position on."""
        begin, size = position + number * self._step, self.source.size
        if size is None or begin + self._step <= size:
            begin += self.rank * self.batch_size
            return range(begin, begin + self.batch_size)
        rest = size - begin
        return range(begin + rest * self.rank // self.world, begin + rest * (self.rank + 1) // self.world)

    def _indices(self, epoch: int, places: range) -> NDArray[np.int64]:
        found = np.arange(places.start, places.stop, dtype=np.int64)
        if not self.shuffle:
            return found
        kept = self._order
        if kept is None or kept[0] != epoch:
            kept = self._order = epoch, permutation(len(self.source), epoch, self._split, self.seed)
        return kept[1].images(found)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_order": None}

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} of {self.source!r}, batches of {self.batch_size}, rank {self.rank} of "
            f"{self.world}, epoch {self._start.epoch}>"
        )


class Keys:
    """The batches of an iteration of a sampler or loader, as keys: see `Sampler.keys`.

    A key says all of a batch, its epoch too, so that copies of a loader which know nothing of the epochs, such as those
    in the workers of torch's `DataLoader`, give what the loader itself would give: these are what it calls a sampler.
    """

    def __init__(self, of: Sampler) -> None:
        self._of = of

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return self._of._begun(self._of._keys)

    def __repr__(self) -> str:
        return f"<Keys of {self._of!r}>"


class Loader(Sampler):
    """Batches of a source's examples, in the order and with the state of a `Sampler`, which see.

    Iterating, and `loader[s]`, give the examples as packed columns (`Batch`), of `columns` if they are given; or with
    `length`, padded arrays (`Padded`) of that many tokens, as `Dataset.padded` makes them of `tokenizer`, `side`, `pad`
    and `truncate`, the ids in the type `dtype` if that is given.  The tokenizer "bytes" is `ByteTokenizer()`, without
    an end token; `ByteTokenizer(eos="</s>")` has one, and so has the command line's `--tokenizer bytes`.  Of a packed
    data set they give bins, as arrays of shape (bins, length) (`BinArrays`), the ids in the type `dtype` if that is
    given; all else was said to `ds.packed`.  A loader is itself what map-style readers call a data set, one of batches:
    `torch.utils.data.DataLoader(loader, batch_size=None, num_workers=2)`.  Its workers hold copies, which do not see
    what `set_epoch` and `load_state_dict` do here: so give `sampler=loader.keys()` too wherever workers live on from
    one epoch to the next (`persistent_workers=True`).

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=1000), seed=7)
    >>> loader = mk.Loader(ds, 256, length=144)
    >>> [batch.ids.shape for batch in loader]
    [(256, 144), (256, 144), (256, 144), (232, 144)]
    >>> loader.epoch, next(iter(mk.Loader(ds, 4, columns=["word", "output"])))
    (1, <Batch of 4 examples: word, output>)
    """

    def __init__(
        self,
        source: Source | Packed,
        batch_size: int,
        *,
        columns: Iterable[str] | None = None,
        length: int | None = None,
        tokenizer: Tokenizer | str | Path = "bytes",
        side: str = "right",
        pad: int | None = None,
        truncate: bool = False,
        dtype: Any = None,
        threads: int | None = None,
        shuffle: bool | None = None,
        seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        worker: int = 0,
        workers: int = 1,
        drop_last: bool = False,
    ) -> None:
        super().__init__(
            source, batch_size, shuffle=shuffle, seed=seed, epoch=epoch, rank=rank, world=world, worker=worker,
            workers=workers, drop_last=drop_last,
        )  # fmt: skip
        padding = {"tokenizer": tokenizer != "bytes", "side": side != "right", "pad": pad is not None,
                   "truncate": truncate}  # fmt: skip
        if isinstance(source, Packed):
            others = {"columns": columns is not None, "length": length is not None, "threads": threads is not None}
            _refuse(others | padding, "of examples, and batches of a packed data set are bins as ds.packed made them")
        elif columns is not None and length is not None:
            raise TypeError("columns is for packed batches, length for padded arrays: give one of them")
        elif length is None:
            arrays = padding | {"dtype": dtype is not None}
            _refuse(arrays, "of padded arrays, which need length; without it batches are columns")
        self.columns = None if columns is None else tuple(name_list(columns))
        self.length, self.dtype, self.threads = length, dtype, threads
        self._padding: dict[str, Any] = {"tokenizer": tokenizer, "side": side, "pad": pad, "truncate": truncate}
        self._made(np.empty(0, np.int64))  # raises what the first batch would

    def _batches(self, start: _Place) -> Iterator[Any]:
        """As of a sampler, but small arrays are made several at a time, as parts of larger ones: each call has its
        price, the higher the more a training step has put into the caches since."""
        from markovlib.tokens import Padded

        together = 1 if self.length is None else max(1, _TOKENS_AT_ONCE // max(1, self.batch_size * self.length))
        numbers = self._numbers(start)
        while some := [self._indices_of(start, number) for number in islice(numbers, together)]:
            try:
                made = self._made(np.concatenate(some)) if len(some) > 1 else None
            except ValueError:
                made = None  # the batches before the one that cannot be made are given yet
            if made is None:
                yield from map(self._made, some)
            else:
                ends = np.cumsum([len(one) for one in some]).tolist()
                for begin, end in zip([0, *ends], ends, strict=False):
                    yield Padded(*(array[begin:end] for array in made))

    def _made(self, indices: NDArray[np.int64]) -> Any:
        if isinstance(self.source, Packed):
            return self.source.bins(indices).arrays(self.dtype)
        if self.length is None:
            return self.source.batch(indices, self.columns, self.threads)
        ids = None if self.dtype is None else np.empty((len(indices), self.length), self.dtype)
        return self.source.padded(indices, self.length, **self._padding, ids=ids, threads=self.threads)


def _refuse(given: Mapping[str, bool], why: str) -> None:
    """Raises TypeError that names the options that were given, if any were."""
    if names := ", ".join(name for name, there in given.items() if there):
        raise TypeError(f"{names}: {why}")


def _at_least(least: int, name: str, value: Any) -> int:
    number = operator.index(value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def _one_of(name: str, value: Any, name_of_all: str, all_of_them: Any) -> tuple[int, int]:
    total = _at_least(1, name_of_all, all_of_them)
    number = _at_least(0, name, value)
    if number >= total:
        raise ValueError(f"{name} must be below {name_of_all}={total}, got {number}")
    return number, total
