"""Evaluating answers to a data set: accuracy by kind of example, with intervals, beside two baselines.

`evaluate` scores answers and counts.  Accuracies are shares of correct answers,
with Wilson score intervals (E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
Journal of the American Statistical Association 22, 1927) at z = 1.96, which covers 95 % for a normal distribution.

Two baselines are scored on the same rows:

- `copy`: the word as it was.
- `wrong_occurrence`: the rule put at the second occurrence of its pattern; where there is none, at the letter after
  the right place (at the first letter, where that would not fit or there is no right place).  It is known only for
  examples of one step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from markovlib import scoring
from markovlib.answers import Answers
from markovlib.labels import Reference, one_step, put, references_in, shown_as
from markovlib.membership import strata_of
from markovlib.scoring import Credit
from markovlib.view import View

if TYPE_CHECKING:
    from markovlib.source import Source

Z = 1.96
BINS = 8
MOST_STRATA = 24
_COUNTED = ("position", "no_op", "steps", "near_miss", "occurrences")
_COLUMNS = ("completion", "word", "output", "pattern", "replacement", "rule", "stratum", "template", *_COUNTED)
_ROWS = 65536
_NONE = -1
_OTHER = "other"


class Interval(NamedTuple):
    """A share and its bounds."""

    share: float
    low: float
    high: float


def wilson(successes: int, trials: int, z: float = Z) -> Interval:
    """The share of successes and its Wilson score interval; (nan, 0, 1) without a trial.

    >>> wilson(5, 10)
    Interval(share=0.5, low=0.2365..., high=0.7634...)
    """
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0)
    share = successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else middle - reach
    high = 1.0 if successes == trials else middle + reach
    return Interval(share, low, high)


# ---- evaluating ---------------------------------------------------------------------------------------------------


@dataclass
class Group:
    """Some of the rows: how many, how many answered correctly, the mean credit, and what the baselines get."""

    name: str
    rows: int
    correct: int
    credit: float
    copy: int
    wrong_occurrence: int | None

    @property
    def accuracy(self) -> Interval:
        """The share answered correctly, with its Wilson interval."""
        return wilson(self.correct, self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The group as plain values; accuracies of baselines beside that of the answers."""
        return {
            "name": self.name,
            "rows": self.rows,
            "correct": self.correct,
            **_plain("accuracy", self.accuracy),
            "credit": self.credit,
            "baselines": {
                "copy": _baseline(self.copy, self.rows),
                "wrong_occurrence": _baseline(self.wrong_occurrence, self.rows),
            },
        }


def _plain(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.share, "low": interval.low, "high": interval.high}


def _baseline(correct: int | None, rows: int) -> dict[str, Any] | None:
    return None if correct is None else {"correct": correct, **_plain("accuracy", wilson(correct, rows))}


@dataclass
class Evaluation:
    """What `evaluate` found: `sections` of groups by name (`all`, `kind`, `length`, ...), and labels of the answers."""

    rows: int
    credit: str
    sections: dict[str, list[Group]]
    labels: dict[str, int]
    missing: int = 0
    surplus: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        return {
            "rows": self.rows,
            "missing": self.missing,
            "surplus": self.surplus,
            "credit": self.credit,
            "z": Z,
            "labels": self.labels,
            "sections": {name: [group.to_dict() for group in groups] for name, groups in self.sections.items()},
        }


@dataclass
class _Rows:
    """What is counted, an entry for each row; the column `stratum` has numbers of `kinds`."""

    correct: NDArray[np.bool_]
    credit: NDArray[np.float64]
    copy: NDArray[np.bool_]
    wrong_occurrence: NDArray[np.int8]
    columns: dict[str, NDArray[Any]]
    kinds: _Kinds

    def group(self, name: str, chosen: NDArray[np.bool_]) -> Group:
        other = self.wrong_occurrence[chosen]
        return Group(
            name,
            int(chosen.sum()),
            int(self.correct[chosen].sum()),
            float(self.credit[chosen].mean()) if chosen.any() else math.nan,
            int(self.copy[chosen].sum()),
            None if (other < 0).any() else int(other.sum()),
        )


