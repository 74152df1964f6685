"""A row that is wrong is found by what its own rules give, without the generator."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from markovlib import Dataset, Recipe
from markovlib.shards import recheck
from markovlib.shards.generation import generate
from markovlib.shards.recheck import checker, proves
from markovlib.shards.verification import verify

BASE = Recipe.from_toml("""
examples = 200
instructions = 20
[rules]
alphabet = "a-j"
pattern_length = 3
replacement_length = 3
[words]
length = [12, 18]
no_op = 0.2
[eval]
examples = 50
""")
RUN: dict[str, Any] = {"task.kind": "run", "rules.per_example": 3, "rules.alphabet": "a-z"}
KINDS: dict[str, dict[str, Any]] = {
    "rewrite": {},
    "several": {"rules.per_example": 3},
    "run": RUN,
    "trace": {**RUN, "task.kind": "trace", "task.steps": [1, 6]},
    "run, wide letters": {**RUN, "rules.alphabet": "aβ中😀éżzü", "instructions": 3, "task.max_length": 15,
                          "rules.terminating": False, "task.halting": False, "rules.replacement_length": 4},
    "run, bytes": {**RUN, "rules.alphabet": {"bytes": [20, 90]}},
    "terminating": {"rules.terminating": True},
    "weights": {**RUN, "rules.replacement_length": 4},
    "one rule": {**RUN, "rules.per_example": 1},
    "scheme": {"task.kind": "scheme", "rules.alphabet": "a-z"},
    "scheme of bytes": {"task.kind": "scheme", "rules.alphabet": {"bytes": [0, 40]}},
    "induce": {"task.kind": "induce", "words.no_op": 0.0},
    "shift": {"task.kind": "encrypted", "task.cipher": "shift"},
    "shift of the replacement, in bytes": {
        "task.kind": "encrypted", "task.cipher": "shift", "task.enciphered": "replacement",
        "rules.alphabet": {"bytes": [0, 255]}},
    "substitution": {"task.kind": "encrypted", "task.cipher": "substitution", "task.enciphered": "replacement"},
    "program": {"task.kind": "trace", "rules.program": "binary-addition", "instructions": None, "words.no_op": 0.0,
                "words.length": [5, 9], "rules.alphabet": None, "rules.pattern_length": None,
                "rules.replacement_length": None},
}  # fmt: skip
CHECKED = ("word", "output", "rule", "position", "no_op", "steps", "outcome")


def table_of(kind: str) -> tuple[Recipe, pa.RecordBatch]:
    recipe = BASE.replace(KINDS[kind])
    ds = Dataset(recipe, 7)
    more = ("occurrences",) if not recipe.task.runs else ()
    return recipe, ds.batch(range(60), [*ds.columns, *more]).to_arrow()


def with_value(table: pa.RecordBatch, name: str, row: int, value: Any) -> pa.RecordBatch:
    values = table.column(name).to_pylist()
    values[row] = value
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value in ("terminal_rule", "no_rule_applies", "length_limit", "step_limit"):
        return "cycle"
    return value[:-1] if value else None


@pytest.mark.parametrize("kind", KINDS)
def test_right_rows_pass(kind: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    assert check(table, 1000) is None
    for name in table.schema.names:
        assert check(table.drop_columns([name]), 0) is None
    assert check(table.select(["prompt", "completion"]), 0) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_wrong_value_is_found(kind: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    names = [name for name in table.schema.names if name in CHECKED or name == "occurrences"]
    for name in names:
        for row in (0, 31, 59):
            value = table.column(name)[row].as_py()
            problem = check(with_value(table, name, row, other(value)), 1000)
            assert problem is not None, (name, row, value)
            assert f"row {1000 + row}, column " in problem


def wrong_items(items: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The items with one of their values changed, with one too few, and with one twice."""
    changed = [
        [{**item, name: other(item[name])} if i == k else item for k, item in enumerate(items)]
        for i in range(len(items)) for name in items[i] if name not in ("terminal",)
    ]  # fmt: skip
    return [*changed, items[:-1], [*items, items[-1]]]


