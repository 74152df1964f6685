"""The notations of other tools: what each reads, the traps among them, and that all can read what they write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from effort import tries
from hypothesis import example, given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib.notations import NotationError, convert, detect, format, input_words, load_rules, names, parse
from markovlib.notations.schemes import MAX_EXPANDED_RULES

A_TO_B = [("a", "b", False)]

# One line of each notation that looks like another's, and what it means: a rule, or what its error says.
TRAPS = {
    # '#' is a comment here and a letter there.
    ("# -> b", "rosetta"): [],
    ("# -> b", "arrow"): "either a comment or a rule about the letter '#'",
    ("# a -> b", "arrow"): [],
    ("#a -> b", "arrow"): "either a comment or a rule about the letter '#'",
    ("# -> b", "eps"): [("#", "b", False)],
    ("#a->b", "tight"): [("#a", "b", False)],
    ("#a:b", "mao"): [("#a", "b", False)],
    ("#a:b", "mao-comments"): [],
    ("a#:b", "mao-comments"): "state the option hash=letter or hash=comment",
    ("a#:b", "mao-comments hash=letter"): [("a#", "b", False)],
    ("#a->b", "marthue"): "state the option hash=letter or hash=comment",
    ("#a->b", "marthue hash=letter"): [("#a", "b", False)],
    ("#a->b", "marthue hash=comment"): [],
    ("# no arrow", "marthue"): [],
    ("*# -> b //x", "yad"): [("*#", "b", False)],
    ("# -> b", "yad"): "state the option hash=letter or hash=comment",
    ("a -> b#c", "hash-anywhere"): A_TO_B,
    # '=>' is terminal here and ordinary there, and no arrow in other notations.
    ("a => b", "turingmarkov"): [("a", "b", True)],
    ("a => b", "hash-anywhere"): [("a", "b", True)],
    ("a => b", "substitution"): A_TO_B,
    ("a => b", "arrow"): "'=>' is not this notation's arrow",
    ("a => b", "rosetta"): "'=>' is not this notation's arrow",
    ("a => b", "eps"): "'=>' is not this notation's arrow",
    ("a => b -> c", "turingmarkov"): "a second arrow",
    # '-> .r' and '->. r' are the same once blanks are gone.
    ("a -> .b", "rosetta"): [("a", "b", True)],
    ("a ->. b", "rosetta"): "the dot of a terminal rule stands before the replacement",
    ("a -> .b", "arrow"): "a dot before the replacement",
    ("a ->. b", "arrow"): [("a", "b", True)],
    ("a -> .b", "eps"): "a dot before the replacement",
    ("a ->. b", "eps"): [("a", "b", True)],
    ("a -> .b", "alphabet-line"): "this notation has no terminal rules",
    ("a -> .b", "dot-packed"): [("a", "b", True)],
    ("a -> b.", "dot-last"): [("a", "b", True)],
    ("a -> b.", "eps"): [("a", "b.", False)],
    ("a -> b.", "dot-alone"): "only where it is the whole replacement",
    ("a>.b", "greater"): [("a", "b", True)],
    ("a>b.c.", "greater"): "a second dot",
    # Blanks are letters, trimmed, removed or refused.
    ("a b:c d ", "mao"): [("a b", "c d ", False)],
    ("a b:c d ", "colon-trimmed"): [("a b", "c d", False)],
    ("a b:c d ", "colon-packed"): [("ab", "cd", False)],
    ("a b -> c", "eps"): [("a b", "c", False)],
    ("a b -> c", "turingmarkov"): [("ab", "c", False)],
    ("a b -> c", "tight"): "a blank inside a side",
    ("a b -> c", "rosetta"): [("a b", "c", False)],
    # '->m' may mean the pattern '-'.
    ("->m", "arrow"): [("", "m", False)],
    ("->m", "tight"): [("", "m", False)],
    ("->m", "greater"): [("-", "m", False)],
    ("->m", "semicolon"): [("-", "m", False)],
    ("->m", "rosetta"): "'->' needs a blank",
    ("->m", "mao"): "'->' is not this notation's arrow",
    # The empty word.
    ("_ -> b", "dot-last"): [("", "b", False)],
    ("_ -> b", "eps"): [("_", "b", False)],
    ("_ -> b", "dot-packed"): [("", "b", False)],
    ("_ b", "columns"): [(" ", "b", False)],
    ("_ b", "columns underscore=empty"): [("", "b", False)],
    ("$ -> b", "yad"): [("", "b", False)],
    ("^ , b", "faraui"): [("", "b", False)],
    ("eps -> b", "eps-words"): [("", "b", False)],
    ("-> b", "eps-words"): "an empty side",
    ("0 -> b", "logicians"): [("", "b", False)],
    ("d->//", "slashes"): [("d", "", False)],
    ("d->//", "marthue"): [("d", "//", False)],
    (r"\0-a-0", "flags"): [("", "a", False)],
    # Escapes, fields, keywords, streams.
    (r"::a\:b\\c\n", "mao-escapes"): [("", "a:b\\c\n", True)],
    (r"::a\:b", "mao"): "a second arrow",
    (r"a:\q", "mao-escapes"): "no such escape",
    ("a;b;final", "markalgo"): [("a", "b", True)],
    ("a;b;yes", "markalgo"): "the last field is",
    ("a-b-2", "flags"): "the last field is",
    ("a=(return)b", "a2b"): "the keyword (return)",
    ("#::=a", "thue"): [],
    ("a::=~b", "thue"): "prints",
    ("a::=:::", "thue"): "reads a line of input",
    ("^a>b", "classes"): "the anchor '^'",
    ("{N=12}a>b{N}.", "classes"): [("1a", "b1", True), ("2a", "b2", True)],
    ("{N=0-9}>{N+1}", "classes"): "is computed",
    ("{N=9-0}>b", "classes"): "the range 9-0 is empty",
    ("xa -> ax | x:bbc", "logicians"): [("ba", "ab", False), ("ca", "ac", False)],
    ("xa -> ax | x:bc", "logicians"): [("ba", "ab", False), ("ca", "ac", False)],
    ("for x in V\nxa -> ax", "schemes alphabet=bc"): [("ba", "ab", False), ("ca", "ac", False)],
    ("for x in V\nxa -> ax", "schemes"): "the file does not say which letters V has",
    ("for x in V\na -> x", "schemes alphabet=bc"): "is not in the pattern",
    ("A not in V", "schemes alphabet=A"): "the file says 'A' is not in the alphabet",
    ("for x in bc\nxa -> ax", "arrow-schemes"): [("ba", "ab", False), ("ca", "ac", False)],
    ('for x, y in a-b\n"#x" ->. y', "arrow-schemes"): "variable 'y' is not in the pattern",
    ('a -> x\nfor x in "# "\nx -> ""', "arrow-schemes"): [("a", "x", False), ("#", "", False), (" ", "", False)],
    ("for x in a\nfor x in b\nx -> x", "arrow-schemes"): [("b", "b", False)],
    ("for a -> b", "arrow-schemes"): "no ' in ' after the variables",
    ("for a in b -> c", "arrow-schemes"): "quote a pattern that begins with 'for '",
    ('"for a in b" -> c', "arrow-schemes"): [("for a in b", "c", False)],
    ("for a -> b", "arrow"): [("for a", "b", False)],
    ("forx -> b", "arrow-schemes"): [("forx", "b", False)],
    ("for x, x in ab", "arrow-schemes"): "'x' is not one letter, named once",
    ("for x y in ab", "arrow-schemes"): "'x y' is not one letter",
    ('for x in ""', "arrow-schemes"): "no letters",
    ('for x in "a" b', "arrow-schemes"): "nothing may follow the quoted letters",
    ("for x in b-a", "arrow-schemes"): "the range b-a is empty",
    ("for x in #", "arrow-schemes"): "'#' is a letter only inside quotes",
    ("{\na -> b;\n}\n{\n}", "braces"): "a second system in one file",
    ("{\na -> b;\n}\n{\n}", "braces system=1"): A_TO_B,
    ("{\na -> b;\n", "braces"): "the file ends inside a system",
    ("a -> b\nb -> c\n", "two-alphabets"): "the first two lines are the alphabets",
    ("a -> b\n", "input-first"): "the first line is the input word",
    ("1 2", "knuth"): "no state beside the word",
    ("a/b", "pipeline"): "a list of rule files",
    ('{"rules": ["a -> b"], "rules": []}', "json-strings"): "names a member twice",
    ('{"rules": [1]}', "json-strings"): "$.rules[0] is not a string",
    ('{"rules": {"sample": ["a"], "substitution": []}}', "json-samples"): "1 samples and 0 substitutions",
    ('{"rule": [{"src": "a"}]}', "json-pairs"): "$.rule[0] has no member 'dst'",
    ('{"rule": [\n}', "json-pairs"): "not JSON",
    ('{"rule": [{"src": "\\ud800", "dst": ""}]}', "json-pairs"): "a lone surrogate",
}


@pytest.mark.parametrize(("source", "notation"), TRAPS)
def test_traps(source, notation):
    wanted = TRAPS[source, notation]
    if isinstance(wanted, list):
        assert parse(source, notation) == wanted
        assert parse(source.encode(), notation) == [(p.encode(), r.encode(), t) for p, r, t in wanted]
    else:
        with pytest.raises(NotationError) as caught:
            parse(source, notation)
        assert wanted in caught.value.message
        assert 1 <= caught.value.line <= source.count("\n") + 1
        assert 1 <= caught.value.column <= max(len(line) for line in source.split("\n")) + 1


@pytest.mark.parametrize("marked", ["# notation: dot-last\na -> b.", b"\xef\xbb\xbf# notation: dot-last\r\na -> b."])
def test_a_marker_of_another_notation_is_refused(marked, tmp_path):
    for read in (mk.RuleSet.parse, lambda source: parse(source, "arrow"), lambda source: input_words(source, "arrow")):
        with pytest.raises(NotationError, match=r"^<string>:1:1: .* 'dot-last', but it is read in 'arrow': pass notat"):
            read(marked)
    assert mk.RuleSet.parse(marked, "dot-last")[0].terminal
    path = tmp_path / "marked"
    path.write_bytes(marked if isinstance(marked, bytes) else marked.encode())
    assert mk.RuleSet.load(path)[0].terminal
    assert not mk.RuleSet.load(path, notation="arrow")[0].terminal
    assert detect("# notation: dot-last\na -> b.").notation == "dot-last"


@pytest.mark.parametrize(
    ("notation", "source", "column"),
    [("arrow-schemes", b'for x in "%s"\nx -> ax', 10), ("classes", b"{N=%s}>a{N}", 4)],
)
def test_ranges_of_bytes(notation, source, column):
    def sides(values):
        return [(pattern, replacement[1:]) for pattern, replacement, _ in parse(source % values, notation)]

    assert sides(b"\x80-\x83") == [(bytes([byte]),) * 2 for byte in range(0x80, 0x84)]
    assert sides(b"\xff\xfe-\xff") == [(b"\xff",) * 2, (b"\xfe",) * 2]
    wrong = {b"x-\x80": r"the range x-\x80 goes from a character to a byte", b"\x80-\xc3\xa9": "goes from a character",
             b"\x83-\x80": r"the range \x83-\x80 is empty"}  # fmt: skip
    for values, message in wrong.items():
        with pytest.raises(NotationError) as caught:
            parse(source % values, notation)
        assert message in caught.value.message
        assert (caught.value.line, caught.value.column) == (1, column)


def test_every_notation_has_a_trap_and_a_line_about_it():
    tried = {notation.split()[0] for _, notation in TRAPS}
    untried = set(names()) - tried
    # These have no trap of their own: what they are made of has.
    assert untried <= {"alphabet-sets", "codeforces", "double-packed", "knuth-assembler", "quoted", "repl",
                       "underscore-words"}  # fmt: skip


def test_every_notation_is_documented():
    page = Path(__file__).parents[1] / "docs" / "notation.md"
    headings = [line for line in page.read_text("utf-8").splitlines() if line.startswith("##")]
    assert all(any(f"`{name}`" in line for line in headings) for name in names())


# --- what is written is read back ---------------------------------------------------------------------------

BEYOND = {"knuth", "knuth-assembler", "pipeline"}
WRITING = sorted(set(names()) - BEYOND)
OPTIONS = ["columns underscore=empty", "marthue hash=letter", "yad hash=letter", "a2b hash=letter"]
SIDES = st.text(st.sampled_from("ab01.#_$^\\->=:;,{}()/ \"'\té🙂\n"), max_size=5)
WORDS = st.text(st.sampled_from("abc01xyXY+*|"), min_size=1, max_size=5)


def attempt(call):
    """What a call returns and None, or None and the ValueError that it raises."""
    try:
        return call(), None
    except ValueError as error:
        return None, error


def rule_sets(sides):
    return st.lists(st.tuples(sides, sides, st.booleans()), max_size=4)


@pytest.mark.parametrize("name", [*WRITING, *OPTIONS])
@given(rules=rule_sets(SIDES) | rule_sets(WORDS))
@example(rules=[("\ufeffa", "b", False)])
@example(rules=[("# notation: mao", "b", False)])
def test_what_is_written_is_read_back_or_refused(name, rules):
    for given_rules in (rules, [(p.encode() + b"\xff", r.encode(), t) for p, r, t in rules]):
        text, refusal = attempt(lambda rules=given_rules: format(rules, name))
        if refusal is not None:
            assert str(refusal).startswith("rule ")
        else:
            assert parse(text, name) == given_rules or not given_rules


# Notations without terminal rules.
ORDINARY_ONLY = {"a2b", "alphabet-line", "json-pairs", "substitution", "thue"}


@pytest.mark.parametrize("name", [*WRITING, *OPTIONS])
@settings(max_examples=tries(40))
@given(rules=rule_sets(WORDS))
def test_rules_of_plain_words_are_written_in_every_notation(name, rules):
    """No refusal where none is needed: what all can say, all must say."""
    notation = name.split()[0]
    if notation in ORDINARY_ONLY:
        rules = [(pattern, replacement, False) for pattern, replacement, _ in rules]
    if notation == "dot-alone":
        rules = [(pattern, "" if terminal else replacement, terminal) for pattern, replacement, terminal in rules]
    if notation == "hash-anywhere":  # '|->' is its terminal arrow
        rules = [(pattern.replace("|", ""), replacement, terminal) for pattern, replacement, terminal in rules]
    if notation == "logicians":  # 0 is its empty word
        rules = [(pattern + "a", replacement + "a", terminal) for pattern, replacement, terminal in rules]
    assert parse(format(rules, name), name) == rules


@pytest.mark.parametrize("name", sorted(ORDINARY_ONLY))
def test_a_terminal_rule_is_refused_where_there_are_none(name):
    with pytest.raises(ValueError, match=r"^rule 2: .*no terminal rules"):
        format([("a", "b", False), ("a", "b", True)], name)


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_what_is_only_known_by_name_is_not_written(name):
    with pytest.raises(ValueError, match="only known by name"):
        format(A_TO_B, name)


@given(st.text(st.sampled_from("ab \n->.=:;#{}[]\"'\\(),_$^0|>~"), max_size=60))
def test_any_text_is_read_or_refused_and_detected(source):
    for name in names():
        rules, error = attempt(lambda name=name: parse(source, name))
        if error is not None:
            assert error.line >= 1
            assert error.column >= 1
        else:
            assert parse(format(rules, "arrow"), "arrow") == rules
    assert detect(source).reasons


# --- limits -------------------------------------------------------------------------------------------------


def test_schemes_are_expanded_up_to_a_limit():
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 363)))
    assert len(letters) ** 2 > MAX_EXPANDED_RULES
    for source in ("for x, y in V\nxy -> yx", "for x in V\n" + "xa -> ax\n" * 400):
        with pytest.raises(NotationError, match="too many rules"):
            parse(source, f"schemes alphabet={letters}")
        with pytest.raises(NotationError, match="too many rules"):
            parse(source.replace("in V", f"in {letters}"), "arrow-schemes")
    with pytest.raises(NotationError, match="too many rules"):
        parse("{A=!-~}{B=!-~}{C=!-~}>{A}", "classes")
    with pytest.raises(NotationError, match="too many rules"):
        parse("{A=" + "!-\U0001ffff" * 100_000 + "}>b", "classes")
    for number, failing in ((64, False), (65, True)):
        names = [chr(0x4E00 + i) for i in range(number)]
        together, apart = f"for {', '.join(names)} in a\n", "".join(f"for {name} in a\n" for name in names)
        for source in (together, apart):
            _, error = attempt(lambda source=source: parse(source, "arrow-schemes"))
            assert (error is not None) == failing
    with pytest.raises(NotationError, match="more than 64 classes"):
        parse("".join(f"{{N{i}=a}}" for i in range(65)) + ">b", "classes")


def test_deep_json_is_refused():
    with pytest.raises(NotationError, match="nested too deeply"):
        parse("[" * 200_000, "json-strings")


# --- where the notation comes from --------------------------------------------------------------------------


def test_a_first_line_states_notation_options_and_encoding(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("# notation: schemes alphabet=bc\nfor x in V\nxa -> ax\n")
    assert load_rules(path) == [("ba", "ab", False), ("ca", "ac", False)]
    assert mk.RuleSet.load(path) == mk.RuleSet([("ba", "ab", False), ("ca", "ac", False)])
    path.write_bytes("# notation: semicolon encoding=cp1251\nж>я.\n".encode("cp1251"))
    assert load_rules(path) == [("ж", "я", True)]
    assert load_rules(path, kind="bytes") == [("ж".encode(), "я".encode(), True)]
    path.write_text("# notation: mao\na:b\n")
    assert load_rules(path) == A_TO_B
    path.write_text("# notation: mao alphabet=abc\na:b\n")
    with pytest.raises(ValueError, match="notation 'mao' has no option 'alphabet=abc' here"):
        load_rules(path)


@pytest.mark.parametrize(("ending", "source"), [("yad", "a -> b"), ("a2b", "a=b"), ("markov", "a->b")])
def test_an_ending_states_the_notation(tmp_path, ending, source):
    path = tmp_path / f"rules.{ending}"
    path.write_text(source)
    assert load_rules(path) == A_TO_B


@pytest.mark.parametrize("stated", ["semicolon encoding=zlib", "mao encoding=utf-8 encoding=cp1251", "yad hash=x"])
def test_unknown_options_are_refused(tmp_path, stated):
    path = tmp_path / "rules.txt"
    path.write_text("")
    with pytest.raises(ValueError, match=r"encoding|option"):
        load_rules(path, stated)


def test_input_words_are_no_rules():
    assert input_words("ab\na -> b", "input-first") == ["ab"]
    assert input_words("a->b\naab", "marthue") == ["aab"]
    assert input_words("; x\n101\n1>0\n", "semicolon") == ["101"]
    assert input_words(b"a::=b\n::=\nword\n", "thue") == [b"word"]
    assert input_words("{\na -> b;\n}\nx y\n", "braces") == ["x", "y"]
    assert input_words(json.dumps({"rules": [], "initial_word": "11"}), "json-strings") == ["11"]


def test_convert_between_files(tmp_path):
    path = tmp_path / "x.rosetta"
    path.write_text("# old\na -> .b\n")
    assert convert(path, "mao").text == b"a::b\n"
    assert convert(path, "turingmarkov", kind="text").text == "a=>b\n"
    schemes = tmp_path / "x.txt"
    schemes.write_text('# notation: arrow-schemes\nfor x in 01\nax -> xa\n"for" -> a\n')
    assert convert(schemes, "mao", kind="text").text == "a0:0a\na1:1a\nfor:a\n"
    assert convert(schemes, "arrow-schemes", kind="text").text == 'a0 -> 0a\na1 -> 1a\n"for" -> a\n'
    with pytest.raises(ValueError, match=r"^rule 1: this notation has no terminal rules"):
        convert(path, "thue")


# --- detection ----------------------------------------------------------------------------------------------


def test_detection_says_who_reads_the_same_and_who_does_not():
    found = detect("a->.b\nb->c\n")
    assert found.notation == "tight"
    assert "arrow" in found.same
    assert "greater" in found.different
    assert detect("# notation: mao\na:b").notation == "mao"
    assert detect("for x, y in a-c\nxy -> yx").notation == "arrow-schemes"
    assert detect("").notation is None
    assert detect("a => b\nb -> c\n").notation == "turingmarkov"
    assert detect("hello world, this is prose").notation is None


def test_what_cannot_be_read_is_not_proposed():
    found = detect('a -> b\n"a -> b\n')
    assert found.notation is None
    assert any(reason.startswith("not arrow: line 2: ") for reason in found.reasons)
    assert detect("\0a\0-\0>").notation is None
    with pytest.raises(TypeError, match=r"^text must be a str, not bytes"):
        detect(b"a -> b")


def test_rules_are_written_as_a_rule_set_takes_them():
    assert format([("a", "b")], "arrow") == "a -> b\n"
    assert format(iter([(b"a", b"b"), (b"c", b"", True)]), "arrow") == b'a -> b\nc ->. ""\n'
    assert format(mk.RuleSet([("a", "b"), ("c", "", True)]), "mao") == "a:b\nc::\n"
    for wrong in (["a", "b"], ("a",), 5, "ab"):
        with pytest.raises(TypeError, match=r"^rule 2: must be \(pattern, replacement\)"):
            format([("a", "b"), wrong], "arrow")


def test_a_notation_is_a_str():
    for ask in (lambda: format(A_TO_B, None), lambda: parse("a -> b", 5), lambda: mk.RuleSet.parse("a -> b", None)):
        with pytest.raises(TypeError, match=r"^notation must be a str, such as 'arrow', not "):
            ask()


def test_ranges_pass_over_surrogates() -> None:
    assert [rule[0] for rule in parse("{N=\ud7ff-\ue000}>a{N}\n", "classes")] == ["\ud7ff", "\ue000"]
