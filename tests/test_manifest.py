"""The manifest, the card, the digest of the rows and the journal, each by itself."""

import hashlib
import struct
import zlib

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib.shards import card, journal, manifest
from markovlib.shards.digest import block_digest, rows_digest
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.manifest import Companion, File, Manifest, Shard, Split
from markovlib.shards.stores import LocalStore


def made(**changes):
    split = Split(
        rows=10,
        format="parquet",
        options={},
        columns={"index": "int64", "prompt": "large_string"},
        shard_rows=10,
        sizes={"examples": 10},
        recipe_fingerprint="aa",
        fingerprint="bb",
        rows_digest="cc",
        shards=[Shard(0, 10, [File("part-00000.parquet", 123, "dd")])],
    )
    fields = {
        "kind": manifest.KIND,
        "version": manifest.VERSION,
        "markovlib": "0.1.0",
        "pyarrow": "26.0.1",
        "stream_version": 1,
        "seed": 2**70,
        "recipe": {"words": {"no_op": 0.3, "length": [50, 50]}},
        "splits": {"train": split},
        "files": {"README.md": Companion(5, "ee")},
    }
    return Manifest(**{**fields, **changes})


def test_a_manifest_reads_back_as_it_was_written(tmp_path):
    (tmp_path / manifest.NAME).write_bytes(made().encode())
    found = manifest.load(tmp_path)
    assert msgspec.structs.replace(found, sha256="") == made()
    assert found.encode() == made().encode()


def test_every_changed_bit_of_a_manifest_is_found(tmp_path):
    data = made().encode()
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 1 << (position % 8)
        (tmp_path / manifest.NAME).write_bytes(broken)
        with pytest.raises(ShardError):
            manifest.load(tmp_path)


def test_an_edited_manifest_is_damaged_and_a_foreign_one_is_not_ours(tmp_path):
    path = tmp_path / manifest.NAME
    path.write_bytes(made().encode().replace(b'"rows": 10', b'"rows": 11'))
    with pytest.raises(DamagedError, match="checksum"):
        manifest.load(tmp_path)
    path.write_text('{"name": "web app"}')
    with pytest.raises(ShardError, match="not a manifest of markovlib"):
        manifest.load(tmp_path)
    path.write_bytes(made(version=99).encode())
    with pytest.raises(ShardError, match="version 99"):
        manifest.load(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DamagedError, match="not JSON"):
        manifest.load(tmp_path)


def test_differences_name_each_field_and_both_values():
    ours = {"seed": 1, "recipe": {"words": {"no_op": 0.5}, "k": 3}}
    theirs = {"seed": 0, "recipe": {"words": {"no_op": 0.3}}}
    assert list(manifest.differences(ours, theirs)) == [
        "recipe.k is not set there, 3 asked for",
        "recipe.words.no_op is 0.3 there, 0.5 asked for",
        "seed is 0 there, 1 asked for",
    ]
    assert not list(manifest.differences(ours, ours))


def test_of_long_values_that_part_is_shown_in_which_they_differ():
    ours = {"list": [f"{i:03}" for i in range(300)]}
    theirs = {"list": [*ours["list"][:150], "other", *ours["list"][150:]]}
    [change] = manifest.differences(ours, theirs)
    assert len(change) < 450
    there, asked = change.split(" there, ")
    assert '"149","other","150",' in there
    assert '"149","150",' in asked
    assert there.startswith("list is ...")
    assert asked.endswith("... asked for")
    [change] = manifest.differences({}, theirs)
    assert change.startswith('list is ["000","001",')
    assert change.endswith("... there, not set asked for")
    [change] = manifest.differences({"list": ours["list"][:-1]}, ours)
    assert change.count('"298"') == 2
    assert change.endswith('"298"] asked for')


def test_the_card_has_what_a_reader_of_the_hub_needs():
    text = card.render(made(), 'examples = 10\n[render]\nprompt = "```{word}"\n')
    front, _, rest = text.removeprefix("---\n").partition("---\n")
    assert "license: cc0-1.0" in front
    assert '  - split: "train"\n    path: "train/*.parquet"\n' in front
    assert "n<1K" in front
    assert "2405.19787" in rest
    assert "`bb`" in rest
    assert "````toml\nexamples = 10" in rest


def test_the_card_gives_folders_of_other_rows_other_configurations():
    """Hugging Face `datasets` keeps what it has loaded by the folder's last name and this."""
    split = made().splits["train"]
    cards = {
        card.render(made(splits={name: msgspec.structs.replace(split, rows_digest=digest)}), "").partition("## ")[0]
        for name, digest in (("train", "cc"), ("train", "dd"), ("test", "cc"))
    }
    assert len(cards) == 3
    assert all("- config_name: default\n  description: " in text for text in cards)


def table(texts, numbers):
    columns = [pa.array(texts, pa.large_string()), pa.array(numbers, pa.int32())]
    return pa.RecordBatch.from_arrays(columns, names=["t", "n"])


