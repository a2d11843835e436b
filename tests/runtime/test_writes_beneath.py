"""Writes below a folder: no symbolic link is followed, and the old file stays if a write fails."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.runtime.files.beneath import opened_folder, replace_beneath


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    with opened_folder(tmp_path / "root") as descriptor:
        yield descriptor


def _write(root: int, relative: str, data: bytes = b"new") -> None:
    with replace_beneath(root, relative) as file:
        os.write(file, data)


def test_write_creates_missing_folders(tmp_path: Path, root: int) -> None:
    _write(root, "a/b/c.csv")
    assert (tmp_path / "root/a/b/c.csv").read_bytes() == b"new"


def test_replaced_file_keeps_its_mode(tmp_path: Path, root: int) -> None:
    old = tmp_path / "root/out.csv"
    old.write_text("old")
    old.chmod(0o640)
    _write(root, "out.csv")
    assert (old.read_bytes(), old.stat().st_mode & 0o7777) == (b"new", 0o640)


def test_failed_write_keeps_old_file(tmp_path: Path, root: int) -> None:
    (tmp_path / "root/out.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), replace_beneath(root, "out.csv"):
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in (tmp_path / "root").iterdir()] == [("out.csv", "old")]


@pytest.mark.parametrize(
    ("relative", "code"),
    [
        ("../outside/x", errno.EINVAL),
        ("a/../../outside/x", errno.EINVAL),
        ("/etc/x", errno.EINVAL),
        ("a//b", errno.EINVAL),
        ("", errno.EINVAL),
        ("a\0b", errno.EINVAL),
        ("folder_link/x", errno.ENOTDIR),
        ("file_link", errno.ELOOP),
        ("pipe", errno.EINVAL),
        ("directory", errno.EINVAL),
    ],
)
def test_path_that_leaves_folder_is_refused(tmp_path: Path, root: int, relative: str, code: int) -> None:
    folder = tmp_path / "root"
    (folder / "folder_link").symlink_to("../outside")
    (folder / "file_link").symlink_to("../outside/x")
    (folder / "directory").mkdir()
    os.mkfifo(folder / "pipe")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(OSError, match=rf"\[Errno {code}\]"):
        _write(root, relative)
    assert before == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
