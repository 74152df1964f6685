"""The paper's task without markovlib: the plain Python generator, and the best that NumPy does.

Both keep the promises of the preset paper/no-op that a data set can be judged by: rules that are distinct, each used
once in every run of as many examples as there are rules; exactly three words in ten without the pattern; in the others
the leftmost occurrence uniform over the possible places.  Neither holds rules out, nor can either make example i alone.

Run as a program, `plain.py EXAMPLES SEED FILE` writes the columns that `markovlib generate` writes, as JSONL;
`plain.py EXAMPLES SEED FILE texts` writes prompts and completions alone.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LETTERS = "abcdefghijklmnopqrstuvwxyz"
RULES, SIDE, WORD = 1000, 20, 50
NO_OPS = 3, 10
BLOCK = 4096

Matrix = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class PlainExample(NamedTuple):
    pattern: str
    replacement: str
    word: str
    output: str
    position: int


def make_rules(rng: random.Random) -> list[tuple[str, str]]:
    """Distinct patterns and distinct replacements."""
    sides: list[list[str]] = []
    for _ in range(2):
        made: dict[str, None] = {}
        while len(made) < RULES:
            made["".join(rng.choices(LETTERS, k=SIDE))] = None
        sides.append(list(made))
    return list(zip(*sides, strict=True))


def choose_letters(rng: random.Random) -> Callable[[int], str]:
    """What everybody writes."""
    choices, join = rng.choices, "".join
    return lambda count: join(choices(LETTERS, k=count))


def pooled_letters(rng: random.Random) -> Callable[[int], str]:
    """What one writes to be fast: bytes by the page; those from 234 on are dropped, as 256 is no multiple of 26."""
    table, dropped = (LETTERS * 10)[:256].encode(), bytes(range(234, 256))
    pool, at = "", 0

    def draw(count: int) -> str:
        nonlocal pool, at
        if at + count > len(pool):
            pool, at = rng.randbytes(2**16).translate(table, dropped).decode(), 0
        at += count
        return pool[at - count : at]

    return draw


Draw = Callable[[random.Random], Callable[[int], str]]


def plain_examples(count: int, seed: int, draw: Draw = choose_letters) -> Iterator[PlainExample]:
    """The data set one example at a time, from one `random.Random`."""
    rng = random.Random(seed)
    letters, randrange = draw(rng), rng.randrange
    rules = make_rules(rng)
    no_ops = count * NO_OPS[0] // NO_OPS[1]
    kinds = [True] * no_ops + [False] * (count - no_ops)
    rng.shuffle(kinds)
    order = list(range(RULES))
    for i, no_op in enumerate(kinds):
        if i % RULES == 0:
            rng.shuffle(order)
        pattern, replacement = rules[order[i % RULES]]
        if no_op:
            word = letters(WORD)
            while pattern in word:
                word = letters(WORD)
            yield PlainExample(pattern, replacement, word, word, -1)
            continue
        start = randrange(WORD - SIDE + 1)
        while True:
            free = letters(WORD - SIDE)
            word = free[:start] + pattern + free[start:]
            if word.find(pattern) == start:
                break
        yield PlainExample(pattern, replacement, word, word.replace(pattern, replacement, 1), start)


def plain_texts(count: int, seed: int, draw: Draw = choose_letters) -> tuple[list[str], list[str]]:
    """Prompts and completions as two lists."""
    prompts, completions = [], []
    for pattern, replacement, word, output, _ in plain_examples(count, seed, draw):
        prompts.append(f"{pattern}>{replacement}:{word}=")
        completions.append(output)
    return prompts, completions


def numpy_texts(count: int, seed: int) -> tuple[Matrix, Matrix]:
    """Prompts and completions as two matrices of bytes, one row an example: every length of this task is fixed."""
    rng = np.random.Generator(np.random.SFC64(seed))
    rules = np.array([[side.encode() for side in rule] for rule in make_rules(random.Random(seed))])
    sides = [np.ascontiguousarray(rules[:, i]).view(np.uint8).reshape(RULES, SIDE) for i in (0, 1)]
    used = np.concatenate([rng.permutation(RULES) for _ in range(-(-count // RULES))])[:count]
    no_op = np.zeros(count, np.bool_)
    no_op[: count * NO_OPS[0] // NO_OPS[1]] = True
    rng.shuffle(no_op)
    start = rng.integers(0, WORD - SIDE + 1, count)
    start[no_op] = -1
    prompts, outputs = np.empty((count, 2 * SIDE + WORD + 3), np.uint8), np.empty((count, WORD), np.uint8)
    for first in range(0, count, BLOCK):
        rows = slice(first, first + BLOCK)
        _fill(rng, sides[0], sides[1], used[rows], start[rows], prompts[rows], outputs[rows])
    return prompts, outputs


def _fill(
    rng: np.random.Generator, patterns: Matrix, replacements: Matrix, used: Numbers, start: Numbers,
    prompts: Matrix, outputs: Matrix,
) -> None:  # fmt: skip
    words = _words(rng, patterns, used, start)
    wrong = np.flatnonzero(_leftmost(words, patterns[used]) != start)
    while len(wrong):
        words[wrong] = _words(rng, patterns, used[wrong], start[wrong])
        wrong = wrong[_leftmost(words[wrong], patterns[used[wrong]]) != start[wrong]]
    prompts[:, :SIDE], prompts[:, SIDE] = patterns[used], ord(">")
    prompts[:, SIDE + 1 : 2 * SIDE + 1], prompts[:, 2 * SIDE + 1] = replacements[used], ord(":")
    prompts[:, 2 * SIDE + 2 : -1], prompts[:, -1] = words, ord("=")
    outputs[:] = words
    _plant(outputs, replacements, used, start)


def _words(rng: np.random.Generator, patterns: Matrix, used: Numbers, start: Numbers) -> Matrix:
    words = rng.integers(ord("a"), ord("z") + 1, (len(used), WORD), np.uint8)
    _plant(words, patterns, used, start)
    return words


def _plant(words: Matrix, sides: Matrix, used: Numbers, start: Numbers) -> None:
    """Writes the side of each row's rule over the row's letters from its start on (-1: nowhere)."""
    rows = np.flatnonzero(start >= 0)
    words[rows[:, None], start[rows, None] + np.arange(SIDE)] = sides[used[rows]]


def _leftmost(words: Matrix, patterns: Matrix) -> Numbers:
    """Each row's leftmost occurrence of its pattern (-1: none); eight letters are compared at a time, then the rest."""
    head = patterns[:, :8].copy().view(np.uint64)[:, 0]
    windows: Any = np.ndarray((len(words), WORD - SIDE + 1), np.uint64, words, 0, (WORD, 1))
    rows, places = np.nonzero(windows == head[:, None])
    letters = words[rows[:, None], places[:, None] + np.arange(SIDE)]
    exact = (letters == patterns[rows]).all(axis=1)
    found = np.full(len(words), WORD)
    np.minimum.at(found, rows[exact], places[exact])
    found[found == WORD] = -1
    return found


def row(index: int, example: PlainExample) -> dict[str, Any]:
    """An example with the columns of a shard."""
    pattern, replacement, word, output, position = example
    no_op = position < 0
    return {
        "index": index,
        "prompt": f"{pattern}>{replacement}:{word}=",
        "completion": output,
        "word": word,
        "output": output,
        "pattern": pattern,
        "replacement": replacement,
        "rule": -1 if no_op else 0,
        "position": position,
        "no_op": no_op,
        "steps": int(not no_op),
        "outcome": "no_rule_applies" if no_op else "terminal_rule",
    }


def main(count: int, seed: int, path: str, texts: bool = False) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        if texts:
            for pattern, replacement, word, output, _ in plain_examples(count, seed):
                row_of_texts = {"prompt": f"{pattern}>{replacement}:{word}=", "completion": output}
                file.write(json.dumps(row_of_texts) + "\n")
            return
        for index, example in enumerate(plain_examples(count, seed)):
            file.write(json.dumps(row(index, example)) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], "texts" in sys.argv[4:])
