"""Traces as lines of text, in terminals, pipes and notebooks."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from markovlib import RuleSet
from markovlib.seeing.lines import CARET, Gap, Line, blocks, letters, shown_lines

SORT = RuleSet([("ba", "ab")])
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
HOSTILE = "</script><script>document.title='owned'</script><b>&amp;\"'`"


def test_lines_have_the_match_and_what_was_written_below():
    assert SORT.trace("bba").text() == (
        "   1  bba  1: ba -> ab\n"
        "       ^^\n"
        "   2  bab  1: ba -> ab\n"
        "      ^^~\n"
        "   =  abb\n"
        "      halted after 2 steps: no rule applies\n"
    )


def test_colours_mark_match_and_written_and_add_nothing_else():
    plain = SORT.trace("bba").text().splitlines()
    coloured = SORT.trace("bba").text(color=True)
    assert "\x1b[1;30;43mba\x1b[0m" in coloured
    assert "\x1b[4;32mb\x1b[0m" in coloured
    without = [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()]
    assert without == [line for line in plain if not set(line) <= set(" ^~")]


def test_an_empty_pattern_an_empty_replacement_and_an_empty_word():
    lines = RuleSet([("a", ""), ("", "x", True)]).trace("a").text().splitlines()
    assert lines[0].split() == ["1", "a", "1:", "a", "->", '""']
    assert lines[2].split() == ["2", CARET, "2:", '""', "->.", "x"]
    assert lines[4].split() == ["=", "x"]
    assert RuleSet([]).trace("").text().splitlines()[0].split() == ["="]


def test_steps_in_the_middle_are_left_out_and_counted():
    trace = RuleSet([("a", "b")]).trace("a" * 500)
    lines = trace.text().splitlines()
    assert "... 300 steps left out ..." in lines[200]
    assert [int(line.split()[0]) for line in lines[:200:2]] == list(range(1, 101))
    assert len(lines) == 2 * 200 + 1 + 2
    assert "... 498 steps left out ..." in trace.text(first=1, last=1)
    assert "left out" not in trace.text(first=500)
    assert "... 1 step left out ..." in trace.text(first=499)
    assert trace.text(last=0).splitlines()[0].strip() == "... 500 steps left out ..."


def test_a_trace_of_the_last_steps_counts_what_it_does_not_keep():
    trace = RuleSet([("a", "b")]).trace("a" * 500, last=3)
    lines = trace.text().splitlines()
    assert lines[0].strip() == "... 497 steps left out ..."
    assert [line.split()[0] for line in lines[1:7:2]] == ["498", "499", "500"]
    # The step before the first kept one is not known, and so what it wrote is not marked.
    assert lines[2].strip() == "^"
    assert "~" in lines[4]
    assert trace.text(first=2).count("left out") == 2


def test_every_line_fits_the_width():
    word = "é" * 300 + "<>" + "語" * 300
    trace = RuleSet([("<>", "><", True)]).trace(word)
    for width in (20, 40, 41, 80, 200):
        for line in trace.text(width=width).splitlines()[:3]:
            assert cell_len(line) <= width
    first, below = trace.text(width=60).splitlines()[:2]
    assert "é<>語" in first
    assert first.count("…") == 2
    assert below.index("^^") == cell_len(first[: first.index("<>")])


def test_steps_and_the_last_word_fit_the_width_whatever_the_rest_says():
    lines = RuleSet([("a", "aé"), ("b" * 40, "")]).trace("a", max_steps=300).text(width=20).splitlines()
    wide = [line.strip() for line in lines if cell_len(line) > 20]
    assert wide == ["... 100 steps left out ...", lines[-1].strip()]


@pytest.mark.parametrize(
    ("word", "marks"),
    [("e\u0301e\u0301xy", "  ^"), ("語e\u0301xy", "   ^"), ("xy", "^"), ("e\u0301\u0301x\u0301y", " ^")],
)
def test_marks_stand_below_letters_with_accents(word, marks):
    lines = RuleSet([("x", "x", True), ("\u0301", "", True)]).trace(word).text().splitlines()
    assert lines[1] == " " * 6 + marks
    accent = RuleSet([("\u0301", "", True)]).trace("語e\u0301").text().splitlines()
    assert accent[1] == " " * 6 + "  ^"
    assert RuleSet([("\u0301", "", True)]).trace("\u0301").text().splitlines()[1] == "      ^"


def test_words_that_grow_later_are_shown_as_far_as_there_is_room():
    rules = RuleSet([("a", "ab"), ("x" * 30, "")])
    last = rules.trace("a", max_steps=240).text(first=240, width=300).splitlines()[2 * 239]
    assert last == f" 240  a{'b' * 239} 1: a -> ab"
    narrow = rules.trace("a", max_steps=240).text(first=240, width=150).splitlines()
    assert max(map(len, narrow)) <= 150
    assert "…" in narrow[2 * 239]


def test_letters_that_cannot_be_shown_are_escapes():
    lines = RuleSet([(b"\xff", b"\x00\x1b[31m")]).trace(b"a\xff").text().splitlines()
    assert lines[0].split() == ["1", r"a\xff", "1:", r"\xff", "->", r"\x00\x1b[31m"]
    assert lines[1] == "       ^^^^"
    assert "\x1b" not in "".join(lines)


def test_marks_may_cut_a_character_of_bytes_in_two():
    trace = RuleSet([(b"\xc3", b"\xc3"), (b"\xa9", b"")]).trace("é".encode(), max_steps=2)
    lines = trace.text().splitlines()
    assert lines[0].split()[1] == r"\xc3\xa9"
    assert lines[1] == "      ^^^^"


@pytest.mark.parametrize("options", [{"first": -1}, {"last": -1}, {"width": 19}, {"width": -5}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SORT.trace("ba").text(**options)


@pytest.mark.parametrize("options", [{"first": "3"}, {"last": 1.5}, {"width": True}])
def test_what_is_no_number_is_refused(options):
    with pytest.raises(TypeError, match=next(iter(options))):
        SORT.trace("ba").text(**options)


@given(st.text("ab<é\n\u202e", max_size=12), st.integers(0, 6), st.integers(0, 6))
def test_lines_say_what_the_trace_says(word, first, last):
    trace = RuleSet([("ba", "ab"), ("<", "é\n"), ("éé", ""), ("", "a", True)]).trace(word, max_steps=20)
    lines = list(shown_lines(trace, blocks(trace, first, last)))
    shown = [line for line in lines if isinstance(line, Line)]
    assert len(shown) + sum(line.steps for line in lines if isinstance(line, Gap)) == len(trace)
    for line in shown:
        step = trace[line.number - 1]
        rule = trace.rules[step.rule]
        assert line.before == trace.before(line.number - 1)
        assert line.before[slice(*line.match)] == rule.pattern
        if line.number > 1:
            assert line.before[slice(*line.written)] == trace.rules[trace[line.number - 2].rule].replacement


@given(st.text(max_size=8) | st.binary(max_size=8))
def test_shown_letters_can_be_shown(word):
    assert letters(word).isprintable()


def test_rich_prints_a_trace():
    trace = SORT.trace("bba")
    out = io.StringIO()
    Console(file=out, width=60).print(trace)
    assert out.getvalue() == trace.text()
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard", width=60).print(trace)
    assert "\x1b[1;30;43mba\x1b[0m" in out.getvalue()


class Reader(HTMLParser):
    """The tags of a piece of HTML, in order, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert all(name in ("style", "colspan") for name, _ in attrs)
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_a_short_table():
    trace = RuleSet([("a", "b")]).trace("a" * 500)
    page = Reader(trace._repr_html_())
    assert page.tags.count("mark") == 40
    assert "460 steps left out" in page.text
    assert "halted after 500 steps: no rule applies" in page.text
    assert len(trace._repr_html_()) < 60_000
    assert repr(trace) == "<Trace of 500 steps: NO_RULE_APPLIES>"
    assert repr(SORT.trace("ba")) == "<Trace of 1 step: NO_RULE_APPLIES>"


