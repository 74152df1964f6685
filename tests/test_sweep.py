"""Sweeps: every point once, evaluation sets shared, gone on with after a stop, and nothing else in the folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from effort import slow_but
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib import Dataset, Recipe, RecipeError
from markovlib.cli import main
from markovlib.shards import manifest, verification
from markovlib.shards.folder import ShardError
from markovlib.shards.generation import generate
from markovlib.sweep import NAME, UNFINISHED, Sweep, SweepError, _names, evaluation_key, points

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


def test_a_sweep_says_what_it_is() -> None:
    assert repr(Sweep(BASE, seed=3)) == f"<Sweep of {len(points(BASE))} points of {BASE!r}, seed=3>"


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
        points(BASE.replace(sweep={"words.length": [20, [20, 20]]}))
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
    (tmp_path / "parts" / "instructions=10,words.no_op=0.5" / "train" / "part-00000.parquet").unlink()
    told = {folder.name: folder.made_again for folder in sweep.write(tmp_path / "parts", threads=1)}
    assert told.pop("instructions=10,words.no_op=0.5") == ("train/part-00000.parquet",)
    assert set(told.values()) == {()}
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    assert (tmp_path / "parts" / NAME).stat().st_mtime_ns == again[tmp_path / "parts" / NAME]


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
    assert [folder["kept"] for folder in folders] == [False] * 3
    again = runner.invoke(main, ["sweep", "paper/basic", "--out", str(tmp_path / "s"), *small])
    assert again.exit_code == 0, again.output
    told = again.stderr.splitlines()
    assert told[1].startswith("instructions=10: already complete: train: 200 rows, ")
    assert told[-1].startswith(f"{tmp_path / 's'}: already complete: 2 points, 500 rows, ")
    for name in ("verify", "inspect", "report", "export --format jsonl --out x", "score --answers -"):
        command, *options = name.split()
        told = runner.invoke(main, [command, str(tmp_path / "s"), *options])
        assert told.exit_code == 2
        place = tmp_path / "s"
        sentence = f"{place}: a sweep of 2 points; name the folder of one, such as {place / 'instructions=10'}"
        assert told.stderr == f"markovlib: error: {sentence}\n"
    with pytest.raises(ShardError, match="a sweep of 2 points"):
        mk.open(tmp_path / "s")
    (tmp_path / "s" / NAME).rename(tmp_path / "s" / UNFINISHED)
    with pytest.raises(ShardError, match="a sweep that is not finished; the same `markovlib sweep` goes on with it"):
        mk.open(tmp_path / "s")
    one = ["--set", "sweep.instructions=[10]", *small[2:6], "--split", "train", "--examples", "1"]
    dry = runner.invoke(main, ["sweep", "paper/basic", "--dry-run", *one])
    assert re.search(r"instructions=10: train: 1 row, .*\n1 row, .* bytes in 1 folder ", dry.output), dry.output
    bad = runner.invoke(main, ["sweep", "paper/basic", "--out", str(tmp_path / "t"), "--set", "sweep.instructions=[0]"])
    assert bad.exit_code == 2
    assert "instructions=0: instructions: must be between 1" in bad.output
    assert not (tmp_path / "t").exists()


def test_a_split_that_is_named_twice_is_written_once(tmp_path: Path) -> None:
    args = ["sweep", "paper/basic", "--out", str(tmp_path / "s"), "--set", "sweep.instructions=[10,20]",
            "--set", "words.length=20", "--set", "rules.pattern_length=5", "--set", "eval.examples=10",
            "--examples", "20", "--split", "train,unseen,train,unseen"]  # fmt: skip
    for _ in range(2):
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, result.output
    assert list(manifest.load(tmp_path / "s" / "instructions=10").splits) == ["train"]


def test_a_sweep_takes_a_tokenizer_and_an_executor(tmp_path: Path) -> None:
    args = ["sweep", "paper/basic", "--set", "sweep.instructions=[10]", "--set", "words.length=20",
            "--set", "rules.pattern_length=5", "--set", "eval.examples=10", "--examples", "20"]  # fmt: skip
    tokens = [*args, "--out", str(tmp_path / "s"), "--format", "tokens", "--tokenizer", "chars"]
    result = CliRunner().invoke(main, [*tokens, "--executor", "processes", "--threads", "1"])
    assert result.exit_code == 0, result.output
    for name, split in (("eval", "unseen"), ("instructions=10", "train")):
        assert manifest.load(tmp_path / "s" / name).splits[split].options["tokenizer"]["kind"] == "characters"
    assert CliRunner().invoke(main, tokens).exit_code == 0
    other = CliRunner().invoke(main, [*tokens[:-1], "bytes"])
    assert other.exit_code == 2
    assert "eval: holds a finished split 'unseen' of another kind" in other.output
    for options in (["--tokenizer", "chars"], ["--format", "tokens", "--tokenizer", "nowhere.json"]):
        bad = CliRunner().invoke(main, [*args, "--out", str(tmp_path / "t"), *options])
        assert bad.exit_code == 2, bad.output
        assert not (tmp_path / "t").exists()


def test_paths_that_change_together_are_one_axis() -> None:
    axes: dict[str, list[Any]] = {
        "words.length,rules.pattern_length": [[20, 5], [[30, 40], 6]], "instructions": [10, 20]
    }  # fmt: skip
    found = points(BASE.replace(sweep=axes))
    assert [point.name for point in found] == [
        "words.length=20,rules.pattern_length=5,instructions=10",
        "words.length=20,rules.pattern_length=5,instructions=20",
        "words.length=30+40,rules.pattern_length=6,instructions=10",
        "words.length=30+40,rules.pattern_length=6,instructions=20",
    ]
    assert found[3].recipe == BASE.replace({"sweep": {}, "words.length": [30, 40], "rules.pattern_length": 6},
                                           instructions=20)  # fmt: skip
    assert Recipe.from_toml(BASE.replace(sweep=axes).to_toml()) == BASE.replace(sweep=axes)


def test_rules_that_go_with_the_words_of_their_axis_alone_have_no_evaluation_sets() -> None:
    recipe = BASE.replace({"words.length": 12, "sweep": {"words.length,rules.pattern_length": [[12, 5], [30, 20]]}})
    assert [point.recipe.words.length for point in points(recipe)] == [(12, 12), (30, 30)]
    assert [name for name, *_ in Sweep(recipe, splits=["train", "seen"]).folders] == [
        "words.length=12,rules.pattern_length=5", "words.length=30,rules.pattern_length=20"
    ]  # fmt: skip
    with pytest.raises(SweepError) as caught:
        Sweep(recipe)
    assert str(caught.value) == (
        "sweep: words.length=30,rules.pattern_length=20: its evaluation sets, for which axes of training change "
        "nothing, cannot be: rules.pattern_length: 20 is longer than every word (words.length = [12, 12])"
    )


@pytest.mark.parametrize(
    ("axes", "problem"),
    [
        ({"nope": [1]}, "sweep.nope: is not the path of a field"),
        ({"words": [1]}, "sweep.words: is not the path of a field"),
        ({"sweep": [1]}, "sweep.sweep: is not the path of a field"),
        ({"shifts": [1]}, "sweep.shifts: is not the path of a field"),
        ({"instructions": []}, "sweep.instructions: must list at least one value"),
        (
            {"instructions,words.no_op": [[2, 0.5], [1]]},
            r"sweep.instructions,words.no_op: must list lists of 2 values, one each for instructions and words.no_op, "
            r"got \[1\]",
        ),
        ({"instructions,words.no_op": [3]}, "one each for instructions and words.no_op, got 3"),
        ({"instructions": [1], "words.no_op,instructions": [[0.1, 2]]}, "instructions is on two axes"),
    ],
)
def test_axes_that_cannot_be(axes: Any, problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        BASE.replace(sweep=axes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (["sweep.instructions=[10,20,10]"], "sweep.instructions: value 3, 10, is value 1 again; list each once"),
        (["sweep.words.length,rules.pattern_length=[[20,5],[20,5]]"],
         "sweep.words.length,rules.pattern_length: value 2, [20, 5], is value 1 again; list each once"),
        (["sweep.words.no_op=[1,1.0]"], "sweep: words.no_op=1.0 is the same recipe as words.no_op=1; keep one of them"),
        (["sweep.words.length,rules.pattern_length=[20,5]"],
         "must list lists of 2 values, one each for words.length and rules.pattern_length, got 20"),
        (["sweep.instructions=10"],
         "--set sweep.instructions=10: an axis is a list, with a value for each point: sweep.instructions=[..., ...]"),
        (["sweep.words.length,rules.pattern_length=20"], "an axis is a list, with [a value, a value] for each point"),
        (["words.length,rules.pattern_length=[20,5]"],
         "one path at a time; only axes of a sweep have several, as in sweep.words.length,rules.pattern_length=[[...]"),
        (["sweep.,instructions=[1]"], "expected PATH=VALUE, such as words.no_op=0.3"),
    ],
)  # fmt: skip
def test_axes_on_the_command_line_that_cannot_be(changes: list[str], problem: str) -> None:
    given = [word for change in changes for word in ("--set", change)]
    result = CliRunner().invoke(main, ["sweep", "paper/no-op", "--dry-run", *given], prog_name="markovlib")
    assert result.exit_code == 2, result.output
    assert problem in " ".join(result.output.split())


@pytest.mark.parametrize("axis", ["words.length,rules.pattern_length", '"words.length,rules.pattern_length"'])
def test_an_axis_of_several_paths_on_the_command_line(axis: str) -> None:
    small = ["--examples", "20", "--split", "train", "--set", f"sweep.{axis}=[[20,5],[30,6]]"]
    result = CliRunner().invoke(main, ["sweep", "paper/no-op", "--dry-run", *small], prog_name="markovlib")
    assert result.exit_code == 0, result.output
    names = [line.split(":")[0] for line in result.output.splitlines()[:-1]]
    assert names == ["words.length=20,rules.pattern_length=5", "words.length=30,rules.pattern_length=6"]


VALUES = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aA./", min_size=1), inner, max_size=2),
)


@given(st.lists(VALUES, min_size=1, max_size=5, unique_by=lambda value: json.dumps(value, sort_keys=True)))
def test_names_of_folders_are_short_safe_and_different(values: list[Any]) -> None:
    names = _names([{"words.x": value} for value in values])
    assert len({name.casefold() for name in names}) == len(values)
    assert all(re.fullmatch(r"w[A-Za-z0-9._=,+-]{1,150}", name) for name in names)


def test_names_that_differ_in_capitals_alone_are_told_apart() -> None:
    names = _names([{"rules.alphabet": "ab"}, {"rules.alphabet": "AB"}, {"rules.alphabet": "abc"}])
    assert names[2] == "rules.alphabet=abc"
    assert [re.sub("[0-9a-f]{6}$", "", name) for name in names[:2]] == ["rules.alphabet=ab-", "rules.alphabet=AB-"]


def test_a_split_that_a_point_cannot_have_is_told_before_anything_is_written(tmp_path: Path) -> None:
    recipe = BASE.replace({"sweep": {"rules.replacement_length": [5, 0]}})
    with pytest.raises(SweepError) as caught:
        Sweep(recipe).write(tmp_path / "a")
    assert str(caught.value) == (
        "sweep: eval-2: rules.replacement_length: no rule can be held out for the split 'unseen', since the empty "
        "replacement is the only one and belongs to training; let some be longer"
    )
    for options, problem in (
        ({"splits": ["train", "nope"]}, "nope"), ({"columns": ["nope"]}, "no column 'nope'"),
        ({"splits": ["train", "a b"]}, "the name of a split"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=problem):
            Sweep(BASE, **options)  # type: ignore[arg-type]
    with pytest.raises(SweepError, match="examples: the split 'train' has no size"):
        Sweep(BASE.replace(examples=None))
    assert list(tmp_path.iterdir()) == []


def test_each_point_is_what_generate_makes(tmp_path: Path) -> None:
    splits = ["train", "seen", "unseen"]
    sweep = Sweep(BASE, seed=3, splits=splits, shard_rows=100)
    sweep.write(tmp_path / "s", threads=2)
    for point in sweep.points:
        generate(point.recipe, tmp_path / "own" / point.name, splits=splits[:2], seed=3, shard_rows=100)
        assert files(tmp_path / "s" / point.name) == files(tmp_path / "own" / point.name)
    assert {path.name for path in (tmp_path / "s").iterdir()} == {NAME, "eval", *(p.name for p in sweep.points)}


@pytest.mark.parametrize(
    "axes",
    [{"instructions": [10, 20, 40]}, {"examples": [200, 300]}, {"instructions,examples": [[5, 100], [10, 300]]},
     {"popularity": ["uniform", {"power_law": 0.2}]}],
)  # fmt: skip
def test_the_unseen_set_that_points_share_is_what_each_would_make(tmp_path: Path, axes: Any) -> None:
    sweep = Sweep(BASE.replace(sweep=axes), seed=3)
    sweep.write(tmp_path / "s")
    shared = manifest.load(tmp_path / "s" / "eval").splits["unseen"]
    for point in sweep.points:
        generate(point.recipe, tmp_path / "own" / point.name, splits=["unseen"], seed=3)
        own = manifest.load(tmp_path / "own" / point.name).splits["unseen"]
        assert own.rows_digest == shared.rows_digest


def test_a_killed_sweep_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Killed when so many folders are complete; what was complete is not made again."""
    recipe = BASE.replace({"sweep": {"instructions": [10, 20, 40, 80]}}, examples=20_000)
    sweep = Sweep(recipe, shard_rows=2000)
    whole, out = tmp_path / "whole", tmp_path / "out"
    sweep.write(whole)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    code = "from markovlib.cli import main; main()"
    command = [sys.executable, "-c", code, "sweep", str(tmp_path / "recipe.toml"), "--out", str(out)]
    complete: dict[Path, int] = {}
    for wanted in (1, 3):
        process = subprocess.Popen([*command, "--shard-rows", "2000"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(list(out.glob("*/manifest.json"))) < wanted and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was too fast to be killed"
        finished = [path.parent for path in out.glob("*/manifest.json")]
        complete = {p: p.stat().st_mtime_ns for folder in finished for p in folder.rglob("[!.]*") if p.is_file()}
        assert len(complete) >= wanted
        assert (out / UNFINISHED).exists()
    with pytest.raises(SweepError, match="another sweep, unfinished: seed is 0 there, 1 asked for"):
        Sweep(recipe, shard_rows=2000, seed=1).write(out)
    sweep.write(out)
    assert files(out) == files(whole)
    assert {path: path.stat().st_mtime_ns for path in complete} == complete


def test_a_full_disk_in_one_point_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = Sweep(BASE, seed=3)
    last = tmp_path / "a" / sweep.points[-1].name
    real = os.fsync

    def full(handle: int) -> None:
        if last.exists():
            raise OSError(28, os.strerror(28))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            sweep.write(tmp_path / "a")
    assert not (tmp_path / "a" / NAME).exists()
    sweep.write(tmp_path / "a")
    sweep.write(tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_what_another_sweep_differs_in_is_said_and_other_folders_are_refused(tmp_path: Path) -> None:
    Sweep(BASE, seed=3).write(tmp_path / "a")
    for other, change in (
        (Sweep(BASE, seed=4), "seed is 3 there, 4 asked for"),
        (Sweep(BASE.replace(sweep={"instructions": [10]}), seed=3), "recipe.sweep.instructions is .10,20. there"),
        (Sweep(BASE, seed=3, splits=["train"]), "its folders or their splits are others"),
        (Sweep(BASE, seed=3, shard_rows=7), "shard_rows is 131072 there, 7 asked for"),
    ):
        with pytest.raises(SweepError, match=f"holds another sweep: .*{change}"):
            other.write(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("mine")
    with pytest.raises(SweepError, match=r"holds something else \(notes.txt\)"):
        Sweep(BASE, seed=3).write(tmp_path / "b")
    for text in ("{", "[]", '{"folders": 3}'):
        (tmp_path / "b" / NAME).write_text(text)
        with pytest.raises(SweepError, match="is not a sweep's"):
            Sweep(BASE, seed=3).write(tmp_path / "b")


def test_one_process_writes_a_sweep_at_a_time(tmp_path: Path) -> None:
    from markovlib.shards import folder

    with folder.locked(tmp_path), pytest.raises(ShardError, match="another process is writing"):
        Sweep(BASE, seed=3).write(tmp_path)


@pytest.mark.parametrize("format_name", ["parquet", "arrow"])
def test_estimates_are_exact_for_small_splits_and_near_for_large(tmp_path: Path, format_name: str) -> None:
    recipe = Recipe.load("paper/basic").replace(
        {"eval.examples": 200, "sweep": {"instructions": [20, 1000]}, "shifts": {"longer": {"words.length": 60}}},
        examples=40_000,
    )
    sweep = Sweep(recipe, splits=["train", "unseen", "longer"], format=format_name)
    expected = {folder.name: folder.splits for folder in sweep.estimate()}
    assert list(tmp_path.iterdir()) == []
    for folder in sweep.write(tmp_path / "a"):
        for split, size in folder.splits.items():
            found = expected[folder.name][split]
            assert found["rows"] == size["rows"]
            assert found["bytes"] == (size["bytes"] if split != "train" else pytest.approx(size["bytes"], rel=0.01))


def test_test_sets_of_recipes_with_a_long_tail_are_written_alone(tmp_path: Path) -> None:
    recipe = Recipe.load("paper/long-tail").replace({"eval.examples": 100}, examples=300)
    Sweep(recipe.replace({"sweep": {"instructions": [1000, 2000]}}), seed=3).write(tmp_path / "s")
    generate(recipe, tmp_path / "g", splits=["unseen"], seed=3)
    generate(recipe, tmp_path / "g", splits=["train"], seed=3)
    generate(recipe.replace(popularity="uniform"), tmp_path / "u", splits=["unseen"], seed=3)
    digests = [manifest.load(tmp_path / name).splits["unseen"].rows_digest for name in ("s/eval", "g", "u")]
    assert len(set(digests)) == 1
    for folder in (tmp_path / "s" / "eval", tmp_path / "g"):
        assert verification.verify(folder).ok
    with pytest.raises(RecipeError, match="popularity: needs `instructions`"):
        Dataset(recipe.replace(examples=None, instructions=None))


SWEPT = [name for name in Recipe.presets() if Recipe.load(name).sweep]


@pytest.mark.parametrize("preset", slow_but(["paper/no-op", "trace"], SWEPT))
def test_every_preset_with_axes_can_be_swept(preset: str) -> None:
    sweep = Sweep(Recipe.load(preset))
    assert len(sweep.points) == len({point.name for point in sweep.points}) > 1
