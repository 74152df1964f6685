"""Instructions: how the rules of a space make the instructions of a data set, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import perm
from typing import TYPE_CHECKING, NamedTuple

from markovlib.quotas import round_half_up
from markovlib.rulelists import ListedInstructions, RuleList
from markovlib.spaces import Choice, Instructions, RuleSpace, SpaceError

if TYPE_CHECKING:
    from markovlib.recipe import Recipe

# Candidates for an instruction and for a rule, of which the first acceptable one is taken: enough for the rarest of
# what is asked.
_CANDIDATES = 64
_SCHEME_CANDIDATES = 4096

# The engine numbers rules, sets of rules and candidates in 64 bits.
_MOST_NUMBERS = 2**62


Share = Instructions | ListedInstructions


class InstructionSet(NamedTuple):
    """The instructions of a split.

    `share` is its share of the rule space, None for a named program.  Instruction j is made of the rules j*n to
    j*n + n - 1 of the share, n = `per_example`, which change places by a key within each run of `turns` rules; with a
    `pool` of R rules, of the n different rules of the pool that arrangement number `first` + j in keyed order names,
    `tuples` being all arrangements.  Of these, only those of the first `named` rules are numbered where all of them
    would be 2^62 or more; the others are drawn.  Where not every candidate is acceptable, instruction j is the first
    acceptable one of the candidates j*`bucket` to (j+1)*`bucket` - 1, and rule number r the first acceptable one of the
    rules r*`rule_bucket` to (r+1)*`rule_bucket` - 1; of lists that are too short for that, all are acceptable.
    """

    share: Share | None
    per_example: int
    pool: int
    first: int
    tuples: int
    named: int
    turns: int
    bucket: int
    rule_bucket: int
    possible: int

    @property
    def rules(self) -> int:
        """How many rules of the share there are to be numbered."""
        return 1 if self.share is None else self.share.rule_count // self.rule_bucket

    def rules_used(self, instructions: int) -> int:
        """How many of the share's first rules the first so many instructions are made of, at most."""
        used = self.pool or instructions * self.bucket * self.per_example
        return min(-(-used // self.turns) * self.turns, self.rules) * self.rule_bucket

    def rules_taken(self, instructions: int) -> int:
        """How many different rules the first so many instructions have, at most; refused candidates are no rules."""
        taken = min(instructions * self.per_example, self.rules)
        return min(taken, self.pool) if self.pool else taken


def instruction_set(
    recipe: Recipe, split: str, choose: Callable[[Share], Sequence[Choice]] | None = None
) -> InstructionSet | None:
    """The instructions of a split; None where the space is too small to hold out rules for it.

    `choose` says by stratum which of a share's will do, where not all will.
    """
    rules = recipe.rules
    if rules.program is not None:
        return InstructionSet(None, recipe.rules_of_program, 0, 0, 0, 0, 1, 1, 1, 1)
    train, tests = recipe.divide()
    share = train if split in ("train", "seen", "recombined") else tests
    if share is None or not share.possible:
        return None
    bucket, rule_bucket = buckets(recipe, train)
    if choose is not None:
        share = share.chosen(choose(share))
    if rules.pool is None:
        candidates = rules.per_example * bucket * rule_bucket
        possible = share.rule_count if candidates == 1 else min(share.rule_count, _MOST_NUMBERS) // candidates
        mixed = rules.per_example > 1 and share.period > 1 and rule_bucket == 1
        turns = rules.per_example * share.period if mixed else 1
        return InstructionSet(share, rules.per_example, 0, 0, 0, 0, turns, bucket, rule_bucket, possible)
    pool = min(rules.pool, min(share.rule_count, _MOST_NUMBERS) // rule_bucket)
    if pool < rules.per_example:
        return None
    named = rules.per_example
    while perm(pool, named) >= _MOST_NUMBERS:
        named -= 1
    tuples = perm(pool, named)
    first, count = _tuples_of(recipe, split, tuples)
    return InstructionSet(share, rules.per_example, pool, first, tuples, named, 1, bucket, rule_bucket, count // bucket)


# ---- candidates -----------------------------------------------------------------------------------------------------


def _candidates(recipe: Recipe) -> tuple[int, int]:
    """How many candidates an instruction of a rule space has, and how many each of its rules."""
    bucket = _CANDIDATES if recipe.terminating or recipe.rules.cascade is not None else 1
    return bucket, _SCHEME_CANDIDATES if recipe.task.kind == "scheme" else 1


def buckets(recipe: Recipe, train: Share) -> tuple[int, int]:
    """How many candidates an instruction has, and how many each of its rules; `train` is the share of training."""
    bucket, rule_bucket = _candidates(recipe)
    if (
        isinstance(train, ListedInstructions)
        and recipe.rules.per_example == 1
        and train.possible < bucket * rule_bucket
    ):
        return 1, 1
    return bucket, rule_bucket


def usable_rules(recipe: Recipe, space: RuleSpace | RuleList) -> RuleSpace | RuleList:
    """The rules of a recipe: all of a space; of a list that is too short for candidates, those that will do, which then
    need none.  Raises SpaceError where none of the list will do."""
    bucket, rule_bucket = _candidates(recipe)
    if not isinstance(space, RuleList) or recipe.rules.per_example > 1 or bucket * rule_bucket == 1:
        return space
    letters = len(recipe.alphabet) if recipe.task.kind == "scheme" else None
    return _usable_listed(space, recipe.holdout_share, bucket * rule_bucket, letters)


@lru_cache(maxsize=64)
def _usable_listed(listed: RuleList, holdout: Fraction, candidates: int, letters: int | None) -> RuleList:
    """With `letters`, those of words, rules must be schemes; else they must terminate."""
    if listed.divide(holdout)[0].possible >= candidates:
        return listed
    codes = listed.alphabet.codes
    kept = [
        (rule.pattern, rule.replacement)
        for rule in listed
        if _is_usable(codes(rule.pattern), codes(rule.replacement), letters)
    ]
    if not kept:
        what = "is proved to terminate" if letters is None else "is a scheme"
        raise SpaceError("list", f"has no rule that {what}, and {listed.size} in all")
    return RuleList(listed.alphabet, kept)


def _is_usable(pattern: bytes, replacement: bytes, letters: int | None) -> bool:
    return _terminates(pattern, replacement) if letters is None else _is_scheme(pattern, replacement, letters)


def _terminates(pattern: bytes, replacement: bytes) -> bool:
    """Whether the engine proves that a rule by itself terminates (csrc/certify.c): it makes words shorter, or smaller
    in some order of the letters, or takes more of some letter than it puts there."""
    return len(replacement) <= len(pattern) or bool(Counter(pattern) - Counter(replacement))


def _is_scheme(pattern: bytes, replacement: bytes, letters: int) -> bool:
    """Whether the engine takes a rule for a scheme (csrc/instructions.c); variables come behind the letters."""
    used = letters
    for code in pattern:
        if code > used:
            return False
        used += code == used
    known = all(code < used for code in replacement) and any(code >= letters for code in replacement)
    return letters < used < letters + len(pattern) and known


def shortage(recipe: Recipe, split: str, asked: int = 1) -> tuple[str, str]:
    """Which field leaves a split with fewer instructions than are asked for, and why, in numbers."""
    bucket, rule_bucket = buckets(recipe, recipe.divide()[0])
    where, held, each = _held(recipe, split, rule_bucket)
    need = f"{asked} instructions need" if asked > 1 else "an instruction needs"
    problem = f"{held} for the split {split!r}, and {need} {asked * each * bucket}"
    if bucket * rule_bucket > 1:
        problem += f", since each is the first of {bucket * rule_bucket} candidates that {_acceptable(recipe)}"
    return where, problem


def _held(recipe: Recipe, split: str, rule_bucket: int) -> tuple[str, str, int]:
    """(field, what it gives a split, how many of these a candidate for an instruction takes)."""
    rules, (train, tests) = recipe.rules, recipe.divide()
    share = train if split in ("train", "seen", "recombined") else tests
    count = 0 if share is None else share.possible
    pool = 0 if rules.pool is None else min(rules.pool, count // rule_bucket)
    if pool >= rules.per_example:
        tuples = _tuples_of(recipe, split, perm(pool, rules.per_example))[1]
        return "rules.pool", f"{pool} rules have {tuples} tuple{'s' * (tuples != 1)} of {rules.per_example}", 1
    held = f"{count} rule{'s' * (count != 1)}"
    where, held = ("rules", f"the space has {held}") if rules.list is None else ("rules.list", f"has {held}")
    return where, held, rules.per_example * rule_bucket


def _acceptable(recipe: Recipe) -> str:
    """What makes a candidate acceptable."""
    if recipe.task.kind == "scheme":
        return "is a scheme"
    return "terminates" if recipe.terminating else "is of the kind asked for"


def _tuples_of(recipe: Recipe, split: str, tuples: int) -> tuple[int, int]:
    """The first arrangement of a split and their number: training leaves a share of them for `recombined`."""
    if split not in ("train", "seen", "recombined"):
        return 0, tuples
    held = min(max(1, round_half_up(recipe.holdout_share * tuples)), tuples - 1)
    return (tuples - held, held) if split == "recombined" else (0, tuples - held)