def test_long_words_and_rules_are_short_in_a_notebook():
    trace = RuleSet([("a" * 9000, "b" * 9000, True)]).trace("x" * 9000 + "a" * 9000)
    assert len(trace._repr_html_()) < 3000
    assert len(trace.rules._repr_html_()) < 1000
    assert all(len(line) <= 100 for line in trace.text().splitlines())


def test_a_notebook_shows_hostile_words_as_text():
    trace = RuleSet([(HOSTILE, HOSTILE + "<")]).trace(f"x{HOSTILE}\x00", max_steps=2)
    page = Reader(trace._repr_html_())
    assert not {"script", "b"} & set(page.tags[:-1]) - {"b"}
    assert f"x{HOSTILE}<\\x00" in page.text
    table = Reader(trace.rules._repr_html_())
    assert set(table.tags) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert HOSTILE in table.text


def test_a_notebook_shows_rules_as_a_table():
    rules = RuleSet([("a", ""), ("b", "c", True)] * 100)
    table = Reader(rules._repr_html_())
    assert table.tags.count("tr") == 1 + 50 + 1
    assert "a → ε" in table.text
    assert "b →. c" in table.text
    assert "150 more rules" in table.text
    assert "no rules" in Reader(RuleSet([])._repr_html_()).text


def test_the_other_strategy_is_named() -> None:
    rules = RuleSet([("b", "c"), ("a", "d")])
    usual, other = rules.trace("ab"), rules.trace("ab", strategy="leftmost")
    assert (usual.strategy, other.strategy) == ("markov", "leftmost")
    assert usual.text().endswith("halted after 2 steps: no rule applies\n")
    assert other.text().endswith("halted after 2 steps: no rule applies; strategy leftmost\n")
    assert '"outcome":"halted after 2 steps: no rule applies; strategy leftmost"' in other.html()
