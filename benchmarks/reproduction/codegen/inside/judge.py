"""The judge's side: has the tests and what is expected, asks the candidate, and says whether it is right.

The verdict is written by this process alone, to a file that the candidate does not have; the candidate, another
process, never sees the tests.  It can answer wrongly, or not at all, and that is what is judged.
"""

from __future__ import annotations

import builtins
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from . import candidate, isolation
from .codec import decode, dumps, encode, loads

_TICK = 0.05


class Failed(Exception):
    """The candidate raised something, or is gone."""


class Remote:
    """Something that the candidate has: a function, or a value that is not data.

    It can be called, read, changed, iterated and indexed; it equals nothing but itself, and has no truth.
    """

    def __init__(self, ask: Callable[..., Any], reference: Any) -> None:
        vars(self).update(_ask=ask, _reference=reference)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._ask("call", self, list(arguments), named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", self, name, value)

    def __iter__(self) -> Iterator[Any]:
        items = self._ask("iterate", self)
        if not isinstance(items, Remote):
            raise TypeError("not an iterator")
        while True:
            try:
                item = items._ask("next", items)
            except StopIteration:
                return
            yield item

    def __len__(self) -> int:
        return int(self._ask("length", self))

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", self, key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)

    def __bool__(self) -> bool:
        raise TypeError("the truth of a value that is not data is not asked for")


class Candidate:
    """The other process, as this one sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def ask(self, operation: str, *arguments: Any) -> Any:
        """What the candidate answers; what it raises, if that is one of Python's own exceptions, is raised."""
        try:
            candidate.send(self._connection, [operation, *(encode(one, self._referred) for one in arguments)])
            answer = candidate.receive(self._connection)
            if answer[0] == "value":
                return decode(answer[1], self._remote)
            names, text = [str(name) for name in answer[1]], str(answer[2])
        except (candidate.Gone, ConnectionError) as error:
            raise Failed(str(error)) from None
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise Failed(f"an answer that cannot be read: {error}") from None
        raise _raised(operation, names, text)

    def _remote(self, reference: Any) -> Remote:
        if type(reference) not in (int, str):
            raise ValueError("a reference is a number or a name")
        return Remote(self.ask, reference)

    @staticmethod
    def _referred(value: Any) -> Any:
        if not isinstance(value, Remote):
            raise Failed(f"a value of type {type(value).__name__} cannot be given to the solution")
        return value._reference

    def named(self, name: str) -> Remote:
        """What the candidate has under a global name."""
        return Remote(self.ask, name)


def _raised(operation: str, names: list[str], text: str) -> Exception:
    """What the candidate raised, as the class of Python's that it is or is derived from; Failed for what tests have no
    business with: the end of an iteration, but when the next item was asked for, would end one of theirs."""
    for name in names:
        kind = getattr(builtins, name, None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            continue
        if issubclass(kind, AssertionError) or (issubclass(kind, StopIteration) and operation != "next"):
            break
        try:
            return kind(text if name == names[0] else f"{names[0]}: {text}")
        except Exception:  # some need more than a text
            break
    return Failed(": ".join(filter(None, (names[0] if names else "", text))))


# ---- what is judged -------------------------------------------------------------------------------------------------


def run_program(other: Candidate, work: dict[str, Any]) -> dict[str, Any]:
    """Tests that are a program: `before`, which defines what tests may use, then `program`, in which `names` are the
    candidate's."""
    names: dict[str, Any] = {"__name__": "tests"}
    try:
        exec(compile(work["before"], "prompt", "exec"), names)
    except Exception:  # a prompt need not be a program
        names = {"__name__": "tests"}
    names.update({name: other.named(name) for name in work["names"]})
    exec(compile(work["program"], "tests", "exec"), names)
    return {"status": "pass"}


def run_cases(other: Candidate, work: dict[str, Any]) -> dict[str, Any]:
    """Tests that are calls: for each of `inputs`, the arguments, what is `expected`."""
    function = other.named(work["entry_point"])
    for number, (given, wanted) in enumerate(zip(work["inputs"], work["expected"], strict=True)):
        arguments = decode(given)
        try:
            right = agree(function(*arguments), decode(wanted), arguments, work["atol"], work["oracle"])
        except Exception as error:
            return {"status": "fail", "detail": _described(error), "case": number}
        if not right:
            return {"status": "fail", "detail": "another result", "case": number}
    return {"status": "pass"}


def collect(other: Candidate, work: dict[str, Any]) -> dict[str, Any]:
    """What the candidate makes of `inputs`, and how long that takes: of a solution that is known to be right."""
    function = other.named(work["entry_point"])
    start = time.monotonic()
    found = [function(*decode(given)) for given in work["inputs"]]
    seconds = time.monotonic() - start
    if work["oracle"] == "some":
        found = [value is not None for value in found]
    return {"status": "pass", "results": encode(found), "seconds": seconds}


def agree(found: Any, wanted: Any, arguments: list[Any], atol: float, oracle: str) -> bool:
    """Whether a result is the expected one, as EvalPlus has it.

    Floats agree within `atol`, or 1e-6 where that is 0, and a relative 1e-7.  `oracle` names what else is right:
    "set": the same items; "some": a result is expected, or none; "any": whatever; "zero": 0 too; "root": where the
    polynomial of the arguments is 0; "pyramid" and "digits": the other reading of Mbpp/581 and of Mbpp/558 too.
    """
    if oracle == "root":
        value: float = sum(factor * found**power for power, factor in enumerate(arguments[0]))
        return abs(value) <= atol
    if oracle == "any":
        return True
    if oracle == "set":
        return set(found) == set(wanted)
    if oracle == "some":
        return bool(wanted == (found if isinstance(found, bool) else found is not None))
    if found == wanted or (oracle in _OTHERWISE and _OTHERWISE[oracle](found, atol, *arguments)):
        return True
    if atol == 0 and _floats(wanted):
        atol = 1e-6
    return atol != 0 and type(found) is type(wanted) and _close(found, wanted, atol)


def _pyramid(found: Any, atol: float, base: float, height: float) -> bool:
    """The surface of a square pyramid whose height is that of its tip above the base, and not of its sides."""
    return bool(abs(found - round(base**2 + 2 * base * math.hypot(base / 2, height))) <= atol)


def _digits(found: Any, _: float, first: int, second: int) -> bool:
    """The sum of the differences of digits at the same places, counted from the last."""
    width = max(len(str(first)), len(str(second)))
    pairs = zip(str(first).zfill(width), str(second).zfill(width), strict=True)
    return bool(found == sum(abs(int(a) - int(b)) for a, b in pairs))


_OTHERWISE: dict[str, Callable[..., bool]] = {
    "zero": lambda found, *_: bool(found == 0),
    "pyramid": _pyramid,
    "digits": _digits,
}


def _floats(value: Any) -> bool:
    """Whether it is a float, or a sequence of them."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _close(found: Any, wanted: Any, atol: float) -> bool:
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(wanted):
            return False
        return all(_close(a, b, atol) for a, b in zip(found, wanted, strict=True))
    if not isinstance(found, int | float) or not isinstance(wanted, int | float):
        return bool(found == wanted)
    if found != found or wanted != wanted:
        return found != found and wanted != wanted
    return found == wanted or abs(found - wanted) <= atol + 1e-7 * abs(wanted)


_KINDS = {"program": run_program, "cases": run_cases, "collect": collect}


# ---- the process ----------------------------------------------------------------------------------------------------


def main(settings: dict[str, Any]) -> NoReturn:
    """Goes inside, starts the candidate, reads the work from standard input, writes the verdict to standard output.

    What the sandbox cannot do is a line in standard error, and status 3.
    """
    sys.setrecursionlimit(10_000)
    sys.set_int_max_str_digits(0)  # Tests have numbers of many digits; time is limited anyway.
    try:
        isolation.die_with_parent(None if settings["isolation"] == "bubblewrap" else settings["parent"])
        if settings["isolation"] == "namespaces":
            isolation.enter(settings["limits"]["scratch_bytes"])
        elif settings["isolation"] == "bubblewrap":
            isolation.drop_privileges()
        isolation.hide_memory()
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(3)
    other = Candidate(_start(settings))
    work = loads(sys.stdin.buffer.read())
    # What tests print is nothing, and must not stand before the verdict.
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115, PTH123
    _watch(settings["limits"], work["seconds"], settings["isolation"] != "none")
    _finish(_judged(other, work))


def _judged(other: Candidate, work: dict[str, Any]) -> dict[str, Any]:
    try:
        other.ask("load", work["code"])
        return _KINDS[work["kind"]](other, work)
    except BaseException as error:  # of the tests, too: exit() is no way to pass
        return {"status": "fail", "detail": _described(error)}


def _start(settings: dict[str, Any]) -> socket.socket:
    """Forks the candidate, before there is anything in memory that it must not have."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        try:
            ours.close()
            isolation.limit(settings["limits"], settings["isolation"] != "none")
            candidate.become(theirs)
        finally:
            os._exit(1)
    theirs.close()
    return ours


def _watch(limits: dict[str, Any], seconds: float, alone: bool) -> None:
    """Looks twenty times a second whether the time is over, or all processes together have too much memory."""
    end = time.monotonic() + seconds

    def look(*_: Any) -> None:
        if time.monotonic() >= end:
            _finish({"status": "timeout", "detail": f"no end within {seconds:g} s"})
        if alone and _used() > limits["memory"]:
            _finish({"status": "fail", "detail": f"more than {limits['memory']} bytes of memory"})

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)


def _used() -> int:
    """The bytes in memory of all processes that are seen, this one too, for answers are kept in it, and of the segments
    of System V's shared memory, which need no process."""
    pages = 0
    for name in os.listdir("/proc"):  # noqa: PTH208  (twenty times a second)
        if name.isdigit():
            try:
                pages += int(Path("/proc", name, "statm").read_text().split()[1])
            except (OSError, IndexError):
                continue  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE") + _segments()


def _segments() -> int:
    try:
        head, *rows = Path("/proc/sysvipc/shm").read_text().splitlines()
    except (OSError, ValueError):  # a kernel without
        return 0
    column = head.split().index("rss")
    return sum(int(row.split()[column]) for row in rows)


def _described(error: BaseException) -> str:
    """The exception, and the line of the tests that it came from."""
    place = error.__traceback__
    line = None
    while place is not None:
        if place.tb_frame.f_code.co_filename == "tests":
            line = place.tb_lineno
        place = place.tb_next
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:500] + (f" (line {line} of the tests)" if line else "")


def _finish(verdict: dict[str, Any]) -> NoReturn:
    """Says the verdict once, and ends; with the first process of a namespace end all."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    text = memoryview(dumps(verdict))
    while text:
        text = text[os.write(1, text) :]
    os._exit(0)
