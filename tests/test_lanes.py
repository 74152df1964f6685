"""Batches whose words are short enough for the lanes, against the oracle, on every vector path."""

from __future__ import annotations

import random

import numpy as np
import pytest
from engines import triples
from programs import CASES

import markovlib as mk
from markovlib import _core
from markovlib.testing import oracle

KERNELS = [name for name in ("scalar", "avx2", "avx512", "neon") if _core.simd_force(name)]
_core.simd_force(None)


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request):
    assert _core.simd_force(request.param)
    yield request.param
    _core.simd_force(None)


def expected(rules, word, **options):
    """Word, outcome, steps, and the first step's rule and position (in bytes, as batches give it)."""
    r = oracle.run(rules, word, **options)
    if not r.trace:
        return r.word, r.outcome, r.steps, -1, -1
    rule, position, _ = r.trace[0]
    return r.word, r.outcome, r.steps, rule, oracle.size(word[:position])


def check(rules, words, max_steps=60, max_length=200, strategy="markov", threads=1, **options):
    """Limits may be lists, one entry per word."""
    per_row = {
        "max_steps": max_steps if isinstance(max_steps, list) else [max_steps] * len(words),
        "max_length": max_length if isinstance(max_length, list) else [max_length] * len(words),
    }
    given = {
        "max_steps": np.array(max_steps) if isinstance(max_steps, list) else max_steps,
        "max_length": np.array(max_length) if isinstance(max_length, list) else max_length,
    }
    b = mk.RuleSet(rules).run_batch(words, threads=threads, strategy=strategy, **given, **options)
    got = zip(b.words.tolist(), b.outcomes, b.steps, b.first_rule, b.first_position, strict=True)
    for i, row in enumerate(got):
        limits = {name: values[i] for name, values in per_row.items()}
        answer = expected(triples(rules), words[i], strategy=strategy, **limits)
        assert tuple(row) == answer, (i, words[i], limits)
    return b


def some_rules(rng, letters, count, longest):
    def side(limit):
        return bytes(rng.choices(letters, k=rng.choice([0, 1, 1, 2, 2, rng.randint(0, limit)])))

    return [(side(longest), side(longest), rng.random() < 0.1) for _ in range(rng.randint(0, count))]


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
@pytest.mark.parametrize("seed", range(12))
def test_random_batches(seed, strategy):
    """Words and limits of all kinds at once, so that lanes are refilled while others go on."""
    rng = random.Random(seed)
    for _ in range(12):
        letters = rng.sample(range(256), rng.choice([1, 2, 3, 7, 8, 20]))
        rules = some_rules(rng, letters, rng.choice([1, 4, 12, 60]), rng.choice([3, 6, 64]))
        foreign = letters + rng.sample(range(256), rng.choice([0, 0, 1, 60]))
        words = []
        for _ in range(rng.choice([1, 2, 9, 70])):
            parts = [bytes(rng.choices(foreign, k=rng.randint(0, 70)))]
            if rules:
                parts.append(rng.choice(rules)[0])
            words.append(b"".join(parts)[: rng.choice([3, 40, 64, 90])])
        n = len(words)
        max_steps = rng.choice([0, 3, 50, [rng.randint(0, 40) for _ in range(n)]])
        max_length = rng.choice([0, 30, 64, 65, 120, [rng.randint(0, 90) for _ in range(n)]])
        check(rules, words, max_steps, max_length, strategy, threads=rng.randint(1, 3))


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_every_small_word(strategy):
    words = [f"{i:0{n}b}".replace("0", "a").replace("1", "b") if n else "" for n in range(7) for i in range(2**n)]
    rng = random.Random(1)
    sides = ["", "a", "b", "aa", "ab", "ba", "bb", "aba", "c"]
    for _ in range(40):
        rules = [(rng.choice(sides), rng.choice(sides), rng.random() < 0.2) for _ in range(rng.randint(1, 3))]
        check(rules, words, max_steps=12, max_length=9, strategy=strategy)


@pytest.mark.parametrize("case", [case for case in CASES if case.word.isascii()], ids=lambda case: case.name)
def test_known_programs(case):
    options = {k: v for k, v in case.options.items() if k != "detect_cycles"}
    check(case.rules, [case.word[i:] for i in range(len(case.word))] * 2, **{"max_steps": 300, **options})


def test_rows_keep_their_places():
    """Far more rows than lanes, of very different lengths of run, and several chunks."""
    rng = random.Random(3)
    words = ["".join(rng.choices("ab", k=rng.randint(0, 24))) for _ in range(1500)]
    for threads in (1, 2, 3):
        check([("ba", "ab")], words, max_steps=1000, threads=threads)


@pytest.mark.parametrize("limit", [63, 64, 65, 66, 300])
def test_growth_beyond_a_lane(limit):
    """A word that outgrows its lane goes on where it was, with its steps and its first match."""
    words = ["a" * n for n in (1, 5, 62, 63, 64, 65)] * 5
    for rules in ([("a", "ab")], [("", "xy")], [("aaa", ""), ("a", "b" * 7)], [("aa", "c" * 70, True)]):
        check(rules, words, max_steps=100, max_length=limit)


def test_replacements_longer_than_a_lane_packs():
    """With more letters a lane has fewer bits for each replacement."""
    wide = "abcdefghijklmnopqrstuvwxyz0123456789"
    for length in range(1, 66):
        check([("x", (wide * 2)[:length]), ("a", "b")], ["x", "xx", "axa"], max_steps=40, max_length=150)


