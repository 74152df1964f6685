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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder for one writer; the lock is on the directory itself, so no file is left behind.

    Raises `ShardError` at once where another process holds it.  The system drops the lock when its holder
    dies, however it dies.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            with errors_of(path):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ShardError(f"{path}: another process is writing this folder") from None
        yield
    finally:
        os.close(handle)


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
