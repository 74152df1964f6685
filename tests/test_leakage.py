"""Leakage: counts equal those of sets of strings, whatever the overlap, the hashes and the size of batches."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib.distinct
import markovlib.leakage
import markovlib.neighbours
from markovlib import Column, Dataset, Recipe, Rule, View
from markovlib.cli import main
from markovlib.distinct import Distinct, hash_column, key_of
from markovlib.examples import ListColumn
from markovlib.leakage import KINDS, NEAR, leakage
from markovlib.neighbours import near_count, pieces
from markovlib.shards.folder import ShardError
from markovlib.shards.generation import Progress, generate

RECIPE = Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 2, "rules.replacement_length": 2, "words.length": [4, 7], "rules.alphabet": "abc",
     "rules.holdout": 0.3, "eval.examples": 150},
    examples=200, instructions=6,
)  # fmt: skip


class Table:
    """Rows given one by one, with what `leakage` asks of a data set."""

    def __init__(self, rows: list[tuple[list[tuple[Any, Any]], Any]], text: bool = True) -> None:
        self.rows = rows
        self.text = text
        self.size = len(rows)
        several = any(len(rules) > 1 for rules, _ in rows)
        self.columns = ("pattern", "replacement", "word", *(["rules"] if several else []))

    def __len__(self) -> int:
        return self.size

    def batch(self, indices: Any, columns: Any = None, threads: Any = None) -> Any:
        del threads
        rows = [self.rows[i] for i in indices]
        made = {
            "pattern": lambda: Column.from_words([rules[0][0] for rules, _ in rows], self.text),
            "replacement": lambda: Column.from_words([rules[0][1] for rules, _ in rows], self.text),
            "word": lambda: Column.from_words([word for _, word in rows], self.text),
            "rules": lambda: self._lists([rules for rules, _ in rows]),
        }
        batch = SimpleNamespace(**{name: make() for name, make in made.items() if name in (columns or made)})
        return type("Batch", (SimpleNamespace,), {"__len__": lambda _: len(rows)})(**vars(batch))

    def _lists(self, rows: list[Any]) -> ListColumn:
        flat = [rule for rules in rows for rule in rules]
        offsets = np.cumsum([0, *(len(rules) for rules in rows)])
        fields = {"pattern": [p for p, _ in flat], "replacement": [r for _, r in flat]}
        sides = {name: Column.from_words(texts, self.text) for name, texts in fields.items()}
        return ListColumn(offsets, {**sides, "terminal": np.zeros(len(flat), np.bool_)}, Rule)


def things(table: Table) -> dict[str, set[Any]]:
    """Every kind as a set, by definition."""
    rules = [tuple(rule) for listed, _ in table.rows for rule in listed]
    return {
        "rules": set(rules),
        "patterns": {pattern for pattern, _ in rules},
        "replacements": {replacement for _, replacement in rules},
        "instructions": {tuple(listed) for listed, _ in table.rows},
        "words": {word for _, word in table.rows},
        "rows": {(tuple(listed), word) for listed, word in table.rows},
    }


def distance_one(x: Any, y: Any) -> bool:
    """Levenshtein's distance by its recursion, whether it is 1."""
    rows = [list(range(len(y) + 1))]
    for i in range(len(x)):
        row = [i + 1]
        for j in range(len(y)):
            row.append(min(rows[-1][j] + (x[i] != y[j]), rows[-1][j + 1] + 1, row[j] + 1))
        rows.append(row)
    return rows[-1][-1] == 1


def check(a: Table, b: Table) -> None:
    found = leakage(a, b, near=True)  # type: ignore[arg-type]
    first, second = things(a), things(b)
    assert found.rows == (len(a), len(b))
    several = "rules" in a.columns or "rules" in b.columns
    assert tuple(found.kinds) == tuple(kind for kind in KINDS if several or kind != "instructions")
    for kind in KINDS:
        shared = first[kind] & second[kind]
        assert (found[kind].first, found[kind].second) == (len(first[kind]), len(second[kind]))
        assert found[kind].shared == len(shared)
        assert len(found[kind].examples) == min(3, len(shared))
        if kind not in NEAR:
            assert found[kind].near is None
            continue
        left = second[kind] - first[kind]
        assert found[kind].near == sum(any(distance_one(x, y) for x in first[kind]) for y in left)


def table(letters: Any, per_example: tuple[int, int] = (1, 1)) -> Any:
    part = letters(0, 2)
    rules = st.lists(st.tuples(part, part), min_size=per_example[0], max_size=per_example[1])
    return st.lists(st.tuples(rules, letters(0, 5)), max_size=12).map(lambda rows: Table(rows, letters is not octets))


