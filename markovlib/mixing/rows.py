"""Rows of other people's files, read once from front to back: JSON, JSON Lines, Parquet and Arrow, some compressed.

What a file is, its first bytes say, not its name.  Files are not trusted: nothing in them is run, and no more than one
row, or one batch of columns, is held at a time.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

#: A row may have this many bytes of JSON.
LONGEST_ROW = 1 << 26

_CHUNK = 1 << 18
_HEAD = 1 << 16
_ROWS_AT_ONCE = 1024
_SPACE = " \t\r\n"
_DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
"""What the compressions raise for a file that is not as it was written."""
_MEMBER = re.compile(r'\s*[{,]\s*"(?:[^"\\]|\\.)*"\s*:\s*(?=\S)', re.DOTALL)
"""What stands before the value of a member of an object."""
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number",
          bytes: "bytes", type(None): "null"}  # fmt: skip

Row = dict[str, Any]
_Check = Callable[[Any, list[str]], None]
"""What is asked of a schema and the names of the columns that are read."""


class SourceError(ValueError):
    """A source cannot be used; the message begins with the file, and the line or row, where there is one."""


def kind_of(value: Any) -> str:
    """What a value of a row is, in words.

    >>> kind_of([1]), kind_of(None)
    ('a list', 'null')
    """
    return _NAMES.get(type(value), type(value).__name__)


class Rows:
    """The rows of one file; `container` says in words what the file is."""

    container = ""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, fields: Collection[str] | None = None) -> Iterator[tuple[int, Row]]:
        """Each row with its number, of which `where` makes a place; other fields may be left out of columns."""
        raise NotImplementedError

    def first(self) -> tuple[int, Row] | None:
        """The first row with its number, of columns of one name the first; None where there are no rows."""
        return next(self.read(), None)

    def where(self, number: int) -> str:
        """The place of a row."""
        return f"{self.path}: row {number}"


def open_rows(path: Path) -> Rows:
    """The rows of a file.  Raises SourceError for a file that is none of these; FileNotFoundError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "rows.jsonl")
    ...     _ = file.write_text('{"a": 1}\\n\\n{"a": 2}\\n')
    ...     rows = open_rows(file)
    ...     rows.container, list(rows.read())
    ('JSON Lines', [(1, {'a': 1}), (3, {'a': 2})])
    """
    if not path.is_file():
        if path.exists():
            raise SourceError(f"{path}: is not a file")
        raise FileNotFoundError(2, "No such file", str(path))
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PAR1"):
        return _ParquetRows(path)
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return _ArrowRows(path, stream=not head.startswith(b"ARROW1"))
    return _json_rows(path, head)


# ---- bytes ----------------------------------------------------------------------------------------------------------


def _zstd(path: Path) -> BinaryIO:
    import pyarrow as pa

    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self._stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            data = self._stream.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    return io.BufferedReader(Stream(), _CHUNK)


_COMPRESSIONS: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.GzipFile),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ": ("xz", lzma.LZMAFile),
}


def open_bytes(path: Path, head: bytes) -> tuple[str, BinaryIO]:
    """The name of the compression, "" for none, and the bytes behind it; `head` is how the file begins."""
    for magic, (name, opened) in _COMPRESSIONS.items():
        if head.startswith(magic):
            return name, opened(path)
    return "", path.open("rb")


def _guarded(path: Path, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """Rows, with the failures of the libraries that read them as errors that name the file."""
    import pyarrow as pa

    try:
        yield from rows
    except SourceError:
        raise
    except (*_DAMAGED, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise SourceError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None


# ---- JSON -----------------------------------------------------------------------------------------------------------


def _json_rows(path: Path, head: bytes) -> Rows:
    compression, stream = open_bytes(path, head)
    with stream:
        try:
            start = stream.read(_HEAD)
        except _DAMAGED as error:
            raise SourceError(f"{path}: cannot be read as {compression}: {error}") from None
    shown = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not shown:
        raise SourceError(f"{path}: is empty")
    first = shown[:1]
    if first not in (b"[", b"{"):
        raise SourceError(f"{path}: begins with {shown[:12]!r}: it is neither JSON, JSON Lines, Parquet nor Arrow")
    keyed = _is_keyed(path, shown)
    if first == b"{" and not keyed and re.match(rb"\{[ \t\r]*\n", shown):
        raise SourceError(f"{path}: is an object that holds no rows by name; give the list")
    kinds = {b"[": "JSON, a list", b"{": "JSON, an object of rows" if keyed else "JSON Lines"}
    made: Rows = _JsonLines(path, head) if first == b"{" and not keyed else _JsonMembers(path, head, first == b"{")
    made.container = kinds[first] + (f", {compression}" if compression else "")
    return made


def _is_keyed(path: Path, start: bytes) -> bool:
    """Whether an object holds rows by name, as far as its start tells: its first two members are objects, and no other
    object follows it.  A file of lines says so by its own name."""
    if re.search(r"\.(jsonl|ndjson)\b", path.name):
        return False
    text = start.decode("utf-8", "replace")
    at = 0
    for _ in range(2):
        member = _MEMBER.match(text, at)
        if member is None:
            break
        if text[member.end()] != "{":
            return False
        at = _end_of_value(text, member.end())
        if at < 0:
            return True
    else:
        at = _end_of_value(text, 0)
        return at < 0 or not text[at:].lstrip().startswith("{")
    return at > 0 and not re.match(r"\s*\}\s*\{", text[at:])


def _end_of_value(text: str, at: int) -> int:
    """Where a JSON value ends; -1 where it does not end here."""
    try:
        return json.JSONDecoder().raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return -1


class _JsonLines(Rows):
    """An object a line; empty lines are passed over, and counted."""

    def __init__(self, path: Path, head: bytes) -> None:
        super().__init__(path)
        self._head = head

    def where(self, number: int) -> str:
        return f"{self.path}:{number}"

    def read(self, fields: Collection[str] | None = None) -> Iterator[tuple[int, Row]]:  # noqa: ARG002
        return _guarded(self.path, self._read())

    def _read(self) -> Iterator[tuple[int, Row]]:
        number = 0
        with open_bytes(self.path, self._head)[1] as stream:
            while line := stream.readline(LONGEST_ROW + 1):
                number += 1
                if len(line) > LONGEST_ROW:
                    raise SourceError(f"{self.where(number)}: is longer than {LONGEST_ROW:,} bytes")
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line.strip():
                    yield number, self._row(number, line)

    def _row(self, number: int, line: bytes) -> Row:
        where = self.where(number)
        try:
            value = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise SourceError(f"{where}: is not UTF-8 (byte {error.start} of the line)") from None
        except json.JSONDecodeError as error:
            raise SourceError(f"{where}: is not JSON: {error.msg} (column {error.colno})") from None
        except (RecursionError, ValueError) as error:
            raise SourceError(f"{where}: is not JSON that can be read: {str(error).splitlines()[0]}") from None
        return _object(where, value)


def _object(where: str, value: Any) -> Row:
    if not isinstance(value, dict):
        raise SourceError(f"{where}: holds {kind_of(value)}, not an object with named fields")
    return value


class _JsonMembers(Rows):
    """The members of one list, or of one object that holds rows by name; numbers are lines."""

    def __init__(self, path: Path, head: bytes, keyed: bool) -> None:
        super().__init__(path)
        self._head = head
        self._keyed = keyed

    def where(self, number: int) -> str:
        return f"{self.path}:{number}"

    def read(self, fields: Collection[str] | None = None) -> Iterator[tuple[int, Row]]:  # noqa: ARG002
        return _guarded(self.path, self._read())

    def _read(self) -> Iterator[tuple[int, Row]]:
        with open_bytes(self.path, self._head)[1] as stream:
            text = _JsonText(self.path, stream)
            text.take("{" if self._keyed else "[")
            closing = "}" if self._keyed else "]"
            if text.peek() == closing:
                return
            while True:
                if self._keyed:
                    text.value()
                    text.take(":")
                line, value = text.value()
                yield line, _object(self.where(line), value)
                if text.peek() != ",":
                    break
                text.take(",")
            text.take(closing)
            if text.peek():
                text.fail(f"something follows the last {closing!r}")


class _JsonText:
    """JSON text that is read value by value; the buffer holds one value, and what was read behind it."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._line, self._counted = 1, 0  # the line at a place of the buffer
        self._done = False

    def fail(self, problem: str, line: int | None = None) -> NoReturn:
        raise SourceError(f"{self._path}:{line or self._line_at(self._at)}: is not JSON: {problem}")

    def _line_at(self, at: int) -> int:
        return self._line + self._text.count("\n", self._counted, at)

    def peek(self) -> str:
        """The next character that is not space, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_CHUNK):
                return ""

    def take(self, character: str) -> None:
        found = self.peek()
        if found != character:
            self.fail(f"expected {character!r}, found {repr(found) if found else 'the end of the file'}")
        self._at += 1

    def value(self) -> tuple[int, Any]:
        """The line that a value begins in, and the value."""
        self.peek()
        self._line, self._counted = self._line_at(self._at), self._at
        size = _CHUNK
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except RecursionError:
                self.fail("it is nested too deeply")
            except json.JSONDecodeError as error:
                # Either the value is wrong or its end is not read yet: only more of it tells.
                line = self._line_at(error.pos)
                if len(self._text) - self._at > LONGEST_ROW or not self._more(size):
                    self.fail(error.msg, line)
                size *= 2
                continue
            except ValueError as error:
                self.fail(str(error).splitlines()[0])
            self._at = end
            return self._line, value

    def _more(self, size: int) -> bool:
        """Drops what was taken and reads on; False at the end."""
        if self._done:
            return False
        self._line, self._counted = self._line_at(self._at), 0
        chunk = self._stream.read(size)
        try:
            text = self._decode(chunk, not chunk)
        except UnicodeDecodeError:
            raise SourceError(f"{self._path}: is not UTF-8, some way behind line {self._line}") from None
        self._text = self._text[self._at :] + text
        self._at = 0
        self._done = not chunk
        return not self._done


# ---- columns --------------------------------------------------------------------------------------------------------


class _ColumnRows(Rows):
    """Rows of columns, of which those asked for are read."""

    def read(self, fields: Collection[str] | None = None) -> Iterator[tuple[int, Row]]:
        return _guarded(self.path, self._read(fields, self._single))

    def first(self) -> tuple[int, Row] | None:
        return next(_guarded(self.path, self._read(None, lambda _schema, _names: None)), None)

    def _read(self, fields: Collection[str] | None, check: _Check) -> Iterator[tuple[int, Row]]:
        raise NotImplementedError

    def _single(self, schema: Any, names: list[str]) -> None:
        for name in names:
            if schema.names.count(name) > 1:
                raise SourceError(f"{self.path}: has {schema.names.count(name)} columns of the name {name!r}")


class _ParquetRows(_ColumnRows):
    container = "Parquet"

    def _read(self, fields: Collection[str] | None, check: _Check) -> Iterator[tuple[int, Row]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            names = _chosen(file.schema_arrow, fields)
            check(file.schema_arrow, names)
            yield from _numbered(file.iter_batches(_ROWS_AT_ONCE, columns=names), names)


class _ArrowRows(_ColumnRows):
    """An IPC file, or a stream as Hugging Face `datasets` keeps them."""

    def __init__(self, path: Path, stream: bool) -> None:
        super().__init__(path)
        self.container = "Arrow IPC, a stream" if stream else "Arrow IPC"
        self._stream = stream

    def _read(self, fields: Collection[str] | None, check: _Check) -> Iterator[tuple[int, Row]]:
        import pyarrow as pa

        with pa.memory_map(str(self.path)) as file:
            if self._stream:
                with pa.ipc.open_stream(file) as batches:
                    names = _chosen(batches.schema, fields)
                    check(batches.schema, names)
                    yield from _numbered(batches, names)
                return
            with pa.ipc.open_file(file) as reader:
                names = _chosen(reader.schema, fields)
                check(reader.schema, names)
                yield from _numbered((reader.get_batch(i) for i in range(reader.num_record_batches)), names)


def _chosen(schema: Any, fields: Collection[str] | None) -> list[str]:
    """The columns that are read: those asked for, or all that hold texts, numbers, and lists and groups of such."""
    import pyarrow.types as kinds

    if fields is not None:
        return [name for name in dict.fromkeys(schema.names) if name in fields]
    plain = (
        kinds.is_string, kinds.is_large_string, kinds.is_string_view, kinds.is_dictionary, kinds.is_nested,
        kinds.is_integer, kinds.is_floating, kinds.is_boolean, kinds.is_null,
    )  # fmt: skip
    return list(dict.fromkeys(field.name for field in schema if any(is_kind(field.type) for is_kind in plain)))


def _numbered(batches: Any, names: list[str]) -> Iterator[tuple[int, Row]]:
    number = 0
    for batch in batches:
        places = [batch.schema.names.index(name) for name in names]
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            piece = batch.slice(start, _ROWS_AT_ONCE).select(places)
            piece.validate(full=True)
            for row in piece.to_pylist():
                yield number, row
                number += 1
