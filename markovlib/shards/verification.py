"""Checking a folder of shards: its files against the manifest, its rows against the examples made again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from threading import Lock

import msgspec
import pyarrow as pa

from markovlib import __version__, files
from markovlib.batch import processors
from markovlib.shards import finished, generation, journal, manifest, source
from markovlib.shards.digest import block_digest, in_blocks, rows_digest
from markovlib.shards.folder import DamagedError
from markovlib.shards.formats import Format, Reader
from markovlib.shards.generation import Progress
from markovlib.shards.manifest import Manifest, Shard, Split
from markovlib.shards.recheck import checker, shown
from markovlib.shards.stores import Place, Store, open_store

_MOST_KILLED = 4
WINDOWS = 64


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the file it is wrong in, relative to the folder."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


@dataclass
class Verified:
    """The answer of `verify`: how much was checked, and what is wrong.

    `checked` counts the rows that were made again and compared.  In a shard with a problem that is the rows up to the
    end of the piece that the problem is in, at most 65,536 further on.
    """

    rows: int = 0
    checked: int = 0
    shards: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    path: Place,
    *,
    sample: int | None = None,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    sources: source.Files | None = None,
) -> Verified:
    """Check a folder of shards: every byte against its checksum, and the rows by making them again.

    Every file's size and SHA-256 is compared with the manifest's, missing and extra files are reported, and
    the rows are compared, column by column, with the examples that the recorded recipe and seed give; apart
    from that, output and position are recomputed with Python's own `str.replace` and `str.find`.  `sample`
    limits the rows made again to about that many, spread evenly in at most 64 runs; checksums cover all
    bytes anyway.  Per shard the first problem is reported.

    The rows of a mixture are made again from its sources' files, which are looked for where `sources` says, by the
    sources' names, and else by their own names in the working folder; each must have the SHA-256 that is recorded.

    Raises `ShardError` where there is no manifest or not one of ours, ValueError where the examples cannot be made
    again by this version, and `SourceError` where a source is not at hand, or another.  Memory is bounded by `threads`
    blocks of 65,536 rows.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from markovlib import Recipe
    >>> from markovlib.shards.generation import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = generate(Recipe.load("paper/no-op").replace(examples=1000), Path(folder) / "data")
    ...     report = verify(Path(folder) / "data")
    >>> report.ok, report.checked
    (True, 1000)
    """
    root = open_store(path)
    if sample is not None and sample < 1:
        raise ValueError(f"the sample must be at least 1 row, got {sample}")
    workers = generation.thread_number(threads, processors())
    try:
        made = finished.load(root)
        layouts = {name: Format.of(split, root, root.path(manifest.NAME)) for name, split in made.splits.items()}
    except DamagedError as error:
        return Verified(problems=[Problem(manifest.NAME, str(error).removeprefix(f"{root.path(manifest.NAME)}: "))])
    report = Verified(problems=[*_companions(root, made), *_extra(root, made)])
    for name, layout in layouts.items():
        _Split(root, made, name, layout, sample, progress, sources).check(report, workers)
    return report


def _companions(root: Store, made: Manifest) -> Iterator[Problem]:
    """Compare the recipe and the card with the manifest, and with what it gives under this version."""
    expected = generation.companions(made) if made.markovlib == __version__ else {}
    for name, record in made.files.items():
        try:
            data = root.read(name)
        except FileNotFoundError:
            yield Problem(name, f"missing{_advice(made)}")
            continue
        except IsADirectoryError:
            yield Problem(name, "missing")
            continue
        if (len(data), files.sha256_bytes(data)) != (record.bytes, record.sha256):
            if data in (earlier.get(name) for earlier in _before(root, made)):
                continue
            yield Problem(name, f"its checksum is not the manifest's{_advice(made, name)}")
        elif expected.get(name, data) != data:
            yield Problem(name, "is not what the manifest's recipe gives")


def _before(root: Store, made: Manifest) -> Iterator[dict[str, bytes]]:
    """Yield the recipe and the card as they were before splits were added whose journals are still there.

    Where their writer was killed the rest may not be written yet; that the journals are there is a problem by itself.
    Of more journals than kills leave nothing is tried: there are as many states as sets of them.
    """
    added = [name for name in made.splits if journal.is_there(root, name)] if made.markovlib == __version__ else []
    if len(added) > _MOST_KILLED:
        return
    for number in range(1, len(added) + 1):
        for last in combinations(added, number):
            splits = {name: split for name, split in made.splits.items() if name not in last}
            if splits:
                yield generation.companions(msgspec.structs.replace(made, splits=splits))


def _extra(root: Store, made: Manifest) -> Iterator[Problem]:
    known = {manifest.NAME, *made.files, *made.splits}
    for name in sorted(root.entries()):
        if name not in known and (files.is_temporary(name) or not name.startswith(".")):
            yield Problem(name, "not in the manifest")


class _Split:
    """The check of one split."""

    def __init__(
        self,
        root: Store,
        made: Manifest,
        name: str,
        layout: Format,
        sample: int | None,
        progress: Callable[[Progress], None] | None,
        sources: source.Files | None,
    ) -> None:
        self._name = name
        self._made = made
        self._root = root
        self._split: Split = made.splits[name]
        self._format = layout
        self._columns = list(self._split.columns)
        self._data = source.recreate(made, name, sources)
        self._full = sample is None or sample >= self._split.rows
        self._runs = [range(self._split.rows)] if self._full else _spread(self._split.rows, sample or 0)
        self._progress = progress
        self._recheck = checker(made.recipe, name)
        self._checked = 0
        self._counting = Lock()

    def check(self, report: Verified, threads: int) -> None:
        split = self._split
        report.rows += split.rows
        report.shards += len(split.shards)
        report.bytes += split.bytes
        problems = [*self._listing(), *self._identity()]
        blocks: list[str] = []
        with ThreadPoolExecutor(threads, thread_name_prefix="markovlib-verify") as pool:
            for found, digests in pool.map(self._shard, split.shards):
                problems += found
                blocks += digests
        if self._full and not problems and rows_digest(split.rows, blocks) != split.rows_digest:
            problems.append(Problem(manifest.NAME, f"the digest of the rows of {self._name!r} is another"))
        report.checked += self._checked
        report.problems += problems

    def _listing(self) -> Iterator[Problem]:
        """Compare the names in the split's folder with the manifest."""
        listed = {file.name for shard in self._split.shards for file in shard.files}
        listed.update(self._format.index(self._split))
        for name in sorted(self._present() - listed):
            yield Problem(f"{self._name}/{name}", "not in the manifest")

    def _present(self) -> set[str]:
        try:
            return set(self._root.entries(self._name))
        except NotADirectoryError:
            return set()

    def _identity(self) -> Iterator[Problem]:
        split, data = self._split, self._data
        found = (data.size, data.fingerprint, data.recipe.fingerprint)
        if found != (split.rows, split.fingerprint, split.recipe_fingerprint):
            yield Problem(manifest.NAME, f"the recipe gives another size or fingerprint for {self._name!r}")
        counts = manifest.plain(getattr(data, "counts", {}))
        if changes := list(manifest.differences(split.counts, counts, "counts.")):
            yield Problem(manifest.NAME, f"{self._name}: {_counted(changes[0])}")

    def _shard(self, shard: Shard) -> tuple[list[Problem], list[str]]:
        """Check one shard: returns its problems and the digests of the blocks that start in it."""
        name, blocks = shard.name, list[str]()
        try:
            with self._root.fetched(self._name, [file.name for file in shard.files]) as directory:
                wrong = _wrong(directory, shard)
                problem, blocks = self._contents(directory, shard)
            if wrong:
                name = wrong[0]
                also = f", nor is that of {' and '.join(wrong[1:])}" if wrong[1:] else ""
                problem = f"its checksum is not the manifest's{also}; {problem or 'its rows are as they should be'}"
                problem += _advice(self._made, *wrong)
        except FileNotFoundError as error:
            name, problem = Path(error.filename).name, f"missing{_advice(self._made)}"
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        return [Problem(f"{self._name}/{name}", problem)] if problem else [], blocks

    def _contents(self, directory: Path, shard: Shard) -> tuple[str | None, list[str]]:
        """Return what is wrong with the rows, and the digests of their blocks."""
        try:
            with closing(self._format.reader(directory, shard)) as reader:
                if reader.rows != shard.stop - shard.start:
                    return f"holds {reader.rows} rows, not {shard.stop - shard.start}", []
                if reader.columns != self._format.held:
                    return f"its columns are {', '.join(reader.columns)}", []
                return self._rows(reader, shard)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            return f"cannot be read: {(str(error) or 'out of memory').splitlines()[0]}", []

    def _rows(self, reader: Reader, shard: Shard) -> tuple[str | None, list[str]]:
        """Compare the rows asked for with the examples made again."""
        blocks = []
        for piece, block in self._pieces(shard):
            owned = self._full and shard.start <= block.start
            asked = block if owned else piece
            expected = self._data.batch(asked, self._columns, threads=1).to_arrow(self._columns)
            if owned:
                blocks.append(block_digest(expected))
            found = reader.read(piece.start - shard.start, piece.stop - shard.start)
            problem = _first_difference(found, self._format.stored(expected.slice(0, len(piece))), piece.start)
            if problem is None:
                problem = self._recheck(found, piece.start)
            self._advance(len(piece))
            if problem is not None:
                return problem, []
        return None, blocks

    def _pieces(self, shard: Shard) -> Iterator[tuple[range, range]]:
        """Yield (piece, block): the rows of a shard that are to be checked, cut at the borders of blocks."""
        for run in self._runs:
            here = range(max(run.start, shard.start), min(run.stop, shard.stop))
            yield from in_blocks(here, self._split.rows)

    def _advance(self, rows: int) -> None:
        with self._counting:
            self._checked += rows
            if self._progress is not None:
                self._progress(Progress(self._name, self._checked, sum(map(len, self._runs))))


