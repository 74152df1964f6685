"""Machines compiled to ordered rules: Turing machines, tag systems and register machines.

Each compiled rule set does the machine's steps one by one, on a word that is the machine's configuration, and ends by a
terminal rule exactly if the machine halts.  Beside each compiler there is a simulator that runs the machine itself.
"""

from markovlib.machines.registers import (
    ADDITION,
    DIVISION,
    MULTIPLICATION,
    Decrement,
    Increment,
    RegisterMachine,
    RegisterRun,
    compile_register_machine,
    simulate_register_machine,
)
from markovlib.machines.tags import COLLATZ, POST, TagRun, TagSystem, compile_tag_system, simulate_tag_system
from markovlib.machines.turing import (
    BINARY_INCREMENT,
    BUSY_BEAVER,
    UNARY_PARITY,
    Move,
    Transitions,
    TuringRun,
    compile_turing_machine,
    simulate_turing_machine,
)

__all__ = [
    "ADDITION",
    "BINARY_INCREMENT",
    "BUSY_BEAVER",
    "COLLATZ",
    "DIVISION",
    "MULTIPLICATION",
    "POST",
    "UNARY_PARITY",
    "Decrement",
    "Increment",
    "Move",
    "RegisterMachine",
    "RegisterRun",
    "TagRun",
    "TagSystem",
    "Transitions",
    "TuringRun",
    "compile_register_machine",
    "compile_tag_system",
    "compile_turing_machine",
    "simulate_register_machine",
    "simulate_tag_system",
    "simulate_turing_machine",
]
