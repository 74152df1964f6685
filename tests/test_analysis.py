"""What is said of rules without running them, against brute force: findings, critical pairs, confluence, completion,
equivalence."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from itertools import product

import pytest
from effort import tries

import markovlib as mk
from markovlib import analysis
from markovlib.analysis.pairs import joinable
from markovlib.analysis.plain import PlainRule, killers, plain
from markovlib.testing import oracle

SIDES = ["".join(letters) for n in range(4) for letters in product("ab", repeat=n)]
RULES = [(p, r, t) for p in SIDES for r in SIDES for t in (False, True)]
WORDS = ["".join(letters) for n in range(6) for letters in product("ab", repeat=n)]
EVERY = [("", "a", False), ("ab", "b", False), ("b", "b", False), ("b", "a", True)]


def fires_somewhere(patterns: list[str], i: int) -> bool:
    return any((oracle.find([(p, "", False) for p in patterns], word) or (-1,))[0] == i for word in WORDS)


def test_dead_rules_completely():
    """Whether a rule is dead depends on patterns alone; every pair and some triples are tried on every short word."""
    draw = random.Random(1)
    triples = [[draw.choice(SIDES) for _ in range(3)] for _ in range(300)]
    dead = 0
    for patterns in [[x] for x in SIDES] + [[x, y] for x in SIDES for y in SIDES] + triples:
        found = {f.rule for f in analysis.check(mk.RuleSet([(p, "x") for p in patterns]))}
        expected = {i for i in range(len(patterns)) if not fires_somewhere(patterns, i)}
        assert found == expected, patterns
        dead += len(found)
    assert dead > 100


def test_idle_and_undoing_rules_completely():
    """Every rule set of one and two rules: the witness is run, and what is not found does not happen at once."""
    for one in RULES:
        kinds = [f.kind for f in analysis.check(mk.RuleSet([one]))]
        assert ("idle" in kinds) == (oracle.run([one], one[0], 1, None, True).cycle is not None)
    for one, two in product(RULES[::2], RULES[::2]):
        if (one[0], one[1]) != (two[1], two[0]):
            continue
        found = [f for f in analysis.check(mk.RuleSet([one, two])) if f.kind == "undo"]
        run = oracle.run([one, two], one[0], 2, None)
        assert bool(found) == (run.word == one[0] and [step[0] for step in run.trace] == [0, 1]), (one, two)
        assert all(f.word == one[0] and (f.rule, f.other) == (1, 0) for f in found)


def test_letters_that_never_come():
    rules = mk.RuleSet([("a", "b"), ("bc", "d"), ("d", "c"), ("b", "e", True), ("e", "")])
    found = {f.rule: f.word for f in analysis.check(rules, letters="ab") if f.kind == "unproduced"}
    assert found == {1: "c", 2: "d", 4: "e"}
    fired = sum(rules.run(word).fired for word in WORDS)
    assert [i for i, n in enumerate(fired.tolist()) if n == 0] == sorted(found)
    assert [f.rule for f in analysis.check(rules, letters="abc") if f.kind == "unproduced"] == [4]
    assert analysis.check(rules) == []
    assert analysis.never_produced(mk.RuleSet([(b"\xffa", b"a")])) == b"\xff"


@pytest.mark.parametrize(
    ("rules", "word"), [([("é", "e")], "é".encode()), ([(b"a", b"b")], "a"), ([("a", "b")], 5), ([("a", "b")], ["a"])]
)
def test_words_and_letters_of_another_kind_are_refused(rules, word):
    rules = mk.RuleSet(rules)
    proof, done = analysis.certify(rules), analysis.complete(rules)
    for asked in (
        lambda: rules.check(word),
        lambda: proof.max_steps(rules, word),
        lambda: proof.max_length(rules, word),
        lambda: done.normal_form(word),
        lambda: analysis.complete(rules, letters=word),
        lambda: analysis.compare(rules, rules, letters=word),
    ):
        with pytest.raises(TypeError, match=f"these rules are {rules.kind}: give the word as "):
            asked()


@pytest.mark.parametrize("word", ["x", b"x", 5])
def test_a_completion_without_rules_keeps_the_kind_of_those_given(word):
    for rule, kind in (("a", str), (b"a", bytes), (None, (str, bytes))):
        done = analysis.complete(mk.RuleSet([(rule, rule)] if rule else []))
        assert len(done.rules) == 0
        if isinstance(word, kind):
            assert done.normal_form(word) == word
        else:
            with pytest.raises(TypeError, match=r"give the word as |a word must be str or bytes"):
                done.normal_form(word)


def test_bytes_that_are_not_text_are_shown_once_escaped():
    findings = analysis.check(mk.RuleSet([("é".encode(), b""), ("é!".encode(), b"")]), b"")
    assert str(findings[0]).endswith(r"produces '\xa9\xc3'")
    assert str(findings[1]).endswith("the pattern of rule 1, 'é', occurs in its pattern")


def brute_pairs(rules: list[tuple[str, str]]) -> set[tuple]:
    """From the definition: two occurrences that meet, in a word that they cover."""
    found = set()
    most = max(len(p) for p, _ in rules)
    for word in (w for w in SIDES + [w for w in WORDS if len(w) > 3] if len(w) < 2 * most or len(w) <= most):
        places = [(i, at) for i, (p, _) in enumerate(rules) for at in range(len(word) + 1) if word.startswith(p, at)]
        for (i, a), (j, b) in product(places, repeat=2):
            x, y = len(rules[i][0]), len(rules[j][0])
            if (i, a) >= (j, b) or min(a, b) > 0 or max(a + x, b + y) < len(word):
                continue
            letters = max(a, b) < min(a + x, b + y)
            inside = (y == 0 and a < b < a + x) or (x == 0 and b < a < b + y) or (x == y == 0 and a == b)
            if letters or inside:
                results = [word[:c] + rules[k][1] + word[c + len(rules[k][0]) :] for k, c in ((i, a), (j, b))]
                found.add((word, frozenset([(i, a, results[0]), (j, b, results[1])])))
    return found


def agree_on_pairs(rules):
    rule_set = mk.RuleSet(rules)
    pairs = analysis.critical_pairs(rule_set)
    assert all(pair.verify(rule_set) for pair in pairs)
    found = [
        (p.word, frozenset([(p.first, p.positions[0], p.left), (p.second, p.positions[1], p.right)])) for p in pairs
    ]
    assert len(found) == len(set(found)), rules
    assert set(found) == brute_pairs(rules), rules
    return len(found)


def test_critical_pairs_completely():
    """They depend on patterns; replacements that no pattern holds keep the results apart."""
    count = sum(agree_on_pairs([(p, r)]) for p in SIDES for r in SIDES)
    count += sum(agree_on_pairs([(p, "x"), (q, "yz")]) for p in SIDES for q in SIDES)
    assert count > 300


def normal_forms(rules, word, most=60):
    """All that the word can end as in any order of application, or None."""
    seen, todo, ends = {word}, [word], set()
    while todo:
        word = todo.pop()
        new = {
            word[:at] + r + word[at + len(p) :]
            for p, r in rules
            for at in range(len(word) + 1)
            if word.startswith(p, at)
        }
        ends |= set() if new else {word}
        todo += new - seen
        seen |= new
        if len(seen) > most:
            return None
    return ends


def judge_confluence(rules):
    answer = analysis.confluence(mk.RuleSet(rules))
    forms = [normal_forms(rules, word) for word in WORDS if len(word) <= 3]
    if answer.status == "confluent":
        assert answer.certificate.verify(mk.RuleSet(rules)), rules
        assert all(ends is None or len(ends) == 1 for ends in forms), rules
    if answer.status == "not confluent":
        assert answer.pair.verify(mk.RuleSet(rules)), rules
        sides = [normal_forms(rules, word) for word in (answer.pair.left, answer.pair.right)]
        assert None in sides or not sides[0] & sides[1], rules
    return answer.status


@pytest.mark.slow
def test_confluence_of_one_rule_completely():
    statuses = [judge_confluence([(p, r)]) for p in SIDES for r in SIDES]
    assert statuses.count("confluent") > 100
    assert "not confluent" in statuses


def test_confluence_of_two_rules_sampled():
    draw = random.Random(2)
    statuses = [judge_confluence([draw.choice(RULES)[:2], draw.choice(RULES)[:2]]) for _ in range(tries(300))]
    assert set(statuses) >= {"confluent", "not confluent"}


def test_what_cannot_be_searched_to_its_end_is_unknown():
    rules = mk.RuleSet([("a", "bab"), ("a", "cac")])
    unknown = analysis.confluence(rules, max_words=20)
    assert unknown.status == "unknown"
    assert str(unknown).startswith("confluence unknown in any order of application: ")
    assert joinable(plain(mk.RuleSet([("a", "aa"), ("b", "bb")])), "a", "b", 10, 10) is None
    with pytest.raises(ValueError, match="rule 2 is terminal"):
        analysis.critical_pairs(mk.RuleSet([("a", "b"), ("b", "", True)]))


GROUPS = [
    [("aaa", ""), ("bb", ""), ("abab", "")],
    [("aa", "a"), ("bb", "b"), ("abab", "ab")],
    [("aba", "bab"), ("aa", ""), ("bb", "")],
    [("ab", "ba"), ("aaaa", "a")],
    [("aaaaa", ""), ("bbb", ""), ("abab", "")],
    [("abba", "b"), ("bb", "a")],
]


@pytest.mark.parametrize("rules", GROUPS)
def test_completion_makes_the_same_words_equal(rules):
    done = analysis.complete(mk.RuleSet(rules))
    assert done.complete
    assert all(done.normal_form(x) == done.normal_form(y) for x, y in rules)
    assert analysis.confluence(done.rules).status == "confluent"
    for word in WORDS:
        for p, r in rules:
            if p in word:
                assert done.equal(word, word.replace(p, r, 1)) is True


def completed_elsewhere(library, rules):
    presentation = library.Presentation("ab")
    presentation.contains_empty_word(True)
    for x, y in rules:
        library.presentation.add_rule(presentation, x, y)
    system = library.KnuthBendix(library.congruence_kind.twosided, presentation)
    system.run()
    return sorted(tuple(rule) for rule in system.active_rules())


@pytest.mark.slow
def test_completion_agrees_with_libsemigroups():
    """A reduced complete system is the only one for its order, so that the two must be equal rule for rule."""
    library = pytest.importorskip("libsemigroups_pybind11")
    draw = random.Random(4)
    drawn = [[(draw.choice(SIDES), draw.choice(SIDES)) for _ in range(draw.choice([1, 2, 3]))] for _ in range(300)]
    compared = 0
    quiet = library.ReportGuard(False)
    for rules in GROUPS + drawn:
        done = analysis.complete(mk.RuleSet(rules), letters="ab", max_rules=40, max_pairs=2000)
        if done.complete:
            assert sorted((r.pattern, r.replacement) for r in done.rules) == completed_elsewhere(library, rules), rules
            compared += 1
    del quiet
    assert compared > 150


def test_a_completion_that_is_cut_off_says_so():
    rules = mk.RuleSet([("aba", "ab")])
    done = analysis.complete(rules, max_rules=5)
    assert not done.complete
    assert done.equal("abbbbbbbba", "abbbbbbbb") is None
    assert done.equal("aba", "ab") is True
    assert "cut off" in str(done)
    with pytest.raises(ValueError, match="letters must hold"):
        analysis.complete(rules, letters="a")


def shortest_difference(one, two, longest):
    for word in (w for w in (["".join(x) for n in range(longest + 1) for x in product("abc", repeat=n)])):
        runs = [oracle.run(rules, word, 200, 200, True) for rules in (one, two)]
        ends = [run.word if run.outcome in (1, 2) else "loops" if run.outcome == 5 else None for run in runs]
        if None not in ends and ends[0] != ends[1]:
            return word
    return None


def test_the_shortest_word_that_tells_two_rule_sets_apart():
    draw = random.Random(6)
    different = 0
    for _ in range(200):
        one = [draw.choice(RULES), draw.choice(RULES)]
        two = [one[0], draw.choice(RULES)] if draw.random() < 0.8 else one[::-1]
        sets = mk.RuleSet(one), mk.RuleSet(two)
        answer = analysis.compare(*sets, letters="abc", max_length=4, max_steps=200, max_bytes=200)
        expected = shortest_difference(one, two, 4)
        assert answer.word == expected, (one, two)
        assert (answer.status == "different") == answer.verify(*sets) == (expected is not None)
        different += expected is not None
    assert 50 < different < 200


def test_limits_are_open_questions():
    grows, halts = mk.RuleSet([("a", "ab")]), mk.RuleSet([("b", "")])
    answer = analysis.compare(grows, halts, letters="a", max_length=3, max_steps=50)
    assert (answer.status, answer.undecided, answer.open_word, answer.agreed) == ("undecided", 3, "a", 1)
    assert analysis.compare(mk.RuleSet([("a", "a")]), mk.RuleSet(), letters="a").status == "different"
    assert analysis.compare(grows, grows, letters="ab", max_words=7, max_length=9, max_steps=5).max_length == 2
    with pytest.raises(TypeError, match="of one kind"):
        analysis.compare(grows, mk.RuleSet([(b"a", b"")]))


@pytest.mark.parametrize("options", [{"letters": "aba"}, {"max_length": -1}, {"max_words": 0}])
def test_a_comparison_on_no_words_or_on_some_twice_is_refused(options):
    with pytest.raises(ValueError, match=r"once, not 'aba'|leave no word"):
        analysis.compare(mk.RuleSet([("a", "b")]), mk.RuleSet(), **options)


def test_everything_has_words_and_json():
    report = mk.RuleSet([("ab", "ba"), ("ba", "ab"), ("ab", "x")]).check()
    assert "undoes rule 1" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["termination"]["loop"]["kind"] == "cycle"
    assert {f.kind for f in report.findings} == {"undo", "duplicate"}
    binary = mk.RuleSet([(b"\xff", b""), (b"\xff\xff", b"\x00")]).check()
    assert json.loads(json.dumps(binary.to_dict()))["findings"][0]["word"] == "\xff\xff"
    comparison = analysis.compare(mk.RuleSet([(b"a", b"")]), mk.RuleSet())
    assert json.loads(json.dumps(comparison.to_dict()))["word"] == "a"
    assert json.dumps(analysis.complete(mk.RuleSet([("ab", "ba")])).to_dict())
    assert mk.RuleSet(EVERY[3:]).check().confluence.status == "unknown"
    assert mk.RuleSet().check().termination.status == "terminates"


def test_killers_are_those_of_the_definition() -> None:
    chance = random.Random(5)
    for _ in range(300):
        letters, longest = chance.choice(["a", "ab", "abcd"]), chance.choice([2, 4, 8, 20])
        sides = ["".join(chance.choices(letters, k=chance.randint(0, longest))) for _ in range(chance.randint(0, 40))]
        rules = [PlainRule(side, "", False) for side in sides if side or chance.random() < 0.05]
        expected = [
            next((k for k in range(i) if rules[k].pattern in rules[i].pattern), None) for i in range(len(rules))
        ]
        assert killers(rules) == expected


def test_long_results_are_compared_in_pieces(monkeypatch) -> None:
    """What a limit of memory leaves in pieces is the same as all at once."""
    rules = mk.RuleSet([("ab", "bba"), ("bbb", "a", True)])
    others = mk.RuleSet([("ab", "bba"), ("bbb", "a", True), ("bb", "bb")])
    whole = [analysis.compare(rules, sets, letters="ab", max_length=6, max_bytes=40) for sets in (rules, others)]
    monkeypatch.setattr(analysis.equivalence, "_BYTES", 100)
    pieces = [analysis.compare(rules, sets, letters="ab", max_length=6, max_bytes=40) for sets in (rules, others)]
    assert pieces == whole


GROWING = """
import resource
import markovlib as mk
from markovlib import analysis
rules = mk.RuleSet([("", "a" * 5000)])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert analysis.compare(rules, rules, letters="ab", max_length=11).undecided == 4095
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_comparing_long_words_takes_little_memory() -> None:
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", GROWING], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200 * 2**20


