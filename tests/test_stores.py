"""Folders of shards in object stores: an S3 server of the tests' own, and a file system in memory.

Whatever fails on the way, the objects end as the files of a local folder do.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from effort import slow_but

import markovlib as mk
from markovlib import Recipe
from markovlib.cli import main
from markovlib.cluster import processes
from markovlib.shards import folder, formats, lease, manifest
from markovlib.shards.exporting import export
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.generation import generate
from markovlib.shards.inspection import inspect
from markovlib.shards.logs import PieceLog
from markovlib.shards.stores import LocalStore, open_store
from markovlib.shards.verification import verify

pytest.importorskip("fsspec")

from markovlib.shards import remote
from markovlib.shards.remote import RemoteStore

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"rules.pattern_length": 3, "words.length": 12, "examples": 1300, "eval.examples": 150}
RECIPE = Recipe.load("paper/no-op").replace(SMALL)
OPTIONS = {"seed": 5, "shard_rows": 100}
JOURNAL = "train/.unfinished.jsonl"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Nobody waits long here for what fails, or for who is dead."""
    monkeypatch.setattr(remote, "WAITS", (0.01, 0.01))
    monkeypatch.setattr(lease, "BEAT", 0.1)
    monkeypatch.setattr(lease, "PATIENCE", 0.5)


@pytest.fixture(scope="module")
def s3():
    """The URL of a bucket, and in the environment what it takes to reach it."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    values = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ |= values
    open_store("s3://bucket/x")._fs.mkdir("bucket")
    yield "s3://bucket"
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value
    server.stop()


@pytest.fixture(params=slow_but(["memory"], ["memory", "s3"]))
def url(request, tmp_path):
    """A folder of its own for each test."""
    base = request.getfixturevalue("s3") if request.param == "s3" else "memory://bucket"
    return f"{base}/{tmp_path.name}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What is written to a disk."""
    out = tmp_path_factory.mktemp("whole") / "a"
    generate(RECIPE, out, **OPTIONS)
    return snapshot(LocalStore(out))


def snapshot(store, inside=""):
    """Return every file with its bytes."""
    found = {}
    for name, size in sorted(store.entries(inside).items()):
        path = f"{inside}/{name}" if inside else name
        found |= snapshot(store, path) if size is None else {path: store.read(path)}
    return found


def versions(store):
    """Return what the store says of each shard, its time included."""
    return {name: store._fs.info(store._at(f"train/{name}")) for name in store.entries("train") if "part" in name}


# ---- the same folder ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", slow_but(["parquet"], formats.MODULES))
def test_a_store_holds_what_a_disk_holds(url, tmp_path, format_name):
    generate(RECIPE, tmp_path / "a", splits=["train", "unseen"], format=format_name, **OPTIONS)
    (written, _) = generate(RECIPE, url, splits=["train", "unseen"], format=format_name, **OPTIONS)
    store = open_store(url)
    assert snapshot(store) == snapshot(LocalStore(tmp_path / "a"))
    assert written.rows == 1300
    assert inspect(url) == inspect(tmp_path / "a")
    verified = verify(url)
    assert vars(verified) == vars(verify(tmp_path / "a"))
    assert verified.checked == verified.rows > 1300
    before = versions(store)
    (again,) = generate(RECIPE, url, format=format_name, **OPTIONS)
    assert again.kept == again.shards == 13
    assert versions(store) == before


@pytest.mark.slow
def test_processes_write_to_a_store(s3, whole, tmp_path):
    with processes(2) as executor:
        generate(RECIPE, f"{s3}/{tmp_path.name}", executor=executor, **OPTIONS)
    assert snapshot(open_store(f"{s3}/{tmp_path.name}")) == whole


