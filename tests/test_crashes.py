"""What is left after a crash: whole shards alone, which the next run of the same command keeps.

Kills at random moments, every call of the system failing in turn, a disk that is full, a folder that vanishes, and a
second writer.  `make test-crash` runs the long ones too.
"""

import errno
import fcntl
import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from itertools import count
from pathlib import Path

import fake_dataset
import pytest
from click.testing import CliRunner
from effort import slow_but
from folders import snapshot

from markovlib import files
from markovlib.cli import main
from markovlib.shards import formats, manifest
from markovlib.shards.generation import generate
from markovlib.shards.verification import verify

FORMATS = list(formats.MODULES)
KILLS = int(os.environ.get("MARKOVLIB_KILLS", "12"))


@pytest.fixture
def recipe(monkeypatch):
    """A recipe of the stand-in's, whose rows cost nothing, and blocks so small that there are many."""
    fake_dataset.stand_in(monkeypatch)
    return fake_dataset.Recipe.load("paper/no-op").replace(examples=600)


def identities(path, format_name="parquet"):
    """Return inode and time of the files of complete shards: of those that the file is there of that names them."""
    suffixes = formats.module(format_name).SUFFIXES
    named = [str(p).removesuffix(suffixes[0]) for p in path.glob(f"*/part-*{suffixes[0]}")]
    files = [Path(f"{name}{suffix}") for name in named for suffix in suffixes]
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def visible(path):
    """Return the files that a reader may take for ours."""
    return {name: data for name, data in snapshot(path).items() if not any(p[0] == "." for p in name.split("/"))}


# ---- kills ----------------------------------------------------------------------------------------------------------

SERVER = """
import os, signal, sys, time
import fake_dataset
fake_dataset.install()
from markovlib.shards import digest
digest.BLOCK_ROWS = 64
from markovlib.shards.generation import generate
recipe = fake_dataset.Recipe.load("paper/no-op").replace(examples=600)
generate(recipe, sys.argv[1] + "-first", format=sys.argv[2], shard_rows=10**6, threads=1)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            generate(recipe, sys.argv[1], splits=["train", "seen"], format=sys.argv[2], shard_rows=20, threads=2)
        finally:
            os._exit(0)
    if line != "leave\\n":
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)
"""