def test_the_digest_is_the_documented_one():
    streams = [
        ("t", [(b"l", struct.pack("<2q", 2, 3)), (b"t", "ébbb".encode())]),
        ("n", [(b"i", struct.pack("<2q", 7, -1))]),
    ]
    message = b""
    for name, parts in streams:
        message += struct.pack("<I", len(name)) + name.encode()
        for kind, data in parts:
            message += kind + struct.pack("<QII", len(data), zlib.crc32(data), zlib.adler32(data))
    block = hashlib.sha256(message).hexdigest()
    assert block_digest(table(["é", "bbb"], [7, -1])) == block
    whole = hashlib.sha256(b"markovlib rows 1\n" + struct.pack("<Q", 2) + bytes.fromhex(block)).hexdigest()
    assert rows_digest(2, [block]) == whole


rows = st.lists(st.tuples(st.text(max_size=5), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=20)


@given(rows, st.integers(0, 5))
def test_the_digest_does_not_depend_on_how_arrow_holds_the_rows(pairs, before):
    texts, numbers = map(list, zip(*pairs, strict=True))
    sliced = table(["x"] * before + texts + ["y"], [5] * before + numbers + [6]).slice(before, len(pairs))
    narrow = pa.RecordBatch.from_arrays([pa.array(texts, pa.string()), pa.array(numbers, pa.int64())], ["t", "n"])
    assert block_digest(table(texts, numbers)) == block_digest(sliced) == block_digest(narrow)


@given(rows, st.data())
def test_the_digest_changes_with_any_value(pairs, data):
    texts, numbers = map(list, zip(*pairs, strict=True))
    before = block_digest(table(texts, numbers))
    row = data.draw(st.integers(0, len(pairs) - 1))
    texts[row] += "a"
    assert block_digest(table(texts, numbers)) != before


def test_null_and_empty_nested_and_bytes_columns_have_digests_of_their_own():
    def digest(values, kind):
        return block_digest(pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["c"]))

    rule = pa.list_(pa.struct([("pattern", pa.large_string()), ("terminal", pa.bool_())]))
    digests = {
        digest(["", "a"], pa.large_string()),
        digest([None, "a"], pa.large_string()),
        digest([b"", b"a"], pa.large_binary()),
        digest([None, b"a"], pa.large_binary()),
        digest([True, False], pa.bool_()),
        digest([True, None], pa.bool_()),
        digest([1, None], pa.int64()),
        digest([1, 0], pa.int64()),
        digest([[{"pattern": "a", "terminal": True}], []], rule),
        digest([[], [{"pattern": "a", "terminal": True}]], rule),
    }
    assert len(digests) == 10
    with pytest.raises(TypeError, match="double"):
        digest([1.0], pa.float64())


def entry(number):
    return journal.Entry(Shard(number, number + 1, [File(f"part-{number}", 9, "aa")]), b"b" * 32)


def store_of(path):
    (path / "train").mkdir()
    return LocalStore(path)


def test_a_torn_journal_loses_only_its_last_line(tmp_path):
    store = store_of(tmp_path)
    record = journal.Journal(store, "train", {"seed": 1})
    for number in range(3):
        record.append(entry(number))
    record.close()
    path = tmp_path / "train" / journal.NAME
    path.write_bytes(path.read_bytes()[:-10])
    again = journal.Journal(store, "train", {"seed": 1})
    assert again.entries == {0: entry(0), 1: entry(1)}
    again.append(entry(2))
    again.close()
    last = journal.Journal(store, "train", {"seed": 1})
    last.close()
    assert sorted(last.entries) == [0, 1, 2]


@pytest.mark.parametrize("names", [[], ["../../x"], ["part-00001", "/dev/zero"]])
def test_a_line_of_a_journal_that_names_no_file_of_the_split_is_not_taken(tmp_path, names):
    store = store_of(tmp_path)
    record = journal.Journal(store, "train", {"seed": 1})
    record.append(entry(0))
    record.append(journal.Entry(Shard(1, 2, [File(name, 9, "aa") for name in names]), b""))
    record.close()
    again = journal.Journal(store, "train", {"seed": 1})
    again.close()
    assert again.entries == {0: entry(0)}


@pytest.mark.parametrize("head", [bytes(40), b'{"seed": ', b"[1]", b"\xff"])
def test_a_journal_whose_beginning_cannot_be_read_is_damaged(tmp_path, head):
    path = tmp_path / "train" / journal.NAME
    path.parent.mkdir()
    path.write_bytes(head + b"\n{}\n")
    with pytest.raises(DamagedError, match=r"\.unfinished\.jsonl: damaged: .* remove .*train to begin anew"):
        journal.Journal(LocalStore(tmp_path), "train", {"seed": 1})
    assert path.read_bytes() == head + b"\n{}\n"


