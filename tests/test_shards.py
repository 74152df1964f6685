"""Folders of shards: what is written, what survives a fault, and what `verify` finds."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import fake_dataset
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from effort import slow_but, tries
from folders import snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib import files
from markovlib.shards import digest, finished, formats, generation, journal, manifest, plan, verification
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.formats import Format
from markovlib.shards.generation import generate
from markovlib.shards.inspection import inspect
from markovlib.shards.stores import LocalStore, open_store
from markovlib.shards.verification import verify

FORMATS = list(formats.MODULES)
SUFFIXES = {name: formats.module(name).SUFFIXES for name in FORMATS}
SMALL_BLOCK = 64


@pytest.fixture(autouse=True)
def _fake_data(monkeypatch):
    """Rows from the stand-in, and blocks so small that a thousand rows have many."""
    fake_dataset.stand_in(monkeypatch, SMALL_BLOCK)


@pytest.fixture
def recipe():
    return fake_dataset.Recipe.load("paper/no-op")


def identities(path):
    """Return inode and modification time of every shard."""
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in path.glob("*/part-*")}


def expected(layout, data, rows):
    """Return what the files hold of some rows of a data set."""
    columns = layout.columns.names
    return layout.stored(data.batch(rows).to_arrow(columns)).to_pylist()


def shard_number(path):
    return int(path.name.split("-")[1].split(".")[0])


def read(path, split="train", format_name="parquet"):
    found = manifest.load(path).splits[split]
    layout = Format.of(found)
    assert layout.name == format_name
    rows = []
    for shard in found.shards:
        reader = layout.reader(path / split, shard)
        rows += [row for batch in reader.batches() for row in batch.to_pylist()]
        reader.close()
    return rows


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("shard_rows", [1, 50, 64, 100, 128, 1000])
def test_the_shards_hold_the_rows_in_order(tmp_path, recipe, format_name, shard_rows):
    out = tmp_path / "out"
    rows = 300 if shard_rows > 1 else SMALL_BLOCK + 6  # A file for each row takes time.
    recipe = recipe.replace(examples=rows)
    (written,) = generate(recipe, out, format=format_name, shard_rows=shard_rows, threads=2)
    data = fake_dataset.Dataset(recipe)
    split = manifest.load(out).splits["train"]
    layout = Format.of(split)
    assert read(out, format_name=format_name) == expected(layout, data, range(rows))
    assert written.shards == -(-rows // shard_rows) == len(split.shards)
    listed = {file.name for shard in split.shards for file in shard.files} | set(layout.index(split))
    assert {path.name for path in (out / "train").iterdir()} == listed
    assert len(listed) == len(layout.suffixes) * len(split.shards) + len(layout.index(split))
    assert sorted(p.name for p in out.iterdir()) == ["README.md", "manifest.json", "recipe.toml", "train"]
    assert verify(out).ok


@pytest.mark.parametrize("format_name", FORMATS)
def test_threads_do_not_show(tmp_path, recipe, format_name):
    for threads in (1, 2, 7):
        generate(recipe, tmp_path / str(threads), format=format_name, shard_rows=90, threads=threads)
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2") == snapshot(tmp_path / "7")


def test_the_digest_of_the_rows_is_that_of_the_rows_alone(tmp_path, recipe):
    made = [
        {"shard_rows": 1000},
        {"format": "arrow"},
        {"shard_rows": 64},
        {"shard_rows": 77},
        {"shard_rows": 1},
    ]
    recipe = recipe.replace(examples=200)
    digests = set()
    for number, options in enumerate(made):
        generate(recipe, tmp_path / str(number), **options)
        digests.add(manifest.load(tmp_path / str(number)).splits["train"].rows_digest)
    assert len(digests) == 1
    generate(recipe, tmp_path / "other", seed=1)
    assert manifest.load(tmp_path / "other").splits["train"].rows_digest not in digests


def test_splits_in_any_order_of_commands_give_one_folder(tmp_path, recipe):
    generate(recipe, tmp_path / "a", splits=["train", "seen", "unseen"], shard_rows=300)
    for split in ("unseen", "train", "seen"):
        generate(recipe, tmp_path / "b", splits=[split], shard_rows=300)
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")
    assert list(manifest.load(tmp_path / "b").splits) == ["train", "seen", "unseen"]
    assert verify(tmp_path / "b").checked == 1100


def test_a_finished_folder_is_left_alone(tmp_path, recipe):
    generate(recipe, tmp_path / "a", shard_rows=300)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}
    (written,) = generate(recipe, tmp_path / "a", shard_rows=300)
    assert written.kept == written.shards == 4
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")} == before


OTHER_SPLIT = [
    ({}, {"seed": 3}, "seed is 0 there, 3 asked for"),
    ({"words.no_op": 0.5}, {}, "words.no_op is 0.3 there, 0.5 asked for"),
    ({"examples": 999}, {}, "rows is 1000 there, 999 asked for"),
    ({}, {"format": "arrow"}, "format is"),
    ({}, {"columns": ["word"]}, "columns is"),
    ({}, {"shard_rows": 50}, "shard_rows is 300 there, 50 asked for"),
]
OTHER_FOLDER = [
    ({}, {"splits": ["unseen"], "seed": 3}, "seed is 0 there, 3 asked for"),
    ({}, {"splits": ["unseen"], "format": "arrow"}, "format is"),
    ({"instructions": 5}, {"splits": ["seen"]}, "instructions is 10 for 'train', 5 for 'seen'"),
]


@pytest.mark.parametrize(("changes", "options", "message"), OTHER_SPLIT + OTHER_FOLDER)
def test_another_request_is_refused_by_name(tmp_path, recipe, changes, options, message):
    generate(recipe, tmp_path / "a", shard_rows=300)
    check_refused(tmp_path / "a", recipe.replace(changes), {"shard_rows": 300, **options}, message)


@pytest.mark.parametrize(("changes", "options", "message"), OTHER_SPLIT)
def test_an_unfinished_split_refuses_another_request(tmp_path, recipe, changes, options, message):
    generate(recipe, tmp_path / "a", shard_rows=300)
    unfinish(tmp_path / "a")
    check_refused(tmp_path / "a", recipe.replace(changes), {"shard_rows": 300, **options}, message)


def check_refused(out, recipe, options, message):
    before = snapshot(out)
    with pytest.raises(ShardError, match=message):
        generate(recipe, out, **options)
    assert snapshot(out) == before


def unfinish(out, shards=()):
    """Turn a finished folder into one that was killed before its manifest, some shards missing."""
    made = manifest.load(out)
    split = made.splits["train"]
    data = fake_dataset.Dataset(fake_dataset.Recipe.from_dict(made.recipe | split.sizes))
    columns = tuple(split.columns)
    wanted = plan.make_plan(data.recipe, "train", made.seed, split.format, columns, split.shard_rows, split.options)
    record = journal.Journal(LocalStore(out), "train", wanted.describe())
    for number, shard in enumerate(split.shards):
        blocks = [
            digest.block_digest(data.batch(block).to_arrow(list(split.columns)))
            for _, block in wanted.pieces(range(shard.start, shard.stop))
            if block.start >= shard.start
        ]
        record.append(journal.Entry(shard, bytes.fromhex("".join(blocks))))
        if number in shards:
            (out / "train" / shard.files[-1].name).unlink()
    record.close()
    (out / manifest.NAME).unlink()


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_resumed_job_keeps_whole_shards_and_mends_the_rest(tmp_path, recipe, format_name):
    out = tmp_path / "a"
    generate(recipe, out, shard_rows=90, format=format_name)
    whole = snapshot(out)
    unfinish(out, shards={1, 5})
    damaged = max(path for path in (out / "train").glob("part-*") if shard_number(path) == 3)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    (out / "train" / ".part-00007.parquet.tmp").write_bytes(b"half")
    (out / ".manifest.json.tmp").write_bytes(b"half")
    kept = {path: seen for path, seen in identities(out).items() if shard_number(Path(path)) not in (1, 3, 5)}
    (written,) = generate(recipe, out, shard_rows=90, format=format_name)
    assert written.kept == 9
    assert snapshot(out) == whole
    assert kept.items() <= identities(out).items()


CHILD = """
import sys
import fake_dataset
fake_dataset.install()
from markovlib.shards import digest
digest.BLOCK_ROWS = 64
from markovlib.shards.generation import generate
recipe = fake_dataset.Recipe.load("paper/no-op")
generate(recipe, sys.argv[1], shard_rows=40, threads=2, splits=["train", "seen"], format=sys.argv[2])
"""


def start_child(out, delay="0.02", format_name="parquet"):
    here = Path(__file__).parent
    env = {
        **os.environ,
        "FAKE_DELAY": delay,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-c", CHILD, str(out), format_name]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


def wait_for(condition, child):
    deadline = time.monotonic() + 30
    while not condition() and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def complete_shards(out, suffix):
    """Return identities of the files of shards that are complete: those that the file that names them is there of."""
    named = {(path.parent.name, shard_number(path)) for path in out.glob(f"*/part-*{suffix}")}
    found = {Path(path): seen for path, seen in identities(out).items()}
    return {path: seen for path, seen in found.items() if (path.parent.name, shard_number(path)) in named}


@pytest.mark.parametrize(
    "format_name", slow_but(["parquet"], [name for name in FORMATS if name == "parquet" or len(SUFFIXES[name]) > 1])
)
def test_killed_jobs_end_as_an_undisturbed_one(tmp_path, recipe, format_name):
    """SIGKILL at five moments, and at many in test_crashes.py; shards once complete are never written again."""
    kill_often(tmp_path, recipe, format_name, 5)


def kill_often(path, recipe, format_name, times):
    suffixes = SUFFIXES[format_name]
    generate(recipe, path / "whole", shard_rows=40, splits=["train", "seen"], format=format_name)
    out = path / "killed"
    complete = {}
    chance = random.Random(str(path))
    for moment in range(1, times + 1):
        child = start_child(out, format_name=format_name)
        least = 25 * moment // times
        wait_for(lambda least=least: len(list(out.glob(f"*/part-*{suffixes[0]}"))) >= least, child)
        time.sleep(chance.uniform(0, 0.05))
        child.kill()
        child.communicate()
        found = complete_shards(out, suffixes[0])
        assert complete.items() <= found.items()
        assert len(found) % len(suffixes) == 0
        for path_found in found:
            assert path_found.read_bytes() == (path / "whole" / path_found.relative_to(out)).read_bytes()
        complete = found
    assert len(complete) >= 20 * len(suffixes)
    generate(recipe, out, shard_rows=40, splits=["train", "seen"], format=format_name)
    assert complete.items() <= {Path(path): seen for path, seen in identities(out).items()}.items()
    assert snapshot(out) == snapshot(path / "whole")


def test_an_interrupt_removes_what_is_half_written(tmp_path, recipe):
    out = tmp_path / "a"
    child = start_child(out, delay="0.2")
    wait_for(lambda: list(out.glob("train/part-*")), child)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=30)
    assert "KeyboardInterrupt" in stderr
    assert not list(out.rglob("*.tmp"))
    assert not (out / "manifest.json").exists()
    generate(recipe, out, shard_rows=40, splits=["train", "seen"])
    assert verify(out).ok


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_full_disk_is_one_error_and_the_work_can_go_on(tmp_path, recipe, format_name, monkeypatch):
    generate(recipe, tmp_path / "whole", shard_rows=90, format=format_name)
    left = [sum(len(data) for data in snapshot(tmp_path / "whole" / "train").values()) // 2]
    real = os.write

    def write(handle, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(handle, data)

    out = tmp_path / "a"
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", write)
        with pytest.raises(OSError, match="No space left") as caught:
            generate(recipe, out, shard_rows=90, format=format_name, threads=2)
    assert caught.value.errno == 28
    assert str(out / "train") in str(caught.value)
    assert not list(out.rglob("*.tmp"))
    assert 0 < len({shard_number(path) for path in out.glob("train/part-*")}) < 12
    generate(recipe, out, shard_rows=90, format=format_name)
    assert snapshot(out) == snapshot(tmp_path / "whole")


def test_a_failing_data_set_stops_all_threads_and_leaves_no_file_open(tmp_path, recipe, monkeypatch):
    def row(*_):
        raise RuntimeError("row 0 cannot be made")

    def handles():
        handles = Path("/proc/self/fd")
        return len(list(handles.iterdir())) if handles.exists() else 0

    monkeypatch.setattr(fake_dataset.Dataset, "row", row)
    before = handles()
    with pytest.raises(RuntimeError, match="row 0"):
        generate(recipe, tmp_path / "a", shard_rows=10, threads=4)
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("part-*"))
    assert handles() == before


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, recipe):
    for name, content in [
        ("notes.txt", "mine"),
        ("manifest.json", '{"name": "app"}'),
        ("train/data.csv", "1,2"),
    ]:
        out = tmp_path / name.replace("/", "_")
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text(content)
        with pytest.raises(ShardError):
            generate(recipe, out)
        assert snapshot(out) == {name: content.encode()}
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(OSError, match="Not a directory"):
        generate(recipe, file)
    with pytest.raises(OSError, match="Not a directory"):
        generate(recipe, file / "such")


def test_an_empty_folder_is_taken_and_a_refused_request_leaves_none(tmp_path, recipe):
    (tmp_path / "empty").mkdir()
    generate(recipe, tmp_path / "empty")
    generate(recipe, tmp_path / "with" / "its" / "parents")
    with pytest.raises(ValueError, match="no column 'foo'"):
        generate(recipe, tmp_path / "new" / "deep", columns=["foo"])
    with pytest.raises(ValueError, match="unknown format"):
        generate(recipe, tmp_path / "new", format="csv")
    with pytest.raises(ValueError, match=r"eval\.examples"):
        generate(recipe.replace({"eval": {}}), tmp_path / "new", splits=["seen"])
    with pytest.raises(ValueError, match="name of a split"):
        generate(recipe, tmp_path / "new", splits=["../up"])
    assert not (tmp_path / "new").exists()


def test_the_second_of_two_writers_is_told(tmp_path, recipe):
    out = tmp_path / "a"
    out.mkdir()
    handle = os.open(out, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ShardError, match="another process is writing"):
        generate(recipe, out)
    assert not list(out.iterdir())
    os.close(handle)

    def second(_):
        with pytest.raises(ShardError, match="another process is writing"):
            generate(recipe, out)

    (written,) = generate(recipe, out, progress=second)
    assert written.rows == 1000


def test_a_writer_whose_folder_was_removed_leaves_anothers_alone(tmp_path, recipe):
    """It holds what has no name any more, so the second cannot know of it."""
    out, taken = tmp_path / "a", []

    def second(progress):
        if progress.rows >= 500 and not taken:
            out.rename(tmp_path / "b")
            taken.append(generate(recipe, out, seed=8))

    with pytest.raises(ShardError, match="was removed while it was being written, and another folder is there now"):
        generate(recipe, out, seed=7, shard_rows=100, threads=1, progress=second)
    generate(recipe, tmp_path / "whole", seed=8)
    assert snapshot(out) == snapshot(tmp_path / "whole")


def test_chosen_columns_keep_their_order(tmp_path, recipe):
    generate(recipe, tmp_path / "a", columns=["completion", "prompt"])
    assert pq.read_table(tmp_path / "a" / "train").column_names == ["prompt", "completion"]
    assert verify(tmp_path / "a").ok
    assert inspect(tmp_path / "a").splits[0].no_ops is None


def test_other_readers_see_the_rows(tmp_path, recipe):
    generate(recipe, tmp_path / "a", shard_rows=300)
    generate(recipe, tmp_path / "b", shard_rows=300, format="arrow")
    table = pq.read_table(sorted((tmp_path / "a" / "train").glob("*.parquet"))[1])
    with pa.memory_map(str(tmp_path / "b" / "train" / "part-00001.arrow")) as source:
        assert pa.ipc.open_file(source).read_all().equals(table)
    assert table.column("index").to_pylist() == list(range(300, 600))
    assert table.schema.field("prompt").type == pa.large_string()


def found_by_verify(out):
    """Return the files that are reported; a manifest may also be too broken to be taken for ours."""
    try:
        return {problem.file for problem in verify(out, sample=20).problems}
    except ShardError as error:
        return {str(error).partition(":")[0].removeprefix(f"{out}/")}


@pytest.mark.parametrize("format_name", slow_but(["parquet", "jsonl"], FORMATS))
def test_one_flipped_bit_is_found_anywhere(tmp_path, recipe, format_name):
    out = tmp_path / "a"
    generate(recipe.replace(examples=200), out, splits=["train", "seen"], shard_rows=90, format=format_name)
    chance = random.Random(7)
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        data = path.read_bytes()
        for _ in range(tries(12)):
            broken = bytearray(data)
            broken[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(broken)
            assert str(path.relative_to(out)) in found_by_verify(out)
        path.write_bytes(data)
    assert verify(out).ok


def test_verify_finds_missing_and_extra_files(tmp_path, recipe):
    out = tmp_path / "a"
    generate(recipe, out, shard_rows=300)
    (out / "train" / "part-00001.parquet").unlink()
    (out / "train" / "part-00009.parquet").write_bytes(b"")
    (out / "recipe.toml").unlink()
    (out / "test").mkdir()
    advice = "; the command that wrote the folder makes it anew"
    assert {str(problem) for problem in verify(out).problems} == {
        f"train/part-00001.parquet: missing{advice}",
        "train/part-00009.parquet: not in the manifest",
        f"recipe.toml: missing{advice}",
        "test: not in the manifest",
    }


def forge(out, change):
    """Rewrite the only shard through `change`, and the manifest so that every checksum fits."""
    path = out / "train" / "part-00000.parquet"
    rows = read(out)
    change(rows)
    schema = pq.read_schema(path)
    layout = Format("parquet", schema)
    file = files.WholeFile(path)
    writer = layout.writer([file], "")
    writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
    writer.close()
    file.seal()
    file.commit()
    made = manifest.load(out)
    split = made.splits["train"]
    shard = manifest.Shard(0, split.rows, [manifest.File(path.name, file.size, file.sha256)])
    replaced = manifest.msgspec.structs.replace(split, shards=[shard])
    made = manifest.msgspec.structs.replace(made, splits={"train": replaced}, files={})
    (out / "manifest.json").write_bytes(made.encode())


@pytest.mark.parametrize(
    ("column", "value"),
    [("output", "zz"), ("position", 7), ("no_op", None), ("prompt", "é"), ("outcome", "CYCLE")],
)
def test_verify_makes_rows_again_and_names_the_first_that_differs(tmp_path, recipe, column, value):
    def change(rows):
        for number in (123, 150):
            rows[number][column] = not rows[number][column] if value is None else value

    generate(recipe, tmp_path / "a")
    forge(tmp_path / "a", change)
    (problem,) = [p for p in verify(tmp_path / "a").problems if p.file.endswith("parquet")]
    assert problem.message.startswith(f"row 123, column {column!r}: holds ")


def test_verify_does_not_take_the_engines_word_for_the_rewriting(tmp_path, recipe, monkeypatch):
    """A data set that is wrong in the same way twice is caught by Python's own search."""
    right = fake_dataset.Dataset.row

    def wrong(self, i):
        row = right(self, i)
        return row | ({"output": row["word"]} if i == 77 else {"position": 3} if i == 78 else {})

    monkeypatch.setattr(fake_dataset.Dataset, "row", wrong)
    generate(recipe, tmp_path / "a")
    report = verify(tmp_path / "a")
    (problem,) = report.problems
    assert problem.message.startswith("row 77, column 'output'")
    assert (report.checked, report.rows) == (2 * SMALL_BLOCK, 1000)


