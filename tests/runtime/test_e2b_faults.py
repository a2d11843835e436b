"""What can go wrong between here and a sandbox in the cloud: the real SDK against the stand-in."""

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.model.errors import SettingsError, WorkerLost
from osiris_inspect.model.event import Event
from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.transport.e2b import transport as transport_module
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.sandbox import E2bSandbox
from osiris_inspect.runtime.transport.e2b.transport import E2bTransport
from osiris_inspect.runtime.transport.remote_files import RemoteListing
from osiris_inspect.runtime.transport.worker_exit import WorkerExit
from tests.runtime.clouds import QUICK, in_the
from tests.runtime.faulty import REPO
from tests.runtime.pipelines import STATS
from tests.runtime.runs import (
    PHASES,
    events_of,
    faulty,
    make_run,
    metrics_of,
    noticed_after,
    run_on_a_small_disk,
    status_of,
)

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]


@pytest.fixture(autouse=True)
def no_sandbox_left(cloud: Any) -> Any:
    yield
    assert not cloud.sandboxes
    cloud.faults.clear()


def _run(tmp_path: Path, cloud: Any, do: str, patience: E2bRetryPolicy = QUICK, **more: Any) -> RunResult:
    return make_run(tmp_path, "e2b", text=faulty(do), transport=in_the(cloud, patience), **more)


def _failure(outcome: RunResult) -> tuple[str, str, str]:
    """Step, type and words of the one failed step, with every book closed."""
    events = events_of(outcome.path)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["event"] == "run_end"
    assert status_of(outcome.path)["exit_code"] == 1
    assert status_of(outcome.path)["steps_skipped"] == {"second": "first"}
    (failed,) = [event for event in events if event["event"] == "step_failed"]
    return failed["step_id"], failed["error_type"], failed["error"]


def _names(outcome: RunResult) -> list[str]:
    return [event["event"] for event in events_of(outcome.path)]


def _beats(outcome: RunResult) -> list[float]:
    return [entry["value"] for entry in metrics_of(outcome.path) if entry["metric"] == "beat"]


def _after(event_name: str, do: Callable[[], None], seconds: float = 0.5) -> Callable[[Event], None]:
    """Watch a run and do something a moment after an event, from another thread."""
    timers: list[threading.Timer] = []

    def watch(event: Event) -> None:
        if event.name == event_name and not timers:
            timers.append(threading.Timer(seconds, do))
            timers[0].start()

    return watch


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("os_exit", "exit code 7"),
        ("segfault", "killed by SIGSEGV"),
        ("kill_9", "killed by SIGKILL"),
        ("kill_9_with_grandchild", "its process is gone|killed by SIGKILL"),
    ],
)
def test_a_worker_that_dies_is_noticed_within_a_second_and_said_how(
    tmp_path: Path, cloud: Any, do: str, words: str
) -> None:
    noticed: list[float] = []
    while not noticed or (min(noticed) >= 1.0 and len(noticed) < 5):  # a busy machine only ever adds to it
        outcome = _run(tmp_path / str(len(noticed)), cloud, do)
        step, kind, error = _failure(outcome)
        assert (step, kind) == ("first", "WorkerLost")
        assert re.search(words, error), error
        noticed.append(noticed_after(outcome.path))
    assert min(noticed) < 1.0, noticed


def test_a_step_that_hangs_is_ended_after_its_time(tmp_path: Path, cloud: Any) -> None:
    outcome = _run(tmp_path, cloud, "hang_against_term", env={"E2B_STEP_TIMEOUT": "0.5"})
    assert _failure(outcome)[1] == "StepTimeout"
    assert (
        "sleep 300"
        not in subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    )


def test_after_a_lost_connection_nothing_is_missing_and_nothing_comes_twice(
    tmp_path: Path, cloud: Any
) -> None:
    outcome = _run(tmp_path, cloud, "slowly", on_event=_after("step_start", cloud.cut))
    assert outcome.status == "success", outcome.reason
    assert {"connection_lost", "connection_restored"} <= set(_names(outcome))
    assert "lines_missing" not in _names(outcome)
    assert _beats(outcome) == list(range(len(_beats(outcome))))
    assert len(_beats(outcome)) > 20


def test_a_stream_that_dies_without_a_word_is_noticed_and_had_again(tmp_path: Path, cloud: Any) -> None:
    outcome = _run(tmp_path, cloud, "slowly", on_event=_after("step_start", cloud.mute))
    assert outcome.status == "success", outcome.reason
    assert "connection_restored" in _names(outcome)
    assert _beats(outcome) == list(range(len(_beats(outcome))))


