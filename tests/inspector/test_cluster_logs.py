"""Logs of a run on several machines: attempts, machines, moved frames, and clocks that differ."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.formats import text as text_format
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import location_label
from osiris_inspect.inspector.why import explain_step
from tests.inspector.making import CHAIN, native, run_dir

Made = tuple[Sequence[Any], Sequence[Any], dict[str, Any]]
ENVIRONMENT = {"python": "3.11.7", "packages": {"pandas": "3.1.0", "duckdb": "2.0.0"}, "isolation": "bwrap"}
OTHER_PACKAGES = {**ENVIRONMENT, "packages": {"pandas": "3.0.2", "duckdb": "2.0.0"}}


def numbered(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines with the numbers that the host gives them; their times stay those of their machines."""
    return [{**line, "seq": number} for number, line in enumerate(lines)]


def on_node(node: str, event: str, second: float, step: str | None = None, **fields: Any) -> dict[str, Any]:
    named = {} if step is None else {"step_id": step}
    line = native(event, 0, side="worker", node=node, **named, **fields)
    return {**line, "ts": f"2026-01-01T00:00:{second:09.6f}+00:00"}


def on_host(event: str, second: float, step: str | None = None, **fields: Any) -> dict[str, Any]:
    named = {} if step is None else {"step_id": step}
    return {
        **native(event, 0, side="host", **named, **fields),
        "ts": f"2026-01-01T00:00:{second:09.6f}+00:00",
    }


def cluster_run(
    *,
    lost: bool = False,
    fetch_ms: int = 200,
    skew: float = 0.0,
    environments: Sequence[dict[str, Any]] = (ENVIRONMENT, ENVIRONMENT),
    jump: float = 0.0,
) -> Made:
    """``extract`` on w1 and ``stats`` on w2, whose clock is ``skew`` seconds late; ``lost``: w3 had ``stats`` first."""
    attempt = 2 if lost else 1
    lines = [
        on_host("run_start", 0, mode="dask"),
        on_host("cluster", 0.1, engine="dask", machines=[{"name": "w1"}, {"name": "w2"}]),
        on_node("w1", "environment", 8, **environments[0]),
        on_host("step_sent", 8, "extract", attempt=1, task="t1"),
        on_node("w1", "step_claimed", 8.1, "extract", attempt=1, waited_ms=5),
        on_node("w1", "step_start", 8.2, "extract", attempt=1, driver="mysql.extractor"),
        on_node("w1", "rows_out", 9, "extract", value=500),
        on_node("w1", "output_stored", 9.1, "extract", storage="spill", rows=500, attempt=1),
        on_node("w1", "frame_sent", 9.2, "extract", bytes=12_000_000, ms=100, uri="frames/extract/1"),
        on_node("w1", "step_complete", 9.3 - jump, "extract", attempt=1, rows_processed=500),
    ]
    if lost:
        lines += [
            on_host("step_sent", 9.3, "stats", attempt=1, task="t2"),
            on_node("w3", "step_claimed", 9.4, "stats", attempt=1),
            on_node("w3", "step_start", 9.5, "stats", attempt=1, driver="duckdb.processor"),
            on_node("w3", "inputs_resolved", 9.6, "stats", from_step="extract", rows=500, from_spill=True),
            on_host("cluster_changed", 10, action="left", machine="w3", reason="the connection closed"),
            on_host("step_lost", 10, "stats", attempt=1, node="w3", error="machine w3 left the cluster"),
            on_host("lines_lost", 10, "stats", node="w3", attempt=1, after_seq=2),
            on_host("step_retry", 10.1, "stats", attempt=2, of=2, because="machine-lost", wait_s=0),
        ]
    at = 10.5 - skew
    lines += [
        on_node("w2", "environment", at, **environments[1]),
        on_host("step_sent", 10.5, "stats", attempt=attempt, task="t3"),
        on_node("w2", "step_claimed", at + 0.1, "stats", attempt=attempt),
        on_node(
            "w2",
            "frame_fetched",
            at + 0.2,
            "stats",
            from_step="extract",
            bytes=12_000_000,
            ms=fetch_ms,
            attempt=1,
        ),
        on_node("w2", "step_start", at + 0.3, "stats", attempt=attempt, driver="duckdb.processor"),
        on_node(
            "w2",
            "inputs_resolved",
            at + 0.4,
            "stats",
            from_step="extract",
            key="df",
            rows=500,
            from_spill=True,
        ),
        on_node("w2", "rows_out", at + 0.9, "stats", value=20),
        on_node("w2", "output_stored", at + 1, "stats", storage="memory", rows=20, attempt=attempt),
        on_node("w2", "step_complete", at + 1.1, "stats", attempt=attempt, rows_processed=20),
        on_host("run_end", 13, status="success"),
    ]
    return numbered(*lines), CHAIN, {"status.json": {"status": "success", "ok": True}}


