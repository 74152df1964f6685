"""The page of a trace, as a file: complete, compact, and safe whatever the words hold."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib import RuleSet
from markovlib.seeing import page as pages
from markovlib.seeing.page import content

SORT = RuleSet([("ba", "ab")])
HOSTILE = "</script><script>document.title='owned'</script><!--<script>{{data}}\u2028&lt;"


class Page(HTMLParser):
    """The elements of a page by their ids, the scripts' and styles' texts, and everything that refers elsewhere."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.inside: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.inside.append((tag, dict(attrs)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag):
        while self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self.inside and self.inside[-1][0] in self.texts:
            self.texts[self.inside[-1][0]][-1] += data


def replayed(found):
    """The words that a page's data stands for."""

    def numbers(packed):
        return np.frombuffer(zlib.decompress(b64decode(packed["data"])), f"<{packed['type']}").tolist()

    rules = [(b64decode(pattern), b64decode(replacement)) for pattern, replacement, _ in found["rules"]]
    data, known = zlib.decompress(b64decode(found["words"]["data"])), {}
    for at, length in zip(found["words"]["at"], found["words"]["lengths"], strict=True):
        known[at], data = data[:length], data[length:]
    assert not data
    words, position = [known[0]], 0
    for rule, difference in zip(numbers(found["rule"]), numbers(found["position"]), strict=True):
        position += difference
        pattern, replacement = rules[rule]
        assert words[-1][position : position + len(pattern)] == pattern
        words.append(words[-1][:position] + replacement + words[-1][position + len(pattern) :])
    assert all(words[at] == word for at, word in known.items())
    assert len(words) - 1 in known
    return words


@given(st.text("ab<é\x00", max_size=9) | st.binary(max_size=9), st.none() | st.integers(1, 9))
def test_the_data_replay_to_the_words(word, last):
    text = [("ba", "ab"), ("<", "é\x00b"), ("é", ""), ("", "a", True)]
    binary = [(a.encode(), b.encode(), *more) for a, b, *more in text]
    trace = RuleSet(text if isinstance(word, str) else binary).trace(word, max_steps=25, last=last)
    found = content(trace)
    words = [w.encode() if isinstance(w, str) else w for w in trace.words()]
    assert replayed(json.loads(json.dumps(found))) == words
    assert found["first"] == trace.first
    assert found["text"] == isinstance(word, str)


def test_many_rules_long_words_and_no_steps():
    many = RuleSet([(f"<{i}>", f"{i + 1}" if i % 2 else "") for i in range(70_000)])
    trace = many.trace("a" * 70_000 + "<69999><300>")
    found = content(trace)
    assert (found["rule"]["type"], found["position"]["type"]) == ("u4", "i4")
    assert replayed(found)[-1].decode() == trace.word
    assert replayed(content(RuleSet([]).trace("a"))) == [b"a"]


def test_words_between_are_at_equal_distances_and_few():
    trace = SORT.trace("b" * 150 + "a" * 150)
    at = content(trace)["words"]["at"]
    assert at == [*range(0, 22_500, 4096), 22_500]
    long = RuleSet([("a", "b")]).trace("a" * 20_000)
    lengths = content(long)["words"]["lengths"]
    assert sum(lengths[1:-1]) <= 2**20


def test_the_page_is_complete_and_loads_nothing():
    source = SORT.trace("bbaa").html()
    page = Page(source)
    assert "{{" not in re.sub(r"<script.*?</script>", "", source, flags=re.DOTALL)
    assert len(page.ids) == len(set(page.ids))
    script = page.texts["script"][1]
    used = set(re.findall(r'\$\("(\w+)"\)', script))
    assert used - set(page.ids) == set()
    assert not [found for found in page.attributes if found[1] in ("src", "href", "style", "action", "srcset")]
    assert not [found for found in page.attributes if found[1].startswith("on")]
    assert not re.search(r"@import|url\(|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", source)
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and name == "content")
    for part in (script, page.texts["style"][0]):
        assert b64encode(sha256(part.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none';")


def test_hostile_words_and_titles_stay_data():
    trace = RuleSet([(HOSTILE, HOSTILE + "x")]).trace(HOSTILE, max_steps=2)
    page = Page(trace.html(HOSTILE))
    assert len(page.texts["script"]) == 2
    assert page.texts["title"] == [HOSTILE]
    assert replayed(json.loads(page.texts["script"][0]))[0].decode() == HOSTILE
    assert "<" not in page.texts["script"][0]


def test_a_million_steps_make_a_small_page():
    trace = SORT.trace("b" * 1000 + "a" * 1000)
    assert len(trace) == 1_000_000
    assert len(trace.html()) < 200_000


def test_what_a_page_cannot_hold_is_an_error(monkeypatch):
    monkeypatch.setattr(pages, "MOST_STEPS", 3)
    with pytest.raises(ValueError, match="at most 3 steps, and this trace has 4: trace with last=3"):
        SORT.trace("bbaa").html()
    assert SORT.trace("bbaa", last=3).html()
    monkeypatch.setattr(pages, "MOST_LETTERS", 3)
    with pytest.raises(ValueError, match="at most 3 bytes, and one of this run has 4"):
        SORT.trace("bbaa", last=3).html()
    with pytest.raises(TypeError, match="title must be a str"):
        SORT.trace("ba").html(3)


def test_the_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "run.html"
    trace = SORT.trace("bbaa")
    trace.write_html(path, "Sorting")
    assert path.read_text("utf-8") == trace.html("Sorting")
    with pytest.raises(FileNotFoundError) as caught:
        trace.write_html(tmp_path / "none" / "run.html")
    assert caught.value.filename == str(tmp_path / "none" / "run.html")
    link = tmp_path / "link.html"
    link.symlink_to(path)
    SORT.trace("ba").write_html(link)
    assert link.is_symlink()
    assert path.read_text("utf-8") == SORT.trace("ba").html()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.html", "run.html"]
    with pytest.raises(OSError, match="/dev/null: is not an ordinary file"):
        trace.write_html("/dev/null")
