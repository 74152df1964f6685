"""Traces as space-time pictures: what is in a cell, what is sampled, what the files hold."""

from __future__ import annotations

import io
import tracemalloc
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread

from markovlib import RuleSet
from markovlib.seeing.options import Palette
from markovlib.seeing.raster import NOTHING, lengths, rasterize

mpl.use("agg")
DOCS = Path(__file__).parents[1] / "docs"
SORT = RuleSet([("ba", "ab")])
GROW = RuleSet([("a", "bb"), ("bb", "ccc"), ("é", "")])


def axes():
    return Figure(figsize=(6, 4)).subplots()


def drawn(trace, **options):
    return trace.plot(axes(), **options)


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_cell_is_a_letter():
    grid = rasterize(SORT.trace("bba"), 0, 3, 100, 100, "left")
    assert ["".join(map(chr, row)) for row in grid.cells.tolist()] == ["bba", "bab", "abb"]
    assert grid.edits.tolist() == [[1, 3], [0, 2], [-1, -1]]
    assert grid.numbers.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("align", "rows", "edits"),
    [
        ("left", ["abc", "ac ", "c  "], [[1, 2], [0, 1], [-1, -1]]),
        ("center", ["abc", "ac ", " c "], [[1, 2], [0, 1], [-1, -1]]),
        ("right", ["abc", " ac", "  c"], [[1, 2], [1, 2], [-1, -1]]),
    ],
)
def test_words_are_aligned(align, rows, edits):
    trace = RuleSet([("b", ""), ("a", "")]).trace("abc")
    grid = rasterize(trace, 0, 3, 10, 10, align)
    found = ["".join(" " if code == NOTHING else chr(code) for code in row) for row in grid.cells.tolist()]
    assert found == rows
    assert grid.edits.tolist() == edits


@given(st.text("abé", max_size=9), st.integers(2, 7), st.integers(2, 7), st.sampled_from(["left", "center", "right"]))
def test_a_sample_shows_letters_of_the_words(word, rows, columns, align):
    trace = GROW.trace(word, max_steps=30)
    count, longest = len(trace) + 1, max(map(len, trace.words()))
    grid = rasterize(trace, 0, count, rows, columns, align)
    assert grid.cells.shape == (min(rows, count), min(columns, max(1, longest)))
    assert grid.numbers[0] == 0
    assert grid.numbers[-1] == (count - 1 if rows > 1 else 0)
    words = list(trace.words())
    for number, cells in zip(grid.numbers.tolist(), grid.cells.tolist(), strict=True):
        shown = [chr(code) for code in cells if code != NOTHING]
        rest = iter(words[number])
        assert all(letter in rest for letter in shown)  # a subsequence of the word
        if len(cells) == longest:
            assert "".join(shown) == words[number]
    assert lengths(trace, 0, count).tolist() == [len(word) for word in words]


def test_part_of_a_trace_and_a_trace_of_the_last_steps():
    whole = GROW.trace("aaaé")
    words = list(whole.words())
    assert lengths(whole, 2, 5).tolist() == [len(word) for word in words[2:5]]
    tail = GROW.trace("aaaé", last=3)
    grid = rasterize(tail, tail.first, tail.steps + 1, 10, 30, "left")
    assert ["".join(chr(c) for c in row if c != NOTHING) for row in grid.cells.tolist()] == words[-4:]
    ax = drawn(whole, start=2, stop=5)
    assert ax.get_ylim() == (4.5, 1.5)


def test_letters_have_the_colours_of_the_rules_whatever_the_word():
    for word in ("ba", "aaab", "zba"):
        colours = Palette(SORT.trace(word), None).of([ord("a"), ord("b")])
        assert colours == Palette(SORT.trace("b"), None).of([ord("a"), ord("b")])
    many = RuleSet([(chr(97 + i), chr(97 + i).upper()) for i in range(20)])
    trace = many.trace("".join(chr(97 + i) for i in range(20)))
    colours = Palette(trace, None).of([ord(letter) for rule in many for letter in rule[:2]])
    assert len(set(colours.values())) == 15
    ax = drawn(trace)
    assert legend_of(ax)[-2:] == ["26 others", "replaced next"]
    assert len(legend_of(ax)) == 14 + 2


