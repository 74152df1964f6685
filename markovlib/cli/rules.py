"""The commands that take a rule file: run, trace, check."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from markovlib.cli import RULE_FILE_ADVICE
from markovlib.cli.outputs import PICTURE, TEXT_FILE
from markovlib.notations.files import RuleFile, name_of
from markovlib.rules import MAX_FILE_BYTES, MAX_LENGTH, MAX_STEPS, RuleSet, RunResult

Command = Callable[..., Any]

RULE_FILE = click.Path(dir_okay=False, allow_dash=True)
"""The name of a rule file, or `-` for standard input."""

LIMIT_OPTIONS = "--max-steps", "--max-length"
"""What raises the two limits of a run."""


class _Limit(click.IntRange):
    """A whole number, or `none` for no limit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if value == "none" else super().convert(value, param, ctx)


def reading_options(command: Command) -> Command:
    """The options that say how to read a rule file."""
    for decorate in (
        click.option("--any-size", is_flag=True, help="Read a rule file of more than 64 MiB."),
        click.option("--text", is_flag=True, help="Letters are UTF-8 characters rather than bytes."),
        click.option(
            "--notation", metavar="NAME", help="How the rules are written; `markovlib convert --list` has the names."
        ),
    ):
        command = decorate(command)
    return command


def rule_file(command: Command) -> Command:
    """The argument RULES and the options that say how to read it."""
    return click.argument("rules", metavar="RULES", type=RULE_FILE)(reading_options(command))


def run_options(command: Command) -> Command:
    """WORD... and the options of a run."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
        click.option("-0", "--null", "nul", is_flag=True, help="Words are separated by NUL, not by line ends."),
        click.option(
            "--strategy",
            type=click.Choice(["markov", "leftmost"]),
            default="markov",
            show_default=True,
            help="Which rule fires: the first that applies, or the one that occurs leftmost.",
        ),
        click.option("--detect-cycles", is_flag=True, help="Stop when the word comes back."),
        click.option(
            "--max-length",
            type=_Limit(0),
            default=MAX_LENGTH,
            show_default=True,
            metavar="BYTES",
            help="Stop before a word gets longer than this; `none`: never.",
        ),
        click.option(
            "--max-steps",
            type=_Limit(0),
            default=MAX_STEPS,
            show_default=True,
            metavar="N",
            help="Stop after this many steps; `none`: never.",
        ),
        click.argument("words", nargs=-1, metavar="[WORD]..."),
    ):
        command = decorate(command)
    return command


def opened(rules: str) -> RuleFile:
    """The rule file of that name; standard input, where it is `-`."""
    return sys.stdin.buffer if rules == "-" else rules


def load(rules: str, words: tuple[str, ...], notation: str | None, text: bool, any_size: bool) -> RuleSet:
    """The rules of a file, or of standard input if words do not come from there."""
    if rules == "-" and not words:
        raise click.UsageError("rules from standard input leave no words to come from there: give words as arguments")
    return RuleSet.load(opened(rules), notation, "text" if text else "bytes", None if any_size else MAX_FILE_BYTES)


def read_words(words: tuple[str, ...], text: bool, nul: bool) -> Iterator[str | bytes]:
    """The words of the command line, or those of standard input, read as they are needed."""
    if words:
        yield from (_decode(os.fsencode(word), text, f"word {i}") for i, word in enumerate(words, 1))
        return
    separator = b"\0" if nul else b"\n"
    for i, word in enumerate(_split(separator), 1):
        yield _decode(word, text, f"standard input, word {i}")


def _split(separator: bytes) -> Iterator[bytes]:
    parts: list[bytes] = []  # of a word whose end has not been read
    while block := _next_block():
        first, *others = block.split(separator)
        parts.append(first)
        if others:
            yield b"".join(parts)
            *whole, last = others
            yield from whole
            parts = [last]
    if any(parts):
        yield b"".join(parts)


def _next_block() -> bytes:
    """More of standard input; whoever writes it has then seen what became of the words so far."""
    sys.stdout.flush()
    return os.read(sys.stdin.fileno(), 1 << 16)


def _decode(word: bytes, text: bool, where: str) -> str | bytes:
    if not text:
        return word
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        bad = f"byte 0x{word[error.start]:02x} at position {error.start} is not UTF-8"
        raise ValueError(f"{where}: {bad}; {RULE_FILE_ADVICE['kind']}") from None


def as_bytes(word: str | bytes) -> bytes:
    return word.encode() if isinstance(word, str) else word


def word_json(name: str, word: str | bytes) -> dict[str, str]:
    """{name: word}, or {name_base64: ...} for bytes that are not UTF-8."""
    try:
        return {name: word.decode() if isinstance(word, bytes) else word}
    except UnicodeDecodeError:
        from base64 import b64encode

        return {f"{name}_base64": b64encode(as_bytes(word)).decode()}


def cycle_json(result: RunResult) -> dict[str, Any]:
    """{"cycle": ...} if the word came back."""
    return {"cycle": {"start": result.cycle[0], "period": result.cycle[1]}} if result.cycle else {}


def result_json(result: RunResult) -> dict[str, Any]:
    return {
        **word_json("word", result.word),
        "outcome": result.outcome.name.lower(),
        "steps": result.steps,
        "halted": result.halted,
        **cycle_json(result),
    }


def outcome_sentence(result: RunResult) -> str:
    """How the run ended, for people."""
    from markovlib.seeing.lines import outcome_sentence

    return outcome_sentence(result, LIMIT_OPTIONS)


@click.command()
@rule_file
@run_options
def run(
    rules: str,
    words: tuple[str, ...],
    notation: str | None,
    text: bool,
    any_size: bool,
    nul: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Run a rule file on words and print what becomes of each.

    Words come from the arguments, or from standard input, one a line.  RULES may be - for standard input; words are
    then arguments.  The exit status is 1 if one did not halt.
    """
    rule_set = load(rules, words, notation, text, any_size)
    out, end = sys.stdout.buffer, b"\0" if nul else b"\n"
    code = 0
    for number, word in enumerate(read_words(words, text, nul), 1):
        result = rule_set.run(word, **options)
        if as_json:
            out.write(json.dumps(result_json(result), ensure_ascii=False).encode() + b"\n")
        else:
            out.write(as_bytes(result.word) + end)
        if not result.halted:
            code = 1
            out.flush()
            click.echo(f"word {number}: {outcome_sentence(result)}", err=True)
    out.flush()
    return code


