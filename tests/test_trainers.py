"""Trainers see every row of our sources, in the order that we say, and go on where they stopped.

The extra `readers` installs them; each test is skipped where its trainer is not there.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import foreign_trainers
import numpy as np
import pytest
from foreign_readers import ask, there
from test_docs import ROOT, blocks_of

import markovlib as mk
from markovlib.shards.generation import generate

pytestmark = pytest.mark.slow
ROWS, BATCH = 333, 32
TORCH = pytest.mark.skipif(not there("torch"), reason="torch is not installed")
TORCHDATA = pytest.mark.skipif(not there("torch", "torchdata"), reason="torchdata is not installed")
GRAIN = pytest.mark.skipif(not there("grain"), reason="Grain is not installed")
TRL = pytest.mark.skipif(not there("trl", "datasets"), reason="TRL is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = mk.Recipe.load("paper/no-op").replace({"eval.examples": 40}, examples=ROWS)
    path = tmp_path_factory.mktemp("trainers") / "data"
    generate(recipe, path, splits=["train", "unseen"], seed=7, format="arrow", shard_rows=100)
    return path


@pytest.fixture(scope="module", params=["data set", "view", "shards"])
def source(request: pytest.FixtureRequest, folder: Path) -> Any:
    shards = mk.open(folder, "train")
    ds = mk.Dataset(shards.recipe, seed=7)
    return {"data set": ds, "view": ds.view("length"), "shards": shards}[request.param]


def answers(*questions: tuple[Any, ...]) -> list[Any]:
    return ask(*questions, script=foreign_trainers.__file__)


def prompts(source: Any) -> list[str]:
    return source.batch(range(ROWS)).prompt.tolist()


def batches(source: Any, epoch: int = 0) -> list[list[int]]:
    """The column `index` of the batches of an epoch."""
    return [source.batch(rows).index.tolist() for rows in mk.Sampler(source, BATCH, epoch=epoch)]


def ids(source: Any) -> list[Any]:
    return [batch.ids.tolist() for batch in mk.Loader(source, BATCH, length=foreign_trainers.LENGTH)]


@TORCH
def test_torch_with_and_without_workers(source: Any) -> None:
    asked = [(name, source, workers) for workers in (0, 2) for name in ("torch_examples", "torch_batches")]
    epochs = [("torch_epochs", source, workers, 2) for workers in (0, 2)]
    *found, none, two = answers(*asked, *epochs)
    expected = [
        [part.tolist() for part in batch]
        for batch in mk.Loader(source, BATCH, length=foreign_trainers.LENGTH, dtype=np.int64)
    ]
    for examples, (kinds, arrays) in (found[:2], found[2:]):
        assert examples == prompts(source)
        assert kinds == [("Tensor", "torch.int64"), ("Tensor", "torch.uint8")]
        assert arrays == expected
    assert none == two == [batches(source, 0), batches(source, 1)]


@TORCH
def test_torch_workers_that_live_on_give_what_the_loader_would(source: Any) -> None:
    expected = [*(batches(source, epoch) for epoch in (0, 1, 5)), batches(source, 3)[4:]]
    assert answers(*(("torch_kept", source, workers) for workers in (0, 2))) == [expected] * 2


@TORCH
def test_torch_reads_bins(source: Any) -> None:
    packed = source.packed("bytes", 512, window=64)
    expected = [[part.tolist() for part in batch] for batch in mk.Loader(packed, 8, dtype=np.int64)]
    for kinds, arrays in answers(*(("torch_bins", packed, workers) for workers in (0, 2))):
        assert {name for name, _ in kinds} == {"Tensor"}
        assert ("Tensor", "torch.int64") in kinds
        assert arrays == expected


@TORCH
def test_torch_goes_on_with_other_numbers_of_workers(source: Any) -> None:
    """1 -> 3 -> 2 workers, twice, over several epochs: each row exactly once in each."""
    jobs = [(1, 5), (3, 9), (2, 4), (1, 13), (3, 2), (2, 7)]
    ((seen, state),) = answers(("torch_resumed", source, jobs))
    expected = list(chain(*chain(*(batches(source, epoch) for epoch in range(4)))))
    assert seen == expected[: len(seen)]
    assert (state["epoch"], state["position"]) == divmod(len(seen), ROWS)
    assert len(seen) > 3 * ROWS


@TORCHDATA
def test_torchdata_keeps_the_state(source: Any) -> None:
    asked = [("torchdata_resumed", source, workers, stops) for workers in (0, 2) for stops in ((4,), (1, 2, 5))]
    asked += [("torchdata_batches", source, workers, 4) for workers in (0, 2)]
    *found, none, two = answers(*asked)
    assert found == [batches(source)] * 4
    assert none == two == ids(source)


@GRAIN
def test_grain_with_and_without_workers(source: Any) -> None:
    *found, made = answers(*(("grain_examples", source, workers) for workers in (0, 2)), ("grain_batches", source))
    for examples, shuffled in found:
        assert examples == prompts(source)
        assert sorted(shuffled) == list(range(ROWS))
    assert made == ids(source)


@TRL
def test_trl_has_its_loss_on_completions_only(folder: Path, tmp_path: Path) -> None:
    ((seen, losses),) = answers(("sft", folder, tmp_path))
    known = {(example.prompt, example.completion + "</s>") for example in mk.open(folder, "train")}
    assert len(seen) == 12
    assert set(seen) <= known
    assert len(losses) == 3
    assert all(2.5 < loss < 4.5 for loss in losses)  # of a model that knows nothing yet: the logarithm of 29 is 3.4


@pytest.mark.skipif(not there("torch", "torchdata", "datasets", "grain"), reason="some of the trainers are missing")
def test_the_page_on_trainers_is_true(tmp_path: Path) -> None:
    """Its blocks that need a trainer, which the tests of the documentation leave out."""
    page = blocks_of(ROOT / "docs" / "trainers.md")
    texts = [text for language, text, _ in page if language in ("python", "py") and "SFTConfig(...)" not in text]
    assert len(texts) < len(page)
    assert answers(("run_blocks", texts, tmp_path)) == [["DIR"]]
