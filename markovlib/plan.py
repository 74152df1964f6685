"""Compiles a split of a recipe for the engine."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import comb, lcm
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovlib import _stream
from markovlib.fields import RecipeError
from markovlib.instructions import InstructionSet, Share, buckets, instruction_set, shortage
from markovlib.popularity import cumulative, read_popularity
from markovlib.recipe import SPLITS, Recipe, lengths_of, space_fields
from markovlib.recipe_checks import NEEDS_INSTRUCTIONS
from markovlib.render import compile_templates

if TYPE_CHECKING:
    from markovlib.programs import Segment
    from markovlib.spaces import Choice

_SPAWN_KEY = 0x6D61726B6F76
_ORDER_OWN, _ORDER_CYCLE, _ORDER_SHUFFLED, _ORDER_WEIGHTED = range(4)
_WORD_CLASSES = {"train": 1, "seen": 2}
_KINDS = {"rewrite": 0, "encrypted": 0, "run": 1, "trace": 1, "scheme": 2, "induce": 3}
_KEYS = {None: 0, "shift": 1, "substitution": 2}
_PLANTS = 3
_PAIRS = 4
_WORDS_TO_DIVIDE = 4096
_NO_LETTER = 256

LARGEST_INDEX = 2**62

# In a shift to another space, the rules of a stratum, and of all strata, that are looked at; of a stratum with more,
# those that mostly suffice, the candidates for a rule at least, and how many of them will do on average.
_LISTED = 2**16
_LOOKED_AT = 2**20
_GLANCED_AT = 2**12
_CANDIDATES = 64
_EXPECTED = 32

# Rules that a report looks at, at most.
COUNTED_RULES = 2**16


def stream_key(seed: int) -> tuple[int, int]:
    """The Philox key of a seed: 128 bits of NumPy's SeedSequence, under a spawn key of this library's own."""
    words = np.random.SeedSequence(seed, spawn_key=(_SPAWN_KEY,)).generate_state(2, np.uint64)
    return int(words[0]), int(words[1])


def split_id(split: str) -> int:
    """The number of a split in the counter: the first eight bytes of the SHA-256 of its name, the lowest first."""
    return int.from_bytes(hashlib.sha256(split.encode()).digest()[:8], "little")


def _fraction(share: Fraction) -> tuple[int, int]:
    return share.numerator, share.denominator


class SplitPlan:
    """A split of a recipe: which instructions it uses, in which order, and its examples compiled for the engine.

    Raises RecipeError where the recipe cannot serve the split.
    """

    def __init__(self, recipe: Recipe, seed: int, split: str) -> None:
        self.base = recipe
        self.recipe = recipe.for_split(split)
        self.seed = seed
        self.split = split
        self.several = self.recipe.rules.per_example > 1 or self.recipe.rules.program is not None
        self.plain = not self.several and self.recipe.task.kind == "rewrite" and not self.recipe.terminating
        self.instructions = self._instructions()
        self.in_use, self.order = self._use()
        self.engine = self._compile()

    @cached_property
    def size(self) -> int | None:
        """The number of examples; None where the recipe leaves it open."""
        return self.recipe.examples if self.split == "train" else self.recipe.eval.examples

    @cached_property
    def limit(self) -> int:
        """Indices that exist."""
        if self.size is not None:
            return self.size
        return min(LARGEST_INDEX, self.in_use) if self.order == _ORDER_OWN else LARGEST_INDEX

    @property
    def own(self) -> bool:
        """Whether every example has an instruction of its own."""
        return self.order == _ORDER_OWN

    @property
    def rules_used(self) -> int:
        """How many of the first rules of its share the split has a use for, at most."""
        return min(self.instructions.rules_used(self._instructions_used), LARGEST_INDEX)

    @property
    def rules_taken(self) -> int:
        """How many different rules the split's examples have, at most."""
        return self.instructions.rules_taken(self._instructions_used)

    @property
    def _instructions_used(self) -> int:
        return min(self.in_use, self.limit) if self.order in (_ORDER_OWN, _ORDER_CYCLE) else self.in_use

    @property
    def divides_by_rule(self) -> bool:
        """Whether each rule is looked at by itself, if it has words enough for `train` and `seen` to have their own."""
        task = self.recipe.task
        return self.instructions.per_example == 1 and not task.runs and task.kind != "scheme"

    @cached_property
    def divides(self) -> bool:
        """Whether there are words enough for `train` and `seen` to have their own, where rules are not looked at."""
        program, length = self.recipe.program, lengths_of(self.recipe.words.length)
        if program is None:
            letters, widest = len(self.recipe.alphabet), self.recipe.space.pattern_lengths[1]
            if self.recipe.task.step_counts is not None:
                plants = self.recipe.task.step_counts
                return min(_arrangements(letters, length[1] - n * widest, n) for n in plants) >= _WORDS_TO_DIVIDE
            free = length[1] - widest
            return free > 0 and letters ** min(free, 12) >= _WORDS_TO_DIVIDE
        words = 1
        for segment in program.segments(length):
            words *= _words_of(segment)
        return words >= _WORDS_TO_DIVIDE

    # ---- instructions -------------------------------------------------------------------------------------------

    @property
    def _elsewhere(self) -> bool:
        """Whether the split's rules are of another space than those of training."""
        here, there = ((space_fields(recipe.rules), recipe.letters.letters) for recipe in (self.recipe, self.base))
        return here != there and self.recipe.rules.program is None

    def _instructions(self) -> InstructionSet:
        if self.split == "recombined" and self.recipe.rules.pool is None:
            raise RecipeError("rules.pool", "must be given for the split 'recombined'")
        if self.split == "unseen" and self.recipe.rules.program is not None:
            problem = "has no rules to hold out for the split 'unseen'; words that training has not are in 'seen'"
            raise RecipeError("rules.program", problem)
        choose = self._choose if self._chooses else None
        found = instruction_set(self.recipe, self.split, choose)
        if found is None or not found.possible:
            raise RecipeError(*self._why_none())
        return found

    @property
    def _chooses(self) -> bool:
        """Whether instructions with a side that training could use are left out beforehand; else candidates are."""
        if self._refused is None:
            return False
        return self.recipe.task.kind != "scheme" or buckets(self.recipe, self.recipe.divide()[0]) == (1, 1)

    def _choose(self, share: Share) -> list[Choice]:
        """Which instructions of each stratum have no side that training could use; of large ones, so many candidates
        for a rule that one will hardly ever be missing."""
        assert self._refused is not None
        space = _stream.RuleSpace(stream_key(self.seed), share.for_engine(1))
        choices: list[Choice] = []
        for number, stratum in enumerate(share.strata):
            most = min(stratum.possible, _LISTED, max(_CANDIDATES, _LOOKED_AT // len(share.strata)))
            tried = most if most == stratum.possible else min(most, _GLANCED_AT)
            found = space.acceptable(number, tried, self._refused, self._refused_codes)
            if len(found) < _CANDIDATES and tried < most:
                tried = most
                found = space.acceptable(number, tried, self._refused, self._refused_codes)
            if tried == stratum.possible or not len(found):
                choices.append(found.astype(np.uint32))
            else:
                choices.append(max(_CANDIDATES, 1 << (_EXPECTED * tried // len(found)).bit_length()))
        return choices

    def _why_none(self) -> tuple[str, str]:
        """Why the split has no instructions: the field, and what is wrong."""
        rules, none = self.recipe.rules, f"no rule can be held out for the split {self.split!r}"
        _, held_out = self.recipe.divide()
        if rules.list is not None and held_out is None:
            one = self.recipe.space.size == 1
            return "rules.list", f"{none}: " + (
                "there is one only" if one else "the rules of the list are all joined by sides that they share"
            )
        for side, lengths in (("pattern", rules.pattern_length), ("replacement", rules.replacement_length)):
            if rules.list is None and lengths_of(lengths) == (0, 0) and self.split != "recombined":
                only = f"since the empty {side} is the only one and belongs to training; let some be longer"
                return f"rules.{side}_length", f"{none}, {only}"
        if held_out is None or not held_out.possible:
            return "rules", f"the space is too small to hold out rules for the split {self.split!r}"
        found = instruction_set(self.recipe, self.split) if self._chooses else None
        if found is not None and found.possible:
            problem = f"every rule for the split {self.split!r} has a side that training could use"
            left = f"rules.holdout leaves it {held_out.possible} of the {self.recipe.space.size} rules"
            return "rules", f"{problem}; {left}"
        return shortage(self.recipe, self.split)

    def _use(self) -> tuple[int, int]:
        """How many instructions are used, and in which order."""
        recipe, possible = self.recipe, self.instructions.possible
        if self.split == "train":
            if recipe.instructions is None and read_popularity(recipe.popularity) is not None:
                raise RecipeError("popularity", NEEDS_INSTRUCTIONS)
            if recipe.instructions is None:
                return (1, _ORDER_CYCLE) if recipe.rules.program is not None else (possible, _ORDER_OWN)
            law = read_popularity(recipe.popularity)
            return recipe.instructions, _ORDER_SHUFFLED if law is None else _ORDER_WEIGHTED
        trained = possible
        if self.split == "seen":
            trained = min(possible, recipe.instructions or recipe.examples or possible)
        if recipe.eval.instructions is None:
            return trained, _ORDER_CYCLE
        return min(trained, recipe.eval.instructions), _ORDER_SHUFFLED

    # ---- the engine's plan ----------------------------------------------------------------------------------------

    def _compile(self) -> _stream.Plan:
        recipe, words, rules = self.recipe, self.recipe.words, self.recipe.rules
        letters, made = recipe.letters, self.instructions
        program = recipe.program
        segments = None if program is None else program.segments(lengths_of(words.length))
        return _stream.Plan(
            key=stream_key(self.seed),
            split=split_id(self.split),
            letters=letters.encoded,
            word_letters=len(letters) if program is not None else len(recipe.alphabet),
            text=letters.text,
            space=self._space(made, max(self.rules_used, made.rules_used(COUNTED_RULES))),
            refused=self._refused,
            refused_codes=self._refused_codes,
            fixed=None if program is None else self._fixed(),
            per_example=made.per_example,
            pool=(made.pool, made.first, made.tuples, made.named),
            turns=(made.turns, min(made.rules, LARGEST_INDEX)),
            buckets=(made.bucket, made.rule_bucket),
            variables=len(letters) - len(recipe.alphabet) if recipe.task.kind == "scheme" else 0,
            terminating=recipe.terminating,
            cascade=None if rules.cascade is None else _fraction(Fraction(str(rules.cascade))),
            instructions=min(self.in_use, LARGEST_INDEX),
            order=self.order,
            popularity=self._popularity(),
            size=self.size,
            no_op=_fraction(recipe.no_op_share),
            near_miss=_fraction(recipe.near_miss_share),
            near_miss_edits=words.near_miss_edits or 1,
            occurrences=recipe.occurrences,
            fires=self._fires(),
            lengths=lengths_of(words.length) if segments is None else _total(segments),
            exact=words.sampler == "exact",
            words=_WORD_CLASSES.get(self.split, 0),
            divides=self.divides,
            segments=None if segments is None else [self._segment(segment) for segment in segments],
            task=self._task(),
            paraphrases=max(len(recipe.render.prompts), len(recipe.render.completions)),
            prompt=compile_templates(recipe.render.prompts),
            completion=compile_templates(recipe.render.completions),
            fields=[compile_templates(f"{{{name}}}") for name in _stream.TEXT_COLUMNS[2:]],
        )

    def _space(self, made: InstructionSet, rules: int) -> _stream.RuleSpace | None:
        """The engine's rule space, good for so many of its rules."""
        share = made.share
        if share is None:
            return None
        return _stream.RuleSpace(stream_key(self.seed), share.for_engine(min(rules, LARGEST_INDEX)))

    @cached_property
    def _refused(self) -> _stream.RuleSpace | None:
        """The training share whose sides a shift into another space must not have."""
        if not self._elsewhere or self.split in SPLITS or self.recipe.letters.text != self.base.letters.text:
            return None
        trained = instruction_set(self.base, "train")
        return None if trained is None else self._space(trained, 1)

    @cached_property
    def _refused_codes(self) -> NDArray[np.uint16] | None:
        """The numbers that the letters have in the alphabet of training; None where it is the same."""
        here, there = self.recipe.letters.letters, self.base.letters.letters
        if here == there or self.recipe.letters.text != self.base.letters.text:
            return None
        codes = {letter: code for code, letter in enumerate(there)}
        return np.array([codes.get(letter, _NO_LETTER) for letter in here], np.uint16)

    def _fixed(self) -> list[tuple[bytes, bytes, bool]]:
        program, letters = self.recipe.program, self.recipe.letters
        assert program is not None
        return [(letters.codes(rule.pattern), letters.codes(rule.replacement), rule.terminal) for rule in program.rules]

    def _segment(self, segment: Segment) -> tuple[bytes, int, int, bool, bool]:
        codes = self.recipe.letters.codes(segment.letters)
        return codes, segment.least, segment.greatest, segment.first_not_zero, segment.balanced

    def _popularity(self) -> Any:
        law = read_popularity(self.recipe.popularity) if self.order == _ORDER_WEIGHTED else None
        return None if law is None else cumulative(law, self.in_use)

    def _fires(self) -> list[int] | None:
        """The weights of the rules that fire, added up, as whole numbers."""
        weights = self.recipe.words.fires
        if weights is None:
            return None
        exact = [Fraction(str(weight)) for weight in weights]
        common = lcm(*(weight.denominator for weight in exact))
        return list(accumulate(int(weight * common) for weight in exact))

    def _task(self) -> dict[str, Any]:
        recipe, task = self.recipe, self.recipe.task
        return {
            "kind": _KINDS[task.kind],
            "least_steps": lengths_of(task.steps)[0] if task.steps is not None else 0,
            "max_steps": recipe.max_steps,
            "max_length": recipe.max_length,
            "must_halt": task.steps is not None or (task.halting if task.halting is not None else True),
            "plants": task.plants or _PLANTS,
            "asked_steps": task.step_counts,
            "pairs": task.pairs or _PAIRS,
            "cipher": _KEYS[task.cipher],
            "cipher_place": int(task.enciphered == "replacement"),
            "cipher_of_instruction": task.key == "instruction",
            "traced": recipe.traced,
            "certified": "{certificate}" in str(recipe.render),
        }


def _arrangements(letters: int, free: int, plants: int) -> int:
    """How many words there are of so many plants, in one order, and free letters, counted up to a bound."""
    free = min(free, 12)
    return int(letters**free) * comb(free + plants, plants)


def _total(segments: tuple[Segment, ...]) -> tuple[int, int]:
    """The shortest and the longest word that stretches make."""
    pairs = [2 if segment.balanced else 1 for segment in segments]
    least = sum(two * segment.least for two, segment in zip(pairs, segments, strict=True))
    return least, sum(two * segment.greatest for two, segment in zip(pairs, segments, strict=True))


def _words_of(segment: Segment) -> int:
    """How many different stretches there are at least, counted up to a bound."""
    letters, longest = len(segment.letters), min(segment.greatest, 13)
    if letters < 2:
        return segment.greatest - segment.least + 1
    return (
        1 if longest == 0 else (1 if segment.balanced else letters - segment.first_not_zero) * letters ** (longest - 1)
    )
