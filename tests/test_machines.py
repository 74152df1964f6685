"""Tag systems and register machines compiled to rules do what the machines do, step by step and on random ones."""

from __future__ import annotations

import pickle
from itertools import groupby

import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st

import markovlib as mk
from markovlib.letters import fresh_letters
from markovlib.machines import (
    ADDITION,
    COLLATZ,
    DIVISION,
    MULTIPLICATION,
    POST,
    Decrement,
    Increment,
    RegisterMachine,
    TagSystem,
    compile_register_machine,
    compile_tag_system,
    simulate_register_machine,
    simulate_tag_system,
)
from markovlib.testing import oracle

STEPS = 60


def once_each(values):
    return [value for value, _ in groupby(value for value in values if value is not None)]


# -- tag systems -----------------------------------------------------------------------------------------------------


def tag(productions, deletion, word, limit):
    """All words of a tag system by the definition, at most so many steps, and whether it has halted."""
    words = [word]
    while len(words) <= limit:
        if len(word) < deletion or word[0] not in productions:
            return words, True
        word = (word + productions[word[0]])[deletion:]
        words.append(word)
    return words, len(word) < deletion or word[0] not in productions


@st.composite
def tag_systems(draw):
    letters = draw(st.sampled_from(["a", "ab", "abc"]))
    keys = draw(st.lists(st.sampled_from(letters), unique=True, min_size=1))
    productions = {key: draw(st.text(letters, max_size=4)) for key in keys}
    return TagSystem(productions, draw(st.integers(1, 4)), extra_letters=letters)


