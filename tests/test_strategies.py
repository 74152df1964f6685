"""The public strategies: what they promise holds, what they draw shrinks, and bad options are refused at once."""

from __future__ import annotations

import random
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from markovlib import RuleSet
from markovlib.analysis import certify, confluence
from markovlib.testing import limits, oracle, rule_sets, rules, runs, words

BOTH = ("markov", "leftmost")
FEW = settings(max_examples=30)
LEAST = settings(max_examples=1000, database=None, suppress_health_check=list(HealthCheck))


def least(strategy: Any, condition: Any) -> Any:
    return find(strategy, condition, settings=LEAST, random=random.Random(7))


def size(run: Any) -> int:
    """Letters and rules that a reader has to look at."""
    return len(run.rules) + sum(len(rule.pattern + rule.replacement) for rule in run.rules) + len(run.word)


def least_of_several(strategy: Any, condition: Any) -> Any:
    """Shrinking ends in one of several least runs, by where it began: the least of three."""
    found = [find(strategy, condition, settings=LEAST, random=random.Random(seed)) for seed in (7, 8, 9)]
    return min(found, key=size)


def result(run: Any) -> oracle.OracleRun:
    return oracle.run(run.rules, run.word, *run.limits)


# ---- what is promised ----------------------------------------------------------------------------------------------


@given(rule_sets("xyz", count=(1, 3), pattern_size=(1, 2), replacement_size=(2, 4), terminals=False))
@FEW
def test_sizes_and_letters(drawn: RuleSet) -> None:
    assert 1 <= len(drawn) <= 3
    for pattern, replacement, terminal in drawn:
        assert 1 <= len(pattern) <= 2
        assert 2 <= len(replacement) <= 4
        assert set(pattern + replacement) <= set("xyz")
        assert not terminal


@given(rule_sets(b"\x00\xff", empty_patterns=False), words(b"\x00\xff", size=(2, 5)))
@FEW
def test_bytes(drawn: RuleSet, word: bytes) -> None:
    assert drawn.kind in ("bytes", None)
    assert all(rule.pattern for rule in drawn)
    assert 2 <= len(word) <= 5
    assert set(word) <= {0, 255}


@given(runs("ab", kind="bytes"))
@FEW
def test_an_alphabet_of_ascii_letters_makes_bytes(run: Any) -> None:
    assert isinstance(run.word, bytes)
    assert run.rules.kind != "text"


@given(rules(growing=True) | rules("ab", replacement_size=(3, 9), pattern_size=8, growing=True))
@FEW
def test_growing(rule: Any) -> None:
    assert len(rule.replacement) > len(rule.pattern)


@pytest.mark.parametrize("options", [{}, {"growing": True}, {"pattern_size": 5, "terminals": False}])
@given(data=st.data())
@FEW
def test_terminating_rules_have_a_certificate(options: Any, data: Any) -> None:
    drawn = data.draw(rule_sets("abc", terminating=True, **options))
    assert certify(drawn) is not None
    if options.get("growing"):
        assert all(len(rule.replacement) > len(rule.pattern) for rule in drawn)


@pytest.mark.parametrize(
    "options",
    [
        {"pattern_size": 0},
        {"pattern_size": 2, "replacement_size": (3, 4)},
        {"alphabet": "a", "growing": True},
        {"alphabet": "a", "replacement_size": (3, 3)},
    ],
)
@given(data=st.data())
@FEW
def test_rules_that_could_go_on_are_terminal(options: Any, data: Any) -> None:
    drawn = data.draw(rule_sets(terminating=True, **options))
    assert all(rule.terminal for rule in drawn)
    assert certify(drawn) is not None


@pytest.mark.parametrize("options", [{}, {"growing": True}, {"count": (1, 3)}])
@given(data=st.data())
@FEW
def test_confluent_rules_are_proved(options: Any, data: Any) -> None:
    drawn = data.draw(rule_sets("ab", confluent=True, **options))
    assert confluence(drawn).status == "confluent"


