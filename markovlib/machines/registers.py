"""Register machines compiled to ordered rules: a register is the number of its letters in the word.

The letters are in the order of the registers, and a letter for the instruction stands beside those of the register that
it acts on.  So an instruction is one rule, after those that bring its letter to its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from markovlib.letters import fresh_letters
from markovlib.rules import Rule, RuleSet


class Increment(NamedTuple):
    """Adds one to a register and goes on with the instruction labelled `then`."""

    register: str
    then: str


class Decrement(NamedTuple):
    """Takes one from a register and goes on with `then`; from a register that is 0, goes on with `zero`."""

    register: str
    then: str
    zero: str


Instruction: TypeAlias = Increment | Decrement


@dataclass(frozen=True)
class RegisterMachine:
    """A register machine (M. Minsky, 1961; Z. A. Melzak and J. Lambek, 1961): labelled instructions on counters.

    `registers` are the names of the registers, single characters.  `instructions` maps labels to `Increment` and
    `Decrement`; the machine begins at `start` and halts at the label `halt`, which has no instruction.

    Raises ValueError, which names the instruction, for a register or a label that there is not, and for registers that
    are none or are named twice.

    >>> double = RegisterMachine("ab", {
    ...     "take": Decrement("a", "one", zero="halt"), "one": Increment("b", "two"), "two": Increment("b", "take"),
    ... }, start="take")
    >>> double.decode(compile_register_machine(double).run(double.encode({"a": 21})).word)
    {'a': 0, 'b': 42}
    """

    registers: str
    instructions: Mapping[str, Instruction]
    start: str
    halt: str = "halt"

    def __post_init__(self) -> None:
        if not self.registers or len(set(self.registers)) < len(self.registers):
            raise ValueError(f"registers are different characters, at least one, got {self.registers!r}")
        labels = {*self.instructions, self.halt}
        if self.halt in self.instructions:
            raise ValueError(f"instruction {self.halt!r}: the machine halts at this label, so it has no instruction")
        if self.start not in labels:
            raise ValueError(f"start: there is no instruction {self.start!r}")
        for label, instruction in self.instructions.items():
            if not isinstance(instruction, Increment | Decrement):
                raise ValueError(f"instruction {label!r} is an Increment or a Decrement, got {instruction!r}")
            if len(instruction.register) != 1 or instruction.register not in self.registers:
                raise ValueError(f"instruction {label!r}: there is no register {instruction.register!r}")
            for then in instruction[1:]:
                if then not in labels:
                    raise ValueError(f"instruction {label!r}: there is no instruction {then!r}")
        object.__setattr__(self, "instructions", dict(self.instructions))

    def __hash__(self) -> int:
        return hash((self.registers, frozenset(self.instructions.items()), self.start, self.halt))

    @cached_property
    def _signs(self) -> dict[str, str]:
        """A fresh letter for each label."""
        labels = [*self.instructions, self.halt]
        return dict(zip(labels, fresh_letters(len(labels), self.registers), strict=True))

    def encode(self, values: Mapping[str, int]) -> str:
        """The word of the registers' values, those not named being 0; ValueError for others and for negative ones.

        >>> ADDITION.encode({"b": 3, "a": 2})
        'aabbb'
        """
        for register, value in values.items():
            if len(register) != 1 or register not in self.registers or value < 0:
                raise ValueError(f"register {register!r} = {value}: registers are {self.registers!r}, values 0 or more")
        return "".join(register * values.get(register, 0) for register in self.registers)

    def decode(self, word: str) -> dict[str, int]:
        """The registers' values in any word of a run.

        >>> ADDITION.decode("aabbb")
        {'a': 2, 'b': 3}
        """
        return {register: word.count(register) for register in self.registers}

    def configuration(self, word: str) -> tuple[str, dict[str, int]] | None:
        """The label and the registers' values that a word of the compiled run stands for; None without a label.

        The first word of a run has no label, and neither has the last.

        >>> [ADDITION.configuration(step.word) for step in compile_register_machine(ADDITION).trace("ab")][-2]
        ('halt', {'a': 2, 'b': 0})
        """
        labels = {sign: label for label, sign in self._signs.items()}
        found = next((labels[letter] for letter in word if letter in labels), None)
        return None if found is None else (found, self.decode(word))


class RegisterRun(NamedTuple):
    """What a machine came to: its registers, the steps it made, its label, and whether it halted within the limit."""

    registers: dict[str, int]
    steps: int
    label: str
    halted: bool


def compile_register_machine(machine: RegisterMachine) -> RuleSet:
    """The rules that run a register machine on `machine.encode(values)`; `machine.decode` reads the result.

    They end by a terminal rule exactly if the machine halts.  Any other word over the registers' letters is put in
    order first, so that it stands for the numbers of its letters.

    A machine that halts after t steps takes t + 2 applications (the start, the halt), and one more for each letter that
    a label goes past on its way from one register to another: never more in a step than the registers hold together.
    With two registers a label goes past the first once, and then never again.  For r registers and i instructions there
    are at most i·(r + 2) + r·(r - 1)/2 + 2 rules and i + 1 fresh letters.

    Raises ValueError if no fresh letters are left.

    >>> rules = compile_register_machine(MULTIPLICATION)
    >>> MULTIPLICATION.decode(rules.run(MULTIPLICATION.encode({"a": 6, "b": 7})).word)
    {'a': 0, 'b': 7, 'c': 42, 'd': 0}
    """
    signs = machine._signs
    letters = machine.registers
    rules = [(late + early, early + late) for i, early in enumerate(letters) for late in letters[i + 1 :]]
    for label, instruction in machine.instructions.items():
        rules.extend(_instruction(letters, signs, label, instruction))
    return RuleSet([*rules, Rule(signs[machine.halt], "", True), Rule("", signs[machine.start])])


def _instruction(
    letters: str, signs: Mapping[str, str], label: str, instruction: Instruction
) -> Iterator[tuple[str, str]]:
    """The label comes to rest after the letters of a register of the first half, and before those of the others."""
    sign, letter = signs[label], instruction.register
    place = letters.index(letter)
    after = place < (len(letters) + 1) // 2
    boundary = place + after
    for smaller in letters[:boundary]:
        yield sign + smaller, smaller + sign
    for greater in letters[boundary:]:
        yield greater + sign, sign + greater
    then = signs[instruction.then]
    if isinstance(instruction, Increment):
        yield sign, letter + then if after else then + letter
    else:
        yield (letter + sign if after else sign + letter), then
        yield sign, signs[instruction.zero]


def simulate_register_machine(
    machine: RegisterMachine, values: Mapping[str, int], *, max_steps: int = 1_000_000
) -> RegisterRun:
    """Runs the register machine itself; `halted` is False if `max_steps` were not enough.

    >>> simulate_register_machine(ADDITION, {"a": 2, "b": 3})
    RegisterRun(registers={'a': 5, 'b': 0}, steps=7, label='halt', halted=True)
    """
    registers = machine.decode(machine.encode(values))
    label, steps = machine.start, 0
    while label != machine.halt and steps < max_steps:
        instruction = machine.instructions[label]
        if isinstance(instruction, Increment):
            registers[instruction.register] += 1
            label = instruction.then
        elif registers[instruction.register] > 0:
            registers[instruction.register] -= 1
            label = instruction.then
        else:
            label = instruction.zero
        steps += 1
    return RegisterRun(registers, steps, label, label == machine.halt)


#: Adds b to a.
ADDITION = RegisterMachine(
    "ab", {"take": Decrement("b", "put", zero="halt"), "put": Increment("a", "take")}, start="take"
)

#: Adds a times b to c; d holds b meanwhile.
MULTIPLICATION = RegisterMachine(
    "abcd",
    {
        "next": Decrement("a", "take", zero="halt"),
        "take": Decrement("b", "count", zero="restore"),
        "count": Increment("c", "keep"),
        "keep": Increment("d", "take"),
        "restore": Decrement("d", "back", zero="next"),
        "back": Increment("b", "restore"),
    },
    start="next",
)

#: Divides a by b: the quotient in c, the remainder in d, and b less by the remainder.  Division by 0 does not halt.
DIVISION = RegisterMachine(
    "abcd",
    {
        "test": Decrement("b", "take", zero="full"),
        "take": Decrement("a", "count", zero="undo"),
        "count": Increment("d", "test"),
        "full": Increment("c", "refill"),
        "refill": Decrement("d", "unit", zero="test"),
        "unit": Increment("b", "refill"),
        "undo": Increment("b", "halt"),
    },
    start="test",
)
