"""Inputs of steps that failed or did not run are on disk with their values, or the log tells why they are not."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from osiris_inspect.model.event import Event
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames.spill import spill_file
from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.capturing import BIG_ROWS, CAPTURING, frame, pipeline
from tests.runtime.clouds import in_the
from tests.runtime.runs import events_of, make_run, needs

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

ANSWERS = ("raise_error", "no_frame", "wrong_key", "sys_exit", "memory_error")
"""Failures after which the worker lives."""
KILLS = ("os_exit", "kill_9")
ON = ("local", "sandbox", "e2b")
INPUTS = {
    ("broken", "df"): ("source", "df", "artifacts/source/output.parquet"),
    ("broken", "other"): ("source", "data", "artifacts/source/data.parquet"),
    ("join", "df_early"): ("early", "df", "artifacts/early/output.parquet"),
    ("side", "df"): ("early", "df", "artifacts/early/output.parquet"),
    ("join", "df_side"): ("side", "df", "artifacts/side/output.parquet"),
}
KEPT = tuple(key for key in INPUTS if key[0] != "side")
NEEDED = (("broken", "df"), ("broken", "other"), ("side", "df"), ("join", "df_early"))
"""The inputs that are needed if the worker ends during ``broken``: ``side`` does not run."""
VALUES = {("source", "data"): frame(3, start=7), ("source", "df"): frame(3), ("early", "df"): frame(2), ("side", "df"): frame(1)}  # fmt: skip


def _run(tmp_path: Path, on: str, request: pytest.FixtureRequest, text: str, **more: Any) -> RunResult:
    if on == "e2b":
        cloud = request.getfixturevalue("cloud")
        more["transport"] = in_the(cloud)
    else:
        needs(on)
    return make_run(tmp_path, on, text=text, components=CAPTURING, **more)


def _captures(run: RunResult) -> dict[tuple[str, str], dict[str, Any]]:
    """The last event about each input of a step that failed or was skipped."""
    names = ("frame_captured", "capture_missed")
    events = [event for event in events_of(run.path) if event["event"] in names]
    assert all(event["step_id"] == event["step"] for event in events)
    return {(event["step"], event["input"]): event for event in events}


def _assert_kept(run: RunResult, *inputs: tuple[str, str], values: Any = VALUES) -> None:
    """The files of these inputs have the values and the fingerprints from before the driver changed them."""
    captures, events = _captures(run), events_of(run.path)
    for step, name in inputs:
        from_step, key, path = INPUTS[step, name]
        event = captures[step, name]
        assert (event["event"], event["path"], event["from_step"]) == ("frame_captured", path, from_step), (
            event
        )
        spilled = spill_file.find_spill(run.path, from_step, key)
        assert spilled is not None
        assert event["bytes"] == spilled.bytes
        assert_frame_equal(spill_file.read_frame(spilled), values[from_step, key])
        logged = [
            other["fingerprint"]
            for other in events
            if (other["event"], other.get("step_id"), other.get("name")) == ("inputs_resolved", step, name)
            or (other["event"], other.get("step_id"), key) == ("output_stored", from_step, "df")
        ]
        assert logged
        assert set(logged) == {spilled.document["fingerprint"]}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("on", ON)
@pytest.mark.parametrize("do", ANSWERS)
def test_inputs_of_a_failed_and_a_skipped_step_are_kept(
    tmp_path: Path, on: str, do: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, on, request, pipeline(do))
    _assert_kept(run, *KEPT)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the exception that stops a thread can hit a finalizer
@pytest.mark.parametrize("on", ON)
def test_inputs_of_a_step_that_timed_out_are_kept(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, on, request, pipeline("hang"), env={"E2B_STEP_TIMEOUT": "2"})
    _assert_kept(run, *NEEDED)
    assert set(_captures(run)) == set(NEEDED)


def _interrupted_in(step: str, at: list[float]) -> Callable[[Event], None]:
    """Return a listener that sends SIGINT a moment after a step has started, and notes when."""

    def interrupt() -> None:
        at.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def on_event(event: Event) -> None:
        if (event.name, event.step) == ("step_start", step):
            threading.Timer(0.5, interrupt).start()

    return on_event


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("on", ["local", "none", "bwrap", "landlock", "e2b"])
def test_inputs_of_an_interrupted_step_are_kept(
    tmp_path: Path, on: str, jobs: int, request: pytest.FixtureRequest
) -> None:
    at: list[float] = []
    run = _run(tmp_path, on, request, pipeline("hang"), jobs=jobs, on_event=_interrupted_in("broken", at))
    assert time.monotonic() - at[0] < 5.0
    assert run.status == "interrupted"
    _assert_kept(run, ("broken", "df"), ("broken", "other"))
    last = [event["event"] for event in events_of(run.path)][-1]
    assert last == "run_end"


@pytest.mark.parametrize("on", ["none", "e2b"])
def test_inputs_of_an_interrupted_step_that_holds_the_gil_are_reported(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    at: list[float] = []
    run = _run(tmp_path, on, request, pipeline("hold_gil"), on_event=_interrupted_in("broken", at))
    assert time.monotonic() - at[0] < 5.0
    captures = _captures(run)
    assert {captures["broken", name]["reason"] for name in ("df", "other")} == {"interrupted"}


@pytest.mark.parametrize("on", ["sandbox", "e2b"])
def test_inputs_of_a_step_that_holds_the_gil_are_reported(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, on, request, pipeline("hold_gil"), env={"E2B_STEP_TIMEOUT": "2"})
    reasons = {key: event["reason"] for key, event in _captures(run).items()}
    assert reasons == dict.fromkeys(NEEDED, "worker gone")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("on", ["sandbox", "e2b"])
@pytest.mark.parametrize("do", KILLS)
def test_inputs_of_a_killed_step_are_reported_or_kept_before(
    tmp_path: Path, on: str, do: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path / "a", on, request, pipeline(do))
    missed = _captures(run)
    assert {event["reason"] for event in missed.values()} == {"worker gone"}
    assert set(missed) == set(NEEDED)
    always = _run(tmp_path / "b", on, request, pipeline(do), env={"E2B_CAPTURE": "always"})
    _assert_kept(always, ("broken", "df"), ("broken", "other"))
    assert _captures(always)["join", "df_early"]["reason"] == "worker gone"


@pytest.mark.parametrize("on", ["sandbox", "e2b"])
def test_an_input_that_was_spilled_before_a_kill_is_kept(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, on, request, pipeline("kill_9"), env={"E2B_FORCE_SPILL": "1"})
    _assert_kept(run, ("broken", "df"), ("side", "df"), ("join", "df_early"))
    assert _captures(run)["broken", "other"]["reason"] == "worker gone"


def test_capture_never_writes_nothing_and_says_so(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    run = _run(tmp_path, "local", request, pipeline("raise_error"), env={"E2B_CAPTURE": "never"})
    assert {event["reason"] for event in _captures(run).values()} == {"capture is off"}
    assert not list(run.path.glob("artifacts/*/*.parquet"))


def test_capture_always_leaves_frames_in_memory(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    run = _run(tmp_path, "local", request, pipeline("succeed"), env={"E2B_CAPTURE": "always"})
    assert run.status == "success"
    events = events_of(run.path)
    assert not _captures(run)
    written = {event["step_id"]: event["seq"] for event in events if event["event"] == "spill_write"}
    started = {event["step_id"]: event["seq"] for event in events if event["event"] == "step_start"}
    assert written["source"] < started["broken"]
    assert all(event.get("from_memory") for event in events if event["event"] == "inputs_resolved")
    assert (run.path / "artifacts/source/data.parquet").is_file()


def test_fail_fast_keeps_the_inputs_of_all_steps_that_did_not_run(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    later = "  - {id: later, component: test.breaks, needs: [early], config: {do: succeed}}\n"
    run = _run(tmp_path, "local", request, pipeline("raise_error", more=later), fail_fast=True)
    assert _captures(run)["later", "df"]["event"] == "frame_captured"
    assert ("join", "df_side") not in _captures(run)


def test_a_frame_is_kept_although_its_consumers_released_it(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, "local", request, pipeline("raise_error"), env={"E2B_RELEASE_CONSUMED": "1"})
    _assert_kept(run, *KEPT)


def test_a_disk_that_refuses_is_the_reason(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Filesystem, "free_bytes", lambda *_: 0)
    run = _run(tmp_path, "local", request, pipeline("raise_error"))
    missed = _captures(run)
    assert set(missed) == set(KEPT)
    assert {event["reason"] for event in missed.values()} == {"disk refused"}
    assert all("0 bytes are free on the disk" in event["error"] for event in missed.values())


def test_frames_above_the_limit_are_reported_with_size_and_option(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = _run(
        tmp_path / "a", "e2b", request, pipeline("raise_error", BIG_ROWS), env={"E2B_CAPTURE_LIMIT": "1MB"}
    )
    missed = _captures(run)["broken", "df"]
    assert (missed["reason"], missed["option"], missed["limit_bytes"]) == (
        "over the limit",
        "--capture-limit",
        1_000_000,
    )
    assert missed["bytes"] > 5 * 1024 * 1024
    kept = _run(tmp_path / "b", "e2b", request, pipeline("raise_error", BIG_ROWS))
    big = {("source", "df"): frame(BIG_ROWS), ("source", "data"): frame(BIG_ROWS, start=7)}
    _assert_kept(kept, ("broken", "df"), ("broken", "other"), values=big)


def test_frames_without_artifacts_are_reported(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    run = _run(tmp_path, "e2b", request, pipeline("raise_error"), artifact_policy="none")
    assert {event["reason"] for event in _captures(run).values()} == {"artifacts were not requested"}


@pytest.mark.parametrize("on", ["local", "e2b"])
def test_keep_frames_leaves_every_frame_on_disk(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    run = _run(tmp_path, on, request, pipeline("succeed", BIG_ROWS), env={"E2B_KEEP": "frames"})
    assert run.status == "success"
    stored = {event["step_id"]: event for event in events_of(run.path) if event["event"] == "output_stored"}
    for step, event in stored.items():
        spilled = spill_file.find_spill(run.path, step)
        assert spilled is not None
        spill_file.verify(spilled)
        assert spilled.document["fingerprint"] == event["fingerprint"]