def test_a_worker_that_ends_while_nobody_is_attached_loses_no_word(tmp_path: Path, cloud: Any) -> None:
    def lose() -> None:
        cloud.faults.extend([("/process.Process/Connect", 503)] * 8)
        cloud.cut()

    outcome = _run(tmp_path, cloud, "slowly", on_event=_after("step_start", lose))
    assert outcome.status == "success", outcome.reason
    assert _beats(outcome) == list(range(len(_beats(outcome))))


def test_a_sandbox_that_ends_in_the_middle_of_a_step_is_named(tmp_path: Path, cloud: Any) -> None:
    outcome = _run(tmp_path, cloud, "hang", on_event=_after("step_start", cloud.expire))
    step, kind, error = _failure(outcome)
    assert (step, kind) == ("first", "WorkerLost")
    assert "the sandbox is gone" in error


def test_a_lifetime_is_extended_while_the_run_is_alive(tmp_path: Path, cloud: Any) -> None:
    before = cloud.extended
    short = E2bRetryPolicy(sandbox_timeout_s=2, stall_timeout_s=5.0, reconnect_timeout_s=5.0, backoff=0.05)
    outcome = _run(tmp_path, cloud, "slowly", short)
    assert outcome.status == "success", outcome.reason
    assert cloud.extended > before + 1


def test_a_wrong_key_is_named_by_its_variable(tmp_path: Path, cloud: Any) -> None:
    wrong = E2bTransport({**cloud.environment(), "E2B_API_KEY": "e2b_" + "0" * 40}, retry_policy=QUICK)
    outcome = make_run(tmp_path, "e2b", transport=wrong)
    assert "E2B rejected the API key (401); check E2B_API_KEY" in str(outcome.reason)
    assert _names(outcome)[-1] == "run_end"


@pytest.mark.parametrize("status", [429, 502, 503])
def test_an_answer_that_passes_is_asked_for_again(tmp_path: Path, cloud: Any, status: int) -> None:
    before = cloud.created
    cloud.faults.extend([("sandboxes", status)] * 2)
    outcome = make_run(tmp_path, "e2b", transport=in_the(cloud))
    assert outcome.status == "success", outcome.reason
    assert cloud.created == before + 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "limits the request rate"), (503, "no capacity for a sandbox"), (500, "500"), (400, "400")],
)
def test_an_answer_that_does_not_pass_ends_the_run_and_says_so(
    tmp_path: Path, cloud: Any, status: int, words: str
) -> None:
    cloud.faults.extend([("sandboxes", status)] * 40)
    outcome = make_run(tmp_path, "e2b", transport=in_the(cloud))
    assert outcome.status == "failed"
    assert words in str(outcome.reason)
    assert status_of(outcome.path)["exit_code"] == 1


@pytest.mark.parametrize("path", ["/process.Process/SendInput", "/files", "/process.Process/Start"])
def test_one_failure_in_the_middle_is_survived(tmp_path: Path, cloud: Any, path: str) -> None:
    cloud.faults.append((path, 503))
    outcome = make_run(tmp_path, "e2b", transport=in_the(cloud))
    assert outcome.status == "success", outcome.reason
    assert "lines_missing" not in _names(outcome)


