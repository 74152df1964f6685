"""Rule files: what each notation reads, writes and refuses, and where its errors point."""

import itertools
import json
import os
import pickle
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovlib.notations import NotationError, format, load_rules, names, parse

# Each notation's own letters, and what surrounds them.
SYNTAX = '"\\->.# \t\n\r\ufeff=→:nx{}0a\xa0é🙂'
TEXT_SIDES = st.one_of(st.text(st.sampled_from(SYNTAX)), st.text(st.characters(exclude_categories=("Cs",))))
BYTES_SIDES = st.one_of(
    TEXT_SIDES.map(str.encode),
    st.binary(),
    st.lists(st.sampled_from([b"\xef\xbb\xbf", b"\xc3", b"->"])).map(b"".join),
)


def mistake(source, name):
    """The error that a source makes, or None."""
    try:
        parse(source, name)
    except NotationError as error:
        return error
    return None


def refusal(rules, name, kind=None):
    """What `format` says against rules, or None."""
    try:
        format(rules, name, kind)
    except ValueError as error:
        return str(error)
    return None


def rule_sets(sides):
    return st.lists(st.tuples(sides, sides, st.booleans()), max_size=4)


def fault(source, name):
    with pytest.raises(NotationError) as caught:
        parse(source, name)
    error = caught.value
    assert str(error) == f"<string>:{error.line}:{error.column}: {error.message}"
    return error


# --- arrow: what it reads -----------------------------------------------------------------------------------

ARROW_RULES = {
    "a -> b": ("a", "b", False),
    "a->b": ("a", "b", False),
    "a ->. b": ("a", "b", True),
    "a->.b": ("a", "b", True),
    "->.r": ("", "r", True),
    "->r": ("", "r", False),
    "-> r": ("", "r", False),
    "->m": ("", "m", False),
    "->": ("", "", False),
    "a ->": ("a", "", False),
    "a ->.": ("a", "", True),
    '"" -> ""': ("", "", False),
    " \ta  \t->\t b \t": ("a", "b", False),
    "the shop -> my  brother": ("the shop", "my  brother", False),
    '"#" -> " #"': ("#", " #", False),
    '"a->b"->."->"': ("a->b", "->", True),
    '"."->"."': (".", ".", False),
    '". " ->. ".b"': (". ", ".b", True),
    ". -> b": (".", "b", False),
    "a- -> >b": ("a-", ">b", False),
    "- -> x": ("-", "x", False),
    "- > -> x": ("- >", "x", False),
    "a=>b -> →:": ("a=>b", "→:", False),
    r'"\n\t\r\\\"\x00" -> "\x7F\u{61}\u{1F642}"': ('\n\t\r\\"\0', "\x7fa🙂", False),
    "é -> 🙂": ("é", "🙂", False),
}


@pytest.mark.parametrize("source", ARROW_RULES)
def test_arrow_reads(source):
    pattern, replacement, terminal = ARROW_RULES[source]
    assert parse(source, "arrow") == [ARROW_RULES[source]]
    assert parse(source.encode(), "arrow") == [(pattern.encode(), replacement.encode(), terminal)]


@pytest.mark.parametrize(
    "comment", ["", " \t", "#", "##", "# a", "## a -> b", "  # a", "#no arrow", "#!x", "#\ta -> b"]
)
def test_arrow_skips(comment):
    assert parse(f"{comment}\na -> b\n{comment}", "arrow") == [("a", "b", False)]


