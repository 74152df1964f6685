"""Logs of lines that survive their writer: in a file that grows, or, where files cannot, in pieces."""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from markovlib import files

SECONDS = 1.0
"""How often a log in pieces writes one, at most."""


class Log(Protocol):
    """Lines of bytes without line feeds, in order; one writer at a time."""

    def lines(self) -> Iterator[bytes]:
        """Yield the lines so far; the last may have been cut off by a crash."""

    def start(self, lines: Iterable[bytes]) -> None:
        """Begin the log with these lines, durably, instead of those that were in it."""

    def append(self, line: bytes) -> None:
        """Add a line, which is durable after `flush` at the latest."""

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def remove(self) -> None:
        """Remove the log, if it is still there."""


class FileLog:
    """A log in one file; every line is durable when `append` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")

    def start(self, lines: Iterable[bytes]) -> None:
        files.write_parts(self._path, (line + b"\n" for line in lines))
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def append(self, line: bytes) -> None:
        assert self._handle is not None, "the log has not been started"
        whole = line + b"\n"
        try:
            if os.write(self._handle, whole) != len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._handle)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def flush(self) -> None:
        """Do nothing: every line has been written."""

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        if self._path.exists():  # A read-only file system refuses to remove even what is not there.
            self._path.unlink(missing_ok=True)


class Pieces(Protocol):
    """What a log in pieces asks of the place where it is."""

    def entries(self, inside: str = "") -> dict[str, int | None]: ...

    def read_all(self, names: Sequence[str]) -> list[bytes]: ...

    def write(self, name: str, data: bytes) -> None: ...

    def remove(self, names: Sequence[str]) -> None: ...


class PieceLog:
    """A log in whole objects: `name`, then `name.000001` and so on, each with the lines of a second.

    Lines are written together where they come faster than every `seconds`; a crash loses those not yet written.
    """

    def __init__(
        self, place: Pieces, name: str, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._name = name
        self._seconds = SECONDS if seconds is None else seconds
        self._clock = clock
        self._last = -self._seconds
        self._number = 0
        self._waiting: list[bytes] = []

    def lines(self) -> Iterator[bytes]:
        for data in self._place.read_all(self._names()):
            yield from data.splitlines()

    def start(self, lines: Iterable[bytes]) -> None:
        old = self._names()
        self._place.write(self._name, b"\n".join([*lines, b""]))
        self._place.remove([name for name in old if name != self._name])

    def append(self, line: bytes) -> None:
        self._waiting.append(line)
        if self._clock() - self._last >= self._seconds:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        self._number += 1
        self._place.write(f"{self._name}.{self._number:06d}", b"\n".join([*self._waiting, b""]))
        self._waiting = []
        self._last = self._clock()

    def close(self) -> None:
        self.flush()

    def remove(self) -> None:
        """Remove the pieces and last the first, which says that there is a log."""
        names = self._names()
        self._place.remove(names[1:])
        self._place.remove(names[:1])

    def _names(self) -> list[str]:
        """Return the names of all pieces in order, the first first."""
        inside, slash, first = self._name.rpartition("/")
        found = [name for name in self._place.entries(inside) if name == first or name.startswith(f"{first}.")]
        return [f"{inside}{slash}{name}" for name in sorted(found, key=lambda name: (len(name), name))]
