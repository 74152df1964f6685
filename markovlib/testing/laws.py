"""Laws of ordered rewriting, each a plain function that raises `Disagreement` where an engine breaks it.

None of them asks the oracle: they hold between answers of one engine, so they also serve where no oracle could follow.
A law that an engine says too little for raises `unittest.SkipTest`; a test of a law that no case was enough for is
skipped.
`law_tests` makes a test class of all of them, `check_laws` runs them at once.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeAlias

from hypothesis import given, reject, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from markovlib.analysis import Certificate
from markovlib.analysis.plain import as_letters, plain
from markovlib.analysis.verdict import prove
from markovlib.combinators import branch, compose, repeat_while
from markovlib.outcome import Outcome
from markovlib.rules import Rule, RuleSet
from markovlib.testing.engines import Answer, Disagreement, Engine, Limits, Rules, ask, require_same
from markovlib.testing.shapes import Shape, as_range
from markovlib.testing.strategies import Run, rule_sets, runs, words

# ---- of runs -------------------------------------------------------------------------------------------------------


def run_is_iterated_step(engine: Engine, run: Run) -> None:
    """A run is what runs of one step at a time come to: word, outcome, and number of steps."""
    asked, limits = run.rules, run.limits._replace(detect_cycles=False)
    whole = ask(engine, asked, run.word, limits)
    word, steps = run.word, 0
    while True:
        left = None if limits.max_steps is None else limits.max_steps - steps
        one = _outcome_of(ask(engine, asked, word, limits._replace(max_steps=1 if left is None else min(1, left))))
        word_before, word = word, one.word
        if one.outcome is Outcome.STEP_LIMIT and left != 0:
            steps += 1
            continue
        if one.outcome is Outcome.TERMINAL_RULE or (one.outcome is Outcome.NO_RULE_APPLIES and word != word_before):
            steps += 1
        break
    expected = Answer(word, one.outcome, steps)
    require_same(whole, expected, "a run is not its steps taken one by one", asked, run.word, limits)


def resuming_is_not_stopping(engine: Engine, run: Run, after: int) -> None:
    """A run stopped by a limit of `after` steps, and run on from there, is the run that was not stopped."""
    limits = run.limits._replace(detect_cycles=False)
    whole = ask(engine, run.rules, run.word, limits)
    stop = after if limits.max_steps is None else min(after, limits.max_steps)
    first = _outcome_of(ask(engine, run.rules, run.word, limits._replace(max_steps=stop)))
    if first.outcome is Outcome.STEP_LIMIT:
        rest = None if limits.max_steps is None else limits.max_steps - stop
        second = ask(engine, run.rules, first.word, limits._replace(max_steps=rest))
        taken = stop if first.steps is None else first.steps
        steps = None if second.steps is None else taken + second.steps
        first = Answer(second.word, second.outcome, steps)
    claim = f"a run stopped after {stop} steps and resumed is another run"
    require_same(first._replace(trace=None), whole, claim, run.rules, run.word, limits)


def trace_replays(engine: Engine, run: Run) -> None:
    """Each step of the trace finds its rule's pattern where it says, and the last word is the run's.

    Skipped for an engine that gives no trace.
    """
    answer = ask(engine, run.rules, run.word, run.limits)
    if answer.trace is None:
        _skip("trace")
    word = run.word
    for number, (index, at) in enumerate(answer.trace):
        pattern, replacement, _ = run.rules[index]
        if at < 0 or not word.startswith(pattern, at):
            _break(f"step {number} applies rule {index} at {at} of {word!r}, where its pattern is not", run)
        word = word[:at] + replacement + word[at + len(pattern) :]
    replayed = Answer(word, steps=len(answer.trace))
    require_same(answer, replayed, "a trace does not lead to the run's result", *run)


def halted_words_are_normal_forms(engine: Engine, run: Run) -> None:
    """Where no rule applies, no pattern occurs, and another run takes no step; where a limit stopped, one occurs."""
    answer = _outcome_of(ask(engine, run.rules, run.word, run.limits))
    if answer.outcome in (Outcome.TERMINAL_RULE, Outcome.CYCLE):
        return
    occurring = next((rule.pattern for rule in run.rules if rule.pattern in answer.word), None)
    if (occurring is None) != (answer.outcome is Outcome.NO_RULE_APPLIES):
        found = "no pattern occurs" if occurring is None else f"{occurring!r} occurs"
        _break(f"{answer.outcome!r}, but in {answer.word!r} {found}", run)
    if answer.outcome is Outcome.NO_RULE_APPLIES:
        again = ask(engine, run.rules, answer.word, run.limits)
        stays = Answer(answer.word, Outcome.NO_RULE_APPLIES, 0)
        require_same(again, stays, "a word to which no rule applies is rewritten", *run)


def batch_is_map(engine: Engine, rules: Rules, words: Sequence[Any], limits: Limits) -> None:
    """A batch gives for each word what a run of it gives.  Skipped for an engine without `run_batch`."""
    batch = getattr(engine, "run_batch", None)
    if batch is None:
        _skip("run_batch")
    answers = list(batch(tuple(rules), list(words), limits))
    if len(answers) != len(words):
        raise Disagreement(f"a batch of {len(words)} words has {len(answers)} answers")
    for row, (word, answer) in enumerate(zip(words, answers, strict=True)):
        alone = ask(engine, rules, word, limits)
        inside = ask(lambda *_, answer=answer: answer, rules, word, limits)
        require_same(inside, alone, f"row {row} of a batch is not the run of its word", rules, word, limits)


# ---- of rules ------------------------------------------------------------------------------------------------------


def renaming_commutes(engine: Engine, run: Run, renaming: Mapping[str, str]) -> None:
    """Letters renamed one to one, before the run or after it, give the same: none of them has a meaning of its own.

    `renaming` maps letters (bytes: as Latin-1) to letters.  The limit of length is left out: new letters may be of
    other sizes in UTF-8.
    """
    if len(set(renaming.values())) != len(renaming) or set(renaming) != set(renaming.values()):
        raise ValueError(f"renaming must map letters one to one onto themselves, got {dict(renaming)!r}")

    def renamed(word: Any) -> Any:
        letters = "".join(renaming.get(letter, letter) for letter in as_letters(word))
        return letters if isinstance(word, str) else letters.encode("latin-1")

    limits = run.limits._replace(max_length=None)
    other = [Rule(renamed(pattern), renamed(replacement), terminal) for pattern, replacement, terminal in run.rules]
    before = ask(engine, other, renamed(run.word), limits)
    after = ask(engine, run.rules, run.word, limits)
    if after.word is not None:
        after = after._replace(word=renamed(after.word))
    require_same(
        before, after, f"with letters renamed, {dict(renaming)!r}, the run is another", other, run.word, limits
    )


def dead_rule_changes_nothing(engine: Engine, run: Run, at: int, dead: Rule) -> None:
    """A rule put in at `at`, behind a rule whose pattern occurs in its own, is never seen.

    For `leftmost` the earlier pattern must begin the later one.  Raises ValueError if the rule is not dead there.
    """
    if not is_dead(run.rules[:at], dead.pattern, run.limits.strategy):
        raise ValueError(f"the rule {dead!r} can fire at {at} in {run.rules!r}")
    more = [*run.rules[:at], dead, *run.rules[at:]]
    with_it = ask(engine, more, run.word, run.limits)
    without = ask(engine, run.rules, run.word, run.limits)
    if without.trace is not None:
        without = without._replace(trace=[(index + (index >= at), place) for index, place in without.trace])
    require_same(with_it, without, f"rule {at}, which is dead, changes the run", more, run.word, run.limits)


def is_dead(earlier: Rules, pattern: Any, strategy: str) -> bool:
    """Whether a rule with this pattern can never fire behind the earlier ones."""
    if strategy == "leftmost":
        return any(pattern.startswith(rule.pattern) for rule in earlier)
    return any(rule.pattern in pattern for rule in earlier)


def strategies_agree(engine: Engine, run: Run) -> None:
    """Both strategies take the same step on every word of a run in which at most one rule's pattern occurs."""
    word, limits = run.word, run.limits._replace(detect_cycles=False, max_steps=1)
    for _ in range(run.limits.max_steps or 1):
        one = ask(engine, run.rules, word, limits._replace(strategy="markov"))
        if sum(rule.pattern in word for rule in run.rules) <= 1:
            other = ask(engine, run.rules, word, limits._replace(strategy="leftmost"))
            claim = "where at most one rule applies, leftmost and markov differ"
            require_same(other, one, claim, run.rules, word, limits)
        if _outcome_of(one).outcome is not Outcome.STEP_LIMIT:
            return
        word = one.word


