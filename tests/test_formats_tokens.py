"""Formats of tokens: the layouts byte by byte, the tokenizers, and what is refused."""

import hashlib
import json
import struct
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from commands import run
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib import Dataset, Recipe
from markovlib.files import WholeFile
from markovlib.shards import formats, generation, manifest
from markovlib.shards.exporting import export
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.formats import Format
from markovlib.shards.generation import generate
from markovlib.shards.inspection import inspect
from markovlib.shards.verification import verify
from markovlib.tokens import ByteTokenizer, CharacterTokenizer, TokenizerFile

TOKENS = [name for name in formats.MODULES if formats.chosen(name) is not None]
END = "<|endoftext|>"
SCHEMA = pa.schema({"prompt": pa.large_string(), "completion": pa.large_string()})


@pytest.fixture
def recipe():
    changes = {"rules.pattern_length": 3, "words.length": [8, 12], "eval.examples": 50}
    return Recipe.load("paper/no-op").replace(changes, examples=250)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    """A small tokenizer.json: words of one letter, and an end token."""
    library = pytest.importorskip("tokenizers")
    letters = [*"abcdefghijklmnopqrstuvwxyz>:=", "</s>", "?"]
    made = library.Tokenizer(library.models.WordLevel({c: 5 + i for i, c in enumerate(letters)}, unk_token="?"))
    made.pre_tokenizer = library.pre_tokenizers.Split(library.Regex("."), "isolated")
    path = tmp_path_factory.mktemp("tokenizer") / "letters.json"
    made.save(str(path))
    return path


def sequences(out, split="train"):
    """Every sequence in the folder of a split, with its mask, as the format's reader gives them."""
    found = manifest.load(out).splits[split]
    layout = Format.of(found)
    for shard in found.shards:
        with closing(layout.reader(out / split, shard)) as reader:
            for batch in reader.batches():
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


# ---- what is in the files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("tokenizer", ["bytes", "chars", "file"])
def test_the_tokens_are_those_of_the_data_set(tmp_path, recipe, name, tokenizer, request):
    made = {"bytes": lambda: ByteTokenizer(eos=END), "chars": lambda: CharacterTokenizer.of(recipe, eos=END)}
    asked = tokenizer
    if tokenizer == "file":
        asked = str(request.getfixturevalue("tokenizer_file"))
        made["file"] = lambda: TokenizerFile(asked, eos="</s>")
    generate(recipe, tmp_path, splits=["train", "unseen"], format=name, shard_rows=100, options={"tokenizer": asked})
    for split, rows in (("train", 250), ("unseen", 50)):
        expected = Dataset(recipe, split=split).tokens(range(rows), made[tokenizer]())
        found = list(sequences(tmp_path, split))
        assert found == [(ids.tolist(), mask.tolist()) for ids, mask in expected]
    report = verify(tmp_path)
    assert (report.ok, report.checked) == (True, 300)


def test_megatron_has_the_documented_layout(tmp_path, recipe):
    generate(recipe, tmp_path, format="megatron", shard_rows=100)
    expected = Dataset(recipe).tokens(range(100, 200), ByteTokenizer(eos=END))
    index = (tmp_path / "train/part-00001.idx").read_bytes()
    assert struct.unpack_from("<9sQBQQ", index) == (b"MMIDIDX\0\0", 1, 8, 100, 101)
    lengths = np.frombuffer(index, "<i4", 100, 34)
    offsets = np.frombuffer(index, "<i8", 100, 34 + 400)
    assert np.frombuffer(index[34 + 1200 :], "<i8").tolist() == list(range(101))
    assert lengths.tolist() == expected.lengths().tolist()
    assert offsets.tolist() == (2 * expected.offsets[:-1]).tolist()
    assert (tmp_path / "train/part-00001.bin").read_bytes() == expected.ids.astype("<u2").tobytes()
    assert (tmp_path / "train/part-00001.mask").read_bytes() == expected.loss_mask.tobytes()


def test_flat_tokens_have_the_documented_layout(tmp_path, recipe):
    generate(recipe, tmp_path, format="tokens", shard_rows=100)
    expected = Dataset(recipe).tokens(range(200, 250), ByteTokenizer(eos=END))
    assert np.fromfile(tmp_path / "train/part-00002.bin", "<u2").tolist() == expected.ids.tolist()
    assert np.fromfile(tmp_path / "train/part-00002.mask", np.uint8).tolist() == expected.loss_mask.tolist()
    assert np.fromfile(tmp_path / "train/part-00002.offsets", "<i8").tolist() == expected.offsets.tolist()


