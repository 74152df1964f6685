"""The commands about data: what they print, what they leave on disk, and how they fail."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import fake_dataset
import pytest
from click.testing import CliRunner
from commands import fails, run

from markovlib.cli import COMMANDS, main
from markovlib.cli.options import assignment, names_option
from markovlib.shards import manifest


@pytest.fixture(autouse=True)
def _fake_data(monkeypatch):
    monkeypatch.setitem(sys.modules, "markovlib.recipe", fake_dataset)
    monkeypatch.setitem(sys.modules, "markovlib.dataset", fake_dataset)


def test_generate_writes_and_says_what(tmp_path):
    out = tmp_path / "a"
    result = run("generate", "paper/no-op", "--out", out, "--examples", 500, "--shard-rows", 200)
    assert result.stdout == ""
    assert "train: 500 rows, 3 shards" in result.stderr
    assert "rows/s" in result.stderr
    assert "\x1b" not in result.output
    again = run("generate", "paper/no-op", "--out", out, "--examples", 500, "--shard-rows", 200)
    assert "already complete" in again.stderr
    assert "\x1b" not in run("inspect", out).output
    assert "500 of 500 rows made again" in run("verify", out).stdout


def test_a_dash_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["generate", "paper/no-op", "--out", "-"], ["inspect", "-"], ["export", "a", "--out", "-"],
                    ["sweep", "paper/no-op", "--out", "-"], ["mix", "paper/no-op", "--out", "-"]):  # fmt: skip
        (tmp_path / "a").mkdir(exist_ok=True)
        assert "- is standard input or output, and no folder; one of that name is ./-; see" in fails(*command)
    assert not (tmp_path / "-").exists()
    run("generate", "paper/no-op", "--out", "./-", "--examples", 50)
    assert manifest.load(tmp_path / "-").splits["train"].rows == 50


def test_sizes_go_to_the_splits_that_are_written(tmp_path):
    run("generate", "paper/no-op", "--out", tmp_path / "a", "--examples", 70, "--split", "train,seen")
    run(
        "generate",
        "paper/no-op",
        "--out",
        tmp_path / "a",
        "--examples",
        30,
        "--instructions",
        4,
        "--split",
        "unseen",
    )
    splits = manifest.load(tmp_path / "a").splits
    assert {name: split.rows for name, split in splits.items()} == {"train": 70, "seen": 70, "unseen": 30}
    assert splits["train"].sizes == {"examples": 70, "instructions": 10}
    assert splits["seen"].sizes == {"examples": 70, "instructions": 10, "eval.examples": 70}
    assert splits["unseen"].sizes == {"eval.examples": 30, "eval.instructions": 4}


def test_a_later_seen_split_takes_the_training_sizes_of_the_folder(tmp_path):
    run("generate", "paper/no-op", "--out", tmp_path / "a", "--examples", 70, "--instructions", 5)
    run("generate", "paper/no-op", "--out", tmp_path / "a", "--examples", 20, "--split", "seen")
    assert manifest.load(tmp_path / "a").splits["seen"].sizes["instructions"] == 5


def test_the_written_recipe_makes_the_folder_again(tmp_path):
    run(
        "generate",
        "paper/no-op",
        "--out",
        tmp_path / "a",
        "--set",
        "words.no_op=0.5",
        "--split",
        "train,seen",
    )
    run("generate", tmp_path / "a" / "recipe.toml", "--out", tmp_path / "b", "--split", "train,seen")
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("words.no_op=0.3", ("words.no_op", 0.3)),
        ("examples=1_000", ("examples", 1000)),
        ("rules.alphabet=a-z", ("rules.alphabet", "a-z")),
        ("words.sampler=exact", ("words.sampler", "exact")),
        ('rules.alphabet="ab"', ("rules.alphabet", "ab")),
        ("words.length=[20, 50]", ("words.length", [20, 50])),
        ("popularity={power_law = 0.2}", ("popularity", {"power_law": 0.2})),
        ("rules.strict=true", ("rules.strict", True)),
    ],
)
def test_set_reads_toml_and_bare_words(text, expected):
    assert assignment(text) == expected


@pytest.mark.parametrize("text", ["words", "=3", "words.length=[1,", "a b=1", "a=1\nb=2", "a=", 'a="x', "a=two words"])
def test_set_refuses_the_rest(tmp_path, text):
    assert "--set" in fails("generate", "paper/no-op", "--out", tmp_path / "a", "--set", text)
    assert not (tmp_path / "a").exists()


def test_lists_of_names_may_come_again_and_are_joined(tmp_path):
    again = ("--split", "unseen", "--split", "train,unseen", "--columns", "prompt", "--columns", "index,completion")
    run("generate", "paper/no-op", "--examples", 10, "--out", tmp_path / "a", *again)
    splits = manifest.load(tmp_path / "a").splits
    assert set(splits) == {"train", "unseen"}
    assert set(splits["train"].columns) == {"prompt", "index", "completion"}
    run("export", tmp_path / "a", "--format", "jsonl", "--out", tmp_path / "b", "--split", "unseen", "--split", "train",
        "--columns", "completion", "--columns", "prompt")  # fmt: skip
    copied = manifest.load(tmp_path / "b").splits
    both = {"prompt", "completion"}
    assert {name: set(split.columns) for name, split in copied.items()} == {"train": both, "unseen": both}
    assert "--split 'train,': expected names" in fails(
        "generate", "paper/no-op", "--split", "train,", "--out", tmp_path / "c"
    )


def test_inspect_shows_the_figures(tmp_path):
    out = tmp_path / "a"
    run("generate", "paper/no-op", "--out", out, "--split", "train,unseen", "--format", "arrow")
    text = run("inspect", out).stdout
    shares = [fake_dataset.Dataset(fake_dataset.Recipe.load("paper/no-op")).row(i)["no_op"] for i in range(1000)]
    assert re.search(rf"no-ops +{sum(shares)} \({sum(shares) / 10:.2f} %\)", text)
    assert re.search(r"rows +1,000", text)
    assert "unseen (all rows)" in text
    found = json.loads(run("inspect", out, "--json", "--show", 1).stdout)
    assert found == json.loads(run("inspect", out, "--json", "--examples", 1).stdout)
    assert found["splits"][0]["no_ops"] == sum(shares)
    assert len(found["splits"][0]["examples"]) == 1


def test_verify_exits_1_on_a_difference(tmp_path):
    out = tmp_path / "a"
    run("generate", "paper/no-op", "--out", out)
    path = out / "train" / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    data[1000] ^= 4
    path.write_bytes(data)
    result = run("verify", out, "--sample", 10, code=1)
    assert "train/part-00000.parquet: its checksum is not the manifest's" in result.stdout
    assert "1 problem:" in result.stdout
    found = json.loads(run("verify", out, "--json", code=1).stdout)
    assert not found["ok"]
    assert found["problems"][0]["file"] == "train/part-00000.parquet"


def test_presets_are_listed():
    assert re.search(r"paper/no-op +1,000 .* Rewriting with no-ops\.", run("presets").stdout)
    assert json.loads(run("presets", "--json").stdout)["paper/no-op"]["examples"] == 1000


def test_bad_input_is_one_line_and_exit_2(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    good = ("generate", "paper/no-op", "--out")
    assert "No such file" in fails("generate", tmp_path / "nix.toml", "--out", tmp_path / "a")
    assert "nope: unknown field" in fails(*good, tmp_path / "a", "--set", "nope=1")
    assert "Not a directory" in fails(*good, tmp_path / "full" / "notes.txt" / "y")
    assert "holds something else (notes.txt)" in fails(*good, tmp_path / "full")
    assert "choose from index" in fails(*good, tmp_path / "a", "--columns", "words")
    assert "separated by commas" in fails(*good, tmp_path / "a", "--split", "train,,seen")
    assert "Missing option '--out'" in fails("generate", "paper/no-op")
    assert "--shard-rows" in fails(*good, tmp_path / "a", "--shard-rows", 0)
    assert "No such command" in fails("frobnicate")
    assert "no manifest.json" in fails("verify", tmp_path)
    for command in ("inspect", "verify"):
        assert fails(command, tmp_path / "nix") == f"markovlib: error: {tmp_path / 'nix'}: no such folder\n"
    number = "Invalid value for '--examples': '1e6' is not a whole number, such as 1000000 or 1_000_000; see"
    assert number in fails(*good, tmp_path / "a", "--examples", "1e6")
    choices = fails("export", tmp_path, "--out", tmp_path / "a")
    assert "Missing option '--format'. Choose from: parquet, arrow, jsonl, " in choices
    assert "\t" not in choices
    assert not (tmp_path / "a").exists()


def test_what_is_nested_too_deeply_is_one_line(tmp_path):
    path = ".".join("a" * 3000)
    (tmp_path / "r.toml").write_text(f"{path} = 1\n")
    (tmp_path / "m.toml").write_text(
        f"examples = 1\n[[sources]]\nname = 'a'\nfiles = 'a.jsonl'\nprompt = '{'{if a}' * 1500}a{'{end}' * 1500}'\n"
    )
    for args in (
        ("generate", "trace", "--out", tmp_path / "a", "--set", f"a={'[' * 3000}"),
        ("generate", "trace", "--out", tmp_path / "a", "--set", f"{path}=1"),
        ("generate", tmp_path / "r.toml", "--out", tmp_path / "a"),
        ("mix", tmp_path / "m.toml", "--dry-run"),
    ):
        stderr = child_output(*args)
        assert stderr.startswith("markovlib: error: ")
        assert stderr.count("\n") == 1
        # CPython 3.14 has limits of its own for the parts of a key of TOML
        assert "nested too deeply" in stderr or "more than the allowed 1000 parts" in stderr
    assert not (tmp_path / "a").exists()


def test_a_preset_of_the_other_kind_is_told_which_command_takes_it(tmp_path):
    for command in (("generate", "--out", tmp_path), ("sweep", "--dry-run"), ("report",)):
        stderr = child_output(command[0], "paper/code-20k-0", *command[1:])
        assert stderr.startswith("markovlib: error: paper/code-20k-0: is a preset of mixtures: use `markovlib mix`")
    stderr = child_output("mix", "paper/no-op", "--dry-run")
    assert stderr.startswith("markovlib: error: paper/no-op: is a preset of recipes: use `markovlib generate`")


def child_output(*args):
    """What a command that must fail prints on standard error, over the library's own recipes."""
    command = [sys.executable, "-m", "markovlib", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_shard_that_cannot_be_read_is_one_line(tmp_path):
    run("generate", "paper/no-op", "--out", tmp_path / "a")
    (tmp_path / "a" / "train" / "part-00000.parquet").write_bytes(b"PAR1")
    fails("inspect", tmp_path / "a")
    (tmp_path / "a" / "train" / "part-00000.parquet").unlink()
    assert "part-00000.parquet" in fails("inspect", tmp_path / "a")


def test_a_full_disk_and_no_memory_are_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "part-00000.parquet")

    def poor(*_):
        raise MemoryError("row 3")

    for fault, message in [
        (full, "part-00000.parquet: No space left on device; free"),
        (poor, "out of memory: row 3"),
    ]:
        monkeypatch.setattr(fake_dataset.Dataset, "row", fault)
        assert message in fails("generate", "paper/no-op", "--out", tmp_path / "a")


