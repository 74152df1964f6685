"""The stream does not change: SHA-256 of whole batches.

A change here is a change of STREAM_VERSION, which every manifest records; see docs/datasets.md.  To print the table
anew: python tests/test_stream_golden.py
"""

from __future__ import annotations

import hashlib

import pytest

from markovlib import STREAM_VERSION, Dataset, Recipe

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


GOLDEN: dict[tuple[str, str], str] = {
    ("paper/basic", "train"): "84116690d5ab3cf966d35d913e8e2026",
    ("paper/basic", "seen"): "f63fb7b6199ce3ac1677c26d2163e56c",
    ("paper/basic", "unseen"): "15901b25fbbda19abe68bb6abd930b56",
    ("paper/no-op", "train"): "d5a07dbaaf1c5b5fc7694ac597ba2940",
    ("paper/no-op", "seen"): "e0cdf226f65f751aad6cb5724b4e9efd",
    ("paper/no-op", "unseen"): "b3c72aabea165d789d5caedc61a766c8",
    ("own instructions", "train"): "db3fa8391d22dc1e01c8878ec6f56cd7",
    ("own instructions", "seen"): "89426aab7574c2aa3cc8d6c1cd4e679e",
    ("own instructions", "unseen"): "b3c72aabea165d789d5caedc61a766c8",
    ("unbounded", "train"): "d5a07dbaaf1c5b5fc7694ac597ba2940",
    ("unbounded", "seen"): "e0cdf226f65f751aad6cb5724b4e9efd",
    ("unbounded", "unseen"): "b3c72aabea165d789d5caedc61a766c8",
    ("numbered space", "train"): "4b6b8a1c3a230bd77a9da32c32ee3ec3",
    ("numbered space", "seen"): "e2edd88eadf1cd1da809294207743e0b",
    ("numbered space", "unseen"): "991ded6348ec55afacd1cc51fafae861",
    ("two letters", "train"): "48a4ebdc342fd14b2b7aa267790b641d",
    ("two letters", "seen"): "16adb5075e71093e22c76caacbc6e036",
    ("two letters", "unseen"): "a4d6a1947ab4eafa045e7e5ce837a171",
    ("exactly five", "train"): "a6eb951aa5d068abd48d9417723d5bc4",
    ("exactly five", "seen"): "540690192bb2821d79ea3d1d6d950612",
    ("exactly five", "unseen"): "10781af11c3ecb89e9941128136a3f50",
    ("bytes", "train"): "167a5ad8a5f354fa8590b22087d5bc98",
    ("bytes", "seen"): "fd6f3f29a6ccbdefbd5623be4f8c822f",
    ("bytes", "unseen"): "a0d0d1890fc572897ae0ad2ebafe529a",
    ("wide letters", "train"): "2b632215af8b10b4be8b35e620f5f853",
    ("wide letters", "seen"): "0b7105a3f91de6b4f3d6d4d33af0059b",
    ("wide letters", "unseen"): "4832ed077a900ca0e6dafa7b25a831e9",
}


@pytest.mark.parametrize(
    ("name", "split"), [(name, split) for name in RECIPES for split in ("train", "seen", "unseen")]
)
def test_stream_is_what_it_was(name: str, split: str) -> None:
    assert STREAM_VERSION == 1
    assert digest(name, split) == GOLDEN[name, split]


if __name__ == "__main__":
    for name in RECIPES:
        for split in ("train", "seen", "unseen"):
            print(f'    ("{name}", "{split}"): "{digest(name, split)}",')
