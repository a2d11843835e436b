"""Folders that drivers leave: removed however deep they are, without harm to the run or to the next one."""

import os
import stat
from pathlib import Path

import pytest

from osiris_inspect.runtime.files.remove_tree import remove_tree
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from tests.runtime.faulty import nest_folders
from tests.runtime.runs import NAMES, events_of, faulty, make_run, status_of

DEPTH = 1_500
"""More than a stack of Python holds, and longer than a path may be."""


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    nest_folders(path, DEPTH)
    return path


def test_deep_folder_is_removed(nested: Path) -> None:
    (nested / "nested/file").write_text("x")
    (nested / "beside/inner").mkdir(parents=True)
    remove_tree(nested)
    assert not nested.exists()


def test_closed_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "closed/inner").mkdir(parents=True)
    (folder / "closed/inner/file").write_text("x")
    (folder / "closed/inner").chmod(0)
    (folder / "closed").chmod(0)
    remove_tree(folder)
    assert not folder.exists()


def test_what_links_lead_to_stays(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    (kept / "inner").mkdir(parents=True)
    (kept / "file").write_text("x")
    kept.chmod(0o750)
    (folder / "inner").mkdir(parents=True)
    (folder / "link").symlink_to(kept)
    (folder / "inner/link").symlink_to(kept)
    (folder / "file").hardlink_to(kept / "file")
    os.mkfifo(folder / "pipe")
    remove_tree(folder)
    assert not folder.exists()
    assert sorted(path.name for path in kept.iterdir()) == ["file", "inner"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o750


@pytest.mark.parametrize("words", ["missing", "a link", "a file"])
def test_no_folder_is_no_error(tmp_path: Path, words: str) -> None:
    path = tmp_path / "path"
    if words == "a link":
        (tmp_path / "other").mkdir()
        path.symlink_to(tmp_path / "other")
    elif words == "a file":
        path.write_text("x")
    remove_tree(path)
    assert os.path.lexists(path) == (words != "missing")


@pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])
def test_run_ends_in_order_with_folders_nested_by_driver(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=faulty("nest_folders", times=str(DEPTH)))
    remove_tree(outcome.path / "artifacts/first")  # pytest could not
    assert outcome.status == status_of(outcome.path)["status"] == "success"
    assert events_of(outcome.path)[-1]["event"] == "run_end"
    assert not (outcome.path / ".outputs").exists()


def test_deep_folder_of_killed_run_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stale = tmp_path / "osiris-worker-x_held"
    stale.mkdir(0o700)
    nest_folders(stale, DEPTH)
    with LockedTempDir() as folder:
        assert list(tmp_path.iterdir()) == [folder.path]
