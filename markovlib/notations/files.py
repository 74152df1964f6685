"""Rule files on disk: how large they may be, how they are encoded, and which notation they are in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal, TypeAlias, cast, overload

from markovlib.notations.reading import error_after, format, split_items
from markovlib.notations.registry import NOTATIONS, find_notation, marker_words, names, without_encoding, words_of
from markovlib.notations.source import BOM, BytesRule, Kind, NotationError, TextRule
from markovlib.rules import MAX_FILE_BYTES, Rule

RuleFile: TypeAlias = str | os.PathLike[str] | IO[bytes]
"""A rule file: its path, or a binary file that is open, such as `sys.stdin.buffer`."""


@overload
def load_rules(
    path: RuleFile,
    notation: str | None = None,
    kind: Literal["text"] = "text",
    max_bytes: int | None = MAX_FILE_BYTES,
) -> list[TextRule]: ...
@overload
def load_rules(
    path: RuleFile,
    notation: str | None = None,
    *,
    kind: Literal["bytes"],
    max_bytes: int | None = MAX_FILE_BYTES,
) -> list[BytesRule]: ...
@overload
def load_rules(
    path: RuleFile,
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = MAX_FILE_BYTES,
) -> list[TextRule] | list[BytesRule]: ...


def load_rules(
    path: RuleFile,
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = MAX_FILE_BYTES,
) -> list[TextRule] | list[BytesRule]:
    """Read a rule file, as `parse` reads its contents: that of a path, or a binary file that is open.

    The notation is `notation`, or else what the file itself says: its first line, such as `# notation: arrow`, or
    the ending of its name, such as `.markov` (arrow) or `.rosetta`.  `encoding=` after it states an encoding other
    than UTF-8 ("semicolon encoding=cp1251").  `kind` is "text" (UTF-8,
    giving `str`) or "bytes".  Files of more than `max_bytes` bytes (64 MiB; None: no limit) are refused.

    Raises NotationError for a mistake in the file, for bytes that are not UTF-8 where text is asked for, for
    a file that is too large, and where nothing says which notation it is in, or marker and ending disagree;
    ValueError for an unknown `notation` or `kind`; OSError as `open` does.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (path := Path(folder, "sort.markov")).write_text("ba -> ab\\n")
    ...     load_rules(path)
    [('ba', 'ab', False)]
    """
    return cast("list[TextRule]", [rule for _, rule in load_located(path, notation, kind, max_bytes)])


def load_located(
    path: RuleFile,
    notation: str | None = None,
    kind: Kind = "text",
    max_bytes: int | None = MAX_FILE_BYTES,
) -> list[tuple[int, TextRule]] | list[tuple[int, BytesRule]]:
    """As `load_rules`, each rule with the number of the line it begins on, counted from 1."""
    located, _ = read_located(path, notation, kind, max_bytes)
    return cast("list[tuple[int, TextRule]]", located)


def read_located(
    path: RuleFile, notation: str | None, kind: Kind, max_bytes: int | None
) -> tuple[list[tuple[int, TextRule | BytesRule]], list[str | bytes]]:
    """The rules of a file with their lines, and the input words that it names."""
    if kind not in ("text", "bytes"):
        raise ValueError(f"unknown kind {kind!r}: choose 'text' or 'bytes'")
    name = name_of(path)
    data = read_limited(path, max_bytes)
    stated = notation if notation is not None else stated_notation(name, data)
    chosen, encoding = without_encoding(stated)
    if kind == "bytes" and encoding == "utf-8":
        found, words = split_items(data, chosen, name)
        return list(found), list(words)
    text, named = split_items(decode(data, name, encoding), chosen, name)
    if kind == "text":
        return list(text), list(named)
    # A stated encoding is always read, so that letters are the same in both kinds.
    return [(n, (p.encode(), r.encode(), t)) for n, (p, r, t) in text], [word.encode() for word in named]


def save_rules(path: str | os.PathLike[str], rules: Iterable[Rule], notation: str | None = None) -> None:
    """Write rules so that `load_rules` reads them back, whole or not at all, over a file that may be there.

    The notation is `notation`, or else what the ending of the file's name says.  Raises ValueError for an ending that
    says another one or none, and as `format` does; OSError as `open` does.
    """
    from markovlib.files import save

    ending = _ending(os.fspath(path))
    if notation is None and ending is None:
        endings = " or ".join(f"*{known.suffix} ({name})" for name, known in NOTATIONS.items() if known.suffix)
        raise ValueError(f"{path}: nothing says which notation to write: name it {endings}, or give notation=")
    if notation is not None and ending not in (None, *words_of(notation)[:1]):
        raise ValueError(f"{path}: the file's ending says notation {ending!r}, not {notation!r}: change one")
    written = format([(rule.pattern, rule.replacement, rule.terminal) for rule in rules], notation or str(ending))
    save(path, written.encode() if isinstance(written, str) else written)


def _ending(path: str) -> str | None:
    """The notation that the ending of a file's name says."""
    return next((name for name, known in NOTATIONS.items() if known.suffix and path.endswith(known.suffix)), None)


