"""Data sets: example i as a function of (recipe, seed, split, i)."""

from __future__ import annotations

import hashlib
import operator
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _stream
from markovlib.batch import thread_count
from markovlib.examples import ALL_COLUMNS, COLUMNS, LISTS, Batch, Example, Pair, TraceStep, list_column
from markovlib.fields import RecipeError
from markovlib.outcome import OUTCOMES
from markovlib.plan import COUNTED_RULES, SplitPlan, split_id, stream_key
from markovlib.recipe import SPLITS, Recipe
from markovlib.rules import Rule
from markovlib.source import Indices, Source, name_list, row_numbers
from markovlib.spaces import Stratum

__all__ = ["COLUMNS", "SPLITS", "STREAM_VERSION", "Batch", "Dataset", "Example", "split_id", "stream_key"]

#: Names the function from (recipe, seed, split, index) to examples.  It is defined in docs/stream.md; what it promises
#: is in docs/datasets.md.
STREAM_VERSION = 4

_ROWS_PER_THREAD = 4096


class Dataset(Source):
    """Examples of a recipe, each a function of (recipe, seed, split, index).

    `ds[i]` is an `Example`, `ds[i:j]` and `ds[[i, j, ...]]` are batches of columns; any index, in any order, on any
    machine and any number of threads or processes gives the same.  `split` is `train`; `seen`: rules of `train`, words
    that `train` cannot contain; `unseen`: rules no side of which occurs in `train`; `recombined`: rules of a pool in
    tuples that `train` cannot contain; or the name of a shift.  `size` is the number of examples, None where the recipe
    leaves it open; then `len` raises TypeError, and every index below 2^62 works that the rule space can serve.

    `recipe` may also be what `Recipe.load` takes: the name of a preset, or of a file.

    Data sets compare and hash by (recipe, seed, split), which do not change, pickle as that, and may be shared by
    threads.
    Raises RecipeError where the recipe cannot serve the split, TypeError for what is no recipe, ValueError for another
    split's name or a negative seed.

    >>> ds = Dataset(Recipe.load("paper/no-op").replace({"rules.pattern_length": 3, "words.length": 8}), seed=7)
    >>> len(ds), ds[0].word, ds[0].output == ds[0].word.replace(ds[0].pattern, ds[0].replacement, 1)
    (1000000, 'grufmvsd', True)
    """

    def __init__(self, recipe: Recipe | str | Path, seed: SupportsIndex = 0, split: str = "train") -> None:
        recipe = Recipe.of(recipe)
        known = [name for name in SPLITS if name != "recombined" or recipe.rules.pool is not None] + list(recipe.shifts)
        if split not in known:
            raise ValueError(f"split must be one of {', '.join(known)}, got {split!r}")
        if not hasattr(seed, "__index__"):
            raise TypeError(f"seed must be an integer, got {seed!r}")
        number = operator.index(seed)
        if number < 0:
            raise ValueError(f"seed must be at least 0, got {number}")
        self._split = SplitPlan(recipe, number, split)
        self._plan = self._split.engine
        self._limit, self._plain = self._split.limit, self._split.plain

    # ---- what it is ---------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """The recipe that it was made of."""
        return self._split.base

    @property
    def seed(self) -> int:
        """The seed that it was made of."""
        return self._split.seed

    @property
    def split(self) -> str:
        """The name of the split."""
        return self._split.split

    @property
    def size(self) -> int | None:
        """The number of examples; None where the recipe leaves it open."""
        return self._split.size

    @property
    def text(self) -> bool:
        """Whether texts are str (else bytes)."""
        return self._plan.text

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order: those of every data set, and those that its task is about."""
        task, several = self._split.recipe.task, self._split.several
        more = {
            "rules": several,
            "trace": task.kind == "trace",
            "pairs": task.kind == "induce",
            "key": task.cipher is not None,
            "certificate": self._split.recipe.terminating,
        }
        return (*COLUMNS, *(name for name, has in more.items() if has))

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The names of all columns that can be asked for."""
        return ALL_COLUMNS

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the recipe's fingerprint, the seed, the split and the stream's version."""
        named = f"{self.recipe.fingerprint}\n{self.seed}\n{self.split}\n{STREAM_VERSION}\n"
        return hashlib.sha256(named.encode()).hexdigest()

    def __repr__(self) -> str:
        size = "unbounded" if self.size is None else f"{self.size} examples"
        return f"<Dataset {self.recipe.fingerprint[:12]} seed={self.seed} split={self.split!r}: {size}>"

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, Dataset) else NotImplemented

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
        if type(key) is int:
            return self._example(key if 0 <= key < self._limit else self._index(key))
        if isinstance(key, slice):
            return self.batch(self._slice(key))
        if hasattr(key, "__index__") and not getattr(key, "ndim", 0):
            return self._example(self._index(operator.index(key)))
        return self.batch(key)

    def __iter__(self) -> Iterator[Example]:
        return map(self._example, range(self._limit))

    def batch(self, indices: Indices, columns: Iterable[str] | None = None, threads: int | None = None) -> Batch:
        """The examples at `indices` (a range, or any integers; negative ones count from the end) as columns.

        `columns` are the names to make, by default all; only these cost anything.  `threads` (default: one per core
        for large batches) changes nothing but the time.  The GIL is released.  O(letters) time and memory.

        Raises IndexError for an index outside the data set, ValueError for an unknown column.
        """
        names = self._names(columns)
        start, count, listed = self._rows(indices)
        if threads is None:
            threads = thread_count(None, max(1, count // _ROWS_PER_THREAD))
        several = self._split.several
        needed = {*names, "rule"} if several else set(names)
        try:
            made = self._plan.batch(start, count, listed, needed, thread_count(threads, count))
        except _stream.NoWordError as error:
            self._no_word(error)
        values = {name: _column(name, made, start, count, listed) for name in names}
        return Batch({**values, "_fired": made["rule"]} if several else values, several)

    def batches(self, size: int, threads: int | None = None, columns: Iterable[str] | None = None) -> Iterator[Batch]:
        """All examples in order, `size` at a time, the last batch shorter; without end if the data set is unbounded."""
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        names = self._names(columns)
        end = self._split.limit if self.size is None else self.size
        ranges = (range(start, min(start + size, end)) for start in iter(range(0, end, size)))
        workers = thread_count(threads, max(1, size // _ROWS_PER_THREAD))
        if workers == 1:
            return (self.batch(rows, names, 1) for rows in ranges)
        return self._batches_ahead(ranges, names, workers)

    def report(self) -> dict[str, Any]:
        """What the recipe comes to: how many rules there are, and where a promise could not be kept.

        `undivided` counts, for `train` and `seen`, the rules with fewer than 64 words (`with_pattern`) or fewer than
        64 no-op words (`no_op`), which the two splits therefore share; of several rules, runs and schemes it counts all
        instructions or none.  At most the first 65,536 are counted.
        `spills` says for each stratum that runs out within the split's rules from which `rule` on it has fewer than
        its weight asks for, and `into` which stratum the first of its turns go; `kind` and `into_kind` say what rules
        these are of.  A named program has no rule space, and nothing of one in its report.
        """
        split = self._split
        return {
            "split": self.split,
            "size": self.size,
            "instructions": None if split.own else split.in_use,
            "possible_instructions": split.instructions.possible,
            **({} if split.recipe.program is not None else self._space_facts()),
            "strata": [stratum._asdict() for stratum in self.strata],
            "spills": self.spills,
            "undivided": self._undivided(),
        }

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The kinds of rules (family, k and lengths), each with its weight and its number in this split; none for a
        named program."""
        share = self._split.instructions.share
        return () if share is None else share.strata

    @property
    def spills(self) -> list[dict[str, Any]]:
        """Strata that run out within the split's rules: which, from which rule on, and which takes its turns first.

        Where rule sets must terminate or cascade, rules are counted in candidates, of which each set has 64; with
        `rules.pool` they recur, and none runs out that has its share of the pool.
        """
        share = self._split.instructions.share
        spills = [] if share is None else share.spills(self._split.rules_used)
        return [
            {**spill._asdict(), "kind": self._kind(spill.stratum), "into_kind": self._kind(spill.into)}
            for spill in spills
        ]

    @property
    def rules_taken(self) -> int:
        """How many different rules the examples have, at most; kinds of rules beyond that number have none."""
        return self._split.rules_taken

    # ---- inside -------------------------------------------------------------------------------------------------

    def _kind(self, number: int) -> dict[str, Any]:
        """What sets the rules of a stratum apart."""
        stratum = self.strata[number]
        return {name: getattr(stratum, name) for name in ("family", "k", "pattern_length", "replacement_length")}

    def _space_facts(self) -> dict[str, Any]:
        """How many rules there are, and sides in either share."""
        train, tests = self._split.recipe.divide()
        return {
            "rules_in_space": self._split.recipe.space.size,
            "train": {"patterns": train.patterns, "replacements": train.replacements},
            "held_out": {
                "patterns": tests.patterns if tests else 0,
                "replacements": tests.replacements if tests else 0,
            },
        }

    def _batches_ahead(self, ranges: Iterator[range], names: list[str], workers: int) -> Iterator[Batch]:
        """Batches in order, as many at work at once as there are workers: nothing has to be joined then."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers, thread_name_prefix="markovlib-batches") as pool:
            started = deque(pool.submit(self.batch, rows, names, 1) for rows in islice(ranges, workers))
            try:
                while started:
                    batch = started.popleft().result()
                    started.extend(pool.submit(self.batch, rows, names, 1) for rows in islice(ranges, 1))
                    yield batch
            finally:
                for future in started:
                    future.cancel()

    def _example(self, index: int) -> Example:
        try:
            if self._plain:
                return self._plan.plain_example(index, Example, Rule, OUTCOMES)
            texts, numbers, lists = self._plan.example(index)
        except _stream.NoWordError as error:
            self._no_word(error)
        rule, position, no_op, steps, outcome, instruction, stratum, near_miss, occurrences, template = numbers
        prompt, completion, word, output, pattern, replacement, key, certificate = texts
        rules = tuple(map(Rule._make, lists[0]))
        trace, pairs = tuple(map(TraceStep._make, lists[1])), tuple(map(Pair._make, lists[2]))
        key, certificate = key or None, certificate or None
        if self._split.several and rule < 0:
            pattern = replacement = None
        # Example(...), whose arguments Python matches to names at the cost of as much as the rest together.
        return Example._make((
            index, prompt, completion, word, output, pattern, replacement, rules, rule, position, no_op, steps,
            OUTCOMES[outcome], trace, pairs, key, certificate, instruction, stratum, near_miss, occurrences,
            template,
        ))  # fmt: skip

    def _no_word(self, error: _stream.NoWordError) -> NoReturn:
        example = f"example {error.index} of split {self.split!r}"
        if error.ruleless:
            made = self._split.instructions
            tried = made.bucket * made.rule_bucket
            candidates = f"{tried} candidates" if tried > 1 else "candidates"
            problem = f"none of the {candidates} for its rules is of the kind asked for; ask for less"
            raise RecipeError("rules", f"{example}: {problem} or enlarge the space") from None
        cause = "because its rule has few words; lengthen words.length or shorten the pattern"
        if self._split.recipe.task.runs:
            cause = "or none whose run is what `task` asks for; widen task.steps and task.max_length"
            if self._split.recipe.task.step_counts is not None:
                cause = "or none whose run has the steps asked for; lengthen words.length, or ask for fewer steps"
        elif self._split.recipe.task.kind == "scheme":
            cause = "or none with one match; use more letters or shorter words"
        elif self._split.several and self._split.recipe.words.near_miss:
            cause = "or no near miss of a rule without the others' patterns; leave words.near_miss out"
        raise RecipeError("words", f"{example}: no word of this split's class was met in 4096 draws, {cause}") from None

    def _index(self, index: int) -> int:
        limit = self._split.limit
        at = index + limit if index < 0 and self.size is not None else index
        if at < 0 and self.size is None:
            raise IndexError(f"example {index} of an unbounded data set, whose indices count from the start")
        if not 0 <= at < limit:
            raise IndexError(f"example {index} of a data set of {limit}")
        return at

    def _slice(self, key: slice) -> range:
        if self.size is not None:
            return range(*key.indices(self.size))
        bounds = key.start, key.stop, key.step
        if key.stop is None or any(bound is not None and bound < 0 for bound in bounds):
            raise IndexError("a slice of an unbounded data set needs an end and counts from the start")
        return range(*key.indices(self._split.limit))

    def _names(self, columns: Iterable[str] | None) -> list[str]:
        names = name_list(self.columns if columns is None else columns)
        for name in names:
            if name not in ALL_COLUMNS:
                raise ValueError(f"unknown column {name!r}; the columns are {', '.join(ALL_COLUMNS)}")
        if not names:
            raise ValueError(f"name at least one column; the columns are {', '.join(ALL_COLUMNS)}")
        return names

    def _rows(self, indices: Any) -> tuple[int, int, NDArray[np.int64] | None]:
        """(first, count, None) for a run of indices, else (0, count, the indices)."""
        if isinstance(indices, range) and not indices:
            return 0, 0, None
        if isinstance(indices, range) and indices.step == 1 and (indices[0] >= 0 or indices[-1] < 0):
            self._index(indices[-1])
            return self._index(indices[0]), len(indices), None
        listed = row_numbers(indices, self._split.limit, "a data set", from_end=self.size is not None)
        return 0, len(listed), listed

    def _undivided(self) -> dict[str, int] | None:
        if self.split not in ("train", "seen"):
            return None
        counted = min(self._split.in_use, COUNTED_RULES)
        if not self._split.divides_by_rule:
            shared = 0 if self._split.divides else counted
            return {"with_pattern": shared, "no_op": shared}
        counts = {"with_pattern": 0, "no_op": 0}
        for j in range(0 if all(self._plan.always_divided) else counted):
            with suppress(IndexError):  # An instruction without a candidate that will do has no examples.
                _, _, with_pattern, no_op = self._plan.instruction(j)
                counts["with_pattern"] += with_pattern
                counts["no_op"] += no_op
        return counts


def _column(name: str, made: dict[str, Any], start: int, count: int, listed: NDArray[np.int64] | None) -> Any:
    if name == "index":
        return np.arange(start, start + count, dtype=np.int64) if listed is None else listed
    if name in LISTS:
        offsets, texts, numbers = made[name]
        return list_column(name, offsets, texts, numbers)
    return made[name].view(np.bool_) if name in ("no_op", "near_miss") else made[name]
