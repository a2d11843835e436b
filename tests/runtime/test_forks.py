"""A process that a driver forks does not speak for the worker."""

import os
from pathlib import Path

import pytest

from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.runs import NAMES, events_of, faulty, make_run, metrics_of, status_of

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    # Python 3.12 warns of any fork in a process with threads
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
EVERYWHERE = pytest.mark.parametrize("on", NAMES)


def _run(folder: Path, on: str, do: str) -> RunResult:
    outcome = make_run(folder, on, text=faulty(do))
    if on == "local" and do == "fork_and_return":
        os.waitpid(-1, 0)  # the worker is this process
    return outcome


@EVERYWHERE
def test_forked_process_that_returns_is_ended_and_reported(tmp_path: Path, on: str) -> None:
    outcome = _run(tmp_path, on, "fork_and_return")
    events = events_of(outcome.path)
    names = [event["event"] for event in events]
    assert status_of(outcome.path)["status"] == "success"
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert names.count("step_complete") == 2
    assert names.count("driver_forked") == 1
    assert not {"wire_error", "lines_missing", "worker_lost"} & set(names)
    if on != "local":
        assert "was forked by the driver of step 'first'" in (outcome.path / "worker.log").read_text()


@EVERYWHERE
def test_metrics_of_forked_process_are_not_recorded(tmp_path: Path, on: str) -> None:
    outcome = _run(tmp_path, on, "fork_and_count")
    beats = [entry["value"] for entry in metrics_of(outcome.path) if entry["metric"] == "beat"]
    assert outcome.status == "success"
    assert beats == list(range(200))
