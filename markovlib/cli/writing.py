"""What the commands that write a folder have in common: who does the work, Ctrl-C, and what is said at the end."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from markovlib.cli import Interrupted, progress
from markovlib.shards.stores import Place
from markovlib.wording import counted

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from markovlib.shards.generation import Written


@contextmanager
def going_on(out: Place, *, as_json: bool) -> Iterator[progress.Advance | None]:
    """Show the progress of writing a folder; Ctrl-C says that the same command goes on with it."""
    try:
        with progress.shown(as_json=as_json) as advance:
            yield advance
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on with {out} where it stopped") from None


def executor_named(name: str | None, workers: int | None) -> "AbstractContextManager[Executor | None]":
    """Open the executor that --executor names; None, for threads, where it is not given."""
    if name is None:
        return nullcontext()
    from markovlib.cluster import open_executor

    return open_executor(name, workers)


def summarise(
    out: Place,
    written: "list[Written]",
    seconds: float,
    as_json: bool,
    more: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Print what was written: lines on standard error, or JSON on standard output, which has `more` of each split."""
    made = sum(item.rows for item in written if item.kept < item.shards)
    if as_json:
        splits = [{**asdict(item), **more.get(item.split, {})} for item in written]
        click.echo(json.dumps({"out": str(out), "seconds": round(seconds, 3), "splits": splits}))
        return
    for item in written:
        kept = f" ({item.kept:,} kept)" if item.kept else ""
        done = "already complete: " if item.kept == item.shards else ""
        counts = f"{counted(item.rows, 'row')}, {counted(item.shards, 'shard')}{kept}, {counted(item.bytes, 'byte')}"
        click.echo(f"{item.split}: {done}{counts}", err=True)
        for name in item.made_again:
            click.echo(f"made again: {name}", err=True)
    if made:
        rate = f", {made / seconds:,.0f} rows/s" if not any(item.kept for item in written) else ""
        click.echo(f"{out}: {seconds:.2f} s{rate}", err=True)