ARROW_FAULTS = {
    "a => b": (3, "'=>' is not this notation's arrow: write '->'"),
    "a → b": (3, "'→' is not this notation's arrow: write '->'"),
    "a:b": (2, "':' is not this notation's arrow: write '->'"),
    "a::b": (2, "'::' is not this notation's arrow: write '->'"),
    "a - > b": (3, "'- >' is not this notation's arrow: write '->'"),
    "a b ": (4, "no arrow between pattern and replacement: write '->'"),
    "a -> b -> c": (8, "a second arrow: write a side that holds '->' in quotes"),
    'a -> "b" -> c': (10, "nothing may follow the quoted replacement"),
    'a -> "b" # c': (10, "a comment needs a line of its own"),
    '"a"b -> c': (4, "no arrow after the quoted pattern"),
    '"a"': (4, "no arrow after the quoted pattern"),
    'a"b -> c': (2, "a quote inside an unquoted side"),
    'a -> b"': (7, "a quote inside an unquoted side"),
    '"a -> b': (1, "never closed"),
    'a -> "b\\"': (6, "never closed"),
    'a -> "': (6, "never closed"),
    '"\\q" -> b': (2, "no such escape: the escapes are"),
    '"\\x4" -> b': (2, "no such escape"),
    '"\\u{}" -> b': (2, "no such escape"),
    '"\\u{1234567}" -> b': (2, "no such escape"),
    '"\\': (2, "no such escape"),
    '"a\\u{d800}" -> b': (3, "not a Unicode letter"),
    '"a\\u{110000}" -> b': (3, "not a Unicode letter"),
    "\\n -> b": (1, "escapes stand only inside quotes"),
    "a\tb -> c": (2, "an invisible letter: write the side in quotes and the letter as \\t"),
    '"a\tb" -> c': (3, "a control letter: write it as \\t"),
    "a -> b\x00": (7, "the letter as \\x00"),
    "a# -> b": (2, "'#' is a letter only inside quotes"),
    "a -> b # c": (8, "'#' is a letter only inside quotes"),
    " #a -> b": (2, "either a comment or a rule about the letter '#'"),
    "# -> b": (1, "either a comment or a rule about the letter '#'"),
    "##  ->. b": (1, "either a comment or a rule about the letter '#'"),
    "a -> .b": (6, "a dot before the replacement: write '->.' for a terminal rule"),
    "a ->..b": (6, "a dot before the replacement"),
    "a --> b": (3, "'-->' is not an arrow"),
    "a ->> b": (3, "'->>' is not an arrow"),
    "a -> b\rc -> d": (7, "a carriage return inside a line"),
    "# a\rc -> d": (4, "a carriage return inside a line"),
    "a -> b\r": (7, "a carriage return inside a line"),
}


@pytest.mark.parametrize("source", ARROW_FAULTS)
def test_arrow_faults(source):
    column, part = ARROW_FAULTS[source]
    for text in (source, source.encode()):
        error = fault(text, "arrow")
        assert (error.line, error.column) == (1, column)
        assert part in error.message


def test_a_fault_points_at_its_own_line():
    error = fault("\ufeff# a\r\n\r\né -> b\r\n  éé => b\r\n", "arrow")
    assert (error.path, error.line, error.column) == ("<string>", 4, 6)


def test_letters_that_only_look_like_blanks_are_refused_bare_and_read_quoted():
    error = fault("a\xa0-> b", "arrow")
    assert (error.column, "\\u{a0}" in error.message) == (2, True)
    assert parse('"a\xa0" -> b', "arrow") == [("a\xa0", "b", False)]
    assert parse("a\xa0-> b".encode(), "arrow") == [("a\xa0".encode(), b"b", False)]


def test_a_byte_escape_is_a_byte_and_never_a_letter_of_text():
    assert parse(rb'"\xff\xc3\xa9" -> "\x7f"', "arrow") == [(b"\xff\xc3\xa9", b"\x7f", False)]
    error = fault(r'"a\xe9" -> b', "arrow")
    assert (error.column, r"\u{e9}" in error.message) == (3, True)


def test_every_byte_from_0x80_is_an_ordinary_letter():
    for byte in range(0x80, 0x100):
        side = bytes([byte])
        for name in ("arrow", "rosetta"):
            assert parse(b"a" + side + b" -> " + side, name) == [(b"a" + side, side, False)]


# --- rosetta: what it reads ---------------------------------------------------------------------------------