def test_rows_that_differ_were_made_again(tmp_path, recipe, monkeypatch):
    """In the shard with the row at fault, rows are counted up to the end of the block that the row is in."""
    generate(recipe, tmp_path / "a", shard_rows=4 * SMALL_BLOCK)
    right = fake_dataset.Dataset.row
    wrong = 5 * SMALL_BLOCK + 3
    row = lambda self, i: right(self, i) | ({"word": "?"} if i == wrong else {})  # noqa: E731
    monkeypatch.setattr(fake_dataset.Dataset, "row", row)
    told = []
    report = verify(tmp_path / "a", progress=lambda progress: told.append(progress.rows), threads=4)
    assert (len(report.problems), report.checked, report.rows) == (1, 1000 - 2 * SMALL_BLOCK, 1000)
    assert told == sorted(told)
    assert told[-1] == report.checked


def test_a_sample_is_spread_from_the_first_row_to_the_last(tmp_path, recipe):
    generate(recipe, tmp_path / "a", shard_rows=130)
    report = verify(tmp_path / "a", sample=100)
    assert report.ok
    assert 64 <= report.checked <= 100
    assert verify(tmp_path / "a", sample=10**9).checked == 1000


@given(st.integers(1, 10**12), st.integers(1, 10**6))
@settings(max_examples=tries(200))
def test_sampled_runs_lie_inside_and_do_not_overlap(rows, sample):
    if sample >= rows:
        return
    runs = verification._spread(rows, sample)
    assert runs[0].start == 0
    assert len(runs) <= verification.WINDOWS
    assert sample / 2 <= sum(map(len, runs)) <= sample
    assert all(a.stop <= b.start for a, b in pairwise(runs))
    assert runs[-1].stop == rows or len(runs) == 1