def test_foreign_letters():
    """Letters that no rule has keep their places, few of them and more than there are numbers for."""
    words = ["abé", "ñba", "zzabz", "日ba本", "b a"] * 10
    check([("ba", "ab"), ("z", "")], words)
    rare = [bytes([i, 98, 97, 255 - i]) for i in range(256)]
    check([(b"ba", b"ab"), (b"\x00", b"\xff")], rare)


def test_limits_at_their_edges():
    """A word that starts too long may shrink; the step limit is tested before the length limit; zero steps."""
    rules = [("aaa", "b"), ("b", "cc"), ("c", "")]
    for steps in range(6):
        for length in range(8):
            check(rules, ["aaaaaa", "b", "c", "", "xaaa"], max_steps=steps, max_length=length)
    steps, lengths = [0, 1, 2, 3, 40], [9, 2, 0, 40, 1]
    check(rules, ["aaaaaa"] * 5, max_steps=steps, max_length=lengths)
    check([("a", "a", True), ("b", "b")], ["a", "b", "ab"], max_steps=0)
    check([("a", "a", True), ("b", "b")], ["a", "b", "ab"], max_steps=1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_one_long_run_among_short_ones(threads):
    words = ["b", "a", "b", "c" * 64, "d" * 65] * 4
    b = check([("a", "a"), ("b", "c")], words, max_steps=5000, threads=threads)
    assert b.steps.tolist() == [1, 5000, 1, 0, 0] * 4


@pytest.mark.parametrize("matcher", ["auto", "bits", "scan", "index"])
def test_every_matcher_gives_the_same(matcher):
    check([("ba", "ab"), ("aa", "c")], ["baabab" * 3, "ba" * 40, ""] * 6, matcher=matcher)


@pytest.mark.parametrize("threads", [1, 3])
def test_max_total(threads):
    rules = mk.RuleSet([("x", "yy")])
    words = ["x" * 5, "a", "x" * 60, ""] * 300
    total = 300 * (10 + 1 + 120)
    b = rules.run_batch(words, threads=threads, max_total=total)
    assert len(b.words.data) == total
    with pytest.raises(MemoryError, match=f"longer than max_total={total - 1} bytes"):
        rules.run_batch(words, threads=threads, max_total=total - 1)
    assert rules.run_batch([""] * 9, max_total=0, threads=threads).words.tolist() == [""] * 9
    with pytest.raises(ValueError, match="max_total must be at least 0"):
        rules.run_batch(words, max_total=-1)


@pytest.mark.parametrize("threads", [1, 3])
def test_max_total_of_rows_with_rules_of_their_own(threads):
    rules = [[("a", "bb")], [("b", "")]] * 50
    words = ["aa", "bb"] * 50
    assert mk.run_rows(rules, words, threads=threads, max_total=200).steps.tolist() == [2, 2] * 50
    with pytest.raises(MemoryError, match="max_total=199"):
        mk.run_rows(rules, words, threads=threads, max_total=199)


def test_max_total_ends_the_work_early():
    """Each of these runs would take a minute; the first two results already exceed the limit."""
    words = ["a" * 60] * 2 + ["ba" * 30] * 100_000
    with pytest.raises(MemoryError):
        mk.RuleSet([("aaaaaa", "xxxxxx"), ("ba", "ba")]).run_batch(words, max_steps=10**6, max_total=100, threads=1)


@pytest.mark.parametrize("strategy", ["markov", "leftmost"])
def test_cycles(strategy):
    """Many words of each rule set, so that lanes are refilled while others go on; loops of several lengths."""
    rng = random.Random(strategy)
    periods = set()
    rotations = [[(b"%c" % (97 + i), b"%c" % (97 + (i + 1) % k), False) for i in range(k)] for k in range(2, 7)]
    for rules in [*rotations, *(some_rules(rng, b"abc", 4, 3) for _ in range(60))]:
        words = [bytes(rng.choices(b"abc", k=rng.randint(0, 12))) for _ in range(40)]
        options = {"max_steps": 100, "max_length": 80, "detect_cycles": True, "strategy": strategy}
        batch = mk.RuleSet(rules).run_batch(words, threads=1, **options)
        for i, word in enumerate(words):
            answer = oracle.run(rules, word, **options)
            row = batch.words[i], batch.outcomes[i], batch.steps[i]
            assert row == (answer.word, answer.outcome, answer.steps), (rules, word)
            periods.add(answer.cycle and answer.cycle[1])
    assert len(periods) >= 4


def test_a_batch_is_a_table_of_words_outcomes_and_steps():
    batch = mk.RuleSet([("a", "aa"), ("c", "", True)]).run_batch(["é", "c", "a"], max_steps=3)
    table = batch.to_arrow()
    assert table.to_pydict() == {
        "word": ["é", "", "aaaa"],
        "outcome": ["no_rule_applies", "terminal_rule", "step_limit"],
        "steps": [0, 1, 3],
    }
    assert table.column("word").buffers()[2].address == batch.words.data.ctypes.data
    assert table.column("steps").buffers()[1].address == batch.steps.ctypes.data
    kinds = [str(kind) for kind in mk.RuleSet([(b"a", b"")]).run_batch([b"a"]).to_arrow().schema.types]
    assert kinds == ["large_binary", "string", "int64"]
    assert mk.RuleSet([]).run_batch([]).to_arrow().num_rows == 0