@pytest.mark.parametrize(
    ("letters", "megatron", "flat"),
    [(65_498, "uint16", "uint16"), (65_499, "int32", "uint16"), (65_535, "int32", "uint16")],
)
def test_the_type_of_the_tokens_holds_the_vocabulary(tmp_path, letters, megatron, flat):
    tokenizer = CharacterTokenizer(map(chr, range(0x10000, 0x10000 + letters)), eos=END)
    last = chr(0x10000 + letters - 1)
    rows = pa.RecordBatch.from_pydict({"prompt": [last], "completion": [last * 2]}, SCHEMA)
    for name, dtype in (("megatron", megatron), ("tokens", flat)):
        layout = Format(name, SCHEMA, {"tokenizer": tokenizer})
        assert layout.options["dtype"] == dtype
        shard = write(layout, tmp_path, [layout.stored(rows)])
        (batch,) = layout.reader(tmp_path, shard).batches()
        assert batch.to_pylist() == [{"tokens": [letters - 1] * 3 + [letters], "loss_mask": [0, 1, 1, 1]}]
        assert (tmp_path / "part-00000.bin").stat().st_size == 4 * np.dtype(dtype).itemsize


def test_flat_tokens_of_a_larger_vocabulary_are_uint32():
    fields = {"kind": "file", "eos": END, "special": [END], "sha256": "0" * 64}
    options = {"tokenizer": fields, "vocabulary": 100_000, "end_token": 99_999}
    assert Format("tokens", SCHEMA, {**options, "dtype": "uint32"}).options["dtype"] == "uint32"
    assert Format("megatron", SCHEMA, {**options, "dtype": "int32"}).options["dtype"] == "int32"
    with pytest.raises(ValueError, match="do not fit each other"):
        Format("tokens", SCHEMA, {**options, "dtype": "uint16"})


def write(layout, path, batches):
    """Return a shard of these batches."""
    files = [WholeFile(Path(path) / f"part-00000{suffix}") for suffix in layout.suffixes]
    writer = layout.writer(files, "")
    for batch in batches:
        writer.write(batch)
    writer.close()
    for file in files:
        file.seal()
        file.commit()
    rows = sum(batch.num_rows for batch in batches)
    return manifest.Shard(0, rows, [manifest.File(file.path.name, file.size, file.sha256) for file in files])


