"""Combinators mean what they say: on random rule sets, both ways of halting, empty patterns, text and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import gcd

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib import analysis
from markovlib.combinators import (
    Run,
    Test,
    branch,
    closure,
    compose,
    flowchart,
    rename,
    repeat_until,
    repeat_while,
    two_letters,
)
from markovlib.letters import FreshLetters, fresh_letters, letters_of
from markovlib.testing import oracle

LETTERS = "abc"
LIMIT = 30
LENGTH = 24
FOR_EVER = 3000

SIDES = st.text(LETTERS, max_size=2)
RULES = st.builds(mk.Rule, SIDES, SIDES, st.booleans())
SHRINKING = st.builds(mk.Rule, st.text(LETTERS, min_size=2, max_size=2), st.text(LETTERS, max_size=1), st.booleans())
RULE_SETS = st.lists(RULES | SHRINKING, max_size=3).map(mk.RuleSet) | st.lists(SHRINKING, max_size=3).map(mk.RuleSet)
WORDS = st.text(LETTERS, max_size=5)
ACCEPTS = st.sampled_from(["empty", "terminal"])


def as_bytes(rules: mk.RuleSet) -> mk.RuleSet:
    return mk.RuleSet((p.encode(), r.encode(), t) for p, r, t in rules)


# -- the laws, as functions of rule sets and a word --------------------------------------------------------------------


def run_part(rules: mk.RuleSet, word) -> mk.RunResult:
    """A run of a part within the limits: if it does not halt there, the whole takes more than its steps."""
    return rules.run(word, max_steps=LIMIT, max_length=LENGTH)


def accepted(run: mk.RunResult, accepts: str) -> bool:
    return not run.word if accepts == "empty" else run.outcome == mk.Outcome.TERMINAL_RULE


def run_chart(blocks: Mapping[str, Run | Test], word, most_blocks: int = 20) -> tuple[object | None, int]:
    """The last word, and the steps of the parts.

    The word is None for more blocks, a part that does not halt, or a chart that comes to a block again with the same
    word and so goes on for ever: then the steps are some after which the whole has not halted.
    """
    name: str | None = next(iter(blocks))
    steps, seen = 0, set()
    for _ in range(most_blocks):
        if (name, word) in seen:
            return None, FOR_EVER
        seen.add((name, word))
        block = blocks[name]
        run = run_part(block.rules, word)
        steps += run.steps
        if not run.halted:
            return None, steps
        if isinstance(block, Run):
            word, name = run.word, block.then
        else:
            name = block.yes if accepted(run, block.accepts) else block.no
        if name is None:
            return word, steps
    return None, steps


def law_of_charts(whole: mk.RuleSet, blocks: Mapping[str, Run | Test], word) -> None:
    """The whole has the chart's word, by a terminal rule; or takes longer than the parts that were run."""
    expected, steps = run_chart(blocks, word)
    if expected is None:
        assert not whole.run(word, max_steps=steps).halted
        return
    run = whole.run(word, max_steps=50_000)
    assert (run.word, run.outcome) == (expected, mk.Outcome.TERMINAL_RULE)
    assert run.steps >= steps


def law_of_composition(algorithms: list[mk.RuleSet], word, letters=LETTERS) -> None:
    """The composition is one run after another, in exactly so many steps."""
    whole = compose(*algorithms, letters=letters)
    steps, last, before = 0, len(algorithms) - 1, word
    for number, rules in enumerate(algorithms):
        run = run_part(rules, before)
        if not run.halted:
            assert not whole.run(word, max_steps=steps + run.steps).halted
            return
        terminal = run.outcome == mk.Outcome.TERMINAL_RULE
        position = rules.trace(before)[run.steps - 1].position if terminal else 0
        steps += run.steps + (not terminal) + position + 1
        if number < last or last > 0:
            steps += len(run.word) + 1
        before = run.word
    run = whole.run(word, max_steps=steps)
    assert (run.word, run.outcome, run.steps) == (before, mk.Outcome.TERMINAL_RULE, steps)


def law_of_closure(rules: mk.RuleSet, word) -> None:
    """The closure has the same word, and ends by a terminal rule."""
    run, closed = rules.run(word, max_steps=LIMIT), closure(rules).run(word, max_steps=LIMIT + 1)
    assert closed.word == run.word or not run.halted
    assert (closed.outcome == mk.Outcome.TERMINAL_RULE) == run.halted
    if run.halted:
        assert closed.steps == run.steps + (run.outcome == mk.Outcome.NO_RULE_APPLIES)


