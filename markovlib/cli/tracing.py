"""`markovlib trace`: the steps on standard output, as lines or as JSON, or in files."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from markovlib.cli.outputs import STDOUT, refuse_two_on_stdout, write_text
from markovlib.cli.rules import LIMIT_OPTIONS, cycle_json, word_json
from markovlib.rules import RuleSet
from markovlib.seeing.lines import blocks, ending
from markovlib.seeing.text import TextView, console
from markovlib.trace import Trace
from markovlib.wording import counted

PIPE_WIDTH = 10_000


class TraceView:
    """How traces of one rule set are shown: which steps, how wide, in colour or not."""

    def __init__(
        self,
        rules: RuleSet,
        *,
        first: int | None = None,
        last: int | None = None,
        show_all: bool = False,
        width: int | None = None,
        color: bool | None = None,
    ) -> None:
        terminal = sys.stdout.isatty()
        self.first, self.last = first, last
        self.everything = first is None and last is None and (show_all or not terminal)
        color = terminal if color is None else color
        width = width or (shutil.get_terminal_size().columns if terminal else PIPE_WIDTH)
        # The marks below the words of a pipe are the match alone: programs read them.
        self.view = TextView(rules, width=width, color=color, written=color)

    def _chosen(self, trace: Trace) -> list[range]:
        return [range(trace.first, trace.steps)] if self.everything else blocks(trace, self.first, self.last)

    def objects(self, trace: Trace, about: dict[str, int]) -> Iterator[str]:
        """One JSON object a step, then one for the end; each begins with what is known of the word."""
        for block in self._chosen(trace):
            for number in block:
                before, step = trace.before(number - trace.first), trace[number - trace.first]
                line: dict[str, Any] = {**about, "step": number + 1, "rule": step.rule, "position": step.position}
                line |= word_json("before", before) | word_json("word", step.word)
                yield json.dumps(line, ensure_ascii=False)
        end: dict[str, Any] = {**about, "outcome": trace.outcome.name.lower(), "steps": trace.steps}
        end |= {"halted": trace.result.halted, **word_json("word", trace.word), **cycle_json(trace.result)}
        yield json.dumps(end, ensure_ascii=False)

    def show(self, trace: Trace) -> None:
        """Prints the chosen steps, the last word and how the run ended."""
        printer = console(sys.stdout, self.view)
        for line in self.view.lines(trace, self._chosen(trace), LIMIT_OPTIONS):
            printer.print(line)


class FileView:
    """The page and the picture that are asked for; false if neither is.

    What would make them fail is found before the run.  Raises UsageError for options that say nothing of files, and
    for a picture's name; ImportError without matplotlib.
    """

    def __init__(
        self, *, html: str | None, picture: str | None, as_json: bool, first: int | None, width: int | None
    ) -> None:
        self.html, self.picture = html, picture
        self.option = "--html" if html is not None else "--picture"
        if picture is not None:
            from markovlib.seeing.picture import ending_of, require_matplotlib

            ending_of(picture)
            require_matplotlib()
        for path in (html, picture):
            if path is not None and not Path(path).resolve().parent.is_dir():
                raise click.UsageError(f"{path}: there is no such folder")
        refuse_two_on_stdout("--html", html, {"--json": as_json})
        if self and (first is not None or width is not None):
            other = "--first" if first is not None else "--width"
            raise click.UsageError(f"{other} is about what is printed, and {self.option} prints nothing")

    def __bool__(self) -> bool:
        return self.html is not None or self.picture is not None

    def one_of(self, words: Iterator[str | bytes]) -> Iterator[str | bytes]:
        """The words, of which there is exactly one if a file is asked for."""
        if not self:
            yield from words
            return
        found = list(islice(words, 2))
        if len(found) != 1:
            count = "several" if found else "none"
            raise click.UsageError(f"{self.option} shows the run of one word; {count} were given")
        yield from found

    def write(self, trace: Trace) -> None:
        """Writes the files, and says on standard error how large they are."""
        sizes: dict[str, int] = {}
        if self.html is not None:
            sizes[self.html] = write_text(self.html, trace.html())
        if self.picture is not None:
            trace.write_picture(self.picture)
            sizes[self.picture] = Path(self.picture).stat().st_size
        for path, size in sizes.items():
            name = "<stdout>" if path == STDOUT else path
            click.echo(f"{name}: {counted(size, 'byte')}; {ending(trace, LIMIT_OPTIONS)}", err=True)
