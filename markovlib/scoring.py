"""Scoring answers: how much of a completion is right, what went wrong where it is not, and rewards for trainers.

An *answer* is what a model gave for the prompt of an example: text (bytes where the data set's alphabet is bytes), or
chat messages, of which the last one counts.  A score has a value in [0, 1], which is 1.0 exactly where the answer is
the completion letter for letter, and a label.  Both are functions of the answer and of the example's columns alone.

Kinds of credit:

- `exact`: 1.0 for the completion, else 0.0.
- `prefix`: the leading letters that answer and completion have in common, as a share of the longer of the two.
- `steps`: the leading items that they have in common, as a share of the longer list.  Items are lines; where the
  completion is one line and the example's `trace` is known, they are the parts that its words are shown in.
- `pairs`: for examples that ask for a rule, the share of the `pairs` that the rule in the answer explains; here
  another rule than the one asked for may have 1.0, too.

`LABELS`, of `markovlib.labels`, has the labels, the first that holds being the answer's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib.equality import same_tuples
from markovlib.labels import LABELS, Reference, common_prefix, explained, label_of, references_in, separator_of

if TYPE_CHECKING:
    from markovlib.examples import Example
    from markovlib.source import Indices, Source

Credit = Literal["exact", "prefix", "steps", "pairs"]

_SCORED = ("word", "output", "pattern", "replacement", "position", "steps")
_SOME_HAVE = ("rules", "trace", "pairs", "key")


class Score(NamedTuple):
    """A value in [0, 1], and a label of `LABELS`."""

    value: float
    label: str


class Scores(NamedTuple):
    """Scores of many answers: `values` (float64) and `labels` (NumPy text), an entry for each answer.
    Two are equal if all of their entries are."""

    values: NDArray[np.float64]
    labels: NDArray[np.str_]

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)

    def counts(self) -> dict[str, int]:
        """How many answers have each label, all of `LABELS` in their order."""
        names, counts = np.unique(self.labels, return_counts=True)
        found = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return {label: found.get(label, 0) for label in LABELS}


# ---- one answer ---------------------------------------------------------------------------------------------------


def score(
    example: Example | Reference | Mapping[str, Any], answer: Any, credit: Credit = "exact", *, strip: bool = False
) -> Score:
    """The score of an answer to an example.

    `example` is an `Example` of a data set, a `Reference`, or a mapping with columns of one example.  `answer` is
    text, bytes (each is taken as UTF-8 where the completion is of the other kind), chat messages, or None, which
    scores as no letters.  With `strip`, white space at both ends of answer and completion is left out.

    Raises ValueError for an unknown credit, TypeError for an answer, or a right one, of another type.  O(letters) for
    each rule.

    >>> example = {"word": "caaba", "pattern": "aa", "replacement": "bac", "output": "cbacba"}
    >>> score(example, "cbacba"), score(example, "caaba"), score(example, "cbacbb", credit="prefix")
    (Score(value=1.0, label='correct'), Score(value=0.0, label='copied_input'), Score(value=0.83..., label='other'))
    """
    credited = _credit(credit)
    reference = example if isinstance(example, Reference) else Reference.of(example)
    if not isinstance(reference.completion, str | bytes):
        raise TypeError(f"the right answer must be text or bytes, got {type(reference.completion).__name__}")
    if strip:
        reference = reference._replace(completion=reference.completion.strip())
    given = letters_of(answer, reference.completion, strip)
    if given == reference.completion:
        return Score(1.0, "correct")
    return Score(credited(given, reference), label_of(given, reference))


def letters_of(answer: Any, like: Any, strip: bool) -> Any:
    """The answer as text or bytes, of the completion's kind."""
    if isinstance(answer, list):
        answer = _content(answer)
    if answer is None:
        answer = like[:0]
    if not isinstance(answer, str | bytes):
        raise TypeError(f"an answer is text, bytes or chat messages, got {type(answer).__name__}")
    if isinstance(like, bytes) and isinstance(answer, str):
        answer = answer.encode("utf-8", "surrogatepass")
    elif isinstance(like, str) and isinstance(answer, bytes):
        answer = answer.decode("utf-8", "replace")
    return answer.strip() if strip else answer


def _content(messages: list[Any]) -> str:
    """The text of the last message: its `content` is text, or parts of which those with a `text` count."""
    if not messages:
        return ""
    content = messages[-1].get("content") if isinstance(messages[-1], Mapping) else None
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    if not isinstance(content, str):
        raise TypeError('chat messages are {"role": ..., "content": text}')
    return content


