"""Small files of instructions, made up, for the tests of mixtures."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from markovlib import MixtureRecipe

VOCABULARY = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "st")]


def sentence(words: int, *key: Any) -> str:
    """Words that depend on the key alone."""
    chosen = random.Random(repr(key)).choices(VOCABULARY, k=words)
    return " ".join(chosen).capitalize() + "."


def oss(rows: int, start: int = 0) -> list[dict[str, Any]]:
    numbers = range(start, start + rows)
    return [
        {"lang": "python", "index": i, "problem": sentence(30, "p", i), "solution": sentence(25, "s", i)}
        for i in numbers
    ]


def alpaca(rows: int, start: int = 0) -> list[dict[str, Any]]:
    numbers = range(start, start + rows)
    return [
        {"instruction": sentence(12, "i", i), "input": sentence(6, "n", i) if i % 2 else "", "output": sentence(9, i)}
        for i in numbers
    ]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def write_json(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps(rows, indent=1), "utf-8")
    return str(path)


def two_sources(folder: Path, **changes: Any) -> MixtureRecipe:
    """400 examples, three quarters of 500 problems and a quarter of 200 instructions."""
    fields = {
        "examples": 400,
        "sources": [
            {"name": "oss", "files": write_jsonl(folder / "oss.jsonl", oss(500)), "ratio": 3},
            {"name": "alpaca", "files": write_json(folder / "alpaca.json", alpaca(200)), "ratio": 1},
        ],
    }
    return MixtureRecipe.from_dict({**fields, **changes})
