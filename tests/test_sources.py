"""What data sets, views and folders of shards take alike: indices, and names of columns."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import markovlib as mk
from markovlib.shards.exporting import export
from markovlib.shards.generation import generate
from markovlib.shards.trial import trial
from markovlib.shards.verification import verify
from markovlib.sweep import Sweep

RECIPE = mk.Recipe.load("paper/no-op").replace(examples=50)


@pytest.fixture(params=["dataset", "shards", "view", "mixture"])
def source(request: Any, tmp_path: Path) -> Any:
    dataset = mk.Dataset(RECIPE, seed=7)
    if request.param == "shards":
        generate(RECIPE, tmp_path / "data", seed=7, format="arrow")
        return mk.open(tmp_path / "data")
    if request.param == "mixture":
        sources = [{"name": "a", "recipe": RECIPE.to_dict(), "seed": 7}]
        return mk.Mixture(mk.MixtureRecipe.from_dict({"examples": 50, "sources": sources}))
    return dataset.view("permuted") if request.param == "view" else dataset


class Tensor:
    """What torch's tensors have, among other things: `__index__`, whatever their shape."""

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values)
        self.ndim = self._values.ndim

    def __index__(self) -> int:
        return int(self._values.item())

    def __len__(self) -> int:
        return len(self._values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._values if dtype is None else self._values.astype(dtype)


@pytest.mark.parametrize("kind", [np.array, Tensor])
def test_arrays_of_no_dimension_are_a_number_and_all_others_are_several(source: Any, kind: Any) -> None:
    assert source[kind(3)] == source[3] == source[np.int32(3)]
    assert source[kind(-1)] == source[49]
    for indices in ([3, -1], [3], np.empty(0, np.int64)):
        assert source[kind(indices)].examples() == source[list(indices)].examples()


def test_the_letters_of_one_name_are_not_names(source: Any) -> None:
    for call in (
        lambda: source.batch([1], columns="prompt"),
        lambda: list(source.batches(10, columns="prompt")),
        lambda: source.batch([1]).to_arrow("prompt"),
        lambda: mk.Loader(source, 4, columns="prompt"),
    ):
        with pytest.raises(TypeError, match=r"columns must be a list of names, got 'prompt': give \['prompt'\]"):
            call()


def test_nor_those_of_one_split(tmp_path: Path) -> None:
    generate(RECIPE, tmp_path / "data")
    for call in (
        lambda **names: generate(RECIPE, tmp_path / "b", **names),
        lambda **names: export(tmp_path / "data", tmp_path / "b", **names),
        lambda **names: trial(RECIPE, **names),
        lambda **names: Sweep(RECIPE, **names),
    ):
        for name in ("splits", "columns"):
            with pytest.raises(TypeError, match=f"{name} must be a list of names, got 'train'"):
                call(**{name: "train"})
    assert not (tmp_path / "b").exists()


class Folder:
    """A path that is neither text nor a `Path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


def test_any_path_is_a_folder_and_no_text_is_none(tmp_path: Path) -> None:
    generate(RECIPE, Folder(tmp_path / "a"))
    assert verify(Folder(tmp_path / "a")).ok
    assert len(mk.open(Folder(tmp_path / "a"))) == 50
    for call in (lambda: generate(RECIPE, ""), lambda: mk.open(""), lambda: export("", tmp_path / "b")):
        with pytest.raises(ValueError, match="no folder: its name is empty"):
            call()


def test_numbers_of_threads_and_rows(tmp_path: Path) -> None:
    for call in (lambda: generate(RECIPE, tmp_path / "a", threads=0), lambda: verify(tmp_path / "a", threads=0)):
        with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
            call()
    assert not (tmp_path / "a").exists()
    (written,) = generate(RECIPE, tmp_path / "a", shard_rows=np.int64(20))
    assert written.shards == 3


@pytest.mark.parametrize("name", ["README.md", "recipe.toml"])
def test_a_folder_in_the_place_of_a_file_is_a_problem(tmp_path: Path, name: str) -> None:
    generate(RECIPE, tmp_path / "a")
    (tmp_path / "a" / name).unlink()
    (tmp_path / "a" / name).mkdir()
    assert [str(problem) for problem in verify(tmp_path / "a").problems] == [f"{name}: missing"]


def test_a_finished_folder_on_a_disk_that_is_read_only_is_left_alone(tmp_path: Path, monkeypatch: Any) -> None:
    """There the system refuses to remove even files that are not there."""
    generate(RECIPE, tmp_path / "a")

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("unlink", "mkdir", "replace", "rename", "fsync"):
        monkeypatch.setattr(os, name, refused)
    (written,) = generate(RECIPE, tmp_path / "a")
    assert written.kept == written.shards == 1