# ---- credit -------------------------------------------------------------------------------------------------------


def _credit(name: str) -> Callable[[Any, Reference], float]:
    if name not in _CREDITS:
        raise ValueError(f"unknown credit {name!r}; the kinds are {', '.join(_CREDITS)}")
    return _CREDITS[name]


def _no_credit(_given: Any, _reference: Reference) -> float:
    return 0.0


def _prefix_credit(given: Any, reference: Reference) -> float:
    return common_prefix(given, reference.completion) / max(len(given), len(reference.completion))


def _steps_credit(given: Any, reference: Reference) -> float:
    separator = separator_of(reference)
    answered, asked = given.split(separator), reference.completion.split(separator)
    return _agreeing(answered, asked) / max(len(answered), len(asked))


def _pairs_credit(given: Any, reference: Reference) -> float:
    pairs = reference.pairs or ()
    return sum(explained(given, reference)) / len(pairs) if pairs else 0.0


_CREDITS: dict[str, Callable[[Any, Reference], float]] = {
    "exact": _no_credit,
    "prefix": _prefix_credit,
    "steps": _steps_credit,
    "pairs": _pairs_credit,
}


def _agreeing(a: Sequence[Any], b: Sequence[Any]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


# ---- many answers -------------------------------------------------------------------------------------------------


def score_all(
    ds: Source,
    indices: Sequence[int] | NDArray[np.integer[Any]] | range,
    answers: Sequence[Any],
    credit: Credit = "exact",
    *,
    strip: bool = False,
    threads: int | None = None,
) -> Scores:
    """The scores of `answers[j]` to example `indices[j]` of a data set.

    Everything as in `score`.  The completions are made in batches, and the other columns only for wrong answers.
    Raises ValueError where there are not as many answers as indices, IndexError for an index outside the data set,
    TypeError for a mixture.

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op"), seed=7)
    >>> scores = score_all(ds, range(3), [ds[0].completion, ds[1].word, "?"])
    >>> scores.values.tolist(), scores.labels.tolist()
    ([1.0, 0.0, 0.0], ['correct', 'copied_input', 'other'])
    """
    refuse_mixtures(ds)
    if len(indices) != len(answers):
        raise ValueError(f"there are {len(indices)} indices and {len(answers)} answers")
    _credit(credit)
    values = np.zeros(len(answers))
    labels = np.full(len(answers), "correct", f"U{max(map(len, LABELS))}")
    for start in range(0, len(answers), _ROWS):
        rows = indices[start : start + _ROWS]
        completions = ds.batch(rows, ["completion"], threads).completion.tolist()
        completions = [completion.strip() for completion in completions] if strip else completions
        given = [letters_of(a, c, strip) for a, c in zip(answers[start : start + _ROWS], completions, strict=True)]
        wrong = [j for j, (a, c) in enumerate(zip(given, completions, strict=True)) if a != c]
        values[start : start + len(rows)] = 1.0
        if not wrong:
            continue
        references = _references(ds, np.asarray(rows)[wrong], [completions[j] for j in wrong], threads)
        credited = _credit(credit)
        for j, reference in zip(wrong, references, strict=True):
            values[start + j] = credited(given[j], reference)
            labels[start + j] = label_of(given[j], reference)
    return Scores(values, labels)


_ROWS = 65536


def refuse_mixtures(ds: Source) -> None:
    """Raise TypeError for a mixture, its shards and views of either: what is right cannot be told from a text alone."""
    if any(getattr(source, "mixed", False) for source in _sources(ds)):
        raise TypeError("the examples of a mixture have no rules to be scored by")


def _sources(ds: Any) -> list[Any]:
    """A data set, and all that a view is of."""
    found = [ds]
    for source in found:
        found += getattr(source, "sources", ())
    return found


def _references(ds: Source, rows: Indices, completions: list[Any], threads: int | None) -> Iterator[Reference]:
    """What answers to these examples are compared with: all that the data set can tell of them."""
    names = [name for name in _SCORED if name in ds.known_columns]
    if len(names) == len(_SCORED):
        return references_in(ds.batch(rows, [*names, *_made_by_some(ds)], threads), completions)
    batch = ds.batch(rows, ["completion", *names, *_made_by_some(ds)], threads)
    return (Reference.of(batch[j])._replace(completion=completion) for j, completion in enumerate(completions))


def _made_by_some(ds: Any) -> list[str]:
    """The columns of `_SOME_HAVE` that a data set has, or one that a view is of; as far as they can be asked for."""
    held = {name for source in _sources(ds) for name in source.columns}
    return [name for name in _SOME_HAVE if name in held and name in ds.known_columns]


# ---- rewards ------------------------------------------------------------------------------------------------------


def reward(
    prompt: Any = None,
    completion: Any = None,
    *,
    prompts: Any = None,
    completions: Any = None,
    credit: Credit = "exact",
    strip: bool = False,
    **columns: Any,
) -> Any:
    """A reward in [0, 1] for a completion that a model made, or a list of rewards for a list of them.

    Stateless: what is right is read from the keyword columns, `reference` or else `output` being the right answer, or
    `word`, `pattern` and `replacement` what it is computed from; others are ignored, and so is the prompt.  A
    completion is text or chat messages.  With a list of completions, as `completion` or as `completions`, each column
    is a list of as many values; this is how trainers for group-relative policy optimisation (TRL's `GRPOTrainer`
    for one) call a reward function, with every column but `prompt`, `completion` and `completion_ids`.

    Raises TypeError where no completion or no right answer is given, ValueError for lists of different lengths.

    >>> reward("aa>bac:caaba=", "cbacba", output="cbacba")
    1.0
    >>> reward(prompts=["...", "..."], completions=["cbacba", "c"], output=["cbacba", "ca"], credit="prefix")
    [1.0, 0.5]
    """
    del prompt, prompts
    asked = completion if completions is None else completions
    if asked is None:
        raise TypeError("reward needs a completion, or completions")
    if completions is None and not _several(asked):
        return score(columns, asked, credit, strip=strip).value
    known = {name: columns[name] for name in ("reference", *Reference._fields) if columns.get(name) is not None}
    for name, values in known.items():
        if not isinstance(values, list | tuple | np.ndarray) or len(values) != len(asked):
            raise ValueError(f"column {name!r} must be a list of {len(asked)} values, one for each completion")
    rows = ({name: values[i] for name, values in known.items()} for i in range(len(asked)))
    return [score(row, answer, credit, strip=strip).value for row, answer in zip(rows, asked, strict=True)]


def _several(completion: Any) -> bool:
    """Whether this is a list of completions, rather than text or the messages of one."""
    return isinstance(completion, list | tuple) and not (completion and isinstance(completion[0], Mapping))


class ProceduralDataset:
    """A data set in the shape of reasoning-gym's procedural data sets, for what trains on those.

    `data[i]` is `{"question": prompt, "answer": completion, "metadata": {...}}`, `len(data)` and iteration are those
    of the data set, and `score_answer(answer, entry)` gives a reward in [0, 1].  The metadata holds `source_dataset`,
    `source_index` and the example's other columns, so that an entry can be scored anywhere, without the data set.

    >>> import markovlib as mk
    >>> data = ProceduralDataset(mk.Dataset(mk.Recipe.load("paper/no-op"), seed=7))
    >>> entry = data[3]
    >>> data.score_answer(entry["answer"], entry), data.score_answer(None, entry)
    (1.0, 0.0)
    """

    def __init__(self, ds: Source, credit: Credit = "exact", *, strip: bool = False) -> None:
        _credit(credit)
        self.dataset = ds
        self.credit: Credit = credit
        self.strip = strip

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return f"<ProceduralDataset of {self.dataset!r}, {self.credit} credit>"

    def __getitem__(self, i: int) -> dict[str, Any]:
        example = self.dataset[operator.index(i)]
        metadata = {name: getattr(example, name) for name in (*_SCORED, "no_op", "key")}
        metadata |= {name: [tuple(item) for item in getattr(example, name) or ()] for name in _SOME_HAVE[:3]}
        source = {"source_dataset": f"markovlib/{self.dataset.fingerprint[:12]}", "source_index": example.index}
        return {"question": example.prompt, "answer": example.completion, "metadata": {**source, **metadata}}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    def score_answer(self, answer: str | None, entry: Mapping[str, Any]) -> float:
        """The reward for an answer to an entry; 0.0 for None."""
        if answer is None:
            return 0.0
        columns = {**entry.get("metadata", {}), "completion": entry["answer"]}
        return score(columns, answer, self.credit, strip=self.strip).value