def test_many_rules_are_not_compared_with_one_another() -> None:
    class Searched(str):
        searches = 0

        def __contains__(self, part: str) -> bool:
            Searched.searches += 1
            return super().__contains__(part)

    rules = [PlainRule(Searched("".join(letters)), "", False) for letters in product("abcdefghijk", repeat=4)]
    assert killers(rules) == [None] * 11**4
    assert Searched.searches < 11**4


def test_what_undoes_what_among_many_rules() -> None:
    given = [("ab", "x"), ("cd", "y", True), ("y", "cd"), ("x", "ab"), ("ab", "z"), ("z", "ab"), ("q", "q")]
    found = [(finding.rule, finding.kind, finding.other) for finding in analysis.check(mk.RuleSet(given))]
    assert found == [(3, "undo", 0), (4, "duplicate", 0), (6, "idle", None)]


@pytest.mark.parametrize("name", [*analysis.__all__])
def test_what_a_rule_set_takes_is_taken(name):
    """Pairs and triples, lists and generators of them, do for a rule set."""
    function = getattr(analysis, name)
    if isinstance(function, type):
        return
    pairs = [("ba", "ab"), ["bb", "b", False]]
    sets = 2 if name == "compare" else 1
    expected = function(*[mk.RuleSet(pairs)] * sets)
    assert function(*[pairs] * sets) == expected
    assert function(*[iter(pairs) for _ in range(sets)]) == expected
