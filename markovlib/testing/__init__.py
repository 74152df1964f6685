"""For testing rewriting semantics, one's own or ours: an oracle, Hypothesis strategies, a state machine, and laws.

`oracle` needs nothing; what draws cases needs Hypothesis: `pip install '.[testing]'` in the clone of markovlib.

>>> from markovlib.testing import oracle
>>> oracle.run([("ab", "b", False)], "aab").word
'b'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from markovlib.testing import oracle
from markovlib.testing.commands import CommandEngine, EngineError, serve
from markovlib.testing.engines import Answer, Disagreement, Engine, Limits, ask, check
from markovlib.testing.oracle import OracleRun

if TYPE_CHECKING:
    from markovlib.testing import laws
    from markovlib.testing.conformance import EngineMachine, state_machine
    from markovlib.testing.laws import check_laws, law_tests
    from markovlib.testing.strategies import Run, limits, rule_sets, rules, runs, words

__all__ = [
    "Answer",
    "CommandEngine",
    "Disagreement",
    "Engine",
    "EngineError",
    "EngineMachine",
    "Limits",
    "OracleRun",
    "Run",
    "ask",
    "check",
    "check_laws",
    "law_tests",
    "laws",
    "limits",
    "oracle",
    "rule_sets",
    "rules",
    "runs",
    "serve",
    "state_machine",
    "words",
]

# Names whose modules need Hypothesis, imported when they are first used.
_LATER = {
    "EngineMachine": "conformance",
    "Run": "strategies",
    "check_laws": "laws",
    "law_tests": "laws",
    "limits": "strategies",
    "rule_sets": "strategies",
    "rules": "strategies",
    "runs": "strategies",
    "state_machine": "conformance",
    "words": "strategies",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER and name != "laws":
        raise AttributeError(f"module 'markovlib.testing' has no attribute {name!r}")
    try:
        import_module("hypothesis")
    except ImportError:
        raise ImportError(
            f"markovlib.testing.{name} needs Hypothesis: pip install '.[testing]' in the clone of markovlib"
        ) from None
    if name == "laws":
        return import_module("markovlib.testing.laws")
    value = globals()[name] = getattr(import_module(f"markovlib.testing.{_LATER[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
