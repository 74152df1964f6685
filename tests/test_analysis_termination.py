"""Proofs of termination and loops against the oracle: what is certified holds, in its bounds; what loops, loops."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import pairwise, product

import pytest
from effort import tries

import markovlib as mk
from markovlib import analysis
from markovlib.analysis import matrices
from markovlib.analysis.following import following
from markovlib.analysis.plain import PlainRule, firing, plain
from markovlib.testing import oracle

SIDES = ["".join(letters) for n in range(4) for letters in product("ab", repeat=n)]
RULES = [(p, r, t) for p in SIDES for r in SIDES for t in (False, True)]
WORDS = ["".join(letters) for n in range(6) for letters in product("ab", repeat=n)]
PROBES = ["abbabaab", "bbbbaaaa", "aaaabbbb", "ababababab", "xaxbx"]


def contradiction(rules: list[tuple[str, str, bool]]) -> str | None:
    """What simulation says against the verdict on the rules; the verdict's status is counted elsewhere."""
    rule_set = mk.RuleSet(rules)
    verdict = analysis.termination(rule_set)
    if verdict.loop is not None:
        return against_loop(rules, verdict.loop)
    if verdict.certificate is not None:
        return against_certificate(rule_set, verdict.certificate, [*WORDS[::3], *PROBES])
    return None


def against_loop(rules, loop):
    """The oracle must not halt within many rounds, and the middle must come back as the loop says."""
    run = oracle.run(rules, loop.word, max_steps=5 * loop.steps)
    if run.steps != 5 * loop.steps or run.outcome != 3:
        return f"{loop}: halts"
    left, right = loop.left * (loop.repeat + 5), loop.right * (loop.repeat + 5)
    return None if run.word == loop.prefix + left + loop.middle + right + loop.suffix else f"{loop}: {run.word}"


def against_certificate(rule_set, certificate, words):
    if not certificate.verify(rule_set):
        return "the certificate does not verify"
    ran = rule_set.run_batch(words, threads=1, max_steps=2000, max_length=2000, detect_cycles=True)
    for word, outcome, steps in zip(words, ran.outcomes.tolist(), ran.steps.tolist(), strict=True):
        if outcome == mk.Outcome.CYCLE:
            return f"{word}: cycle"
        most, longest = certificate.max_steps(rule_set, word), certificate.max_length(rule_set, word)
        if most is not None and steps > most:
            return f"{word}: {steps} steps, bound {most}"
        if most is not None and most < 2000 and outcome == mk.Outcome.STEP_LIMIT:
            return f"{word}: no end within {most}"
        if longest is not None and rule_set.run(word, max_steps=2000, max_length=2000).max_length_seen > longest:
            return f"{word}: longer than {longest}"
    return None


def test_one_rule_completely():
    for rule in RULES:
        assert contradiction([rule]) is None, rule


def test_two_rules_sampled():
    draw = random.Random(5)
    for _ in range(tries(1000)):
        rules = [draw.choice(RULES), draw.choice(RULES)]
        assert contradiction(rules) is None, rules


PARTS = 60
LOOKED_AT = range(PARTS) if os.environ.get("MARKOVLIB_EVERY_PAIR") else [7]


@pytest.mark.slow
@pytest.mark.parametrize("part", LOOKED_AT)
def test_two_rules_completely(part):
    """Every pair of rules, up to an exchange of the two letters; one part in sixty unless all are asked for."""
    swap = str.maketrans("ab", "ba")
    for one in RULES[part::PARTS]:
        for two in RULES:
            mirrored = [(p.translate(swap), r.translate(swap), t) for p, r, t in (one, two)]
            if [one, two] <= mirrored:
                assert contradiction([one, two]) is None, (one, two)


def test_what_may_fire_next_is_never_too_little():
    draw = random.Random(3)
    pairs = 0
    for _ in range(600):
        rules = [draw.choice(RULES) for _ in range(draw.choice([2, 3, 4]))]
        graph = following(plain(mk.RuleSet(rules)))
        for word in WORDS[::2]:
            fired = [i for i, _, _ in oracle.run(rules, word, max_steps=20, max_length=40).trace]
            for i, j in pairwise(fired):
                pairs += 1
                assert rules[j][2] or j in graph[i], (rules, word, i, j)
    assert pairs > 10_000


@pytest.mark.parametrize(
    ("rules", "method", "steps"),
    [
        ([("ab", "c"), ("c", "")], "weights", 4),
        ([("ba", "ab"), ("ca", "ac")], "order", None),
        ([("ab", "bba")], "matrices", 18),
    ],
)
def test_each_method_proves(rules, method, steps):
    rule_set = mk.RuleSet(rules)
    proof = analysis.certify(rule_set, [method])
    assert proof.verify(rule_set)
    bound = proof.max_steps(rule_set, "aabb")
    assert bound is not None
    assert rule_set.run("aabb").steps <= bound
    if steps is not None:
        assert bound == steps
    assert analysis.certify(mk.RuleSet([("a", "aa")]), [method]) is None


