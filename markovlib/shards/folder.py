"""The folder that shards live in: one writer at a time, and what a killed one leaves."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from markovlib.files import errors_of, is_temporary, temporary, unique

LOCK = ".lock"


class ShardError(ValueError):
    """A folder of shards is not what is needed: busy, foreign, damaged, or made from something else."""


class DamagedError(ShardError):
    """A file of ours is not as it was written."""


class Lock:
    """The lock of one writer on a directory itself, so that no file is left behind.

    Raises `ShardError` at once where another process holds it.  The system drops the lock when its holder dies, however
    it dies: processes that the holder forks have no part in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        _held.add(self)
        try:
            with errors_of(path):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException as error:
            self.close()
            if isinstance(error, BlockingIOError):
                raise ShardError(f"{path}: another process is writing this folder") from None
            raise

    def replaced(self) -> bool:
        """Tell whether another folder has the name by now; not where none has, nor once the lock is closed."""
        try:
            return self in _held and not os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Drop the lock, once."""
        if self in _held:
            _held.discard(self)
            os.close(self._handle)


_held: set[Lock] = set()


def _leave() -> None:
    """Close the locks of the process that this one was forked from, which keeps them."""
    for lock in list(_held):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


@contextmanager
def locked(path: Path) -> Iterator[Lock]:
    """Hold the folder for one writer; raises as `Lock` does."""
    lock = Lock(path)
    try:
        while lock.replaced():  # It was removed, and made again, between the opening and the locking.
            lock.close()
            lock = Lock(path)
        yield lock
    finally:
        lock.close()


def is_hidden(name: str) -> bool:
    """Tell whether a name is of what writers keep beside the files, a lock or a temporary one, until they end."""
    return name == LOCK or is_temporary(name)


def remove_temporaries(directory: Path) -> None:
    """Remove what a killed writer left half-written; call it with the folder locked."""
    for entry in directory.iterdir():
        if is_temporary(entry.name):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)


@contextmanager
def drafts(directory: Path) -> Iterator[Path]:
    """Give a new folder for files that have no name yet, removed at the end with all that is in it.

    Whoever still writes there finds it gone when opening the next file, so that nothing is left.
    """
    path = temporary(unique(directory / "drafts"))
    path.mkdir()
    try:
        yield path
    finally:
        _remove_all(path)


def _remove_all(path: Path) -> None:
    """Remove a folder and its files, again where a new one has come in the meantime; one that is gone is no error."""
    while True:
        try:
            for entry in path.iterdir():
                entry.unlink(missing_ok=True)
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
