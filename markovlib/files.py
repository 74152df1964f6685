"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 1 << 20
_PIECE = 1 << 17
"""What is written at once: it is still in the cache when it has been hashed, and the system finds room at once."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
"""How a draft is opened: nobody else has begun it, and it is no link to elsewhere."""


def save(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file under a temporary name, then gives it its own.

    Raises OSError with the name that was asked for: no such folder, no permission, no room, or a name that is not
    that of an ordinary file.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: is not an ordinary file, and cannot be replaced by one")
    try:
        write_whole(target, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that it appears complete, durably, or not at all."""
    write_parts(path, [data])


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file, a part at a time, so that it appears complete, durably, or not at all."""
    file = WholeFile(path)
    try:
        for part in parts:
            file.write(part)
        file.seal()
        file.commit()
    except BaseException:
        file.discard()
        raise
    sync_directory(path.parent)


class WholeFile:
    """A binary file that is counted and hashed as it is written, and that appears under its name by `commit`.

    It has what pyarrow asks of a sink.  Until `commit` its bytes are in `draft`, by default a temporary name in the
    same folder that no other writer has; `discard` removes them.  `handle` is that of a draft that is open already.
    `size` counts bytes, `sha256` is the digest of those written so far.
    """

    def __init__(self, path: Path, draft: Path | None = None, handle: int | None = None) -> None:
        self.path = path
        self.draft = draft or temporary(unique(path))
        self.size = 0
        self._hash = hashlib.sha256()
        with errors_of(self.path):
            self._handle = os.open(self.draft, _NEW, 0o666) if handle is None else handle
        self._sealed = False
        self._discarded = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def closed(self) -> bool:
        return self._sealed

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """Do nothing: there is no buffer of our own."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        view = memoryview(data).cast("B")
        if self._discarded:
            return len(view)  # A writer that is abandoned half-way may still flush when it is collected.
        if self._sealed:
            raise ValueError(f"{self.path}: written to after it was sealed")
        with errors_of(self.path):
            for start in range(0, len(view), _PIECE):
                piece = view[start : start + _PIECE]
                self._hash.update(piece)
                while piece:
                    piece = piece[os.write(self._handle, piece) :]
        self.size += len(view)
        return len(view)

    def seal(self) -> None:
        """Make the bytes durable, still under the temporary name."""
        with errors_of(self.path):
            os.fsync(self._handle)
        self.close()

    def close(self) -> None:
        if not self._sealed:
            self._sealed = True
            os.close(self._handle)

    def commit(self) -> None:
        """Give a sealed file its name, in one step."""
        rename(self.draft, self.path)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there; never raises."""
        self._discarded = True
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            self.draft.unlink()


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Say what the system could not do something with, a file by the name that it is to have."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def temporary(path: Path) -> Path:
    """Return the hidden name beside `path` of what is removed where its writer was killed."""
    return path.with_name(f".{path.name}.tmp")


def unique(path: Path) -> Path:
    """Return another name beside `path`, that nobody else has."""
    return path.with_name(f"{path.name}.{secrets.token_hex(8)}")


def is_temporary(name: str) -> bool:
    """Tell whether a file name is one that `temporary` gives."""
    return name.startswith(".") and name.endswith(".tmp")


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with errors_of(path):
            os.fsync(handle)
    finally:
        os.close(handle)


def rename(draft: Path, path: Path) -> None:
    """Give a complete file its name, in one step."""
    with errors_of(path):
        draft.replace(path)


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