def law_of_renaming(rules: mk.RuleSet, letters: Mapping, word) -> None:
    """Renaming commutes with running, step by step, where no two letters become the same."""
    table = str.maketrans(dict(letters))
    by_rules = [step.word.translate(table) for step in rules.trace(word, max_steps=LIMIT)]
    assert [step.word for step in rename(rules, letters).trace(word.translate(table), max_steps=LIMIT)] == by_rules


def law_of_two_letters(rules: mk.RuleSet, letters: str, word: str) -> None:
    """The translation makes the translated words, step by step."""
    translated, code = two_letters(rules, letters)
    table = str.maketrans(code)
    run, other = rules.run(word, max_steps=LIMIT), translated.run(word.translate(table), max_steps=LIMIT)
    assert (other.word, other.outcome, other.steps) == (run.word.translate(table), run.outcome, run.steps)
    assert other.fired.tolist() == run.fired.tolist()


# -- the laws hold -----------------------------------------------------------------------------------------------------


@settings(max_examples=tries(120))
@given(st.lists(RULE_SETS, min_size=1, max_size=3), WORDS)
def test_composition(algorithms, word: str) -> None:
    law_of_composition(algorithms, word)
    law_of_composition([as_bytes(rules) for rules in algorithms], word.encode(), LETTERS.encode())


@settings(max_examples=tries(120))
@given(RULE_SETS, RULE_SETS, st.none() | RULE_SETS, ACCEPTS, WORDS)
def test_branching(test, then, otherwise, accepts, word: str) -> None:
    whole = branch(test, then, otherwise, accepts=accepts, letters=LETTERS)
    no = None if otherwise is None else "otherwise"
    blocks = {"test": Test(test, "then", no, accepts), "then": Run(then, None)}
    if otherwise is not None:
        blocks["otherwise"] = Run(otherwise, None)
    law_of_charts(whole, blocks, word)


@settings(max_examples=tries(80))
@given(RULE_SETS, RULE_SETS, ACCEPTS, WORDS)
def test_repetition(test, body, accepts, word: str) -> None:
    """While, and until: the second is the body and then the first with yes and no exchanged."""
    law_of_charts(
        repeat_while(test, body, accepts=accepts, letters=LETTERS),
        {"test": Test(test, "body", None, accepts), "body": Run(body, "test")},
        word,
    )
    law_of_charts(
        repeat_until(body, test, accepts=accepts, letters=LETTERS),
        {"body": Run(body, "test"), "test": Test(test, None, "body", accepts)},
        word,
    )


# One step at a time, and whether a word occurs: loops of these go round several times.
ONE_STEP = st.builds(mk.Rule, st.text(LETTERS, min_size=1, max_size=2), SIDES, st.just(True)).map(
    lambda r: mk.RuleSet([r])
)
OCCURS = st.text(LETTERS, min_size=1, max_size=2).map(lambda word: mk.RuleSet([(word, word, True)]))


@settings(max_examples=tries(80))
@given(OCCURS, ONE_STEP, st.text(LETTERS, max_size=8))
def test_repetition_round_after_round(occurs, step, word: str) -> None:
    law_of_charts(
        repeat_while(occurs, step, accepts="terminal", letters=LETTERS),
        {"test": Test(occurs, "body", None, "terminal"), "body": Run(step, "test")},
        word,
    )
    law_of_charts(
        repeat_until(step, occurs, accepts="terminal", letters=LETTERS),
        {"body": Run(step, "test"), "test": Test(occurs, None, "body", "terminal")},
        word,
    )


def test_how_often_a_loop_goes_round() -> None:
    """While a b is there the first a goes, and until all letters are b: asked before and asked after."""
    less, has_b, only_b = mk.RuleSet([("a", "", True)]), mk.RuleSet([("b", "b", True)]), mk.RuleSet([("b", "")])
    swap = mk.RuleSet([("b", "a", True)])
    assert repeat_while(has_b, swap, accepts="terminal").run("abab").word == "aaaa"
    assert repeat_while(has_b, swap, accepts="terminal").run("aa").word == "aa"
    assert repeat_until(less, only_b).run("aabab").word == "bb"
    assert repeat_until(less, only_b).run("b").word == "b"
    assert repeat_until(swap, mk.RuleSet([("a", "")])).run("bbab").word == "aaaa"
    assert repeat_until(mk.RuleSet([("", "a", True)]), only_b).run("", max_steps=2000).halted is False


