"""The manifest of a folder: everything needed to make its shards again, and to check them.

It is JSON of one canonical form, and carries the SHA-256 of itself, so that a change of any byte shows.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from markovlib.labels import common_prefix
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.stores import Place, Store, open_store

NAME = "manifest.json"
KIND = "markovlib-shards"
VERSION = 2


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A file in the folder of a split, by name."""

    name: str
    bytes: int
    sha256: str


class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Rows `start` to `stop` of a split; of its files the first is the one that names it."""

    start: int
    stop: int
    files: list[File]

    @property
    def name(self) -> str:
        return self.files[0].name

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A finished split.

    `columns` are its rows' columns with their types, as `markovlib.shards.schema` describes them; `options` what its
    format was asked for; `sizes` the sizes in the recipe that it was made with, by dotted path; `counts`, of a mixture,
    the rows of its sources that were read, left out and used.
    """

    rows: int
    format: str
    options: dict[str, Any]
    columns: dict[str, Any]
    shard_rows: int
    sizes: dict[str, int]
    recipe_fingerprint: str
    fingerprint: str
    rows_digest: str
    shards: list[Shard]
    counts: dict[str, Any] = {}

    @property
    def bytes(self) -> int:
        return sum(shard.bytes for shard in self.shards)


class Companion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file beside the shards: the card or the recipe."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder of finished splits; `recipe` is the recipe without its sizes."""

    kind: str
    version: int
    markovlib: str
    pyarrow: str
    stream_version: int
    seed: int
    recipe: dict[str, Any]
    splits: dict[str, Split]
    files: dict[str, Companion]
    sha256: str = ""

    def with_files(self, files: dict[str, Companion]) -> "Manifest":
        """Return the manifest with the files beside the shards recorded."""
        return msgspec.structs.replace(self, files=files)

    def encode(self) -> bytes:
        """Return the file's bytes, with the checksum of the rest in `sha256`."""
        bare = _json(msgspec.structs.replace(self, sha256=""))
        return bare.removesuffix(_END) + hashlib.sha256(bare).hexdigest().encode() + _END


def load(folder: Place) -> Manifest:
    """Read and check the manifest of a folder: a path, a URL or an open store.

    Raises `FileNotFoundError` where there is none, and `ShardError` where the file is not a manifest of ours,
    is of a later version, `DamagedError` where it has been changed, or says what no writer of ours does.
    """
    store = open_store(folder)
    path = store.path(NAME)
    data = store.read(NAME)
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.ValidationError:
        raise ShardError(f"{path}: not a manifest of markovlib") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(f"{path}: not JSON: {error}") from None
    if head.kind != KIND:
        raise ShardError(f"{path}: not a manifest of markovlib")
    if head.version != VERSION:
        raise ShardError(f"{path}: version {head.version!r} of the manifest, this markovlib reads {VERSION}")
    if not _is_whole(data):
        raise DamagedError(f"{path}: damaged or edited: its checksum does not fit its content")
    try:
        made = msgspec.json.decode(data, type=Manifest)
        _check(made)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        raise DamagedError(f"{path}: {error}") from None
    return made


class _Head(msgspec.Struct, frozen=True):
    kind: Any = None
    version: Any = None


# Whoever wrote a manifest could write its checksum too: what follows keeps what it names inside of its folder.

_SPLIT = re.compile(r"\w+", re.ASCII)
_FILE = re.compile(r"(?!\.\.?\Z)[^/\\\0]+")


def is_split(name: str) -> bool:
    """Tell whether a split can have this name."""
    return _SPLIT.fullmatch(name) is not None


def is_file(name: str) -> bool:
    """Tell whether a file of a shard can have this name."""
    return _FILE.fullmatch(name) is not None


def _check(made: Manifest) -> None:
    """Raise `ValueError`, with the path of the field, where a manifest says what no writer of ours does."""
    if made.seed < 0:
        raise ValueError(f"seed: must be at least 0, got {made.seed}")
    if not made.splits:
        raise ValueError("splits: there is none")
    for name, split in made.splits.items():
        if not is_split(name):
            raise ValueError(f"splits: {name!r} is not the name of a split")
        _check_shards(name, split)
        _check_fields(f"splits.{name}", split)
    for name in made.files:
        inside, _, last = name.rpartition("/")
        if not is_file(last) or (inside != "" and inside not in made.splits) or name.startswith("/"):
            raise ValueError(f"files: {name!r} is not the name of a file beside the shards")


def _check_shards(name: str, split: Split) -> None:
    ends = [0, *(shard.stop for shard in split.shards)]
    starts = [*(shard.start for shard in split.shards), split.rows]
    if split.rows < 1 or ends != starts or any(shard.stop <= shard.start or not shard.files for shard in split.shards):
        raise ValueError(f"the shards of {name!r} do not cover its rows once each")
    for number, shard in enumerate(split.shards):
        for file in shard.files:
            if not is_file(file.name):
                path = f"splits.{name}.shards[{number}].files"
                raise ValueError(f"{path}: {file.name!r} is not the name of a file of a shard")


