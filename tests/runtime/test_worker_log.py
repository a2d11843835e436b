"""The log of what drivers print stays within its bounds, with secrets masked."""

import re
from pathlib import Path

import pytest

from osiris_inspect.runtime.worker import worker_log
from osiris_inspect.runtime.worker.worker_log import WorkerLog

SECRET = "hunter2-and-more"


def test_long_log_keeps_its_beginning_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_log, "HEAD_BYTES", 1000)
    monkeypatch.setattr(worker_log, "TAIL_BYTES", 1000)
    log = WorkerLog(tmp_path / "worker.log", [SECRET])
    lines = [f"line {number} {SECRET}\n" for number in range(5000)]
    for line in lines:
        log.write(line.encode())
    log.close()
    text = (tmp_path / "worker.log").read_text()
    assert len(text) < 3200
    assert text.startswith("line 0 ***\nline 1 ***\n")
    assert text.endswith("line 4998 ***\nline 4999 ***\n")
    head, note, tail = re.split(r"\n\[(\d+) bytes of this log were left out here\]\n\n", text)
    whole = "".join(lines).replace(SECRET, "***")
    assert whole.startswith(head)
    assert len(head) + int(note) + len(tail) == len(whole)


def test_flood_of_output_leaves_a_bounded_log(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "worker.log")
    for _ in range(100):
        log.write(b"x" * (1 << 20))
    log.close()
    assert (tmp_path / "worker.log").stat().st_size < (25 << 20)


def test_recent_text_of_log_begins_at_a_mark(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "worker.log", [SECRET])
    log.write(b"before\n" * 100)
    mark = log.size
    log.write(f"after {SECRET}\n".encode())
    text = log.recent_text(mark)
    assert text.endswith("after ***\n")
    assert len(text) < 16 * len(SECRET) + 20
    log.close()
