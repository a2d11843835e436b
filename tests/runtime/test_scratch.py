"""Folders of workers: in nobody's way while they are used, and gone however their owner ended."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from tests.runtime.runs import REPO

KILLED = """
import os, signal, sys
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
(LockedTempDir().path / "kept").write_text("x")
os.kill(os.getpid(), signal.SIGKILL)
"""
HELD = """
import sys
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
with LockedTempDir() as scratch:
    print(scratch.path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that nobody else uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_closed_one_is_gone_with_all_in_it(temporary: Path) -> None:
    with LockedTempDir() as scratch:
        (scratch.path / "folder").mkdir()
        (scratch.path / "folder/file").write_text("x")
        assert scratch.path.stat().st_mode & 0o777 == 0o700
    assert not list(temporary.iterdir())
    scratch.close()


def test_what_a_killed_owner_left_is_removed_by_the_next(temporary: Path) -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", KILLED], cwd=REPO, check=False)
    (left,) = temporary.iterdir()
    assert (left / "kept").exists()
    with LockedTempDir() as scratch:
        assert list(temporary.iterdir()) == [scratch.path]


def test_one_in_use_stays(temporary: Path) -> None:
    words = [sys.executable, "-c", HELD]
    with subprocess.Popen(words, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        held = Path(other.stdout.readline().strip())
        with LockedTempDir(), LockedTempDir():
            assert held.is_dir()
            assert len(list(temporary.iterdir())) == 3
        other.communicate("")
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("name", ["osiris-worker-of_others", "osiris-worker-open_held", "else_held"])
def test_what_may_be_in_use_without_a_lock_stays(temporary: Path, name: str) -> None:
    (temporary / name).mkdir()
    (temporary / name).chmod(0o755)
    with LockedTempDir():
        assert (temporary / name).is_dir()


def test_a_link_that_looks_like_one_is_not_followed(temporary: Path) -> None:
    mine = temporary / "mine"
    mine.mkdir(mode=0o700)
    (mine / "file").write_text("x")
    (temporary / "osiris-worker-link_held").symlink_to(mine)
    with LockedTempDir():
        assert (mine / "file").exists()


def test_one_that_is_swept_as_it_is_made_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tempfile.mkdtemp
    swept: list[str] = []

    def mkdtemp(prefix: str, suffix: str) -> str:
        path = real(prefix=prefix, suffix=suffix)
        if not swept:
            swept.append(path)
            os.rmdir(path)  # noqa: PTH106  as a sweep of another process does in this very moment
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    with LockedTempDir() as scratch:
        assert scratch.path.is_dir()
        assert [str(scratch.path)] != swept
