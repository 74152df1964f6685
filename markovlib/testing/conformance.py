"""A Hypothesis state machine that drives any engine against the oracle."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import SearchStrategy

from markovlib.rules import Rule
from markovlib.testing.engines import Answer, Engine, Limits, check
from markovlib.testing.shapes import as_range
from markovlib.testing.strategies import limits, rules, runs, words


class EngineMachine(RuleBasedStateMachine):
    """Rules, a word and limits that change one at a time; after every change the engine must agree with the oracle.

    So what it finds shrinks to the rules, the word and the limit that are needed.  It also goes on from where the
    engine stopped, and asks earlier questions again, which finds engines that remember what they should not.
    `state_machine` makes one for an engine.
    """

    engine: ClassVar[Any]
    word_options: ClassVar[dict[str, Any]]
    rule_strategy: ClassVar[SearchStrategy[Rule]]
    limits_strategy: ClassVar[SearchStrategy[Limits]]
    first_limits: ClassVar[Limits]
    empty_word: ClassVar[Any]
    least_rules: ClassVar[int]
    most_rules: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.rule_list: list[Rule] = []
        self.word = self.empty_word
        self.limits = self.first_limits
        self.answer = Answer()
        if hasattr(self.engine, "reset"):
            self.engine.reset()
        self.asked: list[tuple[tuple[Rule, ...], Any, Limits]] = []

    @precondition(lambda self: len(self.rule_list) < self.most_rules)
    @rule(rule=st.runner().flatmap(lambda machine: machine.rule_strategy), at=st.integers(0, 9))
    def add_rule(self, rule: Rule, at: int) -> None:
        self.rule_list.insert(min(at, len(self.rule_list)), rule)

    @precondition(lambda self: len(self.rule_list) > self.least_rules)
    @rule(at=st.integers(0, 9))
    def remove_rule(self, at: int) -> None:
        self.rule_list.pop(min(at, len(self.rule_list) - 1))

    @rule(word=st.runner().flatmap(lambda machine: words(rules=machine.rule_list, **machine.word_options)))
    def set_word(self, word: Any) -> None:
        self.word = word

    @rule(limits=st.runner().flatmap(lambda machine: machine.limits_strategy))
    def set_limits(self, limits: Limits) -> None:
        self.limits = limits

    @precondition(lambda self: self.answer.word is not None)
    @rule()
    def go_on(self) -> None:
        """From the word that the engine stopped at."""
        self.word = self.answer.word

    @precondition(lambda self: self.asked)
    @rule(number=st.integers(0, 9))
    def ask_again(self, number: int) -> None:
        check(self.engine, *self.asked[min(number, len(self.asked) - 1)])

    @invariant()
    def agrees(self) -> None:
        self.answer = check(self.engine, tuple(self.rule_list), self.word, self.limits)
        self.asked.append((tuple(self.rule_list), self.word, self.limits))


def state_machine(engine: Engine, alphabet: Any = "ab", **options: Any) -> type[EngineMachine]:
    """A state machine that tests the engine; its `TestCase` is what a test module names `Test...`.

    `options` are those of `runs`: give those that say what the engine can do (`empty_patterns=False`,
    `strategies=["markov", "leftmost"]`, `max_length=None` for an engine without a limit of length ...).  How many
    examples are tried is a setting of the `TestCase`: `TestOurs.settings = settings(max_examples=20)`.  Raises
    ValueError for impossible options, and for those that hold for a rule set as a whole (`terminating`, `confluent`);
    TypeError for unknown ones.

    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> from markovlib.testing import oracle
    >>> run_state_machine_as_test(state_machine(lambda rules, word, limits: oracle.run(rules, word, *limits)))
    """
    whole = [name for name in ("terminating", "confluent") if options.get(name)]
    if whole:
        raise ValueError(f"{whole[0]}: a state machine changes rules one at a time; use runs for whole rule sets")
    if "max_steps" in options and options["max_steps"] is None:
        raise ValueError("max_steps=None: runs of rules that change one at a time may never end")
    runs(alphabet, **options)  # raises for what is wrong with any of them
    kind = options.pop("kind", None)
    size, near = options.pop("word_size", (0, 12)), options.pop("near_misses", True)
    names = ("max_steps", "max_length", "detect_cycles", "strategies")
    bounds = {name: options.pop(name) for name in names if name in options}
    steps = as_range(bounds.get("max_steps", 40), "max_steps")[1]
    first = Limits(steps, None, bool(bounds.get("detect_cycles")), next(iter(bounds.get("strategies", ["markov"]))))
    least, most = as_range(options.pop("count", (0, 4)), "count")
    one_rule = rules(alphabet, kind=kind, **options)
    name = getattr(engine, "__name__", type(engine).__name__)
    body = {
        "engine": staticmethod(engine),  # a function that does not become a method
        "word_options": {"alphabet": alphabet, "kind": kind, "size": size, "near_misses": near},
        "rule_strategy": one_rule,
        "limits_strategy": limits(**bounds),
        "first_limits": first,
        "empty_word": alphabet[:0] if kind is None else "" if kind == "text" else b"",
        "least_rules": least,
        "most_rules": most,
    }
    if least:
        body["first_rules"] = _first_rules(st.lists(one_rule, min_size=least, max_size=least))
    return type(f"MachineFor_{name}".replace("<lambda>", "engine"), (EngineMachine,), body)


def _first_rules(drawn: SearchStrategy[list[Rule]]) -> Any:
    """What a machine begins with whose engine asks for some rules at least."""

    def first_rules(self: EngineMachine, rules: list[Rule]) -> None:
        self.rule_list = rules

    return initialize(rules=drawn)(first_rules)
