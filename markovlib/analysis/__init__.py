"""What can be said of a rule set without running it on every word: one module for each question."""

from markovlib.analysis.certificates import Certificate, Stage
from markovlib.analysis.completion import Completion, complete
from markovlib.analysis.equivalence import Comparison, compare
from markovlib.analysis.findings import Finding, check, never_produced
from markovlib.analysis.loops import Loop, find_loop
from markovlib.analysis.measures import LetterOrder, Matrices, Weights
from markovlib.analysis.pairs import Confluence, CriticalPair, confluence, critical_pairs
from markovlib.analysis.reports import Report, report
from markovlib.analysis.verdict import Termination, certify, termination

__all__ = [
    "Certificate",
    "Comparison",
    "Completion",
    "Confluence",
    "CriticalPair",
    "Finding",
    "LetterOrder",
    "Loop",
    "Matrices",
    "Report",
    "Stage",
    "Termination",
    "Weights",
    "certify",
    "check",
    "compare",
    "complete",
    "confluence",
    "critical_pairs",
    "find_loop",
    "never_produced",
    "report",
    "termination",
]