HITS: Sequence[tuple[str, Made]] = (
    ("attempt-lost", cluster_run(lost=True)),
    ("frames-moved", cluster_run(fetch_ms=1500)),
    ("machines-differ", cluster_run(environments=(ENVIRONMENT, OTHER_PACKAGES))),
    ("clock-skew", cluster_run(jump=4)),
)
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("attempt-lost", cluster_run()),
    ("frames-moved", cluster_run(fetch_ms=200)),
    ("machines-differ", cluster_run()),
    ("clock-skew", cluster_run(skew=7)),
    ("idle-gap", cluster_run(skew=9)),
    ("step-run-twice", cluster_run(lost=True)),
    ("log-gap", cluster_run(lost=True)),
    ("steps-out-of-order", cluster_run(skew=9)),
)


def build(folder: Path, made: Made) -> Path:
    events, steps, files = made
    return run_dir(folder, events, steps=steps, files=files)


def as_text(report: Report) -> str:
    out = StringIO()
    text_format.render([report], out)
    return out.getvalue()


@pytest.mark.parametrize("skew", [0, 7])
def test_good_run_on_machines_with_other_clocks_has_no_findings(tmp_path: Path, skew: float) -> None:
    report = analyze(build(tmp_path, cluster_run(skew=skew)))
    assert report.run.status == "success"
    assert [finding.rule for finding in report.findings] == []


def test_steps_name_their_machines_and_moved_frames(tmp_path: Path) -> None:
    report = analyze(build(tmp_path, cluster_run()))
    assert [(step.id, step.nodes) for step in report.run.steps] == [("extract", ("w1",)), ("stats", ("w2",))]
    (edge,) = report.lineage.edges
    assert (edge.location, edge.rows_in, edge.lost_rows) == ("spill", 500, 0)
    assert location_label(edge, report.run) == "moved w1 → w2, 12.0 MB"
    text = as_text(report)
    assert "extract ──500 rows, moved w1 → w2, 12.0 MB──▶ stats as df" in text
    table = [line.split() for line in text.splitlines() if " ✓ succeeded " in line]
    assert [(cells[0], cells[-1]) for cells in table] == [("extract", "w1"), ("stats", "w2")]


def test_why_follows_an_input_across_machines(tmp_path: Path) -> None:
    run = build(tmp_path, cluster_run())
    report = analyze(run)
    (trace,) = explain_step(report, "stats").input_traces
    assert [(entry.name, entry.text) for entry in trace.trace_steps][-2:] == [
        ("moved", "12.0 MB fetched from w1 to w2"),
        ("result", "the driver received 500 rows from spill"),
    ]


def test_lost_attempt_counts_neither_rows_nor_as_failure(tmp_path: Path) -> None:
    report = analyze(build(tmp_path, cluster_run(lost=True)))
    (step,) = [step for step in report.run.steps if step.id == "stats"]
    assert (step.status, step.retries, step.nodes, step.rows_in) == ("succeeded", 1, ("w3", "w2"), 500)
    assert [error.message for error in step.retry_errors] == ["machine w3 left the cluster"]
    messages = {finding.rule: finding.message for finding in report.findings}
    assert messages == {
        "attempt-lost": "succeeded at attempt 2; 1 attempt before was lost with w3",
        "unreadable-lines": messages["unreadable-lines"],
    }
    assert "lines of machine w3 were lost with it after its line 2" in messages["unreadable-lines"]


def test_step_that_no_machine_took_is_waiting(tmp_path: Path) -> None:
    events, steps, _ = cluster_run()
    cut = [*events[:10], on_host("step_sent", 9.3, "stats", attempt=1, task="t2")]
    report = analyze(run_dir(tmp_path, numbered(*cut), steps=steps))
    (step,) = [step for step in report.run.steps if step.id == "stats"]
    assert (step.status, step.is_waiting) == ("not_started", True)
    assert "· waiting" in as_text(report)
