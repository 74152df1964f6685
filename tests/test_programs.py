"""Every program computes what it says, on all short words and on random longer ones, within the limits it states."""

from __future__ import annotations

import copy as copying
import pickle
import random
import re
from collections.abc import Iterator
from itertools import groupby, product
from math import prod
from pathlib import Path

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib.machines import (
    BINARY_INCREMENT,
    BUSY_BEAVER,
    UNARY_PARITY,
    compile_turing_machine,
    simulate_turing_machine,
)
from markovlib.programs import PROGRAMS, Program, Segment, copy, mirror, palindrome, reverse, sort
from markovlib.testing import oracle

NAMES = list(PROGRAMS)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "programs.md"

# How the bound on steps grows: the power of the length, 0 for one step, None for 2^n.
POWERS = {
    "reverse": 2, "sort": 2, "copy": 2, "mirror": 2, "palindrome": 2, "parentheses": 1, "parentheses-balanced": 1,
    "unary-addition": 0, "unary-subtraction": 1, "unary-multiplication": 3, "unary-division": 2, "unary-gcd": 2,
    "unary-to-binary": 1, "binary-to-unary": None, "binary-increment": 1, "binary-addition": 2, "binary-comparison": 2,
    "turing-increment": 1, "turing-parity": 1, "busy-beaver": 1,
}  # fmt: skip
NO_RULE_APPLIES = {"sort", "unary-division", "unary-to-binary", "binary-to-unary"}
LONG = {"binary-to-unary": 12, "unary-multiplication": 40}


def balanced(pairs: int) -> Iterator[str]:
    if pairs == 0:
        yield ""
    for inner in range(pairs):
        for first, rest in product(balanced(inner), balanced(pairs - 1 - inner)):
            yield f"({first}){rest}"


def stretches(segment: Segment) -> list[str]:
    """Every stretch that a segment allows."""
    sizes = range(segment.least, segment.greatest + 1)
    if segment.balanced:
        return [word for size in sizes for word in balanced(size)]
    words = ("".join(letters) for size in sizes for letters in product(segment.letters, repeat=size))
    zero = segment.letters[0]
    return [word for word in words if not (segment.first_not_zero and len(word) > 1 and word[0] == zero)]


def all_words(program: Program, most: int = 3000) -> tuple[int, list[str]]:
    """The greatest length for which there are at most so many words, and all words up to it."""
    best: tuple[int, list[str]] = (0, [])
    for length in range(41):
        try:
            segments = program.segments((0, length))
        except ValueError:
            continue
        if prod(sum(len(s.letters) ** n for n in range(s.least, s.greatest + 1)) for s in segments) > 200_000:
            break
        parts = [stretches(segment) for segment in segments]
        if prod(map(len, parts)) > most:
            break
        best = length, ["".join(word) for word in product(*parts)]
    return best


def drawn(segment: Segment, source: random.Random) -> str:
    size = source.randint(segment.least, segment.greatest)
    if segment.balanced:
        return drawn_balanced(segment.letters, size, source)
    letters = source.choices(segment.letters, k=size)
    if segment.first_not_zero and size > 1:
        letters[0] = source.choice(segment.letters[1:])
    return "".join(letters)


def drawn_balanced(letters: str, pairs: int, source: random.Random) -> str:
    """The rotation after the lowest point of a random arrangement with one closing letter more, and without it."""
    arrangement = [1] * pairs + [-1] * (pairs + 1)
    source.shuffle(arrangement)
    heights = [sum(arrangement[: i + 1]) for i in range(len(arrangement))]
    low = heights.index(min(heights)) + 1
    return "".join(letters[step < 0] for step in (arrangement[low:] + arrangement[:low])[:-1])


def check(program: Program, word: str, max_steps: int | None, max_length: int | None) -> mk.RunResult:
    result = program.rules.run(word, max_steps=max_steps, max_length=max_length)
    expected = mk.Outcome.NO_RULE_APPLIES if program.name in NO_RULE_APPLIES else mk.Outcome.TERMINAL_RULE
    assert (word, result.word, result.outcome) == (word, program.answer(word), expected)
    return result