def test_rows_of_another_stream_version_are_refused(tmp_path, recipe, monkeypatch):
    generate(recipe, tmp_path / "a")
    monkeypatch.setattr(fake_dataset, "STREAM_VERSION", 2)
    with pytest.raises(ValueError, match="stream version 1"):
        verify(tmp_path / "a")
    with pytest.raises(ShardError, match="stream_version is 1 there, 2 asked for"):
        generate(recipe, tmp_path / "a", splits=["seen"])


def test_a_folder_of_another_library_version_is_not_mixed(tmp_path, recipe, monkeypatch):
    generate(recipe, tmp_path / "a")
    monkeypatch.setattr(plan, "__version__", "9.9")
    with pytest.raises(ShardError, match=r'markovlib is "0[^"]*" there, "9.9" asked for'):
        generate(recipe, tmp_path / "a", splits=["seen"])


def test_inspect_counts(tmp_path, recipe):
    out = tmp_path / "a"
    generate(recipe, out, splits=["train", "unseen"], shard_rows=300)
    data = fake_dataset.Dataset(recipe)
    rows = [data.row(i) for i in range(1000)]
    train = inspect(out).splits[0]
    assert train.exact
    assert train.no_ops == sum(row["no_op"] for row in rows)
    assert train.distinct == {
        "patterns": len({row["pattern"] for row in rows}),
        "replacements": len({row["replacement"] for row in rows}),
        "rules": len({(row["pattern"], row["replacement"]) for row in rows}),
    }
    lengths = [len(row["output"]) for row in rows]
    assert train.lengths["output"].min == min(lengths)
    assert train.lengths["output"].max == max(lengths)
    assert train.lengths["output"].mean == pytest.approx(sum(lengths) / 1000)
    places = [row["position"] for row in rows if not row["no_op"]]
    assert train.position.mean == pytest.approx(sum(places) / len(places))
    assert train.examples == rows[:3]
    assert sum(train.outcomes.values()) == 1000


