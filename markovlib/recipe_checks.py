"""What must hold of a recipe: every field possible, and possible together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from typing import Any, NoReturn

import msgspec

from markovlib.fields import RecipeError, in_quotes, leaves
from markovlib.instructions import InstructionSet, instruction_set, shortage
from markovlib.popularity import MOST_WEIGHED, read_popularity
from markovlib.recipe import (
    KINDS,
    NOT_OF_PROGRAMS,
    SPLITS,
    TASK_FIELDS,
    UNUSED_BESIDE,
    FamilyEntry,
    Recipe,
    Render,
    Rules,
    Words,
    fields_at,
    lengths_of,
)
from markovlib.render import TemplateError, compile_template, paraphrases, parse_template
from markovlib.spaces import SpaceError

LONGEST_PART = 2**16
LONGEST_WORD = 2**24
_MOST_EXAMPLES = 2**62
_MOST_WEIGHTS = 2**25
_MOST_STEPS = 2**31 - 1
_MOST_STEP_COUNT = 1000
_MOST_RULES = 64
_MOST_TRACE = 2**28

_TASK_CHOICES = {
    "cipher": ("shift", "substitution"), "enciphered": ("word", "replacement"), "key": ("example", "instruction"),
}  # fmt: skip

_FILLED: dict[str, tuple[Callable[[Recipe], bool], str]] = {
    "key": (lambda recipe: recipe.task.kind == "encrypted", "the task encrypted"),
    "certificate": (lambda recipe: recipe.terminating, "rules that must terminate (rules.terminating)"),
    "step_count": (lambda recipe: recipe.task.runs, "the tasks run and trace"),
    "for step in steps": (lambda recipe: recipe.task.runs, "the tasks run and trace"),
    "for pair in pairs": (lambda recipe: recipe.task.kind == "induce", "the task induce"),
}
"""What stands in templates and is of some tasks only: whether it is of a recipe's, and whose it is."""

_SHOWN = {"encrypted": "key", "induce": "for pair in pairs"}
"""What the prompts of a task must have, for it to have an answer."""

NEEDS_INSTRUCTIONS = "needs `instructions`, the number of rules that it weighs"
_TABLES = ("rules", "words", "task", "render", "eval")


def check_recipe(recipe: Recipe, source: str, part: bool = False) -> None:
    """Raises RecipeError for the first field that is impossible, or not supported in this version.

    Of a `part`, what a split of another recipe follows, fields that nothing uses are let be: others use them.  So is
    how many instructions it would have for training, which it never gives.
    """
    check = _Check(source)
    check.sizes(recipe)
    check.program(recipe)
    check.task(recipe)
    check.rules(recipe)
    check.words(recipe)
    check.program_runs(recipe)
    check.templates(recipe)
    check.instructions(recipe, part)
    check.popularity(recipe)
    check.shifts(recipe)
    check.sweep(recipe)
    if not part:
        check.unused(recipe)
        check.tags(recipe)


def _written_at(rules: Rules, field: str) -> str:
    """Where in the table what the space calls `family[i].k` and the like was written."""
    found = re.fullmatch(r"family\[(\d+)\](?:\.(\w+))?", field)
    if not found:
        return field
    entry = rules.family if isinstance(rules.family, str) else rules.family[int(found.group(1))]
    if found.group(2) == "k" and (isinstance(entry, str) or entry.k is None) and rules.k is not None:
        return "k"
    if isinstance(rules.family, str):
        return "k" if found.group(2) == "k" else "family"
    return field if isinstance(entry, FamilyEntry) else field.partition(".")[0]


def _listed(recipe: Recipe) -> str:
    """Of how many listed rules the task can use those of the space, where it cannot use all."""
    listed = recipe.rules.list or ()
    return f" that the task can use, of {len(listed)} listed" if len(listed) > recipe.space.size else ""


