"""Rules and rule sets: run, step, trace, and ask which rule fires where."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeAlias, cast, final, overload

import numpy as np
from numpy.typing import NDArray

from markovlib import _core
from markovlib._columns import Column
from markovlib.characters import characters_before
from markovlib.outcome import OUTCOMES, Outcome

if TYPE_CHECKING:
    from markovlib.analysis import Report
    from markovlib.batch import RunBatch
    from markovlib.notations.files import RuleFile
    from markovlib.trace import Trace

Word: TypeAlias = str | bytes
Strategy: TypeAlias = Literal["markov", "leftmost"]
Kind: TypeAlias = Literal["text", "bytes"]
Limits: TypeAlias = int | None
GivenRules: TypeAlias = "RuleSet | Iterable[Rule | Sequence[Any]]"

MAX_STEPS = 1_000_000
MAX_LENGTH = 2**28
MAX_FILE_BYTES = 2**26


class Rule(NamedTuple):
    """One rule: `pattern` is replaced by `replacement`; a terminal rule ends the run.

    >>> Rule("ab", "ba")
    Rule(pattern='ab', replacement='ba', terminal=False)
    """

    pattern: Any
    replacement: Any
    terminal: bool = False


class Match(NamedTuple):
    """A rule (its index) and the position in the word at which its pattern occurs (characters for text)."""

    rule: int
    position: int


class Step(NamedTuple):
    """One application: the rule's index, the position of the occurrence, and the word after the step."""

    rule: int
    position: int
    word: Any


@final
class RunResult:
    """What a run came to.  Two results are equal if all of their parts are.

    `word` is the last word; `outcome` says how the run ended; `steps` counts applications, a terminal one included;
    `cycle` is (start, period) after `Outcome.CYCLE`, else None; `max_length_seen` is the length in bytes of the longest
    word of the run.

    >>> RuleSet([("ba", "ab")]).run("bba")
    RunResult(word='abb', outcome=NO_RULE_APPLIES, steps=2, cycle=None, fired=[2], max_length_seen=3)
    """

    __slots__ = ("_fired", "cycle", "max_length_seen", "outcome", "steps", "word")

    def __init__(
        self, word: Any, outcome: Outcome, steps: int, cycle: tuple[int, int] | None, fired: bytes, max_length_seen: int
    ) -> None:
        self.word = word
        self.outcome = outcome
        self.steps = steps
        self.cycle = cycle
        self._fired = fired
        self.max_length_seen = max_length_seen

    @property
    def fired(self) -> NDArray[np.int64]:
        """Applications per rule: int64, shape (rules,), read-only."""
        return np.frombuffer(self._fired, np.int64)

    @property
    def halted(self) -> bool:
        """Whether the algorithm came to its own end: a terminal rule fired, or no rule applies."""
        return self.outcome.halted

    def _parts(self) -> tuple[Any, ...]:
        return self.word, self.outcome, self.steps, self.cycle, self._fired, self.max_length_seen

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, RunResult) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())

    def __reduce__(self) -> tuple[Any, ...]:
        return RunResult, self._parts()

    def __repr__(self) -> str:
        return (
            f"RunResult(word={self.word!r}, outcome={self.outcome.name}, steps={self.steps}, cycle={self.cycle}, "
            f"fired={self.fired.tolist()}, max_length_seen={self.max_length_seen})"
        )