def test_the_commands_take_urls(url, whole):
    def run(*args, code=0):
        result = CliRunner().invoke(main, list(map(str, args)), prog_name="markovlib")
        assert result.exit_code == code, result.output
        return result

    args = ["generate", "paper/no-op", "--set", "rules.pattern_length=3", "--set", "words.length=12"]
    args += ["--examples", 1300, "--seed", 5, "--shard-rows", 100, "--out", url]
    assert "train: 1,300 rows, 13 shards" in run(*args).stderr
    assert "train: already complete" in run(*args).stderr
    assert "1,300" in run("inspect", url).stdout
    assert run("verify", url).stdout.endswith("ok: 1,300 of 1,300 rows made again, 13 shards\n")
    assert snapshot(open_store(url)) == whole
    store = open_store(url)
    store.write("train/part-00003.parquet", b"PAR1")
    store.write("train/more", b"")
    store.remove(["recipe.toml"])
    found = run("verify", url, code=1).stdout
    assert "train/part-00003.parquet: its checksum is not the manifest's" in found
    assert "train/more: not in the manifest" in found
    assert "recipe.toml: missing" in found
    store.remove(["train/more", "train/part-00007.parquet"])
    before = versions(store)
    again = run(*args).stderr
    assert "train: 1,300 rows, 13 shards (11 kept)" in again
    for name in ("recipe.toml", "train/part-00003.parquet", "train/part-00007.parquet"):
        assert f"made again: {name}\n" in again
    assert snapshot(store) == whole
    after = versions(store)
    assert {name for name in after if after[name] != before.get(name)} == {"part-00003.parquet", "part-00007.parquet"}


def test_a_folder_of_something_else_is_refused_and_left_alone(url):
    store = open_store(url)
    store.write("notes.txt", b"mine")
    with pytest.raises(ShardError, match=r"holds something else \(notes\.txt\)"):
        generate(RECIPE, url, **OPTIONS)
    assert snapshot(store) == {"notes.txt": b"mine"}
    store.remove(["notes.txt"])
    store.write("train/data.csv", b"1")
    with pytest.raises(ShardError, match=r"holds something else \(train\)"):
        generate(RECIPE, url, **OPTIONS)
    assert snapshot(store) == {"train/data.csv": b"1"}
    with pytest.raises(ShardError, match=r"no manifest\.json"):
        verify(url)


def test_an_address_says_what_kind_of_place_it_is(tmp_path, monkeypatch):
    assert isinstance(open_store("a/b:c//d"), LocalStore)
    assert str(open_store(f"file://{tmp_path}/x")) == f"{tmp_path}/x"
    assert str(open_store(tmp_path)) == str(tmp_path)
    assert str(open_store(f"file://localhost{tmp_path}")) == str(tmp_path)
    for elsewhere in ("file://other/x", "file://x", "file://", "file://localhost"):
        with pytest.raises(ValueError, match=rf"^{elsewhere}: .* a folder's URL is file:///PATH"):
            open_store(elsewhere)
    store = open_store("memory://bucket/x/")
    assert open_store(store) is store
    assert str(pickle.loads(pickle.dumps(store))) == str(store)
    with pytest.raises(ValueError, match=r"Protocol not known: .*; folders of shards are on a disk, or in s3, "):
        open_store("nowhere://x")
    with pytest.raises(ValueError, match=r"on a disk, or in s3, .*; copy or mount this one, and give the path"):
        open_store("github://x")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[remote\]'"):
        open_store("s3://bucket/x")


def test_nothing_is_written_outside_by_what_a_manifest_names(url, tmp_path):
    """An object can have any name, and a manifest that was made up can name it."""
    generate(RECIPE, url, **OPTIONS)
    store, outside = open_store(url), tmp_path / "outside"
    made = manifest.load(store)
    train, replace = made.splits["train"], msgspec.structs.replace
    first, *others = train.shards
    for name in (str(outside), f"../..{outside}", "../outside"):
        store.write(f"train/{name}", store.read(f"train/{first.name}"))
        file = replace(first.files[0], name=name)
        splits = {"train": replace(train, shards=[replace(first, files=[file]), *others])}
        store.write(manifest.NAME, replace(made, splits=splits).encode())
        for read in (inspect, mk.open, lambda url: export(url, tmp_path / "b", format="jsonl")):
            with pytest.raises(DamagedError, match="is not the name of a file of a shard"):
                read(url)
        assert [problem.file for problem in verify(url).problems] == [manifest.NAME]
        assert not outside.exists()


# ---- failures -------------------------------------------------------------------------------------------------------


