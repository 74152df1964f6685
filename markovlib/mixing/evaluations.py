"""Evaluations: what rows are compared with, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from markovlib.mixing.files import locate, pinned
from markovlib.mixing.layouts import has_field, text_fields
from markovlib.mixing.recipe import Evaluation, Paths
from markovlib.mixing.rows import LONGEST_ROW, Row, SourceError, open_rows

_NAMES = ("task_id", "id", "name")


def read_evaluation(
    evaluation: Evaluation, moved: Mapping[str, Paths]
) -> tuple[Evaluation, Iterator[tuple[str, dict[str, str]]]]:
    """An evaluation with its files pinned, and its items: where each is, and its texts by field."""
    located = locate(evaluation.name, evaluation.files, moved.get(evaluation.name))
    pins = pinned(evaluation.name, located)
    fixed = msgspec.structs.replace(evaluation, files=pins)
    return fixed, _items([path for path, _ in located], evaluation.fields)


def _items(paths: Sequence[Path], fields: Sequence[str] | None) -> Iterator[tuple[str, dict[str, str]]]:
    for path in paths:
        if path.suffix == ".txt":
            yield from _paragraphs(path)
            continue
        rows = open_rows(path)
        for number, row in rows.read(None if fields is None else {*fields, *map(_column, fields), *_NAMES}):
            found = text_fields(row)
            if fields is not None:
                missing = [name for name in fields if not has_field(row, name)]
                if missing:
                    raise SourceError(f"{rows.where(number)}: has no field {min(missing)!r}, which is looked for")
                found = {path: text for path, text in found.items() if _is_in(path, fields)}
            yield _name_of(row, rows.where(number)), found


def _column(field: str) -> str:
    """The column that a dotted path begins with."""
    return field.partition(".")[0]


def _is_in(path: str, fields: Sequence[str]) -> bool:
    return any(path == field or path.startswith(f"{field}.") for field in fields)


def _name_of(row: Row, where: str) -> str:
    """What an item is called: by its own name, where it has one."""
    for name in _NAMES:
        if isinstance(row.get(name), str | int):
            return str(row[name])
    return Path(where).name


def _paragraphs(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The paragraphs of a text, each by the line that it begins in."""
    lines: list[str] = []
    number = start = 0
    with path.open(encoding="utf-8") as file:
        try:
            while line := file.readline(LONGEST_ROW):
                number += 1
                if not lines:
                    start = number
                if line.strip():
                    lines.append(line)
                elif lines:
                    yield f"{path.name}:{start}", {"text": "".join(lines)}
                    lines = []
        except UnicodeDecodeError:
            raise SourceError(f"{path}: is not UTF-8, behind line {number}") from None
    if lines:
        yield f"{path.name}:{start}", {"text": "".join(lines)}