def _advice(made: Manifest, *wrong: str) -> str:
    """Return how files of these names, or one that is missing, can be had again, if this version makes the same."""
    if (made.markovlib, made.pyarrow) != (__version__, pa.__version__):
        return ""
    first = f"remove {'it' if len(wrong) == 1 else 'them'}, and " if wrong else ""
    return f"; {first}the command that wrote the folder makes {'them' if len(wrong) > 1 else 'it'} anew"


def _counted(difference: str) -> str:
    return difference.replace(" there, ", " by the sources, ").replace(" asked for", " in the manifest")


def _wrong(directory: Path, shard: Shard) -> list[str]:
    """Return the names of a shard's files that are not the manifest's."""
    sums = {file: files.sha256_file(directory / file.name) for file in shard.files}
    return [file.name for file, found in sums.items() if found != (file.bytes, file.sha256)]


def _spread(rows: int, sample: int) -> list[range]:
    """Return about `sample` rows of `rows`, in at most `WINDOWS` runs spread evenly from first to last."""
    count = min(WINDOWS, sample)
    length = sample // count
    gap = rows - length
    starts = [gap * number // max(1, count - 1) for number in range(count)]
    return [range(start, start + length) for start in starts]


def _first_difference(found: pa.RecordBatch, expected: pa.RecordBatch, start: int) -> str | None:
    """Return a phrase for the first row, and in it the first column, that is not as expected."""
    first: tuple[int, str] | None = None
    for name, have, want in zip(expected.schema.names, found.columns, expected.columns, strict=True):
        if have.type != want.type:
            return f"column {name!r} is of type {have.type}, not {want.type}"
        have.validate(full=True)
        if not have.equals(want):
            row = _first_unequal(have, want)
            if first is None or row < first[0]:
                first = row, name
    if first is None:
        return None
    row, name = first
    have, want = (shown(batch.column(name)[row].as_py()) for batch in (found, expected))
    return f"row {start + row}, column {name!r}: holds {have}, the recipe gives {want}"


def _first_unequal(have: pa.Array, want: pa.Array) -> int:
    """Return where two arrays of one length that differ first do so, by halving."""
    low, high = 0, len(have)
    while high - low > 1:
        middle = (low + high) // 2
        if have.slice(low, middle - low).equals(want.slice(low, middle - low)):
            low = middle
        else:
            high = middle
    return low
