"""The command `report`: what it prints and writes, and how it fails."""

import json
import re

import pytest
from commands import fails, run

import markovlib as mk
from markovlib import Dataset, Recipe
from markovlib.diversity import diversity
from markovlib.shards.folder import ShardError


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "a"
    run("generate", "paper/no-op", "--examples", 500, "--instructions", 50, "--split", "train,unseen", "--out", out)
    return out


def test_a_preset_is_reported():
    printed = run("report", "paper/no-op", "--examples", 2000, "--set", "words.no_op=0.25").stdout
    assert re.search(r"train \(2,000 rows\)", printed)
    assert re.search(r"instructions +1,000 of 1,000 offered", printed)
    assert re.search(r"effective number +1,000 / 1,000 / 1,000", printed)
    assert re.search(r"no-ops +500 \(25.00.%, asked 25.00.%\)", printed)
    assert re.search(r"exact blocks +1 of 1", printed)
    assert re.search(r"repeated rows +0 ", printed)
    assert re.search(r"word length +50 +50 +50.00 +50", printed)
    assert "\x1b" not in printed
    assert re.search(r"instructions +got +rows +share of rows", printed)
    several = run("report", "first-rewrite", "--examples", 100).stdout
    assert re.search(r"instructions +got +rules +share of rules", several)
    assert re.search(r"uniform +100.00.% +- +not known +400 +100.00.%", several)


def test_generate_says_which_kinds_of_rules_run_out(tmp_path):
    few = ["--examples", 100, "--instructions", 40, "--set", "rules.alphabet=ab"]
    sides = ["--set", "rules.pattern_length=[1, 5]", "--set", "rules.replacement_length=[3, 5]"]
    args = ["generate", "paper/no-op", *few, *sides, "--split", "train,unseen", "--out", tmp_path / "a"]
    said = run(*args).stderr
    first = "uniform, k = 1, 3 → 3; uniform, k = 1, 1 → 3; uniform, k = 1, 2 → 3"
    line = f"unseen: 12 of 15 kinds of rules run out before they have their share: {first}; and 9 more; "
    assert f"{line}the same command with --json names all\n" in said
    assert said.count("run out") == 1
    result = run(*args, "--json")
    train, unseen = json.loads(result.stdout)["splits"]
    spills = Dataset(Recipe.load(tmp_path / "a" / "recipe.toml"), split="unseen").spills
    assert (train["spills"], unseen["spills"], len(spills)) == ([], spills, 12)
    assert spills[1] == {
        "stratum": spills[1]["stratum"], "rule": 15, "into": spills[1]["into"],
        "kind": {"family": "uniform", "k": 1, "pattern_length": 1, "replacement_length": 3},
        "into_kind": {"family": "uniform", "k": 1, "pattern_length": 1, "replacement_length": 5},
    }  # fmt: skip
    warning = json.loads(result.stderr.splitlines()[-1])
    assert f"{warning['about']}: {warning['message']}".startswith(line)


def test_a_report_names_the_kinds_of_rules_that_run_out(tmp_path):
    """Of a folder too, whose rows do not say which kind their rules are of."""
    few = ["--examples", 100, "--instructions", 40, "--set", "rules.alphabet=ab"]
    sides = ["--set", "rules.pattern_length=[1, 5]", "--set", "rules.replacement_length=[3, 5]"]
    run("generate", "paper/no-op", *few, *sides, "--split", "unseen", "--out", tmp_path / "a")
    printed = run("report", tmp_path / "a").stdout
    assert re.search(r"spills +12 kinds of rules run out\b", printed)
    assert re.search(r"uniform, k = 1, 1 → 3 +15 +uniform, k = 1, 1 → 5", printed)
    found = json.loads(run("report", tmp_path / "a", "--json").stdout)
    assert (found["strata"], len(found["spills"])) == ([], 12)
    assert found["spills"][1]["kind"] == {
        "family": "uniform", "k": 1, "pattern_length": 1, "replacement_length": 3,
    }  # fmt: skip
    pytest.importorskip("matplotlib")
    page = diversity(tmp_path / "a").html()
    assert "its first turns go to" in page
    assert page.count("uniform, k = 1, 1 → 3<") == 1


