"""The record of an unfinished split: which shards are complete, so that a killed job goes on where it was.

A line is written, durably, before the shard that it describes appears under its name.  The journal is removed
once the split is in the manifest.  It is JSON lines: first what is being made, then a shard a line.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from markovlib.shards import folder, manifest
from markovlib.shards.folder import ShardError

NAME = ".unfinished.jsonl"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A complete shard, and the digests of the row blocks that start in it."""

    shard: manifest.Shard
    blocks: list[str]


class Journal:
    """The open journal of one split; its folder must be locked."""

    def __init__(self, directory: Path, plan: Mapping[str, Any]) -> None:
        """Open the journal of the split that `plan` describes, or start one.

        Raises `ShardError` where the split was started from another plan, saying what differs.
        """
        self._path = directory / NAME
        self.entries: dict[int, Entry] = {}
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        if lines:
            found = msgspec.json.decode(lines[0])
            changes = list(manifest.differences(manifest.plain(plan), found))
            if changes:
                what = "holds an unfinished split of another kind"
                raise ShardError(f"{directory}: {what}: {'; '.join(changes)}; give another folder")
        self._recover(lines[1:])
        kept = [msgspec.json.encode(entry) for entry in self.entries.values()]
        folder.write_whole(self._path, b"\n".join([msgspec.json.encode(plan), *kept, b""]))
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _recover(self, lines: list[bytes]) -> None:
        """Take every whole line; a kill in the middle of an append leaves at most one that is not."""
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError:
                continue
            self.entries[entry.shard.start] = entry

    def append(self, entry: Entry) -> None:
        """Record a shard whose bytes are durable and which is about to get its name."""
        line = msgspec.json.encode(entry) + b"\n"
        try:
            if os.write(self._handle, line) != len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(self._handle)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None
        self.entries[entry.shard.start] = entry

    def close(self) -> None:
        os.close(self._handle)


def remove(directory: Path) -> None:
    """Remove the journal of a split that is in the manifest, if it is still there."""
    (directory / NAME).unlink(missing_ok=True)
