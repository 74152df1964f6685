"""Rule spaces: finite, enumerable families of rules, and their division between training and testing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, product
from math import gcd
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from markovlib import _stream
from markovlib.alphabets import Alphabet, digits, written
from markovlib.families import FAMILIES, Form, Part, form_of
from markovlib.quotas import MOST_TURNS, Phase, Spill, nested_turns, phases, round_half_up, whole_weights
from markovlib.rules import Rule

# Sizes up to here are numbers in the engine; larger spaces are permuted as strings of digits.
_NUMBERED = 2**62
_COUNT_MAX = 2**63

_MOST_ENTRIES = 2**22

EFFECTS = ("delete", "shrink", "keep", "grow")


class SpaceError(ValueError):
    """A rule space that cannot be; `field` names what is wrong, `family[1].k` for one."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class Family(NamedTuple):
    """An entry of the list of families: repetitions from k[0] to k[1], and the weight of all of them together."""

    name: str
    k: tuple[int, int] = (1, 1)
    weight: Fraction | int = 1


class Stratum(NamedTuple):
    """Rules of one family, one k and two lengths; `weight` turns of all strata's, and how many rules are `possible`.

    The rules of a list are one stratum of the family `list`, with None for what they have not in common.
    """

    family: str
    k: int | None
    pattern_length: int | None
    replacement_length: int | None
    weight: int
    possible: int


def effect_of(pattern_length: int, replacement_length: int) -> str:
    """The name of the effect on a word's length."""
    if replacement_length == 0:
        return "delete"
    return EFFECTS[2 + (replacement_length > pattern_length) - (replacement_length < pattern_length)]


@dataclass(frozen=True, eq=False)
class Share:
    """Part of a part space: strings number first .. first + count - 1 in its keyed order."""

    part: Part
    first: int
    count: int

    @property
    def numbered(self) -> bool:
        """Whether the engine numbers the strings; else they are digit strings there."""
        return self.part.of_form < _NUMBERED

    def digits(self, index: int) -> bytes:
        """An index as the engine takes it where the strings are not numbered."""
        return b"" if self.numbered else digits(index, self.part.letters, self.part.free)

    def for_engine(self) -> tuple[Any, ...]:
        """What `_stream.RuleSpace` takes for a share."""
        part = self.part
        form = 0
        if part.form.family != "uniform":
            form = FAMILIES.index(part.form.family) << 48 | part.form.k << 24 | part.length
        has_family = bool(form or part.overlaps)
        return (
            part.length,
            part.free,
            form,
            has_family,
            part.source.tobytes() if form else b"",
            digits(part.size, part.letters, part.free) if part.overlaps else b"",
            [(overlap.coefficient, np.array(overlap.first, np.uint32).tobytes()) for overlap in part.overlaps],
            part.listed,
            min(self.count, _COUNT_MAX),
            self.first if self.numbered else 0,
            self.digits(self.first),
            self.digits(self.first + max(self.count, 1) - 1),
        )


class Side(NamedTuple):
    """A share read from its string number `offset` on, and round."""

    share: Share
    offset: int

    def for_engine(self, number_of_share: int) -> tuple[int, int, int, bytes, bytes]:
        """(share, offset, strings from there to the end, digits of the first, digits of the one before it)."""
        share, offset = self
        start = share.digits(share.first + offset) if offset else b""
        before = share.digits(share.first + offset - 1) if offset else b""
        return number_of_share, min(offset, _COUNT_MAX), min(share.count - offset, _COUNT_MAX), start, before


class Pairing(NamedTuple):
    """The instructions that a share of the patterns and a share of the replacements make.

    Instruction j takes pattern j mod P and replacement (j + floor(j / lcm(P, R))) mod R, in the keyed orders.  Each
    pattern can so meet each replacement once; where both spaces are the same set of strings, the last meeting is kept
    in reserve for the one that would be x -> x.
    """

    patterns: Side
    replacements: Side

    @property
    def possible(self) -> int:
        """How many different instructions there are."""
        patterns, replacements = self.patterns.share, self.replacements.share
        same = patterns.part.length == replacements.part.length
        return patterns.count * max(replacements.count - same, 0)

    def for_engine(self) -> tuple[int, int, int]:
        """(lcm, reserve, possible), as the engine takes them."""
        p, r = self.patterns.share.count, self.replacements.share.count
        common = gcd(p, r)
        reserve = (common - 1 - p) % r if 0 < r < _COUNT_MAX else 0
        return min(p // max(common, 1) * r, _COUNT_MAX), reserve, min(self.possible, _NUMBERED)


class EngineSpace(NamedTuple):
    """What `_stream.RuleSpace` is made of: shares of either side, strata, phases; or a list of rules."""

    letters: int
    shares: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]
    strata: list[tuple[Any, ...]]
    phases: list[tuple[int, bytes, bytes, bytes]]
    rules: Callable[[Sequence[int]], tuple[Any, ...]] | None
    possible: int


