"""Formats that hold rows as they are: what is written is read, whatever the types, and damage is an error."""

import json
import struct
import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib.files import WholeFile
from markovlib.shards import formats, manifest
from markovlib.shards.formats import Format

ROWS = [name for name in formats.MODULES if formats.chosen(name) is None]
REFUSALS = (pa.ArrowException, ValueError, OSError)

# ---- rows of every type ---------------------------------------------------------------------------------------------

letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
INTEGERS = {
    f"{sign}int{bits}": (0 if sign else -(2 ** (bits - 1)), 2 ** (bits if sign else bits - 1) - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
SCALARS = {
    "bool": st.booleans(),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": letters,
    "large_string": letters,
    "binary": st.binary(max_size=6),
    "large_binary": st.binary(max_size=6),
    **{name: st.integers(*bounds) for name, bounds in INTEGERS.items()},
}
ALIASES = {"float": "float32", "double": "float64"}


@st.composite
def columns(draw, depth=2):
    """An Arrow type and a strategy for its values."""
    kind = draw(st.sampled_from([*SCALARS, *(["list", "struct"] if depth else [])]))
    if kind == "list":
        inner, values = draw(columns(depth - 1))
        return pa.list_(inner), st.lists(st.none() | values, max_size=3)
    if kind == "struct":
        fields = {name: draw(columns(depth - 1)) for name in draw(st.sets(st.sampled_from("abc"), min_size=1))}
        values = {name: st.none() | inner for name, (_, inner) in fields.items()}
        return pa.struct([(name, inner) for name, (inner, _) in fields.items()]), st.fixed_dictionaries(values)
    return pa.type_for_alias(ALIASES.get(kind, kind)), SCALARS[kind]


@st.composite
def tables(draw):
    """Batches of one schema, any value of which may be null."""
    names = draw(st.lists(st.sampled_from(["z", "prompt", "é", "a b", "rules", "A"]), min_size=1, unique=True))
    kinds = {name: draw(columns()) for name in names}
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    nullable = {name: draw(st.booleans()) for name in names}
    batches = []
    for size in sizes:
        arrays = []
        for name, (kind, values) in kinds.items():
            choice = st.none() | values if nullable[name] else values
            arrays.append(pa.array([draw(choice) for _ in range(size)], kind))
        batches.append(pa.RecordBatch.from_arrays(arrays, names=list(names)))
    return batches


def layout_of(name, batches):
    nulls = [field for field in batches[0].schema.names if any(b.column(field).null_count for b in batches)]
    return Format(name, batches[0].schema, {"nullable": nulls} if name == "mds" else None)


def write(layout, folder, batches):
    """Return a shard of these batches."""
    files = [WholeFile(Path(folder) / f"part-00000{suffix}") for suffix in layout.suffixes]
    writer = layout.writer(files, "{}")
    for batch in batches:
        writer.write(batch)
    writer.close()
    for file in files:
        file.seal()
        file.commit()
    listed = [manifest.File(file.path.name, file.size, file.sha256) for file in files]
    return manifest.Shard(0, sum(batch.num_rows for batch in batches), listed)


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=tries(60))
@given(batches=tables(), data=st.data())
def test_what_is_written_is_read(name, batches, data):
    layout = layout_of(name, batches)
    whole = pa.Table.from_batches(batches)
    with tempfile.TemporaryDirectory() as folder:
        shard = write(layout, folder, batches)
        reader = layout.reader(Path(folder), shard)
        assert (reader.rows, reader.columns) == (whole.num_rows, whole.column_names)
        assert pa.Table.from_batches(reader.batches()).cast(whole.schema).equals(whole)
        start = data.draw(st.integers(0, whole.num_rows - 1))
        stop = data.draw(st.integers(start + 1, whole.num_rows))
        chosen = data.draw(st.lists(st.sampled_from(whole.column_names), min_size=1, unique=True))
        part = reader.read(start, stop, chosen)
        assert part.schema.names == chosen
        assert part.to_pylist() == whole.select(chosen).slice(start, stop - start).to_pylist()
        reader.close()


@pytest.mark.parametrize("name", ROWS)
def test_slices_are_written_as_what_they_show(tmp_path, name):
    words = pa.array(["nul", "", "é", "four", "no"], pa.large_string())
    rules = pa.array([[{"x": b"a"}], [], [{"x": None}], [{"x": b"\xff"}, {"x": b""}], []])
    batch = pa.RecordBatch.from_arrays([words, rules, pa.array([True, False] * 2 + [True])], names=["w", "r", "b"])
    pieces = [batch.slice(1, 2), batch.slice(3, 1)]
    layout = layout_of(name, pieces)
    reader = layout.reader(tmp_path, write(layout, tmp_path, pieces))
    assert [row for found in reader.batches() for row in found.to_pylist()] == batch.slice(1, 3).to_pylist()


# ---- damage ---------------------------------------------------------------------------------------------------------

BATCH = pa.RecordBatch.from_pydict(
    {
        "index": pa.array([0, 1, 2], pa.int64()),
        "prompt": pa.array(["ab>c:", "", "é"], pa.large_string()),
        "rules": pa.array([[{"pattern": "ab"}], [], [{"pattern": None}]]),
        "no_op": pa.array([True, False, True]),
    }
)
OURS = ["jsonl", "mds"]


def read_all(layout, folder, shard):
    """Read a file that may be damaged: it is rows or one of the errors that readers promise."""
    try:
        reader = layout.reader(Path(folder), shard)
        for batch in reader.batches():
            batch.validate(full=True)
            batch.to_pylist()
        if reader.rows:
            reader.read(0, min(2, reader.rows))
    except REFUSALS:
        return False
    return True


def test_an_mds_file_that_ends_early_is_refused(tmp_path):
    layout = Format("mds", BATCH.schema)
    shard = write(layout, tmp_path, [BATCH])
    path = tmp_path / shard.name
    data = path.read_bytes()
    assert read_all(layout, tmp_path, shard)
    for end in range(len(data)):
        path.write_bytes(data[:end])
        assert not read_all(layout, tmp_path, shard)


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
def test_any_change_of_bytes_is_rows_or_a_clear_error(name, data):
    layout = Format(name, BATCH.schema)
    with tempfile.TemporaryDirectory() as folder:
        shard = write(layout, folder, [BATCH])
        path = Path(folder) / shard.name
        broken = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(broken) - 1))
            broken[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=5))
        path.write_bytes(broken)
        read_all(layout, folder, shard)


