"""Mixtures as folders of shards, and the command that writes them."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from folders import snapshot
from mixing_files import alpaca, oss, sentence, two_sources, write_json, write_jsonl

import markovlib as mk
from markovlib import Mixture, MixtureRecipe, Recipe, SourceError
from markovlib.shards import formats, manifest
from markovlib.shards.exporting import export
from markovlib.shards.folder import ShardError
from markovlib.shards.inspection import inspect
from markovlib.shards.verification import verify


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    """Two sources with duplicates and a leaked item, and one of ours."""
    (tmp_path / "data").mkdir()
    data = tmp_path / "data"
    recipe = two_sources(data, deduplicate={}, decontaminate={"against": [write_jsonl(
        data / "eval.jsonl", [{"task_id": "E/1", "prompt": sentence(30, "p", 4)}])]})  # fmt: skip
    write_jsonl(data / "oss.jsonl", [*oss(500), *oss(3)])
    ours = {"name": "ours", "recipe": Recipe.load("paper/no-op").replace(examples=300).to_dict(), "ratio": 1}
    sources = [*recipe.to_dict()["sources"], ours]
    sources[1]["license"] = "CC BY-NC 4.0 | see <their> card"
    return Mixture(MixtureRecipe.from_dict({**recipe.to_dict(), "sources": sources}), seed=3)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    data = tmp_path / "data"
    return {"oss": str(data / "oss.jsonl"), "alpaca": str(data), "eval": str(data / "eval.jsonl")}


ROWS = ["parquet", "arrow", "jsonl", "jsonl.zst", "mds"]


def test_the_characters_of_a_mixture_are_not_known(tmp_path: Path, mixture: Mixture) -> None:
    mixture.write(tmp_path / "rows")
    options = {"tokenizer": "chars"}
    for write in (mixture.write, lambda out, **how: export(tmp_path / "rows", out, **how)):
        with pytest.raises(ValueError, match="characters of a mixture are not known beforehand; take"):
            write(tmp_path / "out", format="tokens", options=options)


@pytest.mark.parametrize("format_name", list(formats.MODULES))
def test_the_rows_are_those_of_the_mixture(
    tmp_path: Path, mixture: Mixture, files: dict[str, str], format_name: str
) -> None:
    out = tmp_path / "out"
    columns = None if format_name in ROWS else ["prompt", "completion"]
    written = mixture.write(out, format=format_name, shard_rows=150, columns=columns)
    assert (written.rows, written.shards, written.kept) == (400, 3, 0)
    report = verify(out, sources=files)
    assert report.problems == []
    assert report.checked == 400
    contents = inspect(out, examples=20).splits[0]
    if columns is None:
        assert contents.examples == mixture[:20].to_arrow().to_pylist()
    assert contents.counts == mixture.counts
    before = snapshot(out)
    again = mixture.write(out, format=format_name, shard_rows=150, columns=columns)
    assert again.kept == 3
    assert snapshot(out) == before
    lost = f"part-00001{formats.module(format_name).SUFFIXES[0]}"
    (out / "train" / lost).unlink()
    again = mixture.write(out, format=format_name, shard_rows=150, columns=columns)
    assert (again.kept, again.made_again) == (2, (f"train/{lost}",))
    assert snapshot(out) == before
    other = tmp_path / "other"
    mixture.write(other, format=format_name, shard_rows=150, columns=columns, threads=1)
    assert snapshot(other) == before


@pytest.mark.parametrize("format_name", ["parquet", "arrow"])
def test_a_folder_is_opened_as_the_mixture(tmp_path: Path, mixture: Mixture, format_name: str) -> None:
    mixture.write(tmp_path / "out", format=format_name, shard_rows=150)
    shards = mk.open(tmp_path / "out")
    assert shards.columns == mixture.columns
    assert list(shards) == [shards[i] for i in range(400)] == list(mixture)
    chosen = [399, 0, 7, 7, -1]
    assert shards.batch(chosen).to_arrow() == mixture.batch(chosen).to_arrow()
    assert shards.recipe == mixture.recipe
    assert shards.fingerprint == mixture.fingerprint
    assert pickle.loads(pickle.dumps(shards))[7] == mixture[7]
    assert shards.view("permuted", epoch=1)[:9].source.tolist() == mixture.view("permuted", epoch=1)[:9].source.tolist()


def test_the_manifest_has_recipe_and_counts_and_no_path(tmp_path: Path, mixture: Mixture) -> None:
    mixture.write(tmp_path / "out")
    made = manifest.load(tmp_path / "out")
    assert made.recipe["mixture"] == mixture.recipe.to_dict()
    counts = made.splits["train"].counts["sources"]
    assert counts["oss"]["duplicates_within"] == 3
    assert counts["oss"]["contaminated"] == 1
    assert counts["oss"]["left"] == 499
    assert {name: found["examples"] for name, found in counts.items()} == mixture.quotas
    for content in snapshot(tmp_path / "out").values():
        assert str(tmp_path).encode() not in content


def test_the_card_names_sources_and_claims_nothing_of_others(tmp_path: Path, mixture: Mixture) -> None:
    mixture.write(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: other\n")
    head, _, rest = card.partition("## Recipe")
    assert "cc0" not in head
    assert "public domain" not in card
    assert "The rows of `oss`, `alpaca` are other people's work" in head
    assert "| `oss` | 3 | 240 | 503 | 0 | 3 | 0 | 1 | not stated | oss.jsonl (`" in head
    assert "| CC BY-NC 4.0 \\| see &lt;their> card | alpaca.json (`" in head
    assert "| `ours` | 1 | 80 | 300 | 0 | 0 | 0 | 0 | made by markovlib, CC0 1.0 | the recipe below |" in head
    assert "Compared with the evaluation eval (items: 1, met: 1)." in head
    toml = rest.partition("```toml\n")[2].partition("```")[0]
    assert MixtureRecipe.from_toml(toml) == mixture.recipe


def test_a_card_of_our_own_data_alone_is_free(tmp_path: Path) -> None:
    fields = {"name": "ours", "recipe": Recipe.load("paper/no-op").replace(examples=30).to_dict()}
    Mixture(MixtureRecipe.from_dict({"examples": 20, "sources": [fields]})).write(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: cc0-1.0\n")
    assert "other people" not in card


def test_the_written_recipe_makes_the_folder_again(
    tmp_path: Path, mixture: Mixture, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixture.write(tmp_path / "out")
    recipe = MixtureRecipe.load(tmp_path / "out" / "recipe.toml")
    Mixture(recipe, 3, files=files).write(tmp_path / "again")
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "out")
    monkeypatch.chdir(tmp_path / "data")
    assert verify(tmp_path / "out").ok


def test_sources_that_are_not_at_hand_or_others(tmp_path: Path, mixture: Mixture, files: dict[str, str]) -> None:
    mixture.write(tmp_path / "out")
    with pytest.raises(
        SourceError, match=r"oss.jsonl: is not here; say where the files of 'oss' are: --source oss=PATH"
    ):
        verify(tmp_path / "out")
    write_jsonl(tmp_path / "data" / "oss.jsonl", oss(503))
    with pytest.raises(SourceError, match="is not the file that 'oss' was made from: its SHA-256 is"):
        verify(tmp_path / "out", sources=files)
    with pytest.raises(ValueError, match="has none with the name 'osss'"):
        verify(tmp_path / "out", sources={**files, "osss": "x"})


def test_changed_rows_and_counts_are_found(tmp_path: Path, mixture: Mixture, files: dict[str, str]) -> None:
    out = tmp_path / "out"
    mixture.write(out)
    path = out / "train" / "part-00000.parquet"
    table = pq.read_table(path)
    names = table.column("source").to_pylist()
    names[7] = "other"
    changed = table.set_column(3, table.schema.field("source"), pa.array(names, pa.large_string()))
    pq.write_table(changed, path)
    problems = verify(out, sources=files).problems
    assert any("row 7, column 'source': holds 'other'" in str(problem) for problem in problems)
    made = manifest.load(out)
    split = made.splits["train"]
    counts = msgspec.json.decode(msgspec.json.encode(split.counts))
    counts["sources"]["oss"]["contaminated"] = 0
    edited = msgspec.structs.replace(made, splits={"train": msgspec.structs.replace(split, counts=counts)})
    (out / manifest.NAME).write_bytes(edited.encode())
    problems = verify(out, sources=files).problems
    wanted = "manifest.json: train: counts.sources.oss.contaminated is 1 by the sources, 0 in the manifest"
    assert wanted in map(str, problems)


def test_another_mixture_is_refused_field_by_field(tmp_path: Path, mixture: Mixture, files: dict[str, str]) -> None:
    mixture.write(tmp_path / "out")
    other = Mixture(mixture.recipe.replace({"sources.oss.ratio": 4}), 3, files=files)
    with pytest.raises(ShardError, match=r"recipe.mixture.sources\[0\].ratio is 3 there, 4 asked for"):
        other.write(tmp_path / "out")
    with pytest.raises(ShardError, match="seed is 3 there, 4 asked for"):
        Mixture(mixture.recipe, 4, files=files).write(tmp_path / "out")


def test_processes_write_the_same_folder(tmp_path: Path, mixture: Mixture) -> None:
    mixture.write(tmp_path / "a", shard_rows=100)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        mixture.write(tmp_path / "b", shard_rows=100, executor=pool)
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


def test_a_mixture_goes_into_a_store(tmp_path: Path, mixture: Mixture, files: dict[str, str]) -> None:
    pytest.importorskip("fsspec")
    url = f"memory://{tmp_path.name}/out"
    assert mixture.write(url).kept == 0
    assert mixture.write(url).kept == 1
    assert verify(url, sources=files).ok


def test_a_mixture_is_copied_into_other_formats(tmp_path: Path, mixture: Mixture, files: dict[str, str]) -> None:
    mixture.write(tmp_path / "a")
    export(tmp_path / "a", tmp_path / "b", format="jsonl", shard_rows=90)
    mixture.write(tmp_path / "c", format="jsonl", shard_rows=90)
    assert snapshot(tmp_path / "b") == snapshot(tmp_path / "c")
    assert verify(tmp_path / "b", sources=files).ok


def test_a_mixture_of_mixtures(tmp_path: Path, mixture: Mixture) -> None:
    mixture.write(tmp_path / "a")
    fields = {"name": "mixed", "shards": str(tmp_path / "a"), "prompt": "{source}: {prompt}"}
    again = Mixture(MixtureRecipe.from_dict({"examples": 400, "sources": [fields]}))
    rows = {example.source_row: example for example in again}
    for i in (0, 399):
        assert rows[i].prompt == f"{mixture[i].source}: {mixture[i].prompt}"
    again.write(tmp_path / "b")
    assert "The rows of `mixed` are other people's work" in (tmp_path / "b" / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_a_killed_mixture_goes_on(tmp_path: Path, mixture: Mixture) -> None:
    """Killed at any moment, the same call ends with the bytes of an undisturbed one."""
    mixture.write(tmp_path / "whole", shard_rows=4)
    code = (
        "import pickle, sys; m = pickle.load(sys.stdin.buffer); print('ready', flush=True);"
        f"m.write({str(tmp_path / 'killed')!r}, shard_rows=4, threads=1)"
    )
    for delay in (0.01, 0.05, 0.1, 0.2):
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(pickle.dumps(mixture))
        child.stdin.close()
        child.stdout.readline()
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    mixture.write(tmp_path / "killed", shard_rows=4)
    assert snapshot(tmp_path / "killed") == snapshot(tmp_path / "whole")


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "oss.jsonl", [*oss(300), *oss(2)])
    write_json(tmp_path / "alpaca_data.json", alpaca(60))
    write_jsonl(tmp_path / "eval.jsonl", [{"task_id": "E/1", "prompt": sentence(30, "p", 4)}])
    (tmp_path / "mix.toml").write_text(
        "examples = 200\n[deduplicate]\n"
        '[[sources]]\nname = "oss"\nfiles = "oss.jsonl"\nratio = 4\n'
        '[[sources]]\nname = "alpaca"\nfiles = "alpaca_data.json"\n'
    )
    return tmp_path


def test_mix_writes_verifies_and_shows(folder: Path) -> None:
    out = folder / "out"
    result = run("mix", folder / "mix.toml", "--out", out, "--seed", 7, "--against", folder / "eval.jsonl",
                 "--report", folder / "report.json")  # fmt: skip
    assert result.stdout == ""
    assert "oss 160, alpaca 40" in result.stderr
    assert "train: 200 rows, 1 shard" in result.stderr
    rows = pq.read_table(out / "train")
    assert Counter(rows.column("source").to_pylist()) == {"oss": 160, "alpaca": 40}
    report = json.loads((folder / "report.json").read_text())
    assert report["contamination"]["removed"] == {"oss": 1, "alpaca": 0}
    printed = run("mix", folder / "mix.toml", "--out", out, "--seed", 7, "--against", folder / "eval.jsonl",
                  "--report", "-").stdout  # fmt: skip
    assert json.loads(printed) == report
    for also in ("--json", "--dry-run"):
        stderr = run("mix", folder / "mix.toml", "--out", out, "--report", "-", also, code=2).stderr
        assert f"--report -: {also} prints on standard output too; name a file" in stderr
    assert "already complete" in run("mix", folder / "mix.toml", "--out", out, "--seed", 7, "--against",
                                     folder / "eval.jsonl").stderr  # fmt: skip
    moved = ["--source", f"oss={folder / 'oss.jsonl'}", "--source", f"alpaca={folder}", "--source", f"eval={folder}"]
    assert "200 of 200 rows made again" in run("verify", out, *moved).stdout
    assert "is not here; say where the files of 'oss' are" in run("verify", out, code=2).stderr
    shown = run("inspect", out).stdout
    assert "duplicates within" in shown
    assert "alpaca" in shown
    assert "source_row" in shown
    again = run("mix", out / "recipe.toml", "--out", folder / "again", "--seed", 7, *moved)
    assert "train: 200 rows" in again.stderr
    assert snapshot(folder / "again") == snapshot(out)


def test_evaluations_of_one_file_name_are_told_apart_by_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "other").mkdir()
    write_jsonl(folder / "other" / "eval.jsonl", [{"task_id": "F/1", "prompt": sentence(30, "p", 9)}])
    both = ["--against", folder / "eval.jsonl", "--against"]
    failed = run("mix", folder / "mix.toml", "--dry-run", *both, folder / "other" / "eval.jsonl", code=2)
    assert "'eval' is the name of another source or evaluation" in failed.stderr
    assert "or --against NAME=FILE" in failed.stderr
    shown = run("mix", folder / "mix.toml", "--dry-run", *both, f"second={folder / 'other' / 'eval.jsonl'}").stdout
    assert "second: 1 item with 21 runs of 10 words, of which 1 met in rows" in shown
    (folder / "a=b.txt").write_text("A file may have such a name.\n")
    assert "a=b: 1 item" in run("mix", folder / "mix.toml", "--dry-run", "--against", "a=b.txt").stdout
    unnamed = run("mix", folder / "mix.toml", "--dry-run", "--against", "second=", code=2)
    assert "--against second=: expected FILE or NAME=FILE" in unnamed.stderr


def test_mix_by_processes_into_tokens(folder: Path) -> None:
    args = ["mix", folder / "mix.toml", "--format", "tokens", "--tokenizer", "bytes", "--eos", "<end>",
            "--columns", "prompt,completion"]  # fmt: skip
    run(*args, "--out", folder / "a")
    run(*args, "--out", folder / "b", "--executor", "processes", "--threads", 1)
    assert snapshot(folder / "a") == snapshot(folder / "b")


def test_a_dry_run_says_what_the_sources_come_to(folder: Path) -> None:
    result = run("mix", folder / "mix.toml", "--dry-run", "--against", folder / "eval.jsonl")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["source", "rows", "empty", "duplicates", "within", "duplicates", "across",
                                "contaminated", "left", "examples"]  # fmt: skip
    assert lines[1].split() == ["oss", "302", "0", "2", "0", "1", "299", "160"]
    assert "oss: JSON Lines; oss-instruct: rows have problem and solution: OSS-Instruct" in lines
    assert "duplicate: oss row 300 is oss row 0" in lines
    assert "eval: 1 item with 21 runs of 10 words, of which 1 met in rows" in lines
    assert any(line.startswith("  row 4, prompt, has of eval E/1: ") for line in lines)
    assert lines[-1] == "200 examples"
    assert not (folder / "out").exists()
    found = json.loads(run("mix", folder / "mix.toml", "--dry-run", "--json").stdout)
    assert found["sources"]["alpaca"]["examples"] == 40
    assert found["shortage"] is None


def test_a_dry_run_of_too_little_is_a_no(folder: Path) -> None:
    result = run("mix", folder / "mix.toml", "--dry-run", "--examples", 400, code=1)
    assert (
        "short: 'oss' is to give 320 examples and can give 300 (300 rows, max_repeats = 1); 'alpaca'" in result.stdout
    )
    assert json.loads(run("mix", folder / "mix.toml", "--dry-run", "--examples", 400, "--json", code=1).stdout)[
        "shortage"
    ]
    failed = run("mix", folder / "mix.toml", "--out", folder / "out", "--examples", 400, code=2)
    assert failed.stderr.startswith("markovlib: error: mixture: sources[0]: 'oss' is to give 320 examples")
    assert not (folder / "out").exists()
    filled = run("mix", folder / "mix.toml", "--dry-run", "--examples", 350, "--set", "on_shortage=fill")
    assert filled.stdout.splitlines()[-1] == "350 examples"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mix.toml"], "give --out DIR, or --dry-run"),
        (["mix.toml", "--dry-run", "--source", "oss"], "--source oss: expected NAME=PATH"),
        (["mix.toml", "--dry-run", "--source", "x=y"], "has none with the name 'x': choose from oss, alpaca"),
        (["mix.toml", "--dry-run", "--source", "oss=nothing.jsonl"], "nothing.jsonl: No such file or directory"),
        (["mix.toml", "--dry-run", "--set", "sources.oss.ratio=-1"], "sources[0].ratio: must be more than 0, got -1"),
        (["mix.toml", "--dry-run", "--set", "sources.oss.name=7", "--set", "sources.oss.ratio=2"],
         "mixture: sources[0].name: must be text, got 7"),
        (["mix.toml", "--dry-run", "--set", "sources=7", "--set", "sources.oss.ratio=2"],
         "mixture: sources: must be a list of tables"),
        (["mix.toml", "--dry-run", "--set", "sources.os.ratio=2"],
         "sources.os.ratio: there is no source 'os'; the sources are oss, alpaca"),
        (["mix.toml", "--dry-run", "--against", "nothing"], "nothing: No such file"),
        (["paper/code-19k-1k", "--dry-run"], "sources[0].files: are needed for 'oss'"),
        (["paper/code", "--dry-run"], "is neither a preset (paper/code-15k-5k"),
        (["mix.toml", "--out", "out", "--columns", "word"], "no column 'word': choose from index, prompt"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(
    folder: Path, args: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = run("mix", *args, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("markovlib: error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (folder / "out").exists()


def test_presets_of_mixtures_are_listed_and_printed() -> None:
    listed = run("presets").stdout
    assert "paper/code-19k-1k" in listed
    assert "19,000 of OSS-Instruct, 1,000 of Alpaca" in listed
    assert MixtureRecipe.from_toml(run("presets", "paper/code-18k-1k-1k").stdout).source("cot").ratio == 1


def test_mixtures_are_not_scored(folder: Path) -> None:
    run("mix", folder / "mix.toml", "--out", folder / "out")
    (folder / "answers.txt").write_text("a\n")
    failed = run("score", folder / "out", "--answers", folder / "answers.txt", code=2)
    assert "holds a mixture, whose rows have no rules to be compared or scored by" in failed.stderr