# Those instructions of a stratum that will do, or how many candidates there are for each.
Choice = int | NDArray[np.uint32]


def rules_of(choice: Choice, possible: int) -> int:
    """How many rules there are to choose, of so many possible ones."""
    return possible // choice if isinstance(choice, int) else len(choice)


def choice_for_engine(choice: Choice) -> tuple[int, bytes | None]:
    """(candidates for a rule, the instructions that will do), as the engine takes them."""
    return (choice, None) if isinstance(choice, int) else (1, choice.tobytes())


class Instructions:
    """The instructions of one share of a rule space: the strata's own, taken in turns by weight.

    `classes` says of each stratum what it is, as `nested_turns` takes it.  Where not all will do, `choices` says by
    stratum which of its instructions those are, or how many stand for a rule.
    """

    def __init__(
        self,
        letters: int,
        pairings: Sequence[Pairing],
        strata: Sequence[Stratum],
        classes: Sequence[tuple[Any, ...]],
        choices: Sequence[Choice] | None = None,
    ) -> None:
        self.letters = letters
        self.pairings = tuple(pairings)
        self.classes = classes
        self.choices = tuple(choices or [1] * len(strata))
        self.strata = tuple(
            stratum._replace(possible=pairing.possible if isinstance(choice, int) else len(choice))
            for stratum, pairing, choice in zip(strata, pairings, self.choices, strict=True)
        )

    @cached_property
    def possible(self) -> int:
        """How many different instructions there are."""
        return sum(stratum.possible for stratum in self.strata)

    @cached_property
    def rule_count(self) -> int:
        """How many rules there are that have candidates of their own."""
        return sum(self._rules)

    @property
    def _rules(self) -> list[int]:
        pairs = zip(self.choices, self.strata, strict=True)
        return [rules_of(choice, stratum.possible) for choice, stratum in pairs]

    def chosen(self, choices: Sequence[Choice]) -> Instructions:
        """The same, with only some of its instructions."""
        return Instructions(self.letters, self.pairings, self.strata, self.classes, choices)

    @property
    def period(self) -> int:
        """The turns after which the strata's order begins anew."""
        return sum(stratum.weight for stratum in self.strata) if len(self.strata) > 1 else 1

    @property
    def patterns(self) -> int:
        """How many different patterns there are."""
        return sum(share.count for share in self._shares(0))

    @property
    def replacements(self) -> int:
        """How many different replacements there are."""
        return sum(share.count for share in self._shares(1))

    def _shares(self, side: int) -> list[Share]:
        return list({id(pairing[side].share): pairing[side].share for pairing in self.pairings}.values())

    def _phases(self, rules: int | None) -> Iterator[tuple[Phase, list[Spill]]]:
        limit = _NUMBERED if rules is None else rules
        return phases([stratum.weight for stratum in self.strata], self._rules, limit)

    def spills(self, rules: int | None = None) -> list[Spill]:
        """Strata that run out within so many rules (None: all that an engine can number)."""
        return [spill for _, spills in self._phases(rules) for spill in spills]

    def for_engine(self, rules: int | None = None) -> EngineSpace:
        """What `_stream.RuleSpace` takes, for rules below `rules` (None: all, up to 2^62)."""
        shares = [self._shares(side) for side in (0, 1)]
        numbers = [{id(share): n for n, share in enumerate(of_side)} for of_side in shares]
        strata = [
            (*(pairing[side].for_engine(numbers[side][id(pairing[side].share)]) for side in (0, 1)),
             pairing.for_engine(), choice_for_engine(choice))
            for pairing, choice in zip(self.pairings, self.choices, strict=True)
        ]  # fmt: skip
        return EngineSpace(
            self.letters,
            ([share.for_engine() for share in shares[0]], [share.for_engine() for share in shares[1]]),
            strata,
            self._tables(rules) if len(strata) > 1 else [],
            None,
            min(self.rule_count, _NUMBERED if rules is None else rules),
        )

    def _tables(self, rules: int | None) -> list[tuple[int, bytes, bytes, bytes]]:
        tables, entries = [], 0
        for phase, _ in self._phases(rules):
            entries += sum(phase.weights) + len(phase.weights)
            if entries > _MOST_ENTRIES:
                raise SpaceError("strata", "run out in too many ways; ask for fewer instructions, lengths or k")
            bases = np.array([min(base, _COUNT_MAX) for base in phase.bases], np.uint64)
            period = np.array(nested_turns(phase.weights, self.classes), np.uint16)
            weights = np.array(phase.weights, np.uint32)
            tables.append((phase.start, period.tobytes(), weights.tobytes(), bases.tobytes()))
        return tables


