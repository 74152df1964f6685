"""What an engine is asked and what it answers, so that any interpreter can be compared with the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from markovlib.outcome import Outcome
from markovlib.rules import MAX_LENGTH, MAX_STEPS, Rule, RuleSet, Strategy, as_rule
from markovlib.testing import oracle


class Limits(NamedTuple):
    """How far a run may go, and in which reading; the keywords of `RuleSet.run` and of the oracle.

    `max_steps` and `max_length` (bytes) may be None for no limit.

    >>> from markovlib import RuleSet
    >>> RuleSet([("a", "b")]).run("aa", **Limits(max_steps=1)._asdict()).word
    'ba'
    """

    max_steps: int | None = MAX_STEPS
    max_length: int | None = MAX_LENGTH
    detect_cycles: bool = False
    strategy: Strategy = "markov"


class Answer(NamedTuple):
    """What an engine says of a run; what is None it does not say, and is not compared.

    `outcome` is an `Outcome`, its value or its name, in small letters too; `cycle` is (start, period) after
    `Outcome.CYCLE`; `trace` is the (rule, position) of each step, positions counting letters.
    """

    word: Any = None
    outcome: int | str | None = None
    steps: int | None = None
    cycle: tuple[int, int] | None = None
    trace: Sequence[tuple[int, int]] | None = None


Rules: TypeAlias = RuleSet | Sequence[Rule]
GivenRules: TypeAlias = RuleSet | Sequence[Rule | tuple[Any, Any] | tuple[Any, Any, bool]]
Engine: TypeAlias = Callable[[Rules, Any, Limits], Any] | Any
"""Something to be tested: a callable `run(rules, word, limits)`, or an object that has it as a method `run`.

`rules` is a sequence of (pattern, replacement, terminal), all str or all bytes as the word is.  It gives an `Answer`,
the last word alone, or an object that has attributes of an answer's names, such as `RunResult`.
An object may also have `run_batch(rules, words, limits)`, which gives such a result for each word, and `reset()`,
called before each case of a state machine, so that what an engine remembers can be found and repeated.
"""


class Disagreement(AssertionError):
    """An engine's answer is not what it should be; the text shows the case and what differs."""


def as_rules(given: GivenRules) -> tuple[Rule, ...]:
    """Rules as an engine gets them, from whatever `RuleSet` takes; raises TypeError for what are none.

    >>> as_rules([("a", "b")])
    (Rule(pattern='a', replacement='b', terminal=False),)
    """
    return tuple(given) if isinstance(given, RuleSet) else tuple(as_rule(rule, i) for i, rule in enumerate(given))


def ask(engine: Engine, rules: GivenRules, word: Any, limits: Limits) -> Answer:
    """The engine's answer, whatever form it gives it in.

    Raises TypeError for a result that is no answer and for rules that are none, ValueError for an outcome that does not
    exist.

    >>> ask(lambda rules, word, limits: word.replace("a", "b"), [Rule("a", "b")], "aa", Limits())
    Answer(word='bb', outcome=None, steps=None, cycle=None, trace=None)
    """
    run = engine if callable(engine) else engine.run
    return as_answer(run(as_rules(rules), word, limits))


def as_answer(result: Any) -> Answer:
    """A result in any of the forms that an `Engine` may give."""
    if isinstance(result, str | bytes):
        return Answer(result)
    parts = {name: getattr(result, name) for name in Answer._fields if hasattr(result, name)}
    if not parts:
        raise TypeError(f"an engine gives a word, an Answer, or an object with its attributes, not {result!r}")
    if parts.get("outcome") is not None:
        parts["outcome"] = as_outcome(parts["outcome"])
    if parts.get("cycle") is not None:
        parts["cycle"] = tuple(parts["cycle"])
    if parts.get("trace") is not None:
        parts["trace"] = [(rule, position) for rule, position, *_ in parts["trace"]]
    return Answer(**parts)


def as_outcome(said: int | str) -> Outcome:
    """An outcome from its value or its name, in capitals or as `markovlib run --json` prints it."""
    if not isinstance(said, str):
        return Outcome(said)
    if said.upper() not in Outcome.__members__:
        raise ValueError(f"there is no outcome {said!r}: they are {', '.join(Outcome.__members__)}")
    return Outcome[said.upper()]


_FEW = 10_000


def check(engine: Engine, rules: GivenRules, word: Any, limits: Limits | None = None) -> Answer:
    """The engine's answer, which must be the oracle's in all that it says.

    Raises `Disagreement` otherwise, TypeError for rules that are none.  O(steps · word · rules): the oracle is as plain
    as it can be, and keeps the word after every step.  So without `limits` a run has at most 10,000 steps and bytes.

    >>> check(lambda rules, word, limits: word.replace("a", "b"), [Rule("a", "b", True)], "aa")
    Traceback (most recent call last):
    ...
    markovlib.testing.engines.Disagreement: the engine disagrees with the oracle
      rules    ('a', 'b', terminal)
      word     'aa'
      limits   max_steps=10000, max_length=10000
      word after the run 'bb', should be 'ba'
    """
    rules, limits = as_rules(rules), limits or Limits(_FEW, _FEW)
    answer = ask(engine, rules, word, limits)
    expected = as_answer(oracle.run(rules, word, **limits._asdict()))
    require_same(answer, expected, "the engine disagrees with the oracle", rules, word, limits)
    return answer


def require_same(answer: Answer, expected: Answer, claim: str, rules: Rules, word: Any, limits: Limits) -> None:
    """Raises `Disagreement` if two answers differ in something that both say."""
    differences = [
        f"{'word after the run' if name == 'word' else name} {_shown(found)}, should be {_shown(right)}"
        for name, found, right in zip(Answer._fields, answer, expected, strict=True)
        if not _agree(name, found, right, expected)
    ]
    if differences:
        raise Disagreement("\n  ".join([claim, *_case(rules, word, limits), *differences]))


def _agree(name: str, found: Any, right: Any, expected: Answer) -> bool:
    if name == "cycle" and found is not None:
        # Without an outcome nothing says that the run has none.
        return bool(found == right) or expected.outcome is None
    if found is None or right is None:
        return True
    if name == "trace":
        return bool(list(found) == list(right))
    return bool(found == right)


def _case(rules: Rules, word: Any, limits: Limits) -> list[str]:
    shown = [f"({p!r}, {r!r}{', terminal' if t else ''})" for p, r, t in rules]
    given = [f"{name}={value!r}" for name, value in limits._asdict().items() if value != Limits._field_defaults[name]]
    return [
        f"rules    {', '.join(shown) or 'none'}",
        f"word     {word!r}",
        f"limits   {', '.join(given) or 'none'}",
    ]


def _shown(value: Any) -> str:
    return value.name if isinstance(value, Outcome) else repr(value)
