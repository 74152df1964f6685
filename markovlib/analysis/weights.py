"""Weights by linear programming: floating point proposes, whole numbers decide."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from markovlib.analysis.measures import Weights
from markovlib.analysis.plain import PlainRule, letters_of


def find_weights(rules: Sequence[PlainRule]) -> Weights | None:
    """Weights by which no rule makes a word heavier and some make it lighter, as many as can be; else None.

    Lengths and counts of one letter are tried first, by which every rule must fall; then linear programming.  Of
    solutions that make the most rules lighter, one of the least total weight.  Raises ImportError naming the extra
    if SciPy is not installed.

    >>> str(find_weights([PlainRule("a", "bb", False), PlainRule("b", "c", False)]))
    'weights a=3, b=1'
    """
    letters = letters_of(rules)
    for counted in (letters, *letters):
        simple = Weights(tuple((letter, 1) for letter in counted))
        if all(simple.falls(rule) for rule in rules):
            return simple
    differences = [[rule.pattern.count(x) - rule.replacement.count(x) for x in letters] for rule in rules]
    if not letters or not any(map(any, differences)):
        return None
    proposal = _propose(np.array(differences, float))
    fractions = [Fraction(x).limit_denominator(1000) for x in proposal]
    scale = lcm(*(x.denominator for x in fractions))
    whole = zip(letters, (int(x * scale) for x in fractions), strict=True)
    weights = Weights(tuple((letter, weight) for letter, weight in whole if weight > 0))
    falls = [weights.falls(rule) for rule in rules]
    return weights if any(falls) and None not in falls else None


def _propose(differences: NDArray[np.float64]) -> list[float]:
    """Weights w and strictness t <= 1 with differences @ w >= t >= 0, the sum of t as large as it can be."""
    try:
        from scipy.optimize import linprog
    except ImportError:
        raise ImportError("weights need SciPy: pip install '.[analysis]' in the clone of markovlib") from None
    rules, letters = differences.shape
    cost = np.concatenate([np.full(letters, 1e-4), -np.ones(rules)])
    bounds = [(0, 1000)] * letters + [(0, 1)] * rules
    solved = linprog(cost, A_ub=np.hstack([-differences, np.eye(rules)]), b_ub=np.zeros(rules), bounds=bounds)
    return list(solved.x[:letters]) if solved.status == 0 else [0.0] * letters
