"""How often each instruction is used: laws of popularity as cumulative shares in 64-bit numbers.

The same on every machine: only additions, multiplications and divisions of IEEE doubles in a fixed order, and whole
numbers.  The powers of the laws are therefore computed here rather than by the C library, whose results differ.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Instructions that can be weighed.
MOST_WEIGHED = 2**24

_LN2 = 0.6931471805599453


class Law(NamedTuple):
    """`kind` is power_law, zipf or weights; the others are what it takes."""

    kind: str
    exponent: float = 0.0
    weights: tuple[float, ...] = ()


def read_popularity(value: str | dict[str, Any] | list[float]) -> Law | None:
    """The law that a recipe's `popularity` names; None for `uniform`, which is exact and needs no draws.

    Raises ValueError for what is none.

    >>> read_popularity({"zipf": 1.1})
    Law(kind='zipf', exponent=1.1, weights=())
    """
    if value == "uniform":
        return None
    if isinstance(value, list):
        if any(not 0 <= weight < float("inf") for weight in value) or not sum(value) > 0:
            raise ValueError("weights must be at least 0, and not all of them 0")
        return Law("weights", weights=tuple(value))
    if isinstance(value, dict) and len(value) == 1:
        ((kind, exponent),) = value.items()
        if kind in ("power_law", "zipf") and isinstance(exponent, int | float) and not isinstance(exponent, bool):
            if 1e-3 <= exponent <= 1e3:
                return Law(kind, float(exponent))
            raise ValueError(f"{kind} must be between 0.001 and 1000, got {exponent}")
    raise ValueError('must be "uniform", { power_law = a }, { zipf = s } or a list of weights')


def cumulative(law: Law, instructions: int) -> NDArray[np.uint64]:
    """The cumulative shares of the instructions, in 2^-64: instruction j is drawn by words in [c[j - 1], c[j]).

    `power_law` a: the density a * x^(a - 1) on (0, 1], instruction floor(I * x), so that c[j] = ((j + 1) / I)^a.
    `zipf` s: weights (j + 1)^-s.  The last entry is 2^64 - 1, whose word belongs to the last instruction too.
    Shape (instructions,).  O(instructions).

    >>> (cumulative(Law("weights", weights=(1.0, 3.0)), 2) >> np.uint64(62)).tolist()
    [1, 3]
    """
    if law.kind == "weights":
        return _of_weights(law.weights)
    ranks = np.arange(1, instructions + 1, dtype=np.float64)
    if law.kind == "power_law":
        shares = power(ranks / instructions, law.exponent)
    else:
        sums = np.cumsum(power(1.0 / ranks, law.exponent))
        shares = sums / sums[-1]
    limits = np.minimum(np.floor(shares * 2.0**53), 2.0**53).astype(np.uint64)
    made = np.where(limits >= 2**53, np.uint64(2**64 - 1), limits << np.uint64(11))
    made[-1] = 2**64 - 1
    return np.maximum.accumulate(made)


def _of_weights(weights: tuple[float, ...]) -> NDArray[np.uint64]:
    exact = [Fraction(str(weight)) for weight in weights]
    total, so_far = sum(exact), Fraction(0)
    made = []
    for weight in exact:
        so_far += weight
        made.append(min(int(so_far / total * 2**64), 2**64 - 1))
    return np.array(made, np.uint64)


def power(x: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """x ** exponent for 0 < x <= 1, within some units in the last place, and the same everywhere.

    ln x by the series of the inverse hyperbolic tangent on [0.7, 1.42), e^y by Taylor's series on [-0.35, 0.35].

    >>> float(power(np.array([0.25]), 0.5)[0])
    0.5
    """
    mantissa, exponents = np.frexp(x)
    low = mantissa < 0.70710678
    mantissa = np.where(low, 2.0 * mantissa, mantissa)
    exponents = exponents - low
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    series = np.zeros_like(z)
    for k in range(27, 0, -2):
        series = series * square + 1.0 / k
    y = (exponents * _LN2 + 2.0 * z * series) * exponent
    whole = np.rint(y / _LN2)
    rest = y - whole * _LN2
    result = np.ones_like(rest)
    for k in range(17, 0, -1):
        result = result * rest / k + 1.0
    return np.ldexp(result, whole.astype(np.int64))
