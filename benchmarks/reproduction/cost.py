"""What a run costs: operations by arithmetic, and seconds where torch is there to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import markovlib as mk
from markovlib.tokens import CharacterTokenizer

from .points import DATA_SEED, Point

SAMPLED = 256
Speed = Callable[[Point], float]
"""Operations a second, measured with a model of the point's size."""


def steps_of(point: Point) -> int:
    return point.training.epochs * (len(mk.Dataset(point.recipe, DATA_SEED)) // point.training.batch)


def tokens_of(point: Point) -> int:
    """The tokens of an example of training, the longest of a few."""
    tokenizer = CharacterTokenizer.of(point.recipe, eos="</s>")
    return int(mk.Dataset(point.recipe, DATA_SEED).tokens(range(SAMPLED), tokenizer).lengths().max())


def operations_a_step(point: Point, tokens: int) -> float:
    """Floating-point operations of a step, forwards and backwards: 6 for each weight and token, and the attention.

    J. Kaplan and others, "Scaling laws for neural language models" (arXiv 2001.08361), 2020, with the sum over the
    places that attention looks at, half of a square.
    """
    training = point.training
    weights = 12 * training.layers * training.width**2
    attention = 6 * training.layers * training.width * tokens
    return training.batch * tokens * (6.0 * weights + attention)


def table(points: Iterable[Point], speed: Speed | None, processes: int) -> str:
    """Every run with its steps, operations and, from the operations a second that `speed` finds, its time."""
    lines, total, known = [], 0.0, speed is not None
    sizes: dict[str, tuple[int, float]] = {}
    for point in points:
        if point.experiment not in sizes:
            sizes[point.experiment] = tokens_of(point), speed(point) if speed else 1.0
        tokens, rate = sizes[point.experiment]
        operations = steps_of(point) * operations_a_step(point, tokens)
        total += operations / rate
        time = f", about {shown(operations / rate)}" if known else ""
        lines.append(f"{point.experiment} {point.name}: {steps_of(point):,} steps, {operations:.1e} operations{time}")
    if known:
        lines.append(f"{len(lines)} runs, about {shown(total / processes)} with {processes} at a time; a run that has "
                     "not learnt its own rules is repeated with three times the steps")  # fmt: skip
    else:
        lines.append(f"{len(lines)} runs; with torch installed, their times are estimated too")
    return "\n".join(lines)


def shown(seconds: float) -> str:
    """A time in the unit that fits it.

    >>> shown(42), shown(600), shown(9000)
    ('42 seconds', '10 minutes', '2.5 hours')
    """
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} seconds"
