"""Shards of real data sets: what is in the files is what the data set gives, for text and for bytes."""

import hashlib
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from effort import slow_but

from markovlib import Dataset, Recipe
from markovlib.shards import formats, manifest
from markovlib.shards.digest import BLOCK_ROWS, block_digest, rows_digest
from markovlib.shards.generation import generate
from markovlib.shards.inspection import inspect
from markovlib.shards.verification import verify

SPLITS = ["train", "seen", "unseen"]


@pytest.fixture
def recipe():
    changes = {"rules.pattern_length": 3, "rules.replacement_length": 4, "words.length": [8, 12]}
    return Recipe.load("paper/no-op").replace({**changes, "eval.examples": 500, "instructions": 50}, examples=2000)


@pytest.mark.parametrize("alphabet", ["a-e", "αβγδε", {"bytes": [0, 255]}])
@pytest.mark.parametrize("format_name", list(formats.MODULES))
def test_the_rows_are_those_of_the_data_set(tmp_path, recipe, alphabet, format_name):
    recipe = recipe.replace({"rules.alphabet": alphabet})
    if not isinstance(alphabet, str):
        recipe = recipe.replace({"words.no_op": 0.5})
    generate(recipe, tmp_path / "a", splits=SPLITS, seed=7, shard_rows=700, format=format_name)
    report = verify(tmp_path / "a")
    assert report.problems == []
    assert report.checked == 3000
    found = inspect(tmp_path / "a", examples=5)
    for contents in found.splits:
        data = Dataset(recipe, seed=7, split=contents.split)
        rows = data.batch(range(5)).to_arrow(contents.columns).to_pylist()
        for example, row in zip(contents.examples, rows, strict=True):
            assert {name: example[name] for name in row} == row
        assert contents.no_ops == (contents.rows * recipe.words.no_op if "no_op" in contents.columns else None)


def test_no_part_of_an_unseen_rule_was_trained_on(tmp_path, recipe):
    generate(recipe, tmp_path / "a", splits=SPLITS)
    columns = {name: pq.read_table(tmp_path / "a" / name, columns=["pattern", "replacement"]) for name in SPLITS}
    for column in ("pattern", "replacement"):
        parts = {name: set(table.column(column).to_pylist()) for name, table in columns.items()}
        assert parts["seen"] <= parts["train"]
        assert not parts["unseen"] & parts["train"]


def test_a_data_set_longer_than_a_block_has_the_documented_digest(tmp_path, recipe):
    rows = BLOCK_ROWS + 5000
    recipe = recipe.replace(examples=rows)
    generate(recipe, tmp_path / "a", shard_rows=30_000, threads=2)
    generate(recipe, tmp_path / "b", shard_rows=30_000, threads=1)
    data = Dataset(recipe)
    blocks = [block_digest(data.batch(part).to_arrow()) for part in (range(BLOCK_ROWS), range(BLOCK_ROWS, rows))]
    found = manifest.load(tmp_path / "a")
    assert found.splits["train"].rows_digest == rows_digest(rows, blocks)
    assert found == manifest.load(tmp_path / "b")
    assert verify(tmp_path / "a").ok


def test_the_first_rows_of_a_longer_data_set_are_those_of_a_shorter(tmp_path, recipe):
    """Whole blocks are the same; the last, partial block of the shorter has shares of its own."""
    generate(recipe.replace(examples=BLOCK_ROWS + 1), tmp_path / "a")
    generate(recipe.replace(examples=2 * BLOCK_ROWS), tmp_path / "b")
    short, long = (pq.read_table(tmp_path / name / "train").slice(0, BLOCK_ROWS) for name in "ab")
    assert short.equals(long)


def test_the_command_makes_and_verifies_a_folder(tmp_path):
    def markovlib(*args):
        script = "from markovlib.cli import main; main()"
        return subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True)

    out = tmp_path / "a"
    args = ("generate", "paper/no-op", "--examples", 3000, "--split", "train,unseen", "--out", out)
    made = markovlib(*args)
    assert (made.returncode, made.stdout) == (0, "")
    first = hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    again = markovlib(*args)
    assert again.returncode == 0
    assert hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest() == first
    assert markovlib("verify", out).stdout.endswith("ok: 6,000 of 6,000 rows made again, 2 shards\n")
    wrong = markovlib("generate", "paper/no-op", "--set", "rules.pattern_length=60", "--out", tmp_path / "b")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("markovlib: error: ")
    assert "Traceback" not in wrong.stderr
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("format_name", slow_but(["parquet", "mds"], formats.MODULES))
def test_nothing_imports_pandas(tmp_path, format_name):
    """pyarrow imports it, where it is installed, to convert arrays of NumPy: that takes longer than 100,000 rows."""
    (tmp_path / "pandas").mkdir()
    (tmp_path / "pandas" / "__init__.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from markovlib.cli import main; main()"
    args = ["generate", "paper/no-op", "--examples", "3000", "--format", format_name, "--out", "a"]
    done = subprocess.run([sys.executable, "-c", script, *args], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()
