"""Entries that a driver puts in the place of the host's files are reported and moved, never followed."""

import os
import stat
from pathlib import Path

import orjson
import pytest

from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from tests.runtime.runs import events_of, faulty, make_run, status_of

pytestmark = pytest.mark.sampled(3)

KINDS = {"link": "symbolic link", "pipe": "pipe", "directory": "directory"}
RUN_CARD = "artifacts/_system/run_card.json"


@pytest.mark.parametrize("words", KINDS)
@pytest.mark.parametrize("path", ["status.json", RUN_CARD])
def test_entry_in_place_of_file_is_reported(tmp_path: Path, path: str, words: str) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    text = faulty("plant", path=path, path_outside=str(outside), words=words)
    outcome = make_run(tmp_path, "none", text=text)
    (planted,) = [event for event in events_of(outcome.path) if event["event"] == "entry_planted"]
    assert outcome.status == "success"
    assert (planted["path"], planted["kind"]) == (path, KINDS[words])
    assert os.path.lexists(outcome.path / planted["moved_to"])
    assert outside.read_text() == "{}"
    assert orjson.loads((outcome.path / path).read_bytes())
    assert status_of(outcome.path)["status"] == "success"
    assert events_of(outcome.path)[-1]["event"] == "run_end"


@pytest.mark.parametrize("words", ["link", "pipe", "file"])
def test_entry_in_place_of_folder_is_reported(tmp_path: Path, words: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    text = faulty("plant", path="artifacts/_system", path_outside=str(outside), words=words)
    outcome = make_run(tmp_path, "none", text=text)
    (planted,) = [event for event in events_of(outcome.path) if event["event"] == "entry_planted"]
    assert planted["path"] == "artifacts/_system"
    assert not list(outside.iterdir())
    assert (outcome.path / RUN_CARD).is_file()
    assert not (outcome.path / "artifacts/_system").is_symlink()


@pytest.mark.parametrize("words", ["link", "pipe", "directory", "file"])
@pytest.mark.parametrize("path", ["events.jsonl", "metrics.jsonl"])
def test_replaced_log_is_restored(tmp_path: Path, path: str, words: str) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text("")
    text = faulty("plant", path=path, path_outside=str(outside), words=words)
    outcome = make_run(tmp_path, "none", text=text)
    events = events_of(outcome.path)
    assert [event["path"] for event in events if event["event"] == "entry_planted"] == [path]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["event"] == "run_end"
    assert (outcome.path / path).is_file()
    assert outside.read_text() == ""


def test_reserve_that_became_a_directory_does_not_end_the_run(tmp_path: Path) -> None:
    text = faulty("plant", path=".reserve", path_outside="", words="directory")
    outcome = make_run(tmp_path, "none", text=text)
    planted = [event["path"] for event in events_of(outcome.path) if event["event"] == "entry_planted"]
    assert planted == [".reserve"]
    assert status_of(outcome.path)["status"] == "success"


def test_write_creates_folders_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    with DirectoryWriter(tmp_path) as files:
        assert files.write("a/b/c.json", b"old") == ()
        assert files.write("a/b/c.json", b"new", sync=False) == ()
    assert (tmp_path / "a/b/c.json").read_bytes() == b"new"
    assert [entry.name for entry in (tmp_path / "a/b").iterdir()] == ["c.json"]


def test_write_follows_the_directory_that_was_opened(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with DirectoryWriter(run) as files:
        run.rename(tmp_path / "moved")
        run.mkdir()
        files.write("status.json", b"{}")
    assert (tmp_path / "moved/status.json").is_file()
    assert not list(run.iterdir())


def test_link_to_a_directory_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotADirectoryError):
        DirectoryWriter(tmp_path / "link")


def test_new_file_is_not_created_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "outside")
    with DirectoryWriter(tmp_path) as files:
        descriptor = files.create("events.jsonl")
        os.close(descriptor)
    assert not (tmp_path / "outside").exists()
    assert stat.S_ISREG((tmp_path / "events.jsonl").lstat().st_mode)