def evaluate(
    ds: Source,
    answers: Answers | Sequence[Any],
    indices: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    credit: Credit = "exact",
    *,
    strip: bool = False,
    threads: int | None = None,
) -> Evaluation:
    """Scores answers to examples of a data set and counts by kind of example.

    `answers` are those to examples `indices`, by default 0, 1, ...; or what `read_answers` gave.  Sections: `all`;
    `kind` (applied, no_op, and near_miss, which are no-ops too); `length` of the word and `position` of the rewrite
    in letters, in at most 8 bins; `steps` where there are several; `occurrences` where they are known and differ; and,
    of the rule that fired first or of the only one, `family`, `pattern_length` and `replacement_length` where there are
    several, and `stratum` (family and lengths) where there are at most 24.  A no-op of several rules is in none of
    these, nor are rows of a named program in the first and last.  `template` is the number of the paraphrase, where
    there are several.  Sections follow from the rows alone, not from the answers.  Of shards that lack a column that is
    counted by, the rows are made again.

    Raises ValueError where there is no answer, or not one for each index, TypeError for indices that are not whole
    numbers, IndexError for one outside the data set.

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=1000), seed=7)
    >>> found = evaluate(ds, [example.word for example in ds])
    >>> [(group.name, group.rows, group.correct) for group in found.sections["kind"]]
    [('applied', 700, 0), ('no_op', 300, 300)]
    >>> found.labels["copied_input"]
    700
    """
    if not isinstance(answers, Answers):
        asked = np.arange(len(answers)) if indices is None else np.asarray(indices)
        if not len(answers):
            raise ValueError("there are no answers to score")
        if not np.issubdtype(asked.dtype, np.integer):
            raise TypeError(f"indices are whole numbers, got {asked.dtype}")
        answers = Answers(asked.astype(np.int64), list(answers))
    ds = _complete(ds)
    scores = scoring.score_all(ds, answers.indices, answers.answers, credit, strip=strip, threads=threads)
    correct = scores.labels == "correct"
    rows = _count(ds, answers.indices, correct, scores.values, threads)
    return Evaluation(
        rows=len(answers.answers),
        credit=credit,
        sections={name: groups for name, groups in _sections(rows) if groups},
        labels=scores.counts(),
        missing=answers.missing,
        surplus=answers.surplus,
    )


def _count(
    ds: Source,
    indices: NDArray[np.int64],
    correct: NDArray[np.bool_],
    values: NDArray[np.float64],
    threads: int | None,
) -> _Rows:
    """The columns that sections are made from, and the baselines, in batches."""
    kinds = _Kinds()
    parts: dict[str, list[NDArray[Any]]] = {}
    for start in range(0, len(indices), _ROWS):
        for source, rows, found in _origins(ds, indices[start : start + _ROWS]):
            made = {"row": start + rows, **_columns(source, found, kinds, threads)}
            for name, column in made.items():
                parts.setdefault(name, []).append(np.asarray(column))
    columns = {name: np.concatenate(pieces) for name, pieces in parts.items()}
    order = np.argsort(columns.pop("row"))
    columns = {name: column[order] for name, column in columns.items()}
    return _Rows(correct, values, columns.pop("copy"), columns.pop("wrong_occurrence").astype(np.int8), columns, kinds)


def _origins(ds: Source, places: NDArray[np.int64]) -> Iterator[tuple[Source, NDArray[np.int64], NDArray[np.int64]]]:
    """The rows at some places by the data set that is no view: it, which of the places, and their numbers there."""
    if not isinstance(ds, View):
        yield _complete(ds), np.arange(len(places)), places
        return
    for source, rows, found in ds.parts(places):
        for origin, inner, numbers in _origins(source, found):
            yield origin, rows[inner], numbers


def _complete(ds: Source) -> Source:
    """The data set, or what shards were written from that lack a column; those of a mixture have no others."""
    from markovlib.shards.reading import Shards

    if not isinstance(ds, Shards) or ds.mixed or set(_COLUMNS) <= set(ds.columns):
        return ds
    return ds.recreated


def _columns(ds: Source, indices: NDArray[np.int64], kinds: _Kinds, threads: int | None) -> dict[str, Any]:
    """The columns of some rows of a data set, and what is computed from them."""
    batch = ds.batch(indices, _COLUMNS, threads)
    references = list(references_in(batch, batch.completion.tolist()))
    fired = np.array([one.pattern is not None for one in references])
    patterns, replacements = ([getattr(one, side) for one in references] for side in ("pattern", "replacement"))
    return {
        **{name: getattr(batch, name) for name in (*_COUNTED, "template")},
        "length": [len(one.word) for one in references],
        "copy": [_right(one.word, one.output, one.completion) for one in references],
        "wrong_occurrence": [_misplaced(one) for one in references],
        "pattern_length": [_NONE if pattern is None else len(pattern) for pattern in patterns],
        "replacement_length": [_NONE if replacement is None else len(replacement) for replacement in replacements],
        "stratum": kinds.of(ds, batch, fired, patterns, replacements),
    }


class _Kinds:
    """The strata of all data sets that rows are of, each once (family, k and lengths), and their templates."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.templates: set[str] = set()

    def of(self, ds: Source, batch: Any, fired: NDArray[np.bool_], patterns: Any, replacements: Any) -> Any:
        """The number of each row's stratum: that of the only rule, or of the one that fired of several."""
        recipe = ds.recipe.for_split(ds.split)
        self.templates.add(repr(recipe.render))
        found = np.full(len(batch), _NONE, np.int64)
        if not ds.strata:
            return found
        known = np.array([self._number(stratum[:4]) for stratum in ds.strata], np.int64)
        if recipe.rules.per_example == 1:
            return known[batch.stratum]
        rows = np.flatnonzero(fired).tolist()
        strata = strata_of(recipe.space, [patterns[row] for row in rows], [replacements[row] for row in rows])
        if (strata < 0).any():  # A cascade pairs a pattern with a replacement of another family: -1 is the last.
            known = np.append(known, self._number((_OTHER, None, None, None)))
        found[rows] = known[strata]
        return found

    def _number(self, kind: tuple[Any, ...]) -> int:
        return self.numbers.setdefault(kind, len(self.numbers))


