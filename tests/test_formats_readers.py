"""Real readers see the rows that we wrote, and real writers write the same bytes.

The extra `formats-test` installs them; each test is skipped where its reader is not there.
"""

import base64
import json
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from foreign_readers import ask, there

from markovlib import Dataset, Recipe
from markovlib.shards import card, formats, manifest
from markovlib.shards.formats import Format
from markovlib.shards.generation import generate

BYTES = {"rules.alphabet": {"bytes": [0, 255]}, "words.no_op": 0.5}
RECIPES = {
    "texts": ("paper/no-op", {"rules.alphabet": 'αβγδε"\\', "words.no_op": 0.5}),
    "bytes": ("paper/no-op", BYTES),
    "rules": ("first-rewrite", {}),
    "trace": ("trace", {}),
}


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request):
    preset, changes = RECIPES[request.param]
    small = {} if preset != "paper/no-op" else {"rules.pattern_length": 3, "rules.replacement_length": [0, 4]}
    return Recipe.load(preset).replace({**small, "instructions": 100, **changes, "eval.examples": 60}, examples=250)


def rows_of(recipe, split="train"):
    return Dataset(recipe, split=split).batch(range(250 if split == "train" else 60)).to_arrow().to_pylist()


def as_json(value):
    """Return a value as JSON has it, bytes as base64."""
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


# ---- streaming ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not there("streaming", "torch"), reason="mosaicml-streaming is not installed")
def test_mds_is_what_streaming_writes_and_reads(tmp_path, recipe):
    generate(recipe, tmp_path / "a", format="mds")
    generate(recipe, tmp_path / "b", format="mds", shard_rows=64)
    folder, index = tmp_path / "a/train", json.loads((tmp_path / "a/train/index.json").read_text())
    encodings = dict(zip(index["shards"][0]["column_names"], index["shards"][0]["column_encodings"], strict=True))
    rows = rows_of(recipe)
    plain = [
        {name: as_json(value) if encodings[name] == "json" else value for name, value in row.items()} for row in rows
    ]
    written, whole, pieces = ask(
        ("write_mds", encodings, plain, tmp_path / "theirs"),
        ("read_mds", folder),
        ("read_mds", tmp_path / "b/train"),
    )
    assert written is None
    assert whole == plain
    assert pieces == plain
    theirs = tmp_path / "theirs"
    assert (folder / "part-00000.mds").read_bytes() == (theirs / "shard.00000.mds").read_bytes()
    ours = (folder / "index.json").read_text().replace("part-00000.mds", "shard.00000.mds")
    assert ours == (theirs / "index.json").read_text()


# ---- Megatron -------------------------------------------------------------------------------------------------------


@pytest.fixture
def words():
    return Recipe.load("paper/no-op").replace({"words.length": [20, 60], "eval.examples": 60}, examples=250)


@pytest.mark.slow
@pytest.mark.skipif(not there("megatron", "torch"), reason="megatron-core is not installed")
def test_megatron_is_what_its_builder_writes_and_its_reader_reads(tmp_path, words):
    generate(words, tmp_path / "a", format="megatron")
    layout = Format.of(split := manifest.load(tmp_path / "a").splits["train"])
    with closing(layout.reader(tmp_path / "a/train", split.shards[0])) as reader:
        (batch,) = reader.batches()
    sequences = batch.column("tokens").to_pylist()
    rows = rows_of(words)
    assert [bytes(sequence[:-1]).decode() for sequence in sequences] == [r["prompt"] + r["completion"] for r in rows]
    wide = tmp_path / "wide"
    written, found, again, wider = ask(
        ("write_megatron", sequences, "uint16", tmp_path / "theirs"),
        ("read_megatron", tmp_path / "a/train/part-00000"),
        ("write_megatron", sequences, "int32", wide),
        ("read_megatron", wide),
    )
    assert (written, again) == (None, None)
    assert found == (sequences, list(range(251)), "uint16", "uint16")
    assert wider == (sequences, list(range(251)), "int32", "uint16")
    for suffix in ("bin", "idx"):
        ours = (tmp_path / f"a/train/part-00000.{suffix}").read_bytes()
        assert ours == (tmp_path / f"theirs.{suffix}").read_bytes()
    mask = np.memmap(tmp_path / "a/train/part-00000.mask", np.uint8, "r")
    assert mask.tolist() == [bit for some in batch.column("loss_mask").to_pylist() for bit in some]


