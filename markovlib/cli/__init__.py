"""The `markovlib` command: a group whose commands are loaded when they are called."""

import errno
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from markovlib import __version__

if TYPE_CHECKING:
    from markovlib.notations.source import Argument

COMMANDS = {
    "run": ("markovlib.cli.rules", "Run a rule file on words."),
    "trace": ("markovlib.cli.rules", "Show a run step by step."),
    "check": ("markovlib.cli.rules", "Lint rule files."),
    "convert": ("markovlib.cli.converting", "Write a rule file in another notation."),
    "presets": ("markovlib.cli.data", "List the recipes that come with the library, or print one."),
    "generate": ("markovlib.cli.data", "Write a data set as shards."),
    "sweep": ("markovlib.cli.sweeping", "Write a data set for each point of a recipe's grid."),
    "mix": ("markovlib.cli.mixing", "Write a mixture of several sources as shards."),
    "inspect": ("markovlib.cli.data", "Show what is in a folder of shards."),
    "report": ("markovlib.cli.diversity", "Count how diverse a folder or a preset is."),
    "verify": ("markovlib.cli.data", "Check a folder of shards by making its rows again."),
    "export": ("markovlib.cli.exports", "Copy a folder of shards into another format."),
    "score": ("markovlib.cli.scores", "Score answers to the examples of a folder."),
}
"""Where each command lives, as a function of its name, and its line in `--help`."""

RULE_FILE_ADVICE: "dict[Argument, str]" = {
    "notation": "pass --notation NAME",
    "kind": "leave --text out to work on bytes",
    "max_bytes": "pass --any-size to read it",
}
"""Which option helps where a rule file cannot be read, by the argument that it stands for."""


class Interrupted(click.ClickException):
    """Ctrl-C, with a word on what is left behind."""

    exit_code = 130


class Commands(click.Group):
    """A group that imports a command's module only to run it, and gives each failure one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; where the reader of its output has gone, end as quietly as other tools do."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _silence_stdout()
            sys.exit(141)
        return result

    def main(self, args: Sequence[str] | None = None, *positional: Any, **extra: Any) -> NoReturn:
        """Run a command line and exit: 0 done, 1 the answer is no, 2 bad input, 130 interrupted."""
        extra["standalone_mode"] = False
        _open_closed_streams()
        _escape_what_stdout_lacks()
        try:
            code = super().main(args, *positional, **extra)
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted", 130)
        except NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(0)
        except click.UsageError as error:
            _fail(_with_hint(error), 2)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except MemoryError as error:
            _fail(f"out of memory{f': {error}' if str(error) else ''}", 2)
        except RecursionError:
            _fail("what is given is nested too deeply", 2)
        except OSError as error:
            _fail(_os_message(error), 2)
        except ImportError as error:
            if "pip install" not in str(error):
                raise
            _fail(str(error), 2)
        except ValueError as error:
            _fail_value(error)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(part.strip() for part in message.split("\n"))
    click.echo(f"markovlib: error: {line}" if code != 130 else f"markovlib: {line}", err=True)
    sys.exit(code)


def _fail_value(error: ValueError) -> NoReturn:
    """A mistake in a rule file is reported as compilers do, so that editors find the place."""
    from markovlib.notations import NotationError

    if isinstance(error, NotationError):
        click.echo(error.sentence(RULE_FILE_ADVICE), err=True)
        sys.exit(2)
    _fail(str(error), 2)


def _with_hint(error: click.UsageError) -> str:
    message = error.format_message()
    if isinstance(error, click.BadParameter):
        whole = "is not a whole number, such as 1000000 or 1_000_000"
        message = re.sub(r"is not a valid integer( range)?", whole, message)
    if error.ctx is None:
        return message
    many = any(isinstance(p, click.Argument) and p.nargs == -1 for p in error.ctx.command.params)
    if isinstance(error, click.NoSuchOption) and many:
        message = f"{message.rstrip('.')}; what begins with '-' and is no option goes after --"
    return f"{message.rstrip('.')}; see '{error.ctx.command_path} --help'"


def _os_message(error: OSError) -> str:
    if error.errno is None or error.strerror is None:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    advice = "; free some space and run the same command again" if error.errno == errno.ENOSPC else ""
    return f"{where}{error.strerror}{advice}"


def _open_closed_streams() -> None:
    """What the caller has closed, as `2>&-` does, is as /dev/null: no command asks, and no file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115


def _escape_what_stdout_lacks() -> None:
    """Letters that the output's encoding does not have are written as escapes, as Python does on standard error."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower().replace("-", "") != "utf8":
        sys.stdout.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Keep the interpreter from complaining, at exit, of a reader that has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="markovlib")
def main() -> None:
    """Run Markov algorithms, and make instruction-tuning data from them."""
