"""A run read by a second process while the screens are loaded."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.cli.startup import prefetch as ahead
from osiris_inspect.cli.startup.prefetch import ReportPrefetch
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.pickling import attach_log
from osiris_inspect.inspector.event_log import key_events_cache as abridgement
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from tests.samples import SAMPLES

NOW = 1_795_348_800.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system makes no process by forking")


def nowhere() -> Path | None:
    """No folder for indexes."""
    return None


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})


@pytest.mark.parametrize("story", ["original_nonetype", "all_spilled"])
def test_what_was_read_ahead_is_what_would_have_been_read(story: str) -> None:
    (run,) = (SAMPLES / story).glob("run_*")
    begun = ReportPrefetch(run, NOW, nowhere)
    told = begun.result(run)
    assert told == analyze(run, now=NOW)
    assert begun.result(run) is None
    begun.close()


def test_a_run_that_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    (run / "events.jsonl").write_text("")
    (run / "events.jsonl").chmod(0o000)
    begun = ReportPrefetch(run, NOW, nowhere)
    told = begun.result(run)
    assert told is None or not told.run.events


def test_neither_a_long_run_without_an_index_nor_a_folder_is_read_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abridgement, "QUICK_BYTES", 10)
    (tmp_path / "events.jsonl").write_text(json.dumps({"event": "run_start"}))
    for place in (tmp_path, tmp_path / "nothing", SAMPLES):
        assert ReportPrefetch(place, NOW, nowhere).result(place) is None


def test_a_long_run_that_has_its_index_is_read_ahead_without_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abridgement, "QUICK_BYTES", 1_000)
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 1_000)
    run, cache = tmp_path / "run_1", tmp_path / "cache"
    run.mkdir()
    beat = json.dumps({"event": "heartbeat", "step_id": "a", "rows": 1})
    (run / "events.jsonl").write_text(f"{beat}\n" * 30_000)
    first = ReportPrefetch(run, NOW, lambda: cache)
    assert first.result(run) is None  # there is no index yet
    whole = analyze(run, now=NOW, cache=cache)
    told = ReportPrefetch(run, NOW, lambda: cache).result(run)
    assert told is not None
    assert isinstance(told.run.events, DeferredLog)
    assert len(told.run.events) == 30_000
    assert told.findings == whole.findings
    again = attach_log(told)
    assert list(again.run.events) == list(whole.run.events)
    assert replace(again, run=replace(again.run, events=())) == replace(
        whole, run=replace(whole.run, events=())
    )


def test_a_report_that_is_too_large_is_not_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MAX_PICKLE_BYTES", 100)
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    assert ReportPrefetch(run, NOW, nowhere).result(run) is None


def test_another_run_than_the_one_begun_is_not_given() -> None:
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    begun = ReportPrefetch(run, NOW, nowhere)
    assert begun.result(run.parent) is None
    begun.close()


def test_one_core_reads_nothing_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    assert ReportPrefetch(run, NOW, nowhere).result(run) is None


def test_what_is_not_taken_leaves_no_process() -> None:
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    begun = ReportPrefetch(run, NOW, nowhere)
    child = begun._child
    begun.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(child, 0)