ROSETTA_RULES = {
    "a -> b": ("a", "b", False),
    "a -> .b": ("a", "b", True),
    "a -> ..b": ("a", ".b", True),
    "a -> . b": ("a", " b", True),
    "a -> .": ("a", "", True),
    "_+_ -> ": ("_+_", "", False),
    "_+_ ->": ("_+_", "", False),
    "a \t->\t\tb": ("a", "b", False),
    " -> b": ("", "b", False),
    "-> -> b": ("->", "b", False),
    "a -> -> b": ("a", "-> b", False),
    "a->b -> c": ("a->b", "c", False),
    "a ->b -> c": ("a ->b", "c", False),
    "  a b  -> c d ": ("  a b", "c d ", False),
    "  # a -> b": ("  # a", "b", False),
    'a" -> \\n#': ('a"', "\\n#", False),
}


@pytest.mark.parametrize("source", ROSETTA_RULES)
def test_rosetta_reads(source):
    pattern, replacement, terminal = ROSETTA_RULES[source]
    assert parse(source, "rosetta") == [ROSETTA_RULES[source]]
    assert parse(source.encode(), "rosetta") == [(pattern.encode(), replacement.encode(), terminal)]


@pytest.mark.parametrize("comment", ["", " \t", "#", "#a -> b", "# -> b"])
def test_rosetta_skips(comment):
    assert parse(f"{comment}\r\na -> b\r\n{comment}", "rosetta") == [("a", "b", False)]


ROSETTA_FAULTS = {
    "a => b": (3, "'=>' is not this notation's arrow: write ' -> '"),
    "a b": (4, "no arrow"),
    "a->b": (2, "'->' needs a blank"),
    "a ->b": (3, "'->' needs a blank"),
    "-> b": (1, "'->' needs a blank"),
    "a ->. b": (3, "the dot of a terminal rule stands before the replacement: write ' -> .replacement'"),
    "  # a": (3, "a comment's '#' stands in the first column"),
    "a -> b\rc": (7, "a carriage return"),
}


@pytest.mark.parametrize("source", ROSETTA_FAULTS)
def test_rosetta_faults(source):
    column, part = ROSETTA_FAULTS[source]
    error = fault(source, "rosetta")
    assert (error.line, error.column) == (1, column)
    assert part in error.message


ROSETTA_REFUSALS = {
    ("a\nb", "c", False): "the pattern holds a line end",
    ("a", "c\r", True): "the replacement holds a line end",
    ("#a", "b", False): "the pattern begins with '#'",
    ("a ", "b", False): "the pattern ends with a blank",
    ("a\t", "b", False): "the pattern ends with a blank",
    (" ", "b", False): "the pattern ends with a blank",
    ("a -> b", "c", False): "the pattern holds '->' after a blank",
    ("a\t->", "c", False): "the pattern holds '->' after a blank",
    ("a", ".b", False): "the replacement begins with '.'",
    ("a", " b", False): "the replacement begins with a blank",
}


@pytest.mark.parametrize("rule", ROSETTA_REFUSALS)
def test_rosetta_refuses_to_write_what_it_would_read_differently(rule):
    with pytest.raises(ValueError, match=rf"^rule 2: {re.escape(ROSETTA_REFUSALS[rule])}.*arrow"):
        format([("a", "b", False), rule], "rosetta")


# --- round trips --------------------------------------------------------------------------------------------


@given(rule_sets(TEXT_SIDES) | rule_sets(BYTES_SIDES), st.booleans())
def test_arrow_writes_and_reads_every_rule_set(rules, crlf):
    kind = "bytes" if rules and isinstance(rules[0][0], bytes) else "text"
    source = format(rules, "arrow", kind)
    if crlf:
        source = source.replace("\n", "\r\n") if kind == "text" else source.replace(b"\n", b"\r\n")
    assert parse(source, "arrow") == rules


@given(rule_sets(TEXT_SIDES))
def test_the_same_rules_make_the_same_file_as_text_and_as_bytes(rules):
    as_bytes = [(p.encode(), r.encode(), terminal) for p, r, terminal in rules]
    assert format(as_bytes, "arrow") in (format(rules, "arrow").encode(), b"", "")
    assert parse(format(rules, "arrow").encode(), "arrow") == as_bytes