class _Listed(NamedTuple):
    """A stratum while the space is put together."""

    entry: int
    family: str
    k: int
    patterns: tuple[int, Form]
    replacements: tuple[int, Form]


class RuleSpace:
    """The rules whose two sides have the same family and k, for every k and every pair of lengths asked for.

    `families` lists `Family` entries; a rule belongs to one *stratum*: an entry's family, a k and two lengths.  Within
    an entry the greatest k comes first; of lengths, the least.  A string with the form of several belongs to the first
    (for the empty string they are all one).  Those k that give the same strings at both lengths are one stratum.  A
    stratum's weight is that of its entry, shared equally by the entry's strata; with `effect`, a mapping from `delete`,
    `shrink`, `keep` and `grow` to weights, each such class of strata has its weight, shared in those proportions.

    Rules are numbered by stratum, then by pattern, then by replacement, in the order of the alphabet.  `size` is exact;
    `unrank`, `rank` and `in` take time linear in the lengths (with big numbers), and their square where families
    overlap.  Raises SpaceError, whose `field` says where.

    >>> space = RuleSpace("ab", [Family("mirrored", (2, 2)), Family("repeated", (2, 2))], 4, 2)
    >>> space.size, [(rule.pattern, rule.replacement) for rule in list(space)[:3]]
    (12, [('aaaa', 'aa'), ('aaaa', 'bb'), ('abba', 'aa')])
    >>> space.strata[1]
    Stratum(family='repeated', k=2, pattern_length=4, replacement_length=2, weight=1, possible=4)
    >>> space.rank(("aabb", "aa")), ("abab", "aa") in space
    (8, False)
    """

    def __init__(
        self,
        alphabet: Alphabet | str,
        families: Iterable[Family],
        pattern_length: int | tuple[int, int],
        replacement_length: int | tuple[int, int],
        effect: Mapping[str, Fraction | int] | None = None,
    ) -> None:
        self.alphabet = alphabet if isinstance(alphabet, Alphabet) else Alphabet(alphabet)
        self.families = tuple(families)
        self.pattern_lengths = _range("pattern_length", pattern_length)
        self.replacement_lengths = _range("replacement_length", replacement_length)
        _check_families(self.families, (self.pattern_lengths, self.replacement_lengths))
        shares = self._list()
        self._parts = self._make_parts()
        if effect is not None:
            shares = _by_effect(shares, effect)
        try:
            weights = whole_weights(list(shares.values()))
        except ValueError as error:
            raise SpaceError("family" if effect is None else "effect", str(error)) from None
        sides = [(self._parts[listed.patterns], self._parts[listed.replacements]) for listed in shares]
        self._sides = tuple(sides)
        self.strata = tuple(
            Stratum(listed.family, listed.k, x.length, y.length, weight, x.size * max(y.size - (x is y), 0))
            for listed, weight, (x, y) in zip(shares, weights, sides, strict=True)
        )
        self._classes = [
            (listed.entry, effect_of(x.length, y.length) if effect else "", listed.k, x.length, y.length)
            for listed, (x, y) in zip(shares, sides, strict=True)
        ]
        self._check_entries([listed.entry for listed in shares])
        self._ends = list(accumulate(stratum.possible for stratum in self.strata))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {written(self.size)} rules>"

    # ---- putting together ---------------------------------------------------------------------------------------

    def _lengths(self, side: int) -> range:
        least, greatest = (self.pattern_lengths, self.replacement_lengths)[side]
        return range(least, greatest + 1)

    def _list(self) -> dict[_Listed, Fraction]:
        """The strata in order, and each one's share of all turns."""
        per_k = len(self._lengths(0)) * len(self._lengths(1))
        count = sum(family.k[1] - family.k[0] + 1 for family in self.families) * per_k
        if count > MOST_TURNS:
            raise SpaceError("family", f"makes {count} strata (k and lengths), more than {MOST_TURNS}")
        total = sum(family.weight for family in self.families)
        found: dict[Any, tuple[_Listed, Fraction]] = {}
        for entry, (name, ks, weight) in enumerate(self.families):
            each = Fraction(weight) / total / ((ks[1] - ks[0] + 1) * per_k)
            for k, x, y in product(range(ks[1], ks[0] - 1, -1), self._lengths(0), self._lengths(1)):
                sides = (x, form_of(name, k, x)), (y, form_of(name, k, y))
                listed, before = found.get(sides, (_Listed(entry, name, k, *sides), Fraction(0)))
                found[sides] = listed._replace(k=k if listed.entry == entry else listed.k), before + each
        return dict(found.values())

    def _make_parts(self) -> dict[tuple[int, Form], Part]:
        """The part spaces, each without the strings of those listed before it."""
        parts: dict[tuple[int, Form], Part] = {}
        for length in sorted({*self._lengths(0), *self._lengths(1)}):
            forms: dict[Form, None] = {}
            for name, ks, _ in self.families:
                forms.update((form_of(name, k, length), None) for k in range(ks[1], ks[0] - 1, -1))
            for place, form in enumerate(forms):
                try:
                    parts[length, form] = Part(len(self.alphabet), length, form, tuple(forms)[:place])
                except ValueError as error:
                    raise SpaceError("family", str(error)) from None
        return parts

    def _check_entries(self, entries: Sequence[int]) -> None:
        """An entry of the list of which the ones before leave nothing."""
        for i, family in enumerate(self.families):
            own = [stratum.possible for stratum, entry in zip(self.strata, entries, strict=True) if entry == i]
            if i and own and not any(own):
                raise SpaceError(f"family[{i}]", f"every rule of {family.name!r} belongs to one listed before; "
                                                 "list it first")  # fmt: skip

    # ---- numbering ----------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of rules."""
        return self._ends[-1]

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Rule]:
        return map(self.unrank, iter(range(self.size)))

    def unrank(self, n: int) -> Rule:
        """Rule number n; IndexError unless 0 <= n < size."""
        if not 0 <= n < self.size:
            raise IndexError(f"rule {written(n)} of a space of {written(self.size)}")
        stratum = bisect_right(self._ends, n)
        patterns, replacements = self._sides[stratum]
        same = patterns is replacements
        x, y = divmod(n - self._ends[stratum] + self.strata[stratum].possible, replacements.size - same)
        if same and y >= x:
            y += 1
        return Rule(self.alphabet.string(patterns.unrank(x)), self.alphabet.string(replacements.unrank(y)))

    def _stratum_and_rank(self, rule: Rule | tuple[Any, ...]) -> tuple[int, int]:
        pattern, replacement = (self.alphabet.codes(side) for side in rule[:2])
        if pattern == replacement:
            raise ValueError("a rule that changes nothing is not in the space")
        for stratum, (patterns, replacements) in enumerate(self._sides):
            if (patterns.length, replacements.length) != (len(pattern), len(replacement)):
                continue
            try:
                x, y = patterns.rank(pattern), replacements.rank(replacement)
            except ValueError:
                continue
            same = patterns is replacements
            return stratum, x * (replacements.size - same) + y - (same and y > x)
        raise ValueError(
            f"no stratum of the space has this rule (sides of {len(pattern)} and {len(replacement)} letters)"
        )

    def rank(self, rule: Rule | tuple[Any, ...]) -> int:
        """The number of a rule; ValueError if the space does not have it."""
        stratum, within = self._stratum_and_rank(rule)
        return self._ends[stratum] - self.strata[stratum].possible + within

    def stratum(self, rule: Rule | tuple[Any, ...]) -> int:
        """Which stratum a rule belongs to; ValueError if none."""
        return self._stratum_and_rank(rule)[0]

    def __contains__(self, rule: object) -> bool:
        try:
            self.rank(cast("tuple[Any, ...]", rule))
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    # ---- division -----------------------------------------------------------------------------------------------

    def divide(self, holdout: Fraction) -> tuple[Instructions, Instructions | None]:
        """The instructions of training, and those whose two sides are held out (None if there are none).

        Of S strings of a part space, max(1, round(holdout * S)) are held out, but never all; of one string, none.
        """
        train: list[dict[int, Share]] = [{}, {}]
        held_out: list[dict[int, Share]] = [{}, {}]
        for parts in self._sides:
            for side, part in enumerate(parts):
                if id(part) not in train[side]:
                    held = max(min(max(1, round_half_up(holdout * part.size)), part.size - 1), 0)
                    train[side][id(part)] = Share(part, 0, part.size - held)
                    held_out[side][id(part)] = Share(part, part.size - held, held)
        tests = self._pair(held_out)
        return self._pair(train), tests if tests.possible else None

    def _pair(self, shares: Sequence[dict[int, Share]]) -> Instructions:
        """Strata of several that read one share begin at different places of it."""
        users = [[parts[side] for parts in self._sides] for side in (0, 1)]
        counts = [_count(map(id, of_side)) for of_side in users]
        before: list[dict[int, int]] = [{}, {}]
        pairings = []
        for parts in self._sides:
            sides = []
            for side, part in enumerate(parts):
                share, turn = shares[side][id(part)], before[side].get(id(part), 0)
                before[side][id(part)] = turn + 1
                sides.append(Side(share, turn * share.count // counts[side][id(part)]))
            pairings.append(Pairing(*sides))
        return Instructions(len(self.alphabet), pairings, self.strata, self._classes)

    def held_out(self, key: tuple[int, int], holdout: Fraction, side: str, string: Any) -> bool:
        """Whether a string ("pattern" or "replacement" says as which side) is held out under a stream's key."""
        _, tests = self.divide(holdout)
        if tests is None:
            return False
        return _stream.RuleSpace(key, tests.for_engine(1)).holds(side == "replacement", self.alphabet.codes(string))


def _count(things: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for thing in things:
        counts[thing] = counts.get(thing, 0) + 1
    return counts


def _range(field: str, length: int | tuple[int, int]) -> tuple[int, int]:
    least, greatest = (length, length) if isinstance(length, int) else length
    if not 0 <= least <= greatest:
        wanted = f"at least 0, got {least}" if least == greatest else f"[least, greatest], got {[least, greatest]}"
        raise SpaceError(field, f"must be {wanted}")
    return least, greatest


def _check_families(families: Sequence[Family], lengths: Sequence[tuple[int, int]]) -> None:
    if not families:
        raise SpaceError("family", "must list at least one family")
    shortest = min((max(least, 1) for least, greatest in lengths if greatest), default=1)
    for i, (name, (least, greatest), weight) in enumerate(families):
        if name not in FAMILIES:
            raise SpaceError(f"family[{i}].name", f"must be one of {', '.join(FAMILIES)}, got {name!r}")
        if weight <= 0:
            raise SpaceError(f"family[{i}].weight", f"must be more than 0, got {weight}")
        if not 1 <= least <= greatest:
            raise SpaceError(f"family[{i}].k", f"must be [least, greatest] from 1 on, got {[least, greatest]}")
        if name == "uniform" and greatest > 1:
            raise SpaceError(f"family[{i}].k", "must be left out, since uniform strings do not repeat")
        if greatest > shortest:
            raise SpaceError(f"family[{i}].k", f"{greatest} repetitions need sides of at least {greatest} letters; "
                                               f"the shortest that is not empty has {shortest}")  # fmt: skip


def _by_effect(shares: dict[_Listed, Fraction], effect: Mapping[str, Fraction | int]) -> dict[_Listed, Fraction]:
    """The strata of the classes that have a weight, each class with its weight."""
    totals = dict.fromkeys(EFFECTS, Fraction(0))
    classes = {listed: effect_of(listed.patterns[0], listed.replacements[0]) for listed in shares}
    for listed, share in shares.items():
        totals[classes[listed]] += share
    for name, weight in effect.items():
        if name not in EFFECTS:
            raise SpaceError("effect", f"unknown effect {name!r}; there are {', '.join(EFFECTS)}")
        if weight < 0:
            raise SpaceError(f"effect.{name}", f"must be at least 0, got {weight}")
        if weight and not totals[name]:
            raise SpaceError(f"effect.{name}", "is impossible with these lengths of patterns and replacements")
    if not any(effect.values()):
        raise SpaceError("effect", "must give at least one effect a weight")
    return {
        listed: effect[name] * share / totals[name]
        for listed, share in shares.items() if effect.get(name := classes[listed])
    }  # fmt: skip


class UniformSpace(RuleSpace):
    """Every rule whose sides are any strings of the given lengths over an alphabet, except x -> x.

    >>> space = UniformSpace("ab", 1, 1)
    >>> space.size, list(space)
    (2, [Rule(pattern='a', replacement='b', terminal=False), Rule(pattern='b', replacement='a', terminal=False)])
    >>> space.rank(("b", "a")), ("a", "a") in space
    (1, False)
    """

    def __init__(
        self,
        alphabet: Alphabet | str,
        pattern_length: int | tuple[int, int],
        replacement_length: int | tuple[int, int],
    ) -> None:
        super().__init__(alphabet, [Family("uniform")], pattern_length, replacement_length)
