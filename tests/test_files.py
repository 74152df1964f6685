"""Files that appear whole or not at all, whoever else writes them."""

import os
from pathlib import Path

import pytest

from markovlib import files


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "page.html"
    first, second = files.WholeFile(path), files.WholeFile(path)
    first.write(b"A" * 1000)
    second.write(b"B" * 10)
    first.seal()
    first.commit()
    assert path.read_bytes() == b"A" * 1000
    second.write(b"B" * 10)
    second.seal()
    second.commit()
    assert path.read_bytes() == b"B" * 20
    assert list(tmp_path.iterdir()) == [path]


def test_no_link_is_followed_out_of_the_folder(tmp_path, monkeypatch):
    """Neither one of the name that drafts had, nor one of the name that a draft is to have."""
    path, other = tmp_path / "in" / "page.html", tmp_path / "other"
    path.parent.mkdir()
    other.write_bytes(b"mine")
    files.temporary(path).symlink_to(other)
    files.save(path, b"page")
    assert (path.read_bytes(), other.read_bytes()) == (b"page", b"mine")
    monkeypatch.setattr(files, "unique", lambda path: path)
    with pytest.raises(FileExistsError) as caught:
        files.save(path, b"page")
    assert caught.value.filename == str(path)
    assert other.read_bytes() == b"mine"


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_nothing_is_left_where_a_file_could_not_be_written(tmp_path, monkeypatch, call):
    path = tmp_path / "page.html"
    path.write_bytes(b"before")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left on device") as caught:
            files.save(path, b"after")
    assert caught.value.filename == str(path)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"page.html": b"before"}


def test_a_file_has_the_rights_that_others_have(tmp_path):
    (tmp_path / "plain").touch()
    files.save(tmp_path / "saved", b"")
    modes = {Path(tmp_path / name).stat().st_mode for name in ("plain", "saved")}
    assert len(modes) == 1
