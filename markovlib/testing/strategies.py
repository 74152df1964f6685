"""Hypothesis strategies for words, rules, rule sets, limits and runs.

What they draw shrinks to few, short rules over few letters, and to short words.  Options that
make no sense raise ValueError when a strategy is made, not when it is drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from inspect import signature
from itertools import product
from typing import Any, NamedTuple, TypeAlias, get_args

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from markovlib.analysis import complete, confluence
from markovlib.analysis.plain import PlainRule, letters_of, plain
from markovlib.analysis.verdict import prove
from markovlib.rules import Kind, Rule, RuleSet, Strategy
from markovlib.testing.engines import Limits
from markovlib.testing.fragments import pieces
from markovlib.testing.shapes import Range, Shape, as_range

Draw: TypeAlias = DrawFn
Plain: TypeAlias = tuple[PlainRule, ...]


class Run(NamedTuple):
    """A rule set, a word, and limits: what an engine is asked."""

    rules: RuleSet
    word: Any
    limits: Limits


def words(
    alphabet: Any = "ab",
    *,
    kind: Kind | None = None,
    size: Range = (0, 12),
    rules: Iterable[Any] | None = None,
    near_misses: bool = True,
) -> SearchStrategy[Any]:
    """Words over an alphabet, or glued from pieces of rules.

    `size` is the range of their lengths in letters (one number: up to that).  With `rules` words are made of these
    rules' sides, of parts of them, and, with `near_misses`, of patterns with one letter changed, and of the letters of
    both; where `size` allows more than 32 letters, pieces are also repeated, often to about a power of two of letters.
    `kind` is that of the rules or of the alphabet unless it says "bytes" for an alphabet of ASCII letters.

    Raises TypeError for rules that `RuleSet` refuses, ValueError for rules of another kind and for what `rule_sets`
    refuses.

    >>> from hypothesis import find, given
    >>> @given(words("xy", size=(2, 5)))
    ... def sizes_and_letters(word):
    ...     assert 2 <= len(word) <= 5 and set(word) <= {"x", "y"}
    >>> sizes_and_letters()
    >>> "abba" in find(words("a", rules=[("abba", "c")]), lambda word: "abba" in word)
    True
    """
    given = rules if isinstance(rules, RuleSet) else RuleSet(rules or ())
    shape = Shape.of(alphabet, kind or given.kind)
    if given.kind not in (None, "text" if shape.text else "bytes"):
        raise ValueError(f"the rules are {given.kind}, but kind is {kind!r}")
    least, most = as_range(size, "size")
    if rules is None:
        return _text(shape.letters, least, most).map(shape.word)
    own = plain(given)
    letters = "".join(dict.fromkeys(shape.letters + letters_of(own)))
    return _glued(shape, pieces(own, letters, near_misses=near_misses), letters, least, most)


def rules(
    alphabet: Any = "ab",
    *,
    kind: Kind | None = None,
    pattern_size: Range = (0, 3),
    replacement_size: Range = (0, 3),
    empty_patterns: bool = True,
    terminals: bool = True,
    growing: bool = False,
) -> SearchStrategy[Rule]:
    """Rules one by one: `rule_sets` explains the options.

    >>> from hypothesis import given
    >>> @given(rules(growing=True, empty_patterns=False))
    ... def grows(rule):
    ...     assert 0 < len(rule.pattern) < len(rule.replacement)
    >>> grows()
    """
    shape = Shape.of(
        alphabet, kind, pattern_size, replacement_size, (1, 1), empty_patterns=empty_patterns, terminals=terminals,
        growing=growing,
    )  # fmt: skip
    return _rule_lists(shape, _any_rule).map(lambda drawn: shape.rule(drawn[0]))


def rule_sets(
    alphabet: Any = "ab",
    *,
    kind: Kind | None = None,
    count: Range = (0, 4),
    pattern_size: Range = (0, 3),
    replacement_size: Range = (0, 3),
    empty_patterns: bool = True,
    terminals: bool | None = None,
    terminating: bool = False,
    confluent: bool = False,
    growing: bool = False,
) -> SearchStrategy[RuleSet]:
    """Rule sets: sides of a size over an alphabet, many of them parts of earlier sides of the same rule set.

    `alphabet` is a str or bytes of different letters; `kind` is that of the alphabet unless it says "bytes" for an
    alphabet of ASCII letters.  `count`, `pattern_size` and `replacement_size` are ranges (least, most), or the most
    alone.  Without `empty_patterns` every pattern has a letter; without `terminals` (None: unless `confluent`) no rule
    is terminal.

    - `terminating`: every run of the Markov reading ends, by a certificate of `markovlib.analysis`, or because every
      rule goes from a larger to a smaller word of the length-lexicographic order (with `growing`: from a letter to
      lesser ones of the alphabet), or because every rule is terminal, where sizes leave nothing else.
    - `confluent`: every word has one normal form whatever the order of steps, by a proof of `markovlib.analysis`: all
      critical pairs meet and any order terminates.  Some are completions.  No rule is terminal.
    - `growing`: every replacement is longer than its pattern.

    Raises ValueError for options that no rule set can have.

    >>> from hypothesis import given
    >>> @given(rule_sets("xyz", count=(1, 3), terminals=False))
    ... def some_rules(rules):
    ...     assert 1 <= len(rules) <= 3 and not any(rule.terminal for rule in rules)
    >>> some_rules()
    """
    shape, drawn = _rule_sets(
        alphabet, kind=kind, count=count, pattern_size=pattern_size, replacement_size=replacement_size,
        empty_patterns=empty_patterns, terminals=terminals, terminating=terminating, confluent=confluent,
        growing=growing,
    )  # fmt: skip
    return drawn.map(shape.rule_set)


def limits(
    *,
    max_steps: Range | None = (0, 40),
    max_length: Range | None = (0, 60),
    detect_cycles: bool | None = False,
    strategies: Sequence[Strategy] = ("markov",),
) -> SearchStrategy[Limits]:
    """Limits of runs: ranges, or None for no limit; `detect_cycles=None` draws whether cycles are detected.

    `max_length` is None in some of the limits anyway.

    >>> from hypothesis import given
    >>> @given(limits(max_steps=(1, 9), strategies=["leftmost"]))
    ... def few_steps(limits):
    ...     assert 1 <= limits.max_steps <= 9 and limits.strategy == "leftmost"
    >>> few_steps()
    """
    wrong = [name for name in strategies if name not in get_args(Strategy)]
    if wrong or not strategies:
        raise ValueError(f"strategies must be some of {get_args(Strategy)}, got {tuple(strategies)!r}")
    steps = st.none() if max_steps is None else st.integers(*as_range(max_steps, "max_steps"))
    length: SearchStrategy[int | None] = st.none()
    if max_length is not None:
        least, most = as_range(max_length, "max_length")
        length = st.one_of(length, st.integers(least, min(most, least + _SMALL)), st.integers(least, most))
    cycles = st.booleans() if detect_cycles is None else st.just(detect_cycles)
    return st.builds(Limits, steps, length, cycles, st.sampled_from(tuple(strategies)))


def runs(
    alphabet: Any = "ab",
    *,
    kind: Kind | None = None,
    word_size: Range = (0, 12),
    near_misses: bool = True,
    max_steps: Range | None = (0, 40),
    max_length: Range | None = (0, 60),
    detect_cycles: bool | None = False,
    strategies: Sequence[Strategy] = ("markov",),
    **rule_options: Any,
) -> SearchStrategy[Run]:
    """A rule set, a word glued from its pieces, and limits: the options of `rule_sets`, `words` and `limits`.

    Without limits runs may not end: `max_steps=None` needs `terminating` or `confluent`, else ValueError.

    >>> from hypothesis import find
    >>> from markovlib.testing import oracle
    >>> run = find(runs(), lambda run: oracle.run(run.rules, run.word, *run.limits).steps == 2)
    >>> run.limits.max_steps >= 2 and run.rules.run(run.word, **run.limits._asdict()).steps == 2
    True
    """
    unknown = sorted({*rule_options} - {*signature(rule_sets).parameters})
    if unknown:
        options = sorted({*signature(rule_sets).parameters, *signature(runs).parameters} - {"alphabet", "rule_options"})
        raise TypeError(f"{unknown[0]!r} is no option of runs; they are {', '.join(options)}")
    sets = _rule_sets(alphabet, kind=kind, **rule_options)[1]
    if max_steps is None and not (rule_options.get("terminating") or rule_options.get("confluent")):
        raise ValueError("max_steps=None needs terminating=True or confluent=True: other runs may never end")
    shape, (least, most) = Shape.of(alphabet, kind), as_range(word_size, "word_size")
    bounds = limits(max_steps=max_steps, max_length=max_length, detect_cycles=detect_cycles, strategies=strategies)

    @st.composite
    def run(draw: Draw) -> Run:
        drawn = draw(sets)
        parts = pieces(drawn, shape.letters, near_misses=near_misses)
        word = shape.word(_glue(draw, parts, shape.letters, least, most))
        return Run(shape.rule_set(drawn), word, draw(bounds))

    return run()


_SMALL = 12  # Of limits of length the small ones are met more often.

# ---- words ---------------------------------------------------------------------------------------------------------
#
# Strategies that depend on what was drawn before are costly to make.  So pieces are drawn by their numbers, whose
# strategies are few and kept.

_LONG = 32  # letters, beyond which words are not made of single pieces alone
_WIDE = 16  # letters or rules that a range has more than if its upper end has to be looked for
_MANY = 256  # letters, beyond which none is drawn for itself
_MOST_PIECES = 10


@lru_cache
def _text(letters: str, least: int, most: int) -> SearchStrategy[str]:
    """Hypothesis draws few letters whatever `most` allows: of wide ranges half of the texts are of any size.

    It also draws no text that must be long, letter by letter.
    """
    if least > _MANY:
        return _long_text(letters, least, most)
    few = st.text(st.sampled_from(letters), min_size=least, max_size=most)
    return few if most - least <= _WIDE else few | _long_text(letters, least, most)


def _long_text(letters: str, least: int, most: int) -> SearchStrategy[str]:
    """Short texts repeated, cut to sizes of which the greatest is frequent: two draws, however many letters."""
    size = st.integers(least, most) | st.just(most)
    period = st.text(st.sampled_from(letters), min_size=1, max_size=_WIDE)
    return st.builds(lambda size, period: (period * (size // len(period) + 1))[:size], size, period)


@lru_cache
def _numbers(count: int) -> SearchStrategy[int]:
    """A number below count."""
    return st.integers(0, count - 1)


@lru_cache
def _some_numbers(count: int, most: int) -> SearchStrategy[list[int]]:
    return st.lists(_numbers(count), max_size=most)


@lru_cache
def _sizes(most: int) -> SearchStrategy[int]:
    """Any size, or one around a power of two, where implementations change what they do, or the greatest."""
    powers = [2**k for k in range(4, most.bit_length() + 1)]
    borders = [size for power in powers for size in (power - 1, power, power + 1) if size <= most]
    return st.sampled_from(borders) | st.integers(0, most) | st.sampled_from(borders) | st.just(most)


def _glue(draw: Draw, parts: Sequence[str], letters: str, least: int, most: int) -> str:
    chosen = [parts[number] for number in draw(_some_numbers(len(parts), min(most, _MOST_PIECES)))]
    if most > _LONG and chosen and draw(_COIN):
        number, size = draw(_numbers(len(chosen))), draw(_sizes(most))
        chosen[number] = _repeated(chosen[number], size - sum(map(len, chosen)))
        most = size
    word = "".join(chosen)[: max(least, most)]
    missing = least - len(word)
    return word + draw(_text(letters, missing, missing)) if missing > 0 else word


def _repeated(part: str, missing: int) -> str:
    """The part again and again, until it has so many letters more."""
    return (part * (missing // len(part) + 2))[: len(part) + missing] if part and missing > 0 else part


@st.composite
def _glued(draw: Draw, shape: Shape, parts: Sequence[str], letters: str, least: int, most: int) -> Any:
    return shape.word(_glue(draw, parts, letters, least, most))


# ---- rule sets -----------------------------------------------------------------------------------------------------


def _rule_sets(
    alphabet: Any,
    *,
    kind: Kind | None = None,
    count: Range = (0, 4),
    pattern_size: Range = (0, 3),
    replacement_size: Range = (0, 3),
    empty_patterns: bool = True,
    terminals: bool | None = None,
    terminating: bool = False,
    confluent: bool = False,
    growing: bool = False,
) -> tuple[Shape, SearchStrategy[Plain]]:
    shape = Shape.of(
        alphabet, kind, pattern_size, replacement_size, count, empty_patterns=empty_patterns,
        terminals=not confluent if terminals is None else terminals, growing=growing,
    )  # fmt: skip
    shape.check_proofs(terminating, confluent)
    if confluent:
        return shape, _confluent(shape)
    return shape, _terminating(shape) if terminating else _rule_lists(shape, _any_rule, many=True)


Maker: TypeAlias = Callable[[Draw, Shape, Sequence[str]], PlainRule]


def _rule_lists(shape: Shape, make: Maker, many: bool = False) -> SearchStrategy[Plain]:
    """Lists of rules made one after the other, each knowing the sides before it; of a wide range some are `many`."""
    least, most = shape.count
    wide = many and most - least > _WIDE

    @st.composite
    def rule_and_more(draw: Draw, known: Sequence[str], another: SearchStrategy[bool]) -> tuple[PlainRule, bool]:
        """A rule, and whether another one follows: one draw for both, so that they go together when it shrinks.

        It is asked after every rule, the last that there may be too, so that a rule that goes leaves behind what fits
        the next one.
        """
        return make(draw, shape, known), draw(another)

    @st.composite
    def drawn(draw: Draw) -> Plain:
        made, known = list[PlainRule](), list[str]()
        another = _ANOTHER_OF_MANY if wide and draw(_QUARTER) else _ANOTHER
        more = least > 0 or draw(another)
        while len(made) < least or (more and len(made) < most):
            rule, more = draw(rule_and_more(known, another))
            made.append(rule)
            known += pieces([rule], "", near_misses=False)
        return tuple(made)

    return drawn()


class _Coins(NamedTuple):
    """What a rule is made like, rare things first.

    They are thrown in any case and in one draw, so that a rule does not change when an earlier one goes, and becomes a
    simple one in few steps when it shrinks.
    """

    empty: bool  # the pattern, if it may be: after an empty pattern no other rule fires
    terminal: bool  # if it may be
    known_pattern: bool  # a piece of an earlier side
    known_replacement: bool


_OFTEN, _RARE = (False, True), (False,) * 7 + (True,)
_COINS = st.sampled_from([_Coins(*thrown) for thrown in sorted(product(_RARE, _RARE, _OFTEN, _OFTEN))])


def _side(draw: Draw, piece: bool, letters: str, least: int, most: int, known: Sequence[str]) -> str:
    """A new side, or a piece of an earlier one that fits."""
    if piece:
        allowed = set(letters)
        fitting = [part for part in known if part and least <= len(part) <= most and allowed.issuperset(part)]
        if fitting:
            draw(_LONGER)
            return fitting[draw(_numbers(len(fitting)))]
    return draw(_text(letters, least, most))


def _pattern(draw: Draw, coins: _Coins, shape: Shape, known: Sequence[str]) -> str:
    least, most = shape.pattern
    if least == 0 and coins.empty:
        draw(_LONGER)
        return ""
    return _side(draw, coins.known_pattern, shape.letters, min(max(1, least), most), most, known)


_COIN = st.booleans()
_LONGER = st.tuples(_COIN, _COIN, _COIN)
"""Draws that change nothing: what takes fewer draws is what it shrinks to, which is to be a new side of one letter."""
_ANOTHER = st.sampled_from((False,) + (True,) * 4)
_ANOTHER_OF_MANY = st.sampled_from((False,) + (True,) * 100)
_QUARTER = st.sampled_from((False,) * 3 + (True,))


def _any_rule(draw: Draw, shape: Shape, known: Sequence[str]) -> PlainRule:
    coins = draw(_COINS)
    pattern = _pattern(draw, coins, shape, known)
    least, most = shape.replacement
    if shape.growing:
        least = max(least, len(pattern) + 1)
    replacement = _side(draw, coins.known_replacement, shape.letters, least, most, known)
    return PlainRule(pattern, replacement, shape.terminals and coins.terminal)


def _last_rule(draw: Draw, shape: Shape, known: Sequence[str]) -> PlainRule:
    """A terminal rule."""
    return _any_rule(draw, shape, known)._replace(terminal=True)


def _falling_rule(draw: Draw, shape: Shape, known: Sequence[str]) -> PlainRule:
    """From a word to a smaller one: shorter, or as long and first of the two in the alphabet's order."""
    coins = draw(_COINS)
    one = _pattern(draw, coins, shape, known)
    other = _side(draw, coins.known_replacement, shape.letters, *shape.replacement, known)
    for pattern, replacement in ((one, other), (other, one), (one, other[: max(0, len(one) - 1)])):
        if shape.fits(pattern, replacement) and shape.order(pattern) > shape.order(replacement):
            return PlainRule(pattern, replacement, shape.terminals and coins.terminal)
    return reject()


