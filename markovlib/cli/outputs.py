"""Files that commands write beside folders, and `-`, which is standard output for text and nothing for all else."""

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

STDOUT = "-"
"""What a file of text is called that is to be written to standard output."""

TEXT_FILE = click.Path(dir_okay=False, allow_dash=True)
"""A file of text to be written, `-` for standard output: see `write_text`."""


class _Picture(click.Path):
    """A file of a picture to be written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == STDOUT:
            fail_for_dash("picture", param, ctx)
        return super().convert(value, param, ctx)


PICTURE = _Picture(dir_okay=False)


def fail_for_dash(what: str, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
    """Refuse `-` for what is neither read from standard input nor written to standard output."""
    raise click.BadParameter(f"- is standard input or output, and no {what}; one of that name is ./-", ctx, param)


def write_text(path: str, text: str) -> int:
    """Write a file of text, whole or not at all, or to standard output; returns its size in bytes."""
    from markovlib.files import save

    data = text.encode()
    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        save(path, data)
    return len(data)


def refuse_two_on_stdout(option: str, path: str | None, printing: Mapping[str, bool]) -> None:
    """Raise UsageError where a file of text is standard output and an option that was given prints there too."""
    for other, given in printing.items():
        if path == STDOUT and given:
            raise click.UsageError(f"{option} -: {other} prints on standard output too; name a file")
