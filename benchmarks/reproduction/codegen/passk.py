"""How likely one of k samples is right, estimated from more of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def pass_at_k(samples: int, right: int, k: int) -> float:
    """The chance that at least one of k of the samples, drawn without replacement, is right.

    It is 1 - C(n - c, k) / C(n, k) for n samples of which c are right: the unbiased estimator of Chen et al.,
    Evaluating Large Language Models Trained on Code (arXiv 2107.03374), section 2.1.  The quotient is a product of
    min(c, k) factors below 1, so that no large number arises; as the logarithms of the factors are summed, what is near
    0 keeps its digits: the relative error is below 10^-12.

    Raises ValueError unless 0 <= right <= samples and 1 <= k <= samples.

    >>> pass_at_k(10, 3, 1), pass_at_k(2, 1, 2), pass_at_k(5, 0, 5)
    (0.3, 1.0, 0.0)
    """
    if not 0 <= right <= samples:
        raise ValueError(f"{right} of {samples} samples cannot be right")
    if not 1 <= k <= samples:
        raise ValueError(f"k must be between 1 and the number of samples, {samples}, got {k}")
    if k == 1:
        return right / samples
    if samples - right < k:
        return 1.0
    few, many = sorted((right, k))
    return -math.expm1(math.fsum(math.log1p(-many / (samples - i)) for i in range(few)))


def mean_pass_at_k(counts: Sequence[tuple[int, int]], ks: Iterable[int]) -> dict[str, float]:
    """The mean over problems, each given as (samples, right), for every k that all of them have samples for.

    >>> mean_pass_at_k([(2, 1), (2, 0)], [1, 2, 10])
    {'pass@1': 0.25, 'pass@2': 0.5}
    """
    fewest = min((samples for samples, _ in counts), default=0)
    return {
        f"pass@{k}": math.fsum(pass_at_k(samples, right, k) for samples, right in counts) / len(counts)
        for k in ks
        if 1 <= k <= fewest
    }
