"""Markov algorithms at machine speed, and instruction-tuning data whose diversity is under exact control.

>>> import markovlib as mk
>>> mk.RuleSet([("ba", "ab")]).run("abba").word
'aabb'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from markovlib._columns import Column
except ModuleNotFoundError as error:
    if error.name != "markovlib._columns":
        raise
    raise ImportError(
        f"{__path__[0]} holds sources, not yet compiled: start Python in another folder, where the installed "
        "markovlib is found, or compile it there, with 'pip install -e .' beside its setup.py"
    ) from None
from markovlib.batch import Rewritten, RunBatch, rewrite_once, run_rows
from markovlib.outcome import Outcome
from markovlib.rules import Match, Rule, RuleSet, Runner, RunResult, Step

if TYPE_CHECKING:
    from markovlib import (
        analysis,
        combinators,
        diversity,
        evaluation,
        leakage,
        machines,
        notations,
        programs,
        schemes,
        scoring,
        sweep,
        testing,
        tokens,
    )
    from markovlib.dataset import STREAM_VERSION, Dataset
    from markovlib.fields import RecipeError
    from markovlib.loader import Loader, Sampler
    from markovlib.mixture import Mixture, MixtureRecipe, SourceError
    from markovlib.notations import NotationError
    from markovlib.recipe import Recipe
    from markovlib.scoring import Score, Scores, reward
    from markovlib.shards.coordination import WorkerError
    from markovlib.shards.exporting import export
    from markovlib.shards.folder import DamagedError, ShardError
    from markovlib.shards.generation import generate
    from markovlib.shards.inspection import inspect
    from markovlib.shards.reading import open
    from markovlib.shards.verification import verify
    from markovlib.sweep import SweepError
    from markovlib.trace import Trace
    from markovlib.view import View

__version__ = "0.1.0"

__all__ = [
    "STREAM_VERSION",
    "Column",
    "DamagedError",
    "Dataset",
    "Loader",
    "Match",
    "Mixture",
    "MixtureRecipe",
    "NotationError",
    "Outcome",
    "Recipe",
    "RecipeError",
    "Rewritten",
    "Rule",
    "RuleSet",
    "RunBatch",
    "RunResult",
    "Runner",
    "Sampler",
    "Score",
    "Scores",
    "ShardError",
    "SourceError",
    "Step",
    "SweepError",
    "Trace",
    "View",
    "WorkerError",
    "analysis",
    "combinators",
    "diversity",
    "evaluation",
    "export",
    "generate",
    "inspect",
    "leakage",
    "machines",
    "notations",
    "open",
    "programs",
    "reward",
    "rewrite_once",
    "run_rows",
    "schemes",
    "scoring",
    "sweep",
    "testing",
    "tokens",
    "verify",
]

# Names whose modules are heavier than the engine, imported when they are first used.
_LATER = {
    "STREAM_VERSION": "markovlib.dataset",
    "DamagedError": "markovlib.shards.folder",
    "Dataset": "markovlib.dataset",
    "Loader": "markovlib.loader",
    "Mixture": "markovlib.mixture",
    "MixtureRecipe": "markovlib.mixture",
    "NotationError": "markovlib.notations",
    "Recipe": "markovlib.recipe",
    "RecipeError": "markovlib.fields",
    "Sampler": "markovlib.loader",
    "Score": "markovlib.scoring",
    "Scores": "markovlib.scoring",
    "ShardError": "markovlib.shards.folder",
    "SourceError": "markovlib.mixture",
    "SweepError": "markovlib.sweep",
    "Trace": "markovlib.trace",
    "export": "markovlib.shards.exporting",
    "generate": "markovlib.shards.generation",
    "inspect": "markovlib.shards.inspection",
    "open": "markovlib.shards.reading",
    "View": "markovlib.view",
    "WorkerError": "markovlib.shards.coordination",
    "reward": "markovlib.scoring",
    "verify": "markovlib.shards.verification",
}
_MODULES = (
    "analysis", "combinators", "diversity", "evaluation", "leakage", "machines", "notations", "programs", "schemes",
    "scoring", "sweep", "testing", "tokens",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"markovlib.{name}")
    if name not in _LATER:
        raise AttributeError(f"module 'markovlib' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
