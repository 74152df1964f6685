"""Equality of the values that the library gives: by what they hold, and left to the other side where it is strange."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest

import markovlib as mk
from markovlib._columns import Column
from markovlib.alphabets import Alphabet
from markovlib.answers import read_answers
from markovlib.examples import Batch
from markovlib.shards.stores import open_store
from markovlib.tokens import ByteTokenizer

RUN = mk.Dataset("run", seed=7)
FIRST = mk.Dataset("first-rewrite", seed=7)
INDUCE = mk.Dataset("induce", seed=7)
TOKENIZER = ByteTokenizer(eos="<eos>")


def mixture() -> mk.Mixture:
    return mk.Mixture(
        mk.MixtureRecipe.from_dict({"examples": 20, "sources": [{"name": "ours", "recipe": "first-rewrite"}]})
    )


VALUES: dict[str, tuple[Callable[[int], Any], int, int]] = {
    "Batch": (lambda n: RUN[:n], 5, 6),
    "rows of a Batch": (lambda n: RUN.batch([n]), 5, 6),
    "rules": (lambda n: FIRST[:n].rules, 5, 6),
    "trace": (lambda n: RUN.batch(range(n), columns=["trace"]).trace, 5, 6),
    "pairs": (lambda n: INDUCE.batch([n]).pairs, 5, 6),
    "Tokens": (lambda n: FIRST.tokens(range(n), TOKENIZER), 5, 6),
    "Padded": (lambda n: FIRST.padded(range(n), 4096, TOKENIZER), 5, 6),
    "Bin": (lambda n: FIRST.packed(TOKENIZER, 8192, examples=400)[n], 0, 1),
    "Bins": (lambda n: FIRST.packed(TOKENIZER, 8192, examples=400).bins(range(n)), 1, 2),
    "BinArrays": (lambda n: FIRST.packed(TOKENIZER, 8192, examples=400).bins(range(n)).arrays(), 1, 2),
    "Scores": (lambda n: FIRST.scores(range(n), FIRST[:n].completion), 5, 6),
    "MixedBatch": (lambda n: mixture()[:n], 5, 6),
    "Answers": (lambda n: read_answers(BytesIO(b"a\n" * n), n), 5, 6),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_arrays_are_equal_if_all_entries_are(name: str) -> None:
    make, one, other = VALUES[name]
    value = make(one)
    assert value == make(one)
    assert not value != make(one)  # noqa: SIM202
    assert value != make(other)
    assert not value == make(other)  # noqa: SIM201
    assert value != 3
    assert value != None  # noqa: E711
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)


def test_a_rule_that_is_empty_is_not_one_that_is_missing() -> None:
    empty = Column.from_words(["a", ""])
    batches = [
        Batch({"index": np.arange(2), "pattern": empty, "_fired": np.array([0, fired])}, several=True)
        for fired in (0, 1, -1)
    ]
    assert batches[0] == batches[1] != batches[2]


def test_batches_of_other_columns_are_others() -> None:
    rows = range(4)
    assert RUN.batch(rows, ["word", "steps"]) != RUN.batch(rows, ["steps", "word"])
    assert RUN.batch(rows, ["word"]) != RUN.batch(rows, ["output"])


def test_rows_of_shards_equal_those_of_the_data_set(tmp_path: Path) -> None:
    recipe = mk.Recipe.load("first-rewrite").replace(examples=50)
    for layout in ("parquet", "jsonl"):
        mk.generate(recipe, tmp_path / layout, format=layout)
        assert mk.open(tmp_path / layout)[3:40] == mk.Dataset(recipe)[3:40]


def test_what_the_other_side_knows_it_is_asked(tmp_path: Path) -> None:
    ds = mk.Dataset(mk.Recipe.load("first-rewrite").replace(examples=50), seed=7)
    mk.generate(ds.recipe, tmp_path / "out")
    values = [
        ds, ds.recipe, ds.view("permuted"), ds.packed("bytes", 8192), mk.open(tmp_path / "out"), mixture(),
        mixture().recipe, TOKENIZER, Alphabet("ab"), open_store(tmp_path), ds.tokens([1], "bytes"), ds[:3],
        mixture()[:3], ds[:3].rules, mk.RuleSet([("a", "b")]), mk.RuleSet([("a", "b")]).run("a"),
    ]  # fmt: skip
    for value in values:
        assert value == ANY
        assert value == value
        assert value != object()