@pytest.mark.parametrize("name", TOKENS)
@settings(max_examples=tries(50))
@given(
    texts=st.lists(st.lists(st.tuples(st.text("aé<", max_size=5), st.text("bü", max_size=5)), min_size=1), min_size=1)
)
def test_what_is_written_is_read(name, texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("round")
    layout = Format(name, SCHEMA)
    rows = [
        layout.stored(
            pa.RecordBatch.from_pydict(dict(zip(SCHEMA.names, zip(*pairs, strict=True), strict=True)), SCHEMA)
        )
        for pairs in texts
    ]
    shard = write(layout, path, rows)
    whole = pa.Table.from_batches(rows)
    reader = layout.reader(path, shard)
    assert pa.Table.from_batches(reader.batches()).equals(whole)
    assert (reader.rows, reader.columns) == (whole.num_rows, ["tokens", "loss_mask"])
    part = reader.read(len(texts[0]) - 1, whole.num_rows, ["loss_mask"])
    assert part.to_pylist() == whole.slice(len(texts[0]) - 1).select(["loss_mask"]).to_pylist()
    pairs = [pair for some in texts for pair in some]
    shown = [row for batch in rows for row in layout.shown(batch)]
    assert [(row["prompt"], row["completion"]) for row in shown] == pairs


def test_the_digest_is_that_of_prompts_and_completions(tmp_path, recipe):
    for name in TOKENS:
        generate(recipe, tmp_path / name, format=name, shard_rows=60)
    generate(recipe, tmp_path / "jsonl", format="jsonl", columns=["prompt", "completion"])
    digests = {manifest.load(path).splits["train"].rows_digest for path in tmp_path.iterdir()}
    assert len(digests) == 1


# ---- the tokenizer --------------------------------------------------------------------------------------------------


def test_the_manifest_says_what_the_tokens_are(tmp_path, recipe):
    for asked, kind, size in (("bytes", "bytes", 257), ("chars", "characters", 30)):
        generate(recipe, tmp_path / asked, format="megatron", options={"tokenizer": asked})
        options = manifest.load(tmp_path / asked).splits["train"].options
        assert options["tokenizer"]["kind"] == kind
        assert options["tokenizer"]["eos"] == END
        assert (options["vocabulary"], options["end_token"], options["dtype"]) == (size, size - 1, "uint16")
    assert options["tokenizer"]["vocabulary"] == "abcdefghijklmnopqrstuvwxyz:=>"


def test_a_tokenizer_file_is_kept_in_the_folder(tmp_path, recipe, tokenizer_file):
    out, options = tmp_path / "a", {"tokenizer": tokenizer_file}
    generate(recipe, out, format="tokens", options=options)
    copied = (out / "tokenizer.json").read_bytes()
    assert copied == tokenizer_file.read_bytes()
    found = manifest.load(out)
    assert found.files["tokenizer.json"].sha256 == hashlib.sha256(copied).hexdigest()
    assert found.splits["train"].options["tokenizer"] == {
        "kind": "file",
        "eos": "</s>",
        "special": ["</s>"],
        "sha256": hashlib.sha256(copied).hexdigest(),
    }
    assert str(tokenizer_file) not in (out / "manifest.json").read_text()
    (again,) = generate(recipe, out, format="tokens", options=options)
    assert again.kept == again.shards
    generate(recipe, out, splits=["unseen"], format="tokens", options=options)
    assert verify(out).ok
    with pytest.raises(ShardError, match="options"):
        generate(recipe, out, splits=["seen"], format="tokens", options={"tokenizer": "bytes"})
    with pytest.raises(ShardError, match=r"options\.end_token"):
        generate(recipe, out, format="tokens", options={**options, "eos": "?"})


def test_another_tokenizer_in_the_folder_is_found(tmp_path, recipe, tokenizer_file):
    generate(recipe, tmp_path, format="megatron", options={"tokenizer": tokenizer_file})
    path = tmp_path / "tokenizer.json"
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"a": 5', b'"a": 6'))
    assert {problem.file for problem in verify(tmp_path).problems} == {"tokenizer.json", "train/part-00000.bin"}
    path.unlink()
    problems = {problem.file: problem.message for problem in verify(tmp_path).problems}
    assert problems["tokenizer.json"] == "missing; the command that wrote the folder makes it anew"
    assert "is missing, or not the tokenizer" in problems["train/part-00000.bin"]
    path.write_bytes(data)
    assert verify(tmp_path).ok


def test_work_that_was_killed_after_the_tokenizer_was_copied_goes_on(tmp_path, recipe, tokenizer_file, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    out, options = tmp_path / "a", {"format": "tokens", "options": {"tokenizer": tokenizer_file}, "shard_rows": 90}
    generate(recipe, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        patch.setattr(generation.Manifest, "with_files", killed)
        with pytest.raises(KeyboardInterrupt):
            generate(recipe, out, **options)
    assert (out / "tokenizer.json").exists()
    assert not (out / "manifest.json").exists()
    (written,) = generate(recipe, out, **options)
    assert written.kept == 3
    files = [path.relative_to(out) for path in out.rglob("*") if path.is_file()]
    assert all((out / path).read_bytes() == (tmp_path / "whole" / path).read_bytes() for path in files)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path, recipe):
    pytest.importorskip("tokenizers")
    wrong = tmp_path / "wrong.json"
    for data, message in ((b"root:x:0", "is not a tokenizer that the library"), (b"\xff", "it is not UTF-8")):
        wrong.write_bytes(data)
        with pytest.raises(ValueError, match=rf"^{wrong}: .*{message}"):
            generate(recipe, tmp_path / "a", format="tokens", options={"tokenizer": wrong})
        with pytest.raises(ValueError, match=rf"^{wrong}: .*{message}"):
            TokenizerFile(wrong)


def test_the_end_token_of_a_file_is_asked_for_where_it_is_not_usual(tmp_path, recipe, tokenizer_file):
    unusual = tmp_path / "unusual.json"
    unusual.write_text(tokenizer_file.read_text().replace("</s>", "STOP"))
    with pytest.raises(ValueError, match=r"unusual\.json: has none of the usual end tokens"):
        generate(recipe, tmp_path / "a", format="tokens", options={"tokenizer": unusual})
    generate(recipe, tmp_path / "a", format="tokens", options={"tokenizer": unusual, "eos": "STOP"})
    assert manifest.load(tmp_path / "a").splits["train"].options["end_token"] == 34
    assert next(sequences(tmp_path / "a"))[0][-1] == 34


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_requests_that_make_no_sense_are_refused_before_anything_is_written(tmp_path, recipe):
    out = tmp_path / "a"
    raw = recipe.replace({"rules.alphabet": {"bytes": [0, 255]}})
    for asked, options, columns, message in [
        (recipe, {}, ["prompt", "completion", "word"], "prompt and completion alone, not prompt, completion, word"),
        (recipe, {}, ["completion"], "prompt and completion alone"),
        (recipe, {"codec": "zstd"}, None, "no option 'codec'"),
        (recipe, {"tokenizer": ByteTokenizer()}, None, "no end token"),
        (recipe, {"tokenizer": ByteTokenizer(eos=END), "eos": "x"}, None, "eos is that of the tokenizer given"),
        (raw, {"tokenizer": "chars"}, None, "bytes"),
    ]:
        for name in TOKENS:
            with pytest.raises(ValueError, match=message):
                generate(asked, out, format=name, options=options, columns=columns)
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        generate(recipe, out, format="tokens", options={"tokenizer": tmp_path / "none.json"})
    with pytest.raises(ValueError, match="the format 'parquet' has no option 'tokenizer'"):
        generate(recipe, out, options={"tokenizer": "bytes"})
    assert not out.exists()


def test_characters_need_a_recipe():
    with pytest.raises(ValueError, match="needs the recipe"):
        Format("megatron", SCHEMA, {"tokenizer": "chars"})


BYTES = {"kind": "bytes", "eos": END, "special": [END]}


@pytest.mark.parametrize(
    "changes",
    [
        {"vocabulary": 258},
        {"end_token": 5},
        {"end_token": "256"},
        {"vocabulary": True},
        {"dtype": "uint8"},
        {"more": 1},
        {"tokenizer": {"kind": "none"}},
        {"tokenizer": {**BYTES, "json": "{}"}},
        {"tokenizer": {"kind": "file", "eos": END}},
        {"tokenizer": {"kind": "characters", "vocabulary": 5}},
    ],
)
def test_a_manifest_with_other_options_is_damaged(tmp_path, recipe, changes):
    generate(recipe, tmp_path, format="megatron")
    split = manifest.load(tmp_path).splits["train"]
    broken = manifest.msgspec.structs.replace(split, options={**split.options, **changes})
    with pytest.raises(DamagedError, match="the manifest: "):
        Format.of(broken)


# ---- damage ---------------------------------------------------------------------------------------------------------

ROWS = pa.RecordBatch.from_pydict({"prompt": ["ab>", "", "é"], "completion": ["c", "de", ""]}, SCHEMA)


def attempt(layout, path, shard):
    """Read files that may be damaged; tells whether they could be read."""
    try:
        for batch in layout.reader(Path(path), shard).batches():
            batch.validate(full=True)
    except (ValueError, OSError):
        return False
    return True


@pytest.mark.parametrize("name", TOKENS)
def test_a_file_that_ends_early_is_refused(tmp_path, name):
    layout = Format(name, SCHEMA)
    shard = write(layout, tmp_path, [layout.stored(ROWS)])
    assert attempt(layout, tmp_path, shard)
    for path in sorted(tmp_path.iterdir()):
        data = path.read_bytes()
        for end in range(len(data)):
            path.write_bytes(data[:end])
            assert not attempt(layout, tmp_path, shard), (path, end)
        path.write_bytes(data + b"\0")
        assert not attempt(layout, tmp_path, shard)
        path.write_bytes(data)


@pytest.mark.parametrize("name", TOKENS)
@given(data=st.data())
def test_any_change_of_an_index_is_refused(name, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage")
    layout = Format(name, SCHEMA)
    shard = write(layout, path, [layout.stored(ROWS)])
    index = path / ("part-00000.idx" if name == "megatron" else "part-00000.offsets")
    broken = bytearray(index.read_bytes())
    at = data.draw(st.integers(0, len(broken) - 1))
    broken[at] ^= data.draw(st.integers(1, 255))
    index.write_bytes(broken)
    inner = name == "tokens" and 8 <= at < len(broken) - 8  # offsets that still rise are other sequences
    assert inner or not attempt(layout, path, shard)
    attempt(layout, path, shard)


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("suffix", [".bin", ".mask"])
def test_verify_makes_tokens_again_and_names_the_row(tmp_path, recipe, name, suffix):
    """A token, or its mask, is changed and every checksum made to fit."""
    generate(recipe, tmp_path, format=name)
    path = tmp_path / "train" / f"part-00000{suffix}"
    found = manifest.load(tmp_path)
    split = found.splits["train"]
    width = 2 if suffix == ".bin" else 1
    at = width * sum(len(ids) for ids, _ in list(sequences(tmp_path))[:123])
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    (shard,) = split.shards
    replace = manifest.msgspec.structs.replace
    sums = [
        replace(file, sha256=hashlib.sha256(data).hexdigest()) if file.name == path.name else file
        for file in shard.files
    ]
    split = replace(split, shards=[replace(shard, files=sums)])
    (tmp_path / "manifest.json").write_bytes(replace(found, splits={"train": split}, files={}).encode())
    problems = [str(problem) for problem in verify(tmp_path).problems if "not in the manifest" not in problem.message]
    column = "tokens" if suffix == ".bin" else "loss_mask"
    assert len(problems) == 1
    assert problems[0].startswith(f"train/part-00000.bin: row 123, column {column!r}: holds [")


# ---- for people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOKENS)
def test_copies_and_other_processes_have_the_same_bytes(tmp_path, recipe, name, tokenizer_file):
    """Whether rows are read or made, and wherever: characters and files are those of the recipe and the folder."""
    generate(recipe, tmp_path / "rows", format="jsonl")
    for number, tokenizer in enumerate(["chars", tokenizer_file]):
        whole, copy, spread = (tmp_path / f"{kind}{number}" for kind in ("whole", "copy", "spread"))
        asked = {"format": name, "options": {"tokenizer": tokenizer}, "shard_rows": 100}
        generate(recipe, whole, **asked)
        export(tmp_path / "rows", copy, **asked)
        with ProcessPoolExecutor(1, get_context("spawn")) as processes:
            generate(recipe, spread, executor=processes, **asked)
        files = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
        for other in (copy, spread):
            assert {path.relative_to(other) for path in other.rglob("*") if path.is_file()} == files
            assert all((other / path).read_bytes() == (whole / path).read_bytes() for path in files)
        with pytest.raises(ShardError, match=r"holds tokens, loss_mask, not the rows; `.*toml --seed 0 --split train`"):
            export(whole, tmp_path / "back")


@pytest.mark.parametrize("name", TOKENS)
def test_inspect_and_the_card_say_what_is_there(tmp_path, recipe, name):
    generate(recipe, tmp_path, format=name)
    train = inspect(tmp_path).splits[0]
    data = Dataset(recipe)
    lengths = [len(row.prompt) + len(row.completion) + 1 for row in data]
    trained = [len(row.completion) + 1 for row in data]
    for found, expected in (("tokens", lengths), ("trained tokens", trained)):
        spread = train.lengths[found]
        assert (spread.min, spread.mean, spread.max) == (min(expected), sum(expected) / 250, max(expected))
    assert train.examples[2]["prompt"] == data[2].prompt
    assert train.examples[2]["completion"] == data[2].completion
    card = (tmp_path / "README.md").read_text()
    assert "data_files: []" in card
    assert "| `loss_mask` |" in card
    assert f"| end token | 256 (`{END}`) |" in card
    assert "| `prompt` |" not in card


def test_the_command_takes_a_tokenizer(tmp_path, tokenizer_file):
    args = ["generate", "paper/no-op", "--examples", 200, "--format", "megatron"]
    run(*args, "--out", tmp_path / "a", "--tokenizer", tokenizer_file)
    run(*args, "--out", tmp_path / "b", "--tokenizer", "chars", "--eos", "END")
    assert "ok: 200 of 200 rows" in run("verify", tmp_path / "a").stdout
    run("generate", "paper/no-op", "--examples", 200, "--out", tmp_path / "rows")
    run("export", tmp_path / "rows", "--format", "megatron", "--out", tmp_path / "d", "--tokenizer", tokenizer_file)
    assert (tmp_path / "d/manifest.json").read_bytes() == (tmp_path / "a/manifest.json").read_bytes()
    shown = run("inspect", tmp_path / "b").stdout
    assert "trained tokens" in shown
    assert "tokens length" not in shown
    found = json.loads(run("inspect", tmp_path / "b", "--json").stdout)
    assert found["splits"][0]["lengths"]["tokens"]["max"] == 144
    for more, message in [
        (["--tokenizer", "bytes", "--format", "parquet"], "error: the format 'parquet' has no option 'tokenizer'"),
        (["--tokenizer", tmp_path / "none.json"], "none.json: No such file or directory"),
        (["--tokenizer", tokenizer_file, "--eos", "NONE"], "'NONE' is not in the tokenizer's vocabulary"),
        (["--columns", "prompt"], "error: token formats hold prompt and completion alone, not prompt"),
    ]:
        result = run(*args, "--out", tmp_path / "c", *more, code=2)
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "c").exists()
    refused = run("report", tmp_path / "b", code=2)
    assert "holds tokens, of which no report is made" in refused.stderr
