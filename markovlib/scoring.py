"""Scoring answers: how much of a completion is right, what went wrong where it is not, and rewards for trainers.

An *answer* is what a model gave for the prompt of an example: text (bytes where the data set's alphabet is bytes), or
chat messages, of which the last one counts.  A score has a value in [0, 1], which is 1.0 exactly where the answer is
the completion letter for letter, and a label.  Both are functions of the answer and of the example's columns alone.

Kinds of credit:

- `exact`: 1.0 for the completion, else 0.0.
- `prefix`: the leading letters that answer and completion have in common, as a share of the longer of the two.
- `steps`: the leading items that they have in common, as a share of the longer list.  Items are lines; where the
  completion is one line and the example's `trace` is known, they are the parts that its words are shown in.

`LABELS` has the labels, the first that holds being the answer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from markovlib.dataset import Dataset, Example
    from markovlib.view import View

Credit = Literal["exact", "prefix", "steps"]

LABELS = {
    "correct": "the completion, letter for letter",
    "wrong_format": "the right word, not shown as the completion shows it: white space around it, for one",
    "copied_input": "the word as it was",
    "stopped_early": "of several steps the first ones only, or the word after one of them",
    "all_occurrences": "every occurrence rewritten, from left to right without overlaps, instead of the leftmost",
    "wrong_rule": "another rule of the instruction, at an occurrence of its pattern",
    "wrong_place": "the replacement put at another place, for as many letters as the pattern has",
    "wrong_replacement": "other letters put at the right place",
    "other": "anything else",
}

_SCORED = ("word", "output", "pattern", "replacement", "position")


class Score(NamedTuple):
    """A value in [0, 1], and a label of `LABELS`."""

    value: float
    label: str


class Scores(NamedTuple):
    """Scores of many answers: `values` (float64) and `labels` (NumPy text), an entry for each answer."""

    values: NDArray[np.float64]
    labels: NDArray[np.str_]

    def counts(self) -> dict[str, int]:
        """How many answers have each label, all of `LABELS` in their order."""
        names, counts = np.unique(self.labels, return_counts=True)
        found = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return {label: found.get(label, 0) for label in LABELS}


class Reference(NamedTuple):
    """What an answer is compared with.

    Only `completion` decides the value; what is not known of the rest (None) makes labels less telling.  `position`
    counts letters, -1 for a no-op; `rules` and `trace` are the columns of these names.
    """

    completion: Any
    word: Any = None
    output: Any = None
    pattern: Any = None
    replacement: Any = None
    position: int | None = None
    rules: Sequence[Any] | None = None
    trace: Sequence[Any] | None = None

    @classmethod
    def of(cls, example: Example | Mapping[str, Any]) -> Reference:
        """The reference that an example, or columns of one example by name, amount to.

        The completion is the column `completion`, `reference` or `output`, the first that there is, else the word
        rewritten once.  Raises TypeError where none is given.
        """
        columns = example if isinstance(example, Mapping) else _attributes(example)
        found = {name: columns.get(name) for name in cls._fields}
        word, pattern, replacement = found["word"], found["pattern"], found["replacement"]
        if word is not None and pattern is not None:
            if found["output"] is None and replacement is not None:
                found["output"] = word.replace(pattern, replacement, 1)
            if found["position"] is None:
                found["position"] = word.find(pattern)
        for right in (columns.get("reference"), found["output"]):
            if found["completion"] is None:
                found["completion"] = right
        if found["completion"] is None:
            raise TypeError(
                "there is no right answer to compare with: give a column 'reference' or 'output', "
                "or 'word', 'pattern' and 'replacement'"
            )
        return cls(**found)


def _attributes(example: Any) -> dict[str, Any]:
    return {name: getattr(example, name, None) for name in ("reference", *Reference._fields)}


# ---- one answer ---------------------------------------------------------------------------------------------------


def score(
    example: Example | Reference | Mapping[str, Any], answer: Any, credit: Credit = "exact", *, strip: bool = False
) -> Score:
    """The score of an answer to an example.

    `example` is an `Example` of a data set, a `Reference`, or a mapping with columns of one example.  `answer` is
    text, bytes (each is taken as UTF-8 where the completion is of the other kind), chat messages, or None, which
    scores as no letters.  With `strip`, white space at both ends of the answer is left out.

    Raises ValueError for an unknown credit, TypeError for an answer of another type.  O(letters) for each rule.

    >>> example = {"word": "caaba", "pattern": "aa", "replacement": "bac", "output": "cbacba"}
    >>> score(example, "cbacba"), score(example, "caaba"), score(example, "cbacbb", credit="prefix")
    (Score(value=1.0, label='correct'), Score(value=0.0, label='copied_input'), Score(value=0.83..., label='other'))
    """
    reference = example if isinstance(example, Reference) else Reference.of(example)
    given = letters_of(answer, reference.completion, strip)
    if given == reference.completion:
        return Score(1.0, "correct")
    return Score(_credit(credit)(given, reference), label_of(given, reference))


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
    separator = _separator(reference)
    answered, asked = given.split(separator), reference.completion.split(separator)
    return _agreeing(answered, asked) / max(len(answered), len(asked))


_CREDITS: dict[str, Callable[[Any, Reference], float]] = {
    "exact": _no_credit,
    "prefix": _prefix_credit,
    "steps": _steps_credit,
}


def common_prefix(a: Any, b: Any) -> int:
    """How many leading letters two words share."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _agreeing(a: Sequence[Any], b: Sequence[Any]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _separator(reference: Reference) -> Any:
    """What stands between items: a line end, or what the completion has between the first two words of the trace."""
    completion, newline = reference.completion, "\n" if isinstance(reference.completion, str) else b"\n"
    if newline not in completion and reference.trace is not None and len(reference.trace) > 1:
        first, second = (step[2] for step in reference.trace[:2])
        start = completion.find(first) + len(first)
        end = completion.find(second, start)
        if start >= len(first) and end > start:
            return completion[start:end]
    return newline