def plain(low: int, high: int) -> Any:
    return st.text("ab", min_size=low, max_size=high)


def wide(low: int, high: int) -> Any:
    return st.text("aβ中😀", min_size=low, max_size=high)


def octets(low: int, high: int) -> Any:
    return st.text("\0\xff", min_size=low, max_size=high).map(lambda text: text.encode("latin-1"))


@pytest.mark.parametrize("letters", [plain, wide, octets])
def test_counts_are_those_of_sets(letters: Any) -> None:
    @given(table(letters), table(letters))
    def run(a: Table, b: Table) -> None:
        check(a, b)

    run()


@pytest.mark.parametrize("letters", [plain, octets])
def test_counts_with_several_rules(letters: Any) -> None:
    @settings(max_examples=tries(50))
    @given(table(letters, (1, 3)), table(letters, (1, 3)))
    def run(a: Table, b: Table) -> None:
        check(a, b)

    run()


def test_counts_in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing depends on where batches, parts and pieces end, or on when hashes are sorted in."""
    monkeypatch.setattr(markovlib.leakage, "_ROWS", 7)
    monkeypatch.setattr(markovlib.distinct, "_PENDING", 5)
    monkeypatch.setattr(markovlib.neighbours, "_BYTES_AT_ONCE", 50)
    monkeypatch.setattr(markovlib.neighbours, "_STRINGS_AT_ONCE", 30)
    monkeypatch.setattr(markovlib.neighbours, "_KEYS_AT_ONCE", 64)
    monkeypatch.setattr(markovlib.neighbours, "_LETTERS_AT_ONCE", 9)
    rng = np.random.default_rng(3)

    def rows(count: int) -> Table:
        def string(low: int, high: int) -> str:
            return "".join(rng.choice(["a", "b", "c"], rng.integers(low, high + 1)))

        return Table([([(string(1, 3), string(0, 3))], string(0, 9)) for _ in range(count)])

    for crowd in (0, 2, 8):
        monkeypatch.setattr(markovlib.neighbours, "_CROWD", crowd)
        check(rows(120), rows(90))
        check(rows(5), rows(200))


def test_data_sets_against_their_rows() -> None:
    for split in ("seen", "unseen", "train"):
        a, b = Dataset(RECIPE, seed=1), Dataset(RECIPE, seed=2, split=split)
        tables = [Table([([(e.pattern, e.replacement)], e.word) for e in ds]) for ds in (a, b)]
        check(*tables)
        assert leakage(a, b, near=True) == leakage(*tables, near=True)  # type: ignore[arg-type]
    assert leakage(a, a)["rows"].shared == leakage(a, a)["rows"].first
    unbounded = Dataset(RECIPE.replace(examples=None))
    with pytest.raises(TypeError, match="has no end"):
        leakage(a, unbounded)
    assert leakage(a, View.selected(unbounded, range(50)))["words"].second <= 50


def test_words_of_pairs_are_words() -> None:
    """Those that pairs show count as those that are rewritten, wherever they are shown."""
    recipe = Recipe.load("induce").replace({
        "words.length": [4, 5], "rules.alphabet": "abc", "rules.pattern_length": 2, "rules.replacement_length": 2,
        "instructions": 5, "examples": 20,
    })  # fmt: skip
    shown = Dataset(recipe)
    plain = Dataset(RECIPE)
    words = {pair.word for example in shown for pair in example.pairs} | {example.word for example in shown}
    others = {example.word for example in plain}
    for a, b in ((shown, plain), (plain, shown), (View.selected(shown, range(20)), plain)):
        found = leakage(a, b, near=True)["words"]
        assert {found.first, found.second} == {len(words), len(others)}
        assert found.shared == len(words & others) > 0
    assert leakage(shown, shown)["words"].shared == len(words)


SEVERAL = RECIPE.replace(
    {"rules.per_example": 2, "rules.pool": 10, "rules.alphabet": "a-z", "words.length": 20, "eval.examples": 300},
    examples=None, instructions=60,
).replace(examples=2000)  # fmt: skip


def test_recombined_examples_have_rules_of_training_and_no_instruction_of_it() -> None:
    train, recombined = (Dataset(SEVERAL, seed=1, split=split) for split in ("train", "recombined"))
    found = leakage(train, recombined)
    assert (found["rules"].first, found["rules"].second, found["rules"].shared) == (10, 10, 10)
    assert (found["instructions"].first, found["instructions"].shared) == (60, 0)
    seen = leakage(train, Dataset(SEVERAL, seed=1, split="seen"))["instructions"]
    assert (seen.second, seen.shared) == (60, 60)
    (first, second), *_ = seen.examples
    assert [first, second] in [[rule[:2] for rule in example.rules or ()] for example in train[:].examples()]
    assert leakage(train, train)["instructions"].near is None


def test_the_order_of_rules_tells_instructions_apart() -> None:
    rules = [("ab", "c"), ("d", "e")]
    a, b = Table([(rules, "x")]), Table([(rules[::-1], "x"), (rules[:1], "x")])
    found = leakage(a, b)  # type: ignore[arg-type]
    assert (found["rules"].shared, found["instructions"].shared, found["instructions"].second) == (2, 0, 2)


def test_text_and_bytes_are_compared_by_their_letters() -> None:
    a = Table([([("é", "x")], "aé")])
    b = Table([([("é".encode(), b"y")], "aé".encode())], text=False)
    found = leakage(a, b)  # type: ignore[arg-type]
    assert {kind: found[kind].shared for kind in KINDS} == {
        "rules": 0, "patterns": 1, "replacements": 0, "instructions": 0, "words": 1, "rows": 0,
    }  # fmt: skip


# ---- hashes -------------------------------------------------------------------------------------------------------


def test_collisions_are_noticed_and_another_key_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = markovlib.leakage.hash_column
    keys = []

    def weak(column: Column, key: np.uint64) -> Any:
        keys.append(key)
        return ours(column, key) if key == key_of(1) else column.lengths().astype(np.uint64)

    monkeypatch.setattr(markovlib.leakage, "hash_column", weak)
    check(Table([([("ab", "c")], "xyz")]), Table([([("ba", "c")], "xyw")]))
    assert {key_of(0), key_of(1)} == set(keys)
    monkeypatch.setattr(markovlib.leakage, "hash_column", lambda column, _: column.lengths().astype(np.uint64))
    with pytest.raises(RuntimeError, match="agreed in their hashes"):
        leakage(Table([([("ab", "c")], "xyz")]), Table([([("ba", "c")], "xyw")]))  # type: ignore[arg-type]


def test_lists_that_are_cut_elsewhere_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markovlib.leakage, "hash_lists", lambda counts, _: np.zeros(len(counts), np.uint64))
    rules = [("a", "b"), ("c", "d"), ("e", "f")]
    a, b = Table([(rules[:2], "x"), (rules[2:], "y")]), Table([(rules[:1], "x"), (rules[1:], "y")])
    with pytest.raises(RuntimeError, match="agreed in their hashes"):
        leakage(a, b)  # type: ignore[arg-type]


@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(0, 5), st.data())
def test_equal_strings_have_equal_hashes_wherever_they_are(strings: list[bytes], key: int, data: st.DataObject) -> None:
    column = Column.from_words([*strings, b"z" * 2000, b"z" * 2001], False)
    hashes = hash_column(column, key_of(key))
    assert len(set(hashes.tolist())) == len({*strings, b"z" * 2000, b"z" * 2001})
    rows = data.draw(st.lists(st.integers(0, len(column) - 1), max_size=10))
    assert hash_column(column.take(rows), key_of(key)).tolist() == hashes[rows].tolist()
    first = data.draw(st.integers(0, len(column)))
    assert hash_column(column[first:], key_of(key)).tolist() == hashes[first:].tolist()


def test_similar_strings_have_unlike_hashes() -> None:
    """Of 10^5 strings that differ in a few bits, every bit of the hash is set in about half (within 6 deviations)."""
    column = Column.from_words([f"{number:020d}" for number in range(100_000)])
    hashes = hash_column(column, key_of(0))
    assert len(np.unique(hashes)) == 100_000
    set_bits = np.array([int(((hashes >> np.uint64(bit)) & np.uint64(1)).sum()) for bit in range(64)])
    assert np.abs(set_bits - 50_000).max() < 6 * np.sqrt(25_000)


def test_distinct_keeps_first_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markovlib.distinct, "_PENDING", 3)
    rng = np.random.default_rng(4)
    values = rng.integers(0, 50, 500).astype(np.uint64)
    found = Distinct()
    for start in range(0, 500, 13):
        part = values[start : start + 13]
        found.add(part, np.arange(start, start + len(part)))
    assert len(found) == len(np.unique(values))
    assert found.places.tolist() == [values.tolist().index(value) for value in found.hashes.tolist()]


# ---- near ---------------------------------------------------------------------------------------------------------


def near(known: list[Any], asked: list[Any]) -> int:
    return near_count(lambda: iter([Column.from_words(known)]), lambda: iter([Column.from_words(asked)]))


@pytest.mark.parametrize("crowd", [0, 8])
def test_near_is_distance_one(crowd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By edits alone, and by halves."""
    monkeypatch.setattr(markovlib.neighbours, "_CROWD", crowd)

    @settings(max_examples=tries(300))
    @given(st.text("abc\u03b2", max_size=7), st.text("abc\u03b2", max_size=7))
    def run(x: str, y: str) -> None:
        assert x == y or near([x], [y]) == distance_one(x, y)

    run()


