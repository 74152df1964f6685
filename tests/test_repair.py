"""A finished folder that has lost files: the same call makes these again, as they were, and touches nothing else."""

import fake_dataset
import msgspec
import pytest
from click.testing import CliRunner
from folders import snapshot

from markovlib import Recipe
from markovlib.cli import main
from markovlib.cluster import processes
from markovlib.shards import formats, manifest
from markovlib.shards.folder import ShardError
from markovlib.shards.generation import generate
from markovlib.shards.stores import open_store
from markovlib.shards.verification import verify

FORMATS = list(formats.MODULES)
OPTIONS = {"splits": ["train", "seen"], "shard_rows": 30}


@pytest.fixture
def recipe(monkeypatch):
    """A recipe of the stand-in's, and blocks so small that shards begin within them."""
    fake_dataset.stand_in(monkeypatch)
    return fake_dataset.Recipe.load("paper/no-op").replace(examples=200)


def identities(path):
    """Return inode and time of every file."""
    files = {str(p.relative_to(path)): p.stat() for p in path.rglob("*") if p.is_file()}
    return {name: (found.st_ino, found.st_mtime_ns) for name, found in files.items()}


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("format_name", FORMATS)
def test_files_that_are_missing_or_cut_off_are_made_again(tmp_path, recipe, format_name):
    out, suffixes = tmp_path / "a", formats.module(format_name).SUFFIXES
    generate(recipe, out, format=format_name, **OPTIONS)
    whole, before = snapshot(out), identities(out)
    lost = [f"train/part-00002{suffixes[-1]}", f"train/part-00004{suffixes[0]}", f"seen/part-00001{suffixes[0]}"]
    (out / lost[0]).unlink()
    cut_off(out / lost[1])
    (out / lost[2]).unlink()
    states = []
    train, seen = generate(recipe, out, format=format_name, progress=states.append, **OPTIONS)
    assert (train.kept, train.shards, train.made_again) == (5, 7, tuple(lost[:2]))
    assert (seen.kept, seen.shards, seen.made_again) == (1, 2, (lost[2],))
    assert [(state.rows, state.total) for state in states if state.split == "train"][-1] == (200, 200)
    assert snapshot(out) == whole
    after = identities(out)
    assert {name for name in before if before[name] != after[name]} == set(lost)
    assert verify(out).ok
    again = generate(recipe, out, format=format_name, **OPTIONS)
    assert [(one.kept == one.shards, one.made_again) for one in again] == [(True, ())] * 2
    assert identities(out) == after


@pytest.mark.parametrize("format_name", ["parquet", "mds", "tokens"])
def test_a_whole_split_and_the_files_beside_it_are_made_again(tmp_path, recipe, format_name):
    out = tmp_path / "a"
    generate(recipe, out, format=format_name, **OPTIONS)
    whole, before = snapshot(out), identities(out)
    lost = {name for name in whole if name.startswith("train/")} | set(manifest.load(out).files)
    for name in lost:
        (out / name).unlink()
    (out / "train").rmdir()
    written = generate(recipe, out, format=format_name, **OPTIONS)
    assert snapshot(out) == whole
    assert {name for one in written for name in one.made_again} == lost
    after = identities(out)
    assert {name for name in before if before[name] == after[name]} == set(whole) - lost


def test_a_split_may_be_a_link_to_a_folder(tmp_path, recipe):
    out, elsewhere = tmp_path / "a", tmp_path / "large"
    generate(recipe, out, **OPTIONS)
    whole = snapshot(out)
    (out / "train").rename(elsewhere)
    (out / "train").symlink_to(elsewhere)
    assert verify(out).ok
    (elsewhere / "part-00002.parquet").unlink()
    train, _ = generate(recipe, out, **OPTIONS)
    assert train.made_again == ("train/part-00002.parquet",)
    assert (out / "train").is_symlink()
    assert {**snapshot(out), **{f"train/{name}": data for name, data in snapshot(elsewhere).items()}} == whole
    assert verify(out).ok
    elsewhere.rename(tmp_path / "lost")
    with pytest.raises(ShardError, match="train: a link that leads to no folder"):
        generate(recipe, out, **OPTIONS)


def test_a_card_that_somebody_has_written_in_is_left_alone(tmp_path, recipe):
    out = tmp_path / "a"
    generate(recipe, out, **OPTIONS)
    (out / "README.md").write_text("mine")
    before = identities(out)
    assert all(one.made_again == () for one in generate(recipe, out, **OPTIONS))
    assert identities(out) == before


