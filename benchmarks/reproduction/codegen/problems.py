"""Problems and samples: HumanEval, MBPP and EvalPlus's files, as they are published."""

from __future__ import annotations

import ast
import builtins
import functools
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .inside.codec import encode


class FormatError(ValueError):
    """A file that is not what it should be; the message says where."""


@dataclass(frozen=True)
class Problem:
    """One problem.

    Either `program` tests a solution, a program in which `names` are the solution's and that may use what `before`
    defines; or `base` and `plus` are the arguments of calls of `entry_point`, encoded, whose results must agree with
    those of the reference within `atol`, or by an `oracle` (see `inside.judge.agree`).  `reference` is the solution
    that comes with the problem, as a whole program.
    """

    task_id: str
    prompt: str
    reference: str
    entry_point: str
    program: str | None = None
    before: str = ""
    names: tuple[str, ...] = ()
    base: tuple[Any, ...] = ()
    plus: tuple[Any, ...] = ()
    atol: float = 0.0
    oracle: str = ""

    @functools.cached_property
    def digest(self) -> str:
        """Names the problem by all that judging depends on."""
        fields = [
            self.task_id, self.reference, self.program, self.before, self.names, self.entry_point, self.base, self.plus,
            self.atol, self.oracle,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


@dataclass(frozen=True)
class Sample:
    """One answer to a problem, as a whole program; `where` it was read, `number` among its problem's samples."""

    task_id: str
    solution: str
    number: int = 0
    where: str = field(default="", compare=False)


# ---- files ----------------------------------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file of JSON Lines or of one JSON list, packed by gzip or not, each with where it is.

    Raises FormatError, OSError.
    """
    text = _text(path)
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise FormatError(f"{path}: {error}") from None
        yield from ((f"{path}[{i}]", _row(row, f"{path}[{i}]")) for i, row in enumerate(listed))
        return
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise FormatError(f"{where}: {error}") from None
            yield where, _row(row, where)


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: {error}") from None


def _row(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise FormatError(f"{where}: is {type(row).__name__}, not an object")
    return row


def _field(row: Mapping[str, Any], where: str, kind: type | tuple[type, ...], *names: str) -> Any:
    """The first of these fields that the row has."""
    for name in names:
        if name in row:
            if not isinstance(row[name], kind):
                raise FormatError(f"{where}: {name!r} is {type(row[name]).__name__}")
            return row[name]
    raise FormatError(f"{where}: has no field {' or '.join(map(repr, names))}; its fields are {', '.join(row)}")


def read_problems(path: Path) -> dict[str, Problem]:
    """The problems of a file, by `task_id`, in its order.  Raises FormatError, OSError.

    Told from the fields of each row: EvalPlus has `base_input`, HumanEval `test`, MBPP `test_list`.
    """
    found: dict[str, Problem] = {}
    for where, row in rows(path):
        problem = _problem(row, where)
        if problem.task_id in found:
            raise FormatError(f"{where}: {problem.task_id} comes twice")
        found[problem.task_id] = problem
    if not found:
        raise FormatError(f"{path}: has no problems")
    return found


def _problem(row: dict[str, Any], where: str) -> Problem:
    for name, read in (("base_input", _evalplus), ("test", _human_eval), ("test_list", _mbpp)):
        if name in row:
            return read(row, where)
    fields = ", ".join(row)
    raise FormatError(f"{where}: has none of base_input, test and test_list: is no problem; its fields are {fields}")


def _human_eval(row: dict[str, Any], where: str) -> Problem:
    entry_point = _field(row, where, str, "entry_point")
    prompt = _field(row, where, str, "prompt")
    return Problem(
        task_id=_task_id(row, where),
        prompt=prompt,
        reference=prompt + _field(row, where, str, "canonical_solution"),
        entry_point=entry_point,
        program=f"{_field(row, where, str, 'test')}\n\ncheck({entry_point})\n",
        before=prompt,
        names=(entry_point,),
    )


def _mbpp(row: dict[str, Any], where: str) -> Problem:
    code = _field(row, where, str, "code")
    tests = _field(row, where, list, "test_list")
    if not tests or not all(isinstance(test, str) for test in tests):
        raise FormatError(f"{where}: 'test_list' must be a list of lines of Python")
    imports = row.get("test_imports") or []
    if not isinstance(imports, list) or not all(isinstance(line, str) for line in imports):
        raise FormatError(f"{where}: 'test_imports' must be a list of lines of Python")
    setup = "\n".join([*imports, str(row.get("test_setup_code") or "")])
    names, entry_point = _tested("\n".join(tests), _defined(code, where))
    return Problem(
        task_id=_task_id(row, where, "Mbpp"),
        prompt=_field(row, where, str, "prompt", "text"),
        reference=code,
        entry_point=entry_point,
        program="\n".join([setup, *tests, ""]),
        names=names,
    )


def _evalplus(row: dict[str, Any], where: str) -> Problem:
    task_id = _task_id(row, where)
    entry_point = _field(row, where, str, "entry_point")
    prompt = _field(row, where, str, "prompt")
    typed = typed_inputs(task_id)
    inputs = {
        name: tuple(encode(list(typed(arguments))) for arguments in _field(row, where, list, name))
        for name in ("base_input", "plus_input")
        if name == "base_input" or name in row
    }
    return Problem(
        task_id=task_id,
        prompt=prompt,
        reference=prompt + _field(row, where, str, "canonical_solution"),
        entry_point=entry_point,
        base=inputs["base_input"],
        plus=inputs.get("plus_input", ()),
        atol=float(_field(row, where, (int, float), "atol")) if "atol" in row else 0.0,
        oracle=oracle(task_id, entry_point),
    )


def _task_id(row: dict[str, Any], where: str, family: str = "") -> str:
    """The name of a problem; MBPP's own files have numbers, which EvalPlus writes as Mbpp/NUMBER."""
    found = _field(row, where, (str, int), "task_id")
    return f"{family}/{found}" if isinstance(found, int) and family else str(found)


def _defined(code: str, where: str) -> tuple[str, ...]:
    """What a program defines."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError) as error:
        raise FormatError(f"{where}: 'code' is no program: {error}") from None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in body if isinstance(node, kinds)]
    names += [target.id for node in body if isinstance(node, ast.Assign) for target in node.targets
              if isinstance(target, ast.Name)]  # fmt: skip
    return tuple(dict.fromkeys(names))


def _tested(tests: str, defined: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The names that tests have from a solution, and the one that they are about: the first they use, or the last
    defined where they cannot be read.

    A name that Python itself has too is the solution's only where the tests use no other of it, as in Mbpp/126, whose
    function is called `sum`: elsewhere they mean Python's.
    """
    own = tuple(name for name in defined if not hasattr(builtins, name))
    try:
        used = [node.id for node in ast.walk(ast.parse(tests)) if isinstance(node, ast.Name)]
    except (SyntaxError, ValueError):
        used = []
    for names in (own, defined):
        for name in used:
            if name in names:
                return (own if name in own else (*own, name)), name
    return own, (own or defined or ("",))[-1]


# ---- EvalPlus's exceptions ------------------------------------------------------------------------------------------

Typed = Callable[[list[Any]], Any]


def oracle(task_id: str, entry_point: str) -> str:
    """How the results of a problem are compared, where not by equality alone, as EvalPlus does."""
    if not task_id.startswith("Mbpp/"):
        return "root" if entry_point == "find_zero" else ""
    return _ORACLES.get(entry_point, "")


_ORACLES = {
    **dict.fromkeys(
        ("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
         "intersection_array", "find_dissimilar", "Diff"), "set",
    ),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), "some"),
    "are_equivalent": "any",
    "sum_div": "zero",
    "surface_Area": "pyramid",
    "digit_distance_nums": "digits",
}  # fmt: skip


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