class RuleSet:
    """An ordered, immutable sequence of rules: a Markov algorithm (A. A. Markov, Theory of Algorithms, 1954).

    A step applies, under `strategy="markov"`, the first rule whose pattern occurs, at its leftmost occurrence; under
    `strategy="leftmost"`, whichever rule's pattern occurs furthest to the left, ties going to the earlier rule.  The
    empty pattern occurs at position 0 of every word.

    Rules are `Rule` objects, or (pattern, replacement) or (pattern, replacement, terminal) as tuples or lists, their
    sides all `str` or all `bytes`; a rule set of the one kind takes words of that kind (bytearray and memoryview count
    as bytes).  The empty rule set takes either.  Rule sets compare and hash by their rules, pickle, can be shared by
    threads, and can be weakly referenced.

    Raises TypeError for sides that are not str or bytes, or of both kinds; ValueError for text that cannot be encoded
    as UTF-8 (a lone surrogate).

    >>> sort = RuleSet([("ba", "ab")])
    >>> sort.run("abba").word
    'aabb'
    >>> RuleSet([("a", "b", True)]).run("aaa").word
    'baa'
    """

    __slots__ = ("__weakref__", "_compiled", "_rules", "_text")

    def __init__(self, rules: Iterable[Rule | Sequence[Any]] = ()) -> None:
        if isinstance(rules, str | bytes):
            raise TypeError(f"rules must be a sequence of rules, not {type(rules).__name__}: RuleSet.parse reads text")
        if not isinstance(rules, Iterable):
            raise TypeError(f"rules must be Rule objects or (pattern, replacement) pairs in a list, got {rules!r}")
        self._rules = tuple(as_rule(rule, i) for i, rule in enumerate(rules))
        self._text = _kind_of(self._rules)
        self._compiled = _core.Compiled(*rule_columns(self._rules, bool(self._text)))

    # -- a sequence of rules -----------------------------------------------------------------------------------------

    @property
    def kind(self) -> Kind | None:
        """ "text", "bytes", or None for the empty rule set, which takes either."""
        return None if self._text is None else "text" if self._text else "bytes"

    def __len__(self) -> int:
        return len(self._rules)

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> RuleSet: ...
    def __getitem__(self, index: int | slice) -> Rule | RuleSet:
        return RuleSet(self._rules[index]) if isinstance(index, slice) else self._rules[index]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __eq__(self, other: object) -> bool:
        return self._rules == other._rules if isinstance(other, RuleSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._rules)

    def __reduce__(self) -> tuple[Any, ...]:
        return RuleSet, (self._rules,)

    def __repr__(self) -> str:
        shown = [f"({r.pattern!r}, {r.replacement!r}{', True' if r.terminal else ''})" for r in self._rules[:8]]
        if len(self) > 8:
            shown.append(f"... {len(self)} rules")
        return f"RuleSet([{', '.join(shown)}])"

    def _repr_html_(self) -> str:
        from markovlib.seeing.notebook import rules_table

        return rules_table(self)

    # -- rule files --------------------------------------------------------------------------------------------------

    @classmethod
    def parse(cls, source: str | bytes, notation: str = "arrow") -> RuleSet:
        """Reads rules from a string (text rules) or bytes (bytes rules) in a named notation, see docs/notation.md.

        Raises `NotationError` (a ValueError), whose text is `<string>:line:column: message`, also for a source whose
        first line states another notation (`# notation: NAME`).

        >>> RuleSet.parse("a -> b\\nb ->. c")
        RuleSet([('a', 'b'), ('b', 'c', True)])
        """
        from markovlib import notations

        return cls(notations.parse(cast(Any, source), notation))

    @classmethod
    def load(
        cls,
        path: RuleFile,
        notation: str | None = None,
        kind: Kind = "text",
        max_bytes: int | None = MAX_FILE_BYTES,
    ) -> RuleSet:
        """Reads a rule file; the notation comes from the argument, the file's first line, or its ending.

        `path` may also be a binary file that is open, such as `sys.stdin.buffer`.

        Raises `NotationError` with `file:line:column: message`, also for a file of more than `max_bytes` bytes (None:
        any size); OSError if the file cannot be read.
        """
        from markovlib import notations

        return cls(notations.load_rules(path, notation, kind, max_bytes))

    def save(self, path: str | os.PathLike[str], notation: str | None = None) -> None:
        """Writes a rule file, whole or not at all, that `load` reads back; one that is there is replaced.

        The notation is `notation`, or what the ending of the file's name says (.markov: arrow).  Where the ending says
        nothing, `load` has to be told.  Raises ValueError as `format` does, and for an ending that says another
        notation or, without `notation`, none; OSError as `open` does.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     RuleSet([("ba", "ab")]).save(f"{folder}/sort.markov")
        ...     RuleSet.load(f"{folder}/sort.markov")
        RuleSet([('ba', 'ab')])
        """
        from markovlib import notations

        notations.save_rules(path, self, notation)

    def format(self, notation: str = "arrow") -> Any:
        """The rules in a named notation, `str` or `bytes` by their kind; `parse` reads them back.

        Raises ValueError naming the rule if the notation cannot express it; "arrow" expresses every rule set.

        >>> print(RuleSet([("a b", ""), ("#", "x", True)]).format("arrow"), end="")
        a b -> ""
        "#" ->. x
        """
        from markovlib import notations

        return notations.format([tuple(rule) for rule in self._rules], notation)

    # -- running -----------------------------------------------------------------------------------------------------

    def run(
        self,
        word: Word,
        *,
        max_steps: Limits = MAX_STEPS,
        max_length: Limits = MAX_LENGTH,
        detect_cycles: bool = False,
        strategy: Strategy = "markov",
        matcher: str = "auto",
    ) -> RunResult:
        """Runs to the end or to a limit.

        `max_steps` and `max_length` (bytes) are limits, None for none; a limit is an outcome, not an error.  A program
        that halts in exactly `max_steps` steps has halted; a step whose result would be longer than `max_length` is not
        taken.  With `detect_cycles` the word after step s is compared with the word after step t, t the largest power
        of two below s (0 for s = 1), and equality ends the run as `Outcome.CYCLE` (Brent 1980).

        A step costs O(L + R + log n), L the longest pattern, R the replacement, n the word, however many rules there
        are; the first one a pass over the word.  `matcher` ("bits", "scan", "index") forces a way to find matches,
        which changes nothing but the time.  The GIL is released; Ctrl-C ends the run.

        Raises TypeError for a word of the other kind, ValueError for text that cannot be encoded or a bad option,
        MemoryError if the word outgrows memory.

        >>> r = RuleSet([("1", "0|"), ("|0", "0||"), ("0", "")]).run("101")
        >>> r.word, r.outcome.name, r.steps, r.fired.tolist()
        ('|||||', 'NO_RULE_APPLIES', 8, [2, 3, 3])
        """
        data, text = self._encode(word), isinstance(word, str)
        return RunResult(*self._compiled.run(data, text, max_steps, max_length, detect_cycles, strategy, matcher))

    def step(self, word: Word, *, strategy: Strategy = "markov", matcher: str = "auto") -> Step | None:
        """One step, or None if no rule applies; the position counts characters for text.

        `strategy` and `matcher` are those of `run`, and so is what is raised.  O(word + replacement).

        >>> RuleSet([("ab", "ba")]).step("aab")
        Step(rule=0, position=1, word='aba')
        """
        data = self._encode(word)
        _core.check_matcher(matcher)
        found = self._compiled.find(data, strategy)
        if found is None:
            return None
        index, at = found
        rule = self._rules[index]
        position = _position(word, data, at)
        before: Any = word if isinstance(word, str) else data
        return Step(index, position, before[:position] + rule.replacement + before[position + len(rule.pattern) :])

    def trace(
        self,
        word: Word,
        *,
        last: int | None = None,
        max_steps: Limits = MAX_STEPS,
        max_length: Limits = MAX_LENGTH,
        detect_cycles: bool = False,
        strategy: Strategy = "markov",
        matcher: str = "auto",
    ) -> Trace:
        """Runs as `run` does and keeps the rule and position of every step (12 bytes each), or of the `last` ones.

        Raises as `run` does, ValueError for a negative `last`, MemoryError where the steps outgrow memory.

        >>> [tuple(step) for step in RuleSet([("ab", "ba")]).trace("aab")]
        [(0, 1, 'aba'), (0, 0, 'baa')]
        """
        from markovlib.trace import Trace

        log = _core.TraceLog(last)
        data = self._encode(word)
        run = self._open(word, max_steps, max_length, detect_cycles, strategy, matcher, log)
        run.step(None)
        return Trace(self, data, isinstance(word, str), log, result_of(run, isinstance(word, str)), strategy)

    def runner(
        self,
        word: Word,
        *,
        max_steps: Limits = None,
        max_length: Limits = MAX_LENGTH,
        detect_cycles: bool = False,
        strategy: Strategy = "markov",
        matcher: str = "auto",
    ) -> Runner:
        """A run that is stepped by hand.

        Options and errors are those of `run`, but without `max_steps` the steps are not limited: `Runner.step` is told
        how many to take.

        >>> u = RuleSet([("ab", "ba")]).runner("aab")
        >>> u.step(1), u.word, u.outcome
        (1, 'aba', None)
        >>> u.step(1000), u.word, u.outcome.name
        (1, 'baa', 'NO_RULE_APPLIES')
        """
        run = self._open(word, max_steps, max_length, detect_cycles, strategy, matcher)
        run.step(0)
        return Runner(run, isinstance(word, str))

    def run_batch(
        self,
        words: Any,
        *,
        threads: int | None = None,
        max_steps: Limits | NDArray[np.integer[Any]] = MAX_STEPS,
        max_length: Limits | NDArray[np.integer[Any]] = MAX_LENGTH,
        max_total: int | None = None,
        detect_cycles: bool = False,
        strategy: Strategy = "markov",
        matcher: str = "auto",
    ) -> RunBatch:
        """Runs every word; see `markovlib.batch`.  Limits may be arrays, one entry per row.

        `words` is a `Column`, a list of str or bytes, a NumPy array of strings, or anything with an Arrow C interface
        (a pyarrow array, a polars series, ...).  The result does not depend on `threads` (None: all cores).

        `max_total` limits the results together, in bytes (None: no limit).  Where they are longer, MemoryError is
        raised, about as soon as that is known, so that no more memory is taken than the results up to there need.

        The other options are those of `run`.  Raises as `run` does, and TypeError for words of the other kind or of
        both, ValueError for a null word and for arrays of limits of another length.

        >>> b = RuleSet([("ab", "ba")]).run_batch(["aab", "ba"])
        >>> b.words.tolist(), b.steps.tolist(), b.outcomes.tolist()
        (['baa', 'ba'], [2, 0], [2, 2])
        """
        from markovlib.batch import run_batch

        column = Column.from_words(words, self._text)
        return run_batch(
            column,
            self._compiled,
            threads,
            max_steps,
            max_length,
            max_total=max_total,
            detect_cycles=detect_cycles,
            strategy=strategy,
            matcher=matcher,
        )

    # -- asking ------------------------------------------------------------------------------------------------------

    def find(self, word: Word, *, strategy: Strategy = "markov") -> Match | None:
        """The rule that would fire and where, or None; O(word), and once O(pattern bytes) if there are many rules.

        >>> RuleSet([("b", ""), ("a", "")]).find("aab")
        Match(rule=0, position=2)
        """
        data = self._encode(word)
        found = self._compiled.find(data, strategy)
        return None if found is None else Match(found[0], _position(word, data, found[1]))

    def count(self, word: Word) -> NDArray[np.int64]:
        """At how many starts each rule's pattern occurs, overlapping ones included: int64, shape (rules,).

        >>> RuleSet([("aa", ""), ("", "")]).count("aaaa").tolist()
        [3, 5]
        """
        data = self._encode(word)
        counts = self._compiled.count_matches(data)
        if self._text and not data.isascii():
            # The empty pattern occurs between characters, not inside of one.
            inside = len(data) - len(data.decode())
            for i, rule in enumerate(self._rules):
                if not rule.pattern:
                    counts[i] -= inside
        return counts

    def findall(self, word: Word) -> list[Match]:
        """Every occurrence of every pattern, rule by rule, from left to right.

        >>> RuleSet([("aa", ""), ("b", "")]).findall("aaba")
        [Match(rule=0, position=0), Match(rule=1, position=2)]
        """
        data = self._encode(word)
        pairs = self._compiled.find_all(data)
        if self._text and not data.isascii():
            pairs = _character_positions(pairs, data)
        return [Match(rule, position) for rule, position in pairs.tolist()]

    def check(self, letters: Word | None = None) -> Report:
        """What can be said without running: dead rules, termination, confluence; see docs/analysis.md.

        `letters` are those of the first word, if they are known.  Each statement has a witness to check again.

        >>> print(RuleSet([("a", ""), ("ba", "ab")]).check())
        rule 2 can never fire: the pattern of rule 1, 'a', occurs in its pattern
        terminates on every word: rule 1: weights a=1
        confluent in any order of application
        """
        from markovlib.analysis import report

        return report(self, letters)

    # -- between Python's words and the engine's bytes ---------------------------------------------------------------

    def _open(
        self,
        word: Word,
        max_steps: Limits,
        max_length: Limits,
        detect_cycles: bool,
        strategy: str,
        matcher: str,
        log: _core.TraceLog | None = None,
    ) -> _core.Run:
        data = self._encode(word)
        return _core.Run(self._compiled, data, log, max_steps, max_length, detect_cycles, strategy, matcher)

    def _encode(self, word: Word) -> bytes:
        if isinstance(word, str):
            if self._text is False:
                raise TypeError("these rules are bytes: give the word as bytes, not str")
            return encode_text(word, "word")
        several = "; run_batch takes several" if isinstance(word, list | tuple | np.ndarray | Column) else ""
        if self._text:
            raise TypeError(f"these rules are text: give the word as str, not {type(word).__name__}{several}")
        if isinstance(word, bytes | bytearray | memoryview):
            return bytes(word)
        raise TypeError(f"a word must be str or bytes, not {type(word).__name__}{several}")