@given(limits(max_steps=(3, 5), max_length=None, strategies=["leftmost"]))
@FEW
def test_limits(bounds: Any) -> None:
    assert 3 <= bounds.max_steps <= 5
    assert bounds[1:] == (None, False, "leftmost")


@given(words("a", rules=[("xyx", "z")], size=(3, 40)))
@FEW
def test_words_of_pieces(word: str) -> None:
    assert 3 <= len(word) <= 40
    assert set(word) <= set("axyz")


# ---- what is drawn -------------------------------------------------------------------------------------------------


def shares(strategy: Any, questions: dict[str, Any], count: int = 250) -> dict[str, float]:
    """In which share of what is drawn each question is answered with yes."""
    drawn = []

    @given(strategy)
    @settings(max_examples=count, database=None, derandomize=True, deadline=None)
    def collect(case: Any) -> None:
        drawn.append(case)

    collect()
    return {name: sum(map(question, drawn)) / len(drawn) for name, question in questions.items()}


def test_runs_take_steps_and_end_in_every_way() -> None:
    found = shares(
        runs(detect_cycles=None, strategies=["markov", "leftmost"]),
        {
            "steps": lambda run: result(run).steps > 0,
            "several steps": lambda run: result(run).steps > 2,
            "several rules": lambda run: len({step[0] for step in result(run).trace}) > 1,
            **{str(value): (lambda run, value=value: result(run).outcome == value) for value in range(1, 6)},
        },
        count=800,
    )
    assert found["steps"] > 0.3, found
    assert found["several steps"] > 0.1, found
    assert found["several rules"] > 0.05, found
    assert min(found[str(value)] for value in range(1, 6)) > 0.01, found


@pytest.mark.slow
def test_upper_ends_of_wide_ranges_are_drawn() -> None:
    sizes = {"word_size": 900, "pattern_size": 40, "replacement_size": (5, 90)}
    found = shares(
        runs("abc", **sizes),
        {
            "words": lambda run: len(run.word) == 900,
            "patterns": lambda run: any(len(rule.pattern) == 40 for rule in run.rules),
            "replacements": lambda run: any(len(rule.replacement) == 90 for rule in run.rules),
        },
        count=300,
    )
    assert min(found.values()) > 0.02, found
    assert shares(words("ab", rules=[("aba", "b")], size=300), {"most": lambda word: len(word) == 300})["most"] > 0.02
    many = {"few": lambda drawn: len(drawn) < 9, "most": lambda drawn: len(drawn) == 50}
    found = shares(rule_sets(count=(2, 50), pattern_size=(1, 2), replacement_size=1), many, count=300)
    assert found["few"] > 0.5 and found["most"] > 0.02, found  # noqa: PT018 (one figure explains the other)
    assert shares(words("ab", size=(20, 999)), {"most": lambda word: len(word) == 999}, count=50)["most"] > 0.1


@pytest.mark.parametrize(
    "strategy",
    [
        words(size=(20_000, 20_000)),
        words(rules=[("ab", "b")], size=(20_000, 20_001)),
        runs(word_size=(20_000, 20_000)),
        rule_sets(count=(4, 4), pattern_size=(3000, 3000), replacement_size=(3000, 3100)),
    ],
)
def test_long_words_and_sides_are_drawn(strategy: Any) -> None:
    assert shares(strategy, {"any": bool}, count=20)


