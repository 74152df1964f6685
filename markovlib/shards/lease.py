"""Holding a folder in an object store, where no system drops the lock of a dead holder.

The holder writes an object that nobody else has written, and writes it again, with another number, every few seconds.
Whoever finds the object watches it: where it changes its holder lives; where it does not for a while it is taken over.
Two that take over at the same moment are told apart by reading again what was written.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from markovlib.shards.folder import ShardError

BEAT = 10.0
"""Seconds between two signs of life."""

PATIENCE = 3 * BEAT
"""Seconds without a sign of life after which a holder is taken for dead."""


class Objects(Protocol):
    """What a lease asks of the store."""

    def read(self, name: str) -> bytes: ...

    def create(self, name: str, data: bytes) -> bool: ...

    def write(self, name: str, data: bytes) -> None: ...

    def remove(self, names: Sequence[str]) -> None: ...


class Lease:
    """The right to write a folder, which lasts while its holder gives signs of life."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = name
        self._token = secrets.token_hex(8)
        self._beats = 0
        self._lost = False
        self._end = threading.Event()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Take the lease, keep it alive, and give it back; raises ShardError where another process has it."""
        self._take()
        thread = threading.Thread(target=self._beat, name="markovlib-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()
            with suppress(OSError):  # What is left is taken for dead after a while.
                if not self._lost and self._ours():
                    self._objects.remove([self._name])

    def check(self) -> None:
        """Raise ShardError where the lease has been lost."""
        if self._lost:
            raise ShardError(f"{self._objects}: another process has taken over this folder")

    def _take(self) -> None:
        while not self._objects.create(self._name, self._sign()):
            self._watch()
        if not self._ours():
            raise self._busy()

    def _watch(self) -> None:
        """Wait for a sign of life, and remove what is left of a holder that gives none."""
        first = self._read()
        deadline = time.monotonic() + PATIENCE
        while first is not None and time.monotonic() < deadline:
            time.sleep(min(1.0, PATIENCE / 10))
            now = self._read()
            if now is not None and now != first:
                raise self._busy()
            first = now
        if first is not None and self._read() == first:
            self._objects.remove([self._name])

    def _beat(self) -> None:
        while not self._end.wait(BEAT):
            with suppress(OSError):  # The next beat tries again.
                if not self._ours():
                    self._lost = True
                    return
                self._objects.write(self._name, self._sign())

    def _sign(self) -> bytes:
        self._beats += 1
        return f"{self._token} {self._beats}\n".encode()

    def _read(self) -> bytes | None:
        try:
            return self._objects.read(self._name)
        except FileNotFoundError:
            return None

    def _ours(self) -> bool:
        return (self._read() or b"").startswith(self._token.encode())

    def _busy(self) -> ShardError:
        return ShardError(f"{self._objects}: another process is writing this folder")
