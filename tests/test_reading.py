"""Folders of shards as data sets: the same rows in any order, by any way, and one clear error where a file is not."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import shutil
import struct
import threading
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from effort import slow_but, tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib import _gather
from markovlib.diversity import diversity
from markovlib.examples import COLUMNS
from markovlib.leakage import leakage
from markovlib.packing import Packed
from markovlib.shards import digest, manifest, pieces
from markovlib.shards.exporting import export
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.generation import generate
from markovlib.tokens import ByteTokenizer

ROWS, SHARD_ROWS, BLOCK = 1000, 300, 128
FORMATS = ["arrow", "parquet", "jsonl", "mds"]
SMALL = {"rules.pattern_length": 3, "rules.replacement_length": [0, 4], "words.length": [5, 12], "eval.examples": 60}
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("paper/no-op", {**SMALL, "rules.alphabet": "αβγδε"}),
    "bytes": ("paper/no-op", {**SMALL, "rules.alphabet": {"bytes": [0, 255]}, "words.no_op": 0.5}),
    "several rules": ("first-rewrite", {}),
    "trace": ("trace", {}),
    "induce": ("induce", {}),
    "cipher": ("paper/encrypted", {}),
}


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Any:
    """Blocks so small that a thousand rows have many."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (digest, pieces):
            patch.setattr(module, "BLOCK_ROWS", BLOCK)
        yield


class Case:
    """A data set, and the same in shards."""

    def __init__(self, folder: Path, name: str, layout: str) -> None:
        preset, changes = RECIPES[name]
        self.recipe = mk.Recipe.load(preset).replace({"instructions": 50, **changes}, examples=ROWS)
        self.path = folder
        generate(self.recipe, folder, seed=7, format=layout, shard_rows=SHARD_ROWS)
        self.ds = mk.Dataset(self.open().recipe, seed=7)

    def open(self, **options: Any) -> Any:
        return mk.open(self.path, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cases: dict[tuple[str, str], Case] = {}

    def get(name: str = "text", layout: str = "arrow") -> Case:
        if (name, layout) not in cases:
            cases[name, layout] = Case(tmp_path_factory.mktemp("shards") / "data", name, layout)
        return cases[name, layout]

    return get


@pytest.fixture
def copy(made: Any, tmp_path: Path) -> Any:
    """A folder of shards that a test may spoil."""

    def get(layout: str = "arrow", name: str = "text") -> Path:
        return Path(shutil.copytree(made(name, layout).path, tmp_path / f"{layout}-{name}".replace(" ", "-")))

    return get


# ---- the same rows --------------------------------------------------------------------------------------------------


# Every recipe, and every format with rows of every form: the other pairs are for `make test-slow`.
QUICK = [(name, layout) for name in RECIPES for layout in FORMATS if layout == "arrow" or name in ("text", "induce")]


@pytest.mark.parametrize("pair", slow_but(QUICK, product(RECIPES, FORMATS)), ids="-".join)
def test_rows_are_those_of_the_data_set(made: Any, pair: tuple[str, str]) -> None:
    case = made(*pair)
    shards, ds = case.open(), case.ds
    assert (len(shards), shards.size, shards.columns, shards.text) == (ROWS, ROWS, ds.columns, ds.text)
    rng = np.random.default_rng(1)
    for rows in (
        rng.integers(0, ROWS, 257), rng.permutation(ROWS), range(130, 200), range(0, ROWS), range(0, ROWS, 7),
        range(ROWS - 1, -1, -3), range(299, 301), range(5), range(0), [], [-1, 0, -ROWS], np.array([4], np.uint8),
        np.arange(20)[::3],
    ):  # fmt: skip
        found = shards.batch(rows)
        assert found.to_arrow().equals(ds.batch(rows).to_arrow())
        assert found.examples()[::7] == [found[i] for i in range(0, len(found), 7)]
    assert [*shards.batch(range(0, ROWS, 9)).examples()] == [shards[i] for i in range(0, ROWS, 9)]
    for i in (0, 127, 128, 299, 300, ROWS - 1, -1):
        assert shards[i] == ds.batch([i])[0]
        assert all(getattr(shards[i], column) == getattr(ds[i], column) for column in shards.columns)
    assert shards.__getitems__([3, 999, 128]) == [shards[3], shards[999], shards[128]]


@settings(max_examples=tries(60))
@given(data=st.data())
def test_any_rows_and_any_columns(made: Any, data: st.DataObject) -> None:
    case = made(data.draw(st.sampled_from(["text", "bytes", "several rules"])), data.draw(st.sampled_from(FORMATS)))
    rows = data.draw(st.lists(st.integers(-ROWS, ROWS - 1), max_size=40))
    columns = data.draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=6, unique=True))
    room = data.draw(st.sampled_from([1, 10**5, 10**9]))
    found = case.open(memory=room).batch(rows, columns)
    assert found.columns == tuple(columns)
    assert found.to_arrow().equals(case.ds.batch(rows, columns).to_arrow())


