"""Runs that a signal ended: a status of their own, neither a failure to explain nor a success."""

import io
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from osiris_inspect.cli.inspect.summarize import exit_code
from osiris_inspect.cli.startup.instant_verdict import verdict_lines
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.run_list import RunFilter, run_entry
from osiris_inspect.inspector.export.lineage.labels import GLYPHS
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import STATUS_WORDS, count_runs
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.tui.drawing import symbols
from tests.inspector.making import CHAIN, failing_locally, local, native, run_dir, succeeding_locally

INFO = {
    "kind": "interrupted",
    "message": "the run was interrupted by SIGTERM",
    "facts": {"signal": "SIGTERM"},
}
NATIVE = (
    native("run_start", 0, mode="local"),
    native("step_start", 1, step_id="extract", driver="mysql.extractor"),
    native("step_complete", 2, step_id="extract", rows_processed=3),
    native("step_start", 3, step_id="stats", driver="duckdb.processor"),
    native("step_failed", 4, step_id="stats", error="interrupted", error_type="Interrupted", error_info=INFO),
    native("run_error", 5, error="interrupted"),
    native("run_end", 6, status="interrupted", error_info=INFO),
)
STATUS = {"status.json": {"status": "interrupted", "ok": False, "exit_code": 130, "reason": "interrupted"}}


def _report(folder: Path, events: Sequence[Any] = NATIVE, files: Mapping[str, Any] | None = None) -> Report:
    return analyze(run_dir(folder, events, steps=CHAIN, files=files))


def _open_run(*more: Any) -> list[Any]:
    return [*succeeding_locally()[:2], *more]


def test_interrupted_run_has_its_own_status(tmp_path: Path) -> None:
    report = _report(tmp_path, files=STATUS)
    assert (report.run.status, report.run.finished) == ("interrupted", True)
    assert [step.status for step in report.run.steps] == ["succeeded", "interrupted"]
    assert report.root_cause is None
    (note,) = [finding for finding in report.findings if finding.rule == "run-interrupted"]
    assert str(note.severity) == "note"
    assert note.message == (
        "the run was interrupted by SIGTERM after 1 of 2 steps, while step 'stats' was running"
    )
    assert [(piece.file, piece.line) for piece in note.evidence] == [("events.jsonl", 7), ("events.jsonl", 4)]
    assert not [finding for finding in report.findings if finding.severity == "error"]


def test_interrupted_run_fails_a_check(tmp_path: Path) -> None:
    report = _report(tmp_path)
    assert exit_code([report], "error") == 1
    assert exit_code([report], "never") == 0
    assert count_runs([report.run.status]) == "1 runs, 0 failed, 1 interrupted"
    assert RunFilter(failed=True).matches(run_entry(report.run.path))


def test_failed_step_of_interrupted_run_is_explained(tmp_path: Path) -> None:
    failed = native("step_failed", 2, step_id="extract", error="something new", error_type="ValueError")
    report = _report(tmp_path, [*NATIVE[:2], failed, *NATIVE[3:]])
    assert report.run.status == "interrupted"
    assert [step.status for step in report.run.steps] == ["failed", "interrupted"]
    assert report.root_cause is not None
    assert report.root_cause.step == "extract"


def test_run_that_records_another_end_is_not_interrupted(tmp_path: Path) -> None:
    report = _report(tmp_path, [*NATIVE[:5], native("run_end", 6, status="failed")])
    assert report.run.status == "failed"
    assert [step.status for step in report.run.steps] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    "error",
    [
        "KeyboardInterrupt",
        "Unexpected error: KeyboardInterrupt",
        "Run cancelled",
        "interrupted by user",
        "canceled",
    ],
)
def test_original_that_logs_an_interrupt_is_interrupted(tmp_path: Path, error: str) -> None:
    report = _report(tmp_path, failing_locally(error))
    assert (report.run.status, report.run.steps[0].status) == ("interrupted", "interrupted")
    assert report.root_cause is None
    assert "run-interrupted" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    "error",
    [
        '(1317, "Query execution was interrupted")',
        "canceling statement due to user request",
        "order 7 was cancelled",
        "column 'cancelled' does not exist",
        "KeyboardInterruptHandler is not defined",
    ],
)
def test_error_about_something_cancelled_stays_a_failure(tmp_path: Path, error: str) -> None:
    assert _report(tmp_path, failing_locally(error)).run.status == "failed"


def test_run_error_interrupts_open_step(tmp_path: Path) -> None:
    report = _report(
        tmp_path, _open_run(local("run_error", 3, error="KeyboardInterrupt"), local("run_end", 4))
    )
    assert (report.run.status, report.run.steps[0].status) == ("interrupted", "interrupted")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("KeyboardInterrupt", "interrupted"),
        ("2026-01-01 00:00:02 - osiris - WARNING - Received SIGTERM, shutting down", "interrupted"),
        ("2026-01-01 00:00:02 - osiris - ERROR - the order was interrupted", "truncated"),
    ],
)
def test_last_line_of_text_log_tells_an_interrupt(tmp_path: Path, line: str, status: str) -> None:
    report = _report(tmp_path, _open_run(), {"osiris.log": f"2026-01-01 00:00:01 - INFO - begin\n{line}\n"})
    assert report.run.status == status


@pytest.mark.parametrize(
    "format_",
    [
        "text",
        "json",
        "junit",
        "markdown",
        "html",
        "sarif",
        "gitlab",
        "azure",
        "otlp",
        "openlineage",
        "chrome_trace",
    ],
)
def test_every_format_shows_an_interrupted_run(tmp_path: Path, format_: str) -> None:
    out = io.StringIO()
    import_module(f"osiris_inspect.inspector.export.formats.{format_}").render([_report(tmp_path)], out)
    word = "ABORT" if format_ == "openlineage" else "interrupted"
    assert word in out.getvalue()


def test_junit_has_an_error_and_no_failure(tmp_path: Path) -> None:
    out = io.StringIO()
    import_module("osiris_inspect.inspector.export.formats.junit").render([_report(tmp_path)], out)
    assert 'failures="0" errors="1"' in out.getvalue()
    assert '<error type="interrupted" message="the run was interrupted by SIGTERM">' in out.getvalue()


def test_first_lines_of_viewer_say_interrupted(tmp_path: Path) -> None:
    (line, *rest) = verdict_lines(str(_report(tmp_path, files=STATUS).run.path))
    assert line.startswith("! interrupted  ")
    assert not rest


def test_json_names_the_status_of_run_and_step(tmp_path: Path) -> None:
    out = io.StringIO()
    import_module("osiris_inspect.inspector.export.formats.json").render([_report(tmp_path)], out)
    run = json.loads(out.getvalue())["runs"][0]
    assert (run["status"], run["steps"][1]["status"]) == ("interrupted", "interrupted")


def test_every_status_has_its_word_and_symbol() -> None:
    assert set(STATUS_WORDS) == set(get_args(RunStatus))
    assert symbols.RUN.keys() == set(get_args(RunStatus))
    assert symbols.STEP.keys() == set(get_args(StepStatus))
    assert GLYPHS.keys() == set(get_args(StepStatus))


def test_step_that_waited_names_the_line_in_words(tmp_path: Path) -> None:
    frame = {"file": "driver.py", "line": 13, "function": "run"}
    events = _open_run(local("step_waiting", 6, step_id="extract", idle_s=300.0, frame=frame))
    findings = _report(tmp_path, events).findings
    (waited,) = [finding for finding in findings if finding.rule == "step-waiting"]
    assert waited.message.endswith("without using the CPU, in run (driver.py:13)")