def _each(values: Any) -> Any:
    return [_tuple(value) for value in values] if isinstance(values, list) else values


# What JSON has no way to write, restored by the numbers of MBPP's problems: tuples, sets, complex numbers.
_RESTORED: tuple[tuple[tuple[int, ...], Typed], ...] = (
    (
        (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
        lambda given: [_tuple(one) for one in given],
    ),
    ((63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780), lambda given: [_each(x) for x in given]),
    ((75, 413, 444, 753), lambda given: [_each(given[0]), *given[1:]]),
    ((106, 750), lambda given: [given[0], _tuple(given[1])]),
    ((115,), lambda given: [[set(item) if isinstance(item, list) and item else {} for item in given[0]]]),
    ((124,), lambda given: [float(given[0]), complex(given[1])]),
    ((250, 307, 405, 446, 617, 720, 763, 808), lambda given: [_tuple(given[0]), *given[1:]]),
    ((252,), lambda given: [complex(given[0])]),
    ((259, 278, 401, 445), lambda given: [_tuple(_each(x)) for x in given]),
    ((580, 615, 791), lambda given: [_deep(x) for x in given]),
    ((722,), lambda given: [{key: _tuple(value) for key, value in given[0].items()}, *given[1:]]),
)


def typed_inputs(task_id: str) -> Typed:
    """What makes the arguments of an MBPP problem of EvalPlus of those in its file; of others they are as they are."""
    family, _, number = task_id.partition("/")
    if family == "Mbpp" and number.isdigit():
        for numbers, made in _RESTORED:
            if int(number) in numbers:
                return made
    return lambda given: given


# ---- samples --------------------------------------------------------------------------------------------------------


def read_samples(path: Path, problems: Mapping[str, Problem]) -> list[Sample]:
    """The samples of a file, or of a folder that has one folder a problem (`HumanEval_0/0.py`), in order.

    A row has `task_id` and `solution`, a whole program, or `completion`, which the prompt is put before.  Raises
    FormatError for what is none, for a problem that is unknown, and where there are none.
    """
    found = _in_folders(path, problems) if path.is_dir() else _in_file(path, problems)
    if not found:
        raise FormatError(f"{path}: has no samples")
    counts: dict[str, int] = {}
    numbered = []
    for sample in found:
        number = counts.get(sample.task_id, 0)
        counts[sample.task_id] = number + 1
        numbered.append(Sample(sample.task_id, sample.solution, number, sample.where))
    return numbered


def _in_file(path: Path, problems: Mapping[str, Problem]) -> list[Sample]:
    found = []
    for where, row in rows(path):
        named = str(_field(row, where, (str, int), "task_id"))
        task_id = named if named in problems else f"Mbpp/{named}"
        if task_id not in problems:
            raise FormatError(f"{where}: there is no problem {named!r}")
        if "solution" in row:
            solution = _field(row, where, str, "solution")
        else:
            solution = problems[task_id].prompt + _field(row, where, str, "completion")
        found.append(Sample(task_id, solution, where=where))
    return found


def _in_folders(path: Path, problems: Mapping[str, Problem]) -> list[Sample]:
    found = []
    for task_id in problems:
        folder = path / task_id.replace("/", "_")
        files = sorted(folder.glob("*.py"), key=lambda file: (len(file.stem), file.stem))
        found += [Sample(task_id, _text(file), where=str(file)) for file in files]
    return found
