"""A process that a driver forks does not speak for the worker."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.faulty import REPO
from tests.runtime.runs import NAMES, events_of, metrics_of, needs, status_of

pytestmark = pytest.mark.usefixtures("nothing_left")
EVERYWHERE = pytest.mark.parametrize("on", NAMES)


def _run(folder: Path, on: str, do: str) -> Path:
    """Make a run in a process of its own, as users do.

    On ``local`` the driver forks the process of the host, and a fork of pytest's process with the threads of all
    tests before may die of them.
    """
    needs(on)
    code = (
        "import sys; from pathlib import Path; from tests.runtime.runs import faulty, make_run; "
        "print(make_run(Path(sys.argv[1]), sys.argv[2], text=faulty(sys.argv[3])).path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), on, do],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@EVERYWHERE
def test_forked_process_that_returns_is_ended_and_reported(tmp_path: Path, on: str) -> None:
    path = _run(tmp_path, on, "fork_and_return")
    events = events_of(path)
    names = [event["event"] for event in events]
    assert status_of(path)["status"] == "success"
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert names.count("step_complete") == 2
    assert names.count("driver_forked") == 1
    assert not {"wire_error", "lines_missing", "worker_lost"} & set(names)
    if on != "local":
        assert "was forked by the driver of step 'first'" in (path / "worker.log").read_text()


@EVERYWHERE
def test_metrics_of_forked_process_are_not_recorded(tmp_path: Path, on: str) -> None:
    path = _run(tmp_path, on, "fork_and_count")
    beats = [entry["value"] for entry in metrics_of(path) if entry["metric"] == "beat"]
    assert status_of(path)["status"] == "success"
    assert beats == list(range(200))
