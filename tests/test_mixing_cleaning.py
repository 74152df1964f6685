"""Duplicates and contamination: what is planted is found, what is not is not, and the counts are right."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing_files import alpaca, oss, sentence, two_sources, write_json, write_jsonl

from markovlib import Mixture, MixtureRecipe, RecipeError, SourceError
from markovlib._columns import as_column
from markovlib.mixing import near as near_module
from markovlib.mixing.contamination import Reference, find_contamination
from markovlib.mixing.duplicates import find_duplicates
from markovlib.mixing.near import band_width, shingles, similarity
from markovlib.mixing.recipe import Deduplicate, SourceEntry
from markovlib.mixing.sources import Pair, Source
from markovlib.mixing.words import WordHashes, different, normalised, runs, words


class Listed:
    """A source of texts in a list."""

    def __init__(self, name: str, texts: list[tuple[str, str]]) -> None:
        self.entry = SourceEntry(name=name)
        self.described = "a list"
        self.rows = len(texts)
        self.empty = np.empty(0, np.int64)
        self._columns = tuple(as_column([text[i] for text in texts], text=True) for i in (0, 1))

    def texts(self, rows: Any) -> Pair:
        return self._columns[0].take(rows), self._columns[1].take(rows)

    def text(self, row: int) -> tuple[str, str]:
        return self._columns[0][row], self._columns[1][row]

    def compared(self, start: int, stop: int) -> Pair:
        return self._columns[0][start:stop], self._columns[1][start:stop]


NOTHING = np.empty(0, np.int64)


# ---- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write a FUNCTION, please!", ["write", "a", "function", "please"]),
        ("def f_1(x):\n\treturn x**2", ["def", "f_1", "x", "return", "x", "2"]),
        ("Straße ÉCOLE école", ["strasse", "école", "école"]),
        ("排序list的函数", ["排", "序", "list", "的", "函", "数"]),
        (" .,;\n", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@settings(max_examples=tries(60))
@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 8))
def test_runs_are_equal_where_their_words_are(sequence: list[str], length: int) -> None:
    hashed = WordHashes().of(sequence)
    made = runs(hashed, length).tolist()
    windows = [tuple(sequence[i : i + length]) for i in range(len(sequence) - length + 1)]
    assert len(made) == len(windows)
    assert len(set(made)) == len(set(windows))
    assert len(set(zip(made, windows, strict=True))) == len(set(windows))
    assert different(hashed, length).tolist() == [len(set(window)) for window in windows]


def test_hashes_of_words_are_constants() -> None:
    """They decide what a mixture holds: another hash would be another version of mixtures."""
    hashed = WordHashes().of(["markov", "algorithm", "markov"])
    assert hashed.tolist() == [9186316011541290011, 8878869238101872837, 9186316011541290011]
    assert runs(hashed, 2).tolist() == [7831312774793949412, 1374952769663684077]


def test_the_orders_of_minhash_are_constants() -> None:
    drawn = np.concatenate(near_module._orders()).astype("<u8").tobytes()
    assert hashlib.sha256(drawn).hexdigest() == "01615821b2ad3e33a66b124139916219a89071bdd0fa3bfa8f00173b50523bff"


def test_words_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("markovlib.mixing.words._MOST_KEPT", 3)
    known = WordHashes()
    first = known.of("abcdefgh")
    assert np.array_equal(known.of("abcdefgh"), first)


# ---- duplicates -----------------------------------------------------------------------------------------------------

TEXTS = st.lists(st.tuples(st.sampled_from(["a", "A ", "b", "c  c", " c\nc"]), st.sampled_from(["x", "y"])), max_size=8)


@settings(max_examples=tries(200))
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(["both", "prompt", "completion"]),
       st.sampled_from([(True, True), (True, False), (False, True)]), st.data())  # fmt: skip
def test_the_first_of_equal_rows_stays(
    lists: list[list[tuple[str, str]]], on: str, scope: tuple[bool, bool], data: st.DataObject
) -> None:
    """Against the plainest way to say it."""
    within, across = scope
    left_out = [np.array(sorted(data.draw(st.sets(st.integers(0, max(0, len(rows) - 1)), max_size=2)))
                         if rows else [], np.int64) for rows in lists]  # fmt: skip
    sources: list[Source] = [Listed(f"s{i}", rows) for i, rows in enumerate(lists)]
    found = find_duplicates(sources, left_out, Deduplicate(on=on, within=within, across=across))
    seen: list[tuple[int, str]] = []
    expected: list[list[int]] = [[] for _ in lists]
    for i, rows in enumerate(lists):
        for row, (prompt, completion) in enumerate(rows):
            if row in left_out[i]:
                continue
            text = {"both": f"{prompt}\n{completion}", "prompt": prompt, "completion": completion}[on]
            key = normalised(text)
            if (within and (i, key) in seen) or (across and any(j != i and other == key for j, other in seen)):
                expected[i].append(row)
            seen.append((i, key))
    assert [rows.tolist() for rows in found.removed] == expected
    assert [a + b for a, b in zip(found.within, found.across, strict=True)] == [len(rows) for rows in expected]


def test_planted_duplicates_are_counted_by_source(tmp_path: Path) -> None:
    problems, instructions = oss(500), alpaca(200)
    for i in range(7):  # within, in another case and layout
        problems.append({**problems[i], "problem": problems[i]["problem"].upper().replace(" ", "\n ")})
    for i in range(5):  # across, in another layout of fields
        instructions.append({"instruction": problems[i]["problem"], "input": "", "output": problems[i]["solution"]})
    instructions.append(dict(instructions[0]))
    recipe = two_sources(tmp_path, deduplicate={})
    write_jsonl(tmp_path / "oss.jsonl", problems)
    write_json(tmp_path / "alpaca.json", instructions)
    mixture = Mixture(recipe)
    counts = mixture.counts["sources"]
    assert counts["oss"] == {"rows": 507, "empty": 0, "duplicates_within": 7, "duplicates_across": 0, "left": 500,
                             "examples": 300}  # fmt: skip
    assert counts["alpaca"] == {"rows": 206, "empty": 0, "duplicates_within": 1, "duplicates_across": 5, "left": 200,
                                "examples": 100}  # fmt: skip
    shown = mixture.report()["duplicates"]
    assert shown[0] == {"source": "oss", "row": 500, "of": {"source": "oss", "row": 0}}
    assert {"source": "alpaca", "row": 200, "of": {"source": "oss", "row": 0}} in shown
    everything = Mixture(recipe.replace({"sources.oss.ratio": 5, "sources.alpaca.ratio": 2}, examples=700))
    texts = Counter(normalised(f"{e.prompt}\n{e.completion}") for e in everything)
    assert set(texts.values()) == {1}
    within = Mixture(recipe.replace({"deduplicate.across": False})).counts["sources"]
    assert (within["alpaca"]["duplicates_within"], within["alpaca"]["duplicates_across"]) == (1, 0)
    assert "duplicates_within" not in Mixture(recipe.replace(deduplicate=None)).counts["sources"]["oss"]


def test_rows_are_compared_without_the_templates_of_their_sources(tmp_path: Path) -> None:
    rows = [{"problem": f"Problem {i}", "solution": f"Solution {i}"} for i in range(30)]
    same = [{"instruction": f"Problem {i}", "output": f"Solution {i}"} for i in range(20, 50)]
    recipe = MixtureRecipe.from_dict(
        {
            "examples": 10,
            "deduplicate": {},
            "sources": [
                {"name": "a", "files": write_jsonl(tmp_path / "a.jsonl", rows), "prompt": "Solve: {problem}"},
                {"name": "b", "files": write_jsonl(tmp_path / "b.jsonl", same), "completion": "{output}!"},
            ],
        }
    )
    mixture = Mixture(recipe)
    assert mixture.counts["sources"]["b"]["duplicates_across"] == 10
    assert {e.prompt[:7] for e in mixture if e.source == "a"} == {"Solve: "}
    assert {e.completion[-1] for e in mixture if e.source == "b"} == {"!"}


# ---- near duplicates ------------------------------------------------------------------------------------------------


def test_similarity_is_that_of_sets_of_triples() -> None:
    known = WordHashes()
    a, b = shingles("one two three four five", known), shingles("One, two; three four 5", known)
    assert similarity(a, b) == 2 / 4
    assert similarity(a, a) == 1
    assert similarity(shingles("one two", known), shingles("two one", known)) == 0
    assert similarity(shingles("", known), shingles("", known)) == 0


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_what_they_promise(threshold: float) -> None:
    """The chance at the threshold is at least 0.99, and a wider band's is less."""

    def chance(width: int) -> float:
        return float(1 - (1 - threshold**width) ** (128 // width))

    width = band_width(threshold)
    assert chance(width) >= 0.99
    assert width == 128 or chance(width + 1) < 0.99


def edited(text: str, edits: int) -> str:
    parts = text.split()
    for i in range(edits):
        parts[(i * 37 + 5) % len(parts)] = f"changed{i}"
    return " ".join(parts)


def test_planted_near_duplicates_are_found(tmp_path: Path) -> None:
    problems = oss(300)
    for i in range(100):  # 55 words, of whose 53 triples an edit changes 3
        row = problems[i]
        problems.append({**row, "problem": edited(row["problem"], 1), "solution": row["solution"]})
    far = [
        {**row, "problem": edited(row["problem"], 9), "solution": edited(row["solution"], 7)} for row in problems[:50]
    ]
    recipe = two_sources(tmp_path, deduplicate={"near": 0.8})
    write_jsonl(tmp_path / "oss.jsonl", problems + far)
    mixture = Mixture(recipe)
    counts = mixture.counts["sources"]["oss"]
    assert counts["duplicates_near"] == 100
    assert counts["left"] == 350
    assert {e.source_row for e in mixture if e.source == "oss"}.isdisjoint(range(300, 400))
    shown = mixture.report()["duplicates"][0]
    assert shown["similarity"] >= 0.8
    assert shown["row"] == shown["of"]["row"] + 300


@settings(max_examples=25)
@given(st.lists(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12), max_size=8), min_size=1,
                max_size=3),
       st.sampled_from([0.5, 0.75, 1.0]), st.sampled_from([(True, True), (True, False), (False, True)]))  # fmt: skip
