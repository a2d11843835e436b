"""Which processes a test left behind."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """After the test there is no child more than before, and no process anywhere that works in its folder."""
    before = children()
    yield
    until = time.monotonic() + 1.0
    while (children() - before or workers_of(tmp_path)) and time.monotonic() < until:
        time.sleep(0.02)  # a process that was ended takes a moment to leave the table
    assert not workers_of(tmp_path)
    assert children() <= before


def children() -> set[str]:
    """The processes this one started, ended or not."""
    return {pid for pid, parent, words in _table() if parent == str(os.getpid()) and "ps -eo" not in words}


def workers_of(run: Path) -> list[str]:
    """The workers that were started on a run directory, or below a folder."""
    return [
        words for _, _, words in _table() if str(run) in words and "osiris_inspect.runtime.worker" in words
    ]


def _table() -> list[tuple[str, str, str]]:
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [(row[0], row[1], row[2] if len(row) > 2 else "") for row in rows]
