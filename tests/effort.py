"""How much a test tries: `make test-thorough` three times as much as `make test`, a sanitized run a third of it."""

import os
from collections.abc import Iterable
from typing import Any

import pytest

THOROUGH = os.environ.get("MARKOVLIB_THOROUGH") == "1"
SANITIZED = "MARKOVLIB_SANITIZED" in os.environ


def tries(most: int) -> int:
    """Examples of a property: `most` in thorough runs, a third of it in others, which differ from run to run."""
    parts = 1 if THOROUGH else 9 if SANITIZED else 3
    return -(-most // parts)


def compared(count: int) -> range:
    """Which of so many rows are compared with plain Python, which sanitizers make slow: there each fifth is."""
    return range(0, count, 5 if SANITIZED else 1)


def slow_but(quick: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """Values of a test's parameter, of which those that are not `quick` are for `make test-slow`."""
    quick = list(quick)
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
