"""Data sets as workloads: `paper/no-op` in memory and on disk, by markovlib and by what one writes without it.

Every generator makes its own examples from its own randomness, so what is checked is what the data set promises: see
`check`.  Everything is inside the clock, the making of the rules too; on disk also the start of the
process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import plain
import plain_tasks

Rows = Iterator[Mapping[str, Any]]
"""Examples, each with at least `prompt` and `completion`; further columns are checked where they are there."""


class Generator(NamedTuple):
    """`run(examples, empty folder)` is what the clock covers; `rows(answer)` are the examples it made."""

    name: str
    about: str
    run: Callable[[int, Path], Any]
    rows: Callable[[Any], Rows]


def check(rows: Rows, count: int) -> None:
    """Raises AssertionError unless the rows are the data set that was asked for.

    They are `count` examples; each completion is its prompt's word with the leftmost occurrence replaced, by Python's
    own `str.replace`; exactly 3 in 10 words (rounded down) do not contain the pattern; each run of 1000 examples uses
    1000 patterns and 1000 replacements.
    """
    seen = no_ops = 0
    patterns: set[str] = set()
    replacements: set[str] = set()
    for index, row in enumerate(rows):
        if index % plain.RULES == 0:
            patterns, replacements = set(), set()
        pattern, rest = row["prompt"].split(">")
        replacement, word = rest.split(":")
        word = word.removesuffix("=")
        lengths = len(pattern), len(replacement), len(word)
        assert lengths == (plain.SIDE, plain.SIDE, plain.WORD), f"example {index}: lengths {lengths}"
        position = word.find(pattern)
        example = plain.PlainExample(pattern, replacement, word, word.replace(pattern, replacement, 1), position)
        expected = plain.row(index, example)
        for name, value in row.items():
            assert value == expected[name], f"example {index}: {name} is {value!r}, not {expected[name]!r}"
        assert pattern not in patterns, f"example {index}: the pattern was used in this run"
        assert replacement not in replacements, f"example {index}: the replacement was used in this run"
        patterns.add(pattern)
        replacements.add(replacement)
        seen, no_ops = seen + 1, no_ops + (position < 0)
    assert seen == count, f"{seen} examples, not {count}"
    assert no_ops == count * plain.NO_OPS[0] // plain.NO_OPS[1], f"{no_ops} no-ops in {count}"


def check_rewrites(rows: Rows, count: int) -> None:
    """Raises AssertionError unless there are `count` examples, each one step of its four rules, a quarter no-ops."""
    seen = no_ops = 0
    for index, row in enumerate(rows):
        rules, word = _read_rules(row["prompt"], "Output:")
        i = plain_tasks.fired(rules, word)
        expected = word if i < 0 else word.replace(*rules[i], 1)
        assert row["completion"] == f" {expected}", f"example {index}: {row['completion']!r}, not {expected!r}"
        assert (len(rules), len(word)) == (4, 64), f"example {index}: {row['prompt']!r}"
        seen, no_ops = seen + 1, no_ops + (i < 0)
    assert seen == count, f"{seen} examples, not {count}"
    assert abs(no_ops - count / 4) <= 1, f"{no_ops} no-ops in {count}"


def check_chance_traces(rows: Rows, count: int) -> None:
    """Raises AssertionError unless there are `count` examples, each a whole run of at most 12 steps."""
    _steps_taken(rows, count, 12)


def check_traces(rows: Rows, count: int) -> None:
    """Raises AssertionError unless there are `count` examples, each a whole run, of 1 to 8 steps as many of each."""
    taken = _steps_taken(rows, count, 8)
    turns = 1 + count // 65_536  # in each of which one number may come once more than another
    assert len(taken) == 8, f"{sorted(taken)} steps"
    assert max(taken.values()) - min(taken.values()) <= turns, f"{taken}"


def _steps_taken(rows: Rows, count: int, most: int) -> Counter[int]:
    """How often each number of steps is taken, but for none, by runs that are checked."""
    taken: Counter[int] = Counter()
    for index, row in enumerate(rows):
        rules, word = _read_rules(row["prompt"], "Steps:\n")
        steps = plain_tasks.run(rules, word, most)
        assert steps is not None, f"example {index}: more than {most} steps"
        expected = "\n".join(steps or [word])
        assert row["completion"] == expected, f"example {index}: {row['completion']!r}, not {expected!r}"
        taken[len(steps)] += 1
    assert taken.total() == count, f"{taken.total()} examples, not {count}"
    no_ops = taken.pop(0)
    assert abs(no_ops - count / 10) <= 1, f"{no_ops} no-ops in {count}"
    return taken


def _read_rules(prompt: str, end: str) -> tuple[plain_tasks.Rules, str]:
    head, _, word = prompt.removesuffix(end).removesuffix("\n").rpartition("Input: ")
    lines = head.splitlines()[1:]
    return [(x, y) for x, _, y in (line.split(". ", 1)[1].partition(" -> ") for line in lines)], word


# ---- in memory ------------------------------------------------------------------------------------------------------


def _dataset(count: int, threads: int | None, preset: str = "paper/no-op", **changes: Any) -> list[Any]:
    import markovlib as mk

    data = mk.Dataset(mk.Recipe.load(preset).replace({"examples": count, **changes}), seed=1)
    return list(data.batches(2**16, threads=threads, columns=["prompt", "completion"]))


def _singles(count: int) -> tuple[list[Any], list[Any]]:
    """Examples one at a time, in a random order, prompt and completion read and kept."""
    import numpy as np

    import markovlib as mk

    data = mk.Dataset(mk.Recipe.load("paper/no-op").replace({"examples": count}), seed=1)
    prompts: list[Any] = [None] * count
    completions: list[Any] = [None] * count
    for i in np.random.default_rng(0).permutation(count).tolist():
        example = data[i]
        prompts[i], completions[i] = example.prompt, example.completion
    return prompts, completions


def _of_pairs(answer: list[Any]) -> Rows:
    for example in answer:
        yield {"prompt": example.prompt, "completion": example.completion}


def _of_batches(batches: list[Any]) -> Rows:
    for batch in batches:
        for prompt, completion in zip(batch.prompt, batch.completion, strict=True):
            yield {"prompt": prompt, "completion": completion}


def _of_lists(answer: tuple[list[str], list[str]]) -> Rows:
    for prompt, completion in zip(*answer, strict=True):
        yield {"prompt": prompt, "completion": completion}


def _of_matrices(answer: tuple[Any, Any]) -> Rows:
    for prompt, completion in zip(*answer, strict=True):
        yield {"prompt": prompt.tobytes().decode(), "completion": completion.tobytes().decode()}


IN_MEMORY = (
    Generator("markovlib, one thread", "`ds.batches(65536, threads=1)`, prompts and completions as packed columns",
              lambda count, _: _dataset(count, 1), _of_batches),
    Generator("markovlib, all threads", "the same, `threads=None`",
              lambda count, _: _dataset(count, None), _of_batches),
    Generator("markovlib, a rule an example", "the same on one thread without `instructions`: no rule is used twice",
              lambda count, _: _dataset(count, 1, instructions=None), _of_batches),
    Generator("markovlib, sampler exact", "the same on one thread with `words.sampler = \"exact\"`",
              lambda count, _: _dataset(count, 1, **{"words.sampler": "exact"}), _of_batches),
    Generator("markovlib, ds[i]", "single examples in a random order, prompt and completion read",
              lambda count, _: _singles(count), _of_lists),
    Generator("NumPy", "the best we could write: fixed lengths, 4096 rows at a time, results as matrices of bytes",
              lambda count, _: plain.numpy_texts(count, 1), _of_matrices),
    Generator("plain Python, pooled", "as below, with letters taken from pages of `randbytes`",
              lambda count, _: plain.plain_texts(count, 1, plain.pooled_letters), _of_lists),
    Generator("plain Python", "`random.Random` and `choices`, `str.replace`, lists of str",
              lambda count, _: plain.plain_texts(count, 1), _of_lists),
)  # fmt: skip


FIRST_REWRITE = (
    Generator("markovlib, first-rewrite", "`ds.batches(65536, threads=1)` of the preset, every example its own rules",
              lambda count, _: _dataset(count, 1, "first-rewrite"), _of_batches),
    Generator("plain Python, rejection", "`random.Random`; words are drawn until the chosen rule fires",
              lambda count, _: list(plain_tasks.first_rewrite(count, 1)), _of_pairs),
)  # fmt: skip

TRACES = (
    Generator("markovlib, trace", "`ds.batches(65536, threads=1)` of the preset, rule sets proved to terminate",
              lambda count, _: _dataset(count, 1, "trace"), _of_batches),
    Generator("plain Python, runs", "`random.Random`, `in` and `str.replace`, nothing proved",
              lambda count, _: list(plain_tasks.traces(count, 1)), _of_pairs),
)  # fmt: skip

BY_CHANCE = {
    "task.step_counts": None, "task.steps": [1, 12], "task.max_length": 64, "words.length": [12, 24], "shifts": {},
}  # fmt: skip

CHANCE_TRACES = (
    Generator("markovlib, trace", TRACES[0].about,
              lambda count, _: _dataset(count, 1, "trace", **BY_CHANCE), _of_batches),
    Generator("plain Python, runs", TRACES[1].about,
              lambda count, _: list(plain_tasks.chance_traces(count, 1)), _of_pairs),
)  # fmt: skip


# ---- on disk --------------------------------------------------------------------------------------------------------

_COMMAND = "import sys; from markovlib.cli import main; sys.exit(main())"


def _generate(count: int, folder: Path, form: str) -> Path:
    command = [sys.executable, "-c", _COMMAND, "generate", "paper/no-op", "--examples", str(count)]
    subprocess.run([*command, "--out", folder / "data", "--format", form], check=True, capture_output=True)
    return folder


def _write_jsonl(count: int, folder: Path) -> Path:
    subprocess.run([sys.executable, plain.__file__, str(count), "1", folder / "data.jsonl"], check=True)
    return folder


def _of_jsonl(folder: Path) -> Rows:
    with (folder / "data.jsonl").open(encoding="ascii") as file:
        for line in file:
            yield json.loads(line)


def _of_parquet(folder: Path) -> Rows:
    import pyarrow.parquet

    for path in sorted(folder.rglob("*.parquet")):
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()


def _of_arrow(folder: Path) -> Rows:
    import pyarrow

    for path in sorted(folder.rglob("*.arrow")):
        with pyarrow.OSFile(str(path)) as file, pyarrow.ipc.open_file(file) as reader:
            for i in range(reader.num_record_batches):
                yield from reader.get_batch(i).to_pylist()


ON_DISK = (
    Generator("markovlib, Parquet", "`markovlib generate paper/no-op --format parquet`",
              lambda count, folder: _generate(count, folder, "parquet"), _of_parquet),
    Generator("markovlib, Arrow IPC", "`markovlib generate paper/no-op --format arrow`",
              lambda count, folder: _generate(count, folder, "arrow"), _of_arrow),
    Generator("plain Python, JSONL", "plain Python, `json.dumps` of the same columns (benchmarks/plain.py)",
              _write_jsonl, _of_jsonl),
)  # fmt: skip


class DataWorkload(NamedTuple):
    name: str
    about: str
    size: int
    tiny: int
    generators: tuple[Generator, ...]
    check: Callable[[Rows, int], None] = check


DATA_WORKLOADS = (
    DataWorkload(
        "paper/no-op in memory",
        "400,000 examples of the preset paper/no-op: 1,000 rules of 20 letters to 20, words of 50, exactly 3 in 10"
        " without the pattern; prompts and completions.",
        400_000,
        3000,
        IN_MEMORY,
    ),
    DataWorkload(
        "first-rewrite in memory",
        "20,000 examples of the preset first-rewrite: four ordered rules of three letters each, words of 64 letters, a "
        "quarter of them no-ops; prompts and completions.",
        20_000,
        2000,
        FIRST_REWRITE,
        check_rewrites,
    ),
    DataWorkload(
        "trace in memory",
        "200,000 examples of the preset trace: 10,000 sets of four rules over sixteen letters, words of 16 to 48 "
        "letters, runs of 1 to 8 steps, as many of each, one word in ten a no-op; prompts, and every intermediate word "
        "as completion.",
        200_000,
        2000,
        TRACES,
        check_traces,
    ),
    DataWorkload(
        "trace by chance in memory",
        "The same with words of 12 to 24 letters and runs of 1 to 12 steps, whichever come.",
        200_000,
        2000,
        CHANCE_TRACES,
        check_chance_traces,
    ),
    DataWorkload(
        "paper/no-op on disk",
        "300,000 examples of the same with all columns, as files, by a process of its own, start-up included, all "
        "threads.",
        300_000,
        3000,
        ON_DISK,
    ),
)
