"""Flow charts of rule sets as one rule set: what `markovlib.combinators` are made of.

How it works.  The first block, if it runs rules, works on the letters themselves.  Every other block works on a copy of
the alphabet of its own, with a fresh letter at the left end of the word, its *end*, in the place of the empty pattern.
A block that is done puts a *carrier* into the word, which goes to the left end; there it becomes a carrier that goes
through the word from left to right and turns each letter into the next block's.  A test is given two letters for each,
its own and the letter itself; its own ones are sorted to the left and are erased when it is done.  All rules for
carriers come first, then the blocks' and last the first block's: its patterns may occur in the letters that a test has
put aside, but wherever there is an end or a carrier, a rule of those before applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from markovlib.letters import FreshLetters, as_text, letters_of, rule_set, text_rules
from markovlib.rules import Kind, Rule, RuleSet

Accepts: TypeAlias = Literal["empty", "terminal"]


@dataclass(frozen=True, slots=True)
class Run:
    """A block that runs rules on the word and goes on with the block named `then`, or ends if that is None."""

    rules: RuleSet
    then: str | None


@dataclass(frozen=True, slots=True)
class Test:
    """A block that runs rules on a copy of the word and goes on, with the word, by what becomes of the copy.

    It goes on with the block named `yes` if the copy becomes the empty word, or for `accepts="terminal"` if the rules
    halt on it by a terminal rule; else with `no`; or ends where that is None.
    """

    __test__ = False  # The name is not one of pytest's.

    rules: RuleSet
    yes: str | None
    no: str | None
    accepts: Accepts = "empty"


Block: TypeAlias = Run | Test


def flowchart(blocks: Mapping[str, Block], *, letters: str | bytes = "", fresh: str | bytes | None = None) -> RuleSet:
    """One rule set that does what a flow chart of rule sets does, beginning with the first block.

    The alphabet is the letters of all blocks' rules and of `letters`.  For every word over it, the last word is that of
    the chart, and the rules halt, always by a terminal rule, exactly if every block that the chart comes to halts and
    it comes to an end.  A chart needs fewer letters than combinators of combinators, since each block's copy of the
    alphabet is of the letters of the blocks only.

    What it costs, for an alphabet of s letters and words of n letters where a block begins and m where it ends:

    - a block that runs: s + 2 rules besides its own, at most m + 2 steps, and s + 2 fresh letters, or 1 for the first;
    - a test: s² + 4·s + 3 rules besides its own, at most n·(n - 1)/2 + 2·m + 3 steps, m the letters left of the copy,
      and s + 3 fresh letters; 1 rule and 1 step more if it is the first block;
    - a way from one block to another, from the first word to a test, and from a block to the end: s + 1 rules, as many
      steps as the word has letters and 1, and 1 fresh letter.  Ways from all tests to one block are the same; those
      from a test to the end or to a first block that runs cost nothing.

    `fresh` are letters to be used as fresh ones, in this order, rather than those that are chosen otherwise.

    Raises ValueError for a chart without blocks, a name that is no block's, an unknown `accepts`, and too few fresh
    letters or fresh letters that are in the alphabet; TypeError for rules, letters or fresh letters of both kinds, and
    for what is of another type.

    >>> to_b, drop = RuleSet([("a", "b", True)]), RuleSet([("c", "", True)])
    >>> has_a = RuleSet([("a", "a", True)])
    >>> chart = {"any?": Test(has_a, "next", "last", "terminal"), "next": Run(to_b, "any?"), "last": Run(drop, None)}
    >>> flowchart(chart).run("abcac").word
    'bbbc'
    """
    _check(blocks)
    for name, given in (("letters", letters), ("fresh", fresh)):
        if given is not None and not isinstance(given, str | bytes):
            raise TypeError(f"{name} must be str or bytes, not {type(given).__name__}")
    kind = _kind(blocks, letters, fresh)
    closed = {name: _closed(block.rules) for name, block in blocks.items()}
    alphabet = "".join(dict.fromkeys(as_text(letters) + "".join(map(letters_of, closed.values()))))
    supply = FreshLetters(alphabet, kind, None if fresh is None else as_text(fresh))
    return rule_set(_Chart(blocks, closed, alphabet, supply).rules(), kind)


def require_rules(given: object, name: str) -> None:
    """Raises TypeError, with the name, for what is no rule set."""
    if not isinstance(given, RuleSet):
        raise TypeError(f"{name} must be a RuleSet, not {type(given).__name__}")


def _kind(blocks: Mapping[str, Block], letters: str | bytes, fresh: str | bytes | None) -> Kind:
    kinds: set[Kind] = {block.rules.kind for block in blocks.values() if block.rules.kind is not None}
    kinds |= {"text" if isinstance(given, str) else "bytes" for given in (letters, fresh) if given}
    if len(kinds) > 1:
        raise TypeError("rule sets, letters and fresh letters are all text or all bytes")
    return kinds.pop() if kinds else "text"


def _check(blocks: Mapping[str, Block]) -> None:
    if not isinstance(blocks, Mapping):
        raise TypeError(f"blocks must map names to Run and Test, got a {type(blocks).__name__}")
    if not blocks:
        raise ValueError("a flow chart has at least one block")
    for name, block in blocks.items():
        if not isinstance(block, Run | Test):
            raise TypeError(f"block {name!r} must be a Run or a Test, not {type(block).__name__}")
        require_rules(block.rules, f"block {name!r}: rules")
        for then in (block.then,) if isinstance(block, Run) else (block.yes, block.no):
            if then is not None and then not in blocks:
                raise ValueError(f"block {name!r}: there is no block {then!r} to go on with")
        if isinstance(block, Test) and block.accepts not in ("empty", "terminal"):
            raise ValueError(f"block {name!r}: accepts is 'empty' or 'terminal', not {block.accepts!r}")


def _closed(rules: RuleSet) -> list[Rule]:
    """The rules up to the first empty pattern, after which none fires, or else their closure."""
    given = text_rules(rules)
    empty = next((number for number, rule in enumerate(given) if not rule.pattern), None)
    return [*given, Rule("", "", True)] if empty is None else given[: empty + 1]


_Written: TypeAlias = tuple[str, str, bool]
_Copy: TypeAlias = dict[str, str]


@dataclass
class _Chart:
    """The rules of a flow chart while they are written: those for carriers, and those of the blocks."""

    blocks: Mapping[str, Block]
    closed: Mapping[str, list[Rule]]
    alphabet: str
    supply: FreshLetters
    carriers: list[_Written] = field(default_factory=list)
    bodies: list[_Written] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    copies: dict[str, _Copy] = field(default_factory=dict)
    entries: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plain = dict(zip(self.alphabet, self.alphabet, strict=True))

    def rules(self) -> list[_Written]:
        names = list(self.blocks)
        for name in names:
            resident = name == names[0] and isinstance(self.blocks[name], Run)
            self.ends[name] = "" if resident else self.supply.take()
            self.copies[name] = self.plain if resident else self.copy()
        for name in reversed(names):  # The first block's rules come last.
            block = self.blocks[name]
            if isinstance(block, Run):
                self.write_run(name, block)
            else:
                self.write_test(name, block)
        if self.ends[names[0]]:
            self.bodies.append(("", *self.enter(self.plain, names[0])))
        return self.carriers + self.bodies

    def copy(self) -> _Copy:
        return dict(zip(self.alphabet, self.supply.take(len(self.alphabet)), strict=True))

    def enter(self, source: _Copy, target: str | None) -> tuple[str, bool]:
        """What is put at the left end to go on with a block, or to end, and whether that is done by a terminal rule."""
        to = self.plain if target is None else self.copies[target]
        if source is self.plain and to is self.plain:
            return "", target is None
        key = ("".join(source.values()), target)
        if key not in self.entries:
            carrier = self.entries[key] = self.supply.take()
            both = target is not None and isinstance(self.blocks[target], Test)
            for letter in self.alphabet:
                self.carriers.append((carrier + source[letter], to[letter] + (letter if both else "") + carrier, False))
            self.carriers.append((carrier, "", target is None))
        return ("" if target is None else self.ends[target]) + self.entries[key], False

    def write_run(self, name: str, block: Run) -> None:
        done = self.supply.take()
        self.write_body(name, yes=done, no=done)
        self.to_left_end(name, done)
        self.carriers.append((self.ends[name] + done, *self.enter(self.copies[name], block.then)))

    def write_test(self, name: str, block: Test) -> None:
        end, copy = self.ends[name], self.copies[name]
        for letter in self.alphabet:
            self.carriers.extend((letter + own, own + letter, False) for own in copy.values())
        no = self.supply.take()
        done = self.supply.take()
        if block.accepts == "terminal":
            self.write_body(name, yes=done, no=no)
            self.erase(name, done, block.yes)
        else:
            self.write_body(name, yes=done, no=done)
            self.to_left_end(name, done)
            self.carriers.extend((end + done + own, end + no, False) for own in copy.values())
            self.carriers.append((end + done, *self.enter(self.plain, block.yes)))
        self.erase(name, no, block.no)

    def write_body(self, name: str, yes: str, no: str) -> None:
        """The block's rules on its copy; `yes` is put into the word by a terminal rule, `no` where none applies."""
        end, table = self.ends[name], str.maketrans(self.copies[name])
        given = len(self.blocks[name].rules)  # The rule after those is the one that closes them.
        for number, (pattern, replacement, terminal) in enumerate(self.closed[name]):
            done = (yes if number < given else no) if terminal else ""
            left = "" if pattern else end
            self.bodies.append((left + pattern.translate(table), left + done + replacement.translate(table), False))

    def to_left_end(self, name: str, carrier: str) -> None:
        self.carriers.extend((own + carrier, carrier + own, False) for own in self.copies[name].values())

    def erase(self, name: str, carrier: str, then: str | None) -> None:
        """The carrier takes the block's letters on both sides away and goes on with the word that was put aside."""
        for own in self.copies[name].values():
            self.carriers.append((own + carrier, carrier, False))
            self.carriers.append((carrier + own, carrier, False))
        self.carriers.append((self.ends[name] + carrier, *self.enter(self.plain, then)))