def test_colours_differ_for_the_colour_blind():
    """Under full loss of red, green or blue cones, neighbouring colours of the seven are apart in lightness or hue."""
    linear = np.array(list(Palette(RuleSet([("abcdefg", "")]).trace(""), None).of(list(b"abcdefg")).values()))
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    # Viénot, Brettel and Mollon, 1999: dichromats' view of linear RGB.
    for seen in (
        np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
        np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    ):
        view = np.clip(linear @ seen.T, 0, 1) ** (1 / 2.4)
        apart = np.linalg.norm(view[:, None] - view[None], axis=2) + np.eye(7) * 9
        assert apart.min() > 0.08


def test_colours_can_be_given():
    ax = drawn(SORT.trace("ba"), colors={"a": "#102030"})
    image = ax.images[0].get_array()
    assert image[0, 1].tolist() == [0x10, 0x20, 0x30, 255]
    assert image[0, 0].tolist() != image[0, 1].tolist()


def test_edits_are_framed_or_darkened():
    ax = drawn(SORT.trace("bba"))
    assert sum(len(found.get_paths()) for found in ax.collections) == 4  # two frames, white and black
    assert not drawn(SORT.trace("bba"), edits=False).collections
    trace = SORT.trace("b" * 20 + "a" * 20)
    small = drawn(trace)
    assert not small.collections
    with_edits, without = small.images[0].get_array(), drawn(trace, edits=False).images[0].get_array()
    differ = (with_edits != without).any(axis=2)
    grid = rasterize(trace, 0, len(trace) + 1, with_edits.shape[0], with_edits.shape[1], "left")
    for row, (low, high) in enumerate(grid.edits.tolist()):
        assert np.flatnonzero(differ[row]).tolist() == list(range(max(low, 0), max(high, 0)))


def test_labels_say_what_is_sampled():
    ax = drawn(SORT.trace("b" * 60 + "a" * 60))
    assert ax.get_ylabel() == f"step ({ax.images[0].get_array().shape[0]} of 3,601 words shown)"
    assert ax.get_xlabel() == "position"
    word = "ab" * 5000
    ax = drawn(RuleSet([("b", "a", True)]).trace(word), align="center")
    assert ax.get_xlabel() == f"letters, centred ({ax.images[0].get_array().shape[1]} of 10,000 shown)"
    assert ax.get_ylabel() == "step"


@pytest.mark.parametrize("word", ["$a_b^$", "\\frac", "\U0001f600\u4e00", "\x00\n", "_", " "])
def test_odd_letters_are_drawn_as_themselves(word, tmp_path):
    trace = RuleSet([(word[0], "x")]).trace(word, max_steps=3)
    trace.write_picture(tmp_path / "a.svg")
    trace.write_picture(tmp_path / "a.png")
    ax = drawn(trace)
    names = legend_of(ax)
    assert "x" in names
    for letter, name in (("$", "$"), ("_", "_"), ("\x00", "\\x00"), (" ", "space"), ("\u4e00", "U+4E00")):
        assert (name in names) == (letter in word)


def test_words_of_bytes_and_words_without_letters(tmp_path):
    assert legend_of(drawn(RuleSet([(b"\xff", b"a")]).trace(b"\xff"))) == ["\\xff", "a", "replaced next"]
    for trace in (RuleSet([]).trace(""), RuleSet([("a", "")]).trace("a"), RuleSet([("", "", True)]).trace("")):
        trace.write_picture(tmp_path / "empty.png")


def test_files_are_pictures_of_the_size_asked_and_always_the_same(tmp_path):
    trace = SORT.trace("bbaa")
    for name in ("a.png", "a.svg"):
        trace.write_picture(tmp_path / name, size=(400, 300))
        first = (tmp_path / name).read_bytes()
        with mpl.rc_context({"savefig.bbox": "tight", "font.size": 30}):
            trace.write_picture(tmp_path / name, size=(400, 300))
        assert (tmp_path / name).read_bytes() == first
    assert imread(tmp_path / "a.png").shape[:2] == (300, 400)
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("288pt", "216pt")
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["a.png", "a.svg"]