@settings(max_examples=tries(150))
@given(tag_systems(), st.data())
def test_compiled_tag_systems_do_what_the_system_does(system: TagSystem, data) -> None:
    word = data.draw(st.text(system.letters, max_size=9))
    words, halted = tag(system.productions, system.deletion, word, STEPS)
    assert simulate_tag_system(system, word, max_steps=STEPS) == (words[-1], len(words) - 1, halted)
    rules = compile_tag_system(system)
    s, m, n = len(system.letters), system.deletion, max(map(len, words))
    assert len(rules) <= s * s + (5 * m + 2) * s + 2 * m + 3
    # Every pass but the last does a step at least.
    limit = len(words) * (2 * m - 1 + (m - 1) * n + 3 * m) + (n * n // 4 + 3 * n + 3) + 3 * m
    run = rules.run(word, max_steps=limit)
    if halted:
        assert (run.word, run.outcome) == (words[-1], mk.Outcome.TERMINAL_RULE)
        assert run == rules.run(word, max_steps=run.steps)
    else:
        assert run.steps > len(words)


@settings(max_examples=tries(100))
@given(tag_systems(), st.data())
def test_a_tag_system_goes_through_its_words_in_order(system: TagSystem, data) -> None:
    word = data.draw(st.text(system.letters, max_size=7))
    words, _ = tag(system.productions, system.deletion, word, STEPS)
    steps = compile_tag_system(system).trace(word, max_steps=300)
    by_rules = once_each(system.configuration(w) for w in [word, *(step.word for step in steps)])
    by_system = once_each(words)
    shorter = min(len(by_rules), len(by_system))
    assert by_rules[:shorter] == by_system[:shorter]
    if steps.result.halted:
        assert len(by_rules) == len(by_system) or len(words) > STEPS


def test_the_collatz_function_by_tags() -> None:
    """The words of letters a only are the numbers, halved when even and (3n + 1)/2 when odd, down to one."""
    rules = compile_tag_system(COLLATZ)
    for number in [*range(2, 20), 25, 30]:
        configurations = once_each(COLLATZ.configuration(step.word) for step in rules.trace("a" * number))
        expected, n = [number], number
        while n > 1:
            n = n // 2 if n % 2 == 0 else (3 * n + 1) // 2
            expected.append(n)
        assert [len(word) for word in configurations if set(word) == {"a"}] == expected
        assert configurations[-1] == "a"


def test_the_cost_of_a_tag_step_does_not_grow_with_the_word() -> None:
    for number in (63, 511):
        steps = simulate_tag_system(COLLATZ, "a" * number, max_steps=10**7)
        assert steps.halted
        assert compile_tag_system(COLLATZ).run("a" * number, max_steps=8 * steps.steps).word == "a"


def test_posts_tag_system() -> None:
    """Words on which it halts, and one on which it repeats itself, both known from the definition."""
    rules = compile_tag_system(POST)
    for word in ("10010", "100100100000", "1" * 7, "0" * 10):
        words, halted = tag(POST.productions, 3, word, 2000)
        run = rules.run(word, max_steps=20 * len(words))
        assert (run.word, run.halted) == (words[-1], True) if halted else not run.halted
    words, halted = tag(POST.productions, 3, "100100100", 200)
    assert (halted, len(set(words)) < len(words)) == (False, True)
    assert rules.run("100100100", max_steps=10**6, detect_cycles=True).outcome == mk.Outcome.CYCLE


def test_the_oracle_runs_compiled_machines_too() -> None:
    for rules, word in (
        (compile_tag_system(COLLATZ), "aaa"),
        (compile_register_machine(ADDITION), "aabbb"),
    ):
        assert oracle.run([tuple(rule) for rule in rules], word).word == rules.run(word).word


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"ab": "a"},), "production 'ab'"),
        (({"a": 1},), "production 'a': 1"),
        (({"": "a"},), "production ''"),
        (({"a": "b"}, 0), "at least 1, got 0"),
    ],
)
def test_tag_systems_that_are_none(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TagSystem(*arguments)


# -- tag systems are universal -----------------------------------------------------------------------------------------


class CockeMinsky:
    """A Turing machine as a 2-tag system (J. Cocke and M. Minsky, Universality of tag systems with P = 2, 1964).

    Each state writes a digit, moves, and goes on by the digit that it reads there: `states[q]` is (digit, "L" or "R",
    state after 0, state after 1), and a state that is not in it halts.  The tape beside the head is two numbers, the
    nearest digit the lowest; a number n is a word N x (n x)^n, the number that the next state doubles comes first.
    """

    def __init__(self, states) -> None:
        self.states = states
        self.names: dict[tuple, str] = {}
        productions: dict[tuple, list[tuple]] = {}
        x = ("x",)
        for q, (digit, move, *after) in states.items():
            doubled, halved = ("left", "right") if move == "R" else ("right", "left")
            productions |= {
                (q, doubled, "N"): [(q, "C"), x] + [(q, "c"), x] * digit, (q, doubled, "n"): [(q, "c"), x] * 2,
                (q, halved, "N"): [(q, "S")], (q, halved, "n"): [(q, "s")],
                # The number that comes first and is to be halved is moved behind the other.
                (q, halved, "late N"): [(q, halved, "N"), x], (q, halved, "late n"): [(q, halved, "n"), x],
                (q, "C"): [(q, "D1"), (q, "D0")], (q, "c"): [(q, "d1"), (q, "d0")],
                (q, "S"): [(q, "T1"), (q, "T0")], (q, "s"): [(q, "t1"), (q, "t0")],
            }  # fmt: skip
            for bit, then in enumerate(after):
                late = "late " if states.get(then, (0, move))[1] != move else ""
                productions |= {
                    (q, f"D{bit}"): [x] * (1 - bit) + [(then, doubled, f"{late}N"), x],
                    (q, f"d{bit}"): [(then, doubled, f"{late}n"), x],
                    (q, f"T{bit}"): [(then, halved, "N"), x], (q, f"t{bit}"): [(then, halved, "n"), x],
                }  # fmt: skip
        names = {*productions, *(name for appended in productions.values() for name in appended)}
        self.names = dict(zip(sorted(names), fresh_letters(len(names), ""), strict=True))
        self.system = TagSystem({self.names[name]: self.word(appended) for name, appended in productions.items()})

    def word(self, names) -> str:
        return "".join(self.names[name] for name in names)

    def start(self, state, left: int, right: int) -> str:
        numbers = {"left": left, "right": right}
        order = ("left", "right") if self.states[state][1] == "R" else ("right", "left")
        return "".join(
            self.word([(state, side, "N"), ("x",)] + [(state, side, "n"), ("x",)] * numbers[side]) for side in order
        )

    def halted(self, word: str) -> tuple[str, int, int]:
        """(state, number to the left, number to the right) of the last word."""
        meant = {letter: name for name, letter in self.names.items()}
        names = [meant[letter] for letter in word]
        return names[0][0], *(names.count((names[0][0], side, "n")) for side in ("left", "right"))


def turing(states, state, left: int, right: int, limit: int) -> tuple[str, int, int] | None:
    for _ in range(limit):
        if state not in states:
            return state, left, right
        digit, move, *after = states[state]
        if move == "R":
            left, right, read = 2 * left + digit, right // 2, right % 2
        else:
            right, left, read = 2 * right + digit, left // 2, left % 2
        state = after[read]
    return None


NEXT = st.sampled_from(["p", "q", "r", "H"])
STATES = st.fixed_dictionaries(
    {name: st.tuples(st.integers(0, 1), st.sampled_from("LR"), NEXT, NEXT) for name in "pqr"}
)


@settings(max_examples=tries(40))
@given(STATES, st.integers(0, 9), st.integers(0, 9))
def test_turing_machines_as_tag_systems_as_rules(states, left: int, right: int) -> None:
    expected = turing(states, "p", left, right, 6)
    machine = CockeMinsky(states)
    run = compile_tag_system(machine.system).run(machine.start("p", left, right), max_steps=20_000)
    if expected is not None:
        assert run.outcome == mk.Outcome.TERMINAL_RULE
        assert machine.halted(run.word) == expected


# -- register machines -------------------------------------------------------------------------------------------------


def count(machine, values, limit):
    """All configurations by the definition."""
    registers = {**dict.fromkeys(machine.registers, 0), **values}
    label, seen = machine.start, []
    while True:
        seen.append((label, dict(registers)))
        if label == machine.halt or len(seen) > limit:
            return seen
        instruction = machine.instructions[label]
        if len(instruction) == 2:
            name, label = instruction
            registers[name] += 1
        else:
            name, label = instruction[0], instruction[1 if registers[instruction[0]] else 2]
            registers[name] = max(0, registers[name] - 1)


@st.composite
def register_machines(draw):
    registers = draw(st.sampled_from(["x", "xy", "xyz", "wxyz"]))
    labels = [f"q{i}" for i in range(draw(st.integers(1, 5)))]
    register, label = st.sampled_from(registers), st.sampled_from([*labels, "halt"])
    instruction = st.builds(Increment, register, label) | st.builds(Decrement, register, label, label)
    return RegisterMachine(registers, {each: draw(instruction) for each in labels}, start="q0")


def values_of(machine: RegisterMachine):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(machine.registers, st.integers(0, 4)))


