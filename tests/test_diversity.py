"""The diversity report: every figure against brute force on small data, from every kind of source."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tracemalloc
from collections import Counter, namedtuple
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

from markovlib import STREAM_VERSION, Dataset, Recipe, View
from markovlib.dataset import COLUMNS
from markovlib.diversity import diversity
from markovlib.diversity.page import coverage, number, share
from markovlib.diversity.report import Space
from markovlib.shards import manifest
from markovlib.shards.folder import DamagedError, ShardError
from markovlib.shards.generation import generate

SMALL = {
    "rules.alphabet": "ab",
    "rules.pattern_length": 3,
    "rules.replacement_length": 2,
    "words.length": [5, 9],
    "instructions": 12,
}


def small(**changes: Any) -> Recipe:
    return Recipe.load("paper/no-op").replace({**SMALL, "examples": 3000, "eval.examples": 500, **changes})


# ---- the report of a table, by brute force -----------------------------------------------------------------------

LETTERS = st.text("abé", max_size=4)
ROW = st.fixed_dictionaries(
    {
        "pattern": LETTERS,
        "replacement": LETTERS,
        "word": LETTERS,
        "output": LETTERS,
        "no_op": st.booleans(),
        "position": st.integers(-1, 4),
        "steps": st.integers(0, 2),
        "outcome": st.sampled_from(["terminal_rule", "no_rule_applies"]),
        "occurrences": st.integers(0, 3),
        "near_miss": st.booleans(),
    }
)


def brute_force(rows: list[dict[str, Any]]) -> dict[str, Any]:
    rules = Counter((row["pattern"], row["replacement"]) for row in rows)
    ranked = sorted(rules.values(), reverse=True)
    return {
        "rows": len(rows),
        "used": len(rules),
        "outside_top": 1 - ranked[0] / len(rows),
        "ranked": list(enumerate(ranked, 1)),
        "patterns": len({row["pattern"] for row in rows}),
        "replacements": len({row["replacement"] for row in rows}),
        "words": len({row["word"] for row in rows}),
        "repeated": len(rows) - len({(row["pattern"], row["replacement"], row["word"]) for row in rows}),
        "no_ops": sum(row["no_op"] for row in rows),
        "near_misses": sum(row["near_miss"] for row in rows),
        "outcomes": dict(sorted(Counter(row["outcome"] for row in rows).items())),
        "letters": {
            f"{name}s": dict(sorted(Counter("".join(row[name] for row in rows)).items()))
            for name in ("pattern", "replacement", "word")
        },
    }


def figures(report: Any) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "used": report.instructions.used,
        "outside_top": report.instructions.outside_top,
        "ranked": report.instructions.ranked,
        "patterns": report.patterns.distinct,
        "replacements": report.replacements.distinct,
        "words": report.words.distinct,
        "repeated": report.repeats.repeated,
        "no_ops": report.no_ops.count,
        "near_misses": report.no_ops.near_misses,
        "outcomes": report.outcomes,
        "letters": report.letters,
    }


@settings(max_examples=tries(60))
@given(st.lists(ROW, min_size=1, max_size=30), st.booleans(), st.data())
def test_the_report_of_a_table_is_what_counting_gives(rows, binary, data):
    if binary:
        rows = [
            {k: v.encode() if k in ("pattern", "replacement", "word", "output") else v for k, v in row.items()}
            for row in rows
        ]
    table = pa.Table.from_pylist(rows)
    cut = data.draw(st.integers(0, len(rows)))
    report = diversity(pa.concat_tables([table.slice(0, cut), table.slice(cut)]))
    expected = brute_force(
        [{k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in row.items()} for row in rows]
    )
    if binary:
        expected["letters"] = {
            name: {repr(bytes([ord(c)]))[2:-1]: n for c, n in letters.items()}
            for name, letters in expected["letters"].items()
        }
    assert figures(report) == {**expected, "outside_top": pytest.approx(expected["outside_top"])}
    for name, column in (("word_length", "word"), ("pattern_length", "pattern"), ("occurrences", "occurrences")):
        values = [len(row[column]) if name.endswith("length") else row[column] for row in rows]
        found = report.distributions[name]
        assert (found.min, found.max, found.count) == (min(values), max(values), len(rows))
    positions = [row["position"] for row in rows if row["position"] >= 0]
    assert (
        report.distributions["position"].count == len(positions)
        if positions
        else "position" not in report.distributions
    )
    assert report.space is report.recipe is report.instructions.offered is report.no_ops.asked is None
    assert report.repeats_of == ("rules", "word")
    assert (report.words.repeated, report.words.most) == (
        len(rows) - report.words.distinct,
        max(Counter(row["word"] for row in rows).values()),
    )


RULES = st.lists(st.tuples(LETTERS, LETTERS, st.booleans()), max_size=3)


@given(st.lists(st.tuples(RULES, LETTERS), min_size=1, max_size=20))
def test_several_rules_are_one_instruction_in_which_order_and_terminality_count(rows):
    kind = pa.struct([("pattern", pa.large_string()), ("replacement", pa.large_string()), ("terminal", pa.bool_())])
    names = ("pattern", "replacement", "terminal")
    lists = [[dict(zip(names, rule, strict=True)) for rule in rules] for rules, _ in rows]
    table = pa.table({"rules": pa.array(lists, pa.list_(kind)), "word": [word for _, word in rows]})
    report = diversity(table.slice(0, len(rows)))
    assert report.instructions.used == len({tuple(rules) for rules, _ in rows})
    assert report.repeats.distinct == len({(tuple(rules), word) for rules, word in rows})
    patterns = [pattern for rules, _ in rows for pattern, _, _ in rules]
    assert (report.patterns.rows, report.patterns.distinct) == (len(patterns), len(set(patterns)))


def test_nulls_are_a_value_of_their_own():
    table = pa.table(
        {"pattern": ["a", None, "", None], "replacement": ["b", None, "", None], "word": ["w", "w", "w", "w"]}
    )
    report = diversity(table)
    assert (report.repeats.distinct, report.instructions.used, report.patterns.distinct) == (3, 3, 2)


def test_rows_of_prompts_alone_are_compared_by_their_prompts():
    report = diversity(pa.table({"prompt": ["a", "b", "a"]}))
    assert (report.repeats_of, report.repeats.repeated, report.instructions) == (("prompt",), 1, None)
    assert "most frequent one" in report.html()


# ---- data sets and folders ---------------------------------------------------------------------------------------


def rows_of(data: Dataset, count: int) -> list[dict[str, Any]]:
    return data.batch(range(count)).to_arrow().to_pylist()


@pytest.mark.parametrize("split", ["train", "seen", "unseen"])
def test_the_report_of_a_data_set_and_of_its_shards_are_the_same(tmp_path, split):
    recipe = small()
    data = Dataset(recipe, seed=7, split=split)
    generate(recipe, tmp_path / "a", splits=[split], seed=7, shard_rows=700)
    made = [diversity(data), diversity(tmp_path / "a", split=split), diversity(str(tmp_path / "a" / split))]
    expected = brute_force([{**row, "near_miss": False} for row in rows_of(data, len(data))])
    for report in made:
        assert {**figures(report), "near_misses": 0} == {
            **expected,
            "outside_top": pytest.approx(expected["outside_top"]),
        }
        for name, found in made[1].distributions.items():
            assert report.distributions[name] == found
        assert report.instructions.offered == made[0].instructions.offered
        assert report.no_ops.exact_blocks == report.no_ops.blocks == 1
    assert {**made[1].to_dict(), "source": ""} == {**made[2].to_dict(), "source": ""}
    assert made[0].space.size == recipe.space.size == 32
    assert made[0].space.coverage == made[0].instructions.used / 32
    assert made[0].repeats.repeated > 0


def test_offered_is_what_the_recipe_offers():
    assert diversity(Dataset(small())).instructions.offered == 12
    unbounded = small(instructions=None, examples=None)
    assert diversity(Dataset(unbounded), 10).instructions.offered == unbounded.divide()[0].possible


def test_rows_are_the_first_rows():
    data = Dataset(small())
    report = diversity(data, 1000)
    assert (report.rows, report.size) == (1000, 3000)
    assert report.repeats.distinct == len({(r["pattern"], r["replacement"], r["word"]) for r in rows_of(data, 1000)})
    assert report.no_ops.blocks == 0
    assert "the first 1,000 rows of 3,000" in report.html()
    assert diversity(data, 10**9).rows == 3000


def test_the_share_of_no_ops_is_checked_block_by_block(tmp_path):
    recipe = small(examples=70_000)
    report = diversity(Dataset(recipe))
    assert (report.no_ops.blocks, report.no_ops.exact_blocks, report.no_ops.worst) == (2, 2, 0)
    assert (report.no_ops.count, report.no_ops.asked) == (21_000, 0.3)
    generate(recipe, tmp_path / "a")
    text = (tmp_path / "a" / "manifest.json").read_text().replace('"no_op": 0.3', '"no_op": 0.29')
    (tmp_path / "a" / "manifest.json").write_text(_signed(text))
    report = diversity(tmp_path / "a")
    assert (report.no_ops.blocks, report.no_ops.exact_blocks) == (2, 0)
    assert report.no_ops.worst == round(0.3 * 65_536) - round(0.29 * 65_536)


def _signed(text: str) -> str:
    import msgspec

    made = msgspec.convert(json.loads(text), manifest.Manifest)
    return made.encode().decode()


def test_a_folder_that_cannot_be_made_again_is_reported_without_its_recipe(tmp_path):
    generate(small(), tmp_path / "a", columns=["word", "pattern", "replacement", "no_op"])
    text = (tmp_path / "a" / "manifest.json").read_text()
    (tmp_path / "a" / "manifest.json").write_text(
        _signed(text.replace(f'"stream_version": {STREAM_VERSION}', '"stream_version": 99'))
    )
    report = diversity(tmp_path / "a")
    assert report.instructions.used == 12
    assert report.space is report.recipe is report.no_ops.asked is report.instructions.offered is None
    assert set(report.distributions) == {"word_length", "pattern_length", "replacement_length"}
    assert "offered" not in report.html()


@pytest.mark.parametrize("format", ["parquet", "arrow", "jsonl", "mds"])
def test_a_damaged_shard_is_named(tmp_path, format):
    generate(small(), tmp_path / "a", format=format)
    (file,) = (tmp_path / "a" / "train").glob("part-*")
    file.write_bytes(b"")
    with pytest.raises(DamagedError, match=rf"train.{file.name}: cannot be read: "):
        diversity(tmp_path / "a")


def test_little_memory_gives_estimates_that_say_so():
    data = Dataset(Recipe.load("paper/no-op").replace({"examples": 20_000, "instructions": None}))
    report = diversity(data, memory=500 * 64 * 6)
    found = report.repeats
    assert not found.exact
    assert found.sampled in (1 / 32, 1 / 64, 1 / 128)
    assert found.distinct == pytest.approx(20_000, rel=5 / math.sqrt(20_000 * found.sampled))
    assert "estimated" in report.html()
    assert report.to_dict()["repeats"]["exact"] is False


@pytest.mark.slow
def test_memory_is_what_was_given():
    """Beside it there is a batch of 65,536 rows, its columns and their hashes."""
    recipe = Recipe.load("paper/no-op").replace({"instructions": None}, examples=400_000)
    data = Dataset(recipe, seed=7)
    diversity(data, 1000)
    peaks = {}
    for megabytes in (0, 32, 64, 1024):
        tracemalloc.start()
        report = diversity(data, memory=megabytes * 2**20)
        peaks[megabytes] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        assert report.words.exact == (megabytes == 1024)
    assert peaks[32] - peaks[0] < 32
    assert peaks[64] - peaks[0] < 64
    assert peaks[1024] > peaks[0] + 16 * 2 * 400_000 / 2**20, "the rows' hashes must show, or the test sees nothing"


Stratum = namedtuple("Stratum", "family k pattern_length replacement_length weight possible")


SPILLS = [{
    "stratum": 1, "rule": 7, "into": 0,
    "kind": {"family": "mirrored", "k": 2, "pattern_length": 3, "replacement_length": 2},
    "into_kind": {"family": "repeated", "k": 3, "pattern_length": 3, "replacement_length": 2},
}]  # fmt: skip


class Numbered:
    """A data set with the columns of instructions and strata, made from an ordinary one."""

    split, seed, size, fingerprint = "train", 7, 3000, "0"
    strata = (Stratum("repeated", 3, 3, 2, 3.0, 100), Stratum("mirrored", 2, 3, 2, 1.0, 50))

    def __init__(self, offered: int) -> None:
        self._data, self._offered = Dataset(small(), seed=7), offered
        self.recipe = self._data.recipe
        self.numbers = np.random.default_rng(1).zipf(1.5, self.size) % offered

    def report(self) -> dict[str, Any]:
        return {
            "instructions": self._offered,
            "rules_in_space": 10**60,
            "spills": SPILLS,
        }

    def batch(self, rows: range, columns: Any = None, threads: int | None = None) -> Any:  # noqa: ARG002
        more = {"instruction", "stratum", "near_miss", "occurrences"}
        if unknown := set(columns) - set(COLUMNS) - more:
            raise ValueError(f"unknown column {unknown}")
        found = self._data.batch(rows)
        numbers = self.numbers[rows.start : rows.stop]
        made = dict(zip(found.columns, found.to_arrow().columns, strict=True))
        made["instruction"], made["stratum"] = pa.array(numbers), pa.array((numbers % 4 == 0).astype(np.int32))
        made["near_miss"], made["occurrences"] = pa.array(found.no_op), pa.array(numbers.astype(np.int32) % 5)
        names = list(columns)
        batch = pa.RecordBatch.from_arrays([made[name] for name in names], names=names)
        return type("Made", (), {"to_arrow": lambda _, __: batch})()


@pytest.mark.parametrize("offered", [200, 10**9])
def test_instructions_and_strata_are_counted_by_their_numbers(offered):
    """In an array where there are few, else by hashes."""
    data = Numbered(offered)
    report = diversity(data)
    exact = Counter(data.numbers.tolist())
    assert report.instructions.used == len(exact)
    assert report.instructions.effective[2] == pytest.approx(1 / sum((n / 3000) ** 2 for n in exact.values()))
    assert report.instructions.offered == offered
    assert report.space.coverage == len(exact) / 10**60
    of = [[n for n in exact if (n % 4 == 0) == i] for i in (0, 1)]
    for stratum, numbers, asked in zip(report.strata, of, (0.75, 0.25), strict=True):
        assert (stratum.instructions, stratum.asked) == (len(numbers), asked)
        assert stratum.rows == sum(exact[n] for n in numbers)
        assert stratum.instructions_share == pytest.approx(len(numbers) / len(exact))
        assert stratum.rows_share == stratum.rows / 3000
    assert report.families["mirrored"]["rows"] == report.strata[1].rows
    assert report.spills == SPILLS
    assert report.no_ops.near_misses == report.no_ops.count
    if offered == 200:
        page = report.html()
        assert "Families and strata" in page
        assert "Shares asked and got" in page


def test_families_are_counted_as_they_are():
    recipe = Recipe.load("paper/families").replace({"instructions": 100}, examples=1000)
    data = Dataset(recipe, seed=7)
    report = diversity(data)
    batch = data.batch(range(1000), ["instruction", "stratum"])
    used = dict(zip(batch.instruction.tolist(), batch.stratum.tolist(), strict=True))
    assert report.strata_of == "rules"
    assert [s.instructions for s in report.strata] == [list(used.values()).count(i) for i in range(len(data.strata))]
    assert [s.rows for s in report.strata] == np.bincount(batch.stratum, minlength=len(data.strata)).tolist()
    assert [(s.family, s.k, s.possible) for s in report.strata] == [(s.family, s.k, s.possible) for s in data.strata]
    assert all(abs(s.instructions - 100 * s.asked) < 1 for s in report.strata)
    assert sum(family["rows"] for family in report.families.values()) == 1000
    assert set(report.families) == {"repeated", "periodic", "mirrored"}
    shares = {"repeated": 1, "periodic": 4, "mirrored": 5}
    weighted = [{"name": name, "weight": share} for name, share in shares.items()]
    asked = diversity(Dataset(recipe.replace({"rules.family": weighted}))).to_dict()["families"]
    assert {name: family["asked"] for name, family in asked.items()} == {name: n / 10 for name, n in shares.items()}


def test_a_long_tail_is_seen():
    recipe = Recipe.load("paper/long-tail").replace({"popularity": {"power_law": 0.1}}, examples=20_000)
    data = Dataset(recipe, seed=7)
    report = diversity(data)
    exact = sorted(Counter(data.batch(range(20_000), ["instruction"]).instruction.tolist()).values(), reverse=True)
    assert (report.instructions.offered, report.instructions.used) == (recipe.instructions, len(exact))
    assert report.instructions.outside_top == 1 - exact[0] / 20_000
    assert all(exact[rank - 1] == examples for rank, examples in report.instructions.ranked)
    assert report.instructions.ranked[0] == (1, exact[0])
    assert report.instructions.ranked[-1] == (len(exact), exact[-1])
    for below, rows in report.instructions.lorenz:
        rarest = exact[len(exact) - round(below * len(exact)) :]
        assert rows == pytest.approx(sum(rarest) / 20_000)


def test_several_rules_are_counted_all_of_them(tmp_path):
    recipe = Recipe.load("first-rewrite").replace({"eval.examples": 100}, examples=2000)
    data = Dataset(recipe, seed=7)
    generate(recipe, tmp_path / "a", seed=7)
    rules = [rule for row in data for rule in row.rules]
    for report in (diversity(data), diversity(tmp_path / "a"), diversity(data.view("permuted"))):
        assert report.instructions.used == len({row.rules for row in data}) == 2000
        assert report.space.used == len({rule[:2] for rule in rules})
        assert report.strata_of == "all rules"
        lengths = Counter((len(rule.pattern), len(rule.replacement)) for rule in rules)
        assert [s.rows for s in report.strata] == [
            lengths[s.pattern_length, s.replacement_length] for s in report.strata
        ]
        assert report.distributions["pattern_length"].count == len(rules)
        assert (report.no_ops.count, report.no_ops.exact_blocks) == (500, 1)
    page = report.html()
    assert ">share of rules</th>" in page
    assert "rules got" in page
    assert ">share of rows</th>" not in page


@pytest.mark.parametrize("preset", [*Recipe.presets()])
def test_every_preset_has_a_report(preset):
    data = Dataset(Recipe.load(preset).replace(examples=200), seed=7)
    report = diversity(data)
    rows = list(data)
    assert report.rows == 200
    assert report.instructions.used == len({row.rules for row in rows})
    assert report.repeats.distinct == len({(row.rules, row.word) for row in rows})
    assert report.no_ops.count == sum(row.no_op for row in rows)
    assert report.no_ops.exact_blocks in (1, None)
    assert sum(report.outcomes.values()) == 200
    json.loads(report.to_json())


def test_views_are_reported_as_their_rows():
    data = Dataset(small(examples=70_000), seed=7)
    whole = diversity(data).to_dict()
    shuffled = diversity(data.view("permuted"))
    own = {"source": "", "fingerprint": ""}
    assert {**shuffled.to_dict(), **own} == {**whole, **own}
    some = diversity(data.view(range(100, 70_000, 7)))
    rows = data.batch(range(100, 70_000, 7)).to_arrow().to_pylist()
    assert some.repeats.distinct == len({(r["pattern"], r["replacement"], r["word"]) for r in rows})
    assert (some.no_ops.count, some.no_ops.blocks) == (sum(r["no_op"] for r in rows), 0)


def test_phases_of_two_data_sets_do_not_mix_their_instructions():
    first, second = (Dataset(small(), seed=seed) for seed in (7, 8))
    phases = View.phases([(1000, first), (3000, second)])
    report = diversity(phases)
    assert report.instructions.used == len({row.rules for row in phases})
    assert report.repeats.distinct == len({(row.rules, row.word) for row in phases})
    assert report.recipe is report.space is report.no_ops.asked is report.instructions.offered is None
    assert report.strata == []


def test_what_cannot_be_counted_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unbounded: say how many"):
        diversity(Dataset(small(examples=None)))
    with pytest.raises(ValueError, match="rows must be at least 1"):
        diversity(Dataset(small()), 0)
    with pytest.raises(TypeError, match="got int"):
        diversity(3)
    with pytest.raises(TypeError, match="split is for folders"):
        diversity(Dataset(small()), split="train")
    with pytest.raises(ShardError, match="not a folder of finished shards"):
        diversity(tmp_path)
    generate(small(), tmp_path / "a")
    with pytest.raises(ShardError, match="has no split 'seen'"):
        diversity(tmp_path / "a", split="seen")


def test_progress_is_told():
    seen: list[Any] = []
    diversity(Dataset(small(examples=70_000)), progress=seen.append)
    assert [(item.split, item.rows, item.total) for item in seen] == [
        ("train", 65_536, 70_000),
        ("train", 70_000, 70_000),
    ]


# ---- what is written ---------------------------------------------------------------------------------------------


def test_json_is_exact_and_reads_back():
    report = diversity(Dataset(Recipe.load("paper/no-op").replace(examples=100)))
    found = json.loads(report.to_json())
    assert found["space"]["size"] == 26**20 * (26**20 - 1)
    assert found == report.to_dict()
    huge = report.__class__(**{**report.__dict__, "space": Space(26**5000, 3)})
    assert int(json.loads(huge.to_json())["space"]["size"], 16) == 26**5000
    assert "of the rows outside" in huge.html()


class Page(HTMLParser):
    """Every id, what refers to one, and tags that are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name.endswith("href") or name == "src":
                self.links.append(value)
            self.links += re.findall(r"url\((.*?)\)", value or "")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_is_well_formed(tmp_path):
    pytest.importorskip("matplotlib")
    report = diversity(Numbered(200))
    text = report.html()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    assert page.tags["svg"] == page.tags["figcaption"] >= 7
    assert page.tags["script"] == page.tags["img"] == page.tags["link"] == 0
    assert "prefers-color-scheme: dark" in text
    assert not re.findall(r"#0[1-5]0[1-5]0[1-5]", text), "a colour of matplotlib's that the page does not set"
    report.write_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_what_a_recipe_says_is_text_on_the_page():
    pytest.importorskip("matplotlib")
    recipe = small(**{"render.prompt": "<script>{word}</script>", "rules.alphabet": "<&"})
    text = diversity(Dataset(recipe)).html()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    page = Page()
    page.feed(text)
    assert page.open == []


