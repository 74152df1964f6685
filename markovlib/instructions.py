"""Instructions: how the rules of a space make the instructions of a data set, and how many there are."""

from __future__ import annotations

from math import perm
from typing import TYPE_CHECKING, NamedTuple

from markovlib.quotas import round_half_up
from markovlib.rulelists import ListedInstructions
from markovlib.spaces import Instructions

if TYPE_CHECKING:
    from markovlib.recipe import Recipe

# Candidates for an instruction and for a rule, of which the first acceptable one is taken: enough for the rarest of
# what is asked.
_CANDIDATES = 64
_RULE_CANDIDATES = 4096

# The engine numbers rules, sets of rules and candidates in 64 bits.
_MOST_NUMBERS = 2**62


class InstructionSet(NamedTuple):
    """The instructions of a split.

    `share` is its share of the rule space, None for a named program.  Instruction j is made of the rules j*n to
    j*n + n - 1 of the share, n = `per_example`; with a `pool` of R rules, of the n different rules of the pool that
    arrangement number `first` + j in keyed order names, `tuples` being all arrangements.  Of these, only those of the
    first `named` rules are numbered where all of them would be 2^62 or more; the others are drawn.  Where not every
    candidate is acceptable, instruction j is the first acceptable one of the candidates j*`bucket` to
    (j+1)*`bucket` - 1, and rule number r the first acceptable one of the rules r*`rule_bucket` to
    (r+1)*`rule_bucket` - 1.
    """

    share: Instructions | ListedInstructions | None
    per_example: int
    pool: int
    first: int
    tuples: int
    named: int
    bucket: int
    rule_bucket: int
    possible: int

    def rules_used(self, instructions: int) -> int:
        """How many of the share's first rules the first so many instructions are made of, at most."""
        return (self.pool or instructions * self.bucket * self.per_example) * self.rule_bucket


def instruction_set(recipe: Recipe, split: str, refusing: bool = False) -> InstructionSet | None:
    """The instructions of a split; None where the space is too small to hold out rules for it.

    `refusing` says that candidates may be refused because another space's training share holds a side of them.
    """
    rules = recipe.rules
    if rules.program is not None:
        return InstructionSet(None, recipe.rules_of_program, 0, 0, 0, 0, 1, 1, 1)
    train, tests = recipe.divide()
    share = train if split in ("train", "seen", "recombined") else tests
    if share is None or not share.possible:
        return None
    bucket = _CANDIDATES if recipe.terminating or rules.cascade is not None else 1
    rule_bucket = _rule_bucket(recipe, share.possible, refusing)
    if rules.pool is None:
        candidates = rules.per_example * bucket * rule_bucket
        possible = share.possible if candidates == 1 else min(share.possible, _MOST_NUMBERS) // candidates
        return InstructionSet(share, rules.per_example, 0, 0, 0, 0, bucket, rule_bucket, possible)
    pool = min(rules.pool, min(share.possible, _MOST_NUMBERS) // rule_bucket)
    if pool < rules.per_example:
        return None
    named = rules.per_example
    while perm(pool, named) >= _MOST_NUMBERS:
        named -= 1
    tuples = perm(pool, named)
    first, count = _tuples_of(recipe, split, tuples)
    return InstructionSet(share, rules.per_example, pool, first, tuples, named, bucket, rule_bucket, count // bucket)


def _rule_bucket(recipe: Recipe, possible: int, refusing: bool) -> int:
    """Candidates for a rule: where training may hold nearly all of a space, as many as leave 2^16 rules."""
    if recipe.task.kind == "scheme":
        return _RULE_CANDIDATES
    bucket = _CANDIDATES if refusing else 1
    while refusing and bucket < _RULE_CANDIDATES and possible >> 17 >= bucket:
        bucket *= 2
    return bucket


def _tuples_of(recipe: Recipe, split: str, tuples: int) -> tuple[int, int]:
    """The first arrangement of a split and their number: training leaves a share of them for `recombined`."""
    if split not in ("train", "seen", "recombined"):
        return 0, tuples
    held = min(max(1, round_half_up(recipe.holdout_share * tuples)), tuples - 1)
    return (tuples - held, held) if split == "recombined" else (0, tuples - held)