def test_the_picture_of_the_documentation_is_up_to_date(tmp_path):
    """`make docs/seeing.png` draws it; other versions of matplotlib may draw its labels a little differently."""
    rules = RuleSet([("|0", "0||"), ("1", "0|"), ("0", "")])
    rules.trace("1101").write_picture(tmp_path / "binary.png", align="center")
    drawn, stored = imread(tmp_path / "binary.png"), imread(DOCS / "seeing.png")
    assert np.abs(np.subtract(drawn.shape, stored.shape)).max() <= 2
    height, width = np.minimum(drawn.shape, stored.shape)[:2]
    assert np.abs(drawn[:height, :width] - stored[:height, :width]).mean() < 0.02


def test_pyplot_is_used_where_no_axes_are_given():
    from matplotlib import pyplot

    ax = SORT.trace("bbaa").plot()
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"align": "middle"}, ValueError, "align must be one of 'left', 'center', 'right', got 'middle'"),
        ({"start": -1}, ValueError, "words from 0 to 2"),
        ({"start": 2, "stop": 2}, ValueError, "words from 0 to 2"),
        ({"stop": 4}, ValueError, "words from 0 to 2"),
        ({"start": 0.5}, TypeError, "start must be an integer"),
        ({"colors": {"ab": "red"}}, ValueError, "one letter"),
        ({"colors": {b"a": "red"}}, ValueError, "one letter"),
        ({"colors": {"a": "reddish"}}, ValueError, "'reddish', given for 'a'"),
    ],
)
def test_bad_options_are_errors(options, error, message, tmp_path):
    trace = SORT.trace("bba")
    with pytest.raises(error, match=message):
        drawn(trace, **options)
    with pytest.raises(error, match=message):
        trace.write_picture(tmp_path / "a.png", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "size", "error"),
    [("a.pdf", None, ValueError), ("a", None, ValueError), ("a.png", (10, 300), ValueError), ("a.png", 300, TypeError),
     ("a.png", (300.0, 300), TypeError), ("a.png", (300, 20_000), ValueError)],
)  # fmt: skip
def test_bad_files_are_errors(name, size, error, tmp_path):
    with pytest.raises(error):
        SORT.trace("bba").write_picture(tmp_path / name, size=size)
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        SORT.trace("ba").write_picture(tmp_path / "none" / "a.png")
    assert caught.value.filename == str(tmp_path / "none" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match="not an ordinary file"):
        SORT.trace("ba").write_picture(tmp_path / "a.png")


@pytest.mark.slow
def test_a_million_steps_and_a_hundred_thousand_letters_take_little_memory():
    trace = SORT.trace("b" * 1000 + "a" * 1000)
    assert len(trace) == 1_000_000
    long = RuleSet([("ab", "ba")]).trace("ab" * 50_000, max_steps=20_000)
    for run in (trace, long):
        tracemalloc.start()
        out = io.BytesIO()
        figure = Figure(figsize=(8, 8))
        run.plot(figure.subplots())
        figure.savefig(out, format="png")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100e6


@pytest.mark.parametrize("word", ["", "a"])
def test_a_single_row_or_column_has_a_single_tick(word):
    ax = drawn(RuleSet([("b", "")]).trace(word))
    ax.figure.canvas.draw()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        labels = [label.get_text() for label in axis.get_ticklabels()]
        seen = [label for place, label in zip(axis.get_ticklocs(), labels, strict=True) if low <= place <= high]
        assert seen == ["0"]


def test_a_legend_has_room_for_letters_that_stand_late(tmp_path):
    trace = RuleSet([("z", "b")]).trace("x" * 3000 + "".join(map(chr, range(97, 123))))
    trace.write_picture(tmp_path / "late.png")
    assert (imread(tmp_path / "late.png")[-3:, :, :3] == 1).all()
