"""The command `convert`: a rule file in another notation, or the notation that it may be in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from markovlib.cli.outputs import STDOUT, TEXT_FILE
from markovlib.cli.rules import RULE_FILE, opened
from markovlib.notations import convert as convert_file
from markovlib.notations import detect, names
from markovlib.notations.files import RuleFile, name_of, read_limited
from markovlib.notations.registry import NOTATIONS
from markovlib.rules import MAX_FILE_BYTES


@click.command()
@click.argument("rules", metavar="FILE", type=RULE_FILE, required=False)
@click.option(
    "--from",
    "--notation",
    "notation",
    metavar="NAME",
    help="The file's notation (default: what the file itself says).",
)
@click.option("--to", metavar="NAME", help="The notation to write.")
@click.option(
    "--out", metavar="FILE", type=TEXT_FILE, default=STDOUT, help="Where to write (default: -, standard output)."
)
@click.option("--text", is_flag=True, help="Letters are UTF-8 characters rather than bytes.")
@click.option("--any-size", is_flag=True, help="Read a rule file of more than 64 MiB.")
@click.option("--detect", "detecting", is_flag=True, help="Print the notation that FILE may be in, and why.")
@click.option("--json", "as_json", is_flag=True, help="With --detect: one JSON object.")
@click.option("--list", "listing", is_flag=True, help="Print the notations.")
def convert(
    rules: str | None,
    notation: str | None,
    to: str | None,
    out: str,
    text: bool,
    any_size: bool,
    detecting: bool,
    as_json: bool,
    listing: bool,
) -> int:
    """Write the rules of FILE, or of standard input (-), in another notation, or propose the notation that it is in.

    What the file cannot mean, and what the other notation cannot write, is refused with its place and the reason.
    With --detect the exit status is 1 where nothing can be proposed.
    """
    if as_json and not detecting:
        raise click.UsageError("--json is of --detect alone: all else is written as it is")
    if listing:
        for name in names():
            click.echo(f"{name:18} {NOTATIONS[name].about}")
        return 0
    if rules is None:
        raise click.UsageError("Missing argument 'FILE'")
    limit, file = None if any_size else MAX_FILE_BYTES, opened(rules)
    if detecting:
        return show_detection(file, limit, as_json)
    if to is None:
        raise click.UsageError("Missing option '--to' (or --detect, or --list)")
    done = convert_file(file, to, notation, "text" if text else "bytes", limit)
    data = done.text.encode() if isinstance(done.text, str) else done.text
    if out == STDOUT:
        sys.stdout.buffer.write(data)
    else:
        write_new(Path(out), data)
    for word in done.input_words:
        shown = word if isinstance(word, str) else word.decode("utf-8", "backslashreplace")
        click.echo(f"{name_of(file)}: left out, being no rule: the input word {shown!r:.80}", err=True)
    return 0


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; on a failure none is left."""
    try:
        file = path.open("xb")
    except FileExistsError:
        advice = "remove it first, or give --out another name"
        raise click.UsageError(f"{path} exists, and convert never overwrites a file: {advice}") from None
    with file:
        try:
            file.write(data)
            file.flush()
        except BaseException:
            path.unlink()
            raise


def show_detection(path: RuleFile, limit: int | None, as_json: bool) -> int:
    data = read_limited(path, limit)
    found = detect(data.decode("utf-8", "replace"))
    if as_json:
        click.echo(json.dumps({"file": name_of(path), **found._asdict()}))
        return int(found.notation is None)
    click.echo(found.notation or "unknown")
    for reason in found.reasons:
        click.echo(f"  {reason}")
    if found.same:
        click.echo(f"  the same rules in: {', '.join(found.same)}")
    if found.different:
        click.echo(f"  other rules in: {', '.join(found.different)}")
    return int(found.notation is None)