def test_the_order_of_rules_proves_more():
    """`a` always meets the terminal rule next, so that `b -> ab` fires once; in any order it goes on for ever."""
    rules = mk.RuleSet([("a", "", True), ("b", "ab")])
    proof = analysis.certify(rules)
    assert proof.verify(rules)
    assert proof.max_steps(rules, "bbb") == 2
    assert analysis.certify(rules, ordered=False) is None
    assert not replace(proof, ordered=False).verify(rules)


def test_false_proofs_are_refused():
    rules = mk.RuleSet([("ab", "ba")])
    part = frozenset({0})
    for measure in (
        analysis.Weights((("a", 1), ("b", 0))),
        analysis.LetterOrder("ba"),
        analysis.LetterOrder("aab"),
        analysis.Weights((("a", -1), ("b", 0))),
        analysis.Matrices((("a", ((0, 1), (0, 1))), ("b", ((2, 0), (0, 1))))),
        analysis.Matrices((("a", ((1, 1), (0, 1))),)),
    ):
        proof = analysis.Certificate((analysis.Stage(part, measure),))
        assert not proof.verify(rules), measure
        with pytest.raises(ValueError, match="proves nothing"):
            proof.max_steps(rules, "ab")
    assert not analysis.Certificate(()).verify(rules)
    assert not analysis.Certificate((analysis.Stage(frozenset(), analysis.LetterOrder("ab")),)).verify(rules)


def test_false_loops_are_refused():
    rules = mk.RuleSet([("ab", "abb"), ("bbbbb", "b", True)])
    loop = analysis.Loop("", "", "ab", "b", "", 1, 7)
    assert loop.verify(rules[:1])
    assert not loop.verify(rules[1:])
    assert not loop.verify(mk.RuleSet([("bbbbb", "b", True), *rules[:1]]))
    assert not replace(loop, repeat=1).verify(rules[:1])
    assert not replace(loop, steps=2).verify(rules[:1])
    assert not replace(loop, steps=0, left="", right="").verify(rules[:1])
    assert not replace(loop, left="a").verify(rules[:1])


def test_a_loop_within_a_frame():
    """The growth happens beside a letter that stays, and a pattern that would see too much of it is in the way."""
    rules = mk.RuleSet([("bbbb#", "", True), ("ca", "bca")])
    found = analysis.find_loop(rules)
    assert found.verify(rules)
    assert against_loop([tuple(rule) for rule in rules], found) is None


def test_bytes_and_text_beyond_ascii():
    for rules, word in (([("β", "αα")], "xββ"), ([(b"\xff", b"\xfe\xfe")], b"\xff\xff")):
        rule_set = mk.RuleSet(rules)
        proof = analysis.certify(rule_set)
        ran = rule_set.run(word)
        assert proof.max_steps(rule_set, word) >= ran.steps
        assert proof.max_length(rule_set, word) >= ran.max_length_seen
    looping = analysis.termination(mk.RuleSet([(b"\xff", b"\xff\xfe")]))
    assert isinstance(looping.loop.word, bytes)
    assert firing(plain(mk.RuleSet([("é", "")])), "aé") == (0, 1)


def test_proofs_show_letters_that_cannot_be_seen():
    for rules in ([("\n", ""), ("\x1b", " ")], [("\x1b\n", "\n\x1b")], [(" \n", "\n\n "), ("\n\n\n", "\x1b")]):
        shown = str(analysis.termination(mk.RuleSet(rules)))
        assert shown.startswith("terminates")
        assert shown.isprintable()
    assert str(analysis.termination(mk.RuleSet([("\n", "")]))).endswith(r"weights '\n'=1")


def test_unknown_is_said():
    """Rules that count: they neither loop from a short word nor fall by a small measure."""
    large = mk.RuleSet([("ab" * 3000, "a")])
    verdict = analysis.termination(large)
    assert verdict.status == "unknown"
    assert "too large" in str(verdict)
    assert verdict.to_dict() == {"status": "unknown", "reason": verdict.reason}


def test_weights_name_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.optimize", None)
    rules = mk.RuleSet([("a", "bb"), ("bb", "c"), ("c", "b")])
    with pytest.raises(ImportError, match=r"pip install '\.\[analysis\]'"):
        analysis.certify(rules, ["weights"], ordered=False)
    assert analysis.certify(rules, ordered=False).verify(rules)


@pytest.mark.parametrize("methods", ["order", ["order", "polynomials"]])
def test_methods_that_there_are_not(methods):
    with pytest.raises(ValueError, match="must be a list of some of weights, order, matrices"):
        analysis.certify(mk.RuleSet([("ba", "ab")]), methods)


def test_matrices_that_a_rule_refutes_are_not_tried_on_the_next(monkeypatch) -> None:
    """Many long rules leave few of them after the first ones: else 200 rules took most of a minute."""
    multiplied = 0
    product = matrices._product

    def counted(word, stacks):
        nonlocal multiplied
        multiplied += len(word) * len(next(iter(stacks.values())))
        return product(word, stacks)

    monkeypatch.setattr(matrices, "_product", counted)
    chance = random.Random(1)
    rules = [PlainRule(*("".join(chance.choices("ab", k=10)) for _ in range(2)), False) for _ in range(200)]
    matrices.find_matrices(rules)
    every = sum(2 * 200 * 20 * len(matrices.candidates(dimension, 2)[0]) for dimension in (1, 2, 3))
    assert multiplied < every / 20