def name_of(path: RuleFile) -> str:
    """What errors call a rule file: `<stdin>`, for one."""
    return os.fspath(path) if isinstance(path, str | os.PathLike) else str(getattr(path, "name", "<stream>"))


def read_limited(path: RuleFile, max_bytes: int | None) -> bytes:
    if not isinstance(path, str | os.PathLike):
        return _read_limited(path, 0, name_of(path), max_bytes)
    with Path(path).open("rb") as file:
        return _read_limited(file, os.fstat(file.fileno()).st_size, name_of(path), max_bytes)


def _read_limited(file: IO[bytes], size: int, name: str, max_bytes: int | None) -> bytes:
    """All of a file, of which at least `size` bytes are to be had: a pipe has no size before it is read."""
    if max_bytes is None:
        return file.read()
    data = file.read(max_bytes + 1) if size <= max_bytes else b""
    if size > max_bytes or len(data) > max_bytes:
        has = f"{size} bytes, " if size > max_bytes else ""
        raise NotationError(name, 1, 1, f"the file has {has}more than the limit of {max_bytes}: ", "max_bytes")
    return data


def decode(data: bytes, path: str, encoding: str = "utf-8") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        bad = f"byte 0x{data[error.start]:02x} is not {encoding.upper()}"
        before = data[: error.start].decode(encoding)
        if encoding != "utf-8":
            raise error_after(before, path, f"{bad}: state the encoding that the file has") from None
        raise error_after(before, path, f"{bad}: save the file as UTF-8, or ", "kind") from None


def stated_notation(path: str, data: bytes) -> str:
    """The notation that the file's first line or its name states, with its options."""
    first = data.partition(b"\n")[0].decode("utf-8", "replace").removeprefix(BOM).removesuffix("\r")
    marked = marker_words(first)
    ending = _ending(path)
    if marked:
        try:
            find_notation(without_encoding(" ".join(marked))[0])
        except ValueError as error:
            raise NotationError(path, 1, 1 + first.rindex(marked[0]), str(error)) from None
    if marked and ending and marked[0] != ending:
        message = f"the first line says notation {marked[0]!r}, the file's ending says {ending!r}: change one"
        raise NotationError(path, 1, 1, f"{message}, or ", "notation")
    if not marked and ending is None:
        endings = " or ".join(f"*{known.suffix} ({name})" for name, known in NOTATIONS.items() if known.suffix)
        named = "" if path.startswith("<") else f", name it {endings}"
        message = f"nothing says which notation this is: begin it with '# notation: NAME' (one of {', '.join(names())}"
        advice = f"`markovlib convert --detect` proposes one){named}, or "
        raise NotationError(path, 1, 1, f"{message}; {advice}", "notation")
    return " ".join(marked) if marked else str(ending)