@pytest.mark.slow
def test_near_misses_are_near() -> None:
    def nearly(run: Any) -> bool:
        patterns = [rule.pattern for rule in run.rules if len(rule.pattern) > 1]
        changed = [p[:i] + c + p[i + 1 :] for p in patterns for i in (len(p) // 2,) for c in "ab" if c != p[i]]
        return any(word in run.word for word in changed) and not any(p in run.word for p in patterns)

    options = {"count": (1, 1), "pattern_size": (5, 6), "empty_patterns": False}
    with_them = shares(runs(**options), {"near": nearly}, count=1000)["near"]
    without = shares(runs(**options, near_misses=False), {"near": nearly}, count=1000)["near"]
    assert with_them > 2 * without, (with_them, without)


# ---- shrinking -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_least_runs_are_readable() -> None:
    questions = {
        "two steps": lambda run: result(run).steps >= 2,
        "a terminal rule": lambda run: result(run).outcome == 1,
        "too long": lambda run: result(run).outcome == 4,
        "a cycle": lambda run: result(run).outcome == 5,
    }
    for name, question in questions.items():
        run = least_of_several(runs(detect_cycles=None), question)
        assert (size(run) <= 12, run.limits.max_steps <= 4) == (True, True), (name, run)


def test_the_least_rule_sets_are_readable() -> None:
    def letters(drawn: Any) -> int:
        return sum(len(rule.pattern + rule.replacement) for rule in drawn)

    pair = least(rule_sets(), lambda drawn: len(drawn) >= 2)
    assert (len(pair), letters(pair) <= 3) == (2, True), pair
    for options in ({"alphabet": "abc", "terminating": True}, {"confluent": True}, {"growing": True}):
        single = least(rule_sets(**options), lambda drawn: len(drawn) > 0)
        assert (len(single), letters(single) <= 3) == (1, True), single
    overlap = least(rule_sets(), lambda drawn: any(len(set(p)) > 1 and len(p) > 1 for p, _, _ in drawn))
    assert (len(overlap) <= 3, letters(overlap) <= 6) == (True, True), overlap


LEAST_RULE_SETS = {
    "an empty pattern": (1, lambda drawn: any(not rule.pattern for rule in drawn)),
    "a terminal rule": (1, lambda drawn: any(rule.terminal for rule in drawn)),
    "different letters": (1, lambda drawn: any(len(set(rule.pattern)) > 1 for rule in drawn)),
    "a long replacement": (1, lambda drawn: any(len(rule.replacement) > 2 for rule in drawn)),
    "a pattern twice": (2, lambda drawn: len({rule.pattern for rule in drawn}) < len(drawn)),
}


@pytest.mark.parametrize("name", LEAST_RULE_SETS)
def test_no_rule_is_left_that_need_not_be_there(name: str) -> None:
    count, condition = LEAST_RULE_SETS[name]
    found = [find(rule_sets(), condition, settings=LEAST, random=random.Random(seed)) for seed in range(10)]
    assert {len(drawn) for drawn in found} == {count}, found


def test_a_rule_is_rarely_empty_or_terminal_and_often_of_known_pieces() -> None:
    found = shares(
        rule_sets(count=(3, 3)),
        {
            "empty": lambda drawn: not drawn[0].pattern,
            "terminal": lambda drawn: drawn[0].terminal,
            "known": lambda drawn: drawn[2].replacement in drawn[0].pattern + drawn[1].pattern,
        },
        count=400,
    )
    assert 0.05 < found["empty"] < 0.25 and 0.05 < found["terminal"] < 0.25, found  # noqa: PT018 (one figure)
    assert found["known"] > 0.3, found


def test_the_least_words_are_readable() -> None:
    assert len(least(words("ab"), lambda word: len(word) > 3)) == 4
    assert len(least(words("ab", rules=[("bb", "")]), lambda word: "bb" in word)) <= 3
    assert len(least(words(b"ab", size=(3, 9)), bool)) == 3
    if hypothesis.__version_info__ >= (6, 168):  # older ones leave the repeated part as long as it was found
        assert least(words("ab", size=500), lambda word: len(word) > 99 and "b" in word).count("b") == 1


@pytest.mark.slow
def test_what_comes_of_wide_ranges_shrinks() -> None:
    drawn = least(rule_sets(pattern_size=90), lambda drawn: any(len(rule.pattern) > 60 for rule in drawn))
    assert (len(drawn), len(drawn[0].pattern), set(drawn[0].pattern)) == (1, 61, {"a"})
    many = least(rule_sets(count=(0, 99), pattern_size=1, replacement_size=1), lambda drawn: len(drawn) > 3)
    assert (len(many), {rule.replacement for rule in many}) == (4, {""})


@pytest.mark.slow
def test_two_strategies_differ_on_a_small_case() -> None:
    def differs(run: Any) -> bool:
        return len({result(run._replace(limits=run.limits._replace(strategy=name))).word for name in BOTH}) == 2

    run = least_of_several(runs(), differs)
    assert size(run) <= 12


# ---- options -------------------------------------------------------------------------------------------------------

BAD = {
    "an empty alphabet": (lambda: rule_sets(""), "at least one letter"),
    "a letter twice": (lambda: words("aba"), "a letter twice"),
    "a list of letters": (lambda: words(["a"]), "alphabet must be a str or bytes"),
    "an unknown kind": (lambda: rules("ab", kind="latin"), "kind must be 'text' or 'bytes'"),
    "text of bytes": (lambda: rules(b"ab", kind="text"), "the alphabet is bytes"),
    "bytes of text": (lambda: rules("é", kind="bytes"), "give the alphabet as bytes"),
    "a lone surrogate": (lambda: words("\ud800"), "lone surrogate"),
    "a range that falls": (lambda: words(size=(3, 2)), r"size must be \(least, most\)"),
    "a range of three": (lambda: rule_sets(count=(1, 2, 3)), "count must be"),
    "a negative size": (lambda: rules(pattern_size=-1), "pattern_size must be"),
    "only the empty pattern": (lambda: rules(pattern_size=0, empty_patterns=False), "only the empty pattern"),
    "no room to grow": (lambda: rules(growing=True, pattern_size=(3, 3)), "growing: replacements of at most 3"),
    "terminal and confluent": (lambda: rule_sets(confluent=True, terminals=True), "no place for terminal rules"),
    "never smaller": (
        lambda: rule_sets(terminating=True, terminals=False, pattern_size=2, replacement_size=(3, 4)),
        "longer than all",
    ),
    "never smaller alone": (lambda: rule_sets("a", confluent=True, replacement_size=(3, 3)), "over one letter"),
    "only insertions": (lambda: rule_sets(terminating=True, terminals=False, pattern_size=0), "never end"),
    "growing alone": (lambda: rule_sets("a", terminating=True, terminals=False, growing=True), "add a letter"),
    "no strategy": (lambda: runs(strategies=[]), "strategies must be some of"),
    "an unknown strategy": (lambda: limits(strategies=["rightmost"]), "strategies must be some of"),
    "runs without end": (lambda: runs(max_steps=None), "max_steps=None needs terminating=True"),
    "bad limits of runs": (lambda: runs(max_length=(9, 1)), "max_length must be"),
    "bad words of runs": (lambda: runs(word_size="x"), "size must be"),
    "bytes words of text rules": (lambda: words(kind="bytes", rules=[("a", "")]), "the rules are text, but kind is"),
    "text words of bytes rules": (lambda: words(kind="text", rules=[(b"a", b"")]), "the rules are bytes, but kind is"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_refused_at_once(name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "wrong", [["ab"], "ab", [("a",)], [["a", b"b"]], [("a", "b", "no")], [("a", "b"), (b"a", b"")]]
)
def test_words_of_what_are_no_rules_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^(rule [01]: |rules must be a sequence of rules)"):
        words(rules=wrong)


def test_an_option_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(TypeError, match=r"'sizes' is no option of runs; they are confluent, count, .*, word_size"):
        runs(sizes=3)


def test_the_least_rules_are_plain_ones() -> None:
    assert least(rule_sets(count=(2, 4)), bool) == RuleSet([("a", ""), ("a", "")])
    assert least(rule_sets(), lambda rules: any(rule.pattern for rule in rules)) == RuleSet([("a", "")])
