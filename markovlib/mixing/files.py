"""Where the files of sources and evaluations are, and what they hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markovlib.mixing.recipe import Paths, Pinned
from markovlib.mixing.rows import SourceError
from markovlib.wording import counted

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather")


def locate(name: str, files: Any, moved: Paths | None) -> list[tuple[Path, Pinned | None]]:
    """The files of a source or an evaluation, in order, each with what it must be.

    Names may hold `*`; a folder stands for the files of rows in it.
    """
    for one in (*_listed(files), *_listed(moved)):
        if isinstance(one, str) and "://" in one:
            raise SourceError(f"{one}: is a URL, and the files of a mixture are on a disk; copy it there first")
    listed = _listed(files)
    pins = [one for one in listed if isinstance(one, Pinned)]
    if not pins:
        given = listed if moved is None else _listed(moved)
        return [(path, None) for one in given for path in _expanded(Path(one))]
    paths = _moved(pins, moved)
    for path in paths:
        if not path.is_file():  # A device, say, has no end.
            raise missing(path, name)
    if len(paths) != len(pins):
        raise SourceError(f"{name!r} has {counted(len(pins), 'file')}, and {len(paths)} are given")
    return list(zip(paths, pins, strict=True))


def _listed(files: Any) -> list[Any]:
    return [] if files is None else [files] if isinstance(files, str | Path) else list(files)


def missing(path: Path, name: str) -> SourceError:
    """What to say where the files, or the folder, of a source are not where they are looked for."""
    return SourceError(f"{path}: is not here; say where the files of {name!r} are: --source {name}=PATH")


def _moved(pins: Sequence[Pinned], moved: Paths | None) -> list[Path]:
    """Where pinned files are: here, in the folder that is given, or each where it is said to be."""
    if moved is None:
        return [Path(pin.name) for pin in pins]
    given = [Path(one) for one in _listed(moved)]
    if len(given) == 1 and given[0].is_dir():
        return [given[0] / pin.name for pin in pins]
    return [found for one in given for found in _expanded(one)]


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if _is_rows(file))
        if not found:
            raise SourceError(f"{path}: has no files of rows ({', '.join(_SUFFIXES)})")
        return found
    stars = [i for i, part in enumerate(path.parts) if "*" in part]
    if stars and not path.exists():
        above, pattern = Path(*path.parts[: stars[0]]), "/".join(path.parts[stars[0] :])
        found = sorted(above.glob(pattern))
        if not found:
            raise SourceError(f"{path}: no file is named so")
        return found
    return [path]


def _is_rows(file: Path) -> bool:
    return file.is_file() and any(suffix in _SUFFIXES for suffix in file.suffixes) and not file.name.startswith(".")


def pinned(name: str, located: Sequence[tuple[Path, Pinned | None]]) -> list[Pinned]:
    """What each file holds.  Raises SourceError where that is not what it must be."""
    from markovlib.files import sha256_file

    above = Path(os.path.commonpath([path.absolute().parent for path, _ in located]))
    made = []
    for path, wanted in located:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path}: is not a file")
        size, digest = sha256_file(path)
        if wanted is not None and (size, digest) != (wanted.bytes, wanted.sha256):
            raise SourceError(
                f"{path}: is not the file that {name!r} was made from: its SHA-256 is {digest}, not {wanted.sha256}"
            )
        made.append(wanted or Pinned(path.absolute().relative_to(above).as_posix(), size, digest))
    return made


def stamp(path: Path) -> tuple[int, int, int]:
    """What is another once a file was written to or replaced."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