class Server:
    """Forks a writer of one folder whenever asked, without the time that it takes to start an interpreter.

    It kills the writer after so many seconds, or leaves it alone.
    """

    def __init__(self, out, format_name, delay="0.002"):
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "FAKE_DELAY": delay}
        command = [sys.executable, "-W", "ignore", "-c", SERVER, str(out), format_name]
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def start(self, kill_after=None):
        self._process.stdin.write("leave\n" if kill_after is None else f"{kill_after}\n")
        self._process.stdin.flush()

    def wait(self):
        """Wait for the writer; tells whether it was killed before it was done."""
        answer = self._process.stdout.readline()
        assert answer in ("killed\n", "ended\n")
        return answer == "killed\n"

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def server_of():
    """Start servers that end with the test."""
    started = []

    def start(*args, **options):
        started.append(Server(*args, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.mark.slow
@pytest.mark.parametrize("format_name", FORMATS)
def test_kills_at_random_moments_do_not_show(tmp_path, recipe, server_of, format_name):
    """A killed job goes on until it is done, and then another begins, until enough have been killed.

    Every shard that is to be seen is whole and is never written again, and what is done is what one run does.
    """
    whole, out = tmp_path / "whole", tmp_path / "out"
    generate(recipe, whole, splits=["train", "seen"], format=format_name, shard_rows=20)
    generate(recipe, tmp_path / "first", format=format_name, shard_rows=20)
    expected, first, chance = snapshot(whole), snapshot(tmp_path / "first"), random.Random(format_name)
    server = server_of(out, format_name)
    server.start()
    begun = time.monotonic()
    server.wait()
    length = time.monotonic() - begun
    assert snapshot(out) == expected
    kills = done = 0
    shutil.rmtree(out)
    while kills < KILLS:
        before = identities(out, format_name)
        server.start(kill_after=chance.random() * length / 3)
        kills += server.wait()
        assert before.items() <= identities(out, format_name).items()
        for name, data in visible(out).items():
            assert data in (expected[name], first.get(name))
        if (out / manifest.NAME).exists() and len(manifest.load(out).splits) == 2:
            done += 1
            generate(recipe, out, splits=["train", "seen"], format=format_name, shard_rows=20)
            assert snapshot(out) == expected
            shutil.rmtree(out)
    before = identities(out, format_name)
    generate(recipe, out, splits=["train", "seen"], format=format_name, shard_rows=20)
    assert before.items() <= identities(out, format_name).items()
    assert snapshot(out) == expected
    print(f"{format_name}: {kills} kills in {done + 1} jobs, 0 differences")


@pytest.mark.parametrize("format_name", ["parquet", "mds"])
def test_no_kill_makes_finished_splits_look_damaged(tmp_path, recipe, format_name):
    """A split is added, and killed before each change of a name in turn."""
    recipe = recipe.replace({"eval.examples": 50}, examples=60)
    options = {"format": format_name, "shard_rows": 40, "threads": 1}
    generate(recipe, tmp_path / "whole", splits=["train", "seen"], **options)
    generate(recipe, tmp_path / "first", **options)
    expected, number, status = snapshot(tmp_path / "whole"), 0, 1
    while status:
        out = tmp_path / str(number)
        shutil.copytree(tmp_path / "first", out)
        if (child := os.fork()) == 0:
            die_before(number, generate, recipe, out, splits=["seen"], **options)
        status = os.waitpid(child, 0)[1]
        problems = {problem.file for problem in verify(out).problems}
        assert {name for name in problems if not name.startswith(".")} <= {"seen", "seen/.unfinished.jsonl"}
        assert status or not problems
        generate(recipe, out, splits=["seen"], **options)
        assert snapshot(out) == expected
        number += 1
    assert number >= 10


@pytest.mark.parametrize("format_name", ["parquet", "megatron"])
def test_no_kill_loses_more_of_a_folder_that_is_repaired(tmp_path, recipe, format_name):
    """Killed before each change of a name in turn; what is whole is not written again."""
    recipe = recipe.replace({"eval.examples": 50}, examples=60)
    options = {"splits": ["train", "seen"], "format": format_name, "shard_rows": 20, "threads": 1}
    generate(recipe, tmp_path / "whole", **options)
    expected, number, status = snapshot(tmp_path / "whole"), 0, 1
    while status:
        out = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", out)
        lost = {file for shard in ("train/part-00001", "seen/part-00000") for file in expected if shard in file}
        for name in lost:
            (out / name).unlink()
        before = identities(out, format_name)
        if (child := os.fork()) == 0:
            die_before(number, generate, recipe, out, **options)
        status = os.waitpid(child, 0)[1]
        assert visible(out).items() <= expected.items()
        problems = {problem.file for problem in verify(out).problems}
        assert {name for name in problems if ".drafts" not in name} <= lost
        generate(recipe, out, **options)
        assert snapshot(out) == expected
        assert before.items() <= identities(out, format_name).items()
        number += 1
    assert number >= 8


def die_before(number, doing, *args, **options):
    """Do something and end this process: as by a kill, before the call of this number that changes a name, if any."""
    calls = count()

    def wrapped(real):
        def call(*args, **options):
            if next(calls) == number:
                os._exit(9)
            return real(*args, **options)

        return call

    for name in ("replace", "unlink", "mkdir", "rmdir"):
        setattr(os, name, wrapped(getattr(os, name)))
    code = 1
    try:
        doing(*args, **options)
        code = 0
    finally:
        os._exit(code)


# ---- calls that fail ------------------------------------------------------------------------------------------------

CALLS = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir", "listdir", "scandir", "stat")


class Faults:
    """Counts the calls of the system below a folder, by any thread, and has one of them fail."""

    def __init__(self, monkeypatch, below, failing=None, number=errno.EIO):
        self.made = []
        self._below, self._failing, self._number = str(below), failing, number
        self._handles = set()
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        monkeypatch.setattr(fcntl, "flock", self._wrapped("flock", fcntl.flock))

    def _wrapped(self, name, real):
        def call(target, *args, **options):
            if not self._ours(target):
                return real(target, *args, **options)
            self.made.append(name)
            if len(self.made) - 1 == self._failing:
                path = () if isinstance(target, int) else (os.fspath(target),)
                raise OSError(self._number, os.strerror(self._number), *path)
            found = real(target, *args, **options)
            if name == "open":
                self._handles.add(found)
            return found

        return call

    def _ours(self, target):
        if isinstance(target, int):
            return target in self._handles
        return os.fspath(target).startswith(self._below)


class Inline(Executor):
    """Does everything in the order in which it is asked for, so that calls can be numbered."""

    def submit(self, fn, /, *args):
        future = Future()
        future.set_result(fn(*args))
        return future


@pytest.mark.parametrize("format_name", slow_but(["parquet"], ["parquet", "megatron"]))
def test_every_call_of_the_system_that_fails_is_one_error_and_the_work_can_go_on(tmp_path, recipe, format_name):
    """Each call in turn: an error that names a file, no half shard, nothing kept that is not whole."""
    recipe = recipe.replace(examples=100)

    def attempt(out, failing=None):
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, out, failing)
            try:
                generate(recipe, out, format=format_name, shard_rows=64, executor=Inline())
            except OSError as error:
                return faults.made, error
        return faults.made, None

    whole = tmp_path / "whole"
    made, error = attempt(whole)
    assert error is None
    assert {*CALLS, "flock"} - {"listdir"} <= set(made)  # `Path.iterdir` calls scandir from Python 3.13 on.
    expected = snapshot(whole)
    harmless = []
    for failing in range(len(made)):
        out = tmp_path / f"{failing:03d}"
        again, error = attempt(out, failing)
        what = f"call {failing}: {again[failing]}"
        assert again[: failing + 1] == made[: failing + 1], what
        if error is None:
            harmless.append(made[failing])
        else:
            assert error.errno == errno.EIO, what
            assert str(error.filename).startswith(str(out)), what
        assert visible(out).items() <= expected.items(), what
        if (out / manifest.NAME).exists():
            assert {problem.file for problem in verify(out).problems} <= {"train/.unfinished.jsonl"}, what
        before = identities(out, format_name)
        _, error = attempt(out)
        assert error is None, what
        assert before.items() <= identities(out, format_name).items(), what
        assert snapshot(out) == expected, what
    assert len(harmless) < len(made) / 10, harmless


@pytest.mark.parametrize("limit", [1000, 30_000])
def test_files_that_may_not_grow_are_one_error(tmp_path, recipe, limit):
    """A real limit of the system, RLIMIT_FSIZE, in a process of its own."""
    script = f"""
import resource, sys
import fake_dataset
fake_dataset.install()
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
from markovlib.cli import main
main(["generate", "paper/no-op", "--examples", "600", "--out", sys.argv[1], "--shard-rows", "300", "--format", "jsonl"])
"""
    out = tmp_path / "a"
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run([sys.executable, "-c", script, str(out)], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert str(out / "train") in done.stderr
    assert not list(out.rglob("*.tmp"))
    assert not list(out.rglob("part-*"))
    generate(recipe, out, shard_rows=300, format="jsonl")
    generate(recipe, tmp_path / "b", shard_rows=300, format="jsonl")
    assert snapshot(out) == snapshot(tmp_path / "b")


MOUNTED = """
set -u
mount -t tmpfs -o size=300k tmpfs "$1" || exit 77
"$2" -c "$3" "$1/out"
echo "status $?" >&2
find "$1" -name '*.tmp' >&2
mount -o remount,size=64m "$1"
"$2" -c "$3" "$1/out" || exit 1
cp -a "$1/out" "$4"
"""


def test_a_disk_that_is_full_is_one_error_and_the_work_goes_on_when_it_is_larger(tmp_path):
    """A real file system of 300 kB, where the system lets us have one."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    args = ["generate", "paper/no-op", "--examples", "4000", "--shard-rows", "500", "--format", "jsonl"]
    script = f"import sys; from markovlib.cli import main; main([*{args}, '--out', sys.argv[1]])"
    (tmp_path / "disk").mkdir()
    command = ["sh", "-c", MOUNTED, "sh", tmp_path / "disk", sys.executable, script, tmp_path / "copy"]
    done = subprocess.run(["unshare", "-rm", *command], capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system of our own: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    error, status, *more = done.stderr.splitlines()
    assert "No space left on device; free some space and run the same command again" in error
    assert (error[:18], status) == ("markovlib: error: ", "status 2")
    assert "kept)" in more[0]
    result = CliRunner().invoke(main, [*args, "--out", str(tmp_path / "whole")])
    assert result.exit_code == 0
    assert snapshot(tmp_path / "copy") == snapshot(tmp_path / "whole")


@pytest.mark.parametrize("gone", ["out", "out/train"])
def test_a_folder_that_vanishes_is_one_error_and_the_work_can_begin_again(tmp_path, recipe, gone):
    generate(recipe, tmp_path / "whole", shard_rows=50)

    def vanish(progress):
        while progress.rows >= 200 and (tmp_path / gone).exists():  # Again where a file came in the meantime.
            shutil.rmtree(tmp_path / gone, ignore_errors=True)

    with pytest.raises(FileNotFoundError, match="out/train/"):
        generate(recipe, tmp_path / "out", shard_rows=50, threads=2, progress=vanish)
    assert not list((tmp_path / "out").rglob("part-*"))
    generate(recipe, tmp_path / "out", shard_rows=50)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_the_second_of_two_processes_is_told(tmp_path, recipe, server_of):
    (tmp_path / "out").mkdir()
    server = server_of(tmp_path / "out", "parquet", delay="0.1")
    server.start()
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob("train/part-*")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    args = ["generate", "paper/no-op", "--examples", "600", "--shard-rows", "20", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, args)
    assert not (tmp_path / "out" / manifest.NAME).exists()
    server.wait()
    assert result.exit_code == 2
    assert result.stderr == f"markovlib: error: {tmp_path / 'out'}: another process is writing this folder\n"
    generate(recipe, tmp_path / "whole", splits=["train", "seen"], shard_rows=20)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_a_folder_of_drafts_that_cannot_be_removed_is_removed_by_the_next_run(tmp_path, recipe):
    (tmp_path / "a" / "train" / ".drafts.1.tmp").mkdir(parents=True)
    (tmp_path / "a" / "train" / ".drafts.1.tmp" / "part-00000.parquet.1").write_bytes(b"half")
    generate(recipe, tmp_path / "a")
    assert [p.name for p in (tmp_path / "a" / "train").iterdir()] == ["part-00000.parquet"]
    assert files.is_temporary(".drafts.1.tmp")


# ---- memory ---------------------------------------------------------------------------------------------------------

MEASURED = """
import resource, sys
from markovlib import Recipe
from markovlib.shards.generation import generate
recipe = Recipe.load("paper/no-op").replace(examples=int(sys.argv[2]))
generate(recipe, sys.argv[1], columns=["completion"], threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_depend_on_the_number_of_rows(tmp_path):
    """The peak of a process that writes 10^7 rows is that of one that writes 10^6, within a tenth."""

    def peak(rows):
        out = tmp_path / str(rows)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(out), str(rows)], capture_output=True, text=True, check=True
        )
        shutil.rmtree(out)
        return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)

    few, many = peak(10**6), peak(10**7)
    print(f"peak: {few:.0f} MiB for 10^6 rows, {many:.0f} MiB for 10^7")
    assert many < 1.1 * few + 8