def _spreading_rule(draw: Draw, shape: Shape, known: Sequence[str]) -> PlainRule:
    """A pattern whose greatest letter becomes lesser ones, and as many as to make the word longer."""
    coins = draw(_COINS)
    pattern = _pattern(draw, coins, shape, known)
    lesser = shape.letters[: max(map(shape.letters.index, pattern), default=0)]
    if not lesser:
        reject()
    least, most = max(shape.replacement[0], len(pattern) + 1), shape.replacement[1]
    replacement = _side(draw, coins.known_replacement, lesser, least, most, known)
    return PlainRule(pattern, replacement, shape.terminals and coins.terminal)


def _terminating(shape: Shape) -> SearchStrategy[Plain]:
    if shape.endless is not None:
        return _rule_lists(shape, _last_rule)
    directed = _rule_lists(shape, _spreading_rule if shape.growing else _falling_rule)
    return directed | _rule_lists(shape, _any_rule).filter(_is_certified)


def _is_certified(rules: Plain) -> bool:
    return prove(rules, ("order", "weights"))[0] is not None


def _confluent(shape: Shape) -> SearchStrategy[Plain]:
    directed = _rule_lists(shape, _spreading_rule if shape.growing else _falling_rule)
    proved = directed.filter(_is_confluent)
    if shape.growing:
        return proved
    return proved | directed.map(lambda rules: _completed(rules, shape)).filter(
        lambda rules: (
            all(shape.fits(rule.pattern, rule.replacement) for rule in rules)
            and shape.count[0] <= len(rules) <= shape.count[1]
            and _is_confluent(rules)
        )
    )


def _is_confluent(rules: Plain) -> bool:
    return confluence(RuleSet(rules), max_words=60, max_length=24).status == "confluent"


def _completed(rules: Plain, shape: Shape) -> Plain:
    """The rules completed, or themselves where that takes long."""
    made = complete(RuleSet(rules), shape.letters, max_rules=12, max_length=8, max_pairs=200)
    return tuple(PlainRule(*rule) for rule in made.rules) if made.complete else rules
