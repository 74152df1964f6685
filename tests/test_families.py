"""Families, strata and their turns: by definition, exhaustively in small scope."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import combinations, islice, product

import numpy as np
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_space import FAMILIES, ReferenceSpace, build, free_letters, named, share_out
from reference_stream import permute, subkey

from markovlib import Dataset, Recipe, RecipeError, plan
from markovlib._stream import RuleSpace as EngineSpace
from markovlib._stream import fail_allocations_after
from markovlib.families import Form, Part, form_of, source
from markovlib.quotas import nested_turns, phases, turns, whole_weights
from markovlib.spaces import Family, RuleSpace, SpaceError

TENTH = Fraction(1, 10)


def strings(letters, length, family, k):
    free = free_letters(k, length)
    return {bytes(build(family, k, length, digits)) for digits in product(range(letters), repeat=free)}


@pytest.mark.parametrize("length", range(13))
def test_forms_are_the_families_by_their_definition(length: int) -> None:
    seen: dict[tuple[int, ...], Form] = {}
    for family in FAMILIES:
        for k in range(1, max(length, 1) + 1) if family != "uniform" else (1,):
            form = form_of(family, k, length)
            marks = build(family, k, length, range(free_letters(k, length)))
            assert tuple(source(form, length)) == marks
            assert form == named(family, k, length)
            assert seen.setdefault(marks, form) == form
    assert len(set(seen.values())) == len(seen)


def some_forms(length):
    return list(dict.fromkeys(form_of(family, k, length) for family in FAMILIES for k in range(1, length + 1)))


@pytest.mark.parametrize(("letters", "length"), [*product((2, 3), range(1, 7)), (2, 7), (2, 8), (4, 4)])
def test_parts_are_what_earlier_forms_leave(letters: int, length: int) -> None:
    """Every form after every set of up to three others; numbered in the order of the alphabet."""
    forms = some_forms(length)
    of_form = {form: strings(letters, length, *form) for form in forms}
    for form in forms:
        others = [other for other in forms if other != form]
        for count in range(4):
            for earlier in combinations(others, count):
                left = sorted(of_form[form] - set().union(*(of_form[other] for other in earlier)))
                part = Part(letters, length, form, earlier)
                assert part.size == len(left), (form, earlier)
    for earlier in (tuple(others[:5]), tuple(others[::-1])):
        left = sorted(of_form[form] - set().union(*(of_form[other] for other in earlier)))
        part = Part(letters, length, form, earlier)
        assert [part.unrank(n) for n in range(part.size)] == left
        ranks = {}
        for string in map(bytes, product(range(letters), repeat=length)):
            try:
                ranks[string] = part.rank(string)
            except ValueError:
                continue
        assert ranks == {string: n for n, string in enumerate(left)}


@given(st.integers(2, 4), st.integers(1, 10), st.data())
def test_parts_after_any_list(letters: int, length: int, data: st.DataObject) -> None:
    forms = data.draw(st.permutations(some_forms(length)))
    form, *earlier = forms[: data.draw(st.integers(1, len(forms)))]
    left = strings(letters, length, *form).difference(*(strings(letters, length, *other) for other in earlier))
    part = Part(letters, length, form, tuple(earlier))
    assert part.size == len(left)
    for string in sorted(left)[:: max(1, len(left) // 20)]:
        assert part.unrank(part.rank(string)) == string


# ---- turns --------------------------------------------------------------------------------------------------------


def within_quotas(period, weights):
    total, taken = sum(weights), [0] * len(weights)
    for place, (who, rank) in enumerate(period, 1):
        assert rank == taken[who]
        taken[who] += 1
        assert all(abs(total * t - w * place) < total for t, w in zip(taken, weights, strict=True)), (weights, place)
    assert taken == list(weights)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_prefix_has_its_quotas(count: int) -> None:
    for weights in product(range(1, {1: 30, 2: 30, 3: 13, 4: 7, 5: 4}[count]), repeat=count):
        within_quotas(turns(weights), weights)


@given(st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2000)), min_size=1, max_size=40).filter(any))
def test_every_prefix_has_its_quotas_with_any_weights(weights: list[int]) -> None:
    within_quotas(turns(weights), weights)


classes = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=20)


@given(classes, st.data())
def test_every_prefix_has_the_quotas_of_every_class(kinds: list[tuple[int, ...]], data: st.DataObject) -> None:
    """And within a class, those of the classes in it, nearly: their turns begin in the middle."""
    weights = data.draw(st.lists(st.integers(0, 9), min_size=len(kinds), max_size=len(kinds)).filter(any))
    period = nested_turns(weights, kinds)
    assert sorted(period) == sorted((who, turn) for who, weight in enumerate(weights) for turn in range(weight))
    for depth in range(len(kinds[0])):
        for outer in {kind[:depth] for kind in kinds}:
            inside = [who for who, _ in period if kinds[who][:depth] == outer]
            parts = sorted({kinds[who][: depth + 1] for who in inside})
            share = {part: sum(w for w, kind in zip(weights, kinds, strict=True) if kind[: depth + 1] == part)
                     for part in parts}  # fmt: skip
            seen = dict.fromkeys(parts, 0)
            for place, who in enumerate(inside, 1):
                seen[kinds[who][: depth + 1]] += 1
                off = max(abs(len(inside) * n - share[part] * place) for part, n in seen.items())
                assert off < (2 if depth else 1) * len(inside)


def test_few_rules_are_of_every_kind() -> None:
    """Ten rules have patterns of all five lengths, and fifty are of three families as asked, within one."""
    lengths = Recipe.load("paper/basic").replace({"rules.pattern_length": [4, 8], "rules.replacement_length": [2, 6]})
    rules = Dataset(lengths.replace(instructions=10), 1).batch(range(10), columns=["pattern", "replacement"])
    assert sorted(map(len, rules.pattern)) == [4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
    assert sorted(map(len, rules.replacement)) == [2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    families = lengths.replace({
        "rules.family": [{"name": "repeated", "weight": 1}, {"name": "mirrored", "weight": 2},
                         {"name": "uniform", "weight": 1}],
        "rules.k": [3, 4], "rules.pattern_length": [8, 12], "rules.replacement_length": [4, 12],
    })  # fmt: skip
    for count in (10, 50, 101):
        batch = Dataset(families.replace(instructions=count), 1).batch(range(count), columns=["stratum"])
        strata = families.space.strata
        assert len(strata) > 200
        found = Counter(strata[i].family for i in batch.stratum)
        for name, share in (("repeated", 1), ("mirrored", 2), ("uniform", 1)):
            assert abs(found[name] - count * share / 4) < 1


def test_weights_are_reduced() -> None:
    assert whole_weights([Fraction(2), Fraction(4), Fraction(6)]) == [1, 2, 3]
    with pytest.raises(ValueError, match="add up to 65537, more than 65536"):
        whole_weights([Fraction(1), Fraction(65536)])


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 40)), min_size=1, max_size=6).filter(
        lambda t: any(p for _, p in t)
    )
)
def test_what_runs_out_goes_to_the_next_larger(strata: list[tuple[int, int]]) -> None:
    weights, possible = [list(column) for column in zip(*strata, strict=True)]
    order = sorted(range(len(weights)), key=lambda s: (possible[s], s))
    starts, spills = [], []
    taken = [0] * len(weights)
    every = list(phases(weights, possible, 2**62))
    ends = [phase.start for phase, _ in every[1:]] + [sum(possible)]
    for (phase, spilled), end in zip(every, ends, strict=True):
        assert phase.bases == taken
        assert (end - phase.start) % sum(phase.weights) == 0
        periods = (end - phase.start) // sum(phase.weights)
        taken = [t + periods * w for t, w in zip(taken, phase.weights, strict=True)]
        left = [p - base for p, base in zip(possible, phase.bases, strict=True)]
        assert phase.weights == share_out(weights, left, order)
        assert all(rest >= 0 for rest in left)
        starts.append(phase.start)
        spills += spilled
    assert taken == possible
    assert starts == sorted(set(starts))
    for spill in spills:
        phase = next(phase for phase, _ in every if phase.start == spill.rule)
        assert phase.weights[spill.stratum] < weights[spill.stratum]
        assert phase.weights[spill.into] > weights[spill.into]


# ---- spaces -------------------------------------------------------------------------------------------------------

SMALL_SPACES = {
    "one uniform": (3, [("uniform", (1, 1), 1)], (2, 2), (2, 2), None),
    "lengths": (2, [("uniform", (1, 1), 1)], (1, 3), (0, 3), None),
    "effects": (2, [("uniform", (1, 1), 1)], (1, 3), (0, 3), {"delete": 1, "shrink": 1, "keep": 1, "grow": 2}),
    "growing only": (2, [("uniform", (1, 1), 1)], (1, 2), (0, 3), {"grow": 1}),
    "repeated": (3, [("repeated", (2, 4), 1)], (6, 6), (4, 4), None),
    "periodic": (3, [("periodic", (2, 4), 1)], (8, 8), (8, 8), None),
    "all three": (3, [("repeated", (2, 3), 1), ("periodic", (2, 3), 2), ("mirrored", (2, 3), "1.5")], (6, 6), (5, 6),
                  None),
    "special first": (3, [("mirrored", (2, 2), 1), ("periodic", (2, 2), 1), ("uniform", (1, 1), 3)], (4, 4), (3, 3),
                      None),
    "many k": (3, [("mirrored", (2, 6), 1), ("periodic", (2, 6), 1)], (6, 6), (6, 6), None),
    "families and lengths": (2, [("periodic", (2, 3), 1), ("repeated", (3, 3), 1)], (5, 7), (6, 6), None),
    "families and effects": (2, [("periodic", (3, 3), 1), ("repeated", (3, 3), 2)], (5, 7), (6, 6),
                             {"shrink": 3, "grow": 1}),
    "deletions": (3, [("repeated", (2, 2), 1), ("mirrored", (2, 2), 1)], (4, 4), (0, 0), None),
    "exclusions beyond the table": (7, [("repeated", (2, 2), 1), ("mirrored", (2, 3), 1)], (7, 7), (5, 5), None),
}  # fmt: skip


def make(name, held_out=False):
    letters, families, patterns, replacements, effect = SMALL_SPACES[name]
    space = RuleSpace(
        "abcdefg"[:letters], [Family(f, k, Fraction(w)) for f, k, w in families], patterns, replacements, effect
    )
    reference = ReferenceSpace((5, 6), letters, families, patterns, replacements, TENTH, held_out, effect)
    return space, reference


@pytest.mark.parametrize("held_out", [False, True], ids=["train", "unseen"])
@pytest.mark.parametrize("name", SMALL_SPACES)
def test_instructions_are_what_the_reference_says(name: str, held_out: bool) -> None:
    space, reference = make(name, held_out)
    share = space.divide(TENTH)[held_out]
    assert [stratum.weight for stratum in space.strata] == reference.weights
    if share is None:
        assert sum(reference.possible) == 0
        return
    assert [pairing.possible for pairing in share.pairings] == reference.possible
    engine = EngineSpace((5, 6), share.for_engine())
    assert engine.possible == share.possible == sum(reference.possible)
    expected = [(bytes(x), bytes(y), stratum) for x, y, stratum in islice(reference.instructions(), tries(1500))]
    assert [engine.rule(j) for j in range(len(expected))] == expected
    numbers = [*range(len(expected)), *range(0, len(expected), 7)]
    for i in range(0, len(numbers), 32):
        assert engine.rules(numbers[i : i + 32]) == [expected[j] for j in numbers[i : i + 32]]
    with pytest.raises(IndexError):
        engine.rule(share.possible)


@pytest.mark.parametrize("name", SMALL_SPACES)
def test_instructions_are_rules_of_the_space_each_once(name: str) -> None:
    space, _ = make(name)
    every = list(islice(space, tries(5000)))
    assert space.size >= len({(r.pattern, r.replacement) for r in every}) == len(every)
    assert [space.rank(rule) for rule in every] == list(range(len(every)))
    assert space.size == sum(stratum.possible for stratum in space.strata)
    sides: list[list[set[bytes]]] = []
    for share in space.divide(TENTH):
        if share is None:
            continue
        engine = EngineSpace((1, 2), share.for_engine())
        rules = [engine.rule(j) for j in range(min(engine.possible, tries(20_000)))]
        assert len({rule[:2] for rule in rules}) == len(rules)
        for pattern, replacement, stratum in rules[: tries(5000)]:
            rule = space.alphabet.string(pattern), space.alphabet.string(replacement)
            assert space.stratum(rule) == stratum
        sides.append([{rule[side] for rule in rules} for side in (0, 1)])
        for side, count in ((0, share.patterns), (1, share.replacements)):
            assert len(sides[-1][side]) <= count
            for codes in sides[-1][side]:
                assert engine.holds(side, codes)
    if len(sides) == 2:
        assert not sides[0][0] & sides[1][0]
        assert not sides[0][1] & sides[1][1]


@pytest.mark.parametrize("name", SMALL_SPACES)
def test_each_string_of_a_space_is_trained_on_or_held_out(name: str) -> None:
    space, _ = make(name)
    letters = len(space.alphabet)
    shares = [EngineSpace((8, 9), share.for_engine()) for share in space.divide(TENTH) if share]
    for side, lengths in ((0, space.pattern_lengths), (1, space.replacement_lengths)):
        for length in range(lengths[0], lengths[1] + 1):
            parts = {id(parts[side]): parts[side] for parts in space._sides if parts[side].length == length}.values()
            of_space = {part.unrank(n) for part in parts for n in range(part.size)}
            every = list(map(bytes, islice(product(range(letters), repeat=length), 40_000)))
            held = Counter(sum(share.holds(side, string) for share in shares) for string in every if string in of_space)
            assert held[1] == len(of_space & set(every)) or len(shares) == 1
            assert held[2] == 0
            assert not any(share.holds(side, s) for share in shares for s in every[:3000] if s not in of_space)
        assert not any(share.holds(side, bytes(lengths[1] + 1)) for share in shares)


@st.composite
def any_space(draw):
    letters = draw(st.integers(2, 4))
    patterns, replacements = (
        tuple(sorted(draw(st.tuples(st.integers(low, 5), st.integers(low, 5))))) for low in (1, 0)
    )
    shortest = min(patterns[0], max(replacements[0], 1))
    families = []
    for name in draw(st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=4, unique=True)):
        k = sorted(draw(st.tuples(st.integers(1, shortest), st.integers(1, shortest)))) if name != "uniform" else (1, 1)
        families.append((name, tuple(k), draw(st.sampled_from([1, 2, Fraction("0.5")]))))
    return letters, families, patterns, replacements


@settings(max_examples=tries(60))
@given(any_space(), st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), st.fractions(0, Fraction(9, 10)))
def test_any_space(spec, key: tuple[int, int], holdout: Fraction) -> None:
    letters, families, patterns, replacements = spec
    try:
        space = RuleSpace("abcd"[:letters], [Family(*family) for family in families], patterns, replacements)
    except SpaceError:  # a family is left with nothing
        return
    sides = []
    for held_out, share in enumerate(space.divide(holdout)):
        reference = ReferenceSpace(key, letters, families, patterns, replacements, holdout, bool(held_out))
        if share is None:
            assert not any(reference.possible)
            continue
        assert [stratum.possible for stratum in share.strata] == reference.possible
        if not share.possible:
            continue
        engine = EngineSpace(key, share.for_engine())
        expected = [(bytes(x), bytes(y), stratum) for x, y, stratum in islice(reference.instructions(), 100)]
        assert [engine.rule(j) for j in range(len(expected))] == expected
        rules = [rule for j in range(0, min(engine.possible, 2000), 25)
                 for rule in engine.rules(range(j, min(j + 25, engine.possible)))]  # fmt: skip
        assert rules[:100] == expected[: len(rules)]
        assert len({rule[:2] for rule in rules}) == len(rules)
        assert all(x != y for x, y, _ in rules)
        sides.append([{rule[side] for rule in rules} for side in (0, 1)])
    for side in (0, 1):
        assert len(sides) < 2 or not sides[0][side] & sides[1][side]


# SHA-256 of the first 500 rules of either share, for keys that a data set might have.
GOLDEN = {
    "all three": "545ab0f66b17ee334481a4b5c9ba4d80",
    "families and effects": "f2f9018a52f47791bafe56e562b56b9b",
    "lengths": "521e34c1cb3d84ee2f06d1fb8197d665",
    "large": "bc3a1fdebd40d1bb4a068c46ebdd2f94",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_rules_are_what_they_were(name: str) -> None:
    if name == "large":
        families = [Family("mirrored", (2, 6)), Family("repeated", (2, 5), 2), Family("periodic", (3, 3))]
        space = RuleSpace("a-z", families, (40, 41), (29, 30))
    else:
        space, _ = make(name)
    sha = hashlib.sha256()
    for share in space.divide(TENTH):
        engine = EngineSpace((2026, 7), share.for_engine())
        for j in range(min(500, engine.possible)):
            pattern, replacement, stratum = engine.rule(j)
            sha.update(bytes([len(pattern)]) + pattern + bytes([len(replacement)]) + replacement + bytes([stratum]))
    assert sha.hexdigest()[:32] == GOLDEN[name]


def test_what_a_data_set_says_of_its_strata() -> None:
    recipe = Recipe.load("paper/families").replace({
        "rules.k": [20, 60], "instructions": 30_000, "rules.family": "periodic", "examples": 60_000,
    })  # fmt: skip
    ds = Dataset(recipe, 3)
    assert [(s.k, s.weight, s.possible) for s in ds.strata] == [
        (60, 1, 23 * 22), (30, 30, 585 * 584), (20, 10, 15795 * 15794),
    ]  # fmt: skip
    report = ds.report()
    kinds = [{"family": "periodic", "k": k, "pattern_length": 60, "replacement_length": 60} for k in (60, 30)]
    assert report["spills"] == [{"stratum": 0, "rule": 506 * 41, "into": 1, "kind": kinds[0], "into_kind": kinds[1]}]
    assert report["strata"][1] == {
        "family": "periodic", "k": 30, "pattern_length": 60, "replacement_length": 60, "weight": 30,
        "possible": 585 * 584,
    }  # fmt: skip
    assert Dataset(recipe.replace(instructions=1000), 3).report()["spills"] == []
    with pytest.raises(RecipeError, match=r"rules\.strict: the stratum of family 'periodic', k = 60"):
        recipe.replace({"rules.strict": True})
    assert recipe.replace({"rules.strict": True}, instructions=20_746).rules.strict
    rules = {example.pattern: example for example in ds[0:2000]}
    assert all(space_form(pattern) for pattern in rules)


def space_form(pattern: str) -> bool:
    return any(pattern[:free] * (60 // free) == pattern for free in (1, 2, 3))


def test_a_prefix_does_not_depend_on_how_many_are_asked_for() -> None:
    space, _ = make("families and lengths")
    train, _ = space.divide(TENTH)
    every = EngineSpace((3, 4), train.for_engine())
    few = EngineSpace((3, 4), train.for_engine(20))
    assert [few.rule(j) for j in range(20)] == [every.rule(j) for j in range(20)]


@pytest.mark.parametrize("held_out", [False, True])
def test_large_spaces(held_out: bool) -> None:
    families = [("repeated", (2, 2), 1), ("periodic", (2, 3), 2), ("mirrored", (3, 3), 1)]
    space = RuleSpace("a-z", [Family(f, k, w) for f, k, w in families], 60, (40, 41))
    reference = ReferenceSpace((5, 6), 26, families, (60, 60), (40, 41), TENTH, held_out)
    share = space.divide(TENTH)[held_out]
    assert share is not None
    assert [pairing.possible for pairing in share.pairings] == reference.possible
    engine = EngineSpace((5, 6), share.for_engine())
    expected = [(bytes(x), bytes(y), stratum) for x, y, stratum in islice(reference.instructions(), 64)]
    assert [engine.rule(j) for j in range(64)] == expected
    assert engine.rules(range(20, 52)) == expected[20:52]
    assert engine.rules(range(0, 64, 2)) == expected[::2]
    other = EngineSpace((5, 6), space.divide(TENTH)[not held_out].for_engine(10))
    for j in (*range(50), 2**61):
        pattern, replacement, stratum = engine.rule(j)
        rule = space.alphabet.string(pattern), space.alphabet.string(replacement)
        assert space.stratum(rule) == stratum
        assert space.unrank(space.rank(rule))[:2] == rule
        assert (engine.holds(False, pattern), engine.holds(True, replacement)) == (True, True)
        assert (other.holds(False, pattern), other.holds(True, replacement)) == (False, False)


@pytest.mark.parametrize("name", ["all three", "one uniform"])
def test_without_memory_there_is_no_space(name: str) -> None:
    """Tables that only make a space quicker are done without."""
    train, _ = make(name)[0].divide(TENTH)
    layout = train.for_engine()
    whole = EngineSpace((1, 2), layout)
    failures = 0
    for allowed in range(40):
        fail_allocations_after(allowed)
        try:
            space = EngineSpace((1, 2), layout)
        except MemoryError:
            failures += 1
            continue
        finally:
            fail_allocations_after(-1)
        assert [space.rule(j) for j in range(20)] == [whole.rule(j) for j in range(20)]
    assert 5 <= failures < 30


# ---- strata of several rules, and of shifts --------------------------------------------------------------------------


@pytest.mark.parametrize("per_example", [2, 3])
def test_rules_of_a_set_are_those_of_the_turns_in_an_order_of_their_own(per_example: int) -> None:
    """docs/stream.md, *Several rules*; to the last rule of the space, where a run of turns is cut short."""
    key, letters, lengths = plan.stream_key(4), 2, ((1, 2), (2, 3))
    recipe = Recipe.load("first-rewrite").replace({
        "rules.per_example": per_example, "rules.alphabet": "ab", "rules.pattern_length": [1, 2],
        "rules.replacement_length": [2, 3], "words.length": [5, 9], "examples": None, "instructions": None,
        "eval.instructions": None, "words.no_op": 0.0,
    })  # fmt: skip
    reference = ReferenceSpace(key, letters, [("uniform", (1, 1), 1)], *lengths, TENTH, False)
    turns = [(bytes(x), bytes(y)) for x, y, _ in reference.instructions()]
    ds = Dataset(recipe, 4)
    each = per_example * sum(reference.weights)
    assert each % per_example == 0 < len(turns) % each
    expected = []
    for number in range(len(turns) // per_example * per_example):
        block, place = divmod(number, each)
        size = min(each, len(turns) - block * each)
        expected.append(turns[block * each + permute(subkey(key, size, block, 0, 11), size, place)])
    rules = [ds._plan.instruction(j)[0] for j in range(ds.report()["possible_instructions"])]
    assert rules == [expected[i : i + per_example] for i in range(0, len(expected), per_example)]


def test_the_place_of_a_rule_does_not_tell_its_stratum() -> None:
    recipe = Recipe.load("first-rewrite").replace({"rules.per_example": 2, "rules.pattern_length": [3, 4]})
    ds = Dataset(recipe.replace(examples=400, instructions=400), 1)
    sets = Counter(tuple(len(rule.pattern) for rule in ds[i].rules) for i in range(400))
    assert set(sets) == {(3, 3), (3, 4), (4, 3), (4, 4)}
    assert min(sets.values()) > 60
    assert sum(count * pair.count(3) for pair, count in sets.items()) == 400


SHIFTED = Recipe.from_dict({
    "examples": 500, "instructions": 100, "words": {"length": [12, 14]}, "eval": {"examples": 400, "instructions": 400},
    "rules": {"alphabet": "a-h", "pattern_length": [3, 4], "replacement_length": 5},
    "shifts": {
        "latin": {"rules.alphabet": "a-z"},
        "lengths": {"rules.pattern_length": [3, 10]},
        "families": {"rules.family": ["mirrored", "periodic"], "rules.k": 2, "rules.pattern_length": [4, 5],
                     "rules.replacement_length": 6},
    },
})  # fmt: skip


@pytest.mark.parametrize("split", ["latin", "lengths"])
def test_strata_have_their_quotas_in_a_shift_too(split: str) -> None:
    ds = Dataset(SHIFTED, 1, split)
    batch = ds.batch(range(400), ["stratum", "instruction"])
    strata = dict(zip(batch.instruction.tolist(), batch.stratum.tolist(), strict=True))
    assert len(strata) == 400
    assert set(Counter(strata.values()).values()) == {400 // len(ds.strata)}
    assert ds.report()["spills"] == []


@pytest.mark.parametrize("split", ["latin", "lengths", "families"])
def test_a_shift_has_no_side_that_training_could_use_and_no_rule_twice(split: str) -> None:
    ds = Dataset(SHIFTED, 1, split)
    held_out = partial(SHIFTED.space.held_out, plan.stream_key(1), SHIFTED.holdout_share)
    rules = {(example.pattern, example.replacement) for example in ds}
    assert len(rules) == min(400, ds.report()["possible_instructions"])
    for pattern, replacement in rules:
        for side, string, lengths in (("pattern", pattern, (3, 4)), ("replacement", replacement, (5,))):
            if len(string) in lengths and set(string) <= set("abcdefgh"):
                assert held_out(side, string)


def test_all_rules_of_a_small_stratum_that_will_do_are_there() -> None:
    """Of 2^16 rules or fewer it is known which; those of none are a spill."""
    ds = Dataset(SHIFTED, 1, "families")
    tests = ds._split.instructions.share
    assert all(isinstance(choice, np.ndarray) for choice in tests.choices)
    other, refused = EngineSpace(plan.stream_key(1), tests.chosen([1] * 4).for_engine()), ds._split._refused
    expected = {
        rule for rule in map(other.rule, range(other.possible))
        if not refused.holds(False, rule[0]) and not refused.holds(True, rule[1])
    }  # fmt: skip
    engine = EngineSpace(plan.stream_key(1), tests.for_engine())
    assert {engine.rule(j) for j in range(engine.possible)} == expected
    assert engine.possible == len(expected) > 0
    assert [stratum.possible for stratum in ds.strata] == [len(choice) for choice in tests.choices]
    empty = [number for number, choice in enumerate(tests.choices) if not len(choice)]
    assert {spill["stratum"] for spill in ds.report()["spills"]} >= set(empty)


def test_a_shift_to_a_list_takes_those_that_will_do() -> None:
    rules = [[a + b + c + "aa"[: len({a, b, c}) - 1], a + b + c + "aaa"] for a, b, c in product("abcdefgh", repeat=3)]
    ds = Dataset(SHIFTED.replace({"shifts": {"listed": {"rules.list": rules}}, "eval.instructions": None}), 1, "listed")
    held_out = partial(SHIFTED.space.held_out, plan.stream_key(1), SHIFTED.holdout_share)
    used = {(example.pattern, example.replacement) for example in ds}
    assert 0 < len(used) == ds.report()["possible_instructions"] < 51
    assert {len(pattern) for pattern, _ in used} == {4, 5}
    assert all(len(pattern) > 4 or held_out("pattern", pattern) for pattern, _ in used)


def test_a_shift_of_which_training_has_every_rule_says_so() -> None:
    recipe = SHIFTED.replace({"rules.holdout": 0.001, "rules.pattern_length": 2, "rules.replacement_length": 3,
                              "instructions": 10, "eval.instructions": None,
                              "shifts": {"same": {"rules.pattern_length": [2, 2], "rules.k": 1,
                                                  "rules.family": [{"name": "mirrored", "k": 2}]}}})  # fmt: skip
    with pytest.raises(RecipeError, match="every rule for the split 'same' has a side that training could use"):
        Dataset(recipe, 1, "same")
