"""Data sets: example i as a function of (recipe, seed, split, i)."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _stream
from markovlib.batch import thread_count
from markovlib.outcome import Outcome
from markovlib.recipe import Recipe, RecipeError, _pair
from markovlib.render import parse_template
from markovlib.rules import Rule
from markovlib.spaces import Instructions

if TYPE_CHECKING:
    import pyarrow as pa

#: Names the function from (recipe, seed, split, index) to examples.  What it promises is in docs/datasets.md.
STREAM_VERSION = 1

SPLITS = ("train", "seen", "unseen")
COLUMNS = (
    "index", "prompt", "completion", "word", "output", "pattern", "replacement", "rule", "position", "no_op",
    "steps", "outcome",
)  # fmt: skip

_SPAWN_KEY = 0x6D61726B6F76
_ORDER_OWN, _ORDER_CYCLE, _ORDER_SHUFFLED = range(3)
_WORD_CLASSES = {"train": 1, "seen": 2}
_LARGEST_INDEX = 2**62
_ROWS_PER_THREAD = 4096
_COUNTED_RULES = 2**16


def stream_key(seed: int) -> tuple[int, int]:
    """The Philox key of a seed: 128 bits of NumPy's SeedSequence, under a spawn key of this library's own."""
    words = np.random.SeedSequence(seed, spawn_key=(_SPAWN_KEY,)).generate_state(2, np.uint64)
    return int(words[0]), int(words[1])


def split_id(split: str) -> int:
    """The number of a split in the counter: the first eight bytes of the SHA-256 of its name, the lowest first."""
    return int.from_bytes(hashlib.sha256(split.encode()).digest()[:8], "little")


class Example(NamedTuple):
    """One example.

    `rules` holds every rule of its instruction; `pattern` and `replacement` are those of the rule that fired, or of
    the only one.  `rule` is the index of the rule that fired and `position` where, in letters; both are -1 for a
    no-op.  `steps` and `outcome` are those of the run: the rule of a `rewrite` is terminal.  In an example from a
    batch, the columns that the batch does not have are None.
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


class Batch:
    """Examples as columns: an attribute for each column asked for, in the order of `columns`.

    Texts are packed columns (`Column`); `index`, `position` and `steps` are int64, `rule` int32, `no_op` bool and
    `outcome` uint8 arrays.  `len(batch)` is the number of rows, `batch[i]` an `Example`.
    """

    __slots__ = ("_values", "columns")

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.columns = tuple(values)

    def __getattr__(self, name: str) -> Any:
        if name in COLUMNS and name in self._values:
            return self._values[name]
        problem = "was not asked for" if name in COLUMNS else "is not a column"
        raise AttributeError(f"{name!r} {problem}; this batch has {', '.join(self.columns)}")

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a batch is not pickled; ask the data set for it again, or use to_arrow()")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def __len__(self) -> int:
        return len(next(iter(self._values.values())))

    def __repr__(self) -> str:
        return f"<Batch of {len(self)} examples: {', '.join(self.columns)}>"

    def __getitem__(self, i: SupportsIndex) -> Example:
        at = operator.index(i)
        if not -len(self) <= at < len(self):
            raise IndexError(f"row {at} of a batch of {len(self)}")
        row: dict[str, Any] = {
            name: _plain(name, self._values[name][at]) if name in self._values else None for name in COLUMNS
        }
        sides = row["pattern"], row["replacement"]
        return Example(**row, rules=None if None in sides else (Rule(*sides),))

    def to_arrow(self, columns: Iterable[str] | None = None) -> pa.RecordBatch:
        """The columns (by default all of the batch) as an Arrow record batch.

        Texts are large_utf8 or large_binary and, like the numbers, not copied; `outcome` is written as its name in
        small letters.
        """
        import pyarrow as pa

        names = list(self.columns if columns is None else columns)
        return pa.RecordBatch.from_arrays([self._to_arrow(name) for name in names], names=names)

    def _to_arrow(self, name: str) -> Any:
        import pyarrow as pa

        values = getattr(self, name)
        if name != "outcome":
            return pa.array(values)
        names = pa.array(["", *(outcome.name.lower() for outcome in Outcome)])
        return pa.DictionaryArray.from_arrays(pa.array(values), names).dictionary_decode()