@click.command()
@rule_file
@run_options
@click.option("--first", type=click.IntRange(0), metavar="N", help="Show only the first N steps.")
@click.option("--last", type=click.IntRange(0), metavar="N", help="Show only the last N steps.")
@click.option("--all", "show_all", is_flag=True, help="Show every step, on a terminal too.")
@click.option("--width", type=click.IntRange(20), metavar="COLUMNS", help="Cut longer words around the match.")
@click.option("--color/--no-color", default=None, help="Mark matches in colour (default: on a terminal).")
@click.option("--html", type=TEXT_FILE, metavar="FILE", help="Write a page that steps through the run; - prints it.")
@click.option("--picture", type=PICTURE, metavar="FILE", help="Draw the run as FILE.png or FILE.svg.")
def trace(
    rules: str,
    words: tuple[str, ...],
    notation: str | None,
    text: bool,
    any_size: bool,
    nul: bool,
    as_json: bool,
    first: int | None,
    last: int | None,
    show_all: bool,
    width: int | None,
    color: bool | None,
    html: str | None,
    picture: str | None,
    **options: Any,
) -> int:
    """Show a run step by step: the word, the match in it, and the rule that fires there.

    On a terminal, a run of more than 200 steps shows its first and last 100; --all, --first and --last choose others.
    With --html or --picture nothing is printed, unless --json asks for it; --last keeps the last N steps there too.
    """
    from markovlib.cli.tracing import FileView, TraceView

    files = FileView(html=html, picture=picture, as_json=as_json, first=first, width=width)
    rule_set = load(rules, words, notation, text, any_size)
    view = TraceView(rule_set, first=first, last=last, show_all=show_all, width=width, color=color)
    code = 0
    for number, word in enumerate(files.one_of(read_words(words, text, nul)), 1):
        record = rule_set.trace(word, last=last if first is None else None, **options)
        if as_json:
            for line in view.objects(record, {} if len(words) == 1 else {"word_number": number}):
                click.echo(line.encode())
        elif not files:
            if number > 1:
                click.echo()
            view.show(record)
        files.write(record)
        code = code or int(not record.result.halted)
    return code


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="RULES...", type=RULE_FILE)
@reading_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--letters", metavar="LETTERS", help="The letters of the first word: finds rules that they never reach.")
def check(
    files: tuple[str, ...], notation: str | None, text: bool, any_size: bool, as_json: bool, letters: str | None
) -> int:
    """Lint rule files: rules that can never fire, change nothing or undo one another; and say
    whether they terminate, and whether the order of their steps matters.

    RULES may be - for standard input.  The exit status is 0 if no rule was found fault with, 1 if one was, 2 if a file
    cannot be read; the others are checked all the same.
    """
    from markovlib.notations import NotationError, load_located

    given = None if letters is None else _decode(os.fsencode(letters), text, "--letters")
    code = 0
    for file in map(opened, files):
        try:
            located = load_located(file, notation, "text" if text else "bytes", None if any_size else MAX_FILE_BYTES)
        except NotationError as error:
            click.echo(error.sentence(RULE_FILE_ADVICE), err=True)
            code = 2
        else:
            code = max(code, _check(name_of(file), located, as_json, given))
    return code


def _check(rules: str, located: Sequence[tuple[int, Any]], as_json: bool, letters: str | bytes | None) -> int:
    """Print what is found in the rules of a file, each of which comes with its line; 1 if that is something."""
    from markovlib import analysis
    from markovlib.wording import counted

    rule_set = RuleSet([rule for _, rule in located])
    report = analysis.report(rule_set, letters)
    for finding in report.findings:
        line = located[finding.rule][0]
        if as_json:
            click.echo(json.dumps({"file": rules, "line": line, **finding.to_dict()}))
        else:
            click.echo(f"{rules}:{line}:1: {finding.message}")
    if as_json:
        click.echo(json.dumps({"file": rules, "kind": "termination", **report.termination.to_dict()}))
        click.echo(json.dumps({"file": rules, "kind": "confluence", **report.confluence.to_dict()}))
    else:
        terminal = sum(rule.terminal for rule in rule_set)
        found = counted(len(report.findings), "finding") if report.findings else "no findings"
        click.echo(f"{rules}: {report.termination}", err=True)
        click.echo(f"{rules}: {report.confluence}", err=True)
        click.echo(f"{rules}: {counted(len(rule_set), 'rule')}, {terminal} terminal; {found}", err=True)
    return int(bool(report.findings))
