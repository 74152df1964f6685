"""Checks rows without the generator: what the rules in a row make of its word is worked out anew.

One step of one rule is compared with Python's own `str.replace` and `find`, several rules and runs with the general
engine (`run_rows`), schemes and ciphers with plain Python.  A row lacks what its columns do not hold; what cannot be
worked out from them is not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from markovlib.recipe import Recipe

Check = Callable[["pa.RecordBatch", int], str | None]


def checker(recipe: Mapping[str, Any]) -> Check | None:
    """Return what checks rows of a recipe, given as a dictionary: a function of (rows, number of the first).

    It returns a phrase for the first row that is not what its own rules give, or None.
    """
    from markovlib.recipe import Recipe

    kind = (recipe.get("task") or {}).get("kind", "rewrite")
    if kind in ("run", "trace"):
        full = Recipe.from_dict(dict(recipe))
        return lambda batch, start: _runs(batch, start, full)
    if kind == "scheme":
        full = Recipe.from_dict(dict(recipe))
        return lambda batch, start: _schemes(batch, start, full)
    return {"rewrite": _rewrites, "encrypted": None, "induce": _pairs}.get(kind)


def _rewrites(batch: pa.RecordBatch, start: int) -> str | None:
    names = set(batch.schema.names)
    if "rules" in names and (problem := _fired(batch, start)) is not None:
        return problem
    if not {"word", "pattern", "replacement", "output"} <= names:
        return None
    words, patterns, replacements, outputs = _lists(batch, "word", "pattern", "replacement", "output")
    expected = [
        word if pattern is None else word.replace(pattern, replacement, 1)
        for word, pattern, replacement in zip(words, patterns, replacements, strict=True)
    ]
    if (row := mismatch(outputs, expected)) is not None:
        return _wrong_output(start + row, outputs[row], expected[row], "rewriting")
    places = [-1 if pattern is None else word.find(pattern) for word, pattern in zip(words, patterns, strict=True)]
    return _numbers(batch, start, {"position": places, "no_op": [place < 0 for place in places]})


def _fired(batch: pa.RecordBatch, start: int) -> str | None:
    """Which rule fires first, by looking for every pattern."""
    if not {"word", "rule"} <= set(batch.schema.names):
        return None
    words, rules = _lists(batch, "word", "rules")
    found = [
        next((i for i, rule in enumerate(row) if rule["pattern"] in word), -1)
        for word, row in zip(words, rules, strict=True)
    ]
    return _numbers(batch, start, {"rule": found})


def _runs(batch: pa.RecordBatch, start: int, recipe: Recipe) -> str | None:
    from markovlib import run_rows
    from markovlib.outcome import Outcome

    if not {"word", "rules", "output"} <= set(batch.schema.names):
        return None
    widest = max(map(len, recipe.letters.encoded))
    ran = run_rows(
        batch.column("rules"), batch.column("word"), threads=1,
        max_steps=recipe.max_steps, max_length=recipe.max_length if widest == 1 else None,
    )  # fmt: skip
    outputs, expected = batch.column("output").to_pylist(), ran.words.tolist()
    if (row := mismatch(outputs, expected)) is not None:
        return _wrong_output(start + row, outputs[row], expected[row], "running the rules")
    outcomes = [Outcome(value).name.lower() for value in ran.outcomes.tolist()]
    values: dict[str, list[Any]] = {"steps": ran.steps.tolist(), "outcome": outcomes}
    return _numbers(batch, start, values)


def _pairs(batch: pa.RecordBatch, start: int) -> str | None:
    if not {"pairs", "pattern", "replacement"} <= set(batch.schema.names):
        return None
    pairs, patterns, replacements = _lists(batch, "pairs", "pattern", "replacement")
    for row, (shown, pattern, replacement) in enumerate(zip(pairs, patterns, replacements, strict=True)):
        for pair in shown:
            expected = pair["word"].replace(pattern, replacement, 1)
            if pair["output"] != expected:
                return _wrong_output(start + row, pair["output"], expected, "rewriting")
    return None


def _schemes(batch: pa.RecordBatch, start: int, recipe: Recipe) -> str | None:
    if not {"word", "pattern", "replacement", "output"} <= set(batch.schema.names):
        return None
    variables = recipe.letters.letters[len(recipe.alphabet) :]
    rows = zip(*_lists(batch, "word", "pattern", "replacement", "output"), strict=True)
    for row, (word, pattern, replacement, output) in enumerate(rows):
        expected = rewrite_scheme(word, pattern, replacement, variables)
        if output != expected:
            return _wrong_output(start + row, output, expected, "rewriting")
    return None


def rewrite_scheme(word: Any, pattern: Any, replacement: Any, variables: Sequence[Any]) -> Any:
    """The word after the leftmost match of a scheme, or the word: each variable stands for one letter throughout.

    >>> rewrite_scheme("abba", "XX", "Xc", "X")
    'abca'
    """
    letters = [pattern[i : i + 1] for i in range(len(pattern))]
    for at in range(len(word) - len(pattern) + 1):
        bound: dict[Any, Any] = {}
        for i, letter in enumerate(letters):
            have = word[at + i : at + i + 1]
            if (bound.setdefault(letter, have) if letter in variables else letter) != have:
                break
        else:
            written = [bound.get(replacement[i : i + 1], replacement[i : i + 1]) for i in range(len(replacement))]
            return word[:at] + type(word)().join(written) + word[at + len(pattern) :]
    return word


def _lists(batch: pa.RecordBatch, *names: str) -> tuple[list[Any], ...]:
    return tuple(batch.column(name).to_pylist() for name in names)


def _numbers(batch: pa.RecordBatch, start: int, expected: Mapping[str, Sequence[object]]) -> str | None:
    for name in expected.keys() & set(batch.schema.names):
        if (row := mismatch(batch.column(name).to_pylist(), expected[name])) is not None:
            return f"row {start + row}, column {name!r}: is not what searching the word gives"
    return None


def _wrong_output(row: int, have: object, want: object, how: str) -> str:
    return f"row {row}, column 'output': holds {shown(have)}, {how} gives {shown(want)}"


def mismatch(have: Sequence[object], want: Sequence[object]) -> int | None:
    """The first place where two sequences of one length differ."""
    if have == want:
        return None
    return next(row for row, pair in enumerate(zip(have, want, strict=True)) if pair[0] != pair[1])


def shown(value: object) -> str:
    """A value as a message shows it, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
