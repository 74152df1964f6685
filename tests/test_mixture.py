"""Mixtures: several sources as one data set."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mixing_files import alpaca, oss, sentence, two_sources, write_json, write_jsonl

import markovlib as mk
from markovlib import Dataset, Mixture, MixtureRecipe, Recipe, RecipeError, SourceError, View
from markovlib.diversity import diversity
from markovlib.mixing import sources
from markovlib.mixture import COLUMNS
from markovlib.tokens import CharacterTokenizer

TINY = Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 3, "words.length": 12, "rules.replacement_length": 2}, examples=300
)
OURS = {"name": "ours", "recipe": TINY.to_dict(), "ratio": 1}


def with_source(recipe: MixtureRecipe, fields: dict[str, Any]) -> MixtureRecipe:
    return MixtureRecipe.from_dict({**recipe.to_dict(), "sources": [*recipe.to_dict()["sources"], fields]})


# ---- the data set ---------------------------------------------------------------------------------------------------


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    return Mixture(with_source(two_sources(tmp_path), OURS), seed=3)


def test_rows_are_those_of_the_sources(mixture: Mixture) -> None:
    assert len(mixture) == mixture.size == 400
    assert mixture.quotas == {"oss": 240, "alpaca": 80, "ours": 80}
    examples = list(mixture)
    assert Counter(example.source for example in examples) == mixture.quotas
    assert [example.index for example in examples] == list(range(400))
    assert len({(example.source, example.source_row) for example in examples}) == 400
    problems, instructions, ds = oss(500), alpaca(200), Dataset(TINY)
    for example in examples:
        row = example.source_row
        expected = {
            "oss": lambda row: (problems[row]["problem"], problems[row]["solution"]),
            "alpaca": lambda row: (
                "\n\n".join(filter(None, (instructions[row]["instruction"], instructions[row]["input"]))),
                instructions[row]["output"],
            ),
            "ours": lambda row: (ds[row].prompt, ds[row].completion),
        }[example.source](row)
        assert (example.prompt, example.completion) == expected


def test_the_interface_of_a_data_set(mixture: Mixture) -> None:
    expected = list(mixture)
    assert mixture.columns == mixture.known_columns == COLUMNS
    assert mixture.split == "train"
    assert mixture.text
    for batch in (mixture[3:90:7], mixture[list(range(3, 90, 7))], mixture[np.arange(3, 90, 7)]):
        assert [batch[i] for i in range(len(batch))] == expected[3:90:7]
    assert mixture[-1] == mixture[np.int64(399)] == expected[-1]
    assert [mixture[i] for i in range(400)] == expected
    assert mixture.__getitems__([5, 0, 7]) == [expected[i] for i in (5, 0, 7)]
    assert [row for batch in mixture.batches(37) for row in (batch[i] for i in range(len(batch)))] == expected
    some = mixture.batch([5, 5, 0], ["source_row", "completion"], threads=2)
    assert some.columns == ("source_row", "completion")
    assert some.completion.tolist() == [expected[5].completion, expected[5].completion, expected[0].completion]
    assert some[0].prompt is None
    assert some[-1].source_row == expected[0].source_row
    table = mixture[:10].to_arrow()
    assert table.to_pylist() == [example._asdict() for example in expected[:10]]
    types = (pa.int64(), pa.large_string(), pa.large_string(), pa.large_string(), pa.int64())
    assert tuple(table.schema.types) == types
    empty = mixture[5:5]
    assert len(empty) == 0
    assert tuple(empty.to_arrow().schema.types) == types
    assert mixture.batch([0], ["source"]).source.tolist() == [expected[0].source]


def test_what_cannot_be_asked_for(mixture: Mixture) -> None:
    for index in (400, -401):
        with pytest.raises(IndexError, match=rf"example {index} of a mixture of 400"):
            mixture[index]
    with pytest.raises(ValueError, match=r"unknown column 'word'; the columns are index, prompt"):
        mixture.batch([0], ["word"])
    with pytest.raises(ValueError, match="at least one column"):
        mixture.batch([0], [])
    with pytest.raises(TypeError, match="flat sequence of integers"):
        mixture.batch([0.5])  # type: ignore[list-item]
    with pytest.raises(AttributeError, match="'prompt' was not asked for"):
        mixture.batch([0], ["index"]).prompt  # noqa: B018
    with pytest.raises(AttributeError, match="'word' is not a column"):
        mixture[:2].word  # noqa: B018
    with pytest.raises(ValueError, match="size must be at least 1"):
        mixture.batches(0)
    with pytest.raises(IndexError, match="row 2 of a batch of 2"):
        mixture[:2][2]
    with pytest.raises(ValueError, match="seed must be at least 0"):
        Mixture(mixture.recipe, -1)
    with pytest.raises(TypeError, match="seed must be an integer, got 'one'"):
        Mixture(mixture.recipe, "one")  # type: ignore[arg-type]


def test_a_mixture_is_a_value(mixture: Mixture, tmp_path: Path) -> None:
    batch = mixture[:9]
    assert pickle.loads(pickle.dumps(batch)).to_arrow().equals(batch.to_arrow())
    again = pickle.loads(pickle.dumps(mixture))
    assert again == mixture
    assert hash(again) == hash(mixture)
    assert repr(again) == repr(mixture)
    assert " at 0x" not in repr(mixture)
    assert "oss 240, alpaca 80, ours 80" in repr(mixture)
    for name in ("recipe", "seed", "size"):
        with pytest.raises(AttributeError):
            setattr(mixture, name, getattr(mixture, name))
    assert again[:].to_arrow() == mixture[:].to_arrow()
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)[7].source_row)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(mixture), capture_output=True, check=True)
    assert int(done.stdout) == mixture[7].source_row
    other = Mixture(with_source(two_sources(tmp_path), OURS), seed=4)
    assert other != mixture
    assert other[:].to_arrow() != mixture[:].to_arrow()
    assert mixture != 3


def test_a_mixture_has_no_strata_and_is_not_scored(mixture: Mixture, tmp_path: Path) -> None:
    mixture.write(tmp_path / "out", columns=["prompt", "completion"])
    for data in (mixture, mixture.view("permuted"), mk.open(tmp_path / "out")):
        assert data.strata == ()
        with pytest.raises(TypeError, match="the examples of a mixture have no rules to be scored by"):
            data.score(0, "x")
        with pytest.raises(TypeError, match="the examples of a mixture have no rules to be scored by"):
            data.scores([0], ["x"])


def test_sources_that_changed_are_not_unpickled(mixture: Mixture, tmp_path: Path) -> None:
    pickled = pickle.dumps(mixture)
    rows = oss(500)
    rows[3]["problem"] = "Another."
    write_jsonl(tmp_path / "oss.jsonl", rows)
    with pytest.raises(SourceError, match=r"oss.jsonl: is not the file that 'oss' was made from: its SHA-256 is"):
        pickle.loads(pickled)


def test_the_fingerprint_is_of_contents_and_not_of_places(tmp_path: Path) -> None:
    here = Mixture(two_sources(tmp_path), seed=3)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    there = Mixture(two_sources(elsewhere), seed=3)
    assert there == here
    assert there.recipe == here.recipe
    assert str(tmp_path) not in here.recipe.to_json()
    write_jsonl(elsewhere / "oss.jsonl", oss(499) + oss(1, 900))
    assert Mixture(two_sources(elsewhere).replace({"sources.oss.files": [str(elsewhere / "oss.jsonl")]}), 3) == there
    rows = oss(500)
    rows[0]["lang"] = "c"  # a field that is not even used
    changed = two_sources(elsewhere)
    write_jsonl(elsewhere / "oss.jsonl", rows)
    assert Mixture(changed, seed=3).fingerprint != here.fingerprint


def test_views_of_mixtures(mixture: Mixture, tmp_path: Path) -> None:
    first, second = mixture.view("permuted", epoch=0), mixture.view("permuted", epoch=1)
    assert sorted(first[:].index.tolist()) == list(range(400))
    assert first[0] != second[0]
    assert first[7].prompt == mixture[first[7].index].prompt
    other = Mixture(two_sources(tmp_path), seed=9)
    phases = View.phases([(50, mixture), (80, other)])  # type: ignore[list-item]
    assert [phases[i] for i in (0, 49, 50)] == [mixture[0], mixture[49], other[0]]
    batch = phases[45:55]
    assert batch.source.tolist() == [m[i].source for m, i in [*((mixture, i) for i in range(45, 50)),
                                                             *((other, i) for i in range(5))]]  # fmt: skip
    with_ours = View.phases([(50, mixture), (80, Dataset(TINY))])  # type: ignore[list-item]
    assert with_ours.columns == ("index", "prompt", "completion")
    assert with_ours[45:55].prompt.tolist()[5] == Dataset(TINY)[0].prompt
    assert pickle.loads(pickle.dumps(first)) == first


def test_mixtures_are_loaded_as_other_data_sets_are(mixture: Mixture) -> None:
    samplers = [mk.Sampler(mixture, 16, rank=rank, world=3) for rank in range(3)]
    seen = [example for sampler in samplers for batch in sampler for example in mixture.__getitems__(batch)]
    assert sorted(example.index for example in seen) == list(range(400))
    made = mixture.padded([3, 1], 700)
    assert made.ids.shape == (2, 700)
    assert made.loss_mask.sum(axis=1).tolist() == [len(mixture[i].completion.encode()) for i in (3, 1)]
    for method in (mixture.score, mixture.scores):
        with pytest.raises(TypeError, match="have no rules to be scored by"):
            method(0, "a")


def test_tokens_and_packing(mixture: Mixture) -> None:
    tokens = mixture.tokens(range(4), "bytes")
    assert tokens.lengths().tolist() == [
        len((e.prompt + e.completion).encode()) for e in (mixture[i] for i in range(4))
    ]
    packed = mixture.packed("bytes", 4096)
    assert packed.report()["examples"] == 400
    with pytest.raises(ValueError, match="characters of a mixture are not known"):
        CharacterTokenizer.of(mixture)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a mixture has no rules"):
        diversity(mixture)


def test_a_recipe_of_contents_finds_its_files_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Mixture(two_sources(tmp_path), seed=3)
    pinned = made.recipe
    with pytest.raises(
        SourceError, match=r"oss.jsonl: is not here; say where the files of 'oss' are: --source oss=PATH"
    ):
        Mixture(pinned, 3)
    files = {"oss": str(tmp_path / "oss.jsonl"), "alpaca": tmp_path}
    assert Mixture(pinned, 3, files=files) == made
    monkeypatch.chdir(tmp_path)
    assert Mixture(pinned, 3) == made
    assert MixtureRecipe.from_toml(pinned.to_toml()) == pinned
    assert MixtureRecipe.from_json(pinned.to_json()) == pinned
    with pytest.raises(RecipeError, match="has none with the name 'osss': choose from oss, alpaca"):
        Mixture(pinned, 3, files={"osss": "x"})


# ---- sources --------------------------------------------------------------------------------------------------------


def one_source(files: Any, **fields: Any) -> MixtureRecipe:
    return MixtureRecipe.from_dict({"examples": 10, "sources": [{"name": "one", "files": files, **fields}]})


def test_many_files_are_one_source_in_order(tmp_path: Path) -> None:
    for part in range(3):
        write_jsonl(tmp_path / f"part-{part}.jsonl", oss(20, 20 * part))
    (tmp_path / "notes.txt").write_text("not rows")
    recipes = [
        one_source([str(tmp_path / f"part-{i}.jsonl") for i in range(3)]),
        one_source(str(tmp_path / "part-*.jsonl")),
        one_source(str(tmp_path)),
        one_source(str(tmp_path.parent / f"*{tmp_path.name[1:]}" / "part-?.js*")),
    ]
    made = [Mixture(recipe, 1) for recipe in recipes]
    assert made[0] == made[1] == made[2] == made[3]
    everything = Mixture(recipes[2].replace(examples=60), 1)
    rows = oss(60)
    assert all(example.prompt == rows[example.source_row]["problem"] for example in everything)
    assert [pin.name for pin in made[0].recipe.sources[0].files] == [f"part-{i}.jsonl" for i in range(3)]  # type: ignore
    assert pickle.loads(pickle.dumps(made[1])) == pickle.loads(pickle.dumps(made[2])) == made[0]


def test_columns_of_parquet_and_arrow(tmp_path: Path) -> None:
    rows = [{"prompt": f"p {i}", "response": f"r {i}", "score": i} for i in range(30)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=7)
    mixture = Mixture(one_source(str(tmp_path / "a.parquet")).replace(examples=30), 1)
    assert all((e.prompt, e.completion) == (f"p {e.source_row}", f"r {e.source_row}") for e in mixture)
    assert mixture.report()["sources"]["one"]["what"].startswith("Parquet; prompt-response: rows have prompt and")


def test_templates_of_a_source(tmp_path: Path) -> None:
    path = write_json(tmp_path / "alpaca.json", alpaca(20))
    template = "### {instruction}{if input}\n{input}{else}\n(nothing){end}\n[{prompt}]"
    mixture = Mixture(one_source(path, prompt=template).replace(examples=20), 1)
    rows = alpaca(20)
    for example in mixture:
        row = rows[example.source_row]
        plain = "\n\n".join(filter(None, (row["instruction"], row["input"])))
        assert example.prompt == f"### {row['instruction']}\n{row['input'] or '(nothing)'}\n[{plain}]"
        assert example.completion == row["output"]
    fields = {**OURS, "prompt": "{word}: {pattern}", "completion": "{output}!"}
    ours = Mixture(MixtureRecipe.from_dict({"examples": 10, "sources": [fields]}), 1)
    assert [ours[i] for i in range(10)] == list(ours)
    for example in ours:
        row = Dataset(TINY)[example.source_row]
        assert (example.prompt, example.completion) == (f"{row.word}: {row.pattern}", f"{row.output}!")


def test_templates_alone_need_no_layout(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "odd.jsonl", [{"q": f"Q{i}", "a": i} for i in range(12)])
    mixture = Mixture(one_source(path, prompt="{q}?", completion="{a}"), 1)
    assert all((e.prompt, e.completion) == (f"Q{e.source_row}?", str(e.source_row)) for e in mixture)
    with pytest.raises(
        SourceError, match=r"odd.jsonl:1: has no layout that is known: its fields are q \(text\), a \(a"
    ):
        Mixture(one_source(path, prompt="{q}?"), 1)


def test_a_layout_that_no_template_asks_for_is_not_looked_for(tmp_path: Path) -> None:
    rows = [{"question": "q", "answer": "a", "gold": "g"}, {"question": "q2", "gold": "g2"}]
    path = write_jsonl(tmp_path / "rows.jsonl", rows)
    mixture = Mixture(one_source(path, prompt="{question}", completion="{gold}").replace(examples=2), 1)
    assert sorted((e.prompt, e.completion) for e in mixture) == [("q", "g"), ("q2", "g2")]
    with pytest.raises(SourceError, match=r":2: has no field 'answer'"):
        Mixture(one_source(path, prompt="{prompt}", completion="{gold}"), 1)


def test_fields_that_no_text_has_a_place_for_are_refused_in_columns_too(tmp_path: Path) -> None:
    plain = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
    for row, message in (
        ({**plain, "tools": "[{}]"}, r"row 1: has 'tools', which no layout writes"),
        ({"conversations": [*plain["conversations"], {"from": "gpt", "tool_calls": [{"name": "f"}]}]}, "calls a tool"),
    ):
        pq.write_table(pa.Table.from_pylist([{**row, **plain, "tools": None}, row]), tmp_path / "a.parquet")
        with pytest.raises(SourceError, match=message):
            Mixture(one_source(str(tmp_path / "a.parquet")), 1)
    pq.write_table(pa.Table.from_pylist([{**plain, "system": "Be kind."}]), tmp_path / "a.parquet")
    assert Mixture(one_source(str(tmp_path / "a.parquet")).replace(examples=1), 1)[0].prompt == "Be kind.\n\nHi"


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        (
            [{"problem": "a", "solution": "b"}, {"problem": "a"}],
            {},
            r":2: has no field 'solution'; its fields are problem",
        ),
        ([{"problem": "a", "solution": "b"}], {"format": "alpaca"}, r":1: has no field 'instruction'"),
        (
            [{"problem": "a", "solution": "b"}],
            {"prompt": "{text}"},
            r":1: has no field 'text', which the template asks",
        ),
        ([{"problem": "a\ud800", "solution": "b"}], {}, r":1: holds '\\ud800', which is no character"),
        ([{"a": "b"}], {}, ":1: has no layout that is known"),
        ([], {}, ": is empty"),
    ],
)
def test_rows_that_are_wrong_are_named(tmp_path: Path, rows: Any, fields: dict[str, Any], message: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", rows)
    with pytest.raises(SourceError, match=message) as caught:
        Mixture(one_source(path, **fields), 1)
    assert str(caught.value).startswith(path)


def test_a_source_without_files_says_how_to_give_them() -> None:
    with pytest.raises(
        RecipeError, match=r"sources\[0\].files: are needed for 'oss': with_files\(oss=...\), or --source"
    ):
        Mixture("paper/code-19k-1k")
    with pytest.raises(FileNotFoundError):
        Mixture.load("paper/code-19k-1k", oss="nothing.jsonl", alpaca="nothing.json")


def test_rows_without_a_text_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = alpaca(30)
    rows[4]["output"], rows[9]["output"], rows[11]["instruction"] = "", " \n", "  "
    rows[11]["input"] = ""
    mixture = Mixture(one_source(write_json(tmp_path / "a.json", rows)).replace(examples=27), 1)
    assert mixture.counts["sources"]["one"] == {"rows": 30, "empty": 3, "left": 27, "examples": 27}
    assert {e.source_row for e in mixture} == set(range(30)) - {4, 9, 11}


def test_a_url_is_no_folder_of_a_mixture() -> None:
    recipe = MixtureRecipe.from_dict({"examples": 1, "sources": [{"name": "a", "shards": "s3://bucket/data"}]})
    with pytest.raises(SourceError, match="s3://bucket/data: a mixture reads folders on a disk, and this is a URL"):
        Mixture(recipe)


def test_a_url_is_no_file_of_a_mixture(tmp_path: Path) -> None:
    url = "https://example.org/rows.jsonl"
    for recipe, files in ((one_source(url), {}), (one_source(str(tmp_path)), {"one": url})):
        with pytest.raises(SourceError, match=f"^{url}: is a URL, and the files of a mixture are on a disk"):
            Mixture(recipe, files=files)
    path = tmp_path / "mixture.json"
    path.write_text(one_source(url).to_json())
    assert MixtureRecipe.load(path) == one_source(url)


@pytest.mark.parametrize("format_name", ["parquet", "arrow", "jsonl"])
def test_a_folder_of_our_shards(tmp_path: Path, format_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from markovlib.shards.generation import generate

    monkeypatch.chdir(tmp_path)
    generate(TINY, tmp_path / "data", seed=5, shard_rows=70, format=format_name)
    recipe = MixtureRecipe.from_dict(
        {
            "examples": 300,
            "sources": [{"name": "shards", "shards": str(tmp_path / "data"), "prompt": "{prompt} ({rule})"}],
        }
    )
    mixture = Mixture(recipe, 1)
    ds = Dataset(TINY, seed=5)
    for example in mixture:
        row = ds[example.source_row]
        assert (example.prompt, example.completion) == (f"{row.prompt} ({row.rule})", row.completion)
    (tmp_path / "data").rename(tmp_path / "moved")
    for _ in range(2):
        with pytest.raises(SourceError, match="is not here; say where the files of 'shards' are: --source shards=PATH"):
            Mixture(mixture.recipe, 1)
        (tmp_path / "data").mkdir(exist_ok=True)  # a folder of that name that holds something else is not it
    assert Mixture(mixture.recipe, 1, files={"shards": tmp_path / "moved"}) == mixture
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "data").symlink_to(tmp_path / "moved")
    assert Mixture(mixture.recipe, 1, files={"shards": tmp_path / "above"}) == mixture
    generate(TINY, tmp_path / "other", seed=6)
    with pytest.raises(SourceError, match="is not the folder that 'shards' was made from"):
        Mixture(mixture.recipe, 1, files={"shards": str(tmp_path / "other")})
    with pytest.raises(RecipeError, match=r"sources\[0\].split: .* has no split 'seen': choose from train"):
        Mixture(recipe.replace({"sources.shards.split": "seen", "sources.shards.shards": str(tmp_path / "moved")}))
    shard = next((tmp_path / "moved" / "train").iterdir())
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match="is not as it was written"):
        Mixture(mixture.recipe, 1, files={"shards": tmp_path / "moved"})


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"examples": 0}, r"sources\[0\].recipe: examples: must be between"),
        ({"rules": {"alphabet": {"bytes": [0, 255]}}, "examples": 3}, r"sources\[0\].recipe: has an alphabet of bytes"),
        ({}, r"sources\[0\].recipe: is unbounded; set its `examples`"),
        ("no/preset", r"sources\[0\].recipe: is neither a preset"),
    ],
)
def test_recipes_that_are_no_source(recipe: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Mixture(MixtureRecipe.from_dict({"examples": 1, "sources": [{"name": "a", "recipe": recipe}]}))


def test_other_splits_are_sources_too() -> None:
    fields = {**OURS, "split": "unseen", "seed": 4, "recipe": TINY.replace({"eval.examples": 50}).to_dict()}
    mixture = Mixture(MixtureRecipe.from_dict({"examples": 50, "sources": [fields]}))
    ds = Dataset(TINY.replace({"eval.examples": 50}), 4, "unseen")
    assert sorted(e.prompt for e in mixture) == sorted(e.prompt for e in ds)
    with pytest.raises(RecipeError, match=r"sources\[0\].split: split must be one of"):
        Mixture(MixtureRecipe.from_dict({"examples": 50, "sources": [{**fields, "split": "nothing"}]}))


def test_a_template_that_a_row_of_ours_cannot_fill_is_found_with_its_row() -> None:
    listed = {**OURS, "recipe": "trace", "prompt": "{rules}"}
    with pytest.raises(SourceError, match=r"^ours: row 0: 'rules' holds a list"):
        Mixture(MixtureRecipe.from_dict({"examples": 5, "sources": [listed]}))
    sometimes = {**OURS, "recipe": "first-rewrite", "prompt": "{pattern}"}
    ds = Dataset(Recipe.load("first-rewrite"), OURS.get("seed", 0))
    mixture = Mixture(MixtureRecipe.from_dict({"examples": 1000, "sources": [sometimes]}))
    with pytest.raises(SourceError, match=r"^ours: row \d+: 'pattern' holds null") as caught:
        mixture.batch(range(1000))
    assert ds[int(str(caught.value).split()[2][:-1])].pattern is None


def test_orders_of_a_mixture(tmp_path: Path) -> None:
    mixture = Mixture(two_sources(tmp_path))
    with pytest.raises(ValueError, match=r"ordered by a column of numbers \(index, source_row\), not 'length': they"):
        mixture.view("length")
    assert mixture.view("source_row")[:].source_row.tolist() == sorted(mixture[:].source_row.tolist())


# ---- budgets --------------------------------------------------------------------------------------------------------


def test_a_shortage_says_what_is_possible(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, examples=1000)
    with pytest.raises(RecipeError) as caught:
        Mixture(recipe)
    message = str(caught.value)
    assert message.startswith(
        "mixture: sources[0]: 'oss' is to give 750 examples and can give 500 (500 rows, max_repeats = 1)"
    )
    assert "'alpaca' is to give 250 examples and can give 200" in message
    assert "with these ratios 667 examples are possible" in message
    assert len(Mixture(recipe.replace(examples=667))) == 667
    with pytest.raises(RecipeError, match=r"with these ratios 667 examples"):
        Mixture(recipe.replace(examples=668))
    with pytest.raises(RecipeError, match=r"can give 1 \(max_mixture_share = 0.1\); lower the ratio, raise max_mix"):
        Mixture(recipe.replace({"sources.alpaca.max_mixture_share": 0.1}, examples=10))


def test_only_what_can_help_with_a_shortage_is_advised(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", oss(3))
    with pytest.raises(RecipeError, match=r"10 examples and can give 3 .* are possible; give more rows or raise max_r"):
        Mixture(one_source(path).replace(examples=10))
    rows = [{"problem": "a", "solution": " "}]
    with pytest.raises(RecipeError, match=r"with these ratios 0 examples are possible; give more rows$"):
        Mixture(one_source(write_jsonl(tmp_path / "rows.jsonl", rows)).replace(examples=10))
    with pytest.raises(RecipeError, match='give more rows, raise max_repeats, or set on_shortage = "fill"'):
        Mixture(two_sources(tmp_path, examples=667).replace({"sources.alpaca.ratio": 2}))


def test_the_rest_is_filled_from_others_if_asked(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, examples=690, on_shortage="fill")
    assert Mixture(recipe).quotas == {"oss": 500, "alpaca": 190}
    with pytest.raises(RecipeError, match="all sources together have 700 examples, and 701 are asked for"):
        Mixture(recipe.replace(examples=701))
    capped = recipe.replace({"sources.alpaca.max_mixture_share": 0.25}, examples=600)
    assert Mixture(capped).quotas == {"oss": 450, "alpaca": 150}
    with pytest.raises(RecipeError, match="all sources together have 672 examples, and 690"):
        Mixture(capped.replace(examples=690))


def test_rows_are_repeated_as_often_as_allowed(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, examples=1200).replace(
        {"sources.oss.max_repeats": 2, "sources.alpaca.max_repeats": 1.5}
    )
    mixture = Mixture(recipe)
    assert mixture.quotas == {"oss": 900, "alpaca": 300}
    for name, rows, least in (("oss", 500, 1), ("alpaca", 200, 1)):
        uses = Counter(e.source_row for e in mixture if e.source == name)
        assert len(uses) == rows
        assert set(uses.values()) == {least, least + 1}
    with pytest.raises(
        RecipeError, match=r"'alpaca' is to give 325 examples and can give 300 \(200 rows, max_repeats = 1.5\)"
    ):
        Mixture(recipe.replace(examples=1300))


def test_a_share_of_a_source_is_kept_back(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, examples=320).replace({"sources.oss.max_source_share": 0.5})
    mixture = Mixture(recipe.replace({"sources.oss.max_repeats": 3}), seed=1)
    used = {e.source_row for e in mixture if e.source == "oss"}
    assert len(used) == 240
    more = Mixture(recipe.replace({"sources.oss.max_repeats": 3}, examples=800), seed=1)
    assert len({e.source_row for e in more if e.source == "oss"}) == 250
    with pytest.raises(RecipeError, match=r"can give 250 \(250 rows"):
        Mixture(recipe.replace(examples=400))


def test_a_budget_of_tokens(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, examples=None, tokens=40_000)
    mixture = Mixture(recipe, seed=2)
    sizes: Counter[str] = Counter()
    for example in mixture:
        sizes[example.source] += len((example.prompt + example.completion).encode())
    counts = mixture.counts["sources"]
    assert {name: counts[name]["tokens"] for name in sizes} == sizes
    assert {name: counts[name]["quota"] for name in sizes} == {"oss": 30_000, "alpaca": 10_000}
    longest = {"oss": 400, "alpaca": 250}
    for name, size in sizes.items():
        assert counts[name]["quota"] - longest[name] < size <= counts[name]["quota"]
    assert mixture.recipe.tokenizer == "bytes"
    repeated = Mixture(
        recipe.replace({"sources.alpaca.max_repeats": 3, "sources.oss.max_repeats": 2}, tokens=180_000), seed=2
    )
    uses = Counter(e.source_row for e in repeated if e.source == "alpaca")
    assert len(uses) == 200
    assert max(uses.values()) - min(uses.values()) == 1
    with pytest.raises(RecipeError, match=r"'alpaca' is to give 250,000 tokens and can give [\d,]+ \(200 rows"):
        Mixture(recipe.replace(tokens=1_000_000))
    with pytest.raises(RecipeError, match="no source has a row that its quota of tokens has room for"):
        Mixture(recipe.replace(tokens=40))


def test_tokens_are_counted_by_the_tokenizer_that_is_named(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    recipe = two_sources(tmp_path, examples=None, tokens=4000, tokenizer=str(tmp_path / "tokenizer.json"))
    mixture = Mixture(recipe, seed=2)
    counts = mixture.counts["sources"]
    assert 2900 < counts["oss"]["tokens"] <= 3000
    assert counts["oss"]["examples"] == counts["oss"]["tokens"] // 57  # 30 and 25 words, and two full stops
    assert mixture.recipe.tokenizer.name == "tokenizer.json"  # type: ignore[union-attr]
    assert pickle.loads(pickle.dumps(mixture)) == mixture


# ---- recipes --------------------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "examples": 10, "sources": [{"name": "a", "files": "a.jsonl"}, {"name": "b", "files": "b.jsonl"}],
    "deduplicate": {}, "decontaminate": {"against": ["e.jsonl"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"examples": 0}, "mixture: examples: must be between 1 and"),
        ({"tokens": 5}, "mixture: examples: give the budget as `examples` or as `tokens`"),
        ({"examples": None}, "mixture: examples: give the budget"),
        ({"examples": "many"}, 'mixture: examples: must be a whole number, or left out, got "many"'),
        ({"tokenizer": "bytes"}, "mixture: tokenizer: is what a budget of `tokens`"),
        ({"on_shortage": "ignore"}, 'mixture: on_shortage: must be one of error, fill, got "ignore"'),
        ({"sources": []}, "mixture: sources: must be 1 to 1000 tables"),
        ({"source": []}, "mixture: source: unknown field; the fields here are examples, tokens"),
        ({"sources.a.name": "b"}, "mixture: sources[1].name: 'b' is the name of another"),
        ({"sources.a.name": "e"}, "mixture: decontaminate.against[0].name: 'e' is the name of another source or "
         "evaluation; give it another: { name = ..., files = ... }, or --against NAME=FILE"),
        ({"sources.a.name": "a b"}, "mixture: sources[0].name: must be letters"),
        ({"sources.b.ratio": 0}, "mixture: sources[1].ratio: must be more than 0, got 0"),
        ({"sources.b.ratio": float("inf")}, "mixture: sources[1].ratio: must be more than 0, got inf"),
        ({"sources.b.ratios": 2}, "mixture: sources[1].ratios: unknown field; the fields here are name, files, format"),
        ({"sources.c.ratio": 2}, "mixture: sources.c.ratio: there is no source 'c'; the sources are a, b"),
        ({"sources.a.max_repeats": 0.5}, "mixture: sources[0].max_repeats: must be between 1 and"),
        ({"sources.a.max_source_share": 2}, "mixture: sources[0].max_source_share: must be more than 0 and at most 1"),
        ({"sources.a.max_mixture_share": 0}, "mixture: sources[0].max_mixture_share: must be more than 0"),
        ({"sources.a.recipe": "x"}, "mixture: sources[0].recipe: a source has files, a recipe or shards, and this one"),
        ({"sources.a.files": []}, "mixture: sources[0].files: must name at least one file"),
        ({"sources.a.format": "yaml"}, "mixture: sources[0].format: must be one of messages, conversations, alpaca"),
        ({"sources.a.split": "train"}, "mixture: sources[0].split: is of a source with recipe or shards; leave it out"),
        ({"sources.a.seed": 1}, "mixture: sources[0].seed: is of a source with recipe"),
        ({"sources.a.prompt": "{x"}, "mixture: sources[0].prompt: character 1: '{' is not closed"),
        ({"deduplicate.on": "words"}, "mixture: deduplicate.on: must be one of both, prompt, completion"),
        ({"deduplicate": {"within": False, "across": False}}, "mixture: deduplicate: finds nothing"),
        ({"deduplicate.near": 0.2}, "mixture: deduplicate.near: must be between 0.5 and 1"),
        ({"decontaminate.words": 2}, "mixture: decontaminate.words: must be between 5 and 100"),
        ({"decontaminate.against": []}, "mixture: decontaminate.against: must name at least one"),
        ({"decontaminate.against": [{"name": "x", "file": "y"}]},
         "mixture: decontaminate.against[0].file: unknown field; the fields here are name, files, fields"),
    ],
)  # fmt: skip
def test_recipes_that_cannot_be_name_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        MixtureRecipe.from_dict(GOOD).replace(changes)
    assert str(caught.value).startswith(message)


def test_text_that_no_file_can_hold_names_the_field() -> None:
    text = '{"examples": 4, "sources": [{"name": "a", "files": "x", "license": "by \\ud800"}]}'
    with pytest.raises(RecipeError, match=r"^mixture: sources\[0\].license: character 4 cannot be written as UTF-8$"):
        MixtureRecipe.from_json(text)
    with pytest.raises(RecipeError, match=r"^mixture: sources\[0\].files\[0\]: character 1 cannot be"):
        MixtureRecipe.from_dict({"examples": 4, "sources": [{"name": "a"}]}).with_files(a="\udcff.jsonl")


def test_a_file_whose_name_a_recipe_cannot_keep_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / os.fsdecode(b"rows\xff.jsonl")
    path.write_text('{"prompt": "p", "completion": "c"}\n')
    recipe = MixtureRecipe.from_dict({"examples": 1, "sources": [{"name": "a"}]})
    monkeypatch.setattr(sources, "_read_file", lambda *_: pytest.fail("was read"))
    for given in (path, tmp_path):
        with pytest.raises(RecipeError, match=r"mixture: sources\.files: the name of 'rows\\udcff\.jsonl' cannot be"):
            Mixture(recipe, files={"a": given})


def test_files_in_a_recipe_are_taken_from_its_folder(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", oss(20))
    text = 'examples = 5\n[[sources]]\nname = "a"\nfiles = "a.jsonl"\n'
    (tmp_path / "mix.toml").write_text(text)
    (tmp_path / "mix.json").write_text(json.dumps({"examples": 5, "sources": [{"name": "a", "files": ["a.jsonl"]}]}))
    made = Mixture(tmp_path / "mix.toml")
    assert made == Mixture(str(tmp_path / "mix.json"))
    assert MixtureRecipe.load(tmp_path / "mix.toml").sources[0].files == str(tmp_path / "a.jsonl")
    for name, content, message in (
        ("bad.toml", b"examples = ", "bad.toml: is not TOML"),
        ("bad.json", b"{", "bad.json: is not JSON"),
        ("bad2.toml", b"\xff", r"bad2.toml: is not UTF-8 text \(byte 0\)"),
        ("bad.yaml", b"", r"is neither a preset \(paper/code-15k-5k, .*\) nor a .toml or .json file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecipeError, match=message):
            MixtureRecipe.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        MixtureRecipe.load(tmp_path / "nothing.toml")


def test_recipes_are_written_and_read() -> None:
    recipe = MixtureRecipe.from_dict(GOOD).replace(
        {"sources.a.prompt": 'A "quoted"\nline {instruction}', "deduplicate.near": 0.8, "sources.b.license": "MIT"}
    )
    assert MixtureRecipe.from_toml(recipe.to_toml()) == recipe
    assert MixtureRecipe.from_json(recipe.to_json()) == recipe
    assert hash(MixtureRecipe.from_toml(recipe.to_toml())) == hash(recipe)
    assert recipe.replace({"deduplicate.near": None}).fingerprint != recipe.fingerprint
    assert recipe.with_files(a=["x", "y"], e="z").evaluations[0].files == ["z"]
    with pytest.raises(RecipeError, match="has none with the name 'nothing': choose from a, b, e"):
        recipe.with_files(nothing="x")


def test_no_value_of_a_recipe_can_be_changed() -> None:
    recipe = MixtureRecipe.from_dict(GOOD).with_files(a=["x", "y"], e=["z"])
    before = recipe.fingerprint
    for change in (
        lambda: recipe.sources.append(recipe.sources[0]),
        lambda: recipe.sources[0].files.append("another"),
        lambda: recipe.decontaminate.against.clear(),
    ):
        with pytest.raises(TypeError, match="a recipe cannot be changed"):
            change()
    for again in (copy.deepcopy(recipe), copy.copy(recipe), pickle.loads(pickle.dumps(recipe))):
        assert again == recipe
    assert recipe.fingerprint == before


PAPER = {
    "paper/code-20k-0": {"oss": 20_000},
    "paper/code-19k-1k": {"oss": 19_000, "alpaca": 1000},
    "paper/code-18k-2k": {"oss": 18_000, "alpaca": 2000},
    "paper/code-17k-3k": {"oss": 17_000, "alpaca": 3000},
    "paper/code-16k-4k": {"oss": 16_000, "alpaca": 4000},
    "paper/code-15k-5k": {"oss": 15_000, "alpaca": 5000},
    "paper/code-18k-1k-1k": {"oss": 18_000, "alpaca": 1000, "cot": 1000},
    "paper/code-16k-2k-2k": {"oss": 16_000, "alpaca": 2000, "cot": 2000},
}


@pytest.mark.slow
def test_the_presets_are_the_papers_tables(tmp_path: Path) -> None:
    assert set(MixtureRecipe.presets()) == {*PAPER, "paper/code-60k-15k"}
    cot = [{"source": sentence(9, "q", i), "rationale": sentence(9, "r", i), "target": str(i)} for i in range(2500)]
    files = {
        "oss": write_jsonl(tmp_path / "oss.jsonl", oss(20_500)),
        "alpaca": write_json(tmp_path / "alpaca_data.json", alpaca(5100)),
        "cot": write_json(tmp_path / "cot.json", {str(i): row for i, row in enumerate(cot)}),  # type: ignore[arg-type]
    }
    for name, quotas in PAPER.items():
        text = MixtureRecipe.presets()[name]
        assert all(f"{n:,}" in text for n in quotas.values())
        mixture = Mixture.load(name, seed=7, **{source: files[source] for source in quotas})  # type: ignore[arg-type]
        assert mixture.quotas == quotas
        sources = mixture.batch(range(len(mixture)), ["source"]).source.tolist()
        assert Counter(sources) == quotas
        for end in range(20, 20_001, 20):
            prefix = Counter(sources[end - 20 : end])
            assert prefix == {source: n // 1000 for source, n in quotas.items()}


def test_the_larger_base_is_exact_and_clean_of_an_evaluation(tmp_path: Path) -> None:
    """At a hundredth of its size, with a problem of the evaluation in either source."""
    problem = sentence(30, "problem")
    leaked = {"problem": f"Please: {problem}", "instruction": problem, "input": "", "output": "x", "solution": "x"}
    files = {
        "oss": write_jsonl(tmp_path / "oss.jsonl", [*oss(600), leaked]),
        "alpaca": write_json(tmp_path / "alpaca_data.json", [leaked, *alpaca(150)]),
    }
    evaluation = write_jsonl(tmp_path / "eval.jsonl", [{"task_id": "E/0", "prompt": problem}])
    recipe = MixtureRecipe.load("paper/code-60k-15k")
    assert recipe.examples == 75_000
    mixture = Mixture(recipe.replace({"decontaminate.against": [evaluation]}, examples=750), seed=7, files=files)
    assert mixture.quotas == {"oss": 600, "alpaca": 150}
    assert [mixture.counts["sources"][name]["contaminated"] for name in ("oss", "alpaca")] == [1, 1]
    assert not any(problem in example.prompt for example in mixture)


def test_every_number_of_a_preset_that_is_ours_is_marked() -> None:
    from markovlib.presets import mixtures

    for name, file in mixtures().items():
        for line in file.read_text("utf-8").splitlines():
            given = line.partition("=")[0].strip()
            if given in ("on_shortage", "max_repeats") or line.startswith("[deduplicate]"):
                assert "# ours" in line, (name, line)