class Flaky:
    """A file system of which chosen calls fail: `fails` is asked with the method's name and the number of the call."""

    def __init__(self, inner, fails):
        self.inner, self.fails, self.calls = inner, fails, 0

    def __getattr__(self, name):
        method = getattr(self.inner, name)
        if name not in ("ls", "info", "cat_file", "get_file", "put_file", "pipe_file", "rm_file"):
            return method

        def call(*args, **options):
            self.calls += 1
            if self.fails(name, self.calls):
                raise ConnectionResetError(104, "Connection reset by peer")
            return method(*args, **options)

        return call


def flaky(url, fails):
    store = open_store(url)
    return RemoteStore(Flaky(store._fs, fails), store._root)


def test_failures_that_pass_do_not_show(url, whole):
    store = flaky(url, lambda _, number: number % 3 == 0)
    generate(RECIPE, store, threads=1, **OPTIONS)
    assert snapshot(open_store(url)) == whole
    assert verify(flaky(url, lambda _, number: number % 3 == 0), threads=1).ok


def test_every_call_that_fails_for_good_is_one_error_and_the_work_can_go_on(tmp_path, monkeypatch):
    """Each call in turn, and all after it, as where the network goes away."""
    monkeypatch.setattr(remote, "WAITS", ())
    monkeypatch.setattr(lease, "PATIENCE", 0.02)
    url = f"memory://bucket/{tmp_path.name}"

    def attempt(where, failing=10**6):
        store = flaky(where, lambda _, number: number >= failing)
        (written,) = generate(RECIPE, store, threads=1, seed=5, shard_rows=500)
        return written.kept, store._fs.calls

    _, calls = attempt(f"{url}/0")
    expected = snapshot(open_store(f"{url}/0"))
    kept = set()
    for failing in range(1, calls + 1):
        where = f"{url}/{failing}"
        if (error := error_of(attempt, where, failing)) is not None:
            assert (error.errno, error.filename[:9]) == (104, "memory://")
        for name, data in snapshot(open_store(where)).items():
            assert name.startswith((".lock", JOURNAL)) or data == expected[name]
        kept.add(attempt(where)[0])
        assert snapshot(open_store(where)) == expected
    assert kept >= {0, 1, 3}  # the journal of the last seconds may have been lost with the network


def error_of(function, *args):
    """Return the OSError that a call ends with; none where what failed did no harm, all having been written."""
    try:
        function(*args)
    except OSError as error:
        return error
    return None


