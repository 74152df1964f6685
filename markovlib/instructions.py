"""Instructions: how the rules of a space make the instructions of a data set, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import perm
from typing import TYPE_CHECKING, NamedTuple

from markovlib.quotas import round_half_up
from markovlib.rulelists import ListedInstructions
from markovlib.spaces import Choice, Instructions

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
    rules r*`rule_bucket` to (r+1)*`rule_bucket` - 1.
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
    bucket = _CANDIDATES if recipe.terminating or rules.cascade is not None else 1
    rule_bucket = _SCHEME_CANDIDATES if recipe.task.kind == "scheme" else 1
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


def _tuples_of(recipe: Recipe, split: str, tuples: int) -> tuple[int, int]:
    """The first arrangement of a split and their number: training leaves a share of them for `recombined`."""
    if split not in ("train", "seen", "recombined"):
        return 0, tuples
    held = min(max(1, round_half_up(recipe.holdout_share * tuples)), tuples - 1)
    return (tuples - held, held) if split == "recombined" else (0, tuples - held)