@settings(max_examples=tries(100))
@given(register_machines(), st.data())
def test_compiled_register_machines_do_what_the_machine_does(machine: RegisterMachine, data) -> None:
    values = data.draw(values_of(machine))
    seen = count(machine, values, STEPS)
    label, registers = seen[-1]
    direct = simulate_register_machine(machine, values, max_steps=len(seen) - 1)
    assert direct == (registers, len(seen) - 1, label, label == machine.halt)
    rules = compile_register_machine(machine)
    r, most = len(machine.registers), max(sum(registers.values()) for _, registers in seen)
    assert len(rules) <= len(machine.instructions) * (r + 2) + r * (r - 1) // 2 + 2
    run = rules.run(machine.encode(values), max_steps=len(seen) * (most + 1) + 2)
    if direct.halted:
        assert (machine.decode(run.word), run.outcome) == (registers, mk.Outcome.TERMINAL_RULE)
        assert run.word == machine.encode(registers)
        assert direct.steps + 2 <= run.steps <= direct.steps * (most + 1) + 2
    else:
        assert run.outcome == mk.Outcome.STEP_LIMIT
    trace = rules.trace(machine.encode(values), max_steps=run.steps if run.halted else len(seen))
    by_rules, by_machine = once_each(machine.configuration(step.word) for step in trace), once_each(seen)
    assert by_rules == (by_machine if run.halted else by_machine[: len(by_rules)])


@settings(max_examples=tries(50))
@given(register_machines(), st.data())
def test_any_word_stands_for_its_numbers_of_letters(machine: RegisterMachine, data) -> None:
    values = data.draw(values_of(machine))
    word = "".join(data.draw(st.permutations(machine.encode(values))))
    assert machine.decode(word) == {**dict.fromkeys(machine.registers, 0), **values}
    rules = compile_register_machine(machine)
    run = rules.run(machine.encode(values), max_steps=500)
    assert not run.halted or rules.run(word, max_steps=600).word == run.word


def test_arithmetic_by_registers() -> None:
    add, multiply, divide = map(compile_register_machine, (ADDITION, MULTIPLICATION, DIVISION))
    for a in range(9):
        for b in range(7):
            values = {"a": a, "b": b}
            assert ADDITION.decode(add.run(ADDITION.encode(values)).word) == {"a": a + b, "b": 0}
            product = MULTIPLICATION.decode(multiply.run(MULTIPLICATION.encode(values)).word)
            assert product == {"a": 0, "b": b, "c": a * b, "d": 0}
            run = divide.run(DIVISION.encode(values), max_steps=20_000)
            if b:
                quotient, remainder = divmod(a, b)
                assert DIVISION.decode(run.word) == {"a": 0, "b": b - remainder, "c": quotient, "d": remainder}
            else:
                assert run.outcome == mk.Outcome.STEP_LIMIT


