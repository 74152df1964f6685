"""Stands in for markovlib.recipe and markovlib.dataset: the same interface in plain Python, from hashes.

Tests of faults and of folders use it, since its rows cost nothing to change."""

import copy
import hashlib
import json
import os
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa

STREAM_VERSION = 1


def install(modules=sys.modules):
    """Make the imports of the library find this module."""
    modules["markovlib.recipe"] = modules["markovlib.dataset"] = sys.modules[__name__]


def stand_in(monkeypatch, block_rows=64):
    """Install this module for a test, with blocks so small that few rows have many."""
    from markovlib.shards import digest

    for name in ("markovlib.recipe", "markovlib.dataset"):
        monkeypatch.setitem(sys.modules, name, sys.modules[__name__])
    monkeypatch.setattr(digest, "BLOCK_ROWS", block_rows)


TEXTS = ("prompt", "completion", "word", "output", "pattern", "replacement")
TYPES = {"index": pa.int64(), **dict.fromkeys(TEXTS, pa.large_string()), "rule": pa.int32()}
TYPES |= {"position": pa.int64(), "no_op": pa.bool_(), "steps": pa.int64(), "outcome": pa.string()}
DEFAULT = {
    "examples": 1000,
    "instructions": 10,
    "rules": {"family": "uniform"},
    "words": {"no_op": 0.3},
    "task": {"kind": "rewrite"},
    "eval": {"examples": 50},
}


class RecipeError(ValueError):
    path = ""


class Recipe:
    task = SimpleNamespace(kind="run")

    def __init__(self, fields):
        self.fields = fields

    @classmethod
    def load(cls, name):
        if name == "paper/no-op":
            return cls(copy.deepcopy(DEFAULT))
        return cls.from_dict(tomllib.loads(Path(name).read_text()))

    @staticmethod
    def presets():
        return {"paper/no-op": "Rewriting with no-ops."}

    @classmethod
    def from_dict(cls, fields):
        for name in fields:
            if name not in DEFAULT:
                raise RecipeError(f"{name}: unknown field")
        return cls(copy.deepcopy(fields))

    def replace(self, changes=None, **more):
        fields = copy.deepcopy(self.fields)
        for path, value in {**(changes or {}), **more}.items():
            *tables, field = path.split(".")
            table = fields
            for name in tables:
                table = table.setdefault(name, {})
            table[field] = value
        return Recipe.from_dict(fields)

    @property
    def fingerprint(self):
        return hashlib.sha256(json.dumps(self.fields, sort_keys=True).encode()).hexdigest()

    @property
    def identity(self):
        fields = copy.deepcopy(self.fields)
        for table in (fields, fields.pop("eval", {})):
            table.pop("examples", None)
            table.pop("instructions", None)
        return json.dumps(fields, sort_keys=True)

    def to_dict(self):
        return copy.deepcopy(self.fields)

    def to_toml(self):
        lines, tables = [], []
        for name, value in self.fields.items():
            if isinstance(value, dict):
                tables += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in value.items())]
            else:
                lines.append(f"{name} = {json.dumps(value)}")
        return "\n".join([*lines, *tables, ""])


class Batch:
    def __init__(self, rows):
        self.rows = rows

    def to_arrow(self, columns=None):
        names = list(columns or TYPES)
        arrays = [pa.array([row[name] for row in self.rows], TYPES[name]) for name in names]
        return pa.RecordBatch.from_arrays(arrays, names=names)


class Dataset:
    columns = tuple(TYPES)
    text = True

    def __init__(self, recipe, seed=0, split="train"):
        self.recipe, self.seed, self.split = recipe, seed, split
        fields = recipe.to_dict()
        self.size = (fields if split == "train" else fields.get("eval", {})).get("examples")
        self.strata, self.rules_taken, self.spills = (), 0, []
        self.fingerprint = hashlib.sha256(f"{recipe.fingerprint}{seed}{split}".encode()).hexdigest()

    def batch(self, rows, columns=None, threads=None):  # noqa: ARG002
        time.sleep(float(os.environ.get("FAKE_DELAY", "0")))
        return Batch([self.row(i) for i in rows])

    def row(self, i):
        key = f"{self.recipe.identity} {self.seed} {self.split} {i}"
        bits = hashlib.sha256(key.encode()).digest()
        word = "".join("abcd"[b % 4] for b in bits[:20])
        pattern, replacement = "abcd"[bits[20] % 4] * 2, "xyé"[bits[21] % 3]
        position = word.find(pattern)
        output = word.replace(pattern, replacement, 1)
        return {
            "index": i,
            "prompt": f"{pattern}>{replacement}:{word}=",
            "completion": output,
            "word": word,
            "output": output,
            "pattern": pattern,
            "replacement": replacement,
            "rule": 0 if position >= 0 else -1,
            "position": position,
            "no_op": position < 0,
            "steps": int(position >= 0),
            "outcome": "no_rule_applies" if position < 0 else "terminal_rule",
        }