@pytest.mark.parametrize("layout", FORMATS)
def test_the_interface_of_data_sets(made: Any, layout: str) -> None:
    case = made("text", layout)
    shards, ds = case.open(), case.ds
    assert shards[2:9].to_arrow().equals(ds[2:9].to_arrow())
    assert shards[[5, 2]].to_arrow().equals(ds[[5, 2]].to_arrow())
    assert shards[np.int64(4)] == shards[4]
    assert list(shards) == [example for batch in ds.batches(100) for example in batch]
    parts = list(shards.batches(300, columns=["word", "index"]))
    assert [len(part) for part in parts] == [300, 300, 300, 100]
    assert pa.Table.from_batches([part.to_arrow() for part in parts]).equals(
        pa.Table.from_batches([ds.batch(range(ROWS), ["word", "index"]).to_arrow()]).combine_chunks()
    )
    assert (shards.seed, shards.split, shards.recipe) == (ds.seed, ds.split, ds.recipe)
    assert (shards.fingerprint, shards.strata) == (ds.fingerprint, ds.strata)
    assert shards.known_columns == shards.columns


def test_what_is_not_there_is_said(made: Any) -> None:
    shards = made().open()
    for outside in (ROWS, -ROWS - 1):
        with pytest.raises(IndexError, match=f"example {outside} of a data set of {ROWS}"):
            shards[outside]
        with pytest.raises(IndexError, match=f"example {outside} of"):
            shards.batch([0, outside])
    with pytest.raises(IndexError, match=f"of a data set of {ROWS}"):
        shards.batch(range(990, 1001))
    with pytest.raises(IndexError, match=f"of a data set of {ROWS}"):
        shards.batch(np.array([2**64 - 1], np.uint64))
    with pytest.raises(ValueError, match=r"no column 'trace'; theirs are index, prompt"):
        shards.batch([0], ["trace"])
    with pytest.raises(ValueError, match="name at least one column"):
        shards.batch([0], [])
    for wrong in ([0.5], [[1]], ["a"]):
        with pytest.raises(TypeError, match="indices must be"):
            shards.batch(wrong)
    with pytest.raises(ValueError, match="size must be at least 1"):
        shards.batches(0)


def test_some_columns(tmp_path: Path) -> None:
    recipe = mk.Recipe.load("first-rewrite").replace(examples=200)
    generate(recipe, tmp_path / "a", columns=["completion", "pattern", "prompt"], format="arrow")
    shards, ds = mk.open(tmp_path / "a"), mk.Dataset(recipe)
    assert shards.columns == ("prompt", "completion", "pattern")
    example = shards[5]
    assert (example.prompt, example.pattern, example.word, example.rules) == (ds[5].prompt, ds[5].pattern, None, None)
    assert shards.batch(range(200)).to_arrow().equals(ds.batch(range(200), shards.columns).to_arrow())
    assert any(pattern is None for pattern in (one.pattern for one in shards))