# ---- of proofs -----------------------------------------------------------------------------------------------------


def certified_runs_end(engine: Engine, rules: RuleSet, word: Any, certificate: Certificate) -> None:
    """A run of rules that are proved to terminate ends within the proof's bounds on its steps and its length.

    Where the proof gives no number there is nothing to hold.
    """
    steps, length = certificate.max_steps(rules, word), certificate.max_length(rules, word)
    if steps is None:
        return
    limits = Limits(max_steps=steps, max_length=length)
    answer = _outcome_of(ask(engine, rules, word, limits))
    if not Outcome(answer.outcome).halted:  # type: ignore[arg-type]
        _break(f"proved to end, but the outcome is {answer.outcome!r}", Run(rules, word, limits))


# ---- of combinators ------------------------------------------------------------------------------------------------


def composition_is_one_after_another(engine: Engine, parts: Sequence[RuleSet], word: Any) -> None:
    """Composed rule sets make of a word what they make of it one after another, and end by a terminal rule.

    Where a part does not halt within a few steps there is nothing to hold, here and in the next two laws.
    """
    expected: Any = word
    for part in parts:
        expected = _made_by(engine, part, expected)
        if expected is None:
            return
    _require_whole(engine, compose(*parts, letters=word), word, expected, "a composition is not its parts in turn")


