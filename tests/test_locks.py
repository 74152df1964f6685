"""The lock on a folder of shards: who holds it, what it is on, and when it ends."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from markovlib import files
from markovlib.shards import folder
from markovlib.shards.folder import ShardError
from markovlib.shards.stores import LocalStore


def test_one_that_comes_second_leaves_the_new_folder_to_the_first(tmp_path, monkeypatch):
    """Both found nothing there; the first has the lock, and has written nothing yet."""
    out = tmp_path / "new" / "deep"
    real, first = files.sync_directory, []

    def overtaken(path):
        if not first:
            first.append(folder.Lock(out))
        real(path)

    monkeypatch.setattr(files, "sync_directory", overtaken)
    with pytest.raises(ShardError, match="another process is writing"), LocalStore(out).held():
        pass
    assert out.is_dir()
    first[0].close()


def test_a_new_folder_is_removed_again_while_it_is_held(tmp_path):
    """Whoever comes next would lose it."""
    store = LocalStore(tmp_path / "new")

    real = Path.rmdir

    def rmdir(path):
        with pytest.raises(ShardError, match="another process is writing"):
            folder.Lock(path)
        real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rmdir", rmdir)
        with pytest.raises(KeyError), store.held():
            raise KeyError
    assert not store.root.exists()


def test_a_folder_that_is_made_anew_before_it_is_locked_is_locked(tmp_path, monkeypatch):
    out = tmp_path / "a"
    out.mkdir()
    real, replaced = fcntl.flock, []

    def flock(handle, how):
        if not replaced:
            replaced.append(out.rename(tmp_path / "b"))
            out.mkdir()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with LocalStore(out).held():
        for path, busy in ((out, True), (replaced[0], False)):
            handle = os.open(path, os.O_RDONLY)
            try:
                real(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                assert not busy
            except BlockingIOError:
                assert busy
            os.close(handle)


FORKING = """
import os, sys, time
from pathlib import Path
from markovlib.shards.stores import LocalStore
with LocalStore(Path(sys.argv[1])).held():
    if os.fork() == 0:
        print(os.getpid(), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="nothing is forked here")
def test_the_lock_of_a_killed_writer_is_not_kept_by_its_forks(tmp_path):
    """Such are the workers of `concurrent.futures.ProcessPoolExecutor` on Linux up to Python 3.13."""
    args = [sys.executable, "-c", FORKING, str(tmp_path / "a")]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as writer:
        child = int(writer.stdout.readline())
        try:
            with pytest.raises(ShardError, match="another process is writing"), LocalStore(tmp_path / "a").held():
                pass
            writer.kill()
            writer.wait()
            os.kill(child, 0)
            with LocalStore(tmp_path / "a").held():
                pass
        finally:
            writer.kill()
            os.kill(child, signal.SIGKILL)


def test_a_fork_that_ends_by_itself_closes_nothing_else(tmp_path):
    with LocalStore(tmp_path / "a").held():
        if (child := os.fork()) == 0:
            code = 1
            try:
                with LocalStore(tmp_path / "b").held():
                    with pytest.raises(ShardError):
                        folder.Lock(tmp_path / "a")
                    code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(ShardError):
            folder.Lock(tmp_path / "a")
