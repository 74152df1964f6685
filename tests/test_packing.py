"""Packing: bins against a plain first fit, nothing lost or doubled, any bin on its own."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib import _tokens
from markovlib.packing import Bin, Bins, Packed
from markovlib.tokens import ByteTokenizer, CharacterTokenizer

BASE = mk.Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 3, "rules.replacement_length": 2, "words.length": [5, 60]}, examples=1000
)
DATA = mk.Dataset(BASE, seed=1)
TOKENIZER = ByteTokenizer(bos="<s>", eos="</s>", pad="<pad>")


def first_fit(sizes: list[int], length: int) -> list[int]:
    """The bin of each, -1 for what fits in none."""
    room: list[int] = []
    bins = []
    for size in sizes:
        if size > length:
            bins.append(-1)
            continue
        bin = next((b for b, left in enumerate(room) if left >= size), len(room))
        if bin == len(room):
            room.append(length)
        room[bin] -= size
        bins.append(bin)
    return bins


@given(st.lists(st.lists(st.integers(0, 30), max_size=40), max_size=5), st.integers(1, 40))
def test_first_fit_against_plain_python(windows: list[list[int]], length: int) -> None:
    sizes = np.array([size for window in windows for size in window], np.int64)
    bounds = np.cumsum([0, *map(len, windows)])
    bin, bins = _tokens.first_fit(sizes, bounds, length)
    expected = [first_fit(window, length) for window in windows]
    assert bin.tolist() == [number for window in expected for number in window]
    assert bins.tolist() == [max(window, default=-1) + 1 for window in expected]


def plain_bins(
    length: int, window: int, split: bool, ds: mk.Dataset = DATA
) -> list[list[tuple[int, list[int], list[int]]]]:
    """Each bin as a list of (example, ids, mask)."""
    tokens = [(ids.tolist(), mask.tolist()) for ids, mask in ds.tokens(range(len(ds)), TOKENIZER)]
    bins: list[list[tuple[int, list[int], list[int]]]] = []
    for start in range(0, len(tokens), window):
        sequences = []
        for i, (ids, mask) in enumerate(tokens[start : start + window], start):
            step = length if split else max(len(ids), 1)
            sequences += [(i, ids[k : k + step], mask[k : k + step]) for k in range(0, max(len(ids), 1), step)]
        places = first_fit([len(ids) for _, ids, _ in sequences], length)
        opened: list[list[tuple[int, list[int], list[int]]]] = [[] for _ in range(max(places) + 1)]
        for place, sequence in zip(places, sequences, strict=True):
            if place >= 0:
                opened[place].append(sequence)
        bins += opened
    return bins


def check_bin(bin: Bin, expected: list[tuple[int, list[int], list[int]]], length: int) -> None:
    ids = [token for _, part, _ in expected for token in part]
    rest = length - len(ids)
    assert bin.ids.tolist() == ids + [TOKENIZER.pad] * rest
    assert bin.loss_mask.tolist() == [bit for _, _, part in expected for bit in part] + [0] * rest
    assert bin.position_ids.tolist() == [k for _, part, _ in expected for k in range(len(part))] + [0] * rest
    assert bin.document_ids.tolist() == [d for d, (_, part, _) in enumerate(expected) for _ in part] + [-1] * rest
    assert bin.cu_seqlens.tolist() == np.cumsum([0, *(len(part) for _, part, _ in expected)]).tolist()
    assert bin.examples.tolist() == [i for i, _, _ in expected]


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("length", "window"), [(256, 64), (100, 1024), (130, 7), (90, 1), (40, 100)])
def test_bins_against_plain_python(length: int, window: int, split: bool) -> None:
    packed = DATA.packed(TOKENIZER, length, window, split=split)
    expected = plain_bins(length, window, split)
    assert len(packed) == len(expected)
    for bin, sequences in zip(packed, expected, strict=True):
        check_bin(bin, sequences, length)
    for b in (0, len(packed) // 2, len(packed) - 1, -1):
        check_bin(packed[b], expected[b], length)
    assert packed[0].ids.dtype == np.uint16
    assert (packed[0].position_ids.dtype, packed[0].cu_seqlens.dtype) == (np.int32, np.int32)


@pytest.mark.parametrize("split", [False, True])
def test_nothing_is_lost_or_doubled(split: bool) -> None:
    length = 110
    packed = DATA.packed(TOKENIZER, length, 50, split=split)
    sizes = DATA.tokens(range(len(DATA)), TOKENIZER).lengths()
    long = sizes > length
    assert 0 < long.sum() < len(sizes)
    held = Counter(int(i) for bin in packed for i in bin.examples)
    if split:
        assert held == {i: -(-int(size) // length) for i, size in enumerate(sizes)}
    else:
        assert held == {int(i): 1 for i in np.flatnonzero(~long)}
    report = packed.report()
    tokens = int(sizes.sum() if split else sizes[~long].sum())
    assert sum(int((bin.document_ids >= 0).sum()) for bin in packed) == tokens
    assert report == {
        "examples": 1000,
        "bins": len(packed),
        "tokens": int(sizes.sum()),
        "dropped_examples": 0 if split else int(long.sum()),
        "dropped_tokens": 0 if split else int(sizes[long].sum()),
        "split_examples": int(long.sum()) if split else 0,
        "sequences": sum(held.values()),
        "dropped": 0 if split else long.sum() / 1000,
        "padding": pytest.approx(1 - tokens / (len(packed) * length)),
    }


def same(one: Any, other: Any) -> bool:
    names = type(one)._fields if isinstance(one, Bin) else type(one).__slots__
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_any_bins_in_any_order() -> None:
    packed = DATA.packed(TOKENIZER, 200, 64)
    alone = list(packed)
    numbers = np.random.default_rng(1).integers(-len(packed), len(packed), 80)
    some = packed.bins(numbers)
    assert isinstance(some, Bins)
    assert some.ids.shape == (80, 200)
    for bin, number in zip(some, numbers, strict=True):
        assert same(bin, alone[number])
    part = packed[3:40:5]
    assert [same(bin, alone[b]) for bin, b in zip(part, range(3, 40, 5), strict=True)] == [True] * len(part)
    assert same(packed[[4, 2]][1], alone[2])
    assert packed[5:5].ids.shape == (0, 200)
    for wrong in (len(packed), -len(packed) - 1):
        with pytest.raises(IndexError, match=f"bin {wrong} of {len(packed)}"):
            packed[wrong]
        with pytest.raises(IndexError, match=f"bin {wrong} of {len(packed)}"):
            packed.bins([0, wrong])


def test_the_index_is_kept_and_checked(tmp_path: Path) -> None:
    packed = DATA.packed(TOKENIZER, 120, 64)
    assert packed.index.nbytes == 8 * (-(-1000 // 64) + 1)
    path = tmp_path / "index.npz"
    packed.save(path)
    again = DATA.packed(TOKENIZER, 120, 64, index=path)
    for copy in (again, pickle.loads(pickle.dumps(packed))):
        assert isinstance(copy, Packed)
        assert (len(copy), copy.report()) == (len(packed), packed.report())
        assert same(copy[7], packed[7])
    with pytest.raises(ValueError, match=r"index\.npz: is the index of another packing: length, window differ"):
        DATA.packed(TOKENIZER, 121, 65, index=path)
    with pytest.raises(ValueError, match="tokenizer differ"):
        DATA.packed(ByteTokenizer(), 120, 64, index=path)
    with pytest.raises(ValueError, match="data, examples differ"):
        mk.Dataset(BASE.replace(examples=999), seed=1).packed(TOKENIZER, 120, 64, index=path)


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    packed, path = DATA.packed(TOKENIZER, 120, 64), tmp_path / "index.npz"
    packed.save(path)
    with np.load(path) as stored:
        whole = dict(stored)
    index = packed.index
    for damaged in (index[:-1], index + 1, index[::-1], index.astype(float), index.reshape(1, -1)):
        np.savez(path, **{**whole, "first": damaged})
        with pytest.raises(ValueError, match=r"index\.npz: is damaged: it does not count the bins of 16 windows"):
            DATA.packed(TOKENIZER, 120, 64, index=path)
    np.savez(path, **{**whole, "first": np.arange(17)})
    with pytest.raises(ValueError, match=f"window 5 has {index[6] - index[5]} bins, and the index counts 1"):
        DATA.packed(TOKENIZER, 120, 64, index=path)[5]


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_index_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"index\.npz: is not an index that Packed\.save wrote"):
        DATA.packed(TOKENIZER, 120, 64, index=path)


def test_an_archive_that_is_no_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    for arrays in ({"first": np.arange(3)}, {"first": np.arange(3), "about": np.array("[]")}):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=r"index\.npz: is not an index that Packed\.save wrote"):
            DATA.packed(TOKENIZER, 120, 64, index=path)


def test_bins_have_whole_numbers() -> None:
    packed = DATA.packed(TOKENIZER, 120, 64)
    for wrong in (1.5, "1", [0.5], [[0]]):
        with pytest.raises(TypeError, match="flat sequence of integers"):
            packed[wrong]


def test_threads_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = DATA.packed(TOKENIZER, 120, 64, threads=1)
    monkeypatch.setattr("markovlib.packing._EXAMPLES_AT_ONCE", 130)
    two = DATA.packed(TOKENIZER, 120, 64, threads=2)
    assert np.array_equal(one.index, two.index)
    assert one.report() == two.report()
    assert same(one[11], two[11])


def test_data_sets_without_an_end() -> None:
    ds = mk.Dataset(BASE.replace(examples=None), seed=1)
    with pytest.raises(ValueError, match="unbounded; give examples="):
        ds.packed(TOKENIZER, 120)
    packed = ds.packed(TOKENIZER, 120, 64, examples=200)
    assert sum(len(bin.examples) for bin in packed) + packed.report()["dropped_examples"] == 200


def test_what_cannot_be_packed() -> None:
    for arguments, message in (
        ({"length": 0}, "length must be at least 1"),
        ({"length": 9, "window": 0}, "window must be at least 1"),
        ({"length": 9, "examples": 1001}, "examples must be between 0 and 1000"),
        ({"length": 9, "examples": -1}, "examples must be between 0 and 1000"),
    ):
        with pytest.raises(ValueError, match=message):
            DATA.packed(TOKENIZER, **arguments)
    for arguments in ({"length": 64.0}, {"length": 64, "window": 8.0}, {"length": 64, "examples": 10.0}):
        with pytest.raises(TypeError, match="integer"):
            DATA.packed(TOKENIZER, **arguments)
    shortest = int(DATA.tokens(range(len(DATA)), TOKENIZER).lengths().min())
    problem = f"no example fits into a bin of {shortest - 1} tokens: the shortest of 1000 has {shortest}"
    with pytest.raises(ValueError, match=problem):
        DATA.packed(TOKENIZER, shortest - 1, 64)
    assert len(DATA.packed(TOKENIZER, shortest - 1, split=True)) > 1000
    nothing = DATA.packed(TOKENIZER, 100, examples=0)
    assert (len(nothing), list(nothing), nothing.report()["dropped"], nothing.report()["padding"]) == (0, [], 0, 0)


def test_what_was_dropped_is_shown() -> None:
    packed = DATA.packed(TOKENIZER, 100)
    dropped = packed.report()["dropped_examples"]
    assert repr(packed) == f"<Packed: 1000 examples in {len(packed)} bins of 100 tokens, {dropped} dropped>"
    assert "dropped" not in repr(DATA.packed(TOKENIZER, 200))


def test_no_document_begins_with_a_loss() -> None:
    """With `bos`, the token that a shifted loss would predict from the document before is never counted."""
    packed = DATA.packed(CharacterTokenizer.of(BASE, bos="<s>", eos="</s>"), 256)
    bins = packed[:]
    assert not bins.loss_mask[bins.position_ids == 0].any()
    assert bins.loss_mask.any()


class OthersTokenizer(ByteTokenizer):
    """Somebody's, whose arrays do not fit one another."""

    def tokens(self, *args: Any, **options: Any) -> mk.tokens.Tokens:
        made = super().tokens(*args, **options)
        return replace(made, **self.change(made))

    change: Callable[[mk.tokens.Tokens], dict[str, Any]]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda made: {"loss_mask": made.loss_mask[:1].copy()}, "do not fit their ids"),
        (lambda made: {"offsets": made.offsets[::-1].copy()}, "do not fit their ids"),
        (lambda made: {"ids": made.ids.astype(np.int64)}, "ids must be uint16 or uint32"),
        (lambda made: {"offsets": made.offsets[:-1]}, "999 sequences of 1000 examples"),
    ],
)
def test_what_a_tokenizer_makes_is_checked(change: Any, problem: str) -> None:
    class Tokenizer(OthersTokenizer):
        pass

    Tokenizer.change = staticmethod(change)  # type: ignore[method-assign,assignment]
    with pytest.raises(ValueError, match=problem):
        DATA.packed(Tokenizer(), 64)


def test_want_of_memory() -> None:
    _tokens.fail_allocations_after(0)
    try:
        with pytest.raises(MemoryError):
            _tokens.first_fit(np.ones(3, np.int64), np.array([0, 3]), 4)
    finally:
        _tokens.fail_allocations_after(-1)


def test_the_shortest_of_all_windows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markovlib.packing._EXAMPLES_AT_ONCE", 64)
    recipe = mk.Recipe.load("paper/no-op").replace({"words.length": [30, 60], "examples": 65, "instructions": 5})
    ds = mk.Dataset(recipe, 1)
    with pytest.raises(ValueError, match=f"has {ds.tokens(range(65), 'chars').lengths().min()};"):
        ds.packed("chars", 16, window=8)
