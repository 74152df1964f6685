"""Readers as workloads: examples of a folder of shards in random order, by markovlib and by Hugging Face `datasets`.

Every reader is asked for the same rows of the same folder, and its first answer is compared with what pyarrow reads of
the files.  Opening is not inside the clock, except where it is what is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contenders import Unable

import markovlib as mk
from markovlib.shards.generation import generate

BATCH, LENGTH = 256, 144
"""Examples at a time; and tokens of a padded row, which is what prompt and completion of paper/no-op have."""

TEXTS = ("prompt", "completion")


class Reader(NamedTuple):
    """`open(folder)` gives a source, which is not clocked; `read(source, indices)` is; `plain(answer)` are the rows.

    Rows are those of `expected_rows`, or of `expected_ids` where the workload is of padded arrays.
    """

    name: str
    about: str
    open: Callable[[Path], Any]
    read: Callable[[Any, Any], Any]
    plain: Callable[[Any], Any]


# ---- who reads ------------------------------------------------------------------------------------------------------


def _hugging_face(folder: Path) -> Any:
    """The folder as a memory-mapped data set of theirs, in the form for NumPy's and Python's own values."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import datasets
    except ImportError:
        raise Unable("is not installed") from None
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), split="train", cache_dir=str(folder.parent / "cache"))


def _of_lists(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["prompt"], row["completion"]) for row in rows]


def _of_batch(batch: Any) -> list[tuple[str, str]]:
    return list(zip(batch.prompt.tolist(), batch.completion.tolist(), strict=True))


def _hugging_face_texts(folder: Path) -> Any:
    return _hugging_face(folder).select_columns(list(TEXTS))


class _Buffers(NamedTuple):
    """A source, and the arrays that it fills again and again."""

    source: Any
    ids: Any
    loss_mask: Any

    @staticmethod
    def of(source: Any) -> _Buffers:
        return _Buffers(source, np.empty((BATCH, LENGTH), np.int64), np.empty((BATCH, LENGTH), np.uint8))


def _hugging_face_padded(into: _Buffers, indices: Any) -> Any:
    """Prompt and completion as bytes, put into rows of one length: the loop that one writes for it."""
    columns = into.source[indices]
    ids, loss_mask = into.ids, into.loss_mask
    ids[:], loss_mask[:] = 0, 0
    for row, (prompt, completion) in enumerate(zip(columns["prompt"], columns["completion"], strict=True)):
        text = (prompt + completion).encode()
        ids[row, : len(text)] = np.frombuffer(text, np.uint8)
        loss_mask[row, len(prompt.encode()) : len(text)] = 1
    return ids, loss_mask


def _padded(into: _Buffers, indices: Any) -> Any:
    made = into.source.padded(indices, LENGTH, ids=into.ids, loss_mask=into.loss_mask)
    return made.ids, made.loss_mask


def _made(folder: Path) -> Any:
    shards = mk.open(folder)
    return mk.Dataset(shards.recipe, shards.seed)