class _Check:
    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, path: str, problem: str) -> NoReturn:
        raise RecipeError(path, problem, self.source) from None  # what it was made of says no more

    def within(self, path: str, value: int | None, least: int, greatest: int) -> None:
        if value is not None and not least <= value <= greatest:
            self.fail(path, f"must be between {least} and {greatest}, got {value}")

    def sizes(self, recipe: Recipe) -> None:
        self.within("examples", recipe.examples, 1, _MOST_EXAMPLES)
        self.within("instructions", recipe.instructions, 1, _MOST_EXAMPLES)
        self.within("eval.examples", recipe.eval.examples, 1, _MOST_EXAMPLES)
        self.within("eval.instructions", recipe.eval.instructions, 1, _MOST_EXAMPLES)

    def task(self, recipe: Recipe) -> None:
        task, rules = recipe.task, recipe.rules
        if task.kind not in KINDS:
            self.fail("task.kind", f"must be one of {', '.join(KINDS)}, got {json.dumps(task.kind)}")
        for name, kinds in TASK_FIELDS.items():
            if getattr(task, name) is not None and task.kind not in kinds:
                self.fail(f"task.{name}", f"is of the kinds {', '.join(kinds)}; leave it out for {task.kind!r}")
        for name, known in _TASK_CHOICES.items():
            value = getattr(task, name)
            if value is not None and value not in known:
                self.fail(f"task.{name}", f"must be one of {', '.join(known)}, got {json.dumps(value)}")
        self.within("task.max_steps", task.max_steps, 1, _MOST_STEPS)
        self.within("task.max_length", task.max_length, 1, LONGEST_WORD)
        self.within("task.plants", task.plants, 1, 1000)
        self.within("task.pairs", task.pairs, 1, 1000)
        if task.steps is not None:
            self.lengths("task.steps", lengths_of(task.steps), 1, _MOST_STEPS)
        if task.step_counts is not None:
            self.step_counts(recipe, task.step_counts)
        self.within("rules.per_example", rules.per_example, 1, _MOST_RULES)
        if task.kind in ("encrypted", "scheme", "induce") and rules.per_example != 1:
            self.fail("rules.per_example", f"must be 1 for the task {task.kind!r}, got {rules.per_example}")
        if task.kind == "encrypted" and task.cipher is None:
            self.fail("task.cipher", 'must be given for the task \'encrypted\': "shift" or "substitution"')
        if recipe.traced and recipe.step_letters > _MOST_TRACE:
            self.fail("task.max_steps", f"times task.max_length must be at most {_MOST_TRACE} for a trace")

    def step_counts(self, recipe: Recipe, counts: list[int]) -> None:
        path, task = "task.step_counts", recipe.task
        for name in ("steps", "max_steps", "plants"):
            if getattr(task, name) is not None:
                self.fail(path, f"says how many steps there are; leave task.{name} out")
        if task.halting is False:
            self.fail(path, "is of runs that halt; leave task.halting out")
        if not counts:
            self.fail(path, "must list at least one number")
        for count in counts:
            self.within(path, count, 1, _MOST_STEP_COUNT)

    def several(self, recipe: Recipe) -> None:
        rules = recipe.rules
        self.within("rules.pool", rules.pool, rules.per_example + (rules.per_example > 1), _MOST_EXAMPLES - 1)
        if rules.pool is not None and rules.per_example == 1:
            self.fail("rules.pool", "is of several rules per example; use instructions for one")
        if rules.cascade is not None:
            self.cascade(recipe, rules.cascade)
        if rules.terminating and recipe.task.kind == "scheme":
            self.fail("rules.terminating", "is not for the task 'scheme', whose rules have variables")

    def cascade(self, recipe: Recipe, share: float) -> None:
        rules = recipe.rules
        if not 0 <= share <= 1 or rules.per_example < 2:
            self.fail("rules.cascade", f"must be a share of sets of two rules or more, got {share}")
        self.decimals("rules.cascade", share)
        if rules.list is not None:
            self.fail("rules.cascade", "writes patterns into replacements; leave it out with rules.list")
        least, greatest = recipe.space.pattern_lengths
        if share and not max(least, 1) <= recipe.space.replacement_lengths[1]:
            self.fail("rules.cascade", "needs replacements that can hold a pattern; lengthen rules.replacement_length")
        if share and not greatest:
            self.fail("rules.cascade", "needs patterns that are not empty")

    def program(self, recipe: Recipe) -> None:
        if recipe.rules.program is None:
            return
        from markovlib.programs import PROGRAMS

        if recipe.rules.program not in PROGRAMS:
            self.fail("rules.program", f"must be one of {', '.join(PROGRAMS)}, got {recipe.rules.program!r}")
        if not recipe.task.runs:
            self.fail("rules.program", "is for the tasks run and trace")
        try:
            PROGRAMS[recipe.rules.program].segments(lengths_of(recipe.words.length))
        except ValueError as error:
            self.fail("words.length", str(error))
        for path, value, only in (
            *((f"rules.{name}", getattr(recipe.rules, name), getattr(Rules(), name)) for name in NOT_OF_PROGRAMS),
            *((f"words.{name}", value, getattr(Words(), name))
              for name, value in msgspec.structs.asdict(recipe.words).items() if name != "length"),
            ("task.plants", recipe.task.plants, None), ("task.step_counts", recipe.task.step_counts, None),
        ):  # fmt: skip
            if value != only:
                self.fail(path, "must be left out with rules.program, whose rules and words are given")

    def program_runs(self, recipe: Recipe) -> None:
        """That the limits of a program's runs, which follow from its words, are such as can be."""
        if recipe.rules.program is None:
            return
        for name, value, most, what in (
            ("max_steps", recipe.max_steps, _MOST_STEPS, "steps"),
            ("max_length", recipe.max_length, LONGEST_WORD, "letters"),
        ):
            if value > most:
                problem = f"lets {recipe.rules.program} run to more than {most} {what}"
                self.fail("words.length", f"{problem}: make it smaller, or give task.{name}")

    def lengths(self, path: str, pair: tuple[int, int], least: int, greatest: int) -> None:
        low, high = pair
        if not least <= low <= high <= greatest:
            self.fail(path, f"must be [least, greatest] within {least} and {greatest}, got {[low, high]}")

    def rules(self, recipe: Recipe) -> None:
        rules = recipe.rules
        try:
            _ = recipe.alphabet
        except ValueError as error:
            self.fail("rules.alphabet", str(error))
        for name in ("pattern_length", "replacement_length"):
            pair = lengths_of(getattr(rules, name))
            self.lengths(f"rules.{name}", pair, 0, LONGEST_PART)
        if not 0 <= rules.holdout < 1:
            self.fail("rules.holdout", f"must be at least 0 and less than 1, got {rules.holdout}")
        self.decimals("rules.holdout", rules.holdout)
        try:
            _ = recipe.letters
        except ValueError as error:
            together = "" if isinstance(error, UnicodeError) else ", the alphabet and the variables taken together"
            self.fail("task.variables", f"{error}{together}")
        self.space(recipe)
        self.several(recipe)

    def space(self, recipe: Recipe) -> None:
        rules = recipe.rules
        if rules.list is not None and (rules.family != "uniform" or rules.k is not None or rules.effect is not None):
            self.fail("rules.list", "takes the place of family, k and effect; leave them out")
        for i, entry in enumerate(rules.family if isinstance(rules.family, list) else []):
            if isinstance(entry, FamilyEntry):
                self.decimals(f"rules.family[{i}].weight", entry.weight)
        for name, weight in (rules.effect or {}).items():
            self.decimals(f"rules.effect.{name}", weight)
        if rules.program is not None:
            return
        try:
            _ = recipe.space
        except SpaceError as error:
            self.fail(f"rules.{_written_at(rules, error.field)}", error.problem)

    def decimals(self, path: str, value: float) -> None:
        if isinstance(value, float) and not isfinite(value):
            self.fail(path, f"must be a finite number, got {value}")
        if Fraction(str(value)).denominator > 10**17:
            self.fail(path, f"must have at most 17 decimals, got {value}")

    def share(self, path: str, value: float) -> None:
        if not 0 <= value <= 1:
            self.fail(path, f"must be between 0 and 1, got {value}")
        self.decimals(path, value)

    def words(self, recipe: Recipe) -> None:
        words = recipe.words
        low, high = lengths_of(words.length)
        self.lengths("words.length", (low, high), 1, LONGEST_WORD)
        self.share("words.no_op", words.no_op)
        if recipe.rules.program is not None:
            return
        least, pattern = recipe.space.pattern_lengths
        if pattern > high:
            at = "rules.pattern_length" if recipe.rules.list is None else "rules.list"
            self.fail(at, f"{pattern} is longer than every word (words.length = {[low, high]})")
        most = max(recipe.task.step_counts or [0])
        if most * pattern > high:
            self.fail(
                "task.step_counts", f"{most} steps with patterns of {pattern} letters need words of {most * pattern}; "
                f"words.length ends at {high}",
            )  # fmt: skip
        if least == 0 and words.no_op:
            self.fail("words.no_op", "must be 0, since the empty pattern occurs in every word")
        if words.sampler not in ("planted", "exact"):
            self.fail("words.sampler", f"must be planted or exact, got {json.dumps(words.sampler)}")
        if words.sampler == "exact" and (recipe.task.runs or recipe.task.kind == "scheme"):
            self.fail("words.sampler", f"exact is for words of one step of plain rules; the task {recipe.task.kind!r} "
                      "has words of its own, so leave it out")  # fmt: skip
        if recipe.task.kind == "induce" and words.no_op:
            self.fail("words.no_op", "must be 0 for the task 'induce', since a no-op says little about its rule")
        self.near_misses(recipe, least)
        self.plain_words(recipe, least, pattern, high)
        if words.fires is not None:
            self.fires(recipe)

    def near_misses(self, recipe: Recipe, least: int) -> None:
        words = recipe.words
        self.share("words.near_miss", words.near_miss)
        most = max(least, 1)
        if not 1 <= (words.near_miss_edits or 1) <= most:
            problem = f"must be between 1 and {most}, the length of the shortest pattern, got {words.near_miss_edits}"
            self.fail("words.near_miss_edits", problem)
        if words.near_miss and (recipe.task.runs or recipe.task.kind == "scheme"):
            self.fail("words.near_miss", "is a share of the no-ops of one step of plain rules; leave it out here")

    def plain_words(self, recipe: Recipe, least: int, pattern: int, longest: int) -> None:
        """What only words for one rule have."""
        words = recipe.words
        if words.occurrences is None:
            return
        if recipe.rules.per_example > 1 or recipe.task.runs or recipe.task.kind == "scheme":
            self.fail("words.occurrences", "is of one rule and one step; leave it out here")
        counts = recipe.occurrences
        if not counts:
            self.fail("words.occurrences", "must list at least one number")
        if least == 0:
            self.fail("words.occurrences", "must be left out, since the empty pattern occurs everywhere")
        for count in counts:
            self.occurrences(count, pattern, longest)

    def fires(self, recipe: Recipe) -> None:
        weights = recipe.words.fires or []
        if recipe.rules.per_example < 2 or recipe.task.runs:
            self.fail("words.fires", "weighs the rules of an example with several of them and one step")
        sound = len(weights) == recipe.rules.per_example and all(0 <= weight <= 1e9 for weight in weights)
        if not sound or not sum(weights) > 0:
            self.fail(
                "words.fires",
                f"must list {recipe.rules.per_example} weights between 0 and 1e9, not all of them 0, got {weights}",
            )
        for weight in weights:
            if Fraction(str(weight)).denominator > 10**6:
                self.fail("words.fires", f"must have at most 6 decimals, got {weight}")

    def occurrences(self, count: int, pattern: int, longest: int) -> None:
        path = "words.occurrences"
        if count < 1:
            self.fail(path, f"must be at least 1, got {count}; for words without the pattern use words.no_op")
        if count * pattern > longest:
            self.fail(
                path, f"{count} occurrences of patterns of {pattern} letters need words of {count * pattern}; "
                f"words.length ends at {longest}",
            )  # fmt: skip
        if count > 1 and (count + 1) * (longest + 1) * pattern > _MOST_WEIGHTS:
            self.fail(path, f"(occurrences + 1) * (longest word + 1) * pattern must be at most {_MOST_WEIGHTS}")

    def templates(self, recipe: Recipe) -> None:
        counts = []
        for name in ("prompt", "completion"):
            given = getattr(recipe.render, name)
            for i, template in enumerate(paraphrases(given)):
                self.template(f"render.{name}" if isinstance(given, str) else f"render.{name}[{i}]", template)
            counts.append(len(paraphrases(given)))
            if not counts[-1]:
                self.fail(f"render.{name}", "must list at least one template")
        if 1 not in counts and counts[0] != counts[1]:
            self.fail(
                "render", f"{counts[0]} prompts and {counts[1]} completions do not pair; give as many of either, or one"
            )

    def unused(self, recipe: Recipe) -> None:
        """What would be passed over in silence."""
        for beside, names in UNUSED_BESIDE.items():
            for name in names if getattr(recipe.rules, beside) is not None else ():
                if getattr(recipe.rules, name) != getattr(Rules(), name):
                    self.fail(f"rules.{name}", f"must be left out with rules.{beside}, whose rules are given")

    def tags(self, recipe: Recipe) -> None:
        """That what a template goes through or fills in is there in some split that it is for."""
        parts = {name: recipe.for_split(name) for name in recipe.shifts}
        for name in ("prompt", "completion"):
            field = f"render.{name}"
            own = {shift for shift, changes in recipe.shifts.items() if field in changes}
            self.filled(field, recipe.render, name, [recipe, *(parts[shift] for shift in parts.keys() - own)])
            for shift in sorted(own):
                self.filled(f"shifts.{shift}.{field}", parts[shift].render, name, [parts[shift]])

    def filled(self, path: str, render: Render, name: str, users: list[Recipe]) -> None:
        """That some of the users of these templates have what they go through or fill in."""
        given = getattr(render, name)
        for i, template in enumerate(paraphrases(given)):
            for piece in parse_template(template):
                has, whose = _FILLED.get(piece.tag.partition("|")[0], (None, ""))
                if has is not None and not any(map(has, users)):
                    problem = f"character {piece.at + 1}: {{{piece.tag}}} is of {whose}, and empty here"
                    self.fail(path if isinstance(given, str) else f"{path}[{i}]", problem)

    def shown(self, path: str, recipe: Recipe, shift: Recipe) -> None:
        """That prompts written for another task have what that of a shift needs."""
        tag = _SHOWN.get(shift.task.kind)
        if tag is None or shift.task.kind == recipe.task.kind:
            return
        for prompt in shift.render.prompts:
            if not any(piece.tag.partition("|")[0] == tag for piece in parse_template(prompt)):
                self.fail(f"{path}.task.kind", f"needs {{{tag}}} in the prompt: leave render.prompt out, or give "
                          f'"render.prompt" in {path}')  # fmt: skip

    def template(self, path: str, template: str) -> None:
        try:
            compile_template(template)
        except TemplateError as error:
            self.fail(path, str(error))

    def instructions(self, recipe: Recipe, part: bool) -> None:
        if recipe.rules.program is not None:
            if (recipe.instructions or 1) != 1 and not part:
                self.fail("instructions", f"must be left out with rules.program, got {recipe.instructions}")
            return
        if not part:
            self.training(recipe)
        tests = instruction_set(recipe, "unseen")
        held_out = tests.possible if tests else 0
        if 0 < held_out < (recipe.eval.instructions or 0):
            self.fail("eval.instructions", f"{recipe.eval.instructions} are not possible: {held_out} are held out")

    def training(self, recipe: Recipe) -> None:
        """That there are as many instructions as training asks for."""
        train = instruction_set(recipe, "train")
        possible = train.possible if train else 0
        asked = recipe.instructions or recipe.examples or 0
        if not recipe.divide()[0].possible:
            self.fail("rules", "the space has no rule for training besides x -> x; lengthen a side")
        if not possible or (asked > possible and recipe.rules.list is not None and train and train.bucket > 1):
            self.fail(*shortage(recipe, "train", max(asked, 1)))
        if asked > possible:
            # Only spaces as small as that are written out: Python refuses to print numbers of thousands of digits.
            have = f"the rule space holds {possible} for training (of {recipe.space.size} rules{_listed(recipe)})"
            if recipe.instructions is not None:
                self.fail("instructions", f"{asked} different instructions are not possible: {have}")
            self.fail("examples", f"{asked} examples need as many instructions: {have}; give `instructions`")
        self.strict(recipe, train)

    def strict(self, recipe: Recipe, train: InstructionSet | None) -> None:
        """No stratum may run out within the instructions of training."""
        if not recipe.rules.strict or train is None or train.share is None:
            return
        asked = recipe.instructions or recipe.examples or train.possible
        for spill in train.share.spills(train.rules_used(asked)):
            stratum = train.share.strata[spill.stratum]
            self.fail(
                "rules.strict", f"the stratum of family {stratum.family!r}, k = {stratum.k}, lengths "
                f"{stratum.pattern_length} and {stratum.replacement_length} has {stratum.possible} rules, too few from "
                f"rule {spill.rule} on; ask for fewer instructions, or leave strict out",
            )  # fmt: skip

    def popularity(self, recipe: Recipe) -> None:
        try:
            law = read_popularity(recipe.popularity)
        except ValueError as error:
            self.fail("popularity", str(error))
        if law is None:
            return
        if recipe.instructions is None:
            # Without `examples` either it is a recipe of test sets, which popularity says nothing about.
            if recipe.examples is not None:
                self.fail("popularity", NEEDS_INSTRUCTIONS)
            return
        if recipe.instructions > MOST_WEIGHED:
            self.fail("instructions", f"must be at most {MOST_WEIGHED} for a popularity that is not uniform")
        if isinstance(recipe.popularity, list) and len(recipe.popularity) != recipe.instructions:
            self.fail("popularity", f"lists {len(recipe.popularity)} weights for {recipe.instructions} instructions")

    def kept(self, path: str, table: Any) -> None:
        """Values of any type must be such as TOML and JSON both have: what is written is what verify reads."""
        for place, leaf in leaves(table, path):
            if not isinstance(leaf, str | int | float) or (isinstance(leaf, float) and not isfinite(leaf)):
                self.fail(place, f"must be text, a boolean or a finite number, got {leaf!r}")

    def shifts(self, recipe: Recipe) -> None:
        self.kept("shifts", recipe.shifts)
        self.kept("eval.words", recipe.eval.words or {})
        for name, changes in recipe.shifts.items():
            path = f"shifts.{name}"
            if not re.fullmatch(r"\w+", name) or name in SPLITS:
                self.fail(path, f"must be a name of letters, digits and _, and none of {', '.join(SPLITS)}")
            for field in changes:
                table, _, last = field.rpartition(".")
                known = ("examples", "instructions") if not table else fields_at(table)
                if last not in known or table == "eval" or field in ("sweep", "shifts"):
                    problem = "is not the path of a field that a shift changes, such as words.length"
                    self.fail(f"{path}.{field}", problem + in_quotes(field, changes[field]))
                if field == "rules.holdout":
                    self.fail(f"{path}.{field}", "is that of training, which decides what is left for test sets")
        for split in ("unseen", *recipe.shifts):
            if split == "unseen" and not recipe.eval.words:
                continue
            bare = msgspec.structs.replace(recipe, shifts={split: recipe.shifts[split]} if split != "unseen" else {})
            try:
                part = bare.for_split(split)
            except RecipeError as error:
                where = f"shifts.{split}" if split != "unseen" else "eval.words"
                self.fail(where, f"{error.path}: {error.problem}".strip(": "))
            self.shown(f"shifts.{split}", recipe, part)

    def sweep(self, recipe: Recipe) -> None:
        """The names of the axes only: a point of a sweep is checked when it is made."""
        self.kept("sweep", recipe.sweep)
        seen: set[str] = set()
        for axis, values in recipe.sweep.items():
            paths = axis.split(",")
            for path in paths:
                table, _, field = path.rpartition(".")
                if field not in fields_at(table) or path in (*_TABLES, "shifts", "sweep"):
                    self.fail(f"sweep.{axis}", "is not the path of a field, such as words.no_op")
                if path in seen:
                    self.fail(f"sweep.{axis}", f"{path} is on two axes")
                seen.add(path)
            if not values:
                self.fail(f"sweep.{axis}", "must list at least one value")
            for value in values if len(paths) > 1 else []:
                if not isinstance(value, list) or len(value) != len(paths):
                    self.fail(
                        f"sweep.{axis}", f"must list lists of {len(paths)} values, one each for {' and '.join(paths)}, "
                        f"got {json.dumps(value)}",
                    )  # fmt: skip