def test_two_registers_cost_one_rule_a_step() -> None:
    run = compile_register_machine(ADDITION).run(ADDITION.encode({"a": 50, "b": 1000}))
    direct = simulate_register_machine(ADDITION, {"a": 50, "b": 1000})
    assert run.steps == direct.steps + 2 + 50
    move = {"take": Decrement("a", "put", zero="halt"), "put": Increment("b", "again"), "again": Increment("b", "take")}
    machine = RegisterMachine("ab", move, start="take")
    run = compile_register_machine(machine).run(machine.encode({"a": 50, "b": 1000}))
    assert run.steps == simulate_register_machine(machine, {"a": 50, "b": 1000}).steps + 2 + 50


def test_two_registers_are_enough() -> None:
    """Three registers as the exponents of 2, 3 and 5 in one of two: max(x, y) in z, in the numbers that it makes."""

    def scale(name: str, factor: int, then: str) -> dict:
        """Multiplies register n by a prime through m."""
        loop = {f"{name}": Decrement("n", f"{name}1", f"{name}<")}
        loop |= {f"{name}{i}": Increment("m", f"{name}{i + 1}" if i < factor else name) for i in range(1, factor + 1)}
        return loop | {f"{name}<": Decrement("m", f"{name}>", then), f"{name}>": Increment("n", f"{name}<")}

    def divide(name: str, factor: int, then: str, otherwise: str) -> dict:
        """Divides n by a prime if it can be, or leaves it."""
        labels = [name, *(f"{name}{i}" for i in range(1, factor))]
        loop: dict = {}
        for i, label in enumerate(labels):
            full = i == factor - 1
            loop[label] = Decrement("n", f"{name}+" if full else labels[i + 1], f"{name}<{i}")
            # So many units were taken of an n that the prime does not divide: put back, then m times the prime.
            if i:
                loop[f"{name}<{i}"] = Increment("n", f"{name}<{i - 1}*")
        loop[f"{name}+"] = Increment("m", name)
        loop[f"{name}<0"] = Decrement("m", f"{name}>", then)
        loop[f"{name}>"] = Increment("n", f"{name}<0")
        for i in range(factor - 1):
            loop[f"{name}<{i}*"] = Increment("n", f"{name}<{i - 1}*") if i else Decrement("m", f"{name}*1", otherwise)
        for i in range(1, factor + 1):
            loop[f"{name}*{i}"] = Increment("n", f"{name}*{i + 1}" if i < factor else f"{name}<0*")
        return loop

    instructions = {
        **divide("x", 2, "x and y", "only y"),
        **divide("x and y", 3, "z", "z"),
        **divide("only y", 3, "z", "halt"),
        **scale("z", 5, "x"),
    }
    machine = RegisterMachine("nm", instructions, start="x")
    rules = compile_register_machine(machine)
    for x, y in ((0, 0), (1, 0), (0, 2), (2, 1)):
        run = rules.run(machine.encode({"n": 2**x * 3**y}))
        assert machine.decode(run.word) == {"n": 5 ** max(x, y), "m": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("aa", {}, "halt"), "different characters"),
        (("", {}, "halt"), "at least one"),
        (("a", {}, "q"), "start: there is no instruction 'q'"),
        (("a", {"q": Increment("b", "halt")}, "q"), "instruction 'q': there is no register 'b'"),
        (("ab", {"q": Increment("ab", "halt")}, "q"), "there is no register 'ab'"),
        (("a", {"q": Increment("a", "p")}, "q"), "instruction 'q': there is no instruction 'p'"),
        (("a", {"q": Decrement("a", "q", "p")}, "q"), "there is no instruction 'p'"),
        (("a", {"halt": Increment("a", "halt")}, "halt"), "instruction 'halt': the machine halts"),
        (("a", {"q": ("a", "halt")}, "q"), "is an Increment or a Decrement"),
    ],
)
def test_register_machines_that_are_none(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RegisterMachine(*arguments)


@pytest.mark.parametrize("values", [{"z": 1}, {"a": -1}, {"ab": 1}])
def test_values_that_no_register_holds(values) -> None:
    with pytest.raises(ValueError, match="values 0 or more"):
        ADDITION.encode(values)


def test_machines_are_values() -> None:
    for machine in (COLLATZ, DIVISION):
        copy = pickle.loads(pickle.dumps(machine))
        assert copy == machine
        assert {machine: 1}[copy] == 1
    turned = TagSystem(dict(reversed(COLLATZ.productions.items())))
    assert (turned == COLLATZ, hash(turned)) == (True, hash(COLLATZ))
    assert len({COLLATZ, TagSystem(COLLATZ.productions, 3), DIVISION, ADDITION, MULTIPLICATION}) == 5