@pytest.mark.parametrize("changes", [{"instructions": 1}, {"instructions": 1, "examples": 1}, {"words.no_op": 0}])
def test_pages_of_odd_data_sets(changes):
    pytest.importorskip("matplotlib")
    assert "<h2>Repeats</h2>" in diversity(Dataset(small(**changes))).html()


def test_without_matplotlib_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from markovlib import Dataset, Recipe\nfrom markovlib.diversity import diversity\n"
        "report = diversity(Dataset(Recipe.load('paper/no-op')), 10)\n"
        "try: report.html()\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "plots need matplotlib: pip install '.[plots]' in the clone of markovlib\n"


def test_a_report_loads_matplotlib_only_for_its_page():
    code = (
        "import sys\nfrom markovlib import Dataset, Recipe\nfrom markovlib.diversity import diversity\n"
        "diversity(Dataset(Recipe.load('paper/no-op')), 10).to_json()\nprint('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "not known"), (0, "0"), (1234567, "1,234,567"), (0.5, "0.5"), (1305.234, "1,305.2"), (12.0, "12"),
     (10**15 - 1, "999,999,999,999,999"), (26**40, "3.97 × 10⁵⁶"), (10**16 - 1, "1.00 × 10¹⁶")],
)  # fmt: skip
def test_numbers_are_readable(value, shown):
    assert number(value) == shown
    assert number(26**5000) == "7.36 × 10⁷⁰⁷⁴"


def test_shares_are_readable():
    assert [share(value).replace("\N{NO-BREAK SPACE}", " ") for value in (0, 0.3, 1, 0.00002, None)] == [
        "0.00 %", "30.00 %", "100.00 %", "0.002 %", "not known",
    ]  # fmt: skip
    assert coverage(Space(26**40, 1000)) == "2.52 × 10⁻⁵⁴"
    assert coverage(Space(26**5000, 1000)) == "1.36 × 10⁻⁷⁰⁷²"
    assert coverage(Space(32, 12)) == share(12 / 32)
