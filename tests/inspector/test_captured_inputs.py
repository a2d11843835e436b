"""Reports tell which inputs of failed steps are on disk, and why others are not."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.formats import html, markdown, text
from osiris_inspect.inspector.export.formats import json as json_report
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import captured_inputs
from tests.runtime.capturing import CAPTURING, pipeline
from tests.runtime.pipelines import STATS
from tests.runtime.runs import make_run


def _failed_run(tmp_path: Path, capture: str = "on-failure") -> Report:
    run = make_run(tmp_path, text=pipeline("raise_error"), components=CAPTURING, env={"E2B_CAPTURE": capture})
    return analyze(run.path)


def test_report_names_the_files_of_kept_inputs(tmp_path: Path) -> None:
    report, out = _failed_run(tmp_path), io.StringIO()
    text.render([report], out, width=400)
    assert (
        "  inputs kept broken.df in artifacts/source/output.parquet, broken.other in artifacts/source/data.parquet, "
        "join.df_early in artifacts/early/output.parquet, join.df_side in artifacts/side/output.parquet\n"
    ) in out.getvalue()
    assert "  side ──kept on disk──▶ join" in out.getvalue()
    assert not [finding for finding in report.findings if finding.rule == "spilled-and-still-in-memory"]


def test_report_names_the_reason_of_a_missing_input(tmp_path: Path) -> None:
    report = _failed_run(tmp_path, "never")
    assert captured_inputs(report.run) == (
        "not kept: broken.df, broken.other, join.df_early, join.df_side (--capture never)"
    )


@pytest.mark.parametrize("render", [html.render, markdown.render])
def test_other_reports_name_them_too(tmp_path: Path, render: Callable[..., None]) -> None:
    out = io.StringIO()
    render([_failed_run(tmp_path, "never")], out)
    assert (
        "not kept: broken.df, broken.other, join.df_early, join.df_side (--capture never)" in out.getvalue()
    )


def test_json_report_has_the_captures_of_each_step(tmp_path: Path) -> None:
    out = io.StringIO()
    json_report.render([_failed_run(tmp_path)], out)
    steps = {step["id"]: step.get("captures") for step in json.loads(out.getvalue())["runs"][0]["steps"]}
    assert [
        (entry["input"], entry["from_step"], entry["path"], entry["reason"]) for entry in steps["join"]
    ] == [
        ("df_early", "early", "artifacts/early/output.parquet", None),
        ("df_side", "side", "artifacts/side/output.parquet", None),
    ]
    assert steps["source"] is None


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"event": "frame_captured", "path": "artifacts/a/output.parquet"},
            "kept b.df in artifacts/a/output.parquet",
        ),
        ({"event": "frame_captured", "path": "../../etc/passwd"}, "kept b.df"),
        ({"event": "frame_captured", "path": 7}, "kept b.df"),
        (
            {"event": "capture_missed", "reason": "worker gone"},
            "not kept: b.df (the worker was gone; run with --capture always)",
        ),
        ({"event": "capture_missed", "reason": "a new reason"}, "not kept: b.df (a new reason)"),
        ({"event": "capture_missed"}, "not kept: b.df (unknown)"),
    ],
)
def test_last_event_about_an_input_counts(tmp_path: Path, event: dict[str, object], expected: str) -> None:
    lines = [
        {"event": "run_start"},
        {"event": "step_start", "step_id": "b"},
        {
            "event": "frame_captured",
            "step_id": "b",
            "input": "df",
            "from_step": "a",
            "path": "artifacts/a/x.parquet",
        },
        {"event": "step_failed", "step_id": "b", "error": "no"},
        {"step_id": "b", "input": "df", "from_step": "a", **event},
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert captured_inputs(load(tmp_path)) == expected


def test_run_without_capture_events_says_nothing(tmp_path: Path) -> None:
    assert captured_inputs(load(make_run(tmp_path, text=STATS).path)) == ""
