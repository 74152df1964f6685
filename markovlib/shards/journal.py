"""The record of an unfinished split: which shards are complete, so that a killed job goes on where it was.

On a disk a line is written, durably, before the shard that it describes appears under its name; in an object store it
is written once the shard is there.  The journal is removed once the split is in the manifest and on the card.  It is
JSON lines: first what is being made, then a shard a line.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from markovlib.shards import manifest
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.stores import Store

NAME = ".unfinished.jsonl"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A complete shard, the digests of the row blocks that start in it (32 bytes each, in order), and the store's tags
    of its files, if any."""

    shard: manifest.Shard
    blocks: bytes
    tags: list[str] = []


class Journal:
    """The open journal of one split; its folder must be held."""

    def __init__(self, store: Store, split: str, plan: Mapping[str, Any]) -> None:
        """Open the journal of the split that `plan` describes, or start one.

        Raises `ShardError` where the split was started from another plan, saying what differs, and `DamagedError` where
        what it was started from cannot be read.
        """
        self._log = store.log(f"{split}/{NAME}")
        self.entries: dict[int, Entry] = {}
        lines = self._log.lines()
        if head := next(lines, b""):
            found = _started_from(head, store.path(f"{split}/{NAME}"), store.path(split))
            changes = list(manifest.differences(manifest.plain(plan), found))
            if changes:
                what = "holds an unfinished split of another kind"
                raise ShardError(f"{store.path(split)}: {what}: {'; '.join(changes)}; give another folder")
        self._recover(lines)
        self._log.start(map(msgspec.json.encode, [plan, *self.entries.values()]))

    def _recover(self, lines: Iterable[bytes]) -> None:
        """Take every whole line; a kill in the middle of an append leaves at most one that is not.

        One that names files outside of the split is not ours, and its shard is made again.
        """
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError:
                continue
            if entry.shard.files and all(manifest.is_file(file.name) for file in entry.shard.files):
                self.entries[entry.shard.start] = entry

    def append(self, entry: Entry) -> None:
        """Record a shard whose bytes are durable and which is about to get its name, if it has none yet."""
        self._log.append(msgspec.json.encode(entry))
        self.entries[entry.shard.start] = entry

    def flush(self) -> None:
        """Make the record of all shards durable, where `append` alone does not."""
        self._log.flush()

    def close(self) -> None:
        self._log.close()


def _started_from(head: bytes, path: str, folder: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(head, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DamagedError(
            f"{path}: damaged: its first line does not say what is being made; remove {folder} to begin anew"
        ) from None


def is_there(store: Store, split: str) -> bool:
    """Tell whether a split has a journal."""
    try:
        return any(True for _ in store.log(f"{split}/{NAME}").lines())
    except NotADirectoryError:
        return False


def remove(store: Store, split: str) -> None:
    """Remove the journal of a split that is in the manifest, if it is still there."""
    store.log(f"{split}/{NAME}").remove()