def branch_takes_one_way(engine: Engine, test: RuleSet, then: RuleSet, otherwise: RuleSet, word: Any) -> None:
    """A branch makes of a word what the rule set that its test chooses makes of it."""
    tested = _made_by(engine, test, word)
    if tested is None:
        return
    expected = _made_by(engine, otherwise if tested else then, word)
    if expected is not None:
        whole = branch(test, then, otherwise, letters=word)
        _require_whole(engine, whole, word, expected, "a branch is not the way that its test chooses")


def repetition_is_a_loop(engine: Engine, test: RuleSet, body: RuleSet, word: Any) -> None:
    """A repetition makes of a word what its body makes of it, run as often as the test accepts."""
    expected: Any = word
    for _ in range(_MOST_ROUNDS):
        tested = _made_by(engine, test, expected)
        if tested is None:
            return
        if tested:
            whole = repeat_while(test, body, letters=word)
            _require_whole(engine, whole, word, expected, "a repetition is not its body again and again")
            return
        expected = _made_by(engine, body, expected)
        if expected is None:
            return


def _made_by(engine: Engine, part: RuleSet, word: Any) -> Any:
    """The last word of a short run; None if it does not halt."""
    answer = _outcome_of(ask(engine, part, word, Limits(max_steps=_PART_STEPS, max_length=_PART_LENGTH)))
    return answer.word if Outcome(answer.outcome).halted else None  # type: ignore[arg-type]


def _require_whole(engine: Engine, whole: RuleSet, word: Any, expected: Any, claim: str) -> None:
    limits = Limits(max_steps=_WHOLE_STEPS)
    require_same(ask(engine, whole, word, limits), Answer(expected, Outcome.TERMINAL_RULE), claim, whole, word, limits)


_MOST_ROUNDS, _PART_STEPS, _PART_LENGTH, _WHOLE_STEPS = 4, 20, 30, 20_000


# ---- all of them ---------------------------------------------------------------------------------------------------

Arguments: TypeAlias = SearchStrategy[tuple[Any, ...]]


class Law(NamedTuple):
    """A law, and what it is tried on: given the options of `runs`, tuples of its arguments after the engine."""

    check: Callable[..., None]
    arguments: Callable[[dict[str, Any]], Arguments]


def _runs(options: dict[str, Any]) -> Arguments:
    return st.tuples(runs(**options))


def _stopped_runs(options: dict[str, Any]) -> Arguments:
    return st.tuples(runs(**options), st.integers(0, 20))


@st.composite
def _batches(draw: DrawFn, options: dict[str, Any]) -> tuple[Any, ...]:
    run = draw(runs(**options))
    more = _words_of(options, run.rules, kind=run.rules.kind or options.get("kind"))
    return run.rules, [run.word, *draw(st.lists(more, max_size=6))], run.limits


def _renamed_runs(options: dict[str, Any]) -> Arguments:
    """Runs, and the letters of their alphabet in another order."""
    letters = list(as_letters(options.get("alphabet", "ab")))
    orders = st.permutations(letters).map(lambda order: letters[::-1] if order == letters else order)
    return st.tuples(runs(**options), orders.map(lambda order: dict(zip(letters, order, strict=True))))


