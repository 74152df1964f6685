"""Copies of folders in other formats: byte for byte what `generate` would have written there."""

import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from effort import slow_but
from folders import snapshot

from markovlib import STREAM_VERSION, Recipe, files
from markovlib.cli import main
from markovlib.diversity import diversity
from markovlib.shards import exporting, formats, generation, manifest
from markovlib.shards.exporting import export
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.generation import generate
from markovlib.shards.inspection import inspect
from markovlib.shards.stores import open_store
from markovlib.shards.verification import verify
from markovlib.sweep import Sweep

ROWS = [name for name in formats.MODULES if name in ("parquet", "arrow", "jsonl", "jsonl.zst", "mds")]


@pytest.fixture
def recipe():
    changes = {"rules.pattern_length": 3, "rules.replacement_length": 4, "words.length": [8, 12], "eval.examples": 70}
    return Recipe.load("paper/no-op").replace({**changes, "instructions": 50}, examples=1000)


PAIRS = [(source, target) for source in ROWS for target in formats.MODULES]


# Each format is read, and each is written.
@pytest.mark.parametrize("pair", slow_but([pair for pair in PAIRS if "parquet" in pair], PAIRS), ids="-".join)
def test_a_copy_is_what_generate_would_have_written(tmp_path, recipe, pair):
    source_format, format_name = pair
    generate(recipe, tmp_path / "a", splits=["train", "unseen"], seed=3, format=source_format, shard_rows=300)
    columns = None if format_name in ROWS else ["prompt", "completion"]
    export(tmp_path / "a", tmp_path / "b", format=format_name, shard_rows=450, columns=columns)
    generate(
        recipe, tmp_path / "c", splits=["train", "unseen"], seed=3,
        format=format_name, shard_rows=450, columns=columns,
    )  # fmt: skip
    assert snapshot(tmp_path / "b") == snapshot(tmp_path / "c")
    assert verify(tmp_path / "b").ok


@pytest.mark.parametrize("alphabet", ["αβγδε", {"bytes": [0, 255]}])
def test_text_beyond_ascii_and_bytes_survive_every_format(tmp_path, recipe, alphabet):
    recipe = recipe.replace({"rules.alphabet": alphabet, "words.no_op": 0.5})
    generate(recipe, tmp_path / "0")
    for number, name in enumerate([*ROWS[1:], ROWS[0]]):
        export(tmp_path / str(number), tmp_path / str(number + 1), format=name)
    assert snapshot(tmp_path / "0") == snapshot(tmp_path / str(len(ROWS)))


def test_columns_that_may_be_null_follow_from_the_recipe(tmp_path):
    recipe, columns = Recipe.load("first-rewrite").replace(examples=200), ["index", "pattern", "replacement", "key"]
    for name in ("parquet", "mds"):
        generate(recipe, tmp_path / name, format=name, columns=columns)
    export(tmp_path / "parquet", tmp_path / "copy", format="mds")
    assert snapshot(tmp_path / "copy") == snapshot(tmp_path / "mds")
    assert manifest.load(tmp_path / "mds").splits["train"].options == {"nullable": columns[1:]}


@pytest.mark.parametrize("format_name", ["parquet", "arrow"])
def test_lists_are_copied_under_the_names_that_they_had(tmp_path, format_name):
    """Parquet calls the items of a list `element`, which Arrow does not compare and files keep."""
    recipe = Recipe.load("trace").replace(examples=200)
    generate(recipe, tmp_path / "a")
    export(tmp_path / "a", tmp_path / "b", format=format_name)
    generate(recipe, tmp_path / "c", format=format_name)
    assert {"rules", "trace"} <= set(manifest.load(tmp_path / "a").splits["train"].columns)
    assert snapshot(tmp_path / "b") == snapshot(tmp_path / "c")


def test_splits_and_columns_are_chosen(tmp_path, recipe):
    generate(recipe, tmp_path / "a", splits=["train", "seen", "unseen"])
    (written,) = export(tmp_path / "a", tmp_path / "b", splits=["seen"], columns=["completion", "prompt"], threads=1)
    found = manifest.load(tmp_path / "b")
    assert (written.split, written.rows) == ("seen", 70)
    assert list(found.splits) == ["seen"]
    assert list(found.splits["seen"].columns) == ["prompt", "completion"]
    export(tmp_path / "a", tmp_path / "b", columns=["prompt", "completion"])
    assert list(manifest.load(tmp_path / "b").splits) == ["train", "seen", "unseen"]