@st.composite
def charts(draw):
    names = "pqrs"[: draw(st.integers(1, 4))]
    then = st.sampled_from([*names, None])
    run = st.builds(Run, RULE_SETS | ONE_STEP, then)
    test = st.builds(Test, RULE_SETS, then, then, ACCEPTS) | st.builds(Test, OCCURS, then, then, st.just("terminal"))
    return {name: draw(run | test) for name in names}


@settings(max_examples=tries(100))
@given(charts(), WORDS)
def test_charts(blocks, word: str) -> None:
    whole = flowchart(blocks, letters=LETTERS)
    law_of_charts(whole, blocks, word)
    s = len(LETTERS)
    sizes = [s + 2 + s + 1 if isinstance(b, Run) else s * s + 4 * s + 3 + 2 * (s + 1) for b in blocks.values()]
    assert len(whole) <= sum(len(b.rules) for b in blocks.values()) + sum(sizes) + s + 2
    # Blocks in another order are the same chart if the first is the same.
    first, *others = blocks
    law_of_charts(flowchart({name: blocks[name] for name in [first, *others[::-1]]}, letters=LETTERS), blocks, word)


@given(RULE_SETS, WORDS)
def test_closure(rules, word: str) -> None:
    law_of_closure(rules, word)
    if len(rules):  # The closure of the empty rule set is text.
        law_of_closure(as_bytes(rules), word.encode())


@given(RULE_SETS, st.permutations("abcxyz"), WORDS)
def test_renaming(rules, others, word: str) -> None:
    law_of_renaming(rules, dict(zip(LETTERS, others, strict=False)), word)


@given(RULE_SETS, WORDS)
def test_two_letters(rules, word: str) -> None:
    law_of_two_letters(rules, LETTERS, word)
    translated, code = two_letters(as_bytes(rules), LETTERS.encode(), using=b"\x00\xff")
    image = b"".join(code[letter.encode()] for letter in word)
    run = rules.run(word, max_steps=LIMIT)
    assert translated.run(image, max_steps=LIMIT).word == b"".join(code[letter.encode()] for letter in run.word)
    assert set(b"".join(code.values())) == {0, 255}


def test_every_small_rule_set_composed_with_every_other() -> None:
    """All pairs of one rule over two letters, on all words of up to two letters."""
    sides = ["", "a", "b", "ab"]
    rules = [mk.RuleSet([(p, r, t)]) for p, r, t in product(sides, sides, (False, True))]
    words = ["", "a", "b", "ab", "ba"]
    for first, second in product(rules, rules):
        whole = compose(first, second, letters="ab")
        for word in words:
            a = oracle.run(list(first), word, max_steps=10)
            b = oracle.run(list(second), a.word, max_steps=10)
            run = whole.run(word, max_steps=100)
            if a.outcome <= 2 and b.outcome <= 2:
                assert (run.word, run.halted) == (b.word, True)
            else:
                assert not run.halted


# -- what they cost ----------------------------------------------------------------------------------------------------


@settings(max_examples=tries(40))
@given(st.lists(RULE_SETS, min_size=1, max_size=4), ACCEPTS)
def test_the_stated_sizes(algorithms, accepts) -> None:
    alphabet = {*LETTERS}
    s, k = len(alphabet), len(algorithms)
    whole = compose(*algorithms, letters=LETTERS)
    assert len(whole) <= sum(map(len, algorithms)) + k * (2 * s + 3)
    assert len({*letters_of(whole)} - alphabet) <= 2 + (k - 1) * (s + 3)
    test, then, otherwise = (algorithms * 3)[:3]
    whole = branch(test, then, otherwise, accepts=accepts, letters=LETTERS)
    parts = len(test) + len(then) + len(otherwise)
    assert len(whole) <= parts + s * s + 5 * s + 5 + 2 * (3 * s + 4)
    assert len({*letters_of(whole)} - alphabet) <= 3 * s + 12