@st.composite
def _runs_with_dead_rules(draw: DrawFn, options: dict[str, Any]) -> tuple[Any, ...]:
    run = draw(runs(**{**options, "count": _count_beside_dead(options)}))
    shape = _shape_of(options)
    killer = draw(st.integers(0, len(run.rules) - 1))
    at = draw(st.integers(killer + 1, len(run.rules)))

    def side(least: int, most: int) -> Any:
        """A few letters where many are not needed."""
        size = (least, min(most, max(least, 2)))
        return draw(words(options.get("alphabet", "ab"), kind=run.rules.kind, size=size))

    pattern = run.rules[killer].pattern
    if run.limits.strategy == "markov":
        pattern = side(0, shape.pattern[1] - len(pattern)) + pattern
    pattern += side(0, shape.pattern[1] - len(pattern))
    least, most = shape.replacement
    replacement = side(max(least, len(pattern) + 1) if shape.growing else least, most)
    return run, at, Rule(pattern, replacement, shape.terminals and draw(st.booleans()))


def _count_beside_dead(options: dict[str, Any]) -> tuple[int, int]:
    """How many rules there may be for one more to be put in behind one of them; an empty range if none may."""
    least, most = _shape_of(options).count
    return max(1, least), most - 1


@st.composite
def _proved_runs(draw: DrawFn, options: dict[str, Any]) -> tuple[Any, ...]:
    """Rules, a word and a proof whose bounds are within reach."""
    drawn = draw(rule_sets(**_proved_options(options)))
    word = draw(_words_of(options, drawn, most=6))
    proof, _ = prove(plain(drawn), ("order", "weights"))
    bound = None if proof is None else proof.max_steps(drawn, word)
    if bound is None or bound > _MOST_STEPS:
        reject()
    return drawn, word, proof


def _proved_options(options: dict[str, Any]) -> dict[str, Any]:
    return {**_rule_options(options), "terminating": True}


def _parts_and_word(number: int) -> Callable[[dict[str, Any]], Arguments]:
    """So many rule sets, and a word of their pieces; few letters, since parts need letters of their own."""

    @st.composite
    def drawn(draw: DrawFn, options: dict[str, Any]) -> tuple[Any, ...]:
        least, most = _shape_of(options).count
        count = (min(max(1, least), most), min(max(3, least), most))
        own = {**options, "alphabet": options.get("alphabet", "ab")[:4], "count": count}
        parts = [draw(rule_sets(**_rule_options(own))) for _ in range(number)]
        return *parts, draw(_words_of(own, parts[0], most=5))

    return drawn


def _words_of(options: dict[str, Any], rules: RuleSet, most: int | None = None, **more: Any) -> SearchStrategy[Any]:
    """Words of pieces of the rules as the options want them; at most so long, where they let them be so short."""
    least, allowed = as_range(options.get("word_size", (0, 12)), "word_size")
    size = (least, allowed if most is None else min(allowed, max(least, most)))
    own = {"kind": options.get("kind"), "near_misses": options.get("near_misses", True), **more}
    return words(options.get("alphabet", "ab"), size=size, rules=rules, **own)


