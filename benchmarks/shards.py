"""Shards as workloads: `paper/no-op` generated and written in each format, by one thread, and what one has without.

`python benchmarks/shards.py` measures all of it and prints tables; `--examples N` changes the size.  A sample is a
process of its own, start-up included, unless it says otherwise; rows are read back and checked before anything is
timed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import plain
from figures import Record, Target, data_ratio
from generators import DataWorkload, Generator, Rows
from measure import FULL, QUICK, measure_data

ROOT = Path(__file__).resolve().parents[1]
SIZE = 1_000_000

_COMMAND = "import sys; from markovlib.cli import main; sys.exit(main())"
_TEXTS = "prompt,completion"


def _run(*arguments: Any) -> None:
    """Runs Python with compiled modules, as an installed package has them, whatever the environment says of that."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True, env=env)


def _generate(form: str, columns: str | None, count: int, folder: Path) -> Path:
    more = () if columns is None else ("--columns", columns)
    command = ("generate", "paper/no-op", "--examples", count, "--threads", 1, "--format", form, *more)
    _run("-c", _COMMAND, *command, "--out", folder / "data")
    return folder / "data"


def _plain(texts: bool, count: int, folder: Path) -> Path:
    _run(plain.__file__, count, 1, folder / "data.jsonl", *(["texts"] if texts else []))
    return folder / "data.jsonl"


def _of_shards(folder: Path) -> Rows:
    """What our readers find, tokens as the texts that they are of."""
    from markovlib.shards import manifest
    from markovlib.shards.formats import Format

    split = manifest.load(folder).splits["train"]
    layout = Format.of(split, folder)
    for shard in split.shards:
        with closing(layout.reader(folder / "train", shard)) as reader:
            for batch in reader.batches():
                for row in layout.shown(batch):
                    yield {name: row[name] for name in split.columns}


def _of_jsonl(path: Path) -> Rows:
    import json

    with path.open(encoding="ascii") as file:
        yield from map(json.loads, file)


def _ours(name: str, form: str, columns: str | None = None) -> Generator:
    asked = f" --columns {columns}" if columns else ""
    about = f"`markovlib generate paper/no-op --threads 1 --format {form}{asked}`"
    return Generator(name, about, partial(_generate, form, columns), _of_shards)


PLAIN = Generator("plain Python, JSONL", "`json.dumps` of the same columns (benchmarks/plain.py)",
                  partial(_plain, False), _of_jsonl)  # fmt: skip
PLAIN_TEXTS = Generator("plain Python, JSONL, texts", "`json.dumps` of prompts and completions",
                        partial(_plain, True), _of_jsonl)  # fmt: skip


# ---- MDSWriter -------------------------------------------------------------------------------------------------------

ENCODINGS = {
    "index": "int", "prompt": "str", "completion": "str", "word": "str", "output": "str", "pattern": "str",
    "replacement": "str", "rule": "int", "position": "int", "no_op": "uint8", "steps": "int", "outcome": "str",
}  # fmt: skip


def _streaming() -> Any:
    """The module streaming, or None; its import, of seconds, is nowhere on a clock."""
    sys.path.append(str(ROOT / "tests"))
    from foreign_readers import import_streaming, there

    return import_streaming() if there("streaming", "torch") else None


def _mds_of(rows: Iterator[dict[str, Any]], folder: Path) -> Path:
    import numpy as np

    with _streaming().MDSWriter(columns=ENCODINGS, out=str(folder / "mds"), hashes=["sha256"]) as writer:
        for row in rows:
            row["no_op"] = np.uint8(row["no_op"])
            writer.write(row)
    return folder / "mds"


def _plain_mds(count: int, folder: Path) -> Path:
    return _mds_of((plain.row(i, example) for i, example in enumerate(plain.plain_examples(count, 1))), folder)


def _of_mds(folder: Path) -> Rows:
    for row in _streaming().StreamingDataset(local=str(folder), shuffle=False, batch_size=1):
        yield {**row, "no_op": bool(row["no_op"])}


