"""The options that several commands take, and what their values mean."""

import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from markovlib.cli.outputs import STDOUT, fail_for_dash
from markovlib.shards.folder import ShardError
from markovlib.shards.formats import MODULES
from markovlib.shards.stores import LocalStore, Store, local_folder, open_store


class _Folder(click.ParamType):  # type: ignore[type-arg]
    """A folder of shards: a path, or a URL such as s3://bucket/prefix."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Store:
        if value == STDOUT:
            fail_for_dash("folder", param, ctx)
        store = open_store(value)
        if isinstance(store, LocalStore):
            _refuse_missing(store.root, value, param)
        return store


class _LocalFolder(click.ParamType):  # type: ignore[type-arg]
    """A folder on a disk: a path."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if value == STDOUT:
            fail_for_dash("folder", param, ctx)
        writes = param is not None and param.name == "out"
        folder = local_folder(value, f"{ctx.info_name if ctx else 'this'} {'writes' if writes else 'reads'}")
        _refuse_missing(folder, value, param)
        return folder


def _refuse_missing(folder: Path, name: str, param: click.Parameter | None) -> None:
    """Raise ShardError where a folder that is to be read is not there; one that is written need not be."""
    if param is not None and param.name == "folder" and not folder.exists():
        raise ShardError(f"{name}: no such folder")


FOLDER = _Folder()
LOCAL_FOLDER = _LocalFolder()


_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SPLITS = "train, seen, unseen, recombined, or a shift's name"
_TOKENIZERS = "bytes (if not given), chars, or the path of a tokenizer.json"
_ENDS = "<|endoftext|>, or the file's, if not given"


def _given(*options: _Decorator) -> _Decorator:
    """Make one decorator of several, the first of which is named first in the help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


token_options = _given(
    click.option("--tokenizer", metavar="WHAT", help=f"For formats of tokens: {_TOKENIZERS}."),
    click.option("--eos", metavar="TEXT", help=f"For formats of tokens: the end token; {_ENDS}."),
)


def names_option(*declarations: str, told: str, default: str | None = None) -> _Decorator:
    """Make an option of names that commas separate; where it comes again, its names are joined, each once, in order."""

    def joined(_: click.Context, param: click.Parameter, given: Sequence[str]) -> list[str] | None:
        names = [name.strip() for text in given for name in text.split(",")]
        if not all(names):
            raise click.UsageError(f"{param.opts[0]} {','.join(given)!r}: expected names separated by commas")
        return list(dict.fromkeys(names)) if given else None

    return click.option(
        *declarations,
        multiple=True,
        callback=joined,
        metavar="NAMES",
        default=[] if default is None else [default],
        show_default=default is not None,
        help=f"{told}  May come again.",
    )


def splits_option(default: str | None = None, otherwise: str = "all") -> _Decorator:
    """Make the option of splits; without a default `otherwise` says which are taken where none is named."""
    every = "" if default else f"; {otherwise} if not given"
    return names_option("--split", "splits", told=f"Splits, separated by commas: {SPLITS}{every}.", default=default)


def set_option(example: str) -> _Decorator:
    """Make the option that changes fields, with an example of one."""
    told = f"Change a field, as in --set {example}; VALUE is TOML.  May come again."
    return click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help=told)


#: What every command that makes rows and writes them as shards takes.
writing_options = _given(
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="With the recipe, decides every row."
    ),
    click.option(
        "--format",
        "format_name",
        type=click.Choice(list(MODULES)),
        default="parquet",
        show_default=True,
        help="How shards are written.",
    ),
    click.option("--shard-rows", type=click.IntRange(min=1), help="Rows of a shard; 131072 if not given."),
    click.option("--threads", type=click.IntRange(min=1), help="Threads; as many as processors if not given."),
    click.option(
        "--executor", metavar="NAME", help="Instead of threads: processes, dask://HOST:PORT, ray[://HOST:PORT]."
    ),
    names_option("--columns", told="Columns to write, separated by commas; those of the task if not given."),
    token_options,
)


def format_options(tokenizer: str | None, eos: str | None) -> dict[str, str]:
    """Return the options of a format that were given."""
    return {name: value for name, value in (("tokenizer", tokenizer), ("eos", eos)) if value is not None}


_PATH = r"[\w-]+(\.[\w-]+)*"


def assignment(text: str) -> tuple[str, Any]:
    """Read `path=value`: the value as TOML, a bare word as a string.

    An axis of a sweep may have several paths, joined by commas and in quotes or not: `sweep.a.b,c.d=[[1, 2]]`.
    """
    path, equals, value = text.partition("=")
    path = re.sub(r"^sweep\.(['\"])(.*)\1$", r"sweep.\2", path.strip())
    if equals and "," in path and not path.startswith("sweep."):
        raise click.UsageError(f"--set {text}: one path at a time; only axes of a sweep have several, as in "
                               f"sweep.{path}=[[...], ...]")  # fmt: skip
    if not equals or not re.fullmatch(rf"{_PATH}(,{_PATH})*", path):
        raise click.UsageError(f"--set {text}: expected PATH=VALUE, such as words.no_op=0.3")
    try:
        table = tomllib.loads(f"value = {value}\n")
    except tomllib.TOMLDecodeError as error:
        if not re.fullmatch(r"[^\s\"'\[\]{}]+", value.strip()):
            raise click.UsageError(f"--set {text}: the value is not TOML: {error}") from None
        return path, value.strip()
    if set(table) != {"value"}:
        raise click.UsageError(f"--set {text}: one value at a time")
    return path, table["value"]


def files_of(given: Sequence[str]) -> dict[str, str | list[str]]:
    """Where files are, by source: NAME=PATH, a name that comes again having several."""
    listed: dict[str, list[str]] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name.strip() or not path:
            raise click.UsageError(f"--source {text}: expected NAME=PATH, such as oss=data/oss.jsonl")
        listed.setdefault(name.strip(), []).append(path)
    return {name: paths[0] if len(paths) == 1 else paths for name, paths in listed.items()}
