"""What can go wrong with a worker, each on every transport it can happen on: noticed, named, ended in order."""

import fcntl
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.faulty import REPO
from tests.runtime.processes import workers_of
from tests.runtime.runs import (
    ENVIRONMENT,
    NAMES,
    PHASES,
    events_of,
    faulty,
    make_run,
    metrics_of,
    needs,
    noticed_after,
    run_on_a_small_disk,
    status_of,
)

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])
IN_A_CHILD = pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])


def _check_in_order(outcome: RunResult, error: str, kind: str) -> None:
    """The run failed in its first step for the reason named, the second was skipped, and every book is closed."""
    events = events_of(outcome.path)
    (failed,) = [event for event in events if event["event"] == "step_failed"]
    assert (failed["step_id"], failed["error_type"]) == ("first", kind)
    assert re.search(error, failed["error"]), failed["error"]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["event"] == "run_end"
    status = status_of(outcome.path)
    assert (status["status"], status["exit_code"], status["steps_failed"]) == ("failed", 1, ["first"])
    assert status["steps_skipped"] == {"second": "first"}


@EVERYWHERE
def test_a_driver_that_reads_stdin_finds_nothing_there(tmp_path: Path, on: str, transport: Transport) -> None:
    assert make_run(tmp_path, on, transport=transport, text=faulty("read_stdin")).status == "success"


@EVERYWHERE
@pytest.mark.parametrize(
    ("do", "error", "kind"),
    [
        ("sys_exit", r"called sys\.exit\(7\)", "SystemExit"),
        ("huge_error", r"^x+… \([\d,]+ characters more\)$", "ValueError"),
        ("odd_error", "whose __str__ raises RuntimeError", "_Unspeakable"),
        ("surrogates", r"a name that is no text: \\udcff", "ValueError"),
    ],
)
def test_what_a_driver_raises_fails_its_step_and_nothing_else(
    tmp_path: Path, on: str, transport: Transport, do: str, error: str, kind: str
) -> None:
    _check_in_order(make_run(tmp_path, on, transport=transport, text=faulty(do)), error, kind)


@IN_A_CHILD
@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("os_exit", "exit code 7"),
        ("segfault", "killed by SIGSEGV"),
        ("kill_9", "killed by SIGKILL"),
        ("kill_9_with_grandchild", "killed by SIGKILL"),
    ],
)
def test_a_worker_that_dies_is_noticed_within_a_second_and_said_how(
    tmp_path: Path, on: str, do: str, error: str
) -> None:
    outcome = make_run(tmp_path, on, text=faulty(do))
    _check_in_order(outcome, error, "WorkerLost")
    assert noticed_after(outcome.path) < 1.0


@IN_A_CHILD
def test_a_crash_in_c_leaves_the_line_of_python_it_came_from(tmp_path: Path, on: str) -> None:
    log = (make_run(tmp_path, on, text=faulty("segfault")).path / "worker.log").read_text()
    assert "faulty.py" in log
    assert "in segfault" in log


@IN_A_CHILD
def test_memory_over_its_bound_is_an_error_of_the_step(tmp_path: Path, on: str) -> None:
    needs(on)
    bounded = Stdio(ENVIRONMENT, on, ResourceLimits(memory_bytes=8 << 30))
    outcome = make_run(tmp_path, on, text=faulty("allocate"), transport=bounded)
    _check_in_order(outcome, "MemoryError", "MemoryError")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the exception that stops a thread can hit a finalizer
@EVERYWHERE
def test_a_step_that_hangs_is_ended_after_its_time(tmp_path: Path, on: str, transport: Transport) -> None:
    outcome = make_run(
        tmp_path, on, transport=transport, text=faulty("hang"), env={"E2B_STEP_TIMEOUT": "0.5"}
    )
    _check_in_order(outcome, "took longer than 0.5 s", "StepTimeout")


@IN_A_CHILD
def test_a_step_that_does_not_hear_term_is_killed_with_all_it_started(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=faulty("hang_against_term"), env={"E2B_STEP_TIMEOUT": "0.5"})
    _check_in_order(outcome, "took longer than 0.5 s", "StepTimeout")
    assert (
        "sleep 300"
        not in subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    )


