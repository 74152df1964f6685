"""Views: the same examples in another order, with the interface of a data set."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib import Dataset, Recipe, View
from markovlib._stream import Permutation, philox
from markovlib.dataset import COLUMNS, split_id, stream_key
from markovlib.leakage import leakage

RECIPE = Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 2, "rules.replacement_length": 3, "words.length": [6, 12]}, examples=300, instructions=40
)
DS = Dataset(RECIPE, seed=5)
OTHER = Dataset(RECIPE.replace({"words.length": 40}), seed=6)
WIDE = Dataset(RECIPE.replace({"rules.alphabet": "aβ中😀"}), seed=5)
BYTES = Dataset(RECIPE.replace({"rules.alphabet": {"bytes": [0, 255]}}), seed=5)

VIEWS = {
    "permuted": View.permuted(DS, 3),
    "by length": View.ordered(DS, "length"),
    "by position, falling": View.ordered(DS, "position", descending=True),
    "a range": View.selected(DS, range(250, 10, -7)),
    "chosen": View.selected(DS, [5, 5, 299, 0]),
    "phases": View.phases([(20, DS), (50, OTHER), (60, View.permuted(DS))]),
    "of a view": View.ordered(View.permuted(DS, 1), "no_op"),
    "phases of bytes": View.phases([(7, BYTES), (90, BYTES.view("length"))]),
}


def examples_of(view: View) -> list[Any]:
    """Each example alone."""
    return [view[i] for i in range(len(view))]


@pytest.mark.parametrize("name", VIEWS)
def test_batches_slices_and_iteration_give_the_same_examples(name: str) -> None:
    view = VIEWS[name]
    expected = examples_of(view)
    assert list(view) == expected
    assert [batch[row] for batch in view.batches(7) for row in range(len(batch))] == expected
    rng = np.random.default_rng(1)
    rows = rng.integers(-len(view), len(view), 100)
    batch = view[rows]
    assert [batch[row] for row in range(100)] == [expected[i] for i in rows]
    part = view[3:50:5]
    assert [part[row] for row in range(len(part))] == expected[3:50:5]
    assert view[-1] == expected[-1]
    assert len(view[5:5]) == 0
    assert view.columns == COLUMNS
    some = view.batch(range(4), ["word", "index"], threads=2)
    assert some.columns == ("word", "index")
    assert some.word.tolist() == [example.word for example in expected[:4]]
    assert view[0:4].to_arrow().to_pylist() == [view[i : i + 1].to_arrow().to_pylist()[0] for i in range(4)]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_a_value(name: str) -> None:
    view = VIEWS[name]
    again = pickle.loads(pickle.dumps(view))
    assert again == view
    assert hash(again) == hash(view)
    assert repr(again) == repr(view)
    assert " at 0x" not in repr(view)
    assert examples_of(again) == examples_of(view)
    assert [other for other in VIEWS if VIEWS[other] == view] == [name]
    assert view != DS
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)[2].prompt)"
    if name == "by length":
        done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(view), capture_output=True, check=True)
        assert done.stdout.decode().strip() == view[2].prompt


@settings(max_examples=30)
@given(st.integers(1, 3000), st.integers(0, 2**40), st.integers(0, 2**70))
def test_an_epoch_is_a_permutation(size: int, epoch: int, seed: int) -> None:
    view = View.permuted(View.selected(Dataset(RECIPE.replace(examples=3000), seed=5), range(size)), epoch, seed)
    assert sorted(view.batch(range(size), ["index"]).index.tolist()) == list(range(size))


def test_an_epoch_is_a_function_of_seed_split_size_and_epoch() -> None:
    subkey = philox(stream_key(5), (300, 3, split_id("train"), 0x76696577))[:2]
    expected = [Permutation(subkey, 300)[i] for i in range(300)]
    view = View.permuted(DS, 3)
    assert view[:].index.tolist() == expected
    assert [view[i].index for i in range(300)] == expected
    others = [View.permuted(DS, 4), View.permuted(DS, 3, seed=6), View.permuted(Dataset(RECIPE, seed=6), 3)]
    others.append(View.permuted(Dataset(RECIPE.replace({"eval.examples": 300}), seed=5, split="seen"), 3))
    assert all(other[:].index.tolist() != expected for other in others)
    same_order = View.permuted(Dataset(RECIPE.replace({"render.prompt": "{word}"}), seed=5), 3)
    assert same_order[:].index.tolist() == expected
    assert same_order != view


@pytest.mark.parametrize("ds", [DS, WIDE, BYTES])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", ["length", "position", "no_op", "steps", "index"])
def test_orders_are_stable_sorts(ds: Dataset, by: str, descending: bool) -> None:
    def key(example: Any) -> int:
        return len(example.word) if by == "length" else int(getattr(example, by))

    expected = sorted(ds, key=key, reverse=descending)
    assert list(ds.view(by, descending=descending)) == expected


def test_phases_begin_their_data_sets_anew() -> None:
    view = View.phases([(20, DS), (50, OTHER), (60, DS.view(range(100, 300)))])
    expected = [*(DS[i] for i in range(20)), *(OTHER[i] for i in range(30)), *(DS[i] for i in range(100, 110))]
    assert list(view) == expected
    order = np.random.default_rng(2).permutation(60)
    batch = view[order]
    assert [batch[row] for row in range(60)] == [expected[i] for i in order]
    endless = Dataset(RECIPE.replace(examples=None))
    assert len(View.phases([(10**9, endless)])) == 10**9


def test_scores_and_leakage_of_views() -> None:
    view = VIEWS["phases"]
    answers = [example.completion for example in view]
    assert view.scores(range(60), answers).values.tolist() == [1.0] * 60
    assert view.score(25, OTHER[5].completion) == 1.0
    found = leakage(View.permuted(DS), DS)
    assert found["rows"].shared == found["rows"].first == found["rows"].second
    assert view.seed == 5
    assert view.split == "train"
    assert view.text


def test_what_cannot_be() -> None:
    endless = Dataset(RECIPE.replace(examples=None))
    for make in (lambda: View.permuted(endless), lambda: endless.view("length")):
        with pytest.raises(TypeError, match="unbounded"):
            make()
    with pytest.raises(ValueError, match=r"ordered by length or by a column of numbers \(length, index, .*not 'word'"):
        DS.view("word")
    with pytest.raises(ValueError, match="epoch must be at least 0"):
        View.permuted(DS, -1)
    with pytest.raises(IndexError, match="from 0 to 300, outside of <Dataset"):
        DS.view(range(301))
    with pytest.raises(IndexError, match="from -1 to 3"):
        DS.view([3, -1])
    with pytest.raises(ValueError, match=r"rising places, got \[5, 5\]"):
        View.phases([(5, DS), (5, DS)])
    with pytest.raises(ValueError, match="needs 301 examples of <Dataset"):
        View.phases([(301, DS)])
    with pytest.raises(ValueError, match="at least one"):
        View.phases([])
    with pytest.raises(ValueError, match="all be text or all be bytes"):
        View.phases([(5, DS), (9, BYTES)])
    view = VIEWS["chosen"]
    for index in (4, -5):
        with pytest.raises(IndexError, match=f"example {index} of a view of 4"):
            view[index]
        with pytest.raises(IndexError, match="of a view of 4"):
            view[[0, index]]
    with pytest.raises(TypeError, match="flat sequence of integers"):
        view[[0.5]]  # type: ignore[list-item]
    with pytest.raises(ValueError, match="unknown column 'x'"):
        view.batch([0], ["x"])
    with pytest.raises(ValueError, match="size must be at least 1"):
        view.batches(0)