def test_fewer_rules_than_kinds_of_rules_are_a_warning(tmp_path):
    args = ["generate", "first-rewrite", "--examples", 20, "--set", "rules.pattern_length=[1, 12]"]
    said = run(*args, "--instructions", 10, "--out", tmp_path / "a").stderr
    line = "train: 40 rules for 60 kinds of rules (family, k, lengths): at least 20 have none and do not show in the "
    assert f"{line}rows; ask for more instructions, or fewer kinds\n" in said
    assert "kinds of rules" not in run(*args, "--instructions", 15, "--out", tmp_path / "b").stderr
    result = run(*args, "--set", "rules.pool=30", "--instructions", 15, "--out", tmp_path / "c", "--json")
    (split,) = json.loads(result.stdout)["splits"]
    assert (split["kinds"], split["kinds_without_rules"]) == (60, 30)
    assert json.loads(result.stderr.splitlines()[-1])["message"].startswith("30 rules for 60 kinds of rules")


def test_json_is_that_of_the_python_interface():
    found = json.loads(
        run("report", "paper/no-op", "--examples", 300, "--seed", 7, "--split", "unseen", "--json").stdout
    )
    recipe = Recipe.load("paper/no-op").replace({"eval.examples": 300})
    assert found == diversity(Dataset(recipe, seed=7, split="unseen")).to_dict()


def test_a_folder_is_reported_split_by_split(folder):
    assert "train (500 rows)" in run("report", folder).stdout
    assert "unseen (500 rows)" in run("report", folder, "--split", "unseen").stdout
    assert "unseen (500 rows)" in run("report", folder / "unseen").stdout
    assert "train (the first 200 rows)" in run("report", folder, "--examples", 200).stdout
    assert "train (the first 1 row)" in run("report", folder, "--examples", 1).stdout
    assert json.loads(run("report", folder, "--json").stdout)["instructions"]["used"] == 50


def test_the_other_splits_of_a_folder_are_told(folder):
    said = f"{folder}: the report is of train; --split names another: unseen\n"
    assert run("report", folder).stdout.endswith(said)
    assert run("report", folder, "--json").stderr.endswith(said)
    for args in ((folder, "--split", "train"), (folder / "unseen",)):
        assert "names another" not in run("report", *args).output


def test_a_mixture_is_refused_however_it_is_given(tmp_path):
    out = tmp_path / "mixed"
    source = {"name": "ours", "recipe": Recipe.load("paper/no-op").replace(examples=20).to_dict()}
    mixture = mk.Mixture(mk.MixtureRecipe.from_dict({"examples": 10, "sources": [source]}))
    mixture.write(out)
    sentence = "a mixture has no rules whose diversity could be counted; give one of its sources"
    for data in (mixture, mk.open(out)):
        with pytest.raises(TypeError, match=sentence):
            diversity(data)
    for path in (out, out / "train"):
        with pytest.raises(ShardError, match=sentence):
            diversity(path)
    assert fails("report", out, "--html", tmp_path / "page.html").endswith(f"{out}: {sentence}\n")


def test_a_page_is_written(tmp_path, folder):
    pytest.importorskip("matplotlib")
    result = run("report", folder, "--html", tmp_path / "page.html")
    assert f"{tmp_path / 'page.html'}: written" in result.stderr
    assert (tmp_path / "page.html").read_text("utf-8") == diversity(folder).html()


def test_a_page_may_be_printed_in_place_of_the_report(folder):
    pytest.importorskip("matplotlib")
    result = run("report", folder, "--html", "-")
    assert result.stdout == diversity(folder).html()
    assert "the report is of train; --split names another: unseen" in result.stderr
    assert "--html -: --json prints on standard output too" in fails("report", folder, "--html", "-", "--json")


def test_a_page_that_cannot_be_written_is_refused_before_rows_are_counted(folder, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("markovlib.diversity.diversity", None)
    assert "there is no such folder" in fails("report", folder, "--html", tmp_path / "nowhere" / "page.html")


def test_without_matplotlib_a_page_is_refused_before_rows_are_counted(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.setattr("markovlib.diversity.diversity", None)
    assert "pip install '.[plots]'" in fails("report", folder, "--html", tmp_path / "page.html")


def test_bad_input_is_one_line(folder, tmp_path):
    assert "has no split 'seen'" in fails("report", folder, "--split", "seen")
    assert "not a folder of finished shards" in fails("report", tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / ".unfinished.jsonl").write_text("{}\n{}\n")
    assert fails("report", tmp_path) == fails("inspect", tmp_path)
    assert "only unfinished splits (train)" in fails("report", tmp_path)
    assert "is neither a preset" in fails("report", tmp_path / "nix")
    assert "is a folder: --set and --seed are for presets" in fails("report", folder, "--set", "words.no_op=0.1")
    assert "split must be one of" in fails("report", "paper/no-op", "--split", "nix")
    assert "words.no_op" in fails("report", "paper/no-op", "--set", "words.no_op=2")
    (folder / "train" / "part-00000.parquet").write_bytes(b"PAR1")
    fails("report", folder)