def _rule_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options of `runs` that are options of `rule_sets`."""
    return {name: value for name, value in options.items() if name not in _RUN_OPTIONS}


def _shape_of(options: dict[str, Any]) -> Shape:
    """The shape of the rules that the options ask for."""
    own = {"alphabet": "ab", "kind": None, **_rule_options(options)}
    own.pop("terminating", None)
    confluent = own.pop("confluent", False)
    if own.get("terminals") is None:
        own["terminals"] = not confluent
    return Shape.of(**own)


def _composed(options: dict[str, Any]) -> Arguments:
    return _parts_and_word(2)(options).map(lambda drawn: (drawn[:2], drawn[2]))


_MOST_STEPS = 5000
_RUN_OPTIONS = frozenset({"word_size", "near_misses", "max_steps", "max_length", "detect_cycles", "strategies"})

LAWS: dict[str, Law] = {
    "run_is_iterated_step": Law(run_is_iterated_step, _runs),
    "resuming_is_not_stopping": Law(resuming_is_not_stopping, _stopped_runs),
    "trace_replays": Law(trace_replays, _runs),
    "halted_words_are_normal_forms": Law(halted_words_are_normal_forms, _runs),
    "batch_is_map": Law(batch_is_map, _batches),
    "renaming_commutes": Law(renaming_commutes, _renamed_runs),
    "dead_rule_changes_nothing": Law(dead_rule_changes_nothing, _runs_with_dead_rules),
    "strategies_agree": Law(strategies_agree, _runs),
    "certified_runs_end": Law(certified_runs_end, _proved_runs),
    "composition_is_one_after_another": Law(composition_is_one_after_another, _composed),
    "branch_takes_one_way": Law(branch_takes_one_way, _parts_and_word(3)),
    "repetition_is_a_loop": Law(repetition_is_a_loop, _parts_and_word(2)),
}
"""Every law by its name."""

_OF_COMBINATORS = ("composition_is_one_after_another", "branch_takes_one_way", "repetition_is_a_loop")


def law_tests(engine: Engine, *, max_examples: int = 100, **options: Any) -> type[unittest.TestCase]:
    """A test class with a test for each law, to be named `Test...` in a test module.

    `options` are those of `runs`.  What they leave out no law asks of the engine, limits apart, which are those that
    the law needs: `strategies_agree` is there if `strategies` names both, that of proofs and those of combinators if it
    names `markov`; that of proofs if rules of such sizes can terminate; `renaming_commutes` if there are two letters;
    `dead_rule_changes_nothing` if `count` lets one more be put in, and not with `confluent`.  Combinators make terminal
    rules, empty patterns and empty replacements; where these may not be, or no rules at all, their laws are left out.
    They alone bring letters besides those of the alphabet, and more and longer rules.  Raises ValueError for impossible
    options.

    >>> from markovlib.testing import oracle
    >>> TestLaws = law_tests(lambda rules, word, limits: oracle.run(rules, word, *limits))
    >>> sorted(name for name in vars(TestLaws) if name.startswith("test"))[:3]
    ['test_batch_is_map', 'test_branch_takes_one_way', 'test_certified_runs_end']
    """
    runs(**options)  # raises for what is wrong with them
    tests = {f"test_{name}": _law_test(name, engine, max_examples, options) for name in _applicable(options)}
    return type("LawTests", (unittest.TestCase,), tests)


def check_laws(engine: Engine, *, max_examples: int = 100, **options: Any) -> dict[str, str]:
    """Tries every law, each on so many cases: "holds", or "skipped: ..." with the reason.

    `options` are those of `law_tests`.  Raises what the first law that does not hold raises, for its least case.

    >>> from markovlib.testing import oracle
    >>> said = check_laws(lambda rules, word, limits: oracle.run(rules, word, *limits), max_examples=20)
    >>> said["renaming_commutes"], said["batch_is_map"]
    ('holds', 'skipped: the engine gives no run_batch')
    """
    runs(**options)
    answers = {}
    for name in _applicable(options):
        try:
            _law_test(name, engine, max_examples, options)(None)
            answers[name] = "holds"
        except unittest.SkipTest as reason:
            answers[name] = f"skipped: {reason}"
    return answers


def _applicable(options: dict[str, Any]) -> list[str]:
    strategies = set(options.get("strategies", ("markov",)))
    shape = _shape_of(options)
    left_out = set[str]()
    if len(strategies) < 2:
        left_out.add("strategies_agree")
    if len(shape.letters) < 2:
        left_out.add("renaming_commutes")
    least, most = _count_beside_dead(options)
    if least > most or options.get("confluent"):  # with a dead rule more orders of steps are to be looked at
        left_out.add("dead_rule_changes_nothing")
    if "markov" not in strategies or not _is_possible(_proved_options(options)):
        left_out.add("certified_runs_end")
    any_sides = shape.pattern[0] == shape.replacement[0] == 0 and not shape.growing
    if "markov" not in strategies or not (any_sides and shape.terminals and shape.count[1]):
        left_out.update(_OF_COMBINATORS)
    return [name for name in LAWS if name not in left_out]


def _is_possible(options: dict[str, Any]) -> bool:
    try:
        rule_sets(**options)
    except ValueError:
        return False
    return True


def _law_test(name: str, engine: Engine, max_examples: int, options: dict[str, Any]) -> Callable[[Any], None]:
    law = LAWS[name]

    def test(_: Any) -> None:
        applied, reason = 0, unittest.SkipTest("no case was drawn")

        @settings(max_examples=max_examples, deadline=None)
        @given(law.arguments(options))
        def cases(arguments: tuple[Any, ...]) -> None:
            nonlocal applied, reason
            try:
                law.check(engine, *arguments)
                applied += 1
            except unittest.SkipTest as said:
                reason = said

        cases()
        if not applied:
            raise reason

    test.__name__ = test.__qualname__ = f"test_{name}"
    test.__doc__ = law.check.__doc__
    return test


def _outcome_of(answer: Answer) -> Answer:
    if answer.outcome is None or answer.word is None:
        _skip("outcome" if answer.outcome is None else "word")
    return answer


def _skip(what: str) -> NoReturn:
    raise unittest.SkipTest(f"the engine gives no {what}")


def _break(claim: str, run: Run) -> NoReturn:
    raise Disagreement(f"{claim}\n  rules    {run.rules!r}\n  word     {run.word!r}\n  limits   {run.limits!r}")
