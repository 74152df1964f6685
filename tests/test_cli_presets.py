"""The command `presets`: the list, and one preset as its file has it."""

import json
import re

import pytest
from click.testing import CliRunner

from markovlib import MixtureRecipe, Recipe
from markovlib.cli import main


def run(*args, code=0):
    result = CliRunner().invoke(main, ["presets", *map(str, args)], prog_name="markovlib")
    assert result.exit_code == code, result.output
    return result


def test_the_list_of_presets_names_families_in_words():
    printed = run().stdout
    assert "mirrored," in printed
    assert "['" not in printed


@pytest.mark.parametrize("name", ["paper/no-op", "paper/code-16k-2k-2k"])
def test_a_preset_is_printed_as_its_file_has_it(name, tmp_path):
    kind = MixtureRecipe if "code" in name else Recipe
    printed = run(name).stdout
    assert "ours" in printed
    (tmp_path / "mine.toml").write_text(printed)
    assert kind.load(tmp_path / "mine.toml") == kind.load(name)
    assert kind.from_toml(run(tmp_path / "mine.toml").stdout) == kind.load(name)
    assert kind.from_json(run(name, "--json").stdout) == kind.load(name)


def test_what_is_no_preset_is_told_the_presets():
    failed = run("nix", code=2).stderr
    assert re.search(r"^markovlib: error: nix: is neither a preset \(.*trace.*paper/code-15k-5k.*\)", failed)


def test_the_list_of_presets_has_a_line_for_each():
    lines = run().stdout.splitlines()
    for preset, description in Recipe.presets().items():
        (line,) = (line for line in lines if line.split()[:1] == [preset])
        assert line.rstrip().endswith(description)


def test_json_has_the_mixtures_too():
    listed = json.loads(run("--json").stdout)
    assert set(listed) == {*Recipe.presets(), *MixtureRecipe.presets()}
    name = "paper/code-16k-2k-2k"
    assert listed[name] == json.loads(run(name, "--json").stdout)


def test_a_preset_of_a_program_has_no_family_and_no_patterns():
    (line,) = (line for line in run().stdout.splitlines() if line.split()[:1] == ["program"])
    assert line.split()[1:6] == ["100,000", "-", "-", "-", "3-12"]