def test_a_journal_of_another_plan_is_refused(tmp_path):
    store = store_of(tmp_path)
    journal.Journal(store, "train", {"seed": 1, "rows": 5}).close()
    with pytest.raises(ShardError, match="seed is 1 there, 2 asked for"):
        journal.Journal(store, "train", {"seed": 2, "rows": 5})


def test_each_shard_is_a_line_whatever_else_the_manifest_holds(tmp_path):
    """Fields elsewhere that look like an empty list of shards stay what they are."""
    decoys = {"shards": [], "x": {"shards": []}, '\n      "shards": []': '\n      "shards": []'}
    shards = [Shard(n, n + 1, [File(f"part-{n:05d}.bin", n, "ab" * 32), File("mask", 1, "")]) for n in range(7)]
    train = msgspec.structs.replace(made().splits["train"], shards=shards, options=decoys, sizes={"shards": 3})
    empty = msgspec.structs.replace(train, shards=[])
    whole = made(
        recipe=decoys, splits={"train": train, "none": empty, "shards": train}, files={"shards": Companion(1, "")}
    )
    data = whole.encode()
    assert data.count(b'\n        {"start":') == 14
    assert msgspec.json.decode(data)["splits"]["shards"]["shards"][6]["files"][1] == {
        "name": "mask",
        "bytes": 1,
        "sha256": "",
    }
    (tmp_path / manifest.NAME).write_bytes(data)
    assert msgspec.structs.replace(msgspec.json.decode(data, type=Manifest), sha256="") == whole
    with pytest.raises(DamagedError, match="cover"):  # Neither the fields nor the checksum is what is wrong.
        manifest.load(tmp_path)
    assert msgspec.json.decode(made(splits={}).encode(), type=Manifest).splits == {}


def with_its_checksum(data):
    tail = len(b'"\n}\n') + 64
    return data[:-tail] + hashlib.sha256(data[:-tail] + data[-4:]).hexdigest().encode() + data[-4:]


def test_a_manifest_whose_checksum_fits_but_which_is_none_is_damaged(tmp_path):
    data = made().encode().replace(b'"rows": 10', b'"rows": "x"')
    (tmp_path / manifest.NAME).write_bytes(with_its_checksum(data))
    with pytest.raises(DamagedError, match=r"Expected `int`, got `str` - at `\$\.splits\[\.\.\.\]\.rows`"):
        manifest.load(tmp_path)
    for short in (b"", b"{}", b'{"kind": "markovlib-shards", "version": 2}', b"[]"):
        (tmp_path / manifest.NAME).write_bytes(short)
        with pytest.raises(ShardError):
            manifest.load(tmp_path)


def claimed(**changes):
    """A manifest whose split has other fields than a writer would give it."""
    return made(splits={"train": msgspec.structs.replace(made().splits["train"], **changes)})


def of_file(name):
    return claimed(shards=[Shard(0, 10, [File("part-00000.parquet", 1, ""), File(name, 1, "")])])


COVER = "the shards of 'train' do not cover its rows once each"
FILE = r"splits.train.shards[0].files: {!r} is not the name of a file of a shard"


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        *((of_file(name), FILE.format(name)) for name in ("", ".", "..", "/etc/x", "../x", "a/b", "a\\b", "a\0b")),
        *(
            (made(files={name: Companion(1, "")}), f"files: {name!r} is not the name of a file beside the shards")
            for name in ("", "..", "/dev/zero", "//x", "other/x", "train/", "train/..", "train/a/b", "../train/x")
        ),
        *(
            (made(splits={name: made().splits["train"]}), f"splits: {name!r} is not the name of a split")
            for name in ("", "..", "a/b", "/tmp", ".x", "\u00e9", "a b", "train\n")
        ),
        (made(splits={}), "splits: there is none"),
        (made(seed=-1), "seed: must be at least 0, got -1"),
        (claimed(rows=0, shards=[]), COVER),
        (claimed(rows=11), COVER),
        (claimed(shards=[Shard(0, 10, [])]), COVER),
        (claimed(shards=[Shard(0, 0, [File("x", 1, "")]), Shard(0, 10, [File("y", 1, "")])]), COVER),
        (claimed(options={"tokenizer": "/dev/zero"}), "splits.train.options.tokenizer: describes no tokenizer: '/dev/"),
        (claimed(counts={"a": 1}), "splits.train.counts.sources: are not numbers of rows by source"),
        (claimed(counts={"sources": {"a": {"rows": "x"}}}), "splits.train.counts.sources: are not numbers"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_what_no_writer_does_is_damaged(tmp_path, claim, problem):
    """Its checksum fits: who made it up could work that out too."""
    (tmp_path / manifest.NAME).write_bytes(claim.encode())
    with pytest.raises(DamagedError) as caught:
        manifest.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / manifest.NAME}: {problem}")


def test_a_manifest_of_many_levels_is_no_json_of_ours(tmp_path):
    (tmp_path / manifest.NAME).write_bytes(b'{"kind": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    with pytest.raises(DamagedError, match=r"manifest\.json: not JSON: "):
        manifest.load(tmp_path)
