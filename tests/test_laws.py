"""The laws over every matcher and both strategies; and for each law an engine that breaks it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from effort import tries
from hypothesis import Phase, settings

import markovlib as mk
from markovlib.analysis import certify, confluence
from markovlib.testing import Answer, Disagreement, Limits, Run, check_laws, law_tests, laws, oracle

BOTH = ("markov", "leftmost")
MATCHERS = ("auto", "bits", "scan", "index")
FEW = 10


class Ours:
    """The engine with one matcher: traced, or steps that nobody records; batches."""

    def __init__(self, matcher: str, traced: bool = True) -> None:
        self.matcher, self.traced = matcher, traced

    def run(self, rules: Any, word: Any, limits: Limits) -> Any:
        options = {**limits._asdict(), "matcher": self.matcher}
        if not self.traced:
            return mk.RuleSet(rules).run(word, **options)
        trace = mk.RuleSet(rules).trace(word, **options)
        steps = [step[:2] for step in trace]
        return Answer(trace.word, trace.outcome, trace.steps, trace.result.cycle, steps)

    def run_batch(self, rules: Any, words: Any, limits: Limits) -> Any:
        batch = mk.RuleSet(rules).run_batch(words, **limits._asdict(), matcher=self.matcher, threads=2)
        answers = zip(batch.words.tolist(), batch.outcomes.tolist(), batch.steps.tolist(), strict=True)
        return [Answer(*answer) for answer in answers]


TestAuto = law_tests(Ours("auto"), strategies=BOTH, max_examples=FEW)
TestText = law_tests(Ours("auto"), alphabet="aé☃", strategies=BOTH, max_examples=FEW)
TestBytes = law_tests(Ours("index"), alphabet=b"a\xff", strategies=BOTH, detect_cycles=None, max_examples=FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("matcher", "alphabet"), [*zip(MATCHERS, ["aé☃", "ab", b"ab\xff", "ab"], strict=True)])
def test_the_laws_on_many_cases(matcher: str, alphabet: Any) -> None:
    options = {
        "strategies": BOTH,
        "detect_cycles": None,
        "max_examples": int(os.environ.get("MARKOVLIB_LAW_EXAMPLES", tries(60))),
    }
    traced = check_laws(Ours(matcher), alphabet=alphabet, **options)
    assert set(traced.values()) == {"holds"}, traced
    long = {"word_size": 400, "pattern_size": 7, "replacement_size": 9, "max_length": 900, "count": (1, 6)}
    untraced = check_laws(Ours(matcher, traced=False), alphabet=alphabet, **options, **long)
    assert untraced.pop("trace_replays") == "skipped: the engine gives no trace"
    assert set(untraced.values()) == {"holds"}, untraced


# ---- a law that nothing can break is none ----------------------------------------------------------------------------


def asked(rules: Any, word: Any, limits: Limits) -> oracle.OracleRun:
    return oracle.run(rules, word, *limits)


def steps_in_pairs(rules: Any, word: Any, limits: Limits) -> Any:
    """Takes an even number of steps, where a limit of more than one stops it."""
    steps = limits.max_steps if limits.max_steps is None or limits.max_steps < 2 else limits.max_steps // 2 * 2
    return asked(rules, word, limits._replace(max_steps=steps))


def forgets_one_step(rules: Any, word: Any, limits: Limits) -> Any:
    """Does not count the first of many steps, so that a run in two pieces counts otherwise."""
    found = asked(rules, word, limits)
    return found._replace(steps=found.steps - (found.steps > 3), trace=None)


def shifted_trace(rules: Any, word: Any, limits: Limits) -> Any:
    found = asked(rules, word, limits)
    return found._replace(trace=[(rule, at + 1, after) for rule, at, after in found.trace])


def stops_early(rules: Any, word: Any, limits: Limits) -> Any:
    """Says that no rule applies where only the last one does."""
    return asked(rules[:-1], word, limits)


def fond_of_b(rules: Any, word: Any, limits: Limits) -> Any:
    found = asked(rules, word, limits)
    return found._replace(word=found.word.replace("b", "b!"))


def last_rule_counts(rules: Any, word: Any, limits: Limits) -> Any:
    return asked(rules if len(rules) < 3 else rules[-1:] + rules[:-1], word, limits)


def rightmost(rules: Any, word: Any, limits: Limits) -> Any:
    """`leftmost` from the right end."""
    if limits.strategy == "markov":
        return asked(rules, word, limits)
    mirrored = [(pattern[::-1], replacement[::-1], terminal) for pattern, replacement, terminal in rules]
    found = asked(mirrored, word[::-1], limits)
    return found._replace(word=found.word[::-1], trace=None)


def ends_at_two(rules: Any, word: Any, limits: Limits) -> Any:
    return asked(rules, word, limits._replace(max_steps=min(2, limits.max_steps)))


def forgets_fresh_letters(rules: Any, word: Any, limits: Limits) -> Any:
    """Leaves out rules of letters that nobody writes, which is what combinators are made of."""
    return asked([rule for rule in rules if rule[0].isascii() and rule[1].isascii()], word, limits)


class ReversedBatch:
    run = staticmethod(asked)

    def run_batch(self, rules: Any, words: Any, limits: Limits) -> Any:
        return [asked(rules, word, limits) for word in reversed(words)]


BREAKING = {
    "run_is_iterated_step": steps_in_pairs,
    "resuming_is_not_stopping": forgets_one_step,
    "trace_replays": shifted_trace,
    "halted_words_are_normal_forms": stops_early,
    "batch_is_map": ReversedBatch(),
    "renaming_commutes": fond_of_b,
    "dead_rule_changes_nothing": last_rule_counts,
    "strategies_agree": rightmost,
    "certified_runs_end": ends_at_two,
    "composition_is_one_after_another": forgets_fresh_letters,
    "branch_takes_one_way": forgets_fresh_letters,
    "repetition_is_a_loop": forgets_fresh_letters,
}


def test_every_law_has_an_engine_that_breaks_it() -> None:
    assert set(BREAKING) == set(laws.LAWS)


@pytest.fixture
def no_shrinking() -> Iterator[None]:
    """The first case that breaks a law is enough."""
    usual = settings.get_profile("markovlib")
    settings.register_profile("no shrinking", usual, phases=[Phase.generate], derandomize=True, database=None)
    settings.load_profile("no shrinking")
    yield
    settings.load_profile("markovlib")


@pytest.mark.usefixtures("no_shrinking")
@pytest.mark.parametrize("name", laws.LAWS)
def test_a_law_can_be_broken(name: str) -> None:
    case = law_tests(BREAKING[name], strategies=BOTH, max_examples=500)(f"test_{name}")
    result = case.run()
    assert result is not None
    problems = [text for _, text in (*result.failures, *result.errors)]
    assert len(problems) == 1
    assert "Disagreement" in problems[0]


@pytest.mark.usefixtures("no_shrinking")
def test_check_laws_raises_the_first_that_is_broken() -> None:
    with pytest.raises(Disagreement, match=r"a trace does not lead|where its pattern is not"):
        check_laws(shifted_trace)


def test_what_an_engine_does_not_say_is_skipped() -> None:
    said = check_laws(lambda rules, word, limits: asked(rules, word, limits).word, max_examples=5)
    assert said["trace_replays"] == "skipped: the engine gives no trace"
    assert said["batch_is_map"] == "skipped: the engine gives no run_batch"
    assert said["run_is_iterated_step"] == "skipped: the engine gives no outcome"
    assert said["renaming_commutes"] == "holds"
    assert "strategies_agree" not in said


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"confluent": True}, lambda rules, _: not any(rule.terminal for rule in rules)),
        ({"growing": True}, lambda rules, _: all(len(rule.replacement) > len(rule.pattern) for rule in rules)),
        ({"terminals": False}, lambda rules, _: not any(rule.terminal for rule in rules)),
        ({"empty_patterns": False}, lambda rules, _: all(rule.pattern for rule in rules)),
        ({"strategies": ["leftmost"]}, lambda _, limits: limits.strategy == "leftmost"),
    ],
)
def test_an_engine_is_asked_for_no_more_than_the_options_say(options: Any, known: Any) -> None:
    def engine(rules: Any, word: Any, limits: Limits) -> Any:
        assert known(rules, limits)
        return asked(rules, word, limits)

    said = check_laws(engine, max_examples=FEW, **options)
    assert said.get("dead_rule_changes_nothing") == (None if "confluent" in options else "holds")
    assert "composition_is_one_after_another" not in said
    assert ("certified_runs_end" in said) == ("strategies" not in options)


class Strict:
    """An engine that fails when it is asked for what the options leave out."""

    def __init__(self, *, words: bool, **options: Any) -> None:
        """`words`: whether every word that it is asked for is the first of a run."""
        self.word_size = options.get("word_size", (0, 12)) if words else (0, 2**30)
        self.pattern_size, self.count = options.get("pattern_size", (0, 3)), options.get("count", (0, 4))
        self.growing, self.confluent = options.get("growing", False), options.get("confluent", False)

    def run(self, rules: Any, word: Any, limits: Limits) -> Any:
        assert self.word_size[0] <= len(word) <= self.word_size[1], word
        assert self.count[0] <= len(rules) <= self.count[1], rules
        least, most = self.pattern_size
        assert all(least <= len(rule.pattern) <= most for rule in rules), rules
        assert not self.growing or all(len(rule.replacement) > len(rule.pattern) for rule in rules), rules
        assert not self.confluent or confluence(mk.RuleSet(rules)).status == "confluent", rules
        return asked(rules, word, limits)

    def run_batch(self, rules: Any, words: Any, limits: Limits) -> Any:
        return [self.run(rules, word, limits) for word in words]


STRICT = {
    "terminating": {"terminating": True},
    "confluent": {"confluent": True},
    "short words": {"word_size": (2, 3)},
    "long words": {"word_size": (15, 20)},
    "long patterns": {"pattern_size": (2, 3), "empty_patterns": False},
    "growing": {"growing": True, "pattern_size": (1, 2)},
    "two rules": {"count": (2, 3)},
    "one rule": {"count": (1, 1)},
    "no rules": {"count": (0, 0)},
    "only insertions": {"alphabet": "a", "pattern_size": (0, 0), "replacement_size": (4, 6), "growing": True},
    "endless": {"alphabet": "a", "pattern_size": (0, 0), "replacement_size": (4, 6), "terminals": False},
}


@pytest.mark.parametrize("name", STRICT)
def test_every_case_is_as_the_options_say(name: str) -> None:
    options: dict[str, Any] = STRICT[name]
    tried = {law for law in laws.LAWS if hasattr(law_tests(asked, **options), f"test_{law}")}
    assert ("dead_rule_changes_nothing" in tried) == (name not in ("confluent", "one rule", "no rules"))
    assert ("certified_runs_end" in tried) == (name != "endless")
    for law in tried - set(laws._OF_COMBINATORS):
        engine = Strict(words=law in ("batch_is_map", "certified_runs_end"), **options)
        result = law_tests(engine, max_examples=FEW, **options)(f"test_{law}").run()
        assert result is not None
        assert not result.failures + result.errors, (law, result.failures + result.errors)


@pytest.mark.parametrize("alphabet", ["ab", "pqr", b"a\xff"])
def test_letters_are_renamed_within_the_alphabet(alphabet: Any) -> None:
    asked_for = []

    def engine(rules: Any, word: Any, limits: Limits) -> Any:
        asked_for.append(set(word).union(*(pattern + replacement for pattern, replacement, _ in rules)))
        return asked(rules, word, limits)

    test = law_tests(engine, alphabet=alphabet, max_examples=FEW)("test_renaming_commutes")
    assert test.run().wasSuccessful()
    assert set().union(*asked_for) == set(alphabet)


def test_one_letter_has_no_other_name() -> None:
    assert not hasattr(law_tests(asked, alphabet="a"), "test_renaming_commutes")


def test_laws_are_plain_functions() -> None:
    rules = mk.RuleSet([("ab", "b"), ("b", "c", True)])
    run = Run(rules, "aab", Limits(max_steps=9))
    laws.run_is_iterated_step(asked, run)
    laws.resuming_is_not_stopping(asked, run, 1)
    laws.renaming_commutes(asked, run, {"a": "b", "b": "a"})
    laws.dead_rule_changes_nothing(asked, run, 1, mk.Rule("cab", ""))
    with pytest.raises(ValueError, match="can fire at 0"):
        laws.dead_rule_changes_nothing(asked, run, 0, mk.Rule("cab", ""))
    with pytest.raises(ValueError, match="can fire at 1"):
        laws.dead_rule_changes_nothing(
            asked, run._replace(limits=Limits(9, strategy="leftmost")), 1, mk.Rule("cab", "")
        )
    with pytest.raises(ValueError, match="one to one"):
        laws.renaming_commutes(asked, run, {"a": "b", "b": "b"})
    proof = certify(rules)
    assert proof is not None
    laws.certified_runs_end(asked, rules, "aab", proof)


def test_bad_options_of_laws() -> None:
    with pytest.raises(ValueError, match="strategies must be"):
        law_tests(asked, strategies=["any"])
    with pytest.raises(ValueError, match="pattern_size must be"):
        check_laws(asked, pattern_size=(3, 1))
