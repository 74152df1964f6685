"""The stream is the same with every kind of vector instructions that this processor has, and for single examples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from markovlib import Dataset, Recipe
from markovlib._stream import simd_force

KERNELS = [name for name in ("scalar", "avx2", "avx512", "neon") if simd_force(name)]
simd_force(None)

NO_OP = Recipe.load("paper/no-op")
RECIPES = {
    "no-op": NO_OP,
    "own instructions": NO_OP.replace(instructions=None),
    "short, often twice": NO_OP.replace({"rules.alphabet": "ab", "rules.pattern_length": [1, 6], "instructions": 20,
                                         "rules.replacement_length": 3, "words.length": [6, 64]}),
    "around one vector": NO_OP.replace({"rules.pattern_length": 4, "rules.alphabet": "a-c", "words.length": [60, 70]}),
    "exact": NO_OP.replace({"words.sampler": "exact", "words.length": [20, 80]}),
    "near misses": NO_OP.replace({"rules.pattern_length": 5, "words.near_miss": 0.5}),
    "first-rewrite": Recipe.load("first-rewrite"),
    "run": Recipe.load("run"),
    "trace": Recipe.load("trace"),
    "trace of long words": Recipe.load("trace").replace({"words.length": [50, 80], "task.max_length": 90}),
}  # fmt: skip
EXAMPLES = 3000


@pytest.fixture
def _any_kernel() -> Iterator[None]:
    yield
    simd_force(None)


@pytest.mark.usefixtures("_any_kernel")
@pytest.mark.parametrize("name", RECIPES)
def test_every_kernel_gives_the_same_examples(name: str) -> None:
    ds = Dataset(RECIPES[name].replace(examples=EXAMPLES), seed=5)
    columns = ("prompt", "completion", "word", "output", "position", "occurrences")
    made = {}
    for kernel in KERNELS:
        assert simd_force(kernel)
        batch = Dataset(ds.recipe, seed=5).batch(range(EXAMPLES), columns)
        made[kernel] = [getattr(batch, column).tolist() for column in columns]
        for i in range(0, EXAMPLES, 97):
            example = ds[i]
            assert [getattr(example, column) for column in columns] == [values[i] for values in made[kernel]]
    assert all(values == made["scalar"] for values in made.values())