def _right(word: Any, output: Any, completion: Any) -> bool:
    """Whether a word, laid out as the completion lays out the output, is the completion."""
    right: bool = shown_as(word, completion, output) == completion
    return right


def _misplaced(reference: Reference) -> int:
    """Whether the rule at a wrong place is right (1 or 0); -1 where there is no single rule that was applied."""
    word, output, completion = reference.word, reference.output, reference.completion
    if reference.pattern is None:
        return int(_right(word, output, completion))
    step = one_step(reference) if reference.position is not None and reference.position >= 0 else reference
    if step is None:
        return -1
    place = misplaced(word, step.pattern, cast(int, step.position))
    answer = word if place is None else put(word, place, step.pattern, step.replacement)
    return int(_right(answer, output, completion))


def misplaced(word: Any, pattern: Any, position: int) -> int | None:
    """Where the baseline `wrong_occurrence` puts the rule; None where the word has no other place for it."""
    last = len(word) - len(pattern)
    second = word.find(pattern, position + 1) if position >= 0 and pattern else -1
    if second >= 0:
        return int(second)
    place = position + 1 if position < last else 0
    return None if last < 0 or place == position else place


def _sections(rows: _Rows) -> Iterator[tuple[str, list[Group]]]:
    columns = rows.columns
    everything = np.ones(len(rows.correct), np.bool_)
    no_op = columns["no_op"].astype(np.bool_)
    kinds = {"applied": ~no_op, "no_op": no_op, "near_miss": columns["near_miss"].astype(np.bool_)}
    yield "all", [rows.group("all", everything)]
    yield "kind", [rows.group(name, chosen) for name, chosen in kinds.items() if chosen.any()]
    yield "length", _binned(rows, columns["length"], everything)
    yield "position", _binned(rows, columns["position"], ~no_op)
    if len(np.unique(columns["steps"])) > 1 and columns["steps"].max() > 1:
        yield "steps", _binned(rows, columns["steps"], everything)
    if len(np.unique(columns["occurrences"][~no_op])) > 1:
        yield "occurrences", _binned(rows, columns["occurrences"], columns["occurrences"] > 0)
    for name in ("pattern_length", "replacement_length"):
        known = columns[name] != _NONE
        if len(np.unique(columns[name][known])) > 1:
            yield name, _binned(rows, columns[name], known)
    families, strata, templates = _families(rows), _strata(rows), _templates(rows)
    yield "family", families if len(families) > 1 else []
    yield "stratum", strata if len(strata) <= MOST_STRATA else []
    yield "template", templates if len(templates) > 1 else []


def _binned(rows: _Rows, values: NDArray[Any], chosen: NDArray[np.bool_]) -> list[Group]:
    """Groups by the value: one each if there are at most 8, else 8 of equal width up to rounding."""
    if not chosen.any():
        return []
    found = np.unique(values[chosen])
    groups = []
    for low, high in _bins(found):
        inside = chosen & (values >= low) & (values <= high)
        if inside.any():
            groups.append(rows.group(str(low) if low == high else f"{low}-{high}", inside))
    return groups


def _bins(found: NDArray[Any]) -> list[tuple[int, int]]:
    if len(found) <= BINS:
        return [(int(value), int(value)) for value in found]
    low, high = int(found[0]), int(found[-1])
    edges = [low + (high + 1 - low) * i // BINS for i in range(BINS + 1)]
    return [(start, end - 1) for start, end in pairwise(edges)]


def _families(rows: _Rows) -> list[Group]:
    kinds = np.array([kind[0] for kind in rows.kinds.numbers])
    known, numbers = rows.columns["stratum"] != _NONE, rows.columns["stratum"]
    met = dict.fromkeys(kinds[np.unique(numbers[known])].tolist())
    return [rows.group(family, known & (kinds == family)[numbers]) for family in met]


def _strata(rows: _Rows) -> list[Group]:
    """Groups by family, k and lengths."""
    numbers, kinds = rows.columns["stratum"], list(rows.kinds.numbers)
    met = np.unique(numbers[numbers != _NONE]).tolist()
    return [rows.group(_stratum_name(*kinds[number]), numbers == number) for number in met]


def _templates(rows: _Rows) -> list[Group]:
    """Groups by the number of the paraphrase; none where phases have templates of their own."""
    if len(rows.kinds.templates) > 1:
        return []
    numbers = rows.columns["template"]
    return [rows.group(str(number), numbers == number) for number in np.unique(numbers).tolist()]


def _stratum_name(family: str, k: int | None, pattern: int | None, replacement: int | None) -> str:
    repeats = "" if k in (1, None) else f" k={k}"
    return family + repeats + ("" if pattern is None else f" {pattern}>{replacement}")
