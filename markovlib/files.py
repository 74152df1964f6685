"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def save(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file under a temporary name, then gives it its own.

    Raises OSError with the name that was asked for: no such folder, no permission, no room, or a name that is not
    that of an ordinary file.
    """
    from markovlib.shards.folder import write_whole

    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: is not an ordinary file, and cannot be replaced by one")
    try:
        write_whole(target, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