# ---- what works over any source -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["arrow", "parquet"])
def test_views_scores_tokens_and_packing_work_over_shards(made: Any, layout: str, tmp_path: Path) -> None:
    case = made("text", layout)
    shards, ds = case.open(), case.ds
    for order in ("permuted", "length", "position", [5, 1, 900]):
        assert shards.view(order)[:50].to_arrow().equals(ds.view(order)[:50].to_arrow())
    phases = mk.View.phases([(100, shards), (150, ds)])
    assert phases[95:105].word.tolist() == ds[[*range(95, 100), *range(5)]].word.tolist()
    answers = [ds[0].completion, "?", ds[2].word]
    assert shards.scores(range(3), answers).labels.tolist() == ds.scores(range(3), answers).labels.tolist()
    assert shards.score(1, ds[1].completion) == 1.0
    for mine, theirs in zip(shards.tokens([7, 3], "bytes"), ds.tokens([7, 3], "bytes"), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(mine, theirs, strict=True))
    packed = ds.packed("characters", 128)
    packed.save(tmp_path / "index.npz")
    ours = shards.packed("characters", 128, index=tmp_path / "index.npz")
    assert isinstance(ours, Packed)
    assert np.array_equal(ours.bins([3, 0]).ids, packed.bins([3, 0]).ids)
    assert leakage(shards, ds)["rows"].shared == leakage(ds, ds)["rows"].shared
    assert diversity(shards).to_dict()["instructions"] == diversity(ds).to_dict()["instructions"]


def test_padded_into_the_callers_buffers(made: Any) -> None:
    tokenizer = ByteTokenizer(bos="<s>", eos="</s>")
    for source in (made().open(), made().ds, made().ds.view("permuted")):
        ids, mask = np.empty((3, 90), np.int64), np.empty((3, 90), bool)
        padded = source.padded([4, 0, 9], 90, tokenizer, side="left", attention_mask=mask, ids=ids)
        expected = source.tokens([4, 0, 9], tokenizer).padded(90, side="left")
        assert padded.ids is ids
        assert padded.attention_mask is mask
        assert all((a == b).all() for a, b in zip(padded, expected, strict=True))
        assert source.padded([4], 5, truncate=True).ids.shape == (1, 5)
        assert source.__getitems__([4, 0]) == [source[4], source[0]]


def test_an_export_of_what_was_exported_is_the_same(made: Any, tmp_path: Path) -> None:
    export(made("several rules", "parquet").path, tmp_path / "a", format="arrow", shard_rows=77)
    copied, first = mk.open(tmp_path / "a"), made("several rules", "parquet").open()
    assert copied == first
    assert hash(copied) == hash(first)
    assert copied.batch(range(ROWS)).to_arrow().equals(first.batch(range(ROWS)).to_arrow())


@pytest.mark.parametrize("layout", ["arrow", "parquet"])
def test_a_mixture_that_was_written(tmp_path: Path, layout: str) -> None:
    sources = [{"name": "one", "recipe": "paper/no-op", "ratio": 3}, {"name": "two", "recipe": "trace", "ratio": 1}]
    mixture = mk.Mixture(mk.MixtureRecipe.from_dict({"examples": 400, "sources": sources}), seed=7)
    mixture.write(tmp_path / "a", format=layout, shard_rows=150)
    shards = mk.open(tmp_path / "a")
    for rows in (range(400), [5, 399, -3], range(10, 20), []):
        assert shards.batch(rows).to_arrow().equals(mixture.batch(rows).to_arrow())
    assert (shards.columns, shards.recipe, shards.fingerprint) == (mixture.columns, mixture.recipe, mixture.fingerprint)
    assert shards[7] == mixture[7]
    assert list(shards) == list(mixture)
    assert shards.report() == {"counts": mixture.counts}
    assert pickle.loads(pickle.dumps(shards)) == shards
    theirs = mk.Loader(mixture, 64, columns=["source", "source_row"])
    for mine, other in zip(mk.Loader(shards, 64, columns=["source", "source_row"]), theirs, strict=True):
        assert mine.to_arrow().equals(other.to_arrow())
    assert (shards.padded([3, 1], 600).ids == mixture.padded([3, 1], 600).ids).all()