def _check_fields(path: str, split: Split) -> None:
    """Check what is free in form: a tokenizer is described, never named, and counts are those of sources."""
    tokenizer = split.options.get("tokenizer", {})
    if not isinstance(tokenizer, dict):
        raise ValueError(f"{path}.options.tokenizer: describes no tokenizer: {tokenizer!r}")
    sources = split.counts.get("sources") if split.counts else {}
    found = list(sources.values()) if isinstance(sources, dict) else [None]
    if not all(isinstance(counts, dict) and all(type(n) is int for n in counts.values()) for counts in found):
        raise ValueError(f"{path}.counts.sources: are not numbers of rows by source")


def load_if_any(folder: Place) -> Manifest | None:
    """Return the manifest of a folder, or None where it has none."""
    try:
        return load(folder)
    except FileNotFoundError:
        return None


def not_the_same(store: Store, name: str) -> str:
    """Return what is said of a file whose bytes, made again, are not those that the manifest has the checksum of."""
    return (
        f"{store.path(name)}: cannot be made again: what is made now has another size or checksum than the manifest "
        "says, as where another build of a library writes; the file was left as it is; "
        f"remove {store} and run the command again, or give another folder"
    )


def plain(value: Any) -> Any:
    """Return a recipe as JSON has it: tuples as lists, numbers and text as they are."""
    return msgspec.json.decode(msgspec.json.encode(value))


def compact(fields: Mapping[str, Any]) -> str:
    """Return a dictionary as one line of JSON."""
    return msgspec.json.encode(fields).decode()


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a phrase for each field in which nested dictionaries differ: `path is A there, B asked for`."""
    for field in sorted({*ours, *theirs}):
        here, there = ours.get(field), theirs.get(field)
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from differences(here, there, f"{path}{field}.")
        elif (pairs := _paired(here, there)) is not None:
            for i, (one, other) in enumerate(pairs):
                yield from differences(one, other, f"{path}{field}[{i}].")
        elif here != there:
            texts = (_text(there), _text(here))
            start = common_prefix(*texts)
            there_text, here_text = (_part(text, start) for text in texts)
            yield f"{path}{field} is {there_text} there, {here_text} asked for"


def _paired(ours: Any, theirs: Any) -> list[tuple[Any, Any]] | None:
    """The items of two lists of as many dictionaries."""
    if not isinstance(ours, list) or not isinstance(theirs, list) or len(ours) != len(theirs):
        return None
    return list(zip(ours, theirs, strict=True)) if all(isinstance(item, Mapping) for item in ours + theirs) else None


def _text(value: Any) -> str:
    return "not set" if value is None else msgspec.json.encode(value).decode()


_SHOWN = 200  # characters of a value, in which a rule file may stand


def _part(text: str, place: int) -> str:
    """Shorten a long text to what is around a place in it."""
    if len(text) <= _SHOWN:
        return text
    begin = max(0, min(place - _SHOWN // 4, len(text) - _SHOWN))
    end = begin + _SHOWN
    return f"{'...' if begin else ''}{text[begin:end]}{'...' if end < len(text) else ''}"


_EMPTY = b'\n      "shards": []'
_END = b'"\n}\n'


def _json(manifest: Manifest) -> bytes:
    """Return a manifest as JSON, indented by two, each shard on a line of its own."""
    splits = {name: msgspec.structs.replace(split, shards=[]) for name, split in manifest.splits.items()}
    bare = msgspec.structs.replace(manifest, splits=splits)
    text = msgspec.json.format(msgspec.json.encode(bare), indent=2) + b"\n"
    before, mark, rest = text.partition(b'\n  "splits": {')
    # So far to the right the fields of splits are, and what is in their fields is further to the right.
    first, *others = rest.split(_EMPTY)
    parts = [before, mark, first]
    for split, other in zip(manifest.splits.values(), others, strict=True):
        parts += [_lines(split.shards) if split.shards else _EMPTY, other]
    return b"".join(parts)


def _lines(shards: Sequence[Shard]) -> bytes:
    lines = msgspec.json.Encoder().encode_lines(shards).removesuffix(b"\n")
    return b'\n      "shards": [\n        ' + lines.replace(b"\n", b",\n        ") + b"\n      ]"


def _is_whole(data: bytes) -> bool:
    """Tell whether the checksum at the end of a manifest is that of the rest."""
    digits = len(data) - len(_END) - 64
    message = hashlib.sha256(memoryview(data)[: max(digits, 0)])
    message.update(_END)
    return data[digits:] == message.hexdigest().encode() + _END
