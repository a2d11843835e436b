"""Hostile archives: each is refused in one line, with little memory and time, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.archives.archive import unpack
from osiris_inspect.inspector.archives.limits import ARCHIVE_LIMITS
from osiris_inspect.model.errors import RunNotReadable
from tests.security import hostile_archives as hostile
from tests.security.opened_files import MAX_KB, MAX_SECONDS, open_all

NAMES = [name for name, _ in hostile.archives()]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the answer of the command line to each archive."""
    archives = ((name, make()) for name, make in hostile.archives())
    return open_all(tmp_path_factory.mktemp("hostile"), "hostile_archives", archives)


def test_there_are_many_hostile_archives() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_hostile_archive_is_refused(opened: dict[str, dict[str, Any]], name: str) -> None:
    outcome = opened[name]
    assert outcome["code"] == 3, outcome
    assert outcome["text"].count("\n") == 1, outcome
    assert outcome["text"].startswith(f"osiris-inspect: {name!r} c"), outcome
    assert "Traceback" not in outcome["text"]
    assert "/osiris-inspect-" not in outcome["text"]
    assert outcome["memory"] < MAX_KB, outcome
    assert outcome["seconds"] < MAX_SECONDS, outcome


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("symlink.tar", "is a symbolic link"),
        ("hard link.tar", "is a hard link"),
        ("pipe.tar", "is a pipe"),
        ("sparse.tar", "is a sparse file"),
        ("absolute.tar", "'/tmp/evil' in it is an absolute path"),
        ("parent by pax.tar", "'../evil' in it leads out of the archive"),
        ("twice.tar", "twice"),
        ("many files.tar", "more than 10,000 files and folders"),
        ("many folders.tar", "more than 10,000 files and folders"),
        ("digits in pax header.tar", "a number in it is too long"),
        ("cut before the end.tar", "ends early"),
        ("bomb.tgz", "as a decompression bomb does"),
        ("cut.tgz", "its gzip data ends early"),
        ("bomb.tar.zst", "as a decompression bomb does"),
        ("symlink.zip", "is a symbolic link"),
        ("encrypted.zip", "is encrypted"),
        ("lzma.zip", "a method other than deflate"),
        ("bomb.zip", "as a decompression bomb does"),
        ("long directory.zip", "its directory has"),
        ("checksum.zip", "Bad CRC-32"),
        ("no entries.zip", "contains no run"),
    ],
)
def test_reason_is_named(opened: dict[str, dict[str, Any]], name: str, reason: str) -> None:
    assert reason in opened[name]["text"]


def test_bytes_are_counted_while_unpacking(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(hostile.zip_of(("x", b"x" * 9_000)))
    (tmp_path / "into").mkdir()
    with pytest.raises(RunNotReadable, match=r"it unpacks to more than 5,000 bytes"):
        unpack(tmp_path / "x.zip", tmp_path / "into", ARCHIVE_LIMITS._replace(max_bytes=5_000))


def test_pipe_named_as_archive_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.tgz")
    with pytest.raises(RunNotReadable, match="not a regular file"):
        unpack(tmp_path / "x.tgz", tmp_path)


def test_terminated_command_removes_what_it_unpacked(tmp_path: Path) -> None:
    """The process waits for a browser while the run is unpacked."""
    (tmp_path / "x.tar").write_bytes(hostile.tar_of())
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "osiris_inspect", "open", "x.tar", "--web", "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while not list(tmp_path.glob("temporary/osiris-inspect-*/*/run_*")) and time.monotonic() < until:
            time.sleep(0.02)
        (folder,) = (tmp_path / "temporary").glob("osiris-inspect-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    assert list((tmp_path / "temporary").iterdir()) == []
