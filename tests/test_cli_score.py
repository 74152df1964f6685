"""The command `score`: what it prints, which files of answers it takes, and how it refuses the others."""

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from markovlib import Dataset, Recipe
from markovlib.cli import main
from markovlib.evaluation import evaluate
from markovlib.shards import manifest
from markovlib.shards.generation import generate

RECIPE = Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 3, "words.length": [8, 12], "eval.examples": 30}, examples=60, instructions=10
)
BYTES = RECIPE.replace({"rules.alphabet": {"bytes": [0, 255]}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("score")
    generate(RECIPE, out / "one", seed=3)
    generate(RECIPE, out / "two", seed=3, splits=["train", "unseen"])
    generate(BYTES, out / "bytes", seed=3)
    return out


def run(*args, code=0, given=None):
    result = CliRunner().invoke(main, ["score", *(str(arg) for arg in args)], prog_name="markovlib", input=given)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def write(path: Path, lines) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def completions(recipe=RECIPE, split="train"):
    return [example.completion for example in Dataset(recipe, seed=3, split=split)]


def as_json(result):
    return json.loads(result.stdout)


def test_a_table_and_its_numbers_as_json(folder, tmp_path):
    words = [example.word for example in Dataset(RECIPE, seed=3)]
    answers = write(tmp_path / "a.txt", words)
    table = run(folder / "one", "--answers", answers).stdout
    assert table.splitlines()[0].endswith("one: train: 60 answers")
    assert "copied_input" in table
    assert "no_op" in table
    found = as_json(run(folder / "one", "--answers", answers, "--json"))
    expected = {
        "folder": str(folder / "one"),
        "split": "train",
        "fingerprint": manifest.load(folder / "one").splits["train"].fingerprint,
    }
    assert found == {**expected, **evaluate(Dataset(RECIPE, seed=3), words).to_dict()}
    kinds = {group["name"]: group for group in found["sections"]["kind"]}
    assert (kinds["no_op"]["accuracy"], kinds["applied"]["accuracy"]) == (1.0, 0.0)
    assert kinds["no_op"]["baselines"]["copy"]["correct"] == 18
    assert "prefix credit" in run(folder / "one", "--answers", answers, "--credit", "prefix").stdout


def layouts(right):
    rows = list(enumerate(right))
    yield "a.txt", right
    yield "a.jsonl", [json.dumps(text) for text in right]
    yield "b.jsonl", [json.dumps({"answer": text}) for text in right]
    yield "c.jsonl", [json.dumps({"index": i, "completion": text, "more": 1}) for i, text in reversed(rows)]
    yield "d.json", [json.dumps({"index": i, "answer": [{"role": "assistant", "content": t}]}) for i, t in rows]
    encoded = [base64.b64encode(text.encode()).decode() for text in right]
    yield "e.ndjson", [json.dumps({"index": i, "answer_base64": t}) for i, t in enumerate(encoded)]


@pytest.mark.parametrize("number", range(6))
def test_right_answers_in_every_layout(folder, tmp_path, number):
    name, lines = list(layouts(completions()))[number]
    found = as_json(run(folder / "one", "--answers", write(tmp_path / name, lines), "--json"))
    assert found["labels"]["correct"] == found["rows"] == 60


@pytest.mark.parametrize("number", [0, 3])
def test_a_byte_order_mark_is_no_letter_of_an_answer(folder, tmp_path, number):
    name, lines = list(layouts(completions()))[number]
    answers = write(tmp_path / name, lines)
    answers.write_bytes(b"\xef\xbb\xbf" + answers.read_bytes().replace(b"\n", b"\r\n"))
    assert as_json(run(folder / "one", "--answers", answers, "--json"))["labels"]["correct"] == 60


def test_bytes_and_standard_input(folder, tmp_path):
    right = completions(BYTES)
    encoded = [json.dumps({"answer_base64": base64.b64encode(word).decode()}) for word in right]
    answers = write(tmp_path / "a.jsonl", encoded)
    assert as_json(run(folder / "bytes", "--answers", answers, "--json"))["labels"]["correct"] == 60
    lines = "".join(f"{text}\n" for text in completions())
    given = as_json(run(folder / "one", "--answers", "-", "--json", given=lines))
    assert given["labels"]["correct"] == 60
    typed = "".join(f"{json.dumps(text)}\n" for text in completions())
    assert as_json(run(folder / "one", "--answers", "-", "--format", "jsonl", "--json", given=typed)) == given


def test_the_split_is_named_where_there_are_several(folder, tmp_path):
    answers = write(tmp_path / "a.txt", completions(split="unseen"))
    assert as_json(run(folder / "two", "--answers", answers, "--split", "unseen", "--json"))["split"] == "unseen"
    assert (
        "has the splits train, unseen: name one, as in --split train"
        in run(folder / "two", "--answers", answers, code=2).stderr
    )
    assert "no split 'seen'" in run(folder / "two", "--answers", answers, "--split", "seen", code=2).stderr
    assert "no manifest.json here" in run(tmp_path, "--answers", answers, code=2).stderr
    assert "No such file" in run(folder / "one", "--answers", tmp_path / "none.txt", code=2).stderr


def test_rows_without_an_answer(folder, tmp_path):
    right = completions()
    short = write(tmp_path / "a.txt", right[:50])
    error = f"{short}:50: the file ends and 10 of 60 rows have no answer, row 50 first; --partial scores the others\n"
    assert run(folder / "one", "--answers", short, code=2).stderr == error
    found = as_json(run(folder / "one", "--answers", short, "--partial", "--json"))
    assert (found["rows"], found["missing"], found["labels"]["correct"]) == (50, 10, 50)
    long = write(tmp_path / "b.txt", [*right, "x", "y"])
    error = f"{long}:61: answer number 61 is beyond the 60 rows of the split; --partial leaves it out\n"
    assert run(folder / "one", "--answers", long, code=2).stderr == error
    assert as_json(run(folder / "one", "--answers", long, "--partial", "--json"))["surplus"] == 2


BAD = {
    "is not JSON": ['{"answer": "a"}', "{"],
    "expected a string, or an object": ['{"answer": "a"}', '{"index": 1}'],
    "has both 'answer' and 'completion'": ['{"answer": "a"}', '{"answer": "a", "completion": "b"}'],
    "has a number of too many digits": ['{"answer": "a"}', f'{{"index": {"9" * 5000}, "answer": "a"}}'],
    "has a number of too many digits, or too many brackets": ['{"answer": "a"}', "[" * 100_000],
    "expected a string": ['{"answer": "a"}', "3"],
    "'answer' must be text or chat messages": ['{"answer": "a"}', '{"answer": 3}'],
    "'answer_base64' must be text of base64": ['{"answer": "a"}', '{"answer_base64": "?"}'],
    "'index' must be a whole number from 0 on, got 1.5": ['{"index": 0, "answer": ""}', '{"index": 1.5,"answer": "a"}'],
    "index 60 is beyond the 60 rows": ['{"index": 0, "answer": "a"}', '{"index": 60, "answer": "a"}'],
    "'index' must be a whole number from 0 on, got -1": ['{"index": 0, "answer": "a"}', '{"index": -1, "answer": "a"}'],
    "index 0 was answered before, on line 1": ['{"index": 0, "answer": "a"}', '{"index": 0, "answer": "a"}'],
    "has no 'index' and lines before have one": ['{"index": 0, "answer": "a"}', '"a"'],
    "has an 'index' and lines before have none": ['"a"', '{"index": 1, "answer": "a"}'],
}  # fmt: skip


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_line_is_named(folder, tmp_path, problem):
    answers = write(tmp_path / "a.jsonl", BAD[problem])
    error = run(folder / "one", "--answers", answers, code=2).stderr
    assert error.startswith(f"{answers}:2: {problem}")
    assert error.count("\n") == 1
    if "beyond" not in problem:
        assert run(folder / "one", "--answers", answers, "--partial", code=2).stderr == error


def test_bytes_that_are_not_text(folder, tmp_path):
    answers = tmp_path / "a.txt"
    answers.write_bytes(b"abc\n\xff\n")
    assert run(folder / "one", "--answers", answers, code=2).stderr.startswith(f"{answers}:2: byte 1 is not UTF-8")
    empty = write(tmp_path / "b.txt", [])
    assert ": there is no answer" in run(folder / "one", "--answers", empty, "--partial", code=2).stderr
