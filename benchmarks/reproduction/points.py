"""A point: one training run of an experiment, all that its numbers depend on, and its name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import markovlib as mk

DATA_SEED = 7
SEEN = 0.9
"""A model that answers a smaller share of the applying cases of its own rules has not been trained enough."""


@dataclass(frozen=True)
class Training:
    """A model and how it is trained: `epochs` times through the examples, AdamW, a linear warm-up."""

    layers: int = 2
    width: int = 64
    heads: int = 4
    batch: int = 128
    epochs: int = 1
    rate: float = 3e-3
    warmup: int = 100
    schedule: str = "cosine"
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.1
    looks: int = 10
    look_rows: int = 512


@dataclass(frozen=True)
class Point:
    """One run.  `axes` says where in the experiment it stands, `changes` how its recipe differs from the preset.

    The tests are those of `test_changes`, the same for all points of an experiment, but for the split `seen`, which is
    of the point's own rules.
    """

    experiment: str
    scale: str
    axes: dict[str, Any]
    preset: str
    changes: dict[str, Any]
    test_changes: dict[str, Any]
    seed: int
    training: Training = field(default_factory=Training)

    @cached_property
    def recipe(self) -> mk.Recipe:
        return mk.Recipe.load(self.preset).replace(self.changes)

    @cached_property
    def test_recipe(self) -> mk.Recipe:
        return mk.Recipe.load(self.preset).replace(self.test_changes)

    @property
    def tests(self) -> dict[str, mk.Recipe]:
        """The splits that the model is tested on, and whose they are."""
        return {"seen": self.recipe} | dict.fromkeys(("unseen", *self.test_recipe.shifts), self.test_recipe)

    @property
    def splits(self) -> dict[str, mk.Recipe]:
        """The tests and `train`."""
        return {"train": self.recipe, **self.tests}

    @property
    def name(self) -> str:
        """The name of its record, without what a file's name must not hold."""
        return named({**self.axes, "seed": self.seed})

    @cached_property
    def identity(self) -> str:
        """A hash of all that the numbers depend on, apart from the software's versions and the machine."""
        parts = [self.recipe.fingerprint, self.test_recipe.fingerprint, DATA_SEED, self.seed, mk.STREAM_VERSION]
        return hashlib.sha256(json.dumps([*parts, asdict(self.training)]).encode()).hexdigest()[:16]

    def longer(self, times: int) -> Point:
        """The same point, its examples gone through `times` as often."""
        return replace(self, training=replace(self.training, epochs=self.training.epochs * times))


def named(axes: dict[str, Any]) -> str:
    """A name that may be a file's.

    >>> named({"instructions": 1000, "k": [2, 3], "seed": 0})
    'instructions=1000,k=2-3,seed=0'
    """
    values = {axis: "-".join(map(str, value)) if isinstance(value, list) else value for axis, value in axes.items()}
    return ",".join(f"{axis}={value}" for axis, value in values.items())