@lru_cache(maxsize=1)
def _ready(count: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """The data set's rows, as Arrow batches and as dictionaries."""
    import markovlib as mk

    data = mk.Dataset(mk.Recipe.load("paper/no-op").replace({"examples": count}), seed=1)
    batches = [batch.to_arrow() for batch in data.batches(2**16, threads=1)]
    return batches, [row for batch in batches for row in batch.to_pylist()]


def _write_ready(form: str, count: int, folder: Path) -> tuple[Any, Path, Any]:
    """Our writer of a format, with the rows at hand."""
    from markovlib.files import WholeFile
    from markovlib.shards.formats import Format
    from markovlib.shards.manifest import File, Shard

    batches, _ = _ready(count)
    layout = Format(form, batches[0].schema)
    files = [WholeFile(folder / f"part-00000{suffix}") for suffix in layout.suffixes]
    writer = layout.writer(files, "{}")
    for batch in batches:
        writer.write(batch)
    writer.close()
    for file in files:
        file.seal()
        file.commit()
    listed = [File(file.path.name, file.size, file.sha256) for file in files]
    return layout, folder, Shard(0, count, listed)


def _of_ready(answer: tuple[Any, Path, Any]) -> Rows:
    layout, folder, shard = answer
    with closing(layout.reader(folder, shard)) as reader:
        for batch in reader.batches():
            yield from batch.to_pylist()


PLAIN_MDS = Generator("plain Python, MDSWriter", "streaming's `MDSWriter` on the rows of benchmarks/plain.py, SHA-256; "
                      "in one process, its start-up left out", _plain_mds, _of_mds)  # fmt: skip
READY_MDS = (
    Generator("markovlib, MDS from batches", "our writer alone, rows as Arrow batches in memory",
              partial(_write_ready, "mds"), _of_ready),
    Generator("MDSWriter from dictionaries", "streaming's `MDSWriter` alone, rows as dictionaries in memory",
              lambda count, folder: _mds_of(map(dict, _ready(count)[1]), folder), _of_mds),
)  # fmt: skip


# ---- workloads and figures -------------------------------------------------------------------------------------------

SHARDS, MDS, WRITERS = "paper/no-op as shards", "paper/no-op as MDS", "paper/no-op, writers of MDS"
FULL_ROWS = (
    _ours("markovlib, Parquet", "parquet"),
    _ours("markovlib, Arrow IPC", "arrow"),
    _ours("markovlib, MDS", "mds"),
    _ours("markovlib, JSONL", "jsonl"),
    PLAIN,
)
TEXT_ROWS = (
    _ours("markovlib, Parquet, texts", "parquet", _TEXTS),
    _ours("markovlib, Arrow IPC, texts", "arrow", _TEXTS),
    _ours("markovlib, JSONL, texts", "jsonl", _TEXTS),
    _ours("markovlib, Megatron", "megatron"),
    _ours("markovlib, flat tokens", "tokens"),
    PLAIN_TEXTS,
)


def workloads(examples: int = SIZE) -> tuple[DataWorkload, ...]:
    """Every format; and against the writer of MDS, where streaming is installed, with fewer rows, since it is slow."""
    few = max(1, examples // 10)
    about = f"{examples:,} examples of the preset, generated and written by one thread: all columns, or texts alone."
    made = [DataWorkload(SHARDS, about, examples, 3000, (*FULL_ROWS, *TEXT_ROWS))]
    if _streaming() is not None:
        about = f"{few:,} examples with all columns, generated and written by one thread."
        made.append(DataWorkload(MDS, about, few, 3000, (FULL_ROWS[2], PLAIN_MDS)))
        about = f"{few:,} examples with all columns, which are at hand, written as one MDS shard."
        made.append(DataWorkload(WRITERS, about, few, 3000, READY_MDS))
    return tuple(made)


def _of(name: str, base: str, workload: str = SHARDS) -> Any:
    return partial(data_ratio, workload, name, base, "best")


SHARD_TARGETS = (
    Target("plain Python, JSONL / markovlib, Arrow IPC", 10, None, True, _of(PLAIN.name, "markovlib, Arrow IPC")),
    Target("plain Python, JSONL / markovlib, Parquet", 6, None, True, _of(PLAIN.name, "markovlib, Parquet")),
    Target("plain Python, JSONL, texts / markovlib, Megatron", 8, None, True,
           _of(PLAIN_TEXTS.name, "markovlib, Megatron")),
    Target("plain Python, MDSWriter / markovlib, MDS", 8, None, True, _of(PLAIN_MDS.name, "markovlib, MDS", MDS)),
    Target("writers alone, MDSWriter / markovlib", 8, None, True, _of(READY_MDS[1].name, READY_MDS[0].name, WRITERS)),
    *(Target(f"all columns / --columns {_TEXTS}, {form}", 2, None, True,
             _of(f"markovlib, {form}", f"markovlib, {form}, texts")) for form in ("Parquet", "Arrow IPC", "JSONL")),
)  # fmt: skip


def main() -> None:
    import tables

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=SIZE)
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    chosen = parser.parse_args()
    record: Record = {"data": []}
    for workload in workloads(chosen.examples):
        print(f"{workload.name} ...", file=sys.stderr, flush=True)
        record["data"].append(measure_data(workload, workload.size, QUICK if chosen.quick else FULL))
        print(tables.data_table(record["data"][-1]), flush=True)
    print(tables.target_table(record, SHARD_TARGETS))


if __name__ == "__main__":
    main()