@pytest.mark.slow
def test_an_upload_that_fails_half_way_leaves_no_object_and_the_work_can_go_on(s3, tmp_path, monkeypatch):
    """Parts of 5 MiB, the smallest there are; the third part of the second shard fails, however often it is tried."""
    import s3fs

    recipe = Recipe.load("paper/no-op").replace(examples=250_000)
    options = {"shard_rows": 125_000, "columns": ["prompt", "word"], "format": "arrow", "threads": 1}
    generate(recipe, tmp_path / "a", **options)
    url = f"{s3}/{tmp_path.name}"
    store = open_store(url)
    store = RemoteStore(store._fs, store._root, part_bytes=5 << 20)
    real = s3fs.S3FileSystem._call_s3
    parts = []

    async def call(self, method, *args, **more):
        if method == "upload_part":
            parts.append((more["Key"], more["PartNumber"]))
            if more["Key"].endswith("part-00001.arrow") and more["PartNumber"] == 3:
                raise OSError(5, "Input/output error")
        return await real(self, method, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_call_s3", call)
        with pytest.raises(OSError, match="Input/output error") as caught:
            generate(recipe, store, **options)
    assert caught.value.filename == f"{url}/train/part-00001.arrow"
    assert len([part for part in parts if part[0].endswith("part-00000.arrow")]) >= 3
    assert set(store.entries("train")) == {"part-00000.arrow", *(n for n in store.entries("train") if n[0] == ".")}
    assert not store._fs.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads")
    before = versions(store)
    (written,) = generate(recipe, store, **options)
    assert written.kept == 1
    assert before.items() <= versions(store).items()
    assert snapshot(store) == snapshot(LocalStore(tmp_path / "a"))


@pytest.mark.slow
def test_a_service_that_is_away_for_a_moment_is_waited_for(s3, whole, tmp_path, monkeypatch):
    """Every third call of boto's fails as where nothing answers."""
    import s3fs
    from botocore.exceptions import EndpointConnectionError

    monkeypatch.setattr(remote, "WAITS", (0.01,) * 8)
    real, calls = s3fs.S3FileSystem._call_s3, [0]

    async def call(self, *args, **more):
        calls[0] += 1
        if calls[0] % 3 == 1:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        return await real(self, *args, **more)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", call)
    generate(RECIPE, f"{s3}/{tmp_path.name}", threads=1, **OPTIONS)
    monkeypatch.undo()
    assert snapshot(open_store(f"{s3}/{tmp_path.name}")) == whole


def test_a_bucket_that_is_not_there_is_one_error(s3):
    assert s3
    result = CliRunner().invoke(main, ["generate", "paper/no-op", "--examples", "10", "--out", "s3://none/x"])
    assert result.exit_code == 2
    assert result.stderr.startswith("markovlib: error: s3://none/x/.lock: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_kept_shard_is_one_of_the_size_and_tag_that_it_had(s3, whole, tmp_path):
    store = open_store(f"{s3}/{tmp_path.name}")
    interrupt(store, 700)
    lost = sorted(versions(store))
    store.write(f"train/{lost[0]}", whole[f"train/{lost[0]}"][:-1])
    data = bytearray(whole[f"train/{lost[1]}"])
    data[100] ^= 1
    store.write(f"train/{lost[1]}", bytes(data))
    store.remove([f"train/{lost[2]}"])
    (written,) = generate(RECIPE, store, **OPTIONS)
    assert written.kept == len(lost) - 3
    assert snapshot(store) == whole


def interrupt(store, rows):
    """Leave a split unfinished, with about so many rows."""

    class Enough(Exception):
        pass

    def stop(progress):
        if progress.rows >= rows:
            raise Enough

    with pytest.raises(Enough):
        generate(RECIPE, store, progress=stop, threads=1, **OPTIONS)


def test_a_shard_of_a_store_without_tags_is_kept_for_its_bytes(tmp_path, whole):
    store = open_store(f"memory://bucket/{tmp_path.name}")
    interrupt(store, 700)
    first = sorted(versions(store))[0]
    data = bytearray(whole[f"train/{first}"])
    data[100] ^= 1
    store.write(f"train/{first}", bytes(data))
    there = len(versions(store))
    (written,) = generate(RECIPE, store, **OPTIONS)
    assert 0 < written.kept == there - 1
    assert snapshot(store) == whole


def test_threads_may_read_one_object_at_once(url):
    store, data = open_store(url), bytes(range(256)) * 400
    store.write("train/part", data)

    def read(_):
        with store.fetched("train", ["part"]) as directory:
            return (directory / "part").read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(200))) == {data}


def test_another_request_is_refused_in_an_unfinished_folder(url):
    interrupt(open_store(url), 500)
    before = snapshot(open_store(url))
    with pytest.raises(ShardError, match="seed is 5 there, 6 asked for"):
        generate(RECIPE, url, seed=6, shard_rows=100)
    assert snapshot(open_store(url)) == before
    found = before.keys() - {"train/.unfinished.jsonl"}
    assert any(name.startswith("train/.unfinished.jsonl.") for name in found)


CHILD = """
import sys, time
from markovlib import Recipe
from markovlib.shards import lease, logs
from markovlib.shards.generation import generate
lease.BEAT, logs.SECONDS = 0.1, 0
recipe = Recipe.load("paper/no-op").replace({"rules.pattern_length": 3, "words.length": 12, "examples": 1300})
generate(recipe, sys.argv[1], seed=5, shard_rows=100, threads=2, progress=lambda _: time.sleep(0.05))
"""


