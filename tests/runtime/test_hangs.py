"""Workers that hang: silent ones are ended with the state of their process, waiting ones are only reported."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.transport.worker_state import read_state, worker_pid
from tests.runtime.faulty import COMPONENTS
from tests.runtime.processes import children
from tests.runtime.runs import NAMES, events_of, faulty, make_run, needs

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.sampled(3),
]

PROCESSES = pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])
EVERYWHERE = pytest.mark.parametrize("on", NAMES)
HANG_TIMEOUT_S = 2.0


def _run(folder: Path, on: str, do: str, **variables: str) -> RunResult:
    env = {"E2B_HANG_TIMEOUT": str(HANG_TIMEOUT_S), **variables}
    return make_run(folder, on, text=faulty(do), env=env)


def _events(outcome: RunResult, name: str) -> list[dict[str, Any]]:
    return [event for event in events_of(outcome.path) if event["event"] == name]


@pytest.mark.sampled(2)
@PROCESSES
@pytest.mark.parametrize(
    ("do", "state", "words"),
    [
        ("stop_itself", "stopped", r"its process is stopped by a signal"),
        ("hold_gil", "in-c-code", "code in C holds the GIL"),
        ("hold_gil_in_uninterruptible_call", "uninterruptible", "cannot be interrupted"),
    ],
)
def test_silent_worker_is_ended_with_its_state(
    tmp_path: Path, on: str, do: str, state: str, words: str
) -> None:
    needs(on)
    started = time.monotonic()
    outcome = _run(tmp_path, on, do)
    took = time.monotonic() - started
    (silent,) = _events(outcome, "worker_silent")
    (failed,) = _events(outcome, "step_failed")
    info = failed["error_info"]
    assert outcome.status == "failed"
    assert silent["state"] == state
    assert silent["process_state"][0] in {"stopped": "T", "uninterruptible": "D"}.get(state, "SR")
    assert 3 * HANG_TIMEOUT_S / 10 <= silent["silent_s"] < HANG_TIMEOUT_S
    assert (info["kind"], info["facts"]["state"]) == ("worker-hung", state)
    assert HANG_TIMEOUT_S <= info["facts"]["silent_s"] < HANG_TIMEOUT_S + 1.0
    assert words in failed["error"]
    assert "step_complete" not in [event["event"] for event in events_of(outcome.path)]
    assert events_of(outcome.path)[-1]["event"] == "run_end"
    assert took < 60


@PROCESSES
def test_worker_that_hangs_while_it_prepares_is_ended(tmp_path: Path, on: str) -> None:
    stops = replace(COMPONENTS["test.faulty"], driver="tests.runtime.stops_when_loaded:Driver")
    outcome = make_run(
        tmp_path,
        on,
        text=faulty("nothing"),
        env={"E2B_HANG_TIMEOUT": str(HANG_TIMEOUT_S)},
        components={**COMPONENTS, "test.faulty": stops},
    )
    (silent,) = _events(outcome, "worker_silent")
    (failed,) = _events(outcome, "prepare_failed")
    assert outcome.status == "failed"
    assert (silent.get("step_id"), silent["state"]) == (None, "stopped")
    assert (failed["error_info"]["kind"], failed["error_info"]["facts"]["state"]) == (
        "worker-hung",
        "stopped",
    )
    assert events_of(outcome.path)[-1]["event"] == "run_end"


@pytest.mark.sampled(2)
@PROCESSES
@pytest.mark.parametrize("do", ["stop_and_hang", "hold_gil"])
def test_hung_worker_leaves_the_stack_of_its_driver(tmp_path: Path, on: str, do: str) -> None:
    outcome = _run(tmp_path, on, do)
    (failed,) = _events(outcome, "step_failed")
    assert any(line.endswith(f"in {do}") for line in failed["traceback"].splitlines()[:2])
    assert f"in {do}" in (outcome.path / "worker.log").read_text()


@pytest.mark.sampled(3)
@EVERYWHERE
@pytest.mark.parametrize(
    ("do", "source"), [("deadlock", "lock.acquire()"), ("wait_on_socket", "mine.recv(1)")]
)
def test_waiting_step_is_named_and_ended_by_its_timeout(
    tmp_path: Path, on: str, do: str, source: str
) -> None:
    if on == "local" and do == "deadlock":
        pytest.skip("a thread that waits for a lock cannot be ended")
    outcome = _run(tmp_path, on, do, E2B_STEP_TIMEOUT="5")
    (waiting,) = _events(outcome, "step_waiting")
    (failed,) = _events(outcome, "step_failed")
    assert waiting["frame"]["function"] == do
    assert source in waiting["stack"].splitlines()[-1]
    assert waiting["idle_s"] >= HANG_TIMEOUT_S
    assert failed["error_info"]["kind"] == "step-timeout"
    assert not _events(outcome, "worker_silent")


@pytest.mark.sampled(3)
@EVERYWHERE
@pytest.mark.parametrize("do", ["compute", "report_rows"])
def test_working_step_is_neither_silent_nor_waiting(tmp_path: Path, on: str, do: str) -> None:
    outcome = _run(tmp_path, on, do)
    names = {event["event"] for event in events_of(outcome.path)}
    assert outcome.status == "success"
    assert "heartbeat" in names
    assert not names & {"worker_silent", "step_waiting"}


@EVERYWHERE
def test_programs_of_a_driver_receive_their_signals(tmp_path: Path, on: str) -> None:
    run = _run(tmp_path, on, "signal_child").path
    assert (run / "artifacts/first/code").read_text() == str(-signal.SIGUSR1)


def test_heartbeats_carry_cpu_time_and_frame_of_driver(tmp_path: Path) -> None:
    beats = _events(_run(tmp_path, "none", "compute"), "heartbeat")
    driving = [
        beat for beat in beats if beat["phase"] == "driving" and beat["frame"]["function"] == "compute"
    ]
    times = [beat["cpu_s"] for beat in driving]
    assert len(times) > 5
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.1


@pytest.mark.parametrize(("number", "state"), [(signal.SIGSTOP, "stopped"), (signal.SIGCONT, "in-c-code")])
def test_state_of_process_is_read_from_proc(number: signal.Signals, state: str) -> None:
    pid = os.posix_spawnp("sleep", ["sleep", "60"], os.environ)
    try:
        os.kill(pid, number)
        until = time.monotonic() + 5.0
        while read_state(pid).name != state and time.monotonic() < until:
            time.sleep(0.01)
        assert read_state(pid).name == state
        assert worker_pid(pid) == pid
        assert str(pid) in children()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert read_state(pid).name == "unknown"