@pytest.mark.parametrize("layout", ["arrow", "parquet"])
def test_a_folder_elsewhere(made: Any, layout: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    case = made("text", layout)
    fsspec.filesystem("memory").put(str(case.path), f"/reading-{layout}", recursive=True)
    for place in (f"memory://reading-{layout}", f"file://{case.path}"):
        shards = mk.open(place, memory=50_000)
        rng = np.random.default_rng(2)
        for _ in range(3):
            rows = rng.integers(0, ROWS, 40)
            assert shards.batch(rows).to_arrow().equals(case.ds.batch(rows).to_arrow())
        assert shards == case.open()
        assert pickle.loads(pickle.dumps(shards))[5] == shards[5]
    fsspec.filesystem("memory").rm(f"/reading-{layout}/train/part-00000.{layout}")
    with pytest.raises(DamagedError, match=f"reading-{layout}/train/part-00000.{layout}: missing"):
        mk.open(f"memory://reading-{layout}")[0]


# ---- no copies, and bounded memory ----------------------------------------------------------------------------------


def test_consecutive_rows_of_arrow_are_not_copied(made: Any) -> None:
    shards = made().open()
    batch, again = shards.batch(range(130, 250)), shards.batch(range(131, 200))
    for name in ("word", "prompt"):
        first, second = getattr(batch, name), getattr(again, name)
        assert second.data.ctypes.data == first.data.ctypes.data
        assert second.offsets.ctypes.data == first.offsets.ctypes.data + 8
    assert batch.steps.ctypes.data + 8 == again.steps.ctypes.data
    assert not batch.steps.flags.writeable
    expected = made().ds.batch(range(130, 250)).to_arrow()
    del shards, again
    assert batch.to_arrow().equals(expected)


@pytest.mark.parametrize("layout", ["parquet", "jsonl"])
def test_decoded_blocks_are_given_up_when_there_is_no_room(made: Any, layout: str, monkeypatch: Any) -> None:
    case = made("text", layout)
    shards = case.open(memory=40_000)
    kept = shards._pieces
    reads: list[int] = []
    real = kept._read
    monkeypatch.setattr(kept, "_read", lambda number, columns: reads.append(number) or real(number, columns))
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = rng.integers(0, ROWS, 50)
        assert shards.batch(rows).to_arrow().equals(case.ds.batch(rows).to_arrow())
        assert kept._held <= 40_000
        assert kept._held == sum(size for _, size in kept._kept.values())
    assert len(reads) > 40
    roomy = case.open()
    monkeypatch.setattr(roomy._pieces, "_read", kept._read)
    for _ in range(5):
        roomy.batch(range(0, ROWS, 3))
    assert len(roomy._pieces._kept) == len(roomy._pieces.starts) - 1


def test_only_the_columns_asked_for_are_decoded(made: Any) -> None:
    shards = made("text", "parquet").open()
    shards.batch([0, 1], ["word"])
    piece, size = shards._pieces._kept[0]
    assert set(piece.chunks) == {"word"}
    shards.batch([5], ["word", "index"])
    both, more = shards._pieces._kept[0]
    assert set(both.chunks) == {"word", "index"}
    assert (both.chunks["word"], more > size) == (piece.chunks["word"], True)


def test_nothing_but_the_manifest_is_read_at_first(copy: Any) -> None:
    path = copy()
    for file in (path / "train").iterdir():
        file.unlink()
    shards = mk.open(path)
    assert (len(shards), shards.columns, shards.text) == (ROWS, COLUMNS, True)
    assert shards.recipe.examples == ROWS
    with pytest.raises(DamagedError, match=r"part-00001\.arrow: missing"):
        shards[300]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
def test_no_file_stays_open(made: Any) -> None:
    for layout in ("arrow", "parquet"):
        shards = made("text", layout).open()
        shards.batch(range(ROWS))
        files = [str(entry.resolve()) for entry in Path("/proc/self/fd").iterdir()]
        assert not [file for file in files if str(made("text", layout).path) in file]


# ---- what may be opened ---------------------------------------------------------------------------------------------


def test_splits(tmp_path: Path) -> None:
    recipe = mk.Recipe.load("paper/no-op").replace({**SMALL}, examples=100)
    generate(recipe, tmp_path / "a", splits=["train", "unseen"])
    with pytest.raises(ShardError, match="has several splits; name one of train, unseen"):
        mk.open(tmp_path / "a")
    with pytest.raises(ShardError, match="has no split 'seen'; its splits are train, unseen"):
        mk.open(tmp_path / "a", "seen")
    unseen = mk.open(str(tmp_path / "a"), split="unseen")
    assert (len(unseen), unseen.split) == (60, "unseen")
    assert unseen[:].word.tolist() == mk.Dataset(recipe, split="unseen")[:].word.tolist()
    assert unseen != mk.open(tmp_path / "a", "train")


def test_folders_that_are_none_of_ours(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", Path(__file__)):
        with pytest.raises(ShardError, match=r"no manifest\.json here"):
            mk.open(path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ShardError, match="not a manifest of markovlib"):
        mk.open(tmp_path)


@pytest.mark.parametrize("layout", ["megatron", "tokens"])
def test_formats_that_hold_tokens_only_are_refused(tmp_path: Path, layout: str) -> None:
    generate(mk.Recipe.load("paper/no-op").replace(examples=10), tmp_path / "a", format=layout)
    with pytest.raises(ShardError, match=f"{layout} holds .*, and no examples"):
        mk.open(tmp_path / "a")


def test_a_manifest_that_leaves_rows_out(copy: Any) -> None:
    path = copy()
    found = manifest.load(path)
    for change in (lambda shards: shards[1:], lambda shards: shards[::-1], lambda shards: [*shards, shards[0]]):
        spoilt = manifest.load(path)
        spoilt.splits["train"].shards[:] = change(found.splits["train"].shards)
        (path / manifest.NAME).write_bytes(spoilt.encode())
        with pytest.raises(DamagedError, match="do not cover its rows once each"):
            mk.open(path)
        (path / manifest.NAME).write_bytes(found.encode())


def test_a_manifest_of_more_rows_than_could_be_is_refused_before_memory_is_taken(copy: Any) -> None:
    path = copy()
    made = manifest.load(path)
    train = made.splits["train"]
    last = msgspec.structs.replace(train.shards[-1], stop=2**45)
    many = msgspec.structs.replace(train, rows=2**45, shards=[*train.shards[:-1], last])
    (path / manifest.NAME).write_bytes(msgspec.structs.replace(made, splits={"train": many}).encode())
    with pytest.raises(ShardError, match=r"manifest.json: 'train' has 35184372088832 rows, and 2147483648 can be"):
        mk.open(path)


def test_a_format_that_is_none_is_said_of_the_manifest(copy: Any, tmp_path: Path) -> None:
    path = copy()
    made = manifest.load(path)
    train = msgspec.structs.replace(made.splits["train"], format="nope")
    (path / manifest.NAME).write_bytes(msgspec.structs.replace(made, splits={"train": train}).encode())
    for read in (mk.open, mk.inspect, lambda path: mk.export(path, tmp_path / "b")):
        with pytest.raises(DamagedError, match=f"^{path / manifest.NAME}: unknown format 'nope': "):
            read(path)
    (problem,) = mk.verify(path).problems
    assert problem.file == manifest.NAME
    assert problem.message.startswith("unknown format 'nope': ")


# ---- processes and threads ------------------------------------------------------------------------------------------


def _read(shards: Any, rows: list[int]) -> tuple[int, list[str]]:
    return os.getpid(), shards.batch(rows).word.tolist()


@pytest.mark.parametrize("how", slow_but(["fork-parquet", "spawn-arrow"],
                                         ["fork-arrow", "fork-parquet", "spawn-arrow", "spawn-parquet"]))  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_other_processes_read_the_same(made: Any, how: str) -> None:
    method, layout = how.split("-")
    case = made("text", layout)
    shards = case.open()
    rows = [3, 999, 500]
    here = shards.batch(rows).word.tolist()
    with multiprocessing.get_context(method).Pool(2) as pool:
        answers = pool.starmap(_read, [(shards, rows)] * 4)
    assert all(words == here for _, words in answers)
    assert os.getpid() not in {process for process, _ in answers}


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_reads(made: Any) -> None:
    """The lock of the parent may be held at that moment; the child has one of its own."""
    shards = made().open()
    shards.batch(range(ROWS))
    with shards._pieces._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if shards.batch([5, 900]).word.tolist() == made().ds[[5, 900]].word.tolist() else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_pickles_are_the_path_and_the_split(made: Any, copy: Any, monkeypatch: Any) -> None:
    path = copy()
    monkeypatch.chdir(path.parent)
    shards = mk.open(path.name, memory=12345)
    shards.batch(range(ROWS))
    data = pickle.dumps(shards)
    assert len(data) < 500
    monkeypatch.chdir("/")
    again = pickle.loads(data)
    assert again == shards
    assert (hash(again), repr(again), again.memory) == (hash(shards), repr(shards), 12345)
    assert again[500] == shards[500]
    assert repr(made().open()) == repr(again)
    for name in ("split", "text", "columns"):
        with pytest.raises(AttributeError):
            setattr(again, name, getattr(again, name))
    shutil.rmtree(path)
    shutil.copytree(made("bytes").path, path)
    with pytest.raises(ShardError, match="holds other rows than when it was pickled"):
        pickle.loads(data)


@pytest.mark.parametrize("layout", ["arrow", "parquet"])
def test_threads_share_one(made: Any, layout: str) -> None:
    case = made("text", layout)
    shards, wrong = case.open(memory=60_000), []

    def read(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(30):
            rows = rng.integers(0, ROWS, 40)
            if shards.batch(rows).word != case.ds.batch(rows, ["word"]).word:
                wrong.append(rows)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_another_thread_gives_up_meanwhile_is_kept(made: Any, monkeypatch: Any) -> None:
    """Between the reading of the column that was missing and the keeping of both."""
    case = made("text", "parquet")
    shards = case.open(memory=1)  # Each piece that is read pushes out the others.
    shards.batch([1], ["prompt"])
    real = pieces.Pieces._read

    def read(self: Any, number: int, columns: Any) -> Any:
        found = real(self, number, columns)
        if columns == ["word"]:
            other = threading.Thread(target=shards.batch, args=([900], ["prompt"]))
            other.start()
            other.join()
        return found

    monkeypatch.setattr(pieces.Pieces, "_read", read)
    batch = shards.batch([1], ["prompt", "word"])
    assert (batch.prompt, batch.word) == (case.ds[[1]].prompt, case.ds[[1]].word)
    assert shards._pieces._held == sum(size for _, size in shards._pieces._kept.values())


# ---- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", FORMATS)
def test_a_file_that_is_cut_off_or_missing(copy: Any, layout: str) -> None:
    path = copy(layout)
    shards = mk.open(path)
    name = manifest.load(path).splits["train"].shards[2].name
    file = path / "train" / name
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedError, match=rf"{name}: damaged: it has {len(whole) // 2} bytes"):
        shards.batch([0, 700])
    file.unlink()
    with pytest.raises(DamagedError, match=f"{name}: missing"):
        shards.batch([0, 700])
    assert len(shards.batch(range(300))) == 300
    file.write_bytes(whole)
    assert shards[700].index == 700


@pytest.mark.parametrize("layout", ["arrow", "parquet", "mds"])
def test_any_change_of_bytes_is_an_error_or_other_rows_but_never_a_crash(copy: Any, layout: str) -> None:
    path = copy(layout, "several rules")
    file = path / "train" / manifest.load(path).splits["train"].shards[1].name
    whole = file.read_bytes()
    rng, errors = random.Random(5), []
    for _ in range(120):
        spoilt = bytearray(whole)
        for _ in range(rng.choice([1, 8, 64])):
            spoilt[rng.randrange(len(spoilt))] = rng.choice([0, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        file.write_bytes(spoilt)
        try:
            batch = mk.open(path).batch(range(250, 650, 3))
            batch.to_arrow()
            batch.examples()
        except DamagedError as error:
            errors.append(str(error))
    assert len(errors) > 10
    assert all(file.name in error for error in errors)


def spoil(file: Path, name: str, find: Any) -> None:
    """Overwrite a number in the first record batch: find(buffers of the column, file) gives its place and value."""
    with pa.memory_map(str(file)) as source:
        column = pa.ipc.open_file(source).get_batch(0).column(name)
        buffers = [b.to_pybytes() if b is not None else b"" for b in column.buffers()]
    whole = bytearray(file.read_bytes())
    place, value = find(buffers, whole)
    whole[place : place + len(value)] = value
    file.write_bytes(whole)


@pytest.mark.parametrize("value", [-1, 2**40, 2**62, -(2**63)])
@pytest.mark.parametrize("rows", [range(100), [3, 7, 9]])
def test_offsets_that_lead_outside_are_not_followed(copy: Any, value: int, rows: Any) -> None:
    path = copy()
    file = path / "train" / "part-00000.arrow"
    spoil(file, "word", lambda buffers, whole: (whole.index(buffers[1][:800]) + 8 * 8, struct.pack("<q", value)))
    shards = mk.open(path)
    with pytest.raises(DamagedError, match=r"part-00000\.arrow: damaged: a row's 'word' leads outside of the file"):
        shards.batch(rows)
    assert shards.batch(rows, ["prompt"]).prompt.tolist() == mk.open(path).batch(list(rows), ["prompt"]).prompt.tolist()


@pytest.mark.parametrize("rows", [range(100), [3, 7, 0]])
def test_texts_that_are_no_utf8_are_found(copy: Any, rows: Any) -> None:
    path = copy()
    file = path / "train" / "part-00000.arrow"
    spoil(file, "word", lambda buffers, whole: (whole.index(buffers[2][:400]), b"\xff"))
    with pytest.raises(DamagedError, match="a row's 'word' is not valid UTF-8"):
        mk.open(path).batch(rows)


def test_outcomes_that_are_none_are_found(copy: Any) -> None:
    path = copy()
    file = path / "train" / "part-00000.arrow"
    spoil(file, "outcome", lambda buffers, whole: (whole.index(buffers[2][:400]), b"T"))
    with pytest.raises(DamagedError, match="a row's 'outcome' is none of the names"):
        mk.open(path).batch([0, 1])


def test_a_file_of_another_data_set_is_found(copy: Any, made: Any) -> None:
    """Its size may be that of the manifest by chance; here the manifest is made to say so."""
    path = copy()
    file, other = path / "train" / "part-00000.arrow", made("bytes").path / "train" / "part-00000.arrow"
    shutil.copy(other, file)
    found = manifest.load(path)
    shard = found.splits["train"].shards[0]
    shard.files[:] = [manifest.File(file.name, file.stat().st_size, shard.files[0].sha256)]
    (path / manifest.NAME).write_bytes(found.encode())
    with pytest.raises(DamagedError, match="column 'prompt' is large_binary, not large_string"):
        mk.open(path)[0]


# ---- the boundary ---------------------------------------------------------------------------------------------------


def test_buffers_that_are_too_small_are_refused() -> None:
    text = {"offsets": bytes(8 * 4), "values": b"abc"}
    assert _gather.Chunk("text", 0, 3, **text).kind == "text"
    for arguments, options in (
        (("text", 0, 4), text), (("text", 1, 3), text), (("text", 0, 3), {"values": b""}), (("text", -1, 2), text),
        (("text", 0, -1), text), (("int64", 0, 3), {"values": bytes(23)}), (("int64", 0, 3), {}),
        (("int32", 1, 3), {"values": bytes(15)}), (("bool", 7, 10), {"values": bytes(2)}),
        (("text", 0, 3), {**text, "validity": b""}), (("list", 0, 3), {"offsets": bytes(15), "wide": False}),
        (("int64", 0, 2**61), {"values": b""}), (("text", 0, 2**61 - 1), {"offsets": b"", "values": b""}),
        (("bool", 2**62, 2**62), {"values": b""}), (("list", 0, 0), {"items": 2**62}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"a buffer of it has|lacks a buffer|negative or too large"):
            _gather.Chunk(*arguments, **options)


def test_lists_that_lead_outside_of_their_items_are_refused() -> None:
    piece = _gather.Piece(2)
    offsets = np.array([0, 1, 5], np.int32)
    piece.chunks["rules"] = _gather.Chunk("list", 0, 2, offsets=offsets, wide=False, items=3)
    places = _gather.find(np.array([0, 2]), np.array([0]))
    assert places.lists([piece], "rules")[0].tolist() == [0, 1]
    with pytest.raises(_gather.DamagedRowError, match="outside"):
        _gather.find(np.array([0, 2]), np.array([0, 1])).lists([piece], "rules")


def test_want_of_memory() -> None:
    values = "".join(chr(97 + i % 26) for i in range(100)).encode()
    piece = _gather.Piece(10)
    piece.chunks["word"] = _gather.Chunk("text", 0, 10, offsets=np.arange(0, 110, 10), values=values)
    piece.chunks["rules"] = _gather.Chunk("list", 0, 10, offsets=np.arange(11, dtype=np.int32), wide=False, items=10)
    starts, rows = np.array([0, 10]), np.array([3, 1])
    failed = 0
    for after in range(20):
        _gather.fail_allocations_after(after)
        try:
            places = _gather.find(starts, rows)
            places.columns([piece], {"word": "text"}, True)
            places.lists([piece], "rules")
        except MemoryError:
            failed += 1
        finally:
            _gather.fail_allocations_after(-1)
    assert 5 <= failed < 20
    assert _gather.find(starts, rows).columns([piece], {"word": "text"}, True)["word"].tolist() == [
        "efghijklmn",
        "klmnopqrst",
    ]
