"""Many words at once: packed columns in, packed columns out, on threads, without the GIL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib import _core
from markovlib._columns import Column
from markovlib.equality import same_tuples
from markovlib.outcome import OUTCOME_NAMES, Outcome
from markovlib.rules import (
    MAX_LENGTH,
    MAX_STEPS,
    Limits,
    Rule,
    RuleSet,
    Strategy,
    as_rule,
    rule_columns,
)

if TYPE_CHECKING:
    import pyarrow as pa


class RunBatch(NamedTuple):
    """One entry per row: `words` (Column), `outcomes` (uint8, values of `Outcome`), `steps` (int64), and the rule
    and position (in bytes, as all packed columns have them) of the row's first step (int64, -1: it took none).
    Two batches are equal if all of their rows are."""

    words: Column
    outcomes: NDArray[np.uint8]
    steps: NDArray[np.int64]
    first_rule: NDArray[np.int64]
    first_position: NDArray[np.int64]

    @property
    def halted(self) -> NDArray[np.bool_]:
        """Whether each row came to its own end (bool, shape (rows,))."""
        return self.outcomes <= Outcome.NO_RULE_APPLIES

    def to_arrow(self) -> pa.RecordBatch:
        """The columns `word`, `outcome` (its name in small letters, as in shards) and `steps`; of them only the
        outcomes are copied.

        >>> RuleSet([("ab", "b")]).run_batch(["aab", "c"]).to_arrow().to_pylist()[0]
        {'word': 'b', 'outcome': 'no_rule_applies', 'steps': 2}
        """
        import pyarrow as pa

        from markovlib.arrays import names_to_arrow, to_arrow

        outcomes = names_to_arrow(self.outcomes, OUTCOME_NAMES)
        return pa.RecordBatch.from_arrays(
            [pa.array(self.words), outcomes, to_arrow(self.steps)], names=["word", "outcome", "steps"]
        )

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)


class Rewritten(NamedTuple):
    """One entry per row: `words` (Column) and `positions` (int64, in bytes, -1: the pattern does not occur).
    Two are equal if all of their rows are."""

    words: Column
    positions: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)


def rewrite_once(patterns: Any, replacements: Any, words: Any, *, threads: int | None = None) -> Rewritten:
    """Row i: the leftmost occurrence of `patterns[i]` in `words[i]` replaced by `replacements[i]`.

    Each argument is a column of words (see `RuleSet.run_batch`), all text or all bytes; patterns and replacements may
    have one row that serves all.  O(total bytes) whatever the patterns; the result does not depend on `threads`.

    No words are of the kind of the patterns, or of the replacements.

    Raises TypeError where kinds are mixed, ValueError where lengths differ.

    >>> c = rewrite_once(["aa", "x"], ["b", "y"], ["caab", "abc"])
    >>> c.words.tolist(), c.positions.tolist()
    (['cbb', 'abc'], [1, -1])
    """
    column = Column.from_words(words)
    text = column.text if len(column) else None
    p = _side("patterns", patterns, text)
    r = _side("replacements", replacements, p.text if len(p) else text)
    if not len(column) and len(p) + len(r):
        column = Column.from_words([], p.text if len(p) else r.text)
    return Rewritten(*_core.rewrite_once(p, r, column, thread_count(threads, len(column))))


def run_rows(
    rules: Any,
    words: Any,
    *,
    threads: int | None = None,
    max_steps: Limits | NDArray[np.integer[Any]] = MAX_STEPS,
    max_length: Limits | NDArray[np.integer[Any]] = MAX_LENGTH,
    max_total: int | None = None,
    detect_cycles: bool = False,
    strategy: Strategy = "markov",
    matcher: str = "auto",
) -> RunBatch:
    """Runs word i under rule set i.

    `rules` has one rule set per word: `RuleSet` objects, iterables of rules, or an Arrow array of
    list<struct<pattern, replacement, terminal>> (the type of the shard column `rules`; `terminal` may be absent).
    Everything else is as in `RuleSet.run_batch`.

    >>> d = run_rows([[("a", "b")], [("b", "", True)]], ["aa", "abb"])
    >>> d.words.tolist(), d.first_position.tolist()
    (['bb', 'ab'], [0, 1])
    """
    column = Column.from_words(words)
    cuts, patterns, replacements, terminal = _rows_of_rules(rules, column.text if len(column) else None)
    if len(cuts) != len(column) + 1:
        raise ValueError(f"rules has {len(cuts) - 1} rows, words has {len(column)}")
    return RunBatch(
        *_core.run_batch(
            column, None, cuts, patterns, replacements, terminal,
            max_steps, max_length, max_total, detect_cycles, strategy, matcher, thread_count(threads, len(column)),
        )
    )  # fmt: skip


def run_batch(
    words: Column,
    compiled: _core.Compiled,
    threads: int | None,
    max_steps: Any,
    max_length: Any,
    *,
    max_total: int | None,
    detect_cycles: bool,
    strategy: str,
    matcher: str,
) -> RunBatch:
    """`RuleSet.run_batch` for a column and a compiled rule set."""
    workers = thread_count(threads, len(words))
    return RunBatch(
        *_core.run_batch(
            words, compiled, None, None, None, None,
            max_steps, max_length, max_total, detect_cycles, strategy, matcher, workers,
        )
    )  # fmt: skip


def thread_count(threads: int | None, rows: int) -> int:
    """The threads to use: as asked, or one per core that this process may use, but no more than rows."""
    asked = processors() if threads is None else _core.limit_of(threads, "threads", 1)
    return max(1, min(asked, rows))


def processors() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _rows_of_rules(rules: Any, text: bool | None) -> tuple[NDArray[np.int64], Column, Column, NDArray[np.uint8]]:
    if hasattr(rules, "__arrow_c_array__") or hasattr(rules, "__arrow_c_stream__"):
        return _arrow_rules(rules, text)
    if rules is None or isinstance(rules, RuleSet):
        message = "one rule set per word; for one that serves all use RuleSet.run_batch"
        raise TypeError(f"rules must be {message}, got {rules!r:.80}")
    rows: list[Sequence[Rule]] = []
    before: Any = None
    for row, given in enumerate(rules):
        # Neighbours often have the same rules.  A generator may have changed a list between two rows.
        known = given is before and (isinstance(given, tuple | RuleSet) or type(rules) in (list, tuple))
        rows.append(rows[-1] if known else _rules_of_row(given, row, text))
        before = given
    cuts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=cuts[1:])
    return (cuts, *rule_columns([rule for row in rows for rule in row], bool(text)))


def _rules_of_row(given: Any, row: int, text: bool | None) -> Sequence[Rule]:
    if isinstance(given, RuleSet):
        rules: Sequence[Rule] = tuple(given)
    elif isinstance(given, Iterable):
        rules = [as_rule(rule, f"{i} of row {row}") for i, rule in enumerate(given)]
    else:
        raise TypeError(f"row {row}: must be a RuleSet or rules, got {given!r}")
    for i, rule in enumerate(rules):
        if text is not None and isinstance(rule.pattern, str) != text:
            kind, words = ("bytes", "text") if text else ("text", "bytes")
            raise TypeError(f"rule {i} of row {row} is {kind}, and the words are {words}")
    return rules


def _arrow_rules(rules: Any, text: bool | None) -> tuple[NDArray[np.int64], Column, Column, NDArray[np.uint8]]:
    import pyarrow as pa

    array = pa.array(rules) if hasattr(rules, "__arrow_c_array__") else pa.chunked_array(rules).combine_chunks()
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        raise TypeError(f"rules must be list<struct<pattern, replacement, terminal>>, got {array.type}")
    if array.null_count:
        raise ValueError(f"rules: row {array.is_null().to_pylist().index(True)} is null")
    offsets = np.asarray(array.offsets, np.int64)
    fields = array.values
    if not pa.types.is_struct(fields.type) or not {"pattern", "replacement"} <= {f.name for f in fields.type}:
        raise TypeError(f"rules must be list<struct<pattern, replacement, terminal>>, got {array.type}")
    first, last = int(offsets[0]), int(offsets[-1])
    fields = fields.slice(first, last - first)
    cuts = offsets - first
    _refuse_null(fields, cuts, "is null")
    parts = dict(zip((f.name for f in fields.type), fields.flatten(), strict=True))
    for name in {"pattern", "replacement", "terminal"} & {*parts}:
        _refuse_null(parts[name], cuts, f"has no {name}: it is null")
    terminal = np.zeros(len(fields), np.uint8)
    if "terminal" in parts and len(fields):
        flags = parts["terminal"]
        if not (pa.types.is_boolean(flags.type) or pa.types.is_integer(flags.type)):
            raise TypeError(f"rules: terminal must be bool, got {flags.type}")
        terminal[:] = flags.to_numpy(zero_copy_only=False) != 0
    patterns, replacements = (_side(f"rules, {name}", parts[name], text) for name in ("pattern", "replacement"))
    return cuts, patterns, replacements, terminal


def _side(name: str, words: Any, text: bool | None) -> Column:
    """The patterns or replacements of many rules, whose name errors tell."""
    try:
        return Column.from_words(words, text)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _refuse_null(rules: Any, cuts: NDArray[np.int64], wrong: str) -> None:
    """Raises ValueError that names the first null of an Arrow array that has one entry per rule of all rows."""
    if rules.null_count:
        at = rules.is_null().to_pylist().index(True)
        row = int(np.searchsorted(cuts, at, "right")) - 1
        raise ValueError(f"rule {at - cuts[row]} of row {row} {wrong}")