# ---- labels -------------------------------------------------------------------------------------------------------


def label_of(given: Any, reference: Reference) -> str:
    """The label of an answer, as text or bytes of the completion's kind."""
    completion, word, output = reference.completion, reference.word, reference.output
    if given == completion:
        return "correct"
    if given.strip() == completion.strip():
        return "wrong_format"
    shown = given if output is None else _shown_word(given, completion, output)
    if output is not None and shown == output:
        return "wrong_format"
    if word is not None and word in (shown, given):
        return "copied_input"
    if _stopped_early(given, shown, reference):
        return "stopped_early"
    if word is None or output is None:
        return "other"
    return next((name for name in _rewrites(word, reference) if _LABELLED[name](shown, reference)), "other")


def _shown_word(given: Any, completion: Any, output: Any) -> Any:
    """The word in an answer that is laid out as the completion lays out the output, else the whole answer.

    The output stands in the completion as it is (its last occurrence counts) or with a blank between any two letters.
    """
    blank = " " if isinstance(completion, str) else b" "
    spaced = blank.join(_split(output))
    for text in (output, spaced):
        before, found, after = completion.rpartition(text) if text else (completion, text, text)
        framed = len(given) >= len(before) + len(after) and given.startswith(before) and given.endswith(after)
        if (found or not output) and framed:
            inner = given[len(before) : len(given) - len(after)]
            if text == output:
                return inner
            if inner[1::2] == blank * (len(inner) // 2):
                return inner[::2]
    return given


def shown_as(word: Any, completion: Any, output: Any) -> Any:
    """The completion with another word in place of the output; the bare word where the output is not in it."""
    if completion == output:
        return word
    blank = " " if isinstance(completion, str) else b" "
    for text, other in ((output, word), (blank.join(_split(output)), blank.join(_split(word)))):
        before, found, after = completion.rpartition(text) if text else (completion, b"", completion[:0])
        if found or not output:
            return before + other + after
    return word


def _split(word: Any) -> list[Any]:
    return [word[i : i + 1] for i in range(len(word))]


def _stopped_early(given: Any, shown: Any, reference: Reference) -> bool:
    separator = _separator(reference)
    asked = reference.completion.split(separator)
    if len(asked) > 1 and given:
        answered = given.split(separator)
        if len(answered) > 1 and not answered[-1]:
            answered.pop()
        if len(answered) < len(asked) and answered == asked[: len(answered)]:
            return True
    return any(step[2] == shown for step in (reference.trace or ())[:-1])


def _rewrites(word: Any, reference: Reference) -> tuple[str, ...]:
    """The labels that can be told apart: none where the output is more than one step away."""
    if reference.output == word:
        return ("wrong_place",)
    position, pattern, replacement = reference.position, reference.pattern, reference.replacement
    if position is None or position < 0 or pattern is None or replacement is None:
        return ()
    if put(word, position, pattern, replacement) != reference.output:
        return ()
    return "all_occurrences", "wrong_rule", "wrong_place", "wrong_replacement"


def put(word: Any, position: int, pattern: Any, replacement: Any) -> Any:
    """The word with the replacement instead of as many letters from `position` on as the pattern has."""
    return word[:position] + replacement + word[position + len(pattern) :]


def _all_occurrences(shown: Any, reference: Reference) -> bool:
    if not reference.pattern:
        return False
    rewritten: bool = shown == reference.word.replace(reference.pattern, reference.replacement)
    return rewritten


def _wrong_rule(shown: Any, reference: Reference) -> bool:
    word = reference.word
    others = (rule for rule in rules_of(reference) if rule != (reference.pattern, reference.replacement))
    return any(
        word[place : place + len(pattern)] == pattern
        for pattern, replacement in others
        for place in _places(shown, word, pattern, replacement)
    )


def _wrong_place(shown: Any, reference: Reference) -> bool:
    if reference.output != reference.word:
        rules: Iterable[tuple[Any, Any]] = [(reference.pattern, reference.replacement)]
    else:
        rules = rules_of(reference)
    return any(True for rule in rules for _ in _places(shown, reference.word, *rule))


def _wrong_replacement(shown: Any, reference: Reference) -> bool:
    before = reference.word[: reference.position]
    after = reference.word[cast(int, reference.position) + len(reference.pattern) :]
    right: bool = len(shown) >= len(before) + len(after) and shown.startswith(before) and shown.endswith(after)
    return right


_LABELLED: dict[str, Callable[[Any, Reference], bool]] = {
    "all_occurrences": _all_occurrences,
    "wrong_rule": _wrong_rule,
    "wrong_place": _wrong_place,
    "wrong_replacement": _wrong_replacement,
}


def rules_of(reference: Reference) -> list[tuple[Any, Any]]:
    """The rules of the instruction as (pattern, replacement), from `rules`, else the one that is known."""
    if reference.rules:
        return [_sides(rule) for rule in reference.rules]
    known = None not in (reference.pattern, reference.replacement)
    return [(reference.pattern, reference.replacement)] if known else []


def _sides(rule: Any) -> tuple[Any, Any]:
    if isinstance(rule, Mapping):
        return rule["pattern"], rule["replacement"]
    return rule[0], rule[1]


def _places(shown: Any, word: Any, pattern: Any, replacement: Any) -> Iterator[int]:
    """The places of the word at which putting the replacement for the pattern's number of letters gives `shown`."""
    size = len(pattern)
    if len(shown) != len(word) - size + len(replacement):
        return
    last = common_prefix(shown, word)
    first = len(word) - size - common_prefix(shown[::-1], word[::-1])
    place = shown.find(replacement, max(0, first))
    while 0 <= place <= min(last, len(word) - size):
        yield place
        place = shown.find(replacement, place + 1)


# ---- many answers -------------------------------------------------------------------------------------------------


def score_all(
    ds: Dataset | View,
    indices: Sequence[int] | NDArray[np.integer[Any]] | range,
    answers: Sequence[Any],
    credit: Credit = "exact",
    *,
    strip: bool = False,
    threads: int | None = None,
) -> Scores:
    """The scores of `answers[j]` to example `indices[j]` of a data set.

    Everything as in `score`.  The completions are made in batches, and the other columns only for wrong answers.
    Raises ValueError where there are not as many answers as indices, IndexError for an index outside the data set.

    >>> import markovlib as mk
    >>> ds = mk.Dataset(mk.Recipe.load("paper/no-op"), seed=7)
    >>> scores = score_all(ds, range(3), [ds[0].completion, ds[1].word, "?"])
    >>> scores.values.tolist(), scores.labels.tolist()
    ([1.0, 0.0, 0.0], ['correct', 'copied_input', 'other'])
    """
    if len(indices) != len(answers):
        raise ValueError(f"there are {len(indices)} indices and {len(answers)} answers")
    _credit(credit)
    values = np.zeros(len(answers))
    labels = np.full(len(answers), "correct", f"U{max(map(len, LABELS))}")
    names = [*_SCORED, *(name for name in ("rules", "trace") if has_column(ds, name))]
    for start in range(0, len(answers), _ROWS):
        rows = indices[start : start + _ROWS]
        completions = ds.batch(rows, ["completion"], threads).completion.tolist()
        given = [letters_of(a, c, strip) for a, c in zip(answers[start : start + _ROWS], completions, strict=True)]
        wrong = [j for j, (a, c) in enumerate(zip(given, completions, strict=True)) if a != c]
        values[start : start + len(rows)] = 1.0
        if not wrong:
            continue
        columns = ds.batch(np.asarray(rows)[wrong], names, threads)
        for row, j in enumerate(wrong):
            known = {name: _value(getattr(columns, name)[row]) for name in names}
            reference = Reference(completions[j], **known)
            values[start + j] = _credit(credit)(given[j], reference)
            labels[start + j] = label_of(given[j], reference)
    return Scores(values, labels)


_ROWS = 65536


def _value(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def has_column(ds: Any, name: str) -> bool:
    """Whether a data set has a column, one that is made only on request included."""
    if name in ds.columns:
        return True
    try:
        ds.batch(range(0), [name])
    except ValueError:
        return False
    return True


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
    return isinstance(completion, list) and not (completion and isinstance(completion[0], Mapping))


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

    def __init__(self, ds: Dataset | View, credit: Credit = "exact", *, strip: bool = False) -> None:
        _credit(credit)
        self.dataset = ds
        self.credit: Credit = credit
        self.strip = strip

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return f"<ProceduralDataset of {self.dataset!r}, {self.credit} credit>"

    def __getitem__(self, i: int) -> dict[str, Any]:
        example = self.dataset[i]
        metadata = {name: getattr(example, name) for name in (*_SCORED, "rules", "no_op", "steps")}
        metadata["rules"] = [tuple(rule) for rule in metadata["rules"] or ()]
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
