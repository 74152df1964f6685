"""Rule sets with known answers; the first five are those of Rosetta Code's "Execute a Markov algorithm"."""

from __future__ import annotations

from typing import NamedTuple

TERMINAL, NONE, STEPS, LENGTH, CYCLE = 1, 2, 3, 4, 5


class Case(NamedTuple):
    name: str
    rules: list[tuple[str, str] | tuple[str, str, bool]]
    word: str
    expected: str
    outcome: int = NONE
    steps: int | None = None
    options: dict[str, object] = {}  # noqa: RUF012
    cycle: tuple[int, int] | None = None


SHOP = [("A", "apple"), ("B", "bag"), ("S", "shop"), ("T", "the"), ("the shop", "my brother")]
NEVER = ("a never used", "terminating rule", True)
ROSETTA_1 = [*SHOP, NEVER]
ROSETTA_2 = [("A", "apple"), ("B", "bag"), ("S", "shop", True), *SHOP[3:], NEVER]
ROSETTA_3 = [
    ("A", "apple"), ("WWWW", "with"), ("Bgage", "->.*"), ("B", "bag"), ("->.*", "money"), ("W", "WW"),
    ("S", "shop", True), *SHOP[3:], NEVER,
]  # fmt: skip
UNARY_MULTIPLICATION = [
    ("_+1", "_1+"), ("1+1", "11+"), ("1!", "!1"), (",!", "!+"), ("_!", "_"), ("1*1", "x,@y"), ("1x", "xX"),
    ("X,", "1,1"), ("X1", "1X"), ("_x", "_X"), (",x", ",X"), ("y1", "1y"), ("y_", "_"), ("1@1", "x,@y"),
    ("1@_", "@_"), (",@_", "!_"), ("++", "+"), ("_1", "1"), ("1+_", "1"), ("_+_", ""),
]  # fmt: skip
BUSY_BEAVER = [
    ("A0", "1B"), ("0A1", "C01"), ("1A1", "C11"), ("0B0", "A01"), ("1B0", "A11"), ("B1", "1B"),
    ("0C0", "B01"), ("1C0", "B11"), ("0C1", "H01"), ("1C1", "H11"),
]  # fmt: skip
BINARY_TO_UNARY = [("1", "0|"), ("|0", "0||"), ("0", "")]
SORT = [("ba", "ab")]
BROTHER = "I bought a bag of apples from my brother."
BOUGHT = "I bought a B of As from T S."

