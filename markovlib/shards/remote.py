"""Folders of shards in an object store, through fsspec.

An object appears whole when its upload is complete, so shards are written to a local temporary file and uploaded by
the worker that made them.  Calls that fail are tried again, waiting longer each time.
"""

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from markovlib import files
from markovlib.files import WholeFile
from markovlib.shards import folder
from markovlib.shards.folder import ShardError
from markovlib.shards.lease import Lease
from markovlib.shards.logs import Log, PieceLog
from markovlib.shards.stores import Store

T = TypeVar("T")

PROTOCOLS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "memory")
"""Stores whose objects appear when they are complete."""

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries of a call that fails."""

CALLS = 16
"""How many small files are read or removed at once."""

NUMBERS = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
    IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR,
}
FOR_GOOD = tuple(NUMBERS)
"""Errors that do not pass."""

FULL = (errno.ENOSPC, errno.EDQUOT)
TAGS = ("ETag", "etag", "md5Hash", "content_md5")


class RemoteStore(Store):
    """A folder in an object store: `filesystem` is one of fsspec's, `root` the folder's name there.

    `part_bytes` is the size of the parts in which larger objects are uploaded, where the file system lets it be
    chosen; by default it is that of the file system, 50 MiB for S3.
    """

    def __init__(self, filesystem: Any, root: str, part_bytes: int | None = None) -> None:
        self._fs = filesystem
        self._root = root.rstrip("/")
        self._part_bytes = part_bytes
        self._lease: Lease | None = None

    @classmethod
    def of(cls, url: str) -> "RemoteStore":
        """Open a URL; credentials and the address of the service come from the environment, as fsspec reads them."""
        protocol = url.partition("://")[0]
        try:
            import fsspec

            fsspec.get_filesystem_class(protocol)
        except ImportError as error:
            raise ImportError(f"{url}: {error}; pip install '.[remote]' in the clone of markovlib") from None
        except ValueError as error:
            raise ValueError(f"{url}: {error}; folders of shards are on a disk, or in {', '.join(PROTOCOLS)}") from None
        if protocol not in PROTOCOLS:
            raise ValueError(
                f"{url}: folders of shards are on a disk, or in {', '.join(PROTOCOLS)}, whose files appear when they "
                "are whole; copy or mount this one, and give the path"
            )
        filesystem, root = fsspec.url_to_fs(url, use_listings_cache=False)
        return cls(filesystem, root)

    def __str__(self) -> str:
        return str(self._fs.unstrip_protocol(self._root))

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, RemoteStore) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self._fs, self._root, self._part_bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteStore, (self._fs, self._root, self._part_bytes)

    # ---- reading ------------------------------------------------------------------------------------------------

    def entries(self, inside: str = "") -> dict[str, int | None]:
        where = self._at(inside)
        try:
            found = self._call(inside, lambda: self._fs.ls(where, detail=True))
        except FileNotFoundError:
            return {}
        names = ((item["name"].rstrip("/").rpartition("/")[2], item) for item in found if item["name"] != where)
        return {name: None if item["type"] == "directory" else int(item["size"]) for name, item in names if name}

    def read(self, name: str) -> bytes:
        data: bytes = self._call(name, lambda: self._fs.cat_file(self._at(name)))
        return data

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """Return the bytes of several small files, read at once."""
        with ThreadPoolExecutor(CALLS) as pool:
            return list(pool.map(self.read, names))

    @contextmanager
    def fetched(self, inside: str, names: Sequence[str]) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="markovlib-") as directory:
            for name in names:
                self._fetch(f"{inside}/{name}", Path(directory) / name)
            yield Path(directory)

    def _fetch(self, name: str, here: Path) -> None:
        if self._fs.protocol == "memory":  # whose open files share one position, whichever threads read them
            here.write_bytes(self.read(name))
        else:
            self._call(name, lambda: self._fs.get_file(self._at(name), str(here)))

    # ---- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder by an object in it that is written again and again, and removed at the end."""
        if self._lease is not None:
            raise ShardError(f"{self}: this process is writing this folder")
        self._lease = Lease(self, folder.LOCK)
        try:
            with self._lease.kept():
                yield
        finally:
            self._lease = None

    def prepare(self, inside: str) -> None:
        """Do nothing: there are no folders but in names."""

    def write(self, name: str, data: bytes) -> None:
        if self._lease is not None:
            self._lease.check()
        self._call(name, lambda: self._fs.pipe_file(self._at(name), data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file unless there is one of that name; tells whether this one is there then.

        Where the store has no such call, two that come at the same moment are told apart by what is there afterwards.
        """
        try:
            self._call(name, lambda: self._fs.pipe_file(self._at(name), data, mode="create"))
        except FileExistsError:
            pass
        except (TypeError, NotImplementedError):
            if name not in self.entries():
                self.write(name, data)
        return self.read(name) == data

    def remove(self, names: Sequence[str]) -> None:
        with ThreadPoolExecutor(CALLS) as pool:
            list(pool.map(self._remove, names))

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._call(name, lambda: self._fs.rm_file(self._at(name)))

    def clean(self, inside: str = "") -> None:
        """Do nothing: nothing is half-written."""

    def log(self, name: str) -> Log:
        return PieceLog(self, name)

    # ---- shards -------------------------------------------------------------------------------------------------

    @contextmanager
    def drafts(self, inside: str) -> Iterator[str]:  # noqa: ARG002
        yield ""

    def draft(self, inside: str, drafts: str, name: str) -> WholeFile:  # noqa: ARG002
        handle, path = tempfile.mkstemp(prefix="markovlib-", suffix=f"-{name}")
        return WholeFile(Path(path), Path(path), handle)

    def deliver(self, inside: str, name: str, file: WholeFile) -> str:
        """Upload a draft under its name; checks that all of it arrived."""
        file.close()
        there = f"{inside}/{name}"
        options = {} if self._part_bytes is None else _chunks(self._fs, self._part_bytes)
        self._call(there, lambda: self._fs.put_file(str(file.draft), self._at(there), **options))
        size, tag = self._info(there)
        if size != file.size:
            raise OSError(errno.EIO, f"{size} of {file.size} bytes are there after the upload", self.path(there))
        file.discard()
        return tag

    def place(self, inside: str, drafts: str, draft: str, name: str) -> None:
        """Do nothing: what is delivered has its name."""

    def intact(self, name: str, size: int, sha256: str, tag: str) -> bool:
        """Tell whether an object has the size and the tag that it had after its upload.

        Where the store gives no tags, its bytes are read and hashed.
        """
        try:
            found, now = self._info(name)
            if found != size or (tag and now != tag):
                return False
            return bool(tag) or self._sha256(name) == sha256
        except FileNotFoundError:
            return False

    def _sha256(self, name: str) -> str:
        inside, _, last = name.rpartition("/")
        with self.fetched(inside, [last]) as directory:
            return files.sha256_file(directory / last)[1]

    # ---- inside -------------------------------------------------------------------------------------------------

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _info(self, name: str) -> tuple[int, str]:
        found = self._call(name, lambda: self._fs.info(self._at(name)))
        return int(found["size"]), next((str(found[tag]) for tag in TAGS if found.get(tag)), "")

    def _call(self, name: str, call: Callable[[], T]) -> T:
        """Make a call, again where it fails for a reason that may pass; raises OSError with the file's full name."""
        where = self.path(name) if name else str(self)
        for wait in (*WAITS, None):
            self._fs.invalidate_cache()
            try:
                return call()
            except FOR_GOOD as error:
                raise _named(error, where) from None
            except (ValueError, TypeError, NotImplementedError):
                raise
            except Exception as error:
                if wait is None or getattr(error, "errno", None) in FULL:
                    raise OSError(getattr(error, "errno", None) or errno.EIO, _said(error), where) from error
                time.sleep(wait)
        raise AssertionError("unreachable")


def _chunks(filesystem: Any, part_bytes: int) -> dict[str, int]:
    method = getattr(filesystem, "_put_file", filesystem.put_file)
    return {"chunksize": part_bytes} if "chunksize" in signature(method).parameters else {}


def _named(error: OSError, where: str) -> OSError:
    """Return an error of the same kind that names the file as we do."""
    number = error.errno or NUMBERS.get(type(error), errno.EIO)
    return type(error)(number, error.strerror or os.strerror(number), where)


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
