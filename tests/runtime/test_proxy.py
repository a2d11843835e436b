import errno
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.model.errors import RunError
from tests.runtime.pipelines import STATS, TWO_BRANCHES
from tests.runtime.runs import TRANSPORTS, events_of, make_run

pytestmark = pytest.mark.sampled(3)

EVERYWHERE = pytest.mark.parametrize("on", TRANSPORTS)


@EVERYWHERE
def test_a_run_leaves_every_file_of_the_contract(tmp_path: Path, on: str) -> None:
    path = make_run(tmp_path, on).path
    there = {str(entry.relative_to(path)) for entry in path.rglob("*") if entry.is_file()}
    assert {
        "events.jsonl",
        "metrics.jsonl",
        "manifest.yaml",
        "status.json",
        "worker.log",
        "cfg/extract-movies.json",
        "artifacts/extract-movies/cleaned_config.json",
        "artifacts/_system/run_card.json",
    } <= there
    assert not [name for name in there if name.endswith(".part")]


@EVERYWHERE
def test_seq_counts_from_zero_without_a_gap_and_run_end_is_last(tmp_path: Path, on: str) -> None:
    events = events_of(make_run(tmp_path, on).path)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert (events[-1]["event"], events[-1]["last_seq"]) == ("run_end", len(events) - 1)


@EVERYWHERE
def test_what_needs_a_failed_step_is_skipped_and_the_other_branch_goes_on(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=TWO_BRANCHES)
    steps = orjson.loads((outcome.path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    assert [(step["step_id"], step["status"], step["skipped_because"]) for step in steps] == [
        ("movies", "succeeded", None),
        ("broken", "failed", None),
        ("write-broken", "skipped", "broken"),
        ("good", "succeeded", None),
        ("write-good", "succeeded", None),
    ]
    assert outcome.status == "failed"
    assert (tmp_path / "good.csv").read_text() == "n\n14\n"
    assert not (tmp_path / "broken.csv").exists()


@EVERYWHERE
def test_a_consumer_that_failed_or_was_skipped_keeps_no_frame_in_memory(tmp_path: Path, on: str) -> None:
    path = make_run(tmp_path, on, text=TWO_BRANCHES, env={"E2B_RELEASE_CONSUMED": "1"}).path
    released = [event["step_id"] for event in events_of(path) if event["event"] == "frame_released"]
    assert released == ["movies", "good"]


@EVERYWHERE
def test_fail_fast_skips_the_other_branch_too(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=TWO_BRANCHES, fail_fast=True)
    status = orjson.loads((outcome.path / "status.json").read_bytes())
    assert status["steps_skipped"] == {"write-broken": "broken", "good": "broken", "write-good": "broken"}


@EVERYWHERE
def test_the_failed_steps_inputs_lie_on_disk_to_be_looked_at(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=TWO_BRANCHES)
    assert (outcome.path / "artifacts/movies/output.parquet").exists()


@EVERYWHERE
def test_a_failed_step_says_what_where_and_why(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=STATS.replace("movies.csv", "nope.csv"))
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert failed["error_type"] == "DriverError"
    assert failed["error"].startswith("step 'extract-movies': CSV file not found: ")
    assert "Traceback" in failed["traceback"]
    assert outcome.reason == "step 'extract-movies' failed"


@EVERYWHERE
def test_two_runs_in_one_millisecond_get_two_directories(tmp_path: Path, on: str) -> None:
    assert make_run(tmp_path, on).path != make_run(tmp_path, on).path


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the exception can hit a finalizer
@EVERYWHERE
def test_a_step_over_its_time_is_ended_and_named(tmp_path: Path, on: str) -> None:
    slow = STATS.replace("FROM input_df", "FROM input_df, range(10000000000) AS r WHERE hash(r.range) = 7")
    outcome = make_run(tmp_path, on, text=slow, env={"E2B_STEP_TIMEOUT": "1"})
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert (failed["step_id"], failed["error_type"]) == ("compute-stats", "StepTimeout")
    assert orjson.loads((outcome.path / "status.json").read_bytes())["steps_skipped"] == {
        "write-stats": "compute-stats"
    }


@EVERYWHERE
def test_a_watcher_that_cannot_show_what_it_sees_ends_no_run(tmp_path: Path, on: str) -> None:
    def watch(event: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    assert make_run(tmp_path, on, on_event=watch).status == "success"


def test_a_disk_that_refuses_at_the_start_leaves_no_half_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(RunError, match=r"cannot create a run directory in .*: No space left on device"):
        make_run(tmp_path, "local")
    assert not list((tmp_path / "logs").iterdir())
