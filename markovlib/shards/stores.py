"""Where folders of shards are: on a disk, or in an object store that fsspec knows.

A store knows files by their names in the folder, `/` between its parts.  Writing keeps one promise everywhere: a file
is there whole, or not at all.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from markovlib import files
from markovlib.files import WholeFile
from markovlib.shards import folder
from markovlib.shards.folder import Lock, ShardError
from markovlib.shards.logs import FileLog, Log

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)


class Store(ABC):
    """One folder of shards.

    It pickles, and the copy stands for the same folder wherever that can be reached.  Stores of one folder are equal:
    what a process has worked out for one need not be worked out again for a copy.
    """

    @abstractmethod
    def __str__(self) -> str: ...

    def path(self, name: str) -> str:
        """Return a file's full name, to be shown."""
        return f"{self}/{name}"

    # ---- reading ------------------------------------------------------------------------------------------------

    @abstractmethod
    def entries(self, inside: str = "") -> dict[str, int | None]:
        """Return what is directly in a folder, by name: the sizes of files, None for folders.

        There is nothing in a folder that does not exist.  Raises NotADirectoryError where it is a file.
        """

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the bytes of a small file; raises FileNotFoundError where there is none."""

    @abstractmethod
    def fetched(self, inside: str, names: Sequence[str]) -> AbstractContextManager[Path]:
        """Give a folder on a local disk that has these files of `inside`.

        Files of a remote store are copied there and removed again at the end.  Raises FileNotFoundError.
        """

    # ---- writing ------------------------------------------------------------------------------------------------

    @abstractmethod
    def held(self) -> AbstractContextManager[None]:
        """Hold the folder, made if need be, for one writer.

        Raises ShardError where another has it.  A holder that dies loses it.
        """

    @abstractmethod
    def prepare(self, inside: str) -> None:
        """Make a folder in the folder, if need be; raises ShardError where that is something else."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole and durably."""

    @abstractmethod
    def remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    @abstractmethod
    def clean(self, inside: str = "") -> None:
        """Remove what killed writers have left half-written in a folder that is held."""

    @abstractmethod
    def log(self, name: str) -> Log:
        """Return the log of this name."""

    # ---- shards -------------------------------------------------------------------------------------------------

    @abstractmethod
    def drafts(self, inside: str) -> AbstractContextManager[str]:
        """Open a place for files of `inside` that have no name yet; at the end all that is left in it is removed."""

    @abstractmethod
    def draft(self, inside: str, drafts: str, name: str) -> WholeFile:
        """Begin a file that is to be called `name`; several may be begun for one name."""

    @abstractmethod
    def deliver(self, inside: str, name: str, file: WholeFile) -> str:
        """Complete a draft, durably; returns the store's own tag of its content, "" where it has none."""

    @abstractmethod
    def place(self, inside: str, drafts: str, draft: str, name: str) -> None:
        """Give a delivered draft its name, if `deliver` has not."""

    @abstractmethod
    def intact(self, name: str, size: int, sha256: str, tag: str) -> bool:
        """Tell whether a file is as it was delivered."""


Place: TypeAlias = str | os.PathLike[str] | Store
"""What a function takes for a folder: a path, a URL, or an open store."""


def open_store(place: Place) -> Store:
    """Return the store of a path or a URL; a store is returned as it is.

    Text that begins as a URL does (`s3://bucket/prefix`, `memory://x`, `file:///data`) is one, all other is a path.
    Raises ValueError for a URL that cannot hold shards, such as one of a `file://` elsewhere, and for no text at all,
    TypeError for what is no path, ImportError where fsspec or a part of it is not installed.

    >>> str(open_store("some/folder")), str(open_store("file:///some/folder"))
    ('some/folder', '/some/folder')
    """
    if isinstance(place, Store):
        return place
    if not place:
        raise ValueError("no folder: its name is empty")
    if not isinstance(place, str) or not _URL.match(place) or place.startswith("file://"):
        return LocalStore(local_folder(place, ""))
    from markovlib.shards.remote import RemoteStore

    return RemoteStore.of(place)


