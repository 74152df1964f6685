"""Trying a job before it is begun: its first and its last shard, of 10^12 examples too."""

import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from markovlib import Dataset, Recipe
from markovlib.cli import main
from markovlib.shards import work
from markovlib.shards.generation import generate
from markovlib.shards.plan import make_plan
from markovlib.shards.stores import LocalStore
from markovlib.shards.trial import trial
from markovlib.shards.work import Job, make_shard

RECIPE = Recipe.load("paper/no-op").replace({"rules.pattern_length": 3, "words.length": 12, "examples": 1030})
LARGE = Recipe.load("paper/no-op").replace(examples=10**12)


def test_a_trial_makes_the_shards_of_the_job_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (job,) = trial(RECIPE, seed=5, shard_rows=100, format="jsonl")
    assert list(tmp_path.iterdir()) == []
    (written,) = generate(RECIPE, tmp_path / "a", seed=5, shard_rows=100, format="jsonl")
    sizes = [path.stat().st_size for path in sorted((tmp_path / "a" / "train").iterdir())]
    assert [(one.number, one.rows, one.bytes) for one in job.tried] == [(0, 100, sizes[0]), (10, 30, sizes[10])]
    assert (job.rows, job.shards) == (written.rows, written.shards)
    assert 0.9 < job.bytes / written.bytes < 1.1
    assert job.seconds > 0


def test_the_last_shard_of_a_million_holds_the_last_rows(tmp_path):
    plan = make_plan(LARGE, "train", 7, "parquet", ("index", "prompt", "completion"), 10**6)
    store = LocalStore(tmp_path)
    store.prepare("train")
    (tmp_path / "train" / "drafts").mkdir()
    made = make_shard(Job.of(plan, store, "drafts", threads=2), 999_999)
    assert isinstance(made, work.Made)
    assert made.entry.shard.name == "part-999999.parquet"
    table = pq.read_table(tmp_path / "train" / "drafts" / made.drafts[0])
    rows = [10**12 - 10**6, 10**12 - 1]
    assert table.column("index").to_pylist()[:: 10**6 - 1] == rows
    data = Dataset(LARGE, seed=7)
    for at, row in zip((0, -1), rows, strict=True):
        example = data[row]
        assert table.column("prompt")[at].as_py() == example.prompt
        assert table.column("completion")[at].as_py() == example.completion


def test_a_shard_that_there_is_not_is_an_error():
    with pytest.raises(IndexError):
        trial(RECIPE, shard_rows=100, shards=[11])
    with pytest.raises(ValueError, match="no column"):
        trial(RECIPE, columns=["foo"])


def test_a_dry_run_writes_nothing_and_says_what_all_takes(tmp_path):
    out = tmp_path / "a"
    args = [
        "generate",
        "paper/no-op",
        "--examples",
        "1000000000",
        "--shard-rows",
        "1000",
        "--out",
        str(out),
        "--dry-run",
    ]
    result = CliRunner().invoke(main, args, prog_name="markovlib")
    assert result.exit_code == 0, result.output
    first, last, total = result.stdout.splitlines()
    assert first.startswith("train: shard 0: 1,000 rows, ")
    assert last.startswith("train: shard 999,999: 1,000 rows, ")
    assert total.startswith("train: all: 1,000,000,000 rows, 1,000,000 shards, about ")
    found = json.loads(CliRunner().invoke(main, [*args, "--json"], prog_name="markovlib").stdout)
    assert [one["number"] for one in found["splits"][0]["tried"]] == [0, 999_999]
    assert not out.exists()
