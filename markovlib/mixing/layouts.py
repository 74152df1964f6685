"""Layouts: which fields of a row are the prompt and the completion.

The layouts are those of published instruction data; which one a file has is told from the fields of its first row, or
named.  A row that does not have it is an error, never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markovlib.mixing.rows import Row, kind_of


class LayoutError(ValueError):
    """A row that does not have the layout of its file; the message says what it has."""


@dataclass(frozen=True)
class Layout:
    """One way to write an instruction and its answer down.

    `needs` are the fields that every row has, `takes` those that it may have besides; `about` says whose it is.
    """

    name: str
    needs: tuple[str, ...]
    about: str
    texts: Callable[[Row], tuple[str, str]] = field(repr=False)
    takes: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that the texts are made of."""
        return self.needs + self.takes

    @property
    def reason(self) -> str:
        """Why a file is said to have it."""
        return f"rows have {_listed(self.needs)}: {self.about}"


def recognise(row: Row) -> Layout:
    """The layout that a row has.  Raises LayoutError where it has none, or might have several.

    >>> recognise({"instruction": "Add.", "input": "1, 2", "output": "3"}).reason
    'rows have instruction and output: Alpaca'
    """
    found = [layout for layout in LAYOUTS.values() if _has(row, layout)]
    best = [one for one in found if not any(set(one.fields) < set(other.fields) for other in found)]
    if len(best) == 1:
        return best[0]
    seen = ", ".join(f"{name} ({kind_of(value)})" for name, value in row.items()) or "no fields"
    if not best:
        raise LayoutError(
            f"has no layout that is known: its fields are {seen}; give `prompt` and `completion` templates over them, "
            f"or rename them ({', '.join(f'{one.name}: {_listed(one.needs)}' for one in LAYOUTS.values())})"
        )
    names = " or ".join(f"{one.name} ({_listed(one.needs)})" for one in best)
    raise LayoutError(f"might be {names}; name one as `format`")


def layout_named(name: str) -> Layout:
    """A layout by its name.  Raises ValueError."""
    if name not in LAYOUTS:
        raise ValueError(f"must be one of {', '.join(LAYOUTS)}, got {name!r}")
    return LAYOUTS[name]


def _has(row: Row, layout: Layout) -> bool:
    lists = layout.name in ("messages", "conversations")
    return all(isinstance(row.get(name), list if lists else str | list) for name in layout.needs)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---- two fields -----------------------------------------------------------------------------------------------------


def _pair(name: str, prompt: str, completion: str, about: str, before: str = "", after: str = "") -> Layout:
    """A layout of two texts, with a text that may stand before the prompt, or after it, behind an empty line."""

    def texts(row: Row) -> tuple[str, str]:
        parts = [_optional(row, before), _text(row, prompt), _optional(row, after)]
        return "\n\n".join(part for part in parts if part), _text(row, completion)

    takes = tuple(filter(None, (before, after)))
    return Layout(name, (prompt, completion), about, texts, takes)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _flattened(_messages(value, name), name)
    if name not in row:
        raise LayoutError(f"has no field {name!r}; its fields are {', '.join(row) or 'none'}")
    raise LayoutError(f"{name!r} holds {kind_of(value)}, not text")


def _optional(row: Row, name: str) -> str:
    return "" if not name or row.get(name) is None else _text(row, name)


def _cot(row: Row) -> tuple[str, str]:
    return _text(row, "source"), f"{_text(row, 'rationale')}\n\n{_text(row, 'target')}"


# ---- messages -------------------------------------------------------------------------------------------------------

_ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant"}


def _messages(messages: Sequence[Any], name: str) -> list[tuple[str, str]]:
    """Roles and texts, whichever of the two ways they are written."""
    found = []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise LayoutError(f"{name}[{number}] holds {kind_of(message)}, not a message")
        role = message.get("role", message.get("from"))
        text = _content(message.get("content", message.get("value")), f"{name}[{number}]")
        if not isinstance(role, str):
            raise LayoutError(f"{name}[{number}] has no role: its fields are {', '.join(map(str, message))}")
        found.append((_ROLES.get(role, role), text))
    if not found:
        raise LayoutError(f"{name!r} has no messages")
    return found


def _content(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts: list[Any] = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        if all(isinstance(part, str) for part in parts):
            return "".join(parts)
    raise LayoutError(f"{where} holds {kind_of(content)}, not text")


def _flattened(messages: Sequence[tuple[str, str]], name: str) -> str:
    """One text: of a single message, or of one behind a system message, that text; else each with its role."""
    roles = [role for role, _ in messages]
    if len(roles) == 1 or (len(roles) == 2 and roles[0] == "system"):
        return "\n\n".join(text for _, text in messages if text)
    if name == "completion":
        raise LayoutError(f"{name!r} has {len(roles)} messages; one is expected")
    return "\n\n".join(f"{role.capitalize()}: {text}" for role, text in messages) + "\n\nAssistant:"


def _chat(name: str) -> Callable[[Row], tuple[str, str]]:
    """The last message, which is the assistant's, and all before it."""

    def texts(row: Row) -> tuple[str, str]:
        value = row.get(name)
        if not isinstance(value, list):
            raise LayoutError(f"has no messages in {name!r}, which holds {kind_of(value)}")
        *before, (role, answer) = _messages(value, name)
        if role != "assistant":
            raise LayoutError(f"the last of its {len(before) + 1} messages is of {role!r}, not of the assistant")
        if not before:
            raise LayoutError("has an answer and no message before it")
        return _flattened(before, name), answer

    return texts


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("messages", ("messages",), "a chat of roles and contents", _chat("messages")),
        Layout("conversations", ("conversations",), "a chat as ShareGPT has it", _chat("conversations")),
        _pair("alpaca", "instruction", "output", "Alpaca", after="input"),
        _pair("oss-instruct", "problem", "solution", "OSS-Instruct"),
        Layout("cot", ("source", "rationale", "target"), "the CoT Collection", _cot),
        _pair("prompt-completion", "prompt", "completion", "named by what they are"),
        _pair("prompt-response", "prompt", "response", "named by what they are"),
        _pair(
            "instruction-response", "instruction", "response", "Evol-Instruct, Dolly, UltraInteract", after="context"
        ),
        _pair("question-response", "question", "response", "OpenOrca", before="system_prompt"),
        _pair("query-response", "query", "response", "MetaMath"),
        _pair("question-answer", "question", "answer", "questions and answers"),
        _pair("input-output", "input", "output", "inputs and outputs"),
    )
}
"""The layouts by name."""


def text_fields(row: Row) -> dict[str, str]:
    """Every text in a row by its field, those of messages joined: what an evaluation is searched for.

    >>> text_fields({"task_id": "T/1", "tests": [1], "messages": [{"role": "user", "content": "Add."}]})
    {'task_id': 'T/1', 'messages': 'Add.'}
    """
    found = {}
    for name, value in row.items():
        if isinstance(value, str):
            found[name] = value
        elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            found[name] = "\n".join(value)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            try:
                found[name] = "\n".join(text for _, text in _messages(value, name))
            except LayoutError:
                continue
    return found
