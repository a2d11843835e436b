import fcntl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.model import event as events
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.files.line_file import JsonlFile
from osiris_inspect.runtime.proxy.event_log import EventLog


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DirectoryWriter]:
    with DirectoryWriter(tmp_path) as files:
        yield files


def test_events_are_numbered_without_a_gap_and_read_back_as_written(
    tmp_path: Path, directory: DirectoryWriter
) -> None:
    with EventLog(directory, "run_1", Redactor()) as log:
        written = [log.write_event("rows_out", 1.25 + n, "worker", {"value": n}, "a") for n in range(3)]
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [events.decode(line).seq for line in lines] == [0, 1, 2]
    assert [events.decode(line).fields for line in lines] == [event.fields for event in written]


def test_a_torn_last_line_stays_one_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n{"torn')
    file = JsonlFile(path)
    file.write(b'{"b":2}')
    file.close()
    assert path.read_bytes() == b'{"a":1}\n{"torn\n{"b":2}\n'


def test_a_secret_never_reaches_the_file(tmp_path: Path, directory: DirectoryWriter) -> None:
    with EventLog(directory, "run_1", Redactor(["hunter22"])) as log:
        log.write_event(
            "step_failed",
            1.0,
            "worker",
            {"error": "user:hunter22@db", "causes": [{"message": "aHVudGVyMjI="}]},
        )
    text = (tmp_path / "events.jsonl").read_text()
    assert "hunter22" not in text
    assert "aHVudGVyMj" not in text


def test_a_line_the_disk_refuses_half_way_is_not_there_at_all(tmp_path: Path) -> None:
    """A bound on the size of files stands for the disk: it takes a part of the line and refuses the rest."""
    import resource
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from osiris_inspect.runtime.files.line_file import JsonlFile\n"
        "file = JsonlFile(Path(sys.argv[1])); file.write(b'x' * 50)\n"
        "try:\n    file.write(b'y' * 100)\nexcept OSError as error:\n    print(error.strerror)\n"
        "file.write(b'z' * 10)\n"
    )

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    path = tmp_path / "events.jsonl"
    words = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, preexec_fn=bound, check=True)
    assert done.stdout == "File too large\n"
    assert path.read_bytes() == b"x" * 50 + b"\n" + b"z" * 10 + b"\n"


def test_an_open_log_is_locked_and_a_closed_one_is_not(tmp_path: Path, directory: DirectoryWriter) -> None:
    log = EventLog(directory, "run_1", Redactor())
    with (tmp_path / "events.jsonl").open() as asking:
        with pytest.raises(BlockingIOError):
            fcntl.flock(asking, fcntl.LOCK_SH | fcntl.LOCK_NB)
        log.close()
        fcntl.flock(asking, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_log_waits_for_whoever_asks_whether_it_is_written(tmp_path: Path) -> None:
    with (tmp_path / "events.jsonl").open("w") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, (asking, fcntl.LOCK_UN)).start()
        log = JsonlFile(tmp_path / "events.jsonl", locked=True)
        with pytest.raises(BlockingIOError):
            fcntl.flock(asking, fcntl.LOCK_SH | fcntl.LOCK_NB)
        log.close()


def test_the_reserved_room_is_gone_with_the_log(tmp_path: Path, directory: DirectoryWriter) -> None:
    with EventLog(directory, "run_1", Redactor()) as log:
        reserve = (tmp_path / ".reserve").stat()
        assert reserve.st_blocks * 512 >= 128 * 1024
        assert reserve.st_mode & 0o777 == 0o600
        log.request_sync()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "metrics.jsonl"]
