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
from markovlib._permute import Permutation, philox
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


def seen(example: Any) -> tuple[Any, ...]:
    """The columns that every data set has; examples from batches have no others."""
    return tuple(getattr(example, name) for name in COLUMNS)


def rows(batch: Any) -> list[Any]:
    return [seen(batch[row]) for row in range(len(batch))]


def examples_of(view: Any) -> list[Any]:
    """Each example alone."""
    return [seen(view[i]) for i in range(len(view))]


@pytest.mark.parametrize("name", VIEWS)
def test_batches_slices_and_iteration_give_the_same_examples(name: str) -> None:
    view = VIEWS[name]
    expected = examples_of(view)
    assert list(view) == view.__getitems__(range(len(view))) == [view[i] for i in range(len(view))]
    assert [row for batch in view.batches(7) for row in rows(batch)] == expected
    chosen = np.random.default_rng(1).integers(-len(view), len(view), 100)
    assert rows(view[chosen]) == rows(view[chosen.tolist()]) == [expected[i] for i in chosen]
    assert rows(view[3:50:5]) == expected[3:50:5]
    assert seen(view[-1]) == expected[-1]
    assert len(view[5:5]) == 0
    assert view.columns == COLUMNS
    some = view.batch(range(4), ["word", "index"], threads=2)
    assert some.columns == ("word", "index")
    assert some.word.tolist() == [example[COLUMNS.index("word")] for example in expected[:4]]
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
    assert examples_of(ds.view(by, descending=descending)) == list(map(seen, expected))


def test_phases_begin_their_data_sets_anew() -> None:
    view = View.phases([(20, DS), (50, OTHER), (60, DS.view(range(100, 300)))])
    expected = [*rows(DS[:20]), *rows(OTHER[:30]), *rows(DS[100:110])]
    assert examples_of(view) == expected
    order = np.random.default_rng(2).permutation(60)
    assert rows(view[order]) == [expected[i] for i in order]
    endless = Dataset(RECIPE.replace(examples=None))
    assert len(View.phases([(10**9, endless)])) == 10**9


def test_lists_and_nulls_of_phases() -> None:
    """Where phases meet in a batch, lists of rules and steps stay with their rows, and so does what did not fire."""
    plain = {"rules.pattern_length": 3, "rules.per_example": 3, "render.prompt": None, "render.completion": None}
    traces = {**plain, "task.kind": "trace", "words.no_op": 0.2, "rules.replacement_length": 2}
    first, second = Dataset(RECIPE.replace(traces), seed=1), Dataset(RECIPE.replace({**traces, "task.kind": "run"}))
    names = [*COLUMNS, "rules", "trace"]
    view = View.phases([(60, first), (120, second)])
    assert "rules" in view.columns
    assert "trace" not in view.columns
    order = np.random.default_rng(3).permutation(120)
    batch = view.batch(order, names)
    tables = [ds.batch(range(60), names).to_arrow().to_pylist() for ds in (first, second)]
    expected = [*tables[0], *tables[1]]
    assert any(row["pattern"] is None for row in expected)
    assert any(len(row["trace"]) > 1 for row in expected)
    assert batch.to_arrow().to_pylist() == [expected[i] for i in order]
    assert [batch[row].rules for row in range(120)] == [view[int(i)].rules for i in order]
    assert [batch[row].pattern for row in range(120)] == [view[int(i)].pattern for i in order]
    mixed = View.phases([(5, DS), (10, first)])
    assert mixed.columns == COLUMNS
    assert examples_of(mixed) == rows(mixed[:])


def test_tokens_and_bins_follow_the_order() -> None:
    view = VIEWS["permuted"]
    indices = view[:20].index
    assert view.tokens(range(20), "bytes").ids.tolist() == DS.tokens(indices, "bytes").ids.tolist()
    packed = View.selected(DS, indices).packed("bytes", 256)
    assert packed[0].ids.tolist()[:10] == view.tokens([0], "bytes").ids.tolist()[:10]


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
    with pytest.raises(ValueError, match=r"ordered by length or by a column of numbers \(index, .*not 'word'"):
        DS.view("word")
    with pytest.raises(ValueError, match="epoch must be at least 0"):
        View.permuted(DS, -1)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        View.permuted(DS, 0, seed=-1)
    for order, options, said in (
        ("length", {"epoch": 3}, "epoch is for the order 'permuted', not for 'length'"),
        (np.arange(3), {"epoch": 1}, "epoch .* not for chosen examples"),
        ("permuted", {"descending": True}, "descending is for an order by length or by a column, not for 'permuted'"),
        (range(3), {"descending": True}, "descending .* not for chosen examples"),
    ):
        with pytest.raises(ValueError, match=said):
            DS.view(order, **options)
    with pytest.raises(IndexError, match="from 0 to 300, outside of <Dataset"):
        DS.view(range(301))
    with pytest.raises(IndexError, match="from -1 to 3"):
        DS.view([3, -1])
    for indices in (np.arange(300) < 3, [1.5, 2.5], ["1", "2"], [[1, 2], [3, 4]], 3, {1, 2}):
        with pytest.raises(TypeError, match="indices must be a range, a slice or a flat sequence of integers"):
            DS.view(indices)
    with pytest.raises(ValueError, match=r"rising places, got \[5, 5\]"):
        View.phases([(5, DS), (5, DS)])
    for phase in ((DS, 5), (5, "paper/no-op"), (0, 5, DS), 5):
        with pytest.raises(TypeError, match=r"a phase is \(place at which it ends, data set\), got "):
            View.phases([phase])
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