@pytest.mark.parametrize(("kind", "name"), [("trace", "trace"), ("induce", "pairs"), ("program", "trace")])
def test_every_wrong_item_is_found(kind: str, name: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    row = next(i for i, items in enumerate(table.column(name).to_pylist()) if len(items) > 1)
    for items in wrong_items(table.column(name)[row].as_py()):
        if kind == "induce" and all(item in table.column(name)[row].as_py() for item in items):
            continue  # fewer or repeated pairs follow the rule just as well
        problem = check(with_value(table, name, row, items), 0)
        assert problem is not None, items
        assert f"row {row}, column " in problem


@pytest.mark.parametrize("kind", ["several", "run", "trace"])
def test_wrong_rules_are_found_where_they_matter(kind: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    fired = table.column("rule").to_pylist()
    row = next(i for i, rule in enumerate(fired) if rule > 0)
    rules = table.column("rules")[row].as_py()
    for name in ("pattern", "replacement"):
        changed = [{**rule, name: other(rule[name])} if i == fired[row] else rule for i, rule in enumerate(rules)]
        assert check(with_value(table, "rules", row, changed), 0) is not None
    assert (
        check(with_value(table, "rules", row, rules[:-1] if fired[row] == len(rules) - 1 else rules[1:]), 0) is not None
    )
    for name in ("pattern", "replacement"):
        problem = check(with_value(table, name, row, other(table.column(name)[row].as_py())), 0)
        assert problem is not None
        assert f"row {row}, column {name!r}" in problem


def test_several_rules_are_checked_by_the_one_that_is_named() -> None:
    recipe, table = table_of("several")
    check, bare = checker(recipe.to_dict(), "train"), table.drop_columns(["rules"])
    row = table.column("rule").to_pylist().index(2)
    assert check(bare, 0) is None
    for name in ("output", "position", "pattern"):
        assert check(with_value(bare, name, row, other(table.column(name)[row].as_py())), 0) is not None


@pytest.mark.parametrize("kind", ["shift", "substitution"])
def test_wrong_keys_are_found(kind: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    row = table.column("no_op").to_pylist().index(False)
    key = table.column("key")[row].as_py()
    wrong = str(int(key) % 9 + 1) if kind == "shift" else key[1:] + key[0]
    assert "column 'output'" in (check(with_value(table, "key", row, wrong), 0) or "")


@pytest.mark.parametrize("kind", ["run", "run, bytes", "weights", "terminating"])
def test_wrong_certificates_are_found(kind: str) -> None:
    recipe, table = table_of(kind)
    check = checker(recipe.to_dict(), "train")
    certificate = table.column("certificate")[5].as_py()
    rules = [(table.column("pattern")[5].as_py(), table.column("replacement")[5].as_py(), False)]
    if kind != "terminating":
        rules = [tuple(rule.values()) for rule in table.column("rules")[5].as_py()]
    letters = recipe.alphabet.letters
    assert proves(certificate, rules, letters)
    if kind == "weights":
        wrong = [certificate.replace("=", "= "), ", ".join(f"{letter}=1" for letter in letters), certificate[:-1]]
    else:
        part = type(certificate)()
        step = [certificate[i : i + 1] for i in range(0, len(certificate), 4)]
        joint = " > " if recipe.alphabet.text else b" > "
        assert joint.join(step) == certificate
        wrong = [joint.join(step[::-1]), joint.join(step[1:]), joint.join([step[0], *step]), part]
    for value in wrong:
        problem = check(with_value(table, "certificate", 5, value), 0)
        assert problem is not None, value
        assert "row 5, column 'certificate'" in problem


def test_a_shift_is_checked_as_what_it_is() -> None:
    recipe = BASE.replace({"shifts": {"running": {"task.kind": "trace", "rules.alphabet": "a-z"},
                                      "schemes": {"task.kind": "scheme", "rules.alphabet": "a-z"}}})  # fmt: skip
    for split in ("train", "unseen", "running", "schemes"):
        table = Dataset(recipe, 7, split)[0:50].to_arrow()
        check = checker(recipe.to_dict(), split)
        assert check(table, 0) is None
        assert check(with_value(table, "output", 9, other(table.column("output")[9].as_py())), 0) is not None


@pytest.mark.parametrize("instructions", [None, 20])
def test_a_shift_to_a_program_is_checked_as_one(instructions: int | None) -> None:
    recipe = BASE.replace({**RUN, "rules.per_example": 1, "words.no_op": 0.0, "instructions": instructions, "shifts": {
        "sub": {"rules.program": "binary-increment", "words.length": [3, 6]},
    }})  # fmt: skip
    for split in ("train", "sub"):
        assert checker(recipe.to_dict(), split)(Dataset(recipe, 7, split)[0:50].to_arrow(), 0) is None


@pytest.mark.parametrize("kind", ["trace", "scheme", "induce", "shift", "program"])
def test_verify_asks_for_it(kind: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = BASE.replace(KINDS[kind])
    generate(recipe, tmp_path / "a", splits=["train", "seen" if kind == "program" else "unseen"])
    report = verify(tmp_path / "a")
    assert (report.problems, report.checked) == ([], 250)
    monkeypatch.setattr(recheck, "mismatch", lambda have, _: 3 if len(have) > 3 else None)
    assert not verify(tmp_path / "a").ok