def _as_lists(read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Indices as a list of Python's integers, as samplers give them."""
    return lambda source, indices: read(source, indices.tolist())


_SHARDS, _DATASET, _THEIRS = "markovlib, shards", "markovlib, made again", "datasets"

ALL_COLUMNS = (
    Reader(_SHARDS, "`mk.open(DIR).batch(indices)` of a folder of Arrow IPC, as packed columns",
           mk.open, lambda source, indices: source.batch(indices), _of_batch),
    Reader(_DATASET, "`ds.batch(indices)` of the data set itself, one thread: nothing is read",
           _made, lambda source, indices: source.batch(indices, threads=1), _of_batch),
    Reader("markovlib, examples", "`mk.open(DIR).__getitems__(indices)`, a list of `Example`",
           mk.open, _as_lists(lambda source, indices: source.__getitems__(indices)),
           lambda rows: [(row.prompt, row.completion) for row in rows]),
    Reader(_THEIRS, "`datasets.load_dataset(DIR).__getitems__(indices)`, a list of dictionaries, memory-mapped",
           _hugging_face, _as_lists(lambda source, indices: source.__getitems__(indices)), _of_lists),
)  # fmt: skip

TWO_COLUMNS = (
    Reader(_SHARDS, "", mk.open, lambda source, indices: source.batch(indices, TEXTS), _of_batch),
    Reader(_DATASET, "", _made, lambda source, indices: source.batch(indices, TEXTS, threads=1), _of_batch),
    Reader(_THEIRS, "", _hugging_face_texts, _as_lists(lambda source, indices: source.__getitems__(indices)),
           _of_lists),
)  # fmt: skip

PADDED = (
    Reader(_SHARDS, "", lambda folder: _Buffers.of(mk.open(folder)), _padded, tuple),
    Reader(_DATASET, "", lambda folder: _Buffers.of(_made(folder)), _padded, tuple),
    Reader(_THEIRS, "", lambda folder: _Buffers.of(_hugging_face_texts(folder)), _hugging_face_padded, tuple),
)

OPENED = (
    Reader(_SHARDS, "", lambda folder: folder, lambda folder, indices: mk.open(folder).batch(indices), _of_batch),
)


# ---- what is read ---------------------------------------------------------------------------------------------------


def _table(folder: Path) -> Any:
    import pyarrow as pa

    files = sorted((folder / "train").glob("*.arrow"))
    return pa.concat_tables([pa.ipc.open_file(pa.memory_map(str(file))).read_all().select(TEXTS) for file in files])


def expected_rows(folder: Path, indices: Any) -> list[tuple[str, str]]:
    return [tuple(row.values()) for row in _table(folder).take(indices).to_pylist()]


def expected_ids(folder: Path, indices: Any) -> tuple[Any, Any]:
    ids, mask = np.zeros((len(indices), LENGTH), np.int64), np.zeros((len(indices), LENGTH), np.uint8)
    for row, (prompt, completion) in enumerate(expected_rows(folder, indices)):
        for place, letter in enumerate((prompt + completion).encode()):
            ids[row, place], mask[row, place] = letter, place >= len(prompt)
    return ids, mask


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    return bool(found == expected)


class ReadingWorkload(NamedTuple):
    """`calls` batches of BATCH examples are one sample; `unit` examples are what a time is of.

    A folder of `size` examples has `shard_rows` of them in a shard.
    """

    name: str
    about: str
    size: int
    tiny: int
    shard_rows: int
    readers: tuple[Reader, ...]
    expected: Callable[[Path, Any], Any] = expected_rows
    calls: int = 40
    unit: int = BATCH

    def write(self, folder: Path, size: int) -> None:
        recipe = mk.Recipe.load("paper/no-op").replace(examples=size)
        generate(recipe, folder, seed=1, format="arrow", shard_rows=self.shard_rows)

    def check(self, reader: Reader, source: Any, folder: Path, size: int) -> None:
        """Raises AssertionError unless the reader sees the rows that are in the files."""
        indices = np.random.default_rng(1).integers(0, size, min(size, BATCH))
        if not _same(reader.plain(reader.read(source, indices)), self.expected(folder, indices)):
            raise AssertionError(f"{reader.name} reads other rows of {self.name}")

    def samples(self, size: int) -> Iterator[Any]:
        """Without end, lists of indices, which are drawn before the clock starts."""
        rng = np.random.default_rng(2)
        while True:
            yield [rng.integers(0, size, min(size, self.unit)) for _ in range(self.calls)]


_FOLDER = "1,000,000 examples of paper/no-op in 8 shards of Arrow IPC; 256 indices at a time, uniform; "

READING_WORKLOADS = (
    ReadingWorkload("random batches, all columns", _FOLDER + "all 12 columns.", 1_000_000, 3000, 1 << 17, ALL_COLUMNS),
    ReadingWorkload("random batches, two columns", _FOLDER + "prompt and completion.", 1_000_000, 3000, 1 << 17,
                    TWO_COLUMNS),
    ReadingWorkload("random batches, padded", _FOLDER + "their bytes as int64 in rows of 144, and the loss mask.",
                    1_000_000, 3000, 1 << 17, PADDED, expected_ids),
    ReadingWorkload("opening 10,000 shards", "A folder of 10,000 shards is opened and its first example read.",
                    20_000, 60, 2, OPENED, calls=1, unit=1),
)  # fmt: skip


def folder_of(workload: ReadingWorkload, size: int, folders: Path) -> Path:
    """A folder for the workload, written unless it is there: several workloads are of one."""
    folder = folders / f"{size}-{workload.shard_rows}" / "data"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        workload.write(folder, size)
    return folder


def opened(workload: ReadingWorkload, size: int, folder: Path) -> Iterator[tuple[Reader, Any]]:
    """The readers that there are, each with its source, once it was seen to read right; the others are None."""
    for reader in workload.readers:
        try:
            source = reader.open(folder)
        except Unable as reason:
            yield reader, reason
            continue
        workload.check(reader, source, folder, size)
        yield reader, partial(reader.read, source)
