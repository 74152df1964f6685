"""The stream does not change: SHA-256 of whole batches.

A change here is a change of STREAM_VERSION, which every manifest records; see docs/datasets.md.  To print the table
anew: python tests/test_stream_golden.py
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from markovlib import STREAM_VERSION, Column, Dataset, Recipe
from markovlib.examples import ALL_COLUMNS, LISTS

NO_OP = Recipe.load("paper/no-op")
RECIPES = {
    "paper/basic": Recipe.load("paper/basic"),
    "paper/no-op": NO_OP,
    "own instructions": NO_OP.replace(instructions=None),
    "unbounded": NO_OP.replace(examples=None),
    "numbered space": NO_OP.replace({"rules.pattern_length": 5, "rules.replacement_length": 3,
                                     "words.length": [8, 40]}),
    "two letters": NO_OP.replace({"rules.alphabet": "ab", "rules.pattern_length": 2, "rules.replacement_length": 3,
                                  "words.length": 40, "instructions": 15}),
    "exactly five": NO_OP.replace({"rules.pattern_length": 4, "words.length": 120, "words.occurrences": 5}),
    "bytes": NO_OP.replace({"rules.alphabet": {"bytes": [0, 254]}, "instructions": 100_000}),
    "wide letters": NO_OP.replace({"rules.alphabet": "αβ中😀"}),
}  # fmt: skip
COLUMNS = ("prompt", "completion", "word", "output", "pattern", "replacement")

SMALL = NO_OP.replace({"rules.alphabet": "a-p", "rules.pattern_length": 3, "rules.replacement_length": 3,
                       "words.length": [14, 20]})  # fmt: skip
RUN = SMALL.replace({"task.kind": "run", "rules.per_example": 3, "words.no_op": 0.1, "instructions": 500})
PROGRAM = NO_OP.replace({"task.kind": "trace", "rules.program": "reverse", "words.no_op": 0.0, "words.length": [3, 9],
                         "instructions": None})  # fmt: skip
TASKS = {
    "several rules": (SMALL.replace({"rules.per_example": 4}), "train", "seen", "unseen"),
    "several rules, weighted": (SMALL.replace({"rules.per_example": 3, "words.fires": [1, 0.25, 4]}), "train"),
    "several rules, exact": (SMALL.replace({"rules.per_example": 3, "words.sampler": "exact"}), "train"),
    "near misses": (SMALL.replace({"words.near_miss": 0.5, "words.near_miss_edits": 2}), "train", "unseen"),
    "near misses of several": (SMALL.replace({"words.near_miss": 1.0, "rules.per_example": 2}), "train"),
    "exact": (SMALL.replace({"words.sampler": "exact", "words.occurrences": [1, 3]}), "train"),
    "run": (RUN, "train", "seen", "unseen"),
    "run of weights": (RUN.replace({"rules.replacement_length": 4, "rules.per_example": 2}), "train"),
    "trace, cascades": (RUN.replace({"task.kind": "trace", "rules.cascade": 0.5, "task.steps": [2, 9]}),
                        "train", "unseen"),
    "cascades of a pool": (RUN.replace({"rules.cascade": 0.5, "rules.pool": 60}), "train", "recombined"),
    "steps in turn": (RUN.replace({"rules.cascade": 0.5, "task.step_counts": [1, 2, 5], "words.length": [16, 32],
                                   "words.no_op": 0.2}), "train", "unseen"),
    "any run": (RUN.replace({"rules.terminating": False, "task.halting": False, "task.max_length": 24,
                             "rules.replacement_length": 5}), "train"),
    "pool": (SMALL.replace({"rules.per_example": 3, "rules.pool": 60}), "train", "recombined", "unseen"),
    "large pool": (SMALL.replace({"rules.per_example": 6, "rules.pool": 100_000}), "train"),
    "shift cipher": (SMALL.replace({"task.kind": "encrypted", "task.cipher": "shift"}), "train", "unseen"),
    "substitution": (SMALL.replace({"task.kind": "encrypted", "task.cipher": "substitution", "task.key": "instruction",
                                    "task.enciphered": "replacement"}), "train"),
    "scheme": (SMALL.replace({"task.kind": "scheme", "instructions": 100}), "train", "seen", "unseen"),
    "induce": (SMALL.replace({"task.kind": "induce", "words.no_op": 0.0}), "train", "unseen"),
    "rules of strata": (SMALL.replace({"rules.per_example": 3, "rules.pattern_length": [2, 4]}), "train", "unseen"),
    "shifts of strata": (SMALL.replace({"shifts": {
        "longer": {"rules.pattern_length": [3, 6]}, "letters": {"rules.alphabet": "k-z"},
        "families": {"rules.family": ["mirrored", "periodic"], "rules.k": [2, 3], "rules.pattern_length": 5},
    }}), "longer", "letters", "families"),
    "power law": (SMALL.replace({"popularity": {"power_law": 0.2}}), "train"),
    "Zipf": (SMALL.replace({"popularity": {"zipf": 1.1}}), "train"),
    "weights": (SMALL.replace({"popularity": [3, 0.5, 1], "instructions": 3}), "train"),
    "paraphrases": (SMALL.replace({"render.prompt": ["{word}", "{pattern} {word}", "{index}"]}), "train"),
    "program": (PROGRAM, "train", "seen"),
    "balanced": (PROGRAM.replace({"rules.program": "parentheses-balanced", "words.length": [2, 20]}), "train"),
    "numerals": (PROGRAM.replace({"rules.program": "binary-addition"}), "train"),
    "shifts": (SMALL.replace({"shifts": {"there": {"rules.alphabet": "a-z", "words.no_op": 0.5}}}), "there"),
}  # fmt: skip


def digest(name: str, split: str) -> str:
    ds = Dataset(RECIPES[name], 2026, split)
    sha = hashlib.sha256()
    for first, last in ((0, 3000), (65_000, 66_000)):
        batch = ds[first:last]
        for column in COLUMNS:
            values = getattr(batch, column)
            sha.update(values.data.tobytes())
            sha.update(values.offsets.astype("<i8").tobytes())
        for column in ("index", "rule", "position", "no_op", "steps", "outcome"):
            values = getattr(batch, column)
            sha.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()[:32]


#: Columns that digests are of; the one that is left out says which of the texts that they hold was drawn.
DIGESTED = tuple(name for name in ALL_COLUMNS if name != "template")


def digest_all(recipe: Recipe, split: str) -> str:
    """Of all that is drawn, the items of lists included."""
    ds = Dataset(recipe, 2026, split)
    sha = hashlib.sha256()
    for first, last in ((0, 1500), (65_000, 65_500)):
        batch = ds.batch(range(first, last), DIGESTED)
        for column in DIGESTED:
            values = getattr(batch, column)
            parts = [values.offsets, *values.fields.values()] if column in LISTS else [values]
            for part in parts:
                whole = [part.offsets, np.frombuffer(part.data, np.uint8)] if isinstance(part, Column) else [part]
                for array in whole:
                    sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()[:32]


GOLDEN: dict[tuple[str, str], str] = {
    ("paper/basic", "train"): "ac7d0a2c30919053de93ac4639b91b83",
    ("paper/basic", "seen"): "32e9e41a82c9b6f1b231ea33ec9c36ce",
    ("paper/basic", "unseen"): "83ad4bc749279b39e0c1d5ee8be4abe4",
    ("paper/no-op", "train"): "9f8fe0f70a0e24ba8fa09d56b30bafec",
    ("paper/no-op", "seen"): "ae752f26fc5770ead06d958a9b529462",
    ("paper/no-op", "unseen"): "02cb81405f257dd29864d2be0d5e2212",
    ("own instructions", "train"): "654a0d75264af24ecf323c72fa1ce465",
    ("own instructions", "seen"): "a8cab371ab61be2fd5c59c3c898dbc8d",
    ("own instructions", "unseen"): "02cb81405f257dd29864d2be0d5e2212",
    ("unbounded", "train"): "9f8fe0f70a0e24ba8fa09d56b30bafec",
    ("unbounded", "seen"): "ae752f26fc5770ead06d958a9b529462",
    ("unbounded", "unseen"): "02cb81405f257dd29864d2be0d5e2212",
    ("numbered space", "train"): "4b6b8a1c3a230bd77a9da32c32ee3ec3",
    ("numbered space", "seen"): "e2edd88eadf1cd1da809294207743e0b",
    ("numbered space", "unseen"): "991ded6348ec55afacd1cc51fafae861",
    ("two letters", "train"): "48a4ebdc342fd14b2b7aa267790b641d",
    ("two letters", "seen"): "16adb5075e71093e22c76caacbc6e036",
    ("two letters", "unseen"): "a4d6a1947ab4eafa045e7e5ce837a171",
    ("exactly five", "train"): "60505809ba23d86f728ce037b519b2fe",
    ("exactly five", "seen"): "05a82a408dca22936d13ec3f134f1a6d",
    ("exactly five", "unseen"): "85e91d01633515545b07e67f55b31103",
    ("bytes", "train"): "bfb35cb2966f5ff81075bdce4695986b",
    ("bytes", "seen"): "9ba5aaff9d05a193b3ea2a020830d01f",
    ("bytes", "unseen"): "3d375ec9765a2ed548759afac1681864",
    ("wide letters", "train"): "2b632215af8b10b4be8b35e620f5f853",
    ("wide letters", "seen"): "0b7105a3f91de6b4f3d6d4d33af0059b",
    ("wide letters", "unseen"): "4832ed077a900ca0e6dafa7b25a831e9",
}


@pytest.mark.parametrize(
    ("name", "split"), [(name, split) for name in RECIPES for split in ("train", "seen", "unseen")]
)
def test_stream_is_what_it_was(name: str, split: str) -> None:
    assert STREAM_VERSION == 4
    assert digest(name, split) == GOLDEN[name, split]


TASKS_GOLDEN: dict[tuple[str, str], str] = {
    ("several rules", "train"): "27fb1252fa5708b70570eb26bb841de1",
    ("several rules", "seen"): "56d0277e97a3f0ebd0b4178d23ce8844",
    ("several rules", "unseen"): "c6b85ebb2d43e28f824fb8f1d7df7717",
    ("several rules, weighted", "train"): "5b5aa33416387734f5583bea6642da62",
    ("several rules, exact", "train"): "315291b42bde37a48b26043e03fa4b8e",
    ("near misses", "train"): "4fa94d34dd6ed40b12c12976f0ff7b2e",
    ("near misses", "unseen"): "af0ac5ed167add115b8a8cfc561ff483",
    ("near misses of several", "train"): "17858c0c3854eb8bcbee89fc580c2d8f",
    ("exact", "train"): "7aeca5bcc64341ef74dff44a1205ee30",
    ("run", "train"): "b9f715312b0f463c91bbcf761e7cdc97",
    ("run", "seen"): "fac9abd9374af71e38fbe9f6985b35f8",
    ("run", "unseen"): "9617076266a06386365ffe146cfe37d5",
    ("run of weights", "train"): "4a90791b06d3cb70c439d1e8f0638e85",
    ("trace, cascades", "train"): "b0705b2cb6df6902111b8622dc723f70",
    ("trace, cascades", "unseen"): "7426c816a9eba7c55fd621263511c66c",
    ("cascades of a pool", "train"): "6ce19466d2551fafeafbfcaf4d5aa6c5",
    ("cascades of a pool", "recombined"): "2eb902c3227f067b79a1fd5e08fe4605",
    ("steps in turn", "train"): "d752ad8c6307d2002112aa8f4043a608",
    ("steps in turn", "unseen"): "01d9a6b13b89a1986d5611ca7bdd6d78",
    ("any run", "train"): "dc6ac9a2fd192b20caca4390228490e6",
    ("pool", "train"): "8a4ff4805391d3cb9f44735a5d300b01",
    ("pool", "recombined"): "70cd0e4271909fae6ca2fb9f83a08e62",
    ("pool", "unseen"): "c9e3ac4ec978979a4a1c54a9f5e1420c",
    ("large pool", "train"): "0e69f4b2b43139c30f59e183a89b1a46",
    ("shift cipher", "train"): "2f9a47ab8330276313998a51f1811fd5",
    ("shift cipher", "unseen"): "cce52d81db8f89c51df4f31ed23c4f3d",
    ("substitution", "train"): "e2ecd243a7d49acad2db41149f3f457f",
    ("scheme", "train"): "25e68dfe81ccee678a4d487a5042185c",
    ("scheme", "seen"): "baa34977022f0e8cb36b38172eeb20a6",
    ("scheme", "unseen"): "5de3444a7ce620dfa01eede443924b8b",
    ("induce", "train"): "25d7f5ff77a124b45b613fa12124794e",
    ("induce", "unseen"): "29a956a0f710eff8415ff65bdd3e5379",
    ("rules of strata", "train"): "a3081b29bc485eb50492cf791ec56242",
    ("rules of strata", "unseen"): "8ef69456f449ff18d4d929ecb0abdc4c",
    ("shifts of strata", "longer"): "e081724f3c508e79a94b4ae8d7e76d5d",
    ("shifts of strata", "letters"): "b84f36c6561cf2167d073e524e2161e6",
    ("shifts of strata", "families"): "500e9764fd769bb5d6d07c94801b38f1",
    ("power law", "train"): "b6204a80a6bcaa33eaeb9463584afc41",
    ("Zipf", "train"): "73361a28574ed7596a3ac29c88b1102a",
    ("weights", "train"): "a5d95e5431e2207035a928291df52825",
    ("paraphrases", "train"): "03d6f0e8e82e82fd63757a0e4aa7209f",
    ("program", "train"): "e2306b5eee74fe6480cdba8a31028927",
    ("program", "seen"): "3abffb7029b0328fedda62a824bc74fa",
    ("balanced", "train"): "339de7f6d3d175f2ce6c038f679d1eb4",
    ("numerals", "train"): "57f61be81b864242ff68eb8ce82ec16a",
    ("shifts", "there"): "42576be81e214028122b7dfc3d548c2b",
}


@pytest.mark.parametrize(("name", "split"), [(name, split) for name, (_, *splits) in TASKS.items() for split in splits])
def test_stream_of_tasks_is_what_it_was(name: str, split: str) -> None:
    assert digest_all(TASKS[name][0], split) == TASKS_GOLDEN[name, split]


if __name__ == "__main__":
    for name in RECIPES:
        for split in ("train", "seen", "unseen"):
            print(f'    ("{name}", "{split}"): "{digest(name, split)}",')
    for name, (recipe, *splits) in TASKS.items():
        for split in splits:
            print(f'    ("{name}", "{split}"): "{digest_all(recipe, split)}",')
