"""The manifest of a folder that must be one of finished shards, and what is said where it is not."""

import json
from typing import Any

from markovlib.shards import journal, manifest
from markovlib.shards.folder import ShardError
from markovlib.shards.manifest import Manifest
from markovlib.shards.stores import Place, Store, open_store
from markovlib.wording import counted

SWEEP = "sweep.json"
UNFINISHED_SWEEP = ".unfinished-sweep.json"
"""What a sweep has in its folder, when it is written and before."""


def load(folder: Place) -> Manifest:
    """Read the manifest of a folder; raises as `manifest.load`, but `ShardError` where there is none."""
    store = open_store(folder)
    try:
        return manifest.load(store)
    except (FileNotFoundError, NotADirectoryError):
        raise not_finished(store) from None


def not_finished(root: Store) -> ShardError:
    """Return what to say of a folder that has no manifest: it may hold a sweep, or splits that are not finished."""
    return ShardError(f"{root}: {_state(root)}")


def unfinished(root: Store) -> dict[str, int]:
    """Return the numbers of complete shards of the splits that are not finished."""
    found = {}
    for name in sorted(name for name, size in root.entries().items() if size is None):
        if lines := sum(1 for _ in root.log(f"{name}/{journal.NAME}").lines()):
            found[name] = lines - 1
    return found


def _state(root: Store) -> str:
    try:
        if points := _points(root):
            return f"a sweep of {counted(len(points), 'point')}; name the folder of one, such as {root.path(points[0])}"
        if UNFINISHED_SWEEP in root.entries():
            return "a sweep that is not finished; the same `markovlib sweep` goes on with it"
        splits = unfinished(root)
    except NotADirectoryError:
        splits = {}
    state = f"only unfinished splits ({', '.join(splits)})" if splits else f"no {manifest.NAME} here"
    return f"{state}: not a folder of finished shards"


def _points(root: Store) -> list[str]:
    """Return the folders of a sweep's points; none where the folder does not hold a sweep."""
    try:
        sweep: dict[str, Any] = json.loads(root.read(SWEEP))
        return [str(folder["name"]) for folder in sweep["folders"] if folder["values"] is not None]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
