"""Recipes: read, written, changed, and refused with the path of the field."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from markovlib import Dataset, MixtureRecipe, Recipe, RecipeError
from markovlib.fields import in_words
from markovlib.recipe import Rules, Words
from markovlib.render import TemplateError, parse_template
from markovlib.sweep import points

BASE = Recipe.load("paper/no-op")
PROGRAM = {"rules.program": "binary-to-unary", "task.kind": "run", "words.no_op": 0.0}


@pytest.mark.parametrize("name", [name for name in Recipe.presets() if name != "program"])
def test_presets_are_tested_by_the_kinds_of_rules_that_they_train(name: str) -> None:
    """No kind of rules runs out, in training or in the tests, at any number of rules that the sweep asks for."""
    recipe = Recipe.load(name)
    for rules in recipe.sweep.get("rules.per_example", [recipe.rules.per_example]):
        for split in ("train", "unseen"):
            dataset = Dataset(recipe.replace({"rules.per_example": rules, "sweep": {}}), split=split)
            assert not dataset.spills, (name, split, rules)


def test_presets() -> None:
    presets = Recipe.presets()
    assert {"paper/basic", "paper/no-op"} <= set(presets)
    assert all(line and not line.startswith("#") for line in presets.values())
    for name in presets:
        Recipe.load(name)
    assert (BASE.words.no_op, BASE.examples, BASE.instructions, BASE.words.length) == (0.3, 1_000_000, 1000, (50, 50))
    assert Recipe.load("paper/basic").sweep["instructions"][-1] == 1_000_000


@pytest.mark.parametrize("recipe", [
    BASE, Recipe(), Recipe.load("paper/basic"),
    BASE.replace({"rules.alphabet": {"bytes": [0, 255]}, "words.occurrences": 2}),
    BASE.replace({"rules.family": ["repeated", {"name": "mirrored", "weight": 2, "k": [3, 4]}], "rules.k": 5,
                  "rules.replacement_length": [5, 9], "rules.effect": {"shrink": 1}}),
    BASE.replace({"rules.list": [["ab", "b"], ["cb", ""], ["", "é"]], "rules.alphabet": "a-cé", "instructions": 1,
                  "words.no_op": 0.0}),
    BASE.replace({"rules.list": [["ab", "b"], [[0, 255], []]], "rules.alphabet": {"bytes": [0, 255]},
                  "instructions": 1}),
    BASE.replace({"render.prompt": 'a "b" \\ \t\n\x7f\u0001é😀 {word}', "examples": None, "words.no_op": 1e-05}),
])  # fmt: skip
def test_written_and_read_back(recipe: Recipe, tmp_path: Path) -> None:
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert hash(recipe) == hash(Recipe.from_json(recipe.to_json()))
    for suffix, text in ((".toml", recipe.to_toml()), (".json", recipe.to_json())):
        path = tmp_path / f"recipe{suffix}"
        path.write_text(text, "utf-8")
        assert Recipe.load(path) == Recipe.load(str(path)) == recipe


def test_replace() -> None:
    changed = BASE.replace({"words.no_op": 0.5, "rules.pattern_length": 7}, examples=10)
    assert (changed.words.no_op, changed.examples, changed.rules.pattern_length) == (0.5, 10, (7, 7))
    assert changed.words.length == BASE.words.length
    assert BASE.replace(examples=None).examples is None
    assert BASE.replace({"words": {"length": 60}}).words.no_op == 0
    with pytest.raises(RecipeError, match=r"words\.nope: unknown field; the fields here are length"):
        BASE.replace({"words.nope": 1})
    with pytest.raises(RecipeError, match=r"examples\.x: examples has no fields"):
        BASE.replace({"examples.x": 1})


def test_fingerprints() -> None:
    sized = BASE.replace({"examples": 5, "instructions": 4, "eval.examples": 3, "eval.instructions": 2})
    assert sized.identity == BASE.identity
    assert len({sized.fingerprint, BASE.fingerprint, BASE.identity}) == 3
    assert BASE.replace(sweep=None).fingerprint == BASE.fingerprint
    assert BASE.replace({"words.no_op": 0.2}).identity != BASE.identity
    assert BASE.replace({"words.length": 50}).fingerprint == BASE.fingerprint
    assert json.loads(BASE.to_json()) == BASE.to_dict()


def test_the_same_recipe_has_the_same_fingerprint_for_ever() -> None:
    """It names folders and data sets: the canonical text of a recipe is part of what is promised."""
    every = Recipe.from_dict({
        "examples": 50, "instructions": 3, "popularity": [3, 0.5, 1], "eval": {"examples": 9, "words": {"length": 45}},
        "rules": {"alphabet": "a-f", "family": [{"name": "repeated", "weight": 2, "k": [1, 2]}, "uniform"],
                  "pattern_length": 4, "replacement_length": [4, 6], "effect": {"keep": 1, "grow": 0.5}},
        "words": {"length": [30, 40], "no_op": 0.25, "near_miss": 1, "occurrences": [1, 3]},
        "render": {"prompt": ["{word}", "{pattern} {word}"]}, "shifts": {"long": {"words.length": [50, 60]}},
    })  # fmt: skip
    found = {name: recipe.fingerprint[:16] for name, recipe in (("none", Recipe()), ("no-op", BASE), ("every", every))}
    assert found == {"none": "4d985dae7bf6c77a", "no-op": "ad7408b848bf4c85", "every": "4854608e7bb53403"}


def test_numbers_of_numpy_and_tuples_are_plain_values() -> None:
    counts = np.array([1, 2])
    shift = {"words.length": np.int64(60), "words.occurrences": counts}
    recipe = BASE.replace(
        {"words.no_op": np.float64(0.5), "words.length": (50, np.int32(60)), "words.occurrences": counts,
         "popularity": {"power_law": np.float64(0.5)}, "shifts": {"long": shift}, "eval.words": {"length": (9, 70)},
         "sweep": {"words.no_op": list(np.linspace(0.0, 0.5, 3)), "instructions": np.array([10, 20]),
                   "words.length,examples": ((50, 5), (60, 6))}},
        examples=np.int64(500), instructions=np.uint8(20),
    )  # fmt: skip
    assert Recipe.from_json(recipe.to_json()) == Recipe.from_toml(recipe.to_toml()) == recipe
    assert recipe.shifts["long"] == {"words.length": 60, "words.occurrences": [1, 2]}
    assert recipe.sweep["words.no_op"] == [0.0, 0.25, 0.5]
    assert len(points(recipe.replace(sweep={"instructions": np.array([10, 20])}))) == 2
    built = Recipe(examples=np.int64(5), words=Words(no_op=np.float64(0.5), length=np.int64(7), occurrences=counts),
                   rules=Rules(pattern_length=2), sweep={"words.no_op": np.array([0.1])})  # fmt: skip
    assert built == Recipe.from_dict(built.to_dict())
    assert type(built.examples) is int
    sources = [{"name": "a", "files": ["a.json"], "ratio": np.float64(1)}]
    assert MixtureRecipe.from_dict({"sources": sources, "examples": np.int64(5)}).examples == 5


def test_recipes_are_equal_where_they_are_written_alike() -> None:
    two, whole = (BASE.replace(popularity={"power_law": law}) for law in (2.0, 2))
    for a, b, same in (
        (BASE.replace({"words.no_op": -0.0}), BASE.replace({"words.no_op": 0.0}), True),
        (BASE.replace(shifts={"one": {"words.length": (5, 60)}}),
         BASE.replace(shifts={"one": {"words.length": [5, 60]}}), True),
        (BASE.replace(sweep={"instructions": (1, 2)}), BASE.replace(sweep={"instructions": [1, 2]}), True),
        (BASE.replace(sweep={"instructions": [1]}), BASE.replace(sweep={"instructions": [2]}), False),
        (two, whole, False),
    ):  # fmt: skip
        assert (a == b) is same
        assert (a.to_json() == b.to_json()) is same
        assert Recipe.from_json(a.to_json()) == a
        assert hash(a) == hash(b) or not same
    assert BASE.to_dict() != BASE


def test_no_value_of_a_recipe_can_be_changed() -> None:
    recipe = BASE.replace({
        "words.occurrences": [1, 2], "render.prompt": ["{word}", "{word}="], "rules.family": ["uniform"],
        "shifts": {"long": {"words.length": [5, 60]}}, "eval.words": {"no_op": 0.5}, "popularity": {"zipf": 1.5},
    })  # fmt: skip
    for change in (
        lambda: recipe.words.occurrences.append(99), lambda: recipe.render.prompt.pop(),
        lambda: recipe.rules.family.sort(),
        lambda: recipe.shifts["long"]["words.length"].__setitem__(0, 7), lambda: recipe.shifts.clear(),
        lambda: recipe.eval.words.update(no_op=2), lambda: recipe.popularity.__setitem__("zipf", 2),
        lambda: Recipe(sweep={"instructions": [1]}).sweep["instructions"].extend([2]), lambda: BASE.sweep.clear(),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="a recipe cannot be changed"):
            change()
    for again in (copy.deepcopy(recipe), copy.copy(recipe), pickle.loads(pickle.dumps(recipe))):
        assert again == recipe
    fields = recipe.to_dict()
    fields["words"]["occurrences"].append(1)
    assert Recipe.from_dict(fields).occurrences == [1, 2, 1]
    assert (recipe.occurrences, type(fields["shifts"])) == ([1, 2], dict)


@pytest.mark.parametrize(("changes", "path", "message"), [
    ({"words.no_op": 1.5}, "words.no_op", "must be between 0 and 1, got 1.5"),
    ({"words.no_op": -0.1}, "words.no_op", "must be between 0 and 1"),
    ({"words.no_op": "x"}, "words.no_op", 'must be a number, got "x"'),
    ({"words.length": "60,70"}, "words.length", 'must be a number or [least, greatest], such as [60, 70], got "60,70"'),
    ({"words.length": [1, 2, 3]}, "words.length", "must be a list of 2 values, got [1, 2, 3]"),
    ({"words.length": [1, True]}, "words.length[1]", "must be a whole number, got true"),
    ({"words.occurrences": "a"}, "words.occurrences", 'must be a number or a list of numbers, or left out, got "a"'),
    ({"rules.family": [{"name": "repeated", "k": 2.5}]}, "rules.family[0].k", "such as [60, 70], or left out, got 2.5"),
    ({"popularity": 3}, "popularity", "must be text, a table of fields or a list, got 3"),
    ({"render.prompt": ["a" * 100, 3]}, "render.prompt[1]", "must be text, got 3"),
    ({"sweep": {"words.length": "a" * 100}}, "sweep.words.length", f'must be a list, got "{"a" * 76}...'),
    ({"words.no_op": 1e-30}, "words.no_op", "at most 17 decimals"),
    ({"rules.pattern_length": 51}, "rules.pattern_length", "longer than every word"),
    ({"rules.pattern_length": 0}, "words.no_op", "must be 0, since the empty pattern"),
    ({"rules.pattern_length": [20, 10]}, "rules.pattern_length", "must be [least, greatest]"),
    ({"rules.replacement_length": -1}, "rules.replacement_length", "must be [least, greatest]"),
    ({"rules.replacement_length": [1, 2, 3]}, "rules.replacement_length", "must be a list of 2 values"),
    ({"words.length": 0}, "words.length", "must be [least, greatest] within 1"),
    ({"rules.alphabet": "aa"}, "rules.alphabet", "letter 'a' occurs twice"),
    ({"rules.alphabet": "a"}, "rules.alphabet", "2 to 256 letters"),
    ({"rules.alphabet": {"bytes": [0]}}, "rules.alphabet.bytes", "must be a list of 2 values"),
    ({"rules.holdout": 1.0}, "rules.holdout", "less than 1"),
    ({"rules.pattern_length": [10, 60]}, "rules.pattern_length", "60 is longer than every word"),
    ({"rules.family": "mirrored"}, "rules.k", "must be given for the family 'mirrored'"),
    ({"rules.family": ["repeated", "uniform"]}, "rules.family[0]", "must be given for the family 'repeated'"),
    ({"rules.family": "striped", "rules.k": 2}, "rules.family", "must be one of uniform, repeated"),
    ({"rules.family": ["repeated", "striped"], "rules.k": 2}, "rules.family[1]", "must be one of uniform"),
    ({"rules.family": [{"name": "striped"}], "rules.k": 2}, "rules.family[0].name", "must be one of uniform"),
    ({"rules.family": "striped"}, "rules.family", "must be one of uniform, repeated"),
    ({"rules.family": ["mirored"]}, "rules.family[0]", "must be one of uniform, repeated"),
    ({"rules.family": [{"nme": "striped"}]}, "rules.family[0].nme", "the fields here are name, weight, k"),
    ({"rules.family": [{"name": "repeated", "k": 21}]}, "rules.family[0].k", "21 repetitions need sides of at least"),
    ({"rules.family": [{"name": "repeated", "k": 2, "weight": 0}]}, "rules.family[0].weight", "must be more than 0"),
    ({"rules.family": [{"name": "uniform", "weight": math.inf}]}, "rules.family[0].weight", "must be a finite number"),
    ({"rules.family": [{"name": "repeated", "k": 2, "weight": 1e-9}, "uniform"]}, "rules.family", "add up to"),
    ({"rules.family": ["uniform", "repeated"], "rules.k": 2}, "rules.family[1]", "one listed before; list it first"),
    ({"rules.family": []}, "rules.family", "at least one family"),
    ({"rules.k": 3}, "rules.k", "must be left out, since uniform strings do not repeat"),
    ({"rules.family": "periodic", "rules.k": [4, 3]}, "rules.k", "must be [least, greatest] from 1 on"),
    ({"rules.family": "periodic", "rules.k": [3, 30]}, "rules.k", "30 repetitions need sides of at least 30 letters; "
     "the shortest that is not empty has 20"),
    ({"rules.effect": {"grow": 1}}, "rules.effect.grow", "is impossible with these lengths"),
    ({"rules.effect": {"stretch": 1}}, "rules.effect", "unknown effect 'stretch'; there are delete, shrink"),
    ({"rules.effect": {"keep": -1}}, "rules.effect.keep", "must be at least 0"),
    ({"rules.effect": {"keep": math.nan}}, "rules.effect.keep", "must be a finite number, got nan"),
    ({"rules.effect": {}}, "rules.effect", "at least one effect"),
    ({"rules.effect": {"keep": 1, "grow": "x"}}, "rules.effect.grow", 'must be a number, got "x"'),
    ({"popularity.zipf": 1}, "popularity.zipf", "has no fields, unless it is a table: give all of it, "
     "popularity = { zipf = ... }"),
    ({"rules.alphabet.bytes": [0, 9]}, "rules.alphabet.bytes", "give all of it, rules.alphabet = { bytes = ... }"),
    ({"words.length.least": 1}, "words.length.least", "words.length has no fields"),
    ({"shifts": {"a": {}, "b": 1}}, "shifts.b", "must be a table of fields, got 1"),
    ({"shifts": {"a": {"words": {"length": 60}}}}, "shifts.a.words", 'write the path in quotes, "words.length" = ...'),
    ({"sweep": {"instructions": 1}}, "sweep.instructions", "must be a list, got 1"),
    ({"sweep": {"words": {"no_op": [0.1]}}}, "sweep.words", 'write the path in quotes, "words.no_op" = ...'),
    ({"sweep": {"words.no_op": [0.1, math.nan]}}, "sweep.words.no_op[1]", "a finite number, got nan"),
    ({"sweep": {"words.occurrences": [1, None]}}, "sweep.words.occurrences[1]", "got None"),
    ({"sweep": {"rules.alphabet": [{"bytes": [0, b"x"]}]}}, "sweep.rules.alphabet[0].bytes[1]", "got b'x'"),
    ({"shifts": {"a": {"words.occurrences": None}}}, "shifts.a.words.occurrences", "a finite number, got None"),
    ({"eval.words": {"occurrences": None}}, "eval.words.occurrences", "a finite number, got None"),
    ({"examples": 10**400}, "examples", "got a number of 401 digits"),
    ({"words.length": 10**40}, "words.length", "got [a number of 41 digits, a number of 41 digits]"),
    ({"rules.family": "a\ud800"}, "rules.family", "character 2 cannot be written as UTF-8"),
    ({"rules.list": [["a", "b"], ["c", "\udfff"]]}, "rules.list[1][1]", "cannot be written as UTF-8"),
    ({"shifts": {"a\ud800": {"words.no_op": 0.1}}}, "shifts", "character 2 "),
    ({"sweep": {"rules.alphabet": ["ab", "a\ud800"]}}, "sweep.rules.alphabet[1]", "character 2 "),
    ({"rules.list": [["ab", "b"], ["ab", "b"]]}, "rules.list[1]", "repeats list[0]"),
    ({"rules.list": [["ab", "ab"]]}, "rules.list[0]", "changes nothing"),
    ({"rules.list": [["ab", "B"]]}, "rules.list[0]", "letter 'B' is not in the alphabet"),
    ({"rules.list": []}, "rules.list", "at least one rule"),
    ({"rules.list": [["ab", [98]]]}, "rules.list", "must hold strings"),
    ({"rules.list": [["ab", "b"]], "rules.alphabet": {"bytes": [0, 255]}, "rules.k": 2}, "rules.list", "the place of"),
    ({"rules.list": [[[256], "b"]], "rules.alphabet": {"bytes": [0, 255]}}, "rules.list", "from 0 to 255"),
    ({"rules.list": [["a", "b"], ["b", "c"]], "instructions": 2}, "instructions", "2 different instructions are not"),
    ({"rules.pattern_length": [1, 5], "rules.replacement_length": 1, "rules.strict": True, "instructions": 3000},
     "rules.strict", "the stratum of family 'uniform', k = 1, lengths 1 and 1 has 506 rules, too few from rule 2530"),
    ({"rules.per_example": 65}, "rules.per_example", "between 1 and 64"),
    ({"rules.per_example": 65, "task.kind": "run", "rules.pool": 100}, "rules.per_example", "between 1 and 64"),
    ({"rules.per_example": 0, "task.kind": "trace"}, "rules.per_example", "between 1 and 64"),
    ({"rules.pool": 2}, "rules.pool", "is of several rules"),
    ({"rules.per_example": 4, "rules.pool": 4}, "rules.pool", "between 5 and"),
    ({"rules.program": "nonsense", "task.kind": "run"}, "rules.program", "must be one of"),
    ({**PROGRAM, "words.length": [1, 40]}, "words.length",
     "lets binary-to-unary run to more than 2147483647 steps: make it smaller, or give task.max_steps"),
    ({**PROGRAM, "words.length": [1, 40], "task.max_steps": 9}, "words.length",
     "lets binary-to-unary run to more than 16777216 letters: make it smaller, or give task.max_length"),
    ({"rules.cascade": 0.5}, "rules.cascade", "two rules or more"),
    ({"popularity": {"zipf": -1}}, "popularity", "between 0.001 and 1000"),
    ({"popularity": "often"}, "popularity", 'must be "uniform"'),
    ({"popularity": [1.0, 2.0]}, "popularity", "lists 2 weights for 1000"),
    ({"popularity": {"zipf": 1}, "instructions": None, "examples": 10}, "popularity", "needs `instructions`"),
    ({"task.kind": "walk"}, "task.kind", "must be one of rewrite, run"),
    ({"task.kind": "encrypted"}, "task.cipher", "must be given"),
    ({"task.kind": "encrypted", "task.cipher": "rot13"}, "task.cipher", "shift, substitution"),
    ({"task.pairs": 3}, "task.pairs", "is of the kinds induce"),
    ({"task.kind": "induce"}, "words.no_op", "must be 0"),
    ({"task.kind": "scheme", "task.variables": "XX"}, "task.variables", "occurs twice"),
    ({"task.kind": "scheme", "rules.alphabet": "A-Z"}, "task.variables",
     "letter 'X' occurs twice, the alphabet and the variables taken together"),
    ({"task.kind": "run", "words.occurrences": 2}, "words.occurrences", "one rule and one step"),
    ({"words.near_miss": 1.5}, "words.near_miss", "between 0 and 1"),
    ({"words.near_miss": 0.5, "task.kind": "scheme"}, "words.near_miss", "share of the no-ops of one step"),
    ({"words.near_miss_edits": 21}, "words.near_miss_edits", "between 1 and 20, the length of the shortest pattern"),
    ({"words.sampler": "best"}, "words.sampler", "planted or exact"),
    ({"words.occurrences": []}, "words.occurrences", "at least one number"),
    ({"words.fires": [1.0]}, "words.fires", "several"),
    ({"shifts": {"train": {}}}, "shifts.train", "must be a name"),
    ({"shifts": {"longer": {"eval.examples": 3}}}, "shifts.longer.eval.examples", "not the path of a field"),
    ({"shifts": {"longer": {"render.prompt": "{x}"}}}, "shifts.longer", "unknown field"),
    ({"shifts": {"longer": {"words.length": [3, 5]}}}, "shifts.longer", "longer than every word"),
    ({"eval.words": {"length": 4}}, "eval.words", "longer than every word"),
    ({"words.occurrences": 0}, "words.occurrences", "at least 1"),
    ({"words.occurrences": 3}, "words.occurrences", "need words of 60"),
    ({"words.occurrences": 1, "rules.pattern_length": 0, "words.no_op": 0.0}, "words.occurrences", "left out"),
    ({"render.prompt": "ab{x}"}, "render.prompt", "character 3: unknown field {x}; the fields are {index}"),
    ({"render.completion": "a}b"}, "render.completion", "character 2: '}' closes nothing"),
    ({"render.prompt": "\ud800"}, "render.prompt", "character 1 cannot be written"),
    ({"examples": 0}, "examples", "between 1 and"),
    ({"instructions": 0}, "instructions", "between 1 and"),
    ({"examples": 1.5}, "examples", "must be a whole number, or left out, got 1.5"),
    ({"rules.pattern_length": 1, "rules.replacement_length": 1, "instructions": 10**6}, "instructions",
     "1000000 different instructions are not possible: the rule space holds 506 for training (of 650 rules)"),
    ({"rules.pattern_length": 1, "rules.replacement_length": 1, "instructions": None}, "examples",
     "1000000 examples need as many instructions"),
    ({"rules.pattern_length": 1, "rules.replacement_length": 1, "instructions": 5, "eval.instructions": 20},
     "eval.instructions", "20 are not possible: 6 are held out"),
    ({"rules.alphabet": "ab", "rules.pattern_length": 1, "rules.replacement_length": 1, "words.no_op": 0.0},
     "rules", "no rule"),
    ({"sweep": {"words.nope": [1]}}, "sweep.words.nope", "is not the path of a field"),
    ({"sweep": {"examples": []}}, "sweep.examples", "at least one value"),
    ({"wrds": {}}, "wrds", "unknown field; the fields here are examples"),
])  # fmt: skip
def test_impossible_fields(changes: dict[str, object], path: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        BASE.replace(changes)
    assert caught.value.path == path
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"recipe: {path}: ")
    assert isinstance(caught.value, ValueError)
    assert caught.value.__context__ is None or caught.value.__suppress_context__, "a second traceback above it"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[words]\nno_op = 1.5\n")
    with pytest.raises(RecipeError) as caught:
        Recipe.load(path)
    assert str(caught.value) == "mine.toml: words.no_op: must be between 0 and 1, got 1.5"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    path.write_text("[words\n")
    with pytest.raises(RecipeError, match=r"mine.toml: is not TOML: .*line 1"):
        Recipe.load(path)
    path.write_bytes(b"# \xff\n")
    with pytest.raises(RecipeError, match="is not UTF-8 text"):
        Recipe.load(path)
    path.with_suffix(".json").write_text("[1, 2]")
    with pytest.raises(RecipeError, match=r"mine\.json: must be a table of fields"):
        Recipe.load(path.with_suffix(".json"))
    path.with_suffix(".json").write_text("{")
    with pytest.raises(RecipeError, match="is not JSON"):
        Recipe.load(path.with_suffix(".json"))
    for value in ("[" * 50_000, "1" * 5000):
        for read, text in ((Recipe.from_json, f'{{"examples": {value}'), (Recipe.from_toml, f"examples = {value}")):
            with pytest.raises(RecipeError, match=r"recipe: is not (JSON|TOML): "):
                read(text)
    with pytest.raises(RecipeError, match=r"paper/nope: is neither a preset \(first-rewrite, .*paper/basic, "):
        Recipe.load("paper/nope")
    with pytest.raises(FileNotFoundError):
        Recipe.load(tmp_path / "none.toml")


def test_templates() -> None:
    assert [piece.tag or piece.literal for piece in parse_template("{{{pattern}}}>{word}")] == [
        "{", "pattern", "}>", "word",
    ]  # fmt: skip
    assert parse_template("") == []
    with pytest.raises(TemplateError, match=r"character 2: '\{' is not closed"):
        parse_template("a{word")


def test_rules_of_thousands_of_letters_need_no_printed_size() -> None:
    recipe = BASE.replace({"rules.pattern_length": 5000, "words.length": 6000, "examples": 3})
    example = Dataset(recipe, 1)[0]
    assert len(example.pattern) == 5000
    assert example.output == example.word.replace(example.pattern, example.replacement, 1)


def test_a_recipe_that_is_constructed_is_checked_and_converted() -> None:
    assert Recipe(words={"no_op": 0.3}, examples=10) == Recipe.from_dict({"words": {"no_op": 0.3}, "examples": 10})  # type: ignore[arg-type]
    for fields, path in (
        ({"words": Words(no_op=1.5)}, "words.no_op"), ({"examples": -5}, "examples"), ({"examples": "x"}, "examples"),
        ({"words": {"no_op": 2}}, "words.no_op"), ({"words": 3}, "words"), ({"words": {"nope": 3}}, "words.nope"),
        ({"instructions": 1000, "rules": Rules(alphabet="abc", pattern_length=1, replacement_length=1)},
         "instructions"),
    ):  # fmt: skip
        with pytest.raises(RecipeError) as caught:
            Recipe(**fields)  # type: ignore[arg-type]
        assert caught.value.path == path
    with pytest.raises(RecipeError, match=r"mixture: sources\[0\]\.ratio: must be more than 0"):
        MixtureRecipe(sources=[{"name": "a", "files": ["a.json"], "ratio": -1}], examples=5)  # type: ignore[list-item]
    mixture = MixtureRecipe.load("paper/code-19k-1k")
    assert pickle.loads(pickle.dumps(mixture)) == mixture
    assert copy.deepcopy(BASE) == pickle.loads(pickle.dumps(BASE)) == BASE


@pytest.mark.parametrize("changes", [
    {"rules.alphabet": "abc"}, {"rules.pattern_length": 3}, {"rules.replacement_length": [0, 3]},
    {"rules.holdout": 0.2}, {"rules.strict": True}, {"rules.terminating": True}, {"words.sampler": "exact"},
    {"words.sampler": "bogus"}, {"words.near_miss": 5}, {"words.near_miss": float("nan")}, {"words.fires": [1]},
    {"rules.family": "nonsense"}, {"rules.k": 7}, {"rules.effect": {"grow": 1}}, {"words.near_miss_edits": 2},
])  # fmt: skip
def test_a_program_takes_the_place_of_rules_and_words(changes: dict[str, object]) -> None:
    program = BASE.replace({"rules.program": "binary-increment", "task.kind": "run", "words.no_op": 0.0,
                            "instructions": None, "words.length": [3, 9]})  # fmt: skip
    with pytest.raises(RecipeError) as caught:
        program.replace(changes)
    assert caught.value.path == next(iter(changes))


@pytest.mark.parametrize(
    "changes", [{"rules.pattern_length": 3}, {"rules.replacement_length": [0, 3]}, {"rules.strict": True}]
)
def test_a_list_takes_the_place_of_lengths(changes: dict[str, object]) -> None:
    """But a shift to a list leaves those of training behind."""
    listed = {"rules.list": [["ab", "c"], ["b", "cc"], ["d", "e"]], "instructions": 2}
    with pytest.raises(RecipeError, match=r"must be left out with rules\.list, whose rules are given") as caught:
        BASE.replace({**listed, **changes})
    assert caught.value.path == next(iter(changes))
    shift = BASE.replace({"shifts": {"listed": {"rules.list": listed["rules.list"]}}, "instructions": 2, **changes})
    assert shift.for_split("listed").space.size == 3


TASKS = {
    "rewrite": {}, "encrypted": {"task.cipher": "shift"}, "scheme": {}, "induce": {"words.no_op": 0.0},
    "run": {"rules.terminating": False}, "trace": {},
}  # fmt: skip


@pytest.mark.parametrize(("template", "kinds"), [
    ("{key|spaced}", {"encrypted"}), ("{step_count}", {"run", "trace"}), ("{certificate}", {"trace"}),
    ("{for step in steps}{step.word}{end}", {"run", "trace"}), ("{for pair in pairs}{pair.word}{end}", {"induce"}),
    ("{for rule in rules}{rule.pattern}{end}{word}{outcome}", set(TASKS)),
])  # fmt: skip
def test_templates_hold_only_what_the_task_fills(template: str, kinds: set[str]) -> None:
    base = BASE.replace({"rules.pattern_length": 4, "rules.replacement_length": 4, "instructions": 10})
    for kind, changes in TASKS.items():
        for field in ("render.prompt", "render.completion"):
            asked = {"task.kind": kind, **changes, field: ["{word}", f"= {template}"]}
            if kind in kinds:
                assert base.replace(asked).task.kind == kind
                continue
            with pytest.raises(RecipeError, match=r"character 3: .* is of .*, and empty here") as caught:
                base.replace(asked)
            assert caught.value.path == f"{field}[1]"


def test_templates_may_hold_what_a_shift_fills_and_must_hold_what_it_needs() -> None:
    shift = {"shifts": {"secret": {"task.kind": "encrypted", "task.cipher": "shift"}}}
    keyed = BASE.replace({**shift, "render.prompt": "{word}+{key}="}, examples=5)
    assert Dataset(keyed)[0].prompt == f"{Dataset(keyed)[0].word}+="
    assert Dataset(keyed, split="secret")[0].prompt[-2] in "0123456789"
    assert "{key}" in BASE.replace(shift).for_split("secret").render.prompt
    with pytest.raises(RecipeError, match=r"shifts\.secret\.task\.kind: needs {key} in the prompt"):
        keyed.replace({"render.prompt": "{word}="})
    own = {"secret": {**shift["shifts"]["secret"], "render.prompt": "{word}+{key|spaced}="}}
    assert BASE.replace({"shifts": own, "render.prompt": "{word}="}).for_split("secret").task.kind == "encrypted"
    with pytest.raises(RecipeError, match=r"render\.prompt: character 1: {key} is of the task encrypted"):
        BASE.replace({"shifts": own, "render.prompt": "{key}{word}="})
    with pytest.raises(RecipeError, match=r"shifts\.plain\.render\.prompt\[1\]: character 1: {key} is of"):
        BASE.replace({"shifts": {**own, "plain": {"render.prompt": ["{word}", "{key}"]}}})
    with pytest.raises(RecipeError, match=r"shifts\.pairs\.task\.kind: needs {for pair in pairs} in the prompt"):
        BASE.replace({"render.prompt": "{word}", "words.no_op": 0.0, "shifts": {"pairs": {"task.kind": "induce"}}})


@pytest.mark.parametrize("kind", ["run", "trace", "scheme"])
def test_the_exact_sampler_is_for_one_step_of_plain_rules(kind: str) -> None:
    changes = {"task.kind": kind, "words.sampler": "exact", "rules.pattern_length": 4, "instructions": 10}
    with pytest.raises(RecipeError, match=r"words\.sampler: exact is for words of one step of plain rules"):
        BASE.replace(changes)


def test_a_preset_of_the_other_kind_is_told_so() -> None:
    with pytest.raises(RecipeError, match="paper/code-20k-0: is a preset of mixtures"):
        Dataset("paper/code-20k-0")
    with pytest.raises(RecipeError, match="paper/no-op: is a preset of recipes"):
        MixtureRecipe.load("paper/no-op")


def test_a_list_or_a_program_takes_the_place_of_sizes() -> None:
    listed = Recipe.load("paper/no-op").replace({"rules.list": [["ab", "ba"], ["c", "d"]]}, instructions=1)
    assert listed.rules.pattern_length == Rules().pattern_length
    program = listed.replace({"rules.list": None, "rules.program": "reverse", "task.kind": "run", "words.no_op": 0.0},
                             instructions=None)  # fmt: skip
    assert Dataset(program.replace({"words.length": [3, 5]}))[0].rules
    with pytest.raises(RecipeError, match=r"rules\.pattern_length: must be left out with rules\.list"):
        listed.replace({"rules.list": [["ab", "ba"], ["c", "d"]], "rules.pattern_length": 7})


def test_one_field_of_a_shift_or_one_axis_can_be_replaced() -> None:
    recipe = BASE.replace({"shifts": {"a": {"words.length": 60, "examples": 7}}, "sweep": {"instructions": [1, 2]}})
    changed = recipe.replace({"shifts.a.words.length": [61, 62], "shifts.a.examples": None, "shifts.b.words.no_op": 0.5,
                              "sweep.words.no_op": [0.1, 0.2]})  # fmt: skip
    assert changed.shifts == {"a": {"words.length": [61, 62]}, "b": {"words.no_op": 0.5}}
    assert changed.sweep == {"instructions": [1, 2], "words.no_op": [0.1, 0.2]}
    with pytest.raises(RecipeError, match=r"shifts\.a\.words\.nope: is not the path of a field"):
        recipe.replace({"shifts.a.words.nope": 1})


def test_recipes_stay_as_they_were_checked() -> None:
    recipe = Recipe.load("paper/no-op").replace({
        "shifts": {"a": {"words.length": [60, 61]}}, "sweep": {"words.no_op": [0.1, 0.2]},
    })  # fmt: skip
    table, listed = recipe.shifts, recipe.sweep["words.no_op"]
    changes = [
        (table, lambda v: v.__ior__({})),
        (table, lambda v: v.update(b={})),
        (table, lambda v: v.pop("a")),
        (listed, lambda v: v.__imul__(2)),
        (listed, lambda v: v.__iadd__([1])),
        (listed, lambda v: v.append(1)),
    ]
    for value, change in changes:
        for again in (value, copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            with pytest.raises(TypeError, match="a recipe cannot be changed"):
                change(again)


def test_values_are_told_where_one_name_begins_another() -> None:
    fields = {"shifts": {"long": {}, "longer": {"words.length": "x"}}}
    problem = in_words("shifts.longer.words.length", "expected `int | array`, got `str`", fields)
    assert problem.endswith('got "x"')


def test_rules_taken_are_those_of_the_pool() -> None:
    recipe = Recipe.load("paper/no-op").replace({
        "rules.per_example": 2, "rules.pool": 6, "rules.pattern_length": [3, 6], "rules.replacement_length": [3, 6],
        "words.length": 30, "examples": 100, "instructions": 20,
    })  # fmt: skip
    dataset = Dataset(recipe, 3)
    assert dataset.rules_taken == len({rule for example in dataset for rule in example.rules}) == 6
