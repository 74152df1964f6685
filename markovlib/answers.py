"""Files of answers: JSON lines or plain lines, an answer for each row of a split."""

from __future__ import annotations

import json
from base64 import b64decode
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from markovlib.equality import same_fields
from markovlib.scoring import letters_of

_KEYS = ("answer", "completion", "answer_base64")


class AnswersError(ValueError):
    """A file of answers that cannot be used; the message begins with file:line."""


@dataclass(eq=False)
class Answers:
    """Answers as they were read: `indices` (int64) and `answers` by row, in order; how many rows had none (`missing`),
    and how many answers had no row (`surplus`).  Two are equal if all of these are."""

    indices: NDArray[np.int64]
    answers: list[Any]
    missing: int = 0
    surplus: int = 0

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other) if isinstance(other, Answers) else NotImplemented


def read_answers(
    source: Path | BinaryIO,
    rows: int,
    *,
    text: bool = True,
    name: str | None = None,
    jsonl: bool | None = None,
    partial: bool = False,
) -> Answers:
    """Reads answers to a data set of `rows` examples from a file.

    With `jsonl` (by default where the name ends in .jsonl, .ndjson or .json) each line is JSON: an object with
    `index`, and `answer` or `completion` (text or chat messages) or `answer_base64`; or objects without `index`, or
    plain strings, in the order of the rows.  Otherwise each line is an answer, in the order of the rows, and bytes
    where `text` is false; a last line end ends the last line.  A byte order mark before text is passed over.
    `partial` allows rows without an answer, and leaves out answers without a row.

    Raises AnswersError, a ValueError whose message begins with `file:line:`, for a line that is not an answer, an
    index twice, below 0 or outside the data set, and missing or surplus answers.  Memory: that of the answers.
    """
    name = str(source) if name is None and isinstance(source, Path) else name or "standard input"
    if jsonl is None:
        jsonl = name.endswith((".jsonl", ".ndjson", ".json"))
    data = source.read_bytes() if isinstance(source, Path) else source.read()
    if jsonl or text:
        data = data.removeprefix(BOM_UTF8)
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    reading = _Reading(name, rows, partial)
    for number, line in enumerate(lines, 1):
        if not jsonl and not text:
            reading.add(number, None, line)
            continue
        letters = reading.decode(number, line.removesuffix(b"\r"))
        if not jsonl:
            reading.add(number, None, letters)
        elif letters.strip():
            reading.add(number, *reading.parse(number, letters))
    return reading.finish(len(lines))


class _Reading:
    def __init__(self, name: str, rows: int, partial: bool) -> None:
        self.name = name
        self.rows = rows
        self.partial = partial
        self.found: dict[int, tuple[int, Any]] = {}
        self.indexed: bool | None = None
        self.next = 0
        self.surplus = 0

    def error(self, line: int, problem: str) -> AnswersError:
        return AnswersError(f"{self.name}:{line}: {problem}")

    def decode(self, number: int, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} is not UTF-8; write such answers as answer_base64 in JSONL"
            raise self.error(number, problem) from None

    def parse(self, number: int, text: str) -> tuple[int | None, Any]:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise self.error(number, f"is not JSON: {error.msg} at column {error.colno}") from None
        except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of brackets
            raise self.error(number, "has a number of too many digits, or too many brackets in one another") from None
        if isinstance(value, str):
            return None, value
        keys = [key for key in _KEYS if isinstance(value, dict) and key in value]
        if len(keys) > 1:
            raise self.error(number, f"has both {keys[0]!r} and {keys[1]!r}: which is the answer? Leave one out")
        if not keys:
            raise self.error(number, "expected a string, or an object with 'answer' or 'completion' (and 'index')")
        index, answer = value.get("index"), value[keys[0]]
        if index is not None and (not isinstance(index, int) or isinstance(index, bool) or index < 0):
            raise self.error(number, f"'index' must be a whole number from 0 on, got {json.dumps(index)}")
        try:
            if keys[0] == "answer_base64":
                return index, b64decode(answer, validate=True)
            letters_of(answer, "", False)
        except (TypeError, ValueError):
            kinds = "text of base64" if keys[0] == "answer_base64" else "text or chat messages"
            raise self.error(number, f"{keys[0]!r} must be {kinds}") from None
        return index, answer

    def add(self, number: int, index: int | None, answer: Any) -> None:
        if self.indexed is None:
            self.indexed = index is not None
        if self.indexed != (index is not None):
            raise self.error(number, "has an 'index' and lines before have none" if index is not None
                             else "has no 'index' and lines before have one")  # fmt: skip
        if index is None:
            index = self.next
            self.next += 1
        if index >= self.rows:
            if not self.partial:
                what = f"index {index} is" if self.indexed else f"answer number {index + 1} is"
                raise self.error(number, f"{what} beyond the {self.rows} rows of the split; --partial leaves it out")
            self.surplus += 1
        elif index in self.found:
            raise self.error(number, f"index {index} was answered before, on line {self.found[index][0]}")
        else:
            self.found[index] = number, answer

    def finish(self, lines: int) -> Answers:
        missing = self.rows - len(self.found)
        if missing and not self.partial:
            first = next(index for index in range(self.rows) if index not in self.found)
            raise self.error(lines, f"the file ends and {missing} of {self.rows} rows have no answer, "
                             f"row {first} first; --partial scores the others")  # fmt: skip
        if not self.found:
            raise self.error(max(1, lines), "there is no answer to a row of the split")
        order = sorted(self.found)
        return Answers(np.array(order, np.int64), [self.found[i][1] for i in order], missing, self.surplus)
