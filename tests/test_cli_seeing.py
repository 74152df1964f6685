"""`markovlib trace` that writes files, and what it refuses."""

from __future__ import annotations

import json
import sys

import pytest
from test_cli_rules import run

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "sort.markov"
    path.write_text("ba -> ab\n")
    return path


def test_a_page_and_a_picture_are_written_and_nothing_is_printed(rules, tmp_path):
    page, picture = tmp_path / "run.html", tmp_path / "run.png"
    result = run("trace", rules, "bba", "--html", page, "--picture", picture)
    assert result.stdout == ""
    assert result.stderr == "".join(
        f"{path}: {path.stat().st_size:,} bytes; halted after 2 steps: no rule applies\n" for path in (page, picture)
    )
    assert "DecompressionStream" in page.read_text("utf-8")
    assert picture.read_bytes().startswith(PNG)
    run("trace", rules, "bba", "--picture", tmp_path / "run.SVG")
    assert b"<svg" in (tmp_path / "run.SVG").read_bytes()


def test_a_page_may_be_printed(rules, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("trace", rules, "bba", "--html", "a.html")
    result = run("trace", rules, "bba", "--html", "-")
    assert result.stdout == (tmp_path / "a.html").read_text("utf-8")
    assert result.stderr == f"<stdout>: {len(result.stdout.encode()):,} bytes; halted after 2 steps: no rule applies\n"
    assert not (tmp_path / "-").exists()


def test_json_is_printed_beside_the_file(rules, tmp_path):
    plain = run("trace", rules, "bba", "--json").stdout
    assert run("trace", rules, "bba", "--json", "--html", tmp_path / "a.html").stdout == plain
    assert json.loads(plain.splitlines()[-1])["steps"] == 2


def test_options_of_the_run_are_kept(rules, tmp_path):
    page = tmp_path / "a.html"
    stopped = run("trace", rules, "bba", "--max-steps", 1, "--html", page, code=1)
    assert "the step limit after 1 step (--max-steps raises it)" in stopped.stderr
    run("trace", rules, "bbbaaa", "--last", 2, "--html", page)
    assert '"first":7' in page.read_text("utf-8")


def test_words_may_come_from_standard_input(rules, tmp_path):
    from test_cli_rules import piped

    page = tmp_path / "a.html"
    done = piped(b"bba\n", "trace", rules, "--html", page)
    assert (done.returncode, done.stdout, page.exists()) == (0, b"", True)
    done = piped(b"bba\nba\n", "trace", rules, "--html", page)
    assert done.returncode == 2
    assert b"--html shows the run of one word; several were given" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["bba", "ba", "--html", "a.html"], "--html shows the run of one word; several were given"),
        (["bba", "--picture", "a.gif"], "a.gif: a picture's name ends in .png or .svg"),
        (["bba", "--html", "none/a.html"], "none/a.html: there is no such folder"),
        (["bba", "--picture", "none/a.png"], "none/a.png: there is no such folder"),
        (["bba", "--html", "a.html", "--first", "3"], "--first is about what is printed, and --html prints nothing"),
        (["bba", "--picture", "a.png", "--width", "30"], "--width is about what is printed, and --picture prints"),
        (["bba", "--html", "."], "File '.' is a directory"),
        (["bba", "--html", "-", "--json"], "--html -: --json prints on standard output too; name a file"),
        (["bba", "--picture", "-"], "- is standard input or output, and no picture; one of that name is ./-"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(rules, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = run("trace", rules, *options, code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["sort.markov"]


def test_a_missing_extra_is_named_before_the_run(rules, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("trace", rules, "bba", "--picture", tmp_path / "a.png", code=2)
    assert (
        result.stderr
        == "markovlib: error: pictures need matplotlib: pip install '.[plots]' in the clone of markovlib\n"
    )
