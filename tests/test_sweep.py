"""Sweeps: every point once, evaluation sets shared, gone on with after a stop, and nothing else in the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from markovlib import Dataset, Recipe
from markovlib.cli import main
from markovlib.shards import verification
from markovlib.sweep import NAME, Sweep, SweepError, evaluation_key, points

BASE = Recipe.load("paper/no-op").replace({
    "examples": 300, "eval.examples": 200, "rules.pattern_length": 5, "words.length": 20,
    "sweep": {"instructions": [10, 20], "words.no_op": [0.0, 0.5]},
})  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_points_are_the_product_of_the_axes() -> None:
    found = points(BASE)
    assert [(p.values["instructions"], p.values["words.no_op"]) for p in found] == [
        (10, 0.0), (10, 0.5), (20, 0.0), (20, 0.5),
    ]  # fmt: skip
    assert [p.name for p in found][:2] == ["instructions=10,words.no_op=0.0", "instructions=10,words.no_op=0.5"]
    for point in found:
        assert point.recipe.instructions == point.values["instructions"]
        assert point.recipe.words.no_op == point.values["words.no_op"]
        assert not point.recipe.sweep


def test_every_preset_has_points_whose_folders_differ() -> None:
    for name in Recipe.presets():
        recipe = Recipe.load(name)
        if recipe.sweep:
            names = [point.name for point in points(recipe)]
            assert len(set(names)) == len(names)
            assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,+-") and
                       len(name) < 200 for name in names)  # fmt: skip


def test_all_impossible_points_are_told_at_once() -> None:
    recipe = BASE.replace(sweep={"instructions": [10, 10**30], "words.no_op": [0.5, 2.0]})
    with pytest.raises(SweepError) as caught:
        points(recipe)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert any("words.no_op=2.0: words.no_op: must be between 0 and 1" in line for line in lines)
    with pytest.raises(SweepError, match="is the same recipe as"):
        points(BASE.replace(sweep={"instructions": [10, 10]}))
    with pytest.raises(SweepError, match="has no axes"):
        points(BASE.replace(sweep={}))


def test_a_sweep_and_its_evaluation_sets(tmp_path: Path) -> None:
    sweep = Sweep(BASE, seed=3)
    made = sweep.write(tmp_path / "s", threads=1)
    assert [folder.name for folder in made] == ["eval", *(point.name for point in sweep.points)]
    content = json.loads((tmp_path / "s" / NAME).read_text())
    assert [one["evaluation"] for one in content["folders"]] == [None] + ["eval"] * 4
    for folder in made:
        verified = verification.verify(tmp_path / "s" / folder.name)
        assert not verified.problems
    rows = pq.read_table(tmp_path / "s" / "eval" / "unseen").column("prompt").to_pylist()
    assert Dataset(BASE, 3, "unseen").batch(range(200), ["prompt"]).prompt.tolist() == rows
    for point in sweep.points:
        tested = Dataset(point.recipe.replace({"words.no_op": BASE.words.no_op}), 3, "unseen")
        assert tested.batch(range(200), ["prompt"]).prompt.tolist() == rows
    assert not list((tmp_path / "s").rglob("*.tmp*"))


def test_points_with_other_rules_do_not_share_them(tmp_path: Path) -> None:
    recipe = BASE.replace(sweep={"rules.pattern_length": [4, 5], "instructions": [10, 20]})
    made = Sweep(recipe, seed=3).write(tmp_path, threads=1)
    assert [folder.name for folder in made[:2]] == ["eval-1", "eval-2"]
    for folder in made[2:]:
        assert folder.values is not None
        patterns = pq.read_table(tmp_path / str(folder.evaluation) / "unseen").column("pattern").to_pylist()
        assert {len(pattern) for pattern in patterns} == {folder.values["rules.pattern_length"]}


def test_a_key_depends_on_what_the_rows_depend_on() -> None:
    same = BASE.replace({"examples": 17, "instructions": 33, "popularity": {"zipf": 1.0}})
    other = BASE.replace({"eval.examples": 17})
    assert evaluation_key(BASE, "unseen") == evaluation_key(same, "unseen") != evaluation_key(other, "unseen")


def test_going_on_gives_the_same_and_leaves_what_is_finished(tmp_path: Path) -> None:
    sweep = Sweep(BASE, seed=3)
    sweep.write(tmp_path / "whole", threads=1)

    class Killed(Exception):
        pass

    def stop(folder: object) -> None:
        if "instructions=10,words.no_op=0.5" in str(folder):
            raise Killed

    with pytest.raises(Killed):
        sweep.write(tmp_path / "parts", threads=1, told=stop)
    assert not (tmp_path / "parts" / NAME).exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").rglob("*.parquet")}
    assert before
    sweep.write(tmp_path / "parts", threads=2)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").rglob("*") if path.is_file()}
    sweep.write(tmp_path / "parts", threads=1)
    assert {path: path.stat().st_mtime_ns for path in again} == again


def test_another_sweep_is_refused(tmp_path: Path) -> None:
    Sweep(BASE, seed=3).write(tmp_path, threads=1)
    before = files(tmp_path)
    for other in (Sweep(BASE, seed=4), Sweep(BASE.replace({"rules.holdout": 0.2}), seed=3)):
        with pytest.raises(SweepError, match="holds another sweep"):
            other.write(tmp_path, threads=1)
    assert files(tmp_path) == before


def test_command(tmp_path: Path) -> None:
    small = ["--set", "sweep.instructions=[10,20]", "--set", "words.length=20", "--set", "rules.pattern_length=5",
             "--set", "eval.examples=100", "--examples", "200"]  # fmt: skip
    runner = CliRunner()
    dry = runner.invoke(main, ["sweep", "paper/basic", "--dry-run", *small])
    assert dry.exit_code == 0, dry.output
    assert dry.output.splitlines()[1].startswith("instructions=10: train: 200 rows, ")
    done = runner.invoke(main, ["sweep", "paper/basic", "--out", str(tmp_path / "s"), "--json", *small])
    assert done.exit_code == 0, done.output
    folders = json.loads(done.stdout)
    assert [folder["name"] for folder in folders] == ["eval", "instructions=10", "instructions=20"]
    bad = runner.invoke(main, ["sweep", "paper/basic", "--out", str(tmp_path / "t"), "--set", "sweep.instructions=[0]"])
    assert bad.exit_code == 2
    assert "instructions=0: instructions: must be between 1" in bad.output
    assert not (tmp_path / "t").exists()