def test_near_duplicates_against_all_pairs(
    lists: list[list[list[str]]], threshold: float, scope: tuple[bool, bool]
) -> None:
    """Nothing is left out that is not near to an earlier row that may count."""
    sources: list[Source] = [Listed(f"s{i}", [(" ".join(row), ".") for row in rows]) for i, rows in enumerate(lists)]
    how = Deduplicate(within=scope[0], across=scope[1], near=threshold)
    found = find_duplicates(sources, [NOTHING] * len(lists), how)
    known = WordHashes()
    sets = {(i, r): shingles(" ".join(row), known) for i, rows in enumerate(lists) for r, row in enumerate(rows)}
    gone = {(i, int(r)) for i, rows in enumerate(found.removed) for r in rows}
    for i, r in gone:
        assert any(
            similarity(sets[i, r], other) >= threshold and (scope[0] if j == i else scope[1])
            for (j, q), other in sets.items()
            if (j, q) < (i, r)
        )
    for met in found.examples:
        assert met.near is None or met.near >= threshold


def test_candidates_do_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in one form of words are candidates of one another: here every one of nearly all before it."""
    monkeypatch.setattr(near_module, "_MOST_COMPARED", 4)
    met: list[int] = []
    match = near_module._Finder._match

    def counted(finder: Any, at: int, candidates: list[int]) -> Any:
        met.append(len(candidates))
        return match(finder, at, candidates)

    monkeypatch.setattr(near_module._Finder, "_match", counted)
    form = sentence(40, 1)
    texts = [(f"{form} {sentence(8, 1000 + i)}", "") for i in range(300)]
    sources: list[Source] = [Listed("a", texts[:150]), Listed("b", texts[150:])]
    found = find_duplicates(sources, [NOTHING, NOTHING], Deduplicate(near=0.8))
    assert found.near == [0, 0]
    assert len(met) > 280
    bands = 128 // band_width(0.8)
    assert max(met) <= 2 * bands * 4


def test_similarities_are_those_of_pairs() -> None:
    sets = [np.array(sorted(values), np.uint64) for values in ([], [1], [1, 2, 3], [2**63, 2**64 - 1], [0, 3, 2**63])]
    for a in sets:
        expected = [len({*a} & {*b}) / len({*a} | {*b}) if len(a) + len(b) else 0.0 for b in sets]
        assert near_module.similarities(a, sets).tolist() == expected


def test_rows_without_words_are_not_near_to_each_other() -> None:
    source: Source = Listed("s", [("?!", "."), ("...", "!"), ("a b c", "d")])
    found = find_duplicates([source], [NOTHING], Deduplicate(near=0.9))
    assert found.removed[0].tolist() == []


def test_a_row_is_compared_with_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_module, "_MOST_COMPARED", 1)
    texts = [sentence(30, i) for i in range(5)]
    source: Source = Listed("s", [(text, "") for text in [*texts, *(edited(text, 1) for text in texts)]])
    assert find_duplicates([source], [NOTHING], Deduplicate(near=0.7)).removed[0].tolist() == [5, 6, 7, 8, 9]


# ---- contamination --------------------------------------------------------------------------------------------------

ITEMS = [(f"E/{i}", {"prompt": sentence(25, "eval", i), "tests": f"assert f({i}) == {i}"}) for i in range(40)]


def the_reference(length: int = 10) -> Reference:
    reference = Reference(length)
    reference.add("evaluation", ITEMS)
    return reference


def test_rows_that_hold_a_run_of_words_are_found() -> None:
    clean = [(sentence(40, "row", i), sentence(20, "answer", i)) for i in range(60)]
    rows = list(clean)
    planted = words(ITEMS[7][1]["prompt"])
    rows[3] = (clean[3][0] + " " + " ".join(planted[5:15]), clean[3][1])  # exactly ten words
    rows[4] = (clean[4][0] + " " + " ".join(planted[5:14]), clean[4][1])  # nine
    rows[10] = (clean[10][0], "Answer:\n" + ",\t".join(planted[8:20]).upper())
    rows[59] = (ITEMS[2][1]["prompt"], "")
    found = find_contamination([Listed("rows", rows), Listed("clean", clean)], the_reference())
    assert found.removed[0].tolist() == [3, 10, 59]
    assert found.removed[1].tolist() == []
    matches = {match.row: match for match in found.matches[0]}
    assert (matches[3].text, matches[3].item) == ("prompt", "E/7")
    assert (matches[10].text, matches[10].item) == ("completion", "E/7")
    assert matches[3].words == " ".join(planted[5:15])
    assert matches[59].words == " ".join(words(ITEMS[2][1]["prompt"])[:10])
    assert found.evaluations[0].met == {"E/7", "E/2"}
    text = found.to_text()
    assert "evaluation: 40 items with 640 runs of 10 words, of which 2 met in rows" in text
    assert "rows: 3 rows left out" in text
    assert "clean: 0 rows left out" in text
    plain = json.loads(found.to_json())
    assert plain["removed"] == {"rows": 3, "clean": 0}
    assert sum(plain["runs"].values()) == 3
    assert plain["matches"]["rows"][0]["item"] == "E/7"


@settings(max_examples=tries(100))
@given(st.lists(st.lists(st.sampled_from("abcdefghijkl"), max_size=25), max_size=8),
       st.lists(st.lists(st.sampled_from("abcdefghijkl"), max_size=12), max_size=4), st.integers(5, 7))  # fmt: skip
def test_contamination_against_sets_of_runs(rows: list[list[str]], items: list[list[str]], length: int) -> None:
    reference = Reference(length)
    reference.add("e", ((str(i), {"text": " ".join(item)}) for i, item in enumerate(items)))
    wanted = set()
    for item in items:
        size = length if len(item) >= length else len(item)
        if 2 * size >= length:
            windows = [tuple(item[i : i + size]) for i in range(len(item) - size + 1)]
            wanted |= {window for window in windows if 2 * len(set(window)) >= size}
    source: Source = Listed("s", [(" ".join(row[:13]), " ".join(row[13:])) for row in rows])
    found = find_contamination([source], reference)

    def held(part: list[str]) -> bool:
        return any(tuple(part[i : i + n]) in wanted for n in range(1, length + 1) for i in range(len(part) - n + 1))

    assert found.removed[0].tolist() == [i for i, row in enumerate(rows) if held(row[:13]) or held(row[13:])]


def test_runs_of_few_different_words_say_nothing() -> None:
    reference = Reference(10)
    reference.add("e", [("zeros", {"test": "0 " * 40}), ("words", {"test": sentence(20, "z")})])
    source: Source = Listed("s", [("0, " * 30, "0"), (sentence(20, "z"), "")])
    assert find_contamination([source], reference).removed[0].tolist() == [1]


def test_short_items_are_looked_for_whole() -> None:
    reference = Reference(10)
    reference.add("e", [("a", {"q": "Name the seven wonders of the world"}), ("b", {"q": "Sort a list"})])
    source: Source = Listed("s", [("Please name the seven wonders of the world!", ""), ("Name the seven wonders", ""),
                                  ("Sort a list", "")])  # fmt: skip
    found = find_contamination([source], reference)
    assert found.removed[0].tolist() == [0]
    assert (reference.evaluations[0].items, reference.evaluations[0].too_short) == (2, 1)
    assert "1 item too short to look for" in found.to_text()


def test_an_evaluation_of_any_kind_of_file(tmp_path: Path) -> None:
    planted = {"jsonl": sentence(20, 1), "json": sentence(20, 2), "txt": sentence(20, 3), "parquet": sentence(20, 4)}
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_jsonl(tmp_path / "e1.jsonl", [{"task_id": "T/0", "prompt": planted["jsonl"], "other": planted["json"]}])
    write_json(tmp_path / "e2.json", [{"id": 9, "question": planted["json"]}])
    (tmp_path / "e3.txt").write_text(f"Title\n\n{planted['txt'][:40]}\n{planted['txt'][40:]}\n\nEnd\n")
    pq.write_table(
        pa.Table.from_pylist([{"task_id": "P/1", "text": planted["parquet"], "n": 1}]), tmp_path / "e4.parquet"
    )
    rows = [{"problem": f"{sentence(9, 'x', i)} {text}", "solution": "S"} for i, text in enumerate(planted.values())]
    rows += oss(400)
    recipe = two_sources(tmp_path, decontaminate={"against": [
        {"name": "e1", "files": str(tmp_path / "e1.jsonl"), "fields": ["prompt"]},
        str(tmp_path / "e3.txt"), {"name": "e4", "files": str(tmp_path / "e4.parquet"), "fields": ["text"]},
    ]})  # fmt: skip
    write_jsonl(tmp_path / "oss.jsonl", rows)
    mixture = Mixture(recipe)
    report = mixture.report()["contamination"]
    assert {match["row"]: match["item"] for match in report["matches"]["oss"]} == {0: "T/0", 2: "e3.txt:3", 3: "P/1"}
    assert mixture.counts["sources"]["oss"]["contaminated"] == 3
    assert mixture.counts["evaluations"]["e1"] == {"items": 1, "too_short": 0, "runs": 11, "items_met": 1}
    assert [pin.name for one in mixture.recipe.evaluations for pin in one.files] == ["e1.jsonl", "e3.txt", "e4.parquet"]  # type: ignore
    more = Mixture(recipe.replace({"decontaminate.against": [str(tmp_path / "e2.json")]}))
    assert [match["item"] for match in more.report()["contamination"]["matches"]["oss"]] == ["9"]
    with pytest.raises(SourceError, match=r"e1.jsonl:1: has no field 'answer', which is looked for"):
        Mixture(recipe.replace({"decontaminate.against": [
            {"name": "e", "files": str(tmp_path / "e1.jsonl"), "fields": ["answer"]}]}))  # fmt: skip


LEAK = "Return the sum of all odd numbers in a list that stand at even places counted from zero"


def mixed(folder: Path, rows: list[dict[str, Any]], item: dict[str, Any] | None = None, **fields: Any) -> Mixture:
    """A mixture of one example of these rows, cleaned of an evaluation of one item."""
    more = {name: fields.pop(name) for name in ("deduplicate",) if name in fields}
    if item is not None:
        more["decontaminate"] = {"against": [write_jsonl(folder / "eval.jsonl", [item])]}
    source = {"name": "one", "files": write_jsonl(folder / "rows.jsonl", rows), **fields}
    return Mixture(MixtureRecipe.from_dict({"examples": 1, "sources": [source], **more}))


@pytest.mark.parametrize(
    ("row", "templates", "text"),
    [
        ({"rationale": LEAK}, {"completion": "{rationale}\n{output}"}, "completion"),
        ({"output": LEAK}, {"completion": "{instruction}"}, "completion without the template"),
        ({"instruction": LEAK}, {"prompt": "{instruction}"}, "prompt"),
    ],
)
def test_texts_are_searched_with_and_without_their_templates(
    tmp_path: Path, row: dict[str, Any], templates: dict[str, str], text: str
) -> None:
    plain = {"instruction": "Do it.", "rationale": "So.", "output": "x = 1"}
    mixture = mixed(tmp_path, [plain, {**plain, **row}], {"q": LEAK}, **templates)
    found = mixture.report()["contamination"]["matches"]["one"]
    assert [(match["row"], match["text"]) for match in found] == [(1, text)]
    assert mixture.counts["sources"]["one"]["contaminated"] == 1


def test_templates_of_our_own_data_are_searched(tmp_path: Path) -> None:
    from markovlib import Recipe

    recipe = Recipe.load("first-rewrite").replace(examples=20).to_dict()
    source = {"name": "ours", "recipe": recipe, "completion": f"{LEAK}: {{completion}}"}
    against = [write_jsonl(tmp_path / "eval.jsonl", [{"q": LEAK}])]
    fields = {"examples": 1, "sources": [source, {"name": "more", "recipe": recipe}], "on_shortage": "fill"}
    mixture = Mixture(MixtureRecipe.from_dict({**fields, "decontaminate": {"against": against}}))
    assert {name: counts["contaminated"] for name, counts in mixture.counts["sources"].items()} == {
        "ours": 20,
        "more": 0,
    }


@pytest.mark.parametrize(
    "item",
    [
        {"question": {"text": LEAK}},
        {"tests": [{"input": LEAK}]},
        {"public_tests": {"input": [LEAK]}},
        {"choices": {"text": [LEAK, "b"]}},
        {"turns": [LEAK, None]},
        {"messages": [{"role": "user", "content": LEAK}, {"role": "assistant", "content": None}]},
    ],
)
def test_items_are_searched_however_they_are_nested(tmp_path: Path, item: dict[str, Any]) -> None:
    rows = [{"problem": LEAK, "solution": "x"}, {"problem": "Add.", "solution": "y"}]
    assert mixed(tmp_path, rows, item).counts["sources"]["one"]["contaminated"] == 1


def test_a_row_that_is_contaminated_makes_no_other_a_duplicate(tmp_path: Path) -> None:
    rows = [{"instruction": "Add.", "output": "ok", "note": LEAK}, {"instruction": "Add.", "output": "ok", "note": ""}]
    mixture = mixed(tmp_path, rows, {"q": LEAK}, prompt="{instruction} {if output}{note}{end}", deduplicate={})
    assert mixture.counts["sources"]["one"] == {
        "rows": 2, "empty": 0, "duplicates_within": 0, "duplicates_across": 0, "contaminated": 1, "left": 1,
        "examples": 1,
    }  # fmt: skip
    assert mixture[0].source_row == 1
    copies = [{"problem": LEAK, "solution": "ok"}, {"problem": LEAK, "solution": "ok"}, *oss(1)]
    counts = mixed(tmp_path, copies, {"q": LEAK}, deduplicate={}).counts["sources"]["one"]
    assert (counts["contaminated"], counts["duplicates_within"], counts["left"]) == (2, 0, 1)


def test_rows_are_compared_as_made_where_a_template_reads_other_fields(tmp_path: Path) -> None:
    rows = [{"instruction": "Solve.", "output": "ok", "code": f"print({i // 2})"} for i in range(4)]
    made = mixed(tmp_path, rows, completion="{code}", deduplicate={})
    assert made.counts["sources"]["one"]["duplicates_within"] == 2
    plain = mixed(tmp_path, rows, completion="{output}", deduplicate={})
    assert plain.counts["sources"]["one"]["duplicates_within"] == 3
    assert mixed(tmp_path, rows, prompt="{code}", completion="{prompt}", deduplicate={}).counts["sources"]["one"][
        "duplicates_within"
    ] == 2  # fmt: skip


def test_fields_of_an_evaluation_may_hold_nothing(tmp_path: Path) -> None:
    rows = [{"problem": LEAK, "solution": "x"}, {"problem": "Add.", "solution": "y"}]
    items = [{"q": {"text": None}}, {"q": None}, {"q": {"text": LEAK}, "other": "Add."}, {"q": {"text": ""}}]
    source = {"name": "one", "files": write_jsonl(tmp_path / "rows.jsonl", rows)}
    for field in ("q", "q.text"):
        against = {"name": "e", "files": write_jsonl(tmp_path / "e.jsonl", items), "fields": [field]}
        fields = {"examples": 1, "sources": [source], "decontaminate": {"against": [against]}}
        counts = Mixture(MixtureRecipe.from_dict(fields)).counts
        assert counts["sources"]["one"]["contaminated"] == 1
        assert counts["evaluations"]["e"] == {"items": 4, "too_short": 3, "runs": 9, "items_met": 1}


def test_all_that_is_left_out_may_leave_too_little(tmp_path: Path) -> None:
    recipe = two_sources(tmp_path, deduplicate={})
    copied = oss(500)[:390]
    write_jsonl(tmp_path / "oss.jsonl", [*copied, *copied[:110]])
    with pytest.raises(
        RecipeError, match=r"'oss' is to give 450 examples and can give 390 \(390 rows, max_repeats = 1\)"
    ):
        Mixture(recipe.replace(examples=600))