def test_inspect_of_many_rows_reads_a_stated_sample(tmp_path, recipe, monkeypatch):
    from markovlib.shards import inspection

    monkeypatch.setattr(inspection, "BLOCK_ROWS", SMALL_BLOCK)
    generate(recipe, tmp_path / "a", shard_rows=100)
    found = inspect(tmp_path / "a", rows=200).splits[0]
    assert not found.exact
    assert 100 <= found.rows_read <= 200
    assert found.rows == 1000


@pytest.mark.parametrize("format", FORMATS)
def test_inspect_names_the_file_that_is_damaged(tmp_path, recipe, format):
    generate(recipe, tmp_path / "a", format=format, shard_rows=400)
    for suffix in SUFFIXES[format]:
        file = tmp_path / "a" / "train" / f"part-00001{suffix}"
        written = file.read_bytes()
        file.write_bytes(b"")
        with pytest.raises(DamagedError, match=r"train.part-00001\.[a-z.]+: cannot be read: "):
            inspect(tmp_path / "a")
        file.unlink()
        with pytest.raises(DamagedError, match=rf"train.{file.name}: missing"):
            inspect(tmp_path / "a")
        file.write_bytes(written)


def test_inspect_follows_no_offset_out_of_a_file(tmp_path, recipe):
    generate(recipe, tmp_path / "a", format="arrow")
    file = tmp_path / "a" / "train" / "part-00000.arrow"
    written = bytearray(file.read_bytes())
    with pa.memory_map(str(file)) as mapped:
        offsets = pa.ipc.open_file(mapped).get_batch(0).column("prompt").buffers()[1].to_pybytes()
    place = written.find(offsets) + 8
    written[place : place + 8] = (2**62).to_bytes(8, "little")
    file.write_bytes(written)
    with pytest.raises(DamagedError, match=r"part-00000\.arrow: cannot be read: .*offset"):
        inspect(tmp_path / "a")


def test_progress_ends_at_the_total(tmp_path, recipe):
    states = []
    generate(recipe, tmp_path / "a", shard_rows=90, threads=3, progress=states.append)
    assert [state.rows for state in states] == sorted(state.rows for state in states)
    shards = manifest.load(tmp_path / "a").splits["train"].shards
    assert states[-1] == generation.Progress("train", 1000, 1000, sum(shard.bytes for shard in shards))


def test_shards_of_an_unfinished_split_are_counted(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / journal.NAME).write_text("{}\n{}\n{}\n")  # its head, and two shards
    assert finished.unfinished(open_store(tmp_path)) == {"train": 2}
