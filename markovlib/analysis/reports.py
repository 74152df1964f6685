"""Everything that is known of a rule set, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markovlib.analysis.findings import Finding, check
from markovlib.analysis.pairs import Confluence, confluence
from markovlib.analysis.verdict import Termination, termination
from markovlib.rules import GivenRules, rule_set


@dataclass(frozen=True)
class Report:
    """What `RuleSet.check` found: `findings` about rules, `termination` of the whole, and its `confluence`.

    The first two are of the Markov reading; confluence is of any order of application, and "unknown" where terminal
    rules leave it without meaning.
    """

    findings: tuple[Finding, ...]
    termination: Termination
    confluence: Confluence

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.findings, self.termination, self.confluence)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "termination": self.termination.to_dict(),
            "confluence": self.confluence.to_dict(),
        }


def report(rules: GivenRules, letters: Any = None) -> Report:
    """What `check`, `termination` and `confluence` of this package say of the rules."""
    rules = rule_set(rules)
    terminal = any(rule.terminal for rule in rules)
    joined = Confluence("unknown", reason="there are terminal rules") if terminal else confluence(rules)
    return Report(tuple(check(rules, letters)), termination(rules), joined)