# ---- OLMo-core, nanoGPT ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not there("olmo_core", "torch"), reason="ai2-olmo-core is not installed")
def test_olmo_core_reads_flat_tokens_with_their_masks(tmp_path, words):
    out = tmp_path / "a"
    generate(words, out, format="tokens", shard_rows=100)
    options = manifest.load(out).splits["train"].options
    paths, masks = (sorted((out / "train").glob(f"*.{suffix}")) for suffix in ("bin", "mask"))
    about = options["vocabulary"], options["end_token"], tmp_path / "work"
    blocks, documents = ask(
        ("read_olmo", "NumpyFSLDataset", paths, masks, 128, *about),
        ("read_olmo", "NumpyPaddedFSLDataset", paths, masks, 200, *about),
    )
    expected = []
    for path, mask in zip(paths, masks, strict=True):
        ids, bits = np.fromfile(path, "<u2"), np.fromfile(mask, np.uint8)
        for start in range(0, len(ids) - 127, 128):
            expected.append((ids[start : start + 128].tolist(), bits[start : start + 128].tolist()))
    assert [block[:2] for block in blocks] == expected
    rows = rows_of(words)
    for (ids, bits, labels), row in zip(documents, rows, strict=True):
        text, answer = (row["prompt"] + row["completion"]).encode(), row["completion"].encode()
        assert ids == [*text, *[256] * (200 - len(text))]
        assert sum(bits) == len(answer) + 1
        assert [label for label in labels if label >= 0] == [*answer, 256]


def test_nanogpt_maps_flat_tokens(tmp_path, words):
    """What its training loop does with a file: a map of uint16 without a header, cut anywhere."""
    generate(words, tmp_path, format="tokens")
    data = np.memmap(tmp_path / "train/part-00000.bin", dtype=np.uint16, mode="r")
    texts = [row["prompt"] + row["completion"] for row in rows_of(words)]
    assert bytes(data[data < 256].astype(np.uint8)).decode() == "".join(texts)
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    assert np.flatnonzero(data == 256).tolist() == ends.tolist()


# ---- Hugging Face datasets, polars, duckdb --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not there("datasets"), reason="Hugging Face datasets is not installed")
def test_datasets_loads_what_the_card_says(tmp_path, recipe):
    names = [name for name in formats.MODULES if name != "jsonl.zst" or there("zstandard")]
    raw = not Dataset(recipe).text
    for name in names:
        generate(recipe, tmp_path / name, format=name, splits=["train", "unseen"], shard_rows=100)
    answers = dict(zip(names, ask(*(("load_dataset", tmp_path / name) for name in names)), strict=True))
    for name, answer in answers.items():
        if name not in card.LOADED_BY_DATASETS:
            assert "No (supported) data files found" in answer
            continue
        expected = {split: rows_of(recipe, split) for split in ("train", "unseen")}
        assert answer == (as_json(expected) if raw and name.startswith("jsonl") else expected)


@pytest.mark.slow
@pytest.mark.skipif(not there("datasets"), reason="Hugging Face datasets is not installed")
@pytest.mark.parametrize("name", ["parquet", "jsonl"])
def test_datasets_tells_folders_of_one_name_apart(tmp_path, recipe, name):
    """It keeps what it has loaded, by the folder's last name and the card."""
    folders = [tmp_path / f"{seed}/data" for seed in range(2)]
    for seed, folder in enumerate(folders):
        generate(recipe, folder, format=name, seed=seed)
    first, second = ask(*(("load_dataset", folder) for folder in folders))
    assert first["train"] != second["train"]


def test_polars_reads_the_rows(tmp_path, recipe):
    polars = pytest.importorskip("polars")
    readers = {"parquet": polars.read_parquet, "arrow": polars.read_ipc, "jsonl": polars.read_ndjson}
    for name, read in readers.items():
        generate(recipe, tmp_path / name, format=name, shard_rows=100)
        found = read(f"{tmp_path}/{name}/train/*.{name}").to_dicts()
        assert found == (as_json(rows_of(recipe)) if name == "jsonl" else rows_of(recipe))


def test_duckdb_reads_the_rows(tmp_path, recipe):
    duckdb = pytest.importorskip("duckdb")
    for name, function in (("parquet", "read_parquet"), ("jsonl", "read_json"), ("jsonl.zst", "read_json")):
        generate(recipe, tmp_path / name, format=name, shard_rows=100)
        with duckdb.connect() as connection:
            query = f"select * from {function}('{tmp_path}/{name}/train/*.{name}') order by index"
            found = connection.sql(query).to_arrow_table()
        expected = rows_of(recipe) if name == "parquet" else as_json(rows_of(recipe))
        assert pa.Table.to_pylist(found) == expected