def test_an_interrupted_copy_goes_on(tmp_path, recipe, monkeypatch):
    generate(recipe, tmp_path / "a", shard_rows=100)
    export(tmp_path / "a", tmp_path / "whole", format="arrow", shard_rows=100)
    read = exporting.Copy._read
    left = [10 + 4]  # The first shard reads its whole block, for the digest; the others read what they hold.

    def failing(*args):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")
        return read(*args)

    with monkeypatch.context() as patch:
        patch.setattr(exporting.Copy, "_read", failing)
        with pytest.raises(OSError, match="Input/output error"):
            export(tmp_path / "a", tmp_path / "b", format="arrow", shard_rows=100, threads=1)
    (written,) = export(tmp_path / "a", tmp_path / "b", format="arrow", shard_rows=100, threads=1)
    assert written.kept == 5
    assert snapshot(tmp_path / "b") == snapshot(tmp_path / "whole")


@pytest.mark.parametrize("name", ROWS)
def test_a_damaged_shard_is_not_copied(tmp_path, recipe, name):
    generate(recipe, tmp_path / "a", shard_rows=400, format=name)
    shard = manifest.load(tmp_path / "a").splits["train"].shards[1]
    path = tmp_path / "a" / "train" / shard.name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=r"part-00001.*is not as it was written"):
        export(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b" / manifest.NAME).exists()


@pytest.mark.parametrize("how", ["letters", "offsets", "doubled", "missing", "named"])
def test_a_shard_whose_checksum_fits_is_looked_at_all_the_same(tmp_path, recipe, how):
    """Who wrote the shard could write the manifest too."""
    generate(recipe, tmp_path / "a", format="arrow")
    path = tmp_path / "a/train/part-00000.arrow"
    with pa.ipc.open_file(path.read_bytes()) as reader:
        table = reader.read_all().combine_chunks()
    place, words = table.schema.get_field_index("word"), table.column("word").chunk(0)
    _, offsets, letters = words.buffers()
    if how == "letters":
        letters = pa.py_buffer(b"\xff" * letters.size)
    elif how == "offsets":
        places = np.frombuffer(offsets, np.int64).copy()
        places[500] = 2**40
        offsets = pa.py_buffer(places)
    forged = pa.LargeStringArray.from_buffers(len(words), offsets, letters)
    table = table.append_column("word", words) if how == "doubled" else table
    column = forged.dictionary_encode() if how == "named" else forged
    table = table.remove_column(place) if how == "missing" else table.set_column(place, "word", column)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    made = manifest.load(tmp_path / "a")
    split = made.splits["train"]
    shard = msgspec.structs.replace(split.shards[0], files=[manifest.File(path.name, *files.sha256_file(path))])
    splits = {"train": msgspec.structs.replace(split, shards=[shard])}
    (tmp_path / "a" / manifest.NAME).write_bytes(msgspec.structs.replace(made, splits=splits).encode())
    for read in (lambda: export(tmp_path / "a", tmp_path / "b", format="jsonl"), lambda: inspect(tmp_path / "a")):
        with pytest.raises(DamagedError, match=r"part-00000\.arrow: cannot be read: "):
            read()
    assert not (tmp_path / "b" / manifest.NAME).exists()


def test_options_that_a_manifest_leaves_out_are_filled_in(tmp_path, recipe):
    generate(recipe, tmp_path / "a", format="mds")
    made = manifest.load(tmp_path / "a")
    splits = {"train": msgspec.structs.replace(made.splits["train"], options={})}
    (tmp_path / "a" / manifest.NAME).write_bytes(msgspec.structs.replace(made, splits=splits).encode())
    assert verify(tmp_path / "a").ok


@pytest.mark.parametrize("how", ["gone", "folder", "dangling"])
def test_a_missing_shard_is_damage(tmp_path, recipe, how):
    generate(recipe, tmp_path / "a")
    path = tmp_path / "a/train/part-00000.parquet"
    path.unlink()
    if how != "gone":
        path.mkdir() if how == "folder" else path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DamagedError, match=r"part-00000\.parquet: missing, and the manifest has it"):
        export(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("source_format", ["parquet", "arrow"])
def test_a_copy_from_an_object_store_is_the_same(tmp_path, recipe, source_format):
    pytest.importorskip("fsspec")
    url = f"memory://copies/{tmp_path.name}"
    generate(recipe, tmp_path / "a", format=source_format, shard_rows=300)
    export(tmp_path / "a", url, format=source_format, shard_rows=300)
    for number, origin in enumerate([tmp_path / "a", f"file://{tmp_path}/a", url]):
        export(origin, tmp_path / str(number), format="jsonl", shard_rows=450)
    assert snapshot(tmp_path / "0") == snapshot(tmp_path / "1") == snapshot(tmp_path / "2")
    with pytest.raises(ShardError, match="into itself"):
        export(url, f"{url}/b")
    store = open_store(url)
    store.write("train/part-00001." + source_format, b"x" * 1000)
    with pytest.raises(DamagedError, match=r"memory://.*part-00001.*is not as it was written"):
        export(url, tmp_path / "b", format="jsonl", shard_rows=450)


def test_what_cannot_be_copied_is_refused_and_leaves_nothing(tmp_path, recipe, monkeypatch):
    generate(recipe, tmp_path / "a")
    with pytest.raises(ShardError, match="has no split 'test': choose from train"):
        export(tmp_path / "a", tmp_path / "b", splits=["test"])
    with pytest.raises(ShardError, match="into itself"):
        export(tmp_path / "a", tmp_path / "a" / ".")
    with pytest.raises(ShardError, match="into itself"):
        export(tmp_path / "a", tmp_path / "a" / "b")
    with pytest.raises(ShardError, match=r"no manifest\.json here"):
        export(tmp_path / "c", tmp_path / "b")
    with pytest.raises(ValueError, match="no column 'words'"):
        export(tmp_path / "a", tmp_path / "b", columns=["words"])
    monkeypatch.setattr("markovlib.dataset.STREAM_VERSION", 99)
    with pytest.raises(ShardError, match=f"holds stream version {STREAM_VERSION}"):
        export(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_other_processes_copy_the_same(tmp_path, recipe):
    generate(recipe, tmp_path / "a", shard_rows=400)
    export(tmp_path / "a", tmp_path / "b", format="arrow", shard_rows=300)
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        export(tmp_path / "a", tmp_path / "c", format="arrow", shard_rows=300, executor=processes)
    assert snapshot(tmp_path / "b") == snapshot(tmp_path / "c")


def test_the_rows_to_copy_pickle(tmp_path, recipe):
    generate(recipe, tmp_path / "a", shard_rows=400)
    rows = exporting.Copy(tmp_path / "a", manifest.load(tmp_path / "a"), "train")
    again = pickle.loads(pickle.dumps(rows))
    assert again.batch(range(350, 850)).to_arrow().equals(rows.batch(range(350, 850)).to_arrow())


def test_the_command(tmp_path, recipe):
    generate(recipe, tmp_path / "a")

    def markovlib(*args):
        script = "from markovlib.cli import main; main()"
        return subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True)

    done = markovlib("export", tmp_path / "a", "--format", "jsonl", "--out", tmp_path / "b")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("train: 1,000 rows, 1 shard, ")
    assert generation.RECIPE in snapshot(tmp_path / "b")
    again = markovlib("export", tmp_path / "a", "--format", "jsonl", "--out", tmp_path / "b")
    assert again.stderr.startswith("train: already complete")
    whole = snapshot(tmp_path / "b")
    (tmp_path / "b" / "train" / "part-00000.jsonl").unlink()
    repaired = markovlib("export", tmp_path / "a", "--format", "jsonl", "--out", tmp_path / "b")
    assert "made again: train/part-00000.jsonl\n" in repaired.stderr
    assert snapshot(tmp_path / "b") == whole
    wrong = markovlib("export", tmp_path / "a", "--format", "parquet", "--out", tmp_path / "b")
    assert wrong.returncode == 2
    assert "holds a finished split 'train' of another kind: format is" in wrong.stderr


@pytest.mark.parametrize(("command", "doing"), [
    (["score", "s3://bucket/data", "--answers", "x"], "score reads"),
    (["report", "s3://bucket/data"], "report reads"),
    (["verify", "--leakage", "s3://bucket/data:train", "paper/no-op"], "--leakage reads"),
    (["sweep", "paper/no-op", "--out", "s3://bucket/data"], "sweep writes"),
])  # fmt: skip
def test_what_only_disks_do_is_said_of_a_url(command, doing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, command, prog_name="markovlib")
    assert result.exit_code == 2, result.output
    assert f": {doing} folders on a disk only; copy or mount this one, and give the path" in result.stderr
    assert "s3://bucket/data" in result.stderr
    assert not list(tmp_path.iterdir())


def test_functions_that_read_or_write_a_disk_say_so_of_a_url():
    recipe = Recipe.load("paper/no-op").replace(sweep={"instructions": [10]}, examples=10)
    for call, doing in (
        (lambda: diversity("s3://bucket/data"), "reports read"),
        (lambda: Sweep(recipe, splits=["train"]).write("s3://bucket/data"), "a sweep writes"),
    ):
        with pytest.raises(ShardError, match=f"s3://bucket/data: {doing} folders on a disk only"):
            call()