CASES = [
    Case("rosetta 1", ROSETTA_1, BOUGHT, BROTHER, NONE, 5),
    Case("rosetta 2", ROSETTA_2, BOUGHT, "I bought a bag of apples from T shop.", TERMINAL, 3),
    Case("rosetta 3", ROSETTA_3, "I bought a B of As W my Bgage from T S.",
         "I bought a bag of apples with my money from T shop.", TERMINAL),
    Case("rosetta 4", UNARY_MULTIPLICATION, "_1111*11111_", "11111111111111111111"),
    Case("rosetta 5", BUSY_BEAVER, "000000A000000", "00011H1111000"),
    Case("binary to unary", BINARY_TO_UNARY, "101", "|||||", NONE, 8),
    Case("sort", SORT, "bababbaa", "aaaabbbb", NONE, 11),
    # Which rule, where
    Case("first rule before leftmost position", [("b", "x"), ("a", "y")], "aab", "yyx", NONE, 3),
    Case("leftmost occurrence", [("aa", "b", True)], "caaaa", "cbaa", TERMINAL, 1),
    Case("leftmost strategy: position before rule", [("b", "x", True), ("a", "y")], "aab", "yyx", TERMINAL, 3,
         {"strategy": "leftmost"}),
    Case("leftmost strategy: ties to the earlier rule", [("ab", "x"), ("a", "y")], "ab", "x", NONE, 1,
         {"strategy": "leftmost"}),
    Case("leftmost strategy: earlier is not longer", [("a", "y"), ("ab", "x")], "ab", "yb", NONE, 1,
         {"strategy": "leftmost"}),
    Case("overlapping occurrences", [("aba", "b", True)], "ababa", "bba", TERMINAL, 1),
    # The empty pattern
    Case("empty pattern inserts at the start", [("", "x", True)], "ab", "xab", TERMINAL, 1),
    Case("empty pattern on the empty word", [("", "x", True)], "", "x", TERMINAL, 1),
    Case("empty pattern kills later rules", [("", "x"), ("a", "b", True)], "a", "xxxa", STEPS, 3, {"max_steps": 3}),
    Case("empty pattern after an earlier rule", [("a", ""), ("", "x", True)], "aba", "xb", TERMINAL, 3),
    Case("leftmost: empty pattern wins at 0", [("b", "y"), ("", "x", True)], "ab", "xab", TERMINAL, 1,
         {"strategy": "leftmost"}),
    Case("leftmost: earlier rule at 0 beats empty", [("a", "y", True), ("", "x")], "ab", "yb", TERMINAL, 1,
         {"strategy": "leftmost"}),
    # Nothing to do
    Case("no rules", [], "abc", "abc", NONE, 0),
    Case("empty word", [("a", "b")], "", "", NONE, 0),
    Case("pattern longer than the word", [("abc", "x")], "ab", "ab", NONE, 0),
    Case("to nothing", [("ab", "")], "aabb", "", NONE, 2),
    # Limits
    Case("halts in exactly max_steps", [("a", "b")], "aa", "bb", NONE, 2, {"max_steps": 2}),
    Case("one step too few", [("a", "b")], "aa", "ba", STEPS, 1, {"max_steps": 1}),
    Case("no steps allowed, none needed", [("a", "b")], "b", "b", NONE, 0, {"max_steps": 0}),
    Case("no steps allowed, one needed", [("a", "b")], "a", "a", STEPS, 0, {"max_steps": 0}),
    Case("terminal in exactly max_steps", [("a", "b", True)], "aa", "ba", TERMINAL, 1, {"max_steps": 1}),
    Case("length limit", [("a", "aa")], "a", "aaaa", LENGTH, 3, {"max_length": 4}),
    Case("length limit on a terminal rule", [("a", "aa", True)], "a", "a", LENGTH, 0, {"max_length": 1}),
    Case("starts longer, shrinks below", [("aaa", "b")], "aaa", "b", NONE, 1, {"max_length": 1}),
    Case("starts longer, does not shrink enough", [("aa", "b")], "aaa", "aaa", LENGTH, 0, {"max_length": 1}),
    Case("step limit before length limit", [("a", "aa")], "a", "a", STEPS, 0, {"max_steps": 0, "max_length": 1}),
    Case("no limit at all", [("a", "b")], "a" * 50, "b" * 50, NONE, 50, {"max_steps": None, "max_length": None}),
    # Cycles: s is compared with the largest power of two below s
    Case("cycle of one", [("a", "a")], "a", "a", CYCLE, 1, {"detect_cycles": True}, (0, 1)),
    Case("cycle of two", [("a", "b"), ("b", "a")], "a", "a", CYCLE, 4, {"detect_cycles": True, "max_steps": 9}, (0, 2)),
    Case("cycle after a start", [("x", "ya"), ("a", "b"), ("b", "a")], "x", "yb", CYCLE, 4,
         {"detect_cycles": True}, (1, 2)),
    Case("cycle not met at the limit", [("a", "b"), ("b", "a")], "a", "a", STEPS, 2,
         {"detect_cycles": True, "max_steps": 2}),
    Case("cycles not asked for", [("a", "a")], "a", "a", STEPS, 7, {"max_steps": 7}),
    # A terminal rule that changes nothing still ends the run.
    Case("terminal that changes nothing", [("a", "a", True)], "a", "a", TERMINAL, 1, {"detect_cycles": True}),
]  # fmt: skip
