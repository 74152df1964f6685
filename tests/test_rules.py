"""Rule sets as values, and what they refuse."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import random
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import markovlib as mk
from markovlib.testing import oracle


def test_a_rule_set_is_a_value():
    rules = mk.RuleSet([("a", "b"), mk.Rule("b", "", terminal=True)])
    assert rules == mk.RuleSet(list(rules))
    assert hash(rules) == hash(mk.RuleSet(rules))
    assert rules != mk.RuleSet([("a", "b"), ("b", "")])
    assert pickle.loads(pickle.dumps(rules)) == rules == copy.deepcopy(rules)
    assert rules[1] == ("b", "", True)
    assert rules[:1] == mk.RuleSet([("a", "b")])
    assert repr(rules) == "RuleSet([('a', 'b'), ('b', '', True)])"
    assert (rules.kind, mk.RuleSet([(b"a", b"")]).kind, mk.RuleSet().kind) == ("text", "bytes", None)
    with pytest.raises(AttributeError):
        rules.kind = "bytes"


def test_rules_may_be_lists_as_json_has_them():
    rules = json.loads('[["a", "b"], ["b", "", true]]')
    assert mk.RuleSet(rules) == mk.RuleSet([("a", "b"), ("b", "", True)])
    assert mk.RuleSet([("a", "b", 1), ("c", "d", np.bool_(False))])[0].terminal is True


@pytest.mark.parametrize("terminal", ["no", "", 2, -1, None, 1.0, [True]])
def test_what_says_whether_a_rule_is_terminal_is_a_truth_value(terminal):
    with pytest.raises(TypeError, match="rule 1: terminal must be True or False, got "):
        mk.RuleSet([("a", "b"), ("a", "b", terminal)])


def test_what_is_meant_for_something_else_is_told_so():
    with pytest.raises(TypeError, match=r"^rules must be Rule objects or .* pairs in a list, got None"):
        mk.RuleSet(None)
    with pytest.raises(TypeError, match=r"not str: RuleSet\.parse reads text"):
        mk.RuleSet("ba -> ab")
    with pytest.raises(TypeError, match="give the word as str, not list; run_batch takes several"):
        mk.RuleSet([("a", "b")]).run(["a", "b"])
    with pytest.raises(TypeError, match="seed must be an integer, got '7'"):
        mk.Dataset("paper/no-op", seed="7")
    with pytest.raises(TypeError, match=r"got <Dataset .*; give its recipe"):
        mk.generate(mk.Dataset("paper/no-op"), "nowhere")
    with pytest.raises(TypeError, match=r"got 'DIR'; mk\.open\(DIR\) reads a folder of shards"):
        mk.Loader("DIR", 4)
    with pytest.raises(TypeError, match=r"made by ds\.view"):
        mk.View(mk.Dataset("paper/no-op"))
    with pytest.raises(TypeError, match=r"give \['prompt', 'word'\]"):
        mk.Dataset("paper/no-op").batch([0], "prompt, word")


def test_a_rule_file_is_written_and_read_back(tmp_path):
    rules = mk.RuleSet([("é ", ""), ("#", "x", True)])
    for name, notation in (("rules.markov", None), ("rules.markov", "arrow"), ("rules.txt", "arrow")):
        rules.save(tmp_path / name, notation)
        assert mk.RuleSet.load(tmp_path / name, notation) == rules
    raw = mk.RuleSet([(b"\xff", b"\n")])
    raw.save(tmp_path / "raw.markov")
    assert mk.RuleSet.load(tmp_path / "raw.markov", kind="bytes") == raw
    with pytest.raises(ValueError, match="nothing says which notation to write"):
        rules.save(tmp_path / "rules.txt")
    with pytest.raises(ValueError, match="ending says notation 'arrow', not 'rosetta'"):
        rules.save(tmp_path / "rules.markov", "rosetta")
    with pytest.raises(ValueError, match="rule 1"):
        rules.save(tmp_path / "rules.rosetta")
    assert not (tmp_path / "rules.rosetta").exists()


def test_outcomes_are_shown_by_name():
    trace = mk.RuleSet([("a", "b", True)]).trace("a")
    assert (str(trace.outcome), f"{trace.outcome}", trace.halted) == ("TERMINAL_RULE", "TERMINAL_RULE", True)
    assert int(trace.outcome) == 1


def test_a_rule_set_is_a_weak_key():
    rules = mk.RuleSet([("a", "b")])
    known = weakref.WeakKeyDictionary({rules: "a cache of its own"})
    assert known[mk.RuleSet([("a", "b")])] == "a cache of its own"
    del rules
    gc.collect()
    assert not known


def test_the_empty_rule_set_takes_either_kind():
    empty = mk.RuleSet()
    assert empty.run("é").word == "é"
    assert empty.run(b"\xff").word == b"\xff"
    assert empty.runner("é").word == "é"
    assert empty.trace(b"\xff").word == b"\xff"
    assert list(empty.trace("é").words()) == ["é"]
    assert empty.run_batch(["é"]).words.tolist() == ["é"]
    assert empty.run_batch([b"\xff"]).words.tolist() == [b"\xff"]


@pytest.mark.parametrize("word", [bytearray(b"ab"), memoryview(b"ab"), b"ab", np.bytes_(b"ab")])
def test_bytes_like_words(word):
    rules = mk.RuleSet([(b"b", b"c")])
    assert rules.run(word).word == b"ac"
    assert rules.step(word) == (0, 1, b"ac")
    assert list(rules.trace(word).words()) == [b"ab", b"ac"]
    assert rules.find(word) == (0, 1)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("a", b"b")], "rule 0: pattern and replacement"),
        ([("a", "b"), (b"a", b"b")], "rule 1: text and bytes rules cannot be mixed"),
        ([("a",)], "rule 0: must be"),
        ([("a", "b"), "ab"], "rule 1: must be"),
        ([("a", 1)], "rule 0: replacement must be str or bytes, not int"),
    ],
)
def test_mixed_or_malformed_rules(rules, message):
    with pytest.raises(TypeError, match=message):
        mk.RuleSet(rules)


def test_mixed_words():
    text, data = mk.RuleSet([("a", "b")]), mk.RuleSet([(b"a", b"b")])
    for call in ("run", "step", "trace", "runner", "find", "count", "findall"):
        with pytest.raises(TypeError, match="rules are text"):
            getattr(text, call)(b"a")
        with pytest.raises(TypeError, match="rules are bytes"):
            getattr(data, call)("a")
        with pytest.raises(TypeError, match="int"):
            getattr(data, call)(3)
    with pytest.raises(TypeError):
        text.run_batch([b"a"])
    with pytest.raises(TypeError):
        data.run_batch(["a"])
    with pytest.raises(TypeError):
        mk.rewrite_once([b"a"], [b"b"], ["a"])
    with pytest.raises(TypeError):
        mk.run_rows([[(b"a", b"b")]], ["a"])


def test_lone_surrogates_are_refused_before_anything_runs():
    with pytest.raises(ValueError, match="rule 1, replacement: the character at position 2"):
        mk.RuleSet([("a", "b"), ("a", "xy\ud800")])
    with pytest.raises(ValueError, match="word: the character at position 1"):
        mk.RuleSet([("a", "b")]).run("a\udfff")
    with pytest.raises(ValueError, match="1"):
        mk.RuleSet([("a", "b")]).run_batch(["a", "\udfff"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_steps": -1}, "max_steps"),
        ({"max_length": -5}, "max_length"),
        ({"strategy": "rightmost"}, "strategy"),
        ({"matcher": "regex"}, "matcher"),
        ({"strategy": 5}, "strategy must be 'markov' or 'leftmost', got 5"),
        ({"strategy": b"markov"}, "strategy must be 'markov' or 'leftmost', got b'markov'"),
        ({"matcher": ["scan"]}, r"matcher must be 'auto', 'bits', 'scan' or 'index', got \['scan'\]"),
    ],
)
def test_bad_options(options, message):
    for call in ("run", "trace", "runner", *(["step"] if "max" not in message else [])):
        with pytest.raises(ValueError, match=message):
            getattr(mk.RuleSet([("a", "b")]), call)("a", **options)
    with pytest.raises(ValueError, match=message):
        mk.RuleSet([("a", "b")]).run_batch(["a"], **options)


def test_huge_limits_are_limits():
    assert mk.RuleSet([("a", "b")]).run("a", max_steps=2**80, max_length=2**80).word == "b"


def test_limits_per_row():
    rules = mk.RuleSet([("a", "b")])
    b = rules.run_batch(["aaaa"] * 3, max_steps=np.array([1, 2, 9]))
    assert b.words.tolist() == ["baaa", "bbaa", "bbbb"]
    assert b.halted.tolist() == [False, False, True]
    b = mk.RuleSet([("a", "aa")]).run_batch(["a"] * 3, max_length=np.array([1, 2, 5], np.uint8))
    assert b.words.lengths().tolist() == [1, 2, 5]
    for bad in (np.array([1, 2]), np.array([1, -2, 3])):
        with pytest.raises(ValueError, match="max_steps"):
            rules.run_batch(["a"] * 3, max_steps=bad)


def test_threads_do_not_change_results():
    rules = mk.RuleSet([("ab", "bba"), ("bbbb", "a"), ("bab", "", True)])
    words = ["ab" * (i % 17) + "b" * (i % 5) for i in range(3000)]
    one = rules.run_batch(words, threads=1, max_steps=200)
    for threads in (2, 3, 8, None):
        many = rules.run_batch(words, threads=threads, max_steps=200)
        assert many.words == one.words
        assert np.array_equal(many.outcomes, one.outcomes)
        assert np.array_equal(many.steps, one.steps)
    with pytest.raises(ValueError, match="threads"):
        rules.run_batch(words, threads=0)


def test_a_rule_set_is_shared_by_threads():
    rules = mk.RuleSet([("ba", "ab")])
    words = ["ba" * n for n in range(1, 40)]
    expected = [rules.run(w).word for w in words]
    answers = {}

    def work(k):
        answers[k] = [rules.run(w).word for w in words]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(answers[k] == expected for k in range(4))


def test_rewrite_once_shares_one_rule():
    c = mk.rewrite_once(["aa"], ["é"], ["caab", "aaa", "x"])
    assert c.words.tolist() == ["céb", "éa", "x"]
    assert c.positions.tolist() == [1, 0, -1]
    with pytest.raises(ValueError, match="patterns has 2 rows, words has 3"):
        mk.rewrite_once(["a", "b"], ["c"], ["x", "y", "z"])
    assert mk.rewrite_once([], [], []).words.tolist() == []


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([[("a", "b"), ("c", "d")], ["ab"]], "rule 0 of row 1: must be"),
        ([[("a", "b"), ("c", "d")], [("a", "b"), ("a", 5)]], "rule 1 of row 1: replacement must be str or bytes"),
        ([[("a", "b"), ("c", "d")], [(b"a", b"b")]], "rule 0 of row 1 is bytes, and the words are text"),
        ([mk.RuleSet([("a", "b")]), mk.RuleSet([(b"a", b"b")])], "rule 0 of row 1 is bytes, and the words are text"),
        ([[], 5], "row 1: must be a RuleSet or rules, got 5"),
    ],
)
def test_run_rows_names_the_row_of_a_bad_rule(rules, message):
    with pytest.raises(TypeError, match=message):
        mk.run_rows(rules, ["a", "b"])


ONE = mk.RuleSet([("a", "b")])


@pytest.mark.parametrize("rules", [mk.RuleSet([("a", "b")]), mk.RuleSet(), None])
def test_one_rule_set_for_all_rows_is_refused(rules):
    with pytest.raises(TypeError, match=r"one rule set per word; for one that serves all use RuleSet.run_batch, got"):
        mk.run_rows(rules, ["a"])


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda **options: ONE.run("a", **options), ["max_steps", "max_length"]),
        (lambda **options: ONE.trace("a", **options), ["max_steps", "max_length", "last"]),
        (lambda **options: ONE.runner("a", **options), ["max_steps", "max_length"]),
        (lambda n: ONE.runner("a").step(n), ["n"]),
        (lambda **options: ONE.run_batch(["a"], **options), ["max_steps", "max_length", "max_total", "threads"]),
        (lambda **options: mk.run_rows([ONE], ["a"], **options), ["max_steps", "max_length", "max_total", "threads"]),
        (lambda **options: mk.rewrite_once(["a"], ["b"], ["a"], **options), ["threads"]),
        (lambda **options: ONE.trace("a").text(**options), ["first", "last"]),
    ],
)
def test_a_count_that_is_no_integer_is_named(call, names):
    for name in names:
        for wrong, kind in ((1.5, "float"), (2.0, "float"), ("3", "str"), (True, "bool"), (np.float64(2), "float64")):
            with pytest.raises(TypeError, match=rf"^{name} must be an int\b.* not {kind}$"):
                call(**{name: wrong})
        call(**{name: np.int64(3)})
        call(**{name: 2**70})
        with pytest.raises(ValueError, match=f"^{name} must be at least [01] or None, got -1$"):
            call(**{name: -1})


def test_limits_of_rows_are_integers():
    for wrong in ([1.0, 2.0], np.array([True, False]), ["1", "2"], [1, None]):
        with pytest.raises(TypeError, match=r"^max_steps must be an int, None, or an integer array of shape \(2,\)"):
            ONE.run_batch(["a", "a"], max_steps=wrong)
    with pytest.raises(ValueError, match=r"of shape \(2,\), not \(3,\)"):
        ONE.run_batch(["a", "a"], max_steps=[1, 2, 3])
    with pytest.raises(ValueError, match=r"of shape \(2,\), not \(0,\)"):
        ONE.run_batch(["a", "a"], max_steps=[])
    assert len(ONE.run_batch([], max_steps=[]).words) == 0


def test_limits_of_rows_beyond_int64_are_none():
    limits = np.array([2**64 - 1, 0], np.uint64)
    assert ONE.run_batch(["a", "a"], max_steps=limits) == ONE.run_batch(["a", "a"], max_steps=[2**63 - 1, 0])


def test_run_rows_takes_arrow_rules():
    pa = pytest.importorskip("pyarrow")
    rules = pa.array(
        [
            [{"pattern": "a", "replacement": "b", "terminal": True}],
            [],
            [
                {"pattern": "x", "replacement": "y", "terminal": False},
                {"pattern": "y", "replacement": "", "terminal": True},
            ],
        ]
    )
    words = ["aa", "aa", "xx"]
    expected = (["ba", "aa", "y"], [1, 0, 3], [1, 2, 1])
    for given in (rules, pa.chunked_array([rules.slice(0, 1), rules.slice(1)])):
        d = mk.run_rows(given, words)
        assert (d.words.tolist(), d.steps.tolist(), d.outcomes.tolist()) == expected
    d = mk.run_rows(rules.slice(2), ["x"])
    assert d.words.tolist() == [""]
    with pytest.raises(TypeError, match="list<struct"):
        mk.run_rows(pa.array(["a"]), ["a"])
    with pytest.raises(ValueError, match="row 1 is null"):
        mk.run_rows(pa.array([[], None], rules.type), ["a", "b"])
    with pytest.raises(ValueError, match="rules has 3 rows, words has 1"):
        mk.run_rows(rules, ["a"])
    offsets = pa.py_buffer(np.array([0, 2**63 - 1, -2, 3], np.int64))
    kind = pa.large_list(rules.type.value_type)
    damaged = pa.LargeListArray.from_buffers(kind, 3, [None, offsets], children=[rules.values])
    with pytest.raises(ValueError, match="row_rules must rise"):
        mk.run_rows(damaged, words)


def test_terminal_in_arrow_rules_is_true_or_false():
    pa = pytest.importorskip("pyarrow")

    def outcome(terminal):
        rules = pa.array([[{"pattern": "a", "replacement": "b", "terminal": terminal}]])
        return mk.run_rows(rules, ["aa"]).words.tolist()

    assert outcome(True) == outcome(1) == outcome(256) == ["ba"]
    assert outcome(False) == outcome(0) == ["bb"]
    for wrong in (0.5, "false"):
        with pytest.raises(TypeError, match=r"^rules: terminal must be bool, got (double|string)$"):
            outcome(wrong)


def test_which_sides_are_wrong_is_said():
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match=r"^patterns: row 0 is bytes, expected str$"):
        mk.rewrite_once([b"a"], ["b"], ["a"])
    with pytest.raises(ValueError, match=r"^replacements: row 0 is null"):
        mk.rewrite_once(["a"], pa.array([None], pa.string()), ["a"])
    with pytest.raises(TypeError, match=r"^rules, pattern: words are bytes, str is needed here$"):
        mk.run_rows(pa.array([[{"pattern": b"a", "replacement": "b"}]]), ["a"])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (None, "^rule 1 of row 2 is null$"),
        ({"pattern": None, "replacement": "b", "terminal": False}, "^rule 1 of row 2 has no pattern: it is null$"),
        ({"pattern": "a", "replacement": None, "terminal": False}, "^rule 1 of row 2 has no replacement: it is null$"),
        ({"pattern": "a", "replacement": "b", "terminal": None}, "^rule 1 of row 2 has no terminal: it is null$"),
    ],
)
def test_run_rows_names_the_row_of_a_null(rule, message):
    pa = pytest.importorskip("pyarrow")
    good = {"pattern": "a", "replacement": "b", "terminal": True}
    rules = pa.array([[good], [good], [], [good, rule], [good]])
    for given in (rules.slice(1), pa.chunked_array([rules.slice(1, 1), rules.slice(2)])):
        with pytest.raises(ValueError, match=message):
            mk.run_rows(given, ["a"] * 4)


def test_batches_are_equal_where_their_rows_are():
    rules, words = mk.RuleSet([("ab", "ba"), ("c", "", True)]), ["aab", "cc", "b"]
    one, other = rules.run_batch(words, threads=1), rules.run_batch(words, threads=2)
    assert one == other == pickle.loads(pickle.dumps(one)) == copy.deepcopy(one)
    assert not one != other  # noqa: SIM202 (this is the operator that is tested)
    for different in (rules.run_batch(words[:2]), rules.run_batch(words, max_steps=1), rules, tuple(one)):
        assert one != different
        assert not one == different  # noqa: SIM201
    once = mk.rewrite_once(["a"], ["b"], ["a", "b"])
    assert once == mk.rewrite_once(["a"], ["b"], ["a", "b"])
    assert once != mk.rewrite_once(["b"], ["b"], ["a", "b"])
    for unhashable in (one, once):
        with pytest.raises(TypeError, match="unhashable"):
            hash(unhashable)


@pytest.mark.parametrize("word", ["cab", b"cab"])
@pytest.mark.parametrize("options", [{}, {"last": 2}, {"last": 0}, {"max_steps": 3}, {"strategy": "leftmost"}])
def test_a_trace_pickles_and_copies(word, options):
    rules = mk.RuleSet([("cb", "bc"), ("ca", "ac"), ("b", "cb")] if isinstance(word, str) else [(b"a", b"ba")])
    trace = rules.trace(word, **{"max_steps": 9, "detect_cycles": True, **options})
    for twin in (pickle.loads(pickle.dumps(trace)), copy.copy(trace), copy.deepcopy(trace)):
        assert (twin.rules, twin.strategy, twin.result) == (trace.rules, trace.strategy, trace.result)
        assert (twin.first, twin.steps, list(twin)) == (trace.first, trace.steps, list(trace))
        assert list(twin.words()) == list(trace.words())
        assert twin == trace
        assert hash(twin) == hash(trace)


def test_traces_are_equal_if_they_keep_the_same_steps():
    rules = mk.RuleSet([("ba", "ab")])
    trace = rules.trace("bba")
    assert trace == rules.trace("bba", max_steps=2) == mk.RuleSet([("ba", "ab")]).trace("bba")
    others = (
        rules.trace("bba", max_steps=1), rules.trace("bba", last=1), rules.trace("bab"), rules.trace("ab"),
        rules.trace("bba", strategy="leftmost"), mk.RuleSet([("ba", "ab", True)]).trace("bba"), list(trace),
    )  # fmt: skip
    for other in others:
        assert trace != other


def test_the_index_of_a_trace_is_an_integer():
    trace = ONE.trace("aa")
    assert trace[np.int64(1)] == trace[-1] == trace[1]
    for wrong in (1.0, "a", None):
        for ask in (trace.__getitem__, trace.before):
            with pytest.raises(TypeError, match=f"integers or slices, not {type(wrong).__name__}"):
                ask(wrong)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_runner_has_no_copies(make):
    with pytest.raises(TypeError, match=r"a Runner cannot be copied or pickled; rules.runner"):
        make(ONE.runner("aa"))


def test_a_runner_stops_where_a_run_does():
    u = mk.RuleSet([("a", "aa")]).runner("a", max_length=4)
    assert (u.step(2), u.word, u.outcome) == (2, "aaa", None)
    assert (u.step(2), u.word, u.outcome) == (1, "aaaa", mk.Outcome.LENGTH_LIMIT)
    assert "LENGTH_LIMIT" in repr(u)
    assert mk.RuleSet([("a", "b")]).runner("b").outcome == mk.Outcome.NO_RULE_APPLIES
    assert mk.RuleSet([("a", "a")]).runner("a").step(5_000_000) == 5_000_000


def test_long_words_and_many_rules():
    word = "ab" * 500_000
    assert mk.RuleSet([("ba", "ab")]).run(word, max_steps=1000).steps == 1000
    r = mk.RuleSet([("ab", "c")]).run(word[:80_000], max_steps=None)
    assert r.word == "c" * 40_000
    rules = [(f"<{i}>", f"<{i + 1}>") for i in range(2_000)]
    assert mk.RuleSet(rules).run("<0>").word == "<2000>"


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
@pytest.mark.parametrize("empty_at", [None, 0, 1500])
def test_find_among_many_rules(strategy, empty_at):
    """Enough rules that the word is read off with the automaton; the first call makes it, the second has it."""
    chance = random.Random(f"{strategy} {empty_at}")

    def letters(count):
        return "".join(chance.choices("abc", k=count))

    patterns = [letters(chance.randint(7, 12)) for _ in range(3000)]
    if empty_at is not None:
        patterns[empty_at] = ""
    triples = [(pattern, "", False) for pattern in patterns]
    rules = mk.RuleSet(triples)
    for length in [*range(0, 40, 3), 300, 5000]:
        word = letters(length)
        step = oracle.find(triples, word, strategy)
        for _ in range(2):
            found = rules.find(word, strategy=strategy)
            assert (tuple(found) if found else None) == step


def test_a_list_that_a_generator_changes_between_rows_is_read_each_time() -> None:
    def changing() -> Iterator[list[tuple[str, str]]]:
        rules: list[tuple[str, str]] = []
        for letter in "abc":
            rules[:] = [(letter, letter.upper())]
            yield rules

    assert mk.run_rows(changing(), ["abc"] * 3).words.tolist() == ["Abc", "aBc", "abC"]
    same = [("a", "A")]
    assert mk.run_rows([same, same, [("b", "B")]], ["ab"] * 3).words.tolist() == ["Ab", "Ab", "aB"]
