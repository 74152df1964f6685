"""Epochs for training: every example once, on any number of ranks and workers, and after any restart."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from inspect import signature
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib.packing import Packed
from markovlib.shards.generation import generate
from markovlib.tokens import ByteTokenizer

BASE = mk.Recipe.load("paper/no-op").replace({"words.length": 12, "rules.pattern_length": 3})


def dataset(size: int | None, seed: int = 7) -> mk.Dataset:
    return mk.Dataset(BASE.replace(examples=size), seed=seed)


def epoch_order(ds: Any, epoch: int) -> list[int]:
    return mk.View.permuted(ds, epoch)[:].index.tolist()


def step(samplers: list[mk.Sampler], number: int) -> list[int]:
    """What all ranks get in one step, in the order of the ranks."""
    return [i for sampler in samplers for i in sampler[number]]


# ---- an epoch -------------------------------------------------------------------------------------------------------

SIZES = st.integers(1, 60)


@given(size=SIZES, batch=st.integers(1, 20), world=st.integers(1, 5), workers=st.integers(1, 4), data=st.data())
def test_an_epoch_has_every_example_once(size: int, batch: int, world: int, workers: int, data: st.DataObject) -> None:
    ds, epoch = dataset(size), data.draw(st.integers(0, 3))
    ranks = [mk.Sampler(ds, batch, rank=r, world=world, epoch=epoch) for r in range(world)]
    steps = [step(ranks, s) for s in range(len(ranks[0]))]
    assert list(chain(*steps)) == epoch_order(ds, epoch)
    assert {len(rank) for rank in ranks} == {len(steps)} == {-(-size // (batch * world))}
    assert all(len(rank[s]) == batch for rank in ranks for s in range(len(steps) - 1))
    last = [len(rank[-1]) for rank in ranks]
    assert max(last) - min(last) <= 1
    assert max(last) <= batch
    dealt = [mk.Sampler(ds, batch, epoch=epoch, worker=w, workers=workers) for w in range(workers)]
    alone = list(mk.Sampler(ds, batch, epoch=epoch))
    assert [dealt[s % workers][s // workers] for s in range(len(alone))] == alone
    assert sum(map(len, dealt)) == len(alone)
    assert [list(one) for one in dealt] == [alone[w::workers] for w in range(workers)]


@given(size=SIZES, batch=st.integers(1, 20), world=st.integers(1, 5))
def test_drop_last_leaves_out_what_is_no_whole_step(size: int, batch: int, world: int) -> None:
    ds = dataset(size)
    if size < batch * world:
        with pytest.raises(ValueError, match="has not one batch"):
            mk.Sampler(ds, batch, world=world, drop_last=True)
        return
    ranks = [mk.Sampler(ds, batch, rank=r, world=world, drop_last=True) for r in range(world)]
    steps = [step(ranks, s) for s in range(len(ranks[0]))]
    assert list(chain(*steps)) == epoch_order(ds, 0)[: size - size % (batch * world)]
    assert all(len(one) == batch * world for one in steps)


def test_epochs_follow_one_another_in_other_orders() -> None:
    ds = dataset(100)
    sampler = mk.Sampler(ds, 32)
    epochs = [list(chain(*sampler)) for _ in range(3)]
    assert epochs == [epoch_order(ds, epoch) for epoch in range(3)]
    assert sampler.epoch == 3
    assert len({tuple(epoch) for epoch in epochs}) == 3
    plain = mk.Sampler(ds, 32, shuffle=False)
    assert [list(chain(*plain)) for _ in range(2)] == [list(range(100))] * 2
    assert list(chain(*mk.Sampler(ds, 32, seed=8))) == mk.View.permuted(ds, 0, seed=8)[:].index.tolist()


def test_an_iteration_that_is_broken_off_begins_again() -> None:
    sampler = mk.Sampler(dataset(100), 10)
    first = list(islice(sampler, 4))
    assert list(sampler) == [*first, *islice(mk.Sampler(dataset(100), 10), 4, None)]
    assert sampler.epoch == 1
    left_over = iter(sampler)
    next(left_over)
    whole = list(sampler)
    assert sampler.epoch == 2
    list(left_over)  # an older iteration moves nothing any more
    assert sampler.epoch == 2
    assert list(chain(*whole)) == epoch_order(dataset(100), 1)


@pytest.mark.parametrize("kind", [iter, lambda sampler: iter(sampler.keys())])
def test_an_iteration_stays_where_it_was_begun(kind: Any) -> None:
    sampler = mk.Sampler(dataset(37), 4)
    first, late, other = (sampler.state_dict(batches=batches) for batches in (0, 7, 30))
    for state, elsewhere, left in ((late, other, 3), (first, late, 10)):
        sampler.load_state_dict(state)
        expected = list(kind(sampler))
        sampler.load_state_dict(state)
        begun = kind(sampler)
        sampler.load_state_dict(elsewhere)
        assert list(begun) == expected
        assert len(expected) == left
        assert sampler.state_dict() == elsewhere


def test_a_key_says_all_of_a_batch() -> None:
    ds = dataset(100)
    for options in ({}, {"rank": 1, "world": 3}, {"worker": 1, "workers": 2}, {"drop_last": True}):
        loader = mk.Loader(ds, 7, columns=["index"], **options)
        copy, keys = pickle.loads(pickle.dumps(loader)), loader.keys()
        for place in ((0, 0), (1, 0), (5, 42)):
            loader.load_state_dict({**loader.state_dict(batches=0), "epoch": place[0], "position": place[1]})
            expected = [batch.index.tolist() for batch in copied(loader)]
            assert len(keys) == len(expected)
            assert [copy[key].index.tolist() for key in keys] == expected
            assert loader.epoch == place[0] + 1
    assert list(islice(mk.Sampler(dataset(None), 3).keys(), 2)) == [(0, 0, 0), (0, 0, 1)]
    sampler = mk.Sampler(ds, 30)
    for key in ((0, 0), (0, 0, -1), (0, 0, 4), (0, 90, 1), (0, 130, 0), (0, 0, 0, 0)):
        with pytest.raises(IndexError, match=r"is no key of a batch|^batch . of . from position"):
            sampler[key]


def copied(loader: mk.Loader) -> mk.Loader:
    """A loader that stands where that one stands, so that iterating moves this one alone."""
    return pickle.loads(pickle.dumps(loader))


def test_a_data_set_without_end_is_read_in_order() -> None:
    ds = dataset(None)
    ranks = [mk.Sampler(ds, 3, rank=rank, world=2) for rank in range(2)]
    assert [list(islice(rank, 2)) for rank in ranks] == [[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]]]
    later = mk.Sampler(ds, 5)
    later.load_state_dict(ranks[1].state_dict(batches=10**9))
    assert next(iter(later)) == list(range(6 * 10**9, 6 * 10**9 + 5))
    with pytest.raises(TypeError, match="no number of batches"):
        len(later)
    with pytest.raises(TypeError, match="leave shuffle out"):
        mk.Sampler(ds, 3, shuffle=True)


# ---- going on -------------------------------------------------------------------------------------------------------


def consume(sampler: Any, layout: tuple[int, int, int], batches: int) -> tuple[list[list[int]], dict[str, int]]:
    """The steps of a job of (batch size, ranks, workers) from a state, and the state that it leaves.

    Each rank's workers are read in turn, as a loader with worker processes reads them, and read ahead: they are asked
    for more batches than are used.
    """
    batch, world, workers = layout
    taken: list[list[list[int]]] = []
    for rank in range(world):
        readers = []
        for worker in range(workers):
            reader = mk.Sampler(sampler.source, batch, rank=rank, world=world, worker=worker, workers=workers)
            reader.load_state_dict(sampler.state_dict())
            readers.append(reader)
        taken.append(in_turn(readers, batches))
    steps = [list(chain(*(rank[s] for rank in taken))) for s in range(batches)]
    counting = mk.Sampler(sampler.source, batch, rank=world - 1, world=world)
    counting.load_state_dict(sampler.state_dict())
    return steps, counting.state_dict(batches=batches)


def in_turn(readers: list[mk.Sampler], batches: int) -> list[list[int]]:
    found: list[list[int]] = []
    while len(found) < batches:
        running = [iter(reader) for reader in readers]
        dealt = [next(running[s % len(running)], None) for s in range(sum(map(len, readers)))]
        assert all(next(one, None) is None for one in running)  # so that every worker knows that the epoch is over
        found += [batch for batch in dealt if batch is not None]
    return found[:batches]


LAYOUTS = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))


@given(size=st.integers(1, 50), jobs=st.lists(st.tuples(LAYOUTS, st.integers(0, 12)), min_size=1, max_size=6))
def test_no_restart_loses_or_repeats_an_example(size: int, jobs: list[tuple[tuple[int, int, int], int]]) -> None:
    ds = dataset(size)
    at = mk.Sampler(ds, 1)
    seen: list[int] = []
    for layout, batches in jobs:
        steps, state = consume(at, layout, batches)
        seen += chain(*steps)
        at.load_state_dict(json.loads(json.dumps(state)))
    epochs, rest = divmod(len(seen), size)
    expected = list(chain(*(epoch_order(ds, epoch) for epoch in range(epochs + 1))))
    assert seen == expected[: len(seen)]
    assert (state["epoch"], state["position"]) == (epochs, rest)


@pytest.mark.parametrize("kind", ["workers", "ranks", "both"])
@pytest.mark.parametrize("source", ["data set", "view", "shards"])
def test_one_then_three_then_two_twice(tmp_path: Any, kind: str, source: str) -> None:
    """1 -> 3 -> 2 readers, and once more, with restarts in the middle of epochs: each row exactly once per epoch."""
    ds: Any = dataset(1003)
    if source == "view":
        ds = ds.view("permuted", epoch=9)
    elif source == "shards":
        generate(ds.recipe, tmp_path / "d", format="arrow", shard_rows=100, seed=7)
        ds = mk.open(tmp_path / "d")
    at, seen = mk.Sampler(ds, 16), Counter[tuple[int, int]]()
    rows = 0
    for readers, batches in ((1, 41), (3, 17), (2, 40), (1, 90), (3, 7), (2, 35)):
        layout = (16, 1 if kind == "workers" else readers, 1 if kind == "ranks" else readers)
        steps, state = consume(at, layout, batches)
        for one in steps:
            seen.update((rows // 1003 + (k + rows % 1003) // 1003, index) for k, index in enumerate(one))
            rows += len(one)
        at.load_state_dict(state)
    assert set(seen.values()) == {1}
    for epoch in range(rows // 1003):
        assert {index for at_epoch, index in seen if at_epoch == epoch} == set(range(1003))
    assert (state["epoch"], state["position"]) == divmod(rows, 1003)
    assert rows > 2 * 1003


def test_the_state_says_what_iteration_has_given() -> None:
    ds = dataset(100)
    sampler = mk.Sampler(ds, 30)
    states = [sampler.state_dict(), *(sampler.state_dict() for _ in sampler)]
    assert [(state["epoch"], state["position"]) for state in states] == [(0, 0), (0, 30), (0, 60), (0, 90), (1, 0)]
    assert sampler.state_dict(batches=2) == states[2]
    assert all(type(value) is int for state in states for value in state.values())
    assert sampler.state_dict(batches=9)["epoch"] == 2
    other = mk.Sampler(ds, 7)
    other.load_state_dict(states[3])
    assert list(chain(*other)) == epoch_order(ds, 0)[90:]
    other.load_state_dict(states[4])
    assert list(chain(*other)) == epoch_order(ds, 1)


def test_reading_ahead_does_not_move_the_state_of_what_was_consumed() -> None:
    sampler = mk.Sampler(dataset(100), 10)
    list(sampler)  # a reader took the whole epoch, and the beginning of the next one
    list(islice(sampler, 3))
    assert sampler.state_dict(batches=4)["position"] == 40
    sampler.load_state_dict(sampler.state_dict(batches=4))
    assert sampler.state_dict(batches=4)["position"] == 80
    assert (sampler.state_dict(batches=6)["epoch"], sampler.state_dict(batches=6)["position"]) == (1, 0)


def test_set_epoch_begins_another_epoch_and_keeps_a_begun_one() -> None:
    ds = dataset(50)
    sampler = mk.Sampler(ds, 10)
    sampler.set_epoch(4)
    assert list(chain(*sampler)) == epoch_order(ds, 4)
    sampler.load_state_dict({**sampler.state_dict(), "epoch": 2, "position": 20})
    sampler.set_epoch(2)
    assert list(chain(*sampler)) == epoch_order(ds, 2)[20:]


def test_states_of_numpys_numbers_are_written_as_json() -> None:
    sampler = mk.Sampler(dataset(50), np.int64(10), seed=np.uint32(3), epoch=np.int8(1), world=np.int32(2))
    sampler.set_epoch(np.int64(3))  # type: ignore[arg-type]  # what a loop over `np.arange` gives
    state = json.loads(json.dumps(sampler.state_dict()))
    assert state["epoch"] == 3
    sampler.load_state_dict({**state, "position": np.int64(20)})
    assert json.loads(json.dumps(sampler.state_dict()))["position"] == 20


def test_states_of_something_else_are_refused() -> None:
    sampler = mk.Sampler(dataset(100), 10)
    state = sampler.state_dict()
    for other, problem in (
        (mk.Sampler(dataset(101), 10), "size is 100 there, 101 here"),
        (mk.Sampler(dataset(100), 10, seed=1), "seed is 7 there, 1 here"),
        (mk.Sampler(dataset(100), 10, shuffle=False), "shuffle is 1 there, 0 here"),
        (mk.Sampler(dataset(100, seed=8), 10, seed=7), "data is"),
    ):
        with pytest.raises(ValueError, match=problem):
            other.load_state_dict(state)
    for bad in ({}, {"version": 2}, {**state, "version": 2}, None, [1], {**state, "position": -1}):
        with pytest.raises(ValueError, match=r"not a state|at least 0"):
            sampler.load_state_dict(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="101 examples of 100"):
        sampler.load_state_dict({**state, "position": 101})
    with pytest.raises(ValueError, match="give batches="):
        mk.Sampler(dataset(100), 10, workers=2).state_dict()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"rank": 2, "world": 2}, "rank must be below world=2"),
        ({"worker": -1}, "worker must be at least 0"),
        ({"epoch": -1}, "epoch must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        mk.Sampler(dataset(10), **{"batch_size": 2, **options})


def test_batches_by_number() -> None:
    sampler = mk.Sampler(dataset(100), 30)
    assert [sampler[s] for s in range(4)] == list(sampler)
    sampler = mk.Sampler(dataset(100), 30)
    assert sampler[-1] == sampler[3]
    for outside in (4, -5):
        with pytest.raises(IndexError, match="of 4"):
            sampler[outside]


# ---- loaders --------------------------------------------------------------------------------------------------------


def test_a_loader_gives_the_examples_that_the_sampler_names() -> None:
    ds = dataset(100)
    for batch, indices in zip(mk.Loader(ds, 32), mk.Sampler(ds, 32), strict=True):
        assert batch.to_arrow().equals(ds.batch(indices).to_arrow())
    for batch, indices in zip(mk.Loader(ds, 32, columns=["word"]), mk.Sampler(ds, 32), strict=True):
        assert batch.columns == ("word",)
        assert batch.word.tolist() == ds.batch(indices).word.tolist()
    options = {"tokenizer": "characters", "side": "left", "pad": 3, "truncate": True}
    for made, indices in zip(mk.Loader(ds, 32, length=40, dtype=np.int64, **options), mk.Sampler(ds, 32), strict=True):
        expected = ds.padded(indices, 40, **options)
        assert made.ids.dtype == np.int64
        assert all(np.array_equal(*pair) for pair in zip(made, expected, strict=True))
    with pytest.raises(TypeError, match="give one of them"):
        mk.Loader(ds, 32, length=40, columns=["word"])
    with pytest.raises(TypeError, match=r"^pad, dtype: of padded arrays, which need length"):
        mk.Loader(ds, 32, pad=0, dtype=np.int64)
    with pytest.raises(TypeError, match="foo"):
        mk.Loader(ds, 32, foo=1)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        mk.Sampler(ds, 32, seed=-1)


@pytest.mark.parametrize("batch", [1, 7, 32, 100, 300])
@pytest.mark.parametrize("options", [{}, {"rank": 1, "world": 3}, {"worker": 1, "workers": 2}, {"shuffle": False}])
def test_arrays_made_several_at_a_time_are_those_made_alone(batch: int, options: dict[str, Any]) -> None:
    ds = dataset(300)
    loader = mk.Loader(ds, batch, length=40, truncate=True, **options)
    alone = [loader[s] for s in range(len(loader))]
    for made, expected in zip(loader, alone, strict=True):
        assert made.ids.flags.c_contiguous
        assert all(np.array_equal(*pair) for pair in zip(made, expected, strict=True))


def test_small_arrays_are_made_several_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    padded = mk.Dataset.padded

    def counted(ds: mk.Dataset, rows: Any, *args: Any, **options: Any) -> Any:
        asked.append(len(rows))
        return padded(ds, rows, *args, **options)

    monkeypatch.setattr(mk.Dataset, "padded", counted)
    list(mk.Loader(dataset(1000), 64, length=100, truncate=True))
    assert asked == [0, 320, 320, 320, 40]


def test_an_array_that_cannot_be_made_is_an_error_in_its_turn() -> None:
    recipe = mk.Recipe.load("paper/no-op").replace({"words.length": [50, 60], "examples": 200})
    loader = mk.Loader(mk.Dataset(recipe, seed=7), 4, length=162)
    sizes = loader.source.tokens(range(200), "bytes").lengths()
    order = np.concatenate([*mk.Sampler(loader.source, 4)])
    first = int(np.argmax(sizes[order] > 162)) // 4
    batches = iter(loader)
    assert first > 0
    assert len(list(islice(batches, first))) == first
    state = loader.state_dict()
    long = order[first * 4 : first * 4 + 4][sizes[order[first * 4 : first * 4 + 4]] > 162][0]
    with pytest.raises(ValueError, match=f"^example {long} has {sizes[long]} tokens, more than length 162"):
        next(batches)
    assert loader.state_dict() == state


def test_loaders_pickle_with_where_they_stand() -> None:
    loader = mk.Loader(dataset(100), 30, length=80)
    list(loader)
    list(islice(loader, 2))
    again = pickle.loads(pickle.dumps(loader))
    assert again.state_dict() == loader.state_dict()
    assert again.epoch == 1
    assert np.array_equal(again[1].ids, loader[1].ids)
    assert repr(again) == repr(loader)
    assert repr(loader.keys()) == f"<Keys of {loader!r}>"


def test_a_loader_takes_all_that_a_sampler_does() -> None:
    of_sampler, of_loader = (dict(signature(kind).parameters) for kind in (mk.Sampler, mk.Loader))
    assert {name: of_loader[name] for name in of_sampler} == of_sampler


def test_a_state_passes_between_a_data_set_and_its_shards(tmp_path: Any) -> None:
    ds = dataset(300)
    generate(ds.recipe, tmp_path / "d", shard_rows=100, seed=7)
    shards = mk.open(tmp_path / "d")
    ours, theirs = mk.Loader(ds, 32, columns=["prompt"]), mk.Loader(shards, 32, columns=["prompt"])
    theirs.load_state_dict(ours.state_dict(batches=5))
    assert [b.prompt.tolist() for b in theirs] == [ours[s].prompt.tolist() for s in range(5, len(ours))]


@pytest.mark.parametrize(("asked", "message"), [
    ({"columns": ["words"]}, "unknown column 'words'"),
    ({"length": 144, "side": "up"}, "side must be 'right' or 'left'"),
    ({"length": 144, "dtype": "U3"}, "ids must be integers"),
    ({"length": 144, "pad": -5}, "cannot hold -5"),
])  # fmt: skip
def test_what_no_batch_can_have_is_refused_before_the_first(asked: dict[str, object], message: str) -> None:
    ds = mk.Dataset(mk.Recipe.load("paper/no-op").replace(examples=10), seed=7)
    with pytest.raises(ValueError, match=message):
        mk.Loader(ds, 4, **asked)  # type: ignore[arg-type]


# ---- bins -----------------------------------------------------------------------------------------------------------


def packed(examples: int = 300, window: int = 32, **options: Any) -> Packed:
    return dataset(examples).packed("bytes", 64, window, **options)


@given(batch=st.integers(1, 9), world=st.integers(1, 3), workers=st.integers(1, 3), epoch=st.integers(0, 2))
def test_an_epoch_has_every_bin_once(batch: int, world: int, workers: int, epoch: int) -> None:
    bins, places = packed(), {"batch_size": batch, "epoch": epoch, "world": world, "workers": workers}
    ranks = [[mk.Sampler(bins, rank=r, worker=w, **places) for w in range(workers)] for r in range(world)]
    steps = range(len(mk.Sampler(bins, batch, world=world)))
    order = [b for s in steps for rank in ranks for b in rank[s % workers][s // workers]]
    assert sorted(order) == list(range(len(bins)))
    assert order == list(chain(*mk.Sampler(bins, batch, epoch=epoch)))


def test_bins_for_one_then_three_then_two_workers_and_ranks() -> None:
    bins = packed(1003)
    for ranks, workers in (((1, 3, 2), (1, 1, 1)), ((1, 1, 1), (1, 3, 2)), ((1, 3, 2), (1, 3, 2))):
        at, seen = mk.Sampler(bins, 4), list[int]()
        for world, readers, batches in zip(ranks * 2, workers * 2, (11, 5, 9, 40, 20, 8), strict=True):
            steps, state = consume(at, (4, world, readers), batches)
            seen += chain(*steps)
            at.load_state_dict(json.loads(json.dumps(state)))
        size, epochs = len(bins), len(seen) // len(bins)
        assert epochs >= 1
        expected = list(chain(*(chain(*mk.Sampler(bins, 4, epoch=epoch)) for epoch in range(epochs + 1))))
        assert seen == expected[: len(seen)]
        assert all(sorted(expected[e * size : (e + 1) * size]) == list(range(size)) for e in range(epochs))
        assert expected[:size] != expected[size : 2 * size]


def test_a_loader_gives_the_bins_that_the_sampler_names() -> None:
    bins = packed(split=True)
    rows = list(mk.Sampler(bins, 8))
    for batch, numbers in zip(mk.Loader(bins, 8, dtype=np.int64), rows, strict=True):
        stacked = bins.bins(numbers)
        assert batch._fields == ("ids", "position_ids", "loss_mask", "document_ids")
        assert all(np.array_equal(array, getattr(stacked, name)) for name, array in batch._asdict().items())
        assert batch.ids.dtype == np.int64
        assert batch.ids.shape == batch.loss_mask.shape == (len(numbers), 64)
    assert mk.Loader(bins, 8)[0].ids.dtype == np.uint16
    assert [bin.examples.tolist() for bin in bins.__getitems__(rows[0])] == [bins[b].examples.tolist() for b in rows[0]]
    assert len(mk.Loader(bins, 8, drop_last=True)) == len(bins) // 8


def test_states_of_bins_are_of_one_packing() -> None:
    loader = mk.Loader(packed(), 8)
    list(islice(loader, 3))
    again = pickle.loads(pickle.dumps(loader))
    assert (repr(again), again.state_dict()) == (repr(loader), loader.state_dict())
    assert np.array_equal(again[1].ids, loader[1].ids)
    assert "bins of 64 tokens" in repr(loader)
    same = mk.Loader(packed(), 8)
    same.load_state_dict(loader.state_dict(batches=3))
    assert np.array_equal(same[0].ids, loader[3].ids)
    assert packed() == packed()
    assert len({packed(), packed(), packed(window=31), packed(split=True), packed(299)}) == 4
    for other in (packed(window=31), packed(299)):
        with pytest.raises(ValueError, match="another order of bins"):
            mk.Loader(other, 8).load_state_dict(loader.state_dict())
    with pytest.raises(ValueError, match="another order of examples"):
        mk.Sampler(dataset(300), 8).load_state_dict(loader.state_dict())


def test_what_is_not_of_bins_is_refused() -> None:
    bins = packed()
    with pytest.raises(TypeError, match=r"^columns, length, side: of examples, and batches of a packed"):
        mk.Loader(bins, 8, columns=["word"], length=64, side="left")
    with pytest.raises(TypeError, match=r"^threads: of examples"):
        mk.Loader(bins, 8, threads=2)
    with pytest.raises(ValueError, match="ids must be integers"):
        mk.Loader(bins, 8, dtype="U3")
    with pytest.raises(ValueError, match="ids is uint8, which cannot hold 256"):
        mk.Loader(dataset(100).packed(ByteTokenizer(eos="</s>"), 64), 8, dtype=np.uint8)[0]
    with pytest.raises(ValueError, match=r"has not one batch for 1 ranks of 1000 bins"):
        mk.Sampler(bins, 1000, drop_last=True)
    with pytest.raises(TypeError, match="must be a data set, or a packed one, got 'DIR'"):
        mk.Sampler("DIR", 8)  # type: ignore[arg-type]


def test_splits_have_their_own_orders_of_bins() -> None:
    changes = {"words.length": 30, "eval.examples": 400, "examples": 400, "instructions": 50}
    recipe = mk.Recipe.load("paper/no-op").replace(changes)
    one, other = (mk.Sampler(mk.Dataset(recipe, 1, split).packed("bytes", 256), 4) for split in ("train", "unseen"))
    assert list(one)[:2] != list(other)[:2]