class Runner:
    """A run that is stepped by hand; `RuleSet.runner` makes it.  One thread at a time.

    It cannot be copied or pickled (TypeError): `rules.runner(u.word)` goes on from the same word.
    """

    def __init__(self, run: _core.Run, text: bool) -> None:
        self._run = run
        self._text = text

    def step(self, n: int | None = 1) -> int:
        """Takes up to n steps (None: to the end), and gives how many were taken."""
        return self._run.step(n)

    @property
    def word(self) -> Any:
        """The word as it is now (a copy)."""
        return _decode(self._run.word, self._text)

    @property
    def outcome(self) -> Outcome | None:
        """None while another step can be taken."""
        return OUTCOMES[self._run.outcome]

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return self._run.steps

    @property
    def matcher(self) -> str:
        """The matcher in use: "bits", "scan" or "index".  Assigning a name changes it from the next step on ("auto":
        the run chooses again); nothing else changes by that."""
        return self._run.matcher

    @matcher.setter
    def matcher(self, name: str) -> None:
        self._run.matcher = name

    @property
    def result(self) -> RunResult | None:
        """What `RuleSet.run` would have given; None while another step can be taken."""
        return result_of(self._run, self._text) if self._run.outcome else None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Runner cannot be copied or pickled; rules.runner(u.word) makes another from the same word")

    def __repr__(self) -> str:
        outcome = self.outcome
        return f"<Runner after {self.steps} steps: {outcome.name if outcome else 'can go on'}>"


