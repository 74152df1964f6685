"""The command line, called in the process of the test."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from markovlib.cli import main


def run(*args: Any, code: int = 0, given: str | None = None) -> Result:
    """What `markovlib ARGS` came to with `given` on standard input; it must exit with that code, and no traceback."""
    result = CliRunner().invoke(main, [str(arg) for arg in args], prog_name="markovlib", input=given)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def fails(*args: Any, code: int = 2) -> str:
    """Runs a command that must fail; returns its one line on standard error."""
    result = run(*args, code=code)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("markovlib: error: ")
    return result.stderr