@pytest.mark.parametrize("name", NAMES)
def test_all_short_words(name: str) -> None:
    """Each has the answer, by the oracle too; and the stated limits hold, and are not far above the worst word."""
    program = PROGRAMS[name]
    length, words = all_words(program)
    assert len(words) >= 40 or name == "unary-addition" or (name.startswith("parentheses") and len(words) >= 20)
    limits = program.max_steps((0, length)), program.max_length((0, length))
    results = [check(program, word, *limits) for word in words]
    assert limits[0] <= 2 * max(result.steps for result in results) + 2
    assert limits[1] <= 1.3 * max(result.max_length_seen for result in results) + 3
    for word in [word for word in words if len(word) <= 16][:: max(1, len(words) // 50)]:
        run = oracle.run([tuple(rule) for rule in program.rules], word, max_steps=limits[0])
        assert run.word == program.answer(word)


@pytest.mark.parametrize("name", NAMES)
def test_limits_of_every_length(name: str) -> None:
    """The limits of a length hold for all words of just that length, from the shortest on."""
    program = PROGRAMS[name]
    longest, _ = all_words(program, 500)
    for length in range(longest + 1):
        try:
            parts = [stretches(segment) for segment in program.segments((length, length))]
        except ValueError:
            continue
        for word in map("".join, product(*parts)):
            check(program, word, program.max_steps((length, length)), program.max_length((length, length)))


@pytest.mark.parametrize("name", [name for name in NAMES if not re.search("turing|beaver|balanced", name)])
def test_every_rule_is_needed(name: str) -> None:
    """Without any one of its rules a program has another result for some short word."""
    program = PROGRAMS[name]
    length, words = all_words(program, 500)
    limits = {"max_steps": program.max_steps((0, length)), "max_length": program.max_length((0, length))}
    for left_out in range(len(program.rules)):
        others = mk.RuleSet([*program.rules[:left_out], *program.rules[left_out + 1 :]])
        assert any(others.run(word, **limits).word != program.answer(word) for word in words), program.rules[left_out]


@pytest.mark.parametrize("name", NAMES)
def test_random_longer_words(name: str) -> None:
    program, source = PROGRAMS[name], random.Random(f"programs {name}")
    for greatest in (LONG.get(name, 150) // 2, LONG.get(name, 150)):
        length = (greatest // 3, greatest)
        limits = program.max_steps(length), program.max_length(length)
        for _ in range(100):
            check(program, "".join(drawn(segment, source) for segment in program.segments(length)), *limits)


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_grows_as_stated(name: str) -> None:
    program, power = PROGRAMS[name], POWERS[name]
    if power is None:
        assert program.max_steps((1, 21)) < 2.1 * program.max_steps((1, 20))
    else:
        assert program.max_steps((1, 2000)) <= 1.01 * 2**power * program.max_steps((1, 1000))


@pytest.mark.parametrize("name", NAMES)
def test_letters(name: str) -> None:
    """Words use the program's letters, and auxiliary letters are printable and not among them."""
    program = PROGRAMS[name]
    _, words = all_words(program)
    assert set("".join(words)) == set(program.letters)
    assert program.alphabet.startswith(program.letters)
    auxiliary = program.alphabet[len(program.letters) :]
    assert len(set(program.alphabet)) == len(program.alphabet)
    assert auxiliary == "" or (auxiliary.isprintable() and auxiliary.isascii() and " " not in auxiliary)
    sides = {letter for rule in program.rules for letter in rule.pattern + rule.replacement}
    assert set(auxiliary) == sides - set(program.letters)
    assert program.name == name
    assert program.about
    assert "\n" not in program.about


@pytest.mark.parametrize("name", NAMES)
def test_a_program_pickles_as_its_name(name: str) -> None:
    assert pickle.loads(pickle.dumps(PROGRAMS[name])) is PROGRAMS[name]
    assert copying.deepcopy(PROGRAMS[name]) is PROGRAMS[name]


def test_other_programs_pickle_with_their_functions() -> None:
    made = Program("mine", "counts", mk.RuleSet([("a", "b")]), PROGRAMS["sort"].operands, str.upper, abs, abs)
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(reverse())


def test_both_answers_occur() -> None:
    """A test of yes and no says both."""
    for name, answers in {"palindrome": "yn", "parentheses": "yn", "binary-comparison": "<=>"}.items():
        _, words = all_words(PROGRAMS[name])
        assert {PROGRAMS[name].answer(word) for word in words} == set(answers)
    _, words = all_words(PROGRAMS["parentheses-balanced"])
    assert {PROGRAMS["parentheses"].answer(word) for word in words} == {"y"}


def test_segments() -> None:
    assert PROGRAMS["binary-addition"].segments((0, 5)) == (
        Segment("01", 1, 5, True), Segment("+", 1, 1), Segment("01", 1, 5, True),
    )  # fmt: skip
    assert PROGRAMS["unary-division"].segments((0, 5)) == (
        Segment("1", 0, 5), Segment("/", 1, 1), Segment("1", 1, 5),
    )  # fmt: skip
    assert PROGRAMS["parentheses-balanced"].segments((3, 9)) == (Segment("()", 2, 4, balanced=True),)
    assert PROGRAMS["reverse"].segments((4, 4)) == (Segment("abc", 4, 4),)


@pytest.mark.parametrize(
    ("name", "length", "message"),
    [
        ("sort", (3, 2), "0 <= least <= greatest"),
        ("sort", (-1, 2), "0 <= least <= greatest"),
        ("binary-increment", (0, 0), "at least 1 letter"),
        ("parentheses-balanced", (5, 5), "even length"),
    ],
)
def test_lengths_without_words(name: str, length: tuple[int, int], message: str) -> None:
    for method in (PROGRAMS[name].segments, PROGRAMS[name].max_steps, PROGRAMS[name].max_length):
        with pytest.raises(ValueError, match=message):
            method(length)


@pytest.mark.parametrize(
    ("name", "wrong", "form"),
    [
        (
            "binary-addition",
            ["zzz", "1", "1+", "01+1", "1+1+1", "1+1\n"],
            "1 or more of '01' without a '0' before others",
        ),
        ("unary-division", ["1/", "11", "/", "1/1/1"], "0 or more of '1', then '/', then 1 or more of '1'"),
        ("parentheses-balanced", ["(", ")(", "()a"], "balanced '()'"),
        ("sort", ["abe", "A"], "0 or more of 'abcd'"),
    ],
)
def test_words_of_another_form(name: str, wrong: list[str], form: str) -> None:
    for word in wrong:
        with pytest.raises(ValueError, match=f"^{name}: its words are ") as caught:
            PROGRAMS[name].answer(word)
        assert form in str(caught.value)
        assert repr(word) in str(caught.value)
    assert PROGRAMS["binary-addition"].answer("0+0") == "0"


# -- other letters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [reverse, sort, copy, mirror])
@pytest.mark.parametrize("letters", ["x", "01", "αβγ", "a☃😀"])
def test_programs_with_other_letters(build, letters: str) -> None:
    program = build(letters)
    for word in map("".join, (w for n in range(5) for w in product(letters, repeat=n))):
        limits = program.max_steps((len(word), len(word))), program.max_length((len(word), len(word)))
        assert program.rules.run(word, max_steps=limits[0], max_length=limits[1]).word == program.answer(word)


def test_palindromes_with_other_letters() -> None:
    program = palindrome("xyz", "XYZ", "#-", "10")
    for word in map("".join, (w for n in range(7) for w in product("xyz", repeat=n))):
        found = program.rules.run(word, max_steps=program.max_steps((0, 6)))
        assert (found.word, found.halted) == ("1" if word == word[::-1] else "0", True)


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (reverse, ("",), "at least one"),
        (sort, ("aba",), "different characters"),
        (copy, ("a*",), r"'\*' is a letter of the words"),
        (copy, ("ab", "x"), "must be 2 different"),
        (mirror, ("ab", "xx"), "must be 2 different"),
        (reverse, ("ab", "x\n"), "printable"),
        (palindrome, ("abc",), "must be 7 different"),
        (palindrome, ("ab", "AB", "*N", "An"), "must be 6 different"),
    ],
)
def test_letters_that_cannot_be_used(build, arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(*arguments)


def test_the_scheme_of_the_paper() -> None:
    """αx -> xαβx, βxy -> yβx, αβx -> xα, α -> ·, -> α maps abb to abbbba."""
    assert mirror("ab", "αβ").rules == mk.RuleSet(
        [
            ("αa", "aαβa"), ("αb", "bαβb"),
            ("βaa", "aβa"), ("βab", "bβa"), ("βba", "aβb"), ("βbb", "bβb"),
            ("αβa", "aα"), ("αβb", "bα"),
            ("α", "", True), ("", "α"),
        ]
    )  # fmt: skip
    assert PROGRAMS["mirror"].rules.run("abb").word == "abbbba"


# -- Turing machines -------------------------------------------------------------------------------------------------

STATES, TAPE = "AB", "01_"
MACHINES = st.dictionaries(
    st.tuples(st.sampled_from(STATES), st.sampled_from(TAPE)),
    st.tuples(st.sampled_from(STATES + "H"), st.sampled_from(TAPE), st.sampled_from("LRN")),
    min_size=1,
)


@settings(max_examples=tries(200))
@given(MACHINES, st.text(TAPE, max_size=6), st.booleans())
def test_compiled_machines_do_what_the_machine_does(transitions, tape: str, strip: bool) -> None:
    arguments = {"start": "A", "halt": "H", "blank": "_", "strip": strip}
    direct = simulate_turing_machine(transitions, tape=tape, max_steps=100, **arguments)
    rules = compile_turing_machine(transitions, letters=TAPE, **arguments)
    most = 2 * direct.steps + 4
    if strip:
        most += 3 * len(
            simulate_turing_machine(transitions, tape=tape, max_steps=100, **{**arguments, "strip": False}).tape
        )
    run = rules.run(tape, max_steps=most)
    if direct.halted:
        assert (run.word, run.outcome) == (direct.tape, mk.Outcome.TERMINAL_RULE)
        assert run.steps >= direct.steps + 2
    else:
        assert run.outcome == mk.Outcome.STEP_LIMIT
    assert len(rules) <= (2 + 3) * (len(TAPE) + 1) ** 2


def test_the_machine_and_the_rules_go_through_the_same_configurations() -> None:
    """State and tape, without blanks, after each step; a new cell, or a step that only moves, changes neither."""
    rules = compile_turing_machine(BUSY_BEAVER, "A", "H", "0", strip=False)
    words = [step.word for step in rules.trace("")][:-1]
    by_rules = [(re.sub("[^A-H]", "", word), re.sub("[A-H]", "", word).strip("0")) for word in words]
    runs = [simulate_turing_machine(BUSY_BEAVER, "A", "H", "0", "", max_steps=steps) for steps in range(14)]
    by_machine = [(run.state, run.tape) for run in runs]
    assert [key for key, _ in groupby(by_rules)] == [key for key, _ in groupby(by_machine)]
    assert [run.halted for run in runs] == [False] * 13 + [True]


def test_named_machines() -> None:
    assert simulate_turing_machine(BINARY_INCREMENT, "R", "H", "_", "1011").tape == "1100"
    for n in range(4):
        assert simulate_turing_machine(UNARY_PARITY, "E", "H", "_", "1" * n).tape == str(n % 2)


def test_a_machine_that_goes_left_forever() -> None:
    rules = compile_turing_machine({("A", "_"): ("A", "_", "L"), ("A", "1"): ("A", "1", "L")}, "A", "H", "_")
    run = rules.run("11", max_steps=100)
    assert (run.outcome, run.word) == (mk.Outcome.STEP_LIMIT, "A" + 99 * "_" + "11")


@pytest.mark.parametrize(
    ("transitions", "arguments", "message"),
    [
        ({("A", "1"): ("A", "1", "U")}, {}, r"transition \('A', '1'\): the move must be 'L', 'R' or 'N', got 'U'"),
        ({("H", "1"): ("A", "1", "R")}, {}, r"transition \('H', '1'\): the halting state"),
        ({("q0", "1"): ("A", "1", "R")}, {}, r"^transition \('q0', '1'\): .* single characters, got 'q0'"),
        ({("A", "1"): ("B", 1, "R")}, {}, r"^transition \('A', '1'\): .* single characters, got 1$"),
        ({("A", "1"): ("1", "1", "R")}, {}, r"^transition \('A', '1'\): '1' is both a state and a tape letter"),
        ({("A", "1"): ("A", "1")}, {}, r"^transition \('A', '1'\): \('A', '1'\): must be"),
        ({("A", "1"): None}, {}, r"^transition \('A', '1'\): None: must be"),
        ({"A": ("A", "1", "R")}, {}, r"^transition 'A': .*: must be \(state, letter read\)"),
        ({("A", "H"): ("A", "1", "R")}, {}, "'H' is both a state and a tape letter"),
        ({("A", "1"): ("A", "1", "R")}, {"letters": "$@%&~^|=+:;?!"}, "strip: one letter of"),
    ],
)
def test_machines_that_cannot_be_compiled(transitions, arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_turing_machine(transitions, "A", "H", "_", **arguments)
    if "strip" not in arguments and "letters" not in arguments:
        with pytest.raises(ValueError, match=message):
            simulate_turing_machine(transitions, "A", "H", "_", "1")


def test_a_tape_without_states() -> None:
    with pytest.raises(ValueError, match="'A' is both a state and a tape letter"):
        simulate_turing_machine({("A", "1"): ("A", "1", "R")}, "A", "H", "_", "1A1")


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_table_of_the_page() -> None:
    rows = [
        [cell.strip().strip("`").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert [row[0] for row in rows] == NAMES
    growth = {0: "1", 1: "n", 2: "n²", 3: "n³", None: "2ⁿ"}
    for name, about, word, becomes, rules, grows, most in rows:
        program = PROGRAMS[name]
        assert (about, int(rules), grows) == (program.about, len(program.rules), growth[POWERS[name]])
        assert program.rules.run(word).word == becomes == program.answer(word)
        assert int(most.replace(",", "")) == program.max_steps((0, 20))
