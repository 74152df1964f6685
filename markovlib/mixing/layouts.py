"""Layouts: which fields of a row are the prompt and the completion.

The layouts are those of published instruction data; which one a file has is told from the fields of its first row, or
named.  A row that does not have it is an error, never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markovlib.mixing.rows import Row, kind_of


class LayoutError(ValueError):
    """A row that does not have the layout of its file; the message says what it has."""


_UNWRITTEN = "which no layout writes; give templates or leave such rows out"
_NOTHING: tuple[Any, ...] = (None, "", "[]", [], {})
"""What a field that holds nothing has, that of tools being JSON as text in some files."""


@dataclass(frozen=True)
class Layout:
    """One way to write an instruction and its answer down.

    `needs` are the fields that every row has, `takes` those that it may have besides, and `refuses` those that change
    what a row says and that no text has a place for; `about` says whose it is.
    """

    name: str
    needs: tuple[str, ...]
    about: str
    made: Callable[[Row], tuple[str, str]] = field(repr=False)
    takes: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that the texts depend on."""
        return self.needs + self.takes + self.refuses

    def texts(self, row: Row) -> tuple[str, str]:
        """The prompt and the completion of a row.  Raises LayoutError."""
        for name in self.refuses:
            if _holds(row, name):
                raise LayoutError(f"has {name!r}, {_UNWRITTEN}")
        return self.made(row)

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


def _holds(row: Mapping[str, Any], name: str) -> bool:
    """Whether a field holds something; columns have a group of nothing for a field that is not there."""
    value = row.get(name)
    if isinstance(value, Mapping):
        return any(member not in _NOTHING for member in value.values())
    return value not in _NOTHING


def _has(row: Row, layout: Layout) -> bool:
    lists = layout.name in ("messages", "conversations")
    return all(isinstance(row.get(name), list if lists else str | list) for name in layout.needs)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---- two fields -----------------------------------------------------------------------------------------------------


def _pair(
    name: str,
    prompt: str,
    completion: str,
    about: str,
    before: str = "",
    after: str = "",
    refuses: tuple[str, ...] = (),
) -> Layout:
    """A layout of two texts, with a text that may stand before the prompt, or after it, behind an empty line."""

    def texts(row: Row) -> tuple[str, str]:
        parts = [_optional(row, before), _text(row, prompt), _optional(row, after)]
        return "\n\n".join(part for part in parts if part), _text(row, completion)

    takes = tuple(filter(None, (before, after)))
    return Layout(name, (prompt, completion), about, texts, takes, refuses)


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

_ROLE_NAMES = ("role", "from")
_ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant"}


def _messages(messages: Sequence[Any], name: str) -> list[tuple[str, str]]:
    """Roles and texts, whichever of the two ways they are written."""
    found = []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise LayoutError(f"{name}[{number}] holds {kind_of(message)}, not a message")
        _refuse_calls(message, f"{name}[{number}]")
        role = message.get("role", message.get("from"))
        text = _content(message.get("content", message.get("value")), f"{name}[{number}]")
        if not isinstance(role, str):
            raise LayoutError(f"{name}[{number}] has no role: its fields are {', '.join(map(str, message))}")
        found.append((_ROLES.get(role, role), text))
    if not found:
        raise LayoutError(f"{name!r} has no messages")
    return found


def _refuse_calls(message: Mapping[str, Any], where: str) -> None:
    if _holds(message, "tool_calls") or _holds(message, "function_call"):
        raise LayoutError(f"{where} calls a tool, {_UNWRITTEN}")
    if _holds(message, "reasoning_content"):
        raise LayoutError(f"{where} has 'reasoning_content', {_UNWRITTEN}")


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
    """The last message, which is the assistant's, and all before it, a field `system` being the first."""

    def texts(row: Row) -> tuple[str, str]:
        value = row.get(name)
        if not isinstance(value, list):
            raise LayoutError(f"has no messages in {name!r}, which holds {kind_of(value)}")
        *before, (role, answer) = _messages(value, name)
        if role != "assistant":
            raise LayoutError(f"the last of its {len(before) + 1} messages is of {role!r}, not of the assistant")
        if not before:
            raise LayoutError("has an answer and no message before it")
        system = _optional(row, "system")
        return _flattened([("system", system), *before] if system else before, name), answer

    return texts


def _chat_layout(name: str, about: str) -> Layout:
    return Layout(name, (name,), about, _chat(name), takes=("system",), refuses=("tools", "functions"))


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        _chat_layout("messages", "a chat of roles and contents"),
        _chat_layout("conversations", "a chat as ShareGPT has it"),
        _pair(
            "alpaca", "instruction", "output", "Alpaca", before="system", after="input", refuses=("history", "tools")
        ),
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
    """Every text in a row, however deep, by the dotted path of its field, those of lists joined: what an evaluation is
    searched for.

    >>> text_fields({"task_id": "T/1", "tests": [{"input": "Add.", "n": 1}, {"input": None}], "choices": ["a", "b"]})
    {'task_id': 'T/1', 'tests.input': 'Add.', 'choices': 'a\\nb'}
    """
    found: dict[str, list[str]] = {}
    for path, value in _walked(row):
        if isinstance(value, str):
            found.setdefault(path, []).append(value)
    return {path: "\n".join(texts) for path, texts in found.items()}


def has_field(row: Row, name: str) -> bool:
    """Whether a row has a field of this name or dotted path, whatever it holds; what is empty may have any in it.

    >>> row = {"question": {"text": None}, "hints": None}
    >>> has_field(row, "question.text"), has_field(row, "hints.first"), has_field(row, "question.answer")
    (True, True, False)
    """
    return any(
        path == name or (value in (None, [], {}) and name.startswith(f"{path}.")) for path, value in _walked(row)
    )


def _walked(row: Row) -> Iterator[tuple[str, Any]]:
    """All values in a row in order, but the roles of messages, each with the names (no places in lists) on its way.

    Paths have at most 16 names: what is deeper has that of the 16th.  Values are as deep as their reader lets them be.
    """
    left: list[tuple[str, int, Any]] = [(name, 1, value) for name, value in reversed(row.items())]
    while left:
        path, depth, value = left.pop()
        yield path, value
        if isinstance(value, Mapping):
            roles = _ROLE_NAMES if "content" in value or "value" in value else ()
            inner = [(name, member) for name, member in value.items() if name not in roles]
            left += [(f"{path}.{name}" if depth < 16 else path, depth + 1, member) for name, member in reversed(inner)]
        elif isinstance(value, list | tuple):
            left += [(path, depth, member) for member in reversed(value)]