@settings(max_examples=tries(100))
@given(RULE_SETS, RULE_SETS, ACCEPTS, WORDS)
def test_the_stated_steps_of_a_branch(test, then, accepts, word: str) -> None:
    asked = run_part(test, word)
    end = run_part(then if accepted(asked, accepts) else mk.RuleSet(), word)
    if not asked.halted or not end.halted:
        return
    n, m, r = len(word), len(end.word), len(asked.word)
    run = branch(test, then, mk.RuleSet(), accepts=accepts, letters=LETTERS).run(word)
    assert run.steps <= asked.steps + end.steps + n * (n - 1) // 2 + n + 2 * r + 5 + n + 2 * m + 4


def test_a_chart_is_smaller_than_combinators_of_combinators() -> None:
    sort, double = mk.RuleSet([("ba", "ab")]), mk.RuleSet([("#a", "aa#"), ("#b", "bb#"), ("#", "", True), ("", "#")])
    nested = compose(compose(sort, double), sort)
    flat = compose(sort, double, sort)
    assert nested.run("ba").word == flat.run("ba").word == "aabb"
    assert len(letters_of(flat)) < len(letters_of(nested))


# -- programs ----------------------------------------------------------------------------------------------------------


def test_the_algorithm_of_euclid_by_a_chart() -> None:
    """gcd(a, b) of aⁿbᵐ: the smaller is taken from the greater while both are there."""
    both = mk.RuleSet([("ab", "ab", True), ("ba", "ba", True)])
    # Each pair of an a and a b becomes a c; what is left over becomes a, and c becomes b.
    pairs = mk.RuleSet([("ba", "ab"), ("ac", "ca"), ("bc", "cb"), ("ab", "c")])
    swap = mk.RuleSet([("#a", "a#"), ("#b", "a#"), ("#c", "b#"), ("#", "", True), ("", "#")])
    rules = flowchart(
        {"both?": Test(both, "pairs", None, "terminal"), "pairs": Run(pairs, "swap"), "swap": Run(swap, "both?")}
    )
    for n, m in product(range(1, 9), repeat=2):
        assert len(rules.run("a" * n + "b" * m).word) == gcd(n, m)


def test_a_test_that_does_not_halt() -> None:
    for_ever = mk.RuleSet([("", "a")])
    assert branch(for_ever, mk.RuleSet()).run("a", max_steps=5000).outcome == mk.Outcome.STEP_LIMIT
    assert repeat_while(mk.RuleSet([("a", "")]), mk.RuleSet()).run("a", max_steps=5000).outcome == mk.Outcome.STEP_LIMIT


def test_words_without_letters() -> None:
    nothing, closed = mk.RuleSet(), mk.RuleSet([("", "", True)])
    assert branch(nothing, closed, nothing).run("").outcome == mk.Outcome.TERMINAL_RULE
    assert repeat_until(closed, nothing).run("").word == ""
    assert not repeat_while(nothing, closed).run("", max_steps=1000).halted


def test_no_rule_of_a_combination_is_dead() -> None:
    """If none of the parts' is; after an empty pattern nothing is taken over."""
    a, b, c = mk.RuleSet([("a", "b"), ("", "c", True), ("b", "")]), mk.RuleSet([("c", "a", True)]), mk.RuleSet()
    for accepts in ("empty", "terminal"):
        for whole in (compose(a, b, c), branch(a, b, c, accepts=accepts), repeat_while(a, b), repeat_until(b, a)):
            assert not [finding for finding in analysis.check(whole) if finding.kind == "dead"]


def test_no_algorithms_leave_the_word() -> None:
    assert compose().run("any word").word == "any word"
    assert compose(mk.RuleSet(), mk.RuleSet(), letters="ab").run("abba").word == "abba"
    assert compose(mk.RuleSet(), letters=b"ab").run(b"abba").word == b"abba"


# -- letters -----------------------------------------------------------------------------------------------------------


def test_fresh_letters_are_fresh() -> None:
    used = fresh_letters(30, "xβ")
    assert len(set(used)) == 30
    assert not {"x", "β"} & {*used}
    assert fresh_letters(10, used)[0] not in used
    assert len({*fresh_letters(90_000, "")}) == 90_000
    assert fresh_letters(256, "", "bytes") == "".join(map(chr, [*range(128, 256), *range(128)]))
    with pytest.raises(ValueError, match="more than 255 fresh letters are needed and none are left of the 256 bytes"):
        fresh_letters(256, "\x80", "bytes")
    with pytest.raises(ValueError, match="none are left"):
        fresh_letters(100_000, "")