def _plain(name: str, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return Outcome(value) if name == "outcome" else value


class Dataset:
    """Examples of a recipe, each a function of (recipe, seed, split, index).

    `ds[i]` is an `Example`, `ds[i:j]` and `ds[[i, j, ...]]` are batches of columns; any index, in any order, on any
    machine and any number of threads or processes gives the same.  `split` is `train`; `seen`: rules of `train`, words
    that `train` cannot contain; or `unseen`: rules no side of which occurs in `train`.  `size` is the number of
    examples, None where the recipe leaves it open; then `len` raises TypeError, and every index below 2^62 works that
    the rule space can serve.

    Data sets compare and hash by (recipe, seed, split), pickle as that, and may be shared by threads.
    Raises RecipeError where the recipe cannot serve the split; ValueError for another split's name or a negative seed.

    >>> ds = Dataset(Recipe.load("paper/no-op").replace({"rules.pattern_length": 3, "words.length": 8}), seed=7)
    >>> len(ds), ds[0].word, ds[0].output == ds[0].word.replace(ds[0].pattern, ds[0].replacement, 1)
    (1000000, 'grufmvsd', True)
    """

    def __init__(self, recipe: Recipe, seed: int = 0, split: str = "train") -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        self.recipe = recipe
        self.seed = operator.index(seed)
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}")
        self.split = split
        self._instructions = self._share()
        self._in_use, self._order = self._use()
        self._plan = self._compile()

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def size(self) -> int | None:
        """The number of examples; None where the recipe leaves it open."""
        return self.recipe.examples if self.split == "train" else self.recipe.eval.examples

    @property
    def text(self) -> bool:
        """Whether texts are str (else bytes)."""
        return self._plan.text

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return COLUMNS

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the recipe's fingerprint, the seed, the split and the stream's version."""
        named = f"{self.recipe.fingerprint}\n{self.seed}\n{self.split}\n{STREAM_VERSION}\n"
        return hashlib.sha256(named.encode()).hexdigest()

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError("this data set is unbounded; set `examples` in its recipe")
        return self.size

    def __repr__(self) -> str:
        size = "unbounded" if self.size is None else f"{self.size} examples"
        return f"<Dataset {self.recipe.fingerprint[:12]} seed={self.seed} split={self.split!r}: {size}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, int, str]:
        return self.recipe.fingerprint, self.seed, self.split

    def __reduce__(self) -> tuple[Any, ...]:
        return Dataset, (self.recipe, self.seed, self.split)

    # ---- examples -----------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Example: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[np.integer[Any]]) -> Batch: ...
    def __getitem__(self, key: Any) -> Example | Batch:
        if isinstance(key, slice):
            return self.batch(self._slice(key))
        if hasattr(key, "__index__"):
            return self._example(self._index(operator.index(key)))
        return self.batch(key)

    def __iter__(self) -> Iterator[Example]:
        for batch in self.batches(1024):
            for row in range(len(batch)):
                yield batch[row]

    def batch(
        self,
        indices: range | Sequence[int] | NDArray[np.integer[Any]],
        columns: Iterable[str] | None = None,
        threads: int | None = None,
    ) -> Batch:
        """The examples at `indices` (a range, or any integers; negative ones count from the end) as columns.

        `columns` are the names to make, by default all; only these cost anything.  `threads` (default: one per core
        for large batches) changes nothing but the time.  The GIL is released.  O(letters) time and memory.

        Raises IndexError for an index outside the data set, ValueError for an unknown column.
        """
        names = self._names(columns)
        start, count, listed = self._rows(indices)
        if threads is None:
            threads = thread_count(None, max(1, count // _ROWS_PER_THREAD))
        needed = {*names, *(["no_op"] if {"steps", "outcome"} & set(names) else [])}
        try:
            made = self._plan.batch(start, count, listed, needed, thread_count(threads, count))
        except _stream.NoWordError as error:
            self._no_word(error.index)
        return Batch({name: _column(name, made, start, count, listed) for name in names})

    def batches(self, size: int, threads: int | None = None, columns: Iterable[str] | None = None) -> Iterator[Batch]:
        """All examples in order, `size` at a time, the last batch shorter; without end if the data set is unbounded."""
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        names = self._names(columns)
        end = self._limit if self.size is None else self.size
        return (self.batch(range(start, min(start + size, end)), names, threads) for start in iter(range(0, end, size)))

    def report(self) -> dict[str, Any]:
        """What the recipe comes to: how many rules there are, and where a promise could not be kept.

        `undivided` counts, for `train` and `seen`, the rules with fewer than 64 words (`with_pattern`) or fewer than
        64 no-op words (`no_op`), which the two splits therefore share; at most the first 65,536 rules are counted.
        """
        train, tests = self.recipe.divide()
        return {
            "split": self.split,
            "size": self.size,
            "instructions": None if self._order == _ORDER_OWN else self._in_use,
            "possible_instructions": self._instructions.possible,
            "rules_in_space": self.recipe.space.size,
            "train": {"patterns": train.patterns, "replacements": train.replacements},
            "held_out": {
                "patterns": tests.patterns if tests else 0,
                "replacements": tests.replacements if tests else 0,
            },
            "undivided": self._undivided(),
        }

    # ---- inside -------------------------------------------------------------------------------------------------

    def _share(self) -> Instructions:
        train, tests = self.recipe.divide()
        if self.split != "unseen":
            return train
        if tests is None or not tests.possible:
            raise RecipeError("rules", "the space is too small to hold out rules for the split 'unseen'")
        return tests

    def _use(self) -> tuple[int, int]:
        """How many instructions are used, and in which order."""
        recipe, possible = self.recipe, self._instructions.possible
        if self.split == "train":
            if recipe.instructions is None:
                return possible, _ORDER_OWN
            return recipe.instructions, _ORDER_SHUFFLED
        trained = possible
        if self.split == "seen":
            trained = min(possible, recipe.instructions or recipe.examples or possible)
        if recipe.eval.instructions is None:
            return trained, _ORDER_CYCLE
        return min(trained, recipe.eval.instructions), _ORDER_SHUFFLED

    @property
    def _limit(self) -> int:
        """Indices that exist."""
        if self.size is not None:
            return self.size
        return min(_LARGEST_INDEX, self._in_use) if self._order == _ORDER_OWN else _LARGEST_INDEX

    def _compile(self) -> _stream.Plan:
        recipe, alphabet = self.recipe, self.recipe.alphabet
        rules, words = self._instructions, recipe.words
        no_op = recipe.no_op_share
        key = stream_key(self.seed)
        return _stream.Plan(
            key=key,
            split=split_id(self.split),
            letters=alphabet.encoded,
            text=alphabet.text,
            rules=_stream.RuleSpace(key, rules.for_engine()),
            size=self.size,
            instructions=min(self._in_use, _LARGEST_INDEX),
            order=self._order,
            no_op=(no_op.numerator, no_op.denominator),
            occurrences=words.occurrences if isinstance(words.occurrences, int) else 0,
            lengths=_pair(words.length),
            words=_WORD_CLASSES.get(self.split, 0),
            prompt=[(piece.kind, piece.literal.encode()) for piece in parse_template(recipe.render.prompt)],
            completion=[(piece.kind, piece.literal.encode()) for piece in parse_template(recipe.render.completion)],
        )

    def _example(self, index: int) -> Example:
        try:
            prompt, completion, word, output, pattern, replacement, position = self._plan.example(index)
        except _stream.NoWordError as error:
            self._no_word(error.index)
        fired = position >= 0
        return Example(
            index, prompt, completion, word, output, pattern, replacement, (Rule(pattern, replacement),),
            0 if fired else -1, position, not fired, int(fired),
            Outcome.TERMINAL_RULE if fired else Outcome.NO_RULE_APPLIES,
        )  # fmt: skip

    def _no_word(self, index: int) -> NoReturn:
        raise RecipeError(
            "words",
            f"example {index} of split {self.split!r}: no word of this split's class was met in 4096 draws, "
            "because its rule has few words; lengthen words.length or shorten the pattern",
        ) from None

    def _index(self, index: int) -> int:
        limit = self._limit
        at = index + limit if index < 0 and self.size is not None else index
        if not 0 <= at < limit:
            raise IndexError(f"example {index} of a data set of {limit}")
        return at

    def _slice(self, key: slice) -> range:
        if self.size is not None:
            return range(*key.indices(self.size))
        bounds = key.start, key.stop, key.step
        if key.stop is None or any(bound is not None and bound < 0 for bound in bounds):
            raise IndexError("a slice of an unbounded data set needs an end and counts from the start")
        return range(*key.indices(self._limit))

    def _names(self, columns: Iterable[str] | None) -> list[str]:
        names = list(COLUMNS if columns is None else columns)
        for name in names:
            if name not in COLUMNS:
                raise ValueError(f"unknown column {name!r}; the columns are {', '.join(COLUMNS)}")
        if not names:
            raise ValueError(f"name at least one column; the columns are {', '.join(COLUMNS)}")
        return names

    def _rows(self, indices: Any) -> tuple[int, int, NDArray[np.int64] | None]:
        """(first, count, None) for a run of indices, else (0, count, the indices)."""
        if isinstance(indices, range) and indices.step == 1:
            if len(indices):
                self._index(indices[-1])
                return self._index(indices[0]), len(indices), None
            return 0, 0, None
        listed = np.asarray(indices)
        if listed.ndim != 1 or (listed.size and listed.dtype.kind not in "iu"):
            raise TypeError("indices must be a range, a slice or a flat sequence of integers")
        listed = listed.astype(np.int64)
        if self.size is not None:
            listed = np.where(listed < 0, listed + self.size, listed)
        outside = np.flatnonzero((listed < 0) | (listed >= self._limit))
        if outside.size:
            raise IndexError(f"example {indices[outside[0]]} of a data set of {self._limit}")
        return 0, len(listed), np.ascontiguousarray(listed)

    def _undivided(self) -> dict[str, int] | None:
        if self.split not in _WORD_CLASSES:
            return None
        counts = {"with_pattern": 0, "no_op": 0}
        if not all(self._plan.always_divided):
            for j in range(min(self._in_use, _COUNTED_RULES)):
                _, _, with_pattern, no_op = self._plan.instruction(j)
                counts["with_pattern"] += with_pattern
                counts["no_op"] += no_op
        return counts


def _column(name: str, made: dict[str, Any], start: int, count: int, listed: NDArray[np.int64] | None) -> Any:
    if name == "index":
        return np.arange(start, start + count, dtype=np.int64) if listed is None else listed
    if name in _stream.TEXT_COLUMNS:
        return made[name]
    no_op = made.get("no_op", np.empty(0, np.uint8))
    if name == "steps":
        return (1 - no_op).astype(np.int64)
    if name == "outcome":
        return (no_op + np.uint8(Outcome.TERMINAL_RULE)).astype(np.uint8)
    dtype = {"rule": np.int32, "position": np.int64, "no_op": np.bool_}[name]
    return made.get(name, np.empty(0, dtype)).astype(dtype, copy=False)
