"""What a finished split has lost: files of shards that are missing or of another size, and missing files beside them.

Only names and sizes are looked at; `verify` finds what has changed inside of a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markovlib import files
from markovlib.shards import manifest
from markovlib.shards.folder import ShardError
from markovlib.shards.journal import Entry
from markovlib.shards.manifest import Manifest, Split
from markovlib.shards.stores import Store
from markovlib.shards.work import Lost


@dataclass(frozen=True)
class Damage:
    """What is to be made again of one split: shards by number, and files beside the shards with their bytes."""

    split: str
    shards: dict[int, Lost]
    beside: dict[str, bytes]

    @property
    def names(self) -> list[str]:
        """The names of all files in the folder."""
        inside = [f"{self.split}/{name}" for lost in self.shards.values() for name in lost.names]
        return [*self.beside, *inside]


class Shards:
    """What is known of lost shards, in the place of a journal: a kill leaves them as lost as they were, or whole."""

    def __init__(self, damage: Damage) -> None:
        self.entries = {lost.shard.start: lost for lost in damage.shards.values()}

    def append(self, entry: Entry) -> None:
        """Do nothing: the manifest has the shard."""

    def flush(self) -> None:
        """Do nothing."""


def find(store: Store, found: Manifest, name: str, make: Callable[[], Mapping[str, bytes]]) -> Damage:
    """Compare a finished split with what is there; `make` makes the files beside the shards, if one is missing.

    Raises `ShardError` where one of those is missing and its bytes are not those of the manifest.
    """
    inside = store.entries(name)
    there = {*store.entries(), *(f"{name}/{file}" for file in inside)}
    ours = [file for file in found.files if file.rpartition("/")[0] in ("", name)]
    missing = [file for file in ours if file not in there]
    made = make() if missing else {}
    beside = {file: made.get(file, b"") for file in missing}
    for file, data in beside.items():
        if files.sha256_bytes(data) != found.files[file].sha256:
            raise ShardError(manifest.not_the_same(store, file))
    return Damage(name, _shards(found.splits[name], inside), beside)


def _shards(split: Split, there: Mapping[str, int | None]) -> dict[int, Lost]:
    lost = {
        number: Lost(shard, [file.name for file in shard.files if there.get(file.name) != file.bytes])
        for number, shard in enumerate(split.shards)
    }
    return {number: shard for number, shard in lost.items() if shard.names}
