"""The documentation is true: every Python block and every console block in it is executed.

Blocks of one page run in order, in a new folder, and share their names and files.

- `python` blocks with prompts are doctests; those without are run as they are.
- `console` blocks hold `$ command` lines, each followed by all that it prints, `...` standing for anything.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from effort import slow_but

ROOT = Path(__file__).resolve().parents[1]
DOCS = [page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts]
PAGES = [ROOT / "README.md", *sorted(DOCS)]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Pages that start many processes, or try many examples.
LONG = (
    "cli.md", "clusters.md", "mixtures.md", "scale.md", "scoring.md", "seeing.md", "sweeps.md", "testing.md",
    "tokens.md",
)  # fmt: skip
# Other people's interpreters, which need not be there: a page shows them in its last blocks.
RIVALS = ("markalgo", "turingmarkov")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks_of(page: Path) -> list[tuple[str, str, int]]:
    """(language, text, line) of the page's blocks."""
    source = page.read_text("utf-8")
    return [(found[1], found[2], source.count("\n", 0, found.start(2)) + 1) for found in BLOCK.finditer(source)]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a command line in the new folder, in which `markovlib` and `.venv/bin/markovlib` are the package tested.

    The status of one command is `$?` in the next.
    """
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    command = programs / "markovlib"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from markovlib.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    status = 0

    def run(line: str) -> subprocess.CompletedProcess[str]:
        nonlocal status
        script = f"(exit {status})\n{line}"
        done = subprocess.run(
            ["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=120
        )
        status = done.returncode
        return done

    return run


def run_python(text: str, names: dict[str, Any], where: str, line: int) -> None:
    if ">>>" not in text:
        exec(compile("\n" * (line - 1) + text, where, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(text, names, where, where, line - 1)
    test.globs = names  # not the copy that the parser makes, so that the next block sees what this one defines
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append, clear_globs=False)
    assert not failed, "".join(report)


def run_console(text: str, shell: Callable[[str], subprocess.CompletedProcess[str]], where: str) -> None:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", f"{where}: a console block begins with '$ '"
    for part in parts[1:]:
        command, expected = split_command(part)
        found = "".join(f"{line.rstrip()}\n" for line in shell(command).stdout.splitlines())
        same = doctest.OutputChecker().check_output(expected, found, doctest.ELLIPSIS)
        assert same, f"{where}: $ {command}\nexpected:\n{expected}\nfound:\n{found}"


def split_command(part: str) -> tuple[str, str]:
    """A command, lines that end in a backslash and here-documents joined to it, and what it prints."""
    lines = part.splitlines(keepends=True)
    end = 1
    while lines[end - 1].endswith("\\\n"):
        end += 1
    if document := re.search(r"<<\s*'?(\w+)'?", lines[0]):
        end = lines.index(f"{document[1]}\n") + 1
    return "".join(lines[:end]).rstrip("\n"), "".join(lines[end:])


@pytest.mark.parametrize("page", slow_but([page for page in PAGES if page.name not in LONG], PAGES),
                         ids=lambda page: page.name)  # fmt: skip
def test_every_block_does_what_the_page_says(page: Path, shell: Any) -> None:
    names: dict[str, Any] = {"__name__": "__page__"}
    for language, text, line in blocks_of(page):
        where = f"{page.name}:{line}"
        for rival in RIVALS:
            if f"from {rival}" in text:
                pytest.importorskip(rival)
        if language == "python":
            run_python(text, names, where, line)
        elif language == "console":
            run_console(text, shell, where)


def test_the_command_of_the_readme_makes_a_data_set(shell: Any) -> None:
    """What the first command does once the package is installed; the installation is not repeated here."""
    command = next(text for language, text, _ in blocks_of(ROOT / "README.md") if language == "sh")
    steps = command.replace("\\\n", " ").split("&&")
    ours = [step.strip() for step in steps if not re.search(r"-m venv|pip install", step)]
    assert [step.split()[1] for step in ours] == ["generate", "inspect"]
    for step in ours:
        done = shell(step)
        assert done.returncode == 0, done.stdout
    assert re.search(r"no-ops +30,000 \(30.00 %\)", done.stdout)


def test_the_page_on_shards_has_all_columns() -> None:
    from markovlib.examples import ALL_COLUMNS

    table = (ROOT / "docs" / "shards.md").read_text("utf-8").split("## Columns")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    assert tuple(name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])) == ALL_COLUMNS


def test_the_page_on_data_sets_has_all_presets() -> None:
    from markovlib import Recipe

    lines = (ROOT / "docs" / "datasets.md").read_text("utf-8").split("| preset |")[1].split("\n\n")[0].splitlines()
    assert {name for line in lines for name in re.findall(r"`([\w/-]+)`", line.split("|")[1])} == set(Recipe.presets())


@pytest.mark.parametrize(
    "package",
    [
        "markovlib",
        "markovlib.analysis",
        "markovlib.combinators",
        "markovlib.diversity",
        "markovlib.machines",
        "markovlib.notations",
        "markovlib.schemes",
        "markovlib.testing",
    ],
)
def test_the_reference_has_all_public_names(package: str) -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    there = {name.rpartition(".")[2] for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page, re.MULTILINE)}
    module = import_module(package)
    names = {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)}
    assert names - {"__version__"} <= there


def test_the_page_on_rendering_has_the_default_templates() -> None:
    from markovlib.render import default_templates

    page = (ROOT / "docs" / "rendering.md").read_text("utf-8")
    table = page.split("| task |")[1].split("\n\n")[0].replace("\\n", "\n")
    for kind in ("rewrite", "run", "trace", "encrypted", "scheme", "induce"):
        for rules, program in ((1, False), (2, False), (1, True)):
            for template in default_templates(kind, rules, program):
                assert f"`{template.strip(' ')}`" in table


def test_a_page_that_is_wrong_is_noticed(shell: Any) -> None:
    with pytest.raises(AssertionError):
        run_python(">>> 1 + 1\n3\n", {}, "page", 1)
    with pytest.raises(AssertionError, match="page:1"):
        run_console("$ echo a\nb\n", shell, "page:1")
    run_console("$ (exit 3)\n$ echo $?\n3\n$ echo a \\\n  b\na b\n", shell, "page:1")