def local_folder(place: str | os.PathLike[str], doing: str) -> Path:
    """Return the path of a folder on a disk; raises ShardError for the URL of one that is not, for what only disks do.

    `doing` says what that is, as in "score reads".

    A `file://` URL has no host, or `localhost`; raises ShardError for another.

    >>> local_folder("file:///some/folder", "score reads")
    PosixPath('/some/folder')
    """
    if not isinstance(place, str) or not _URL.match(place):
        return Path(place)
    if place.startswith("file://"):
        host, slash, path = place.removeprefix("file://").partition("/")
        if host not in ("", "localhost") or not slash:
            raise ShardError(f"{place}: names a host, and a folder's URL is file:///PATH, or its path alone")
        return Path(slash + path)
    raise ShardError(f"{place}: {doing} folders on a disk only; copy or mount this one, and give the path")


class LocalStore(Store):
    """A folder on a disk of this machine, or on one that all workers share."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: Lock | None = None

    def __str__(self) -> str:
        return str(self.root)

    def __eq__(self, other: object) -> bool:
        return self.root == other.root if isinstance(other, LocalStore) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.root)

    def path(self, name: str) -> str:
        return str(self.root / name)

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalStore, (self.root.absolute(),)

    def entries(self, inside: str = "") -> dict[str, int | None]:
        try:
            found = list(os.scandir(self.root / inside))
        except FileNotFoundError:
            return {}
        return {entry.name: _size(entry) for entry in found}

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    @contextmanager
    def fetched(self, inside: str, names: Sequence[str]) -> Iterator[Path]:  # noqa: ARG002
        yield self.root / inside

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder by a lock on it; folders that were made for nothing are removed again."""
        made = [missing for missing in (self.root, *self.root.parents) if not missing.exists()]
        if made:
            self.root.mkdir(parents=True, exist_ok=True)
        for missing in made:
            files.sync_directory(missing.parent)
        with folder.locked(self.root) as self._lock:  # Without it the folders are another's, who may be about to begin.
            try:
                yield
            except BaseException:
                with suppress(OSError):  # What went wrong is more than what is left.
                    for missing in made:
                        if any(missing.iterdir()):
                            break
                        missing.rmdir()
                raise
            finally:
                self._lock = None

    def _check(self) -> None:
        """Raise ShardError where the folder that is held has been removed, and another has its name."""
        if self._lock is not None and self._lock.replaced():
            raise ShardError(f"{self}: was removed while it was being written, and another folder is there now")

    def prepare(self, inside: str) -> None:
        self._check()
        directory = self.root / inside
        if os.path.lexists(directory) and not directory.is_dir():
            raise ShardError(f"{directory}: {'a link that leads to no' if directory.is_symlink() else 'not a'} folder")
        directory.mkdir(exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        self._check()
        files.write_whole(self.root / name, data)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            (self.root / name).unlink(missing_ok=True)

    def clean(self, inside: str = "") -> None:
        self._check()
        folder.remove_temporaries(self.root / inside)

    def log(self, name: str) -> Log:
        return FileLog(self.root / name)

    @contextmanager
    def drafts(self, inside: str) -> Iterator[str]:
        directory = self.root / inside
        with folder.drafts(directory) as drafts:
            yield drafts.name
            files.sync_directory(directory)

    def draft(self, inside: str, drafts: str, name: str) -> WholeFile:
        directory = self.root / inside
        return WholeFile(directory / name, files.unique(directory / drafts / name))

    def deliver(self, inside: str, name: str, file: WholeFile) -> str:  # noqa: ARG002
        file.seal()
        return ""

    def place(self, inside: str, drafts: str, draft: str, name: str) -> None:
        self._check()
        directory = self.root / inside
        files.rename(directory / drafts / draft, directory / name)

    def intact(self, name: str, size: int, sha256: str, tag: str) -> bool:  # noqa: ARG002
        """Tell whether a file is as it was delivered, from all of its bytes."""
        try:
            return files.sha256_file(self.root / name) == (size, sha256)
        except FileNotFoundError:
            return False


def _size(entry: "os.DirEntry[str]") -> int | None:
    """Return the size of a file, None for a folder; links are files, those to nowhere too."""
    if entry.is_dir(follow_symlinks=False):
        return None
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return entry.stat(follow_symlinks=False).st_size
