"""Everything that is known of a rule set, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markovlib.analysis.findings import Finding, check
from markovlib.analysis.verdict import Termination, termination

if TYPE_CHECKING:
    from markovlib.rules import RuleSet


@dataclass(frozen=True)
class Report:
    """What `RuleSet.check` found: `findings` about single rules, and the rule set's `termination`."""

    findings: tuple[Finding, ...]
    termination: Termination

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.findings, self.termination)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "termination": self.termination.to_dict(),
        }


def report(rules: RuleSet, letters: Any = None) -> Report:
    """The findings of `markovlib.analysis.check` and the verdict of `markovlib.analysis.termination`."""
    return Report(tuple(check(rules, letters)), termination(rules))
