"""How a run ends."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Outcome(IntEnum):
    """How a run ended.  The values 1 to 5 are stable: shards and batches store them.

    >>> Outcome.STEP_LIMIT.value, Outcome.STEP_LIMIT.halted, Outcome.NO_RULE_APPLIES.halted
    (3, False, True)
    >>> print(Outcome.CYCLE)
    CYCLE
    """

    TERMINAL_RULE = 1
    NO_RULE_APPLIES = 2
    STEP_LIMIT = 3
    LENGTH_LIMIT = 4
    CYCLE = 5

    def __str__(self) -> str:
        return self.name

    @property
    def halted(self) -> bool:
        """Whether the algorithm itself came to an end, rather than meeting a limit or its own past."""
        return self <= Outcome.NO_RULE_APPLIES


OUTCOMES: Final[tuple[Outcome | None, ...]] = (None, *Outcome)
"""The outcome of each value, so that none has to be constructed; 0 is a run that can go on."""

OUTCOME_NAMES: Final = ("", *(outcome.name.lower() for outcome in Outcome))
"""The name of each value as shards have it; 0 has none."""