@EVERYWHERE
def test_a_metric_that_is_no_number_is_told_and_fails_nothing(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    outcome = make_run(tmp_path, on, transport=transport, text=faulty("odd_metrics"))
    assert outcome.status == "success"
    kept = {
        entry["metric"]: entry["value"] for entry in metrics_of(outcome.path) if "metric_" in entry["metric"]
    }
    refused = [event["metric"] for event in events_of(outcome.path) if event["event"] == "metric_refused"]
    assert kept == {"metric_0": 3, "metric_1": 0.5, "metric_6": float(1 << 80)}
    assert refused == ["metric_2", "metric_3", "metric_4", "metric_5"]


@EVERYWHERE
def test_no_metric_is_lost_or_doubled_in_a_flood(tmp_path: Path, on: str, transport: Transport) -> None:
    outcome = make_run(tmp_path, on, transport=transport, text=faulty("tell_much", times="20000"))
    beats = [entry["value"] for entry in metrics_of(outcome.path) if entry["metric"] == "beat"]
    assert beats == list(range(20000))


@EVERYWHERE
def test_a_missing_module_is_named_before_the_first_step_with_what_brings_it(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    text = faulty("nothing").replace("test.faulty", "test.needy")
    outcome = make_run(tmp_path, on, transport=transport, text=text)
    assert outcome.status == "failed"
    assert "no_such_module_for_sure" in str(outcome.reason)
    assert "pymysql[rsa]" in str(outcome.reason)
    names = [event["event"] for event in events_of(outcome.path)]
    assert "step_start" not in names
    assert names[-1] == "run_end"


@IN_A_CHILD
def test_a_worker_that_cannot_start_leaves_a_whole_run(
    tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(on)
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no interpreter >&2\nexit 9\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    outcome = make_run(tmp_path, on)
    assert outcome.status == "failed"
    assert "exit code 9" in str(outcome.reason)
    assert "no interpreter" in (outcome.path / "worker.log").read_text()
    assert events_of(outcome.path)[-1]["event"] == "run_end"


RUN_IT = """
import sys, time, os
from pathlib import Path
from tests.runtime.runs import make_run, faulty
from tests.runtime import runs
outcome = make_run(Path(sys.argv[1]), sys.argv[2], text=faulty(sys.argv[3]))
print(outcome.status, outcome.reason, flush=True)
"""


def _host(folder: Path, on: str, do: str, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", RUN_IT, str(folder), on, do],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _wait_for(folder: Path, event: str, seconds: float = 60.0) -> Path:
    """Wait until a run under ``folder`` has told of ``event``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for log in folder.glob("logs/run_*/events.jsonl"):
            if f'"event":"{event}"' in log.read_text():
                return log.parent
        time.sleep(0.01)
    raise AssertionError(f"no {event} within {seconds} s")


@IN_A_CHILD
def test_when_the_host_is_killed_the_worker_ends_itself(tmp_path: Path, on: str) -> None:
    needs(on)
    host = _host(tmp_path, on, "hang")
    run = _wait_for(tmp_path, "step_start")
    assert _is_written(run)
    host.kill()
    host.communicate()
    assert not _is_written(run)
    until = time.monotonic() + 1.0
    while workers_of(run) and time.monotonic() < until:
        time.sleep(0.01)
    assert not workers_of(run)
    assert b'"run_end"' not in (run / "events.jsonl").read_bytes()


def _is_written(run: Path) -> bool:
    """Whether somebody holds the log of a run open for writing."""
    with (run / "events.jsonl").open() as log:
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_an_interrupt_in_any_phase_ends_the_run_in_order(
    tmp_path: Path, on: str, phase: str, number: signal.Signals
) -> None:
    host = _host(tmp_path, on, "nothing" if phase == "cleanup_complete" else "hang")
    run = _wait_for(tmp_path, phase)
    host.send_signal(number)
    out, err = host.communicate(timeout=30)
    events = events_of(run)
    status = status_of(run)
    assert events[-1]["event"] == "run_end"
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert not workers_of(run)
    if phase == "cleanup_complete":  # it came when all was done: both ends are right
        assert status["status"] in ("success", "interrupted")
    else:
        assert host.returncode == 0, err
        assert (status["status"], status["exit_code"], out.split()[0]) == ("interrupted", 130, "interrupted")
        info = events[-1]["error_info"]
        assert (info["kind"], info["facts"]["signal"]) == ("interrupted", number.name)


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_a_disk_that_fills_up_ends_the_run_with_a_verdict(tmp_path: Path, on: str) -> None:
    code = RUN_IT.replace("sys.argv[2]", repr(on)).replace(
        "faulty(sys.argv[3])", 'faulty("tell_much", times="100000")'
    )
    run, said = run_on_a_small_disk(tmp_path, code)
    assert said.startswith("failed cannot write the log: No space left on device")
    events = events_of(run)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["event"] == "run_end"
    assert status_of(run)["reason"].startswith("cannot write the log")
    assert events[-1]["error_info"]["kind"] == "disk-full"
    assert (run / "metrics.jsonl").read_bytes().endswith(b"\n")
