"""The arms of the specialist's experiment: one budget of rows, a share of it replaced, each a mixture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markovlib as mk

from .instructions import Maker, Task

ARMS = {
    "all": "N specialist rows",
    "fewer": "N - r specialist rows",
    "general": "N - r specialist rows and r of other tasks",
    "new": "N - r specialist rows and r with new wordings",
    "repeated": "N - r specialist rows and r of them again",
}
"""What each arm trains on; `all` is the budget without replacement."""

TESTS = {"seen": "seen templates", "unseen": "unseen templates", "compositions": "unseen compositions"}

_COMMON = {
    "rules.alphabet": "A-F",
    "rules.pattern_length": [2, 3],
    "rules.replacement_length": [1, 3],
    "words.length": [5, 9],
    "instructions": 400,
}

GENERAL: dict[str, tuple[str, dict[str, Any]]] = {
    "rewriting": (
        "paper/no-op",
        {"render.prompt": [
            "rewrite {word} once by {pattern} -> {replacement}",
            "what is {word} when the first {pattern} is made {replacement} ?",
        ]},
    ),
    "several": (
        "first-rewrite",
        {"rules.per_example": 3, "eval.instructions": None, "render.prompt": [
            "one step of {for rule in rules}{rule.pattern} {rule.arrow} {rule.replacement}{sep} ; {end} on {word}",
            "apply the rule that fits first to {word} : "
            "{for rule in rules}{rule.pattern} {rule.arrow} {rule.replacement}{sep} ; {end}",
        ]},
    ),
    "running": (
        "run",
        {"rules.per_example": 2, "task.step_counts": None, "task.steps": [1, 12], "task.max_length": 64, "shifts": None,
         "render.prompt": [
            "run {for rule in rules}{rule.pattern} {rule.arrow} {rule.replacement}{sep} ; {end} on {word}",
            "where does {word} end under "
            "{for rule in rules}{rule.pattern} {rule.arrow} {rule.replacement}{sep} ; {end} ?",
        ]},
    ),
    "encrypted": (
        "paper/encrypted",
        {"task.cipher": "shift", "task.enciphered": "word", "render.prompt": [
            "rewrite {word} by {pattern} -> {replacement} and shift by {key}",
            "shift by {key} what {pattern} -> {replacement} makes of {word}",
        ]},
    ),
    "guessing": (
        "induce",
        {"words.length": [4, 6], "task.pairs": 3, "render.prompt": [
            "which rule makes {for pair in pairs}{pair.output} of {pair.word}{sep} and {end} ?",
            "find the rule : {for pair in pairs}{pair.word} gives {pair.output}{sep} , {end}",
        ], "render.completion": "{pattern} -> {replacement}"},
    ),
}  # fmt: skip
"""The library's other tasks, said in words: a preset and what is changed in it."""


@dataclass(frozen=True)
class Budget:
    """How many rows there are, and how many wordings of each operation the training set has."""

    rows: int
    wordings: int
    tested: int


@dataclass(frozen=True)
class Data:
    """An arm's rows in order, as the mixture gives them, with what names it."""

    rows: list[tuple[str, str]]
    quotas: dict[str, int]
    fingerprint: str


def recipes() -> dict[str, mk.Recipe]:
    """The recipes of the other tasks by name."""
    made = {}
    for name, (preset, changes) in GENERAL.items():
        fields = {**_COMMON, "render.completion": "{output}", **changes}
        made[name] = mk.Recipe.load(preset).replace(fields, examples=10_000)
    return made


def tests(budget: Budget) -> dict[str, list[Task]]:
    """The tests, the same for every arm and seed."""
    count = budget.tested
    return {
        "seen": Maker("test seen", budget.wordings, "base", test=True).take(count),
        "unseen": Maker("test unseen", budget.wordings, "held", test=True).take(count),
        "compositions": Maker("test compositions", budget.wordings, test=True, held_pairs=True).take(count),
    }


def build(arm: str, share: float, budget: Budget, seed: int, folder: Path) -> Data:
    """The rows of an arm: a mixture of files of specialist rows and of recipes of the library.

    All arms of a seed share their first specialist rows.
    """
    replaced = round(share * budget.rows)
    kept = budget.rows - replaced
    if (arm == "all") != (replaced == 0):
        raise ValueError("only the arm `all` replaces nothing")
    base = Maker(f"base {seed}", budget.wordings).take(budget.rows)[:kept]
    sources: list[dict[str, Any]] = [
        {"name": "specialist", "files": _written(base, folder / "specialist.jsonl"), "ratio": kept}
    ]
    examples = budget.rows if arm != "fewer" else kept
    if arm == "repeated":
        sources[0]["max_repeats"] = 2
    if arm == "new":
        new = Maker(f"new {seed}", budget.wordings, "new").take(replaced)
        sources.append({"name": "new", "files": _written(new, folder / "new.jsonl"), "ratio": replaced})
    if arm == "general":
        sources += [
            {"name": name, "recipe": recipe.to_dict(), "seed": seed, "ratio": replaced / len(GENERAL)}
            for name, recipe in recipes().items()
        ]
    mixture = mk.Mixture(mk.MixtureRecipe.from_dict({"examples": examples, "sources": sources}), seed)
    rows = [(example.prompt, example.completion) for example in mixture]
    return Data(rows, mixture.quotas, mixture.fingerprint)


def _written(tasks: Sequence[Task], path: Path) -> str:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"prompt": task.instruction, "completion": task.answer}) + "\n" for task in tasks]
    path.write_text("".join(lines), "utf-8")
    return str(path)