@pytest.mark.parametrize("crowd", [0, 2, 8, 1000])
@pytest.mark.parametrize("length", [1, 2, 9, 10])
def test_every_edit_of_a_string_is_near(crowd: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many strings, all of which share a half with others: what is left alone shows that nothing else is counted."""
    monkeypatch.setattr(markovlib.neighbours, "_CROWD", crowd)
    rng = np.random.default_rng(length)
    word = "".join(rng.choice(list("abc"), length))
    places = range(length + 1)
    edits = {word[:i] + letter + word[j:] for i in places for j in (i, i + 1) for letter in ("", "a", "b", "c")} - {
        word
    }
    twice = {one[:i] + "d" + one[i:] for one in edits for i in (0, len(one) // 2, len(one))}
    asked = sorted(edits | twice)
    assert near([word], asked) == sum(distance_one(word, one) for one in asked)
    assert near(asked, [word]) == 1


def test_agreement_in_a_hash_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markovlib.neighbours, "mixed", lambda values: values & np.uint64(0))
    known, asked = Column.from_words(["abcd", "xyz"]), Column.from_words(["abxd", "zzzz"])
    assert near_count(lambda: iter([known]), lambda: iter([asked])) == 1


def test_pieces_hold_every_row_once() -> None:
    column = Column.from_words(["", "abc", "", "d", "efghij", ""])
    for letters in (1, 3, 4, 100):
        parts = list(pieces(column, letters))
        assert [word for part in parts for word in part] == column.tolist()
        assert all(len(part) == 1 or part.nbytes <= letters for part in parts)


# ---- the command --------------------------------------------------------------------------------------------------


def run(*args: Any, code: int = 0) -> Any:
    result = CliRunner().invoke(main, ["verify", *(str(arg) for arg in args)], prog_name="markovlib")
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("leakage")
    recipe = RECIPE.replace({"words.length": 20})
    generate(recipe, out / "data", seed=1, splits=["train", "seen"])
    generate(recipe, out / "only", seed=1)
    (out / "recipe.toml").write_text(recipe.to_toml())
    return out


def test_folders_are_data_sets(folder: Any) -> None:
    recipe = RECIPE.replace({"words.length": 20})
    train, seen = Dataset(recipe, seed=1), Dataset(recipe, seed=1, split="seen")
    assert leakage(folder / "only", str(folder / "data" / "seen")) == leakage(train, seen)
    with pytest.raises(ShardError, match="has several splits; name one of train, seen"):
        leakage(folder / "only", folder / "data")
    with pytest.raises(TypeError, match=r"must be a data set or the path of a folder of shards, got 3"):
        leakage(train, 3)  # type: ignore[arg-type]


def test_progress_is_told_as_everywhere(folder: Any) -> None:
    told: list[Progress] = []
    found = leakage(folder / "only", folder / "only", progress=told.append)
    rows = len(Dataset(RECIPE))
    assert found["rows"].first <= rows
    assert told[-1] == Progress("reading", 2 * rows, 2 * rows)
    assert [step.rows for step in told] == sorted({step.rows for step in told})


def test_the_command_compares_folders_and_recipes(folder: Any) -> None:
    recipe = Recipe.load(folder / "recipe.toml")
    train, seen = (Dataset(recipe, seed=1, split=split) for split in ("train", "seen"))
    expected = leakage(train, seen, near=True)
    for first in (f"{folder}/data:train", f"{folder}/only", f"{folder}/only:train", f"{folder}/recipe.toml@1"):
        for second in (f"{folder}/data:seen", f"{folder}/recipe.toml:seen@1"):
            found = json.loads(run("--leakage", first, second, "--near", "--json").stdout)
            assert found == {"first": first, "second": second, **expected.to_dict(), "failed": []}
    table = run("--leakage", f"{folder}/data:train", f"{folder}/recipe.toml:seen", "--seed", 1).stdout
    words = expected["words"]
    assert re.search(rf"words +{words.first} +{words.second} +{words.shared} ", table)
    assert "shared of rules" in table


def test_the_command_fails_on_what_it_is_told_to(folder: Any) -> None:
    sides = (f"{folder}/data:train", f"{folder}/data:seen")
    result = run("--leakage", *sides, "--fail-on", "rows,rules", "--json", code=1)
    assert json.loads(result.stdout)["failed"] == ["rules"]
    run("--leakage", *sides, "--fail-on", "rows")
    again = run("--leakage", *sides, "--fail-on", "rows", "--fail-on", "rules", "--json", code=1)
    assert again.stdout == result.stdout
    result = run("--leakage", *sides, "--fail-on", "instructions", "--json", code=1)
    assert json.loads(result.stdout)["failed"] == ["instructions"]
    assert "instructions" not in json.loads(result.stdout)["kinds"]
    assert "--fail-on words2: choose from rules" in run("--leakage", *sides, "--fail-on", "words2", code=2).stderr


def test_the_command_counts_instructions(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(SEVERAL.to_toml())
    table = run("--leakage", recipe, f"{recipe}:recombined", "--fail-on", "instructions,rows").stdout
    assert re.search(r"instructions +60 +\d+ +0 ", table)
    result = run("--leakage", recipe, f"{recipe}:seen", "--fail-on", "instructions,rows", code=1)
    assert re.search(r"shared of instructions: \('\w\w', '\w\w'\) \('\w\w', '\w\w'\)", result.stdout)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--leakage", "{0}/data", "{0}/only"], "has the splits train, seen: name one, as in {0}/data:train"),
        (["--leakage", "{0}/data:unseen", "{0}/only"], "no split 'unseen'"),
        (["--leakage", "{0}/only:train@3", "{0}/only"], "has a seed of its own"),
        (["--leakage", "{0}/none", "{0}/only"], "neither a preset"),
        (["--leakage", "paper/no-op:test", "{0}/only"], "split must be one of"),
        (["{0}/only", "--leakage", "{0}/only", "{0}/only"], "takes two data sets"),
        (["{0}/only", "--near"], "need --leakage"),
        (["{0}/only", "--seed", "0"], "need --leakage"),
        ([], "give DIR, or --leakage A B"),
    ],
)
def test_the_command_says_what_is_wrong(folder: Any, args: list[str], message: str) -> None:
    assert message.format(folder) in run(*(arg.format(folder) for arg in args), code=2).stderr


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    """10,000 rows on either side with words of 5,000 letters, 100 MB of them, are never held together."""
    script = """
import resource
from markovlib import Dataset, Recipe
from markovlib.leakage import leakage
recipe = Recipe.load("paper/no-op").replace({"words.length": 5000, "eval.examples": 10_000}, examples=10_000)
leakage(Dataset(recipe.replace(examples=10)), Dataset(recipe.replace(examples=10)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
leakage(Dataset(recipe), Dataset(recipe, split="seen"))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50_000_000, done.stdout


def test_words_of_several_lengths_are_divided_if_the_longest_are_enough() -> None:
    recipe = Recipe.load("paper/no-op").replace({
        "rules.per_example": 2, "rules.pattern_length": 3, "rules.replacement_length": 3, "words.length": [4, 16],
        "eval.examples": 300, "examples": 3000, "instructions": 5,
    })  # fmt: skip
    assert leakage(Dataset(recipe, 3, "train"), Dataset(recipe, 3, "seen"))["rows"].shared == 0


def test_words_of_pairs_count_in_every_phase() -> None:
    recipe = Recipe.load("induce").replace({
        "words.length": [4, 5], "rules.alphabet": "abc", "rules.pattern_length": 2, "rules.replacement_length": 2,
        "instructions": 5, "examples": 20,
    })  # fmt: skip
    shown, plain = Dataset(recipe), Dataset(recipe.replace({"task.kind": "rewrite", "task.pairs": None}))
    words = {pair.word for example in shown for pair in example.pairs} | {example.word for example in plain}
    for first, second in ((plain, shown), (shown, plain)):
        phases = View.phases([(20, first), (40, second)])
        assert leakage(phases, plain)["words"].first == len(words)


def test_a_folder_of_shards_in_another_is_not_its_split(tmp_path: Path) -> None:
    recipe = Recipe.load("paper/no-op").replace(examples=20, instructions=5)
    generate(recipe, tmp_path, seed=1)
    generate(recipe, tmp_path / "nested", seed=2)
    assert leakage(tmp_path, tmp_path / "nested")["rows"].second == 20
    assert leakage(tmp_path, tmp_path / "train")["rows"].shared == 20