def child(*args, code="", **options):
    """Start the command in a process of its own, over the stand-in data set."""
    here = Path(__file__).parent
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")])),
        **options,
    }
    script = f"import fake_dataset; fake_dataset.install(); {code}\nfrom markovlib.cli import main; main()"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", script, *map(str, args)], env=env, **pipes)


def test_ctrl_c_leaves_a_folder_that_goes_on(tmp_path):
    out = tmp_path / "a"
    args = ("generate", "paper/no-op", "--out", out, "--shard-rows", 20)
    process = child(*args, FAKE_DELAY="0.1")
    deadline = time.monotonic() + 30
    while not list(out.glob("train/part-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == f"markovlib: interrupted; the same command goes on with {out} where it stopped\n"
    assert not list(out.rglob("*.tmp"))
    assert "kept" in run(*args).stderr
    run("verify", out)


def test_a_closed_pipe_is_quiet(tmp_path):
    run("generate", "paper/no-op", "--out", tmp_path / "a")
    process = child("inspect", tmp_path / "a", "--examples", 1000)
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert stderr == ""


def test_a_group_without_a_command_shows_its_help():
    assert run().stdout == run("--help").stdout


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; from markovlib.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print([name for name in ('pyarrow', 'rich', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "generate" in done.stdout
    assert run("--version").stdout.startswith("markovlib, version ")


def test_every_option_of_every_command_says_what_it_does():
    context = click.Context(main)
    for name in COMMANDS:
        for option in main.get_command(context, name).params:
            assert not isinstance(option, click.Option) or option.help, (name, option.opts)
    helped = {name: " ".join(run(name, "--help").stdout.split()) for name in COMMANDS}
    for name in ("generate", "sweep", "export", "report", "score"):
        assert "train, seen, unseen, recombined, or a shift's name" in helped[name]
    for name, example in (("generate", "words.no_op=0.3"), ("mix", "sources.oss.ratio=3"), ("sweep", "[10,100]")):
        assert f"{example}; VALUE is TOML" in helped[name]


def test_names_that_come_again_are_joined_each_once():
    @click.command()
    @names_option("--split", "splits", told="")
    def show(splits):
        click.echo(repr(splits))

    assert CliRunner().invoke(show, ["--split", "b, a", "--split", "a,c"]).output == "['b', 'a', 'c']\n"
    assert CliRunner().invoke(show, []).output == "None\n"