def encode_text(text: str, what: str) -> bytes:
    """UTF-8, or a ValueError that names the place of the lone surrogate."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what}: the character at position {error.start} is a lone surrogate, which has no UTF-8 form"
        ) from None


def _decode(data: bytes, text: bool) -> Any:
    return data.decode() if text else data


def _position(word: Word, data: bytes, at: int) -> int:
    """A byte position in a word as the word's kind counts it; `data` is the word's bytes."""
    return len(data[:at].decode()) if isinstance(word, str) and not word.isascii() else at


def result_of(run: _core.Run, text: bool) -> RunResult:
    """The result of a run that has ended."""
    outcome = OUTCOMES[run.outcome]
    assert outcome is not None
    return RunResult(_decode(run.word, text), outcome, run.steps, run.cycle(), run.fired, run.max_length_seen)


def rule_columns(rules: Sequence[Rule], text: bool) -> tuple[Column, Column, NDArray[np.uint8]]:
    """Patterns, replacements and terminal flags (uint8) as the engine takes them."""
    patterns = Column.from_words([rule.pattern for rule in rules], text)
    replacements = Column.from_words([rule.replacement for rule in rules], text)
    return patterns, replacements, np.array([rule.terminal for rule in rules], np.uint8)


def rule_set(given: GivenRules) -> RuleSet:
    """A rule set as it is, and one of rules as `RuleSet` takes them."""
    return given if isinstance(given, RuleSet) else RuleSet(given)


def as_rule(given: Rule | Sequence[Any], i: int | str) -> Rule:
    """The i-th rule of a rule set, checked; `i` is what errors call it."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise TypeError(f"rule {i}: must be (pattern, replacement) or (pattern, replacement, terminal), got {given!r}")
    rule = given if type(given) is Rule else Rule(*given)
    if not (type(rule.pattern) is type(rule.replacement) is bytes):
        _check_sides(rule, i)
    if rule.terminal is True or rule.terminal is False:
        return rule
    if not isinstance(rule.terminal, int | np.bool_) or rule.terminal not in (0, 1):
        raise TypeError(f"rule {i}: terminal must be True or False, got {rule.terminal!r}")
    return rule._replace(terminal=bool(rule.terminal))


