"""Turing machines compiled to ordered rules: a Markov algorithm that does the steps of the machine one by one.

The word of a run is the machine's configuration: the tape, with the letter of the state to the left of the cell under
the head.  So each step of the machine is one rule, applied at the one place where the state's letter stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from markovlib.rules import Rule, RuleSet

Move: TypeAlias = Literal["L", "R", "N"]
Transitions: TypeAlias = Mapping[tuple[str, str], tuple[str, str, Move]]

# The letter that cleans the right end of the tape is the first of these that the machine does not use itself.
_SWEEPERS = "$@%&~^|=+:;?!"


class TuringRun(NamedTuple):
    """What a machine came to: its tape, the steps it made, its state, and whether it halted within the limit."""

    tape: str
    steps: int
    state: str
    halted: bool


def compile_turing_machine(
    transitions: Transitions, start: str, halt: str, blank: str, *, letters: str = "", strip: bool = True
) -> RuleSet:
    """The rules that run a Turing machine on the word as its tape, the head on the first letter.

    `transitions` maps (state, letter read) to (next state, letter written, move), the move being "L", "R", or "N" for
    none; a state that has no transition for the letter read halts there.  States and tape letters are single
    characters, different from each other; `letters` names tape letters that no transition mentions.  Cells beyond the
    word hold `blank`.

    The result is the tape, ended by a terminal rule: without the blanks at its ends, or with `strip=False` all cells of
    the word and all that the head was on.  A machine that halts after t steps takes between t + 2 and 2·t + 4
    applications (the start, at most one new cell a step, the halt), and with `strip` at most three more for each cell
    of the tape.  A machine that does not halt gives rules that do not.  There are at most
    (states + 3)·(tape letters + 1)² rules.

    Raises ValueError, which names the transition, for one of another form, for states or letters that are not single
    characters or are both, for an unknown move, and for a transition out of `halt`.

    >>> flip = {("A", "0"): ("A", "1", "R"), ("A", "1"): ("A", "0", "R")}
    >>> compile_turing_machine(flip, start="A", halt="H", blank="_").run("0110").word
    '1001'
    """
    states, tape = _check(transitions, start, halt, blank, letters)
    rules: list[tuple[str, str] | tuple[str, str, bool]] = []
    for state in states:
        for letter in tape:
            rules.extend(_step(state, letter, transitions.get((state, letter), (halt, letter, "N")), tape, blank))
        rules.append((state, state + blank))  # Only at the right end is a state not followed by a letter.
    rules.extend(_strip(halt, blank, tape, states) if strip else _stop(halt, blank, tape))
    rules.append(("", start))
    return RuleSet(Rule(*rule) for rule in rules)


def _step(
    state: str, letter: str, transition: tuple[str, str, Move], tape: str, blank: str
) -> Iterator[tuple[str, str]]:
    then, written, move = transition
    if move == "R":
        yield state + letter, written + then
    elif move == "N":
        yield state + letter, then + written
    else:
        for left in tape:
            yield left + state + letter, then + left + written
        yield state + letter, then + blank + written


def _stop(halt: str, blank: str, tape: str) -> Iterator[tuple[str, str, bool]]:
    for letter in tape:
        yield halt + letter, letter, True
    yield halt, blank, True


def _strip(halt: str, blank: str, tape: str, states: str) -> Iterator[tuple[str, str] | tuple[str, str, bool]]:
    """The halted head goes to the left end and takes the blanks there, then another to the right end."""
    used = {*tape, *states, halt}
    sweeper = next((letter for letter in _SWEEPERS if letter not in used), None)
    if sweeper is None:
        raise ValueError(f"strip: one letter of {_SWEEPERS} must be free; rename a state or a tape letter")
    for letter in tape:
        yield letter + halt, halt + letter
    yield halt + blank, halt
    for letter in tape.replace(blank, ""):
        yield halt + letter, letter + sweeper
    yield halt, "", True
    for letter in tape:
        yield sweeper + letter, letter + sweeper
    yield blank + sweeper, sweeper
    yield sweeper, "", True


def _check(transitions: Transitions, start: str, halt: str, blank: str, letters: str) -> tuple[str, str]:
    """(the states that can go on, the tape letters), each in the order in which they are first mentioned."""
    states = dict.fromkeys([start])
    tape = dict.fromkeys([*letters, blank])
    _single([start, halt, *tape], "")
    for key, value in transitions.items():
        where = f"transition {key!r}"
        try:
            (state, read), (then, written, move) = key, value
        except (TypeError, ValueError):
            wanted = "must be (state, letter read): (next state, letter written, move)"
            raise ValueError(f"{where}: {value!r}: {wanted}") from None
        _single([state, read, then, written], f"{where}: ")
        if move not in ("L", "R", "N"):
            raise ValueError(f"{where}: the move must be 'L', 'R' or 'N', got {move!r}")
        if state == halt:
            raise ValueError(f"{where}: the halting state {halt!r} has no transitions")
        states.update(dict.fromkeys([state, then]))
        tape.update(dict.fromkeys([read, written]))
    states.pop(halt, None)
    if both := [letter for letter in [*states, halt] if letter in tape]:
        where = next((f"transition {key!r}: " for key, value in transitions.items() if both[0] in (*key, *value)), "")
        raise ValueError(f"{where}{both[0]!r} is both a state and a tape letter")
    return "".join(states), "".join(tape)


def _single(letters: list[str], where: str) -> None:
    for letter in letters:
        if not isinstance(letter, str) or len(letter) != 1:
            raise ValueError(f"{where}states and tape letters are single characters, got {letter!r}")


def simulate_turing_machine(
    transitions: Transitions,
    start: str,
    halt: str,
    blank: str,
    tape: str,
    *,
    max_steps: int = 1_000_000,
    strip: bool = True,
) -> TuringRun:
    """Runs the machine itself, cell by cell, with the tape that `compile_turing_machine` gives.

    `steps` counts transitions; `halted` is False if `max_steps` were not enough, and then `tape` is the tape so far.
    Raises ValueError for what cannot be compiled.

    >>> flip = {("A", "0"): ("A", "1", "R"), ("A", "1"): ("A", "0", "R")}
    >>> simulate_turing_machine(flip, start="A", halt="H", blank="_", tape="0110")
    TuringRun(tape='1001', steps=4, state='A', halted=True)
    """
    _check(transitions, start, halt, blank, tape)
    cells = dict(enumerate(tape))
    state, head, steps = start, 0, 0
    while True:
        read = cells.setdefault(head, blank)
        if state == halt or (state, read) not in transitions:
            halted = True
            break
        if steps == max_steps:
            halted = False
            break
        state, cells[head], move = transitions[state, read]
        head += {"L": -1, "R": 1, "N": 0}[move]
        steps += 1
    written = "".join(cells[at] for at in sorted(cells))
    return TuringRun(written.strip(blank) if strip else written, steps, state, halted)


#: Adds one to a binary numeral: to the right end, then back with the carry.
BINARY_INCREMENT: Transitions = {
    ("R", "0"): ("R", "0", "R"),
    ("R", "1"): ("R", "1", "R"),
    ("R", "_"): ("C", "_", "L"),
    ("C", "1"): ("C", "0", "L"),
    ("C", "0"): ("H", "1", "N"),
    ("C", "_"): ("H", "1", "N"),
}

#: Eats a unary number and leaves 0 if it was even and 1 if it was odd.
UNARY_PARITY: Transitions = {
    ("E", "1"): ("O", "_", "R"),
    ("O", "1"): ("E", "_", "R"),
    ("E", "_"): ("H", "0", "N"),
    ("O", "_"): ("H", "1", "N"),
}

#: Of all machines with three states and two letters that halt on the blank tape, none leaves more ones (six); found by
#: T. Rado, On Non-Computable Functions, 1962, and proved by S. Lin and T. Rado, 1965.
BUSY_BEAVER: Transitions = {
    ("A", "0"): ("B", "1", "R"),
    ("A", "1"): ("C", "1", "L"),
    ("B", "0"): ("A", "1", "L"),
    ("B", "1"): ("B", "1", "R"),
    ("C", "0"): ("B", "1", "L"),
    ("C", "1"): ("H", "1", "R"),
}
