"""The command that copies a folder of shards into another format."""

import time

import click

from markovlib.cli.options import FOLDER, format_options, names_option, splits_option, token_options
from markovlib.cli.writing import going_on, summarise
from markovlib.shards.formats import MODULES
from markovlib.shards.stores import Place


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--out", required=True, type=FOLDER, help="The folder to write: a path or a URL.")
@click.option(
    "--format", "format_name", type=click.Choice(list(MODULES)), required=True, help="How the new shards are written."
)
@splits_option()
@names_option("--columns", told="Columns to keep, separated by commas; all if not given.")
@click.option("--shard-rows", type=click.IntRange(min=1), help="Rows of a shard; 131072 if not given.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given.")
@token_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
def export(
    folder: Place,
    out: Place,
    format_name: str,
    splits: list[str] | None,
    columns: list[str] | None,
    shard_rows: int | None,
    threads: int | None,
    tokenizer: str | None,
    eos: str | None,
    as_json: bool,
) -> None:
    """Copy a folder of shards into another format, with a manifest and a card of its own.

    Shards are compared with their checksums as they are read.  The same command goes on where an interrupted one
    stopped, and does nothing in a finished folder that has lost no file.
    """
    from markovlib.shards import exporting
    from markovlib.shards.plan import SHARD_ROWS

    started = time.perf_counter()
    with going_on(out, as_json=as_json) as advance:
        written = exporting.export(
            folder,
            out,
            format=format_name,
            splits=splits,
            columns=columns,
            shard_rows=shard_rows or SHARD_ROWS,
            threads=threads,
            progress=advance,
            options=format_options(tokenizer, eos),
        )
    summarise(out, written, time.perf_counter() - started, as_json)