def test_arrow_writes_only_ascii_and_whole_utf8_for_any_bytes():
    rules = [(bytes(range(256)), "é".encode(), False)]
    written = format(rules, "arrow")
    assert parse(written, "arrow") == rules
    assert "é" in written.decode()


@given(rule_sets(TEXT_SIDES) | rule_sets(BYTES_SIDES))
def test_rosetta_reads_back_what_it_does_not_refuse(rules):
    kind = "bytes" if rules and isinstance(rules[0][0], bytes) else "text"
    if (reason := refusal(rules, "rosetta", kind)) is not None:
        assert re.match(r"rule [1-4]: the (pattern|replacement) ", reason)
        return
    assert parse(format(rules, "rosetta", kind), "rosetta") == rules


@given(st.text(st.sampled_from(SYNTAX), max_size=30), st.sampled_from(names()))
def test_what_is_read_can_be_written_and_read_again(source, name):
    error = mistake(source, name)
    if error is not None:
        line = source.removeprefix("\ufeff").split("\n")[error.line - 1]
        assert 1 <= error.column <= len(line) + 1
        return
    rules = parse(source, name)
    written = format(rules, name)
    assert parse(written, name) == rules
    assert format(parse(written, name), name) == written


@pytest.mark.parametrize("name", names())
def test_a_byte_order_mark_may_be_a_letter(name):
    """The first of the file is none."""
    for rules in ([("\ufeff", "", False)], [("\ufeffa", "b", False), ("\ufeff", "a", False)]):
        if refusal(rules, name) is None:
            assert parse(format(rules, name), name) == rules


def test_a_letter_that_only_a_blank_keeps_from_being_the_mark_is_written():
    assert parse(format(parse(" \ufeff=", "a2b"), "a2b"), "a2b") == [("\ufeff", "", False)]


def small_words(letters, length):
    return ["".join(w) for n in range(length + 1) for w in itertools.product(letters, repeat=n)]


@pytest.mark.parametrize("letters", ['"\\#a', "->. ", '->"a', "#- >", ".# \t", "a\r\n "])
def test_arrow_round_trip_in_small_scope(letters):
    sides = small_words(letters, 3)
    rules = [(p, r, terminal) for p in sides for r in sides for terminal in (False, True)]
    assert parse(format(rules, "arrow"), "arrow") == rules


@pytest.mark.parametrize("letters", ["-> ", ".# a", ">-\t", "\r\n#a", "->."])
def test_rosetta_writes_exactly_what_its_grammar_can_say(letters):
    """A rule is refused exactly when no line at all, of those that could spell it, reads as that rule."""
    sides = small_words(letters, 3)
    for p, r, terminal in itertools.product(sides, sides, (False, True)):
        spelled = f"{p} -> {'.' if terminal else ''}{r}"
        sayable = mistake(spelled, "rosetta") is None and parse(spelled, "rosetta") == [(p, r, terminal)]
        assert (refusal([(p, r, terminal)], "rosetta") is None) == sayable, (p, r, terminal)
        assert not sayable or parse(format([(p, r, terminal)], "rosetta"), "rosetta") == [(p, r, terminal)]


# --- kinds and names ----------------------------------------------------------------------------------------


def test_an_empty_rule_set_is_written_as_the_kind_asked_for():
    assert (format([], "arrow"), format([], "rosetta", "text"), format([], "arrow", kind="bytes")) == (
        "",
        "",
        b"",
    )
    assert (parse("", "arrow"), parse(b"", "rosetta")) == ([], [])


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        ([("a", b"b", False)], None),
        ([("a", "b", False), (b"a", b"b", False)], None),
        ([("a", "b", False)], "bytes"),
        ([(b"a", b"b", False)], "text"),
        ([(1, "b", False)], None),
    ],
)
def test_mixed_kinds_are_type_errors(rules, kind):
    with pytest.raises(TypeError, match=r"^rule \d: a side is \w+, in a rule set of kind"):
        format(rules, "arrow", kind)


def test_a_source_is_str_or_bytes():
    with pytest.raises(TypeError, match="str or bytes, not bytearray"):
        parse(bytearray(b"a -> b"), "arrow")