def test_fresh_letters_that_are_given() -> None:
    rules = mk.RuleSet([("ba", "ab")])
    whole = compose(rules, rules, fresh="12345678")
    assert {*letters_of(whole)} == {*"ab1234567"}
    assert whole.run("ba").word == "ab"
    with pytest.raises(ValueError, match="give more of them"):
        compose(rules, rules, fresh="123")
    with pytest.raises(ValueError, match="fresh letter 'a'"):
        compose(rules, rules, fresh="12a")
    with pytest.raises(ValueError, match="give more of them"):
        FreshLetters("", given="xx").take(2)


def test_bytes_that_leave_no_fresh_letters() -> None:
    every = bytes(range(256))
    with pytest.raises(ValueError, match="none are left of the 256 bytes; use text"):
        compose(mk.RuleSet([(b"a", b"b")]), mk.RuleSet([(b"b", b"a")]), letters=every)
    most = compose(mk.RuleSet([(b"a", b"b")]), mk.RuleSet([(b"b", b"c")]), letters=bytes(range(125)))
    assert most.run(b"a" + bytes(range(125))).word == b"c" + bytes(range(125)).replace(b"a", b"c").replace(b"b", b"c")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: compose(mk.RuleSet([("a", "")]), mk.RuleSet([(b"a", b"")])), TypeError, "all text or all bytes"),
        (lambda: compose(mk.RuleSet([("a", "")]), letters=b"a"), TypeError, "all text or all bytes"),
        (lambda: compose(mk.RuleSet([("a", "")]), fresh=b"a"), TypeError, "all text or all bytes"),
        (lambda: branch(mk.RuleSet(), mk.RuleSet(), accepts="yes"), ValueError, "block 'test': accepts is"),
        (lambda: flowchart({}), ValueError, "at least one block"),
        (lambda: flowchart({"a": Run(mk.RuleSet(), "b")}), ValueError, "block 'a': there is no block 'b'"),
        (lambda: flowchart({"a": Test(mk.RuleSet(), None, "b")}), ValueError, "there is no block 'b'"),
        (lambda: rename(mk.RuleSet([("a", "b")]), {"a": "b"}), ValueError, "'a' and 'b' would both become 'b'"),
        (lambda: rename(mk.RuleSet([("a", "b")]), {"a": "x", "c": "x"}), ValueError, "would both become 'x'"),
        (lambda: rename(mk.RuleSet([("a", "b")]), {"a": "xy"}), ValueError, "single characters, got 'xy'"),
        (lambda: rename(mk.RuleSet([("a", "b")]), {b"a": "x"}), TypeError, "are characters, got b'a'"),
        (lambda: rename(mk.RuleSet([(b"a", b"b")]), {"a": "x"}), TypeError, "are bytes, got 'a'"),
        (lambda: two_letters(mk.RuleSet(), using="a"), ValueError, "two different letters"),
        (lambda: two_letters(mk.RuleSet(), using="aa"), ValueError, "two different letters"),
        (lambda: two_letters(mk.RuleSet([("a", "b")]), b"a"), TypeError, "is bytes, and the rules are text"),
        (lambda: compose(mk.RuleSet(), "a"), TypeError, r"^algorithms\[1\] must be a RuleSet, not str"),
        (lambda: compose(mk.RuleSet(), letters=5), TypeError, "^letters must be str or bytes, not int"),
        (lambda: branch(mk.RuleSet(), [("a", "b")]), TypeError, "^block 'then': rules must be a RuleSet, not list"),
        (lambda: flowchart({"a": 5}), TypeError, "^block 'a' must be a Run or a Test, not int"),
        (lambda: flowchart({"a": Run("a", None)}), TypeError, "^block 'a': rules must be a RuleSet, not str"),
        (lambda: flowchart([]), TypeError, "^blocks must map names to Run and Test, got a list"),
        (lambda: rename(mk.RuleSet([("a", "b")]), "ab"), TypeError, "^letters must map letters to letters, got a str"),
        (lambda: closure("a"), TypeError, "^rules must be a RuleSet, not str"),
        (lambda: two_letters([("a", "b")]), TypeError, "^rules must be a RuleSet, not list"),
    ],
)
def test_what_cannot_be_combined(call, error, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