def _check_sides(rule: Rule, i: int | str) -> None:
    for name, side in (("pattern", rule.pattern), ("replacement", rule.replacement)):
        if isinstance(side, str):
            encode_text(side, f"rule {i}, {name}")
        elif not isinstance(side, bytes):
            raise TypeError(f"rule {i}: {name} must be str or bytes, not {type(side).__name__}")
    if isinstance(rule.pattern, str) != isinstance(rule.replacement, str):
        raise TypeError(f"rule {i}: pattern and replacement must both be str or both be bytes")


def _kind_of(rules: tuple[Rule, ...]) -> bool | None:
    """True for text, False for bytes, None for no rules."""
    kinds = {isinstance(rule.pattern, str) for rule in rules}
    if len(kinds) > 1:
        odd = next(
            i for i, rule in enumerate(rules) if isinstance(rule.pattern, str) != isinstance(rules[0].pattern, str)
        )
        raise TypeError(f"rule {odd}: text and bytes rules cannot be mixed (rule 0 is of the other kind)")
    return kinds.pop() if kinds else None


def _character_positions(pairs: NDArray[np.int64], data: bytes) -> NDArray[np.int64]:
    """Byte positions made character positions; places inside a character (of an empty pattern) are dropped."""
    number = characters_before(np.frombuffer(data, np.uint8))
    boundary = np.append(np.diff(number) > 0, True)
    kept = pairs[boundary[pairs[:, 1]]]
    return np.column_stack((kept[:, 0], number[kept[:, 1]]))