def test_lone_surrogates_are_refused_where_they_stand():
    error = fault("\ufeffa -> b\né\ud800 -> b", "arrow")
    assert (error.line, error.column) == (2, 2)
    assert "U+D800" in error.message
    with pytest.raises(ValueError, match=r"^rule 2: a lone surrogate, U\+DC80"):
        format([("a", "b", False), ("a", "\udc80", False)], "arrow")


@pytest.mark.parametrize("call", [lambda: parse("", "post"), lambda: format([], "post")])
def test_an_unknown_notation_lists_the_known_ones(call):
    with pytest.raises(ValueError, match="unknown notation 'post': choose one of a2b, "):
        call()


def test_the_error_survives_pickling():
    error = pickle.loads(pickle.dumps(NotationError("f", 3, 4, "m")))
    assert (str(error), error.path, error.line, error.column, error.message) == ("f:3:4: m", "f", 3, 4, "m")


# --- files --------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_the_notation_comes_from_the_argument_the_first_line_or_the_ending(file):
    terminal, dotted = [("a", "b", True)], b"a -> .b"
    assert load_rules(file("x.txt", dotted), "rosetta") == terminal
    assert load_rules(file("x.rosetta", dotted)) == terminal
    assert load_rules(file("x.markov", b"a ->. b")) == terminal
    assert load_rules(file("x.txt", b"\xef\xbb\xbf#notation:\trosetta \r\n" + dotted)) == terminal
    assert load_rules(file("x.markov", b"# notation: arrow\na ->. b")) == terminal
    assert load_rules(str(file("y.markov", b"a ->. b")), kind="bytes") == [(b"a", b"b", True)]


def test_the_argument_overrules_the_file(file):
    path = file("x.markov", b"# notation: arrow\na -> .b")
    assert load_rules(path, notation="rosetta") == [("a", "b", True)]


@pytest.mark.parametrize(
    ("name", "data", "column", "part"),
    [
        (
            "x.txt",
            b"a -> b",
            1,
            "nothing says which notation this is: begin it with '# notation: NAME' (one of a2b, alphabet-line, ",
        ),
        ("x.txt", b"# notation: see below\na -> b", 1, "nothing says which notation"),
        ("x.txt", b"# notation: post\na -> b", 13, "unknown notation 'post': choose one of a2b, "),
        ("x.txt", b"# notation: mao alphabet=ab\na:b", 13, "notation 'mao' has no option 'alphabet=ab' here"),
        ("x.txt", b"# notation: marthue hash=yes\na->b", 13, "option 'hash' of notation 'marthue' is one of "),
        ("x.txt", b"# notation: mao encoding=utf-7\na:b", 13, "unknown encoding 'utf-7': choose one of utf-8, "),
        ("x.markov", b"# notation: rosetta\na -> b", 1, "the first line says notation 'rosetta'"),
    ],
)
def test_a_notation_is_never_guessed(file, name, data, column, part):
    path = file(name, data)
    with pytest.raises(NotationError) as caught:
        load_rules(path)
    assert str(caught.value).startswith(f"{path}:1:{column}: {part}")


def test_bytes_that_are_not_utf8_are_named_where_they_stand(file):
    path = file("x.markov", "\ufeff# é\néé ".encode() + b"\xff -> b")
    with pytest.raises(NotationError) as caught:
        load_rules(path)
    assert str(caught.value).startswith(f"{path}:2:4: byte 0xff is not UTF-8: save the file as UTF-8")
    assert str(caught.value).endswith(", or read it as bytes (kind='bytes')")
    assert load_rules(path, kind="bytes") == [("éé ".encode() + b"\xff", b"b", False)]


def test_reading_as_bytes_is_not_advised_where_an_encoding_is_stated(file):
    path = file("x.markov", b"# notation: arrow encoding=cp1251\na -> \x98")
    for kind in ("text", "bytes"):
        with pytest.raises(NotationError, match=":2:6: byte 0x98 is not CP1251: state the encoding") as caught:
            load_rules(path, kind=kind)
        assert caught.value.argument is None


