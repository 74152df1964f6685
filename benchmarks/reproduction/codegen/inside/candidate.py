"""The candidate's side: a process that has the solution and nothing else, and answers what the judge asks."""

from __future__ import annotations

import os
import socket
import struct
import sys
import types
from typing import Any

from .codec import decode, dumps, encode, loads

LONGEST = 1 << 24
"""The most bytes that one message has."""


class Gone(Exception):
    """The other side has closed the connection, or says what cannot be read."""


def send(connection: socket.socket, data: Any) -> None:
    """Sends one message."""
    text = dumps(data)
    if len(text) > LONGEST:
        raise ValueError(f"a value of {len(text)} bytes is too large")
    connection.sendall(struct.pack("<I", len(text)) + text)


def receive(connection: socket.socket) -> Any:
    """The next message.  Raises Gone."""
    (length,) = struct.unpack("<I", _exactly(connection, 4))
    if length > LONGEST:
        raise Gone(f"a message of {length} bytes is too long")
    try:
        return loads(_exactly(connection, length))
    except (ValueError, RecursionError) as error:
        raise Gone(f"a message cannot be read: {error}") from None


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        try:
            part = connection.recv(min(count, 1 << 20))
        except ConnectionError:
            part = b""
        if not part:
            raise Gone("the solution ended the process")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(connection: socket.socket) -> None:
    """Answers until the judge is gone: each request is (operation, arguments), each answer ("value", data) or
    ("error", type, text)."""
    objects: list[Any] = []
    numbers: dict[int, int] = {}
    # A module like any other: dataclasses for one look it up by its name.
    module = sys.modules["solution"] = types.ModuleType("solution")
    names: dict[str, Any] = vars(module)

    def keep(value: Any) -> int:
        number = numbers.setdefault(id(value), len(objects))
        if number == len(objects):
            objects.append(value)
        return number

    def found(reference: Any) -> Any:
        if isinstance(reference, str):
            return names[reference]
        return objects[reference]

    while True:
        operation, *arguments = receive(connection)
        try:
            values = [decode(argument, found) for argument in arguments]
            answer = ["value", encode(_OPERATIONS[operation](names, *values), keep)]
        except BaseException as error:
            answer = ["error", *_described(error)]
        try:
            send(connection, answer)
        except ValueError as error:
            send(connection, ["error", "ValueError", str(error)])


def _described(error: BaseException) -> tuple[list[str], str]:
    """The names of its class and of those that this is derived from, Python's own alone after the first; its text."""
    own, *others = type(error).__mro__
    names = [own.__name__, *(kind.__name__ for kind in others if kind.__module__ == "builtins")]
    try:
        return names, str(error)[:500]
    except BaseException:
        return names, ""


def _load(names: dict[str, Any], code: str) -> None:
    exec(compile(code, "solution", "exec"), names)


def _set(_: dict[str, Any], target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)


_OPERATIONS: dict[str, Any] = {
    "load": _load,
    "call": lambda _, target, arguments, named: target(*arguments, **named),
    "get": lambda _, target, name: getattr(target, name),
    "set": _set,
    "iterate": lambda _, target: iter(target),
    "next": lambda _, target: next(target),
    "length": lambda _, target: len(target),
    "item": lambda _, target, key: target[key],
}


def become(connection: socket.socket) -> None:
    """Lets go of all that is open but the connection, and serves; does not return."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    kept = connection.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 1 << 12)
    try:
        serve(connection)
    finally:
        os._exit(0)