@pytest.mark.slow
def test_a_killed_writer_is_followed_by_another(s3, whole, tmp_path):
    """SIGKILL; the lease of the dead runs out, and what it had finished is not written again."""
    url = f"{s3}/{tmp_path.name}"
    store = open_store(url)
    for moment in (2, 4, 6):
        child = subprocess.Popen([sys.executable, "-c", CHILD, url])
        deadline = time.monotonic() + 60
        while len(versions(store)) < moment or folder.LOCK not in store.entries():
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.kill()
        child.wait()
        assert ".lock" in store.entries()
        for name, data in snapshot(store).items():
            assert name.startswith((".lock", JOURNAL)) or data == whole[name]
        with contextlib.suppress(ShardError):  # Take over what is left of it, so that the next child need not wait.
            lease.Lease(store, folder.LOCK)._watch()
    before = versions(store)
    (written,) = generate(RECIPE, url, **OPTIONS)
    assert written.kept >= 4
    after = versions(store)
    assert sum(after[name] == info for name, info in before.items()) >= written.kept
    assert snapshot(store) == whole


# ---- one writer -----------------------------------------------------------------------------------------------------


def test_the_second_of_two_writers_is_told(url, whole):
    told = []

    def second(_):
        if not told:
            with pytest.raises(ShardError, match="another process is writing this folder"):
                generate(RECIPE, open_store(url), **OPTIONS)
            told.append(True)

    generate(RECIPE, url, progress=second, **OPTIONS)
    assert told
    store = open_store(url)
    assert snapshot(store) == whole
    with store.held(), pytest.raises(ShardError, match="this process is writing"), store.held():
        pass


def test_of_many_that_come_at_once_one_holds(url):
    held, refused = [], []
    barrier = threading.Barrier(4)

    def hold(store):
        barrier.wait()
        try:
            with store.held():
                held.append(store)
                time.sleep(0.5)
        except ShardError:
            refused.append(store)

    threads = [threading.Thread(target=hold, args=(open_store(url),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 3)
    assert open_store(url).entries() == {}


def test_a_holder_that_was_taken_for_dead_stops(url):
    store = open_store(url)
    with store.held():
        store.create("x", b"")
        open_store(url).write(folder.LOCK, b"another 1\n")
        time.sleep(0.5)
        with pytest.raises(ShardError, match="another process has taken over"):
            store.write("x", b"not written")
    assert snapshot(open_store(url)) == {folder.LOCK: b"another 1\n", "x": b""}


def test_a_store_that_cannot_create_is_asked_before_and_after(tmp_path):
    class Old:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def pipe_file(self, path, data):
            return self.inner.pipe_file(path, data)

    store = open_store(f"memory://bucket/{tmp_path.name}")
    old = RemoteStore(Old(store._fs), store._root)
    assert old.create("x", b"1")
    assert not old.create("x", b"2")
    assert store.read("x") == b"1"


# ---- the journal in pieces ------------------------------------------------------------------------------------------


class Box:
    """The part of a store that a log needs."""

    def __init__(self):
        self.files = {}

    def entries(self, inside=""):
        return {name.removeprefix(f"{inside}/"): len(data) for name, data in self.files.items()}

    def read_all(self, names):
        return [self.files[name] for name in names]

    def write(self, name, data):
        self.files[name] = data

    def remove(self, names):
        for name in names:
            self.files.pop(name, None)


def test_a_log_in_pieces_writes_lines_together_that_come_fast():
    box, now = Box(), [0.0]
    log = PieceLog(box, "train/log", seconds=5, clock=lambda: now[0])
    log.start([b"head"])
    for number in range(100):
        log.append(b"%d" % number)
        now[0] += 0.5
    assert 10 <= len(box.files) <= 12
    log.close()
    assert list(log.lines()) == [b"head", *(b"%d" % number for number in range(100))]
    again = PieceLog(box, "train/log")
    again.start(list(again.lines()))
    assert list(box.files) == ["train/log"]
    again.append(b"more")
    again.close()
    assert len(list(again.lines())) == 102
    again.remove()
    assert box.files == {}


def test_nothing_is_left_of_temporary_files(url, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    generate(RECIPE, url, **OPTIONS)
    verify(url)
    with pytest.raises(OSError, match="reset"):
        generate(RECIPE, flaky(f"{url}/x", lambda name, _: name == "put_file"), **OPTIONS)
    assert list(tmp_path.iterdir()) == []
    assert manifest.load(url).splits["train"].rows == 1300
    assert not list(Path().glob("markovlib-*"))
