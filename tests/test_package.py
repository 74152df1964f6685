"""The package as it is imported: its names, what it loads, and what it says where it was not compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import markovlib as mk

PACKAGE = Path(mk.__file__).parent


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_public_names_are_there_once() -> None:
    assert len(set(mk.__all__)) == len(mk.__all__)
    assert all(hasattr(mk, name) for name in mk.__all__)
    assert set(mk.__all__) <= set(dir(mk))
    assert [name for name in dir(mk) if not name.startswith("__") and name not in mk.__all__] == []


def test_errors_that_the_pages_name_can_be_caught_by_name() -> None:
    assert issubclass(mk.DamagedError, mk.ShardError)
    assert issubclass(mk.WorkerError, mk.ShardError)
    with pytest.raises(mk.SweepError, match="has no axes"):
        mk.sweep.points(mk.Recipe.load("paper/no-op").replace(sweep=None))
    with pytest.raises(mk.ShardError, match=r"no manifest\.json"):
        mk.open(PACKAGE)


def test_import_loads_no_data_tools() -> None:
    """Nor any trainer: they are loaded where they are first used."""
    found = python("import markovlib; print(*sys.modules)", PACKAGE.parent)
    assert found.returncode == 0, found.stderr
    assert {"numpy", "markovlib"} <= set(found.stdout.split())
    assert not {"pyarrow", "msgspec", "click", "rich", "fsspec", "torch", "matplotlib"} & set(found.stdout.split())


def test_sources_that_were_not_compiled_say_what_to_do(tmp_path: Path) -> None:
    package = tmp_path / "markovlib"
    package.mkdir()
    (package / "__init__.py").write_bytes((PACKAGE / "__init__.py").read_bytes())
    found = python("import markovlib", tmp_path)
    assert found.returncode == 1
    last = found.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {package} holds sources, not yet compiled: ")
    assert "pip install -e ." in last
    assert "During handling" not in found.stderr


def test_the_name_of_a_preset_does_for_a_recipe(tmp_path: Path) -> None:
    recipe = mk.Recipe.load("paper/no-op").replace(examples=10)
    (tmp_path / "mine.toml").write_text(recipe.to_toml(), "utf-8")
    assert mk.Dataset(tmp_path / "mine.toml", seed=7) == mk.Dataset(recipe, seed=7)
    assert mk.Dataset("paper/no-op", 7) == mk.Dataset(mk.Recipe.load("paper/no-op"), 7)
    (made,) = mk.generate(tmp_path / "mine.toml", tmp_path / "made", seed=7)
    assert made.rows == 10
    assert mk.verify(tmp_path / "made").problems == []
    (copied,) = mk.export(tmp_path / "made", tmp_path / "copied", format="jsonl")
    assert copied.rows == 10
    assert "10" in str(mk.inspect(tmp_path / "copied"))
    assert mk.sweep.points("paper/no-op") == mk.sweep.points(mk.Recipe.load("paper/no-op"))


@pytest.mark.parametrize("given", [None, 3, {"examples": 10}, b"paper/no-op"])
def test_what_is_no_recipe_is_named(given: Any) -> None:
    with pytest.raises(TypeError, match=rf"recipe must be a Recipe, .*, not {type(given).__name__}"):
        mk.Dataset(given)