@pytest.mark.parametrize("name", [*OURS, "jsonl.zst", "parquet", "arrow"])
@settings(max_examples=tries(40))
@given(garbage=st.binary(max_size=200))
def test_garbage_is_a_clear_error(name, garbage):
    layout = Format(name, BATCH.schema)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"part-00000{layout.suffixes[0]}"
        path.write_bytes(garbage)
        read_all(layout, folder, manifest.Shard(0, 3, [manifest.File(path.name, 0, "")]))


@pytest.mark.parametrize("name", ["jsonl", "mds"])
def test_a_number_too_large_for_its_column_is_a_clear_error(tmp_path, name):
    numbers = pa.RecordBatch.from_pydict({"n": pa.array([[2**63]], pa.list_(pa.uint64()))})
    layout = Format(name, numbers.schema)
    shard = write(layout, tmp_path, [numbers])
    assert read_all(layout, tmp_path, shard)
    signed = Format(name, pa.schema({"n": pa.list_(pa.int64())})).reader(tmp_path, shard)
    with pytest.raises(ValueError, match="large"):
        next(signed.batches())


# ---- MDS ------------------------------------------------------------------------------------------------------------


def test_mds_has_the_documented_layout(tmp_path):
    layout = Format("mds", BATCH.schema)
    shard = write(layout, tmp_path, [BATCH])
    data = (tmp_path / shard.name).read_bytes()
    count, *offsets = struct.unpack_from("<5I", data)
    assert (count, offsets[-1]) == (3, len(data))
    config = json.loads(data[20 : offsets[0]])
    assert config["column_names"] == ["index", "no_op", "prompt", "rules"]
    assert config["column_encodings"] == ["int", "uint8", "str", "json"]
    assert config["column_sizes"] == [8, 1, None, None]
    first = data[offsets[0] : offsets[1]]
    rules = b'[{"pattern": "ab"}]'
    assert first == struct.pack("<2Iq?", 5, len(rules), 0, True) + b"ab>c:" + rules


def test_mds_names_the_null_that_it_has_no_place_for(tmp_path):
    batch = pa.RecordBatch.from_pydict({"key": pa.array(["a", None], pa.large_string())})
    with pytest.raises(ValueError, match=r"column 'key' is null in row 1, .* option nullable"):
        write(Format("mds", batch.schema), tmp_path, [batch])
    shard = write(layout := Format("mds", batch.schema, {"nullable": ["key"]}), tmp_path, [batch])
    assert next(layout.reader(tmp_path, shard).batches()).to_pylist() == batch.to_pylist()


@pytest.mark.parametrize("options", [{"nullable": "key"}, {"nullable": [1]}, {"tokenizer": "bytes"}])
def test_mds_refuses_other_options(options):
    with pytest.raises(ValueError, match=r"nullable must|no option 'tokenizer'"):
        Format("mds", BATCH.schema, options)


def test_mds_texts_with_nulls_are_what_json_makes_of_them(tmp_path):
    for texts in (["a", None, ""], ['"', None], ["\n", "\\"], ["é", "\U0001f600"], [None]):
        batch = pa.RecordBatch.from_pydict({"t": pa.array(texts, pa.large_string())})
        layout = Format("mds", batch.schema, {"nullable": ["t"]})
        shard = write(layout, tmp_path, [batch])
        data = (tmp_path / shard.name).read_bytes()
        offsets = struct.unpack_from(f"<{len(texts) + 1}I", data, 4)
        found = [data[a + 4 : b] for a, b in pairwise(offsets)]
        assert found == [json.dumps(text).encode() for text in texts]


def test_mds_refuses_a_shard_of_four_gigabytes(tmp_path, monkeypatch):
    from markovlib.shards import mds

    monkeypatch.setattr(mds, "MOST_BYTES", 400)
    with pytest.raises(ValueError, match="400 bytes at most: write fewer rows in a shard"):
        write(Format("mds", BATCH.schema), tmp_path, [BATCH] * 9)