@pytest.mark.parametrize(
    ("artifacts", "fetched"),
    [
        ("none", set()),
        ("small", {"cleaned_config.json"}),
        ("all", {"cleaned_config.json", "output.parquet", "schema.json"}),
    ],
)
def test_artifacts_come_as_asked_for_and_outputs_always(
    tmp_path: Path, cloud: Any, artifacts: Any, fetched: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.proxy.artifact_download.SMALL_ARTIFACT_BYTES", 500)
    outcome = make_run(
        tmp_path, "e2b", env={"E2B_FORCE_SPILL": "1"}, transport=in_the(cloud), artifact_policy=artifacts
    )
    there = {path.name for path in outcome.path.glob("artifacts/[!_]*/*")}
    assert there == fetched
    assert (tmp_path / "stats.csv").read_text().count("\n") == 4
    assert ("artifact_left" in _names(outcome)) is (artifacts != "all")


def test_a_file_that_changes_on_its_way_is_not_written_and_said_so(
    tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = transport_module.E2bTransport.list_remote_files

    def changed(self: E2bTransport, *request: Any) -> Any:
        from dataclasses import replace

        files = listing(self, *request).files
        return RemoteListing(
            tuple(replace(file, sha256="0" * 64) if file.is_output else file for file in files)
        )

    monkeypatch.setattr(transport_module.E2bTransport, "list_remote_files", changed)
    outcome = make_run(tmp_path, "e2b", transport=in_the(cloud))
    assert outcome.status == "failed"
    assert "stats.csv' was not downloaded" in str(outcome.reason)
    assert not (tmp_path / "stats.csv").exists()


def test_a_binary_artifact_comes_back_byte_for_byte(tmp_path: Path, cloud: Any) -> None:
    import hashlib

    outcome = make_run(
        tmp_path, "e2b", env={"E2B_FORCE_SPILL": "1"}, transport=in_the(cloud), artifact_policy="all"
    )
    told = {event["path"]: event for event in events_of(outcome.path) if event["event"] == "artifact_fetched"}
    parquet = outcome.path / "artifacts/extract-movies/output.parquet"
    assert (
        told["artifacts/extract-movies/output.parquet"]["sha256"]
        == hashlib.sha256(parquet.read_bytes()).hexdigest()
    )


def test_a_pipeline_that_names_a_file_elsewhere_is_refused_before_a_sandbox_is_made(
    tmp_path: Path, cloud: Any
) -> None:
    before = cloud.created
    text = STATS.replace("path: movies.csv", "path: /etc/hostname")
    outcome = make_run(tmp_path / "base", "e2b", text=text, transport=in_the(cloud))
    assert re.search(r"reads '/etc/hostname', which is outside its folder", str(outcome.reason))
    assert cloud.created == before


def test_without_a_key_or_the_sdk_there_is_an_error_that_names_it(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unset in ({}, {"E2B_API_KEY": ""}, {"E2B_API_KEY": " "}):
        with pytest.raises(SettingsError, match="E2B_API_KEY"):
            E2bTransport(unset)
    assert E2bTransport({"E2B_API_KEY": "x", "E2B_TEMPLATE": " "}).details == {"template": None}
    monkeypatch.setattr(transport_module, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install .*'e2b<3"):
        E2bTransport({"E2B_API_KEY": "x"})


def test_send_after_worker_end_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = E2bSandbox({}, None, E2bRetryPolicy(backoff=0.0))
    attempts: list[bytes] = []

    async def fail(data: bytes) -> None:
        attempts.append(data)
        sandbox.inbox.end(WorkerExit("killed by SIGKILL"))
        raise ConnectionError

    monkeypatch.setattr(sandbox, "_write", fail)
    with pytest.raises(WorkerLost, match="killed by SIGKILL"):
        asyncio.run(sandbox.send(b"x\n"))
    assert attempts == [b"x\n"]


RUN_IT = """
import sys, os
from pathlib import Path
from osiris_inspect.runtime.transport.e2b.transport import E2bTransport
from tests.runtime.runs import make_run, faulty
outcome = make_run(Path(sys.argv[1]), "e2b", text=faulty(sys.argv[2]), transport=E2bTransport(os.environ, python=sys.executable))
print(outcome.status, flush=True)
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("phase", PHASES)
def test_an_interrupt_in_any_phase_ends_run_and_sandbox(
    tmp_path: Path, cloud: Any, phase: str, number: signal.Signals
) -> None:
    do = "nothing" if phase == "cleanup_complete" else "hang"
    host = subprocess.Popen(
        [sys.executable, "-c", RUN_IT, str(tmp_path), do],
        cwd=REPO,
        env=cloud.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(
        f'"event":"{phase}"' in log.read_text() for log in tmp_path.glob("logs/*/events.jsonl")
    ):
        time.sleep(0.01)
    host.send_signal(number)
    out, err = host.communicate(timeout=30)
    (run,) = (tmp_path / "logs").iterdir()
    events = events_of(run)
    assert events[-1]["event"] == "run_end", err
    assert [event["seq"] for event in events] == list(range(len(events)))
    if phase == "cleanup_complete":  # it came when all was done: both ends are right
        assert out.strip() in ("success", "interrupted"), err
    else:
        assert (out.strip(), status_of(run)["exit_code"]) == ("interrupted", 130), err
    assert not cloud.sandboxes


def test_a_disk_that_fills_up_ends_run_and_sandbox_with_a_verdict(tmp_path: Path, cloud: Any) -> None:
    code = RUN_IT.replace("faulty(sys.argv[2])", 'faulty("tell_much", times="100000")')
    run, said = run_on_a_small_disk(tmp_path, code, cloud.environment())
    assert said.startswith("failed")
    events = events_of(run)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["event"] == "run_end"
    assert status_of(run)["reason"] == "cannot write the log: No space left on device"
    assert (run / "metrics.jsonl").read_bytes().endswith(b"\n")
    assert not cloud.sandboxes
