"""Rows of other people's files: what a file is, which field is which, and one clear line for each that is wrong."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib.mixing import rows as rows_module
from markovlib.mixing.layouts import LAYOUTS, LayoutError, layout_named, recognise, text_fields
from markovlib.mixing.rows import SourceError, open_rows
from markovlib.mixing.spool import Spool
from markovlib.mixing.templates import FieldError, Template
from markovlib.render import TemplateError

ROWS = [
    {"instruction": "Add.", "input": "1, 2", "output": "3"},
    {"instruction": 'Sing\n"a" song {in} [braces] \\ of 中 and 😀', "input": "", "output": "La, la."},
    {"instruction": "Nothing", "input": None, "output": ""},
]


def read(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in open_rows(path).read()]


def as_jsonl(rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_arrow(path: Path, stream: bool) -> None:
    table = pa.Table.from_pylist(ROWS)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def write_all(folder: Path) -> dict[str, Path]:
    """The same rows in every container, under a name that says nothing of it."""
    lines = as_jsonl(ROWS)
    data = {
        "JSON, a list": json.dumps(ROWS, indent=4).encode(),
        "JSON Lines": b"\xef\xbb\xbf\n" + lines,
        "JSON, an object of rows": json.dumps({str(i): row for i, row in enumerate(ROWS)}).encode(),
        "JSON Lines, gzip": gzip.compress(lines),
        "JSON Lines, bzip2": bz2.compress(lines),
        "JSON Lines, xz": lzma.compress(lines),
        "JSON Lines, zstd": pa.compress(lines, "zstd", asbytes=True),
        "JSON, a list, gzip": gzip.compress(json.dumps(ROWS).encode()),
    }
    paths = {}
    for number, (name, content) in enumerate(data.items()):
        paths[name] = folder / f"file{number}"
        paths[name].write_bytes(content)
    paths["Parquet"] = folder / "table"
    pq.write_table(pa.Table.from_pylist(ROWS), paths["Parquet"], row_group_size=2)
    for name, stream in (("Arrow IPC", False), ("Arrow IPC, a stream", True)):
        paths[name] = folder / f"arrow{stream}"
        write_arrow(paths[name], stream)
    return paths


def test_every_container_gives_the_same_rows(tmp_path: Path) -> None:
    for name, path in write_all(tmp_path).items():
        assert open_rows(path).container == name
        assert read(path) == ROWS, name


def test_numbers_are_lines_of_text_and_rows_of_columns(tmp_path: Path) -> None:
    paths = write_all(tmp_path)
    numbers = {name: [n for n, _ in open_rows(path).read()] for name, path in paths.items()}
    assert numbers["JSON Lines"] == [2, 3, 4]
    assert numbers["JSON, a list"] == [2, 7, 12]
    assert numbers["Parquet"] == numbers["Arrow IPC"] == [0, 1, 2]
    assert open_rows(paths["JSON Lines"]).where(3) == f"{paths['JSON Lines']}:3"
    assert open_rows(paths["Parquet"]).where(1) == f"{paths['Parquet']}: row 1"


def test_only_the_fields_asked_for_are_read_of_columns(tmp_path: Path) -> None:
    path = write_all(tmp_path)["Parquet"]
    assert next(iter(open_rows(path).read({"output", "nothing"}))) == (0, {"output": "3"})


@settings(max_examples=tries(60))
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5)), max_size=8),
    st.sampled_from([None, 1, 4]), st.booleans(), st.integers(1, 40),
)  # fmt: skip
def test_lists_are_read_as_the_json_library_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], indent: int | None, ascii_only: bool, chunk: int
) -> None:
    """Whatever the size of the pieces that they are read in, keyed or not, of one line or of many."""
    folder = tmp_path_factory.mktemp("lists")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "_CHUNK", chunk)
        for value in (rows, {f"key {i}": row for i, row in enumerate(rows)}):
            path = folder / "rows.json"
            path.write_text(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "utf-8", "surrogatepass")
            if path.read_bytes().strip() in (b"{}",):
                continue
            found = read(path)
            assert found == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": is empty"),
        (b"  \n ", ": is empty"),
        (b"hello", ": begins with b'hello': it is neither JSON"),
        (b"\x80\x04\x95pickle", "is neither JSON"),
        (b'{"a": 1}\n{"a": 2\n', ":2: is not JSON: "),
        (b'{"a": 1}\n\n[1]\n', ":3: holds a list, not an object"),
        (b'{"a": 1}\n{"a": "\xff"}\n', ":2: is not UTF-8 (byte 7 of the line)"),
        (b'{"a": ' + b"[" * 200_000 + b"\n", ":1: is not JSON"),
        (b'{"a": ' + b"1" * 10_000 + b"}\n", ":1: is not JSON that can be read: "),
        (b'[\n{"a": 1},\n{"a": 1,}\n]', ":3: is not JSON: "),
        (b'[\n{"a": 1},\n 7]', ":3: holds a number, not an object"),
        (b'[{"a": 1}\n', ":2: is not JSON: expected ']', found the end of the file"),
        (b'[{"a": 1}] [', "is not JSON: something follows"),
        (b'[{"a": 1} {"a": 2}]', "is not JSON: expected ']', found '{'"),
        (b'[{"a": "\xff"}]', ": is not UTF-8, some way behind line 1"),
        (b"[" * 100_000, ":1: is not JSON: it is nested too deeply"),
        (b'{"a": {"b": 1}, "c": {"d": 2}, "e": 2}', ":1: holds a number, not an object"),
        (b'{\n "data": [\n  {"a": 1}\n ]\n}\n', ": is an object that holds no rows by name; give the list"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (b"\x28\xb5\x2f\xfdbroken", "cannot be read"),
        (b"PAR1 and no more", "cannot be read"),
        (b"ARROW1\0\0 and no more", "cannot be read"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + b"\x07" * 40, "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_rows_is_one_line_with_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_that_are_no_text_are_let_alone(tmp_path: Path) -> None:
    """Such as times that Python has no value for, which would fail for no good reason."""
    times = pa.array([2**62, 1], pa.timestamp("ns"))
    table = pa.table({"prompt": ["a", "b"], "completion": ["c", "d"], "made": times, "raw": [b"x", b"y"]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet") == [{"prompt": "a", "completion": "c"}, {"prompt": "b", "completion": "d"}]


@pytest.mark.slow
def test_one_row_is_held_at_a_time(tmp_path: Path) -> None:
    """Files of 20 MB are read in much less, lists on one line included."""
    rows = [{"instruction": f"{i} " * 100, "output": "y" * 300} for i in range(25_000)]
    (tmp_path / "lines.jsonl").write_bytes(as_jsonl(rows))
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode(), 1))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "table.parquet", row_group_size=1000)
    del rows
    for path in sorted(tmp_path.iterdir()):
        tracemalloc.start()
        try:
            assert sum(1 for _ in open_rows(path).read()) == 25_000
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000, path.name


def test_a_file_of_lines_is_told_by_its_name_from_an_object_of_rows(tmp_path: Path) -> None:
    content = b'{"meta": {"id": 1}, "text": "a"}\n{"meta": {"id": 2}, "text": "b"}\n'
    lines = tmp_path / "rows.jsonl"
    lines.write_bytes(content)
    assert [row["text"] for row in read(lines)] == ["a", "b"]
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(content))
    assert [row["text"] for row in read(packed)] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ([{"meta": {"id": 1}, "text": "a"}, {"meta": {"id": 2}, "text": "b"}], 2),
        ([{"a": {"id": 1}, "b": {"id": 2}}, {"a": {"id": 3}, "b": {"id": 4}}], 2),
        ([{"a": {"id": 1}}, {"a": {"id": 2}}], 2),
        ([{"a": {"id": 1}, "text": "a"}], 1),
        ([{"x": {"text": "a"}, "y": {"text": "b"}}], None),
        ([{"x": {"text": "a"}}], None),
    ],
)
def test_lines_are_told_from_an_object_of_rows_by_what_they_hold(tmp_path: Path, content: Any, rows: Any) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(as_jsonl(content))
    assert read(path) == (list(content[0].values()) if rows is None else content)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "stream"])
def test_columns_of_one_name_are_refused_where_they_are_read(tmp_path: Path, kind: str) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["p", "q", "q"])
    path = tmp_path / "rows"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        with (pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file)(str(path), table.schema) as writer:
            writer.write_table(table)
    rows = open_rows(path)
    assert list(rows.read({"p"})) == [(0, {"p": "a"})]
    assert rows.first() == (0, {"p": "a", "q": "b"})
    for fields in ({"q"}, None):
        with pytest.raises(SourceError, match=r"rows: has 2 columns of the name 'q'"):
            list(rows.read(fields))


def test_damaged_gzip_is_refused_with_its_name(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b'{"text": "%d"}\n' % i for i in range(5000)))
    path = tmp_path / "rows.jsonl.gz"
    refused = 0
    for at in range(10, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(path)
        except SourceError as error:
            assert str(error).startswith(f"{path}:")  # noqa: PT017
            refused += 1
    assert refused > 50


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    for name, path in write_all(tmp_path).items():
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - 12])
        if name == "Arrow IPC, a stream":
            continue  # A stream may end anywhere between batches; the last bytes only say that it does.
        with pytest.raises(SourceError, match=str(path)):
            read(path)


def test_rows_have_a_longest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "LONGEST_ROW", 1000)
    monkeypatch.setattr(rows_module, "_CHUNK", 100)
    row = json.dumps({"a": "x" * 5000})
    for name, content in (("a.jsonl", row), ("b.json", f"[{row}]")):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(SourceError, match=r"longer than 1,000 bytes|is not JSON"):
            read(path)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a file"):
        open_rows(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_rows(tmp_path / "nothing")


# ---- layouts --------------------------------------------------------------------------------------------------------

USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}

KNOWN: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("alpaca", {"instruction": "Add.", "input": "1, 2", "output": "3", "text": "..."}, ("Add.\n\n1, 2", "3")),
    ("alpaca", {"instruction": "Add.", "output": "3"}, ("Add.", "3")),
    ("oss-instruct", {"lang": "python", "seed": "s", "problem": "P", "solution": "S", "index": 1}, ("P", "S")),
    ("cot", {"source": "Q", "target": "A", "rationale": "R", "task": "t"}, ("Q", "R\n\nA")),
    ("messages", {"messages": [USER, ASSISTANT]}, ("Hi", "Hello")),
    ("messages", {"messages": [{"role": "system", "content": "Be kind."}, USER, ASSISTANT]},
     ("Be kind.\n\nHi", "Hello")),
    ("messages", {"messages": [USER, ASSISTANT, USER, {"role": "assistant", "content": "Again"}]},
     ("User: Hi\n\nAssistant: Hello\n\nUser: Hi\n\nAssistant:", "Again")),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, ASSISTANT]},
     ("Hi", "Hello")),
    ("conversations", {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
     ("Hi", "Hello")),
    ("conversations", {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
                       "system": "Be kind.", "tools": "[]"}, ("Be kind.\n\nHi", "Hello")),
    ("messages", {"messages": [USER, ASSISTANT, USER, ASSISTANT], "system": "Be kind."},
     ("System: Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Hi\n\nAssistant:", "Hello")),
    ("messages", {"messages": [USER, {**ASSISTANT, "tool_calls": None, "function_call": {"name": None}}]},
     ("Hi", "Hello")),
    ("alpaca", {"instruction": "Add.", "input": "1, 2", "output": "3", "system": "Be kind.", "history": []},
     ("Be kind.\n\nAdd.\n\n1, 2", "3")),
    ("prompt-completion", {"prompt": "P", "completion": "C"}, ("P", "C")),
    ("prompt-completion", {"prompt": [USER], "completion": [ASSISTANT]}, ("Hi", "Hello")),
    ("prompt-response", {"prompt": "P", "response": "R"}, ("P", "R")),
    ("instruction-response", {"instruction": "I", "response": "R", "context": "C"}, ("I\n\nC", "R")),
    ("question-response", {"question": "Q", "response": "R", "system_prompt": "S"}, ("S\n\nQ", "R")),
    ("query-response", {"query": "Q", "response": "R"}, ("Q", "R")),
    ("question-answer", {"question": "Q", "answer": "A"}, ("Q", "A")),
    ("input-output", {"input": "I", "output": "O"}, ("I", "O")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "texts"), KNOWN)
def test_layouts_are_recognised_and_read(name: str, row: dict[str, Any], texts: tuple[str, str]) -> None:
    layout = recognise(row)
    assert layout.name == name
    assert layout.texts(row) == texts
    assert layout is layout_named(name)
    assert all(field in layout.reason for field in layout.needs)


def test_every_layout_is_shown() -> None:
    assert {name for name, _, _ in KNOWN} == set(LAYOUTS)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a", "n": 3}, r"no layout that is known: its fields are text \(text\), n \(a number\); give"),
        ({}, "its fields are no fields"),
        ({"instruction": 1, "output": "x"}, "its fields are instruction"),
        ({"prompt": "p", "completion": "c", "instruction": "i", "output": "o"},
         r"might be alpaca \(instruction and output\) or prompt-completion \(prompt and completion\); name one"),
    ],
)  # fmt: skip
def test_what_is_not_recognised_says_what_was_seen(row: dict[str, Any], message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        recognise(row)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("alpaca", {"instruction": "a"}, "has no field 'output'; its fields are instruction"),
        ("alpaca", {"instruction": "a", "output": 3}, "'output' holds a number, not text"),
        ("alpaca", {"instruction": "a", "output": None}, "'output' holds null, not text"),
        ("messages", {"messages": []}, "'messages' has no messages"),
        ("messages", {"messages": [USER]}, "the last of its 1 messages is of 'user', not of the assistant"),
        ("messages", {"messages": [ASSISTANT]}, "has an answer and no message before it"),
        ("messages", {"messages": ["hi"]}, r"messages\[0\] holds text, not a message"),
        ("messages", {"messages": [{"text": "hi", "content": "x"}]}, r"messages\[0\] has no role"),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}, ASSISTANT]}, "not text"),
        ("messages", {"messages": "hi"}, "which holds text"),
        (
            "messages",
            {"messages": [USER, CALL, ASSISTANT]},
            r"messages\[1\] calls a tool, which no layout writes; give",
        ),
        ("messages", {"messages": [USER, {**ASSISTANT, "function_call": {"name": "f"}}]}, "calls a tool, which no"),
        (
            "messages",
            {"messages": [USER, {**ASSISTANT, "reasoning_content": "Hm."}]},
            r"messages\[1\] has 'reasoning_content', which no layout writes; give templates or leave such rows out",
        ),
        ("conversations", {"conversations": [USER, ASSISTANT], "tools": '[{"name": "f"}]'}, "has 'tools', which no"),
        ("alpaca", {"instruction": "a", "output": "b", "history": [["c", "d"]]}, "has 'history', which no layout"),
        ("prompt-completion", {"prompt": [USER], "completion": [CALL]}, r"completion\[0\] calls a tool"),
        (
            "prompt-completion",
            {"prompt": "p", "completion": [USER, ASSISTANT, USER]},
            "has 3 messages; one is expected",
        ),
    ],
)
def test_rows_that_break_their_layout(name: str, row: dict[str, Any], message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        LAYOUTS[name].texts(row)


def test_the_texts_of_an_item() -> None:
    row = {"id": 1, "prompt": "p", "tests": ["a", "b"], "messages": [USER, ASSISTANT], "other": [1], "odd": [{"x": 1}]}
    assert text_fields(row) == {"prompt": "p", "tests": "a\nb", "messages.content": "Hi\nHello"}


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ({"question": {"text": "a"}}, {"question.text": "a"}),
        ({"tests": [{"input": "a", "n": 1}, {"input": None}]}, {"tests.input": "a"}),
        ({"public": {"input": ["a", "b"], "from": "x"}}, {"public.input": "a\nb", "public.from": "x"}),
        ({"turns": ["a", None, 3, ["b"]]}, {"turns": "a\nb"}),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, {"messages.content": "Hi"}),
        ({"messages": [{"role": "user", "content": [{"text": "a"}, {"image": 1}]}]}, {"messages.content.text": "a"}),
    ],
)
def test_texts_are_found_however_deep(row: dict[str, Any], texts: dict[str, str]) -> None:
    assert text_fields(row) == texts


def test_texts_are_found_below_any_number_of_levels() -> None:
    value: Any = "deep"
    for _ in range(5000):
        value = [{"a": value}]
    assert text_fields({"a": value}) == {".".join("a" * 16): "deep"}


# ---- templates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "row", "text"),
    [
        ("{{{a}}}", {"a": "x"}, "{x}"),
        ("{a}{b}", {"a": 1, "b": 2.5}, "12.5"),
        ("{if a}yes{else}no{end}", {"a": "x"}, "yes"),
        ("{if a}yes{else}no{end}", {"a": None}, "no"),
        ("{if a}yes{else}no{end}", {}, "no"),
        ("{if a}{if b}{a}{b}{else}{a}{end}{end}!", {"a": "x", "b": ""}, "x!"),
        ("", {}, ""),
    ],
)
def test_templates(template: str, row: dict[str, Any], text: str) -> None:
    assert Template(template).fill(row) == text


@pytest.mark.parametrize("template", ["{if a}x", "{else}", "{end}", "{a", "a}", "{}", "{if a}{else}{else}{end}", "{ }"])
def test_templates_that_cannot_be(template: str) -> None:
    with pytest.raises(TemplateError, match=r"^character \d+: "):
        Template(template)


@pytest.mark.parametrize(
    ("row", "message"),
    [({"b": "x"}, "has no field 'a'.* its fields are b"), ({"a": None}, "holds null"), ({"a": ["x"]}, "holds a list")],
)
def test_rows_that_a_template_cannot_be_filled_from(row: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        Template("{a}").fill(row)


# ---- spool ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=20), max_size=30))
def test_texts_come_back_from_the_disk(texts: list[str]) -> None:
    spool = Spool()
    for text in texts:
        spool.add(text)
    assert spool.column().tolist() == texts


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool()
    spool.add("a" * 100_000)
    column = spool.column()
    assert list(tmp_path.iterdir()) == []
    assert len(column[0]) == 100_000