def test_processes_make_shards_again(tmp_path):
    recipe = Recipe.load("paper/no-op").replace(examples=300)
    generate(recipe, tmp_path / "a", format="megatron", shard_rows=50)
    whole = snapshot(tmp_path / "a")
    for name in ("part-00001.bin", "part-00003.mask"):
        (tmp_path / "a" / "train" / name).unlink()
    before = identities(tmp_path / "a")
    with processes(2) as executor:
        (written,) = generate(recipe, tmp_path / "a", format="megatron", shard_rows=50, executor=executor)
    assert written.made_again == ("train/part-00001.bin", "train/part-00003.mask")
    assert snapshot(tmp_path / "a") == whole
    assert before.items() <= identities(tmp_path / "a").items()


def with_other_checksums(made, name):
    """Return a manifest in which a file, made again, is another."""
    train = made.splits["train"]
    shards = [
        msgspec.structs.replace(
            shard,
            files=[
                msgspec.structs.replace(file, sha256="0" * 64) if file.name == name else file for file in shard.files
            ],
        )
        for shard in train.shards
    ]
    return msgspec.structs.replace(made, splits={**made.splits, "train": msgspec.structs.replace(train, shards=shards)})


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_shard_that_comes_out_otherwise_is_an_error_and_stays_as_it_was(tmp_path, recipe, place):
    """As where the writer is another build of the same version."""
    if place == "memory":
        pytest.importorskip("fsspec")
    store = open_store(tmp_path / "a" if place == "disk" else f"memory://bucket/{tmp_path.name}")
    generate(recipe, store, format="megatron", **OPTIONS)
    changed = with_other_checksums(manifest.load(store), "part-00002.bin")
    store.write(manifest.NAME, changed.encode())
    store.remove(["train/part-00002.bin"])
    before = {name: store.read(f"train/{name}") for name in store.entries("train")}
    with pytest.raises(
        ShardError, match=r"part-00002\.bin: cannot be made again: .* the file was left as it is"
    ) as error:
        generate(recipe, store, format="megatron", **OPTIONS)
    assert f"remove {store} and run the command again, or give another folder" in str(error.value)
    assert {name: store.read(f"train/{name}") for name in store.entries("train")} == before
    assert store.read(manifest.NAME) == changed.encode()


def test_a_file_beside_the_shards_that_comes_out_otherwise_is_an_error(tmp_path, recipe):
    generate(recipe, tmp_path / "a", **OPTIONS)
    made = manifest.load(tmp_path / "a")
    other = msgspec.structs.replace(made.files["README.md"], sha256="0" * 64)
    (tmp_path / "a" / manifest.NAME).write_bytes(made.with_files({**made.files, "README.md": other}).encode())
    (tmp_path / "a" / "README.md").unlink()
    with pytest.raises(ShardError, match=r"README\.md: cannot be made again"):
        generate(recipe, tmp_path / "a", **OPTIONS)
    assert not (tmp_path / "a" / "README.md").exists()


def test_drafts_of_a_repair_that_was_killed_at_its_end_are_removed(tmp_path, recipe):
    generate(recipe, tmp_path / "a", **OPTIONS)
    left = tmp_path / "a" / "train" / ".drafts.1.tmp"
    left.mkdir()
    (left / "part-00000.parquet.1").write_bytes(b"half")
    generate(recipe, tmp_path / "a", **OPTIONS)
    assert verify(tmp_path / "a").ok


def test_what_verify_finds_is_made_anew_as_it_says(tmp_path, monkeypatch):
    out = tmp_path / "a"

    def run(*args, code=0):
        result = CliRunner().invoke(main, [str(arg) for arg in args], prog_name="markovlib")
        assert result.exit_code == code, result.output
        return result

    args = ["generate", "paper/no-op", "--examples", 300, "--shard-rows", 100, "--out", out]
    run(*args)
    whole, path = snapshot(out), out / "train" / "part-00001.parquet"
    path.write_bytes(whole["train/part-00001.parquet"].replace(b"PAR1", b"PAR2"))
    (out / "recipe.toml").unlink()
    found = run("verify", out, code=1).stdout
    assert "; remove it, and the command that wrote the folder makes it anew\n" in found
    assert "recipe.toml: missing; the command that wrote the folder makes it anew\n" in found
    path.unlink()
    said = run(*args).stderr.splitlines()
    assert said[0].startswith("train: 300 rows, 3 shards (2 kept), ")
    assert said[1:3] == ["made again: recipe.toml", "made again: train/part-00001.parquet"]
    assert snapshot(out) == whole
    assert run("verify", out).exit_code == 0
    (out / "recipe.toml").unlink()
    monkeypatch.setattr("markovlib.shards.verification.__version__", "0.0")
    assert "recipe.toml: missing\n" in run("verify", out, code=1).stdout