def test_an_error_names_the_argument_that_would_help_and_pickles(file):
    path = file("x.txt", b"a -> \xff")
    for argument, options in (("notation", {}), ("kind", {"notation": "arrow"}), ("max_bytes", {"max_bytes": 3})):
        with pytest.raises(NotationError) as caught:
            load_rules(path, **options)
        error = pickle.loads(pickle.dumps(caught.value))
        assert (error.argument, str(error)) == (argument, str(caught.value))
        assert error.sentence({argument: "do this"}).endswith("do this")


def test_a_byte_order_mark_is_not_a_letter(file):
    for data in (b"\xef\xbb\xbfa -> b", b"\xef\xbb\xbf\r\na -> b\r\n"):
        assert load_rules(file("x.rosetta", data)) == [("a", "b", False)]
        assert load_rules(file("x.markov", data), kind="bytes") == [(b"a", b"b", False)]


def test_a_large_file_is_refused_unless_allowed(file):
    path = file("x.markov", b"a -> bb\n")
    with pytest.raises(NotationError, match=r":1:1: the file has 8 bytes, more than the limit of 7: raise max_bytes"):
        load_rules(path, max_bytes=7)
    for allowed in (8, None):
        assert load_rules(path, max_bytes=allowed) == [("a", "bb", False)]


def test_a_pipe_is_limited_too(tmp_path):
    path = tmp_path / "pipe.markov"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a -> b\n",))
    writer.start()
    with pytest.raises(NotationError, match="the file has more than the limit of 6"):
        load_rules(path, max_bytes=6)
    writer.join()


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_rules(tmp_path / "none.markov")


def test_an_unknown_kind_is_refused(file):
    with pytest.raises(ValueError, match="unknown kind 'str'"):
        load_rules(file("x.markov", b""), kind="str")


def test_rosetta_codes_rule_sets_read_as_in_the_corpus(corpus):
    cases = [json.loads(line) for line in (corpus / "programs.jsonl").read_text("utf-8").splitlines()]
    for number in range(1, 6):
        want = [case["rules"] for case in cases if case["name"].startswith(f"rosetta-{number}#")]
        rules = load_rules(corpus / "raw" / "rosetta" / f"ruleset{number}.txt", "rosetta")
        assert want
        assert all([tuple(rule) for rule in rules_] == rules for rules_ in want)
        assert parse(format(rules, "rosetta"), "rosetta") == rules


def test_every_program_of_the_corpus_survives_arrow(corpus):
    for line in (corpus / "programs.jsonl").read_text("utf-8").splitlines():
        rules = [tuple(rule) for rule in json.loads(line)["rules"]]
        assert parse(format(rules, "arrow"), "arrow") == rules


# --- hostile files, documentation ---------------------------------------------------------------------------

HOSTILE = {
    "blanks": lambda n: " " * n,
    "blanks, then a letter": lambda n: " " * n + "a",
    "comments": lambda n: "#" * n + " " * n + "->",
    "tight arrows": lambda n: "a->" * n,
    "half arrows": lambda n: " -" * n,
    "spaced arrows": lambda n: " ->" * n,
    "escapes": lambda n: '"' + "\\n" * n,
    "quotes": lambda n: '"' * n,
    "faulty last line": lambda n: "a -> b\n" * (n // 10) + "a",
    "variables": lambda n: "for " + ",".join(chr(0x4E00 + i % 20_000) for i in range(n // 4)) + " in V",
    "classes": lambda n: "{A=a}" * (n // 5) + ">b",
    "colons": lambda n: "\\:" * n,
    "deep": lambda n: '{"a":' * n,
    "digits": lambda n: "[" + "1" * n + "]",
    "line ends": lambda n: "\r\n" * (n // 10) + "\r",
}


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_files_are_read_in_linear_time(shape, name):
    """A quadratic reader would need minutes for these; a linear one needs less than a second."""
    source = HOSTILE[shape](250_000 if name in ("arrow", "rosetta") else 50_000)
    start = time.process_time()
    error = mistake(source.encode(), name)  # decoded, and then read as text is
    assert error is None or len(str(error)) < 300
    assert time.process_time() - start < 15
