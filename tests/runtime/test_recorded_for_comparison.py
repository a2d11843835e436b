"""A log holds digests of the files that steps use, by which two runs can be compared."""

import os
from pathlib import Path
from typing import Any

import pytest
import xxhash

from osiris_inspect.runtime.worker import file_digests
from osiris_inspect.runtime.worker.file_digests import FileDigests
from tests.runtime.pipelines import MOVIES, STATS
from tests.runtime.runs import events_of, make_run


def _files(run: Path) -> list[tuple[Any, ...]]:
    names = ("step_id", "event", "path", "bytes", "xxh3", "complete")
    return [
        tuple(event[name] for name in names)
        for event in events_of(run)
        if event["event"] in ("file_read", "file_written")
    ]


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_files_of_a_run_have_digests_of_their_content(tmp_path: Path, on: str) -> None:
    run = make_run(tmp_path, on, text=STATS)
    written = (tmp_path / "stats.csv").read_bytes()
    assert _files(run.path) == [
        (
            "extract-movies",
            "file_read",
            "movies.csv",
            len(MOVIES),
            xxhash.xxh3_64(MOVIES.encode()).hexdigest(),
            True,
        ),
        ("write-stats", "file_written", "stats.csv", len(written), xxhash.xxh3_64(written).hexdigest(), True),
    ]


def test_file_of_a_step_that_failed_has_a_digest(tmp_path: Path) -> None:
    text = STATS.replace("{path: movies.csv}", "{path: movies.csv, columns: [nope]}")
    run = make_run(tmp_path, text=text)
    assert run.status == "failed"
    assert [entry[:3] for entry in _files(run.path)] == [("extract-movies", "file_read", "movies.csv")]


def test_digest_of_a_changed_file_is_not_complete(tmp_path: Path) -> None:
    file, digests = tmp_path / "a.csv", FileDigests(tmp_path)
    file.write_text("before")
    digests.add("read", file, file)
    file.write_text("changed")
    ((name, event),) = digests.events()
    assert (name, event["complete"], event["bytes"]) == ("file_read", False, 7)
    assert not list(digests.events())


def test_digest_of_a_large_file_covers_head_tail_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_digests, "MAX_HASHED_BYTES", 100)
    monkeypatch.setattr(file_digests, "_SAMPLE_BYTES", 10)

    def digest(content: bytes) -> dict[str, Any]:
        file, digests = tmp_path / "a.csv", FileDigests(tmp_path)
        file.write_bytes(content)
        digests.add("read", file, file)
        ((_, event),) = digests.events()
        return event

    base = digest(b"h" * 10 + b"m" * 100 + b"t" * 10)
    assert (base["complete"], base["bytes"]) == (False, 120)
    assert digest(b"h" * 10 + b"x" * 100 + b"t" * 10)["xxh3"] == base["xxh3"]
    assert digest(b"x" * 10 + b"m" * 100 + b"t" * 10)["xxh3"] != base["xxh3"]
    assert digest(b"h" * 10 + b"m" * 101 + b"t" * 10)["xxh3"] != base["xxh3"]


def test_pipes_and_missing_files_have_no_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    digests = FileDigests(tmp_path)
    for name in ("pipe", "absent"):
        digests.add("written", tmp_path / name, tmp_path / name)
    assert not list(digests.events())


def test_path_outside_the_folder_is_absolute(tmp_path: Path) -> None:
    file, digests = tmp_path / "a.csv", FileDigests(tmp_path / "base")
    file.write_text("a")
    digests.add("read", file, file)
    ((_, event),) = digests.events()
    assert event["path"] == file.as_posix()
